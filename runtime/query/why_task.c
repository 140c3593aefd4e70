/* SPDX-License-Identifier: MIT */
/*
 * The story of a host's task (reeve_record): how it ended, how often it was
 * tried, and its last output. Tasks are no units: nothing restarts them but
 * their host, and nobody went along. One that was done by a worker of the tree
 * (a task of a pool) has that worker's exceptions of that time.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "query/why.h"
#include "sys/sys.h"

/* What the log knows of one task, up to one of its ends. */
struct task {
	struct rv_story story; /* its texts, and the facts of the end */
	const char *kind, *text, *output, *worker;
	int64_t first_at, last_at, attempts, took_ms;
};

static void
take_end(struct task *task, struct rv_ask *ask)
{
	struct rv_story *s = &task->story;
	const struct rv_json *core = rv_json_get(ask->detail, "core_dumped");

	s->event = (uint64_t)sqlite3_column_int64(ask->stmt, 0);
	s->at = sqlite3_column_int64(ask->stmt, 1);
	s->run = rv_story_keep(s, rv_query_text(ask->stmt, 2));
	s->path = rv_story_keep(s, rv_query_text(ask->stmt, 3));
	task->kind = rv_story_keep(s, rv_query_text(ask->stmt, 4));
	task->text = rv_story_keep(s, rv_ask_str(ask, "text"));
	task->output = rv_story_keep(s, rv_ask_str(ask, "output"));
	task->attempts = rv_ask_int(ask, "attempt", -1);
	task->took_ms = rv_ask_int(ask, "took_ms", -1);
	s->reason = rv_story_keep(s, rv_ask_str(ask, "reason"));
	s->error = rv_story_keep(s, rv_ask_str(ask, "errno"));
	s->pid = rv_ask_int(ask, "pid", -1);
	s->exit_code = rv_ask_int(ask, "exit_code", -1);
	s->signal = rv_ask_int(ask, "signal", -1);
	s->core_dumped = core != NULL && rv_json_bool(core);
	s->utime_us = rv_ask_int(ask, "utime_us", -1);
	s->stime_us = rv_ask_int(ask, "stime_us", -1);
	s->max_rss_kib = rv_ask_int(ask, "max_rss_kib", -1);
}

/* Its starts since the last end before this one. */
static enum reeve_status
take_starts(struct rv_why *why, struct task *task)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT MIN(at), MAX(at), MAX(json_extract(detail, '$.text'))"
	    " FROM seen WHERE path = ?1 AND kind = 'task.started'"
	    " AND id <= ?2 AND id > COALESCE((SELECT MAX(id) FROM seen"
	    " WHERE path = ?1 AND kind IN ('task.ended', 'task.failed',"
	    " 'task.cancelled') AND id < ?2), 0)");
	rv_query_bind_text(ask.stmt, 1, task->story.path);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)task->story.event);
	while (rv_ask_row(&ask, -1)) {
		task->first_at = sqlite3_column_int64(ask.stmt, 0);
		task->last_at = sqlite3_column_int64(ask.stmt, 1);
		if (task->text == NULL) {
			task->text = rv_story_keep(
			    &task->story, rv_query_text(ask.stmt, 2));
		}
	}
	return rv_ask_end(&ask);
}

/* The unit that had this process then, and its last output if it died of it. */
static enum reeve_status
take_worker(struct rv_why *why, struct task *task)
{
	struct rv_story *s = &task->story;
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT id, path, CASE WHEN ended_at BETWEEN ?2 AND ?3"
	    " THEN output_tail END FROM main.lives WHERE pid = ?1"
	    " AND started_at <= ?3 AND (ended_at IS NULL OR ended_at >= ?2)"
	    " ORDER BY id DESC LIMIT 1");
	sqlite3_bind_int64(ask.stmt, 1, s->pid);
	sqlite3_bind_int64(ask.stmt, 2, task->last_at);
	sqlite3_bind_int64(ask.stmt, 3, s->at);
	while (rv_ask_row(&ask, -1)) {
		s->life = (uint64_t)sqlite3_column_int64(ask.stmt, 0);
		task->worker = rv_story_keep(s, rv_query_text(ask.stmt, 1));
		if (task->output == NULL) {
			task->output =
			    rv_story_keep(s, rv_query_text(ask.stmt, 2));
		}
	}
	return rv_ask_end(&ask);
}

/* A crash of its worker is not that of a task which the worker outlived. */
static bool
may_be_of(const struct task *task, const struct rv_exception *e)
{
	static const char *const signals[] = { "crash", "abort" };
	const struct rv_story *s = &task->story;
	bool kills = false;

	for (size_t i = 0; e->source != NULL && i < RV_ARRAY_LEN(signals);
	     i++) {
		kills = kills || strcmp(e->source, signals[i]) == 0;
	}
	return e->at >= task->last_at && e->at <= s->at &&
	       (s->signal > 0 || !kills);
}

/* Others of its worker's tasks may have had some, too. */
static enum reeve_status
take_exceptions(struct rv_why *why, struct task *task)
{
	struct rv_story *s = &task->story;
	enum reeve_status status = REEVE_OK;
	unsigned n = 0;

	if (s->pid > 0 && task->last_at != 0) {
		status = take_worker(why, task);
	}
	if (status == REEVE_OK && s->life != 0) {
		status = rv_story_exceptions(why, s);
	}
	for (unsigned i = 0; i < s->n_exceptions; i++) {
		if (may_be_of(task, &s->exceptions[i])) {
			s->exceptions[n++] = s->exceptions[i];
		}
	}
	s->n_exceptions = n;
	return status;
}

/* -------- as text -------- */

static bool
has_kind(const struct task *task, const char *kind)
{
	return task->kind != NULL && strcmp(task->kind, kind) == 0;
}

static void
headline(const struct task *task, struct rv_buf *out)
{
	const struct rv_story *s = &task->story;
	char how[256];

	if (has_kind(task, "task.started")) {
		rv_buf_addf(
		    out, "%s has not ended, as far as the log goes\n", s->path);
		return;
	}
	rv_buf_addf(out, "%s %s: ", s->path,
	    has_kind(task, "task.failed")  ? "failed"
	    : has_kind(task, "task.ended") ? "ended well"
					   : "was given up");
	if (s->signal <= 0 && s->exit_code < 0 && s->error == NULL) {
		rv_buf_adds(
		    out, s->reason != NULL ? s->reason : "it was not begun");
	} else {
		rv_say_how(how, sizeof(how), s->reason, s->exit_code, s->signal,
		    s->core_dumped,
		    s->signal <= 0 && s->exit_code < 0 ? s->reason : NULL,
		    s->error, NULL);
		rv_buf_adds(out, how);
	}
	rv_buf_addc(out, '\n');
}

static void
tries(const struct task *task, struct rv_buf *out)
{
	char at[40], took[32];

	if (task->first_at != 0) {
		rv_why_label(out, "started");
		rv_buf_addf(out, "%s", rv_why_date(task->last_at, at));
		if (task->took_ms >= 0) {
			rv_buf_addf(
			    out, ", took %s", rv_why_span(task->took_ms, took));
		}
		if (task->story.pid > 0) {
			rv_buf_addf(out, ", pid %" PRId64, task->story.pid);
		}
		if (task->worker != NULL) {
			rv_buf_addf(out, " (%s)", task->worker);
		}
		rv_buf_addc(out, '\n');
	}
	if (task->attempts > 1) {
		rv_why_label(out, "tried");
		rv_buf_addf(out, "%" PRId64 " times", task->attempts);
		if (task->first_at != 0 && task->first_at != task->last_at) {
			rv_buf_addf(out, ", first at %s",
			    rv_why_date(task->first_at, at));
		}
		rv_buf_addc(out, '\n');
	}
}

static void
tell_text(const struct task *task, struct rv_buf *out)
{
	const struct rv_story *s = &task->story;
	char at[40], ago[32];

	headline(task, out);
	rv_why_label(out, "when");
	rv_buf_addf(out, "%s, %s ago\n", rv_why_date(s->at, at),
	    rv_why_span(RV_MAX(s->now - s->at, 0) / 1000, ago));
	if (task->text != NULL) {
		rv_why_label(out, "task");
		rv_why_words(out, task->text);
		rv_buf_addc(out, '\n');
	}
	tries(task, out);
	rv_why_usage(s, out);
	rv_exceptions_text(s, out);
	if (task->output != NULL) {
		rv_buf_adds(out, "  last output\n");
		rv_why_lines(out, task->output, strlen(task->output));
	}
}

/* -------- as JSON -------- */

static void
put_int(struct rv_jsonw *w, const char *key, int64_t value, bool known)
{
	rv_jsonw_key(w, key);
	if (known) {
		rv_jsonw_int(w, value);
	} else {
		rv_jsonw_null(w);
	}
}

static void
put_str(struct rv_jsonw *w, const char *key, const char *value)
{
	rv_jsonw_key(w, key);
	rv_jsonw_str(w, value);
}

static void
tell_json(const struct task *task, struct rv_jsonw *w)
{
	const struct rv_story *s = &task->story;

	rv_jsonw_object(w);
	put_str(w, "path", s->path);
	put_str(w, "what", "task");
	put_str(w, "kind", task->kind);
	put_int(w, "event", (int64_t)s->event, true);
	put_str(w, "run", s->run);
	put_int(w, "at", s->at, true);
	put_str(w, "text", task->text);
	put_str(w, "reason", s->reason);
	put_str(w, "errno", s->error);
	put_int(w, "attempts", task->attempts, task->attempts > 0);
	put_int(w, "first_at", task->first_at, task->first_at != 0);
	put_int(w, "started_at", task->last_at, task->last_at != 0);
	put_int(w, "took_ms", task->took_ms, task->took_ms >= 0);
	put_int(w, "pid", s->pid, s->pid > 0);
	put_int(w, "exit_code", s->exit_code, s->exit_code >= 0);
	put_int(w, "signal", s->signal, s->signal > 0);
	rv_jsonw_key(w, "core_dumped");
	rv_jsonw_bool(w, s->core_dumped);
	put_int(w, "utime_us", s->utime_us, s->utime_us >= 0);
	put_int(w, "stime_us", s->stime_us, s->stime_us >= 0);
	put_int(w, "max_rss_kib", s->max_rss_kib, s->max_rss_kib >= 0);
	put_str(w, "worker", task->worker);
	rv_exceptions_json(s, w);
	put_str(w, "output", task->output);
	rv_jsonw_object_end(w);
}

static enum reeve_status
tell_row(struct rv_why *why, struct rv_ask *ask)
{
	struct task task = { .story.now = rv_sys_wall_us() };
	enum reeve_status status;

	take_end(&task, ask);
	status = take_starts(why, &task);
	if (status == REEVE_OK) {
		status = take_exceptions(why, &task);
	}
	if (status == REEVE_OK && !task.story.failed) {
		if (why->json) {
			tell_json(&task, &why->w);
		} else {
			if (why->n > 0) {
				rv_buf_addc(&why->out, '\n');
			}
			tell_text(&task, &why->out);
		}
		why->n++;
	}
	return rv_story_finish(why, &task.story, status);
}

/*
 * Those that failed, newest first; where none of the tasks that are meant has,
 * what happened last to them.
 */
static enum reeve_status
tell_kinds(struct rv_why *why, const char *sql, unsigned last)
{
	struct rv_ask ask;

	rv_ask(&ask, why, sql);
	sqlite3_bind_int64(ask.stmt, 1, last);
	while (rv_ask_row(&ask, 5)) {
		ask.status = tell_row(why, &ask);
	}
	return rv_ask_end(&ask);
}

#define TASKS                                                 \
	"SELECT id, at, run_id, path, kind, detail FROM seen" \
	" WHERE path IN (SELECT path FROM temp.meant) AND kind "
#define NEWEST " ORDER BY id DESC LIMIT ?1"

enum reeve_status
rv_story_tasks(struct rv_why *why, unsigned last)
{
	enum reeve_status status =
	    tell_kinds(why, TASKS "= 'task.failed'" NEWEST, last);

	if (status == REEVE_OK && why->n == 0) {
		status = tell_kinds(why,
		    TASKS "IN ('task.ended', 'task.cancelled')" NEWEST, last);
	}
	if (status == REEVE_OK && why->n == 0) {
		status = tell_kinds(why, TASKS "= 'task.started'" NEWEST, last);
	}
	return status;
}
