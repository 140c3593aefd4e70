/* SPDX-License-Identifier: MIT */
/*
 * Workers: what each of them holds, and lists of those that can be given more,
 * by how many tasks they hold. A worker that may be given none is in none of
 * these lists: it is absent or on its way out, has enough, or what it runs
 * takes longer than was expected.
 */
#include "config.h"

#include "pool/scheduler_priv.h"

_Static_assert(RV_SCHED_HELD == 64, "a bit for each in 64");

struct rv_task *
rv_worker_first(const struct rv_sched_worker *w)
{
	return w->n_held > 0 ? rv_task_of(w->held.next) : NULL;
}

void
rv_worker_state(struct rv_sched *s, struct rv_sched_worker *w,
    enum rv_sched_worker_state state)
{
	if (w->state == RV_WORKER_UP) {
		s->n_up--;
	}
	w->state = (uint8_t)state;
	if (w->state == RV_WORKER_UP) {
		s->n_up++;
	}
}

static bool
may_be_given(const struct rv_sched *s, const struct rv_sched_worker *w)
{
	uint32_t max = s->options.max_tasks;

	return w->state == RV_WORKER_UP && w->kill == RV_KILL_NONE &&
	       !w->tired && !w->stale && w->n_held < RV_SCHED_HELD &&
	       rv_worker_number(s, w) < s->wanted &&
	       (max == 0 || w->done + w->n_held < max);
}

void
rv_worker_place(struct rv_sched *s, struct rv_sched_worker *w, rv_time now)
{
	bool idle = w->state == RV_WORKER_UP && w->n_held == 0;
	struct rv_list *list = &s->holding[w->n_held % RV_SCHED_HELD];

	s->n_idle = (uint16_t)(s->n_idle + idle - w->idle);
	w->idle = idle;
	rv_list_remove(&w->free);
	if (idle && w->tired) {
		rv_worker_tell(s, w);
	}
	if (!may_be_given(s, w)) {
		return;
	}
	if (idle) {
		/* Used first, so that those behind it stay idle. */
		w->since = now;
		list = list->next;
	}
	rv_list_insert(list, &w->free);
	s->held_bits |= (uint64_t)1 << w->n_held;
}

/* Whether it has tasks behind another, and since when. */
static void
watch(struct rv_sched *s, struct rv_sched_worker *w, rv_time now)
{
	rv_list_remove(&w->late);
	w->moved = now;
	if (w->n_held >= 2 && w->state == RV_WORKER_UP) {
		rv_list_insert(&s->late, &w->late);
	}
}

void
rv_worker_hold(struct rv_sched *s, struct rv_sched_worker *w,
    struct rv_task *task, rv_time now)
{
	RV_ASSERT(task->state == RV_TASK_READY);
	RV_ASSERT(w->state == RV_WORKER_UP && w->n_held < RV_SCHED_HELD);
	task->state = RV_TASK_HELD;
	task->worker = rv_worker_number(s, w);
	rv_list_insert(&w->held, &task->link);
	w->n_held++;
	s->n_held++;
	if (w->n_held == 1) {
		w->since = now;
		rv_limits_arm(s, w);
	} else if (w->n_held == 2) {
		watch(s, w, now);
	}
}

void
rv_worker_let_go(struct rv_sched *s, struct rv_sched_worker *w,
    struct rv_task *task, rv_time now)
{
	bool first = rv_worker_first(w) == task;

	RV_ASSERT(task->worker == rv_worker_number(s, w) && w->n_held > 0);
	rv_list_remove(&task->link);
	task->worker = RV_NO_WORKER;
	w->n_held--;
	if (task->state == RV_TASK_RUNNING) {
		w->running = false;
		s->n_running--;
	} else {
		s->n_held--;
	}
	if (first) {
		w->since = now;
		w->signal = w->stale = false;
		rv_limits_arm(s, w);
	}
	if (first || w->n_held < 2) {
		watch(s, w, now);
	}
}

void
rv_worker_tell(struct rv_sched *s, struct rv_sched_worker *w)
{
	if (rv_list_empty(&w->act)) {
		rv_list_insert(&s->act, &w->act);
	}
}

void
rv_worker_kill(struct rv_sched *s, struct rv_sched_worker *w,
    enum rv_sched_kill kill, rv_time now)
{
	if (w->state == RV_WORKER_ABSENT || w->state == RV_WORKER_DOOMED) {
		return;
	}
	w->kill = (uint8_t)RV_MAX((enum rv_sched_kill)w->kill, kill);
	w->signal = false;
	rv_list_remove(&w->late);
	rv_limits_arm(s, w);
	rv_worker_tell(s, w);
	rv_worker_place(s, w, now);
}

void
rv_worker_stale(struct rv_sched *s, struct rv_sched_worker *w, rv_time now)
{
	rv_list_remove(&w->late);
	w->stale = true;
	rv_worker_tell(s, w);
	rv_worker_place(s, w, now);
}

void
rv_worker_tick(struct rv_sched *s, rv_time now)
{
	while (rv_worker_due(s) <= now) {
		rv_worker_stale(s,
		    RV_LIST_FIRST(&s->late, struct rv_sched_worker, late), now);
	}
}

rv_time
rv_worker_due(const struct rv_sched *s)
{
	const struct rv_sched_worker *w =
	    RV_LIST_FIRST(&s->late, struct rv_sched_worker, late);

	return rv_list_empty(&s->late) ? RV_FOREVER
				       : rv_time_add(w->moved, RV_SCHED_STALE);
}

struct rv_sched_worker *
rv_worker_free(struct rv_sched *s, unsigned *held)
{
	while (s->held_bits != 0) {
		unsigned n = (unsigned)__builtin_ctzll(s->held_bits);

		if (!rv_list_empty(&s->holding[n])) {
			*held = n;
			return RV_LIST_FIRST(
			    &s->holding[n], struct rv_sched_worker, free);
		}
		s->held_bits &= s->held_bits - 1;
	}
	return NULL;
}

struct rv_sched_worker *
rv_worker_idlest(const struct rv_sched *s)
{
	const struct rv_list *idle = &s->holding[0];

	return rv_list_empty(idle)
		   ? NULL
		   : RV_CONTAINER(idle->prev, struct rv_sched_worker, free);
}
