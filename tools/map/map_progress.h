/* SPDX-License-Identifier: MIT */
/*
 * How far it is: a bar that is drawn anew on a terminal, a line now and then
 * elsewhere. Rate and time left are of the whole run so far. The words are
 * pure; only what draws them is not.
 */
#ifndef REEVE_MAP_PROGRESS_H
#define REEVE_MAP_PROGRESS_H

#include "tools/map/map.h"

struct map_progress {
	bool wanted, bar, drawn;
	int64_t began_at, next_at; /* when it is to be said again */
	uint64_t before;           /* ended before this run */
};

struct map_count {
	uint64_t done, failed, running, total; /* total 0: not known */
};

void map_progress_init(struct map_progress *, bool wanted, int64_t now);
/* When it wants to be called; INT64_MAX: never. */
int64_t map_progress_due(const struct map_progress *);
void map_progress_say(
    struct map_progress *, const struct map_count *, int64_t now);
/* Before anything else is written. */
void map_progress_hide(struct map_progress *);

/* "450 of 1000 done, 2 failed, 12.3/s, 45 s left"; in dst. */
void map_progress_words(char *dst, size_t size, const struct map_count *,
    uint64_t before, int64_t took);
/* The bar in so many columns. */
void map_progress_bar(char *dst, size_t size, const struct map_count *,
    unsigned columns, const char *words);

#endif
