/* SPDX-License-Identifier: MIT */
/*
 * Processes that were forked for us and are not wanted, of which only their
 * socket is known: each reads its end, and ends. The socket is kept until the
 * other end of it is nobody's: so the launcher knows when they are gone, and
 * leaves none behind.
 */
#ifndef RV_LAUNCHER_PARTINGS_H
#define RV_LAUNCHER_PARTINGS_H

#include "launcher/launcher.h"

/* Whoever has the other end, or gets it yet, ends. Takes the descriptor. */
void rv_part(struct rv_launcher *, int go);

/* Forget those that are gone. */
void rv_partings_look(struct rv_launcher *);

/*
 * The fork servers are gone: wait for those that are not, and reap what ends
 * as the launcher does.
 */
void rv_partings_finish(struct rv_launcher *);

#endif
