/* SPDX-License-Identifier: MIT */
/*
 * Models of algorithms that are wrong, for the checker itself: it is to find
 * what is wrong with each; and of one that is right.
 */
#include "config.h"

#include "ipc/step.h"
#include "ipc/wait.h"
#include "model/models.h"

static struct {
	uint32_t word, sum, done;
} s;

/* Who is killed between the two lets the other one sleep for ever. */
static void
set(unsigned self)
{
	(void)self;
	rv_store(&s.word, 1);
	(void)rv_wake_word((_Atomic uint32_t *)&s.word, 2);
}

static void
wait_for_it(unsigned self)
{
	(void)self;
	while (rv_load(&s.word) == 0) {
		(void)rv_wait_word((_Atomic uint32_t *)&s.word, 0, RV_FOREVER);
	}
}

static bool
is_clear(void)
{
	return s.word == 0;
}

const struct model model_toy_flag = { .name = "toy_flag",
	.shared = &s,
	.size = sizeof(s),
	.run = { set, wait_for_it },
	.stuck = is_clear,
	.crashes = 1,
	.quiet = true };

const struct model model_toy_sound = { .name = "toy_sound",
	.shared = &s,
	.size = sizeof(s),
	.run = { set, wait_for_it, wait_for_it },
	.stuck = is_clear,
	.crashes = 1,
	.mortal = 2 | 4 };

static void
add(unsigned self)
{
	(void)self;
	rv_store(&s.sum, rv_load(&s.sum) + 1);
	s.done++;
}

static void
all_added(void)
{
	model_check(s.sum == s.done, "one is lost");
}

const struct model model_toy_count = { .name = "toy_count",
	.shared = &s,
	.size = sizeof(s),
	.run = { add, add },
	.end = all_added,
	.quiet = true };
