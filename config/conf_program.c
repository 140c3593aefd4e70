/* SPDX-License-Identifier: MIT */
/*
 * From keys to how a worker's process is made: words, limits, where output
 * goes. Variables are conf_env.c's, user and group conf_identity.c's, functions
 * conf_function.c's, sockets conf_listen.c's.
 */
#include "config.h"

#include <string.h>

#include "config/conf_priv.h"

#define LIMITS_MAX 32 /* more than there are resources */
/* NAME_MAX without ".stdout.log.1000" */
#define LOG_NAME_MAX 238

const char *
rv_cmake_text(const struct rv_cmake *m, const struct rv_cnode *node)
{
	const char *text = json_string_value(node->value);

	return rv_conf_expand(
	    m->l, m->l->arena, node, text != NULL ? text : "", m->x);
}

const char *
rv_cmake_path(const struct rv_cmake *m, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_lookup(m->l, m->scope, key);

	return node == NULL ? NULL
			    : rv_conf_absolute(m->l, rv_cmake_text(m, node));
}

/* -------- the command -------- */

static const char *const *
array_words(const struct rv_cmake *m, const struct rv_cnode *node)
{
	const char **words;
	size_t n = 0;

	for (const struct rv_cnode *w = node->first; w != NULL; w = w->next) {
		n++;
	}
	words = rv_arena_get(m->l->arena, n + 1, sizeof(words[0]));
	if (words == NULL) {
		return NULL;
	}
	n = 0;
	for (const struct rv_cnode *w = node->first; w != NULL; w = w->next) {
		words[n++] = rv_cmake_text(m, w);
	}
	return words;
}

/* Expanded, then split, as supervisord does: a variable may hold words. */
static const char *const *
string_words(const struct rv_cmake *m, const struct rv_cnode *node)
{
	struct rv_arena *scratch = &m->l->scratch;
	const char *text = json_string_value(node->value);

	if (strchr(text, '%') == NULL) {
		return rv_conf_words(m->l, m->l->arena, node, text, true);
	}
	if (rv_conf_words(m->l, scratch, node, text, true) == NULL) {
		return NULL;
	}
	text = rv_conf_expand(m->l, scratch, node, text, m->x);
	return rv_conf_words(m->l, m->l->arena, node, text, false);
}

/* As it is written: conf_check.c has said so. */
static bool
is_told_empty(const struct rv_cnode *node)
{
	const struct rv_cnode *first =
	    rv_cnode_is(node, JSON_ARRAY) ? node->first : node;

	return rv_cnode_is(first, JSON_STRING) &&
	       json_string_length(first->value) == 0;
}

static void
fill_command(const struct rv_cmake *m)
{
	const struct rv_cnode *node =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_COMMAND);
	const char *const *words = NULL;
	const char **first;

	if (is_told_empty(node)) {
		return;
	}
	if (rv_cnode_is(node, JSON_STRING)) {
		words = string_words(m, node);
	} else if (rv_cnode_is(node, JSON_ARRAY)) {
		words = array_words(m, node);
	}
	m->p->argv = words;
	if (words == NULL || words[0] == NULL) {
		return; /* told already */
	}
	first = (const char **)(uintptr_t)words;
	if (first[0][0] == '\0') {
		rv_conf_error(m->l, node, "names no program once expanded");
	} else if (strchr(first[0], '/') != NULL) {
		first[0] = rv_conf_absolute(m->l, first[0]);
	}
}

static void
check_size(const struct rv_cmake *m)
{
	size_t bytes = 0;

	for (size_t i = 0; m->p->argv != NULL && m->p->argv[i] != NULL; i++) {
		bytes += strlen(m->p->argv[i]) + 1;
	}
	for (size_t i = 0; m->p->env_set[i] != NULL; i++) {
		bytes += strlen(m->p->env_set[i]) + 1;
	}
	if (bytes > RV_CARGS_MAX) {
		rv_conf_error(m->l, m->scope->own,
		    "command and environment have %zu bytes: at most %d", bytes,
		    RV_CARGS_MAX);
	}
}

/* -------- limits and scheduling -------- */

static void
add_limits(const struct rv_cmake *m, struct rv_limit *list, unsigned *n,
    const struct rv_cscope *scope)
{
	const struct rv_cnode *object;

	if (scope == NULL) {
		return;
	}
	add_limits(m, list, n, scope->above);
	object = scope == m->scope ? scope->own
				   : rv_cnode_get(scope->own, "defaults");
	object = rv_cnode_get(object, "limits");
	if (!rv_cnode_is(object, JSON_OBJECT)) {
		return;
	}
	for (const struct rv_cnode *o = object->first; o != NULL; o = o->next) {
		struct rv_limit limit;
		unsigned i = 0;

		if (!rv_cval_limit(m->l, o, &limit)) {
			continue;
		}
		while (i < *n && list[i].resource != limit.resource) {
			i++;
		}
		list[i] = limit;
		*n += i == *n;
	}
}

static void
fill_limits(const struct rv_cmake *m)
{
	struct rv_limit list[LIMITS_MAX], *kept;
	unsigned n = 0;

	add_limits(m, list, &n, m->scope);
	if (n == 0) {
		return;
	}
	kept = rv_arena_get(m->l->arena, n, sizeof(*kept));
	if (kept != NULL) {
		memcpy(kept, list, n * sizeof(*kept));
		m->p->limits = kept;
		m->p->n_limits = n;
	}
}

static void
fill_scheduling(const struct rv_cmake *m)
{
	const struct rv_cnode *node;

	m->p->umask = -1;
	node = rv_conf_lookup(m->l, m->scope, RV_CKEY_UMASK);
	if (node != NULL && !rv_cval_umask(m->l, node, &m->p->umask)) {
		m->p->umask = -1;
	}
	m->p->set_nice = rv_conf_lookup(m->l, m->scope, RV_CKEY_NICE) != NULL;
	m->p->nice = (int)rv_conf_int(m->l, m->scope, RV_CKEY_NICE);
	m->p->set_oom =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_OOM_SCORE_ADJ) != NULL;
	m->p->oom_score_adj =
	    (int)rv_conf_int(m->l, m->scope, RV_CKEY_OOM_SCORE_ADJ);
}

/* -------- output -------- */

static const char *
auto_path(const struct rv_cmake *m, const char *stream)
{
	const char *path = m->spec->path;
	struct rv_buf name;
	const char *result;

	rv_buf_init(&name, LOG_NAME_MAX);
	for (; *path != '\0'; path++) {
		if (*path == '/') {
			rv_buf_adds(&name, "__");
		} else {
			rv_buf_addc(&name, *path);
		}
	}
	if (name.starved) {
		m->l->arena->failed = true;
	} else if (name.failed) {
		rv_conf_error(m->l, m->scope->own,
		    "its path is too long to name a log file: shorten the "
		    "names, or give %s_logfile",
		    stream);
	}
	result = rv_arena_format(m->l->arena, "%s/logs/%s.%s.log",
	    m->l->block->conf.state_dir, rv_buf_str(&name), stream);
	rv_buf_finish(&name);
	return result;
}

static void
fill_out(const struct rv_cmake *m, struct rv_out *out, const char *stream,
    enum rv_ckey file, enum rv_ckey maxbytes, enum rv_ckey backups)
{
	const struct rv_cnode *node = rv_conf_lookup(m->l, m->scope, file);
	const struct rv_cnode *size = rv_conf_lookup(m->l, m->scope, maxbytes);
	const char *text = rv_cmake_text(m, node);

	out->kind = RV_OUT_FILE;
	if (strcmp(text, "AUTO") == 0) {
		out->path = auto_path(m, stream);
	} else if (strcmp(text, "NONE") == 0) {
		out->kind = RV_OUT_NONE;
	} else if (strcmp(text, "inherit") == 0) {
		out->kind = RV_OUT_INHERIT;
	} else if (text[0] == '\0') {
		rv_conf_error(m->l, node, "is empty once expanded");
	} else {
		out->path = rv_conf_absolute(m->l, text);
	}
	if (!rv_cval_size(m->l, &rv_schema[maxbytes], size, &out->max_bytes)) {
		out->max_bytes = 0;
	}
	out->backups = (uint32_t)rv_conf_int(m->l, m->scope, backups);
}

static void
fill_output(const struct rv_cmake *m)
{
	fill_out(m, &m->p->out, "stdout", RV_CKEY_STDOUT_LOGFILE,
	    RV_CKEY_STDOUT_LOGFILE_MAXBYTES, RV_CKEY_STDOUT_LOGFILE_BACKUPS);
	if (rv_conf_bool(m->l, m->scope, RV_CKEY_REDIRECT_STDERR)) {
		const struct rv_cnode *unused =
		    rv_cnode_get(m->scope->own, "stderr_logfile");

		if (unused != NULL) {
			rv_conf_warn(m->l, unused,
			    "has no effect: redirect_stderr sends it to "
			    "stdout");
		}
		m->p->err = (struct rv_out){ .kind = RV_OUT_MERGED };
		return;
	}
	fill_out(m, &m->p->err, "stderr", RV_CKEY_STDERR_LOGFILE,
	    RV_CKEY_STDERR_LOGFILE_MAXBYTES, RV_CKEY_STDERR_LOGFILE_BACKUPS);
}

static void
fill_ready(const struct rv_cmake *m)
{
	struct rv_cready ready;

	m->p->ready_fd = -1;
	if (rv_cval_ready(
		m->l, rv_conf_lookup(m->l, m->scope, RV_CKEY_READY), &ready)) {
		m->p->ready = ready.channel;
		m->p->ready_fd = ready.fd;
	}
}

void
rv_conf_program(struct rv_loader *l, const struct rv_cscope *scope,
    struct rv_spec *spec, const struct rv_expansion *x)
{
	struct rv_program *p = rv_arena_get(l->arena, 1, sizeof(*p));
	struct rv_cmake m = { l, scope, p, spec, x };

	if (p == NULL) {
		return;
	}
	if (rv_cnode_get(scope->own, "function") == NULL) {
		fill_command(&m);
	}
	rv_cmake_function(&m);
	rv_cmake_listen(&m);
	rv_cmake_environment(&m);
	check_size(&m);
	p->directory = rv_cmake_path(&m, RV_CKEY_DIRECTORY);
	rv_cmake_identity(&m);
	fill_limits(&m);
	fill_scheduling(&m);
	fill_output(&m);
	fill_ready(&m);
	rv_cmake_overlap(&m);
	spec->program = p;
}
