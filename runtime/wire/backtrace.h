/* SPDX-License-Identifier: MIT */
/*
 * The stacks of an exception as text. They are recorded as JSON, {"modules":
 * ["/path", ...], "build_ids": ["hex" or null, ...], "threads": [{"tid",
 * "name", "exact", "frames": [[module or -1, file offset or address], ...]}],
 * "cut"}; addresses are int64_t of the same bits, build_ids may be left out.
 * Pure; whoever can read symbols gives the names.
 */
#ifndef RV_WIRE_BACKTRACE_H
#define RV_WIRE_BACKTRACE_H

#include "base/buf.h"
#include "wire/json.h"

#define RV_BACKTRACE_FRAMES  4096 /* that are looked at, of all threads */
#define RV_BACKTRACE_MODULES 256

struct rv_backtrace_frame {
	unsigned number; /* within its thread */
	int64_t module;  /* index, or -1 */
	const char *path, *build_id;
	uint64_t at; /* file offset, or the address where no module is */
	bool exact;  /* not a place to return to */
};

/*
 * Appends "#0 what in path+0x12\n"; NULL: nobody knows names. False: has no
 * name for it, and wrote nothing.
 */
struct rv_backtrace_names {
	bool (*name)(
	    void *ctx, const struct rv_backtrace_frame *, struct rv_buf *out);
	void *ctx;
};

/* Lines, the last one ended too. What is no such JSON gives no line. */
void rv_backtrace_text(const struct rv_json *,
    const struct rv_backtrace_names *, struct rv_buf *out);
/* A path or name on a line of its own: control characters become '?'. */
void rv_backtrace_add(struct rv_buf *, const char *text, size_t max);

#endif
