/* SPDX-License-Identifier: MIT */
/*
 * What followed an end: the way back, the group that was restarted with it,
 * the supervisors that gave up over it, and who else died at that moment.
 */
#include "config.h"

#include <string.h>

#include "base/text.h"
#include "query/why.h"

#define AROUND_US   INT64_C(1000000) /* that is "at that moment" */
#define OTHERS_MAX  20
#define ROWS_MAX    "100000" /* of one path, until it was back */
#define GROUP_SPAN  1000000  /* events that a group's stop may take */
#define UNITS_SHOWN 1000

/* -------- the way back -------- */

/* False: the story is over. */
static bool
take_next(struct rv_story *s, const struct rv_ask *ask)
{
	const char *kind = rv_query_text(ask->stmt, 2);
	uint64_t id = (uint64_t)sqlite3_column_int64(ask->stmt, 0);
	int64_t at = sqlite3_column_int64(ask->stmt, 1);
	const char *why;

	if (strcmp(kind, "worker.ready") == 0) {
		s->back_event = id;
		s->back_at = at;
		return false;
	}
	if (strcmp(kind, "worker.exited") == 0) {
		s->next_end = s->next_end != 0 ? s->next_end : id;
		s->tries++;
	} else if (strcmp(kind, "worker.fatal") == 0) {
		s->fatal_at = at;
	} else if (strcmp(kind, "worker.backoff") == 0) {
		if (s->delay_ms < 0 && s->tries == 0) {
			s->delay_ms = rv_ask_int(ask, "delay_ms", -1);
			s->lack = rv_story_keep(s, rv_ask_str(ask, "message"));
		}
	} else { /* worker.stopped */
		why = rv_ask_str(ask, "why");
		if (why != NULL && (strcmp(why, "operator") == 0 ||
				       strcmp(why, "shutdown") == 0 ||
				       strcmp(why, "reload") == 0)) {
			s->stopped_at = at;
		}
	}
	return true;
}

static enum reeve_status
follow_unit(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT id, at, kind, detail FROM seen WHERE path = ?1"
	    " AND id > ?2 AND at >= ?3 AND kind IN ('worker.ready',"
	    " 'worker.exited', 'worker.fatal', 'worker.backoff',"
	    " 'worker.stopped') ORDER BY id LIMIT " ROWS_MAX);
	rv_query_bind_text(ask.stmt, 1, s->path);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)s->event);
	/* A lost one has no event of its own, only its time. */
	sqlite3_bind_int64(ask.stmt, 3, s->event != 0 ? 0 : s->at);
	while (rv_ask_row(&ask, 3) && take_next(s, &ask)) {
	}
	return rv_ask_end(&ask);
}

/* With `overlap` the next one came first, and this one was sent away. */
static enum reeve_status
find_replaced(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT id, at, detail FROM seen WHERE path = ?1 AND id < ?2"
	    " AND at >= ?3 AND run_id = ?4 AND kind = 'worker.replaced'"
	    " ORDER BY id DESC LIMIT " ROWS_MAX);
	rv_query_bind_text(ask.stmt, 1, s->path);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)s->event);
	sqlite3_bind_int64(ask.stmt, 3, s->started_at);
	rv_query_bind_text(ask.stmt, 4, s->run);
	while (rv_ask_row(&ask, 2)) {
		if (s->pid > 0 && rv_ask_int(&ask, "old_pid", -1) == s->pid) {
			s->replaced_at = sqlite3_column_int64(ask.stmt, 1);
			s->replaced_by = rv_ask_int(&ask, "pid", -1);
			break;
		}
	}
	return rv_ask_end(&ask);
}

static enum reeve_status
ready_after(struct rv_why *why, const char *path, uint64_t event, int64_t *at)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT at FROM seen WHERE path = ?1 AND id > ?2 AND kind IN"
	    " ('worker.ready', 'supervisor.ready') ORDER BY id LIMIT 1");
	rv_query_bind_text(ask.stmt, 1, path);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)event);
	if (rv_ask_row(&ask, -1)) {
		*at = sqlite3_column_int64(ask.stmt, 0);
	}
	return rv_ask_end(&ask);
}

static enum reeve_status
read_run_end(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT MAX(at) FROM seen WHERE run_id = ?1 AND path = '/'"
	    " AND kind IN ('runtime.stopped', 'runtime.lost')");
	rv_query_bind_text(ask.stmt, 1, s->run);
	if (rv_ask_row(&ask, -1)) {
		s->run_ended_at = sqlite3_column_int64(ask.stmt, 0);
	}
	return rv_ask_end(&ask);
}

/* -------- the group -------- */

/* Until when something counts as a consequence of this end. */
static uint64_t
until(const struct rv_story *s)
{
	uint64_t end = s->back_event != 0 ? s->back_event : INT64_MAX;

	return s->next_end != 0 ? RV_MIN(s->next_end, end) : end;
}

/* Is the cause this unit, or the supervisor of its instances? */
static bool
is_about(const struct rv_story *s, const struct rv_ask *ask)
{
	const char *cause = rv_ask_str(ask, "cause");

	return cause != NULL && strcmp(cause, "/") != 0 &&
	       rv_is_below(s->path, cause);
}

static enum reeve_status
find_group(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT id, path, detail FROM seen WHERE id > ?1 AND id < ?2"
	    " AND kind = 'supervisor.restarting' AND run_id = ?3"
	    " ORDER BY id LIMIT 1000");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->event);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)until(s));
	rv_query_bind_text(ask.stmt, 3, s->run);
	while (rv_ask_row(&ask, 2)) {
		const char *path = rv_query_text(ask.stmt, 1);

		if (rv_is_below(s->path, path) && is_about(s, &ask)) {
			s->restarting_event =
			    (uint64_t)sqlite3_column_int64(ask.stmt, 0);
			s->restarting = rv_story_keep(s, path);
			s->strategy =
			    rv_story_keep(s, rv_ask_str(&ask, "strategy"));
			break;
		}
	}
	return rv_ask_end(&ask);
}

static enum reeve_status
list_group(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;
	uint64_t last = RV_MIN(until(s), s->restarting_event + GROUP_SPAN);

	rv_ask(&ask, why,
	    "SELECT id, at, path, detail FROM seen WHERE id > ?1 AND id < ?2"
	    " AND kind = 'worker.stopping' ORDER BY id");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->restarting_event);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)last);
	while (s->group_units.n < UNITS_SHOWN && rv_ask_row(&ask, 3)) {
		const char *reason = rv_ask_str(&ask, "why");
		const char *path = rv_query_text(ask.stmt, 2);
		struct rv_story_unit *unit;

		/* "parent": below a supervisor that was stopped with it. */
		if (reason == NULL ||
		    (strcmp(reason, "group") != 0 &&
			strcmp(reason, "parent") != 0) ||
		    !rv_is_below(path, s->restarting)) {
			continue;
		}
		unit = rv_story_add(s, &s->group_units);
		if (unit == NULL) {
			break;
		}
		unit->path = rv_story_keep(s, path);
		unit->at = sqlite3_column_int64(ask.stmt, 1);
		ask.status = ready_after(why, path,
		    (uint64_t)sqlite3_column_int64(ask.stmt, 0),
		    &unit->back_at);
	}
	return rv_ask_end(&ask);
}

/* -------- upwards -------- */

static enum reeve_status
list_gave_up(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT id, at, path, detail FROM seen WHERE id > ?1 AND id < ?2"
	    " AND kind = 'supervisor.gave_up' AND run_id = ?3"
	    " ORDER BY id LIMIT 100");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->event);
	sqlite3_bind_int64(ask.stmt, 2, (sqlite3_int64)until(s));
	rv_query_bind_text(ask.stmt, 3, s->run);
	while (rv_ask_row(&ask, 3)) {
		const char *path = rv_query_text(ask.stmt, 2);
		struct rv_story_unit *unit;

		if (!rv_is_below(s->path, path) || !is_about(s, &ask)) {
			continue;
		}
		unit = rv_story_add(s, &s->gave_up);
		if (unit == NULL) {
			break;
		}
		unit->path = rv_story_keep(s, path);
		unit->at = sqlite3_column_int64(ask.stmt, 1);
		unit->cause = NULL;
		unit->reason = rv_story_keep(s, rv_ask_str(&ask, "reason"));
		unit->count = rv_ask_int(&ask, "count", -1);
		unit->period_ms = rv_ask_int(&ask, "period_ms", -1);
	}
	return rv_ask_end(&ask);
}

/* Why a run ended that gave up: from the root down to who began it. */
static enum reeve_status
list_run_gave_up(struct rv_why *why, struct rv_story *s)
{
	const char *next = "/";
	struct rv_ask ask;

	rv_ask(&ask, why,
	    "SELECT at, path, detail FROM seen WHERE id < ?1 AND run_id = ?2"
	    " AND kind = 'supervisor.gave_up' ORDER BY id DESC LIMIT 100");
	sqlite3_bind_int64(ask.stmt, 1, (sqlite3_int64)s->event);
	rv_query_bind_text(ask.stmt, 2, s->run);
	while (next != NULL && rv_ask_row(&ask, 2)) {
		struct rv_story_unit *unit;

		if (strcmp(rv_query_text(ask.stmt, 1), next) != 0) {
			continue;
		}
		unit = rv_story_add(s, &s->gave_up);
		if (unit == NULL) {
			break;
		}
		*unit = (struct rv_story_unit){
			.path = rv_story_keep(s, next),
			.at = sqlite3_column_int64(ask.stmt, 0),
			.reason = rv_story_keep(s, rv_ask_str(&ask, "reason")),
			.count = rv_ask_int(&ask, "count", -1),
			.period_ms = rv_ask_int(&ask, "period_ms", -1),
			.cause = rv_story_keep(s, rv_ask_str(&ask, "cause")),
		};
		next = unit->cause;
	}
	return rv_ask_end(&ask);
}

/* -------- beside -------- */

static bool
is_in(const struct rv_story_units *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *other = list->units[i].path;

		if (other != NULL && strcmp(other, path) == 0) {
			return true;
		}
	}
	return false;
}

static enum reeve_status
list_others(struct rv_why *why, struct rv_story *s)
{
	struct rv_ask ask;
	char how[256];

	rv_ask(&ask, why,
	    "SELECT at, path, detail, kind FROM seen WHERE at BETWEEN ?1 AND ?2"
	    " AND kind IN ('worker.exited', 'launcher.lost', 'clerk.lost')"
	    " AND path <> ?3 AND id <> ?4 ORDER BY at LIMIT 1000");
	sqlite3_bind_int64(ask.stmt, 1, s->at - AROUND_US);
	sqlite3_bind_int64(ask.stmt, 2, s->at + AROUND_US);
	rv_query_bind_text(ask.stmt, 3, s->path);
	sqlite3_bind_int64(ask.stmt, 4, (sqlite3_int64)s->event);
	while (s->others.n < OTHERS_MAX && rv_ask_row(&ask, 2)) {
		const char *path = rv_query_text(ask.stmt, 1);
		const char *kind = rv_query_text(ask.stmt, 3);
		bool helper = strcmp(kind, "worker.exited") != 0;
		struct rv_story_unit *unit;

		if (!helper &&
		    (!rv_is_crash(ask.detail) || is_in(&s->group_units, path) ||
			is_in(&s->others, path))) {
			continue;
		}
		unit = rv_story_add(s, &s->others);
		if (unit == NULL) {
			break;
		}
		if (helper) {
			rv_format(how, sizeof(how), "lost its %.*s",
			    (int)strcspn(kind, "."), kind);
		} else {
			rv_say_how_detail(how, sizeof(how), ask.detail);
		}
		unit->path = rv_story_keep(s, path);
		unit->at = sqlite3_column_int64(ask.stmt, 0);
		unit->reason = rv_story_keep(s, how);
	}
	return rv_ask_end(&ask);
}

enum reeve_status
rv_story_follow(struct rv_why *why, struct rv_story *s)
{
	enum reeve_status status = REEVE_OK;

	if (s->kind == RV_STORY_LIFE && s->event != 0) {
		status = find_replaced(why, s);
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (s->kind == RV_STORY_LIFE) {
		status = s->replaced_at == 0 ? follow_unit(why, s) : REEVE_OK;
	} else if (s->kind == RV_STORY_GAVE_UP) {
		status = ready_after(why, s->path, s->event, &s->back_at);
	}
	if (status == REEVE_OK && s->back_at == 0 &&
	    (s->kind == RV_STORY_LIFE || s->kind == RV_STORY_GAVE_UP)) {
		status = read_run_end(why, s);
	}
	if (status == REEVE_OK && s->kind == RV_STORY_LIFE && s->event != 0) {
		status = find_group(why, s);
	}
	if (status == REEVE_OK && s->restarting != NULL) {
		status = list_group(why, s);
	}
	if (status == REEVE_OK && s->event != 0 &&
	    (s->kind == RV_STORY_LIFE || s->kind == RV_STORY_GAVE_UP)) {
		status = list_gave_up(why, s);
	}
	if (status == REEVE_OK && s->kind == RV_STORY_RUN &&
	    s->reason != NULL && strcmp(s->reason, "gave up") == 0) {
		status = list_run_gave_up(why, s);
	}
	if (status == REEVE_OK && s->kind == RV_STORY_LIFE && s->crash) {
		status = list_others(why, s);
	}
	return status;
}
