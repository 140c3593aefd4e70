/* SPDX-License-Identifier: MIT */
/*
 * Dicts: values by values, in the order in which keys came. Sets and namespaces
 * are tables of the same kind (type_set.c).
 */
#include "config.h"

#include <string.h>

#include "manager/answers.h"
#include "manager/hall.h"
#include "manager/pairs.h"
#include "manager/sums.h"
#include "manager/table_methods.h"
#include "manager/types.h"

static enum reeve_status
no_key(struct reeve_request *r)
{
	return reeve_request_fail(
	    r, REEVE_ENOENT, "no-key", "there is no such key");
}

enum reeve_status
rv_table_put(struct reeve_request *r, struct rv_pairs *p,
    const struct reeve_datum *key, const struct reeve_datum *value)
{
	return rv_request_not_kept(r, rv_pairs_put(r->hall, p, key, value));
}

enum reeve_status
rv_table_get(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct rv_pair *pair = rv_pairs_find(r->hall, state, &args[0]);

	if (pair == NULL && n < 2) {
		return no_key(r);
	}
	reeve_request_answer(r, pair != NULL ? &pair->value : &args[1]);
	return REEVE_OK;
}

static enum reeve_status
set(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)n;
	return rv_table_put(r, state, &args[0], &args[1]);
}

/* What is there; or else this, from now on. */
static enum reeve_status
set_default(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct rv_pair *pair = rv_pairs_find(r->hall, state, &args[0]);
	enum reeve_status status = REEVE_OK;

	(void)n;
	if (pair != NULL) {
		reeve_request_answer(r, &pair->value);
		return REEVE_OK;
	}
	status = rv_table_put(r, state, &args[0], &args[1]);
	if (status == REEVE_OK) {
		reeve_request_answer(r, &args[1]);
	}
	return status;
}

static enum reeve_status
pop(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_pair *pair = rv_pairs_find(r->hall, state, &args[0]);

	if (pair == NULL && n < 2) {
		return no_key(r);
	}
	reeve_request_answer(r, pair != NULL ? &pair->value : &args[1]);
	if (pair != NULL) {
		rv_pairs_remove(r->hall, state, pair);
	}
	return REEVE_OK;
}

/* Key, value, key, value ...; of those before a failure all are there. */
static enum reeve_status
update(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	enum reeve_status status = REEVE_OK;

	if (n % 2 != 0) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "keys and values come in pairs");
	}
	for (size_t i = 0; i < n && status == REEVE_OK; i += 2) {
		status = rv_table_put(r, state, &args[i], &args[i + 1]);
	}
	return status;
}

/* Both of each pair, or one of them. */
static void
answer_all(struct reeve_request *r, struct rv_pairs *p, bool keys, bool values)
{
	struct rv_pair *pair;
	size_t at = 0;

	while ((pair = rv_pairs_next(p, &at)) != NULL) {
		if (keys) {
			reeve_request_answer(r, &pair->key);
		}
		if (values) {
			reeve_request_answer(r, &pair->value);
		}
	}
}

enum reeve_status
rv_table_keys(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)args;
	(void)n;
	answer_all(r, state, true, false);
	return REEVE_OK;
}

enum reeve_status
rv_table_values(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)args;
	(void)n;
	answer_all(r, state, false, true);
	return REEVE_OK;
}

enum reeve_status
rv_table_items(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)args;
	(void)n;
	answer_all(r, state, true, true);
	return REEVE_OK;
}

enum reeve_status
rv_table_len(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_int(r, ((struct rv_pairs *)state)->n);
}

enum reeve_status
rv_table_contains(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)n;
	return rv_answer_bool(
	    r, rv_pairs_find(r->hall, state, &args[0]) != NULL);
}

enum reeve_status
rv_table_clear(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)args;
	(void)n;
	rv_pairs_clear(r->hall, state);
	return REEVE_OK;
}

enum reeve_status
rv_table_del(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct rv_pair *pair = rv_pairs_find(r->hall, state, &args[0]);

	(void)n;
	if (pair == NULL) {
		return no_key(r);
	}
	rv_pairs_remove(r->hall, state, pair);
	return REEVE_OK;
}

/* Null: there is no such key. */
static enum reeve_status
find_value(struct reeve_request *r, void *state, const struct reeve_datum *args,
    const struct reeve_datum **is)
{
	static const struct reeve_datum none = { REEVE_DATUM_NULL, 0, NULL,
		{ 0 } };
	struct rv_pair *pair = rv_pairs_find(r->hall, state, &args[0]);

	*is = pair != NULL ? &pair->value : &none;
	return REEVE_OK;
}

const struct rv_places rv_places_dict = { find_value, set, 1 };

enum reeve_status
rv_table_copy(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct rv_object *object = NULL;
	struct rv_pair *pair;
	enum reeve_status status =
	    rv_object_create(r, r->object->type, NULL, 0, &object);
	size_t at = 0;

	(void)args;
	(void)n;
	while (status == REEVE_OK && (pair = rv_pairs_next(state, &at))) {
		status = rv_table_put(
		    r, (void *)object->state, &pair->key, &pair->value);
	}
	return rv_answer_new(r, object, status);
}

void
rv_table_destroy(struct reeve_request *r, void *state)
{
	rv_pairs_clear(r->hall, state);
}

static enum reeve_status
save(struct reeve_request *r, void *state)
{
	answer_all(r, state, true, true);
	return REEVE_OK;
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method methods[] = {
	{ "get", rv_table_get, 1, 2, 0, 0 },
	{ "set", set, 2, 2, 0, 0 },
	{ "default", set_default, 2, 2, 0, 0 },
	{ "pop", pop, 1, 2, 0, 0 },
	{ "update", update, 0, REEVE_ANY_ARGS, 0, 0 },
	{ "keys", rv_table_keys, 0, 0, 0, 0 },
	{ "values", rv_table_values, 0, 0, 0, 0 },
	{ "items", rv_table_items, 0, 0, 0, 0 },
	{ "len", rv_table_len, 0, 0, 0, 0 },
	{ "contains", rv_table_contains, 1, 1, 0, 0 },
	{ "clear", rv_table_clear, 0, 0, 0, 0 },
	{ "copy", rv_table_copy, 0, 0, 0, 0 },
	{ "add", rv_change_add, 2, 2, 0, 0 },
	{ "cas", rv_change_cas, 3, 3, 0, 0 },
	{ "del", rv_table_del, 1, 1, 0, 0 },
	{ "apply", rv_change_apply, 2, REEVE_ANY_ARGS, 0, 0 },
};

const struct reeve_manager_type rv_type_dict = { sizeof(rv_type_dict), "dict",
	methods, RV_ARRAY_LEN(methods), sizeof(struct rv_pairs), update,
	rv_table_destroy, save, NULL, NULL };
