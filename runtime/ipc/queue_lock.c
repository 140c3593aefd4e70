/* SPDX-License-Identifier: MIT */
/*
 * The queue's two sides: their locks, what is put right after one was killed
 * holding them, and the bells between the sides. Called by put, get and leases.
 *
 * Order: get_turn or put_turn, get_lock, put_lock; a putter that holds put_lock
 * takes nothing more.
 *
 * Who sleeps is woken by what others did, and a newcomer who is awake may be
 * quicker, again and again. So when that was so a few times, or when it cannot
 * get the lock of its side for long, who has the turn says that it is hungry,
 * and until it is fed what comes is its own: newcomers wait for the turn, and
 * those who do not wait find nothing. It may be stopped: so the first of them
 * who sees that something is there notes when, and after 100 ms all go on as if
 * nobody was hungry. What a hungry one said who was killed is taken back by the
 * next who has the turn.
 */
#include "config.h"

#include "ipc/queue_shared.h"
#include "sys/sys.h"

/* In `hungry`: since when something is there, or that nobody saw that yet. */
#define HUNGRY 1U

rv_time
rv_queue_patience(rv_time until)
{
	rv_time least;

	if (until == RV_FOREVER) {
		return until;
	}
	least = rv_sys_now() + RV_QUEUE_PATIENCE;
	return RV_MAX(until, least);
}

rv_time
rv_queue_hungry_until(_Atomic uint64_t *hungry)
{
	uint64_t is = atomic_load(hungry), now = (uint64_t)rv_sys_now();

	if (is == HUNGRY) {
		RV_STEP("so long", hungry, now);
		if (atomic_compare_exchange_strong(hungry, &is, now)) {
			is = now;
		}
	}
	/* others wrote it: it may be anything */
	return is != 0 && now - is < RV_QUEUE_PATIENCE
		   ? (rv_time)is + RV_QUEUE_PATIENCE
		   : 0;
}

void
rv_queue_be_hungry(_Atomic uint64_t *hungry)
{
	RV_STEP("hungry", hungry, HUNGRY);
	atomic_store(hungry, HUNGRY);
}

void
rv_queue_be_fed(_Atomic uint64_t *hungry)
{
	if (atomic_load(hungry) != 0) {
		RV_STEP("fed", hungry, 0);
		atomic_store(hungry, 0);
	}
}

uint64_t
rv_queue_both(const struct rv_queue_side *side, uint64_t *bytes)
{
	uint64_t word = rv_queue_word(side), again;

	for (;;) {
		*bytes =
		    atomic_load_explicit(&side->bytes[rv_queue_items(word) & 1],
			memory_order_acquire);
		again = rv_queue_word(side);
		if (again == word) {
			return word;
		}
		word = again;
	}
}

static void
repair_put(struct reeve_queue *q)
{
	struct rv_queue_shared *s = q->shared;
	uint32_t slot = s->put.slot;

	s->put.head = rv_queue_both(&s->head, &s->put.head_bytes);
	s->put.ring_in = RV_RING_UNKNOWN;
	if (slot != 0 && slot <= q->shape.n_slots &&
	    rv_queue_word(&s->tail) != s->put.slot_after) {
		rv_queue_slot_free(q, slot - 1);
	}
	s->put.slot = 0;
}

static void
repair_get(struct reeve_queue *q)
{
	struct rv_queue_shared *s = q->shared;
	uint32_t slot = s->get.slot;

	s->get.tail = rv_queue_word(&s->tail);
	s->get.ring_out = RV_RING_UNKNOWN;
	if (slot != 0 && slot <= q->shape.n_slots &&
	    atomic_load(&q->slots[slot - 1]) == 2) {
		if (rv_queue_word(&s->head) == s->get.slot_after) {
			rv_queue_slot_free(q, slot - 1);
		} else {
			atomic_store(&q->slots[slot - 1], 1);
		}
	}
	s->get.slot = 0;
	rv_queue_leases_repair(q);
}

enum reeve_status
rv_queue_lock_put(
    struct reeve_queue *q, struct rv_robust_self *me, rv_time until)
{
	enum reeve_status st = REEVE_OK;

	if (!rv_robust_quick(&q->shared->put_lock, me)) {
		st = rv_robust_wait(
		    &q->shared->put_lock, me, rv_queue_patience(until));
		if (st == REEVE_EOWNERDIED) {
			repair_put(q);
			st = REEVE_OK;
		}
	}
	return st;
}

enum reeve_status
rv_queue_lock_get(
    struct reeve_queue *q, struct rv_robust_self *me, rv_time until)
{
	enum reeve_status st = REEVE_OK;

	if (!rv_robust_quick(&q->shared->get_lock, me)) {
		st = rv_robust_wait(
		    &q->shared->get_lock, me, rv_queue_patience(until));
		if (st == REEVE_EOWNERDIED) {
			repair_get(q);
			st = REEVE_OK;
		}
	}
	return st;
}

void
rv_queue_ring_in(struct reeve_queue *q)
{
	uint32_t *ring = &q->shared->put.ring_in;

	if (*ring == RV_RING_WANTED || *ring == RV_RING_UNKNOWN) {
		RV_QUEUE_STEP();
		rv_queue_bell_in(q);
		RV_QUEUE_STEP();
		*ring = RV_RING_RUNG;
	}
}

void
rv_queue_ring_out(struct reeve_queue *q)
{
	uint32_t *ring = &q->shared->get.ring_out;

	if (*ring == RV_RING_WANTED || *ring == RV_RING_UNKNOWN) {
		RV_QUEUE_STEP();
		rv_queue_bell_out(q);
		RV_QUEUE_STEP();
		*ring = RV_RING_RUNG;
	}
}

bool
rv_queue_want_in(struct reeve_queue *q)
{
	struct rv_queue_shared *s = q->shared;
	bool end = atomic_load(&s->shut) != 0 || atomic_load(&s->ended) != 0;

	if (rv_queue_word(&s->tail) != rv_queue_word(&s->head) ||
	    atomic_load(&s->get.returned) != 0 ||
	    (end && atomic_load(&s->get.leased) == 0)) {
		return false;
	}
	if (s->put.ring_in == RV_RING_RUNG ||
	    s->put.ring_in == RV_RING_UNKNOWN) {
		RV_QUEUE_STEP();
		rv_queue_clear_in(q);
		RV_QUEUE_STEP();
	}
	s->put.ring_in = RV_RING_WANTED;
	return true;
}

bool
rv_queue_want_out(struct reeve_queue *q, uint64_t len, uint64_t units)
{
	struct rv_queue_shared *s = q->shared;
	uint64_t head, head_bytes, tail, tail_bytes;

	head = rv_queue_both(&s->head, &head_bytes);
	tail = rv_queue_both(&s->tail, &tail_bytes);
	if (rv_queue_has_room(
		q, tail, tail_bytes, head, head_bytes, len, units) ||
	    atomic_load(&s->shut) != 0) {
		return false;
	}
	if (s->get.ring_out == RV_RING_RUNG ||
	    s->get.ring_out == RV_RING_UNKNOWN) {
		RV_QUEUE_STEP();
		rv_queue_clear_out(q);
		RV_QUEUE_STEP();
	}
	s->get.ring_out = RV_RING_WANTED;
	return true;
}

enum reeve_status
rv_queue_ring_in_nested(
    struct reeve_queue *q, struct rv_robust_self *me, rv_time until)
{
	struct robust_list *before = rv_robust_keep(&q->shared->get_lock, me);
	enum reeve_status st = rv_queue_lock_put(q, me, until);

	if (st == REEVE_OK) {
		rv_queue_ring_in(q);
		rv_robust_unlock(&q->shared->put_lock, me);
	}
	rv_robust_resume(&q->shared->get_lock, me, before);
	return st;
}

bool
rv_queue_want_in_nested(
    struct reeve_queue *q, struct rv_robust_self *me, rv_time until)
{
	struct robust_list *before = rv_robust_keep(&q->shared->get_lock, me);
	bool want = false;

	if (rv_queue_lock_put(q, me, until) == REEVE_OK) {
		want = rv_queue_want_in(q);
		rv_robust_unlock(&q->shared->put_lock, me);
	}
	rv_robust_resume(&q->shared->get_lock, me, before);
	return want;
}

bool
rv_queue_settle_in(
    struct reeve_queue *q, struct rv_robust_self *me, rv_time until)
{
	if (!rv_queue_want_in_nested(q, me, until)) {
		return false;
	}
	rv_queue_heard(q);
	return rv_queue_leases_watch(q, me);
}

void
rv_queue_settle_out(struct reeve_queue *q, struct rv_robust_self *me)
{
	if (rv_queue_lock_get(q, me, 0) == REEVE_OK) {
		(void)rv_queue_want_out(q, 1, 2);
		rv_robust_unlock(&q->shared->get_lock, me);
	}
}

bool
rv_queue_has_room(const struct reeve_queue *q, uint64_t tail,
    uint64_t tail_bytes, uint64_t head, uint64_t head_bytes, uint64_t len,
    uint64_t units)
{
	const struct rv_queue_shape *shape = &q->shape;
	uint32_t items = rv_queue_items(tail) - rv_queue_items(head);
	uint32_t used = (uint32_t)tail - (uint32_t)head;
	uint64_t bytes = tail_bytes - head_bytes;

	return (uint64_t)items + atomic_load_explicit(&q->shared->get.returned,
				     memory_order_relaxed) <
		   shape->max_items &&
	       bytes <= shape->max_bytes && len <= shape->max_bytes - bytes &&
	       used + units <= q->ring_mask + 1;
}
