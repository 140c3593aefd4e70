/* SPDX-License-Identifier: MIT */
/* Lives that another launcher made. */
#ifndef RV_LAUNCHER_ADOPT_H
#define RV_LAUNCHER_ADOPT_H

#include "launcher/launcher.h"

/* A life of the launcher before this one; DIED says how it ends. */
void rv_adopt(struct rv_launcher *, uint64_t life, pid_t, uint64_t ticks,
    const struct rv_launch_keep *);
/* Kill what is left of a life of an earlier run; DIED says that it is gone. */
void rv_adopt_stray(struct rv_launcher *, uint64_t life, pid_t, uint64_t ticks);
/*
 * Kill what an earlier run has left, found by its mark: supervisor and launcher
 * may have been killed before anybody wrote down that a process began.
 */
void rv_adopt_kill_marked(struct rv_launcher *, const char *run);

#endif
