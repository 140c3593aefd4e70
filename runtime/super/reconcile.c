/* SPDX-License-Identifier: MIT */
/*
 * Makes the running tree what a fresh conf says: retires what is gone, adds
 * what is new, replaces what stays. A new unit whose path still belongs to one
 * that is going down is built when that one is gone (rv_super_node_gone), so
 * that no two lives of one name overlap.
 */
#include "config.h"

#include "super/reconcile.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/room.h"

enum reeve_status
rv_reconcile_begin(struct rv_reconcile *r, struct reeve_error *err)
{
	size_t n = r->fresh->n_specs, now = 0;

	for (struct rv_unit *unit = rv_super_next(r->super, NULL); unit != NULL;
	     unit = rv_super_next(r->super, unit)) {
		now++;
	}
	r->kept = rv_alloc(n, sizeof(r->kept[0]));
	r->nodes = rv_alloc(n, sizeof(r->nodes[0]));
	r->restart = rv_alloc(n, sizeof(r->restart[0]));
	r->overlap = rv_alloc(n, sizeof(r->overlap[0]));
	r->next = rv_alloc(n, sizeof(r->next[0]));
	r->built = rv_alloc(n, sizeof(r->built[0]));
	r->gone = rv_alloc(now, sizeof(r->gone[0]));
	if (r->kept == NULL || r->nodes == NULL || r->restart == NULL ||
	    r->overlap == NULL || r->next == NULL || r->built == NULL ||
	    r->gone == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot reload");
	}
	return REEVE_OK;
}

void
rv_reconcile_finish(struct rv_reconcile *r)
{
	for (uint32_t i = 0; r->next != NULL && i < r->fresh->n_specs; i++) {
		rv_node_destroy(r->next[i]); /* what did not get so far */
	}
	rv_free(r->kept);
	rv_free(r->nodes);
	rv_free(r->restart);
	rv_free(r->overlap);
	rv_free(r->next);
	rv_free(r->built);
	rv_free(r->gone);
	rv_conf_unref(r->fresh);
}

bool
rv_reconcile_is_kept(const struct rv_reconcile *r, const struct rv_node *node)
{
	const struct rv_spec *spec = rv_conf_find(r->fresh, node->unit->path);

	return spec != NULL && r->kept[spec->index] == node;
}

/* -------- room -------- */

static enum reeve_status
grow_core(struct rv_super *super, size_t need, struct reeve_error *err)
{
	size_t max = rv_super_units_for(need);
	struct rv_core *core;

	if (need <= super->max_units) {
		return REEVE_OK;
	}
	core = rv_room_create(rv_core_size(max));
	if (core == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot reload");
	}
	rv_core_grow(core, max, super->core);
	rv_room_destroy(super->core, rv_core_size(super->max_units));
	super->core = core;
	super->max_units = max;
	return REEVE_OK;
}

/* A unit that stays but needs more stamps or edges than it has. */
static bool
widen(struct rv_node *node, const struct rv_spec *spec)
{
	unsigned n_deps = RV_MAX(spec->n_deps, node->unit->max_edges);
	void *room;

	if (rv_unit_fits(node->unit, spec->policy, spec->n_deps)) {
		return true;
	}
	room = rv_alloc(1, rv_unit_room(spec->policy, n_deps));
	if (room == NULL) {
		return false;
	}
	rv_unit_give_room(node->unit, spec->policy, n_deps, room);
	rv_free(node->room);
	node->room = room;
	return true;
}

/* Does the one that rises already do for this spec? */
static struct rv_node *
risen(const struct rv_reconcile *r, uint32_t i)
{
	struct rv_node *next = rv_overlap_rising(r->kept[i]);

	return next != NULL &&
		       !rv_reload_must_restart(next->spec, r->fresh->specs[i])
		   ? next
		   : NULL;
}

static enum reeve_status
make_next(struct rv_reconcile *r, size_t *n, struct reeve_error *err)
{
	for (uint32_t i = 0; i < r->fresh->n_specs; i++) {
		if (!r->overlap[i] || risen(r, i) != NULL) {
			continue;
		}
		r->next[i] = rv_overlap_make(
		    r->super, r->kept[i], r->fresh->specs[i], r->fresh);
		if (r->next[i] == NULL) {
			return rv_error_sys(err, ENOMEM, "cannot reload");
		}
		++*n;
	}
	return REEVE_OK;
}

enum reeve_status
rv_reconcile_make_room(struct rv_reconcile *r, struct reeve_error *err)
{
	/* All of them at a time. */
	size_t need = rv_core_units(r->super->core) + (size_t)r->fresh->n_specs;
	enum reeve_status status = make_next(r, &need, err);

	if (status == REEVE_OK) {
		status = grow_core(r->super, need, err);
	}

	if (status == REEVE_OK) {
		status = rv_super_make_room(r->super, need, err);
	}
	for (uint32_t i = 0; status == REEVE_OK && i < r->fresh->n_specs; i++) {
		if (r->kept[i] != NULL &&
		    !widen(r->kept[i], r->fresh->specs[i])) {
			status = rv_error_sys(err, ENOMEM, "cannot reload");
		}
	}
	return status;
}

/* -------- making it so -------- */

void
rv_reconcile_take(struct rv_reconcile *r)
{
	struct rv_super *super = r->super;
	struct rv_node **nodes = super->nodes;

	for (uint32_t i = 0; i < r->fresh->n_specs; i++) {
		struct rv_node *node = r->kept[i];

		r->nodes[i] = node;
		if (node == NULL || r->overlap[i]) {
			continue; /* the latter stays what it is until then */
		}
		/* Its policy stays in the old conf until it is replaced. */
		rv_conf_unref(node->conf);
		node->conf = rv_conf_ref(r->fresh);
		node->spec = r->fresh->specs[i];
		node->unit->path = node->spec->path;
	}
	super->nodes = r->nodes;
	super->n_nodes = r->fresh->n_specs;
	r->nodes = nodes;
	rv_conf_unref(super->conf);
	super->conf = rv_conf_ref(r->fresh);
}

static void
post(struct rv_super *super, struct rv_unit *unit, struct rv_event event)
{
	event.unit = unit;
	rv_super_post(super, &event);
}

static bool
is_occupied(const struct rv_reconcile *r, const struct rv_spec *spec)
{
	for (uint32_t i = 0; i < r->n_gone; i++) {
		if (strcmp(r->gone[i]->path, spec->path) == 0) {
			return true;
		}
	}
	return false;
}

/* The nearest sibling before it that is there. */
static struct rv_unit *
unit_before(struct rv_super *super, const struct rv_spec *spec)
{
	struct rv_unit *before = NULL;

	for (const struct rv_spec *s = spec->parent->first_child; s != spec;
	     s = s->next) {
		if (super->nodes[s->index] != NULL) {
			before = super->nodes[s->index]->unit;
		}
	}
	return before;
}

static bool
build(struct rv_super *super, const struct rv_spec *spec)
{
	if (rv_node_build(super, super->conf, spec,
		super->nodes[spec->parent->index]->unit,
		unit_before(super, spec))) {
		return true;
	}
	rv_super_notice(super, RV_NOTICE_TROUBLE,
	    "cannot add %s: out of memory; reload again", spec->path);
	return false;
}

static void
add_new(struct rv_reconcile *r)
{
	struct rv_super *super = r->super;

	for (uint32_t i = 0; i < r->fresh->n_specs; i++) {
		const struct rv_spec *spec = r->fresh->specs[i];

		if (super->nodes[i] == NULL && spec->parent != NULL &&
		    super->nodes[spec->parent->index] != NULL &&
		    !is_occupied(r, spec) && build(super, spec)) {
			r->built[r->n_built++] = i;
		}
	}
}

/* Those of one parent that stay get the order of the file. */
static void
order_children(struct rv_super *super, const struct rv_spec *parent)
{
	struct rv_unit *before = NULL;

	for (const struct rv_spec *s = parent->first_child; s != NULL;
	     s = s->next) {
		struct rv_node *node = super->nodes[s->index];
		struct rv_list *at;

		if (node == NULL) {
			continue;
		}
		at = before != NULL ? &before->siblings
				    : &node->unit->parent->children;
		if (at->next != &node->unit->siblings) {
			rv_core_place(super->core, node->unit, before);
		}
		before = node->unit;
	}
}

static void
link_all(struct rv_super *super)
{
	const struct rv_conf *conf = super->conf;

	for (uint32_t i = 0; i < conf->n_specs; i++) {
		struct rv_node *node = super->nodes[i];

		if (node != NULL) {
			rv_core_undepend(super->core, node->unit);
			rv_node_link_deps(super, conf->specs[i]);
		}
	}
}

static void
retire(struct rv_reconcile *r)
{
	for (uint32_t i = 0; i < r->n_gone; i++) {
		struct rv_unit *unit = r->gone[i];

		/* Those below go with it, and may be gone after it. */
		while (i + 1 < r->n_gone && r->gone[i + 1]->parent != NULL &&
		       rv_super_is_within(unit, r->gone[i + 1])) {
			i++;
		}
		if (!unit->retiring) {
			post(r->super, unit,
			    (struct rv_event){ .type = RV_EV_RETIRE });
		}
	}
}

static void
replace(struct rv_reconcile *r, uint32_t i)
{
	struct rv_super *super = r->super;
	const struct rv_spec *spec = r->fresh->specs[i];
	struct rv_node *rising = rv_overlap_rising(r->kept[i]);
	struct rv_node *next = r->next[i];

	if (r->overlap[i] && next == NULL) {
		rv_overlap_adjust(rising, spec, r->fresh);
		return;
	}
	if (rising != NULL) {
		rv_overlap_drop(rising);
	}
	if (next != NULL) {
		r->next[i] = NULL;
		rv_overlap_begin(next, false);
		return;
	}
	post(super, r->kept[i]->unit,
	    (struct rv_event){
		.type = RV_EV_REPLACE,
		.policy = spec->policy,
		.restart = r->restart[i],
	    });
	rv_pages_watch(r->kept[i]);
}

void
rv_reconcile_apply(struct rv_reconcile *r)
{
	struct rv_super *super = r->super;
	const struct rv_conf *fresh = r->fresh;

	add_new(r);
	for (uint32_t i = 0; i < fresh->n_specs; i++) {
		if (r->kept[i] != NULL) {
			order_children(super, fresh->specs[i]);
		}
	}
	link_all(super);
	retire(r);
	for (uint32_t i = 0; i < fresh->n_specs; i++) {
		if (r->kept[i] != NULL) {
			replace(r, i);
		}
	}
	for (uint32_t i = 0; i < r->n_built; i++) {
		struct rv_node *node = super->nodes[r->built[i]];

		post(super, node->unit,
		    (struct rv_event){ .type = RV_EV_ADDED });
	}
}

/*
 * A retired unit is gone: free it. If the conf has another of this name, it
 * has waited for this.
 */
void
rv_super_node_gone(struct rv_super *super, struct rv_node *node)
{
	const struct rv_spec *spec =
	    rv_conf_find(super->conf, node->unit->path);

	if (node->aside != NULL) {
		rv_node_destroy(node);
		return;
	}
	if (spec != NULL &&
	    (super->nodes[spec->index] != NULL || spec->parent == NULL ||
		super->nodes[spec->parent->index] == NULL)) {
		spec = NULL;
	}
	rv_node_destroy(node);
	if (spec != NULL && build(super, spec)) {
		link_all(super);
		post(super, super->nodes[spec->index]->unit,
		    (struct rv_event){ .type = RV_EV_ADDED });
	}
}
