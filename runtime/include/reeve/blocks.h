/* SPDX-License-Identifier: MIT */
/*
 * Blocks of shared memory that large messages are written into and read from
 * where they lie, again and again: no copy, no new memory, nothing to be made
 * known in between. Part of libreeve-ipc.
 *
 *	reeve_blocks_new(&blocks, 1 << 20, 8, &err);
 *	reeve_blocks_take(blocks, &parcel, &at, REEVE_S(5));
 *	... fill at[0 .. 1 << 20), or set parcel.length to less ...
 *	reeve_conn_send_parcel(conn, &parcel, REEVE_S(5));
 *
 * A block is free again when who received it has freed his parcel, or is dead:
 * with each goes a descriptor whose last copy the kernel tells us of. So a fork
 * that has a copy of a parcel keeps its block.
 *
 * The sender can still write into a block that he has sent. Therefore it is
 * copied where it is received, unless the receiver trusts his peer and has said
 * reeve_conn_share_blocks. All may be called from any thread.
 */
#ifndef REEVE_BLOCKS_H
#define REEVE_BLOCKS_H

#include <reeve/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_blocks;

#define REEVE_BLOCKS_MAX 64

/*
 * So many of that size. REEVE_EINVALID: none, or too many; REEVE_ENOMEM;
 * REEVE_ESYS.
 */
REEVE_PUBLIC enum reeve_status reeve_blocks_new(struct reeve_blocks **,
    uint64_t bytes_each, uint32_t n, struct reeve_error *) REEVE_MUST_CHECK;

/* Blocks that are under way or not sent yet live on. NULL is fine. */
REEVE_PUBLIC void reeve_blocks_free(struct reeve_blocks *);

/*
 * A free one, to be written at *at; its old bytes may be in it. Sent, the
 * parcel is empty; reeve_parcel_free gives back one that is not.
 * REEVE_ETIMEDOUT: none came free; REEVE_EINVALID; REEVE_ENOMEM; REEVE_ESYS: no
 * descriptor is left (a block that is out takes one of ours).
 */
REEVE_PUBLIC enum reeve_status reeve_blocks_take(struct reeve_blocks *,
    struct reeve_parcel *, void **at, int64_t timeout) REEVE_MUST_CHECK;

/* Blocks that come here are read where they lie: the peer is trusted. */
REEVE_PUBLIC void reeve_conn_share_blocks(struct reeve_conn *, bool);

#ifdef __cplusplus
}
#endif

#endif
