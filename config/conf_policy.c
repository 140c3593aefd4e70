/* SPDX-License-Identifier: MIT */
/*
 * From keys to what the core decides by. Looks keys up where they may stand;
 * values were judged before, so that one that is bad here was told already.
 */
#include "config.h"

#include <string.h>

#include "base/hash.h"
#include "config/conf_priv.h"

const struct rv_cnode *
rv_conf_lookup(
    const struct rv_loader *l, const struct rv_cscope *scope, enum rv_ckey key)
{
	const char *name = rv_schema[key].name;
	const struct rv_cnode *node = rv_cnode_get(scope->own, name);

	if (node != NULL) {
		return node;
	}
	if (scope->is_worker) {
		for (const struct rv_cscope *up = scope->above; up != NULL;
		     up = up->above) {
			node = rv_cnode_get(
			    rv_cnode_get(up->own, "defaults"), name);
			if (node != NULL) {
				return node;
			}
		}
	}
	return l->otherwise[key];
}

const struct rv_cnode *
rv_conf_member(
    const struct rv_loader *l, const struct rv_cnode *object, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_cnode_get(object, rv_schema[key].name);

	return node != NULL ? node : l->otherwise[key];
}

bool
rv_conf_bool(
    struct rv_loader *l, const struct rv_cscope *scope, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_lookup(l, scope, key);

	return node != NULL && json_is_true(node->value);
}

int64_t
rv_conf_int(
    struct rv_loader *l, const struct rv_cscope *scope, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_lookup(l, scope, key);
	int64_t value = node != NULL ? json_integer_value(node->value) : 0;

	/* What is out of range was told, and must not be reckoned with. */
	return value >= rv_schema[key].min && value <= rv_schema[key].max
		   ? value
		   : 0;
}

const char *
rv_conf_string(
    struct rv_loader *l, const struct rv_cscope *scope, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_lookup(l, scope, key);
	const char *text = node != NULL ? json_string_value(node->value) : NULL;

	return text != NULL ? text : "";
}

static rv_time
duration(struct rv_loader *l, enum rv_ckey key, const struct rv_cnode *node)
{
	rv_time t = 0;

	if (node != NULL && !rv_cval_duration(l, &rv_schema[key], node, &t)) {
		t = 0;
	}
	return t;
}

static rv_time
scope_duration(
    struct rv_loader *l, const struct rv_cscope *scope, enum rv_ckey key)
{
	return duration(l, key, rv_conf_lookup(l, scope, key));
}

static unsigned
choice(struct rv_loader *l, enum rv_ckey key, const struct rv_cnode *node,
    unsigned otherwise)
{
	unsigned i = otherwise;

	if (node != NULL && !rv_cval_enum(l, &rv_schema[key], node, &i)) {
		i = otherwise;
	}
	return i;
}

static unsigned
scope_choice(struct rv_loader *l, const struct rv_cscope *scope,
    enum rv_ckey key, unsigned otherwise)
{
	return choice(l, key, rv_conf_lookup(l, scope, key), otherwise);
}

static uint32_t
ratio(struct rv_loader *l, const struct rv_cnode *object, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_member(l, object, key);
	uint32_t milli = 0;

	if (!rv_cval_ratio(l, &rv_schema[key], node, &milli)) {
		milli = 0;
	}
	return milli;
}

static rv_time
member_duration(
    struct rv_loader *l, const struct rv_cnode *object, enum rv_ckey key)
{
	return duration(l, key, rv_conf_member(l, object, key));
}

static void
fill_backoff(
    struct rv_loader *l, const struct rv_cscope *scope, struct rv_backoff *b)
{
	const struct rv_cnode *o = rv_conf_lookup(l, scope, RV_CKEY_BACKOFF);

	b->initial = member_duration(l, o, RV_CKEY_BACKOFF_INITIAL);
	b->min = member_duration(l, o, RV_CKEY_BACKOFF_MIN);
	b->max = member_duration(l, o, RV_CKEY_BACKOFF_MAX);
	b->reset_after = member_duration(l, o, RV_CKEY_BACKOFF_RESET_AFTER);
	b->factor_milli = ratio(l, o, RV_CKEY_BACKOFF_FACTOR);
	b->jitter_milli = ratio(l, o, RV_CKEY_BACKOFF_JITTER);
	if (b->max < b->min) {
		const struct rv_cnode *own = rv_cnode_get(o, "max");

		if (own == NULL && rv_cnode_get(o, "min") != NULL) {
			b->max = b->min;
		} else {
			rv_conf_error(l, own, "must not be below min");
		}
	}
}

static void
fill_child(struct rv_loader *l, const struct rv_cscope *scope,
    struct rv_policy *p, bool group)
{
	const struct rv_cnode *node;

	p->restart = scope->is_worker ? RV_TRANSIENT : RV_PERMANENT;
	node = rv_conf_lookup(l, scope, RV_CKEY_AUTORESTART);
	if (node != NULL && !rv_cval_restart(l, node, &p->restart)) {
		return;
	}
	p->autostart = rv_conf_bool(l, scope, RV_CKEY_AUTOSTART);
	p->significant = rv_conf_bool(l, scope, RV_CKEY_SIGNIFICANT);
	p->on_fatal = scope_choice(l, scope, RV_CKEY_ON_FATAL,
	    group ? RV_FATAL_ESCALATE : RV_FATAL_STAY);
	fill_backoff(l, scope, &p->backoff);
}

static void
fill_heartbeat(
    struct rv_loader *l, const struct rv_cscope *scope, struct rv_policy *p)
{
	const struct rv_cnode *o = rv_conf_lookup(l, scope, RV_CKEY_HEARTBEAT);
	const struct rv_cnode *misses;
	int64_t count;

	p->hb_misses = 3;
	if (!rv_cnode_is(o, JSON_OBJECT)) {
		return;
	}
	p->hb_interval = member_duration(l, o, RV_CKEY_HEARTBEAT_INTERVAL);
	misses = rv_conf_member(l, o, RV_CKEY_HEARTBEAT_MISSES);
	if (!rv_cval_int(
		l, &rv_schema[RV_CKEY_HEARTBEAT_MISSES], misses, &count)) {
		return;
	}
	p->hb_misses = (uint32_t)count;
	p->hb_action = choice(l, RV_CKEY_HEARTBEAT_ACTION,
	    rv_conf_member(l, o, RV_CKEY_HEARTBEAT_ACTION), RV_HB_RESTART);
}

static void
fill_worker(
    struct rv_loader *l, const struct rv_cscope *scope, struct rv_policy *p)
{
	struct rv_cready ready = { 0 };
	const struct rv_cnode *node;

	p->startsecs = scope_duration(l, scope, RV_CKEY_STARTSECS);
	p->start_timeout = scope_duration(l, scope, RV_CKEY_START_TIMEOUT);
	p->startretries = (uint32_t)rv_conf_int(l, scope, RV_CKEY_STARTRETRIES);
	node = rv_conf_lookup(l, scope, RV_CKEY_READY);
	if (rv_cval_ready(l, node, &ready)) {
		p->ready = ready.channel == RV_CHANNEL_NONE ? RV_READY_STARTED
							    : RV_READY_TOLD;
	}
	node = rv_conf_lookup(l, scope, RV_CKEY_EXITCODES);
	if (!rv_cval_exitcodes(l, node, p->exitcodes)) {
		return;
	}
	node = rv_conf_lookup(l, scope, RV_CKEY_STOPSIGNAL);
	if (!rv_cval_stop(l, node, p->stop, &p->n_stop,
		scope_duration(l, scope, RV_CKEY_STOPWAITSECS))) {
		return;
	}
	p->stop_group = rv_conf_bool(l, scope, RV_CKEY_STOPASGROUP);
	p->kill_mode = scope_choice(l, scope, RV_CKEY_KILL_MODE, RV_KILL_GROUP);
	fill_heartbeat(l, scope, p);
}

void
rv_conf_policy_whole(struct rv_loader *l, const struct rv_cscope *scope,
    const struct rv_policy *one, struct rv_policy *whole)
{
	const struct rv_cnode *node =
	    rv_conf_lookup(l, scope, RV_CKEY_INTENSITY_OF);

	memset(whole, 0, sizeof(*whole)); /* to the last byte, as below */
	whole->kind = RV_SUPERVISOR;
	whole->restart = RV_PERMANENT;
	whole->autostart = one->autostart;
	whole->on_fatal = one->on_fatal;
	whole->backoff = one->backoff;
	whole->strategy = RV_ONE_FOR_ONE;
	whole->intensity = RV_UNLIMITED;
	whole->period = scope_duration(l, scope, RV_CKEY_PERIOD_OF);
	if (node != NULL) {
		rv_cval_intensity(l, node, &whole->intensity);
	}
}

static void
fill_supervisor(
    struct rv_loader *l, const struct rv_cscope *scope, struct rv_policy *p)
{
	const struct rv_cnode *node =
	    rv_conf_lookup(l, scope, RV_CKEY_INTENSITY);

	p->strategy = scope_choice(l, scope, RV_CKEY_STRATEGY, RV_ONE_FOR_ONE);
	p->period = scope_duration(l, scope, RV_CKEY_PERIOD);
	p->auto_shutdown =
	    scope_choice(l, scope, RV_CKEY_AUTO_SHUTDOWN, RV_SHUTDOWN_NEVER);
	p->intensity = p->strategy == RV_ONE_FOR_ONE ? RV_UNLIMITED : 5;
	if (node != NULL && !rv_cval_intensity(l, node, &p->intensity)) {
		p->intensity = RV_UNLIMITED;
	}
}

void
rv_conf_policy(struct rv_loader *l, const struct rv_cscope *scope,
    struct rv_policy *p, bool group)
{
	memset(p, 0, sizeof(*p)); /* to the last byte: it is compared */
	p->kind = scope->is_worker ? RV_WORKER : RV_SUPERVISOR;
	fill_child(l, scope, p, group);
	if (scope->is_worker) {
		fill_worker(l, scope, p);
	} else {
		fill_supervisor(l, scope, p);
	}
}

/* Who restarts with others has no time when two of it stand side by side. */
static bool
is_in_group(const struct rv_spec *spec)
{
	const struct rv_spec *above = spec->parent;

	above = above->instances ? above->parent : above;
	return above->policy->strategy != RV_ONE_FOR_ONE;
}

void
rv_cmake_overlap(const struct rv_cmake *m)
{
	const struct rv_cnode *own = rv_cnode_get(m->scope->own, "overlap");
	const struct rv_cnode *o =
	    rv_conf_lookup(m->l, m->scope, RV_CKEY_OVERLAP);
	struct rv_overlap *overlap = &m->spec->overlap;
	int64_t max = 1;

	if (!rv_cnode_is(o, JSON_OBJECT)) {
		return;
	}
	if (is_in_group(m->spec)) {
		if (own != NULL) {
			rv_conf_error(m->l, own,
			    "cannot be in a group: with one_for_all and "
			    "rest_for_one what stands together is stopped "
			    "before any of it starts");
		}
		return;
	}
	if (m->p->ready == RV_CHANNEL_NONE) {
		rv_conf_warn(m->l, o,
		    "with \"ready\": \"started\" the old one is stopped "
		    "whether or not the new one works: better \"notify\" or "
		    "{\"fd\": N}");
	}
	overlap->on = true;
	overlap->age = member_duration(m->l, o, RV_CKEY_OVERLAP_AGE);
	if (rv_cval_int(m->l, &rv_schema[RV_CKEY_OVERLAP_MAX],
		rv_conf_member(m->l, o, RV_CKEY_OVERLAP_MAX), &max)) {
		overlap->max = (uint32_t)max;
	}
	if (!rv_cval_size(m->l, &rv_schema[RV_CKEY_OVERLAP_MEMORY],
		rv_conf_member(m->l, o, RV_CKEY_OVERLAP_MEMORY),
		&overlap->memory)) {
		overlap->memory = 0;
	}
}

uint64_t
rv_conf_policy_digest(const struct rv_policy *p)
{
	return rv_fnv(RV_FNV_INIT, p, sizeof(*p));
}

/* Thousands of workers have a few policies between them. */
const struct rv_policy *
rv_conf_keep_policy(struct rv_loader *l, const struct rv_policy *p)
{
	static const struct rv_policy none;
	const struct rv_policy **kept =
	    &l->kept[rv_conf_policy_digest(p) % RV_CKEPT];
	struct rv_policy *copy;

	if (*kept == NULL || memcmp(*kept, p, sizeof(*p)) != 0) {
		copy = rv_arena_get(l->arena, 1, sizeof(*copy));
		if (copy == NULL) {
			return &none; /* the arena has failed: see its end */
		}
		memcpy(copy, p, sizeof(*copy));
		*kept = copy;
	}
	return *kept;
}
