/* SPDX-License-Identifier: MIT */
/*
 * How many workers a pool has, and which go: those that have swollen or had
 * their number of tasks, more and fewer by what waits, others by resize. Of no
 * task anything is lost by it.
 */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/sys.h"
#include "unit/pool_gate.h"

#define NEVER (INT64_C(3600) * RV_SEC)

/* -------- workers that are replaced -------- */

static int
resident(const struct reeve_call *call)
{
	uint64_t bytes = rv_sys_resident(getpid());

	return reeve_return(call, &bytes, sizeof(bytes));
}
REEVE_FUNCTION("test.resident", resident);

#define SWELLING ((size_t)48 * 1024 * 1024)

/* For so long that its memory is looked at when it has ended. */
static int
swell(const struct reeve_call *call)
{
	pid_t pid = getpid();
	rv_time until = rv_sys_now() + 15 * RV_MS;

	if (mmap(NULL, SWELLING, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		0) == MAP_FAILED) {
		return reeve_fail(call, "test.Swell", "no memory");
	}
	while (rv_sys_now() < until) {
		(void)poll(NULL, 0, 15);
	}
	return reeve_return(call, &pid, sizeof(pid));
}
REEVE_FUNCTION("test.swell", swell);

static pid_t
pid_of(struct reeve_task_result result)
{
	pid_t pid = 0;

	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_EQUAL(result.attempts, 1);
	if (result.length == sizeof(pid)) {
		memcpy(&pid, result.data, sizeof(pid));
	}
	CU_ASSERT_EQUAL(pid, result.pid);
	reeve_task_result_free(&result);
	return pid;
}

static uint64_t
resident_of_a_worker(enum reeve_method method)
{
	struct reeve_pool_options options = { .method = method };
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_task_result result = pool_apply(pool, "test.resident", "");
	uint64_t bytes = 0;

	CU_ASSERT_EQUAL_FATAL(result.length, sizeof(bytes));
	memcpy(&bytes, result.data, sizeof(bytes));
	CU_ASSERT(bytes > 0);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
	return bytes;
}

static void
swell_by(enum reeve_method method)
{
	struct reeve_pool_options options = { .method = method,
		.max_memory = resident_of_a_worker(method) + SWELLING / 2 };
	struct reeve_pool *pool = pool_make(1, &options);
	pid_t before = pid_of(pool_apply(pool, "test.pid", "")), swollen;
	struct reeve_future *swells, *behind[10];

	CU_ASSERT_EQUAL(pid_of(pool_apply(pool, "test.pid", "")), before);
	swells = pool_submit(pool, "test.swell", "");
	for (int i = 0; i < 10; i++) {
		behind[i] = pool_submit(pool, "test.pid", "");
	}
	swollen = pid_of(pool_result(swells, 60));
	CU_ASSERT_EQUAL(swollen, before);
	before = 0;
	for (int i = 0; i < 10; i++) {
		pid_t pid = pid_of(pool_result(behind[i], 60));

		CU_ASSERT_NOT_EQUAL(pid, swollen);
		CU_ASSERT(before == 0 || pid == before);
		before = pid;
	}
	reeve_pool_free(pool);
}

RV_TEST(a_worker_that_has_swollen_is_another_after_its_task)
{
	pool_each(swell_by);
}

RV_TEST(items_of_a_worker_that_has_swollen_keep_their_results)
{
	struct reeve_pool_options options = {
		.max_memory =
		    resident_of_a_worker(REEVE_METHOD_DEFAULT) + SWELLING / 2
	};
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.swell",
		.items = "1234",
		.item_size = 1,
		.n = 4,
		.chunk = 2 };
	struct reeve_results *results = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };
	pid_t pids[4];

	CU_ASSERT_EQUAL(reeve_pool_map(pool, &map, &results,
			    REEVE_S(60 * rv_test_slow()), NULL),
	    REEVE_OK);
	for (size_t i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		pids[i] = pid_of(result);
		CU_ASSERT(i % 2 == 0 || pids[i] == pids[i - 1]);
		CU_ASSERT(i % 2 == 1 || i == 0 || pids[i] != pids[i - 1]);
	}
	reeve_results_free(results);
	reeve_pool_free(pool);
}

static unsigned
count_pid(const pid_t *pids, unsigned n, pid_t pid)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		found += pids[i] == pid;
	}
	return found;
}

static void
tired_by(enum reeve_method method)
{
	struct reeve_pool_options options = { .method = method,
		.max_tasks = 7 };
	struct reeve_pool *pool = pool_make(2, &options);
	struct reeve_future *futures[70];
	pid_t pids[70];

	for (unsigned i = 0; i < 70; i++) {
		futures[i] = pool_submit(pool, "test.pid", "");
	}
	for (unsigned i = 0; i < 70; i++) {
		pids[i] = pid_of(pool_result(futures[i], 60));
	}
	for (unsigned i = 0; i < 70; i++) {
		CU_ASSERT(count_pid(pids, 70, pids[i]) <= 7);
	}
	reeve_pool_free(pool);
}

RV_TEST(no_worker_has_more_than_its_number_of_tasks)
{
	pool_each(tired_by);
}

/* -------- more and fewer -------- */

static struct gate
open_pool(const char *name, const struct reeve_pool_options *options)
{
	struct gate gate;

	gate_make(&gate, name);
	gate.pool = pool_make(0, options);
	return gate;
}

static void
submit_gates(struct gate *gate, struct reeve_future **futures, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		futures[i] = pool_submit(gate->pool, "test.gate", gate->args);
	}
}

static void
await_gates(struct reeve_future **futures, pid_t *pids, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		pids[i] = pid_of(pool_result(futures[i], 60));
	}
}

static void
close_pool(struct gate *gate)
{
	reeve_pool_free(gate->pool);
	gate_remove(gate);
}

/* Nothing is let through, so that each that has begun has a worker. */
RV_TEST(there_are_as_many_workers_as_tasks_wait_but_no_more_than_max)
{
	struct reeve_pool_options options = {
		.min = 1, .max = 3, .grow_after = NEVER, .idle_timeout = NEVER
	};
	struct gate gate = open_pool("deep", &options);
	struct reeve_future *futures[5];
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	pid_t pids[5];

	submit_gates(&gate, futures, 5);
	gate_await(&gate, 3);
	CU_ASSERT_EQUAL(reeve_pool_stats(gate.pool, &stats, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(stats.workers, 3);
	CU_ASSERT_EQUAL(stats.running, 3);
	CU_ASSERT_EQUAL(stats.waiting, 2);
	CU_ASSERT(stats.min == 1 && stats.max == 3);
	gate_let(&gate, 5);
	await_gates(futures, pids, 5);
	CU_ASSERT_EQUAL(gate.most, 3);
	close_pool(&gate);
}

/* One waits behind one that runs: not more than there are workers. */
RV_TEST(one_that_waits_for_long_has_a_worker_of_its_own)
{
	struct reeve_pool_options options = {
		.min = 1, .max = 2, .grow_after = RV_MS, .idle_timeout = NEVER
	};
	struct gate gate = open_pool("late", &options);
	struct reeve_future *futures[2];
	pid_t pids[2];

	submit_gates(&gate, futures, 1);
	gate_await(&gate, 1);
	submit_gates(&gate, futures + 1, 1);
	gate_await(&gate, 2);
	gate_let(&gate, 2);
	await_gates(futures, pids, 2);
	CU_ASSERT_NOT_EQUAL(pids[0], pids[1]);
	close_pool(&gate);
}

RV_TEST(who_would_wait_shortly_has_none_and_waits)
{
	struct reeve_pool_options options = {
		.min = 1, .max = 2, .grow_after = NEVER, .idle_timeout = NEVER
	};
	struct gate gate = open_pool("soon", &options);
	struct reeve_unit_info second = { .size = sizeof(second) };
	struct reeve_future *futures[2];
	pid_t pids[2];

	submit_gates(&gate, futures, 1);
	gate_await(&gate, 1);
	submit_gates(&gate, futures + 1, 1);
	CU_ASSERT_EQUAL(
	    reeve_future_wait(futures[1], 20 * RV_MS), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_unit_find(reeve_pool_runtime(gate.pool), "pool.1",
			    &second, NULL),
	    REEVE_ENOENT);
	gate_let(&gate, 2);
	await_gates(futures, pids, 2);
	CU_ASSERT_EQUAL(pids[0], pids[1]);
	close_pool(&gate);
}

static void
shrink_by(enum reeve_method method)
{
	struct reeve_pool_options options = {
		.method = method, .min = 2, .max = 4, .idle_timeout = RV_MS
	};
	char name[16];
	struct reeve_future *futures[4];
	struct gate gate;
	pid_t pids[4];

	(void)snprintf(name, sizeof(name), "idle%d", (int)method);
	gate = open_pool(name, &options);
	for (unsigned round = 1; round <= 3; round++) {
		submit_gates(&gate, futures, 4);
		gate_await(&gate, 4 * round);
		CU_ASSERT_EQUAL(gate.most, 4);
		gate_let(&gate, 4);
		await_gates(futures, pids, 4);
		gate.least = UINT32_MAX;
		gate_await_workers(&gate, 2);
		/* It does not go on to fewer, however often it is asked. */
		for (int i = 0; i < 20; i++) {
			(void)pid_of(pool_apply(gate.pool, "test.pid", ""));
		}
		gate_await_workers(&gate, 2);
		CU_ASSERT(gate.least >= 2);
	}
	close_pool(&gate);
}

RV_TEST(who_is_idle_goes_and_comes_again_but_for_the_fewest)
{
	pool_each(shrink_by);
}

/* -------- resize -------- */

RV_TEST(what_runs_above_a_new_size_ends_well_and_its_worker_after_it)
{
	struct reeve_pool_options options = {
		.idle_timeout = NEVER, .min = 4, .max = 4
	};
	struct gate gate = open_pool("down", &options);
	struct reeve_future *futures[6];
	pid_t pids[6];

	submit_gates(&gate, futures, 4);
	gate_await(&gate, 4);
	CU_ASSERT_EQUAL(reeve_pool_resize(gate.pool, 1, 1, NULL), REEVE_OK);
	submit_gates(&gate, futures + 4, 2);
	gate_let(&gate, 6);
	await_gates(futures, pids, 6);
	/* Those that came later are the lowest place's. */
	CU_ASSERT_EQUAL(pids[4], pids[5]);
	gate_await_workers(&gate, 1);
	close_pool(&gate);
}

RV_TEST(a_greater_size_has_its_workers_at_once)
{
	struct reeve_pool_options options = {
		.idle_timeout = NEVER, .grow_after = NEVER, .min = 1, .max = 1
	};
	struct gate gate = open_pool("up", &options);
	struct reeve_future *futures[3];
	pid_t pids[3];

	submit_gates(&gate, futures, 1);
	gate_await(&gate, 1);
	CU_ASSERT_EQUAL(reeve_pool_resize(gate.pool, 3, 3, NULL), REEVE_OK);
	submit_gates(&gate, futures + 1, 2);
	gate_await(&gate, 3);
	gate_let(&gate, 3);
	await_gates(futures, pids, 3);
	CU_ASSERT(pids[0] != pids[1] && pids[1] != pids[2]);
	close_pool(&gate);
}

RV_TEST(sizes_that_cannot_be_change_nothing)
{
	static const uint32_t sizes[][2] = { { 0, 1 }, { 3, 2 }, { 1, 0 },
		{ 1, 1025 }, { 1025, 1025 }, { UINT32_MAX, UINT32_MAX } };
	struct reeve_pool_options options = { .min = 1, .max = 3 };
	struct reeve_pool *pool = pool_make(0, &options);
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_error err;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CU_ASSERT_EQUAL(
		    reeve_pool_resize(pool, sizes[i][0], sizes[i][1], &err),
		    REEVE_EINVALID);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "at most 1024"));
		CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
		CU_ASSERT(stats.min == 1 && stats.max == 3);
	}
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_resize(pool, 2, 2, &err), REEVE_ECLOSED);
	reeve_pool_free(pool);
}

/* -------- nothing is lost -------- */

struct crowd {
	uint64_t numbers[4000];
	uint8_t ends[4000];
	uint64_t n, ended, bad;
};

static void
on_square(void *ctx, struct reeve_future *future)
{
	struct crowd *crowd = ctx;
	struct reeve_task_result result = { .size = sizeof(result) };
	uint64_t square = UINT64_MAX, root = 0;

	CU_ASSERT_EQUAL(reeve_future_get(future, &result, 0), REEVE_OK);
	if (result.outcome == REEVE_OUTCOME_GOOD && result.attempts == 1 &&
	    result.length == sizeof(square)) {
		memcpy(&square, result.data, sizeof(square));
	}
	while (root < crowd->n && root * root < square) {
		root++;
	}
	if (root < crowd->n && root * root == square) {
		crowd->ends[root]++;
	} else {
		crowd->bad++;
	}
	crowd->ended++;
	reeve_task_result_free(&result);
}

static void
submit_squares(struct reeve_pool *pool, struct crowd *crowd, unsigned n)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.square",
		.length = sizeof(uint64_t),
		.done = on_square,
		.ctx = crowd };

	for (; n > 0; n--) {
		crowd->numbers[crowd->n] = crowd->n;
		task.data = &crowd->numbers[crowd->n++];
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_submit(pool, &task, NULL, NULL), REEVE_OK);
	}
}

/* Bursts, with another size before each and workers that go when they are idle
 * for a moment. */
static void
breathe_by(enum reeve_method method)
{
	struct reeve_pool_options options = { .method = method,
		.min = 1,
		.max = 4,
		.max_tasks = 50,
		.grow_after = RV_MS / 10,
		.idle_timeout = RV_MS / 2 };
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	unsigned seed = 7;
	struct reeve_pool *pool = pool_make(0, &options);
	uint64_t not_once = 0;

	while (crowd->n < 2000) {
		uint32_t max = 1 + (uint32_t)rand_r(&seed) % 4;
		uint32_t min = 1 + (uint32_t)rand_r(&seed) % max;

		CU_ASSERT_EQUAL(
		    reeve_pool_resize(pool, min, max, NULL), REEVE_OK);
		submit_squares(pool, crowd, 1 + (unsigned)rand_r(&seed) % 120);
		(void)pid_of(pool_apply(pool, "test.pid", ""));
	}
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_pool_join(pool, REEVE_S(60 * rv_test_slow()), NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(crowd->ended, crowd->n);
	CU_ASSERT_EQUAL(crowd->bad, 0);
	for (uint64_t i = 0; i < crowd->n; i++) {
		not_once += crowd->ends[i] != 1;
	}
	CU_ASSERT_EQUAL(not_once, 0);
	reeve_pool_free(pool);
	free(crowd);
}

RV_TEST(each_task_is_done_once_while_workers_come_and_go)
{
	pool_each(breathe_by);
}

/* -------- priorities -------- */

struct order {
	uint8_t priorities[64];
	unsigned n;
};

struct urgent {
	struct order *order;
	uint8_t priority;
};

static void
on_urgent(void *ctx, struct reeve_future *future)
{
	struct urgent *urgent = ctx;

	(void)future;
	urgent->order->priorities[urgent->order->n++] = urgent->priority;
}

/* The least urgent first, in turns; while one runs that they wait for. */
RV_TEST(what_is_more_urgent_comes_first)
{
	struct reeve_pool_options options = { .min = 1, .max = 1 };
	struct gate gate = open_pool("urgent", &options);
	struct order order = { .n = 0 };
	struct urgent urgent[64];
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.nothing",
		.done = on_urgent };
	struct reeve_future *first, *last = NULL;
	pid_t pid;

	submit_gates(&gate, &first, 1);
	gate_await(&gate, 1);
	for (unsigned i = 0; i < 64; i++) {
		urgent[i] = (struct urgent){ &order, (uint8_t)(7 - i % 8) };
		task.ctx = &urgent[i];
		task.priority = urgent[i].priority;
		CU_ASSERT_EQUAL_FATAL(reeve_pool_submit(gate.pool, &task,
					  i == 56 ? &last : NULL, NULL),
		    REEVE_OK);
	}
	/* What was given to wait behind the first has been taken back then. */
	CU_ASSERT_EQUAL(reeve_future_wait(first, 20 * RV_MS), REEVE_ETIMEDOUT);
	gate_let(&gate, 1);
	await_gates(&first, &pid, 1);
	CU_ASSERT_EQUAL(
	    reeve_future_wait(last, REEVE_S(60 * rv_test_slow())), REEVE_OK);
	reeve_future_free(last);
	CU_ASSERT_EQUAL(order.n, 64);
	for (unsigned i = 0; i < 64; i++) {
		CU_ASSERT_EQUAL(order.priorities[i], i / 8);
	}
	close_pool(&gate);
}

RV_SUITE(pool_grow,
    RV_CASE(a_worker_that_has_swollen_is_another_after_its_task),
    RV_CASE(items_of_a_worker_that_has_swollen_keep_their_results),
    RV_CASE(no_worker_has_more_than_its_number_of_tasks),
    RV_CASE(there_are_as_many_workers_as_tasks_wait_but_no_more_than_max),
    RV_CASE(one_that_waits_for_long_has_a_worker_of_its_own),
    RV_CASE(who_would_wait_shortly_has_none_and_waits),
    RV_CASE(who_is_idle_goes_and_comes_again_but_for_the_fewest),
    RV_CASE(what_runs_above_a_new_size_ends_well_and_its_worker_after_it),
    RV_CASE(a_greater_size_has_its_workers_at_once),
    RV_CASE(sizes_that_cannot_be_change_nothing),
    RV_CASE(each_task_is_done_once_while_workers_come_and_go),
    RV_CASE(what_is_more_urgent_comes_first))
