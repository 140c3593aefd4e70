/* SPDX-License-Identifier: MIT */
/*
 * Messages as packets of a unix socket. One call of the kernel brings one whole
 * message over, so there is no half of one: not when the sender is killed, not
 * at a timeout, not when several processes have the same end. What is too long
 * for a packet is in a memfd beside it, sealed, so that the receiver may map it
 * and nobody can change or shorten it under him.
 *
 * What was received and cannot be delivered yet (no memory, a buffer that is
 * too small) stays in the spill, which has room for any packet; so keeping it
 * needs no memory.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conn/conn_priv.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define SEALS     (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
#define FEW_PARTS 8

/* errno of a send or recv as a result; EAGAIN is for the caller. */
static enum reeve_status
failed(const struct reeve_conn *conn)
{
	switch (errno) {
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return conn->is_down ? REEVE_ECLOSED : REEVE_EBROKEN;
	case ENOMEM:
	case ENOBUFS:
		return REEVE_ENOMEM;
	default:
		return REEVE_ESYS;
	}
}

/* One packet; REEVE_ETOOBIG: the kernel takes none of that size. */
static enum reeve_status
push(const struct reeve_conn *conn, const struct msghdr *msg, rv_time until)
{
	/* who waits for ever is best woken by the very call that sends */
	int flags = until == RV_FOREVER ? 0 : MSG_DONTWAIT;

	while (rv_sys_sendmsg(conn->fd, msg, flags) < 0) {
		enum reeve_status status;

		if (errno == EMSGSIZE) {
			return REEVE_ETOOBIG;
		}
		if (errno != EAGAIN) {
			return failed(conn);
		}
		status = rv_wait_fd(conn->fd, POLLOUT, until);
		if (status != REEVE_OK) {
			return status;
		}
	}
	return REEVE_OK;
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

/* The head, then these parts, in one packet. */
static enum reeve_status
send_packet(struct reeve_conn *conn, const struct rv_head *head,
    const struct rv_rights *rights, const struct iovec *parts, size_t n,
    rv_time until)
{
	unsigned char bytes[RV_HEAD_BYTES];
	struct iovec few[1 + FEW_PARTS], *iov = few;
	union rv_rights_room room;
	struct msghdr msg = { .msg_iovlen = 1 + n };
	enum reeve_status status;

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
	status = push(conn, &msg, until);
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
	if (fd >= 0 && (!fill(fd, out) || fcntl(fd, F_ADD_SEALS, SEALS) != 0)) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static enum reeve_status
send_memory(struct reeve_conn *conn, struct rv_head *head,
    struct rv_rights *rights, const struct rv_outgoing *out, rv_time until)
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
			return failed(conn);
		}
	}
	head->type = RV_HEAD_MEMORY;
	rights->fds[rights->n++] = fd;
	status = send_packet(conn, head, rights, NULL, 0, until);
	if (out->made == NULL) {
		(void)close(fd);
	}
	return status;
}

/* Its memory, its lease, and in the packet its place. */
static enum reeve_status
send_block(struct reeve_conn *conn, struct rv_head *head,
    struct rv_rights *rights, const struct reeve_parcel *parcel, rv_time until)
{
	unsigned char place[RV_BLOCK_PLACE_BYTES];
	struct iovec part = { place, sizeof(place) };

	rv_blocks_place(parcel, place);
	head->type = RV_HEAD_BLOCK;
	rights->fds[rights->n++] = rv_blocks_memfd(parcel);
	rights->fds[rights->n++] = parcel->lease;
	return send_packet(conn, head, rights, &part, 1, until);
}

enum reeve_status
rv_seqpacket_send(
    struct reeve_conn *conn, const struct rv_outgoing *out, rv_time until)
{
	struct rv_head head;
	struct rv_rights rights;
	enum reeve_status status;

	head_of(&head, out, &rights);
	if (out->is_block && out->made != NULL) {
		return send_block(conn, &head, &rights, out->made, until);
	}
	if (out->length <= RV_INLINE_MAX && out->made == NULL) {
		status = send_packet(
		    conn, &head, &rights, out->parts, out->n_parts, until);
		if (status != REEVE_ETOOBIG) {
			return status;
		}
		/* its buffer has been made smaller than we are used to */
	}
	return send_memory(conn, &head, &rights, out, until);
}

void
rv_seqpacket_drop(struct rv_arrival *a)
{
	rv_rights_close(&a->rights);
	a->here = false;
}

/* What was received, against what its head says. */
static enum reeve_status
judge(struct rv_arrival *a, const unsigned char head[RV_HEAD_BYTES], size_t n,
    int flags)
{
	unsigned fds, extra = 0;
	uint64_t want;

	if (n < RV_HEAD_BYTES || (flags & MSG_TRUNC) != 0 ||
	    !rv_head_decode(&a->head, head)) {
		return REEVE_EPROTO;
	}
	a->body = n - RV_HEAD_BYTES;
	if (a->head.type == RV_HEAD_DATA) {
		want = a->head.length;
	} else {
		extra = a->head.type == RV_HEAD_BLOCK ? 2 : 1;
		want = extra == 2 ? RV_BLOCK_PLACE_BYTES : 0;
	}
	if (a->body != want || want > RV_INLINE_MAX ||
	    (extra > 0 && a->head.length == 0)) {
		return REEVE_EPROTO;
	}
	fds = rv_head_fds(&a->head) + extra;
	if (a->rights.n < fds && (flags & MSG_CTRUNC) != 0) {
		errno = EMFILE;
		return REEVE_ESYS;
	}
	return a->rights.n == fds ? REEVE_OK : REEVE_EPROTO;
}

/*
 * The next packet: its head and descriptors into the arrival, the bytes into
 * `size` bytes at `at`, and what does not fit there into the spill.
 */
static enum reeve_status
pull(struct reeve_conn *conn, void *at, size_t size, rv_time until)
{
	struct rv_arrival *a = &conn->own->arrival;
	unsigned char head[RV_HEAD_BYTES];
	struct iovec iov[] = { { head, sizeof(head) }, { at, size },
		{ conn->own->spill, sizeof(conn->own->spill) } };
	union rv_rights_room room;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	int flags = until == RV_FOREVER ? 0 : MSG_DONTWAIT;
	enum reeve_status status;
	ssize_t n;

	for (;;) {
		rv_rights_room_for(&msg, &room);
		n = rv_sys_recvmsg(conn->fd, &msg, flags);
		if (n >= 0) {
			break;
		}
		if (errno == ECONNRESET) {
			/*
			 * The peer left without having read all of ours. That
			 * is said once; what it sent is there still.
			 */
			continue;
		}
		if (errno != EAGAIN) {
			return failed(conn);
		}
		status = rv_wait_fd(conn->fd, POLLIN, until);
		if (status != REEVE_OK) {
			return status;
		}
	}
	rv_rights_take(&a->rights, &msg);
	if (n == 0) {
		/* an end; or a packet of no bytes, which may have some, too */
		rv_rights_close(&a->rights);
		return conn->is_down ? REEVE_ECLOSED : REEVE_EEND;
	}
	status = judge(a, head, (size_t)n, msg.msg_flags);
	if (status != REEVE_OK) {
		int saved = errno;

		rv_seqpacket_drop(a);
		errno = saved;
		return status;
	}
	a->here = true;
	return REEVE_OK;
}

/* The memory is what it was said to be, and will stay so. */
static bool
is_sealed(int fd, uint64_t length)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0 &&
	       st.st_size >= 0 && (uint64_t)st.st_size == length;
}

static bool
read_all(int fd, char *at, uint64_t length)
{
	uint64_t done = 0;

	while (done < length) {
		ssize_t n = pread(fd, at + done, length - done, (off_t)done);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return false;
		}
		done += (uint64_t)n;
	}
	return true;
}

/* REEVE_ENOMEM alone leaves it to be received again. */
static enum reeve_status
deliver_memory(struct rv_arrival *a, const struct rv_incoming *in)
{
	int fd = a->rights.fds[a->rights.n - 1];

	if (!is_sealed(fd, a->head.length)) {
		return REEVE_EPROTO;
	}
	if (in->parcel != NULL) {
		return rv_parcel_map(in->parcel, fd, a->head.length);
	}
	return read_all(fd, in->buf, a->head.length) ? REEVE_OK : REEVE_ESYS;
}

/*
 * Where it lies, if the peer is trusted; else a copy, which nobody can change
 * while we look at it.
 */
static enum reeve_status
deliver_block(struct reeve_conn *conn, const struct rv_incoming *in)
{
	struct rv_arrival *a = &conn->own->arrival;
	struct rv_block_map *map = NULL;
	const void *at = NULL;
	enum reeve_status status =
	    rv_block_map_find(&conn->maps, a->rights.fds[a->rights.n - 2],
		conn->own->spill, a->head.length, &map, &at);

	if (status != REEVE_OK) {
		return status;
	}
	if (in->parcel != NULL && conn->shares_blocks) {
		reeve_parcel_free(in->parcel);
		in->parcel->kind = RV_PARCEL_LEASED;
		in->parcel->memory = map;
		in->parcel->lease = a->rights.fds[--a->rights.n];
		in->parcel->data = at;
		return REEVE_OK;
	}
	if (in->parcel != NULL) {
		status = rv_parcel_room(in->parcel, a->head.length);
	}
	if (status == REEVE_OK) {
		memcpy(in->parcel != NULL ? in->parcel->memory : in->buf, at,
		    a->head.length);
	}
	rv_block_map_leave(map);
	return status;
}

/* All of the packet into the spill; `placed` bytes of it are at `at`. */
static void
gather(struct rv_conn_own *own, const void *at, size_t placed)
{
	if (placed > 0) {
		memmove(own->spill + placed, own->spill,
		    own->arrival.body - placed);
		memcpy(own->spill, at, placed);
	}
}

/* The packet lies in the spill. */
static enum reeve_status
deliver_data(struct rv_conn_own *own, const struct rv_incoming *in)
{
	struct rv_arrival *a = &own->arrival;
	enum reeve_status status = REEVE_OK;
	void *at = in->buf;

	if (in->parcel != NULL) {
		status = rv_parcel_room(in->parcel, a->head.length);
		at = in->parcel->memory;
	}
	if (status == REEVE_OK && a->body > 0) {
		memcpy(at, own->spill, a->body);
	}
	return status;
}

/* What is left in the arrival is the memory of the bytes. */
static void
deliver_handles(struct rv_arrival *a, struct reeve_parcel *parcel)
{
	unsigned at = 0;

	for (unsigned i = 0; i < a->head.n_handles; i++) {
		struct reeve_handle *h = &parcel->handles[i];

		h->kind = (enum reeve_share_kind)(a->head.handles[i] >> 4);
		h->n_fds = a->head.handles[i] & 15;
		memcpy(h->fds, a->rights.fds + at, h->n_fds * sizeof(int));
		at += h->n_fds;
	}
	parcel->n_handles = a->head.n_handles;
	a->rights.n -= at;
	memmove(a->rights.fds, a->rights.fds + at, a->rights.n * sizeof(int));
}

static void
finish(struct rv_arrival *a, const struct rv_incoming *in)
{
	struct reeve_parcel *parcel = in->parcel;

	if (in->length != NULL) {
		*in->length = a->head.length;
	}
	if (parcel != NULL) {
		if (parcel->kind != RV_PARCEL_LEASED) {
			parcel->data = parcel->memory;
		}
		parcel->length = a->head.length;
		parcel->flags = a->head.flags;
		if (a->rights.n > 0) {
			deliver_handles(a, parcel);
		}
	}
	rv_seqpacket_drop(a);
}

enum reeve_status
rv_seqpacket_receive(
    struct reeve_conn *conn, const struct rv_incoming *in, rv_time until)
{
	struct rv_conn_own *own = conn->own;
	struct rv_arrival *a = &own->arrival;
	bool again = a->here, reuse;
	enum reeve_status status;
	size_t placed = 0, size = in->size;
	void *at = in->buf;

	if (!again) {
		if (in->parcel != NULL) {
			reuse = in->parcel->kind == RV_PARCEL_HEAP;
			at = reuse ? in->parcel->memory : NULL;
			size = reuse ? in->parcel->capacity : 0;
		}
		status = pull(conn, at, size, until);
		if (status != REEVE_OK) {
			return status;
		}
		placed = RV_MIN(size, a->body);
	}
	if (a->head.length > in->size && in->parcel != NULL) {
		rv_seqpacket_drop(a);
		return REEVE_ETOOBIG;
	}
	if (a->head.length > in->size) {
		gather(own, at, placed);
		*in->length = a->head.length;
		return REEVE_ETOOSHORT;
	}
	if (a->head.type == RV_HEAD_MEMORY) {
		status = deliver_memory(a, in);
	} else if (a->head.type == RV_HEAD_BLOCK) {
		gather(own, at, placed);
		status = deliver_block(conn, in);
	} else if (again || placed < a->body) {
		gather(own, at, placed);
		status = deliver_data(own, in);
	} else {
		status = REEVE_OK;
	}
	if (status == REEVE_OK) {
		finish(a, in);
	} else if (status != REEVE_ENOMEM) {
		rv_seqpacket_drop(a);
	}
	return status;
}
