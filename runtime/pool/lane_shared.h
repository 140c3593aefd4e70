/* SPDX-License-Identifier: MIT */
/*
 * How a lane lies in memory: known to lane*.c, and to tests that put there what
 * no honest side would. Words of one side have cache lines of their own, and
 * those that both write are written when somebody sleeps, no oftener.
 */
#ifndef RV_POOL_LANE_SHARED_H
#define RV_POOL_LANE_SHARED_H

#include "pool/lane.h"

/* One ring's words; its bytes are elsewhere. */
struct rv_lane_shared {
	_Alignas(64) uint64_t put; /* the writer's position */
	uint64_t rest; /* bytes of a frame that is not put: see rv_lane_grow */
	uint64_t overdue; /* the frame whose soft limit is over, by its id */
	_Alignas(64) uint64_t got;    /* the reader's position */
	uint32_t items;               /* of a chunk, begun: the reader's */
	_Alignas(64) uint32_t sleeps; /* 1: the reader; who wakes it makes it 0
				       */
	_Alignas(64) uint32_t wants;  /* 1: the writer, for room; the same */
};

/* Before each frame. SKIP: there is none, go on where the ring begins. */
struct rv_lane_slot {
	uint32_t state; /* enum rv_frame_state, or SKIP */
	uint32_t spare;
};
#define RV_LANE_SKIP 3U

/* The file: a page of words, the ring of tasks, the ring of results. */
#define RV_LANE_HEAD 4096U
struct rv_lane_head {
	struct rv_lane_shared tasks, results;
};

/* The host's bell, in lane_memory.c: models have one of their own. */
bool rv_lane_ring(const struct rv_lane *);

#endif
