/* SPDX-License-Identifier: MIT */
/*
 * Opening a log, and a consistent look at it. The order makes the look whole:
 * first the rings are copied, then the database's snapshot is taken. What the
 * clerk freed in a ring before the copy was committed before the snapshot; what
 * it commits in between is in both, and is then taken from the database.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "query/query_priv.h"

#define BUSY_MS 5000

/* For a log whose disk has not taken anything yet: the columns we ask for. */
static const char empty[] =
    "CREATE TABLE runs(id, started_at, ended_at, end_reason, config);"
    "CREATE TABLE events(id INTEGER PRIMARY KEY, run_id, life_id, at, path,"
    " kind, detail);"
    "CREATE TABLE lives(id INTEGER PRIMARY KEY, run_id, path, pid, started_at,"
    " ready_at, ended_at, end_reason, output_tail);"
    "CREATE TABLE exceptions(id INTEGER PRIMARY KEY, life_id, at, type,"
    " message, sys_errno, backtrace, data)";

static const char look[] =
    "CREATE TEMP TABLE ring(id INTEGER PRIMARY KEY, run_id TEXT,"
    " life_id INTEGER, at INTEGER, path TEXT, kind TEXT, detail TEXT);"
    "CREATE TEMP VIEW seen AS SELECT id, run_id, life_id, at, path, kind,"
    " detail FROM main.events UNION ALL SELECT id, run_id, life_id, at, path,"
    " kind, detail FROM temp.ring";

enum reeve_status
rv_query_look_begin(struct reeve_log *log, struct reeve_error *err)
{
	enum reeve_status status;

	if (log->looking) {
		return rv_error(err, REEVE_EINVALID,
		    "a log cannot be asked from inside its own callback");
	}
	log->looking = true;
	status = rv_query_run(log, look, err);
	if (status == REEVE_OK) {
		status = rv_query_rings(log, err);
	}
	if (status == REEVE_OK) {
		/* The first read fixes what is seen until the end. */
		status = rv_query_run(log,
		    "BEGIN; SELECT id FROM main.events LIMIT 1;"
		    "DELETE FROM temp.ring WHERE EXISTS (SELECT 1 FROM"
		    " main.events e WHERE e.id = ring.id)",
		    err);
	}
	if (status != REEVE_OK) {
		rv_query_look_end(log);
	}
	return status;
}

void
rv_query_look_end(struct reeve_log *log)
{
	if (sqlite3_get_autocommit(log->db) == 0) {
		sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	}
	sqlite3_exec(log->db,
	    "DROP VIEW IF EXISTS temp.seen; DROP TABLE IF EXISTS temp.ring;"
	    "DROP TABLE IF EXISTS temp.meant",
	    NULL, NULL, NULL);
	log->looking = false;
}

static enum reeve_status
open_in_memory(struct reeve_log *log, struct reeve_error *err)
{
	sqlite3_close(log->db);
	log->db = NULL;
	if (sqlite3_open(":memory:", &log->db) != SQLITE_OK) {
		return log->db != NULL
			   ? rv_query_failed(log, "open a log", err)
			   : rv_error_sys(err, ENOMEM, "cannot open a log");
	}
	return rv_query_run(log, empty, err);
}

/* A clerk that has only just begun, or never could, has no tables yet. */
static enum reeve_status
has_tables(struct reeve_log *log, bool *has, struct reeve_error *err)
{
	sqlite3_stmt *stmt = NULL;
	enum reeve_status status = rv_query_prepare(log,
	    "SELECT 1 FROM sqlite_master WHERE type = 'table'"
	    " AND name = 'events'",
	    &stmt, err);

	if (status == REEVE_OK) {
		status = rv_query_step(log, stmt, has, err);
	}
	sqlite3_finalize(stmt);
	return status;
}

static enum reeve_status
open_database(struct reeve_log *log, struct reeve_error *err)
{
	char path[PATH_MAX];
	enum reeve_status status;

	rv_format(path, sizeof(path), "%s/events.db", log->state_dir);
	if (access(path, F_OK) != 0) {
		if (errno == ENOENT || errno == ENOTDIR) {
			return REEVE_OK;
		}
		return rv_error_sys(err, errno, "cannot open %s", path);
	}
	if (sqlite3_open_v2(path, &log->db,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK) {
		return log->db != NULL
			   ? rv_query_failed(log, "open the event log", err)
			   : rv_error_sys(err, ENOMEM, "cannot open %s", path);
	}
	sqlite3_busy_timeout(log->db, BUSY_MS);
	status = has_tables(log, &log->has_db, err);
	return status == REEVE_OK ? REEVE_OK : rv_error_wrap(err, "%s", path);
}

static enum reeve_status
open_all(struct reeve_log *log, struct reeve_error *err)
{
	enum reeve_status status = open_database(log, err);

	if (status != REEVE_OK) {
		return status;
	}
	if (!log->has_db && !rv_query_has_ring(log->runtime_dir)) {
		return rv_error(err, REEVE_ENOENT,
		    "there is no event log in %s", log->state_dir);
	}
	if (!log->has_db) {
		status = open_in_memory(log, err);
	}
	if (status == REEVE_OK &&
	    (!rv_query_functions(log->db) ||
		sqlite3_exec(log->db, "PRAGMA temp_store=MEMORY", NULL, NULL,
		    NULL) != SQLITE_OK)) {
		status = rv_query_failed(log, "open the event log", err);
	}
	return status;
}

bool
rv_query_lacks(
    const char *what, const char *name, const void *it, struct reeve_error *err)
{
	if (it == NULL) {
		rv_error(
		    err, REEVE_EINVALID, "cannot %s: %s is NULL", what, name);
	}
	return it == NULL;
}

enum reeve_status
reeve_log_open(struct reeve_log **out, const struct reeve_log_options *options,
    struct reeve_error *err)
{
	struct reeve_log *log;
	enum reeve_status status;

	if (rv_query_lacks("open a log", "the place for it", out, err) ||
	    rv_query_lacks("open a log", "reeve_log_options", options, err)) {
		return REEVE_EINVALID;
	}
	if (options->size < sizeof(*options)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot open a log: reeve_log_options has size %zu; set it "
		    "to the sizeof its struct",
		    options->size);
	}
	if (rv_query_lacks("open a log", "state_dir of reeve_log_options",
		options->state_dir, err)) {
		return REEVE_EINVALID;
	}
	log = rv_alloc(1, sizeof(*log));
	if (log == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot open a log");
	}
	log->state_dir = rv_strdup(options->state_dir);
	if (options->runtime_dir != NULL) {
		log->runtime_dir = rv_strdup(options->runtime_dir);
	}
	if (log->state_dir == NULL ||
	    (options->runtime_dir != NULL && log->runtime_dir == NULL)) {
		status = rv_error_sys(err, ENOMEM, "cannot open a log");
	} else {
		status = open_all(log, err);
	}
	if (status != REEVE_OK) {
		reeve_log_close(log);
		return status;
	}
	*out = log;
	return REEVE_OK;
}

void
reeve_log_close(struct reeve_log *log)
{
	if (log == NULL) {
		return;
	}
	sqlite3_close(log->db);
	rv_free(log->state_dir);
	rv_free(log->runtime_dir);
	rv_free(log);
}

void
reeve_log_free(void *p)
{
	rv_free(p);
}
