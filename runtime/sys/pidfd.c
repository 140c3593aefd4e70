/* SPDX-License-Identifier: MIT */
/*
 * Processes by descriptor: opening, signalling, waiting, asking. Each has the
 * fallback by number for older kernels (and for valgrind, which knows none of
 * this), taken when there is no pidfd or the kernel does not know the call.
 * Called by whoever is the parent of a process; never waits for a stranger.
 */
#include "config.h"

#include "sys/sys.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

/* Numbers that older headers lack; the same on every architecture. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define ID_PIDFD     3         /* P_PIDFD, Linux 5.4 */
#define SIGNAL_GROUP (1U << 2) /* PIDFD_SIGNAL_PROCESS_GROUP, 6.9 */
#define INFO_CREDS   (1U << 1) /* PIDFD_INFO_CREDS, 6.13 */
#define INFO_EXIT    (1U << 3) /* PIDFD_INFO_EXIT, 6.15 */

/* The first published size of struct pidfd_info; later ones are longer. */
struct pidfd_info_v0 {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code; /* a raw wait status, valid with INFO_EXIT */
};

_Static_assert(sizeof(struct pidfd_info_v0) == 64, "the kernel's size");

#define GET_INFO _IOWR(0xFF, 11, struct pidfd_info_v0)

static bool
injected(int sys_errno)
{
	if (sys_errno != 0) {
		errno = sys_errno;
	}
	return sys_errno != 0;
}

int
rv_sys_pidfd_open(pid_t pid)
{
	int fd;

	if (injected(RV_FAULT(pidfd_open))) {
		return -1;
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	/* A process that ends in this moment may give EINVAL: it is gone. */
	if (fd == -1 && errno == EINVAL && pid > 0) {
		errno = ESRCH;
	}
	return fd;
}

int
rv_sys_pidfd_signal(int pidfd, pid_t pid, int signo)
{
	if (pidfd >= 0 && !injected(RV_FAULT(pidfd_send_signal))) {
		int rc =
		    (int)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);

		if (rc == 0 || errno != ENOSYS) {
			return rc;
		}
	} else if (pidfd >= 0 && errno != ENOSYS) {
		return -1;
	}
	if (pid <= 0) {
		/* 0 and -1 would reach far more than one process. */
		errno = ESRCH;
		return -1;
	}
	return kill(pid, signo);
}

int
rv_sys_pidfd_signal_group(int pidfd, pid_t pgid, int signo)
{
	if (pidfd >= 0 && !injected(RV_FAULT(pidfd_group))) {
		int rc = (int)syscall(
		    SYS_pidfd_send_signal, pidfd, signo, NULL, SIGNAL_GROUP);

		if (rc == 0 || (errno != ENOSYS && errno != EINVAL)) {
			return rc;
		}
	} else if (pidfd >= 0 && errno != ENOSYS && errno != EINVAL) {
		return -1;
	}
	if (pgid <= 1) {
		errno = ESRCH;
		return -1;
	}
	return kill(-pgid, signo);
}

/* libc's waitid hides the rusage that the kernel's gives. */
static int
wait_raw(int type, int id, siginfo_t *info, int options, struct rusage *usage)
{
	int rc;

	do {
		rc = (int)syscall(SYS_waitid, type, id, info, options, usage);
	} while (rc == -1 && errno == EINTR);
	return rc;
}

int
rv_sys_wait(
    int pidfd, pid_t pid, int options, siginfo_t *info, struct rusage *usage)
{
	siginfo_t ignored;
	int rc = -1;
	bool by_pid = pidfd < 0;

	if (info == NULL) {
		info = &ignored;
	}
	/* With WNOHANG, nothing to tell leaves si_pid as it was. */
	info->si_pid = 0;
	if (!by_pid) {
		rc = injected(RV_FAULT(pidfd_wait))
			 ? -1
			 : wait_raw(ID_PIDFD, pidfd, info, options, usage);
		by_pid = rc == -1 && (errno == EINVAL || errno == ENOSYS);
	}
	if (by_pid) {
		if (pid <= 0) {
			errno = ECHILD;
			return -1;
		}
		rc = wait_raw(P_PID, pid, info, options, usage);
	}
	if (rc == -1) {
		return -1;
	}
	return info->si_pid != 0;
}

static bool
get_info(int pidfd, uint64_t what, struct pidfd_info_v0 *info)
{
	*info = (struct pidfd_info_v0){ .mask = what };
	return pidfd >= 0 && !injected(RV_FAULT(pidfd_info)) &&
	       ioctl(pidfd, GET_INFO, info) == 0 && (info->mask & what) != 0;
}

int
rv_sys_pidfd_exit_status(int pidfd, int *wstatus)
{
	struct pidfd_info_v0 info;

	if (!get_info(pidfd, INFO_EXIT, &info)) {
		return 0;
	}
	*wstatus = info.exit_code;
	return 1;
}

bool
rv_sys_pidfd_uid(int pidfd, uid_t *uid)
{
	struct pidfd_info_v0 info;

	if (!get_info(pidfd, INFO_CREDS, &info)) {
		return false;
	}
	*uid = info.euid;
	return true;
}
