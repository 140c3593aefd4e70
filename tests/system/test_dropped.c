/* SPDX-License-Identifier: MIT */
/*
 * A host that is root when it creates its runtime and nobody afterwards: what
 * needs privileges is the launcher's to do. Each such host is a process of its
 * own, since there is no way back; it tells by its exit code whether all was
 * as it should be. Needs root.
 */
#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/called.h"
#include "lib/harness.h"

#define NOBODY 65534

/* This program is the worker's, too: what crashes there shall crash. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "handle_segv=0";
}

static int
stay(const struct reeve_call *call)
{
	struct pollfd p = { .fd = reeve_stopping_fd(), .events = POLLIN };

	(void)call;
	snprintf(reeve_slot(NULL), 64, "uid %d", (int)getuid());
	reeve_ready();
	while (!reeve_stopping()) {
		poll(&p, 1, 1000);
	}
	return 0;
}
REEVE_FUNCTION("d.stay", stay);

static int __attribute__((noinline, no_sanitize("address", "undefined")))
crash(const struct reeve_call *call)
{
	volatile int *volatile nowhere = (void *)64;

	(void)call;
	reeve_ready();
	return *nowhere;
}
REEVE_FUNCTION("d.crash", crash);

__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

/* -------- a process that gives up what it may -------- */

static jmp_buf fatal;

static void
drop(void)
{
	CU_ASSERT_EQUAL_FATAL(setgroups(0, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(setresgid(NOBODY, NOBODY, NOBODY), 0);
	CU_ASSERT_EQUAL_FATAL(setresuid(NOBODY, NOBODY, NOBODY), 0);
	CU_ASSERT_EQUAL(setuid(0), -1);
}

/* An end in order; nobody may not remove what root has made: see below. */
static void
finish(struct guest *guest)
{
	struct pollfd p = { .events = POLLIN };

	reeve_shutdown(guest->reeve, "test");
	CU_ASSERT(guest_until(guest, guest_is_finished));
	while ((p.fd = reeve_last_words(guest->reeve)) != -1) {
		CU_ASSERT_EQUAL(poll(&p, 1, 20000 * rv_test_slow()), 1);
		close(p.fd);
	}
	reeve_destroy(guest->reeve);
	CU_ASSERT_EQUAL(guest->bugs, 0);
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
	/* Nobody is left, not even one whom we may not kill. */
	CU_ASSERT(waitpid(-1, NULL, WNOHANG) == -1);
}

static void
run_host(const char *name, void (*run)(struct guest *))
{
	struct guest guest = { 0 };

	/* What a fatal assertion leaves is this process. */
	CU_get_current_test()->pJumpBuf = &fatal;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (setjmp(fatal) == 0) {
		guest_open(&guest, name, NULL);
		run(&guest);
		finish(&guest);
	}
	for (CU_pFailureRecord f = CU_get_failure_list(); f != NULL;
	     f = f->pNext) {
		printf("# host: %s:%u: %s\n", f->strFileName, f->uiLineNumber,
		    f->strCondition);
	}
	fflush(stdout);
	_exit(CU_get_number_of_failures() != 0);
}

/* In a folder that nobody may not enter. */
static void
as_host(const char *name, void (*run)(struct guest *))
{
	struct guest guest = { 0 };
	int status = -1;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(geteuid(), 0);
	snprintf(guest.config, sizeof(guest.config), "%s/%s.json",
	    rv_test_dir(), name);
	snprintf(guest.state, sizeof(guest.state), "%s/%s-state", rv_test_dir(),
	    name);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		run_host(name, run);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	guest_clean(&guest);
}

/* -------- what it does -------- */

static const struct {
	const char *path;
	enum reeve_method method;
	const char *slot;
} workers[] = {
	{ "spawned", REEVE_METHOD_SPAWN, "uid 0" },
	{ "served", REEVE_METHOD_FORKSERVER, "uid 0" },
	{ "forked", REEVE_METHOD_FORK, "uid 65534" },
};

#define N (sizeof(workers) / sizeof(workers[0]))

static void
add_command(struct guest *guest, const char *path, const char *options)
{
	struct reeve_worker_options worker = {
		.size = sizeof(worker),
		.command = "/bin/sleep 1000",
		.options = options,
	};

	OK(reeve_add_worker(guest->reeve, path, &worker, &err));
}

static void
add_all(struct guest *guest)
{
	for (size_t i = 0; i < N; i++) {
		add_function(guest, workers[i].path, "d.stay",
		    workers[i].method, NULL, NULL);
	}
	/* Of whom the host itself could not make itself. */
	add_command(
	    guest, "daemon", "{\"user\": \"daemon\", \"startsecs\": 0}");
	OK(reeve_commit(guest->reeve, &err));
}

static uid_t
owner(pid_t pid)
{
	struct stat st = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &st) == 0 ? st.st_uid : (uid_t)-1;
}

/* It runs as soon as it exists, and that is before it is another user's. */
static bool
is_daemon(void *ctx)
{
	return owner(*(const pid_t *)ctx) == 1;
}

static void
await_all(struct guest *guest)
{
	pid_t daemon;

	for (size_t i = 0; i < N; i++) {
		CU_ASSERT(await(guest, workers[i].path, REEVE_RUNNING));
		CU_ASSERT(await_slot(guest, workers[i].path, workers[i].slot));
	}
	CU_ASSERT(await(guest, "daemon", REEVE_RUNNING));
	daemon = unit_at(guest, "daemon").pid;
	CU_ASSERT(rv_test_wait(is_daemon, &daemon, -1, 20000));
}

static void
start_after_it(struct guest *guest)
{
	drop();
	add_all(guest);
	await_all(guest);
}

RV_TEST(workers_start_after_the_host_gave_up_its_privileges)
{
	as_host("start", start_after_it);
}

static void
steer(struct guest *guest)
{
	add_all(guest);
	drop();
	await_all(guest);
	hear(guest);
	for (size_t i = 0; i < N; i++) {
		const char *path = workers[i].path;
		pid_t pid = unit_at(guest, path).pid;

		OK(reeve_restart(guest->reeve, path, &err));
		CU_ASSERT(await_other(guest, path, pid));
		OK(reeve_stop(guest->reeve, path, &err));
		CU_ASSERT(await(guest, path, REEVE_STOPPED));
		OK(reeve_start(guest->reeve, path, &err));
		CU_ASSERT(await(guest, path, REEVE_RUNNING));
		pid = unit_at(guest, path).pid;
		OK(reeve_signal_unit(guest->reeve, path, SIGKILL, &err));
		CU_ASSERT(await_other(guest, path, pid));
	}
	OK(reeve_stop(guest->reeve, "daemon", &err));
	CU_ASSERT(await(guest, "daemon", REEVE_STOPPED));
}

RV_TEST(they_are_stopped_restarted_and_signalled)
{
	as_host("steer", steer);
}

static void
see_crashes(struct guest *guest)
{
	drop();
	for (size_t i = 0; i < N; i++) {
		hear(guest);
		add_function(guest, workers[i].path, "d.crash",
		    workers[i].method, NULL, "{\"autorestart\": false}");
		OK(reeve_commit(guest->reeve, &err));
		CU_ASSERT(await_events(guest, "worker.exited", 1));
		CU_ASSERT(await_exceptions(guest, 1));
		CU_ASSERT_STRING_EQUAL(heard.type, "SIGSEGV");
		CU_ASSERT_EQUAL(heard.address, 64);
		CU_ASSERT_PTR_NOT_NULL(strstr(heard.backtrace, "dropped"));
	}
}

RV_TEST(their_crashes_are_recorded)
{
	as_host("crash", see_crashes);
}

static void
seal_and_drop(struct guest *guest)
{
	add_all(guest);
	OK(reeve_seal(guest->reeve, &err));
	drop();
	await_all(guest);
	hear(guest);
	for (size_t i = 0; i < N; i++) {
		pid_t pid = unit_at(guest, workers[i].path).pid;

		OK(reeve_signal_unit(
		    guest->reeve, workers[i].path, SIGKILL, &err));
		CU_ASSERT(await_other(guest, workers[i].path, pid));
	}
	/* The way back that is shut. */
	add_command(guest, "root",
	    "{\"user\": \"root\", \"startsecs\": 0, "
	    "\"startretries\": 0}");
	CU_ASSERT_EQUAL(reeve_commit(guest->reeve, &err), REEVE_EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "seal"));
}

RV_TEST(after_the_seal_nobody_becomes_root_again)
{
	as_host("sealed", seal_and_drop);
}

/* -------- a launcher that is killed after that -------- */

/* What this process may not do any more: somebody who stayed root. */
struct root {
	pid_t pid;
	int say; /* a pid_t that shall be killed; closed: it ends */
};

static void
keep_root(struct root *root)
{
	int fds[2];
	pid_t victim;

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	root->pid = fork();
	if (root->pid == 0) {
		close(fds[1]);
		while (read(fds[0], &victim, sizeof(victim)) ==
		       (ssize_t)sizeof(victim)) {
			kill(victim, SIGKILL);
		}
		_exit(0);
	}
	close(fds[0]);
	root->say = fds[1];
}

static void
kill_by_root(const struct root *root, pid_t victim)
{
	CU_ASSERT_FATAL(victim > 0);
	CU_ASSERT_EQUAL(
	    write(root->say, &victim, sizeof(victim)), (ssize_t)sizeof(victim));
}

static pid_t
launcher_pid(void)
{
	char path[64], name[32];
	pid_t found = 0;
	int pid, n;
	FILE *file;

	snprintf(
	    path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	while (file != NULL && fscanf(file, "%d", &pid) == 1) {
		FILE *comm;

		n = snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		comm = n > 0 ? fopen(path, "re") : NULL;
		if (comm != NULL) {
			if (fgets(name, sizeof(name), comm) != NULL &&
			    strcmp(name, "reeve-launcher\n") == 0) {
				found = pid;
			}
			fclose(comm);
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return found;
}

static void
lose_launcher(struct guest *guest)
{
	struct root root;
	pid_t pids[N];

	keep_root(&root);
	add_all(guest);
	drop();
	await_all(guest);
	hear(guest);
	for (size_t i = 0; i < N; i++) {
		pids[i] = unit_at(guest, workers[i].path).pid;
	}
	kill_by_root(&root, launcher_pid());
	CU_ASSERT(await_events(guest, "launcher.lost", 1));
	/* Who serves goes on; an end is seen, whoever the worker was. */
	for (size_t i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(unit_at(guest, workers[i].path).pid, pids[i]);
		kill_by_root(&root, pids[i]);
	}
	CU_ASSERT(await_events(guest, "worker.exited", N));
	/* What was root's to use cannot be had any more, and that is said. */
	for (size_t i = 0; i < N; i++) {
		CU_ASSERT(await(guest, workers[i].path, REEVE_FATAL));
	}
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(heard_detail("worker.exited"), "notify socket"));
	CU_ASSERT_PTR_NOT_NULL(strstr(heard_detail("worker.exited"), "EACCES"));
	/* What needs nothing of it starts, as who the host is now. */
	add_command(guest, "plain", "{\"startsecs\": 0}");
	OK(reeve_commit(guest->reeve, &err));
	CU_ASSERT(await(guest, "plain", REEVE_RUNNING));
	CU_ASSERT_EQUAL(owner(unit_at(guest, "plain").pid), NOBODY);
	kill_by_root(&root, unit_at(guest, "daemon").pid);
	OK(reeve_stop(guest->reeve, "daemon", &err));
	CU_ASSERT(await(guest, "daemon", REEVE_STOPPED));
	close(root.say);
	waitpid(root.pid, NULL, 0);
}

RV_TEST(a_launcher_that_is_killed_after_that_has_a_successor_of_less)
{
	as_host("lost", lose_launcher);
}

RV_SUITE(dropped, RV_CASE(workers_start_after_the_host_gave_up_its_privileges),
    RV_CASE(they_are_stopped_restarted_and_signalled),
    RV_CASE(their_crashes_are_recorded),
    RV_CASE(after_the_seal_nobody_becomes_root_again),
    RV_CASE(a_launcher_that_is_killed_after_that_has_a_successor_of_less))
