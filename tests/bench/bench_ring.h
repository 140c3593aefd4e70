/* SPDX-License-Identifier: MIT */
/*
 * A bare ring in shared memory, to measure the queue against: two futex locks
 * that know of no death, records of a length and bytes, and a futex wake-up
 * when the other side sleeps. Nothing is checked, repaired or bounded by items.
 */
#ifndef RV_TESTS_BENCH_RING_H
#define RV_TESTS_BENCH_RING_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_SIZE  (1U << 20)
#define RING_SPINS 300

struct ring_side {
	_Alignas(64) _Atomic uint32_t lock; /* 0, 1, 2: with sleepers */
	uint64_t seen;                      /* of the other side */
	_Alignas(64) _Atomic uint64_t at;
	_Alignas(64) _Atomic uint32_t sleeps, bell;
};

struct ring {
	struct ring_side put, get;
	unsigned char bytes[RING_SIZE];
};

static inline void
ring_futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	(void)syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static inline void
ring_lock(_Atomic uint32_t *lock)
{
	uint32_t none = 0;

	if (atomic_compare_exchange_strong(lock, &none, 1)) {
		return;
	}
	for (int i = 0; i < 100; i++) {
		none = 0;
		if (atomic_load(lock) == 0 &&
		    atomic_compare_exchange_strong(lock, &none, 1)) {
			return;
		}
		__builtin_ia32_pause();
	}
	while (atomic_exchange(lock, 2) != 0) {
		ring_futex(lock, FUTEX_WAIT, 2);
	}
}

static inline void
ring_unlock(_Atomic uint32_t *lock)
{
	if (atomic_exchange(lock, 0) == 2) {
		ring_futex(lock, FUTEX_WAKE, 1);
	}
}

/* Until the other side has moved on from `at`; our own lock is held. */
static inline uint64_t
ring_await(struct ring_side *mine, struct ring_side *other, uint64_t at)
{
	for (int i = 0;; i++) {
		uint64_t now = atomic_load(&other->at);
		uint32_t bell = atomic_load(&mine->bell);

		if (now != at) {
			return now;
		}
		if (i < RING_SPINS) {
			__builtin_ia32_pause();
			continue;
		}
		atomic_store(&mine->sleeps, 1);
		if (atomic_load(&other->at) == at) {
			ring_futex(&mine->bell, FUTEX_WAIT, bell);
		}
		atomic_store(&mine->sleeps, 0);
	}
}

static inline void
ring_move(struct ring_side *mine, struct ring_side *other, uint64_t to)
{
	atomic_store(&mine->at, to); /* ordered before the look at `sleeps` */
	if (atomic_load(&other->sleeps) != 0) {
		atomic_fetch_add(&other->bell, 1);
		ring_futex(&other->bell, FUTEX_WAKE, 1);
	}
}

/* Items of a multiple of 8 bytes that divides the ring with its length. */
static inline void
ring_put(struct ring *r, const void *data, uint64_t len)
{
	uint64_t at;

	ring_lock(&r->put.lock);
	at = atomic_load_explicit(&r->put.at, memory_order_relaxed);
	while (at + 8 + len - r->put.seen > RING_SIZE) {
		r->put.seen = ring_await(&r->put, &r->get, r->put.seen);
	}
	memcpy(r->bytes + at % RING_SIZE, &len, 8);
	for (uint64_t i = 0; i < len; i += 8) {
		memcpy(r->bytes + (at + 8 + i) % RING_SIZE,
		    (const char *)data + i, 8);
	}
	ring_move(&r->put, &r->get, at + 8 + len);
	ring_unlock(&r->put.lock);
}

static inline void
ring_get(struct ring *r, void *data)
{
	uint64_t at, len;

	ring_lock(&r->get.lock);
	at = atomic_load_explicit(&r->get.at, memory_order_relaxed);
	while (r->get.seen == at) {
		r->get.seen = ring_await(&r->get, &r->put, at);
	}
	memcpy(&len, r->bytes + at % RING_SIZE, 8);
	for (uint64_t i = 0; i < len; i += 8) {
		memcpy(
		    (char *)data + i, r->bytes + (at + 8 + i) % RING_SIZE, 8);
	}
	ring_move(&r->get, &r->put, at + 8 + len);
	ring_unlock(&r->get.lock);
}

#endif
