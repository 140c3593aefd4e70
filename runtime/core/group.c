/* SPDX-License-Identifier: MIT */
/*
 * Restarts and the strategies: one stamp in the window for each, and under a
 * group strategy the stop of all others concerned, one after the other from
 * the last, and their start once the offender's delay is over. Sequences move
 * by a cursor; who starts when is order.c's frontier.
 */
#include "config.h"

#include "core/core_priv.h"

/* The offender is down; `seq` and `regroup` mark the others concerned. */
void
rv_group_restart(
    struct rv_core *core, struct rv_unit *super, struct rv_unit *offender)
{
	bool concerned = super->policy->strategy == RV_ONE_FOR_ALL;
	unsigned count = 0;

	rv_set_state(core, super, RV_STATE_STARTING);
	super->grouping = true;
	super->ready = false;
	super->offender = offender;
	super->cursor = NULL;
	super->first = NULL;
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		concerned = concerned || child == offender;
		count += concerned;
	}
	rv_say_restarting(core, super, offender, count);
	concerned = super->policy->strategy == RV_ONE_FOR_ALL;
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		concerned = concerned || child == offender;
		if (!concerned) {
			continue;
		}
		if (super->first == NULL) {
			super->first = child;
		}
		child->regroup = child->policy->restart != RV_TEMPORARY;
		if (child != offender) {
			rv_want_down(core, child, RV_WHY_GROUP);
			child->seq = (child->summary & RV_SUM_ALIVE) != 0;
		}
		if (child->seq) {
			super->cursor = child;
		}
	}
	rv_refresh(core, super);
	rv_dirty(core, super);
}

/* The cursor rests on the last child of the sequence that is still there. */
void
rv_group_advance(struct rv_core *core, struct rv_unit *super)
{
	struct rv_unit *cursor = super->cursor;

	while (cursor != NULL &&
	       !(cursor->seq && (cursor->summary & RV_SUM_ALIVE) != 0)) {
		struct rv_list *prev = cursor->siblings.prev;

		cursor->seq = false;
		cursor = prev == &super->children
			     ? NULL
			     : RV_CONTAINER(prev, struct rv_unit, siblings);
	}
	super->cursor = cursor;
	if (cursor != NULL) {
		rv_dirty(core, cursor);
	}
}

/* All are down and the delay is over: they may go up, in order. */
bool
rv_group_start(struct rv_core *core, struct rv_unit *super)
{
	if (!super->grouping || super->cursor != NULL ||
	    (super->offender != NULL &&
		super->offender->state == RV_STATE_BACKOFF)) {
		return false;
	}
	rv_act_simple(core, RV_ACT_GROUP_DOWN, super);
	super->grouping = false;
	super->offender = NULL;
	super->first = NULL;
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		rv_dirty(core, child); /* it may have waited for this end */
		if (!child->regroup) {
			continue;
		}
		child->regroup = false;
		if (child->state == RV_STATE_FATAL) {
			rv_budgets_reset(child);
		}
		if (child->chosen && !child->held && !child->retiring) {
			rv_want(core, child);
		}
	}
	rv_refresh(core, super);
	return true;
}

/* A child is due for a restart that its supervisor's window has room for. */
void
rv_restarted(struct rv_core *core, struct rv_unit *child)
{
	struct rv_unit *super = child->parent;

	rv_window_push(super, core->now);
	if (rv_grouped(super)) {
		rv_group_restart(core, super, child);
	}
}
