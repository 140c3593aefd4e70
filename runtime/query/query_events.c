/* SPDX-License-Identifier: MIT */
/*
 * Events that fit a filter, oldest first. The statement is put together of
 * what the filter names, so that SQLite can use the index that fits.
 */
#include "config.h"

#include <errno.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "query/query_priv.h"

#define SQL_MAX 4096

enum { AFTER = 1, SINCE, UNTIL, PATH, KIND, LIMIT };

static void
add_glob(struct rv_buf *sql, const char *column, const char *glob, int at)
{
	if (glob == NULL) {
		return;
	}
	if (rv_is_glob(glob)) {
		rv_buf_addf(sql, " AND unit_glob(?%d, %s)", at, column);
	} else {
		rv_buf_addf(sql, " AND %s = ?%d", column, at);
	}
}

static void
write_sql(struct rv_buf *sql, const struct reeve_event_filter *f)
{
	rv_buf_adds(sql,
	    "SELECT id, life_id, at, run_id, path, kind, detail FROM seen"
	    " WHERE id > ?1");
	if (f->since_us != 0) {
		rv_buf_adds(sql, " AND at >= ?2");
	}
	if (f->until_us != 0) {
		rv_buf_adds(sql, " AND at <= ?3");
	}
	add_glob(sql, "path", f->path_glob, PATH);
	add_glob(sql, "kind", f->kind_glob, KIND);
	if (f->limit != 0) {
		rv_buf_adds(sql, " ORDER BY id DESC LIMIT ?6");
	} else {
		rv_buf_adds(sql, " ORDER BY id");
	}
}

static void
bind_filter(sqlite3_stmt *stmt, const struct reeve_event_filter *f)
{
	sqlite3_bind_int64(stmt, AFTER,
	    (sqlite3_int64)RV_MIN(f->after_id, (uint64_t)INT64_MAX));
	sqlite3_bind_int64(stmt, SINCE, f->since_us);
	sqlite3_bind_int64(stmt, UNTIL, f->until_us);
	if (f->path_glob != NULL) {
		rv_query_bind_text(stmt, PATH, f->path_glob);
	}
	if (f->kind_glob != NULL) {
		rv_query_bind_text(stmt, KIND, f->kind_glob);
	}
	sqlite3_bind_int64(
	    stmt, LIMIT, (sqlite3_int64)RV_MIN(f->limit, (uint64_t)INT64_MAX));
}

static bool
tell(sqlite3_stmt *stmt, reeve_event_fn *fn, void *ctx)
{
	struct reeve_event event = {
		.id = (uint64_t)sqlite3_column_int64(stmt, 0),
		.life = (uint64_t)sqlite3_column_int64(stmt, 1),
		.at_us = sqlite3_column_int64(stmt, 2),
		.run = rv_query_text(stmt, 3),
		.path = rv_query_text(stmt, 4),
		.kind = rv_query_text(stmt, 5),
		.detail = rv_query_text(stmt, 6),
	};

	return fn(ctx, &event);
}

static enum reeve_status
run(struct reeve_log *log, const char *sql, const struct reeve_event_filter *f,
    reeve_event_fn *fn, void *ctx, struct reeve_error *err)
{
	sqlite3_stmt *stmt = NULL;
	enum reeve_status status = rv_query_prepare(log, sql, &stmt, err);
	bool row = true;

	if (status == REEVE_OK) {
		bind_filter(stmt, f);
	}
	while (status == REEVE_OK && row) {
		status = rv_query_step(log, stmt, &row, err);
		if (status == REEVE_OK && row && !tell(stmt, fn, ctx)) {
			break;
		}
	}
	sqlite3_finalize(stmt);
	return status;
}

enum reeve_status
reeve_log_events(struct reeve_log *log, const struct reeve_event_filter *filter,
    reeve_event_fn *fn, void *ctx, struct reeve_error *err)
{
	static const struct reeve_event_filter all = { .size = sizeof(all) };
	struct rv_buf sql;
	enum reeve_status status;

	if (rv_query_lacks("read events", "the log", log, err) ||
	    rv_query_lacks("read events", "the callback", fn, err)) {
		return REEVE_EINVALID;
	}
	if (filter != NULL && filter->size < sizeof(*filter)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot read events: reeve_event_filter has size %zu; set "
		    "it to the sizeof its struct",
		    filter->size);
	}
	filter = filter != NULL ? filter : &all;
	rv_buf_init(&sql, SQL_MAX);
	if (filter->limit != 0) {
		rv_buf_adds(&sql, "SELECT * FROM (");
	}
	write_sql(&sql, filter);
	if (filter->limit != 0) {
		rv_buf_adds(&sql, ") ORDER BY id");
	}
	if (sql.failed) {
		status = rv_error_sys(err, ENOMEM, "cannot read events");
	} else {
		status = rv_query_look_begin(log, err);
	}
	if (status == REEVE_OK) {
		status = run(log, rv_buf_str(&sql), filter, fn, ctx, err);
		rv_query_look_end(log);
	}
	rv_buf_finish(&sql);
	return status;
}
