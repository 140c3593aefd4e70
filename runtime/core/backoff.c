/* SPDX-License-Identifier: MIT */
/*
 * How long a restart waits: `initial` first, then min, min * factor, ... up to
 * max, each lengthened by jitter. Health of `reset_after` starts it over.
 */
#include "config.h"

#include "core/core_priv.h"

/* time * n / d without overflow on the way; d * n must fit 63 bits. */
static rv_time
portion(rv_time time, uint32_t n, rv_time d)
{
	return rv_time_add(
	    rv_time_scale(time / d, n), time % d * (rv_time)n / d);
}

/* The n-th restart in a row, from 0. Saturates; the loop ends at max. */
rv_time
rv_backoff_delay(const struct rv_backoff *b, uint32_t n, uint32_t jitter)
{
	uint64_t share = (uint64_t)b->jitter_milli * (jitter & 0xffff);
	rv_time delay = b->initial;

	if (n > 0) {
		delay = RV_MIN(b->min, b->max);
		while (--n > 0 && delay < b->max && delay > 0 &&
		       b->factor_milli > 1000) {
			delay = RV_MIN(
			    portion(delay, b->factor_milli, 1000), b->max);
		}
	}
	return rv_time_add(
	    delay, portion(delay, (uint32_t)RV_MIN(share, UINT32_MAX),
		       (rv_time)1000 * 65536));
}

/* Long enough up? A worker counts from readiness, a supervisor from its start.
 */
static bool
was_healthy(const struct rv_core *core, const struct rv_unit *unit)
{
	bool worker = unit->policy->kind == RV_WORKER;

	if (worker && !unit->was_ready) {
		return false;
	}
	return core->now - (worker ? unit->ready_at : unit->started_at) >=
	       unit->policy->backoff.reset_after;
}

/* At the end of a life, whatever follows: the row of failures may be over. */
void
rv_backoff_end_life(const struct rv_core *core, struct rv_unit *unit)
{
	if (was_healthy(core, unit)) {
		unit->backoff_n = 0;
	}
}

void
rv_backoff_begin(struct rv_core *core, struct rv_unit *unit, bool lack)
{
	rv_time delay = rv_backoff_delay(
	    &unit->policy->backoff, unit->backoff_n, core->jitter);

	if (lack) {
		delay = RV_MAX(delay, RV_LACK_DELAY_MIN);
	}
	if (unit->backoff_n < UINT32_MAX) {
		unit->backoff_n++;
	}
	unit->lacking = lack;
	if (delay > 0) {
		rv_say_backoff(core, unit, delay, lack);
	}
	rv_timer_set(core, unit, RV_TIMER_STATE, rv_time_add(core->now, delay));
}

/* A fresh start, by an operator, a reload or a new supervisor. */
void
rv_budgets_reset(struct rv_unit *unit)
{
	unit->start_failures = 0;
	unit->forgiven = 0;
	unit->backoff_n = 0;
}
