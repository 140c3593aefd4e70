/* SPDX-License-Identifier: MIT */
/* The end of a life, step by step; see life.h for what others call. */
#ifndef RV_LAUNCHER_END_H
#define RV_LAUNCHER_END_H

#include "launcher/life.h"

/* Off all tables and the loop, the descriptor kept for its group. */
void rv_proc_unlist(struct rv_proc *);

/* KILL the group (of a main process of its own too). True: it was not empty. */
bool rv_life_kill_group(struct rv_life *);

/* The supervisor is gone: the next of the life's stop steps. */
void rv_life_next_step(struct rv_life *);

#endif
