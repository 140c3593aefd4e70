/* SPDX-License-Identifier: MIT */
/*
 * The backend without a host's loop: one epoll and one timerfd, itself a
 * descriptor that any other loop can poll. Used by the launcher, the clerk, and
 * hosts with loops of their own. Callbacks may stop any watcher: one with an
 * event in the batch in hand is taken out of it.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/loop_priv.h"
#include "sys/sys.h"

#define BATCH 64

struct epoll_loop {
	struct rv_loop loop; /* first */
	int epoll_fd, timer_fd;
	rv_time armed_at; /* what timer_fd is set to, RV_FOREVER: off */
	/* the batch in hand: a watcher that is stopped leaves it */
	struct epoll_event *batch;
	int batch_n, batch_at;
};

static struct epoll_loop *
of(struct rv_loop *loop)
{
	return RV_CONTAINER(loop, struct epoll_loop, loop);
}

static void
destroy(struct rv_loop *loop)
{
	struct epoll_loop *e = of(loop);

	if (e->timer_fd >= 0) {
		close(e->timer_fd);
	}
	if (e->epoll_fd >= 0) {
		close(e->epoll_fd);
	}
	rv_loop_finish(loop);
	rv_free(e);
}

static uint32_t
to_epoll(unsigned events)
{
	return ((events & RV_LOOP_READ) != 0 ? EPOLLIN : 0u) |
	       ((events & RV_LOOP_WRITE) != 0 ? EPOLLOUT : 0u);
}

static int
control(struct rv_loop *loop, int op, struct rv_io *io)
{
	struct epoll_event event = {
		.events = to_epoll(io->events),
		.data.ptr = io,
	};

	return epoll_ctl(of(loop)->epoll_fd, op, io->fd, &event) == 0 ? 0
								      : errno;
}

static int
io_start(struct rv_loop *loop, struct rv_io *io)
{
	return control(loop, EPOLL_CTL_ADD, io);
}

static void
io_change(struct rv_loop *loop, struct rv_io *io)
{
	control(loop, EPOLL_CTL_MOD, io);
}

static void
io_stop(struct rv_loop *loop, struct rv_io *io)
{
	struct epoll_loop *e = of(loop);

	control(loop, EPOLL_CTL_DEL, io);
	for (int i = e->batch_at; i < e->batch_n; i++) {
		if (e->batch[i].data.ptr == io) {
			e->batch[i].data.ptr = NULL;
		}
	}
}

static int
fd_of(struct rv_loop *loop)
{
	return of(loop)->epoll_fd;
}

/* Keep the timerfd at the next deadline, so that the one fd tells of it. */
static void
set_timer(struct epoll_loop *e)
{
	rv_time due = rv_loop_due(&e->loop), at = RV_MAX(due, RV_NS);
	struct itimerspec spec = { 0 };

	if (due == e->armed_at) {
		return;
	}
	if (due != RV_FOREVER) {
		spec.it_value.tv_sec = at / RV_SEC;
		spec.it_value.tv_nsec = at % RV_SEC;
	}
	timerfd_settime(e->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
	e->armed_at = due;
}

static void
run_batch(struct epoll_loop *e, struct epoll_event *batch, int n)
{
	e->batch = batch;
	e->batch_n = n;
	for (int i = 0; i < n; i++) {
		struct rv_io *io = batch[i].data.ptr;
		uint32_t got = batch[i].events;
		unsigned events = 0;

		e->batch_at = i + 1;
		if (io == NULL) {
			continue; /* stopped in this turn, or the timerfd */
		}
		if ((got & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
			events |= RV_LOOP_READ;
		}
		if ((got & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
			events |= RV_LOOP_WRITE;
		}
		io->cb(io, events);
	}
	e->batch_n = e->batch_at = 0;
	e->batch = NULL;
}

static int
wait_ms(struct epoll_loop *e, rv_time until)
{
	rv_time at = RV_MIN(until, rv_loop_due(&e->loop));
	rv_time left = at - rv_sys_now();

	if (until == 0 || left <= 0) {
		return 0;
	}
	if (at == RV_FOREVER || at == e->armed_at) {
		return -1;
	}
	return (int)RV_MIN((left + RV_MS - 1) / RV_MS, (rv_time)INT_MAX);
}

static enum reeve_status
dispatch(struct rv_loop *loop, rv_time until, struct reeve_error *err)
{
	struct epoll_loop *e = of(loop);
	struct epoll_event batch[BATCH];
	uint64_t fired;
	int n;

	set_timer(e);
	n = epoll_wait(e->epoll_fd, batch, BATCH, wait_ms(e, until));
	if (n < 0 && errno != EINTR) {
		return rv_error_sys(err, errno, "cannot wait for events");
	}
	rv_loop_update_now(loop);
	if (e->armed_at <= loop->now) {
		while (read(e->timer_fd, &fired, sizeof(fired)) > 0) {
		}
		e->armed_at = RV_FOREVER;
	}
	run_batch(e, batch, n > 0 ? n : 0);
	rv_loop_run_ticks(loop);
	rv_loop_run_defers(loop);
	set_timer(e);
	return REEVE_OK;
}

static void
arrange(struct rv_loop *loop)
{
	struct epoll_loop *e = of(loop);

	if (e->batch == NULL) {
		set_timer(e);
	}
}

static const struct rv_loop_ops epoll_ops = {
	.io_start = io_start,
	.io_change = io_change,
	.io_stop = io_stop,
	.destroy = destroy,
	.fd = fd_of,
	.dispatch = dispatch,
	.arrange = arrange,
};

enum reeve_status
rv_loop_create_epoll(struct rv_loop **out, struct reeve_error *err)
{
	struct epoll_loop *e = rv_alloc(1, sizeof(*e));
	struct epoll_event event = { .events = EPOLLIN };

	if (e == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot create event loop");
	}
	e->armed_at = RV_FOREVER;
	e->timer_fd = -1;
	if (!rv_loop_init(&e->loop, &epoll_ops)) {
		rv_free(e);
		return rv_error_sys(err, ENOMEM, "cannot create event loop");
	}
	e->epoll_fd = rv_sys_epoll_create();
	if (e->epoll_fd >= 0) {
		e->timer_fd = rv_sys_timerfd();
	}
	if (e->timer_fd < 0 ||
	    epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, e->timer_fd, &event) != 0) {
		int failure = errno;

		destroy(&e->loop);
		return rv_error_sys(err, failure, "cannot create event loop");
	}
	*out = &e->loop;
	return REEVE_OK;
}
