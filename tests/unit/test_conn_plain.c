/* SPDX-License-Identifier: MIT */
/*
 * Plain pipes: all that other connections do with bytes; nothing with
 * descriptors, whatever the peer tries; and they stay plain wherever they go.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reeve/blocks.h>
#include <reeve/conn.h>
#include <reeve/wait.h>

#include "base/fault.h"
#include "conn/head.h"
#include "conn/rights.h"
#include "lib/harness.h"
#include "unit/conn_rig.h"

#define LONG REEVE_S(60)

static struct reeve_error err;

static const size_t sizes[] = { 0, 1, 64, 4095, 4096, 4097, 30000,
	REEVE_PLAIN_BYTES };
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static unsigned char *
pattern(size_t n)
{
	unsigned char *data = malloc(n);

	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	for (size_t i = 0; i < n; i++) {
		data[i] = (unsigned char)(i * 7 + i / 251);
	}
	return data;
}

RV_TEST(every_size_comes_as_it_was_sent)
{
	unsigned char *data = pattern(REEVE_PLAIN_BYTES);
	unsigned char *buf = pattern(REEVE_PLAIN_BYTES + 1);
	struct reeve_parcel in = { 0 };
	struct reeve_conn *a, *b;
	size_t length;

	conn_pipe_plain(true, &a, &b);
	for (unsigned i = 0; i < N_SIZES * N_SIZES; i++) {
		size_t n = sizes[i / N_SIZES], room = sizes[i % N_SIZES];
		int64_t timeout = i % 3 == 0 ? 0 : LONG;

		buf[room] = 0x5a;
		CU_ASSERT_EQUAL(reeve_conn_send(a, data, n, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_conn_recv_into(b, buf, room, &length, timeout),
		    n <= room ? REEVE_OK : REEVE_ETOOSHORT);
		CU_ASSERT_EQUAL(length, n);
		CU_ASSERT_EQUAL(buf[room], 0x5a);
		CU_ASSERT_EQUAL(reeve_conn_waiting(b), n > room);
		CU_ASSERT_TRUE(n <= room || reeve_conn_recv_into(b, buf, n,
						&length, 0) == REEVE_OK);
		CU_ASSERT_EQUAL(memcmp(buf, data, n), 0);
		CU_ASSERT_EQUAL(reeve_conn_send(a, data, n, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, room, REEVE_FOREVER),
		    n <= room ? REEVE_OK : REEVE_ETOOBIG);
		CU_ASSERT_EQUAL(in.length, n <= room ? n : 0);
		CU_ASSERT_TRUE(
		    n > room || n == 0 || memcmp(in.data, data, n) == 0);
	}
	reeve_parcel_free(&in);
	conn_finish(a, b);
	free(data);
	free(buf);
}

RV_TEST(what_is_longer_than_a_packet_is_refused_and_nothing_of_it_sent)
{
	unsigned char *data = pattern(REEVE_PLAIN_BYTES + 1);
	struct iovec halves[] = { { data, REEVE_PLAIN_BYTES }, { data, 1 } };
	struct reeve_parcel made = { 0 };
	struct reeve_conn *a, *b;
	void *at;

	conn_pipe_plain(true, &a, &b);
	CU_ASSERT_EQUAL(reeve_conn_send(a, data, REEVE_PLAIN_BYTES + 1, LONG),
	    REEVE_ETOOBIG);
	CU_ASSERT_EQUAL(reeve_conn_sendv(a, halves, 2, 0, LONG), REEVE_ETOOBIG);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_parcel_make(&made, REEVE_PLAIN_BYTES + 1, &at, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &made, LONG), REEVE_ETOOBIG);
	CU_ASSERT_PTR_EQUAL(made.data, at); /* still the caller's */
	CU_ASSERT_EQUAL(reeve_conn_poll(b, 0), REEVE_ETIMEDOUT);
	conn_say(a, "next");
	conn_expect(b, "next");
	reeve_parcel_free(&made);
	conn_finish(a, b);
	free(data);
}

/* As the user may have set his system; a message that fits goes all the same.
 */
RV_TEST(a_packet_that_the_socket_does_not_take_is_too_big)
{
	struct reeve_conn *a, *b;
	unsigned char *data = pattern(REEVE_PLAIN_BYTES);
	int bytes = 1;

	conn_pipe_plain(true, &a, &b);
	CU_ASSERT_EQUAL(setsockopt(reeve_conn_fd(a), SOL_SOCKET, SO_SNDBUF,
			    &bytes, sizeof(bytes)),
	    0);
	CU_ASSERT_EQUAL(
	    reeve_conn_send(a, data, REEVE_PLAIN_BYTES, 0), REEVE_ETOOBIG);
	conn_say(a, "fits");
	conn_expect(b, "fits");
	conn_finish(a, b);
	free(data);
}

RV_TEST(handles_are_refused_where_they_are_sent)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel out = { .data = "x", .length = 1 };
	struct reeve_parcel in = { 0 };

	conn_pipe_plain(true, &a, &b);
	out.handles[0] = reeve_handle_of_fd(STDIN_FILENO);
	out.n_handles = 1;
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, 0), REEVE_EINVALID);
	out.n_handles = 0;
	out.flags = REEVE_PARCEL_JSON;
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 1, 0), REEVE_OK);
	CU_ASSERT_EQUAL(in.flags, REEVE_PARCEL_JSON);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 1, 0), REEVE_ETIMEDOUT);
	reeve_parcel_free(&in);
	conn_finish(a, b);
}

/* Their memory and leases are descriptors; so their bytes go. */
RV_TEST(made_messages_and_blocks_go_by_their_bytes)
{
	struct reeve_conn *a, *b;
	struct reeve_blocks *blocks;
	struct reeve_parcel out = { 0 }, in = { 0 };
	void *at;

	conn_pipe_plain(true, &a, &b);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_parcel_make(&out, 5000, &at, &err), REEVE_OK);
	memset(at, 'm', 5000);
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, 0), REEVE_OK);
	CU_ASSERT_PTR_NULL(out.data);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 5000, 0), REEVE_OK);
	CU_ASSERT_EQUAL(in.length, 5000);
	CU_ASSERT_EQUAL(((const char *)in.data)[4999], 'm');
	CU_ASSERT_EQUAL_FATAL(
	    reeve_blocks_new(&blocks, 100, 1, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_blocks_take(blocks, &out, &at, 0), REEVE_OK);
	memset(at, 'b', 100);
	reeve_conn_share_blocks(b, true);
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 100, 0), REEVE_OK);
	CU_ASSERT_EQUAL(in.length, 100);
	CU_ASSERT_EQUAL(((const char *)in.data)[99], 'b');
	/* it is free again already, as its reader has a copy */
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &out, &at, 0), REEVE_OK);
	reeve_parcel_free(&out);
	reeve_parcel_free(&in);
	reeve_blocks_free(blocks);
	conn_finish(a, b);
}

/* -------- a peer that does not keep to it -------- */

/* A packet of this head and one byte, with so many descriptors. */
static bool throw(int fd, const struct rv_head *head, unsigned n)
{
	unsigned char bytes[RV_HEAD_BYTES + 1] = { 0 };
	struct rv_rights rights = { .n = n };
	union rv_rights_room room;
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	rv_head_encode(head, bytes);
	for (unsigned i = 0; i < n; i++) {
		rights.fds[i] = fd;
	}
	rv_rights_put(&rights, &msg, &room);
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

/* The lowest number that is free: it is the same when none was left open. */
static int
lowest(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	(void)close(fd);
	return fd;
}

/* A plain end, to which the kernel lets descriptors through; it has none. */
static struct reeve_conn *
end_before_linux_6_16(int *raw)
{
	struct reeve_conn *conn = NULL;
	struct reeve_handle handle = { REEVE_SHARE_PLAIN, 1, { 0 } };
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	handle.fds[0] = fds[0];
	CU_ASSERT_EQUAL_FATAL(reeve_conn_open(&conn, &handle, &err), REEVE_OK);
	(void)close(fds[0]);
	*raw = fds[1];
	return conn;
}

/* Into memory of the caller's of that size, or into a parcel of none. */
static enum reeve_status
receive(struct reeve_conn *conn, size_t size)
{
	static char buf[2 * 4096];
	struct reeve_parcel in = { 0 };
	enum reeve_status status;

	if (size > 0) {
		return reeve_conn_recv_into(conn, buf, size, NULL, 0);
	}
	status = reeve_conn_recv(conn, &in, 1, 0);
	CU_ASSERT_EQUAL(in.n_handles, 0);
	reeve_parcel_free(&in);
	return status;
}

RV_TEST(descriptors_that_a_peer_puts_beside_a_message_are_closed)
{
	static const size_t rooms[] = { 0, 1, 2 * 4096 };
	struct rv_head head = { .type = RV_HEAD_DATA, .length = 1 };
	int raw, before;
	struct reeve_conn *conn = end_before_linux_6_16(&raw);

	before = lowest();
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(throw(raw, &head, RV_RIGHTS_MAX));
		CU_ASSERT_EQUAL(receive(conn, rooms[i]), REEVE_OK);
		CU_ASSERT_EQUAL(lowest(), before);
	}
	/* nor do they when there was no room for the bytes at first */
	CU_ASSERT_TRUE(throw(raw, &head, 3));
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(conn, NULL, 0, NULL, 0), REEVE_ETOOSHORT);
	CU_ASSERT_EQUAL(lowest(), before);
	CU_ASSERT_EQUAL(receive(conn, 1), REEVE_OK);
	CU_ASSERT_EQUAL(lowest(), before);
	(void)close(raw);
	CU_ASSERT_EQUAL(receive(conn, 1), REEVE_EEND);
	reeve_conn_free(conn);
}

RV_TEST(a_message_which_says_that_it_has_descriptors_is_none)
{
	static const size_t rooms[] = { 0, 1, 2 * 4096 };
	struct rv_head heads[] = {
		{ .type = RV_HEAD_DATA, .length = 1, .n_handles = 1 },
		{ .type = RV_HEAD_MEMORY, .length = 1 },
		{ .type = RV_HEAD_BLOCK, .length = 1 },
	};
	struct rv_head good = { .type = RV_HEAD_DATA, .length = 1 };
	int raw, before;
	struct reeve_conn *conn = end_before_linux_6_16(&raw);

	heads[0].handles[0] = REEVE_SHARE_DESCRIPTOR << 4 | 1;
	before = lowest();
	for (unsigned i = 0; i < 9; i++) {
		for (unsigned n = 0; n < 3; n++) {
			CU_ASSERT_TRUE(throw(raw, &heads[i / 3], n));
			CU_ASSERT_EQUAL(
			    receive(conn, rooms[i % 3]), REEVE_EPROTO);
		}
	}
	CU_ASSERT_TRUE(throw(raw, &good, 0));
	CU_ASSERT_EQUAL(receive(conn, 1), REEVE_OK);
	CU_ASSERT_EQUAL(lowest(), before);
	(void)close(raw);
	reeve_conn_free(conn);
}

/* The head says so, or the packet is longer than any of ours. */
RV_TEST(a_packet_of_another_length_is_skipped)
{
	static const size_t rooms[] = { 0, 1, 2 * 4096 };
	static unsigned char huge[RV_HEAD_BYTES + REEVE_PLAIN_BYTES + 1];
	struct rv_head good = { .type = RV_HEAD_DATA, .length = 1 };
	struct rv_head longer = good, whole = good;
	int raw;
	struct reeve_conn *conn = end_before_linux_6_16(&raw);

	longer.length = 2;
	whole.length = sizeof(huge) - RV_HEAD_BYTES;
	rv_head_encode(&whole, huge);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(throw(raw, &longer, 0));
		CU_ASSERT_EQUAL(send(raw, huge, sizeof(huge), MSG_DONTWAIT),
		    (ssize_t)sizeof(huge));
		CU_ASSERT_EQUAL(send(raw, huge, 5, MSG_DONTWAIT), 5);
		CU_ASSERT_TRUE(throw(raw, &good, 0));
		CU_ASSERT_EQUAL(receive(conn, rooms[i]), REEVE_EPROTO);
		CU_ASSERT_EQUAL(receive(conn, rooms[i]), REEVE_EPROTO);
		CU_ASSERT_EQUAL(receive(conn, rooms[i]), REEVE_EPROTO);
		CU_ASSERT_EQUAL(receive(conn, rooms[i]), REEVE_OK);
	}
	(void)close(raw);
	reeve_conn_free(conn);
}

/* Both ends of a pipe of ours; where the kernel can, it is at the sender. */
RV_TEST(a_peer_cannot_send_descriptors_to_a_plain_end)
{
	struct rv_head head = { .type = RV_HEAD_DATA, .length = 1 };
	struct reeve_conn *ends[2];
	int off = 1;
	socklen_t len = sizeof(off);

	conn_pipe_plain(true, &ends[0], &ends[1]);
	for (unsigned i = 0; i < 2; i++) {
		int from = reeve_conn_fd(ends[i]);
		int before = lowest();

		errno = 0;
		if (throw(from, &head, 2)) {
			/* SO_PASSRIGHTS is not known */
			CU_ASSERT_NOT_EQUAL(
			    getsockopt(from, SOL_SOCKET, 83, &off, &len), 0);
			CU_ASSERT_EQUAL(receive(ends[1 - i], 1), REEVE_OK);
		} else {
			CU_ASSERT_EQUAL(errno, EPERM);
		}
		CU_ASSERT_EQUAL(receive(ends[1 - i], 1), REEVE_ETIMEDOUT);
		CU_ASSERT_EQUAL(lowest(), before);
	}
	conn_finish(ends[0], ends[1]);
}

/* -------- handed over -------- */

static struct reeve_conn *
copy_of(struct reeve_conn *conn, enum reeve_share_kind kind)
{
	struct reeve_conn *copy = NULL;
	struct reeve_handle handle;

	CU_ASSERT_EQUAL_FATAL(reeve_conn_handle(conn, &handle, &err), REEVE_OK);
	CU_ASSERT_EQUAL(handle.kind, kind);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_open(&copy, &handle, &err), REEVE_OK);
	reeve_handle_close(&handle);
	return copy;
}

RV_TEST(an_end_that_is_handed_over_stays_plain_and_keeps_its_direction)
{
	struct reeve_parcel out = { .data = "x", .length = 1 };

	out.handles[0] = reeve_handle_of_fd(STDIN_FILENO);
	out.n_handles = 1;
	for (unsigned duplex = 0; duplex < 2; duplex++) {
		struct reeve_conn *a, *b, *first, *second, *third;

		conn_pipe_plain(duplex, &a, &b);
		first = copy_of(
		    a, duplex ? REEVE_SHARE_PLAIN : REEVE_SHARE_PLAIN_READER);
		second = copy_of(
		    b, duplex ? REEVE_SHARE_PLAIN : REEVE_SHARE_PLAIN_WRITER);
		conn_finish(a, b);
		third = copy_of(second,
		    duplex ? REEVE_SHARE_PLAIN : REEVE_SHARE_PLAIN_WRITER);
		CU_ASSERT_EQUAL(reeve_conn_can_send(first), duplex);
		CU_ASSERT_TRUE(reeve_conn_can_receive(first));
		CU_ASSERT_EQUAL(reeve_conn_can_receive(third), duplex);
		CU_ASSERT_EQUAL(reeve_conn_send(first, "x", 1, 0),
		    duplex ? REEVE_OK : REEVE_EINVALID);
		CU_ASSERT_EQUAL(
		    reeve_conn_send_parcel(third, &out, 0), REEVE_EINVALID);
		conn_say(third, "x");
		conn_expect(first, "x");
		reeve_conn_free(third);
		conn_finish(first, second);
	}
}

RV_TEST(a_plain_end_goes_through_a_connection)
{
	struct reeve_conn *a, *b, *c, *d, *e = NULL;
	struct reeve_parcel out = { 0 }, in = { 0 };

	conn_pipe(true, &a, &b);
	conn_pipe_plain(false, &c, &d);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_handle(d, &out.handles[0], &err), REEVE_OK);
	out.n_handles = 1;
	CU_ASSERT_EQUAL_FATAL(reeve_conn_send_parcel(a, &out, 0), REEVE_OK);
	reeve_parcel_free(&out);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_recv(b, &in, 0, 0), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(in.n_handles, 1);
	CU_ASSERT_EQUAL(in.handles[0].kind, REEVE_SHARE_PLAIN_WRITER);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_open(&e, &in.handles[0], &err), REEVE_OK);
	conn_say(e, "from there");
	conn_expect(c, "from there");
	reeve_parcel_free(&in);
	reeve_conn_free(e);
	conn_finish(a, b);
	conn_finish(c, d);
}

RV_TEST(a_handle_of_no_socket_of_one_machine_opens_nothing_plain)
{
	struct reeve_conn *conn = NULL;
	struct reeve_handle handle = { REEVE_SHARE_PLAIN, 1, { 0 } };
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	handle.fds[0] = fds[0];
	CU_ASSERT_EQUAL(reeve_conn_open(&conn, &handle, &err), REEVE_EINVALID);
	handle.n_fds = 2;
	CU_ASSERT_EQUAL(reeve_conn_open(&conn, &handle, &err), REEVE_EINVALID);
	handle.kind = (enum reeve_share_kind)(REEVE_SHARE_PLAIN_WRITER + 1);
	handle.n_fds = 1;
	CU_ASSERT_EQUAL(reeve_conn_open(&conn, &handle, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NULL(conn);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* -------- waiting, and ends -------- */

RV_TEST(it_can_be_waited_for_and_ends_as_others_do)
{
	struct reeve_conn *a, *b;
	struct reeve_wait_item item = { 0 };
	struct pollfd p = { 0 };
	char buf[4];

	conn_pipe_plain(false, &a, &b);
	item.conn = a;
	item.wanted = REEVE_WAIT_READ;
	p.fd = reeve_conn_fd(a);
	p.events = POLLIN;
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_poll(a, REEVE_MS(1)), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_recv_into(a, buf, 4, NULL, REEVE_MS(1)),
	    REEVE_ETIMEDOUT);
	conn_say(b, "four");
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 1);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, 0), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(a, buf, 3, NULL, 0), REEVE_ETOOSHORT);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	CU_ASSERT_EQUAL(reeve_wait(&item, 1, NULL, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_poll(a, 0), REEVE_OK);
	conn_expect(a, "four");
	conn_say(b, "last");
	reeve_conn_close(b);
	CU_ASSERT_EQUAL(reeve_conn_send(b, "x", 1, 0), REEVE_ECLOSED);
	conn_expect(a, "last");
	CU_ASSERT_EQUAL(receive(a, 1), REEVE_EEND);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(a, buf, 4, NULL, REEVE_FOREVER), REEVE_EEND);
	conn_finish(a, b);
	conn_pipe_plain(true, &a, &b);
	reeve_conn_free(b);
	CU_ASSERT_EQUAL(reeve_conn_send(a, "x", 1, 0), REEVE_EBROKEN);
	reeve_conn_shutdown(a);
	CU_ASSERT_EQUAL(receive(a, 1), REEVE_ECLOSED);
	reeve_conn_free(a);
}

RV_TEST(making_one_without_room_is_an_exact_error)
{
	struct reeve_conn *a = NULL, *b = NULL;
	char plan[32];

	CU_ASSERT_EQUAL(reeve_pipe_plain(NULL, &b, true, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_pipe_plain(&a, NULL, true, &err), REEVE_EINVALID);
	CU_ASSERT_TRUE(rv_fault_set("socketpair=EMFILE"));
	CU_ASSERT_EQUAL(reeve_pipe_plain(&a, &b, true, &err), REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, EMFILE);
	for (unsigned n = 1; n <= 2; n++) {
		(void)snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", n);
		CU_ASSERT_TRUE(rv_fault_set(plan));
		CU_ASSERT_EQUAL(
		    reeve_pipe_plain(&a, &b, false, &err), REEVE_ENOMEM);
	}
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_PTR_NULL(a);
	CU_ASSERT_PTR_NULL(b);
}

RV_SUITE(conn_plain, RV_CASE(every_size_comes_as_it_was_sent),
    RV_CASE(what_is_longer_than_a_packet_is_refused_and_nothing_of_it_sent),
    RV_CASE(a_packet_that_the_socket_does_not_take_is_too_big),
    RV_CASE(handles_are_refused_where_they_are_sent),
    RV_CASE(made_messages_and_blocks_go_by_their_bytes),
    RV_CASE(descriptors_that_a_peer_puts_beside_a_message_are_closed),
    RV_CASE(a_message_which_says_that_it_has_descriptors_is_none),
    RV_CASE(a_packet_of_another_length_is_skipped),
    RV_CASE(a_peer_cannot_send_descriptors_to_a_plain_end),
    RV_CASE(an_end_that_is_handed_over_stays_plain_and_keeps_its_direction),
    RV_CASE(a_plain_end_goes_through_a_connection),
    RV_CASE(a_handle_of_no_socket_of_one_machine_opens_nothing_plain),
    RV_CASE(it_can_be_waited_for_and_ends_as_others_do),
    RV_CASE(making_one_without_room_is_an_exact_error))
