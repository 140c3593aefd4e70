/* SPDX-License-Identifier: MIT */
/*
 * One ring on its way into the database: where it is mapped, how far it is
 * committed, and how its run ended. The live run's is one of them; the others
 * were left behind by supervisors that are dead.
 */
#ifndef RV_CLERK_DRAIN_H
#define RV_CLERK_DRAIN_H

#include "base/list.h"
#include "clerk/rows.h"
#include "wire/ring.h"

#define RV_BATCH_MAX 1000 /* records of one transaction */

struct rv_drain {
	struct rv_list link; /* of old ones, oldest first */
	bool live;
	char *path;
	void *map;
	size_t size;
	struct rv_ring ring;
	char run_id[40], boot_id[40];
	struct rv_ring_cursor at; /* before the first that is not committed */
	uint64_t first_id;        /* 0: not known */
	bool placed;              /* the database knows it, and how far it is */
	bool finished;            /* and it has all, the run's end included */
	bool damaged;             /* it cannot be read behind `at` */
	bool ends_well;           /* the supervisor has said CLOSE */
	bool lost;                /* that it was not is in the database */
};

/* The ring of this file in dir. The descriptor stays the caller's. */
enum reeve_status rv_drain_open(struct rv_drain **, int fd, const char *dir,
    bool live, struct reeve_error *) RV_MUST_CHECK;
void rv_drain_close(struct rv_drain *); /* NULL is fine */

/* All rings in dir whose writers are dead, but that of `except`. */
void rv_drain_find(const char *dir, const struct rv_drain *except,
    struct rv_list *found,
    void (*bad)(void *ctx, const char *path, const char *reason), void *ctx);

/* Number of the event behind the last one there is; 0: the first is unknown. */
uint64_t rv_drain_next_id(const struct rv_drain *);

/* Ids that this ring still needs, if it counts from `first`; highest life. */
uint64_t rv_drain_reserve(
    const struct rv_drain *, uint64_t first, uint64_t *next_life);

/* Inside of a transaction: */
/* Find the place, write the run's row; `floor` is where ids may begin. */
enum reeve_status rv_drain_place(struct rv_drain *, struct rv_rows *,
    uint64_t floor, struct reeve_error *) RV_MUST_CHECK;
/* Add at most `max` records, behind *at, which moves. */
enum reeve_status rv_drain_add(struct rv_drain *, struct rv_rows *,
    struct rv_ring_cursor *at, unsigned max, unsigned *n,
    struct reeve_error *) RV_MUST_CHECK;
/* Note in the database how far it is. */
enum reeve_status rv_drain_mark(struct rv_drain *, struct rv_rows *,
    const struct rv_ring_cursor *at, bool finished,
    struct reeve_error *) RV_MUST_CHECK;
/*
 * All is there: count what was dropped, end the run and its lives, as lost
 * when nobody ended it. *at moves by the events that this adds.
 */
enum reeve_status rv_drain_end(struct rv_drain *, struct rv_rows *,
    struct rv_ring_cursor *at, int64_t now_us,
    struct reeve_error *) RV_MUST_CHECK;

/* After the commit. */
void rv_drain_committed(struct rv_drain *, const struct rv_ring_cursor *at);

#endif
