/* SPDX-License-Identifier: MIT */
/*
 * What next: whether to give out an item, what an end means (done, again,
 * failed for good, given up), and when all is over. Pure: counts and times in,
 * decisions out; no clock, no I/O.
 */
#ifndef REEVE_MAP_PLAN_H
#define REEVE_MAP_PLAN_H

#include "tools/map/map_halt.h"

#define MAP_NEVER INT64_MAX

/* How far things are being stopped; only ever more. */
enum map_stop {
	MAP_STOP_NOT,
	MAP_STOP_DRAIN, /* no further items */
	MAP_STOP_TERM,  /* and those that run are asked to end */
	MAP_STOP_KILL,
};

struct map_plan {
	/* given */
	unsigned jobs, retries;
	int64_t backoff; /* ns before the second try */
	struct map_halt halt;
	unsigned ahead; /* outputs that may wait to be written */
	unsigned again; /* items that may wait to be tried again */

	/* how it stands */
	unsigned running, held, waiting; /* held: ended, not written */
	uint64_t ended, failed, given_up;
	bool input_ended;
	enum map_stop stop;
	bool halted;     /* by a rule */
	unsigned lack;   /* of resources: so many at once at most; 0: none */
	int64_t lack_at; /* when to try again */
	bool unrecorded; /* a beginning could not be recorded for now */
};

enum map_next {
	MAP_TAKE,  /* the next item of the input */
	MAP_AGAIN, /* the one whose time to be tried again has come */
	MAP_WAIT,
	MAP_OVER,
};

/* again_at: when the next waiting one is due; MAP_NEVER: there is none. */
enum map_next map_plan_next(
    const struct map_plan *, int64_t now, int64_t again_at);

enum map_verdict { MAP_ENDED, MAP_FAILED, MAP_RETRY, MAP_GIVEN_UP };

/*
 * One that ran has ended: counted. asked: because it was stopped on the way to
 * the end of all. *again_at is set with MAP_RETRY.
 */
enum map_verdict map_plan_judge(struct map_plan *, unsigned attempt, bool well,
    bool asked, int64_t now, int64_t *again_at);
/* One that waited will not be tried again. */
void map_plan_drop(struct map_plan *);
/* A signal that asks for the end: each is more urgent. */
void map_plan_signal(struct map_plan *);
/* No further items, and those that run come to their end. */
void map_plan_drain(struct map_plan *);
/* Something is so wrong that no item should go on. */
void map_plan_abort(struct map_plan *);
/* No process, descriptor or memory to be had: fewer at once, and later. */
void map_plan_lack(struct map_plan *, int64_t now);

#endif
