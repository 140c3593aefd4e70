/* SPDX-License-Identifier: MIT */
/*
 * What the runtime asks of an event loop: watch a descriptor, fire a timer,
 * run something at the end of the turn. A small vtable with two backends:
 * loop_ev.c (libev, on the host's struct ev_loop, never the default loop's
 * SIGCHLD) and loop_epoll.c (one epoll and one timerfd, pollable as a single
 * descriptor by any other loop). Watchers are embedded in their owners; no
 * call allocates but those that create a loop. One thread.
 */
#ifndef RV_LOOP_H
#define RV_LOOP_H

#include <reeve/error.h>

#include "base/base.h"
#include "base/list.h"
#include "base/time.h"

struct rv_loop;

#define RV_LOOP_READ  1u
#define RV_LOOP_WRITE 2u

/* Set cb and (optionally) ctx, zero the rest, then rv_io_start. */
struct rv_io {
	void (*cb)(
	    struct rv_io *, unsigned events); /* READ/WRITE; errors: both */
	void *ctx;
	/* the loop's own */
	struct rv_loop *loop;
	int fd;
	unsigned events;
	uint64_t backend[6];
};

enum reeve_status rv_io_start(struct rv_loop *, struct rv_io *, int fd,
    unsigned events, struct reeve_error *) RV_MUST_CHECK;
/* Change what is waited for (0 = nothing); cannot fail. */
void rv_io_events(struct rv_io *, unsigned events);
/* May be called from its own callback and twice. Call before closing fd. */
void rv_io_stop(struct rv_io *);

/* Timers are a binary heap of the loop's, indexed by the owner's struct. */
struct rv_tick {
	void (*cb)(struct rv_tick *, rv_time now, rv_time late);
	void *ctx;
	struct rv_loop *loop;
	rv_time at;
	size_t heap_index; /* 1-based, 0 = not armed */
};

/*
 * Arming cannot fail for up to the reserved number of armed ticks: reserve
 * when units are made, not on the restart path. `late` in the callback is how
 * long after `at` it came.
 */
enum reeve_status rv_loop_reserve(
    struct rv_loop *, size_t n_ticks) RV_MUST_CHECK;
void rv_tick_arm(struct rv_loop *, struct rv_tick *, rv_time at);
void rv_tick_disarm(struct rv_tick *);

/* Runs once, at the end of the present turn (soon, if none is running). */
struct rv_defer {
	void (*cb)(struct rv_defer *);
	void *ctx;
	struct rv_list link; /* zeroed before first use */
};
void rv_loop_defer(struct rv_loop *, struct rv_defer *);
void rv_defer_cancel(struct rv_defer *);

/* The time of this turn (one clock read a turn), monotonic. */
rv_time rv_loop_now(struct rv_loop *);
void rv_loop_update_now(struct rv_loop *);

/* libev backend, on a loop that the host owns and runs. */
struct ev_loop;
enum reeve_status rv_loop_create_ev(
    struct rv_loop **, struct ev_loop *, struct reeve_error *) RV_MUST_CHECK;
/* epoll backend; the host polls rv_loop_fd for reading, calls dispatch. */
enum reeve_status rv_loop_create_epoll(
    struct rv_loop **, struct reeve_error *) RV_MUST_CHECK;
/* All watchers must be stopped. NULL is fine. The host's loop stays. */
void rv_loop_destroy(struct rv_loop *);

/* epoll backend only: -1 / RV_FOREVER / no-op on libev. */
int rv_loop_fd(struct rv_loop *);
rv_time rv_loop_deadline(struct rv_loop *); /* monotonic, RV_FOREVER: none */
/*
 * Handle what is ready, waiting at most until `until` (0: do not wait). For
 * executables of ours and hosts without a loop.
 */
enum reeve_status rv_loop_dispatch(
    struct rv_loop *, rv_time until, struct reeve_error *) RV_MUST_CHECK;

/*
 * epoll backend only: see to it that the descriptor becomes readable when the
 * next timer is due. Dispatch ends with it; whoever arms or defers outside of
 * a dispatch calls it afterwards. A no-op on libev.
 */
void rv_loop_arrange(struct rv_loop *);

/*
 * libev backend: every callback of the loop runs inside of this (if set), so
 * that its owner can open a panic scope. It calls fn(arg) and returns true, or
 * false when this loop is not to call anything any more: then the watcher that
 * had something is stopped. It may destroy the loop behind fn.
 */
typedef bool rv_loop_around_fn(void *ctx, void (*fn)(void *arg), void *arg);
void rv_loop_guard(struct rv_loop *, rv_loop_around_fn *, void *ctx);

/*
 * Functions that other threads want called in the loop's: in the order in
 * which they were posted. At most RV_POST_MAX wait at a time.
 */
#define RV_POST_MAX 65536
typedef void rv_post_fn(void *arg);
struct rv_post;
enum reeve_status rv_post_create(
    struct rv_post **, struct rv_loop *, struct reeve_error *) RV_MUST_CHECK;
/* Any thread. REEVE_ECLOSED after shut, REEVE_EFULL, REEVE_ENOMEM. */
enum reeve_status rv_post_push(
    struct rv_post *, rv_post_fn *, void *arg) RV_MUST_CHECK;
/* From now on none is taken; any thread. */
void rv_post_shut(struct rv_post *);
/* Shut it, wait for writers inside, call what still waits. NULL is fine. */
void rv_post_destroy(struct rv_post *);

#endif
