/* SPDX-License-Identifier: MIT */
/*
 * Items: calls of a pool's function that came over the control socket. Each is
 * started once, ends once, and its result goes to who waits for it, or is kept
 * for a while for who asks. What nobody wants any more is cancelled.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/attach_priv.h"

struct rv_item *
rv_item_find(struct reeve_pools *pools, uint64_t id)
{
	struct rv_hash_node *node =
	    pools->items.n > 0 ? rv_hash_find(&pools->items, id) : NULL;

	return (struct rv_item *)(void *)node;
}

struct rv_item *
rv_item_make(struct rv_attached *at, const void *data, size_t length, bool json)
{
	struct reeve_pools *pools = at->pools;
	struct rv_item *item = rv_alloc(1, sizeof(*item) + length + 1);

	if (item == NULL ||
	    !rv_hash_reserve(&pools->items, pools->items.n + 1)) {
		rv_free(item);
		return NULL;
	}
	rv_list_init(&item->link);
	item->at = at;
	item->pools = pools;
	item->id = ++pools->last_id;
	item->json = json;
	item->length = length;
	item->result.size = sizeof(item->result);
	if (length > 0) {
		memcpy(item->data, data, length);
	}
	rv_hash_insert(&pools->items, &item->by_id, item->id);
	at->n_open++;
	return item;
}

void
rv_item_free(struct rv_item *item)
{
	if (item->at != NULL) {
		item->at->n_open--;
	}
	rv_item_unkeep(item);
	rv_list_remove(&item->link);
	rv_hash_remove(&item->pools->items, &item->by_id);
	reeve_task_result_free(&item->result);
	rv_free(item);
}

/* -------- results that wait to be fetched -------- */

static uint64_t
weight(const struct rv_item *item)
{
	return sizeof(*item) + item->length + item->result.length;
}

static bool
is_kept(const struct rv_item *item)
{
	return item->done && !rv_list_empty(&item->link);
}

void
rv_item_unkeep(struct rv_item *item)
{
	if (is_kept(item)) {
		rv_list_remove(&item->link);
		item->pools->n_kept--;
		item->pools->kept_bytes -= weight(item);
	}
}

void
rv_item_keep(struct rv_item *item)
{
	struct reeve_pools *pools = item->pools;

	item->ask = NULL;
	if (!item->done) {
		return; /* when it is */
	}
	rv_list_insert(&pools->kept, &item->link);
	pools->n_kept++;
	pools->kept_bytes += weight(item);
	while (pools->n_kept > pools->max_kept ||
	       pools->kept_bytes > pools->max_kept_bytes) {
		rv_item_free(RV_LIST_FIRST(&pools->kept, struct rv_item, link));
		pools->dropped++;
	}
}

/* -------- ends -------- */

/* Its result is there. */
static void
end(struct rv_item *item)
{
	item->done = true;
	item->future = NULL;
	if (item->at != NULL) {
		item->at->n_open--;
		item->at = NULL;
	}
	if (item->unwanted) {
		rv_item_free(item);
	} else if (item->ask != NULL) {
		rv_ask_item_done(item->ask);
	} else {
		rv_item_keep(item);
	}
}

static void
on_done(void *ctx, struct reeve_future *future)
{
	struct rv_item *item = ctx;

	if (reeve_future_get(future, &item->result, 0) != REEVE_OK) {
		item->result.outcome = REEVE_OUTCOME_BROKEN;
	}
	reeve_future_free(future);
	end(item);
}

/* Without a pool that says more. */
static void
end_by_itself(struct rv_item *item, enum reeve_outcome outcome, const char *why)
{
	rv_list_remove(&item->link);
	item->result.outcome = outcome;
	item->result.code = -1;
	item->result.message = why;
	end(item);
}

/* -------- beginnings -------- */

enum reeve_status
rv_item_start(struct rv_item *item, struct reeve_error *err)
{
	struct rv_attached *at = item->at;
	const struct reeve_task task = {
		.size = sizeof(task),
		.function = at->function,
		.data = item->data,
		.length = item->length,
		.json = item->json,
		.done = on_done,
		.ctx = item,
	};

	if (at->pool == NULL || at->draining) {
		rv_list_insert(&at->pending, &item->link);
		return REEVE_OK;
	}
	return reeve_pool_submit(at->pool, &task, &item->future, err);
}

void
rv_items_go(struct rv_attached *at)
{
	struct reeve_error err;

	while (!rv_list_empty(&at->pending) && at->pool != NULL) {
		struct rv_item *item =
		    RV_LIST_FIRST(&at->pending, struct rv_item, link);

		rv_list_remove(&item->link);
		if (rv_item_start(item, &err) != REEVE_OK) {
			end_by_itself(item, REEVE_OUTCOME_BROKEN,
			    "its pool could not take it when it was there");
		}
	}
}

void
rv_items_fail(struct rv_attached *at, const char *why)
{
	while (!rv_list_empty(&at->pending)) {
		end_by_itself(RV_LIST_FIRST(&at->pending, struct rv_item, link),
		    REEVE_OUTCOME_BROKEN, why);
	}
}

/* -------- nobody wants it -------- */

void
rv_item_drop(struct rv_item *item, bool kill)
{
	item->ask = NULL;
	item->unwanted = true;
	if (item->future == NULL) {
		rv_item_free(item);
	} else if (reeve_future_cancel(item->future, kill) != REEVE_OK) {
		return; /* it runs: its result goes nowhere */
	}
}

void
rv_item_cancel(struct rv_item *item)
{
	if (item->future == NULL) {
		end_by_itself(item, REEVE_OUTCOME_CANCELLED, "");
	} else if (reeve_future_cancel(item->future, true) != REEVE_OK) {
		return; /* it has ended, and will be told of */
	}
}
