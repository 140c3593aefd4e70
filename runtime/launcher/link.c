/* SPDX-License-Identifier: MIT */
/*
 * Reading requests and sending reports: see link.h. Called by the loop and by
 * everybody who has something to report; never waits for the supervisor.
 */
#include "config.h"

#include "launcher/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher/launcher.h"
#include "launcher/life.h"
#include "wire/packet.h"

/* Frames read in one turn, so that deaths are not kept waiting. */
#define FRAMES_A_TURN 32
#define BUFFER_SIZE   (4 * 1024 * 1024)

static bool
send_now(struct rv_link *link, const char *data, size_t len, int fd)
{
	if (rv_packet_send(link->fd, data, len, &fd, fd != -1) == 0) {
		return true;
	}
	/* A peer that is gone takes nothing more; its end is read as such. */
	return errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM;
}

static void
stash(struct rv_link *link, const char *data, size_t len)
{
	uint32_t n = (uint32_t)len;

	/* The few frames that one event can cause fit: see link.h. */
	RV_ASSERT(link->stashed + sizeof(n) + len <= sizeof(link->stash));
	memcpy(link->stash + link->stashed, &n, sizeof(n));
	memcpy(link->stash + link->stashed + sizeof(n), data, len);
	link->stashed += sizeof(n) + len;
	link->blocked = true;
	rv_io_events(&link->io, RV_LOOP_WRITE);
}

void
rv_link_send(struct rv_launcher *l, const struct rv_launch_frame *frame)
{
	rv_link_send_fd(l, frame, -1);
}

/* A frame that has to wait goes without it: the name will have to do. */
void
rv_link_send_fd(
    struct rv_launcher *l, const struct rv_launch_frame *frame, int fd)
{
	struct rv_link *link = &l->link;
	char data[RV_LAUNCH_SMALL_MAX];
	size_t len;

	if (link->fd == -1) {
		return;
	}
	len = rv_launch_encode_frame(data, sizeof(data), frame);
	RV_ASSERT(len > 0);
	if (link->blocked || !send_now(link, data, len, fd)) {
		stash(link, data, len);
	}
}

static bool
flush(struct rv_link *link)
{
	size_t at = 0;
	uint32_t n;

	while (at < link->stashed) {
		memcpy(&n, link->stash + at, sizeof(n));
		if (!send_now(link, link->stash + at + sizeof(n), n, -1)) {
			break;
		}
		at += sizeof(n) + n;
	}
	memmove(link->stash, link->stash + at, link->stashed - at);
	link->stashed -= at;
	return link->stashed == 0;
}

static void
on_writable(struct rv_launcher *l)
{
	if (!flush(&l->link)) {
		return;
	}
	l->link.blocked = false;
	rv_io_events(&l->link.io, RV_LOOP_READ);
	rv_lives_resume(l);
}

static void
on_readable(struct rv_launcher *l)
{
	for (unsigned i = 0; i < FRAMES_A_TURN && !l->link.blocked; i++) {
		struct rv_packet packet;
		int fd = -1;
		int got = rv_packet_receive(
		    l->link.fd, l->frame, RV_LAUNCH_FRAME_MAX, &packet);

		if (got == -1 && errno == EAGAIN) {
			return;
		}
		if (got <= 0) {
			rv_launcher_end(l, false);
			return;
		}
		if (packet.n_fds > 0) {
			fd = packet.fds[0];
			packet.fds[0] = -1;
		}
		rv_packet_close_fds(&packet);
		rv_launcher_request(l, packet.truncated ? 0 : packet.len, &fd);
		if (fd != -1) {
			close(fd);
		}
		if (l->link.fd == -1 || l->n_syncs == RV_SYNCS_MAX) {
			return;
		}
	}
}

static void
on_io(struct rv_io *io, unsigned events)
{
	struct rv_launcher *l = io->ctx;

	if (l->link.blocked && (events & RV_LOOP_WRITE) != 0) {
		on_writable(l);
	} else if ((events & RV_LOOP_READ) != 0) {
		on_readable(l);
	}
}

enum reeve_status
rv_link_open(struct rv_launcher *l, int fd, struct reeve_error *err)
{
	int size = BUFFER_SIZE;

	/* Room for all deaths of a large tree at once, as far as allowed. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ==
	    -1) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	l->link.fd = fd;
	l->link.io = (struct rv_io){ .cb = on_io, .ctx = l };
	return rv_io_start(l->loop, &l->link.io, fd, RV_LOOP_READ, err);
}

void
rv_link_close(struct rv_launcher *l)
{
	if (l->link.fd != -1) {
		rv_io_stop(&l->link.io);
		close(l->link.fd);
		l->link.fd = -1;
	}
	l->link.blocked = false;
	l->link.stashed = 0;
}
