/* SPDX-License-Identifier: MIT */
/*
 * How a life ends: its main process is reaped, its group killed and awaited,
 * all that fled hunted where the end was asked for, and then the end is
 * reported. For the common case, a crash of a worker without children, that
 * is three system calls and nothing in /proc.
 */
#include "config.h"

#include "launcher/end.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "launcher/kin.h"
#include "launcher/sweep.h"
#include "sys/sys.h"

#define FIRST_PAUSE   (5 * RV_MS)
#define LAST_PAUSE    (200 * RV_MS)
#define EMPTY_WITHIN  (10 * RV_SEC) /* then it is reported with survivors */
#define REAPED_WITHIN (5 * RV_SEC)  /* by a foreign parent, else unknown */

static void
note_usage(struct rv_death *death, const struct rusage *usage)
{
	death->utime_us =
	    (int64_t)usage->ru_utime.tv_sec * 1000000 + usage->ru_utime.tv_usec;
	death->stime_us =
	    (int64_t)usage->ru_stime.tv_sec * 1000000 + usage->ru_stime.tv_usec;
	death->max_rss_kib = usage->ru_maxrss;
}

static void
note_status(struct rv_end *end, int wstatus)
{
	end->signaled = WIFSIGNALED(wstatus);
	end->number = end->signaled ? WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
	end->core_dumped = end->signaled && WCOREDUMP(wstatus);
}

/* 1: reaped, 0: it has not ended, -1: it is not our child. */
static int
reap(struct rv_proc *proc, siginfo_t *info, struct rusage *usage)
{
	int done =
	    rv_sys_wait(proc->pidfd, proc->pid, WEXITED | WNOHANG, info, usage);

	if (done == 1) {
		proc->reaped = true;
		rv_proc_unlist(proc);
	}
	return done;
}

static bool
is_still_there(const struct rv_proc *proc)
{
	uint64_t ticks;

	return rv_sys_proc_stat(proc->pid, NULL, NULL, NULL, NULL, &ticks) &&
	       (proc->start_ticks == 0 || proc->start_ticks == ticks);
}

/*
 * Its parent is the host, which alone can know: once, and it answers, even if
 * it is not there any more.
 */
static void
ask_host(struct rv_life *life)
{
	const struct rv_proc *proc = life->main;
	struct rv_launch_frame frame = { .op = RV_LAUNCH_REAP,
		.life = life->life,
		.pid = proc->pid,
		.start_ticks = proc->start_ticks };

	if (!life->reap_asked && !life->l->link.blocked) {
		life->reap_asked = true;
		rv_link_send_fds(
		    life->l, &frame, &proc->pidfd, proc->pidfd != -1);
	}
}

void
rv_life_reaped(struct rv_life *life, const struct rv_death *death)
{
	if (life->settled || life->state != RV_LIFE_EMPTYING) {
		return;
	}
	life->reap_answered = true;
	/* Another has reaped it: the kernel may still tell. */
	if (!death->end.unknown) {
		life->death.end = death->end;
		life->death.utime_us = death->utime_us;
		life->death.stime_us = death->stime_us;
		life->death.max_rss_kib = death->max_rss_kib;
		life->settled = true;
		life->main->reaped = true;
		rv_proc_unlist(life->main);
	}
	rv_life_advance(life);
}

/* Its number may be free while the host's answer is on its way. */
static bool
is_being_reaped(const struct rv_life *life)
{
	return life->reap_asked && !life->reap_answered;
}

/* The main process has ended: get to know how, which may take a while. */
static void
settle(struct rv_life *life)
{
	struct rv_death *death = &life->death;
	struct rv_proc *proc = life->main;
	struct rusage usage;
	siginfo_t info;
	int wstatus;
	int done = reap(proc, &info, &usage);

	if (done == 1) {
		note_usage(death, &usage);
		death->end.signaled = info.si_code != CLD_EXITED;
		death->end.number = info.si_status;
		death->end.core_dumped = info.si_code == CLD_DUMPED;
		life->settled = true;
		return;
	}
	life->foreign = life->foreign || (done == -1 && proc == &life->lead);
	if (done == -1 && rv_sys_pidfd_exit_status(proc->pidfd, &wstatus)) {
		note_status(&death->end, wstatus);
		life->settled = true;
	} else if (life->keep->hosted && !life->reap_asked &&
		   life->l->link.fd != -1) {
		ask_host(life);
	} else if (done == -1 && !is_being_reaped(life) &&
		   rv_sys_zombie_status(
		       proc->pid, proc->start_ticks, &wstatus)) {
		/* Whoever is its parent now may never look at it. */
		note_status(&death->end, wstatus);
		life->settled = true;
	} else if ((!is_still_there(proc) && !is_being_reaped(life)) ||
		   rv_loop_now(life->l->loop) - life->since >= REAPED_WITHIN) {
		death->end.unknown = true;
		life->settled = true;
	}
	if (life->settled) {
		proc->reaped = true;
		rv_proc_unlist(proc);
	}
}

struct seek {
	const struct rv_proc *lead;
	bool only_look;
	bool found, alive;
};

static void
is_member(void *ctx, pid_t pid)
{
	struct seek *seek = ctx;
	pid_t group, session;
	char state;

	if (rv_sys_proc_stat(pid, NULL, &group, &session, &state, NULL) &&
	    group == seek->lead->pid && session == group) {
		seek->found = true;
		if (!rv_sys_is_dead(state)) {
			seek->alive = true;
			if (!seek->only_look) {
				kill(pid, SIGKILL);
			}
		}
	}
}

/*
 * Without signals to groups by pidfd, once the leader's number is free: a
 * group of that number may be another's. It is if its leader is there, with
 * another start time.
 */
static bool
kill_group_by_proc(const struct rv_proc *lead)
{
	struct seek seek = { .lead = lead };
	uint64_t ticks;

	if (kill(-lead->pid, 0) == -1 && errno == ESRCH) {
		return false;
	}
	if (rv_sys_proc_stat(lead->pid, NULL, NULL, NULL, NULL, &ticks) &&
	    ticks != lead->start_ticks) {
		return false;
	}
	rv_kin_all(is_member, &seek);
	return seek.found;
}

/* A signal to this group cannot reach another of the same number. */
static bool
is_group_safe(const struct rv_launcher *l, const struct rv_proc *lead)
{
	return !lead->reaped || (l->group_by_pidfd && lead->pidfd != -1);
}

static bool
kill_group_of(const struct rv_launcher *l, const struct rv_proc *lead)
{
	if (lead->pid == 0) {
		return false;
	}
	if (!is_group_safe(l, lead)) {
		return kill_group_by_proc(lead);
	}
	return rv_sys_pidfd_signal_group(lead->pidfd, lead->pid, SIGKILL) == 0;
}

/*
 * A group takes signals as long as there are zombies in it. Ours go in a
 * moment; those of others perhaps never, and are as dead.
 */
static bool
is_group_alive(const struct rv_proc *lead)
{
	struct seek seek = { .lead = lead, .only_look = true };

	if (lead->pid != 0) {
		rv_kin_all(is_member, &seek);
	}
	return seek.alive;
}

/* A dead one that is still to be reaped by its parent tells nothing. */
static bool
is_group_left(struct rv_life *life)
{
	return rv_life_kill_group(life) &&
	       (!life->foreign || !life->settled ||
		   is_group_alive(&life->lead) ||
		   (life->main != &life->lead && is_group_alive(life->main)));
}

bool
rv_life_kill_group(struct rv_life *life)
{
	bool left = kill_group_of(life->l, &life->lead);

	if (life->main != &life->lead) {
		left = kill_group_of(life->l, life->main) || left;
	}
	return left;
}

static void
report(struct rv_life *life)
{
	struct rv_launcher *l = life->l;
	struct rv_launch_frame frame = { .op = RV_LAUNCH_DIED };

	/* What its processes said last comes before their end. */
	if (l->link.blocked || !rv_listen_drain(life)) {
		rv_list_remove(&life->held);
		rv_list_insert(&l->held, &life->held);
		return;
	}
	frame.life = life->life;
	frame.death = life->death;
	rv_link_send(l, &frame);
	rv_outputs_ended(&l->outputs, life->life);
	if (life->keep->kill_mode != RV_KILL_PROCESS) {
		l->recent[l->n_recent++ % RV_RECENT_DEAD] =
		    (struct rv_recent){ life->lead.pid, life->life };
		/* One that was asked for has been searched already. */
		l->hunt_later = l->hunt_later || !life->expected;
	}
	rv_orphans_settle(life);
	rv_life_destroy(life);
	rv_launcher_check_end(l);
}

/* The first process, when another became the main one. */
static void
reap_lead(struct rv_life *life)
{
	struct rv_proc *lead = &life->lead;

	if (life->main != lead && !lead->reaped && lead->watched &&
	    reap(lead, NULL, NULL) == -1) {
		life->foreign = true;
		lead->reaped = !is_still_there(lead);
	}
}

static bool
wants_hunt(const struct rv_life *life)
{
	/* Asked for, or the group will not empty: a fled parent may hold it. */
	return life->keep->kill_mode != RV_KILL_PROCESS &&
	       (life->expected || life->pause > FIRST_PAUSE);
}

static void
wait_on(struct rv_life *life, rv_time now)
{
	life->pause = life->pause == 0 ? FIRST_PAUSE
				       : RV_MIN(life->pause * 2, LAST_PAUSE);
	rv_tick_arm(life->l->loop, &life->tick, now + life->pause);
}

void
rv_life_advance(struct rv_life *life)
{
	bool in_group = life->keep->kill_mode != RV_KILL_PROCESS;
	struct rv_launcher *l = life->l;
	rv_time now = rv_loop_now(l->loop);

	RV_ASSERT(life->state == RV_LIFE_EMPTYING);
	if (!rv_list_empty(&life->held) || !rv_list_empty(&life->hunter)) {
		return; /* on its way already */
	}
	if (in_group && !life->lead.reaped &&
	    (!l->group_by_pidfd || life->lead.pidfd == -1)) {
		/* While the dead leader still keeps the number. */
		rv_life_kill_group(life);
	}
	if (!life->settled) {
		settle(life);
	}
	reap_lead(life);
	life->group_left = in_group && is_group_left(life);
	if (wants_hunt(life) && !life->scanned) {
		rv_hunt_soon(life);
		return;
	}
	if (life->settled && !life->group_left && life->orphans == 0) {
		report(life);
	} else if (now - life->since >= EMPTY_WITHIN) {
		life->death.survivors = life->group_left || life->orphans > 0;
		life->death.end.unknown =
		    life->death.end.unknown || !life->settled;
		report(life);
	} else {
		life->scanned = false;
		wait_on(life, now);
	}
}

void
rv_proc_ended(struct rv_proc *proc)
{
	struct rv_life *life = proc->life;
	struct rv_launcher *l = life->l;

	/* It stays readable for ever. */
	rv_io_stop(&proc->io);
	/* A last MAINPID may say that this is not the end. */
	if (life->state == RV_LIFE_ALIVE && !rv_listen_drain(life)) {
		proc->ended = true;
		rv_list_remove(&life->held);
		rv_list_insert(&l->held, &life->held);
		return;
	}
	proc->ended = true;
	if (life->state == RV_LIFE_EMPTYING) {
		rv_life_advance(life);
		return;
	}
	if (proc != life->main) {
		reap_lead(life);
		return;
	}
	if (life->slot != NULL) {
		rv_slot_check(&l->slots, life->slot, true);
	}
	rv_life_end_start(life);
	life->state = RV_LIFE_EMPTYING;
	life->since = rv_loop_now(l->loop);
	rv_tick_disarm(&life->tick);
	rv_list_remove(&life->link);
	rv_list_insert(&l->emptying, &life->link);
	rv_life_advance(life);
}

static void
resume(struct rv_life *life)
{
	rv_list_remove(&life->held);
	if (life->state == RV_LIFE_EMPTYING) {
		rv_life_advance(life);
		return;
	}
	if (life->lead.ended && life->main != &life->lead) {
		rv_proc_ended(&life->lead);
	}
	if (life->main->ended) {
		rv_proc_ended(life->main);
	}
}

static void
announce(struct rv_launcher *l)
{
	struct rv_life *life = l->unannounced;

	l->unannounced = NULL;
	if (life != NULL) {
		rv_life_announce(life);
	}
}

void
rv_lives_resume(struct rv_launcher *l)
{
	announce(l);
	rv_listen_resume(l);
	while (!rv_list_empty(&l->held) && !l->link.blocked) {
		resume(RV_LIST_FIRST(&l->held, struct rv_life, held));
	}
}
