/* SPDX-License-Identifier: MIT */
/*
 * What each kind of event means for the tables: see rows.h. An event of a kind
 * that is not known here is an event and nothing more.
 */
#include "config.h"

#include "clerk/rows.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "clerk/thrown.h"

#define DETAIL_MAX ((size_t)2 * 1024 * 1024) /* a record, all escaped */
#define TEXT_MAX   ((size_t)16 * 1024 * 1024)
#define KEEP_SIZE  8192 /* bytes that a buffer may hold on to */

void
rv_rows_init(struct rv_rows *rows, struct rv_store *store)
{
	memset(rows, 0, sizeof(*rows));
	rows->store = store;
	rv_buf_init(&rows->detail, DETAIL_MAX);
	rv_buf_init(&rows->text, TEXT_MAX);
	rv_buf_init(&rows->more, DETAIL_MAX);
}

void
rv_rows_finish(struct rv_rows *rows)
{
	rv_buf_finish(&rows->detail);
	rv_buf_finish(&rows->text);
	rv_buf_finish(&rows->more);
}

static void
shrink(struct rv_buf *buf)
{
	size_t max = buf->max;

	if (buf->cap > KEEP_SIZE) {
		rv_buf_finish(buf);
		rv_buf_init(buf, max);
	}
}

void
rv_rows_shrink(struct rv_rows *rows)
{
	shrink(&rows->detail);
	shrink(&rows->text);
	shrink(&rows->more);
}

const struct rv_field *
rv_rows_field(const struct rv_record *record, enum rv_key key)
{
	const struct rv_fields *fields = record->fields;

	for (unsigned i = 0; i < fields->n; i++) {
		if (fields->f[i].key == key) {
			return &fields->f[i];
		}
	}
	return NULL;
}

bool
rv_rows_number(const struct rv_record *record, enum rv_key key, int64_t *value)
{
	const struct rv_field *f = rv_rows_field(record, key);

	if (f == NULL ||
	    (f->type != RV_FIELD_INT && f->type != RV_FIELD_BOOL)) {
		return false;
	}
	*value = f->v.i;
	return true;
}

/* Bind a field to a parameter: NULL where it is not there. */
static void
bind_number(struct rv_rows *rows, enum rv_sql sql, int at,
    const struct rv_record *record, enum rv_key key)
{
	int64_t value;

	if (rv_rows_number(record, key, &value)) {
		rv_store_int(rows->store, sql, at, value);
	} else {
		rv_store_null(rows->store, sql, at);
	}
}

void
rv_rows_bind_text(struct rv_rows *rows, enum rv_sql sql, int at,
    const struct rv_record *record, enum rv_key key)
{
	const struct rv_field *f = rv_rows_field(record, key);

	if (f != NULL &&
	    (f->type == RV_FIELD_STR || f->type == RV_FIELD_JSON)) {
		rv_store_text(rows->store, sql, at, f->v.str, f->len);
	} else {
		rv_store_null(rows->store, sql, at);
	}
}

static enum reeve_status
add_started(struct rv_rows *rows, const struct rv_record *record, uint64_t id,
    struct reeve_error *err)
{
	struct rv_store *store = rows->store;

	(void)id;
	if (record->life == 0) {
		return REEVE_OK;
	}
	rv_store_int(store, RV_SQL_LIFE, 1, (int64_t)record->life);
	rv_store_str(store, RV_SQL_LIFE, 2, rows->run_id);
	rv_store_text(store, RV_SQL_LIFE, 3, record->path, record->path_len);
	bind_number(rows, RV_SQL_LIFE, 4, record, RV_KEY_PID);
	rv_rows_bind_text(rows, RV_SQL_LIFE, 5, record, RV_KEY_METHOD);
	rv_store_int(store, RV_SQL_LIFE, 6, record->at_us);
	bind_number(rows, RV_SQL_LIFE, 7, record, RV_KEY_RESTARTS);
	return rv_store_run(store, RV_SQL_LIFE, err);
}

static enum reeve_status
add_ready(struct rv_rows *rows, const struct rv_record *record, uint64_t id,
    struct reeve_error *err)
{
	(void)id;
	if (record->life == 0) {
		return REEVE_OK;
	}
	rv_store_int(rows->store, RV_SQL_LIFE_READY, 1, (int64_t)record->life);
	rv_store_int(rows->store, RV_SQL_LIFE_READY, 2, record->at_us);
	return rv_store_run(rows->store, RV_SQL_LIFE_READY, err);
}

/* ?1 to ?10 of LIFE_ENDED and LIFE_WAS. */
static void
bind_end(struct rv_rows *rows, enum rv_sql sql, const struct rv_record *record)
{
	rv_store_int(rows->store, sql, 1, (int64_t)record->life);
	rv_store_int(rows->store, sql, 2, record->at_us);
	bind_number(rows, sql, 3, record, RV_KEY_EXIT_CODE);
	bind_number(rows, sql, 4, record, RV_KEY_SIGNAL);
	bind_number(rows, sql, 5, record, RV_KEY_CORE);
	rv_rows_bind_text(rows, sql, 6, record, RV_KEY_REASON);
	bind_number(rows, sql, 7, record, RV_KEY_UTIME_US);
	bind_number(rows, sql, 8, record, RV_KEY_STIME_US);
	bind_number(rows, sql, 9, record, RV_KEY_MAX_RSS_KIB);
	if (rows->text.len > 0 && !rows->text.failed) {
		rv_store_text(
		    rows->store, sql, 10, rows->text.data, rows->text.len);
	} else {
		rv_store_null(rows->store, sql, 10);
	}
}

/* Its beginning is not in this database: it was in one that is gone. */
static enum reeve_status
add_unknown_life(struct rv_rows *rows, const struct rv_record *record,
    struct reeve_error *err)
{
	struct rv_store *store = rows->store;
	int64_t pid, uptime;

	if (!rv_rows_number(record, RV_KEY_PID, &pid)) {
		return REEVE_OK; /* no process was made */
	}
	bind_end(rows, RV_SQL_LIFE_WAS, record);
	rv_store_str(store, RV_SQL_LIFE_WAS, 11, rows->run_id);
	rv_store_text(
	    store, RV_SQL_LIFE_WAS, 12, record->path, record->path_len);
	rv_store_int(store, RV_SQL_LIFE_WAS, 13, pid);
	if (rv_rows_number(record, RV_KEY_UPTIME_MS, &uptime)) {
		rv_store_int(
		    store, RV_SQL_LIFE_WAS, 14, record->at_us - uptime * 1000);
	} else {
		rv_store_null(store, RV_SQL_LIFE_WAS, 14);
	}
	return rv_store_run(store, RV_SQL_LIFE_WAS, err);
}

static enum reeve_status
read_tail(struct rv_rows *rows, uint64_t life, struct reeve_error *err)
{
	int64_t started_at = 0;
	enum reeve_status status;

	rv_buf_reset(&rows->text);
	if (rows->tail == NULL) {
		return REEVE_OK;
	}
	rv_store_int(rows->store, RV_SQL_LIFE_STARTED_AT, 1, (int64_t)life);
	status = rv_store_number(
	    rows->store, RV_SQL_LIFE_STARTED_AT, &started_at, err);
	if (status == REEVE_OK) {
		rows->tail(rows->ctx, life, started_at, &rows->text);
	}
	return status;
}

static enum reeve_status
add_exited(struct rv_rows *rows, const struct rv_record *record, uint64_t id,
    struct reeve_error *err)
{
	enum reeve_status status;

	if (record->life == 0) {
		return REEVE_OK;
	}
	status = read_tail(rows, record->life, err);
	if (status != REEVE_OK) {
		return status;
	}
	bind_end(rows, RV_SQL_LIFE_ENDED, record);
	status = rv_store_run(rows->store, RV_SQL_LIFE_ENDED, err);
	if (status == REEVE_OK && rv_store_changes(rows->store) == 0) {
		status = add_unknown_life(rows, record, err);
	}
	return status == REEVE_OK ? rv_exception_written(rows, record, id, err)
				  : status;
}

static enum reeve_status
add_run_end(struct rv_rows *rows, const struct rv_record *record, uint64_t id,
    struct reeve_error *err)
{
	(void)id;
	rv_store_str(rows->store, RV_SQL_RUN_ENDED, 1, rows->run_id);
	rv_store_int(rows->store, RV_SQL_RUN_ENDED, 2, record->at_us);
	rv_rows_bind_text(rows, RV_SQL_RUN_ENDED, 3, record, RV_KEY_REASON);
	return rv_store_run(rows->store, RV_SQL_RUN_ENDED, err);
}

/* Deaths that were folded into a count: whoever lived then is dead. */
static enum reeve_status
add_dropped(struct rv_rows *rows, const struct rv_record *record, uint64_t id,
    struct reeve_error *err)
{
	const struct rv_field *kind = rv_rows_field(record, RV_KEY_KIND);
	const char *death = rv_kind_name(RV_KIND_WORKER_EXITED);
	int64_t last;

	(void)id;
	if (kind == NULL || kind->type != RV_FIELD_STR ||
	    kind->len != strlen(death) ||
	    memcmp(kind->v.str, death, kind->len) != 0 ||
	    !rv_rows_number(record, RV_KEY_LAST, &last)) {
		return REEVE_OK;
	}
	rv_store_str(rows->store, RV_SQL_LIVES_FOLDED, 1, rows->run_id);
	rv_store_text(rows->store, RV_SQL_LIVES_FOLDED, 2, record->path,
	    record->path_len);
	rv_store_int(rows->store, RV_SQL_LIVES_FOLDED, 3, last);
	return rv_store_run(rows->store, RV_SQL_LIVES_FOLDED, err);
}

/* Whatever is more than an event. */
static const struct {
	enum rv_kind_of_event kind;
	enum reeve_status (*add)(struct rv_rows *, const struct rv_record *,
	    uint64_t id, struct reeve_error *);
} meanings[] = {
	{ RV_KIND_WORKER_STARTED, add_started },
	{ RV_KIND_WORKER_READY, add_ready },
	{ RV_KIND_WORKER_EXITED, add_exited },
	{ RV_KIND_WORKER_EXCEPTION, rv_exception_told },
	{ RV_KIND_RUNTIME_STOPPED, add_run_end },
	{ RV_KIND_CLERK_DROPPED, add_dropped },
};

static enum reeve_status
add_event(struct rv_rows *rows, const struct rv_record *record, uint64_t id,
    struct reeve_error *err)
{
	struct rv_store *store = rows->store;
	const char *kind = rv_kind_name(record->kind);
	char number_of_kind[32];

	if (kind == NULL) {
		rv_format(number_of_kind, sizeof(number_of_kind), "kind.%u",
		    record->kind);
		kind = number_of_kind;
	}
	rv_buf_reset(&rows->detail);
	rv_record_detail(record, &rows->detail);
	if (rows->detail.failed) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	rv_store_int(store, RV_SQL_EVENT, 1, (int64_t)id);
	rv_store_str(store, RV_SQL_EVENT, 2, rows->run_id);
	if (record->life != 0) {
		rv_store_int(store, RV_SQL_EVENT, 3, (int64_t)record->life);
	} else {
		rv_store_null(store, RV_SQL_EVENT, 3);
	}
	rv_store_int(store, RV_SQL_EVENT, 4, record->at_us);
	rv_store_text(store, RV_SQL_EVENT, 5, record->path, record->path_len);
	rv_store_str(store, RV_SQL_EVENT, 6, kind);
	rv_store_text(
	    store, RV_SQL_EVENT, 7, rows->detail.data, rows->detail.len);
	return rv_store_run(store, RV_SQL_EVENT, err);
}

enum reeve_status
rv_rows_add(struct rv_rows *rows, const struct rv_record *record, uint64_t id,
    struct reeve_error *err)
{
	enum reeve_status status = add_event(rows, record, id, err);

	if (status == REEVE_EPROTO) {
		/* Trying again would not help, and hold up all others. */
		rows->n_clashes++;
		return REEVE_OK;
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (record->life >= rows->next_life && record->life < INT64_MAX) {
		rows->next_life = record->life + 1;
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(meanings); i++) {
		if (meanings[i].kind == record->kind) {
			return meanings[i].add(rows, record, id, err);
		}
	}
	return REEVE_OK;
}
