/* SPDX-License-Identifier: MIT */
/*
 * Pipes that are written to without a pause in small pieces. Each write to a
 * pipe that is waited for costs its writer a call of the waiter's, and a clerk
 * that wakes for each reads a line at a time. So such a pipe is taken out of
 * the epoll and read by a timer, several thousand times a second, until it is
 * found empty twice: as network drivers do with their interrupts.
 */
#ifndef RV_CLERK_FLOODS_H
#define RV_CLERK_FLOODS_H

#include "base/base.h"
#include "loop/loop.h"

#define RV_FLOODS_MAX 16 /* pipes at a time; others stay in the epoll */

struct rv_outlet;
struct rv_pipes;

struct rv_floods {
	struct rv_outlet *outlets[RV_FLOODS_MAX];
	unsigned n;
	uint8_t turn; /* of reading what the epoll tells */
	rv_time turned_at;
	struct rv_tick tick;
};

void rv_floods_init(struct rv_pipes *);
/* Before a turn of reading what the epoll tells. */
void rv_floods_turn(struct rv_pipes *);
/* A read of so many bytes has emptied this pipe: it may be one of them. */
void rv_floods_note(struct rv_pipes *, struct rv_outlet *, size_t n);
/* It is closed. Must come before its descriptor is. */
void rv_floods_forget(struct rv_pipes *, struct rv_outlet *);

#endif
