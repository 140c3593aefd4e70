/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool.h> over real workers, as those use it who do nothing wrong:
 * tasks, futures, callbacks, and a pool's life.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/pool_rig.h"

static void
apply_by(enum reeve_method method)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_task_result result = { .size = sizeof(result) };
	uint64_t x = 12;

	(void)method;
	CU_ASSERT_EQUAL(reeve_pool_apply(pool, "test.square", &x, sizeof(x),
			    &result, REEVE_S(30)),
	    REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_EQUAL_FATAL(result.length, sizeof(x));
	memcpy(&x, result.data, sizeof(x));
	CU_ASSERT_EQUAL(x, 144);
	CU_ASSERT_EQUAL(result.attempts, 1);
	CU_ASSERT(result.pid > 0 && result.pid != getpid());
	CU_ASSERT_EQUAL(strncmp(result.worker, "pool.", 5), 0);
	CU_ASSERT_STRING_EQUAL(result.message, "");
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_TEST(a_function_is_applied_by_each_start_method)
{
	pool_each(apply_by);
}

static void
count_it(void *ctx, struct reeve_future *future)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	unsigned *counts = ctx;

	CU_ASSERT_EQUAL(reeve_future_state(future), REEVE_FUTURE_DONE);
	CU_ASSERT_EQUAL(reeve_future_get(future, &result, 0), REEVE_OK);
	counts[result.outcome]++;
	reeve_task_result_free(&result);
}

RV_TEST(callbacks_come_with_their_future)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	unsigned counts[8] = { 0 };
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.echo",
		.data = "x",
		.length = 1,
		.done = count_it,
		.ctx = counts };
	struct reeve_future *future = NULL;

	for (int i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL(
		    reeve_pool_submit(pool, &task, NULL, NULL), REEVE_OK);
	}
	CU_ASSERT_EQUAL(counts[REEVE_OUTCOME_GOOD], 0);
	task.function = "test.fail";
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, &future, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, NULL), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_pool_join(pool, REEVE_S(30), NULL), REEVE_OK);
	CU_ASSERT_EQUAL(counts[REEVE_OUTCOME_GOOD], 50);
	CU_ASSERT_EQUAL(counts[REEVE_OUTCOME_FAILED], 1);
	reeve_future_free(future);
	reeve_pool_free(pool);
}

struct freeing {
	struct reeve_pool *pool;
	struct reeve_future *future;
	enum reeve_status waited, dispatched, submitted;
	unsigned calls;
};

static void
free_all(void *ctx, struct reeve_future *future)
{
	struct freeing *freeing = ctx;
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.nothing" };

	freeing->calls++;
	CU_ASSERT_PTR_EQUAL(future, freeing->future);
	freeing->submitted =
	    reeve_pool_submit(freeing->pool, &task, NULL, NULL);
	freeing->waited = reeve_pool_join(freeing->pool, REEVE_S(1), NULL);
	freeing->dispatched = reeve_pool_dispatch(freeing->pool, NULL);
	reeve_future_free(freeing->future);
	reeve_pool_free(freeing->pool);
}

RV_TEST(a_callback_may_free_its_future_and_its_pool)
{
	struct freeing freeing = { .pool = pool_make(1, NULL) };
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.nothing",
		.done = free_all,
		.ctx = &freeing };
	struct reeve_future *other =
	    pool_submit(freeing.pool, "test.nap", "60000");
	struct reeve_task_result result = { .size = sizeof(result) };

	CU_ASSERT_EQUAL(reeve_pool_resize(freeing.pool, 2, 2, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(freeing.pool, &task, &freeing.future, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_future_wait(other, REEVE_S(30)), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(freeing.calls, 1);
	CU_ASSERT_EQUAL(freeing.submitted, REEVE_OK);
	CU_ASSERT_EQUAL(freeing.waited, REEVE_EINVALID);
	CU_ASSERT_EQUAL(freeing.dispatched, REEVE_EBUSY);
	CU_ASSERT_EQUAL(reeve_future_get(other, &result, 0), REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	reeve_task_result_free(&result);
	reeve_future_free(other);
}

RV_TEST(an_event_loop_polls_one_descriptor)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct pollfd p = { .fd = reeve_pool_fd(pool), .events = POLLIN };
	unsigned counts[8] = { 0 };
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.echo",
		.done = count_it,
		.ctx = counts };
	int turns = 0;

	for (int i = 1; i <= 20; i++) {
		CU_ASSERT_EQUAL(
		    reeve_pool_submit(pool, &task, NULL, NULL), REEVE_OK);
		while (counts[REEVE_OUTCOME_GOOD] < (unsigned)i &&
		       turns++ < 10000) {
			CU_ASSERT_EQUAL_FATAL(poll(&p, 1, 20000), 1);
			CU_ASSERT_EQUAL(
			    reeve_pool_dispatch(pool, NULL), REEVE_OK);
		}
	}
	CU_ASSERT_EQUAL(counts[REEVE_OUTCOME_GOOD], 20);
	reeve_pool_free(pool);
}

RV_TEST(futures_are_waited_for_one_by_one_or_together)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	const char *gate = pool_gate();
	struct reeve_future *futures[4] = {
		pool_submit(pool, "test.hold", gate),
		pool_submit(pool, "test.nap", "1"),
		pool_submit(pool, "test.fail", "so"),
		pool_submit(pool, "test.nap", "2"),
	};
	struct reeve_future *which, *all[4];
	size_t index, seen = 0;

	memcpy(all, futures, sizeof(all));
	CU_ASSERT_EQUAL(
	    reeve_futures_wait(futures, 4, REEVE_FIRST, REEVE_S(30)), REEVE_OK);
	pool_runs(futures[0]);
	CU_ASSERT_EQUAL(reeve_future_wait(futures[0], 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(
	    reeve_futures_wait(futures, 4, REEVE_FIRST_BAD, REEVE_S(30)),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_future_state(futures[2]), REEVE_FUTURE_DONE);
	for (int i = 0; i < 4; i++) {
		if (i == 3) {
			pool_gate_open(gate);
		}
		CU_ASSERT_EQUAL(
		    reeve_futures_next(futures, 4, &which, &index, REEVE_S(30)),
		    REEVE_OK);
		CU_ASSERT_PTR_EQUAL(which, all[index]);
		CU_ASSERT_PTR_NULL(futures[index]);
		seen |= (size_t)1 << index;
		CU_ASSERT(i < 3 || index == 0);
		reeve_future_free(which);
	}
	CU_ASSERT_EQUAL(seen, 15);
	CU_ASSERT_EQUAL(
	    reeve_futures_next(futures, 4, &which, &index, 0), REEVE_EEND);
	CU_ASSERT_EQUAL(reeve_futures_wait(futures, 4, REEVE_ALL, 0), REEVE_OK);
	reeve_pool_free(pool);
}

RV_TEST(a_result_is_moved_once)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_future *future = pool_submit(pool, "test.echo", "mine");
	struct reeve_task_result result = { .size = sizeof(result) };

	CU_ASSERT_EQUAL(
	    reeve_future_get(future, &result, REEVE_S(30)), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(result.data, "mine");
	reeve_task_result_free(&result);
	CU_ASSERT_EQUAL(reeve_future_get(future, &result, 0), REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_EQUAL(result.length, 0);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
	CU_ASSERT_EQUAL(reeve_future_state(future), REEVE_FUTURE_DONE);
	reeve_future_free(future);
}

RV_TEST(waiting_running_and_ended_tasks_are_cancelled)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_future *runs = pool_submit(pool, "test.nap", "60000");
	struct reeve_future *waits = pool_submit(pool, "test.nap", "60000");
	struct reeve_unit_info worker = { .size = sizeof(worker) };
	struct reeve_future *good;
	struct reeve_task_result result;

	CU_ASSERT_EQUAL(reeve_future_cancel(waits, false), REEVE_OK);
	result = pool_result(waits, 5);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	CU_ASSERT_EQUAL(result.pid, 0);
	reeve_task_result_free(&result);
	pool_runs(runs);
	CU_ASSERT_EQUAL(
	    reeve_unit_find(reeve_pool_runtime(pool), "pool.0", &worker, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_future_cancel(runs, false), REEVE_EBUSY);
	CU_ASSERT_EQUAL(reeve_future_cancel(runs, true), REEVE_OK);
	result = pool_result(runs, 10);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	CU_ASSERT_EQUAL(result.pid, worker.pid);
	CU_ASSERT_EQUAL(result.signo, SIGKILL);
	CU_ASSERT_STRING_EQUAL(result.worker, "pool.0");
	CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "was cancelled"));
	reeve_task_result_free(&result);
	good = pool_submit(pool, "test.echo", "on");
	CU_ASSERT_EQUAL(reeve_future_wait(good, REEVE_S(30)), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_future_cancel(good, true), REEVE_EEND);
	result = pool_result(good, 1);
	CU_ASSERT_STRING_EQUAL(result.data, "on");
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_TEST(a_late_apply_is_cancelled)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task_result result = { .size = sizeof(result) };

	CU_ASSERT_EQUAL(reeve_pool_apply(pool, "test.nap", "60000", 5, &result,
			    REEVE_MS(50)),
	    REEVE_ETIMEDOUT);
	result = pool_apply(pool, "test.echo", "next");
	CU_ASSERT_STRING_EQUAL(result.data, "next");
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

static void
state_by(enum reeve_method method)
{
	struct reeve_pool_options options = { .initializer = "test.init",
		.init_args = "42",
		.init_args_length = 2,
		.method = method };
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_task_result result = pool_apply(pool, "test.state", "");
	int got = 0;

	CU_ASSERT_EQUAL_FATAL(result.length, sizeof(got));
	memcpy(&got, result.data, sizeof(got));
	CU_ASSERT_EQUAL(got, 42);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_TEST(an_initializer_runs_before_the_first_task)
{
	pool_each(state_by);
}

RV_TEST(an_initializer_that_fails_breaks_the_pool_and_says_why)
{
	struct reeve_pool_options options = { .initializer = "test.init_bad",
		.init_args = "db1",
		.init_args_length = 3,
		.intensity = 2 };
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_task_result result = pool_apply(pool, "test.echo", "x");
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.echo" };
	struct reeve_error err;

	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_BROKEN);
	CU_ASSERT_STRING_EQUAL(result.type, "test.NoDatabase");
	CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "at db1"));
	reeve_task_result_free(&result);
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, &err), REEVE_EBROKEN);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "at db1"));
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT(stats.broken && !stats.open);
	reeve_pool_free(pool);
}

RV_TEST(large_arguments_and_results_go_beside_the_ring)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	size_t n = 3 * 1024 * 1024 + 5;
	char *big = malloc(n);
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.echo",
		.data = big,
		.length = n };
	struct reeve_future *futures[5];

	memset(big, 'q', n);
	for (int i = 0; i < 5; i++) {
		big[0] = (char)('a' + i);
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_submit(pool, &task, &futures[i], NULL),
		    REEVE_OK);
	}
	for (int i = 0; i < 5; i++) {
		struct reeve_task_result result = pool_result(futures[i], 30);

		big[0] = (char)('a' + i);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
		CU_ASSERT_EQUAL_FATAL(result.length, n);
		CU_ASSERT_EQUAL(memcmp(result.data, big, n), 0);
		CU_ASSERT_EQUAL(((const char *)result.data)[n], '\0');
		reeve_task_result_free(&result);
	}
	free(big);
	reeve_pool_free(pool);
}

RV_TEST(workers_go_after_so_many_tasks)
{
	struct reeve_pool_options options = { .max_tasks = 3 };
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	pid_t pids[10];
	int changes = 0;

	for (int i = 0; i < 10; i++) {
		struct reeve_task_result result =
		    pool_apply(pool, "test.pid", "");

		CU_ASSERT_EQUAL_FATAL(result.length, sizeof(pid_t));
		memcpy(&pids[i], result.data, sizeof(pid_t));
		CU_ASSERT_EQUAL(pids[i], result.pid);
		changes += i > 0 && pids[i] != pids[i - 1];
		reeve_task_result_free(&result);
	}
	CU_ASSERT_EQUAL(changes, 3);
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(stats.deaths, 0);
	reeve_pool_free(pool);
}

static bool
has_workers(struct reeve_pool *pool, uint32_t n)
{
	struct pollfd p = { reeve_pool_fd(pool), POLLIN, 0 };
	struct reeve_pool_stats stats = { .size = sizeof(stats) };

	do {
		CU_ASSERT_EQUAL(reeve_pool_dispatch(pool, NULL), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	} while (
	    stats.workers != n && poll(&p, 1, 20000 * rv_test_slow()) == 1);
	return stats.workers == n;
}

RV_TEST(a_worker_that_was_idle_for_long_ends_and_is_no_death)
{
	struct reeve_pool_options options = { .idle_timeout = REEVE_MS(1) };
	struct reeve_pool *pool = pool_make(2, &options);
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_task_result result;

	CU_ASSERT(has_workers(pool, 2));
	CU_ASSERT_EQUAL(reeve_pool_resize(pool, 1, 2, NULL), REEVE_OK);
	CU_ASSERT(has_workers(pool, 1));
	/* There is another in its place only when it is dead. */
	CU_ASSERT_EQUAL(reeve_pool_resize(pool, 2, 2, NULL), REEVE_OK);
	CU_ASSERT(has_workers(pool, 2));
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(stats.deaths, 0);
	result = pool_apply(pool, "test.die", "9");
	reeve_task_result_free(&result);
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(stats.deaths, 1);
	reeve_pool_free(pool);
}

RV_TEST(a_full_pool_refuses_waits_or_spills)
{
	struct reeve_pool_options options = { .max_waiting = 4,
		.full = REEVE_POOL_REFUSE };
	const char *gate = pool_gate();
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.hold",
		.data = gate,
		.length = strlen(gate) };
	struct reeve_pool *pool = pool_make(1, &options);
	enum reeve_status status = REEVE_OK;
	unsigned counts[8] = { 0 };
	int n = 0;

	while (n < 200 && status == REEVE_OK) {
		status = reeve_pool_submit(pool, &task, NULL, NULL);
		n += status == REEVE_OK;
	}
	CU_ASSERT_EQUAL(status, REEVE_EFULL);
	CU_ASSERT(n >= 4 && n < 100);
	reeve_pool_free(pool);

	task.function = "test.nap";
	task.data = "10";
	task.length = 2;
	task.done = count_it;
	task.ctx = counts;
	for (int i = 0; i < 2; i++) {
		options.full = i == 0 ? REEVE_POOL_BLOCK : REEVE_POOL_SPILL;
		counts[REEVE_OUTCOME_GOOD] = 0;
		pool = pool_make(2, &options);
		for (n = 0; n < 40; n++) {
			CU_ASSERT_EQUAL(
			    reeve_pool_submit(pool, &task, NULL, NULL),
			    REEVE_OK);
		}
		CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_pool_join(pool, REEVE_S(30), NULL), REEVE_OK);
		CU_ASSERT_EQUAL(counts[REEVE_OUTCOME_GOOD], 40);
		reeve_pool_free(pool);
	}
}

RV_TEST(draining_cancels_what_waits_and_lets_what_runs_end)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	const char *gate = pool_gate();
	struct reeve_future *runs = pool_submit(pool, "test.hold", gate);
	struct reeve_future *waits = pool_submit(pool, "test.nap", "1");
	struct reeve_task_result result;

	CU_ASSERT_EQUAL(
	    reeve_pool_join(pool, REEVE_S(1), NULL), REEVE_EINVALID);
	pool_runs(runs);
	CU_ASSERT_EQUAL(reeve_pool_drain(pool, NULL), REEVE_OK);
	result = pool_result(waits, 10);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	reeve_task_result_free(&result);
	CU_ASSERT_EQUAL(
	    reeve_pool_join(pool, REEVE_MS(2), NULL), REEVE_ETIMEDOUT);
	pool_gate_open(gate);
	CU_ASSERT_EQUAL(reeve_pool_join(pool, REEVE_S(30), NULL), REEVE_OK);
	result = pool_result(runs, 0);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

static void
terminate_by(enum reeve_method method)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_future *futures[20];
	struct reeve_task_result result;

	(void)method;
	for (int i = 0; i < 20; i++) {
		futures[i] = pool_submit(
		    pool, i == 0 ? "test.hang" : "test.nap", "60000");
	}
	pool_runs(futures[0]);
	CU_ASSERT_EQUAL(
	    reeve_pool_terminate(pool, REEVE_MS(100), NULL), REEVE_OK);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(
		    reeve_future_state(futures[i]), REEVE_FUTURE_DONE);
		result = pool_result(futures[i], 0);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
		reeve_task_result_free(&result);
	}
	reeve_pool_free(pool);
}

RV_TEST(terminating_leaves_no_future_and_no_worker)
{
	pool_each(terminate_by);
}

RV_TEST(nothing_is_done_in_a_forked_child)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_future *future = pool_submit(pool, "test.nap", "100");
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.echo" };
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		bool fine = reeve_pool_submit(pool, &task, NULL, NULL) ==
				REEVE_EINVALID &&
			    reeve_future_get(future, &result, REEVE_S(5)) ==
				REEVE_EINVALID &&
			    reeve_pool_dispatch(pool, NULL) == REEVE_EINVALID;

		reeve_future_free(future);
		reeve_pool_free(pool);
		_exit(fine ? 0 : 1);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	result = pool_result(future, 30);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_TEST(pools_within_pools_have_an_end)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task_result result;

	result = pool_apply(pool, "test.within", "2");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_STRING_EQUAL(result.message, "");
	reeve_task_result_free(&result);
	result = pool_result(pool_submit(pool, "test.within", "11"), 60);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.message,
	    "cannot make a pool inside of 10 others: at most 10 can be in one "
	    "another"));
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_SUITE(pool, RV_CASE(a_function_is_applied_by_each_start_method),
    RV_CASE(callbacks_come_with_their_future),
    RV_CASE(a_callback_may_free_its_future_and_its_pool),
    RV_CASE(an_event_loop_polls_one_descriptor),
    RV_CASE(futures_are_waited_for_one_by_one_or_together),
    RV_CASE(a_result_is_moved_once),
    RV_CASE(waiting_running_and_ended_tasks_are_cancelled),
    RV_CASE(a_late_apply_is_cancelled),
    RV_CASE(an_initializer_runs_before_the_first_task),
    RV_CASE(an_initializer_that_fails_breaks_the_pool_and_says_why),
    RV_CASE(large_arguments_and_results_go_beside_the_ring),
    RV_CASE(workers_go_after_so_many_tasks),
    RV_CASE(a_worker_that_was_idle_for_long_ends_and_is_no_death),
    RV_CASE(a_full_pool_refuses_waits_or_spills),
    RV_CASE(draining_cancels_what_waits_and_lets_what_runs_end),
    RV_CASE(terminating_leaves_no_future_and_no_worker),
    RV_CASE(nothing_is_done_in_a_forked_child),
    RV_CASE(pools_within_pools_have_an_end))
