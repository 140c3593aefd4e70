/* SPDX-License-Identifier: MIT */
/*
 * The clerk writing what waits in its ring, from the wake to the commit of the
 * last record, beside bare inserts of the same rows into the same tables and
 * indexes, in transactions of the same size: read back from what it wrote. Once
 * with events alone, once with the lives that workers' events make and change.
 */
#include "config.h"

#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "journal/clerk_link.h"
#include "journal/journal.h"

#define PARTS      6     /* events of one life: see record_life */
#define LIVES      16000 /* of a round */
#define EVENTS     (LIVES * PARTS)
#define BATCH      1000 /* RV_BATCH_MAX of the clerk */
#define ROUNDS     5
#define ROUNDS_MAX 64

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

static struct rv_loop *loop;
static struct rv_journal *journal;
static char state[160], copy[200];
static bool is_ready, is_synced;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(2);
}

/* -------- the clerk -------- */

static void
on_ready(void *ctx, uint64_t next_event, uint64_t next_life,
    const struct rv_stray *strays, size_t n_strays, unsigned rings_drained)
{
	(void)ctx;
	(void)next_life;
	(void)strays;
	(void)n_strays;
	(void)rings_drained;
	rv_journal_set_first_id(journal, next_event);
	is_ready = true;
}

static void
on_synced(void *ctx, uint64_t token)
{
	(void)ctx;
	(void)token;
	is_synced = true;
}

static void
on_disk(
    void *ctx, bool ok, const char *what, const char *path, const char *reason)
{
	(void)ctx;
	(void)ok;
	(void)what;
	die(path, reason);
}

static void
on_dropped(void *ctx, uint64_t life, const char *path, bool is_stderr,
    uint64_t bytes, int64_t first_us, int64_t last_us)
{
	(void)ctx;
	(void)life;
	(void)path;
	(void)is_stderr;
	(void)bytes;
	(void)first_us;
	(void)last_us;
}

static void
on_lost(void *ctx, int wstatus)
{
	(void)ctx;
	(void)wstatus;
	die("the clerk", "it ended");
}

static void
on_trouble(void *ctx, const struct reeve_error *err)
{
	(void)ctx;
	die("the clerk", err->text);
}

static void
on_want_launcher(void *ctx)
{
	(void)ctx;
}

static const struct rv_clerk_ops ops = { .ready = on_ready,
	.disk = on_disk,
	.dropped = on_dropped,
	.synced = on_synced,
	.lost = on_lost,
	.trouble = on_trouble,
	.want_launcher = on_want_launcher };

static void
await(const bool *what)
{
	struct reeve_error err;

	while (!*what) {
		if (rv_loop_dispatch(loop, RV_FOREVER, &err) != REEVE_OK) {
			die("the loop", err.text);
		}
	}
}

static void
record(enum rv_kind_of_event kind, uint64_t life, const char *path,
    struct rv_fields *fields)
{
	struct rv_record r = { .kind = kind,
		.life = life,
		.path = path,
		.path_len = strlen(path),
		.fields = fields };

	if (rv_journal_record(journal, &r, 1) == 0) {
		die("the ring", "it is full");
	}
}

/* What a worker's start and stop leave, but for its death's tail of output. */
static void
record_life(uint64_t life, const char *path)
{
	struct rv_fields f = { 0 };

	rv_fields_int(&f, RV_KEY_ATTEMPT, 1);
	record(RV_KIND_WORKER_STARTING, life, path, &f);
	f = (struct rv_fields){ 0 };
	rv_fields_int(&f, RV_KEY_PID, 4711);
	rv_fields_int(&f, RV_KEY_START_TICKS, 123456);
	rv_fields_str(&f, RV_KEY_METHOD, "spawn");
	rv_fields_int(&f, RV_KEY_RESTARTS, 0);
	record(RV_KIND_WORKER_STARTED, life, path, &f);
	f = (struct rv_fields){ 0 };
	rv_fields_int(&f, RV_KEY_AFTER_MS, 12);
	record(RV_KIND_WORKER_READY, life, path, &f);
	f = (struct rv_fields){ 0 };
	rv_fields_str(&f, RV_KEY_TEXT, "serving 100 clients");
	record(RV_KIND_WORKER_STATUS, life, path, &f);
	f = (struct rv_fields){ 0 };
	rv_fields_str(&f, RV_KEY_WHY, "operator");
	rv_fields_int(&f, RV_KEY_SIGNAL, 15);
	record(RV_KIND_WORKER_STOPPING, life, path, &f);
	f = (struct rv_fields){ 0 };
	rv_fields_str(&f, RV_KEY_WHY, "operator");
	record(RV_KIND_WORKER_STOPPED, life, path, &f);
}

static void
open_all(struct rv_clerk_link **link, const struct rv_journal_conf *conf)
{
	char program[200];
	struct rv_journal_options options = { .dir = bench_dir(),
		.run_id = "bench",
		.size = conf->ring,
		.max_units = 1000,
		.version = "",
		.config_digest = "",
		.config_text = "{}",
		.hostname = "",
		.boot_id = "" };
	struct rv_clerk_options clerk = { .program = program,
		.state_dir = state,
		.runtime_dir = bench_dir(),
		.conf = conf,
		.ops = &ops };
	struct reeve_error err;

	snprintf(state, sizeof(state), "%s/state", bench_dir());
	snprintf(copy, sizeof(copy), "%s/copy.db", bench_dir());
	snprintf(program, sizeof(program), "%s/reeve-clerk", bench_build());
	mkdir(state, 0700);
	if (rv_journal_create(&journal, &options, &err) != REEVE_OK ||
	    rv_loop_create_epoll(&loop, &err) != REEVE_OK) {
		die("the bench", err.text);
	}
	clerk.journal = journal;
	clerk.loop = loop;
	if (rv_clerk_open(link, &clerk, &err) != REEVE_OK) {
		die("the clerk", err.text);
	}
	await(&is_ready);
}

static void
record_requests(const char *path)
{
	struct rv_fields f = { 0 };

	rv_fields_str(&f, RV_KEY_METHOD, "restart");
	rv_fields_int(&f, RV_KEY_UID, 0);
	rv_fields_int(&f, RV_KEY_PID, 4711);
	for (unsigned i = 0; i < PARTS; i++) {
		record(RV_KIND_CONTROL_REQUEST, 0, path, &f);
	}
}

static double
clerk_round(struct rv_clerk_link *link, unsigned round, bool with_lives)
{
	char path[40];
	int64_t at;

	for (uint64_t i = 0; i < LIVES; i++) {
		snprintf(path, sizeof(path), "web/app.%u", (unsigned)(i % 100));
		if (with_lives) {
			record_life(round * LIVES + i + 1, path);
		} else {
			record_requests(path);
		}
	}
	is_synced = false;
	at = bench_now();
	rv_journal_wake(journal);
	rv_clerk_sync(link, round);
	await(&is_synced);
	return (double)(bench_now() - at);
}

/* -------- bare inserts -------- */

static void
run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		die(sql, sqlite3_errmsg(db));
	}
}

static sqlite3_stmt *
statement(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		die(sql, sqlite3_errmsg(db));
	}
	return stmt;
}

/* The same tables and indexes; it grows as the clerk's does. */
static sqlite3 *
open_copy(sqlite3 *from)
{
	sqlite3_stmt *schema = statement(from,
	    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
	    "AND type IN ('table', 'index')");
	sqlite3 *db = NULL;

	unlink(copy);
	if (sqlite3_open(copy, &db) != SQLITE_OK) {
		die(copy, "cannot open it");
	}
	run(db, "PRAGMA cache_size=-256;PRAGMA temp_store=MEMORY;"
		"PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL");
	while (sqlite3_step(schema) == SQLITE_ROW) {
		run(db, (const char *)sqlite3_column_text(schema, 0));
	}
	sqlite3_finalize(schema);
	return db;
}

struct rows {
	sqlite3_value **values;
	unsigned n, columns;
};

static struct rows
read_rows(sqlite3 *db, const char *sql, unsigned most)
{
	sqlite3_stmt *stmt = statement(db, sql);
	struct rows rows = { .columns = (unsigned)sqlite3_column_count(stmt) };

	rows.values =
	    calloc((size_t)most * rows.columns, sizeof(rows.values[0]));
	while (rows.n < most && sqlite3_step(stmt) == SQLITE_ROW) {
		for (unsigned c = 0; c < rows.columns; c++) {
			rows.values[rows.n * rows.columns + c] =
			    sqlite3_value_dup(
				sqlite3_column_value(stmt, (int)c));
		}
		rows.n++;
	}
	sqlite3_finalize(stmt);
	return rows;
}

static void
free_rows(struct rows *rows)
{
	for (unsigned i = 0; i < rows->n * rows->columns; i++) {
		sqlite3_value_free(rows->values[i]);
	}
	free(rows->values);
}

static sqlite3_stmt *
insert_of(sqlite3 *db, const char *table, unsigned columns)
{
	char sql[256];
	int n = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?", table);

	for (unsigned c = 1; c < columns; c++) {
		n += snprintf(sql + n, sizeof(sql) - (size_t)n, ",?");
	}
	snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
	return statement(db, sql);
}

static void
insert(sqlite3_stmt *stmt, const struct rows *rows, unsigned row)
{
	for (unsigned c = 0; c < rows->columns; c++) {
		sqlite3_bind_value(
		    stmt, (int)c + 1, rows->values[row * rows->columns + c]);
	}
	if (sqlite3_step(stmt) != SQLITE_DONE) {
		die("insert", "it failed");
	}
	sqlite3_reset(stmt);
}

static void
make_ready(sqlite3_stmt *stmt, const struct rows *lives, unsigned row)
{
	sqlite3_bind_int64(stmt, 1, 1);
	sqlite3_bind_value(stmt, 2, lives->values[row * lives->columns]);
	if (sqlite3_step(stmt) != SQLITE_DONE) {
		die("update", "it failed");
	}
	sqlite3_reset(stmt);
}

/* The last round's rows; a life is made, then becomes ready, as the clerk's. */
static double
raw_round(sqlite3 *from, sqlite3 *db)
{
	struct rows events = read_rows(from,
	    "SELECT * FROM (SELECT * FROM events ORDER BY id DESC LIMIT " TEXT(
		LIVES * PARTS) ") ORDER BY id",
	    EVENTS);
	struct rows lives = read_rows(from,
	    "SELECT * FROM (SELECT * FROM lives ORDER BY id DESC LIMIT " TEXT(
		LIVES) ") ORDER BY id",
	    LIVES);
	sqlite3_stmt *event = insert_of(db, "events", events.columns);
	sqlite3_stmt *life = insert_of(db, "lives", lives.columns);
	sqlite3_stmt *ready =
	    statement(db, "UPDATE lives SET ready_at = ? WHERE id = ?");
	int64_t at = bench_now();
	double took;

	for (unsigned i = 0; i < events.n; i++) {
		if (i % BATCH == 0) {
			run(db, i == 0 ? "BEGIN" : "COMMIT;BEGIN");
		}
		insert(event, &events, i);
		if (i % PARTS == 1 && i / PARTS < lives.n) {
			insert(life, &lives, i / PARTS);
		} else if (i % PARTS == 2 && i / PARTS < lives.n) {
			make_ready(ready, &lives, i / PARTS);
		}
	}
	run(db, "COMMIT");
	took = (double)(bench_now() - at);
	sqlite3_finalize(event);
	sqlite3_finalize(life);
	sqlite3_finalize(ready);
	free_rows(&events);
	free_rows(&lives);
	return took;
}

static void
compare(struct rv_clerk_link *link, sqlite3 *db, sqlite3 *bare, unsigned rounds,
    bool with_lives, const char *name)
{
	double ours[ROUNDS_MAX], raw[ROUNDS_MAX];

	rounds = rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
	for (unsigned i = 0; i < rounds; i++) {
		ours[i] = EVENTS / clerk_round(link, i, with_lives) * 1e6;
		raw[i] = EVENTS / raw_round(db, bare) * 1e6;
	}
	bench_ratio(name, bench_median(ours, rounds), bench_median(raw, rounds),
	    "k/s", 0.7, true);
}

int
main(void)
{
	unsigned rounds = bench_rounds(ROUNDS);
	char path[200];
	struct rv_journal_conf conf = { .retain = RV_DAY,
		.max_size = (uint64_t)4 << 30,
		.output_tail = 8192,
		.ring = 128 << 20,
		.output_stall = 5 * RV_SEC };
	struct rv_clerk_link *link;
	sqlite3 *db = NULL, *bare;
	int pidfd = -1;

	open_all(&link, &conf);
	snprintf(path, sizeof(path), "%s/events.db", state);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) !=
	    SQLITE_OK) {
		die(path, sqlite3_errmsg(db));
	}
	bare = open_copy(db);
	/* Events first: while there are no lives the raw loop makes none. */
	compare(link, db, bare, rounds, false, "events written by the clerk");
	compare(link, db, bare, rounds, true, "the same with their lives");
	sqlite3_close(bare);
	sqlite3_close(db);
	rv_clerk_close(link, &pidfd);
	rv_journal_remove(journal);
	rv_journal_close(journal);
	rv_loop_destroy(loop);
	if (pidfd != -1) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };

		poll(&p, 1, 20000);
		close(pidfd);
	}
	bench_end();
	return bench_verdict();
}
