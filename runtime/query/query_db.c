/* SPDX-License-Identifier: MIT */
/*
 * The few things that are said to SQLite everywhere, its errors in our words,
 * and the functions that our statements use.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "query/query_priv.h"

enum reeve_status
rv_query_failed(
    struct reeve_log *log, const char *what, struct reeve_error *err)
{
	static const struct {
		int code;
		enum reeve_status status;
	} statuses[] = {
		{ SQLITE_NOMEM, REEVE_ENOMEM },
		{ SQLITE_BUSY, REEVE_EBUSY },
		{ SQLITE_LOCKED, REEVE_EBUSY },
		{ SQLITE_CORRUPT, REEVE_EDAMAGED },
		{ SQLITE_NOTADB, REEVE_EDAMAGED },
		{ SQLITE_PERM, REEVE_EPERM },
		{ SQLITE_AUTH, REEVE_EPERM },
		{ SQLITE_READONLY, REEVE_EPERM },
		{ SQLITE_ERROR, REEVE_EINVALID },
	};
	enum reeve_status status = REEVE_ESYS;
	int code = sqlite3_errcode(log->db) & 0xff;

	for (size_t i = 0; i < RV_ARRAY_LEN(statuses); i++) {
		if (statuses[i].code == code) {
			status = statuses[i].status;
		}
	}
	return rv_error(
	    err, status, "cannot %s: %s", what, sqlite3_errmsg(log->db));
}

enum reeve_status
rv_query_prepare(struct reeve_log *log, const char *sql, sqlite3_stmt **stmt,
    struct reeve_error *err)
{
	*stmt = NULL;
	if (sqlite3_prepare_v2(log->db, sql, -1, stmt, NULL) != SQLITE_OK) {
		return rv_query_failed(log, "read the event log", err);
	}
	return REEVE_OK;
}

enum reeve_status
rv_query_step(struct reeve_log *log, sqlite3_stmt *stmt, bool *row,
    struct reeve_error *err)
{
	int got = sqlite3_step(stmt);

	*row = got == SQLITE_ROW;
	if (got != SQLITE_ROW && got != SQLITE_DONE) {
		return rv_query_failed(log, "read the event log", err);
	}
	return REEVE_OK;
}

enum reeve_status
rv_query_run(struct reeve_log *log, const char *sql, struct reeve_error *err)
{
	if (sqlite3_exec(log->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		return rv_query_failed(log, "read the event log", err);
	}
	return REEVE_OK;
}

void
rv_query_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

const char *
rv_query_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text != NULL ? text : "";
}

static bool
is_instance(const char *rest)
{
	return rest[0] == '.' && rest[1] != '\0' &&
	       strspn(rest + 1, "0123456789") == strlen(rest + 1);
}

bool
rv_query_means(const char *name, const char *path)
{
	size_t len = strlen(name);
	const char *rest;

	if (strcmp(name, "/") == 0 || strcmp(name, path) == 0) {
		return true;
	}
	if (rv_is_glob(name)) {
		return rv_glob(name, path);
	}
	if (strncmp(name, path, len) != 0) {
		return false;
	}
	rest = path + len;
	return *rest == '/' || is_instance(rest);
}

static void
on_two(sqlite3_context *ctx, sqlite3_value **args,
    bool (*fits)(const char *, const char *))
{
	const char *a = (const char *)sqlite3_value_text(args[0]);
	const char *b = (const char *)sqlite3_value_text(args[1]);

	sqlite3_result_int(ctx, a != NULL && b != NULL && fits(a, b));
}

static void
on_glob(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	(void)n;
	on_two(ctx, args, rv_glob);
}

static void
on_means(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	(void)n;
	on_two(ctx, args, rv_query_means);
}

bool
rv_query_functions(sqlite3 *db)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;

	return sqlite3_create_function(db, "unit_glob", 2, flags, NULL, on_glob,
		   NULL, NULL) == SQLITE_OK &&
	       sqlite3_create_function(db, "unit_means", 2, flags, NULL,
		   on_means, NULL, NULL) == SQLITE_OK;
}
