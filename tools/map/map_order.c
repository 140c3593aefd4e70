/* SPDX-License-Identifier: MIT */
/* See map_order.h: a ring that grows to the distance that is held. */
#include "config.h"

#include "tools/map/map_order.h"

#include <stdlib.h>

#include "tools/map/map.h"

static void
make_room(struct map_order *order, uint64_t number)
{
	size_t cap = order->cap != 0 ? order->cap : 64;
	void **held;

	while (number - order->next >= cap) {
		cap *= 2;
	}
	if (cap == order->cap) {
		return;
	}
	held = map_alloc(cap, sizeof(held[0]));
	for (uint64_t i = order->next; i < order->next + order->cap; i++) {
		held[i % cap] = order->held[i % order->cap];
	}
	free(order->held);
	order->held = held;
	order->cap = cap;
}

void
map_order_put(struct map_order *order, uint64_t number, void *thing)
{
	make_room(order, number);
	order->held[number % order->cap] = thing;
}

void *
map_order_take(struct map_order *order)
{
	void *thing;

	if (order->cap == 0) {
		return NULL;
	}
	thing = order->held[order->next % order->cap];
	if (thing != NULL) {
		order->held[order->next % order->cap] = NULL;
		order->next++;
	}
	return thing;
}

void
map_order_finish(struct map_order *order)
{
	free(order->held);
	*order = (struct map_order){ 0 };
}
