/* SPDX-License-Identifier: MIT */
/*
 * The desk between the clerk's two threads, and all that passes over it. The
 * main thread reads sockets and pipes and must never wait for a disk; the disk
 * thread alone opens, writes and commits. Each sleeps in the kernel and is
 * woken only when it does. Memory for output is a fixed number of blocks.
 */
#ifndef RV_CLERK_DESK_H
#define RV_CLERK_DESK_H

#include <pthread.h>

#include "base/list.h"
#include "base/time.h"
#include "clerk/origin.h"
#include "wire/clerk.h"

#define RV_BLOCK_SIZE     ((size_t)256 * 1024)
#define RV_BLOCKS         32 /* 8 MiB in all */
#define RV_BLOCK_SEGMENTS 512
#define RV_ASK_MAX        1024
#define RV_NOTES_MAX      32
#define RV_SYNCS_MAX      64
#define RV_DROPS_MAX      64 /* outlets; what is more is added up */

/* Bytes of one outlet, in the order in which they were read. */
struct rv_segment {
	struct rv_outlet *outlet;
	uint32_t at, len;
};

struct rv_block {
	struct rv_job job; /* or in the list of free ones */
	uint32_t used;     /* of data */
	uint32_t n_segments;
	uint32_t next, written; /* the disk's: segment in hand, bytes of it */
	struct rv_segment segments[RV_BLOCK_SEGMENTS];
	char data[];
};

#define RV_BLOCK_ROOM (RV_BLOCK_SIZE - sizeof(struct rv_block))

/* What the disk thread wants the supervisor to know. */
struct rv_note {
	enum rv_clerk_op op; /* DISK or SYNCED; of drops, DROPPED */
	bool ok;
	const char *what; /* static */
	char path[256], reason[256];
	uint64_t life, token;
	bool is_stderr;
	struct rv_drop drop;
};

struct rv_ready {
	bool told;
	uint64_t next_event, next_life;
	unsigned rings_drained;
	struct rv_clerk_stray *strays; /* the receiver's, rv_free */
	uint32_t n_strays;
};

enum rv_ending_how {
	RV_GOES_ON,
	RV_ENDS_CLOSED, /* the supervisor said so */
	RV_ENDS_LOST,   /* it is gone */
};

/* Tails are wanted: read what these lives have written, to the last byte. */
struct rv_ask {
	enum { RV_ASK_NONE, RV_ASK_ASKED, RV_ASK_ANSWERED, RV_ASK_OVER } state;
	bool committed; /* of OVER: their deaths are in the database */
	unsigned n, at; /* at: how far the main thread is */
	uint64_t lives[RV_ASK_MAX];
	struct rv_origin *origins[RV_ASK_MAX]; /* NULL: has no output */
};

struct rv_desk {
	pthread_mutex_t lock;
	int to_disk, to_main; /* eventfds */
	bool disk_sleeps, disk_news, main_told;
	int also_fd; /* the disk thread's: wakes it as well; -1: none */

	/* to the disk */
	struct rv_list jobs;
	uint64_t n_pushed, n_done; /* jobs, ever */
	struct {
		uint64_t token, after, head; /* jobs; end of the ring */
	} syncs[RV_SYNCS_MAX];
	unsigned n_syncs;
	enum rv_ending_how ending;

	/* blocks */
	char *memory;
	struct rv_list free;
	unsigned n_free, n_made;
	bool main_wants_block;
	_Atomic uint64_t progress; /* grows whenever the disk took something */

	/* to the main thread */
	struct rv_ask ask;
	struct rv_note notes[RV_NOTES_MAX];
	unsigned n_notes, first_note;
	struct rv_note drops[RV_DROPS_MAX];
	unsigned n_drops;
	struct rv_ready ready;
	/* what is left on drops at the end is the disk's, and written by it */
	enum { RV_LAST_NONE, RV_LAST_WANTED, RV_LAST_THERE } last_drops;
	bool ended; /* the disk thread has done all */
};

bool rv_desk_init(struct rv_desk *) RV_MUST_CHECK;
void rv_desk_finish(struct rv_desk *);

/* By the main thread: */
void rv_desk_push(struct rv_desk *, struct rv_job *);
struct rv_block *rv_desk_block(struct rv_desk *); /* NULL: none is free */
/* One that was not used. */
void rv_desk_unblock(struct rv_desk *, struct rv_block *);
void rv_desk_sync(struct rv_desk *, uint64_t token, uint64_t head);
void rv_desk_end(struct rv_desk *, enum rv_ending_how);
/* To be called when to_main was readable, before looking at what there is. */
void rv_desk_main_woken(struct rv_desk *);
bool rv_desk_take_note(struct rv_desk *, struct rv_note *);
bool rv_desk_take_drop(struct rv_desk *, struct rv_note *);
/* It could not be told: for the disk thread, which writes it at the end. */
void rv_desk_return_drop(struct rv_desk *, const struct rv_note *);
/* The disk thread waits for the drops that are still to be told of. */
bool rv_desk_wants_last_drops(struct rv_desk *);
void rv_desk_last_drops(struct rv_desk *);
/* True once, when it is there. */
bool rv_desk_take_ready(struct rv_desk *, struct rv_ready *);
bool rv_desk_has_ended(struct rv_desk *);
/* The ask in hand: ASKED is to be answered, OVER to be taken note of. */
struct rv_ask *rv_desk_asked(struct rv_desk *, bool *over);
void rv_desk_answer(struct rv_desk *);
void rv_desk_ask_taken(struct rv_desk *);
bool rv_desk_disk_idle(struct rv_desk *);

/* By both: */
/* Of bytes that went nowhere; `drop` is one of the outlet's, and cleared. */
void rv_desk_drop(
    struct rv_desk *, const struct rv_outlet *, struct rv_drop *drop);

/* By the disk thread: */
/* The first job; it stays at the head until rv_desk_job_done. */
struct rv_job *rv_desk_job(struct rv_desk *);
/* A block goes back to the pool, the rest is whoever's it was. */
void rv_desk_job_done(struct rv_desk *, struct rv_job *);
/* Note each sync whose jobs and records, up to this position, are done. */
void rv_desk_answer_syncs(struct rv_desk *, uint64_t committed);
enum rv_ending_how rv_desk_ending(struct rv_desk *);
/* Give back memory that no output needs. */
void rv_desk_shrink(struct rv_desk *);
/* False: the main thread is far behind; try again later. */
bool rv_desk_note(struct rv_desk *, const struct rv_note *);
void rv_desk_ready(struct rv_desk *, const struct rv_ready *);
/* False: ask again after a sleep. Then they are all there to be looked at. */
bool rv_desk_has_last_drops(struct rv_desk *);
bool rv_desk_drop_at(struct rv_desk *, unsigned i, struct rv_note *);
void rv_desk_say_ended(struct rv_desk *);
/* Fill ask.lives and n in between: false while the last is not over. */
bool rv_desk_may_ask(struct rv_desk *);
void rv_desk_ask(struct rv_desk *);
bool rv_desk_answered(struct rv_desk *);
/* The origins are no longer looked at. */
void rv_desk_ask_over(struct rv_desk *, bool committed);
/*
 * Sleep until something comes over the desk, `fd` (-1: none) is readable, or
 * the time is there.
 */
void rv_desk_sleep(struct rv_desk *, int fd, rv_time until);

#endif
