/* SPDX-License-Identifier: MIT */
/*
 * The method `reload`: what differs and what is wrong with the file, in one
 * answer; if asked to, given when all that was begun has come to its end. Reads
 * nothing itself: the runtime does.
 */
#include "config.h"

#include "base/alloc.h"
#include "ctl/ctl_priv.h"

/* Above this many bytes of findings the rest is only counted. */
#define FINDINGS_MAX (128 * 1024)

struct findings {
	struct rv_buf text; /* JSON */
	struct rv_jsonw w;
	size_t n, left_out;
};

static void
on_finding(
    void *ctx, enum rv_finding_level level, const struct reeve_error *finding)
{
	struct findings *all = ctx;
	struct rv_jsonw *w = &all->w;

	all->n++;
	if (all->text.len > FINDINGS_MAX) {
		all->left_out++;
		return;
	}
	rv_jsonw_object(w);
	rv_jsonw_key(w, "file");
	rv_jsonw_str(w, finding->where);
	rv_jsonw_key(w, "line");
	rv_jsonw_int(w, finding->line);
	rv_jsonw_key(w, "column");
	rv_jsonw_int(w, finding->column);
	rv_jsonw_key(w, "text");
	rv_jsonw_str(w, finding->text);
	rv_jsonw_key(w, "warning");
	rv_jsonw_bool(w, level == RV_FINDING_WARNING);
	rv_jsonw_object_end(w);
}

static void
write_list(struct rv_jsonw *w, const char *key, const struct rv_buf *list)
{
	rv_jsonw_key(w, key);
	rv_jsonw_raw(w, list->len != 0 ? rv_buf_str(list) : "[]");
	/* What did not fit there must not look whole here. */
	w->out->failed |= list->failed;
}

void
rv_ctl_plan_write(struct rv_jsonw *w, const struct rv_ctl_plan *plan)
{
	rv_jsonw_key(w, "from_file");
	rv_jsonw_bool(w, plan->plan.has_file);
	write_list(w, "added", &plan->plan.added);
	write_list(w, "removed", &plan->plan.removed);
	write_list(w, "changed", &plan->plan.changed);
	write_list(w, "updated", &plan->plan.updated);
	write_list(w, "resting", &plan->plan.resting);
	write_list(w, "findings", &plan->findings);
}

void
rv_ctl_plan_finish(struct rv_ctl_plan *plan)
{
	rv_reload_plan_finish(&plan->plan);
	rv_buf_finish(&plan->findings);
}

/* -------- waiting -------- */

static uint64_t
newest_life(struct rv_super *super)
{
	uint64_t newest = 0;

	for (struct rv_unit *unit = rv_super_next(super, NULL); unit != NULL;
	     unit = rv_super_next(super, unit)) {
		newest = RV_MAX(newest, unit->life);
	}
	return newest;
}

/* Those of one list of the plan; the ones that go stand in `units` already. */
static bool
add_units(
    struct rv_super *super, const struct rv_buf *paths, struct rv_units *units)
{
	struct rv_json *list;

	if (paths->failed || rv_json_parse(&list, rv_buf_str(paths), paths->len,
				 NULL) != REEVE_OK) {
		return false;
	}
	for (size_t i = 0; i < rv_json_count(list); i++) {
		struct rv_unit *unit =
		    rv_super_find(super, rv_json_str(rv_json_at(list, i)));

		if (unit != NULL && !unit->retiring) {
			units->units[units->n++] = unit;
		}
	}
	rv_json_free(list);
	return true;
}

static size_t
add_going(struct rv_super *super, struct rv_unit **units)
{
	size_t n = 0;

	for (struct rv_unit *unit = rv_super_next(super, NULL); unit != NULL;
	     unit = rv_super_next(super, unit)) {
		if (unit->retiring && units != NULL) {
			units[n] = unit;
		}
		n += unit->retiring;
	}
	return n;
}

/* RV_PENDING: the answer is given later; RV_FAILED: it cannot be. */
static enum rv_outcome
await(struct rv_ctl_request *request, uint64_t newest, struct rv_ctl_plan *plan)
{
	struct rv_super *super = request->ctl->super;
	const struct rv_reload_plan *did = &plan->plan;
	size_t n = add_going(super, NULL) + did->n_added + did->n_changed;
	struct rv_units units = { 0 };
	enum rv_outcome outcome = RV_FAILED;

	if (n == 0) {
		return RV_DONE;
	}
	units.units = rv_alloc(n, sizeof(struct rv_unit *));
	if (units.units == NULL) {
		return RV_FAILED;
	}
	units.n = add_going(super, units.units);
	if (add_units(super, &did->added, &units) &&
	    add_units(super, &did->changed, &units)) {
		outcome = units.n == 0 ? RV_DONE
			  : rv_ctl_wait_reload(request, &units, newest, plan)
			      ? RV_PENDING
			      : RV_FAILED;
	}
	rv_free(units.units);
	return outcome;
}

/* -------- the method -------- */

/* results: null when it could not be waited for. */
static void
answer(struct rv_ctl_request *request, bool wait, uint64_t newest,
    struct rv_ctl_plan *plan, struct rv_jsonw *w)
{
	enum rv_outcome outcome = RV_DONE;

	if (wait && request->id != NULL) {
		outcome = await(request, newest, plan);
	}
	if (outcome == RV_PENDING) {
		return;
	}
	rv_jsonw_object(w);
	rv_ctl_write_event(w, request->event);
	rv_ctl_plan_write(w, plan);
	if (wait) {
		rv_jsonw_key(w, "results");
		rv_jsonw_raw(w, outcome == RV_DONE ? "[]" : "null");
	}
	rv_jsonw_object_end(w);
}

static enum reeve_status
refuse(struct rv_ctl_request *request, const struct findings *findings,
    enum reeve_status status)
{
	if (!findings->text.failed) {
		rv_buf_addf(&request->extra,
		    ",\"findings\":%s,\"findings_left_out\":%zu",
		    rv_buf_str(&findings->text), findings->left_out);
	}
	return status;
}

enum reeve_status
rv_ctl_on_reload(
    struct rv_ctl_request *request, struct rv_jsonw *w, struct reeve_error *err)
{
	bool dry = rv_json_bool(rv_json_get(request->params, "dry_run"));
	bool wait = rv_json_bool(rv_json_get(request->params, "wait")) && !dry;
	uint64_t newest = newest_life(request->ctl->super);
	struct rv_ctl_plan plan = { 0 };
	struct findings findings = { 0 };
	enum reeve_status status = REEVE_OK;

	if (wait) {
		status = rv_ctl_may_wait(request, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	rv_buf_init(&findings.text, 2 * FINDINGS_MAX);
	rv_jsonw_init(&findings.w, &findings.text);
	rv_jsonw_array(&findings.w);
	status = rv_super_reload(
	    request->ctl->super, dry, &plan.plan, on_finding, &findings, err);
	rv_jsonw_array_end(&findings.w);
	if (status == REEVE_OK) {
		plan.findings = findings.text;
		answer(request, wait, newest, &plan, w);
		rv_ctl_plan_finish(&plan);
		return REEVE_OK;
	}
	status = refuse(request, &findings, status);
	rv_buf_finish(&findings.text);
	return status;
}
