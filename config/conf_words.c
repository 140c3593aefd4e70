/* SPDX-License-Identifier: MIT */
/*
 * A command line into words: spaces separate, '...' keeps all as it is, "..."
 * all but \ before " \ $ `, a \ elsewhere keeps the next. No shell is run, so
 * what a shell would act upon is refused where it stands alone.
 */
#include "config.h"

#include <string.h>

#include "config/conf_priv.h"

#define WORDS_MAX 4096

struct split {
	const char *at;
	struct rv_buf word;
	bool open; /* a word has begun, perhaps empty */
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
		    strchr("\"\\$`", s->at[1]) != NULL) {
			s->at++;
		}
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
		s->open = true;
		if (*s->at == '\'' || *s->at == '"') {
			flaw = take_quoted(s);
		} else if (*s->at == '\\') {
			if (*++s->at == '\0') {
				return "it ends in a backslash";
			}
			rv_buf_addc(&s->word, *s->at++);
		} else if (strchr("|&;<>", *s->at) != NULL) {
			return "it needs a shell (| & ; < >): quote it, or use "
			       "[\"sh\", \"-c\", ...]";
		} else {
			rv_buf_addc(&s->word, *s->at++);
		}
	}
	return flaw;
}

const char *const *
rv_conf_words(
    struct rv_loader *l, const struct rv_cnode *node, const char *text)
{
	const char **words =
	    rv_arena_get(&l->scratch, strlen(text) / 2 + 2, sizeof(words[0]));
	struct split s = { .at = text };
	const char *flaw = NULL;
	unsigned n = 0;

	if (words == NULL) {
		return NULL;
	}
	rv_buf_init(&s.word, 128 * 1024);
	while (flaw == NULL) {
		s.at += strspn(s.at, " \t\n");
		s.open = false;
		rv_buf_reset(&s.word);
		flaw = take_word(&s);
		if (flaw != NULL || !s.open) {
			break;
		}
		words[n++] = rv_arena_strdup(l->arena, rv_buf_str(&s.word));
	}
	if (s.word.failed && flaw == NULL) {
		flaw = "a word is too long";
	}
	rv_buf_finish(&s.word);
	if (flaw == NULL && n == 0) {
		flaw = "it has no word";
	}
	if (flaw != NULL) {
		rv_conf_error(l, node, "cannot split the command: %s", flaw);
		return NULL;
	}
	return words;
}
