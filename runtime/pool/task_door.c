/* SPDX-License-Identifier: MIT */
/*
 * How a worker comes to its pool, and what goes over the sockets: see door.h.
 * Descriptors that stay open are moved high up, so that a task that closes all
 * it finds and opens others does not get their numbers.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/child.h>
#include <reeve/error.h>

#include "base/error.h"
#include "pool/task_priv.h"
#include "sys/sys.h"

#define FDS_MAX 3
#define HIGH    900 /* below the usual limit of 1024 */

/* -------- packets -------- */

static bool
send_packet(int sock, const void *data, size_t length, const int *fds, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct pollfd p = { .fd = sock, .events = POLLOUT };

	if (n > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(n * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	}
	while (rv_sys_sendmsg(sock, &msg, MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN ||
		    (poll(&p, 1, -1) < 0 && errno != EINTR)) {
			return false;
		}
	}
	return true;
}

/* What came with it beyond fds[n] is closed; missing ones are -1. */
static void
take_fds(struct msghdr *msg, int *fds, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		fds[i] = -1;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t there = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		for (size_t i = 0; i < there; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (at < n) {
				fds[at++] = fd;
			} else {
				(void)close(fd);
			}
		}
	}
}

/* Bytes, 0: nobody is there any more, -1: errno. A stop ends it: EINTR. */
static ssize_t
receive_packet(int sock, void *data, size_t length, int *fds, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { data, length };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t got;

	while ((got = rv_sys_recvmsg(
		    sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0) {
		if (errno != EAGAIN || reeve_stopping() ||
		    (poll(&p, 1, -1) < 0 && errno != EINTR)) {
			return -1;
		}
	}
	take_fds(&msg, fds, n);
	return got;
}

/* -------- coming in -------- */

/* The same file by a number that is not soon another one's. */
static int
moved_up(int fd)
{
	struct rlimit limit;
	int high = -1;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > HIGH) {
		high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
	}
	if (high < 0) {
		return fd;
	}
	(void)close(fd);
	return high;
}

static enum reeve_status
say_hello(
    struct rv_task_worker *w, int door, int theirs, struct reeve_error *err)
{
	struct rv_door_hello hello = { .magic = RV_DOOR_MAGIC,
		.version = RV_DOOR_VERSION };
	int fds[2] = { w->lane.fd, theirs };

	(void)snprintf(hello.path, sizeof(hello.path), "%s", w->path);
	if (!send_packet(door, &hello, sizeof(hello), fds, 2)) {
		if (errno == EPIPE || errno == ECONNRESET ||
		    errno == ECONNREFUSED) {
			return rv_error(err, REEVE_ECLOSED, "the pool is gone");
		}
		return rv_error_sys(
		    err, errno, "cannot come to the pool by its door");
	}
	return REEVE_OK;
}

static enum reeve_status
hear_welcome(struct rv_task_worker *w, struct rv_door_welcome *welcome,
    int *init, struct reeve_error *err)
{
	int fds[FDS_MAX];
	ssize_t n =
	    receive_packet(w->pair, welcome, sizeof(*welcome), fds, FDS_MAX);
	enum reeve_status status;

	if (n < 0) {
		return rv_error_sys(err, errno, "cannot hear from the pool");
	}
	*init = fds[2];
	if (n != sizeof(*welcome) || welcome->magic != RV_DOOR_MAGIC ||
	    welcome->version != RV_DOOR_VERSION) {
		for (size_t i = 0; i < 2; i++) {
			if (fds[i] >= 0) {
				(void)close(fds[i]);
			}
		}
		return n == 0 ? rv_error(err, REEVE_ECLOSED, "the pool is gone")
			      : rv_error(err, REEVE_EPROTO,
				    "the pool is of another version");
	}
	status = rv_lane_host_open(&w->page, fds[0], moved_up(fds[1]), err);
	if (status == REEVE_OK) {
		w->lane.results.host = w->page.page;
		w->lane.results.bell = w->page.bell;
		w->lane.results.pair = w->pair;
	}
	return status;
}

/* Mapped for reading, and the byte behind it with it. */
static bool
map_file(struct rv_task_file *file, int fd, uint64_t size)
{
	*file = (struct rv_task_file){ .fd = fd, .size = size };
	if (fd >= 0) {
		file->at = rv_sys_mmap_shared(fd, size + 1, false);
		if (file->at == NULL) {
			rv_task_file_close(file);
		}
	}
	return file->at != NULL;
}

static enum reeve_status
take_init(
    int fd, bool wanted, struct rv_task_file *init, struct reeve_error *err)
{
	struct stat st;

	if (!wanted) {
		return REEVE_OK;
	}
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < 2 ||
	    !map_file(init, fd, (uint64_t)st.st_size - 1)) {
		return rv_error(
		    err, REEVE_EPROTO, "the pool's initializer did not come");
	}
	return REEVE_OK;
}

enum reeve_status
rv_task_enter(struct rv_task_worker *w, const char *pool,
    struct rv_door_welcome *welcome, struct rv_task_file *init,
    struct reeve_error *err)
{
	char name[RV_DOOR_PATH + 8];
	int pair[2], door, init_fd = -1;
	enum reeve_status status;

	rv_door_name(name, sizeof(name), pool);
	door = reeve_listener(name);
	if (door < 0) {
		return rv_error(err, REEVE_ENOENT,
		    "the worker of a pool has no door %s", name);
	}
	status = rv_lane_make(&w->lane, RV_DOOR_RING, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) {
		return rv_error_sys(err, errno, "cannot make a socket pair");
	}
	w->pair = moved_up(pair[0]);
	status = say_hello(w, door, pair[1], err);
	(void)close(pair[1]);
	(void)close(door);
	if (status == REEVE_OK) {
		status = hear_welcome(w, welcome, &init_fd, err);
	}
	if (status == REEVE_OK) {
		status = take_init(
		    init_fd, welcome->has_initializer != 0, init, err);
	}
	return status;
}

/* -------- afterwards -------- */

bool
rv_task_say(struct rv_task_worker *w, const struct rv_door_say *say, int fd)
{
	return send_packet(w->pair, say, sizeof(*say), &fd, fd >= 0);
}

bool
rv_task_fetch(
    struct rv_task_worker *w, uint64_t size, struct rv_task_file *file)
{
	struct rv_door_say say;
	int fd = -1;

	*file = (struct rv_task_file){ .fd = -1 };
	while (receive_packet(w->pair, &say, sizeof(say), &fd, 1) ==
	       (ssize_t)sizeof(say)) {
		if (say.magic == RV_DOOR_MAGIC && say.word == RV_DOOR_LARGE &&
		    say.size == size) {
			return map_file(file, fd, size);
		}
		if (fd >= 0) {
			(void)close(fd);
		}
	}
	return false;
}

bool
rv_task_file_make(struct rv_task_file *file, uint64_t size)
{
	*file = (struct rv_task_file){ .fd = -1, .size = size };
	if (size >= INT64_MAX) {
		errno = EFBIG;
		return false;
	}
	file->fd = rv_sys_memfd("reeve-result");
	if (file->fd >= 0 && rv_sys_set_size(file->fd, size + 1) == 0) {
		file->at = rv_sys_mmap_shared(file->fd, size + 1, true);
	}
	if (file->at == NULL) {
		rv_task_file_close(file);
	}
	return file->at != NULL;
}

void
rv_task_file_close(struct rv_task_file *file)
{
	if (file->at != NULL) {
		(void)munmap(file->at, file->size + 1);
	}
	if (file->fd >= 0) {
		(void)close(file->fd);
	}
	*file = (struct rv_task_file){ .fd = -1 };
}

bool
rv_task_is_alone(const struct rv_task_worker *w, int ms)
{
	struct pollfd p = { .fd = w->pair };

	return poll(&p, 1, ms) == 1;
}
