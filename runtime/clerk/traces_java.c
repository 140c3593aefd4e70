/* SPDX-License-Identifier: MIT */
/*
 * Java's traces, see traces.h: what was thrown, its frames behind tabs, and
 * below them what caused it, again with frames.
 */
#include "config.h"

#include "clerk/traces_priv.h"

#define HEAD        "Exception in thread \""
#define CAUSE       "Caused by: "
#define TYPE_ALSO   ".$"
#define MESSAGE_MAX 16 /* lines of one message */

static bool
is_frame(const struct rv_line *l)
{
	return (rv_line_starts(l, "\tat ") && rv_line_has(l, "(")) ||
	       rv_line_starts(l, "\t... ");
}

/* "java.io.IOException: no": a type of some package. */
static bool
is_type(const struct rv_line *l)
{
	struct rv_slice type, message;

	return rv_slice_split(
		   rv_slice(l->s, l->len), TYPE_ALSO, &type, &message) &&
	       rv_slice_find(type, ".") != NULL;
}

/* What stands from this line's offset up to the frames below it. */
static void
read_thrown(const struct rv_lines *t, const struct rv_line *l, size_t from,
    struct rv_slice *type, struct rv_slice *message)
{
	struct rv_line below;
	size_t to = l->next;

	while (rv_line_at(t, to, &below) && !rv_line_starts(&below, "\t") &&
	       !rv_line_starts(&below, CAUSE)) {
		to = below.next;
	}
	if (!rv_slice_split(
		rv_slice_to(t, l, from, to), TYPE_ALSO, type, message)) {
		*message = rv_slice_to(t, l, from, l->next);
	}
}

/* Where the thrown is named, at or above l: a message may have more lines. */
static bool
find_name(const struct rv_lines *t, struct rv_line *l)
{
	struct rv_line at = *l;

	for (unsigned n = 0; n < MESSAGE_MAX; n++) {
		if (rv_line_starts(&at, HEAD) || rv_line_starts(&at, CAUSE) ||
		    is_type(&at)) {
			*l = at;
			return true;
		}
		if (rv_line_starts(&at, "\t") ||
		    !rv_line_before(t, at.at, &at)) {
			return false;
		}
	}
	return false;
}

static bool
read_top(
    const struct rv_lines *t, const struct rv_line *l, struct rv_trace *out)
{
	size_t from = 0, n = sizeof(HEAD) - 1;
	const char *quote;

	if (rv_line_starts(l, HEAD)) {
		struct rv_slice rest = rv_slice(l->s + n, l->len - n);

		quote = rv_slice_find(rest, "\" ");
		if (quote == NULL) {
			return false;
		}
		out->thread = rv_slice(rest.s, (size_t)(quote - rest.s));
		from = (size_t)(quote - l->s) + 2;
	}
	read_thrown(t, l, from, &out->type, &out->message);
	out->begin = l->at;
	return true;
}

/* Of a long trace only the end is there, and its first line in part. */
static bool
is_at_the_top(const struct rv_lines *t, size_t at)
{
	struct rv_line l;

	for (unsigned n = 0; n < MESSAGE_MAX; n++) {
		if (!rv_line_before(t, at, &l)) {
			return true;
		}
		at = l.at;
	}
	return false;
}

/* Up from the frame that ends it. */
static bool
read_up(const struct rv_lines *t, size_t at, struct rv_trace *out)
{
	struct rv_line l;

	while (rv_line_before(t, at, &l)) {
		if (!rv_line_starts(&l, "\t")) {
			if (!find_name(t, &l)) {
				break;
			}
			if (!rv_line_starts(&l, CAUSE)) {
				return read_top(t, &l, out);
			}
			read_thrown(t, &l, sizeof(CAUSE) - 1, &out->cause_type,
			    &out->cause_message);
		}
		at = l.at;
	}
	out->begin = at;
	out->cut = is_at_the_top(t, at);
	return out->cut;
}

bool
rv_trace_java(const struct rv_lines *t, struct rv_trace *out)
{
	size_t at = t->len;
	struct rv_line l;

	while (rv_line_before(t, at, &l)) {
		at = l.at;
		if (is_frame(&l)) {
			out->end = l.next;
			return read_up(t, l.next, out);
		}
	}
	return false;
}
