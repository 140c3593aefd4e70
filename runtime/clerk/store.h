/* SPDX-License-Identifier: MIT */
/*
 * events.db: opened or made, its statements prepared, its errors sorted by
 * what can be done about them. Belongs to the disk thread. Never waits for a
 * lock: whoever calls tries again.
 */
#ifndef RV_CLERK_STORE_H
#define RV_CLERK_STORE_H

#include <sqlite3.h>

#include <reeve/error.h>

#include "base/base.h"

enum rv_sql {
#define X(symbol, sql) RV_SQL_##symbol,
#include "clerk/statements.def"
#undef X
	RV_SQL_COUNT
};

struct rv_store {
	char *path;
	sqlite3 *db; /* NULL: closed */
	sqlite3_stmt *sql[RV_SQL_COUNT];
	bool writing;        /* between begin and commit */
	uint64_t dev, inode; /* of the file that is open */
};

/* Process-wide settings of SQLite; once, before the first open. */
void rv_store_setup(void);

bool rv_store_init(struct rv_store *, const char *dir) RV_MUST_CHECK;
void rv_store_finish(struct rv_store *);

/*
 * REEVE_EBUSY: locked by another. REEVE_EFULL: no room. REEVE_EDAMAGED: it is
 * no event log, or a torn one: move it aside. Others: the disk, as it says.
 */
enum reeve_status rv_store_open(
    struct rv_store *, struct reeve_error *) RV_MUST_CHECK;
void rv_store_close(struct rv_store *);
/* Closes it and renames it and what belongs to it; `to` gets the new path. */
enum reeve_status rv_store_move_aside(struct rv_store *, char *to, size_t size,
    struct reeve_error *) RV_MUST_CHECK;
/* There is a file, and it is not empty. */
bool rv_store_has_some(const struct rv_store *);
/* Somebody has deleted or replaced the file under us. */
bool rv_store_is_gone(const struct rv_store *);

enum reeve_status rv_store_begin(
    struct rv_store *, struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_store_commit(
    struct rv_store *, struct reeve_error *) RV_MUST_CHECK;
/* Fine without a transaction, too. */
void rv_store_rollback(struct rv_store *);

/* The write-ahead log into the database, its room given back: as far as may be.
 */
void rv_store_write_back(struct rv_store *);

/* Bindings for rv_store_run; those of strings must outlive it. */
void rv_store_int(struct rv_store *, enum rv_sql, int at, int64_t);
void rv_store_text(
    struct rv_store *, enum rv_sql, int at, const char *, size_t len);
/* NULL becomes NULL. */
void rv_store_str(struct rv_store *, enum rv_sql, int at, const char *);
void rv_store_null(struct rv_store *, enum rv_sql, int at);

/* A statement without rows; bindings stay. */
enum reeve_status rv_store_run(
    struct rv_store *, enum rv_sql, struct reeve_error *) RV_MUST_CHECK;
/* One with rows: true while there is one; then the caller resets it. */
enum reeve_status rv_store_row(struct rv_store *, enum rv_sql, bool *row,
    struct reeve_error *) RV_MUST_CHECK;
void rv_store_reset(struct rv_store *, enum rv_sql);
/* The first column of the first row. */
enum reeve_status rv_store_number(struct rv_store *, enum rv_sql,
    int64_t *number, struct reeve_error *) RV_MUST_CHECK;
int64_t rv_store_changes(const struct rv_store *);

/* Give memory back. */
void rv_store_shrink(struct rv_store *);

#endif
