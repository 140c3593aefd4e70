/* SPDX-License-Identifier: MIT */
/* How a life ended and what it used, as the launcher tells it. */
#ifndef RV_WIRE_DEATH_H
#define RV_WIRE_DEATH_H

#include "base/base.h"
#include "core/core.h"

struct rv_death {
	struct rv_end end;
	int stage, sys_errno; /* a step before exec failed: stage != 0 */
	int64_t utime_us, stime_us, max_rss_kib; /* -1: not known */
	uint32_t leftover; /* processes of the life that had to be killed */
	bool survivors;    /* some could not be killed within the bound */
};

/* What a worker said on its notify socket, already checked. */
enum rv_notify_flag {
	RV_NOTIFY_READY = 1u << 0,
	RV_NOTIFY_STOPPING = 1u << 1,
	RV_NOTIFY_RELOADING = 1u << 2,
	RV_NOTIFY_WATCHDOG = 1u << 3,
	RV_NOTIFY_TRIGGER = 1u << 4,       /* WATCHDOG=trigger */
	RV_NOTIFY_WATCHDOG_USEC = 1u << 5, /* usec */
	RV_NOTIFY_EXTEND = 1u << 6,        /* extend_usec */
	RV_NOTIFY_MAINPID = 1u << 7,       /* mainpid, a descendant */
	RV_NOTIFY_ERRNO = 1u << 8,
	RV_NOTIFY_STATUS = 1u << 9, /* status */
	RV_NOTIFY_EXIT_STATUS = 1u << 10,
	RV_NOTIFY_BAD = 1u << 11,     /* refused; status says why */
	RV_NOTIFY_TROUBLE = 1u << 12, /* something new is in its page */
};

struct rv_notify {
	uint32_t flags;
	int32_t mainpid, sys_errno, exit_status;
	uint64_t watchdog_usec, extend_usec;
	const char *status; /* valid UTF-8, NUL-terminated, borrowed */
};

#endif
