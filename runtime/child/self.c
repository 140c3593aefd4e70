/* SPDX-License-Identifier: MIT */
/*
 * Who this process is and what it was given: see <reeve/self.h>. What its
 * creator has put into the lifeline is read when somebody asks for the first
 * time, in one packet; until then, and for who never asks, it costs nothing.
 */
#include "config.h"

#include <reeve/self.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <reeve/child.h>

#include "child/lifeline.h"

enum state { UNREAD, NOBODY, READ };

struct given {
	struct rv_lifeline_give give;
	int fds[REEVE_HANDLE_FDS];
	bool taken;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* One process, one self. */
static struct {
	enum state state;
	int fd, parent_fd;
	int error; /* errno: its descriptors found no room */
	struct rv_lifeline_head head;
	struct given given[RV_GIVEN_MAX];
} self;

/* -------- reading it -------- */

static bool
has_lifeline(void)
{
	const char *names = secure_getenv("LISTEN_FDNAMES");

	return names != NULL && strstr(names, RV_LIFELINE_NAME) != NULL;
}

void
rv_self_begin(void)
{
	if (has_lifeline()) {
		(void)reeve_listener(RV_LIFELINE_NAME);
	}
}

static void
close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		close(fds[i]);
	}
}

static unsigned
take_fds(struct msghdr *msg, int *fds)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) /
				       sizeof(int));
			memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		}
	}
	return n;
}

static bool
is_sound(const struct rv_lifeline_give *gives, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (gives[i].n_fds > REEVE_HANDLE_FDS ||
		    memchr(gives[i].name, '\0', RV_GIVEN_NAME) == NULL) {
			return false;
		}
	}
	return true;
}

/* False: there are fewer descriptors than the packet speaks of. */
static bool
sort_out(const struct rv_lifeline_give *gives, const int *fds, unsigned n_fds)
{
	unsigned at = 0;

	if ((self.head.flags & RV_LIFELINE_PIDFD) != 0) {
		if (n_fds == 0) {
			return false;
		}
		self.parent_fd = fds[at++];
	}
	for (uint32_t i = 0; i < self.head.n_gives; i++) {
		struct given *given = &self.given[i];

		given->give = gives[i];
		if (gives[i].n_fds > n_fds - at) {
			return false;
		}
		memcpy(given->fds, fds + at, gives[i].n_fds * sizeof(int));
		at += gives[i].n_fds;
	}
	return true;
}

struct packet {
	struct rv_lifeline_head head;
	struct rv_lifeline_give gives[RV_GIVEN_MAX];
};

static bool
is_whole(const struct packet *packet, ssize_t n)
{
	const struct rv_lifeline_head *head = &packet->head;

	return n >= (ssize_t)sizeof(*head) &&
	       head->magic == RV_LIFELINE_MAGIC &&
	       head->n_gives <= RV_GIVEN_MAX &&
	       (size_t)n ==
		   sizeof(*head) + head->n_gives * sizeof(packet->gives[0]) &&
	       memchr(head->name, '\0', sizeof(head->name)) != NULL &&
	       memchr(head->libexec_dir, '\0', sizeof(head->libexec_dir)) !=
		   NULL &&
	       is_sound(packet->gives, head->n_gives);
}

/* It was there before this process was: no wait. */
static enum state
read_lifeline(int fd)
{
	static struct packet packet;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(RV_LIFELINE_FDS * sizeof(int))];
	} control;
	struct iovec iov = { &packet, sizeof(packet) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int fds[RV_LIFELINE_FDS];
	unsigned n_fds;
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		return NOBODY;
	}
	n_fds = take_fds(&msg, fds);
	if (!is_whole(&packet, n)) {
		close_all(fds, n_fds);
		return NOBODY;
	}
	self.head = packet.head;
	self.fd = fd;
	if (!sort_out(packet.gives, fds, n_fds)) {
		close_all(fds, n_fds);
		self.parent_fd = -1;
		self.error = EMFILE;
		self.head.n_gives = 0;
	}
	if (self.parent_fd == -1) {
		self.parent_fd = fd; /* its end is the creator's, too */
	}
	return READ;
}

/* With the lock held. */
static bool
know(void)
{
	if (self.state == UNREAD) {
		int fd = has_lifeline() ? reeve_listener(RV_LIFELINE_NAME) : -1;

		self.fd = self.parent_fd = -1;
		self.state = fd != -1 ? read_lifeline(fd) : NOBODY;
	}
	return self.state == READ;
}

/* -------- asking -------- */

static bool
am_somebody(void)
{
	bool known;

	pthread_mutex_lock(&lock);
	known = know();
	pthread_mutex_unlock(&lock);
	return known;
}

enum reeve_status
reeve_self(struct reeve_self *out)
{
	if (out == NULL || out->size < sizeof(*out)) {
		return REEVE_EINVALID;
	}
	*out = (struct reeve_self){ .size = sizeof(*out),
		.name = "main",
		.pid = getpid(),
		.log_level = REEVE_SAY_INFO,
		.libexec_dir = "" };
	if (am_somebody()) {
		out->name = self.head.name;
		out->parent = self.head.parent;
		out->method = self.head.method;
		out->daemon = (self.head.flags & RV_LIFELINE_DAEMON) != 0;
		out->log_level = self.head.log_level;
		out->libexec_dir = self.head.libexec_dir;
	}
	return REEVE_OK;
}

int
rv_self_listener(struct reeve_self *out)
{
	*out = (struct reeve_self){ .size = sizeof(*out) };
	if (reeve_self(out) != REEVE_OK || !am_somebody() ||
	    (self.head.flags & RV_LIFELINE_LISTENS) == 0) {
		return -1;
	}
	return self.fd;
}

int
reeve_parent_fd(void)
{
	return am_somebody() ? self.parent_fd : -1;
}

/* 1: it has ended, 0: it lives, or the time is over. */
static int
has_ended(int fd, int64_t timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec now, left;
	int64_t until, ns;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = now.tv_sec * REEVE_S(1) + now.tv_nsec;
	until = timeout > REEVE_FOREVER - ns ? REEVE_FOREVER : ns + timeout;
	do {
		int64_t rest = until - ns > 0 ? until - ns : 0;

		left.tv_sec = rest / REEVE_S(1);
		left.tv_nsec = rest % REEVE_S(1);
		n = ppoll(&p, 1, until == REEVE_FOREVER ? NULL : &left, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		ns = now.tv_sec * REEVE_S(1) + now.tv_nsec;
	} while (n == -1 && errno == EINTR);
	return n > 0;
}

bool
reeve_parent_alive(void)
{
	int fd = reeve_parent_fd();

	return fd != -1 && has_ended(fd, 0) == 0;
}

enum reeve_status
reeve_parent_wait(int64_t timeout)
{
	int fd = reeve_parent_fd();

	if (fd == -1) {
		return REEVE_ENORUNTIME;
	}
	return has_ended(fd, timeout > 0 ? timeout : 0) ? REEVE_OK
							: REEVE_ETIMEDOUT;
}

static enum reeve_status
give(const char *name, struct reeve_handle *handle)
{
	if (!know()) {
		return REEVE_ENORUNTIME;
	}
	if (self.error != 0) {
		errno = self.error;
		return REEVE_ESYS;
	}
	for (uint32_t i = 0; i < self.head.n_gives; i++) {
		struct given *given = &self.given[i];

		if (!given->taken && strcmp(given->give.name, name) == 0) {
			given->taken = true;
			handle->kind = (enum reeve_share_kind)given->give.kind;
			handle->n_fds = given->give.n_fds;
			memcpy(handle->fds, given->fds, sizeof(given->fds));
			return REEVE_OK;
		}
	}
	return REEVE_ENOENT;
}

enum reeve_status
reeve_given(const char *name, struct reeve_handle *handle)
{
	enum reeve_status status;

	if (name == NULL || handle == NULL) {
		return REEVE_EINVALID;
	}
	pthread_mutex_lock(&lock);
	status = give(name, handle);
	pthread_mutex_unlock(&lock);
	return status;
}

const char *
reeve_given_name(unsigned n)
{
	const char *name = NULL;

	pthread_mutex_lock(&lock);
	for (uint32_t i = 0; know() && i < self.head.n_gives; i++) {
		if (!self.given[i].taken && n-- == 0) {
			name = self.given[i].give.name;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return name;
}

/* What it had open is closed already, or will be. */
void
rv_self_after_fork(void)
{
	pthread_mutex_init(&lock, NULL);
	if (self.state != UNREAD) {
		memset(&self, 0, sizeof(self));
	}
}
