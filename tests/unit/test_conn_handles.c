/* SPDX-License-Identifier: MIT */
/*
 * Descriptors in messages: what comes over, what is closed, tables that are
 * full; and packets of peers that do not keep to our form.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/bell.h>
#include <reeve/conn.h>

#include "conn/head.h"
#include "conn/rights.h"
#include "lib/harness.h"
#include "unit/conn_rig.h"

#define LONG REEVE_S(60)

static struct reeve_error err;

RV_TEST(bells_and_files_go_with_a_large_message)
{
	static char block[200000];
	struct reeve_conn *a, *b;
	struct reeve_bell *bell = NULL, *other = NULL;
	struct reeve_parcel out = { .data = block, .length = sizeof(block) };
	struct reeve_parcel in = { 0 };
	int fds[2];
	char c = 0;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL_FATAL(reeve_bell_new(&bell, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	CU_ASSERT_EQUAL(
	    reeve_bell_handle(bell, &out.handles[0], &err), REEVE_OK);
	out.handles[1] = reeve_handle_of_fd(fds[1]);
	out.n_handles = 2;
	block[199999] = 'z';
	CU_ASSERT_EQUAL_FATAL(reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
	reeve_handle_close(&out.handles[0]);
	(void)close(fds[1]);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_recv(b, &in, sizeof(block), LONG), REEVE_OK);
	CU_ASSERT_EQUAL(((const char *)in.data)[199999], 'z');
	CU_ASSERT_EQUAL_FATAL(in.n_handles, 2);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_bell_open(&other, &in.handles[0], &err), REEVE_OK);
	CU_ASSERT_EQUAL(in.handles[1].kind, REEVE_SHARE_DESCRIPTOR);
	CU_ASSERT_EQUAL(write(in.handles[1].fds[0], "w", 1), 1);
	reeve_bell_set(other);
	CU_ASSERT_TRUE(reeve_bell_is_set(bell));
	reeve_parcel_free(&in);
	CU_ASSERT_EQUAL(read(fds[0], &c, 1), 1);
	CU_ASSERT_EQUAL(read(fds[0], &c, 1), 0); /* the copy is closed, too */
	(void)close(fds[0]);
	reeve_bell_free(bell);
	reeve_bell_free(other);
	conn_finish(a, b);
}

/* As many handles of as many descriptors as can be. */
static void
fill(struct reeve_parcel *out, int fd)
{
	out->n_handles = REEVE_PARCEL_HANDLES;
	for (unsigned i = 0; i < REEVE_PARCEL_HANDLES; i++) {
		out->handles[i] = reeve_handle_of_fd(fd);
		out->handles[i].n_fds = REEVE_HANDLE_FDS;
		for (unsigned k = 0; k < REEVE_HANDLE_FDS; k++) {
			out->handles[i].fds[k] = fd;
		}
	}
}

RV_TEST(handles_that_nobody_takes_are_closed)
{
	static char block[200000];
	struct reeve_conn *a, *b;
	struct reeve_parcel out = { 0 }, in = { 0 };
	unsigned before;
	uint64_t length;
	char buf[8];

	conn_pipe(true, &a, &b);
	before = rv_test_fds(getpid());
	fill(&out, 0);
	out.data = block;
	for (unsigned i = 0; i < 6; i++) {
		out.length = i % 2 == 0 ? 8 : sizeof(block);
		CU_ASSERT_EQUAL_FATAL(
		    reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
		if (i < 2) {
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(b, &in, 7, LONG), REEVE_ETOOBIG);
		} else if (i == 2) {
			CU_ASSERT_EQUAL(
			    reeve_conn_recv_into(b, buf, 8, &length, LONG),
			    REEVE_OK);
		} else if (i == 3) {
			CU_ASSERT_EQUAL(
			    reeve_conn_recv(b, &in, 200000, LONG), REEVE_OK);
			CU_ASSERT_EQUAL(in.n_handles, 16);
			CU_ASSERT_EQUAL(in.handles[15].n_fds, 4);
			CU_ASSERT_EQUAL(rv_test_fds(getpid()), before + 64);
			/* closed by the next */
			CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 200000, 0),
			    REEVE_ETIMEDOUT);
		} /* 4 and 5 are never received */
		if (i == 5) {
			CU_ASSERT_EQUAL(
			    reeve_conn_recv_into(b, buf, 7, &length, LONG),
			    REEVE_ETOOSHORT); /* kept */
			CU_ASSERT_EQUAL(rv_test_fds(getpid()), before + 64);
		} else {
			CU_ASSERT_EQUAL(rv_test_fds(getpid()), before);
		}
	}
	reeve_parcel_free(&in);
	conn_finish(a, b);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), before - 2);
}

RV_TEST(a_full_table_of_descriptors_is_said_and_leaks_none)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel out = { 0 }, in = { 0 };
	struct rlimit old, few;
	unsigned before;

	conn_pipe(true, &a, &b);
	before = rv_test_fds(getpid());
	fill(&out, 0);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 30;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &few), 0);
	errno = 0;
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 10, LONG), REEVE_ESYS);
	CU_ASSERT_EQUAL(errno, EMFILE);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &old), 0);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), before);
	CU_ASSERT_EQUAL(reeve_conn_send(a, "next", 4, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 10, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(in.length, 4);
	reeve_parcel_free(&in);
	conn_finish(a, b);
}

RV_TEST(a_descriptor_that_is_none_is_said)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel out = { .n_handles = 1 };

	conn_pipe(true, &a, &b);
	out.handles[0] = reeve_handle_of_fd(1023);
	errno = 0;
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, LONG), REEVE_ESYS);
	CU_ASSERT_EQUAL(errno, EBADF);
	CU_ASSERT_EQUAL(reeve_conn_poll(b, 0), REEVE_ETIMEDOUT);
	conn_finish(a, b);
}

/* A packet of a stranger's. */
static void
inject(int fd, const void *data, size_t len, unsigned n_fds, int with)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 253)];
	} room;
	struct iovec part = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	if (n_fds > 0) {
		memset(&room, 0, sizeof(room));
		room.align.cmsg_level = SOL_SOCKET;
		room.align.cmsg_type = SCM_RIGHTS;
		room.align.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		for (unsigned i = 0; i < n_fds; i++) {
			memcpy(CMSG_DATA(&room.align) + sizeof(int) * i, &with,
			    sizeof(with));
		}
		msg.msg_control = &room;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	}
	CU_ASSERT_EQUAL_FATAL(sendmsg(fd, &msg, 0), (ssize_t)len);
}

static void
inject_head(
    int fd, struct rv_head head, const char *body, unsigned n_fds, int with)
{
	unsigned char bytes[RV_HEAD_BYTES + 100];
	size_t len = strlen(body);

	rv_head_encode(&head, bytes);
	memcpy(bytes + RV_HEAD_BYTES, body, len);
	inject(fd, bytes, RV_HEAD_BYTES + len, n_fds, with);
}

static void
refuse(struct reeve_conn *conn)
{
	struct reeve_parcel in = { 0 };

	CU_ASSERT_EQUAL(
	    reeve_conn_recv(conn, &in, REEVE_ANY_LENGTH, LONG), REEVE_EPROTO);
}

RV_TEST(packets_of_no_form_are_refused_one_by_one_and_nothing_stays_open)
{
	static char huge[150000];
	struct rv_head data = { .type = RV_HEAD_DATA, .length = 3 };
	struct rv_head memory = { .type = RV_HEAD_MEMORY, .length = 3 };
	struct rv_head odd;
	struct reeve_conn *b = NULL;
	struct reeve_parcel in = { 0 };
	int fds[2], memfd;
	unsigned before;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	CU_ASSERT_EQUAL_FATAL(reeve_conn_of_socket(&b, fds[1], &err), REEVE_OK);
	memfd = memfd_create("x", MFD_ALLOW_SEALING);
	CU_ASSERT_EQUAL_FATAL(ftruncate(memfd, 3), 0);
	before = rv_test_fds(getpid());
	inject(fds[0], "", 0, 1, 0);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 9, LONG), REEVE_EEND);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), before);
	inject(fds[0], "x", 1, 0, 0);
	refuse(b);
	inject(fds[0], huge, 32, 0, 0);
	refuse(b);
	inject(fds[0], huge, sizeof(huge), 0, 0);
	refuse(b);
	inject_head(fds[0], data, "ab", 0, 0);
	refuse(b);
	inject_head(fds[0], data, "abcd", 0, 0);
	refuse(b);
	inject_head(fds[0], data, "abc", 1, 0);
	refuse(b); /* not announced */
	inject_head(fds[0], data, "abc", 253, 0);
	refuse(b); /* nor so many */
	odd = data;
	odd.n_handles = 1;
	odd.handles[0] = REEVE_SHARE_BELL << 4 | 2;
	inject_head(fds[0], odd, "abc", 0, 0);
	refuse(b);
	inject_head(fds[0], odd, "abc", 1, 0);
	refuse(b);
	odd.handles[0] = 15 << 4 | 1; /* of no kind */
	inject_head(fds[0], odd, "abc", 1, 0);
	refuse(b);
	odd.handles[0] = REEVE_SHARE_BELL << 4 | 5;
	inject_head(fds[0], odd, "abc", 5, 0);
	refuse(b);
	odd = data;
	odd.type = 77;
	inject_head(fds[0], odd, "abc", 0, 0);
	refuse(b);
	odd = data;
	odd.flags = 0x80;
	inject_head(fds[0], odd, "abc", 0, 0);
	refuse(b);
	odd = data;
	odd.length = UINT64_MAX;
	inject_head(fds[0], odd, "abc", 0, 0);
	refuse(b);
	inject_head(fds[0], memory, "", 0, 0);
	refuse(b);
	inject_head(fds[0], memory, "abc", 1, memfd);
	refuse(b);
	inject_head(fds[0], memory, "", 1, memfd);
	refuse(b); /* not sealed */
	inject_head(fds[0], memory, "", 1, fds[0]);
	refuse(b);
	CU_ASSERT_EQUAL(fcntl(memfd, F_ADD_SEALS,
			    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK),
	    0);
	odd = memory;
	odd.length = 4; /* more than there is */
	inject_head(fds[0], odd, "", 1, memfd);
	refuse(b);
	odd.length = 0;
	inject_head(fds[0], odd, "", 1, memfd);
	refuse(b);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), before);
	inject_head(fds[0], memory, "", 1, memfd);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 3, LONG), REEVE_OK);
	inject_head(fds[0], data, "abc", 0, 0);
	CU_ASSERT_EQUAL(reeve_conn_recv(b, &in, 3, LONG), REEVE_OK);
	CU_ASSERT_EQUAL(memcmp(in.data, "abc", 3), 0);
	reeve_parcel_free(&in);
	CU_ASSERT_EQUAL(rv_test_fds(getpid()), before);
	(void)close(memfd);
	(void)close(fds[0]);
	(void)close(fds[1]);
	reeve_conn_free(b);
}

RV_TEST(handles_in_a_message_to_a_process_that_dies_are_closed)
{
	struct reeve_conn *a, *b;
	struct reeve_parcel out = { .n_handles = 1 };
	int fds[2];
	pid_t pid;
	char c;

	conn_pipe(true, &a, &b);
	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	out.handles[0] = reeve_handle_of_fd(fds[1]);
	pid = fork();
	if (pid == 0) {
		(void)close(fds[1]);
		reeve_conn_close(a);
		(void)raise(SIGKILL);
	}
	CU_ASSERT_EQUAL(reeve_conn_send_parcel(a, &out, LONG), REEVE_OK);
	(void)close(fds[1]);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	reeve_conn_close(b);
	/* the last copy was in the message */
	CU_ASSERT_EQUAL(read(fds[0], &c, 1), 0);
	(void)close(fds[0]);
	conn_finish(a, b);
}

RV_SUITE(conn_handles, RV_CASE(bells_and_files_go_with_a_large_message),
    RV_CASE(handles_that_nobody_takes_are_closed),
    RV_CASE(a_full_table_of_descriptors_is_said_and_leaks_none),
    RV_CASE(a_descriptor_that_is_none_is_said),
    RV_CASE(packets_of_no_form_are_refused_one_by_one_and_nothing_stays_open),
    RV_CASE(handles_in_a_message_to_a_process_that_dies_are_closed))
