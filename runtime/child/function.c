/* SPDX-License-Identifier: MIT */
/*
 * The registry of functions: see <reeve/function.h>. A list that constructors
 * of the program and its modules fill before main and at dlopen; the one thing
 * in this library that outlives a call, since a name must mean the same in
 * every process of the program.
 */
#include "config.h"

#include <reeve/function.h>

#include <string.h>

static struct reeve_function *registered; /* newest last */

static struct reeve_function **
link_of(const char *name)
{
	struct reeve_function **at = &registered;

	while (*at != NULL && strcmp((*at)->name, name) != 0) {
		at = &(*at)->next;
	}
	return at;
}

void
reeve_function_register(struct reeve_function *function)
{
	struct reeve_function **at = &registered;

	/* Both stay: whoever looks for the name is told. */
	while (*at != NULL) {
		at = &(*at)->next;
	}
	function->next = NULL;
	*at = function;
}

void
reeve_function_unregister(struct reeve_function *function)
{
	struct reeve_function **at = &registered;

	while (*at != NULL && *at != function) {
		at = &(*at)->next;
	}
	if (*at != NULL) {
		*at = function->next;
	}
}

enum reeve_status
reeve_function_find(const char *name, reeve_function_fn **fn)
{
	struct reeve_function *found;

	if (name == NULL || fn == NULL) {
		return REEVE_EINVALID;
	}
	found = *link_of(name);
	if (found == NULL) {
		return REEVE_ENOENT;
	}
	for (struct reeve_function *f = found->next; f != NULL; f = f->next) {
		if (strcmp(f->name, name) == 0) {
			return REEVE_EEXIST;
		}
	}
	*fn = found->fn;
	return REEVE_OK;
}

const char *
reeve_function_name(unsigned i)
{
	struct reeve_function *f = registered;

	while (f != NULL && i-- > 0) {
		f = f->next;
	}
	return f != NULL ? f->name : NULL;
}
