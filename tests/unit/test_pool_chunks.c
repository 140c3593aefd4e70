/* SPDX-License-Identifier: MIT */
/* How many items go into a chunk, by what was measured: runtime/pool/chunks.h.
 */
#include "config.h"

#include "lib/harness.h"
#include "pool/chunks.h"
#include "pool/lane.h"

#include <stdio.h>

#define PLENTY 1000000

RV_TEST(the_first_chunks_are_of_one_item)
{
	struct rv_chunks chunks = { 0 };

	for (unsigned i = 0; i < 100; i++) {
		CU_ASSERT(rv_chunks_next(&chunks, PLENTY, 4) == 1);
	}
}

RV_TEST(chunks_grow_to_a_millisecond_by_doubling)
{
	static const uint32_t sizes[] = { 1, 2, 4, 8, 16, 32, 64, 100, 100 };
	struct rv_chunks chunks = { 0 };

	for (size_t i = 0; i < RV_ARRAY_LEN(sizes); i++) {
		uint32_t n = rv_chunks_next(&chunks, UINT64_MAX, 4);

		CU_ASSERT_EQUAL(n, sizes[i]);
		rv_chunks_measured(&chunks, n, n * 10 * RV_US);
	}
}

RV_TEST(a_chunk_that_was_not_measured_yet_proves_nothing)
{
	struct rv_chunks chunks = { 0 };

	rv_chunks_measured(&chunks, 1, RV_US);
	for (unsigned i = 0; i < 100; i++) {
		CU_ASSERT(rv_chunks_next(&chunks, PLENTY, 4) == 2);
	}
}

RV_TEST(items_that_become_slow_make_chunks_small)
{
	struct rv_chunks chunks = { 0 };

	rv_chunks_measured(&chunks, 500, RV_MS);
	CU_ASSERT(rv_chunks_next(&chunks, PLENTY, 4) == 500);
	for (unsigned i = 0; i < 30; i++) {
		rv_chunks_measured(&chunks, 1, 100 * RV_MS);
	}
	CU_ASSERT(rv_chunks_next(&chunks, PLENTY, 4) == 1);
	for (unsigned i = 0; i < 200; i++) {
		rv_chunks_measured(&chunks, 1, RV_US);
	}
	CU_ASSERT(rv_chunks_next(&chunks, PLENTY, 4) > 500);
}

/* Of items that cost next to nothing, measured in large chunks. */
RV_TEST(what_is_left_bounds_a_chunk)
{
	static const struct {
		uint64_t left;
		uint32_t workers, n;
	} cases[] = {
		{ 0, 4, 0 },
		{ 1, 4, 1 },
		{ 15, 4, 1 },
		{ 16, 4, 1 },
		{ 32, 4, 2 },
		{ 1600, 4, 100 },
		{ 1600, 1, 400 },
		{ 1600, 0, 400 },
		{ 1600, 1024, 1 },
		{ 1600, UINT32_MAX, 1 },
		{ UINT64_MAX, 4, PLENTY },
		{ UINT64_MAX, UINT32_MAX, PLENTY },
	};
	struct rv_chunks chunks = { 0 };

	rv_chunks_measured(&chunks, PLENTY, 0);
	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		uint32_t n =
		    rv_chunks_next(&chunks, cases[i].left, cases[i].workers);

		if (n != cases[i].n) {
			printf("# case %zu: %u\n", i, n);
		}
		CU_ASSERT_EQUAL(n, cases[i].n);
	}
}

RV_TEST(all_items_of_a_map_are_in_some_chunk_and_each_worker_has_some)
{
	for (uint64_t all = 1; all < 3000; all += 7) {
		struct rv_chunks chunks = { 0 };
		uint64_t left = all;
		unsigned made = 0;

		while (left > 0) {
			uint32_t n = rv_chunks_next(&chunks, left, 4);

			CU_ASSERT_FATAL(n >= 1 && n <= left);
			CU_ASSERT(n == 1 || left / n >= 16);
			rv_chunks_measured(&chunks, n, n * RV_US);
			left -= n;
			made++;
		}
		CU_ASSERT(made >= RV_MIN(all, 16));
	}
}

RV_TEST(nonsense_that_was_measured_is_bent)
{
	struct rv_chunks chunks = { 0 };

	rv_chunks_measured(&chunks, 0, RV_SEC);
	CU_ASSERT(chunks.item == 0);
	rv_chunks_measured(&chunks, 1, -RV_SEC);
	CU_ASSERT(rv_chunks_next(&chunks, PLENTY, 1) == 2);
	rv_chunks_measured(&chunks, 1, RV_FOREVER);
	rv_chunks_measured(&chunks, UINT32_MAX, RV_FOREVER);
	CU_ASSERT(rv_chunks_next(&chunks, PLENTY, 1) == 1);
	for (unsigned i = 0; i < 200; i++) {
		rv_chunks_measured(&chunks, UINT32_MAX, 0);
	}
	CU_ASSERT(rv_chunks_next(&chunks, UINT64_MAX, 1) > 300000);
}

RV_TEST(no_chunk_is_larger_than_its_count_can_say)
{
	struct rv_chunks chunks = { 0 };

	rv_chunks_measured(&chunks, UINT32_MAX, 0);
	CU_ASSERT_EQUAL(rv_chunks_next(&chunks, UINT64_MAX, 1), RV_MS);
	CU_ASSERT(RV_MS < RV_CHUNKS_MAX);
	CU_ASSERT_EQUAL(rv_chunks_fit(0), RV_CHUNKS_MAX);
}

/* Each with a NUL, as in lane.h. */
RV_TEST(as_many_items_fit_as_a_frame_has_room_for)
{
	for (size_t size = 1; size < 100000; size += 3) {
		uint64_t n = rv_chunks_fit(size), room = RV_CHUNK_ROOM(size);

		CU_ASSERT(n >= 1 && (n == 1 || n * room <= RV_LANE_FRAME_MAX));
		CU_ASSERT((n + 1) * room > RV_LANE_FRAME_MAX);
	}
	CU_ASSERT(rv_chunks_fit(8) == RV_LANE_FRAME_MAX / 16);
	CU_ASSERT(rv_chunks_fit(SIZE_MAX) == 1);
}

static uint64_t
bytes_of(const struct iovec *items, uint32_t n)
{
	uint64_t bytes = ((uint64_t)n * 4 + 7) / 8 * 8;

	for (uint32_t i = 0; i < n; i++) {
		bytes += RV_CHUNK_ROOM(items[i].iov_len);
	}
	return bytes;
}

RV_TEST(of_items_that_differ_as_many_fit_as_a_frame_has_room_for)
{
	static struct iovec items[9000];
	uint32_t n;

	for (size_t most = 0; most < 40000; most = most * 3 / 2 + 1) {
		for (size_t i = 0; i < RV_ARRAY_LEN(items); i++) {
			items[i].iov_len = most == 0 ? 0 : i * 7919 % most;
		}
		n = rv_chunks_fit_vector(items, RV_ARRAY_LEN(items) - 1);
		CU_ASSERT_FATAL(n >= 1 && n < RV_ARRAY_LEN(items));
		CU_ASSERT(bytes_of(items, n) <= RV_LANE_FRAME_MAX);
		CU_ASSERT(bytes_of(items, n + 2) > RV_LANE_FRAME_MAX);
		CU_ASSERT_EQUAL(rv_chunks_fit_vector(items, 1), 1);
	}
	items[0].iov_len = SIZE_MAX;
	CU_ASSERT_EQUAL(rv_chunks_fit_vector(items, 100), 1);
	items[0].iov_len = 1;
	items[1].iov_len = SIZE_MAX - 8;
	CU_ASSERT_EQUAL(rv_chunks_fit_vector(items, 100), 1);
}

RV_SUITE(pool_chunks, RV_CASE(the_first_chunks_are_of_one_item),
    RV_CASE(chunks_grow_to_a_millisecond_by_doubling),
    RV_CASE(a_chunk_that_was_not_measured_yet_proves_nothing),
    RV_CASE(items_that_become_slow_make_chunks_small),
    RV_CASE(what_is_left_bounds_a_chunk),
    RV_CASE(all_items_of_a_map_are_in_some_chunk_and_each_worker_has_some),
    RV_CASE(nonsense_that_was_measured_is_bent),
    RV_CASE(no_chunk_is_larger_than_its_count_can_say),
    RV_CASE(as_many_items_fit_as_a_frame_has_room_for),
    RV_CASE(of_items_that_differ_as_many_fit_as_a_frame_has_room_for))
