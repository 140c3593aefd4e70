/* SPDX-License-Identifier: MIT */
/*
 * Shared blocks: read in place or copied, free again when their receiver lets
 * go or dies, and blocks of strangers that are none.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/blocks.h>

#include "base/fault.h"
#include "conn/head.h"
#include "conn/rights.h"
#include "lib/harness.h"

#define LONG REEVE_S(60)
#define SIZE 5000

static struct reeve_error err;
static struct reeve_blocks *blocks;
static struct reeve_conn *a, *b;

static void
begin(uint32_t n)
{
	blocks = NULL;
	CU_ASSERT_EQUAL_FATAL(
	    reeve_blocks_new(&blocks, SIZE, n, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_pipe(&a, &b, true, &err), REEVE_OK);
}

static void
end(void)
{
	reeve_blocks_free(blocks);
	reeve_conn_free(a);
	reeve_conn_free(b);
}

/* A block of this letter, sent by a. */
static void
send_block(char letter)
{
	struct reeve_parcel out = { 0 };
	void *at = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_blocks_take(blocks, &out, &at, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(out.length, SIZE);
	memset(at, letter, SIZE);
	out.flags = REEVE_PARCEL_JSON;
	CU_ASSERT_EQUAL_FATAL(reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
	CU_ASSERT_PTR_NULL(out.data);
}

static bool
is_all(const struct reeve_parcel *in, char letter)
{
	const char *at = in->data;

	return in->length == SIZE && in->flags == REEVE_PARCEL_JSON &&
	       at[0] == letter && memcmp(at, at + 1, SIZE - 1) == 0;
}

RV_TEST(a_block_is_read_in_place_and_comes_free_when_its_reader_lets_go)
{
	struct reeve_parcel in[3] = { { 0 } }, out = { 0 };
	void *at;

	begin(2);
	reeve_conn_share_blocks(b, true);
	for (unsigned round = 0; round < 20; round++) {
		send_block('x');
		send_block('y');
		CU_ASSERT_EQUAL(
		    reeve_blocks_take(blocks, &out, &at, 0), REEVE_ETIMEDOUT);
		CU_ASSERT_EQUAL(
		    reeve_blocks_take(blocks, &out, &at, REEVE_MS(1)),
		    REEVE_ETIMEDOUT);
		CU_ASSERT_EQUAL(
		    reeve_conn_recv(b, &in[0], SIZE, LONG), REEVE_OK);
		CU_ASSERT_EQUAL(
		    reeve_conn_recv(b, &in[1], SIZE, LONG), REEVE_OK);
		CU_ASSERT_TRUE(is_all(&in[0], 'x') && is_all(&in[1], 'y'));
		CU_ASSERT_EQUAL(
		    reeve_blocks_take(blocks, &out, &at, 0), REEVE_ETIMEDOUT);
		reeve_parcel_free(&in[1]);
		send_block('z');
		CU_ASSERT_EQUAL(
		    reeve_conn_recv(b, &in[2], SIZE, LONG), REEVE_OK);
		CU_ASSERT_TRUE(is_all(&in[0], 'x') && is_all(&in[2], 'z'));
		reeve_parcel_free(&in[0]);
		reeve_parcel_free(&in[2]);
	}
	/* a parcel outlives its connection and its blocks */
	send_block('l');
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in[0], SIZE, LONG), REEVE_OK);
	end();
	CU_ASSERT_TRUE(is_all(&in[0], 'l'));
	reeve_parcel_free(&in[0]);
}

RV_TEST(who_has_not_said_that_he_trusts_gets_a_copy)
{
	struct reeve_parcel in = { 0 }, again = { 0 };
	char buf[SIZE];
	uint64_t length = 0;

	begin(1);
	send_block('x');
	CU_ASSERT_EQUAL(reeve_conn_recv_into(b, buf, SIZE - 1, &length, LONG),
	    REEVE_ETOOSHORT);
	CU_ASSERT_EQUAL(length, SIZE);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, SIZE, 0), REEVE_OK);
	CU_ASSERT_TRUE(is_all(&in, 'x'));
	send_block('y'); /* it is free at once */
	CU_ASSERT_TRUE(is_all(&in, 'x'));
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(b, buf, SIZE, &length, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(buf[SIZE - 1], 'y');
	send_block('z');
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(b, &again, SIZE - 1, LONG), REEVE_ETOOBIG);
	send_block('z');
	reeve_parcel_free(&in);
	reeve_parcel_free(&again);
	end();
}

RV_TEST(a_block_that_was_not_sent_is_given_back)
{
	struct reeve_parcel out = { 0 }, in = { 0 };
	void *at;

	begin(1);
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &out, &at, LONG), REEVE_OK);
	reeve_parcel_free(&out);
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &out, &at, 0), REEVE_OK);
	/* taken again with the same parcel, which gives it back before */
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &out, &at, 0), REEVE_OK);
	out.length = 3;
	memcpy(at, "abc", 3);
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 3, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(memcmp(in.data, "abc", 3), 0);
	/* nor one whose connection is gone */
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &out, &at, 0), REEVE_OK);
	reeve_conn_close(b);
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, LONG), REEVE_EBROKEN);
	reeve_parcel_free(&out);
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &out, &at, 0), REEVE_OK);
	reeve_parcel_free(&out);
	reeve_parcel_free(&in);
	end();
}

RV_TEST(the_blocks_of_a_reader_that_is_killed_come_free)
{
	struct reeve_parcel in = { 0 }, out = { 0 };
	void *at;
	pid_t pid;

	begin(2);
	pid = fork();
	if (pid == 0) {
		reeve_conn_close(a);
		reeve_conn_share_blocks(b, true);
		if (reeve_conn_recv(b, &in, SIZE, LONG) == REEVE_OK) {
			(void)raise(SIGSTOP); /* with one in hand */
		}
		_exit(0);
	}
	reeve_conn_close(b);
	send_block('x');
	CU_ASSERT_EQUAL(waitpid(pid, NULL, WUNTRACED), pid);
	send_block('y'); /* this one is not read at all */
	CU_ASSERT_EQUAL(
	    reeve_blocks_take(blocks, &out, &at, REEVE_MS(1)), REEVE_ETIMEDOUT);
	(void)kill(pid, SIGKILL);
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &out, &at, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &in, &at, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	reeve_parcel_free(&in);
	reeve_parcel_free(&out);
	end();
}

/* A packet that says it is a block. */
static void
inject(int fd, uint64_t length, uint64_t place, int memfd)
{
	struct rv_head head = { .type = RV_HEAD_BLOCK, .length = length };
	unsigned char bytes[RV_HEAD_BYTES + 16] = { 0 };
	struct rv_rights rights = { .n = 2, .fds = { memfd, fd } };
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	union rv_rights_room room;

	rv_head_encode(&head, bytes);
	memcpy(bytes + RV_HEAD_BYTES, &place, sizeof(place));
	rv_rights_put(&rights, &msg, &room);
	CU_ASSERT_EQUAL(sendmsg(fd, &msg, 0), sizeof(bytes));
}

RV_TEST(blocks_of_strangers_that_are_none_are_refused)
{
	static const uint64_t bad[][2] = { { 0, 0 }, { 4097, 0 }, { 4096, 1 },
		{ 1, 4096 }, { 1, UINT64_MAX }, { UINT64_MAX, 1 } };
	struct reeve_conn *conn = NULL;
	struct reeve_parcel in = { 0 };
	int fds[2], memfd = memfd_create("x", MFD_ALLOW_SEALING);
	unsigned before;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_of_socket(&conn, fds[1], &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(ftruncate(memfd, 4096), 0);
	before = rv_test_fds(getpid());
	reeve_conn_share_blocks(conn, true);
	inject(fds[0], 1, 0, fds[0]);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(conn, &in, REEVE_ANY_LENGTH, LONG), REEVE_EPROTO);
	inject(fds[0], 1, 0, memfd); /* which could be cut under us */
	CU_ASSERT_EQUAL(
	    reeve_conn_recv(conn, &in, REEVE_ANY_LENGTH, LONG), REEVE_EPROTO);
	CU_ASSERT_EQUAL(
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		inject(fds[0], bad[i][0], bad[i][1], memfd);
		CU_ASSERT_EQUAL(
		    reeve_conn_recv(conn, &in, REEVE_ANY_LENGTH, LONG),
		    REEVE_EPROTO);
		CU_ASSERT_EQUAL(rv_test_fds(getpid()), before);
	}
	inject(fds[0], 4096, 0, memfd);
	CU_ASSERT_EQUAL(reeve_conn_recv(conn, &in, 4096, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), before + 1);
	reeve_parcel_free(&in);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), before);
	(void)close(memfd);
	(void)close(fds[0]);
	(void)close(fds[1]);
	reeve_conn_free(conn);
}

RV_TEST(what_runs_out_is_said_and_what_cannot_be_is_refused)
{
	static const char *const plans[] = { "alloc=ENOMEM",
		"memfd_create=EMFILE", "mmap=ENOMEM" };
	struct reeve_blocks *none = NULL;
	struct reeve_parcel out = { 0 };
	void *at;

	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(rv_fault_set(plans[i]));
		CU_ASSERT_NOT_EQUAL(
		    reeve_blocks_new(&none, 1, 1, &err), REEVE_OK);
	}
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(reeve_blocks_new(&none, 0, 1, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_blocks_new(&none, 1, 0, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_blocks_new(&none, 1, 65, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_blocks_new(NULL, 1, 1, &err), REEVE_EINVALID);
	CU_ASSERT_PTR_NULL(none);
	begin(1);
	CU_ASSERT_TRUE(rv_fault_set("pipe2=EMFILE"));
	CU_ASSERT_EQUAL(reeve_blocks_take(blocks, &out, &at, LONG), REEVE_ESYS);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(reeve_blocks_take(NULL, &out, &at, 0), REEVE_EINVALID);
	send_block('x');
	end();
	reeve_blocks_free(NULL);
}

RV_SUITE(blocks,
    RV_CASE(a_block_is_read_in_place_and_comes_free_when_its_reader_lets_go),
    RV_CASE(who_has_not_said_that_he_trusts_gets_a_copy),
    RV_CASE(a_block_that_was_not_sent_is_given_back),
    RV_CASE(the_blocks_of_a_reader_that_is_killed_come_free),
    RV_CASE(blocks_of_strangers_that_are_none_are_refused),
    RV_CASE(what_runs_out_is_said_and_what_cannot_be_is_refused))
