/* SPDX-License-Identifier: MIT */
/*
 * A job under way: its parts, and the items that run or wait. For the files of
 * this folder that do it: map_give.c (what is next), map_item.c (one item from
 * start to end), map_tell.c (what becomes known of it), map_run.c (the loop).
 */
#ifndef REEVE_MAP_JOB_H
#define REEVE_MAP_JOB_H

#include <sys/resource.h>

#include "tools/map/map_function.h"
#include "tools/map/map_input.h"
#include "tools/map/map_log.h"
#include "tools/map/map_order.h"
#include "tools/map/map_out.h"
#include "tools/map/map_plan.h"
#include "tools/map/map_progress.h"
#include "tools/map/map_spawn.h"
#include "tools/map/map_template.h"

/* One command with its items: an item of ours, whatever is in it. */
struct map_item {
	struct map_item *prev, *next; /* in one of the lists below */
	struct map_items *list;
	uint64_t number, sequence; /* from 1; from 0, of those that are run */
	uint64_t key;
	char *text; /* items, each with a NUL behind */
	size_t text_len;
	unsigned n_items;
	unsigned attempt, slot;
	uint64_t birth; /* which of all starts it was */
	pid_t pid;
	int pidfd;
	struct map_call call; /* in the place of a process of its own */
	struct map_output *output;
	int64_t started_at, at; /* at: of what its list waits for */
	const char *reason;     /* why we ended it; NULL: we did not */
	bool asked;             /* on the way to the end of all */
	/* how it ended */
	int exit_code, signal, sys_errno;
	bool core;
	struct rusage usage;
};

struct map_items {
	struct map_item *first, *last;
};

#define MAP_FAILURES 5 /* that the summary names */

struct map_failure {
	uint64_t number;
	char how[96], text[96];
};

struct map_job {
	const struct map_options *o;
	struct map_input input;
	struct map_template template;
	struct map_plan plan;
	struct map_guard guard;
	struct map_function function; /* in the place of commands */
	struct map_log log;
	struct map_past past;
	struct map_order order;
	struct map_outs outs;
	struct map_progress progress;
	char *program; /* its path, if it is the same for all */
	int null_fd, epoll, signals;
	struct map_item **slots; /* NULL: free */
	unsigned *free_slots, n_free;
	struct map_items todo;    /* of an earlier run: to be done first */
	struct map_items running; /* by their start */
	struct map_items ending;  /* told to end; by when they are killed */
	struct map_items again;   /* by when they are tried again */
	struct map_items called;  /* whose function has ended: to be judged */
	struct map_item *partial; /* whose items are still being read */
	uint64_t numbers, sequences; /* given out so far */
	uint64_t births;
	uint64_t skipped, skipped_failed;
	int64_t began_at, turned_at;         /* turned: the log was, last */
	bool log_ready, input_waits, cannot; /* cannot: exit status 3 */
	int64_t full_at; /* since when nothing can be recorded; 0: it can */
	bool full_said;
	int signal;              /* the first that asked for the end */
	enum map_stop done_stop; /* how far stopping has been done */
	struct map_failure failures[MAP_FAILURES];
	bool no_memory_said;
	bool outs_wait; /* for who reads them */
};

/* -------- map_give.c -------- */

void map_items_add(struct map_items *, struct map_item *);
/* Before the first that comes after `at`. */
void map_items_add_by_time(struct map_items *, struct map_item *);
void map_items_remove(struct map_item *);
void map_item_free(struct map_item *);
/* 0, or the exit status: what an earlier run began is read and compared. */
int map_give_open(struct map_job *);
/* The next to be run. */
enum map_got map_give_next(struct map_job *, struct map_item **);

/* -------- map_item.c -------- */

/* False: nothing is to be had for it now; it waits. */
bool map_item_start(struct map_job *, struct map_item *);
/* Its process has ended. */
void map_item_ended(struct map_job *, struct map_item *);
/* How it ended is in it. */
void map_item_over(struct map_job *, struct map_item *);
/* TERM to the whole group; KILL comes when its time is over. */
void map_item_end(struct map_job *, struct map_item *, const char *reason);
void map_item_kill(struct map_item *);

/* -------- map_tell.c -------- */

enum map_recorded map_tell_started(struct map_job *, const struct map_item *);
/* Recorded and written (not when it is tried again). */
void map_tell_verdict(struct map_job *, struct map_item *, enum map_verdict);
/* One that was never tried to its end. */
void map_tell_dropped(struct map_job *, struct map_item *);
bool map_tell_job(struct map_job *, enum reeve_record_kind, const char *text);
/* complete: nothing is left to go on with */
void map_tell_summary(struct map_job *, bool complete);
/* "exited with code 3" */
void map_tell_how(const struct map_item *, char *dst, size_t size);

/* -------- map_run.c -------- */

/* Which event of the epoll is of which item. */
enum { MAP_ON_END, MAP_ON_STDOUT, MAP_ON_STDERR };
uint64_t map_event_of(const struct map_item *, unsigned what);

#endif
