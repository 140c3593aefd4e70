/* SPDX-License-Identifier: MIT */
/*
 * Adopting lives that another launcher made: see adopt.h. They are not our
 * children, and their number may be another's by now, so the start time must
 * fit before anything is done to them.
 */
#include "config.h"

#include "launcher/adopt.h"

#include <errno.h>
#include <signal.h>
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
