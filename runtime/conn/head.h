/* SPDX-License-Identifier: MIT */
/*
 * The head of a message: 32 bytes, the same in packets and in streams. What is
 * read of it was checked: lengths are not, they are the receiver's to limit.
 * Pure functions, called by packet.c and stream.c.
 */
#ifndef RV_CONN_HEAD_H
#define RV_CONN_HEAD_H

#include <reeve/conn.h>

#include "base/base.h"

#define RV_HEAD_BYTES 32

enum rv_head_type {
	RV_HEAD_DATA = 1, /* the bytes follow */
	RV_HEAD_MEMORY,   /* they are in a sealed memfd, the last descriptor */
	RV_HEAD_BLOCK,    /* in a shared block, see blocks.h */
};

struct rv_head {
	uint8_t type;
	uint8_t flags; /* enum reeve_parcel_flags */
	uint8_t n_handles;
	uint64_t length;
	/* each its kind in the upper half, its descriptors in the lower */
	uint8_t handles[REEVE_PARCEL_HANDLES];
};

void rv_head_encode(const struct rv_head *, unsigned char[RV_HEAD_BYTES]);

/* False: it is no head of ours. */
bool rv_head_decode(
    struct rv_head *, const unsigned char[RV_HEAD_BYTES]) RV_MUST_CHECK;

/* Descriptors of all handles. */
unsigned rv_head_fds(const struct rv_head *);

#endif
