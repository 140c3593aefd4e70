/* SPDX-License-Identifier: MIT */
/*
 * Lines and slices, and the choice among the languages: see traces.h. Knows no
 * language itself.
 */
#include "config.h"

#include <string.h>

#include "clerk/traces_priv.h"

#define BEHIND_MAX 40 /* lines that may follow a trace */

static void
set_line(const struct rv_lines *t, size_t at, size_t end, struct rv_line *l)
{
	l->at = at;
	l->next = end < t->len ? end + 1 : end;
	l->s = t->s + at;
	l->len = end - at;
	if (l->len > 0 && l->s[l->len - 1] == '\r') {
		l->len--;
	}
}

bool
rv_line_at(const struct rv_lines *t, size_t at, struct rv_line *l)
{
	const char *nl;

	if (at >= t->len) {
		return false;
	}
	nl = memchr(t->s + at, '\n', t->len - at);
	set_line(t, at, nl != NULL ? (size_t)(nl - t->s) : t->len, l);
	return true;
}

bool
rv_line_before(const struct rv_lines *t, size_t at, struct rv_line *l)
{
	const char *nl;
	size_t end = at;

	if (at == 0) {
		return false;
	}
	if (t->s[at - 1] == '\n') {
		end--;
	}
	nl = end > 0 ? memrchr(t->s, '\n', end) : NULL;
	set_line(t, nl != NULL ? (size_t)(nl - t->s) + 1 : 0, end, l);
	return true;
}

bool
rv_line_starts(const struct rv_line *l, const char *prefix)
{
	size_t len = strlen(prefix);

	return l->len >= len && memcmp(l->s, prefix, len) == 0;
}

bool
rv_line_has(const struct rv_line *l, const char *part)
{
	return memmem(l->s, l->len, part, strlen(part)) != NULL;
}

size_t
rv_line_indent(const struct rv_line *l)
{
	size_t n = 0;

	while (n < l->len && l->s[n] == ' ') {
		n++;
	}
	return n;
}

struct rv_slice
rv_slice(const char *s, size_t len)
{
	return (struct rv_slice){ s, len };
}

const char *
rv_slice_find(struct rv_slice slice, const char *part)
{
	return slice.s != NULL ? memmem(slice.s, slice.len, part, strlen(part))
			       : NULL;
}

struct rv_slice
rv_slice_to(
    const struct rv_lines *t, const struct rv_line *l, size_t from, size_t to)
{
	size_t at = l->at + RV_MIN(from, l->len);

	to = RV_MAX(to, at);
	while (to > at && (t->s[to - 1] == '\n' || t->s[to - 1] == '\r')) {
		to--;
	}
	return rv_slice(t->s + at, to - at);
}

static bool
is_of_type(char c, const char *also)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' ||
	       (c & 0x80) != 0 || /* letters of other scripts */
	       (c != '\0' && strchr(also, c) != NULL);
}

bool
rv_slice_split(struct rv_slice all, const char *also, struct rv_slice *type,
    struct rv_slice *message)
{
	size_t n = 0;

	while (n < all.len && is_of_type(all.s[n], also)) {
		n++;
	}
	if (n == 0 || (all.s[0] >= '0' && all.s[0] <= '9')) {
		return false;
	}
	if (n == all.len) {
		*type = all;
		*message = rv_slice(NULL, 0);
		return true;
	}
	if (all.s[n] != ':') {
		return false;
	}
	*type = rv_slice(all.s, n);
	n++;
	n += n < all.len && all.s[n] == ' ';
	*message = rv_slice(all.s + n, all.len - n);
	return true;
}

static bool
is_near_the_end(const struct rv_lines *t, size_t at)
{
	struct rv_line l;

	for (unsigned n = 0; rv_line_at(t, at, &l); at = l.next) {
		n += l.len > 0;
		if (n > BEHIND_MAX) {
			return false;
		}
	}
	return true;
}

static void
trim(struct rv_slice *slice)
{
	while (slice->len > 0 && (slice->s[slice->len - 1] == ' ' ||
				     slice->s[slice->len - 1] == '\r')) {
		slice->len--;
	}
}

bool
rv_trace_find(const char *text, size_t len, struct rv_trace *out)
{
	static const struct {
		const char *name;
		bool (*find)(const struct rv_lines *, struct rv_trace *);
	} languages[] = {
#define X(name, doc) { #name, rv_trace_##name },
#include "clerk/traces.def"
#undef X
	};
	struct rv_lines t = { text, len };
	bool found = false;

	for (size_t i = 0; i < RV_ARRAY_LEN(languages); i++) {
		struct rv_trace trace = { .language = languages[i].name };

		if (!languages[i].find(&t, &trace) ||
		    !is_near_the_end(&t, trace.end) ||
		    (found && trace.end <= out->end)) {
			continue;
		}
		found = true;
		*out = trace;
	}
	if (found) {
		trim(&out->type);
		trim(&out->message);
		trim(&out->cause_message);
	}
	return found;
}
