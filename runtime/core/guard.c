/* SPDX-License-Identifier: MIT */
/*
 * The questions that rows of unit_fsm.def ask. Each only looks, and changes
 * nothing; what it means is said in the GUARD section of the table.
 */
#include "config.h"

#include <errno.h>

#include "core/core_priv.h"

bool
rv_guard_always(const struct rv_step *step)
{
	(void)step;
	return true;
}

bool
rv_guard_unwanted(const struct rv_step *step)
{
	return !step->unit->wanted;
}

bool
rv_guard_asked(const struct rv_step *step)
{
	return step->unit->fault == RV_REASON_NONE;
}

static bool
verdict_is(const struct rv_step *step, enum rv_verdict verdict)
{
	return step->fact->verdict == verdict;
}

bool
rv_guard_rests(const struct rv_step *step)
{
	return verdict_is(step, RV_VERDICT_REST);
}

bool
rv_guard_escalates(const struct rv_step *step)
{
	return verdict_is(step, RV_VERDICT_ESCALATE);
}

/*
 * A signal that nobody here sent is never expected, nor an exception, nor what
 * is unknown.
 */
static bool
expected(const struct rv_step *step)
{
	const struct rv_end *end = &step->fact->end;

	if (step->event != RV_ON_DIED || end->unknown || end->signaled ||
	    step->fact->raised) {
		return false;
	}
	return end->number >= 0 && end->number < 256 &&
	       (step->unit->policy->exitcodes[end->number / 8] >>
		       (end->number % 8) &
		   1) != 0;
}

bool
rv_guard_temporary(const struct rv_step *step)
{
	return step->unit->policy->restart == RV_TEMPORARY &&
	       !verdict_is(step, RV_VERDICT_RESTART);
}

bool
rv_guard_not_due(const struct rv_step *step)
{
	return rv_guard_temporary(step) ||
	       (step->unit->policy->restart == RV_TRANSIENT && expected(step) &&
		   !verdict_is(step, RV_VERDICT_RESTART));
}

bool
rv_guard_done(const struct rv_step *step)
{
	return rv_guard_temporary(step) ||
	       (step->unit->policy->ready == RV_READY_STARTED &&
		   rv_guard_not_due(step));
}

/*
 * A failed step of the launch is a failure to start, even when `startsecs` 0
 * let the unit pass for ready before its program had begun.
 */
bool
rv_guard_early(const struct rv_step *step)
{
	return !step->unit->was_ready || step->event == RV_ON_FAILED;
}

bool
rv_guard_lack(const struct rv_step *step)
{
	static const int lacking[] = { EAGAIN, EMFILE, ENFILE, ENOMEM, ENOSPC };

	for (size_t i = 0; i < RV_ARRAY_LEN(lacking); i++) {
		if (step->fact->sys_errno == lacking[i]) {
			return true;
		}
	}
	return false;
}

bool
rv_guard_retries(const struct rv_step *step)
{
	const struct rv_unit *unit = step->unit;

	return rv_guard_early(step) &&
	       (verdict_is(step, RV_VERDICT_RESTART) ||
		   (uint64_t)unit->start_failures + unit->forgiven <
		       unit->policy->startretries);
}

bool
rv_guard_room(const struct rv_step *step)
{
	return rv_window_room(step->unit->parent, step->core->now);
}

bool
rv_guard_told(const struct rv_step *step)
{
	return step->unit->policy->ready == RV_READY_TOLD;
}

bool
rv_guard_at_once(const struct rv_step *step)
{
	return !rv_guard_told(step) && step->unit->policy->startsecs == 0;
}

bool
rv_guard_late(const struct rv_step *step)
{
	return step->fact->late >= RV_LATE_MIN;
}

bool
rv_guard_more_steps(const struct rv_step *step)
{
	return step->unit->step < step->unit->policy->n_stop;
}

bool
rv_guard_hurry(const struct rv_step *step)
{
	return step->unit->hurry;
}

bool
rv_guard_unwatched(const struct rv_step *step)
{
	return rv_beat_interval(step->unit) == 0;
}

bool
rv_guard_beating(const struct rv_step *step)
{
	return rv_beat_deadline(step->unit) > step->core->now;
}

bool
rv_guard_slept(const struct rv_step *step)
{
	return step->fact->late > rv_beat_interval(step->unit) / 4;
}

bool
rv_guard_report(const struct rv_step *step)
{
	return step->unit->policy->hb_action == RV_HB_REPORT;
}

bool
rv_guard_abort(const struct rv_step *step)
{
	return step->unit->policy->hb_action == RV_HB_ABORT;
}
