/* SPDX-License-Identifier: MIT */
/*
 * What must hold after every event, whatever happened: counted and judged
 * anew from the units themselves, not from what the core remembers of them.
 * That a worker never has two lives is checked where lives are: in rig.c.
 */
#include "config.h"

#include <errno.h>

#include "lib/rig_chaos.h"

static bool
alive(const struct rv_unit *unit)
{
	return rv_up(unit) || unit->state == RV_STATE_STOPPING;
}

static bool
lacking(int sys_errno)
{
	return sys_errno == EAGAIN || sys_errno == EMFILE ||
	       sys_errno == ENFILE || sys_errno == ENOMEM ||
	       sys_errno == ENOSPC;
}

static bool
expected_end(const struct rv_policy *policy, const struct rv_event *event)
{
	return event->type == RV_EV_DIED && !event->end.unknown &&
	       !event->end.signaled && !event->raised &&
	       (policy->exitcodes[event->end.number / 8] >>
		       (event->end.number % 8) &
		   1);
}

/* The rules in the order in which a person would tell them. */
enum rig_budget
rig_oracle(
    const struct rv_unit *unit, const struct rv_event *event, bool exists)
{
	const struct rv_policy *p = unit->policy;
	bool failed = event->type == RV_EV_LAUNCH_FAILED;
	bool lost = event->type == RV_EV_LAUNCH_LOST;
	bool stopping = unit->state == RV_STATE_STOPPING;
	bool ours = stopping && unit->fault != RV_REASON_NONE;
	bool again = event->verdict == RV_VERDICT_RESTART;
	uint64_t life = event->life != 0 ? event->life : unit->life;

	if (p->kind != RV_WORKER || !unit->life_open || life != unit->life ||
	    !(event->type == RV_EV_DIED || failed || lost)) {
		return RIG_ABSORBED;
	}
	if (!unit->wanted || (stopping && !ours)) {
		return RIG_ABSORBED;
	}
	if (event->verdict == RV_VERDICT_REST ||
	    event->verdict == RV_VERDICT_ESCALATE) {
		return RIG_ENDS;
	}
	if (!stopping && failed && lacking(event->sys_errno)) {
		return RIG_AGAIN;
	}
	if (!stopping && lost) {
		return p->restart == RV_TEMPORARY && exists ? RIG_ENDS
							    : RIG_AGAIN;
	}
	if (p->restart == RV_TEMPORARY && !again) {
		return RIG_ENDS;
	}
	if (!unit->was_ready || failed) {
		return !ours && !again && p->ready == RV_READY_STARTED &&
			       p->restart == RV_TRANSIENT &&
			       expected_end(p, event)
			   ? RIG_ENDS
			   : RIG_EARLY;
	}
	return !ours && !again && p->restart == RV_TRANSIENT &&
		       expected_end(p, event)
		   ? RIG_ENDS
		   : RIG_AFTER;
}

/* ---- order -----------------------------------------------------------------
 */

static bool
is_ready(const struct rv_unit *unit)
{
	if (unit->policy->kind == RV_WORKER) {
		return unit->state == RV_STATE_RUNNING && unit->wanted;
	}
	if (!rv_up(unit) || !unit->wanted || unit->grouping) {
		return false;
	}
	RV_LIST_EACH (child, &unit->children, struct rv_unit, siblings) {
		if ((child->wanted || child->state == RV_STATE_FATAL) &&
		    !is_ready(child) && !child->policy->aside) {
			return false;
		}
	}
	return true;
}

static bool
has_passed(const struct rv_unit *unit)
{
	if (is_ready(unit) || (!alive(unit) && !unit->wanted) ||
	    unit->policy->aside) {
		return true;
	}
	if (unit->policy->kind == RV_WORKER || !rv_up(unit) || !unit->wanted ||
	    unit->grouping) {
		return false;
	}
	RV_LIST_EACH (child, &unit->children, struct rv_unit, siblings) {
		if (!has_passed(child)) {
			return false;
		}
	}
	return true;
}

static void
check_start(const struct rv_unit *unit)
{
	const struct rv_unit *super = unit->parent;

	RV_ASSERT(!unit->held && unit->wanted && !unit->retiring);
	for (uint32_t i = 0; i < unit->n_edges; i++) {
		RV_ASSERT(is_ready(unit->edges[i].on));
	}
	if (super == NULL) {
		return;
	}
	RV_ASSERT(rv_up(super) && super->wanted && !unit->regroup);
	if (rv_grouped(super)) {
		RV_LIST_EACH (
		    other, &super->children, struct rv_unit, siblings) {
			if (other == unit) {
				break;
			}
			RV_ASSERT(has_passed(other));
		}
	}
}

static void
check_stop(const struct rv_unit *unit)
{
	bool behind = false;

	RV_LIST_EACH (edge, &unit->dependents, struct rv_edge, by_on) {
		RV_ASSERT(!alive(edge->from) || edge->from->wanted);
	}
	if (!unit->seq) {
		return;
	}
	RV_LIST_EACH (
	    other, &unit->parent->children, struct rv_unit, siblings) {
		RV_ASSERT(!behind || !other->seq || !alive(other));
		behind = behind || other == unit;
	}
}

/* ---- group restarts -------------------------------------------------------
 */

static const char *
cause_of(const struct rv_action *action)
{
	for (unsigned i = 0; i < action->fields.n; i++) {
		if (action->fields.f[i].key == RV_KEY_CAUSE) {
			return action->fields.f[i].v.str;
		}
	}
	RV_NEVER("a group restart has a cause");
}

static void
begin_regrouping(const struct rv_action *action)
{
	const struct rv_unit *super = action->unit;
	bool concerned = super->policy->strategy == RV_ONE_FOR_ALL;

	rig_node_of(super)->regrouping = true;
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		concerned = concerned || child->path == cause_of(action);
		rig_node_of(child)->concerned = concerned;
	}
}

/* Is any process of it there, or on its way? */
static bool
lives(const struct rv_unit *unit)
{
	if (unit->policy->kind == RV_WORKER) {
		return rig_node_of(unit)->life_open;
	}
	RV_LIST_EACH (child, &unit->children, struct rv_unit, siblings) {
		if (lives(child)) {
			return true;
		}
	}
	return false;
}

static void
check_group_down(const struct rv_unit *super)
{
	RV_ASSERT(rig_node_of(super)->regrouping); /* once, and not for none */
	rig_node_of(super)->regrouping = false;
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		RV_ASSERT(!rig_node_of(child)->concerned || !lives(child));
	}
}

/* Nothing that a group restart concerns starts before all of it is down. */
static void
check_start_in_group(const struct rv_unit *unit)
{
	for (; unit->parent != NULL; unit = unit->parent) {
		RV_ASSERT(!rig_node_of(unit)->concerned ||
			  !rig_node_of(unit->parent)->regrouping);
	}
}

static void
check_group_record(const struct rv_action *action)
{
	if (action->kind == RV_KIND_SUPERVISOR_RESTARTING) {
		begin_regrouping(action);
	} else if (action->kind == RV_KIND_SUPERVISOR_STOPPED) {
		rig_node_of(action->unit)->regrouping = false;
	}
}

void
rig_check_action(struct rig *rig, const struct rv_action *action)
{
	switch (action->type) {
	case RV_ACT_LAUNCH:
		check_start(action->unit);
		check_start_in_group(action->unit);
		break;
	case RV_ACT_GROUP_DOWN:
		check_group_down(action->unit);
		break;
	case RV_ACT_RECORD:
		RV_ASSERT(rv_kind_name(action->kind) != NULL);
		check_group_record(action);
		/* A fault of its own stops a unit before its turn. */
		if (action->kind == RV_KIND_WORKER_STOPPING &&
		    !action->unit->wanted && !rig->killing &&
		    action->unit->fault == RV_REASON_NONE) {
			check_stop(action->unit);
		}
		break;
	default:
		break;
	}
}

/* ---- windows ---------------------------------------------------------------
 */

/* What a supervisor pushed, noted by the rig, never exceeds its window. */
static void
check_window(struct rig *rig, struct rig_node *node)
{
	const struct rv_unit *super = node->unit;
	rv_time now = rig->core->now;
	unsigned n = 0;

	if (node->incarnation != super->restarts + super->lived) {
		node->incarnation = super->restarts + super->lived;
		node->n_pushes = 0;
		node->stamp = 0;
	}
	if (super->next_stamp != node->stamp) {
		RV_ASSERT(
		    super->next_stamp == (node->stamp + 1) % super->max_stamps);
		node->stamp = super->next_stamp;
		node->pushes[node->n_pushes++ % 64] = now;
		for (unsigned i = 0; i < RV_MIN(node->n_pushes, 64); i++) {
			n += now - node->pushes[i] <= super->policy->period;
		}
		RV_ASSERT(n <= super->policy->intensity);
	}
}

/* ---- counters --------------------------------------------------------------
 */

static void
check_counters(const struct rv_unit *super)
{
	uint32_t n = 0, n_alive = 0, n_blocking = 0, n_passed = 0;
	const struct rv_unit *frontier = NULL;

	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		RV_ASSERT(child->parent == super && child->index == n++);
		n_alive += alive(child);
		n_blocking +=
		    (child->wanted || child->state == RV_STATE_FATAL) &&
		    !is_ready(child) && !child->policy->aside;
		n_passed += has_passed(child);
		if (frontier == NULL && !has_passed(child)) {
			frontier = child;
		}
	}
	RV_ASSERT(n == super->n_children && n_alive == super->n_alive);
	RV_ASSERT(n_blocking == super->n_blocking);
	RV_ASSERT(n_passed == super->n_passed);
	RV_ASSERT(!rv_grouped(super) || frontier == super->frontier);
	RV_ASSERT(is_ready(super) == super->ready);
}

static void
check_edges(const struct rv_unit *unit)
{
	uint32_t unready = 0, going = 0;

	for (uint32_t i = 0; i < unit->n_edges; i++) {
		unready += !is_ready(unit->edges[i].on);
	}
	RV_LIST_EACH (edge, &unit->dependents, struct rv_edge, by_on) {
		going += alive(edge->from) && !edge->from->wanted;
	}
	RV_ASSERT(unready == unit->n_unready && going == unit->n_going);
}

/* ---- nothing is forgotten ---------------------------------------------------
 */

static void
check_worker(const struct rig_node *node)
{
	const struct rv_unit *unit = node->unit;
	bool resting = rv_at_rest(unit);

	RV_ASSERT(unit->life_open == node->life_open);
	RV_ASSERT(unit->life_open == alive(unit));
	RV_ASSERT(unit->ready == (unit->state == RV_STATE_RUNNING));
	RV_ASSERT(resting || alive(unit) || unit->due[0] != RV_FOREVER ||
		  unit->state == RV_STATE_WAITING ||
		  unit->state == RV_STATE_BACKOFF);
	for (unsigned t = 0; t < RV_TIMERS; t++) {
		bool armed = unit->armed >> t & 1;

		RV_ASSERT(armed == (node->due[t] != RV_FOREVER));
		RV_ASSERT(!armed || node->due[t] == unit->due[t]);
	}
	if (unit->state == RV_STATE_BACKOFF) {
		RV_ASSERT(unit->armed & 1u || unit->due[0] == RV_FOREVER);
	}
	if (unit->fsm == RV_FSM_KILLING) {
		RV_ASSERT(unit->armed & 1u);
	}
}

/* Nobody rests who could go on. */
static void
check_liveness(const struct rv_unit *unit)
{
	RV_ASSERT(!(unit->wanted && rv_at_rest(unit)));
	RV_ASSERT(!unit->wanted || (!unit->held && !unit->retiring));
	if (unit->state == RV_STATE_WAITING) {
		RV_ASSERT(unit->wanted && unit->waiting_for != NULL);
		RV_ASSERT(rv_start_blocker(unit) != NULL);
	} else {
		RV_ASSERT(unit->waiting_for == NULL);
	}
	if (unit->state == RV_STATE_BACKOFF) {
		RV_ASSERT(unit->wanted);
	}
	RV_ASSERT(!(rv_up(unit) && !unit->wanted && rv_may_stop(unit)));
	if (unit->policy->kind == RV_SUPERVISOR) {
		RV_ASSERT(
		    unit->state != RV_STATE_STOPPING || unit->n_alive > 0);
		RV_ASSERT(!unit->grouping || unit->cursor != NULL ||
			  !unit->wanted ||
			  (unit->offender != NULL &&
			      unit->offender->state == RV_STATE_BACKOFF));
	}
	RV_ASSERT(!(unit->retiring && rv_at_rest(unit)));
	RV_ASSERT(!unit->regroup || unit->parent->grouping);
}

static size_t
moving(const struct rv_unit *unit)
{
	if (unit->state == RV_STATE_STOPPING) {
		return 1;
	}
	if (unit->policy->kind == RV_SUPERVISOR) {
		return unit->grouping;
	}
	return unit->state == RV_STATE_STARTING ||
	       (unit->state == RV_STATE_BACKOFF && unit->start_failures > 0 &&
		   !unit->lacking);
}

void
rig_check(struct rig *rig)
{
	size_t n = 0, n_moving = 0;

	RV_ASSERT(rig->actions <= RV_CORE_ACTIONS_MAX(rig->core->n_units));
	RV_ASSERT(rv_list_empty(&rig->core->dirty));
	for (size_t i = 0; i < rig->n; i++) {
		struct rig_node *node = &rig->nodes[i];
		const struct rv_unit *unit = node->unit;

		if (unit == NULL) {
			continue;
		}
		n++;
		n_moving += moving(unit);
		check_liveness(unit);
		check_edges(unit);
		if (unit->policy->kind == RV_WORKER) {
			check_worker(node);
		} else {
			check_counters(unit);
			RV_ASSERT(node->regrouping == unit->grouping ||
				  unit->state == RV_STATE_STOPPING);
			check_window(rig, node);
		}
	}
	RV_ASSERT(n == rig->core->n_units);
	RV_ASSERT(n_moving == rv_core_unsettled(rig->core));
}
