/* SPDX-License-Identifier: MIT */
/*
 * Heartbeats. A beat costs one store: the timer is armed for the deadline as
 * it was known, and when it fires early it is armed anew. Before anybody is
 * blamed, all facts that are under way are fetched (RV_ACT_PROBE).
 */
#include "config.h"

#include "core/core_priv.h"

/* 0: none is asked for. */
rv_time
rv_beat_interval(const struct rv_unit *unit)
{
	return unit->hb_interval >= 0 ? unit->hb_interval
				      : unit->policy->hb_interval;
}

static rv_time
span(const struct rv_unit *unit)
{
	return rv_time_scale(
	    rv_beat_interval(unit), RV_MAX(unit->policy->hb_misses, 1));
}

/* Counted from the last beat, or from readiness if none came since. */
rv_time
rv_beat_deadline(const struct rv_unit *unit)
{
	return rv_time_add(RV_MAX(unit->ready_at, unit->last_beat), span(unit));
}

void
rv_do_watch(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;

	rv_timer_set(step->core, unit, RV_TIMER_BEAT,
	    rv_beat_interval(unit) != 0 ? rv_beat_deadline(unit) : RV_FOREVER);
}

/* A reload gave a worker that is RUNNING another interval, or its first. */
void
rv_watch_anew(struct rv_core *core, struct rv_unit *unit)
{
	if (unit->fsm == RV_FSM_RUNNING && rv_beat_interval(unit) != 0) {
		rv_timer_set(core, unit, RV_TIMER_BEAT, rv_beat_deadline(unit));
	}
}

/* The clock went on while nobody could hear the worker. */
void
rv_do_grace(const struct rv_step *step)
{
	rv_timer_set(step->core, step->unit, RV_TIMER_BEAT,
	    rv_time_add(step->core->now, span(step->unit)));
}

bool
rv_unit_is_silent(const struct rv_unit *unit)
{
	return unit->policy->kind == RV_WORKER && unit->fsm == RV_FSM_SILENT;
}

/* It may have been seen earlier than it is told: then that counts. */
void
rv_do_beat(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;

	unit->last_beat = RV_MAX(unit->last_beat, step->fact->now);
}

void
rv_do_interval(const struct rv_step *step)
{
	step->unit->hb_interval = RV_MAX(step->fact->span, 0);
}

/* The answer may die with a launcher, so the question is put again. */
void
rv_do_probe(const struct rv_step *step)
{
	struct rv_unit *unit = step->unit;

	rv_act_simple(step->core, RV_ACT_PROBE, unit);
	rv_timer_set(step->core, unit, RV_TIMER_BEAT,
	    rv_time_add(step->core->now, RV_MAX(span(unit), RV_SEC)));
}

void
rv_do_hush(const struct rv_step *step)
{
	rv_timer_clear(step->core, step->unit, RV_TIMER_BEAT);
}

void
rv_do_unresponsive(const struct rv_step *step)
{
	static const char *const actions[] = {
		[RV_HB_RESTART] = "restart",
		[RV_HB_ABORT] = "abort",
		[RV_HB_REPORT] = "report",
	};
	struct rv_unit *unit = step->unit;
	rv_time since =
	    RV_MAX(unit->started_at, RV_MAX(unit->ready_at, unit->last_beat));
	struct rv_fields fields = { 0 };

	rv_fields_int(
	    &fields, RV_KEY_SILENT_MS, rv_ms(step->core->now - since));
	rv_fields_str(&fields, RV_KEY_ACTION, actions[unit->policy->hb_action]);
	rv_act_record(
	    step->core, unit, RV_KIND_WORKER_UNRESPONSIVE, unit->life, &fields);
}

void
rv_do_recovered(const struct rv_step *step)
{
	static const struct rv_fields none;

	rv_act_record(step->core, step->unit, RV_KIND_WORKER_RECOVERED,
	    step->unit->life, &none);
}
