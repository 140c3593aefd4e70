/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool.h>, single tasks: a future is the task, its arguments and, in
 * the end, its result; one allocation and that of the result. It is the
 * caller's until freed, and outlives its pool.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

/* -------- submitting -------- */

enum reeve_status
rv_pool_open(const struct reeve_pool *pool, struct reeve_error *err)
{
	if (pool->broken) {
		if (err != NULL) {
			*err = pool->why_broken;
		}
		return REEVE_EBROKEN;
	}
	return pool->closed ? rv_error(err, REEVE_ECLOSED, "the pool is closed")
			    : REEVE_OK;
}

static bool
is_full(const struct reeve_pool *pool)
{
	struct rv_sched_stats stats;

	if (pool->max_waiting == 0) {
		return false;
	}
	rv_sched_stats(&pool->sched, &stats);
	return stats.ready + stats.resting >= pool->max_waiting;
}

static bool
has_room(void *arg)
{
	struct reeve_pool *pool = arg;

	/* Who was freed meanwhile is told so, and is looked at no more. */
	return !pool->doomed &&
	       (pool->broken || pool->closed || !is_full(pool));
}

/* What is full: wait, refuse, or spill. */
static enum reeve_status
make_room(struct reeve_pool *pool, int64_t timeout, bool *spill,
    struct reeve_error *err)
{
	*spill = false;
	if (!is_full(pool)) {
		return REEVE_OK;
	}
	if (pool->full == REEVE_POOL_SPILL) {
		*spill = true;
		return REEVE_OK;
	}
	if (pool->full == REEVE_POOL_REFUSE || pool->in_turn || !pool->polled) {
		return rv_error(err, REEVE_EFULL, "%llu tasks wait already",
		    (unsigned long long)pool->max_waiting);
	}
	return rv_pool_wait(pool, "submit", has_room, pool, timeout, err);
}

static enum reeve_status
make_spilled(struct reeve_pool *pool, const struct reeve_task *task,
    struct reeve_future **out, struct reeve_error *err)
{
	struct reeve_future *future =
	    rv_alloc(1, sizeof(*future) + sizeof(struct rv_spilled));
	struct rv_spilled spilled;
	enum reeve_status status;

	if (future == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	status = rv_spill_put(pool, task->data, task->length, &spilled, err);
	if (status != REEVE_OK) {
		rv_free(future);
		return status;
	}
	memcpy(future->payload, &spilled, sizeof(spilled));
	future->job.flags = RV_JOB_SPILLED;
	*out = future;
	return REEVE_OK;
}

static enum reeve_status
make(const struct reeve_task *task, struct reeve_future **out,
    struct reeve_error *err)
{
	bool big = task->length > RV_LANE_FRAME_MAX;
	uint64_t length = task->length;
	size_t head = big ? sizeof(length) : 0;
	struct reeve_future *future =
	    task->length > SIZE_MAX / 2
		? NULL
		: rv_alloc(1, sizeof(*future) + head + task->length);

	if (future == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	if (big) {
		future->job.flags = RV_JOB_BIG;
		memcpy(future->payload, &length, sizeof(length));
	} else {
		future->job.length = (uint32_t)length;
	}
	if (length > 0) {
		memcpy(future->payload + head, task->data, length);
	}
	*out = future;
	return REEVE_OK;
}

static enum reeve_status
fill_in(struct reeve_future *future, struct reeve_pool *pool,
    const struct reeve_task *task, struct reeve_error *err)
{
	const struct rv_wishes wishes = { .priority = task->priority,
		.soft_limit = task->soft_limit,
		.hard_limit = task->hard_limit,
		.backoff = task->backoff,
		.retries = task->retries };
	enum reeve_status status;

	future->job.pool = pool;
	future->job.flags |= task->json ? RV_JOB_JSON : 0;
	rv_list_init(&future->job.task.link);
	status = rv_function_number(
	    pool, task->function, &future->job.function, err);
	if (status == REEVE_OK && task->done != NULL) {
		future->more = rv_alloc(1, sizeof(*future->more));
		if (future->more == NULL) {
			return rv_error(err, REEVE_ENOMEM, "out of memory");
		}
		future->more->done = task->done;
		future->more->ctx = task->ctx;
	}
	return status == REEVE_OK
		   ? rv_rules_of(pool, &wishes, &future->job.task.rules, err)
		   : status;
}

static void
destroy(struct reeve_future *future)
{
	struct rv_spilled spilled;

	if ((future->job.flags & RV_JOB_SPILLED) != 0) {
		memcpy(&spilled, future->payload, sizeof(spilled));
		rv_spill_drop(future->job.pool, &spilled);
	}
	rv_box_free(future->job.box);
	rv_free(future->more);
	rv_free(future);
}

enum reeve_status
rv_future_submit(struct reeve_pool *pool, const struct reeve_task *task,
    int64_t timeout, struct reeve_future **out, struct reeve_error *err)
{
	struct reeve_future *future = NULL;
	enum reeve_status status;
	bool spill;

	if ((status = rv_pool_open(pool, err)) != REEVE_OK ||
	    (status = make_room(pool, timeout, &spill, err)) != REEVE_OK ||
	    (status = rv_pool_open(pool, err)) != REEVE_OK) {
		return status;
	}
	status = spill ? make_spilled(pool, task, &future, err)
		       : make(task, &future, err);
	if (status != REEVE_OK) {
		return status;
	}
	status = fill_in(future, pool, task, err);
	if (status == REEVE_OK) {
		pool->now = rv_sys_now();
		status = rv_job_submit(&future->job, err);
	}
	if (status != REEVE_OK) {
		rv_rules_put(pool, future->job.task.rules);
		destroy(future);
		return status;
	}
	pool->submitted++;
	if (out != NULL) {
		future->job.flags |= RV_JOB_CALLER;
		*out = future;
	}
	return REEVE_OK;
}

static enum reeve_status
check_task(const struct reeve_task *task, struct reeve_error *err)
{
	if (task == NULL || task->size < sizeof(*task)) {
		return rv_error_size(
		    err, "reeve_task", task != NULL ? task->size : 0);
	}
	if (task->data == NULL && task->length > 0) {
		return rv_error(
		    err, REEVE_EINVALID, "a task has a length and no data");
	}
	return REEVE_OK;
}

enum reeve_status
reeve_pool_submit(struct reeve_pool *pool, const struct reeve_task *task,
    struct reeve_future **out, struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "submit a task", err);

	if (status != REEVE_OK) {
		return status;
	}
	status = check_task(task, err);
	if (status == REEVE_OK) {
		status = rv_future_submit(pool, task, REEVE_FOREVER, out, err);
	}
	if (status == REEVE_OK) {
		rv_pool_leave(pool);
	} else {
		rv_error_wrap(err, "cannot submit a task");
	}
	return status;
}

/* -------- the end of one -------- */

void
rv_future_end(struct reeve_future *future)
{
	struct rv_job *job = &future->job;
	struct reeve_pool *pool = job->pool;
	struct rv_spilled spilled;

	pool->n_jobs--;
	pool->n_ended++;
	job->flags |= RV_JOB_ENDED;
	rv_rules_put(pool, job->task.rules);
	job->task.rules = NULL;
	if ((job->flags & RV_JOB_SPILLED) != 0) {
		memcpy(&spilled, future->payload, sizeof(spilled));
		rv_spill_drop(pool, &spilled);
		job->flags &= (uint8_t)~RV_JOB_SPILLED;
	}
	if (future->more != NULL && future->more->done == NULL) {
		rv_hook_tell(&future->more->hook);
		rv_free(future->more);
		future->more = NULL;
	}
	if (future->more != NULL) {
		rv_list_insert(&pool->news, &job->task.link);
	} else if ((job->flags & RV_JOB_CALLER) != 0) {
		rv_list_insert(&pool->ended, &job->task.link);
	} else {
		destroy(future);
	}
}

static void
tell_one(struct reeve_pool *pool, struct reeve_future *future)
{
	struct rv_future_more *more = future->more;

	future->more = NULL;
	pool->telling = future;
	more->done(more->ctx, future);
	pool->telling = NULL;
	rv_free(more);
	if ((future->job.flags & RV_JOB_CALLER) != 0) {
		rv_list_insert(&pool->ended, &future->job.task.link);
	} else {
		destroy(future);
	}
}

void
rv_pool_tell(struct reeve_pool *pool)
{
	while (!rv_list_empty(&pool->news)) {
		struct rv_job *job =
		    RV_CONTAINER(pool->news.next, struct rv_job, task.link);

		rv_list_remove(&job->task.link);
		tell_one(pool, RV_CONTAINER(job, struct reeve_future, job));
	}
	rv_results_tell(pool);
}

/* -------- what callers do with them -------- */

/* One whose pool is gone has its end. */
static enum reeve_status
check(const struct reeve_future *future)
{
	return future == NULL ? REEVE_EINVALID
	       : future->job.pool == NULL
		   ? REEVE_OK
		   : rv_pool_check(future->job.pool, "look at a future", NULL);
}

static bool
has_ended(const struct reeve_future *future)
{
	return (future->job.flags & RV_JOB_ENDED) != 0;
}

enum reeve_future_state
reeve_future_state(const struct reeve_future *future)
{
	if (check(future) != REEVE_OK || has_ended(future)) {
		return REEVE_FUTURE_DONE;
	}
	switch ((enum rv_task_state)future->job.task.state) {
	case RV_TASK_NEW:
	case RV_TASK_READY:
		return REEVE_FUTURE_WAITING;
	case RV_TASK_HELD:
		return rv_hand_runs(&future->job) ? REEVE_FUTURE_RUNNING
						  : REEVE_FUTURE_WAITING;
	case RV_TASK_RESTING:
		return REEVE_FUTURE_RESTING;
	case RV_TASK_RUNNING:
	case RV_TASK_DONE: /* how it died is not known yet */
		break;
	}
	return REEVE_FUTURE_RUNNING;
}

static bool
one_is_done(void *arg)
{
	return has_ended(arg);
}

enum reeve_status
reeve_future_wait(struct reeve_future *future, int64_t timeout)
{
	enum reeve_status status = check(future);

	if (status != REEVE_OK || has_ended(future)) {
		return status;
	}
	return rv_pool_wait(future->job.pool, "wait for a future", one_is_done,
	    future, timeout, NULL);
}

enum reeve_status
reeve_future_get(struct reeve_future *future, struct reeve_task_result *result,
    int64_t timeout)
{
	enum reeve_status status;

	if (result == NULL || result->size < sizeof(*result)) {
		return REEVE_EINVALID;
	}
	status = reeve_future_wait(future, timeout);
	if (status != REEVE_OK) {
		return status;
	}
	rv_box_show(future->job.box, 0, result);
	if ((future->job.box->flags & RV_BOX_ARENA) == 0) {
		result->memory = future->job.box;
		future->job.box =
		    rv_box_plain((enum reeve_outcome)result->outcome);
	}
	return REEVE_OK;
}

enum reeve_status
reeve_future_cancel(struct reeve_future *future, bool kill)
{
	enum reeve_status status = check(future);
	struct reeve_pool *pool;

	if (status != REEVE_OK) {
		return status;
	}
	if (has_ended(future)) {
		return REEVE_EEND;
	}
	pool = future->job.pool;
	pool->now = rv_sys_now();
	status = rv_job_cancel(&future->job, kill);
	rv_pool_leave(pool);
	return status;
}

void
reeve_future_free(struct reeve_future *future)
{
	if (check(future) != REEVE_OK) {
		return;
	}
	future->job.flags &= (uint8_t)~RV_JOB_CALLER;
	if (!has_ended(future) || future->more != NULL ||
	    (future->job.pool != NULL && future->job.pool->telling == future)) {
		return; /* it goes when it has ended, and was told of */
	}
	rv_list_remove(&future->job.task.link);
	destroy(future);
}

enum reeve_status
reeve_pool_apply(struct reeve_pool *pool, const char *function,
    const void *data, size_t length, struct reeve_task_result *result,
    int64_t timeout)
{
	const struct reeve_task task = { .size = sizeof(task),
		.function = function,
		.data = data,
		.length = length };
	enum reeve_status status = rv_pool_check(pool, "apply", NULL);
	struct reeve_future *future = NULL;
	rv_time since = rv_sys_now();

	if (status == REEVE_OK) {
		status = check_task(&task, NULL);
	}
	if (result == NULL || result->size < sizeof(*result)) {
		return REEVE_EINVALID;
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (pool->in_turn) {
		return REEVE_EBUSY;
	}
	rv_sleep_awake(pool);
	status = rv_future_submit(pool, &task, timeout, &future, NULL);
	if (status != REEVE_OK) {
		return status;
	}
	status = reeve_future_get(future, result, rv_pool_left(timeout, since));
	if (status != REEVE_OK) {
		(void)reeve_future_cancel(future, true);
	}
	reeve_future_free(future);
	return status;
}
