/* SPDX-License-Identifier: MIT */
/*
 * How submitted calls go over the wire: the test is the server, and looks into
 * each message for what calls are in it.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reeve/listener.h>

#include "base/buf.h"
#include "lib/harness.h"
#include "manager/call_wire.h"

#define LONG REEVE_S(60)

static struct reeve_error err;

/* A server that answers nothing of itself, and a client of it. */
struct bare {
	struct reeve_listener *listener;
	struct reeve_conn *conn;
	struct reeve_manager *m;
	struct reeve_proxy *dict;
	struct reeve_parcel parcel;
	uint64_t message_max;
};

static void
answer(struct bare *s, uint32_t id, const struct reeve_datum *values, size_t n)
{
	char room[400];
	struct rv_buf out;
	size_t begin;

	rv_buf_init_in(&out, room, sizeof(room));
	begin = rv_wire_put_answer(&out, id);
	for (size_t i = 0; i < n; i++) {
		rv_wire_put_value(&out, &values[i]);
	}
	rv_wire_end_answer(&out, begin, 0, (uint32_t)n);
	if (reeve_conn_send(s->conn, out.data, out.len, LONG) != REEVE_OK) {
		abort();
	}
}

/* The greeting, and what a call of create is answered with. */
static void *
welcome(void *ctx)
{
	struct bare *s = ctx;
	struct reeve_datum hello[4] = { reeve_text("reeve-manager"),
		reeve_int(RV_CALL_WIRE_VERSION), reeve_int(1),
		reeve_int((int64_t)s->message_max) };
	struct reeve_datum dict = { REEVE_DATUM_REFERENCE, 4, "dict", { 0 } };

	dict.is.reference.object = 7;
	dict.is.reference.generation = 1;
	if (reeve_conn_accept(&s->conn, s->listener, LONG, NULL) != REEVE_OK) {
		abort();
	}
	answer(s, 0, hello, 4);
	if (reeve_conn_recv(s->conn, &s->parcel, REEVE_ANY_LENGTH, LONG) !=
	    REEVE_OK) {
		abort();
	}
	answer(s, 1, &dict, 1);
	return NULL;
}

static void
begin(struct bare *s, uint64_t message_max)
{
	char address[300];
	pthread_t thread;

	memset(s, 0, sizeof(*s));
	s->message_max = message_max;
	(void)snprintf(address, sizeof(address), "unix:%s/m", rv_test_dir());
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_listen(&s->listener, address, NULL, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, welcome, s), 0);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_manager_connect(&s->m, address, NULL, LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_create(&s->dict, s->m, "dict", NULL, 0, LONG, &err),
	    REEVE_OK);
	(void)pthread_join(thread, NULL);
}

static void
finish(struct bare *s)
{
	reeve_proxy_free(s->dict);
	reeve_manager_free(s->m);
	reeve_parcel_free(&s->parcel);
	reeve_conn_free(s->conn);
	reeve_listener_free(s->listener);
}

static struct reeve_pending *
submit(struct bare *s, int64_t number)
{
	struct reeve_datum args[2] = { reeve_text("k"), reeve_int(number) };
	struct reeve_pending *pending = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_submit(&pending, s->dict, "set", args, 2, LONG, &err),
	    REEVE_OK);
	return pending;
}

static bool
is_silent(struct bare *s)
{
	return reeve_conn_poll(s->conn, 0) == REEVE_ETIMEDOUT;
}

/*
 * The next message, which is there already: how many calls are in it. Those of
 * `submit` have to be in order; *next is the number of the next one.
 */
static unsigned
calls_in_message(struct bare *s, int64_t *next)
{
	struct rv_cursor c;
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_recv(s->conn, &s->parcel, REEVE_ANY_LENGTH, 0),
	    REEVE_OK);
	CU_ASSERT_TRUE(s->parcel.length <= s->message_max);
	c.at = s->parcel.data;
	c.left = s->parcel.length;
	for (; c.left > 0; n++) {
		struct rv_cursor at = c;
		struct reeve_datum name, key, number;
		struct rv_call_head head;

		CU_ASSERT_TRUE_FATAL(rv_wire_get_call(&at, &head));
		if (head.object == 7 && head.n_args == 3) {
			CU_ASSERT_TRUE(rv_wire_get_value(&at, &name));
			CU_ASSERT_TRUE(rv_wire_get_value(&at, &key));
			CU_ASSERT_TRUE(rv_wire_get_value(&at, &number));
			CU_ASSERT_EQUAL(number.is.integer, *next);
			(*next)++;
		}
		c.at += head.length;
		c.left -= head.length;
	}
	return n;
}

RV_TEST(submitted_calls_are_one_message_when_they_are_flushed)
{
	struct reeve_pending *pending[10];
	int64_t next = 0;
	struct bare s;

	begin(&s, 1 << 20);
	for (unsigned i = 0; i < 10; i++) {
		pending[i] = submit(&s, i);
		CU_ASSERT_TRUE(is_silent(&s));
		CU_ASSERT_FALSE(reeve_pending_is_done(pending[i]));
	}
	CU_ASSERT_EQUAL(reeve_manager_flush(s.m, LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(calls_in_message(&s, &next), 10);
	CU_ASSERT_TRUE(is_silent(&s));
	/* whoever waits sends, too */
	pending[0] = (reeve_pending_free(pending[0]), submit(&s, 10));
	CU_ASSERT_EQUAL(
	    reeve_pending_wait(pending[0], NULL, 0, &err), REEVE_EAGAIN);
	CU_ASSERT_EQUAL(calls_in_message(&s, &next), 1);
	/* and so does who lets go of one */
	pending[1] = (reeve_pending_free(pending[1]), submit(&s, 11));
	CU_ASSERT_TRUE(is_silent(&s));
	for (unsigned i = 0; i < 10; i++) {
		reeve_pending_free(pending[i]);
	}
	CU_ASSERT_EQUAL(calls_in_message(&s, &next), 1);
	CU_ASSERT_TRUE(is_silent(&s));
	finish(&s);
}

RV_TEST(many_submitted_calls_go_by_themselves)
{
	struct reeve_pending *pending[1000];
	int64_t next = 0;
	unsigned n = 0;
	struct bare s;

	begin(&s, 1 << 20);
	while (is_silent(&s)) {
		CU_ASSERT_TRUE_FATAL(n < 1000);
		pending[n] = submit(&s, n);
		n++;
	}
	CU_ASSERT_TRUE(n > 50);
	CU_ASSERT_EQUAL(calls_in_message(&s, &next), n);
	CU_ASSERT_TRUE(s.parcel.length >= (size_t)16 * 1024);
	while (n > 0) {
		reeve_pending_free(pending[--n]);
	}
	finish(&s);
}

RV_TEST(what_is_freed_goes_behind_what_was_submitted)
{
	struct reeve_pending *pending;
	int64_t next = 0;
	struct bare s;

	begin(&s, 1 << 20);
	pending = submit(&s, 0);
	CU_ASSERT_TRUE(is_silent(&s));
	reeve_proxy_free(s.dict);
	s.dict = NULL;
	CU_ASSERT_EQUAL(calls_in_message(&s, &next), 2);
	CU_ASSERT_EQUAL(next, 1);
	reeve_pending_free(pending);
	finish(&s);
}

RV_TEST(who_polls_has_each_call_sent_at_once)
{
	struct reeve_pending *pending[3];
	int64_t next = 0;
	struct bare s;

	begin(&s, 1 << 20);
	pending[0] = submit(&s, 0);
	CU_ASSERT_TRUE(reeve_manager_fd(s.m) >= 0);
	for (unsigned i = 1; i < 3; i++) {
		pending[i] = submit(&s, i);
		CU_ASSERT_EQUAL(calls_in_message(&s, &next), i == 1 ? 2 : 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		reeve_pending_free(pending[i]);
	}
	finish(&s);
}

RV_TEST(no_message_is_longer_than_the_server_takes)
{
	struct reeve_pending *pending[100];
	unsigned n_messages = 0;
	int64_t next = 0;
	struct bare s;

	begin(&s, 1000);
	for (unsigned i = 0; i < 100; i++) {
		pending[i] = submit(&s, i);
	}
	CU_ASSERT_TRUE(is_silent(&s));
	CU_ASSERT_EQUAL(reeve_manager_flush(s.m, LONG, &err), REEVE_OK);
	for (; !is_silent(&s); n_messages++) {
		CU_ASSERT_TRUE(calls_in_message(&s, &next) > 0);
	}
	CU_ASSERT_EQUAL(next, 100);
	CU_ASSERT_TRUE(n_messages < 20);
	for (unsigned i = 0; i < 100; i++) {
		reeve_pending_free(pending[i]);
	}
	finish(&s);
}

RV_SUITE(manager_gather,
    RV_CASE(submitted_calls_are_one_message_when_they_are_flushed),
    RV_CASE(many_submitted_calls_go_by_themselves),
    RV_CASE(what_is_freed_goes_behind_what_was_submitted),
    RV_CASE(who_polls_has_each_call_sent_at_once),
    RV_CASE(no_message_is_longer_than_the_server_takes))
