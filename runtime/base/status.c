/* SPDX-License-Identifier: MIT */
/* Names, texts and exit codes of statuses, from the one table. */
#include "config.h"

#include <reeve/status.h>

#include "base/base.h"

struct entry {
	int number, exit_code;
	const char *name, *text;
};

static const struct entry table[] = {
#define X(name, number, exit_code, text) { number, exit_code, #name, text },
#include <reeve/status.def>
#undef X
};

static const struct entry *
find(enum reeve_status status)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(table); i++) {
		if (table[i].number == (int)status) {
			return &table[i];
		}
	}
	return NULL;
}

const char *
reeve_status_text(enum reeve_status status)
{
	const struct entry *e = find(status);

	return e != NULL ? e->text : "unknown status";
}

const char *
reeve_status_name(enum reeve_status status)
{
	const struct entry *e = find(status);

	return e != NULL ? e->name : "?";
}

int
reeve_status_exit_code(enum reeve_status status)
{
	const struct entry *e = find(status);

	return e != NULL ? e->exit_code : 1;
}
