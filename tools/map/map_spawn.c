/* SPDX-License-Identifier: MIT */
/*
 * See map_spawn.h. Between clone and exec the child runs in our memory, while
 * this thread waits: it touches nothing but its own stack and what it reports.
 * No signal has a handler here: none can run there.
 */
#include "config.h"

#include "tools/map/map_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/map/map.h"

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

/* A child that leaves our stack by exec tells no sanitizer that it did. */
#define BARE __attribute__((no_sanitize("address")))

extern char **environ;

static struct {
	sigset_t mask;
	struct rlimit files; /* as we had it */
	bool raised;
	pid_t pid;
} before;

struct birth {
	const struct map_spawn *spawn;
	int failure;
	bool is_exec;
};

static char stack[64 * 1024] __attribute__((aligned(64)));

/* What is closed would be a pipe of ours next, and outputs go into it. */
static void
fill_standard_ones(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
			_exit(MAP_COULD_NOT);
		}
	}
}

void
map_spawn_init(void)
{
	struct sigaction act = { .sa_handler = SIG_IGN };
	sigset_t asking;

	fill_standard_ones();
	before.pid = getpid();
	getrlimit(RLIMIT_NOFILE, &before.files);
	sigaction(SIGPIPE, &act, NULL);
	sigemptyset(&asking);
	sigaddset(&asking, SIGINT);
	sigaddset(&asking, SIGTERM);
	sigaddset(&asking, SIGHUP);
	sigprocmask(SIG_BLOCK, &asking, &before.mask);
}

unsigned
map_spawn_files(void)
{
	struct rlimit most = before.files;

	if (most.rlim_cur < most.rlim_max) {
		most.rlim_cur =
		    most.rlim_max < 1000000 ? most.rlim_max : 1000000;
		before.raised = most.rlim_cur > before.files.rlim_cur &&
				setrlimit(RLIMIT_NOFILE, &most) == 0;
	}
	if (!before.raised) {
		most.rlim_cur = before.files.rlim_cur;
	}
	return most.rlim_cur < 1000000 ? (unsigned)most.rlim_cur : 1000000;
}

struct rlimit
map_spawn_limit(void)
{
	return before.files;
}

BARE static bool
set_up(const struct map_spawn *s)
{
	struct sigaction act = { .sa_handler = SIG_DFL };
	struct rlimit memory = { s->memory, s->memory };

	*s->group = getpid();
	setsid();
	/* The guard does it for the whole group; this, if it is gone, too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != before.pid) {
		_exit(127);
	}
	if (dup2(s->null_fd, STDIN_FILENO) < 0 ||
	    dup2(s->out_fd, STDOUT_FILENO) < 0 ||
	    dup2(s->err_fd, STDERR_FILENO) < 0) {
		return false;
	}
	if (before.raised && setrlimit(RLIMIT_NOFILE, &before.files) != 0) {
		return false;
	}
	if (s->memory != 0 && setrlimit(RLIMIT_DATA, &memory) != 0) {
		return false;
	}
	sigaction(SIGPIPE, &act, NULL);
	sigprocmask(SIG_SETMASK, &before.mask, NULL);
	return true;
}

/* A script without a first line that says whose it is: the shell's. */
BARE static void
exec_by_shell(const char *path, char **argv)
{
	char *words[256] = { (char *)(uintptr_t) "sh",
		(char *)(uintptr_t)path };
	size_t n = 1;

	for (; argv[n] != NULL && n + 2 < sizeof(words) / sizeof(words[0]);
	     n++) {
		words[n + 1] = argv[n];
	}
	if (argv[n] == NULL) {
		execve("/bin/sh", words, environ);
	} else {
		errno = E2BIG;
	}
}

BARE static int
child_main(void *arg)
{
	struct birth *birth = arg;
	const struct map_spawn *s = birth->spawn;

	if (set_up(s)) {
		birth->is_exec = true;
		execve(s->path, s->argv, environ);
		if (errno == ENOEXEC) {
			exec_by_shell(s->path, s->argv);
		}
	}
	birth->failure = errno;
	_exit(127);
}

static int
start(struct birth *birth, pid_t *pid, int *pidfd)
{
	int status;

	*pid = clone(child_main, stack + sizeof(stack),
	    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, birth, pidfd);
	if (*pid < 0) {
		return errno;
	}
	if (birth->failure != 0) {
		waitpid(*pid, &status, 0);
		close(*pidfd);
		*pidfd = -1;
	}
	return birth->failure;
}

int
map_spawn(const struct map_spawn *s, pid_t *pid, int *pidfd, bool *is_exec)
{
	struct map_spawn found = *s;
	struct birth birth = { .spawn = &found };
	char *path = NULL;
	int failure;

	if (s->path == NULL) {
		path = map_spawn_find(s->argv[0]);
		found.path = path;
		if (path == NULL) {
			*is_exec = true;
			return errno;
		}
	}
	failure = start(&birth, pid, pidfd);
	if (failure != 0) {
		*s->group = 0;
	}
	*is_exec = birth.is_exec;
	free(path);
	return failure;
}

static bool
is_program(const char *path)
{
	struct stat st;

	if (access(path, X_OK) != 0 || stat(path, &st) != 0) {
		return false;
	}
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return false;
	}
	return true;
}

char *
map_spawn_find(const char *name)
{
	const char *at = getenv("PATH");
	int failure = ENOENT;

	if (name[0] == '\0') {
		errno = ENOENT;
		return NULL;
	}
	if (strchr(name, '/') != NULL) {
		return is_program(name) ? map_copy(name, strlen(name)) : NULL;
	}
	at = at != NULL ? at : "/usr/local/bin:/usr/bin:/bin";
	for (;;) {
		size_t len = strcspn(at, ":");
		struct map_buf path = { 0 };

		map_add(&path, at, len);
		map_adds(&path, len > 0 ? "/" : "./");
		map_adds(&path, name);
		if (is_program(map_str(&path))) {
			return path.data;
		}
		failure = errno == EACCES ? EACCES : failure;
		map_buf_free(&path);
		if (at[len] == '\0') {
			errno = failure;
			return NULL;
		}
		at += len + 1;
	}
}
