/* SPDX-License-Identifier: MIT */
/*
 * Reading ends of the workers' pipes, and the socket to the clerk that reads
 * them. The launcher only holds them, so that they outlive any clerk, and
 * lets go of each when the clerk has seen its end. Notify sockets are the
 * listeners' (listen.h): of these the clerk is given one more descriptor each,
 * so that they outlive the launcher.
 */
#ifndef RV_LAUNCHER_OUTPUTS_H
#define RV_LAUNCHER_OUTPUTS_H

#include "base/hash.h"
#include "base/list.h"
#include "loop/loop.h"
#include "wire/output.h"

/* Ended lives whose output no clerk has fetched yet; beyond it the oldest go.
 */
#define RV_OUTPUTS_ENDED_MAX 1024

struct rv_launcher;
struct rv_life;

struct rv_outputs {
	struct rv_launcher *l;
	struct rv_io io;
	int fd; /* -1: no clerk */
	bool blocked;
	unsigned owed; /* CAUGHT_UPs, when nothing is unsent */
	struct rv_hash by_life;
	struct rv_list unsent; /* something of them is to be told */
	struct rv_list quiet;  /* told, not ended */
	struct rv_list
	    ended; /* ended and told, or no clerk to tell; in order */
	size_t n_ended;
};

void rv_outputs_init(struct rv_outputs *, struct rv_launcher *);
void rv_outputs_finish(struct rv_outputs *);

/* A clerk has connected; takes the fd. */
void rv_outputs_connect(struct rv_outputs *, int fd);

/*
 * Hold these ends (fds are those of the pipes, as output.streams says) and
 * tell the clerk. Takes the descriptors, on failure (no memory) too.
 */
bool rv_outputs_hold(struct rv_outputs *, const struct rv_output *,
    const int *fds) RV_MUST_CHECK;
/* The life has a notify socket that the clerk has not. */
void rv_outputs_notify(struct rv_outputs *, const struct rv_life *);
/* Nobody of this life writes any more. One without pipes is fine. */
void rv_outputs_ended(struct rv_outputs *, uint64_t life);

#endif
