/* SPDX-License-Identifier: MIT */
/*
 * What targets say of their own state: an expectation that aborts, and whether
 * a descriptor was left open. Called by the targets that open some.
 */
#ifndef RV_TESTS_FUZZ_FDS_H
#define RV_TESTS_FUZZ_FDS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
expect(bool good)
{
	if (!good) {
		abort();
	}
}

/* The lowest number that is free: it is the same when none was left open. */
static inline int
lowest(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	expect(fd >= 0);
	(void)close(fd);
	return fd;
}

#endif
