/* SPDX-License-Identifier: MIT */
/*
 * Clients that are there and do not go on: with half a message, or without
 * reading what they are answered; and those that are only slow, or large.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/harness.h"
#include "manager/call_wire.h"
#include "unit/served_rig.h"

#define CLIENTS "\"clients\":"

/* Until the manager has so many; each answer is one more turn of it. */
static void
await_clients(struct served *s, long n)
{
	while (served_info(s->m, CLIENTS) != n) {
	}
}

static int
connect_bare(const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port =
	    htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
	CU_ASSERT_EQUAL_FATAL(
	    connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

/* All that comes until the end has this in it. */
static void
expect_last_words(int fd, const char *words)
{
	static char said[4096];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(said) - 1 &&
	       (got = read(fd, said + n, sizeof(said) - 1 - n)) > 0) {
		n += (size_t)got;
	}
	CU_ASSERT_PTR_NOT_NULL(memmem(said, n, words, strlen(words)));
	(void)close(fd);
}

RV_TEST(half_a_message_is_waited_for_so_long_and_no_longer)
{
	/* a head of 1000 bytes to come */
	static const unsigned char head[32] = { 'r', 'v', 'm', '1', 1, 0, 0, 0,
		0xe8, 0x03 };
	static const struct {
		size_t n;
	} parts[] = { { 1 }, { 16 }, { 32 }, { 40 } };
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	unsigned char bytes[40] = { 0 };

	memcpy(bytes, head, sizeof(head));
	listen.address = "tcp:127.0.0.1:0";
	options.message_timeout = REEVE_MS(30);
	served_begin(&s, &options);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		int fd = connect_bare(s.address);

		CU_ASSERT_EQUAL(
		    write(fd, bytes, parts[i].n), (ssize_t)parts[i].n);
		expect_last_words(fd, "its message has not come in time");
		await_clients(&s, 1);
	}
	/* who says nothing at all stays */
	CU_ASSERT_EQUAL(reeve_manager_ping(s.m, RIG_LONG, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

/* -------- who does not read -------- */

#define ITEM ((size_t)50000)

static void
put_call(struct rv_buf *out, uint32_t id, const struct reeve_datum *object,
    uint16_t method, const struct reeve_datum *args, uint32_t n)
{
	struct rv_call_head head = { .id = id,
		.object = object != NULL ? object->is.reference.object : 0,
		.generation =
		    object != NULL ? object->is.reference.generation : 0,
		.method = method,
		.n_args = n };
	size_t begin = rv_wire_put_call(out, &head);

	for (uint32_t i = 0; i < n; i++) {
		rv_wire_put_value(out, &args[i]);
	}
	rv_wire_end_call(out, begin);
}

/* Receive until the answer of this call: its first value. */
static struct reeve_datum
answer_of(struct reeve_conn *conn, struct reeve_parcel *parcel, uint32_t id)
{
	struct reeve_datum value = reeve_null();
	struct rv_answer_head head = { 0 };

	while (head.id != id) {
		struct rv_cursor c;

		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_recv(conn, parcel, REEVE_ANY_LENGTH, RIG_LONG),
		    REEVE_OK);
		c.at = parcel->data;
		c.left = parcel->length;
		CU_ASSERT_TRUE_FATAL(rv_wire_get_answer(&c, &head));
		CU_ASSERT_TRUE(rv_wire_get_value(&c, &value));
	}
	return value;
}

/* The last message of all is an answer of no call, and says this. */
static void
expect_cut(struct reeve_conn *conn, const char *why)
{
	struct reeve_parcel parcel = { 0 };
	struct rv_answer_head head = { .id = 1 };
	struct reeve_datum type, text = { 0 };
	char last[300] = "";

	while (reeve_conn_recv(conn, &parcel, REEVE_ANY_LENGTH, RIG_LONG) ==
	       REEVE_OK) {
		struct rv_cursor c = { parcel.data, parcel.length };

		CU_ASSERT_TRUE_FATAL(rv_wire_get_answer(&c, &head));
		if (head.id == 0 && head.status != 0 &&
		    rv_wire_get_value(&c, &type) &&
		    rv_wire_get_value(&c, &text)) {
			(void)snprintf(
			    last, sizeof(last), "%s", (const char *)text.data);
		}
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(last, why));
	reeve_parcel_free(&parcel);
}

/* Asks for much, and reads nothing of it. */
static struct reeve_conn *
ask_for_much(struct served *s)
{
	static char much[ITEM];
	struct reeve_datum args[2] = { reeve_text("list"),
		reeve_bytes(much, sizeof(much)) };
	struct reeve_parcel parcel = { 0 };
	struct reeve_conn *conn = NULL;
	struct reeve_datum list;
	struct rv_buf out;

	rv_buf_init(&out, SIZE_MAX / 4);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_connect(&conn, s->address, NULL, RIG_LONG, &served_err),
	    REEVE_OK);
	put_call(&out, 1, NULL, 1, args, 2);
	CU_ASSERT_EQUAL(
	    reeve_conn_send(conn, out.data, out.len, RIG_LONG), REEVE_OK);
	list = answer_of(conn, &parcel, 1);
	rv_buf_reset(&out);
	for (uint32_t i = 2; i < 202; i++) {
		put_call(&out, i, &list, 19, NULL, 0);
	}
	CU_ASSERT_EQUAL(
	    reeve_conn_send(conn, out.data, out.len, RIG_LONG), REEVE_OK);
	/* of these each is a message, and they do not all fit */
	for (uint32_t i = 0; i < 100; i++) {
		rv_buf_reset(&out);
		put_call(&out, 1000 + i, &list, 19, NULL, 0);
		if (reeve_conn_send(conn, out.data, out.len, 0) != REEVE_OK) {
			break;
		}
	}
	rv_buf_finish(&out);
	reeve_parcel_free(&parcel);
	return conn;
}

RV_TEST(who_reads_nothing_is_cut_off_and_told)
{
	static const char *const addresses[] = { NULL, "tcp:127.0.0.1:0" };

	for (unsigned i = 0; i < 2; i++) {
		struct served s = { 0 };
		struct reeve_manager_listen listen;
		struct reeve_manager_options options =
		    served_options(&s, &listen);
		struct reeve_conn *conn;

		if (addresses[i] != NULL) {
			listen.address = addresses[i];
		}
		options.message_timeout = REEVE_MS(50);
		served_begin(&s, &options);
		conn = ask_for_much(&s);
		await_clients(&s, 1);
		if (i == 0) {
			expect_cut(conn, "it has not read its answers");
		}
		reeve_conn_free(conn);
		CU_ASSERT_EQUAL(
		    reeve_manager_ping(s.m, RIG_LONG, NULL), REEVE_OK);
		CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
	}
}

RV_TEST(large_messages_go_over_tcp_both_ways)
{
	struct served s = { 0 };
	struct reeve_manager_listen listen;
	struct reeve_manager_options options = served_options(&s, &listen);
	size_t length = (size_t)8 << 20;
	char *much = calloc(length, 1);
	struct reeve_datum value;
	struct reeve_result result = { 0 };
	struct reeve_proxy *p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(much);
	memset(much, 'x', length);
	value = reeve_bytes(much, length);
	listen.address = "tcp:127.0.0.1:0";
	served_begin(&s, &options);
	p = served_make(&s, "value", &value, 1);
	CU_ASSERT_EQUAL_FATAL(reeve_proxy_do(p, REEVE_VALUE_GET, NULL, 0,
				  &result, RIG_LONG, &served_err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(result.values[0].length, length);
	CU_ASSERT_EQUAL(memcmp(result.values[0].data, much, length), 0);
	reeve_result_free(&result);
	free(much);
	reeve_proxy_free(p);
	CU_ASSERT_EQUAL(served_finish(&s), REEVE_OK);
}

RV_SUITE(manager_slow,
    RV_CASE(half_a_message_is_waited_for_so_long_and_no_longer),
    RV_CASE(who_reads_nothing_is_cut_off_and_told),
    RV_CASE(large_messages_go_over_tcp_both_ways))
