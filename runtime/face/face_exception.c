/* SPDX-License-Identifier: MIT */
/*
 * See face_exception.h; what it says becomes words and lines in
 * wire/trouble_text.c.
 */
#include "config.h"

#include "face/face_exception.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "wire/trouble_text.h"

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

void
rv_face_exception_tell(const struct rv_face_exception *e,
    void (*fn)(void *ctx, const struct reeve_exception *), void *ctx)
{
	const struct rv_page_trouble *t = &e->trouble;
	char name[24], message[RV_TROUBLE_CRASH_MAX];
	struct reeve_exception exception = {
		.size = sizeof(exception),
		.path = e->path,
		.life = e->life,
		.pid = e->pid,
		.at_us = (int64_t)t->at_us,
		.source = rv_trouble_source(t),
		.type = rv_trouble_type(t, name),
		.message = t->message,
		.sys_errno = t->sys_errno,
		.signo = t->signo,
		.address = t->address,
		.data = t->data,
		.cause_type = t->cause_type,
		.cause_message = t->cause_message,
	};
	struct rv_buf text;

	if (rv_trouble_is_crash(t)) {
		rv_trouble_say_crash(t, message, sizeof(message));
		exception.message = message;
	}
	rv_buf_init(&text, RV_TROUBLE_STACKS_MAX);
	rv_trouble_stacks(t, &text);
	exception.backtrace = rv_buf_str(&text);
	fn(ctx, &exception);
	rv_buf_finish(&text);
}
