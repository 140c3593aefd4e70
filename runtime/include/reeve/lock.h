/* SPDX-License-Identifier: MIT */
/*
 * What processes agree by: locks, semaphores, conditions, flags, barriers. Each
 * is a plain struct for any memory that those who use it share: a block of
 * memory.h, a mapping that a fork hands down. One process initialises it, once,
 * before any other uses it; nothing has to be undone: it has no name, no
 * descriptor, and nothing outside of its bytes. A zeroed one is none yet
 * (REEVE_EINVALID), and there is no static initialiser: what shall be shared is
 * mapped at run time. None may be copied or moved, but each process may have it
 * mapped elsewhere.
 *
 * Deaths. A process or thread may be killed at any instruction. What it held is
 * free: the next to acquire a lock has it, and is told REEVE_EOWNERDIED once,
 * so that it may look over what the lock guards. What it waited for passes on
 * to the next who waits. So do not unmap what you hold, and hold at most two
 * thousand of these in one thread: the kernel frees no more.
 *
 * All may be called from any thread; owners are threads. Timeouts are of
 * reeve/time.h; interrupting signals do not shorten a wait. A process that is
 * stopped (SIGSTOP) while it holds something has others wait until it goes on;
 * their timeouts hold. From signal handlers: reeve_flag_set alone.
 *
 * Calls without a timeout (release, notify, abort, the looks at a state) wait
 * for no holder of what the user holds, but for the few instructions in which
 * another call changes the struct. Whoever is stopped in these stops them, too,
 * until it goes on or is killed: have no loop that must answer depend on
 * processes that others may stop.
 *
 * Trust. Those who share one of these can write to all of it, and whoever uses
 * it believes what is there, addresses too, as the kernel and the C library do.
 * The worst that a hostile one can do is therefore anything: hold it for ever,
 * have two hold it at once, wake nobody, or make the others write to where it
 * likes in their own memory. Share them with processes that you trust as much
 * as yourself. With others talk by connections (conn.h), or by queues, which
 * they can break, but through which they reach nobody's memory.
 *
 * REEVE_EINVALID comes from all: it was not initialised. Part of libreeve-ipc.
 */
#ifndef REEVE_LOCK_H
#define REEVE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/status.h>
#include <reeve/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The members of all structs here are nobody's but the library's. */

/* --- Locks ------------------------------------------------------------- */

struct reeve_lock {
	uint32_t magic, hungry;
	pthread_mutex_t main, gate;
};

REEVE_PUBLIC void reeve_lock_init(struct reeve_lock *);

/*
 * REEVE_OK; REEVE_EOWNERDIED: it is held as with REEVE_OK, but its last holder
 * died, so that what it guards may be half changed: put that right. Else it is
 * not held: REEVE_ETIMEDOUT; REEVE_EBUSY: the caller has it already.
 * One who has waited for a while (a millisecond) goes before all who come
 * later: nobody starves, however fast the others take it again.
 */
REEVE_PUBLIC enum reeve_status reeve_lock_acquire(
    struct reeve_lock *, int64_t timeout) REEVE_MUST_CHECK;

/* By the thread that holds it, else REEVE_ENOTHELD. */
REEVE_PUBLIC enum reeve_status reeve_lock_release(struct reeve_lock *);

/* By any living thread of any process; by the caller. */
REEVE_PUBLIC bool reeve_lock_is_held(const struct reeve_lock *);
REEVE_PUBLIC bool reeve_lock_is_mine(const struct reeve_lock *);

/*
 * A lock that its holder may acquire again; others get it after as many
 * releases. At most two thousand million times, then REEVE_EINVALID.
 */
struct reeve_rlock {
	struct reeve_lock lock;
};

REEVE_PUBLIC void reeve_rlock_init(struct reeve_rlock *);
REEVE_PUBLIC enum reeve_status reeve_rlock_acquire(
    struct reeve_rlock *, int64_t timeout) REEVE_MUST_CHECK;
REEVE_PUBLIC enum reeve_status reeve_rlock_release(struct reeve_rlock *);
REEVE_PUBLIC bool reeve_rlock_is_held(const struct reeve_rlock *);
REEVE_PUBLIC bool reeve_rlock_is_mine(const struct reeve_rlock *);

/* --- Places ------------------------------------------------------------ */

/*
 * Where others see that one is there, and alive. What has to know who takes
 * part keeps a table of places, which its user puts beside it, in the same
 * mapping: `struct reeve_place places[16]`, zeroed or not. As many as threads
 * may take part at once; REEVE_PLACES_MAX at most.
 */
struct reeve_place {
	pthread_mutex_t alive;
	uint32_t use, ticket, poke, spare;
};

#ifndef REEVE_PLACES_MAX
#define REEVE_PLACES_MAX 120
#endif

/* --- Semaphores -------------------------------------------------------- */

struct reeve_semaphore {
	uint32_t magic, value, max, total;
	uint32_t asleep, change;
	uint32_t n_places;
	int64_t places;
	pthread_mutex_t state, turn;
};

#define REEVE_SEMAPHORE_MAX 0x7fffffffU

struct reeve_semaphore_options {
	size_t size;    /* of this struct */
	uint32_t value; /* units at first */
	/* No release makes them more: a bounded one. 0: REEVE_SEMAPHORE_MAX. */
	uint32_t max;
	/*
	 * Units of a thread that died come back, and only who holds units may
	 * release them: a place for each thread that uses it. Then max is
	 * value. NULL: units belong to nobody, anybody may release.
	 */
	struct reeve_place *return_dead;
	uint32_t n_return_dead;
};

/* REEVE_EINVALID: value above max, places above REEVE_PLACES_MAX, or NULL. */
REEVE_PUBLIC enum reeve_status reeve_semaphore_init(struct reeve_semaphore *,
    const struct reeve_semaphore_options *) REEVE_MUST_CHECK;

/*
 * Take one unit: REEVE_OK; REEVE_ETIMEDOUT; REEVE_EFULL: all places are taken.
 * Who waits comes before who comes later, but for those who do not wait.
 */
REEVE_PUBLIC enum reeve_status reeve_semaphore_acquire(
    struct reeve_semaphore *, int64_t timeout) REEVE_MUST_CHECK;

/*
 * Give n back, all or none. REEVE_EFULL: they would be more than max;
 * REEVE_ENOTHELD: the caller does not hold as many (return_dead).
 */
REEVE_PUBLIC enum reeve_status reeve_semaphore_release(
    struct reeve_semaphore *, uint32_t n);

/* Units at hand. It may have changed on return. */
REEVE_PUBLIC uint32_t reeve_semaphore_value(struct reeve_semaphore *);

/* --- Conditions -------------------------------------------------------- */

/* Waiting, under a lock, until something about what it guards has changed. */
struct reeve_condition {
	uint32_t magic, n_places, next, spare;
	uint64_t served;
	int64_t lock, places;
};

/*
 * The lock lies in the same mapping, as do the places of those who may wait at
 * once. REEVE_EINVALID: n is 0 or above REEVE_PLACES_MAX.
 */
REEVE_PUBLIC enum reeve_status reeve_condition_init(struct reeve_condition *,
    struct reeve_lock *, struct reeve_place *, uint32_t n) REEVE_MUST_CHECK;

/*
 * Release the lock, wait to be notified, acquire it again, whatever the result:
 * REEVE_OK: notified; REEVE_ETIMEDOUT; REEVE_EOWNERDIED: woken, as the lock's
 * last holder died. Not released at all: REEVE_ENOTHELD: the caller does not
 * hold the lock; REEVE_EFULL: all places are taken.
 */
REEVE_PUBLIC enum reeve_status reeve_condition_wait(
    struct reeve_condition *, int64_t timeout) REEVE_MUST_CHECK;

/* ... until the predicate, which is asked under the lock, says true. */
typedef bool (*reeve_predicate)(void *ctx);
REEVE_PUBLIC enum reeve_status reeve_condition_wait_for(
    struct reeve_condition *, reeve_predicate, void *ctx,
    int64_t timeout) REEVE_MUST_CHECK;

/*
 * Under the lock (else REEVE_ENOTHELD): wake n of those who wait, or as many as
 * there are; nothing is remembered for those who come later. It does not wait
 * for them. When one of those dies before it has woken, another one wakes.
 */
REEVE_PUBLIC enum reeve_status reeve_condition_notify(
    struct reeve_condition *, uint32_t n);
REEVE_PUBLIC enum reeve_status reeve_condition_notify_all(
    struct reeve_condition *);

/* --- Flags ------------------------------------------------------------- */

/* An event: set until it is cleared; all who wait for it wake up. */
struct reeve_flag {
	uint32_t magic, word;
};

REEVE_PUBLIC void reeve_flag_init(struct reeve_flag *);
/* Async-signal-safe. Whoever dies within has set it and woken all, or not. */
REEVE_PUBLIC void reeve_flag_set(struct reeve_flag *);
REEVE_PUBLIC void reeve_flag_clear(struct reeve_flag *);
REEVE_PUBLIC bool reeve_flag_is_set(const struct reeve_flag *);
/* REEVE_OK: it was set at some moment since the call; REEVE_ETIMEDOUT. */
REEVE_PUBLIC enum reeve_status reeve_flag_wait(
    struct reeve_flag *, int64_t timeout) REEVE_MUST_CHECK;

/* --- Barriers ---------------------------------------------------------- */

/* Where `parties` threads wait for each other, round after round. */
struct reeve_barrier {
	uint32_t magic, parties, n_places;
	uint32_t phase, change;
	int64_t places;
	uint64_t broken;
	int64_t timeout;
	pthread_mutex_t state;
};

struct reeve_barrier_options {
	size_t size; /* of this struct */
	uint32_t parties;
	/* At least parties; more when more threads than that may come. */
	struct reeve_place *places;
	uint32_t n_places;
	int64_t timeout; /* of waits that name none; 0: REEVE_FOREVER */
};

/* REEVE_EINVALID: no parties, or too few or too many places. */
REEVE_PUBLIC enum reeve_status reeve_barrier_init(struct reeve_barrier *,
    const struct reeve_barrier_options *) REEVE_MUST_CHECK;

/* For the timeout that the barrier was made with. */
#define REEVE_BARRIER_DEFAULT INT64_MIN

/* Anything but REEVE_OK breaks the barrier. */
typedef enum reeve_status (*reeve_barrier_action)(void *ctx);

/*
 * Wait for the others; the last to come runs its action (NULL: none) before
 * anybody goes on. REEVE_OK, and *index (NULL: not wanted) is a number below
 * parties, another one for each. REEVE_EBROKEN: one of the parties waited
 * longer than its timeout, died while it waited or ran the action, or had
 * joined and died; an action failed; or somebody aborted. REEVE_EFULL: all
 * places are taken.
 */
REEVE_PUBLIC enum reeve_status reeve_barrier_wait(struct reeve_barrier *,
    reeve_barrier_action, void *ctx, uint32_t *index,
    int64_t timeout) REEVE_MUST_CHECK;

/*
 * From now on the death of this thread breaks the barrier at any time, not only
 * while it waits; until it leaves. REEVE_EBUSY: it has joined already;
 * REEVE_EFULL; REEVE_ENOTHELD: it has not joined.
 */
REEVE_PUBLIC enum reeve_status reeve_barrier_join(
    struct reeve_barrier *) REEVE_MUST_CHECK;
REEVE_PUBLIC enum reeve_status reeve_barrier_leave(struct reeve_barrier *);

/* Break it: those who wait, and all who come, get REEVE_EBROKEN. */
REEVE_PUBLIC enum reeve_status reeve_barrier_abort(struct reeve_barrier *);
/* Those who wait get REEVE_EBROKEN; for all who come it is as new. */
REEVE_PUBLIC enum reeve_status reeve_barrier_reset(struct reeve_barrier *);
REEVE_PUBLIC uint32_t reeve_barrier_n_waiting(struct reeve_barrier *);
REEVE_PUBLIC bool reeve_barrier_is_broken(struct reeve_barrier *);

/* --- Scopes ------------------------------------------------------------ */

/*
 * Acquired here, released wherever the block is left:
 *
 *	enum reeve_status status;
 *	REEVE_HOLD_LOCK(&table->lock, REEVE_FOREVER, &status);
 *	if (status == REEVE_EOWNERDIED) { put it right }
 *	else if (status != REEVE_OK) { not held, and nothing will be released }
 */
#define REEVE_HOLD_LOCK(lock, timeout, status)                             \
	REEVE_HOLD_(reeve_lock, lock, reeve_lock_acquire, timeout, status, \
	    __COUNTER__)
#define REEVE_HOLD_RLOCK(lock, timeout, status)                              \
	REEVE_HOLD_(reeve_rlock, lock, reeve_rlock_acquire, timeout, status, \
	    __COUNTER__)
#define REEVE_HOLD_SEMAPHORE(semaphore, timeout, status)                 \
	REEVE_HOLD_(reeve_semaphore, semaphore, reeve_semaphore_acquire, \
	    timeout, status, __COUNTER__)

#define REEVE_HOLD_(type, object, acquire, timeout, status, n) \
	REEVE_HOLD__(type, object, acquire, timeout, status, n)
#define REEVE_HOLD__(type, object, acquire, timeout, status, n)           \
	struct type *reeve_hold_##n                                       \
	    __attribute__((cleanup(type##_hold_end), unused)) = (object); \
	*(status) = acquire(reeve_hold_##n, timeout);                     \
	reeve_hold_##n = reeve_hold_got(*(status)) ? reeve_hold_##n : NULL

static inline bool
reeve_hold_got(enum reeve_status status)
{
	return status == REEVE_OK || status == REEVE_EOWNERDIED;
}

static inline void
reeve_lock_hold_end(struct reeve_lock **lock)
{
	if (*lock != NULL) {
		(void)reeve_lock_release(*lock);
	}
}

static inline void
reeve_rlock_hold_end(struct reeve_rlock **lock)
{
	if (*lock != NULL) {
		(void)reeve_rlock_release(*lock);
	}
}

static inline void
reeve_semaphore_hold_end(struct reeve_semaphore **semaphore)
{
	if (*semaphore != NULL) {
		(void)reeve_semaphore_release(*semaphore, 1);
	}
}

#ifdef __cplusplus
}
#endif

#endif
