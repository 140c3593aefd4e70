/* SPDX-License-Identifier: MIT */
/*
 * Reading the event log: a library of its own (pkg-config libreeve-query), as
 * hosts that only run workers need no SQLite. Events.db and, behind it, what is
 * still in the ring of a runtime that lives or died. Read-only, beside any
 * writer; works with the runtime down. A log belongs to one thread. Tables,
 * views and kinds of events are described in reeve-events(7).
 */
#ifndef REEVE_QUERY_H
#define REEVE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/error.h>
#include <reeve/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_log;

struct reeve_log_options {
	size_t size;             /* sizeof(struct reeve_log_options) */
	const char *state_dir;   /* of events.db; required */
	const char *runtime_dir; /* of rings; NULL: the database alone */
};

/* REEVE_ENOENT: there is neither database nor ring. */
REEVE_PUBLIC enum reeve_status reeve_log_open(struct reeve_log **,
    const struct reeve_log_options *, struct reeve_error *) REEVE_MUST_CHECK;
/* NULL is fine. */
REEVE_PUBLIC void reeve_log_close(struct reeve_log *);

/* Zero means: no bound. Globs as in reeve_log_events' options of the shell. */
struct reeve_event_filter {
	size_t size;
	uint64_t after_id;          /* only ids above this */
	int64_t since_us, until_us; /* inclusive */
	const char *path_glob, *kind_glob;
	uint64_t limit; /* the newest so many */
};

/* Return false to stop. */
typedef bool reeve_event_fn(void *ctx, const struct reeve_event *);

/*
 * All events that fit, oldest first. An event is seen once, whether it is in
 * the database, in a ring, or on its way from one to the other.
 */
REEVE_PUBLIC enum reeve_status reeve_log_events(struct reeve_log *,
    const struct reeve_event_filter *, reeve_event_fn *, void *ctx,
    struct reeve_error *) REEVE_MUST_CHECK;

enum reeve_value_type {
	REEVE_NULL,
	REEVE_INTEGER,
	REEVE_REAL,
	REEVE_TEXT,
	REEVE_BLOB,
};

struct reeve_value {
	const char *column;
	enum reeve_value_type type;
	int64_t integer;
	double real;
	const void *data; /* TEXT (NUL-terminated) and BLOB */
	size_t len;
};

typedef bool reeve_row_fn(void *ctx, const struct reeve_value *, unsigned n);

/*
 * One read-only statement on the database; REEVE_EINVALID with SQLite's words
 * when it does not parse, REEVE_EPERM when it would write.
 */
REEVE_PUBLIC enum reeve_status reeve_log_sql(struct reeve_log *,
    const char *sql, reeve_row_fn *, void *ctx,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * The story of the newest `last` ends (0: one) of the units that this path or
 * glob names: what, when, exit or signal, last output, who else was restarted,
 * how long until it was back, how often before. As text for a terminal, or as
 * a JSON array. reeve_log_free it. REEVE_ENOENT: no such unit in the log;
 * the text says which there are. A unit that never ended has a story, too.
 */
REEVE_PUBLIC enum reeve_status reeve_log_why(struct reeve_log *,
    const char *name, unsigned last, bool json, char **text,
    struct reeve_error *) REEVE_MUST_CHECK;

REEVE_PUBLIC void reeve_log_free(void *);

#ifdef __cplusplus
}
#endif

#endif
