/* SPDX-License-Identifier: MIT */
/*
 * A runtime in a loop around poll(2): one entry of the array, and an upper
 * bound of the time-out.
 *
 *	for (;;) {
 *		int ms = reeve_poll_prepare(reeve, &fds[0], -1);
 *		poll(fds, n, ms);
 *		reeve_dispatch(reeve, &err);
 *	}
 *
 * All inline; the library knows nothing of it.
 */
#ifndef REEVE_LOOP_POLL_H
#define REEVE_LOOP_POLL_H

#include <poll.h>

#include <reeve/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Fill in the runtime's entry. Returns what to give poll as its time-out:
 * timeout_ms (-1: none), or less.
 */
static inline int
reeve_poll_prepare(struct reeve *reeve, struct pollfd *entry, int timeout_ms)
{
	int ours = reeve_timeout_ms(reeve);

	entry->fd = reeve_fd(reeve);
	entry->events = POLLIN;
	entry->revents = 0;
	if (ours < 0) {
		return timeout_ms;
	}
	return timeout_ms < 0 || ours < timeout_ms ? ours : timeout_ms;
}

#ifdef __cplusplus
}
#endif

#endif
