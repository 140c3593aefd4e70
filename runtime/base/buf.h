/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer with a maximum given at birth. Once something did not
 * fit (or memory ran out) the buffer is `failed`, keeps what it had, and takes
 * no more: check once, at the end. It always holds a NUL behind the last byte.
 */
#ifndef RV_BUF_H
#define RV_BUF_H

#include "base/base.h"

struct rv_buf {
	char *data; /* NULL until the first byte */
	size_t len, cap, max;
	bool failed;
	bool starved; /* failed for lack of memory, not of room */
};

void rv_buf_init(struct rv_buf *, size_t max);
/* In size bytes of the caller's, which stay the caller's: nothing to finish. */
void rv_buf_init_in(struct rv_buf *, void *data, size_t size);
void rv_buf_finish(struct rv_buf *); /* frees; a zeroed struct is fine */
void rv_buf_reset(struct rv_buf *);  /* len = 0, failed = false; memory kept */

/* Room for len bytes in all, now and not when they are added. */
bool rv_buf_reserve(struct rv_buf *, size_t len) RV_MUST_CHECK;
void rv_buf_add(struct rv_buf *, const void *data, size_t len);
void rv_buf_adds(struct rv_buf *, const char *s);
void rv_buf_addc(struct rv_buf *, char c);
void rv_buf_addf(struct rv_buf *, const char *fmt, ...) RV_PRINTF(2, 3);
void rv_buf_vaddf(struct rv_buf *, const char *fmt, va_list) RV_PRINTF(2, 0);
void rv_buf_consume(struct rv_buf *, size_t n); /* drop the first n bytes */

/* Never NULL: "" while empty. */
const char *rv_buf_str(const struct rv_buf *);

/* Hand the memory to the caller (rv_free); NULL if failed. Buffer is empty. */
char *rv_buf_steal(struct rv_buf *) RV_MUST_CHECK;

#endif
