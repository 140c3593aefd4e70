/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON text into an rv_buf, without a tree: for event details and for
 * answers. Commas are placed by the writer. Bytes that are not UTF-8 come out
 * as U+FFFD, so that what is written is always valid JSON.
 */
#ifndef RV_JSONW_H
#define RV_JSONW_H

#include "base/buf.h"

#define RV_JSONW_DEPTH 32

struct rv_jsonw {
	struct rv_buf *out;
	unsigned depth;
	bool comma[RV_JSONW_DEPTH]; /* a value stands before, on this level */
	bool after_key;
};

void rv_jsonw_init(struct rv_jsonw *, struct rv_buf *out);
void rv_jsonw_object(struct rv_jsonw *);
void rv_jsonw_object_end(struct rv_jsonw *);
void rv_jsonw_array(struct rv_jsonw *);
void rv_jsonw_array_end(struct rv_jsonw *);
void rv_jsonw_key(struct rv_jsonw *, const char *key);
void rv_jsonw_str(struct rv_jsonw *, const char *s); /* NULL: null */
void rv_jsonw_strn(struct rv_jsonw *, const char *s, size_t len);
void rv_jsonw_int(struct rv_jsonw *, int64_t v);
void rv_jsonw_uint(struct rv_jsonw *, uint64_t v);
void rv_jsonw_double(struct rv_jsonw *, double v); /* not finite: null */
void rv_jsonw_bool(struct rv_jsonw *, bool v);
void rv_jsonw_null(struct rv_jsonw *);
void rv_jsonw_raw(struct rv_jsonw *, const char *json); /* already JSON */

#endif
