/* SPDX-License-Identifier: MIT */
/*
 * From records, and from the last words of lives, to rows of exceptions: see
 * thrown.h. Frames are written as module and offset at once; nothing here
 * opens a file.
 */
#include "config.h"

#include "clerk/thrown.h"

#include <string.h>

#include "base/error.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "clerk/traces.h"
#include "wire/backtrace.h"

#define ERRNO_MAX 200 /* beyond all that Linux has */

/* The number behind a name, which is what the record has; 0: none. */
static int
errno_of(const struct rv_field *f)
{
	for (int i = 1; i <= ERRNO_MAX && f != NULL; i++) {
		const char *name = rv_errno_name(i);

		if (f->type == RV_FIELD_STR && strlen(name) == f->len &&
		    memcmp(name, f->v.str, f->len) == 0) {
			return i;
		}
	}
	return 0;
}

static void
bind_errno(struct rv_rows *rows, int at, const struct rv_record *record)
{
	int64_t number;

	if (!rv_rows_number(record, RV_KEY_ERRNO, &number)) {
		number = errno_of(rv_rows_field(record, RV_KEY_ERRNO));
	}
	if (number != 0) {
		rv_store_int(rows->store, RV_SQL_EXCEPTION, at, number);
	} else {
		rv_store_null(rows->store, RV_SQL_EXCEPTION, at);
	}
}

/* What has no column of its own. */
static void
write_data(const struct rv_record *record, struct rv_buf *out)
{
	static const enum rv_key columns[] = { RV_KEY_TYPE, RV_KEY_MESSAGE,
		RV_KEY_BACKTRACE };
	struct rv_fields rest = { 0 };
	struct rv_record told = *record;

	for (unsigned i = 0; i < record->fields->n; i++) {
		bool has_column = false;

		for (size_t j = 0; j < RV_ARRAY_LEN(columns); j++) {
			has_column = has_column ||
				     record->fields->f[i].key == columns[j];
		}
		if (!has_column) {
			rest.f[rest.n++] = record->fields->f[i];
		}
	}
	told.fields = &rest;
	rv_record_detail(&told, out);
}

/* Stacks as text, still without names. */
static enum reeve_status
write_stacks(
    const struct rv_field *f, struct rv_buf *out, struct reeve_error *err)
{
	struct rv_json *json = NULL;
	enum reeve_status status = rv_json_parse(&json, f->v.str, f->len, err);

	if (status == REEVE_OK) {
		rv_backtrace_text(json, NULL, out);
		rv_json_free(json);
	}
	/* What cannot be read is still in the event. */
	return status == REEVE_ENOMEM ? status : REEVE_OK;
}

static enum reeve_status
want_names(struct rv_rows *rows, uint64_t id, struct reeve_error *err)
{
	rows->n_unnamed++;
	rv_store_int(rows->store, RV_SQL_UNNAMED, 1, (int64_t)id);
	return rv_store_run(rows->store, RV_SQL_UNNAMED, err);
}

static void
bind_life(struct rv_rows *rows, const struct rv_record *record, uint64_t id)
{
	rv_store_int(rows->store, RV_SQL_EXCEPTION, 1, (int64_t)id);
	if (record->life != 0) {
		rv_store_int(
		    rows->store, RV_SQL_EXCEPTION, 2, (int64_t)record->life);
	} else {
		rv_store_null(rows->store, RV_SQL_EXCEPTION, 2);
	}
	rv_store_int(rows->store, RV_SQL_EXCEPTION, 3, record->at_us);
}

static void
bind_buf(struct rv_rows *rows, int at, const struct rv_buf *buf)
{
	if (buf->len > 0) {
		rv_store_text(
		    rows->store, RV_SQL_EXCEPTION, at, buf->data, buf->len);
	} else {
		rv_store_null(rows->store, RV_SQL_EXCEPTION, at);
	}
}

enum reeve_status
rv_exception_told(struct rv_rows *rows, const struct rv_record *record,
    uint64_t id, struct reeve_error *err)
{
	const struct rv_field *stacks = rv_rows_field(record, RV_KEY_BACKTRACE);
	enum rv_sql sql = RV_SQL_EXCEPTION;
	enum reeve_status status = REEVE_OK;

	rv_buf_reset(&rows->text);
	rv_buf_reset(&rows->more);
	if (stacks != NULL && stacks->type == RV_FIELD_JSON) {
		status = write_stacks(stacks, &rows->text, err);
	}
	write_data(record, &rows->more);
	if (status != REEVE_OK || rows->text.failed || rows->more.failed) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	bind_life(rows, record, id);
	rv_rows_bind_text(rows, sql, 4, record,
	    rv_rows_field(record, RV_KEY_TYPE) != NULL ? RV_KEY_TYPE
						       : RV_KEY_KIND);
	rv_rows_bind_text(rows, sql, 5, record, RV_KEY_MESSAGE);
	bind_errno(rows, 6, record);
	if (rows->text.len > 0) {
		bind_buf(rows, 7, &rows->text);
	} else {
		rv_rows_bind_text(rows, sql, 7, record, RV_KEY_TEXT);
	}
	bind_buf(rows, 8, &rows->more);
	status = rv_store_run(rows->store, sql, err);
	if (status == REEVE_OK && rows->text.len > 0) {
		status = want_names(rows, id, err);
	}
	return status;
}

/* -------- what interpreters write -------- */

/* Did it end by itself, and not well? */
static bool
ended_badly(const struct rv_record *record)
{
	const struct rv_field *reason = rv_rows_field(record, RV_KEY_REASON);
	bool asked = reason != NULL && reason->type == RV_FIELD_STR &&
		     reason->len == 5 && memcmp(reason->v.str, "asked", 5) == 0;
	int64_t n;

	if (rv_rows_number(record, RV_KEY_SIGNAL, &n) && n > 0) {
		return !asked; /* else that was the signal it was sent */
	}
	return rv_rows_number(record, RV_KEY_EXIT_CODE, &n) && n != 0;
}

static void
put_slice(struct rv_jsonw *w, const char *key, struct rv_slice slice)
{
	if (slice.s != NULL) {
		rv_jsonw_key(w, key);
		rv_jsonw_strn(w, slice.s, slice.len);
	}
}

static void
write_trace_data(const struct rv_trace *trace, struct rv_buf *out)
{
	struct rv_jsonw w;

	rv_jsonw_init(&w, out);
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, rv_key_name(RV_KEY_SOURCE));
	rv_jsonw_str(&w, "stderr");
	rv_jsonw_key(&w, "language");
	rv_jsonw_str(&w, trace->language);
	put_slice(&w, "thread", trace->thread);
	if (trace->cause_type.s != NULL || trace->cause_message.s != NULL) {
		rv_jsonw_key(&w, rv_key_name(RV_KEY_CAUSED_BY));
		rv_jsonw_object(&w);
		put_slice(&w, "type", trace->cause_type);
		put_slice(&w, "message", trace->cause_message);
		rv_jsonw_object_end(&w);
	}
	if (trace->cut) {
		rv_jsonw_key(&w, "cut");
		rv_jsonw_bool(&w, true);
	}
	rv_jsonw_object_end(&w);
}

static void
bind_slice(struct rv_rows *rows, int at, struct rv_slice slice)
{
	if (slice.s != NULL) {
		rv_store_text(
		    rows->store, RV_SQL_EXCEPTION, at, slice.s, slice.len);
	} else {
		rv_store_null(rows->store, RV_SQL_EXCEPTION, at);
	}
}

enum reeve_status
rv_exception_written(struct rv_rows *rows, const struct rv_record *record,
    uint64_t id, struct reeve_error *err)
{
	const struct rv_buf *said = &rows->text;
	struct rv_trace trace;

	if (said->len == 0 || said->failed || !ended_badly(record) ||
	    !rv_trace_find(said->data, said->len, &trace)) {
		return REEVE_OK;
	}
	rv_buf_reset(&rows->more);
	write_trace_data(&trace, &rows->more);
	if (rows->more.failed) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	bind_life(rows, record, id);
	bind_slice(rows, 4, trace.type);
	bind_slice(rows, 5, trace.message);
	rv_store_null(rows->store, RV_SQL_EXCEPTION, 6);
	rv_store_text(rows->store, RV_SQL_EXCEPTION, 7,
	    said->data + trace.begin, trace.end - trace.begin);
	bind_buf(rows, 8, &rows->more);
	return rv_store_run(rows->store, RV_SQL_EXCEPTION, err);
}
