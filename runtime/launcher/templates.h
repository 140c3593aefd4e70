/* SPDX-License-Identifier: MIT */
/*
 * Fork servers: the host's own program, started once for each list of what is
 * to be preloaded, from which workers are forked. One may die at any time: its
 * workers go on, and the next launch starts another.
 */
#ifndef RV_LAUNCHER_TEMPLATES_H
#define RV_LAUNCHER_TEMPLATES_H

#include <signal.h>

#include "launcher/forks.h"

/* Have it forked by the right one, which is started if need be. */
void rv_template_ask(struct rv_launcher *, struct rv_fork *);

/* What waits for the answer of a fork server; NULL: this life does not. */
struct rv_fork *rv_template_find(struct rv_launcher *, uint64_t life);

/* Who it has forked ahead, if anybody; *spare is the caller's then. */
void rv_template_lend(struct rv_launcher *, const struct rv_strings *preload,
    struct rv_spare *spare);

/* A worker has begun: now is the time to fork ahead, and what goes with it. */
void rv_templates_refill(struct rv_launcher *);

/* This process was reaped with all others that ended: was it one of these? */
void rv_templates_reaped(struct rv_launcher *, const siginfo_t *);

/* This one got no answer in time: its fork server is killed. */
void rv_template_hangs(struct rv_fork *);

/* End them all; what was asked of them fails. */
void rv_templates_finish(struct rv_launcher *);

#endif
