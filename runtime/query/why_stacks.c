/* SPDX-License-Identifier: MIT */
/*
 * Exceptions in a story for a terminal: what it was, what was behind it, and as
 * much of the stacks as one reads. All of it is in the JSON form.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "query/why.h"

#define FRAMES_FIRST  20 /* lines of the first thread */
#define FRAMES_OTHERS 6
#define THREADS       16
#define TRACE_TOP     6 /* lines of a trace whose end tells most */
#define TRACE_LINES   24

/* A line of somebody else's text: nobody steers the reader's terminal. */
static void
add_safe(struct rv_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\r' && i + 1 == len) {
			break;
		}
		rv_buf_addc(
		    out, (c < ' ' && c != '\t') || c == 127 ? '?' : (char)c);
	}
}

void
rv_why_words(struct rv_buf *out, const char *text)
{
	add_safe(out, text, strlen(text));
}

static void
add_line(struct rv_buf *out, const char *text, size_t len)
{
	rv_buf_adds(out, "    | ");
	add_safe(out, text, len);
	rv_buf_addc(out, '\n');
}

void
rv_why_lines(struct rv_buf *out, const char *text, size_t len)
{
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;

		add_line(out, text, n);
		n += end != NULL;
		text += n;
		len -= n;
	}
}

static void
add_label(struct rv_buf *out, const char *label)
{
	rv_buf_addf(out, "  %-*s", RV_WHY_LABEL, label);
}

/* A message of several lines goes on below. */
static void
add_thrown(struct rv_buf *out, const char *type, const char *message)
{
	size_t len = type != NULL ? strlen(type) : 0;

	if (type != NULL &&
	    (message == NULL || strncmp(message, type, len) != 0)) {
		add_safe(out, type, len);
		rv_buf_adds(out, message != NULL ? ": " : "");
	}
	while (message != NULL) {
		size_t n = strcspn(message, "\n");

		add_safe(out, message, n);
		if (message[n] == '\0') {
			break;
		}
		message += n + 1;
		rv_buf_addf(out, "\n  %-*s", RV_WHY_LABEL, "");
	}
}

static void
skipped(struct rv_buf *out, unsigned n)
{
	if (n > 0) {
		rv_buf_addf(out, "    | ... %u more; --json has them all\n", n);
	}
}

/* Behind it stands how the library came to call the worker's function. */
static bool
is_ours(const char *line, size_t len)
{
	static const char name[] = " rv_run_function (";

	return memmem(line, len, name, sizeof(name) - 1) != NULL;
}

/* Threads begin with a line of their own, where there are several. */
static void
add_stacks(struct rv_buf *out, const char *text)
{
	unsigned threads = 0, lines = 0, left_out = 0;
	bool ours = false;

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		if (strncmp(text, "thread ", 7) == 0) {
			skipped(out, left_out);
			threads++;
			lines = left_out = 0;
			ours = false;
		}
		ours = ours || is_ours(text, n);
		if (ours || threads > THREADS ||
		    lines >= (threads > 1 ? FRAMES_OTHERS + 1 : FRAMES_FIRST)) {
			left_out++;
		} else {
			add_line(out, text, n);
		}
		lines++;
		text += n + (text[n] == '\n');
	}
	skipped(out, left_out);
}

/* Where the newest frame is the last one, the end tells most. */
static void
add_trace(struct rv_buf *out, const char *text, bool ends_with_most)
{
	unsigned n = 0, at = 0;
	unsigned top = ends_with_most ? TRACE_TOP : TRACE_LINES;

	for (const char *c = text; *c != '\0'; c++) {
		n += *c == '\n' || c[1] == '\0';
	}
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (n <= TRACE_LINES || at < top ||
		    at >= n - TRACE_LINES + top) {
			add_line(out, text, len);
		} else if (at == top) {
			skipped(out, n - TRACE_LINES);
		}
		at++;
		text += len + (text[len] == '\n');
	}
}

/* {"rip":"0x1", ...}: some of them a line. */
static void
add_registers(struct rv_buf *out, const char *text)
{
	struct rv_json *json = NULL;
	const char *key = NULL;
	unsigned n = 0;

	if (rv_json_parse(&json, text, strlen(text), NULL) != REEVE_OK) {
		return;
	}
	while ((key = rv_json_key(json, key)) != NULL) {
		const char *value = rv_json_str(rv_json_get(json, key));

		if (value == NULL) {
			continue;
		}
		if (n % 4 == 0) {
			rv_buf_adds(out, n > 0 ? "\n" : "");
			add_label(out, n == 0 ? "registers" : "");
		}
		rv_buf_adds(out, n % 4 > 0 ? "  " : "");
		add_safe(out, key, strlen(key));
		rv_buf_addc(out, ' ');
		add_safe(out, value, strlen(value));
		n++;
	}
	rv_buf_adds(out, n > 0 ? "\n" : "");
	rv_json_free(json);
}

static const char *
label_of(const struct rv_exception *e)
{
	static const char *const labels[][2] = { { "reported", "reported" },
		{ "crash", "crash" }, { "abort", "stacks" },
		{ "start", "start" } };

	for (size_t i = 0; i < RV_ARRAY_LEN(labels); i++) {
		if (e->source != NULL && strcmp(e->source, labels[i][0]) == 0) {
			return labels[i][1];
		}
	}
	return "exception";
}

bool
rv_exception_is_written(const struct rv_exception *e)
{
	return e->source != NULL && strcmp(e->source, "stderr") == 0;
}

static void
add_one(struct rv_buf *out, const struct rv_exception *e)
{
	add_label(out, label_of(e));
	add_thrown(out, e->type, e->message);
	if (e->type == NULL && e->message == NULL) {
		rv_buf_adds(out, "its beginning was not kept");
	}
	if (e->error != NULL) {
		rv_buf_addf(out, " (%s)", e->error);
	}
	if (e->thread != NULL) {
		rv_buf_adds(out, ", in thread ");
		add_safe(out, e->thread, strlen(e->thread));
	}
	if (e->language != NULL) {
		rv_buf_addf(out, " [%s]", e->language);
	}
	rv_buf_addc(out, '\n');
	if (e->cause_type != NULL || e->cause_message != NULL) {
		add_label(out, "caused by");
		add_thrown(out, e->cause_type, e->cause_message);
		rv_buf_addc(out, '\n');
	}
	if (e->address != NULL &&
	    (e->message == NULL || strstr(e->message, e->address) == NULL)) {
		add_label(out, "address");
		add_safe(out, e->address, strlen(e->address));
		rv_buf_addc(out, '\n');
	}
	if (e->data != NULL) {
		add_label(out, "data");
		add_safe(out, e->data, strlen(e->data));
		rv_buf_addc(out, '\n');
	}
	if (e->registers != NULL) {
		add_registers(out, e->registers);
	}
	if (e->backtrace != NULL && rv_exception_is_written(e)) {
		add_trace(out, e->backtrace,
		    e->language != NULL && strcmp(e->language, "python") == 0);
	} else if (e->backtrace != NULL) {
		add_stacks(out, e->backtrace);
	}
}

void
rv_exceptions_text(const struct rv_story *s, struct rv_buf *out)
{
	for (unsigned i = 0; i < s->n_exceptions; i++) {
		add_one(out, &s->exceptions[i]);
	}
}
