/* SPDX-License-Identifier: MIT */
/*
 * Pools in the hands of somebody who has read the headers alone: sizes that
 * nothing has, maps that there is no memory for, and thousands of futures that
 * are taken as they complete.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/sys.h"
#include "unit/pool_rig.h"

#define TASKS ((size_t)5000)

static const struct iovec nowhere[] = {
	{ .iov_base = (void *)(uintptr_t) "a", .iov_len = 1 },
	{ .iov_base = NULL, .iov_len = 1 },
};

static const struct sizes {
	const void *items;
	size_t item_size;
	const struct iovec *vector;
	size_t n;
	enum reeve_status status;
} sizes[] = {
	{ "abc", SIZE_MAX / 2, NULL, 4, REEVE_EINVALID },
	{ "abc", 2, NULL, SIZE_MAX, REEVE_EINVALID },
	{ "abc", 0, NULL, SIZE_MAX, REEVE_EINVALID },
	{ NULL, 0, NULL, SIZE_MAX, REEVE_EINVALID },
	{ NULL, 0, nowhere, 2, REEVE_EINVALID },
	{ NULL, 0, NULL, SIZE_MAX / 32, REEVE_ENOMEM },
	{ NULL, 0, nowhere, 1, REEVE_OK },
	{ "abc", 1, NULL, 3, REEVE_OK },
	{ NULL, 0, NULL, 3, REEVE_OK },
	{ "abc", SIZE_MAX, NULL, 0, REEVE_OK },
};

RV_TEST(maps_of_items_that_lie_nowhere_are_refused)
{
	struct reeve_pool *pool = pool_make(1, NULL);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct reeve_map map = { .size = sizeof(map),
			.function = "test.echo",
			.items = sizes[i].items,
			.item_size = sizes[i].item_size,
			.vector = sizes[i].vector,
			.n = sizes[i].n };
		struct reeve_results *results = NULL;

		CU_ASSERT_EQUAL(
		    reeve_pool_map(pool, &map, &results, REEVE_S(30), NULL),
		    sizes[i].status);
		CU_ASSERT_EQUAL(results != NULL, sizes[i].status == REEVE_OK);
		CU_ASSERT(
		    results == NULL || reeve_results_n(results) == sizes[i].n);
		reeve_results_free(results);
	}
	reeve_pool_free(pool);
}

struct producer {
	int left;
	const void *data;
	size_t length;
};

static bool
produce(void *ctx, const void **data, size_t *length, bool *failed)
{
	struct producer *producer = ctx;

	(void)failed;
	*data = producer->left > 0 ? "fine" : producer->data;
	*length = producer->left > 0 ? 4 : producer->length;
	return producer->left-- >= 0;
}

RV_TEST(a_producer_of_what_lies_nowhere_has_failed)
{
	static const struct producer producers[] = {
		{ 3, NULL, 1 },
		{ 3, "abc", SIZE_MAX },
		{ 0, "abc", SIZE_MAX - 1 },
	};
	struct reeve_pool *pool = pool_make(1, NULL);

	for (size_t i = 0; i < 3; i++) {
		struct producer producer = producers[i];
		const struct reeve_map map = { .size = sizeof(map),
			.function = "test.echo",
			.next = produce,
			.ctx = &producer };
		struct reeve_results *results = NULL;

		CU_ASSERT_EQUAL(
		    reeve_pool_map(pool, &map, &results, REEVE_S(30), NULL),
		    REEVE_EFAILED);
		CU_ASSERT_EQUAL(
		    reeve_results_n(results), (size_t)producers[i].left);
		CU_ASSERT_EQUAL(reeve_results_bad(results), 0);
		reeve_results_free(results);
	}
	reeve_pool_free(pool);
}

RV_TEST(thousands_of_futures_are_said_once_each)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_future **futures = calloc(TASKS, sizeof(*futures));
	bool *said = calloc(TASKS, sizeof(*said));
	struct reeve_future *which = NULL;
	size_t n = 0, i = 0;

	CU_ASSERT_EQUAL(
	    reeve_futures_next(NULL, 1, &which, &i, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_futures_next(NULL, 0, &which, &i, 0), REEVE_EEND);
	for (size_t k = 0; k < TASKS; k++) {
		futures[k] = pool_submit(pool, "test.echo", "x");
	}
	while (reeve_futures_next(futures, TASKS, &which, &i, REEVE_S(60)) ==
	       REEVE_OK) {
		CU_ASSERT_FATAL(i < TASKS && !said[i] && futures[i] == NULL);
		CU_ASSERT_EQUAL(reeve_future_state(which), REEVE_FUTURE_DONE);
		said[i] = true;
		n++;
		reeve_future_free(which);
	}
	CU_ASSERT_EQUAL(n, TASKS);
	CU_ASSERT_EQUAL(
	    reeve_futures_next(futures, TASKS, &which, &i, 0), REEVE_EEND);
	free(said);
	free(futures);
	reeve_pool_free(pool);
}

/* 0: the first signal that interrupts it finds it overdue. */
static int
stranger_doze(const struct reeve_call *call)
{
	while (!reeve_task_is_overdue(call)) {
		if (poll(NULL, 0, 1000) == -1 && errno == EINTR &&
		    !reeve_task_is_overdue(call)) {
			return reeve_fail(call, "test.Early", "not overdue");
		}
	}
	return 0;
}
REEVE_FUNCTION("test.stranger-doze", stranger_doze);

RV_TEST(who_is_interrupted_by_a_soft_limit_is_overdue)
{
	const struct reeve_pool_options options = { .max_tasks = 1 };
	struct reeve_pool *pool = pool_make(2, &options);
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.stranger-doze",
		.soft_limit = REEVE_MS(20),
		.hard_limit = REEVE_S(60) };

	for (int i = 0; i < 40; i++) {
		struct reeve_future *future = NULL;
		struct reeve_task_result result;

		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_submit(pool, &task, &future, NULL), REEVE_OK);
		result = pool_result(future, 30);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
		reeve_task_result_free(&result);
	}
	reeve_pool_free(pool);
}

RV_TEST(signals_that_nobody_can_catch_are_no_soft_signals)
{
	const int signals[] = { SIGKILL, SIGSTOP, 65, -1 };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		const struct reeve_pool_options options = {
			.size = sizeof(options), .soft_signal = signals[i]
		};
		struct reeve_pool *pool = NULL;

		CU_ASSERT_EQUAL(
		    reeve_pool_new(&pool, &options, NULL), REEVE_EINVALID);
		CU_ASSERT_PTR_NULL(pool);
	}
}

static int
stranger_init(const struct reeve_call *call)
{
	if (reeve_return(call, "x", 1) == 0) {
		return 0; /* there is nobody to answer */
	}
	return reeve_fail(
	    call, "test.NoTable", "no table %s", (const char *)call->args);
}
REEVE_FUNCTION("test.stranger-init", stranger_init);

RV_TEST(an_initializer_says_why_it_failed)
{
	const struct reeve_pool_options options = { .initializer =
							"test.stranger-init",
		.init_args = "t1",
		.init_args_length = 2,
		.intensity = 1 };
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_task_result result = pool_apply(pool, "test.echo", "x");

	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_BROKEN);
	CU_ASSERT_STRING_EQUAL(result.type, "test.NoTable");
	CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "no table t1"));
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_TEST(a_pool_is_not_broken_by_one_whose_name_is_longer)
{
	struct reeve_pool_options options = { .name = "a" };
	struct reeve_pool *pool = pool_make(1, &options), *other;
	struct reeve_task_result result = pool_apply(pool, "test.echo", "x");

	reeve_task_result_free(&result);
	options.name = "a.b";
	options.reeve = reeve_pool_runtime(pool);
	options.initializer = "test.stranger-init";
	options.intensity = 1;
	other = pool_make(1, &options);
	result = pool_apply(other, "test.echo", "x");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_BROKEN);
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.echo", "x");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	reeve_pool_free(other);
	reeve_pool_free(pool);
}

RV_TEST(an_imap_over_a_full_pool_waits_no_longer_than_was_said)
{
	const struct reeve_pool_options options = { .max_waiting = 1 };
	struct reeve_pool *pool = pool_make(1, &options);
	const struct reeve_map map = { .size = sizeof(map),
		.function = "test.echo",
		.items = "xy",
		.item_size = 1,
		.n = 2,
		.window = 1 };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_future *naps[2];
	struct reeve_imap *imap = NULL;
	const char *gate = pool_gate();
	rv_time since;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_imap_next(imap, &result, NULL, REEVE_S(30)), REEVE_OK);
	reeve_task_result_free(&result);
	CU_ASSERT_EQUAL(reeve_pool_resize(pool, 1, 1, NULL), REEVE_OK);
	naps[0] = pool_submit(pool, "test.hold", gate);
	pool_runs(naps[0]);
	naps[1] = pool_submit(pool, "test.nap", "0");
	since = rv_sys_now();
	CU_ASSERT_EQUAL(reeve_imap_next(imap, &result, NULL, REEVE_MS(50)),
	    REEVE_ETIMEDOUT);
	CU_ASSERT(rv_sys_now() - since < rv_test_slow() * 10 * RV_SEC);
	pool_gate_open(gate);
	CU_ASSERT_EQUAL(
	    reeve_imap_next(imap, &result, NULL, REEVE_S(30)), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(result.data, "y");
	reeve_task_result_free(&result);
	reeve_imap_free(imap);
	reeve_future_free(naps[0]);
	reeve_future_free(naps[1]);
	reeve_pool_free(pool);
}

/* Its file of spilled arguments loses them. */
static void
lose_what_was_spilled(void)
{
	char path[64], target[256];

	for (int fd = 3; fd < 256; fd++) {
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strstr(target, "/reeve-spill-") != NULL) {
			CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
		}
	}
}

RV_TEST(arguments_that_are_lost_end_their_tasks)
{
	const struct reeve_pool_options options = { .max_waiting = 1,
		.full = REEVE_POOL_SPILL };
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_future *futures[100];
	struct reeve_task_result result;
	const char *gate = pool_gate();
	size_t lost = 0;

	futures[0] = pool_submit(pool, "test.hold", gate);
	for (size_t i = 1; i < 100; i++) {
		futures[i] = pool_submit(pool, "test.echo", "x");
	}
	lose_what_was_spilled();
	pool_runs(futures[0]);
	pool_gate_open(gate);
	for (size_t i = 0; i < 100; i++) {
		result = pool_result(futures[i], 30);
		if (result.outcome == REEVE_OUTCOME_FAILED) {
			CU_ASSERT_STRING_EQUAL(result.type, "reeve.Arguments");
			CU_ASSERT_PTR_NOT_NULL(
			    strstr(result.message, "cannot be read back"));
			lost++;
		}
		reeve_task_result_free(&result);
	}
	CU_ASSERT(lost > 0 && lost < 100);
	reeve_pool_free(pool);
}

RV_TEST(arguments_that_no_file_takes_end_their_task)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task_result result = pool_apply(pool, "test.echo", "x");
	struct rlimit was, low;
	char *big = calloc(1, 1 << 20);

	reeve_task_result_free(&result);
	memset(big, 'x', (1 << 20) - 1);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &was), 0);
	low = was;
	low.rlim_cur = 65536;
	(void)signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &low), 0);
	result = pool_apply(pool, "test.echo", big);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &was), 0);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
	CU_ASSERT_STRING_EQUAL(result.type, "reeve.Arguments");
	CU_ASSERT_PTR_NOT_NULL(strstr(result.message, strerror(EFBIG)));
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.echo", big);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	free(big);
	reeve_pool_free(pool);
}

RV_TEST(a_pool_that_is_freed_while_workers_begin_leaves_no_process)
{
	struct reeve_pool *pool = pool_make(100, NULL);
	const struct reeve_map map = {
		.size = sizeof(map), .function = "test.nothing", .n = 500
	};
	struct reeve_results *results = NULL;

	CU_ASSERT_EQUAL(
	    reeve_pool_map(pool, &map, &results, REEVE_S(60), NULL), REEVE_OK);
	reeve_results_free(results);
	reeve_pool_free(pool);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
	CU_ASSERT_EQUAL(errno, ECHILD);
}

RV_SUITE(pool_stranger, RV_CASE(who_is_interrupted_by_a_soft_limit_is_overdue),
    RV_CASE(maps_of_items_that_lie_nowhere_are_refused),
    RV_CASE(a_producer_of_what_lies_nowhere_has_failed),
    RV_CASE(thousands_of_futures_are_said_once_each),
    RV_CASE(signals_that_nobody_can_catch_are_no_soft_signals),
    RV_CASE(an_initializer_says_why_it_failed),
    RV_CASE(a_pool_that_is_freed_while_workers_begin_leaves_no_process),
    RV_CASE(a_pool_is_not_broken_by_one_whose_name_is_longer),
    RV_CASE(an_imap_over_a_full_pool_waits_no_longer_than_was_said),
    RV_CASE(arguments_that_are_lost_end_their_tasks),
    RV_CASE(arguments_that_no_file_takes_end_their_task))
