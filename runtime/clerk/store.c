/* SPDX-License-Identifier: MIT */
/*
 * SQLite, kept small and told never to wait: see store.h. Errors of SQLite are
 * sorted here, once; nobody else looks at its codes.
 */
#include "config.h"

#include "clerk/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/text.h"
#include "clerk/tables.h"
#include "sys/sys.h"

#define APPLICATION_ID 0x52656576 /* "Reev" */
#define USER_VERSION   1
#define PAGE_SIZE      4096 /* of SQLite, unless it is told otherwise */
#define WRITE_BACK_AT  1000 /* pages */
/* Which exceptions still wait for names; not in the oldest of our files. */
#define MAKE_UNNAMED \
	"CREATE TABLE IF NOT EXISTS unnamed(id INTEGER PRIMARY KEY NOT NULL);"

static const char *const statements[] = {
#define X(symbol, sql) sql,
#include "clerk/statements.def"
#undef X
};

void
rv_store_setup(void)
{
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 128, 64);
}

bool
rv_store_init(struct rv_store *store, const char *dir)
{
	size_t size = strlen(dir) + sizeof("/events.db");

	memset(store, 0, sizeof(*store));
	store->path = rv_alloc(1, size);
	if (store->path == NULL) {
		return false;
	}
	rv_format(store->path, size, "%s/events.db", dir);
	return true;
}

void
rv_store_finish(struct rv_store *store)
{
	rv_store_close(store);
	rv_free(store->path);
	store->path = NULL;
}

static bool
no_room(int sys_errno)
{
	return sys_errno == ENOSPC || sys_errno == EDQUOT;
}

/* Fill err from what the connection says. */
static enum reeve_status
failed(struct rv_store *store, int rc, struct reeve_error *err)
{
	int sys_errno = store->db != NULL ? sqlite3_system_errno(store->db) : 0;
	const char *text =
	    store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc);
	enum reeve_status status;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		status = REEVE_EBUSY;
		break;
	case SQLITE_FULL:
		status = REEVE_EFULL;
		break;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		status = no_room(sys_errno) ? REEVE_EFULL : REEVE_ESYS;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		status = REEVE_EDAMAGED;
		break;
	case SQLITE_CONSTRAINT:
		status = REEVE_EPROTO;
		break;
	case SQLITE_NOMEM:
		status = REEVE_ENOMEM;
		break;
	default:
		status = REEVE_EFAILED;
	}
	if (sys_errno != 0 && (rc & 0xff) != SQLITE_BUSY) {
		rv_error_sys(err, sys_errno, "%s", text);
	} else {
		rv_error(err, status, "%s", text);
	}
	if (err != NULL) {
		err->status = status;
	}
	return status;
}

/* A failure that a test wants, in the words of SQLite. */
static enum reeve_status
injected(int sys_errno, struct reeve_error *err)
{
	enum reeve_status status = no_room(sys_errno)     ? REEVE_EFULL
				   : sys_errno == EBUSY   ? REEVE_EBUSY
				   : sys_errno == EUCLEAN ? REEVE_EDAMAGED
							  : REEVE_ESYS;

	rv_error_sys(err, sys_errno, "cannot commit");
	if (err != NULL) {
		err->status = status;
	}
	return status;
}

static enum reeve_status
execute(struct rv_store *store, const char *sql, struct reeve_error *err)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? REEVE_OK : failed(store, rc, err);
}

/* The number that a statement answers, which is not kept. */
static enum reeve_status
ask(struct rv_store *store, const char *sql, int64_t *number,
    struct reeve_error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(stmt);
	}
	if (rc == SQLITE_ROW) {
		*number = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	}
	/* Before finalize, which would clear what went wrong. */
	if (rc != SQLITE_OK) {
		enum reeve_status status = failed(store, rc, err);

		sqlite3_finalize(stmt);
		return status;
	}
	sqlite3_finalize(stmt);
	return REEVE_OK;
}

static enum reeve_status
make_tables(struct rv_store *store, struct reeve_error *err)
{
	struct rv_buf sql;
	enum reeve_status status;

	rv_buf_init(&sql, 64 * 1024);
	rv_buf_adds(&sql, "BEGIN IMMEDIATE;");
	rv_tables_sql(&sql);
	rv_buf_addf(&sql,
	    "CREATE TABLE rings(run_id TEXT PRIMARY KEY NOT NULL,"
	    " first_id INTEGER NOT NULL, seq INTEGER NOT NULL,"
	    " finished INTEGER NOT NULL) WITHOUT ROWID;" MAKE_UNNAMED
	    "PRAGMA application_id=%d;PRAGMA user_version=%d;COMMIT",
	    APPLICATION_ID, USER_VERSION);
	if (sql.failed) {
		status = rv_error(err, REEVE_ENOMEM, "out of memory");
	} else {
		status = execute(store, rv_buf_str(&sql), err);
	}
	rv_buf_finish(&sql);
	if (status != REEVE_OK) {
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return status;
}

/* An empty file becomes an event log; what is something else is refused. */
static enum reeve_status
check_tables(struct rv_store *store, struct reeve_error *err)
{
	int64_t id = 0, version = 0, tables = 0;
	enum reeve_status status;

	if ((status = ask(store, "PRAGMA application_id", &id, err)) !=
		REEVE_OK ||
	    (status = ask(store, "PRAGMA user_version", &version, err)) !=
		REEVE_OK ||
	    (status = ask(store, "SELECT COUNT(*) FROM sqlite_master", &tables,
		 err)) != REEVE_OK) {
		return status;
	}
	if (tables == 0) {
		return make_tables(store, err);
	}
	if (id != APPLICATION_ID) {
		return rv_error(
		    err, REEVE_EDAMAGED, "it is a database of something else");
	}
	if (version > USER_VERSION) {
		return rv_error(err, REEVE_EFAILED,
		    "it was made by a newer version of reeve");
	}
	return execute(store, MAKE_UNNAMED, err);
}

static enum reeve_status
prepare(struct rv_store *store, struct reeve_error *err)
{
	for (unsigned i = 0; i < RV_SQL_COUNT; i++) {
		int rc = sqlite3_prepare_v3(store->db, statements[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &store->sql[i], NULL);
		enum reeve_status status;

		if (rc == SQLITE_ERROR) {
			/* A table or column is not there. */
			return rv_error(err, REEVE_EDAMAGED, "%s",
			    sqlite3_errmsg(store->db));
		}
		if (rc != SQLITE_OK) {
			status = failed(store, rc, err);
			return status;
		}
	}
	return REEVE_OK;
}

static void
remember_file(struct rv_store *store)
{
	struct stat st;

	if (stat(store->path, &st) == 0) {
		store->dev = st.st_dev;
		store->inode = st.st_ino;
	}
}

/*
 * The write-ahead log is written back when it has so many pages. Where it
 * would fill a small disk before that, sooner: a sixteenth of it.
 */
static int
write_back_at(const struct rv_store *store)
{
	struct statvfs disk;
	uint64_t pages;

	if (statvfs(store->path, &disk) == -1) {
		return WRITE_BACK_AT;
	}
	pages = (uint64_t)disk.f_blocks * disk.f_frsize / 16 / PAGE_SIZE;
	return (int)RV_MIN(RV_MAX(pages, UINT64_C(1)), (uint64_t)WRITE_BACK_AT);
}

enum reeve_status
rv_store_open(struct rv_store *store, struct reeve_error *err)
{
	int rc = sqlite3_open_v2(store->path, &store->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    NULL);
	enum reeve_status status;
	int64_t unused;

	if (rc != SQLITE_OK) {
		status = failed(store, rc, err);
		rv_store_close(store);
		return status;
	}
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_wal_autocheckpoint(store->db, write_back_at(store));
	if ((status = execute(store,
		 "PRAGMA cache_size=-128;PRAGMA mmap_size=0;"
		 "PRAGMA temp_store=MEMORY;PRAGMA synchronous=NORMAL;"
		 "PRAGMA journal_size_limit=4194304",
		 err)) == REEVE_OK &&
	    (status = ask(store, "PRAGMA journal_mode=WAL", &unused, err)) ==
		REEVE_OK &&
	    (status = check_tables(store, err)) == REEVE_OK &&
	    (status = prepare(store, err)) == REEVE_OK) {
		remember_file(store);
		return REEVE_OK;
	}
	rv_store_close(store);
	return status;
}

void
rv_store_close(struct rv_store *store)
{
	for (unsigned i = 0; i < RV_SQL_COUNT; i++) {
		sqlite3_finalize(store->sql[i]);
		store->sql[i] = NULL;
	}
	sqlite3_close(store->db);
	store->db = NULL;
	store->writing = false;
}

/* The name behind all three files, one that is not taken. */
static void
name_aside(const struct rv_store *store, char *to, size_t size)
{
	int64_t now = rv_sys_wall_us() / 1000000;

	do {
		rv_format(
		    to, size, "%s.damaged-%lld", store->path, (long long)now++);
	} while (access(to, F_OK) == 0);
}

enum reeve_status
rv_store_move_aside(
    struct rv_store *store, char *to, size_t size, struct reeve_error *err)
{
	static const char *const suffixes[] = { "-wal", "-shm", "" };
	char from[4096], target[4096];

	/* Closing would write the log into the database, as if it were one. */
	if (store->db != NULL) {
		sqlite3_db_config(
		    store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	}
	rv_store_close(store);
	name_aside(store, to, size);
	for (size_t i = 0; i < RV_ARRAY_LEN(suffixes); i++) {
		rv_format(from, sizeof(from), "%s%s", store->path, suffixes[i]);
		rv_format(target, sizeof(target), "%s%s", to, suffixes[i]);
		if (rv_sys_rename(from, target) == -1 && errno != ENOENT) {
			return rv_error_sys(err, errno, "cannot move it aside");
		}
	}
	return REEVE_OK;
}

bool
rv_store_has_some(const struct rv_store *store)
{
	struct stat st;

	return stat(store->path, &st) == 0 && st.st_size > 0;
}

bool
rv_store_is_gone(const struct rv_store *store)
{
	struct stat st;

	if (stat(store->path, &st) == -1) {
		return errno == ENOENT || errno == ENOTDIR;
	}
	return st.st_dev != store->dev || st.st_ino != store->inode;
}

enum reeve_status
rv_store_begin(struct rv_store *store, struct reeve_error *err)
{
	enum reeve_status status = rv_store_run(store, RV_SQL_BEGIN, err);

	store->writing = status == REEVE_OK;
	return status;
}

enum reeve_status
rv_store_commit(struct rv_store *store, struct reeve_error *err)
{
	int sys_errno = RV_FAULT(sqlite);
	enum reeve_status status;

	if (sys_errno != 0) {
		status = injected(sys_errno, err);
	} else {
		status = rv_store_run(store, RV_SQL_COMMIT, err);
	}
	if (status == REEVE_OK) {
		store->writing = false;
	}
	return status;
}

void
rv_store_rollback(struct rv_store *store)
{
	if (store->db != NULL && sqlite3_get_autocommit(store->db) == 0) {
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	}
	store->writing = false;
}

void
rv_store_write_back(struct rv_store *store)
{
	if (store->db != NULL) {
		sqlite3_wal_checkpoint_v2(
		    store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	}
}

void
rv_store_int(struct rv_store *store, enum rv_sql sql, int at, int64_t value)
{
	sqlite3_bind_int64(store->sql[sql], at, value);
}

void
rv_store_text(struct rv_store *store, enum rv_sql sql, int at, const char *text,
    size_t len)
{
	sqlite3_bind_text64(
	    store->sql[sql], at, text, len, SQLITE_STATIC, SQLITE_UTF8);
}

void
rv_store_str(struct rv_store *store, enum rv_sql sql, int at, const char *text)
{
	if (text == NULL) {
		rv_store_null(store, sql, at);
	} else {
		rv_store_text(store, sql, at, text, strlen(text));
	}
}

void
rv_store_null(struct rv_store *store, enum rv_sql sql, int at)
{
	sqlite3_bind_null(store->sql[sql], at);
}

enum reeve_status
rv_store_run(struct rv_store *store, enum rv_sql sql, struct reeve_error *err)
{
	int rc = sqlite3_step(store->sql[sql]);
	enum reeve_status status = REEVE_OK;

	if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
		status = failed(store, rc, err);
	}
	sqlite3_reset(store->sql[sql]);
	return status;
}

enum reeve_status
rv_store_row(
    struct rv_store *store, enum rv_sql sql, bool *row, struct reeve_error *err)
{
	int rc = sqlite3_step(store->sql[sql]);
	enum reeve_status status = REEVE_OK;

	*row = rc == SQLITE_ROW;
	if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
		status = failed(store, rc, err);
	}
	if (rc != SQLITE_ROW) {
		sqlite3_reset(store->sql[sql]);
	}
	return status;
}

void
rv_store_reset(struct rv_store *store, enum rv_sql sql)
{
	sqlite3_reset(store->sql[sql]);
}

enum reeve_status
rv_store_number(struct rv_store *store, enum rv_sql sql, int64_t *number,
    struct reeve_error *err)
{
	bool row;
	enum reeve_status status = rv_store_row(store, sql, &row, err);

	if (status == REEVE_OK && row) {
		*number = sqlite3_column_int64(store->sql[sql], 0);
	}
	rv_store_reset(store, sql);
	return status;
}

int64_t
rv_store_changes(const struct rv_store *store)
{
	return sqlite3_changes(store->db);
}

void
rv_store_shrink(struct rv_store *store)
{
	if (store->db != NULL) {
		sqlite3_db_release_memory(store->db);
	}
}
