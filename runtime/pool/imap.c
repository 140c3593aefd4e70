/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool.h>, one after the other: a window of futures over what is to be
 * done, in order or as they end. Asked for one item for each that was taken.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define WINDOW_MAX ((size_t)1 << 20)

struct entry {
	struct reeve_future *future; /* NULL: free */
	size_t index;
};

struct reeve_imap {
	uint32_t magic;
	pid_t pid;
	struct rv_here *here;
	struct reeve_pool *pool; /* NULL: gone */
	struct rv_list link;     /* in the pool's */
	struct reeve_map map;
	size_t window, n_window; /* places; those in use */
	size_t head;             /* ordered: the place of the next one */
	size_t next;             /* item to be handed over */
	bool at_end, failed, told_failure;
	uint64_t seen;
	const void *data; /* of an item that was asked for and not taken */
	size_t length;
	bool has_item;
	char *function;
	struct entry entries[];
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

static struct entry *
free_entry(struct reeve_imap *imap)
{
	if (!imap->map.unordered) {
		return &imap->entries[imap->next % imap->window];
	}
	for (size_t i = 0; i < imap->window; i++) {
		if (imap->entries[i].future == NULL) {
			return &imap->entries[i];
		}
	}
	return NULL;
}

static enum reeve_status
hand_over(struct reeve_imap *imap, int64_t timeout, struct reeve_error *err)
{
	const struct reeve_map *map = &imap->map;
	const struct reeve_task task = { .size = sizeof(task),
		.function = imap->function,
		.data = imap->data,
		.length = imap->length,
		.json = map->json,
		.priority = map->priority,
		.soft_limit = map->soft_limit,
		.hard_limit = map->hard_limit,
		.retries = map->retries,
		.backoff = map->backoff };
	struct entry *entry = free_entry(imap);
	enum reeve_status status;

	RV_ASSERT(entry != NULL && entry->future == NULL);
	status =
	    rv_future_submit(imap->pool, &task, timeout, &entry->future, err);
	if (status == REEVE_OK) {
		entry->index = imap->next++;
		imap->n_window++;
		imap->has_item = false;
	}
	return status;
}

/*
 * REEVE_OK also when there is no more room, or nothing more. A full pool is
 * waited for only by who has nothing there.
 */
static enum reeve_status
fill(struct reeve_imap *imap, int64_t timeout, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	while (imap->n_window < imap->window && status == REEVE_OK) {
		ask(imap);
		if (imap->at_end) {
			return REEVE_OK;
		}
		status = imap->n_window == 0 ? hand_over(imap, timeout, err)
					     : hand_over(imap, 0, NULL);
	}
	return (status == REEVE_EFULL || status == REEVE_ETIMEDOUT) &&
		       imap->n_window > 0
		   ? REEVE_OK
		   : status;
}

/* -------- beginning -------- */

enum reeve_status
reeve_pool_imap(struct reeve_pool *pool, const struct reeve_map *map,
    struct reeve_imap **out, struct reeve_error *err)
{
	enum reeve_status status = rv_map_check(pool, map, err);
	struct reeve_imap *imap = NULL;
	uint16_t number;
	size_t window;

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
	window =
	    map->window != 0 ? map->window : (size_t)2 * RV_MAX(pool->max, 1U);
	imap = rv_alloc(1, sizeof(*imap) + window * sizeof(imap->entries[0]));
	if (imap == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	imap->magic = RV_IMAP_MAGIC;
	imap->pid = pool->pid;
	imap->here = rv_here_ref(pool->here);
	imap->pool = pool;
	imap->map = *map;
	imap->window = window;
	rv_list_insert(&pool->imaps, &imap->link);
	imap->function = rv_strdup(map->function);
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

static bool
has_ended(const struct entry *entry)
{
	return entry->future != NULL &&
	       (entry->future->job.flags & RV_JOB_ENDED) != 0;
}

static struct entry *
find_ended(struct reeve_imap *imap)
{
	if (!imap->map.unordered) {
		return has_ended(&imap->entries[imap->head])
			   ? &imap->entries[imap->head]
			   : NULL;
	}
	for (size_t i = 0; i < imap->window; i++) {
		if (has_ended(&imap->entries[i])) {
			return &imap->entries[i];
		}
	}
	return NULL;
}

static bool
is_there(void *arg)
{
	struct reeve_imap *imap = arg;

	if (imap->pool->n_ended + 1 == imap->seen) {
		return false;
	}
	imap->seen = imap->pool->n_ended + 1;
	return find_ended(imap) != NULL;
}

static enum reeve_status
await(struct reeve_imap *imap, struct entry **entry, int64_t timeout)
{
	enum reeve_status status = REEVE_OK;

	*entry = find_ended(imap);
	if (*entry == NULL) {
		if (imap->pool == NULL) {
			return REEVE_ECLOSED;
		}
		imap->seen = 0;
		status = rv_pool_wait(imap->pool, "wait for results", is_there,
		    imap, timeout, NULL);
		*entry = status == REEVE_OK ? find_ended(imap) : NULL;
	}
	return status;
}

enum reeve_status
reeve_imap_next(struct reeve_imap *imap, struct reeve_task_result *result,
    size_t *index, int64_t timeout)
{
	enum reeve_status status = check(imap);
	rv_time since = rv_sys_now();
	struct entry *entry;

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
	status = await(imap, &entry, rv_pool_left(timeout, since));
	if (status == REEVE_OK) {
		status = reeve_future_get(entry->future, result, 0);
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (index != NULL) {
		*index = entry->index;
	}
	reeve_future_free(entry->future);
	entry->future = NULL;
	imap->n_window--;
	imap->head = (imap->head + 1) % imap->window;
	return REEVE_OK;
}

void
reeve_imap_free(struct reeve_imap *imap)
{
	if (check(imap) != REEVE_OK) {
		return;
	}
	for (size_t i = 0; i < imap->window; i++) {
		struct reeve_future *future = imap->entries[i].future;

		if (future != NULL) {
			(void)reeve_future_cancel(future, false);
			reeve_future_free(future);
		}
	}
	rv_list_remove(&imap->link);
	imap->magic = 0;
	rv_free(imap->function);
	rv_here_unref(imap->here);
	rv_free(imap);
}
