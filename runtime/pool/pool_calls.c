/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool.h>: what is asked of a pool as a whole: to close, drain, join,
 * terminate, be of another size, and how it is.
 */
#include "config.h"

#include <signal.h>

#include "base/error.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define KILLED_WITHIN (5 * RV_SEC)

static void
shut(struct reeve_pool *pool)
{
	pool->closed = true;
	pool->now = rv_sys_now();
}

enum reeve_status
reeve_pool_close(struct reeve_pool *pool, struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "close a pool", err);

	if (status == REEVE_OK) {
		shut(pool);
		rv_pool_leave(pool);
	}
	return status;
}

enum reeve_status
reeve_pool_drain(struct reeve_pool *pool, struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "drain a pool", err);

	if (status == REEVE_OK) {
		shut(pool);
		rv_results_stop_feeding(pool);
		rv_sched_drop(&pool->sched, pool->now);
		rv_pool_leave(pool);
	}
	return status;
}

static bool
is_done(void *arg)
{
	const struct reeve_pool *pool = arg;

	return pool->n_jobs == 0 && rv_list_empty(&pool->feeds) &&
	       rv_list_empty(&pool->graves);
}

static bool
is_empty(void *arg)
{
	const struct reeve_pool *pool = arg;

	for (uint32_t i = 0; i < RV_SCHED_WORKERS; i++) {
		if (pool->hands[i] != NULL) {
			return false;
		}
	}
	return true;
}

enum reeve_status
reeve_pool_join(
    struct reeve_pool *pool, int64_t timeout, struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "join a pool", err);
	rv_time since = rv_sys_now();

	if (status != REEVE_OK) {
		return status;
	}
	if (!pool->closed) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot join a pool that is not closed");
	}
	status = rv_pool_wait(pool, "join a pool", is_done, pool, timeout, err);
	if (status != REEVE_OK) {
		return status;
	}
	rv_units_remove(pool);
	if (timeout > 0 && timeout != REEVE_FOREVER) {
		timeout -= rv_sys_now() - since;
	}
	return rv_pool_wait(pool, "join a pool", is_empty, pool,
	    RV_MAX(timeout, (int64_t)0), err);
}

enum reeve_status
reeve_pool_terminate(
    struct reeve_pool *pool, int64_t grace, struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "terminate a pool", err);

	if (status != REEVE_OK) {
		return status;
	}
	if (pool->in_turn) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot terminate a pool from inside of a callback");
	}
	shut(pool);
	pool->cancelling = pool->stopping = true;
	rv_results_cancel_all(pool);
	rv_sched_drop(&pool->sched, pool->now);
	rv_units_remove(pool); /* which says TERM to all of them */
	if (grace > 0) {
		for (uint32_t i = 0; i < RV_SCHED_WORKERS; i++) {
			rv_hand_signal(pool->hands[i], SIGTERM);
		}
		(void)rv_pool_wait(
		    pool, "terminate", is_done, pool, grace, NULL);
	}
	rv_sched_terminate(&pool->sched, rv_sys_now());
	if (rv_pool_wait(pool, "terminate", is_done, pool,
		grace > 0 ? 0 : RV_MS, NULL) != REEVE_OK ||
	    !is_empty(pool)) {
		pool->in_turn = true;
		rv_pool_kill_all(pool);
		pool->in_turn = false;
	}
	status =
	    rv_pool_wait(pool, "terminate", is_done, pool, KILLED_WITHIN, err);
	return status;
}

enum reeve_status
reeve_pool_resize(struct reeve_pool *pool, uint32_t min, uint32_t max,
    struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "resize a pool", err);

	if (status != REEVE_OK) {
		return status;
	}
	if (min < 1 || min > max || max > RV_SCHED_WORKERS) {
		return rv_error(err, REEVE_EINVALID,
		    "workers: min %u, max %u, but min is 1 to max, and max at "
		    "most %d",
		    min, max, RV_SCHED_WORKERS);
	}
	status = rv_pool_open(pool, err);
	if (status != REEVE_OK) {
		rv_error_wrap(err, "cannot resize a pool");
		return status;
	}
	pool->max = max;
	rv_sched_resize(
	    &pool->sched, (uint16_t)min, (uint16_t)max, rv_sys_now());
	rv_pool_leave(pool);
	return REEVE_OK;
}

/* Those that are held and have begun: the scheduler is not told of that. */
static uint64_t
count_begun(const struct reeve_pool *pool)
{
	uint64_t n = 0;

	RV_LIST_EACH (hand, &pool->active, struct rv_hand, active) {
		n += rv_hand_n_begun(hand);
	}
	return n;
}

enum reeve_status
reeve_pool_stats(struct reeve_pool *pool, struct reeve_pool_stats *stats,
    struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "look at a pool", err);
	struct rv_sched_stats sched;
	uint64_t begun;

	if (status != REEVE_OK) {
		return status;
	}
	if (stats == NULL || stats->size < sizeof(*stats)) {
		return rv_error_size(
		    err, "reeve_pool_stats", stats != NULL ? stats->size : 0);
	}
	rv_sched_stats(&pool->sched, &sched);
	begun = RV_MIN(count_begun(pool), sched.held);
	*stats = (struct reeve_pool_stats){ .size = sizeof(*stats),
		.workers = sched.workers_up,
		.idle = sched.workers_idle,
		.min = pool->sched.options.min,
		.max = pool->sched.options.max,
		.waiting = sched.ready + sched.held - begun,
		.running = sched.running + begun,
		.resting = sched.resting,
		.submitted = pool->submitted,
		.good = pool->good,
		.failed = pool->failed,
		.cancelled = pool->cancelled,
		.retried = sched.retried,
		.deaths = pool->deaths,
		.mean_task = sched.mean_task,
		.open = !pool->closed && !pool->broken,
		.broken = pool->broken };
	return REEVE_OK;
}
