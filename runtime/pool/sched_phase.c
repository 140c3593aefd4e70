/* SPDX-License-Identifier: MIT */
/*
 * The end of a scheduler, in steps that only go one way: closed, what waits
 * dropped, broken, terminated. And its size, changed by the caller. These alone
 * look at all workers or tasks.
 */
#include "config.h"

#include "pool/scheduler_priv.h"

static bool
enter(struct rv_sched *s, enum rv_sched_phase phase)
{
	if (s->phase >= phase) {
		return false;
	}
	s->phase = (uint8_t)phase;
	return true;
}

void
rv_sched_close(struct rv_sched *s, rv_time now)
{
	(void)now;
	(void)enter(s, RV_SCHED_CLOSED);
}

void
rv_sched_drop(struct rv_sched *s, rv_time now)
{
	if (!enter(s, RV_SCHED_DROPPED)) {
		return;
	}
	rv_task_finish_waiting(s, RV_OUTCOME_CANCELLED);
	for (uint16_t i = 0; i < s->options.places; i++) {
		if (s->workers[i].n_held >= 2) {
			rv_worker_stale(s, &s->workers[i], now);
		}
	}
}

void
rv_sched_broken(struct rv_sched *s, rv_time now)
{
	(void)now;
	if (enter(s, RV_SCHED_BROKEN)) {
		rv_task_finish_waiting(s, RV_OUTCOME_BROKEN);
	}
}

void
rv_sched_terminate(struct rv_sched *s, rv_time now)
{
	if (!enter(s, RV_SCHED_TERMINATED)) {
		return;
	}
	rv_task_finish_waiting(s, RV_OUTCOME_CANCELLED);
	for (uint16_t i = 0; i < s->options.places; i++) {
		struct rv_sched_worker *w = &s->workers[i];

		if (w->n_held == 0) {
			continue;
		}
		RV_LIST_EACH (task, &w->held, struct rv_task, link) {
			task->killed = true;
			task->why = RV_OUTCOME_CANCELLED;
		}
		rv_worker_kill(s, w, RV_KILL_WORKER, now);
	}
}

void
rv_sched_resize(struct rv_sched *s, uint16_t min, uint16_t max, rv_time now)
{
	max = RV_MAX(1, RV_MIN(max, s->options.places));
	min = RV_MAX(1, RV_MIN(min, max));
	s->options.min = min;
	s->options.max = max;
	rv_size_set(s, RV_MAX(min, RV_MIN(max, s->wanted)), now);
}
