/* SPDX-License-Identifier: MIT */
/*
 * Robust mutexes, of the C library: what is not the quick way. Called as
 * mutex.h says.
 */
#include "config.h"

#include "ipc/mutex.h"

#include <errno.h>
#include <linux/futex.h>
#include <time.h>
#include <unistd.h>

#include "ipc/wait.h"
#include "sys/sys.h"

void
rv_mutex_init(pthread_mutex_t *mutex, bool recursive)
{
	pthread_mutexattr_t how;

	(void)pthread_mutexattr_init(&how);
	(void)pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
	(void)pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
	(void)pthread_mutexattr_settype(&how,
	    recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK);
	(void)pthread_mutex_init(mutex, &how);
	(void)pthread_mutexattr_destroy(&how);
}

enum reeve_status
rv_mutex_status(pthread_mutex_t *mutex, int error)
{
	switch (error) {
	case 0:
		return REEVE_OK;
	case EOWNERDEAD:
		(void)pthread_mutex_consistent(mutex);
		return REEVE_EOWNERDIED;
	case EBUSY:
	case ETIMEDOUT:
		return REEVE_ETIMEDOUT;
	case EDEADLK:
		return REEVE_EBUSY;
	default:
		return REEVE_EINVALID;
	}
}

#ifdef __SANITIZE_THREAD__
bool
rv_mutex_unlock(pthread_mutex_t *mutex)
{
	return rv_mutex_mine(mutex) && pthread_mutex_unlock(mutex) == 0;
}

/* It does not see locks that are taken with a limit: so this tries often. */
static int
lock_until(pthread_mutex_t *mutex, rv_time until)
{
	uint32_t *word = rv_mutex_word(mutex);
	rv_time now;
	int error;

	for (;;) {
		error = pthread_mutex_trylock(mutex);
		if (error != EBUSY) {
			return error;
		}
		now = rv_sys_now();
		if (now >= until) {
			return ETIMEDOUT;
		}
		(void)rv_wait_word((_Atomic uint32_t *)word, RV_READ(*word),
		    RV_MIN(until, now + 200 * RV_US));
	}
}
#else
static int
lock_until(pthread_mutex_t *mutex, rv_time until)
{
	struct timespec ts = { (time_t)(until / RV_SEC),
		(long)(until % RV_SEC) };

	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &ts);
}
#endif

enum reeve_status
rv_mutex_lock(pthread_mutex_t *mutex, rv_time until)
{
	if (until == 0) {
		return rv_mutex_try(mutex);
	}
	if (until == RV_FOREVER) {
		return rv_mutex_status(mutex, pthread_mutex_lock(mutex));
	}
	return rv_mutex_status(mutex, lock_until(mutex, until));
}

uint32_t
rv_mutex_self(void)
{
	return (uint32_t)gettid();
}

void
rv_mutex_watch(pthread_mutex_t *mutex)
{
	(void)__atomic_fetch_or(
	    rv_mutex_word(mutex), FUTEX_WAITERS, __ATOMIC_SEQ_CST);
}

void
rv_mutex_unwatch(pthread_mutex_t *mutex)
{
	(void)__atomic_fetch_and(
	    rv_mutex_word(mutex), ~FUTEX_WAITERS, __ATOMIC_SEQ_CST);
}
