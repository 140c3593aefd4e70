/* SPDX-License-Identifier: MIT */
/*
 * Pools whose workers are killed at random, all the time: every task has its
 * result, once, and its own. By hand, with numbers of one's own:
 *
 *	test_pool_storm all TASKS WORKERS MILLISECONDS
 *
 * runs so many tasks over so many workers with a kill every so many ms, by
 * each start method (100000 8 20 is the claim of the manual).
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/time.h"
#include "sys/sys.h"
#include "unit/pool_rig.h"

#define MOST_WORKERS 512

struct chaos {
	struct reeve_pool *pool;
	bool early[MOST_WORKERS]; /* whose last kill came before it was ready */
	uint64_t n, submitted, ended, wrong, bad, retried;
	uint32_t workers;
	uint8_t *seen;
	uint64_t random;
	unsigned kills;
};

static uint64_t
next_random(struct chaos *chaos)
{
	chaos->random ^= chaos->random << 13;
	chaos->random ^= chaos->random >> 7;
	chaos->random ^= chaos->random << 17;
	return chaos->random;
}

/* Takes a moment, so that most kills hit one that runs. */
static int
work(const struct reeve_call *call)
{
	rv_time until = rv_sys_now() + 50 * RV_US;
	uint64_t x;

	memcpy(&x, call->args, sizeof(x));
	while (rv_sys_now() < until) {
	}
	x = x * 3 + 1;
	return reeve_return(call, &x, sizeof(x));
}
REEVE_FUNCTION("test.work", work);

struct item {
	struct chaos *chaos;
	uint64_t number;
};

static void
on_done(void *ctx, struct reeve_future *future)
{
	struct item *item = ctx;
	struct chaos *chaos = item->chaos;
	struct reeve_task_result result = { .size = sizeof(result) };
	uint64_t x = 0;

	CU_ASSERT_EQUAL(reeve_future_get(future, &result, 0), REEVE_OK);
	chaos->ended++;
	chaos->seen[item->number]++;
	chaos->retried += result.attempts > 1;
	if (result.outcome != REEVE_OUTCOME_GOOD) {
		if (chaos->bad++ < 5) {
			(void)fprintf(stderr, "# %llu: %s\n",
			    (unsigned long long)item->number, result.message);
		}
	} else {
		if (result.length == sizeof(x)) {
			memcpy(&x, result.data, sizeof(x));
		}
		chaos->wrong += x != item->number * 3 + 1;
	}
	reeve_task_result_free(&result);
}

/*
 * Not twice in a row before it was ready: on a slow machine that would be all
 * the starts that a worker has, and its pool would break rightly.
 */
static void
kill_one(struct chaos *chaos)
{
	struct reeve_unit_info info = { .size = sizeof(info) };
	unsigned which = (unsigned)(next_random(chaos) % chaos->workers);
	bool *early = &chaos->early[which % MOST_WORKERS];
	char path[32];

	(void)snprintf(path, sizeof(path), "pool.%u", which);
	if (reeve_unit_find(reeve_pool_runtime(chaos->pool), path, &info,
		NULL) == REEVE_OK &&
	    info.pid > 0 && (info.ready || !*early)) {
		*early = !info.ready;
		chaos->kills += kill(info.pid, SIGKILL) == 0;
	}
}

/* A thousand wait at any time, so that pools are full and memory is not. */
static void
submit_some(struct chaos *chaos, struct item *items)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.work",
		.retries = 1000,
		.backoff = REEVE_MS(1),
		.done = on_done };

	while (chaos->submitted < chaos->n &&
	       chaos->submitted - chaos->ended < 1000) {
		struct item *item = &items[chaos->submitted];

		*item = (struct item){ chaos, chaos->submitted };
		task.data = &item->number;
		task.length = sizeof(item->number);
		task.ctx = item;
		if (reeve_pool_submit(chaos->pool, &task, NULL, NULL) !=
		    REEVE_OK) {
			CU_FAIL_FATAL("refused");
		}
		chaos->submitted++;
	}
}

static void
run(uint64_t n, uint32_t of, int ms)
{
	struct chaos chaos = {
		.n = n, .workers = of, .random = 88172645463325252ULL
	};
	struct item *items = calloc(n, sizeof(*items));
	rv_time next = 0, began = rv_sys_now();

	struct pollfd p = { .events = POLLIN };

	chaos.seen = calloc(1, n);
	chaos.pool = pool_make(of, NULL);
	p.fd = reeve_pool_fd(chaos.pool);
	while (chaos.ended < n &&
	       rv_sys_now() - began < 600 * RV_SEC * rv_test_slow()) {
		submit_some(&chaos, items);
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_dispatch(chaos.pool, NULL), REEVE_OK);
		(void)poll(&p, 1, ms);
		if (rv_sys_now() >= next) {
			kill_one(&chaos);
			next = rv_sys_now() + ms * RV_MS;
		}
	}
	CU_ASSERT_EQUAL(chaos.ended, n);
	CU_ASSERT_EQUAL(chaos.wrong, 0);
	CU_ASSERT_EQUAL(chaos.bad, 0);
	for (uint64_t i = 0; i < n; i++) {
		if (chaos.seen[i] != 1) {
			CU_FAIL("not once");
		}
	}
	(void)fprintf(stderr,
	    "# %llu tasks, %u kills, %llu tried again, %lld ms\n",
	    (unsigned long long)n, chaos.kills,
	    (unsigned long long)chaos.retried,
	    (long long)((rv_sys_now() - began) / RV_MS));
	reeve_pool_free(chaos.pool);
	free(chaos.seen);
	free(items);
}

static uint64_t tasks = 5000;
static uint32_t workers = 4;
static int every_ms = 20;

static void
run_by(enum reeve_method method)
{
	(void)method;
	run(tasks, workers, every_ms);
}

RV_TEST(each_task_has_its_result_once_while_workers_are_killed)
{
	pool_each(run_by);
}

int
main(int argc, char **argv)
{
	static const struct rv_case cases[] = { RV_CASE(
	    each_task_has_its_result_once_while_workers_are_killed) };

	if (argc == 5 && strcmp(argv[1], "all") == 0) {
		tasks = strtoull(argv[2], NULL, 10);
		workers = (uint32_t)strtoul(argv[3], NULL, 10);
		every_ms = (int)strtol(argv[4], NULL, 10);
		argc = 1;
	}
	return rv_suite_run("pool_storm", cases, 1, argc, argv);
}
