/* SPDX-License-Identifier: MIT */
/*
 * Starting one of our own executables from inside of any host. The child
 * borrows the address space until its exec, so that the cost does not grow
 * with the host, on a stack of its own; only the calling thread waits for it.
 * Between clone and exec: raw system calls, no malloc, no locks, nothing that
 * a sanitizer or another thread of the host could notice.
 */
#include "config.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

#define STACK_SIZE  ((size_t)64 * 1024)
#define FDS_MAX     16
#define FIRST_FD    3
#define LAST_SIGNAL 64 /* the kernel's count, more than libc admits to */

/* What the child is told, and where it puts why it could not exec. */
struct birth {
	const struct rv_helper *helper;
	int status_fd; /* fork fallback: errno goes there, -1: sys_errno */
	int sys_errno;
	char *stack; /* of the helper, where another is in between */
	pid_t orphan;
};

static void
reset_signals(void)
{
	/* Zero is SIG_DFL without flags in every architecture's layout. */
	const unsigned long zero[8] = { 0 };

	for (int signo = 1; signo <= LAST_SIGNAL; signo++) {
		/* KILL and STOP refuse, rightly. */
		syscall(SYS_rt_sigaction, signo, zero, NULL, 8);
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, zero, NULL, 8);
}

/* stdin reads nothing; stdout and stderr are at least open. */
static int
fill_standard_fds(void)
{
	for (int fd = 0; fd < FIRST_FD; fd++) {
		long null;

		/* One with CLOEXEC is as good as closed: -1 has the bit too. */
		if (fd != 0 &&
		    (syscall(SYS_fcntl, fd, F_GETFD, 0) & FD_CLOEXEC) == 0) {
			continue;
		}
		null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
		if (null == -1) {
			return -1;
		}
		if (null != fd) {
			if (syscall(SYS_dup3, null, fd, 0) == -1) {
				return -1;
			}
			syscall(SYS_close, null);
		}
	}
	return 0;
}

/*
 * Sources may stand where targets are to go (on 0 to 2 even), so all of them
 * move above the last target first. The status descriptor, if any, ends up
 * right behind the targets.
 */
static int
place_fds(const struct rv_helper *helper, int *status_fd)
{
	int above = FIRST_FD + (int)helper->n_fds + 1;
	int status = *status_fd;
	long moved[FDS_MAX];

	if (status != -1) {
		status =
		    (int)syscall(SYS_fcntl, status, F_DUPFD_CLOEXEC, above);
		if (status == -1) {
			return -1;
		}
		*status_fd = status;
	}
	for (unsigned i = 0; i < helper->n_fds; i++) {
		moved[i] =
		    syscall(SYS_fcntl, helper->fds[i], F_DUPFD_CLOEXEC, above);
		if (moved[i] == -1) {
			return -1;
		}
	}
	if (fill_standard_fds() == -1) {
		return -1;
	}
	for (unsigned i = 0; i < helper->n_fds; i++) {
		if (syscall(SYS_dup3, moved[i], FIRST_FD + (int)i, 0) == -1) {
			return -1;
		}
	}
	if (status == -1) {
		return rv_sys_close_range((unsigned)above - 1, UINT_MAX);
	}
	if (syscall(SYS_dup3, status, above - 1, O_CLOEXEC) == -1) {
		return -1;
	}
	*status_fd = above - 1;
	return rv_sys_close_range((unsigned)above, UINT_MAX);
}

static int __attribute__((no_sanitize_address, no_sanitize_thread))
child_main(void *arg)
{
	struct birth *birth = arg;
	const struct rv_helper *helper = birth->helper;
	int status_fd = birth->status_fd;
	int sys_errno;

	reset_signals();
	if ((!helper->new_session || syscall(SYS_setsid) != -1) &&
	    place_fds(helper, &status_fd) == 0) {
		syscall(SYS_execve, helper->path, helper->argv, helper->envp);
	}
	sys_errno = errno;
	if (status_fd != -1) {
		syscall(SYS_write, status_fd, &sys_errno, sizeof(sys_errno));
	} else {
		birth->sys_errno = sys_errno;
	}
	syscall(SYS_exit_group, 127);
	return 127;
}

/*
 * In between, on borrowed memory too: its end makes an orphan of the helper.
 * It is suspended until that has its own memory.
 */
static int __attribute__((no_sanitize_address, no_sanitize_thread))
between_main(void *arg)
{
	struct birth *birth = arg;

	birth->orphan = clone(
	    child_main, birth->stack, CLONE_VM | CLONE_VFORK | SIGCHLD, birth);
	if (birth->orphan == -1) {
		birth->sys_errno = errno;
	}
	syscall(SYS_exit_group, 0);
	return 0;
}

static pid_t
start_orphan(struct birth *birth, int *pidfd)
{
	char *stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t between;
	int saved;

	if (stacks == MAP_FAILED) {
		return -1;
	}
	birth->stack = stacks + 2 * STACK_SIZE;
	/* No signal at its end, and no wait() but ours sees it. */
	between = clone(
	    between_main, stacks + STACK_SIZE, CLONE_VM | CLONE_VFORK, birth);
	saved = errno;
	if (between != -1) {
		rv_sys_wait(-1, between, WEXITED | __WALL, NULL, NULL);
		*pidfd = birth->sys_errno == 0
			     ? rv_sys_pidfd_open(birth->orphan)
			     : -1;
		between = birth->orphan != -1 ? birth->orphan : between;
	}
	munmap(stacks, 2 * STACK_SIZE);
	errno = saved;
	return between;
}

/* The usual way. The caller is suspended until the child's exec or exit. */
static pid_t
start_shared(struct birth *birth, int *pidfd)
{
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid;
	int saved;

	if (stack == MAP_FAILED) {
		return -1;
	}
	if (RV_FAULT(clone_pidfd) == 0) {
		flags |= CLONE_PIDFD;
	}
	pid = clone(child_main, stack + STACK_SIZE, flags, birth, pidfd);
	saved = errno;
	munmap(stack, STACK_SIZE);
	errno = saved;
	if (pid != -1 && (flags & CLONE_PIDFD) == 0) {
		*pidfd = rv_sys_pidfd_open(pid);
	}
	return pid;
}

/*
 * The fallback, with a copy of the address space and therefore a pipe for the
 * errno; its end says that the exec has happened. Not fork(): that would run
 * the host's atfork handlers.
 */
static pid_t
start_copied(struct birth *birth, int *pidfd)
{
	int pipe_fds[2];
	ssize_t n;
	pid_t pid;
	int saved;

	if (rv_sys_pipe2(pipe_fds, 0) == -1) {
		return -1;
	}
	birth->status_fd = pipe_fds[1];
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		child_main(birth);
	}
	saved = errno;
	close(pipe_fds[1]);
	if (pid != -1) {
		*pidfd = rv_sys_pidfd_open(pid);
		do {
			n = read(pipe_fds[0], &birth->sys_errno, sizeof(int));
		} while (n == -1 && errno == EINTR);
	}
	close(pipe_fds[0]);
	errno = saved;
	return pid;
}

/* No handler of the host's may run in the child on shared memory. */
static pid_t
start_blocked(struct birth *birth, int *pidfd)
{
	/* Raw, because libc's never block its own two signals. */
	const uint64_t all = UINT64_MAX;
	uint64_t before;
	pid_t pid;
	int saved;

	saved = RV_FAULT(clone);
	if (saved != 0) {
		errno = saved;
		return -1;
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
	if (RV_FAULT(clone_vm) != 0) {
		pid = start_copied(birth, pidfd);
	} else if (birth->helper->orphan) {
		pid = start_orphan(birth, pidfd);
	} else {
		pid = start_shared(birth, pidfd);
	}
	saved = errno;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
	errno = saved;
	return pid;
}

enum reeve_status
rv_sys_helper_start(const struct rv_helper *helper, pid_t *pid, int *pidfd,
    struct reeve_error *err)
{
	struct birth birth = { .helper = helper, .status_fd = -1 };
	int fd = -1;
	pid_t child;

	RV_ASSERT(helper->n_fds <= FDS_MAX);
	child = start_blocked(&birth, &fd);
	if (child == -1) {
		return rv_error_sys(
		    err, errno, "cannot start %s: clone", helper->path);
	}
	if (birth.sys_errno != 0) {
		/* Fails only when the host has reaped it: gone either way. */
		rv_sys_wait(fd, child, WEXITED, NULL, NULL);
		if (fd != -1) {
			close(fd);
		}
		return rv_error_sys(
		    err, birth.sys_errno, "cannot start %s", helper->path);
	}
	*pid = child;
	*pidfd = fd;
	return REEVE_OK;
}
