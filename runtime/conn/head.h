/* SPDX-License-Identifier: MIT */
/*
 * The head of a message: 32 bytes, the same in packets and in streams. What is
 * read of it was checked: lengths are not, they are the receiver's to limit.
 * Pure functions, called by packet.c and stream.c.
 */
#ifndef RV_CONN_HEAD_H
#define RV_CONN_HEAD_H

#include <endian.h>
#include <string.h>

#include <reeve/conn.h>

#include "base/base.h"

#define RV_HEAD_BYTES 32
/* "rvm1", RV_HEAD_DATA, and zeros, as a number with its little end first. */
#define RV_HEAD_PLAIN UINT64_C(0x01316d7672)

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

/*
 * The same, for what goes and comes most: a message of bytes, and nothing else.
 * False: it is no head, or one of something else.
 */
static inline void
rv_head_encode_plain(
    unsigned char bytes[RV_HEAD_BYTES], uint8_t flags, uint64_t length)
{
	uint64_t first = htole64(RV_HEAD_PLAIN | (uint64_t)flags << 40);

	length = htole64(length);
	memcpy(bytes, &first, sizeof(first));
	memcpy(bytes + 8, &length, sizeof(length));
	memset(bytes + 16, 0, RV_HEAD_BYTES - 16);
}

static inline bool
rv_head_is_plain(
    const unsigned char bytes[RV_HEAD_BYTES], uint32_t *flags, uint64_t *length)
{
	uint64_t words[RV_HEAD_BYTES / 8];
	uint64_t others = (uint64_t)REEVE_PARCEL_JSON << 40;

	memcpy(words, bytes, sizeof(words));
	words[0] = le64toh(words[0]);
	*flags = (words[0] & others) >> 40;
	*length = le64toh(words[1]);
	words[0] = (words[0] & ~others) ^ RV_HEAD_PLAIN;
	return (words[0] | words[2] | words[3]) == 0;
}

/* Descriptors of all handles. */
unsigned rv_head_fds(const struct rv_head *);

#endif
