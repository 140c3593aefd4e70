/* SPDX-License-Identifier: MIT */
/*
 * Memory of a conf: chunks in a list, handed out piece by piece, structs from
 * the front and texts, which need no alignment, from the back. See the header.
 */
#include "config.h"

#include "config/conf_arena.h"

#include <stdio.h>
#include <string.h>

#include "base/room.h"

/* Of room: only what is used of it takes memory, and goes with it. */
#define CHUNK ((size_t)64 * 1024)

struct rv_arena_chunk {
	struct rv_arena_chunk *next;
	size_t size;      /* of data */
	size_t used, end; /* what lies between is free */
	_Alignas(16) char data[];
};

void
rv_arena_finish(struct rv_arena *arena)
{
	while (arena->chunks != NULL) {
		struct rv_arena_chunk *next = arena->chunks->next;

		rv_room_destroy(arena->chunks,
		    sizeof(*arena->chunks) + arena->chunks->size);
		arena->chunks = next;
	}
}

static bool
grow(struct rv_arena *arena, size_t need)
{
	size_t size = RV_MAX(need, CHUNK - sizeof(struct rv_arena_chunk));
	struct rv_arena_chunk *chunk = rv_room_create(sizeof(*chunk) + size);

	if (chunk == NULL) {
		arena->failed = true;
		return false;
	}
	chunk->size = chunk->end = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return true;
}

/* The chunk with so much room, or NULL. */
static struct rv_arena_chunk *
room_for(struct rv_arena *arena, size_t need)
{
	struct rv_arena_chunk *chunk = arena->chunks;

	if (chunk != NULL && chunk->end - chunk->used >= need) {
		return chunk;
	}
	return grow(arena, need) ? arena->chunks : NULL;
}

void *
rv_arena_get(struct rv_arena *arena, size_t n, size_t size)
{
	struct rv_arena_chunk *chunk;
	size_t need;

	if (__builtin_mul_overflow(n, size, &need) || need > SIZE_MAX / 2) {
		arena->failed = true;
		return NULL;
	}
	need = (need + 15) & ~(size_t)15;
	chunk = room_for(arena, need);
	if (chunk == NULL) {
		return NULL;
	}
	chunk->used += need;
	return chunk->data + chunk->used - need;
}

/* Room for a text and its end. */
static char *
get_text(struct rv_arena *arena, size_t len)
{
	struct rv_arena_chunk *chunk = room_for(arena, len + 1);

	if (chunk == NULL) {
		return NULL;
	}
	chunk->end -= len + 1;
	return chunk->data + chunk->end;
}

/* The text as it was stored before, or as it is from now on. */
static const char *
stored(struct rv_arena *arena, const char *s, size_t len, bool is_ours)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t at;

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ (unsigned char)s[i]) * 16777619u;
	}
	at = hash % RV_ARENA_RECENT;
	if (arena->recent[at].s != NULL && arena->recent[at].len == len &&
	    memcmp(arena->recent[at].s, s, len) == 0) {
		return arena->recent[at].s;
	}
	if (!is_ours) {
		char *copy = get_text(arena, len);

		if (copy == NULL) {
			return "";
		}
		memcpy(copy, s, len);
		copy[len] = '\0';
		s = copy;
	}
	arena->recent[at].s = s;
	arena->recent[at].len = len;
	return s;
}

const char *
rv_arena_strndup(struct rv_arena *arena, const char *s, size_t len)
{
	return stored(arena, s, len, false);
}

const char *
rv_arena_strdup(struct rv_arena *arena, const char *s)
{
	return rv_arena_strndup(arena, s, strlen(s));
}

const char *
rv_arena_format(struct rv_arena *arena, const char *fmt, ...)
{
	va_list args;
	const char *is;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	text = len >= 0 ? get_text(arena, (size_t)len) : NULL;
	if (text == NULL) {
		return "";
	}
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	is = stored(arena, text, (size_t)len, true);
	if (is != text) { /* the last one goes back, to be zeros again */
		memset(text, 0, (size_t)len + 1);
		arena->chunks->end += (size_t)len + 1;
	}
	return is;
}
