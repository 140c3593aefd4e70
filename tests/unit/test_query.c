/* SPDX-License-Identifier: MIT */
/* One log out of a database and rings: each event once, whoever holds it. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "query_rig.h"
#include "sys/sys.h"
#include "wire/ring.h"

static struct reeve_event_filter
fits(const char *path, const char *kind)
{
	return (struct reeve_event_filter){
		.size = sizeof(struct reeve_event_filter),
		.path_glob = path,
		.kind_glob = kind,
	};
}

RV_TEST(a_folder_without_database_and_ring_is_no_log)
{
	struct query_rig rig;

	query_rig_open(&rig, false);
	CU_ASSERT_EQUAL(query_read(&rig), REEVE_ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.text, rig.dir));
	query_rig_close(&rig);
}

RV_TEST(a_file_that_is_no_database_is_said_to_be_damaged)
{
	struct query_rig rig;
	char path[256], noise[4096];
	int fd;

	query_rig_open(&rig, false);
	snprintf(path, sizeof(path), "%s/events.db", rig.dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	memset(noise, 'x', sizeof(noise));
	CU_ASSERT_EQUAL(
	    write(fd, noise, sizeof(noise)), (ssize_t)sizeof(noise));
	close(fd);
	CU_ASSERT_EQUAL(query_read(&rig), REEVE_EDAMAGED);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.text, path));
	query_rig_close(&rig);
}

static void
fill(struct query_rig *rig)
{
	query_event(rig, 1000, 0, "/", "runtime.started", "");
	query_event(rig, 2000, 1, "web", "worker.started", "\"pid\":7");
	query_event(rig, 3000, 2, "web/app.0", "worker.started", "\"pid\":8");
	query_event(rig, 4000, 1, "web", "worker.exited", "\"exit_code\":3");
	query_event(rig, 5000, 2, "web/app.0", "worker.ready", "");
}

RV_TEST(events_are_filtered_by_id_time_path_and_kind)
{
	struct query_rig rig;
	struct reeve_event_filter f = fits(NULL, NULL);

	query_rig_open(&rig, true);
	fill(&rig);
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, NULL), "1 2 3 4 5");
	f.after_id = 2;
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "3 4 5");
	f = fits("web/*", NULL);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "3 5");
	f = fits("web", NULL);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "2 4");
	f = fits(NULL, "worker.*");
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "2 3 4 5");
	f = fits("*", "worker.exited");
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "4");
	f = fits(NULL, NULL);
	f.since_us = 2000;
	f.until_us = 4000;
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "2 3 4");
	f = fits(NULL, NULL);
	f.limit = 2;
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "4 5");
	query_rig_close(&rig);
}

struct one {
	struct query_rig *rig;
	unsigned n;
	bool right;
};

static bool
look_at_one(void *ctx, const struct reeve_event *event)
{
	struct one *one = ctx;
	struct reeve_error err;

	one->n++;
	one->right = event->life == 1 && event->at_us == 2000 &&
		     strcmp(event->run, RUN) == 0 &&
		     strcmp(event->path, "web") == 0 &&
		     strcmp(event->kind, "worker.started") == 0 &&
		     strcmp(event->detail, "{\"pid\":7}") == 0;
	/* From in here the log cannot be asked. */
	CU_ASSERT_EQUAL(
	    reeve_log_events(one->rig->log, NULL, look_at_one, ctx, &err),
	    REEVE_EINVALID);
	return one->n < 1;
}

RV_TEST(a_callback_sees_all_of_an_event_and_may_stop)
{
	struct query_rig rig;
	struct reeve_event_filter f = fits("web", NULL);
	struct one one = { .rig = &rig };

	query_rig_open(&rig, true);
	fill(&rig);
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_log_events(rig.log, &f, look_at_one, &one, &rig.err),
	    REEVE_OK);
	CU_ASSERT_EQUAL(one.n, 1);
	CU_ASSERT(one.right);
	query_rig_close(&rig);
}

RV_TEST(a_ring_goes_on_where_the_database_ends)
{
	struct query_rig rig;
	struct reeve_event_filter f = fits("late", NULL);

	query_rig_open(&rig, true);
	fill(&rig);
	query_ring(&rig, 65536, 4); /* 4 and 5 are in both */
	for (int i = 0; i < 4; i++) {
		query_ring_event(&rig, i < 2 ? "both" : "late");
	}
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, NULL), "1 2 3 4 5 6 7");
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "6 7");
	f = fits("both", NULL);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "");
	f = fits(NULL, NULL);
	f.limit = 3;
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "5 6 7");
	/* What comes later is in the next look. */
	query_ring_event(&rig, "late");
	query_event(&rig, 6000, 0, "web", "worker.ready", "");
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, NULL), "1 2 3 4 5 6 7 8");
	query_rig_close(&rig);
}

RV_TEST(a_ring_alone_is_a_log)
{
	struct query_rig rig;
	struct reeve_event_filter f = fits(NULL, "worker.status");

	query_rig_open(&rig, false);
	query_ring(&rig, 65536, 10);
	query_ring_event(&rig, "web");
	query_ring_event(&rig, "web");
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, &f), "10 11");
	CU_ASSERT_EQUAL(
	    reeve_log_sql(rig.log, "SELECT 1", NULL, NULL, &rig.err),
	    REEVE_EINVALID);
	query_rig_close(&rig);
}

RV_TEST(records_without_a_number_wait_for_it)
{
	struct query_rig rig;

	query_rig_open(&rig, false);
	query_ring(&rig, 65536, 0);
	query_ring_event(&rig, "web");
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, NULL), "");
	rv_journal_set_first_id(rig.journal, 3);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, NULL), "3");
	query_rig_close(&rig);
}

RV_TEST(a_damaged_ring_hides_nothing_else)
{
	struct query_rig rig;
	char path[256];
	int fd;

	query_rig_open(&rig, true);
	fill(&rig);
	for (int i = 0; i < 3; i++) {
		static const char *const junk[] = { "", "short",
			"rvering1 and then rubbish" };

		snprintf(path, sizeof(path), "%s/ring-%d", rig.dir, i);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		CU_ASSERT_EQUAL(write(fd, junk[i], strlen(junk[i])),
		    (ssize_t)strlen(junk[i]));
		if (i == 2) {
			CU_ASSERT_EQUAL(ftruncate(fd, 100000), 0);
		}
		close(fd);
	}
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, NULL), "1 2 3 4 5");
	query_rig_close(&rig);
}

/* -------- a writer and a clerk that do not wait for us -------- */

static struct rv_ring ring_of_clerk;

/*
 * The clerk's part in small: records into the database, and freed behind the
 * commit. Forever, in a process of its own.
 */
static void
drain(struct query_rig *rig)
{
	struct rv_ring_cursor at = { .pos = 0, .seq = 1 };
	char path[256];
	struct stat st;
	void *map;
	int fd;

	snprintf(path, sizeof(path), "%s/ring-" RUN, rig->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) != 0) {
		_exit(1);
	}
	map = rv_sys_mmap_shared(fd, (size_t)st.st_size, true);
	if (map == NULL || rv_ring_attach(&ring_of_clerk, map,
			       (size_t)st.st_size, NULL) != REEVE_OK) {
		_exit(1);
	}
	for (;;) {
		const void *payload;
		size_t len;
		int n = 0;

		query_exec(rig, "BEGIN");
		while (n < 50 &&
		       rv_ring_next(&ring_of_clerk, &at, &payload, &len) == 1) {
			query_event(rig, 1, 0, "x", "worker.status", "");
			n++;
		}
		query_exec(rig, "COMMIT");
		rv_ring_release(&ring_of_clerk, &at);
	}
}

static pid_t
start_writer(struct query_rig *rig)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;) {
			query_ring_event(rig, "x");
		}
	}
	return pid;
}

struct chain {
	uint64_t last, n;
	bool broken;
};

static bool
look_at_chain(void *ctx, const struct reeve_event *event)
{
	struct chain *chain = ctx;

	chain->broken |= event->id != chain->last + 1;
	chain->last = event->id;
	chain->n++;
	return true;
}

RV_TEST(no_event_is_missed_or_doubled_on_its_way_into_the_database)
{
	struct query_rig rig;
	pid_t writer, clerk;
	uint64_t before = 0;

	query_rig_open(&rig, true);
	query_ring(&rig, 65536, 1);
	writer = start_writer(&rig);
	clerk = fork();
	if (clerk == 0) {
		sqlite3 *db;
		char path[256];

		/* A connection does not go through a fork. */
		snprintf(path, sizeof(path), "%s/events.db", rig.dir);
		if (sqlite3_open(path, &db) != SQLITE_OK) {
			_exit(1);
		}
		rig.db = db;
		sqlite3_busy_timeout(db, 10000);
		drain(&rig);
	}
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	/* The two may take their time to begin. */
	for (int i = 0; i < 60 || (before == 0 && i < 100000); i++) {
		struct chain chain = { 0 };

		CU_ASSERT_EQUAL(reeve_log_events(rig.log, NULL, look_at_chain,
				    &chain, &rig.err),
		    REEVE_OK);
		CU_ASSERT_FALSE(chain.broken);
		CU_ASSERT(chain.last >= before);
		before = chain.last;
	}
	CU_ASSERT(before > 0);
	kill(writer, SIGKILL);
	kill(clerk, SIGKILL);
	waitpid(writer, NULL, 0);
	waitpid(clerk, NULL, 0);
	query_rig_close(&rig);
}

/* -------- sql -------- */

struct row {
	struct reeve_value values[5];
	char text[64], names[64];
	unsigned n, rows;
};

static bool
look_at_row(void *ctx, const struct reeve_value *values, unsigned n)
{
	struct row *row = ctx;

	row->rows++;
	row->n = n;
	for (unsigned i = 0; i < n && i < 5; i++) {
		row->values[i] = values[i];
		strncat(row->names, values[i].column,
		    sizeof(row->names) - strlen(row->names) - 1);
		if (values[i].type == REEVE_TEXT) {
			snprintf(row->text, sizeof(row->text), "%s",
			    (const char *)values[i].data);
		}
	}
	return true;
}

static enum reeve_status
sql(struct query_rig *rig, const char *text, struct row *row)
{
	*row = (struct row){ .n = 0 };
	return reeve_log_sql(rig->log, text, look_at_row, row, &rig->err);
}

RV_TEST(sql_hands_out_values_of_every_type)
{
	struct query_rig rig;
	struct row row;

	query_rig_open(&rig, true);
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_EQUAL(
	    sql(&rig, "SELECT 7 a, 2.5 b, 'x' c, x'0102' d, NULL e;  -- end",
		&row),
	    REEVE_OK);
	CU_ASSERT_EQUAL(row.n, 5);
	CU_ASSERT_EQUAL(row.rows, 1);
	CU_ASSERT_STRING_EQUAL(row.names, "abcde");
	CU_ASSERT_EQUAL(row.values[0].type, REEVE_INTEGER);
	CU_ASSERT_EQUAL(row.values[0].integer, 7);
	CU_ASSERT_EQUAL(row.values[1].type, REEVE_REAL);
	CU_ASSERT_STRING_EQUAL(row.text, "x");
	CU_ASSERT_EQUAL(row.values[3].type, REEVE_BLOB);
	CU_ASSERT_EQUAL(row.values[3].len, 2);
	CU_ASSERT_EQUAL(row.values[4].type, REEVE_NULL);
	query_rig_close(&rig);
}

RV_TEST(sql_knows_the_views_and_table_info)
{
	static const char *const good[] = { "SELECT * FROM crashes",
		"SELECT * FROM flapping", "SELECT * FROM downtime",
		"SELECT * FROM restarts_per_hour", "PRAGMA table_info(events)",
		"PRAGMA user_version", "EXPLAIN QUERY PLAN SELECT * FROM lives",
		"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM "
		"c WHERE n < 3) SELECT n FROM c" };
	struct query_rig rig;
	struct row row;

	query_rig_open(&rig, true);
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	for (size_t i = 0; i < RV_ARRAY_LEN(good); i++) {
		CU_ASSERT_EQUAL(sql(&rig, good[i], &row), REEVE_OK);
	}
	query_rig_close(&rig);
}

RV_TEST(sql_that_would_change_something_is_refused)
{
	static const char *const bad[] = { "DELETE FROM events",
		"INSERT INTO events VALUES(9, 'r', 1, 1, 'p', 'k', '{}')",
		"UPDATE runs SET pid = 1", "DROP TABLE events",
		"CREATE TABLE x(y)", "CREATE TEMP TABLE x(y)",
		"ATTACH '/tmp/x' AS x", "PRAGMA user_version = 3",
		"PRAGMA journal_mode = DELETE", "VACUUM", "BEGIN IMMEDIATE",
		"BEGIN", "REINDEX" };
	struct query_rig rig;
	struct row row;

	query_rig_open(&rig, true);
	fill(&rig);
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		enum reeve_status status = sql(&rig, bad[i], &row);

		if (status != REEVE_EPERM) {
			printf("# %d: %s\n", (int)status, bad[i]);
		}
		CU_ASSERT_EQUAL(status, REEVE_EPERM);
	}
	CU_ASSERT_NOT_EQUAL(
	    sql(&rig, "SELECT load_extension('x')", &row), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, NULL), "1 2 3 4 5");
	query_rig_close(&rig);
}

RV_TEST(sql_that_does_not_parse_is_said_in_sqlites_words)
{
	struct query_rig rig;
	struct row row;

	query_rig_open(&rig, true);
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_EQUAL(sql(&rig, "SELEC 1", &row), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.text, "syntax error"));
	CU_ASSERT_EQUAL(
	    sql(&rig, "SELECT nope FROM events", &row), REEVE_EINVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.text, "nope"));
	CU_ASSERT_EQUAL(sql(&rig, "SELECT 1; SELECT 2", &row), REEVE_EINVALID);
	CU_ASSERT_EQUAL(sql(&rig, "  ", &row), REEVE_EINVALID);
	query_rig_close(&rig);
}

RV_TEST(every_failing_allocation_is_reported)
{
	struct query_rig rig;
	char plan[64];
	int n = 1;

	query_rig_open(&rig, true);
	fill(&rig);
	query_ring(&rig, 65536, 6);
	query_ring_event(&rig, "web");
	for (; n < 200; n++) {
		enum reeve_status status;
		const char *ids = NULL;
		char *text = NULL;

		snprintf(plan, sizeof(plan), "alloc@%d=ENOMEM", n);
		CU_ASSERT(rv_fault_set(plan));
		status = query_read(&rig);
		if (status == REEVE_OK) {
			ids = query_ids(&rig, NULL);
			status = ids != NULL ? REEVE_OK : rig.err.status;
		}
		if (status == REEVE_OK) {
			status = reeve_log_why(
			    rig.log, "web", 2, n % 2 == 0, &text, &rig.err);
			reeve_log_free(text);
		}
		if (rv_fault_calls(RV_FAULT_alloc) < (uint64_t)n) {
			CU_ASSERT_EQUAL(status, REEVE_OK);
			break;
		}
		if (status != REEVE_ENOMEM) {
			printf("# allocation %d: %d\n", n, (int)status);
		}
		CU_ASSERT_EQUAL(status, REEVE_ENOMEM);
	}
	CU_ASSERT(rv_fault_set(NULL));
	CU_ASSERT(n > 5);
	CU_ASSERT(n < 200);
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(query_ids(&rig, NULL), "1 2 3 4 5 6");
	query_rig_close(&rig);
}

RV_SUITE(query, RV_CASE(a_folder_without_database_and_ring_is_no_log),
    RV_CASE(a_file_that_is_no_database_is_said_to_be_damaged),
    RV_CASE(events_are_filtered_by_id_time_path_and_kind),
    RV_CASE(a_callback_sees_all_of_an_event_and_may_stop),
    RV_CASE(a_ring_goes_on_where_the_database_ends),
    RV_CASE(a_ring_alone_is_a_log),
    RV_CASE(records_without_a_number_wait_for_it),
    RV_CASE(a_damaged_ring_hides_nothing_else),
    RV_CASE(no_event_is_missed_or_doubled_on_its_way_into_the_database),
    RV_CASE(sql_hands_out_values_of_every_type),
    RV_CASE(sql_knows_the_views_and_table_info),
    RV_CASE(sql_that_would_change_something_is_refused),
    RV_CASE(sql_that_does_not_parse_is_said_in_sqlites_words),
    RV_CASE(every_failing_allocation_is_reported))
