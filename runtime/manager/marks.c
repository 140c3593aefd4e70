/* SPDX-License-Identifier: MIT */
/*
 * Rings of objects that hold each other, and nobody else does: found by walking
 * from whom somebody holds. A kept value is one holder of its object, and each
 * type tells its values by `save`, so an object with more holders than values
 * refer to it is held from outside. Called by request.c, at most once in as
 * many new objects as there are.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "manager/hall.h"

struct walk {
	struct rv_hall *hall;
	uint32_t *inner; /* by number: how many values refer to it */
	uint32_t *todo;
	uint32_t n_todo;
};

static void
count(struct reeve_request *r, const struct reeve_datum *value)
{
	struct walk *walk = r->visit_ctx;

	if (value->type == REEVE_DATUM_REFERENCE) {
		walk->inner[value->is.reference.object]++;
	}
}

static void
reach(struct walk *walk, struct rv_object *object)
{
	if (object->mark != walk->hall->mark) {
		object->mark = walk->hall->mark;
		walk->todo[walk->n_todo++] = object->index;
	}
}

static void
reach_value(struct reeve_request *r, const struct reeve_datum *value)
{
	struct walk *walk = r->visit_ctx;

	if (value->type == REEVE_DATUM_REFERENCE) {
		reach(walk, walk->hall->objects[value->is.reference.object]);
	}
}

static void
visit(struct walk *walk, struct rv_object *object,
    void (*each)(struct reeve_request *, const struct reeve_datum *))
{
	struct reeve_request r;

	rv_request_init(&r, walk->hall, NULL, object);
	r.visit = each;
	r.visit_ctx = walk;
	if (object->type->save != NULL) {
		(void)object->type->save(&r, object->state);
	}
}

/* Whom nobody reached gives up its values: the others die of it. */
uint32_t
rv_hall_sweep(struct rv_hall *hall)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < hall->n_slots; i++) {
		struct rv_object *object = hall->objects[i];

		if (object != NULL && object->mark != hall->mark) {
			rv_object_ref(object);
			n++;
		}
	}
	for (uint32_t i = 1; i < hall->n_slots && n > 0; i++) {
		struct rv_object *object = hall->objects[i];

		if (object != NULL && object->mark != hall->mark) {
			rv_object_empty(hall, object);
			memset(object->state, 0, object->type->state_size);
			object->mark = hall->mark;
			rv_object_unref(hall, object);
		}
	}
	rv_hall_bury(hall);
	return n;
}

uint32_t
rv_hall_collect(struct rv_hall *hall)
{
	struct walk walk = { .hall = hall };
	uint32_t n = 0;

	hall->born = 0;
	hall->mark++;
	walk.inner = rv_alloc(hall->n_slots, sizeof(*walk.inner));
	walk.todo = rv_alloc(hall->n_slots, sizeof(*walk.todo));
	if (walk.inner != NULL && walk.todo != NULL) {
		for (uint32_t i = 1; i < hall->n_slots; i++) {
			if (hall->objects[i] != NULL) {
				visit(&walk, hall->objects[i], count);
			}
		}
		for (uint32_t i = 1; i < hall->n_slots; i++) {
			struct rv_object *object = hall->objects[i];

			if (object != NULL && object->holders > walk.inner[i]) {
				reach(&walk, object);
			}
		}
		while (walk.n_todo > 0) {
			visit(&walk, hall->objects[walk.todo[--walk.n_todo]],
			    reach_value);
		}
		n = rv_hall_sweep(hall);
	}
	rv_free(walk.inner);
	rv_free(walk.todo);
	return n;
}
