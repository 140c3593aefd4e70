/* SPDX-License-Identifier: MIT */
/*
 * The clerk's end of the supervisor's socket: what it says is acted on, what
 * the disk thread notes is sent, in order and when there is room. For the main
 * thread.
 */
#ifndef RV_CLERK_BOSS_H
#define RV_CLERK_BOSS_H

#include "clerk/desk.h"
#include "loop/loop.h"

struct rv_boss_ops {
	/* first of all; the descriptors are the callee's */
	void (*start)(
	    void *ctx, const struct rv_clerk_conf *, int ring_fd, int wake_fd);
	void (*launcher)(void *ctx, int fd); /* the callee's */
	void (*sync)(void *ctx, uint64_t token);
	/* closed: it said so; otherwise it is gone */
	void (*end)(void *ctx, bool closed);
};

struct rv_boss {
	struct rv_desk *desk;
	const struct rv_boss_ops *ops;
	void *ctx;
	int fd; /* -1: it is gone */
	struct rv_io io;
	bool started, closed, blocked;
	bool deaf;           /* it does not read any more */
	bool wants_launcher; /* to be said */
	bool has_note;       /* this one is to be sent */
	struct rv_note note;
	struct rv_ready ready;
	uint32_t strays_sent;
};

enum reeve_status rv_boss_open(struct rv_boss *, struct rv_loop *,
    struct rv_desk *, int fd, struct reeve_error *) RV_MUST_CHECK;
void rv_boss_close(struct rv_boss *);

/* Read what the supervisor has said, as far as it is there. */
void rv_boss_listen(struct rv_boss *);
/* Send what the disk thread has noted. */
void rv_boss_flush(struct rv_boss *);
void rv_boss_want_launcher(struct rv_boss *);

#endif
