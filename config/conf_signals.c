/* SPDX-License-Identifier: MIT */
/*
 * What signals to the runtime do: a table by number, of what the config says
 * over what is so without it. Only filled here; who gets signals is the host.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/conf_priv.h"

static const struct {
	int signo;
	enum rv_signal_act act;
} usual[] = {
	{ SIGINT, RV_SIGNAL_SHUTDOWN },
	{ SIGTERM, RV_SIGNAL_SHUTDOWN },
	{ SIGQUIT, RV_SIGNAL_SHUTDOWN },
	{ SIGHUP, RV_SIGNAL_RELOAD },
};

static const char fault[] = "is what a fault of the program itself raises";
static const char libc[] = "is the C library's own";

static const struct {
	int signo;
	const char *why;
} refused[] = {
	{ SIGKILL, "cannot be caught" },
	{ SIGSTOP, "cannot be caught" },
	{ SIGSEGV, fault },
	{ SIGBUS, fault },
	{ SIGFPE, fault },
	{ SIGILL, fault },
	{ SIGTRAP, fault },
	{ SIGSYS, fault },
	{ SIGABRT, fault },
	{ SIGCHLD, "comes whenever a child ends: it tells nothing more" },
	{ SIGPIPE, "comes with writing to what is closed, and is ignored" },
	{ 32, libc },
	{ 33, libc },
};

static const struct {
	const char *word;
	enum rv_signal_act act;
} words[] = {
	{ "ignore", RV_SIGNAL_IGNORE },
	{ "shutdown", RV_SIGNAL_SHUTDOWN },
	{ "reload", RV_SIGNAL_RELOAD },
	{ "forward", RV_SIGNAL_FORWARD },
};

static const char *const all_units[] = { "*", NULL };

/* -------- values -------- */

static bool
word_of(
    struct rv_loader *l, const struct rv_cnode *node, enum rv_signal_act *act)
{
	const char *text = json_string_value(node->value);

	for (size_t i = 0; text != NULL && i < RV_ARRAY_LEN(words); i++) {
		if (strcmp(words[i].word, text) == 0) {
			*act = words[i].act;
			return true;
		}
	}
	for (size_t i = 0; text != NULL && i < RV_ARRAY_LEN(words); i++) {
		if (rv_distance(words[i].word, text) < 3) {
			rv_conf_error(l, node,
			    "\"%.40s\" is nothing that a signal does; did you "
			    "mean \"%s\"?",
			    text, words[i].word);
			return false;
		}
	}
	rv_conf_error(l, node,
	    "must be \"shutdown\", \"reload\", \"ignore\", \"forward\" or "
	    "{\"forward\": [\"web/*\"], \"as\": \"USR2\"}");
	return false;
}

/* As rv_glob reads it: a set ends at the first ] that is not its first. */
static bool
is_closed(const char *glob)
{
	while ((glob = strchr(glob, '[')) != NULL) {
		glob++;
		glob += *glob == '!' || *glob == '^';
		glob = *glob != '\0' ? strchr(glob + 1, ']') : NULL;
		if (glob == NULL) {
			return false;
		}
	}
	return true;
}

static bool
check_glob(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *text;

	if (!rv_cval_string(l, node, &text)) {
		return false;
	}
	if (text[0] == '\0') {
		rv_conf_error(l, node, "must not be empty");
		return false;
	}
	if (!is_closed(text)) {
		rv_conf_error(l, node, "a [ is not closed in \"%.100s\"", text);
		return false;
	}
	return true;
}

static void
check_globs(struct rv_loader *l, const struct rv_cnode *node)
{
	if (!json_is_array(node->value)) {
		check_glob(l, node);
		return;
	}
	if (node->first == NULL) {
		rv_conf_error(l, node,
		    "names nobody: \"forward\" without an object is to all");
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		check_glob(l, n);
	}
}

static bool
signal_of(struct rv_loader *l, const struct rv_cnode *node, const char *name,
    int *signo)
{
	*signo = rv_signal_number(name);
	if (*signo == 0) {
		rv_conf_error(l, node,
		    "\"%.40s\" is no signal: use a name like \"TERM\"", name);
	}
	return *signo != 0;
}

static void
check_forward(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *name;
	int signo;

	if (rv_cnode_get(node, "forward") == NULL) {
		rv_conf_error(l, node, "needs a \"forward\": globs of paths");
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		if (strcmp(n->key, "forward") == 0) {
			check_globs(l, n);
		} else if (strcmp(n->key, "as") != 0) {
			rv_conf_error(
			    l, n, "unknown; there are \"forward\" and \"as\"");
		} else if (rv_cval_string(l, n, &name)) {
			signal_of(l, n, name, &signo);
		}
	}
}

/* Whether the runtime can be told anything by it. */
static bool
check_signal(struct rv_loader *l, const struct rv_cnode *node, int *signo)
{
	char buf[24];

	if (!signal_of(l, node, node->key, signo)) {
		return false;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(refused); i++) {
		if (refused[i].signo == *signo) {
			rv_conf_error(l, node, "%s %s",
			    rv_signal_name(*signo, buf), refused[i].why);
			return false;
		}
	}
	return true;
}

void
rv_conf_check_signals(struct rv_loader *l, const struct rv_cnode *node)
{
	const struct rv_cnode *seen[RV_SIGNALS] = { NULL };
	enum rv_signal_act act;
	int signo;

	if (!json_is_object(node->value)) {
		rv_conf_error(l, node,
		    "must be an object, such as {\"HUP\": \"reload\"}");
		return;
	}
	for (const struct rv_cnode *n = node->first; n != NULL; n = n->next) {
		if (check_signal(l, n, &signo)) {
			if (seen[signo] != NULL) {
				rv_conf_error(l, n,
				    "is the same signal as \"%.20s\"",
				    seen[signo]->key);
			}
			seen[signo] = n;
		}
		if (json_is_object(n->value)) {
			check_forward(l, n);
		} else {
			word_of(l, n, &act);
		}
	}
}

/* -------- the table -------- */

/* Paths are told without the slash before; the root itself means all. */
static const char *
bare(const char *glob)
{
	glob += glob[0] == '/';
	return glob[0] != '\0' ? glob : "*";
}

/* Only what runs gets signals. */
static bool
matches(const struct rv_conf *conf, const char *glob)
{
	for (uint32_t i = 1; i < conf->n_specs; i++) {
		if (conf->specs[i]->program != NULL &&
		    rv_glob(glob, conf->specs[i]->path)) {
			return true;
		}
	}
	return false;
}

static void
tell_unknown(struct rv_loader *l, const struct rv_cnode *node, const char *path)
{
	const struct rv_conf *conf = &l->block->conf;
	unsigned best = strlen(path) < 4 ? 2 : 3;
	const char *nearest = NULL;

	for (uint32_t i = 1; i < conf->n_specs && !rv_conf_is_full(l); i++) {
		unsigned d = rv_distance(conf->specs[i]->path, path);

		if (d < best) {
			best = d;
			nearest = conf->specs[i]->path;
		}
	}
	if (nearest != NULL) {
		rv_conf_error(l, node,
		    "there is no unit %.100s; did you mean \"%.100s\"?", path,
		    nearest);
	} else {
		rv_conf_error(l, node, "there is no unit %.100s", path);
	}
}

/* The name of a supervisor, or of instances, means all below it. */
static const char *
glob_below(struct rv_loader *l, const struct rv_cnode *node, const char *path)
{
	const struct rv_spec *spec = rv_conf_find(&l->block->conf, path);

	if (spec == NULL) {
		tell_unknown(l, node, path);
		return path;
	}
	if (spec->program != NULL) {
		return spec->path;
	}
	return rv_arena_format(
	    l->arena, spec->instances ? "%s.[0-9]*" : "%s/*", spec->path);
}

static const char *
glob_of(struct rv_loader *l, const struct rv_cnode *node)
{
	const char *text = json_string_value(node->value);

	/* What is bad was told. */
	if (text == NULL || text[0] == '\0' || !is_closed(text)) {
		return "*";
	}
	text = bare(text);
	if (!rv_is_glob(text)) {
		return glob_below(l, node, text);
	}
	if (!matches(&l->block->conf, text)) {
		rv_conf_warn(l, node, "no worker matches \"%.100s\"", text);
	}
	return rv_arena_strdup(l->arena, text);
}

static const char *const *
globs_of(struct rv_loader *l, const struct rv_cnode *node)
{
	const char **globs;
	size_t n = 1;

	if (node == NULL) {
		return all_units; /* told */
	}
	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		n++;
	}
	globs = rv_arena_get(l->arena, n + 1, sizeof(globs[0]));
	if (globs == NULL) {
		return NULL;
	}
	if (!json_is_array(node->value)) {
		globs[0] = glob_of(l, node);
		return globs;
	}
	n = 0;
	for (const struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		globs[n++] = glob_of(l, c);
	}
	return globs;
}

static void
fill(struct rv_loader *l, const struct rv_cnode *node,
    struct rv_signal_rule *rule, int signo)
{
	const struct rv_cnode *as = rv_cnode_get(node, "as");
	const char *name = as != NULL ? json_string_value(as->value) : NULL;

	if (json_is_object(node->value)) {
		rule->act = RV_SIGNAL_FORWARD;
		rule->as = name != NULL ? rv_signal_number(name) : signo;
		rule->to = globs_of(l, rv_cnode_get(node, "forward"));
	} else if (word_of(l, node, &rule->act) &&
		   rule->act == RV_SIGNAL_FORWARD) {
		rule->as = signo;
		rule->to = all_units;
	}
}

bool
rv_conf_signals(struct rv_loader *l, const struct rv_cnode *root)
{
	const struct rv_cnode *object = rv_cnode_get(root, "signals");
	struct rv_signal_rule *rules =
	    rv_arena_get(l->arena, RV_SIGNALS, sizeof(*rules));

	if (rules == NULL) {
		return false;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(usual); i++) {
		rules[usual[i].signo].act = usual[i].act;
	}
	l->block->conf.signals = rules;
	if (!rv_cnode_is(object, JSON_OBJECT)) {
		return true;
	}
	for (const struct rv_cnode *n = object->first; n != NULL; n = n->next) {
		int signo = rv_signal_number(n->key);

		if (signo != 0) {
			fill(l, n, &rules[signo], signo);
		}
	}
	return true;
}
