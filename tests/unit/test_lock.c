/* SPDX-License-Identifier: MIT */
/*
 * Locks and recursive locks: between processes, at their holder's death, with
 * timeouts, among greedy ones, in scopes; and who may not.
 */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <reeve/lock.h>

#include "unit/crew_rig.h"

struct table {
	struct reeve_lock lock;
	struct reeve_rlock rlock;
	uint32_t ready, go, sum, hungry;
	uint32_t pair[2]; /* equal but under the lock */
};

static struct table *
new_table(void)
{
	struct table *t = crew_share(sizeof(*t));

	reeve_lock_init(&t->lock);
	reeve_rlock_init(&t->rlock);
	return t;
}

static void
free_table(struct table *t)
{
	crew_unshare(t, sizeof(*t));
}

/* Acquire, say so, hold it until killed. */
static int
hold(void *ctx)
{
	struct table *t = ctx;

	if (reeve_lock_acquire(&t->lock, REEVE_FOREVER) != REEVE_OK) {
		return 1;
	}
	crew_add(&t->ready);
	for (;;) {
		(void)pause();
	}
}

RV_TEST(a_lock_is_held_by_one_and_released_by_that_one)
{
	struct table *t = new_table();

	CU_ASSERT_FALSE(reeve_lock_is_held(&t->lock));
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_ENOTHELD);
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_OK);
	CU_ASSERT_TRUE(reeve_lock_is_held(&t->lock));
	CU_ASSERT_TRUE(reeve_lock_is_mine(&t->lock));
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_EBUSY);
	CU_ASSERT_EQUAL(
	    reeve_lock_acquire(&t->lock, REEVE_FOREVER), REEVE_EBUSY);
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_ENOTHELD);
	CU_ASSERT_FALSE(reeve_lock_is_held(&t->lock));
	free_table(t);
}

CREW_SCENARIO(
    scenario_46_61_a_held_lock_is_seen_and_its_holders_death_is_told_once)
{
	struct table *t = new_table();
	pid_t pid = crew_start(hold, t);

	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	CU_ASSERT_TRUE(reeve_lock_is_held(&t->lock));
	CU_ASSERT_FALSE(reeve_lock_is_mine(&t->lock));
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_ENOTHELD);
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, -7), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(
	    reeve_lock_acquire(&t->lock, REEVE_MS(5)), REEVE_ETIMEDOUT);
	crew_kill(pid);
	CU_ASSERT_FALSE(reeve_lock_is_held(&t->lock));
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_EOWNERDIED);
	CU_ASSERT_TRUE(reeve_lock_is_mine(&t->lock));
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	free_table(t);
}

static int
get_after_death(void *ctx)
{
	struct table *t = ctx;

	return reeve_lock_acquire(&t->lock, REEVE_FOREVER) == REEVE_EOWNERDIED
		   ? (int)reeve_lock_release(&t->lock)
		   : 1;
}

CREW_SCENARIO(scenario_61_one_who_waits_is_woken_by_the_death_of_the_holder)
{
	struct table *t = new_table();
	pid_t holder = crew_start(hold, t), waiter;

	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	waiter = crew_start(get_after_death, t);
	CU_ASSERT_TRUE(crew_asleep(waiter));
	crew_kill(holder);
	CU_ASSERT_EQUAL(crew_end(waiter), 0);
	free_table(t);
}

static int
wait_for_it(void *ctx)
{
	struct table *t = ctx;

	return (int)reeve_lock_acquire(&t->lock, REEVE_FOREVER);
}

RV_TEST(the_death_of_one_who_waits_stops_nobody)
{
	struct table *t = new_table();
	pid_t dead[3], last;

	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		dead[i] = crew_start(wait_for_it, t);
		CU_ASSERT_TRUE(crew_asleep(dead[i]));
	}
	last = crew_start(wait_for_it, t);
	CU_ASSERT_TRUE(crew_asleep(last));
	for (int i = 0; i < 3; i++) {
		crew_kill(dead[i]);
	}
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	/* it exits without a release */
	CU_ASSERT_EQUAL(crew_end(last), 0);
	CU_ASSERT_EQUAL(
	    reeve_lock_acquire(&t->lock, REEVE_FOREVER), REEVE_EOWNERDIED);
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	free_table(t);
}

static int
add_many(void *ctx)
{
	struct table *t = ctx;

	for (int i = 0; i < 2000; i++) {
		enum reeve_status status =
		    reeve_lock_acquire(&t->lock, REEVE_FOREVER);

		if (status != REEVE_OK || t->pair[0] != t->pair[1]) {
			return 1;
		}
		t->pair[0]++;
		t->sum++;
		t->pair[1]++;
		if (reeve_lock_release(&t->lock) != REEVE_OK) {
			return 2;
		}
	}
	return 0;
}

RV_TEST(four_processes_count_together_without_losing_one)
{
	struct table *t = new_table();
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = crew_start(add_many, t);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	CU_ASSERT_EQUAL(t->sum, 8000);
	free_table(t);
}

/* Release and take it again at once, until told to stop. */
static int
be_greedy(void *ctx)
{
	struct table *t = ctx;

	while (crew_value(&t->go) == 0) {
		if (reeve_lock_acquire(&t->lock, REEVE_FOREVER) != REEVE_OK) {
			return 1;
		}
		for (volatile int i = 0; i < 2000; i++) {
		}
		crew_add(&t->sum);
		(void)reeve_lock_release(&t->lock);
	}
	return 0;
}

RV_TEST(one_who_has_waited_long_gets_it_from_greedy_ones)
{
	struct table *t = new_table();
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = crew_start(be_greedy, t);
	}
	CU_ASSERT_TRUE(crew_reached(&t->sum, 1000));
	for (int i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(
		    reeve_lock_acquire(&t->lock, REEVE_S(60)), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	}
	crew_add(&t->go);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	free_table(t);
}

RV_TEST(a_hungry_one_goes_before_those_who_come_later)
{
	struct table *t = new_table();
	pid_t hungry;

	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_OK);
	hungry = crew_start(wait_for_it, t);
	CU_ASSERT_TRUE(crew_reached(&t->lock.hungry, 1));
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	/* whatever the scheduler does: that one had it before us, and exited */
	CU_ASSERT_EQUAL(
	    reeve_lock_acquire(&t->lock, REEVE_FOREVER), REEVE_EOWNERDIED);
	CU_ASSERT_EQUAL(t->lock.hungry, 0);
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(hungry), 0);
	free_table(t);
}

RV_TEST(a_hungry_one_that_died_or_gave_up_is_forgotten)
{
	struct table *t = new_table();
	pid_t pid = crew_start(hold, t), hungry;

	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	hungry = crew_start(wait_for_it, t);
	CU_ASSERT_TRUE(crew_reached(&t->lock.hungry, 1));
	crew_kill(hungry);
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(
	    reeve_lock_acquire(&t->lock, REEVE_MS(3)), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(t->lock.hungry, 0);
	crew_kill(pid);
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_EOWNERDIED);
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	free_table(t);
}

static int
take_rlock(void *ctx)
{
	struct table *t = ctx;
	enum reeve_status status = reeve_rlock_acquire(&t->rlock, 0);

	if (reeve_rlock_release(&t->rlock) != REEVE_ENOTHELD) {
		return 50;
	}
	return -(int)status;
}

CREW_SCENARIO(scenario_43_an_rlock_is_free_after_as_many_releases)
{
	struct table *t = new_table();

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(
		    reeve_rlock_acquire(&t->rlock, REEVE_FOREVER), REEVE_OK);
	}
	CU_ASSERT_TRUE(reeve_rlock_is_held(&t->rlock));
	CU_ASSERT_TRUE(reeve_rlock_is_mine(&t->rlock));
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(
		    crew_end(crew_start(take_rlock, t)), -REEVE_ETIMEDOUT);
		CU_ASSERT_EQUAL(reeve_rlock_release(&t->rlock), REEVE_OK);
	}
	CU_ASSERT_EQUAL(reeve_rlock_release(&t->rlock), REEVE_ENOTHELD);
	CU_ASSERT_FALSE(reeve_rlock_is_held(&t->rlock));
	free_table(t);
}

static int
die_with_rlock(void *ctx)
{
	struct table *t = ctx;

	for (int i = 0; i < 3; i++) {
		if (reeve_rlock_acquire(&t->rlock, 0) != REEVE_OK) {
			return 1;
		}
	}
	return (int)kill(getpid(), SIGKILL);
}

RV_TEST(an_rlock_of_a_dead_one_is_held_once_by_the_next)
{
	struct table *t = new_table();

	CU_ASSERT_EQUAL(crew_end(crew_start(die_with_rlock, t)), -SIGKILL);
	CU_ASSERT_EQUAL(reeve_rlock_acquire(&t->rlock, 0), REEVE_EOWNERDIED);
	CU_ASSERT_EQUAL(reeve_rlock_acquire(&t->rlock, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_rlock_release(&t->rlock), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_rlock_release(&t->rlock), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_rlock_release(&t->rlock), REEVE_ENOTHELD);
	free_table(t);
}

/* Leaves from the middle. */
static enum reeve_status
in_a_scope(struct table *t, bool leave)
{
	enum reeve_status outer, inner;

	REEVE_HOLD_LOCK(&t->lock, 0, &outer);
	if (leave) {
		return outer;
	}
	CU_ASSERT_TRUE(reeve_lock_is_mine(&t->lock));
	{
		REEVE_HOLD_RLOCK(&t->rlock, 0, &inner);
		CU_ASSERT_EQUAL(inner, REEVE_OK);
		CU_ASSERT_TRUE(reeve_rlock_is_mine(&t->rlock));
	}
	CU_ASSERT_FALSE(reeve_rlock_is_held(&t->rlock));
	return outer;
}

RV_TEST(a_scope_releases_however_it_is_left_and_only_what_it_got)
{
	struct table *t = new_table();

	CU_ASSERT_EQUAL(in_a_scope(t, true), REEVE_OK);
	CU_ASSERT_FALSE(reeve_lock_is_held(&t->lock));
	CU_ASSERT_EQUAL(in_a_scope(t, false), REEVE_OK);
	CU_ASSERT_FALSE(reeve_lock_is_held(&t->lock));
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_OK);
	CU_ASSERT_EQUAL(in_a_scope(t, true), REEVE_EBUSY);
	CU_ASSERT_TRUE(reeve_lock_is_mine(&t->lock));
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	free_table(t);
}

RV_TEST(what_was_not_initialised_is_refused)
{
	struct reeve_lock lock;
	struct reeve_rlock rlock;

	memset(&lock, 0, sizeof(lock));
	memset(&rlock, 0, sizeof(rlock));
	CU_ASSERT_EQUAL(reeve_lock_acquire(&lock, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_lock_acquire(NULL, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_lock_release(&lock), REEVE_EINVALID);
	CU_ASSERT_FALSE(reeve_lock_is_held(&lock));
	CU_ASSERT_FALSE(reeve_lock_is_mine(NULL));
	CU_ASSERT_EQUAL(reeve_rlock_acquire(&rlock, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_rlock_acquire(NULL, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_rlock_release(&rlock), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_rlock_release(NULL), REEVE_EINVALID);
	CU_ASSERT_FALSE(reeve_rlock_is_held(NULL));
	CU_ASSERT_FALSE(reeve_rlock_is_mine(NULL));
	reeve_lock_init(&lock);
	/* one is not the other */
	CU_ASSERT_EQUAL(
	    reeve_rlock_acquire((struct reeve_rlock *)(void *)&lock, 0),
	    REEVE_EINVALID);
}

/* A signal that has a handler, again and again, while it waits. */
static void
on_signal(int signo)
{
	(void)signo;
}

static int
wait_under_signals(void *ctx)
{
	struct table *t = ctx;
	struct sigaction action = { .sa_handler = on_signal };

	(void)sigaction(SIGUSR1, &action, NULL);
	crew_add(&t->ready);
	return (int)reeve_lock_acquire(&t->lock, REEVE_FOREVER);
}

RV_TEST(signals_do_not_end_a_wait)
{
	struct table *t = new_table();
	pid_t pid;

	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, 0), REEVE_OK);
	pid = crew_start(wait_under_signals, t);
	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	for (int i = 0; i < 200; i++) {
		CU_ASSERT_EQUAL(kill(pid, SIGUSR1), 0);
	}
	CU_ASSERT_TRUE(crew_asleep(pid));
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	free_table(t);
}

RV_SUITE(lock, RV_CASE(a_lock_is_held_by_one_and_released_by_that_one),
    RV_CASE(
	scenario_46_61_a_held_lock_is_seen_and_its_holders_death_is_told_once),
    RV_CASE(scenario_61_one_who_waits_is_woken_by_the_death_of_the_holder),
    RV_CASE(the_death_of_one_who_waits_stops_nobody),
    RV_CASE(four_processes_count_together_without_losing_one),
    RV_CASE(one_who_has_waited_long_gets_it_from_greedy_ones),
    RV_CASE(a_hungry_one_goes_before_those_who_come_later),
    RV_CASE(a_hungry_one_that_died_or_gave_up_is_forgotten),
    RV_CASE(scenario_43_an_rlock_is_free_after_as_many_releases),
    RV_CASE(an_rlock_of_a_dead_one_is_held_once_by_the_next),
    RV_CASE(a_scope_releases_however_it_is_left_and_only_what_it_got),
    RV_CASE(what_was_not_initialised_is_refused),
    RV_CASE(signals_do_not_end_a_wait))
