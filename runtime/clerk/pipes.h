/* SPDX-License-Identifier: MIT */
/*
 * The launcher's socket and the workers' pipes: read in fair turns into blocks
 * that go over the desk. The pipes hang in an epoll of their own, so that one
 * call holds them all back while no block is free. For the main thread; never
 * touches a disk.
 */
#ifndef RV_CLERK_PIPES_H
#define RV_CLERK_PIPES_H

#include "base/hash.h"
#include "clerk/desk.h"
#include "clerk/floods.h"
#include "clerk/logs.h"
#include "loop/loop.h"

struct rv_pipes {
	struct rv_loop *loop;
	struct rv_desk *desk;
	const struct rv_logs *logs; /* which paths are our own */
	rv_time stall;
	bool keep; /* closed origins, until their deaths are recorded */
	void *ctx;
	void (*ended)(void *ctx); /* the launcher's socket has */
	/* what was offered could not be taken: have it offered again */
	void (*again)(void *ctx);
	void (*goes_on)(void *ctx); /* an answer may have more to say */

	int epoll_fd;
	struct rv_io io; /* that epoll */
	struct rv_hash by_life, by_path;
	/* origins whose pipes are open, are to be emptied, are all closed */
	struct rv_list open, ending, closed;
	size_t n_closed;
	struct rv_list gone; /* go to the disk thread at the end of the turn */
	struct rv_defer part;

	/* the launcher */
	int fd; /* -1: none */
	struct rv_io link;
	bool blocked;
	struct rv_list unsent;
	/* whether it has told all: CATCH_UPs asked for, sent, answered */
	bool heard; /* something, since the last answer */
	bool has;   /* HAD is owed, behind all HAVEs */
	unsigned asked, sent, answered;
	unsigned wanted; /* the answer that the ask in hand needs; 0: none */
	struct rv_defer caught_up;
	struct rv_tick again_later;

	/* the block in hand */
	struct rv_block *block; /* NULL: none */
	rv_time pushed_at;
	size_t n_read; /* bytes, in this turn */
	struct rv_tick flush;

	struct rv_floods floods;

	/* many small writes: let some gather in the pipes */
	rv_time read_at;
	unsigned trickles; /* small turns, one right after the other */
	bool gathering;
	struct rv_tick gathered;

	/* no block is free */
	bool starved, dropping;
	uint64_t progress; /* of the disk, when last looked at */
	struct rv_tick stalled;
};

enum reeve_status rv_pipes_init(struct rv_pipes *, struct rv_loop *,
    struct rv_desk *, const struct rv_logs *,
    struct reeve_error *) RV_MUST_CHECK;
/* When the disk thread has ended. */
void rv_pipes_finish(struct rv_pipes *, struct rv_logs *);

/* Takes the descriptor. */
void rv_pipes_connect(struct rv_pipes *, int fd);

/* All that was written until now, as far as there is room; then push it. */
void rv_pipes_read_all(struct rv_pipes *);

/*
 * For floods.c: read until it is empty, and hand over soon. False: there is no
 * room for more.
 */
bool rv_pipes_read_outlet(struct rv_pipes *, struct rv_outlet *);
void rv_pipes_push_soon(struct rv_pipes *);

/* The disk thread has told something: perhaps that a block is free. */
void rv_pipes_room(struct rv_pipes *);

/* Tell the desk of all drops; the disk thread waits, and has no job. */
void rv_pipes_last_drops(struct rv_pipes *);

/* Answer, as far as there is room; true when all is answered. */
bool rv_pipes_answer(struct rv_pipes *, struct rv_ask *);
void rv_pipes_ask_over(struct rv_pipes *, struct rv_ask *);

#endif
