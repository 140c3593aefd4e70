/* SPDX-License-Identifier: MIT */
/*
 * Sums of values, and registered updates, whose answers are caught before the
 * client gets them, since the first of them is the new value.
 */
#include "config.h"

#include "manager/sums.h"

#include <string.h>

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

enum reeve_status
rv_sum(struct reeve_request *r, const struct reeve_datum *a,
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

enum reeve_status
rv_change_begin(struct rv_change *change, struct reeve_request *r,
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

enum reeve_status
rv_change_end(
    struct rv_change *change, struct reeve_request *r, enum reeve_status status)
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
