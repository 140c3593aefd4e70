/* SPDX-License-Identifier: MIT */
/* What must be so, whatever happened: see sched_world.h. */
#include "config.h"

#include "sched_world.h"

#include <stdio.h>

struct world_task *
world_of(struct rv_task *task)
{
	return RV_CONTAINER(task, struct world_task, task);
}

static bool
tried_again(const struct world *w, const struct world_task *t,
    enum rv_task_outcome outcome)
{
	if (w->phase > RV_SCHED_CLOSED || t->begun > t->rules.retries) {
		return false;
	}
	return outcome != RV_OUTCOME_FAILED || !t->rules.deaths_only;
}

/* A try ended in this way, the host has told so. */
void
law_ended(struct world *w, struct world_task *t, enum rv_task_outcome outcome)
{
	rv_time rest = t->rules.backoff;

	if (t->promised) {
		outcome = RV_OUTCOME_CANCELLED;
	} else if (outcome == RV_OUTCOME_DIED && t->timed) {
		outcome = RV_OUTCOME_TIMED_OUT;
	}
	if (t->begun != t->task.tries) {
		world_wrong(w, "tries are not as many as began");
	}
	if (outcome == RV_OUTCOME_GOOD || outcome == RV_OUTCOME_CANCELLED ||
	    !tried_again(w, t, outcome)) {
		t->may_end = 1u << outcome;
		return;
	}
	for (unsigned i = 1; i < t->begun && rest < RV_DAY; i++) {
		rest *= 2;
	}
	rest = RV_MIN(rest, t->rules.backoff_max);
	if (t->task.state != (rest > 0 ? RV_TASK_RESTING : RV_TASK_READY) ||
	    t->task.at != w->now + rest) {
		world_wrong(w, "a retry is not due when it should be");
	}
	t->clean = t->timed = t->signalled = t->heard = false;
}

/* It was not begun, and is its worker's no more. */
void
law_put_back(struct world *w, struct world_task *t)
{
	t->clean = t->signalled = t->timed = false;
	if (w->phase == RV_SCHED_BROKEN && !t->promised) {
		t->may_end = 1u << RV_OUTCOME_BROKEN;
	} else if (w->phase > RV_SCHED_CLOSED || t->promised) {
		t->may_end = 1u << RV_OUTCOME_CANCELLED;
	} else if (t->task.state != RV_TASK_READY) {
		world_wrong(w, "what was put back is not ready");
	}
}

static bool
has_limit(const struct world_task *t)
{
	return t->rules.soft != RV_FOREVER || t->rules.hard != RV_FOREVER;
}

static rv_time
kill_at(const struct world_worker *p)
{
	const struct rv_task_rules *r = &p->ring[0]->rules;
	rv_time limit = r->hard;

	if (limit == RV_FOREVER && r->soft != RV_FOREVER) {
		limit = rv_time_add(r->soft, r->grace);
	}
	return rv_time_add(p->since, limit);
}

static rv_time
signal_at(const struct world_worker *p)
{
	if (p->ring[0]->signalled) {
		return RV_FOREVER;
	}
	return rv_time_add(p->since, p->ring[0]->rules.soft);
}

/* Could this worker be given a first task? */
static bool
is_free(const struct world *w, uint16_t i)
{
	const struct world_worker *p = &w->workers[i];

	return p->up && !p->killed && !p->doomed && !p->tired && !p->leaving &&
	       p->n == 0 && i < w->sched.wanted && i < w->said;
}

static void
law_give(struct world *w, struct world_worker *p, struct world_task *t)
{
	unsigned priority = t->rules.priority;

	if (p->killed || p->doomed || p->tired || p->leaving) {
		world_wrong(w, "given to a worker that goes");
	}
	if (w->phase > RV_SCHED_CLOSED || t->may_end != 0 || t->active) {
		world_wrong(w, "given what must not be");
	}
	if (p->n == RV_SCHED_HELD) {
		world_wrong(w, "a worker holds too many");
	}
	if (p->n > 0 && (has_limit(t) || w->sched.mean == 0 ||
			    w->sched.mean > RV_SCHED_LONG)) {
		world_wrong(w, "given to wait behind another");
	}
	for (uint16_t i = 0; i < WORLD_PLACES && p->n > 0; i++) {
		if (is_free(w, i)) {
			world_wrong(w, "given to wait, while one is free");
		}
	}
	for (unsigned i = 0; i < WORLD_TASKS; i++) {
		struct world_task *o = &w->tasks[i];

		if (o->live && o->task.state == RV_TASK_READY &&
		    o->rules.priority < priority) {
			world_wrong(w, "given before a more urgent one");
		}
	}
	if (t->clean) {
		if (t->serial < w->given[priority]) {
			world_wrong(w, "given out of order");
		}
		w->given[priority] = t->serial;
	}
}

static void
law_kill(struct world *w, struct world_worker *p)
{
	struct world_task *t = p->n > 0 ? p->ring[0] : NULL;

	if (p->killed) {
		world_wrong(w, "killed twice");
	}
	if (t != NULL && t->task.killed &&
	    t->task.why == RV_OUTCOME_TIMED_OUT) {
		t->timed = true;
		if (w->now < kill_at(p)) {
			world_wrong(w, "killed before its time");
		}
	} else if (!p->doomed && (t == NULL || !t->promised) &&
		   (t != NULL || p->since > w->now)) {
		world_wrong(w, "killed for nothing");
	}
	for (unsigned i = 0; i < p->n; i++) {
		if (p->ring[i]->ring == RING_HELD && !p->ring[i]->promised) {
			world_wrong(w, "killed with what had not begun");
		}
	}
}

void
law_action(struct world *w, const struct rv_sched_action *a)
{
	struct world_worker *p =
	    a->worker < WORLD_PLACES ? &w->workers[a->worker] : NULL;
	struct world_task *t = a->task != NULL ? world_of(a->task) : NULL;

	if (a->act != RV_SCHED_SIZE && w->said == 0) {
		world_wrong(w, "something before the size");
	}
	if (a->act != RV_SCHED_SIZE && a->act != RV_SCHED_FINISH &&
	    (p == NULL || !p->up)) {
		world_wrong(w, "something of an absent worker");
		return;
	}
	switch (a->act) {
	case RV_SCHED_GIVE:
		law_give(w, p, t);
		break;
	case RV_SCHED_KILL:
		law_kill(w, p);
		break;
	case RV_SCHED_SIGNAL:
		if (p->n == 0 || t != p->ring[0] || w->now < signal_at(p)) {
			world_wrong(w, "signalled before its time, or twice");
		}
		break;
	case RV_SCHED_RETIRE:
		if (p->n != 0 || p->leaving) {
			world_wrong(w, "retired with tasks, or twice");
		}
		break;
	case RV_SCHED_SIZE:
		if (a->size < 1 || a->size > WORLD_PLACES ||
		    a->size == w->said || a->size < w->options.min) {
			world_wrong(w, "a size that cannot be");
		}
		for (uint16_t i = a->size; i < w->said; i++) {
			if (w->workers[i].n > 0) {
				world_wrong(w, "a busy worker ends");
			}
		}
		break;
	case RV_SCHED_REVOKE:
		if (t->task.worker != a->worker || t->heard) {
			world_wrong(w, "revoked what is not there");
		}
		break;
	case RV_SCHED_FINISH:
		if (!t->live || (t->may_end & 1u << t->task.outcome) == 0) {
			printf("# outcome %d, may be %x\n", t->task.outcome,
			    t->may_end);
			world_wrong(w, "an end that is not its own");
		}
		break;
	}
}

static void
law_counts(struct world *w)
{
	struct rv_sched_stats st;
	uint64_t counts[RV_TASK_DONE + 1] = { 0 };

	rv_sched_stats(&w->sched, &st);
	for (unsigned i = 0; i < WORLD_TASKS; i++) {
		if (w->tasks[i].live) {
			counts[w->tasks[i].task.state]++;
		}
	}
	if (st.ready != counts[RV_TASK_READY] ||
	    st.held != counts[RV_TASK_HELD] ||
	    st.running != counts[RV_TASK_RUNNING] ||
	    st.resting != counts[RV_TASK_RESTING] ||
	    counts[RV_TASK_DONE] != 0 || st.submitted != w->submitted ||
	    st.good + st.bad != w->finished) {
		world_wrong(w, "the counts are wrong");
	}
}

static void
law_workers(struct world *w, bool ready, rv_time *due)
{
	for (uint16_t i = 0; i < WORLD_PLACES; i++) {
		const struct world_worker *p = &w->workers[i];

		if (!p->up || p->killed || p->doomed) {
			continue;
		}
		if (ready && w->sched.paused == 0 && is_free(w, i)) {
			world_wrong(w, "one is free, and there is work");
		}
		if (p->n == 0 || p->ring[0]->promised) {
			continue;
		}
		*due = RV_MIN(*due, RV_MIN(kill_at(p), signal_at(p)));
		if (w->places[i].n_held != p->n) {
			world_wrong(w, "it does not hold what it was given");
		}
	}
}

void
law_quiet(struct world *w)
{
	rv_time due = RV_FOREVER, told = rv_sched_deadline(&w->sched);
	bool ready = false;

	law_counts(w);
	for (unsigned i = 0; i < WORLD_TASKS; i++) {
		const struct world_task *t = &w->tasks[i];

		if (!t->live) {
			continue;
		}
		ready |= t->task.state == RV_TASK_READY;
		if (t->task.state == RV_TASK_RESTING) {
			due = RV_MIN(due, t->task.at);
		}
	}
	law_workers(w, ready, &due);
	if (told > due) {
		world_wrong(w, "the deadline is late");
	}
	if (told <= w->now) {
		world_wrong(w, "there is something due already");
	}
}
