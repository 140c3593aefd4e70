/* SPDX-License-Identifier: MIT */
/*
 * Memory that is freed all at once: everything that belongs to a conf. Once
 * memory ran out the arena has `failed`, which is asked at the end; strings are
 * then "", so that only those who need a struct look at once.
 */
#ifndef RV_CONFIG_ARENA_H
#define RV_CONFIG_ARENA_H

#include "base/base.h"

#define RV_ARENA_RECENT 64

struct rv_arena_chunk;

/*
 * Instances of one worker differ in few of their texts. Those that come again
 * and again are stored once: `recent` has the last text for each hash value.
 */
struct rv_arena {
	struct rv_arena_chunk *chunks; /* newest first */
	struct {
		const char *s;
		size_t len;
	} recent[RV_ARENA_RECENT];
	bool failed;
};

void rv_arena_finish(struct rv_arena *);
/* Zeroed; NULL without memory. */
void *rv_arena_get(struct rv_arena *, size_t n, size_t size) RV_MUST_CHECK;
/* Never NULL; equal texts may be one. */
const char *rv_arena_strndup(struct rv_arena *, const char *, size_t len);
const char *rv_arena_strdup(struct rv_arena *, const char *);
const char *rv_arena_format(struct rv_arena *, const char *fmt, ...)
    RV_PRINTF(2, 3);

#endif
