/* SPDX-License-Identifier: MIT */
/*
 * Limits of time: a heap of the workers whose task has one, by which is due
 * first. A worker is asked to hurry once (SIGNAL), and killed at the last.
 */
#include "config.h"

#include "pool/scheduler_priv.h"

static rv_time
due_at(const struct rv_sched *s, unsigned i)
{
	return s->workers[s->heap[i]].due;
}

static void
put(struct rv_sched *s, unsigned i, uint16_t number)
{
	s->heap[i] = number;
	s->workers[number].heap = (uint16_t)(i + 1);
}

static void
sift_up(struct rv_sched *s, unsigned i)
{
	uint16_t number = s->heap[i];
	rv_time due = s->workers[number].due;

	for (; i > 0 && due < due_at(s, (i - 1) / 2); i = (i - 1) / 2) {
		put(s, i, s->heap[(i - 1) / 2]);
	}
	put(s, i, number);
}

static void
sift_down(struct rv_sched *s, unsigned i)
{
	uint16_t number = s->heap[i];
	rv_time due = s->workers[number].due;

	for (;;) {
		unsigned child = 2 * i + 1;

		if (child + 1 < s->n_heap &&
		    due_at(s, child + 1) < due_at(s, child)) {
			child++;
		}
		if (child >= s->n_heap || due <= due_at(s, child)) {
			break;
		}
		put(s, i, s->heap[child]);
		i = child;
	}
	put(s, i, number);
}

static void
leave(struct rv_sched *s, struct rv_sched_worker *w)
{
	unsigned i = w->heap - 1u;

	w->heap = 0;
	s->n_heap--;
	if (i < s->n_heap) {
		put(s, i, s->heap[s->n_heap]);
		sift_up(s, i);
		sift_down(s, s->workers[s->heap[i]].heap - 1u);
	}
}

/* From the beginning to the kill. */
static rv_time
last_limit(const struct rv_task_rules *rules)
{
	if (rules->hard == RV_FOREVER && rules->soft != RV_FOREVER) {
		return rv_time_add(rules->soft, rules->grace);
	}
	return rules->hard;
}

void
rv_limits_arm(struct rv_sched *s, struct rv_sched_worker *w)
{
	const struct rv_task *task = rv_worker_first(w);
	rv_time limit = RV_FOREVER;

	if (task != NULL && w->state == RV_WORKER_UP &&
	    w->kill == RV_KILL_NONE) {
		limit = last_limit(task->rules);
		if (!task->signalled) {
			limit = RV_MIN(limit, task->rules->soft);
		}
	}
	if (w->heap != 0) {
		leave(s, w);
	}
	w->due = rv_time_add(w->since, limit);
	if (w->due != RV_FOREVER) {
		put(s, s->n_heap++, rv_worker_number(s, w));
		sift_up(s, s->n_heap - 1u);
	}
}

void
rv_limits_tick(struct rv_sched *s, rv_time now)
{
	while (rv_limits_due(s) <= now) {
		struct rv_sched_worker *w = &s->workers[s->heap[0]];
		struct rv_task *task = rv_worker_first(w);

		if (rv_time_add(w->since, last_limit(task->rules)) <= now) {
			task->killed = true;
			task->why = RV_OUTCOME_TIMED_OUT;
			rv_worker_kill(s, w, RV_KILL_TASK, now);
			continue;
		}
		task->signalled = true;
		w->signal = true;
		rv_worker_tell(s, w);
		rv_limits_arm(s, w);
	}
}

rv_time
rv_limits_due(const struct rv_sched *s)
{
	return s->n_heap > 0 ? due_at(s, 0) : RV_FOREVER;
}
