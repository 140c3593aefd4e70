/* SPDX-License-Identifier: MIT */
/*
 * Raw system services: clocks, and the calls that tests make fail through
 * base/fault.h. Each wrapper is the call of that name with EINTR retried
 * where that is right; results and errno are the kernel's. CLOEXEC always.
 */
#ifndef RV_SYS_H
#define RV_SYS_H

#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <reeve/error.h>

#include "base/base.h"
#include "base/time.h"

rv_time rv_sys_now(void);     /* CLOCK_MONOTONIC */
int64_t rv_sys_wall_us(void); /* CLOCK_REALTIME */

int rv_sys_open(const char *path, int flags, mode_t mode);
int rv_sys_openat(int dir, const char *path, int flags, mode_t mode);
ssize_t rv_sys_read(int fd, void *buf, size_t len);
ssize_t rv_sys_write(int fd, const void *buf, size_t len);
ssize_t rv_sys_writev(int fd, const struct iovec *, int n);
ssize_t rv_sys_sendmsg(int fd, const struct msghdr *, int flags);
ssize_t rv_sys_recvmsg(int fd, struct msghdr *, int flags);
int rv_sys_pipe2(int fds[2], int flags);
int rv_sys_socket(int domain, int type, int protocol);
int rv_sys_socketpair(int domain, int type, int protocol, int fds[2]);
int rv_sys_accept(int fd); /* the new one is non-blocking */
int rv_sys_eventfd(unsigned initial, int flags);
int rv_sys_epoll_create(void);
int rv_sys_timerfd(void);              /* CLOCK_MONOTONIC, non-blocking */
int rv_sys_signalfd(const sigset_t *); /* non-blocking */
int rv_sys_memfd(const char *name);
void *rv_sys_mmap_shared(int fd, size_t len, bool writable); /* NULL: failed */
/* Memory of this process alone: in a child of a fork it is zero. NULL: failed
 */
void *rv_sys_mmap_own(size_t len);
int rv_sys_fallocate(int fd, off_t len);
/*
 * The size of a new file of memory. Where RLIMIT_FSIZE forbids it, as it does
 * for these as well, the kernel would end us by a signal: EFBIG instead, and
 * rv_sys_size_hint says (in the middle of a sentence) what to do about it.
 */
bool rv_sys_may_be_long(uint64_t size);
int rv_sys_set_size(int fd, uint64_t size);
const char *rv_sys_size_hint(int sys_errno);
/* The whole pages of it are the kernel's again; they read as zeros. */
void rv_sys_give_back(void *at, size_t len);
int rv_sys_rename(const char *from, const char *to);
/* Close all of [first, last]; falls back as fault.def says. */
int rv_sys_close_range(unsigned first, unsigned last);

int rv_sys_pidfd_open(pid_t pid);
/* Through pidfd, else (ENOSYS) kill(pid). */
int rv_sys_pidfd_signal(int pidfd, pid_t pid, int signo);
/* To the process group of the pidfd's process: 0, or -1 (ESRCH: empty). */
int rv_sys_pidfd_signal_group(int pidfd, pid_t pgid, int signo);
/* waitid with rusage: P_PIDFD, else P_PID. 1: done, 0: not yet, -1: errno. */
struct rusage;
int rv_sys_wait(
    int pidfd, pid_t pid, int options, siginfo_t *, struct rusage *);
/* The user that it acts as (6.13+); false when that is not told. */
bool rv_sys_pidfd_uid(int pidfd, uid_t *uid);
/* Exit status of a process reaped by others (6.15+): 1, or 0 when not told. */
int rv_sys_pidfd_exit_status(int pidfd, int *wstatus);

/*
 * How one ended that nobody has reaped yet: 1; or 0, when it is none of that
 * start time, or its end is not for us to know. Needs no pidfd.
 */
int rv_sys_zombie_status(pid_t pid, uint64_t start_ticks, int *wstatus);
/* Z or X: dead, whether its parent has taken note or not. */
static inline bool
rv_sys_is_dead(char state)
{
	return state == 'Z' || state == 'X';
}

/* Field 22 of /proc/PID/stat; 0 when there is no such process. */
uint64_t rv_sys_start_ticks(pid_t pid);
/* The user that it acts as; false when there is no such process. */
bool rv_sys_proc_uid(pid_t pid, uid_t *uid);
/* Bytes of memory that it has at hand; 0 when there is no such process. */
uint64_t rv_sys_resident(pid_t pid);
/* Parent, group and session of a process; false when there is none. */
bool rv_sys_proc_stat(pid_t pid, pid_t *ppid, pid_t *pgrp, pid_t *sid,
    char *state, uint64_t *start_ticks);
/* It has ended, or does now with all its threads, whatever holds that up. */
bool rv_sys_is_ending(pid_t pid);
/* 36 characters and a NUL; "" when it cannot be read. */
void rv_sys_boot_id(char id[static 40]);
/* 16 random bytes as 32 hex digits and a NUL. */
void rv_sys_random_hex(char hex[static 33]);

/*
 * Run `work` in a copy of this process, which has no descriptor but `fd`, no
 * signals, and ends with `work`, or by KILL with the thread that made it. It
 * may take no memory and no locks. Wait for it with __WALL: no SIGCHLD comes.
 * -1: errno. *pidfd is the caller's; -1 where the kernel has none.
 */
pid_t rv_sys_copy(
    void (*work)(void *ctx, int fd), void *ctx, int fd, int *pidfd);

/*
 * Start one of our own executables (launcher, clerk) from any host: clone
 * without a copy of the address space and without waiting on anything of the
 * host's; all signals reset in the child; fds[i] becomes descriptor 3 + i, all
 * others are closed but 0 (/dev/null), 1 and 2. At most 16. *pid and *pidfd
 * are the caller's; *pidfd is -1 where the kernel has none. Uses no malloc.
 */
struct rv_helper {
	const char *path;
	const char *const *argv;
	const char *const *envp;
	const int *fds;
	unsigned n_fds;
	bool new_session;
	/*
	 * Nobody's child here: it falls to the first process, or to the host
	 * where that is a subreaper. Only pidfd tells of its end then. Where
	 * memory cannot be shared with it, it is a child all the same.
	 */
	bool orphan;
};
enum reeve_status rv_sys_helper_start(const struct rv_helper *, pid_t *pid,
    int *pidfd, struct reeve_error *) RV_MUST_CHECK;

#endif
