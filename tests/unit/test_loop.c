/* SPDX-License-Identifier: MIT */
/* Both backends of the loop do the same: every case runs on each. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "lib/harness.h"
#include "loop/loop.h"
#include "sys/sys.h"

struct bench {
	struct rv_loop *loop;
	struct ev_loop *ev; /* NULL: epoll */
	int fds[2];
};

static void
bench_open(struct bench *b, bool on_ev)
{
	struct reeve_error err;

	b->ev = on_ev ? ev_loop_new(EVFLAG_AUTO) : NULL;
	CU_ASSERT_EQUAL_FATAL(on_ev ? rv_loop_create_ev(&b->loop, b->ev, &err)
				    : rv_loop_create_epoll(&b->loop, &err),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(rv_sys_pipe2(b->fds, 0), 0);
}

static void
bench_close(struct bench *b)
{
	rv_loop_destroy(b->loop);
	if (b->ev != NULL) {
		ev_loop_destroy(b->ev);
	}
	close(b->fds[0]);
	close(b->fds[1]);
}

/* One turn; waits for something unless now. */
static void
turn(struct bench *b, bool now)
{
	struct reeve_error err;

	if (b->ev != NULL) {
		ev_run(b->ev, now ? EVRUN_NOWAIT : EVRUN_ONCE);
		return;
	}
	CU_ASSERT_EQUAL(
	    rv_loop_dispatch(b->loop, now ? 0 : RV_FOREVER, &err), REEVE_OK);
}

/* On libev deferred work runs before the next wait: a turn later than epoll. */
static void
turns(struct bench *b)
{
	for (int i = 0; i < 4; i++) {
		turn(b, true);
	}
}

#define ON_BOTH(name)                      \
	static void name##_on(bool on_ev); \
	RV_TEST(name)                      \
	{                                  \
		name##_on(false);          \
		name##_on(true);           \
	}                                  \
	static void name##_on(bool on_ev)

struct counter {
	struct rv_io io;
	struct rv_tick tick;
	struct rv_defer defer;
	unsigned n, events;
	rv_time late;
	struct counter *other;
	struct bench *bench;
	unsigned *order; /* a number that all count on */
	unsigned place;
};

static void
count_io(struct rv_io *io, unsigned events)
{
	struct counter *c = io->ctx;
	char byte;

	c->n++;
	c->events = events;
	if ((events & RV_LOOP_READ) != 0 && read(io->fd, &byte, 1) == 0) {
		rv_io_stop(io);
	}
}

static void
stop_both(struct rv_io *io, unsigned events)
{
	struct counter *c = io->ctx;

	(void)events;
	c->n++;
	rv_io_stop(&c->io);
	rv_io_stop(&c->other->io);
}

static void
count_tick(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct counter *c = tick->ctx;

	(void)now;
	c->n++;
	c->late = late;
	if (c->order != NULL) {
		c->place = ++*c->order;
	}
}

static void
count_defer(struct rv_defer *defer)
{
	struct counter *c = defer->ctx;

	c->n++;
	if (c->order != NULL) {
		c->place = ++*c->order;
	}
}

ON_BOTH(a_readable_descriptor_is_told_until_it_is_stopped)
{
	struct bench b;
	struct counter c = { .io.cb = count_io };

	c.io.ctx = &c;
	bench_open(&b, on_ev);
	CU_ASSERT_EQUAL_FATAL(
	    rv_io_start(b.loop, &c.io, b.fds[0], RV_LOOP_READ, NULL), REEVE_OK);
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 0);
	CU_ASSERT_EQUAL(write(b.fds[1], "ab", 2), 2);
	turn(&b, false);
	turn(&b, false);
	CU_ASSERT_EQUAL(c.n, 2);
	CU_ASSERT_EQUAL(write(b.fds[1], "c", 1), 1);
	rv_io_stop(&c.io);
	rv_io_stop(&c.io);
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 2);
	bench_close(&b);
}

ON_BOTH(what_is_waited_for_can_be_changed)
{
	struct bench b;
	struct counter c = { .io.cb = count_io };

	c.io.ctx = &c;
	bench_open(&b, on_ev);
	CU_ASSERT_EQUAL_FATAL(
	    rv_io_start(b.loop, &c.io, b.fds[1], 0, NULL), REEVE_OK);
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 0);
	rv_io_events(&c.io, RV_LOOP_WRITE);
	turn(&b, false);
	CU_ASSERT_EQUAL(c.n, 1);
	CU_ASSERT_EQUAL(c.events, RV_LOOP_WRITE);
	rv_io_events(&c.io, 0);
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 1);
	rv_io_stop(&c.io);
	bench_close(&b);
}

ON_BOTH(a_closed_peer_is_readable)
{
	struct bench b;
	struct counter c = { .io.cb = count_io };

	c.io.ctx = &c;
	bench_open(&b, on_ev);
	CU_ASSERT_EQUAL_FATAL(
	    rv_io_start(b.loop, &c.io, b.fds[0], RV_LOOP_READ, NULL), REEVE_OK);
	close(b.fds[1]);
	b.fds[1] = dup(b.fds[0]);
	turn(&b, false);
	CU_ASSERT_EQUAL(c.n, 1);
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 1);
	bench_close(&b);
}

ON_BOTH(one_that_is_stopped_in_the_same_batch_is_not_called)
{
	struct bench b;
	int second[2];
	struct counter c[2] = { { .io.cb = stop_both },
		{ .io.cb = stop_both } };

	bench_open(&b, on_ev);
	CU_ASSERT_EQUAL_FATAL(rv_sys_pipe2(second, 0), 0);
	for (int i = 0; i < 2; i++) {
		c[i].io.ctx = &c[i];
		c[i].other = &c[1 - i];
	}
	CU_ASSERT_EQUAL_FATAL(
	    rv_io_start(b.loop, &c[0].io, b.fds[0], RV_LOOP_READ, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    rv_io_start(b.loop, &c[1].io, second[0], RV_LOOP_READ, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(write(b.fds[1], "a", 1), 1);
	CU_ASSERT_EQUAL(write(second[1], "a", 1), 1);
	turn(&b, false);
	turn(&b, true);
	CU_ASSERT_EQUAL(c[0].n + c[1].n, 1);
	close(second[0]);
	close(second[1]);
	bench_close(&b);
}

ON_BOTH(timers_come_in_their_order_and_not_early)
{
	struct bench b;
	struct counter c[50] = { 0 };
	unsigned order = 0;
	rv_time begin;

	bench_open(&b, on_ev);
	CU_ASSERT_EQUAL_FATAL(rv_loop_reserve(b.loop, 64), REEVE_OK);
	rv_loop_update_now(b.loop);
	begin = rv_loop_now(b.loop);
	for (int i = 0; i < 50; i++) {
		c[i].tick.cb = count_tick;
		c[i].tick.ctx = &c[i];
		c[i].order = &order;
		rv_tick_arm(
		    b.loop, &c[i].tick, begin + ((i * 7) % 50 + 1) * RV_MS / 5);
	}
	while (order < 50) {
		turn(&b, false);
	}
	for (int i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL(c[i].place, (unsigned)((i * 7) % 50 + 1));
		CU_ASSERT(c[i].late >= 0);
	}
	CU_ASSERT(rv_sys_now() - begin >= 10 * RV_MS);
	bench_close(&b);
}

ON_BOTH(a_disarmed_timer_does_not_come)
{
	struct bench b;
	struct counter c[2] = { 0 };

	bench_open(&b, on_ev);
	for (int i = 0; i < 2; i++) {
		c[i].tick.cb = count_tick;
		c[i].tick.ctx = &c[i];
		rv_tick_arm(
		    b.loop, &c[i].tick, rv_loop_now(b.loop) + (i + 1) * RV_MS);
	}
	rv_tick_disarm(&c[0].tick);
	rv_tick_disarm(&c[0].tick);
	while (c[1].n == 0) {
		turn(&b, false);
	}
	CU_ASSERT_EQUAL(c[0].n, 0);
	rv_tick_arm(b.loop, &c[1].tick, RV_FOREVER);
	CU_ASSERT_EQUAL(c[1].tick.heap_index, 0);
	bench_close(&b);
}

static void
arm_again(struct rv_tick *tick, rv_time now, rv_time late)
{
	struct counter *c = tick->ctx;

	(void)late;
	if (++c->n < 5) {
		rv_tick_arm(c->bench->loop, tick, now + RV_MS / 10);
	}
}

ON_BOTH(a_timer_may_be_armed_again_in_its_callback)
{
	struct bench b;
	struct counter c = { .tick.cb = arm_again };

	bench_open(&b, on_ev);
	c.tick.ctx = &c;
	c.bench = &b;
	rv_tick_arm(b.loop, &c.tick, rv_loop_now(b.loop));
	while (c.n < 5) {
		turn(&b, false);
	}
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 5);
	bench_close(&b);
}

ON_BOTH(deferred_work_runs_once_and_after_the_callbacks)
{
	struct bench b;
	struct counter d = { .defer.cb = count_defer };
	struct counter t = { .tick.cb = count_tick };
	unsigned order = 0;

	bench_open(&b, on_ev);
	d.defer.ctx = &d;
	t.tick.ctx = &t;
	d.order = t.order = &order;
	rv_tick_arm(b.loop, &t.tick, rv_loop_now(b.loop) - 1);
	if (!on_ev) {
		rv_loop_defer(b.loop, &d.defer);
		rv_loop_defer(b.loop, &d.defer);
		turn(&b, true);
		CU_ASSERT_EQUAL(t.place, 1);
		CU_ASSERT_EQUAL(d.place, 2);
	} else {
		rv_loop_defer(b.loop, &d.defer);
		rv_loop_defer(b.loop, &d.defer);
		turns(&b);
	}
	turns(&b);
	CU_ASSERT_EQUAL(d.n, 1);
	CU_ASSERT_EQUAL(t.n, 1);
	bench_close(&b);
}

static void
defer_again(struct rv_defer *defer)
{
	struct counter *c = defer->ctx;

	if (++c->n < 3) {
		rv_loop_defer(c->bench->loop, defer);
	}
}

ON_BOTH(what_is_deferred_anew_runs_in_the_next_turn_without_a_wait)
{
	struct bench b;
	struct counter c = { .defer.cb = defer_again };

	bench_open(&b, on_ev);
	c.defer.ctx = &c;
	c.bench = &b;
	rv_loop_defer(b.loop, &c.defer);
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 1);
	/* These would block for ever. */
	turn(&b, false);
	CU_ASSERT_EQUAL(c.n, 2);
	turn(&b, false);
	CU_ASSERT_EQUAL(c.n, 3);
	bench_close(&b);
}

ON_BOTH(cancelled_work_does_not_run)
{
	struct bench b;
	struct counter c = { .defer.cb = count_defer };

	bench_open(&b, on_ev);
	c.defer.ctx = &c;
	rv_defer_cancel(&c.defer);
	rv_loop_defer(b.loop, &c.defer);
	rv_defer_cancel(&c.defer);
	turns(&b);
	CU_ASSERT_EQUAL(c.n, 0);
	bench_close(&b);
}

ON_BOTH(ten_thousand_timers_fire_once_each)
{
	struct bench b;
	struct counter *c = rv_alloc(10000, sizeof(*c));
	unsigned order = 0;

	bench_open(&b, on_ev);
	CU_ASSERT_EQUAL_FATAL(rv_loop_reserve(b.loop, 10000), REEVE_OK);
	for (int i = 0; i < 10000; i++) {
		c[i].tick.cb = count_tick;
		c[i].tick.ctx = &c[i];
		c[i].order = &order;
		rv_tick_arm(b.loop, &c[i].tick,
		    rv_loop_now(b.loop) + rand() % (20 * RV_MS));
	}
	for (int i = 0; i < 10000; i += 3) {
		rv_tick_disarm(&c[i].tick);
	}
	while (order < 6666) {
		turn(&b, false);
	}
	for (int i = 0; i < 10000; i++) {
		CU_ASSERT_EQUAL(c[i].n, i % 3 == 0 ? 0 : 1);
	}
	rv_free(c);
	bench_close(&b);
}

RV_TEST(the_epoll_loop_can_be_polled_as_one_descriptor)
{
	struct bench b;
	struct counter c = { .tick.cb = count_tick, .io.cb = count_io };
	struct pollfd p = { .events = POLLIN };

	bench_open(&b, false);
	c.tick.ctx = c.io.ctx = &c;
	p.fd = rv_loop_fd(b.loop);
	CU_ASSERT_EQUAL(rv_loop_deadline(b.loop), RV_FOREVER);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	rv_tick_arm(b.loop, &c.tick, rv_sys_now() + 3 * RV_MS);
	CU_ASSERT_EQUAL(rv_loop_deadline(b.loop), c.tick.at);
	turn(&b, true);
	CU_ASSERT_EQUAL(poll(&p, 1, 5000), 1);
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 1);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
	    rv_io_start(b.loop, &c.io, b.fds[0], RV_LOOP_READ, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(write(b.fds[1], "a", 1), 1);
	CU_ASSERT_EQUAL(poll(&p, 1, 5000), 1);
	turn(&b, true);
	CU_ASSERT_EQUAL(c.n, 2);
	rv_io_stop(&c.io);
	bench_close(&b);
}

RV_TEST(a_libev_loop_is_neither_kept_running_nor_polled)
{
	struct bench b;

	bench_open(&b, true);
	CU_ASSERT_EQUAL(rv_loop_fd(b.loop), -1);
	CU_ASSERT_EQUAL(rv_loop_deadline(b.loop), RV_FOREVER);
	/* Returns at once: no watcher of the loop's own counts. */
	ev_run(b.ev, 0);
	bench_close(&b);
}

RV_TEST(several_loops_live_in_one_process)
{
	struct bench b[4];
	struct counter c[4] = { 0 };

	for (int i = 0; i < 4; i++) {
		bench_open(&b[i], i % 2 == 1);
		c[i].tick.cb = count_tick;
		c[i].tick.ctx = &c[i];
		rv_tick_arm(b[i].loop, &c[i].tick, rv_loop_now(b[i].loop));
	}
	for (int i = 0; i < 4; i++) {
		turns(&b[i]);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(c[i].n, 1);
		bench_close(&b[i]);
	}
}

RV_TEST(failing_calls_make_no_loop_and_leave_nothing)
{
	static const char *const plans[] = { "alloc@1=ENOMEM", "alloc@2=ENOMEM",
		"epoll_create1=EMFILE", "timerfd_create=EMFILE" };

	for (size_t i = 0; i < RV_ARRAY_LEN(plans); i++) {
		struct rv_loop *loop = NULL;
		struct reeve_error err;

		CU_ASSERT_TRUE_FATAL(rv_fault_set(plans[i]));
		CU_ASSERT_NOT_EQUAL(
		    rv_loop_create_epoll(&loop, &err), REEVE_OK);
		CU_ASSERT_PTR_NULL(loop);
		rv_fault_set(NULL);
	}
}

RV_SUITE(loop, RV_CASE(a_readable_descriptor_is_told_until_it_is_stopped),
    RV_CASE(what_is_waited_for_can_be_changed),
    RV_CASE(a_closed_peer_is_readable),
    RV_CASE(one_that_is_stopped_in_the_same_batch_is_not_called),
    RV_CASE(timers_come_in_their_order_and_not_early),
    RV_CASE(a_disarmed_timer_does_not_come),
    RV_CASE(a_timer_may_be_armed_again_in_its_callback),
    RV_CASE(deferred_work_runs_once_and_after_the_callbacks),
    RV_CASE(what_is_deferred_anew_runs_in_the_next_turn_without_a_wait),
    RV_CASE(cancelled_work_does_not_run),
    RV_CASE(ten_thousand_timers_fire_once_each),
    RV_CASE(the_epoll_loop_can_be_polled_as_one_descriptor),
    RV_CASE(a_libev_loop_is_neither_kept_running_nor_polled),
    RV_CASE(several_loops_live_in_one_process),
    RV_CASE(failing_calls_make_no_loop_and_leave_nothing))
