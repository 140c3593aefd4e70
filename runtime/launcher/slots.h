/* SPDX-License-Identifier: MIT */
/*
 * Slots for processes that are between clone and exec: each gives the child a
 * stack, a few words of shared memory, and keeps the text of its birth until
 * the kernel says that the child has left the launcher's memory. So hundreds
 * are on their way at a time, and one that hangs in exec (a dead file server)
 * holds up nobody.
 */
#ifndef RV_LAUNCHER_SLOTS_H
#define RV_LAUNCHER_SLOTS_H

#include <reeve/error.h>

#include "child/enter.h"
#include "loop/loop.h"

#define RV_SLOTS_MAX 512

struct rv_slot {
	bool busy;
	bool forked;
	uint32_t inside; /* the kernel zeroes it when the child is out */
	pid_t pid;
	struct rv_birth *birth; /* in the slot's room, or in block */
	void *block;            /* rv_free; NULL: the room was enough */
	/* told {stage, errno} when the slot is free; both 0 after an exec */
	void (*left)(struct rv_slot *, int stage, int sys_errno);
	void *ctx;
};

struct rv_slots {
	struct rv_slot *slots;
	struct rv_birth_shared *shared; /* one a slot */
	char *stacks;
	unsigned n_busy, top; /* all busy ones stand below top */
	unsigned most;        /* busy at once since all were idle */
	rv_time pause;        /* until the next look */
	struct rv_tick tick;
	struct rv_loop *loop;
};

enum reeve_status rv_slots_init(
    struct rv_slots *, struct rv_loop *, struct reeve_error *) RV_MUST_CHECK;
void rv_slots_finish(struct rv_slots *);

/* The lowest free one, its shared words zeroed; NULL: all are taken. */
struct rv_slot *rv_slots_take(struct rv_slots *);
/*
 * Zeroed memory of the slot for its birth, large enough for nearly all; NULL
 * without memory.
 */
void *rv_slot_room(struct rv_slots *, struct rv_slot *, size_t);
/* Give back one that no child was made in. */
void rv_slots_untake(struct rv_slots *, struct rv_slot *);
/*
 * Clone into it: the pid, or -1 with errno. birth must have been set. *pidfd
 * is -1 where the kernel gives none.
 */
pid_t rv_slot_clone(struct rv_slots *, struct rv_slot *, int *pidfd);
/* Let the child go on to its program. */
void rv_slot_announce(struct rv_slots *, struct rv_slot *);
/* Look at one whose child has ended (or is about to): free it if it is out. */
void rv_slot_check(struct rv_slots *, struct rv_slot *, bool ended);

#endif
