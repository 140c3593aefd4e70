/* SPDX-License-Identifier: MIT */
/* From a LAUNCH request to the flat struct that a new process reads. */
#ifndef RV_LAUNCHER_PLAN_H
#define RV_LAUNCHER_PLAN_H

#include "child/enter.h"
#include "launcher/launcher.h"

/*
 * All in one block of zeroed memory: the birth, its arrays, and copies of all
 * text. Descriptors come later. The block must be rv_plan_size bytes at least.
 */
size_t rv_plan_size(const struct rv_launcher *, const struct rv_launch *);
struct rv_birth *rv_plan_lay(const struct rv_launcher *,
    const struct rv_launch *, void *block, size_t size);

/* The first descriptor behind those that the worker asked for. */
int rv_plan_own_fd(const struct rv_launch *);

/* One more descriptor of the child; the table stays in order. */
void rv_plan_fd(struct rv_birth *, int from, int at, bool cloexec);

/*
 * The runtime's environment without what is meant for one process alone.
 * False: no memory.
 */
bool rv_plan_base_environment(struct rv_launcher *, char **environ);

#endif
