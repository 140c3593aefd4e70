/* SPDX-License-Identifier: MIT */
/*
 * What an imap hands over at once: a lot, of one item, which is a future, or of
 * several, which are a map of their own, with a copy of their bytes. The items
 * of a lot are taken one by one, and the lot goes with the last one.
 */
#ifndef RV_POOL_IMAP_LOT_H
#define RV_POOL_IMAP_LOT_H

#include "pool/pool_priv.h"

struct rv_lot {
	struct rv_list link; /* in its imap's: the oldest first */
	struct rv_list some; /* in `ended`, when some of it may be there */
	struct rv_list *ended;
	struct reeve_future *future;
	struct reeve_results *results;
	size_t first, n; /* items */
	size_t low;      /* those before it were taken */
	size_t n_taken;
};

/* Where the items of a lot are gathered. */
struct rv_lot_items {
	struct iovec *vector; /* of `n` items, their lengths */
	uint8_t *bytes;
	size_t n, room, used, size;
};

/* A copy behind the others. False: no memory. */
bool rv_lot_add(struct rv_lot_items *, const void *data, size_t length);
void rv_lot_drop(struct rv_lot_items *);

/* A lot of one, of many that begin with item `first`; to be put into *ended
 * whenever one of its items has its end. */
struct rv_lot *rv_lot_make(size_t first, struct rv_list *ended);
/* Hand it over, as `map` says; where the pool is full, wait as long as that. */
enum reeve_status rv_lot_submit_one(struct rv_lot *, struct reeve_pool *,
    const struct reeve_map *, const void *data, size_t length, int64_t timeout,
    struct reeve_error *) RV_MUST_CHECK;
/* What was gathered, which is the lot's then; on failure it stays. */
enum reeve_status rv_lot_submit_many(struct rv_lot *, struct reeve_pool *,
    const struct reeve_map *, struct rv_lot_items *,
    struct reeve_error *) RV_MUST_CHECK;

/* The first item that has its end and was not taken, `in_order` no other than
 * the next one; SIZE_MAX: none. */
size_t rv_lot_ended(const struct rv_lot *, bool in_order);
/* Its result, to the caller. */
enum reeve_status rv_lot_take(
    struct rv_lot *, size_t item, struct reeve_task_result *) RV_MUST_CHECK;
/* What has not begun is cancelled; what runs goes on for nobody. */
void rv_lot_free(struct rv_lot *);

#endif
