/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool.h>, one after the other: a window of lots (imap_lot.h) over what
 * is to be done, in order or as they end. Asked for no more than were taken.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/imap_lot.h"
#include "sys/sys.h"

#define WINDOW_MAX ((size_t)1 << 20)

struct reeve_imap {
	uint32_t magic;
	pid_t pid;
	struct rv_here *here;
	struct reeve_pool *pool; /* NULL: gone */
	struct rv_list link;     /* in the pool's */
	struct reeve_map map;
	char *function;          /* of it */
	size_t window, n_window; /* items ahead: at most, and now */
	size_t chunk;            /* items of a lot */
	size_t next;             /* item to be handed over */
	bool at_end, failed, told_failure;
	struct rv_list lots;  /* the oldest first */
	struct rv_list ended; /* of them, those of which something may be */
	uint64_t seen;
	const void *data; /* of an item that was asked for and not taken */
	size_t length;
	bool has_item;
	struct rv_lot_items items; /* gathered for the next lot */
};

static enum reeve_status
check(const struct reeve_imap *imap)
{
	return imap != NULL && imap->magic == RV_IMAP_MAGIC &&
		       rv_here_is(imap->here, imap->pid)
		   ? REEVE_OK
		   : REEVE_EINVALID;
}

/* -------- what is to be done -------- */

static void
ask(struct reeve_imap *imap)
{
	const struct reeve_map *map = &imap->map;
	bool failed = false;

	if (imap->has_item || imap->at_end) {
		return;
	}
	if (map->next != NULL) {
		imap->has_item =
		    map->next(map->ctx, &imap->data, &imap->length, &failed) &&
		    !failed;
		imap->failed = failed;
	} else if (imap->next < map->n && map->vector != NULL) {
		imap->data = map->vector[imap->next].iov_base;
		imap->length = map->vector[imap->next].iov_len;
		imap->has_item = true;
	} else if (imap->next < map->n) {
		imap->data =
		    (const uint8_t *)map->items + imap->next * map->item_size;
		imap->length = map->item_size;
		imap->has_item = true;
	}
	imap->at_end = !imap->has_item;
}

/* Items of the next lot, as many as there are. Where there is no memory for one
 * it is the producer that has failed. */
static void
gather(struct reeve_imap *imap)
{
	while (imap->items.n < imap->chunk) {
		ask(imap);
		if (!imap->has_item) {
			return;
		}
		imap->has_item = false;
		if (rv_lot_add(&imap->items, imap->data, imap->length)) {
			imap->next++;
		} else {
			imap->failed = imap->at_end = true;
		}
	}
}

static enum reeve_status
hand_over(struct reeve_imap *imap, int64_t timeout, struct reeve_error *err)
{
	struct rv_lot *lot =
	    rv_lot_make(imap->next - imap->items.n, &imap->ended);
	enum reeve_status status;

	if (lot == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	status = imap->chunk > 1
		     ? rv_lot_submit_many(
			   lot, imap->pool, &imap->map, &imap->items, err)
		     : rv_lot_submit_one(lot, imap->pool, &imap->map,
			   imap->data, imap->length, timeout, err);
	if (status != REEVE_OK) {
		rv_lot_free(lot);
		return status;
	}
	if (imap->chunk == 1) {
		imap->has_item = false;
		imap->next++;
	}
	rv_list_insert(&imap->lots, &lot->link);
	imap->n_window += lot->n;
	return REEVE_OK;
}

/* Whether there is something to be handed over. */
static bool
has_more(struct reeve_imap *imap)
{
	if (imap->chunk > 1) {
		gather(imap);
		return imap->items.n > 0;
	}
	ask(imap);
	return imap->has_item;
}

/*
 * REEVE_OK also when there is no more room, or nothing more. A full pool is
 * waited for, and want of memory told, only where nothing is there: else it is
 * tried again when something was taken.
 */
static enum reeve_status
fill(struct reeve_imap *imap, int64_t timeout, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	while (imap->n_window + imap->chunk <= imap->window &&
	       status == REEVE_OK) {
		if (!has_more(imap)) {
			return REEVE_OK;
		}
		status =
		    hand_over(imap, imap->n_window == 0 ? timeout : 0, err);
	}
	return (status == REEVE_EFULL || status == REEVE_ETIMEDOUT ||
		   status == REEVE_ENOMEM) &&
		       imap->n_window > 0
		   ? REEVE_OK
		   : status;
}

/* -------- beginning -------- */

/* As chunks a window has at least one, which is no larger than that. */
static void
init(struct reeve_imap *imap, struct reeve_pool *pool,
    const struct reeve_map *map)
{
	size_t workers = RV_MAX(pool->max, 1U);

	imap->magic = RV_IMAP_MAGIC;
	imap->pid = pool->pid;
	imap->here = rv_here_ref(pool->here);
	imap->pool = pool;
	imap->map = *map;
	imap->chunk = RV_MIN(RV_MAX(map->chunk, 1U), WINDOW_MAX);
	imap->window =
	    map->window != 0 ? map->window : 2 * workers * imap->chunk;
	imap->chunk = RV_MIN(imap->chunk, imap->window);
	rv_list_init(&imap->lots);
	rv_list_init(&imap->ended);
}

enum reeve_status
reeve_pool_imap(struct reeve_pool *pool, const struct reeve_map *map,
    struct reeve_imap **out, struct reeve_error *err)
{
	enum reeve_status status = rv_map_check(pool, map, err);
	struct reeve_imap *imap = NULL;
	uint16_t number;

	if (status == REEVE_OK && (out == NULL || map->window > WINDOW_MAX)) {
		status = rv_error(err, REEVE_EINVALID,
		    "cannot map: no place for it was given, or its window is "
		    "too large");
	}
	if (status != REEVE_OK ||
	    (status = rv_pool_open(pool, err)) != REEVE_OK ||
	    (status = rv_function_number(pool, map->function, &number, err)) !=
		REEVE_OK) {
		return status;
	}
	imap = rv_alloc(1, sizeof(*imap));
	if (imap == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	init(imap, pool, map);
	rv_list_insert(&pool->imaps, &imap->link);
	imap->map.function = imap->function = rv_strdup(map->function);
	status = imap->function != NULL
		     ? fill(imap, REEVE_FOREVER, err)
		     : rv_error(err, REEVE_ENOMEM, "out of memory");
	if (status != REEVE_OK) {
		reeve_imap_free(imap);
		return status;
	}
	*out = imap;
	rv_pool_leave(pool);
	return REEVE_OK;
}

void
rv_imaps_orphan(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (imap, &pool->imaps, struct reeve_imap, link) {
		rv_list_remove(&imap->link);
		imap->pool = NULL;
	}
}

/* -------- taking -------- */

/* A lot of which something has ended, and which item; NULL. */
static struct rv_lot *
find_ended(struct reeve_imap *imap, size_t *item)
{
	struct rv_lot *lot;

	if (!imap->map.unordered) {
		lot = RV_LIST_FIRST(&imap->lots, struct rv_lot, link);
		*item = rv_list_empty(&imap->lots) ? SIZE_MAX
						   : rv_lot_ended(lot, true);
		return *item != SIZE_MAX ? lot : NULL;
	}
	while (!rv_list_empty(&imap->ended)) {
		lot = RV_LIST_FIRST(&imap->ended, struct rv_lot, some);
		*item = rv_lot_ended(lot, false);
		if (*item != SIZE_MAX) {
			return lot;
		}
		rv_list_remove(&lot->some); /* until more of it has ended */
	}
	return NULL;
}

static bool
is_there(void *arg)
{
	struct reeve_imap *imap = arg;
	const struct reeve_pool *pool = imap->pool;
	uint64_t ended = pool->good + pool->failed + pool->cancelled + 1;
	size_t item;

	if (ended == imap->seen) {
		return false;
	}
	imap->seen = ended;
	return find_ended(imap, &item) != NULL;
}

static enum reeve_status
await(
    struct reeve_imap *imap, struct rv_lot **lot, size_t *item, int64_t timeout)
{
	enum reeve_status status = REEVE_OK;

	*lot = find_ended(imap, item);
	if (*lot == NULL) {
		if (imap->pool == NULL) {
			return REEVE_ECLOSED;
		}
		imap->seen = 0;
		status = rv_pool_wait(imap->pool, "wait for results", is_there,
		    imap, timeout, NULL);
		*lot = status == REEVE_OK ? find_ended(imap, item) : NULL;
	}
	return status;
}

enum reeve_status
reeve_imap_next(struct reeve_imap *imap, struct reeve_task_result *result,
    size_t *index, int64_t timeout)
{
	enum reeve_status status = check(imap);
	rv_time since = rv_sys_now();
	struct rv_lot *lot;
	size_t item = 0;

	if (status != REEVE_OK || result == NULL ||
	    result->size < sizeof(*result)) {
		return REEVE_EINVALID;
	}
	if (imap->pool != NULL) {
		status = fill(imap, timeout, NULL);
	}
	if (imap->n_window == 0) {
		if (status != REEVE_OK) {
			return status;
		}
		if (imap->failed && !imap->told_failure) {
			imap->told_failure = true;
			return REEVE_EFAILED;
		}
		return REEVE_EEND;
	}
	status = await(imap, &lot, &item, rv_pool_left(timeout, since));
	if (status == REEVE_OK) {
		status = rv_lot_take(lot, item, result);
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (index != NULL) {
		*index = lot->first + item;
	}
	imap->n_window--;
	if (lot->n_taken == lot->n) {
		rv_lot_free(lot);
	}
	return REEVE_OK;
}

void
reeve_imap_free(struct reeve_imap *imap)
{
	if (check(imap) != REEVE_OK) {
		return;
	}
	RV_LIST_EACH_SAFE (lot, &imap->lots, struct rv_lot, link) {
		rv_lot_free(lot);
	}
	rv_lot_drop(&imap->items);
	rv_list_remove(&imap->link);
	imap->magic = 0;
	rv_free(imap->function);
	rv_here_unref(imap->here);
	rv_free(imap);
}
