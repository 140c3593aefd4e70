/* SPDX-License-Identifier: MIT */
/*
 * What the supervisor asks: one small function a request, found by the table
 * of the protocol. Called by the link for each frame; must not wait.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "launcher/adopt.h"
#include "launcher/birth.h"
#include "launcher/launcher.h"
#include "launcher/life.h"
#include "sys/sys.h"

#define TROUBLE_MAX 512

void
rv_launcher_trouble(struct rv_launcher *l, int sys_errno, const char *fmt, ...)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_TROUBLE,
		.sys_errno = sys_errno };
	char text[TROUBLE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	frame.text = text;
	/* News, no more: nothing is decided by it. */
	if (!l->link.blocked) {
		rv_link_send(l, &frame);
	}
}

static void
on_HELLO(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	if (f->version != RV_LAUNCH_VERSION) {
		rv_launcher_trouble(l, 0,
		    "the launcher speaks version %u, the supervisor %u",
		    RV_LAUNCH_VERSION, f->version);
		rv_launcher_end(l, true);
	}
}

static void
on_SIGNAL(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	struct rv_life *life = rv_life_find(l, f->life);

	(void)fd;
	if (life == NULL) {
		return; /* its end is on the way */
	}
	rv_life_signal(life, f->signo, f->group);
	if (f->cont_follows) {
		rv_life_signal(life, SIGCONT, f->group);
	}
}

static void
on_KILL(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	struct rv_life *life = rv_life_find(l, f->life);

	(void)fd;
	if (life != NULL) {
		rv_life_kill(life, (enum rv_kill_mode)f->kill_mode);
	}
}

static void
on_EXPECT(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	struct rv_life *life = rv_life_find(l, f->life);

	(void)fd;
	if (life != NULL) {
		life->expected = true;
	}
}

static void
on_ADOPT(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	rv_adopt(l, f->life, f->pid, f->start_ticks, &f->keep);
}

static void
on_STRAY(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	rv_adopt_stray(l, f->life, f->pid, f->start_ticks);
}

static void
on_CLERK(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)f;
	if (*fd == -1) {
		rv_launcher_trouble(l, 0, "no socket came with the clerk");
		return;
	}
	rv_outputs_connect(&l->outputs, *fd);
	*fd = -1;
}

static void
on_SYNC(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	rv_listen_sync(l, f->life);
}

static void
on_CLOSE(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)f;
	(void)fd;
	rv_launcher_end(l, true);
}

#define on_LAUNCH NULL /* below: its struct is another */

typedef void request_fn(
    struct rv_launcher *, const struct rv_launch_frame *, int *fd);

#define SUPERVISOR(symbol, number) [number] = on_##symbol,
#define LAUNCHER(symbol, number)

static request_fn *const requests[] = {
#define X(symbol, number, name, from, doc) from(symbol, number)
#include "wire/launch.def"
#undef X
};

void
rv_launcher_request(struct rv_launcher *l, size_t len, int *fd)
{
	uint32_t op = rv_launch_op(l->frame, len);
	struct rv_launch launch;
	struct rv_launch_frame frame;

	if (op == RV_LAUNCH_LAUNCH &&
	    rv_launch_decode(l->frame, len, &launch)) {
		rv_birth_launch(l, &launch);
	} else if (op == RV_LAUNCH_LAUNCH) {
		struct rv_launch_frame failure = { .op = RV_LAUNCH_FAILED,
			.life = launch.life,
			.stage = RV_STAGE_DECODE,
			.sys_errno = EBADMSG };

		rv_link_send(l, &failure);
	} else if (op < RV_ARRAY_LEN(requests) && requests[op] != NULL &&
		   rv_launch_decode_frame(l->frame, len, &frame)) {
		requests[op](l, &frame, fd);
	} else {
		rv_launcher_trouble(
		    l, 0, "the supervisor sent a frame that is none");
	}
}
