/* SPDX-License-Identifier: MIT */
/* Memory, buffers, words: what all files of reeve map need. See map.h. */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/map/map.h"

static void
no_memory(void)
{
	map_say("out of memory; --resume goes on from here");
	_exit(MAP_COULD_NOT);
}

void *
map_alloc(size_t n, size_t size)
{
	void *at = calloc(n != 0 ? n : 1, size);

	if (at == NULL) {
		no_memory();
	}
	return at;
}

void *
map_grow(void *at, size_t n, size_t size)
{
	at = reallocarray(at, n, size);
	if (at == NULL) {
		no_memory();
	}
	return at;
}

char *
map_copy(const char *bytes, size_t len)
{
	char *copy = map_alloc(1, len + 1);

	memcpy(copy, bytes, len);
	return copy;
}

void
map_list_add(struct map_list *list, const char *word)
{
	if (list->n == list->cap) {
		list->cap = list->cap != 0 ? 2 * list->cap : 8;
		list->v = map_grow(list->v, list->cap, sizeof(list->v[0]));
	}
	list->v[list->n++] = word;
}

void
map_add(struct map_buf *buf, const void *bytes, size_t len)
{
	if (buf->len + len > buf->cap) {
		size_t cap = buf->cap != 0 ? 2 * buf->cap : 128;

		while (cap < buf->len + len) {
			cap *= 2;
		}
		buf->data = map_grow(buf->data, cap, 1);
		buf->cap = cap;
	}
	if (len > 0) {
		memcpy(buf->data + buf->len, bytes, len);
		buf->len += len;
	}
}

void
map_adds(struct map_buf *buf, const char *text)
{
	map_add(buf, text, strlen(text));
}

void
map_addf(struct map_buf *buf, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	map_add(
	    buf, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* Bytes of the character here; 0: it is none. */
static size_t
utf8_length(const unsigned char *at, size_t left)
{
	size_t n = at[0] < 0x80   ? 1
		   : at[0] < 0xc2 ? 0
		   : at[0] < 0xe0 ? 2
		   : at[0] < 0xf0 ? 3
		   : at[0] < 0xf5 ? 4
				  : 0;

	if (n == 0 || n > left) {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	if ((at[0] == 0xe0 && at[1] < 0xa0) ||
	    (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) ||
	    (at[0] == 0xf4 && at[1] > 0x8f)) {
		return 0;
	}
	return n;
}

void
map_add_json(struct map_buf *buf, const char *bytes, size_t len)
{
	const unsigned char *at = (const unsigned char *)bytes;

	map_adds(buf, "\"");
	while (len > 0) {
		size_t n = utf8_length(at, len);

		if (n == 0) {
			map_adds(buf, "\\ufffd");
			n = 1;
		} else if (*at == '"' || *at == '\\') {
			map_addf(buf, "\\%c", *at);
		} else if (*at == '\n') {
			map_adds(buf, "\\n");
		} else if (*at < 0x20 || *at == 0x7f) {
			map_addf(buf, "\\u%04x", *at);
		} else {
			map_add(buf, at, n);
		}
		at += n;
		len -= n;
	}
	map_adds(buf, "\"");
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("_@%+=:,./-", c) != NULL);
}

void
map_add_quoted(struct map_buf *buf, const char *bytes, size_t len)
{
	bool plain = len > 0;

	for (size_t i = 0; i < len; i++) {
		plain = plain && is_plain(bytes[i]);
	}
	if (plain) {
		map_add(buf, bytes, len);
		return;
	}
	map_adds(buf, "'");
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\'') {
			map_adds(buf, "'\\''");
		} else {
			map_add(buf, &bytes[i], 1);
		}
	}
	map_adds(buf, "'");
}

const char *
map_str(struct map_buf *buf)
{
	map_add(buf, "", 1);
	buf->len--;
	return buf->data;
}

void
map_buf_free(struct map_buf *buf)
{
	free(buf->data);
	*buf = (struct map_buf){ 0 };
}

int64_t
map_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * MAP_S + now.tv_nsec;
}

uint64_t
map_hash(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

void
map_say(const char *fmt, ...)
{
	struct map_buf line = { 0 };
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* One write: what others say shall not come in between. */
	map_adds(&line, "reeve: ");
	map_adds(&line, text);
	map_adds(&line, "\n");
	if (write(STDERR_FILENO, line.data, line.len) < 0) {
		/* Nobody is left to tell. */
		line.len = 0;
	}
	map_buf_free(&line);
}

char *
map_plain(char *text)
{
	for (char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 127) {
			*at = '?';
		}
	}
	return text;
}

const char *
map_span(int64_t ms, char dst[static 32])
{
	int64_t s = ms / 1000;

	if (ms < 1000) {
		snprintf(dst, 32, "%" PRId64 " ms", ms < 0 ? 0 : ms);
	} else if (s < 60) {
		snprintf(
		    dst, 32, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	} else if (s < 3600) {
		snprintf(dst, 32, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	} else {
		snprintf(dst, 32, "%" PRId64 "h%02" PRId64 "m", s / 3600,
		    s / 60 % 60);
	}
	return dst;
}

const char *
map_signal_name(int signo, char dst[static 16])
{
	const char *name = sigabbrev_np(signo);

	if (name != NULL) {
		snprintf(dst, 16, "SIG%.12s", name);
	} else {
		snprintf(dst, 16, "signal %d", signo);
	}
	return dst;
}
