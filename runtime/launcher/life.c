/* SPDX-License-Identifier: MIT */
/*
 * Lives and the processes that are watched for them: see life.h. Their tables,
 * their signals, and who of a life is its main process. What happens once that
 * has ended is in end.c.
 */
#include "config.h"

#include "launcher/life.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "child/forker.h"
#include "launcher/end.h"
#include "launcher/kin.h"
#include "launcher/sweep.h"
#include "launcher/templates.h"
#include "sys/sys.h"

#define SPARE_TICKS   8     /* the launcher's own */
#define STARTS_WITHIN RV_MS /* as a rule, one that was forked ahead */

bool
rv_lives_reserve(struct rv_launcher *l)
{
	size_t wanted = RV_MAX(l->reserved * 2, (size_t)64);

	if (l->n_lives + l->n_asked < l->reserved) {
		return true;
	}
	/* A life may watch two processes and wait for one time. */
	if (!rv_hash_reserve(&l->by_life, wanted) ||
	    !rv_hash_reserve(&l->by_pid, 2 * wanted) ||
	    rv_loop_reserve(l->loop, wanted + SPARE_TICKS) != REEVE_OK) {
		return false;
	}
	l->reserved = wanted;
	return true;
}

static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_life *life = RV_CONTAINER(tick, struct rv_life, tick);

	(void)now;
	(void)late;
	RV_MAGIC_CHECK(life, RV_LIFE_MAGIC);
	if (life->state == RV_LIFE_EMPTYING) {
		rv_life_advance(life);
	} else {
		rv_life_next_step(life);
	}
}

struct rv_life *
rv_life_create(
    struct rv_launcher *l, uint64_t number, const struct rv_launch_keep *keep)
{
	struct rv_life *life = rv_alloc(1, sizeof(*life));

	if (life == NULL) {
		return NULL;
	}
	life->magic = RV_LIFE_MAGIC;
	life->l = l;
	life->life = number;
	life->keep = rv_keep_take(&l->keeps, keep);
	if (life->keep == NULL) {
		rv_free(life);
		return NULL;
	}
	life->main = &life->lead;
	life->lead.pidfd = -1;
	life->go = -1;
	life->tick.cb = on_tick;
	life->death.utime_us = life->death.stime_us = -1;
	life->death.max_rss_kib = -1;
	rv_list_init(&life->link);
	rv_list_init(&life->held);
	rv_list_init(&life->hunter);
	rv_list_init(&life->starting);
	return life;
}

void
rv_life_enter(struct rv_life *life)
{
	struct rv_launcher *l = life->l;

	RV_ASSERT(l->n_lives < l->reserved);
	rv_hash_insert(&l->by_life, &life->by_life, life->life);
	rv_list_insert(&l->lives, &life->link);
	l->n_lives++;
}

static void
forget_other(struct rv_life *life)
{
	if (life->other != NULL) {
		rv_proc_forget(life->other);
		rv_free(life->other);
		life->other = NULL;
	}
}

void
rv_life_destroy(struct rv_life *life)
{
	struct rv_launcher *l;

	if (life == NULL) {
		return;
	}
	RV_MAGIC_CHECK(life, RV_LIFE_MAGIC);
	l = life->l;
	if (rv_hash_find(&l->by_life, life->life) == &life->by_life) {
		rv_hash_remove(&l->by_life, &life->by_life);
		l->n_lives--;
	}
	rv_tick_disarm(&life->tick);
	rv_listen_stop(life);
	rv_life_end_start(life);
	rv_proc_forget(&life->lead);
	forget_other(life);
	rv_list_remove(&life->link);
	rv_list_remove(&life->held);
	rv_list_remove(&life->hunter);
	rv_list_remove(&life->starting);
	if (life->slot != NULL) {
		life->slot->ctx = NULL;
	}
	if (l->unannounced == life) {
		l->unannounced = NULL;
	}
	rv_keep_drop(life->keep);
	life->magic = 0;
	rv_free(life);
}

struct rv_life *
rv_life_find(struct rv_launcher *l, uint64_t number)
{
	struct rv_hash_node *node =
	    l->by_life.n > 0 ? rv_hash_find(&l->by_life, number) : NULL;
	struct rv_life *life = NULL;

	if (node != NULL) {
		life = RV_CONTAINER(node, struct rv_life, by_life);
		RV_MAGIC_CHECK(life, RV_LIFE_MAGIC);
	}
	return life;
}

/* -------- its start -------- */

void
rv_life_announce(struct rv_life *life)
{
	if (life->slot != NULL) {
		rv_slot_announce(&life->l->slots, life->slot);
	}
	if (life->go != -1) {
		/* One that was killed does not hear it. */
		(void)!send(life->go, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* The process goes on as soon as the supervisor's socket has the word. */
bool
rv_life_tell_launched(struct rv_life *life, pid_t pid, uint64_t ticks, int page)
{
	struct rv_launcher *l = life->l;
	struct rv_launch_frame frame = { .op = RV_LAUNCH_LAUNCHED,
		.life = life->life,
		.pid = pid,
		.start_ticks = ticks };

	rv_link_send_fds(l, &frame, &page, page != -1);
	life->n_pages += page != -1;
	if (l->link.blocked) {
		l->unannounced = life;
	}
	return !l->link.blocked;
}

void
rv_life_say_launched(struct rv_life *life, pid_t pid, uint64_t ticks)
{
	if (rv_life_tell_launched(life, pid, ticks, -1)) {
		rv_life_announce(life);
	}
}

static void
on_refill_soon(struct rv_defer *defer)
{
	rv_templates_refill(
	    RV_CONTAINER(defer, struct rv_launcher, refill_soon));
}

/* It has begun, or never will. */
static void
stop_hearing(struct rv_life *life)
{
	struct rv_launcher *l = life->l;

	rv_io_stop(&life->go_io);
	close(life->go);
	life->go = -1;
	/* What else has come, maybe its end, is told first. */
	l->refill_soon.cb = on_refill_soon;
	rv_loop_defer(l->loop, &l->refill_soon);
}

static void
on_go(struct rv_io *io, unsigned events)
{
	struct rv_life *life = RV_CONTAINER(io, struct rv_life, go_io);
	struct rv_fork_failure failure;
	ssize_t n = recv(life->go, &failure, sizeof(failure), MSG_DONTWAIT);

	(void)events;
	if (n == (ssize_t)sizeof(failure)) {
		life->death.stage = failure.stage;
		life->death.sys_errno = failure.sys_errno;
	}
	if (n != -1) {
		stop_hearing(life);
	}
}

void
rv_life_hear_start(struct rv_life *life, int go)
{
	life->go = go;
	life->go_io = (struct rv_io){ .cb = on_go };
	if (rv_io_start(life->l->loop, &life->go_io, go, RV_LOOP_READ, NULL) !=
	    REEVE_OK) {
		return; /* it is read when the process has ended */
	}
}

static void
on_starting_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_launcher *l =
	    RV_CONTAINER(tick, struct rv_launcher, starting_tick);

	(void)now;
	(void)late;
	while (!rv_list_empty(&l->starting)) {
		struct rv_life *life =
		    RV_LIST_FIRST(&l->starting, struct rv_life, starting);

		rv_list_remove(&life->starting);
		rv_life_hear_start(life, life->go);
	}
}

/* What follows when it has begun would have us run in its place. */
void
rv_life_hear_start_soon(struct rv_life *life, int go)
{
	struct rv_launcher *l = life->l;

	life->go = go;
	rv_list_insert(&l->starting, &life->starting);
	if (l->starting_tick.heap_index == 0) {
		l->starting_tick.cb = on_starting_tick;
		rv_tick_arm(l->loop, &l->starting_tick,
		    rv_time_add(rv_loop_now(l->loop), STARTS_WITHIN));
	}
}

void
rv_life_end_start(struct rv_life *life)
{
	rv_list_remove(&life->starting);
	if (life->go != -1) {
		on_go(&life->go_io, 0);
	}
	if (life->go != -1) {
		stop_hearing(life);
	}
}

static void
on_pidfd(struct rv_io *io, unsigned events)
{
	(void)events;
	rv_proc_ended(RV_CONTAINER(io, struct rv_proc, io));
}

void
rv_proc_watch(struct rv_proc *proc, struct rv_life *life, pid_t pid, int pidfd,
    uint64_t ticks)
{
	struct rv_launcher *l = life->l;

	RV_ASSERT(!proc->watched && pid > 0);
	proc->life = life;
	proc->pid = pid;
	proc->pidfd = pidfd;
	proc->start_ticks = ticks;
	proc->watched = true;
	rv_hash_insert(&l->by_pid, &proc->by_pid, (uint64_t)pid);
	proc->io = (struct rv_io){ .cb = on_pidfd };
	if (pidfd == -1 || rv_io_start(l->loop, &proc->io, pidfd, RV_LOOP_READ,
			       NULL) != REEVE_OK) {
		proc->blind = true;
		l->n_blind++;
		rv_sweep_soon(l);
	}
}

/* The number is free for others: must come no later than the reaping. */
void
rv_proc_unlist(struct rv_proc *proc)
{
	struct rv_launcher *l;

	if (!proc->watched) {
		return;
	}
	l = proc->life->l;
	proc->watched = false;
	rv_hash_remove(&l->by_pid, &proc->by_pid);
	if (proc->blind) {
		proc->blind = false;
		l->n_blind--;
	}
	rv_io_stop(&proc->io);
}

void
rv_proc_forget(struct rv_proc *proc)
{
	rv_proc_unlist(proc);
	if (proc->pid != 0 && proc->pidfd != -1) {
		close(proc->pidfd);
		proc->pidfd = -1;
	}
}

static void
signal_proc(const struct rv_proc *proc, int signo)
{
	if (proc->pid != 0 && !proc->reaped) {
		rv_sys_pidfd_signal(proc->pidfd, proc->pid, signo);
	}
}

void
rv_life_signal(struct rv_life *life, int signo, bool group)
{
	struct rv_proc *lead = &life->lead, *main = life->main;
	pid_t own_group;

	if (life->state != RV_LIFE_ALIVE) {
		return;
	}
	if (!group ||
	    rv_sys_pidfd_signal_group(lead->pidfd, lead->pid, signo) == -1) {
		/* A young one may not have its group yet. */
		signal_proc(main, signo);
	} else if (main != lead &&
		   rv_sys_proc_stat(
		       main->pid, NULL, &own_group, NULL, NULL, NULL) &&
		   own_group != lead->pid) {
		signal_proc(main, signo);
	}
}

/* It comes to us when its parent has died, perhaps without a trace of whose
 * it was; those that fled are counted by the walk. */
static void
on_victim(void *ctx, pid_t pid, bool fled)
{
	rv_orphan_expect(ctx, pid, fled);
}

void
rv_life_kill(struct rv_life *life, enum rv_kill_mode mode)
{
	struct rv_proc *lead = &life->lead;

	life->expected = true;
	if (life->state == RV_LIFE_EMPTYING) {
		rv_life_advance(life);
		return;
	}
	if (mode == RV_KILL_PROCESS) {
		signal_proc(life->main, SIGKILL);
		return;
	}
	if (!lead->reaped) {
		life->death.leftover += rv_kin_kill_tree(
		    lead->pid, lead->pidfd, true, on_victim, life);
	}
	if (life->main != lead) {
		life->death.leftover += rv_kin_kill_tree(
		    life->main->pid, life->main->pidfd, true, on_victim, life);
	}
	rv_life_kill_group(life);
}

/* Of this life by descent, by session, or by the mark it was born with. */
static bool
belongs_to(const struct rv_life *life, pid_t pid)
{
	struct rv_kin_mark mark;
	pid_t session;

	if (rv_kin_descends(pid, life->lead.pid) ||
	    rv_kin_descends(pid, life->main->pid)) {
		return true;
	}
	if (rv_sys_proc_stat(pid, NULL, NULL, &session, NULL, NULL) &&
	    session == life->lead.pid) {
		return true;
	}
	return rv_kin_mark(pid, &mark) && mark.life == life->life &&
	       strcmp(mark.run, life->l->run_id) == 0;
}

const char *
rv_life_set_main(struct rv_life *life, pid_t pid)
{
	struct rv_launcher *l = life->l;
	char state = 0;
	uint64_t ticks = 0;
	struct rv_proc *other;
	int pidfd;

	if (pid == life->main->pid) {
		return NULL;
	}
	if (life->state != RV_LIFE_ALIVE) {
		return "MAINPID came after the end";
	}
	if (rv_hash_find(&l->by_pid, (uint64_t)pid) != NULL) {
		/* Back to the first one is fine while that lives. */
		if (pid != life->lead.pid || life->lead.ended) {
			return "MAINPID is another worker's process";
		}
		forget_other(life);
		life->main = &life->lead;
		return NULL;
	}
	pidfd = rv_sys_pidfd_open(pid);
	/* Asked only now, when the descriptor pins it. */
	if (!rv_sys_proc_stat(pid, NULL, NULL, NULL, &state, &ticks) ||
	    state == 'Z' || state == 'X' || !belongs_to(life, pid)) {
		if (pidfd != -1) {
			close(pidfd);
		}
		return state == 0 || state == 'Z' || state == 'X'
			   ? "MAINPID is not alive"
			   : "MAINPID is no descendant";
	}
	other = rv_alloc(1, sizeof(*other));
	if (other == NULL) {
		if (pidfd != -1) {
			close(pidfd);
		}
		return "no memory to watch MAINPID";
	}
	forget_other(life);
	life->main = life->other = other;
	rv_orphan_forget(l, pid);
	rv_proc_watch(other, life, pid, pidfd, ticks);
	return NULL;
}
