/* SPDX-License-Identifier: MIT */
/*
 * A story for a terminal: a headline, then one labelled line a fact, in the
 * order in which one asks. What is not known is left out.
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "query/why.h"

void
rv_why_label(struct rv_buf *out, const char *text)
{
	rv_buf_addf(out, "  %-*s", RV_WHY_LABEL, text);
}

static const char *
clock_of(int64_t at_us, char dst[static 40], const char *format)
{
	time_t seconds = (time_t)(at_us / 1000000);
	struct tm tm;
	size_t n = 0;

	if (localtime_r(&seconds, &tm) != NULL) {
		n = strftime(dst, 32, format, &tm);
	}
	rv_format(dst + n, 40 - n, ".%03d", (int)(at_us / 1000 % 1000));
	return dst;
}

const char *
rv_why_date(int64_t at_us, char dst[static 40])
{
	return clock_of(at_us, dst, "%Y-%m-%d %H:%M:%S");
}

/* Two units at most: "230 ms", "4.2 s", "12m05s", "3h10m", "5d02h". */
const char *
rv_why_span(int64_t ms, char dst[static 32])
{
	int64_t s = ms / 1000;

	if (ms < 0) {
		rv_format(dst, 32, "no time");
	} else if (ms < 1000) {
		rv_format(dst, 32, "%" PRId64 " ms", ms);
	} else if (s < 60) {
		rv_format(
		    dst, 32, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	} else if (s < 3600) {
		rv_format(
		    dst, 32, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	} else if (s < 86400) {
		rv_format(dst, 32, "%" PRId64 "h%02" PRId64 "m", s / 3600,
		    s / 60 % 60);
	} else {
		rv_format(dst, 32, "%" PRId64 "d%02" PRId64 "h", s / 86400,
		    s / 3600 % 24);
	}
	return dst;
}

static bool
is(const char *text, const char *word)
{
	return text != NULL && strcmp(text, word) == 0;
}

/* -------- the end -------- */

static void
headline(const struct rv_story *s, struct rv_buf *out)
{
	char how[256], window[32];

	rv_buf_adds(out, s->path);
	if (s->kind == RV_STORY_GAVE_UP) {
		rv_buf_addf(
		    out, " gave up: %s", s->reason != NULL ? s->reason : "");
		if (s->count >= 0) {
			rv_buf_addf(out, ", %" PRId64 " restarts within %s",
			    s->count, rv_why_span(s->period_ms, window));
		}
		if (s->cause != NULL) {
			rv_buf_addf(
			    out, ", the last on account of %s", s->cause);
		}
	} else if (s->kind == RV_STORY_RUN) {
		rv_buf_addf(out, " the runtime ended: %s",
		    is(s->reason, "lost") ? "it was killed, or crashed"
		    : s->reason != NULL   ? s->reason
					  : "not known why");
	} else if (s->kind == RV_STORY_HELPER) {
		rv_buf_addf(out, " lost its %.*s, which was replaced",
		    (int)strcspn(s->reason != NULL ? s->reason : "", "."),
		    s->reason != NULL ? s->reason : "");
	} else {
		rv_say_how(how, sizeof(how), s->reason, s->exit_code, s->signal,
		    s->core_dumped, s->stage, s->error, s->message);
		rv_buf_addf(out, " %s%s", how,
		    is(s->reason, "asked") ? ", as it was told to" : "");
	}
	rv_buf_addc(out, '\n');
}

static void
when(const struct rv_story *s, struct rv_buf *out)
{
	char at[40], ago[32];

	rv_why_label(out, "when");
	rv_buf_addf(out, "%s, %s ago\n", rv_why_date(s->at, at),
	    rv_why_span(RV_MAX(s->now - s->at, 0) / 1000, ago));
}

static void
life(const struct rv_story *s, struct rv_buf *out)
{
	char at[40], took[32];

	if (s->pid <= 0) {
		return;
	}
	rv_why_label(out, "life");
	rv_buf_addf(out, "pid %" PRId64, s->pid);
	if (s->uptime_ms >= 0) {
		rv_buf_addf(out, ", lived %s", rv_why_span(s->uptime_ms, took));
	}
	if (s->started_at != 0) {
		rv_buf_addf(out, ", since %s", rv_why_date(s->started_at, at));
	}
	if (s->ready_at != 0 && s->ready_at - s->started_at < 1000) {
		rv_buf_adds(out, ", ready at once");
	} else if (s->ready_at != 0 && s->started_at != 0) {
		rv_buf_addf(out, ", ready after %s",
		    rv_why_span((s->ready_at - s->started_at) / 1000, took));
	} else if (s->ready_at == 0 && s->life != 0) {
		rv_buf_adds(out, ", never ready");
	}
	rv_buf_addc(out, '\n');
}

static void
function(const struct rv_story *s, struct rv_buf *out)
{
	if (s->function != NULL) {
		rv_why_label(out, "function");
		rv_buf_addf(out, "%s, by %s\n", s->function,
		    s->start_method != NULL ? s->start_method : "?");
	}
}

void
rv_why_usage(const struct rv_story *s, struct rv_buf *out)
{
	char user[32], system[32];

	if (s->utime_us < 0 && s->max_rss_kib < 0) {
		return;
	}
	rv_why_label(out, "used");
	rv_buf_addf(out, "processor %s user, %s system",
	    rv_why_span(RV_MAX(s->utime_us, 0) / 1000, user),
	    rv_why_span(RV_MAX(s->stime_us, 0) / 1000, system));
	if (s->max_rss_kib >= 10 * 1024) {
		rv_buf_addf(out, "; memory at most %" PRId64 " MiB",
		    s->max_rss_kib / 1024);
	} else if (s->max_rss_kib >= 0) {
		rv_buf_addf(
		    out, "; memory at most %" PRId64 " KiB", s->max_rss_kib);
	}
	rv_buf_addc(out, '\n');
}

/* -------- what led to it -------- */

static void
asker(const struct rv_story *s, struct rv_buf *out)
{
	if (s->method != NULL && s->uid < 0) {
		rv_buf_addf(out, ": %s by the host", s->method);
		if (s->asked_reason != NULL) {
			rv_buf_addf(out, ", which said: %s", s->asked_reason);
		}
	} else if (s->method != NULL) {
		rv_buf_addf(out, ": reeve %s", s->method);
		if (s->uid >= 0) {
			rv_buf_addf(out, " by user %" PRId64, s->uid);
		}
		if (s->asker_pid > 0) {
			rv_buf_addf(out, ", pid %" PRId64, s->asker_pid);
		}
	} else if (s->runtime_signal != NULL) {
		rv_buf_addf(
		    out, ": the runtime was sent %s", s->runtime_signal);
	}
}

static void
stop(const struct rv_story *s, struct rv_buf *out)
{
	static const struct {
		const char *why, *text;
	} texts[] = {
		{ "operator", "an operator asked" },
		{ "group", "its group was restarted" },
		{ "parent", "its supervisor was stopped" },
		{ "reload", "a reload changed or removed it" },
		{ "shutdown", "the runtime was shut down" },
		{ "unresponsive", "its heartbeats stayed away" },
		{ "start timeout", "it was not ready in time" },
	};

	if (s->why == NULL && s->method != NULL) {
		rv_why_label(out, "sent");
		rv_buf_adds(out, s->uid < 0 ? "the host sent a signal"
					    : "an operator sent a signal");
		asker(s, out);
		rv_buf_addc(out, '\n');
	}
	if (s->why == NULL) {
		return;
	}
	rv_why_label(out, "stopped");
	for (size_t i = 0; i < RV_ARRAY_LEN(texts); i++) {
		if (strcmp(texts[i].why, s->why) != 0) {
			continue;
		}
		/* The core calls both so; the request knows who it was. */
		rv_buf_addf(out, "because %s",
		    i == 0 && s->method != NULL && s->uid < 0 ? "the host asked"
							      : texts[i].text);
	}
	asker(s, out);
	if (s->group_cause != NULL) {
		rv_buf_addf(out, " (%s%s), on account of %s, which %s",
		    s->group, s->group_gave_up ? " gave up" : "",
		    s->group_cause,
		    s->group_cause_end != NULL ? s->group_cause_end : "ended");
	}
	rv_buf_addc(out, '\n');
}

static void
hints(const struct rv_story *s, struct rv_buf *out)
{
	char silent[32];

	if (s->silent_ms >= 0) {
		rv_why_label(out, "hung");
		rv_buf_addf(out, "no heartbeat for %s%s%s\n",
		    rv_why_span(s->silent_ms, silent),
		    s->silent_action != NULL ? "; action: " : "",
		    s->silent_action != NULL ? s->silent_action : "");
	}
	if (s->limits != NULL) {
		rv_why_label(out, "limits");
		rv_buf_addf(out, "%s\n", s->limits);
	}
	if (s->limit_hint != NULL) {
		rv_why_label(out, "note");
		rv_buf_addf(out, "%s\n", s->limit_hint);
	}
	if (s->signal == SIGKILL && s->why == NULL && s->method == NULL) {
		rv_why_label(out, "note");
		rv_buf_adds(out,
		    "nobody here sent that KILL: another process did, or the "
		    "kernel for want of memory (see dmesg)\n");
	}
	if (s->leftover > 0) {
		rv_why_label(out, "left over");
		rv_buf_addf(out, "%" PRId64 " process%s that it had started\n",
		    s->leftover, s->leftover == 1 ? "" : "es");
	}
}

/* A trace that is told above already is not told again. */
static const char *
find_told(const struct rv_story *s, size_t *len)
{
	for (unsigned i = 0; i < s->n_exceptions; i++) {
		const struct rv_exception *e = &s->exceptions[i];
		const char *at = NULL;

		if (rv_exception_is_written(e) && e->backtrace != NULL) {
			at = strstr(s->output_tail, e->backtrace);
		}
		if (at != NULL) {
			*len = strlen(e->backtrace);
			return at;
		}
	}
	return NULL;
}

static void
output(const struct rv_story *s, struct rv_buf *out)
{
	const char *told, *text = s->output_tail;
	size_t len = 0;

	if (text == NULL) {
		return;
	}
	told = find_told(s, &len);
	if (told != NULL && strlen(text) == len) {
		return; /* there was nothing else */
	}
	rv_buf_adds(out, "  last output\n");
	if (told != NULL) {
		rv_why_lines(out, text, (size_t)(told - text));
		rv_buf_adds(out, "    | (the trace above)\n");
		text = told + len;
	}
	rv_why_lines(out, text, strlen(text));
}

static void
said(const struct rv_story *s, struct rv_buf *out)
{
	if (s->said != NULL) {
		rv_why_label(out, "said");
		rv_why_words(out, s->said);
		rv_buf_addc(out, '\n');
	}
}

/* -------- what followed -------- */

static void
went_on(const struct rv_story *s, struct rv_buf *out)
{
	static const struct {
		const char *decision, *text;
	} texts[] = {
		{ "restart", "restart" },
		{ "stay",
		    "stays down: its autorestart does not restart it after "
		    "such an end" },
		{ "fatal", "start retries used up: FATAL, stays down" },
		{ "escalate", "its supervisor takes over" },
		{ "shutdown", "its end ends its supervisor" },
	};
	char took[32];

	for (size_t i = 0; i < RV_ARRAY_LEN(texts); i++) {
		if (is(s->decision, texts[i].decision)) {
			rv_why_label(out, "decision");
			rv_buf_adds(
			    out, is(s->verdict, "rest")
				     ? "stays down: the host's hook decided so"
				     : texts[i].text);
			if (s->verdict != NULL && !is(s->verdict, "rest")) {
				rv_buf_adds(
				    out, ": the host's hook decided so");
			}
			if (s->delay_ms >= 0) {
				rv_buf_addf(out, ", to start in %s",
				    rv_why_span(s->delay_ms, took));
			}
			if (s->lack != NULL) {
				rv_buf_addf(out, " (%s)", s->lack);
			}
			rv_buf_addc(out, '\n');
		}
	}
}

static const char *
why_not_back(const struct rv_story *s)
{
	if (s->fatal_at != 0) {
		return "no: it is FATAL";
	}
	if (s->run_ended_at != 0) {
		return "no: the runtime ended";
	}
	if (s->stopped_at != 0) {
		return "no: it was stopped";
	}
	return is(s->decision, "stay") || is(s->reason, "asked")
		   ? "has not run since"
		   : "not yet";
}

static void
back(const struct rv_story *s, struct rv_buf *out)
{
	char at[40], took[32];

	rv_why_label(out, "back");
	if (s->replaced_at != 0) {
		rv_buf_addf(out,
		    "the next one, pid %" PRId64
		    ", had taken over before, at %s\n",
		    s->replaced_by, rv_why_date(s->replaced_at, at));
		return;
	}
	if (s->back_at != 0) {
		rv_buf_addf(out, "after %s, at %s",
		    rv_why_span((s->back_at - s->at) / 1000, took),
		    rv_why_date(s->back_at, at));
	} else {
		rv_buf_adds(out, why_not_back(s));
	}
	if (s->tries > 0) {
		rv_buf_addf(out, "; %" PRIu64 " further end%s%s", s->tries,
		    s->tries == 1 ? "" : "s",
		    s->back_at != 0 ? " before that" : "");
	}
	rv_buf_addc(out, '\n');
}

static void
group(const struct rv_story *s, struct rv_buf *out)
{
	char took[32];

	if (s->restarting == NULL) {
		return;
	}
	rv_why_label(out, "with it");
	rv_buf_addf(out, "%s is %s: ", s->restarting,
	    s->strategy != NULL ? s->strategy : "a group");
	if (s->group_units.n == 0) {
		rv_buf_adds(out, "nobody else ran");
	}
	for (size_t i = 0; i < s->group_units.n; i++) {
		const struct rv_story_unit *unit = &s->group_units.units[i];

		rv_buf_addf(out, "%s%s", i > 0 ? ", " : "", unit->path);
		if (unit->back_at != 0) {
			rv_buf_addf(out, " (back after %s)",
			    rv_why_span(
				(unit->back_at - unit->at) / 1000, took));
		} else {
			rv_buf_adds(out, " (not back)");
		}
	}
	rv_buf_addc(out, '\n');
}

static void
gave_up(const struct rv_story *s, struct rv_buf *out)
{
	char took[32];

	for (size_t i = 0; i < s->gave_up.n; i++) {
		const struct rv_story_unit *unit = &s->gave_up.units[i];

		rv_why_label(out, "gave up");
		rv_buf_addf(out, "%s: %s", unit->path,
		    unit->reason != NULL ? unit->reason : "");
		if (unit->count >= 0) {
			rv_buf_addf(out, ", %" PRId64 " restarts within %s",
			    unit->count, rv_why_span(unit->period_ms, took));
		}
		if (unit->cause != NULL) {
			rv_buf_addf(
			    out, ", the last on account of %s", unit->cause);
		}
		rv_buf_addc(out, '\n');
	}
}

static void
others(const struct rv_story *s, struct rv_buf *out)
{
	for (size_t i = 0; i < s->others.n; i++) {
		const struct rv_story_unit *unit = &s->others.units[i];
		int64_t ms = (unit->at - s->at) / 1000;
		char apart[32];

		rv_why_label(out, i == 0 ? "also then" : "");
		rv_buf_addf(out, "%s %s, %s %s\n", unit->path, unit->reason,
		    rv_why_span(ms < 0 ? -ms : ms, apart),
		    ms < 0 ? "before" : "after");
	}
}

static void
before(const struct rv_story *s, struct rv_buf *out)
{
	char ago[32];

	rv_why_label(out, "before");
	if (s->all == 0) {
		rv_buf_addf(out, "no other %s in the log\n",
		    s->kind == RV_STORY_GAVE_UP ? "time" : "crash");
		return;
	}
	rv_buf_addf(out, "%" PRIu64 " in the hour before", s->hour);
	if (s->all > s->hour || s->folded > 0) {
		rv_buf_addf(out,
		    ", %" PRIu64 " in the day, %" PRIu64
		    " in this run, %" PRIu64 " in the log",
		    s->day, s->same_run, s->all);
	}
	if (s->folded > 0) {
		rv_buf_addf(
		    out, " and %" PRIu64 " that it could not hold", s->folded);
	}
	rv_buf_addf(out, "; the last %s before",
	    rv_why_span((s->at - s->last_crash) / 1000, ago));
	if (!s->crash && s->last_crash_end != NULL) {
		rv_buf_addf(out, ": it %s", s->last_crash_end);
	}
	rv_buf_addc(out, '\n');
}

/* -------- never ended -------- */

static void
present(const struct rv_story *s, struct rv_buf *out)
{
	char at[40], ago[32];

	rv_buf_addf(
	    out, "%s has not ended, as far as the log goes back\n", s->path);
	if (s->started_at != 0) {
		rv_why_label(out, "started");
		rv_buf_addf(out, "%s, %s ago", rv_why_date(s->started_at, at),
		    rv_why_span(RV_MAX(s->now - s->started_at, 0) / 1000, ago));
		if (s->pid > 0) {
			rv_buf_addf(out, ", pid %" PRId64, s->pid);
		}
		rv_buf_addc(out, '\n');
	}
	if (s->ready_at != 0) {
		rv_why_label(out, "ready");
		rv_buf_addf(out, "%s\n", rv_why_date(s->ready_at, at));
	} else if (s->started_at != 0) {
		rv_why_label(out, "ready");
		rv_buf_adds(out, "not yet\n");
	}
}

void
rv_story_text(const struct rv_story *s, struct rv_buf *out)
{
	if (s->kind == RV_STORY_NONE) {
		present(s, out);
		return;
	}
	headline(s, out);
	when(s, out);
	life(s, out);
	function(s, out);
	rv_why_usage(s, out);
	stop(s, out);
	hints(s, out);
	said(s, out);
	rv_exceptions_text(s, out);
	output(s, out);
	went_on(s, out);
	if (s->kind == RV_STORY_LIFE || s->kind == RV_STORY_GAVE_UP) {
		back(s, out);
	}
	group(s, out);
	gave_up(s, out);
	others(s, out);
	if (s->kind == RV_STORY_LIFE || s->kind == RV_STORY_GAVE_UP) {
		before(s, out);
	}
}
