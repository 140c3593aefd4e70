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

#define RV_LINK_STASH (16 * 1024) /* bytes */

struct rv_link {
	struct rv_io io;
	int fd; /* -1: closed */
	bool blocked;
	size_t stashed; /* bytes: {u32 length, frame} ... */
	char stash[RV_LINK_STASH];
};

struct rv_launcher;

enum reeve_status rv_link_open(
    struct rv_launcher *, int fd, struct reeve_error *) RV_MUST_CHECK;
void rv_link_close(struct rv_launcher *);

/* Goes out now or is stashed. Without a supervisor it is dropped. */
void rv_link_send(struct rv_launcher *, const struct rv_launch_frame *);
/* The same with a descriptor, which stays the caller's; -1: none. */
void rv_link_send_fd(
    struct rv_launcher *, const struct rv_launch_frame *, int fd);

#endif
