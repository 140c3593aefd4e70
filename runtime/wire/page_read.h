/* SPDX-License-Identifier: MIT */
/*
 * Reading the page of a life (child/page.h): memory that a worker may write at
 * any time, also while it is read here. Each field is copied once, then made
 * sane; nothing is ever taken from the page itself twice. Pure (fuzzed); the
 * supervisor calls it. `map` is RV_PAGE_BYTES long in all of it.
 */
#ifndef RV_WIRE_PAGE_READ_H
#define RV_WIRE_PAGE_READ_H

#include "base/base.h"
#include "child/page.h"

/*
 * Whether it is a page of ours, and who says to have made it and where it
 * counts its beats. False: nothing of it may be used.
 */
bool rv_page_check(const void *map, int32_t *pid, uint32_t *beats_at);

/* The counter of beats; beats_at is what rv_page_check said. */
static inline uint64_t
rv_page_beats(const void *map, uint32_t beats_at)
{
	const char *at = (const char *)map + beats_at;

	return __atomic_load_n(
	    (const uint64_t *)(const void *)at, __ATOMIC_RELAXED);
}

/* The worker's own bytes, as they are. */
void rv_page_slot(const void *map, void *dst); /* RV_PAGE_SLOT_BYTES */

/* What reeve_exit_reason said last; "" when nothing. Printable UTF-8. */
void rv_page_reason(const void *map, char out[static RV_PAGE_REASON_BYTES]);

/*
 * What went wrong; false: nothing. In the copy all counts are within their
 * arrays, texts are NUL-ended, printable UTF-8, frames beyond the counts zero,
 * kind and state are of their enums. Numbers such as signo, stage and address
 * are as the worker wrote them, and so is whether `data` is JSON.
 */
bool rv_page_trouble(const void *map, struct rv_page_trouble *out);

/* One executable mapping; the path is borrowed from `maps`, without a NUL. */
struct rv_page_map {
	uint64_t start, stop, offset; /* offset: of start in the file */
	const char *path;
	size_t path_len;
};

/* The first of them, at most max; how many there are. For many addresses. */
size_t rv_page_maps(
    const struct rv_page_trouble *, struct rv_page_map *maps, size_t max);

/*
 * The file that was mapped executable at this address, and the offset in that
 * file. The path is borrowed from `maps`, without a NUL. False: no such file.
 */
bool rv_page_resolve(const struct rv_page_trouble *, uint64_t address,
    const char **path, size_t *path_len, uint64_t *offset);

#endif
