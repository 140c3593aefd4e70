/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/queue_*.c: putters and getters, of whom any may be
 * killed before any step: what was put is got once and in order, what one was
 * killed at is there entirely or not at all, and nobody sleeps while there is
 * something for him. Locks are the kernel's robust mutexes, bells are words;
 * leases and large items are not modelled (tests/unit/test_queue_death.c kills
 * at each of their steps).
 */
#include "config.h"

#include <string.h>

#include "ipc/mutex.h"
#include "ipc/queue_shared.h"
#include "ipc/wait.h"
#include "model/models.h"
#include "sys/sys.h"

#define ITEMS 4

static struct {
	struct rv_queue_shared shared;
	unsigned char ring[64];
	uint32_t bell_in, bell_out;
	/* what the checks remember: of item i */
	uint32_t begun[ITEMS], put[ITEMS], got[ITEMS];
	uint32_t last[MODEL_PROCESSES]; /* 1 + the last of that putter's */
	uint32_t n_getting;
} s;

static struct reeve_queue queue = { .shared = &s.shared,
	.ring = s.ring,
	.ring_mask = sizeof(s.ring) / 8 - 1,
	.shape = { .max_items = 1,
	    .max_bytes = 100,
	    .large = 16,
	    .ring_size = sizeof(s.ring) } };

/* --- ipc/robust.h: one step each, as ipc/mutex.h ---------------------- */

static pthread_mutex_t *
mutex_of(struct rv_robust *lock)
{
	return (pthread_mutex_t *)(void *)lock;
}

struct rv_robust_self *
rv_robust_self(void)
{
	return NULL;
}

bool
rv_robust_quick(struct rv_robust *lock, struct rv_robust_self *me)
{
	(void)lock;
	(void)me;
	return false;
}

enum reeve_status
rv_robust_wait(struct rv_robust *lock, struct rv_robust_self *me, rv_time until)
{
	(void)me;
	return rv_mutex_lock(mutex_of(lock), until);
}

enum reeve_status
rv_robust_lock(struct rv_robust *lock, struct rv_robust_self *me, rv_time until)
{
	return rv_robust_wait(lock, me, until);
}

void
rv_robust_unlock(struct rv_robust *lock, struct rv_robust_self *me)
{
	(void)me;
	model_check(rv_mutex_unlock(mutex_of(lock)), "not held");
}

struct robust_list *
rv_robust_keep(struct rv_robust *lock, struct rv_robust_self *me)
{
	(void)lock;
	(void)me;
	return NULL;
}

void
rv_robust_resume(struct rv_robust *lock, struct rv_robust_self *me,
    struct robust_list *before)
{
	(void)lock;
	(void)me;
	(void)before;
}

/* --- queue_bell.c: words --------------------------------------------- */

static void
ring(uint32_t *bell)
{
	rv_store(bell, 1);
	(void)rv_wake_word((_Atomic uint32_t *)bell, 9);
}

void
rv_queue_bell_in(struct reeve_queue *q)
{
	(void)q;
	ring(&s.bell_in);
}

void
rv_queue_bell_out(struct reeve_queue *q)
{
	(void)q;
	ring(&s.bell_out);
}

void
rv_queue_clear_in(struct reeve_queue *q)
{
	(void)q;
	rv_store(&s.bell_in, 0);
}

void
rv_queue_clear_out(struct reeve_queue *q)
{
	(void)q;
	rv_store(&s.bell_out, 0);
}

void
rv_queue_sleep_in(struct reeve_queue *q, rv_time until)
{
	(void)q;
	(void)rv_wait_word((_Atomic uint32_t *)&s.bell_in, 0, until);
}

void
rv_queue_sleep_out(struct reeve_queue *q, rv_time until)
{
	(void)q;
	(void)rv_wait_word((_Atomic uint32_t *)&s.bell_out, 0, until);
}

bool
rv_queue_has_ended(struct reeve_queue *q)
{
	(void)q;
	return false;
}

/* --- what is not modelled ---------------------------------------------- */

rv_time
rv_sys_now(void)
{
	return 0;
}

void
rv_queue_leases_repair(struct reeve_queue *q)
{
	(void)q;
}

bool
rv_queue_leases_look(struct reeve_queue *q, struct rv_robust_self *me, bool all)
{
	(void)q;
	(void)me;
	(void)all;
	return false;
}

void
rv_queue_leases_watch(struct reeve_queue *q, struct rv_robust_self *me)
{
	(void)q;
	(void)me;
}

enum reeve_status
rv_queue_take_returned(struct reeve_queue *q, struct rv_queue_sink *sink)
{
	(void)q;
	(void)sink;
	return REEVE_EEMPTY;
}

enum reeve_status
rv_queue_lease_free_one(struct reeve_queue *q, uint32_t *i)
{
	(void)q;
	(void)i;
	return REEVE_EBUSY;
}

void
rv_queue_lease_begin(struct reeve_queue *q, uint32_t i, uint32_t tag,
    uint64_t len, uint32_t slot, uint64_t after)
{
	(void)q;
	(void)i;
	(void)tag;
	(void)len;
	(void)slot;
	(void)after;
}

void
rv_queue_lease_end(
    struct reeve_queue *q, uint32_t i, struct rv_queue_sink *sink)
{
	(void)q;
	(void)i;
	(void)sink;
}

/* --- the processes ------------------------------------------------------ */

static void
start(void)
{
	memset(&s, 0, sizeof(s));
}

static void
put_item(uint32_t i)
{
	uint64_t parts[2] = { i, ~(uint64_t)i };

	s.begun[i] = 1;
	model_check(
	    reeve_queue_put(&queue, parts, 16, i, REEVE_FOREVER) == REEVE_OK,
	    "a put that failed");
	s.put[i] = 1;
}

/* Items of process p are 2 * p and the one after it. */
static void
put_two(unsigned self)
{
	put_item(2 * self);
	put_item(2 * self + 1);
}

static void
put_one(unsigned self)
{
	put_item(2 * self);
}

static void
get_one(unsigned self)
{
	uint64_t parts[2] = { 0 };
	size_t len = 0;
	uint32_t tag = 99;

	(void)self;
	s.n_getting++;
	model_check(reeve_queue_get_into(&queue, parts, 16, &len, &tag,
			REEVE_FOREVER) == REEVE_OK,
	    "a get that failed");
	model_check(len == 16 && tag < ITEMS && parts[0] == tag &&
			parts[1] == ~(uint64_t)tag,
	    "torn");
	model_check(s.begun[tag] == 1, "from nowhere");
	model_check(s.got[tag] == 0, "got twice");
	model_check(tag % 2 == 0 || s.got[tag - 1] == 1 || s.n_getting > 1,
	    "out of order");
	s.got[tag] = 1;
	s.n_getting--;
}

static void
get_two(unsigned self)
{
	get_one(self);
	get_one(self);
}

static uint32_t
items(void)
{
	return (
	    uint32_t)((s.shared.tail.word >> 32) - (s.shared.head.word >> 32));
}

/*
 * Those who wait may do so for ever: getters for want of items, putters for
 * want of room. Putters are the processes below GETTERS.
 */
#define GETTERS 1
static bool
stuck(void)
{
	bool fine = true;

	for (unsigned i = 0; i < 3; i++) {
		if (model_is_blocked(i)) {
			fine =
			    fine && (i < GETTERS ? items() >= 1 : items() == 0);
		}
	}
	return fine;
}

/* Every item that was put was got, is there, or went with one getter. */
static void
end(void)
{
	uint32_t put = 0, got = 0, gone = 0;

	for (unsigned i = 0; i < ITEMS; i++) {
		put += s.put[i];
		got += s.got[i];
	}
	for (unsigned i = 0; i < 3; i++) {
		gone += model_is_dead(i);
	}
	model_check(got + items() + gone >= put, "lost");
}

const struct model model_queue_room = { .name = "queue_room",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { put_two, get_one, get_one },
	.end = end,
	.stuck = stuck,
	.crashes = 1 };

const struct model model_queue_pair = { .name = "queue_pair",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { put_two, get_two },
	.end = end,
	.stuck = stuck,
	.crashes = 1 };

static bool
stuck_two(void)
{
	return (!model_is_blocked(2) || items() == 0) &&
	       ((!model_is_blocked(0) && !model_is_blocked(1)) || items() == 1);
}

const struct model model_queue_putters = { .name = "queue_putters",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { put_one, put_one, get_two },
	.end = end,
	.stuck = stuck_two,
	.crashes = 1 };
