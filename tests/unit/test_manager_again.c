/* SPDX-License-Identifier: MIT */
/*
 * Clients that connect again: to a manager that was killed and is there again
 * with its snapshot, or to the same one after their connection was lost. What
 * they find again, and what is gone.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/sys.h"
#include "unit/manager_rig.h"

static struct reeve_error err;

static const struct reeve_manager_setup setup = { .size = sizeof(setup) };
REEVE_MANAGER("test.manager", setup);

/* One at an address that stays, with a snapshot of this case. */
static void
start(struct managed *managed, enum reeve_method method)
{
	char settings[700];

	(void)snprintf(settings, sizeof(settings),
	    "{\"address\": \"unix:%s/m\", \"snapshot\": \"%s/snapshot\"}",
	    rv_test_dir(), rv_test_dir());
	managed_start(managed, method, settings);
}

static void
write_snapshot(struct reeve_manager *m)
{
	CU_ASSERT_EQUAL(
	    reeve_manager_call(m, "snapshot", NULL, 0, NULL, RIG_LONG, &err),
	    REEVE_OK);
}

/* Its process, and what else is of the one before; its client lives on. */
static struct reeve_manager *
bury(struct managed *managed)
{
	struct reeve_manager *m = managed->m;

	managed_kill(managed);
	managed->m = NULL;
	(void)managed_stop(managed);
	return m;
}

SCENARIO(names_are_found_again_in_the_next_server, BY_ALL)
{
	struct managed managed;
	struct reeve_manager *m;
	struct reeve_proxy *opened, *made, *unnamed, *lock;
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/snapshot", rv_test_dir());
	(void)unlink(path); /* that of the method before */
	start(&managed, method);
	made = managed_new(managed.m, "dict");
	unnamed = managed_new(managed.m, "dict");
	lock = managed_new(managed.m, "lock");
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(made, "prices", RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(lock, "lock", RIG_LONG, &err), REEVE_OK);
	opened = managed_open(managed.m, "prices");
	SAYS(managed_call(opened, "set", "ss", "a", "kept"), "");
	SAYS(managed_call(lock, "acquire", ""), "");
	write_snapshot(managed.m);
	SAYS(managed_call(opened, "set", "ss", "b", "lost"), "");
	m = bury(&managed);
	CU_ASSERT_EQUAL(reeve_manager_ping(m, RIG_LONG, &err), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(
	    reeve_manager_reconnect(m, REEVE_MS(30), &err), REEVE_ENOENT);
	CU_ASSERT_EQUAL(reeve_manager_ping(m, RIG_LONG, &err), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(reeve_manager_fd(m), -1);
	start(&managed, method);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_reconnect(m, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_manager_reconnect(m, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_server_pid(m), reeve_process_pid(managed.process));
	SAYS(managed_call(opened, "items", ""), "a kept");
	SAYS(managed_call(made, "set", "ss", "a", "new"), "");
	SAYS(managed_call(opened, "get", "s", "a"), "new");
	SAYS(managed_call(lock, "release", ""), "!not-held");
	SAYS(managed_call(lock, "acquire", ""), "");
	SAYS(managed_call(unnamed, "len", ""), "!no-object");
	reeve_proxy_free(opened);
	reeve_proxy_free(made);
	reeve_proxy_free(unnamed);
	reeve_proxy_free(lock);
	reeve_manager_free(m);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(what_was_under_way_has_failed_and_stays_so, BY_SPAWN)
{
	struct managed managed;
	struct reeve_manager *m;
	struct reeve_proxy *queue;
	struct reeve_pending *pending[2] = { NULL };
	struct reeve_batch *batch = NULL;

	start(&managed, method);
	queue = managed_new(managed.m, "queue");
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(queue, "queue", RIG_LONG, &err), REEVE_OK);
	write_snapshot(managed.m);
	CU_ASSERT_EQUAL(reeve_proxy_submit(
			    &pending[0], queue, "get", NULL, 0, RIG_LONG, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_flush(managed.m, RIG_LONG, &err), REEVE_OK);
	/* this one is not sent before the end */
	CU_ASSERT_EQUAL(reeve_proxy_submit(
			    &pending[1], queue, "get", NULL, 0, RIG_LONG, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_batch_new(&batch, managed.m, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_batch_add(batch, queue, "len", NULL, 0, 0, &err), REEVE_OK);
	m = bury(&managed);
	CU_ASSERT_EQUAL(reeve_pending_wait(pending[0], NULL, RIG_LONG, &err),
	    REEVE_EBROKEN);
	start(&managed, method);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_reconnect(m, RIG_LONG, &err), REEVE_OK);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(reeve_pending_is_done(pending[i]));
		CU_ASSERT_EQUAL(
		    reeve_pending_wait(pending[i], NULL, RIG_LONG, &err),
		    REEVE_EBROKEN);
	}
	CU_ASSERT_EQUAL(
	    reeve_batch_commit(batch, RIG_LONG, &err), REEVE_EBROKEN);
	reeve_batch_reset(batch);
	CU_ASSERT_EQUAL(
	    reeve_batch_add(batch, queue, "len", NULL, 0, 0, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_batch_commit(batch, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_batch_result(batch, 0, NULL, &err), REEVE_OK);
	reeve_batch_free(batch);
	reeve_pending_free(pending[0]);
	reeve_pending_free(pending[1]);
	reeve_proxy_free(queue);
	reeve_manager_free(m);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

/* -------- many at once -------- */

#define ADDERS 8
#define SUMS   200

struct adder {
	pthread_t thread;
	struct reeve_manager *m;
	unsigned done, broken;
	bool failed;
};

static uint32_t under_way;

/* Adds; when the server is gone, connects again and goes on. */
static void *
add_on(void *ctx)
{
	struct adder *a = ctx;
	struct reeve_proxy *dict = NULL;
	struct reeve_error why;

	a->failed =
	    reeve_proxy_open(&dict, a->m, "sums", RIG_LONG, &why) != REEVE_OK;
	while ((a->done < SUMS || a->broken == 0) && !a->failed) {
		enum reeve_status status = reeve_dict_add(
		    dict, reeve_text("n"), reeve_int(1), NULL, RIG_LONG, &why);

		if (status == REEVE_OK) {
			if (a->done++ == 0) {
				(void)__atomic_add_fetch(
				    &under_way, 1, __ATOMIC_RELAXED);
			}
			continue;
		}
		a->broken++;
		a->failed =
		    status != REEVE_EBROKEN ||
		    reeve_manager_reconnect(a->m, RIG_LONG, &why) != REEVE_OK;
	}
	if (a->failed) {
		printf("# %s\n", why.text);
	}
	reeve_proxy_free(dict);
	return NULL;
}

/* Eight threads; each with a client of its own, or all with one. */
static void
kill_it_while_all_add(enum reeve_method method, bool share)
{
	struct adder adders[ADDERS] = { { 0 } };
	struct managed managed;
	struct reeve_manager *m;
	struct reeve_proxy *dict;

	under_way = 0;
	start(&managed, method);
	dict = managed_new(managed.m, "dict");
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(dict, "sums", RIG_LONG, &err), REEVE_OK);
	write_snapshot(managed.m);
	for (unsigned i = 0; i < ADDERS; i++) {
		adders[i].m =
		    share ? managed.m : managed_connect(managed.address);
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&adders[i].thread, NULL, add_on, &adders[i]),
		    0);
	}
	while (__atomic_load_n(&under_way, __ATOMIC_RELAXED) < ADDERS) {
	}
	m = bury(&managed);
	start(&managed, method);
	for (unsigned i = 0; i < ADDERS; i++) {
		(void)pthread_join(adders[i].thread, NULL);
		CU_ASSERT_FALSE(adders[i].failed);
		CU_ASSERT_TRUE(adders[i].broken > 0);
		if (!share) {
			reeve_manager_free(adders[i].m);
		}
	}
	reeve_proxy_free(dict);
	reeve_manager_free(m);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(eight_clients_go_on_when_the_server_was_killed, BY_SPAWN)
{
	kill_it_while_all_add(method, false);
}

SCENARIO(eight_threads_of_one_client_go_on_too, BY_SPAWN)
{
	kill_it_while_all_add(method, true);
}

RV_SUITE(manager_again, RV_CASE(names_are_found_again_in_the_next_server),
    RV_CASE(what_was_under_way_has_failed_and_stays_so),
    RV_CASE(eight_clients_go_on_when_the_server_was_killed),
    RV_CASE(eight_threads_of_one_client_go_on_too))
