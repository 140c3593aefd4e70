/* SPDX-License-Identifier: MIT */
/*
 * The story of an end: facts, gathered from the log, and their two forms. All
 * strings of a story belong to it and go with it.
 */
#ifndef RV_QUERY_WHY_H
#define RV_QUERY_WHY_H

#include "base/buf.h"
#include "base/jsonw.h"
#include "query/query_priv.h"
#include "wire/json.h"

enum rv_story_kind {
	RV_STORY_LIFE,    /* a life ended, or could not begin */
	RV_STORY_GAVE_UP, /* a supervisor gave up */
	RV_STORY_RUN,     /* the runtime ended */
	RV_STORY_HELPER,  /* the runtime lost its launcher or clerk */
	RV_STORY_NONE,    /* the unit has never ended */
};

struct rv_story_text {
	struct rv_story_text *next;
	char text[];
};

/* Another unit that is part of the story. */
struct rv_story_unit {
	const char *path;
	int64_t at;      /* when it was stopped, ended or gave up */
	int64_t back_at; /* ready again; 0: not */
	const char *reason;
	int64_t count, period_ms; /* of one that gave up */
	const char *cause;        /* the same, where it is not the story's */
};

struct rv_story_units {
	struct rv_story_unit *units;
	size_t n, cap;
};

struct rv_exception {
	uint64_t event; /* that it came with */
	int64_t at;
	const char *type, *message, *error, *backtrace;
	const char *source, *language, *thread; /* how it is known; who */
	const char *cause_type, *cause_message;
	const char *address, *registers, *data; /* the last two: JSON */
	int64_t signal;
	bool cut; /* it began before what was kept */
};

#define RV_EXCEPTIONS_MAX 4

/* Numbers that are not known are -1, texts NULL, times 0. */
struct rv_story {
	enum rv_story_kind kind;
	uint64_t event, life;
	int64_t at, now;
	const char *run, *path;

	/* of the end itself */
	const char *reason, *stage, *error, *message, *decision;
	const char *verdict; /* of the host's hook, in place of the rules */
	const char *said;    /* by reeve_exit_reason */
	const char *function, *start_method; /* of a worker that is one */
	int64_t pid, exit_code, signal, uptime_ms;
	bool core_dumped, crash;
	int64_t started_at, ready_at;
	int64_t utime_us, stime_us, max_rss_kib;
	const char *output_tail;
	int64_t count, period_ms; /* of a supervisor that gave up */
	const char *cause;

	/* what led to it */
	const char *why; /* of a stop: operator, group ... */
	uint64_t stop_event, asked_event;
	const char *method;         /* of the request behind it */
	int64_t uid, asker_pid;     /* who asked; -1: the host */
	const char *asked_reason;   /* that was given with it, or NULL */
	const char *runtime_signal; /* or that the runtime was sent */
	int64_t silent_ms;          /* heartbeats that stayed away */
	const char *silent_action;
	struct rv_exception exceptions[RV_EXCEPTIONS_MAX];
	unsigned n_exceptions;
	const char *limits, *limit_hint;
	int64_t leftover;
	const char *group, *group_cause, *group_cause_end;
	bool group_gave_up;

	/* what followed */
	uint64_t back_event, next_end; /* 0: none */
	int64_t back_at, delay_ms, fatal_at, stopped_at, run_ended_at;
	int64_t replaced_at, replaced_by; /* 0, or before this end, by whom */
	uint64_t tries;                   /* further ends until then */
	const char *lack;
	const char *restarting, *strategy; /* the group that went along */
	uint64_t restarting_event;
	struct rv_story_units group_units, gave_up, others;

	/* how often before */
	uint64_t hour, day, same_run, all, folded;
	int64_t last_crash;
	const char *last_crash_end;

	/* of a unit that never ended */
	const char *state;

	struct rv_story_text *texts;
	bool failed; /* memory ran out */
};

struct rv_why {
	struct reeve_log *log;
	struct reeve_error *err;
	const char *name;
	bool json;
	struct rv_jsonw w;
	struct rv_buf out;
	unsigned n; /* stories told */
};

/* -------- why.c -------- */

/* A copy that the story owns; NULL for NULL or "". */
const char *rv_story_keep(struct rv_story *, const char *text);
struct rv_story_unit *rv_story_add(struct rv_story *, struct rv_story_units *);
/* Frees its texts; REEVE_ENOMEM when some could not be kept. */
enum reeve_status rv_story_finish(
    struct rv_why *, struct rv_story *, enum reeve_status) RV_MUST_CHECK;

/* -------- why_names.c -------- */

/* Fill temp.meant with the paths that the name means; REEVE_ENOENT. */
enum reeve_status rv_why_names(struct rv_why *) RV_MUST_CHECK;

/* -------- why_facts.c -------- */

/* A row {id, life_id, at, run_id, path, kind, detail} as a fresh story. */
void rv_story_begin(struct rv_story *, sqlite3_stmt *);
enum reeve_status rv_story_gather(
    struct rv_why *, struct rv_story *) RV_MUST_CHECK;
/* Of a unit that never ended. */
enum reeve_status rv_story_present(
    struct rv_why *, struct rv_story *) RV_MUST_CHECK;
/* The log's row by row answer to a statement with up to three arguments. */
struct rv_ask {
	struct rv_why *why;
	sqlite3_stmt *stmt;
	struct rv_json *detail; /* of the present row */
	enum reeve_status status;
};
void rv_ask(struct rv_ask *, struct rv_why *, const char *sql);
bool rv_ask_row(struct rv_ask *, int detail_column); /* -1: none */
enum reeve_status rv_ask_end(struct rv_ask *);
/* A member of the present row's detail. */
const char *rv_ask_str(const struct rv_ask *, const char *key);
int64_t rv_ask_int(const struct rv_ask *, const char *key, int64_t otherwise);
/* Is it the path itself or something below? */
bool rv_is_below(const char *path, const char *top);

/* -------- why_exceptions.c -------- */

enum reeve_status rv_story_exceptions(
    struct rv_why *, struct rv_story *) RV_MUST_CHECK;

/* -------- why_then.c -------- */

/* What followed, and who went along. */
enum reeve_status rv_story_follow(
    struct rv_why *, struct rv_story *) RV_MUST_CHECK;

/* -------- why_limits.c -------- */

/* The unit's limits in the config of its run, and whether they were near. */
enum reeve_status rv_story_limits(
    struct rv_why *, struct rv_story *) RV_MUST_CHECK;

/* -------- why_end.c -------- */

/* Did it end badly, by the same rule as the view crashes? From a detail. */
bool rv_is_crash(const struct rv_json *detail);
/* "exited with code 3", "killed by SIGSEGV (core dumped)". */
void rv_say_how(char *dst, size_t size, const char *reason, int64_t exit_code,
    int64_t signo, bool core, const char *stage, const char *error,
    const char *message);
void rv_say_how_detail(char *dst, size_t size, const struct rv_json *detail);

/* -------- why_stacks.c -------- */

#define RV_WHY_LABEL 12 /* columns */

void rv_exceptions_text(const struct rv_story *, struct rv_buf *);
/* Did an interpreter write it, so that it is part of the last output too? */
bool rv_exception_is_written(const struct rv_exception *);
/* On one line. */
void rv_why_words(struct rv_buf *, const char *text);
/* A text of several lines, each set in. */
void rv_why_lines(struct rv_buf *, const char *text, size_t len);

/* -------- why_task.c -------- */

/* The newest tasks of a host's (reeve_record) that the name means. */
enum reeve_status rv_story_tasks(struct rv_why *, unsigned last) RV_MUST_CHECK;

/* -------- why_text.c, why_json.c -------- */

void rv_why_label(struct rv_buf *, const char *);
const char *rv_why_date(int64_t at_us, char dst[static 40]);
const char *rv_why_span(int64_t ms, char dst[static 32]);
/* What it used of processor and memory. */
void rv_why_usage(const struct rv_story *, struct rv_buf *);

void rv_story_text(const struct rv_story *, struct rv_buf *);
void rv_story_json(const struct rv_story *, struct rv_jsonw *);
/* The member of that name. */
void rv_exceptions_json(const struct rv_story *, struct rv_jsonw *);

#endif
