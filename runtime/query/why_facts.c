/* SPDX-License-Identifier: MIT */
/*
 * The facts about one end and what led to it: its own event, the events of its
 * life, its row, the request behind a stop, how often it had happened before.
 */
#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "query/why.h"

#define HOUR_US INT64_C(3600000000)

/* -------- asking -------- */

void
rv_ask(struct rv_ask *ask, struct rv_why *why, const char *sql)
{
	*ask = (struct rv_ask){ .why = why };
	ask->status = rv_query_prepare(why->log, sql, &ask->stmt, why->err);
}

bool
rv_ask_row(struct rv_ask *ask, int detail)
{
	bool row = false;

	rv_json_free(ask->detail);
	ask->detail = NULL;
	if (ask->status == REEVE_OK) {
		ask->status = rv_query_step(
		    ask->why->log, ask->stmt, &row, ask->why->err);
	}
	if (row && detail >= 0) {
		const char *text = rv_query_text(ask->stmt, detail);
		struct reeve_error err;

		/* A detail that is no JSON has nothing to tell. */
		if (rv_json_parse(&ask->detail, text, strlen(text), &err) ==
		    REEVE_ENOMEM) {
			ask->status = rv_error(
			    ask->why->err, REEVE_ENOMEM, "%s", err.text);
			row = false;
		}
	}
	return row;
}

enum reeve_status
rv_ask_end(struct rv_ask *ask)
{
	rv_json_free(ask->detail);
	sqlite3_finalize(ask->stmt);
	return ask->status;
}

const char *
rv_ask_str(const struct rv_ask *ask, const char *key)
{
	return rv_json_str(rv_json_get(ask->detail, key));
}

int64_t
rv_ask_int(const struct rv_ask *ask, const char *key, int64_t otherwise)
{
	const struct rv_json *value = rv_json_get(ask->detail, key);

	return value != NULL && rv_json_type(value) == RV_JSON_INT
		   ? rv_json_int(value)
		   : otherwise;
}

bool
rv_is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return strcmp(top, "/") == 0 ||
	       (strncmp(path, top, len) == 0 &&
		   (path[len] == '/' || path[len] == '\0'));
}

/* -------- the end itself -------- */

void
rv_story_begin(struct rv_story *s, sqlite3_stmt *row)
{
	static const struct {
		const char *kind;
		enum rv_story_kind story;
	} kinds[] = {
		{ "worker.exited", RV_STORY_LIFE },
		{ "lost", RV_STORY_LIFE },
		{ "supervisor.gave_up", RV_STORY_GAVE_UP },
		{ "runtime.stopped", RV_STORY_RUN },
		{ "runtime.lost", RV_STORY_RUN },
		{ "launcher.lost", RV_STORY_HELPER },
		{ "clerk.lost", RV_STORY_HELPER },
	};
	const char *kind = rv_query_text(row, 5);

	*s = (struct rv_story){ .pid = -1,
		.exit_code = -1,
		.signal = -1,
		.uptime_ms = -1,
		.utime_us = -1,
		.stime_us = -1,
		.max_rss_kib = -1,
		.count = -1,
		.period_ms = -1,
		.uid = -1,
		.asker_pid = -1,
		.silent_ms = -1,
		.delay_ms = -1 };
	for (size_t i = 0; i < RV_ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].kind, kind) == 0) {
			s->kind = kinds[i].story;
		}
	}
	s->event = (uint64_t)sqlite3_column_int64(row, 0);
	s->life = (uint64_t)sqlite3_column_int64(row, 1);
	s->at = sqlite3_column_int64(row, 2);
	s->run = rv_story_keep(s, rv_query_text(row, 3));
	s->path = rv_story_keep(s, rv_query_text(row, 4));
	if (strcmp(kind, "runtime.lost") == 0) {
		s->reason = "lost";
	} else if (s->kind == RV_STORY_HELPER) {
		s->reason = rv_story_keep(s, kind);
	}
	s->output_tail = rv_story_keep(s, rv_query_text(row, 6));
}

static const char *
member(struct rv_story *s, const struct rv_ask *ask, const char *key)
{
	return rv_story_keep(s, rv_ask_str(ask, key));
}

/* The detail of the end was put aside in output_tail. */
static enum reeve_status
read_detail(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask d = { .why = why };
	const char *text = s->output_tail != NULL ? s->output_tail : "{}";
	enum reeve_status status =
	    rv_json_parse(&d.detail, text, strlen(text), why->err);

	s->output_tail = NULL;
	if (status == REEVE_ENOMEM) {
		return status;
	}
	if (s->reason == NULL) {
		s->reason = member(s, &d, "reason");
	}
	s->stage = member(s, &d, "stage");
	s->error = member(s, &d, "errno");
	s->message = member(s, &d, "message");
	s->said = member(s, &d, "text");
	s->function = member(s, &d, "function");
	s->start_method = member(s, &d, "method");
	s->decision = member(s, &d, "decision");
	s->verdict = member(s, &d, "verdict");
	s->cause = member(s, &d, "cause");
	s->pid = rv_ask_int(&d, "pid", -1);
	s->exit_code = rv_ask_int(&d, "exit_code", -1);
	s->signal = rv_ask_int(&d, "signal", -1);
	s->uptime_ms = rv_ask_int(&d, "uptime_ms", -1);
	s->utime_us = rv_ask_int(&d, "utime_us", -1);
	s->stime_us = rv_ask_int(&d, "stime_us", -1);
	s->max_rss_kib = rv_ask_int(&d, "max_rss_kib", -1);
	s->count = rv_ask_int(&d, "count", -1);
	s->period_ms = rv_ask_int(&d, "period_ms", -1);
	s->core_dumped = rv_json_bool(rv_json_get(d.detail, "core_dumped"));
	s->crash = s->kind == RV_STORY_LIFE ? rv_is_crash(d.detail)
					    : s->kind == RV_STORY_GAVE_UP;
	rv_json_free(d.detail);
	return REEVE_OK;
}

/* -------- its life -------- */

static enum reeve_status
read_row(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT started_at, ready_at, pid, output_tail FROM main.lives"
	    " WHERE id = ?1");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->life);
	if (rv_ask_row(&ask, -1)) {
		s->started_at = sqlite3_column_int64(ask.stmt, 0);
		s->ready_at = sqlite3_column_int64(ask.stmt, 1);
		if (s->pid < 0 &&
		    sqlite3_column_type(ask.stmt, 2) != SQLITE_NULL) {
			s->pid = sqlite3_column_int64(ask.stmt, 2);
		}
		s->output_tail = rv_story_keep(s, rv_query_text(ask.stmt, 3));
	}
	if (s->uptime_ms < 0 && s->started_at != 0) {
		s->uptime_ms = (s->at - s->started_at) / 1000;
	}
	return rv_ask_end(&ask);
}

static void
on_started(struct rv_story *s, const struct rv_ask *ask, int64_t at)
{
	s->started_at = at;
	s->pid = rv_ask_int(ask, "pid", s->pid);
}

static void
on_ready(struct rv_story *s, const struct rv_ask *ask, int64_t at)
{
	(void)ask;
	s->ready_at = s->ready_at != 0 ? s->ready_at : at;
}

static void
on_stopping(struct rv_story *s, const struct rv_ask *ask, int64_t at)
{
	(void)at;
	s->why = member(s, ask, "why");
	s->stop_event = (uint64_t)sqlite3_column_int64(ask->stmt, 0);
}

static void
on_unresponsive(struct rv_story *s, const struct rv_ask *ask, int64_t at)
{
	(void)at;
	s->silent_ms = rv_ask_int(ask, "silent_ms", 0);
	s->silent_action = member(s, ask, "action");
}

static void
on_recovered(struct rv_story *s, const struct rv_ask *ask, int64_t at)
{
	(void)ask;
	(void)at;
	s->silent_ms = -1;
}

static void
on_leftover(struct rv_story *s, const struct rv_ask *ask, int64_t at)
{
	(void)at;
	s->leftover = rv_ask_int(ask, "count", 0);
}

static void
on_limit(struct rv_story *s, const struct rv_ask *ask, int64_t at)
{
	(void)at;
	s->limit_hint = member(s, ask, "message");
}

static enum reeve_status
read_life(struct rv_why *why, struct rv_story *s)
{
	static const struct {
		const char *kind;
		void (*take)(struct rv_story *, const struct rv_ask *, int64_t);
	} kinds[] = {
		{ "worker.started", on_started },
		{ "worker.ready", on_ready },
		{ "worker.stopping", on_stopping },
		{ "worker.unresponsive", on_unresponsive },
		{ "worker.recovered", on_recovered },
		{ "worker.leftover", on_leftover },
		{ "limit.exceeded", on_limit },
	};
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT id, at, kind, detail FROM seen WHERE life_id = ?1"
	    " AND kind NOT IN ('worker.status', 'worker.exited',"
	    " 'worker.exception')"
	    " ORDER BY id");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->life);
	while (rv_ask_row(&ask, 3)) {
		const char *kind = rv_query_text(ask.stmt, 2);

		for (size_t i = 0; i < RV_ARRAY_LEN(kinds); i++) {
			if (strcmp(kinds[i].kind, kind) == 0) {
				kinds[i].take(
				    s, &ask, sqlite3_column_int64(ask.stmt, 1));
			}
		}
	}
	return rv_ask_end(&ask);
}

/* -------- who asked -------- */

static bool
names_it(const struct rv_ask *ask, const char *path)
{
	const struct rv_json *names = rv_json_get(ask->detail, "names");

	for (size_t i = 0; i < rv_json_count(names); i++) {
		const char *name = rv_json_str(rv_json_at(names, i));

		if (name != NULL && rv_query_means(name, path)) {
			return true;
		}
	}
	return false;
}

/* Does this request or signal explain a stop for such a reason? */
static bool
explains(const struct rv_story *s, const struct rv_ask *ask)
{
	const char *method = rv_ask_str(ask, "method");
	const char *why = s->why != NULL ? s->why : "";

	if (method == NULL) { /* a signal to the runtime */
		return strcmp(why, "shutdown") == 0;
	}
	if (strcmp(why, "operator") == 0 || strcmp(why, "parent") == 0) {
		return (strcmp(method, "stop") == 0 ||
			   strcmp(method, "restart") == 0) &&
		       names_it(ask, s->path);
	}
	if (strcmp(method, why) == 0) { /* shutdown, reload */
		return true;
	}
	return why[0] == '\0' && s->signal > 0 &&
	       strcmp(method, "signal") == 0 && names_it(ask, s->path) &&
	       s->at - sqlite3_column_int64(ask->stmt, 1) < 10000000;
}

static enum reeve_status
read_asker(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;
	char name[24];

	rv_ask(&ask, why,
	    "SELECT id, at, detail FROM seen WHERE path = '/' AND kind IN"
	    " ('control.request', 'signal.received') AND id < ?1"
	    " AND run_id = ?2 ORDER BY id DESC LIMIT 100");
	sqlite3_bind_int64(ask.stmt, 1,
	    (sqlite3_int64)(s->stop_event != 0 ? s->stop_event : s->event));
	rv_query_bind_text(ask.stmt, 2, s->run);
	while (rv_ask_row(&ask, 2)) {
		int64_t signo = rv_ask_int(&ask, "signal", -1);

		if (!explains(s, &ask)) {
			continue;
		}
		s->asked_event = (uint64_t)sqlite3_column_int64(ask.stmt, 0);
		s->method = member(s, &ask, "method");
		s->uid = rv_ask_int(&ask, "uid", -1);
		s->asker_pid = rv_ask_int(&ask, "pid", -1);
		s->asked_reason = member(s, &ask, "reason");
		if (s->method == NULL && signo > 0 && signo < 1000) {
			s->runtime_signal =
			    rv_story_keep(s, rv_signal_name((int)signo, name));
		}
		break;
	}
	return rv_ask_end(&ask);
}

/*
 * It was stopped because somebody else of its group had died, or because a
 * supervisor above gave up: on whose account, and how that one had ended.
 */
static enum reeve_status
read_group_cause(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;
	char how[256];
	uint64_t event = 0;
	enum reeve_status status;

	rv_ask(&ask, why,
	    "SELECT id, path, detail, kind = 'supervisor.gave_up' FROM seen"
	    " WHERE kind IN ('supervisor.restarting', 'supervisor.gave_up')"
	    " AND id < ?1 AND id > ?3 AND run_id = ?2"
	    " ORDER BY id DESC LIMIT 100");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->stop_event);
	rv_query_bind_text(ask.stmt, 2, s->run);
	/* A request that came later is the nearer cause. */
	sqlite3_bind_int64(ask.stmt, 3, (sqlite3_int64)s->asked_event);
	while (rv_ask_row(&ask, 2)) {
		if (rv_is_below(s->path, rv_query_text(ask.stmt, 1))) {
			s->group_gave_up = sqlite3_column_int(ask.stmt, 3) != 0;
			event = (uint64_t)sqlite3_column_int64(ask.stmt, 0);
			s->group = rv_story_keep(s, rv_query_text(ask.stmt, 1));
			s->group_cause = member(s, &ask, "cause");
			break;
		}
	}
	status = rv_ask_end(&ask);
	if (status != REEVE_OK || s->group_cause == NULL) {
		return status;
	}
	s->method = NULL;
	rv_ask(&ask, why,
	    "SELECT detail FROM seen WHERE kind = 'worker.exited'"
	    " AND path = ?1 AND id < ?2 ORDER BY id DESC LIMIT 1");
	rv_query_bind_text(ask.stmt, 1, s->group_cause);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)event);
	if (rv_ask_row(&ask, 0)) {
		rv_say_how_detail(how, sizeof(how), ask.detail);
		s->group_cause_end = rv_story_keep(s, how);
	}
	return rv_ask_end(&ask);
}

/* -------- how often before -------- */

static enum reeve_status
count_folded(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT detail FROM seen WHERE kind = 'clerk.dropped'"
	    " AND path = ?1 AND id < ?2");
	rv_query_bind_text(ask.stmt, 1, s->path);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)s->event);
	while (rv_ask_row(&ask, 0)) {
		const char *kind = rv_ask_str(&ask, "kind");

		if (kind != NULL && strcmp(kind, "worker.exited") == 0) {
			s->folded += (uint64_t)rv_ask_int(&ask, "count", 0);
		}
	}
	return rv_ask_end(&ask);
}

static void
count_one(struct rv_story *s, const struct rv_ask *ask)
{
	int64_t at = sqlite3_column_int64(ask->stmt, 0);
	char how[256];

	if ((s->kind == RV_STORY_LIFE && !rv_is_crash(ask->detail)) ||
	    at > s->at) {
		return;
	}
	if (s->all++ == 0) {
		s->last_crash = at;
		if (s->kind == RV_STORY_LIFE) {
			rv_say_how_detail(how, sizeof(how), ask->detail);
			s->last_crash_end = rv_story_keep(s, how);
		}
	}
	s->hour += s->at - at <= HOUR_US;
	s->day += s->at - at <= 24 * HOUR_US;
	s->same_run +=
	    s->run != NULL && strcmp(rv_query_text(ask->stmt, 1), s->run) == 0;
}

static enum reeve_status
count_before(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;
	enum reeve_status status;

	rv_ask(&ask, why,
	    "SELECT at, run_id, detail FROM seen WHERE path = ?1"
	    " AND kind = ?2 AND id < ?3 ORDER BY id DESC");
	rv_query_bind_text(ask.stmt, 1, s->path);
	rv_query_bind_text(ask.stmt, 2,
	    s->kind == RV_STORY_GAVE_UP ? "supervisor.gave_up"
					: "worker.exited");
	sqlite3_bind_int64(
	    ask.stmt, 3, s->event != 0 ? (sqlite3_int64)s->event : INT64_MAX);
	while (rv_ask_row(&ask, 2)) {
		count_one(s, &ask);
	}
	status = rv_ask_end(&ask);
	return status == REEVE_OK ? count_folded(why, s) : status;
}

enum reeve_status
rv_story_gather(struct rv_why *why, struct rv_story *s)
{
	enum reeve_status status = read_detail(why, s);

	if (status == REEVE_OK && s->life != 0) {
		status = read_row(why, s);
	}
	if (status == REEVE_OK && s->life != 0) {
		status = read_life(why, s);
	}
	if (status == REEVE_OK && s->life != 0) {
		status = rv_story_exceptions(why, s);
	}
	if (status == REEVE_OK && s->kind == RV_STORY_LIFE) {
		status = read_asker(why, s);
	}
	if (status == REEVE_OK && s->why != NULL &&
	    (strcmp(s->why, "group") == 0 || strcmp(s->why, "parent") == 0)) {
		status = read_group_cause(why, s);
	}
	if (status == REEVE_OK && s->kind == RV_STORY_LIFE) {
		status = rv_story_limits(why, s);
	}
	if (status == REEVE_OK &&
	    (s->kind == RV_STORY_LIFE || s->kind == RV_STORY_GAVE_UP)) {
		status = count_before(why, s);
	}
	return status == REEVE_OK ? rv_story_follow(why, s) : status;
}

enum reeve_status
rv_story_present(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	s->pid = s->exit_code = s->signal = s->uptime_ms = -1;
	rv_ask(&ask, why,
	    "SELECT at, kind, life_id, detail FROM seen WHERE path = ?1"
	    " AND kind IN ('worker.started', 'worker.ready',"
	    " 'worker.waiting', 'supervisor.ready') ORDER BY id");
	rv_query_bind_text(ask.stmt, 1, s->path);
	while (rv_ask_row(&ask, 3)) {
		const char *kind = rv_query_text(ask.stmt, 1);
		int64_t at = sqlite3_column_int64(ask.stmt, 0);

		if (strcmp(kind, "worker.started") == 0) {
			s->life = (uint64_t)sqlite3_column_int64(ask.stmt, 2);
			on_started(s, &ask, at);
		} else if (strcmp(kind, "worker.waiting") != 0) {
			s->ready_at = at;
		}
		s->state = rv_story_keep(s, kind);
	}
	return rv_ask_end(&ask);
}
