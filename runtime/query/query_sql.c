/* SPDX-License-Identifier: MIT */
/*
 * One statement of a stranger's, read-only three times: the connection is, the
 * statement must be, and an authorizer lets only reading pass.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "query/query_priv.h"

/* What tells of the database and changes nothing. */
static bool
is_harmless_pragma(const char *name)
{
	static const char *const harmless[] = { "table_info", "table_xinfo",
		"table_list", "index_list", "index_info", "index_xinfo",
		"user_version", "application_id", "page_count", "page_size",
		"freelist_count", "integrity_check", "quick_check",
		"compile_options", "function_list", "database_list" };

	for (size_t i = 0; name != NULL && i < RV_ARRAY_LEN(harmless); i++) {
		if (sqlite3_stricmp(harmless[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static int
may(void *ctx, int action, const char *a, const char *b, const char *db,
    const char *trigger)
{
	(void)ctx;
	(void)db;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return b != NULL && sqlite3_stricmp(b, "load_extension") == 0
			   ? SQLITE_DENY
			   : SQLITE_OK;
	case SQLITE_PRAGMA:
		/* user_version = 7 would write. */
		return is_harmless_pragma(a) &&
			       (b == NULL ||
				   sqlite3_stricmp(a, "user_version") != 0)
			   ? SQLITE_OK
			   : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static void
take_value(struct reeve_value *v, sqlite3_stmt *stmt, int i)
{
	static const enum reeve_value_type types[] = {
		[SQLITE_INTEGER] = REEVE_INTEGER,
		[SQLITE_FLOAT] = REEVE_REAL,
		[SQLITE_TEXT] = REEVE_TEXT,
		[SQLITE_BLOB] = REEVE_BLOB,
		[SQLITE_NULL] = REEVE_NULL,
	};

	*v = (struct reeve_value){ .column = sqlite3_column_name(stmt, i),
		.type = types[sqlite3_column_type(stmt, i)] };
	switch (v->type) {
	case REEVE_INTEGER:
		v->integer = sqlite3_column_int64(stmt, i);
		break;
	case REEVE_REAL:
		v->real = sqlite3_column_double(stmt, i);
		break;
	case REEVE_TEXT:
		v->data = rv_query_text(stmt, i);
		break;
	case REEVE_BLOB:
		v->data = sqlite3_column_blob(stmt, i);
		break;
	default:
		return;
	}
	v->len = (size_t)sqlite3_column_bytes(stmt, i);
}

static enum reeve_status
tell_rows(struct reeve_log *log, sqlite3_stmt *stmt, reeve_row_fn *fn,
    void *ctx, struct reeve_error *err)
{
	int n = sqlite3_column_count(stmt);
	struct reeve_value *values = rv_alloc((size_t)n + 1, sizeof(*values));
	enum reeve_status status = REEVE_OK;
	bool row = true;

	if (values == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot read rows");
	}
	while (status == REEVE_OK && row) {
		status = rv_query_step(log, stmt, &row, err);
		for (int i = 0; row && i < n; i++) {
			take_value(&values[i], stmt, i);
		}
		if (row && !fn(ctx, values, (unsigned)n)) {
			break;
		}
	}
	rv_free(values);
	return status;
}

/* Behind the statement: nothing, or what says nothing. */
static bool
is_blank(struct reeve_log *log, const char *rest)
{
	sqlite3_stmt *more = NULL;
	bool blank =
	    sqlite3_prepare_v2(log->db, rest, -1, &more, NULL) == SQLITE_OK &&
	    more == NULL;

	sqlite3_finalize(more);
	return blank;
}

static enum reeve_status
prepare(struct reeve_log *log, const char *sql, sqlite3_stmt **stmt,
    struct reeve_error *err)
{
	const char *rest = "";

	if (sqlite3_prepare_v2(log->db, sql, -1, stmt, &rest) != SQLITE_OK) {
		enum reeve_status status =
		    rv_query_failed(log, "run this SQL", err);

		return status == REEVE_EPERM
			   ? rv_error(err, REEVE_EPERM,
				 "cannot run this SQL: the log is only read")
			   : status;
	}
	if (*stmt == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot run this SQL: there is no statement");
	}
	if (sqlite3_stmt_readonly(*stmt) == 0) {
		return rv_error(err, REEVE_EPERM,
		    "cannot run this SQL: the log is only read");
	}
	if (!is_blank(log, rest)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot run this SQL: it is more than one statement");
	}
	return REEVE_OK;
}

enum reeve_status
reeve_log_sql(struct reeve_log *log, const char *sql, reeve_row_fn *fn,
    void *ctx, struct reeve_error *err)
{
	sqlite3_stmt *stmt = NULL;
	enum reeve_status status;

	if (rv_query_lacks("run SQL", "the log", log, err) ||
	    rv_query_lacks("run SQL", "the statement", sql, err) ||
	    rv_query_lacks("run SQL", "the callback", fn, err)) {
		return REEVE_EINVALID;
	}
	if (!log->has_db) {
		return rv_error(err, REEVE_ENOENT,
		    "cannot run SQL: there is no database in %s yet",
		    log->state_dir);
	}
	sqlite3_set_authorizer(log->db, may, NULL);
	status = prepare(log, sql, &stmt, err);
	sqlite3_set_authorizer(log->db, NULL, NULL);
	if (status == REEVE_OK) {
		status = tell_rows(log, stmt, fn, ctx, err);
	}
	sqlite3_finalize(stmt);
	return status;
}
