/* SPDX-License-Identifier: MIT */
/*
 * RUNTIME_DIR/next-ids: which numbers are free, kept beside the rings for the
 * day on which the database cannot tell. Rewritten behind every commit, on
 * tmpfs. For the disk thread.
 */
#ifndef RV_CLERK_NUMBERS_H
#define RV_CLERK_NUMBERS_H

#include "base/base.h"

struct rv_numbers {
	int fd; /* -1: it cannot be kept */
	uint64_t next_event, next_life;
	bool known; /* the file said so, or somebody since */
};

void rv_numbers_open(struct rv_numbers *, const char *runtime_dir);
void rv_numbers_close(struct rv_numbers *);
/* Never lowers what was there. */
void rv_numbers_raise(
    struct rv_numbers *, uint64_t next_event, uint64_t next_life);

#endif
