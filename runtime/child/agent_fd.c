/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that the agent keeps. A worker may close all that are open, and
 * its next file then has the number of ours; so each is known by its inode,
 * and looked at before it is written or closed.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child/agent.h"

void
rv_agent_fd_know(struct rv_agent_fd *known, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0) {
		known->device = (uint64_t)st.st_dev;
		known->inode = (uint64_t)st.st_ino;
		known->fd = fd;
	}
}

bool
rv_agent_fd_is_ours(const struct rv_agent_fd *known)
{
	struct stat st;

	return known->fd != -1 && fstat(known->fd, &st) == 0 &&
	       (uint64_t)st.st_dev == known->device &&
	       (uint64_t)st.st_ino == known->inode;
}

void
rv_agent_fd_close(struct rv_agent_fd *known)
{
	if (rv_agent_fd_is_ours(known)) {
		close(known->fd);
	}
	known->fd = -1;
}

bool
rv_agent_pipe(struct rv_agent_fd *read_end, struct rv_agent_fd *write_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) {
		return false;
	}
	rv_agent_fd_know(read_end, ends[0]);
	rv_agent_fd_know(write_end, ends[1]);
	return true;
}
