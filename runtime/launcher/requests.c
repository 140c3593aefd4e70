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

#include "base/text.h"
#include "launcher/adopt.h"
#include "launcher/birth.h"
#include "launcher/forks.h"
#include "launcher/launcher.h"
#include "launcher/life.h"
#include "launcher/sockets.h"
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

/* True when the seal forbids it, which is said. */
static bool
is_sealed(struct rv_launcher *l, const char *what)
{
	if (l->seal.closed) {
		rv_launcher_trouble(
		    l, EPERM, "cannot %s: the launcher is sealed", what);
	}
	return l->seal.closed;
}

static void
on_ADOPT(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	if (is_sealed(l, "adopt a process")) {
		return;
	}
	rv_adopt(l, f->life, f->pid, f->start_ticks, &f->keep);
}

static void
on_STRAY(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	if (is_sealed(l, "kill what is left of an earlier run")) {
		return;
	}
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

/* What is a life already, or none any more, has had its answer. */
static void
on_CANCEL(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	rv_fork_cancel(l, f->life);
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

static void
on_PROGRAM(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	if (*fd == -1 || is_sealed(l, "change the program of functions")) {
		return;
	}
	if (l->program_fd != -1) {
		close(l->program_fd);
	}
	l->program_fd = *fd;
	*fd = -1;
	rv_copy(l->build, sizeof(l->build), f->text);
}

static void
on_LISTENER(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	if (*fd != -1 && !is_sealed(l, "take another listening socket")) {
		rv_socket_keep(l, f->text, *fd);
		*fd = -1;
	}
}

static void
on_UNLISTEN(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	rv_socket_drop(l, f->text);
}

static void
on_SEAL(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)f;
	(void)fd;
	l->seal.closed = true;
}

static void
on_FORKED(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	(void)fd;
	rv_fork_answered(l, f);
}

static void
on_REAPED(struct rv_launcher *l, const struct rv_launch_frame *f, int *fd)
{
	struct rv_life *life = rv_life_find(l, f->life);

	(void)fd;
	if (life != NULL && life->keep->hosted) {
		rv_life_reaped(life, &f->death);
	}
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

static void
refuse_launch(struct rv_launcher *l, uint64_t life, int stage, int sys_errno)
{
	struct rv_launch_frame failure = { .op = RV_LAUNCH_FAILED,
		.life = life,
		.stage = stage,
		.sys_errno = sys_errno };

	rv_link_send(l, &failure);
}

static void
launch_it(struct rv_launcher *l, const struct rv_launch *launch, size_t len)
{
	if (launch->method == RV_LAUNCH_BY_SPAWN) {
		rv_birth_launch(l, launch);
	} else {
		rv_fork_launch(l, l->frame, len);
	}
}

/*
 * A launch of no life says what may be launched later. A socket that came with
 * it is one that nobody declared.
 */
static void
on_launch(struct rv_launcher *l, size_t len, int fd)
{
	struct rv_launch launch;
	bool good = rv_launch_decode(l->frame, len, &launch);

	l->last_life = good && launch.life != 0 ? launch.life : l->last_life;
	if (good && launch.life == 0) {
		if (!rv_seal_declare(&l->seal, l->frame, len)) {
			rv_launcher_trouble(
			    l, ENOMEM, "cannot keep what is declared");
		}
	} else if (!good) {
		refuse_launch(l, launch.life, RV_STAGE_DECODE, EBADMSG);
	} else if (!rv_seal_allows(&l->seal, l->frame, len)) {
		refuse_launch(l, launch.life, RV_STAGE_SEALED, EPERM);
	} else {
		l->lent = l->seal.closed ? -1 : fd;
		launch_it(l, &launch, len);
		l->lent = -1;
	}
}

void
rv_launcher_request(struct rv_launcher *l, size_t len, int *fd)
{
	uint32_t op = rv_launch_op(l->frame, len);
	struct rv_launch_frame frame;

	if (op == RV_LAUNCH_LAUNCH) {
		on_launch(l, len, *fd);
	} else if (op < RV_ARRAY_LEN(requests) && requests[op] != NULL &&
		   rv_launch_decode_frame(l->frame, len, &frame)) {
		requests[op](l, &frame, fd);
	} else {
		rv_launcher_trouble(
		    l, 0, "the supervisor sent a frame that is none");
	}
}
