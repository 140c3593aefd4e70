/* SPDX-License-Identifier: MIT */
/*
 * What the backends share: the heap of timers, the list of deferred work, the
 * cached time; and the few things in which they differ. Private to this folder.
 */
#ifndef RV_LOOP_PRIV_H
#define RV_LOOP_PRIV_H

#include "loop/loop.h"

struct rv_loop_ops {
	/* Watch; 0, or an errno. fd and events are in io. */
	int (*io_start)(struct rv_loop *, struct rv_io *);
	void (*io_change)(struct rv_loop *, struct rv_io *);
	void (*io_stop)(struct rv_loop *, struct rv_io *);
	void (*destroy)(struct rv_loop *);
	int (*fd)(struct rv_loop *);
	enum reeve_status (*dispatch)(
	    struct rv_loop *, rv_time until, struct reeve_error *);
	void (*arrange)(struct rv_loop *); /* NULL: nothing to do */
};

/* The backend's struct begins with it. */
struct rv_loop {
	const struct rv_loop_ops *ops;
	rv_time now;
	struct rv_tick **heap; /* 1-based binary heap by `at` */
	size_t n_ticks, cap_ticks;
	struct rv_list defers;
	rv_loop_around_fn *around; /* NULL: none */
	void *around_ctx;
};

/* False without memory. */
bool rv_loop_init(struct rv_loop *, const struct rv_loop_ops *) RV_MUST_CHECK;
void rv_loop_finish(struct rv_loop *);

/* When the next timer is due, now if work is deferred, else RV_FOREVER. */
rv_time rv_loop_due(const struct rv_loop *);
/* Those that are due at loop->now. */
void rv_loop_run_ticks(struct rv_loop *);
/* What is deferred meanwhile runs in the next turn. */
void rv_loop_run_defers(struct rv_loop *);

/* fn(arg), inside of what the owner has set. False: it shall not be called. */
bool rv_loop_call(
    struct rv_loop *, void (*fn)(void *), void *arg) RV_MUST_CHECK;

void rv_heap_insert(struct rv_loop *, struct rv_tick *);
void rv_heap_remove(struct rv_loop *, struct rv_tick *);

#endif
