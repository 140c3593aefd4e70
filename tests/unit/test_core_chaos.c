/* SPDX-License-Identifier: MIT */
/*
 * Property tests: a million and more random events over random trees, with
 * what must always hold checked after each. The seed is printed; a run is
 * repeated with REEVE_SEED, lengthened with REEVE_STEPS.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/harness.h"
#include "lib/rig_chaos.h"

#define STEPS 1200000
#define EACH  150

static unsigned long
number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

static uint64_t
history(uint64_t seed)
{
	struct rig_source source = { .state = seed * 2 + 1 };
	struct rig *rig;
	uint64_t posts;

	for (unsigned i = 0; i < 8; i++) {
		rig_draw(&source, 2);
	}
	rig = rig_chaos_open(&source);
	for (unsigned i = 0; i < EACH && !rig->finished; i++) {
		rig_chaos_step(rig, &source);
	}
	rig_chaos_end(rig, &source);
	posts = rig->posts;
	rig_close(rig);
	return posts;
}

RV_TEST(what_must_always_hold_holds_over_a_million_random_events)
{
	uint64_t seed = number("REEVE_SEED", (unsigned long)time(NULL));
	uint64_t steps = number("REEVE_STEPS", STEPS), done = 0;

	printf("# seed %llu, %llu events\n", (unsigned long long)seed,
	    (unsigned long long)steps);
	fflush(stdout);
	for (uint64_t i = 0; done < steps; i++) {
		done += history(seed * 1000003 + i);
	}
	CU_ASSERT(done >= steps);
}

static unsigned
cells_missed(bool tell)
{
	unsigned missed = 0;

	for (unsigned s = 0; s < RV_FSM_STATES; s++) {
		for (unsigned e = 0; e < RV_FSM_EVENTS; e++) {
			if (rv_fsm_first(s, e) == RV_CELL_NEVER ||
			    rig_cells[s][e] > 0) {
				continue;
			}
			missed++;
			if (tell) {
				printf("# not reached: (%s, %s)\n",
				    rv_fsm_state_name(s), rv_fsm_event_name(e));
			}
		}
	}
	return missed;
}

static unsigned
rows_missed(bool tell)
{
	unsigned missed = 0;

	for (unsigned i = 0; i < rv_fsm_n_rows; i++) {
		if (rig_rows[i] > 0) {
			continue;
		}
		missed++;
		if (tell) {
			printf("# not taken: row %u (%s, %s) [%s]\n", i,
			    rv_fsm_state_name(rv_fsm_rows[i].state),
			    rv_fsm_event_name(rv_fsm_rows[i].event),
			    rv_fsm_rows[i].guard_name);
		}
	}
	return missed;
}

/*
 * The random histories go everywhere, so what they never saw cannot be. Where
 * the steps before were few, more follow until all is reached.
 */
RV_TEST(every_cell_that_can_be_is_reached)
{
	uint64_t seed = number("REEVE_SEED", (unsigned long)time(NULL));
	uint64_t done = 0;

	for (uint64_t i = 0;
	     done < STEPS && cells_missed(false) + rows_missed(false) > 0;
	     i++) {
		done += history(~seed * 1000003 + i);
	}
	printf("# %llu more events\n", (unsigned long long)done);
	CU_ASSERT_EQUAL(cells_missed(true), 0);
	CU_ASSERT_EQUAL(rows_missed(true), 0);
}

RV_SUITE(core_chaos,
    RV_CASE(what_must_always_hold_holds_over_a_million_random_events),
    RV_CASE(every_cell_that_can_be_is_reached))
