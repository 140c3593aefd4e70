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
enum reeve_status rv_mutex_try(pthread_mutex_t *) RV_MUST_CHECK;
enum reeve_status rv_mutex_lock(pthread_mutex_t *, rv_time until) RV_MUST_CHECK;
/* False: the caller did not hold it. */
bool rv_mutex_unlock(pthread_mutex_t *);

/*
 * The word by which the kernel knows it: it changes when the owner dies, and
 * if somebody watches it, one who sleeps on it is woken.
 */
uint32_t *rv_mutex_word(const pthread_mutex_t *);
/* Thread id within such a word; 0: nobody's, or a dead one's. */
uint32_t rv_mutex_owner(uint32_t word);
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
