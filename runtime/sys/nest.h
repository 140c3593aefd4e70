/* SPDX-License-Identifier: MIT */
/*
 * A directory that nobody else may enter, its maker's as long as that lives:
 * by a lock, which the kernel takes back, so that what the dead have left goes
 * when the next one of the kind is made.
 */
#ifndef RV_SYS_NEST_H
#define RV_SYS_NEST_H

#include "base/base.h"

struct rv_nest {
	char path[64]; /* "": none */
	int fd;        /* the lock; -1 */
};

struct rv_nest_kind {
	const char *prefix; /* of their names */
	/*
	 * What one of the dead has left elsewhere goes, before its nest.
	 * False: somebody uses that still, so both stay. NULL: there is none.
	 */
	bool (*clear)(const char *path);
};

void rv_nest_init(struct rv_nest *);
/* Below that directory. False: errno says why, and there is none. */
bool rv_nest_make(struct rv_nest *, const struct rv_nest_kind *,
    const char *base) RV_MUST_CHECK;
/* Nobody uses it any more: with all that is in it. */
void rv_nest_remove(struct rv_nest *);
/* A directory like this, with all that is in it. */
void rv_nest_remove_dir(const char *path);

#endif
