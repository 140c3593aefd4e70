/* SPDX-License-Identifier: MIT */
/*
 * A launcher that is killed just when a worker has said something: its page,
 * that it is ready. Nothing of it is lost, and nothing is a violation when it
 * comes twice.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/called.h"
#include "lib/harness.h"

/* Of each message there are two: before, and after it was passed on. */
#define LAST_CALL 8

static int
talk(const struct reeve_call *call)
{
	struct pollfd p = { .fd = reeve_stopping_fd(), .events = POLLIN };
	size_t size;

	(void)call;
	reeve_beat();
	snprintf(reeve_slot(&size), 32, "here");
	reeve_status("talking");
	reeve_ready();
	while (!reeve_stopping()) {
		reeve_beat();
		poll(&p, 1, 10);
	}
	return 0;
}
REEVE_FUNCTION("h.talk", talk);

__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

/* True when the launcher came to that call. */
static bool
kill_launcher_at(unsigned call, enum reeve_method method)
{
	struct guest guest = { 0 };
	char plan[32];
	bool lost;

	snprintf(plan, sizeof(plan), "notify@%u=KILL", call);
	setenv("REEVE_FAULTS", plan, 1);
	guest_open(&guest, "handed_on", NULL);
	unsetenv("REEVE_FAULTS");
	hear(&guest);
	add_function(&guest, "w", "h.talk", method, "1",
	    "{\"heartbeat\": {\"interval\": \"30s\"}}");
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await(&guest, "w", REEVE_RUNNING));
	CU_ASSERT(await_slot(&guest, "w", "here"));
	lost = heard_events("launcher.lost") > 0;
	CU_ASSERT(!lost || await_events(&guest, "worker.ready", 1));
	CU_ASSERT_EQUAL(heard_events("worker.started"), 1);
	CU_ASSERT_EQUAL(heard_events("worker.exited"), 0);
	CU_ASSERT_EQUAL(heard_events("protocol.violation"), 0);
	guest_close(&guest);
	return lost;
}

static void
kill_launcher_at_each(enum reeve_method method)
{
	unsigned lost = 0;

	for (unsigned call = 1; call <= LAST_CALL; call++) {
		lost += kill_launcher_at(call, method);
	}
	/* The page, the text, and that it is ready. */
	CU_ASSERT(lost >= 5);
}

RV_TEST(what_a_spawned_worker_says_outlives_the_launcher_that_hears_it)
{
	kill_launcher_at_each(REEVE_METHOD_SPAWN);
}

RV_TEST(what_a_forked_worker_says_outlives_the_launcher_that_hears_it)
{
	kill_launcher_at_each(REEVE_METHOD_FORK);
}

RV_TEST(what_a_served_worker_says_outlives_the_launcher_that_hears_it)
{
	kill_launcher_at_each(REEVE_METHOD_FORKSERVER);
}

/* As the first process of a container may be. */
RV_TEST(a_host_that_inherits_workers_and_reaps_nothing_sees_them_end)
{
	struct guest guest = { 0 };
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	setenv("REEVE_FAULTS", "notify@1=KILL", 1);
	guest_open(&guest, "reaps_nothing", NULL);
	unsetenv("REEVE_FAULTS");
	hear(&guest);
	add_function(&guest, "a", "h.talk", REEVE_METHOD_SPAWN, "1", NULL);
	add_function(&guest, "b", "h.talk", REEVE_METHOD_SPAWN, "1", NULL);
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(await_events(&guest, "worker.ready", 2));
	CU_ASSERT_EQUAL(heard_events("launcher.lost"), 1);
	pid = unit_at(&guest, "a").pid;
	kill(pid, SIGKILL);
	CU_ASSERT(await_other(&guest, "a", pid));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(heard_detail("worker.exited"), "\"signal\":9"));
	OK(reeve_stop(guest.reeve, "b", &err));
	CU_ASSERT(await(&guest, "b", REEVE_STOPPED));
	CU_ASSERT_EQUAL(heard_events("worker.leftover"), 0);
	guest_close(&guest);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

RV_SUITE(handed_on,
    RV_CASE(a_host_that_inherits_workers_and_reaps_nothing_sees_them_end),
    RV_CASE(what_a_spawned_worker_says_outlives_the_launcher_that_hears_it),
    RV_CASE(what_a_forked_worker_says_outlives_the_launcher_that_hears_it),
    RV_CASE(what_a_served_worker_says_outlives_the_launcher_that_hears_it))
