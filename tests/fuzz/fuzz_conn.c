/* SPDX-License-Identifier: MIT */
/*
 * A peer that says what it likes. The first byte of an input chooses: a stream
 * (even), whose other bytes come in pieces of that size, or packets (odd), each
 * {u8 descriptors, u8 length, bytes}, to a plain end if the second bit is set.
 * What is received must be what a second, simple reading of the same bytes
 * finds, and no descriptor may stay open.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reeve/conn.h>

#include "conn/head.h"
#include "conn/rights.h"
#include "fuzz/fuzz_fds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LONGEST 300

static struct reeve_conn *
begin(int type, bool is_plain, int *raw)
{
	struct reeve_handle handle = { REEVE_SHARE_CONNECTION, 1, { 0 } };
	struct reeve_conn *conn = NULL;
	int fds[2];

	expect(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
	handle.kind = is_plain ? REEVE_SHARE_PLAIN : REEVE_SHARE_CONNECTION;
	handle.fds[0] = fds[0];
	expect(reeve_conn_open(&conn, &handle, NULL) == REEVE_OK);
	(void)close(fds[0]);
	*raw = fds[1];
	return conn;
}

/* What the next message of a stream is to be. */
struct reading {
	const uint8_t *at;
	size_t left;
	bool is_garbage;
};

/* The bytes of it; false: there is none yet. */
static bool
next_of(struct reading *r, struct rv_head *head, const uint8_t **body)
{
	if (r->is_garbage || r->left < RV_HEAD_BYTES) {
		return false;
	}
	if (!rv_head_decode(head, r->at) || head->type != RV_HEAD_DATA ||
	    head->n_handles > 0) {
		r->is_garbage = true;
		return false;
	}
	*body = r->at + RV_HEAD_BYTES;
	if (head->length > LONGEST) {
		uint64_t skip = head->length;

		if (skip > r->left - RV_HEAD_BYTES) {
			skip = r->left - RV_HEAD_BYTES;
		}
		r->at += RV_HEAD_BYTES + skip;
		r->left -= RV_HEAD_BYTES + skip;
		return true;
	}
	if (head->length > r->left - RV_HEAD_BYTES) {
		return false;
	}
	r->at += RV_HEAD_BYTES + head->length;
	r->left -= RV_HEAD_BYTES + head->length;
	return true;
}

/* All that is there so far, against the reading. */
static void
receive(struct reeve_conn *conn, struct reeve_parcel *in, struct reading *r)
{
	for (;;) {
		enum reeve_status status =
		    reeve_conn_recv(conn, in, LONGEST, 0);
		const uint8_t *body = NULL;
		struct rv_head head;

		if (status == REEVE_ETIMEDOUT) {
			return;
		}
		if (status == REEVE_EPROTO) {
			expect(!next_of(r, &head, &body) && r->is_garbage);
			return;
		}
		if (status == REEVE_EEND || status == REEVE_EBROKEN) {
			expect(!next_of(r, &head, &body) && !r->is_garbage);
			return;
		}
		expect(next_of(r, &head, &body));
		if (status == REEVE_ETOOBIG) {
			expect(head.length > LONGEST);
			continue;
		}
		expect(status == REEVE_OK && in->length == head.length &&
		       in->flags == head.flags && in->n_handles == 0 &&
		       (in->length == 0 ||
			   memcmp(in->data, body, in->length) == 0));
	}
}

static void
stream(const uint8_t *data, size_t size, size_t piece)
{
	struct reeve_parcel in = { 0 };
	struct reading r = { data, size, false };
	size_t at = 0;
	int raw;
	struct reeve_conn *conn = begin(SOCK_STREAM, false, &raw);

	while (at < size) {
		size_t n = size - at < piece ? size - at : piece;

		if (send(raw, data + at, n, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		    (ssize_t)n) {
			break; /* more than a socket holds, of garbage */
		}
		at += n;
		receive(conn, &in, &r);
	}
	(void)close(raw);
	if (at == size) {
		receive(conn, &in, &r);
	}
	reeve_parcel_free(&in);
	reeve_conn_free(conn);
}

/* One packet with these descriptors, all of which are of raw. */
static bool throw(int raw, const uint8_t *data, size_t len, unsigned n_fds)
{
	struct rv_rights rights = { .n = n_fds };
	union rv_rights_room room;
	struct iovec part = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	for (unsigned i = 0; i < n_fds; i++) {
		rights.fds[i] = raw;
	}
	rv_rights_put(&rights, &msg, &room);
	return sendmsg(raw, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static void
packets(const uint8_t *data, size_t size, bool is_plain)
{
	struct reeve_parcel in = { 0 };
	int raw, before;
	struct reeve_conn *conn = begin(SOCK_SEQPACKET, is_plain, &raw);
	uint64_t length;
	char buf[LONGEST];

	before = lowest();
	while (size >= 2) {
		unsigned n_fds = data[0] % (RV_RIGHTS_MAX + 1);
		size_t len = data[1];
		enum reeve_status status;
		struct rv_head head;

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		if (!throw(raw, data, len, n_fds)) {
			break;
		}
		/* into too little, and so kept; then all of it */
		status = reeve_conn_recv_into(conn, buf, 1, &length, 0);
		if (status == REEVE_ETOOSHORT) {
			status = reeve_conn_recv(conn, &in, LONGEST, 0);
			expect(status == REEVE_EPROTO ||
			       (length > LONGEST ? status == REEVE_ETOOBIG
						 : in.length == length));
		}
		if (len > 0 && status == REEVE_OK) {
			expect(rv_head_decode(&head, data) &&
			       head.length == len - RV_HEAD_BYTES &&
			       rv_head_fds(&head) == (is_plain ? 0 : n_fds));
			expect(!is_plain || head.type == RV_HEAD_DATA);
		}
		reeve_parcel_free(&in);
		expect(lowest() == before);
		data += len;
		size -= len;
	}
	(void)close(raw);
	reeve_conn_free(conn);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before = lowest();

	if (size == 0) {
		return 0;
	}
	if (data[0] % 2 == 0) {
		stream(data + 1, size - 1, data[0] / 2 + 1U);
	} else {
		packets(data + 1, size - 1, (data[0] & 2) != 0);
	}
	expect(lowest() == before);
	return 0;
}
