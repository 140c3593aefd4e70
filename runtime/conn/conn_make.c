/* SPDX-License-Identifier: MIT */
/*
 * How connections come to be: as the two ends of a pipe, of a socket, from a
 * handle; and the handles that are made of them. Called by anybody; owns
 * nothing.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "conn/conn_priv.h"
#include "ipc/robust.h"
#include "sys/sys.h"

/* Of Linux 6.16; not in all headers. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* A socket that a connection can be of: SOCK_SEQPACKET, SOCK_STREAM, or -1. */
static int
socket_kind(int fd, int *domain)
{
	int type = -1;
	socklen_t len = sizeof(type);

	*domain = AF_UNSPEC;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0) {
		return -1;
	}
	len = sizeof(*domain);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, domain, &len) != 0) {
		return -1;
	}
	return type == SOCK_STREAM ||
		       (type == SOCK_SEQPACKET && *domain == AF_UNIX)
		   ? type
		   : -1;
}

static struct reeve_conn *
make_conn(int kind, const struct rv_transport_ops *ops, void *ctx)
{
	struct reeve_conn *conn = rv_alloc(1, sizeof(*conn));

	if (conn == NULL) {
		return NULL;
	}
	conn->own_bytes = sizeof(*conn->own);
	if (kind == SOCK_STREAM) {
		conn->own_bytes = offsetof(struct rv_conn_own, packet);
		conn->stream = rv_stream_new(ops, ctx);
	}
	conn->own = rv_sys_mmap_own(conn->own_bytes);
	if (conn->own == NULL ||
	    (kind == SOCK_STREAM && conn->stream == NULL)) {
		if (conn->own != NULL) {
			(void)munmap(conn->own, conn->own_bytes);
		}
		rv_stream_free(conn->stream);
		rv_free(conn);
		return NULL;
	}
	return conn;
}

enum reeve_status
rv_conn_new(struct reeve_conn **out, int fd, bool may_send, bool may_receive,
    const struct rv_transport_ops *ops, void *ctx, struct reeve_error *err)
{
	struct reeve_conn *conn = NULL;
	enum reeve_status status = REEVE_OK;
	int domain, kind = socket_kind(fd, &domain);

	ops = ops != NULL ? ops : &rv_transport_plain;
	if (kind < 0) {
		status = rv_error(
		    err, REEVE_EINVALID, "this is no socket of a connection");
	} else {
		conn = make_conn(kind, ops, ctx);
	}
	if (status == REEVE_OK && conn == NULL) {
		status =
		    rv_error(err, REEVE_ENOMEM, "cannot make a connection");
	}
	if (status != REEVE_OK) {
		ops->close(ctx, fd);
		(void)close(fd);
		return status;
	}
	conn->magic = RV_CONN_MAGIC;
	conn->fd = fd;
	conn->may_send = may_send;
	conn->may_receive = may_receive;
	conn->may_look = rv_robust_spins();
	*out = conn;
	return REEVE_OK;
}

/* One direction alone: the kernel sees to it, too. */
static int
narrow(const int fds[2])
{
	return shutdown(fds[0], SHUT_WR) != 0 || shutdown(fds[1], SHUT_RD) != 0
		   ? -1
		   : 0;
}

/*
 * The kernel refuses descriptors at the sender; one before Linux 6.16 closes
 * them at the receiver, who has no room for any.
 */
static void
refuse_rights(int fd)
{
	static const int no = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no));
}

/* A socketpair, of which the first end only receives unless it is duplex. */
static enum reeve_status
make_pair(int fds[2], bool duplex, struct reeve_error *err)
{
	enum reeve_status status;

	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) != 0) {
		return rv_error_sys(err, errno, "cannot make a connection");
	}
	if (!duplex && narrow(fds) != 0) {
		status = rv_error_sys(err, errno, "cannot make a connection");
		(void)close(fds[0]);
		(void)close(fds[1]);
		return status;
	}
	return REEVE_OK;
}

static enum reeve_status
make_pipe(struct reeve_conn **a, struct reeve_conn **b, bool duplex,
    bool is_plain, struct reeve_error *err)
{
	struct reeve_conn *first = NULL, *second = NULL;
	enum reeve_status status;
	int fds[2];

	if (a == NULL || b == NULL) {
		return rv_error(err, REEVE_EINVALID, "no place for two ends");
	}
	status = make_pair(fds, duplex, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (is_plain) {
		refuse_rights(fds[0]);
		refuse_rights(fds[1]);
	}
	status = rv_conn_new(&first, fds[0], duplex, true, NULL, NULL, err);
	if (status != REEVE_OK) {
		(void)close(fds[1]);
		return status;
	}
	status = rv_conn_new(&second, fds[1], true, duplex, NULL, NULL, err);
	if (status != REEVE_OK) {
		reeve_conn_free(first);
		return status;
	}
	first->is_plain = second->is_plain = is_plain;
	*a = first;
	*b = second;
	return REEVE_OK;
}

enum reeve_status
reeve_pipe(struct reeve_conn **a, struct reeve_conn **b, bool duplex,
    struct reeve_error *err)
{
	return make_pipe(a, b, duplex, false, err);
}

enum reeve_status
reeve_pipe_plain(struct reeve_conn **a, struct reeve_conn **b, bool duplex,
    struct reeve_error *err)
{
	return make_pipe(a, b, duplex, true, err);
}

/* What handles say of the ends that they are of. */
static const struct {
	enum reeve_share_kind kind;
	bool may_send, may_receive, is_plain;
} ends[] = {
	{ REEVE_SHARE_CONNECTION, true, true, false },
	{ REEVE_SHARE_READER, false, true, false },
	{ REEVE_SHARE_WRITER, true, false, false },
	{ REEVE_SHARE_PLAIN, true, true, true },
	{ REEVE_SHARE_PLAIN_READER, false, true, true },
	{ REEVE_SHARE_PLAIN_WRITER, true, false, true },
};

enum reeve_status
reeve_conn_open(struct reeve_conn **out, const struct reeve_handle *handle,
    struct reeve_error *err)
{
	enum reeve_status status;
	size_t i = 0;
	int fd;

	while (handle != NULL && i < RV_ARRAY_LEN(ends) &&
	       ends[i].kind != handle->kind) {
		i++;
	}
	if (out == NULL || handle == NULL || handle->n_fds != 1 ||
	    i == RV_ARRAY_LEN(ends)) {
		return rv_error_handle(err, "a connection", handle);
	}
	fd = fcntl(handle->fds[0], F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot open a connection");
	}
	status = rv_conn_new(
	    out, fd, ends[i].may_send, ends[i].may_receive, NULL, NULL, err);
	if (status == REEVE_OK) {
		(*out)->is_plain = ends[i].is_plain && (*out)->stream == NULL;
	}
	return status;
}

enum reeve_status
reeve_conn_of_socket(struct reeve_conn **out, int fd, struct reeve_error *err)
{
	struct reeve_handle handle = { REEVE_SHARE_CONNECTION, 1, { fd } };

	return reeve_conn_open(out, &handle, err);
}

static enum reeve_share_kind
kind_of(const struct reeve_conn *conn)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(ends); i++) {
		if (ends[i].may_send == conn->may_send &&
		    ends[i].may_receive == conn->may_receive &&
		    ends[i].is_plain == conn->is_plain) {
			return ends[i].kind;
		}
	}
	RV_NEVER("a connection neither sends nor receives");
}

enum reeve_status
reeve_conn_handle(struct reeve_conn *conn, struct reeve_handle *handle,
    struct reeve_error *err)
{
	int fd;

	if (conn == NULL || handle == NULL) {
		return rv_error(
		    err, REEVE_EINVALID, "no connection to hand over");
	}
	if (conn->fd < 0) {
		return rv_error(err, REEVE_ECLOSED, "the connection is closed");
	}
	if (conn->stream != NULL && !rv_stream_is_between(conn->stream)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot hand over a connection that is encrypted or in "
		    "the middle of a message");
	}
	fd = fcntl(conn->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		return rv_error_sys(
		    err, errno, "cannot hand over a connection");
	}
	*handle = (struct reeve_handle){ kind_of(conn), 1, { fd } };
	return REEVE_OK;
}

enum reeve_status
reeve_conn_peer(
    const struct reeve_conn *conn, pid_t *pid, uid_t *uid, gid_t *gid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int domain;

	if (conn == NULL || pid == NULL || uid == NULL || gid == NULL) {
		return REEVE_EINVALID;
	}
	if (conn->fd < 0) {
		return REEVE_ECLOSED;
	}
	if (socket_kind(conn->fd, &domain) < 0 || domain != AF_UNIX ||
	    getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		return REEVE_EINVALID;
	}
	*pid = peer.pid;
	*uid = peer.uid;
	*gid = peer.gid;
	return REEVE_OK;
}
