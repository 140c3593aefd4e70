/* SPDX-License-Identifier: MIT */
/*
 * Getting. The item is copied while it is still in the queue, and storing the
 * head's word takes it out: one who is killed before has not got it. Called by
 * users of the queue.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "ipc/queue_shared.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define LARGE UINT32_MAX

void
reeve_item_free(struct reeve_item *item)
{
	if (item != NULL) {
		rv_free(item->data);
		*item = (struct reeve_item){ 0 };
	}
}

enum reeve_status
rv_queue_sink_open(
    struct rv_queue_sink *sink, uint64_t len, uint32_t tag, void **data)
{
	struct reeve_item *item = sink->item;
	void *grown;

	if (item == NULL) {
		if (sink->len != NULL) {
			*sink->len = len;
		}
		if (sink->tag != NULL) {
			*sink->tag = tag;
		}
		*data = sink->data;
		return len <= sink->capacity ? REEVE_OK : REEVE_ETOOSHORT;
	}
	if (item->capacity < len || item->data == NULL) {
		size_t capacity = len < 64 ? 64 : len;

		grown = rv_alloc(capacity, 1);
		if (grown == NULL) {
			return REEVE_ENOMEM;
		}
		rv_free(item->data);
		item->data = grown;
		item->capacity = capacity;
	}
	item->length = len;
	item->tag = tag;
	item->deliveries = 1;
	item->lease = 0;
	*data = item->data;
	return REEVE_OK;
}

static inline uint64_t
load_unit(const struct reeve_queue *q, uint32_t at)
{
	uint64_t value;

	memcpy(
	    &value, q->ring + (uint64_t)(at & q->ring_mask) * 8, sizeof(value));
	return value;
}

struct found {
	uint64_t len;
	uint32_t tag, units, slot; /* slot + 1 */
};

/* The record at the head, checked. */
static inline bool
find(const struct reeve_queue *q, uint32_t at, uint32_t available,
    struct found *f)
{
	uint64_t header = load_unit(q, at), slot;

	f->len = (uint32_t)header;
	f->tag = (uint32_t)(header >> 32);
	f->slot = 0;
	if (__builtin_expect(f->len == LARGE, 0)) {
		f->units = 3;
		f->len = load_unit(q, at + 1);
		slot = load_unit(q, at + 2);
		if (f->len > q->shape.max_bytes || f->len == 0 ||
		    slot >= q->shape.n_slots) {
			return false;
		}
		f->slot = (uint32_t)slot + 1;
	} else {
		f->units = 1 + (uint32_t)((f->len + 7) / 8);
		if (f->len > q->shape.large) {
			return false;
		}
	}
	return f->units <= available && available <= q->ring_mask + 1;
}

static enum reeve_status
copy_item(struct reeve_queue *q, uint32_t at, const struct found *f, void *data)
{
	if (f->slot != 0) {
		return rv_queue_slot_read(q, f->slot - 1, data, f->len);
	}
	rv_queue_copy_out(q, at + 1, data, f->len);
	return REEVE_OK;
}

/* Take out what was copied: the commit, and what it needs around it. */
static enum reeve_status
take_out(struct reeve_queue *q, struct rv_queue_sink *sink,
    const struct found *f, uint64_t head, const void *data)
{
	struct rv_queue_shared *s = q->shared;
	uint32_t items = rv_queue_items(head), lease = 0;
	uint64_t after =
	    (uint64_t)(items + 1) << 32 | (uint32_t)((uint32_t)head + f->units);
	uint64_t bytes = atomic_load_explicit(
	    &s->head.bytes[items & 1], memory_order_relaxed);
	enum reeve_status st;

	RV_QUEUE_STEP();
	if (__builtin_expect(sink->lease, 0)) {
		st = rv_queue_lease_free_one(q, &lease);
		if (st != REEVE_OK) {
			return st;
		}
		if (f->slot == 0) {
			memcpy(q->data + (size_t)lease * q->shape.data_size,
			    data, f->len);
		}
		rv_queue_lease_begin(q, lease, f->tag, f->len, f->slot, after);
	} else if (__builtin_expect(f->slot != 0, 0)) {
		s->get.slot_after = after;
		s->get.slot = f->slot;
		RV_QUEUE_STEP();
		atomic_store(&q->slots[f->slot - 1], 2);
		RV_QUEUE_STEP();
	}
	rv_queue_ring_out(q);
	rv_queue_commit(&s->head, after, bytes + f->len);
	if (__builtin_expect(sink->lease, 0)) {
		rv_queue_lease_end(q, lease, sink);
	} else if (__builtin_expect(f->slot != 0, 0)) {
		rv_queue_slot_free(q, f->slot - 1);
		s->get.slot = 0;
	}
	return REEVE_OK;
}

/* With get_lock. */
static enum reeve_status
take_one(struct reeve_queue *q, struct rv_queue_sink *sink)
{
	struct rv_queue_shared *s = q->shared;
	uint64_t head, tail;
	struct found f;
	void *data;
	enum reeve_status st;

	if (__builtin_expect(atomic_load_explicit(
				 &s->get.returned, memory_order_relaxed) != 0,
		0)) {
		st = rv_queue_take_returned(q, sink);
		if (st != REEVE_EEMPTY) {
			return st;
		}
	}
	head = atomic_load_explicit(&s->head.word, memory_order_relaxed);
	tail = s->get.tail;
	if (tail == head) {
		tail = rv_queue_word(&s->tail);
		s->get.tail = tail;
		if (tail == head) {
			return REEVE_EEMPTY;
		}
	}
	if (!find(q, (uint32_t)head, (uint32_t)tail - (uint32_t)head, &f)) {
		return REEVE_EDAMAGED;
	}
	st = rv_queue_sink_open(sink, f.len, f.tag, &data);
	if (st == REEVE_OK) {
		st = copy_item(q, (uint32_t)head, &f, data);
	}
	return st == REEVE_OK ? take_out(q, sink, &f, head, data) : st;
}

/* With get_lock. Who holds leases may have died, and nobody be asleep. */
static inline enum reeve_status
take(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink)
{
	struct rv_queue_shared *s = q->shared;
	bool leased = __builtin_expect(
	    atomic_load_explicit(&s->get.leased, memory_order_relaxed) != 0, 0);
	enum reeve_status st;

	if (leased) {
		rv_queue_leases_look(q, me);
	}
	st = take_one(q, sink);
	if (st == REEVE_EBUSY && !rv_queue_leases_watch(q, me)) {
		st = take_one(q, sink);
	}
	return st;
}

/* What was taken may have been the last: who polls shall sleep then. */
static bool
emptied(struct rv_queue_shared *s, enum reeve_status st)
{
	return (st == REEVE_OK || st == REEVE_EEMPTY) &&
	       rv_queue_word(&s->head) == rv_queue_word(&s->tail);
}

static enum reeve_status
get_now(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink, rv_time until)
{
	struct rv_queue_shared *s = q->shared;
	enum reeve_status st = rv_queue_lock_get(q, me, until);

	if (st != REEVE_OK) {
		return st;
	}
	st = take(q, me, sink);
	if (__builtin_expect(
		atomic_load_explicit(&s->watch_in, memory_order_relaxed) != 0,
		0) &&
	    emptied(s, st) && !rv_queue_settle_in(q, me, 0) &&
	    st == REEVE_EEMPTY) {
		st = take(q, me, sink);
	}
	rv_robust_unlock(&s->get_lock, me);
	return st;
}

/* It was empty: for good? Looks again after it has learned that it ended. */
static enum reeve_status
get_last(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink, rv_time until)
{
	struct rv_queue_shared *s = q->shared;
	bool shut = rv_queue_peek(&s->shut) != 0;
	enum reeve_status st;

	if ((!shut && !rv_queue_has_ended(q)) ||
	    rv_queue_peek(&s->get.leased) != 0) {
		return REEVE_EEMPTY;
	}
	st = get_now(q, me, sink, until);
	if (st != REEVE_EEMPTY || rv_queue_peek(&s->get.leased) != 0) {
		return st;
	}
	return shut ? REEVE_ECLOSED : REEVE_EEND;
}

static void
spin_for_item(struct reeve_queue *q)
{
	struct rv_queue_shared *s = q->shared;

	for (unsigned i = 0; i < q->spins; i++) {
		if (rv_queue_word(&s->tail) !=
		    atomic_load_explicit(&s->head.word, memory_order_relaxed)) {
			return;
		}
		rv_robust_pause();
	}
}

static bool
over(rv_time until)
{
	return until != RV_FOREVER && rv_sys_now() >= until;
}

/* Once, by who has the turn: in vain for long at the lock, it is hungry. */
static enum reeve_status
get_by_turn(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink, rv_time until)
{
	enum reeve_status st = get_now(q, me, sink, 0);

	if (st == REEVE_ETIMEDOUT && !over(until)) {
		rv_queue_be_hungry(&q->shared->get.hungry);
		st = get_now(q, me, sink, until);
	}
	return st == REEVE_EEMPTY ? get_last(q, me, sink, until) : st;
}

/*
 * With get_lock, and nothing there: whether one has been quicker since we slept
 * with the head there.
 */
static uint64_t
count_overtaken(struct rv_queue_shared *s, uint64_t head, unsigned *overtaken)
{
	uint64_t now = rv_queue_word(&s->head);

	*overtaken += head != RV_QUEUE_NO_WORD && now != head;
	if (*overtaken >= RV_QUEUE_OVERTAKEN) {
		rv_queue_be_hungry(&s->get.hungry);
	}
	return now;
}

/* Of those who wait for an item only one is here at a time. */
static enum reeve_status
get_first(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink, rv_time until)
{
	struct rv_queue_shared *s = q->shared;
	uint64_t head = RV_QUEUE_NO_WORD;
	unsigned overtaken = 0;
	enum reeve_status st;

	for (;;) {
		bool sleep;

		spin_for_item(q);
		st = get_by_turn(q, me, sink, until);
		if (st != REEVE_EEMPTY) {
			return st;
		}
		st = rv_queue_lock_get(q, me, until);
		if (st != REEVE_OK) {
			return st;
		}
		if (until != 0) {
			(void)rv_queue_make_set(q);
		}
		sleep = rv_queue_settle_in(q, me, until);
		if (sleep && until != 0) {
			head = count_overtaken(s, head, &overtaken);
		}
		rv_robust_unlock(&s->get_lock, me);
		if (!sleep) {
			if (over(until)) {
				return get_now(q, me, sink, until);
			}
			continue;
		}
		if (over(until)) {
			return REEVE_EEMPTY;
		}
		rv_queue_sleep_in(q, until);
	}
}

/* There was nothing, for one who does not wait. */
static enum reeve_status
get_nothing(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink)
{
	return rv_queue_peek(&q->shared->get.leased) != 0
		   ? get_first(q, me, sink, 0)
		   : get_last(q, me, sink, 0);
}

/* REEVE_ETIMEDOUT: we did not get the turn. */
static enum reeve_status
get_in_turn(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink, rv_time until, rv_time turn_until)
{
	struct rv_robust *turn = &q->shared->get_turn;
	struct robust_list *before;
	enum reeve_status st = rv_robust_lock(turn, me, turn_until);

	if (st == REEVE_ETIMEDOUT) {
		return st;
	}
	before = rv_robust_keep(turn, me);
	st = get_first(q, me, sink, until);
	rv_queue_be_fed(&q->shared->get.hungry);
	rv_robust_resume(turn, me, before);
	rv_robust_unlock(turn, me);
	return st;
}

static enum reeve_status
get_waiting(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink, rv_time until)
{
	enum reeve_status st = get_in_turn(q, me, sink, until, until);

	if (st != REEVE_ETIMEDOUT) {
		return st;
	}
	return rv_queue_is_hungry(&q->shared->get.hungry)
		   ? get_last(q, me, sink, until)
		   : get_now(q, me, sink, until);
}

static enum reeve_status
get_plainly(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink, int64_t timeout)
{
	enum reeve_status st = get_now(q, me, sink, 0);

	if (st == REEVE_EEMPTY && timeout <= 0) {
		return get_nothing(q, me, sink);
	}
	if ((st == REEVE_EEMPTY || st == REEVE_ETIMEDOUT) && timeout > 0) {
		st = get_waiting(q, me, sink, rv_wait_until(timeout));
	}
	return st;
}

/* Somebody is hungry: what is there is its own, unless it does not come. */
static __attribute__((noinline)) enum reeve_status
get_behind(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_sink *sink, int64_t timeout)
{
	struct rv_queue_shared *s = q->shared;
	rv_time until = rv_wait_until(timeout), end = until;
	bool there = rv_queue_word(&s->tail) != rv_queue_word(&s->head) ||
		     rv_queue_peek(&s->get.returned) != 0;
	enum reeve_status st = REEVE_ETIMEDOUT;

	if (there) {
		end = rv_queue_hungry_until(&s->get.hungry);
	}
	if (!there || end != 0) {
		st = get_in_turn(q, me, sink, until, RV_MIN(until, end));
	}
	if (st == REEVE_ETIMEDOUT && there && (end == 0 || timeout > 0)) {
		return get_plainly(q, me, sink, timeout);
	}
	if (st == REEVE_ETIMEDOUT) {
		st = there ? REEVE_EEMPTY : get_nothing(q, me, sink);
	}
	return st;
}

static enum reeve_status
get(struct reeve_queue *q, struct rv_queue_sink *sink, int64_t timeout)
{
	struct rv_robust_self *me = rv_robust_self();

	return __builtin_expect(rv_queue_is_hungry(&q->shared->get.hungry), 0)
		   ? get_behind(q, me, sink, timeout)
		   : get_plainly(q, me, sink, timeout);
}

enum reeve_status
reeve_queue_get(struct reeve_queue *q, struct reeve_item *item, int64_t timeout)
{
	struct rv_queue_sink sink = { .item = item };

	if (q == NULL || item == NULL) {
		return REEVE_EINVALID;
	}
	return get(q, &sink, timeout);
}

enum reeve_status
reeve_queue_get_into(struct reeve_queue *q, void *data, size_t capacity,
    size_t *length, uint32_t *tag, int64_t timeout)
{
	struct rv_queue_sink sink = {
		.data = data, .capacity = capacity, .len = length, .tag = tag
	};

	if (q == NULL || (data == NULL && capacity != 0)) {
		return REEVE_EINVALID;
	}
	return get(q, &sink, timeout);
}

enum reeve_status
reeve_queue_get_leased(
    struct reeve_queue *q, struct reeve_item *item, int64_t timeout)
{
	struct rv_queue_sink sink = { .item = item, .lease = true };

	if (q == NULL || item == NULL) {
		return REEVE_EINVALID;
	}
	return get(q, &sink, timeout);
}
