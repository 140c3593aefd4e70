/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/flag.c: who waits wakes, though the one who set it was
 * killed within, or somebody cleared it at once.
 */
#include "config.h"

#include <reeve/lock.h>

#include "model/models.h"

static struct {
	struct reeve_flag flag;
	uint32_t begun; /* sets that have begun */
	uint32_t set;   /* sets that are done */
} s;

static void
start(void)
{
	reeve_flag_init(&s.flag);
}

static void
set(unsigned self)
{
	(void)self;
	s.begun++;
	reeve_flag_set(&s.flag);
	s.set++;
}

static void
wait_for_set(unsigned self)
{
	(void)self;
	model_check(
	    reeve_flag_wait(&s.flag, REEVE_FOREVER) == REEVE_OK, "woken");
	model_check(s.begun > 0, "woken by nobody");
}

static bool
never_set(void)
{
	return !reeve_flag_is_set(&s.flag) && s.set == 0;
}

const struct model model_flag_set = { .name = "flag_set",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { set, set, wait_for_set, wait_for_set },
	.stuck = never_set,
	.crashes = 2,
	.spurious = true };

static void
set_and_clear(unsigned self)
{
	set(self);
	reeve_flag_clear(&s.flag);
	set(self);
	reeve_flag_clear(&s.flag);
}

/* Those may wait for ever since whose falling asleep nothing has happened. */
static bool
too_late(void)
{
	for (unsigned i = 1; i < 3; i++) {
		if (model_is_blocked(i) && model_slept_on(i) != s.flag.word) {
			return false;
		}
	}
	return !reeve_flag_is_set(&s.flag);
}

const struct model model_flag_clear = { .name = "flag_clear",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { set_and_clear, wait_for_set, wait_for_set },
	.stuck = too_late,
	.crashes = 1,
	.spurious = true };
