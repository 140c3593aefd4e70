/* SPDX-License-Identifier: MIT */
/*
 * A story as JSON. Keys are stable and always there; what is not known is
 * null. Times are microseconds of Unix time.
 */
#include "config.h"

#include "base/text.h"
#include "query/why.h"

static void
put_str(struct rv_jsonw *w, const char *key, const char *value)
{
	rv_jsonw_key(w, key);
	rv_jsonw_str(w, value);
}

/* Null where it is not known. */
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
put_size(struct rv_jsonw *w, const char *key, int64_t value)
{
	put_int(w, key, value, value >= 0);
}

static void
put_at(struct rv_jsonw *w, const char *key, int64_t at)
{
	put_int(w, key, at, at != 0);
}

static void
put_bool(struct rv_jsonw *w, const char *key, bool value)
{
	rv_jsonw_key(w, key);
	rv_jsonw_bool(w, value);
}

static void
put_end(struct rv_jsonw *w, const struct rv_story *s)
{
	static const char *const kinds[] = {
		[RV_STORY_LIFE] = "life",
		[RV_STORY_GAVE_UP] = "supervisor",
		[RV_STORY_RUN] = "runtime",
		[RV_STORY_HELPER] = "helper",
		[RV_STORY_NONE] = "none",
	};
	char name[24];

	put_str(w, "path", s->path);
	put_str(w, "what", kinds[s->kind]);
	put_int(w, "event", (int64_t)s->event, s->event != 0);
	put_int(w, "life", (int64_t)s->life, s->life != 0);
	put_str(w, "run", s->run);
	put_at(w, "at", s->at);
	put_str(w, "reason", s->reason);
	put_bool(w, "crash", s->crash);
	put_size(w, "pid", s->pid);
	put_size(w, "exit_code", s->exit_code);
	put_int(w, "signal", s->signal, s->signal > 0);
	put_str(w, "signal_name",
	    s->signal > 0 ? rv_signal_name((int)RV_MIN(s->signal, 1000), name)
			  : NULL);
	put_bool(w, "core_dumped", s->core_dumped);
	put_str(w, "stage", s->stage);
	put_str(w, "errno", s->error);
	put_str(w, "message", s->message);
	put_str(w, "said", s->said);
	put_str(w, "function", s->function);
	put_str(w, "start_method", s->start_method);
	put_at(w, "started_at", s->started_at);
	put_at(w, "ready_at", s->ready_at);
	put_size(w, "uptime_ms", s->uptime_ms);
	put_size(w, "utime_us", s->utime_us);
	put_size(w, "stime_us", s->stime_us);
	put_size(w, "max_rss_kib", s->max_rss_kib);
	put_size(w, "count", s->count);
	put_size(w, "period_ms", s->period_ms);
	put_str(w, "cause", s->cause);
}

/* Opened as an object when there is something in it, else null. */
static bool
put_object(struct rv_jsonw *w, const char *key, bool there)
{
	rv_jsonw_key(w, key);
	if (there) {
		rv_jsonw_object(w);
	} else {
		rv_jsonw_null(w);
	}
	return there;
}

static void
put_raw(struct rv_jsonw *w, const char *key, const char *json)
{
	rv_jsonw_key(w, key);
	if (json != NULL) {
		rv_jsonw_raw(w, json);
	} else {
		rv_jsonw_null(w);
	}
}

static void
put_cause(struct rv_jsonw *w, const struct rv_exception *e)
{
	if (put_object(w, "caused_by",
		e->cause_type != NULL || e->cause_message != NULL)) {
		put_str(w, "type", e->cause_type);
		put_str(w, "message", e->cause_message);
		rv_jsonw_object_end(w);
	}
}

void
rv_exceptions_json(const struct rv_story *s, struct rv_jsonw *w)
{
	rv_jsonw_key(w, "exceptions");
	rv_jsonw_array(w);
	for (unsigned i = 0; i < s->n_exceptions; i++) {
		const struct rv_exception *e = &s->exceptions[i];

		rv_jsonw_object(w);
		put_int(w, "event", (int64_t)e->event, e->event != 0);
		put_at(w, "at", e->at);
		put_str(w, "source", e->source);
		put_str(w, "language", e->language);
		put_str(w, "thread", e->thread);
		put_str(w, "type", e->type);
		put_str(w, "message", e->message);
		put_str(w, "errno", e->error);
		put_int(w, "signal", e->signal, e->signal > 0);
		put_str(w, "address", e->address);
		put_cause(w, e);
		put_raw(w, "registers", e->registers);
		put_raw(w, "data", e->data);
		put_bool(w, "cut", e->cut);
		put_str(w, "backtrace", e->backtrace);
		rv_jsonw_object_end(w);
	}
	rv_jsonw_array_end(w);
}

static void
put_before(struct rv_jsonw *w, const struct rv_story *s)
{
	if (put_object(w, "stopped", s->why != NULL)) {
		put_str(w, "why", s->why);
		put_str(w, "supervisor", s->group);
		put_bool(w, "gave_up", s->group_gave_up);
		put_str(w, "cause", s->group_cause);
		put_str(w, "cause_end", s->group_cause_end);
		rv_jsonw_object_end(w);
	}
	if (put_object(
		w, "asked", s->method != NULL || s->runtime_signal != NULL)) {
		put_str(w, "method", s->method);
		put_str(w, "signal", s->runtime_signal);
		put_bool(w, "host", s->method != NULL && s->uid < 0);
		put_str(w, "reason", s->asked_reason);
		put_size(w, "uid", s->uid);
		put_size(w, "pid", s->asker_pid);
		rv_jsonw_object_end(w);
	}
	if (put_object(w, "unresponsive", s->silent_ms >= 0)) {
		put_size(w, "silent_ms", s->silent_ms);
		put_str(w, "action", s->silent_action);
		rv_jsonw_object_end(w);
	}
	rv_exceptions_json(s, w);
	put_str(w, "limits", s->limits);
	put_str(w, "limit_hint", s->limit_hint);
	put_int(w, "leftover", s->leftover, true);
	put_str(w, "output_tail", s->output_tail);
}

static void
put_units(struct rv_jsonw *w, const char *key,
    const struct rv_story_units *list,
    void (*put)(struct rv_jsonw *, const struct rv_story_unit *))
{
	rv_jsonw_key(w, key);
	rv_jsonw_array(w);
	for (size_t i = 0; i < list->n; i++) {
		rv_jsonw_object(w);
		put_str(w, "path", list->units[i].path);
		put_at(w, "at", list->units[i].at);
		put(w, &list->units[i]);
		rv_jsonw_object_end(w);
	}
	rv_jsonw_array_end(w);
}

static void
put_back(struct rv_jsonw *w, const struct rv_story_unit *unit)
{
	put_at(w, "back_at", unit->back_at);
}

static void
put_window(struct rv_jsonw *w, const struct rv_story_unit *unit)
{
	put_str(w, "reason", unit->reason);
	put_size(w, "count", unit->count);
	put_size(w, "period_ms", unit->period_ms);
}

static void
put_how(struct rv_jsonw *w, const struct rv_story_unit *unit)
{
	put_str(w, "how", unit->reason);
}

static void
put_after(struct rv_jsonw *w, const struct rv_story *s)
{
	put_str(w, "decision", s->decision);
	put_str(w, "verdict", s->verdict);
	put_size(w, "delay_ms", s->delay_ms);
	put_str(w, "delay_reason", s->lack);
	put_int(w, "tries", (int64_t)s->tries, true);
	put_at(w, "back_at", s->back_at);
	put_int(
	    w, "back_after_ms", (s->back_at - s->at) / 1000, s->back_at != 0);
	put_at(w, "replaced_at", s->replaced_at);
	put_int(w, "replaced_by", s->replaced_by, s->replaced_at != 0);
	put_at(w, "fatal_at", s->fatal_at);
	put_at(w, "stopped_at", s->stopped_at);
	if (put_object(w, "group", s->restarting != NULL)) {
		put_str(w, "supervisor", s->restarting);
		put_str(w, "strategy", s->strategy);
		put_units(w, "units", &s->group_units, put_back);
		rv_jsonw_object_end(w);
	}
	put_units(w, "gave_up", &s->gave_up, put_window);
	put_units(w, "others", &s->others, put_how);
	rv_jsonw_key(w, "before");
	rv_jsonw_object(w);
	put_int(w, "hour", (int64_t)s->hour, true);
	put_int(w, "day", (int64_t)s->day, true);
	put_int(w, "run", (int64_t)s->same_run, true);
	put_int(w, "all", (int64_t)s->all, true);
	put_int(w, "not_recorded", (int64_t)s->folded, true);
	put_at(w, "last_at", s->last_crash);
	put_str(w, "last", s->last_crash_end);
	rv_jsonw_object_end(w);
}

void
rv_story_json(const struct rv_story *s, struct rv_jsonw *w)
{
	rv_jsonw_object(w);
	put_end(w, s);
	put_before(w, s);
	put_after(w, s);
	rv_jsonw_object_end(w);
}
