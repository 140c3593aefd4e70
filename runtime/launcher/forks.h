/* SPDX-License-Identifier: MIT */
/*
 * Lives whose process is forked by another: by a fork server, or by the host.
 * Each is a fork from the request on until the forker has answered; then it is
 * a life as any other.
 */
#ifndef RV_LAUNCHER_FORKS_H
#define RV_LAUNCHER_FORKS_H

#include "child/forker.h"
#include "launcher/making.h"
#include "launcher/spares.h"
#include "loop/loop.h"

struct rv_fork {
	struct rv_list link; /* with its forker: waiting, or asked */
	struct rv_making making;
	struct rv_launch launch; /* points into frame */
	char *frame;
	struct rv_tick tick;   /* the last moment for an answer */
	int64_t asked_at;      /* of rv_birth_clock: it is not older */
	bool is_asked;         /* counted in l->n_asked */
	bool is_canceled;      /* its answer was given: see rv_fork_cancel */
	struct rv_spare spare; /* who is there already, if anybody is */
	int fds[RV_FORK_FDS];
	unsigned n_fds;
	int held[RV_LAUNCH_LISTEN_MAX]; /* copies of listeners, among fds */
	unsigned n_held;
};

/* Carry out a LAUNCH of len bytes; LAUNCHED or FAILED says what became of it.
 */
void rv_fork_launch(struct rv_launcher *, const void *frame, size_t len);

/*
 * It is not wanted any more. If its fork server has not answered, it fails at
 * once; it stays what its fork server owes an answer within its time, which
 * nobody hears. A process that is forked for it ends without its word. A host
 * is not asked to hurry: it answers when it reads, as it sent this.
 */
void rv_fork_cancel(struct rv_launcher *, uint64_t life);

/*
 * The number that a fork server told, perhaps long ago, is still of a child
 * that it made: not of a life, nor anybody's to whom it came round.
 */
bool rv_fork_is_ours(const struct rv_launcher *, pid_t);

/* The forker has answered: the end of this struct. */
void rv_fork_done(struct rv_fork *, const struct rv_fork_result *);

/* The host's answer, for this life. */
void rv_fork_answered(struct rv_launcher *, const struct rv_launch_frame *);

/* All that are not lives yet fail. */
void rv_forks_drop(struct rv_launcher *);

#endif
