/* SPDX-License-Identifier: MIT */
/*
 * Forking for the launcher: see forker.h. The process that forks has one
 * thread, so that libc's own fork is right here, with the atfork handlers of
 * whoever registered some.
 */
#include "config.h"

#include "child/forker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child/agent.h"
#include "child/call.h"
#include "child/frames.h"
#include "child/lifeline.h"
#include "child/raw.h"
#include "child/run.h"
#include "child/stage.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define LAST_SIGNAL 64

/* ThreadSanitizer has a thread of its own, which it stops around a fork. */
#ifdef __SANITIZE_THREAD__
#define ITS_THREADS 1
#else
#define ITS_THREADS 0
#endif

bool
rv_forker_is_alone(void)
{
	struct stat st;

	/* One link of its own, one of "..", one a thread. */
	return stat("/proc/self/task", &st) == -1 ||
	       st.st_nlink <= 3 + ITS_THREADS;
}

/* -------- in the new process -------- */

/* What the forker has open is none of ours, and would outlive it in us. */
static void
close_others(const int *fds, unsigned n_fds)
{
	unsigned first = 3;

	for (;;) {
		unsigned next = UINT32_MAX;

		for (unsigned i = 0; i < n_fds; i++) {
			if (fds[i] >= (int)first && (unsigned)fds[i] < next) {
				next = (unsigned)fds[i];
			}
		}
		if (next > first) {
			syscall(SYS_close_range, first, next - 1, 0);
		}
		if (next == UINT32_MAX) {
			return;
		}
		first = next + 1;
	}
}

static void
reset_signals(void)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };

	for (int signo = 1; signo <= LAST_SIGNAL; signo++) {
		/* KILL and STOP refuse, and so do libc's own two. */
		sigaction(signo, &action, NULL);
	}
}

static void
fail(int go, int stage, int sys_errno)
{
	struct rv_fork_failure failure = { stage, sys_errno };

	if (send(go, &failure, sizeof(failure), MSG_NOSIGNAL) == -1) {
		_exit(127); /* nobody is there to hear it */
	}
	_exit(127);
}

static unsigned
take_fds(struct msghdr *msg, int *fds)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) /
				       sizeof(int));
			memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		}
	}
	return n;
}

/* False: whoever asks is gone, or it is not what we know. */
static bool
receive(int sock, struct rv_fork_frame *frame, int *fds, unsigned *n_fds,
    void *more, size_t *n_more)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(RV_FORK_FDS * sizeof(int))];
	} control;
	struct iovec iov[2] = { { frame, sizeof(*frame) }, { more, *n_more } };
	struct msghdr msg = { .msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n < (ssize_t)sizeof(*frame)) {
		return false;
	}
	*n_more = (size_t)n - sizeof(*frame);
	*n_fds = take_fds(&msg, fds);
	return true;
}

/* What a process that was forked has to become a worker of. */
struct start {
	struct rv_call call;
	bool has_session; /* of its own, since it was forked ahead */
	bool has_word;    /* the supervisor knows of it */
	int go;           /* -1: it is among fds */
	int *fds;         /* those of the birth, in order */
	unsigned n_fds;
	int room[RV_FORK_FDS];
};

/* Everything that a child_enter of the launcher does for a program. */
static void
take_place(struct start *start)
{
	struct rv_birth *birth = start->call.birth;
	unsigned next = 0;
	int stage = 0;
	char word;
	long result;

	for (unsigned i = 0; i < birth->n_fds; i++) {
		bool is_go = birth->fds[i].at == birth->report;

		if (is_go && start->go != -1) {
			birth->fds[i].from = start->go;
			continue;
		}
		if (next >= start->n_fds) {
			_exit(127);
		}
		birth->fds[i].from = start->fds[next++];
		start->go = is_go ? birth->fds[i].from : start->go;
	}
	birth->called = true;
	birth->has_session = start->has_session;
	result = rv_child_enter_called(birth, &stage);
	if (result == 0 || stage > RV_STAGE_CLOSE) {
		start->go = birth->report;
	}
	/* Its end without a word is the launcher's. */
	if (!start->has_word && recv(start->go, &word, 1, 0) != 1) {
		_exit(127);
	}
	if (result < 0) {
		fail(start->go, stage, (int)-result);
	}
	close(start->go);
	environ = (char **)(uintptr_t)birth->envp;
}

/* The page goes ahead of the life that it will belong to. */
static bool
offer(int sock, int page)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char word = 0;
	struct iovec iov = { &word, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (page != -1) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(page));
		memcpy(CMSG_DATA(c), &page, sizeof(page));
	}
	n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	if (page != -1) {
		close(page);
	}
	return n == 1;
}

/*
 * What it will touch is made its own while nobody waits: each page of data
 * that it writes is copied then, each of code is mapped.
 */
static void
rehearse(void)
{
	char **volatile *env = &environ;

	*env = environ;
	rv_run_rehearse();
}

/* A spare has but the socket, on which it gets all the rest. */
static bool
await_call(struct start *start)
{
	static _Alignas(16) char call[RV_FORK_CALL_MAX];
	struct rv_fork_frame frame;
	size_t n = sizeof(call);

	/* What will be written is ours by then, and no copy is to be made. */
	memset(call, 1, sizeof(call) / 2);
	start->has_session = setsid() != -1;
	rehearse();
	if (!offer(start->go, rv_agent_prepare()) ||
	    !receive(start->go, &frame, start->room, &start->n_fds, call, &n)) {
		return false; /* nobody needs it any more */
	}
	start->fds = start->room;
	start->has_word = frame.op == RV_FORK_CALL;
	return n == 0 || rv_call_take(call, n, &start->call) == 0;
}

static void
live(const int *fds, unsigned n_fds, const struct rv_fork_hooks *hooks,
    bool is_spare)
{
	struct start start = { .go = -1, .n_fds = n_fds };

	if (n_fds == 0) {
		_exit(127);
	}
	memcpy(start.room, fds, n_fds * sizeof(*fds));
	start.fds = start.room;
	close_others(fds, n_fds);
	reset_signals();
	rv_agent_after_fork();
	rv_self_after_fork();
	if (is_spare) {
		start.go = fds[0];
		if (!await_call(&start)) {
			_exit(127);
		}
	}
	if (start.call.map == NULL && start.n_fds > 0 &&
	    rv_call_map(start.fds[0], &start.call) == 0) {
		start.fds++;
		start.n_fds--;
	}
	if (start.call.birth == NULL) {
		_exit(127);
	}
	take_place(&start);
	rv_run_called(&start.call, hooks != NULL ? hooks->in_child : NULL,
	    hooks != NULL ? hooks->ctx : NULL);
}

/* -------- in the process that forks -------- */

/*
 * A process in between, on borrowed memory, forks and ends: its child falls
 * to the nearest subreaper above, the launcher. As CLONE_PARENT would make
 * it, but with all that libc does in a fork.
 */
static pid_t
fork_for_launcher(bool *is_child)
{
	volatile pid_t *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t between, pid;

	if (made == MAP_FAILED) {
		return -1;
	}
	*made = -ENOMEM;
	between = vfork();
	if (between == 0) {
		pid = fork();
		if (pid == 0) {
			*is_child = true;
			return 0;
		}
		*made = pid == -1 ? -errno : pid;
		_exit(0);
	}
	/* Before it is reaped its child still has it as a parent. */
	while (between > 0 && waitpid(between, NULL, __WALL) == -1 &&
	       errno == EINTR) {
		continue;
	}
	pid = between == -1 ? -errno : *made;
	munmap((void *)(uintptr_t)made, sizeof(*made));
	if (pid < 0) {
		errno = -pid;
		pid = -1;
	}
	return pid;
}

static void
fork_one(struct rv_fork_result *result, const int *fds, unsigned n_fds,
    bool give_away, const struct rv_fork_hooks *hooks, bool is_spare)
{
	/* Raw, because libc's never block its own two signals. */
	const uint64_t all = UINT64_MAX;
	bool is_child = false;
	uint64_t before;
	int saved;

	*result = (struct rv_fork_result){ 0 };
	if (!rv_forker_is_alone()) {
		result->stage = RV_STAGE_THREADS;
		result->sys_errno = ENOTSUP;
		return;
	}
	/* Once here, instead of in each of them. */
	rv_frames_warm();
	if (hooks != NULL && hooks->before != NULL) {
		hooks->before(hooks->ctx);
	}
	/* Written once: what waits in a buffer would be in both. */
	fflush(NULL);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
	if (give_away) {
		result->pid = fork_for_launcher(&is_child);
	} else {
		result->pid = fork();
		is_child = result->pid == 0;
	}
	saved = errno;
	if (is_child) {
		live(fds, n_fds, hooks, is_spare);
		_exit(127);
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
	if (result->pid == -1) {
		result->pid = 0;
		result->stage = RV_STAGE_CLONE;
		result->sys_errno = saved;
	}
	if (hooks != NULL && hooks->in_parent != NULL) {
		hooks->in_parent(hooks->ctx, result->pid);
	}
}

void
rv_forker_fork(struct rv_fork_result *result, const int *fds, unsigned n_fds,
    bool give_away, const struct rv_fork_hooks *hooks)
{
	fork_one(result, fds, n_fds, give_away, hooks, false);
}

/* -------- the fork server -------- */

static void
answer(int sock, const struct rv_fork_frame *frame)
{
	ssize_t n;

	do {
		n = send(sock, frame, sizeof(*frame), MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		_exit(0); /* the launcher is gone */
	}
}

static void
serve_one(int sock)
{
	struct rv_fork_frame frame;
	struct rv_fork_result result;
	int fds[RV_FORK_FDS];
	unsigned n_fds;
	size_t none = 0;

	if (!receive(sock, &frame, fds, &n_fds, NULL, &none)) {
		_exit(0);
	}
	fork_one(&result, fds, n_fds, true, NULL, frame.op == RV_FORK_SPARE);
	for (unsigned i = 0; i < n_fds; i++) {
		close(fds[i]);
	}
	frame.op = frame.op == RV_FORK_SPARE ? RV_FORK_SPARE : RV_FORK_DONE;
	frame.pid = result.pid;
	frame.stage = result.stage;
	frame.sys_errno = result.sys_errno;
	answer(sock, &frame);
}

void
rv_forker_serve(int sock, const char *preload, unsigned n_preload)
{
	struct rv_fork_frame frame = { .op = RV_FORK_READY };

	/* Its end is the launcher's, whatever happens to that; not an
	 * operator's who interrupts all that he sees. Those it forks begin
	 * anew. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	for (unsigned i = 0; i < n_preload && frame.op == RV_FORK_READY; i++) {
		if (!rv_run_preload(preload, &frame.sys_errno, frame.text,
			sizeof(frame.text))) {
			frame.op = RV_FORK_FAILED;
		}
		preload += strlen(preload) + 1;
	}
	rv_frames_warm();
	answer(sock, &frame);
	if (frame.op == RV_FORK_FAILED) {
		_exit(1);
	}
	for (;;) {
		serve_one(sock);
	}
}
