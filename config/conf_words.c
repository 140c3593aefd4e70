/* SPDX-License-Identifier: MIT */
/*
 * A command line into words: spaces separate, '...' keeps all as it is, "..."
 * all but \ before " \ $ `, a \ elsewhere keeps the next, and one before the
 * end of a line joins lines. No shell is run, so what a shell would act upon is
 * refused where it is written alone; what an expression brought in is not
 * judged, since a variable may well hold an address with a & in it.
 */
#include "config.h"

#include <string.h>

#include "config/conf_priv.h"

struct split {
	const char *at;
	struct rv_buf word;
	bool open;    /* a word has begun, perhaps empty */
	bool written; /* as it stands in the file: refuse what needs a shell */
};

/* NULL, or what is wrong. */
static const char *
take_quoted(struct split *s)
{
	char quote = *s->at++;

	for (; *s->at != quote; s->at++) {
		if (*s->at == '\0') {
			return quote == '"' ? "a \" is not closed"
					    : "a ' is not closed";
		}
		if (quote == '"' && *s->at == '\\' && s->at[1] != '\0' &&
		    strchr("\"\\$`\n", s->at[1]) != NULL && *++s->at == '\n') {
			continue;
		}
		rv_buf_addc(&s->word, *s->at);
	}
	s->at++;
	return NULL;
}

static const char *
take_escaped(struct split *s)
{
	if (*++s->at == '\0') {
		return "it ends in a backslash";
	}
	if (*s->at != '\n') {
		s->open = true;
		rv_buf_addc(&s->word, *s->at);
	}
	s->at++;
	return NULL;
}

static const char *
take_word(struct split *s)
{
	const char *flaw = NULL;

	while (
	    flaw == NULL && *s->at != '\0' && strchr(" \t\n", *s->at) == NULL) {
		if (*s->at == '\\') {
			flaw = take_escaped(s);
			continue;
		}
		s->open = true;
		if (*s->at == '\'' || *s->at == '"') {
			flaw = take_quoted(s);
		} else if (s->written && strchr("|&;<>", *s->at) != NULL) {
			return "it needs a shell (| & ; < >): quote it, or use "
			       "[\"sh\", \"-c\", ...]";
		} else {
			rv_buf_addc(&s->word, *s->at++);
		}
	}
	return flaw;
}

/* As many as there are, in the arena. */
static const char *const *
kept(struct rv_arena *arena, const char **words, unsigned n)
{
	const char **all = rv_arena_get(arena, n + 1, sizeof(all[0]));

	if (all != NULL) {
		memcpy(all, words, n * sizeof(all[0]));
	}
	return all;
}

const char *const *
rv_conf_words(struct rv_loader *l, struct rv_arena *arena,
    const struct rv_cnode *node, const char *text, bool written)
{
	const char **words =
	    rv_arena_get(&l->scratch, strlen(text) / 2 + 2, sizeof(words[0]));
	struct split s = { .at = text, .written = written };
	const char *flaw = NULL;
	unsigned n = 0;

	if (words == NULL) {
		return NULL;
	}
	rv_buf_init(&s.word, RV_CARGS_MAX);
	while (flaw == NULL && *(s.at += strspn(s.at, " \t\n")) != '\0') {
		s.open = false;
		rv_buf_reset(&s.word);
		flaw = take_word(&s);
		if (flaw == NULL && s.open) {
			words[n++] =
			    rv_arena_strdup(arena, rv_buf_str(&s.word));
		}
		if (s.word.failed && flaw == NULL) {
			flaw = "a word is too long";
		}
	}
	l->arena->failed = l->arena->failed || s.word.starved;
	rv_buf_finish(&s.word);
	if (flaw == NULL && n == 0) {
		flaw = "it has no word";
	}
	if (flaw != NULL) {
		rv_conf_error(l, node, "cannot split the command: %s", flaw);
		return NULL;
	}
	return kept(arena, words, n);
}
