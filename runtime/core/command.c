/* SPDX-License-Identifier: MIT */
/*
 * What operators, reloads and the owner of the tree want. Commands change what
 * is wanted; settle.c makes it so. Operators' commands feed no budget.
 */
#include "config.h"

#include "core/core_priv.h"

static bool
alive(const struct rv_unit *unit)
{
	return (unit->summary & RV_SUM_ALIVE) != 0;
}

/* The wait in BACKOFF is cut short. */
static void
end_backoff(struct rv_core *core, struct rv_unit *unit)
{
	if (unit->state != RV_STATE_BACKOFF) {
		return;
	}
	if (unit->policy->kind == RV_WORKER) {
		rv_fsm_step(core, unit, RV_ON_WANT, NULL);
	} else {
		rv_timer_clear(core, unit, RV_TIMER_STATE);
		unit->due[RV_TIMER_STATE] = core->now;
	}
	if (unit->parent != NULL) {
		rv_dirty(core, unit->parent);
	}
}

static void
start(struct rv_core *core, struct rv_unit *unit)
{
	unit->held = false;
	unit->chosen = true;
	rv_budgets_reset(unit);
	end_backoff(core, unit);
	if (rv_may_want(unit)) {
		/* All below were told already: it goes down first. */
		unit->again = unit->policy->kind == RV_SUPERVISOR &&
			      rv_up(unit) && !unit->wanted;
		unit->wanted = !unit->again;
	}
	rv_refresh(core, unit);
	rv_dirty(core, unit);
}

static void
on_start(struct rv_core *core, const struct rv_event *event)
{
	if (!core->shutting_down && !event->unit->retiring) {
		start(core, event->unit);
	}
}

static void
on_boot(struct rv_core *core, const struct rv_event *event)
{
	RV_ASSERT(event->unit == core->root && !core->booted);
	core->booted = true;
	rv_want(core, core->root);
}

static void
on_stop(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;

	unit->held = true;
	rv_want_down(core, unit, RV_WHY_OPERATOR);
	if (unit->state == RV_STATE_EXITED || unit->state == RV_STATE_FATAL) {
		if (unit->policy->kind == RV_WORKER) {
			rv_fsm_step(core, unit, RV_ON_HALT, NULL);
		} else {
			rv_set_state(core, unit, RV_STATE_STOPPED);
		}
	}
	rv_refresh(core, unit);
}

/* Another life, or incarnation, for what is up. */
static void
cycle(struct rv_core *core, struct rv_unit *unit, enum rv_why why)
{
	if (unit->policy->kind == RV_WORKER) {
		unit->why = (uint8_t)why;
		rv_fsm_step(core, unit, RV_ON_CYCLE, NULL);
	} else if (rv_up(unit)) {
		rv_sup_stop(core, unit, RV_ENDING_ASKED);
	} else {
		unit->ending = RV_ENDING_ASKED;
	}
}

static void
on_restart(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;

	if (core->shutting_down || unit->retiring) {
		return;
	}
	start(core, unit);
	if (unit->wanted && alive(unit)) {
		cycle(core, unit, RV_WHY_OPERATOR);
	}
}

static void
on_retire(struct rv_core *core, const struct rv_event *event)
{
	RV_ASSERT(event->unit->parent != NULL);
	event->unit->retiring = true;
	event->unit->chosen = false;
	rv_want_down(
	    core, event->unit, event->asked ? RV_WHY_OPERATOR : RV_WHY_RELOAD);
}

/*
 * What made it fail, or end, may be what was changed. What runs only when asked
 * waits to be asked again, unless it was to run and could not.
 */
static bool
is_tried_anew(const struct rv_unit *unit, const struct rv_policy *policy)
{
	return rv_may_want(unit) &&
	       (unit->state == RV_STATE_FATAL ||
		   (unit->state == RV_STATE_EXITED && policy->autostart));
}

bool
rv_core_leaves_down(const struct rv_unit *unit, const struct rv_policy *policy)
{
	return unit->held || unit->retiring ||
	       (!unit->wanted && !is_tried_anew(unit, policy));
}

/* A changed one restarts if it is up, and starts if it had ended or failed. */
static void
on_replace(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;
	bool was_auto = unit->policy->autostart;

	RV_ASSERT(event->policy->kind == unit->policy->kind);
	unit->policy = event->policy;
	rv_frontier_reset(core, unit);
	RV_LIST_EACH (child, &unit->children, struct rv_unit, siblings) {
		rv_dirty(core, child); /* the order may be another now */
	}
	if (unit->policy->autostart && !was_auto && !unit->chosen) {
		unit->chosen = !unit->retiring;
	}
	if (unit->state == RV_STATE_RUNNING &&
	    unit->policy->kind == RV_WORKER) {
		rv_watch_anew(core, unit);
	}
	if (event->restart && !unit->held && !unit->retiring &&
	    !core->shutting_down) {
		rv_budgets_reset(unit);
		end_backoff(core, unit);
		if (is_tried_anew(unit, unit->policy)) {
			unit->wanted = true;
		}
		if (unit->wanted && alive(unit)) {
			cycle(core, unit, RV_WHY_RELOAD);
		}
	}
	rv_refresh(core, unit);
	rv_dirty(core, unit);
}

static void
on_added(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;

	if (unit->chosen && !unit->held && unit->parent != NULL &&
	    rv_up(unit->parent) && rv_may_want(unit)) {
		unit->wanted = true;
	}
	rv_refresh(core, unit);
	rv_dirty(core, unit);
}

static void
on_shutdown(struct rv_core *core, const struct rv_event *event)
{
	RV_ASSERT(event->unit == core->root);
	if (!core->shutting_down) {
		core->shutting_down = true;
		core->booted = true;
		rv_want_down(core, core->root, RV_WHY_SHUTDOWN);
	}
}

static void
on_hasten(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;

	for (; unit != NULL; unit = rv_next_in(event->unit, unit)) {
		if (unit->policy->kind == RV_WORKER &&
		    unit->state == RV_STATE_STOPPING) {
			rv_fsm_step(core, unit, RV_ON_HASTEN, NULL);
		}
	}
}

static void
on_kill_all(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;

	on_shutdown(core, event);
	for (; unit != NULL; unit = rv_next_in(event->unit, unit)) {
		if (unit->policy->kind == RV_WORKER && alive(unit)) {
			rv_fsm_step(core, unit, RV_ON_KILL, NULL);
		}
	}
}

/* No stop of its own: what is up is left alone. */
static void
on_kill(struct rv_core *core, const struct rv_event *event)
{
	struct rv_unit *unit = event->unit;

	if (unit->policy->kind == RV_WORKER &&
	    unit->state == RV_STATE_STOPPING) {
		rv_fsm_step(core, unit, RV_ON_KILL, NULL);
	}
}

typedef void command_fn(struct rv_core *, const struct rv_event *);

static command_fn *const commands[] = {
	[RV_EV_START] = on_start,
	[RV_EV_STOP] = on_stop,
	[RV_EV_RESTART] = on_restart,
	[RV_EV_BOOT] = on_boot,
	[RV_EV_RETIRE] = on_retire,
	[RV_EV_REPLACE] = on_replace,
	[RV_EV_ADDED] = on_added,
	[RV_EV_SHUTDOWN] = on_shutdown,
	[RV_EV_HASTEN] = on_hasten,
	[RV_EV_KILL_ALL] = on_kill_all,
	[RV_EV_KILL] = on_kill,
};

/* False when it is no command. */
bool
rv_command(struct rv_core *core, const struct rv_event *event)
{
	if ((size_t)event->type >= RV_ARRAY_LEN(commands)) {
		return false;
	}
	commands[event->type](core, event);
	return true;
}
