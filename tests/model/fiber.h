/* SPDX-License-Identifier: MIT */
/*
 * Processes of a model: each runs on a stack of its own, stops before each of
 * its steps, and can be put back, with all that it knows, to where it stood.
 */
#ifndef RV_TESTS_FIBER_H
#define RV_TESTS_FIBER_H

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#define FIBER_STACK 16384

struct fiber {
	ucontext_t context;
	void (*run)(unsigned self);
	unsigned self;
	char *live; /* its stack is in use from here to the end */
	_Alignas(64) char stack[FIBER_STACK];
};

void fiber_start(struct fiber *, void (*run)(unsigned self), unsigned self);
/* Until it stops or ends: false, it has ended. */
_Bool fiber_resume(struct fiber *);
/* By the fiber that runs: back to who resumed it. */
void fiber_stop(void);

/* What there is of it: bytes that fiber_save needs; at most FIBER_MAX. */
size_t fiber_size(const struct fiber *);
#define FIBER_MAX (FIBER_STACK + sizeof(ucontext_t))
void fiber_save(const struct fiber *, char *to);
void fiber_load(struct fiber *, const char *from, size_t size);
/* Two fibers with the same hash go on in the same way. */
uint64_t fiber_hash(const struct fiber *, uint64_t seed);
uint64_t fiber_hash_bytes(const void *, size_t n, uint64_t seed);

#endif
