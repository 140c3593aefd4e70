/* SPDX-License-Identifier: MIT */
/*
 * A connection from the inside: what conn.c owns, and the two ways of bringing
 * a message over, seqpacket.c and stream.c, which it calls with the lock of the
 * direction held; but packets are sent without, the kernel keeps them apart.
 */
#ifndef RV_CONN_PRIV_H
#define RV_CONN_PRIV_H

#include <pthread.h>

#include <reeve/conn.h>

#include "base/base.h"
#include "base/time.h"
#include "conn/blocks.h"
#include "conn/head.h"
#include "conn/rights.h"
#include "conn/stream.h"
#include "ipc/wait.h"

#define RV_CONN_MAGIC 0x636f6e6eU

/* Bytes of a message that goes within its packet; larger ones go by memory. */
#define RV_INLINE_MAX ((size_t)REEVE_PLAIN_BYTES)

/*
 * A message of up to so many bytes goes and comes in one piece with its head,
 * copied once more: that costs less than what the kernel does for each piece.
 */
#define RV_COPIED_MAX ((size_t)4096)

/* Of the memory of a message that is too long for a packet. */
#define RV_MESSAGE_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

/* What owns the bytes of a parcel. */
enum rv_parcel_kind {
	RV_PARCEL_NONE,   /* nobody, or the caller */
	RV_PARCEL_HEAP,   /* memory, of that capacity */
	RV_PARCEL_MAPPED, /* a mapping at memory, of that capacity */
	RV_PARCEL_MADE,   /* the same, writable; the memfd is the lease */
	RV_PARCEL_BLOCK,  /* memory: reeve_blocks, capacity: which, lease: ours
			   */
	RV_PARCEL_LEASED, /* memory: rv_block_map, lease: the peer's */
};

/* A message to be sent. */
struct rv_outgoing {
	const struct iovec *parts;
	size_t n_parts;
	uint64_t length;
	uint32_t flags;
	uint32_t n_handles;
	const struct reeve_handle *handles;
	struct reeve_parcel *made; /* whose memory goes itself, or NULL; */
	bool is_block;             /* and it is a block */
};

/* Where a message goes: a parcel, or memory of the caller's. */
struct rv_incoming {
	struct reeve_parcel *parcel; /* or NULL: */
	void *buf;
	uint64_t size; /* of buf, or the longest that is wanted */
	uint64_t *length;
};

/* How long a call may wait. The clock is asked when it has to, and once. */
struct rv_limit {
	int64_t timeout;
	rv_time until; /* negative: not known yet */
};

static inline struct rv_limit
rv_limit_of(int64_t timeout)
{
	return (struct rv_limit){ timeout, -1 };
}

static inline rv_time
rv_limit_end(struct rv_limit *limit)
{
	if (limit->until < 0) {
		limit->until = rv_wait_until(limit->timeout);
	}
	return limit->until;
}

/* A packet that was received and is not delivered. */
struct rv_arrival {
	bool here;
	struct rv_head head;
	size_t body; /* bytes of it in the spill */
	struct rv_rights rights;
};

/*
 * What a fork must not copy, in memory that is zero in the child: the locks,
 * which threads of the parent may hold and zero is unlocked of, and a packet
 * that the parent received.
 */
struct rv_conn_own {
	pthread_mutex_t sending, receiving;
	/* calls that shall not look before they sleep, see seqpacket.c */
	unsigned blind, in_vain;
	struct rv_arrival arrival;
	/* a head, and behind it the spill, at the beginning of a line */
	_Alignas(64) unsigned char before[64 - RV_HEAD_BYTES];
	unsigned char packet[RV_HEAD_BYTES + RV_INLINE_MAX];
};

struct reeve_conn {
	uint32_t magic;
	_Atomic int fd;       /* -1: closed */
	_Atomic bool is_down; /* by reeve_conn_shutdown */
	bool may_send, may_receive;
	bool is_plain; /* no descriptors come or go */
	bool may_look; /* before it sleeps: there are other processors */
	struct rv_conn_own *own;
	size_t own_bytes;         /* none for packets where there are none */
	struct rv_stream *stream; /* NULL: packets */
	struct rv_block_maps maps;
	_Atomic bool shares_blocks;
};

/*
 * Takes the descriptor and the way of the bytes (NULL: as they are), on failure
 * too.
 */
enum reeve_status rv_conn_new(struct reeve_conn **, int fd, bool may_send,
    bool may_receive, const struct rv_transport_ops *, void *ctx,
    struct reeve_error *) RV_MUST_CHECK;

/* REEVE_ETIMEDOUT: somebody else has it, still. */
enum reeve_status rv_conn_lock(
    pthread_mutex_t *, struct rv_limit *) RV_MUST_CHECK;

/*
 * A message of bytes alone, RV_COPIED_MAX at most. REEVE_ETOOBIG: the socket
 * takes no such packet.
 */
enum reeve_status rv_seqpacket_send_small(struct reeve_conn *, uint32_t flags,
    const struct iovec *parts, size_t n, uint64_t length,
    struct rv_limit *) RV_MUST_CHECK;
enum reeve_status rv_seqpacket_send(struct reeve_conn *,
    const struct rv_outgoing *, struct rv_limit *) RV_MUST_CHECK;
enum reeve_status rv_seqpacket_receive(struct reeve_conn *,
    const struct rv_incoming *, struct rv_limit *) RV_MUST_CHECK;
/* Forget what arrived. */
void rv_seqpacket_drop(struct rv_arrival *);

/* Memory of `length` bytes at least; its bytes may be anything. */
enum reeve_status rv_parcel_room(
    struct reeve_parcel *, uint64_t length) RV_MUST_CHECK;
/* The bytes of a sealed memfd. */
enum reeve_status rv_parcel_map(
    struct reeve_parcel *, int memfd, uint64_t length) RV_MUST_CHECK;
/* It owns no bytes any more, and no handles. */
void rv_parcel_empty(struct reeve_parcel *);
/* Nobody can change a made one any more. */
enum reeve_status rv_parcel_seal(struct reeve_parcel *) RV_MUST_CHECK;

#endif
