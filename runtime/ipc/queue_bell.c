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

#define WATCHED                                                      \
	64 /* more holders of leases than that are looked at by time \
	    */

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
 * Until there is an item, the end of the putters, or of one who has a lease:
 * a timeout that comes first shows when we look again.
 */
void
rv_queue_sleep_in(struct reeve_queue *q, rv_time until)
{
	struct pollfd polls[2 + WATCHED];
	nfds_t n = 0;
	rv_time left;
	struct timespec ts;

	polls[n++] = (struct pollfd){ .fd = q->in, .events = POLLIN };
	if (!atomic_load(&q->ended)) {
		polls[n++] = (struct pollfd){ .fd = q->getters };
	}
	if (q->n_watch > WATCHED || q->watch_blind) {
		rv_time soon = rv_sys_now() + RV_QUEUE_PATIENCE;

		until = RV_MIN(until, soon);
	}
	for (uint32_t i = 0; i < q->n_watch && i < WATCHED; i++) {
		polls[n++] =
		    (struct pollfd){ .fd = q->watch[i].fd, .events = POLLIN };
	}
	left = until == RV_FOREVER ? 0 : until - rv_sys_now();
	left = RV_MAX(left, 0);
	ts = (struct timespec){ .tv_sec = (time_t)(left / RV_SEC),
		.tv_nsec = (long)(left % RV_SEC) };
	(void)ppoll(polls, n, until == RV_FOREVER ? NULL : &ts, NULL);
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
	return true;
}
