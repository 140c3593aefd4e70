/* SPDX-License-Identifier: MIT */
/*
 * Lives that others fork: see forks.h. The new process waits on a socket until
 * the supervisor knows of it; should the launcher or the forker end before, it
 * ends too, and nobody ever heard of it.
 */
#include "config.h"

#include "launcher/forks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "launcher/ahead.h"
#include "launcher/birth.h"
#include "launcher/life.h"
#include "launcher/listen.h"
#include "launcher/partings.h"
#include "launcher/templates.h"
#include "sys/sys.h"

/* Loading what a fork server preloads may take its time; then it hangs. */
#define ANSWER_WITHIN (60 * RV_SEC)

/* A process that a fork server has made for it, or makes yet, ends. */
static void
release(struct rv_fork *fork)
{
	struct rv_making *m = &fork->making;

	if (fork->is_asked && m->go[0] != -1 &&
	    fork->launch.method == RV_LAUNCH_BY_FORKSERVER) {
		rv_part(m->l, m->go[0]);
		m->go[0] = -1;
	}
	rv_making_finish(m);
}

static void
destroy(struct rv_fork *fork)
{
	rv_list_remove(&fork->link);
	rv_tick_disarm(&fork->tick);
	fork->making.l->n_asked -= fork->is_asked;
	release(fork);
	for (unsigned i = 0; i < fork->n_held; i++) {
		close(fork->held[i]);
	}
	rv_spare_drop(&fork->spare);
	rv_free(fork->frame);
	rv_free(fork);
}

static void
fail(struct rv_fork *fork, int stage, int sys_errno)
{
	rv_making_failed(&fork->making, (enum rv_stage)stage, sys_errno);
	rv_making_say_failed(&fork->making);
	destroy(fork);
}

static void
become_life(struct rv_fork *fork, pid_t pid, int pidfd, uint64_t ticks)
{
	struct rv_making *m = &fork->making;
	struct rv_life *life = m->life;

	rv_life_enter(life);
	/* All that would be lost with us is elsewhere before it goes on. */
	rv_making_hold_outputs(m, pid);
	rv_life_hear_start(life, m->go[0]);
	m->go[0] = -1;
	rv_life_say_launched(life, pid, ticks);
	rv_proc_watch(&life->lead, life, pid, pidfd, ticks);
	destroy(fork);
}

/*
 * A host may be another user than when it started us: what we have made for
 * its worker is ours alone. It waits for our word, so that nothing is late.
 */
static void
lend(struct rv_fork *fork, pid_t pid, int pidfd)
{
	struct rv_making *m = &fork->making;
	uid_t uid;

	if (fork->launch.method != RV_LAUNCH_BY_FORK ||
	    fork->launch.keep.set_user ||
	    (!rv_sys_pidfd_uid(pidfd, &uid) && !rv_sys_proc_uid(pid, &uid)) ||
	    uid == m->l->uid) {
		return;
	}
	rv_listen_lend(m->life, uid);
	for (unsigned i = 0; i < 2; i++) {
		/* For programs that open /dev/stdout anew. */
		if (m->reads[i] != -1 &&
		    fchown(m->reads[i], uid, (gid_t)-1) == -1) {
			rv_launcher_trouble(m->l, errno,
			    "cannot let user %u reopen an output", uid);
		}
	}
}

bool
rv_fork_is_ours(const struct rv_launcher *l, pid_t pid)
{
	return rv_hash_find(&l->by_pid, (uint64_t)pid) == NULL &&
	       rv_sys_wait(-1, pid, WEXITED | WNOHANG | WNOWAIT, NULL, NULL) !=
		   -1;
}

/* -1: errno; it may have been killed on its way, and been reaped. */
static int
open_process(const struct rv_fork *fork, pid_t pid)
{
	if (fork->launch.method == RV_LAUNCH_BY_FORKSERVER &&
	    !rv_fork_is_ours(fork->making.l, pid)) {
		errno = ESRCH;
		return -1;
	}
	return rv_sys_pidfd_open(pid);
}

void
rv_fork_done(struct rv_fork *fork, const struct rv_fork_result *result)
{
	uint64_t ticks;
	int pidfd = -1;

	if (fork->is_canceled) {
		destroy(fork);
		return;
	}
	if (result->pid == 0) {
		fail(fork, result->stage, result->sys_errno);
		return;
	}
	if (!rv_lives_reserve(fork->making.l)) {
		fail(fork, RV_STAGE_MEMORY, ENOMEM); /* its socket's end */
		return;
	}
	pidfd = open_process(fork, result->pid);
	if (pidfd == -1 && errno == ESRCH) {
		fail(fork, RV_STAGE_CLONE, EAGAIN); /* killed on its way */
		return;
	}
	lend(fork, result->pid, pidfd);
	ticks = rv_birth_ticks(fork->asked_at, rv_birth_clock());
	become_life(fork, result->pid, pidfd,
	    ticks != 0 ? ticks : rv_sys_start_ticks(result->pid));
}

void
rv_fork_cancel(struct rv_launcher *l, uint64_t life)
{
	struct rv_fork *fork = rv_template_find(l, life);

	if (fork == NULL || fork->is_canceled) {
		return;
	}
	fork->is_canceled = true;
	rv_making_failed(&fork->making, RV_STAGE_CANCELED, ECANCELED);
	rv_making_say_failed(&fork->making);
	release(fork);
}

/* Its forker does not answer. */
static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_fork *fork = RV_CONTAINER(tick, struct rv_fork, tick);

	(void)now;
	(void)late;
	if (fork->launch.method == RV_LAUNCH_BY_FORKSERVER) {
		rv_template_hangs(fork);
	} else {
		fail(fork, RV_STAGE_CLONE, ETIMEDOUT);
	}
}

static bool
make_go(struct rv_making *m)
{
	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, m->go) == -1) {
		m->go[0] = m->go[1] = -1;
		return rv_making_failed(m, RV_STAGE_PIPE, errno);
	}
	return true;
}

/* A spare has its end of the socket already; else that goes along. */
static void
list_fds(struct rv_fork *fork)
{
	struct rv_birth *birth = fork->making.birth;

	fork->n_fds = 0;
	if (fork->making.call != -1) {
		fork->fds[fork->n_fds++] = fork->making.call;
	}
	for (unsigned i = 0; i < birth->n_fds; i++) {
		if (birth->fds[i].at == birth->report) {
			birth->fds[i].from = fork->making.go[1];
		}
		if (birth->fds[i].from != -1) {
			fork->fds[fork->n_fds++] = birth->fds[i].from;
		}
	}
}

/*
 * A fork server may not be ready, and the supervisor take its sockets back
 * meanwhile.
 */
static bool
hold_listeners(struct rv_fork *fork)
{
	const struct rv_birth *birth = fork->making.birth;
	int behind = 3 + (int)fork->launch.listen.count;
	unsigned at = fork->making.call != -1;

	for (unsigned i = 0; i < birth->n_fds; i++) {
		int *fd = &fork->fds[at];

		if (birth->fds[i].from == -1) {
			continue;
		}
		at++;
		if (birth->fds[i].at < 3 || birth->fds[i].at >= behind) {
			continue;
		}
		*fd = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
		if (*fd == -1) {
			return rv_making_failed(
			    &fork->making, RV_STAGE_LISTENER, errno);
		}
		fork->held[fork->n_held++] = *fd;
	}
	return true;
}

static bool
prepare(struct rv_fork *fork)
{
	struct rv_making *m = &fork->making;

	if (fork->launch.method == RV_LAUNCH_BY_FORKSERVER) {
		rv_template_lend(m->l, &fork->launch.preload, &fork->spare);
	}
	if (!rv_making_life(m) ||
	    !rv_making_call(m, true, fork->spare.pid != 0) ||
	    (fork->spare.pid == 0 && !make_go(m)) ||
	    !rv_making_descriptors(m)) {
		return false;
	}
	list_fds(fork);
	return true;
}

/* Somebody killed it, or the kernel had no room for its call just then. */
static void
fail_start(struct rv_life *life)
{
	bool again = errno == EPIPE || errno == ECONNRESET ||
		     errno == ENOBUFS || errno == ETOOMANYREFS;

	life->death.stage = RV_STAGE_FORKSERVER;
	life->death.sys_errno = again ? EAGAIN : errno;
}

/*
 * As above; and so it gets its call and the word to go on at once, in one
 * packet. The rest can wait.
 */
static void
start_spare(struct rv_fork *fork)
{
	struct rv_making *m = &fork->making;
	struct rv_spare *spare = &fork->spare;
	struct rv_life *life = m->life;
	bool told;

	rv_life_enter(life);
	rv_making_hold_outputs(m, spare->pid);
	told =
	    rv_life_tell_launched(life, spare->pid, spare->ticks, spare->page);
	if (!rv_spare_call(spare, told, m->call == -1 ? m->map : NULL,
		m->map_size, fork->fds, fork->n_fds)) {
		fail_start(life);
		rv_sys_pidfd_signal(spare->pidfd, spare->pid, SIGKILL);
	}
	rv_life_hear_start_soon(life, spare->go);
	rv_proc_watch(
	    &life->lead, life, spare->pid, spare->pidfd, spare->ticks);
	if (spare->page != -1) {
		close(spare->page);
	}
	fork->spare = RV_NO_SPARE;
	destroy(fork);
}

static void
ask_host(struct rv_fork *fork)
{
	struct rv_launcher *l = fork->making.l;
	struct rv_launch_frame frame = { .op = RV_LAUNCH_FORK,
		.life = fork->launch.life };

	rv_list_insert(&l->forks, &fork->link);
	rv_link_send_fds(l, &frame, fork->fds, fork->n_fds);
	rv_making_give_away(&fork->making);
}

/* The frame is kept: what is launched is told of until it is a life. */
static struct rv_fork *
make(struct rv_launcher *l, const void *frame, size_t len)
{
	struct rv_fork *fork = rv_alloc(1, sizeof(*fork));

	if (fork == NULL) {
		return NULL;
	}
	fork->frame = rv_alloc(1, len);
	if (fork->frame == NULL ||
	    !rv_launch_decode(
		memcpy(fork->frame, frame, len), len, &fork->launch)) {
		rv_free(fork->frame);
		rv_free(fork);
		return NULL;
	}
	rv_list_init(&fork->link);
	fork->tick.cb = on_tick;
	fork->spare = RV_NO_SPARE;
	rv_making_begin(&fork->making, l, &fork->launch);
	return fork;
}

/* Before it was asked of anybody; a spare ends with it. */
static void
give_up(struct rv_fork *fork)
{
	rv_making_say_failed(&fork->making);
	destroy(fork);
}

void
rv_fork_launch(struct rv_launcher *l, const void *frame, size_t len)
{
	struct rv_fork *fork = make(l, frame, len);
	struct rv_launch_frame failed = { .op = RV_LAUNCH_FAILED,
		.stage = RV_STAGE_MEMORY,
		.sys_errno = ENOMEM };
	struct rv_launch launch;

	if (fork == NULL) {
		failed.life =
		    rv_launch_decode(frame, len, &launch) ? launch.life : 0;
		rv_link_send(l, &failed);
		return;
	}
	if (!prepare(fork) || !rv_making_listen(&fork->making)) {
		give_up(fork);
		return;
	}
	if (fork->spare.pid != 0) {
		start_spare(fork);
		return;
	}
	if (!hold_listeners(fork)) {
		give_up(fork);
		return;
	}
	fork->is_asked = true;
	fork->asked_at = rv_birth_clock();
	l->n_asked++;
	rv_tick_arm(l->loop, &fork->tick,
	    rv_time_add(rv_loop_now(l->loop), ANSWER_WITHIN));
	if (fork->launch.method == RV_LAUNCH_BY_FORK) {
		ask_host(fork);
	} else {
		rv_template_ask(l, fork);
	}
}

void
rv_fork_answered(struct rv_launcher *l, const struct rv_launch_frame *f)
{
	struct rv_fork_result result = {
		.pid = f->pid, .stage = f->stage, .sys_errno = f->sys_errno
	};

	RV_LIST_EACH_SAFE (fork, &l->forks, struct rv_fork, link) {
		if (fork->launch.life == f->life) {
			rv_fork_done(fork, &result);
			return;
		}
	}
}

void
rv_forks_drop(struct rv_launcher *l)
{
	RV_LIST_EACH_SAFE (fork, &l->forks, struct rv_fork, link) {
		fail(fork, RV_STAGE_CLONE, ECANCELED);
	}
	rv_templates_finish(l);
	rv_ahead_drop(l);
}
