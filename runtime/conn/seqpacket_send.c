/* SPDX-License-Identifier: MIT */
/*
 * Sending messages as packets of a unix socket. Small ones go in one piece with
 * their head; what is too long for a packet is in a memfd beside it, sealed, so
 * that the receiver may map it and nobody can change or shorten it under him.
 * Called by conn.c, without a lock.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "conn/conn_priv.h"
#include "conn/seqpacket.h"
#include "sys/sys.h"

#define FEW_PARTS 8

/* After an error. REEVE_ETOOBIG: the kernel takes no packet of that size. */
static __attribute__((noinline)) enum reeve_status
not_sent(const struct reeve_conn *conn, struct rv_limit *limit)
{
	if (errno == EMSGSIZE) {
		return REEVE_ETOOBIG;
	}
	if (errno == EINTR) {
		return REEVE_OK;
	}
	return errno == EAGAIN ? rv_seqpacket_wait(conn, POLLOUT, limit)
			       : rv_seqpacket_failed(conn);
}

static void
head_of(struct rv_head *head, const struct rv_outgoing *out,
    struct rv_rights *rights)
{
	memset(head, 0, sizeof(*head));
	head->type = RV_HEAD_DATA;
	head->flags = (uint8_t)out->flags;
	head->n_handles = (uint8_t)out->n_handles;
	head->length = out->length;
	rights->n = 0;
	for (uint32_t i = 0; i < out->n_handles; i++) {
		const struct reeve_handle *h = &out->handles[i];

		head->handles[i] = (uint8_t)(h->kind << 4 | h->n_fds);
		for (uint32_t k = 0; k < h->n_fds; k++) {
			rights->fds[rights->n++] = h->fds[k];
		}
	}
}

enum reeve_status
rv_seqpacket_send_small(struct reeve_conn *conn, uint32_t flags,
    const struct iovec *parts, size_t n, uint64_t length,
    struct rv_limit *limit)
{
	_Alignas(64) unsigned char packet[RV_HEAD_BYTES + RV_COPIED_MAX];
	unsigned char *at = packet + RV_HEAD_BYTES;
	enum reeve_status status;

	rv_head_encode_plain(packet, (uint8_t)flags, length);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].iov_len > 0) {
			memcpy(at, parts[i].iov_base, parts[i].iov_len);
			at += parts[i].iov_len;
		}
	}
	do {
		int error = RV_FAULT(send);

		if (error == 0 &&
		    send(conn->fd, packet, RV_HEAD_BYTES + length,
			rv_seqpacket_flags(limit) | MSG_NOSIGNAL) >= 0) {
			return REEVE_OK;
		}
		errno = error != 0 ? error : errno;
		status = not_sent(conn, limit);
	} while (status == REEVE_OK);
	return status;
}

/* The head, then these parts, in one packet. */
static enum reeve_status
send_packet(struct reeve_conn *conn, const struct rv_head *head,
    const struct rv_rights *rights, const struct iovec *parts, size_t n,
    struct rv_limit *limit)
{
	unsigned char bytes[RV_HEAD_BYTES];
	struct iovec few[1 + FEW_PARTS], *iov = few;
	union rv_rights_room room;
	struct msghdr msg = { .msg_iovlen = 1 + n };
	enum reeve_status status = REEVE_OK;

	if (n > FEW_PARTS) {
		iov = rv_alloc(1 + n, sizeof(*iov));
		if (iov == NULL) {
			return REEVE_ENOMEM;
		}
	}
	rv_head_encode(head, bytes);
	iov[0] = (struct iovec){ bytes, sizeof(bytes) };
	for (size_t i = 0; i < n; i++) {
		iov[1 + i] = parts[i];
	}
	msg.msg_iov = iov;
	rv_rights_put(rights, &msg, &room);
	while (status == REEVE_OK &&
	       rv_sys_sendmsg(conn->fd, &msg, rv_seqpacket_flags(limit)) < 0) {
		status = not_sent(conn, limit);
	}
	if (iov != few) {
		rv_free(iov);
	}
	return status;
}

/* All of it into a new file; errno on failure. */
static bool
fill(int fd, const struct rv_outgoing *out)
{
	for (size_t i = 0; i < out->n_parts; i++) {
		const char *at = out->parts[i].iov_base;
		size_t left = out->parts[i].iov_len;

		while (left > 0) {
			ssize_t n = rv_sys_write(fd, at, left);

			if (n <= 0) {
				return false;
			}
			at += n;
			left -= (size_t)n;
		}
	}
	return true;
}

/* A sealed copy of the message; -1 with errno. */
static int
memory_of(const struct rv_outgoing *out)
{
	int fd = -1;

	if (rv_sys_may_be_long(out->length)) {
		fd = rv_sys_memfd("reeve-message");
	}
	if (fd >= 0 &&
	    (!fill(fd, out) || fcntl(fd, F_ADD_SEALS, RV_MESSAGE_SEALS) != 0)) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static enum reeve_status
send_memory(struct reeve_conn *conn, struct rv_head *head,
    struct rv_rights *rights, const struct rv_outgoing *out,
    struct rv_limit *limit)
{
	enum reeve_status status;
	int fd;

	if (out->made != NULL) {
		status = rv_parcel_seal(out->made);
		if (status != REEVE_OK) {
			return status;
		}
		fd = out->made->lease;
	} else {
		fd = memory_of(out);
		if (fd < 0) {
			return rv_seqpacket_failed(conn);
		}
	}
	head->type = RV_HEAD_MEMORY;
	rights->fds[rights->n++] = fd;
	status = send_packet(conn, head, rights, NULL, 0, limit);
	if (out->made == NULL) {
		(void)close(fd);
	}
	return status;
}

/* Its memory, its lease, and in the packet its place. */
static enum reeve_status
send_block(struct reeve_conn *conn, struct rv_head *head,
    struct rv_rights *rights, const struct reeve_parcel *parcel,
    struct rv_limit *limit)
{
	unsigned char place[RV_BLOCK_PLACE_BYTES];
	struct iovec part = { place, sizeof(place) };

	rv_blocks_place(parcel, place);
	head->type = RV_HEAD_BLOCK;
	rights->fds[rights->n++] = rv_blocks_memfd(parcel);
	rights->fds[rights->n++] = parcel->lease;
	return send_packet(conn, head, rights, &part, 1, limit);
}

enum reeve_status
rv_seqpacket_send(struct reeve_conn *conn, const struct rv_outgoing *out,
    struct rv_limit *limit)
{
	struct rv_head head;
	struct rv_rights rights;
	enum reeve_status status;

	if (out->length <= RV_COPIED_MAX && out->n_handles == 0 &&
	    out->made == NULL) {
		status = rv_seqpacket_send_small(conn, out->flags, out->parts,
		    out->n_parts, out->length, limit);
		if (status != REEVE_ETOOBIG) {
			return status;
		}
	}
	head_of(&head, out, &rights);
	if (out->is_block && out->made != NULL) {
		return send_block(conn, &head, &rights, out->made, limit);
	}
	if (out->length <= RV_INLINE_MAX && out->made == NULL) {
		status = send_packet(
		    conn, &head, &rights, out->parts, out->n_parts, limit);
		if (status != REEVE_ETOOBIG) {
			return status;
		}
		/* its buffer has been made smaller than we are used to */
	}
	if (conn->is_plain) {
		return REEVE_ETOOBIG;
	}
	return send_memory(conn, &head, &rights, out, limit);
}
