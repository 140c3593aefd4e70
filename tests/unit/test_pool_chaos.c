/* SPDX-License-Identifier: MIT */
/*
 * The scheduler of pools against a world of accidents, a million of them: see
 * sched_world.h. REEVE_SEED runs one history alone.
 */
#include "config.h"

#include "lib/harness.h"
#include "sched_world.h"

#include <stdio.h>
#include <stdlib.h>

#define HISTORIES 500
#define EVENTS    2000

static bool
history(uint64_t seed)
{
	static struct world w;
	unsigned i = 0;

	world_open(&w, seed);
	for (; i < EVENTS && !w.wrong; i++) {
		world_step(&w);
	}
	if (!w.wrong) {
		world_end(&w);
	}
	if (w.wrong) {
		printf("# REEVE_SEED=%llu, event %u of %u\n",
		    (unsigned long long)seed, i, EVENTS);
	}
	return !w.wrong;
}

RV_TEST(whatever_happens_each_task_has_one_end_and_the_right_one)
{
	const char *one = getenv("REEVE_SEED");

	if (one != NULL) {
		CU_ASSERT(history(strtoull(one, NULL, 10)));
		return;
	}
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		CU_ASSERT_FATAL(history(seed));
	}
}

RV_SUITE(pool_chaos,
    RV_CASE(whatever_happens_each_task_has_one_end_and_the_right_one))
