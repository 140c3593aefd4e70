/* SPDX-License-Identifier: MIT */
/*
 * The rings of a lane: see lane.h. Positions only grow; where they are in a
 * ring is their remainder. A frame is never torn by the ring's end: one that
 * would be begins where the ring does, behind a slot that says so. Each side
 * looks at the other's position only when what it knew of it does not do any
 * more, so that as long as both are awake a line of memory goes over once for
 * many frames. Called by the host and by its workers, each for its own sides;
 * nothing here waits but rv_lane_wait and rv_lane_await_room.
 */
#include "config.h"

#include "pool/lane.h"

#include <string.h>

#include "ipc/step.h"
#include "ipc/wait.h"
#include "pool/lane_shared.h"

#define HEADS (sizeof(struct rv_lane_slot) + sizeof(struct rv_frame))

_Static_assert(sizeof(struct rv_frame) == 40 && HEADS % 8 == 0,
    "a frame has no holes, and what is behind it is aligned");
_Static_assert(sizeof(struct rv_lane_head) <= RV_LANE_HEAD, "words in a page");

/* What the compiler may not read again, or put off. */
#define BARRIER() __asm__ volatile("" ::: "memory")

/* In the ring: with heads, padding, and a NUL at least. */
static uint64_t
span_of(uint32_t length)
{
	return HEADS + RV_CHUNK_ROOM(length);
}

static uint64_t
offset_of(const struct rv_lane *lane, uint64_t at)
{
	return at & (lane->size - 1);
}

static struct rv_lane_slot *
slot_at(const struct rv_lane *lane, uint64_t at)
{
	return (void *)(lane->bytes + offset_of(lane, at));
}

/* Where a frame of this span begins that is put at `at`. */
static uint64_t
begin_of(const struct rv_lane *lane, uint64_t at, uint64_t span)
{
	uint64_t left = lane->size - offset_of(lane, at);

	return span <= left ? at : at + left;
}

/* -------- writing -------- */

/* Whether the reader has left so much room; what it says cannot be less than
 * before, nor more than was put. */
static bool
has_room(struct rv_lane *lane, uint64_t end)
{
	uint64_t got;

	if (!lane->broken && end - lane->seen > lane->size) {
		got = rv_load64(&lane->shared->got);
		if (got < lane->seen || got > lane->at || got % 8 != 0) {
			lane->broken = true;
		} else {
			lane->seen = got;
		}
	}
	return !lane->broken && end - lane->seen <= lane->size;
}

struct rv_frame *
rv_lane_room(struct rv_lane *lane, uint32_t length)
{
	uint64_t span = span_of(length), begin, end;
	struct rv_lane_slot *slot;
	struct rv_frame *frame;

	RV_ASSERT(lane->writes && length <= RV_LANE_FRAME_MAX);
	begin = begin_of(lane, lane->at, span);
	end = begin + span;
	if (!has_room(lane, end)) {
		return NULL;
	}
	if (begin != lane->at) {
		*slot_at(lane, lane->at) =
		    (struct rv_lane_slot){ .state = RV_LANE_SKIP };
	}
	slot = slot_at(lane, begin);
	*slot = (struct rv_lane_slot){ .state = RV_FRAME_HELD };
	frame = (void *)(slot + 1);
	*frame = (struct rv_frame){ .length = length };
	memset((uint8_t *)slot + span - 8, 0, 8);
	lane->frame = begin;
	lane->next = end;
	return frame;
}

void
rv_lane_shorten(struct rv_lane *lane, uint32_t length)
{
	struct rv_lane_slot *slot = slot_at(lane, lane->frame);
	struct rv_frame *frame = (void *)(slot + 1);
	uint8_t *payload = (void *)(frame + 1);

	RV_ASSERT(span_of(length) <= lane->next - lane->frame);
	memset(payload + length, 0, RV_CHUNK_ROOM(length) - length);
	frame->length = length;
	lane->next = lane->frame + span_of(length);
}

void
rv_lane_commit(struct rv_lane *lane)
{
	lane->at = lane->next;
	rv_store64(&lane->shared->put, lane->at);
	if (lane->grown) {
		lane->grown = false;
		rv_store64(&lane->shared->rest, 0);
	}
}

/* The word says where it is: what was put since, by who died before it could
 * say that there is no rest, is none. */
static uint64_t
rest_of(uint64_t frame, uint32_t length)
{
	return (frame / 8) << 32 | length;
}

void
rv_lane_grow(struct rv_lane *lane, uint32_t length)
{
	lane->grown = true;
	rv_leave64(&lane->shared->rest, rest_of(lane->frame, length));
}

bool
rv_lane_must_wake(struct rv_lane *lane)
{
	uint32_t sleeps;

	if (lane->host != NULL) {
		sleeps = rv_load(lane->host);
		if (sleeps % 2 == 0 || sleeps == lane->rung) {
			return false;
		}
		lane->rung = sleeps;
		return true;
	}
	sleeps = rv_load(&lane->shared->sleeps);
	return sleeps == 1 && rv_cas(&lane->shared->sleeps, &sleeps, 0);
}

bool
rv_lane_wake(struct rv_lane *lane)
{
	if (lane->host != NULL) {
		return rv_lane_ring(lane);
	}
	(void)rv_wake_word((_Atomic uint32_t *)&lane->shared->sleeps, 1);
	return true;
}

void
rv_lane_await_room(struct rv_lane *lane, uint32_t length, rv_time timeout)
{
	uint64_t span = span_of(length);
	uint32_t *wants = &lane->shared->wants;

	if (rv_lane_must_wake(lane)) {
		(void)rv_lane_wake(lane);
	}
	rv_store(wants, 1);
	if (!has_room(lane, begin_of(lane, lane->at, span) + span) &&
	    !lane->broken) {
		(void)rv_wait_word(
		    (_Atomic uint32_t *)wants, 1, rv_wait_until(timeout));
	}
	rv_store(wants, 0);
}

/* -------- reading -------- */

/* What the writer says that it put: no less than was seen, and that is where we
 * are, nor more than fits. */
static void
look(struct rv_lane *lane)
{
	uint64_t put = rv_load64(&lane->shared->put);

	if (put - lane->at > lane->size || put % 8 != 0) {
		lane->broken = true;
	} else {
		lane->seen = put;
	}
}

static enum rv_lane_status
nonsense(struct rv_lane *lane)
{
	lane->broken = true;
	return RV_LANE_NONSENSE;
}

/* The frame at `at`, of which and of what is behind there are so many bytes. */
static bool
take(struct rv_lane *lane, uint64_t at, uint64_t there, struct rv_frame *head,
    const void **payload)
{
	const struct rv_frame *frame = (const void *)(slot_at(lane, at) + 1);

	there = RV_MIN(there, lane->size - offset_of(lane, at));
	if (there < HEADS) {
		return false;
	}
	memcpy(head, frame, sizeof(*head));
	BARRIER();
	if (head->length > RV_LANE_FRAME_MAX || span_of(head->length) > there) {
		return false;
	}
	*payload = frame + 1;
	return true;
}

/* Over the end of the ring, where the slot says so. False: there is more
 * to skip than was put. */
static bool
skip(struct rv_lane *lane)
{
	if (RV_READ(slot_at(lane, lane->at)->state) == RV_LANE_SKIP) {
		lane->at += lane->size - offset_of(lane, lane->at);
	}
	return lane->at < lane->seen;
}

enum rv_lane_status
rv_lane_peek(struct rv_lane *lane, struct rv_frame *head, const void **payload)
{
	RV_ASSERT(!lane->writes);
	if (lane->at == lane->seen && !lane->broken) {
		look(lane);
	}
	if (lane->broken) {
		return RV_LANE_NONSENSE;
	}
	if (lane->at == lane->seen) {
		return RV_LANE_EMPTY;
	}
	if (!skip(lane) ||
	    !take(lane, lane->at, lane->seen - lane->at, head, payload)) {
		return nonsense(lane);
	}
	lane->frame = lane->at;
	lane->next = lane->at + span_of(head->length);
	return RV_LANE_OK;
}

/*
 * A writer that waits is woken when half of the ring is free: not for each
 * frame, and at the latest for the last.
 */
void
rv_lane_drop(struct rv_lane *lane)
{
	uint32_t wants;

	lane->at = lane->next;
	rv_store64(&lane->shared->got, lane->at);
	if (lane->seen - lane->at <= lane->size / 2) {
		wants = rv_load(&lane->shared->wants);
		if (wants == 1 && rv_cas(&lane->shared->wants, &wants, 0)) {
			(void)rv_wake_word(
			    (_Atomic uint32_t *)&lane->shared->wants, 1);
		}
	}
}

enum rv_lane_status
rv_lane_rest(struct rv_lane *lane, struct rv_frame *head, const void **payload)
{
	uint64_t rest = rv_load64(&lane->shared->rest);
	uint32_t length = (uint32_t)rest;
	uint64_t left = lane->size - offset_of(lane, lane->at);
	uint64_t at = lane->at;

	if (lane->broken) {
		return RV_LANE_NONSENSE;
	}
	if (rest >> 32 != (uint32_t)(at / 8)) {
		at += left;
	}
	if (rest >> 32 != (uint32_t)(at / 8) || length == 0) {
		return RV_LANE_EMPTY;
	}
	if (!take(lane, at, lane->size, head, payload) ||
	    length > head->length) {
		return nonsense(lane);
	}
	head->length = length;
	return RV_LANE_OK;
}

/* -------- who has it -------- */

bool
rv_lane_begin(struct rv_lane *lane)
{
	uint32_t held = RV_FRAME_HELD;

	rv_store(&lane->shared->items, 0);
	return rv_cas(
	    &slot_at(lane, lane->frame)->state, &held, RV_FRAME_BEGUN);
}

uint64_t
rv_lane_at(const struct rv_lane *lane)
{
	return lane->frame;
}

/* What the reader has dropped may be another frame by now. */
bool
rv_lane_has_begun(const struct rv_lane *lane, uint64_t at)
{
	return at < lane->seen ||
	       rv_load(&slot_at(lane, at)->state) != RV_FRAME_HELD;
}

bool
rv_lane_revoke(struct rv_lane *lane, uint64_t at)
{
	uint32_t held = RV_FRAME_HELD;

	return at >= lane->seen &&
	       rv_cas(&slot_at(lane, at)->state, &held, RV_FRAME_REVOKED);
}

void
rv_lane_item(struct rv_lane *lane, uint32_t begun)
{
	rv_leave(&lane->shared->items, begun);
}

uint32_t
rv_lane_items(const struct rv_lane *lane)
{
	return rv_load(&lane->shared->items);
}

void
rv_lane_overdue(struct rv_lane *lane, uint64_t id)
{
	rv_store64(&lane->shared->overdue, id);
}

bool
rv_lane_is_overdue(const struct rv_lane *lane, uint64_t id)
{
	return rv_load64(&lane->shared->overdue) == id;
}

/* -------- sleeping -------- */

bool
rv_lane_sleep(struct rv_lane *lane)
{
	rv_store(&lane->shared->sleeps, 1);
	if (rv_load64(&lane->shared->put) == lane->at) {
		return true;
	}
	rv_lane_awake(lane);
	return false;
}

void
rv_lane_awake(struct rv_lane *lane)
{
	rv_store(&lane->shared->sleeps, 0);
}

void
rv_lane_wait(struct rv_lane *lane, rv_time timeout)
{
	(void)rv_wait_word((_Atomic uint32_t *)&lane->shared->sleeps, 1,
	    rv_wait_until(timeout));
}

/* -------- the host's page -------- */

void
rv_lane_host_sleeps(struct rv_lane_host *host, bool sleeps)
{
	uint32_t *word = host->page;
	uint32_t is = RV_READ(*word);

	if ((is % 2 == 1) != sleeps) {
		rv_store(word, is + 1);
	}
}
