/* SPDX-License-Identifier: MIT */
/*
 * Pools that lack memory or descriptors as they begin, as they let workers in,
 * and for what is too large for a frame: one that cannot be made says of what,
 * one that is there goes on when it has some again.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit/need_rig.h"

/* -------- beginning -------- */

static enum reeve_status
make_with_all(struct reeve_pool **pool, struct reeve_error *err)
{
	const char *const environment[] = { "NEED=1", NULL };
	const struct reeve_pool_options options = { .size = sizeof(options),
		.method = REEVE_METHOD_FORKSERVER,
		.min = 1,
		.max = 1,
		.libexec_dir = getenv("REEVE_LIBEXEC"),
		.initializer = "test.init",
		.init_args = "1",
		.init_args_length = 1,
		.worker_options = "{\"stopsignal\": \"TERM\"}",
		.environment = environment };

	need_worker();
	return reeve_pool_new(pool, &options, err);
}

static const struct {
	enum rv_fault_point point;
	const char *name, *error, *said;
	unsigned least;
} beginnings[] = {
	{ RV_FAULT_alloc, "alloc", "ENOMEM", "out of memory", 4 },
	{ RV_FAULT_memfd_create, "memfd_create", "EMFILE", "Too many", 1 },
	{ RV_FAULT_epoll_create1, "epoll_create1", "EMFILE", "Too many", 0 },
	{ RV_FAULT_timerfd_create, "timerfd_create", "EMFILE", "Too many", 0 },
	{ RV_FAULT_eventfd, "eventfd", "EMFILE", "Too many", 0 },
	{ RV_FAULT_socketpair, "socketpair", "EMFILE", "Too many", 0 },
};

/* Whether there was such a call. */
static bool
begin_without(size_t i, unsigned point)
{
	struct reeve_pool *pool = NULL;
	struct reeve_error err = { 0 };
	enum reeve_status status;
	char plan[64];
	bool was_called;

	(void)snprintf(plan, sizeof(plan), "%s@%u=%s", beginnings[i].name,
	    point, beginnings[i].error);
	CU_ASSERT_FATAL(rv_fault_set(plan));
	status = make_with_all(&pool, &err);
	was_called = rv_fault_calls(beginnings[i].point) >= point;
	CU_ASSERT_FATAL(rv_fault_set(NULL));
	if (status == REEVE_OK) {
		need_good = 0;
		need_pool_is_well(pool);
		reeve_pool_free(pool);
		return was_called;
	}
	CU_ASSERT_PTR_NULL(pool);
	if (strstr(err.text, "cannot make a pool: ") == NULL ||
	    strstr(err.text, beginnings[i].said) == NULL) {
		(void)fprintf(stderr, "# %s: %s\n", plan, err.text);
		CU_FAIL("it does not say why");
	}
	return was_called;
}

RV_TEST(a_pool_is_not_made_of_too_little_and_says_of_what)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(beginnings); i++) {
		unsigned point = 1;

		while (point < NEED_POINTS_MAX && begin_without(i, point)) {
			point++;
		}
		if (point <= beginnings[i].least + 1) {
			(void)fprintf(stderr, "# %s: %u calls\n",
			    beginnings[i].name, point - 1);
			CU_FAIL("there were none");
		}
	}
}

/* -------- workers that come -------- */

#define GROWN 3

/* They are there before memory lacks, and end after. */
RV_TEST(a_pool_grows_without_memory)
{
	char plan[48];
	uint64_t calls = 0;
	unsigned point;

	for (point = 1; point == 1 || calls >= point - 1; point++) {
		struct reeve_pool *pool = need_pool(
		    0, (struct reeve_pool_options){ .min = 1, .max = GROWN });
		struct reeve_future *futures[GROWN];
		char gates[GROWN][96];

		CU_ASSERT_FATAL(point < NEED_POINTS_MAX);
		need_pool_is_well(pool);
		(void)snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", point);
		for (unsigned i = 0; i < GROWN; i++) {
			(void)snprintf(
			    gates[i], sizeof(gates[i]), "%s", pool_gate());
			futures[i] = pool_submit(pool, "test.hold", gates[i]);
		}
		CU_ASSERT_FATAL(rv_fault_set(plan));
		for (unsigned i = 0; i < GROWN; i++) {
			pool_runs(futures[i]);
		}
		calls = rv_fault_calls(RV_FAULT_alloc);
		CU_ASSERT_FATAL(rv_fault_set(NULL));
		for (unsigned i = 0; i < GROWN; i++) {
			pool_gate_open(gates[i]);
			CU_ASSERT(need_get(futures[i]));
		}
		need_pool_is_well(pool);
		reeve_pool_free(pool);
	}
	CU_ASSERT(point > 4);
}

static const char *const comings[] = { "eventfd@1=EMFILE", "mmap@1=ENOMEM",
	"pidfd_open@1=EMFILE", "send@1=ENOMEM" };

RV_TEST(a_worker_that_cannot_be_let_in_is_followed_by_another)
{
	struct reeve_pool *pool =
	    need_pool(1, (struct reeve_pool_options){ .intensity = 20 });
	struct reeve_pool_stats stats = { .size = sizeof(stats) };

	need_pool_is_well(pool);
	for (size_t i = 0; i < RV_ARRAY_LEN(comings); i++) {
		struct reeve_future *future =
		    pool_submit(pool, "test.die", "9");
		struct reeve_task_result result;

		CU_ASSERT_FATAL(rv_fault_set(comings[i]));
		result = pool_result(future, 30);
		need_died(&result);
		reeve_task_result_free(&result);
		need_pool_is_well(pool);
		CU_ASSERT_FATAL(rv_fault_set(NULL));
	}
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(stats.deaths, RV_ARRAY_LEN(comings));
	reeve_pool_free(pool);
}

/* -------- descriptors -------- */

static char large[200000]; /* bytes: too many for a frame */

RV_TEST(large_arguments_wait_for_a_descriptor)
{
	struct reeve_pool *pool =
	    need_pool(1, (struct reeve_pool_options){ 0 });
	struct reeve_task_result result = { .size = sizeof(result) };

	need_pool_is_well(pool);
	CU_ASSERT_FATAL(rv_fault_set("memfd_create@1=EMFILE"));
	CU_ASSERT_EQUAL(
	    reeve_pool_apply(pool, "test.echo", large, sizeof(large), &result,
		REEVE_S(30 * rv_test_slow())),
	    REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_EQUAL(result.length, sizeof(large));
	need_check(&result);
	reeve_task_result_free(&result);
	CU_ASSERT(rv_fault_calls(RV_FAULT_memfd_create) > 1);
	CU_ASSERT_FATAL(rv_fault_set(NULL));
	need_pool_is_well(pool);
	reeve_pool_free(pool);
}

/* Not a descriptor more than there are. */
static struct rlimit
have_no_more(void)
{
	struct rlimit before, none;
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd != -1);
	(void)close(fd);
	CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &before) == 0);
	none = before;
	none.rlim_cur = (rlim_t)fd;
	CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &none) == 0);
	return before;
}

RV_TEST(a_large_result_without_a_descriptor_is_lost_and_nobody_is_blamed)
{
	struct reeve_pool *pool =
	    need_pool(1, (struct reeve_pool_options){ 0 });
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_task_result result;
	struct rlimit before;

	need_pool_is_well(pool);
	before = have_no_more();
	result = pool_apply(pool, "test.bytes", "200000");
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
	need_check(&result);
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.bytes", "200000");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	need_check(&result);
	CU_ASSERT_EQUAL(result.length, 200000);
	reeve_task_result_free(&result);
	need_pool_is_well(pool);
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(stats.deaths, 0);
	reeve_pool_free(pool);
}

RV_SUITE(pool_scant, RV_CASE(a_pool_is_not_made_of_too_little_and_says_of_what),
    RV_CASE(a_pool_grows_without_memory),
    RV_CASE(a_worker_that_cannot_be_let_in_is_followed_by_another),
    RV_CASE(large_arguments_wait_for_a_descriptor),
    RV_CASE(a_large_result_without_a_descriptor_is_lost_and_nobody_is_blamed))
