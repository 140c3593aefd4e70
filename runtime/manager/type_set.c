/* SPDX-License-Identifier: MIT */
/*
 * Sets, which are tables of keys alone, and namespaces, tables of names that do
 * not begin with a '_': such names are each client's own.
 */
#include "config.h"

#include <string.h>

#include "manager/answers.h"
#include "manager/table_methods.h"
#include "manager/types.h"

/* -------- sets -------- */

static enum reeve_status
add(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_datum none = reeve_null();
	enum reeve_status status = REEVE_OK;

	for (size_t i = 0; i < n && status == REEVE_OK; i++) {
		status = rv_table_put(r, state, &args[i], &none);
	}
	return status;
}

static enum reeve_status
discard(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	bool was = false;

	for (size_t i = 0; i < n; i++) {
		struct rv_pair *pair = rv_pairs_find(r->hall, state, &args[i]);

		if (pair != NULL) {
			rv_pairs_remove(r->hall, state, pair);
			was = true;
		}
	}
	return rv_answer_bool(r, was);
}

static enum reeve_status
pop(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	size_t at = 0;
	struct rv_pair *pair = rv_pairs_next(state, &at);

	(void)args;
	(void)n;
	if (pair == NULL) {
		return reeve_request_fail(
		    r, REEVE_EEMPTY, "empty", "nothing is in the set");
	}
	reeve_request_answer(r, &pair->key);
	rv_pairs_remove(r->hall, state, pair);
	return REEVE_OK;
}

/* Those of one that are (or are not) in the other, into a third. */
static enum reeve_status
put_those(struct reeve_request *r, struct rv_pairs *into,
    const struct rv_pairs *from, const struct rv_pairs *other, bool are)
{
	struct reeve_datum none = reeve_null();
	enum reeve_status status = REEVE_OK;
	struct rv_pair *pair;
	size_t at = 0;

	while (
	    status == REEVE_OK && (pair = rv_pairs_next(from, &at)) != NULL) {
		if (other == NULL || (rv_pairs_find(r->hall, other,
					  &pair->key) != NULL) == are) {
			status = rv_table_put(r, into, &pair->key, &none);
		}
	}
	return status;
}

/* Another set, that the client has. NULL: it is none. */
static const struct rv_pairs *
other_set(struct reeve_request *r, const struct reeve_datum *value)
{
	struct rv_object *object = NULL;

	if (value->type == REEVE_DATUM_REFERENCE) {
		object = rv_hall_find(r->hall, value->is.reference.object,
		    value->is.reference.generation);
	}
	if (object == NULL || object->type != &rv_type_set ||
	    r->session == NULL || !rv_session_holds(r->session, object)) {
		(void)reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "the other one is no set of this client");
		return NULL;
	}
	return (const void *)object->state;
}

enum mix { UNION, BOTH, WITHOUT };

static enum reeve_status
mix(struct reeve_request *r, const struct rv_pairs *own,
    const struct reeve_datum *arg, enum mix how)
{
	const struct rv_pairs *other = other_set(r, arg);
	struct rv_object *object = NULL;
	enum reeve_status status;

	if (other == NULL) {
		return REEVE_EINVALID;
	}
	status = rv_object_create(r, &rv_type_set, NULL, 0, &object);
	if (status == REEVE_OK) {
		status = put_those(r, (void *)object->state, own,
		    how == UNION ? NULL : other, how == BOTH);
	}
	if (status == REEVE_OK && how == UNION) {
		status =
		    put_those(r, (void *)object->state, other, NULL, false);
	}
	return rv_answer_new(r, object, status);
}

static enum reeve_status
unite(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)n;
	return mix(r, state, args, UNION);
}

static enum reeve_status
intersect(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)n;
	return mix(r, state, args, BOTH);
}

static enum reeve_status
subtract(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)n;
	return mix(r, state, args, WITHOUT);
}

static enum reeve_status
save(struct reeve_request *r, void *state)
{
	return rv_table_keys(r, state, NULL, 0);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method methods[] = {
	{ "add", add, 1, REEVE_ANY_ARGS, 0, 0 },
	{ "discard", discard, 1, REEVE_ANY_ARGS, 0, 0 },
	{ "contains", rv_table_contains, 1, 1, 0, 0 },
	{ "len", rv_table_len, 0, 0, 0, 0 },
	{ "items", rv_table_keys, 0, 0, 0, 0 },
	{ "remove", rv_table_del, 1, 1, 0, 0 },
	{ "pop", pop, 0, 0, 0, 0 },
	{ "clear", rv_table_clear, 0, 0, 0, 0 },
	{ "copy", rv_table_copy, 0, 0, 0, 0 },
	{ "union", unite, 1, 1, 0, 0 },
	{ "intersection", intersect, 1, 1, 0, 0 },
	{ "difference", subtract, 1, 1, 0, 0 },
};

const struct reeve_manager_type rv_type_set = { sizeof(rv_type_set), "set",
	methods, RV_ARRAY_LEN(methods), sizeof(struct rv_pairs), add,
	rv_table_destroy, save, NULL, NULL };

/* -------- namespaces -------- */

static enum reeve_status
check_name(struct reeve_request *r, const struct reeve_datum *name)
{
	if (name->type != REEVE_DATUM_TEXT || name->length == 0) {
		return reeve_request_fail(
		    r, REEVE_EINVALID, "arguments", "a name is to be a text");
	}
	if (*(const char *)name->data == '_') {
		return reeve_request_fail(r, REEVE_EPERM, "hidden",
		    "names with a '_' before them are each client's own");
	}
	return REEVE_OK;
}

static enum reeve_status
get_name(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	enum reeve_status status = check_name(r, &args[0]);

	return status == REEVE_OK ? rv_table_get(r, state, args, n) : status;
}

static enum reeve_status
set_names(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	enum reeve_status status = REEVE_OK;

	if (n % 2 != 0) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "names and values come in pairs");
	}
	for (size_t i = 0; i < n && status == REEVE_OK; i += 2) {
		status = check_name(r, &args[i]);
		if (status == REEVE_OK) {
			status = rv_table_put(r, state, &args[i], &args[i + 1]);
		}
	}
	return status;
}

static enum reeve_status
save_names(struct reeve_request *r, void *state)
{
	return rv_table_items(r, state, NULL, 0);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method name_methods[] = {
	{ "get", get_name, 1, 2, 0, 0 },
	{ "set", set_names, 2, REEVE_ANY_ARGS, 0, 0 },
	{ "del", rv_table_del, 1, 1, 0, 0 },
	{ "names", rv_table_keys, 0, 0, 0, 0 },
	{ "items", rv_table_items, 0, 0, 0, 0 },
	{ "contains", rv_table_contains, 1, 1, 0, 0 },
};

const struct reeve_manager_type rv_type_namespace = { sizeof(rv_type_namespace),
	"namespace", name_methods, RV_ARRAY_LEN(name_methods),
	sizeof(struct rv_pairs), set_names, rv_table_destroy, save_names, NULL,
	NULL };
