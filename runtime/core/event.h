/* SPDX-License-Identifier: MIT */
/*
 * Events as they are recorded: their kinds, the keys of their details, and a
 * bounded set of fields that the core fills and the edges complete. Numbers
 * stand in rings and databases and never change.
 */
#ifndef RV_CORE_EVENT_H
#define RV_CORE_EVENT_H

#include "base/base.h"
#include "base/time.h"

enum rv_kind_of_event {
	RV_KIND_NONE = 0,
#define X(symbol, number, name, keep, doc) RV_KIND_##symbol = number,
#include "core/event.def"
#undef X
};

enum rv_keep {
	RV_KEEP_CHATTER,
	RV_KEEP_NORMAL,
	RV_KEEP_DEATH,
};

enum rv_key {
	RV_KEY_NONE = 0,
#define X(symbol, number, name, doc) RV_KEY_##symbol = number,
#include "core/field.def"
#undef X
};

enum rv_field_type {
	RV_FIELD_INT = 1,
	RV_FIELD_BOOL = 2,
	RV_FIELD_STR = 3,  /* bytes, any encoding; length in `len` */
	RV_FIELD_JSON = 4, /* a JSON value as text */
};

struct rv_field {
	uint16_t key;  /* enum rv_key */
	uint16_t type; /* enum rv_field_type */
	uint32_t len;  /* of str */
	union {
		int64_t i;
		const char *str; /* borrowed until the record is written */
	} v;
};

#define RV_FIELDS_MAX 24

struct rv_fields {
	unsigned n;
	struct rv_field f[RV_FIELDS_MAX];
};

/* Each asserts that there is room. A NULL string adds nothing. */
void rv_fields_int(struct rv_fields *, enum rv_key, int64_t);
void rv_fields_bool(struct rv_fields *, enum rv_key, bool);
void rv_fields_str(struct rv_fields *, enum rv_key, const char *);
void rv_fields_json(struct rv_fields *, enum rv_key, const char *json);

/* Names: static; NULL for a number that is none of ours. */
const char *rv_kind_name(unsigned kind);
enum rv_keep rv_kind_keep(unsigned kind);  /* unknown: NORMAL */
unsigned rv_kind_number(const char *name); /* 0: unknown */
const char *rv_key_name(unsigned key);

#endif
