/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait: in the lane of their object, first come first served, with a
 * place in the heap when they have an end. All memory of a waiting call is
 * taken when it begins to wait; that it goes on takes none. Called by
 * request.c after each call of an object that somebody waits for, and by the
 * server when a time is over.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "manager/hall.h"

#define FEW_ARGS 8

/* -------- the heap of ends -------- */

static void
heap_put(struct rv_hall *hall, size_t at, struct rv_waiting *w)
{
	hall->heap[at] = w;
	w->heap_at = at;
}

static void
heap_up(struct rv_hall *hall, size_t at, struct rv_waiting *w)
{
	while (at > 1 && hall->heap[at / 2]->until > w->until) {
		heap_put(hall, at, hall->heap[at / 2]);
		at /= 2;
	}
	heap_put(hall, at, w);
}

static void
heap_down(struct rv_hall *hall, size_t at, struct rv_waiting *w)
{
	for (;;) {
		size_t below = 2 * at;

		if (below < hall->n_heap &&
		    hall->heap[below + 1]->until < hall->heap[below]->until) {
			below++;
		}
		if (below > hall->n_heap ||
		    hall->heap[below]->until >= w->until) {
			break;
		}
		heap_put(hall, at, hall->heap[below]);
		at = below;
	}
	heap_put(hall, at, w);
}

static bool
heap_reserve(struct rv_hall *hall)
{
	size_t room = hall->heap_room < 64 ? 64 : 2 * hall->heap_room;
	struct rv_waiting **heap;

	if (hall->n_heap + 1 < hall->heap_room) {
		return true;
	}
	heap = rv_realloc(hall->heap, hall->heap_room, room, sizeof(*heap));
	if (heap == NULL) {
		return false;
	}
	hall->heap = heap;
	hall->heap_room = room;
	return true;
}

static void
heap_remove(struct rv_hall *hall, struct rv_waiting *w)
{
	struct rv_waiting *last;
	size_t at = w->heap_at;

	if (at == 0) {
		return;
	}
	w->heap_at = 0;
	last = hall->heap[hall->n_heap--];
	if (last != w) {
		if (at > 1 && hall->heap[at / 2]->until > last->until) {
			heap_up(hall, at, last);
		} else {
			heap_down(hall, at, last);
		}
	}
}

rv_time
rv_hall_next(const struct rv_hall *hall)
{
	return hall->n_heap > 0 ? hall->heap[1]->until : RV_FOREVER;
}

/* -------- those who wait for a number -------- */

static uint64_t
aside_key(const struct rv_object *object, uint32_t number)
{
	return (uint64_t)object->index << 32 | number;
}

static bool
aside_reserve(struct rv_hall *hall)
{
	size_t room = hall->aside.n_buckets;

	return hall->aside.n < room ||
	       rv_hash_reserve(&hall->aside, room < 64 ? 64 : 2 * room);
}

/* There is room: nothing has taken it since it was there before. */
static void
put_aside(struct rv_hall *hall, struct rv_waiting *w)
{
	rv_hash_insert(
	    &hall->aside, &w->aside, aside_key(w->object, w->number));
	w->is_aside = true;
}

static void
leave_aside(struct rv_hall *hall, struct rv_waiting *w)
{
	if (w->is_aside) {
		(void)rv_hash_remove(&hall->aside, &w->aside);
		w->is_aside = false;
	}
}

static struct rv_waiting *
find_aside(
    const struct rv_hall *hall, const struct rv_object *object, uint32_t number)
{
	struct rv_hash_node *node =
	    hall->aside.n > 0
		? rv_hash_find(&hall->aside, aside_key(object, number))
		: NULL;

	return node != NULL ? RV_CONTAINER(node, struct rv_waiting, aside)
			    : NULL;
}

bool
rv_park_awaits(
    const struct rv_hall *hall, const struct rv_object *object, uint32_t number)
{
	return find_aside(hall, object, number) != NULL;
}

void
rv_park_wake(struct rv_hall *hall, struct rv_object *object, uint32_t number)
{
	struct rv_waiting *w = find_aside(hall, object, number);

	if (w != NULL) {
		rv_list_remove(&w->of_lane);
		rv_list_insert(&object->awake, &w->of_lane);
	}
}

/* -------- beginning -------- */

static size_t
bytes_of(const struct reeve_datum *args, uint32_t n)
{
	size_t length = 8;

	for (uint32_t i = 0; i < n; i++) {
		length += RV_VALUE_BYTES + 8 + 8 + args[i].length;
	}
	return length;
}

enum reeve_status
rv_park(struct reeve_request *r, rv_time timeout,
    const struct reeve_manager_method *method, const struct reeve_datum *args,
    uint32_t n_args)
{
	struct rv_hall *hall = r->hall;
	size_t length = bytes_of(args, n_args);
	struct rv_waiting *w = NULL;
	struct rv_buf bytes;

	if (r->session->n_waiting < hall->limits.waiting &&
	    hall->bytes + length < hall->limits.memory && heap_reserve(hall) &&
	    (r->number == 0 || aside_reserve(hall))) {
		w = rv_alloc(1, sizeof(*w) + length);
	}
	if (w == NULL) {
		if (r->object->type->left != NULL) {
			r->object->type->left(r, r->object->state);
		}
		return reeve_request_fail(r, REEVE_EFULL, "full",
		    "as many calls wait as may, or there is no memory");
	}
	rv_buf_init_in(&bytes, w->bytes, length);
	for (uint32_t i = 0; i < n_args; i++) {
		rv_wire_put_value(&bytes, &args[i]);
	}
	RV_ASSERT(!bytes.failed);
	w->length = bytes.len;
	hall->bytes += w->length;
	w->object = r->object;
	w->session = r->session;
	w->method = method;
	w->slots[0] = r->slots[0];
	w->slots[1] = r->slots[1];
	w->id = r->id;
	w->owner = r->owner;
	w->n_args = n_args;
	w->lane = r->lane;
	w->expired = r->expired;
	w->until = r->expired ? RV_FOREVER : rv_time_add(hall->now, timeout);
	if (w->until != RV_FOREVER) {
		heap_up(hall, ++hall->n_heap, w);
	}
	w->number = r->number;
	rv_list_init(&w->of_lane);
	if (w->number != 0) {
		put_aside(hall, w);
	} else {
		rv_list_insert(&r->object->lanes[w->lane], &w->of_lane);
	}
	rv_list_insert(&r->session->waiting, &w->of_session);
	r->session->n_waiting++;
	r->object->n_waiting++;
	rv_object_ref(r->object);
	r->is_parked = true;
	return REEVE_OK;
}

/* -------- going on -------- */

static void
let_go(struct rv_hall *hall, struct rv_waiting *w)
{
	heap_remove(hall, w);
	leave_aside(hall, w);
	rv_list_remove(&w->of_lane);
	rv_list_remove(&w->of_session);
	w->session->n_waiting--;
	w->object->n_waiting--;
	hall->bytes -= w->length;
	rv_object_unref(hall, w->object);
	rv_free(w);
}

void
rv_park_drop(struct rv_hall *hall, struct rv_waiting *w, bool it_left)
{
	struct rv_object *object = w->object;
	uint64_t slots[2] = { w->slots[0], w->slots[1] };
	struct reeve_request r;

	rv_request_init(&r, hall, w->session, object);
	r.slots = slots;
	r.owner = w->owner;
	let_go(hall, w);
	if (it_left && object->type->left != NULL) {
		object->type->left(&r, object->state);
	}
	rv_park_settle(hall, object);
}

/* Its arguments again; NULL: no memory. */
static struct reeve_datum *
args_of(struct rv_hall *hall, struct rv_waiting *w, struct reeve_datum *few)
{
	struct rv_cursor c = { w->bytes, w->length };

	if (w->n_args > FEW_ARGS) {
		return rv_hall_args(hall, &c, w->n_args);
	}
	for (uint32_t i = 0; i < w->n_args; i++) {
		if (!rv_wire_get_value(&c, &few[i])) {
			RV_NEVER("what waits was checked before");
		}
	}
	return few;
}

/* Try it again. False: it waits on, where it was. */
static bool
try_again(struct rv_hall *hall, struct rv_waiting *w)
{
	struct reeve_datum few[FEW_ARGS], *args = args_of(hall, w, few);
	enum reeve_status status = REEVE_ENOMEM;
	struct reeve_request r;
	size_t begin;

	rv_request_init(&r, hall, w->session, w->object);
	r.out = &w->session->out;
	r.id = w->id;
	r.owner = w->owner;
	r.slots = w->slots;
	r.lane = w->lane;
	r.number = w->number;
	r.expired = w->expired;
	leave_aside(hall, w);
	begin = rv_wire_put_answer(r.out, r.id);
	if (args != NULL) {
		status = w->method->fn(&r, w->object->state, args, w->n_args);
	}
	if (status == REEVE_EAGAIN && (!r.expired || r.waits_on)) {
		if (!r.out->failed) {
			r.out->len = begin;
		}
		if (w->number != 0) {
			w->number = r.number;
			put_aside(hall, w);
			return false;
		}
		if (r.lane == w->lane) {
			return false;
		}
		w->lane = r.lane;
		rv_list_remove(&w->of_lane);
		rv_list_insert(&w->object->lanes[w->lane], &w->of_lane);
		return true;
	}
	let_go(hall, w);
	rv_request_end(
	    &r, begin, status == REEVE_EAGAIN ? REEVE_ETIMEDOUT : status);
	return true;
}

void
rv_park_settle(struct rv_hall *hall, struct rv_object *object)
{
	bool moved = !object->is_settling;

	if (!moved || object->n_waiting == 0) {
		return;
	}
	object->is_settling = true;
	rv_object_ref(object);
	while (moved || !rv_list_empty(&object->awake)) {
		moved = false;
		while (!rv_list_empty(&object->awake)) {
			struct rv_waiting *w = RV_LIST_FIRST(
			    &object->awake, struct rv_waiting, of_lane);

			rv_list_remove(&w->of_lane);
			moved = try_again(hall, w) || moved;
		}
		for (unsigned i = 0; i < RV_LANES; i++) {
			struct rv_list *lane = &object->lanes[i];

			while (
			    !rv_list_empty(lane) &&
			    try_again(hall, RV_LIST_FIRST(lane,
						struct rv_waiting, of_lane))) {
				moved = true;
			}
		}
	}
	object->is_settling = false;
	rv_object_unref(hall, object);
}

void
rv_hall_tick(struct rv_hall *hall, rv_time now)
{
	hall->now = now;
	while (hall->n_heap > 0 && hall->heap[1]->until <= now) {
		struct rv_waiting *w = hall->heap[1];
		struct rv_object *object = w->object;

		heap_remove(hall, w);
		w->expired = true;
		rv_object_ref(object);
		(void)try_again(hall, w);
		rv_park_settle(hall, object);
		rv_object_unref(hall, object);
	}
	rv_hall_bury(hall);
}
