/* SPDX-License-Identifier: MIT */
/*
 * One life of a worker from its launch to its end, and what its end means for
 * the budgets: the actions of unit_fsm.def that are neither a stop (stop.c)
 * nor a heartbeat (beat.c).
 */
#include "config.h"

#include <errno.h>

#include "core/core_priv.h"

void
rv_do_launch(const struct rv_step *step)
{
	struct rv_core *core = step->core;
	struct rv_unit *unit = step->unit;
	struct rv_fields fields = { 0 };

	unit->life = core->next_life++;
	unit->life_open = true;
	unit->was_ready = false;
	unit->hurry = false;
	unit->fault = RV_REASON_NONE;
	unit->why = RV_WHY_NONE;
	unit->forgiven = 0;
	unit->last_beat = 0;
	unit->ready_at = 0;
	unit->hb_interval = -1;
	rv_fields_int(&fields, RV_KEY_ATTEMPT, rv_attempt(unit));
	rv_act_record(core, unit, RV_KIND_WORKER_STARTING, unit->life, &fields);
	rv_act_launch(core, unit);
}

void
rv_do_started(const struct rv_step *step)
{
	static const struct rv_fields none;
	struct rv_unit *unit = step->unit;

	unit->started_at = step->core->now;
	unit->phase_at = step->core->now;
	unit->restarts += unit->lived;
	unit->lived = true;
	rv_act_record(
	    step->core, unit, RV_KIND_WORKER_STARTED, unit->life, &none);
}

static rv_time
start_span(const struct rv_policy *policy)
{
	return policy->ready == RV_READY_TOLD ? policy->start_timeout
					      : policy->startsecs;
}

void
rv_do_arm_start(const struct rv_step *step)
{
	rv_timer_set(step->core, step->unit, RV_TIMER_STATE,
	    rv_time_add(step->core->now, start_span(step->unit->policy)));
}

/* Whoever stood still may have facts to read yet: the lost time is given. */
void
rv_do_give_back(const struct rv_step *step)
{
	rv_time most = RV_MAX(start_span(step->unit->policy), RV_LATE_MIN);

	rv_timer_set(step->core, step->unit, RV_TIMER_STATE,
	    rv_time_add(step->core->now, RV_MIN(step->fact->late, most)));
}

void
rv_do_ready(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;
	struct rv_fields fields = { 0 };

	unit->was_ready = true;
	unit->ready_at = step->core->now;
	unit->forgiven = unit->start_failures;
	unit->start_failures = 0;
	rv_fields_int(&fields, RV_KEY_AFTER_MS,
	    rv_ms(step->core->now - unit->started_at));
	rv_act_record(
	    step->core, unit, RV_KIND_WORKER_READY, unit->life, &fields);
}

static enum rv_reason
reason_of_end(const struct rv_event *fact)
{
	if (fact->end.unknown) {
		return RV_REASON_UNKNOWN;
	}
	if (fact->end.signaled) {
		return RV_REASON_SIGNALED;
	}
	return fact->raised ? RV_REASON_EXCEPTION : RV_REASON_EXITED;
}

enum rv_reason
rv_core_reason(const struct rv_unit *unit, const struct rv_event *fact)
{
	if (unit->fault != RV_REASON_NONE) {
		return unit->fault;
	}
	return fact->type == RV_EV_LAUNCH_FAILED ? RV_REASON_START_FAILED
						 : reason_of_end(fact);
}

/* Not a failure of its own that came before that could be done. */
static bool
was_taken_back(const struct rv_step *step)
{
	return step->from == RV_FSM_CANCELING &&
	       step->fact->sys_errno == ECANCELED;
}

static enum rv_reason
reason_of(const struct rv_step *step)
{
	if (step->unit->fault != RV_REASON_NONE) {
		return step->unit->fault;
	}
	if (step->from == RV_FSM_STOPPING || step->from == RV_FSM_KILLING) {
		return RV_REASON_ASKED;
	}
	if (step->event == RV_ON_FAILED) {
		return was_taken_back(step) ? RV_REASON_ASKED
					    : RV_REASON_START_FAILED;
	}
	if (step->event == RV_ON_LOST) {
		return RV_REASON_LOST;
	}
	return reason_of_end(step->fact);
}

void
rv_do_ended(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;

	unit->last_reason = reason_of(step);
	rv_say_end(step, unit->last_reason);
	unit->life_open = false;
	unit->started_at = 0;
	rv_backoff_end_life(step->core, unit);
	rv_timer_clear(step->core, unit, RV_TIMER_STATE);
	rv_timer_clear(step->core, unit, RV_TIMER_BEAT);
}

/* What a premature `ready` forgave counts again: see rv_guard_early. */
void
rv_do_count(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;

	unit->start_failures += unit->forgiven + 1;
	unit->forgiven = 0;
}

void
rv_do_backoff(const struct rv_step *step)
{
	rv_backoff_begin(step->core, step->unit, false);
}

void
rv_do_backoff_lack(const struct rv_step *step)
{
	rv_backoff_begin(step->core, step->unit, true);
}

void
rv_do_cancel(const struct rv_step *step)
{
	rv_timer_clear(step->core, step->unit, RV_TIMER_STATE);
}

void
rv_do_stamp(const struct rv_step *step)
{
	rv_restarted(step->core, step->unit);
}

void
rv_do_rest(const struct rv_step *step)
{
	step->unit->wanted = false;
	rv_sup_child_rests(step->core, step->unit);
}

void
rv_do_fatal(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;
	struct rv_fields fields = { 0 };
	bool escalate = unit->policy->on_fatal == RV_FATAL_ESCALATE;

	unit->wanted = false;
	rv_fields_str(
	    &fields, RV_KEY_REASON, rv_reason_text(unit->last_reason));
	rv_fields_int(&fields, RV_KEY_COUNT, unit->start_failures);
	rv_fields_str(&fields, RV_KEY_ON_FATAL, escalate ? "escalate" : "stay");
	rv_act_record(
	    step->core, unit, RV_KIND_WORKER_FATAL, unit->life, &fields);
	if (escalate) {
		rv_sup_give_up(step->core, unit->parent, unit, 0);
	}
}

void
rv_do_give_up(const struct rv_step *step)
{
	struct rv_unit *super = step->unit->parent;

	rv_sup_give_up(step->core, super, step->unit,
	    rv_window_count(super, step->core->now) + 1);
}

void
rv_do_escalate(const struct rv_step *step)
{
	rv_sup_give_up(step->core, step->unit->parent, step->unit, 0);
}

/* A life goes to another unit: what belongs to it and not to the unit. */
static void
exchange_life(struct rv_unit *a, struct rv_unit *b)
{
#define EXCHANGE(member)                                \
	do {                                            \
		__typeof__(a->member) hold = a->member; \
		a->member = b->member;                  \
		b->member = hold;                       \
	} while (0)
	EXCHANGE(life);
	EXCHANGE(fsm);
	EXCHANGE(since);
	EXCHANGE(started_at);
	EXCHANGE(ready_at);
	EXCHANGE(phase_at);
	EXCHANGE(last_beat);
	EXCHANGE(hb_interval);
	EXCHANGE(forgiven);
#undef EXCHANGE
}

static bool
may_swap(const struct rv_unit *unit)
{
	return unit->policy->kind == RV_WORKER &&
	       unit->state == RV_STATE_RUNNING && unit->wanted &&
	       !unit->retiring;
}

bool
rv_core_swap(struct rv_core *core, struct rv_unit *a, struct rv_unit *b)
{
	rv_time due_a, due_b;

	RV_MAGIC_CHECK(core, RV_CORE_MAGIC);
	if (a == b || a->parent != b->parent || !may_swap(a) || !may_swap(b)) {
		return false;
	}
	due_a = a->due[RV_TIMER_BEAT];
	due_b = b->due[RV_TIMER_BEAT];
	exchange_life(a, b);
	a->restarts++;
	b->restarts++;
	/* What may wait longer under the other policy is seen when it is due.
	 */
	rv_timer_set(core, a, RV_TIMER_BEAT, due_b);
	rv_timer_set(core, b, RV_TIMER_BEAT, due_a);
	rv_watch_anew(core, a);
	rv_watch_anew(core, b);
	rv_act_simple(core, RV_ACT_STATE, a);
	rv_act_simple(core, RV_ACT_STATE, b);
	return true;
}
