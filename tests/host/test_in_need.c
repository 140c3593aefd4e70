/* SPDX-License-Identifier: MIT */
/*
 * A host with functions as workers that lacks something: descriptors, JSON in
 * what it calls JSON. And functions of <reeve/child.h> where no worker is: in
 * the host, and in a process that a worker forked. Nothing is torn by any.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/child.h>
#include <reeve/function.h>

#include "host/called.h"
#include "lib/harness.h"

static const enum reeve_method methods[] = { REEVE_METHOD_SPAWN,
	REEVE_METHOD_FORK, REEVE_METHOD_FORKSERVER };
static const char *const names[] = { "spawn", "fork", "forkserver" };

static int
wait_for_stop(const struct reeve_call *call)
{
	(void)call;
	reeve_ready();
	while (!reeve_stopping()) {
		pause();
	}
	return 0;
}
REEVE_FUNCTION("n.wait", wait_for_stop);

/* -------- child.h where no worker is -------- */

/* Everything of it that returns; the first that is not as it shall be, or 0. */
static int
use_child_h(void)
{
	size_t size = 0;
	char *slot;

	if (reeve_attach() != REEVE_ENORUNTIME) {
		return 1;
	}
	reeve_beat();
	if (reeve_ready() != REEVE_ENORUNTIME) {
		return 2;
	}
	if (reeve_status("by %s", "nobody") != REEVE_ENORUNTIME) {
		return 3;
	}
	if (reeve_report(NULL, "n.None", "by nobody") != REEVE_ENORUNTIME) {
		return 4;
	}
	if (reeve_listener("nothing") != -1 || errno != ENOENT) {
		return 5;
	}
	slot = reeve_slot(&size);
	if (slot == NULL || size == 0) {
		return 6;
	}
	memset(slot, 'x', size);
	reeve_exit_reason("said by %s", "nobody");
	return 0;
}

/* "worker, CODE of its child"; the child writes into what it takes for ours. */
static int
have_child(const struct reeve_call *call)
{
	size_t size;
	char *slot = reeve_slot(&size);
	int status = -1;
	pid_t pid;

	snprintf(slot, size, "worker");
	reeve_status("of the worker");
	reeve_ready();
	pid = fork();
	if (pid == 0) {
		_exit(use_child_h());
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid) {
		status = -1;
	}
	snprintf(slot + strlen(slot), size - strlen(slot), ", %d",
	    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	reeve_beat();
	return wait_for_stop(call);
}
REEVE_FUNCTION("n.child", have_child);

/* Behind the functions: constructors run in their order. */
__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

RV_TEST(child_h_in_the_host_touches_no_worker)
{
	struct guest guest = { 0 };
	struct sigaction before, after;
	pid_t pid;

	guest_open(&guest, "host", NULL);
	hear(&guest);
	add_function(
	    &guest, "w", "n.wait", REEVE_METHOD_FORKSERVER, NULL, NULL);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "w", REEVE_RUNNING));
	pid = unit_at(&guest, "w").pid;
	sigaction(SIGSEGV, NULL, &before);
	CU_ASSERT_EQUAL(use_child_h(), 0);
	CU_ASSERT_EQUAL(use_child_h(), 0);
	/* It is no worker, and gets no handler of one. */
	sigaction(SIGSEGV, NULL, &after);
	CU_ASSERT_PTR_EQUAL(before.sa_handler, after.sa_handler);
	/* A worker forked now has a page of its own all the same. */
	add_function(&guest, "f", "n.child", REEVE_METHOD_FORK, NULL, NULL);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "f", REEVE_RUNNING));
	CU_ASSERT(await_slot(&guest, "f", "worker, 0"));
	CU_ASSERT_EQUAL(unit_at(&guest, "w").pid, pid);
	CU_ASSERT_EQUAL(heard.n, 0);
	CU_ASSERT_EQUAL(heard_events("worker.exited"), 0);
	guest_close(&guest);
}

RV_TEST(child_h_in_the_child_of_a_worker_leaves_its_page_alone)
{
	struct guest guest = { 0 };

	guest_open(&guest, "grandchild", NULL);
	hear(&guest);
	for (unsigned i = 0; i < 3; i++) {
		add_function(&guest, names[i], "n.child", methods[i], NULL,
		    "{\"heartbeat\": {\"interval\": \"60s\"}}");
	}
	OK(reeve_commit(guest.reeve, &err));
	for (unsigned i = 0; i < 3; i++) {
		struct reeve_unit_info info;

		CU_ASSERT(await(&guest, names[i], REEVE_RUNNING));
		CU_ASSERT(await_slot(&guest, names[i], "worker, 0"));
		info = unit_at(&guest, names[i]);
		CU_ASSERT_STRING_EQUAL(info.status, "of the worker");
		CU_ASSERT_EQUAL(info.restarts, 0);
	}
	CU_ASSERT_EQUAL(heard.n, 0);
	CU_ASSERT_EQUAL(heard_events("protocol.violation"), 0);
	for (unsigned i = 0; i < 3; i++) {
		OK(reeve_stop(guest.reeve, names[i], &err));
		CU_ASSERT(await(&guest, names[i], REEVE_STOPPED));
	}
	/* What the child gave as a reason is not the worker's. */
	CU_ASSERT_PTR_NULL(
	    strstr(heard_detail("worker.exited"), "said by nobody"));
	guest_close(&guest);
}

/* -------- what is no JSON -------- */

RV_TEST(args_that_are_no_json_change_nothing)
{
	static const struct {
		const char *args, *said;
	} cases[] = {
		{ "{", "cannot add bad: args is no JSON: not JSON, at byte 1" },
		{ "{\"a\": 1,}",
		    "cannot add bad: args is no JSON: not JSON, " },
		{ "", "cannot add bad: args is no JSON: " },
		{ "nonsense", "cannot add bad: args is no JSON: not JSON, " },
		{ "1 2", "cannot add bad: args is no JSON: not JSON, at byte" },
		{ "\"\xff\"", "cannot add bad: args is no JSON: not JSON, " },
	};
	struct guest guest = { 0 };
	pid_t pid;

	guest_open(&guest, "no_json", NULL);
	add_function(&guest, "w", "n.wait", REEVE_METHOD_FORK, "[1]", NULL);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "w", REEVE_RUNNING));
	pid = unit_at(&guest, "w").pid;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reeve_worker_options options = {
			.size = sizeof(options),
			.function = "n.wait",
			.args = cases[i].args,
		};

		CU_ASSERT_EQUAL(
		    reeve_add_worker(guest.reeve, "bad", &options, &err),
		    REEVE_EINVALID);
		if (strncmp(err.text, cases[i].said, strlen(cases[i].said))) {
			printf("# %s: %s\n", cases[i].args, err.text);
			CU_FAIL("it is said otherwise");
		}
		/* Nor one that is there already. */
		CU_ASSERT_EQUAL(
		    reeve_add_worker(guest.reeve, "w", &options, &err),
		    REEVE_EINVALID);
		OK(reeve_commit(guest.reeve, &err));
		CU_ASSERT_PTR_NULL(unit_at(&guest, "bad").path);
	}
	CU_ASSERT_EQUAL(unit_at(&guest, "w").pid, pid);
	CU_ASSERT_EQUAL(unit_at(&guest, "w").restarts, 0);
	guest_close(&guest);
}

/* -------- descriptors -------- */

static bool
was_noticed(struct guest *guest)
{
	return guest->noticed;
}

/*
 * Which has to take them from the launcher to fork. It lacks something, so no
 * start is counted as failed, and all run when there are some again.
 */
RV_TEST(a_host_without_descriptors_starts_its_functions_later)
{
	struct guest guest = { 0 };
	struct rlimit before, none;
	pid_t pid;

	guest_open(&guest, "few", NULL);
	hear(&guest);
	add_function(
	    &guest, "first", "n.wait", REEVE_METHOD_FORKSERVER, NULL, NULL);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "first", REEVE_RUNNING));
	pid = unit_at(&guest, "first").pid;
	for (unsigned i = 0; i < 3; i++) {
		add_function(&guest, names[i], "n.wait", methods[i], NULL,
		    "{\"startretries\": 0}");
	}
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 3;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	guest.wanted = "fork: cannot start: reading what it was started for: "
		       "Too many open files (EMFILE)";
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(guest_until(&guest, was_noticed));
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(await(&guest, names[i], REEVE_RUNNING));
	}
	CU_ASSERT_EQUAL(unit_at(&guest, "first").pid, pid);
	CU_ASSERT_EQUAL(unit_at(&guest, "first").restarts, 0);
	CU_ASSERT_EQUAL(heard_events("worker.fatal"), 0);
	CU_ASSERT_EQUAL(heard_events("launcher.lost"), 0);
	CU_ASSERT_EQUAL(heard_events("clerk.lost"), 0);
	guest_close(&guest);
}

RV_SUITE(in_need, RV_CASE(child_h_in_the_host_touches_no_worker),
    RV_CASE(child_h_in_the_child_of_a_worker_leaves_its_page_alone),
    RV_CASE(args_that_are_no_json_change_nothing),
    RV_CASE(a_host_without_descriptors_starts_its_functions_later))
