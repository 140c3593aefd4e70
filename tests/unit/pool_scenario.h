/* SPDX-License-Identifier: MIT */
/* Numbered scenarios of pools, by each start method; and small words for them.
 */
#ifndef RV_TESTS_POOL_SCENARIO_H
#define RV_TESTS_POOL_SCENARIO_H

#include <string.h>

#include "base/base.h"
#include "unit/pool_rig.h"

#define SCENARIO(name)                            \
	static void name##_by(enum reeve_method); \
	RV_TEST(name)                             \
	{                                         \
		pool_each(name##_by);             \
	}                                         \
	static void name##_by(enum reeve_method method RV_UNUSED)

/* An end as it should be; then it is freed. */
static inline void
pool_ends(struct reeve_future *future, enum reeve_outcome outcome)
{
	struct reeve_task_result result = pool_result(future, 60);

	CU_ASSERT_EQUAL(result.outcome, outcome);
	reeve_task_result_free(&result);
}

/* Somebody can still work there. */
static inline void
pool_works(struct reeve_pool *pool)
{
	struct reeve_task_result result = pool_apply(pool, "test.echo", "on");

	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT(result.length == 2 && memcmp(result.data, "on", 2) == 0);
	reeve_task_result_free(&result);
}

static inline void
pool_closes(struct reeve_pool *pool)
{
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_pool_join(pool, REEVE_S(60 * rv_test_slow()), NULL),
	    REEVE_OK);
	reeve_pool_free(pool);
}

/* The number of the process that a task ran in. */
static inline pid_t
pool_pid(struct reeve_pool *pool)
{
	struct reeve_task_result result = pool_apply(pool, "test.pid", "");
	pid_t pid = result.pid;

	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	return pid;
}

#endif
