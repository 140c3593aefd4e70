/* SPDX-License-Identifier: MIT */
/*
 * The variables of a worker: the file's, over them the defaults' from the
 * outermost to the nearest, over them its own. What is inherited is known only
 * when the worker starts. Called by conf_program.c for each worker.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/conf_priv.h"

struct variables {
	const char **list;
	size_t n, cap;
};

static void
set_variable(const struct rv_cmake *m, struct variables *v, const char *key,
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

static char *
trimmed(char *text)
{
	size_t len;

	text += strspn(text, " \t\r");
	for (len = strlen(text);
	     len > 0 && strchr(" \t\r", text[len - 1]) != NULL; len--) {
	}
	text[len] = '\0';
	return text;
}

/* Quotes around a whole value are taken off; false: not closed. */
static bool
unquote(char **value)
{
	size_t len = strlen(*value);
	char quote = (*value)[0];

	if (quote != '"' && quote != '\'') {
		return true;
	}
	if (len < 2 || (*value)[len - 1] != quote) {
		return false;
	}
	(*value)[len - 1] = '\0';
	(*value)++;
	return true;
}

static void
file_line(const struct rv_cmake *m, struct variables *v,
    const struct rv_cnode *node, char *line, unsigned number)
{
	char *equals, *key, *value;

	line = trimmed(line);
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';') {
		return;
	}
	if (strncmp(line, "export ", 7) == 0) {
		line += 7;
	}
	equals = strchr(line, '=');
	if (equals == NULL) {
		rv_conf_error(
		    m->l, node, "line %u of the file is not KEY=VALUE", number);
		return;
	}
	*equals = '\0';
	key = trimmed(line);
	value = trimmed(equals + 1);
	if (key[0] == '\0' || strpbrk(key, " \t\"'") != NULL) {
		rv_conf_error(m->l, node,
		    "line %u of the file: \"%.60s\" is no variable's name",
		    number, key);
	} else if (!unquote(&value)) {
		rv_conf_error(m->l, node,
		    "line %u of the file: a quote is not closed", number);
	} else {
		set_variable(m, v, key, value);
	}
}

static void
add_lines(const struct rv_cmake *m, struct variables *v,
    const struct rv_cnode *node, char *text)
{
	unsigned n = 0;
	char *next;

	/* Empty lines count, so no strtok. */
	for (char *line = text; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL) {
			*next++ = '\0';
		}
		file_line(m, v, node, line, ++n);
	}
}

static void
tell_unreadable(const struct rv_cmake *m, const struct rv_cnode *node,
    const char *path, int err)
{
	const char *why = strerror(err);

	if (err == ENOMEM) {
		m->l->arena->failed = true;
		return;
	}
	if (err == EFBIG) {
		why = "it is larger than 128 KiB";
	} else if (err == EINVAL) {
		why = "it is not a regular file";
	}
	rv_conf_error(m->l, node, "cannot read %.200s: %s", path, why);
}

static void
add_file(const struct rv_cmake *m, struct variables *v)
{
	const char *path = rv_cmake_path(m, RV_CKEY_ENVIRONMENT_FILE);
	const struct rv_cnode *node;
	struct rv_buf text;
	int err;

	if (path == NULL) {
		return;
	}
	node = rv_conf_lookup(m->l, m->scope, RV_CKEY_ENVIRONMENT_FILE);
	rv_buf_init(&text, RV_CARGS_MAX);
	err = rv_conf_read(path, true, &text);
	if (err != 0) {
		tell_unreadable(m, node, path, err);
	} else if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL) {
		rv_conf_error(
		    m->l, node, "there is a NUL byte in %.200s", path);
	} else if (text.len > 0) {
		add_lines(m, v, node, text.data);
	}
	rv_buf_finish(&text);
}

/* Outermost defaults first, so that the nearest has the last word. */
static void
add_objects(const struct rv_cmake *m, struct variables *v,
    const struct rv_cscope *scope)
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
			set_variable(m, v, n->key, rv_cmake_text(m, n));
		}
	}
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
rv_cmake_environment(const struct rv_cmake *m)
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
