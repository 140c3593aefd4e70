/* SPDX-License-Identifier: MIT */
/*
 * A lane of which a worker wrote every word and byte: its host reads frames,
 * what is in them, and what a dead one left, puts tasks and takes them back,
 * all within the memory that it has. What its checks let through is of the
 * sizes that it says.
 *
 * The input: struct words; then the ring of results, as far as it goes.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz_fds.h"
#include "pool/lane.h"
#include "pool/lane_shared.h"

#define RING   1024U
#define ROUNDS 200
#define ITEMS  5000U /* of one chunk, of which there may be millions */

struct words {
	uint64_t put, rest, got; /* as the worker says */
	uint64_t at, tasks_at;   /* how far the host had come */
	uint64_t size;           /* of a chunk's items */
	uint32_t count, items;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* [at, at + length) lies in [from, from + size). */
static void
expect_within(const void *at, uint64_t length, const void *from, uint64_t size)
{
	const uint8_t *a = at, *f = from;

	expect(a >= f && length <= size && (uint64_t)(a - f) <= size - length);
}

/* Read every byte, where a sanitizer looks. */
static void
touch(const void *at, uint32_t length)
{
	static volatile uint8_t sum;

	for (uint32_t i = 0; i < length; i++) {
		sum ^= ((const uint8_t *)at)[i];
	}
}

static void
read_chunk(const void *payload, const struct words *words, uint32_t length)
{
	struct rv_chunk chunk = { .data = payload,
		.length = length,
		.count = words->count,
		.size = words->size };
	const void *item;
	bool all_empty = length == 0 && words->size == 0;
	uint32_t n, items = 0;

	while (items < ITEMS && rv_chunk_next(&chunk, &item, &n)) {
		if (all_empty) {
			expect(n == 0 && item == payload);
		} else {
			expect_within(item, RV_CHUNK_ROOM(n), payload, length);
		}
		touch(item, n);
		items++;
	}
	expect(items <= words->count && (all_empty || items <= length / 8));
}

static void
read_answers(const void *payload, uint32_t length)
{
	struct rv_answers answers = { .data = payload, .length = length };
	struct rv_answer head;
	const void *at;

	while (rv_answers_next(&answers, &head, &at)) {
		expect_within(at, RV_CHUNK_ROOM(head.length), payload, length);
		touch(at, head.length);
	}
	expect(answers.offset <= length);
}

/* As if the frame were one. */
static void
read_even(const struct rv_frame *head, const uint8_t *payload)
{
	struct rv_frame even = *head;
	uint32_t n;

	even.kind = RV_FRAME_RESULTS;
	even.flags |= RV_FRAME_EVEN;
	n = rv_answers_even(&even);
	expect(n == 0 || n * RV_CHUNK_ROOM(even.size) == even.length);
	for (uint32_t i = 0; i < n; i++) {
		touch(payload + i * RV_CHUNK_ROOM(even.size),
		    (uint32_t)even.size);
	}
}

static void
read_frame(const struct rv_lane *lane, const struct rv_frame *head,
    const void *payload, const struct words *words)
{
	struct rv_failed failed;

	expect_within(payload, (uint64_t)head->length + 1, lane->bytes, RING);
	touch(payload, head->length);
	read_chunk(payload, words, head->length);
	read_answers(payload, head->length);
	read_even(head, payload);
	if (rv_failed_read(&failed, payload, head->length)) {
		expect(strlen(failed.type) + strlen(failed.message) <=
		       head->length);
	} else {
		expect(head->length > RV_FAILED_MAX);
	}
}

static void
read_results(struct rv_lane *lane, const struct words *words)
{
	struct rv_frame head;
	const void *payload;
	uint64_t at = lane->at;

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (rv_lane_peek(lane, &head, &payload) != RV_LANE_OK) {
			break;
		}
		read_frame(lane, &head, payload, words);
		rv_lane_drop(lane);
		expect(lane->at > at && lane->at <= words->put);
		at = lane->at;
	}
	if (rv_lane_rest(lane, &head, &payload) == RV_LANE_OK) {
		read_frame(lane, &head, payload, words);
	}
}

static void
put_tasks(struct rv_lane *lane, uint32_t length)
{
	struct rv_frame *frame;
	uint64_t at;

	for (unsigned i = 0; i < ROUNDS; i++) {
		frame = rv_lane_room(lane, length % 300);
		if (frame == NULL) {
			break;
		}
		expect_within(frame, sizeof(*frame) + frame->length + 1,
		    lane->bytes, RING);
		memset(frame + 1, 'x', frame->length);
		at = rv_lane_at(lane);
		rv_lane_commit(lane);
		(void)rv_lane_must_wake(lane);
		expect(rv_lane_has_begun(lane, at) != rv_lane_revoke(lane, at));
		length = length * 31 + 7;
	}
}

static struct rv_lane
lane_at(struct rv_lane_shared *shared, uint8_t *bytes, uint64_t at, bool writes)
{
	at = at % ((uint64_t)1 << 40) & ~(uint64_t)7;
	return (struct rv_lane){ .shared = shared,
		.bytes = bytes,
		.size = RING,
		.at = at,
		.seen = at,
		.bell = -1,
		.pair = -1,
		.writes = writes };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words words = { 0 };
	struct rv_lane_head head = { .tasks.sleeps = 1 };
	struct rv_lane results, tasks;
	uint8_t *bytes = aligned_alloc(8, RING), *own = aligned_alloc(8, RING);

	if (bytes == NULL || own == NULL) {
		goto out;
	}
	memset(bytes, 0, RING);
	memcpy(&words, data, size < sizeof(words) ? size : sizeof(words));
	if (size > sizeof(words)) {
		size -= sizeof(words);
		memcpy(bytes, data + sizeof(words), size < RING ? size : RING);
	}
	head.results.put = words.put;
	head.results.rest = words.rest;
	head.results.wants = words.items % 2;
	head.tasks.got = words.got;
	head.tasks.items = words.items;
	results = lane_at(&head.results, bytes, words.at, false);
	tasks = lane_at(&head.tasks, own, words.tasks_at, true);
	read_results(&results, &words);
	put_tasks(&tasks, words.items);
	expect(rv_lane_items(&tasks) == words.items);
out:
	free(bytes);
	free(own);
	return 0;
}
