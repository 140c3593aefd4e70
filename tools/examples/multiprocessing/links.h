/* SPDX-License-Identifier: MIT */
/*
 * The links of an HTML page, one after the other, as they are written in it:
 * relative ones are for somebody else to complete.
 *
 *	struct links links = { .at = page, .end = page + length };
 *	struct link link;
 *
 *	while (links_next(&links, &link)) ...
 *
 * A page is foreign bytes and need not be HTML at all: nothing is read behind
 * its end, whatever is open there.
 */
#ifndef LINKS_H
#define LINKS_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINK_MAX_LENGTH 2048

struct links {
	const char *at, *end;
	bool cut; /* the page ends within a tag */
};

struct link {
	bool is_base; /* what relative links are relative to, from now on */
	char href[LINK_MAX_LENGTH];
};

/* What of a page begins here and goes on to `end`. */
struct links_part {
	const char *at;
	size_t length;
};

static inline bool
links_is(struct links_part part, const char *word)
{
	return part.length == strlen(word) &&
	       strncasecmp(part.at, word, part.length) == 0;
}

/* Go on behind the next `text`; to the end when there is none. */
static inline void
links_skip_to(struct links *links, const char *text)
{
	const char *found = memmem(
	    links->at, (size_t)(links->end - links->at), text, strlen(text));

	links->at = found != NULL ? found + strlen(text) : links->end;
}

static inline bool
links_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static inline void
links_skip_spaces(struct links *links)
{
	while (links->at < links->end && links_space(*links->at)) {
		links->at++;
	}
}

/* As far as none of these comes, nor a space. */
static inline struct links_part
links_word(struct links *links, const char *until)
{
	struct links_part word = { links->at, 0 };

	while (links->at < links->end && !links_space(*links->at) &&
	       (*links->at == '\0' || strchr(until, *links->at) == NULL)) {
		links->at++;
	}
	word.length = (size_t)(links->at - word.at);
	return word;
}

/* The value behind a "=", with or without quotes. */
static inline struct links_part
links_value(struct links *links)
{
	struct links_part value = { links->at, 0 };
	const char *close;
	char quote;

	links_skip_spaces(links);
	if (links->at == links->end ||
	    (*links->at != '"' && *links->at != '\'')) {
		return links_word(links, ">");
	}
	quote = *links->at++;
	value.at = links->at;
	close = memchr(value.at, quote, (size_t)(links->end - value.at));
	links->cut |= close == NULL;
	links->at = close != NULL ? close + 1 : links->end;
	value.length = close != NULL ? (size_t)(close - value.at) : 0;
	return value;
}

/* The next attribute of a tag; false: the tag ends. */
static inline bool
links_attribute(
    struct links *links, struct links_part *name, struct links_part *value)
{
	while (links->at < links->end &&
	       (links_space(*links->at) || *links->at == '/')) {
		links->at++;
	}
	if (links->at == links->end || *links->at == '>') {
		links->cut |= links->at == links->end;
		links->at += !links->cut;
		return false;
	}
	*name = links_word(links, "=>/");
	*value = (struct links_part){ links->at, 0 };
	links_skip_spaces(links);
	if (links->at < links->end && *links->at == '=') {
		links->at++;
		*value = links_value(links);
	}
	return true;
}

/* One character that is written "&amp;" or "&#38;": its length, or 0. Others
 * than those of ASCII do not stand in links. */
static inline size_t
links_entity(struct links_part text, char *c)
{
	static const struct {
		const char *name;
		char c;
	} known[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' } };
	char number[12] = "", *end;
	size_t n;
	long code;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		n = strlen(known[i].name);
		if (text.length >= n &&
		    strncasecmp(text.at, known[i].name, n) == 0) {
			*c = known[i].c;
			return n;
		}
	}
	if (text.length < 4 || text.at[1] != '#') {
		return 0;
	}
	n = text.length - 2 < sizeof(number) - 1 ? text.length - 2
						 : sizeof(number) - 1;
	memcpy(number, text.at + 2, n);
	if (number[0] == 'x' || number[0] == 'X') {
		code = isxdigit((unsigned char)number[1])
			   ? strtol(number + 1, &end, 16)
			   : 0;
	} else {
		code = isdigit((unsigned char)number[0])
			   ? strtol(number, &end, 10)
			   : 0;
	}
	if (code < 1 || code > 126 || *end != ';') {
		return 0;
	}
	*c = (char)code;
	return (size_t)(end - number) + 3;
}

/* False: it is none that could be followed. */
static inline bool
links_decode(struct links_part text, char *href)
{
	size_t n = 0;

	while (text.length > 0) {
		char c = *text.at;
		size_t length = c == '&' ? links_entity(text, &c) : 1;

		length += length == 0;
		text.at += length;
		text.length -= length;
		if (c == '\t' || c == '\n' || c == '\r' ||
		    (c == ' ' && n == 0)) {
			continue;
		}
		if (c == '\0' || n + 1 == LINK_MAX_LENGTH) {
			return false;
		}
		href[n++] = c;
	}
	while (n > 0 && href[n - 1] == ' ') {
		n--;
	}
	href[n] = '\0';
	return true;
}

/* The text in these is none of the page's. */
static inline void
links_skip_text_of(struct links *links, struct links_part tag)
{
	static const char *const opaque[] = { "script", "style", "textarea",
		"title", "xmp" };

	for (size_t i = 0; i < sizeof(opaque) / sizeof(*opaque); i++) {
		if (!links_is(tag, opaque[i])) {
			continue;
		}
		while (links->at < links->end) {
			size_t left, n = strlen(opaque[i]);

			links_skip_to(links, "</");
			left = (size_t)(links->end - links->at);
			if (left >= n &&
			    strncasecmp(links->at, opaque[i], n) == 0) {
				links_skip_to(links, ">");
				return;
			}
		}
	}
}

/* A tag whose name begins here. True: it is a link. */
static inline bool
links_tag(struct links *links, struct link *link)
{
	static const struct {
		const char *tag, *attribute;
	} wanted[] = { { "a", "href" }, { "area", "href" }, { "base", "href" },
		{ "frame", "src" }, { "iframe", "src" } };
	struct links_part tag = links_word(links, "/>"), name, value;
	const char *attribute = NULL;
	bool found = false, seen = false;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if (links_is(tag, wanted[i].tag)) {
			attribute = wanted[i].attribute;
		}
	}
	while (links_attribute(links, &name, &value)) {
		/* Of two of the same name the first one counts. */
		if (attribute != NULL && !seen && links_is(name, attribute)) {
			seen = true;
			found = links_decode(value, link->href);
		}
	}
	link->is_base = links_is(tag, "base");
	links_skip_text_of(links, tag);
	return found && !links->cut;
}

/* False: there are no more. */
static inline bool
links_next(struct links *links, struct link *link)
{
	for (;;) {
		links_skip_to(links, "<");
		if (links->at == links->end) {
			return false;
		}
		if (isalpha((unsigned char)*links->at)) {
			if (links_tag(links, link)) {
				return true;
			}
		} else if (links->end - links->at >= 3 &&
			   memcmp(links->at, "!--", 3) == 0) {
			links->at++; /* "<!-->" is a whole comment */
			links_skip_to(links, "-->");
		} else if (*links->at == '!' || *links->at == '?' ||
			   *links->at == '/') {
			links_skip_to(links, ">");
		}
	}
}

#endif
