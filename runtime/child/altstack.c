/* SPDX-License-Identifier: MIT */
/*
 * Stacks for signal handlers: see altstack.h. Mapped, not allocated: the heap
 * is the worker's, and may be what is broken.
 */
#include "config.h"

#include "child/altstack.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

#define STACK_BYTES ((size_t)64 * 1024)

static pthread_key_t key; /* the stack of this thread, or `theirs` */
static char theirs;
static enum { NOT_YET, READY, NEVER } state;

/* What the kernel puts there first grows with the processor's registers. */
static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t
stack_size(void)
{
	size_t page = page_size();
	size_t wanted = STACK_BYTES + 2 * (size_t)getauxval(AT_MINSIGSTKSZ);

	return (wanted + page - 1) / page * page;
}

void *
rv_altstack_make(size_t *size)
{
	size_t guard = page_size();
	char *map;

	*size = stack_size();
	map = mmap(NULL, guard + *size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (map == MAP_FAILED) {
		return NULL;
	}
	mprotect(map, guard, PROT_NONE);
	return map + guard;
}

void
rv_altstack_drop(void *stack)
{
	size_t guard = page_size();

	munmap((char *)stack - guard, guard + stack_size());
}

static void
at_thread_exit(void *stack)
{
	stack_t now;

	if (stack == &theirs) {
		return;
	}
	if (sigaltstack(NULL, &now) == 0 && now.ss_sp == stack) {
		now = (stack_t){ .ss_flags = SS_DISABLE };
		sigaltstack(&now, NULL);
	}
	rv_altstack_drop(stack);
}

void
rv_altstack_init(void)
{
	if (state == NOT_YET) {
		state = pthread_key_create(&key, at_thread_exit) == 0 ? READY
								      : NEVER;
	}
}

void
rv_altstack_take(void *stack)
{
	stack_t now = { .ss_sp = stack, .ss_size = stack_size() };

	if (state != READY || sigaltstack(&now, NULL) == -1 ||
	    pthread_setspecific(key, stack) != 0) {
		now = (stack_t){ .ss_flags = SS_DISABLE };
		sigaltstack(&now, NULL);
		rv_altstack_drop(stack);
	}
}

void
rv_altstack_give(void)
{
	stack_t now;
	void *stack;
	size_t size;

	if (state != READY || pthread_getspecific(key) != NULL) {
		return;
	}
	if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE) == 0) {
		pthread_setspecific(key, &theirs);
		return;
	}
	stack = rv_altstack_make(&size);
	if (stack != NULL) {
		rv_altstack_take(stack);
	}
}
