/* SPDX-License-Identifier: MIT */
/*
 * A supervisor's window: when its last restarts were decided. A stamp exactly
 * `period` old still counts. The ring always keeps the newest stamps, so that
 * a reload that changes intensity or period judges the same past anew.
 */
#include "config.h"

#include "core/core_priv.h"

/* The i-th newest stamp, from 1. */
static rv_time
newest(const struct rv_unit *super, uint32_t i)
{
	return super->stamps[(super->next_stamp + super->max_stamps - i) %
			     super->max_stamps];
}

static uint32_t
limit(const struct rv_unit *super)
{
	return RV_MIN(super->policy->intensity, super->max_stamps);
}

/* May one more restart happen now? Looks at one stamp only. */
bool
rv_window_room(const struct rv_unit *super, rv_time now)
{
	uint32_t n = limit(super);

	if (super->policy->intensity == RV_UNLIMITED || super->n_stamps < n) {
		return true;
	}
	return n > 0 && now - newest(super, n) > super->policy->period;
}

void
rv_window_push(struct rv_unit *super, rv_time now)
{
	super->stamps[super->next_stamp] = now;
	super->next_stamp = (super->next_stamp + 1) % super->max_stamps;
	super->n_stamps = RV_MIN(super->n_stamps + 1, super->max_stamps);
}

/* Stamps within the period; used to say so when the supervisor gives up. */
uint32_t
rv_window_count(const struct rv_unit *super, rv_time now)
{
	uint32_t n = 0;

	while (n < super->n_stamps &&
	       now - newest(super, n + 1) <= super->policy->period) {
		n++;
	}
	return n;
}

void
rv_window_clear(struct rv_unit *super)
{
	super->n_stamps = 0;
	super->next_stamp = 0;
}
