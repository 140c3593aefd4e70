/* SPDX-License-Identifier: MIT */
/*
 * Units and how they hang together: making, linking and unlinking them, edges
 * of dependencies, and the walk. No decisions. Called by the owner of the core
 * at create and reload, and by settle.c when a retired unit has come to rest.
 */
#include "config.h"

#include <string.h>

#include "core/core_priv.h"

static uint32_t
stamps_for(const struct rv_policy *policy)
{
	if (policy->kind != RV_SUPERVISOR) {
		return 0;
	}
	return policy->intensity == RV_UNLIMITED
		   ? RV_STAMPS_MIN
		   : RV_MAX(policy->intensity, RV_STAMPS_MIN);
}

size_t
rv_unit_room(const struct rv_policy *policy, unsigned n_deps)
{
	return stamps_for(policy) * sizeof(rv_time) +
	       n_deps * sizeof(struct rv_edge);
}

size_t
rv_unit_size(const struct rv_policy *policy, unsigned n_deps)
{
	return sizeof(struct rv_unit) + rv_unit_room(policy, n_deps);
}

static void
take_room(struct rv_unit *unit, const struct rv_policy *policy, unsigned n_deps,
    void *room)
{
	unit->edges = room;
	unit->max_edges = n_deps;
	unit->stamps = (rv_time *)(void *)(unit->edges + n_deps);
	unit->max_stamps = stamps_for(policy);
}

bool
rv_unit_fits(
    const struct rv_unit *unit, const struct rv_policy *policy, unsigned n_deps)
{
	return n_deps <= unit->max_edges &&
	       (policy->intensity == RV_UNLIMITED ||
		   stamps_for(policy) <= unit->max_stamps);
}

void
rv_unit_give_room(struct rv_unit *unit, const struct rv_policy *policy,
    unsigned n_deps, void *room)
{
	const struct rv_edge *edges = unit->edges;
	const rv_time *stamps = unit->stamps;
	uint32_t n = unit->n_stamps, max = unit->max_stamps;
	uint32_t next = unit->next_stamp;

	RV_ASSERT(unit->n_edges <= n_deps);
	take_room(unit, policy, n_deps, room);
	for (uint32_t i = 0; i < unit->n_edges; i++) {
		struct rv_edge *edge = &unit->edges[i];

		*edge = edges[i];
		edge->by_on.prev->next = &edge->by_on;
		edge->by_on.next->prev = &edge->by_on;
	}
	rv_window_clear(unit);
	for (n = RV_MIN(n, unit->max_stamps); n > 0; n--) {
		rv_window_push(unit, stamps[(next + max - n) % max]);
	}
}

void
rv_unit_init(struct rv_unit *unit, const char *path,
    const struct rv_policy *policy, unsigned n_deps, void *owner)
{
	unit->magic = RV_UNIT_MAGIC;
	unit->path = path;
	unit->policy = policy;
	unit->owner = owner;
	unit->chosen = policy->autostart;
	unit->hb_interval = -1;
	unit->state = RV_STATE_STOPPED;
	unit->fsm = RV_FSM_DOWN;
	for (unsigned i = 0; i < RV_TIMERS; i++) {
		unit->due[i] = RV_FOREVER;
	}
	rv_list_init(&unit->siblings);
	rv_list_init(&unit->children);
	rv_list_init(&unit->dirty_link);
	rv_list_init(&unit->changed_link);
	rv_list_init(&unit->dependents);
	take_room(unit, policy, n_deps, unit + 1);
}

static void
renumber(struct rv_unit *super, struct rv_list *from, uint32_t index)
{
	for (; from != &super->children; from = from->next) {
		RV_CONTAINER(from, struct rv_unit, siblings)->index = index++;
	}
}

void
rv_core_add(struct rv_core *core, struct rv_unit *unit, struct rv_unit *parent,
    struct rv_unit *after)
{
	RV_MAGIC_CHECK(unit, RV_UNIT_MAGIC);
	RV_ASSERT(parent->policy->kind == RV_SUPERVISOR);
	RV_ASSERT(after == NULL || after->parent == parent);
	RV_ASSERT(core->n_units < core->max_units);
	core->n_units++;
	unit->parent = parent;
	rv_list_insert(
	    after != NULL ? after->siblings.next : parent->children.next,
	    &unit->siblings);
	renumber(parent, &unit->siblings, after != NULL ? after->index + 1 : 0);
	parent->n_children++;
	rv_refresh(core, unit);
	rv_refresh(core, parent);
}

size_t
rv_core_units(const struct rv_core *core)
{
	return core->n_units;
}

void
rv_core_place(struct rv_core *core, struct rv_unit *unit, struct rv_unit *after)
{
	struct rv_unit *super = unit->parent;

	RV_ASSERT(super != NULL && unit != after);
	RV_ASSERT(after == NULL || after->parent == super);
	rv_list_remove(&unit->siblings);
	rv_list_insert(
	    after != NULL ? after->siblings.next : super->children.next,
	    &unit->siblings);
	renumber(super, super->children.next, 0);
	rv_frontier_reset(core, super);
	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		rv_dirty(core, child);
	}
	rv_dirty(core, super);
}

void
rv_core_depend(struct rv_core *core, struct rv_unit *unit, struct rv_unit *on)
{
	struct rv_edge *edge;

	RV_MAGIC_CHECK(on, RV_UNIT_MAGIC);
	RV_ASSERT(unit != on && unit->n_edges < unit->max_edges);
	edge = &unit->edges[unit->n_edges++];
	edge->from = unit;
	edge->on = on;
	rv_list_insert(&on->dependents, &edge->by_on);
	unit->n_unready += (on->summary & RV_SUM_READY) == 0;
	on->n_going += (unit->summary & RV_SUM_GOING) != 0;
	rv_dirty(core, unit);
}

static void
cut(struct rv_core *core, struct rv_edge *edge)
{
	struct rv_unit *from = edge->from, *on = edge->on;

	rv_list_remove(&edge->by_on);
	from->n_unready -= (on->summary & RV_SUM_READY) == 0;
	on->n_going -= (from->summary & RV_SUM_GOING) != 0;
	rv_dirty(core, on);
	rv_dirty(core, from);
}

void
rv_core_undepend(struct rv_core *core, struct rv_unit *unit)
{
	for (uint32_t i = 0; i < unit->n_edges; i++) {
		cut(core, &unit->edges[i]);
	}
	unit->n_edges = 0;
}

/* Drop the edges of others on this unit, which goes away. */
static void
forsake(struct rv_core *core, struct rv_unit *unit)
{
	while (!rv_list_empty(&unit->dependents)) {
		struct rv_edge *edge =
		    RV_LIST_FIRST(&unit->dependents, struct rv_edge, by_on);
		struct rv_unit *from = edge->from;
		struct rv_edge *last = &from->edges[--from->n_edges];

		cut(core, edge);
		if (edge != last) {
			*edge = *last;
			edge->by_on.prev->next = &edge->by_on;
			edge->by_on.next->prev = &edge->by_on;
		}
		if (from->waiting_for == unit) {
			from->waiting_for = NULL;
		}
	}
}

static struct rv_unit *
sibling(struct rv_unit *super, struct rv_list *at)
{
	return at == &super->children
		   ? NULL
		   : RV_CONTAINER(at, struct rv_unit, siblings);
}

static void
leave_parent(struct rv_core *core, struct rv_unit *unit)
{
	struct rv_unit *super = unit->parent;
	struct rv_list *behind = unit->siblings.next;

	RV_LIST_EACH (other, &super->children, struct rv_unit, siblings) {
		if (other->waiting_for == unit) {
			other->waiting_for = NULL;
			rv_dirty(core, other);
		}
	}
	if (super->cursor == unit) {
		super->cursor = sibling(super, unit->siblings.prev);
	}
	if (super->first == unit) {
		super->first = sibling(super, behind);
	}
	if (super->offender == unit) {
		super->offender = NULL;
	}
	rv_list_remove(&unit->siblings);
	renumber(super, behind, unit->index);
	super->n_children--;
	rv_forget(unit);
	rv_frontier_reset(core, super);
	rv_refresh(core, super);
	rv_dirty(core, super);
}

/* The next unit in pre-order within top; NULL at the end. */
struct rv_unit *
rv_next_in(const struct rv_unit *top, struct rv_unit *unit)
{
	if (!rv_list_empty(&unit->children)) {
		return RV_LIST_FIRST(&unit->children, struct rv_unit, siblings);
	}
	while (unit != top && unit->siblings.next == &unit->parent->children) {
		unit = unit->parent;
	}
	return unit == top ? NULL
			   : RV_CONTAINER(
				 unit->siblings.next, struct rv_unit, siblings);
}

static struct rv_unit *
deepest_first(struct rv_unit *unit)
{
	while (!rv_list_empty(&unit->children)) {
		unit = RV_LIST_FIRST(&unit->children, struct rv_unit, siblings);
	}
	return unit;
}

/* All of the subtree is at rest: children go before their parents. */
void
rv_unlink(struct rv_core *core, struct rv_unit *top)
{
	for (bool last = false; !last;) {
		struct rv_unit *unit = deepest_first(top);

		last = unit == top;
		RV_ASSERT((unit->summary & RV_SUM_ALIVE) == 0);
		RV_ASSERT((unit->summary & RV_SUM_MOVING) == 0);
		rv_core_undepend(core, unit);
		forsake(core, unit);
		leave_parent(core, unit);
		rv_list_remove(&unit->dirty_link);
		rv_list_remove(&unit->changed_link);
		core->n_units--;
		unit->retiring = true;
		rv_act_simple(core, RV_ACT_GONE, unit);
	}
}
