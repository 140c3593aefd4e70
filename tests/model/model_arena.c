/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/arena.c: no two have the same bytes, whoever is killed
 * at whichever store of an allocation, a release or a merge; the parts always
 * fill the arena; and nothing stays allocated but what was somebody's who died.
 * arena.c is compiled in here, so that its parts can be looked at.
 */
#include "config.h"

#include <string.h>

#include "model/models.h"

#include "ipc/arena.c"

#define GRAINS 8U
#define SIZE   (FIRST + (uint64_t)GRAINS * GRAIN)

static struct {
	_Alignas(16) unsigned char memory[SIZE];
	uint32_t owner[GRAINS]; /* 1 + whose it is, as far as is told */
	uint32_t n_parts[MODEL_PROCESSES]; /* that it has, and may yet free */
} s;

static struct reeve_arena *
arena(void)
{
	return (struct reeve_arena *)(void *)s.memory;
}

static void
start(void)
{
	model_check(reeve_arena_init(arena(), SIZE) == REEVE_OK, "no arena");
}

/* Its grains, head and all, from this one to that one before others. */
static void
claim(unsigned self, uint64_t offset, uint64_t bytes)
{
	uint64_t from = (offset - sizeof(struct part) - FIRST) / GRAIN;

	for (uint64_t i = from; i <= from + bytes / GRAIN; i++) {
		model_check(i < GRAINS, "beyond the end");
		model_check(s.owner[i % GRAINS] == 0, "two have it");
		s.owner[i % GRAINS] = self + 1;
	}
}

static void
give_up(unsigned self, uint64_t offset, uint64_t bytes)
{
	uint64_t from = (offset - sizeof(struct part) - FIRST) / GRAIN;

	for (uint64_t i = from; i <= from + bytes / GRAIN; i++) {
		model_check(s.owner[i % GRAINS] == self + 1, "not its own");
		s.owner[i % GRAINS] = 0;
	}
}

/* What is written there stays; false: there was no room. */
static bool
allocate(unsigned self, uint64_t bytes, uint64_t *offset)
{
	enum reeve_status status;

	s.n_parts[self]++;
	status = reeve_arena_alloc(arena(), bytes, offset);
	if (status != REEVE_OK) {
		model_check(status == REEVE_ENOMEM, "damaged");
		s.n_parts[self]--;
		return false;
	}
	claim(self, *offset, bytes);
	model_check(reeve_arena_at(arena(), *offset) != NULL, "not there");
	memset(reeve_arena_at(arena(), *offset), (int)self + 1, bytes);
	return true;
}

static void
let_go(unsigned self, uint64_t bytes, uint64_t offset)
{
	unsigned char *at = reeve_arena_at(arena(), offset);

	for (uint64_t i = 0; at != NULL && i < bytes; i++) {
		model_check(at[i] == self + 1, "written over");
	}
	model_check(at != NULL, "not there");
	give_up(self, offset, bytes);
	model_check(reeve_arena_free(arena(), offset) == REEVE_OK, "not freed");
	s.n_parts[self]--;
}

static void
use_one(unsigned self)
{
	uint64_t offset = 0;

	if (allocate(self, GRAIN, &offset)) {
		let_go(self, GRAIN, offset);
	}
}

static void
use_twice(unsigned self)
{
	use_one(self);
	use_one(self);
}

static void
use_two(unsigned self)
{
	uint64_t one = 0, two = 0;
	bool has_one = allocate(self, GRAIN, &one),
	     has_two = allocate(self, (uint64_t)2 * GRAIN, &two);

	if (has_one) {
		let_go(self, GRAIN, one);
	}
	if (has_two) {
		let_go(self, (uint64_t)2 * GRAIN, two);
	}
}

/* The second one needs nearly all of it, beside the first one. */
static void
use_most(unsigned self)
{
	uint64_t one = 0, most = 0;
	bool has_one = allocate(self, GRAIN, &one),
	     has_most = allocate(self, (uint64_t)5 * GRAIN, &most);

	if (has_one) {
		let_go(self, GRAIN, one);
	}
	if (has_most) {
		let_go(self, (uint64_t)5 * GRAIN, most);
	}
}

static void
keep_one(unsigned self)
{
	uint64_t offset = 0;

	(void)allocate(self, GRAIN, &offset);
}

/* The parts fill it; what is allocated is of those who may have it. */
static void
end(void)
{
	struct reeve_arena *a = arena();
	uint32_t allocated = 0, known = 0;
	uint64_t size, gap = 0, most = 0;

	for (uint64_t at = FIRST; at < SIZE; at += size) {
		size = size_at(a, at);
		if (size == 0) {
			model_check(false, "torn");
			return;
		}
		allocated += is_allocated(a, at);
		/* gaps side by side, which the next one to look merges */
		gap = is_allocated(a, at) ? 0 : gap + size;
		most = RV_MAX(most, gap);
	}
	for (unsigned i = 0; i < MODEL_PROCESSES; i++) {
		known += s.n_parts[i];
	}
	model_check(allocated <= known, "lost");
	size = reeve_arena_largest(a);
	model_check(most == 0 ? size == 0 : size == most - sizeof(struct part),
	    "gaps that did not become one");
}

const struct model model_arena_parts = { .name = "arena_parts",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { use_two, use_most },
	.end = end,
	.crashes = 1,
	.mortal = 1 };

const struct model model_arena_long = { .name = "arena_long",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { use_two, use_twice },
	.end = end,
	.crashes = 2 };

const struct model model_arena_full = { .name = "arena_full",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { use_two, keep_one, keep_one },
	.end = end,
	.crashes = 1,
	.mortal = 1 };
