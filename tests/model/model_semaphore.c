/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/semaphore.c: who waits gets the unit, whoever dies;
 * units are neither lost nor made.
 */
#include "config.h"

#include <reeve/lock.h>

#include "model/models.h"

static struct {
	struct reeve_semaphore semaphore;
	struct reeve_place places[3];
	uint32_t given, taken, within;
} s;

static void
start_with(uint32_t value, uint32_t max, uint32_t places)
{
	struct reeve_semaphore_options options = { .size = sizeof(options),
		.value = value,
		.max = max,
		.return_dead = places > 0 ? s.places : NULL,
		.n_return_dead = places };

	model_check(reeve_semaphore_init(&s.semaphore, &options) == REEVE_OK,
	    "not initialised");
}

static void
start_empty(void)
{
	start_with(0, 0, 0);
}

static void
release(unsigned self)
{
	(void)self;
	model_check(
	    reeve_semaphore_release(&s.semaphore, 1) == REEVE_OK, "released");
	s.given++;
}

static void
acquire(unsigned self)
{
	(void)self;
	model_check(
	    reeve_semaphore_acquire(&s.semaphore, REEVE_FOREVER) == REEVE_OK,
	    "acquired");
	s.taken++;
}

/* Two releases by those who live are enough for two who wait. */
static bool
too_few(void)
{
	return s.given < 2 && s.taken >= s.given &&
	       reeve_semaphore_value(&s.semaphore) == 0;
}

/* One who dies after it took a unit has it for ever. */
const struct model model_semaphore_release = { .name = "semaphore_release",
	.shared = &s,
	.size = sizeof(s),
	.start = start_empty,
	.run = { release, release, acquire, acquire },
	.stuck = too_few,
	.crashes = 1,
	.mortal = 1 | 4 };

static void
try_for_a_while(unsigned self)
{
	enum reeve_status status =
	    reeve_semaphore_acquire(&s.semaphore, REEVE_MS(1));

	(void)self;
	model_check(
	    status == REEVE_OK || status == REEVE_ETIMEDOUT, "an odd status");
	s.taken += status == REEVE_OK;
}

static void
all_there(void)
{
	model_check(reeve_semaphore_value(&s.semaphore) == s.given - s.taken,
	    "a unit is lost, or too many");
}

const struct model model_semaphore_timeouts = { .name = "semaphore_timeouts",
	.shared = &s,
	.size = sizeof(s),
	.start = start_empty,
	.run = { try_for_a_while, try_for_a_while, release, release },
	.end = all_there };

static void
start_one(void)
{
	start_with(1, 0, 3);
}

static void
use(unsigned self)
{
	model_check(
	    reeve_semaphore_acquire(&s.semaphore, REEVE_FOREVER) == REEVE_OK,
	    "acquired");
	model_check(s.within == 0 || model_is_dead(s.within - 1), "two units");
	s.within = self + 1;
	model_pause();
	s.within = 0;
	model_check(
	    reeve_semaphore_release(&s.semaphore, 1) == REEVE_OK, "released");
}

static void
one_there(void)
{
	model_check(
	    reeve_semaphore_value(&s.semaphore) == 1, "the unit is lost");
}

const struct model model_semaphore_dead = { .name = "semaphore_dead",
	.shared = &s,
	.size = sizeof(s),
	.start = start_one,
	.run = { use, use, use },
	.end = one_there,
	.crashes = 2 };
