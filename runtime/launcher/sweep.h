/* SPDX-License-Identifier: MIT */
/*
 * Everything about children that nobody watches one by one: strangers whom the
 * launcher inherits as subreaper, and what fled from lives that have ended.
 */
#ifndef RV_LAUNCHER_SWEEP_H
#define RV_LAUNCHER_SWEEP_H

#include "launcher/launcher.h"

enum reeve_status rv_sweep_open(
    struct rv_launcher *, struct reeve_error *) RV_MUST_CHECK;
void rv_sweep_close(struct rv_launcher *);

/* Reap what has ended, at the end of this turn. */
void rv_sweep_soon(struct rv_launcher *);
/* Scan for orphans of this life, at the end of this turn. */
void rv_hunt_soon(struct rv_life *);
/*
 * A process of this life will be our child soon and is being killed: the end
 * of the life waits until it is reaped. counted: it is in `leftover` already.
 */
void rv_orphan_expect(struct rv_life *, pid_t, bool counted);
/* The life is reported: what was expected and did not come is not any more. */
void rv_orphans_settle(struct rv_life *);
/* This child is not an orphan any more (or not for us to care). */
void rv_orphan_forget(struct rv_launcher *, pid_t);

#endif
