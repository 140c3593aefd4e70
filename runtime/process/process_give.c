/* SPDX-License-Identifier: MIT */
/*
 * The creator's end of the lifeline (child/lifeline.h). All that a process is
 * given is in the socket before it is asked for, so that it costs nobody a
 * wait; what it says comes back here. The process is of this program, but what
 * comes is looked at like anybody's.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "process/process_priv.h"
#include "sys/sys.h"
#include "wire/packet.h"

#define RECORDS_A_TURN 64
/* More than a socket holds, less than one that never ends. */
#define RECORDS_AT_END 65536
#define RECORD_MAX                                          \
	(sizeof(struct rv_say_head) + (size_t)RV_SAY_TASK + \
	    (size_t)REEVE_SAY_MAX)
/* Of the process's end: it waits while that is full of what it said. */
#define SAY_BUFFER (1024 * 1024)

/* -------- giving -------- */

struct packet {
	struct rv_lifeline_head head;
	struct rv_lifeline_give gives[RV_GIVEN_MAX];
	int fds[RV_LIFELINE_FDS];
	unsigned n_fds;
	struct reeve_handle made[RV_GIVEN_MAX]; /* of objects */
};

static void
write_head(struct packet *packet, const struct reeve_process *p)
{
	const struct reeve_context *context = p->context;
	struct rv_lifeline_head *head = &packet->head;

	head->magic = RV_LIFELINE_MAGIC;
	head->flags = (context->said != NULL ? RV_LIFELINE_LISTENS : 0u) |
		      (p->daemon ? RV_LIFELINE_DAEMON : 0u) |
		      (context->own_pidfd != -1 ? RV_LIFELINE_PIDFD : 0u);
	head->parent = (int32_t)context->pid;
	head->method = p->program.method == RV_METHOD_SPAWN ? REEVE_METHOD_SPAWN
		       : p->program.method == RV_METHOD_FORK
			   ? REEVE_METHOD_FORK
			   : REEVE_METHOD_FORKSERVER;
	head->log_level = context->log_level;
	head->n_gives = (uint32_t)p->n_gives;
	rv_copy(head->name, sizeof(head->name), p->name);
	rv_copy(
	    head->libexec_dir, sizeof(head->libexec_dir), context->libexec_dir);
}

/* Its handle, which is `made` of an object, or its own. */
static enum reeve_status
handle_of(const struct reeve_give *give, struct reeve_handle *made,
    const struct reeve_handle **handle, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	*handle = &give->handle;
	if (give->object != NULL) {
		*handle = made;
		status = give->handle_of(give->object, made, err);
		if (status != REEVE_OK) {
			rv_error_wrap(err, "giving %s", give->name);
		}
	}
	return status;
}

static enum reeve_status
write_gives(struct packet *packet, const struct reeve_process *p,
    struct reeve_error *err)
{
	if (p->context->own_pidfd != -1) {
		packet->fds[packet->n_fds++] = p->context->own_pidfd;
	}
	for (size_t i = 0; i < p->n_gives; i++) {
		struct rv_lifeline_give *give = &packet->gives[i];
		const struct reeve_handle *handle;
		enum reeve_status status =
		    handle_of(&p->gives[i], &packet->made[i], &handle, err);

		if (status != REEVE_OK) {
			return status;
		}
		rv_copy(give->name, sizeof(give->name), p->gives[i].name);
		give->kind = (uint32_t)handle->kind;
		give->n_fds = handle->n_fds;
		memcpy(packet->fds + packet->n_fds, handle->fds,
		    handle->n_fds * sizeof(int));
		packet->n_fds += handle->n_fds;
	}
	return REEVE_OK;
}

static int
send_packet(int fd, const struct packet *packet)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(RV_LIFELINE_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)&packet->head, sizeof(packet->head) },
		{ (void *)(uintptr_t)packet->gives,
		    packet->head.n_gives * sizeof(packet->gives[0]) },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (packet->n_fds > 0) {
		size_t bytes = packet->n_fds * sizeof(int);
		struct cmsghdr *c;

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(c), packet->fds, bytes);
	}
	return rv_sys_sendmsg(fd, &msg, MSG_NOSIGNAL) == -1 ? -1 : 0;
}

/* Of several, the one that is closed is named. */
static enum reeve_status
cannot_give(
    const struct reeve_process *p, int sys_errno, struct reeve_error *err)
{
	for (size_t i = 0; sys_errno == EBADF && i < p->n_gives; i++) {
		const struct reeve_handle *handle = &p->gives[i].handle;

		for (uint32_t k = 0; k < handle->n_fds; k++) {
			if (fcntl(handle->fds[k], F_GETFD) == -1) {
				return rv_error_sys(err, sys_errno,
				    "cannot hand over what %s is given: "
				    "descriptor %d of %s is closed",
				    p->name, handle->fds[k], p->gives[i].name);
			}
		}
	}
	return rv_error_sys(
	    err, sys_errno, "cannot hand over what %s is given", p->name);
}

static enum reeve_status
fill(struct reeve_process *p, struct reeve_error *err)
{
	struct packet *packet = rv_alloc(1, sizeof(*packet));
	enum reeve_status status = REEVE_OK;

	if (packet == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	write_head(packet, p);
	status = write_gives(packet, p, err);
	if (status == REEVE_OK && send_packet(p->ours, packet) == -1) {
		status = cannot_give(p, errno, err);
	}
	for (size_t i = 0; i < p->n_gives; i++) {
		reeve_handle_close(&packet->made[i]);
	}
	rv_free(packet);
	return status;
}

static void on_io(struct rv_io *, unsigned events);

/* What it says may wait for us a while. */
static enum reeve_status
listen_to(struct reeve_process *p, struct reeve_error *err)
{
	int size = SAY_BUFFER;

	if (setsockopt(p->its, SOL_SOCKET, SO_SNDBUFFORCE, &size,
		sizeof(size)) == -1) {
		setsockopt(p->its, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	p->io = (struct rv_io){ .cb = on_io, .ctx = p };
	return rv_io_start(
	    p->context->loop, &p->io, p->ours, RV_LOOP_READ, err);
}

enum reeve_status
rv_process_give(struct reeve_process *p, struct reeve_error *err)
{
	int fds[2] = { -1, -1 };
	enum reeve_status status;

	if (p->program.listen[0] == NULL) {
		return REEVE_OK;
	}
	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == -1) {
		return rv_error_sys(
		    err, errno, "cannot make the socket of %s", p->name);
	}
	p->ours = fds[0];
	p->its = fds[1];
	status = fill(p, err);
	if (status == REEVE_OK && p->context->said != NULL) {
		status = listen_to(p, err);
	}
	if (status != REEVE_OK) {
		rv_process_give_free(p);
	}
	return status;
}

static void
close_end(int *fd)
{
	if (*fd != -1) {
		close(*fd);
		*fd = -1;
	}
}

/* Ours stays while it tells the process that we live, or us what it says. */
void
rv_process_given(struct reeve_process *p)
{
	close_end(&p->its);
	if (p->context->said == NULL && p->context->own_pidfd != -1) {
		close_end(&p->ours);
	}
}

void
rv_process_give_free(struct reeve_process *p)
{
	if (p->io.loop != NULL) {
		rv_io_stop(&p->io);
	}
	p->io = (struct rv_io){ 0 };
	close_end(&p->its);
	close_end(&p->ours);
}

/* -------- hearing -------- */

static bool
is_whole(const struct rv_say_head *head, size_t len)
{
	return len >= sizeof(*head) && head->magic == RV_SAY_MAGIC &&
	       head->n_task < RV_SAY_TASK && head->n_text < REEVE_SAY_MAX &&
	       len == sizeof(*head) + head->n_task + head->n_text;
}

/* False: there is no more of it now, or ever. */
static bool
hear(struct reeve_process *p, char *record)
{
	struct rv_packet packet;
	struct rv_say_head head = { 0 };
	int got = rv_packet_receive(p->ours, record, RECORD_MAX, &packet);

	if (got != 1) {
		if (got == 0 || errno != EAGAIN) {
			rv_io_events(&p->io, 0);
		}
		return false;
	}
	rv_packet_close_fds(&packet);
	memcpy(&head, record, RV_MIN(packet.len, sizeof(head)));
	if (!packet.truncated && is_whole(&head, packet.len)) {
		const char *task = record + sizeof(head);

		rv_news_said(p, &head, task, task + head.n_task);
	}
	return true;
}

static void
hear_some(struct reeve_process *p, unsigned most)
{
	char *record = rv_alloc(1, RECORD_MAX);

	for (unsigned i = 0; record != NULL && i < most; i++) {
		if (!hear(p, record)) {
			break;
		}
	}
	rv_free(record);
}

static void
on_io(struct rv_io *io, unsigned events)
{
	struct reeve_process *p = io->ctx;

	(void)events;
	RV_MAGIC_CHECK(p, RV_PROCESS_MAGIC);
	hear_some(p, RECORDS_A_TURN);
}

void
rv_process_hear_last(struct reeve_process *p)
{
	if (p->ours != -1 && p->context->said != NULL) {
		hear_some(p, RECORDS_AT_END);
	}
	rv_process_give_free(p);
}
