/* SPDX-License-Identifier: MIT */
/*
 * --halt: when to give out no more items, and whether those that run are let
 * end. Pure.
 */
#ifndef REEVE_MAP_HALT_H
#define REEVE_MAP_HALT_H

#include <stdbool.h>
#include <stdint.h>

enum map_halt_when { MAP_HALT_NEVER, MAP_HALT_SOON, MAP_HALT_NOW };
enum map_halt_what { MAP_HALT_FAIL, MAP_HALT_SUCCESS, MAP_HALT_DONE };

struct map_halt {
	enum map_halt_when when;
	enum map_halt_what what;
	unsigned count; /* so many, or per cent of those that ended */
	bool percent;
};

#define MAP_HALT_LEAST 3 /* that have ended before per cents count */

/* "never", "soon,fail=1", "now,success=20%"; false: none of these. */
bool map_halt_parse(struct map_halt *, const char *text);
/* Is it time, with so many ended well and failed? */
bool map_halt_is_due(const struct map_halt *, uint64_t ended, uint64_t failed);

#endif
