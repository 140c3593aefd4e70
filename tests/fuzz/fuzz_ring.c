/* SPDX-License-Identifier: MIT */
/*
 * A ring file that anything may have written: attached or refused, read to its
 * end, and every record that its checks let through decoded, without a step
 * outside of it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "wire/record.h"
#include "wire/ring.h"

#define RECORDS_MAX 10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode(const void *payload, size_t len)
{
	struct rv_record record;
	struct rv_fields fields;
	struct rv_buf detail;

	if (rv_record_decode(&record, &fields, payload, len) == REEVE_OK) {
		rv_buf_init(&detail, 1 << 20);
		rv_record_detail(&record, &detail);
		rv_buf_finish(&detail);
	}
}

static void
read_ring(const struct rv_ring *ring)
{
	static char copy[RV_RECORD_MAX];
	struct rv_ring_cursor at, again;
	struct rv_ring_drop drop;
	const void *payload;
	size_t len;

	for (unsigned i = 0; rv_ring_drop(ring, i, &drop); i++) {
		if (memchr(drop.path, '\0', sizeof(drop.path)) == NULL) {
			abort();
		}
	}
	if (!rv_ring_begin(ring, &at)) {
		return;
	}
	again = at;
	for (unsigned i = 0; i < RECORDS_MAX; i++) {
		if (rv_ring_next(ring, &at, &payload, &len) != 1) {
			break;
		}
		decode(payload, len);
		if (len <= sizeof(copy) &&
		    (rv_ring_copy(ring, &again, copy, sizeof(copy), &len) !=
			    1 ||
			again.pos != at.pos || again.seq != at.seq)) {
			abort();
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Offsets in the file are multiples of 8: so must be its place. */
	void *map = aligned_alloc(4096, (size + 4096) & ~(size_t)4095);
	struct rv_ring ring;

	if (map == NULL) {
		return 0;
	}
	memcpy(map, data, size);
	if (rv_ring_attach(&ring, map, size, NULL) == REEVE_OK) {
		read_ring(&ring);
	}
	free(map);
	decode(data, size);
	return 0;
}
