/* SPDX-License-Identifier: MIT */
/*
 * The command with places for items: {} {.} {/} {//} {/.} {#} {%}, as GNU
 * parallel has them. Each item is one argument, whatever is in it. Pure.
 */
#ifndef REEVE_MAP_TEMPLATE_H
#define REEVE_MAP_TEMPLATE_H

#include "tools/map/map.h"

struct map_template {
	const char **words;
	size_t n;
	const char *replace; /* another word for {}; NULL: none */
	bool shell;          /* one word for sh, items quoted */
	bool append;         /* no word has a place: items come last */
	bool fixed;          /* the program does not depend on the item */
};

/* What goes into one command. Items follow each other, each with a NUL. */
struct map_filling {
	const char *items;
	unsigned n_items;
	uint64_t number;
	unsigned slot;
};

void map_template_init(struct map_template *, const struct map_options *);
void map_template_finish(struct map_template *);
/* The words of a command, NULL-terminated; one block: free it. */
char **map_template_fill(
    const struct map_template *, const struct map_filling *);

#endif
