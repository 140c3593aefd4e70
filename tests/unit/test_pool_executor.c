/* SPDX-License-Identifier: MIT */
/*
 * What users of executors rely on, number by number (tests/README.md): which
 * task fails and which does not, and which worker runs it.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/sys.h"
#include "unit/pool_scenario.h"

SCENARIO(scenario_106_one_killed_worker_fails_its_task_alone)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_future *victim = pool_submit(pool, "test.die", "9");
	struct reeve_future *others[20];

	for (size_t i = 0; i < 20; i++) {
		others[i] = pool_submit(pool, "test.nap", "2");
	}
	pool_ends(victim, REEVE_OUTCOME_DIED);
	for (size_t i = 0; i < 20; i++) {
		pool_ends(others[i], REEVE_OUTCOME_GOOD);
	}
	pool_works(pool);
	pool_closes(pool);
}

SCENARIO(scenario_107_each_way_to_fail_has_its_own_end_and_none_hangs)
{
	static const struct {
		const char *function, *text;
		enum reeve_outcome outcome;
		int code, signo;
		const char *type;
	} cases[] = {
		{ "test.square", "no number", REEVE_OUTCOME_FAILED, 0, 0,
		    "test.Size" },
		{ "test.number", "7", REEVE_OUTCOME_FAILED, 7, 0, NULL },
		{ "test.fail", "so", REEVE_OUTCOME_FAILED, 0, 0,
		    "test.Failed" },
		{ "test.exit", "3", REEVE_OUTCOME_DIED, 3, 0, NULL },
		{ "test._exit", "4", REEVE_OUTCOME_DIED, 4, 0, NULL },
		{ "test.raise", "that", REEVE_OUTCOME_DIED, -2, 0,
		    "test.Thrown" },
		{ "test.die", "6", REEVE_OUTCOME_DIED, -2, SIGABRT, NULL },
		{ "test.die", "9", REEVE_OUTCOME_DIED, -2, SIGKILL, NULL },
		{ "test.crash", "", REEVE_OUTCOME_DIED, -2, SIGSEGV,
		    "SIGSEGV" },
		{ "test.overflow", "", REEVE_OUTCOME_DIED, -2, SIGSEGV, NULL },
		{ "test.bytes", "40000", REEVE_OUTCOME_GOOD, 0, 0, "" },
		{ "test.bytes", "0", REEVE_OUTCOME_GOOD, 0, 0, "" },
	};
	struct reeve_pool *pool = pool_make(1, NULL);

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		struct reeve_task_result r =
		    pool_apply(pool, cases[i].function, cases[i].text);
		bool right = r.outcome == cases[i].outcome &&
			     r.signo == cases[i].signo &&
			     (cases[i].type == NULL ||
				 strcmp(r.type, cases[i].type) == 0);

		if (cases[i].code > 0) {
			right = right && r.code == cases[i].code;
		}
		if (!right) {
			(void)fprintf(stderr,
			    "# %s %s: outcome %d code %d signal %d %s: %s\n",
			    cases[i].function, cases[i].text, r.outcome, r.code,
			    r.signo, r.type, r.message);
		}
		CU_ASSERT(right);
		reeve_task_result_free(&r);
		pool_works(pool);
	}
	pool_closes(pool);
}

SCENARIO(scenario_110_drained_what_waits_is_cancelled_and_what_runs_ends)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_future *futures[50];
	unsigned counts[REEVE_OUTCOME_BROKEN + 1] = { 0 };
	const char *gate = pool_gate();

	futures[0] = pool_submit(pool, "test.hold", gate);
	for (size_t i = 1; i < 50; i++) {
		futures[i] = pool_submit(pool, "test.nap", "300");
	}
	pool_runs(futures[0]);
	CU_ASSERT_EQUAL(reeve_pool_drain(pool, NULL), REEVE_OK);
	pool_gate_open(gate);
	CU_ASSERT_EQUAL(reeve_pool_join(pool, REEVE_S(60), NULL), REEVE_OK);
	for (size_t i = 0; i < 50; i++) {
		struct reeve_task_result result = pool_result(futures[i], 60);

		counts[result.outcome]++;
		reeve_task_result_free(&result);
	}
	CU_ASSERT(counts[REEVE_OUTCOME_GOOD] >= 1);
	CU_ASSERT(counts[REEVE_OUTCOME_CANCELLED] > 20);
	CU_ASSERT_EQUAL(
	    counts[REEVE_OUTCOME_GOOD] + counts[REEVE_OUTCOME_CANCELLED], 50);
	reeve_pool_free(pool);
}

SCENARIO(scenario_112_a_worker_goes_after_three_tasks_and_its_work_is_done)
{
	struct reeve_pool_options options = { .max_tasks = 3,
		.method = method };
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_future *futures[10];
	pid_t first = pool_pid(pool);

	CU_ASSERT_EQUAL(pool_pid(pool), first);
	CU_ASSERT_EQUAL(pool_pid(pool), first);
	CU_ASSERT_NOT_EQUAL(pool_pid(pool), first);
	pool_closes(pool);
	options.max_tasks = 2;
	pool = pool_make(1, &options);
	for (size_t i = 0; i < 10; i++) {
		futures[i] = pool_submit(pool, "test.nothing", "");
	}
	for (size_t i = 0; i < 10; i++) {
		pool_ends(futures[i], REEVE_OUTCOME_GOOD);
	}
	pool_closes(pool);
}

SCENARIO(scenario_113_an_idle_worker_is_used_again)
{
	struct reeve_pool_options options = {
		.min = 1, .max = 4, .method = method
	};
	struct reeve_pool *pool = pool_make(0, &options);
	pid_t first = pool_pid(pool);

	CU_ASSERT_EQUAL(pool_pid(pool), first);
	CU_ASSERT_EQUAL(pool_pid(pool), first);
	pool_closes(pool);
}

SCENARIO(scenario_115_terminated_what_runs_is_cancelled_and_no_worker_is_left)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_future *runs = pool_submit(pool, "test.hang", "");
	struct reeve_future *waits[5];
	pid_t pid = pool_pid(pool), ppid, pgrp, sid;
	uint64_t ticks;
	char state = 'Z';

	for (size_t i = 0; i < 5; i++) {
		waits[i] = pool_submit(pool, "test.nap", "1000000");
	}
	pool_runs(runs);
	CU_ASSERT_EQUAL(reeve_pool_terminate(pool, 0, NULL), REEVE_OK);
	pool_ends(runs, REEVE_OUTCOME_CANCELLED);
	for (size_t i = 0; i < 5; i++) {
		pool_ends(waits[i], REEVE_OUTCOME_CANCELLED);
	}
	if (rv_sys_proc_stat(pid, &ppid, &pgrp, &sid, &state, &ticks)) {
		CU_ASSERT(rv_sys_is_dead(state));
	}
	reeve_pool_free(pool);
}

RV_SUITE(pool_executor,
    RV_CASE(scenario_106_one_killed_worker_fails_its_task_alone),
    RV_CASE(scenario_107_each_way_to_fail_has_its_own_end_and_none_hangs),
    RV_CASE(scenario_110_drained_what_waits_is_cancelled_and_what_runs_ends),
    RV_CASE(scenario_112_a_worker_goes_after_three_tasks_and_its_work_is_done),
    RV_CASE(scenario_113_an_idle_worker_is_used_again),
    RV_CASE(
	scenario_115_terminated_what_runs_is_cancelled_and_no_worker_is_left))
