/* SPDX-License-Identifier: MIT */
/* clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD), exec, poll, waitid. */
#include "config.h"

#include "bench/bench_raw.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct start {
	char *const *argv;
	int out[2];
};

static int
enter(void *arg)
{
	struct start *start = arg;

	for (int i = 0; i < 2; i++) {
		if (start->out[i] != -1) {
			dup2(start->out[i], 1 + i);
		}
	}
	execv(start->argv[0], start->argv);
	_exit(127);
}

void
raw_start(struct raw_child *child, char *const *argv, bool pipes)
{
	static char stack[16384] __attribute__((aligned(16)));
	struct start start = { .argv = argv, .out = { -1, -1 } };
	int fds[2];

	child->out[0] = child->out[1] = -1;
	for (int i = 0; pipes && i < 2; i++) {
		if (pipe2(fds, O_CLOEXEC) != 0) {
			perror("raw: pipe2");
			exit(2);
		}
		child->out[i] = fds[0];
		start.out[i] = fds[1];
	}
	child->pid = clone(enter, stack + sizeof(stack),
	    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &start,
	    &child->pidfd);
	if (child->pid == -1) {
		perror("raw: clone");
		exit(2);
	}
	for (int i = 0; i < 2; i++) {
		if (start.out[i] != -1) {
			close(start.out[i]);
		}
	}
}

void
raw_await(struct raw_child *child)
{
	struct pollfd p = { .fd = child->pidfd, .events = POLLIN };
	siginfo_t info;

	while (poll(&p, 1, -1) != 1) {
	}
	waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED);
	close(child->pidfd);
	for (int i = 0; i < 2; i++) {
		if (child->out[i] != -1) {
			close(child->out[i]);
		}
	}
}
