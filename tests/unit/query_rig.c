/* SPDX-License-Identifier: MIT */
/* Event logs for tests: see query_rig.h. */
#include "config.h"

#include "query_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "clerk/tables.h"
#include "lib/harness.h"

void
query_exec(struct query_rig *rig, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(rig->db, sql, NULL, NULL, &why) != SQLITE_OK) {
		printf("# %s: %s\n", why, sql);
		CU_FAIL_FATAL("a statement of the test failed");
	}
}

void
query_rig_open(struct query_rig *rig, bool with_database)
{
	char path[256];
	struct rv_buf sql;

	*rig = (struct query_rig){ .next = 1 };
	snprintf(rig->dir, sizeof(rig->dir), "%s", rv_test_dir());
	if (!with_database) {
		return;
	}
	snprintf(path, sizeof(path), "%s/events.db", rig->dir);
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &rig->db), SQLITE_OK);
	query_exec(rig, "PRAGMA journal_mode=WAL");
	rv_buf_init(&sql, 65536);
	rv_tables_sql(&sql);
	query_exec(rig, rv_buf_str(&sql));
	rv_buf_finish(&sql);
	query_exec(
	    rig, "INSERT INTO runs(id, started_at) VALUES('" RUN "', 1)");
}

void
query_rig_close(struct query_rig *rig)
{
	reeve_log_close(rig->log);
	sqlite3_close(rig->db);
	rv_journal_close(rig->journal);
}

uint64_t
query_event(struct query_rig *rig, int64_t at_us, uint64_t life,
    const char *path, const char *kind, const char *detail)
{
	char *sql = sqlite3_mprintf("INSERT INTO events VALUES(%llu, '" RUN
				    "', NULLIF(%llu, 0), %lld,"
				    " %Q, %Q, '{%q}')",
	    (unsigned long long)rig->next, (unsigned long long)life,
	    (long long)at_us, path, kind, detail);

	query_exec(rig, sql);
	sqlite3_free(sql);
	return rig->next++;
}

void
query_ring(struct query_rig *rig, size_t size, uint64_t first_id)
{
	struct rv_journal_options options = {
		.dir = rig->dir,
		.run_id = RUN,
		.size = size,
		.max_units = 4,
		.version = "1",
		.config_digest = "0",
		.config_text = "{}",
		.hostname = "here",
		.boot_id = "boot",
		.started_at_us = 1,
	};

	CU_ASSERT_EQUAL_FATAL(
	    rv_journal_create(&rig->journal, &options, &rig->err), REEVE_OK);
	if (first_id != 0) {
		rv_journal_set_first_id(rig->journal, first_id);
	}
}

void
query_ring_record(struct query_rig *rig, unsigned kind, uint64_t life,
    const char *path, const struct rv_fields *fields)
{
	struct rv_record record = { .kind = kind,
		.life = life,
		.path = path,
		.path_len = strlen(path),
		.fields = fields };

	rv_journal_record(rig->journal, &record, UINT32_MAX);
}

uint64_t
query_ring_event(struct query_rig *rig, const char *path)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_TEXT, "hello");
	query_ring_record(rig, RV_KIND_WORKER_STATUS, 7, path, &fields);
	return rv_journal_next(rig->journal) - 1;
}

enum reeve_status
query_read(struct query_rig *rig)
{
	struct reeve_log_options options = { .size = sizeof(options),
		.state_dir = rig->dir,
		.runtime_dir = rig->dir };

	reeve_log_close(rig->log);
	rig->log = NULL;
	return reeve_log_open(&rig->log, &options, &rig->err);
}

struct ids {
	char text[8192];
	size_t len;
};

static bool
add_id(void *ctx, const struct reeve_event *event)
{
	struct ids *ids = ctx;

	ids->len +=
	    rv_format(ids->text + ids->len, sizeof(ids->text) - ids->len,
		"%s%" PRIu64, ids->len > 0 ? " " : "", event->id);
	return true;
}

const char *
query_ids(struct query_rig *rig, const struct reeve_event_filter *filter)
{
	static struct ids ids;

	ids = (struct ids){ .text = "" };
	return reeve_log_events(rig->log, filter, add_id, &ids, &rig->err) ==
		       REEVE_OK
		   ? ids.text
		   : NULL;
}

char *
query_why(struct query_rig *rig, const char *name, unsigned last, bool json)
{
	char *text = NULL;

	return reeve_log_why(rig->log, name, last, json, &text, &rig->err) ==
		       REEVE_OK
		   ? text
		   : NULL;
}
