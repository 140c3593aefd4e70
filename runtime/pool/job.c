/* SPDX-License-Identifier: MIT */
/*
 * Tasks between the scheduler and their owners (futures and chunks of maps):
 * handed over, cancelled, ended; and what the scheduler says, done. All
 * decisions are the scheduler's.
 */
#include "config.h"

#include <signal.h>

#include "base/error.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

static const uint8_t outcomes[] = {
	[RV_OUTCOME_GOOD] = REEVE_OUTCOME_GOOD,
	[RV_OUTCOME_FAILED] = REEVE_OUTCOME_FAILED,
	[RV_OUTCOME_DIED] = REEVE_OUTCOME_DIED,
	[RV_OUTCOME_TIMED_OUT] = REEVE_OUTCOME_TIMED_OUT,
	[RV_OUTCOME_CANCELLED] = REEVE_OUTCOME_CANCELLED,
	[RV_OUTCOME_BROKEN] = REEVE_OUTCOME_BROKEN,
};

void
rv_job_box(struct rv_job *job, struct rv_box *box)
{
	rv_box_free(job->box);
	job->box = box;
}

struct rv_box_arena *
rv_job_arena(const struct rv_job *job)
{
	return job->kind == RV_JOB_CHUNK
		   ? &RV_CONTAINER((uintptr_t)job, struct rv_chunk_job, job)
			  ->results->arena
		   : NULL;
}

/* A result, for which there was no room. */
static void
box_lost(struct rv_job *job)
{
	const struct rv_box_fill fill = { .outcome = REEVE_OUTCOME_FAILED,
		.code = -1,
		.attempts = job->task.tries,
		.message = RV_BOX_NO_ROOM };

	rv_job_box(job, rv_box_make(rv_job_arena(job), &fill));
	if (job->box == NULL) {
		job->box = rv_box_lost();
	}
}

/* A box that fits its outcome, where the present one does not. */
static void
box_up(struct rv_job *job, enum reeve_outcome outcome)
{
	struct rv_box_fill fill = {
		.outcome = outcome, .code = -1, .attempts = job->task.tries
	};

	if (outcome == REEVE_OUTCOME_BROKEN) {
		fill.type = job->pool->bad.type;
		fill.message = job->pool->why_broken.text;
		fill.backtrace = job->pool->bad.backtrace;
	} else if (job->task.tries == 0) {
		rv_job_box(job, rv_box_plain(outcome));
		return;
	}
	rv_job_box(job, rv_box_make(rv_job_arena(job), &fill));
	if (job->box == NULL) {
		job->box = rv_box_plain(outcome);
	}
}

/* What it ends with: what was lost is not good. */
static enum reeve_outcome
fit_box(struct rv_job *job, enum reeve_outcome outcome)
{
	if (job->box != NULL && job->box->outcome == (uint8_t)outcome) {
		return outcome;
	}
	if (outcome == REEVE_OUTCOME_GOOD) {
		box_lost(job);
		return REEVE_OUTCOME_FAILED;
	}
	box_up(job, outcome);
	return outcome;
}

void
rv_job_end(struct rv_job *job, enum reeve_outcome outcome)
{
	if (job->pool->cancelling && outcome == REEVE_OUTCOME_DIED) {
		outcome = REEVE_OUTCOME_CANCELLED;
	} else if ((job->flags & RV_JOB_LOST) != 0) {
		outcome = REEVE_OUTCOME_FAILED;
	}
	if (job->kind == RV_JOB_CHUNK) {
		struct rv_chunk_job *chunk =
		    RV_CONTAINER(job, struct rv_chunk_job, job);

		if (chunk->count == 1) {
			outcome = fit_box(job, outcome);
		}
		rv_chunk_end(chunk, outcome);
		return;
	}
	outcome = fit_box(job, outcome);
	if (outcome == REEVE_OUTCOME_CANCELLED) {
		job->pool->cancelled++;
	} else if (outcome == REEVE_OUTCOME_GOOD) {
		job->pool->good++;
	} else {
		job->pool->failed++;
	}
	rv_future_end(RV_CONTAINER(job, struct reeve_future, job));
}

enum reeve_status
rv_job_submit(struct rv_job *job, struct reeve_error *err)
{
	struct reeve_pool *pool = job->pool;
	enum reeve_status status =
	    rv_sched_submit(&pool->sched, &job->task, pool->now);

	if (status == REEVE_OK) {
		pool->n_jobs++;
	} else if (status == REEVE_EFULL) {
		rv_error(err, status, "as many tasks wait as may");
	} else {
		rv_error(err, status, "the pool is closed");
	}
	return status;
}

/* Whether it has begun is decided in the ring; then what it said counts. */
enum reeve_status
rv_job_cancel(struct rv_job *job, bool kill)
{
	struct reeve_pool *pool = job->pool;
	struct rv_task *task = &job->task;
	struct rv_hand *hand;

	if (task->state == RV_TASK_DONE) {
		return REEVE_EEND;
	}
	if ((task->state == RV_TASK_HELD || task->state == RV_TASK_RUNNING) &&
	    task->worker < RV_SCHED_WORKERS &&
	    (hand = pool->hands[task->worker]) != NULL &&
	    !rv_hand_take_back(hand, job)) {
		rv_hand_read(hand);
		if (task->state == RV_TASK_DONE) {
			return REEVE_EEND;
		}
		if (task->state == RV_TASK_HELD &&
		    !rv_sched_taken(&pool->sched, hand->place, pool->now)) {
			rv_hand_doom(hand, "what it says it runs it has not");
		}
	}
	return rv_sched_cancel(&pool->sched, task, kill, pool->now) ? REEVE_OK
	       : task->state == RV_TASK_DONE                        ? REEVE_EEND
					     : REEVE_EBUSY;
}

/* -------- what the scheduler says -------- */

static void
give(struct reeve_pool *pool, const struct rv_sched_action *action)
{
	struct rv_job *job = RV_CONTAINER(action->task, struct rv_job, task);
	struct rv_hand *hand = pool->hands[action->worker];

	rv_death_forget(job);
	switch (hand != NULL ? rv_hand_give(hand, job) : RV_GIVE_LATER) {
	case RV_GIVEN:
		break;
	case RV_GIVE_LATER:
		rv_sched_refused(&pool->sched, action->task, pool->now);
		break;
	case RV_GIVE_NEVER:
		(void)rv_sched_cancel(
		    &pool->sched, action->task, false, pool->now);
		break;
	}
}

static void
take_back(struct reeve_pool *pool, const struct rv_sched_action *action)
{
	struct rv_job *job = RV_CONTAINER(action->task, struct rv_job, task);
	struct rv_hand *hand = pool->hands[action->worker];

	if (hand == NULL) {
		return;
	}
	if (rv_hand_take_back(hand, job)) {
		rv_sched_refused(&pool->sched, action->task, pool->now);
	} else {
		rv_hand_read(hand);
	}
}

static void
finish(struct reeve_pool *pool, const struct rv_sched_action *action)
{
	struct rv_job *job = RV_CONTAINER(action->task, struct rv_job, task);
	enum reeve_outcome outcome =
	    (enum reeve_outcome)outcomes[action->task->outcome];

	(void)pool;
	if (!rv_death_waits(job, outcome)) {
		rv_job_end(job, outcome);
	}
}

static void
do_one(struct reeve_pool *pool, const struct rv_sched_action *action)
{
	struct rv_hand *hand = action->worker < RV_SCHED_WORKERS
				   ? pool->hands[action->worker]
				   : NULL;

	switch (action->act) {
	case RV_SCHED_GIVE:
		give(pool, action);
		break;
	case RV_SCHED_REVOKE:
		take_back(pool, action);
		break;
	case RV_SCHED_SIGNAL:
		rv_hand_overdue(hand, pool->soft_signal);
		break;
	case RV_SCHED_KILL:
		rv_hand_signal(hand, SIGKILL);
		break;
	case RV_SCHED_RETIRE:
		rv_units_retire(pool, action->worker);
		break;
	case RV_SCHED_SIZE:
		pool->want_size = action->size;
		rv_units_scale(pool);
		break;
	case RV_SCHED_FINISH:
		finish(pool, action);
		break;
	}
}

bool
rv_pool_act(struct reeve_pool *pool)
{
	struct rv_sched_action action;
	bool any;

	pool->now = rv_sys_now();
	any = rv_lost_act(pool);
	RV_LIST_EACH_SAFE (hand, &pool->active, struct rv_hand, active) {
		any = rv_hand_read(hand) || any;
	}
	if (pool->now >= rv_sched_deadline(&pool->sched)) {
		rv_sched_tick(&pool->sched, pool->now);
	}
	if (!rv_list_empty(&pool->graves)) {
		rv_death_tick(pool);
	}
	rv_hand_tick(pool);
	if (pool->want_size != 0) {
		rv_units_scale(pool);
	}
	if (!rv_list_empty(&pool->feeds)) {
		rv_feed_all(pool);
	}
	while (rv_sched_next(&pool->sched, &action, pool->now)) {
		do_one(pool, &action);
		any = true;
	}
	rv_hand_wake_all(pool);
	return any;
}
