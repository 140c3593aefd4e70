/* SPDX-License-Identifier: MIT */
/*
 * What lives are kept by, each once: thousands of lives have a few stop steps
 * and kill modes between them. Counted; the last few stay for the next life.
 */
#ifndef RV_LAUNCHER_KEEPS_H
#define RV_LAUNCHER_KEEPS_H

#include "wire/launch.h"

#define RV_KEEPS_LAST 16

struct rv_kept {
	struct rv_launch_keep keep; /* first: see rv_keep_drop */
	unsigned refs;
};

struct rv_keeps {
	struct rv_kept *last[RV_KEEPS_LAST];
};

/* Equal to this one; NULL without memory. */
const struct rv_launch_keep *rv_keep_take(
    struct rv_keeps *, const struct rv_launch_keep *);
/* NULL is fine. */
void rv_keep_drop(const struct rv_launch_keep *);
void rv_keeps_finish(struct rv_keeps *);

#endif
