/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving packets with descriptors: see packet.h. Called by both
 * ends of the launcher's and of the clerk's sockets, and for the notify
 * sockets of workers, who may send anything: no descriptor that arrives is
 * ever lost, however many come.
 */
#include "config.h"

#include "wire/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/sys.h"

/* The kernel passes at most this many in one message. */
#define KERNEL_FDS 253

int
rv_packet_send(
    int sock, const void *data, size_t len, const int *fds, unsigned n_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(RV_PACKET_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	RV_ASSERT(n_fds <= RV_PACKET_FDS);
	if (n_fds > 0) {
		struct cmsghdr *c = &control.header;

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	return rv_sys_sendmsg(sock, &msg, MSG_DONTWAIT) == -1 ? -1 : 0;
}

static void
take_fds(struct rv_packet *packet, const struct cmsghdr *c)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (packet->n_fds < RV_PACKET_FDS) {
			packet->fds[packet->n_fds++] = fd;
		} else {
			close(fd);
			packet->truncated = true;
		}
	}
}

static void
take_control(struct rv_packet *packet, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET) {
			continue;
		}
		if (c->cmsg_type == SCM_RIGHTS) {
			take_fds(packet, c);
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred cred;

			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			packet->has_cred = true;
			packet->pid = cred.pid;
			packet->uid = cred.uid;
		}
	}
}

static int
receive(int sock, void *data, size_t size, struct rv_packet *packet, int flags)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(KERNEL_FDS * sizeof(int)) +
			   CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { data, size };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = rv_sys_recvmsg(sock, &msg, flags);

	if (n == -1 && errno == ECONNRESET) {
		/* Said once, of what the peer left unread; ours comes yet. */
		n = rv_sys_recvmsg(sock, &msg, flags);
	}
	if (n == -1) {
		return -1;
	}
	*packet = (struct rv_packet){ .len = (size_t)n };
	packet->truncated = (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	take_control(packet, &msg);
	/* An empty datagram is one; an end comes without anything at all. */
	if (n == 0 && packet->n_fds == 0 && !packet->has_cred) {
		return 0;
	}
	return 1;
}

int
rv_packet_receive(int sock, void *data, size_t size, struct rv_packet *packet)
{
	return receive(sock, data, size, packet, MSG_DONTWAIT);
}

int
rv_packet_peek(int sock, void *data, size_t size, struct rv_packet *packet)
{
	return receive(sock, data, size, packet, MSG_DONTWAIT | MSG_PEEK);
}

void
rv_packet_skip(int sock)
{
	struct msghdr nothing = { 0 };

	/* The kernel closes what came with it. */
	(void)!rv_sys_recvmsg(sock, &nothing, MSG_DONTWAIT);
}

void
rv_packet_close_fds(struct rv_packet *packet)
{
	for (unsigned i = 0; i < packet->n_fds; i++) {
		if (packet->fds[i] != -1) {
			close(packet->fds[i]);
		}
	}
	packet->n_fds = 0;
}
