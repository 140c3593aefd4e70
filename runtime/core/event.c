/* SPDX-License-Identifier: MIT */
/* Names of kinds and keys, and filling a set of fields. Pure. */
#include "config.h"

#include "core/event.h"

#include <string.h>

static const struct {
	const char *name;
	uint16_t number;
	uint16_t keep;
} kinds[] = {
#define X(symbol, number, name, keep, doc) { name, number, RV_KEEP_##keep },
#include "core/event.def"
#undef X
};

static const char *const keys[] = {
#define X(symbol, number, name, doc) [number] = name,
#include "core/field.def"
#undef X
};

static struct rv_field *
add(struct rv_fields *fields, enum rv_key key, enum rv_field_type type)
{
	struct rv_field *f;

	RV_ASSERT(fields->n < RV_FIELDS_MAX);
	f = &fields->f[fields->n++];
	*f = (struct rv_field){ .key = (uint16_t)key, .type = (uint16_t)type };
	return f;
}

void
rv_fields_int(struct rv_fields *fields, enum rv_key key, int64_t v)
{
	add(fields, key, RV_FIELD_INT)->v.i = v;
}

void
rv_fields_bool(struct rv_fields *fields, enum rv_key key, bool v)
{
	add(fields, key, RV_FIELD_BOOL)->v.i = v;
}

static void
add_text(struct rv_fields *fields, enum rv_key key, enum rv_field_type type,
    const char *s)
{
	struct rv_field *f;

	if (s != NULL) {
		f = add(fields, key, type);
		f->v.str = s;
		f->len = (uint32_t)strlen(s);
	}
}

void
rv_fields_str(struct rv_fields *fields, enum rv_key key, const char *s)
{
	add_text(fields, key, RV_FIELD_STR, s);
}

void
rv_fields_json(struct rv_fields *fields, enum rv_key key, const char *json)
{
	add_text(fields, key, RV_FIELD_JSON, json);
}

/* Kinds are numbered from 1 in the order of the table. */
const char *
rv_kind_name(unsigned kind)
{
	return kind >= 1 && kind <= RV_ARRAY_LEN(kinds) ? kinds[kind - 1].name
							: NULL;
}

enum rv_keep
rv_kind_keep(unsigned kind)
{
	return kind >= 1 && kind <= RV_ARRAY_LEN(kinds)
		   ? (enum rv_keep)kinds[kind - 1].keep
		   : RV_KEEP_NORMAL;
}

unsigned
rv_kind_number(const char *name)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return kinds[i].number;
		}
	}
	return 0;
}

const char *
rv_key_name(unsigned key)
{
	return key < RV_ARRAY_LEN(keys) ? keys[key] : NULL;
}
