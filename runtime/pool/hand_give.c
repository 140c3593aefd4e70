/* SPDX-License-Identifier: MIT */
/*
 * Tasks into a worker's ring, and the files that go beside. What cannot be put
 * there now is put there later; what never can has its end, which says why.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "pool/beside.h"
#include "pool/pool_priv.h"

#define LACKS_FOR (10 * RV_SEC)

static bool
tell_function(struct rv_hand *hand, uint16_t number)
{
	uint64_t bit = UINT64_C(1) << number % 64;
	const char *name = hand->pool->functions[number];
	struct rv_frame *frame;

	if ((hand->knows[number / 64] & bit) != 0) {
		return true;
	}
	frame = rv_lane_room(&hand->lanes.tasks, (uint32_t)strlen(name));
	if (frame == NULL) {
		return false;
	}
	frame->kind = RV_FRAME_FUNCTION;
	frame->function = number;
	memcpy(frame + 1, name, strlen(name));
	rv_lane_commit(&hand->lanes.tasks);
	hand->knows[number / 64] |= bit;
	return true;
}

/* What lacks now may be there soon: it is tried again for a while. */
static bool
may_come(struct reeve_pool *pool)
{
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM) {
		return false;
	}
	if (pool->lacks_since == 0 || pool->now - pool->lacked_at > RV_SEC) {
		pool->lacks_since = pool->now;
	}
	pool->lacked_at = pool->now;
	return pool->now - pool->lacks_since < LACKS_FOR;
}

/* Its arguments cannot be given to anybody; errno. */
static enum rv_give
lose(struct rv_job *job, const char *what, uint64_t length)
{
	char text[256];
	struct rv_box_fill fill = { .outcome = REEVE_OUTCOME_FAILED,
		.code = -1,
		.type = "reeve.Arguments",
		.message = text,
		.attempts = job->task.tries };

	if (may_come(job->pool)) {
		return RV_GIVE_LATER;
	}
	rv_format(text, sizeof(text), "its arguments (%llu bytes) %s: %s",
	    (unsigned long long)length, what, strerror(errno));
	rv_job_box(job, rv_box_make(rv_job_arena(job), &fill));
	job->flags |= RV_JOB_LOST;
	return RV_GIVE_NEVER;
}

static enum rv_give
give_large(
    struct rv_hand *hand, struct rv_job *job, const void *data, uint64_t length)
{
	struct rv_frame *frame = rv_lane_room(&hand->lanes.tasks, 0);
	enum rv_give given = frame == NULL
				 ? RV_GIVE_LATER
				 : rv_beside_send(hand->pair, data, length);

	if (given == RV_GIVE_NEVER) {
		return lose(job, "cannot be put into a file", length);
	}
	if (given == RV_GIVE_LATER) {
		return given;
	}
	hand->pool->lacks_since = 0;
	frame->kind = RV_FRAME_TASK;
	frame->flags = RV_FRAME_LARGE;
	frame->flags |= (job->flags & RV_JOB_JSON) != 0 ? RV_FRAME_JSON : 0;
	frame->size = length;
	rv_hand_hold(hand, job, frame);
	return RV_GIVEN;
}

static enum rv_give
give_one(
    struct rv_hand *hand, struct rv_job *job, const void *data, uint64_t length)
{
	struct rv_frame *frame;

	if (length > RV_LANE_FRAME_MAX) {
		return give_large(hand, job, data, length);
	}
	frame = rv_lane_room(&hand->lanes.tasks, (uint32_t)length);
	if (frame == NULL) {
		return RV_GIVE_LATER;
	}
	frame->kind = RV_FRAME_TASK;
	frame->flags = (job->flags & RV_JOB_JSON) != 0 ? RV_FRAME_JSON : 0;
	if (length > 0) {
		memcpy(frame + 1, data, length);
	}
	rv_hand_hold(hand, job, frame);
	return RV_GIVEN;
}

static uint8_t *
put_item(uint8_t *at, const void *data, size_t length)
{
	/* The room is zeroed by its last eight bytes at most: pad here. */
	size_t room = RV_CHUNK_ROOM(length);

	memset(at + room - 8, 0, 8);
	if (length > 0) {
		memcpy(at, data, length);
	}
	return at + room;
}

static enum rv_give
give_chunk(struct rv_hand *hand, struct rv_chunk_job *chunk)
{
	uint32_t left = chunk->count - chunk->ended;
	bool even = rv_chunk_is_even(chunk);
	size_t lengths = even ? 0 : ((size_t)left * 4 + 7) & ~(size_t)7;
	struct rv_frame *frame =
	    rv_lane_room(&hand->lanes.tasks, rv_chunk_bytes(chunk));
	const void *data;
	uint8_t *at;

	if (frame == NULL) {
		return RV_GIVE_LATER;
	}
	frame->kind = RV_FRAME_CHUNK;
	frame->flags =
	    (chunk->job.flags & RV_JOB_JSON) != 0 ? RV_FRAME_JSON : 0;
	frame->count = left;
	at = (uint8_t *)(frame + 1) + lengths;
	for (uint32_t i = 0; frame->length > 0 && i < left; i++) {
		size_t n = rv_chunk_data(chunk, chunk->ended + i, &data);
		uint32_t length = (uint32_t)n;

		at = put_item(at, data, n);
		if (even) {
			frame->size = n * left;
		} else {
			memcpy((uint8_t *)(frame + 1) + (size_t)i * 4, &length,
			    sizeof(length));
		}
	}
	chunk->base = chunk->ended;
	rv_hand_hold(hand, &chunk->job, frame);
	return RV_GIVEN;
}

static enum rv_give
give_future(struct rv_hand *hand, struct reeve_future *future)
{
	struct rv_job *job = &future->job;
	struct rv_spilled spilled;
	uint64_t length = job->length;
	const void *data = future->payload;
	void *memory = NULL;
	enum rv_give given;

	if ((job->flags & RV_JOB_SPILLED) != 0) {
		memcpy(&spilled, future->payload, sizeof(spilled));
		memory = rv_spill_get(job->pool, &spilled);
		if (memory == NULL) {
			return lose(job, "cannot be read back", spilled.length);
		}
		data = memory;
		length = spilled.length;
	} else if ((job->flags & RV_JOB_BIG) != 0) {
		memcpy(&length, future->payload, sizeof(length));
		data = future->payload + sizeof(length);
	}
	given = give_one(hand, job, data, length);
	rv_free(memory);
	return given;
}

static enum rv_give
give(struct rv_hand *hand, struct rv_job *job)
{
	struct rv_chunk_job *chunk;
	const void *data;
	size_t length;

	if (hand->state != RV_HAND_UP || !tell_function(hand, job->function)) {
		return RV_GIVE_LATER;
	}
	if (job->kind == RV_JOB_FUTURE) {
		return give_future(
		    hand, RV_CONTAINER(job, struct reeve_future, job));
	}
	chunk = RV_CONTAINER(job, struct rv_chunk_job, job);
	if (chunk->count > 1) {
		return give_chunk(hand, chunk);
	}
	length = rv_chunk_data(chunk, 0, &data);
	return give_one(hand, job, data, length);
}

enum rv_give
rv_hand_give(struct rv_hand *hand, struct rv_job *job)
{
	enum rv_give given = give(hand, job);

	if (given != RV_GIVEN && hand->lanes.tasks.broken) {
		rv_hand_doom(hand, "its ring has what cannot be");
	}
	return given;
}

void
rv_hand_wake_all(struct reeve_pool *pool)
{
	while (!rv_list_empty(&pool->wake)) {
		struct rv_hand *hand =
		    RV_LIST_FIRST(&pool->wake, struct rv_hand, wake);

		rv_list_remove(&hand->wake);
		if (rv_lane_must_wake(&hand->lanes.tasks)) {
			rv_lane_wake(&hand->lanes.tasks);
		}
	}
}
