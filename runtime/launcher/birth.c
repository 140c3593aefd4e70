/* SPDX-License-Identifier: MIT */
/*
 * From a LAUNCH to a process: pipes, sockets, plan, clone, and the word to the
 * supervisor. What fails before the clone leaves nothing behind and is said
 * with its stage; what fails after it is the process's own end. No step reads
 * /proc or waits for the child.
 */
#include "config.h"

#include "launcher/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "launcher/life.h"
#include "launcher/listen.h"
#include "launcher/plan.h"
#include "sys/sys.h"

/* Everything that a launch owns until it has succeeded. */
struct birth {
	struct rv_launcher *l;
	const struct rv_launch *launch;
	enum rv_stage stage;
	int sys_errno;
	struct rv_life *life;
	struct rv_slot *slot;
	int reads[2], writes[2]; /* of stdout's and stderr's pipes */
	int ready[2];
	int notify;
	pid_t pid;
	int pidfd;
	uint64_t ticks;
};

static bool
failed(struct birth *b, enum rv_stage stage, int sys_errno)
{
	b->stage = stage;
	b->sys_errno = sys_errno;
	return false;
}

static int64_t
boot_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/*
 * The kernel stamps a process with this clock and shows the stamp in ticks: if
 * the tick was the same before and after, there is nothing to ask /proc.
 */
uint64_t
rv_birth_ticks(int64_t before_ns, int64_t after_ns)
{
	int64_t tick = RV_SEC / sysconf(_SC_CLK_TCK);

	return before_ns / tick == after_ns / tick
		   ? (uint64_t)(before_ns / tick)
		   : 0;
}

static bool
make_pipe(const struct rv_launch_out *out, int *read_end, int *write_end)
{
	int fds[2];

	if (out->kind != RV_LAUNCH_OUT_FILE) {
		return true;
	}
	if (rv_sys_pipe2(fds, 0) == -1) {
		return false;
	}
	*read_end = fds[0];
	*write_end = fds[1];
	return true;
}

/* Programs open /dev/stdout anew, which asks who owns the pipe. */
static bool
give_pipes(struct birth *b)
{
	const struct rv_launch_keep *keep = &b->launch->keep;

	for (unsigned i = 0; i < 2 && b->slot->birth->set_uid; i++) {
		if (b->writes[i] != -1 &&
		    fchown(b->writes[i], keep->uid, (gid_t)-1) == -1) {
			return false;
		}
	}
	return true;
}

static bool
make_descriptors(struct birth *b)
{
	const struct rv_launch *launch = b->launch;

	if (!make_pipe(&launch->out, &b->reads[0], &b->writes[0]) ||
	    !make_pipe(&launch->err, &b->reads[1], &b->writes[1]) ||
	    !give_pipes(b)) {
		return failed(b, RV_STAGE_PIPE, errno);
	}
	if (launch->ready_fd >= 0 &&
	    (rv_sys_pipe2(b->ready, 0) == -1 ||
		fcntl(b->ready[0], F_SETFL, O_NONBLOCK) == -1)) {
		return failed(b, RV_STAGE_READY_PIPE, errno);
	}
	if (launch->keep.notify) {
		b->notify = rv_listen_bind(b->l, launch->life, &launch->keep);
		if (b->notify == -1) {
			return failed(b, RV_STAGE_NOTIFY, errno);
		}
	}
	return true;
}

/* What becomes this output, -1: it stays as it is. */
static int
source_of(const struct rv_launch_out *out, int pipe_end, int merged)
{
	switch (out->kind) {
	case RV_LAUNCH_OUT_FILE:
		return pipe_end;
	case RV_LAUNCH_OUT_MERGED:
		return merged;
	case RV_LAUNCH_OUT_NONE:
		return 0; /* the launcher's stdin is /dev/null */
	default:
		return -1;
	}
}

static void
plan_descriptors(struct birth *b)
{
	struct rv_birth *birth = b->slot->birth;
	int out = source_of(&b->launch->out, b->writes[0], -1);
	int err = source_of(&b->launch->err, b->writes[1], out != -1 ? out : 1);

	if (out != -1) {
		rv_plan_fd(birth, out, 1, false);
	}
	if (err != -1) {
		rv_plan_fd(birth, err, 2, false);
	}
	if (b->ready[1] != -1) {
		rv_plan_fd(birth, b->ready[1], b->launch->ready_fd, false);
	}
	birth->list_fds = RV_FAULT(close_range) != 0;
}

static void
on_left(struct rv_slot *slot, int stage, int sys_errno)
{
	struct rv_life *life = slot->ctx;

	if (life != NULL) {
		RV_MAGIC_CHECK(life, RV_LIFE_MAGIC);
		life->slot = NULL;
		life->death.stage = stage;
		life->death.sys_errno = sys_errno;
	}
}

static bool
prepare(struct birth *b)
{
	struct rv_launcher *l = b->l;

	if (rv_life_find(l, b->launch->life) != NULL) {
		return failed(b, RV_STAGE_DECODE, EEXIST);
	}
	if (!rv_lives_reserve(l)) {
		return failed(b, RV_STAGE_MEMORY, ENOMEM);
	}
	b->life = rv_life_create(l, b->launch->life, &b->launch->keep);
	b->slot = rv_slots_take(&l->slots);
	if (b->slot == NULL) {
		return failed(b, RV_STAGE_CLONE, EAGAIN);
	}
	if (b->life == NULL || !rv_plan_make(l, b->launch, b->slot)) {
		return failed(b, RV_STAGE_MEMORY, ENOMEM);
	}
	if (!make_descriptors(b)) {
		return false;
	}
	if ((b->notify != -1 || b->ready[0] != -1)) {
		int notify = b->notify, ready = b->ready[0];

		b->notify = b->ready[0] = -1;
		if (!rv_listen_start(b->life, notify, ready)) {
			return failed(b, RV_STAGE_WATCH, ENOMEM);
		}
	}
	plan_descriptors(b);
	return true;
}

static bool
make_process(struct birth *b)
{
	int64_t before, after;

	before = boot_time_ns();
	b->pid = rv_slot_clone(&b->l->slots, b->slot, &b->pidfd);
	if (b->pid == -1) {
		return failed(b, RV_STAGE_CLONE, errno);
	}
	after = boot_time_ns();
	b->slot->ctx = b->life;
	b->slot->left = on_left;
	b->life->slot = b->slot;
	b->ticks = rv_birth_ticks(before, after);
	if (b->ticks == 0) {
		b->ticks = rv_sys_start_ticks(b->pid);
	}
	return true;
}

/* The child goes on as soon as the supervisor's socket has the word. */
static void
say_launched(struct birth *b)
{
	struct rv_launcher *l = b->l;
	struct rv_launch_frame frame = { .op = RV_LAUNCH_LAUNCHED,
		.life = b->launch->life,
		.pid = b->pid,
		.start_ticks = b->ticks };

	rv_link_send(l, &frame);
	if (l->link.blocked) {
		l->unannounced = b->life;
	} else {
		rv_slot_announce(&l->slots, b->slot);
	}
}

static void
hold_outputs(struct birth *b)
{
	const struct rv_launch *launch = b->launch;
	struct rv_output output = { .life = launch->life,
		.pid = b->pid,
		.merged = launch->err.kind == RV_LAUNCH_OUT_MERGED,
		.uid = launch->keep.set_user ? launch->keep.uid : b->l->uid,
		.gid = launch->set_group ? launch->gid : getegid(),
		.path = launch->path };
	int fds[2];
	unsigned n = 0;

	if (b->reads[0] != -1) {
		output.streams |= RV_OUTPUT_STDOUT;
		output.out = (struct rv_output_log){ launch->out.path,
			launch->out.max_bytes, launch->out.backups };
		fds[n++] = b->reads[0];
	}
	if (b->reads[1] != -1) {
		output.streams |= RV_OUTPUT_STDERR;
		output.err = (struct rv_output_log){ launch->err.path,
			launch->err.max_bytes, launch->err.backups };
		fds[n++] = b->reads[1];
	}
	b->reads[0] = b->reads[1] = -1;
	if (launch->keep.notify) {
		output.streams |= RV_OUTPUT_NOTIFY;
	}
	if (output.streams != 0 &&
	    !rv_outputs_hold(&b->l->outputs, &output, fds)) {
		rv_launcher_trouble(
		    b->l, ENOMEM, "cannot keep the output of %s", launch->path);
	}
}

static void
close_if_open(int fd)
{
	if (fd != -1) {
		close(fd);
	}
}

static void
finish(struct birth *b)
{
	for (unsigned i = 0; i < 2; i++) {
		close_if_open(b->reads[i]);
		close_if_open(b->writes[i]);
		close_if_open(b->ready[i]);
	}
	close_if_open(b->notify);
}

static void
give_up(struct birth *b)
{
	struct rv_launch_frame frame = { .op = RV_LAUNCH_FAILED,
		.life = b->launch->life,
		.stage = b->stage,
		.sys_errno = b->sys_errno };

	if (b->slot != NULL) {
		rv_slots_untake(&b->l->slots, b->slot);
	}
	rv_life_destroy(b->life);
	rv_link_send(b->l, &frame);
}

void
rv_birth_launch(struct rv_launcher *l, const struct rv_launch *launch)
{
	struct birth b = { .l = l,
		.launch = launch,
		.reads = { -1, -1 },
		.writes = { -1, -1 },
		.ready = { -1, -1 },
		.notify = -1,
		.pidfd = -1 };

	if (prepare(&b) && make_process(&b)) {
		/* Into the tables first: it cannot fail, and costs nothing. */
		rv_life_enter(b.life);
		say_launched(&b);
		rv_proc_watch(&b.life->lead, b.life, b.pid, b.pidfd, b.ticks);
		hold_outputs(&b);
	} else {
		give_up(&b);
	}
	finish(&b);
}
