/* SPDX-License-Identifier: MIT */
/*
 * Limits, another user, and a filter of system calls: see jail.h. The filter
 * answers with an error rather than death: a library that asks for something
 * it can do without goes on.
 */
#include "config.h"

#include "symbols/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY    65534
#define SECONDS   5 /* of processor */
#define MEMORY    ((rlim_t)2 << 30)
#define FILES_MAX 600 /* two a module */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

static void
limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit((unsigned)resource, &now) == 0) {
		now.rlim_cur = now.rlim_max = RV_MIN(now.rlim_max, most);
		setrlimit((unsigned)resource, &now);
	}
}

void
rv_jail_bound(void)
{
	limit(RLIMIT_CPU, SECONDS);
	limit(RLIMIT_NOFILE, FILES_MAX);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	limit(RLIMIT_AS, MEMORY);
#endif
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whoever records or serves goes first. */
	if (setpriority(PRIO_PROCESS, 0, 10) == -1) {
		errno = 0;
	}
}

/* One allowed call: two instructions. */
#define ALLOW(name)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static bool
filter_calls(void)
{
#ifdef ARCH
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		ALLOW(read),
		ALLOW(pread64),
		ALLOW(write),
		ALLOW(lseek),
		ALLOW(close),
		ALLOW(fstat),
		ALLOW(fcntl),
		ALLOW(mmap),
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(mprotect),
		ALLOW(madvise),
		ALLOW(brk),
		ALLOW(futex),
		ALLOW(getrandom),
		ALLOW(rt_sigreturn),
		ALLOW(sigaltstack), /* sanitizers, before an exit */
		ALLOW(exit),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = { RV_ARRAY_LEN(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
	return false;
#endif
}

bool
rv_jail_enter(void)
{
	bool fine = true;

	if (geteuid() == 0) {
		/* In a user namespace there may be nobody but root. */
		fine = setgroups(0, NULL) == 0;
		fine = setresgid(NOBODY, NOBODY, NOBODY) == 0 && fine;
		fine = setresuid(NOBODY, NOBODY, NOBODY) == 0 && fine;
		/* Another user is nobody's child until it says so again. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	return filter_calls() && fine;
}
