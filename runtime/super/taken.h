/* SPDX-License-Identifier: MIT */
/*
 * An address to listen on that is taken when the runtime begins. After a run
 * that was killed its lives may still hold it, and are being killed: then it is
 * tried again for a while, and the tree does not boot before. Else it is an
 * error at once. For this folder.
 */
#ifndef RV_SUPER_TAKEN_H
#define RV_SUPER_TAKEN_H

#include "loop/loop.h"

struct rv_super;
struct reeve_error;

struct rv_taken {
	struct rv_tick tick; /* of the next attempt */
	rv_time until;       /* 0: nothing is waited for */
	bool said;
	bool boot_is_due; /* as soon as all are open */
};

void rv_taken_init(struct rv_super *);
/* Open what the conf says, or begin to try. */
enum reeve_status rv_taken_open(
    struct rv_super *, struct reeve_error *) RV_MUST_CHECK;
/* True: no boot yet, it will come from here. */
bool rv_taken_holds_up(struct rv_super *);

#endif
