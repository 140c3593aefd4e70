/* SPDX-License-Identifier: MIT */
/*
 * Values of managers (manager.h): what objects keep, calls take and answers
 * have. Part of libreeve-manager, all inline.
 *
 *	struct reeve_datum args[] = { reeve_text("price"), reeve_int(5) };
 */
#ifndef REEVE_DATUM_H
#define REEVE_DATUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are of the protocol. */
enum reeve_datum_type {
	REEVE_DATUM_NULL = 0,
	REEVE_DATUM_BOOL = 1,
	REEVE_DATUM_INT = 2,
	REEVE_DATUM_DOUBLE = 3,
	REEVE_DATUM_BYTES = 4,
	REEVE_DATUM_TEXT = 5, /* UTF-8, says who made it */
	REEVE_DATUM_JSON = 6, /* likewise */
	REEVE_DATUM_REFERENCE = 7,
};

/*
 * One value. `data` is borrowed wherever values are given to a call; in results
 * it is the result's, and has a NUL behind it.
 */
struct reeve_datum {
	uint32_t type;
	uint32_t length;  /* of data */
	const void *data; /* of bytes, text, JSON; a reference's type name */
	union {
		int64_t integer; /* of a bool, too */
		double real;
		struct {
			uint32_t object, generation;
		} reference;
	} is;
};

static inline struct reeve_datum
reeve_null(void)
{
	struct reeve_datum datum = { REEVE_DATUM_NULL, 0, 0, { 0 } };

	return datum;
}

static inline struct reeve_datum
reeve_int(int64_t integer)
{
	struct reeve_datum datum = { REEVE_DATUM_INT, 0, 0, { integer } };

	return datum;
}

static inline struct reeve_datum
reeve_bool(bool is)
{
	struct reeve_datum datum = { REEVE_DATUM_BOOL, 0, 0, { is } };

	return datum;
}

static inline struct reeve_datum
reeve_double(double real)
{
	struct reeve_datum datum = { REEVE_DATUM_DOUBLE, 0, 0, { 0 } };

	datum.is.real = real;
	return datum;
}

static inline struct reeve_datum
reeve_datum_of(uint32_t type, const void *data, size_t length)
{
	struct reeve_datum datum = { type, (uint32_t)length, data, { 0 } };

	return datum;
}

static inline struct reeve_datum
reeve_bytes(const void *data, size_t length)
{
	return reeve_datum_of(REEVE_DATUM_BYTES, data, length);
}

static inline struct reeve_datum
reeve_text(const char *text)
{
	return reeve_datum_of(REEVE_DATUM_TEXT, text, strlen(text));
}

static inline struct reeve_datum
reeve_json(const char *json)
{
	return reeve_datum_of(REEVE_DATUM_JSON, json, strlen(json));
}

#ifdef __cplusplus
}
#endif

#endif
