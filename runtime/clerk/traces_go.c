/* SPDX-License-Identifier: MIT */
/*
 * Go's traces, see traces.h: a panic or a fatal error, then goroutines, whose
 * frames are a line with the function and one with the place, behind a tab.
 */
#include "config.h"

#include <string.h>

#include "clerk/traces_priv.h"

#define PANIC     "panic: "
#define FATAL     "fatal error: "
#define RUNTIME   "runtime error: "
#define ROUTINE   "goroutine "
#define ABOVE_MAX 64 /* lines between the head and the first goroutine */

static bool
is_place(const struct rv_line *l)
{
	return rv_line_starts(l, "\t") && rv_line_has(l, ".go:");
}

/* A panic while another was under way says so behind a tab, below it. */
static void
read_panics(
    const struct rv_lines *t, const struct rv_line *head, struct rv_trace *out)
{
	struct rv_line l = *head, below;
	size_t from = sizeof(PANIC) - 1;

	while (rv_line_at(t, l.next, &below) &&
	       rv_line_starts(&below, "\t" PANIC)) {
		const char *mark;

		out->cause_type = rv_slice("panic", 5);
		out->cause_message = rv_slice_to(t, &l, from, l.next);
		mark = rv_slice_find(out->cause_message, " [recovered");
		if (mark != NULL) {
			out->cause_message.len =
			    (size_t)(mark - out->cause_message.s);
		}
		l = below;
		from = sizeof("\t" PANIC) - 1;
	}
	out->type = rv_slice(l.s + from - sizeof(PANIC) + 1, 5);
	out->message = rv_slice_to(t, &l, from, l.next);
	if (out->message.len > sizeof(RUNTIME) - 1 &&
	    memcmp(out->message.s, RUNTIME, sizeof(RUNTIME) - 1) == 0) {
		out->type = rv_slice(out->message.s, sizeof(RUNTIME) - 3);
		out->message.s += sizeof(RUNTIME) - 1;
		out->message.len -= sizeof(RUNTIME) - 1;
	}
}

static bool
read_head(
    const struct rv_lines *t, const struct rv_line *l, struct rv_trace *out)
{
	struct rv_line below;
	size_t at = l->next;

	/* A line that only looks like one has no goroutine below it. */
	for (unsigned n = 0;
	     !rv_line_at(t, at, &below) || !rv_line_starts(&below, ROUTINE);
	     n++, at = below.next) {
		if (n == ABOVE_MAX || at >= t->len) {
			return false;
		}
	}
	out->begin = l->at;
	if (rv_line_starts(l, PANIC)) {
		read_panics(t, l, out);
	} else {
		size_t n = sizeof(FATAL) - 1;

		out->type = rv_slice(l->s, n - 2);
		out->message = rv_slice(l->s + n, l->len - n);
	}
	return true;
}

/* No head: of many goroutines only the last ones are there. */
static bool
is_cut(const struct rv_lines *t)
{
	struct rv_line l;
	size_t at = 0;

	for (unsigned n = 0; n < 8 && rv_line_at(t, at, &l); n++) {
		if (is_place(&l)) {
			return true;
		}
		at = l.next;
	}
	return false;
}

bool
rv_trace_go(const struct rv_lines *t, struct rv_trace *out)
{
	size_t at = t->len;
	struct rv_line l;

	out->end = 0;
	while (rv_line_before(t, at, &l)) {
		at = l.at;
		if (out->end == 0 && is_place(&l)) {
			out->end = l.next;
		}
		if (out->end != 0 &&
		    (rv_line_starts(&l, PANIC) || rv_line_starts(&l, FATAL)) &&
		    read_head(t, &l, out)) {
			return true;
		}
	}
	out->cut = out->end != 0 && is_cut(t);
	out->begin = 0;
	return out->cut;
}
