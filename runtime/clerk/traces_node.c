/* SPDX-License-Identifier: MIT */
/*
 * Node's traces, see traces.h: the place and its source line with carets under
 * it, what was thrown, frames, members of the error, and the version at the
 * end. A program that logs an error itself and exits has only the middle.
 */
#include "config.h"

#include <string.h>

#include "clerk/traces_priv.h"

#define FRAME       "    at "
#define FOOTER      "Node.js v"
#define CAUSE       "[cause]: "
#define TYPE_ALSO   "$."
#define MESSAGE_MAX 16 /* lines of a message */

static bool
is_frame(const struct rv_line *l)
{
	return rv_line_starts(l, FRAME);
}

static bool
is_carets(const struct rv_line *l)
{
	size_t n = rv_line_indent(l), first = n;

	while (n < l->len && l->s[n] == '^') {
		n++;
	}
	return n > first && n == l->len;
}

/* "TypeError [ERR_X]: no" too; the code stays with the type. */
static bool
split(struct rv_slice all, struct rv_slice *type, struct rv_slice *message)
{
	const char *code = rv_slice_find(all, " [");
	const char *end = rv_slice_find(all, "]: ");
	struct rv_slice name = all, rest;

	if (code != NULL && end != NULL && code < end) {
		name.len = (size_t)(code - all.s);
		if (rv_slice_split(name, TYPE_ALSO, type, &rest) &&
		    rest.s == NULL) {
			type->len = (size_t)(end - all.s) + 1;
			*message = rv_slice(
			    end + 3, all.len - (size_t)(end + 3 - all.s));
			return true;
		}
	}
	return rv_slice_split(all, TYPE_ALSO, type, message);
}

/* What was thrown, from this line to the first frame below, or to `end`. */
static void
read_thrown(const struct rv_lines *t, const struct rv_line *l, size_t end,
    struct rv_trace *out)
{
	struct rv_slice all;
	struct rv_line below;
	size_t to = l->next;

	while (to < end && rv_line_at(t, to, &below) && !is_frame(&below) &&
	       below.len > 0 && !rv_line_starts(&below, "(Use `node") &&
	       !rv_line_starts(&below, FOOTER)) {
		to = below.next;
	}
	all = rv_slice_to(t, l, 0, to);
	if (all.len > 1 && all.s[0] == '[') {
		const char *close = rv_slice_find(all, "]");

		/* No stack: the error stands in brackets, members behind. */
		all.s++;
		all.len = close != NULL ? (size_t)(close - all.s) : all.len - 1;
	}
	if (!split(all, &out->type, &out->message)) {
		out->message = all;
	}
}

static void
read_cause(const struct rv_lines *t, struct rv_trace *out)
{
	struct rv_line l;

	for (size_t at = out->begin; at < out->end && rv_line_at(t, at, &l);
	     at = l.next) {
		size_t n = rv_line_indent(&l);
		struct rv_slice rest = rv_slice(l.s + n, l.len - n);

		if (rest.len > sizeof(CAUSE) - 1 &&
		    memcmp(rest.s, CAUSE, sizeof(CAUSE) - 1) == 0) {
			rest.s += sizeof(CAUSE) - 1;
			rest.len -= sizeof(CAUSE) - 1;
			if (!split(
				rest, &out->cause_type, &out->cause_message)) {
				out->cause_message = rest;
			}
			return;
		}
	}
}

/* Up from the version to the carets, which the thrown stands under. */
static bool
read_uncaught(const struct rv_lines *t, const struct rv_line *footer,
    struct rv_trace *out)
{
	struct rv_line l, above;
	size_t at = footer->at;

	out->end = footer->next;
	while (rv_line_before(t, at, &l)) {
		at = l.at;
		if (rv_line_starts(&l, FOOTER)) {
			return false;
		}
		if (!is_carets(&l)) {
			continue;
		}
		out->begin = l.at;
		for (unsigned i = 0;
		     i < 2 && rv_line_before(t, out->begin, &above); i++) {
			out->begin = above.at;
		}
		for (at = l.next; rv_line_at(t, at, &l) && l.len == 0;) {
			at = l.next;
		}
		if (at >= footer->at) {
			return false; /* nothing was thrown there */
		}
		read_thrown(t, &l, footer->at, out);
		return true;
	}
	return false;
}

/* The frames around l: its first, or the offset of the text's begin. */
static size_t
first_frame(const struct rv_lines *t, const struct rv_line *l)
{
	struct rv_line above;
	size_t at = l->at;

	while (rv_line_before(t, at, &above) && is_frame(&above)) {
		at = above.at;
	}
	return at;
}

/* Members of the error in braces, behind the last frame. */
static void
read_members(
    const struct rv_lines *t, const struct rv_line *l, struct rv_trace *out)
{
	struct rv_line below;

	out->end = l->next;
	if (l->len == 0 || l->s[l->len - 1] != '{') {
		return;
	}
	for (size_t at = l->next; rv_line_at(t, at, &below); at = below.next) {
		if (rv_line_starts(&below, "}")) {
			out->end = below.next;
			return;
		}
	}
}

/* An error with its stack, and nothing around it. */
static bool
read_logged(
    const struct rv_lines *t, const struct rv_line *frame, struct rv_trace *out)
{
	size_t first = first_frame(t, frame), at = first;
	struct rv_slice type, message;
	struct rv_line l;

	read_members(t, frame, out);
	for (unsigned n = 0; n < MESSAGE_MAX && rv_line_before(t, at, &l);
	     n++) {
		at = l.at;
		if (split(rv_slice(l.s, l.len), &type, &message) &&
		    (rv_slice_find(type, "Error") != NULL ||
			rv_slice_find(type, "Exception") != NULL)) {
			out->begin = at;
			read_thrown(t, &l, first, out);
			return true;
		}
	}
	out->begin = first;
	out->cut = first == 0 || (rv_line_before(t, first, &l) && l.at == 0);
	return out->cut;
}

bool
rv_trace_node(const struct rv_lines *t, struct rv_trace *out)
{
	size_t at = t->len, end = 0;
	struct rv_line l;
	bool found = false;

	while (!found && rv_line_before(t, at, &l)) {
		at = l.at;
		if (end == 0 && rv_line_starts(&l, FOOTER)) {
			end = l.next;
			found = read_uncaught(t, &l, out);
		} else if (is_frame(&l)) {
			found = read_logged(t, &l, out);
			break;
		}
	}
	if (!found && end != 0) {
		/* It was uncaught, and what it was is not in the text. */
		*out =
		    (struct rv_trace){ .language = out->language, .cut = true };
		found = true;
	}
	out->end = RV_MAX(out->end, end);
	if (found) {
		read_cause(t, out);
	}
	return found;
}
