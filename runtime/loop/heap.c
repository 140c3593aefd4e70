/* SPDX-License-Identifier: MIT */
/*
 * Timers: a binary heap of pointers ordered by due time; each tick knows its
 * place. Room is reserved when ticks are made, so arming cannot fail.
 */
#include "config.h"

#include "base/alloc.h"
#include "loop/loop_priv.h"

static void
put(struct rv_loop *loop, size_t i, struct rv_tick *tick)
{
	loop->heap[i] = tick;
	tick->heap_index = i;
}

static void
sift_up(struct rv_loop *loop, size_t i, struct rv_tick *tick)
{
	while (i > 1 && loop->heap[i / 2]->at > tick->at) {
		put(loop, i, loop->heap[i / 2]);
		i /= 2;
	}
	put(loop, i, tick);
}

static void
sift_down(struct rv_loop *loop, size_t i, struct rv_tick *tick)
{
	size_t child;

	while ((child = 2 * i) <= loop->n_ticks) {
		if (child < loop->n_ticks &&
		    loop->heap[child + 1]->at < loop->heap[child]->at) {
			child++;
		}
		if (loop->heap[child]->at >= tick->at) {
			break;
		}
		put(loop, i, loop->heap[child]);
		i = child;
	}
	put(loop, i, tick);
}

enum reeve_status
rv_loop_reserve(struct rv_loop *loop, size_t n_ticks)
{
	struct rv_tick **heap;

	if (n_ticks + 1 <= loop->cap_ticks) {
		return REEVE_OK;
	}
	heap = rv_realloc(
	    loop->heap, loop->cap_ticks, n_ticks + 1, sizeof(*loop->heap));
	if (heap == NULL) {
		return REEVE_ENOMEM;
	}
	loop->heap = heap;
	loop->cap_ticks = n_ticks + 1;
	return REEVE_OK;
}

void
rv_heap_insert(struct rv_loop *loop, struct rv_tick *tick)
{
	RV_ASSERT(loop->n_ticks + 1 < loop->cap_ticks);
	sift_up(loop, ++loop->n_ticks, tick);
}

void
rv_heap_remove(struct rv_loop *loop, struct rv_tick *tick)
{
	size_t i = tick->heap_index;
	struct rv_tick *last;

	RV_ASSERT(i >= 1 && i <= loop->n_ticks && loop->heap[i] == tick);
	last = loop->heap[loop->n_ticks--];
	tick->heap_index = 0;
	if (last == tick) {
		return;
	}
	if (i > 1 && loop->heap[i / 2]->at > last->at) {
		sift_up(loop, i, last);
	} else {
		sift_down(loop, i, last);
	}
}
