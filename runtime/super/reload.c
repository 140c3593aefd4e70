/* SPDX-License-Identifier: MIT */
/*
 * Reload: reads the file anew and says what differs; with any error nothing
 * happens. Making it so is reconcile.c.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "super/reconcile.h"

#define PLAN_TEXT_MAX (60 * 1024) /* bytes, of one list of paths */

/* What the callback of the caller hears, counted. */
struct findings {
	rv_finding_cb *cb;
	void *ctx;
	unsigned errors, told; /* told: those that text has room for */
	char text[400];        /* "line 2: WHAT; line 3: WHAT" */
};

static void
add_error(struct findings *f, const struct reeve_error *finding)
{
	size_t n = strlen(f->text), left = sizeof(f->text) - n;

	if (f->told == f->errors++) {
		size_t len = rv_format(f->text + n, left, "%sline %d: %s",
		    n > 0 ? "; " : "", finding->line, finding->text);

		/* Whole ones only, but for the first. */
		if (n == 0 || len < left - 1) {
			f->told++;
		} else {
			f->text[n] = '\0';
		}
	}
}

static void
on_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	struct findings *f = ctx;

	if (level == RV_FINDING_ERROR) {
		add_error(f, finding);
	}
	if (f->cb != NULL) {
		f->cb(f->ctx, level, finding);
	}
}

/* "reload shop.json", "commit the tree" */
static const char *
job(const struct rv_super *super, char *dst, size_t size)
{
	if (super->committing) {
		return "commit the tree";
	}
	rv_format(dst, size, "reload %.250s",
	    super->conf->file != NULL ? super->conf->file : super->conf->name);
	return dst;
}

static enum reeve_status
load(struct rv_super *super, struct rv_conf **fresh, struct findings *f)
{
	struct rv_conf_source source = super->source;
	enum reeve_status status;

	if (source.handed == NULL) {
		source.handed = rv_super_handed(super);
	}
	if (source.file == NULL && source.declared == NULL) {
		source.file = super->conf->file;
	}
	status = rv_conf_load_source(fresh, &source, on_finding, f);
	if (status == REEVE_OK) {
		rv_conf_check_fixed(super->conf, *fresh, on_finding, f);
	}
	if (status == REEVE_OK && f->errors > 0) {
		rv_conf_unref(*fresh);
		*fresh = NULL;
		status = REEVE_ECONFIG;
	}
	return status;
}

static void
tell_rejected(
    struct rv_super *super, unsigned errors, const struct reeve_error *why)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_CONFIG, super->conf->file);
	rv_fields_int(&fields, RV_KEY_COUNT, errors);
	rv_fields_str(&fields, RV_KEY_MESSAGE, why->text);
	rv_super_record(super, RV_KIND_CONFIG_REJECTED, NULL, 0, &fields);
	rv_super_notice(super, RV_NOTICE_TROUBLE, "%s", why->text);
}

/* Right in itself, and yet it cannot be made so. */
static enum reeve_status
refused(struct rv_super *super, const struct reeve_error *why,
    struct reeve_error *err)
{
	struct reeve_error local;
	char text[300];

	rv_error(&local, why->status, "cannot %s: %.700s; nothing was changed",
	    job(super, text, sizeof(text)), why->text);
	local.sys_errno = why->sys_errno;
	tell_rejected(super, 1, &local);
	if (err != NULL) {
		*err = local;
	}
	return local.status;
}

static enum reeve_status
rejected(struct rv_super *super, bool dry, const struct findings *f,
    enum reeve_status status, struct reeve_error *err)
{
	struct reeve_error local;
	char text[300];

	if (f->errors > 0) {
		rv_error(&local, REEVE_ECONFIG,
		    "cannot %s: %u error%s, nothing was changed; %s%s",
		    job(super, text, sizeof(text)), f->errors,
		    f->errors > 1 ? "s" : "", f->text,
		    f->told < f->errors ? "; ..." : "");
	} else {
		rv_error(&local, status, "cannot %s: %s; nothing was changed",
		    job(super, text, sizeof(text)), reeve_status_text(status));
	}
	if (!dry) {
		tell_rejected(super, f->errors, &local);
	}
	if (err != NULL) {
		*err = local;
	}
	return local.status;
}

/* -------- what differs -------- */

bool
rv_reload_must_restart(const struct rv_spec *was, const struct rv_spec *is)
{
	return was->program_digest != is->program_digest ||
	       was->policy->hb_interval != is->policy->hb_interval ||
	       was->policy->ready != is->policy->ready;
}

/* The node that this spec of the new conf takes over, or NULL. */
static struct rv_node *
find_kept(const struct rv_reconcile *r, const struct rv_spec *spec)
{
	const struct rv_spec *was = rv_conf_find(r->super->conf, spec->path);
	const struct rv_node *above =
	    spec->parent != NULL ? r->kept[spec->parent->index] : NULL;
	struct rv_node *node;

	if (was == NULL || was->policy->kind != spec->policy->kind) {
		return NULL;
	}
	node = r->super->nodes[was->index];
	if (node == NULL || node->unit->retiring ||
	    node->unit->parent != (above != NULL ? above->unit : NULL)) {
		return NULL;
	}
	return node;
}

/* The paths of one list of the plan. */
struct paths {
	struct rv_jsonw json;
	unsigned *n;
};

static void
add_path(struct paths *paths, const char *path)
{
	rv_jsonw_str(&paths->json, path);
	++*paths->n;
}

static void
match(struct rv_reconcile *r, struct paths *added, struct paths *changed,
    struct paths *updated, struct paths *resting)
{
	for (uint32_t i = 0; i < r->fresh->n_specs; i++) {
		const struct rv_spec *spec = r->fresh->specs[i];
		struct rv_node *node = find_kept(r, spec);

		r->kept[i] = node;
		if (node == NULL) {
			r->n_new++;
			add_path(added, spec->path);
		} else if (rv_reload_must_restart(node->spec, spec)) {
			r->restart[i] = true;
			r->overlap[i] = rv_overlap_may(node, spec);
			add_path(changed, spec->path);
			if (rv_core_leaves_down(node->unit, spec->policy)) {
				add_path(resting, spec->path);
			}
		} else if (node->spec->policy_digest != spec->policy_digest ||
			   node->spec->deps_digest != spec->deps_digest) {
			add_path(updated, spec->path);
		}
	}
}

static void
match_gone(struct rv_reconcile *r, struct paths *removed)
{
	for (struct rv_unit *unit = rv_super_next(r->super, NULL); unit != NULL;
	     unit = rv_super_next(r->super, unit)) {
		if (rv_reconcile_is_kept(r, rv_node_of(unit))) {
			continue;
		}
		r->gone[r->n_gone++] = unit;
		if (!unit->retiring) {
			add_path(removed, unit->path);
		}
	}
}

static void
make_plan(struct rv_reconcile *r, struct rv_reload_plan *plan)
{
	struct rv_buf *bufs[] = { &plan->added, &plan->removed, &plan->changed,
		&plan->updated, &plan->resting };
	struct paths lists[] = {
		{ .n = &plan->n_added },
		{ .n = &plan->n_removed },
		{ .n = &plan->n_changed },
		{ .n = &plan->n_updated },
		{ .n = &plan->n_resting },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(bufs); i++) {
		rv_buf_init(bufs[i], PLAN_TEXT_MAX);
		rv_jsonw_init(&lists[i].json, bufs[i]);
		rv_jsonw_array(&lists[i].json);
	}
	match(r, &lists[0], &lists[2], &lists[3], &lists[4]);
	match_gone(r, &lists[1]);
	plan->has_file = r->fresh->file != NULL;
	for (size_t i = 0; i < RV_ARRAY_LEN(bufs); i++) {
		rv_jsonw_array_end(&lists[i].json);
	}
}

void
rv_reload_plan_finish(struct rv_reload_plan *plan)
{
	rv_buf_finish(&plan->added);
	rv_buf_finish(&plan->removed);
	rv_buf_finish(&plan->changed);
	rv_buf_finish(&plan->updated);
	rv_buf_finish(&plan->resting);
}

/* -------- the whole -------- */

/* A list too long for a record is left out of it, not cut. */
static void
add_list(struct rv_fields *fields, enum rv_key key, const struct rv_buf *list)
{
	if (!list->failed) {
		rv_fields_json(fields, key, rv_buf_str(list));
	}
}

static void
record_loaded(struct rv_super *super, const struct rv_reload_plan *plan)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_CONFIG, super->conf->file);
	rv_fields_str(&fields, RV_KEY_DIGEST, super->conf->digest);
	add_list(&fields, RV_KEY_ADDED, &plan->added);
	add_list(&fields, RV_KEY_REMOVED, &plan->removed);
	add_list(&fields, RV_KEY_CHANGED, &plan->changed);
	rv_super_record(super, RV_KIND_CONFIG_LOADED, NULL, 0, &fields);
}

/* Even of nothing: whoever asked looks for an answer. */
static void
tell(struct rv_super *super, const struct rv_reload_plan *plan)
{
	char text[300] = "tree committed", resting[48] = "";

	if (!super->committing && super->conf->file != NULL) {
		rv_format(
		    text, sizeof(text), "reloaded %.250s", super->conf->file);
	} else if (!super->committing) {
		rv_format(text, sizeof(text),
		    "reloaded %.200s, which has no config file",
		    super->conf->name);
	}
	if (plan->n_added + plan->n_removed + plan->n_changed +
		plan->n_updated ==
	    0) {
		rv_super_notice(
		    super, RV_NOTICE_INFO, "%s: nothing differs", text);
		return;
	}
	if (plan->n_resting > 0) {
		rv_format(resting, sizeof(resting),
		    ", %u changed and left down", plan->n_resting);
	}
	rv_super_notice(super, RV_NOTICE_INFO,
	    "%s: %u added, %u removed, %u restarted, %u updated%s", text,
	    plan->n_added, plan->n_removed, plan->n_changed - plan->n_resting,
	    plan->n_updated, resting);
}

static enum reeve_status
may_reload(const struct rv_super *super, struct reeve_error *err)
{
	return super->finished || super->urgency > 0
		   ? rv_error(err, REEVE_EBUSY,
			 "cannot %s: the runtime is shutting down",
			 super->committing ? "commit the tree" : "reload")
		   : REEVE_OK;
}

/* What the launcher is told to run is the same, and so it is declared. */
static bool
is_declared(const struct rv_conf *sealed, const struct rv_spec *spec)
{
	const struct rv_spec *was = rv_conf_find(sealed, spec->path);

	return was != NULL && was->program != NULL &&
	       !rv_reload_must_restart(was, spec) &&
	       was->policy->n_stop == spec->policy->n_stop &&
	       memcmp(was->policy->stop, spec->policy->stop,
		   sizeof(was->policy->stop)) == 0;
}

/* A sealed launcher would refuse each start of it, for ever. */
static enum reeve_status
check_sealed(struct rv_reconcile *r, struct reeve_error *err)
{
	struct rv_super *super = r->super;
	struct reeve_error local;

	for (uint32_t i = 0; super->sealed != NULL && i < r->fresh->n_specs;
	     i++) {
		const struct rv_spec *spec = r->fresh->specs[i];

		if (spec->program != NULL &&
		    !is_declared(super->sealed, spec)) {
			rv_error(&local, REEVE_EPERM,
			    "%s could never start: the launcher was sealed "
			    "before it was declared as it is now",
			    spec->path);
			return refused(super, &local, err);
		}
	}
	return REEVE_OK;
}

/* The reference to fresh is taken over. */
/* All that are new, before anything changes. */
static enum reeve_status
open_sockets(struct rv_reconcile *r, struct rv_listeners *sockets,
    struct reeve_error *err)
{
	struct rv_super *super = r->super;
	struct reeve_error local;
	enum reeve_status status =
	    rv_listeners_open(sockets, &super->listeners, r->fresh, &local);

	if (status != REEVE_OK) {
		rv_listeners_tell_holder(sockets, &local);
		status = refused(super, &local, err);
	}
	return status;
}

static void
tell_reloaded(struct rv_super *super)
{
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->reloaded != NULL) {
			sink->reloaded(sink);
		}
	}
}

static enum reeve_status
reconcile(struct rv_super *super, struct rv_conf *fresh_take, bool dry,
    struct rv_reload_plan *plan, struct reeve_error *err)
{
	struct rv_reconcile r = { .super = super, .fresh = fresh_take };
	struct rv_listeners sockets = { 0 };
	enum reeve_status status = rv_reconcile_begin(&r, err);

	if (status == REEVE_OK) {
		make_plan(&r, plan);
		status = check_sealed(&r, err);
	}
	if (status == REEVE_OK && !dry) {
		status = rv_reconcile_make_room(&r, err);
	}
	if (status == REEVE_OK && !dry) {
		status = open_sockets(&r, &sockets, err);
	}
	if (status == REEVE_OK && !dry) {
		struct rv_conf *old = rv_conf_ref(super->conf);

		/* Above what follows from it in the log. */
		rv_reconcile_take(&r);
		record_loaded(super, plan);
		tell(super, plan);
		rv_listeners_swap(&super->listeners, &sockets, super->start);
		rv_reconcile_apply(&r);
		tell_reloaded(super);
		rv_listeners_part(&sockets, &super->listeners, super->start);
		rv_conf_unref(old);
	}
	rv_reconcile_finish(&r);
	return status;
}

enum reeve_status
rv_super_reload(struct rv_super *super, bool dry, struct rv_reload_plan *plan,
    rv_finding_cb *cb, void *ctx, struct reeve_error *err)
{
	struct findings findings = { .cb = cb, .ctx = ctx };
	enum reeve_status status = may_reload(super, err);
	struct rv_conf *fresh = NULL;

	*plan = (struct rv_reload_plan){ 0 };
	if (status != REEVE_OK) {
		return status;
	}
	status = load(super, &fresh, &findings);
	return status == REEVE_OK
		   ? reconcile(super, fresh, dry, plan, err)
		   : rejected(super, dry, &findings, status, err);
}

enum reeve_status
rv_super_apply(struct rv_super *super, struct rv_conf *fresh,
    struct rv_reload_plan *plan, struct reeve_error *err)
{
	struct findings findings = { 0 };
	enum reeve_status status;

	*plan = (struct rv_reload_plan){ 0 };
	super->committing = true;
	status = may_reload(super, err);
	if (status == REEVE_OK) {
		rv_conf_check_fixed(super->conf, fresh, on_finding, &findings);
		status =
		    findings.errors == 0
			? reconcile(super, rv_conf_ref(fresh), false, plan, err)
			: rejected(super, false, &findings, REEVE_ECONFIG, err);
	}
	super->committing = false;
	return status;
}

void
rv_super_set_source(struct rv_super *super, const struct rv_conf_source *source)
{
	super->source = *source;
}
