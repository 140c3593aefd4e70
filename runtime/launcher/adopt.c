/* SPDX-License-Identifier: MIT */
/*
 * Adopting lives that another launcher made: see adopt.h. They are not our
 * children, and their number may be another's by now, so the start time must
 * fit before anything is done to them.
 */
#include "config.h"

#include "launcher/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launcher/kin.h"
#include "launcher/life.h"
#include "sys/sys.h"

static void
say_gone(struct rv_launcher *l, uint64_t life)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_DIED, .life = life };

	frame.death.end.unknown = true;
	frame.death.utime_us = frame.death.stime_us = -1;
	frame.death.max_rss_kib = -1;
	rv_link_send(l, &frame);
	rv_outputs_ended(&l->outputs, life);
}

/* False: that process is gone. *pidfd may be -1 on an old kernel. */
static bool
pin(pid_t pid, uint64_t ticks, int *pidfd)
{
	*pidfd = rv_sys_pidfd_open(pid);
	if (rv_sys_start_ticks(pid) == ticks && ticks != 0) {
		return true;
	}
	if (*pidfd != -1) {
		close(*pidfd);
	}
	return false;
}

static struct rv_life *
make(struct rv_launcher *l, uint64_t number, const struct rv_launch_keep *keep,
    pid_t pid, uint64_t ticks, int pidfd)
{
	struct rv_life *life = NULL;

	if (rv_lives_reserve(l)) {
		life = rv_life_create(l, number, keep);
	}
	if (life == NULL) {
		/* It goes on unsupervised: worse than to end it. */
		rv_launcher_trouble(
		    l, ENOMEM, "cannot adopt process %d: it is killed", pid);
		rv_kin_kill_tree(pid, pidfd, true, NULL, NULL);
		if (pidfd != -1) {
			close(pidfd);
		}
		say_gone(l, number);
		return NULL;
	}
	rv_life_enter(life);
	rv_proc_watch(&life->lead, life, pid, pidfd, ticks);
	return life;
}

void
rv_adopt(struct rv_launcher *l, uint64_t number, pid_t pid, uint64_t ticks,
    const struct rv_launch_keep *keep)
{
	struct rv_life *life;
	int pidfd;

	if (rv_life_find(l, number) != NULL) {
		return;
	}
	if (!pin(pid, ticks, &pidfd)) {
		say_gone(l, number);
		return;
	}
	life = make(l, number, keep, pid, ticks, pidfd);
	if (life != NULL && keep->notify && !rv_listen_adopt(life)) {
		rv_launcher_trouble(
		    l, errno, "cannot hear process %d any more", pid);
	}
}

void
rv_adopt_stray(
    struct rv_launcher *l, uint64_t number, pid_t pid, uint64_t ticks)
{
	struct rv_launch_keep keep = { .kill_mode = RV_KILL_GROUP };
	struct rv_life *life;
	pid_t group;
	int pidfd;

	if (rv_life_find(l, number) != NULL) {
		return;
	}
	if (!pin(pid, ticks, &pidfd)) {
		say_gone(l, number);
		return;
	}
	/* Not even a session of its own: then its group is not its own. */
	if (!rv_sys_proc_stat(pid, NULL, NULL, &group, NULL, NULL) ||
	    group != pid) {
		keep.kill_mode = RV_KILL_PROCESS;
	}
	life = make(l, number, &keep, pid, ticks, pidfd);
	if (life != NULL) {
		rv_life_kill(life, (enum rv_kill_mode)keep.kill_mode);
	}
}

#define FOREBEARS_MAX 64
#define RUN_LENGTH    32

static bool
is_launcher(pid_t pid)
{
	char path[32], name[20] = "";
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = rv_sys_open(path, O_RDONLY, 0);
	if (fd < 0) {
		return false;
	}
	n = rv_sys_read(fd, name, sizeof(name) - 1);
	close(fd);
	name[n > 0 ? n : 0] = '\0';
	return strcmp(name, "reeve-launcher\n") == 0;
}

/* The launcher of its run is there, and stops it in order. */
static bool
is_looked_after(pid_t pid)
{
	pid_t parent = pid;

	for (unsigned i = 0; i < FOREBEARS_MAX && parent > 1; i++) {
		if (!rv_sys_proc_stat(
			parent, &parent, NULL, NULL, NULL, NULL)) {
			return false;
		}
		if (is_launcher(parent)) {
			return true;
		}
	}
	return false;
}

struct marked {
	const struct rv_launcher *l;
	const char *run;
};

/* Of one of these runs; their names have all the same length. */
static bool
is_of(const struct rv_kin_mark *mark, const char *runs)
{
	return strlen(mark->run) == RUN_LENGTH &&
	       strstr(runs, mark->run) != NULL;
}

static void
kill_if_marked(void *ctx, pid_t pid)
{
	const struct marked *m = ctx;
	struct rv_kin_mark mark;
	int pidfd;

	if (!rv_kin_mark(pid, &mark) || !is_of(&mark, m->run)) {
		return;
	}
	/* It must be so of the one that the descriptor means. */
	pidfd = rv_sys_pidfd_open(pid);
	if (rv_kin_mark(pid, &mark) && is_of(&mark, m->run) &&
	    !mark.left_alone && !is_looked_after(pid) &&
	    !rv_kin_descends(m->l->pid, pid)) {
		rv_kin_kill_tree(pid, pidfd, true, NULL, NULL);
	}
	if (pidfd != -1) {
		close(pidfd);
	}
}

void
rv_adopt_kill_marked(struct rv_launcher *l, const char *run)
{
	struct marked m = { l, run };

	if (run[0] != '\0') {
		rv_kin_all(kill_if_marked, &m);
	}
}
