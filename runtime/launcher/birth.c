/* SPDX-License-Identifier: MIT */
/*
 * From a LAUNCH to a process that executes a program: what it needs, a slot,
 * clone, and the word to the supervisor. What fails before the clone leaves
 * nothing behind and is said with its stage; what fails after it is the
 * process's own end. No step reads /proc or waits for the child.
 */
#include "config.h"

#include "launcher/birth.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "launcher/life.h"
#include "launcher/making.h"
#include "launcher/plan.h"
#include "sys/sys.h"

/* A making, and what the process is made in. */
struct birth {
	struct rv_making making;
	struct rv_slot *slot;
	pid_t pid;
	int pidfd;
	uint64_t ticks;
};

int64_t
rv_birth_clock(void)
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
	struct rv_making *m = &b->making;
	struct rv_slots *slots = &m->l->slots;
	size_t size = rv_plan_size(m->l, m->launch);
	void *room;

	if (!rv_making_life(m)) {
		return false;
	}
	b->slot = rv_slots_take(slots);
	if (b->slot == NULL) {
		return rv_making_failed(m, RV_STAGE_CLONE, EAGAIN);
	}
	room = rv_slot_room(slots, b->slot, size);
	if (room == NULL) {
		return rv_making_failed(m, RV_STAGE_MEMORY, ENOMEM);
	}
	m->birth = rv_plan_lay(m->l, m->launch, room, size);
	b->slot->birth = m->birth;
	if (m->launch->function != NULL && !rv_making_call(m, false, false)) {
		return false;
	}
	return rv_making_descriptors(m) && rv_making_listen(m);
}

static bool
make_process(struct birth *b)
{
	struct rv_making *m = &b->making;
	int64_t before, after;

	before = rv_birth_clock();
	b->pid = rv_slot_clone(&m->l->slots, b->slot, &b->pidfd);
	if (b->pid == -1) {
		return rv_making_failed(m, RV_STAGE_CLONE, errno);
	}
	after = rv_birth_clock();
	b->slot->ctx = m->life;
	b->slot->left = on_left;
	m->life->slot = b->slot;
	b->ticks = rv_birth_ticks(before, after);
	if (b->ticks == 0) {
		b->ticks = rv_sys_start_ticks(b->pid);
	}
	return true;
}

void
rv_birth_launch(struct rv_launcher *l, const struct rv_launch *launch)
{
	struct birth b = { .pidfd = -1 };

	rv_making_begin(&b.making, l, launch);
	if (prepare(&b) && make_process(&b)) {
		struct rv_life *life = b.making.life;

		/* Into the tables first: it cannot fail, and costs nothing. */
		rv_life_enter(life);
		/* It writes nothing that would be lost with us. */
		rv_making_hold_outputs(&b.making, b.pid);
		rv_life_say_launched(life, b.pid, b.ticks);
		rv_proc_watch(&life->lead, life, b.pid, b.pidfd, b.ticks);
	} else {
		if (b.slot != NULL) {
			rv_slots_untake(&l->slots, b.slot);
		}
		rv_making_say_failed(&b.making);
	}
	rv_making_finish(&b.making);
}
