/* SPDX-License-Identifier: MIT */
/*
 * reeve_post: the one function that other threads may call. Several threads
 * post while the runtime is dispatched, fills up, and is destroyed.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/guest.h"
#include "lib/harness.h"

#define THREADS 4
#define POSTS   2000

struct writer {
	struct reeve *reeve;
	pthread_t thread;
	unsigned next;     /* number expected, in the runtime's thread */
	unsigned disorder; /* letters that came out of order */
	unsigned taken, refused;
};

struct letter {
	struct writer *writer;
	unsigned number;
};

static void
on_letter(void *arg)
{
	struct letter *letter = arg;

	letter->writer->disorder += letter->number != letter->writer->next;
	letter->writer->next = letter->number + 1;
	free(letter);
}

static bool
post_one(struct writer *writer, unsigned number)
{
	struct letter *letter = malloc(sizeof(*letter));
	enum reeve_status status;

	letter->writer = writer;
	letter->number = number;
	do {
		status = reeve_post(writer->reeve, on_letter, letter);
	} while (status == REEVE_EFULL);
	if (status != REEVE_OK) {
		free(letter);
		writer->refused++;
		return false;
	}
	writer->taken++;
	return true;
}

static void *
write_letters(void *arg)
{
	struct writer *writer = arg;

	for (unsigned i = 0; i < POSTS; i++) {
		post_one(writer, i);
	}
	return NULL;
}

static struct writer *writers;

static bool
all_came(struct guest *guest)
{
	unsigned n = 0;

	(void)guest;
	for (int i = 0; i < THREADS; i++) {
		n += writers[i].next;
	}
	return n == THREADS * POSTS;
}

RV_TEST(posts_of_several_threads_come_each_once_and_in_order)
{
	struct guest guest = { 0 };
	struct writer w[THREADS] = { 0 };

	guest_open(&guest, "post", "\"w\": " GUEST_WAITER);
	writers = w;
	for (int i = 0; i < THREADS; i++) {
		w[i].reeve = guest.reeve;
		pthread_create(&w[i].thread, NULL, write_letters, &w[i]);
	}
	CU_ASSERT(guest_until(&guest, all_came));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		CU_ASSERT_EQUAL(w[i].disorder, 0);
		CU_ASSERT_EQUAL(w[i].taken, POSTS);
	}
	guest_close(&guest);
}

/* Posts until refused: then destroy has begun. */
static void *
write_until_closed(void *arg)
{
	struct writer *writer = arg;

	for (unsigned i = 0; post_one(writer, i); i++) {
	}
	return NULL;
}

static atomic_bool writing;

static void
linger(void *arg)
{
	struct writer *w = arg;

	/* Within destroy: only now the threads are refused. */
	for (int i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
	}
	atomic_store(&writing, false);
}

RV_TEST(a_post_while_the_runtime_is_destroyed_is_called_or_refused)
{
	struct guest guest = { 0 };
	struct writer w[THREADS] = { 0 };

	guest_open(&guest, "end", "\"w\": " GUEST_WAITER);
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	atomic_store(&writing, true);
	for (int i = 0; i < THREADS; i++) {
		w[i].reeve = guest.reeve;
		pthread_create(&w[i].thread, NULL, write_until_closed, &w[i]);
	}
	while (reeve_post(guest.reeve, linger, w) != REEVE_OK) {
		CU_ASSERT_EQUAL(reeve_dispatch(guest.reeve, NULL), REEVE_OK);
	}
	reeve_destroy(guest.reeve);
	CU_ASSERT_FALSE(atomic_load(&writing));
	for (int i = 0; i < THREADS; i++) {
		CU_ASSERT_EQUAL(w[i].refused, 1);
		CU_ASSERT_EQUAL(w[i].next, w[i].taken);
		CU_ASSERT_EQUAL(w[i].disorder, 0);
	}
	while (waitpid(-1, NULL, 0) > 0) {
	}
	guest_clean(&guest);
}

static unsigned called;

static void
count(void *arg)
{
	(void)arg;
	called++;
}

RV_TEST(posts_that_are_too_many_are_refused_and_none_is_lost)
{
	struct guest guest = { 0 };
	unsigned taken = 0;

	called = 0;
	guest_open(&guest, "full", "\"w\": " GUEST_WAITER);
	while (reeve_post(guest.reeve, count, NULL) == REEVE_OK) {
		taken++;
	}
	CU_ASSERT_EQUAL(taken, 65536);
	CU_ASSERT_EQUAL(reeve_post(guest.reeve, count, NULL), REEVE_EFULL);
	CU_ASSERT_EQUAL(reeve_dispatch(guest.reeve, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(called, taken);
	CU_ASSERT_EQUAL(reeve_post(guest.reeve, count, NULL), REEVE_OK);
	guest_close(&guest);
	CU_ASSERT_EQUAL(called, taken + 1);
}

static struct guest *again;
static unsigned turns;

static void
post_again(void *arg)
{
	(void)arg;
	turns++;
	CU_ASSERT_EQUAL(reeve_dispatch(again->reeve, NULL), REEVE_EBUSY);
	if (turns < 10) {
		CU_ASSERT_EQUAL(
		    reeve_post(again->reeve, post_again, NULL), REEVE_OK);
	}
}

static bool
ten_turns(struct guest *guest)
{
	(void)guest;
	return turns == 10;
}

RV_TEST(a_post_from_a_post_comes_in_a_later_turn)
{
	struct guest guest = { 0 };

	again = &guest;
	turns = 0;
	guest_open(&guest, "again", "\"w\": " GUEST_WAITER);
	CU_ASSERT_EQUAL(reeve_post(guest.reeve, post_again, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_dispatch(guest.reeve, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(turns, 1);
	CU_ASSERT(guest_until(&guest, ten_turns));
	guest_close(&guest);
}

static void
destroy_in_here(void *arg)
{
	struct guest *guest = arg;

	reeve_destroy(guest->reeve);
	CU_ASSERT_EQUAL(reeve_reload(guest->reeve, NULL), REEVE_ECLOSED);
}

RV_TEST(a_runtime_destroyed_from_a_callback_goes_when_the_turn_ends)
{
	struct guest guest = { 0 };
	struct reeve_error err;

	guest_open(&guest, "doom", "\"w\": " GUEST_WAITER);
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	CU_ASSERT_EQUAL(
	    reeve_post(guest.reeve, destroy_in_here, &guest), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_dispatch(guest.reeve, &err), REEVE_OK);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	guest_clean(&guest);
}

RV_SUITE(post, RV_CASE(posts_of_several_threads_come_each_once_and_in_order),
    RV_CASE(a_post_while_the_runtime_is_destroyed_is_called_or_refused),
    RV_CASE(posts_that_are_too_many_are_refused_and_none_is_lost),
    RV_CASE(a_post_from_a_post_comes_in_a_later_turn),
    RV_CASE(a_runtime_destroyed_from_a_callback_goes_when_the_turn_ends))
