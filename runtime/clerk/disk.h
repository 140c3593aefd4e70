/* SPDX-License-Identifier: MIT */
/*
 * The disk thread: the one that opens, writes, commits, and may stand still
 * for as long as a disk does. It is one loop of small steps, none of which
 * waits: output is written, records are inserted, and what failed is tried
 * again later. Its state is its own; the main thread sees the desk alone.
 */
#ifndef RV_CLERK_DISK_H
#define RV_CLERK_DISK_H

#include "clerk/desk.h"
#include "clerk/drain.h"
#include "clerk/logs.h"
#include "clerk/namer.h"
#include "clerk/numbers.h"
#include "clerk/rows.h"
#include "clerk/store.h"

/* What a step has to say about itself. */
enum rv_step_result {
	RV_STEP_IDLE,  /* there was nothing to do */
	RV_STEP_DID,   /* there may be more */
	RV_STEP_WAITS, /* it failed: not before disk->db.retry_at */
};

struct rv_disk {
	struct rv_desk *desk;
	const char *state_dir, *runtime_dir;
	struct rv_clerk_conf conf;
	int wake_fd; /* the ring's */
	int lock_fd; /* one clerk at a time has the database */
	bool locked;
	rv_time now, began;
	int64_t began_us;

	struct rv_store store;
	struct rv_rows rows;
	struct rv_logs logs;
	struct rv_numbers numbers;

	/* the database does not take what it is given */
	struct {
		bool failing, said;
		rv_time since, retry_at, delay;
		rv_time checked_at; /* that the file is still there */
	} db;

	rv_time output_at; /* when a log that failed is tried again */
	bool output_waits;

	/* rings */
	struct rv_drain *live;
	struct rv_list old; /* struct rv_drain */
	bool old_found, gaps_closed, ready_told;
	uint64_t ceiling; /* ids from here on are the live run's; 0: unknown */
	unsigned n_lost;

	/* the lives of the batch in hand whose last words are wanted */
	unsigned tail_at;
	bool asking; /* the main thread is to hear how the batch went */
	bool tails;  /* it has answered: all they said is written */

	/* what can wait until nothing else is to do */
	rv_time busy_at, prune_at;
	struct rv_namer namer;
	rv_time ended_at; /* the end was seen; 0: not yet */
	bool shrunk, pruning;
	uint64_t pruned_at_event;
	bool done;
};

bool rv_disk_init(struct rv_disk *, struct rv_desk *, const char *state_dir,
    const char *runtime_dir) RV_MUST_CHECK;
void rv_disk_finish(struct rv_disk *);
/* The thread's function; the argument is the rv_disk, live set. */
void *rv_disk_main(void *);

/* disk.c, for the other files of the thread */
void rv_disk_say(struct rv_disk *, bool ok, const char *what, const char *path,
    const char *reason);
/* Something with the database failed: sorts what is to be done. */
enum rv_step_result rv_disk_failed(
    struct rv_disk *, enum reeve_status, const struct reeve_error *);
void rv_disk_works(struct rv_disk *);

/* output.c: what is on the desk goes into logs */
bool rv_disk_write_output(struct rv_disk *);
/* Nothing of it can be written any more. */
void rv_disk_forget_output(struct rv_disk *);

/* records.c: rings into rows */
enum rv_step_result rv_disk_records(struct rv_disk *);
enum rv_step_result rv_disk_end(struct rv_disk *, enum rv_ending_how);
bool rv_disk_records_pending(struct rv_disk *);

/* ready.c: what a new clerk has to find out */
enum rv_step_result rv_disk_old_rings(struct rv_disk *);
enum rv_step_result rv_disk_gaps(struct rv_disk *);
void rv_disk_ready(struct rv_disk *, bool in_full);
/* Learn which numbers the database holds. */
enum reeve_status rv_disk_ask_numbers(
    struct rv_disk *, struct reeve_error *) RV_MUST_CHECK;

/* tails.c */
/*
 * Have everything written that the lives have said which end with the next
 * records, at most RV_BATCH_MAX; how many records these are.
 */
unsigned rv_disk_gather_tails(
    struct rv_disk *, const struct rv_ring_cursor *from);
bool rv_disk_gather_lives(struct rv_disk *, const uint64_t *lives, unsigned n);
void rv_disk_tail(
    void *disk, uint64_t life, int64_t started_at_us, struct rv_buf *out);
void rv_disk_tails_over(struct rv_disk *, bool committed);

/* Append as text: valid UTF-8, without NULs. */
void rv_disk_add_text(const char *data, size_t len, struct rv_buf *out);

/* namer.c: a step on the way to names */
enum rv_step_result rv_disk_name(struct rv_disk *);

/* prune.c */
enum rv_step_result rv_disk_prune(struct rv_disk *);

#endif
