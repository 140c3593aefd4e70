/* SPDX-License-Identifier: MIT */
/*
 * What a new process does between its creation and its program. All that it
 * needs was looked up and laid out before, in a struct rv_birth.
 */
#ifndef RV_LAUNCHER_CHILD_ENTER_H
#define RV_LAUNCHER_CHILD_ENTER_H

#include <sys/types.h>

#include "base/base.h"

/* The words that parent and child share, whatever else they do not. */
struct rv_birth_shared {
	uint32_t announced; /* futex: the supervisor knows, go on */
	uint32_t waiting;   /* the child sleeps on `announced` */
	int32_t stage;      /* of the step that failed, else 0 */
	int32_t sys_errno;
};

struct rv_birth_limit {
	int resource;
	uint64_t soft, hard;
};

/* Read-only to the child, but for watchdog_pid. */
struct rv_birth {
	struct rv_birth_shared *shared;
	pid_t parent;        /* the launcher */
	bool forked;         /* memory of its own */
	int out, err;        /* what becomes 1 and 2; -1: leave them */
	int ready, ready_at; /* what becomes descriptor ready_at; -1: none */
	bool list_fds;       /* close_range is not there */
	int umask;           /* -1: leave it */
	bool set_nice;
	int nice;
	const char *oom; /* text for oom_score_adj, or NULL */
	size_t oom_len;
	const struct rv_birth_limit *limits;
	unsigned n_limits;
	bool set_groups, set_gid, set_uid;
	unsigned n_groups;
	const gid_t *groups;
	gid_t gid;
	uid_t uid;
	const char *directory;    /* NULL: leave it */
	char *watchdog_pid;       /* gets the child's number, or NULL */
	const char *const *files; /* to try in turn, NULL at the end */
	const char *const *argv;
	const char *const *envp;
};

/* The child's main, as clone wants it; arg is a struct rv_birth. */
int rv_child_enter(void *arg);

/* False where children must have memory of their own. */
extern const bool rv_child_may_share;

#endif
