/* SPDX-License-Identifier: MIT */
/*
 * What happens to a scheduler, one function for each event; see scheduler.h.
 * What a worker can make the caller say is never asserted: it has no effect,
 * and the caller is told. What only the caller can get wrong is.
 */
#include "config.h"

#include "pool/scheduler_priv.h"

void
rv_sched_init(struct rv_sched *s, const struct rv_sched_options *options,
    struct rv_sched_worker *workers, uint16_t *heap, rv_time now)
{
	*s = (struct rv_sched){
		.options = *options,
		.workers = workers,
		.heap = heap,
		.changed = now,
		.wanted = options->min,
		.size = options->min,
	};
	if (s->options.places == 0) {
		s->options.places = options->max;
	}
	RV_ASSERT(options->min >= 1 && options->min <= options->max &&
		  options->max <= s->options.places &&
		  s->options.places <= RV_SCHED_WORKERS);
	for (unsigned i = 0; i < RV_SCHED_PRIORITIES; i++) {
		rv_list_init(&s->ready[i]);
	}
	for (unsigned i = 0; i < RV_SCHED_HELD; i++) {
		rv_list_init(&s->holding[i]);
	}
	rv_list_init(&s->finished);
	rv_list_init(&s->late);
	rv_list_init(&s->act);
	for (uint16_t i = 0; i < s->options.places; i++) {
		struct rv_sched_worker *w = &workers[i];

		*w = (struct rv_sched_worker){ .due = RV_FOREVER };
		rv_list_init(&w->held);
		rv_list_init(&w->free);
		rv_list_init(&w->late);
		rv_list_init(&w->act);
	}
}

/* NULL: there is no such place, or nobody is in it. */
static struct rv_sched_worker *
present(const struct rv_sched *s, uint16_t number)
{
	if (number >= s->options.places ||
	    s->workers[number].state == RV_WORKER_ABSENT) {
		return NULL;
	}
	return &s->workers[number];
}

static enum reeve_status
enter(struct rv_sched *s, struct rv_task *task, bool at_head, rv_time now)
{
	RV_ASSERT(task->state == RV_TASK_NEW && task->tries == 0);
	RV_ASSERT(task->rules->priority < RV_SCHED_PRIORITIES);
	task->at = now;
	rv_ready_push(s, task, at_head);
	s->n_tasks++;
	s->submitted++;
	return REEVE_OK;
}

enum reeve_status
rv_sched_submit(struct rv_sched *s, struct rv_task *task, rv_time now)
{
	uint64_t max = s->options.max_waiting;

	if (s->phase != RV_SCHED_OPEN) {
		return REEVE_ECLOSED;
	}
	if (max != 0 && s->n_ready + s->n_resting >= max) {
		return REEVE_EFULL;
	}
	return enter(s, task, false, now);
}

enum reeve_status
rv_sched_continue(struct rv_sched *s, struct rv_task *task, rv_time now)
{
	if (s->phase > RV_SCHED_CLOSED) {
		return REEVE_ECLOSED;
	}
	return enter(s, task, true, now);
}

void
rv_sched_up(struct rv_sched *s, uint16_t number, rv_time now)
{
	struct rv_sched_worker *w;

	if (number >= s->options.places || present(s, number) != NULL) {
		return;
	}
	w = &s->workers[number];
	s->changed = now;
	/* Where nobody is wanted any more, it was asked to go already. */
	rv_worker_state(s, w,
	    s->said == 0 || number < s->said ? RV_WORKER_UP
					     : RV_WORKER_RETIRING);
	rv_worker_place(s, w, now);
}

bool
rv_sched_taken(struct rv_sched *s, uint16_t number, rv_time now)
{
	struct rv_sched_worker *w = present(s, number);
	struct rv_task *task;

	(void)now;
	if (w == NULL || w->n_held == 0 || w->running) {
		return false;
	}
	task = rv_worker_first(w);
	RV_ASSERT(task->state == RV_TASK_HELD);
	task->state = RV_TASK_RUNNING;
	task->tries++;
	w->running = true;
	s->n_held--;
	s->n_running++;
	return true;
}

static void
measure(struct rv_sched *s, rv_time took)
{
	took = RV_MAX(took, 1);
	s->mean = s->mean == 0 ? took : s->mean + (took - s->mean) / 16;
	s->mean = RV_MAX(s->mean, 1);
}

struct rv_task *
rv_sched_done(struct rv_sched *s, uint16_t number, bool good, rv_time now)
{
	struct rv_sched_worker *w = present(s, number);
	struct rv_task *task;

	if (w == NULL || !w->running) {
		return NULL;
	}
	task = rv_worker_first(w);
	measure(s, now - w->since);
	s->paused = 0;
	if (w->kill == RV_KILL_TASK) {
		w->kill = RV_KILL_NONE;
	}
	w->done++;
	if (s->options.max_tasks != 0 && w->done >= s->options.max_tasks) {
		w->tired = true;
	}
	rv_worker_let_go(s, w, task, now);
	rv_worker_place(s, w, now);
	rv_task_ended(s, task, good ? RV_OUTCOME_GOOD : RV_OUTCOME_FAILED, now);
	return task;
}

struct rv_task *
rv_sched_running(const struct rv_sched *s, uint16_t number)
{
	const struct rv_sched_worker *w = present(s, number);

	return w != NULL && w->running ? rv_worker_first(w) : NULL;
}

bool
rv_sched_retires(const struct rv_sched *s, uint16_t number)
{
	const struct rv_sched_worker *w = present(s, number);

	return w != NULL && w->state == RV_WORKER_RETIRING;
}

void
rv_sched_tire(struct rv_sched *s, uint16_t number, rv_time now)
{
	struct rv_sched_worker *w = present(s, number);

	if (w != NULL && !w->tired) {
		w->tired = true;
		rv_worker_place(s, w, now);
	}
}

void
rv_sched_doom(struct rv_sched *s, uint16_t number, rv_time now)
{
	struct rv_sched_worker *w = present(s, number);

	if (w != NULL) {
		rv_worker_kill(s, w, RV_KILL_WORKER, now);
	}
}

void
rv_sched_down(struct rv_sched *s, uint16_t number, rv_time now)
{
	struct rv_sched_worker *w = present(s, number);
	struct rv_task *blamed = rv_sched_running(s, number);

	if (w == NULL) {
		return;
	}
	rv_worker_state(s, w, RV_WORKER_ABSENT);
	if (blamed != NULL) {
		rv_worker_let_go(s, w, blamed, now);
		rv_task_ended(s, blamed, RV_OUTCOME_DIED, now);
	}
	while (w->n_held > 0) {
		/* In their order: back to the head, or to their end. */
		bool open = s->phase <= RV_SCHED_CLOSED;
		struct rv_task *task =
		    rv_task_of(open ? w->held.prev : w->held.next);

		rv_worker_let_go(s, w, task, now);
		rv_task_put_back(s, task);
	}
	w->kill = RV_KILL_NONE;
	w->tired = w->stale = w->signal = false;
	w->done = 0;
	rv_list_remove(&w->act);
	rv_worker_place(s, w, now);
	s->changed = now;
	s->paused = 0;
}

void
rv_sched_refused(struct rv_sched *s, struct rv_task *task, rv_time now)
{
	struct rv_sched_worker *w = present(s, task->worker);

	if (w == NULL || task->state != RV_TASK_HELD) {
		return;
	}
	if (task->asked) {
		rv_worker_tell(s, w); /* there may be more behind it */
	} else {
		s->paused = rv_time_add(now, RV_SCHED_PAUSE);
	}
	rv_worker_let_go(s, w, task, now);
	rv_worker_place(s, w, now);
	rv_task_put_back(s, task);
}

static bool
cancel_running(struct rv_sched *s, struct rv_task *task, bool kill, rv_time now)
{
	bool cancelled = task->killed && task->why == RV_OUTCOME_CANCELLED;

	if (kill && !cancelled) {
		task->killed = true;
		task->why = RV_OUTCOME_CANCELLED;
		rv_worker_kill(s, &s->workers[task->worker], RV_KILL_TASK, now);
	}
	return kill || cancelled;
}

bool
rv_sched_cancel(
    struct rv_sched *s, struct rv_task *task, bool kill, rv_time now)
{
	struct rv_sched_worker *w = present(s, task->worker);

	switch ((enum rv_task_state)task->state) {
	case RV_TASK_NEW:
	case RV_TASK_DONE:
		return false;
	case RV_TASK_RUNNING:
		return cancel_running(s, task, kill, now);
	case RV_TASK_READY:
		rv_ready_remove(s, task);
		break;
	case RV_TASK_RESTING:
		rv_rests_remove(s, task);
		break;
	case RV_TASK_HELD:
		RV_ASSERT(w != NULL);
		rv_worker_let_go(s, w, task, now);
		rv_worker_place(s, w, now);
		break;
	}
	rv_task_finish(s, task, RV_OUTCOME_CANCELLED);
	return true;
}

void
rv_sched_tick(struct rv_sched *s, rv_time now)
{
	if (s->paused != 0 && s->paused <= now) {
		/* What waited for that is given before anybody is added. */
		s->paused = 0;
		s->changed = now;
	}
	rv_limits_tick(s, now);
	rv_rests_tick(s, now);
	rv_worker_tick(s, now);
	rv_size_tick(s, now);
}

rv_time
rv_sched_deadline(const struct rv_sched *s)
{
	rv_time due = RV_MIN(rv_limits_due(s), rv_rests_due(s));

	due = RV_MIN(due, rv_worker_due(s));
	if (s->paused != 0 && s->n_ready > 0) {
		due = RV_MIN(due, s->paused);
	}
	return RV_MIN(due, rv_size_due(s));
}

bool
rv_sched_drained(const struct rv_sched *s)
{
	return s->phase != RV_SCHED_OPEN && s->n_tasks == 0;
}

void
rv_sched_stats(const struct rv_sched *s, struct rv_sched_stats *stats)
{
	*stats = (struct rv_sched_stats){
		.ready = s->n_ready,
		.held = s->n_held,
		.running = s->n_running,
		.resting = s->n_resting,
		.submitted = s->submitted,
		.good = s->good,
		.bad = s->bad,
		.retried = s->retried,
		.workers_up = s->n_up,
		.workers_idle = s->n_idle,
		.size = s->wanted,
		.mean_task = s->mean,
	};
}
