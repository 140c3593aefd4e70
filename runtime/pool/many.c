/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool.h>, many at once: results of a map as their caller has them,
 * from the beginning to the end. How their items become tasks is in feed.c.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define KILLED_WITHIN REEVE_S(10)

/* -------- the end -------- */

static void
destroy(struct reeve_results *results)
{
	for (size_t i = 0; results->n_mapped > 0 && i < results->n; i++) {
		if (results->boxes[i] != NULL &&
		    (results->boxes[i]->flags & RV_BOX_MAPPED) != 0) {
			rv_box_free(results->boxes[i]);
			results->n_mapped--;
		}
	}
	if (results->pool != NULL) {
		rv_rules_put(results->pool, results->rules);
	}
	rv_list_remove(&results->all);
	rv_list_remove(&results->feed);
	rv_list_remove(&results->told);
	rv_feed_finish(results);
	rv_box_arena_finish(&results->arena);
	rv_free(results->boxes);
	rv_free(results->own[0]);
	rv_free(results->own[1]);
	rv_here_unref(results->here);
	results->magic = 0;
	rv_free(results);
}

static bool
is_done(const struct reeve_results *results)
{
	return results->fed_all && results->n_done == results->n &&
	       rv_list_empty(&results->chunks);
}

void
rv_results_check(struct reeve_results *results)
{
	struct reeve_pool *pool = results->pool;

	if (!is_done(results) || results->is_over) {
		return;
	}
	results->is_over = true;
	pool->n_ended++;
	rv_list_remove(&results->feed);
	if (results->done != NULL) {
		rv_list_insert(&pool->told, &results->told);
	} else if (results->released) {
		destroy(results);
	}
}

void
rv_results_tell(struct reeve_pool *pool)
{
	while (!rv_list_empty(&pool->told)) {
		struct reeve_results *results =
		    RV_LIST_FIRST(&pool->told, struct reeve_results, told);
		void (*done)(void *, struct reeve_results *) = results->done;

		rv_list_remove(&results->told);
		results->done = NULL;
		results->telling = true;
		done(results->ctx, results);
		results->telling = false;
		if (results->released) {
			destroy(results);
		}
	}
}

void
rv_hook_tell(const struct rv_hook *hook)
{
	if (hook->what != NULL) {
		rv_list_remove(hook->what);
		rv_list_insert(hook->where, hook->what);
	}
}

void
rv_results_set(
    struct reeve_results *results, size_t i, size_t n, struct rv_box *box)
{
	struct reeve_pool *pool = results->pool;

	/* Of many not each is looked at: its memory is touched but once. */
	RV_ASSERT(n <= results->n - results->n_done && i <= results->n - n);
	RV_ASSERT(n != 1 || results->boxes[i] == NULL);
	for (size_t k = i; k < i + n; k++) {
		results->boxes[k] = box;
	}
	results->n_done += n;
	results->n_mapped += (box->flags & RV_BOX_MAPPED) != 0 ? n : 0;
	if (box->outcome == REEVE_OUTCOME_GOOD) {
		pool->good += n;
	} else if (n > 0) {
		results->n_bad += n;
		results->cancel_due |= results->map.fail_fast;
		if (box->outcome == REEVE_OUTCOME_CANCELLED) {
			pool->cancelled += n;
		} else {
			pool->failed += n;
		}
	}
	rv_hook_tell(&results->hook);
	rv_results_check(results);
}

void
rv_results_orphan(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (
	    results, &pool->all_results, struct reeve_results, all) {
		rv_list_remove(&results->all);
		rv_list_remove(&results->feed);
		rv_rules_put(pool, results->rules);
		results->rules = NULL;
		results->pool = NULL;
		if (results->released) {
			destroy(results);
		}
	}
}

void
rv_results_cancel_all(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (results, &pool->feeds, struct reeve_results, feed) {
		rv_feed_stop(results);
	}
}

void
rv_results_stop_feeding(struct reeve_pool *pool)
{
	rv_results_cancel_all(pool);
}

/* -------- beginning -------- */

/* Items that no memory could hold are a mistake of who counted them. */
static bool
can_be(const struct reeve_map *map)
{
	if (map->next != NULL) {
		return true;
	}
	if (map->n > PTRDIFF_MAX / sizeof(struct rv_box *) ||
	    (map->items != NULL && map->item_size > 0 &&
		map->n > PTRDIFF_MAX / map->item_size)) {
		return false;
	}
	for (size_t i = 0; map->vector != NULL && i < map->n; i++) {
		if (map->vector[i].iov_base == NULL &&
		    map->vector[i].iov_len > 0) {
			return false;
		}
	}
	return true;
}

static enum reeve_status
check_map(const struct reeve_pool *pool, const struct reeve_map *map,
    struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "map", err);

	if (status != REEVE_OK) {
		return status;
	}
	if (map == NULL || map->size < sizeof(*map)) {
		return rv_error_size(
		    err, "reeve_map", map != NULL ? map->size : 0);
	}
	if ((map->items != NULL) + (map->vector != NULL) + (map->next != NULL) >
		1 ||
	    (map->items == NULL && map->vector == NULL && map->next == NULL &&
		map->n > 0 && map->item_size > 0)) {
		return rv_error(err, REEVE_EINVALID,
		    "a map has one of items, vector and next");
	}
	return can_be(map) ? REEVE_OK
			   : rv_error(err, REEVE_EINVALID,
				 "the items of a map lie in memory");
}

enum reeve_status
rv_map_check(const struct reeve_pool *pool, const struct reeve_map *map,
    struct reeve_error *err)
{
	return check_map(pool, map, err);
}

static enum reeve_status
init(struct reeve_results *results, struct reeve_pool *pool,
    const struct reeve_map *map, struct reeve_error *err)
{
	const struct rv_wishes wishes = { .priority = map->priority,
		.soft_limit = map->soft_limit,
		.hard_limit = map->hard_limit,
		.backoff = map->backoff,
		.retries = map->retries };
	enum reeve_status status;

	results->magic = RV_RESULTS_MAGIC;
	results->pid = pool->pid;
	results->here = rv_here_ref(pool->here);
	results->pool = pool;
	results->map = *map;
	rv_list_init(&results->all);
	rv_list_init(&results->feed);
	rv_list_init(&results->told);
	rv_list_init(&results->chunks);
	rv_list_init(&results->spare);
	status =
	    rv_function_number(pool, map->function, &results->function, err);
	if (status == REEVE_OK) {
		status = rv_rules_of(pool, &wishes, &results->rules, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	results->singly = results->rules->soft != RV_FOREVER ||
			  results->rules->hard != RV_FOREVER ||
			  results->rules->retries > 0;
	results->fed_all = map->next == NULL && map->n == 0;
	results->n = map->next == NULL ? map->n : 0;
	results->room = results->n;
	results->boxes = rv_alloc(results->n + 1, sizeof(struct rv_box *));
	return results->boxes != NULL &&
		       (results->fed_all || map->next != NULL ||
			   rv_feed_begin(results))
		   ? REEVE_OK
		   : rv_error(err, REEVE_ENOMEM, "out of memory");
}

static enum reeve_status
start(struct reeve_pool *pool, const struct reeve_map *map,
    struct reeve_results **out, void (*done)(void *ctx, struct reeve_results *),
    void *ctx, struct reeve_error *err)
{
	enum reeve_status status = check_map(pool, map, err);
	struct reeve_results *results = NULL;

	if (status == REEVE_OK) {
		status = rv_pool_open(pool, err);
	}
	if (status == REEVE_OK && out == NULL && done == NULL) {
		status = rv_error(
		    err, REEVE_EINVALID, "no place for the results was given");
	}
	if (status == REEVE_OK) {
		results = rv_alloc(1, sizeof(*results));
		status = results != NULL
			     ? init(results, pool, map, err)
			     : rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	if (status != REEVE_OK) {
		if (results != NULL) {
			destroy(results);
		}
		rv_error_wrap(err, "cannot map");
		return status;
	}
	results->done = done;
	results->ctx = ctx;
	results->released = out == NULL;
	rv_list_insert(&pool->all_results, &results->all);
	rv_list_insert(&pool->feeds, &results->feed);
	pool->submitted += results->n;
	if (out != NULL) {
		*out = results;
	}
	rv_results_check(results);
	return REEVE_OK;
}

enum reeve_status
rv_map_start(struct reeve_pool *pool, const struct reeve_map *map,
    struct reeve_results **out, struct reeve_error *err)
{
	return start(pool, map, out, NULL, NULL, err);
}

enum reeve_status
reeve_pool_map_start(struct reeve_pool *pool, const struct reeve_map *map,
    struct reeve_results **out, void (*done)(void *ctx, struct reeve_results *),
    void *ctx, struct reeve_error *err)
{
	enum reeve_status status = start(pool, map, out, done, ctx, err);

	if (status == REEVE_OK) {
		rv_pool_leave(pool);
	}
	return status;
}

/* -------- what callers do with them -------- */

static enum reeve_status
check(const struct reeve_results *results)
{
	return results != NULL && results->magic == RV_RESULTS_MAGIC &&
		       rv_here_is(results->here, results->pid)
		   ? REEVE_OK
		   : REEVE_EINVALID;
}

static bool
is_over(void *arg)
{
	const struct reeve_results *results = arg;

	return results->is_over;
}

enum reeve_status
reeve_results_wait(struct reeve_results *results, int64_t timeout)
{
	enum reeve_status status = check(results);

	if (status != REEVE_OK || results->is_over || results->pool == NULL) {
		return status;
	}
	return rv_pool_wait(
	    results->pool, "wait for results", is_over, results, timeout, NULL);
}

enum reeve_status
reeve_results_cancel(struct reeve_results *results, bool kill)
{
	enum reeve_status status = check(results);

	if (status != REEVE_OK) {
		return status;
	}
	if (results->is_over || results->pool == NULL) {
		return REEVE_EEND;
	}
	results->pool->now = rv_sys_now();
	rv_feed_cancel(results, kill);
	rv_pool_leave(results->pool);
	return REEVE_OK;
}

/* How many, and of the first of them what. */
static enum reeve_status
say_bad(const struct reeve_results *results, struct reeve_error *err)
{
	struct reeve_task_result result = { .size = sizeof(result) };

	for (size_t i = 0; i < results->n; i++) {
		if (reeve_results_get(results, i, &result) == REEVE_OK &&
		    result.outcome != REEVE_OUTCOME_GOOD) {
			return rv_error(err, REEVE_EFAILED,
			    "%zu of %zu items are bad; the first is %zu: "
			    "%.100s%s%.300s",
			    results->n_bad, results->n, i, result.type,
			    result.type[0] != '\0' ? ": " : "", result.message);
		}
	}
	return rv_error(err, REEVE_EFAILED, "%zu of %zu items are bad",
	    results->n_bad, results->n);
}

enum reeve_status
reeve_pool_map(struct reeve_pool *pool, const struct reeve_map *map,
    struct reeve_results **out, int64_t timeout, struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "map", err);

	if (status != REEVE_OK) {
		return status;
	}
	if (pool->in_turn) {
		return rv_error(
		    err, REEVE_EBUSY, "cannot map from inside of a callback");
	}
	if (out == NULL) {
		return rv_error(
		    err, REEVE_EINVALID, "no place for the results was given");
	}
	rv_sleep_awake(pool);
	status = start(pool, map, out, NULL, NULL, err);
	if (status != REEVE_OK) {
		return status;
	}
	status = rv_pool_wait(pool, "map", is_over, *out, timeout, err);
	if (status == REEVE_ETIMEDOUT) {
		rv_feed_cancel(*out, true);
		if (reeve_results_wait(*out, KILLED_WITHIN) != REEVE_OK) {
			return status; /* *out says which */
		}
		return status;
	}
	if (status != REEVE_OK) {
		return status;
	}
	if ((*out)->producer_failed) {
		return rv_error(err, REEVE_EFAILED,
		    "what gives the items has failed, or there was no "
		    "memory for one");
	}
	return (*out)->n_bad == 0 ? REEVE_OK : say_bad(*out, err);
}

size_t
reeve_results_n(const struct reeve_results *results)
{
	return check(results) == REEVE_OK ? results->n : 0;
}

size_t
reeve_results_bad(const struct reeve_results *results)
{
	return check(results) == REEVE_OK ? results->n_bad : 0;
}

enum reeve_status
reeve_results_get(const struct reeve_results *results, size_t i,
    struct reeve_task_result *result)
{
	enum reeve_status status = check(results);

	if (status != REEVE_OK || result == NULL ||
	    result->size < sizeof(*result) || i >= results->n) {
		return REEVE_EINVALID;
	}
	if (results->boxes[i] == NULL) {
		*result = (struct reeve_task_result){ .size = sizeof(*result),
			.worker = "",
			.type = "",
			.message = "",
			.backtrace = "" };
		return REEVE_OK;
	}
	rv_box_show(results->boxes[i], i, result);
	return REEVE_OK;
}

enum reeve_status
rv_results_take(
    struct reeve_results *results, size_t i, struct reeve_task_result *result)
{
	struct rv_box *box = results->boxes[i];
	bool is_mapped = (box->flags & RV_BOX_MAPPED) != 0;
	struct rv_box *own = rv_box_move(box, i);

	if (own == NULL) {
		return REEVE_ENOMEM;
	}
	results->boxes[i] = NULL;
	results->n_mapped -= is_mapped ? 1 : 0;
	rv_box_show(own, 0, result);
	result->memory = own;
	return REEVE_OK;
}

/* Why it cannot be copied as one of so many bytes. */
static enum reeve_status
say_odd(size_t i, const struct reeve_task_result *result, size_t item_size,
    struct reeve_error *err)
{
	if (result->outcome == REEVE_OUTCOME_GOOD) {
		return rv_error(err, REEVE_EFAILED,
		    "cannot copy results: that of item %zu has %zu bytes, not "
		    "%zu",
		    i, result->length, item_size);
	}
	return rv_error(err, REEVE_EFAILED,
	    "cannot copy results: item %zu is not good: %.100s%s%.300s", i,
	    result->type, result->type[0] != '\0' ? ": " : "", result->message);
}

enum reeve_status
reeve_results_copy(const struct reeve_results *results, void *items,
    size_t item_size, struct reeve_error *err)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	enum reeve_status status = check(results);

	if (status != REEVE_OK || (items == NULL && item_size > 0)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot copy results: no results, or no place for them");
	}
	for (size_t i = 0; i < results->n; i++) {
		status = reeve_results_get(results, i, &result);
		if (status != REEVE_OK ||
		    result.outcome != REEVE_OUTCOME_GOOD ||
		    result.length != item_size) {
			return say_odd(i, &result, item_size, err);
		}
		memcpy(
		    (uint8_t *)items + i * item_size, result.data, item_size);
	}
	return REEVE_OK;
}

void
reeve_results_free(struct reeve_results *results)
{
	if (check(results) != REEVE_OK || results->released) {
		return;
	}
	results->released = true;
	if ((results->is_over && results->done == NULL && !results->telling) ||
	    results->pool == NULL) {
		destroy(results);
	}
}
