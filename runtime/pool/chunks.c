/* SPDX-License-Identifier: MIT */
/*
 * Sizes of chunks: see chunks.h. Everything here saturates: times of 0 and
 * counts that no machine has are as good as others.
 */
#include "config.h"

#include "pool/chunks.h"

#include "pool/lane.h"

void
rv_chunks_measured(struct rv_chunks *chunks, uint32_t items, rv_time took)
{
	rv_time item;

	if (items == 0) {
		return;
	}
	item = RV_MAX(took, 0) / items;
	if (chunks->item != 0) {
		item = chunks->item + (item - chunks->item) / 4;
	}
	chunks->item = RV_MAX(item, 1);
	chunks->proven = RV_MAX(chunks->proven, items);
}

uint32_t
rv_chunks_next(const struct rv_chunks *chunks, uint64_t left, uint32_t workers,
    uint32_t fit)
{
	uint64_t shares = (uint64_t)RV_MAX(workers, 1) * RV_CHUNKS_LEFT;
	uint64_t n = 1;

	if (left == 0) {
		return 0;
	}
	if (chunks->item != 0) {
		n = (uint64_t)(RV_CHUNKS_AIM / chunks->item);
		n = RV_MIN(n, (uint64_t)chunks->proven * 2);
	}
	n = RV_MIN(n, left / shares);
	n = RV_MIN(n, fit);
	return (uint32_t)RV_MAX(n, 1);
}

uint32_t
rv_chunks_fit(size_t item_size)
{
	/* Its length before it, and what aligns it. */
	size_t room = (RV_MIN(item_size, RV_LANE_FRAME_MAX) + 7) / 8 * 8 + 4;

	return (uint32_t)RV_MAX(RV_LANE_FRAME_MAX / room, 1);
}
