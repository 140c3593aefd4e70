/* SPDX-License-Identifier: MIT */
/*
 * reeve-symbols STARTED_AT: started by the clerk for one exception. Reads the
 * event's detail from descriptor 3, opens the files that its stacks name, goes
 * to jail, and writes the stacks with names to descriptor 4; a NUL ends them.
 * STARTED_AT: when that life began, microseconds, 0: not known.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/text.h"
#include "symbols/jail.h"
#include "symbols/naming.h"
#include "sys/sys.h"
#include "wire/backtrace.h"

#define DETAIL_FD 3
#define OUT_FD    4
#define IN_MAX    ((off_t)4 * 1024 * 1024)
#define OUT_MAX   ((size_t)2 * 1024 * 1024)

struct symbols {
	int64_t began_us;
	struct rv_json *detail;
	const struct rv_json *backtrace;
	struct rv_module modules[RV_BACKTRACE_MODULES];
	size_t n_modules;
	bool named;
};

static char *
read_detail(size_t *len)
{
	struct stat st;
	char *text;

	if (fstat(DETAIL_FD, &st) == -1 || st.st_size > IN_MAX) {
		return NULL;
	}
	*len = (size_t)st.st_size;
	text = rv_alloc(1, *len + 1);
	if (text != NULL && pread(DETAIL_FD, text, *len, 0) != (ssize_t)*len) {
		rv_free(text);
		return NULL;
	}
	return text;
}

static void
open_modules(struct symbols *s)
{
	const struct rv_json *modules = rv_json_get(s->backtrace, "modules");
	const struct rv_json *ids = rv_json_get(s->backtrace, "build_ids");

	s->n_modules =
	    RV_MIN(rv_json_count(modules), (size_t)RV_BACKTRACE_MODULES);
	for (size_t i = 0; i < s->n_modules; i++) {
		const char *path = rv_json_str(rv_json_at(modules, i));

		rv_module_open(&s->modules[i], path != NULL ? path : "",
		    rv_json_str(rv_json_at(ids, i)), s->began_us);
	}
}

static void
add_where(const struct rv_module *m, uint64_t at, const char *said,
    struct rv_buf *out)
{
	size_t len = strlen(m->path);
	static const char deleted[] = " (deleted)";
	size_t n = sizeof(deleted) - 1;

	if (len > n && strcmp(m->path + len - n, deleted) == 0) {
		len -= n;
	}
	rv_backtrace_add(out, m->path, len);
	rv_buf_addf(out, "+0x%" PRIx64, at);
	if (said != NULL && said[0] != '\0') {
		rv_buf_addf(out, " (%s)", said);
	}
	rv_buf_addc(out, '\n');
}

/* Behind a call the next line begins, or another function even. */
static uint64_t
inside(const struct rv_backtrace_frame *frame, uint64_t address)
{
	return frame->exact || address == 0 ? address : address - 1;
}

static bool
name_frame(
    void *ctx, const struct rv_backtrace_frame *frame, struct rv_buf *out)
{
	struct symbols *s = ctx;
	struct rv_module *m;
	uint64_t address;

	if ((size_t)frame->module >= s->n_modules) {
		return false;
	}
	m = &s->modules[frame->module];
	rv_buf_addf(out, "#%u ", frame->number);
	if (m->why != NULL ||
	    !rv_module_address(m, inside(frame, frame->at), &address)) {
		add_where(m, frame->at, m->why, out);
		return true;
	}
	if (rv_names_add(m, address, frame->number, out)) {
		s->named = true;
		rv_buf_adds(out, " in ");
	}
	add_where(
	    m, address + (frame->at - inside(frame, frame->at)), m->doubt, out);
	return true;
}

static bool
write_all(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = rv_sys_write(OUT_FD, data, len);

		if (n <= 0) {
			return false;
		}
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
tell(struct symbols *s)
{
	struct rv_backtrace_names names = { name_frame, s };
	struct rv_buf out;
	bool told;

	rv_buf_init(&out, OUT_MAX);
	rv_backtrace_text(s->backtrace, &names, &out);
	if (!s->named && rv_names_lack() != NULL) {
		rv_buf_addf(&out, "(no names: %s)\n", rv_names_lack());
	}
	rv_buf_add(&out, "", 1);
	told = !out.failed && write_all(out.data, out.len);
	rv_buf_finish(&out);
	return told;
}

int
main(int argc, char **argv)
{
	static struct symbols s;
	size_t len = 0;
	char *detail;

	if (argc != 2 || !rv_parse_int(argv[1], 0, INT64_MAX, &s.began_us)) {
		fprintf(stderr, "reeve-symbols is started by a reeve runtime,"
				" not by hand\n");
		return 2;
	}
	rv_jail_bound();
	detail = read_detail(&len);
	if (detail == NULL ||
	    rv_json_parse(&s.detail, detail, len, NULL) != REEVE_OK) {
		return 1;
	}
	s.backtrace = rv_json_get(s.detail, "backtrace");
	open_modules(&s);
	rv_jail_enter();
	/* What it holds goes with it; nothing is worth taking apart. */
	_exit(tell(&s) ? 0 : 1);
}
