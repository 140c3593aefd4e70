/* SPDX-License-Identifier: MIT */
/*
 * The scene of queues. queue_bytes.c, queue_lease.c and queue_watch.c are
 * compiled in here, with their system calls replaced; so they are not in
 * local.mk.
 */
#include "config.h"

#include "model/queue_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/mutex.h"
#include "ipc/wait.h"
#include "sys/sys.h"

/* What those ask the system for, further below. */
static void *scene_mmap(
    void *at, size_t len, int how, int flags, int fd, off_t offset);
static int scene_munmap(void *at, size_t len);
static int scene_fallocate(int fd, int how, off_t offset, off_t len);
static int32_t scene_getpid(void);
static int scene_kill(int32_t pid, int signal);
static int scene_close(int fd);
static int scene_fcntl(int fd, int how, int from);
static int scene_dup3(int from, int to, int how);
static int scene_epoll_ctl(int set, int how, int fd, struct epoll_event *);
static int scene_epoll_wait(int set, struct epoll_event *, int n, int ms);

#define mmap      scene_mmap
#define munmap    scene_munmap
#define fallocate scene_fallocate
#define getpid    scene_getpid
#define kill      scene_kill
#define close     scene_close
#undef fcntl
#define fcntl      scene_fcntl
#define dup3       scene_dup3
#define epoll_ctl  scene_epoll_ctl
#define epoll_wait scene_epoll_wait
#include "ipc/queue_bytes.c"
#include "ipc/queue_lease.c"
#include "ipc/queue_watch.c"

#define NOW 2 /* always */

struct queue_scene scene;
unsigned rv_model_overtaken;

/* --- ipc/robust.h: one step each, as ipc/mutex.h ---------------------- */

static pthread_mutex_t *
mutex_of(struct rv_robust *lock)
{
	return (pthread_mutex_t *)(void *)lock;
}

struct rv_robust_self *
rv_robust_self(void)
{
	return NULL;
}

bool
rv_robust_quick(struct rv_robust *lock, struct rv_robust_self *me)
{
	(void)lock;
	(void)me;
	return false;
}

enum reeve_status
rv_robust_wait(struct rv_robust *lock, struct rv_robust_self *me, rv_time until)
{
	(void)me;
	if (until == NOW + RV_QUEUE_PATIENCE && !scene.impatient) {
		until = RV_FOREVER;
	}
	return rv_mutex_lock(mutex_of(lock), until);
}

enum reeve_status
rv_robust_lock(struct rv_robust *lock, struct rv_robust_self *me, rv_time until)
{
	return rv_robust_wait(lock, me, until);
}

void
rv_robust_unlock(struct rv_robust *lock, struct rv_robust_self *me)
{
	(void)me;
	model_check(rv_mutex_unlock(mutex_of(lock)), "not held");
}

struct robust_list *
rv_robust_keep(struct rv_robust *lock, struct rv_robust_self *me)
{
	(void)lock;
	(void)me;
	return NULL;
}

void
rv_robust_resume(struct rv_robust *lock, struct rv_robust_self *me,
    struct robust_list *before)
{
	(void)lock;
	(void)me;
	(void)before;
}

/* --- queue_bell.c: words --------------------------------------------- */

static void
ring(uint32_t *bell)
{
	rv_store(bell, 1);
	(void)rv_wake_word((_Atomic uint32_t *)bell, 9);
}

/* Whose bell it is hear it on their own, however soon it is cleared. */
void
rv_queue_bell_in(struct reeve_queue *q)
{
	(void)q;
	for (unsigned i = 0; i <= MODEL_PROCESSES; i++) {
		scene.sets[i].rung |= scene.queue[i].set >= 0;
	}
	ring(&scene.bell_in);
}

void
rv_queue_bell_out(struct reeve_queue *q)
{
	(void)q;
	ring(&scene.bell_out);
}

void
rv_queue_clear_in(struct reeve_queue *q)
{
	(void)q;
	rv_store(&scene.bell_in, 0);
}

void
rv_queue_clear_out(struct reeve_queue *q)
{
	(void)q;
	rv_store(&scene.bell_out, 0);
}

/* Where once is often enough: who sleeps again, though there was one, is
 * hungry. */
static void
check_hunger(unsigned self)
{
	uint32_t items = 1 + (uint32_t)(scene.shared.head.word >> 32);

	if (rv_model_overtaken != 1) {
		return;
	}
	model_check(scene.naps[self] == 0 || scene.naps[self] == items ||
			scene.shared.get.hungry != 0,
	    "overtaken, and not hungry");
	if (scene.naps[self] == 0) {
		scene.naps[self] = items;
	}
}

void
rv_queue_sleep_in(struct reeve_queue *q, rv_time until)
{
	unsigned self = (unsigned)(q - scene.queue);
	const struct scene_set *set = &scene.sets[self];
	struct rv_watch watch[2 + MODEL_PROCESSES] = { { &scene.bell_in, 0 },
		{ &scene.sets[self].rung, 0 } };
	unsigned n = 2;

	check_hunger(self);
	if (set->end != 0 && scene.no_putters != 0) {
		return;
	}
	for (uint32_t pid = 1; pid <= MODEL_PROCESSES; pid++) {
		if ((set->holders & 1U << pid) != 0) {
			watch[n++] = (struct rv_watch){ &scene.alive[pid - 1],
				pid | FUTEX_WAITERS };
		}
	}
	(void)rv_wait_any(
	    watch, n, atomic_load(&q->blind) ? REEVE_MS(1) : until);
}

void
rv_queue_sleep_out(struct reeve_queue *q, rv_time until)
{
	(void)q;
	(void)rv_wait_word((_Atomic uint32_t *)&scene.bell_out, 0, until);
}

bool
rv_queue_has_ended(struct reeve_queue *q)
{
	if (scene.no_putters != 0) {
		RV_STEP("ended", &q->shared->ended, 1);
		atomic_store(&q->shared->ended, 1);
	}
	return scene.no_putters != 0;
}

/* --- sets: of each process one, by its number ----------------------------- */

enum { FD_IN = 50, FD_AGAIN, FD_GETTERS, FD_SETS = 200 };

int
rv_sys_epoll_create(void)
{
	return FD_SETS + (int)rv_mutex_self();
}

static struct scene_set *
set_of(int fd)
{
	/* those of models that are over have a number of their own */
	return &scene.sets[(fd - FD_SETS - 1) % (MODEL_PROCESSES + 1)];
}

static int
scene_fcntl(int fd, int how, int from)
{
	(void)how;
	(void)from;
	return fd == FD_IN ? FD_AGAIN : -1;
}

static int
scene_dup3(int from, int to, int how)
{
	(void)from;
	(void)to;
	(void)how;
	return -1;
}

static int
scene_epoll_ctl(int set, int how, int fd, struct epoll_event *event)
{
	struct scene_set *s = set_of(set);
	bool add = how == EPOLL_CTL_ADD;

	(void)event;
	if (fd == FD_AGAIN) {
		s->rung = 1;
	} else if (fd == FD_GETTERS) {
		s->end = add;
	} else if (fd > 100) {
		s->holders &= ~(1U << (fd - 100));
		s->holders |= add ? 1U << (fd - 100) : 0;
	}
	return 0;
}

static int
scene_epoll_wait(int set, struct epoll_event *events, int n, int ms)
{
	(void)events;
	(void)n;
	(void)ms;
	rv_store(&set_of(set)->rung, 0);
	return 0;
}

bool
scene_is_readable(unsigned self)
{
	const struct scene_set *set = &scene.sets[self];
	bool is = scene.bell_in != 0 || set->rung != 0 ||
		  (set->end != 0 && scene.no_putters != 0);

	for (int pid = 1; pid <= MODEL_PROCESSES; pid++) {
		is = is || ((set->holders & 1U << pid) != 0 &&
			       rv_mutex_owner(scene.alive[pid - 1]) == 0);
	}
	return is;
}

void
scene_poll(unsigned self)
{
	rv_queue_sleep_in(&scene.queue[self], RV_FOREVER);
}

/* --- processes: their numbers, and whether they are there --------------- */

static bool
is_there_still(int32_t pid)
{
	return pid > MODEL_PROCESSES ||
	       rv_mutex_owner(scene.alive[pid - 1]) != 0;
}

static int32_t
scene_getpid(void)
{
	return (int32_t)rv_mutex_self();
}

static int
scene_kill(int32_t pid, int signal)
{
	(void)signal;
	return is_there_still(pid) ? 0 : -1;
}

rv_time
rv_sys_now(void)
{
	return NOW;
}

int
rv_sys_pidfd_open(pid_t pid)
{
	RV_STEP("pidfd_open", &scene.alive[pid - 1], 0);
	if (is_there_still(pid)) {
		return 100 + pid;
	}
	errno = ESRCH;
	return -1;
}

uint64_t
rv_sys_start_ticks(pid_t pid)
{
	return is_there_still(pid) ? 7 * (uint64_t)pid : 0;
}

enum reeve_status
rv_wait_fd(int fd, short events, rv_time until)
{
	(void)events;
	(void)until;
	RV_STEP("poll", &scene.alive[fd - 101], 0);
	return is_there_still(fd - 100) ? REEVE_ETIMEDOUT : REEVE_OK;
}

/* --- slots -------------------------------------------------------------- */

static int
scene_close(int fd)
{
	(void)fd;
	return 0;
}

static void *
scene_mmap(void *at, size_t len, int how, int flags, int fd, off_t offset)
{
	(void)at;
	(void)len;
	(void)how;
	(void)flags;
	(void)fd;
	return scene.memory[offset / SCENE_LEN];
}

static int
scene_munmap(void *at, size_t len)
{
	(void)at;
	(void)len;
	return 0;
}

static int
scene_fallocate(int fd, int how, off_t offset, off_t len)
{
	off_t i = offset / SCENE_LEN;

	(void)fd;
	(void)len;
	scene.allocated[i] = (how & FALLOC_FL_PUNCH_HOLE) == 0;
	if (scene.allocated[i] == 0) {
		memset(scene.memory[i], 0, SCENE_LEN);
	}
	return 0;
}

/* --- what models ask for -------------------------------------------------- */

void
scene_start(uint32_t max_items, uint32_t max_leases, uint32_t large)
{
	const struct rv_queue_shape shape = { .max_items = max_items,
		.max_bytes = 100,
		.large = large,
		.max_leases = max_leases,
		.n_slots = rv_queue_n_slots(max_items, max_leases),
		.data_size = SCENE_LEN,
		.slot_size = SCENE_LEN,
		.ring_size = sizeof(scene.ring) };

	memset(&scene, 0, sizeof(scene));
	rv_model_overtaken = UINT_MAX;
	for (unsigned i = 0; i <= MODEL_PROCESSES; i++) {
		scene.queue[i] = (struct reeve_queue){ .shape = shape,
			.shared = &scene.shared,
			.leases = scene.leases,
			.slots = scene.slots,
			.data = scene.data[0],
			.ring = scene.ring,
			.ring_mask = sizeof(scene.ring) / 8 - 1,
			.in = FD_IN,
			.getters = FD_GETTERS,
			.set = -1,
			.watch = scene.watch[i] };
	}
}

void
scene_put(unsigned self, uint32_t i)
{
	uint64_t bytes[2] = { i, ~(uint64_t)i };
	struct iovec parts[2] = { { &bytes[0], 8 }, { &bytes[1], 8 } };

	scene.begun[i] = 1;
	model_check(reeve_queue_putv(&scene.queue[self], parts, 2, i,
			REEVE_FOREVER) == REEVE_OK,
	    "a put that failed");
	scene.put[i] = 1;
}

uint32_t
scene_check(const void *bytes, size_t len, uint32_t tag)
{
	uint64_t parts[2] = { 0 };

	memcpy(parts, bytes, sizeof(parts));
	model_check(len == SCENE_LEN && tag < SCENE_ITEMS && parts[0] == tag &&
			parts[1] == ~(uint64_t)tag,
	    "torn");
	tag %= SCENE_ITEMS;
	model_check(scene.begun[tag] == 1, "from nowhere");
	return tag;
}

uint32_t
scene_items(void)
{
	return (uint32_t)((scene.shared.tail.word >> 32) -
			  (scene.shared.head.word >> 32));
}

uint32_t
scene_returned(void)
{
	uint32_t n = 0;

	for (int i = 0; i < SCENE_LEASES; i++) {
		n += STATE(scene.leases[i].state) == RV_LEASE_RETURNED;
	}
	return n;
}

bool
scene_has_orphan(void)
{
	bool has = false;

	for (int i = 0; i < SCENE_LEASES; i++) {
		has = has || (STATE(scene.leases[i].state) == RV_LEASE_HELD &&
				 !is_there_still(scene.leases[i].pid));
	}
	return has;
}

void
scene_check_done(void)
{
	struct reeve_queue *q = &scene.queue[SCENE_NOBODY];
	uint32_t there, undone;

	model_check(rv_queue_lock_get(q, NULL, 0) == REEVE_OK, "not free");
	there =
	    scene_items() + scene.shared.get.returned + scene.shared.get.leased;
	undone = rv_queue_items(scene.shared.tail.word) - scene.shared.done;
	model_check(there == undone, "what is done was miscounted");
	rv_robust_unlock(&scene.shared.get_lock, NULL);
}

void
scene_drain(void)
{
	struct reeve_queue *q = &scene.queue[SCENE_NOBODY];
	unsigned char bytes[SCENE_LEN];
	size_t len;
	uint32_t tag;

	/* twice: what both sides have to repair, the last get too */
	while (reeve_queue_get_into(q, bytes, sizeof(bytes), &len, &tag, 0) ==
	       REEVE_OK) {
		scene.got[scene_check(bytes, len, tag)]++;
	}
	model_check(rv_queue_lock_put(q, NULL, 0) == REEVE_OK, "not free");
	rv_robust_unlock(&scene.shared.put_lock, NULL);
	for (int i = 0; i < SCENE_SLOTS; i++) {
		model_check(scene.slots[i] == 0 && scene.allocated[i] == 0,
		    "memory is lost");
	}
	for (int i = 0; i < SCENE_LEASES; i++) {
		model_check(STATE(scene.leases[i].state) == RV_LEASE_FREE,
		    "a lease is lost");
	}
	model_check(scene.shared.get.leased == 0 &&
			scene.shared.get.returned == 0 &&
			scene.shared.get.returned_bytes == 0,
	    "what is leased was miscounted");
}
