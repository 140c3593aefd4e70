/* SPDX-License-Identifier: MIT */
/*
 * The adapters on the real libraries: libev, libevent, libuv and plain poll.
 * On each a worker is killed and comes back, a restart that waits for its delay
 * comes without another stimulus, and the loop can go on when the runtime has
 * gone.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <ev.h>

#include <reeve/loop_ev.h>
#include <reeve/loop_poll.h>
#ifdef HAVE_LIBEVENT
#include <reeve/loop_event.h>
#endif
#ifdef HAVE_LIBUV
#include <reeve/loop_uv.h>
#endif

#include "host/guest.h"
#include "lib/harness.h"

/* Dies at once, twice; then the delay before its next start is 50 ms. */
#define DYING                                                          \
	"\"d\": {\"command\": \"/bin/false\", \"startsecs\": 0, "      \
	"\"autorestart\": true, \"backoff\": {\"initial\": \"50ms\", " \
	"\"min\": \"50ms\", \"factor\": 1, \"jitter\": 0}}"
#define CHILDREN "\"w\": " GUEST_WAITER ", " DYING

static pid_t first_pid;

static bool
has_another_pid(struct guest *guest)
{
	pid_t pid = guest_pid(guest, "w");

	return pid > 0 && pid != first_pid;
}

static bool
has_restarted_by_itself(struct guest *guest)
{
	/* Lines on its deaths. */
	return guest->notices >= 8;
}

/* What a host sees, whatever its loop: it works, and ends. */
static void
live_a_little(struct guest *guest)
{
	CU_ASSERT(guest_until(guest, guest_is_settled));
	first_pid = guest_pid(guest, "w");
	CU_ASSERT_FATAL(first_pid > 0);
	kill(first_pid, SIGKILL);
	CU_ASSERT(guest_until(guest, has_another_pid));
	guest->notices = 0;
	CU_ASSERT(guest_until(guest, has_restarted_by_itself));
	/* From outside of any dispatch: the descriptor must tell of it. */
	reeve_shutdown(guest->reeve, "test");
	CU_ASSERT(guest_until(guest, guest_is_finished));
}

static void
turn_poll(struct guest *guest)
{
	struct pollfd p[2] = { { .fd = -1 } };
	struct reeve_error err;

	poll(p, 2, reeve_poll_prepare(guest->reeve, &p[1], 20000));
	CU_ASSERT_EQUAL(reeve_dispatch(guest->reeve, &err), REEVE_OK);
}

RV_TEST(a_runtime_lives_in_a_loop_around_poll)
{
	struct guest guest = { .turn = turn_poll };

	guest_open(&guest, "poll", CHILDREN);
	live_a_little(&guest);
	guest_close(&guest);
}

/* The descriptor alone, without ever asking for a deadline. */
static void
turn_descriptor(struct guest *guest)
{
	struct pollfd p = { .fd = reeve_fd(guest->reeve), .events = POLLIN };

	CU_ASSERT_EQUAL(poll(&p, 1, 20000), 1);
	CU_ASSERT_EQUAL(reeve_dispatch(guest->reeve, NULL), REEVE_OK);
}

RV_TEST(the_descriptor_tells_of_deadlines_too)
{
	struct guest guest = { .turn = turn_descriptor };

	guest_open(&guest, "fd", CHILDREN);
	live_a_little(&guest);
	guest_close(&guest);
}

static void
turn_native(struct guest *guest)
{
	ev_run(guest->loop, EVRUN_ONCE);
}

RV_TEST(a_runtime_lives_on_a_libev_loop)
{
	struct guest guest = { .turn = turn_native };

	guest.loop = ev_loop_new(EVFLAG_AUTO);
	guest_open(&guest, "native", CHILDREN);
	CU_ASSERT_EQUAL(reeve_fd(guest.reeve), -1);
	CU_ASSERT_EQUAL(reeve_timeout_ms(guest.reeve), -1);
	CU_ASSERT_EQUAL(reeve_dispatch(guest.reeve, NULL), REEVE_OK);
	live_a_little(&guest);
	guest_close(&guest);
	/* Nothing of it is left on the loop. */
	CU_ASSERT_EQUAL(ev_run(guest.loop, EVRUN_NOWAIT), 0);
	ev_loop_destroy(guest.loop);
}

static void
turn_ev(struct guest *guest)
{
	struct reeve_on_ev *on = guest->ctx;

	ev_run(on->loop, EVRUN_ONCE);
}

RV_TEST(a_runtime_lives_on_the_hosts_own_libev)
{
	struct reeve_on_ev on = { .loop = ev_loop_new(EVFLAG_AUTO) };
	struct guest guest = { .turn = turn_ev, .ctx = &on };

	guest_open(&guest, "ev", CHILDREN);
	on.reeve = guest.reeve;
	reeve_on_ev_start(&on);
	live_a_little(&guest);
	reeve_on_ev_stop(&on);
	reeve_on_ev_stop(&on);
	guest_close(&guest);
	CU_ASSERT_EQUAL(ev_run(on.loop, 0), 0);
	ev_loop_destroy(on.loop);
}

#ifdef HAVE_LIBEVENT
static void
turn_event(struct guest *guest)
{
	struct reeve_on_event *on = guest->ctx;

	event_base_loop(on->base, EVLOOP_ONCE);
}

RV_TEST(a_runtime_lives_on_libevent)
{
	struct reeve_on_event on = { .base = event_base_new() };
	struct guest guest = { .turn = turn_event, .ctx = &on };

	guest_open(&guest, "event", CHILDREN);
	on.reeve = guest.reeve;
	CU_ASSERT_EQUAL_FATAL(reeve_on_event_start(&on), 0);
	live_a_little(&guest);
	reeve_on_event_stop(&on);
	reeve_on_event_stop(&on);
	guest_close(&guest);
	/* 1: nothing is waited for any more. */
	CU_ASSERT_EQUAL(event_base_dispatch(on.base), 1);
	event_base_free(on.base);
}
#endif

#ifdef HAVE_LIBUV
static void
turn_uv(struct guest *guest)
{
	struct reeve_on_uv *on = guest->ctx;

	uv_run(on->loop, UV_RUN_ONCE);
}

static void
on_closed(struct reeve_on_uv *on)
{
	*(bool *)on->ctx = true;
}

RV_TEST(a_runtime_lives_on_libuv)
{
	uv_loop_t loop;
	bool closed = false;
	struct reeve_on_uv on = {
		.loop = &loop,
		.closed = on_closed,
		.ctx = &closed,
	};
	struct guest guest = { .turn = turn_uv, .ctx = &on };

	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&loop), 0);
	guest_open(&guest, "uv", CHILDREN);
	on.reeve = guest.reeve;
	CU_ASSERT_EQUAL_FATAL(reeve_on_uv_start(&on), 0);
	live_a_little(&guest);
	reeve_on_uv_stop(&on);
	reeve_on_uv_stop(&on);
	guest_close(&guest);
	CU_ASSERT_EQUAL(uv_run(&loop, UV_RUN_DEFAULT), 0);
	CU_ASSERT(closed);
	CU_ASSERT_EQUAL(uv_loop_close(&loop), 0);
	uv_library_shutdown(); /* its own two descriptors */
}
#endif

/* -------- two at a time -------- */

static struct guest *on_libev, *on_poll;

/* Whichever has something; libev's own wait would see one of them only. */
static void
turn_both(struct guest *guest)
{
	struct reeve_on_ev *on = on_libev->ctx;
	struct pollfd p[2] = { { .fd = reeve_fd(on->reeve),
	    .events = POLLIN } };
	int ms = reeve_poll_prepare(on_poll->reeve, &p[1], 20000);

	(void)guest;
	poll(p, 2, ms);
	ev_run(on->loop, EVRUN_NOWAIT);
	CU_ASSERT_EQUAL(reeve_dispatch(on_poll->reeve, NULL), REEVE_OK);
}

RV_TEST(two_runtimes_live_on_two_loops_of_one_process)
{
	struct reeve_on_ev on = {
		.loop = ev_loop_new(EVBACKEND_EPOLL),
	};
	struct guest a = { .turn = turn_both, .ctx = &on };
	struct guest b = { .turn = turn_both };

	on_libev = &a;
	on_poll = &b;
	guest_open(&a, "a", CHILDREN);
	guest_open(&b, "b", "\"w\": " GUEST_WAITER);
	on.reeve = a.reeve;
	reeve_on_ev_start(&on);
	CU_ASSERT(guest_until(&b, guest_is_settled));
	b.notices = 0;
	live_a_little(&a);
	/* The other has heard nothing of it, and lives. */
	CU_ASSERT_EQUAL(b.notices, 0);
	CU_ASSERT_FALSE(b.finished);
	reeve_on_ev_stop(&on);
	guest_close(&a);
	b.turn = NULL;
	guest_close(&b);
	ev_loop_destroy(on.loop);
}

RV_SUITE(loops, RV_CASE(a_runtime_lives_in_a_loop_around_poll),
    RV_CASE(the_descriptor_tells_of_deadlines_too),
    RV_CASE(a_runtime_lives_on_a_libev_loop),
    RV_CASE(a_runtime_lives_on_the_hosts_own_libev),
#ifdef HAVE_LIBEVENT
    RV_CASE(a_runtime_lives_on_libevent),
#endif
#ifdef HAVE_LIBUV
    RV_CASE(a_runtime_lives_on_libuv),
#endif
    RV_CASE(two_runtimes_live_on_two_loops_of_one_process))
