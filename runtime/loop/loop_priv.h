/* SPDX-License-Identifier: MIT */
/*
 * What the backends share: the heap of timers, the list of deferred work and
 * the cached time. Private to this folder.
 */
#ifndef RV_LOOP_PRIV_H
#define RV_LOOP_PRIV_H

#include "loop/loop.h"

struct rv_loop {
	int epoll_fd, timer_fd;
	rv_time now;
	rv_time armed_at;      /* what timer_fd is set to, RV_FOREVER: off */
	struct rv_tick **heap; /* 1-based binary heap by `at` */
	size_t n_ticks, cap_ticks;
	struct rv_list defers;
	/* the batch in hand: a watcher that is stopped leaves it */
	void *batch;
	int batch_n, batch_at;
};

void rv_heap_insert(struct rv_loop *, struct rv_tick *);
void rv_heap_remove(struct rv_loop *, struct rv_tick *);

#endif
