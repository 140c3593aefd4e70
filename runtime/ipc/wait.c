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

#include "base/fault.h"
#include "sys/sys.h"

/* Where the kernel cannot watch several words: how long one is, unseen. */
#define GLANCE (10 * RV_MS)

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

void
rv_wake_word_or(uint32_t *word, uint32_t bit)
{
	/* the second wake of the call is for nobody */
	(void)syscall(SYS_futex, word, FUTEX_WAKE_OP, INT_MAX, NULL, word,
	    FUTEX_OP(FUTEX_OP_OR, bit, FUTEX_OP_CMP_EQ, 0));
}

static enum reeve_status
glance(const struct rv_watch *watch, unsigned n, rv_time until)
{
	rv_time next = rv_time_add(rv_sys_now(), GLANCE);

	for (unsigned i = 1; i < n; i++) {
		if (__atomic_load_n(watch[i].word, __ATOMIC_SEQ_CST) !=
		    watch[i].value) {
			return REEVE_OK;
		}
	}
	if (rv_wait_word((_Atomic uint32_t *)watch[0].word, watch[0].value,
		RV_MIN(until, next)) == REEVE_ETIMEDOUT &&
	    until <= next) {
		return REEVE_ETIMEDOUT;
	}
	return REEVE_OK;
}

enum reeve_status
rv_wait_any(const struct rv_watch *watch, unsigned n, rv_time until)
{
	struct futex_waitv wait[RV_WATCH_MAX];
	struct timespec ts = timespec_of(until);

	if (until == 0) {
		return REEVE_ETIMEDOUT;
	}
	if (RV_FAULT(futex_waitv) != 0) {
		return glance(watch, n, until);
	}
	for (unsigned i = 0; i < n; i++) {
		wait[i] = (struct futex_waitv){ .val = watch[i].value,
			.uaddr = (uintptr_t)watch[i].word,
			.flags = FUTEX_32 };
	}
	if (syscall(SYS_futex_waitv, wait, n, 0,
		until == RV_FOREVER ? NULL : &ts, CLOCK_MONOTONIC) < 0) {
		if (errno == ETIMEDOUT) {
			return REEVE_ETIMEDOUT;
		}
		if (errno == ENOSYS) {
			return glance(watch, n, until);
		}
	}
	return REEVE_OK;
}
