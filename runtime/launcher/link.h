/* SPDX-License-Identifier: MIT */
/*
 * The launcher's socket to the supervisor. When the supervisor does not read,
 * the link is `blocked`: what was already under way waits in a small buffer,
 * and everybody else must look at `blocked` first and come back later. Reading
 * requests pauses too. So nothing grows and nothing is lost.
 */
#ifndef RV_LAUNCHER_LINK_H
#define RV_LAUNCHER_LINK_H

#include "loop/loop.h"
#include "wire/launch.h"

#define RV_LINK_STASH (32 * 1024) /* bytes */

struct rv_link {
	struct rv_io io;
	int fd; /* -1: closed */
	bool blocked;
	size_t stashed;            /* bytes */
	char stash[RV_LINK_STASH]; /* struct waiting, frame ... */
};

struct rv_launcher;

enum reeve_status rv_link_open(
    struct rv_launcher *, int fd, struct reeve_error *) RV_MUST_CHECK;
void rv_link_close(struct rv_launcher *);

/* Goes out now or is stashed. Without a supervisor it is dropped. */
void rv_link_send(struct rv_launcher *, const struct rv_launch_frame *);
/* The same with descriptors, which stay the caller's. */
void rv_link_send_fds(struct rv_launcher *, const struct rv_launch_frame *,
    const int *fds, unsigned n_fds);

#endif
