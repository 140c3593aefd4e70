/* SPDX-License-Identifier: MIT */
/* sys: descriptors, clocks, /proc, and that each call fails when told to. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "lib/harness.h"
#include "sys/sys.h"

RV_TEST(clocks_go_forward)
{
	rv_time a = rv_sys_now(), b = rv_sys_now();
	int64_t wall = rv_sys_wall_us();

	CU_ASSERT_TRUE(a > 0);
	CU_ASSERT_TRUE(b >= a);
	CU_ASSERT_TRUE(wall > INT64_C(1600000000) * 1000000);
	CU_ASSERT_TRUE(rv_sys_wall_us() - wall < 3600 * INT64_C(1000000));
}

RV_TEST(random_names_differ_and_are_hex)
{
	char a[33], b[33];

	rv_sys_random_hex(a);
	rv_sys_random_hex(b);
	CU_ASSERT_EQUAL(strspn(a, "0123456789abcdef"), 32);
	CU_ASSERT_EQUAL(a[32], '\0');
	CU_ASSERT_STRING_NOT_EQUAL(a, b);
}

RV_TEST(the_boot_has_an_id_or_none)
{
	char id[40], again[40];

	rv_sys_boot_id(id);
	rv_sys_boot_id(again);
	CU_ASSERT_EQUAL(strlen(id), 36);
	CU_ASSERT_STRING_EQUAL(id, again);
	rv_fault_set("open=ENOENT");
	rv_sys_boot_id(id);
	CU_ASSERT_STRING_EQUAL(id, "");
	rv_fault_set("read=EIO");
	rv_sys_boot_id(id);
	CU_ASSERT_STRING_EQUAL(id, "");
	rv_fault_set(NULL);
}

RV_TEST(a_process_is_described_whatever_its_name)
{
	pid_t ppid = 0, pgrp = 0, sid = 0;
	uint64_t ticks = 0;
	char state = 0, saved[16];

	prctl(PR_GET_NAME, saved);
	prctl(PR_SET_NAME, "a) Z 1 2 (b");
	CU_ASSERT_TRUE(
	    rv_sys_proc_stat(getpid(), &ppid, &pgrp, &sid, &state, &ticks));
	CU_ASSERT_EQUAL(ppid, getppid());
	CU_ASSERT_EQUAL(pgrp, getpgrp());
	CU_ASSERT_EQUAL(sid, getsid(0));
	CU_ASSERT_EQUAL(state, 'R');
	CU_ASSERT_TRUE(ticks > 0);
	CU_ASSERT_EQUAL(rv_sys_start_ticks(getpid()), ticks);
	prctl(PR_SET_NAME, saved);
	CU_ASSERT_TRUE(
	    rv_sys_proc_stat(getpid(), NULL, NULL, NULL, NULL, NULL));
	/* Beyond the largest pid that Linux can give. */
	CU_ASSERT_FALSE(
	    rv_sys_proc_stat(1 << 30, &ppid, NULL, NULL, NULL, NULL));
	CU_ASSERT_EQUAL(rv_sys_start_ticks(1 << 30), 0);
}

static int
open_null(void)
{
	return rv_sys_open("/dev/null", O_RDWR, 0);
}

static int
open_socket(void)
{
	return rv_sys_socket(AF_UNIX, SOCK_STREAM, 0);
}

static int
open_eventfd(void)
{
	return rv_sys_eventfd(0, 0);
}

static int
open_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return rv_sys_signalfd(&set);
}

static int
open_memfd(void)
{
	return rv_sys_memfd("reeve-test");
}

static int
second_of_pipe(void)
{
	int fds[2] = { -1, -1 };

	if (rv_sys_pipe2(fds, O_NONBLOCK) == -1) {
		return -1;
	}
	CU_ASSERT_TRUE((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	CU_ASSERT_TRUE((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
	close(fds[0]);
	return fds[1];
}

static int
second_of_pair(void)
{
	int fds[2] = { -1, -1 };

	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == -1) {
		return -1;
	}
	CU_ASSERT_TRUE((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	close(fds[0]);
	return fds[1];
}

static int
accepted(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), conn, saved;
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	/* An address of the family alone lets the kernel choose a name. */
	CU_ASSERT_EQUAL(
	    bind(listener, (struct sockaddr *)&addr, sizeof(sa_family_t)), 0);
	CU_ASSERT_EQUAL(
	    getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	CU_ASSERT_EQUAL(listen(listener, 1), 0);
	CU_ASSERT_EQUAL(connect(client, (struct sockaddr *)&addr, len), 0);
	conn = rv_sys_accept(listener);
	saved = errno;
	CU_ASSERT_TRUE(conn == -1 || (fcntl(conn, F_GETFL) & O_NONBLOCK) != 0);
	close(listener);
	close(client);
	errno = saved;
	return conn;
}

RV_TEST(descriptors_are_cloexec_and_fail_when_told_to)
{
	static const struct {
		int (*open)(void);
		const char *fault;
	} rows[] = {
		{ open_null, "open=EMFILE" },
		{ open_socket, "socket=EMFILE" },
		{ open_eventfd, "eventfd=EMFILE" },
		{ open_signalfd, "signalfd=EMFILE" },
		{ open_memfd, "memfd_create=EMFILE" },
		{ second_of_pipe, "pipe2=EMFILE" },
		{ second_of_pair, "socketpair=EMFILE" },
		{ accepted, "accept=EMFILE" },
		{ rv_sys_epoll_create, "epoll_create1=EMFILE" },
		{ rv_sys_timerfd, "timerfd_create=EMFILE" },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		int fd = rows[i].open();

		CU_ASSERT_TRUE_FATAL(fd >= 0);
		CU_ASSERT_TRUE((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		close(fd);
		CU_ASSERT_TRUE(rv_fault_set(rows[i].fault));
		errno = 0;
		CU_ASSERT_EQUAL(rows[i].open(), -1);
		CU_ASSERT_EQUAL(errno, EMFILE);
		rv_fault_set(NULL);
	}
}

RV_TEST(an_interrupted_call_is_made_again)
{
	int fds[2];
	char c = 0;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };

	CU_ASSERT_EQUAL_FATAL(rv_sys_pipe2(fds, 0), 0);
	rv_fault_set("write@1=EINTR,read@1=EINTR");
	CU_ASSERT_EQUAL(rv_sys_write(fds[1], "x", 1), 1);
	CU_ASSERT_EQUAL(rv_sys_read(fds[0], &c, 1), 1);
	CU_ASSERT_EQUAL(c, 'x');
	rv_fault_set("write@1=EINTR,read=EIO");
	CU_ASSERT_EQUAL(rv_sys_writev(fds[1], &iov, 1), 1);
	CU_ASSERT_EQUAL(rv_sys_read(fds[0], &c, 1), -1);
	CU_ASSERT_EQUAL(errno, EIO);
	rv_fault_set("write=ENOSPC");
	CU_ASSERT_EQUAL(rv_sys_write(fds[1], "x", 1), -1);
	CU_ASSERT_EQUAL(errno, ENOSPC);
	CU_ASSERT_EQUAL(rv_sys_writev(fds[1], &iov, 1), -1);
	rv_fault_set(NULL);
	close(fds[0]);
	close(fds[1]);
}

RV_TEST(messages_carry_cloexec_descriptors_and_raise_no_sigpipe)
{
	int fds[2], passed = -1;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 'm';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	CU_ASSERT_EQUAL_FATAL(
	    rv_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fds[0], sizeof(int));
	CU_ASSERT_EQUAL(rv_sys_sendmsg(fds[0], &msg, 0), 1);
	msg.msg_controllen = sizeof(control.buf);
	rv_fault_set("recv@1=EAGAIN");
	CU_ASSERT_EQUAL(rv_sys_recvmsg(fds[1], &msg, 0), -1);
	CU_ASSERT_EQUAL(rv_sys_recvmsg(fds[1], &msg, 0), 1);
	memcpy(&passed, CMSG_DATA(c), sizeof(int));
	CU_ASSERT_TRUE((fcntl(passed, F_GETFD) & FD_CLOEXEC) != 0);
	close(passed);
	close(fds[1]);
	msg.msg_controllen = 0;
	rv_fault_set("send@1=ENOMEM");
	CU_ASSERT_EQUAL(rv_sys_sendmsg(fds[0], &msg, 0), -1);
	CU_ASSERT_EQUAL(errno, ENOMEM);
	CU_ASSERT_EQUAL(rv_sys_sendmsg(fds[0], &msg, 0), -1);
	CU_ASSERT_EQUAL(errno, EPIPE);
	rv_fault_set(NULL);
	close(fds[0]);
}

RV_TEST(files_are_allocated_mapped_and_renamed)
{
	char from[128], to[128];
	char *map;
	int fd;

	rv_format(from, sizeof(from), "%s/a", rv_test_dir());
	rv_format(to, sizeof(to), "%s/b", rv_test_dir());
	fd = rv_sys_open(from, O_RDWR | O_CREAT | O_EXCL, 0600);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	rv_fault_set("fallocate=ENOSPC,mmap=ENOMEM,rename=EIO");
	CU_ASSERT_EQUAL(rv_sys_fallocate(fd, 4096), -1);
	CU_ASSERT_EQUAL(errno, ENOSPC);
	CU_ASSERT_PTR_NULL(rv_sys_mmap_shared(fd, 4096, true));
	CU_ASSERT_EQUAL(errno, ENOMEM);
	CU_ASSERT_EQUAL(rv_sys_rename(from, to), -1);
	CU_ASSERT_EQUAL(errno, EIO);
	rv_fault_set(NULL);
	CU_ASSERT_EQUAL(rv_sys_fallocate(fd, 4096), 0);
	map = rv_sys_mmap_shared(fd, 4096, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(map);
	map[4095] = 'x';
	munmap(map, 4096);
	map = rv_sys_mmap_shared(fd, 4096, false);
	CU_ASSERT_EQUAL(map[4095], 'x');
	munmap(map, 4096);
	CU_ASSERT_PTR_NULL(rv_sys_mmap_shared(-1, 4096, false));
	CU_ASSERT_EQUAL(rv_sys_rename(from, to), 0);
	CU_ASSERT_EQUAL(access(to, F_OK), 0);
	close(fd);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

RV_TEST(a_range_of_descriptors_is_closed_on_every_kernel)
{
	static const char *const faults[] = { NULL, "close_range=ENOSYS",
		"close_range=EPERM", "close_range=ENOSYS,proc_fds=ENOENT" };
	enum { FIRST = 100, LAST = 180 };

	for (size_t i = 0; i < RV_ARRAY_LEN(faults); i++) {
		for (int fd = FIRST - 1; fd <= LAST + 1; fd++) {
			CU_ASSERT_EQUAL_FATAL(dup2(1, fd), fd);
		}
		close(FIRST + 5);
		CU_ASSERT_TRUE(rv_fault_set(faults[i]));
		CU_ASSERT_EQUAL(rv_sys_close_range(FIRST, LAST), 0);
		rv_fault_set(NULL);
		CU_ASSERT_TRUE(is_open(FIRST - 1));
		CU_ASSERT_TRUE(is_open(LAST + 1));
		for (int fd = FIRST; fd <= LAST; fd++) {
			CU_ASSERT_FALSE(is_open(fd));
		}
		close(FIRST - 1);
		close(LAST + 1);
	}
	CU_ASSERT_EQUAL(rv_sys_close_range(10, 9), -1);
	CU_ASSERT_EQUAL(errno, EINVAL);
}

RV_SUITE(sys_calls, RV_CASE(clocks_go_forward),
    RV_CASE(random_names_differ_and_are_hex),
    RV_CASE(the_boot_has_an_id_or_none),
    RV_CASE(a_process_is_described_whatever_its_name),
    RV_CASE(descriptors_are_cloexec_and_fail_when_told_to),
    RV_CASE(an_interrupted_call_is_made_again),
    RV_CASE(messages_carry_cloexec_descriptors_and_raise_no_sigpipe),
    RV_CASE(files_are_allocated_mapped_and_renamed),
    RV_CASE(a_range_of_descriptors_is_closed_on_every_kernel))
