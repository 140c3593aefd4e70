/* SPDX-License-Identifier: MIT */
/*
 * A world for the scheduler of pools: processes that begin, end, hang and die
 * as a seed has it, whose words are heard late, and a host that does what it is
 * told. It knows the law and nothing of how the scheduler keeps it: each task
 * has one end, and the right one; it is begun again only where that was due;
 * who is given what, and when, is as scheduler.h says.
 */
#ifndef RV_TESTS_SCHED_WORLD_H
#define RV_TESTS_SCHED_WORLD_H

#include "pool/scheduler.h"

#define WORLD_TASKS  200
#define WORLD_PLACES 8

enum world_ring { RING_HELD, RING_BEGUN, RING_ENDED };

struct world_task {
	struct rv_task task;
	struct rv_task_rules rules;
	uint64_t serial;
	bool live;
	bool clean;     /* in its first place in its queue */
	bool active;    /* a process runs it */
	bool heard;     /* and the host knows */
	bool promised;  /* it will be CANCELLED */
	bool timed;     /* killed for its time */
	bool signalled; /* in this try */
	unsigned begun;
	unsigned may_end; /* bits of enum rv_task_outcome, once it ended */
	enum world_ring ring;
};

struct world_worker {
	bool exists; /* a process; the host may not know of it yet, or still */
	bool up;     /* as the scheduler was told */
	bool killed, doomed, tired, leaving;
	struct world_task *ring[RV_SCHED_HELD];
	unsigned n;
	char words[4 * RV_SCHED_HELD]; /* T taken, G good, B bad: not heard */
	unsigned n_words;
	rv_time since;
};

struct world {
	struct rv_sched sched;
	struct rv_sched_options options;
	struct rv_sched_worker places[WORLD_PLACES];
	uint16_t heap[WORLD_PLACES];
	struct world_task tasks[WORLD_TASKS];
	struct world_worker workers[WORLD_PLACES];
	uint64_t random, serial, given[RV_SCHED_PRIORITIES];
	uint64_t submitted, finished;
	enum rv_sched_phase phase;
	rv_time now;
	uint16_t said; /* size */
	bool calm;     /* nobody dies or hangs any more */
	bool wrong;
};

uint64_t world_draw(struct world *, uint64_t n); /* 0 .. n - 1 */
bool world_chance(struct world *, unsigned percent);
void world_open(struct world *, uint64_t seed);
/* One thing happens; then all is done that is to be done, and looked at. */
void world_step(struct world *);
/* No more tasks; until all have ended. */
void world_end(struct world *);
/* Says it once, with where it was. */
void world_wrong(struct world *, const char *what);

/* sched_law.c */
void law_ended(struct world *, struct world_task *, enum rv_task_outcome);
void law_put_back(struct world *, struct world_task *);
void law_action(struct world *, const struct rv_sched_action *);
/* When nothing is to be done any more. */
void law_quiet(struct world *);
struct world_task *world_of(struct rv_task *);

#endif
