/* SPDX-License-Identifier: MIT */
/*
 * The pool of slots for births: see slots.h. The kernel clears `inside` when a
 * child that shares our memory execs or ends (CLONE_CHILD_CLEARTID), without
 * a wake-up of ours: the words are looked at when a slot is needed, when the
 * child's end comes to our notice, and by a timer while any is busy, so that
 * an idle launcher gives the memory back and then sleeps.
 */
#include "config.h"

#include "launcher/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fault.h"
#include "sys/sys.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

#define STACK_SIZE  ((size_t)32 * 1024)
#define ROOM_SIZE   ((size_t)12 * 1024) /* of it, for the birth */
#define FIRST_PAUSE (50 * RV_MS)
#define LAST_PAUSE  (5 * RV_SEC)
#define CROWD       16     /* births at once: what they used is worth a trim */
#define FORKED_ONLY 0x40UL /* PF_FORKNOEXEC in field 9 of /proc/PID/stat */

static size_t
index_of(const struct rv_slots *s, const struct rv_slot *slot)
{
	return (size_t)(slot - s->slots);
}

static struct rv_birth_shared *
shared_of(const struct rv_slots *s, const struct rv_slot *slot)
{
	return &s->shared[index_of(s, slot)];
}

static void
release(struct rv_slots *s, struct rv_slot *slot)
{
	rv_free(slot->block);
	slot->block = NULL;
	slot->birth = NULL;
	slot->busy = false;
	s->n_busy--;
	while (s->top > 0 && !s->slots[s->top - 1].busy) {
		s->top--;
	}
}

/* A child with memory of its own shows its exec in its flags alone. */
static bool
has_execed(pid_t pid)
{
	char path[48], text[512];
	unsigned long flags = 0;
	const char *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = rv_sys_open(path, O_RDONLY, 0);
	if (fd == -1) {
		return true; /* ended and reaped */
	}
	n = rv_sys_read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strrchr(text, ')');
	if (at == NULL ||
	    sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) != 1) {
		return true;
	}
	return (flags & FORKED_ONLY) == 0;
}

void
rv_slot_check(struct rv_slots *s, struct rv_slot *slot, bool ended)
{
	struct rv_birth_shared *shared = shared_of(s, slot);
	int stage, sys_errno;

	RV_ASSERT(slot->busy);
	if (slot->forked
		? !ended && !has_execed(slot->pid)
		: __atomic_load_n(&slot->inside, __ATOMIC_ACQUIRE) != 0) {
		return;
	}
	stage = __atomic_load_n(&shared->stage, __ATOMIC_ACQUIRE);
	sys_errno = shared->sys_errno;
	release(s, slot);
	slot->left(slot, stage, sys_errno);
}

static void
collect(struct rv_slots *s)
{
	for (unsigned i = 0; i < s->top; i++) {
		if (s->slots[i].busy && s->slots[i].pid > 0) {
			rv_slot_check(s, &s->slots[i], false);
		}
	}
}

static void
on_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct rv_slots *s = RV_CONTAINER(tick, struct rv_slots, tick);

	(void)late;
	collect(s);
	if (s->n_busy > 0) {
		s->pause = RV_MIN(s->pause * 2, LAST_PAUSE);
		rv_tick_arm(s->loop, &s->tick, now + s->pause);
	} else {
		/* The next launch costs a page fault; all idle ones nothing. */
		madvise(s->stacks, RV_SLOTS_MAX * STACK_SIZE, MADV_DONTNEED);
		if (s->most >= CROWD) {
			rv_alloc_trim();
		}
		s->most = 0;
	}
}

enum reeve_status
rv_slots_init(struct rv_slots *s, struct rv_loop *loop, struct reeve_error *err)
{
	size_t bytes = RV_SLOTS_MAX * sizeof(struct rv_birth_shared);

	*s = (struct rv_slots){ .loop = loop, .tick = { .cb = on_tick } };
	s->slots = rv_alloc(RV_SLOTS_MAX, sizeof(struct rv_slot));
	if (s->slots == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot allocate slots");
	}
	/* Shared, since a child may have memory of its own. */
	s->shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s->stacks =
	    mmap(NULL, RV_SLOTS_MAX * STACK_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (s->shared == MAP_FAILED || s->stacks == MAP_FAILED) {
		s->shared = s->shared == MAP_FAILED ? NULL : s->shared;
		s->stacks = s->stacks == MAP_FAILED ? NULL : s->stacks;
		rv_slots_finish(s);
		return rv_error_sys(err, ENOMEM, "cannot map slots");
	}
	return REEVE_OK;
}

void
rv_slots_finish(struct rv_slots *s)
{
	rv_tick_disarm(&s->tick);
	for (unsigned i = 0; s->slots != NULL && i < s->top; i++) {
		/* A child may be inside: its text goes with our memory. */
		if (s->slots[i].busy && s->slots[i].inside == 0) {
			rv_free(s->slots[i].block);
		}
	}
	if (s->shared != NULL) {
		munmap(
		    s->shared, RV_SLOTS_MAX * sizeof(struct rv_birth_shared));
	}
	if (s->stacks != NULL) {
		munmap(s->stacks, RV_SLOTS_MAX * STACK_SIZE);
	}
	rv_free(s->slots);
	*s = (struct rv_slots){ 0 };
}

static struct rv_slot *
find_free(struct rv_slots *s, bool ask_proc)
{
	for (unsigned i = 0; i < RV_SLOTS_MAX; i++) {
		struct rv_slot *slot = &s->slots[i];

		if (slot->busy && slot->pid > 0 && slot->forked == ask_proc) {
			rv_slot_check(s, slot, false);
		}
		if (!slot->busy) {
			return slot;
		}
	}
	return NULL;
}

struct rv_slot *
rv_slots_take(struct rv_slots *s)
{
	struct rv_slot *slot = find_free(s, false);

	/* Forked children are asked through /proc: only in need. */
	slot = slot != NULL ? slot : find_free(s, true);
	if (slot != NULL) {
		size_t i = index_of(s, slot);

		*slot = (struct rv_slot){ .busy = true };
		s->shared[i] = (struct rv_birth_shared){ 0 };
		s->n_busy++;
		s->most = RV_MAX(s->most, s->n_busy);
		s->top = RV_MAX(s->top, (unsigned)i + 1);
	}
	return slot;
}

/* The stack grows down to the room, and needs a fraction of what is left. */
void *
rv_slot_room(struct rv_slots *s, struct rv_slot *slot, size_t size)
{
	char *room = s->stacks + index_of(s, slot) * STACK_SIZE;

	if (size > ROOM_SIZE) {
		slot->block = rv_alloc(1, size);
		return slot->block;
	}
	return memset(room, 0, size);
}

void
rv_slots_untake(struct rv_slots *s, struct rv_slot *slot)
{
	release(s, slot);
}

/* The way without shared memory; not fork(), which would take libc's locks. */
static pid_t
clone_copied(struct rv_slot *slot, int *pidfd, bool want_pidfd)
{
	unsigned long flags = SIGCHLD | (want_pidfd ? CLONE_PIDFD : 0);
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, pidfd, 0, 0);

	if (pid == 0) {
		rv_child_enter(slot->birth);
	}
	return pid;
}

static pid_t
clone_sharing(
    struct rv_slots *s, struct rv_slot *slot, int *pidfd, bool want_pidfd)
{
	char *stack = s->stacks + index_of(s, slot) * STACK_SIZE;
	int flags = CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD |
		    (want_pidfd ? CLONE_PIDFD : 0);
	pid_t pid;

	slot->inside = 1;
	pid = clone(rv_child_enter, stack + STACK_SIZE, flags, slot->birth,
	    pidfd, NULL, &slot->inside);
	if (pid == -1) {
		slot->inside = 0;
	}
	return pid;
}

pid_t
rv_slot_clone(struct rv_slots *s, struct rv_slot *slot, int *pidfd)
{
	bool want_pidfd = RV_FAULT(clone_pidfd) == 0;
	int injected = RV_FAULT(clone);
	struct rv_birth *birth = slot->birth;

	*pidfd = -1;
	if (injected != 0) {
		errno = injected;
		return -1;
	}
	/* oom_score_adj belongs to memory, not to a process: no sharing. */
	slot->forked = !rv_child_may_share || birth->oom != NULL ||
		       RV_FAULT(clone_vm) != 0;
	birth->forked = slot->forked;
	birth->shared = shared_of(s, slot);
	slot->pid = slot->forked ? clone_copied(slot, pidfd, want_pidfd)
				 : clone_sharing(s, slot, pidfd, want_pidfd);
	if (slot->pid == -1) {
		slot->pid = 0;
		*pidfd = -1;
		return -1;
	}
	if (!want_pidfd) {
		*pidfd = rv_sys_pidfd_open(slot->pid);
	}
	if (s->tick.heap_index == 0) {
		s->pause = FIRST_PAUSE;
		rv_tick_arm(s->loop, &s->tick, rv_loop_now(s->loop) + s->pause);
	}
	return slot->pid;
}

void
rv_slot_announce(struct rv_slots *s, struct rv_slot *slot)
{
	struct rv_birth_shared *shared = shared_of(s, slot);

	__atomic_store_n(&shared->announced, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&shared->waiting, __ATOMIC_SEQ_CST) != 0) {
		syscall(SYS_futex, &shared->announced, FUTEX_WAKE, 1, NULL,
		    NULL, 0);
	}
}
