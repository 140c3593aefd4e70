/* SPDX-License-Identifier: MIT */
/*
 * The random driver: makes trees and histories. It plays the owner of the core
 * as badly as it may be played: facts in any order, late, twice and about
 * lives that are over; timers too early and too late; commands at any time.
 */
#include "config.h"

#include "lib/rig_chaos.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

uint32_t
rig_draw(struct rig_source *source, uint32_t n)
{
	uint64_t x = source->state;

	if (source->bytes) {
		if (source->left == 0) {
			return 0;
		}
		source->left--;
		return *source->data++ % n;
	}
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	source->state = x;
	return (uint32_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % n;
}

bool
rig_dry(const struct rig_source *source)
{
	return source->bytes && source->left == 0;
}

static bool
chance(struct rig_source *source, unsigned percent)
{
	return rig_draw(source, 100) < percent;
}

#define PICK(source, ...)                                   \
	((const rv_time[]){ __VA_ARGS__ })[rig_draw(source, \
	    sizeof((const rv_time[]){ __VA_ARGS__ }) / sizeof(rv_time))]

static void
draw_worker(struct rv_policy *p, struct rig_source *source)
{
	static const int signals[] = { SIGTERM, SIGQUIT, SIGINT };

	p->ready = chance(source, 50) ? RV_READY_TOLD : RV_READY_STARTED;
	p->startsecs = PICK(source, 0, 100 * RV_MS, RV_SEC);
	p->start_timeout = PICK(source, 100 * RV_MS, RV_SEC, RV_FOREVER);
	p->startretries = (uint32_t)PICK(source, 0, 1, 3);
	p->n_stop = rig_draw(source, 4);
	for (unsigned i = 0; i < p->n_stop; i++) {
		p->stop[i].signo = signals[i];
		p->stop[i].wait =
		    PICK(source, 0, 50 * RV_MS, RV_SEC, RV_FOREVER);
	}
	p->hb_interval = PICK(source, 0, 100 * RV_MS, 100 * RV_MS);
	p->hb_misses = rig_draw(source, 4);
	p->hb_action = (enum rv_hb_action)PICK(
	    source, RV_HB_RESTART, RV_HB_ABORT, RV_HB_REPORT, RV_HB_REPORT);
}

static void
draw_supervisor(struct rv_policy *p, struct rig_source *source)
{
	p->strategy = (enum rv_strategy)rig_draw(source, 3);
	p->intensity =
	    (uint32_t)PICK(source, 0, 1, 2, 5, RV_UNLIMITED, RV_UNLIMITED);
	p->period = PICK(source, 100 * RV_MS, RV_SEC, 10 * RV_SEC);
	p->auto_shutdown = (enum rv_auto_shutdown)(
	    chance(source, 20) ? 1 + rig_draw(source, 2) : RV_SHUTDOWN_NEVER);
}

static void
draw_policy(
    struct rv_policy *p, enum rv_unit_kind kind, struct rig_source *source)
{
	rig_default_policy(p, kind);
	p->restart = (enum rv_restart)PICK(
	    source, RV_PERMANENT, RV_PERMANENT, RV_TRANSIENT, RV_TEMPORARY);
	p->autostart = chance(source, 90);
	p->significant = p->restart != RV_PERMANENT && chance(source, 30);
	p->on_fatal = chance(source, 30) ? RV_FATAL_ESCALATE : RV_FATAL_STAY;
	p->backoff.initial = PICK(source, 0, 0, 100 * RV_MS);
	p->backoff.max = RV_SEC;
	p->backoff.jitter_milli = (uint32_t)PICK(source, 0, 100);
	p->backoff.reset_after = PICK(source, 0, RV_SEC, 5 * RV_SEC);
	if (kind == RV_WORKER) {
		draw_worker(p, source);
	} else {
		draw_supervisor(p, source);
	}
}

static bool
is_unit(const struct rig_node *node)
{
	return node->unit != NULL;
}

static bool
is_launching(const struct rig_node *node)
{
	return node->unit != NULL && node->life_open && !node->exists;
}

static bool
is_process(const struct rig_node *node)
{
	return node->unit != NULL && node->exists;
}

static bool
is_signalled(const struct rig_node *node)
{
	return node->unit != NULL && node->last_signal != 0;
}

/* ---- trees --------------------------------------------------------------- */

/* Any node of this kind, or any at all if there is none of it. */
static struct rig_node *
any_of(struct rig *rig, struct rig_source *source,
    bool (*is)(const struct rig_node *))
{
	size_t at = rig_draw(source, (uint32_t)rig->n);

	for (size_t i = 0; i < 2 * rig->n; i++) {
		struct rig_node *node = &rig->nodes[(at + i) % rig->n];

		if (i < rig->n ? is(node) : is_unit(node)) {
			return node;
		}
	}
	RV_NEVER("the root is always there");
}

static struct rig_node *
any_node(struct rig *rig, struct rig_source *source)
{
	return any_of(rig, source, is_unit);
}

static unsigned
depth(const struct rv_unit *unit)
{
	unsigned n = 0;

	while ((unit = unit->parent) != NULL) {
		n++;
	}
	return n;
}

/* Under a one_for_one supervisor that is `reversed`, the first depend on the
 * last. So there is one total order, and no circle. */
static bool
reversed(const struct rv_unit *super)
{
	return !rv_grouped(super) && rig_node_of(super)->name[1] % 2 == 1;
}

/* Does the order put `on` before `unit`? Not if one is in the other. */
static bool
may_depend(const struct rv_unit *unit, const struct rv_unit *on)
{
	unsigned a = depth(unit), b = depth(on);

	for (; a > b; a--) {
		unit = unit->parent;
	}
	for (; b > a; b--) {
		on = on->parent;
	}
	if (unit == on) {
		return false;
	}
	while (unit->parent != on->parent) {
		unit = unit->parent;
		on = on->parent;
	}
	return (on->index < unit->index) != reversed(unit->parent);
}

static void
draw_deps(struct rig *rig, struct rv_unit *unit, struct rig_source *source)
{
	unsigned n = chance(source, 35) ? 1 + rig_draw(source, 2) : 0;

	for (unsigned i = 0; i < n && unit->n_edges < RIG_DEPS; i++) {
		struct rv_unit *on = any_node(rig, source)->unit;

		if (may_depend(unit, on)) {
			rv_core_depend(rig->core, unit, on);
		}
	}
}

static struct rv_unit *
any_child(struct rv_unit *super, struct rig_source *source)
{
	uint32_t at = rig_draw(source, super->n_children + 1);

	RV_LIST_EACH (child, &super->children, struct rv_unit, siblings) {
		if (at-- == 0) {
			return child;
		}
	}
	return NULL;
}

static struct rig_node *
draw_unit(struct rig *rig, enum rv_unit_kind kind, struct rig_source *source)
{
	struct rv_policy policy;
	struct rig_node *node;
	char name[8];

	draw_policy(&policy, kind, source);
	snprintf(name, sizeof(name), "%c%c", kind == RV_WORKER ? 'w' : 's',
	    (char)('0' + rig->n));
	node = rig_node_new(rig, name, &policy);
	node->unit = rv_alloc(1, rv_unit_size(&node->policy, RIG_DEPS));
	node->pushes = rv_alloc(64, sizeof(rv_time));
	RV_ASSERT(node->unit != NULL && node->pushes != NULL);
	rv_unit_init(node->unit, node->name, &node->policy, RIG_DEPS, node);
	return node;
}

/* One more unit anywhere; NULL when there is no room or no parent for it. */
static struct rv_unit *
draw_child(struct rig *rig, struct rig_source *source)
{
	struct rig_node *parent = any_node(rig, source);
	struct rig_node *node;
	bool super;

	if (rig->core->n_units >= CHAOS_UNITS || rig->n >= CHAOS_NODES) {
		return NULL;
	}
	while (parent->unit->policy->kind != RV_SUPERVISOR) {
		parent = rig_node_of(parent->unit->parent);
	}
	super = depth(parent->unit) < 3 && chance(source, 30);
	node = draw_unit(rig, super ? RV_SUPERVISOR : RV_WORKER, source);
	rv_core_add(rig->core, node->unit, parent->unit,
	    any_child(parent->unit, source));
	draw_deps(rig, node->unit, source);
	return node->unit;
}

struct rig *
rig_chaos_open(struct rig_source *source)
{
	struct rig *rig = rig_new(CHAOS_NODES);
	struct rig_node *root;
	uint32_t n = 1 + rig_draw(source, CHAOS_UNITS - 1);

	rig->quiet = getenv("REEVE_TRACE") == NULL;
	root = draw_unit(rig, RV_SUPERVISOR, source);
	rv_core_init(rig->core, CHAOS_UNITS, root->unit, 1);
	rig_mutate(rig);
	while (n-- > 0) {
		draw_child(rig, source);
	}
	rig->watch = rig_check_action;
	rig_boot(rig);
	rig_check(rig);
	return rig;
}

/* ---- histories ----------------------------------------------------------- */

typedef void step_fn(struct rig *, struct rig_source *, struct rig_node *);

static void
post(struct rig *rig, struct rig_node *node, struct rv_event event)
{
	enum rig_budget budget = rig_oracle(node->unit, &event, node->exists);
	struct rv_unit *unit = node->unit, *super = unit->parent;
	uint32_t failures = unit->start_failures + unit->forgiven;
	uint32_t stamp = super != NULL ? super->next_stamp : 0;
	uint32_t began = super != NULL ? super->restarts : 0;

	rig_post_unit(rig, unit, event);
	rig_check(rig);
	if (budget == RIG_ABSORBED || node->unit == NULL || super == NULL) {
		return;
	}
	/* A supervisor that gave up began anew: then both start over. */
	if (super->restarts == began && super->state != RV_STATE_STOPPING &&
	    rv_up(super)) {
		RV_ASSERT(
		    (super->next_stamp != stamp) == (budget == RIG_AFTER));
	}
	if (budget == RIG_EARLY) {
		RV_ASSERT(unit->start_failures == failures + 1 ||
			  super->restarts != began || !rv_up(super));
	} else if (budget == RIG_AFTER || budget == RIG_AGAIN) {
		RV_ASSERT(unit->start_failures <= failures);
	}
}

static void
fact(struct rig *rig, struct rig_source *source, struct rig_node *node,
    enum rv_event_type type)
{
	static const int errnos[] = { ENOENT, EACCES, EAGAIN, ENOMEM,
		ECANCELED };
	struct rv_event event = {
		.type = type,
		.life = node->life,
		.stage = 1,
		.sys_errno = errnos[rig_draw(source, RV_ARRAY_LEN(errnos))],
		.span = PICK(source, 0, 50 * RV_MS, RV_SEC, RV_DAY),
	};
	uint32_t how = rig_draw(source, 4);

	event.end.unknown = how == 0;
	event.end.signaled = how == 1;
	event.end.number = (int)rig_draw(source, 3);
	event.raised = chance(source, 20);
	if ((type == RV_EV_DIED || type == RV_EV_LAUNCH_FAILED) &&
	    chance(source, 25)) {
		event.verdict = (enum rv_verdict)(1 + rig_draw(source, 3));
	}
	if (chance(source, 2) && event.life > 1) {
		event.life--; /* of another life */
	}
	post(rig, node, event);
}

static void
step_launched(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	if (node->life_open && !node->exists) {
		uint32_t how = rig_draw(source, 12);

		fact(rig, source, node,
		    how == 0   ? RV_EV_LAUNCH_LOST
		    : how < 3  ? RV_EV_LAUNCH_FAILED
		    : how == 3 ? RV_EV_DIED
			       : RV_EV_LAUNCHED);
	}
}

static void
step_told(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	static const enum rv_event_type types[] = { RV_EV_READY, RV_EV_READY,
		RV_EV_READY, RV_EV_BEAT, RV_EV_BEAT, RV_EV_EXTEND,
		RV_EV_TRIGGER, RV_EV_BEAT_INTERVAL, RV_EV_PROBED, RV_EV_PROBED,
		RV_EV_LAUNCHED };

	fact(rig, source, node, types[rig_draw(source, RV_ARRAY_LEN(types))]);
}

static void
step_dies(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	if (node->exists) {
		uint32_t how = rig_draw(source, 16);

		fact(rig, source, node,
		    how == 0  ? RV_EV_LAUNCH_LOST
		    : how < 3 ? RV_EV_LAUNCH_FAILED
			      : RV_EV_DIED);
	}
}

/* Those that were killed die, and some of those that were signalled. */
static void
step_obeys(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	if (node->exists && node->last_signal != 0 &&
	    (node->last_signal == SIGKILL || chance(source, 50))) {
		post(rig, node,
		    (struct rv_event){
			.type = RV_EV_DIED,
			.end = { .signaled = true,
			    .number = node->last_signal },
		    });
	}
}

static struct rig_node *
first_timer(struct rig *rig, enum rv_timer *timer)
{
	struct rig_node *first = NULL;
	rv_time at = RV_FOREVER;

	for (size_t i = 0; i < rig->n; i++) {
		for (unsigned t = 0; t < RV_TIMERS; t++) {
			if (rig->nodes[i].unit != NULL &&
			    rig->nodes[i].due[t] < at) {
				at = rig->nodes[i].due[t];
				first = &rig->nodes[i];
				*timer = (enum rv_timer)t;
			}
		}
	}
	return first;
}

static void
step_timer(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	enum rv_timer timer;
	rv_time late;

	node = first_timer(rig, &timer);
	if (node == NULL) {
		return;
	}
	rig->now = RV_MAX(rig->now, node->due[timer]);
	late = rig->now - node->due[timer];
	node->due[timer] = RV_FOREVER;
	post(rig, node,
	    (struct rv_event){
		.type = RV_EV_TIMER,
		.timer = timer,
		.late = chance(source, 50) ? late : 0,
	    });
}

/* A timer that is not due, or not even armed. */
static void
step_false_timer(
    struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	enum rv_timer timer = (enum rv_timer)rig_draw(source, RV_TIMERS);

	if (node->due[timer] > rig->now) {
		node->due[timer] = RV_FOREVER;
		post(rig, node,
		    (struct rv_event){ .type = RV_EV_TIMER, .timer = timer });
	}
}

static void
step_time(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	(void)node;
	rig->now += PICK(source, RV_MS, 10 * RV_MS, 100 * RV_MS, RV_SEC,
	    10 * RV_SEC, RV_HOUR);
	rig->jitter = rig_draw(source, 256) << 8;
}

static void
step_command(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	static const enum rv_event_type types[] = { RV_EV_START, RV_EV_START,
		RV_EV_STOP, RV_EV_RESTART };

	post(rig, node,
	    (struct rv_event){
		.type = types[rig_draw(source, RV_ARRAY_LEN(types))],
	    });
}

static void
step_add(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	struct rv_unit *unit = draw_child(rig, source);

	(void)node;
	if (unit != NULL) {
		post(rig, rig_node_of(unit),
		    (struct rv_event){ .type = RV_EV_ADDED });
	}
}

static void
step_retire(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	(void)source;
	if (node->unit->parent != NULL) {
		post(rig, node, (struct rv_event){ .type = RV_EV_RETIRE });
	}
}

static void
step_replace(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	const struct rv_policy *was = node->unit->policy;
	struct rv_policy *now =
	    was == &node->policy ? &node->other : &node->policy;

	draw_policy(now, was->kind, source);
	/* The order that dependencies were drawn by shall stay. */
	if (now->strategy == RV_ONE_FOR_ONE ||
	    was->strategy == RV_ONE_FOR_ONE) {
		now->strategy = was->strategy;
	}
	if (chance(source, 30)) {
		rv_core_undepend(rig->core, node->unit);
		draw_deps(rig, node->unit, source);
	}
	post(rig, node,
	    (struct rv_event){
		.type = RV_EV_REPLACE,
		.policy = now,
		.restart = chance(source, 50),
	    });
}

/* Two neighbours exchange their lives, if they are as they must be. */
static void
step_swap(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	struct rv_unit *super = node->unit->parent;
	struct rv_unit *with = super != NULL ? any_child(super, source) : NULL;

	if (with != NULL) {
		rig_swap(rig, node->unit, with);
		rig_check(rig);
	}
}

static void
step_end(struct rig *rig, struct rig_source *source, struct rig_node *node)
{
	static const enum rv_event_type types[] = { RV_EV_SHUTDOWN,
		RV_EV_HASTEN, RV_EV_HASTEN, RV_EV_KILL_ALL };

	(void)node;
	if (chance(source, 20)) {
		post(rig, rig_node_of(rig->core->root),
		    (struct rv_event){
			.type = types[rig_draw(source, RV_ARRAY_LEN(types))],
		    });
	}
}

static const struct {
	step_fn *step;
	bool (*at)(const struct rig_node *);
	unsigned weight;
} steps[] = {
	{ step_launched, is_launching, 60 },
	{ step_told, is_process, 60 },
	{ step_dies, is_process, 15 },
	{ step_obeys, is_signalled, 50 },
	{ step_timer, is_unit, 50 },
	{ step_false_timer, is_unit, 3 },
	{ step_time, is_unit, 12 },
	{ step_command, is_unit, 12 },
	{ step_add, is_unit, 3 },
	{ step_retire, is_unit, 2 },
	{ step_replace, is_unit, 4 },
	{ step_swap, is_process, 6 },
	{ step_end, is_unit, 2 },
};

void
rig_chaos_step(struct rig *rig, struct rig_source *source)
{
	uint32_t sum = 0, at;

	for (size_t i = 0; i < RV_ARRAY_LEN(steps); i++) {
		sum += steps[i].weight;
	}
	at = source->bytes ? rig_draw(source, 256) * sum / 256
			   : rig_draw(source, sum);
	for (size_t i = 0; i < RV_ARRAY_LEN(steps); i++) {
		if (at < steps[i].weight) {
			steps[i].step(
			    rig, source, any_of(rig, source, steps[i].at));
			return;
		}
		at -= steps[i].weight;
	}
}

void
rig_chaos_end(struct rig *rig, struct rig_source *source)
{
	post(rig, rig_node_of(rig->core->root),
	    (struct rv_event){ .type = RV_EV_SHUTDOWN });
	for (unsigned i = 0; !rig->finished; i++) {
		RV_ASSERT(i < 10000); /* every stop ends */
		for (size_t k = 0; k < rig->n; k++) {
			struct rig_node *node = &rig->nodes[k];

			if (node->unit != NULL && node->life_open &&
			    !node->exists) {
				post(rig, node,
				    (struct rv_event){
					.type = RV_EV_LAUNCHED });
			}
			if (node->unit != NULL &&
			    node->last_signal == SIGKILL) {
				step_obeys(rig, source, node);
			}
		}
		step_timer(rig, source, NULL);
		if (i % 16 == 15) { /* of those that wait for ever */
			post(rig, rig_node_of(rig->core->root),
			    (struct rv_event){ .type = RV_EV_HASTEN });
		}
	}
	for (size_t k = 0; k < rig->n; k++) {
		RV_ASSERT(!rig->nodes[k].life_open);
	}
	RV_ASSERT(rv_core_unsettled(rig->core) == 0);
}
