/* SPDX-License-Identifier: MIT */
/*
 * Sweeps and hunts: see sweep.h. A SIGCHLD tells no more than that some child
 * has ended; lives are seen by their pidfds, so a sweep may wait a little and
 * serve many. An orphan is attributed to a life once, by its session or by the
 * mark in its environment, and that is remembered until it is reaped: its
 * number cannot become another's before.
 */
#include "config.h"

#include "launcher/sweep.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "launcher/kin.h"
#include "launcher/life.h"
#include "launcher/partings.h"
#include "launcher/templates.h"
#include "sys/sys.h"

#define SWEEP_LATER (10 * RV_MS)
#define LOOK_AGAIN  (100 * RV_MS) /* at processes without a descriptor */
#define REAP_A_TURN 4096

/* A child of ours that is no life. */
struct rv_orphan {
	struct rv_hash_node by_pid;
	uint64_t life; /* whose it is; 0: nobody's that we know */
	bool counted;  /* in the life's `leftover` */
};

static struct rv_proc *
find_proc(struct rv_launcher *l, pid_t pid)
{
	struct rv_hash_node *node =
	    l->by_pid.n > 0 ? rv_hash_find(&l->by_pid, (uint64_t)pid) : NULL;

	return node != NULL ? RV_CONTAINER(node, struct rv_proc, by_pid) : NULL;
}

static struct rv_orphan *
find_orphan(struct rv_launcher *l, pid_t pid)
{
	struct rv_hash_node *node =
	    l->orphans.n > 0 ? rv_hash_find(&l->orphans, (uint64_t)pid) : NULL;

	return node != NULL ? RV_CONTAINER(node, struct rv_orphan, by_pid)
			    : NULL;
}

void
rv_orphan_forget(struct rv_launcher *l, pid_t pid)
{
	struct rv_orphan *orphan = find_orphan(l, pid);

	if (orphan != NULL) {
		rv_hash_remove(&l->orphans, &orphan->by_pid);
		rv_free(orphan);
	}
}

static uint64_t
life_of_recent(const struct rv_launcher *l, pid_t session)
{
	for (unsigned i = 0; i < RV_RECENT_DEAD; i++) {
		if (l->recent[i].pid == session && session != 0) {
			return l->recent[i].life;
		}
	}
	return 0;
}

/* The life whose session this is, among those that are not yet reported. */
static struct rv_life *
life_of_session(struct rv_launcher *l, pid_t session)
{
	struct rv_proc *proc = find_proc(l, session);

	if (proc != NULL) {
		return proc->life;
	}
	RV_LIST_EACH (life, &l->emptying, struct rv_life, link) {
		if (life->lead.pid == session) {
			return life;
		}
	}
	return NULL;
}

/*
 * By the session of a life that is here; by the mark; and, for those whose
 * environment is gone, by a session that was of a life not long ago (last,
 * since such a number may have come round).
 */
static uint64_t
attribute(struct rv_launcher *l, pid_t pid, pid_t session)
{
	struct rv_life *life = life_of_session(l, session);
	struct rv_kin_mark mark;

	if (life != NULL) {
		return life->keep->kill_mode != RV_KILL_PROCESS ? life->life
								: 0;
	}
	if (rv_kin_mark(pid, &mark) && strcmp(mark.run, l->run_id) == 0) {
		return mark.left_alone ? 0 : mark.life;
	}
	return life_of_recent(l, session);
}

static void
remember(struct rv_launcher *l, pid_t pid, uint64_t life, bool counted)
{
	struct rv_orphan *orphan = rv_alloc(1, sizeof(*orphan));

	/* Without memory it is looked at again next time. */
	if (orphan == NULL || !rv_hash_reserve(&l->orphans, l->orphans.n + 1)) {
		rv_free(orphan);
		return;
	}
	orphan->life = life;
	orphan->counted = counted;
	rv_hash_insert(&l->orphans, &orphan->by_pid, (uint64_t)pid);
}

void
rv_orphan_expect(struct rv_life *life, pid_t pid, bool counted)
{
	if (find_orphan(life->l, pid) == NULL &&
	    find_proc(life->l, pid) == NULL) {
		remember(life->l, pid, life->life, counted);
		life->victims = true;
	}
}

static bool
is_our_child(const struct rv_launcher *l, pid_t pid)
{
	pid_t parent;

	return rv_sys_proc_stat(pid, &parent, NULL, NULL, NULL, NULL) &&
	       parent == l->pid;
}

void
rv_orphans_settle(struct rv_life *life)
{
	struct rv_launcher *l = life->l;
	struct rv_hash_node *node, *next;

	for (size_t i = 0; life->victims && i < l->orphans.n_buckets; i++) {
		for (node = l->orphans.buckets[i]; node != NULL; node = next) {
			struct rv_orphan *orphan =
			    RV_CONTAINER(node, struct rv_orphan, by_pid);

			next = node->next;
			if (orphan->life == life->life &&
			    !is_our_child(l, (pid_t)node->key)) {
				rv_orphan_forget(l, (pid_t)node->key);
			}
		}
	}
}

/*
 * Dead since the last sweep: the next one reaps it, and the end of its life is
 * not reported before. Its environment is gone; its session tells whose it is.
 */
static void
await_reaping(
    struct rv_launcher *l, const struct rv_orphan *orphan, pid_t session)
{
	struct rv_life *life = orphan != NULL ? rv_life_find(l, orphan->life)
					      : life_of_session(l, session);

	if (life != NULL && life->state == RV_LIFE_EMPTYING) {
		life->orphans++;
		rv_sweep_soon(l);
	}
}

static void
look_at_child(void *ctx, pid_t pid)
{
	struct rv_launcher *l = ctx;
	struct rv_orphan *orphan = find_orphan(l, pid);
	struct rv_life *life;
	uint64_t number;
	pid_t session;
	char state;

	if (find_proc(l, pid) != NULL ||
	    (orphan != NULL && orphan->life == 0)) {
		return;
	}
	if (!rv_sys_proc_stat(pid, NULL, NULL, &session, &state, NULL)) {
		return;
	}
	if (state == 'Z') {
		await_reaping(l, orphan, session);
		return;
	}
	number = orphan != NULL ? orphan->life : attribute(l, pid, session);
	if (orphan == NULL) {
		remember(l, pid, number, false);
	}
	life = number != 0 ? rv_life_find(l, number) : NULL;
	if (number == 0 || (life != NULL && life->state == RV_LIFE_ALIVE)) {
		return;
	}
	rv_kin_kill_tree(pid, -1, true, NULL, NULL);
	if (life != NULL) {
		life->orphans++;
	}
}

static void
scan(struct rv_launcher *l)
{
	RV_LIST_EACH (life, &l->emptying, struct rv_life, link) {
		life->orphans = 0;
	}
	rv_kin_children(l->pid, look_at_child, l);
}

static bool reap_all(struct rv_launcher *);

static void
on_hunt(struct rv_defer *defer)
{
	struct rv_launcher *l = defer->ctx;

	reap_all(l);
	scan(l);
	while (!rv_list_empty(&l->hunters)) {
		struct rv_life *life =
		    RV_LIST_FIRST(&l->hunters, struct rv_life, hunter);

		rv_list_remove(&life->hunter);
		life->scanned = true;
		rv_life_advance(life);
	}
}

void
rv_hunt_soon(struct rv_life *life)
{
	struct rv_launcher *l = life->l;

	rv_list_remove(&life->hunter);
	rv_list_insert(&l->hunters, &life->hunter);
	rv_loop_defer(l->loop, &l->hunt_soon);
}

/* It is dead and still has its number: whose was it? */
static void
count_leftover(struct rv_launcher *l, pid_t pid)
{
	struct rv_orphan *orphan = find_orphan(l, pid);
	struct rv_life *life = NULL;
	pid_t session;

	if (rv_list_empty(&l->emptying)) {
		return;
	}
	if (orphan != NULL && orphan->counted) {
		return;
	}
	if (orphan != NULL && orphan->life != 0) {
		life = rv_life_find(l, orphan->life);
	} else if (rv_sys_proc_stat(pid, NULL, NULL, &session, NULL, NULL)) {
		life = life_of_session(l, session);
	}
	if (life != NULL && life->state == RV_LIFE_EMPTYING) {
		life->death.leftover++;
	}
}

/* True when somebody was reaped who is not a life. */
static bool
reap_all(struct rv_launcher *l)
{
	bool strangers = false;

	for (unsigned i = 0; i < REAP_A_TURN; i++) {
		siginfo_t info = { .si_pid = 0 };
		struct rv_proc *proc;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ==
			-1 ||
		    info.si_pid == 0) {
			break;
		}
		proc = find_proc(l, info.si_pid);
		if (proc == NULL) {
			count_leftover(l, info.si_pid);
			rv_orphan_forget(l, info.si_pid);
			rv_templates_reaped(l, &info);
			waitid(
			    P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
			strangers = true;
			continue;
		}
		if (proc->ended) {
			break; /* waits for the link; others after it */
		}
		rv_proc_ended(proc);
	}
	return strangers;
}

/* Asked only of those that are not our children. */
static bool
has_ended(const struct rv_proc *proc)
{
	uint64_t ticks;
	char state;

	if (rv_sys_wait(proc->pidfd, proc->pid, WEXITED | WNOHANG | WNOWAIT,
		NULL, NULL) != -1) {
		return false;
	}
	return !rv_sys_proc_stat(proc->pid, NULL, NULL, NULL, &state, &ticks) ||
	       state == 'Z' ||
	       (proc->start_ticks != 0 && proc->start_ticks != ticks);
}

/* Those of them that are not our children send no SIGCHLD either. */
static void
look_at_blind(struct rv_launcher *l)
{
	RV_LIST_EACH_SAFE (life, &l->lives, struct rv_life, link) {
		struct rv_proc *proc = life->main;

		if (proc->blind && !proc->ended && has_ended(proc)) {
			rv_proc_ended(proc);
		}
	}
}

static void
sweep(struct rv_launcher *l)
{
	reap_all(l);
	rv_partings_look(l);
	if (l->n_blind > 0) {
		look_at_blind(l);
	}
	RV_LIST_EACH_SAFE (life, &l->emptying, struct rv_life, link) {
		rv_life_advance(life);
	}
}

static void
on_sweep_soon(struct rv_defer *defer)
{
	sweep(defer->ctx);
}

static void
on_sweep_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_launcher *l = tick->ctx;

	(void)late;
	sweep(l);
	if (l->hunt_later) {
		l->hunt_later = false;
		scan(l);
	}
	if (l->n_blind > 0) {
		rv_tick_arm(l->loop, &l->sweep_tick, now + LOOK_AGAIN);
	}
}

void
rv_sweep_soon(struct rv_launcher *l)
{
	rv_loop_defer(l->loop, &l->sweep_soon);
	if (l->sweep_tick.heap_index == 0) {
		rv_tick_arm(l->loop, &l->sweep_tick,
		    rv_loop_now(l->loop) + SWEEP_LATER);
	}
}

static void
on_sigchld(struct rv_io *io, unsigned events)
{
	struct rv_launcher *l = io->ctx;
	struct signalfd_siginfo info[4];

	(void)events;
	while (
	    rv_sys_read(io->fd, info, sizeof(info)) == (ssize_t)sizeof(info)) {
	}
	if (l->n_blind > 0 || !rv_list_empty(&l->emptying)) {
		rv_sweep_soon(l);
	} else if (l->sweep_tick.heap_index == 0) {
		rv_tick_arm(l->loop, &l->sweep_tick,
		    rv_loop_now(l->loop) + SWEEP_LATER);
	}
}

enum reeve_status
rv_sweep_open(struct rv_launcher *l, struct reeve_error *err)
{
	sigset_t set;
	int fd;

	l->sweep_tick = (struct rv_tick){ .cb = on_sweep_tick, .ctx = l };
	l->sweep_soon = (struct rv_defer){ .cb = on_sweep_soon, .ctx = l };
	l->hunt_soon = (struct rv_defer){ .cb = on_hunt, .ctx = l };
	rv_list_init(&l->sweep_soon.link);
	rv_list_init(&l->hunt_soon.link);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	fd = rv_sys_signalfd(&set);
	if (fd == -1) {
		return rv_error_sys(err, errno, "cannot make a signalfd");
	}
	l->sigchld = (struct rv_io){ .cb = on_sigchld, .ctx = l };
	return rv_io_start(l->loop, &l->sigchld, fd, RV_LOOP_READ, err);
}

void
rv_sweep_close(struct rv_launcher *l)
{
	int fd = l->sigchld.fd;

	rv_tick_disarm(&l->sweep_tick);
	rv_defer_cancel(&l->sweep_soon);
	rv_defer_cancel(&l->hunt_soon);
	rv_io_stop(&l->sigchld);
	close(fd);
	for (size_t i = 0; i < l->orphans.n_buckets; i++) {
		while (l->orphans.buckets[i] != NULL) {
			rv_orphan_forget(l, (pid_t)l->orphans.buckets[i]->key);
		}
	}
	rv_hash_finish(&l->orphans);
}
