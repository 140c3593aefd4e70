/* SPDX-License-Identifier: MIT */
/*
 * The origins that the launcher tells of, and what it is told of them: the
 * clerk's end of wire/output.h. For pipes.c and the main thread.
 */
#ifndef RV_CLERK_ORIGINS_H
#define RV_CLERK_ORIGINS_H

#include "clerk/pipes.h"

void rv_origins_init(struct rv_pipes *);
/* Read what the launcher has said. */
void rv_origins_listen(struct rv_pipes *);
struct rv_origin *rv_origins_find(struct rv_pipes *, uint64_t life);
/* The launcher may still tell of lives that have ended by now; ask it. */
bool rv_origins_behind(struct rv_pipes *);
/* This pipe is done with. */
void rv_origins_close(struct rv_pipes *, struct rv_outlet *);
/* Let go of one that nobody needs any more. */
void rv_origins_settle(struct rv_pipes *, struct rv_origin *);
void rv_origins_finish(struct rv_pipes *, struct rv_logs *);

/* pipes.c: read what those have left whose ends were told */
void rv_pipes_empty(struct rv_pipes *);

#endif
