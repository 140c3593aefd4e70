/* SPDX-License-Identifier: MIT */
/*
 * One event as it stands in the ring: encoding and decoding. The layout is
 * little more than the struct: {life, at_us, kind, counts} and then the path
 * and the fields, packed; the id follows from where it stands. Pure; the
 * decoder trusts nothing (fuzzed).
 */
#ifndef RV_WIRE_RECORD_H
#define RV_WIRE_RECORD_H

#include <reeve/error.h>

#include "base/buf.h"
#include "core/event.h"

#define RV_RECORD_MAX (256 * 1024) /* bytes, of one encoded record */

struct rv_record {
	uint64_t id;      /* of the event */
	uint64_t life;    /* 0: none */
	int64_t at_us;    /* wall clock */
	unsigned kind;    /* enum rv_kind_of_event */
	const char *path; /* of the unit; not NUL-terminated after decoding */
	size_t path_len;
	const struct rv_fields *fields;
};

/* Bytes needed; then encode exactly that many into dst. */
size_t rv_record_size(const struct rv_record *);
void rv_record_encode(const struct rv_record *, void *dst);

/* Borrows from src; fields go to *fields. REEVE_EDAMAGED when malformed. */
enum reeve_status rv_record_decode(struct rv_record *, struct rv_fields *,
    const void *src, size_t len) RV_MUST_CHECK;

/* Append the fields as one JSON object: the event's `detail`. */
void rv_record_detail(const struct rv_record *, struct rv_buf *);

#endif
