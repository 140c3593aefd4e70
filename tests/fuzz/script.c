/* SPDX-License-Identifier: MIT */
/* Reads the inputs that script.h describes. Refuses none, holds nothing. */
#include "config.h"

#include "fuzz/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
rv_script_next(struct rv_script *script, unsigned *number)
{
	*number = 0;
	if (script->at == script->end) {
		return -1;
	}
	if (*script->at != '~') {
		return *script->at++;
	}
	for (script->at++; script->at != script->end; script->at++) {
		if (*script->at < '0' || *script->at > '9') {
			break;
		}
		*number = *number * 10 + (unsigned)(*script->at - '0');
		if (*number > RV_SCRIPT_NUMBER_MAX) {
			*number = RV_SCRIPT_NUMBER_MAX;
		}
	}
	if (script->at == script->end) {
		return -1;
	}
	if (*script->at == '~') {
		return *script->at++;
	}
	return RV_SCRIPT_EVENT + *script->at++;
}

size_t
rv_script_plain(const struct rv_script *script)
{
	size_t left = (size_t)(script->end - script->at);
	const uint8_t *mark = left != 0 ? memchr(script->at, '~', left) : NULL;

	return mark != NULL ? (size_t)(mark - script->at) : left;
}

void
rv_script_must(int condition, const char *words)
{
	if (!condition) {
		printf("# broken: %s\n", words);
		fflush(stdout);
		abort();
	}
}
