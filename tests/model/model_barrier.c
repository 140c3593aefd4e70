/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/ipc/barrier.c: all of a round go on, or none of them; each
 * round has one action; nobody waits for the dead.
 */
#include "config.h"

#include <reeve/lock.h>

#include "model/models.h"

static struct {
	struct reeve_barrier barrier;
	struct reeve_place places[3];
	uint32_t actions;
	uint32_t passed[2]; /* went on from round 0, 1 */
	uint32_t index[2];  /* bits of those given */
	uint32_t joined, came;
} s;

static void
start(void)
{
	struct reeve_barrier_options options = { .size = sizeof(options),
		.parties = 2,
		.places = s.places,
		.n_places = 3 };

	model_check(reeve_barrier_init(&s.barrier, &options) == REEVE_OK,
	    "not initialised");
}

static enum reeve_status
act(void *ctx)
{
	(void)ctx;
	s.actions++;
	model_pause();
	return REEVE_OK;
}

static enum reeve_status
wait_in(unsigned round, int64_t timeout)
{
	uint32_t index = 9;
	enum reeve_status status =
	    reeve_barrier_wait(&s.barrier, act, NULL, &index, timeout);

	if (status == REEVE_OK) {
		model_check(index < 2 && !(s.index[round] >> index & 1),
		    "an index of its own");
		s.index[round] |= 1U << index;
		s.passed[round]++;
		model_check(s.actions > round, "the action came first");
	}
	return status;
}

static void
two_rounds(unsigned self)
{
	(void)self;
	for (unsigned round = 0; round < 2; round++) {
		model_check(
		    wait_in(round, REEVE_FOREVER) == REEVE_OK, "a round");
		model_check(s.actions <= round + 2, "too many actions");
	}
}

static void
two_actions(void)
{
	model_check(s.actions == 2, "two actions");
}

const struct model model_barrier_rounds = { .name = "barrier_rounds",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { two_rounds, two_rounds },
	.end = two_actions,
	.spurious = true };

static void
joined_rounds(unsigned self)
{
	enum reeve_status status;

	model_check(reeve_barrier_join(&s.barrier) == REEVE_OK, "joined");
	s.joined |= 1U << self;
	for (unsigned round = 0; round < 2; round++) {
		status = wait_in(round, REEVE_FOREVER);
		model_check(status == REEVE_OK || status == REEVE_EBROKEN,
		    "an odd status");
		if (status != REEVE_OK) {
			return;
		}
	}
}

/* The other one had not joined yet. */
static bool
unknown(void)
{
	return s.joined != 3;
}

const struct model model_barrier_deaths = { .name = "barrier_deaths",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { joined_rounds, joined_rounds },
	.stuck = unknown,
	.crashes = 1 };

static void
one_round(unsigned self)
{
	enum reeve_status status = wait_in(0, REEVE_FOREVER);

	(void)self;
	model_check(
	    status == REEVE_OK || status == REEVE_EBROKEN, "an odd status");
	s.came += status == REEVE_EBROKEN;
}

static void
reset(unsigned self)
{
	(void)self;
	model_check(reeve_barrier_reset(&s.barrier) == REEVE_OK, "reset");
}

/* One was sent away: the other may wait for its like. */
static bool
one_is_missing(void)
{
	return s.came == 1 && s.passed[0] == 0;
}

static void
both_or_none(void)
{
	model_check(s.passed[0] != 1, "one alone went on");
}

const struct model model_barrier_reset = { .name = "barrier_reset",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { one_round, one_round, reset },
	.end = both_or_none,
	.stuck = one_is_missing,
	.crashes = 1,
	.mortal = 4 };
