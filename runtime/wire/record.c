/* SPDX-License-Identifier: MIT */
/*
 * Layout: {life u64, at_us i64, kind u32, path_len u16, n_fields u16}, the
 * path, then per field {key u16, type u16, len u32} and its value: 8 bytes of a
 * number, or len bytes of text. Nothing is aligned; memcpy reads and writes.
 */
#include "config.h"

#include "wire/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/jsonw.h"

struct head {
	uint64_t life;
	int64_t at_us;
	uint32_t kind;
	uint16_t path_len, n_fields;
};

struct field_head {
	uint16_t key, type;
	uint32_t len;
};

static bool
is_text(unsigned type)
{
	return type == RV_FIELD_STR || type == RV_FIELD_JSON;
}

size_t
rv_record_size(const struct rv_record *record)
{
	size_t size = sizeof(struct head) + record->path_len;

	for (unsigned i = 0; i < record->fields->n; i++) {
		const struct rv_field *f = &record->fields->f[i];

		size += sizeof(struct field_head) +
			(is_text(f->type) ? f->len : sizeof(int64_t));
	}
	return size;
}

static char *
put(char *at, const void *data, size_t len)
{
	memcpy(at, data, len);
	return at + len;
}

void
rv_record_encode(const struct rv_record *record, void *dst)
{
	const struct rv_fields *fields = record->fields;
	struct head head = {
		.life = record->life,
		.at_us = record->at_us,
		.kind = record->kind,
		.path_len = (uint16_t)record->path_len,
		.n_fields = (uint16_t)fields->n,
	};
	char *at = put(dst, &head, sizeof(head));

	at = put(at, record->path, record->path_len);
	for (unsigned i = 0; i < fields->n; i++) {
		const struct rv_field *f = &fields->f[i];
		struct field_head fh = { f->key, f->type, 0 };

		if (is_text(f->type)) {
			fh.len = f->len;
			at = put(at, &fh, sizeof(fh));
			at = put(at, f->v.str, f->len);
		} else {
			at = put(at, &fh, sizeof(fh));
			at = put(at, &f->v.i, sizeof(f->v.i));
		}
	}
}

struct reader {
	const char *at, *end;
};

static bool
take(struct reader *in, void *dst, size_t len)
{
	if ((size_t)(in->end - in->at) < len) {
		return false;
	}
	memcpy(dst, in->at, len);
	in->at += len;
	return true;
}

static bool
take_field(struct reader *in, struct rv_field *f)
{
	struct field_head fh;

	if (!take(in, &fh, sizeof(fh))) {
		return false;
	}
	*f = (struct rv_field){ .key = fh.key, .type = fh.type };
	if (fh.type == RV_FIELD_INT || fh.type == RV_FIELD_BOOL) {
		return fh.len == 0 && take(in, &f->v.i, sizeof(f->v.i));
	}
	if (!is_text(fh.type) || (size_t)(in->end - in->at) < fh.len) {
		return false;
	}
	f->len = fh.len;
	f->v.str = in->at;
	in->at += fh.len;
	return true;
}

enum reeve_status
rv_record_decode(struct rv_record *record, struct rv_fields *fields,
    const void *src, size_t len)
{
	struct reader in = { src, (const char *)src + len };
	struct head head;

	if (!take(&in, &head, sizeof(head)) || head.n_fields > RV_FIELDS_MAX ||
	    (size_t)(in.end - in.at) < head.path_len) {
		return REEVE_EDAMAGED;
	}
	*record = (struct rv_record){
		.life = head.life,
		.at_us = head.at_us,
		.kind = head.kind,
		.path = in.at,
		.path_len = head.path_len,
		.fields = fields,
	};
	in.at += head.path_len;
	fields->n = head.n_fields;
	for (unsigned i = 0; i < fields->n; i++) {
		if (!take_field(&in, &fields->f[i])) {
			fields->n = 0;
			return REEVE_EDAMAGED;
		}
	}
	return in.at == in.end ? REEVE_OK : REEVE_EDAMAGED;
}

static void
write_value(struct rv_jsonw *w, const struct rv_field *f)
{
	switch (f->type) {
	case RV_FIELD_INT:
		rv_jsonw_int(w, f->v.i);
		break;
	case RV_FIELD_BOOL:
		rv_jsonw_bool(w, f->v.i != 0);
		break;
	case RV_FIELD_JSON: {
		struct rv_buf text;

		/* The writer made it; it is not parsed again here. */
		rv_buf_init(&text, RV_RECORD_MAX);
		rv_buf_add(&text, f->v.str, f->len);
		rv_jsonw_raw(w, f->len > 0 ? rv_buf_str(&text) : "null");
		rv_buf_finish(&text);
		break;
	}
	default:
		rv_jsonw_strn(w, f->v.str, f->len);
	}
}

void
rv_record_detail(const struct rv_record *record, struct rv_buf *out)
{
	struct rv_jsonw w;

	rv_jsonw_init(&w, out);
	rv_jsonw_object(&w);
	for (unsigned i = 0; i < record->fields->n; i++) {
		const struct rv_field *f = &record->fields->f[i];
		const char *name = rv_key_name(f->key);

		if (name != NULL) {
			rv_jsonw_key(&w, name);
			write_value(&w, f);
		}
	}
	rv_jsonw_object_end(&w);
}
