/* SPDX-License-Identifier: MIT */
/*
 * The queue's bells: descriptors that are readable from when they are rung
 * until they are cleared. Called with the lock of the side that rings;
 * sleeping, with none but the turn. Who rings, and when: queue_lock.c.
 */
#include "config.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ipc/queue_shared.h"
#include "ipc/wait.h"
#include "sys/sys.h"

void
rv_queue_bell_in(struct reeve_queue *q)
{
	static const uint64_t one = 1;

	(void)!write(q->in, &one, sizeof(one));
}

void
rv_queue_bell_out(struct reeve_queue *q)
{
	/* no room in the socket: then there is a bell in it */
	(void)send(q->getters, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
rv_queue_clear_in(struct reeve_queue *q)
{
	uint64_t count;

	(void)!read(q->in, &count, sizeof(count));
}

void
rv_queue_clear_out(struct reeve_queue *q)
{
	char bells[64];

	while (recv(q->putters, bells, sizeof(bells), MSG_DONTWAIT) ==
	       (ssize_t)sizeof(bells)) {
	}
}

void
rv_queue_sleep_out(struct reeve_queue *q, rv_time until)
{
	(void)rv_wait_fd(q->putters, POLLIN, until);
}

/*
 * Until there is an item, the end of the putters, or of one who has a lease: a
 * timeout that comes first shows when we look again. Where no descriptor was
 * left for the set, or for one of those who have leases, we look now and then.
 */
void
rv_queue_sleep_in(struct reeve_queue *q, rv_time until)
{
	int set = rv_queue_set(q);
	struct pollfd polls[2] = {
		{ .fd = set >= 0 ? set : q->in, .events = POLLIN },
		{ .fd = set >= 0 || atomic_load(&q->ended) ? -1 : q->getters },
	};
	struct timespec ts;
	rv_time left;

	if (set < 0 || atomic_load(&q->blind)) {
		rv_time soon = rv_sys_now() + RV_QUEUE_PATIENCE;

		until = RV_MIN(until, soon);
	}
	left = until == RV_FOREVER ? 0 : until - rv_sys_now();
	left = RV_MAX(left, 0);
	ts = (struct timespec){ .tv_sec = (time_t)(left / RV_SEC),
		.tv_nsec = (long)(left % RV_SEC) };
	(void)ppoll(polls, 2, until == RV_FOREVER ? NULL : &ts, NULL);
}

bool
rv_queue_has_ended(struct reeve_queue *q)
{
	struct pollfd p = { .fd = q->getters };

	if (!atomic_load_explicit(&q->ended, memory_order_relaxed)) {
		if (poll(&p, 1, 0) != 1 ||
		    (p.revents & (POLLHUP | POLLERR)) == 0) {
			return false;
		}
		atomic_store(&q->ended, true);
	}
	atomic_store(&q->shared->ended, 1);
	return true;
}
