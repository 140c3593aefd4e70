/* SPDX-License-Identifier: MIT */
/*
 * What the processes of the mixed storm (test_mixed_storm.c) share, and what
 * each of them does, step after step, until it is killed or told to stop
 * (storm_steps.c).
 *
 * Half of them are givers, half takers. A taker may wait without an end for
 * what givers do; a giver waits so only for what nobody keeps for long. So as
 * long as nobody is lost all of them go on.
 */
#ifndef RV_TESTS_STORM_RIG_H
#define RV_TESTS_STORM_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <reeve/lock.h>
#include <reeve/queue.h>

#define STORM_CREW    16
#define STORM_SIDE    (STORM_CREW / 2)
#define STORM_UNITS   3
#define STORM_PARTIES 3
#define STORM_ITEMS   (1U << 19) /* of one who puts, at most */
#define STORM_LARGE   6000

/* The steps, in the order of storm_steps. */
#define STORM_STEPS(X) \
	X(lock)        \
	X(rlock)       \
	X(semaphore)   \
	X(condition)   \
	X(flag)        \
	X(barrier)     \
	X(queue)       \
	X(leases)

enum storm_step {
#define X(name) STORM_##name,
	STORM_STEPS(X)
#undef X
	    STORM_N_STEPS
};

/*
 * Words that change together: what they were is written down before, so that
 * whoever is told of a death between puts them back.
 */
#define STORM_WORDS (STORM_CREW + 1)
struct storm_ledger {
	uint64_t is[STORM_WORDS], was[STORM_WORDS];
	uint32_t undo;
	uint32_t told; /* deaths */
};

/* Of the ledger of the condition; the others have each one's sum, and all. */
enum { STORM_TICKETS, STORM_GIVEN, STORM_TAKEN };

struct storm_hall {
	uint32_t stop; /* 1: takers, 2: all */
	/* where each of them is, and how many steps it has done */
	uint32_t at[STORM_CREW], steps[STORM_CREW];
	/* what it has begun, and done, of each kind: one apart at most */
	uint32_t begun[STORM_N_STEPS][STORM_CREW];
	uint32_t done[STORM_N_STEPS][STORM_CREW];
	uint32_t odd[STORM_N_STEPS]; /* what should never be */

	struct reeve_lock lock, condition_lock;
	struct reeve_rlock rlock;
	struct storm_ledger by_lock, by_rlock, by_condition;
	struct reeve_semaphore semaphore;
	struct reeve_place semaphore_places[STORM_CREW];
	/* who has its first unit; its second, from bit 16; is killed: 32 */
	uint64_t units;
	struct reeve_condition condition;
	struct reeve_place condition_places[STORM_CREW];
	struct reeve_flag flag;
	struct reeve_barrier barrier;
	struct reeve_place barrier_places[STORM_CREW];
	uint32_t rounds, went[STORM_PARTIES], broken;

	/* of STORM_queue, and of STORM_leases: who has an item in hand */
	uint32_t in_hand[STORM_CREW];
	uint8_t seen[2][STORM_SIDE][STORM_ITEMS];
};

struct storm_worker {
	struct storm_hall *hall;
	struct reeve_queue *queue, *leases;
	uint32_t who;
};

/* What a worker does, as crew_start wants it. */
int storm_work(void *worker);

/* For a status of who acquired what guards it: put it right, if told so. */
void storm_ledger_repair(struct storm_ledger *, enum reeve_status);
/* The sums are right, and nothing is half done. */
bool storm_ledger_adds_up(const struct storm_ledger *);
bool storm_tickets_add_up(const struct storm_ledger *);
/* An item of either queue: false, it is not one that anybody put. */
bool storm_note(
    struct storm_hall *, enum storm_step, const struct reeve_item *);

static inline bool
storm_is_giver(uint32_t who)
{
	return who < STORM_SIDE;
}

#endif
