/* SPDX-License-Identifier: MIT */
/*
 * The steps of the workers of a mixed storm. Each is fit to be cut off by
 * SIGKILL anywhere, as programs of users should be: a ledger is put right by
 * who is told of the death, a notify comes before what it is about.
 */
#include "config.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/crew.h"
#include "unit/storm_rig.h"

struct parcel {
	uint32_t from, number;
	unsigned char bytes[STORM_LARGE];
};

static unsigned seed;

static unsigned
dice(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

/* Within something: for the others to come, or to be killed here. */
static void
linger(void)
{
	if (dice(8) == 0) {
		(void)sched_yield();
	}
	for (unsigned i = dice(8) == 0 ? dice(20000) : dice(400); i > 0; i--) {
		__asm__ volatile("" ::: "memory");
	}
}

static void
set(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static void
expect(struct storm_hall *hall, enum storm_step step, bool so)
{
	if (!so) {
		crew_add(&hall->odd[step]);
	}
}

static bool
got(enum reeve_status status)
{
	return status == REEVE_OK || status == REEVE_EOWNERDIED;
}

/* --- ledgers ------------------------------------------------------------ */

void
storm_ledger_repair(struct storm_ledger *l, enum reeve_status status)
{
	if (status == REEVE_EOWNERDIED) {
		l->told++;
		if (crew_value(&l->undo) != 0) {
			memcpy(l->is, l->was, sizeof(l->is));
		}
		set(&l->undo, 0);
	}
}

bool
storm_ledger_adds_up(const struct storm_ledger *l)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < STORM_CREW; i++) {
		sum += l->is[i];
	}
	return l->undo == 0 && sum == l->is[STORM_CREW];
}

bool
storm_tickets_add_up(const struct storm_ledger *l)
{
	return l->undo == 0 &&
	       l->is[STORM_TICKETS] == l->is[STORM_GIVEN] - l->is[STORM_TAKEN];
}

static void
ledger_begin(struct storm_ledger *l)
{
	memcpy(l->was, l->is, sizeof(l->was));
	set(&l->undo, 1);
}

static void
ledger_add(struct storm_ledger *l, uint32_t word, int by)
{
	linger();
	__atomic_store_n(
	    &l->is[word], l->is[word] + (uint64_t)by, __ATOMIC_SEQ_CST);
}

static void
ledger_end(struct storm_ledger *l)
{
	linger();
	set(&l->undo, 0);
}

/* --- locks -------------------------------------------------------------- */

static void
step_lock(struct storm_worker *w)
{
	struct storm_hall *hall = w->hall;
	struct storm_ledger *l = &hall->by_lock;
	enum reeve_status status =
	    reeve_lock_acquire(&hall->lock, REEVE_FOREVER);

	expect(hall, STORM_lock, got(status));
	storm_ledger_repair(l, status);
	expect(hall, STORM_lock, storm_ledger_adds_up(l));
	ledger_begin(l);
	ledger_add(l, w->who, 1);
	ledger_add(l, STORM_CREW, 1);
	ledger_end(l);
	expect(hall, STORM_lock, reeve_lock_release(&hall->lock) == REEVE_OK);
}

static void
step_rlock(struct storm_worker *w)
{
	struct storm_hall *hall = w->hall;
	struct storm_ledger *l = &hall->by_rlock;
	enum reeve_status status =
	    reeve_rlock_acquire(&hall->rlock, REEVE_FOREVER);
	unsigned deep = 1 + dice(3);

	expect(hall, STORM_rlock, got(status));
	storm_ledger_repair(l, status);
	expect(hall, STORM_rlock, storm_ledger_adds_up(l));
	ledger_begin(l);
	ledger_add(l, w->who, 1);
	for (unsigned i = 0; i < deep; i++) {
		expect(hall, STORM_rlock,
		    reeve_rlock_acquire(&hall->rlock, REEVE_FOREVER) ==
			REEVE_OK);
	}
	ledger_add(l, STORM_CREW, 1);
	for (unsigned i = 0; i < deep; i++) {
		expect(hall, STORM_rlock,
		    reeve_rlock_release(&hall->rlock) == REEVE_OK);
	}
	expect(hall, STORM_rlock, reeve_rlock_is_mine(&hall->rlock));
	ledger_end(l);
	expect(
	    hall, STORM_rlock, reeve_rlock_release(&hall->rlock) == REEVE_OK);
}

/* --- the semaphore ------------------------------------------------------- */

/* Who has units, and is not being killed: at one moment never too many. */
static void
have_unit(struct storm_worker *w, unsigned bit)
{
	uint64_t is = __atomic_or_fetch(
		     &w->hall->units, (uint64_t)1 << bit, __ATOMIC_SEQ_CST),
		 killed = is >> 32;

	is &= UINT32_MAX & ~(killed | killed << 16);
	expect(
	    w->hall, STORM_semaphore, __builtin_popcountll(is) <= STORM_UNITS);
}

static void
let_go(struct storm_worker *w, unsigned bit)
{
	(void)__atomic_and_fetch(
	    &w->hall->units, ~((uint64_t)1 << bit), __ATOMIC_SEQ_CST);
	expect(w->hall, STORM_semaphore,
	    reeve_semaphore_release(&w->hall->semaphore, 1) == REEVE_OK);
}

static void
step_semaphore(struct storm_worker *w)
{
	struct storm_hall *hall = w->hall;
	enum reeve_status second;

	expect(hall, STORM_semaphore,
	    reeve_semaphore_acquire(&hall->semaphore, REEVE_FOREVER) ==
		REEVE_OK);
	have_unit(w, w->who);
	linger();
	second = reeve_semaphore_acquire(&hall->semaphore, 0);
	expect(hall, STORM_semaphore,
	    second == REEVE_OK || second == REEVE_ETIMEDOUT);
	if (second == REEVE_OK) {
		have_unit(w, 16 + w->who);
		linger();
		let_go(w, 16 + w->who);
	}
	let_go(w, w->who);
}

/* --- the condition -------------------------------------------------------- */

/* Who died may have notified in vain, or not have gone on who was notified. */
static void
settle(struct storm_hall *hall, enum reeve_status status)
{
	storm_ledger_repair(&hall->by_condition, status);
	if (status == REEVE_EOWNERDIED) {
		expect(hall, STORM_condition,
		    reeve_condition_notify_all(&hall->condition) == REEVE_OK);
	}
	expect(hall, STORM_condition, got(status));
	expect(
	    hall, STORM_condition, storm_tickets_add_up(&hall->by_condition));
}

static bool
has_ticket(void *ctx)
{
	const struct storm_hall *hall = ctx;

	return hall->by_condition.is[STORM_TICKETS] != 0;
}

static void
change_tickets(struct storm_ledger *l, int by, uint32_t word)
{
	ledger_begin(l);
	ledger_add(l, STORM_TICKETS, by);
	ledger_add(l, word, 1);
	ledger_end(l);
}

static void
step_condition(struct storm_worker *w)
{
	struct storm_hall *hall = w->hall;
	struct storm_ledger *l = &hall->by_condition;

	settle(hall, reeve_lock_acquire(&hall->condition_lock, REEVE_FOREVER));
	if (storm_is_giver(w->who)) {
		if (l->is[STORM_TICKETS] < 20) {
			expect(hall, STORM_condition,
			    reeve_condition_notify(&hall->condition, 1) ==
				REEVE_OK);
			change_tickets(l, 1, STORM_GIVEN);
		}
	} else {
		while (!has_ticket(hall)) {
			settle(hall, reeve_condition_wait_for(&hall->condition,
					 has_ticket, hall, REEVE_FOREVER));
		}
		change_tickets(l, -1, STORM_TAKEN);
	}
	expect(hall, STORM_condition,
	    reeve_lock_release(&hall->condition_lock) == REEVE_OK);
}

/* --- flag and barrier ------------------------------------------------------
 */

static void
step_flag(struct storm_worker *w)
{
	struct storm_hall *hall = w->hall;

	if (storm_is_giver(w->who)) {
		reeve_flag_set(&hall->flag);
		linger();
		reeve_flag_clear(&hall->flag);
	} else {
		expect(hall, STORM_flag,
		    reeve_flag_wait(&hall->flag, REEVE_FOREVER) == REEVE_OK);
	}
}

static enum reeve_status
count_round(void *ctx)
{
	struct storm_hall *hall = ctx;

	linger();
	crew_add(&hall->rounds);
	return REEVE_OK;
}

static void
step_barrier(struct storm_worker *w)
{
	struct storm_hall *hall = w->hall;
	struct reeve_barrier *b = &hall->barrier;
	bool joins = dice(4) == 0;
	uint32_t index = STORM_PARTIES;
	enum reeve_status status;

	if (joins) {
		expect(hall, STORM_barrier, reeve_barrier_join(b) == REEVE_OK);
	}
	status =
	    reeve_barrier_wait(b, count_round, hall, &index, REEVE_FOREVER);
	if (status == REEVE_OK && index < STORM_PARTIES) {
		crew_add(&hall->went[index]);
	} else {
		expect(hall, STORM_barrier, status == REEVE_EBROKEN);
		crew_add(&hall->broken);
	}
	if (joins) {
		expect(hall, STORM_barrier, reeve_barrier_leave(b) == REEVE_OK);
	}
	if (status == REEVE_EBROKEN && crew_value(&hall->stop) < 2 &&
	    reeve_barrier_is_broken(b)) {
		expect(hall, STORM_barrier, reeve_barrier_reset(b) == REEVE_OK);
	}
}

/* --- queues ----------------------------------------------------------------
 */

static size_t
length_of(uint32_t number)
{
	return number % 32 == 31 ? sizeof(struct parcel) : 8 + number % 90;
}

/* Within a time: it came to that, or who was in it did not get on for long. */
static bool
in_vain(enum reeve_status status, enum reeve_status why)
{
	return status == why || status == REEVE_ETIMEDOUT;
}

static void
put(struct storm_worker *w, struct reeve_queue *queue, enum storm_step step,
    int64_t timeout)
{
	static struct parcel parcel;
	uint32_t *begun = &w->hall->begun[step][w->who], number = *begun;
	size_t len = length_of(number);
	enum reeve_status status;

	if (number == STORM_ITEMS) {
		return;
	}
	parcel.from = w->who;
	parcel.number = number;
	memset(parcel.bytes, (int)number, len - 8);
	set(begun, number + 1);
	status = reeve_queue_put(queue, &parcel, len, number, timeout);
	expect(w->hall, step,
	    status == REEVE_OK ||
		(timeout != REEVE_FOREVER && in_vain(status, REEVE_EFULL)));
	if (status == REEVE_OK) {
		set(&w->hall->done[step][w->who], number + 1);
	} else {
		set(begun, number);
	}
}

bool
storm_note(struct storm_hall *hall, enum storm_step step,
    const struct reeve_item *item)
{
	const struct parcel *parcel = item->data;
	size_t len = item->length - 8;

	if (item->length < 8 || parcel->from >= STORM_CREW ||
	    parcel->number >= STORM_ITEMS || parcel->number != item->tag ||
	    item->length != length_of(parcel->number)) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (parcel->bytes[i] != (unsigned char)parcel->number) {
			return false;
		}
	}
	return __atomic_fetch_add(
		   &hall->seen[step == STORM_leases][parcel->from % STORM_SIDE]
			      [parcel->number],
		   1, __ATOMIC_SEQ_CST) == 0 ||
	       item->deliveries > 1;
}

static void
step_queue(struct storm_worker *w)
{
	struct storm_hall *hall = w->hall;
	static struct reeve_item item;

	if (storm_is_giver(w->who)) {
		put(w, w->queue, STORM_queue, REEVE_MS(5));
		return;
	}
	set(&hall->in_hand[w->who], 1);
	expect(hall, STORM_queue,
	    reeve_queue_get(w->queue, &item, REEVE_FOREVER) == REEVE_OK &&
		storm_note(hall, STORM_queue, &item));
	set(&hall->in_hand[w->who], 0);
}

static void
step_leases(struct storm_worker *w)
{
	struct storm_hall *hall = w->hall;
	static struct reeve_item item;
	enum reeve_status status;

	if (!storm_is_giver(w->who)) {
		put(w, w->leases, STORM_leases, REEVE_FOREVER);
		return;
	}
	status = reeve_queue_get_leased(w->leases, &item, REEVE_MS(5));
	expect(hall, STORM_leases,
	    status == REEVE_OK || in_vain(status, REEVE_EEMPTY));
	if (status != REEVE_OK) {
		return;
	}
	linger();
	if (dice(8) == 0) {
		expect(hall, STORM_leases,
		    reeve_queue_give_back(
			w->leases, item.lease, REEVE_FOREVER) == REEVE_OK);
		return;
	}
	set(&hall->in_hand[w->who], 1);
	expect(hall, STORM_leases, storm_note(hall, STORM_leases, &item));
	expect(hall, STORM_leases,
	    reeve_queue_ack(w->leases, item.lease, REEVE_FOREVER) == REEVE_OK);
	set(&hall->in_hand[w->who], 0);
}

int
storm_work(void *ctx)
{
	static void (*const steps[])(struct storm_worker *) = {
#define X(name) step_##name,
		STORM_STEPS(X)
#undef X
	};
	struct storm_worker *w = ctx;
	struct storm_hall *hall = w->hall;
	uint32_t until = storm_is_giver(w->who) ? 2 : 1;

	seed = (unsigned)getpid();
	while (crew_value(&hall->stop) < until) {
		enum storm_step step = dice(STORM_N_STEPS);
		uint32_t *done = &hall->done[step][w->who];
		bool counts = step != STORM_queue && step != STORM_leases;

		set(&hall->at[w->who], step);
		if (counts) {
			set(&hall->begun[step][w->who], *done + 1);
		}
		steps[step](w);
		if (counts) {
			set(done, *done + 1);
		}
		crew_add(&hall->steps[w->who]);
	}
	return 0;
}
