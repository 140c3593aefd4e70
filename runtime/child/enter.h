/* SPDX-License-Identifier: MIT */
/*
 * What a new process does between its creation and its program, or, where it
 * was forked to run a function, before that. All that it needs was looked up
 * and laid out before, in a struct rv_birth. Used by the launcher, by its fork
 * servers and by hosts that fork.
 */
#ifndef RV_CHILD_ENTER_H
#define RV_CHILD_ENTER_H

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

/* Descriptor `from` becomes descriptor `at`. */
struct rv_birth_fd {
	int from, at;
	bool cloexec;
};

#define RV_BIRTH_FDS  40 /* stdio, listeners, what is our own */
#define RV_BIRTH_PIDS 2

/* Read-only to the child, but for fds and the text behind own_pid. */
struct rv_birth {
	struct rv_birth_shared *shared;
	pid_t parent; /* the launcher */
	bool forked;  /* memory of its own */
	bool called;  /* a function follows, no program; it is known already */
	bool has_session; /* made ahead */
	unsigned n_fds;
	struct rv_birth_fd fds[RV_BIRTH_FDS]; /* by `at`; all others go */
	bool list_fds;                        /* close_range is not there */
	int umask;                            /* -1: leave it */
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
	const char *directory;        /* NULL: leave it */
	char *own_pid[RV_BIRTH_PIDS]; /* get the child's number; NULL: none */
	int program; /* placed descriptor to execute; -1: one of files */
	int report;  /* of one that is called: placed socket to the launcher */
	const char *const *files; /* to try in turn, NULL at the end */
	const char *const *argv;
	const char *const *envp;
};

/* The child's main, as clone wants it; arg is a struct rv_birth. */
int rv_child_enter(void *arg);

/* Of one that is called: 0, or minus errno of the step in *stage. */
long rv_child_enter_called(const struct rv_birth *, int *stage);

/* False where children must have memory of their own. */
extern const bool rv_child_may_share;

#endif
