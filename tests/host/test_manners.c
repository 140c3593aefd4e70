/* SPDX-License-Identifier: MIT */
/*
 * Hosts that treat processes as their own business: one reaps everything in a
 * loop, one ignores SIGCHLD, one runs libev's default loop, which does both. Of
 * the launcher's lives all statuses are right nevertheless, a hundred of a
 * hundred, and the hosts get those of their own children.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev.h>

#include "host/guest.h"
#include "lib/harness.h"

#define LIVES 100

static struct {
	struct guest *guest;
	unsigned right, wrong;
	int own; /* wait status of the host's own child, -1: none yet */
	pid_t own_pid;
} seen;

/* Ends with 7 each time. */
static void
on_exited(void *ctx, const struct reeve_end *end)
{
	struct reeve_error err;

	(void)ctx;
	if (!end->unknown && end->exit_code == 7 && end->signo == 0) {
		seen.right++;
	} else {
		printf("# %s: code %d, signal %d\n", end->reason,
		    end->exit_code, end->signo);
		seen.wrong++;
	}
	if (seen.right + seen.wrong == LIVES) {
		CU_ASSERT_EQUAL(
		    reeve_stop(seen.guest->reeve, "w", &err), REEVE_OK);
	}
}

static bool
saw_all(struct guest *guest)
{
	(void)guest;
	return seen.right + seen.wrong >= LIVES;
}

static void
live_among(struct guest *guest, const char *name)
{
	static const struct reeve_hooks hooks = {
		.size = sizeof(hooks),
		.exited = on_exited,
	};

	memset(&seen, 0, sizeof(seen));
	seen.guest = guest;
	seen.own = -1;
	guest->hooks = &hooks;
	guest_open(guest, name,
	    "\"w\": {\"command\": \"/bin/sh -c 'exit 7'\", "
	    "\"autorestart\": true, \"startsecs\": 0, "
	    "\"backoff\": {\"initial\": 0, \"min\": 0.001, \"factor\": 1, "
	    "\"jitter\": 0}}");
	seen.own_pid = fork();
	if (seen.own_pid == 0) {
		_exit(5);
	}
	CU_ASSERT(guest_until(guest, saw_all));
	CU_ASSERT_EQUAL(seen.wrong, 0);
	CU_ASSERT(seen.right >= LIVES);
}

/* -------- reaps everything -------- */

static void
turn_and_reap(struct guest *guest)
{
	struct timespec soon = { .tv_nsec = 1000000 };
	sigset_t chld;
	int status;
	pid_t pid;

	CU_ASSERT_EQUAL(reeve_dispatch(guest->reeve, NULL), REEVE_OK);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == seen.own_pid) {
			seen.own = status;
		} else {
			reeve_child_exited(guest->reeve, pid, status);
		}
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigtimedwait(&chld, NULL, &soon);
}

RV_TEST(a_host_that_reaps_everything_takes_no_status_of_a_life)
{
	struct guest guest = { .turn = turn_and_reap };

	live_among(&guest, "reaper");
	CU_ASSERT(seen.own != -1 && WEXITSTATUS(seen.own) == 5);
	guest_close(&guest);
}

/* -------- ignores SIGCHLD -------- */

RV_TEST(a_host_that_ignores_sigchld_loses_no_status_of_a_life)
{
	struct guest guest = { 0 };
	struct sigaction after;

	signal(SIGCHLD, SIG_IGN);
	live_among(&guest, "deaf");
	guest_close(&guest);
	/* And goes on ignoring it: that was not touched. */
	sigaction(SIGCHLD, NULL, &after);
	CU_ASSERT_EQUAL(after.sa_handler, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

/* -------- libev's default loop -------- */

static void
on_own_child(struct ev_loop *loop, ev_child *w, int events)
{
	(void)loop;
	(void)events;
	seen.own = w->rstatus;
}

static void
turn_default(struct guest *guest)
{
	ev_run(guest->loop, EVRUN_ONCE);
}

RV_TEST(a_host_on_libevs_default_loop_keeps_its_children_and_we_ours)
{
	struct guest guest = { .turn = turn_default };
	ev_child own;

	guest.loop = ev_default_loop(EVFLAG_AUTO);
	ev_child_init(&own, on_own_child, 0, 0);
	ev_child_start(guest.loop, &own);
	live_among(&guest, "default");
	CU_ASSERT(seen.own != -1);
	ev_child_stop(guest.loop, &own);
	guest_close(&guest);
	ev_loop_destroy(guest.loop);
}

RV_SUITE(manners,
    RV_CASE(a_host_that_reaps_everything_takes_no_status_of_a_life),
    RV_CASE(a_host_that_ignores_sigchld_loses_no_status_of_a_life),
    RV_CASE(a_host_on_libevs_default_loop_keeps_its_children_and_we_ours))
