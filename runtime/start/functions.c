/* SPDX-License-Identifier: MIT */
/*
 * What a launcher needs that is not about one life: the program that has the
 * functions, the listening sockets; and the two things that only the host can
 * do for it, fork itself and reap what it forked.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/function.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "child/call.h"
#include "child/forker.h"
#include "start/start_priv.h"
#include "sys/sys.h"

/* Descriptors go with it; false: there is no launcher that takes it now. */
static bool
tell(struct rv_start *start, const struct rv_launch_frame *frame, const int *fd)
{
	char data[RV_LAUNCH_SMALL_MAX];
	size_t len = rv_launch_encode_frame(data, sizeof(data), frame);

	return len > 0 && start->fd != -1 &&
	       rv_start_send(start, data, len, fd);
}

/* -------- the program -------- */

static void
name_worker(const struct rv_start *start, char *path, size_t size)
{
	const char *slash = strrchr(start->program, '/');

	rv_format(path, size, "%.*s/reeve-worker",
	    slash != NULL ? (int)(slash - start->program) : 1,
	    slash != NULL ? start->program : ".");
}

void
rv_start_say_program(struct rv_start *start, int sys_errno)
{
	char path[4096];

	if (start->functions != NULL) {
		rv_copy(path, sizeof(path), start->functions);
	} else if (reeve_main_called()) {
		rv_copy(path, sizeof(path), "/proc/self/exe");
	} else {
		name_worker(start, path, sizeof(path));
	}
	rv_start_trouble(start, sys_errno,
	    "cannot open %s, the program of functions; is all of reeve in the "
	    "directory of its launcher (libexec_dir; reeve: REEVE_LIBEXEC)?",
	    path);
}

/*
 * This very program, whatever has become of its file since; or, in one that
 * has no functions of its own, reeve-worker, which loads modules.
 */
static int
open_program(const struct rv_start *start, char *build)
{
	char path[4096];

	build[0] = '\0';
	if (reeve_main_called()) {
		rv_call_own_build(build);
	}
	if (start->functions != NULL) {
		return rv_sys_open(start->functions, O_PATH | O_CLOEXEC, 0);
	}
	if (reeve_main_called()) {
		return rv_sys_open("/proc/self/exe", O_PATH | O_CLOEXEC, 0);
	}
	name_worker(start, path, sizeof(path));
	return rv_sys_open(path, O_PATH | O_CLOEXEC, 0);
}

void
rv_start_introduce(struct rv_start *start)
{
	char build[RV_CALL_BUILD];
	struct rv_launch_frame frame = { .op = RV_LAUNCH_PROGRAM,
		.text = build };
	int fd = open_program(start, build);

	if (fd == -1) {
		return; /* whoever needs it is told by its stage */
	}
	tell(start, &frame, &fd);
	close(fd);
}

/* -------- listeners -------- */

void
rv_start_listener(struct rv_start *start, const char *name, int fd)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_LISTENER,
		.text = name };

	if (!tell(start, &frame, &fd) && start->fd != -1) {
		rv_start_trouble(start, 0,
		    "the launcher does not take the listening socket %s", name);
	}
}

void
rv_start_unlisten(struct rv_start *start, const char *name)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_UNLISTEN,
		.text = name };

	tell(start, &frame, NULL);
}

/* -------- what only the host can do -------- */

struct forking {
	struct rv_start *start;
	uint64_t life;
};

static void
before(void *ctx)
{
	const struct forking *f = ctx;

	if (f->start->ops->before_fork != NULL) {
		f->start->ops->before_fork(f->start->ctx, f->life);
	}
}

static void
in_parent(void *ctx, pid_t pid)
{
	const struct forking *f = ctx;

	if (f->start->ops->after_fork != NULL) {
		f->start->ops->after_fork(f->start->ctx, f->life, pid);
	}
}

static void
in_child(void *ctx)
{
	const struct forking *f = ctx;

	if (f->start->ops->in_fork != NULL) {
		f->start->ops->in_fork(f->start->ctx, f->life);
	}
}

/*
 * Its number may be another's as soon as the host reaps whatever ends, which
 * its descriptor cannot: without one it is left to the host.
 */
static void
remember_forked(struct rv_start *start, uint64_t number, pid_t pid)
{
	struct rv_start_life *life = rv_start_find(start, number);

	if (life != NULL && life->forked == -1 && pid > 0) {
		life->forked = rv_sys_pidfd_open(pid);
	}
}

void
rv_start_forget_forked(struct rv_start_life *life)
{
	if (life->forked != -1) {
		close(life->forked);
		life->forked = -1;
	}
}

/* The launcher has died, or could not make a life of it: it has no word. */
void
rv_start_drop_forked(struct rv_start_life *life)
{
	if (life->forked == -1) {
		return;
	}
	rv_sys_pidfd_signal(life->forked, -1, SIGKILL);
	while (rv_sys_wait(life->forked, -1, WEXITED, NULL, NULL) == -1 &&
	       errno == EINTR) {
		continue;
	}
	rv_start_forget_forked(life);
}

/* An answer that finds no room is none: the launcher gives it up in time. */
void
rv_start_fork(struct rv_start *start, uint64_t life, struct rv_packet *packet)
{
	struct forking forking = { start, life };
	const struct rv_fork_hooks hooks = { &forking, before, in_parent,
		in_child };
	struct rv_launch_frame frame = { .op = RV_LAUNCH_FORKED, .life = life };
	struct rv_fork_result result = { 0 };

	if (packet->n_fds < 2 || packet->truncated) {
		result.stage = RV_STAGE_CALL;
		result.sys_errno = EMFILE;
	} else {
		rv_forker_fork(
		    &result, packet->fds, packet->n_fds, false, &hooks);
	}
	remember_forked(start, life, result.pid);
	frame.pid = result.pid;
	frame.stage = result.stage;
	frame.sys_errno = result.sys_errno;
	tell(start, &frame, NULL);
}

/* By its number only where there is nothing better, and if it is its own. */
static bool
reap(const struct rv_launch_frame *asked, int pidfd, siginfo_t *info,
    struct rusage *usage)
{
	const int options = WEXITED | WNOHANG;
	int done = rv_sys_wait(pidfd, -1, options, info, usage);

	if (done == -1 && asked->start_ticks != 0 &&
	    rv_sys_start_ticks(asked->pid) == asked->start_ticks) {
		done = rv_sys_wait(pidfd, asked->pid, options, info, usage);
	}
	return done == 1;
}

void
rv_start_reap(
    struct rv_start *start, const struct rv_launch_frame *asked, int pidfd)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_REAPED,
		.life = asked->life };
	struct rv_death *death = &frame.death;
	struct rusage usage;
	siginfo_t info;

	death->utime_us = death->stime_us = death->max_rss_kib = -1;
	if (reap(asked, pidfd, &info, &usage)) {
		death->end.signaled = info.si_code != CLD_EXITED;
		death->end.number = info.si_status;
		death->end.core_dumped = info.si_code == CLD_DUMPED;
		death->utime_us = (int64_t)usage.ru_utime.tv_sec * 1000000 +
				  usage.ru_utime.tv_usec;
		death->stime_us = (int64_t)usage.ru_stime.tv_sec * 1000000 +
				  usage.ru_stime.tv_usec;
		death->max_rss_kib = usage.ru_maxrss;
	} else {
		death->end.unknown = true;
	}
	tell(start, &frame, NULL);
}
