/* SPDX-License-Identifier: MIT */
/*
 * Whether this is the process that something was made in, and not a fork of it:
 * asked for each task and each result, so without a system call. One for a pool
 * and for all that outlives it.
 */
#ifndef RV_POOL_HERE_H
#define RV_POOL_HERE_H

#include <stdbool.h>
#include <sys/types.h>

struct rv_here;

/* NULL without memory: then rv_here_is asks the kernel. */
struct rv_here *rv_here_create(void);
/* NULL is fine in all of these. */
struct rv_here *rv_here_ref(struct rv_here *);
void rv_here_unref(struct rv_here *);
/* It was made in process `pid`: is this that one? */
bool rv_here_is(const struct rv_here *, pid_t pid);

#endif
