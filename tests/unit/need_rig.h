/* SPDX-License-Identifier: MIT */
/*
 * Words for tests of pools that lack memory or descriptors. The library is
 * linked into such a test as it lies, so that its fault points are the test's;
 * that of the runtime, which lacks nothing, is the installed one.
 */
#ifndef RV_TESTS_NEED_RIG_H
#define RV_TESTS_NEED_RIG_H

#include "base/base.h"
#include "base/fault.h"
#include "unit/pool_rig.h"

#define NEED_POINTS_MAX 100 /* of one step: more are a loop */

/* pool_make, by fork servers, which know of no fault of ours. */
struct reeve_pool *need_pool(uint32_t workers, struct reeve_pool_options);
/* For who makes one otherwise: before that. */
void need_worker(void);

/* Good results of this pool that were seen: it has to count as many. */
extern uint64_t need_good;

/* It is good, or failed for want of memory or descriptors, and says so. */
void need_check(const struct reeve_task_result *);
/* Its worker died. */
void need_died(const struct reeve_task_result *);
/* It was refused for want of memory. */
void need_refused(enum reeve_status, const struct reeve_error *);
/* It works, has nothing left to do, and has counted right. */
void need_pool_is_well(struct reeve_pool *);

/*
 * Do the step again and again, with the first allocation failing, the second
 * one, and so on, until there are no more; at least so many. rest: "" for that
 * one alone, "+" for all from there on. The pool is well after each.
 */
typedef void need_step_fn(struct reeve_pool *);
void need_each_point(
    struct reeve_pool *, need_step_fn *, unsigned least, const char *rest);
/* Within a step: from now on there is memory. */
void need_no_more(void);

/* A task with rules that nobody had yet; submitted, NULL when it was refused;
 * and its result, whether it is good. */
struct reeve_task need_task(const char *function, const char *text);
struct reeve_future *need_submit(
    struct reeve_pool *, const struct reeve_task *);
bool need_get(struct reeve_future *);

#endif
