/* SPDX-License-Identifier: MIT */
/*
 * The backend on a host's libev loop: watchers of ours on a loop that the host
 * owns and runs. A turn is one iteration of it: a check watcher reads the clock
 * before any callback, a prepare watcher runs deferred work after all of them
 * and sets the one timer. Touches no signals and no children.
 */
#include "config.h"

#include <errno.h>

#include <ev.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/loop_priv.h"
#include "sys/sys.h"

struct host_loop {
	struct rv_loop loop; /* first */
	struct ev_loop *ev;
	ev_timer timer;
	ev_prepare prepare;
	ev_check check;
	rv_time armed_at; /* RV_FOREVER: the timer is off */
};

_Static_assert(sizeof(ev_io) <= sizeof(((struct rv_io *)0)->backend),
    "struct rv_io has room for libev's watcher");

static struct host_loop *
of(struct rv_loop *loop)
{
	return RV_CONTAINER(loop, struct host_loop, loop);
}

static ev_io *
watcher(struct rv_io *io)
{
	return (ev_io *)(void *)io->backend;
}

static int
to_ev(unsigned events)
{
	return ((events & RV_LOOP_READ) != 0 ? EV_READ : 0) |
	       ((events & RV_LOOP_WRITE) != 0 ? EV_WRITE : 0);
}

struct ready {
	struct rv_io *io;
	unsigned events;
};

static void
call_io(void *arg)
{
	const struct ready *ready = arg;

	ready->io->cb(ready->io, ready->events);
}

/* Behind the call neither watcher nor loop need be there any more. */
static void
on_io(struct ev_loop *ev, ev_io *w, int got)
{
	struct ready ready = { .io = w->data };

	if ((got & (EV_READ | EV_ERROR)) != 0) {
		ready.events |= RV_LOOP_READ;
	}
	if ((got & (EV_WRITE | EV_ERROR)) != 0) {
		ready.events |= RV_LOOP_WRITE;
	}
	if (!rv_loop_call(ready.io->loop, call_io, &ready)) {
		ev_io_stop(ev, w); /* or it would be ready for ever */
	}
}

static int
io_start(struct rv_loop *loop, struct rv_io *io)
{
	ev_io *w = watcher(io);

	ev_init(w, on_io);
	ev_io_set(w, io->fd, to_ev(io->events));
	w->data = io;
	if (io->events != 0) {
		ev_io_start(of(loop)->ev, w);
	}
	return 0;
}

static void
io_stop(struct rv_loop *loop, struct rv_io *io)
{
	ev_io_stop(of(loop)->ev, watcher(io));
}

static void
io_change(struct rv_loop *loop, struct rv_io *io)
{
	io_stop(loop, io);
	ev_io_set(watcher(io), io->fd, to_ev(io->events));
	if (io->events != 0) {
		ev_io_start(of(loop)->ev, watcher(io));
	}
}

static int
fd_of(struct rv_loop *loop)
{
	(void)loop;
	return -1;
}

static enum reeve_status
dispatch(struct rv_loop *loop, rv_time until, struct reeve_error *err)
{
	(void)loop;
	(void)until;
	(void)err;
	return REEVE_OK; /* the host runs its loop itself */
}

static void
on_check(struct ev_loop *ev, ev_check *w, int got)
{
	struct host_loop *h = w->data;

	(void)ev;
	(void)got;
	rv_loop_update_now(&h->loop);
}

static void
call_ticks(void *arg)
{
	struct host_loop *h = arg;

	h->armed_at = RV_FOREVER;
	rv_loop_run_ticks(&h->loop);
}

/* The next callback of the turn, or an early one: libev's clock is coarse. */
static void
on_timer(struct ev_loop *ev, ev_timer *w, int got)
{
	struct host_loop *h = w->data;

	(void)got;
	if (!rv_loop_call(&h->loop, call_ticks, h)) {
		ev_timer_stop(ev, w);
	}
}

static void
set_timer(struct host_loop *h)
{
	rv_time due = rv_loop_due(&h->loop);
	rv_time left = due - h->loop.now;

	if (due == h->armed_at) {
		return;
	}
	ev_timer_stop(h->ev, &h->timer);
	h->armed_at = due;
	if (due != RV_FOREVER) {
		ev_now_update(h->ev);
		ev_timer_set(
		    &h->timer, (double)RV_MAX(left, 0) / (double)RV_SEC, 0);
		ev_timer_start(h->ev, &h->timer);
	}
}

static void
call_defers(void *arg)
{
	struct host_loop *h = arg;

	rv_loop_update_now(&h->loop);
	rv_loop_run_defers(&h->loop);
	set_timer(h);
}

static void
on_prepare(struct ev_loop *ev, ev_prepare *w, int got)
{
	struct host_loop *h = w->data;

	(void)got;
	if (!rv_loop_call(&h->loop, call_defers, h)) {
		ev_timer_stop(ev, &h->timer);
	}
}

/* They alone do not keep the host's loop running. */
static void
start_watchers(struct host_loop *h)
{
	ev_init(&h->timer, on_timer);
	ev_init(&h->prepare, on_prepare);
	ev_init(&h->check, on_check);
	h->timer.data = h->prepare.data = h->check.data = h;
	ev_set_priority(&h->check, EV_MAXPRI);
	ev_prepare_start(h->ev, &h->prepare);
	ev_unref(h->ev);
	ev_check_start(h->ev, &h->check);
	ev_unref(h->ev);
}

static void
destroy(struct rv_loop *loop)
{
	struct host_loop *h = of(loop);

	ev_ref(h->ev);
	ev_prepare_stop(h->ev, &h->prepare);
	ev_ref(h->ev);
	ev_check_stop(h->ev, &h->check);
	ev_timer_stop(h->ev, &h->timer);
	rv_loop_finish(loop);
	rv_free(h);
}

static const struct rv_loop_ops host_ops = {
	.io_start = io_start,
	.io_change = io_change,
	.io_stop = io_stop,
	.destroy = destroy,
	.fd = fd_of,
	.dispatch = dispatch,
};

enum reeve_status
rv_loop_create_ev(
    struct rv_loop **out, struct ev_loop *ev, struct reeve_error *err)
{
	struct host_loop *h = rv_alloc(1, sizeof(*h));

	if (h == NULL || !rv_loop_init(&h->loop, &host_ops)) {
		rv_free(h);
		return rv_error_sys(err, ENOMEM, "cannot use the event loop");
	}
	h->ev = ev;
	h->armed_at = RV_FOREVER;
	start_watchers(h);
	*out = &h->loop;
	return REEVE_OK;
}
