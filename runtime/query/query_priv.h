/* SPDX-License-Identifier: MIT */
/*
 * The insides of an open event log: one connection to the database, which is
 * only ever read, and beside it in memory what the rings hold that is not in
 * the database yet. Inside of a look (look_begin to look_end) the view `seen`
 * is both, each event once.
 */
#ifndef RV_QUERY_PRIV_H
#define RV_QUERY_PRIV_H

#include <sqlite3.h>

#include <reeve/query.h>

#include "base/base.h"

struct reeve_log {
	sqlite3 *db; /* events.db, or an empty one in memory */
	char *state_dir, *runtime_dir;
	bool has_db;
	bool looking;
};

/* -------- query_db.c: SQLite in our words -------- */

/* What SQLite says, as a status; `what` is "cannot ...". */
enum reeve_status rv_query_failed(
    struct reeve_log *, const char *what, struct reeve_error *);
/* The caller finalizes *stmt. */
enum reeve_status rv_query_prepare(struct reeve_log *, const char *sql,
    sqlite3_stmt **stmt, struct reeve_error *) RV_MUST_CHECK;
/* *row: there is one. */
enum reeve_status rv_query_step(struct reeve_log *, sqlite3_stmt *, bool *row,
    struct reeve_error *) RV_MUST_CHECK;
/* One or several statements without rows. */
enum reeve_status rv_query_run(
    struct reeve_log *, const char *sql, struct reeve_error *) RV_MUST_CHECK;
void rv_query_bind_text(sqlite3_stmt *, int at, const char *text);
/* "" where it is NULL; borrowed until the next step. */
const char *rv_query_text(sqlite3_stmt *, int column);
bool rv_query_functions(sqlite3 *);
/* Does the name mean this path: the same, a glob, below it, or an instance? */
bool rv_query_means(const char *name, const char *path);

/* -------- query_rings.c -------- */

/* From all rings into the table temp.ring. */
enum reeve_status rv_query_rings(
    struct reeve_log *, struct reeve_error *) RV_MUST_CHECK;
/* Is there any? */
bool rv_query_has_ring(const char *runtime_dir);

/* -------- query_open.c -------- */

/* Is it NULL? Then "cannot WHAT: NAME is NULL" and REEVE_EINVALID. */
bool rv_query_lacks(
    const char *what, const char *name, const void *it, struct reeve_error *);

/* A consistent look at everything: the view `seen`. */
enum reeve_status rv_query_look_begin(
    struct reeve_log *, struct reeve_error *) RV_MUST_CHECK;
void rv_query_look_end(struct reeve_log *);

#endif
