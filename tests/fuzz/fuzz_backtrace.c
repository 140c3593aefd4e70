/* SPDX-License-Identifier: MIT */
/*
 * Stacks of exceptions as text: an input is the JSON as it may stand in a
 * database. Whatever it says, each line is one of the four kinds, whole, and
 * without what would steer a terminal; with names and without.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "wire/backtrace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX (1024 * 1024)

static void
expect(bool good)
{
	if (!good) {
		abort();
	}
}

/* Knows every second frame; and what it is asked is as it was promised. */
static bool
name(void *ctx, const struct rv_backtrace_frame *frame, struct rv_buf *out)
{
	expect(ctx == out && frame->path != NULL && frame->module >= 0 &&
	       frame->module < RV_BACKTRACE_MODULES &&
	       frame->number < RV_BACKTRACE_FRAMES &&
	       (!frame->exact || frame->number == 0));
	if (frame->at % 2 == 0) {
		return false;
	}
	rv_buf_addf(out, "#%u ", frame->number);
	rv_backtrace_add(out, frame->path, 100);
	rv_buf_adds(out, "\n");
	return true;
}

static bool
begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static void
look_at(const struct rv_buf *out)
{
	const char *line = rv_buf_str(out), *end;
	size_t n_frames = 0;

	expect(strlen(line) == out->len);
	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL) {
			expect(out->failed);
			return;
		}
		n_frames += line[0] == '#';
		expect(line[0] == '#' || begins(line, "thread ") ||
		       begins(line, "(what is further out"));
		for (const char *c = line; c < end; c++) {
			expect((unsigned char)*c >= ' ' && *c != 127);
		}
	}
	expect(n_frames <= RV_BACKTRACE_FRAMES);
}

static void
write_and_look(const struct rv_json *json,
    const struct rv_backtrace_names *names, struct rv_buf *out)
{
	rv_backtrace_text(json, names, out);
	look_at(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rv_buf plain, named;
	struct rv_backtrace_names names = { name, &named };
	struct rv_json *json;

	if (rv_json_parse(&json, (const char *)data, size, NULL) != REEVE_OK) {
		return 0;
	}
	rv_buf_init(&plain, TEXT_MAX);
	rv_buf_init(&named, TEXT_MAX);
	write_and_look(json, NULL, &plain);
	write_and_look(json, &names, &named);
	rv_buf_finish(&plain);
	rv_buf_finish(&named);
	rv_json_free(json);
	return 0;
}
