/* SPDX-License-Identifier: MIT */
/*
 * Generations of workers that overlap: see overlap.h. What follows is decided
 * by rv_overlap_judge alone, at the end of a turn and from states, so that it
 * does not matter in which order they came about. The rest makes it so: units
 * come and go through the core, as with any reload.
 */
#include "config.h"

#include "super/overlap.h"

#include "base/alloc.h"
#include "super/reconcile.h"
#include "sys/sys.h"

#define LOOK_EVERY RV_SEC

enum rv_overlap_step
rv_overlap_judge(const struct rv_overlap_view *view)
{
	if (view->old_goes) {
		return RV_OVERLAP_DROP;
	}
	if (!view->old_wanted) {
		return RV_OVERLAP_GIVE_IN;
	}
	if (view->new_failed) {
		return RV_OVERLAP_ROLL_BACK;
	}
	/* One that crashed meanwhile comes back first: the new one serves. */
	return view->new_ready && view->old_up ? RV_OVERLAP_TAKE_OVER
					       : RV_OVERLAP_WAIT;
}

static void
post(struct rv_node *node, struct rv_event event)
{
	event.unit = node->unit;
	rv_super_post(node->super, &event);
}

static void
show_changed(struct rv_node *node)
{
	RV_LIST_EACH_SAFE (
	    sink, &node->super->sinks, struct rv_super_sink, link) {
		if (sink->changed != NULL) {
			sink->changed(sink, node->unit);
		}
	}
}

bool
rv_overlap_may(const struct rv_node *node, const struct rv_spec *spec)
{
	const struct rv_unit *unit = node->unit;

	return spec->overlap.on && unit->policy->kind == RV_WORKER &&
	       unit->state == RV_STATE_RUNNING && unit->wanted &&
	       !unit->retiring && unit->parent != NULL &&
	       unit->parent->policy->strategy == RV_ONE_FOR_ONE;
}

/*
 * It shall come up and stay up until it is needed, whatever its restart type;
 * what it does counts for nobody but itself.
 */
static void
set_policy(struct rv_aside *aside, const struct rv_policy *policy)
{
	aside->policy = *policy;
	aside->policy.aside = true;
	aside->policy.autostart = true;
	aside->policy.significant = false;
	aside->policy.on_fatal = RV_FATAL_STAY;
	aside->policy.restart = aside->since == 0 ? RV_PERMANENT : RV_TEMPORARY;
}

struct rv_node *
rv_overlap_make(struct rv_super *super, struct rv_node *beside,
    const struct rv_spec *spec, struct rv_conf *conf)
{
	struct rv_node *next = rv_node_create(super, spec, conf);

	if (next == NULL) {
		return NULL;
	}
	next->aside = rv_alloc(1, sizeof(*next->aside));
	if (next->aside == NULL) {
		rv_node_destroy(next);
		return NULL;
	}
	next->aside->node = next;
	next->aside->beside = beside;
	rv_list_init(&next->aside->link);
	set_policy(next->aside, spec->policy);
	rv_unit_init(
	    next->unit, spec->path, &next->aside->policy, spec->n_deps, next);
	return next;
}

struct rv_node *
rv_overlap_rising(const struct rv_node *node)
{
	RV_LIST_EACH (
	    aside, &node->super->overlaps.rising, struct rv_aside, link) {
		if (aside->beside == node) {
			return aside->node;
		}
	}
	return NULL;
}

void
rv_overlap_begin(struct rv_node *next, bool asked)
{
	struct rv_super *super = next->super;
	struct rv_node *beside = next->aside->beside;
	struct rv_fields fields = { 0 };

	beside->rolled_back.life = 0;
	next->aside->asked = asked;
	rv_fields_str(&fields, RV_KEY_REASON, asked ? "restart" : "reload");
	rv_fields_int(&fields, RV_KEY_PID, beside->pid);
	rv_super_record(
	    super, RV_KIND_WORKER_REPLACING, beside, beside->life, &fields);
	rv_list_insert(&super->overlaps.rising, &next->aside->link);
	rv_core_add(
	    super->core, next->unit, beside->unit->parent, beside->unit);
	post(next, (struct rv_event){ .type = RV_EV_ADDED });
}

void
rv_overlap_drop(struct rv_node *next)
{
	struct rv_node *beside = next->aside->beside;

	rv_list_remove(&next->aside->link);
	next->aside->beside = NULL;
	if (beside != NULL) {
		show_changed(beside);
	}
	post(next, (struct rv_event){ .type = RV_EV_RETIRE });
}

/* From here on it is one of this conf. */
static void
set_spec(struct rv_node *node, const struct rv_spec *spec, struct rv_conf *conf)
{
	rv_conf_unref(node->conf);
	node->conf = rv_conf_ref(conf);
	node->spec = spec;
	node->unit->path = spec->path;
}

void
rv_overlap_adjust(
    struct rv_node *next, const struct rv_spec *spec, struct rv_conf *conf)
{
	set_spec(next, spec, conf);
	set_policy(next->aside, spec->policy);
	post(next, (struct rv_event){
		       .type = RV_EV_REPLACE, .policy = &next->aside->policy });
}

/* -------- bounds of those that drain -------- */

static unsigned
count_draining(const struct rv_node *node)
{
	unsigned n = 0;

	RV_LIST_EACH (
	    aside, &node->super->overlaps.draining, struct rv_aside, link) {
		n += aside->beside == node && !aside->cut;
	}
	return n;
}

static void
cut(struct rv_aside *aside, const char *why)
{
	struct rv_node *node = aside->node;
	struct rv_fields fields = { 0 };

	aside->cut = true;
	rv_fields_str(&fields, RV_KEY_REASON, why);
	rv_fields_int(&fields, RV_KEY_PID, node->pid);
	rv_super_record(
	    node->super, RV_KIND_WORKER_CUT_SHORT, node, node->life, &fields);
	rv_super_notice(node->super, RV_NOTICE_TROUBLE,
	    "%s: the old process (pid %d) is killed: over overlap.%s",
	    node->unit->path, (int)node->pid, why);
	post(node, (struct rv_event){ .type = RV_EV_KILL });
}

static void
cut_oldest(struct rv_node *beside, const char *why)
{
	RV_LIST_EACH (
	    aside, &beside->super->overlaps.draining, struct rv_aside, link) {
		if (aside->beside == beside && !aside->cut) {
			cut(aside, why);
			return;
		}
	}
}

static uint64_t
memory_of(const struct rv_node *beside)
{
	uint64_t bytes = 0;

	RV_LIST_EACH (
	    aside, &beside->super->overlaps.draining, struct rv_aside, link) {
		if (aside->beside == beside && !aside->cut) {
			bytes += rv_sys_resident(aside->node->pid);
		}
	}
	return bytes;
}

/* One step at a time: the list may be another after each. */
static bool
look_at(struct rv_aside *aside, rv_time now)
{
	struct rv_node *beside = aside->beside;
	const struct rv_overlap *bounds = beside != NULL
					      ? &beside->spec->overlap
					      : &aside->node->spec->overlap;

	if (aside->cut) {
		return false;
	}
	if (bounds->age != RV_FOREVER && now - aside->since >= bounds->age) {
		cut(aside, "age");
		return true;
	}
	if (beside != NULL && bounds->memory > 0 &&
	    memory_of(beside) > bounds->memory) {
		cut_oldest(beside, "memory");
		return true;
	}
	return false;
}

static bool
look_at_all(struct rv_overlaps *all, rv_time now)
{
	RV_LIST_EACH (aside, &all->draining, struct rv_aside, link) {
		if (look_at(aside, now)) {
			return true;
		}
	}
	return false;
}

static void
keep_looking(struct rv_super *super)
{
	struct rv_overlaps *all = &super->overlaps;

	if (!rv_list_empty(&all->draining) && all->tick.heap_index == 0) {
		rv_tick_arm(super->loop, &all->tick,
		    rv_time_add(rv_loop_now(super->loop), LOOK_EVERY));
	}
}

static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_super *super = tick->ctx;

	(void)late;
	RV_MAGIC_CHECK(super, RV_SUPER_MAGIC);
	while (look_at_all(&super->overlaps, now)) {
	}
	keep_looking(super);
}

/* -------- what follows -------- */

static void
record_replaced(struct rv_node *node, const struct rv_node *old)
{
	struct rv_fields fields = { 0 };

	rv_fields_int(&fields, RV_KEY_PID, node->pid);
	rv_fields_int(&fields, RV_KEY_OLD_PID, old->pid);
	rv_fields_int(&fields, RV_KEY_COUNT, count_draining(node));
	rv_super_record(
	    node->super, RV_KIND_WORKER_REPLACED, node, node->life, &fields);
}

/* The lives are exchanged: `next` has the old one, and drains. */
static void
drain(struct rv_node *node, struct rv_node *next)
{
	struct rv_super *super = node->super;
	struct rv_aside *aside = next->aside;
	const struct rv_spec *spec = node->spec, *fresh = next->spec;
	struct rv_conf *was = rv_conf_ref(node->conf);
	struct rv_conf *is = rv_conf_ref(next->conf);

	aside->since = rv_loop_now(super->loop);
	rv_list_remove(&aside->link);
	rv_list_insert(&super->overlaps.draining, &aside->link);
	set_spec(node, fresh, is);
	set_spec(next, spec, was);
	set_policy(aside, spec->policy);
	record_replaced(node, next);
	post(node, (struct rv_event){
		       .type = RV_EV_REPLACE, .policy = fresh->policy });
	rv_pages_watch(node);
	post(next, (struct rv_event){
		       .type = RV_EV_REPLACE, .policy = &aside->policy });
	rv_conf_unref(was);
	rv_conf_unref(is);
	post(next,
	    (struct rv_event){ .type = RV_EV_RETIRE, .asked = aside->asked });
	while (count_draining(node) > node->spec->overlap.max) {
		cut_oldest(node, "max");
	}
	keep_looking(super);
}

static void
roll_back(struct rv_node *node, struct rv_node *next)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(
	    &fields, RV_KEY_REASON, rv_reason_text(next->unit->last_reason));
	rv_fields_int(&fields, RV_KEY_COUNT, next->unit->start_failures);
	rv_super_record(
	    node->super, RV_KIND_WORKER_ROLLED_BACK, node, node->life, &fields);
	rv_super_notice(node->super, RV_NOTICE_TROUBLE,
	    "%s: the new process cannot start, the old one (pid %d) stays; "
	    "mend it and reload again",
	    node->unit->path, (int)node->pid);
	node->rolled_back.life = node->life;
	node->rolled_back.has_last = next->has_last;
	node->rolled_back.end = next->death.end;
	node->rolled_back.reason = next->unit->last_reason;
	node->rolled_back.stage = next->death.stage;
	node->rolled_back.sys_errno = next->death.sys_errno;
	rv_overlap_drop(next);
}

/* Nobody serves: there is no reason to keep to what was. */
static void
give_in(struct rv_node *node, struct rv_node *next)
{
	struct rv_conf *was = rv_conf_ref(node->conf);
	bool serves = next->unit->state == RV_STATE_RUNNING;

	set_spec(node, next->spec, next->conf);
	post(node, (struct rv_event){
		       .type = RV_EV_REPLACE, .policy = node->spec->policy });
	rv_conf_unref(was);
	rv_overlap_drop(next);
	/* What it has learnt is lost, but a place for it is free now. */
	if (serves && !node->unit->held &&
	    (node->unit->state == RV_STATE_FATAL ||
		node->unit->state == RV_STATE_EXITED)) {
		post(node, (struct rv_event){ .type = RV_EV_START });
	}
}

static struct rv_overlap_view
view_of(const struct rv_node *node, const struct rv_node *next)
{
	const struct rv_unit *rising = next->unit;

	if (node == NULL) {
		return (struct rv_overlap_view){ .old_goes = true };
	}
	return (struct rv_overlap_view){
		.old_goes = node->unit->retiring,
		.old_wanted = node->unit->wanted,
		.old_up = node->unit->state == RV_STATE_RUNNING,
		.new_ready =
		    rising->state == RV_STATE_RUNNING && rising->wanted,
		.new_failed = !rising->wanted,
	};
}

static void
take_over(struct rv_node *node, struct rv_node *next)
{
	if (rv_super_swap(node->super, node->unit, next->unit)) {
		drain(node, next);
	}
}

/* True when something was done: then the list may be another. */
static bool
judge(struct rv_aside *aside)
{
	struct rv_node *next = aside->node, *node = aside->beside;
	struct rv_overlap_view view = view_of(node, next);

	switch (rv_overlap_judge(&view)) {
	case RV_OVERLAP_WAIT:
		return false;
	case RV_OVERLAP_TAKE_OVER:
		take_over(node, next);
		/* It may have been refused: then a change follows. */
		return next->aside->since != 0;
	case RV_OVERLAP_ROLL_BACK:
		roll_back(node, next);
		return true;
	case RV_OVERLAP_GIVE_IN:
		give_in(node, next);
		return true;
	case RV_OVERLAP_DROP:
		rv_overlap_drop(next);
		return true;
	}
	RV_NEVER("no such step");
}

static bool
judge_all(struct rv_overlaps *all)
{
	RV_LIST_EACH (aside, &all->rising, struct rv_aside, link) {
		if (judge(aside)) {
			return true;
		}
	}
	return false;
}

static void
on_soon(struct rv_defer *defer)
{
	struct rv_super *super = defer->ctx;

	RV_MAGIC_CHECK(super, RV_SUPER_MAGIC);
	while (judge_all(&super->overlaps)) {
	}
}

void
rv_overlap_changed(struct rv_node *node)
{
	struct rv_super *super = node->super;

	if (!rv_list_empty(&super->overlaps.rising)) {
		rv_loop_defer(super->loop, &super->overlaps.soon);
	}
}

void
rv_overlap_forget(struct rv_node *node)
{
	struct rv_overlaps *all = &node->super->overlaps;
	struct rv_list *lists[] = { &all->rising, &all->draining };

	for (size_t i = 0; i < RV_ARRAY_LEN(lists); i++) {
		RV_LIST_EACH (aside, lists[i], struct rv_aside, link) {
			if (aside->beside == node) {
				aside->beside = NULL;
				rv_loop_defer(node->super->loop, &all->soon);
			}
		}
	}
	if (node->aside != NULL) {
		rv_list_remove(&node->aside->link);
		rv_free(node->aside);
		node->aside = NULL;
	}
}

bool
rv_overlap_restart(struct rv_super *super, struct rv_unit *unit)
{
	struct rv_node *node = rv_node_of(unit), *next;

	if (!rv_overlap_may(node, node->spec)) {
		return false;
	}
	if (rv_overlap_rising(node) != NULL) {
		return true; /* it is being done */
	}
	if (!rv_super_has_room(super)) {
		return false;
	}
	next = rv_overlap_make(super, node, node->spec, node->conf);
	if (next == NULL) {
		return false;
	}
	rv_overlap_begin(next, true);
	return true;
}

void
rv_overlaps_init(struct rv_super *super)
{
	struct rv_overlaps *all = &super->overlaps;

	rv_list_init(&all->rising);
	rv_list_init(&all->draining);
	all->soon = (struct rv_defer){ .cb = on_soon, .ctx = super };
	all->tick = (struct rv_tick){ .cb = on_tick, .ctx = super };
}

void
rv_overlaps_finish(struct rv_super *super)
{
	rv_defer_cancel(&super->overlaps.soon);
	rv_tick_disarm(&super->overlaps.tick);
}
