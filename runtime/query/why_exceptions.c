/* SPDX-License-Identifier: MIT */
/*
 * The exceptions of a life, for its story: from events, which are there first,
 * and from the clerk's rows, which have names of functions and what an
 * interpreter wrote.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "query/why.h"
#include "wire/backtrace.h"

#define STACKS_MAX ((size_t)4 * 1024 * 1024)

/* Of many the last ones count. */
static struct rv_exception *
add(struct rv_story *s)
{
	struct rv_exception *e;

	if (s->n_exceptions == RV_EXCEPTIONS_MAX) {
		s->n_exceptions--;
		memmove(s->exceptions, s->exceptions + 1,
		    s->n_exceptions * sizeof(*s->exceptions));
	}
	e = &s->exceptions[s->n_exceptions++];
	*e = (struct rv_exception){ .signal = -1 };
	return e;
}

static const char *
member(struct rv_story *s, const struct rv_json *json, const char *key)
{
	return rv_story_keep(s, rv_json_str(rv_json_get(json, key)));
}

/* A member as JSON text. */
static const char *
slice(struct rv_story *s, const char *text, const char *key)
{
	const char *value, *kept = NULL;
	struct rv_buf buf;
	size_t len;

	if (!rv_json_slice(text, strlen(text), key, &value, &len)) {
		return NULL;
	}
	rv_buf_init(&buf, len + 1);
	rv_buf_add(&buf, value, len);
	if (buf.failed) {
		s->failed = true;
	} else {
		kept = rv_story_keep(s, rv_buf_str(&buf));
	}
	rv_buf_finish(&buf);
	return kept;
}

/* From an event's detail, or from a row's data: they have the same keys. */
static void
read_told(struct rv_story *s, struct rv_exception *e,
    const struct rv_json *json, const char *text)
{
	const struct rv_json *cause = rv_json_get(json, "caused_by");
	const struct rv_json *signal = rv_json_get(json, "signal");

	if (json == NULL) {
		return;
	}
	e->source = member(s, json, "source");
	e->language = member(s, json, "language");
	e->thread = member(s, json, "thread");
	e->error = member(s, json, "errno");
	e->address = member(s, json, "address");
	e->cause_type = member(s, cause, "type");
	e->cause_message = member(s, cause, "message");
	e->signal = signal != NULL ? rv_json_int(signal) : -1;
	e->cut = rv_json_bool(rv_json_get(json, "cut"));
	e->registers = slice(s, text, "registers");
	e->data = slice(s, text, "data");
}

/* Stacks without names, as the clerk writes them at first. */
static const char *
stacks_of(struct rv_story *s, const struct rv_json *json)
{
	const char *kept;
	struct rv_buf buf;

	rv_buf_init(&buf, STACKS_MAX);
	rv_backtrace_text(rv_json_get(json, "backtrace"), NULL, &buf);
	s->failed = s->failed || buf.failed;
	kept = rv_story_keep(s, rv_buf_str(&buf));
	rv_buf_finish(&buf);
	return kept != NULL ? kept : member(s, json, "text");
}

static enum reeve_status
read_events(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT id, at, detail FROM seen WHERE life_id = ?1"
	    " AND kind = 'worker.exception' ORDER BY id DESC LIMIT ?2");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->life);
	sqlite3_bind_int64(ask.stmt, 2, RV_EXCEPTIONS_MAX);
	while (rv_ask_row(&ask, 2)) {
		struct rv_exception *e = &s->exceptions[0];

		/* They come from the last to the first. */
		memmove(e + 1, e, s->n_exceptions * sizeof(*e));
		s->n_exceptions++;
		*e = (struct rv_exception){ .signal = -1 };
		e->event = (uint64_t)sqlite3_column_int64(ask.stmt, 0);
		e->at = sqlite3_column_int64(ask.stmt, 1);
		read_told(s, e, ask.detail, rv_query_text(ask.stmt, 2));
		e->type = member(s, ask.detail, "type");
		if (e->type == NULL) {
			e->type = member(s, ask.detail, "kind");
		}
		e->message = member(s, ask.detail, "message");
		e->backtrace = stacks_of(s, ask.detail);
	}
	return rv_ask_end(&ask);
}

/* Row {id, at, type, message, backtrace, data}. */
static void
take_row(struct rv_story *s, const struct rv_ask *ask)
{
	uint64_t event = (uint64_t)sqlite3_column_int64(ask->stmt, 0);
	const char *backtrace = rv_story_keep(s, rv_query_text(ask->stmt, 4));
	struct rv_exception *e;

	for (unsigned i = 0; i < s->n_exceptions; i++) {
		if (s->exceptions[i].event == event) {
			if (backtrace != NULL) {
				s->exceptions[i].backtrace = backtrace;
			}
			return;
		}
	}
	if (event != s->event) {
		return; /* an older one than those that are told */
	}
	e = add(s);
	e->event = event;
	e->at = sqlite3_column_int64(ask->stmt, 1);
	e->type = rv_story_keep(s, rv_query_text(ask->stmt, 2));
	e->message = rv_story_keep(s, rv_query_text(ask->stmt, 3));
	e->backtrace = backtrace;
	read_told(s, e, ask->detail, rv_query_text(ask->stmt, 5));
}

enum reeve_status
rv_story_exceptions(struct rv_why *why, struct rv_story *s)
{
	enum reeve_status status = read_events(why, s);
	struct rv_ask ask;

	if (status != REEVE_OK) {
		return status;
	}
	rv_ask(&ask, why,
	    "SELECT id, at, type, message, backtrace, data"
	    " FROM main.exceptions WHERE life_id = ?1 ORDER BY id DESC"
	    " LIMIT ?2");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->life);
	sqlite3_bind_int64(ask.stmt, 2, 2 * RV_EXCEPTIONS_MAX);
	while (rv_ask_row(&ask, 5)) {
		take_row(s, &ask);
	}
	return rv_ask_end(&ask);
}
