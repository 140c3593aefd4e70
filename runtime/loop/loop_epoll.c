/* SPDX-License-Identifier: MIT */
/*
 * The backend without a host's loop: one epoll and one timerfd, itself a
 * descriptor that any other loop can poll. Used by the launcher and by hosts
 * with loops of their own. Callbacks may stop any watcher: one with an event
 * in the batch in hand is taken out of it.
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

enum reeve_status
rv_loop_create_epoll(struct rv_loop **out, struct reeve_error *err)
{
	struct rv_loop *loop = rv_alloc(1, sizeof(*loop));
	struct epoll_event event = { .events = EPOLLIN };

	if (loop == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot create event loop");
	}
	rv_list_init(&loop->defers);
	loop->armed_at = RV_FOREVER;
	loop->now = rv_sys_now();
	loop->timer_fd = -1;
	loop->epoll_fd = rv_sys_epoll_create();
	if (loop->epoll_fd >= 0) {
		loop->timer_fd = rv_sys_timerfd();
	}
	if (loop->timer_fd < 0 || rv_loop_reserve(loop, 16) != REEVE_OK ||
	    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &event) !=
		0) {
		int failure = errno;

		rv_loop_destroy(loop);
		return rv_error_sys(err, failure, "cannot create event loop");
	}
	*out = loop;
	return REEVE_OK;
}

void
rv_loop_destroy(struct rv_loop *loop)
{
	if (loop == NULL) {
		return;
	}
	if (loop->timer_fd >= 0) {
		close(loop->timer_fd);
	}
	if (loop->epoll_fd >= 0) {
		close(loop->epoll_fd);
	}
	rv_free(loop->heap);
	rv_free(loop);
}

static uint32_t
to_epoll(unsigned events)
{
	return ((events & RV_LOOP_READ) != 0 ? EPOLLIN : 0u) |
	       ((events & RV_LOOP_WRITE) != 0 ? EPOLLOUT : 0u);
}

enum reeve_status
rv_io_start(struct rv_loop *loop, struct rv_io *io, int fd, unsigned events,
    struct reeve_error *err)
{
	struct epoll_event event = {
		.events = to_epoll(events),
		.data.ptr = io,
	};

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		return rv_error_sys(
		    err, errno, "cannot watch descriptor %d", fd);
	}
	io->loop = loop;
	io->fd = fd;
	io->events = events;
	return REEVE_OK;
}

void
rv_io_events(struct rv_io *io, unsigned events)
{
	struct epoll_event event = {
		.events = to_epoll(events),
		.data.ptr = io,
	};

	if (io->loop != NULL && io->events != events) {
		io->events = events;
		epoll_ctl(io->loop->epoll_fd, EPOLL_CTL_MOD, io->fd, &event);
	}
}

void
rv_io_stop(struct rv_io *io)
{
	struct rv_loop *loop = io->loop;
	struct epoll_event *batch;

	if (loop == NULL) {
		return;
	}
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	batch = loop->batch;
	for (int i = loop->batch_at; i < loop->batch_n; i++) {
		if (batch[i].data.ptr == io) {
			batch[i].data.ptr = NULL;
		}
	}
	io->loop = NULL;
}

void
rv_tick_arm(struct rv_loop *loop, struct rv_tick *tick, rv_time at)
{
	rv_tick_disarm(tick);
	if (at == RV_FOREVER) {
		return;
	}
	tick->loop = loop;
	tick->at = at;
	rv_heap_insert(loop, tick);
}

void
rv_tick_disarm(struct rv_tick *tick)
{
	if (tick->heap_index != 0) {
		rv_heap_remove(tick->loop, tick);
	}
}

void
rv_loop_defer(struct rv_loop *loop, struct rv_defer *defer)
{
	if (defer->link.next == NULL) {
		rv_list_init(&defer->link);
	}
	if (rv_list_empty(&defer->link)) {
		rv_list_insert(&loop->defers, &defer->link);
	}
}

void
rv_defer_cancel(struct rv_defer *defer)
{
	if (defer->link.next != NULL) {
		rv_list_remove(&defer->link);
	}
}

rv_time
rv_loop_now(struct rv_loop *loop)
{
	return loop->now;
}

void
rv_loop_update_now(struct rv_loop *loop)
{
	loop->now = rv_sys_now();
}

int
rv_loop_fd(struct rv_loop *loop)
{
	return loop->epoll_fd;
}

rv_time
rv_loop_deadline(struct rv_loop *loop)
{
	if (!rv_list_empty(&loop->defers)) {
		return loop->now;
	}
	return loop->n_ticks != 0 ? loop->heap[1]->at : RV_FOREVER;
}

/* Keep the timerfd at the next deadline, so that the one fd tells of it. */
static void
set_timer(struct rv_loop *loop)
{
	rv_time at = rv_loop_deadline(loop);
	struct itimerspec spec = { 0 };

	if (at == loop->armed_at) {
		return;
	}
	if (at != RV_FOREVER) {
		at = RV_MAX(at, RV_NS);
		spec.it_value.tv_sec = at / RV_SEC;
		spec.it_value.tv_nsec = at % RV_SEC;
	}
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
	loop->armed_at = rv_loop_deadline(loop);
}

static void
run_ticks(struct rv_loop *loop)
{
	while (loop->n_ticks != 0 && loop->heap[1]->at <= loop->now) {
		struct rv_tick *tick = loop->heap[1];

		rv_heap_remove(loop, tick);
		tick->cb(tick, loop->now, loop->now - tick->at);
	}
}

/* What is deferred meanwhile runs in the next turn. */
static void
run_defers(struct rv_loop *loop)
{
	struct rv_list now;

	if (rv_list_empty(&loop->defers)) {
		return;
	}
	rv_list_insert(&loop->defers, &now);
	rv_list_remove(&loop->defers);
	while (!rv_list_empty(&now)) {
		struct rv_defer *defer =
		    RV_LIST_FIRST(&now, struct rv_defer, link);

		rv_list_remove(&defer->link);
		defer->cb(defer);
	}
}

static void
run_batch(struct rv_loop *loop, struct epoll_event *batch, int n)
{
	loop->batch = batch;
	loop->batch_n = n;
	for (int i = 0; i < n; i++) {
		struct rv_io *io = batch[i].data.ptr;
		uint32_t got = batch[i].events;
		unsigned events = 0;

		loop->batch_at = i + 1;
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
	loop->batch_n = loop->batch_at = 0;
	loop->batch = NULL;
}

static int
wait_ms(struct rv_loop *loop, rv_time until)
{
	rv_time at = RV_MIN(until, rv_loop_deadline(loop));
	rv_time left = at - rv_sys_now();

	if (until == 0 || left <= 0) {
		return 0;
	}
	if (at == RV_FOREVER || at == loop->armed_at) {
		return -1;
	}
	return (int)RV_MIN((left + RV_MS - 1) / RV_MS, (rv_time)INT_MAX);
}

enum reeve_status
rv_loop_dispatch(struct rv_loop *loop, rv_time until, struct reeve_error *err)
{
	struct epoll_event batch[BATCH];
	uint64_t fired;
	int n;

	set_timer(loop);
	n = epoll_wait(loop->epoll_fd, batch, BATCH, wait_ms(loop, until));
	if (n < 0 && errno != EINTR) {
		return rv_error_sys(err, errno, "cannot wait for events");
	}
	rv_loop_update_now(loop);
	if (loop->armed_at <= loop->now) {
		while (read(loop->timer_fd, &fired, sizeof(fired)) > 0) {
		}
		loop->armed_at = RV_FOREVER;
	}
	run_batch(loop, batch, n > 0 ? n : 0);
	run_ticks(loop);
	run_defers(loop);
	set_timer(loop);
	return REEVE_OK;
}
