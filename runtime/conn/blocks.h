/* SPDX-License-Identifier: MIT */
/*
 * Shared blocks, as seqpacket.c and parcel.c see them: what is sent of one, and
 * the mappings of those that peers have sent.
 */
#ifndef RV_CONN_BLOCKS_H
#define RV_CONN_BLOCKS_H

#include <reeve/blocks.h>

#include "base/base.h"

/* Where in the memory: what is in the packet of a block. */
#define RV_BLOCK_PLACE_BYTES 16

struct rv_block_map;

/* Mappings of one connection, the newest first. */
#define RV_BLOCK_MAPS 4
struct rv_block_maps {
	struct rv_block_map *maps[RV_BLOCK_MAPS];
};

/* What goes with a parcel of RV_PARCEL_BLOCK: its memory and its place. */
int rv_blocks_memfd(const struct reeve_parcel *);
void rv_blocks_place(
    const struct reeve_parcel *, unsigned char[RV_BLOCK_PLACE_BYTES]);
/* The parcel has its block no more. */
void rv_blocks_leave(struct reeve_parcel *);

/*
 * The bytes of a block that came. REEVE_EPROTO: it is none; REEVE_ENOMEM. The
 * map is the caller's to leave.
 */
enum reeve_status rv_block_map_find(struct rv_block_maps *, int memfd,
    const unsigned char place[RV_BLOCK_PLACE_BYTES], uint64_t length,
    struct rv_block_map **, const void **at) RV_MUST_CHECK;
void rv_block_map_leave(struct rv_block_map *);
void rv_block_maps_close(struct rv_block_maps *);

#endif
