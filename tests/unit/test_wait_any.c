/* SPDX-License-Identifier: MIT */
/*
 * reeve_wait over connections, bells, processes and descriptors, few and many.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/bell.h>
#include <reeve/conn.h>
#include <reeve/wait.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "sys/sys.h"

#define LONG REEVE_S(60)

static struct reeve_error err;

RV_TEST(whichever_is_ready_is_said_and_the_others_are_not)
{
	struct reeve_conn *a = NULL, *b = NULL;
	struct reeve_bell *bell = NULL;
	struct reeve_parcel parcel = { 0 };
	struct reeve_wait_item items[4];
	size_t n = 9;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(reeve_pipe(&a, &b, true, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_bell_new(&bell, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	items[0] = reeve_wait_for_conn(b, REEVE_WAIT_READ);
	items[1] = reeve_wait_for_fd(reeve_bell_fd(bell), REEVE_WAIT_READ);
	items[2] = reeve_wait_for_fd(fds[0], REEVE_WAIT_READ);
	items[3] = reeve_wait_for_conn(b, REEVE_WAIT_READ); /* twice is fine */
	CU_ASSERT_EQUAL(reeve_wait(items, 4, &n, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_wait(items, 4, &n, -1), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_wait(items, 4, &n, REEVE_MS(3)), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(n, 9);
	CU_ASSERT_EQUAL(items[0].ready, 0);
	reeve_bell_set(bell);
	CU_ASSERT_EQUAL(reeve_wait(items, 4, &n, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(items[1].ready, REEVE_WAIT_READ);
	CU_ASSERT_EQUAL(reeve_conn_send(a, NULL, 0, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	CU_ASSERT_EQUAL(reeve_wait(items, 4, &n, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(n, 4);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &parcel, 0, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_wait(items, 4, &n, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(items[0].ready, 0);
	CU_ASSERT_EQUAL(items[3].ready, 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	reeve_bell_free(bell);
	reeve_conn_free(a);
	reeve_conn_free(b);
}

RV_TEST(a_message_that_is_kept_makes_its_connection_ready)
{
	struct reeve_conn *a = NULL, *b = NULL;
	struct reeve_wait_item item;
	uint64_t length;
	char buf[4];

	CU_ASSERT_EQUAL_FATAL(reeve_pipe(&a, &b, true, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_send(a, "four", 4, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(b, buf, 1, &length, LONG), REEVE_ETOOSHORT);
	item = reeve_wait_for_conn(b, REEVE_WAIT_READ | REEVE_WAIT_WRITE);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(item.ready, REEVE_WAIT_READ | REEVE_WAIT_WRITE);
	item = reeve_wait_for_conn(b, REEVE_WAIT_READ);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv_into(b, buf, 4, &length, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, 0), REEVE_ETIMEDOUT);
	reeve_conn_free(a);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_OK);
	reeve_conn_close(b);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_OK);
	reeve_conn_free(b);
}

RV_TEST(a_full_connection_is_ready_to_send_when_it_was_read)
{
	struct reeve_conn *a = NULL, *b = NULL;
	struct reeve_parcel parcel = { 0 };
	struct reeve_wait_item item;
	static char block[50000];

	CU_ASSERT_EQUAL_FATAL(reeve_pipe(&b, &a, false, &err), REEVE_OK);
	item = reeve_wait_for_conn(a, REEVE_WAIT_WRITE);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_OK);
	while (reeve_conn_send(a, block, sizeof(block), 0) == REEVE_OK) {
	}
	while (reeve_conn_send(a, block, 0, 0) == REEVE_OK) {
	}
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, 0), REEVE_ETIMEDOUT);
	while (reeve_conn_recv(b, &parcel, sizeof(block), 0) == REEVE_OK) {
	}
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_OK);
	reeve_parcel_free(&parcel);
	/* the direction that it has not: receiving says so */
	item = reeve_wait_for_conn(a, REEVE_WAIT_READ);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_OK);
	reeve_conn_free(a);
	reeve_conn_free(b);
}

RV_TEST(the_end_of_a_process_wakes_by_its_sentinel)
{
	struct reeve_wait_item item;
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		_exit(0);
	}
	fd = rv_sys_pidfd_open(pid);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	item = reeve_wait_for_fd(fd, REEVE_WAIT_READ);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	(void)close(fd);
}

#define MANY 1500

RV_TEST(more_than_a_thousand_are_as_good_as_one)
{
	struct reeve_wait_item *items = calloc(MANY, sizeof(*items));
	struct reeve_bell **bells = calloc(MANY, sizeof(struct reeve_bell *));
	struct rlimit old, more;
	size_t n = 0;

	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &old), 0);
	more = old;
	more.rlim_cur = RV_MIN((rlim_t)4096, old.rlim_max);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &more), 0);
	for (unsigned i = 0; i < MANY; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_bell_new(&bells[i], &err), REEVE_OK);
		items[i] =
		    reeve_wait_for_fd(reeve_bell_fd(bells[i]), REEVE_WAIT_READ);
	}
	CU_ASSERT_EQUAL(reeve_wait(items, MANY, &n, 0), REEVE_ETIMEDOUT);
	reeve_bell_set(bells[MANY - 1]);
	reeve_bell_set(bells[7]);
	CU_ASSERT_EQUAL(reeve_wait(items, MANY, &n, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_EQUAL(items[7].ready, REEVE_WAIT_READ);
	CU_ASSERT_EQUAL(items[MANY - 1].ready, REEVE_WAIT_READ);
	CU_ASSERT_TRUE(rv_fault_set("alloc=ENOMEM"));
	CU_ASSERT_EQUAL(reeve_wait(items, MANY, &n, LONG), REEVE_ENOMEM);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	for (unsigned i = 0; i < MANY; i++) {
		reeve_bell_free(bells[i]);
	}
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
	free(items);
	free(bells);
}

RV_TEST(what_cannot_be_waited_for_is_refused)
{
	struct reeve_wait_item item = reeve_wait_for_fd(-1, REEVE_WAIT_READ);
	struct reeve_wait_item ten[10];
	struct rlimit old, few;

	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_EINVALID);
	item = reeve_wait_for_fd(1023, REEVE_WAIT_READ);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_EINVALID);
	item = reeve_wait_for_fd(0, 0);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_EINVALID);
	item = reeve_wait_for_fd(0, 4);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, LONG), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_wait(NULL, 1, NULL, LONG), REEVE_EINVALID);
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 9;
	for (unsigned i = 0; i < 10; i++) {
		ten[i] = reeve_wait_for_fd(0, REEVE_WAIT_READ);
	}
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &few), 0);
	CU_ASSERT_EQUAL(reeve_wait(ten, 10, NULL, 0), REEVE_ESYS);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
	CU_ASSERT_EQUAL(
	    reeve_wait(NULL, 0, NULL, REEVE_MS(1)), REEVE_ETIMEDOUT);
}

RV_SUITE(wait_any, RV_CASE(whichever_is_ready_is_said_and_the_others_are_not),
    RV_CASE(a_message_that_is_kept_makes_its_connection_ready),
    RV_CASE(a_full_connection_is_ready_to_send_when_it_was_read),
    RV_CASE(the_end_of_a_process_wakes_by_its_sentinel),
    RV_CASE(more_than_a_thousand_are_as_good_as_one),
    RV_CASE(what_cannot_be_waited_for_is_refused))
