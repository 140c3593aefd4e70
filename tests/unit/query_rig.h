/* SPDX-License-Identifier: MIT */
/*
 * Event logs for tests: a database with the clerk's tables, filled by a test
 * through SQL, and rings written by a real journal.
 */
#ifndef RV_TESTS_QUERY_RIG_H
#define RV_TESTS_QUERY_RIG_H

#include <sqlite3.h>

#include <reeve/query.h>

#include "journal/journal.h"

#define RUN "0123456789abcdef0123456789abcdef"

struct query_rig {
	char dir[200]; /* both state and runtime directory */
	sqlite3 *db;   /* for writing; NULL: no database */
	struct rv_journal *journal;
	uint64_t next; /* id of the next event of query_event */
	struct reeve_log *log;
	struct reeve_error err;
};

void query_rig_open(struct query_rig *, bool with_database);
void query_rig_close(struct query_rig *);
/* Statements without rows. */
void query_exec(struct query_rig *, const char *sql);
/* One event into the database; its id. detail without braces. */
uint64_t query_event(struct query_rig *, int64_t at_us, uint64_t life,
    const char *path, const char *kind, const char *detail);
/* A ring of this many bytes, its ids beginning here (0: not told). */
void query_ring(struct query_rig *, size_t size, uint64_t first_id);
/* One worker.status event into the ring. */
uint64_t query_ring_event(struct query_rig *, const char *path);
void query_ring_record(struct query_rig *, unsigned kind, uint64_t life,
    const char *path, const struct rv_fields *);
/* Open the log for reading. */
enum reeve_status query_read(struct query_rig *);
/* Ids of events that fit, as "1 2 3"; static. NULL: refused. */
const char *query_ids(struct query_rig *, const struct reeve_event_filter *);
/* The story, or NULL; reeve_log_free it. */
char *query_why(struct query_rig *, const char *name, unsigned last, bool json);

#endif
