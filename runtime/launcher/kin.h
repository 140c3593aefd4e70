/* SPDX-License-Identifier: MIT */
/*
 * Who descends from whom, as /proc tells it.
 */
#ifndef RV_LAUNCHER_KIN_H
#define RV_LAUNCHER_KIN_H

#include <sys/types.h>

#include "base/base.h"

#define RV_KIN_LIFE_VARIABLE "REEVE_LIFE="

/* Call for each child of any thread of pid. False: could not be read. */
bool rv_kin_children(
    pid_t pid, void (*each)(void *ctx, pid_t child), void *ctx);

/* Each process of the machine (for what has no parent of ours any more). */
bool rv_kin_all(void (*each)(void *ctx, pid_t), void *ctx);

/* What a process was born with in its environment. */
struct rv_kin_mark {
	char run[65];
	uint64_t life;
	bool left_alone; /* kill mode "process": descendants are free */
};

/* False: it has none, or it may not be read. */
bool rv_kin_mark(pid_t pid, struct rv_kin_mark *);

/* True when pid is ancestor, or has it among its forebears now. */
bool rv_kin_descends(pid_t pid, pid_t ancestor);

/*
 * KILL everything below this process (and itself, if `itself`): each is
 * stopped first, so that none can fork away while the others are sought. The
 * process must be a child not yet reaped, or have a pidfd. Returns how many of
 * those below had left its session; each is told to the callback (may be NULL)
 * before it is killed.
 */
typedef void rv_kin_victim_cb(void *ctx, pid_t pid, bool fled);
unsigned rv_kin_kill_tree(
    pid_t pid, int pidfd, bool itself, rv_kin_victim_cb *, void *ctx);

#endif
