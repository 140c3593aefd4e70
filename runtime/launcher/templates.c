/* SPDX-License-Identifier: MIT */
/*
 * Fork servers: see templates.h. A template is a process of ours like the
 * launcher itself: no life, known to nobody else, tied to us by its socket.
 */
#include "config.h"

#include "launcher/templates.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "child/call.h"
#include "launcher/life.h"
#include "launcher/partings.h"
#include "launcher/plan.h"
#include "sys/sys.h"
#include "wire/packet.h"

#define SOCKET_AT 3
#define CALL_AT   4
/* As its blanks fill it up there is room for the paths of its workers. */
#define TITLE_ROOM 320
/* So many requests may be on their way; descriptors in flight are few. */
#define ASKED_MAX 16

struct rv_template {
	struct rv_list link; /* in l->templates */
	struct rv_launcher *l;
	char *key; /* what it preloads: n texts */
	uint32_t n_keys, key_bytes;
	struct rv_io io, end_io; /* its socket, its pidfd */
	int sock, pidfd;
	pid_t pid;
	bool ready;
	bool killed; /* as whoever reaped it has seen */
	bool owes;   /* one ahead, when it has answered what it was asked */
	struct rv_list waiting, asked; /* struct rv_fork */
	unsigned n_asked;
	struct rv_spare spare; /* without pid but with go: asked for */
	int flaw; /* errno with which preloading failed, 0: it did not */
};

/* -------- asking -------- */

static bool
send_fork(struct rv_template *t, struct rv_fork *fork)
{
	struct rv_fork_frame frame = { .op = RV_FORK_ASK,
		.life = fork->launch.life };

	return rv_packet_send(
		   t->sock, &frame, sizeof(frame), fork->fds, fork->n_fds) == 0;
}

/* After a request that did not go out: an answer makes room, or an end comes.
 */
static bool
is_heard_of(const struct rv_template *t)
{
	return errno == EPIPE || errno == ECONNRESET || t->n_asked > 0 ||
	       (t->spare.go != -1 && t->spare.pid == 0);
}

static void
ask_next(struct rv_template *t)
{
	const struct rv_fork_result failed = { .stage = RV_STAGE_FORKSERVER,
		.sys_errno = EAGAIN };

	while (
	    t->ready && t->n_asked < ASKED_MAX && !rv_list_empty(&t->waiting)) {
		struct rv_fork *fork =
		    RV_LIST_FIRST(&t->waiting, struct rv_fork, link);

		if (fork->is_canceled) {
			rv_fork_done(fork, NULL);
			continue;
		}
		if (!send_fork(t, fork)) {
			if (is_heard_of(t)) {
				return;
			}
			rv_list_remove(&fork->link);
			rv_fork_done(fork, &failed);
			continue;
		}
		rv_list_remove(&fork->link);
		rv_list_insert(&t->asked, &fork->link);
		t->n_asked++;
		rv_making_give_away(&fork->making);
	}
}

/*
 * Only when nobody waits, and never the first thing: a program whose functions
 * are never started has none of these. Who waits now may never begin, as it is
 * taken back or fails: so it is not their beginning that is waited for.
 */
static void
ask_spare(struct rv_template *t)
{
	struct rv_fork_frame frame = { .op = RV_FORK_SPARE };
	int go[2];

	/* One that was killed before we had met it is in the way. */
	(void)rv_spare_is_ready(&t->spare);
	if (!t->ready || t->spare.go != -1) {
		return;
	}
	t->owes = !rv_list_empty(&t->waiting) || !rv_list_empty(&t->asked);
	if (t->owes ||
	    rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, go) == -1) {
		return;
	}
	if (rv_packet_send(t->sock, &frame, sizeof(frame), &go[1], 1) == 0) {
		t->spare.go = go[0];
	} else {
		close(go[0]);
	}
	close(go[1]);
}

void
rv_templates_refill(struct rv_launcher *l)
{
	rv_ahead_make(l);
	RV_LIST_EACH (t, &l->templates, struct rv_template, link) {
		ask_spare(t);
	}
}

/* -------- its end -------- */

static void
fail_all(struct rv_list *forks, int stage, int sys_errno)
{
	struct rv_fork_result result = { .stage = stage,
		.sys_errno = sys_errno };

	while (!rv_list_empty(forks)) {
		rv_fork_done(
		    RV_LIST_FIRST(forks, struct rv_fork, link), &result);
	}
}

static bool
is_kill(const siginfo_t *info)
{
	return info->si_code == CLD_KILLED && info->si_status == SIGKILL;
}

/*
 * Ends it, if it has not; true: somebody killed it, it did not fail. With it
 * end those of its group: what it is forking, which could hang in what the
 * program has to do in a fork; workers have sessions of their own.
 */
static bool
end_process(struct rv_template *t)
{
	siginfo_t info = { 0 };

	if (t->pidfd == -1) {
		return false;
	}
	rv_sys_pidfd_signal_group(t->pidfd, t->pid, SIGKILL);
	/* It has ended, or does now: this wait is none. */
	rv_sys_pidfd_signal(t->pidfd, t->pid, SIGKILL);
	rv_sys_wait(t->pidfd, t->pid, WEXITED, &info, NULL);
	close(t->pidfd);
	t->pidfd = -1;
	return is_kill(&info) || t->killed;
}

void
rv_templates_reaped(struct rv_launcher *l, const siginfo_t *info)
{
	RV_LIST_EACH (t, &l->templates, struct rv_template, link) {
		if (t->pid == info->si_pid && t->pidfd != -1) {
			t->killed = is_kill(info);
		}
	}
}

static void
destroy(struct rv_template *t)
{
	rv_io_stop(&t->io);
	rv_io_stop(&t->end_io);
	rv_list_remove(&t->link);
	if (t->sock != -1) {
		close(t->sock);
	}
	end_process(t);
	if (t->spare.go != -1 && t->spare.pid == 0) {
		rv_part(t->l, t->spare.go);
		t->spare.go = -1;
	}
	rv_spare_drop(&t->spare);
	rv_free(t->key);
	rv_free(t);
}

/*
 * Those that were being forked wait for a word that does not come, and end;
 * those that were still to be asked for go to another, unless this one never
 * got as far as that.
 */
static void
ended(struct rv_template *t)
{
	struct rv_launcher *l = t->l;
	struct rv_list waiting;
	bool good = t->ready;
	int flaw = t->flaw;

	rv_io_stop(&t->end_io);
	good = end_process(t) || good;
	fail_all(&t->asked, RV_STAGE_FORKSERVER, EAGAIN);
	rv_list_init(&waiting);
	while (!rv_list_empty(&t->waiting)) {
		struct rv_fork *fork =
		    RV_LIST_FIRST(&t->waiting, struct rv_fork, link);

		rv_list_remove(&fork->link);
		rv_list_insert(&waiting, &fork->link);
	}
	destroy(t);
	if (!good || l->ending) {
		fail_all(&waiting,
		    flaw != 0 ? RV_STAGE_PRELOAD : RV_STAGE_FORKSERVER,
		    flaw != 0 ? flaw : ECHILD);
	}
	while (!rv_list_empty(&waiting)) {
		struct rv_fork *fork =
		    RV_LIST_FIRST(&waiting, struct rv_fork, link);

		rv_list_remove(&fork->link);
		rv_template_ask(l, fork);
	}
}

/* -------- what it says -------- */

static struct rv_fork *
find_fork(const struct rv_list *forks, uint64_t life)
{
	RV_LIST_EACH (fork, forks, struct rv_fork, link) {
		if (fork->launch.life == life) {
			return fork;
		}
	}
	return NULL;
}

static void
on_done(struct rv_template *t, const struct rv_fork_frame *frame)
{
	struct rv_fork_result result = { .pid = frame->pid,
		.stage = frame->stage,
		.sys_errno = frame->sys_errno };

	struct rv_fork *fork = find_fork(&t->asked, frame->life);

	if (fork != NULL) {
		t->n_asked--;
		rv_fork_done(fork, &result);
	}
}

/* False: there is nothing to read. */
static bool
read_one(struct rv_template *t)
{
	struct rv_fork_frame frame;
	struct rv_packet packet;
	int got = rv_packet_receive(t->sock, &frame, sizeof(frame), &packet);

	if (got != 1) {
		return false;
	}
	rv_packet_close_fds(&packet);
	if (packet.len != sizeof(frame)) {
		return true;
	}
	frame.text[sizeof(frame.text) - 1] = '\0';
	if (frame.op == RV_FORK_READY) {
		t->ready = true;
	} else if (frame.op == RV_FORK_DONE) {
		on_done(t, &frame);
	} else if (frame.op == RV_FORK_SPARE && frame.pid > 0 &&
		   rv_fork_is_ours(t->l, frame.pid)) {
		rv_spare_meet(&t->spare, frame.pid);
	} else if (frame.op == RV_FORK_SPARE) {
		rv_spare_drop(&t->spare);
	} else if (frame.op == RV_FORK_FAILED) {
		t->flaw = frame.sys_errno != 0 ? frame.sys_errno : ECHILD;
		rv_launcher_trouble(t->l, 0, "%s", frame.text);
	}
	return true;
}

static void
on_io(struct rv_io *io, unsigned events)
{
	struct rv_template *t = RV_CONTAINER(io, struct rv_template, io);

	(void)events;
	while (!t->l->link.blocked && read_one(t)) {
		continue;
	}
	ask_next(t);
	if (t->owes) {
		ask_spare(t);
	}
}

static void
on_end(struct rv_io *io, unsigned events)
{
	struct rv_template *t = RV_CONTAINER(io, struct rv_template, end_io);

	(void)events;
	/* What it did last counts. */
	while (read_one(t)) {
		continue;
	}
	ended(t);
}

/* -------- starting one -------- */

/* As a worker that executes the program, but with nothing of a worker. */
static bool
plan(struct rv_template *t, struct rv_making *m, struct rv_slot *slot, int sock)
{
	struct rv_launcher *l = t->l;
	size_t size = rv_plan_size(l, m->launch);
	void *room = rv_slot_room(&l->slots, slot, size);

	if (room == NULL || !rv_making_call(m, false, false)) {
		return false;
	}
	slot->birth = rv_plan_lay(l, m->launch, room, size);
	rv_plan_fd(slot->birth, sock, SOCKET_AT, false);
	rv_plan_fd(slot->birth, m->call, CALL_AT, false);
	rv_plan_fd(slot->birth, l->program_fd, CALL_AT + 1, true);
	slot->birth->program = CALL_AT + 1;
	return true;
}

static void
on_left(struct rv_slot *slot, int stage, int sys_errno)
{
	struct rv_launcher *l = slot->ctx;

	if (stage != 0) {
		rv_launcher_trouble(l, sys_errno,
		    "cannot start a fork server (step %d of its launch)",
		    stage);
	}
}

/* What ps shows: whose functions, and of which runtime, as the launcher does */
static void
name_process(const struct rv_template *t, char title[static TITLE_ROOM])
{
	const struct rv_launcher *l = t->l;
	const char *preloads = t->n_keys > 0 ? t->key : "";
	char link[32], program[128];
	ssize_t n;
	size_t len;

	rv_format(link, sizeof(link), "/proc/self/fd/%d", l->program_fd);
	n = readlink(link, program, sizeof(program) - 1);
	program[RV_MAX(n, 0)] = '\0';
	rv_format(title, TITLE_ROOM, "reeve: fork server of %s%s%.128s, %.64s",
	    program, preloads[0] != '\0' ? " with " : "", preloads,
	    l->runtime_dir);
	len = strlen(title);
	memset(title + len, ' ', TITLE_ROOM - 1 - len);
	title[TITLE_ROOM - 1] = '\0';
}

static bool
start_process(struct rv_template *t, struct rv_slot *slot, int sock)
{
	static const char *const env[] = { RV_TEMPLATE_ENV "=3",
		RV_CALL_ENV "=4", NULL };
	struct rv_launcher *l = t->l;
	char title[TITLE_ROOM];
	struct rv_launch launch = { .path = "",
		/* As it came from the supervisor: one behind the other. */
		.argv = { .packed = title, .count = 1, .bytes = sizeof(title) },
		.env = rv_strings_of(env),
		.umask = -1,
		.ready_fd = -1,
		.preload = { .packed = t->key,
		    .count = t->n_keys,
		    .bytes = t->key_bytes } };
	char
	    packed_env[sizeof(RV_TEMPLATE_ENV "=3") + sizeof(RV_CALL_ENV "=4")];
	struct rv_making m;
	bool made;

	name_process(t, title);
	memcpy(packed_env, env[0], strlen(env[0]) + 1);
	memcpy(packed_env + strlen(env[0]) + 1, env[1], strlen(env[1]) + 1);
	launch.env.packed = packed_env;
	launch.env.bytes = sizeof(packed_env);
	rv_making_begin(&m, l, &launch);
	made = plan(t, &m, slot, sock);
	if (made) {
		slot->ctx = l;
		slot->left = on_left;
		t->pid = rv_slot_clone(&l->slots, slot, &t->pidfd);
		made = t->pid > 0;
	}
	if (made) {
		rv_slot_announce(&l->slots, slot);
	} else {
		rv_slots_untake(&l->slots, slot);
		t->pidfd = -1;
	}
	rv_making_finish(&m);
	return made;
}

static bool
start(struct rv_template *t)
{
	struct rv_launcher *l = t->l;
	struct rv_slot *slot = rv_slots_take(&l->slots);
	int socks[2] = { -1, -1 };
	bool started;

	if (slot == NULL) {
		return false;
	}
	if (rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks) == -1) {
		rv_slots_untake(&l->slots, slot);
		return false;
	}
	t->sock = socks[0];
	started = start_process(t, slot, socks[1]);
	close(socks[1]);
	t->io = (struct rv_io){ .cb = on_io };
	t->end_io = (struct rv_io){ .cb = on_end };
	return started && t->pidfd != -1 &&
	       rv_io_start(l->loop, &t->io, t->sock, RV_LOOP_READ, NULL) ==
		   REEVE_OK &&
	       rv_io_start(l->loop, &t->end_io, t->pidfd, RV_LOOP_READ, NULL) ==
		   REEVE_OK;
}

static struct rv_template *
make(struct rv_launcher *l, const struct rv_strings *preload)
{
	struct rv_template *t = rv_alloc(1, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	t->l = l;
	t->sock = t->pidfd = -1;
	t->spare = RV_NO_SPARE;
	t->n_keys = preload->count;
	t->key_bytes = preload->bytes;
	rv_list_init(&t->waiting);
	rv_list_init(&t->asked);
	rv_list_init(&t->link);
	t->key = rv_alloc(1, preload->bytes + 1);
	if (t->key != NULL && preload->bytes > 0) {
		memcpy(t->key, preload->packed, preload->bytes);
	}
	if (t->key == NULL || !start(t)) {
		destroy(t);
		return NULL;
	}
	rv_list_insert(&l->templates, &t->link);
	return t;
}

static struct rv_template *
find(struct rv_launcher *l, const struct rv_strings *preload)
{
	RV_LIST_EACH (t, &l->templates, struct rv_template, link) {
		if (t->key_bytes == preload->bytes && t->flaw == 0 &&
		    (preload->bytes == 0 ||
			memcmp(t->key, preload->packed, preload->bytes) == 0)) {
			return t;
		}
	}
	return NULL;
}

void
rv_template_ask(struct rv_launcher *l, struct rv_fork *fork)
{
	struct rv_template *t = find(l, &fork->launch.preload);
	struct rv_fork_result failed = { .stage = RV_STAGE_FORKSERVER,
		.sys_errno = EAGAIN };

	if (t == NULL && !fork->is_canceled) {
		t = make(l, &fork->launch.preload);
	}
	if (t == NULL) {
		rv_fork_done(fork, &failed);
		return;
	}
	rv_list_insert(&t->waiting, &fork->link);
	ask_next(t);
}

struct rv_fork *
rv_template_find(struct rv_launcher *l, uint64_t life)
{
	struct rv_fork *fork = NULL;

	RV_LIST_EACH (t, &l->templates, struct rv_template, link) {
		if (fork == NULL) {
			fork = find_fork(&t->waiting, life);
		}
		if (fork == NULL) {
			fork = find_fork(&t->asked, life);
		}
	}
	return fork;
}

void
rv_template_lend(struct rv_launcher *l, const struct rv_strings *preload,
    struct rv_spare *spare)
{
	struct rv_template *t = find(l, preload);

	*spare = RV_NO_SPARE;
	if (t != NULL && rv_spare_is_ready(&t->spare)) {
		*spare = t->spare;
		t->spare = RV_NO_SPARE;
	}
}

void
rv_template_hangs(struct rv_fork *fork)
{
	struct rv_template *t = find(fork->making.l, &fork->launch.preload);
	struct rv_fork_result failed = { .stage = RV_STAGE_FORKSERVER,
		.sys_errno = ETIMEDOUT };

	if (t != NULL) {
		/* Its end takes care of the rest. */
		rv_sys_pidfd_signal(t->pidfd, t->pid, SIGKILL);
	}
	rv_fork_done(fork, &failed);
}

void
rv_templates_finish(struct rv_launcher *l)
{
	RV_LIST_EACH_SAFE (t, &l->templates, struct rv_template, link) {
		fail_all(&t->asked, RV_STAGE_FORKSERVER, ECANCELED);
		fail_all(&t->waiting, RV_STAGE_FORKSERVER, ECANCELED);
		destroy(t);
	}
}
