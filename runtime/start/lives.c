/* SPDX-License-Identifier: MIT */
/*
 * The table of lives on the supervisor's side. Room is made when it is
 * reserved, in chunks that never move; nothing is allocated while running. What
 * only a launcher that died or stands still makes necessary (keeps, the queue)
 * is room that is touched then.
 */
#include "config.h"

#include "base/alloc.h"
#include "base/room.h"
#include "start/start_priv.h"

void
rv_start_free_queue(struct rv_start *start)
{
	rv_room_destroy(
	    start->queue, start->queue_max * sizeof(start->queue[0]));
	start->queue = NULL;
	start->queue_max = 0;
}

/* The queue is a ring: unroll it into a larger one. */
static bool
grow_queue(struct rv_start *start, size_t max)
{
	struct rv_start_op *queue = rv_room_create(max * sizeof(*queue));

	if (queue == NULL) {
		return false;
	}
	for (size_t i = 0; i < start->queue_len; i++) {
		queue[i] =
		    start->queue[(start->queue_first + i) % start->queue_max];
	}
	rv_start_free_queue(start);
	start->queue = queue;
	start->queue_first = 0;
	start->queue_max = max;
	return true;
}

enum reeve_status
rv_start_reserve(struct rv_start *start, size_t n)
{
	size_t more = n > start->capacity ? n - start->capacity : 0;
	struct rv_start_chunk *chunk;

	if (more == 0) {
		return REEVE_OK;
	}
	if (!rv_hash_reserve(&start->by_life, n) ||
	    !grow_queue(start, n * RV_LIFE_OPS + RV_SPARE_OPS)) {
		return REEVE_ENOMEM;
	}
	chunk =
	    rv_alloc(1, sizeof(*chunk) + more * sizeof(struct rv_start_life));
	if (chunk == NULL) {
		return REEVE_ENOMEM;
	}
	chunk->n = more;
	chunk->keeps = rv_room_create(more * sizeof(*chunk->keeps));
	if (chunk->keeps == NULL) {
		rv_free(chunk);
		return REEVE_ENOMEM;
	}
	for (size_t i = 0; i < more; i++) {
		chunk->lives[i].keep = &chunk->keeps[i];
		rv_list_insert(&start->free, &chunk->lives[i].link);
	}
	chunk->next = start->chunks;
	start->chunks = chunk;
	start->capacity = n;
	return REEVE_OK;
}

struct rv_start_life *
rv_start_find(struct rv_start *start, uint64_t number)
{
	struct rv_hash_node *node = rv_hash_find(&start->by_life, number);

	return node != NULL ? RV_CONTAINER(node, struct rv_start_life, by_life)
			    : NULL;
}

struct rv_start_life *
rv_start_add(struct rv_start *start, uint64_t number)
{
	struct rv_start_life *life;
	struct rv_launch_keep *keep;

	if (rv_list_empty(&start->free)) {
		return NULL;
	}
	life = RV_LIST_FIRST(&start->free, struct rv_start_life, link);
	keep = life->keep;
	rv_list_remove(&life->link);
	*life = (struct rv_start_life){ .keep = keep, .forked = -1 };
	rv_list_init(&life->to_adopt);
	rv_list_insert(&start->all, &life->link);
	rv_hash_insert(&start->by_life, &life->by_life, number);
	return life;
}

void
rv_start_remove(struct rv_start *start, struct rv_start_life *life)
{
	rv_start_drop_forked(life);
	rv_hash_remove(&start->by_life, &life->by_life);
	rv_list_remove(&life->link);
	rv_list_remove(&life->to_adopt);
	rv_list_insert(&start->free, &life->link);
}
