/* SPDX-License-Identifier: MIT */
/*
 * Processes of tests, and the memory that they share. Called by tests of
 * runtime/ipc and what stands on it.
 */
#include "config.h"

#include "lib/crew.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"

#define PATIENCE_MS 20000

static const struct crew_way *way; /* NULL: by fork */

void
crew_use(const struct crew_way *other)
{
	way = other;
}

void *
crew_share(size_t size)
{
	void *at;

	if (way != NULL) {
		return way->share(size);
	}
	at = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(at != MAP_FAILED);
	return at;
}

void
crew_unshare(void *at, size_t size)
{
	if (way != NULL) {
		way->unshare(at, size);
		return;
	}
	(void)munmap(at, size);
}

pid_t
crew_start(int (*run)(void *ctx), void *ctx)
{
	pid_t test = getpid(), pid;

	if (way != NULL) {
		return way->start(run, ctx);
	}
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != test) {
			_exit(99);
		}
		_exit(run(ctx));
	}
	return pid;
}

int
crew_end(pid_t pid)
{
	int status = 0;

	if (way != NULL) {
		return way->end(pid);
	}
	while (waitpid(pid, &status, 0) < 0) {
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void
crew_kill(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)crew_end(pid);
}

/* Is its first thread in this system call that waits for words? */
static bool
sleeps(void *ctx)
{
	char path[64], line[256] = "";
	const char *state;
	ssize_t n;
	int fd;

	if (way != NULL && !way->began(*(pid_t *)ctx)) {
		return false;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", *(pid_t *)ctx);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
	if (fd >= 0) {
		(void)close(fd);
	}
	line[n > 0 ? n : 0] = '\0';
	state = strrchr(line, ')');
	return state != NULL && state[1] == ' ' && state[2] == 'S';
}

bool
crew_asleep(pid_t pid)
{
	return rv_test_wait(sleeps, &pid, -1, PATIENCE_MS);
}

struct aim {
	const uint32_t *word;
	uint32_t value;
};

static bool
reached(void *ctx)
{
	const struct aim *aim = ctx;

	return crew_value(aim->word) >= aim->value;
}

bool
crew_reached(const uint32_t *word, uint32_t value)
{
	struct aim aim = { word, value };

	return rv_test_wait(reached, &aim, -1, PATIENCE_MS);
}

void
crew_add(uint32_t *word)
{
	(void)__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}

uint32_t
crew_value(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}
