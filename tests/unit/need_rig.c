/* SPDX-License-Identifier: MIT */
/* Words for tests of pools in need: see need_rig.h. */
#include "config.h"

#include "unit/need_rig.h"

#include <stdio.h>
#include <string.h>

#include <reeve/function.h>

#include "pool/door.h"

static unsigned point;        /* the one that fails, from 1 on */
static uint64_t calls_before; /* those of plans that are over */
uint64_t need_good;

/* -------- pools -------- */

/* Behind that of the library guard() would be over: before it, then; and the
 * host forgets it again, as two of one name are none. */
static struct reeve_function worker = { RV_DOOR_FUNCTION, reeve_pool_worker,
	NULL };

__attribute__((constructor)) static void
begin(void)
{
	reeve_function_register(&worker);
}

void
need_worker(void)
{
	reeve_function_unregister(&worker);
}

struct reeve_pool *
need_pool(uint32_t workers, struct reeve_pool_options options)
{
	need_worker();
	need_good = 0;
	options.method = REEVE_METHOD_FORKSERVER;
	return pool_make(workers, &options);
}

/* -------- what comes of it -------- */

static const char no_room[] =
    "there is no memory, or no descriptor, for its result";

/* It ends well, or for want of memory. */
void
need_check(const struct reeve_task_result *result)
{
	need_good += result->outcome == REEVE_OUTCOME_GOOD ? 1 : 0;
	if (result->outcome == REEVE_OUTCOME_GOOD ||
	    (result->outcome == REEVE_OUTCOME_FAILED &&
		strcmp(result->message, no_room) == 0)) {
		return;
	}
	(void)fprintf(stderr, "# at point %u: %d: %s\n", point,
	    (int)result->outcome, result->message);
	CU_FAIL("it ended of something else");
}

void
need_died(const struct reeve_task_result *result)
{
	CU_ASSERT_EQUAL(result->outcome, REEVE_OUTCOME_DIED);
	CU_ASSERT(result->message[0] != '\0');
}

void
need_refused(enum reeve_status status, const struct reeve_error *err)
{
	CU_ASSERT_EQUAL(status, REEVE_ENOMEM);
	if (strstr(err->text, "out of memory") == NULL) {
		(void)fprintf(stderr, "# %u: %s\n", point, err->text);
		CU_FAIL("it does not say why");
	}
}

void
need_pool_is_well(struct reeve_pool *pool)
{
	struct reeve_task_result result = pool_apply(pool, "test.echo", "well");
	struct reeve_pool_stats stats = { .size = sizeof(stats) };

	need_check(&result);
	CU_ASSERT_EQUAL(result.length, 4);
	reeve_task_result_free(&result);
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT(stats.open && !stats.broken);
	CU_ASSERT_EQUAL(stats.waiting + stats.running + stats.resting, 0);
	CU_ASSERT_EQUAL(
	    stats.submitted, stats.good + stats.failed + stats.cancelled);
	CU_ASSERT_EQUAL(stats.good, need_good);
}

/* -------- each point in turn -------- */

void
need_each_point(struct reeve_pool *pool, need_step_fn *step, unsigned least,
    const char *rest)
{
	char plan[48];
	uint64_t calls;

	for (point = 1; point < NEED_POINTS_MAX; point++) {
		calls_before = 0;
		(void)snprintf(
		    plan, sizeof(plan), "alloc@%u%s=ENOMEM", point, rest);
		CU_ASSERT_FATAL(rv_fault_set(plan));
		step(pool);
		calls = calls_before + rv_fault_calls(RV_FAULT_alloc);
		CU_ASSERT_FATAL(rv_fault_set(NULL));
		need_pool_is_well(pool);
		if (calls < point) {
			break;
		}
	}
	(void)printf("# %u points\n", point - 1);
	if (point <= least || point == NEED_POINTS_MAX) {
		CU_FAIL("they are not those that there were");
	}
}

void
need_no_more(void)
{
	calls_before = rv_fault_calls(RV_FAULT_alloc);
	CU_ASSERT_FATAL(rv_fault_set(NULL));
}

/* -------- tasks -------- */

/* With rules that nobody had yet. */
struct reeve_task
need_task(const char *function, const char *text)
{
	static int64_t limit = 1000;

	return (struct reeve_task){ .size = sizeof(struct reeve_task),
		.function = function,
		.data = text,
		.length = strlen(text),
		.hard_limit = REEVE_S(++limit) };
}

struct reeve_future *
need_submit(struct reeve_pool *pool, const struct reeve_task *task)
{
	struct reeve_future *future = NULL;
	struct reeve_error err;
	enum reeve_status status = reeve_pool_submit(pool, task, &future, &err);

	if (status != REEVE_OK) {
		need_refused(status, &err);
		CU_ASSERT_PTR_NULL(future);
	}
	return future;
}

bool
need_get(struct reeve_future *future)
{
	struct reeve_task_result result = pool_result(future, 30);
	bool good = result.outcome == REEVE_OUTCOME_GOOD;

	need_check(&result);
	reeve_task_result_free(&result);
	return good;
}
