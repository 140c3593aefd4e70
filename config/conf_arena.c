/* SPDX-License-Identifier: MIT */
/* Memory of a conf: chunks in a list, handed out piece by piece. See the
 * header. */
#include "config.h"

#include "config/conf_arena.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define CHUNK 16000

struct rv_arena_chunk {
	struct rv_arena_chunk *next;
	size_t used, size;
	_Alignas(16) char data[];
};

void
rv_arena_finish(struct rv_arena *arena)
{
	while (arena->chunks != NULL) {
		struct rv_arena_chunk *next = arena->chunks->next;

		rv_free(arena->chunks);
		arena->chunks = next;
	}
}

static bool
grow(struct rv_arena *arena, size_t need)
{
	size_t size = RV_MAX(need, (size_t)CHUNK);
	struct rv_arena_chunk *chunk = rv_alloc(1, sizeof(*chunk) + size);

	if (chunk == NULL) {
		arena->failed = true;
		return false;
	}
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return true;
}

void *
rv_arena_get(struct rv_arena *arena, size_t n, size_t size)
{
	struct rv_arena_chunk *chunk = arena->chunks;
	size_t need;

	if (__builtin_mul_overflow(n, size, &need) || need > SIZE_MAX / 2) {
		arena->failed = true;
		return NULL;
	}
	need = (need + 15) & ~(size_t)15;
	if (chunk == NULL || chunk->size - chunk->used < need) {
		if (!grow(arena, need)) {
			return NULL;
		}
		chunk = arena->chunks;
	}
	chunk->used += need;
	return chunk->data + chunk->used - need;
}

const char *
rv_arena_strndup(struct rv_arena *arena, const char *s, size_t len)
{
	char *copy = rv_arena_get(arena, len + 1, 1);

	if (copy == NULL) {
		return "";
	}
	memcpy(copy, s, len);
	return copy;
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
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	text = len >= 0 ? rv_arena_get(arena, (size_t)len + 1, 1) : NULL;
	if (text == NULL) {
		return "";
	}
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}
