/* SPDX-License-Identifier: MIT */
/*
 * What the core says: names of states and reasons, and the records whose
 * fields are not evident where they arise. Strings in records are static or
 * paths of units.
 */
#include "config.h"

#include "core/core_priv.h"

static const char *const state_names[] = {
#define X(symbol, number, name, doc) [number] = name,
#include "core/state.def"
#undef X
};

static const char *const reason_texts[] = {
#define X(symbol, number, text, doc) [number] = text,
#include "core/reason.def"
#undef X
};

const char *
rv_state_name(enum rv_state state)
{
	return (size_t)state < RV_ARRAY_LEN(state_names) ? state_names[state]
							 : NULL;
}

const char *
rv_reason_text(enum rv_reason reason)
{
	return (size_t)reason < RV_ARRAY_LEN(reason_texts)
		   ? reason_texts[reason]
		   : NULL;
}

int64_t
rv_ms(rv_time span)
{
	return RV_MAX(span, 0) / RV_MS;
}

/* Who wants the present stop. */
const char *
rv_why_text(const struct rv_unit *unit)
{
	static const char *const whys[] = {
		[RV_WHY_NONE] = "none",
		[RV_WHY_OPERATOR] = "operator",
		[RV_WHY_GROUP] = "group",
		[RV_WHY_PARENT] = "parent",
		[RV_WHY_RELOAD] = "reload",
		[RV_WHY_SHUTDOWN] = "shutdown",
	};

	return unit->fault != RV_REASON_NONE
		   ? rv_reason_text((enum rv_reason)unit->fault)
		   : whys[unit->why];
}

void
rv_say_waiting(struct rv_core *core, struct rv_unit *unit)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_WAITING_FOR, unit->waiting_for->path);
	rv_act_record(core, unit, RV_KIND_WORKER_WAITING, 0, &fields);
}

void
rv_say_backoff(
    struct rv_core *core, struct rv_unit *unit, rv_time delay, bool lack)
{
	struct rv_fields fields = { 0 };

	rv_fields_int(&fields, RV_KEY_DELAY_MS, rv_ms(delay));
	rv_fields_int(&fields, RV_KEY_ATTEMPT, rv_attempt(unit));
	rv_fields_str(&fields, RV_KEY_CAUSE, unit->path);
	rv_fields_str(
	    &fields, RV_KEY_REASON, rv_reason_text(unit->last_reason));
	rv_fields_str(&fields, RV_KEY_MESSAGE,
	    lack ? "resources are lacking; counts for no budget" : NULL);
	rv_act_record(core, unit, RV_KIND_WORKER_BACKOFF, unit->life, &fields);
}

void
rv_say_restarting(struct rv_core *core, struct rv_unit *super,
    const struct rv_unit *cause, unsigned count)
{
	static const char *const strategies[] = {
		[RV_ONE_FOR_ONE] = "one_for_one",
		[RV_ONE_FOR_ALL] = "one_for_all",
		[RV_REST_FOR_ONE] = "rest_for_one",
	};
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_CAUSE, cause->path);
	rv_fields_str(
	    &fields, RV_KEY_STRATEGY, strategies[super->policy->strategy]);
	rv_fields_int(&fields, RV_KEY_COUNT, count);
	rv_act_record(core, super, RV_KIND_SUPERVISOR_RESTARTING, 0, &fields);
}

/* Count 0: not the window, but a fatal child, or the host's verdict. */
void
rv_say_gave_up(struct rv_core *core, struct rv_unit *super,
    const struct rv_unit *cause, uint32_t count)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_CAUSE, cause->path);
	rv_fields_str(&fields, RV_KEY_REASON,
	    count != 0                       ? "intensity exceeded"
	    : cause->state == RV_STATE_FATAL ? "fatal child"
					     : "verdict");
	if (count != 0) {
		rv_fields_int(&fields, RV_KEY_COUNT, count);
		rv_fields_int(
		    &fields, RV_KEY_PERIOD_MS, rv_ms(super->policy->period));
	}
	rv_act_record(core, super, RV_KIND_SUPERVISOR_GAVE_UP, 0, &fields);
}

/* What follows this end; the row's next state has decided it. */
static const char *
decision(const struct rv_step *step)
{
	const struct rv_unit *unit = step->unit;

	switch (step->next) {
	case RV_FSM_WAITING:
	case RV_FSM_BACKOFF:
		return "restart";
	case RV_FSM_EXITED:
		return rv_sup_would_end(unit) ? "shutdown" : "stay";
	case RV_FSM_FATAL:
		return unit->policy->on_fatal == RV_FATAL_ESCALATE ? "escalate"
								   : "fatal";
	default:
		return unit->wanted ? "escalate" : "none";
	}
}

/* NULL where the rules decided, as they do of what was asked for. */
static const char *
verdict(const struct rv_step *step, enum rv_reason reason)
{
	static const char *const words[] = {
		[RV_VERDICT_NONE] = NULL,
		[RV_VERDICT_RESTART] = "restart",
		[RV_VERDICT_REST] = "rest",
		[RV_VERDICT_ESCALATE] = "escalate",
	};

	return reason == RV_REASON_ASKED ? NULL : words[step->fact->verdict];
}

void
rv_say_end(const struct rv_step *step, enum rv_reason reason)
{
	const struct rv_unit *unit = step->unit;
	const struct rv_end *end = &step->fact->end;
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_REASON, rv_reason_text(reason));
	if (step->event == RV_ON_DIED && !end->unknown) {
		rv_fields_int(&fields,
		    end->signaled ? RV_KEY_SIGNAL : RV_KEY_EXIT_CODE,
		    end->number);
		if (end->signaled) {
			rv_fields_bool(&fields, RV_KEY_CORE, end->core_dumped);
		}
	}
	rv_fields_str(&fields, RV_KEY_DECISION, decision(step));
	rv_fields_str(&fields, RV_KEY_VERDICT, verdict(step, reason));
	if (unit->started_at != 0) {
		rv_fields_int(&fields, RV_KEY_UPTIME_MS,
		    rv_ms(step->core->now - unit->started_at));
	}
	rv_act_record(
	    step->core, step->unit, RV_KIND_WORKER_EXITED, unit->life, &fields);
}
