/* SPDX-License-Identifier: MIT */
/*
 * From keys to how a worker's process is made: words, variables, identity,
 * limits, where output goes. Looks users up, reads environment files.
 */
#include "config.h"

#include "config/conf_priv.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

#define ARGS_MAX   (128 * 1024) /* bytes of words and variables together */
#define LIMITS_MAX 32           /* more than there are resources */
#define LOOKUP_MAX (64 * 1024)  /* bytes of a user's or group's entry */

struct make {
	struct rv_loader *l;
	const struct rv_cscope *scope;
	struct rv_program *p;
	struct rv_spec *spec;
	const struct rv_expansion *x;
};

static const char *
expanded(const struct make *m, const struct rv_cnode *node)
{
	const char *text = json_string_value(node->value);

	return rv_conf_expand(m->l, node, text != NULL ? text : "", m->x);
}

/* NULL where the key is not written. */
static const char *
path_of(const struct make *m, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_lookup(m->l, m->scope, key);

	return node == NULL ? NULL : rv_conf_absolute(m->l, expanded(m, node));
}

/* -------- the command -------- */

static const char *const *
array_words(const struct make *m, const struct rv_cnode *node)
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
		words[n++] = expanded(m, w);
	}
	return words;
}

/* Split first: what an expression brings in is never split. */
static const char *const *
string_words(const struct make *m, const struct rv_cnode *node)
{
	const char *const *split =
	    rv_conf_words(m->l, node, json_string_value(node->value));
	const char **words;
	size_t n = 0;

	while (split != NULL && split[n] != NULL) {
		n++;
	}
	words = rv_arena_get(m->l->arena, n + 1, sizeof(words[0]));
	for (size_t i = 0; words != NULL && i < n; i++) {
		words[i] = rv_conf_expand(m->l, node, split[i], m->x);
	}
	return words;
}

static void
fill_command(const struct make *m)
{
	const struct rv_cnode *node =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_COMMAND);
	const char *const *words = NULL;
	const char **first;

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
	if (strchr(first[0], '/') != NULL) {
		first[0] = rv_conf_absolute(m->l, first[0]);
	}
}

/* -------- the environment -------- */

struct variables {
	const char **list;
	size_t n, cap;
};

static void
set_variable(const struct make *m, struct variables *v, const char *key,
    const char *value)
{
	size_t len = strlen(key);
	size_t i = 0;

	while (i < v->n &&
	       (strncmp(v->list[i], key, len) != 0 || v->list[i][len] != '=')) {
		i++;
	}
	if (i == v->cap) {
		size_t cap = v->cap == 0 ? 16 : v->cap * 2;
		const char **list =
		    rv_arena_get(m->l->arena, cap + 1, sizeof(list[0]));

		if (list == NULL) {
			return;
		}
		if (v->n > 0) {
			memcpy(list, v->list, v->n * sizeof(list[0]));
		}
		v->list = list;
		v->cap = cap;
	}
	v->list[i] = rv_arena_format(m->l->arena, "%s=%s", key, value);
	v->n += i == v->n;
}

/* Quotes around a whole value are taken off. */
static char *
unquoted(char *value)
{
	size_t len = strlen(value);

	if (len >= 2 && (value[0] == '"' || value[0] == '\'') &&
	    value[len - 1] == value[0]) {
		value[len - 1] = '\0';
		return value + 1;
	}
	return value;
}

static void
file_line(const struct make *m, struct variables *v,
    const struct rv_cnode *node, char *line, unsigned number)
{
	char *equals;

	line += strspn(line, " \t");
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';') {
		return;
	}
	if (strncmp(line, "export ", 7) == 0) {
		line += 7;
	}
	equals = strchr(line, '=');
	if (equals == NULL || equals == line) {
		rv_conf_error(
		    m->l, node, "line %u of the file is not KEY=VALUE", number);
		return;
	}
	*equals = '\0';
	set_variable(m, v, line, unquoted(equals + 1));
}

static void
add_lines(const struct make *m, struct variables *v,
    const struct rv_cnode *node, char *text)
{
	char *state, *line;
	unsigned n = 0;

	/* Empty lines count, so no strtok. */
	for (line = text; line != NULL; line = state) {
		state = strchr(line, '\n');
		if (state != NULL) {
			*state++ = '\0';
		}
		file_line(m, v, node, line, ++n);
	}
}

static void
add_file(const struct make *m, struct variables *v)
{
	const char *path = path_of(m, RV_CKEY_ENVIRONMENT_FILE);
	const struct rv_cnode *node;
	struct rv_buf text;
	char *copy;

	if (path == NULL) {
		return;
	}
	node = rv_conf_lookup(m->l, m->scope, RV_CKEY_ENVIRONMENT_FILE);
	rv_buf_init(&text, ARGS_MAX);
	if (!rv_conf_read(path, &text)) {
		rv_conf_error(
		    m->l, node, "cannot read %s: %s", path, strerror(errno));
	} else if (text.failed) {
		rv_conf_error(m->l, node, "%s is larger than 128 KiB", path);
	} else if (text.len > 0) {
		copy = rv_arena_get(&m->l->scratch, text.len + 1, 1);
		if (copy != NULL) {
			memcpy(copy, text.data, text.len);
			add_lines(m, v, node, copy);
		}
	}
	rv_buf_finish(&text);
}

/* Outermost defaults first, so that the nearest has the last word. */
static void
add_objects(
    const struct make *m, struct variables *v, const struct rv_cscope *scope)
{
	const struct rv_cnode *object;

	if (scope == NULL) {
		return;
	}
	add_objects(m, v, scope->above);
	object = scope == m->scope ? scope->own
				   : rv_cnode_get(scope->own, "defaults");
	object = rv_cnode_get(object, "environment");
	if (!rv_cnode_is(object, JSON_OBJECT)) {
		return;
	}
	for (const struct rv_cnode *n = object->first; n != NULL; n = n->next) {
		if (json_is_string(n->value)) {
			set_variable(m, v, n->key, expanded(m, n));
		}
	}
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
fill_environment(const struct make *m)
{
	static const char *const none[] = { NULL };
	struct variables v = { 0 };

	add_file(m, &v);
	add_objects(m, &v, m->scope);
	if (v.n > 0) {
		qsort(v.list, v.n, sizeof(v.list[0]), by_text);
	}
	m->p->env_set = v.n > 0 ? v.list : none;
	m->p->clear_env =
	    rv_conf_bool(m->l, m->scope, RV_CKEY_CLEAR_ENVIRONMENT);
}

static void
check_size(const struct make *m)
{
	size_t bytes = 0;

	for (size_t i = 0; m->p->argv != NULL && m->p->argv[i] != NULL; i++) {
		bytes += strlen(m->p->argv[i]) + 1;
	}
	for (size_t i = 0; m->p->env_set[i] != NULL; i++) {
		bytes += strlen(m->p->env_set[i]) + 1;
	}
	if (bytes > ARGS_MAX) {
		rv_conf_error(m->l, m->scope->own,
		    "command and environment have %zu bytes: at most %d", bytes,
		    ARGS_MAX);
	}
}

/* -------- identity -------- */

/* The id where the value is a number, as such or as text. */
static bool
numeric_id(const struct rv_cnode *node, int64_t *id)
{
	if (json_is_integer(node->value)) {
		*id = json_integer_value(node->value);
		return true;
	}
	return json_is_string(node->value) &&
	       rv_parse_int(
		   json_string_value(node->value), 0, UINT32_MAX - 1, id);
}

static void
fill_groups(const struct make *m, const char *name, gid_t gid)
{
	int n = 0;
	gid_t *groups;

	getgrouplist(name, gid, NULL, &n);
	groups = rv_arena_get(m->l->arena, (size_t)n + 1, sizeof(*groups));
	if (groups != NULL && getgrouplist(name, gid, groups, &n) >= 0) {
		m->p->groups = groups;
		m->p->n_groups = (unsigned)n;
	}
}

static char *
lookup_room(struct rv_loader *l)
{
	if (l->lookup == NULL) {
		l->lookup = rv_arena_get(&l->scratch, 1, LOOKUP_MAX);
	}
	return l->lookup;
}

static void
fill_user(const struct make *m)
{
	const struct rv_cnode *node =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_USER);
	char *room = node != NULL ? lookup_room(m->l) : NULL;
	struct passwd entry, *hit = NULL;
	int64_t id;

	if (room == NULL) {
		return;
	}
	m->p->set_user = true;
	if (numeric_id(node, &id)) {
		m->p->uid = (uid_t)id;
		getpwuid_r((uid_t)id, &entry, room, LOOKUP_MAX, &hit);
	} else if (json_is_string(node->value)) {
		const char *name = expanded(m, node);

		getpwnam_r(name, &entry, room, LOOKUP_MAX, &hit);
		if (hit == NULL) {
			rv_conf_error(m->l, node, "no such user: %s", name);
		}
	}
	if (hit != NULL) {
		m->p->uid = hit->pw_uid;
		m->p->set_group = true;
		m->p->gid = hit->pw_gid;
		fill_groups(m, hit->pw_name, hit->pw_gid);
	}
	if (geteuid() != 0 && m->p->uid != geteuid()) {
		rv_conf_error(
		    m->l, node, "only root can run a worker as another user");
	}
}

static void
fill_group(const struct make *m)
{
	const struct rv_cnode *node =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_GROUP);
	char *room = node != NULL ? lookup_room(m->l) : NULL;
	struct group entry, *hit = NULL;
	int64_t id;

	if (room == NULL) {
		return;
	}
	m->p->set_group = true;
	if (numeric_id(node, &id)) {
		m->p->gid = (gid_t)id;
	} else if (json_is_string(node->value)) {
		const char *name = expanded(m, node);

		getgrnam_r(name, &entry, room, LOOKUP_MAX, &hit);
		if (hit == NULL) {
			rv_conf_error(m->l, node, "no such group: %s", name);
		} else {
			m->p->gid = hit->gr_gid;
		}
	}
}

/* -------- limits and scheduling -------- */

static void
add_limits(const struct make *m, struct rv_limit *list, unsigned *n,
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
fill_limits(const struct make *m)
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
fill_scheduling(const struct make *m)
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
auto_path(const struct make *m, const char *stream)
{
	const char *path = m->spec->path;
	struct rv_buf name;
	const char *result;

	rv_buf_init(&name, 4096);
	for (; *path != '\0'; path++) {
		if (*path == '/') {
			rv_buf_adds(&name, "__");
		} else {
			rv_buf_addc(&name, *path);
		}
	}
	result = rv_arena_format(m->l->arena, "%s/logs/%s.%s.log",
	    m->l->block->conf.state_dir, rv_buf_str(&name), stream);
	rv_buf_finish(&name);
	return result;
}

static void
fill_out(const struct make *m, struct rv_out *out, const char *stream,
    enum rv_ckey file, enum rv_ckey maxbytes, enum rv_ckey backups)
{
	const struct rv_cnode *node = rv_conf_lookup(m->l, m->scope, file);
	const struct rv_cnode *size = rv_conf_lookup(m->l, m->scope, maxbytes);
	const char *text = expanded(m, node);

	out->kind = RV_OUT_FILE;
	if (strcmp(text, "AUTO") == 0) {
		out->path = auto_path(m, stream);
	} else if (strcmp(text, "NONE") == 0) {
		out->kind = RV_OUT_NONE;
	} else if (strcmp(text, "inherit") == 0) {
		out->kind = RV_OUT_INHERIT;
	} else {
		out->path = rv_conf_absolute(m->l, text);
	}
	if (!rv_cval_size(m->l, &rv_schema[maxbytes], size, &out->max_bytes)) {
		out->max_bytes = 0;
	}
	out->backups = (uint32_t)rv_conf_int(m->l, m->scope, backups);
}

static void
fill_output(const struct make *m)
{
	fill_out(m, &m->p->out, "stdout", RV_CKEY_STDOUT_LOGFILE,
	    RV_CKEY_STDOUT_LOGFILE_MAXBYTES, RV_CKEY_STDOUT_LOGFILE_BACKUPS);
	if (rv_conf_bool(m->l, m->scope, RV_CKEY_REDIRECT_STDERR)) {
		m->p->err = (struct rv_out){ .kind = RV_OUT_MERGED };
		return;
	}
	fill_out(m, &m->p->err, "stderr", RV_CKEY_STDERR_LOGFILE,
	    RV_CKEY_STDERR_LOGFILE_MAXBYTES, RV_CKEY_STDERR_LOGFILE_BACKUPS);
}

static void
fill_ready(const struct make *m)
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
	struct make m = { l, scope, p, spec, x };

	if (p == NULL) {
		return;
	}
	fill_command(&m);
	fill_environment(&m);
	check_size(&m);
	p->directory = path_of(&m, RV_CKEY_DIRECTORY);
	fill_user(&m);
	fill_group(&m);
	fill_limits(&m);
	fill_scheduling(&m);
	fill_output(&m);
	fill_ready(&m);
	spec->program = p;
}
