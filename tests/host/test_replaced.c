/* SPDX-License-Identifier: MIT */
/*
 * A host whose file is replaced while it runs, as an upgrade does: its
 * functions go on to be what they are in the host, by each start method, in
 * workers, fork servers and launchers that start after that. The guard comes
 * before main, which is the harness's.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/called.h"
#include "lib/harness.h"

static const enum reeve_method methods[] = { REEVE_METHOD_SPAWN,
	REEVE_METHOD_FORK, REEVE_METHOD_FORKSERVER };
static const char *const method_names[] = { "default", "spawn", "fork",
	"forkserver" };

static int
serve(const struct reeve_call *call)
{
	size_t size;
	char *slot = reeve_slot(&size);
	struct pollfd p = { .fd = reeve_stopping_fd(), .events = POLLIN };

	snprintf(slot, size, "as it was: %s", call->path);
	reeve_ready();
	while (!reeve_stopping()) {
		poll(&p, 1, -1);
	}
	return 0;
}
REEVE_FUNCTION("r.serve", serve);

__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

#define REPLACED "REEVE_TEST_REPLACED" /* the file of the host that it is */

/* In the place of the host's file is something else from now on. */
static void
replace_file(const char *path)
{
	char fresh[300];
	FILE *file;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	file = fopen(fresh, "we");
	CU_ASSERT_FATAL(file != NULL);
	fputs("#!/bin/sh\nexit 77\n", file);
	fchmod(fileno(file), 0755);
	CU_ASSERT_FATAL(fclose(file) == 0);
	CU_ASSERT_EQUAL_FATAL(rename(fresh, path), 0);
}

/* Its templates go with it, and the next one starts others. */
static void
kill_launcher(struct guest *guest)
{
	char command[64], name[32] = "";
	FILE *children = fopen("/proc/thread-self/children", "re"), *file;
	int pid, killed = 0;

	CU_ASSERT_FATAL(children != NULL);
	while (fscanf(children, "%d", &pid) == 1) {
		snprintf(command, sizeof(command), "/proc/%d/comm", pid);
		file = fopen(command, "re");
		if (file != NULL) {
			(void)!fscanf(file, "%31s", name);
			fclose(file);
		}
		if (strcmp(name, "reeve-launcher") == 0) {
			killed += kill(pid, SIGKILL) == 0;
		}
	}
	fclose(children);
	CU_ASSERT_EQUAL(killed, 1);
	CU_ASSERT(await_events(guest, "launcher.lost", 1));
}

/* All are called anew, and by the program that the host is. */
static void
start_anew(struct guest *guest)
{
	char expected[64];

	for (unsigned i = 0; i < 3; i++) {
		const char *path = method_names[methods[i]];
		pid_t pid = unit_at(guest, path).pid;

		CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
		CU_ASSERT(await_other(guest, path, pid));
		snprintf(expected, sizeof(expected), "as it was: %s", path);
		CU_ASSERT(await_slot(guest, path, expected));
	}
}

static void
be_replaced(const char *file)
{
	struct guest guest = { 0 };

	guest_open(&guest, "replaced", NULL);
	hear(&guest);
	for (unsigned i = 0; i < 3; i++) {
		add_function(&guest, method_names[methods[i]], "r.serve",
		    methods[i], "1", "{\"autorestart\": true}");
	}
	OK(reeve_commit(guest.reeve, &err));
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(
		    await(&guest, method_names[methods[i]], REEVE_RUNNING));
	}
	replace_file(file);
	start_anew(&guest);
	kill_launcher(&guest);
	start_anew(&guest);
	CU_ASSERT_EQUAL(heard_events("worker.exception"), 0);
	guest_close(&guest);
}

/* Exit status of the command, for which the copy's path is set. */
static int
run_shell(const char *command, const char *file)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		setenv(REPLACED, file, 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A copy of this program runs this case; what it says is not TAP of ours. */
RV_TEST(functions_of_a_host_run_its_program_when_its_file_was_replaced)
{
	char file[256], command[600];
	const char *copy = getenv(REPLACED);

	if (copy != NULL) {
		be_replaced(copy);
		return;
	}
	snprintf(file, sizeof(file), "%s/host", rv_test_dir());
	snprintf(command, sizeof(command),
	    "cp \"/proc/$PPID/exe\" \"$" REPLACED "\" && \"$" REPLACED
	    "\" functions_of_a_host_run_its_program_"
	    "when_its_file_was_replaced >&2");
	fflush(stdout);
	CU_ASSERT_EQUAL(run_shell(command, file), 0);
}

RV_SUITE(replaced,
    RV_CASE(functions_of_a_host_run_its_program_when_its_file_was_replaced))
