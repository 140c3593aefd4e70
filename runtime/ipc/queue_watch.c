/* SPDX-License-Identifier: MIT */
/*
 * What the getters of one process wait for, in one descriptor: the set, which
 * their sleep and the user's loops poll. Called by get and its neighbours.
 *
 * In it are: the bell, readable while something is there; the end of the
 * putters; the processes that hold leases, readable when they have ended. That
 * last part is why there is more than the bell. Who takes a lease tells nobody,
 * and whoever else is fast clears the bell before we have looked; yet we have
 * to know of that lease, since there may be nobody else to see its holder die.
 * So the bell is in the set twice: as it is, and edge-triggered, which means
 * that it was rung since this process looked, whoever cleared it since. It is
 * "looked" (rv_queue_heard) only with get_lock held and nothing there; all who
 * hold a lease then are in the set. A lease that is taken later was an item
 * before, which was rung for: so we are told, look, and watch the new holder.
 *
 * The end of the putters is no news while leases are out, since the items may
 * come back. Then it is taken out of the set, and from there on whoever lets go
 * of the last lease rings (`ended` in the shared memory says that somebody may
 * depend on it). At a true end the bell is not cleared any more.
 *
 * A process has a set of its own, because two that share one would take news
 * from each other: after a fork the child makes its own in the place of that of
 * its parent, under the same number.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ipc/queue_shared.h"
#include "ipc/wait.h"
#include "sys/sys.h"

/* This process, as other processes know it. After a fork it is another one. */
static void
know_oneself(struct reeve_queue *q)
{
	int32_t pid = (int32_t)getpid();

	if (q->pid == pid) {
		return;
	}
	while (q->n_watch > 0) {
		(void)close(q->watch[--q->n_watch].fd);
	}
	q->start = rv_sys_start_ticks(pid);
	q->pid = pid;
}

void
rv_queue_sign(struct reeve_queue *q, struct rv_queue_lease *lease)
{
	know_oneself(q);
	lease->pid = q->pid;
	lease->start = q->start;
}

bool
rv_queue_signed(struct reeve_queue *q, const struct rv_queue_lease *lease)
{
	know_oneself(q);
	return lease->pid == q->pid && lease->start == q->start;
}

/* --- the set ----------------------------------------------------------- */

static bool
add(int set, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	return fd >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int
new_set(const struct reeve_queue *q)
{
	int set = rv_sys_epoll_create();
	/* a second number, or it could not be there twice; what is in a set is
	 * the file, which stays though this number is given up */
	int again = fcntl(q->in, F_DUPFD_CLOEXEC, 3);

	if (set >= 0 && (!add(set, q->in, EPOLLIN) ||
			    !add(set, again, EPOLLIN | EPOLLOUT | EPOLLET) ||
			    !add(set, q->getters, 0))) {
		(void)close(set);
		set = -1;
	}
	if (again >= 0) {
		(void)close(again);
	}
	return set;
}

int
rv_queue_set(struct reeve_queue *q)
{
	return atomic_load(&q->set_of) == (int32_t)getpid()
		   ? atomic_load(&q->set)
		   : -1;
}

bool
rv_queue_make_set(struct reeve_queue *q)
{
	int before = atomic_load(&q->set), set;

	know_oneself(q);
	if (atomic_load(&q->set_of) == q->pid) {
		return true;
	}
	set = new_set(q);
	if (set >= 0 && before >= 0) {
		(void)!dup3(set, before, O_CLOEXEC);
		(void)close(set);
		set = before;
	}
	if (set < 0) {
		return false;
	}
	q->hears_end = true;
	for (uint32_t i = 0; i < q->n_watch; i++) {
		(void)add(set, q->watch[i].fd, EPOLLIN);
	}
	atomic_store(&q->set, set);
	atomic_store(&q->set_of, q->pid);
	return true;
}

void
rv_queue_heard(struct reeve_queue *q)
{
	struct epoll_event heard[8];
	int set;

	if (atomic_load(&q->set) < 0 || !rv_queue_make_set(q)) {
		return;
	}
	set = atomic_load(&q->set);
	/* takes what is edge-triggered out, and nothing else */
	(void)!epoll_wait(set, heard, 8, 0);
	if (q->hears_end && atomic_load(&q->shared->get.leased) != 0 &&
	    rv_queue_has_ended(q)) {
		(void)epoll_ctl(set, EPOLL_CTL_DEL, q->getters, NULL);
		q->hears_end = false;
	}
}

void
rv_queue_free_set(struct reeve_queue *q)
{
	for (uint32_t i = 0; i < q->n_watch; i++) {
		(void)close(q->watch[i].fd);
	}
	rv_free(q->watch);
	if (atomic_load(&q->set) >= 0) {
		(void)close(atomic_load(&q->set));
	}
}

/* From now on the set is readable while something is there. */
static enum reeve_status
poll_set(struct reeve_queue *q, struct rv_robust_self *me)
{
	struct rv_queue_shared *s = q->shared;
	struct robust_list *before = rv_robust_keep(&s->get_lock, me);
	enum reeve_status st = rv_queue_lock_put(q, me, 0);
	bool nothing = false;

	if (st == REEVE_OK) {
		atomic_store(&s->watch_in, 1);
		nothing = rv_queue_want_in(q);
		if (!nothing) {
			s->put.ring_in = RV_RING_UNKNOWN;
			rv_queue_ring_in(q);
		}
		rv_robust_unlock(&s->put_lock, me);
	}
	rv_robust_resume(&s->get_lock, me, before);
	if (nothing) {
		rv_queue_heard(q);
		(void)rv_queue_leases_watch(q, me);
	}
	return st;
}

int
reeve_queue_fd(struct reeve_queue *q)
{
	struct rv_robust_self *me = rv_robust_self();
	enum reeve_status st = REEVE_OK;

	if (q == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (atomic_load(&q->polled_by) == (int32_t)getpid()) {
		return rv_queue_set(q);
	}
	st = rv_queue_lock_get(q, me, 0);
	if (st == REEVE_OK) {
		st = rv_queue_make_set(q) ? poll_set(q, me) : REEVE_ESYS;
		if (st == REEVE_OK) {
			atomic_store(&q->polled_by, (int32_t)getpid());
		}
		rv_robust_unlock(&q->shared->get_lock, me);
	}
	if (st == REEVE_ETIMEDOUT) {
		errno = ETIMEDOUT;
	}
	return st == REEVE_OK ? rv_queue_set(q) : -1;
}

/* --- holders of leases ------------------------------------------------- */

/* 0: ended; 1: there; -1: it cannot be watched. */
static int
open_watch(const struct rv_queue_lease *lease, struct rv_queue_watch *watch)
{
	uint64_t start;
	int fd = rv_sys_pidfd_open(lease->pid);

	if (fd < 0 && errno == ESRCH) {
		return 0;
	}
	start = rv_sys_start_ticks(lease->pid);
	if (start != lease->start && (start != 0 || kill(lease->pid, 0) != 0)) {
		if (fd >= 0) {
			(void)close(fd);
		}
		return 0;
	}
	if (fd < 0) {
		return -1;
	}
	*watch = (struct rv_queue_watch){ lease->start, lease->pid, fd };
	return 1;
}

static int
lives(const struct rv_queue_watch *watch)
{
	return rv_wait_fd(watch->fd, POLLIN, 0) == REEVE_ETIMEDOUT;
}

int
rv_queue_holder(struct reeve_queue *q, const struct rv_queue_lease *lease)
{
	struct rv_queue_watch *new = &q->watch[q->n_watch];
	int set = rv_queue_set(q), is;

	if (rv_queue_signed(q, lease)) {
		return 1;
	}
	for (uint32_t i = 0; i < q->n_watch; i++) {
		if (q->watch[i].pid == lease->pid &&
		    q->watch[i].start == lease->start) {
			return lives(&q->watch[i]);
		}
	}
	/* more than there are leases: somebody scribbles over them */
	is = q->n_watch < q->shape.max_leases ? open_watch(lease, new) : -1;
	if (is != 1) {
		return is;
	}
	q->n_watch++;
	is = set < 0 || add(set, new->fd, EPOLLIN) ? 1 : -1;
	return lives(new) ? is : 0;
}

static bool
has_lease(const struct reeve_queue *q, const struct rv_queue_watch *watch)
{
	for (uint32_t i = 0; i < q->shape.max_leases; i++) {
		const struct rv_queue_lease *lease = &q->leases[i];
		uint32_t word = atomic_load(&lease->state);

		if ((word & 0xff) == RV_LEASE_HELD &&
		    lease->pid == watch->pid && lease->start == watch->start) {
			return true;
		}
	}
	return false;
}

void
rv_queue_forget_holders(struct reeve_queue *q)
{
	int set = rv_queue_set(q);

	know_oneself(q);
	for (uint32_t i = 0; i < q->n_watch;) {
		if (has_lease(q, &q->watch[i])) {
			i++;
		} else {
			/* by name: a child that was forked has a copy */
			(void)epoll_ctl(
			    set, EPOLL_CTL_DEL, q->watch[i].fd, NULL);
			(void)close(q->watch[i].fd);
			q->watch[i] = q->watch[--q->n_watch];
		}
	}
}
