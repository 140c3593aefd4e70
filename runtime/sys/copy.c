/* SPDX-License-Identifier: MIT */
/*
 * A copy of this process that does one thing with the memory as it is now,
 * while this one goes on. Not fork(): that would run the host's atfork
 * handlers, and its end would send the host a SIGCHLD; so of libc's locks, too,
 * some may be held in the copy by threads that it has not.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/sys.h"

static _Noreturn void
live(int fd, pid_t parent, void (*work)(void *ctx, int fd), void *ctx)
{
	/* with the thread that asked for it it has nobody to work for */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent) {
		if (fd > 0) {
			(void)rv_sys_close_range(0, (unsigned)fd - 1);
		}
		(void)rv_sys_close_range((unsigned)fd + 1, UINT_MAX);
		work(ctx, fd);
	}
	_exit(0);
}

pid_t
rv_sys_copy(void (*work)(void *ctx, int fd), void *ctx, int fd, int *pidfd)
{
	/* Raw, because libc's never block its own two signals. */
	const uint64_t all = UINT64_MAX;
	unsigned long flags = RV_FAULT(clone_pidfd) == 0 ? CLONE_PIDFD : 0;
	int injected = RV_FAULT(clone);
	pid_t parent = getpid(), pid = -1;
	uint64_t before;
	int saved = injected;

	*pidfd = -1;
	if (injected == 0) {
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
		pid = (pid_t)syscall(SYS_clone, flags, 0, pidfd, 0, 0);
		if (pid == 0) {
			live(fd, parent, work, ctx);
		}
		saved = errno;
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
	}
	if (pid > 0 && flags == 0) {
		*pidfd = rv_sys_pidfd_open(pid);
	}
	errno = saved;
	return pid;
}
