/* SPDX-License-Identifier: MIT */
/*
 * Pools of a config file, as they are told to the host that has pools for them
 * (reeve_options.pools). Most hosts want libreeve-pool to do that, see
 * attach.h; this is for those who have pools of their own.
 *
 * In the tree such a pool is a place: a supervisor with nothing below it. The
 * host declares workers there, with instances (reeve_add_worker at that path,
 * reeve_commit). When the file has no such pool any more they stay until the
 * host removes them, unless something else stands in their place.
 */
#ifndef REEVE_POOL_UNIT_H
#define REEVE_POOL_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What the file says of a pool; see reeve.conf(5). Zero where it says nothing
 * and reeve.conf(5) has no default. Times are nanoseconds. Strings are borrowed
 * until the runtime is dispatched or its tree changed.
 */
struct reeve_pool_unit {
	size_t size;             /* set by the caller: sizeof(struct ...) */
	const char *path;        /* "web/thumbs" */
	const char *function;    /* of each item; a module's path is absolute */
	const char *initializer; /* of each worker; NULL: none */
	const char *args;        /* of the initializer: JSON; NULL: none */
	uint32_t min, max;
	int64_t idle_timeout, grow_after;
	uint32_t max_tasks;
	uint64_t max_memory, max_waiting;
	bool spill; /* what waits beyond max_waiting, instead of refusing it */
	int64_t soft_limit, hard_limit;
	uint32_t retries;
	int64_t backoff;
	const char *const *environment; /* "KEY=VALUE", ends with NULL */
	/* the other keys of that child, a JSON object: for the `options` of
	 * reeve_add_worker */
	const char *worker;
	uint64_t digest; /* of all this, but min and max */
};

/*
 * All pools, in the order of the file. A path of NULL begins; false behind the
 * last (the path is NULL again), for one that is not there any more, and for
 * arguments that cannot be.
 */
REEVE_PUBLIC bool reeve_pool_unit_next(
    struct reeve *, struct reeve_pool_unit *);

/*
 * Have changed(ctx) called when the pools of the file are others than they
 * were, by a reload or a commit: at the end of the turn, everything may be
 * called in it. One at a time: the last counts, NULL ends it.
 */
REEVE_PUBLIC enum reeve_status reeve_pool_unit_watch(struct reeve *,
    void (*changed)(void *ctx), void *ctx, struct reeve_error *);

#ifdef __cplusplus
}
#endif

#endif
