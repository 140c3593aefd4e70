/* SPDX-License-Identifier: MIT */
/*
 * Calls on descriptors: each asks its fault point first, sets CLOEXEC, and is
 * retried after EINTR. They hold no state and are called from everywhere; what
 * a failure means is for the caller to say.
 */
#include "config.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fault.h"

/* Same number on every architecture; absent from older headers. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* True, with errno set, when a test wants this call to fail. */
static bool
injected(int sys_errno)
{
	if (sys_errno != 0) {
		errno = sys_errno;
	}
	return sys_errno != 0;
}

#define CALL(point, call) (injected(RV_FAULT(point)) ? -1 : (call))

/* An injected EINTR is retried too, so that tests see that it is. */
#define RETRY(result, point, call)            \
	do {                                  \
		(result) = CALL(point, call); \
	} while ((result) == -1 && errno == EINTR)

int
rv_sys_open(const char *path, int flags, mode_t mode)
{
	return rv_sys_openat(AT_FDCWD, path, flags, mode);
}

int
rv_sys_openat(int dir, const char *path, int flags, mode_t mode)
{
	int fd;

	RETRY(fd, open, openat(dir, path, flags | O_CLOEXEC, mode));
	return fd;
}

ssize_t
rv_sys_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	RETRY(n, read, read(fd, buf, len));
	return n;
}

ssize_t
rv_sys_write(int fd, const void *buf, size_t len)
{
	ssize_t n;

	RETRY(n, write, write(fd, buf, len));
	return n;
}

ssize_t
rv_sys_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t n;

	RETRY(n, write, writev(fd, iov, count));
	return n;
}

/* A peer that is gone is an error to handle, never a SIGPIPE. */
ssize_t
rv_sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t n;

	RETRY(n, send, sendmsg(fd, msg, flags | MSG_NOSIGNAL));
	return n;
}

ssize_t
rv_sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n;

	RETRY(n, recv, recvmsg(fd, msg, flags | MSG_CMSG_CLOEXEC));
	return n;
}

int
rv_sys_pipe2(int fds[2], int flags)
{
	return CALL(pipe2, pipe2(fds, flags | O_CLOEXEC));
}

int
rv_sys_socket(int domain, int type, int protocol)
{
	return CALL(socket, socket(domain, type | SOCK_CLOEXEC, protocol));
}

int
rv_sys_socketpair(int domain, int type, int protocol, int fds[2])
{
	return CALL(
	    socketpair, socketpair(domain, type | SOCK_CLOEXEC, protocol, fds));
}

int
rv_sys_accept(int fd)
{
	int conn;

	RETRY(conn, accept,
	    accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
	return conn;
}

int
rv_sys_eventfd(unsigned initial, int flags)
{
	return CALL(eventfd, eventfd(initial, flags | EFD_CLOEXEC));
}

int
rv_sys_epoll_create(void)
{
	return CALL(epoll_create1, epoll_create1(EPOLL_CLOEXEC));
}

int
rv_sys_timerfd(void)
{
	return CALL(timerfd_create,
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

int
rv_sys_signalfd(const sigset_t *set)
{
	return CALL(signalfd, signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int
rv_sys_memfd(const char *name)
{
	return CALL(
	    memfd_create, memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

void *
rv_sys_mmap_shared(int fd, size_t len, bool writable)
{
	void *map;

	if (injected(RV_FAULT(mmap))) {
		return NULL;
	}
	map = mmap(NULL, len, writable ? PROT_READ | PROT_WRITE : PROT_READ,
	    MAP_SHARED, fd, 0);
	return map != MAP_FAILED ? map : NULL;
}

void *
rv_sys_mmap_own(size_t len)
{
	void *map;

	if (injected(RV_FAULT(mmap))) {
		return NULL;
	}
	map = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED) {
		return NULL;
	}
	/* Before Linux 4.14 a child has a copy, as of all else. */
	(void)madvise(map, len, MADV_WIPEONFORK);
	return map;
}

int
rv_sys_fallocate(int fd, off_t len)
{
	int rc;

	RETRY(rc, fallocate, fallocate(fd, 0, 0, len));
	return rc;
}

bool
rv_sys_may_be_long(uint64_t size)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_FSIZE, &most) == 0 &&
	    most.rlim_cur != RLIM_INFINITY && size > most.rlim_cur) {
		errno = EFBIG;
		return false;
	}
	return true;
}

int
rv_sys_set_size(int fd, uint64_t size)
{
	return rv_sys_may_be_long(size) ? ftruncate(fd, (off_t)size) : -1;
}

const char *
rv_sys_size_hint(int sys_errno)
{
	return sys_errno != EFBIG ? ""
				  : ", more than RLIMIT_FSIZE (ulimit -f) "
				    "allows; raise that";
}

int
rv_sys_rename(const char *from, const char *to)
{
	return CALL(rename, rename(from, to));
}

struct dirent64_raw {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

static unsigned
parse_fd(const char *name)
{
	unsigned n = 0;

	if (*name < '0' || *name > '9') {
		return UINT_MAX;
	}
	for (; *name >= '0' && *name <= '9'; name++) {
		n = n * 10 + (unsigned)(*name - '0');
	}
	return n;
}

/*
 * The fallback by /proc: raw system calls only and no opendir, since it runs
 * between clone and exec too, where malloc is out of bounds. Closing while
 * reading is safe: the position in this directory is the descriptor's number.
 */
static bool
close_listed(unsigned first, unsigned last)
{
	_Alignas(8) char buf[1024];
	int dir =
	    (int)CALL(proc_fds, syscall(SYS_openat, AT_FDCWD, "/proc/self/fd",
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
	long n = -1;

	if (dir == -1) {
		return false;
	}
	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		const struct dirent64_raw *e;

		for (long at = 0; at < n; at += e->len) {
			unsigned fd;

			e = (const struct dirent64_raw *)(const void *)(buf +
									at);
			fd = parse_fd(e->name);
			if (fd >= first && fd <= last && fd != UINT_MAX &&
			    fd != (unsigned)dir) {
				syscall(SYS_close, fd);
			}
		}
	}
	syscall(SYS_close, dir);
	return n == 0;
}

static void
close_each(unsigned first, unsigned last)
{
	struct rlimit limit = { 0 };

	/* A lowered soft limit leaves higher descriptors open: ask the hard. */
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	if (limit.rlim_max != RLIM_INFINITY && last >= limit.rlim_max) {
		last = (unsigned)limit.rlim_max;
	}
	last = RV_MIN(last, (unsigned)INT_MAX - 1);
	for (unsigned fd = first; fd <= last; fd++) {
		syscall(SYS_close, fd);
	}
}

int
rv_sys_close_range(unsigned first, unsigned last)
{
	if (first > last) {
		errno = EINVAL;
		return -1;
	}
	if (CALL(close_range, syscall(SYS_close_range, first, last, 0)) == 0) {
		return 0;
	}
	/* ENOSYS: before 5.9. EPERM: some sandboxes answer so to new calls. */
	if (!close_listed(first, last)) {
		close_each(first, last);
	}
	return 0;
}

void
rv_sys_give_back(void *at, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t skip = -(uintptr_t)at & (page - 1);

	if (len >= skip + page) {
		madvise((char *)at + skip, (len - skip) & ~(page - 1),
		    MADV_DONTNEED);
	}
}
