/* SPDX-License-Identifier: MIT */
/*
 * The objects of a hall and who holds them, kept values, sessions. Called by
 * request.c, by the types, and by the server for what comes and goes. No I/O.
 */
#include "config.h"

#include "manager/hall.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "manager/types.h"

/* -------- objects -------- */

const struct reeve_manager_type *
rv_hall_type(const struct rv_hall *hall, const char *name, size_t length)
{
	for (size_t i = 0; i < hall->n_types; i++) {
		const char *its = hall->types[i]->name;

		if (strlen(its) == length && memcmp(its, name, length) == 0) {
			return hall->types[i];
		}
	}
	for (size_t i = 0; rv_built_in_types[i] != NULL; i++) {
		const char *its = rv_built_in_types[i]->name;

		if (strlen(its) == length && memcmp(its, name, length) == 0) {
			return rv_built_in_types[i];
		}
	}
	return NULL;
}

static bool
make_slots(struct rv_hall *hall, uint32_t n)
{
	struct rv_object **objects;
	uint32_t *free_slots;

	if (n <= hall->n_slots) {
		return true;
	}
	n = RV_MAX(n, hall->n_slots < 64 ? 64 : hall->n_slots * 2);
	free_slots =
	    rv_realloc(hall->free_slots, hall->n_slots, n, sizeof(*free_slots));
	if (free_slots == NULL) {
		return false;
	}
	hall->free_slots = free_slots;
	objects = rv_realloc(hall->objects, hall->n_slots, n, sizeof(*objects));
	if (objects == NULL) {
		return false;
	}
	hall->objects = objects;
	for (uint32_t i = n; i > hall->n_slots; i--) {
		free_slots[hall->n_free++] = i - 1;
	}
	hall->n_slots = n;
	return true;
}

static struct rv_object *
new_object(const struct reeve_manager_type *type)
{
	struct rv_object *object =
	    rv_alloc(1, sizeof(*object) + type->state_size);

	if (object == NULL) {
		return NULL;
	}
	object->type = type;
	for (unsigned i = 0; i < RV_LANES; i++) {
		rv_list_init(&object->lanes[i]);
	}
	rv_list_init(&object->awake);
	rv_list_init(&object->leases);
	rv_list_init(&object->dying);
	object->watched = -1;
	return object;
}

struct rv_object *
rv_object_place(struct rv_hall *hall, const struct reeve_manager_type *type)
{
	struct rv_object *object = NULL;

	if (hall->n_objects < hall->limits.objects &&
	    (hall->n_free > 0 || make_slots(hall, hall->n_slots + 1))) {
		object = new_object(type);
	}
	if (object == NULL) {
		return NULL;
	}
	object->index = hall->free_slots[--hall->n_free];
	object->generation = hall->next_generation++;
	object->holders = 1;
	hall->objects[object->index] = object;
	hall->n_objects++;
	hall->born++;
	hall->bytes += sizeof(*object) + type->state_size;
	return object;
}

/* Its memory and its number. */
static void
unseat(struct rv_hall *hall, struct rv_object *object)
{
	hall->bytes -= sizeof(*object) + object->type->state_size;
	hall->objects[object->index] = NULL;
	hall->free_slots[hall->n_free++] = object->index;
	hall->n_objects--;
	rv_list_remove(&object->dying);
	rv_free(object);
}

static enum reeve_status
no_room(struct reeve_request *r)
{
	return reeve_request_fail(r, REEVE_EFULL, "full",
	    "the manager's objects and values are as many as may be");
}

enum reeve_status
rv_object_create(struct reeve_request *r, const struct reeve_manager_type *type,
    const struct reeve_datum *args, size_t n_args, struct rv_object **out)
{
	struct rv_hall *hall = r->hall;
	struct rv_object *object, *before = r->object;
	enum reeve_status status = REEVE_OK;

	if (hall->n_objects >= hall->limits.objects ||
	    hall->bytes > hall->limits.memory) {
		return no_room(r);
	}
	object = rv_object_place(hall, type);
	if (object == NULL) {
		return rv_request_not_kept(r, REEVE_ENOMEM);
	}
	r->object = object;
	if (type->create != NULL) {
		status = type->create(r, object->state, args, n_args);
	} else if (n_args > 0) {
		status = reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "%s takes none", type->name);
	}
	r->object = before;
	if (status != REEVE_OK) {
		rv_object_unref(hall, object);
		return status;
	}
	*out = object;
	return REEVE_OK;
}

struct rv_object *
rv_hall_find(const struct rv_hall *hall, uint32_t index, uint32_t generation)
{
	struct rv_object *object =
	    index < hall->n_slots ? hall->objects[index] : NULL;

	return object != NULL && object->generation == generation ? object
								  : NULL;
}

struct reeve_datum
rv_object_reference(const struct rv_object *object)
{
	struct reeve_datum datum = { REEVE_DATUM_REFERENCE,
		(uint32_t)strlen(object->type->name), object->type->name,
		{ 0 } };

	datum.is.reference.object = object->index;
	datum.is.reference.generation = object->generation;
	return datum;
}

void
rv_object_unref(struct rv_hall *hall, struct rv_object *object)
{
	RV_ASSERT(object->holders > 0);
	if (--object->holders == 0) {
		rv_list_remove(&object->dying);
		rv_list_insert(&hall->dying, &object->dying);
	}
}

static void
drop_lease(struct rv_lease *lease)
{
	rv_list_remove(&lease->of_object);
	rv_list_remove(&lease->of_session);
	rv_free(lease);
}

void
rv_object_empty(struct rv_hall *hall, struct rv_object *object)
{
	struct reeve_request r;

	rv_request_init(&r, hall, NULL, object);
	if (object->watched != -1) {
		(void)!reeve_request_watch(&r, -1);
	}
	if (object->type->destroy != NULL) {
		object->type->destroy(&r, object->state);
	}
	hall->bytes -= object->charged;
	object->charged = 0;
}

void
rv_object_ready(struct rv_hall *hall, struct rv_object *object, rv_time now)
{
	struct reeve_request r;

	hall->now = now;
	rv_request_init(&r, hall, NULL, object);
	rv_object_ref(object);
	if (object->type->ready != NULL) {
		object->type->ready(&r, object->state);
	}
	rv_park_settle(hall, object);
	rv_object_unref(hall, object);
	rv_hall_bury(hall);
}

static void
bury(struct rv_hall *hall, struct rv_object *object)
{
	RV_ASSERT(object->n_waiting == 0);
	RV_LIST_EACH_SAFE (l, &object->leases, struct rv_lease, of_object) {
		drop_lease(l);
	}
	rv_object_empty(hall, object);
	unseat(hall, object);
}

void
rv_hall_bury(struct rv_hall *hall)
{
	while (!rv_list_empty(&hall->dying)) {
		struct rv_object *object =
		    RV_LIST_FIRST(&hall->dying, struct rv_object, dying);

		rv_list_remove(&object->dying);
		if (object->holders == 0) {
			bury(hall, object);
		}
	}
}

/* -------- values -------- */

enum reeve_status
rv_datum_keep(struct rv_hall *hall, struct reeve_datum *kept,
    const struct reeve_datum *datum)
{
	struct reeve_datum copy = *datum;

	if (hall->bytes > hall->limits.memory) {
		return REEVE_EFULL;
	}
	copy.data = NULL;
	if (rv_datum_has_data(datum->type)) {
		/* a NUL is behind it always, and no data is no pointer */
		copy.data = datum->length == 0
				? ""
				: rv_strndup(datum->data, datum->length);
		if (copy.data == NULL) {
			return REEVE_ENOMEM;
		}
		hall->bytes += datum->length;
	} else if (datum->type == REEVE_DATUM_REFERENCE) {
		struct rv_object *object = rv_hall_find(hall,
		    datum->is.reference.object, datum->is.reference.generation);

		if (object == NULL || object->index == 0) {
			return REEVE_ENOENT;
		}
		rv_object_ref(object);
		copy = rv_object_reference(object);
	} else {
		copy.length = 0;
	}
	hall->bytes += RV_VALUE_WEIGHT;
	*kept = copy;
	return REEVE_OK;
}

void
rv_datum_drop(struct rv_hall *hall, struct reeve_datum *kept)
{
	if (rv_datum_has_data(kept->type)) {
		hall->bytes -= kept->length;
		if (kept->length > 0) {
			rv_free((void *)(uintptr_t)kept->data);
		}
	} else if (kept->type == REEVE_DATUM_REFERENCE) {
		struct rv_object *object = rv_hall_find(hall,
		    kept->is.reference.object, kept->is.reference.generation);

		RV_ASSERT(object != NULL);
		rv_object_unref(hall, object);
	}
	hall->bytes -= RV_VALUE_WEIGHT;
	memset(kept, 0, sizeof(*kept));
}

/* -------- sessions -------- */

enum reeve_status
rv_session_open(struct rv_hall *hall, struct rv_session *session)
{
	memset(session, 0, sizeof(*session));
	rv_buf_init(&session->out, hall->limits.output);
	if (!rv_hash_reserve(&session->holds, 16)) {
		return REEVE_ENOMEM;
	}
	rv_list_init(&session->dirty);
	rv_list_init(&session->waiting);
	rv_list_init(&session->leases);
	session->number = ++hall->next_session;
	rv_list_insert(&hall->sessions, &session->all);
	hall->n_sessions++;
	if (!rv_session_hold(hall, session, hall->objects[0])) {
		rv_session_close(hall, session);
		return REEVE_ENOMEM;
	}
	return REEVE_OK;
}

void
rv_session_dirty(struct rv_hall *hall, struct rv_session *session)
{
	if (rv_list_empty(&session->dirty)) {
		rv_list_insert(&hall->dirty, &session->dirty);
	}
}

void
rv_session_cut(struct rv_hall *hall, struct rv_session *session,
    enum reeve_status status, const char *why)
{
	if (session->cut == REEVE_OK) {
		session->cut = status;
		(void)rv_copy(session->why, sizeof(session->why), why);
	}
	rv_session_dirty(hall, session);
}

static struct rv_hold *
find_hold(const struct rv_session *session, const struct rv_object *object)
{
	struct rv_hash_node *node =
	    rv_hash_find(&session->holds, object->index);

	return node != NULL ? RV_CONTAINER(node, struct rv_hold, node) : NULL;
}

bool
rv_session_holds(
    const struct rv_session *session, const struct rv_object *object)
{
	return find_hold(session, object) != NULL;
}

bool
rv_session_hold(
    struct rv_hall *hall, struct rv_session *session, struct rv_object *object)
{
	struct rv_hold *hold = find_hold(session, object);

	if (hold != NULL) {
		hold->count++;
		return hold->count != 0;
	}
	if (session->holds.n >= hall->limits.holds ||
	    (session->holds.n >= session->holds.n_buckets &&
		!rv_hash_reserve(
		    &session->holds, 2 * session->holds.n_buckets))) {
		return false;
	}
	hold = rv_alloc(1, sizeof(*hold));
	if (hold == NULL) {
		return false;
	}
	hold->object = object;
	hold->count = 1;
	rv_object_ref(object);
	rv_hash_insert(&session->holds, &hold->node, object->index);
	return true;
}

bool
rv_session_release(struct rv_hall *hall, struct rv_session *session,
    struct rv_object *object, uint32_t count)
{
	struct rv_hold *hold = find_hold(session, object);

	if (hold == NULL || hold->count < count) {
		return false;
	}
	hold->count -= count;
	if (hold->count == 0) {
		(void)rv_hash_remove(&session->holds, &hold->node);
		rv_object_unref(hall, object);
		rv_free(hold);
	}
	return true;
}

static void
release_all(struct rv_hall *hall, struct rv_session *session)
{
	for (size_t i = 0; i < session->holds.n_buckets; i++) {
		while (session->holds.buckets[i] != NULL) {
			struct rv_hold *hold = RV_CONTAINER(
			    session->holds.buckets[i], struct rv_hold, node);

			(void)rv_hash_remove(&session->holds, &hold->node);
			rv_object_unref(hall, hold->object);
			rv_free(hold);
		}
	}
	rv_hash_finish(&session->holds);
}

/* The object learns that it will not get this back. */
static void
lose(struct rv_hall *hall, struct rv_lease *lease)
{
	struct rv_object *object = lease->object;
	uint64_t number = lease->number;
	struct reeve_request r;

	drop_lease(lease);
	rv_request_init(&r, hall, NULL, object);
	if (object->type->lost != NULL) {
		object->type->lost(&r, object->state, number);
	}
	rv_park_settle(hall, object);
}

void
rv_session_close(struct rv_hall *hall, struct rv_session *session)
{
	while (!rv_list_empty(&session->waiting)) {
		rv_park_drop(hall,
		    RV_LIST_FIRST(
			&session->waiting, struct rv_waiting, of_session),
		    true);
	}
	while (!rv_list_empty(&session->leases)) {
		lose(hall, RV_LIST_FIRST(
			       &session->leases, struct rv_lease, of_session));
	}
	release_all(hall, session);
	rv_list_remove(&session->dirty);
	rv_list_remove(&session->all);
	rv_buf_finish(&session->out);
	hall->n_sessions--;
	rv_hall_bury(hall);
}

/* -------- the hall itself -------- */

enum reeve_status
rv_hall_init(struct rv_hall *hall, const uint64_t seed[2],
    const struct rv_hall_limits *limits)
{
	memset(hall, 0, sizeof(*hall));
	hall->seed[0] = seed[0];
	hall->seed[1] = seed[1];
	hall->limits = *limits;
	/* those of a server that is gone are no good here */
	hall->next_generation = (uint32_t)(seed[0] ^ seed[1]) | 1;
	rv_list_init(&hall->sessions);
	rv_list_init(&hall->dirty);
	rv_list_init(&hall->dying);
	if (rv_object_place(hall, &rv_type_hall) == NULL) {
		rv_hall_finish(hall);
		return REEVE_ENOMEM;
	}
	hall->objects[0]->generation = 0;
	return REEVE_OK;
}

void
rv_hall_finish(struct rv_hall *hall)
{
	rv_pairs_clear(hall, &hall->names);
	rv_hall_bury(hall);
	hall->mark++;
	(void)rv_hall_sweep(hall);
	RV_ASSERT(hall->n_objects <= 1);
	if (hall->n_objects > 0) {
		unseat(hall, hall->objects[0]);
	}
	rv_free(hall->objects);
	rv_free(hall->free_slots);
	rv_free(hall->heap);
	rv_hash_finish(&hall->aside);
	rv_free(hall->args);
	memset(hall, 0, sizeof(*hall));
}
