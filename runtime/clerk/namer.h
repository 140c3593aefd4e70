/* SPDX-License-Identifier: MIT */
/*
 * Names for the frames of exceptions, after their rows are written: one at a
 * time, by a process of ours that reads the files (runtime/symbols) and may die
 * of them. Part of the disk thread, done while there is nothing else to do.
 * What waits stands in the private table `unnamed`, so that another clerk goes
 * on.
 */
#ifndef RV_CLERK_NAMER_H
#define RV_CLERK_NAMER_H

#include <sys/types.h>

#include <reeve/error.h>

#include "base/buf.h"
#include "base/time.h"

enum rv_namer_state {
	RV_NAMER_FREE,
	RV_NAMER_RUNS,  /* reads and writes */
	RV_NAMER_DYING, /* was killed, is not gone yet */
	RV_NAMER_DONE,  /* what it said is to be stored */
};

struct rv_namer {
	enum rv_namer_state state;
	bool looked; /* nothing waits, but what rows has counted since */
	uint64_t id; /* the exception in hand */
	pid_t pid;
	int pidfd, out; /* -1: none */
	rv_time until;  /* it is killed then; DYING: looked at again */
	rv_time retry_at;
	unsigned tries;
	struct rv_buf text;
	const char *why; /* it gave no names: static text, flaw, or NULL */
	char flaw[sizeof(((struct reeve_error *)0)->text)];
};

struct rv_disk;

void rv_namer_init(struct rv_namer *);
/* Kills what runs; what it was about stays unnamed. */
void rv_namer_finish(struct rv_namer *);

/* Whether there is, or may be, something to do: now or later. */
bool rv_disk_names_pending(const struct rv_disk *);
/* When to look again if nothing else happens. */
rv_time rv_disk_names_at(const struct rv_disk *);

#endif
