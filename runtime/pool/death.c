/* SPDX-License-Identifier: MIT */
/*
 * How workers end, and whose fault it is. A process is dead when its pidfd or
 * its runtime says so; then all it wrote is read, what it had not begun goes to
 * others, and what it ran is blamed. That one's end waits until the runtime has
 * told how the process died and of what (a grave), some seconds at most.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define NEWS_WITHIN (5 * RV_SEC)

static bool
is_chunk(const struct rv_job *job)
{
	return job->kind == RV_JOB_CHUNK &&
	       RV_CONTAINER((uintptr_t)job, struct rv_chunk_job, job)->count >
		   1;
}

/* -------- graves -------- */

static void
drop(struct rv_grave *grave)
{
	rv_list_remove(&grave->link);
	rv_thrown_free(&grave->thrown);
	rv_free(grave);
}

/* Who was to be killed may have been dying of something else by then. */
static bool
was_killed(const struct rv_grave *grave)
{
	return grave->why_killed != NULL &&
	       (grave->signo == 0 || grave->signo == SIGKILL);
}

static void
say_how(const struct rv_grave *grave, enum reeve_outcome outcome,
    struct rv_box_fill *fill, char text[static 512], char name[static 24])
{
	const char *signal =
	    grave->signo != 0 ? rv_signal_name(grave->signo, name) : "";

	fill->type = grave->thrown.type != NULL ? grave->thrown.type : signal;
	fill->message = text;
	if (outcome == REEVE_OUTCOME_TIMED_OUT) {
		rv_format(text, 512,
		    "it ran longer than its limit: its worker %s (pid %d) was "
		    "killed",
		    grave->name, (int)grave->pid);
		fill->type = "";
	} else if (outcome == REEVE_OUTCOME_CANCELLED) {
		rv_format(text, 512,
		    "it was cancelled: its worker %s (pid %d) was killed%s%s",
		    grave->name, (int)grave->pid,
		    grave->why_killed != NULL ? ": " : "",
		    grave->why_killed != NULL ? grave->why_killed : "");
		fill->type = "";
	} else if (was_killed(grave)) {
		rv_format(text, 512, "its worker %s (pid %d) was killed: %s",
		    grave->name, (int)grave->pid, grave->why_killed);
	} else if (grave->thrown.message != NULL) {
		rv_format(text, 512, "%s", grave->thrown.message);
	} else if (grave->signo != 0) {
		rv_format(text, 512, "its worker %s (pid %d) died of %s%s",
		    grave->name, (int)grave->pid, signal,
		    grave->core ? ", and left a core" : "");
	} else if (grave->code >= 0) {
		rv_format(text, 512,
		    "its worker %s (pid %d) ended with exit code %d",
		    grave->name, (int)grave->pid, grave->code);
	} else {
		rv_format(text, 512, "its worker %s (pid %d) ended",
		    grave->name, (int)grave->pid);
	}
}

static struct rv_box *
box_of(const struct rv_grave *grave, struct rv_box_arena *arena,
    enum reeve_outcome outcome, uint32_t attempts)
{
	struct rv_box_fill fill = { .outcome = outcome,
		.code = grave->signo != 0 ? -1 : grave->code,
		.signo = grave->signo,
		.core = grave->core,
		.pid = grave->pid,
		.attempts = attempts,
		.worker = grave->name,
		.backtrace = grave->thrown.backtrace };
	char text[512], name[24];
	struct rv_box *box;

	say_how(grave, outcome, &fill, text, name);
	box = rv_box_make(arena, &fill);
	return box != NULL ? box : rv_box_plain(outcome);
}

/* All is known, or will not be. */
static void
bury(struct rv_grave *grave)
{
	struct rv_job *job = grave->job;
	struct reeve_results *results = grave->results;
	enum reeve_outcome outcome = grave->outcome;
	size_t item = grave->item;
	struct rv_box *box;

	if (results != NULL) {
		box = box_of(grave, &results->arena, outcome, grave->attempts);
		drop(grave);
		rv_results_set(results, item, 1, box);
		return;
	}
	box = box_of(grave, rv_job_arena(job), outcome, job->task.tries);
	drop(grave);
	rv_job_box(job, box);
	rv_job_end(job, outcome);
}

static struct rv_grave *
of_job(const struct reeve_pool *pool, const struct rv_job *job)
{
	RV_LIST_EACH (grave, &pool->graves, struct rv_grave, link) {
		if (grave->job == job) {
			return grave;
		}
	}
	return NULL;
}

static struct rv_grave *
of_life(const struct reeve_pool *pool, uint64_t life)
{
	RV_LIST_EACH (grave, &pool->graves, struct rv_grave, link) {
		if (grave->life == life) {
			return grave;
		}
	}
	return NULL;
}

void
rv_death_forget(struct rv_job *job)
{
	struct rv_grave *grave =
	    rv_list_empty(&job->pool->graves) ? NULL : of_job(job->pool, job);

	if (grave != NULL) {
		drop(grave);
	}
}

/* The item that ran is blamed; what is behind it in its chunk goes on. */
static bool
part_chunk(struct rv_grave *grave, struct rv_chunk_job *chunk)
{
	if (chunk->begun > chunk->ended - chunk->base) {
		grave->job = NULL;
		grave->results = chunk->results;
		grave->item = chunk->first + chunk->ended;
		grave->attempts = chunk->job.task.tries;
		grave->outcome = REEVE_OUTCOME_DIED;
		grave->finished = true;
		chunk->ended++;
	} else {
		drop(grave);
	}
	rv_chunk_go_on(chunk);
	return true;
}

/* Did it come to this end by that death? A cancelled one may have been resting
 * behind it. */
static bool
is_of_grave(const struct rv_job *job, enum reeve_outcome outcome)
{
	return outcome == REEVE_OUTCOME_DIED ||
	       outcome == REEVE_OUTCOME_TIMED_OUT ||
	       (outcome == REEVE_OUTCOME_CANCELLED && job->task.killed &&
		   !is_chunk(job));
}

/* The pool ends: nobody waits for more than is known by now. */
static void
end_now(struct rv_grave *grave, struct rv_job *job, enum reeve_outcome outcome)
{
	if (is_of_grave(job, outcome) && !is_chunk(job)) {
		rv_job_box(job,
		    box_of(grave, rv_job_arena(job),
			outcome == REEVE_OUTCOME_DIED ? REEVE_OUTCOME_CANCELLED
						      : outcome,
			job->task.tries));
	}
	drop(grave);
}

bool
rv_death_waits(struct rv_job *job, enum reeve_outcome outcome)
{
	struct rv_grave *grave;

	if (rv_list_empty(&job->pool->graves) ||
	    (grave = of_job(job->pool, job)) == NULL) {
		return false;
	}
	if (job->pool->cancelling) {
		end_now(grave, job, outcome);
		return false;
	}
	if (outcome == REEVE_OUTCOME_DIED && is_chunk(job)) {
		return part_chunk(
		    grave, RV_CONTAINER(job, struct rv_chunk_job, job));
	}
	if (!is_of_grave(job, outcome)) {
		drop(grave);
		return false;
	}
	grave->outcome = outcome;
	grave->finished = true;
	return true;
}

void
rv_death_tick(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (grave, &pool->graves, struct rv_grave, link) {
		if ((grave->told || grave->due <= pool->now) &&
		    (grave->finished || grave->due <= pool->now)) {
			if (grave->finished) {
				bury(grave);
			} else {
				drop(grave); /* its task rests */
			}
		}
	}
}

rv_time
rv_death_deadline(const struct reeve_pool *pool)
{
	rv_time due = RV_FOREVER;

	RV_LIST_EACH (grave, &pool->graves, struct rv_grave, link) {
		due = grave->told && grave->finished ? 0
						     : RV_MIN(due, grave->due);
	}
	return due;
}

void
rv_death_finish_all(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (grave, &pool->graves, struct rv_grave, link) {
		if (grave->finished) {
			bury(grave);
		}
	}
}

/* -------- a death -------- */

static void
dig(struct rv_hand *hand, struct rv_job *job)
{
	struct reeve_pool *pool = hand->pool;
	struct rv_grave *grave = rv_alloc(1, sizeof(*grave));
	int wstatus;

	if (grave == NULL) {
		return; /* it ends with what is known without it */
	}
	grave->job = job;
	grave->life = hand->life;
	grave->pid = hand->pid;
	grave->due = rv_time_add(pool->now, NEWS_WITHIN);
	grave->code = -1;
	grave->why_killed = hand->why_killed;
	grave->thrown = hand->thrown;
	hand->thrown = (struct rv_thrown_texts){ 0 };
	rv_copy(grave->name, sizeof(grave->name), hand->name);
	if (hand->pidfd != -1 &&
	    rv_sys_pidfd_exit_status(hand->pidfd, &wstatus) == 1) {
		rv_death_status(grave, wstatus);
	}
	rv_list_insert(&pool->graves, &grave->link);
}

/* As too many, as worn out, or with its pool. */
static bool
was_asked_to_go(const struct rv_hand *hand)
{
	return !hand->pool->has_units ||
	       rv_sched_retires(&hand->pool->sched, hand->place);
}

void
rv_death_of(struct rv_hand *hand)
{
	struct reeve_pool *pool = hand->pool;
	uint16_t place = hand->place;
	struct rv_job *job;
	bool begun;

	rv_hand_listen(hand);
	rv_hand_read(hand);
	rv_hand_read_rest(hand);
	job = rv_hand_first(hand, &begun);
	if (job != NULL && begun) {
		if (rv_sched_running(&pool->sched, place) == NULL) {
			(void)rv_sched_taken(&pool->sched, place, pool->now);
		}
		if (is_chunk(job)) {
			RV_CONTAINER(job, struct rv_chunk_job, job)->begun =
			    rv_lane_items(&hand->lanes.tasks);
		}
		dig(hand, job);
		pool->killed_by_task[place] = hand->life;
	}
	rv_hand_forget(hand);
	if (hand->was_up && !(was_asked_to_go(hand) && !begun)) {
		pool->deaths++;
	}
	rv_sched_down(&pool->sched, place, pool->now);
	rv_pool_notice(pool, "%s (pid %d) has ended", hand->name, hand->pid);
	rv_hand_close(hand);
}

/* -------- what the runtime tells -------- */

static struct rv_hand *
hand_of_life(const struct reeve_pool *pool, uint64_t life)
{
	for (uint16_t i = 0; life != 0 && i < RV_SCHED_WORKERS; i++) {
		if (pool->hands[i] != NULL && pool->hands[i]->life == life) {
			return pool->hands[i];
		}
	}
	return NULL;
}

/* A death in a task is not held against who comes next: the delays of restarts
 * are for workers that end by themselves. */
static bool
was_of_task(struct reeve_pool *pool, uint64_t life)
{
	for (uint16_t i = 0; i < RV_SCHED_WORKERS; i++) {
		if (pool->killed_by_task[i] == life && life != 0) {
			pool->killed_by_task[i] = 0;
			return true;
		}
	}
	return false;
}

static void
on_exited(struct reeve_pool *pool, const struct reeve_event *event)
{
	struct reeve_unit_info info = { .size = sizeof(info) };
	struct rv_hand *hand = hand_of_life(pool, event->life);
	struct rv_grave *grave;

	if (hand != NULL) {
		rv_death_of(hand);
	}
	if (was_of_task(pool, event->life)) {
		rv_units_replace(pool, event->path);
	}
	grave = of_life(pool, event->life);
	if (grave == NULL) {
		return;
	}
	grave->told = true;
	if (grave->code == -1 && grave->signo == 0 &&
	    reeve_unit_find(pool->reeve, event->path, &info, NULL) ==
		REEVE_OK &&
	    info.has_last) {
		grave->code = info.last_exit_code;
		grave->signo = info.last_signo;
		grave->core = info.last_core_dumped;
	}
}

static void
break_it(struct reeve_pool *pool, const char *path, const char *why)
{
	if (pool->broken || pool->stopping) {
		return;
	}
	pool->broken = true;
	rv_error(&pool->why_broken, REEVE_EBROKEN,
	    "the pool can have no workers: %.64s %s%s%.256s", path, why,
	    pool->bad.message != NULL ? ": " : "",
	    pool->bad.message != NULL ? pool->bad.message : "");
	rv_sched_broken(&pool->sched, pool->now);
}

/* "NAME" or "NAME.N"; "NAME.other" is somebody else. */
static bool
is_ours(const struct reeve_pool *pool, const char *path)
{
	size_t n = strlen(pool->name);
	int64_t place;

	return strncmp(path, pool->name, n) == 0 &&
	       (path[n] == '\0' ||
		   (path[n] == '.' && rv_parse_int(path + n + 1, 0,
					  RV_SCHED_WORKERS - 1, &place)));
}

static void
on_event(struct reeve_pool *pool, const struct reeve_event *event)
{
	if (strcmp(event->kind, "runtime.stopped") == 0) {
		break_it(pool, "the runtime", "has ended");
	} else if (!is_ours(pool, event->path)) {
		return;
	} else if (strcmp(event->kind, "worker.exited") == 0) {
		on_exited(pool, event);
	} else if (strcmp(event->kind, "worker.fatal") == 0) {
		break_it(pool, event->path, "could not be started");
	} else if (strcmp(event->kind, "supervisor.gave_up") == 0) {
		break_it(pool, event->path, "has given up");
	}
}

/* Within a turn of ours, or of the runtime's host: then that is one, too. */
void
rv_death_event(void *ctx, const struct reeve_event *event)
{
	struct reeve_pool *pool = ctx;
	bool within = pool->in_turn;

	pool->now = rv_sys_now();
	pool->in_turn = true;
	on_event(pool, event);
	pool->in_turn = within;
	if (!within && pool->doomed) {
		rv_pool_destroy(pool);
	} else {
		rv_sleep_ring(pool);
	}
}

void
rv_death_exception(void *ctx, const struct reeve_exception *exception)
{
	struct reeve_pool *pool = ctx;
	struct rv_hand *hand = hand_of_life(pool, exception->life);
	struct rv_grave *grave = of_life(pool, exception->life);

	if (!is_ours(pool, exception->path) ||
	    strcmp(exception->source, "reported") == 0) {
		return;
	}
	if (grave != NULL) {
		rv_thrown_take(&grave->thrown, exception);
	} else if (hand != NULL && hand->was_up) {
		rv_thrown_take(&hand->thrown, exception);
	} else {
		rv_thrown_take(&pool->bad, exception);
	}
}
