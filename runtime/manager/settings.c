/* SPDX-License-Identifier: MIT */
/*
 * Reads the flat JSON object of settings: names of the table, and strings,
 * numbers, true and false behind them. Called by manager_process.c. The text is
 * of who starts the manager; it is doubted all the same.
 */
#include "config.h"

#include "manager/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"

enum kind { IS_TEXT, IS_DURATION, IS_SIZE, IS_NUMBER, IS_FLAG };

static const struct setting {
	const char *name;
	enum kind kind;
	size_t at;
} all_settings[] = {
#define ROW(name, kind)     { #name, kind, offsetof(struct rv_settings, name) },
#define TEXT(name, doc)     ROW(name, IS_TEXT)
#define DURATION(name, doc) ROW(name, IS_DURATION)
#define SIZE(name, doc)     ROW(name, IS_SIZE)
#define NUMBER(name, doc)   ROW(name, IS_NUMBER)
#define FLAG(name, doc)     ROW(name, IS_FLAG)
#include "manager/settings.def"
#undef TEXT
#undef DURATION
#undef SIZE
#undef NUMBER
#undef FLAG
};

struct text {
	const char *at, *end;
	char word[512]; /* the string or bare word that was read last */
	bool was_string;
};

static char
peek(struct text *t)
{
	while (t->at < t->end && strchr(" \t\r\n", *t->at) != NULL &&
	       *t->at != '\0') {
		t->at++;
	}
	return t->at < t->end ? *t->at : '\0';
}

static bool
take(struct text *t, char c)
{
	if (peek(t) != c) {
		return false;
	}
	t->at++;
	return true;
}

/* What follows a backslash; paths and names need no more than these. */
static char
escaped(char c)
{
	static const char from[] = "\"\\/nt", to[] = "\"\\/\n\t";
	const char *found = c != '\0' ? strchr(from, c) : NULL;

	return found != NULL ? to[found - from] : '\0';
}

static bool
take_string(struct text *t)
{
	size_t n = 0;

	if (!take(t, '"')) {
		return false;
	}
	while (t->at < t->end && *t->at != '"') {
		char c = *t->at++;

		if (c == '\\') {
			c = t->at < t->end ? escaped(*t->at++) : '\0';
		}
		if (c == '\0' || n + 1 >= sizeof(t->word)) {
			return false;
		}
		t->word[n++] = c;
	}
	t->word[n] = '\0';
	t->was_string = true;
	return take(t, '"');
}

static bool
take_value(struct text *t)
{
	size_t n = 0;

	if (peek(t) == '"') {
		return take_string(t);
	}
	while (t->at < t->end && strchr(",} \t\r\n", *t->at) == NULL &&
	       n + 1 < sizeof(t->word)) {
		t->word[n++] = *t->at++;
	}
	t->word[n] = '\0';
	t->was_string = false;
	return n > 0;
}

static bool
store(struct rv_settings *settings, const struct setting *setting,
    const struct text *t)
{
	void *at = (char *)settings + setting->at;
	int64_t number;

	switch (setting->kind) {
	case IS_TEXT:
		rv_free(*(char **)at);
		*(char **)at = t->was_string ? rv_strdup(t->word) : NULL;
		return *(char **)at != NULL;
	case IS_DURATION:
		return rv_parse_duration(t->word, at);
	case IS_SIZE:
		return rv_parse_size(t->word, at);
	case IS_NUMBER:
		if (!rv_parse_int(t->word, 0, UINT32_MAX, &number)) {
			return false;
		}
		*(uint64_t *)at = (uint64_t)number;
		return true;
	case IS_FLAG:
		*(bool *)at = strcmp(t->word, "true") == 0;
		return !t->was_string &&
		       (*(bool *)at || strcmp(t->word, "false") == 0);
	}
	return false;
}

/* What a value may be; of texts, that they are some. */
static const char *const forms[] = { [IS_TEXT] = "a string",
	[IS_DURATION] = "a time such as \"30s\" or \"250ms\"",
	[IS_SIZE] = "a size such as \"64MiB\"",
	[IS_NUMBER] = "a whole number",
	[IS_FLAG] = "true or false" };

static enum reeve_status
say_unknown(const char *name, struct reeve_error *err)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(all_settings); i++) {
		if (rv_distance(name, all_settings[i].name) <= 2) {
			return rv_error(err, REEVE_ECONFIG,
			    "cannot read the manager's settings: there is no "
			    "\"%s\"; did you mean \"%s\"?",
			    name, all_settings[i].name);
		}
	}
	return rv_error(err, REEVE_ECONFIG,
	    "cannot read the manager's settings: there is no \"%s\"; "
	    "reeve-manager(7) lists them all",
	    name);
}

static enum reeve_status
take_member(
    struct text *t, struct rv_settings *settings, struct reeve_error *err)
{
	char name[64];

	if (!take_string(t) || !take(t, ':')) {
		return rv_error(err, REEVE_ECONFIG,
		    "cannot read the manager's settings: they are no JSON "
		    "object");
	}
	(void)rv_copy(name, sizeof(name), t->word);
	if (!take_value(t)) {
		return rv_error(err, REEVE_ECONFIG,
		    "cannot read the manager's settings: %s has no value",
		    name);
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(all_settings); i++) {
		if (strcmp(all_settings[i].name, name) == 0) {
			return store(settings, &all_settings[i], t)
				   ? REEVE_OK
				   : rv_error(err, REEVE_ECONFIG,
					 "cannot read the manager's settings: "
					 "%s cannot be %s%.100s%s: it is %s",
					 name, t->was_string ? "\"" : "",
					 t->word, t->was_string ? "\"" : "",
					 forms[all_settings[i].kind]);
		}
	}
	return say_unknown(name, err);
}

enum reeve_status
rv_settings_read(struct rv_settings *settings, const char *json, size_t length,
    struct reeve_error *err)
{
	struct text t = { .at = json, .end = json + length };
	enum reeve_status status = REEVE_OK;

	memset(settings, 0, sizeof(*settings));
	if (json == NULL || peek(&t) == '\0' || strcmp(t.at, "null") == 0) {
		return REEVE_OK;
	}
	if (!take(&t, '{')) {
		return rv_error(err, REEVE_ECONFIG,
		    "cannot read the manager's settings: they are no JSON "
		    "object");
	}
	while (status == REEVE_OK && !take(&t, '}')) {
		status = take_member(&t, settings, err);
		if (status == REEVE_OK && peek(&t) != '}' && !take(&t, ',')) {
			status = rv_error(err, REEVE_ECONFIG,
			    "cannot read the manager's settings: no comma");
		}
	}
	if (status != REEVE_OK) {
		rv_settings_finish(settings);
	}
	return status;
}

void
rv_settings_finish(struct rv_settings *settings)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(all_settings); i++) {
		if (all_settings[i].kind == IS_TEXT) {
			char **at =
			    (void *)((char *)settings + all_settings[i].at);

			rv_free(*at);
			*at = NULL;
		}
	}
}
