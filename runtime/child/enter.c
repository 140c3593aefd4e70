/* SPDX-License-Identifier: MIT */
/*
 * Between clone and exec. The child usually borrows the launcher's memory and
 * runs beside it, so here are raw system calls alone: no errno, no libc, no
 * lock, nothing that a sanitizer would write down, and of the launcher's
 * memory only the result words, the birth's own text and this stack are
 * written. Dispositions need no step: the launcher has none but defaults, and
 * blocks every signal for all its life, so that what is sent to a child early
 * waits until its mask is emptied right before exec.
 *
 * The steps are a table; one that fails writes its number and errno where the
 * launcher finds them when it sees the child end.
 */
#include "config.h"

#include "child/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "child/raw.h"
#include "child/stage.h"

/* Same number on every architecture; absent from older headers. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define BARE                                                          \
	__attribute__((no_sanitize("address"), no_sanitize("thread"), \
	    no_sanitize("undefined")))

#define MASK_BYTES 8 /* of the kernel's signal set */

const bool rv_child_may_share = RV_RAW_CALLS;

BARE static long
tie(const struct rv_birth *b)
{
	long result;

	if (b->called) {
		return 0;
	}
	result = RAW5(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (result < 0) {
		return result;
	}
	/* Never compared with 1: a subreaper may be the new parent. */
	return RAW0(getppid) == b->parent ? 0 : -ESRCH;
}

BARE static long
make_session(const struct rv_birth *b)
{
	return b->has_session ? 0 : RAW0(setsid);
}

BARE static bool
is_placed(const struct rv_birth *b, unsigned fd)
{
	for (unsigned i = 0; i < b->n_fds; i++) {
		if ((unsigned)b->fds[i].at == fd) {
			return true;
		}
	}
	return false;
}

/* A source that stands where another is to go moves out of the way first. */
BARE static long
move_fds(const struct rv_birth *b, struct rv_birth_fd *fds)
{
	int above = b->n_fds > 0 ? fds[b->n_fds - 1].at + 1 : 0;

	for (unsigned i = 0; i < b->n_fds; i++) {
		if (fds[i].from != fds[i].at &&
		    is_placed(b, (unsigned)fds[i].from)) {
			long moved =
			    RAW3(fcntl, fds[i].from, F_DUPFD_CLOEXEC, above);

			if (moved < 0) {
				return moved;
			}
			fds[i].from = (int)moved;
		}
	}
	return 0;
}

BARE static long
place(const struct rv_birth_fd *fd)
{
	return fd->from == fd->at
		   ? RAW3(fcntl, fd->at, F_SETFD, fd->cloexec ? FD_CLOEXEC : 0)
		   : RAW3(dup3, fd->from, fd->at, fd->cloexec ? O_CLOEXEC : 0);
}

BARE static long
place_fds(const struct rv_birth *b)
{
	/* The table is the child's own: nobody else looks at it any more. */
	struct rv_birth_fd *fds = ((struct rv_birth *)(uintptr_t)b)->fds;
	long result = move_fds(b, fds);

	for (unsigned i = 0; i < b->n_fds && result >= 0; i++) {
		result = place(&fds[i]);
	}
	return result;
}

BARE static unsigned
number_of(const char *name)
{
	unsigned n = 0;

	if (*name < '0' || *name > '9') {
		return UINT_MAX;
	}
	for (; *name >= '0' && *name <= '9'; name++) {
		n = n * 10 + (unsigned)(*name - '0');
	}
	return n;
}

struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* The way without close_range: the position is the descriptor's number. */
BARE static long
close_listed(const struct rv_birth *b)
{
	_Alignas(8) char buf[1024];
	long dir = RAW4(openat, AT_FDCWD, "/proc/self/fd",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long n;

	if (dir < 0) {
		return dir;
	}
	while ((n = RAW3(getdents64, dir, buf, sizeof(buf))) > 0) {
		const struct entry *e;

		for (long at = 0; at < n; at += e->len) {
			unsigned fd;

			e = (const struct entry *)(const void *)(buf + at);
			fd = number_of(e->name);
			if (fd > 2 && fd != UINT_MAX && fd != (unsigned)dir &&
			    !is_placed(b, fd)) {
				RAW1(close, fd);
			}
		}
	}
	RAW1(close, dir);
	return n;
}

BARE static long
close_rest(const struct rv_birth *b)
{
	unsigned first = 3;
	long result = 0;

	if (b->list_fds) {
		return close_listed(b);
	}
	for (unsigned i = 0; i < b->n_fds && result >= 0; i++) {
		unsigned at = (unsigned)b->fds[i].at;

		if (at > first) {
			result = RAW3(close_range, first, at - 1, 0);
		}
		first = at >= first ? at + 1 : first;
	}
	if (result >= 0) {
		result = RAW3(close_range, first, UINT_MAX, 0);
	}
	return result < 0 ? close_listed(b) : 0;
}

BARE static long
set_umask(const struct rv_birth *b)
{
	if (b->umask != -1) {
		RAW1(umask, b->umask);
	}
	return 0;
}

BARE static long
set_nice(const struct rv_birth *b)
{
	return b->set_nice ? RAW3(setpriority, PRIO_PROCESS, 0, b->nice) : 0;
}

/* With memory of its own only: the value belongs to all who share it. */
BARE static long
set_oom(const struct rv_birth *b)
{
	long fd, result;

	if (b->oom == NULL) {
		return 0;
	}
	/* The file is root's while a process is not dumpable. */
	RAW5(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	fd = RAW4(openat, AT_FDCWD, "/proc/self/oom_score_adj",
	    O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0) {
		return fd;
	}
	result = RAW3(write, fd, b->oom, b->oom_len);
	RAW1(close, fd);
	return result;
}

BARE static long
set_limits(const struct rv_birth *b)
{
	for (unsigned i = 0; i < b->n_limits; i++) {
		const uint64_t value[2] = { b->limits[i].soft,
			b->limits[i].hard };
		long result =
		    RAW4(prlimit64, 0, b->limits[i].resource, value, NULL);

		if (result < 0) {
			return result;
		}
	}
	return 0;
}

BARE static long
set_groups(const struct rv_birth *b)
{
	return b->set_groups ? RAW2(setgroups, b->n_groups, b->groups) : 0;
}

BARE static long
set_gid(const struct rv_birth *b)
{
	return b->set_gid ? RAW3(setresgid, b->gid, b->gid, b->gid) : 0;
}

BARE static long
set_uid(const struct rv_birth *b)
{
	return b->set_uid ? RAW3(setresuid, b->uid, b->uid, b->uid) : 0;
}

BARE static long
change_directory(const struct rv_birth *b)
{
	return b->directory != NULL ? RAW1(chdir, b->directory) : 0;
}

/* A change of identity unties; this ties again. */
BARE static long
tie_again(const struct rv_birth *b)
{
	return b->set_uid || b->set_gid ? tie(b) : 0;
}

/*
 * Until the supervisor has been told that this process exists. If the launcher
 * dies first, so does this: there is no life that the supervisor never heard
 * of.
 */
BARE static long
await_announcement(const struct rv_birth *b)
{
	struct rv_birth_shared *s = b->shared;

	if (b->called) {
		return 0;
	}
	while (__atomic_load_n(&s->announced, __ATOMIC_SEQ_CST) == 0) {
		__atomic_store_n(&s->waiting, 1, __ATOMIC_SEQ_CST);
		RAW4(futex, &s->announced, FUTEX_WAIT, 0, NULL);
	}
	return RAW5(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

BARE static void
write_number(char *text, long n)
{
	char digits[12];
	int len = 0;

	for (; n > 0; n /= 10) {
		digits[len++] = (char)('0' + n % 10);
	}
	for (int i = 0; i < len; i++) {
		text[i] = digits[len - 1 - i];
	}
	text[len] = '\0';
}

BARE static long
write_own_pid(const struct rv_birth *b)
{
	for (unsigned i = 0; i < RV_BIRTH_PIDS; i++) {
		if (b->own_pid[i] != NULL) {
			write_number(b->own_pid[i], RAW0(getpid));
		}
	}
	return 0;
}

BARE static long
unblock_signals(const struct rv_birth *b)
{
	const uint64_t none = 0;

	(void)b;
	return RAW4(rt_sigprocmask, SIG_SETMASK, &none, NULL, MASK_BYTES);
}

/* As execvp looks, but what is no program is not given to a shell. */
BARE static long
execute(const struct rv_birth *b)
{
	bool denied = false;
	long result = -ENOENT;

	if (b->called) {
		return 0;
	}
	if (b->program != -1) {
		return RAW5(
		    execveat, b->program, "", b->argv, b->envp, AT_EMPTY_PATH);
	}
	for (const char *const *file = b->files; *file != NULL; file++) {
		result = RAW3(execve, *file, b->argv, b->envp);
		if (result == -EACCES) {
			denied = true;
		} else if (result != -ENOENT && result != -ENOTDIR &&
			   result != -ESTALE && result != -ENODEV &&
			   result != -ETIMEDOUT) {
			return result;
		}
	}
	return denied ? -EACCES : result;
}

struct step {
	enum rv_stage stage;
	long (*take)(const struct rv_birth *);
};

static const struct step steps[] = {
	{ RV_STAGE_PDEATHSIG, tie },
	{ RV_STAGE_SESSION, make_session },
	{ RV_STAGE_FDS, place_fds },
	{ RV_STAGE_CLOSE, close_rest },
	{ RV_STAGE_NICE, set_umask },
	{ RV_STAGE_NICE, set_nice },
	{ RV_STAGE_OOM, set_oom },
	{ RV_STAGE_LIMITS, set_limits },
	{ RV_STAGE_GROUPS, set_groups },
	{ RV_STAGE_GID, set_gid },
	{ RV_STAGE_UID, set_uid },
	{ RV_STAGE_DIRECTORY, change_directory },
	{ RV_STAGE_PDEATHSIG, tie_again },
	{ RV_STAGE_ORPHANED, await_announcement },
	{ RV_STAGE_EXEC, write_own_pid },
	{ RV_STAGE_SIGNALS, unblock_signals },
	{ RV_STAGE_EXEC, execute },
};

BARE long
rv_child_enter_called(const struct rv_birth *b, int *stage)
{
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		long result = steps[i].take(b);

		if (result < 0) {
			*stage = (int)steps[i].stage;
			return result;
		}
	}
	return 0;
}

BARE int
rv_child_enter(void *arg)
{
	const struct rv_birth *b = arg;
	int stage = 0;
	long result = rv_child_enter_called(b, &stage);

	b->shared->sys_errno = (int32_t)-result;
	__atomic_store_n(&b->shared->stage, (int32_t)stage, __ATOMIC_RELEASE);
	for (;;) {
		RAW1(exit_group, 127);
	}
}
