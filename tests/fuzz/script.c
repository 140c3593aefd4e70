/* SPDX-License-Identifier: MIT */
/* Reads the inputs that script.h describes. Refuses none, holds nothing. */
#include "config.h"

#include "fuzz/script.h"

#include <stdio.h>
#include <stdlib.h>

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

void
rv_script_must(int condition, const char *words)
{
	if (!condition) {
		printf("# broken: %s\n", words);
		fflush(stdout);
		abort();
	}
}
