/* SPDX-License-Identifier: MIT */
/*
 * Heads of messages, to bytes and back:
 *
 *	0  "rvm1"
 *	4  type, flags, number of handles, zero
 *	8  length, 64 bits, little end first
 *	16 a byte for each handle, then zeros
 *
 * What has no meaning must be zero, so that it may be given one.
 */
#include "config.h"

#include "conn/head.h"

#include <endian.h>
#include <string.h>

static const unsigned char magic[4] = { 'r', 'v', 'm', '1' };

#define LAST_KIND REEVE_SHARE_PLAIN_WRITER
_Static_assert(LAST_KIND <= 15, "a kind has four bits");
_Static_assert(REEVE_HANDLE_FDS <= 15, "and so has a number of descriptors");

void
rv_head_encode(const struct rv_head *head, unsigned char bytes[RV_HEAD_BYTES])
{
	uint64_t length = htole64(head->length);

	memcpy(bytes, magic, sizeof(magic));
	bytes[4] = head->type;
	bytes[5] = head->flags;
	bytes[6] = head->n_handles;
	bytes[7] = 0;
	memcpy(bytes + 8, &length, sizeof(length));
	memcpy(bytes + 16, head->handles, sizeof(head->handles));
}

static bool
handle_is_valid(uint8_t handle)
{
	unsigned kind = handle >> 4, n_fds = handle & 15;

	return kind != REEVE_SHARE_NONE && kind <= LAST_KIND && n_fds >= 1 &&
	       n_fds <= REEVE_HANDLE_FDS;
}

bool
rv_head_decode(struct rv_head *head, const unsigned char bytes[RV_HEAD_BYTES])
{
	uint64_t length;

	if (memcmp(bytes, magic, sizeof(magic)) != 0 || bytes[7] != 0) {
		return false;
	}
	head->type = bytes[4];
	head->flags = bytes[5];
	head->n_handles = bytes[6];
	memcpy(&length, bytes + 8, sizeof(length));
	head->length = le64toh(length);
	memcpy(head->handles, bytes + 16, sizeof(head->handles));
	if (head->type < RV_HEAD_DATA || head->type > RV_HEAD_BLOCK ||
	    (head->flags & ~(unsigned)REEVE_PARCEL_JSON) != 0 ||
	    head->n_handles > REEVE_PARCEL_HANDLES) {
		return false;
	}
	if (head->n_handles == 0) {
		static const uint8_t none[REEVE_PARCEL_HANDLES];

		return memcmp(head->handles, none, sizeof(none)) == 0;
	}
	for (unsigned i = 0; i < REEVE_PARCEL_HANDLES; i++) {
		if (i < head->n_handles ? !handle_is_valid(head->handles[i])
					: head->handles[i] != 0) {
			return false;
		}
	}
	return true;
}

unsigned
rv_head_fds(const struct rv_head *head)
{
	unsigned n = 0;

	for (unsigned i = 0; i < head->n_handles; i++) {
		n += head->handles[i] & 15;
	}
	return n;
}
