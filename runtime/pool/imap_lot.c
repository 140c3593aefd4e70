/* SPDX-License-Identifier: MIT */
/*
 * Lots of items of an imap: see imap_lot.h. Called by imap.c alone.
 */
#include "config.h"

#include "pool/imap_lot.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* -------- gathering -------- */

static bool
make_room(struct rv_lot_items *items, size_t length)
{
	size_t room = RV_MAX(items->room * 2, (size_t)4), size = items->size;
	struct iovec *vector;
	uint8_t *bytes;

	if (length >= SIZE_MAX / 4 - items->used) {
		return false;
	}
	if (items->n == items->room) {
		vector = rv_realloc(
		    items->vector, items->room, room, sizeof(*vector));
		if (vector == NULL) {
			return false;
		}
		items->vector = vector;
		items->room = room;
	}
	if (items->used + length > size || items->bytes == NULL) {
		size = RV_MAX(2 * items->size, items->used + length + 64);
		bytes = rv_realloc(items->bytes, items->size, size, 1);
		if (bytes == NULL) {
			return false;
		}
		items->bytes = bytes;
		items->size = size;
	}
	return true;
}

bool
rv_lot_add(struct rv_lot_items *items, const void *data, size_t length)
{
	if (!make_room(items, length)) {
		return false;
	}
	if (length > 0) {
		memcpy(items->bytes + items->used, data, length);
	}
	items->vector[items->n++].iov_len = length;
	items->used += length;
	return true;
}

void
rv_lot_drop(struct rv_lot_items *items)
{
	rv_free(items->vector);
	rv_free(items->bytes);
	*items = (struct rv_lot_items){ 0 };
}

/* -------- handing over -------- */

struct rv_lot *
rv_lot_make(size_t first, struct rv_list *ended)
{
	struct rv_lot *lot = rv_alloc(1, sizeof(*lot));

	if (lot != NULL) {
		rv_list_init(&lot->link);
		rv_list_init(&lot->some);
		lot->ended = ended;
		lot->first = first;
		lot->n = 1;
	}
	return lot;
}

enum reeve_status
rv_lot_submit_one(struct rv_lot *lot, struct reeve_pool *pool,
    const struct reeve_map *map, const void *data, size_t length,
    int64_t timeout, struct reeve_error *err)
{
	const struct reeve_task task = { .size = sizeof(task),
		.function = map->function,
		.data = data,
		.length = length,
		.json = map->json,
		.priority = map->priority,
		.soft_limit = map->soft_limit,
		.hard_limit = map->hard_limit,
		.retries = map->retries,
		.backoff = map->backoff };
	struct rv_future_more *more = rv_alloc(1, sizeof(*more));
	enum reeve_status status;

	if (more == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	status = rv_future_submit(pool, &task, timeout, &lot->future, err);
	if (status != REEVE_OK) {
		rv_free(more);
		return status;
	}
	more->hook = (struct rv_hook){ &lot->some, lot->ended };
	lot->future->more = more;
	return REEVE_OK;
}

enum reeve_status
rv_lot_submit_many(struct rv_lot *lot, struct reeve_pool *pool,
    const struct reeve_map *given, struct rv_lot_items *items,
    struct reeve_error *err)
{
	struct reeve_map map = *given;
	enum reeve_status status;

	map.items = NULL;
	map.next = NULL;
	map.vector = items->vector;
	map.n = items->n;
	map.fail_fast = false;
	/* They may have moved until now; again on the next try. */
	for (size_t i = 0, at = 0; i < items->n; i++) {
		items->vector[i].iov_base = items->bytes + at;
		at += items->vector[i].iov_len;
	}
	status = rv_map_start(pool, &map, &lot->results, err);
	if (status != REEVE_OK) {
		return status;
	}
	lot->n = items->n;
	lot->results->hook = (struct rv_hook){ &lot->some, lot->ended };
	lot->results->own[0] = items->vector;
	lot->results->own[1] = items->bytes;
	*items = (struct rv_lot_items){ 0 };
	return REEVE_OK;
}

/* -------- taking -------- */

size_t
rv_lot_ended(const struct rv_lot *lot, bool in_order)
{
	const struct reeve_results *results = lot->results;
	size_t i = lot->low;

	if (lot->future != NULL) {
		return (lot->future->job.flags & RV_JOB_ENDED) != 0 ? 0
								    : SIZE_MAX;
	}
	while (!in_order && i < lot->n && results->boxes[i] == NULL) {
		i++;
	}
	return i < lot->n && results->boxes[i] != NULL ? i : SIZE_MAX;
}

enum reeve_status
rv_lot_take(struct rv_lot *lot, size_t item, struct reeve_task_result *result)
{
	enum reeve_status status =
	    lot->future != NULL ? reeve_future_get(lot->future, result, 0)
				: rv_results_take(lot->results, item, result);

	if (status == REEVE_OK) {
		lot->n_taken++;
		lot->low += item == lot->low ? 1 : 0;
	}
	return status;
}

void
rv_lot_free(struct rv_lot *lot)
{
	rv_list_remove(&lot->link);
	rv_list_remove(&lot->some);
	if (lot->future != NULL) {
		rv_free(lot->future->more);
		lot->future->more = NULL;
		(void)reeve_future_cancel(lot->future, false);
		reeve_future_free(lot->future);
	}
	if (lot->results != NULL) {
		lot->results->hook = (struct rv_hook){ NULL, NULL };
		(void)reeve_results_cancel(lot->results, false);
		reeve_results_free(lot->results);
	}
	rv_free(lot);
}
