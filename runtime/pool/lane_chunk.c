/* SPDX-License-Identifier: MIT */
/*
 * What is in frames that hold more than one thing: arguments and answers of
 * chunks, the texts of a failure. All of it is foreign bytes: nothing outside
 * of them is touched, whatever they say, and each length is read once.
 */
#include "config.h"

#include <string.h>

#include "pool/lane.h"

#define HEAD sizeof(struct rv_answer)

_Static_assert(sizeof(struct rv_answer) % 8 == 0, "what follows is aligned");

/* Of the present one; the offset goes behind the lengths with the first. */
static bool
length_of(struct rv_chunk *chunk, uint64_t *length)
{
	uint64_t lengths = ((uint64_t)chunk->count * 4 + 7) & ~(uint64_t)7;
	uint32_t one;

	if (chunk->size != 0) {
		chunk->each =
		    chunk->at == 0 ? chunk->size / chunk->count : chunk->each;
		*length = chunk->each;
		return true;
	}
	if (lengths > chunk->length) {
		return false;
	}
	if (chunk->at == 0) {
		chunk->offset = lengths;
	}
	memcpy(&one, chunk->data + (size_t)chunk->at * 4, sizeof(one));
	__asm__ volatile("" ::: "memory");
	*length = one;
	return true;
}

bool
rv_chunk_next(struct rv_chunk *chunk, const void **data, uint32_t *length)
{
	bool all_empty = chunk->size == 0 && chunk->length == 0;
	uint64_t n = 0, room = 0;

	if (chunk->at >= chunk->count ||
	    (!all_empty && !length_of(chunk, &n))) {
		return false;
	}
	if (!all_empty) {
		room = RV_CHUNK_ROOM(n);
		if (chunk->offset > chunk->length || n > chunk->length ||
		    room > chunk->length - chunk->offset) {
			return false;
		}
	}
	*data = chunk->data + chunk->offset;
	*length = (uint32_t)n;
	chunk->offset += room;
	chunk->at++;
	return true;
}

bool
rv_answers_next(
    struct rv_answers *answers, struct rv_answer *head, const void **payload)
{
	uint32_t left = answers->length - answers->offset;
	const uint8_t *at = answers->data + answers->offset;

	if (left < HEAD) {
		return false;
	}
	memcpy(head, at, HEAD);
	__asm__ volatile("" ::: "memory");
	if (head->length > left || RV_CHUNK_ROOM(head->length) > left - HEAD) {
		return false;
	}
	*payload = at + HEAD;
	answers->offset += (uint32_t)(HEAD + RV_CHUNK_ROOM(head->length));
	return true;
}

uint32_t
rv_answers_even(const struct rv_frame *head)
{
	uint64_t room = RV_CHUNK_ROOM(head->size);

	return head->kind != RV_FRAME_RESULTS ||
		       (head->flags & RV_FRAME_EVEN) == 0 ||
		       head->size > RV_LANE_FRAME_MAX ||
		       head->length % room != 0
		   ? 0
		   : (uint32_t)(head->length / room);
}

bool
rv_failed_read(struct rv_failed *failed, const void *payload, uint32_t length)
{
	if (length > RV_FAILED_MAX) {
		return false;
	}
	memcpy(failed->text, payload, length);
	memset(failed->text + length, 0, sizeof(failed->text) - length);
	failed->type = failed->text;
	failed->message = failed->text + strlen(failed->text) + 1;
	return true;
}
