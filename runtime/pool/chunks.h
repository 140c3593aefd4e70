/* SPDX-License-Identifier: MIT */
/*
 * How many items go into one chunk of a map, when nobody said: so many that a
 * chunk is about 1 ms of work, by what was measured. It begins with one, and
 * grows by no more than twice the largest that was measured, as the first items
 * may be the cheap ones. And how many fit into one, whoever said. Pure, for
 * feed.c.
 */
#ifndef RV_POOL_CHUNKS_H
#define RV_POOL_CHUNKS_H

#include <sys/uio.h>

#include "base/base.h"
#include "base/time.h"

#define RV_CHUNKS_AIM  RV_MS
#define RV_CHUNKS_LEFT 4 /* chunks for each worker in what is left */
#define RV_CHUNKS_MAX  (1U << 20)

/* Zeroed before the first item. */
struct rv_chunks {
	rv_time item;    /* mean time of one; 0: none was measured */
	uint32_t proven; /* the largest chunk that was measured */
};

/* A chunk of so many items took so long. */
void rv_chunks_measured(struct rv_chunks *, uint32_t items, rv_time took);

/*
 * Items for the next one: at least 1 and at most RV_CHUNKS_MAX, and so few that
 * what is `left`, this chunk included, makes RV_CHUNKS_LEFT of that size for
 * each worker. UINT64_MAX: nobody knows how many are left. 0: none is.
 */
uint32_t rv_chunks_next(
    const struct rv_chunks *, uint64_t left, uint32_t workers);

/* How many of so many bytes each a frame has room for; at least 1. */
uint32_t rv_chunks_fit(size_t item_size);
/* How many of these, from the first one on; at least 1, at most n. */
uint32_t rv_chunks_fit_vector(const struct iovec *, uint32_t n);

#endif
