/* SPDX-License-Identifier: MIT */
/*
 * What the launcher says, as callbacks: one small function a report, found by
 * the table of the protocol. Also the words for the steps of a launch.
 */
#include "config.h"

#include <sys/wait.h>

#include "base/error.h"
#include "child/stage.h"
#include "start/start_priv.h"

static void
on_GREETING(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	(void)packet;
	if (f->version != RV_LAUNCH_VERSION) {
		rv_start_trouble(start, 0,
		    "%s speaks version %u of the protocol, this library %u",
		    start->program, f->version, RV_LAUNCH_VERSION);
	}
}

static void on_PAGE(
    struct rv_start *, const struct rv_launch_frame *, struct rv_packet *);

static void
on_LAUNCHED(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	struct rv_start_life *life = rv_start_find(start, f->life);

	if (life != NULL) {
		life->pid = f->pid;
		life->start_ticks = f->start_ticks;
		rv_start_forget_forked(life);
	}
	start->ops->launched(start->ctx, f->life, f->pid, f->start_ticks);
	on_PAGE(start, f, packet);
}

static void
on_FAILED(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	struct rv_start_life *life = rv_start_find(start, f->life);

	(void)packet;
	if (life != NULL) {
		rv_start_remove(start, life);
	}
	if (f->stage == RV_STAGE_PROGRAM) {
		rv_start_say_program(start, f->sys_errno);
	}
	start->ops->launch_failed(start->ctx, f->life, f->stage, f->sys_errno);
}

static void
on_NOTIFY(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	struct rv_start_life *life = rv_start_find(start, f->life);

	/* What came with it is closed after this, when a page has been read. */
	(void)packet;
	if (life != NULL) {
		start->ops->notified(start->ctx, f->life, &f->notify);
	}
}

static void
on_DIED(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	struct rv_start_life *life = rv_start_find(start, f->life);
	struct rv_death death = f->death;

	(void)packet;
	if (life == NULL) {
		return;
	}
	if (death.end.unknown && life->has_status) {
		int w = life->wstatus;

		death.end.unknown = false;
		death.end.signaled = WIFSIGNALED(w);
		death.end.number =
		    death.end.signaled ? WTERMSIG(w) : WEXITSTATUS(w);
		death.end.core_dumped = death.end.signaled && WCOREDUMP(w);
	}
	rv_start_remove(start, life);
	start->ops->died(start->ctx, f->life, &death);
}

static void
on_SYNCED(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	(void)packet;
	start->ops->synced(start->ctx, f->life);
}

static void
on_TROUBLE(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	(void)packet;
	rv_start_trouble(start, f->sys_errno, "%s", f->text);
}

static void
on_PAGE(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	int fd = packet->n_fds > 0 ? packet->fds[0] : -1;

	if (fd == -1 || start->ops->paged == NULL ||
	    rv_start_find(start, f->life) == NULL) {
		return;
	}
	packet->fds[0] = -1;
	start->ops->paged(start->ctx, f->life, fd);
}

static void
on_FORK(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	rv_start_fork(start, f->life, packet);
}

static void
on_REAP(struct rv_start *start, const struct rv_launch_frame *f,
    struct rv_packet *packet)
{
	rv_start_reap(start, f, packet->n_fds > 0 ? packet->fds[0] : -1);
}

typedef void report_fn(struct rv_start *, const struct rv_launch_frame *,
    struct rv_packet *packet);

#define LAUNCHER(symbol, number) [number] = on_##symbol,
#define SUPERVISOR(symbol, number)

static report_fn *const reports[] = {
#define X(symbol, number, name, from, doc) from(symbol, number)
#include "wire/launch.def"
#undef X
};

void
rv_start_report(
    struct rv_start *start, const void *data, struct rv_packet *packet)
{
	struct rv_launch_frame frame;

	if (rv_launch_decode_frame(data, packet->len, &frame) &&
	    frame.op < RV_ARRAY_LEN(reports) && reports[frame.op] != NULL) {
		reports[frame.op](start, &frame, packet);
	} else {
		rv_start_trouble(
		    start, 0, "the launcher sent a frame that is none");
	}
}

const char *
rv_stage_text(int stage)
{
	switch (stage) {
#define X(symbol, number, who, text) \
	case number:                 \
		return text;
#include "child/stage.def"
#undef X
	default:
		return "an unknown step";
	}
}
