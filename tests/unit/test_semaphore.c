/* SPDX-License-Identifier: MIT */
/*
 * Semaphores: their values, plain and bounded, between processes, and what
 * comes back from the dead.
 */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <reeve/lock.h>

#include "base/fault.h"
#include "unit/crew_rig.h"

#define PLACES 4

struct table {
	struct reeve_semaphore semaphore;
	struct reeve_place places[PLACES];
	uint32_t ready, within, most, done;
};

static struct table *
new_table(uint32_t value, uint32_t max, bool return_dead)
{
	struct table *t = crew_share(sizeof(*t));
	struct reeve_semaphore_options options = {
		.size = sizeof(options), .value = value, .max = max
	};

	if (return_dead) {
		options.return_dead = t->places;
		options.n_return_dead = PLACES;
	}
	CU_ASSERT_EQUAL(
	    reeve_semaphore_init(&t->semaphore, &options), REEVE_OK);
	return t;
}

static void
free_table(struct table *t)
{
	crew_unshare(t, sizeof(*t));
}

static void
expect_value(struct table *t, uint32_t value)
{
	CU_ASSERT_EQUAL(reeve_semaphore_value(&t->semaphore), value);
}

/* All but the first unit, which the test has. */
static int
count_down_and_up(void *ctx)
{
	struct reeve_semaphore *s = &((struct table *)ctx)->semaphore;

	CREW_EXPECT(reeve_semaphore_value(s) == 1);
	CREW_EXPECT(reeve_semaphore_acquire(s, 0) == REEVE_OK);
	CREW_EXPECT(reeve_semaphore_value(s) == 0);
	CREW_EXPECT(reeve_semaphore_acquire(s, 0) == REEVE_ETIMEDOUT);
	CREW_EXPECT(reeve_semaphore_acquire(s, -1) == REEVE_ETIMEDOUT);
	CREW_EXPECT(reeve_semaphore_acquire(s, REEVE_MS(3)) == REEVE_ETIMEDOUT);
	CREW_EXPECT(reeve_semaphore_release(s, 1) == REEVE_OK);
	CREW_EXPECT(reeve_semaphore_value(s) == 1);
	return 0;
}

CREW_SCENARIO(scenario_44_a_semaphore_counts_down_and_up_and_beyond)
{
	struct table *t = new_table(2, 0, false);
	struct reeve_semaphore *s = &t->semaphore;

	expect_value(t, 2);
	CU_ASSERT_EQUAL(reeve_semaphore_acquire(s, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(crew_start(count_down_and_up, t)), 0);
	expect_value(t, 1);
	CU_ASSERT_EQUAL(reeve_semaphore_release(s, 3), REEVE_OK);
	expect_value(t, 4);
	CU_ASSERT_EQUAL(
	    reeve_semaphore_release(s, REEVE_SEMAPHORE_MAX), REEVE_EFULL);
	CU_ASSERT_EQUAL(reeve_semaphore_release(s, 0), REEVE_EINVALID);
	expect_value(t, 4);
	free_table(t);
}

static int
release_too_many(void *ctx)
{
	struct reeve_semaphore *s = &((struct table *)ctx)->semaphore;

	CREW_EXPECT(reeve_semaphore_release(s, 2) == REEVE_EFULL);
	CREW_EXPECT(reeve_semaphore_value(s) == 1);
	CREW_EXPECT(reeve_semaphore_release(s, 1) == REEVE_OK);
	CREW_EXPECT(reeve_semaphore_release(s, 1) == REEVE_EFULL);
	return 0;
}

CREW_SCENARIO(scenario_44_a_bounded_one_takes_no_more_than_it_may_hold)
{
	struct table *t = new_table(1, 2, false);
	struct reeve_semaphore *s = &t->semaphore;

	CU_ASSERT_EQUAL(crew_end(crew_start(release_too_many, t)), 0);
	CU_ASSERT_EQUAL(reeve_semaphore_release(s, 1), REEVE_EFULL);
	expect_value(t, 2);
	free_table(t);
}

static int
acquire_one(void *ctx)
{
	struct table *t = ctx;

	crew_add(&t->ready);
	return (int)reeve_semaphore_acquire(&t->semaphore, REEVE_FOREVER);
}

RV_TEST(each_of_several_released_wakes_one_and_the_dead_take_none)
{
	struct table *t = new_table(0, 0, false);
	pid_t dead[2], pid[3];

	for (int i = 0; i < 2; i++) {
		dead[i] = crew_start(acquire_one, t);
		CU_ASSERT_TRUE(crew_asleep(dead[i]));
	}
	for (int i = 0; i < 3; i++) {
		pid[i] = crew_start(acquire_one, t);
	}
	CU_ASSERT_TRUE(crew_reached(&t->ready, 5));
	crew_kill(dead[0]);
	crew_kill(dead[1]);
	CU_ASSERT_EQUAL(reeve_semaphore_release(&t->semaphore, 3), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	expect_value(t, 0);
	free_table(t);
}

static int
use_many(void *ctx)
{
	struct table *t = ctx;

	for (int i = 0; i < 500; i++) {
		enum reeve_status status;
		uint32_t now;

		REEVE_HOLD_SEMAPHORE(&t->semaphore, REEVE_FOREVER, &status);
		if (status != REEVE_OK) {
			return 1;
		}
		now = __atomic_add_fetch(&t->within, 1, __ATOMIC_SEQ_CST);
		if (now > 2) {
			return 2;
		}
		(void)__atomic_sub_fetch(&t->within, 1, __ATOMIC_SEQ_CST);
	}
	return 0;
}

static void
two_at_most(bool return_dead)
{
	struct table *t = new_table(2, 0, return_dead);
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = crew_start(use_many, t);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	expect_value(t, 2);
	free_table(t);
}

RV_TEST(no_more_are_within_than_there_are_units)
{
	two_at_most(false);
	two_at_most(true);
}

static int
hold_two(void *ctx)
{
	struct table *t = ctx;

	if (reeve_semaphore_acquire(&t->semaphore, 0) != REEVE_OK ||
	    reeve_semaphore_acquire(&t->semaphore, 0) != REEVE_OK) {
		return 1;
	}
	crew_add(&t->ready);
	for (;;) {
		(void)pause();
	}
}

static void
come_back(void)
{
	struct table *t = new_table(2, 0, true);
	pid_t holder = crew_start(hold_two, t), waiter;

	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	expect_value(t, 0);
	CU_ASSERT_EQUAL(
	    reeve_semaphore_acquire(&t->semaphore, 0), REEVE_ETIMEDOUT);
	waiter = crew_start(acquire_one, t);
	CU_ASSERT_TRUE(crew_asleep(waiter));
	crew_kill(holder);
	CU_ASSERT_EQUAL(crew_end(waiter), 0);
	/* that one exited with its unit, which is back as well */
	expect_value(t, 2);
	CU_ASSERT_EQUAL(reeve_semaphore_acquire(&t->semaphore, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_semaphore_release(&t->semaphore, 1), REEVE_OK);
	free_table(t);
}

RV_TEST(units_of_the_dead_come_back_to_those_who_wait)
{
	come_back();
}

RV_TEST(they_come_back_where_the_kernel_watches_one_word_only)
{
	CU_ASSERT_TRUE(rv_fault_set("futex_waitv=ENOSYS"));
	come_back();
	CU_ASSERT_TRUE(rv_fault_set(NULL));
}

RV_TEST(units_that_come_back_are_released_by_who_holds_them)
{
	struct table *t = new_table(2, 0, true);
	pid_t holder = crew_start(hold_two, t);

	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	CU_ASSERT_EQUAL(
	    reeve_semaphore_release(&t->semaphore, 1), REEVE_ENOTHELD);
	crew_kill(holder);
	CU_ASSERT_EQUAL(
	    reeve_semaphore_acquire(&t->semaphore, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_semaphore_release(&t->semaphore, 2), REEVE_ENOTHELD);
	CU_ASSERT_EQUAL(reeve_semaphore_release(&t->semaphore, 1), REEVE_OK);
	expect_value(t, 2);
	free_table(t);
}

RV_TEST(a_semaphore_is_not_made_of_nonsense)
{
	struct reeve_semaphore s;
	struct reeve_place places[2];
	struct reeve_semaphore_options o = { .size = sizeof(o) };

	memset(&s, 0, sizeof(s));
	CU_ASSERT_EQUAL(reeve_semaphore_acquire(&s, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_semaphore_release(&s, 1), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_semaphore_value(&s), 0);
	CU_ASSERT_EQUAL(reeve_semaphore_init(NULL, &o), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_semaphore_init(&s, NULL), REEVE_EINVALID);
	o.value = 3;
	o.max = 2;
	CU_ASSERT_EQUAL(reeve_semaphore_init(&s, &o), REEVE_EINVALID);
	o.value = 1;
	o.n_return_dead = 2;
	CU_ASSERT_EQUAL(reeve_semaphore_init(&s, &o), REEVE_EINVALID);
	o.return_dead = places;
	o.n_return_dead = REEVE_PLACES_MAX + 1;
	CU_ASSERT_EQUAL(reeve_semaphore_init(&s, &o), REEVE_EINVALID);
	o.size = 0;
	o.n_return_dead = 2;
	CU_ASSERT_EQUAL(reeve_semaphore_init(&s, &o), REEVE_EINVALID);
}

RV_SUITE(semaphore,
    RV_CASE(scenario_44_a_semaphore_counts_down_and_up_and_beyond),
    RV_CASE(scenario_44_a_bounded_one_takes_no_more_than_it_may_hold),
    RV_CASE(each_of_several_released_wakes_one_and_the_dead_take_none),
    RV_CASE(no_more_are_within_than_there_are_units),
    RV_CASE(units_of_the_dead_come_back_to_those_who_wait),
    RV_CASE(they_come_back_where_the_kernel_watches_one_word_only),
    RV_CASE(units_that_come_back_are_released_by_who_holds_them),
    RV_CASE(a_semaphore_is_not_made_of_nonsense))
