/* SPDX-License-Identifier: MIT */
/*
 * A storm of kills: 16 processes put and get, on leases and for good, small
 * items and large ones, and every few milliseconds one of them is killed and
 * another takes its place. In the end every item that was put was got, those
 * got for good once, but for what killed getters had in hand; all that was
 * leased is done; and nobody hangs. REEVE_STORM_SECONDS: how long, else 2.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reeve/bell.h>
#include <reeve/queue.h>

#include "lib/crew.h"
#include "lib/harness.h"

#define QUEUES 2 /* one to get from, one to lease from */
#define SIDE   4 /* putters, and getters, of each */
#define CREW   (QUEUES * SIDE * 2)
#define ITEMS  (1U << 22) /* of a putter, at most */
#define LARGE  6000

struct storm {
	struct reeve_queue *q[QUEUES];
	struct reeve_bell *never; /* the clock between kills */
	pid_t pids[CREW];
	struct place {
		struct storm *storm;
		uint32_t number;
	} places[CREW];
	/* shared */
	struct log {
		uint32_t stop;
		uint32_t begun[QUEUES][SIDE], done[QUEUES][SIDE];
		uint32_t in_hand[CREW];
		uint32_t torn, odd;
		uint8_t seen[QUEUES][SIDE][ITEMS];
	} *log;
};

struct parcel {
	uint32_t putter, number;
	unsigned char bytes[LARGE];
};

static size_t
length_of(uint32_t number)
{
	return number % 32 == 31 ? sizeof(struct parcel) : 8 + number % 90;
}

static int
put_on(void *ctx)
{
	struct place *place = ctx;
	struct log *log = place->storm->log;
	uint32_t q = place->number % QUEUES, who = place->number / 4;
	static struct parcel parcel;

	parcel.putter = who;
	while (crew_value(&log->stop) == 0 && log->begun[q][who] < ITEMS) {
		uint32_t number = log->begun[q][who];
		size_t len = length_of(number);

		crew_add(&log->begun[q][who]);
		parcel.number = number;
		memset(parcel.bytes, (int)number, len - 8);
		if (reeve_queue_put(place->storm->q[q], &parcel, len, number,
			REEVE_FOREVER) != REEVE_OK) {
			return 1;
		}
		/* only those that were finished count: the next begins here */
		__atomic_store_n(
		    &log->done[q][who], number + 1, __ATOMIC_SEQ_CST);
	}
	return 0;
}

static void
note(struct log *log, uint32_t q, const struct reeve_item *item)
{
	const struct parcel *parcel = item->data;
	size_t len = item->length - 8;

	if (item->length < 8 || parcel->putter >= SIDE ||
	    parcel->number >= ITEMS || parcel->number != item->tag ||
	    item->length != length_of(parcel->number)) {
		crew_add(&log->torn);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (parcel->bytes[i] != (unsigned char)parcel->number) {
			crew_add(&log->torn);
			return;
		}
	}
	if (__atomic_fetch_add(&log->seen[q][parcel->putter][parcel->number], 1,
		__ATOMIC_SEQ_CST) != 0 &&
	    item->deliveries < 2) {
		crew_add(&log->odd);
	}
}

static int
get_on(void *ctx)
{
	struct place *place = ctx;
	struct log *log = place->storm->log;
	uint32_t q = place->number % QUEUES;
	struct reeve_queue *queue = place->storm->q[q];
	struct reeve_item item = { 0 };
	enum reeve_status st;

	/* what was inherited counts: it has both queues, and puts into none */
	reeve_queue_close(queue);
	reeve_queue_free(place->storm->q[1 - q]);
	for (;;) {
		__atomic_store_n(
		    &log->in_hand[place->number], 1, __ATOMIC_SEQ_CST);
		st = q == 0
			 ? reeve_queue_get(queue, &item, REEVE_FOREVER)
			 : reeve_queue_get_leased(queue, &item, REEVE_FOREVER);
		if (st != REEVE_OK) {
			return st != REEVE_EEND;
		}
		note(log, q, &item);
		__atomic_store_n(
		    &log->in_hand[place->number], 0, __ATOMIC_SEQ_CST);
		if (q == 1 && reeve_queue_ack(queue, item.lease,
				  REEVE_FOREVER) != REEVE_OK) {
			return 2;
		}
	}
}

/* Places 0..3 of each four: putters and getters of both queues. */
static void
start(struct storm *storm, uint32_t number)
{
	storm->places[number] = (struct place){ storm, number };
	storm->pids[number] = crew_start(
	    number % 4 < 2 ? put_on : get_on, &storm->places[number]);
}

static struct storm *
new_storm(void)
{
	struct reeve_queue_options options = { .size = sizeof(options),
		.max_items = 20,
		.max_leases = 8,
		.large = 200 };
	static struct storm storm;

	storm.log = crew_share(sizeof(*storm.log));
	CU_ASSERT_EQUAL_FATAL(reeve_bell_new(&storm.never, NULL), REEVE_OK);
	for (int q = 0; q < QUEUES; q++) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_queue_new(&storm.q[q], &options, NULL), REEVE_OK);
	}
	return &storm;
}

/* How many of the items that were put were not seen, or more than once. */
static void
count(const struct log *log, uint32_t q, uint32_t *n, uint32_t *missing,
    uint32_t *twice)
{
	for (uint32_t who = 0; who < SIDE; who++) {
		for (uint32_t i = 0; i < log->begun[q][who]; i++) {
			*missing += log->seen[q][who][i] == 0;
			*twice += log->seen[q][who][i] > 1;
		}
		*n += log->begun[q][who];
	}
}

RV_TEST(sixteen_processes_in_a_storm_of_kills_lose_nothing)
{
	const char *seconds = getenv("REEVE_STORM_SECONDS");
	struct storm *storm = new_storm();
	struct log *log = storm->log;
	time_t end = time(NULL) +
		     (seconds != NULL ? (time_t)strtol(seconds, NULL, 10) : 2);
	/* by killed ones: what they were putting, what they had in hand */
	uint32_t unput[QUEUES] = { 0 }, in_hand[QUEUES] = { 0 };
	unsigned kills = 0, seed = (unsigned)getpid();

	for (uint32_t i = 0; i < CREW; i++) {
		start(storm, i);
	}
	while (time(NULL) <= end || kills < 50) {
		uint32_t i = (uint32_t)rand_r(&seed) % CREW;

		CU_ASSERT_EQUAL(reeve_bell_wait(storm->never,
				    REEVE_MS(1 + rand_r(&seed) % 4)),
		    REEVE_ETIMEDOUT);
		crew_kill(storm->pids[i]);
		if (i % 4 < 2) {
			unput[i % 2] +=
			    log->begun[i % 2][i / 4] != log->done[i % 2][i / 4];
		} else {
			in_hand[i % 2]++;
		}
		start(storm, i);
		kills++;
	}
	crew_add(&log->stop);
	for (int q = 0; q < QUEUES; q++) {
		reeve_queue_close(storm->q[q]);
	}
	for (uint32_t i = 0; i < CREW; i++) {
		CU_ASSERT_EQUAL(crew_end(storm->pids[i]), 0);
	}
	CU_ASSERT_EQUAL(log->torn, 0);
	CU_ASSERT_EQUAL(log->odd, 0);
	for (uint32_t q = 0; q < QUEUES; q++) {
		uint32_t n = 0, missing = 0, twice = 0;
		struct reeve_queue_state state;

		count(log, q, &n, &missing, &twice);
		reeve_queue_look(storm->q[q], &state);
		printf("# %u kills, %u items, %u not put or lost with their "
		       "getter, %u again (seed %d)\n",
		    kills, n, missing, twice, getpid());
		CU_ASSERT_EQUAL(state.items, 0);
		CU_ASSERT_EQUAL(state.leased, 0);
		if (q == 0) {
			CU_ASSERT(missing <= unput[q] + in_hand[q]);
			CU_ASSERT_EQUAL(twice, 0);
		} else {
			CU_ASSERT(missing <= unput[q]);
			CU_ASSERT(twice <= in_hand[q]);
			CU_ASSERT_EQUAL(
			    reeve_queue_join(storm->q[q], 0), REEVE_OK);
		}
		CU_ASSERT(n > 100);
		reeve_queue_free(storm->q[q]);
	}
	reeve_bell_free(storm->never);
	crew_unshare(log, sizeof(*log));
}

RV_SUITE(
    queue_storm, RV_CASE(sixteen_processes_in_a_storm_of_kills_lose_nothing))
