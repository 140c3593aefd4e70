/* SPDX-License-Identifier: MIT */
/* What is the same whatever the backend: timers, deferred work, the time. */
#include "config.h"

#include "base/alloc.h"
#include "base/error.h"
#include "loop/loop_priv.h"
#include "sys/sys.h"

#define FIRST_TICKS 16

bool
rv_loop_init(struct rv_loop *loop, const struct rv_loop_ops *ops)
{
	loop->ops = ops;
	loop->now = rv_sys_now();
	rv_list_init(&loop->defers);
	return rv_loop_reserve(loop, FIRST_TICKS) == REEVE_OK;
}

void
rv_loop_finish(struct rv_loop *loop)
{
	rv_free(loop->heap);
}

void
rv_loop_destroy(struct rv_loop *loop)
{
	if (loop != NULL) {
		loop->ops->destroy(loop);
	}
}

enum reeve_status
rv_io_start(struct rv_loop *loop, struct rv_io *io, int fd, unsigned events,
    struct reeve_error *err)
{
	int failure;

	io->fd = fd;
	io->events = events;
	failure = loop->ops->io_start(loop, io);
	if (failure != 0) {
		return rv_error_sys(
		    err, failure, "cannot watch descriptor %d", fd);
	}
	io->loop = loop;
	return REEVE_OK;
}

void
rv_io_events(struct rv_io *io, unsigned events)
{
	if (io->loop != NULL && io->events != events) {
		io->events = events;
		io->loop->ops->io_change(io->loop, io);
	}
}

void
rv_io_stop(struct rv_io *io)
{
	if (io->loop != NULL) {
		io->loop->ops->io_stop(io->loop, io);
		io->loop = NULL;
	}
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

rv_time
rv_loop_due(const struct rv_loop *loop)
{
	if (!rv_list_empty(&loop->defers)) {
		return loop->now;
	}
	return loop->n_ticks != 0 ? loop->heap[1]->at : RV_FOREVER;
}

void
rv_loop_run_ticks(struct rv_loop *loop)
{
	while (loop->n_ticks != 0 && loop->heap[1]->at <= loop->now) {
		struct rv_tick *tick = loop->heap[1];

		rv_heap_remove(loop, tick);
		tick->cb(tick, loop->now, loop->now - tick->at);
	}
}

void
rv_loop_run_defers(struct rv_loop *loop)
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

int
rv_loop_fd(struct rv_loop *loop)
{
	return loop->ops->fd(loop);
}

rv_time
rv_loop_deadline(struct rv_loop *loop)
{
	return loop->ops->fd(loop) == -1 ? RV_FOREVER : rv_loop_due(loop);
}

enum reeve_status
rv_loop_dispatch(struct rv_loop *loop, rv_time until, struct reeve_error *err)
{
	return loop->ops->dispatch(loop, until, err);
}

void
rv_loop_arrange(struct rv_loop *loop)
{
	if (loop->ops->arrange != NULL) {
		loop->ops->arrange(loop);
	}
}

void
rv_loop_guard(struct rv_loop *loop, rv_loop_around_fn *around, void *ctx)
{
	loop->around = around;
	loop->around_ctx = ctx;
}

bool
rv_loop_call(struct rv_loop *loop, void (*fn)(void *), void *arg)
{
	if (loop->around != NULL) {
		return loop->around(loop->around_ctx, fn, arg);
	}
	fn(arg);
	return true;
}
