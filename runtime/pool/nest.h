/* SPDX-License-Identifier: MIT */
/*
 * A directory for the event log of a pool's own runtime, on tmpfs where there
 * is one. It is its maker's as long as that lives, by a lock that the kernel
 * takes back; what the dead have left goes when the next one is made.
 */
#ifndef RV_POOL_NEST_H
#define RV_POOL_NEST_H

#include <limits.h>

#include <reeve/error.h>

#include "base/base.h"

struct rv_nest {
	char path[64];        /* "": none */
	char place[PATH_MAX]; /* of its runtime, on tmpfs; "": not known */
	int fd;               /* the lock; -1 */
};

void rv_nest_init(struct rv_nest *);
enum reeve_status rv_nest_make(
    struct rv_nest *, struct reeve_error *) RV_MUST_CHECK;
/* A runtime lives in it: which place it has, to be removed with the nest. */
void rv_nest_settle(struct rv_nest *);
/* Nobody uses it any more. */
void rv_nest_remove(struct rv_nest *);

#endif
