/* SPDX-License-Identifier: MIT */
/*
 * Where a pool's own runtime lives: a nest for its event log, on tmpfs where
 * there is one, and the place that it makes itself for its locks and its ring.
 * Both go with the pool; what the dead have left goes with the next pool.
 */
#ifndef RV_POOL_HOME_H
#define RV_POOL_HOME_H

#include <limits.h>

#include <reeve/error.h>

#include "sys/nest.h"

struct rv_home {
	struct rv_nest nest;
	char place[PATH_MAX]; /* of its runtime, on tmpfs; "": not known */
};

void rv_home_init(struct rv_home *);
enum reeve_status rv_home_make(
    struct rv_home *, struct reeve_error *) RV_MUST_CHECK;
/* A runtime lives in it: which place it has, to be removed with the nest. */
void rv_home_settle(struct rv_home *);
/* Nobody uses it any more. */
void rv_home_remove(struct rv_home *);

#endif
