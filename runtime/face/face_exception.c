/* SPDX-License-Identifier: MIT */
/* See face_exception.h; stacks become lines of file and offset here. */
#include "config.h"

#include "face/face_exception.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "super/exceptions.h"
#include "wire/page_read.h"

#define BACKTRACE_MAX ((size_t)256 * 1024)

struct rv_face_exception {
	uint64_t life;
	pid_t pid;
	struct rv_page_trouble trouble;
	char path[];
};

size_t
rv_face_exception_size(const char *path)
{
	return sizeof(struct rv_face_exception) + strlen(path) + 1;
}

struct rv_face_exception *
rv_face_exception_make(const char *path, uint64_t life, pid_t pid,
    const struct rv_page_trouble *trouble)
{
	struct rv_face_exception *e = rv_alloc(1, rv_face_exception_size(path));

	if (e != NULL) {
		e->life = life;
		e->pid = pid;
		e->trouble = *trouble;
		memcpy(e->path, path, strlen(path));
	}
	return e;
}

void
rv_face_exception_free(struct rv_face_exception *e)
{
	rv_free(e);
}

static void
add_frame(struct rv_buf *text, const struct rv_page_trouble *trouble,
    unsigned i, uint64_t address)
{
	const char *path;
	uint64_t offset;
	size_t len;

	if (rv_page_resolve(trouble, address, &path, &len, &offset)) {
		rv_buf_addf(text, "#%u %.*s+0x%" PRIx64 "\n", i, (int)len, path,
		    offset);
	} else {
		rv_buf_addf(text, "#%u 0x%" PRIx64 "\n", i, address);
	}
}

static void
add_stacks(struct rv_buf *text, const struct rv_page_trouble *trouble)
{
	for (uint32_t t = 0; t < trouble->n_threads; t++) {
		const struct rv_page_thread *thread = &trouble->threads[t];

		rv_buf_addf(
		    text, "thread %d (%s)\n", (int)thread->tid, thread->name);
		for (uint32_t i = 0; i < thread->n_frames; i++) {
			add_frame(text, trouble, i, thread->frames[i]);
		}
	}
}

static const char *
source_of(const struct rv_page_trouble *trouble)
{
	static const char *const names[] = {
		[RV_TROUBLE_RAISED] = "raised",
		[RV_TROUBLE_REPORTED] = "reported",
		[RV_TROUBLE_CRASHED] = "crash",
		[RV_TROUBLE_ABORTED] = "abort",
		[RV_TROUBLE_START] = "start",
	};

	return trouble->kind < RV_ARRAY_LEN(names) &&
		       names[trouble->kind] != NULL
		   ? names[trouble->kind]
		   : "raised";
}

void
rv_face_exception_tell(const struct rv_face_exception *e,
    void (*fn)(void *ctx, const struct reeve_exception *), void *ctx)
{
	const struct rv_page_trouble *t = &e->trouble;
	char name[24], message[RV_PAGE_MESSAGE + 128];
	struct reeve_exception exception = {
		.size = sizeof(exception),
		.path = e->path,
		.life = e->life,
		.pid = e->pid,
		.at_us = (int64_t)t->at_us,
		.source = source_of(t),
		.type = rv_exceptions_type(t, name),
		.message = t->message,
		.sys_errno = t->sys_errno,
		.signo = t->signo,
		.address = t->address,
		.data = t->data,
		.cause_type = t->cause_type,
		.cause_message = t->cause_message,
	};
	struct rv_buf text;

	if (rv_exceptions_is_crash(t)) {
		rv_exceptions_say_crash(t, message, sizeof(message));
		exception.message = message;
	}
	rv_buf_init(&text, BACKTRACE_MAX);
	add_stacks(&text, t);
	exception.backtrace = rv_buf_str(&text);
	fn(ctx, &exception);
	rv_buf_finish(&text);
}
