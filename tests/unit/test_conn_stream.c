/* SPDX-License-Identifier: MIT */
/*
 * Messages in a stream: what a timeout cuts goes on, what is too long or too
 * large, and streams that are no messages, or end within one.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/conn.h>
#include <reeve/wait.h>

#include "base/fault.h"
#include "conn/head.h"
#include "lib/harness.h"

#define LONG REEVE_S(60)
#define MIB  ((size_t)1 << 20)

static struct reeve_error err;
static struct reeve_conn *conn; /* ours */
static int raw;                 /* the other end */

static void
begin(void)
{
	int fds[2], size = 4096;

	conn = NULL;
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	/* a little room, so that there are halves */
	(void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_of_socket(&conn, fds[0], &err), REEVE_OK);
	(void)close(fds[0]);
	raw = fds[1];
}

static void
end(void)
{
	reeve_conn_free(conn);
	if (raw >= 0) {
		(void)close(raw);
	}
}

/* The bytes of a message of n times this letter; of the caller. */
static unsigned char *
message(size_t n, char letter)
{
	struct rv_head head = { .type = RV_HEAD_DATA, .length = n };
	unsigned char *bytes = malloc(RV_HEAD_BYTES + n);

	rv_head_encode(&head, bytes);
	memset(bytes + RV_HEAD_BYTES, letter, n);
	return bytes;
}

static void
put(const void *bytes, size_t n)
{
	CU_ASSERT_EQUAL_FATAL(send(raw, bytes, n, 0), (ssize_t)n);
}

RV_TEST(a_message_that_comes_byte_by_byte_is_whole_in_the_end)
{
	static const size_t sizes[] = { 0, 1, 100, 20000 };
	struct reeve_parcel in = { 0 };
	char buf[20000];
	uint64_t length;

	begin();
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i], all = RV_HEAD_BYTES + n;
		size_t piece = n > 1000 ? 777 : 1;
		unsigned char *bytes = message(n, 'm');

		for (size_t at = 0; at < all; at += piece) {
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(conn, &in, n, 0), REEVE_ETIMEDOUT);
			CU_ASSERT_EQUAL(
			    reeve_conn_recv_into(conn, buf, n, &length, 0),
			    REEVE_ETIMEDOUT);
			CU_ASSERT_FALSE(reeve_conn_waiting(conn));
			put(bytes + at, RV_MIN(piece, all - at));
		}
		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_recv(conn, &in, n, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(in.length, n);
		CU_ASSERT_TRUE(
		    n == 0 || memcmp(in.data, bytes + RV_HEAD_BYTES, n) == 0);
		free(bytes);
	}
	reeve_parcel_free(&in);
	end();
}

RV_TEST(what_came_with_another_message_is_waiting)
{
	struct reeve_parcel in = { 0 };
	struct reeve_wait_item item;
	unsigned char *bytes = message(3, 'x');
	unsigned char both[2 * (RV_HEAD_BYTES + 3)];

	begin();
	memcpy(both, bytes, RV_HEAD_BYTES + 3);
	memcpy(both + RV_HEAD_BYTES + 3, bytes, RV_HEAD_BYTES + 3);
	put(both, sizeof(both));
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 3, LONG), REEVE_OK);
	CU_ASSERT_TRUE(reeve_conn_waiting(conn));
	CU_ASSERT_EQUAL(reeve_conn_poll(conn, 0), REEVE_OK);
	item = reeve_wait_for_conn(conn, REEVE_WAIT_READ);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 3, 0), REEVE_OK);
	CU_ASSERT_FALSE(reeve_conn_waiting(conn));
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, 0), REEVE_ETIMEDOUT);
	free(bytes);
	reeve_parcel_free(&in);
	end();
}

static void *
put_all(void *arg)
{
	const char *bytes = arg;
	size_t at = 0, n = RV_HEAD_BYTES + 5 * MIB;

	while (at < n) {
		ssize_t sent = send(raw, bytes + at, n - at, 0);

		if (sent <= 0) {
			return NULL;
		}
		at += (size_t)sent;
	}
	return arg;
}

RV_TEST(a_message_that_nobody_wants_is_skipped_and_one_too_long_is_kept)
{
	unsigned char *bytes = message(5 * MIB, 'b');
	char *buf = malloc(5 * MIB);
	struct reeve_parcel in = { 0 };
	uint64_t length = 0;
	pthread_t thread;
	void *good;

	begin();
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(
		    pthread_create(&thread, NULL, put_all, bytes), 0);
		if (i == 0) {
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(conn, &in, 5 * MIB - 1, LONG),
			    REEVE_ETOOBIG);
			/* it is read while waiting for the next */
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(conn, &in, 9, 0), REEVE_ETIMEDOUT);
			while (pthread_tryjoin_np(thread, &good) != 0) {
				CU_ASSERT_EQUAL(
				    reeve_conn_recv(conn, &in, 9, REEVE_MS(1)),
				    REEVE_ETIMEDOUT);
			}
			CU_ASSERT_PTR_NOT_NULL(good);
			continue;
		}
		CU_ASSERT_EQUAL(
		    reeve_conn_recv_into(conn, buf, 7, &length, LONG),
		    REEVE_ETOOSHORT);
		CU_ASSERT_EQUAL(length, 5 * MIB);
		if (i == 1) {
			CU_ASSERT_EQUAL(reeve_conn_recv_into(
					    conn, buf, 5 * MIB, &length, LONG),
			    REEVE_OK);
			CU_ASSERT_EQUAL(
			    memcmp(buf, bytes + RV_HEAD_BYTES, 5 * MIB), 0);
		} else {
			/* a part, then no room, then all */
			CU_ASSERT_TRUE(rv_fault_set("alloc@1=ENOMEM"));
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(conn, &in, 5 * MIB, LONG),
			    REEVE_ENOMEM);
			CU_ASSERT_TRUE(rv_fault_set(NULL));
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(conn, &in, 5 * MIB, LONG),
			    REEVE_OK);
			CU_ASSERT_EQUAL(in.length, 5 * MIB);
			CU_ASSERT_EQUAL(
			    memcmp(in.data, bytes + RV_HEAD_BYTES, 5 * MIB), 0);
		}
		CU_ASSERT_EQUAL(pthread_join(thread, &good), 0);
		CU_ASSERT_PTR_NOT_NULL(good);
	}
	free(bytes);
	free(buf);
	reeve_parcel_free(&in);
	end();
}

RV_TEST(a_length_of_more_than_2_gib_is_believed_as_far_as_it_is_wanted)
{
	struct rv_head head = { .type = RV_HEAD_DATA, .length = UINT64_MAX };
	unsigned char bytes[RV_HEAD_BYTES];
	struct reeve_parcel in = { 0 };
	uint64_t length;
	char c;

	begin();
	rv_head_encode(&head, bytes);
	put(bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(conn, &c, 1, &length, LONG), REEVE_ETOOSHORT);
	CU_ASSERT_EQUAL(length, UINT64_MAX);
	/* a size that no memory has */
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(conn, &in, REEVE_ANY_LENGTH, LONG), REEVE_ENOMEM);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(conn, &in, (uint64_t)3 << 30, LONG), REEVE_ETOOBIG);
	put("rest", 4);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 1, 0), REEVE_ETIMEDOUT);
	end();
}

/* Read the other end empty; how many bytes there were. */
static size_t
drain(void)
{
	static char buf[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(raw, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		all += (size_t)n;
	}
	return all;
}

RV_TEST(what_a_timeout_cuts_is_sent_by_the_next_calls_in_order)
{
	static char block[100000];
	struct iovec parts[] = { { block, 10 }, { NULL, 0 }, { block, 60000 },
		{ block + 60000, 39990 } };
	struct reeve_wait_item item;
	size_t got;

	begin();
	CU_ASSERT_EQUAL(reeve_conn_sendv(conn, parts, 4, 0, 0), REEVE_OK);
	CU_ASSERT_TRUE(reeve_conn_unsent(conn) > 0);
	/* of another, nothing goes before it */
	CU_ASSERT_EQUAL(
	    reeve_conn_send(conn, "next", 4, REEVE_MS(2)), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_flush(conn, 0), REEVE_ETIMEDOUT);
	item = reeve_wait_for_conn(conn, REEVE_WAIT_READ);
	got = drain();
	CU_ASSERT_TRUE(got > 0);
	while (reeve_conn_unsent(conn) > 0) {
		/* sends on while it waits for something else */
		CU_ASSERT_EQUAL(
		    reeve_wait(&item, 1, NULL, REEVE_MS(1)), REEVE_ETIMEDOUT);
		got += drain();
	}
	got += drain();
	CU_ASSERT_EQUAL(got, RV_HEAD_BYTES + sizeof(block));
	CU_ASSERT_EQUAL(reeve_conn_flush(conn, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_send(conn, "next", 4, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(drain(), RV_HEAD_BYTES + 4);
	end();
}

RV_TEST(a_half_that_cannot_be_kept_breaks_the_connection)
{
	static char block[100000];

	begin();
	CU_ASSERT_TRUE(rv_fault_set("alloc=ENOMEM"));
	CU_ASSERT_EQUAL(
	    reeve_conn_send(conn, block, sizeof(block), 0), REEVE_EBROKEN);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(reeve_conn_send(conn, "x", 1, LONG), REEVE_EBROKEN);
	end();
}

RV_TEST(a_stream_that_ends_within_a_message_is_broken_and_else_at_its_end)
{
	static const size_t cuts[] = { 0, 1, 31, 32, 33, 131, 132 };

	for (unsigned i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		unsigned char *bytes = message(100, 'c');
		struct reeve_parcel in = { 0 };
		enum reeve_status want =
		    cuts[i] == 0 || cuts[i] == 132 ? REEVE_EEND : REEVE_EBROKEN;

		begin();
		if (cuts[i] > 0) {
			put(bytes, cuts[i]);
		}
		(void)close(raw);
		raw = -1;
		if (cuts[i] == 132) {
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(conn, &in, 100, LONG), REEVE_OK);
		}
		CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 100, LONG), want);
		CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 100, 0), want);
		CU_ASSERT_TRUE(reeve_conn_waiting(conn));
		CU_ASSERT_EQUAL(
		    reeve_conn_send(conn, "x", 1, LONG), REEVE_EBROKEN);
		free(bytes);
		reeve_parcel_free(&in);
		end();
	}
}

RV_TEST(a_stream_that_is_none_of_ours_is_at_its_end)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct reeve_parcel in = { 0 };
	unsigned char *bytes = message(1, 'x');
	struct rv_head odd[] = { { .type = RV_HEAD_MEMORY, .length = 1 },
		{ .type = RV_HEAD_DATA, .n_handles = 1, .handles = { 0x11 } } };

	begin();
	put(get, sizeof(get));
	put(bytes, RV_HEAD_BYTES + 1);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 100, LONG), REEVE_EPROTO);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 100, LONG), REEVE_EPROTO);
	end();
	for (unsigned i = 0; i < 2; i++) {
		unsigned char head[RV_HEAD_BYTES];

		begin();
		rv_head_encode(&odd[i], head);
		put(head, sizeof(head));
		CU_ASSERT_EQUAL(
		    reeve_conn_recv(conn, &in, 100, LONG), REEVE_EPROTO);
		end();
	}
	free(bytes);
}

RV_TEST(handles_need_one_machine_and_a_stream_between_messages_goes_over)
{
	struct reeve_parcel out = { .n_handles = 1 }, in = { 0 };
	struct reeve_conn *other = NULL;
	struct reeve_handle handle;
	unsigned char *bytes = message(3, 'o');

	begin();
	out.handles[0] = reeve_handle_of_fd(0);
	CU_ASSERT_EQUAL(
	    reeve_conn_send_parcel(conn, &out, LONG), REEVE_EINVALID);
	put(bytes, 10);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 3, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_handle(conn, &handle, &err), REEVE_EINVALID);
	put(bytes + 10, RV_HEAD_BYTES + 3 - 10);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 3, LONG), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_handle(conn, &handle, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_open(&other, &handle, &err), REEVE_OK);
	reeve_handle_close(&handle);
	put(bytes, RV_HEAD_BYTES + 3);
	CU_ASSERT_EQUAL(reeve_conn_recv(other, &in, 3, LONG), REEVE_OK);
	reeve_conn_free(other);
	reeve_parcel_free(&in);
	free(bytes);
	end();
}

RV_TEST(a_made_message_goes_by_a_stream_too)
{
	struct reeve_parcel out = { 0 };
	void *at;

	begin();
	CU_ASSERT_EQUAL_FATAL(reeve_parcel_make(&out, 5, &at, &err), REEVE_OK);
	memcpy(at, "hello", 5);
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(conn, &out, LONG), REEVE_OK);
	CU_ASSERT_PTR_NULL(out.data);
	CU_ASSERT_EQUAL(drain(), RV_HEAD_BYTES + 5);
	end();
}

RV_TEST(a_shutdown_ends_the_waits_of_a_stream)
{
	struct reeve_parcel in = { 0 };

	begin();
	reeve_conn_shutdown(conn);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 1, LONG), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_send(conn, "x", 1, LONG), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(reeve_conn_flush(conn, LONG), REEVE_ECLOSED);
	end();
}

RV_SUITE(conn_stream,
    RV_CASE(a_message_that_comes_byte_by_byte_is_whole_in_the_end),
    RV_CASE(what_came_with_another_message_is_waiting),
    RV_CASE(a_message_that_nobody_wants_is_skipped_and_one_too_long_is_kept),
    RV_CASE(a_length_of_more_than_2_gib_is_believed_as_far_as_it_is_wanted),
    RV_CASE(what_a_timeout_cuts_is_sent_by_the_next_calls_in_order),
    RV_CASE(a_half_that_cannot_be_kept_breaks_the_connection),
    RV_CASE(a_stream_that_ends_within_a_message_is_broken_and_else_at_its_end),
    RV_CASE(a_stream_that_is_none_of_ours_is_at_its_end),
    RV_CASE(handles_need_one_machine_and_a_stream_between_messages_goes_over),
    RV_CASE(a_made_message_goes_by_a_stream_too),
    RV_CASE(a_shutdown_ends_the_waits_of_a_stream))
