/* SPDX-License-Identifier: MIT */
/* The growing buffer: doubles up to its maximum, then fails for good. */
#include "config.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void
rv_buf_init(struct rv_buf *buf, size_t max)
{
	/* Doubling up to there must not overflow. */
	RV_ASSERT(max <= SIZE_MAX / 4);
	*buf = (struct rv_buf){ .max = max };
}

void
rv_buf_init_in(struct rv_buf *buf, void *data, size_t size)
{
	RV_ASSERT(size > 0);
	*buf = (struct rv_buf){ .data = data, .cap = size, .max = size - 1 };
}

void
rv_buf_finish(struct rv_buf *buf)
{
	rv_free(buf->data);
	*buf = (struct rv_buf){ .max = buf->max };
}

void
rv_buf_reset(struct rv_buf *buf)
{
	buf->len = 0;
	buf->failed = buf->starved = false;
	if (buf->data != NULL) {
		buf->data[0] = '\0';
	}
}

/* Room for len more bytes and the NUL; false marks the buffer as failed. */
static bool
reserve(struct rv_buf *buf, size_t len)
{
	size_t cap = buf->cap != 0 ? buf->cap : 64;
	char *data;

	if (buf->failed || len > buf->max - RV_MIN(buf->len, buf->max)) {
		buf->failed = true;
		return false;
	}
	if (buf->len + len < buf->cap) {
		return true;
	}
	while (cap <= buf->len + len) {
		cap *= 2;
	}
	data = rv_realloc(buf->data, buf->cap, cap, 1);
	if (data == NULL) {
		buf->failed = buf->starved = true;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	return true;
}

bool
rv_buf_reserve(struct rv_buf *buf, size_t len)
{
	return len <= buf->len || reserve(buf, len - buf->len);
}

void
rv_buf_add(struct rv_buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len)) {
		return;
	}
	if (len != 0) {
		memcpy(buf->data + buf->len, data, len);
	}
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
rv_buf_adds(struct rv_buf *buf, const char *s)
{
	rv_buf_add(buf, s, strlen(s));
}

void
rv_buf_addc(struct rv_buf *buf, char c)
{
	rv_buf_add(buf, &c, 1);
}

void
rv_buf_vaddf(struct rv_buf *buf, const char *fmt, va_list args)
{
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || !reserve(buf, (size_t)n)) {
		buf->failed = true;
		return;
	}
	vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, args);
	buf->len += (size_t)n;
}

void
rv_buf_addf(struct rv_buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	rv_buf_vaddf(buf, fmt, args);
	va_end(args);
}

void
rv_buf_consume(struct rv_buf *buf, size_t n)
{
	RV_ASSERT(n <= buf->len);
	if (n != 0) {
		memmove(buf->data, buf->data + n, buf->len - n);
		buf->len -= n;
		buf->data[buf->len] = '\0';
	}
}

const char *
rv_buf_str(const struct rv_buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

char *
rv_buf_steal(struct rv_buf *buf)
{
	char *data = NULL;

	if (!buf->failed && (buf->data != NULL || reserve(buf, 0))) {
		data = buf->data;
		data[buf->len] = '\0';
		buf->data = NULL;
	}
	rv_buf_finish(buf);
	return data;
}
