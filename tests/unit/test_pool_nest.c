/* SPDX-License-Identifier: MIT */
/*
 * What pools with runtimes of their own leave on tmpfs: nothing, however their
 * hosts end. The nest of a killed one goes when the next pool is made, that of
 * a living one stays.
 */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit/pool_rig.h"

struct nest {
	char path[128], place[PATH_MAX]; /* place: of its runtime */
};

/* The nest that this process holds open. */
static void
find_nest(pid_t pid, struct nest *nest)
{
	char fds[64], fd[PATH_MAX], link[sizeof(nest->path) + 16];
	struct dirent *entry;
	DIR *dir;
	ssize_t n;

	nest->path[0] = nest->place[0] = '\0';
	(void)snprintf(fds, sizeof(fds), "/proc/%d/fd", (int)pid);
	dir = opendir(fds);
	while (dir != NULL && (entry = readdir(dir)) != NULL &&
	       strstr(nest->path, "/reeve-pool-") == NULL) {
		(void)snprintf(fd, sizeof(fd), "%s/%s", fds, entry->d_name);
		n = readlink(fd, nest->path, sizeof(nest->path) - 1);
		nest->path[n > 0 ? n : 0] = '\0';
	}
	if (dir != NULL) {
		(void)closedir(dir);
	}
	(void)snprintf(link, sizeof(link), "%s/control.sock", nest->path);
	n = readlink(link, nest->place, sizeof(nest->place) - 1);
	CU_ASSERT_FATAL(n > 13);
	nest->place[n - 13] = '\0';
	CU_ASSERT_EQUAL(access(nest->path, F_OK), 0);
	CU_ASSERT_EQUAL(access(nest->place, F_OK), 0);
}

static bool
is_left(const struct nest *nest)
{
	char public[PATH_MAX + 8];

	(void)snprintf(public, sizeof(public), "%s.pub", nest->place);
	return access(nest->path, F_OK) == 0 ||
	       access(nest->place, F_OK) == 0 || access(public, F_OK) == 0;
}

RV_TEST(a_pool_that_is_freed_leaves_nothing)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task_result result = pool_apply(pool, "test.echo", "on");
	struct nest nest;

	reeve_task_result_free(&result);
	find_nest(getpid(), &nest);
	reeve_pool_free(pool);
	CU_ASSERT_FALSE(is_left(&nest));
}

/* -------- hosts that are killed -------- */

static void __attribute__((noreturn)) be_a_host(int ready)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_task_result result = pool_apply(pool, "test.echo", "on");
	struct reeve_future *hang = pool_submit(pool, "test.hang", "");

	if (result.outcome != REEVE_OUTCOME_GOOD || write(ready, "", 1) != 1) {
		_exit(1);
	}
	while (reeve_future_wait(hang, REEVE_FOREVER) != REEVE_OK) {
	}
	_exit(2);
}

static pid_t
start_host(void)
{
	int fds[2];
	struct pollfd p = { .events = POLLIN };
	pid_t pid;
	char byte;

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		/* Also when a case has failed. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(fds[0]);
		be_a_host(fds[1]);
	}
	(void)close(fds[1]);
	p.fd = fds[0];
	CU_ASSERT_EQUAL_FATAL(poll(&p, 1, 30000 * rv_test_slow()), 1);
	CU_ASSERT_EQUAL_FATAL(read(fds[0], &byte, 1), 1);
	(void)close(fds[0]);
	return pid;
}

/* It and, before, all below it, while their parents cannot do anything. */
static void
kill_all(pid_t pid)
{
	char path[64], children[4096] = "";
	char *at = children, *end;
	FILE *file;
	pid_t child;

	(void)kill(pid, SIGSTOP);
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)pid, (int)pid);
	file = fopen(path, "re");
	if (file != NULL) {
		children[fread(children, 1, sizeof(children) - 1, file)] = '\0';
		(void)fclose(file);
	}
	while ((child = (pid_t)strtol(at, &end, 10)) > 0) {
		kill_all(child);
		at = end;
	}
	(void)kill(pid, SIGKILL);
}

static void
kill_host(pid_t pid)
{
	(void)kill(pid, SIGKILL);
}

/* Its launcher and its clerk may take a moment for their end. */
static bool
goes_with_the_next(const struct nest *nest)
{
	time_t until = time(NULL) + 20 * rv_test_slow();

	do {
		reeve_pool_free(pool_make(1, NULL));
	} while (is_left(nest) && time(NULL) < until);
	return !is_left(nest);
}

RV_TEST(what_a_killed_host_has_left_goes_with_the_next_pool)
{
	static void (*const kills[])(pid_t) = { kill_host, kill_all };

	for (int i = 0; i < 2; i++) {
		pid_t pid = start_host();
		struct nest nest;

		find_nest(pid, &nest);
		kills[i](pid);
		CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
		CU_ASSERT(goes_with_the_next(&nest));
	}
}

RV_TEST(the_nest_of_a_living_pool_stays)
{
	pid_t pid = start_host();
	struct reeve_pool *pool = pool_make(1, NULL);
	struct nest mine, others;
	struct reeve_task_result result;

	find_nest(getpid(), &mine);
	find_nest(pid, &others);
	reeve_pool_free(pool_make(1, NULL));
	CU_ASSERT_EQUAL(access(mine.path, F_OK), 0);
	CU_ASSERT_EQUAL(access(mine.place, F_OK), 0);
	CU_ASSERT_EQUAL(access(others.path, F_OK), 0);
	CU_ASSERT_EQUAL(access(others.place, F_OK), 0);
	result = pool_apply(pool, "test.echo", "on");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
	kill_all(pid);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	CU_ASSERT(goes_with_the_next(&others));
}

RV_SUITE(pool_nest, RV_CASE(a_pool_that_is_freed_leaves_nothing),
    RV_CASE(what_a_killed_host_has_left_goes_with_the_next_pool),
    RV_CASE(the_nest_of_a_living_pool_stays))
