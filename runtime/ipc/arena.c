/* SPDX-License-Identifier: MIT */
/*
 * Arenas: gaps and allocated parts lie one after the other from the arena's
 * head to its end, each with a head of its own: its size with that, whether it
 * is allocated, and a check of its place. A robust lock guards them all, and
 * each change is one store of one size, so that whoever is killed has made it
 * or not:
 *
 *	alloc:  write the head of what will be left of the gap, within the gap,
 *	        where nobody looks; then the size of the part, allocated
 *	free:   the size, not allocated
 *	merge:  the size of a gap: its own and the next one's
 *
 * `rover` is where to look first; it always is at a head, so it moves away from
 * one before that one is merged into the gap before it.
 *
 * Sizes are read from memory that others write: each is checked before it is
 * used. Called by users; owns nothing.
 */
#include "config.h"

#include <reeve/memory.h>

#include <string.h>

#include "base/base.h"
#include "ipc/step.h"

#define ARENA_MAGIC 0x72617672U /* "rvar" */
#define GRAIN       16U
#define ALLOCATED   ((uint64_t)1)
#define CHECK(at)   ((at) ^ 0x6e65726165766565ULL) /* of its place */
#define FIRST       (((uint64_t)sizeof(struct reeve_arena) + GRAIN - 1) & ~15ULL)

struct part {
	uint64_t size; /* and ALLOCATED */
	uint64_t check;
};

static struct part *
part_at(struct reeve_arena *a, uint64_t at)
{
	return (struct part *)(void *)((char *)a + at);
}

/* Its size; 0: there is no head, or it leads beyond the end. */
static uint64_t
size_at(struct reeve_arena *a, uint64_t at)
{
	uint64_t size;

	if (at < FIRST || at % GRAIN != 0 || at > a->size - GRAIN ||
	    RV_READ(part_at(a, at)->check) != CHECK(at)) {
		return 0;
	}
	size = RV_READ(part_at(a, at)->size) & ~ALLOCATED;
	return size % GRAIN == 0 && size <= a->size - at ? size : 0;
}

static bool
is_allocated(struct reeve_arena *a, uint64_t at)
{
	return RV_READ(part_at(a, at)->size) & ALLOCATED;
}

static bool
enter(struct reeve_arena *a)
{
	enum reeve_status status;

	if (a == NULL || RV_READ(a->magic) != ARENA_MAGIC) {
		return false;
	}
	status = reeve_lock_acquire(&a->lock, REEVE_FOREVER);
	/* who died has left it whole */
	return status == REEVE_OK || status == REEVE_EOWNERDIED;
}

static void
leave(struct reeve_arena *a)
{
	(void)reeve_lock_release(&a->lock);
}

enum reeve_status
reeve_arena_init(struct reeve_arena *a, uint64_t size)
{
	uint64_t whole = size & ~(uint64_t)(GRAIN - 1);

	if (a == NULL || (uintptr_t)a % GRAIN != 0 ||
	    whole < FIRST + 2 * GRAIN || whole > (uint64_t)INT64_MAX) {
		return REEVE_EINVALID;
	}
	*a = (struct reeve_arena){ .size = whole, .rover = FIRST };
	reeve_lock_init(&a->lock);
	part_at(a, FIRST)->size = whole - FIRST;
	part_at(a, FIRST)->check = CHECK(FIRST);
	rv_store(&a->magic, ARENA_MAGIC);
	return REEVE_OK;
}

/* The gap here, with all gaps that follow: its size; 0: damaged. */
static uint64_t
merge(struct reeve_arena *a, uint64_t at)
{
	uint64_t size = size_at(a, at), next = at + size, more;

	while (size != 0 && next < a->size && !is_allocated(a, next)) {
		more = size_at(a, next);
		if (more == 0) {
			return 0;
		}
		if (RV_READ(a->rover) == next) {
			rv_store64(&a->rover, at);
		}
		size += more;
		rv_store64(&part_at(a, at)->size, size);
		next = at + size;
	}
	return size;
}

/* Make the beginning of this gap a part of that size. */
static void
cut(struct reeve_arena *a, uint64_t at, uint64_t gap, uint64_t size)
{
	uint64_t rest = gap - size;

	if (rest >= 2 * (uint64_t)GRAIN) {
		rv_store64(&part_at(a, at + size)->size, rest);
		rv_store64(&part_at(a, at + size)->check, CHECK(at + size));
	} else {
		size = gap;
	}
	rv_store64(&part_at(a, at)->size, size | ALLOCATED);
	rv_store64(&a->rover, at + size < a->size ? at + size : FIRST);
}

/* Look from the rover on, and once around. */
static enum reeve_status
find_gap(struct reeve_arena *a, uint64_t want, uint64_t *offset)
{
	uint64_t start = RV_READ(a->rover), at = start, seen = 0, size;

	while (seen < a->size) {
		size = size_at(a, at) == 0   ? 0
		       : is_allocated(a, at) ? size_at(a, at)
					     : merge(a, at);
		if (size == 0) {
			return REEVE_EDAMAGED;
		}
		if (!is_allocated(a, at) && size >= want) {
			cut(a, at, size, want);
			*offset = at + sizeof(struct part);
			return REEVE_OK;
		}
		seen += size;
		at = at + size < a->size ? at + size : FIRST;
	}
	/* a gap that ends where the search began may go on behind it */
	if (start != FIRST) {
		rv_store64(&a->rover, FIRST);
		return find_gap(a, want, offset);
	}
	return REEVE_ENOMEM;
}

enum reeve_status
reeve_arena_alloc(struct reeve_arena *a, uint64_t bytes, uint64_t *offset)
{
	enum reeve_status status;

	if (bytes == 0 || offset == NULL || !enter(a)) {
		return REEVE_EINVALID;
	}
	status = bytes > a->size
		     ? REEVE_ENOMEM
		     : find_gap(a,
			   (bytes + sizeof(struct part) + GRAIN - 1) &
			       ~(uint64_t)(GRAIN - 1),
			   offset);
	leave(a);
	return status;
}

enum reeve_status
reeve_arena_free(struct reeve_arena *a, uint64_t offset)
{
	uint64_t at = offset - sizeof(struct part), size;
	enum reeve_status status = REEVE_EINVALID;

	if (offset < sizeof(struct part) || !enter(a)) {
		return REEVE_EINVALID;
	}
	size = size_at(a, at);
	if (size != 0 && is_allocated(a, at)) {
		rv_store64(&part_at(a, at)->size, size);
		status = merge(a, at) != 0 ? REEVE_OK : REEVE_EDAMAGED;
	}
	leave(a);
	return status;
}

void *
reeve_arena_at(struct reeve_arena *a, uint64_t offset)
{
	if (a == NULL || RV_READ(a->magic) != ARENA_MAGIC ||
	    offset < sizeof(struct part) ||
	    size_at(a, offset - sizeof(struct part)) == 0 ||
	    !is_allocated(a, offset - sizeof(struct part))) {
		return NULL;
	}
	return (char *)a + offset;
}

/* Gaps: the largest, or all; what their heads take not counted. */
static uint64_t
gaps(struct reeve_arena *a, bool all)
{
	uint64_t found = 0, size;

	if (!enter(a)) {
		return 0;
	}
	for (uint64_t at = FIRST; at < a->size; at += size) {
		size = size_at(a, at);
		if (size == 0) {
			break;
		}
		if (!is_allocated(a, at)) {
			uint64_t gap = merge(a, at) - sizeof(struct part);

			size = gap + sizeof(struct part);
			found = all ? found + gap : RV_MAX(found, gap);
		}
	}
	leave(a);
	return found;
}

uint64_t
reeve_arena_largest(struct reeve_arena *a)
{
	return gaps(a, false);
}

uint64_t
reeve_arena_left(struct reeve_arena *a)
{
	return gaps(a, true);
}
