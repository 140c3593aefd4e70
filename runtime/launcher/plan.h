/* SPDX-License-Identifier: MIT */
/* From a LAUNCH request to the flat struct that a new process reads. */
#ifndef RV_LAUNCHER_PLAN_H
#define RV_LAUNCHER_PLAN_H

#include "launcher/child_enter.h"
#include "launcher/launcher.h"

/*
 * All in one block of memory, the slot's: the birth, its arrays, and copies of
 * all text. Descriptors are left at -1. False: no memory.
 */
bool rv_plan_make(
    struct rv_launcher *, const struct rv_launch *, struct rv_slot *);

/*
 * The runtime's environment without what is meant for one process alone.
 * False: no memory.
 */
bool rv_plan_base_environment(struct rv_launcher *, char **environ);

#endif
