/* SPDX-License-Identifier: MIT */
/*
 * The text that workers send to their NOTIFY_SOCKET: VAR=VALUE lines, as
 * systemd defines them. Pure; trusts nothing (fuzzed).
 */
#ifndef RV_WIRE_NOTIFY_H
#define RV_WIRE_NOTIFY_H

#include "wire/launch.h"

#define RV_NOTIFY_MESSAGE_MAX 4096 /* bytes; what is longer is refused */

struct rv_notify_message {
	struct rv_notify notify; /* status points to `status` */
	bool barrier;            /* BARRIER=1: nothing else is in it */
	bool page;               /* REEVE_PAGE=1: its descriptor is the page */
	const char *bad;         /* why something was refused; static */
	char status[RV_NOTIFY_STATUS_MAX + 1];
};

/*
 * Read one datagram that came with n_fds descriptors. What cannot be used is
 * left out and `bad` says why; the rest counts. Of a variable that comes twice
 * the first counts; unknown ones are nothing.
 */
void rv_notify_parse(
    const char *data, size_t len, unsigned n_fds, struct rv_notify_message *);

#endif
