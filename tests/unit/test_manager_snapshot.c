/* SPDX-License-Identifier: MIT */
/*
 * Snapshots that are written while the server serves: by a disk that hangs, by
 * one that is full, by a process that is killed or cannot be made; and what the
 * clients see of that, which is nothing, unless they asked for one.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "unit/served_rig.h"

#define WRITER  "\"writer\":"
#define WRITTEN "\"written\":"
#define WAITING "\"waiting\":"
#define FAILED  "\"failed\":"

static const char *
path_of(const char *name)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", rv_test_dir(), name);
	return path;
}

/* What the server has said, and a descriptor that tells when it did. */
static struct said {
	char text[400];
	int fds[2];
} said;

static void
hear(void *ctx, const char *text)
{
	struct said *s = ctx;

	(void)!write(s->fds[1], text, strlen(text) + 1);
}

/* The next word of it. */
static const char *
next_word(void)
{
	struct pollfd p = { said.fds[0], POLLIN, 0 };
	size_t n = 0;

	CU_ASSERT_EQUAL_FATAL(poll(&p, 1, 60000 * rv_test_slow()), 1);
	do {
		CU_ASSERT_EQUAL_FATAL(read(said.fds[0], &said.text[n], 1), 1);
	} while (said.text[n] != '\0' && ++n < sizeof(said.text));
	return said.text;
}

static void
begin(struct served *s, int64_t every)
{
	static char path[300];
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(s, &listen);

	(void)snprintf(path, sizeof(path), "%s", path_of("snapshot"));
	CU_ASSERT_EQUAL_FATAL(pipe(said.fds), 0);
	options.snapshot = path;
	options.snapshot_every = every;
	options.notice = hear;
	options.notice_ctx = &said;
	served_begin(s, &options);
}

static void
finish(struct served *s)
{
	CU_ASSERT_EQUAL(served_finish(s), REEVE_OK);
	(void)close(said.fds[0]);
	(void)close(said.fds[1]);
}

static enum reeve_status
ask(struct reeve_manager *m, int64_t timeout)
{
	memset(&served_err, 0, sizeof(served_err));
	return reeve_manager_call(
	    m, "snapshot", NULL, 0, NULL, timeout, &served_err);
}

/* The value under a name in the snapshot, by a server that reads it. */
static int64_t
kept(struct served *s)
{
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(s, &listen);
	struct reeve_result result = { 0 };
	struct reeve_proxy *value = NULL;
	int64_t n;

	options.snapshot = path_of("snapshot");
	served_begin(s, &options);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_open(&value, s->m, "value", RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_proxy_do(value, REEVE_VALUE_GET, NULL, 0,
				  &result, RIG_LONG, &served_err),
	    REEVE_OK);
	n = result.values[0].is.integer;
	reeve_result_free(&result);
	reeve_proxy_free(value);
	CU_ASSERT_EQUAL(served_finish(s), REEVE_OK);
	return n;
}

static struct reeve_proxy *
make_value(struct served *s)
{
	struct reeve_datum zero = reeve_int(0);
	struct reeve_proxy *value = served_make(s, "value", &zero, 1);

	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(value, "value", RIG_LONG, &served_err),
	    REEVE_OK);
	return value;
}

static void
set(struct reeve_proxy *value, int64_t n)
{
	struct reeve_datum arg = reeve_int(n);

	CU_ASSERT_EQUAL(reeve_proxy_do(value, REEVE_VALUE_SET, &arg, 1, NULL,
			    RIG_LONG, &served_err),
	    REEVE_OK);
}

/* A file that whoever opens it for writing waits for. */
static void
block_disk(void)
{
	CU_ASSERT_EQUAL_FATAL(mkfifo(path_of("snapshot.new"), 0600), 0);
}

static void
unblock_disk(void)
{
	CU_ASSERT_EQUAL(unlink(path_of("snapshot.new")), 0);
}

/* It keeps no connection open; what valgrind has of its own both have. */
static bool
has_few_fds(void *writer)
{
	return rv_test_fds((pid_t) * (long *)writer) + 8 <
	       rv_test_fds(getpid());
}

RV_TEST(calls_are_answered_while_the_disk_hangs)
{
	struct served s = { 0 };
	struct reeve_proxy *value;
	struct reeve_manager *other;
	long writer;

	begin(&s, 0);
	value = make_value(&s);
	set(value, 1);
	CU_ASSERT_EQUAL(ask(s.m, RIG_LONG), REEVE_OK);
	block_disk();
	/* it is begun, and not done for as long as we like */
	CU_ASSERT_EQUAL(ask(s.m, REEVE_MS(20)), REEVE_ETIMEDOUT);
	writer = served_info(s.m, WRITER);
	CU_ASSERT_TRUE_FATAL(writer > 0);
	for (int64_t i = 2; i < 100; i++) {
		set(value, i);
	}
	other = served_connect(&s);
	CU_ASSERT_EQUAL(reeve_manager_ping(other, RIG_LONG, NULL), REEVE_OK);
	reeve_manager_free(other);
	CU_ASSERT_EQUAL(served_info(s.m, WRITER), writer);
	CU_ASSERT_TRUE(
	    rv_test_wait(has_few_fds, &writer, -1, 60000 * rv_test_slow()));
	/* the end does not wait for it either */
	reeve_proxy_free(value);
	finish(&s);
	CU_ASSERT_EQUAL(kill((pid_t)writer, 0), -1);
	CU_ASSERT_EQUAL(kept(&s), 1);
}

RV_TEST(a_writer_that_is_killed_is_an_error_for_who_asked)
{
	struct served s = { 0 };
	struct reeve_manager *other;
	struct reeve_proxy *value;
	long writer;

	begin(&s, 0);
	value = make_value(&s);
	block_disk();
	CU_ASSERT_EQUAL(ask(s.m, REEVE_MS(1)), REEVE_ETIMEDOUT);
	writer = served_info(s.m, WRITER);
	CU_ASSERT_TRUE_FATAL(writer > 0);
	set(value, 7);
	unblock_disk();
	CU_ASSERT_EQUAL(kill((pid_t)writer, SIGKILL), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(next_word(), "was killed"));
	CU_ASSERT_EQUAL(served_info(s.m, FAILED), 1);
	other = served_connect(&s);
	CU_ASSERT_EQUAL(ask(other, RIG_LONG), REEVE_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(next_word(), "is written again"));
	CU_ASSERT_EQUAL(served_info(s.m, WRITTEN), 1);
	reeve_manager_free(other);
	reeve_proxy_free(value);
	finish(&s);
	CU_ASSERT_EQUAL(kept(&s), 7);
}

static void *
ask_long(void *m)
{
	return reeve_manager_call(
		   m, "snapshot", NULL, 0, NULL, RIG_LONG, NULL) == REEVE_OK
		   ? m
		   : NULL;
}

RV_TEST(who_asks_meanwhile_gets_one_of_after_the_question)
{
	struct served s = { 0 };
	struct reeve_proxy *value;
	void *was_good = NULL;
	pthread_t thread;
	char byte;
	int fd;

	begin(&s, 0);
	value = make_value(&s);
	set(value, 1);
	block_disk();
	CU_ASSERT_EQUAL(ask(s.m, REEVE_MS(1)), REEVE_ETIMEDOUT);
	set(value, 2);
	/* this one is the next; the first one fails, as no pipe is synced */
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, ask_long, s.m), 0);
	while (served_info(s.m, WAITING) == 0) {
	}
	fd = open(path_of("snapshot.new"), O_RDONLY | O_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	while (read(fd, &byte, 1) > 0) {
	}
	(void)close(fd);
	CU_ASSERT_PTR_NOT_NULL(strstr(next_word(), "cannot write snapshot"));
	CU_ASSERT_PTR_NOT_NULL(strstr(next_word(), "is written again"));
	(void)pthread_join(thread, &was_good);
	CU_ASSERT_PTR_NOT_NULL(was_good);
	reeve_proxy_free(value);
	finish(&s);
	CU_ASSERT_EQUAL(kept(&s), 2);
}

/* What is wrong, and what is said of it. */
static const struct {
	const char *plan, *words;
} troubles[] = {
	{ "clone@1+=EAGAIN", "a process" },
	{ "pipe2@1+=EMFILE", "a pipe" },
	{ "open@1+=EMFILE", "cannot write snapshot" },
	{ "write@1=ENOSPC", "No space left" },
	{ "rename@1+=EACCES", "in its place" },
};

RV_TEST(what_cannot_be_written_is_said_and_leaves_the_former_one)
{
	for (unsigned i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
		struct served s = { 0 };
		struct reeve_proxy *value;

		begin(&s, 0);
		value = make_value(&s);
		set(value, 1);
		CU_ASSERT_EQUAL(ask(s.m, RIG_LONG), REEVE_OK);
		set(value, 2);
		CU_ASSERT_TRUE(rv_fault_set(troubles[i].plan));
		for (unsigned k = 0; k < 2; k++) {
			CU_ASSERT_EQUAL(ask(s.m, RIG_LONG), REEVE_ESYS);
			CU_ASSERT_PTR_NOT_NULL(
			    strstr(served_err.text, troubles[i].words));
			CU_ASSERT_PTR_NOT_NULL(
			    strstr(served_err.text, path_of("snapshot")));
		}
		CU_ASSERT_TRUE(rv_fault_set(NULL));
		/* once for both */
		CU_ASSERT_PTR_NOT_NULL(strstr(next_word(), troubles[i].words));
		CU_ASSERT_EQUAL(access(path_of("snapshot.new"), F_OK), -1);
		CU_ASSERT_EQUAL(served_info(s.m, WRITER), 0);
		reeve_proxy_free(value);
		finish(&s);
		CU_ASSERT_EQUAL(kept(&s), 1);
		CU_ASSERT_EQUAL(unlink(path_of("snapshot")), 0);
	}
}

RV_TEST(it_is_tried_again_until_the_disk_has_room)
{
	struct served s = { 0 };
	struct reeve_proxy *value;

	begin(&s, REEVE_MS(5));
	value = make_value(&s);
	CU_ASSERT_TRUE(rv_fault_set("write@1=ENOSPC"));
	set(value, 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(next_word(), "No space left"));
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(next_word(), "is written again"));
	reeve_proxy_free(value);
	finish(&s);
	CU_ASSERT_EQUAL(kept(&s), 3);
}

RV_TEST(a_disk_that_is_really_full_is_an_error)
{
	static char much[100000];
	struct reeve_datum value = reeve_bytes(much, sizeof(much));
	struct served s = { 0 };
	struct reeve_proxy *list;

	begin(&s, 0);
	list = served_make(&s, "list", &value, 1);
	CU_ASSERT_EQUAL(symlink("/dev/full", path_of("snapshot.new")), 0);
	CU_ASSERT_EQUAL(ask(s.m, RIG_LONG), REEVE_ESYS);
	CU_ASSERT_PTR_NOT_NULL(strstr(served_err.text, "No space left"));
	CU_ASSERT_EQUAL(ask(s.m, RIG_LONG), REEVE_OK);
	reeve_proxy_free(list);
	finish(&s);
}

RV_SUITE(manager_snapshot, RV_CASE(calls_are_answered_while_the_disk_hangs),
    RV_CASE(a_writer_that_is_killed_is_an_error_for_who_asked),
    RV_CASE(who_asks_meanwhile_gets_one_of_after_the_question),
    RV_CASE(what_cannot_be_written_is_said_and_leaves_the_former_one),
    RV_CASE(it_is_tried_again_until_the_disk_has_room),
    RV_CASE(a_disk_that_is_really_full_is_an_error))
