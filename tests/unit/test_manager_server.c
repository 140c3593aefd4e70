/* SPDX-License-Identifier: MIT */
/*
 * A server in this process, in the loop of the test: snapshots and their
 * damage, no descriptors, limits, a host's own loop.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/manager.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "unit/served_rig.h"

static void
publish(struct served *s, const char *type, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_proxy *p = served_make(s, type, args, n);

	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(p, type, RIG_LONG, &served_err), REEVE_OK);
	reeve_proxy_free(p);
}

/* The answer to a call of a published object, its values in a row. */
static void
expect(struct served *s, const char *name, const char *method,
    const struct reeve_datum *values, size_t n)
{
	struct reeve_result result = { 0 };
	struct reeve_proxy *p = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_open(&p, s->m, name, RIG_LONG, &served_err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_proxy_call(p, method, NULL, 0, &result, 0, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(result.n, n);
	for (size_t i = 0; i < result.n && i < n; i++) {
		CU_ASSERT_EQUAL(result.values[i].type, values[i].type);
		CU_ASSERT_EQUAL(result.values[i].length, values[i].length);
		CU_ASSERT_TRUE(
		    values[i].data != NULL
			? memcmp(result.values[i].data, values[i].data,
			      values[i].length) == 0
			: result.values[i].is.integer == values[i].is.integer);
	}
	reeve_result_free(&result);
	reeve_proxy_free(p);
}

static const char *
snapshot_path(void)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/snapshot", rv_test_dir());
	return path;
}

static void
fill(struct served *s)
{
	struct reeve_datum values[4] = { reeve_text("one"), reeve_int(1),
		reeve_text("two"), reeve_double(2.5) };
	struct reeve_datum size = reeve_int(5), item = reeve_bytes("a\0b", 3);
	struct reeve_proxy *queue, *dict;

	publish(s, "dict", values, 4);
	publish(s, "list", values, 4);
	publish(s, "set", values, 4);
	publish(s, "namespace", values, 4);
	publish(s, "value", values, 1);
	publish(s, "array", &size, 1);
	publish(s, "semaphore", &size, 1);
	publish(s, "barrier", &size, 1);
	publish(s, "lock", NULL, 0);
	publish(s, "event", NULL, 0);
	queue = served_make(s, "queue", &size, 1);
	CU_ASSERT_EQUAL(reeve_proxy_call(queue, "put", &item, 1, NULL, RIG_LONG,
			    &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_proxy_call(queue, "put", &size, 1, NULL, RIG_LONG,
			    &served_err),
	    REEVE_OK);
	/* leased by us, who will be gone */
	CU_ASSERT_EQUAL(reeve_proxy_call(queue, "lease", NULL, 0, NULL,
			    RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_proxy_open(&dict, s->m, "dict", RIG_LONG, &served_err),
	    REEVE_OK);
	values[0] = reeve_text("queue");
	values[1] = reeve_proxy_reference(queue);
	CU_ASSERT_EQUAL(reeve_proxy_call(dict, "set", values, 2, NULL, RIG_LONG,
			    &served_err),
	    REEVE_OK);
	reeve_proxy_free(dict);
	reeve_proxy_free(queue);
}

static void
look(struct served *s)
{
	struct reeve_datum values[4] = { reeve_text("one"), reeve_int(1),
		reeve_text("two"), reeve_double(2.5) };
	struct reeve_datum zeros[5] = { reeve_int(0), reeve_int(0),
		reeve_int(0), reeve_int(0), reeve_int(0) };
	struct reeve_datum five = reeve_int(5), key = reeve_text("queue");
	struct reeve_proxy *dict = NULL, *queue = NULL;
	struct reeve_result result = { 0 };

	expect(s, "list", "items", values, 4);
	expect(s, "set", "items", values, 4);
	expect(s, "namespace", "items", values, 4);
	expect(s, "value", "get", values, 1);
	expect(s, "array", "items", zeros, 5);
	expect(s, "semaphore", "value", &five, 1);
	expect(s, "barrier", "parties", &five, 1);
	expect(s, "lock", "acquire", NULL, 0);
	CU_ASSERT_EQUAL(
	    reeve_proxy_open(&dict, s->m, "dict", RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_proxy_call(dict, "get", &key, 1, &result,
				  RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_proxy_take(&queue, &result, 0, &served_err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_proxy_call(queue, "get", NULL, 0, &result, 0, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(result.values[0].length, 3);
	CU_ASSERT_EQUAL(memcmp(result.values[0].data, "a\0b", 3), 0);
	CU_ASSERT_EQUAL(
	    reeve_proxy_call(queue, "get", NULL, 0, &result, 0, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(result.values[0].is.integer, 5);
	reeve_result_free(&result);
	reeve_proxy_free(queue);
	reeve_proxy_free(dict);
}

RV_TEST(a_snapshot_gives_everything_back)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);

	options.snapshot = snapshot_path();
	options.snapshot_at_end = true;
	served_begin(&s, &options);
	fill(&s);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	for (unsigned i = 0; i < 2; i++) {
		options = served_options(&s, &listen);
		options.snapshot = snapshot_path();
		served_begin(&s, &options);
		look(&s);
		CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	}
}

RV_TEST(a_snapshot_is_written_as_often_as_is_asked_for)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	struct stat st;

	options.snapshot = snapshot_path();
	options.snapshot_every = REEVE_MS(20);
	served_begin(&s, &options);
	fill(&s);
	while (stat(snapshot_path(), &st) != 0) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_manager_ping(s.m, RIG_LONG, &served_err), REEVE_OK);
	}
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

/* The file with one byte changed, or without its last ones. */
static void
damage(const char *path, off_t at, off_t length)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	if (at >= 0) {
		CU_ASSERT_EQUAL(pread(fd, &byte, 1, at), 1);
		byte ^= 0x41;
		CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
	}
	if (length >= 0) {
		CU_ASSERT_EQUAL(ftruncate(fd, length), 0);
	}
	(void)close(fd);
}

RV_TEST(a_damaged_snapshot_is_an_exact_error_and_stays)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	struct stat st;

	options.snapshot = snapshot_path();
	options.snapshot_at_end = true;
	served_begin(&s, &options);
	fill(&s);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(stat(snapshot_path(), &st), 0);
	options = served_options(&s, &listen);
	options.snapshot = snapshot_path();
	options.snapshot_at_end = true;
	for (off_t at = 0; at < st.st_size; at += 7) {
		damage(snapshot_path(), at, -1);
		CU_ASSERT_EQUAL(
		    reeve_manager_server_new(&s.server, &options, &served_err),
		    REEVE_EDAMAGED);
		CU_ASSERT_PTR_NOT_NULL(strstr(served_err.text, "at byte"));
		damage(snapshot_path(), at, -1);
	}
	served_begin(&s, &options);
	look(&s);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	for (off_t length = 0; length < 100; length += 9) {
		damage(snapshot_path(), -1, length);
		CU_ASSERT_EQUAL(
		    reeve_manager_server_new(&s.server, &options, &served_err),
		    REEVE_EDAMAGED);
	}
}

RV_TEST(what_cannot_be_written_leaves_the_former_one)
{
	static const char *const plans[] = { "open@1=ENOSPC", "write@1=ENOSPC",
		"write@1=EIO", "rename@1=EACCES" };
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);

	options.snapshot = snapshot_path();
	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_server_new(&s.server, &options, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_manager_server_publish(
			    s.server, "a", "list", NULL, 0, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_server_snapshot(s.server, &served_err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_manager_server_publish(
			    s.server, "b", "list", NULL, 0, &served_err),
	    REEVE_OK);
	for (unsigned i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		CU_ASSERT_TRUE(rv_fault_set(plans[i]));
		CU_ASSERT_NOT_EQUAL(
		    reeve_manager_server_snapshot(s.server, &served_err),
		    REEVE_OK);
		CU_ASSERT_TRUE(rv_fault_set(NULL));
	}
	CU_ASSERT_EQUAL(
	    reeve_manager_server_free(s.server, &served_err), REEVE_OK);
	served_begin(&s, &options);
	expect(&s, "a", "items", NULL, 0);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

RV_TEST(a_server_lives_in_the_loop_of_its_host)
{
	struct served s = { .by_loop = true };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	struct reeve_proxy *event, *dict;
	struct reeve_batch *batch = NULL;
	struct reeve_datum one[2] = { reeve_text("n"), reeve_int(1) };
	struct reeve_result result = { 0 };

	served_begin(&s, &options);
	event = served_make(&s, "event", NULL, 0);
	CU_ASSERT_EQUAL(reeve_proxy_call(event, "wait", NULL, 0, NULL,
			    REEVE_MS(20), &served_err),
	    REEVE_ETIMEDOUT);
	/* more than one turn of it */
	dict = served_make(&s, "dict", NULL, 0);
	CU_ASSERT_EQUAL(reeve_batch_new(&batch, s.m, &served_err), REEVE_OK);
	for (unsigned i = 0; i < 5000; i++) {
		CU_ASSERT_EQUAL(
		    reeve_batch_add(batch, dict, "add", one, 2, 0, &served_err),
		    REEVE_OK);
	}
	CU_ASSERT_EQUAL(
	    reeve_batch_commit(batch, RIG_LONG, &served_err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_batch_result(batch, 4999, &result, &served_err), REEVE_OK);
	CU_ASSERT_EQUAL(result.values[0].is.integer, 5000);
	reeve_result_free(&result);
	reeve_batch_free(batch);
	reeve_proxy_free(dict);
	reeve_proxy_free(event);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

RV_TEST(clients_wait_until_there_are_descriptors)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	struct reeve_manager *second = NULL;

	served_begin(&s, &options);
	CU_ASSERT_TRUE(rv_fault_set("accept@1=EMFILE"));
	CU_ASSERT_EQUAL(reeve_manager_ping(s.m, RIG_LONG, &served_err),
	    REEVE_OK); /* the server's thread knows of it */
	CU_ASSERT_EQUAL(reeve_manager_connect(
			    &second, s.address, NULL, RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(second, RIG_LONG, &served_err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(s.m, RIG_LONG, &served_err), REEVE_OK);
	reeve_manager_free(second);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

RV_TEST(one_client_too_many_is_told_so)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	struct reeve_manager *second = NULL;

	options.clients_max = 1;
	options.message_max = 4096;
	served_begin(&s, &options);
	CU_ASSERT_EQUAL(reeve_manager_connect(
			    &second, s.address, NULL, RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(second, RIG_LONG, &served_err), REEVE_EBROKEN);
	CU_ASSERT_PTR_NOT_NULL(strstr(served_err.text, "as many clients"));
	reeve_manager_free(second);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

RV_TEST(a_message_that_is_too_long_is_not_sent)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	static char much[5000];
	struct reeve_datum value = reeve_bytes(much, sizeof(much));
	struct reeve_proxy *list;

	options.message_max = 4096;
	served_begin(&s, &options);
	list = served_make(&s, "list", NULL, 0);
	CU_ASSERT_EQUAL(reeve_proxy_call(list, "append", &value, 1, NULL,
			    RIG_LONG, &served_err),
	    REEVE_ETOOBIG);
	value.length = 3000;
	CU_ASSERT_EQUAL(reeve_proxy_call(list, "append", &value, 1, NULL,
			    RIG_LONG, &served_err),
	    REEVE_OK);
	reeve_proxy_free(list);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

static int beats[2];

static void
beat(void)
{
	(void)!write(beats[1], "b", 1);
}

RV_TEST(a_server_beats_though_nobody_calls)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	char byte;

	CU_ASSERT_EQUAL_FATAL(pipe(beats), 0);
	options.beat = beat;
	options.beat_every = REEVE_MS(5);
	served_begin(&s, &options);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(read(beats[0], &byte, 1), 1);
	}
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	(void)close(beats[0]);
	(void)close(beats[1]);
}

RV_TEST(misuse_is_an_error)
{
	struct reeve_manager_server *server = NULL;
	struct reeve_manager_options options = { .size = 1 };
	struct reeve_manager *m = NULL;

	CU_ASSERT_EQUAL(
	    reeve_manager_server_new(&server, &options, &served_err),
	    REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_manager_server_new(&server, NULL, &served_err),
	    REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_manager_connect(&m, NULL, NULL, RIG_LONG, &served_err),
	    REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_manager_connect(&m, "unix:/no/such/place", NULL,
			    RIG_LONG, &served_err),
	    REEVE_ENOENT);
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(NULL, RIG_LONG, &served_err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_proxy_call(NULL, "f", NULL, 0, NULL, RIG_LONG, &served_err),
	    REEVE_EINVALID);
	reeve_manager_free(NULL);
	reeve_proxy_free(NULL);
	reeve_batch_free(NULL);
	reeve_pending_free(NULL);
	reeve_result_free(NULL);
	CU_ASSERT_EQUAL(reeve_manager_server_free(NULL, NULL), REEVE_OK);
}

RV_SUITE(manager_server, RV_CASE(a_snapshot_gives_everything_back),
    RV_CASE(a_snapshot_is_written_as_often_as_is_asked_for),
    RV_CASE(a_damaged_snapshot_is_an_exact_error_and_stays),
    RV_CASE(what_cannot_be_written_leaves_the_former_one),
    RV_CASE(a_server_lives_in_the_loop_of_its_host),
    RV_CASE(clients_wait_until_there_are_descriptors),
    RV_CASE(one_client_too_many_is_told_so),
    RV_CASE(a_message_that_is_too_long_is_not_sent),
    RV_CASE(a_server_beats_though_nobody_calls), RV_CASE(misuse_is_an_error))
