/* SPDX-License-Identifier: MIT */
/*
 * What becomes known of an item: a record in the log, its output, a line of
 * JSON, its place in the summary. In that order: what is recorded as ended is
 * never run again. See map_job.h.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/map/map_job.h"

#define JSON_OUTPUT_MAX ((uint64_t)16 * 1024 * 1024)

/* -------- words -------- */

/* Its items on one line. */
static void
add_text(struct map_buf *buf, const struct map_item *item)
{
	const char *at = item->text;

	for (unsigned i = 0; i < item->n_items; i++) {
		map_adds(buf, i > 0 ? " " : "");
		map_adds(buf, at);
		at += strlen(at) + 1;
	}
}

static void
copy_text(char *dst, size_t size, const struct map_item *item)
{
	struct map_buf text = { 0 };

	add_text(&text, item);
	snprintf(dst, size, "%s", map_str(&text));
	map_buf_free(&text);
}

void
map_tell_how(const struct map_item *item, char *dst, size_t size)
{
	char name[16];

	if (item->sys_errno != 0) {
		snprintf(dst, size, "%s%s%s",
		    item->reason != NULL ? item->reason : "cannot be started",
		    ": ", strerror(item->sys_errno));
	} else if (item->reason != NULL) {
		snprintf(dst, size, "%s", item->reason);
	} else if (item->signal != 0) {
		snprintf(dst, size, "was killed by %s%s",
		    map_signal_name(item->signal, name),
		    item->core ? " (core dumped)" : "");
	} else {
		snprintf(dst, size, "exited with code %d", item->exit_code);
	}
}

/* -------- records -------- */

static int64_t
micros(const struct timeval *tv)
{
	return (int64_t)tv->tv_sec * 1000000 + tv->tv_usec;
}

/* The end of what it wrote: to stderr, or, if nothing there, to stdout. */
static void
copy_last(char dst[MAP_OUTPUT_MAX + 1], const struct map_item *item)
{
	const struct map_capture *c = &item->output->to[1];
	uint64_t size = map_capture_size(c);
	size_t n = 0, got;

	if (size == 0) {
		c = &item->output->to[0];
		size = map_capture_size(c);
	}
	while (n < MAP_OUTPUT_MAX && n < size) {
		uint64_t from =
		    (size > MAP_OUTPUT_MAX ? size - MAP_OUTPUT_MAX : 0) + n;

		got = map_capture_get(c, from, dst + n, MAP_OUTPUT_MAX - n);
		if (got == 0) {
			break;
		}
		n += got;
	}
	for (size_t i = 0; i < n; i++) {
		dst[i] = dst[i] != '\0' ? dst[i] : '?';
	}
	dst[n] = '\0';
}

static struct reeve_record
record_of(const struct map_item *item, char path[32])
{
	snprintf(path, 32, "map/%" PRIu64, item->number);
	return (struct reeve_record){ .size = sizeof(struct reeve_record),
		.path = path,
		.attempt = item->attempt,
		.exit_code = -1,
		.key = (int64_t)item->key };
}

enum map_recorded
map_tell_started(struct map_job *job, const struct map_item *item)
{
	char path[32], text[MAP_TEXT_MAX];
	struct reeve_record record = record_of(item, path);

	copy_text(text, sizeof(text), item);
	record.kind = REEVE_TASK_STARTED;
	record.text = text;
	return map_log_try(&job->log, &record);
}

/* What was not recorded is run again by --resume, and writes all of it then. */
static void
say_unrecorded(struct map_job *job, const struct map_item *item)
{
	map_say("map/%" PRIu64 " has ended, but there is no room to record it: "
		"--resume runs it again, so its output is not written now",
	    item->number);
	job->cannot = true;
	map_plan_drain(&job->plan);
}

/* False: said. */
static bool
record_end(struct map_job *job, const struct map_item *item,
    enum reeve_record_kind kind)
{
	char path[32], text[MAP_TEXT_MAX], last[MAP_OUTPUT_MAX + 1];
	struct reeve_record record = record_of(item, path);

	record.kind = kind;
	record.pid = item->pid;
	record.exit_code = item->exit_code;
	record.signal = item->signal;
	record.core = item->core;
	record.sys_errno = item->sys_errno;
	record.user_us = micros(&item->usage.ru_utime);
	record.system_us = micros(&item->usage.ru_stime);
	record.max_rss_kib = item->usage.ru_maxrss;
	record.took_ms = (map_now() - item->started_at) / MAP_MS;
	record.reason = item->reason;
	if (kind != REEVE_TASK_ENDED) {
		copy_text(text, sizeof(text), item);
		record.text = text;
		/* What became of a call is known by its worker's pid. */
		if (job->o->function == NULL) {
			copy_last(last, item);
			record.output = last[0] != '\0' ? last : NULL;
		}
	}
	if (map_log_try(&job->log, &record) == MAP_RECORDED) {
		return true;
	}
	/* Something of it is better than nothing. */
	record.text = record.output = NULL;
	if (map_log_record(&job->log, &record) == MAP_RECORDED) {
		return true;
	}
	say_unrecorded(job, item);
	return false;
}

bool
map_tell_job(
    struct map_job *job, enum reeve_record_kind kind, const char *reason)
{
	struct reeve_record record = { .size = sizeof(record),
		.kind = kind,
		.path = "map",
		.attempt = job->past.runs + 1,
		.exit_code = job->plan.failed + job->skipped_failed > 0,
		.key = (int64_t)map_job_key(job->o),
		.took_ms = (map_now() - job->began_at) / MAP_MS,
		.reason = reason };
	struct map_buf text = { 0 };
	bool well;

	if (job->o->function != NULL) {
		map_adds(&text, "--function ");
		map_add_quoted(
		    &text, job->o->function, strlen(job->o->function));
	}
	for (size_t i = 0; i < job->o->n_command; i++) {
		map_adds(&text, i > 0 ? " " : "");
		map_add_quoted(
		    &text, job->o->command[i], strlen(job->o->command[i]));
	}
	if (text.len > MAP_TEXT_MAX) {
		text.len = MAP_TEXT_MAX;
	}
	record.text = map_str(&text);
	well = map_log_record(&job->log, &record) == MAP_RECORDED;
	if (!well) {
		map_say("cannot record that the job %s",
		    kind == REEVE_TASK_STARTED ? "begins" : "has ended");
	}
	map_buf_free(&text);
	return well;
}

/* -------- outputs -------- */

static void
add_captured(struct map_buf *out, const char *key, const struct map_capture *c)
{
	uint64_t size = map_capture_size(c);
	struct map_buf text = { 0 };
	char piece[4096];
	size_t n;

	while (text.len < JSON_OUTPUT_MAX &&
	       (n = map_capture_get(c, text.len, piece, sizeof(piece))) > 0) {
		map_add(&text, piece, n);
	}
	map_addf(out, ",\"%s\":", key);
	map_add_json(out, text.data, text.len);
	if (text.len < size) {
		map_addf(out, ",\"%s_cut\":true", key);
	}
	map_buf_free(&text);
}

static void
add_items(struct map_buf *out, const struct map_item *item)
{
	const char *at = item->text;

	map_adds(out, "\"items\":[");
	for (unsigned i = 0; i < item->n_items; i++) {
		map_adds(out, i > 0 ? "," : "");
		map_add_json(out, at, strlen(at));
		at += strlen(at) + 1;
	}
	map_adds(out, "]");
}

/* The line stands in the place of what it wrote. */
static void
make_json(struct map_item *item, const char *result)
{
	struct map_capture *to = item->output->to;
	struct map_buf out = { 0 };
	char how[256];

	map_tell_how(item, how, sizeof(how));
	map_addf(&out, "{\"number\":%" PRIu64 ",\"path\":\"map/%" PRIu64 "\",",
	    item->number, item->number);
	add_items(&out, item);
	map_addf(&out, ",\"result\":\"%s\",\"how\":", result);
	map_add_json(&out, how, strlen(how));
	if (item->exit_code >= 0) {
		map_addf(&out, ",\"exit_code\":%d", item->exit_code);
	} else {
		map_adds(&out, ",\"exit_code\":null");
	}
	if (item->signal != 0) {
		map_addf(&out, ",\"signal\":%d", item->signal);
	} else {
		map_adds(&out, ",\"signal\":null");
	}
	map_addf(&out,
	    ",\"attempts\":%u,\"took_ms\":%" PRId64 ",\"user_us\":%" PRId64
	    ",\"system_us\":%" PRId64 ",\"max_rss_kib\":%ld",
	    item->attempt, (map_now() - item->started_at) / MAP_MS,
	    micros(&item->usage.ru_utime), micros(&item->usage.ru_stime),
	    item->usage.ru_maxrss);
	add_captured(&out, "stdout", &to[0]);
	add_captured(&out, "stderr", &to[1]);
	map_adds(&out, "}\n");
	map_capture_finish(&to[0]);
	map_capture_finish(&to[1]);
	map_capture_add(&to[0], out.data, out.len);
	map_buf_free(&out);
}

static void
keep(struct map_job *job, const struct map_item *item)
{
	static const char *const names[] = { "stdout", "stderr" };

	for (int i = 0; i < 2; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%" PRIu64 ".%s", job->o->keep,
		    item->number, names[i]);
		if (!map_capture_keep(&item->output->to[i], path)) {
			job->cannot = true;
			map_plan_abort(&job->plan);
		}
	}
}

/* Answers seldom have a newline, and two of them shall not be one line. */
static void
end_line(struct map_capture *c)
{
	uint64_t size = map_capture_size(c);
	char last;

	if (size > 0 && map_capture_get(c, size - 1, &last, 1) == 1 &&
	    last != '\n') {
		map_capture_add(c, "\n", 1);
	}
}

static void
push(struct map_job *job, struct map_item *item)
{
	struct map_output *output = item->output;

	if (job->o->function != NULL) {
		end_line(&output->to[0]);
	}
	if (job->o->tag) {
		struct map_buf tag = { 0 };

		add_text(&tag, item);
		map_capture_tag(&output->to[0], tag.data, tag.len);
		map_capture_tag(&output->to[1], tag.data, tag.len);
		map_buf_free(&tag);
	}
	item->output = NULL;
	job->plan.held++;
	if (!job->o->order) {
		map_outs_push(&job->outs, output);
		return;
	}
	map_order_put(&job->order, item->sequence, output);
	while ((output = map_order_take(&job->order)) != NULL) {
		map_outs_push(&job->outs, output);
	}
}

static void
remember_failure(struct map_job *job, const struct map_item *item)
{
	struct map_failure *f;

	if (job->plan.failed > MAP_FAILURES) {
		return;
	}
	f = &job->failures[job->plan.failed - 1];
	f->number = item->number;
	map_tell_how(item, f->how, sizeof(f->how));
	copy_text(f->text, sizeof(f->text), item);
	map_plain(f->text);
}

void
map_tell_verdict(
    struct map_job *job, struct map_item *item, enum map_verdict verdict)
{
	static const struct {
		enum reeve_record_kind kind;
		const char *result;
	} tells[] = {
		[MAP_ENDED] = { REEVE_TASK_ENDED, "ended" },
		[MAP_FAILED] = { REEVE_TASK_FAILED, "failed" },
		[MAP_GIVEN_UP] = { REEVE_TASK_CANCELLED, "given up" },
	};

	if (verdict == MAP_RETRY) {
		return;
	}
	if (job->o->keep != NULL) {
		keep(job, item);
	}
	if (!record_end(job, item, tells[verdict].kind)) {
		map_capture_finish(&item->output->to[0]);
		map_capture_finish(&item->output->to[1]);
	} else if (job->o->json) {
		make_json(item, tells[verdict].result);
	}
	if (verdict == MAP_FAILED) {
		remember_failure(job, item);
	}
	push(job, item);
}

void
map_tell_dropped(struct map_job *job, struct map_item *item)
{
	char path[32], text[MAP_TEXT_MAX];
	struct reeve_record record = record_of(item, path);

	copy_text(text, sizeof(text), item);
	record.kind = REEVE_TASK_CANCELLED;
	record.text = text;
	record.reason = "the job was stopped before it was tried again";
	/* Where it could not even be begun, there is nothing to be told. */
	if (item->attempt > 0 &&
	    map_log_record(&job->log, &record) != MAP_RECORDED) {
		job->cannot = true;
	}
	/* Others wait behind it. */
	item->output = map_alloc(1, sizeof(*item->output));
	item->output->to[0] = item->output->to[1] =
	    (struct map_capture)MAP_CAPTURE_NONE;
	push(job, item);
}

/* -------- the summary -------- */

static void
say_failures(const struct map_job *job)
{
	const struct map_log *log = &job->log;
	uint64_t n =
	    job->plan.failed < MAP_FAILURES ? job->plan.failed : MAP_FAILURES;
	struct map_buf dir = { 0 };

	for (uint64_t i = 0; i < n; i++) {
		const struct map_failure *f = &job->failures[i];

		map_say("map/%" PRIu64 " failed: %s: %s", f->number, f->how,
		    f->text);
	}
	map_add_quoted(&dir, log->state_dir, strlen(log->state_dir));
	map_say("more of it: reeve why --state-dir %s map/%" PRIu64,
	    map_str(&dir), job->failures[0].number);
	map_buf_free(&dir);
}

void
map_tell_summary(struct map_job *job, bool complete)
{
	const struct map_plan *plan = &job->plan;
	uint64_t total = map_input_total(&job->input);
	uint64_t over =
	    plan->ended + plan->failed + job->skipped + job->skipped_failed;
	struct map_buf line = { 0 };
	char took[32];

	map_addf(&line, "%" PRIu64 " done, %" PRIu64 " failed", plan->ended,
	    plan->failed);
	if (job->o->chunk > 1) {
		total = (total + job->o->chunk - 1) / job->o->chunk;
	}
	if (plan->stop != MAP_STOP_NOT && total > over) {
		map_addf(&line, ", %s%" PRIu64 " left",
		    map_input_is_counted(&job->input) || plan->input_ended
			? ""
			: "about ",
		    total - over);
	} else if (plan->stop != MAP_STOP_NOT && !plan->input_ended) {
		map_adds(&line, ", not all were begun");
	} else if (plan->given_up > 0) {
		map_addf(&line, ", %" PRIu64 " given up", plan->given_up);
	}
	map_addf(&line, " in %s",
	    map_span((map_now() - job->began_at) / MAP_MS, took));
	if (job->skipped + job->skipped_failed > 0) {
		map_addf(&line, "; %" PRIu64 " had ended before", job->skipped);
	}
	if (job->skipped_failed > 0) {
		map_addf(&line,
		    ", %" PRIu64 " had failed (--resume-failed tries again)",
		    job->skipped_failed);
	}
	if (plan->halted) {
		map_adds(&line, "; halted by its rule");
	}
	map_say("%s", map_str(&line));
	map_buf_free(&line);
	if (plan->failed > 0) {
		say_failures(job);
	}
	if (!complete) {
		map_say("the same command with --resume goes on from here");
	}
}
