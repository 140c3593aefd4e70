/* SPDX-License-Identifier: MIT */
/*
 * Lines of log: see <reeve/self.h>. A record is one packet of the lifeline, or
 * one write to standard error: the kernel keeps it whole, and has it before
 * reeve_say returns, so that the end of this process takes nothing with it. No
 * lock is held meanwhile.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <reeve/self.h>

#include "child/lifeline.h"

static __thread char task[RV_SAY_TASK];

void
reeve_say_task(const char *text)
{
	size_t len = text != NULL ? strnlen(text, sizeof(task) - 1) : 0;

	if (len > 0) {
		memcpy(task, text, len);
	}
	task[len] = '\0';
}

static void
name_level(int level, char name[static 16])
{
	switch (level) {
	case REEVE_SAY_DEBUG:
		memcpy(name, "DEBUG", 6);
		break;
	case REEVE_SAY_INFO:
		memcpy(name, "INFO", 5);
		break;
	case REEVE_SAY_WARNING:
		memcpy(name, "WARNING", 8);
		break;
	case REEVE_SAY_ERROR:
		memcpy(name, "ERROR", 6);
		break;
	default:
		snprintf(name, 16, "%d", level);
	}
}

/* One write: whole, where the kernel can make it so. */
static enum reeve_status
write_line(const struct reeve_self *me, int level, char *text, size_t len)
{
	char head[RV_GIVEN_NAME + 32], name[16];
	struct iovec line[3] = { { .iov_base = head },
		{ .iov_base = text, .iov_len = len },
		{ .iov_base = (char[]){ "\n" }, .iov_len = 1 } };
	ssize_t n;

	name_level(level, name);
	line[0].iov_len =
	    (size_t)snprintf(head, sizeof(head), "[%s/%s] ", name, me->name);
	do {
		n = writev(STDERR_FILENO, line, 3);
	} while (n == -1 && errno == EINTR);
	return n == -1 ? REEVE_ESYS : REEVE_OK;
}

/* False: nobody is at the other end any more. */
static bool
send_record(int fd, int level, char *text, size_t len)
{
	struct timespec now;
	struct rv_say_head head = { .magic = RV_SAY_MAGIC,
		.level = level,
		.pid = (int32_t)getpid(),
		.n_task = (uint32_t)strlen(task),
		.n_text = (uint32_t)len };
	struct iovec iov[3] = { { &head, sizeof(head) }, { task, head.n_task },
		{ text, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	head.at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	for (;;) {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n != -1) {
			return true;
		}
		if (errno == EAGAIN || errno == ENOBUFS) {
			poll(&p, 1, errno == EAGAIN ? -1 : 1);
		} else if (errno != EINTR) {
			return false;
		}
	}
}

enum reeve_status
reeve_say(int level, const char *fmt, ...)
{
	struct reeve_self me;
	int saved = errno, fd;
	char text[REEVE_SAY_MAX];
	size_t len;
	va_list args;
	enum reeve_status status = REEVE_OK;

	if (fmt == NULL) {
		return REEVE_EINVALID;
	}
	fd = rv_self_listener(&me);
	if (level < me.log_level) {
		return REEVE_OK;
	}
	errno = saved;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	len = strlen(text);
	if (fd == -1 || !send_record(fd, level, text, len)) {
		status = write_line(&me, level, text, len);
	}
	errno = status == REEVE_ESYS ? errno : saved;
	return status;
}
