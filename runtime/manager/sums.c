/* SPDX-License-Identifier: MIT */
/*
 * Changes of a value where it is. The answers of a registered update are caught
 * before the client gets them, since the first of them is the new value.
 */
#include "config.h"

#include "manager/sums.h"

#include <string.h>

#include "base/buf.h"
#include "manager/answers.h"
#include "manager/types.h"

/* A registered update: what it answered first, and the rest. */
struct change {
	struct rv_buf answers;
	struct rv_buf *out;
	struct reeve_datum value;
	struct rv_cursor rest;
	uint32_t n_rest;
};

/* Of the object that is called; only such types have these methods. */
static const struct rv_places *
places_of(const struct reeve_request *r)
{
	const struct reeve_manager_type *type = r->object->type;

	return type == &rv_type_dict    ? &rv_places_dict
	       : type == &rv_type_value ? &rv_places_value
					: &rv_places_list;
}

/* As the client would with the type's own method. */
static enum reeve_status
put(struct reeve_request *r, void *state, const struct reeve_datum *args,
    const struct reeve_datum *value)
{
	const struct rv_places *places = places_of(r);
	struct reeve_datum both[] = { args[0], *value };

	return places->set(
	    r, state, places->n_args > 0 ? both : value, places->n_args + 1);
}

static bool
is_number(const struct reeve_datum *value)
{
	return value->type == REEVE_DATUM_INT ||
	       value->type == REEVE_DATUM_DOUBLE ||
	       value->type == REEVE_DATUM_NULL;
}

static double
as_double(const struct reeve_datum *value)
{
	return value->type == REEVE_DATUM_DOUBLE ? value->is.real
						 : (double)value->is.integer;
}

/* Of two numbers; null counts as 0. */
static enum reeve_status
add_up(struct reeve_request *r, const struct reeve_datum *a,
    const struct reeve_datum *b, struct reeve_datum *sum)
{
	int64_t whole;

	if (!is_number(a) || !is_number(b)) {
		return reeve_request_fail(r, REEVE_EINVALID, "no-number",
		    "only numbers can be added up");
	}
	if (a->type == REEVE_DATUM_DOUBLE || b->type == REEVE_DATUM_DOUBLE) {
		*sum = reeve_double(as_double(a) + as_double(b));
		return REEVE_OK;
	}
	if (__builtin_add_overflow(a->is.integer, b->is.integer, &whole)) {
		return reeve_request_fail(
		    r, REEVE_ETOOBIG, "overflow", "the sum is beyond 64 bits");
	}
	*sum = reeve_int(whole);
	return REEVE_OK;
}

static const struct reeve_manager_update *
update_named(const struct rv_hall *hall, const struct reeve_datum *name)
{
	for (size_t i = 0; i < hall->n_updates; i++) {
		const char *its = hall->updates[i].name;

		if (name->type == REEVE_DATUM_TEXT &&
		    strlen(its) == name->length &&
		    memcmp(its, name->data, name->length) == 0) {
			return &hall->updates[i];
		}
	}
	return NULL;
}

/* args[0] is its name. */
static enum reeve_status
begin(struct change *change, struct reeve_request *r,
    const struct reeve_datum *old, const struct reeve_datum *args, size_t n)
{
	const struct reeve_manager_update *update =
	    update_named(r->hall, &args[0]);
	enum reeve_status status;

	rv_buf_init(&change->answers, r->hall->limits.output);
	change->out = r->out;
	change->n_rest = 0;
	if (update == NULL) {
		return reeve_request_fail(r, REEVE_ENOENT, "no-update",
		    "this manager has no update of that name");
	}
	r->out = &change->answers;
	status = update->fn(r, old, args + 1, n - 1);
	r->out = change->out;
	change->rest.at = (const unsigned char *)change->answers.data;
	change->rest.left = change->answers.len;
	if (status == REEVE_OK && change->answers.failed) {
		status = rv_request_not_kept(r, REEVE_ENOMEM);
	}
	if (status == REEVE_OK &&
	    (r->n_answers == 0 ||
		!rv_wire_get_value(&change->rest, &change->value))) {
		status = reeve_request_fail(r, REEVE_EFAILED, "no-value",
		    "the update has answered no value");
	}
	change->n_rest = r->n_answers;
	r->n_answers = 0;
	return status;
}

/* The value is kept, or is not: the answers go to the client, or do not. */
static enum reeve_status
end(struct change *change, struct reeve_request *r, enum reeve_status status)
{
	struct reeve_datum value;

	for (uint32_t i = 1; i < change->n_rest && status == REEVE_OK; i++) {
		if (rv_wire_get_value(&change->rest, &value)) {
			rv_wire_put_value(r->out, &value);
			r->n_answers++;
		}
	}
	/* that it was answered is not that the client got it */
	if (change->n_rest > 0 && r->session != NULL && r->id != 0 &&
	    change->value.type == REEVE_DATUM_REFERENCE) {
		struct rv_object *object =
		    rv_hall_find(r->hall, change->value.is.reference.object,
			change->value.is.reference.generation);

		if (object != NULL) {
			(void)rv_session_release(
			    r->hall, r->session, object, 1);
		}
	}
	rv_buf_finish(&change->answers);
	return status;
}

enum reeve_status
rv_change_add(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	const struct rv_places *places = places_of(r);
	const struct reeve_datum *is = NULL;
	struct reeve_datum sum;
	enum reeve_status status = places->find(r, state, args, &is);

	(void)n;
	if (status == REEVE_OK) {
		status = add_up(r, is, &args[places->n_args], &sum);
	}
	if (status == REEVE_OK) {
		status = put(r, state, args, &sum);
	}
	if (status == REEVE_OK) {
		reeve_request_answer(r, &sum);
	}
	return status;
}

enum reeve_status
rv_change_cas(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	const struct rv_places *places = places_of(r);
	const struct reeve_datum *is = NULL, *rest = args + places->n_args;
	enum reeve_status status = places->find(r, state, args, &is);
	bool was = status == REEVE_OK && rv_datum_equal(is, &rest[0]);

	(void)n;
	if (was) {
		status = put(r, state, args, &rest[1]);
	}
	if (status == REEVE_OK) {
		status = places->find(r, state, args, &is);
	}
	if (status == REEVE_OK) {
		(void)rv_answer_bool(r, was);
		reeve_request_answer(r, is);
	}
	return status;
}

enum reeve_status
rv_change_apply(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	const struct rv_places *places = places_of(r);
	const struct reeve_datum *is = NULL;
	struct change change;
	enum reeve_status status = places->find(r, state, args, &is);

	if (status != REEVE_OK) {
		return status;
	}
	status =
	    begin(&change, r, is, args + places->n_args, n - places->n_args);
	if (status == REEVE_OK) {
		status = put(r, state, args, &change.value);
	}
	return end(&change, r, status);
}
