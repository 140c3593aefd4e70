/* SPDX-License-Identifier: MIT */
/*
 * Sizes of chunks: see chunks.h. Everything here saturates: times of 0 and
 * counts that no machine has are as good as others.
 */
#include "config.h"

#include "pool/chunks.h"

#include "pool/lane.h"

#define LENGTH 4U /* bytes of an item's, before all; they are padded to 8 */

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
rv_chunks_next(const struct rv_chunks *chunks, uint64_t left, uint32_t workers)
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
	n = RV_MIN(n, (uint64_t)RV_CHUNKS_MAX);
	return (uint32_t)RV_MAX(n, 1);
}

uint32_t
rv_chunks_fit(size_t item_size)
{
	if (item_size == 0) {
		return RV_CHUNKS_MAX;
	}
	return RV_MAX(RV_LANE_FRAME_MAX / (uint32_t)RV_CHUNK_ROOM(RV_MIN(
					      item_size, RV_LANE_FRAME_MAX)),
	    1U);
}

uint32_t
rv_chunks_fit_vector(const struct iovec *items, uint32_t n)
{
	uint64_t bytes = 0;
	uint32_t fit = 0;

	while (fit < n && items[fit].iov_len <= RV_LANE_FRAME_MAX) {
		bytes += LENGTH + RV_CHUNK_ROOM(items[fit].iov_len);
		if (bytes + LENGTH > RV_LANE_FRAME_MAX) {
			break;
		}
		fit++;
	}
	return RV_MAX(fit, 1U);
}
