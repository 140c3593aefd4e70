/* SPDX-License-Identifier: MIT */
/*
 * Connections from their first message to their close: the frame of each
 * operation, which is to check, to take the lock of its direction until its
 * time is up, and to let seqpacket.c or stream.c do it. Called by anybody, from
 * any thread; made in conn_make.c.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "conn/conn_priv.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define MANY_PARTS 1000

/* There is no other thread, nor will there be one before this one returns. */
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define ALONE (__libc_single_threaded != 0)
#else
#define ALONE false
#endif

void
reeve_conn_close(struct reeve_conn *conn)
{
	if (conn == NULL || conn->fd < 0) {
		return;
	}
	RV_MAGIC_CHECK(conn, RV_CONN_MAGIC);
	if (conn->stream != NULL) {
		rv_stream_close(conn->stream, conn->fd);
	}
	(void)close(conn->fd);
	conn->fd = -1;
	rv_seqpacket_drop(&conn->own->arrival);
}

void
reeve_conn_free(struct reeve_conn *conn)
{
	if (conn == NULL) {
		return;
	}
	reeve_conn_close(conn);
	(void)munmap(conn->own, conn->own_bytes);
	rv_block_maps_close(&conn->maps);
	rv_stream_free(conn->stream);
	rv_free(conn);
}

void
reeve_conn_shutdown(struct reeve_conn *conn)
{
	if (conn != NULL && conn->fd >= 0) {
		conn->is_down = true;
		(void)shutdown(conn->fd, SHUT_RDWR);
	}
}

static struct timespec
timespec_of(rv_time t)
{
	return (struct timespec){ .tv_sec = (time_t)(t / RV_SEC),
		.tv_nsec = (long)(t % RV_SEC) };
}

static int
lock_until(pthread_mutex_t *mutex, rv_time until)
{
	struct timespec ts = timespec_of(until);

#ifdef __SANITIZE_THREAD__
	/* ThreadSanitizer does not see that clocklock locks. */
	ts = timespec_of(until - rv_sys_now() + rv_sys_wall_us() * RV_US);
	return pthread_mutex_timedlock(mutex, &ts);
#endif
	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &ts);
}

enum reeve_status
rv_conn_lock(pthread_mutex_t *mutex, struct rv_limit *limit)
{
	if (limit->timeout == REEVE_FOREVER) {
		(void)pthread_mutex_lock(mutex);
		return REEVE_OK;
	}
	if (pthread_mutex_trylock(mutex) == 0) {
		return REEVE_OK;
	}
	return limit->timeout > 0 && lock_until(mutex, rv_limit_end(limit)) == 0
		   ? REEVE_OK
		   : REEVE_ETIMEDOUT;
}

/* An operation in one direction can be. */
static inline enum reeve_status
check(const struct reeve_conn *conn, bool sending)
{
	if (conn == NULL) {
		return REEVE_EINVALID;
	}
	RV_MAGIC_CHECK(conn, RV_CONN_MAGIC);
	if (conn->fd < 0 || conn->is_down) {
		return REEVE_ECLOSED;
	}
	return (sending ? conn->may_send : conn->may_receive) ? REEVE_OK
							      : REEVE_EINVALID;
}

static enum reeve_status
check_outgoing(struct rv_outgoing *out)
{
	if (out->n_parts > MANY_PARTS ||
	    out->n_handles > REEVE_PARCEL_HANDLES) {
		return REEVE_ETOOBIG;
	}
	if ((out->flags & ~(uint32_t)REEVE_PARCEL_JSON) != 0) {
		return REEVE_EINVALID;
	}
	for (size_t i = 0; i < out->n_parts; i++) {
		const struct iovec *part = &out->parts[i];

		if (part->iov_base == NULL && part->iov_len > 0) {
			return REEVE_EINVALID;
		}
		if (__builtin_add_overflow(
			out->length, part->iov_len, &out->length)) {
			return REEVE_ETOOBIG;
		}
	}
	for (uint32_t i = 0; i < out->n_handles; i++) {
		const struct reeve_handle *h = &out->handles[i];

		if (h->kind <= REEVE_SHARE_NONE ||
		    h->kind > REEVE_SHARE_PLAIN_WRITER || h->n_fds == 0 ||
		    h->n_fds > REEVE_HANDLE_FDS) {
			return REEVE_EINVALID;
		}
	}
	return REEVE_OK;
}

static enum reeve_status
send_out(struct reeve_conn *conn, struct rv_outgoing *out, int64_t timeout)
{
	struct rv_limit limit = rv_limit_of(timeout);
	enum reeve_status status = check(conn, true);

	if (status == REEVE_OK) {
		status = check_outgoing(out);
	}
	if (status == REEVE_OK && conn->is_plain && out->n_handles > 0) {
		status = REEVE_EINVALID;
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (conn->stream == NULL) {
		return rv_seqpacket_send(conn, out, &limit);
	}
	status = rv_conn_lock(&conn->own->sending, &limit);
	if (status == REEVE_OK) {
		status = rv_stream_send(conn, out, rv_limit_end(&limit));
		(void)pthread_mutex_unlock(&conn->own->sending);
	}
	return status;
}

enum reeve_status
reeve_conn_send(
    struct reeve_conn *conn, const void *data, size_t length, int64_t timeout)
{
	struct iovec part = { (void *)(uintptr_t)data, length };
	struct rv_outgoing out = { .parts = &part, .n_parts = 1 };
	struct rv_limit limit = rv_limit_of(timeout);
	enum reeve_status status = check(conn, true);

	if (__builtin_expect(status == REEVE_OK && conn->stream == NULL &&
				 length <= RV_COPIED_MAX &&
				 (data != NULL || length == 0),
		1)) {
		status =
		    rv_seqpacket_send_small(conn, 0, &part, 1, length, &limit);
		if (__builtin_expect(status != REEVE_ETOOBIG, 1)) {
			return status;
		}
	}
	return send_out(conn, &out, timeout);
}

enum reeve_status
reeve_conn_sendv(struct reeve_conn *conn, const struct iovec *parts, size_t n,
    uint32_t flags, int64_t timeout)
{
	struct rv_outgoing out = { .parts = parts, .n_parts = n };

	out.flags = flags;
	if (parts == NULL && n > 0) {
		return REEVE_EINVALID;
	}
	return send_out(conn, &out, timeout);
}

enum reeve_status
reeve_conn_send_parcel(
    struct reeve_conn *conn, struct reeve_parcel *parcel, int64_t timeout)
{
	struct rv_outgoing out = { .n_parts = 0 };
	enum reeve_status status;
	struct iovec part;
	bool made;

	if (parcel == NULL) {
		return REEVE_EINVALID;
	}
	out.flags = parcel->flags;
	out.handles = parcel->handles;
	out.n_handles = parcel->n_handles;
	out.is_block = parcel->kind == RV_PARCEL_BLOCK;
	made = out.is_block || parcel->kind == RV_PARCEL_MADE;
	if (made && conn != NULL && conn->stream == NULL && !conn->is_plain) {
		out.made = parcel;
		out.length = out.is_block ? parcel->length : parcel->capacity;
	} else {
		part = (struct iovec){ (void *)(uintptr_t)parcel->data,
			parcel->length };
		out.parts = &part;
		out.n_parts = 1;
	}
	status = send_out(conn, &out, timeout);
	if (status == REEVE_OK && made) {
		/* the handles stay the caller's, for him to close */
		parcel->n_handles = 0;
		reeve_parcel_free(parcel);
	}
	return status;
}

static inline enum reeve_status
receive_in(
    struct reeve_conn *conn, const struct rv_incoming *in, int64_t timeout)
{
	struct rv_limit limit = rv_limit_of(timeout);
	enum reeve_status status = check(conn, false);

	if (status != REEVE_OK) {
		return status;
	}
	if (ALONE && conn->stream == NULL) {
		return rv_seqpacket_receive(conn, in, &limit);
	}
	status = rv_conn_lock(&conn->own->receiving, &limit);
	if (status == REEVE_OK) {
		status = conn->stream != NULL
			     ? rv_stream_receive(conn, in, rv_limit_end(&limit))
			     : rv_seqpacket_receive(conn, in, &limit);
		(void)pthread_mutex_unlock(&conn->own->receiving);
	}
	return status;
}

enum reeve_status
reeve_conn_recv(struct reeve_conn *conn, struct reeve_parcel *parcel,
    size_t max, int64_t timeout)
{
	struct rv_incoming in = { .parcel = parcel, .size = max };

	if (parcel == NULL) {
		return REEVE_EINVALID;
	}
	rv_parcel_empty(parcel);
	return receive_in(conn, &in, timeout);
}

enum reeve_status
reeve_conn_recv_into(struct reeve_conn *conn, void *data, size_t capacity,
    size_t *length, int64_t timeout)
{
	uint64_t is = 0;
	struct rv_incoming in = {
		.buf = data, .size = capacity, .length = &is
	};
	enum reeve_status status;

	if (data == NULL && capacity > 0) {
		return REEVE_EINVALID;
	}
	status = receive_in(conn, &in, timeout);
	if (length != NULL &&
	    (status == REEVE_OK || status == REEVE_ETOOSHORT)) {
		*length = (size_t)RV_MIN(is, (uint64_t)SIZE_MAX);
	}
	return status;
}

bool
reeve_conn_waiting(struct reeve_conn *conn)
{
	struct rv_limit now = rv_limit_of(0);
	bool is_waiting;

	if (check(conn, false) != REEVE_OK ||
	    rv_conn_lock(&conn->own->receiving, &now) != REEVE_OK) {
		return false; /* who holds the lock is receiving it */
	}
	is_waiting = conn->stream != NULL ? rv_stream_is_waiting(conn->stream)
					  : conn->own->arrival.here;
	(void)pthread_mutex_unlock(&conn->own->receiving);
	return is_waiting;
}

bool
reeve_conn_has_part(struct reeve_conn *conn)
{
	struct rv_limit now = rv_limit_of(0);
	bool has = false;

	if (check(conn, false) == REEVE_OK && conn->stream != NULL &&
	    rv_conn_lock(&conn->own->receiving, &now) == REEVE_OK) {
		has = rv_stream_has_part(conn->stream) &&
		      !rv_stream_is_waiting(conn->stream);
		(void)pthread_mutex_unlock(&conn->own->receiving);
	}
	return has;
}

enum reeve_status
reeve_conn_poll(struct reeve_conn *conn, int64_t timeout)
{
	enum reeve_status status = check(conn, false);

	if (status != REEVE_OK || reeve_conn_waiting(conn)) {
		return status;
	}
	status = rv_wait_fd(conn->fd, POLLIN, rv_wait_until(timeout));
	return status == REEVE_OK && conn->is_down ? REEVE_ECLOSED : status;
}

uint64_t
reeve_conn_unsent(struct reeve_conn *conn)
{
	struct rv_limit now = rv_limit_of(0);
	uint64_t unsent = 0;

	if (check(conn, true) == REEVE_OK && conn->stream != NULL &&
	    rv_conn_lock(&conn->own->sending, &now) == REEVE_OK) {
		unsent = rv_stream_unsent(conn->stream);
		(void)pthread_mutex_unlock(&conn->own->sending);
	}
	return unsent;
}

enum reeve_status
reeve_conn_flush(struct reeve_conn *conn, int64_t timeout)
{
	struct rv_limit limit = rv_limit_of(timeout);
	enum reeve_status status = check(conn, true);

	if (status != REEVE_OK || conn->stream == NULL) {
		return status;
	}
	status = rv_conn_lock(&conn->own->sending, &limit);
	if (status == REEVE_OK) {
		status = rv_stream_flush(conn, rv_limit_end(&limit));
		(void)pthread_mutex_unlock(&conn->own->sending);
	}
	return status;
}

int
reeve_conn_fd(const struct reeve_conn *conn)
{
	return conn != NULL ? conn->fd : -1;
}

bool
reeve_conn_can_send(const struct reeve_conn *conn)
{
	return check(conn, true) == REEVE_OK;
}

bool
reeve_conn_can_receive(const struct reeve_conn *conn)
{
	return check(conn, false) == REEVE_OK;
}

void
reeve_conn_share_blocks(struct reeve_conn *conn, bool shares)
{
	if (conn != NULL) {
		conn->shares_blocks = shares;
	}
}
