/* SPDX-License-Identifier: MIT */
/* A host of one worker: see worker_rig.h. */
#include "config.h"

#include "unit/worker_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/error.h>
#include <reeve/function.h>

#include "lib/harness.h"
#include "sys/sys.h"

/* What a supervisor does for it. */
static void
become_worker(int door)
{
	struct reeve_call call = { .size = sizeof(call),
		.function = RV_DOOR_FUNCTION,
		.path = "test.0",
		.args = "test",
		.args_len = 4 };
	char pid[16];

	(void)setpgid(0, 0);
	(void)dup2(door, 3);
	(void)rv_sys_close_range(4, ~0U);
	(void)freopen("/dev/null", "w", stderr);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDNAMES", "test.door", 1);
	(void)setenv("REEVE_CRASH_REPORT", "0", 1);
	_exit(reeve_pool_worker(&call));
}

static ssize_t
receive(int sock, void *data, size_t length, int *fds, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { data, length };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct pollfd p = { .fd = sock, .events = POLLIN };
	ssize_t got;

	memset(fds, 0xff, n * sizeof(int));
	(void)poll(&p, 1, 5000 * rv_test_slow());
	got = rv_sys_recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got > 0 && CMSG_FIRSTHDR(&msg) != NULL) {
		memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)),
		    RV_MIN(n * sizeof(int),
			CMSG_FIRSTHDR(&msg)->cmsg_len - CMSG_LEN(0)));
	}
	return got;
}

static void
send_with(int sock, const void *data, size_t length, const int *fds, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, length };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	control.header =
	    (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)),
		    .cmsg_level = SOL_SOCKET,
		    .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	CU_ASSERT_EQUAL(
	    rv_sys_sendmsg(sock, &msg, MSG_NOSIGNAL), (ssize_t)length);
}

/* The initializer's name, a NUL, its arguments, a NUL. */
static int
file_of(const struct worker_wants *wants)
{
	const char *args = wants->args != NULL ? wants->args : "";
	int fd = rv_sys_memfd("test");

	CU_ASSERT(
	    write(fd, wants->initializer, strlen(wants->initializer) + 1) > 0);
	CU_ASSERT(write(fd, args, strlen(args) + 1) > 0);
	return fd;
}

static void
welcome(struct worker_rig *rig, const struct worker_wants *wants)
{
	struct rv_door_welcome words = { .magic = RV_DOOR_MAGIC,
		.version =
		    wants->version != 0 ? wants->version : RV_DOOR_VERSION,
		.soft_signal = SIGUSR1,
		.has_initializer = wants->initializer != NULL,
		.args_length = wants->args != NULL ? strlen(wants->args) : 0,
		.max_memory = wants->max_memory };
	int fds[3] = { rig->page.fd, rig->page.bell, -1 };

	if (wants->initializer != NULL) {
		fds[2] = file_of(wants);
	}
	send_with(rig->pair, &words, sizeof(words), fds,
	    wants->initializer != NULL ? 3 : 2);
	if (fds[2] >= 0) {
		(void)close(fds[2]);
	}
}

static void
hear_ready(struct worker_rig *rig)
{
	struct rv_door_say say = { 0 };
	int fd;

	CU_ASSERT_EQUAL(
	    receive(rig->pair, &say, sizeof(say), &fd, 1), sizeof(say));
	CU_ASSERT_EQUAL(say.magic, RV_DOOR_MAGIC);
	CU_ASSERT_EQUAL(say.word, RV_DOOR_READY);
}

void
worker_start(struct worker_rig *rig, const struct worker_wants *wants)
{
	static const struct worker_wants nothing;
	struct reeve_error err;
	int door[2], fds[2];

	*rig = (struct worker_rig){ .pair = -1 };
	wants = wants != NULL ? wants : &nothing;
	CU_ASSERT_EQUAL_FATAL(rv_lane_host_make(&rig->page, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, door), 0);
	rig->pid = fork();
	if (rig->pid == 0) {
		become_worker(door[1]);
	}
	(void)close(door[1]);
	CU_ASSERT_EQUAL_FATAL(
	    receive(door[0], &rig->hello, sizeof(rig->hello), fds, 2),
	    sizeof(rig->hello));
	(void)close(door[0]);
	rig->pair = fds[1];
	CU_ASSERT_EQUAL_FATAL(
	    rv_lane_open(&rig->lane, fds[0], RV_DOOR_RING, &err), REEVE_OK);
	welcome(rig, wants);
	if (!wants->no_ready) {
		hear_ready(rig);
	}
}

void
worker_await(struct worker_rig *rig)
{
	if (rig->pid > 0) {
		CU_ASSERT_EQUAL(waitpid(rig->pid, &rig->status, 0), rig->pid);
		rig->pid = 0;
	}
}

static void
close_rig(struct worker_rig *rig)
{
	rv_lane_close(&rig->lane);
	rv_lane_host_close(&rig->page);
	if (rig->pair >= 0) {
		(void)close(rig->pair);
	}
	rig->pair = -1;
}

bool
worker_finish(struct worker_rig *rig)
{
	struct rv_frame end = { .kind = RV_FRAME_END };

	(void)worker_put(rig, &end, "", 0);
	worker_await(rig);
	close_rig(rig);
	return WIFEXITED(rig->status) && WEXITSTATUS(rig->status) == 0;
}

void
worker_drop(struct worker_rig *rig)
{
	if (rig->pid > 0) {
		(void)kill(rig->pid, SIGKILL);
	}
	worker_await(rig);
	close_rig(rig);
}

/* -------- tasks -------- */

uint64_t
worker_put(struct worker_rig *rig, const struct rv_frame *head,
    const void *data, uint32_t length)
{
	struct rv_lane *lane = &rig->lane.tasks;
	struct rv_frame *frame = rv_lane_room(lane, length);
	uint64_t at = rv_lane_at(lane);

	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	*frame = *head;
	frame->length = length;
	memcpy(frame + 1, data, length);
	rv_lane_commit(lane);
	if (rv_lane_must_wake(lane)) {
		(void)rv_lane_wake(lane);
	}
	return at;
}

void
worker_teach(struct worker_rig *rig, uint16_t number, const char *name)
{
	struct rv_frame head = { .kind = RV_FRAME_FUNCTION,
		.function = number };

	(void)worker_put(rig, &head, name, (uint32_t)strlen(name));
}

uint64_t
worker_task(struct worker_rig *rig, uint16_t number, uint64_t id,
    const void *data, uint32_t length)
{
	struct rv_frame head = {
		.kind = RV_FRAME_TASK, .function = number, .id = id, .code = 1
	};

	return worker_put(rig, &head, data, length);
}

void
worker_large(
    struct worker_rig *rig, uint16_t number, uint64_t id, uint64_t size)
{
	struct rv_frame head = { .kind = RV_FRAME_TASK,
		.flags = RV_FRAME_LARGE,
		.function = number,
		.id = id,
		.code = 1,
		.size = size };
	struct rv_door_say say = {
		.magic = RV_DOOR_MAGIC, .word = RV_DOOR_LARGE, .size = size
	};
	int fd = rv_sys_memfd("test");
	char *at;

	CU_ASSERT_EQUAL_FATAL(rv_sys_set_size(fd, size + 1), 0);
	at = rv_sys_mmap_shared(fd, size + 1, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memset(at, 'x', size);
	(void)munmap(at, size + 1);
	CU_ASSERT_EQUAL(
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
	    0);
	send_with(rig->pair, &say, sizeof(say), &fd, 1);
	(void)close(fd);
	(void)worker_put(rig, &head, "", 0);
}

/* -------- answers -------- */

/* It rang. False: it hung up; and then it ends, perhaps behind an answer. */
static bool
await_bell(struct worker_rig *rig)
{
	struct pollfd p[2] = { { .fd = rig->page.bell, .events = POLLIN },
		{ .fd = rig->pair } };
	uint64_t rings;

	if (poll(p, 2, 5000 * rv_test_slow()) <= 0) {
		return false;
	}
	if ((p[0].revents & POLLIN) != 0) {
		(void)!read(rig->page.bell, &rings, sizeof(rings));
		return true;
	}
	worker_await(rig);
	return false;
}

/* Each sleep is another one, or it would not be rung for. */
static enum rv_lane_status
look_again(struct worker_rig *rig, struct rv_frame *head, const void **payload)
{
	rv_lane_host_sleeps(&rig->page, false);
	rv_lane_host_sleeps(&rig->page, true);
	return rv_lane_peek(&rig->lane.results, head, payload);
}

bool
worker_next(struct worker_rig *rig, struct rv_frame *head, const void **payload)
{
	enum rv_lane_status status;
	bool rang = true;

	while ((status = look_again(rig, head, payload)) == RV_LANE_EMPTY &&
	       rang) {
		rang = await_bell(rig);
	}
	rv_lane_host_sleeps(&rig->page, false);
	return status == RV_LANE_OK;
}

void
worker_done(struct worker_rig *rig)
{
	rv_lane_drop(&rig->lane.results);
}

int
worker_file(struct worker_rig *rig, uint64_t size)
{
	struct rv_door_say say = { 0 };
	int fd = -1;

	CU_ASSERT_EQUAL(
	    receive(rig->pair, &say, sizeof(say), &fd, 1), sizeof(say));
	CU_ASSERT_EQUAL(say.word, RV_DOOR_LARGE);
	CU_ASSERT_EQUAL(say.size, size);
	return fd;
}

bool
worker_is_all(const char *at, size_t n, char c)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i] != c) {
			return false;
		}
	}
	return at[n] == '\0';
}

bool
worker_came(struct worker_rig *rig, const struct rv_frame *head,
    const void *payload, size_t n, char c)
{
	void *at;
	bool is;
	int fd;

	if ((head->flags & RV_FRAME_LARGE) == 0) {
		return head->length == n && worker_is_all(payload, n, c);
	}
	fd = worker_file(rig, head->size);
	at = rv_sys_mmap_shared(fd, n + 1, false);
	is = at != NULL && head->size == n && head->length == 0 &&
	     worker_is_all(at, n, c) &&
	     rv_sys_mmap_shared(fd, n + 1, true) == NULL;
	if (at != NULL) {
		(void)munmap(at, n + 1);
	}
	(void)close(fd);
	return is;
}
