/* SPDX-License-Identifier: MIT */
/*
 * Exceptions by a worker's own word: reeve_raise, reeve_report, and what the
 * start of a function leaves when it fails. Texts are made before the desk is
 * taken: an argument that crashes printf is a crash, not a trouble half told.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/child.h>

#include "child/agent.h"
#include "child/frames.h"
#include "child/trouble.h"

/* A report that is on its way is worth this wait to what ends the process. */
#define LAST_MS 200

struct told {
	enum rv_trouble_kind kind;
	const struct reeve_raise_options *options;
	const char *type;
	int stage, sys_errno;
	const void *from; /* the return address of who called; NULL: no stack */
	char message[RV_PAGE_MESSAGE];
};

/*
 * The other end of this pipe went with the last report; whoever has read that
 * closes it.
 */
static struct rv_agent_fd on_its_way = { .fd = -1 };
static uint32_t reporting; /* one report at a time */

static void
put_text(char *dst, size_t size, const char *text)
{
	size_t len = text != NULL ? strnlen(text, size - 1) : 0;

	if (len > 0) {
		memcpy(dst, text, len);
	}
	dst[len] = '\0';
}

static void
format(struct told *told, const char *fmt, va_list args)
{
	told->message[0] = '\0';
	if (fmt != NULL) {
		vsnprintf(told->message, sizeof(told->message), fmt, args);
	}
}

static bool
write_told(unsigned char *page, const struct told *told)
{
	const struct reeve_raise_options *o = told->options;
	struct rv_page_trouble *t = rv_trouble_begin(page, told->kind, false);

	if (t == NULL) {
		return false;
	}
	t->stage = told->stage;
	t->sys_errno = o != NULL ? o->sys_errno : told->sys_errno;
	put_text(t->type, sizeof(t->type),
	    told->type != NULL ? told->type : "unnamed");
	put_text(t->message, sizeof(t->message), told->message);
	if (o != NULL) {
		put_text(t->data, sizeof(t->data), o->data);
		put_text(t->cause_type, sizeof(t->cause_type), o->cause_type);
		put_text(t->cause_message, sizeof(t->cause_message),
		    o->cause_message);
	}
	/* Where a start fails is our own code, and of no use to anybody. */
	if (told->from != NULL) {
		rv_frames_thread(t);
		rv_frames_here(&t->threads[0], told->from);
		rv_frames_maps(t);
	}
	rv_trouble_end(page);
	return true;
}

static bool
has_arrived(int patience_ms)
{
	struct pollfd p = { .fd = on_its_way.fd };

	if (!rv_agent_fd_is_ours(&on_its_way)) {
		on_its_way.fd = -1;
		return true;
	}
	if (poll(&p, 1, patience_ms) != 1) {
		return false;
	}
	rv_agent_fd_close(&on_its_way);
	return true;
}

static enum reeve_status
send_told(int fd)
{
	static const char text[] = "REEVE_TROUBLE=1";

	return rv_agent_send(text, sizeof(text) - 1, fd);
}

/* With one end of a pipe; without, where descriptors are out. */
static enum reeve_status
send_report(void)
{
	struct rv_agent_fd other = { .fd = -1 };
	enum reeve_status status;

	if (!rv_agent_pipe(&on_its_way, &other)) {
		return send_told(-1);
	}
	status = send_told(other.fd);
	rv_agent_fd_close(&other);
	if (status != REEVE_OK) {
		rv_agent_fd_close(&on_its_way);
	}
	return status;
}

static enum reeve_status
report(unsigned char *page, const struct told *told)
{
	enum reeve_status status = REEVE_EAGAIN;

	if (__atomic_exchange_n(&reporting, 1, __ATOMIC_ACQUIRE) != 0) {
		return status;
	}
	if (has_arrived(0) && write_told(page, told)) {
		status = send_report();
	}
	__atomic_store_n(&reporting, 0, __ATOMIC_RELEASE);
	return status;
}

static bool
is_bad(const struct reeve_raise_options *o, const char *type, const char *fmt)
{
	return (o != NULL && o->size < sizeof(*o)) || type == NULL ||
	       type[0] == '\0' || fmt == NULL;
}

__attribute__((noinline)) enum reeve_status
reeve_report(const struct reeve_raise_options *options, const char *type,
    const char *fmt, ...)
{
	struct told told = { .kind = RV_TROUBLE_REPORTED,
		.options = options,
		.type = type,
		.from = __builtin_return_address(0) };
	int saved = errno;
	enum reeve_status status;
	unsigned char *page;
	va_list args;

	if (is_bad(options, type, fmt)) {
		return REEVE_EINVALID;
	}
	va_start(args, fmt);
	format(&told, fmt, args);
	va_end(args);
	rv_agent_use();
	page = rv_agent_page();
	status = page != NULL ? report(page, &told) : REEVE_ENORUNTIME;
	errno = status == REEVE_ESYS ? errno : saved;
	return status;
}

static void
say(const struct told *told)
{
	fprintf(stderr, "%s: %s\n", told->type != NULL ? told->type : "unnamed",
	    told->message);
}

static void
tell_last_words(const struct told *told)
{
	unsigned char *page;

	rv_agent_use();
	page = rv_agent_page();
	if (page != NULL) {
		has_arrived(LAST_MS);
	}
	if (page == NULL || !write_told(page, told)) {
		say(told);
		return;
	}
	send_told(-1);
}

/* What was registered in the host to run at its end is not this worker's. */
static __attribute__((noreturn)) void
leave(void)
{
	if (rv_agent_is_forked()) {
		fflush(NULL);
		_exit(1);
	}
	exit(1);
}

static __attribute__((noreturn)) void
raise_told(struct told *told, const char *fmt, va_list args)
{
	if (told->options != NULL &&
	    told->options->size < sizeof(*told->options)) {
		told->options = NULL;
	}
	format(told, fmt, args);
	tell_last_words(told);
	leave();
}

__attribute__((noinline)) void
reeve_raise(const char *type, const char *fmt, ...)
{
	struct told told = { .kind = RV_TROUBLE_RAISED,
		.type = type,
		.from = __builtin_return_address(0) };
	va_list args;

	va_start(args, fmt);
	raise_told(&told, fmt, args);
}

__attribute__((noinline)) void
reeve_raise_with(const struct reeve_raise_options *options, const char *type,
    const char *fmt, ...)
{
	struct told told = { .kind = RV_TROUBLE_RAISED,
		.options = options,
		.type = type,
		.from = __builtin_return_address(0) };
	va_list args;

	va_start(args, fmt);
	raise_told(&told, fmt, args);
}

void
rv_agent_trouble_start(int stage, int sys_errno, const char *fmt, ...)
{
	struct told told = { .kind = RV_TROUBLE_START,
		.type = "reeve.Start",
		.stage = stage,
		.sys_errno = sys_errno };
	va_list args;

	va_start(args, fmt);
	format(&told, fmt, args);
	va_end(args);
	tell_last_words(&told);
}

void
rv_trouble_after_fork(void)
{
	rv_agent_fd_close(&on_its_way);
	reporting = 0;
}
