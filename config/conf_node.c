/* SPDX-License-Identifier: MIT */
/*
 * The scan relies on jansson having accepted the text: it only finds its way.
 * Nesting is bounded before, since jansson and the scan recurse. Members are
 * sorted to find keys that come twice, so that a file of a million keys takes
 * no longer than its size.
 */
#include "config.h"

#include "config/conf_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct scan {
	struct rv_arena *arena;
	const char *at, *end;
	const char *line_at; /* beginning of the line */
	int line;
	unsigned declared;
	const char *unit;
	rv_cnode_flaw_cb *flaw;
	void *ctx;
};

static void
tell(struct scan *s, int line, int column, const struct rv_cnode *in,
    const char *text)
{
	const struct rv_cnode unit = { .declared = s->declared,
		.unit = s->unit };

	s->flaw(s->ctx, line, column,
	    in == NULL && s->declared != 0 ? &unit : in, text);
}

static void
skip_space(struct scan *s)
{
	for (; s->at < s->end; s->at++) {
		if (*s->at == '\n') {
			s->line++;
			s->line_at = s->at + 1;
		} else if (strchr(" \t\r", *s->at) == NULL || *s->at == '\0') {
			return;
		}
	}
}

static int
column(const struct scan *s)
{
	return (int)(s->at - s->line_at) + 1;
}

/* Behind the closing quote, or at the end; no newline can be in a string. */
static void
skip_string(struct scan *s)
{
	for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
		if (*s->at == '\\' && s->at + 1 < s->end) {
			s->at++;
		}
	}
	s->at += s->at < s->end;
}

static const char *
scan_key(struct scan *s)
{
	const char *begin = s->at;
	const char *key = "";
	json_t *text;

	skip_string(s);
	text =
	    json_loadb(begin, (size_t)(s->at - begin), JSON_DECODE_ANY, NULL);
	if (text == NULL) {
		s->arena->failed = true; /* it was good when all was read */
		return key;
	}
	key = rv_arena_strdup(s->arena, json_string_value(text));
	json_decref(text);
	return key;
}

static struct rv_cnode *scan_value(struct scan *, const json_t *value,
    const struct rv_cnode *parent, const char *key, int line, int col);

static void
skip_char(struct scan *s)
{
	skip_space(s);
	s->at += s->at < s->end;
}

void
rv_cnode_append(
    struct rv_cnode *parent, struct rv_cnode **last, struct rv_cnode *child)
{
	child->parent = parent;
	if (*last == NULL) {
		parent->first = child;
	} else {
		(*last)->next = child;
	}
	*last = child;
}

static int
by_key(const void *a, const void *b)
{
	const struct rv_cnode *x = *(const struct rv_cnode *const *)a;
	const struct rv_cnode *y = *(const struct rv_cnode *const *)b;
	int order = strcmp(x->key, y->key);

	return order != 0            ? order
	       : x->index < y->index ? -1
				     : x->index > y->index;
}

static void
tell_twice(struct scan *s, const struct rv_cnode *in,
    const struct rv_cnode *first, const struct rv_cnode *again)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "the key \"%.100s\" stands here twice; the first is in line %d",
	    again->key, first->line);
	tell(s, again->line, again->column, in, text);
}

/*
 * Of a key that comes twice the last stays, as in jansson's tree, so that all
 * others can be judged against the values that they have.
 */
static void
drop_twins(struct scan *s, struct rv_cnode *node, size_t n)
{
	struct rv_cnode **sorted =
	    n < 2 ? NULL : rv_arena_get(s->arena, n, sizeof(sorted[0]));
	struct rv_cnode **at = &node->first;
	size_t i = 0, first = 0;
	const char *key;

	if (sorted == NULL) {
		return;
	}
	for (struct rv_cnode *c = node->first; c != NULL; c = c->next) {
		sorted[i++] = c;
	}
	qsort(sorted, n, sizeof(sorted[0]), by_key);
	key = sorted[0]->key;
	for (i = 1; i < n; i++) {
		if (strcmp(sorted[i]->key, key) != 0) {
			key = sorted[i]->key;
			first = i;
			continue;
		}
		tell_twice(s, node, sorted[first], sorted[i]);
		sorted[i - 1]->key = NULL;
	}
	while (*at != NULL) {
		if ((*at)->key == NULL) {
			*at = (*at)->next;
		} else {
			at = &(*at)->next;
		}
	}
}

static void
scan_object(struct scan *s, struct rv_cnode *node)
{
	struct rv_cnode *last = NULL;
	unsigned n = 0;

	for (skip_char(s), skip_space(s); s->at < s->end && *s->at != '}';
	     skip_space(s)) {
		int line = s->line, col = column(s);
		const char *key;
		const json_t *value;
		struct rv_cnode *child;

		if (*s->at == ',') {
			s->at++;
			continue;
		}
		key = scan_key(s);
		skip_char(s);
		value = json_object_get(node->value, key);
		child = scan_value(s, value, node, key, line, col);
		if (child != NULL) {
			child->index = n++;
			rv_cnode_append(node, &last, child);
		}
	}
	s->at++;
	drop_twins(s, node, n);
}

static void
scan_array(struct scan *s, struct rv_cnode *node)
{
	struct rv_cnode *last = NULL;
	unsigned i = 0;

	for (skip_char(s), skip_space(s); s->at < s->end && *s->at != ']';
	     skip_space(s)) {
		struct rv_cnode *child;

		if (*s->at == ',') {
			s->at++;
			continue;
		}
		child = scan_value(s, json_array_get(node->value, i), node,
		    NULL, s->line, column(s));
		if (child != NULL) {
			child->index = i++;
			rv_cnode_append(node, &last, child);
		}
	}
	s->at++;
}

static struct rv_cnode *
scan_value(struct scan *s, const json_t *value, const struct rv_cnode *parent,
    const char *key, int line, int col)
{
	struct rv_cnode *node = rv_arena_get(s->arena, 1, sizeof(*node));
	struct rv_cnode spare = { 0 };
	struct rv_cnode *at = node != NULL ? node : &spare;

	skip_space(s);
	*at = (struct rv_cnode){ .value = value,
		.parent = parent,
		.key = key,
		.declared = s->declared,
		.unit = parent == NULL ? s->unit : NULL,
		.line = line,
		.column = col };
	if (s->at >= s->end) {
		return node;
	}
	/* By the text, not by the value: of a key that comes twice jansson
	 * keeps the last. */
	if (*s->at == '{') {
		scan_object(s, at);
	} else if (*s->at == '[') {
		scan_array(s, at);
	} else if (*s->at == '"') {
		skip_string(s);
	} else {
		s->at += strcspn(s->at, ",]} \t\r\n");
	}
	return node;
}

/* False when the text nests deeper than allowed; tells where. */
static bool
is_flat_enough(struct scan *s)
{
	unsigned depth = 0;

	for (; s->at < s->end; s->at++) {
		if (*s->at == '"') {
			skip_string(s);
			s->at--;
		} else if (*s->at == '\n') {
			s->line++;
			s->line_at = s->at + 1;
		} else if (*s->at == '{' || *s->at == '[') {
			if (++depth > RV_CNODE_DEPTH) {
				tell(s, s->line, column(s), NULL,
				    "nested too deeply (more than 32 levels)");
				return false;
			}
		} else if ((*s->at == '}' || *s->at == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

static void
begin(struct scan *s, const char *text, size_t len)
{
	s->at = s->line_at = text;
	s->end = text + len;
	s->line = 1;
}

/*
 * The commonest mistake, which jansson tells of in its own terms: position is
 * behind the } or ] that it did not expect.
 */
static bool
tell_comma(struct scan *s, const char *text, size_t len, int position)
{
	const char *close = text + position - 1, *comma = close;
	char said[64];

	if (position < 2 || (size_t)position > len ||
	    (*close != '}' && *close != ']')) {
		return false;
	}
	while (--comma > text && strchr(" \t\r\n", *comma) != NULL) {
	}
	if (*comma != ',') {
		return false;
	}
	begin(s, text, len);
	for (; s->at < comma; s->at++) {
		if (*s->at == '\n') {
			s->line++;
			s->line_at = s->at + 1;
		}
	}
	snprintf(
	    said, sizeof(said), "not JSON: a comma too many before %c", *close);
	tell(s, s->line, column(s), NULL, said);
	return true;
}

static bool
parse(struct scan *s, struct rv_cdoc *doc, const char *text, size_t len)
{
	json_error_t error;
	char said[256];

	*doc = (struct rv_cdoc){ 0 };
	begin(s, text, len);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		tell(s, 1, 1, NULL,
		    "the file begins with a byte order mark: save it without");
		return false;
	}
	if (memchr(text, '\0', len) != NULL) {
		tell(s, 1, 1, NULL, "there is a NUL byte in the file");
		return false;
	}
	if (!is_flat_enough(s)) {
		return false;
	}
	doc->json = json_loadb(text, len, 0, &error);
	if (doc->json == NULL && error.text[0] == '\0') {
		s->arena->failed = true; /* jansson tells nothing of memory */
		return false;
	}
	if (doc->json == NULL && tell_comma(s, text, len, error.position)) {
		return false;
	}
	if (doc->json == NULL) {
		snprintf(said, sizeof(said), "not JSON: %s", error.text);
		tell(s, error.line > 0 ? error.line : 1,
		    error.column > 0 ? error.column : 1, NULL, said);
		return false;
	}
	begin(s, text, len);
	doc->root = scan_value(s, doc->json, NULL, NULL, 1, 1);
	return doc->root != NULL && !s->arena->failed;
}

bool
rv_cdoc_parse(struct rv_cdoc *doc, struct rv_arena *arena, const char *text,
    size_t len, rv_cnode_flaw_cb *flaw, void *ctx)
{
	struct scan s = { .arena = arena, .flaw = flaw, .ctx = ctx };

	return parse(&s, doc, text, len);
}

bool
rv_cdoc_parse_unit(struct rv_cdoc *doc, struct rv_arena *arena,
    unsigned declared, const char *unit, const char *text,
    rv_cnode_flaw_cb *flaw, void *ctx)
{
	struct scan s = { .arena = arena,
		.declared = declared,
		.unit = unit,
		.flaw = flaw,
		.ctx = ctx };

	return parse(&s, doc, text, strlen(text));
}

void
rv_cdoc_finish(struct rv_cdoc *doc)
{
	json_decref(doc->json);
	*doc = (struct rv_cdoc){ 0 };
}

const struct rv_cnode *
rv_cnode_get(const struct rv_cnode *node, const char *key)
{
	const struct rv_cnode *child = node != NULL ? node->first : NULL;

	while (child != NULL &&
	       (child->key == NULL || strcmp(child->key, key) != 0)) {
		child = child->next;
	}
	return child;
}

void
rv_cnode_path(const struct rv_cnode *node, char *dst, size_t size)
{
	char above[512] = "";

	dst[0] = '\0';
	if (node != NULL && node->unit != NULL) {
		rv_copy(dst, size, node->unit);
		return;
	}
	if (node == NULL || node->parent == NULL) {
		return;
	}
	/* At most RV_CNODE_DEPTH levels. */
	rv_cnode_path(node->parent, above, sizeof(above));
	if (node->key != NULL) {
		rv_format(dst, size, "%s%s%s", above,
		    node->parent->unit != NULL ? ": "
		    : above[0] != '\0'         ? "."
					       : "",
		    node->key);
	} else {
		rv_format(dst, size, "%s[%u]", above, node->index);
	}
}
