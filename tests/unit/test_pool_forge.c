/* SPDX-License-Identifier: MIT */
/*
 * Workers that forge answers in their own ring: more than were asked for, of
 * other items, of sizes that do not fit. The host believes none of them: the
 * worker is killed, the item that it ran is blamed, and every other item has
 * the result that is its own.
 */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/door.h"
#include "pool/lane.h"
#include "pool/lane_shared.h"
#include "unit/pool_rig.h"

#define ITEMS 30U
#define CHUNK 10U
#define LIAR  10U /* the first one of its chunk */

/* -------- forging -------- */

static const struct forgery {
	const char *what;
	struct rv_frame frame; /* but the id, which is added to */
	uint32_t chunk;
} forgeries[] = {
	{ "one answer too many",
	    { .kind = RV_FRAME_RESULTS,
		.flags = RV_FRAME_EVEN,
		.count = 1,
		.length = 8 * (CHUNK + 1) },
	    CHUNK },
	{ "thousands too many",
	    { .kind = RV_FRAME_RESULTS,
		.flags = RV_FRAME_EVEN,
		.count = 1,
		.length = RV_LANE_FRAME_MAX },
	    CHUNK },
	{ "those of the next item",
	    { .kind = RV_FRAME_RESULTS,
		.flags = RV_FRAME_EVEN,
		.count = 2,
		.length = 8 },
	    CHUNK },
	{ "those of no item",
	    { .kind = RV_FRAME_RESULTS, .flags = RV_FRAME_EVEN, .length = 8 },
	    CHUNK },
	{ "none",
	    { .kind = RV_FRAME_RESULTS, .flags = RV_FRAME_EVEN, .count = 1 },
	    CHUNK },
	{ "half an answer",
	    { .kind = RV_FRAME_RESULTS,
		.flags = RV_FRAME_EVEN,
		.count = 1,
		.size = 8,
		.length = 24 },
	    CHUNK },
	{ "an answer that is larger than its frame",
	    { .kind = RV_FRAME_RESULTS,
		.flags = RV_FRAME_EVEN,
		.count = 1,
		.size = UINT64_MAX - 7,
		.length = 8 },
	    CHUNK },
	{ "an answer to another task",
	    { .kind = RV_FRAME_RESULTS,
		.flags = RV_FRAME_EVEN,
		.count = 1,
		.length = 8,
		.id = 1 },
	    CHUNK },
	{ "a head that says too much",
	    { .kind = RV_FRAME_RESULTS, .count = 1, .length = 32 }, CHUNK },
	{ "a file that never came",
	    { .kind = RV_FRAME_RESULT,
		.flags = RV_FRAME_LARGE | RV_FRAME_EVEN,
		.count = 1,
		.size = 100 },
	    CHUNK },
	{ "many answers to a single task",
	    { .kind = RV_FRAME_RESULTS,
		.flags = RV_FRAME_EVEN,
		.count = 1,
		.length = 8 },
	    1 },
};

/* The memory that this worker shares with its host. */
static struct rv_lane_head *
own_lane(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t from, to, lane = 0;
	char line[512];

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " rw-s", &from,
			&to) == 2 &&
		    to - from == RV_LANE_HEAD + 2 * RV_DOOR_RING) {
			lane = from;
		}
	}
	if (maps != NULL) {
		(void)fclose(maps);
	}
	return (struct rv_lane_head *)lane;
}

/* Every eventfd, one of which wakes the host. */
static void
ring(void)
{
	const uint64_t one = 1;
	char path[32], to[32];

	for (int fd = 0; fd < 1024; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		memset(to, 0, sizeof(to));
		if (readlink(path, to, sizeof(to) - 1) > 0 &&
		    strcmp(to, "anon_inode:[eventfd]") == 0) {
			(void)!write(fd, &one, sizeof(one));
		}
	}
}

/* False: it could not be done, which is seen as an answer. */
static bool
forge(const struct forgery *forgery)
{
	struct rv_lane_head *lane = own_lane();
	uint8_t *tasks = (uint8_t *)lane + RV_LANE_HEAD;
	uint8_t *results = tasks + RV_DOOR_RING;
	struct rv_lane_slot *slot;
	struct rv_frame *frame;
	uint64_t at, length = forgery->frame.length;

	if (lane == NULL) {
		return false;
	}
	at = lane->tasks.got % RV_DOOR_RING;
	frame = (struct rv_frame *)(tasks + at + sizeof(*slot));
	slot =
	    (struct rv_lane_slot *)(results + lane->results.put % RV_DOOR_RING);
	*slot = (struct rv_lane_slot){ .state = RV_FRAME_HELD };
	memcpy(slot + 1, &forgery->frame, sizeof(*frame));
	((struct rv_frame *)(slot + 1))->id += frame->id;
	memset((uint8_t *)(slot + 1) + sizeof(*frame), 0x7f,
	    RV_CHUNK_ROOM(length));
	__atomic_store_n(&lane->results.put,
	    lane->results.put + sizeof(*slot) + sizeof(*frame) +
		RV_CHUNK_ROOM(length),
	    __ATOMIC_SEQ_CST);
	ring();
	return true;
}

struct item {
	uint32_t number;
	int32_t forgery; /* -1: none */
};

static int
lie(const struct reeve_call *call)
{
	struct item item;

	memcpy(&item, call->args, sizeof(item));
	if (item.forgery >= 0 && forge(&forgeries[item.forgery])) {
		for (;;) {
			(void)pause(); /* for KILL */
		}
	}
	return reeve_return(call, &item.number, sizeof(item.number));
}
REEVE_FUNCTION("test.lie", lie);

/* -------- what comes of it -------- */

static bool
is_right(const struct reeve_task_result *result, uint32_t i)
{
	uint32_t got;

	if (i == LIAR) {
		return result->outcome == REEVE_OUTCOME_DIED &&
		       result->signo == SIGKILL && result->length == 0 &&
		       strstr(result->message, "answered what was not asked") !=
			   NULL;
	}
	if (result->outcome != REEVE_OUTCOME_GOOD ||
	    result->length != sizeof(got)) {
		return false;
	}
	memcpy(&got, result->data, sizeof(got));
	return got == i;
}

static void
check(struct reeve_pool *pool, int32_t forgery)
{
	struct item items[ITEMS];
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.lie",
		.items = items,
		.item_size = sizeof(items[0]),
		.n = ITEMS,
		.chunk = forgeries[forgery].chunk };
	struct reeve_results *results = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };

	for (uint32_t i = 0; i < ITEMS; i++) {
		items[i] = (struct item){ i, i == LIAR ? forgery : -1 };
	}
	CU_ASSERT_EQUAL(reeve_pool_map(pool, &map, &results, REEVE_S(60), NULL),
	    REEVE_EFAILED);
	CU_ASSERT_EQUAL(reeve_results_bad(results), 1);
	for (uint32_t i = 0; i < ITEMS; i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		if (!is_right(&result, i)) {
			printf("# %s: item %u: outcome %d, %zu bytes, %s\n",
			    forgeries[forgery].what, i, (int)result.outcome,
			    result.length, result.message);
			CU_FAIL("another result");
		}
	}
	reeve_results_free(results);
}

RV_TEST(answers_that_were_not_asked_for_are_believed_of_nobody)
{
	struct reeve_pool *pool = pool_make(1, NULL);

	for (size_t i = 0; i < RV_ARRAY_LEN(forgeries); i++) {
		check(pool, (int32_t)i);
	}
	reeve_pool_free(pool);
}

RV_SUITE(
    pool_forge, RV_CASE(answers_that_were_not_asked_for_are_believed_of_nobody))
