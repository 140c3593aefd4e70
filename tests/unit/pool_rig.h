/* SPDX-License-Identifier: MIT */
/* Words for tests of pools: functions that behave and that do not, pools. */
#ifndef RV_TESTS_POOL_RIG_H
#define RV_TESTS_POOL_RIG_H

#include <reeve/pool.h>
#include <reeve/task.h>

#include "lib/harness.h"

/*
 * A pool of so many workers, with the options given (NULL: none) but size and
 * libexec_dir; fails the case when there is none.
 */
struct reeve_pool *pool_make(
    uint32_t workers, const struct reeve_pool_options *);

/* Submit `text` to a function; fails the case when it is refused. */
struct reeve_future *pool_submit(
    struct reeve_pool *, const char *function, const char *text);

/* Its result, within so many seconds. */
struct reeve_task_result pool_result(struct reeve_future *, int seconds);
/* Once it runs. */
void pool_runs(struct reeve_future *);
/* Submit and wait. */
struct reeve_task_result pool_apply(
    struct reeve_pool *, const char *function, const char *text);

/*
 * A place in this case's folder at which "test.hold", given its name, waits
 * until it is opened; static. Opening it waits until somebody is there, so the
 * task has to run.
 */
const char *pool_gate(void);
void pool_gate_open(const char *gate);

/* The same case by each start method. */
void pool_each(void (*scenario)(enum reeve_method));
/* Of the one that pool_each is at; else the default. */
extern enum reeve_method pool_method;

#endif
