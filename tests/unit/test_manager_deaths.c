/* SPDX-License-Identifier: MIT */
/*
 * Who dies, hangs or lies: clients of a manager and the manager itself, by each
 * start method. What a client had goes with it, nobody else takes notice, and a
 * manager that is gone is known to be at once.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/sys.h"
#include "unit/manager_rig.h"

static struct reeve_error err;

#define OBJECTS "\"objects\":"
#define CLIENTS "\"clients\":"

static const struct reeve_manager_setup setup = { .size = sizeof(setup) };
REEVE_MANAGER("test.manager", setup);

/* In a member, which has no suite. */
#define EXPECT_SAYS(said, words) CREW_EXPECT(strcmp(said, words) == 0)

/* What the members of a crew share. */
struct place {
	char address[REEVE_MANAGER_ADDRESS_MAX];
	uint32_t began, go, done, broken, woken;
	int64_t killed_at;
};

static struct place *
begin(struct managed *managed, enum reeve_method method, const char *args)
{
	struct place *place = crew_share(sizeof(*place));

	managed_start(managed, method, args);
	memcpy(place->address, managed->address, sizeof(place->address));
	return place;
}

static struct reeve_proxy *
published(struct managed *managed, const char *type, const char *name)
{
	struct reeve_proxy *p = managed_new(managed->m, type);

	CU_ASSERT_EQUAL(reeve_proxy_publish(p, name, RIG_LONG, &err), REEVE_OK);
	return p;
}

/* -------- a client that is killed -------- */

static int
hold_everything(void *ctx)
{
	struct place *place = ctx;
	struct reeve_manager *m = managed_connect(place->address);
	struct reeve_proxy *lock = managed_open(m, "lock");
	struct reeve_proxy *semaphore = managed_open(m, "semaphore");
	struct reeve_proxy *queue = managed_open(m, "queue");
	struct reeve_proxy *own = managed_new(m, "dict");

	EXPECT_SAYS(managed_call(lock, "acquire", ""), "");
	EXPECT_SAYS(managed_call(semaphore, "acquire", ""), "");
	EXPECT_SAYS(managed_call(queue, "lease", ""), "1 first");
	EXPECT_SAYS(managed_call(own, "set", "ss", "a", "b"), "");
	crew_add(&place->began);
	(void)crew_reached(&place->go, 1);
	return 0;
}

/* A number of the manager's info. */
static long
number_of(struct reeve_manager *m, const char *what)
{
	struct reeve_result result = { 0 };
	const char *found;
	long n = -1;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_call(m, "info", NULL, 0, &result, RIG_LONG, &err),
	    REEVE_OK);
	found = strstr(result.values[0].data, what);
	n = strtol(found + strlen(what), NULL, 10);
	reeve_result_free(&result);
	return n;
}

CREW_SCENARIO(scenario_127_what_a_killed_client_held_is_free)
{
	struct managed managed;
	struct place *place = begin(&managed, method, NULL);
	struct reeve_proxy *lock = published(&managed, "lock", "lock");
	struct reeve_proxy *semaphore =
	    published(&managed, "semaphore", "semaphore");
	struct reeve_proxy *queue = published(&managed, "queue", "queue");
	pid_t pid;

	SAYS(managed_call(queue, "put", "s", "first"), "");
	pid = crew_start(hold_everything, place);
	CU_ASSERT_TRUE(crew_reached(&place->began, 1));
	SAYS(managed_wait(lock, REEVE_MS(20), "acquire", ""), "!failed");
	SAYS(managed_call(semaphore, "value", ""), "0");
	SAYS(managed_call(queue, "len", ""), "0");
	crew_kill(pid);
	SAYS(managed_wait(lock, RIG_LONG, "acquire", ""), "!owner-died");
	SAYS(managed_call(lock, "acquire", ""), "!held");
	SAYS(managed_call(lock, "release", ""), "");
	SAYS(managed_wait(lock, RIG_LONG, "acquire", ""), "");
	SAYS(managed_call(lock, "release", ""), "");
	SAYS(managed_wait(semaphore, RIG_LONG, "acquire", ""), "");
	SAYS(managed_wait(queue, RIG_LONG, "get", ""), "first");
	reeve_proxy_free(queue);
	reeve_proxy_free(semaphore);
	reeve_proxy_free(lock);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

static int
wait_at_barrier(void *ctx)
{
	struct place *place = ctx;
	struct reeve_manager *m = managed_connect(place->address);
	struct reeve_proxy *barrier = managed_open(m, "barrier");

	crew_add(&place->began);
	(void)managed_wait(barrier, RIG_LONG, "wait", "");
	return 0;
}

CREW_SCENARIO(scenario_127_a_killed_party_breaks_the_barrier)
{
	struct managed managed;
	struct place *place = begin(&managed, method, NULL);
	struct reeve_datum parties = reeve_int(3);
	struct reeve_proxy *barrier = NULL;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(reeve_proxy_create(&barrier, managed.m, "barrier",
				  &parties, 1, RIG_LONG, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(barrier, "barrier", RIG_LONG, &err), REEVE_OK);
	pid = crew_start(wait_at_barrier, place);
	while (strcmp(managed_call(barrier, "n_waiting", ""), "1") != 0) {
	}
	crew_kill(pid);
	while (strcmp(managed_call(barrier, "is_broken", ""), "true") != 0) {
	}
	SAYS(managed_wait(barrier, RIG_LONG, "wait", ""), "!broken");
	reeve_proxy_free(barrier);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

/* -------- who waits -------- */

static int
wait_for_lock(void *ctx)
{
	struct place *place = ctx;
	struct reeve_manager *m = managed_connect(place->address);
	struct reeve_proxy *condition = managed_open(m, "condition");

	EXPECT_SAYS(managed_wait(condition, RIG_LONG, "acquire", ""), "");
	crew_add(&place->began);
	EXPECT_SAYS(managed_wait(condition, RIG_LONG, "wait", ""), "");
	crew_add(&place->woken);
	EXPECT_SAYS(managed_call(condition, "release", ""), "");
	reeve_proxy_free(condition);
	reeve_manager_free(m);
	return 0;
}

CREW_SCENARIO(scenario_127_a_notice_to_the_dead_passes_on)
{
	struct managed managed;
	struct place *place = begin(&managed, method, NULL);
	struct reeve_proxy *c = published(&managed, "condition", "condition");
	pid_t pids[3];

	for (unsigned i = 0; i < 3; i++) {
		pids[i] = crew_start(wait_for_lock, place);
		CU_ASSERT_TRUE(crew_reached(&place->began, i + 1));
	}
	/* whoever has it waits for it: then it is ours */
	SAYS(managed_wait(c, RIG_LONG, "acquire", ""), "");
	SAYS(managed_call(c, "notify", ""), "");
	crew_kill(pids[0]); /* it was first, and waits for the lock */
	while (number_of(managed.m, CLIENTS) > 3) {
		/* the manager has not heard of its end yet */
	}
	SAYS(managed_wait(c, REEVE_MS(50), "wait", ""), "!failed");
	CU_ASSERT_TRUE(crew_reached(&place->woken, 1));
	SAYS(managed_call(c, "notify_all", ""), "");
	SAYS(managed_call(c, "release", ""), "");
	SAYS(managed_call(c, "notify", ""), "!not-held");
	CU_ASSERT_EQUAL(crew_end(pids[1]), 0);
	CU_ASSERT_EQUAL(crew_end(pids[2]), 0);
	reeve_proxy_free(c);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

/* -------- the server is killed -------- */

static int
wait_for_end(void *ctx)
{
	struct place *place = ctx;
	struct reeve_manager *m = managed_connect(place->address);
	struct reeve_proxy *lock = managed_open(m, "lock");
	enum reeve_status status;

	crew_add(&place->began);
	status =
	    reeve_proxy_call(lock, "acquire", NULL, 0, NULL, RIG_LONG, &err);
	if (status != REEVE_EBROKEN) {
		printf("# %d: %s\n", status, err.text);
		(void)fflush(stdout);
	}
	CREW_EXPECT(status == REEVE_EBROKEN);
	CREW_EXPECT(rv_sys_now() - place->killed_at < REEVE_S(20));
	CREW_EXPECT(reeve_manager_ping(m, RIG_LONG, &err) == REEVE_EBROKEN);
	crew_add(&place->broken);
	reeve_proxy_free(lock);
	reeve_manager_free(m);
	return 0;
}

CREW_SCENARIO(scenario_128_all_know_at_once_when_the_server_is_killed)
{
	struct managed managed;
	struct place *place;
	struct reeve_proxy *lock, *dict;
	struct reeve_datum args[2] = { reeve_text("k"), reeve_text("v") };
	char settings[600], path[300];
	pid_t pids[8];

	(void)snprintf(settings, sizeof(settings),
	    "{\"address\": \"unix:%s/m\", \"snapshot\": \"%s/snapshot\"}",
	    rv_test_dir(), rv_test_dir());
	(void)snprintf(path, sizeof(path), "%s/snapshot", rv_test_dir());
	(void)unlink(path); /* that of the method before */
	place = begin(&managed, method, settings);
	lock = published(&managed, "lock", "lock");
	SAYS(managed_call(lock, "acquire", ""), "");
	dict = published(&managed, "dict", "dict");
	CU_ASSERT_EQUAL(
	    reeve_proxy_call(dict, "set", args, 2, NULL, RIG_LONG, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_manager_call(managed.m, "snapshot", NULL, 0, NULL,
			    RIG_LONG, &err),
	    REEVE_OK);
	for (unsigned i = 0; i < 8; i++) {
		pids[i] = crew_start(wait_for_end, place);
	}
	CU_ASSERT_TRUE(crew_reached(&place->began, 8));
	place->killed_at = rv_sys_now();
	managed_kill(&managed);
	for (unsigned i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(crew_end(pids[i]), 0);
	}
	CU_ASSERT_EQUAL(place->broken, 8);
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(managed.m, RIG_LONG, &err), REEVE_EBROKEN);
	reeve_proxy_free(dict);
	reeve_proxy_free(lock);
	(void)managed_stop(&managed);
	/* what was in the snapshot is there, and the lock is free */
	managed_start(&managed, method, settings);
	dict = managed_open(managed.m, "dict");
	lock = managed_open(managed.m, "lock");
	SAYS(managed_call(dict, "items", ""), "k v");
	SAYS(managed_call(lock, "acquire", ""), "");
	reeve_proxy_free(dict);
	reeve_proxy_free(lock);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

/* -------- hostile ones -------- */

static int
raw_connection(const char *address)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(
	    name.sun_path, sizeof(name.sun_path), "%.100s", address + 5);
	CU_ASSERT_EQUAL_FATAL(
	    connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static void
still_serves(struct managed *managed)
{
	struct reeve_manager *m = managed_connect(managed->address);
	struct reeve_proxy *p = managed_new(m, "dict");

	SAYS(managed_call(p, "set", "ss", "a", "b"), "");
	SAYS(managed_call(p, "get", "s", "a"), "b");
	reeve_proxy_free(p);
	reeve_manager_free(m);
}

/* The end, or a last word. */
static void
expect_cut(struct reeve_conn *conn)
{
	struct reeve_parcel parcel = { 0 };
	enum reeve_status status;

	do {
		status =
		    reeve_conn_recv(conn, &parcel, REEVE_ANY_LENGTH, RIG_LONG);
	} while (status == REEVE_OK);
	CU_ASSERT_TRUE(status == REEVE_EEND || status == REEVE_EBROKEN);
	reeve_parcel_free(&parcel);
}

SCENARIO(hostile_bytes_end_who_sends_them_and_nobody_else, BY_SPAWN)
{
	struct managed managed;
	unsigned char bytes[300];
	uint32_t seed = 12345;

	managed_start(&managed, method, NULL);
	for (unsigned i = 0; i < 300; i++) {
		struct reeve_conn *conn = NULL;
		size_t n = i % 3 == 0 ? 40 : 8 + i % 256;

		CU_ASSERT_EQUAL_FATAL(reeve_conn_connect(&conn, managed.address,
					  NULL, RIG_LONG, &err),
		    REEVE_OK);
		for (size_t k = 0; k < n; k++) {
			seed = seed * 1103515245 + 12345;
			bytes[k] = (unsigned char)(seed >> 16);
		}
		bytes[0] = (unsigned char)(i % 3 == 0 ? 40 : bytes[0]);
		bytes[3] = 255;
		CU_ASSERT_EQUAL(
		    reeve_conn_send(conn, bytes, n, RIG_LONG), REEVE_OK);
		expect_cut(conn);
		reeve_conn_free(conn);
	}
	still_serves(&managed);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(silent_and_slow_clients_hold_nobody_up, BY_ALL)
{
	struct managed managed;
	struct reeve_manager *slow;
	struct reeve_proxy *p;
	struct reeve_batch *batch = NULL;
	static char much[100000];
	struct reeve_datum value = reeve_bytes(much, sizeof(much));
	int fds[50];

	managed_start(&managed, method, "{\"output_max\": \"4MiB\"}");
	for (unsigned i = 0; i < 50; i++) {
		fds[i] = raw_connection(managed.address);
	}
	/* asks for much, and reads nothing of it */
	slow = managed_connect(managed.address);
	p = managed_new(slow, "list");
	CU_ASSERT_EQUAL(
	    reeve_proxy_call(p, "append", &value, 1, NULL, RIG_LONG, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_batch_new(&batch, slow, &err), REEVE_OK);
	for (unsigned i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL(
		    reeve_batch_add(batch, p, "items", NULL, 0, 0, &err),
		    REEVE_OK);
	}
	CU_ASSERT_EQUAL(
	    reeve_batch_commit(batch, RIG_LONG, &err), REEVE_EBROKEN);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "longer than may wait"));
	still_serves(&managed);
	reeve_batch_free(batch);
	reeve_proxy_free(p);
	reeve_manager_free(slow);
	for (unsigned i = 0; i < 50; i++) {
		(void)close(fds[i]);
	}
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(a_thousand_clients_are_served, BY_SPAWN)
{
	struct managed managed;
	struct reeve_conn *conns[1000];
	struct rlimit limit, before;
	unsigned n = 0;

	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = RV_MIN(limit.rlim_max, 4096);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
	managed_start(&managed, method, NULL);
	while (n < 1000 && reeve_conn_connect(&conns[n], managed.address, NULL,
			       RIG_LONG, &err) == REEVE_OK) {
		n++;
	}
	CU_ASSERT_EQUAL(n, 1000);
	still_serves(&managed);
	while (n > 0) {
		struct reeve_parcel parcel = { 0 };

		/* each was greeted */
		CU_ASSERT_EQUAL(reeve_conn_recv(conns[--n], &parcel,
				    REEVE_ANY_LENGTH, RIG_LONG),
		    REEVE_OK);
		reeve_parcel_free(&parcel);
		reeve_conn_free(conns[n]);
	}
	still_serves(&managed);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* -------- a fork, threads -------- */

static int
use_after_fork(struct reeve_proxy *dict)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		struct reeve_datum args[2] = { reeve_text("child"),
			reeve_int(1) };

		_exit(reeve_proxy_call(dict, "set", args, 2, NULL, RIG_LONG,
			  &err) == REEVE_OK
			  ? 0
			  : 1);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

SCENARIO(a_forked_child_has_a_connection_of_its_own, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *dict;

	managed_start(&managed, method, NULL);
	dict = managed_new(managed.m, "dict");
	CU_ASSERT_EQUAL(use_after_fork(dict), 0);
	SAYS(managed_call(dict, "items", ""), "child 1");
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(managed.m, RIG_LONG, &err), REEVE_OK);
	reeve_proxy_free(dict);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

static void *
add_hundred(void *ctx)
{
	struct reeve_proxy *dict = ctx;

	for (unsigned i = 0; i < 100; i++) {
		if (reeve_dict_add(dict, reeve_text("n"), reeve_int(1), NULL,
			RIG_LONG, NULL) != REEVE_OK) {
			return dict;
		}
	}
	return NULL;
}

SCENARIO(threads_share_one_client, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *dict;
	pthread_t threads[4];

	managed_start(&managed, method, NULL);
	dict = managed_new(managed.m, "dict");
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&threads[i], NULL, add_hundred, dict), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		void *failed = NULL;

		(void)pthread_join(threads[i], &failed);
		CU_ASSERT_PTR_NULL(failed);
	}
	SAYS(managed_call(dict, "get", "s", "n"), "400");
	reeve_proxy_free(dict);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(a_batch_says_of_each_call_what_became_of_it, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *dict;
	struct reeve_batch *b = NULL;
	struct reeve_result result = { 0 };
	struct reeve_datum args[2] = { reeve_text("a"), reeve_int(1) };
	struct reeve_datum none = reeve_text("none");

	managed_start(&managed, method, NULL);
	dict = managed_new(managed.m, "dict");
	CU_ASSERT_EQUAL(reeve_batch_new(&b, managed.m, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_batch_add(b, dict, "set", args, 2, 0, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_batch_add(b, dict, "get", &none, 1, 0, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_batch_add(b, dict, "set", args, 2,
			    REEVE_BATCH_IF_BEFORE, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_batch_add(b, dict, "get", args, 1, 0, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_batch_commit(b, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_batch_result(b, 0, NULL, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_batch_result(b, 1, NULL, &err), REEVE_ENOENT);
	CU_ASSERT_EQUAL(reeve_batch_result(b, 2, NULL, &err), REEVE_ECANCELED);
	CU_ASSERT_EQUAL(reeve_batch_result(b, 3, &result, &err), REEVE_OK);
	CU_ASSERT_EQUAL(result.n, 1);
	CU_ASSERT_EQUAL(result.values[0].is.integer, 1);
	CU_ASSERT_EQUAL(reeve_batch_result(b, 4, NULL, &err), REEVE_EINVALID);
	reeve_result_free(&result);
	reeve_batch_free(b);
	reeve_proxy_free(dict);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(pending_calls_are_answered_when_they_can_be, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *queue;
	struct reeve_pending *got[3] = { NULL };
	struct reeve_result result = { 0 };
	char word[2] = "a";

	managed_start(&managed, method, NULL);
	queue = managed_new(managed.m, "queue");
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(reeve_proxy_submit(&got[i], queue, "get",
					  NULL, 0, RIG_LONG, &err),
		    REEVE_OK);
	}
	CU_ASSERT_EQUAL(
	    reeve_pending_wait(got[0], &result, 0, &err), REEVE_EAGAIN);
	for (unsigned i = 0; i < 3; i++, word[0]++) {
		SAYS(managed_call(queue, "put", "s", word), "");
	}
	word[0] = 'c';
	for (unsigned i = 3; i-- > 0; word[0]--) {
		CU_ASSERT_EQUAL(
		    reeve_pending_wait(got[i], &result, RIG_LONG, &err),
		    REEVE_OK);
		CU_ASSERT_TRUE(reeve_pending_is_done(got[i]));
		CU_ASSERT_STRING_EQUAL(result.values[0].data, word);
		reeve_pending_free(got[i]);
	}
	/* one that is forgotten */
	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_submit(&got[0], queue, "get", NULL, 0, RIG_LONG, &err),
	    REEVE_OK);
	reeve_pending_free(got[0]);
	reeve_result_free(&result);
	reeve_proxy_free(queue);
	CU_ASSERT_EQUAL(reeve_manager_dispatch(managed.m, &err), REEVE_OK);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(references_that_nobody_took_are_let_go_of, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *outer, *inner;
	long n;

	managed_start(&managed, method, NULL);
	n = number_of(managed.m, OBJECTS);
	outer = managed_new(managed.m, "dict");
	inner = managed_new(managed.m, "dict");
	SAYS(managed_call(outer, "set", "sp", "in", inner), "");
	reeve_proxy_free(inner);
	for (unsigned i = 0; i < 10; i++) {
		SAYS(managed_call(outer, "get", "s", "in"), "<dict>");
	}
	SAYS(managed_call(outer, "clear", ""), "");
	CU_ASSERT_EQUAL(number_of(managed.m, OBJECTS), n + 1);
	reeve_proxy_free(outer);
	CU_ASSERT_EQUAL(number_of(managed.m, OBJECTS), n);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(what_a_killed_server_left_goes_with_the_next, BY_ALL)
{
	struct managed alive, killed, next;
	char of_alive[PATH_MAX], of_killed[PATH_MAX], of_next[PATH_MAX];

	managed_start(&alive, method, NULL);
	managed_start(&killed, method, NULL);
	managed_folder(&alive, of_alive, PATH_MAX);
	managed_folder(&killed, of_killed, PATH_MAX);
	CU_ASSERT_EQUAL(access(of_killed, F_OK), 0);
	managed_kill(&killed);
	managed_start(&next, method, NULL);
	managed_folder(&next, of_next, PATH_MAX);
	CU_ASSERT_EQUAL(access(of_killed, F_OK), -1);
	CU_ASSERT_EQUAL(access(of_alive, F_OK), 0);
	CU_ASSERT_EQUAL(reeve_manager_ping(alive.m, RIG_LONG, NULL), REEVE_OK);
	CU_ASSERT_NOT_EQUAL(managed_stop(&killed), 0);
	CU_ASSERT_EQUAL(managed_stop(&next), 0);
	CU_ASSERT_EQUAL(managed_stop(&alive), 0);
	CU_ASSERT_EQUAL(access(of_next, F_OK), -1);
	CU_ASSERT_EQUAL(access(of_alive, F_OK), -1);
}

RV_SUITE(manager_deaths,
    RV_CASE(scenario_127_what_a_killed_client_held_is_free),
    RV_CASE(scenario_127_a_killed_party_breaks_the_barrier),
    RV_CASE(scenario_127_a_notice_to_the_dead_passes_on),
    RV_CASE(scenario_128_all_know_at_once_when_the_server_is_killed),
    RV_CASE(hostile_bytes_end_who_sends_them_and_nobody_else),
    RV_CASE(silent_and_slow_clients_hold_nobody_up),
    RV_CASE(a_thousand_clients_are_served),
    RV_CASE(a_forked_child_has_a_connection_of_its_own),
    RV_CASE(threads_share_one_client),
    RV_CASE(a_batch_says_of_each_call_what_became_of_it),
    RV_CASE(pending_calls_are_answered_when_they_can_be),
    RV_CASE(references_that_nobody_took_are_let_go_of),
    RV_CASE(what_a_killed_server_left_goes_with_the_next))
