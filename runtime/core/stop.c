/* SPDX-License-Identifier: MIT */
/*
 * Stopping one life: steps of (signal, wait), KILL at their end and again for
 * as long as it is not gone. Whether it counts as a failure is decided when it
 * has died; `fault` remembers on whose account the stop began.
 */
#include "config.h"

#include <signal.h>

#include "core/core_priv.h"

static void
begin(const struct rv_step *step, int signo)
{
	struct rv_core *core = step->core;
	struct rv_unit *unit = step->unit;
	struct rv_fields fields = { 0 };

	unit->step = 0;
	unit->phase_at = core->now;
	rv_timer_clear(core, unit, RV_TIMER_BEAT);
	rv_fields_str(&fields, RV_KEY_WHY, rv_why_text(unit));
	if (signo != 0) {
		rv_fields_int(&fields, RV_KEY_SIGNAL, signo);
	}
	rv_act_record(core, unit, RV_KIND_WORKER_STOPPING, unit->life, &fields);
}

static int
first_signal(const struct rv_policy *policy)
{
	return policy->n_stop > 0 ? policy->stop[0].signo : SIGKILL;
}

/* Without any step the wait is over at once, and KILL is what follows. */
static void
send_step(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;
	const struct rv_policy *policy = unit->policy;
	rv_time wait = 0;

	if (unit->step < policy->n_stop) {
		const struct rv_stop_step *s = &policy->stop[unit->step++];

		rv_act_signal(step->core, unit, s->signo, policy->stop_group);
		wait = s->wait;
	}
	rv_timer_set(step->core, unit, RV_TIMER_STATE,
	    rv_time_add(step->core->now, wait));
}

void
rv_do_stop(const struct rv_step *step)
{
	begin(step, first_signal(step->unit->policy));
	send_step(step);
}

void
rv_do_stop_abort(const struct rv_step *step)
{
	begin(step, SIGABRT);
	rv_act_signal(step->core, step->unit, SIGABRT, false);
	rv_timer_set(step->core, step->unit, RV_TIMER_STATE,
	    rv_time_add(step->core->now, RV_ABORT_WAIT));
}

void
rv_do_stop_cancel(const struct rv_step *step)
{
	begin(step, first_signal(step->unit->policy));
	rv_act_simple(step->core, RV_ACT_CANCEL, step->unit);
}

void
rv_do_stop_kill(const struct rv_step *step)
{
	begin(step, SIGKILL);
}

void
rv_do_step(const struct rv_step *step)
{
	send_step(step);
}

void
rv_do_kill(const struct rv_step *step)
{
	rv_act_simple(step->core, RV_ACT_KILL, step->unit);
	rv_timer_set(step->core, step->unit, RV_TIMER_STATE,
	    rv_time_add(step->core->now, RV_KILL_AGAIN));
}

void
rv_do_hurry(const struct rv_step *step)
{
	step->unit->hurry = true;
}

/* Never nearer than it was, never further than RV_EXTEND_MAX from the start. */
static void
extend(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;
	rv_time due = unit->due[RV_TIMER_STATE];
	rv_time want =
	    rv_time_add(step->core->now, RV_MAX(step->fact->span, 0));
	rv_time most = rv_time_add(unit->phase_at, RV_EXTEND_MAX);

	want = RV_MIN(want, most);
	if (due != RV_FOREVER && want > due) {
		rv_timer_set(step->core, unit, RV_TIMER_STATE, want);
	}
}

void
rv_do_extend_start(const struct rv_step *step)
{
	extend(step);
}

void
rv_do_extend_stop(const struct rv_step *step)
{
	extend(step);
}

void
rv_do_blame(const struct rv_step *step)
{
	step->unit->fault = RV_REASON_UNRESPONSIVE;
}

void
rv_do_blame_start(const struct rv_step *step)
{
	step->unit->fault = RV_REASON_START_TIMEOUT;
}

void
rv_do_absolve(const struct rv_step *step)
{
	step->unit->fault = RV_REASON_NONE;
}

void
rv_do_stopped(const struct rv_step *step)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_WHY, rv_why_text(step->unit));
	rv_act_record(step->core, step->unit, RV_KIND_WORKER_STOPPED,
	    step->unit->life, &fields);
}
