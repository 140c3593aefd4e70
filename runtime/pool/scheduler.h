/* SPDX-License-Identifier: MIT */
/*
 * The scheduler of a pool: which task goes to which worker, who is blamed for a
 * death, what is tried again and when, how many workers there shall be. Pure:
 * no clock, no memory of its own, no I/O. It is told what happened (with the
 * time), and asked by rv_sched_next what is to be done, until it says nothing
 * more. Who asks (pool.c) does it, in that order.
 *
 * A task is ready, held by a worker (it lies in its ring), running, resting
 * (waits for its next try) or done; and a worker holds its tasks in the order
 * in which they were given. Whether one of them has begun is decided in the
 * ring (lane.h) and told by rv_sched_taken, at the latest before its end, its
 * cancel or its worker's end is told; so of a dead worker's tasks the one that
 * had begun is blamed and no other: those behind it go back to the head of what
 * is ready, in their order. For limits the first one held counts as begun since
 * it was given, or since the one before it ended.
 *
 * Workers are given more than they run, where tasks are short, so that they
 * need not wait for their next one: but a free worker comes first, then who
 * holds least; and where the one that runs takes longer than was expected,
 * those behind it are taken back (REVOKE). A task with a limit is never given
 * to wait behind another. Priorities are strict: while there is a task of a
 * lower number, none of a higher one is given; which may starve it.
 *
 * Costs: submit, taken, done and next are O(1), but for limits and rests, which
 * are O(log n) of what runs or rests; nothing looks at all workers or tasks
 * for one event, but drop, terminate, broken and resize.
 */
#ifndef RV_POOL_SCHEDULER_H
#define RV_POOL_SCHEDULER_H

#include <reeve/error.h>

#include "base/base.h"
#include "base/list.h"
#include "base/time.h"

#define RV_SCHED_PRIORITIES 8    /* 0 is the most urgent */
#define RV_SCHED_WORKERS    1024 /* at most */
#define RV_SCHED_HELD       64   /* tasks that one worker holds, at most */
/* Work that lies behind the first; and what an idle worker is not kept from. */
#define RV_SCHED_AHEAD  (50 * RV_US)
#define RV_SCHED_LONG   RV_MS  /* tasks of such a mean have none behind them */
#define RV_SCHED_STALE  RV_MS  /* who waits so long behind one is taken back */
#define RV_SCHED_PAUSE  RV_MS  /* after a refusal */
#define RV_SCHED_COMING RV_SEC /* one that will come is awaited for so long */

#define RV_NO_WORKER UINT16_MAX

/* What many tasks have in common; the caller's, outlives them. */
struct rv_task_rules {
	rv_time soft, hard; /* from its beginning; RV_FOREVER: none */
	rv_time grace;      /* of a soft limit without a hard one; see SIGNAL */
	rv_time backoff;    /* before the first retry; doubled for each one */
	rv_time backoff_max;
	uint32_t retries; /* tries behind the first one */
	bool deaths_only; /* a failure the function told of is no reason */
	uint8_t priority;
};

enum rv_task_state {
	RV_TASK_NEW,     /* not submitted */
	RV_TASK_READY,   /* waits for a worker */
	RV_TASK_HELD,    /* in a worker's ring, not begun */
	RV_TASK_RUNNING, /* begun */
	RV_TASK_RESTING, /* waits for its next try */
	RV_TASK_DONE,    /* FINISH was or will be said */
};

enum rv_task_outcome {
	RV_OUTCOME_GOOD,      /* the function returned well */
	RV_OUTCOME_FAILED,    /* the function said that it failed */
	RV_OUTCOME_DIED,      /* its worker ended while it ran */
	RV_OUTCOME_TIMED_OUT, /* over its limit */
	RV_OUTCOME_CANCELLED, /* as asked, or by terminate */
	RV_OUTCOME_BROKEN,    /* the pool broke before it ran */
};

/* Embedded in the caller's; zeroed, then rules set, before submit. 48 bytes: a
 * million of them wait. */
struct rv_task {
	struct rv_list link; /* the scheduler's; in `child`, too */
	struct rv_list *child;
	const struct rv_task_rules *rules;
	rv_time at;          /* ready since; or when its rest is over */
	uint32_t tries;      /* begun so far */
	uint16_t worker;     /* that holds it; RV_NO_WORKER */
	uint8_t state : 4;   /* enum rv_task_state */
	uint8_t outcome : 4; /* enum rv_task_outcome, when it is done */
	uint8_t why : 4;     /* the outcome, once `killed` has had its effect */
	bool killed : 1;     /* its worker is killed because of it */
	bool signalled : 1;  /* the soft limit was told to it */
	bool asked : 1;      /* REVOKE was said of it */
};

enum rv_sched_worker_state {
	RV_WORKER_ABSENT,   /* no process */
	RV_WORKER_UP,       /* can be given tasks */
	RV_WORKER_RETIRING, /* is given nothing any more; will go */
	RV_WORKER_DOOMED,   /* was killed or broke its ring; DOWN will come */
};

/* One place for a worker; the caller's array, opaque but for reading. */
struct rv_sched_worker {
	struct rv_list held; /* struct rv_task, the oldest first */
	struct rv_list free; /* the scheduler's: by how much it holds */
	struct rv_list late; /* and: has tasks behind the first, by `moved` */
	struct rv_list act;  /* and: something is to be said of it */
	rv_time since;       /* idle, or its task began */
	rv_time moved;       /* its last end, or the first one came behind */
	rv_time due;         /* next limit of what it runs */
	uint32_t done;       /* tasks in this life */
	uint16_t heap;       /* the scheduler's: 1 + place there; 0: none */
	uint16_t n_held;
	uint8_t state;    /* enum rv_sched_worker_state */
	uint8_t kill;     /* the scheduler's: KILL will be said, for what */
	bool running : 1; /* the first one held has begun */
	bool stale : 1;   /* what it runs takes longer than expected */
	bool tired : 1;   /* RETIRE when it is idle */
	bool signal : 1;  /* SIGNAL will be said */
	bool idle : 1;    /* is counted as such */
};

struct rv_sched_options {
	uint16_t min, max;    /* workers; 1 <= min <= max <= places */
	uint16_t places;      /* of the arrays, <= RV_SCHED_WORKERS; 0: max */
	rv_time idle;         /* above min and idle so long: one less */
	rv_time grow_after;   /* a ready task waited so long: one more */
	uint32_t max_tasks;   /* of a worker's life; 0: any */
	uint64_t max_waiting; /* ready and resting, else full; 0: any */
};

/*
 * What is to be done. The first of all is SIZE. After REVOKE: when it could be
 * revoked rv_sched_refused; else it has begun: what the worker wrote is read
 * and told before more is asked for. Before a KILL all that has not begun there
 * is revoked in this way, so that no other task begins and is killed by it.
 */
enum rv_sched_act {
	RV_SCHED_GIVE,   /* task to worker: into its ring */
	RV_SCHED_REVOKE, /* task from worker: out of its ring, if it can be */
	RV_SCHED_SIGNAL, /* worker: the soft limit of its task is over */
	RV_SCHED_KILL,   /* worker: hard limit, cancel, terminate, doom */
	RV_SCHED_RETIRE, /* worker is idle: end it; another takes its place */
	RV_SCHED_SIZE,   /* there shall be `size` workers, 0 .. size - 1 */
	RV_SCHED_FINISH, /* task is done: outcome; the scheduler forgets it */
};

struct rv_sched_action {
	enum rv_sched_act act;
	uint16_t worker;
	uint16_t size;
	struct rv_task *task;
};

enum rv_sched_phase {
	RV_SCHED_OPEN,
	RV_SCHED_CLOSED,     /* nothing new; what there is will be done */
	RV_SCHED_DROPPED,    /* nor what waits: what runs may end */
	RV_SCHED_BROKEN,     /* its workers cannot be had */
	RV_SCHED_TERMINATED, /* all that was not done is cancelled */
};

struct rv_sched_stats {
	uint64_t ready, held, running, resting; /* now */
	uint64_t submitted, good, bad, retried; /* ever; bad: all others */
	uint16_t workers_up, workers_idle, size;
	rv_time mean_task; /* of recent ones; 0: none was measured */
};

/* Nobody else looks inside. */
struct rv_sched {
	struct rv_sched_options options;
	struct rv_sched_worker *workers;
	uint16_t *heap; /* numbers of workers by due */
	uint16_t n_heap;
	uint8_t phase;      /* enum rv_sched_phase */
	uint8_t priorities; /* a bit for each that has something ready */
	struct rv_list ready[RV_SCHED_PRIORITIES];
	struct rv_list *rests;   /* a pairing heap by `at`, NULL: none */
	struct rv_list finished; /* FINISH is to be said */
	struct rv_list holding[RV_SCHED_HELD]; /* workers by n_held */
	uint64_t held_bits;       /* which of those lists have any */
	struct rv_list late, act; /* workers */
	uint64_t n_tasks;         /* submitted, FINISH not said */
	uint64_t n_ready, n_held, n_running, n_resting;
	uint64_t submitted, good, bad, retried;
	uint16_t n_up, n_idle;
	uint16_t size, wanted, said; /* places; above `wanted` none is used */
	rv_time changed;             /* a worker came, went or was asked for */
	rv_time paused;              /* nothing is given until then */
	rv_time mean;
};

/* The arrays have options->places entries and outlive the scheduler. */
void rv_sched_init(struct rv_sched *, const struct rv_sched_options *,
    struct rv_sched_worker *workers, uint16_t *heap, rv_time now);

/* -------- what happened -------- */

/* REEVE_OK; REEVE_EFULL; REEVE_ECLOSED: closed, terminated, broken. */
enum reeve_status rv_sched_submit(
    struct rv_sched *, struct rv_task *, rv_time now);
/* The same for what continues a task whose FINISH was said (the rest of its
 * chunk): at the head, when closed and full, too. */
enum reeve_status rv_sched_continue(
    struct rv_sched *, struct rv_task *, rv_time now);
/* The worker in this place can be given tasks. */
void rv_sched_up(struct rv_sched *, uint16_t worker, rv_time now);
/* It began the oldest that it holds and that it had not begun. False: there is
 * none, so that it speaks nonsense: the caller dooms it. */
bool rv_sched_taken(struct rv_sched *, uint16_t worker, rv_time now);
/* It ended the one that it runs, well or not. NULL as above; else the task,
 * of which FINISH, or its next try, will follow. */
struct rv_task *rv_sched_done(
    struct rv_sched *, uint16_t worker, bool good, rv_time now);
/* The task that the worker runs, or NULL. */
struct rv_task *rv_sched_running(const struct rv_sched *, uint16_t worker);
/* Whether it was asked to go: RETIRE, or SIZE with fewer. */
bool rv_sched_retires(const struct rv_sched *, uint16_t worker);
/* The worker shall be another, once it has ended what it holds: RETIRE. */
void rv_sched_tire(struct rv_sched *, uint16_t worker, rv_time now);
/* The worker is to die for what it wrote: nothing is given to it any more, and
 * KILL follows. */
void rv_sched_doom(struct rv_sched *, uint16_t worker, rv_time now);
/* Its process is gone, and all that it had said was told before. */
void rv_sched_down(struct rv_sched *, uint16_t worker, rv_time now);
/* REVOKE succeeded; or what was to be given could not be put into the worker's
 * ring, as it is too large for the memory there is right now: in which case no
 * task is given until one has ended, or for RV_SCHED_PAUSE. It is at the head
 * of what is ready again. */
void rv_sched_refused(struct rv_sched *, struct rv_task *, rv_time now);
/* True: it is or will be CANCELLED. False: it is done, or runs and `kill` was
 * not asked for. One that is held is revoked by the caller first. */
bool rv_sched_cancel(
    struct rv_sched *, struct rv_task *, bool kill, rv_time now);
/* As init has them, or they are bent to that. Places above max end as they
 * become idle, the highest first. */
void rv_sched_resize(
    struct rv_sched *, uint16_t min, uint16_t max, rv_time now);
void rv_sched_close(struct rv_sched *, rv_time now);
/* Closed, and what waits is cancelled, what lies behind others included; what
 * runs may end, and is not tried again. */
void rv_sched_drop(struct rv_sched *, rv_time now);
void rv_sched_terminate(struct rv_sched *, rv_time now);
void rv_sched_broken(struct rv_sched *, rv_time now);
/* Time passes: limits, rests, idle workers. */
void rv_sched_tick(struct rv_sched *, rv_time now);

/* -------- what is to be done -------- */

/* When rv_sched_tick is due next; RV_FOREVER. */
rv_time rv_sched_deadline(const struct rv_sched *);
/* False: nothing any more until something happens. */
bool rv_sched_next(struct rv_sched *, struct rv_sched_action *, rv_time now);
/* Closed, and no task is left. */
bool rv_sched_drained(const struct rv_sched *);
void rv_sched_stats(const struct rv_sched *, struct rv_sched_stats *);

#endif
