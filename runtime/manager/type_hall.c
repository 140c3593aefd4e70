/* SPDX-License-Identifier: MIT */
/*
 * Object 0, which every client has: to create objects, to find them by names,
 * to let go of references, and to ask about the manager itself.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "manager/answers.h"
#include "manager/hall.h"
#include "manager/types.h"

static enum reeve_status
wants_text(struct reeve_request *r, const struct reeve_datum *value)
{
	return value->type == REEVE_DATUM_TEXT
		   ? REEVE_OK
		   : reeve_request_fail(r, REEVE_EINVALID, "arguments",
			 "a name is to be a text");
}

static enum reeve_status
create(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	const struct reeve_manager_type *type = NULL;
	struct rv_object *object = NULL;
	enum reeve_status status = wants_text(r, &args[0]);

	(void)state;
	if (status != REEVE_OK) {
		return status;
	}
	type = rv_hall_type(r->hall, args[0].data, args[0].length);
	if (type == NULL) {
		return reeve_request_fail(r, REEVE_ENOENT, "no-type",
		    "there is no type %.*s", (int)RV_MIN(args[0].length, 60),
		    (const char *)args[0].data);
	}
	status = rv_object_create(r, type, args + 1, n - 1, &object);
	return rv_answer_new(r, object, status);
}

static enum reeve_status
no_name(struct reeve_request *r, const struct reeve_datum *name)
{
	return reeve_request_fail(r, REEVE_ENOENT, "no-name",
	    "nothing is published as %.*s", (int)RV_MIN(name->length, 60),
	    (const char *)name->data);
}

static enum reeve_status
open_name(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_pair *pair;
	enum reeve_status status = wants_text(r, &args[0]);

	(void)state;
	(void)n;
	if (status != REEVE_OK) {
		return status;
	}
	pair = rv_pairs_find(r->hall, &r->hall->names, &args[0]);
	if (pair == NULL) {
		return no_name(r, &args[0]);
	}
	reeve_request_answer(r, &pair->value);
	return REEVE_OK;
}

/* The object that a client refers to, which it has. */
static struct rv_object *
referred(struct reeve_request *r, const struct reeve_datum *value)
{
	struct rv_object *object = NULL;

	if (value->type == REEVE_DATUM_REFERENCE) {
		object = rv_hall_find(r->hall, value->is.reference.object,
		    value->is.reference.generation);
	}
	if (object == NULL || object->index == 0) {
		(void)reeve_request_fail(r, REEVE_ENOENT, "no-object",
		    "what is referred to is gone, or no object");
		return NULL;
	}
	return object;
}

static enum reeve_status
publish(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	enum reeve_status status = wants_text(r, &args[0]);

	(void)state;
	(void)n;
	if (status == REEVE_OK && referred(r, &args[1]) == NULL) {
		return REEVE_ENOENT;
	}
	if (status == REEVE_OK &&
	    rv_pairs_find(r->hall, &r->hall->names, &args[0]) != NULL) {
		return reeve_request_fail(r, REEVE_EEXIST, "name-in-use",
		    "something else is published as %.*s",
		    (int)RV_MIN(args[0].length, 60),
		    (const char *)args[0].data);
	}
	return status != REEVE_OK ? status
				  : rv_request_not_kept(r,
					rv_pairs_put(r->hall, &r->hall->names,
					    &args[0], &args[1]));
}

static enum reeve_status
unpublish(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_pair *pair =
	    rv_pairs_find(r->hall, &r->hall->names, &args[0]);

	(void)state;
	(void)n;
	if (pair == NULL) {
		return no_name(r, &args[0]);
	}
	rv_pairs_remove(r->hall, &r->hall->names, pair);
	return REEVE_OK;
}

static enum reeve_status
names(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_pair *pair;
	size_t at = 0;

	(void)state;
	(void)args;
	(void)n;
	while ((pair = rv_pairs_next(&r->hall->names, &at)) != NULL) {
		reeve_request_answer(r, &pair->key);
	}
	return REEVE_OK;
}

static enum reeve_status
types(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)state;
	(void)args;
	(void)n;
	for (size_t i = 0; rv_built_in_types[i] != NULL; i++) {
		struct reeve_datum name =
		    reeve_text(rv_built_in_types[i]->name);

		reeve_request_answer(r, &name);
	}
	for (size_t i = 0; i < r->hall->n_types; i++) {
		struct reeve_datum name = reeve_text(r->hall->types[i]->name);

		reeve_request_answer(r, &name);
	}
	return REEVE_OK;
}

static enum reeve_status
methods(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	const struct reeve_manager_type *type;
	enum reeve_status status = wants_text(r, &args[0]);

	(void)state;
	(void)n;
	if (status != REEVE_OK) {
		return status;
	}
	type = rv_hall_type(r->hall, args[0].data, args[0].length);
	if (type == NULL) {
		return reeve_request_fail(
		    r, REEVE_ENOENT, "no-type", "there is no such type");
	}
	for (size_t i = 0; i < type->n_methods; i++) {
		struct reeve_datum name = reeve_text(type->methods[i].name);

		reeve_request_answer(r, &name);
	}
	return REEVE_OK;
}

static enum reeve_status
attach(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_object *object = referred(r, &args[0]);
	struct reeve_datum reference;

	(void)state;
	(void)n;
	if (object == NULL) {
		return REEVE_ENOENT;
	}
	reference = rv_object_reference(object);
	reeve_request_answer(r, &reference);
	return REEVE_OK;
}

static enum reeve_status
release(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct rv_object *object = referred(r, &args[i]);

		if (object == NULL ||
		    !rv_session_release(r->hall, r->session, object, 1)) {
			return reeve_request_fail(r, REEVE_ENOENT, "no-object",
			    "this client has no such object");
		}
	}
	return REEVE_OK;
}

static enum reeve_status
ping(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)state;
	for (size_t i = 0; i < n; i++) {
		reeve_request_answer(r, &args[i]);
	}
	return REEVE_OK;
}

static enum reeve_status
snapshot(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_error err = { 0 };
	enum reeve_status status;

	(void)state;
	(void)args;
	(void)n;
	if (r->hall->snapshots.ask == NULL) {
		return reeve_request_fail(r, REEVE_EINVALID, "no-snapshot",
		    "this manager has no file for snapshots");
	}
	status = r->hall->snapshots.ask(
	    r->hall->snapshots.ctx, &reeve_request_slots(r)[0], &err);
	return status == REEVE_OK || status == REEVE_EAGAIN
		   ? status
		   : reeve_request_fail(r, status, "snapshot", "%s", err.text);
}

static enum reeve_status
info(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	const struct rv_hall *hall = r->hall;
	struct reeve_datum json;
	char text[480];

	(void)state;
	(void)args;
	(void)n;
	(void)snprintf(text, sizeof(text),
	    "{\"pid\":%d,\"objects\":%u,\"names\":%zu,\"clients\":%u,"
	    "\"waiting\":%zu,\"bytes\":%llu,\"calls\":%llu,"
	    "\"snapshots\":{\"written\":%llu,\"failed\":%llu,\"writer\":%d}}",
	    (int)getpid(), hall->n_objects - 1, hall->names.n, hall->n_sessions,
	    hall->n_heap, (unsigned long long)hall->bytes,
	    (unsigned long long)hall->n_calls,
	    (unsigned long long)hall->snapshots.written,
	    (unsigned long long)hall->snapshots.failed, hall->snapshots.writer);
	json = reeve_json(text);
	reeve_request_answer(r, &json);
	return REEVE_OK;
}

static enum reeve_status
collect(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_datum found;

	(void)state;
	(void)args;
	(void)n;
	rv_hall_bury(r->hall);
	found = reeve_int(rv_hall_collect(r->hall));
	reeve_request_answer(r, &found);
	return REEVE_OK;
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method all_methods[] = {
	{ "create", create, 1, REEVE_ANY_ARGS, 0, 0 },
	{ "open", open_name, 1, 1, 0, 0 },
	{ "publish", publish, 2, 2, 0, 0 },
	{ "unpublish", unpublish, 1, 1, 0, 0 },
	{ "names", names, 0, 0, 0, 0 },
	{ "types", types, 0, 0, 0, 0 },
	{ "methods", methods, 1, 1, 0, 0 },
	{ "attach", attach, 1, 1, 0, 0 },
	{ "release", release, 1, REEVE_ANY_ARGS, 0, 0 },
	{ "ping", ping, 0, REEVE_ANY_ARGS, 0, 0 },
	{ "snapshot", snapshot, 0, 0, REEVE_METHOD_WAITS, 0 },
	{ "info", info, 0, 0, 0, 0 },
	{ "collect", collect, 0, 0, 0, 0 },
};

const struct reeve_manager_type rv_type_hall = { sizeof(rv_type_hall),
	"manager", all_methods, RV_ARRAY_LEN(all_methods), 0, NULL, NULL, NULL,
	NULL, NULL };
