/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is. Each unit has a summary, six bits; whoever depends on one
 * of them holds a counter instead of looking at all units again, and
 * rv_refresh carries a change of a bit into those counters. So an event at one
 * child of a thousand costs the same as at one of two.
 */
#include "config.h"

#include "core/core_priv.h"

bool
rv_up(const struct rv_unit *unit)
{
	return unit->state == RV_STATE_STARTING ||
	       unit->state == RV_STATE_RUNNING;
}

bool
rv_at_rest(const struct rv_unit *unit)
{
	return unit->state == RV_STATE_STOPPED ||
	       unit->state == RV_STATE_EXITED || unit->state == RV_STATE_FATAL;
}

bool
rv_grouped(const struct rv_unit *super)
{
	return super->policy->strategy != RV_ONE_FOR_ONE;
}

/*
 * A supervisor with every child where it shall be, or where it will stay, holds
 * nobody behind it up, even if one of them is FATAL and it is thus not ready.
 */
static bool
passed(const struct rv_unit *unit, bool alive)
{
	if (unit->policy->aside || (unit->wanted ? unit->ready : !alive)) {
		return true;
	}
	return unit->policy->kind == RV_SUPERVISOR && rv_up(unit) &&
	       unit->wanted && !unit->grouping &&
	       unit->n_passed == unit->n_children;
}

/* Does it move by itself, without anything that could take for ever? */
static bool
moving(const struct rv_unit *unit)
{
	if (unit->state == RV_STATE_STOPPING) {
		return true;
	}
	if (unit->policy->kind == RV_SUPERVISOR) {
		return unit->grouping;
	}
	return unit->state == RV_STATE_STARTING ||
	       (unit->state == RV_STATE_BACKOFF && unit->start_failures > 0 &&
		   !unit->lacking);
}

static uint8_t
summarize(const struct rv_unit *unit)
{
	bool alive = rv_up(unit) || unit->state == RV_STATE_STOPPING;
	bool blocks = !unit->policy->aside && !unit->ready &&
		      (unit->wanted || unit->state == RV_STATE_FATAL);

	return (uint8_t)((alive ? RV_SUM_ALIVE : 0) |
			 (unit->ready && unit->wanted ? RV_SUM_READY : 0) |
			 (passed(unit, alive) ? RV_SUM_PASSED : 0) |
			 (blocks ? RV_SUM_BLOCKS : 0) |
			 (alive && !unit->wanted ? RV_SUM_GOING : 0) |
			 (unit->policy->significant && (alive || unit->wanted)
				 ? RV_SUM_SIGNIFICANT
				 : 0) |
			 (moving(unit) ? RV_SUM_MOVING : 0));
}

/* The frontier has passed: its successor's turn comes. */
static void
advance_frontier(struct rv_core *core, struct rv_unit *super)
{
	struct rv_list *at = &super->frontier->siblings;

	super->frontier = NULL;
	for (at = at->next; at != &super->children; at = at->next) {
		struct rv_unit *child =
		    RV_CONTAINER(at, struct rv_unit, siblings);

		if ((child->summary & RV_SUM_PASSED) == 0) {
			super->frontier = child;
			rv_dirty(core, child);
			return;
		}
	}
}

static void
move_frontier(
    struct rv_core *core, struct rv_unit *super, struct rv_unit *child)
{
	if ((child->summary & RV_SUM_PASSED) == 0) {
		if (super->frontier == NULL ||
		    child->index < super->frontier->index) {
			super->frontier = child;
			rv_dirty(core, child);
		}
	} else if (super->frontier == child) {
		advance_frontier(core, super);
	}
}

/* After a change of strategy, or of the list of children. */
void
rv_frontier_reset(struct rv_core *core, struct rv_unit *super)
{
	super->frontier = NULL;
	if (!rv_grouped(super)) {
		return;
	}
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		if ((child->summary & RV_SUM_PASSED) == 0) {
			super->frontier = child;
			rv_dirty(core, child);
			return;
		}
	}
}

static void
count(uint32_t *counter, uint8_t was, uint8_t is, uint8_t bit)
{
	if ((was & bit) != 0) {
		RV_ASSERT(*counter > 0);
		(*counter)--;
	}
	if ((is & bit) != 0) {
		(*counter)++;
	}
}

static void
tell_parent(struct rv_core *core, struct rv_unit *unit, uint8_t was)
{
	struct rv_unit *super = unit->parent;
	uint8_t is = unit->summary;

	count(&super->n_alive, was, is, RV_SUM_ALIVE);
	count(&super->n_blocking, was, is, RV_SUM_BLOCKS);
	count(&super->n_passed, was, is, RV_SUM_PASSED);
	count(&super->n_significant, was, is, RV_SUM_SIGNIFICANT);
	if (((was ^ is) & RV_SUM_PASSED) != 0 && rv_grouped(super)) {
		move_frontier(core, super, unit);
	}
	rv_dirty(core, super);
}

static void
tell_dependents(struct rv_core *core, struct rv_unit *unit)
{
	bool ready = (unit->summary & RV_SUM_READY) != 0;

	RV_LIST_EACH (edge, &unit->dependents, struct rv_edge, by_on) {
		RV_ASSERT(!ready || edge->from->n_unready > 0);
		edge->from->n_unready += ready ? UINT32_MAX : 1;
		if (edge->from->state == RV_STATE_WAITING) {
			rv_dirty(core, edge->from);
		}
	}
}

static void
tell_dependencies(struct rv_core *core, struct rv_unit *unit, uint8_t was)
{
	for (uint32_t i = 0; i < unit->n_edges; i++) {
		struct rv_unit *on = unit->edges[i].on;

		count(&on->n_going, was, unit->summary, RV_SUM_GOING);
		if (on->n_going == 0) {
			rv_dirty(core, on);
		}
	}
}

/* What RV_ACT_STATE tells of. */
uint8_t
rv_shown(const struct rv_unit *unit)
{
	return (uint8_t)((unsigned)unit->state | (unit->ready ? 16u : 0) |
			 (unit->wanted ? 32u : 0) | (unit->held ? 64u : 0));
}

/* False when the summary is what it was. */
static bool
refresh_one(struct rv_core *core, struct rv_unit *unit)
{
	uint8_t was = unit->summary;
	uint8_t is = summarize(unit);
	uint8_t changed = was ^ is;

	if (rv_shown(unit) != unit->shown) {
		rv_show(core, unit);
	}
	if (changed == 0) {
		return false;
	}
	unit->summary = is;
	if ((changed & RV_SUM_MOVING) != 0) {
		core->n_moving += (is & RV_SUM_MOVING) != 0 ? 1 : SIZE_MAX;
	}
	if ((changed & RV_SUM_READY) != 0) {
		tell_dependents(core, unit);
	}
	if ((changed & RV_SUM_GOING) != 0) {
		tell_dependencies(core, unit, was);
	}
	if (unit->parent != NULL) {
		tell_parent(core, unit, was);
	}
	return true;
}

/*
 * Goes up as far as anything changes, at once: while the tree settles, nobody
 * may take a supervisor for ready, or passed, because it has not been asked
 * again yet. That it becomes ready, settling finds out.
 */
void
rv_refresh(struct rv_core *core, struct rv_unit *unit)
{
	do {
		if (unit->policy->kind == RV_SUPERVISOR &&
		    unit->n_blocking > 0) {
			unit->ready = false;
		}
	} while (refresh_one(core, unit) && (unit = unit->parent) != NULL);
}

/* It leaves its supervisor: no counter there holds it any more. */
void
rv_forget(struct rv_unit *unit)
{
	struct rv_unit *super = unit->parent;
	uint8_t was = unit->summary;

	unit->summary = 0;
	count(&super->n_alive, was, 0, RV_SUM_ALIVE);
	count(&super->n_blocking, was, 0, RV_SUM_BLOCKS);
	count(&super->n_passed, was, 0, RV_SUM_PASSED);
	count(&super->n_significant, was, 0, RV_SUM_SIGNIFICANT);
}

/* The nearest sibling before it that has not passed. */
static struct rv_unit *
predecessor(const struct rv_unit *unit)
{
	struct rv_list *at = unit->siblings.prev;

	for (; at != &unit->parent->children; at = at->prev) {
		struct rv_unit *other =
		    RV_CONTAINER(at, struct rv_unit, siblings);

		if ((other->summary & RV_SUM_PASSED) == 0) {
			return other;
		}
	}
	return NULL;
}

/* A group restart concerns it, even if it came after that had begun. */
static bool
regrouping(const struct rv_unit *unit)
{
	const struct rv_unit *super = unit->parent;

	return unit->seq || unit->regroup ||
	       (super != NULL && super->grouping && super->first != NULL &&
		   super->first->index <= unit->index);
}

struct rv_unit *
rv_start_blocker(const struct rv_unit *unit)
{
	struct rv_unit *super = unit->parent;

	if (super != NULL && (!rv_up(super) || !super->wanted)) {
		return super;
	}
	if (regrouping(unit)) {
		return super->cursor != NULL ? super->cursor
		       : super->offender != NULL && super->offender != unit
			   ? super->offender
			   : super;
	}
	if (super != NULL && super->frontier != NULL &&
	    super->frontier->index < unit->index) {
		return predecessor(unit);
	}
	for (uint32_t i = 0; unit->n_unready > 0 && i < unit->n_edges; i++) {
		if ((unit->edges[i].on->summary & RV_SUM_READY) == 0) {
			return unit->edges[i].on;
		}
	}
	return NULL;
}

/*
 * Those that depend on it and are going too go first; in a sequence its turn
 * is when the cursor is here; and nothing moves before its supervisor's turn.
 */
bool
rv_may_stop(const struct rv_unit *unit)
{
	const struct rv_unit *super = unit->parent;

	if (unit->n_going > 0) {
		return false;
	}
	if (super == NULL) {
		return true;
	}
	if (!super->wanted && super->state != RV_STATE_STOPPING) {
		return false;
	}
	return !unit->seq || super->cursor == unit;
}

/* May its wish be set now, or will its supervisor set it in time? */
bool
rv_may_want(const struct rv_unit *unit)
{
	const struct rv_unit *super = unit->parent;

	if (unit->regroup || unit->seq || unit->retiring) {
		return false;
	}
	return super == NULL ||
	       !(rv_up(super) || super->state == RV_STATE_STOPPING) ||
	       (rv_up(super) && super->wanted);
}
