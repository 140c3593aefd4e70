/* SPDX-License-Identifier: MIT */
/*
 * Reading requests and sending reports: see link.h. Called by the loop and by
 * everybody who has something to report; never waits for the supervisor.
 */
#include "config.h"

#include "launcher/link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher/launcher.h"
#include "launcher/life.h"
#include "wire/packet.h"

/* Frames read in one turn, so that deaths are not kept waiting. */
#define FRAMES_A_TURN 32
#define BUFFER_SIZE   (4 * 1024 * 1024)

/* What waits in the stash: this, and then the frame. */
struct waiting {
	uint32_t len, n_fds;
	int fds[RV_PACKET_FDS]; /* ours */
};

static bool
send_now(struct rv_link *link, const void *data, size_t len, const int *fds,
    unsigned n_fds)
{
	if (rv_packet_send(link->fd, data, len, fds, n_fds) == 0) {
		return true;
	}
	/* A peer that is gone takes nothing more; its end is read as such. */
	return errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM &&
	       errno != ETOOMANYREFS;
}

static void
stash(struct rv_link *link, const void *data, size_t len, const int *fds,
    unsigned n_fds)
{
	struct waiting w = { .len = (uint32_t)len, .n_fds = n_fds };
	char *at = link->stash + link->stashed;

	for (unsigned i = 0; i < n_fds; i++) {
		w.fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
	}
	/* The few frames that one event can cause fit: see link.h. */
	RV_ASSERT(link->stashed + sizeof(w) + len <= sizeof(link->stash));
	memcpy(at, &w, sizeof(w));
	memcpy(at + sizeof(w), data, len);
	link->stashed += sizeof(w) + len;
	link->blocked = true;
	rv_io_events(&link->io, RV_LOOP_WRITE);
}

void
rv_link_send(struct rv_launcher *l, const struct rv_launch_frame *frame)
{
	rv_link_send_fds(l, frame, NULL, 0);
}

void
rv_link_send_fds(struct rv_launcher *l, const struct rv_launch_frame *frame,
    const int *fds, unsigned n_fds)
{
	struct rv_link *link = &l->link;
	char data[RV_LAUNCH_SMALL_MAX];
	size_t len;

	if (link->fd == -1) {
		return;
	}
	len = rv_launch_encode_frame(data, sizeof(data), frame);
	RV_ASSERT(len > 0);
	if (link->blocked || !send_now(link, data, len, fds, n_fds)) {
		stash(link, data, len, fds, n_fds);
	}
}

static void
close_all(const struct waiting *w)
{
	for (unsigned i = 0; i < w->n_fds; i++) {
		if (w->fds[i] != -1) {
			close(w->fds[i]);
		}
	}
}

/* Without the descriptors that could not be kept, where there were none. */
static bool
send_waiting(struct rv_link *link, const struct waiting *w, const char *data)
{
	unsigned n = w->n_fds;

	for (unsigned i = 0; i < w->n_fds; i++) {
		n = w->fds[i] == -1 ? 0 : n;
	}
	if (!send_now(link, data, w->len, w->fds, n)) {
		return false;
	}
	close_all(w);
	return true;
}

static bool
flush(struct rv_link *link)
{
	size_t at = 0;
	struct waiting w;

	while (at < link->stashed) {
		memcpy(&w, link->stash + at, sizeof(w));
		if (!send_waiting(link, &w, link->stash + at + sizeof(w))) {
			break;
		}
		at += sizeof(w) + w.len;
	}
	memmove(link->stash, link->stash + at, link->stashed - at);
	link->stashed -= at;
	return link->stashed == 0;
}

static void
drop_stash(struct rv_link *link)
{
	struct waiting w;

	for (size_t at = 0; at < link->stashed; at += sizeof(w) + w.len) {
		memcpy(&w, link->stash + at, sizeof(w));
		close_all(&w);
	}
	link->stashed = 0;
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
	drop_stash(&l->link);
}
