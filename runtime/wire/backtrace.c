/* SPDX-License-Identifier: MIT */
/*
 * Stacks as text: see backtrace.h. Trusts nothing: what is told comes from a
 * worker in the end.
 */
#include "config.h"

#include "wire/backtrace.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define PATH_BYTES 1024

struct writer {
	const struct rv_json *modules, *build_ids;
	const struct rv_backtrace_names *names;
	struct rv_buf *out;
	unsigned left; /* frames */
};

void
rv_backtrace_add(struct rv_buf *out, const char *text, size_t max)
{
	for (size_t i = 0; i < max && text[i] != '\0'; i++) {
		unsigned char c = (unsigned char)text[i];

		rv_buf_addc(out, c < ' ' || c == 127 ? '?' : (char)c);
	}
}

static void
write_frame(
    struct writer *w, const struct rv_json *pair, unsigned number, bool exact)
{
	struct rv_backtrace_frame frame = { .number = number,
		.module = rv_json_int(rv_json_at(pair, 0)),
		.at = (uint64_t)rv_json_int(rv_json_at(pair, 1)),
		.exact = exact };

	if (rv_json_count(pair) != 2) {
		return;
	}
	if (frame.module >= 0 && frame.module < RV_BACKTRACE_MODULES) {
		size_t at = (size_t)frame.module;

		frame.path = rv_json_str(rv_json_at(w->modules, at));
		frame.build_id = rv_json_str(rv_json_at(w->build_ids, at));
	}
	if (frame.path == NULL) {
		rv_buf_addf(
		    w->out, "#%u 0x%" PRIx64 "\n", frame.number, frame.at);
		return;
	}
	if (w->names == NULL ||
	    !w->names->name(w->names->ctx, &frame, w->out)) {
		rv_buf_addf(w->out, "#%u ", frame.number);
		rv_backtrace_add(w->out, frame.path, PATH_BYTES);
		rv_buf_addf(w->out, "+0x%" PRIx64 "\n", frame.at);
	}
}

static void
write_thread(struct writer *w, const struct rv_json *thread, bool titled)
{
	const struct rv_json *frames = rv_json_get(thread, "frames");
	const char *name = rv_json_str(rv_json_get(thread, "name"));
	bool exact = rv_json_bool(rv_json_get(thread, "exact"));

	if (titled) {
		rv_buf_addf(w->out, "thread %" PRId64,
		    rv_json_int(rv_json_get(thread, "tid")));
		if (name != NULL && name[0] != '\0') {
			rv_buf_adds(w->out, " (");
			rv_backtrace_add(w->out, name, 64);
			rv_buf_addc(w->out, ')');
		}
		rv_buf_adds(w->out, ":\n");
	}
	for (size_t i = 0; i < rv_json_count(frames) && w->left > 0; i++) {
		write_frame(
		    w, rv_json_at(frames, i), (unsigned)i, exact && i == 0);
		w->left--;
	}
}

void
rv_backtrace_text(const struct rv_json *backtrace,
    const struct rv_backtrace_names *names, struct rv_buf *out)
{
	const struct rv_json *threads = rv_json_get(backtrace, "threads");
	size_t n = rv_json_count(threads);
	struct writer w = { .modules = rv_json_get(backtrace, "modules"),
		.build_ids = rv_json_get(backtrace, "build_ids"),
		.names = names,
		.out = out,
		.left = RV_BACKTRACE_FRAMES };

	for (size_t i = 0; i < n && w.left > 0; i++) {
		write_thread(&w, rv_json_at(threads, i), n > 1);
	}
	if (w.left == 0 || rv_json_bool(rv_json_get(backtrace, "cut"))) {
		rv_buf_adds(out, "(what is further out was left off)\n");
	}
}
