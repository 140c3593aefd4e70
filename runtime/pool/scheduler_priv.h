/* SPDX-License-Identifier: MIT */
/*
 * What the files of the scheduler tell each other. A task is in exactly one
 * place: a ready list, the rests, one worker's list or what is finished; the
 * functions here move it from one to the other and keep the counts.
 */
#ifndef RV_POOL_SCHEDULER_PRIV_H
#define RV_POOL_SCHEDULER_PRIV_H

#include "pool/scheduler.h"

enum rv_sched_kill {
	RV_KILL_NONE,
	RV_KILL_TASK,   /* for what it runs: not, if that ends before */
	RV_KILL_WORKER, /* in any case */
};

static inline struct rv_task *
rv_task_of(struct rv_list *link)
{
	return RV_CONTAINER(link, struct rv_task, link);
}

static inline uint16_t
rv_worker_number(const struct rv_sched *s, const struct rv_sched_worker *w)
{
	return (uint16_t)(w - s->workers);
}

/* sched_task.c: what no worker has */
void rv_ready_push(struct rv_sched *, struct rv_task *, bool at_head);
/* The one that is given next; NULL. */
struct rv_task *rv_ready_first(const struct rv_sched *);
void rv_ready_remove(struct rv_sched *, struct rv_task *);
/* The longest that one at the head of a list waits, by when it began to. */
rv_time rv_ready_oldest(const struct rv_sched *);
/* It is in no list. */
void rv_task_finish(struct rv_sched *, struct rv_task *, enum rv_task_outcome);
/* A try ended: finished, or there is another one. */
void rv_task_ended(
    struct rv_sched *, struct rv_task *, enum rv_task_outcome, rv_time now);
/* It was taken from its worker, not begun. */
void rv_task_put_back(struct rv_sched *, struct rv_task *);
/* All that is ready or rests. */
void rv_task_finish_waiting(struct rv_sched *, enum rv_task_outcome);

/* sched_rests.c */
void rv_rests_push(struct rv_sched *, struct rv_task *); /* by its `at` */
void rv_rests_remove(struct rv_sched *, struct rv_task *);
void rv_rests_tick(struct rv_sched *, rv_time now);
rv_time rv_rests_due(const struct rv_sched *);

/* sched_limits.c */
/* After each change of the first that it holds, or of its state. */
void rv_limits_arm(struct rv_sched *, struct rv_sched_worker *);
void rv_limits_tick(struct rv_sched *, rv_time now);
rv_time rv_limits_due(const struct rv_sched *);

/* sched_worker.c */
struct rv_task *rv_worker_first(const struct rv_sched_worker *);
void rv_worker_state(
    struct rv_sched *, struct rv_sched_worker *, enum rv_sched_worker_state);
void rv_worker_hold(
    struct rv_sched *, struct rv_sched_worker *, struct rv_task *, rv_time);
/* Out of its list, and counted no more. */
void rv_worker_let_go(
    struct rv_sched *, struct rv_sched_worker *, struct rv_task *, rv_time);
/* After each change: to which list it belongs by how much it holds. */
void rv_worker_place(struct rv_sched *, struct rv_sched_worker *, rv_time);
/* Something is to be said of it. */
void rv_worker_tell(struct rv_sched *, struct rv_sched_worker *);
void rv_worker_kill(
    struct rv_sched *, struct rv_sched_worker *, enum rv_sched_kill, rv_time);
/* What lies behind the one that it runs is to be taken back. */
void rv_worker_stale(struct rv_sched *, struct rv_sched_worker *, rv_time);
void rv_worker_tick(struct rv_sched *, rv_time now);
rv_time rv_worker_due(const struct rv_sched *);
/* The one that may be given a task first, and how many it holds; NULL. */
struct rv_sched_worker *rv_worker_free(struct rv_sched *, unsigned *held);
/* That was idle for longest; NULL. */
struct rv_sched_worker *rv_worker_idlest(const struct rv_sched *);

/* sched_size.c */
void rv_size_set(struct rv_sched *, uint16_t wanted, rv_time now);
void rv_size_tick(struct rv_sched *, rv_time now);
rv_time rv_size_due(const struct rv_sched *);
/* By how many are ready, and by who has become idle. */
void rv_size_settle(struct rv_sched *, rv_time now);

#endif
