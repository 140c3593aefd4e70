/* SPDX-License-Identifier: MIT */
/*
 * Leases: items that were got and may come back. The item moves from the ring
 * to the lease's own place, from where it is got again when its holder has
 * ended: getters watch the holders' processes (queue_watch.c), so that they are
 * told by the kernel, as they are told of new items. Where there are always
 * items nobody waits to be told; there, getters look at holders now and then,
 * and at all of them when no lease is left. All with get_lock held, which also
 * guards what is done (task_done, join). Called by users and get.
 *
 * A lease changes by one store of its state. Where another word has to change
 * with it (the head when it begins, `done` when it is acknowledged) the state
 * says first what is intended and which value of that word means "happened";
 * whoever repairs after a death compares.
 */
#include "config.h"

#include <limits.h>
#include <string.h>

#include "ipc/queue_shared.h"
#include "ipc/wait.h"
#include "sys/sys.h"

/* Where there always are items nobody sleeps, and nobody is told of deaths: so
 * those who get look, so often, at so many leases, and so many that are held.
 */
#define LOOK_EVERY (10 * RV_MS)
#define LOOK_AT    64U
#define LOOK_HELD  8U

#define STATE(word)      ((word)&0xff)
#define DELIVERIES(word) ((word) >> 8)

static inline uint32_t
load_state(const struct rv_queue_lease *lease)
{
	return atomic_load_explicit(&lease->state, memory_order_relaxed);
}

static inline void
store_state(struct rv_queue_lease *lease, enum rv_lease_state is, uint32_t n)
{
	RV_QUEUE_STEP();
	atomic_store(&lease->state, (uint32_t)is | n << 8);
	RV_QUEUE_STEP();
}

static inline void
count(_Atomic uint32_t *n, int by)
{
	atomic_store(n, atomic_load(n) + (uint32_t)by);
}

static void
count_returned(
    struct reeve_queue *q, const struct rv_queue_lease *lease, int by)
{
	struct rv_queue_shared *s = q->shared;
	uint64_t bytes = atomic_load(&s->get.returned_bytes);

	count(&s->get.returned, by);
	atomic_store(&s->get.returned_bytes,
	    by > 0 ? bytes + lease->len : bytes - lease->len);
}

enum reeve_status
rv_queue_lease_free_one(struct reeve_queue *q, uint32_t *out)
{
	for (uint32_t i = 0; i < q->shape.max_leases; i++) {
		if (STATE(load_state(&q->leases[i])) == RV_LEASE_FREE) {
			*out = i;
			return REEVE_OK;
		}
	}
	return REEVE_EBUSY;
}

/* Who has it from now on; seen once its state says HELD. */
static void
name_holder(struct reeve_queue *q, uint32_t i)
{
	struct rv_queue_lease *lease = &q->leases[i];

	rv_queue_sign(q, lease);
	lease->key = ++q->shared->get.keys << 20 | (i + 1);
}

void
rv_queue_lease_begin(struct reeve_queue *q, uint32_t i, uint32_t tag,
    uint64_t len, uint32_t slot, uint64_t after)
{
	struct rv_queue_lease *lease = &q->leases[i];

	lease->tag = tag;
	lease->len = len;
	lease->slot = slot;
	lease->number = ++q->shared->get.numbers;
	lease->after = after;
	name_holder(q, i);
	store_state(lease, RV_LEASE_TAKING, 1);
}

void
rv_queue_lease_end(
    struct reeve_queue *q, uint32_t i, struct rv_queue_sink *sink)
{
	count(&q->shared->get.leased, 1);
	store_state(&q->leases[i], RV_LEASE_HELD, 1);
	sink->item->lease = q->leases[i].key;
}

/* The item is gone for good: its slot, then its place. */
static void
free_lease(struct reeve_queue *q, struct rv_queue_lease *lease)
{
	uint32_t slot = lease->slot;

	if (slot != 0 && slot <= q->shape.n_slots) {
		if (STATE(load_state(lease)) != RV_LEASE_FREEING) {
			atomic_store(&q->slots[slot - 1], 2);
			store_state(lease, RV_LEASE_FREEING, 0);
		}
		if (atomic_load(&q->slots[slot - 1]) == 2) {
			rv_queue_slot_free(q, slot - 1);
		}
	}
	store_state(lease, RV_LEASE_FREE, 0);
}

static struct rv_queue_lease *
first_returned(struct reeve_queue *q)
{
	struct rv_queue_lease *first = NULL;

	for (uint32_t i = 0; i < q->shape.max_leases; i++) {
		struct rv_queue_lease *lease = &q->leases[i];

		if (STATE(load_state(lease)) == RV_LEASE_RETURNED &&
		    (first == NULL || lease->number < first->number)) {
			first = lease;
		}
	}
	return first;
}

enum reeve_status
rv_queue_take_returned(struct reeve_queue *q, struct rv_queue_sink *sink)
{
	struct rv_queue_lease *lease = first_returned(q);
	struct rv_queue_shared *s = q->shared;
	uint32_t i, n, slot;
	uint64_t len;
	void *data;
	enum reeve_status st;

	if (lease == NULL) {
		return REEVE_EEMPTY;
	}
	i = (uint32_t)(lease - q->leases);
	len = lease->len;
	slot = lease->slot;
	if (slot > q->shape.n_slots ||
	    len > (slot != 0 ? q->shape.max_bytes : q->shape.large) ||
	    (slot != 0 && len == 0)) {
		return REEVE_EDAMAGED;
	}
	st = rv_queue_sink_open(sink, len, lease->tag, &data);
	if (st == REEVE_OK && slot != 0) {
		st = rv_queue_slot_read(q, slot - 1, data, len);
	} else if (st == REEVE_OK && len != 0) {
		memcpy(data, q->data + (size_t)i * q->shape.data_size, len);
	}
	if (st != REEVE_OK) {
		return st;
	}
	n = DELIVERIES(load_state(lease)) + 1;
	if (sink->item != NULL) {
		sink->item->deliveries = n;
	}
	rv_queue_ring_out(q);
	if (sink->lease) {
		name_holder(q, i);
		store_state(lease, RV_LEASE_HELD, n);
		count_returned(q, lease, -1);
		count(&s->get.leased, 1);
		sink->item->lease = lease->key;
	} else {
		count_returned(q, lease, -1);
		free_lease(q, lease);
	}
	return REEVE_OK;
}

/* Before the change: whoever sleeps will want to look. */
static enum reeve_status
give_back(struct reeve_queue *q, struct rv_robust_self *me,
    struct rv_queue_lease *lease, rv_time until)
{
	enum reeve_status st = rv_queue_ring_in_nested(q, me, until);

	if (st == REEVE_OK) {
		store_state(
		    lease, RV_LEASE_RETURNED, DELIVERIES(load_state(lease)));
		count(&q->shared->get.leased, -1);
		count_returned(q, lease, 1);
	}
	return st;
}

/* After a death in the midst of anything above. */
void
rv_queue_leases_repair(struct reeve_queue *q)
{
	struct rv_queue_shared *s = q->shared;
	uint32_t returned = 0, leased = 0;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < q->shape.max_leases; i++) {
		struct rv_queue_lease *lease = &q->leases[i];
		uint32_t word = load_state(lease), slot = lease->slot;
		uint32_t n = DELIVERIES(word);

		switch (STATE(word)) {
		case RV_LEASE_TAKING:
			store_state(lease,
			    rv_queue_word(&s->head) == lease->after
				? RV_LEASE_HELD
				: RV_LEASE_FREE,
			    n);
			break;
		case RV_LEASE_ACKING:
			if (atomic_load(&s->done) == lease->done_after) {
				free_lease(q, lease);
			} else {
				store_state(lease, RV_LEASE_HELD, n);
			}
			break;
		case RV_LEASE_FREEING:
			free_lease(q, lease);
			break;
		default:
			break;
		}
		word = STATE(load_state(lease));
		if (word != RV_LEASE_FREE && slot != 0 &&
		    slot <= q->shape.n_slots &&
		    atomic_load(&q->slots[slot - 1]) == 2) {
			atomic_store(&q->slots[slot - 1], 1);
		}
		returned += word == RV_LEASE_RETURNED;
		bytes += word == RV_LEASE_RETURNED ? lease->len : 0;
		leased += word == RV_LEASE_HELD;
	}
	atomic_store(&s->get.returned, returned);
	atomic_store(&s->get.returned_bytes, bytes);
	atomic_store(&s->get.leased, leased);
}

/* Of the caller's process, by its key; NULL when it is not held. */
static struct rv_queue_lease *
find_held(struct reeve_queue *q, uint64_t key)
{
	uint32_t i = (uint32_t)(key & 0xfffff);
	struct rv_queue_lease *lease;

	if (i == 0 || i > q->shape.max_leases) {
		return NULL;
	}
	lease = &q->leases[i - 1];
	return STATE(load_state(lease)) == RV_LEASE_HELD && lease->key == key &&
		       rv_queue_signed(q, lease)
		   ? lease
		   : NULL;
}

/* With what becomes of `done`: wake those who wait for it before it changes. */
static void
wake_joining(struct rv_queue_shared *s, uint32_t done)
{
	if (s->joining != 0 &&
	    done == rv_queue_items(rv_queue_word(&s->tail))) {
		(void)atomic_fetch_add(&s->joined, 1);
		RV_QUEUE_STEP();
		(void)rv_wake_word(&s->joined, INT_MAX);
		RV_QUEUE_STEP();
		s->joining = 0;
	}
}

static void
acknowledge(struct reeve_queue *q, struct rv_queue_lease *lease)
{
	struct rv_queue_shared *s = q->shared;
	uint32_t done = atomic_load(&s->done);

	if (done != rv_queue_items(rv_queue_word(&s->tail))) {
		done++;
	}
	lease->done_after = done;
	wake_joining(s, done);
	store_state(lease, RV_LEASE_ACKING, DELIVERIES(load_state(lease)));
	atomic_store(&s->done, done);
	RV_QUEUE_STEP();
	count(&s->get.leased, -1);
	free_lease(q, lease);
}

/* Does anybody sleep until the last lease is gone? */
static bool
awaits_last(struct rv_queue_shared *s)
{
	return atomic_load(&s->get.leased) == 1 &&
	       (atomic_load(&s->ended) != 0 || atomic_load(&s->shut) != 0);
}

/* REEVE_OK: with get_lock, and this lease is the caller's. */
static enum reeve_status
lock_held(struct reeve_queue *q, struct rv_robust_self *me, uint64_t key,
    rv_time until, struct rv_queue_lease **lease)
{
	enum reeve_status st =
	    q != NULL ? rv_queue_lock_get(q, me, until) : REEVE_EINVALID;

	if (st != REEVE_OK) {
		return st;
	}
	*lease = find_held(q, key);
	if (*lease == NULL) {
		rv_robust_unlock(&q->shared->get_lock, me);
		return REEVE_ENOTHELD;
	}
	return REEVE_OK;
}

enum reeve_status
reeve_queue_ack(struct reeve_queue *q, uint64_t key, int64_t timeout)
{
	struct rv_robust_self *me = rv_robust_self();
	rv_time until = rv_wait_until(timeout);
	struct rv_queue_lease *lease;
	enum reeve_status st = lock_held(q, me, key, until, &lease);

	if (st != REEVE_OK) {
		return st;
	}
	if (awaits_last(q->shared)) {
		st = rv_queue_ring_in_nested(q, me, until);
	}
	if (st == REEVE_OK) {
		acknowledge(q, lease);
	}
	rv_robust_unlock(&q->shared->get_lock, me);
	return st;
}

enum reeve_status
reeve_queue_give_back(struct reeve_queue *q, uint64_t key, int64_t timeout)
{
	struct rv_robust_self *me = rv_robust_self();
	rv_time until = rv_wait_until(timeout);
	struct rv_queue_lease *lease;
	enum reeve_status st = lock_held(q, me, key, until, &lease);

	if (st == REEVE_OK) {
		st = give_back(q, me, lease, until);
		rv_robust_unlock(&q->shared->get_lock, me);
	}
	return st;
}

enum reeve_status
reeve_queue_task_done(struct reeve_queue *q, int64_t timeout)
{
	struct rv_robust_self *me = rv_robust_self();
	struct rv_queue_shared *s;
	uint32_t done;
	enum reeve_status st;

	if (q == NULL) {
		return REEVE_EINVALID;
	}
	s = q->shared;
	st = rv_queue_lock_get(q, me, rv_wait_until(timeout));
	if (st != REEVE_OK) {
		return st;
	}
	done = atomic_load(&s->done);
	if (done == rv_queue_items(rv_queue_word(&s->tail))) {
		st = REEVE_EINVALID;
	} else {
		wake_joining(s, done + 1);
		atomic_store(&s->done, done + 1);
		RV_QUEUE_STEP();
	}
	rv_robust_unlock(&s->get_lock, me);
	return st;
}

enum reeve_status
reeve_queue_join(struct reeve_queue *q, int64_t timeout)
{
	struct rv_robust_self *me = rv_robust_self();
	rv_time until = rv_wait_until(timeout);
	struct rv_queue_shared *s;

	if (q == NULL) {
		return REEVE_EINVALID;
	}
	s = q->shared;
	for (;;) {
		uint32_t joined;
		bool all;
		enum reeve_status st = rv_queue_lock_get(q, me, until);

		if (st != REEVE_OK) {
			return st;
		}
		all = atomic_load(&s->done) ==
		      rv_queue_items(rv_queue_word(&s->tail));
		s->joining = 1;
		joined = atomic_load(&s->joined);
		rv_robust_unlock(&s->get_lock, me);
		if (all) {
			return REEVE_OK;
		}
		if (rv_wait_word(&s->joined, joined, until) ==
		    REEVE_ETIMEDOUT) {
			return REEVE_ETIMEDOUT;
		}
	}
}

void
rv_queue_leases_look(struct reeve_queue *q, struct rv_robust_self *me)
{
	struct rv_queue_shared *s = q->shared;
	uint32_t n = q->shape.max_leases, i = s->get.look_at % n, held = 0;
	uint64_t now = (uint64_t)rv_sys_now();

	if (now - s->get.looked < LOOK_EVERY) {
		return;
	}
	s->get.looked = now;
	rv_queue_forget_holders(q);
	for (uint32_t k = RV_MIN(n, LOOK_AT); k > 0 && held < LOOK_HELD; k--) {
		struct rv_queue_lease *lease = &q->leases[i];

		i = (i + 1) % n;
		if (STATE(load_state(lease)) == RV_LEASE_HELD) {
			held++;
			if (rv_queue_holder(q, lease) == 0) {
				(void)give_back(q, me, lease, 0);
			}
		}
	}
	s->get.look_at = i;
}

bool
rv_queue_leases_watch(struct reeve_queue *q, struct rv_robust_self *me)
{
	bool blind = false, quiet = true;

	rv_queue_forget_holders(q);
	if (atomic_load(&q->shared->get.leased) == 0) {
		return true;
	}
	for (uint32_t i = 0; i < q->shape.max_leases; i++) {
		struct rv_queue_lease *lease = &q->leases[i];

		if (STATE(load_state(lease)) != RV_LEASE_HELD) {
			continue;
		}
		switch (rv_queue_holder(q, lease)) {
		case 0:
			(void)give_back(q, me, lease, 0);
			quiet = false;
			break;
		case -1:
			blind = true;
			break;
		default:
			break;
		}
	}
	atomic_store(&q->blind, blind);
	return quiet;
}
