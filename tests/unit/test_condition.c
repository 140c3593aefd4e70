/* SPDX-License-Identifier: MIT */
/*
 * Conditions and flags: who is woken, who is not, what deaths and timeouts do
 * to it.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <reeve/lock.h>

#include "base/fault.h"
#include "unit/crew_rig.h"

#define PLACES 8

struct table {
	struct reeve_lock lock;
	struct reeve_condition condition;
	struct reeve_place places[PLACES];
	struct reeve_flag flag;
	uint32_t waiting, woken, state, ready;
};

static struct table *
new_table(void)
{
	struct table *t = crew_share(sizeof(*t));

	reeve_lock_init(&t->lock);
	reeve_flag_init(&t->flag);
	CU_ASSERT_EQUAL(
	    reeve_condition_init(&t->condition, &t->lock, t->places, PLACES),
	    REEVE_OK);
	return t;
}

static void
free_table(struct table *t)
{
	crew_unshare(t, sizeof(*t));
}

static void
lock(struct table *t)
{
	CU_ASSERT_EQUAL(reeve_lock_acquire(&t->lock, REEVE_FOREVER), REEVE_OK);
}

static void
unlock(struct table *t)
{
	CU_ASSERT_EQUAL(reeve_lock_release(&t->lock), REEVE_OK);
}

static void
notify(struct table *t, uint32_t n)
{
	lock(t);
	CU_ASSERT_EQUAL(reeve_condition_notify(&t->condition, n), REEVE_OK);
	unlock(t);
}

/* Under the lock: so those counted wait as soon as it can be had. */
static int
wait_once(void *ctx)
{
	struct table *t = ctx;
	enum reeve_status status;

	if (reeve_lock_acquire(&t->lock, REEVE_FOREVER) != REEVE_OK) {
		return 1;
	}
	crew_add(&t->waiting);
	status = reeve_condition_wait(&t->condition, REEVE_FOREVER);
	crew_add(&t->woken);
	if (status != REEVE_OK || !reeve_lock_is_mine(&t->lock)) {
		return 2;
	}
	return (int)reeve_lock_release(&t->lock);
}

static void *
wait_in_thread(void *ctx)
{
	return wait_once(ctx) == 0 ? ctx : NULL;
}

CREW_SCENARIO(scenario_47_notify_wakes_a_process_or_a_thread_then_the_other)
{
	struct table *t = new_table();
	pid_t pid = crew_start(wait_once, t);
	pthread_t thread;
	void *result = NULL;

	CU_ASSERT_EQUAL(pthread_create(&thread, NULL, wait_in_thread, t), 0);
	CU_ASSERT_TRUE(crew_reached(&t->waiting, 2));
	notify(t, 1);
	CU_ASSERT_TRUE(crew_reached(&t->woken, 1));
	lock(t);
	CU_ASSERT_EQUAL(t->woken, 1);
	unlock(t);
	notify(t, 1);
	CU_ASSERT_EQUAL(pthread_join(thread, &result), 0);
	CU_ASSERT_PTR_EQUAL(result, t);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	CU_ASSERT_EQUAL(t->woken, 2);
	free_table(t);
}

CREW_SCENARIO(scenario_49_notify_of_n_wakes_n_and_nothing_is_remembered)
{
	struct table *t = new_table();
	pid_t pid[6];

	for (int i = 0; i < 6; i++) {
		pid[i] = crew_start(wait_once, t);
	}
	CU_ASSERT_TRUE(crew_reached(&t->waiting, 6));
	notify(t, 2);
	CU_ASSERT_TRUE(crew_reached(&t->woken, 2));
	notify(t, 0);
	lock(t);
	CU_ASSERT_EQUAL(t->woken, 2);
	unlock(t);
	notify(t, 40);
	for (int i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	notify(t, 3);
	lock(t);
	CU_ASSERT_EQUAL(reeve_condition_notify_all(&t->condition), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_condition_wait(&t->condition, REEVE_MS(5)), REEVE_ETIMEDOUT);
	CU_ASSERT_TRUE(reeve_lock_is_mine(&t->lock));
	unlock(t);
	free_table(t);
}

static bool
reached_four(void *ctx)
{
	struct table *t = ctx;

	return t->state == 4;
}

static int
count_to_four(void *ctx)
{
	struct table *t = ctx;

	for (int i = 0; i < 4; i++) {
		if (reeve_lock_acquire(&t->lock, REEVE_FOREVER) != REEVE_OK) {
			return 1;
		}
		t->state++;
		(void)reeve_condition_notify(&t->condition, 1);
		(void)reeve_lock_release(&t->lock);
	}
	return 0;
}

CREW_SCENARIO(scenario_50_wait_for_ends_with_the_predicate_or_the_time)
{
	struct table *t = new_table();
	pid_t pid;

	lock(t);
	pid = crew_start(count_to_four, t);
	CU_ASSERT_EQUAL(reeve_condition_wait_for(
			    &t->condition, reached_four, t, REEVE_FOREVER),
	    REEVE_OK);
	CU_ASSERT_EQUAL(t->state, 4);
	t->state = 3;
	CU_ASSERT_EQUAL(reeve_condition_wait_for(
			    &t->condition, reached_four, t, REEVE_MS(10)),
	    REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_condition_wait_for(&t->condition, NULL, t, 0),
	    REEVE_EINVALID);
	CU_ASSERT_TRUE(reeve_lock_is_mine(&t->lock));
	unlock(t);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	free_table(t);
}

static int
neither_wait_nor_notify(void *ctx)
{
	struct table *t = ctx;
	struct reeve_condition *c = &t->condition;

	CREW_EXPECT(reeve_condition_wait(c, 0) == REEVE_ENOTHELD);
	CREW_EXPECT(
	    reeve_condition_wait_for(c, reached_four, t, 0) == REEVE_ENOTHELD);
	CREW_EXPECT(reeve_condition_notify(c, 1) == REEVE_ENOTHELD);
	CREW_EXPECT(reeve_condition_notify_all(c) == REEVE_ENOTHELD);
	return 0;
}

/* Held by nobody, or by another one. */
CREW_SCENARIO(scenario_52_who_does_not_hold_the_lock_may_not)
{
	struct table *t = new_table();

	CU_ASSERT_EQUAL(crew_end(crew_start(neither_wait_nor_notify, t)), 0);
	lock(t);
	CU_ASSERT_EQUAL(crew_end(crew_start(neither_wait_nor_notify, t)), 0);
	unlock(t);
	free_table(t);
}

RV_TEST(a_condition_is_not_made_of_nonsense)
{
	struct table *t = new_table();
	struct reeve_condition none;

	memset(&none, 0, sizeof(none));
	CU_ASSERT_EQUAL(reeve_condition_wait(&none, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_condition_notify(NULL, 1), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_condition_init(&none, &t->lock, t->places, 0),
	    REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_condition_init(
			    &none, &t->lock, t->places, REEVE_PLACES_MAX + 1),
	    REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_condition_init(&none, NULL, t->places, 1), REEVE_EINVALID);
	free_table(t);
}

/*
 * One that is stopped is notified, and killed before it can wake: the other one
 * wakes in its place.
 */
static void
pass_on(void)
{
	struct table *t = new_table();
	pid_t first = crew_start(wait_once, t), second;

	CU_ASSERT_TRUE(crew_reached(&t->waiting, 1));
	/* it waits when the lock can be had */
	lock(t);
	unlock(t);
	second = crew_start(wait_once, t);
	CU_ASSERT_TRUE(crew_reached(&t->waiting, 2));
	lock(t);
	CU_ASSERT_EQUAL(kill(first, SIGSTOP), 0);
	CU_ASSERT_EQUAL(reeve_condition_notify(&t->condition, 1), REEVE_OK);
	unlock(t);
	crew_kill(first);
	CU_ASSERT_EQUAL(crew_end(second), 0);
	CU_ASSERT_EQUAL(t->woken, 1);
	free_table(t);
}

RV_TEST(what_was_notified_to_one_that_dies_passes_on)
{
	pass_on();
}

RV_TEST(it_passes_on_where_the_kernel_watches_one_word_only)
{
	CU_ASSERT_TRUE(rv_fault_set("futex_waitv=ENOSYS"));
	pass_on();
	CU_ASSERT_TRUE(rv_fault_set(NULL));
}

static int
hold_and_die(void *ctx)
{
	struct table *t = ctx;

	if (reeve_lock_acquire(&t->lock, REEVE_FOREVER) != REEVE_OK ||
	    reeve_condition_notify(&t->condition, 1) != REEVE_OK) {
		return 1;
	}
	return (int)kill(getpid(), SIGKILL);
}

RV_TEST(a_notifier_that_dies_with_the_lock_is_told_to_the_one_it_woke)
{
	struct table *t = new_table();
	pid_t pid;

	lock(t);
	pid = crew_start(hold_and_die, t);
	CU_ASSERT_EQUAL(reeve_condition_wait(&t->condition, REEVE_FOREVER),
	    REEVE_EOWNERDIED);
	CU_ASSERT_TRUE(reeve_lock_is_mine(&t->lock));
	unlock(t);
	CU_ASSERT_EQUAL(crew_end(pid), -SIGKILL);
	free_table(t);
}

RV_TEST(more_than_there_are_places_for_are_refused)
{
	struct table *t = new_table();
	pid_t pid[PLACES];

	for (int i = 0; i < PLACES; i++) {
		pid[i] = crew_start(wait_once, t);
	}
	CU_ASSERT_TRUE(crew_reached(&t->waiting, PLACES));
	lock(t);
	CU_ASSERT_EQUAL(
	    reeve_condition_wait(&t->condition, REEVE_FOREVER), REEVE_EFULL);
	CU_ASSERT_TRUE(reeve_lock_is_mine(&t->lock));
	unlock(t);
	for (int i = 0; i < PLACES; i++) {
		crew_kill(pid[i]);
	}
	/* places of the dead are free */
	lock(t);
	CU_ASSERT_EQUAL(
	    reeve_condition_wait(&t->condition, 0), REEVE_ETIMEDOUT);
	unlock(t);
	free_table(t);
}

static int
set_flag(void *ctx)
{
	struct table *t = ctx;

	reeve_flag_set(&t->flag);
	return 0;
}

static int
wait_flag(void *ctx)
{
	struct table *t = ctx;

	crew_add(&t->ready);
	return (int)reeve_flag_wait(&t->flag, REEVE_FOREVER);
}

CREW_SCENARIO(scenario_53_a_flag_is_set_until_it_is_cleared)
{
	struct table *t = new_table();
	pid_t pid;

	CU_ASSERT_FALSE(reeve_flag_is_set(&t->flag));
	CU_ASSERT_EQUAL(reeve_flag_wait(&t->flag, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(
	    reeve_flag_wait(&t->flag, REEVE_MS(3)), REEVE_ETIMEDOUT);
	reeve_flag_set(&t->flag);
	reeve_flag_set(&t->flag);
	CU_ASSERT_TRUE(reeve_flag_is_set(&t->flag));
	CU_ASSERT_EQUAL(reeve_flag_wait(&t->flag, REEVE_FOREVER), REEVE_OK);
	reeve_flag_clear(&t->flag);
	reeve_flag_clear(&t->flag);
	CU_ASSERT_FALSE(reeve_flag_is_set(&t->flag));
	pid = crew_start(set_flag, t);
	CU_ASSERT_EQUAL(reeve_flag_wait(&t->flag, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	CU_ASSERT_EQUAL(reeve_flag_wait(&t->flag, 0), REEVE_OK);
	free_table(t);
}

RV_TEST(setting_a_flag_wakes_all_though_it_is_cleared_at_once)
{
	struct table *t = new_table();
	pid_t pid[4];

	for (int round = 0; round < 20; round++) {
		t->ready = 0;
		for (int i = 0; i < 4; i++) {
			pid[i] = crew_start(wait_flag, t);
		}
		CU_ASSERT_TRUE(crew_reached(&t->ready, 4));
		for (int i = 0; i < 4; i++) {
			CU_ASSERT_TRUE(crew_asleep(pid[i]));
		}
		reeve_flag_set(&t->flag);
		reeve_flag_clear(&t->flag);
		for (int i = 0; i < 4; i++) {
			CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
		}
	}
	free_table(t);
}

static struct reeve_flag *flag_of_handler;

static void
on_signal(int signo)
{
	(void)signo;
	reeve_flag_set(flag_of_handler);
}

RV_TEST(a_flag_is_set_by_a_handler_in_the_middle_of_its_own_wait)
{
	struct table *t = new_table();
	struct sigaction action = { .sa_handler = on_signal }, before;
	pid_t parent = getpid(), pid;

	flag_of_handler = &t->flag;
	CU_ASSERT_EQUAL(sigaction(SIGUSR1, &action, &before), 0);
	pid = fork();
	if (pid == 0) {
		_exit(kill(parent, SIGUSR1) == 0 ? 0 : 1);
	}
	CU_ASSERT_EQUAL(reeve_flag_wait(&t->flag, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	CU_ASSERT_EQUAL(sigaction(SIGUSR1, &before, NULL), 0);
	free_table(t);
}

RV_TEST(a_flag_that_was_not_initialised_is_none)
{
	struct reeve_flag flag = { 0 };

	reeve_flag_set(&flag);
	reeve_flag_clear(&flag);
	reeve_flag_set(NULL);
	CU_ASSERT_FALSE(reeve_flag_is_set(&flag));
	CU_ASSERT_EQUAL(reeve_flag_wait(&flag, 0), REEVE_EINVALID);
}

RV_SUITE(condition,
    RV_CASE(scenario_47_notify_wakes_a_process_or_a_thread_then_the_other),
    RV_CASE(scenario_49_notify_of_n_wakes_n_and_nothing_is_remembered),
    RV_CASE(scenario_50_wait_for_ends_with_the_predicate_or_the_time),
    RV_CASE(scenario_52_who_does_not_hold_the_lock_may_not),
    RV_CASE(a_condition_is_not_made_of_nonsense),
    RV_CASE(what_was_notified_to_one_that_dies_passes_on),
    RV_CASE(it_passes_on_where_the_kernel_watches_one_word_only),
    RV_CASE(a_notifier_that_dies_with_the_lock_is_told_to_the_one_it_woke),
    RV_CASE(more_than_there_are_places_for_are_refused),
    RV_CASE(scenario_53_a_flag_is_set_until_it_is_cleared),
    RV_CASE(setting_a_flag_wakes_all_though_it_is_cleared_at_once),
    RV_CASE(a_flag_is_set_by_a_handler_in_the_middle_of_its_own_wait),
    RV_CASE(a_flag_that_was_not_initialised_is_none))
