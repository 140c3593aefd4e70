/* SPDX-License-Identifier: MIT */
/*
 * The behaviour of a supervisor: going up, being ready, stopping, giving up,
 * and what its end means to the supervisor above it. Children are looked at
 * one by one only when all of them are told something; otherwise counters
 * answer. Called by settle.c and by the actions of children.
 */
#include "config.h"

#include "core/core_priv.h"

/* A new incarnation: its window and its children's budgets are fresh. */
static void
go(struct rv_core *core, struct rv_unit *super)
{
	rv_set_state(core, super, RV_STATE_STARTING);
	super->restarts += super->lived;
	super->lived = true;
	super->started_at = core->now;
	super->why = RV_WHY_NONE;
	rv_window_clear(super);
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		rv_budgets_reset(child);
		if (child->chosen && !child->held && !child->retiring) {
			rv_want(core, child);
		} else {
			rv_dirty(core, child);
		}
	}
	rv_refresh(core, super);
}

void
rv_sup_stop(struct rv_core *core, struct rv_unit *super, enum rv_ending ending)
{
	enum rv_why why =
	    super->why == RV_WHY_SHUTDOWN ? RV_WHY_SHUTDOWN : RV_WHY_PARENT;

	RV_ASSERT(rv_up(super));
	rv_set_state(core, super, RV_STATE_STOPPING);
	super->ending = (uint8_t)ending;
	super->ready = false;
	super->grouping = false;
	super->offender = NULL;
	super->first = NULL;
	super->cursor = NULL;
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		child->regroup = false;
		rv_want_down(core, child, why);
		child->seq =
		    rv_grouped(super) && (child->summary & RV_SUM_ALIVE) != 0;
		if (child->seq) {
			super->cursor = child;
		}
	}
	rv_refresh(core, super);
	rv_dirty(core, super);
}

/*
 * More restarts than its window allows, or a fatal child. Once it is on its
 * way down for any reason, nothing that happens below matters any more.
 */
void
rv_sup_give_up(struct rv_core *core, struct rv_unit *super,
    const struct rv_unit *cause, uint32_t count)
{
	if (!rv_up(super) || !super->wanted) {
		return;
	}
	rv_say_gave_up(core, super, cause, count);
	rv_sup_stop(core, super, RV_ENDING_GAVE_UP);
}

/* Does the end of this child, for good, end its supervisor? */
bool
rv_sup_would_end(const struct rv_unit *child)
{
	const struct rv_unit *super = child->parent;
	uint32_t self = (child->summary & RV_SUM_SIGNIFICANT) != 0;

	if (super == NULL || !child->policy->significant || !rv_up(super) ||
	    !super->wanted) {
		return false;
	}
	return super->policy->auto_shutdown == RV_SHUTDOWN_ANY ||
	       (super->policy->auto_shutdown == RV_SHUTDOWN_ALL &&
		   super->n_significant == self);
}

void
rv_sup_child_rests(struct rv_core *core, struct rv_unit *child)
{
	if (rv_sup_would_end(child)) {
		rv_sup_stop(core, child->parent, RV_ENDING_SHUTDOWN);
	}
}

static void
say_stopped(struct rv_core *core, struct rv_unit *super, enum rv_ending ending)
{
	static const char *const reasons[] = {
		[RV_ENDING_ASKED] = "asked",
		[RV_ENDING_SHUTDOWN] = "auto shutdown",
		[RV_ENDING_GAVE_UP] = "gave up",
	};
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_REASON, reasons[ending]);
	rv_act_record(core, super, RV_KIND_SUPERVISOR_STOPPED, 0, &fields);
}

static void
rests(struct rv_core *core, struct rv_unit *super, enum rv_state state)
{
	rv_set_state(core, super, state);
	super->wanted = false;
	rv_sup_child_rests(core, super);
}

/* It ended by itself: what a death after readiness is for a worker. */
static void
failed(struct rv_core *core, struct rv_unit *super, enum rv_ending ending)
{
	struct rv_unit *above = super->parent;
	bool gave_up = ending == RV_ENDING_GAVE_UP;
	bool due = gave_up ? super->policy->restart != RV_TEMPORARY
			   : super->policy->restart == RV_PERMANENT;

	if (above == NULL || !due) {
		rests(core, super, gave_up ? RV_STATE_FATAL : RV_STATE_EXITED);
	} else if (rv_window_room(above, core->now)) {
		rv_set_state(core, super, RV_STATE_BACKOFF);
		rv_backoff_end_life(core, super);
		rv_backoff_begin(core, super, false);
		rv_restarted(core, super);
	} else {
		rv_set_state(core, super, RV_STATE_STOPPED);
		rv_sup_give_up(
		    core, above, super, rv_window_count(above, core->now) + 1);
	}
}

static void
ended(struct rv_core *core, struct rv_unit *super)
{
	enum rv_ending ending = (enum rv_ending)super->ending;

	say_stopped(core, super, ending);
	super->ending = RV_ENDING_NONE;
	super->wanted = super->wanted || super->again;
	super->again = false;
	super->last_reason =
	    ending == RV_ENDING_ASKED ? RV_REASON_ASKED : RV_REASON_EXITED;
	if (super->parent == NULL && ending == RV_ENDING_GAVE_UP) {
		failed(core, super, ending);
	} else if (!super->wanted) {
		rv_set_state(core, super, RV_STATE_STOPPED);
	} else if (ending == RV_ENDING_ASKED) {
		rv_set_state(core, super, RV_STATE_WAITING);
	} else {
		failed(core, super, ending);
	}
	super->started_at = 0;
	rv_refresh(core, super);
	rv_dirty(core, super);
}

/* A group restart makes it STARTING again, so that readiness is told anew. */
static void
judge_ready(struct rv_core *core, struct rv_unit *super)
{
	static const struct rv_fields none;

	super->ready =
	    super->wanted && !super->grouping && super->n_blocking == 0;
	if (super->ready && super->state == RV_STATE_STARTING) {
		rv_set_state(core, super, RV_STATE_RUNNING);
		rv_act_record(core, super, RV_KIND_SUPERVISOR_READY, 0, &none);
	}
	rv_refresh(core, super);
}

static bool
settle_up(struct rv_core *core, struct rv_unit *super)
{
	if (!super->wanted && rv_may_stop(super)) {
		rv_sup_stop(core, super, RV_ENDING_ASKED);
		return true;
	}
	rv_group_advance(core, super);
	if (super->wanted && rv_group_start(core, super)) {
		return true;
	}
	judge_ready(core, super);
	return false;
}

static bool
settle_waiting(struct rv_core *core, struct rv_unit *super)
{
	struct rv_unit *blocker = rv_start_blocker(super);

	if (blocker != NULL) {
		rv_note_waiting(core, super, blocker);
		return false;
	}
	go(core, super);
	return true;
}

static bool
to_waiting(struct rv_core *core, struct rv_unit *super)
{
	rv_timer_clear(core, super, RV_TIMER_STATE);
	rv_set_state(core, super, RV_STATE_WAITING);
	rv_refresh(core, super);
	if (super->parent != NULL) {
		rv_dirty(core, super->parent);
	}
	return true;
}

/* One thing that follows; false when nothing does. */
bool
rv_sup_settle(struct rv_core *core, struct rv_unit *super)
{
	switch (super->state) {
	case RV_STATE_STOPPED:
	case RV_STATE_EXITED:
	case RV_STATE_FATAL:
		return super->wanted && to_waiting(core, super);
	case RV_STATE_BACKOFF:
		return super->due[RV_TIMER_STATE] <= core->now &&
		       to_waiting(core, super);
	case RV_STATE_WAITING:
		return settle_waiting(core, super);
	case RV_STATE_STARTING:
	case RV_STATE_RUNNING:
		return settle_up(core, super);
	case RV_STATE_STOPPING:
		rv_group_advance(core, super);
		if (super->n_alive == 0) {
			ended(core, super);
			return true;
		}
		return false;
	}
	RV_NEVER("a supervisor in no state");
}
