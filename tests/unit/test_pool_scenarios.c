/* SPDX-License-Identifier: MIT */
/*
 * What a pool has to do, number by number (tests/README.md): tasks, maps, ends
 * of workers and of pools, by each start method.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/sys.h"
#include "unit/pool_scenario.h"

static int
add(const struct reeve_call *call)
{
	uint64_t pair[2];

	if (call->args_len != sizeof(pair)) {
		return reeve_fail(call, "test.Size", "no pair");
	}
	memcpy(pair, call->args, sizeof(pair));
	pair[0] += pair[1];
	return reeve_return(call, pair, sizeof(pair[0]));
}
REEVE_FUNCTION("test.add", add);

static uint64_t numbers[1000];

static void
count_up(void)
{
	for (uint64_t i = 0; i < RV_ARRAY_LEN(numbers); i++) {
		numbers[i] = i;
	}
}

static struct reeve_map
map_of(const char *function, size_t n, uint32_t chunk)
{
	count_up();
	return (struct reeve_map){ .size = sizeof(struct reeve_map),
		.function = function,
		.items = numbers,
		.item_size = sizeof(numbers[0]),
		.n = n,
		.chunk = chunk };
}

static uint64_t
mapped(struct reeve_pool *pool, const struct reeve_map *map, uint64_t *out)
{
	struct reeve_results *results = NULL;
	uint64_t sum = 0;

	CU_ASSERT_EQUAL_FATAL(reeve_pool_map(pool, map, &results,
				  REEVE_S(120 * rv_test_slow()), NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_results_n(results), map->n);
	CU_ASSERT_EQUAL(
	    reeve_results_copy(results, out, sizeof(*out), NULL), REEVE_OK);
	reeve_results_free(results);
	for (size_t i = 0; i < map->n; i++) {
		sum += out[i];
	}
	return sum;
}

SCENARIO(scenario_76_77_apply_and_map_have_results_in_the_order_of_their_items)
{
	struct reeve_pool *pool = pool_make(3, NULL);
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_map map;
	uint64_t x = 5, got[100];

	CU_ASSERT_EQUAL(reeve_pool_apply(pool, "test.square", &x, sizeof(x),
			    &result, REEVE_S(60)),
	    REEVE_OK);
	CU_ASSERT_FATAL(result.length == sizeof(x));
	memcpy(&x, result.data, sizeof(x));
	CU_ASSERT_EQUAL(x, 25);
	reeve_task_result_free(&result);

	map = map_of("test.square", 10, 0);
	CU_ASSERT_EQUAL(mapped(pool, &map, got), 285);
	map = map_of("test.square", 100, 20);
	(void)mapped(pool, &map, got);
	for (uint64_t i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL(got[i], i * i);
	}
	map = map_of("test.add", 50, 0);
	map.item_size = 2 * sizeof(numbers[0]);
	(void)mapped(pool, &map, got);
	for (uint64_t i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL(got[i], 4 * i + 1);
	}
	pool_closes(pool);
}

SCENARIO(scenario_79_what_cannot_be_a_task_is_refused_and_the_pool_goes_on)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.nowhere" };

	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, NULL), REEVE_ENOENT);
	task.function = NULL;
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, NULL), REEVE_EINVALID);
	pool_ends(
	    pool_submit(pool, "test.square", "three"), REEVE_OUTCOME_FAILED);
	pool_works(pool);
	pool_closes(pool);
}

SCENARIO(scenario_80_of_nothing_there_are_no_results_at_once)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_map map = map_of("test.square", 0, 1);
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_results *results = NULL;
	struct reeve_imap *imap = NULL;
	size_t index;

	CU_ASSERT_EQUAL(mapped(pool, &map, numbers), 0);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_map_start(pool, &map, &results, NULL, NULL, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_results_wait(results, REEVE_S(60)), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_results_n(results), 0);
	reeve_results_free(results);
	for (int unordered = 0; unordered < 2; unordered++) {
		map.unordered = unordered != 0;
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_imap_next(imap, &result, &index, REEVE_S(60)),
		    REEVE_EEND);
		reeve_imap_free(imap);
	}
	pool_closes(pool);
}

SCENARIO(
    scenario_82_a_result_comes_in_its_time_and_who_waited_too_short_asks_again)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_future *future;
	struct reeve_task_result result = { .size = sizeof(result) };
	const char *gate = pool_gate();
	rv_time begun;

	pool_works(pool);
	future = pool_submit(pool, "test.hold", gate);
	pool_runs(future);
	begun = rv_sys_now();
	CU_ASSERT_EQUAL(
	    reeve_future_get(future, &result, REEVE_MS(20)), REEVE_ETIMEDOUT);
	CU_ASSERT(rv_sys_now() - begun >= 20 * RV_MS);
	pool_gate_open(gate);
	result = pool_result(future, 60);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_EQUAL(result.length, strlen(gate));
	CU_ASSERT(result.took >= 20 * RV_MS);
	reeve_task_result_free(&result);
	pool_closes(pool);
}

SCENARIO(
    scenario_83_one_after_the_other_each_result_comes_once_and_then_the_end)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_map map = map_of("test.square", 1000, 100);
	struct reeve_task_result result = { .size = sizeof(result) };
	size_t index = 0;
	uint64_t got = 0;

	for (int unordered = 0; unordered < 2; unordered++) {
		struct reeve_imap *imap = NULL;
		static bool seen[1000];

		memset(seen, 0, sizeof(seen));
		map.unordered = unordered != 0;
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
		for (size_t i = 0; i < 1000; i++) {
			CU_ASSERT_EQUAL_FATAL(
			    reeve_imap_next(imap, &result, &index, REEVE_S(60)),
			    REEVE_OK);
			CU_ASSERT_FATAL(index < 1000 && !seen[index] &&
					result.length == sizeof(got));
			CU_ASSERT(unordered != 0 || index == i);
			memcpy(&got, result.data, sizeof(got));
			CU_ASSERT_EQUAL(got, index * index);
			seen[index] = true;
			reeve_task_result_free(&result);
		}
		for (int i = 0; i < 2; i++) {
			CU_ASSERT_EQUAL(
			    reeve_imap_next(imap, &result, &index, REEVE_S(60)),
			    REEVE_EEND);
		}
		reeve_imap_free(imap);
	}
	pool_closes(pool);
}

SCENARIO(scenario_85_ten_thousand_long_tasks_are_terminated_promptly)
{
	static struct reeve_future *futures[10000];
	struct reeve_pool *pool = pool_make(2, NULL);
	rv_time begun;

	for (size_t i = 0; i < RV_ARRAY_LEN(futures); i++) {
		futures[i] = pool_submit(pool, "test.nap", "1000000");
	}
	pool_runs(futures[0]);
	begun = rv_sys_now();
	CU_ASSERT_EQUAL(
	    reeve_pool_terminate(pool, REEVE_MS(100), NULL), REEVE_OK);
	CU_ASSERT(rv_sys_now() - begun < 10 * RV_SEC * rv_test_slow());
	for (size_t i = 0; i < RV_ARRAY_LEN(futures); i++) {
		CU_ASSERT_EQUAL(
		    reeve_future_state(futures[i]), REEVE_FUTURE_DONE);
		pool_ends(futures[i], REEVE_OUTCOME_CANCELLED);
	}
	reeve_pool_free(pool);
}

SCENARIO(scenario_86_109_a_closed_pool_refuses_and_does_all_that_it_has)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.nothing" };
	struct reeve_future *futures[50];

	CU_ASSERT_EQUAL(reeve_pool_join(pool, 0, NULL), REEVE_EINVALID);
	for (size_t i = 0; i < 50; i++) {
		futures[i] = pool_submit(pool, "test.nap", "1");
	}
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, NULL), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_pool_join(pool, REEVE_S(60), NULL), REEVE_OK);
	for (size_t i = 0; i < 50; i++) {
		pool_ends(futures[i], REEVE_OUTCOME_GOOD);
	}
	reeve_pool_free(pool);

	pool = pool_make(1, NULL);
	CU_ASSERT_EQUAL(reeve_pool_terminate(pool, 0, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, NULL), REEVE_ECLOSED);
	reeve_pool_free(pool);
}

SCENARIO(scenario_88_large_ends_block_nobody_and_a_map_waits_for_all_items)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_future *a = pool_submit(pool, "test.bytes", "1048576");
	struct reeve_future *b = pool_submit(pool, "test.bytes", "1048576");
	struct reeve_map map = map_of("test.add", 2, 1);
	struct reeve_results *results = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };

	CU_ASSERT_EQUAL(reeve_pool_map(pool, &map, &results, REEVE_S(60), NULL),
	    REEVE_EFAILED);
	CU_ASSERT_EQUAL(reeve_results_bad(results), 2);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
	}
	reeve_results_free(results);
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_join(pool, REEVE_S(60), NULL), REEVE_OK);
	pool_ends(a, REEVE_OUTCOME_GOOD);
	pool_ends(b, REEVE_OUTCOME_GOOD);
	reeve_pool_free(pool);
}

#define BIG ((size_t)4 << 20)

SCENARIO(scenario_89_arguments_and_results_are_let_go_of_on_both_sides)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	char *big = calloc(1, BIG);
	struct reeve_task_result result = { .size = sizeof(result) };
	uint64_t before[2] = { 0 }, after[2] = { 0 };

	for (int i = 0; i < 40; i++) {
		CU_ASSERT_EQUAL(reeve_pool_apply(pool, "test.echo", big, BIG,
				    &result, REEVE_S(60)),
		    REEVE_OK);
		CU_ASSERT_EQUAL(result.length, BIG);
		after[0] = rv_sys_resident(getpid());
		after[1] = rv_sys_resident(result.pid);
		if (i == 5) {
			memcpy(before, after, sizeof(before));
		}
		reeve_task_result_free(&result);
	}
	CU_ASSERT(after[0] < before[0] + 4 * BIG);
	CU_ASSERT(after[1] < before[1] + 4 * BIG);
	free(big);
	pool_closes(pool);
}

SCENARIO(scenario_91_all_workers_change_after_ten_tasks_each)
{
	struct reeve_pool_options options = { .max_tasks = 10,
		.method = method };
	struct reeve_pool *pool = pool_make(3, &options);
	struct reeve_future *futures[100];
	pid_t pids[100];

	for (size_t i = 0; i < 100; i++) {
		futures[i] = pool_submit(pool, "test.pid", "");
	}
	for (size_t i = 0; i < 100; i++) {
		struct reeve_task_result result = pool_result(futures[i], 60);

		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
		pids[i] = result.pid;
		reeve_task_result_free(&result);
	}
	for (size_t i = 0; i < 100; i++) {
		unsigned same = 0;

		for (size_t j = 0; j < 100; j++) {
			same += pids[i] == pids[j];
		}
		CU_ASSERT(same <= 10);
	}
	pool_closes(pool);
}

SCENARIO(scenario_92_closed_early_workers_of_one_task_do_all)
{
	struct reeve_pool_options options = { .max_tasks = 1,
		.method = method };
	struct reeve_pool *pool = pool_make(3, &options);
	struct reeve_future *futures[6];

	for (size_t i = 0; i < 6; i++) {
		futures[i] = pool_submit(pool, "test.nap", "300");
	}
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_join(pool, REEVE_S(60), NULL), REEVE_OK);
	for (size_t i = 0; i < 6; i++) {
		pool_ends(futures[i], REEVE_OUTCOME_GOOD);
	}
	reeve_pool_free(pool);
}

SCENARIO(scenario_95_two_hundred_workers_sum_squares)
{
	struct reeve_pool *pool = pool_make(200, NULL);
	struct reeve_map map = map_of("test.square", 1000, 0);
	static uint64_t got[1000];

	CU_ASSERT_EQUAL(mapped(pool, &map, got), 332833500);
	pool_closes(pool);
}

SCENARIO(scenario_97_an_idle_worker_that_is_killed_costs_nothing)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	pid_t first = pool_pid(pool), second;

	CU_ASSERT_EQUAL(kill(first, SIGKILL), 0);
	second = pool_pid(pool);
	if (second == first) {
		/* It was the quicker one. */
		second = pool_pid(pool);
	}
	CU_ASSERT_NOT_EQUAL(second, first);
	pool_closes(pool);
}

SCENARIO(scenario_98_a_crash_is_told_with_its_signal_and_where)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task_result result = pool_apply(pool, "test.crash", "");

	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_DIED);
	CU_ASSERT_EQUAL(result.signo, SIGSEGV);
	CU_ASSERT_STRING_EQUAL(result.type, "SIGSEGV");
	CU_ASSERT_PTR_NOT_NULL(strstr(result.backtrace, "#0"));
	CU_ASSERT(result.pid > 0 && result.worker[0] != '\0');
	reeve_task_result_free(&result);
	pool_works(pool);
	pool_closes(pool);
}

SCENARIO(scenario_100_a_task_over_its_limits_is_interrupted_then_killed)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.patient",
		.soft_limit = REEVE_MS(50) };
	struct reeve_future *future = NULL;
	struct reeve_task_result result;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_submit(pool, &task, &future, NULL), REEVE_OK);
	result = pool_result(future, 60);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
	CU_ASSERT_STRING_EQUAL(result.type, "test.Interrupted");
	reeve_task_result_free(&result);
	task.function = "test.hang";
	task.hard_limit = REEVE_MS(200);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_submit(pool, &task, &future, NULL), REEVE_OK);
	pool_ends(future, REEVE_OUTCOME_TIMED_OUT);
	pool_works(pool);
	pool_closes(pool);
}

SCENARIO(scenario_101_cancelled_before_meanwhile_and_after)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_future *runs = pool_submit(pool, "test.nap", "1000000");
	struct reeve_future *waits = pool_submit(pool, "test.nap", "1000000");
	struct reeve_future *good;

	pool_runs(runs);
	CU_ASSERT_EQUAL(reeve_future_cancel(waits, false), REEVE_OK);
	pool_ends(waits, REEVE_OUTCOME_CANCELLED);
	CU_ASSERT_EQUAL(reeve_future_cancel(runs, true), REEVE_OK);
	pool_ends(runs, REEVE_OUTCOME_CANCELLED);
	good = pool_submit(pool, "test.echo", "on");
	CU_ASSERT_EQUAL(reeve_future_wait(good, REEVE_S(60)), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_future_cancel(good, true), REEVE_EEND);
	pool_ends(good, REEVE_OUTCOME_GOOD);
	pool_closes(pool);
}

SCENARIO(scenario_103_an_initializer_that_always_fails_breaks_the_pool)
{
	struct reeve_pool_options options = { .method = method,
		.initializer = "test.init_bad",
		.init_args = "db1",
		.init_args_length = 3,
		.intensity = 2 };
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_task_result result = pool_apply(pool, "test.echo", "x");

	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_BROKEN);
	CU_ASSERT_STRING_EQUAL(result.type, "test.NoDatabase");
	CU_ASSERT_EQUAL(result.attempts, 0);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

static bool
produce(void *ctx, const void **data, size_t *length, bool *failed)
{
	uint64_t *asked = ctx;

	(void)failed;
	*data = &numbers[*asked % 1000];
	*length = sizeof(numbers[0]);
	return ++*asked <= 1000000;
}

SCENARIO(scenario_104_a_lazy_producer_is_asked_for_no_more_than_the_window)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	uint64_t asked = 0;
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.square",
		.next = produce,
		.ctx = &asked,
		.window = 8 };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_imap *imap = NULL;
	size_t index;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	for (int i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_imap_next(imap, &result, &index, REEVE_S(60)),
		    REEVE_OK);
		reeve_task_result_free(&result);
	}
	CU_ASSERT(asked >= 10 && asked <= 18);
	reeve_imap_free(imap);
	pool_closes(pool);
}

/* Whoever leaves without a word to the pool. */
SCENARIO(scenario_94_who_leaves_main_with_a_pool_leaves_nothing_behind)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		struct reeve_pool_options options = { .size = sizeof(options),
			.min = 2,
			.max = 2,
			.libexec_dir = getenv("REEVE_LIBEXEC"),
			.method = method };
		struct reeve_task_result result = { .size = sizeof(result) };
		struct reeve_pool *pool = NULL;

		_exit(reeve_pool_new(&pool, &options, NULL) != REEVE_OK ||
		      reeve_pool_apply(pool, "test.echo", "", 0, &result,
			  REEVE_S(60)) != REEVE_OK);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

RV_SUITE(pool_scenarios,
    RV_CASE(
	scenario_76_77_apply_and_map_have_results_in_the_order_of_their_items),
    RV_CASE(scenario_79_what_cannot_be_a_task_is_refused_and_the_pool_goes_on),
    RV_CASE(scenario_80_of_nothing_there_are_no_results_at_once),
    RV_CASE(
	scenario_82_a_result_comes_in_its_time_and_who_waited_too_short_asks_again),
    RV_CASE(
	scenario_83_one_after_the_other_each_result_comes_once_and_then_the_end),
    RV_CASE(scenario_85_ten_thousand_long_tasks_are_terminated_promptly),
    RV_CASE(scenario_86_109_a_closed_pool_refuses_and_does_all_that_it_has),
    RV_CASE(scenario_88_large_ends_block_nobody_and_a_map_waits_for_all_items),
    RV_CASE(scenario_89_arguments_and_results_are_let_go_of_on_both_sides),
    RV_CASE(scenario_91_all_workers_change_after_ten_tasks_each),
    RV_CASE(scenario_92_closed_early_workers_of_one_task_do_all),
    RV_CASE(scenario_94_who_leaves_main_with_a_pool_leaves_nothing_behind),
    RV_CASE(scenario_95_two_hundred_workers_sum_squares),
    RV_CASE(scenario_97_an_idle_worker_that_is_killed_costs_nothing),
    RV_CASE(scenario_98_a_crash_is_told_with_its_signal_and_where),
    RV_CASE(scenario_100_a_task_over_its_limits_is_interrupted_then_killed),
    RV_CASE(scenario_101_cancelled_before_meanwhile_and_after),
    RV_CASE(scenario_103_an_initializer_that_always_fails_breaks_the_pool),
    RV_CASE(scenario_104_a_lazy_producer_is_asked_for_no_more_than_the_window))
