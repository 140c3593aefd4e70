/* SPDX-License-Identifier: MIT */
/*
 * Locks, plain and recursive: a robust mutex `main`, which is the lock, and a
 * second one, `gate`, at which all but one of those who wait stand.
 *
 *	acquire:  nobody is hungry: try main; got it: done
 *	          gate; main, for a little while; in vain: say hungry, and main
 *	          for as long as it takes; nobody is hungry any more
 *	release:  main, and the gate, for those who came through it
 *
 * Who has just released could take main again before the one whom that woke is
 * there, for ever. But when somebody is hungry, all newcomers go to the gate,
 * which that one holds: so once hungry, it is the next to get main, but for
 * those who had looked before. One who came through the gate keeps it until it
 * releases main, so that those who find main taken fall asleep at the gate, in
 * the order in which the kernel wakes them, instead of overtaking at it.
 *
 * Deaths: both mutexes are robust. Who dies hungry leaves the word set; the
 * next one through the gate clears it, and till then all go through the gate.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include <reeve/lock.h>

#include "base/base.h"
#include "ipc/mutex.h"
#include "ipc/step.h"
#include "ipc/wait.h"

#define LOCK_MAGIC  0x6b6c7672U /* "rvlk" */
#define RLOCK_MAGIC 0x6c727672U /* "rvrl" */

/* How long one waits before it is hungry: longer than a wake-up takes. */
#define PATIENCE RV_MS

static void
lock_init(struct reeve_lock *lock, uint32_t magic)
{
	*lock = (struct reeve_lock){ 0 };
	rv_mutex_init(&lock->main, magic == RLOCK_MAGIC);
	rv_mutex_init(&lock->gate, false);
	rv_store(&lock->magic, magic);
}

/* The gate is held. */
static enum reeve_status
lock_within_gate(struct reeve_lock *lock, rv_time until)
{
	rv_time patience = until == 0 ? 0 : rv_wait_until(PATIENCE);
	enum reeve_status status =
	    rv_mutex_lock(&lock->main, RV_MIN(until, patience));

	if (status == REEVE_ETIMEDOUT && until > patience) {
		rv_store(&lock->hungry, 1);
		status = rv_mutex_lock(&lock->main, until);
	}
	if (rv_load(&lock->hungry) != 0) {
		rv_store(&lock->hungry, 0);
	}
	return status;
}

static enum reeve_status
lock_by_gate(struct reeve_lock *lock, rv_time until)
{
	enum reeve_status status = rv_mutex_lock(&lock->gate, until);

	if (!rv_mutex_got(status)) {
		return status;
	}
	status = lock_within_gate(lock, until);
	if (!rv_mutex_got(status)) {
		(void)rv_mutex_unlock(&lock->gate);
	}
	return status;
}

static bool
is(const struct reeve_lock *lock, uint32_t magic)
{
	return lock != NULL && RV_READ(lock->magic) == magic;
}

/* What the quick way could not do: main was not free, or somebody is hungry. */
static __attribute__((noinline)) enum reeve_status
lock_slowly(struct reeve_lock *lock, int64_t timeout, uint32_t magic)
{
	enum reeve_status status;

	if (!is(lock, magic)) {
		return REEVE_EINVALID;
	}
	if (rv_load(&lock->hungry) == 0 || rv_mutex_mine(&lock->main)) {
		status = rv_mutex_try(&lock->main);
		if (status != REEVE_ETIMEDOUT || timeout <= 0) {
			return status;
		}
	}
	return lock_by_gate(lock, rv_wait_until(timeout));
}

/* Main was not simply free. */
static __attribute__((noinline)) enum reeve_status
lock_missed(struct reeve_lock *lock, int64_t timeout, int error)
{
	enum reeve_status status = rv_mutex_status(&lock->main, error);

	return status == REEVE_ETIMEDOUT && timeout > 0
		   ? lock_by_gate(lock, rv_wait_until(timeout))
		   : status;
}

/* Initialised, and nobody is hungry: one look, where a word holds both. */
static inline bool
is_calm(const struct reeve_lock *lock, uint32_t magic)
{
#if UINTPTR_MAX > UINT32_MAX && !defined(RV_MODEL)
	const uint32_t calm[2] = { magic, 0 };
	uint64_t want;

	_Static_assert(offsetof(struct reeve_lock, magic) % 8 == 0 &&
			   offsetof(struct reeve_lock, hungry) == 4,
	    "they lie in one word");
	memcpy(&want, calm, sizeof(want));
	return __atomic_load_n((const uint64_t *)(const void *)lock,
		   __ATOMIC_SEQ_CST) == want;
#else
	return ((RV_READ(lock->magic) ^ magic) | rv_load(&lock->hungry)) == 0;
#endif
}

/* Tests in one what is nearly always so. */
static inline enum reeve_status
lock_acquire(struct reeve_lock *lock, int64_t timeout, uint32_t magic)
{
	int error;

	if (__builtin_expect(lock == NULL || !is_calm(lock, magic), 0)) {
		return lock_slowly(lock, timeout, magic);
	}
	error = rv_mutex_attempt(&lock->main);
	return __builtin_expect(error == 0, 1)
		   ? REEVE_OK
		   : lock_missed(lock, timeout, error);
}

/* Who came through the gate, and so holds it, lets go of it too. */
static __attribute__((noinline)) enum reeve_status
release_both(struct reeve_lock *lock, uint32_t gate)
{
	bool by_gate = rv_mutex_owner(gate) != 0 &&
		       rv_mutex_owner(gate) ==
			   rv_mutex_owner(rv_load(rv_mutex_word(&lock->main)));

	if (!rv_mutex_unlock(&lock->main)) {
		return REEVE_ENOTHELD;
	}
	/* else it may be nobody's memory any more */
	if (by_gate) {
		(void)rv_mutex_unlock(&lock->gate);
	}
	return REEVE_OK;
}

static inline enum reeve_status
lock_release(struct reeve_lock *lock, uint32_t magic)
{
	uint32_t gate;

	if (__builtin_expect(!is(lock, magic), 0)) {
		return REEVE_EINVALID;
	}
	gate = rv_load(rv_mutex_word(&lock->gate));
	if (__builtin_expect(gate != 0, 0)) {
		return release_both(lock, gate);
	}
	return rv_mutex_unlock(&lock->main) ? REEVE_OK : REEVE_ENOTHELD;
}

void
reeve_lock_init(struct reeve_lock *lock)
{
	if (lock != NULL) {
		lock_init(lock, LOCK_MAGIC);
	}
}

enum reeve_status
reeve_lock_acquire(struct reeve_lock *lock, int64_t timeout)
{
	return lock_acquire(lock, timeout, LOCK_MAGIC);
}

enum reeve_status
reeve_lock_release(struct reeve_lock *lock)
{
	return lock_release(lock, LOCK_MAGIC);
}

bool
reeve_lock_is_held(const struct reeve_lock *lock)
{
	return is(lock, LOCK_MAGIC) &&
	       rv_mutex_owner(rv_load(rv_mutex_word(&lock->main))) != 0;
}

bool
reeve_lock_is_mine(const struct reeve_lock *lock)
{
	return is(lock, LOCK_MAGIC) && rv_mutex_mine(&lock->main);
}

void
reeve_rlock_init(struct reeve_rlock *lock)
{
	if (lock != NULL) {
		lock_init(&lock->lock, RLOCK_MAGIC);
	}
}

enum reeve_status
reeve_rlock_acquire(struct reeve_rlock *lock, int64_t timeout)
{
	return lock_acquire(
	    lock != NULL ? &lock->lock : NULL, timeout, RLOCK_MAGIC);
}

enum reeve_status
reeve_rlock_release(struct reeve_rlock *lock)
{
	return lock_release(lock != NULL ? &lock->lock : NULL, RLOCK_MAGIC);
}

bool
reeve_rlock_is_held(const struct reeve_rlock *lock)
{
	return lock != NULL && is(&lock->lock, RLOCK_MAGIC) &&
	       rv_mutex_owner(rv_load(rv_mutex_word(&lock->lock.main))) != 0;
}

bool
reeve_rlock_is_mine(const struct reeve_rlock *lock)
{
	return lock != NULL && is(&lock->lock, RLOCK_MAGIC) &&
	       rv_mutex_mine(&lock->lock.main);
}
