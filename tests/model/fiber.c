/* SPDX-License-Identifier: MIT */
/*
 * Fibers that can be put back. The stack below what is in use is zeroed at each
 * stop, so that leftovers of calls that returned do not make two states of one.
 * Called by model.c alone; these files are built without sanitizers, which do
 * not know stacks that change behind them.
 */
#include "config.h"

#include "model/fiber.h"

#include <stdbool.h>
#include <string.h>

static struct fiber *running;
static ucontext_t scheduler;
static bool ended;

static void
entry(void)
{
	running->run(running->self);
	ended = true;
	(void)swapcontext(&running->context, &scheduler);
}

void
fiber_start(struct fiber *fiber, void (*run)(unsigned self), unsigned self)
{
	memset(fiber, 0, sizeof(*fiber));
	fiber->run = run;
	fiber->self = self;
	(void)getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = sizeof(fiber->stack);
	fiber->context.uc_link = NULL;
	makecontext(&fiber->context, entry, 0);
	fiber->live = fiber->stack + FIBER_STACK - 256;
}

bool
fiber_resume(struct fiber *fiber)
{
	running = fiber;
	ended = false;
	(void)swapcontext(&scheduler, &fiber->context);
	if (!ended) {
		memset(fiber->stack, 0, (size_t)(fiber->live - fiber->stack));
	}
	return !ended;
}

__attribute__((noinline)) void
fiber_stop(void)
{
	struct fiber *fiber = running;

	/* what swapcontext itself needs is below this frame */
	fiber->live = (char *)__builtin_frame_address(0) - 128;
	(void)swapcontext(&fiber->context, &scheduler);
}

static size_t
live_size(const struct fiber *fiber)
{
	return (size_t)(fiber->stack + FIBER_STACK - fiber->live);
}

size_t
fiber_size(const struct fiber *fiber)
{
	return sizeof(fiber->context) + live_size(fiber);
}

void
fiber_save(const struct fiber *fiber, char *to)
{
	memcpy(to, &fiber->context, sizeof(fiber->context));
	memcpy(to + sizeof(fiber->context), fiber->live, live_size(fiber));
}

void
fiber_load(struct fiber *fiber, const char *from, size_t size)
{
	size_t live = size - sizeof(fiber->context);

	fiber->live = fiber->stack + FIBER_STACK - live;
	memcpy(&fiber->context, from, sizeof(fiber->context));
	memcpy(fiber->live, from + sizeof(fiber->context), live);
	memset(fiber->stack, 0, (size_t)(fiber->live - fiber->stack));
}

uint64_t
fiber_hash_bytes(const void *at, size_t n, uint64_t seed)
{
	const char *p = at;
	uint64_t hash = seed ^ n, word = 0;

	for (; n > 0; p += sizeof(word)) {
		size_t part = n < sizeof(word) ? n : sizeof(word);

		memcpy(&word, p, part);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
		n -= part;
	}
	return hash;
}

uint64_t
fiber_hash(const struct fiber *fiber, uint64_t seed)
{
	uint64_t hash = fiber_hash_bytes(fiber->live, live_size(fiber), seed);

#ifdef __x86_64__
	static const int kept[] = { REG_RBX, REG_RBP, REG_RSP, REG_R12, REG_R13,
		REG_R14, REG_R15, REG_RIP };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		hash =
		    fiber_hash_bytes(&fiber->context.uc_mcontext.gregs[kept[i]],
			sizeof(greg_t), hash);
	}
	return hash;
#else
	/* more than is kept: some states are looked at twice */
	return fiber_hash_bytes(&fiber->context.uc_mcontext,
	    sizeof(fiber->context.uc_mcontext), hash);
#endif
}
