/* SPDX-License-Identifier: MIT */
/*
 * Lines for a person at the terminal of `reeve run`: which events make one, at
 * what level, and in what words. Formats nothing when nobody listens.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "super/super_priv.h"

static bool
anyone_listens(struct rv_super *super)
{
	RV_LIST_EACH (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->notice != NULL) {
			return true;
		}
	}
	return false;
}

void
rv_super_notice(struct rv_super *super, int level, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	if (!anyone_listens(super)) {
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	RV_LIST_EACH_SAFE (sink, &super->sinks, struct rv_super_sink, link) {
		if (sink->notice != NULL) {
			sink->notice(sink, level, text);
		}
	}
}

static const struct rv_field *
field(const struct rv_fields *fields, enum rv_key key)
{
	for (unsigned i = 0; i < fields->n; i++) {
		if (fields->f[i].key == key) {
			return &fields->f[i];
		}
	}
	return NULL;
}

static int64_t
number(const struct rv_fields *fields, enum rv_key key, int64_t otherwise)
{
	const struct rv_field *f = field(fields, key);

	return f != NULL ? f->v.i : otherwise;
}

static const char *
text_of(const struct rv_fields *fields, enum rv_key key)
{
	const struct rv_field *f = field(fields, key);

	return f != NULL ? f->v.str : "";
}

static bool
asked(const struct rv_fields *fields)
{
	return strcmp(text_of(fields, RV_KEY_REASON),
		   rv_reason_text(RV_REASON_ASKED)) == 0;
}

/* "exited with code 3", "killed by SIGSEGV (core dumped)", "cannot start..." */
static void
say_end(char *dst, size_t size, const struct rv_fields *fields)
{
	const char *reason = text_of(fields, RV_KEY_REASON);
	const char *stage = text_of(fields, RV_KEY_STAGE);
	int64_t signo = number(fields, RV_KEY_SIGNAL, 0);
	int64_t code = number(fields, RV_KEY_EXIT_CODE, -1);
	char name[24];
	size_t n;

	if (stage[0] != '\0') {
		rv_format(dst, size, "cannot start: %s (%s)",
		    text_of(fields, RV_KEY_MESSAGE),
		    text_of(fields, RV_KEY_ERRNO));
		return;
	}
	if (signo != 0) {
		n = rv_format(dst, size, "ended by %s%s",
		    rv_signal_name((int)signo, name),
		    number(fields, RV_KEY_CORE, 0) != 0 ? " (core dumped)"
							: "");
	} else if (code >= 0) {
		n = rv_format(dst, size, "exited with code %" PRId64, code);
	} else {
		n = rv_format(dst, size, "ended, status unknown");
	}
	if (strcmp(reason, "exited") != 0 && strcmp(reason, "signaled") != 0 &&
	    reason[0] != '\0') {
		rv_format(dst + n, size - n, ", %s", reason);
	}
}

static void
say_exited(char *dst, size_t size, const struct rv_fields *fields)
{
	const char *decision = text_of(fields, RV_KEY_DECISION);
	size_t n;

	say_end(dst, size, fields);
	n = strlen(dst);
	if (decision[0] != '\0' && strcmp(decision, "none") != 0) {
		rv_format(dst + n, size - n, "; %s", decision);
	}
}

static void
say_started(char *dst, size_t size, const struct rv_fields *fields)
{
	/* Nobody knows yet whether the process becomes the program. */
	rv_format(
	    dst, size, "starting, pid %" PRId64, number(fields, RV_KEY_PID, 0));
}

static void
say_ready(char *dst, size_t size, const struct rv_fields *fields)
{
	int64_t ms = number(fields, RV_KEY_AFTER_MS, 0);
	char after[32];

	if (ms <= 0) {
		rv_copy(dst, size, "ready at once");
		return;
	}
	rv_format_duration(after, sizeof(after), ms * RV_MS);
	rv_format(dst, size, "ready after %s", after);
}

static void
say_backoff(char *dst, size_t size, const struct rv_fields *fields)
{
	char delay[32];

	rv_format_duration(
	    delay, sizeof(delay), number(fields, RV_KEY_DELAY_MS, 0) * RV_MS);
	rv_format(dst, size, "next start in %s (attempt %" PRId64 ")", delay,
	    number(fields, RV_KEY_ATTEMPT, 0));
}

static void
say_fatal(char *dst, size_t size, const struct rv_fields *fields)
{
	(void)fields;
	rv_format(
	    dst, size, "gave up: start retries are used up, state is FATAL");
}

static void
say_gave_up(char *dst, size_t size, const struct rv_fields *fields)
{
	rv_format(dst, size, "gave up on account of %s",
	    text_of(fields, RV_KEY_CAUSE));
}

static void
say_restarting(char *dst, size_t size, const struct rv_fields *fields)
{
	rv_format(dst, size, "restarting %s on account of %s",
	    text_of(fields, RV_KEY_STRATEGY), text_of(fields, RV_KEY_CAUSE));
}

static void
say_unresponsive(char *dst, size_t size, const struct rv_fields *fields)
{
	char silent[32];

	rv_format_duration(silent, sizeof(silent),
	    number(fields, RV_KEY_SILENT_MS, 0) * RV_MS);
	rv_format(dst, size, "no heartbeat for %s", silent);
}

static void
say_exception(char *dst, size_t size, const struct rv_fields *fields)
{
	const char *type = text_of(fields, RV_KEY_TYPE);
	const char *message = text_of(fields, RV_KEY_MESSAGE);

	/* A crash begins with its name in words as well. */
	if (strncmp(message, type, strlen(type)) == 0) {
		rv_format(dst, size, "%s", message);
	} else {
		rv_format(dst, size, "%s: %s", type, message);
	}
}

static void
say_stopped(char *dst, size_t size, const struct rv_fields *fields)
{
	(void)fields;
	rv_format(dst, size, "stopped");
}

static void
say_leftover(char *dst, size_t size, const struct rv_fields *fields)
{
	rv_format(dst, size, "%" PRId64 " left-over processes %s",
	    number(fields, RV_KEY_COUNT, 0),
	    strcmp(text_of(fields, RV_KEY_RESULT), "survivors") == 0
		? "could not all be killed"
		: "killed");
}

/* Which events a person hears of; the others are in the log alone. */
static const struct {
	enum rv_kind_of_event kind;
	int level;
	void (*say)(char *, size_t, const struct rv_fields *);
} lines[] = {
	{ RV_KIND_WORKER_STARTED, RV_NOTICE_INFO, say_started },
	{ RV_KIND_WORKER_READY, RV_NOTICE_INFO, say_ready },
	{ RV_KIND_WORKER_EXITED, RV_NOTICE_WARNING, say_exited },
	{ RV_KIND_WORKER_BACKOFF, RV_NOTICE_WARNING, say_backoff },
	{ RV_KIND_WORKER_EXCEPTION, RV_NOTICE_WARNING, say_exception },
	{ RV_KIND_WORKER_FATAL, RV_NOTICE_TROUBLE, say_fatal },
	{ RV_KIND_WORKER_UNRESPONSIVE, RV_NOTICE_WARNING, say_unresponsive },
	{ RV_KIND_WORKER_STOPPED, RV_NOTICE_INFO, say_stopped },
	{ RV_KIND_WORKER_LEFTOVER, RV_NOTICE_WARNING, say_leftover },
	{ RV_KIND_SUPERVISOR_RESTARTING, RV_NOTICE_WARNING, say_restarting },
	{ RV_KIND_SUPERVISOR_GAVE_UP, RV_NOTICE_TROUBLE, say_gave_up },
};

void
rv_super_notice_event(struct rv_super *super, enum rv_kind_of_event kind,
    const char *path, const struct rv_fields *fields)
{
	char text[512];
	int level;

	for (size_t i = 0; i < RV_ARRAY_LEN(lines); i++) {
		if (lines[i].kind != kind || !anyone_listens(super)) {
			continue;
		}
		level = lines[i].level;
		if (kind == RV_KIND_WORKER_EXITED && asked(fields)) {
			level = RV_NOTICE_INFO;
		}
		lines[i].say(text, sizeof(text), fields);
		rv_super_notice(super, level, "%s: %s", path, text);
	}
}
