/* SPDX-License-Identifier: MIT */
/*
 * Messages as packets of a unix socket, received. One call of the kernel brings
 * one whole message over, so there is no half of one: not when the sender is
 * killed, not at a timeout, not when several processes have the same end.
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
#include "base/fault.h"
#include "conn/conn_priv.h"
#include "conn/seqpacket.h"
#include "ipc/wait.h"
#include "sys/sys.h"

/* Looks for a packet before a sleep; calls without, when it was in vain. */
#define LOOKS      32
#define MOST_BLIND 255

/* Room for the bytes of any packet, behind the head. */
static unsigned char *
spill(struct rv_conn_own *own)
{
	return own->packet + RV_HEAD_BYTES;
}

void
rv_seqpacket_drop(struct rv_arrival *a)
{
	rv_rights_close(&a->rights);
	a->here = false;
}

/* What was received, against what its head says. */
static enum reeve_status
judge(const struct reeve_conn *conn, struct rv_arrival *a,
    const unsigned char head[RV_HEAD_BYTES], size_t n, int flags)
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
	if (conn->is_plain && fds > 0) {
		return REEVE_EPROTO;
	}
	if (a->rights.n < fds && (flags & MSG_CTRUNC) != 0) {
		errno = EMFILE;
		return REEVE_ESYS;
	}
	return a->rights.n == fds ? REEVE_OK : REEVE_EPROTO;
}

/* After an error. REEVE_OK: it can be tried again. */
static __attribute__((noinline)) enum reeve_status
not_received(const struct reeve_conn *conn, struct rv_limit *limit)
{
	/*
	 * A reset: the peer left without having read all of ours. That is said
	 * once; what it sent is there still.
	 */
	if (errno == ECONNRESET || errno == EINTR) {
		return REEVE_OK;
	}
	return errno == EAGAIN ? rv_seqpacket_wait(conn, POLLIN, limit)
			       : rv_seqpacket_failed(conn);
}

/*
 * One call of the kernel; its result. A plain end has no room for descriptors:
 * if some come, the kernel closes them.
 */
static inline ssize_t
look(const struct reeve_conn *conn, struct msghdr *msg,
    union rv_rights_room *room, int flags)
{
	size_t size = msg->msg_iov->iov_len;
	int error = RV_FAULT(recv);
	ssize_t n;

	if (error != 0) {
		errno = error;
		return -1;
	}
	if (!conn->is_plain) {
		rv_rights_room_for(msg, room);
	} else if (msg->msg_iovlen == 1) {
		n = recv(
		    conn->fd, msg->msg_iov->iov_base, size, flags | MSG_TRUNC);
		msg->msg_flags = n > (ssize_t)size ? MSG_TRUNC : 0;
		return RV_MIN(n, (ssize_t)size);
	}
	return recvmsg(conn->fd, msg, flags | MSG_CMSG_CLOEXEC);
}

/* None was there; look for some moments whether one comes. EAGAIN: none. */
static __attribute__((noinline)) ssize_t
look_again(const struct reeve_conn *conn, struct msghdr *msg,
    union rv_rights_room *room)
{
	struct rv_conn_own *own = conn->own;

	for (unsigned i = 0; i < LOOKS; i++) {
		ssize_t n = look(conn, msg, room, MSG_DONTWAIT);

		if (n >= 0 || errno != EAGAIN) {
			own->in_vain = 0;
			return n;
		}
	}
	own->in_vain = RV_MIN(2 * own->in_vain + 1, MOST_BLIND);
	own->blind = own->in_vain;
	return -1;
}

/*
 * One packet as it comes, its length into *n. To sleep and be woken costs both
 * sides more than many an answer takes to come; so it is looked for some more
 * before, for about as long as that, but not after it was in vain lately.
 */
static inline enum reeve_status
pull(const struct reeve_conn *conn, struct msghdr *msg,
    union rv_rights_room *room, ssize_t *n, struct rv_limit *limit)
{
	struct rv_conn_own *own = conn->own;
	bool looks = conn->may_look && limit->timeout != 0 && own->blind == 0;
	int flags = looks ? MSG_DONTWAIT : rv_seqpacket_flags(limit);
	enum reeve_status status = REEVE_OK;

	own->blind -= own->blind > 0;
	while (status == REEVE_OK) {
		*n = look(conn, msg, room, flags);
		if (__builtin_expect(*n >= 0, 1)) {
			return REEVE_OK;
		}
		if (looks && errno == EAGAIN) {
			looks = false;
			*n = look_again(conn, msg, room);
			if (*n >= 0) {
				return REEVE_OK;
			}
			flags = rv_seqpacket_flags(limit);
			if (errno == EAGAIN && flags == 0) {
				continue; /* to sleep in that very call */
			}
		}
		status = not_received(conn, limit);
	}
	return status;
}

/* What was received into the arrival, if it is what it should be. */
static __attribute__((noinline)) enum reeve_status
take(struct reeve_conn *conn, struct msghdr *msg, ssize_t n)
{
	struct rv_conn_own *own = conn->own;
	struct rv_arrival *a = &own->arrival;
	enum reeve_status status;

	rv_rights_take(&a->rights, msg);
	if (n == 0) {
		/* an end; or a packet of no bytes, which may have some, too */
		rv_rights_close(&a->rights);
		return conn->is_down ? REEVE_ECLOSED : REEVE_EEND;
	}
	status = judge(conn, a, own->packet, (size_t)n, msg->msg_flags);
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

	return seals >= 0 && (seals & RV_MESSAGE_SEALS) == RV_MESSAGE_SEALS &&
	       fstat(fd, &st) == 0 && st.st_size >= 0 &&
	       (uint64_t)st.st_size == length;
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
		spill(conn->own), a->head.length, &map, &at);

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

/*
 * What is nearly always so, in few steps: bytes without descriptors, for which
 * there is room. False: nothing was done.
 */
static inline __attribute__((always_inline)) bool
deliver_plain(const unsigned char *packet, const struct rv_incoming *in,
    const struct msghdr *msg, size_t n)
{
	struct reeve_parcel *parcel = in->parcel;
	void *at = in->buf;
	uint64_t length;
	uint32_t flags;

	if (n < RV_HEAD_BYTES || msg->msg_controllen != 0 ||
	    (msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    !rv_head_is_plain(packet, &flags, &length) ||
	    length != n - RV_HEAD_BYTES || length > in->size) {
		return false;
	}
	if (parcel != NULL) {
		if (parcel->kind != RV_PARCEL_HEAP ||
		    parcel->capacity < length) {
			return false;
		}
		at = parcel->memory;
		parcel->data = at;
		parcel->length = length;
		parcel->flags = flags;
	}
	if (in->length != NULL) {
		*in->length = length;
	}
	if (length > 0) {
		memcpy(at, packet + RV_HEAD_BYTES, length);
	}
	return true;
}

/*
 * The next packet, whole: either it is delivered, or else it is in the arrival
 * and the spill.
 */
static inline __attribute__((always_inline)) enum reeve_status
receive_whole(struct reeve_conn *conn, const struct rv_incoming *in,
    struct rv_limit *limit)
{
	struct rv_conn_own *own = conn->own;
	struct iovec whole = { own->packet, sizeof(own->packet) };
	struct msghdr msg = { .msg_iov = &whole, .msg_iovlen = 1 };
	union rv_rights_room room;
	ssize_t n;
	enum reeve_status status = pull(conn, &msg, &room, &n, limit);

	if (status != REEVE_OK ||
	    deliver_plain(own->packet, in, &msg, (size_t)n)) {
		return status;
	}
	return take(conn, &msg, n);
}

/*
 * The next packet in pieces: its head and descriptors into the arrival, the
 * bytes into `size` bytes at `at`, and what does not fit there into the spill.
 */
static __attribute__((noinline)) enum reeve_status
receive_pieces(
    struct reeve_conn *conn, void *at, size_t size, struct rv_limit *limit)
{
	struct rv_conn_own *own = conn->own;
	struct iovec pieces[] = { { own->packet, RV_HEAD_BYTES }, { at, size },
		{ spill(own), RV_INLINE_MAX } };
	struct msghdr msg = { .msg_iov = pieces, .msg_iovlen = 3 };
	union rv_rights_room room;
	ssize_t n;
	enum reeve_status status = pull(conn, &msg, &room, &n, limit);

	return status == REEVE_OK ? take(conn, &msg, n) : status;
}

/* All of the packet into the spill; `placed` bytes of it are at `at`. */
static void
gather(struct rv_conn_own *own, const void *at, size_t placed)
{
	if (placed > 0) {
		memmove(spill(own) + placed, spill(own),
		    own->arrival.body - placed);
		memcpy(spill(own), at, placed);
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
		memcpy(at, spill(own), a->body);
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

/* The arrival; `placed` bytes of it are at `at`, the others in the spill. */
static __attribute__((noinline)) enum reeve_status
deliver(struct reeve_conn *conn, const struct rv_incoming *in, const void *at,
    size_t placed)
{
	struct rv_conn_own *own = conn->own;
	struct rv_arrival *a = &own->arrival;
	enum reeve_status status = REEVE_OK;

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
	} else if (placed < a->body) {
		gather(own, at, placed);
		status = deliver_data(own, in);
	}
	if (status == REEVE_OK) {
		finish(a, in);
	} else if (status != REEVE_ENOMEM) {
		rv_seqpacket_drop(a);
	}
	return status;
}

enum reeve_status
rv_seqpacket_receive(struct reeve_conn *conn, const struct rv_incoming *in,
    struct rv_limit *limit)
{
	struct rv_arrival *a = &conn->own->arrival;
	const struct reeve_parcel *parcel = in->parcel;
	void *at = in->buf;
	size_t size = in->size, placed = 0;
	enum reeve_status status = REEVE_OK;

	if (parcel != NULL) {
		at = parcel->memory;
		size = parcel->kind == RV_PARCEL_HEAP ? parcel->capacity : 0;
	}
	if (!a->here && size > RV_COPIED_MAX) {
		status = receive_pieces(conn, at, size, limit);
		placed = RV_MIN(size, a->body);
	} else if (!a->here) {
		status = receive_whole(conn, in, limit);
	}
	return status == REEVE_OK && a->here ? deliver(conn, in, at, placed)
					     : status;
}
