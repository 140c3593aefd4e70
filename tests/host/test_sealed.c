/* SPDX-License-Identifier: MIT */
/*
 * A host that has sealed its launcher: what was declared goes on, and nothing
 * else starts, whichever launcher there is by then.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/called.h"
#include "lib/harness.h"

static int
echo(const struct reeve_call *call)
{
	struct pollfd p = { .fd = reeve_stopping_fd(), .events = POLLIN };

	(void)call;
	reeve_ready();
	while (!reeve_stopping()) {
		poll(&p, 1, 1000);
	}
	return 0;
}
REEVE_FUNCTION("h.echo", echo);

__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

static pid_t
launcher(void)
{
	char path[64], line[128] = "";
	FILE *file;
	pid_t child, found = 0;
	FILE *children;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	children = fopen(path, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(children);
	while (found == 0 && fscanf(children, "%d", &child) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", child);
		file = fopen(path, "re");
		if (file != NULL && fgets(line, sizeof(line), file) != NULL &&
		    strncmp(line, "reeve-launcher", 14) == 0) {
			found = child;
		}
		if (file != NULL) {
			fclose(file);
		}
	}
	fclose(children);
	CU_ASSERT_FATAL(found > 0);
	return found;
}

RV_TEST(sealed_declared_workers_go_on_and_no_other_starts)
{
	struct guest guest = { 0 };
	pid_t pid;

	guest_open(&guest, "sealed", NULL);
	add_function(&guest, "a", "h.echo", REEVE_METHOD_SPAWN, "1", NULL);
	add_function(&guest, "b", "h.echo", REEVE_METHOD_FORKSERVER, "1", NULL);
	add_function(&guest, "c", "h.echo", REEVE_METHOD_FORK, "1", NULL);
	add_function(&guest, "d", "h.echo", REEVE_METHOD_FORKSERVER, "1",
	    "{\"autostart\": false}");
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "a", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "b", REEVE_RUNNING));
	CU_ASSERT(await(&guest, "c", REEVE_RUNNING));
	OK(reeve_seal(guest.reeve, &err));
	OK(reeve_seal(guest.reeve, &err));
	hear(&guest);
	for (const char *path = "a"; *path <= 'c'; path = *path == 'a' ? "b"
							  : *path == 'b'
							      ? "c"
							      : "z") {
		pid = unit_at(&guest, path).pid;
		kill(pid, SIGKILL);
		CU_ASSERT(await_other(&guest, path, pid));
	}
	/* Declared, and not started until now. */
	OK(reeve_start(guest.reeve, "d", &err));
	CU_ASSERT(await(&guest, "d", REEVE_RUNNING));
	/* Not declared. */
	add_function(&guest, "e", "h.echo", REEVE_METHOD_SPAWN, "2",
	    "{\"startretries\": 0}");
	CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_EPERM);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "cannot commit the tree: e could never start"));
	CU_ASSERT_PTR_NULL(unit_at(&guest, "e").path);
	OK(reeve_discard(guest.reeve, &err));
	/* Another program under a name that was declared. */
	OK(reeve_remove(guest.reeve, "d", &err));
	add_function(&guest, "d", "h.echo", REEVE_METHOD_FORKSERVER, "2", NULL);
	CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_EPERM);
	OK(reeve_discard(guest.reeve, &err));
	/* Going is no start, and what is declared may come again. */
	OK(reeve_remove(guest.reeve, "a", &err));
	OK(reeve_commit(guest.reeve, &err));
	add_function(&guest, "a", "h.echo", REEVE_METHOD_SPAWN, "1", NULL);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "a", REEVE_RUNNING));
	guest_close(&guest);
}

RV_TEST(a_launcher_that_dies_takes_no_seal_with_it)
{
	static const char *const paths[] = { "a", "b", "c" };
	struct guest guest = { 0 };
	char path[] = "e0";
	pid_t pid;

	guest_open(&guest, "resealed", NULL);
	add_function(&guest, "a", "h.echo", REEVE_METHOD_SPAWN, "1", NULL);
	add_function(&guest, "b", "h.echo", REEVE_METHOD_FORKSERVER, "1", NULL);
	add_function(&guest, "c", "h.echo", REEVE_METHOD_FORK, "1", NULL);
	OK(reeve_commit(guest.reeve, &err));
	for (size_t i = 0; i < 3; i++) {
		CU_ASSERT(await(&guest, paths[i], REEVE_RUNNING));
	}
	OK(reeve_seal(guest.reeve, &err));
	for (; path[1] < '3'; path[1]++) {
		hear(&guest);
		kill(launcher(), SIGKILL);
		CU_ASSERT(await_events(&guest, "launcher.lost", 1));
		for (size_t i = 0; i < 3; i++) {
			pid = unit_at(&guest, paths[i]).pid;
			kill(pid, SIGKILL);
			CU_ASSERT(await_other(&guest, paths[i], pid));
		}
		add_function(&guest, path, "h.echo", REEVE_METHOD_SPAWN, "2",
		    "{\"startretries\": 0}");
		CU_ASSERT_EQUAL(reeve_commit(guest.reeve, &err), REEVE_EPERM);
		OK(reeve_discard(guest.reeve, &err));
	}
	guest_close(&guest);
}

RV_SUITE(sealed, RV_CASE(sealed_declared_workers_go_on_and_no_other_starts),
    RV_CASE(a_launcher_that_dies_takes_no_seal_with_it))
