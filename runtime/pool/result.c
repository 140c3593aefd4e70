/* SPDX-License-Identifier: MIT */
/*
 * What tasks came to: boxes, each of one allocation, or of the memory of many
 * results, and what callers see of them (struct reeve_task_result). A box is
 * made once and not changed. Quick items of a map that answered alike share
 * one. Those without anything of their own, of tasks that never ran, are
 * constants.
 */
#include "config.h"

#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/pool_priv.h"

#define ARENA_PART ((size_t)64 * 1024)

static const char *const messages[] = {
	[REEVE_OUTCOME_NONE] = "it has no end yet",
	[REEVE_OUTCOME_GOOD] = "",
	[REEVE_OUTCOME_FAILED] = "the function failed",
	[REEVE_OUTCOME_DIED] = "its worker ended while it ran",
	[REEVE_OUTCOME_TIMED_OUT] = "it ran longer than its limit",
	[REEVE_OUTCOME_CANCELLED] = "it was cancelled",
	[REEVE_OUTCOME_BROKEN] = "the pool can have no workers",
};

static size_t
texts_size(const struct rv_box_fill *fill)
{
	return strlen(fill->type) + strlen(fill->message) +
	       strlen(fill->backtrace) + 3;
}

static void *
from_arena(struct rv_box_arena *arena, size_t size)
{
	struct rv_arena_part *part = arena->parts;
	void *at;

	size = (size + 15) & ~(size_t)15;
	if (part == NULL || part->size - part->used < size) {
		size_t room = RV_MAX(size, ARENA_PART - sizeof(*part) - 64);

		part = rv_alloc(1, sizeof(*part) + room);
		if (part == NULL) {
			return NULL;
		}
		part->size = room;
		part->next = arena->parts;
		arena->parts = part;
	}
	at = part->bytes + part->used;
	part->used += size;
	return at;
}

static uint8_t *
put(uint8_t *at, const char *text)
{
	size_t n = strlen(text) + 1;

	memcpy(at, text, n);
	return at + n;
}

static void
fill_in(struct rv_box *box, const struct rv_box_fill *fill)
{
	box->length = fill->length;
	box->took = fill->took;
	box->code = fill->code;
	box->pid = fill->pid;
	box->attempts = (uint16_t)RV_MIN(fill->attempts, UINT16_MAX);
	box->outcome = (uint8_t)fill->outcome;
	box->signo = (uint8_t)fill->signo;
	box->flags |= (uint8_t)((fill->json ? RV_BOX_JSON : 0) |
				(fill->core ? RV_BOX_CORE : 0));
}

struct rv_box *
rv_box_make(struct rv_box_arena *arena, const struct rv_box_fill *given)
{
	struct rv_box_fill fill = *given;
	bool has_texts = fill.outcome != REEVE_OUTCOME_GOOD;
	bool is_mapped = fill.map.at != NULL;
	size_t bytes = is_mapped ? sizeof(fill.map) : fill.length;
	struct rv_box *box;
	uint8_t *at;
	size_t size;

	if (given->lost) {
		return NULL;
	}
	fill.worker = fill.worker != NULL ? fill.worker : "";
	fill.type = fill.type != NULL ? fill.type : "";
	fill.backtrace = fill.backtrace != NULL ? fill.backtrace : "";
	fill.message =
	    fill.message != NULL ? fill.message : messages[fill.outcome];
	size = sizeof(*box) + bytes + 1 + strlen(fill.worker) + 1 +
	       (has_texts ? texts_size(&fill) : 0);
	box = arena != NULL ? from_arena(arena, size) : rv_alloc(1, size);
	if (box == NULL) {
		return NULL;
	}
	fill_in(box, &fill);
	box->flags |= (uint8_t)((arena != NULL ? RV_BOX_ARENA : 0) |
				(is_mapped ? RV_BOX_MAPPED : 0) |
				(has_texts ? RV_BOX_TEXTS : 0));
	if (bytes > 0) {
		memcpy(box->data,
		    is_mapped ? (const void *)&fill.map : fill.data, bytes);
	}
	box->data[bytes] = 0;
	at = put(box->data + bytes + 1, fill.worker);
	if (has_texts) {
		at = put(put(put(at, fill.type), fill.message), fill.backtrace);
	}
	return box;
}

struct rv_box *
rv_box_make_even(struct rv_box_arena *arena, const struct rv_box_fill *fill,
    uint64_t first, uint32_t n)
{
	size_t room = RV_CHUNK_ROOM(fill->length);
	struct rv_box_even even = { first, fill->length > 0 ? n * room : 8 };
	struct rv_box *box =
	    from_arena(arena, sizeof(*box) + sizeof(even) + even.bytes +
				  strlen(fill->worker) + 1);
	uint8_t *at;

	if (box == NULL) {
		return NULL;
	}
	fill_in(box, fill);
	box->flags |= RV_BOX_ARENA | RV_BOX_EVEN;
	memcpy(box->data, &even, sizeof(even));
	at = box->data + sizeof(even);
	if (fill->length > 0) {
		memcpy(at, fill->data, even.bytes);
		for (size_t i = 0; i < n; i++) {
			at[i * room + fill->length] = 0;
		}
	}
	(void)put(at + even.bytes, fill->worker);
	return box;
}

/* Of those that have nothing more to say. */
#define PLAIN(o) [o] = { { .outcome = (o), .flags = RV_BOX_ARENA, .code = -1 } }
static const union {
	struct rv_box box;
	uint8_t bytes[sizeof(struct rv_box) + 8];
} plain[] = {
	PLAIN(REEVE_OUTCOME_NONE),
	PLAIN(REEVE_OUTCOME_GOOD),
	PLAIN(REEVE_OUTCOME_FAILED),
	PLAIN(REEVE_OUTCOME_DIED),
	PLAIN(REEVE_OUTCOME_TIMED_OUT),
	PLAIN(REEVE_OUTCOME_CANCELLED),
	PLAIN(REEVE_OUTCOME_BROKEN),
};

struct rv_box *
rv_box_plain(enum reeve_outcome outcome)
{
	return (struct rv_box *)(uintptr_t)&plain[outcome].box;
}

static const union {
	struct rv_box box;
	uint8_t bytes[sizeof(struct rv_box) + 8];
} lost = { { .outcome = REEVE_OUTCOME_FAILED,
    .flags = RV_BOX_ARENA | RV_BOX_LOST,
    .code = -1 } };

struct rv_box *
rv_box_lost(void)
{
	return (struct rv_box *)(uintptr_t)&lost.box;
}

void
rv_box_free(struct rv_box *box)
{
	struct rv_box_map map;

	if (box == NULL) {
		return;
	}
	if ((box->flags & RV_BOX_MAPPED) != 0) {
		memcpy(&map, box->data, sizeof(map));
		(void)munmap(map.at, map.mapped);
	}
	if ((box->flags & RV_BOX_ARENA) == 0) {
		rv_free(box);
	}
}

void
rv_box_arena_finish(struct rv_box_arena *arena)
{
	while (arena->parts != NULL) {
		struct rv_arena_part *part = arena->parts;

		arena->parts = part->next;
		rv_free(part);
	}
}

static void
show_texts(const char *at, struct reeve_task_result *result)
{
	result->type = at;
	at += strlen(at) + 1;
	result->message = at;
	result->backtrace = at + strlen(at) + 1;
}

static void
show_even(
    const struct rv_box *box, uint64_t item, struct reeve_task_result *result)
{
	const uint8_t *data = box->data + sizeof(struct rv_box_even);
	struct rv_box_even even;

	memcpy(&even, box->data, sizeof(even));
	result->worker = (const char *)data + even.bytes;
	if (box->length > 0) {
		data += (item - even.first) * RV_CHUNK_ROOM(box->length);
	}
	result->data = data;
}

void
rv_box_show(
    const struct rv_box *box, uint64_t item, struct reeve_task_result *result)
{
	struct rv_box_map map;
	size_t bytes;

	*result = (struct reeve_task_result){ .size = sizeof(*result),
		.outcome = (enum reeve_outcome)box->outcome,
		.data = box->data,
		.length = box->length,
		.json = (box->flags & RV_BOX_JSON) != 0,
		.core_dumped = (box->flags & RV_BOX_CORE) != 0,
		.attempts = box->attempts,
		.took = box->took,
		.code = box->code,
		.signo = box->signo,
		.pid = box->pid,
		.type = "",
		.message = (box->flags & RV_BOX_LOST) != 0
			       ? RV_BOX_NO_ROOM
			       : messages[box->outcome],
		.backtrace = "" };
	if ((box->flags & RV_BOX_EVEN) != 0) {
		show_even(box, item, result);
		return;
	}
	bytes = box->length;
	if ((box->flags & RV_BOX_MAPPED) != 0) {
		memcpy(&map, box->data, sizeof(map));
		result->data = map.at;
		bytes = sizeof(map);
	}
	result->worker = (const char *)box->data + bytes + 1;
	if ((box->flags & RV_BOX_TEXTS) != 0) {
		show_texts(result->worker + strlen(result->worker) + 1, result);
	}
}

struct rv_box *
rv_box_move(const struct rv_box *box, uint64_t item)
{
	struct reeve_task_result is;
	struct rv_box_fill fill;

	rv_box_show(box, item, &is);
	fill = (struct rv_box_fill){ .outcome = is.outcome,
		.data = is.data,
		.length = is.length,
		.json = is.json,
		.core = is.core_dumped,
		.took = is.took,
		.code = is.code,
		.signo = is.signo,
		.pid = is.pid,
		.attempts = is.attempts,
		.worker = is.worker,
		.type = is.type,
		.message = is.message,
		.backtrace = is.backtrace };
	if ((box->flags & RV_BOX_MAPPED) != 0) {
		memcpy(&fill.map, box->data, sizeof(fill.map));
	}
	return rv_box_make(NULL, &fill);
}

void
reeve_task_result_free(struct reeve_task_result *result)
{
	if (result == NULL || result->size < sizeof(*result)) {
		return;
	}
	rv_box_free(result->memory);
	*result = (struct reeve_task_result){ .size = sizeof(*result) };
}
