/* SPDX-License-Identifier: MIT */
/*
 * Robust locks in memory that processes share and none of them trusts: short
 * critical sections of this folder. Whoever takes one after its holder was
 * killed is told so (REEVE_EOWNERDIED, and holds it), and the kernel wakes
 * those who wait for it. Unlike a robust pthread mutex they read no pointer
 * from shared memory, so that a process that scribbles there harms nobody's
 * memory but the shared one, and they cost two atomic operations.
 *
 * How: the kernel looks, when a thread ends in whatever way, at the "pending"
 * word of the thread's robust list, and at the list. The pending word alone
 * covers the one lock that a thread takes, holds and lets go of. Who takes a
 * second one while holding a first keeps the first in the list meanwhile
 * (rv_robust_keep): at its head, in strict nesting, so that the way back is
 * known without reading it from the lock. The list is the one that the C
 * library has registered for its own mutexes, which are not used in between.
 *
 * The word is 0, or the holder's thread id, or FUTEX_OWNER_DIED; FUTEX_WAITERS
 * beside any of these. Letting go keeps FUTEX_WAITERS in the free word, so that
 * whoever takes it, woken or passing by, knows of the others: then no sleeper
 * depends on one that was woken and killed. The bit goes when nobody sleeps:
 * clearing it and waking all is one system call, which no death can split.
 *
 * Not for signal handlers. A thread that is stopped while it holds one stops
 * the others, until their deadline.
 */
#ifndef RV_IPC_ROBUST_H
#define RV_IPC_ROBUST_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/status.h>

#include "base/base.h"
#include "base/time.h"
#include "ipc/step.h"

/* All zero: free. A line of its own; the rest of it is room for the list. */
struct rv_robust {
	_Alignas(64) uint32_t word;
	uint32_t room[15];
};

#if defined(RV_MODEL) && !defined(RV_MODEL_ROBUST)

/* In tests/model, where each of these is one step. */
struct rv_robust_self;
struct rv_robust_self *rv_robust_self(void);
bool rv_robust_quick(struct rv_robust *, struct rv_robust_self *);
enum reeve_status rv_robust_wait(
    struct rv_robust *, struct rv_robust_self *, rv_time until);
enum reeve_status rv_robust_lock(
    struct rv_robust *, struct rv_robust_self *, rv_time until);
void rv_robust_unlock(struct rv_robust *, struct rv_robust_self *);
struct robust_list *rv_robust_keep(struct rv_robust *, struct rv_robust_self *);
void rv_robust_resume(
    struct rv_robust *, struct rv_robust_self *, struct robust_list *);

#else

/* This thread, as the kernel knows it. */
struct rv_robust_self {
	struct robust_list_head *head;
	uint64_t generation;
	uint32_t tid;
};

extern __thread struct rv_robust_self rv_robust_me
    __attribute__((tls_model("initial-exec")));
/* The kernel zeroes what it points to in the child of a fork. */
extern _Atomic uint64_t *_Atomic rv_robust_generation;

struct rv_robust_self *rv_robust_refresh(struct rv_robust_self *);
enum reeve_status rv_robust_wait(
    struct rv_robust *, struct rv_robust_self *, rv_time until);
void rv_robust_wake(struct rv_robust *);

static inline struct rv_robust_self *
rv_robust_self(void)
{
	struct rv_robust_self *me = &rv_robust_me;
	uint64_t now = atomic_load_explicit(
	    atomic_load_explicit(&rv_robust_generation, memory_order_acquire),
	    memory_order_relaxed);

	return __builtin_expect(now != 0 && me->generation == now, 1)
		   ? me
		   : rv_robust_refresh(me);
}

static inline struct robust_list *
rv_robust_node(struct rv_robust *lock, const struct rv_robust_self *me)
{
	return (struct robust_list *)(void *)((char *)lock -
					      me->head->futex_offset);
}

/* What the kernel shall look at if we die now. */
static inline void
rv_robust_pend(struct rv_robust_self *me, struct robust_list *node)
{
	atomic_signal_fence(memory_order_seq_cst);
	me->head->list_op_pending = node;
	atomic_signal_fence(memory_order_seq_cst);
}

/* Take it if it is free, or else go on with rv_robust_wait. */
static inline bool
rv_robust_quick(struct rv_robust *lock, struct rv_robust_self *me)
{
	uint32_t none = 0;

	rv_robust_pend(me, rv_robust_node(lock, me));
	return rv_cas(&lock->word, &none, me->tid);
}

/*
 * REEVE_OK or REEVE_EOWNERDIED: held; the latter says that a holder was killed,
 * and what the lock guards is as it left it. REEVE_ETIMEDOUT: not held.
 */
static inline enum reeve_status
rv_robust_lock(struct rv_robust *lock, struct rv_robust_self *me, rv_time until)
{
	return rv_robust_quick(lock, me) ? REEVE_OK
					 : rv_robust_wait(lock, me, until);
}

static inline void
rv_robust_unlock(struct rv_robust *lock, struct rv_robust_self *me)
{
	uint32_t mine = me->tid;

	if (__builtin_expect(!rv_cas(&lock->word, &mine, 0), 0)) {
		rv_robust_wake(lock);
	}
	rv_robust_pend(me, NULL);
}

/* Before taking a second lock: keep this one in the list. */
static inline struct robust_list *
rv_robust_keep(struct rv_robust *lock, struct rv_robust_self *me)
{
	struct robust_list *node = rv_robust_node(lock, me);
	struct robust_list *before = me->head->list.next;

	node->next = before;
	atomic_signal_fence(memory_order_seq_cst);
	me->head->list.next = node;
	rv_robust_pend(me, NULL);
	return before;
}

/* The second one is free again: what rv_robust_keep returned. */
static inline void
rv_robust_resume(struct rv_robust *lock, struct rv_robust_self *me,
    struct robust_list *before)
{
	rv_robust_pend(me, rv_robust_node(lock, me));
	me->head->list.next = before;
	atomic_signal_fence(memory_order_seq_cst);
}

#endif

/* Is there a second processor, so that a short spin may be worth it? */
bool rv_robust_spins(void);

static inline void
rv_robust_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

#endif
