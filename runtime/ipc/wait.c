/* SPDX-License-Identifier: MIT */
/*
 * Waiting with a deadline: ppoll and futexes. Called by all of this folder and
 * those above; keeps nothing.
 */
#include "config.h"

#include "ipc/wait.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sys/sys.h"

rv_time
rv_wait_until(int64_t timeout)
{
	if (timeout <= 0) {
		return 0;
	}
	return timeout == RV_FOREVER ? RV_FOREVER
				     : rv_time_add(rv_sys_now(), timeout);
}

static struct timespec
timespec_of(rv_time t)
{
	return (struct timespec){ .tv_sec = (time_t)(t / RV_SEC),
		.tv_nsec = (long)(t % RV_SEC) };
}

enum reeve_status
rv_wait_fd(int fd, short events, rv_time until)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		rv_time left = until == 0 ? 0 : until - rv_sys_now();
		struct timespec ts = timespec_of(left > 0 ? left : 0);
		int n = ppoll(&p, 1, until == RV_FOREVER ? NULL : &ts, NULL);

		if (n > 0) {
			return p.revents & POLLNVAL ? REEVE_EINVALID : REEVE_OK;
		}
		if (n == 0) {
			return REEVE_ETIMEDOUT;
		}
		if (errno != EINTR) {
			return REEVE_ESYS;
		}
	}
}

enum reeve_status
rv_wait_word(_Atomic uint32_t *word, uint32_t value, rv_time until)
{
	struct timespec ts = timespec_of(until);

	if (atomic_load(word) != value) {
		return REEVE_OK;
	}
	if (until == 0) {
		return REEVE_ETIMEDOUT;
	}
	/* the bitset form takes a moment of CLOCK_MONOTONIC, not a span */
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value,
		until == RV_FOREVER ? NULL : &ts, NULL,
		FUTEX_BITSET_MATCH_ANY) != 0 &&
	    errno == ETIMEDOUT) {
		return REEVE_ETIMEDOUT;
	}
	return REEVE_OK;
}

unsigned
rv_wake_word(_Atomic uint32_t *word, unsigned n)
{
	long woken = syscall(SYS_futex, word, FUTEX_WAKE,
	    n > INT_MAX ? INT_MAX : (int)n, NULL, NULL, 0);

	return woken > 0 ? (unsigned)woken : 0;
}
