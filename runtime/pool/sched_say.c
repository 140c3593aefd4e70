/* SPDX-License-Identifier: MIT */
/*
 * What is to be done, one thing at a time: first what concerns workers that
 * run, then work for those that can have some, then how many there shall be,
 * and last whose end is to be told, as whoever hears it may take his time.
 */
#include "config.h"

#include "pool/scheduler_priv.h"

static bool
say(struct rv_sched_action *action, enum rv_sched_act act, uint16_t worker,
    struct rv_task *task)
{
	*action = (struct rv_sched_action){
		.act = act,
		.worker = worker,
		.task = task,
	};
	return true;
}

/* The last one that it has not begun and of which it was not said yet. */
static struct rv_task *
to_be_revoked(const struct rv_sched_worker *w)
{
	struct rv_task *last = NULL;
	/* What is only late keeps its first one, begun or not. */
	bool keep_first = w->running || w->kill == RV_KILL_NONE;

	if ((w->kill == RV_KILL_NONE && !w->stale) ||
	    w->n_held <= (keep_first ? 1 : 0)) {
		return NULL;
	}
	last = rv_task_of(w->held.prev);
	if (last->asked ||
	    (last->killed && last->why == RV_OUTCOME_CANCELLED)) {
		return NULL;
	}
	return last;
}

static bool
say_of_worker(struct rv_sched *s, struct rv_sched_worker *w,
    struct rv_sched_action *action, rv_time now)
{
	uint16_t number = rv_worker_number(s, w);
	struct rv_task *task = to_be_revoked(w);

	if (w->signal) {
		w->signal = false;
		return say(action, RV_SCHED_SIGNAL, number, rv_worker_first(w));
	}
	if (task != NULL) {
		task->asked = true;
		return say(action, RV_SCHED_REVOKE, number, task);
	}
	if (w->kill != RV_KILL_NONE) {
		w->kill = RV_KILL_NONE;
		rv_worker_state(s, w, RV_WORKER_DOOMED);
		rv_worker_place(s, w, now);
		return say(action, RV_SCHED_KILL, number, rv_worker_first(w));
	}
	if (w->idle && w->tired && s->phase < RV_SCHED_TERMINATED) {
		rv_worker_state(s, w, RV_WORKER_RETIRING);
		rv_worker_place(s, w, now);
		return say(action, RV_SCHED_RETIRE, number, NULL);
	}
	return false;
}

static bool
say_of_workers(struct rv_sched *s, struct rv_sched_action *action, rv_time now)
{
	while (!rv_list_empty(&s->act)) {
		struct rv_sched_worker *w =
		    RV_LIST_FIRST(&s->act, struct rv_sched_worker, act);

		if (say_of_worker(s, w, action, now)) {
			return true;
		}
		rv_list_remove(&w->act);
	}
	return false;
}

/* May this one lie behind so many others? */
static bool
may_wait_behind(
    const struct rv_sched *s, const struct rv_task *task, unsigned n)
{
	return s->mean > 0 && s->mean <= RV_SCHED_LONG &&
	       (rv_time)(n - 1) * s->mean <= RV_SCHED_AHEAD &&
	       task->rules->soft == RV_FOREVER &&
	       task->rules->hard == RV_FOREVER;
}

static bool
say_give(struct rv_sched *s, struct rv_sched_action *action, rv_time now)
{
	struct rv_task *task = rv_ready_first(s);
	struct rv_sched_worker *w;
	unsigned held = 0;

	if (task == NULL || now < s->paused) {
		return false;
	}
	w = rv_worker_free(s, &held);
	if (w == NULL || (held > 0 && !may_wait_behind(s, task, held))) {
		return false;
	}
	rv_ready_remove(s, task);
	rv_worker_hold(s, w, task, now);
	rv_worker_place(s, w, now);
	return say(action, RV_SCHED_GIVE, rv_worker_number(s, w), task);
}

static bool
say_size(struct rv_sched *s, struct rv_sched_action *action, rv_time now)
{
	if (s->said != 0) {
		rv_size_settle(s, now);
	}
	if (s->size == s->said) {
		return false;
	}
	for (uint16_t i = s->size; i < s->said; i++) {
		struct rv_sched_worker *w = &s->workers[i];

		if (w->state == RV_WORKER_UP) {
			rv_worker_state(s, w, RV_WORKER_RETIRING);
			rv_worker_place(s, w, now);
		}
	}
	s->said = s->size;
	say(action, RV_SCHED_SIZE, RV_NO_WORKER, NULL);
	action->size = s->size;
	return true;
}

static bool
say_finish(struct rv_sched *s, struct rv_sched_action *action)
{
	struct rv_task *task = rv_task_of(s->finished.next);

	if (rv_list_empty(&s->finished)) {
		return false;
	}
	RV_ASSERT(task->state == RV_TASK_DONE && s->n_tasks > 0);
	rv_list_remove(&task->link);
	s->n_tasks--;
	return say(action, RV_SCHED_FINISH, RV_NO_WORKER, task);
}

bool
rv_sched_next(struct rv_sched *s, struct rv_sched_action *action, rv_time now)
{
	if (s->said == 0) {
		return say_size(s, action, now);
	}
	/* A place that is wanted again may have somebody in it: so give twice.
	 */
	return say_of_workers(s, action, now) || say_give(s, action, now) ||
	       say_size(s, action, now) || say_give(s, action, now) ||
	       say_finish(s, action);
}
