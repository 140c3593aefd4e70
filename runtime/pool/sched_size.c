/* SPDX-License-Identifier: MIT */
/*
 * How many workers there shall be. `wanted` is what is decided; places from
 * there up are given nothing any more and end as they become idle, the highest
 * first, as only the highest can: `size` follows, and SIZE says it.
 */
#include "config.h"

#include "pool/scheduler_priv.h"

void
rv_size_set(struct rv_sched *s, uint16_t wanted, rv_time now)
{
	uint16_t from = RV_MIN(wanted, s->wanted);
	uint16_t to = RV_MAX(wanted, s->wanted);

	s->wanted = wanted;
	s->changed = now;
	for (uint16_t i = from; i < to; i++) {
		rv_worker_place(s, &s->workers[i], now);
	}
}

/* When one more is due, since the oldest waits for so long. */
static rv_time
growth_due(const struct rv_sched *s)
{
	rv_time since = rv_ready_oldest(s), wait = s->options.grow_after;

	if (since == RV_FOREVER || s->phase > RV_SCHED_CLOSED || s->n_up == 0 ||
	    s->wanted >= s->options.max) {
		return RV_FOREVER;
	}
	if (s->n_up < s->size) {
		wait = RV_MAX(wait, RV_SCHED_COMING);
	}
	return rv_time_add(RV_MAX(RV_MAX(since, s->changed), s->paused), wait);
}

/* When one less is due. */
static rv_time
shrinking_due(const struct rv_sched *s)
{
	const struct rv_sched_worker *w = rv_worker_idlest(s);

	if (w == NULL || s->wanted <= s->options.min) {
		return RV_FOREVER;
	}
	return rv_time_add(w->since, s->options.idle);
}

void
rv_size_tick(struct rv_sched *s, rv_time now)
{
	while (shrinking_due(s) <= now) {
		struct rv_sched_worker *w = rv_worker_idlest(s);

		/*
		 * The highest place ends, be it this one or not. Its idleness
		 * has had its effect then.
		 */
		rv_worker_place(s, w, now);
		rv_size_set(s, s->wanted - 1, now);
	}
	if (growth_due(s) <= now) {
		rv_size_set(s, s->wanted + 1, now);
	}
}

rv_time
rv_size_due(const struct rv_sched *s)
{
	return RV_MIN(growth_due(s), shrinking_due(s));
}

void
rv_size_settle(struct rv_sched *s, rv_time now)
{
	uint64_t many = RV_MIN(s->n_ready, s->options.max);

	if (many > s->wanted && now >= s->paused) {
		rv_size_set(s, (uint16_t)many, now);
	}
	s->size = RV_MAX(s->size, s->wanted);
	while (s->size > s->wanted && s->workers[s->size - 1].n_held == 0) {
		s->size--;
	}
}
