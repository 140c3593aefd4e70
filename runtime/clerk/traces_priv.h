/* SPDX-License-Identifier: MIT */
/*
 * Lines, for the traces of all languages: going through a text in both
 * directions without an index. Used by traces*.c only.
 */
#ifndef RV_CLERK_TRACES_PRIV_H
#define RV_CLERK_TRACES_PRIV_H

#include "clerk/traces.h"

struct rv_lines {
	const char *s;
	size_t len;
};

struct rv_line {
	size_t at, next; /* in the text: its begin, and the next one's */
	const char *s;   /* without its end of line */
	size_t len;
};

/* The line that begins here, or the one before; false: there is none. */
bool rv_line_at(const struct rv_lines *, size_t at, struct rv_line *);
bool rv_line_before(const struct rv_lines *, size_t at, struct rv_line *);

bool rv_line_starts(const struct rv_line *, const char *prefix);
bool rv_line_has(const struct rv_line *, const char *part);
/* How many spaces it begins with. */
size_t rv_line_indent(const struct rv_line *);

struct rv_slice rv_slice(const char *s, size_t len);
/* Where `part` begins in it, or NULL. */
const char *rv_slice_find(struct rv_slice, const char *part);
/* From the line's offset on, and up to this place, its end of line left off. */
struct rv_slice rv_slice_to(
    const struct rv_lines *, const struct rv_line *, size_t from, size_t to);
/*
 * "TYPE: MESSAGE" or "TYPE": a type is made of letters, digits and these; the
 * message is what is left. False: it does not begin with a type.
 */
bool rv_slice_split(struct rv_slice, const char *also, struct rv_slice *type,
    struct rv_slice *message);

#define X(name, doc) \
	bool rv_trace_##name(const struct rv_lines *, struct rv_trace *);
#include "clerk/traces.def"
#undef X

#endif
