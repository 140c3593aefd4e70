/* SPDX-License-Identifier: MIT */
/*
 * Output in the order of the input: things come with numbers 0, 1, 2 ... in any
 * order, each once, and leave in that order. Pure; memory is what is held.
 */
#ifndef REEVE_MAP_ORDER_H
#define REEVE_MAP_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct map_order {
	void **held; /* a ring: number % cap; NULL: not there yet */
	size_t cap;
	uint64_t next; /* number of the next to leave */
};

void map_order_put(struct map_order *, uint64_t number, void *thing);
/* The next one, or NULL: it has not come yet. */
void *map_order_take(struct map_order *);
void map_order_finish(struct map_order *);

#endif
