/* SPDX-License-Identifier: MIT */
/*
 * Robust mutexes between processes: what the kernel tells of deaths. A thread
 * that ends, however, lets go of those that it holds; who takes one next is
 * told, and repairs what it guards. Called by all of this folder and those
 * above. Each may be in any shared memory; none is ever beyond repair, since
 * whoever gets one from a dead holder has it made consistent at once: when that
 * one dies as well before it has repaired, the next is told again.
 */
#ifndef RV_IPC_MUTEX_H
#define RV_IPC_MUTEX_H

#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <reeve/status.h>

#include "base/base.h"
#include "base/time.h"
#include "ipc/step.h"

void rv_mutex_init(pthread_mutex_t *, bool recursive);

/*
 * REEVE_OK; REEVE_EOWNERDIED: it is held, by a caller who has to repair;
 * REEVE_ETIMEDOUT: another one has it; REEVE_EBUSY: the caller has it.
 */
enum reeve_status rv_mutex_lock(pthread_mutex_t *, rv_time until) RV_MUST_CHECK;
#ifdef RV_MODEL
enum reeve_status rv_mutex_try(pthread_mutex_t *) RV_MUST_CHECK;
/* False: the caller did not hold it. */
bool rv_mutex_unlock(pthread_mutex_t *);

static inline int
rv_mutex_attempt(pthread_mutex_t *mutex)
{
	return rv_mutex_try(mutex);
}

static inline enum reeve_status
rv_mutex_status(pthread_mutex_t *mutex, int error)
{
	(void)mutex;
	return (enum reeve_status)error;
}
#else
/*
 * Called where they lie, without a jump in between: they are all there is.
 * (clang does not know how.)
 */
#if __has_attribute(noplt)
extern int pthread_mutex_trylock(pthread_mutex_t *) __attribute__((noplt));
extern int pthread_mutex_unlock(pthread_mutex_t *) __attribute__((noplt));
#endif

/* Zero: got it, and no more is to be known; else what rv_mutex_status takes. */
static inline int
rv_mutex_attempt(pthread_mutex_t *mutex)
{
	return pthread_mutex_trylock(mutex);
}

/* What an error of a call for it means. */
enum reeve_status rv_mutex_status(pthread_mutex_t *, int error) RV_MUST_CHECK;

static inline enum reeve_status
rv_mutex_try(pthread_mutex_t *mutex)
{
	int error = rv_mutex_attempt(mutex);

	return __builtin_expect(error == 0, 1) ? REEVE_OK
					       : rv_mutex_status(mutex, error);
}

#ifdef __SANITIZE_THREAD__
/* It would report what the C library refuses. */
bool rv_mutex_unlock(pthread_mutex_t *);
#else
static inline bool
rv_mutex_unlock(pthread_mutex_t *mutex)
{
	return pthread_mutex_unlock(mutex) == 0;
}
#endif
#endif

/*
 * The word by which the kernel knows it: it changes when the owner dies, and
 * if somebody watches it, one who sleeps on it is woken. That it is where it
 * is, and holds the owner's thread id, FUTEX_WAITERS and FUTEX_OWNER_DIED, is
 * what the kernel's robust lists ask of every C library.
 */
static inline uint32_t *
rv_mutex_word(const pthread_mutex_t *mutex)
{
#if defined(__GLIBC__) || defined(RV_MODEL)
	return (uint32_t *)(uintptr_t)mutex;
#else
	return (uint32_t *)(uintptr_t)mutex + 1;
#endif
}

/* Thread id within such a word; 0: nobody's, or a dead one's. */
static inline uint32_t
rv_mutex_owner(uint32_t word)
{
	return word & FUTEX_TID_MASK;
}

/* This thread's id. */
uint32_t rv_mutex_self(void);
/*
 * By its holder: wake one who sleeps on the word at my end, however it comes;
 * wake nobody. For mutexes on which nobody waits to lock them.
 */
void rv_mutex_watch(pthread_mutex_t *);
void rv_mutex_unwatch(pthread_mutex_t *);

static inline bool
rv_mutex_got(enum reeve_status status)
{
	return status == REEVE_OK || status == REEVE_EOWNERDIED;
}

static inline bool
rv_mutex_mine(const pthread_mutex_t *mutex)
{
	return rv_mutex_owner(rv_load(rv_mutex_word(mutex))) == rv_mutex_self();
}

#endif
