/* SPDX-License-Identifier: MIT */
/* See map_halt.h: the rules of --halt, read and applied. Pure. */
#include "config.h"

#include "tools/map/map_halt.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *word;
	enum map_halt_when when;
} whens[] = {
	{ "soon,", MAP_HALT_SOON },
	{ "now,", MAP_HALT_NOW },
};

static const struct {
	const char *word;
	enum map_halt_what what;
} whats[] = {
	{ "fail=", MAP_HALT_FAIL },
	{ "success=", MAP_HALT_SUCCESS },
	{ "done=", MAP_HALT_DONE },
};

static bool
parse_count(struct map_halt *halt, const char *text)
{
	char *end;
	long count;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	count = strtol(text, &end, 10);
	halt->percent = *end == '%';
	if (halt->percent) {
		end++;
	}
	halt->count = (unsigned)count;
	return *end == '\0' && count >= 1 &&
	       count <= (halt->percent ? 100 : 1000000000);
}

bool
map_halt_parse(struct map_halt *halt, const char *text)
{
	*halt = (struct map_halt){ .when = MAP_HALT_NEVER };
	if (strcmp(text, "never") == 0) {
		return true;
	}
	for (size_t i = 0; i < LENGTH(whens); i++) {
		size_t n = strlen(whens[i].word);

		if (strncmp(text, whens[i].word, n) == 0) {
			halt->when = whens[i].when;
			text += n;
			break;
		}
	}
	for (size_t i = 0; i < LENGTH(whats); i++) {
		size_t n = strlen(whats[i].word);

		if (strncmp(text, whats[i].word, n) == 0) {
			halt->what = whats[i].what;
			return halt->when != MAP_HALT_NEVER &&
			       parse_count(halt, text + n);
		}
	}
	return false;
}

bool
map_halt_is_due(const struct map_halt *halt, uint64_t ended, uint64_t failed)
{
	uint64_t done = ended + failed;
	uint64_t n = halt->what == MAP_HALT_FAIL      ? failed
		     : halt->what == MAP_HALT_SUCCESS ? ended
						      : done;

	if (halt->when == MAP_HALT_NEVER) {
		return false;
	}
	if (!halt->percent) {
		return n >= halt->count;
	}
	return done >= MAP_HALT_LEAST && n * 100 >= done * halt->count;
}
