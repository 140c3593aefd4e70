/* SPDX-License-Identifier: MIT */
/*
 * Messages in a stream of bytes: over TCP, encrypted or not. What a call leaves
 * by half when its time is up is kept, and the next one goes on: of a message
 * that is received, the head and what came of the body; of one that is sent,
 * the rest, as soon as a part of it has gone. A length is believed up to what
 * the receiver wants; a longer message is read and thrown away.
 */
#include "config.h"

#include "conn/stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/conn_priv.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define BUFFER    ((size_t)16 * 1024)
#define FEW_PARTS 8

struct rv_stream {
	const struct rv_transport_ops *ops;
	void *ctx;
	/* out: what is left of a message that was begun */
	char *rest;
	uint64_t rest_at, rest_len;
	enum reeve_status out_end; /* REEVE_OK, or why nothing goes any more */
	/* in: bytes [at, end) of the buffer are unread */
	enum reeve_status in_end;
	size_t at, end;
	uint64_t skip; /* bytes of a message that nobody wants */
	bool has_head;
	struct rv_head head;
	unsigned char *body; /* of a message too long for the buffer */
	uint64_t got;
	unsigned char buffer[BUFFER];
};

static ssize_t
plain_read(void *ctx, int fd, void *buf, size_t len, short *events)
{
	struct iovec part = { buf, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	(void)ctx;
	*events = POLLIN;
	return rv_sys_recvmsg(fd, &msg, MSG_DONTWAIT);
}

static ssize_t
plain_write(void *ctx, int fd, const struct iovec *parts, int n, short *events)
{
	struct msghdr msg = { .msg_iovlen = (size_t)n };

	(void)ctx;
	msg.msg_iov = (struct iovec *)(uintptr_t)parts;
	*events = POLLOUT;
	return rv_sys_sendmsg(fd, &msg, MSG_DONTWAIT);
}

static int
plain_flush(void *ctx, int fd, short *events)
{
	(void)ctx;
	(void)fd;
	(void)events;
	return 0;
}

static bool
plain_never(void *ctx)
{
	(void)ctx;
	return false;
}

static void
plain_close(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
}

const struct rv_transport_ops rv_transport_plain = { RV_TRANSPORT_VERSION,
	plain_read, plain_write, plain_flush, plain_never, plain_never,
	plain_close };

struct rv_stream *
rv_stream_new(const struct rv_transport_ops *ops, void *ctx)
{
	struct rv_stream *s = rv_alloc(1, sizeof(*s));

	if (s != NULL) {
		s->ops = ops;
		s->ctx = ctx;
	}
	return s;
}

void
rv_stream_close(struct rv_stream *s, int fd)
{
	if (s->ops != NULL) {
		s->ops->close(s->ctx, fd);
	}
	s->ops = NULL;
	rv_free(s->rest);
	rv_free(s->body);
	s->rest = NULL;
	s->body = NULL;
}

void
rv_stream_free(struct rv_stream *s)
{
	rv_free(s);
}

/* The connection is of no use in this direction any more. */
static enum reeve_status
broken(const struct reeve_conn *conn, enum reeve_status *end)
{
	switch (errno) {
	case ENOMEM:
	case ENOBUFS:
		return REEVE_ENOMEM;
	case EPIPE:
	case ECONNRESET:
	case ETIMEDOUT:
	case EPROTO:
		break;
	default:
		*end = REEVE_EBROKEN;
		return conn->is_down ? REEVE_ECLOSED : REEVE_ESYS;
	}
	*end = REEVE_EBROKEN;
	return conn->is_down ? REEVE_ECLOSED : REEVE_EBROKEN;
}

static enum reeve_status
wait_for(const struct reeve_conn *conn, short events, rv_time until)
{
	enum reeve_status status = rv_wait_fd(conn->fd, events, until);

	return conn->is_down ? REEVE_ECLOSED : status;
}

/* Send these; *sent bytes of them have gone, at a timeout as well. */
static enum reeve_status
write_parts(struct reeve_conn *conn, struct iovec *iov, size_t n,
    uint64_t *sent, rv_time until)
{
	struct rv_stream *s = conn->stream;
	size_t i = 0;

	while (i < n) {
		short events = 0;
		enum reeve_status status;
		ssize_t w = s->ops->write(
		    s->ctx, conn->fd, iov + i, (int)(n - i), &events);

		if (w < 0 && errno != EAGAIN) {
			return broken(conn, &s->out_end);
		}
		if (w < 0) {
			status = wait_for(conn, events, until);
			if (status != REEVE_OK) {
				return status;
			}
			continue;
		}
		*sent += (uint64_t)w;
		while (i < n && (size_t)w >= iov[i].iov_len) {
			w -= (ssize_t)iov[i++].iov_len;
		}
		if (i < n) {
			iov[i].iov_base = (char *)iov[i].iov_base + w;
			iov[i].iov_len -= (size_t)w;
		}
	}
	return REEVE_OK;
}

enum reeve_status
rv_stream_flush(struct reeve_conn *conn, rv_time until)
{
	struct rv_stream *s = conn->stream;
	enum reeve_status status = s->out_end;
	short events = 0;

	if (status == REEVE_OK && s->rest != NULL) {
		struct iovec part = { s->rest + s->rest_at,
			s->rest_len - s->rest_at };

		status = write_parts(conn, &part, 1, &s->rest_at, until);
		if (status != REEVE_OK) {
			return status;
		}
		rv_free(s->rest);
		s->rest = NULL;
	}
	while (status == REEVE_OK &&
	       s->ops->flush(s->ctx, conn->fd, &events) != 0) {
		if (errno != EAGAIN) {
			return broken(conn, &s->out_end);
		}
		status = wait_for(conn, events, until);
	}
	return status;
}

uint64_t
rv_stream_unsent(const struct rv_stream *s)
{
	uint64_t rest = s->rest != NULL ? s->rest_len - s->rest_at : 0;

	if (s->out_end != REEVE_OK) {
		return 0; /* and never will be */
	}
	return rest + (s->ops->is_holding(s->ctx) ? 1 : 0);
}

/* What did not go, for the next call. */
static enum reeve_status
keep_rest(struct rv_stream *s, const struct iovec *iov, size_t n, uint64_t left)
{
	uint64_t at = 0;
	char *rest = rv_alloc(left, 1);

	if (rest == NULL) {
		/* half a message has gone: nothing sensible can follow */
		s->out_end = REEVE_EBROKEN;
		return REEVE_EBROKEN;
	}
	/* write_parts has left in each part what it has not sent */
	for (size_t i = 0; i < n; i++) {
		size_t len = RV_MIN((uint64_t)iov[i].iov_len, left - at);

		if (len > 0) {
			memcpy(rest + at, iov[i].iov_base, len);
		}
		at += len;
	}
	s->rest = rest;
	s->rest_at = 0;
	s->rest_len = left;
	return REEVE_OK;
}

/* The parts from which nothing was sent on. */
static size_t
skip_sent(const struct iovec *parts, size_t n, uint64_t sent)
{
	size_t i = 0;

	while (i < n && sent >= parts[i].iov_len) {
		sent -= parts[i++].iov_len;
	}
	return i;
}

enum reeve_status
rv_stream_send(
    struct reeve_conn *conn, const struct rv_outgoing *out, rv_time until)
{
	struct rv_stream *s = conn->stream;
	struct rv_head head = { .type = RV_HEAD_DATA };
	unsigned char bytes[RV_HEAD_BYTES];
	struct iovec few[1 + FEW_PARTS], *iov = few;
	enum reeve_status status = s->out_end;
	uint64_t sent = 0;

	if (out->n_handles > 0) {
		return REEVE_EINVALID;
	}
	if (status == REEVE_OK && s->rest != NULL) {
		status = rv_stream_flush(conn, until);
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (out->n_parts > FEW_PARTS) {
		iov = rv_alloc(1 + out->n_parts, sizeof(*iov));
		if (iov == NULL) {
			return REEVE_ENOMEM;
		}
	}
	head.flags = (uint8_t)out->flags;
	head.length = out->length;
	rv_head_encode(&head, bytes);
	iov[0] = (struct iovec){ bytes, sizeof(bytes) };
	if (out->n_parts > 0) {
		memcpy(iov + 1, out->parts, out->n_parts * sizeof(*iov));
	}
	status = write_parts(conn, iov, 1 + out->n_parts, &sent, until);
	if (status == REEVE_ETIMEDOUT && sent > 0) {
		struct iovec first = { bytes, sizeof(bytes) };
		size_t gone = sent < sizeof(bytes)
				  ? skip_sent(&first, 1, sent)
				  : 1 + skip_sent(out->parts, out->n_parts,
					    sent - sizeof(bytes));

		status = keep_rest(s, iov + gone, 1 + out->n_parts - gone,
		    sizeof(bytes) + out->length - sent);
	}
	if (iov != few) {
		rv_free(iov);
	}
	if (status == REEVE_OK) {
		/* what its way holds back goes now, or with the next call */
		short events;

		(void)s->ops->flush(s->ctx, conn->fd, &events);
	}
	return status;
}

/* More bytes to `at`; REEVE_EEND, and what else ends. */
static enum reeve_status
read_some(
    struct reeve_conn *conn, void *at, size_t size, size_t *got, rv_time until)
{
	struct rv_stream *s = conn->stream;

	for (;;) {
		short events = 0;
		enum reeve_status status;
		ssize_t n = s->ops->read(s->ctx, conn->fd, at, size, &events);

		if (n > 0) {
			*got = (size_t)n;
			return REEVE_OK;
		}
		if (n == 0) {
			if (conn->is_down) {
				return REEVE_ECLOSED;
			}
			s->in_end = s->has_head || s->skip > 0 || s->end > s->at
					? REEVE_EBROKEN
					: REEVE_EEND;
			return s->in_end;
		}
		if (errno != EAGAIN) {
			return broken(conn, &s->in_end);
		}
		status = wait_for(conn, events, until);
		if (status != REEVE_OK) {
			return status;
		}
	}
}

/* Until the buffer has that many bytes. */
static enum reeve_status
fill(struct reeve_conn *conn, size_t want, rv_time until)
{
	struct rv_stream *s = conn->stream;

	while (s->end - s->at < want) {
		enum reeve_status status;
		size_t got = 0;

		if (s->at > 0) {
			memmove(s->buffer, s->buffer + s->at, s->end - s->at);
			s->end -= s->at;
			s->at = 0;
		}
		status = read_some(
		    conn, s->buffer + s->end, BUFFER - s->end, &got, until);
		if (status != REEVE_OK) {
			return status;
		}
		s->end += got;
	}
	return REEVE_OK;
}

/* Throw away what nobody wanted. */
static enum reeve_status
skip(struct reeve_conn *conn, rv_time until)
{
	struct rv_stream *s = conn->stream;

	while (s->skip > 0) {
		enum reeve_status status = fill(conn, 1, until);
		size_t n = (size_t)RV_MIN((uint64_t)(s->end - s->at), s->skip);

		if (status != REEVE_OK) {
			return status;
		}
		s->at += n;
		s->skip -= n;
	}
	return REEVE_OK;
}

static enum reeve_status
read_head(struct reeve_conn *conn, rv_time until)
{
	struct rv_stream *s = conn->stream;
	enum reeve_status status = fill(conn, RV_HEAD_BYTES, until);

	if (status != REEVE_OK) {
		return status;
	}
	if (!rv_head_decode(&s->head, s->buffer + s->at) ||
	    s->head.type != RV_HEAD_DATA || s->head.n_handles > 0) {
		s->in_end = REEVE_EPROTO;
		return REEVE_EPROTO;
	}
	s->at += RV_HEAD_BYTES;
	s->has_head = true;
	s->got = 0;
	return REEVE_OK;
}

/* A body too long for the buffer. */
static enum reeve_status
read_body(struct reeve_conn *conn, rv_time until)
{
	struct rv_stream *s = conn->stream;

	if (s->body == NULL && s->head.length > PTRDIFF_MAX) {
		return REEVE_ENOMEM; /* memory has no such size */
	}
	if (s->body == NULL) {
		s->body = rv_alloc(s->head.length, 1);
		if (s->body == NULL) {
			return REEVE_ENOMEM;
		}
	}
	while (s->got < s->head.length) {
		uint64_t want = s->head.length - s->got;
		size_t n = (size_t)RV_MIN((uint64_t)(s->end - s->at), want);
		enum reeve_status status;

		if (n > 0) {
			memcpy(s->body + s->got, s->buffer + s->at, n);
			s->at += n;
			s->got += n;
			continue;
		}
		status = read_some(conn, s->body + s->got,
		    (size_t)RV_MIN(want, (uint64_t)1 << 30), &n, until);
		if (status != REEVE_OK) {
			return status;
		}
		s->got += n;
	}
	return REEVE_OK;
}

static enum reeve_status
deliver(struct rv_stream *s, const struct rv_incoming *in)
{
	struct reeve_parcel *parcel = in->parcel;
	enum reeve_status status = REEVE_OK;
	void *at = in->buf;

	if (parcel != NULL && s->body != NULL) {
		reeve_parcel_free(parcel);
		parcel->kind = RV_PARCEL_HEAP;
		parcel->memory = s->body;
		parcel->capacity = s->head.length;
		s->body = NULL;
		at = NULL;
	} else if (parcel != NULL) {
		status = rv_parcel_room(parcel, s->head.length);
		at = parcel->memory;
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (at != NULL && s->head.length > 0) {
		memcpy(at, s->body != NULL ? s->body : s->buffer + s->at,
		    s->head.length);
	}
	if (at != NULL && s->body == NULL) {
		s->at += s->head.length;
	}
	rv_free(s->body);
	s->body = NULL;
	s->has_head = false;
	if (in->length != NULL) {
		*in->length = s->head.length;
	}
	if (parcel != NULL) {
		parcel->data = parcel->memory;
		parcel->length = s->head.length;
		parcel->flags = s->head.flags;
	}
	return REEVE_OK;
}

enum reeve_status
rv_stream_receive(
    struct reeve_conn *conn, const struct rv_incoming *in, rv_time until)
{
	struct rv_stream *s = conn->stream;
	enum reeve_status status = s->in_end;

	if (status == REEVE_OK) {
		status = skip(conn, until);
	}
	if (status == REEVE_OK && !s->has_head) {
		status = read_head(conn, until);
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (s->head.length > in->size && in->parcel == NULL) {
		*in->length = s->head.length;
		return REEVE_ETOOSHORT;
	}
	if (s->head.length > in->size) {
		s->skip = s->head.length - s->got;
		s->has_head = false;
		rv_free(s->body);
		s->body = NULL;
		return REEVE_ETOOBIG;
	}
	status = s->head.length > BUFFER
		     ? read_body(conn, until)
		     : fill(conn, (size_t)s->head.length, until);
	return status == REEVE_OK ? deliver(s, in) : status;
}

bool
rv_stream_is_waiting(struct rv_stream *s)
{
	size_t there = s->end - s->at;
	struct rv_head head;

	if (s->in_end != REEVE_OK || s->ops->is_pending(s->ctx)) {
		return true;
	}
	if (s->skip > 0) {
		return s->skip < there;
	}
	if (s->has_head) {
		return s->head.length <= there + s->got;
	}
	if (there < RV_HEAD_BYTES) {
		return false;
	}
	return !rv_head_decode(&head, s->buffer + s->at) ||
	       head.length <= there - RV_HEAD_BYTES;
}

bool
rv_stream_has_part(const struct rv_stream *s)
{
	return s->skip > 0 || s->has_head || s->at < s->end;
}

bool
rv_stream_is_between(const struct rv_stream *s)
{
	return s->ops == &rv_transport_plain && s->rest == NULL &&
	       !rv_stream_has_part(s);
}
