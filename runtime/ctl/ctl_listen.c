/* SPDX-License-Identifier: MIT */
/*
 * Who gets in: the listening socket, the peer's identity, the number of
 * clients. Running out of descriptors or memory pauses accepting for a moment
 * and costs nobody their place. Talks to newcomers only to refuse them.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/ctl_address.h"
#include "ctl/ctl_priv.h"
#include "sys/sys.h"

#define BACKLOG      128
#define PAUSE        (100 * RV_MS)
#define ACCEPTS_TURN 16

/* Other users than root may only be let in once a config can say so. */
bool
rv_ctl_may(const struct rv_ctl *ctl, uid_t uid)
{
	return uid == 0 || uid == ctl->owner;
}

/* One line to a socket that is about to be closed, as far as it takes it. */
static void
turn_away(int fd, enum reeve_status status, const char *text)
{
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	char line[512];

	iov.iov_base = line;
	iov.iov_len = rv_format(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":%d,"
	    "\"message\":\"%s\",\"data\":{\"status\":\"%s\"}}}\n",
	    RV_RPC_REFUSED, text, reeve_status_name(status));
	(void)!rv_sys_sendmsg(fd, &msg, MSG_DONTWAIT);
	close(fd);
}

/* The client that has been idle for longest, or NULL. */
static struct rv_ctl_client *
find_idle(struct rv_ctl *ctl)
{
	struct rv_ctl_client *idle = NULL;

	RV_LIST_EACH (c, &ctl->clients, struct rv_ctl_client, link) {
		if (!rv_ctl_client_busy(c) &&
		    (idle == NULL || c->active < idle->active)) {
			idle = c;
		}
	}
	return idle;
}

/* Room for one more; false when all are at work. */
static bool
make_room(struct rv_ctl *ctl)
{
	struct rv_ctl_client *idle;

	if (ctl->n_clients < RV_CTL_CLIENTS) {
		return true;
	}
	idle = find_idle(ctl);
	if (idle == NULL) {
		return false;
	}
	rv_ctl_refuse(idle, "null", RV_RPC_REFUSED, REEVE_EBUSY,
	    "too many clients; this one was idle for longest", "");
	rv_ctl_client_flush(idle);
	rv_ctl_client_destroy(idle);
	return true;
}

static void
admit(struct rv_ctl *ctl, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    !rv_ctl_may(ctl, peer.uid)) {
		turn_away(fd, REEVE_EPERM,
		    "only root and the runtime's own user may steer it");
	} else if (!make_room(ctl)) {
		turn_away(fd, REEVE_EBUSY, "too many clients, all at work");
	} else if (rv_ctl_client_create(ctl, fd, peer.uid, peer.pid, NULL) !=
		   REEVE_OK) {
		return; /* closed; the client sees that and tries again */
	}
}

/* No descriptors, no memory: polling would spin, so accept later. */
static void
pause_accepting(struct rv_ctl *ctl, int sys_errno)
{
	if (!ctl->lacking) {
		ctl->lacking = true;
		rv_super_notice(ctl->super, RV_NOTICE_TROUBLE,
		    "cannot take a client, who has to wait: %s",
		    strerror(sys_errno));
	}
	rv_io_events(&ctl->io, 0);
	rv_tick_arm(ctl->loop, &ctl->accept_tick,
	    rv_time_add(rv_loop_now(ctl->loop), PAUSE));
}

static void
on_connect(struct rv_io *io, unsigned events)
{
	struct rv_ctl *ctl = io->ctx;

	(void)events;
	RV_MAGIC_CHECK(ctl, RV_CTL_MAGIC);
	for (int i = 0; i < ACCEPTS_TURN; i++) {
		int fd = rv_sys_accept(ctl->fd);

		if (fd >= 0) {
			ctl->lacking = false;
			admit(ctl, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != ECONNABORTED) {
			pause_accepting(ctl, errno);
			return;
		}
	}
}

static void
on_pause_over(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_ctl *ctl = tick->ctx;

	(void)now;
	(void)late;
	rv_io_events(&ctl->io, RV_LOOP_READ);
}

/* Bound with its mode from the first moment on: no umask, no chmod after. */
static int
bind_socket(const char *path)
{
	struct sockaddr_un address;
	socklen_t len;
	int dir_fd, failure;
	int fd = rv_sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1) {
		return -1;
	}
	if (!rv_ctl_address(path, &address, &len, &dir_fd)) {
		failure = errno;
		goto out;
	}
	failure = 0;
	/* It is stale: whoever holds the runtime's lock is alone here. */
	unlink(path);
	if (fchmod(fd, 0600) != 0 ||
	    bind(fd, (const struct sockaddr *)&address, len) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		failure = errno;
	}
	if (dir_fd >= 0) {
		close(dir_fd);
	}
out:
	if (failure != 0) {
		close(fd);
		errno = failure;
		return -1;
	}
	return fd;
}

enum reeve_status
rv_ctl_listen(struct rv_ctl *ctl, struct reeve_error *err)
{
	const char *dir = rv_super_conf(ctl->super)->runtime_dir;
	struct rv_buf path;
	enum reeve_status status;

	rv_buf_init(&path, 4096);
	rv_buf_addf(&path, "%s/%s", dir, RV_CONTROL_SOCKET);
	ctl->path = rv_buf_steal(&path);
	if (ctl->path == NULL) {
		return rv_error_sys(
		    err, ENOMEM, "cannot open the control socket");
	}
	ctl->fd = bind_socket(ctl->path);
	if (ctl->fd == -1) {
		int failure = errno;

		rv_free(ctl->path);
		ctl->path = NULL;
		return rv_error_sys(err, failure, "cannot listen on %s/%s", dir,
		    RV_CONTROL_SOCKET);
	}
	ctl->accept_tick.cb = on_pause_over;
	ctl->accept_tick.ctx = ctl;
	ctl->io.cb = on_connect;
	ctl->io.ctx = ctl;
	status = rv_io_start(ctl->loop, &ctl->io, ctl->fd, RV_LOOP_READ, err);
	if (status != REEVE_OK) {
		rv_ctl_unlisten(ctl);
	}
	return status;
}

void
rv_ctl_unlisten(struct rv_ctl *ctl)
{
	rv_tick_disarm(&ctl->accept_tick);
	if (ctl->fd >= 0) {
		rv_io_stop(&ctl->io);
		close(ctl->fd);
		ctl->fd = -1;
	}
	if (ctl->path != NULL) {
		unlink(ctl->path);
		rv_free(ctl->path);
		ctl->path = NULL;
	}
}
