/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/condition.c: as many wake as were notified, nothing is
 * kept for those who come later, and what was given to one that dies goes to
 * another.
 */
#include "config.h"

#include <reeve/lock.h>

#include "ipc/mutex.h"
#include "model/models.h"

static struct {
	struct reeve_lock lock;
	struct reeve_condition condition;
	struct reeve_place places[3];
	uint32_t waiting; /* bits of those who wait */
	uint32_t given;   /* notified while somebody waited */
	uint32_t woken;   /* and woke */
	uint32_t died;    /* bits of those who learned that a holder died */
} s;

static void
start(void)
{
	reeve_lock_init(&s.lock);
	model_check(reeve_condition_init(&s.condition, &s.lock, s.places, 3) ==
			REEVE_OK,
	    "not initialised");
}

static bool
got(enum reeve_status status)
{
	return status == REEVE_OK || status == REEVE_EOWNERDIED;
}

static unsigned
n_waiting(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MODEL_PROCESSES; i++) {
		n += s.waiting >> i & 1 && !model_is_dead(i);
	}
	return n;
}

static void
wait_with(unsigned self, int64_t timeout)
{
	enum reeve_status status;

	model_check(
	    got(reeve_lock_acquire(&s.lock, REEVE_FOREVER)), "acquired");
	s.waiting |= 1U << self;
	status = reeve_condition_wait(&s.condition, timeout);
	s.waiting &= ~(1U << self);
	s.woken += status == REEVE_OK;
	s.died |= (uint32_t)(status == REEVE_EOWNERDIED) << self;
	model_check(s.woken <= s.given, "woken by nobody");
	model_check(reeve_lock_is_mine(&s.lock), "it has the lock again");
	model_check(reeve_lock_release(&s.lock) == REEVE_OK, "released");
}

static void
wait_for_ever(unsigned self)
{
	wait_with(self, REEVE_FOREVER);
}

static void
wait_for_a_while(unsigned self)
{
	wait_with(self, REEVE_MS(1));
}

static void
notify(unsigned self)
{
	unsigned n;

	(void)self;
	model_check(
	    got(reeve_lock_acquire(&s.lock, REEVE_FOREVER)), "acquired");
	n = n_waiting();
	s.given += n > 0;
	model_check(
	    reeve_condition_notify(&s.condition, 1) == REEVE_OK, "notified");
	model_check(reeve_lock_release(&s.lock) == REEVE_OK, "released");
}

/* Those who wait in the end may: nobody is owed a wake-up. */
static bool
none_owed(void)
{
	return s.woken + (s.died != 0) >= s.given || n_waiting() == 0;
}

/* It has left its place, and so has woken: but not told us yet. */
static bool
is_counting(unsigned process)
{
	for (unsigned i = 0; i < 3; i++) {
		const struct reeve_place *place = &s.places[i];

		if (place->use != 0 && rv_mutex_owner(*rv_mutex_word(
					   &place->alive)) == process + 1) {
			return false;
		}
	}
	return s.waiting >> process & 1 &&
	       rv_mutex_owner(*rv_mutex_word(&s.lock.main)) == process + 1;
}

/* Who comes after a death is owed nothing: so both are there before. */
static void
notify_two(unsigned self)
{
	model_check(
	    got(reeve_lock_acquire(&s.lock, REEVE_FOREVER)), "acquired");
	if (n_waiting() == 2) {
		s.given++;
		model_check(reeve_condition_notify(&s.condition, 1) == REEVE_OK,
		    "notified");
	}
	model_check(reeve_lock_release(&s.lock) == REEVE_OK, "released");
	(void)self;
}

const struct model model_condition_pass = { .name = "condition_pass",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { wait_for_ever, wait_for_ever, notify_two },
	.stuck = none_owed,
	.crashes = 1,
	.mortal = 1 | 2,
	.immortal = is_counting };

const struct model model_condition_exact = { .name = "condition_exact",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { wait_for_ever, wait_for_a_while, notify },
	.stuck = none_owed };
