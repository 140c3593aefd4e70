/* SPDX-License-Identifier: MIT */
/*
 * Packing and unpacking of frames: see pack.h. Used by the protocols of the
 * launcher and of the clerk; must never read or write beyond what it was
 * given, whatever the bytes say.
 */
#include "config.h"

#include "wire/pack.h"

#include <string.h>

#define NO_STRING UINT32_MAX

void
rv_pack_init(struct rv_pack *pack, void *data, size_t max)
{
	*pack = (struct rv_pack){ .data = data, .max = max };
}

void
rv_pack_bytes(struct rv_pack *pack, const void *bytes, size_t len)
{
	if (pack->failed || len > pack->max - pack->len) {
		pack->failed = true;
		return;
	}
	if (len > 0) {
		memcpy(pack->data + pack->len, bytes, len);
		pack->len += len;
	}
}

void
rv_pack_u32(struct rv_pack *pack, uint32_t n)
{
	rv_pack_bytes(pack, &n, sizeof(n));
}

void
rv_pack_i32(struct rv_pack *pack, int32_t n)
{
	rv_pack_bytes(pack, &n, sizeof(n));
}

void
rv_pack_u64(struct rv_pack *pack, uint64_t n)
{
	rv_pack_bytes(pack, &n, sizeof(n));
}

void
rv_pack_i64(struct rv_pack *pack, int64_t n)
{
	rv_pack_bytes(pack, &n, sizeof(n));
}

void
rv_pack_str(struct rv_pack *pack, const char *s)
{
	size_t len;

	if (s == NULL) {
		rv_pack_u32(pack, NO_STRING);
		return;
	}
	len = strlen(s);
	if (len >= NO_STRING) {
		pack->failed = true;
		return;
	}
	rv_pack_u32(pack, (uint32_t)len);
	rv_pack_bytes(pack, s, len + 1);
}

void
rv_unpack_init(struct rv_unpack *unpack, const void *data, size_t len)
{
	*unpack =
	    (struct rv_unpack){ .at = data, .end = (const char *)data + len };
}

/* The next len bytes, or NULL. */
static const char *
take(struct rv_unpack *unpack, size_t len)
{
	const char *at = unpack->at;

	if (unpack->failed || len > (size_t)(unpack->end - at)) {
		unpack->failed = true;
		return NULL;
	}
	unpack->at += len;
	return at;
}

#define TAKE_NUMBER(type)                            \
	const char *at = take(unpack, sizeof(type)); \
	type n = 0;                                  \
                                                     \
	if (at != NULL) {                            \
		memcpy(&n, at, sizeof(n));           \
	}                                            \
	return n

uint32_t
rv_unpack_u32(struct rv_unpack *unpack)
{
	TAKE_NUMBER(uint32_t);
}

int32_t
rv_unpack_i32(struct rv_unpack *unpack)
{
	TAKE_NUMBER(int32_t);
}

uint64_t
rv_unpack_u64(struct rv_unpack *unpack)
{
	TAKE_NUMBER(uint64_t);
}

int64_t
rv_unpack_i64(struct rv_unpack *unpack)
{
	TAKE_NUMBER(int64_t);
}

const char *
rv_unpack_str(struct rv_unpack *unpack)
{
	uint32_t len = rv_unpack_u32(unpack);
	const char *s;

	if (unpack->failed || len == NO_STRING) {
		return NULL;
	}
	s = take(unpack, (size_t)len + 1);
	if (s != NULL && memchr(s, '\0', (size_t)len + 1) != s + len) {
		unpack->failed = true;
		return NULL;
	}
	return s;
}

const char *
rv_unpack_text(struct rv_unpack *unpack)
{
	const char *s = rv_unpack_str(unpack);

	unpack->failed = unpack->failed || s == NULL;
	return s;
}

bool
rv_unpack_done(const struct rv_unpack *unpack)
{
	return !unpack->failed && unpack->at == unpack->end;
}

struct rv_strings
rv_strings_of(const char *const *array)
{
	struct rv_strings list = { .array = array };

	while (array != NULL && array[list.count] != NULL) {
		list.count++;
	}
	return list;
}

void
rv_pack_strings(struct rv_pack *pack, const struct rv_strings *list)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		bytes += strlen(list->array[i]) + 1;
	}
	if (bytes > UINT32_MAX) {
		pack->failed = true;
		return;
	}
	rv_pack_u32(pack, list->count);
	rv_pack_u32(pack, (uint32_t)bytes);
	for (uint32_t i = 0; i < list->count; i++) {
		rv_pack_bytes(pack, list->array[i], strlen(list->array[i]) + 1);
	}
}

void
rv_unpack_strings(struct rv_unpack *unpack, struct rv_strings *list)
{
	uint32_t count = rv_unpack_u32(unpack);
	uint32_t bytes = rv_unpack_u32(unpack);
	const char *packed = take(unpack, bytes);
	uint32_t seen = 0;

	*list = (struct rv_strings){ 0 };
	if (packed == NULL) {
		return;
	}
	for (uint32_t i = 0; i < bytes; i++) {
		seen += packed[i] == '\0';
	}
	if (seen != count || (bytes > 0 && packed[bytes - 1] != '\0')) {
		unpack->failed = true;
		return;
	}
	list->packed = packed;
	list->count = count;
	list->bytes = bytes;
}

const char *
rv_strings_next(const char *s)
{
	return s + strlen(s) + 1;
}
