/* SPDX-License-Identifier: MIT */
/*
 * Reading one JSON message: parse it, pick members, ask their types. A thin
 * wrapper, so that no other folder sees the foreign library behind it. Values
 * are borrowed from their document. Writing is base/jsonw.h's.
 */
#ifndef RV_WIRE_JSON_H
#define RV_WIRE_JSON_H

#include <reeve/error.h>

#include "base/base.h"
#include "base/jsonw.h"

/* Deeper nesting is refused before the (recursive) parser sees it. */
#define RV_JSON_DEPTH 256

struct rv_json;

enum rv_json_type {
	RV_JSON_NULL,
	RV_JSON_BOOL,
	RV_JSON_INT,
	RV_JSON_REAL,
	RV_JSON_STRING,
	RV_JSON_ARRAY,
	RV_JSON_OBJECT,
};

/*
 * Any JSON value of len bytes; UTF-8 and unique keys are insisted on. REEVE_
 * EPROTO with the place in words, REEVE_ENOMEM. rv_json_free what comes.
 */
enum reeve_status rv_json_parse(struct rv_json **out, const char *text,
    size_t len, struct reeve_error *) RV_MUST_CHECK;
void rv_json_free(struct rv_json *); /* the document; NULL is fine */

enum rv_json_type rv_json_type(const struct rv_json *);

/* The member of an object, or NULL: none, or no object (NULL is fine). */
const struct rv_json *rv_json_get(const struct rv_json *, const char *key);
/* Members or elements; 0 for other types. */
size_t rv_json_count(const struct rv_json *);
/* The i-th element of an array, or NULL. */
const struct rv_json *rv_json_at(const struct rv_json *, size_t i);
/* The key behind `key` (NULL: the first) of an object; NULL at the end. */
const char *rv_json_key(const struct rv_json *, const char *key);

/* NULL, 0 and false where the value has another type or is NULL. */
const char *rv_json_str(const struct rv_json *);
int64_t rv_json_int(const struct rv_json *);
bool rv_json_bool(const struct rv_json *);

/* A null, bool, number or string as JSON again; other types become null. */
void rv_json_write_scalar(const struct rv_json *, struct rv_jsonw *);

/*
 * Where the value of a member of the outermost object stands in the text. The
 * text must have been parsed before; false when there is no such member (or
 * its key is written with escapes).
 */
bool rv_json_slice(const char *text, size_t len, const char *key,
    const char **value, size_t *value_len);

#endif
