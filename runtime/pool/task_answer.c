/* SPDX-License-Identifier: MIT */
/*
 * What functions answer: written where it will lie in the ring of results, and
 * committed when the function has returned. Answers of a chunk's items share
 * frames, without heads where they are quick and alike (EVEN); each is told of
 * by rv_lane_grow as soon as its function has ended, so that a death behind it
 * does not take it along. Called by task_run.c, and by functions through
 * reeve/task.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pool/task_priv.h"
#include "sys/sys.h"

#define HEAD       sizeof(struct rv_answer)
#define FRAME_ROOM 8192U /* of items' answers, where they are small */
#define ITEM_MAX   (RV_LANE_FRAME_MAX - 64U)
#define NAP        RV_SEC
#define RSS_EVERY  (10 * RV_MS)

/* -------- room -------- */

/* Waits for it; where the host has gone there will be none. */
static struct rv_frame *
room_for(struct rv_task_worker *w, uint32_t length)
{
	struct rv_lane *lane = &w->lane.results;
	struct rv_frame *frame;

	while ((frame = rv_lane_room(lane, length)) == NULL) {
		if (lane->broken || rv_task_is_alone(w, 0)) {
			rv_task_leave(w);
		}
		rv_lane_await_room(lane, length, NAP);
	}
	frame->id = w->id;
	return frame;
}

static void
commit(struct rv_task_worker *w)
{
	if (w->fat) {
		w->frame->flags |= RV_DOOR_FAT;
	}
	rv_lane_commit(&w->lane.results);
	w->frame = NULL;
}

static bool
is_even(const struct rv_frame *frame)
{
	return (frame->flags & RV_FRAME_EVEN) != 0;
}

/* The time of those that are in it, by the clock as it is now. */
static void
time_even(struct rv_task_worker *w)
{
	struct rv_task_chunk *chunk = &w->chunk;

	w->now = rv_sys_now();
	w->frame->took = chunk->even_took + (uint64_t)(w->now - chunk->read_at);
	chunk->read_at = w->now;
	chunk->since_clock = 0;
	chunk->even_took = 0;
}

/* The frame of RESULTS, as far as it is filled. */
static void
close_results(struct rv_task_worker *w)
{
	if (w->frame != NULL && w->chunk.used > 0) {
		if (is_even(w->frame)) {
			time_even(w);
		}
		rv_lane_shorten(&w->lane.results, w->chunk.used);
		commit(w);
	}
	w->frame = NULL;
	w->chunk.used = w->chunk.room = 0;
}

static void
open_results(struct rv_task_worker *w, uint32_t length, bool even)
{
	struct rv_task_chunk *chunk = &w->chunk;
	uint32_t each = (uint32_t)RV_CHUNK_ROOM(length) + (even ? 0 : HEAD);

	close_results(w);
	chunk->room =
	    RV_MAX(each, even ? FRAME_ROOM / each * each : FRAME_ROOM);
	w->frame = room_for(w, chunk->room);
	w->frame->kind = RV_FRAME_RESULTS;
	w->frame->count = chunk->item;
	if (even) {
		w->frame->flags = RV_FRAME_EVEN;
		w->frame->flags |= w->said.json ? RV_FRAME_JSON : 0;
		w->frame->size = length;
	}
}

/* Whether the open frame, which is EVEN, takes one more of this kind. */
static bool
is_alike(const struct rv_task_worker *w, uint32_t length)
{
	return w->frame->size == length &&
	       ((w->frame->flags & RV_FRAME_JSON) != 0) == w->said.json;
}

/*
 * Quick items that answer alike need no heads. Who does not gets them, and all
 * behind it until a frame of those is full: else each could want another one.
 */
static uint8_t *
place_item(struct rv_task_worker *w, uint32_t length, bool good)
{
	struct rv_task_chunk *chunk = &w->chunk;
	bool open = w->frame != NULL && chunk->used > 0, even, full;
	uint32_t need = (uint32_t)RV_CHUNK_ROOM(length);

	chunk->mixed = chunk->mixed || !good ||
		       (open && is_even(w->frame) && !is_alike(w, length));
	even = chunk->until_clock != 1 && !chunk->mixed;
	need += even ? 0 : HEAD;
	full = open && need > chunk->room - chunk->used;
	if (full && chunk->mixed) {
		chunk->mixed = !good;
		even = chunk->until_clock != 1 && good;
	}
	if (!open || full || is_even(w->frame) != even) {
		open_results(w, length, even);
	}
	return (uint8_t *)(w->frame + 1) + chunk->used + (even ? 0 : HEAD);
}

/* Where an answer of this length goes: in a frame that nobody sees yet. */
static uint8_t *
place(struct rv_task_worker *w, uint32_t length, bool good)
{
	w->said.length = length;
	if (w->chunk.count > 0) {
		return place_item(w, length, good);
	}
	w->frame = room_for(w, length);
	return (uint8_t *)(w->frame + 1);
}

static bool
is_large(const struct rv_task_worker *w, size_t length)
{
	return length > (w->chunk.count > 0 ? ITEM_MAX : RV_LANE_FRAME_MAX);
}

/* -------- what functions say -------- */

/* From the room that the function had been given, which may have to move. */
static bool
place_again(struct rv_task_worker *w, const void *data, uint32_t length)
{
	void *copy = rv_alloc(1, (size_t)length + 1);

	if (copy == NULL) {
		return false;
	}
	memcpy(copy, data, length);
	memcpy(place(w, length, true), copy, length);
	rv_free(copy);
	return true;
}

static bool
place_data(struct rv_task_worker *w, const void *data, uint32_t length)
{
	if (length > 0 && w->said.roomed) {
		return place_again(w, data, length);
	}
	if (length > 0) {
		memcpy(place(w, length, true), data, length);
	} else {
		(void)place(w, 0, true);
	}
	return true;
}

static bool
file_of(struct rv_task_file *file, const void *data, size_t length)
{
	if (!rv_task_file_make(file, length)) {
		return false;
	}
	memcpy(file->at, data, length);
	return true;
}

static enum reeve_status
give(void *ctx, const void *data, size_t length, uint32_t flags)
{
	struct rv_task_worker *w = ctx;
	struct rv_task_answer *said = &w->said;
	struct rv_task_file file = { .fd = -1 };
	bool json = said->json;

	if (*w->here == 0 || w->id == 0) {
		return REEVE_ENORUNTIME;
	}
	if (length > 0 && data == NULL) {
		return REEVE_EINVALID;
	}
	said->json = (flags & REEVE_ANSWER_JSON) != 0;
	if (is_large(w, length) ? !file_of(&file, data, length)
				: !place_data(w, data, (uint32_t)length)) {
		said->json = json;
		return REEVE_ENOMEM;
	}
	rv_task_file_close(&said->file);
	said->file = file;
	said->given = true;
	return REEVE_OK;
}

static enum reeve_status
give_room(void *ctx, size_t length, void **at)
{
	struct rv_task_worker *w = ctx;
	struct rv_task_answer *said = &w->said;

	if (*w->here == 0 || w->id == 0) {
		return REEVE_ENORUNTIME;
	}
	if (at == NULL) {
		return REEVE_EINVALID;
	}
	if (said->roomed || said->given) {
		return REEVE_EBUSY;
	}
	if (is_large(w, length)) {
		if (!rv_task_file_make(&said->file, length)) {
			return REEVE_ENOMEM;
		}
		*at = said->file.at;
	} else {
		*at = memset(place(w, (uint32_t)length, true), 0, length);
	}
	said->given = said->roomed = true;
	return REEVE_OK;
}

static void
copy_text(char *to, size_t size, const char *from)
{
	size_t length = from != NULL ? strnlen(from, size - 1) : 0;

	if (length > 0) {
		memcpy(to, from, length);
	}
	to[length] = '\0';
}

static void
fail(void *ctx, const char *type, const char *message)
{
	struct rv_task_worker *w = ctx;

	if (*w->here != 0 && (w->id != 0 || w->comes_in)) {
		copy_text(w->said.type, sizeof(w->said.type), type);
		copy_text(w->said.message, sizeof(w->said.message), message);
		w->said.failed = true;
	}
}

static int
overdue(void *ctx)
{
	const struct rv_task_worker *w = ctx;

	return w->answer.deadline != UINT64_MAX &&
	       ((uint64_t)rv_sys_now() >= w->answer.deadline ||
		   (*w->here != 0 &&
		       rv_lane_is_overdue(&w->lane.tasks, w->id)));
}

/* -------- before and after a function -------- */

void
rv_task_answer_init(struct rv_task_worker *w)
{
	w->answer.size = sizeof(w->answer);
	w->answer.ctx = w;
	w->answer.give = give;
	w->answer.room = give_room;
	w->answer.fail = fail;
	w->answer.overdue = overdue;
}

static void
look_at_memory(struct rv_task_worker *w)
{
	if (w->max_memory > 0 && !w->fat &&
	    w->now - w->memory_at >= RSS_EVERY) {
		w->memory_at = w->now;
		w->fat = rv_sys_resident(getpid()) > w->max_memory;
	}
}

/* In place: it is not known before the function has returned. */
static void
write_failure(struct rv_task_worker *w)
{
	struct rv_task_answer *said = &w->said;
	size_t type = strlen(said->type) + 1;
	size_t message = strlen(said->message) + 1;
	uint8_t *at;

	if (!said->failed) {
		(void)place(w, 0, false);
		return;
	}
	at = place(w, (uint32_t)(type + message), false);
	memcpy(at, said->type, type);
	memcpy(at + type, said->message, message);
}

static void
end_even_item(struct rv_task_worker *w, uint64_t took)
{
	struct rv_task_chunk *chunk = &w->chunk;
	uint8_t *at = (uint8_t *)(w->frame + 1) + chunk->used;
	uint32_t length = w->said.length;
	uint32_t room = (uint32_t)RV_CHUNK_ROOM(length);

	if (length > 0) {
		memset(at + length, 0, room - length);
	}
	chunk->even_took += took;
	chunk->used += room;
	rv_lane_grow(&w->lane.results, chunk->used);
	if (chunk->until_clock == 1) {
		close_results(w); /* it was not quick, and has its own time */
	}
}

static void
end_item(struct rv_task_worker *w, int code, uint64_t took)
{
	struct rv_task_chunk *chunk = &w->chunk;
	uint64_t us = took == 0 ? 0 : (took + 999) / 1000;
	struct rv_answer head = {
		.length = w->said.length,
		.kind = code == 0 ? RV_FRAME_RESULT : RV_FRAME_FAILED,
		.flags = code == 0 && w->said.json ? RV_FRAME_JSON : 0,
		.code = code,
		.took_us = (uint32_t)RV_MIN(us, (uint64_t)UINT32_MAX),
	};
	uint8_t *at = (uint8_t *)(w->frame + 1) + chunk->used;
	uint64_t room = RV_CHUNK_ROOM(head.length);

	memcpy(at, &head, HEAD);
	memset(at + HEAD + head.length, 0, room - head.length);
	chunk->used += (uint32_t)(HEAD + room);
	rv_lane_grow(&w->lane.results, chunk->used);
}

static void
end_task(struct rv_task_worker *w, int code, uint64_t took)
{
	struct rv_frame *frame = w->frame;

	frame->kind = code == 0 ? RV_FRAME_RESULT : RV_FRAME_FAILED;
	frame->flags = code == 0 && w->said.json ? RV_FRAME_JSON : 0;
	frame->code = code;
	frame->took = took;
	commit(w);
}

/* Nobody can change it any more, this process neither. */
static bool
send_file(struct rv_task_worker *w)
{
	struct rv_task_file *file = &w->said.file;
	struct rv_door_say say = { .magic = RV_DOOR_MAGIC,
		.word = RV_DOOR_LARGE,
		.size = file->size };

	((char *)file->at)[file->size] = '\0';
	(void)munmap(file->at, file->size + 1);
	file->at = NULL;
	return fcntl(file->fd, F_ADD_SEALS,
		   F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0 &&
	       rv_task_say(w, &say, file->fd);
}

/* Its file goes first, so that it is there when its frame is. */
static bool
end_large(struct rv_task_worker *w, uint64_t took)
{
	struct rv_frame *frame;
	uint64_t size = w->said.file.size;
	bool sent;

	if (w->chunk.count > 0) {
		close_results(w);
	}
	/* First room, so that nothing can come between file and frame. */
	frame = w->frame = room_for(w, 0);
	sent = send_file(w);
	rv_task_file_close(&w->said.file);
	if (!sent) {
		if (rv_task_is_alone(w, 0)) {
			rv_task_leave(w);
		}
		w->frame = NULL;
		return false;
	}
	frame->kind = RV_FRAME_RESULT;
	frame->flags = RV_FRAME_LARGE | (w->said.json ? RV_FRAME_JSON : 0);
	frame->count = w->chunk.item;
	frame->took = took;
	frame->size = size;
	commit(w);
	return true;
}

void
rv_task_answer_end(struct rv_task_worker *w, int code, uint64_t took)
{
	struct rv_task_answer *said = &w->said;

	look_at_memory(w);
	if (code == 0 && said->file.fd >= 0) {
		if (end_large(w, took)) {
			return;
		}
		fail(w, "reeve.Result", strerror(errno));
		code = -1;
	}
	if (said->file.fd >= 0) {
		rv_task_file_close(&said->file);
	}
	if (code != 0) {
		write_failure(w);
	} else if (!said->given) {
		(void)place(w, 0, true);
	}
	if (w->chunk.count == 0) {
		end_task(w, code, took);
	} else if (is_even(w->frame)) {
		end_even_item(w, took);
	} else {
		end_item(w, code, took);
	}
}

void
rv_task_flush(struct rv_task_worker *w)
{
	struct rv_lane *lane = &w->lane.results;

	if (w->chunk.count > 0) {
		close_results(w);
	}
	if (rv_lane_must_wake(lane) && !rv_lane_wake(lane)) {
		rv_task_leave(w);
	}
}

void
rv_task_refuse(struct rv_task_worker *w, const char *type, const char *message)
{
	rv_task_answer_begin(w);
	fail(w, type, message);
	rv_task_answer_end(w, -1, 0);
}
