/* SPDX-License-Identifier: MIT */
/*
 * For tests of pools in managers: "test.manager" has the type, its program the
 * functions of pool_rig.c and two more, "test.gate" and "test.json".
 */
#ifndef RV_TESTS_SHARED_RIG_H
#define RV_TESTS_SHARED_RIG_H

#include <reeve/sharedpool.h>

#include "unit/manager_rig.h"

#define I(n) ((int64_t)(n))

/*
 * A task of "test.gate" with this path runs until the test lets it in; it
 * answers "through" then. One gate at a time.
 */
struct gate {
	char path[200], runs[210];
	int runs_fd, fd;
};
void gate_open(struct gate *);
/* Until one more task stands there. */
void gate_reached(struct gate *);
void gate_lets_in(struct gate *);
void gate_close(struct gate *);

/* A failure ends the case, or the member. */
struct reeve_proxy *shared_pool(struct reeve_manager *, const char *options);
int64_t shared_submit(
    struct reeve_proxy *, const char *function, const char *text);
void shared_report(struct reeve_proxy *, int64_t task, struct reeve_result *);
/* A number of its stats. */
long shared_stat(struct reeve_proxy *, const char *name);

#endif
