/* SPDX-License-Identifier: MIT */
/*
 * Tasks that wait for their host: "test.gate" with gate_args says that it has
 * begun, waits until it is let through, and returns its pid. So tests know what
 * runs, and nothing takes time.
 */
#ifndef RV_TESTS_POOL_GATE_H
#define RV_TESTS_POOL_GATE_H

#include "unit/pool_rig.h"

struct gate {
	struct reeve_pool *pool;
	char args[256]; /* the path of its fifos, but for their last letter */
	int begun, open;
	unsigned n_begun;
	/* Seen by gate_turn: workers that were up. */
	uint32_t most, least;
};

/* In the case's folder; each case has one of this name. */
void gate_make(struct gate *, const char *name);
/* None of its tasks waits any more. */
void gate_remove(struct gate *);
/* In a worker that is not "test.gate": that something has begun. */
void gate_say(const char *args);

/* Dispatch, wait for something of pool or tasks, and look. */
void gate_turn(struct gate *);
/* Turns until so many of its tasks have begun, ever. */
void gate_await(struct gate *, unsigned n);
/* Let so many through. */
void gate_let(struct gate *, unsigned n);
/* Turns until it has so many workers. */
void gate_await_workers(struct gate *, uint32_t n);

#endif
