/* SPDX-License-Identifier: MIT */
/*
 * Tasks that no worker has: those that are ready, a list for each priority, and
 * what becomes of one whose try has ended. Who is asked for a retry, and who is
 * not, is decided here and nowhere else.
 */
#include "config.h"

#include "pool/scheduler_priv.h"

_Static_assert(sizeof(struct rv_task) == 48, "a million of them wait");
_Static_assert(RV_SCHED_PRIORITIES == 8, "a bit for each in a byte");

void
rv_ready_push(struct rv_sched *s, struct rv_task *task, bool at_head)
{
	struct rv_list *list = &s->ready[task->rules->priority];

	task->state = RV_TASK_READY;
	task->worker = RV_NO_WORKER;
	rv_list_insert(at_head ? list->next : list, &task->link);
	s->priorities |= (uint8_t)(1u << task->rules->priority);
	s->n_ready++;
}

struct rv_task *
rv_ready_first(const struct rv_sched *s)
{
	if (s->priorities == 0) {
		return NULL;
	}
	return rv_task_of(s->ready[__builtin_ctz(s->priorities)].next);
}

void
rv_ready_remove(struct rv_sched *s, struct rv_task *task)
{
	unsigned priority = task->rules->priority;

	RV_ASSERT(task->state == RV_TASK_READY);
	rv_list_remove(&task->link);
	if (rv_list_empty(&s->ready[priority])) {
		s->priorities &= (uint8_t) ~(1u << priority);
	}
	s->n_ready--;
}

rv_time
rv_ready_oldest(const struct rv_sched *s)
{
	rv_time oldest = RV_FOREVER;

	for (unsigned left = s->priorities; left != 0; left &= left - 1) {
		const struct rv_task *task =
		    rv_task_of(s->ready[__builtin_ctz(left)].next);

		oldest = RV_MIN(oldest, task->at);
	}
	return oldest;
}

void
rv_task_finish(
    struct rv_sched *s, struct rv_task *task, enum rv_task_outcome outcome)
{
	RV_ASSERT(task->state != RV_TASK_NEW && task->state != RV_TASK_DONE);
	task->state = RV_TASK_DONE;
	task->worker = RV_NO_WORKER;
	task->outcome = (uint8_t)outcome & 15;
	rv_list_insert(&s->finished, &task->link);
	if (outcome == RV_OUTCOME_GOOD) {
		s->good++;
	} else {
		s->bad++;
	}
}

static bool
may_try_again(const struct rv_sched *s, const struct rv_task *task,
    enum rv_task_outcome outcome)
{
	if (s->phase > RV_SCHED_CLOSED || task->tries > task->rules->retries) {
		return false;
	}
	return outcome == RV_OUTCOME_DIED || outcome == RV_OUTCOME_TIMED_OUT ||
	       (outcome == RV_OUTCOME_FAILED && !task->rules->deaths_only);
}

/* Before the retry behind the n-th try. */
static rv_time
rest_behind(const struct rv_task_rules *rules, uint32_t n)
{
	rv_time rest = rules->backoff;

	while (--n > 0 && rest > 0 && rest < rules->backoff_max) {
		rest = rv_time_scale(rest, 2);
	}
	return RV_MIN(rest, rules->backoff_max);
}

void
rv_task_ended(struct rv_sched *s, struct rv_task *task,
    enum rv_task_outcome outcome, rv_time now)
{
	rv_time rest;

	RV_ASSERT(task->state == RV_TASK_RUNNING && task->tries > 0);
	if (task->killed && task->why == RV_OUTCOME_CANCELLED) {
		/* Promised, even when its end came first. */
		outcome = RV_OUTCOME_CANCELLED;
	} else if (task->killed && outcome == RV_OUTCOME_DIED) {
		outcome = task->why;
	}
	if (!may_try_again(s, task, outcome)) {
		rv_task_finish(s, task, outcome);
		return;
	}
	s->retried++;
	task->killed = task->signalled = task->asked = false;
	rest = rest_behind(task->rules, task->tries);
	task->at = rv_time_add(now, rest);
	if (rest > 0) {
		rv_rests_push(s, task);
	} else {
		rv_ready_push(s, task, false);
	}
}

void
rv_task_put_back(struct rv_sched *s, struct rv_task *task)
{
	RV_ASSERT(task->state == RV_TASK_HELD);
	task->killed = task->signalled = task->asked = false;
	if (s->phase == RV_SCHED_BROKEN) {
		rv_task_finish(s, task, RV_OUTCOME_BROKEN);
	} else if (s->phase > RV_SCHED_CLOSED) {
		rv_task_finish(s, task, RV_OUTCOME_CANCELLED);
	} else {
		rv_ready_push(s, task, true);
	}
}

void
rv_task_finish_waiting(struct rv_sched *s, enum rv_task_outcome outcome)
{
	struct rv_task *task = rv_ready_first(s);

	for (; task != NULL; task = rv_ready_first(s)) {
		rv_ready_remove(s, task);
		rv_task_finish(s, task, outcome);
	}
	while (s->rests != NULL) {
		task = rv_task_of(s->rests);
		rv_rests_remove(s, task);
		rv_task_finish(s, task, outcome);
	}
}
