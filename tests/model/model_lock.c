/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/lock.c: exclusion, that each death is told once, and
 * that the one who is hungry is next; the same of recursive locks, which stay
 * held until the last release, however many acquired them before a death.
 */
#include "config.h"

#include <reeve/lock.h>

#include "ipc/mutex.h"
#include "model/models.h"

static struct {
	struct reeve_lock lock;
	struct reeve_rlock rlock;
	uint32_t in;   /* 1 + who is within */
	uint32_t a, b; /* equal but within */
	uint32_t torn; /* deaths within, not told yet */
	uint32_t overtaken;
} s;

static void
start(void)
{
	reeve_lock_init(&s.lock);
}

/* Within: what is read was left whole, or the death is told. */
static void
within(unsigned self, enum reeve_status status)
{
	bool died = s.in != 0 && model_is_dead(s.in - 1);

	model_check(s.in == 0 || died, "two within");
	model_check(
	    status == REEVE_OK || status == REEVE_EOWNERDIED, "an odd status");
	model_check(!died || status == REEVE_EOWNERDIED, "a death not told");
	s.in = self + 1;
	rv_store(&s.a, s.a + 1);
	rv_store(&s.b, s.a);
	s.in = 0;
}

static void
once(unsigned self)
{
	within(self, reeve_lock_acquire(&s.lock, REEVE_FOREVER));
	model_check(reeve_lock_release(&s.lock) == REEVE_OK, "not released");
}

static void
twice(unsigned self)
{
	once(self);
	once(self);
}

static void
free_in_the_end(void)
{
	enum reeve_status status = reeve_lock_acquire(&s.lock, 0);

	model_check(status == REEVE_OK || status == REEVE_EOWNERDIED,
	    "not free in the end");
}

const struct model model_lock_exclusion = { .name = "lock_exclusion",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { twice, once, once },
	.end = free_in_the_end,
	.crashes = 2 };

static void
impatient(unsigned self)
{
	enum reeve_status status = reeve_lock_acquire(&s.lock, REEVE_S(1));

	if (status == REEVE_ETIMEDOUT) {
		return;
	}
	within(self, status);
	model_check(reeve_lock_release(&s.lock) == REEVE_OK, "not released");
}

static void
forgotten_in_the_end(void)
{
	free_in_the_end();
	(void)reeve_lock_release(&s.lock);
	/* whoever comes next clears it, if one died hungry */
	model_check(s.lock.hungry == 0, "hungry for ever");
}

const struct model model_lock_timeouts = { .name = "lock_timeouts",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { impatient, impatient, once },
	.end = forgotten_in_the_end,
	.crashes = 1 };

/* --- recursive ones ------------------------------------------------------ */

static void
start_recursive(void)
{
	reeve_rlock_init(&s.rlock);
}

/* Acquired: twice more within, and the release of those keeps it. */
static void
within_again(unsigned self, enum reeve_status status)
{
	bool died = s.in != 0 && model_is_dead(s.in - 1);

	model_check(s.in == 0 || died, "two within");
	model_check(
	    status == REEVE_OK || status == REEVE_EOWNERDIED, "an odd status");
	model_check(!died || status == REEVE_EOWNERDIED, "a death not told");
	s.in = self + 1;
	rv_store(&s.a, s.a + 1);
	for (int i = 0; i < 2; i++) {
		model_check(
		    reeve_rlock_acquire(&s.rlock, i * REEVE_S(1)) == REEVE_OK,
		    "not acquired again");
	}
	for (int i = 0; i < 2; i++) {
		model_check(reeve_rlock_release(&s.rlock) == REEVE_OK,
		    "not released once");
		model_check(s.in == self + 1, "let go too early");
	}
	model_pause();
	rv_store(&s.b, s.a);
	s.in = 0;
	model_check(reeve_rlock_release(&s.rlock) == REEVE_OK, "not released");
}

static void
again(unsigned self)
{
	within_again(self, reeve_rlock_acquire(&s.rlock, REEVE_FOREVER));
}

static void
impatient_again(unsigned self)
{
	enum reeve_status status = reeve_rlock_acquire(&s.rlock, REEVE_S(1));

	if (status != REEVE_ETIMEDOUT) {
		within_again(self, status);
	}
}

static void
recursive_is_free(void)
{
	enum reeve_status status = reeve_rlock_acquire(&s.rlock, 0);

	model_check(status == REEVE_OK || status == REEVE_EOWNERDIED,
	    "not free in the end");
	model_check(reeve_rlock_release(&s.rlock) == REEVE_OK &&
			reeve_rlock_release(&s.rlock) == REEVE_ENOTHELD,
	    "more often held than acquired");
}

const struct model model_rlock_exclusion = { .name = "rlock_exclusion",
	.shared = &s,
	.size = sizeof(s),
	.start = start_recursive,
	.run = { again, again, again },
	.end = recursive_is_free,
	.crashes = 2,
	.mortal = 1 | 2 };

const struct model model_rlock_long = { .name = "rlock_long",
	.shared = &s,
	.size = sizeof(s),
	.start = start_recursive,
	.run = { again, impatient_again, impatient_again },
	.end = recursive_is_free,
	.crashes = 3 };

const struct model model_rlock_timeouts = { .name = "rlock_timeouts",
	.shared = &s,
	.size = sizeof(s),
	.start = start_recursive,
	.run = { again, impatient_again, impatient_again },
	.end = recursive_is_free,
	.crashes = 1,
	.mortal = 1 };

/* --- who is hungry ---------------------------------------------------------
 */

#define WAITER 0

static void
wait_once(unsigned self)
{
	once(self);
	s.overtaken = 1; /* from now on that is no overtaking */
}

static bool
is_hungry(void)
{
	return s.lock.hungry != 0 && s.overtaken == 0 &&
	       rv_mutex_owner(*rv_mutex_word(&s.lock.gate)) == WAITER + 1;
}

static void
greedy(unsigned self)
{
	for (int i = 0; i < 2; i++) {
		bool before = is_hungry();
		enum reeve_status status =
		    reeve_lock_acquire(&s.lock, REEVE_FOREVER);

		model_check(!before || !is_hungry() || model_is_dead(WAITER),
		    "a hungry one was overtaken");
		within(self, status);
		(void)reeve_lock_release(&s.lock);
	}
}

const struct model model_lock_fairness = { .name = "lock_fairness",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { wait_once, greedy, greedy },
	.end = free_in_the_end,
	.crashes = 1 };
