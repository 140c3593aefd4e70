/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a frame between our own executables: numbers in the machine's own
 * order (both ends are on it), strings with a length before and a NUL behind,
 * lists of strings. The writer never passes its maximum, the reader never
 * passes the end of what came and trusts nothing: both just become `failed`,
 * which is asked once, at the end. Pure.
 */
#ifndef RV_WIRE_PACK_H
#define RV_WIRE_PACK_H

#include "base/base.h"

struct rv_pack {
	char *data;
	size_t len, max;
	bool failed;
};

void rv_pack_init(struct rv_pack *, void *data, size_t max);
void rv_pack_bytes(struct rv_pack *, const void *, size_t len);
void rv_pack_u32(struct rv_pack *, uint32_t);
void rv_pack_i32(struct rv_pack *, int32_t);
void rv_pack_u64(struct rv_pack *, uint64_t);
void rv_pack_i64(struct rv_pack *, int64_t);
/* NULL is a value of its own. */
void rv_pack_str(struct rv_pack *, const char *);

struct rv_unpack {
	const char *at, *end;
	bool failed;
};

void rv_unpack_init(struct rv_unpack *, const void *data, size_t len);
/* Each gives 0 or NULL once failed. */
uint32_t rv_unpack_u32(struct rv_unpack *);
int32_t rv_unpack_i32(struct rv_unpack *);
uint64_t rv_unpack_u64(struct rv_unpack *);
int64_t rv_unpack_i64(struct rv_unpack *);
/* Points into the frame; NUL-terminated, no NUL inside; NULL: was NULL. */
const char *rv_unpack_str(struct rv_unpack *);
/* As rv_unpack_str, but a NULL fails. */
const char *rv_unpack_text(struct rv_unpack *);
/* True when all went well and nothing is left over. */
bool rv_unpack_done(const struct rv_unpack *);

/*
 * A list of strings: an array when it is to be packed (of `count`, a NULL
 * behind is not needed), packed strings, one behind the other, once it came.
 */
struct rv_strings {
	const char *const *array;
	const char *packed;
	uint32_t count;
	uint32_t bytes; /* of packed */
};

/* A view of a NULL-terminated array; NULL is an empty one. */
struct rv_strings rv_strings_of(const char *const *array);
void rv_pack_strings(struct rv_pack *, const struct rv_strings *);
void rv_unpack_strings(struct rv_unpack *, struct rv_strings *);
/* The string behind this one in `packed`; start with packed itself. */
const char *rv_strings_next(const char *s);

#endif
