/* SPDX-License-Identifier: MIT */
/*
 * supervisord's expressions in strings: %(ENV_X)s %(here)s %(program_name)s
 * %(process_num)02d %(group_name)s, and %% for a percent sign.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/conf_priv.h"

#define EXPANDED_MAX (128 * 1024)

static const char known[] =
    "ENV_X, here, program_name, process_num, group_name";

struct expression {
	char name[128];
	char conversion; /* 's' or 'd' */
	bool zero;
	int width;
};

/* Behind the expression, or NULL when there is none at `at` ("%("). */
static const char *
parse(const char *at, struct expression *e)
{
	const char *end = strchr(at + 2, ')');
	size_t len;

	if (end == NULL) {
		return NULL;
	}
	len = (size_t)(end - at) - 2;
	if (len >= sizeof(e->name)) {
		return NULL;
	}
	memcpy(e->name, at + 2, len);
	e->name[len] = '\0';
	end++;
	e->zero = *end == '0';
	for (e->width = 0; *end >= '0' && *end <= '9' && e->width < 100;
	     end++) {
		e->width = e->width * 10 + (*end - '0');
	}
	e->conversion = *end;
	return *end == 's' || *end == 'd' ? end + 1 : NULL;
}

static const char *
text_of(struct rv_loader *l, const struct rv_cnode *node,
    const struct expression *e, const struct rv_expansion *x)
{
	const char *value = NULL;

	if (strncmp(e->name, "ENV_", 4) == 0) {
		value = getenv(e->name + 4);
		if (value == NULL) {
			rv_conf_error(l, node,
			    "%%(%s)s: the variable %s is not set", e->name,
			    e->name + 4);
			return "";
		}
	} else if (strcmp(e->name, "here") == 0) {
		value = l->here;
	} else if (strcmp(e->name, "program_name") == 0) {
		value = x->program_name;
	} else if (strcmp(e->name, "group_name") == 0) {
		value = x->group_name;
	}
	if (value == NULL) {
		rv_conf_error(l, node,
		    "%%(%s)s is not known here: there are %s", e->name, known);
		return "";
	}
	return value;
}

static void
add(struct rv_loader *l, const struct rv_cnode *node, struct rv_buf *out,
    const struct expression *e, const struct rv_expansion *x)
{
	if (strcmp(e->name, "process_num") == 0) {
		rv_buf_addf(
		    out, e->zero ? "%0*d" : "%*d", e->width, x->process_num);
	} else if (e->conversion == 'd') {
		rv_conf_error(
		    l, node, "%%(%s)d: only process_num is a number", e->name);
	} else {
		rv_buf_addf(out, "%*s", e->width, text_of(l, node, e, x));
	}
}

const char *
rv_conf_expand(struct rv_loader *l, struct rv_arena *arena,
    const struct rv_cnode *node, const char *text, const struct rv_expansion *x)
{
	struct rv_buf out;
	const char *result;

	if (strchr(text, '%') == NULL) {
		return rv_arena_strdup(arena, text);
	}
	rv_buf_init(&out, EXPANDED_MAX);
	while (*text != '\0') {
		struct expression e;
		const char *behind;

		if (text[0] != '%') {
			rv_buf_addc(&out, *text++);
		} else if (text[1] == '%') {
			rv_buf_addc(&out, '%');
			text += 2;
		} else if (text[1] == '(' &&
			   (behind = parse(text, &e)) != NULL) {
			add(l, node, &out, &e, x);
			text = behind;
		} else {
			rv_conf_error(l, node,
			    "a %% begins no expression: write %%%% for the "
			    "sign itself; there are %s, as in %%(here)s",
			    known);
			break;
		}
	}
	if (out.starved) {
		l->arena->failed = true;
	} else if (out.failed) {
		rv_conf_error(l, node, "too long once expanded");
	}
	result = rv_arena_strdup(arena, rv_buf_str(&out));
	rv_buf_finish(&out);
	return result;
}

const char *
rv_conf_absolute(struct rv_loader *l, const char *path)
{
	return path[0] == '/'
		   ? path
		   : rv_arena_format(l->arena, "%s/%s", l->here, path);
}
