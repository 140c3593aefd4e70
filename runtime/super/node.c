/* SPDX-License-Identifier: MIT */
/*
 * Nodes: made with their units from frozen specs, linked into the core's tree,
 * found by life, freed when the core lets a unit go. Allocates, so it is used
 * at create and reload only.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "super/super_priv.h"

static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_node *node = tick->ctx;
	struct rv_event event = { .type = RV_EV_TIMER };

	RV_MAGIC_CHECK(node, RV_NODE_MAGIC);
	(void)now;
	event.unit = node->unit;
	event.timer = (enum rv_timer)(tick - node->ticks);
	event.late = late;
	if (event.timer == RV_TIMER_BEAT) {
		rv_pages_tell_beat(node);
	}
	rv_super_post(node->super, &event);
}

struct rv_node *
rv_node_create(
    struct rv_super *super, const struct rv_spec *spec, struct rv_conf *conf)
{
	size_t head = (sizeof(struct rv_node) + 15) & ~(size_t)15;
	size_t unit_size = rv_unit_size(spec->policy, spec->n_deps);
	struct rv_node *node = rv_alloc(1, head + unit_size);

	if (node == NULL) {
		return NULL;
	}
	node->magic = RV_NODE_MAGIC;
	node->super = super;
	node->spec = spec;
	node->conf = rv_conf_ref(conf);
	node->unit = (struct rv_unit *)(void *)((char *)node + head);
	rv_list_init(&node->launch_link);
	for (unsigned i = 0; i < RV_TIMERS; i++) {
		node->ticks[i].cb = on_tick;
		node->ticks[i].ctx = node;
	}
	rv_unit_init(node->unit, spec->path, spec->policy, spec->n_deps, node);
	return node;
}

void
rv_node_destroy(struct rv_node *node)
{
	if (node == NULL) {
		return;
	}
	RV_MAGIC_CHECK(node, RV_NODE_MAGIC);
	for (unsigned i = 0; i < RV_TIMERS; i++) {
		rv_tick_disarm(&node->ticks[i]);
	}
	rv_list_remove(&node->launch_link);
	rv_overlap_forget(node);
	rv_pages_drop(node);
	if (node->life != 0) {
		rv_hash_remove(&node->super->lives, &node->by_life);
	}
	rv_conf_unref(node->conf);
	rv_free(node->room);
	rv_free(node->status_text);
	node->magic = 0;
	rv_free(node);
}

struct rv_node *
rv_node_of(struct rv_unit *unit)
{
	struct rv_node *node = unit->owner;

	RV_MAGIC_CHECK(node, RV_NODE_MAGIC);
	return node;
}

struct rv_node *
rv_node_by_life(struct rv_super *super, uint64_t life)
{
	struct rv_hash_node *hit = rv_hash_find(&super->lives, life);

	return hit != NULL ? RV_CONTAINER(hit, struct rv_node, by_life) : NULL;
}

/* Pre-order without recursion: the next spec within `top`, or NULL. */
static const struct rv_spec *
next_spec(const struct rv_spec *top, const struct rv_spec *spec)
{
	if (spec->first_child != NULL) {
		return spec->first_child;
	}
	while (spec != top && spec->next == NULL) {
		spec = spec->parent;
	}
	return spec != top ? spec->next : NULL;
}

static struct rv_unit *
last_child(struct rv_unit *unit)
{
	return rv_list_empty(&unit->children)
		   ? NULL
		   : RV_CONTAINER(
			 unit->children.prev, struct rv_unit, siblings);
}

bool
rv_node_build(struct rv_super *super, struct rv_conf *conf,
    const struct rv_spec *top, struct rv_unit *parent, struct rv_unit *after)
{
	const struct rv_spec *spec;

	for (spec = top; spec != NULL; spec = next_spec(top, spec)) {
		struct rv_node *node = rv_node_create(super, spec, conf);
		struct rv_unit *above = parent;

		if (node == NULL) {
			return false;
		}
		super->nodes[spec->index] = node;
		if (spec != top) {
			above = super->nodes[spec->parent->index]->unit;
			after = last_child(above);
		}
		if (above == NULL) {
			rv_core_init(
			    super->core, super->max_units, node->unit, 1);
		} else {
			rv_core_add(super->core, node->unit, above, after);
		}
	}
	return true;
}

void
rv_node_link_deps(struct rv_super *super, const struct rv_spec *spec)
{
	for (unsigned i = 0; i < spec->n_deps; i++) {
		struct rv_node *on = super->nodes[spec->deps[i]->index];

		/* One that has to wait for its place is linked when it comes.
		 */
		if (on != NULL) {
			rv_core_depend(super->core,
			    super->nodes[spec->index]->unit, on->unit);
		}
	}
}
