/* SPDX-License-Identifier: MIT */
/*
 * Carries a change on through the tree until nothing moves. Whoever changes a
 * unit puts those it may concern on the dirty queue; here each is asked, one
 * after the other and never from within another, what follows. Bounded: every
 * step burns fuel, and a loop is a bug of ours.
 */
#include "config.h"

#include "core/core_priv.h"

void
rv_dirty(struct rv_core *core, struct rv_unit *unit)
{
	if (rv_list_empty(&unit->dirty_link)) {
		rv_list_insert(&core->dirty, &unit->dirty_link);
	}
}

/* When all has settled, see whether there is something to tell of it. */
void
rv_show(struct rv_core *core, struct rv_unit *unit)
{
	if (rv_list_empty(&unit->changed_link)) {
		rv_list_insert(&core->changed, &unit->changed_link);
	}
}

void
rv_set_state(struct rv_core *core, struct rv_unit *unit, enum rv_state state)
{
	if (state != RV_STATE_WAITING) {
		unit->waiting_for = NULL;
	}
	if (unit->state != state) {
		unit->state = state;
		unit->since = core->now;
	}
}

void
rv_want(struct rv_core *core, struct rv_unit *unit)
{
	unit->wanted = true;
	rv_refresh(core, unit);
	/* Those that are told together shall start in the order of the file. */
	rv_list_remove(&unit->dirty_link);
	rv_dirty(core, unit);
}

/* What only waits to start can go down at once: there is nothing to stop. */
static void
stop_waiting(struct rv_core *core, struct rv_unit *unit)
{
	if (unit->state != RV_STATE_WAITING &&
	    unit->state != RV_STATE_BACKOFF) {
		return;
	}
	if (unit->policy->kind == RV_WORKER) {
		rv_fsm_step(core, unit, RV_ON_HALT, NULL);
	} else {
		rv_timer_clear(core, unit, RV_TIMER_STATE);
		rv_set_state(core, unit, RV_STATE_STOPPED);
	}
}

void
rv_want_down(struct rv_core *core, struct rv_unit *top, enum rv_why why)
{
	struct rv_unit *unit = top;

	for (; unit != NULL; unit = rv_next_in(top, unit)) {
		if (unit->wanted || unit == top) {
			unit->why = (uint8_t)why;
		}
		unit->wanted = false;
		unit->again = false;
		stop_waiting(core, unit);
		rv_refresh(core, unit);
		rv_dirty(core, unit);
		if (unit == top && why != RV_WHY_SHUTDOWN) {
			why = RV_WHY_PARENT;
		}
	}
}

/* In WAITING: go, or say whom it waits for. */
static bool
try_start(struct rv_core *core, struct rv_unit *unit)
{
	struct rv_unit *blocker = rv_start_blocker(unit);

	if (blocker == NULL) {
		rv_fsm_step(core, unit, RV_ON_GO, NULL);
		return true;
	}
	rv_note_waiting(core, unit, blocker);
	return false;
}

/* Told when all has settled: most waits are over before that. */
void
rv_note_waiting(
    struct rv_core *core, struct rv_unit *unit, struct rv_unit *blocker)
{
	if (unit->waiting_for != blocker) {
		unit->waiting_for = blocker;
		unit->waits_anew = true;
		rv_show(core, unit);
	}
}

/* Is there something of it that no stop has been begun for, or none asked? */
static bool
must_stop(const struct rv_unit *unit)
{
	return rv_up(unit) || (unit->state == RV_STATE_STOPPING &&
				  unit->fault != RV_REASON_NONE);
}

/* A wait of no length, for which no timer was armed. */
static bool
due(const struct rv_core *core, const struct rv_unit *unit)
{
	return unit->due[RV_TIMER_STATE] <= core->now &&
	       (unit->armed & 1u << RV_TIMER_STATE) == 0 &&
	       (unit->state == RV_STATE_BACKOFF ||
		   unit->state == RV_STATE_STOPPING);
}

/* One thing that follows for a worker; false when nothing does. */
static bool
settle_worker(struct rv_core *core, struct rv_unit *unit)
{
	if (unit->wanted && rv_at_rest(unit)) {
		rv_fsm_step(core, unit, RV_ON_WANT, NULL);
		return true;
	}
	if (due(core, unit)) {
		unit->due[RV_TIMER_STATE] = RV_FOREVER;
		rv_fsm_step(core, unit, RV_ON_TIME, NULL);
		return true;
	}
	if (unit->state == RV_STATE_WAITING) {
		return try_start(core, unit);
	}
	if (!unit->wanted && must_stop(unit) && rv_may_stop(unit)) {
		rv_fsm_step(core, unit, RV_ON_HALT, NULL);
		return true;
	}
	return false;
}

static void
settle_one(struct rv_core *core, struct rv_unit *unit)
{
	bool worker = unit->policy->kind == RV_WORKER;

	while (worker ? settle_worker(core, unit) : rv_sup_settle(core, unit)) {
		RV_ASSERT(core->fuel-- > 0);
	}
	if (unit->retiring && !unit->wanted && rv_at_rest(unit)) {
		rv_unlink(core, unit);
	}
}

/* The end of the whole tree is told once. */
static void
finish(struct rv_core *core)
{
	struct rv_unit *root = core->root;
	bool gave_up = root->state == RV_STATE_FATAL;

	if (!core->finished && rv_at_rest(root) && !root->wanted &&
	    (core->shutting_down || root->state != RV_STATE_STOPPED)) {
		core->finished = true;
		core->shutting_down = true;
		rv_act_finished(core, gave_up);
	}
}

static void
show(struct rv_core *core)
{
	while (!rv_list_empty(&core->changed)) {
		struct rv_unit *unit =
		    RV_LIST_FIRST(&core->changed, struct rv_unit, changed_link);
		uint8_t shown = rv_shown(unit);

		rv_list_remove(&unit->changed_link);
		if (unit->waits_anew && unit->waiting_for != NULL) {
			rv_say_waiting(core, unit);
		}
		unit->waits_anew = false;
		if (shown != unit->shown) {
			unit->shown = shown;
			rv_act_simple(core, RV_ACT_STATE, unit);
		}
	}
}

void
rv_settle(struct rv_core *core)
{
	while (!rv_list_empty(&core->dirty)) {
		struct rv_unit *unit =
		    RV_LIST_FIRST(&core->dirty, struct rv_unit, dirty_link);

		RV_ASSERT(core->fuel-- > 0);
		rv_list_remove(&unit->dirty_link);
		settle_one(core, unit);
	}
	show(core);
	if (core->booted) {
		finish(core);
	}
}
