/* SPDX-License-Identifier: MIT */
/*
 * robots.txt, as RFC 9309 has it: which rules of it hold for an agent, and
 * whether they allow a path. And Crawl-delay, which is not in it and
 * everywhere.
 *
 * The file is foreign bytes: nothing in it is believed to end where it should,
 * and what is no rule is passed over.
 */
#ifndef ROBOTS_H
#define ROBOTS_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROBOTS_PATTERN 1024  /* of one rule, at most */
#define ROBOTS_RULES   65536 /* of all that hold for an agent */

struct robots {
	int64_t delay_ms;
	uint32_t length;          /* of the rules */
	char rules[ROBOTS_RULES]; /* "A/path" NUL "D/path" NUL ... */
};

/* The same path is always the same text: what need not be a %XX is none, what
 * has to be is one, in capitals. False: no room. */
static inline bool
robots_normal(const char *text, size_t length, char *out, size_t size)
{
	static const char plain[] = "-._~!$&'()*+,;=:@/?";
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool coded = c == '%' && length - i > 2 &&
			     isxdigit((unsigned char)text[i + 1]) &&
			     isxdigit((unsigned char)text[i + 2]);

		if (n + 4 > size) {
			return false;
		}
		if (coded) {
			char hex[3] = { text[i + 1], text[i + 2], '\0' };

			c = (unsigned char)strtoul(hex, NULL, 16);
			i += 2;
		}
		/* "%2F" is not "/", but "%61" is "a". */
		if (c < 0x80 &&
		    (isalnum(c) || (c != '\0' && strchr(coded ? "-._~" : plain,
						     c) != NULL))) {
			out[n++] = (char)c;
		} else {
			n += (size_t)snprintf(out + n, size - n, "%%%02X", c);
		}
	}
	out[n] = '\0';
	return true;
}

/* ---- reading ---- */

/* One line: "field: value", both without what is around them. */
struct robots_line {
	const char *field, *value;
	size_t field_length, value_length;
};

static inline void
robots_trim(const char **text, size_t *length)
{
	while (*length > 0 && (**text == ' ' || **text == '\t')) {
		++*text;
		--*length;
	}
	while (*length > 0 &&
	       ((*text)[*length - 1] == ' ' || (*text)[*length - 1] == '\t')) {
		--*length;
	}
}

/* False: there is no more. A line that has no colon has no field. */
static inline bool
robots_next(const char **at, const char *end, struct robots_line *line)
{
	const char *begin = *at, *stop = begin, *last, *colon;

	if (begin >= end) {
		return false;
	}
	while (stop < end && *stop != '\n' && *stop != '\r') {
		stop++;
	}
	*at = stop < end ? stop + 1 : end;
	last = memchr(begin, '#', (size_t)(stop - begin));
	stop = last != NULL ? last : stop;
	colon = memchr(begin, ':', (size_t)(stop - begin));
	if (colon == NULL) {
		colon = begin;
		line->value = stop;
	} else {
		line->value = colon + 1;
	}
	line->field = begin;
	line->field_length = (size_t)(colon - begin);
	line->value_length = (size_t)(stop - line->value);
	robots_trim(&line->field, &line->field_length);
	robots_trim(&line->value, &line->value_length);
	return true;
}

static inline bool
robots_is(const struct robots_line *line, const char *field)
{
	return line->field_length == strlen(field) &&
	       strncasecmp(line->field, field, line->field_length) == 0;
}

/* "Googlebot/2.1" names googlebot: letters, dashes and underscores count. */
static inline bool
robots_names(const struct robots_line *line, const char *agent)
{
	size_t n = 0;

	if (*agent == '*') {
		return line->value_length > 0 && *line->value == '*';
	}
	while (n < line->value_length &&
	       (isalpha((unsigned char)line->value[n]) ||
		   line->value[n] == '-' || line->value[n] == '_')) {
		n++;
	}
	return n == strlen(agent) && strncasecmp(line->value, agent, n) == 0;
}

static inline void
robots_add(struct robots *robots, char kind, const char *value, size_t length)
{
	char pattern[ROBOTS_PATTERN];
	size_t n;

	if (length == 0) {
		return; /* "Disallow:" disallows nothing */
	}
	if (!robots_normal(value, length, pattern, sizeof(pattern)) ||
	    robots->length + strlen(pattern) + 3 > ROBOTS_RULES) {
		/* Too much to keep: better too careful than too bold. */
		kind = 'D';
		memcpy(pattern, "*", 2);
		robots->length = 0;
	}
	n = (size_t)snprintf(robots->rules + robots->length,
	    ROBOTS_RULES - robots->length, "%c%s%s", kind,
	    *pattern == '/' || *pattern == '*' ? "" : "/", pattern);
	robots->length += (uint32_t)n + 1;
}

static inline void
robots_add_delay(struct robots *robots, const char *value, size_t length)
{
	char text[32], *end;
	double s;

	if (length == 0 || length >= sizeof(text)) {
		return;
	}
	memcpy(text, value, length);
	text[length] = '\0';
	s = strtod(text, &end);
	if (*end == '\0' && s >= 0 && s <= 3600) {
		robots->delay_ms = (int64_t)(s * 1000 + 0.5);
	}
}

/* All groups of this agent, as one. False: there is none. */
static inline bool
robots_groups(
    struct robots *robots, const char *text, size_t length, const char *agent)
{
	bool naming = false, ours = false, found = false;
	const char *at = text, *end = text + length;
	struct robots_line line;

	while (robots_next(&at, end, &line)) {
		if (robots_is(&line, "user-agent")) {
			ours = (naming && ours) || robots_names(&line, agent);
			naming = true;
			found |= ours;
		} else if (robots_is(&line, "allow") ||
			   robots_is(&line, "disallow")) {
			naming = false;
			if (ours) {
				robots_add(robots,
				    line.field_length == 5 ? 'A' : 'D',
				    line.value, line.value_length);
			}
		} else if (robots_is(&line, "crawl-delay")) {
			naming = false;
			if (ours) {
				robots_add_delay(
				    robots, line.value, line.value_length);
			}
		}
	}
	return found;
}

/* What a robots.txt says to an agent; groups of "*" are for those that no other
 * one names. */
static inline void
robots_read(
    struct robots *robots, const char *text, size_t length, const char *agent)
{
	robots->delay_ms = 0;
	robots->length = 0;
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	if (!robots_groups(robots, text, length, agent)) {
		(void)robots_groups(robots, text, length, "*");
	}
}

/* Where there may be one, and nobody says what is in it. */
static inline void
robots_read_none(struct robots *robots)
{
	robots->delay_ms = 0;
	robots->length = 0;
	robots_add(robots, 'D', "/", 1);
}

/* ---- asking ---- */

/* A pattern is how the path begins; "*" is anything, "$" behind it the end. */
static inline bool
robots_matches(const char *pattern, const char *path)
{
	const char *star = NULL, *back = NULL;

	for (;;) {
		if (*pattern == '\0' ||
		    (pattern[0] == '$' && pattern[1] == '\0' &&
			*path == '\0')) {
			return true;
		}
		if (*pattern == '*') {
			star = ++pattern;
			back = path;
		} else if (*pattern == *path && *path != '\0') {
			pattern++;
			path++;
		} else if (star != NULL && *back != '\0') {
			pattern = star;
			path = ++back;
		} else {
			return false;
		}
	}
}

/* Path and query, "/a/b?c". The longest rule counts; of two, the kinder. */
static inline bool
robots_allow(const struct robots *robots, const char *path)
{
	const char *rule = robots->rules, *end = rule + robots->length;
	char normal[8 * ROBOTS_PATTERN];
	size_t best = 0;
	bool allowed = true;

	if (!robots_normal(path, strlen(path), normal, sizeof(normal))) {
		return false;
	}
	if (strcmp(normal, "/robots.txt") == 0) {
		return true;
	}
	for (; rule < end; rule += strlen(rule) + 1) {
		size_t n = strlen(rule + 1);

		if ((n > best || (n == best && *rule == 'A')) &&
		    robots_matches(rule + 1, normal)) {
			best = n;
			allowed = *rule == 'A';
		}
	}
	return allowed;
}

#endif
