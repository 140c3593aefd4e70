/* SPDX-License-Identifier: MIT */
/*
 * Putting. The item is written behind the tail, where nobody looks, and storing
 * the tail's word publishes it; all else is prepared before, and undone by the
 * next holder of the lock if we are killed. Called by users of the queue.
 */
#include "config.h"

#include <string.h>

#include "ipc/queue_shared.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define LARGE UINT32_MAX

struct parcel {
	const struct iovec *parts;
	size_t n;
	uint64_t len;
	uint32_t tag;
	uint32_t units; /* of the ring */
	bool large;
};

/* With put_lock. */
static inline bool
room(struct reeve_queue *q, const struct parcel *p, uint64_t tail,
    uint64_t tail_bytes)
{
	struct rv_queue_shared *s = q->shared;

	if (rv_queue_has_room(q, tail, tail_bytes, s->put.head,
		s->put.head_bytes, p->len, p->units)) {
		return true;
	}
	s->put.head = rv_queue_both(&s->head, &s->put.head_bytes);
	return rv_queue_has_room(q, tail, tail_bytes, s->put.head,
	    s->put.head_bytes, p->len, p->units);
}

static inline void
store_unit(struct reeve_queue *q, uint32_t at, uint64_t value)
{
	memcpy(
	    q->ring + (uint64_t)(at & q->ring_mask) * 8, &value, sizeof(value));
}

static enum reeve_status
fill_slot(
    struct reeve_queue *q, const struct parcel *p, uint64_t after, uint32_t at)
{
	struct rv_queue_shared *s = q->shared;
	uint32_t n = q->shape.n_slots, slot = s->put.hint % n, tries;
	enum reeve_status st;

	for (tries = 0; atomic_load(&q->slots[slot]) != 0; tries++) {
		if (tries == n) {
			return REEVE_EDAMAGED;
		}
		slot = (slot + 1) % n;
	}
	s->put.slot_after = after;
	s->put.slot = slot + 1;
	RV_QUEUE_STEP();
	atomic_store(&q->slots[slot], 1);
	s->put.hint = slot + 1;
	st = rv_queue_slot_fill(q, slot, p->parts, p->n, p->len);
	if (st != REEVE_OK) {
		rv_queue_slot_free(q, slot);
		s->put.slot = 0;
		return st;
	}
	store_unit(q, at + 1, p->len);
	store_unit(q, at + 2, slot);
	return REEVE_OK;
}

static enum reeve_status
put_now(struct reeve_queue *q, struct rv_robust_self *me,
    const struct parcel *p, rv_time until)
{
	struct rv_queue_shared *s = q->shared;
	uint64_t tail, bytes, after;
	uint32_t items, at;
	enum reeve_status st = rv_queue_lock_put(q, me, until);

	if (st != REEVE_OK) {
		return st;
	}
	tail = atomic_load_explicit(&s->tail.word, memory_order_relaxed);
	items = rv_queue_items(tail);
	at = (uint32_t)tail;
	bytes = atomic_load_explicit(
	    &s->tail.bytes[items & 1], memory_order_relaxed);
	if (atomic_load_explicit(&s->shut, memory_order_relaxed) != 0) {
		st = REEVE_ECLOSED;
		goto out;
	}
	if (!room(q, p, tail, bytes)) {
		st = REEVE_EFULL;
		goto out;
	}
	after = (uint64_t)(items + 1) << 32 | (uint32_t)(at + p->units);
	RV_QUEUE_STEP();
	store_unit(q, at,
	    (uint64_t)p->tag << 32 | (p->large ? LARGE : (uint32_t)p->len));
	if (__builtin_expect(p->large, 0)) {
		st = fill_slot(q, p, after, at);
		if (st != REEVE_OK) {
			goto out;
		}
	} else {
		rv_queue_copy_in(q, at + 1, p->parts, p->n);
	}
	rv_queue_ring_in(q);
	rv_queue_commit(&s->tail, after, bytes + p->len);
	s->put.slot = 0;
out:
	rv_robust_unlock(&s->put_lock, me);
	return st;
}

static bool
over(rv_time until)
{
	return until != RV_FOREVER && rv_sys_now() >= until;
}

static void
spin_for_room(struct reeve_queue *q)
{
	struct rv_queue_shared *s = q->shared;
	uint64_t head = rv_queue_word(&s->head);

	for (unsigned i = 0; i < q->spins; i++) {
		if (rv_queue_word(&s->head) != head) {
			return;
		}
		rv_robust_pause();
	}
}

/* As get_by_turn and its neighbours in queue_get.c, and those that follow. */
static enum reeve_status
put_by_turn(struct reeve_queue *q, struct rv_robust_self *me,
    const struct parcel *p, rv_time until)
{
	enum reeve_status st = put_now(q, me, p, 0);

	if (st == REEVE_ETIMEDOUT && !over(until)) {
		rv_queue_be_hungry(&q->shared->put.hungry);
		st = put_now(q, me, p, until);
	}
	return st;
}

static uint64_t
count_overtaken(struct rv_queue_shared *s, uint64_t tail, unsigned *overtaken)
{
	uint64_t now = rv_queue_word(&s->tail);

	*overtaken += tail != RV_QUEUE_NO_WORD && now != tail;
	if (*overtaken >= RV_QUEUE_OVERTAKEN) {
		rv_queue_be_hungry(&s->put.hungry);
	}
	return now;
}

/* Only one of those who wait for room is here at a time. */
static enum reeve_status
put_first(struct reeve_queue *q, struct rv_robust_self *me,
    const struct parcel *p, rv_time until)
{
	struct rv_queue_shared *s = q->shared;
	uint64_t tail = RV_QUEUE_NO_WORD;
	unsigned overtaken = 0;
	enum reeve_status st;

	for (;;) {
		bool sleep;

		spin_for_room(q);
		st = put_by_turn(q, me, p, until);
		if (st != REEVE_EFULL || over(until)) {
			return st;
		}
		st = rv_queue_lock_get(q, me, until);
		if (st != REEVE_OK) {
			return st;
		}
		sleep = rv_queue_want_out(q, p->len, p->units);
		if (sleep) {
			tail = count_overtaken(s, tail, &overtaken);
		}
		rv_robust_unlock(&s->get_lock, me);
		if (sleep) {
			rv_queue_sleep_out(q, until);
		}
	}
}

static enum reeve_status
put_in_turn(struct reeve_queue *q, struct rv_robust_self *me,
    const struct parcel *p, rv_time until, rv_time turn_until)
{
	struct rv_robust *turn = &q->shared->put_turn;
	struct robust_list *before;
	enum reeve_status st = rv_robust_lock(turn, me, turn_until);

	if (st == REEVE_ETIMEDOUT) {
		return st;
	}
	before = rv_robust_keep(turn, me);
	st = put_first(q, me, p, until);
	rv_queue_be_fed(&q->shared->put.hungry);
	rv_robust_resume(turn, me, before);
	rv_robust_unlock(turn, me);
	return st;
}

static enum reeve_status
put_waiting(struct reeve_queue *q, struct rv_robust_self *me,
    const struct parcel *p, rv_time until)
{
	enum reeve_status st = put_in_turn(q, me, p, until, until);

	if (st != REEVE_ETIMEDOUT) {
		return st;
	}
	return rv_queue_is_hungry(&q->shared->put.hungry)
		   ? REEVE_EFULL
		   : put_now(q, me, p, until);
}

static enum reeve_status
put_plainly(struct reeve_queue *q, struct rv_robust_self *me,
    const struct parcel *p, int64_t timeout)
{
	enum reeve_status st = put_now(q, me, p, 0);

	if ((st == REEVE_EFULL || st == REEVE_ETIMEDOUT) && timeout > 0) {
		st = put_waiting(q, me, p, rv_wait_until(timeout));
	}
	return st;
}

/* Who is hungry may wait for more room than this one needs. */
static __attribute__((noinline)) enum reeve_status
put_behind(struct reeve_queue *q, struct rv_robust_self *me,
    const struct parcel *p, int64_t timeout)
{
	struct rv_queue_shared *s = q->shared;
	rv_time until = rv_wait_until(timeout), end = until;
	uint64_t head, head_bytes, tail, tail_bytes;
	enum reeve_status st = REEVE_ETIMEDOUT;
	bool there;

	head = rv_queue_both(&s->head, &head_bytes);
	tail = rv_queue_both(&s->tail, &tail_bytes);
	there = rv_queue_has_room(
	    q, tail, tail_bytes, head, head_bytes, p->len, p->units);
	if (there) {
		end = rv_queue_hungry_until(&s->put.hungry);
	}
	if (!there || end != 0) {
		st = put_in_turn(q, me, p, until, RV_MIN(until, end));
	}
	if (st == REEVE_ETIMEDOUT && there && (end == 0 || timeout > 0)) {
		return put_plainly(q, me, p, timeout);
	}
	return st == REEVE_ETIMEDOUT ? REEVE_EFULL : st;
}

static enum reeve_status
put(struct reeve_queue *q, struct parcel *p, int64_t timeout)
{
	struct rv_robust_self *me;
	enum reeve_status st;

	if (q == NULL) {
		return REEVE_EINVALID;
	}
	if (atomic_load_explicit(&q->closed, memory_order_relaxed)) {
		return REEVE_ECLOSED;
	}
	if (p->len > q->shape.max_bytes) {
		return REEVE_ETOOBIG;
	}
	p->large = p->len > q->shape.large;
	p->units = p->large ? 3 : 1 + (uint32_t)((p->len + 7) / 8);
	me = rv_robust_self();
	st = __builtin_expect(rv_queue_is_hungry(&q->shared->put.hungry), 0)
		 ? put_behind(q, me, p, timeout)
		 : put_plainly(q, me, p, timeout);
	if (__builtin_expect(atomic_load_explicit(&q->shared->watch_out,
				 memory_order_relaxed) != 0,
		0)) {
		rv_queue_settle_out(q, me);
	}
	return st;
}

enum reeve_status
reeve_queue_put(struct reeve_queue *q, const void *data, size_t length,
    uint32_t tag, int64_t timeout)
{
	struct iovec part = { (void *)(uintptr_t)data, length };
	struct parcel p = { .parts = &part, .n = 1, .len = length, .tag = tag };

	if (data == NULL && length != 0) {
		return REEVE_EINVALID;
	}
	return put(q, &p, timeout);
}

enum reeve_status
reeve_queue_putv(struct reeve_queue *q, const struct iovec *parts, size_t n,
    uint32_t tag, int64_t timeout)
{
	struct parcel p = { .parts = parts, .n = n, .tag = tag };

	if (parts == NULL && n != 0) {
		return REEVE_EINVALID;
	}
	for (size_t i = 0; i < n; i++) {
		if (__builtin_add_overflow(p.len, parts[i].iov_len, &p.len)) {
			return REEVE_ETOOBIG;
		}
	}
	return put(q, &p, timeout);
}
