/* SPDX-License-Identifier: MIT */
/*
 * Connections within one machine: messages of all sizes, both forms of
 * receiving, directions, ends, timeouts, threads, forks and signals.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/bell.h>
#include <reeve/blocks.h>
#include <reeve/conn.h>

#include "base/fault.h"
#include "conn/conn_priv.h"
#include "lib/harness.h"
#include "unit/conn_rig.h"

#define LONG REEVE_S(60)

static struct reeve_error err;

RV_TEST(parts_and_the_word_json_come_over)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel parcel = { 0 };
	char open[] = "{\"a\":", close[] = "1}";
	struct iovec parts[] = { { open, 5 }, { NULL, 0 }, { close, 2 } };
	struct iovec many[1001];

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL(
	    reeve_conn_sendv(a, parts, 3, REEVE_PARCEL_JSON, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 100, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(parcel.flags, REEVE_PARCEL_JSON);
	CU_ASSERT_EQUAL(parcel.length, 7);
	CU_ASSERT_EQUAL(memcmp(parcel.data, "{\"a\":1}", 7), 0);
	for (unsigned i = 0; i < 1001; i++) {
		many[i] = (struct iovec){ open, 1 };
	}
	CU_ASSERT_EQUAL(reeve_conn_sendv(a, many, 1001, 0, 0), REEVE_ETOOBIG);
	CU_ASSERT_EQUAL(reeve_conn_sendv(a, many, 1000, 0, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 1000, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(parcel.length, 1000);
	reeve_parcel_free(&parcel);
	conn_finish(a, b);
}

RV_TEST(a_made_message_that_was_not_sent_can_be_sent_again)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel out = { 0 }, in = { 0 };
	static char block[60000];
	void *at;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL_FATAL(reeve_parcel_make(&out, 10, &at, &err), REEVE_OK);
	memcpy(at, "0123456789", 10);
	while (reeve_conn_send(a, block, sizeof(block), 0) == REEVE_OK) {
	}
	while (reeve_conn_send(a, block, 0, 0) == REEVE_OK) {
	}
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, 0), REEVE_ETIMEDOUT);
	while (reeve_conn_recv(b, &in, sizeof(block), 0) == REEVE_OK) {
	}
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
	conn_expect(b, "0123456789");
	CU_ASSERT_EQUAL(reeve_parcel_make(&out, 0, &at, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL_FATAL(reeve_parcel_make(&out, 10, &at, &err), REEVE_OK);
	reeve_parcel_free(&out);
	reeve_parcel_free(&out);
	reeve_parcel_free(&in);
	conn_finish(a, b);
}

RV_TEST(a_message_over_the_maximum_is_skipped)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel parcel = { 0 };

	conn_pipe(true, &a, &b);
	conn_say(a, "a long message");
	conn_say(a, "short");
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 5, LONG), REEVE_ETOOBIG);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 5, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(parcel.length, 5);
	reeve_parcel_free(&parcel);
	conn_finish(a, b);
}

RV_TEST(what_was_sent_before_the_end_is_received_before_it)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel parcel = { 0 };
	uint64_t length;

	conn_pipe(true, &a, &b);
	conn_say(a, "last");
	conn_say(b, "never read"); /* makes the end a reset */
	reeve_conn_close(a);
	CU_ASSERT_EQUAL(reeve_conn_send(a, "x", 1, LONG), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_recv(a, &parcel, 1, LONG), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_poll(a, LONG), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_fd(a), -1);
	conn_expect(b, "last");
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 1, LONG), REEVE_EEND);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(b, &length, 8, &length, LONG), REEVE_EEND);
	CU_ASSERT_EQUAL(reeve_conn_poll(b, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_send(b, "x", 1, LONG), REEVE_EBROKEN);
	reeve_conn_close(a);
	conn_finish(a, b);
}

RV_TEST(every_wait_ends_at_its_timeout)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel parcel = { 0 };
	static char block[60000];
	uint64_t length;
	unsigned sent = 0;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 1, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 1, -7), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(b, &parcel, 1, REEVE_MS(3)), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_recv_into(b, block, 1, &length, REEVE_MS(3)),
	    REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_poll(b, REEVE_MS(3)), REEVE_ETIMEDOUT);
	while (reeve_conn_send(a, block, sizeof(block), 0) == REEVE_OK) {
		sent++;
	}
	CU_ASSERT_TRUE(sent > 0);
	CU_ASSERT_EQUAL(reeve_conn_send(a, block, sizeof(block), REEVE_MS(3)),
	    REEVE_ETIMEDOUT);
	while (sent-- > 0) {
		CU_ASSERT_EQUAL(
		    reeve_conn_recv(b, &parcel, sizeof(block), 0), REEVE_OK);
		CU_ASSERT_EQUAL(parcel.length, sizeof(block));
	}
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(b, &parcel, sizeof(block), 0), REEVE_ETIMEDOUT);
	reeve_parcel_free(&parcel);
	conn_finish(a, b);
}

static void *
shut_it_down(void *arg)
{
	reeve_conn_shutdown(arg);
	return NULL;
}

RV_TEST(a_shutdown_wakes_who_waits)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel parcel = { 0 };
	pthread_t thread;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL(pthread_create(&thread, NULL, shut_it_down, b), 0);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(b, &parcel, 1, REEVE_FOREVER), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
	CU_ASSERT_EQUAL(reeve_conn_recv(a, &parcel, 1, LONG), REEVE_EEND);
	conn_finish(a, b);
}

static void *
wait_for_a_message(void *arg)
{
	struct reeve_parcel parcel = { 0 };
	enum reeve_status status =
	    reeve_conn_recv(arg, &parcel, 100, REEVE_FOREVER);

	reeve_parcel_free(&parcel);
	return status == REEVE_OK ? arg : NULL;
}

/* Until the thread holds the lock of the direction, for good. */
static void
await_receiver(struct reeve_conn *conn)
{
	while (pthread_mutex_trylock(&conn->own->receiving) == 0) {
		(void)pthread_mutex_unlock(&conn->own->receiving);
		(void)sched_yield();
	}
}

RV_TEST(a_fork_while_a_thread_receives_leaves_the_child_free_to)
{
	struct reeve_conn *a, *b;
	pthread_t thread;
	void *result = NULL;
	int status;
	pid_t pid;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL(
	    pthread_create(&thread, NULL, wait_for_a_message, b), 0);
	await_receiver(b);
	pid = fork();
	if (pid == 0) {
		/* its copy of the lock is not held, whatever the thread does */
		_exit(wait_for_a_message(b) != NULL ? 0 : 1);
	}
	conn_say(a, "for one");
	conn_say(a, "and for the other");
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(pthread_join(thread, &result), 0);
	CU_ASSERT_PTR_NOT_NULL(result);
	conn_finish(a, b);
}

#define EACH 2000

static void *
send_many(void *arg)
{
	uint64_t word[100];

	for (uint64_t i = 0; i < EACH; i++) {
		for (unsigned k = 0; k < 100; k++) {
			word[k] = i;
		}
		if (reeve_conn_send(arg, word, (i % 100 + 1) * 8, LONG) !=
		    REEVE_OK) {
			return NULL;
		}
	}
	return arg;
}

static void *
receive_many(void *arg)
{
	struct reeve_parcel parcel = { 0 };
	bool good = true;

	for (unsigned i = 0; good && i < EACH; i++) {
		const uint64_t *word;

		good = reeve_conn_recv(arg, &parcel, 800, LONG) == REEVE_OK &&
		       parcel.length >= 8;
		word = parcel.data;
		good = good && parcel.length == (word[0] % 100 + 1) * 8 &&
		       word[parcel.length / 8 - 1] == word[0];
	}
	reeve_parcel_free(&parcel);
	return good ? arg : NULL;
}

RV_TEST(two_threads_at_each_end_corrupt_nothing)
{
	struct reeve_conn *a, *b;
	pthread_t threads[4];

	conn_pipe(true, &a, &b);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&threads[i], NULL,
			i < 2 ? send_many : receive_many, i < 2 ? a : b),
		    0);
	}
	for (unsigned i = 0; i < 4; i++) {
		void *result = NULL;

		CU_ASSERT_EQUAL(pthread_join(threads[i], &result), 0);
		CU_ASSERT_PTR_NOT_NULL(result);
	}
	conn_finish(a, b);
}

RV_TEST(a_peer_that_is_stopped_is_waited_for_no_longer_than_asked)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel parcel = { 0 };
	static char block[60000];
	pid_t pid;
	int status;

	conn_pipe(true, &a, &b);
	pid = fork();
	if (pid == 0) {
		reeve_conn_close(a);
		(void)raise(SIGSTOP);
		while (reeve_conn_recv(b, &parcel, sizeof(block), LONG) ==
		       REEVE_OK) {
		}
		_exit(0);
	}
	reeve_conn_close(b);
	CU_ASSERT_EQUAL(waitpid(pid, &status, WUNTRACED), pid);
	while (
	    reeve_conn_send(a, block, sizeof(block), REEVE_MS(2)) == REEVE_OK) {
	}
	CU_ASSERT_EQUAL(reeve_conn_send(a, block, sizeof(block), REEVE_MS(2)),
	    REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(a, &parcel, 1, REEVE_MS(2)), REEVE_ETIMEDOUT);
	(void)kill(pid, SIGCONT);
	CU_ASSERT_EQUAL(
	    reeve_conn_send(a, block, sizeof(block), LONG), REEVE_OK);
	reeve_conn_close(a);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	conn_finish(a, b);
}

RV_TEST(no_memory_and_no_descriptors_are_said_and_nothing_is_lost)
{
	static char block[100000];
	struct reeve_conn *a = NULL, *b = NULL;
	struct reeve_parcel parcel = { 0 };

	CU_ASSERT_EQUAL(reeve_pipe(NULL, &b, true, &err), REEVE_EINVALID);
	CU_ASSERT_TRUE(rv_fault_set("socketpair=EMFILE"));
	CU_ASSERT_EQUAL(reeve_pipe(&a, &b, true, &err), REEVE_ESYS);
	for (unsigned n = 1; n <= 2; n++) {
		char plan[64];

		(void)snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", n);
		CU_ASSERT_TRUE(rv_fault_set(plan));
		CU_ASSERT_EQUAL(reeve_pipe(&a, &b, true, &err), REEVE_ENOMEM);
		(void)snprintf(plan, sizeof(plan), "mmap@%u=ENOMEM", n);
		CU_ASSERT_TRUE(rv_fault_set(plan));
		CU_ASSERT_EQUAL(reeve_pipe(&a, &b, true, &err), REEVE_ENOMEM);
	}
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_PTR_NULL(a);
	conn_pipe(true, &a, &b);
	CU_ASSERT_TRUE(rv_fault_set("memfd_create=EMFILE"));
	CU_ASSERT_EQUAL(
	    reeve_conn_send(a, block, sizeof(block), LONG), REEVE_ESYS);
	CU_ASSERT_TRUE(rv_fault_set("write=ENOSPC"));
	CU_ASSERT_EQUAL(
	    reeve_conn_send(a, block, sizeof(block), LONG), REEVE_ESYS);
	CU_ASSERT_TRUE(rv_fault_set("send=ENOBUFS"));
	CU_ASSERT_EQUAL(reeve_conn_send(a, "x", 1, LONG), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	conn_say(a, "kept");
	CU_ASSERT_TRUE(rv_fault_set("alloc=ENOMEM"));
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 100, LONG), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	conn_expect(b, "kept");
	CU_ASSERT_EQUAL(
	    reeve_conn_send(a, block, sizeof(block), LONG), REEVE_OK);
	CU_ASSERT_TRUE(rv_fault_set("mmap=ENOMEM"));
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(b, &parcel, sizeof(block), LONG), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(b, &parcel, sizeof(block), 0), REEVE_OK);
	CU_ASSERT_EQUAL(parcel.length, sizeof(block));
	reeve_parcel_free(&parcel);
	conn_finish(a, b);
}

RV_TEST(an_end_that_cannot_be_opened_or_handed_over_is_an_exact_error)
{
	struct reeve_conn *a, *b, *c = NULL;
	struct reeve_handle handle;
	struct rlimit limit, none;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_handle(a, &handle, &err), REEVE_OK);
	CU_ASSERT_TRUE(rv_fault_set("alloc=ENOMEM"));
	CU_ASSERT_EQUAL(reeve_conn_open(&c, &handle, &err), REEVE_ENOMEM);
	CU_ASSERT_EQUAL(
	    reeve_conn_of_socket(&c, handle.fds[0], &err), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 4;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	CU_ASSERT_EQUAL(reeve_conn_open(&c, &handle, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, EMFILE);
	CU_ASSERT_EQUAL(
	    reeve_conn_of_socket(&c, handle.fds[0], &err), REEVE_ESYS);
	reeve_handle_close(&handle);
	CU_ASSERT_EQUAL(reeve_conn_handle(b, &handle, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, EMFILE);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CU_ASSERT_PTR_NULL(c);
	reeve_conn_close(a);
	CU_ASSERT_EQUAL(reeve_conn_handle(a, &handle, &err), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(
	    reeve_conn_peer(a, &(pid_t){ 0 }, &(uid_t){ 0 }, &(gid_t){ 0 }),
	    REEVE_ECLOSED);
	conn_finish(a, b);
}

RV_TEST(a_closed_end_says_so_in_every_call)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel parcel = { 0 };
	struct iovec part = { NULL, 0 };

	conn_pipe(true, &a, &b);
	reeve_conn_close(a);
	reeve_conn_close(a);
	reeve_conn_shutdown(a);
	CU_ASSERT_EQUAL(reeve_conn_send(a, NULL, 0, 0), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_sendv(a, &part, 1, 0, 0), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &parcel, 0), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_recv(a, &parcel, 1, 0), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(a, NULL, 0, NULL, 0), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_poll(a, 0), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_flush(a, 0), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_unsent(a), 0);
	CU_ASSERT_EQUAL(reeve_conn_fd(a), -1);
	CU_ASSERT_FALSE(reeve_conn_waiting(a));
	CU_ASSERT_FALSE(reeve_conn_can_send(a));
	CU_ASSERT_FALSE(reeve_conn_can_receive(a));
	reeve_conn_share_blocks(a, true);
	conn_finish(a, b);
}

RV_TEST(what_cannot_be_is_refused)
{
	struct reeve_conn *a, *b, *c = NULL;
	struct reeve_parcel parcel = { .flags = 2 };
	struct reeve_handle handle = reeve_handle_of_fd(0);
	struct iovec parts[] = { { &parcel, SIZE_MAX }, { &parcel, 1 } };
	int fds[2];

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL(reeve_conn_sendv(a, parts, 2, 0, LONG), REEVE_ETOOBIG);
	CU_ASSERT_EQUAL(reeve_conn_send(a, NULL, 1, LONG), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_conn_sendv(a, NULL, 1, 0, LONG), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_conn_send_parcel(a, &parcel, LONG), REEVE_EINVALID);
	parcel.flags = 0;
	parcel.n_handles = REEVE_PARCEL_HANDLES + 1;
	CU_ASSERT_EQUAL(
	    reeve_conn_send_parcel(a, &parcel, LONG), REEVE_ETOOBIG);
	parcel.n_handles = 1; /* which is none */
	CU_ASSERT_EQUAL(
	    reeve_conn_send_parcel(a, &parcel, LONG), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_conn_send(NULL, "x", 1, LONG), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_conn_recv(a, NULL, 1, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_conn_open(&c, &handle, &err), REEVE_EINVALID);
	handle.kind = REEVE_SHARE_CONNECTION;
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	handle.fds[0] = fds[0];
	CU_ASSERT_EQUAL(reeve_conn_open(&c, &handle, &err), REEVE_EINVALID);
	(void)close(fds[0]);
	(void)close(fds[1]);
	CU_ASSERT_EQUAL(reeve_conn_open(&c, &handle, &err), REEVE_ESYS);
	CU_ASSERT_PTR_NULL(c);
	reeve_conn_free(NULL);
	reeve_parcel_free(NULL);
	conn_finish(a, b);
}

RV_TEST(the_peer_of_a_pipe_is_who_made_it)
{
	struct reeve_conn *a, *b;
	pid_t pid = 0;
	uid_t uid = 1;
	gid_t gid = 1;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL(reeve_conn_peer(a, &pid, &uid, &gid), REEVE_OK);
	CU_ASSERT_EQUAL(pid, getpid());
	CU_ASSERT_EQUAL(uid, geteuid());
	CU_ASSERT_EQUAL(gid, getegid());
	conn_finish(a, b);
}

RV_TEST(a_limit_on_files_is_an_error_and_no_signal)
{
	static char large[1 << 20];
	struct reeve_conn *a, *b;
	struct reeve_parcel parcel = { 0 };
	struct reeve_blocks *blocks = NULL;
	struct rlimit before, low;
	void *at;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = before;
	low.rlim_cur = 1 << 16;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &low), 0);
	CU_ASSERT_EQUAL(
	    reeve_parcel_make(&parcel, 1 << 20, &at, &err), REEVE_ESYS);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "RLIMIT_FSIZE"));
	CU_ASSERT_EQUAL(
	    reeve_blocks_new(&blocks, 1 << 16, 4, &err), REEVE_ESYS);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "RLIMIT_FSIZE"));
	CU_ASSERT_EQUAL(
	    reeve_conn_send(a, large, sizeof(large), LONG), REEVE_ESYS);
	conn_say(a, "goes");
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
	conn_expect(b, "goes");
	conn_finish(a, b);
}

RV_SUITE(conn, RV_CASE(parts_and_the_word_json_come_over),
    RV_CASE(a_made_message_that_was_not_sent_can_be_sent_again),
    RV_CASE(a_message_over_the_maximum_is_skipped),
    RV_CASE(what_was_sent_before_the_end_is_received_before_it),
    RV_CASE(every_wait_ends_at_its_timeout),
    RV_CASE(a_shutdown_wakes_who_waits),
    RV_CASE(a_fork_while_a_thread_receives_leaves_the_child_free_to),
    RV_CASE(two_threads_at_each_end_corrupt_nothing),
    RV_CASE(a_peer_that_is_stopped_is_waited_for_no_longer_than_asked),
    RV_CASE(no_memory_and_no_descriptors_are_said_and_nothing_is_lost),
    RV_CASE(an_end_that_cannot_be_opened_or_handed_over_is_an_exact_error),
    RV_CASE(a_closed_end_says_so_in_every_call),
    RV_CASE(what_cannot_be_is_refused),
    RV_CASE(the_peer_of_a_pipe_is_who_made_it),
    RV_CASE(a_limit_on_files_is_an_error_and_no_signal))
