/* SPDX-License-Identifier: MIT */
/*
 * Both sides of a lane in one process, and frames whose every byte says which
 * one it is of: for tests of lanes.
 */
#ifndef RV_TESTS_LANE_RIG_H
#define RV_TESTS_LANE_RIG_H

#include <string.h>
#include <unistd.h>

#include <reeve/error.h>

#include "lib/harness.h"
#include "pool/lane.h"
#include "pool/lane_shared.h"

#define RING ((size_t)RV_LANE_RING_MIN)

/* Both sides in one process. */
struct both {
	struct rv_lane_pair worker, host;
};

static inline void
make(struct both *b)
{
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(rv_lane_make(&b->worker, RING, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    rv_lane_open(&b->host, dup(b->worker.fd), RING, &err), REEVE_OK);
}

static inline void
drop_both(struct both *b)
{
	rv_lane_close(&b->worker);
	rv_lane_close(&b->host);
	rv_lane_close(&b->host);
}

/* Bytes that only this frame has. */
static inline uint8_t
byte_of(uint64_t id, uint32_t i)
{
	return (uint8_t)(1 + (id * 31 + i * 7) % 255);
}

static inline bool
put(struct rv_lane *lane, uint64_t id, uint32_t length)
{
	struct rv_frame *frame = rv_lane_room(lane, length);
	uint8_t *payload;

	if (frame == NULL) {
		return false;
	}
	payload = (void *)(frame + 1);
	frame->kind = RV_FRAME_TASK;
	frame->id = id;
	for (uint32_t i = 0; i < length; i++) {
		payload[i] = byte_of(id, i);
	}
	rv_lane_commit(lane);
	return true;
}

/* It is this frame, whole, with a NUL behind it. */
static inline bool
is_frame(const struct rv_frame *head, const uint8_t *payload, uint64_t id)
{
	bool is = head->id == id && head->kind == RV_FRAME_TASK &&
		  (uintptr_t)payload % 8 == 0 && payload[head->length] == '\0';

	for (uint32_t i = 0; is && i < head->length; i++) {
		is = payload[i] == byte_of(id, i);
	}
	return is;
}

static inline bool
got(struct rv_lane *lane, uint64_t id)
{
	struct rv_frame head;
	const void *payload;
	bool is = rv_lane_peek(lane, &head, &payload) == RV_LANE_OK &&
		  is_frame(&head, payload, id);

	rv_lane_drop(lane);
	return is;
}

static inline bool
is_empty(struct rv_lane *lane)
{
	struct rv_frame head;
	const void *payload;

	return rv_lane_peek(lane, &head, &payload) == RV_LANE_EMPTY;
}

/* One of RESULTS. */
static inline void
answer(uint8_t *at, uint32_t length, char fill)
{
	struct rv_answer head = { .length = length, .kind = RV_FRAME_RESULT };

	memcpy(at, &head, sizeof(head));
	memset(at + sizeof(head), 0, RV_CHUNK_ROOM(length));
	memset(at + sizeof(head), fill, length);
}

#endif
