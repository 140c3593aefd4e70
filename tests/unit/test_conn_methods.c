/* SPDX-License-Identifier: MIT */
/*
 * Connections whose other end a process of each start method was given: what
 * it sends and receives, which way, whose handles; and signals meanwhile.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reeve/conn.h>
#include <reeve/memory.h>

#include "unit/conn_rig.h"
#include "unit/crew_rig.h"

#define LONG REEVE_S(60)

static struct reeve_error err;

/* -------- both sides -------- */

/* Give one end of a pipe, of which this process keeps the other alone. */
static struct reeve_conn *
give_end(bool duplex, bool reader)
{
	struct reeve_conn *a = NULL, *b = NULL;
	struct reeve_handle handle;

	CU_ASSERT_EQUAL_FATAL(reeve_pipe(&a, &b, duplex, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_handle(reader ? a : b, &handle, &err), REEVE_OK);
	crew_give("conn", handle);
	reeve_conn_free(reader ? a : b);
	return reader ? b : a;
}

/* Start this with the end, of which nobody else has a copy then. */
static pid_t
start_with_end(int (*run)(void *ctx), bool duplex, struct reeve_conn **mine)
{
	pid_t pid;

	*mine = give_end(duplex, false);
	pid = crew_start(run, NULL);
	crew_keep();
	return pid;
}

static struct reeve_conn *
given_conn(void)
{
	struct reeve_handle handle = crew_given("conn");
	struct reeve_conn *conn = NULL;

	CREW_EXPECT(reeve_conn_open(&conn, &handle, NULL) == REEVE_OK);
	reeve_handle_close(&handle);
	return conn;
}

/* -------- what members do -------- */

/* Send back what comes, until the end. */
static int
echo(void *ctx)
{
	struct reeve_conn *conn = given_conn();
	struct reeve_parcel parcel = { 0 };
	enum reeve_status status;

	(void)ctx;
	while ((status = reeve_conn_recv(
		    conn, &parcel, 32 << 20, REEVE_FOREVER)) == REEVE_OK) {
		struct iovec part = { (void *)(uintptr_t)parcel.data,
			(size_t)parcel.length };

		CREW_EXPECT(reeve_conn_sendv(conn, &part, 1, parcel.flags,
				LONG) == REEVE_OK);
	}
	CREW_EXPECT(status == REEVE_EEND);
	reeve_parcel_free(&parcel);
	reeve_conn_free(conn);
	return 0;
}

static int
try_to_send(void *ctx)
{
	struct reeve_conn *conn = given_conn();
	struct reeve_parcel parcel = { 0 };

	(void)ctx;
	CREW_EXPECT(!reeve_conn_can_send(conn));
	CREW_EXPECT(reeve_conn_can_receive(conn));
	CREW_EXPECT(reeve_conn_send(conn, "x", 1, 0) == REEVE_EINVALID);
	CREW_EXPECT(reeve_conn_poll(conn, LONG) == REEVE_OK);
	CREW_EXPECT(reeve_conn_recv(conn, &parcel, 9, LONG) == REEVE_OK);
	CREW_EXPECT(parcel.length == 5 && memcmp(parcel.data, "along", 5) == 0);
	CREW_EXPECT(reeve_conn_recv(conn, &parcel, 9, LONG) == REEVE_EEND);
	reeve_parcel_free(&parcel);
	reeve_conn_free(conn);
	return 0;
}

static int
try_to_receive(void *ctx)
{
	struct reeve_conn *conn = given_conn();
	struct reeve_parcel parcel = { 0 };

	(void)ctx;
	CREW_EXPECT(reeve_conn_can_send(conn));
	CREW_EXPECT(!reeve_conn_can_receive(conn));
	CREW_EXPECT(reeve_conn_recv(conn, &parcel, 1, 0) == REEVE_EINVALID);
	CREW_EXPECT(reeve_conn_poll(conn, 0) == REEVE_EINVALID);
	CREW_EXPECT(reeve_conn_send(conn, "back", 4, LONG) == REEVE_OK);
	reeve_conn_free(conn);
	return 0;
}

/* An empty message when it is told to. */
static int
send_nothing(void *ctx)
{
	struct reeve_conn *conn = given_conn();
	struct reeve_parcel parcel = { 0 };

	(void)ctx;
	CREW_EXPECT(reeve_conn_recv(conn, &parcel, 9, LONG) == REEVE_OK);
	CREW_EXPECT(reeve_conn_send(conn, NULL, 0, LONG) == REEVE_OK);
	reeve_parcel_free(&parcel);
	reeve_conn_free(conn);
	return 0;
}

static int
only_poll(void *ctx)
{
	struct reeve_conn *conn = given_conn();

	(void)ctx;
	CREW_EXPECT(reeve_conn_poll(conn, LONG) == REEVE_OK);
	CREW_EXPECT(reeve_conn_poll(conn, 0) == REEVE_OK);
	reeve_conn_free(conn);
	return 0;
}

/* Bytes, after all that would bring descriptors. */
static int
stuff(void *ctx)
{
	struct reeve_conn *conn = given_conn();
	struct reeve_parcel out = { .data = "x", .length = 1 };
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { room, 1 };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)(void *)room;

	(void)ctx;
	out.handles[0] = reeve_handle_of_fd(STDERR_FILENO);
	out.n_handles = 1;
	CREW_EXPECT(reeve_conn_send_parcel(conn, &out, LONG) == REEVE_EINVALID);
	msg.msg_control = room;
	msg.msg_controllen = sizeof(room);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &(int){ STDERR_FILENO }, sizeof(int));
	CREW_EXPECT(
	    sendmsg(reeve_conn_fd(conn), &msg, 0) == 1 || errno == EPERM);
	CREW_EXPECT(reeve_conn_send(conn, "bytes", 5, LONG) == REEVE_OK);
	reeve_conn_free(conn);
	return 0;
}

#define EACH 500

/* Messages of a length that they say themselves, until the last of all. */
static int
receive_many(void *ctx)
{
	struct reeve_conn *conn = given_conn();
	struct reeve_parcel parcel = { 0 };
	const uint32_t *word;

	for (;;) {
		CREW_EXPECT(
		    reeve_conn_recv(conn, &parcel, 4000, LONG) == REEVE_OK);
		word = parcel.data;
		CREW_EXPECT(parcel.length == word[0] * sizeof(*word));
		CREW_EXPECT(word[word[0] - 1] == word[0]);
		if (word[0] == 1) {
			break;
		}
		crew_add(ctx);
	}
	reeve_parcel_free(&parcel);
	reeve_conn_free(conn);
	return 0;
}

/* What is in the first message, two ends, is used by a third one's. */
static int
use_ends(void *ctx)
{
	struct reeve_conn *conn = given_conn(), *ends[2] = { NULL, NULL };
	struct reeve_parcel parcel = { 0 };
	bool duplex;

	(void)ctx;
	CREW_EXPECT(reeve_conn_recv(conn, &parcel, 9, LONG) == REEVE_OK);
	CREW_EXPECT(parcel.n_handles == 2 && parcel.length == 1);
	duplex = *(const char *)parcel.data == 'd';
	for (uint32_t i = 0; i < 2; i++) {
		struct reeve_handle handle = reeve_parcel_take(&parcel, i);

		CREW_EXPECT(
		    reeve_conn_open(&ends[i], &handle, NULL) == REEVE_OK);
		reeve_handle_close(&handle);
		CREW_EXPECT(
		    reeve_parcel_take(&parcel, i).kind == REEVE_SHARE_NONE);
	}
	CREW_EXPECT(reeve_conn_can_send(ends[0]) == duplex);
	CREW_EXPECT(reeve_conn_can_receive(ends[0]));
	CREW_EXPECT(reeve_conn_can_send(ends[1]));
	CREW_EXPECT(reeve_conn_can_receive(ends[1]) == duplex);
	CREW_EXPECT(reeve_conn_recv(ends[0], &parcel, 9, LONG) == REEVE_OK);
	CREW_EXPECT(reeve_conn_send(
			ends[1], parcel.data, parcel.length, LONG) == REEVE_OK);
	reeve_parcel_free(&parcel);
	conn_finish(ends[0], ends[1]);
	reeve_conn_free(conn);
	return 0;
}

static int
write_to_a_block(void *ctx)
{
	struct reeve_conn *conn = given_conn();
	struct reeve_parcel parcel = { 0 };
	struct reeve_memory *m = NULL;

	(void)ctx;
	CREW_EXPECT(reeve_conn_recv(conn, &parcel, 0, LONG) == REEVE_OK);
	CREW_EXPECT(
	    reeve_memory_open(&m, &parcel.handles[0], NULL) == REEVE_OK);
	memcpy(reeve_memory_at(m), "theirs", 6);
	reeve_memory_free(m);
	reeve_parcel_free(&parcel);
	reeve_conn_free(conn);
	return 0;
}

#define HUGE_ONE (((uint64_t)2 << 30) + 5)

static int
receive_a_huge_one(void *ctx)
{
	struct reeve_conn *conn = given_conn();
	struct reeve_parcel in = { 0 };
	const char *at;

	(void)ctx;
	CREW_EXPECT(
	    reeve_conn_recv(conn, &in, REEVE_ANY_LENGTH, LONG) == REEVE_OK);
	at = in.data;
	CREW_EXPECT(in.length == HUGE_ONE && in.flags == REEVE_PARCEL_JSON);
	CREW_EXPECT(at[0] == 'f' && at[1] == 0 && at[HUGE_ONE - 1] == 'l');
	/* and refuses one, and can go on */
	CREW_EXPECT(
	    reeve_conn_recv(conn, &in, HUGE_ONE - 1, LONG) == REEVE_ETOOBIG);
	CREW_EXPECT(reeve_conn_recv(conn, &in, 4, LONG) == REEVE_OK);
	CREW_EXPECT(memcmp(in.data, "next", 4) == 0);
	reeve_parcel_free(&in);
	reeve_conn_free(conn);
	return 0;
}

/* -------- scenarios -------- */

CREW_SCENARIO(scenario_130_messages_are_echoed_and_never_merge_or_split)
{
	struct reeve_conn *a;
	pid_t pid = start_with_end(echo, true, &a);
	struct reeve_parcel parcel = { 0 };
	char text[] = "{\"a\":1}";
	struct iovec json = { text, 7 };

	conn_say(a, "one");
	conn_say(a, "two");
	CU_ASSERT_EQUAL(
	    reeve_conn_sendv(a, &json, 1, REEVE_PARCEL_JSON, LONG), REEVE_OK);
	conn_expect(a, "one");
	conn_expect(a, "two");
	CU_ASSERT_EQUAL(reeve_conn_recv(a, &parcel, 100, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(parcel.flags, REEVE_PARCEL_JSON);
	CU_ASSERT_EQUAL(parcel.length, 7);
	reeve_parcel_free(&parcel);
	reeve_conn_free(a);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
}

CREW_SCENARIO(scenario_130_values_are_received_at_any_place_of_an_array)
{
	struct reeve_conn *a;
	pid_t pid = start_with_end(echo, true, &a);
	int ten[10], buf[13] = { 0 };
	uint64_t length;

	for (int i = 0; i < 10; i++) {
		ten[i] = i + 1;
	}
	for (int offset = 0; offset <= 3; offset += 3) {
		CU_ASSERT_EQUAL(
		    reeve_conn_send(a, ten, sizeof(ten), LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_recv_into(a, buf + offset,
				    sizeof(ten), &length, LONG),
		    REEVE_OK);
		CU_ASSERT_EQUAL(memcmp(buf + offset, ten, sizeof(ten)), 0);
	}
	reeve_conn_free(a);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
}

CREW_SCENARIO(scenario_130_a_buffer_that_is_too_small_keeps_the_message)
{
	static const size_t sizes[] = { 40, 70000 };
	struct reeve_conn *a;
	pid_t pid = start_with_end(echo, true, &a);
	struct reeve_parcel parcel = { 0 };
	static char data[70000], buf[70000];
	uint64_t length = 0;

	memset(data, 'x', sizeof(data));
	data[0] = 'f';
	for (unsigned i = 0; i < 2; i++) {
		size_t n = sizes[i];

		data[n - 1] = 'l';
		CU_ASSERT_EQUAL(reeve_conn_send(a, data, n, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_recv_into(a, buf, 39, &length, LONG),
		    REEVE_ETOOSHORT);
		CU_ASSERT_EQUAL(length, n);
		CU_ASSERT_TRUE(reeve_conn_waiting(a));
		CU_ASSERT_EQUAL(reeve_conn_poll(a, 0), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_recv_into(a, NULL, 0, &length, 0),
		    REEVE_ETOOSHORT);
		CU_ASSERT_EQUAL(
		    reeve_conn_recv_into(a, buf, n, &length, 0), REEVE_OK);
		CU_ASSERT_FALSE(reeve_conn_waiting(a));
		CU_ASSERT_EQUAL(memcmp(buf, data, n), 0);
		/* by the other form, too */
		CU_ASSERT_EQUAL(reeve_conn_send(a, data, n, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_recv_into(a, buf, 39, &length, LONG),
		    REEVE_ETOOSHORT);
		CU_ASSERT_EQUAL(reeve_conn_recv(a, &parcel, n, 0), REEVE_OK);
		CU_ASSERT_EQUAL(memcmp(parcel.data, data, n), 0);
	}
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(a, NULL, 1, &length, 0), REEVE_EINVALID);
	reeve_parcel_free(&parcel);
	reeve_conn_free(a);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
}

CREW_SCENARIO(scenario_131_polls_end_in_time_and_a_large_message_is_whole)
{
	static const size_t sizes[] = { 65535, 65536, 65537, 1 << 20,
		(16 << 20) + 3 };
	struct reeve_conn *a;
	pid_t pid = start_with_end(echo, true, &a);
	struct reeve_parcel parcel = { 0 };
	unsigned char *data = malloc((16 << 20) + 3);
	unsigned char *into = malloc(1 << 20);
	uint64_t length;

	CU_ASSERT_EQUAL(reeve_conn_poll(a, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_poll(a, -1), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_conn_poll(a, REEVE_MS(3)), REEVE_ETIMEDOUT);
	for (size_t i = 0; i < (16 << 20) + 3; i++) {
		data[i] = (unsigned char)(i * 31 + (i >> 8));
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];

		CU_ASSERT_EQUAL(reeve_conn_send(a, data, n, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_poll(a, LONG), REEVE_OK);
		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_recv(a, &parcel, n, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(parcel.length, n);
		CU_ASSERT_EQUAL(memcmp(parcel.data, data, n), 0);
		if (n > 1 << 20) {
			break; /* once is enough */
		}
		CU_ASSERT_EQUAL(reeve_conn_send(a, data, n, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_conn_recv_into(a, into, n, &length, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(length, n);
		CU_ASSERT_EQUAL(memcmp(into, data, n), 0);
	}
	reeve_parcel_free(&parcel);
	free(data);
	free(into);
	reeve_conn_free(a);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
}

CREW_SCENARIO(scenario_133_one_way_is_one_way)
{
	struct reeve_conn *mine = give_end(false, true);
	struct reeve_parcel parcel = { 0 };
	pid_t pid = crew_start(try_to_send, NULL);

	crew_keep();
	CU_ASSERT_FALSE(reeve_conn_can_receive(mine));
	CU_ASSERT_TRUE(reeve_conn_can_send(mine));
	CU_ASSERT_EQUAL(reeve_conn_recv(mine, &parcel, 1, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_conn_poll(mine, 0), REEVE_EINVALID);
	conn_say(mine, "along");
	reeve_conn_free(mine);
	CU_ASSERT_EQUAL(crew_end(pid), 0);

	pid = start_with_end(try_to_receive, false, &mine);
	CU_ASSERT_TRUE(reeve_conn_can_receive(mine));
	CU_ASSERT_EQUAL(reeve_conn_send(mine, "x", 1, 0), REEVE_EINVALID);
	conn_expect(mine, "back");
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	CU_ASSERT_EQUAL(reeve_conn_poll(mine, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(mine, &parcel, 1, LONG), REEVE_EEND);
	reeve_conn_free(mine);

	mine = give_end(false, true);
	crew_keep();
	CU_ASSERT_EQUAL(reeve_conn_send(mine, "x", 1, LONG), REEVE_EBROKEN);
	reeve_conn_free(mine);
}

/* Its end is closed here as soon as the start is done; and the end is seen. */
CREW_SCENARIO(a_child_cannot_put_descriptors_into_a_plain_pipe)
{
	struct reeve_parcel in = { 0 };
	struct reeve_conn *a, *b;
	struct reeve_handle handle;
	enum reeve_status status;
	pid_t pid;

	conn_pipe_plain(false, &a, &b);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_handle(b, &handle, &err), REEVE_OK);
	crew_give("conn", handle);
	reeve_conn_free(b);
	pid = crew_start(stuff, NULL);
	crew_keep();
	/* a kernel before SO_PASSRIGHTS brings the packet, without them */
	status = reeve_conn_recv(a, &in, 9, LONG);
	if (status == REEVE_EPROTO) {
		status = reeve_conn_recv(a, &in, 9, LONG);
	}
	CU_ASSERT_EQUAL(status, REEVE_OK);
	CU_ASSERT_EQUAL(in.n_handles, 0);
	CU_ASSERT_EQUAL_FATAL(in.length, 5);
	CU_ASSERT_EQUAL(memcmp(in.data, "bytes", 5), 0);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	CU_ASSERT_EQUAL(reeve_conn_recv(a, &in, 9, LONG), REEVE_EEND);
	reeve_parcel_free(&in);
	reeve_conn_free(a);
}

CREW_SCENARIO(scenario_134_a_child_talks_when_the_parent_has_closed_its_copy)
{
	struct reeve_conn *a;
	pid_t pid = start_with_end(send_nothing, true, &a);
	struct reeve_parcel parcel = { 0 };

	conn_say(a, "go");
	conn_expect(a, "");
	CU_ASSERT_EQUAL(reeve_conn_recv(a, &parcel, 1, LONG), REEVE_EEND);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	reeve_conn_free(a);
}

CREW_SCENARIO(scenario_136_an_empty_message_is_a_message)
{
	struct reeve_conn *a;
	pid_t pid = start_with_end(send_nothing, true, &a);
	struct reeve_parcel parcel = { 0 };

	CU_ASSERT_EQUAL(reeve_conn_poll(a, 0), REEVE_ETIMEDOUT);
	conn_say(a, "");
	CU_ASSERT_EQUAL(reeve_conn_poll(a, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_poll(a, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(a, &parcel, 0, 0), REEVE_OK);
	CU_ASSERT_EQUAL(parcel.length, 0);
	reeve_parcel_free(&parcel);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	reeve_conn_free(a);
}

CREW_SCENARIO(scenario_137_two_with_one_end_get_whole_messages_each)
{
	uint32_t *got = crew_share(sizeof(*got)), word[1000];
	struct reeve_conn *a = give_end(true, false);
	pid_t pids[2];

	for (unsigned i = 0; i < 2; i++) {
		pids[i] = crew_start(receive_many, got);
	}
	for (uint32_t i = 0; i < 2 * EACH + 2; i++) {
		uint32_t n = i < 2 * EACH ? 2 + i % 999 : 1;

		word[0] = word[n - 1] = n;
		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_send(a, word, n * sizeof(*word), LONG),
		    REEVE_OK);
	}
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(crew_end(pids[i]), 0);
	}
	CU_ASSERT_EQUAL(*got, 2 * EACH);
	reeve_conn_free(a);
	crew_unshare(got, sizeof(*got));
}

CREW_SCENARIO(scenario_137_who_polls_takes_nothing)
{
	struct reeve_conn *a = NULL, *b = NULL;
	struct reeve_handle handle;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(reeve_pipe(&a, &b, true, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_handle(b, &handle, &err), REEVE_OK);
	crew_give("conn", handle);
	pid = crew_start(only_poll, NULL);
	conn_say(a, "one");
	conn_say(a, "two");
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	conn_expect(b, "one");
	conn_expect(b, "two");
	conn_finish(a, b);
}

CREW_SCENARIO(scenario_139_a_connection_sent_through_one_works_at_the_other_end)
{
	for (unsigned duplex = 0; duplex < 2; duplex++) {
		struct reeve_conn *a, *c[2], *d[2];
		pid_t pid = start_with_end(use_ends, true, &a);
		struct reeve_parcel out = {
			.data = duplex ? "d" : "s", .length = 1, .n_handles = 2
		};

		/* it receives by its end of c, and sends by its end of d */
		CU_ASSERT_EQUAL(
		    reeve_pipe(&c[0], &c[1], duplex, &err), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_pipe(&d[0], &d[1], duplex, &err), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_conn_handle(c[0], &out.handles[0], &err), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_conn_handle(d[1], &out.handles[1], &err), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
		reeve_handle_close(&out.handles[0]);
		reeve_handle_close(&out.handles[1]);
		reeve_conn_close(c[0]);
		reeve_conn_close(d[1]);
		conn_say(c[1], "through");
		conn_expect(d[0], "through");
		CU_ASSERT_EQUAL(crew_end(pid), 0);
		conn_finish(c[0], c[1]);
		conn_finish(d[0], d[1]);
		reeve_conn_free(a);
	}
}

/* Also when its name, if it had one, is gone: the handle is the memory. */
CREW_SCENARIO(scenario_70_a_block_sent_in_a_message_is_the_same_memory)
{
	struct reeve_memory_options options = { .size = sizeof(options) };
	struct reeve_memory *m = NULL;
	char name[64];

	(void)snprintf(name, sizeof(name), "test-sent-%d", getpid());
	options.name = name;
	for (int unlinked = 0; unlinked < 2; unlinked++) {
		struct reeve_parcel out = { .n_handles = 1 };
		struct reeve_conn *a;
		pid_t pid = start_with_end(write_to_a_block, true, &a);

		CU_ASSERT_EQUAL_FATAL(
		    reeve_memory_new(&m, 6, &options, &err), REEVE_OK);
		if (unlinked) {
			CU_ASSERT_EQUAL(
			    reeve_memory_unlink(name, &err), REEVE_OK);
		}
		CU_ASSERT_EQUAL(
		    reeve_memory_handle(m, &out.handles[0], &err), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
		reeve_handle_close(&out.handles[0]);
		CU_ASSERT_EQUAL(crew_end(pid), 0);
		CU_ASSERT_EQUAL(memcmp(reeve_memory_at(m), "theirs", 6), 0);
		reeve_memory_free(m);
		reeve_conn_free(a);
	}
}

CREW_SCENARIO(scenario_142_a_message_of_more_than_2_gib_goes_without_a_copy)
{
	struct reeve_conn *a;
	pid_t pid = start_with_end(receive_a_huge_one, true, &a);

	for (int i = 0; i < 2; i++) {
		struct reeve_parcel out = { 0 };
		void *at = NULL;

		CU_ASSERT_EQUAL_FATAL(
		    reeve_parcel_make(&out, HUGE_ONE, &at, &err), REEVE_OK);
		((char *)at)[0] = 'f';
		((char *)at)[HUGE_ONE - 1] = 'l';
		out.flags = REEVE_PARCEL_JSON;
		CU_ASSERT_EQUAL(
		    reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
		CU_ASSERT_PTR_NULL(out.data);
	}
	conn_say(a, "next");
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	reeve_conn_free(a);
}

static void
on_signal(int signo)
{
	(void)signo;
}

/* Signals for the test, until killed. */
static int
storm(void *ctx)
{
	const pid_t *test = ctx;

	while (kill(*test, SIGUSR1) == 0) {
	}
	return 0;
}

/* Starts and joins are under the storm, too. */
CREW_SCENARIO(scenario_145_signals_neither_shorten_nor_break_anything)
{
	static char block[50000], large[100000];
	struct sigaction action = { .sa_handler = on_signal }, before;
	pid_t *test = crew_share(sizeof(*test)), pids[2];
	struct reeve_parcel parcel = { 0 };
	struct reeve_conn *a;

	*test = getpid();
	CU_ASSERT_EQUAL(sigaction(SIGUSR1, &action, &before), 0);
	pids[0] = crew_start(storm, test);
	pids[1] = start_with_end(echo, true, &a);
	for (unsigned i = 0; i < 100; i++) {
		size_t n = i % 3 == 0 ? sizeof(large) : sizeof(block);

		CU_ASSERT_EQUAL(reeve_conn_send(a, i % 3 == 0 ? large : block,
				    n, i % 2 == 0 ? LONG : REEVE_FOREVER),
		    REEVE_OK);
		CU_ASSERT_EQUAL(reeve_conn_recv(a, &parcel, 1 << 20,
				    i % 2 == 0 ? LONG : REEVE_FOREVER),
		    REEVE_OK);
		CU_ASSERT_EQUAL(parcel.length, n);
	}
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(a, &parcel, 1, REEVE_MS(20)), REEVE_ETIMEDOUT);
	reeve_parcel_free(&parcel);
	reeve_conn_free(a);
	CU_ASSERT_EQUAL(crew_end(pids[1]), 0);
	crew_kill(pids[0]);
	CU_ASSERT_EQUAL(sigaction(SIGUSR1, &before, NULL), 0);
	crew_unshare(test, sizeof(*test));
}

RV_SUITE(conn_methods,
    RV_CASE(scenario_130_messages_are_echoed_and_never_merge_or_split),
    RV_CASE(scenario_130_values_are_received_at_any_place_of_an_array),
    RV_CASE(scenario_130_a_buffer_that_is_too_small_keeps_the_message),
    RV_CASE(scenario_131_polls_end_in_time_and_a_large_message_is_whole),
    RV_CASE(scenario_133_one_way_is_one_way),
    RV_CASE(a_child_cannot_put_descriptors_into_a_plain_pipe),
    RV_CASE(scenario_134_a_child_talks_when_the_parent_has_closed_its_copy),
    RV_CASE(scenario_136_an_empty_message_is_a_message),
    RV_CASE(scenario_137_two_with_one_end_get_whole_messages_each),
    RV_CASE(scenario_137_who_polls_takes_nothing),
    RV_CASE(scenario_139_a_connection_sent_through_one_works_at_the_other_end),
    RV_CASE(scenario_70_a_block_sent_in_a_message_is_the_same_memory),
    RV_CASE(scenario_142_a_message_of_more_than_2_gib_goes_without_a_copy),
    RV_CASE(scenario_145_signals_neither_shorten_nor_break_anything))
