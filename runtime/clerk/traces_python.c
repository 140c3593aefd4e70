/* SPDX-License-Identifier: MIT */
/*
 * Python's traces, see traces.h: frames are indented, what was raised stands
 * below them. A chain of exceptions is read from its end, where the one stands
 * that was not caught.
 */
#include "config.h"

#include "clerk/traces_priv.h"

#define HEAD      "Traceback (most recent call last):"
#define TYPE_ALSO ".<>"

/* What a block of frames and the line below it say. */
struct block {
	struct rv_slice type, message;
	size_t begin, end;
	bool cut;
};

static bool
is_frame(const struct rv_line *l)
{
	return rv_line_starts(l, "  File \"") && rv_line_has(l, "\", line ");
}

/* Below the frame: more of them, source lines, and what was raised. */
static bool
read_raised(const struct rv_lines *t, size_t at, struct block *b)
{
	struct rv_line l;

	while (rv_line_at(t, at, &l)) {
		if (l.len > 0 && l.s[0] != ' ') {
			b->end = l.next;
			return rv_slice_split(rv_slice(l.s, l.len), TYPE_ALSO,
			    &b->type, &b->message);
		}
		if (l.len == 0) {
			return false;
		}
		at = l.next;
	}
	return false;
}

/* Above the frame: to the head, which is left off for errors of syntax. */
static void
read_head(const struct rv_lines *t, size_t at, struct block *b)
{
	struct rv_line l;

	b->begin = at;
	b->cut = at == 0;
	while (rv_line_before(t, b->begin, &l)) {
		if (l.len == 0) {
			return;
		}
		if (l.s[0] != ' ') {
			bool head = rv_line_starts(&l, HEAD);

			/* The first line of a tail is rarely a whole one. */
			b->cut = !head && l.at == 0;
			b->begin = head ? l.at : b->begin;
			return;
		}
		b->begin = l.at;
		b->cut = l.at == 0;
	}
}

/* The last block that stands before this place. */
static bool
block_before(const struct rv_lines *t, size_t at, struct block *b)
{
	struct rv_line l;

	while (rv_line_before(t, at, &l)) {
		at = l.at;
		if (!is_frame(&l)) {
			continue;
		}
		read_head(t, l.at, b);
		if (read_raised(t, l.next, b)) {
			return true;
		}
		at = b->begin;
	}
	return false;
}

/* Does a sentence above say that this came of another? Where it begins. */
static bool
has_cause(const struct rv_lines *t, size_t begin, size_t *at)
{
	struct rv_line blank, said;

	if (!rv_line_before(t, begin, &blank) || blank.len != 0 ||
	    !rv_line_before(t, blank.at, &said)) {
		return false;
	}
	*at = said.at;
	return rv_line_starts(&said, "During handling of the above") ||
	       rv_line_starts(&said, "The above exception was the direct");
}

static void
read_causes(const struct rv_lines *t, struct rv_trace *out)
{
	struct block b;
	size_t at;

	while (has_cause(t, out->begin, &at)) {
		if (!block_before(t, at, &b)) {
			out->cut = true;
			return;
		}
		if (out->cause_type.s == NULL) {
			out->cause_type = b.type;
			out->cause_message = b.message;
		}
		out->begin = b.begin;
		out->cut = b.cut;
	}
}

/* Such an error of the main program comes without a head. */
static bool
is_of_syntax(struct rv_slice type)
{
	return rv_slice_find(type, "SyntaxError") != NULL ||
	       rv_slice_find(type, "IndentationError") != NULL ||
	       rv_slice_find(type, "TabError") != NULL;
}

/* What stands above the first block: whose it is, or that it ended nothing. */
static bool
read_owner(const struct rv_lines *t, struct rv_trace *out)
{
	static const char thread[] = "Exception in thread ";
	struct rv_line l;

	if (!rv_line_before(t, out->begin, &l)) {
		return true;
	}
	if (rv_line_starts(&l, thread)) {
		size_t n = sizeof(thread) - 1;

		out->thread = rv_slice(l.s + n, l.len - n);
		out->thread.len -= l.s[l.len - 1] == ':';
		out->begin = l.at;
	}
	return !rv_line_starts(&l, "Exception ignored ") &&
	       !rv_line_starts(&l, "Error in atexit");
}

/* An exception group draws its branches at the left. */
static bool
find_group(const struct rv_lines *t, struct rv_trace *out)
{
	struct rv_line l, below;
	size_t at = t->len;

	while (rv_line_before(t, at, &l)) {
		at = l.at;
		if (!rv_line_starts(&l, "  + Exception Group " HEAD)) {
			continue;
		}
		out->begin = out->end = at;
		for (at = l.next; rv_line_at(t, at, &below); at = below.next) {
			bool raised = rv_line_starts(&below, "  | ") &&
				      below.len > 4 && below.s[4] != ' ';

			if (!rv_line_starts(&below, "  ")) {
				break;
			}
			if (raised && out->type.s == NULL) {
				rv_slice_split(
				    rv_slice(below.s + 4, below.len - 4),
				    TYPE_ALSO, &out->type, &out->message);
			}
			out->end = below.next;
		}
		read_causes(t, out);
		return out->type.s != NULL;
	}
	return false;
}

/* The interpreter itself went down: faulthandler, or an abort. */
static bool
find_fatal(const struct rv_lines *t, struct rv_trace *out)
{
	static const char fatal[] = "Fatal Python error: ";
	struct rv_line l, below;
	size_t at = t->len, n = sizeof(fatal) - 1;

	while (rv_line_before(t, at, &l)) {
		at = l.at;
		if (!rv_line_starts(&l, fatal)) {
			continue;
		}
		out->type = rv_slice(l.s, n - 2);
		out->message = rv_slice(l.s + n, l.len - n);
		out->begin = l.at;
		out->end = l.next;
		for (at = l.next; rv_line_at(t, at, &below); at = below.next) {
			if (rv_line_starts(&below, "  File \"")) {
				out->end = below.next;
			}
		}
		return true;
	}
	return false;
}

static bool
find_plain(const struct rv_lines *t, struct rv_trace *out)
{
	size_t at = t->len;
	struct block b;

	while (block_before(t, at, &b)) {
		*out = (struct rv_trace){ .language = out->language,
			.type = b.type,
			.message = b.message,
			.begin = b.begin,
			.end = b.end,
			.cut = b.cut && !is_of_syntax(b.type) };
		read_causes(t, out);
		if (read_owner(t, out)) {
			return true;
		}
		at = out->begin;
	}
	return false;
}

bool
rv_trace_python(const struct rv_lines *t, struct rv_trace *out)
{
	bool (*const ways[])(const struct rv_lines *,
	    struct rv_trace *) = { find_plain, find_group, find_fatal };
	bool found = false;

	for (size_t i = 0; i < RV_ARRAY_LEN(ways); i++) {
		struct rv_trace trace = { .language = out->language };

		if (ways[i](t, &trace) && (!found || trace.end > out->end)) {
			*out = trace;
			found = true;
		}
	}
	return found;
}
