/* SPDX-License-Identifier: MIT */
/*
 * Robust locks: what is not the quick way, and who this thread is. Called by
 * the queue; owns one page of each process, which the kernel zeroes at a fork.
 */
#include "config.h"

#include "ipc/robust.h"

#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc/wait.h"

#ifdef RV_MODEL
#define SPINS 0
#else
#define SPINS 100
#endif

__thread struct rv_robust_self rv_robust_me;
static _Atomic uint64_t no_generation;
_Atomic uint64_t *_Atomic rv_robust_generation = &no_generation;
static _Atomic uint64_t generations;
/* For threads for which the C library has registered no list. */
static __thread struct robust_list_head own_list;

/* The page, or the word that stays zero: then every call asks the kernel. */
static _Atomic uint64_t *
generation_page(void)
{
	_Atomic uint64_t *page = atomic_load(&rv_robust_generation);
	_Atomic uint64_t *none = &no_generation;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *map;

	if (page != none) {
		return page;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED) {
		return none;
	}
	if (madvise(map, size, MADV_WIPEONFORK) != 0 ||
	    !atomic_compare_exchange_strong(
		&rv_robust_generation, &none, map)) {
		(void)munmap(map, size);
	}
	return atomic_load(&rv_robust_generation);
}

struct rv_robust_self *
rv_robust_refresh(struct rv_robust_self *me)
{
	_Atomic uint64_t *page = generation_page();
	uint64_t now = 0, next;
	size_t size;

	if (page != &no_generation && (now = atomic_load(page)) == 0) {
		/* counted first: no thread has a number of a later process */
		next = atomic_fetch_add(&generations, 1) + 1;
		if (atomic_compare_exchange_strong(page, &now, next)) {
			now = next;
		}
	}
	me->tid = (uint32_t)syscall(SYS_gettid);
	if (syscall(SYS_get_robust_list, 0, &me->head, &size) != 0 ||
	    me->head == NULL) {
		own_list.list.next = &own_list.list;
		own_list.futex_offset = -(long)(8 * sizeof(uint32_t));
		own_list.list_op_pending = NULL;
		(void)syscall(SYS_set_robust_list, &own_list, sizeof(own_list));
		me->head = &own_list;
	}
	RV_ASSERT(me->head->futex_offset < -(long)sizeof(void *) &&
		  me->head->futex_offset >
		      -(long)(sizeof(struct rv_robust) - sizeof(void *)));
	me->generation = now;
	return me;
}

bool
rv_robust_spins(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) != 0 ||
	       CPU_COUNT(&set) > 1;
}

static bool
may_spin(void)
{
	static _Atomic int known; /* 1: no, 2: yes */
	int is = atomic_load_explicit(&known, memory_order_relaxed);

	if (is == 0) {
		is = rv_robust_spins() ? 2 : 1;
		atomic_store(&known, is);
	}
	return is == 2;
}

enum reeve_status
rv_robust_wait(struct rv_robust *lock, struct rv_robust_self *me, rv_time until)
{
	unsigned spins = may_spin() ? SPINS : 0;

	for (;;) {
		uint32_t is = rv_load(&lock->word);

		if ((is & FUTEX_TID_MASK) == 0) {
			uint32_t mine = me->tid | (is & FUTEX_WAITERS);

			if (rv_cas(&lock->word, &is, mine)) {
				return (is & FUTEX_OWNER_DIED) != 0
					   ? REEVE_EOWNERDIED
					   : REEVE_OK;
			}
			continue;
		}
		if (spins > 0) {
			spins--;
			rv_robust_pause();
			continue;
		}
		if ((is & FUTEX_WAITERS) == 0 &&
		    !rv_cas(&lock->word, &is, is | FUTEX_WAITERS)) {
			continue;
		}
		if (rv_wait_word((_Atomic uint32_t *)&lock->word,
			is | FUTEX_WAITERS, until) == REEVE_ETIMEDOUT) {
			rv_robust_pend(me, NULL);
			return REEVE_ETIMEDOUT;
		}
	}
}

/* Change the word and wake up to n, in one: the number of those woken. */
static long
change_and_wake(uint32_t *word, int n, bool only_clear)
{
#ifdef RV_MODEL
	return model_change_and_wake(word, n, only_clear);
#else
	unsigned how =
	    (only_clear ? FUTEX_OP_ANDN : FUTEX_OP_SET) | FUTEX_OP_OPARG_SHIFT;

	/* the second wake of the call is never wanted: it asks for a zero */
	return syscall(SYS_futex, word, FUTEX_WAKE_OP, n, NULL, word,
	    FUTEX_OP(how, 31, FUTEX_OP_CMP_EQ, 0));
#endif
}

/* Somebody may sleep: let go, keep the bit for the others, and wake one. */
void
rv_robust_wake(struct rv_robust *lock)
{
	/* what was done within comes before what the kernel does to the word */
	(void)__atomic_fetch_or(&lock->word, 0, __ATOMIC_SEQ_CST);
	if (change_and_wake(&lock->word, 1, false) == 0) {
		(void)change_and_wake(&lock->word, INT_MAX, true);
	}
}
