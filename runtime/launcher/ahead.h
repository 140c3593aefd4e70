/* SPDX-License-Identifier: MIT */
/*
 * What a life will need, made before it is asked for, while nobody waits: a
 * notify socket, the pipes of its output. Nobody's until then; where there is
 * none, it is made when it is needed.
 */
#ifndef RV_LAUNCHER_AHEAD_H
#define RV_LAUNCHER_AHEAD_H

#include <stdint.h>

#include "loop/loop.h"

struct rv_launcher;

#define RV_AHEAD_PIPES 2 /* stdout's and stderr's */

struct rv_ahead {
	int notify;    /* -1: none */
	uint64_t life; /* whose name it has: the next one, as it seems */
	int pipes[RV_AHEAD_PIPES][2];
	unsigned n_pipes;
	struct rv_tick tick; /* what was taken is made again then */
};

#define RV_NO_AHEAD ((struct rv_ahead){ .notify = -1 })

/* Make what is missing; from now on that is done whenever some was taken. */
void rv_ahead_make(struct rv_launcher *);
/* The socket, under the name of this life; -1: there is none. */
int rv_ahead_notify(struct rv_launcher *, uint64_t life, const char *name);
/* False: there is none. */
bool rv_ahead_pipe(struct rv_launcher *, int fds[static 2]);
void rv_ahead_drop(struct rv_launcher *);

#endif
