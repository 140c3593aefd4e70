/* SPDX-License-Identifier: MIT */
/*
 * A runtime that goes before its pool. The word of it comes from inside of
 * whatever the host was doing, so it is only noted there that there is none any
 * more; the next turn kills the workers and gives each task its end. From then
 * on the pool is a broken one, whose functions need no runtime.
 */
#include "config.h"

#include "base/error.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

static void
forget(struct reeve_pool *pool, const char *how)
{
	pool->lost = true;
	pool->lost_due = true;
	pool->cancelling = true; /* whose end is seen from now on was killed */
	for (uint32_t i = 0; i < RV_SCHED_WORKERS; i++) {
		if (pool->hands[i] != NULL) {
			pool->hands[i]->why_killed = how;
		}
	}
	pool->has_units = false;
	pool->reeve = NULL;
	rv_sleep_unwatch(pool, pool->runtime_fd);
	pool->runtime_fd = -1;
	if (!pool->broken) {
		pool->broken = true;
		rv_error(&pool->why_broken, REEVE_EBROKEN,
		    "the pool can have no workers: %s", how);
	}
}

/* Of a watch: told once, and that is over with it. */
void
rv_lost_gone(void *ctx)
{
	struct reeve_pool *pool = ctx;

	pool->watch = NULL;
	forget(pool, "its runtime was destroyed");
	if (pool->in_turn) {
		return; /* who has the turn acts before it is over */
	}
	pool->in_turn = true;
	(void)rv_pool_act(pool);
	rv_pool_turn_over(pool);
}

void
rv_lost_closed(struct reeve_pool *pool)
{
	rv_units_unwatch(pool);
	forget(pool, "its runtime was closed when an internal check failed");
}

bool
rv_lost_act(struct reeve_pool *pool)
{
	if (!pool->lost_due) {
		return false;
	}
	pool->lost_due = false;
	rv_sleep_unwatch(pool, pool->door);
	rv_door_close(pool);
	rv_results_cancel_all(pool);
	rv_sched_broken(&pool->sched, pool->now);
	rv_death_finish_all(pool);
	rv_pool_kill_all(pool);
	return true;
}
