/* SPDX-License-Identifier: MIT */
/*
 * Forking a process that runs a function: what a fork server does, and a host
 * whose workers are started by "fork". Who asks is the launcher; it sends a
 * call and descriptors, gets the number of the process, and gives the word to
 * go on when its supervisor knows of it. Until then the new process does
 * nothing, and ends when the launcher does.
 */
#ifndef RV_CHILD_FORKER_H
#define RV_CHILD_FORKER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "child/enter.h"

/* Descriptors of a request: the call, and then those of the birth, in order. */
#define RV_FORK_FDS (RV_BIRTH_FDS + 1)

/* A call of this size may stand behind the request to a spare, instead. */
#define RV_FORK_CALL_MAX 32768

enum rv_fork_op {
	RV_FORK_ASK = 1,    /* launcher: with descriptors */
	RV_FORK_READY = 2,  /* fork server: it has preloaded; stage 0 */
	RV_FORK_DONE = 3,   /* fork server: pid, or stage and errno */
	RV_FORK_FAILED = 4, /* fork server: preloading failed, text says why */
	RV_FORK_SPARE = 5,  /* launcher: fork ahead, with one end of a socket on
			     * which an ASK or a CALL will come; answered as
			     * ASK is */
	RV_FORK_CALL = 6,   /* launcher, to one that was forked ahead: an ASK
			     * that is the word to go on, too */
};

/* One packet on the socket between launcher and fork server. */
struct rv_fork_frame {
	uint32_t op;
	int32_t pid, stage, sys_errno;
	uint64_t life;
	char text[256];
};

/* On the socket between the launcher and the new process, which is one end. */
struct rv_fork_failure {
	int32_t stage, sys_errno;
};

/* Called in the process that forks; each may be NULL. */
struct rv_fork_hooks {
	void *ctx;
	void (*before)(void *ctx);
	void (*in_parent)(void *ctx, pid_t);
	void (*in_child)(void *ctx); /* before the function, all else done */
};

struct rv_fork_result {
	pid_t pid; /* 0: none, and why: */
	int stage, sys_errno;
};

/*
 * Fork; does not return in the new process. give_away: the launcher shall be
 * its parent (it is the nearest subreaper). fds stay the caller's, who closes
 * them in every case. Refused where other threads run.
 */
void rv_forker_fork(struct rv_fork_result *, const int *fds, unsigned n_fds,
    bool give_away, const struct rv_fork_hooks *);

/* Whether this process has but one thread. */
bool rv_forker_is_alone(void);

/* Serve the launcher on this socket until it ends; never returns. */
void rv_forker_serve(int sock, const char *preload, unsigned n_preload)
    __attribute__((noreturn));

#endif
