/* SPDX-License-Identifier: MIT */
/*
 * The guard: a process of ours that waits until we end, by the end of a pipe,
 * and kills every group of an item that is still there. So nothing goes on
 * unseen when we are killed. It reads memory that we share with it; killed
 * itself, each item's first process still ends with us (map_spawn.c).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/map/map_spawn.h"

#define PIPE_FD 3 /* in the guard */

struct duty {
	struct map_guard *guard;
	int pipe;
};

static int
guard_main(void *arg)
{
	const struct duty *duty = arg;
	char byte;

	setsid();
	prctl(PR_SET_NAME, "reeve-map-guard");
	dup2(duty->pipe, PIPE_FD);
	/* Nobody shall wait for the end of our outputs. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	syscall(SYS_close_range, PIPE_FD + 1, ~0u, 0);
	while (read(PIPE_FD, &byte, 1) < 0 && errno == EINTR) {
	}
	for (unsigned i = 0; i < duty->guard->n; i++) {
		pid_t group =
		    __atomic_load_n(&duty->guard->groups[i], __ATOMIC_ACQUIRE);

		if (group > 1) {
			kill(-group, SIGKILL);
		}
	}
	_exit(0);
}

bool
map_guard_start(struct map_guard *guard, unsigned slots)
{
	static char stack[64 * 1024] __attribute__((aligned(64)));
	size_t size = slots * sizeof(guard->groups[0]);
	struct duty duty = { .guard = guard };
	int fds[2];

	guard->n = slots;
	guard->groups = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guard->groups == MAP_FAILED || pipe2(fds, O_CLOEXEC) != 0) {
		return false;
	}
	duty.pipe = fds[0];
	guard->pipe = fds[1];
	guard->pid = clone(guard_main, stack + sizeof(stack), SIGCHLD, &duty);
	close(fds[0]);
	return guard->pid > 0;
}

void
map_guard_end(struct map_guard *guard)
{
	close(guard->pipe);
	waitpid(guard->pid, NULL, 0);
	munmap(guard->groups, guard->n * sizeof(guard->groups[0]));
}
