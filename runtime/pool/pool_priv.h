/* SPDX-License-Identifier: MIT */
/*
 * A pool as its host has it, for the host's files of this folder. All of it
 * belongs to one thread. Facts (frames, deaths, calls) go to the scheduler, and
 * rv_pool_act does what that says; callbacks are queued and told at the end of
 * a turn, so that they find everything settled. Nothing here is for workers.
 */
#ifndef RV_POOL_PRIV_H
#define RV_POOL_PRIV_H

#include <sys/types.h>

#include <reeve/pool.h>

#include "base/base.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/time.h"
#include "pool/chunks.h"
#include "pool/door.h"
#include "pool/here.h"
#include "pool/home.h"
#include "pool/lane.h"
#include "pool/scheduler.h"

#define RV_POOL_MAGIC     0x5276506fu
#define RV_RESULTS_MAGIC  0x52765273u
#define RV_IMAP_MAGIC     0x5276496du
#define RV_POOL_FUNCTIONS 1024 /* different ones in a pool's life */
#define RV_POOL_NAME      64
#define RV_FUNCTION_NAME  256 /* bytes of a function, with its module */

/* -------- what a task came to -------- */

enum rv_box_flags {
	RV_BOX_JSON = 1,
	RV_BOX_CORE = 2,
	RV_BOX_MAPPED = 4, /* data is struct rv_box_map */
	RV_BOX_ARENA = 8,  /* in memory of results, not its own */
	RV_BOX_TEXTS = 16, /* type, message, backtrace follow the name */
	RV_BOX_EVEN = 32,  /* of many items: data begins with rv_box_even */
	RV_BOX_LOST = 64,  /* there was a result, and no room for it */
};

/* One allocation: this, the data and a NUL, the worker's name and a NUL, and,
 * of what is not good, type, message and backtrace, each with a NUL. */
struct rv_box {
	uint64_t length;
	int64_t took;
	int32_t code;
	pid_t pid;
	uint16_t attempts;
	uint8_t outcome; /* enum reeve_outcome */
	uint8_t flags;
	uint8_t signo;
	uint8_t spare[3];
	uint8_t data[];
};

struct rv_box_map {
	void *at;
	size_t mapped;
};

/* Of many that are good: behind this are their data, each `length` bytes in
 * RV_CHUNK_ROOM of that (but where they are empty 8 bytes for all), then the
 * worker's name. */
struct rv_box_even {
	uint64_t first; /* item */
	uint64_t bytes; /* of their data */
};

/* What a box is made of. */
struct rv_box_fill {
	enum reeve_outcome outcome;
	const void *data;
	size_t length;
	struct rv_box_map map; /* at != NULL: instead of data */
	bool json, core;
	bool lost; /* there was no room for its data: it makes no box */
	int64_t took;
	int code, signo;
	pid_t pid;
	uint32_t attempts;
	const char *worker, *type, *message, *backtrace; /* NULL: "" */
};

/* Memory of many boxes that are freed together. */
struct rv_arena_part {
	struct rv_arena_part *next;
	size_t used, size;
	uint8_t bytes[] __attribute__((aligned(16)));
};

struct rv_box_arena {
	struct rv_arena_part *parts;
};

/* From the arena, or, where that is NULL, of its own. NULL without memory. */
struct rv_box *rv_box_make(struct rv_box_arena *, const struct rv_box_fill *);
/* Of `n` items from `first` on; data is that of all of them, length and took
 * are those of each. */
struct rv_box *rv_box_make_even(struct rv_box_arena *,
    const struct rv_box_fill *, uint64_t first, uint32_t n);
void rv_box_free(struct rv_box *);
void rv_box_arena_finish(struct rv_box_arena *);
/* What this item has, in a box of its own, whose mapping it is then. */
struct rv_box *rv_box_move(const struct rv_box *, uint64_t item);
/* Look into it, for what this item has. */
void rv_box_show(
    const struct rv_box *, uint64_t item, struct reeve_task_result *);
/* A constant, which need not be freed. */
struct rv_box *rv_box_plain(enum reeve_outcome);
/* Likewise: FAILED, since there was no room for what it answered. */
struct rv_box *rv_box_lost(void);
#define RV_BOX_NO_ROOM "there is no memory, or no descriptor, for its result"

/* -------- tasks -------- */

enum rv_job_kind {
	RV_JOB_FUTURE,
	RV_JOB_CHUNK,
};

enum rv_job_flags {
	RV_JOB_JSON = 1,
	RV_JOB_BIG = 2,     /* its payload begins with a u64, its length */
	RV_JOB_CALLER = 4,  /* the caller has the future */
	RV_JOB_SPILLED = 8, /* its payload is a struct rv_spilled */
	RV_JOB_ENDED = 16,  /* it has its end, which is in the box */
	RV_JOB_LOST = 32,   /* no worker can be given it: the box says why */
};

struct rv_job {
	struct rv_task task; /* its link is ours when it is done */
	struct reeve_pool *pool;
	struct rv_box *box; /* of the last try */
	uint32_t length;    /* of the payload */
	uint16_t function;
	uint8_t kind, flags;
};

/* What is put where when a task has its end: for who waits for any of many. */
struct rv_hook {
	struct rv_list *what; /* NULL: nothing */
	struct rv_list *where;
};

struct rv_future_more {
	void (*done)(void *ctx, struct reeve_future *); /* NULL: the hook */
	void *ctx;
	struct rv_hook hook;
};

struct reeve_future {
	struct rv_job job;
	struct rv_future_more *more; /* NULL: nobody is told */
	uint8_t payload[];
};

struct rv_chunk_job {
	struct rv_job job;
	struct reeve_results *results;
	struct rv_list link; /* in the results' */
	uint64_t first;      /* item */
	uint32_t count;
	uint32_t ended; /* items that have their result */
	uint32_t base;  /* those of them that an earlier worker ended */
	uint32_t begun; /* of its worker; known when that died */
	uint32_t timed; /* items that were measured, and their time */
	rv_time took;
	bool own; /* has a payload, and is freed with it */
	size_t n_payload;
	uint8_t payload[];
};

/* What the caller has of a map. */
struct reeve_results {
	uint32_t magic;
	pid_t pid;
	struct rv_here *here;
	struct reeve_pool *pool;        /* NULL: it is gone, and all is done */
	struct rv_list all, feed, told; /* in the pool's */
	struct reeve_map map;
	const struct rv_task_rules *rules;
	uint16_t function;
	bool singly;     /* chunks are of one item */
	bool fed_all;    /* all items are in chunks, or have their end */
	bool stopped;    /* no chunk is to go on */
	bool cancel_due; /* fail_fast */
	bool is_over, released, telling, producer_failed;
	size_t n, room; /* items that there are; boxes that there are */
	size_t next;    /* the next item to be fed */
	size_t n_done, n_bad, n_mapped;
	uint64_t n_chunks;
	uint32_t last_count;
	struct rv_chunks sizes;
	struct rv_box **boxes; /* of each item; those alike may share one */
	struct rv_box_arena arena;
	struct rv_hook hook;
	void *own[2]; /* the memory of its items, where it has it */
	struct rv_list chunks, spare; /* struct rv_chunk_job */
	struct rv_chunk_job *asked;   /* of `next`, not handed over yet */
	void (*done)(void *ctx, struct reeve_results *);
	void *ctx;
};

/* Tasks with the same rules share them. */
struct rv_rules {
	struct rv_task_rules rules;
	struct rv_list link;
	uint64_t users;
};

/* -------- workers -------- */

enum rv_hand_state {
	RV_HAND_COMING, /* was welcomed; its initializer runs */
	RV_HAND_UP,
	RV_HAND_DYING, /* it was killed, or its pair hung up */
};

struct rv_held {
	struct rv_job *job;
	uint64_t id, at;
};

/* Of an exception; NULL: not known. */
struct rv_thrown_texts {
	char *type, *message, *backtrace;
};

/* A file that came for a LARGE frame that is not there yet. */
struct rv_large {
	struct rv_list link;
	int fd; /* -1: that of a hand, of those that could not be kept */
	uint64_t size;
	uint32_t n_lost;
};

/* One worker's process. */
struct rv_hand {
	struct reeve_pool *pool;
	uint16_t place;
	uint8_t state;
	bool was_up;
	uint32_t generation;
	pid_t pid;
	int pidfd, pair, bell;
	uint64_t life;
	struct rv_list active, wake; /* in the pool's */
	struct rv_lane_pair lanes;
	struct rv_list large; /* struct rv_large */
	struct rv_large lost; /* in there, too, when it has any */
	uint64_t last_id;
	uint16_t first, n_held;
	struct rv_held held[RV_SCHED_HELD];
	uint64_t knows[RV_POOL_FUNCTIONS / 64]; /* functions */
	const char *nonsense; /* what it wrote that cannot be */
	const char *why_killed;
	rv_time due;         /* hung up: to be dead until then */
	struct rv_list hung; /* in the pool's */
	struct rv_thrown_texts thrown;
	char name[RV_DOOR_PATH];
};

/* A worker that knocked before its runtime had told us of it. */
struct rv_knock {
	struct rv_list link;
	rv_time since;
	pid_t pid;
	int lane, pair;
	char path[RV_DOOR_PATH];
};

/* A dead worker's task whose end waits for how that died. */
struct rv_grave {
	struct rv_list link;
	struct rv_job *job;            /* or an item of a chunk: */
	struct reeve_results *results; /* NULL: it is the job */
	uint64_t item;
	uint32_t attempts;
	enum reeve_outcome outcome;
	bool finished; /* FINISH was said */
	bool told;     /* the runtime told of the end */
	uint64_t life;
	pid_t pid;
	rv_time due;
	int code, signo;
	bool core;
	const char *why_killed;
	struct rv_thrown_texts thrown;
	char name[RV_DOOR_PATH];
};

/* -------- the pool -------- */

struct reeve_pool {
	uint32_t magic;
	pid_t pid; /* whose it is */
	struct rv_here *here;
	struct reeve *reeve; /* NULL: it is lost */
	bool own_runtime;    /* it made that */
	bool polled;         /* that has a descriptor of its own */
	int runtime_fd;      /* which is watched; -1 */
	bool gone;           /* that has ended */
	bool lost,
	    lost_due;   /* it went before the pool; tasks have no ends yet */
	bool has_units; /* there */
	bool in_turn;   /* somebody reads and acts, further up the stack */
	bool doomed;    /* freed meanwhile */
	bool within_runtime; /* called from inside of a callback of that */
	bool asleep;         /* workers ring the bell */
	bool closed, stopping;
	bool cancelling;     /* who dies now was cancelled */
	struct rv_home home; /* of its own runtime */
	char name[RV_POOL_NAME];
	char door_name[2 * RV_POOL_NAME + 8];
	struct reeve_watch *watch;

	uint32_t max;
	enum reeve_pool_full full;
	uint64_t max_waiting, max_memory;
	int soft_signal;
	size_t init_args_length;
	void (*notice)(void *ctx, struct reeve_pool *, const char *text);
	void *ctx;

	struct rv_sched sched;
	struct rv_sched_worker *places;
	uint16_t *heap;
	struct rv_hand *hands[RV_SCHED_WORKERS];
	/* Lives that ended in a task, until the runtime tells of their ends. */
	uint64_t killed_by_task[RV_SCHED_WORKERS];
	uint32_t generations;
	uint32_t want_size; /* said by the scheduler, not done yet; 0: none */
	uint32_t size;
	uint64_t n_jobs;  /* that are not done */
	uint64_t n_ended; /* ever */
	uint64_t submitted, good, failed, cancelled, deaths;

	struct rv_lane_host host;
	int epoll, timer, door;
	int door_outside; /* of workers, until the runtime has it; -1 */
	int init_file;    /* -1: no initializer */
	rv_time now, timer_at;
	rv_time awaited; /* how long a frame was waited for, of late */
	bool may_spin;

	struct rv_list active; /* hands that hold tasks */
	struct rv_list wake;   /* hands that were given frames */
	struct rv_list hung;   /* hands that hung up, the oldest first */
	struct rv_list knocks, graves;
	struct rv_list news;  /* ended futures whose `done` is to be called */
	struct rv_list told;  /* ended results, likewise */
	struct rv_list ended; /* futures that the caller has */
	struct rv_list feeds; /* struct reeve_results that are not done */
	struct rv_list all_results, imaps;
	struct reeve_future *telling; /* its `done` is called now */

	struct rv_list rules; /* struct rv_rules */
	struct rv_rules *last_rules;
	struct rv_task_rules defaults;
	char *functions[RV_POOL_FUNCTIONS];
	uint32_t n_functions, last_function;

	int spill_fd; /* -1: nothing was ever spilled */
	uint64_t spilled, spill_end;
	rv_time lacks_since, lacked_at; /* memory or descriptors */
	bool broken;
	struct reeve_error why_broken;
	struct rv_thrown_texts bad; /* of a worker that was not ready */
};

/* -------- pool.c -------- */

/* NULL, another process's: REEVE_EINVALID. */
enum reeve_status rv_pool_check(
    const struct reeve_pool *, const char *what, struct reeve_error *);
void rv_pool_destroy(struct reeve_pool *);
/* KILL to all, and until they are dead. */
void rv_pool_kill_all(struct reeve_pool *);
void rv_pool_notice(struct reeve_pool *, const char *fmt, ...) RV_PRINTF(2, 3);
/* REEVE_EBROKEN, REEVE_ECLOSED. */
enum reeve_status rv_pool_open(const struct reeve_pool *, struct reeve_error *);

/* -------- own.c -------- */

enum reeve_status rv_own_create(struct reeve_pool *,
    const struct reeve_pool_options *, struct reeve_error *) RV_MUST_CHECK;
void rv_own_destroy(struct reeve_pool *);

/* -------- lost.c -------- */

/* `gone` of the pool's watch. */
void rv_lost_gone(void *ctx);
/* Its runtime is of no use any more, but not destroyed yet. */
void rv_lost_closed(struct reeve_pool *);
/* What follows from it, once, within a turn; false: there was nothing. */
bool rv_lost_act(struct reeve_pool *);

/* -------- units.c: workers as units of the tree -------- */

enum reeve_status rv_units_add(struct reeve_pool *,
    const struct reeve_pool_options *, struct reeve_error *) RV_MUST_CHECK;
void rv_units_remove(struct reeve_pool *);
void rv_units_unwatch(struct reeve_pool *);
void rv_units_scale(struct reeve_pool *);
/* Its end was its task's: no other one waits for a delay because of it. */
void rv_units_replace(struct reeve_pool *, const char *path);
void rv_units_retire(struct reeve_pool *, uint16_t place);

/* -------- door.c -------- */

enum reeve_status rv_door_open(struct reeve_pool *,
    const struct reeve_pool_options *, struct reeve_error *) RV_MUST_CHECK;
void rv_door_close(struct reeve_pool *);
/* To the runtime, for workers that are not committed yet: whose name it is
 * otherwise it would be taken from. */
enum reeve_status rv_door_hand_over(
    struct reeve_pool *, struct reeve_error *) RV_MUST_CHECK;
/* The door is readable, or units have changed. */
void rv_door_answer(struct reeve_pool *);

/* -------- hand.c -------- */

/* Everything that its lane has; false: there was nothing. */
bool rv_hand_read(struct rv_hand *);
/* What its pair has. */
void rv_hand_listen(struct rv_hand *);
/* It has a task in the frame, which is committed. */
void rv_hand_hold(struct rv_hand *, struct rv_job *, struct rv_frame *);
/* True: its worker will not run it. */
bool rv_hand_take_back(struct rv_hand *, struct rv_job *);
/* Once its ring is empty and it is dead: of a frame that it did not put. */
void rv_hand_read_rest(struct rv_hand *);
/* The oldest that it holds, and whether it has begun; else it never will. */
struct rv_job *rv_hand_first(struct rv_hand *, bool *begun);
/* It holds nothing any more. */
void rv_hand_forget(struct rv_hand *);
/* Whether a task that is held is run. */
bool rv_hand_runs(const struct rv_job *);
/* How many of those that it holds are run, or were. */
unsigned rv_hand_n_begun(struct rv_hand *);
/* NULL is fine. */
void rv_hand_signal(struct rv_hand *, int signo);
void rv_hand_overdue(struct rv_hand *, int signo);
/* Its pair hung up. */
void rv_hand_hung_up(struct rv_hand *);
void rv_hand_tick(struct reeve_pool *);
rv_time rv_hand_deadline(const struct reeve_pool *);
/* It wrote what cannot be. */
void rv_hand_doom(struct rv_hand *, const char *why);
void rv_hand_close(struct rv_hand *);

/* -------- hand_give.c -------- */

enum rv_give {
	RV_GIVEN,
	RV_GIVE_LATER, /* there is no room in its ring, or in its pair */
	RV_GIVE_NEVER, /* its arguments cannot be had or sent: it is LOST */
};
enum rv_give rv_hand_give(struct rv_hand *, struct rv_job *);
/* Those that were given frames. */
void rv_hand_wake_all(struct reeve_pool *);

/* -------- death.c -------- */

/* Its process is dead: read all it said, and part its tasks. */
void rv_death_of(struct rv_hand *);
/* FINISH of a task that died: true, its end waits to be known. */
bool rv_death_waits(struct rv_job *, enum reeve_outcome);
/* The task goes again. */
void rv_death_forget(struct rv_job *);
void rv_death_tick(struct reeve_pool *);
rv_time rv_death_deadline(const struct reeve_pool *);
/* Those whose task has its end; others are dropped when it has. */
void rv_death_finish_all(struct reeve_pool *);
void rv_death_event(void *ctx, const struct reeve_event *);
void rv_death_exception(void *ctx, const struct reeve_exception *);

/* -------- thrown_texts.c -------- */

void rv_thrown_free(struct rv_thrown_texts *);
void rv_thrown_take(struct rv_thrown_texts *, const struct reeve_exception *);
/* As wait has it. */
void rv_death_status(struct rv_grave *, int wstatus);

/* -------- job.c: what the scheduler says, done -------- */

/* Read lanes and act; false: there was nothing to do. */
bool rv_pool_act(struct reeve_pool *);
void rv_job_end(struct rv_job *, enum reeve_outcome);
/* Where boxes of this job are made. */
struct rv_box_arena *rv_job_arena(const struct rv_job *);
void rv_job_box(struct rv_job *, struct rv_box *);
enum reeve_status rv_job_cancel(struct rv_job *, bool kill);
enum reeve_status rv_job_submit(struct rv_job *, struct reeve_error *);

/* -------- rules.c: what tasks share -------- */

const struct rv_task_rules *rv_rules_get(
    struct reeve_pool *, const struct rv_task_rules *);
void rv_rules_put(struct reeve_pool *, const struct rv_task_rules *);
void rv_rules_finish(struct reeve_pool *);
enum reeve_status rv_function_number(struct reeve_pool *, const char *name,
    uint16_t *number, struct reeve_error *);

struct rv_wishes {
	uint8_t priority;
	int64_t soft_limit, hard_limit, backoff;
	uint32_t retries;
};
void rv_rules_defaults(struct reeve_pool *, const struct reeve_pool_options *);
enum reeve_status rv_rules_of(struct reeve_pool *, const struct rv_wishes *,
    const struct rv_task_rules **, struct reeve_error *);

/* -------- future.c -------- */

/* Where it is full, it is waited for as long as that. */
enum reeve_status rv_future_submit(struct reeve_pool *,
    const struct reeve_task *, int64_t timeout, struct reeve_future **,
    struct reeve_error *);
void rv_future_end(struct reeve_future *);
/* Call the callbacks that are due. */
void rv_pool_tell(struct reeve_pool *);

/* -------- many.c -------- */

enum reeve_status rv_map_check(
    const struct reeve_pool *, const struct reeve_map *, struct reeve_error *);
/* Items i to i + n - 1 have their end, which is in this box. */
void rv_results_set(
    struct reeve_results *, size_t i, size_t n, struct rv_box *);
enum reeve_status rv_map_start(struct reeve_pool *, const struct reeve_map *,
    struct reeve_results **, struct reeve_error *) RV_MUST_CHECK;
/* What item i has, which is the caller's then, and no longer there. */
enum reeve_status rv_results_take(
    struct reeve_results *, size_t i, struct reeve_task_result *) RV_MUST_CHECK;
void rv_hook_tell(const struct rv_hook *);
/* Is it over? It may be freed then. */
void rv_results_check(struct reeve_results *);
void rv_results_tell(struct reeve_pool *);
void rv_results_cancel_all(struct reeve_pool *);
void rv_results_stop_feeding(struct reeve_pool *);
void rv_results_orphan(struct reeve_pool *);

/* -------- feed.c -------- */

/* Item i of the chunk. */
size_t rv_chunk_data(
    const struct rv_chunk_job *, uint32_t i, const void **data);
/* Whether all have one size. */
bool rv_chunk_is_even(const struct rv_chunk_job *);
/* Of the payload of what is left. */
uint32_t rv_chunk_bytes(const struct rv_chunk_job *);
/* The next `n` have their result, and took so long together. */
void rv_chunk_items(
    struct rv_chunk_job *, uint32_t n, struct rv_box *, rv_time took);
/* To another worker, with what is left. */
void rv_chunk_go_on(struct rv_chunk_job *);
void rv_chunk_end(struct rv_chunk_job *, enum reeve_outcome);
void rv_feed_all(struct reeve_pool *);
void rv_feed_stop(struct reeve_results *);
void rv_feed_cancel(struct reeve_results *, bool kill);
/* One chunk is kept, so that items go on without memory; false: not even it. */
bool rv_feed_begin(struct reeve_results *) RV_MUST_CHECK;
void rv_feed_finish(struct reeve_results *);

/* -------- imap.c -------- */

void rv_imaps_orphan(struct reeve_pool *);

/* -------- spill.c -------- */

struct rv_spilled {
	uint64_t offset, length;
};
enum reeve_status rv_spill_put(struct reeve_pool *, const void *, size_t,
    struct rv_spilled *, struct reeve_error *);
/* Its bytes, to be rv_freed. NULL: errno. */
void *rv_spill_get(struct reeve_pool *, const struct rv_spilled *);
void rv_spill_drop(struct reeve_pool *, const struct rv_spilled *);
void rv_spill_finish(struct reeve_pool *);

/* -------- sleep.c -------- */

enum reeve_status rv_sleep_open(struct reeve_pool *, struct reeve_error *);
void rv_sleep_close(struct reeve_pool *);
enum rv_sleep_kind {
	RV_SLEEP_BELL,
	RV_SLEEP_RUNTIME,
	RV_SLEEP_TIMER,
	RV_SLEEP_DOOR,
	RV_SLEEP_PAIR,
	RV_SLEEP_DEATH,
};
bool rv_sleep_watch(
    struct reeve_pool *, enum rv_sleep_kind, int fd, const struct rv_hand *);
void rv_sleep_unwatch(struct reeve_pool *, int fd);
/* Something happened outside of a turn: who polls shall come. */
void rv_sleep_ring(struct reeve_pool *);
void rv_sleep_awake(struct reeve_pool *);
/* Turns until done says so. REEVE_ETIMEDOUT; REEVE_EBUSY: from a callback;
 * REEVE_EINVALID: the host's loop has the runtime. */
enum reeve_status rv_pool_wait(struct reeve_pool *, const char *what,
    bool (*done)(void *arg), void *arg, int64_t timeout, struct reeve_error *);
/* What there is of a timeout that began then. */
int64_t rv_pool_left(int64_t timeout, rv_time since);
/* in_turn is over: it goes, if it was freed meanwhile. */
void rv_pool_turn_over(struct reeve_pool *);
/* At the end of each call that changed something. */
void rv_pool_leave(struct reeve_pool *);

#endif
