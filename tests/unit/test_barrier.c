/* SPDX-License-Identifier: MIT */
/*
 * Barriers: rounds, actions, indexes, and all that breaks them.
 */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <reeve/lock.h>

#include "base/fault.h"
#include "unit/crew_rig.h"

#define PARTIES 5
#define ROUNDS  1000

struct table {
	struct reeve_barrier barrier;
	struct reeve_place places[PARTIES + 1];
	uint32_t ready, actions, index[PARTIES], passed, go;
	uint32_t round[PARTIES]; /* where each is */
	uint32_t next;
};

static struct table *
new_table(uint32_t parties, int64_t timeout)
{
	struct table *t = crew_share(sizeof(*t));
	struct reeve_barrier_options options = { .size = sizeof(options),
		.parties = parties,
		.places = t->places,
		.n_places = PARTIES + 1,
		.timeout = timeout };

	CU_ASSERT_EQUAL(reeve_barrier_init(&t->barrier, &options), REEVE_OK);
	return t;
}

static void
free_table(struct table *t)
{
	crew_unshare(t, sizeof(*t));
}

static enum reeve_status
count_action(void *ctx)
{
	struct table *t = ctx;

	crew_add(&t->actions);
	return REEVE_OK;
}

static enum reeve_status
bad_action(void *ctx)
{
	(void)count_action(ctx);
	return REEVE_EFAILED;
}

/* 1000 rounds: nobody is ahead of another by more than the one at hand. */
static int
many_rounds(void *ctx)
{
	struct table *t = ctx;
	uint32_t self = __atomic_fetch_add(&t->next, 1, __ATOMIC_SEQ_CST);

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t index = PARTIES;

		__atomic_store_n(&t->round[self], round, __ATOMIC_SEQ_CST);
		if (reeve_barrier_wait(&t->barrier, count_action, t, &index,
			REEVE_FOREVER) != REEVE_OK ||
		    index >= PARTIES || crew_value(&t->actions) < round + 1) {
			return 1;
		}
		crew_add(&t->index[index]);
		for (uint32_t i = 0; i < PARTIES; i++) {
			uint32_t other = crew_value(&t->round[i]);

			if (other < round || other > round + 1) {
				return 2;
			}
		}
	}
	return 0;
}

CREW_SCENARIO(scenario_55_59_a_thousand_rounds_go_in_step_with_one_action_each)
{
	struct table *t = new_table(PARTIES, 0);
	pid_t pid[PARTIES];

	for (int i = 0; i < PARTIES; i++) {
		pid[i] = crew_start(many_rounds, t);
	}
	for (int i = 0; i < PARTIES; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	CU_ASSERT_EQUAL(t->actions, ROUNDS);
	for (int i = 0; i < PARTIES; i++) {
		CU_ASSERT_EQUAL(t->index[i], ROUNDS);
	}
	CU_ASSERT_FALSE(reeve_barrier_is_broken(&t->barrier));
	free_table(t);
}

static int
expect_broken(void *ctx)
{
	struct table *t = ctx;

	return reeve_barrier_wait(&t->barrier, NULL, NULL, NULL,
		   REEVE_FOREVER) == REEVE_EBROKEN
		   ? 0
		   : 1;
}

static bool
four_wait(void *ctx)
{
	struct table *t = ctx;

	return reeve_barrier_n_waiting(&t->barrier) == PARTIES - 1;
}

static void
start_four(struct table *t, pid_t *pid)
{
	for (int i = 0; i < PARTIES - 1; i++) {
		pid[i] = crew_start(expect_broken, t);
	}
	CU_ASSERT_TRUE(rv_test_wait(four_wait, t, -1, 20000));
}

static void
end_four(struct table *t, const pid_t *pid)
{
	for (int i = 0; i < PARTIES - 1; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	CU_ASSERT_EQUAL(reeve_barrier_n_waiting(&t->barrier), 0);
}

CREW_SCENARIO(scenario_56_an_abort_sends_all_away_and_a_reset_makes_it_new)
{
	struct table *t = new_table(PARTIES, 0);
	pid_t pid[PARTIES - 1];

	start_four(t, pid);
	CU_ASSERT_EQUAL(reeve_barrier_abort(&t->barrier), REEVE_OK);
	end_four(t, pid);
	CU_ASSERT_TRUE(reeve_barrier_is_broken(&t->barrier));
	CU_ASSERT_EQUAL(expect_broken(t), 0);
	CU_ASSERT_EQUAL(reeve_barrier_reset(&t->barrier), REEVE_OK);
	CU_ASSERT_FALSE(reeve_barrier_is_broken(&t->barrier));
	start_four(t, pid);
	CU_ASSERT_EQUAL(reeve_barrier_reset(&t->barrier), REEVE_OK);
	end_four(t, pid);
	CU_ASSERT_FALSE(reeve_barrier_is_broken(&t->barrier));
	free_table(t);
}

RV_TEST(one_whose_time_is_up_breaks_it)
{
	struct table *t = new_table(PARTIES, REEVE_MS(1));

	CU_ASSERT_EQUAL(
	    reeve_barrier_wait(&t->barrier, NULL, NULL, NULL, REEVE_MS(2)),
	    REEVE_EBROKEN);
	CU_ASSERT_TRUE(reeve_barrier_is_broken(&t->barrier));
	CU_ASSERT_EQUAL(reeve_barrier_reset(&t->barrier), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_barrier_wait(&t->barrier, NULL, NULL, NULL,
			    REEVE_BARRIER_DEFAULT),
	    REEVE_EBROKEN);
	free_table(t);
}

static int
time_out(void *ctx)
{
	struct table *t = ctx;

	return reeve_barrier_wait(&t->barrier, NULL, NULL, NULL, REEVE_MS(1)) ==
		       REEVE_EBROKEN
		   ? 0
		   : 1;
}

CREW_SCENARIO(scenario_58_a_timeout_of_one_reaches_those_who_have_none)
{
	struct table *t = new_table(PARTIES + 1, 0);
	pid_t pid[PARTIES - 1];

	start_four(t, pid);
	CU_ASSERT_EQUAL(crew_end(crew_start(time_out, t)), 0);
	end_four(t, pid);
	free_table(t);
}

static int
wait_until_killed(void *ctx)
{
	struct table *t = ctx;

	return (int)reeve_barrier_wait(
	    &t->barrier, NULL, NULL, NULL, REEVE_FOREVER);
}

static bool
five_wait(void *ctx)
{
	struct table *t = ctx;

	return reeve_barrier_n_waiting(&t->barrier) == PARTIES;
}

static void
die_waiting(void)
{
	struct table *t = new_table(PARTIES + 1, 0);
	pid_t pid[PARTIES - 1], dead;

	start_four(t, pid);
	dead = crew_start(wait_until_killed, t);
	CU_ASSERT_TRUE(rv_test_wait(five_wait, t, -1, 20000));
	crew_kill(dead);
	end_four(t, pid);
	CU_ASSERT_TRUE(reeve_barrier_is_broken(&t->barrier));
	free_table(t);
}

RV_TEST(the_death_of_one_who_waits_breaks_it)
{
	die_waiting();
}

RV_TEST(it_breaks_where_the_kernel_watches_one_word_only)
{
	CU_ASSERT_TRUE(rv_fault_set("futex_waitv=ENOSYS"));
	die_waiting();
	CU_ASSERT_TRUE(rv_fault_set(NULL));
}

static enum reeve_status
die_in_action(void *ctx)
{
	(void)ctx;
	(void)kill(getpid(), SIGKILL);
	return REEVE_OK;
}

static int
last_and_die(void *ctx)
{
	struct table *t = ctx;

	return (int)reeve_barrier_wait(
	    &t->barrier, die_in_action, NULL, NULL, REEVE_FOREVER);
}

RV_TEST(an_action_that_fails_or_kills_breaks_it)
{
	struct table *t = new_table(PARTIES, 0);
	pid_t pid[PARTIES - 1];

	start_four(t, pid);
	CU_ASSERT_EQUAL(
	    reeve_barrier_wait(&t->barrier, bad_action, t, NULL, REEVE_FOREVER),
	    REEVE_EBROKEN);
	end_four(t, pid);
	CU_ASSERT_EQUAL(t->actions, 1);
	CU_ASSERT_EQUAL(reeve_barrier_reset(&t->barrier), REEVE_OK);
	start_four(t, pid);
	CU_ASSERT_EQUAL(crew_end(crew_start(last_and_die, t)), -SIGKILL);
	end_four(t, pid);
	free_table(t);
}

/* It joins, and works on something else. */
static int
join_and_work(void *ctx)
{
	struct table *t = ctx;

	if (reeve_barrier_join(&t->barrier) != REEVE_OK ||
	    reeve_barrier_join(&t->barrier) != REEVE_EBUSY) {
		return 1;
	}
	crew_add(&t->ready);
	for (;;) {
		(void)pause();
	}
}

RV_TEST(one_that_has_joined_breaks_it_by_its_death_wherever_it_is)
{
	struct table *t = new_table(PARTIES, 0);
	pid_t pid[PARTIES - 1], member = crew_start(join_and_work, t);

	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	start_four(t, pid);
	crew_kill(member);
	end_four(t, pid);
	free_table(t);
}

static int
join_and_leave(void *ctx)
{
	struct table *t = ctx;

	if (reeve_barrier_leave(&t->barrier) != REEVE_ENOTHELD ||
	    reeve_barrier_join(&t->barrier) != REEVE_OK) {
		return 1;
	}
	return -(int)reeve_barrier_leave(&t->barrier);
}

RV_TEST(one_that_has_left_does_not)
{
	struct table *t = new_table(1, 0);
	uint32_t index = 9;

	CU_ASSERT_EQUAL(crew_end(crew_start(join_and_leave, t)), 0);
	CU_ASSERT_EQUAL(reeve_barrier_join(&t->barrier), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_barrier_wait(&t->barrier, count_action, t, &index, 0),
	    REEVE_OK);
	CU_ASSERT_EQUAL(index, 0);
	CU_ASSERT_EQUAL(t->actions, 1);
	CU_ASSERT_EQUAL(reeve_barrier_leave(&t->barrier), REEVE_OK);
	free_table(t);
}

RV_TEST(a_barrier_is_not_made_of_nonsense)
{
	struct table *t = new_table(1, 0);
	struct reeve_barrier_options o = { .size = sizeof(o),
		.parties = 2,
		.places = t->places,
		.n_places = 1 };
	struct reeve_barrier none;

	memset(&none, 0, sizeof(none));
	CU_ASSERT_EQUAL(reeve_barrier_init(&none, &o), REEVE_EINVALID);
	o.n_places = REEVE_PLACES_MAX + 1;
	CU_ASSERT_EQUAL(reeve_barrier_init(&none, &o), REEVE_EINVALID);
	o.n_places = 2;
	o.parties = 0;
	CU_ASSERT_EQUAL(reeve_barrier_init(&none, &o), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_barrier_init(&none, NULL), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_barrier_wait(&none, NULL, NULL, NULL, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_barrier_abort(&none), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_barrier_reset(NULL), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_barrier_join(&none), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_barrier_leave(&none), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_barrier_n_waiting(&none), 0);
	CU_ASSERT_FALSE(reeve_barrier_is_broken(&none));
	free_table(t);
}

RV_SUITE(barrier,
    RV_CASE(scenario_55_59_a_thousand_rounds_go_in_step_with_one_action_each),
    RV_CASE(scenario_56_an_abort_sends_all_away_and_a_reset_makes_it_new),
    RV_CASE(one_whose_time_is_up_breaks_it),
    RV_CASE(scenario_58_a_timeout_of_one_reaches_those_who_have_none),
    RV_CASE(the_death_of_one_who_waits_breaks_it),
    RV_CASE(it_breaks_where_the_kernel_watches_one_word_only),
    RV_CASE(an_action_that_fails_or_kills_breaks_it),
    RV_CASE(one_that_has_joined_breaks_it_by_its_death_wherever_it_is),
    RV_CASE(one_that_has_left_does_not),
    RV_CASE(a_barrier_is_not_made_of_nonsense))
