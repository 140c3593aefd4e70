/* SPDX-License-Identifier: MIT */
/*
 * Where events come in: commands go to command.c; facts about a life that is
 * over and timers that are not armed are dropped here; the rest is one step of
 * a worker's table. Then the tree settles.
 */
#include "config.h"

#include "core/core_priv.h"

/* More than any event can take; see settle.c. */
#define FUEL_PER_UNIT 256

/* Commands stand at the front of enum rv_event_type and are not in here. */
static const uint8_t facts[] = {
	[RV_EV_LAUNCHED] = RV_ON_LAUNCHED,
	[RV_EV_LAUNCH_FAILED] = RV_ON_FAILED,
	[RV_EV_LAUNCH_LOST] = RV_ON_LOST,
	[RV_EV_READY] = RV_ON_READY,
	[RV_EV_BEAT] = RV_ON_BEAT,
	[RV_EV_EXTEND] = RV_ON_EXTEND,
	[RV_EV_TRIGGER] = RV_ON_TRIGGER,
	[RV_EV_BEAT_INTERVAL] = RV_ON_INTERVAL,
	[RV_EV_DIED] = RV_ON_DIED,
	[RV_EV_PROBED] = RV_ON_PROBED,
};

static void
on_timer(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;
	enum rv_timer timer = event->timer;
	rv_time at = unit->due[timer];

	if ((unit->armed & 1u << timer) == 0) {
		return; /* it fired while we disarmed it */
	}
	if (at > core->now) {
		rv_timer_set(core, unit, timer, at);
		return;
	}
	unit->armed &= (uint8_t) ~(1u << timer);
	if (unit->policy->kind == RV_SUPERVISOR) {
		rv_dirty(core, unit); /* BACKOFF, the only one; still due */
		return;
	}
	unit->due[timer] = RV_FOREVER;
	rv_fsm_step(core, unit,
	    timer == RV_TIMER_STATE ? RV_ON_TIME : RV_ON_SILENCE, event);
}

static void
on_fact(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;

	if (unit->policy->kind == RV_WORKER && unit->life_open &&
	    unit->life == event->life) {
		rv_fsm_step(
		    core, unit, (enum rv_fsm_event)facts[event->type], event);
	}
}

/* An end that was asked for leads to what was asked for. */
enum rv_proposal
rv_core_proposal(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;
	bool asked =
	    unit->state == RV_STATE_STOPPING && unit->fault == RV_REASON_NONE;

	RV_ASSERT(
	    event->type == RV_EV_DIED || event->type == RV_EV_LAUNCH_FAILED);
	if (unit->policy->kind != RV_WORKER || !unit->life_open ||
	    unit->life != event->life || !unit->wanted || asked) {
		return RV_PROPOSAL_NONE;
	}
	core->now = RV_MAX(core->now, event->now);
	switch (rv_fsm_next(
	    core, unit, (enum rv_fsm_event)facts[event->type], event)) {
	case RV_FSM_BACKOFF:
		return RV_PROPOSAL_RESTART;
	case RV_FSM_EXITED:
		return RV_PROPOSAL_REST;
	case RV_FSM_FATAL:
		return RV_PROPOSAL_FATAL;
	default:
		return RV_PROPOSAL_ESCALATE;
	}
}

void
rv_core_post(struct rv_core *core, const struct rv_event *event)
{
	RV_MAGIC_CHECK(core, RV_CORE_MAGIC);
	RV_MAGIC_CHECK(event->unit, RV_UNIT_MAGIC);
	core->now = RV_MAX(core->now, event->now);
	core->jitter = event->jitter;
	core->fuel = FUEL_PER_UNIT * (core->n_units + 1);
	if (event->type == RV_EV_TIMER) {
		on_timer(core, event);
	} else if (!rv_command(core, event)) {
		on_fact(core, event);
	}
	rv_settle(core);
}
