/* SPDX-License-Identifier: MIT */
/* See map_plan.h: the decisions of reeve map. Pure. */
#include "config.h"

#include "tools/map/map_plan.h"

#define LACK_NS     INT64_C(100000000) /* until the next try with nothing */
#define BACKOFF_MAX INT64_C(3600000000000)

static unsigned
most_at_once(const struct map_plan *plan)
{
	return plan->lack != 0 && plan->lack < plan->jobs ? plan->lack
							  : plan->jobs;
}

static bool
is_over(const struct map_plan *plan)
{
	if (plan->running > 0 || plan->held > 0) {
		return false;
	}
	return plan->waiting == 0 &&
	       (plan->input_ended || plan->stop != MAP_STOP_NOT);
}

enum map_next
map_plan_next(const struct map_plan *plan, int64_t now, int64_t again_at)
{
	if (is_over(plan)) {
		return MAP_OVER;
	}
	if (plan->stop != MAP_STOP_NOT || plan->running >= most_at_once(plan) ||
	    now < plan->lack_at || plan->unrecorded) {
		return MAP_WAIT;
	}
	if (plan->waiting > 0 && again_at <= now) {
		return MAP_AGAIN;
	}
	if (plan->input_ended || plan->held >= plan->ahead ||
	    plan->waiting >= plan->again) {
		return MAP_WAIT;
	}
	return MAP_TAKE;
}

static void
raise_stop(struct map_plan *plan, enum map_stop stop)
{
	if (plan->stop < stop) {
		plan->stop = stop;
	}
}

static void
halt(struct map_plan *plan)
{
	if (plan->stop == MAP_STOP_NOT &&
	    map_halt_is_due(&plan->halt, plan->ended, plan->failed)) {
		plan->halted = true;
		raise_stop(plan, plan->halt.when == MAP_HALT_NOW
				     ? MAP_STOP_TERM
				     : MAP_STOP_DRAIN);
	}
}

static int64_t
delay_after(const struct map_plan *plan, unsigned attempt)
{
	int64_t delay = plan->backoff;

	for (unsigned i = 1; i < attempt && delay < BACKOFF_MAX; i++) {
		delay *= 2;
	}
	return delay < BACKOFF_MAX ? delay : BACKOFF_MAX;
}

enum map_verdict
map_plan_judge(struct map_plan *plan, unsigned attempt, bool well, bool asked,
    int64_t now, int64_t *again_at)
{
	plan->running--;
	/* There is room again: one more than could be had. */
	if (plan->lack != 0 && ++plan->lack >= plan->jobs) {
		plan->lack = 0;
	}
	if (well) {
		plan->ended++;
		halt(plan);
		return MAP_ENDED;
	}
	if (asked || (plan->stop != MAP_STOP_NOT && attempt <= plan->retries)) {
		plan->given_up++;
		return MAP_GIVEN_UP;
	}
	if (attempt <= plan->retries) {
		plan->waiting++;
		*again_at = now + delay_after(plan, attempt);
		return MAP_RETRY;
	}
	plan->failed++;
	halt(plan);
	return MAP_FAILED;
}

void
map_plan_drop(struct map_plan *plan)
{
	plan->waiting--;
	plan->given_up++;
}

void
map_plan_signal(struct map_plan *plan)
{
	raise_stop(plan, plan->stop == MAP_STOP_KILL
			     ? MAP_STOP_KILL
			     : (enum map_stop)(plan->stop + 1));
}

void
map_plan_drain(struct map_plan *plan)
{
	raise_stop(plan, MAP_STOP_DRAIN);
}

void
map_plan_abort(struct map_plan *plan)
{
	raise_stop(plan, MAP_STOP_TERM);
}

void
map_plan_lack(struct map_plan *plan, int64_t now)
{
	plan->lack = plan->running > 0 ? plan->running : 1;
	plan->lack_at = plan->running > 0 ? plan->lack_at : now + LACK_NS;
}
