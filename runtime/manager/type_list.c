/* SPDX-License-Identifier: MIT */
/*
 * Lists, and arrays, which are lists of a length that stays. Places are counted
 * from 0, or from the end with negative numbers.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manager/answers.h"
#include "manager/row.h"
#include "manager/sums.h"
#include "manager/types.h"

/* A place of 0 to n - 1. */
static enum reeve_status
place(struct reeve_request *r, const struct reeve_datum *value, size_t n,
    size_t *at)
{
	int64_t i = value->is.integer;

	if (value->type != REEVE_DATUM_INT) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a place is to be a whole number");
	}
	i += i < 0 ? (int64_t)n : 0;
	if (i < 0 || (uint64_t)i >= n) {
		return reeve_request_fail(r, REEVE_ENOENT, "no-index",
		    "there are %zu places, and not this one", n);
	}
	*at = (size_t)i;
	return REEVE_OK;
}

/* A bound of a slice: what is beyond is the end; null: this. */
static size_t
bound(const struct reeve_datum *value, size_t n, size_t otherwise)
{
	int64_t i = value->is.integer;

	if (value->type != REEVE_DATUM_INT) {
		return otherwise;
	}
	i += i < 0 ? (int64_t)n : 0;
	return i < 0 ? 0 : (size_t)RV_MIN((uint64_t)i, n);
}

static enum reeve_status
append(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	enum reeve_status status = REEVE_OK;

	for (size_t i = 0; i < n && status == REEVE_OK; i++) {
		status = rv_row_insert(r, row, row->n, &args[i]);
	}
	return status;
}

static enum reeve_status
get(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	size_t at = 0;
	enum reeve_status status = place(r, &args[0], row->n, &at);

	(void)n;
	if (status == REEVE_OK) {
		reeve_request_answer(r, rv_row_at(row, at));
	}
	return status;
}

static enum reeve_status
put(struct reeve_request *r, struct rv_row *row, size_t at,
    const struct reeve_datum *value)
{
	struct reeve_datum kept;
	enum reeve_status status = rv_datum_keep(r->hall, &kept, value);

	if (status == REEVE_OK) {
		rv_datum_drop(r->hall, rv_row_at(row, at));
		*rv_row_at(row, at) = kept;
	}
	return rv_request_not_kept(r, status);
}

static enum reeve_status
set(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	size_t at = 0;
	enum reeve_status status = place(r, &args[0], row->n, &at);

	(void)n;
	return status == REEVE_OK ? put(r, row, at, &args[1]) : status;
}

static enum reeve_status
slice(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	size_t from = bound(&args[0], row->n, 0);
	size_t to = n > 1 ? bound(&args[1], row->n, row->n) : row->n;

	rv_row_answer(r, row, from, to);
	return REEVE_OK;
}

/* From, to, and what comes in their place. */
static enum reeve_status
set_slice(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	size_t from = bound(&args[0], row->n, 0);
	size_t to = RV_MAX(from, bound(&args[1], row->n, row->n));

	return rv_row_splice(r, row, from, to, args + 2, n - 2);
}

/* As many as there are places. */
static enum reeve_status
set_places(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	size_t from = bound(&args[0], row->n, 0);
	enum reeve_status status = REEVE_OK;

	if (n - 1 > row->n - from) {
		return reeve_request_fail(r, REEVE_EINVALID, "no-index",
		    "these are more than there are places");
	}
	for (size_t i = 1; i < n && status == REEVE_OK; i++) {
		status = put(r, row, from + i - 1, &args[i]);
	}
	return status;
}

static enum reeve_status
insert(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;

	(void)n;
	return rv_row_insert(r, row, bound(&args[0], row->n, row->n), &args[1]);
}

static enum reeve_status
pop(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	struct reeve_datum last = reeve_int(-1);
	size_t at = 0;
	enum reeve_status status =
	    place(r, n > 0 ? &args[0] : &last, row->n, &at);

	if (status == REEVE_OK) {
		reeve_request_answer(r, rv_row_at(row, at));
		rv_row_remove(r, row, at);
	}
	return status;
}

static size_t
find(const struct rv_row *row, const struct reeve_datum *value)
{
	size_t i = 0;

	while (i < row->n && !rv_datum_equal(rv_row_at(row, i), value)) {
		i++;
	}
	return i;
}

static enum reeve_status
not_found(struct reeve_request *r)
{
	return reeve_request_fail(
	    r, REEVE_ENOENT, "no-value", "no such value is in it");
}

static enum reeve_status
remove_value(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct rv_row *row = state;
	size_t at = find(row, &args[0]);

	(void)n;
	if (at == row->n) {
		return not_found(r);
	}
	rv_row_remove(r, row, at);
	return REEVE_OK;
}

static enum reeve_status
len(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_int(r, ((struct rv_row *)state)->n);
}

static enum reeve_status
where(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	size_t at = find(row, &args[0]);

	(void)n;
	return at < row->n ? rv_answer_int(r, at) : not_found(r);
}

static enum reeve_status
contains(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;

	(void)n;
	return rv_answer_bool(r, find(row, &args[0]) < row->n);
}

static enum reeve_status
count(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	size_t found = 0;

	(void)n;
	for (size_t i = 0; i < row->n; i++) {
		found += rv_datum_equal(rv_row_at(row, i), &args[0]);
	}
	return rv_answer_int(r, found);
}

static enum reeve_status
reverse(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;

	(void)r;
	(void)args;
	(void)n;
	for (size_t i = 0; i < row->n / 2; i++) {
		struct reeve_datum *a = rv_row_at(row, i);
		struct reeve_datum *b = rv_row_at(row, row->n - 1 - i);
		struct reeve_datum was = *a;

		*a = *b;
		*b = was;
	}
	return REEVE_OK;
}

/* By type, then by what it is: numbers by value, data as bytes. */
static int
compare(const void *one, const void *other)
{
	const struct reeve_datum *a = one, *b = other;
	bool numbers =
	    (a->type == REEVE_DATUM_INT || a->type == REEVE_DATUM_DOUBLE) &&
	    (b->type == REEVE_DATUM_INT || b->type == REEVE_DATUM_DOUBLE);
	int by = 0;

	if (numbers && a->type != b->type) {
		double x = a->type == REEVE_DATUM_INT ? (double)a->is.integer
						      : a->is.real;
		double y = b->type == REEVE_DATUM_INT ? (double)b->is.integer
						      : b->is.real;

		return (x > y) - (x < y);
	}
	if (a->type != b->type) {
		return a->type < b->type ? -1 : 1;
	}
	if (a->type == REEVE_DATUM_DOUBLE) {
		return (a->is.real > b->is.real) - (a->is.real < b->is.real);
	}
	if (rv_datum_has_data(a->type)) {
		by = memcmp(a->data, b->data, RV_MIN(a->length, b->length));
		return by != 0
			   ? by
			   : (a->length > b->length) - (a->length < b->length);
	}
	return (a->is.integer > b->is.integer) -
	       (a->is.integer < b->is.integer);
}

static enum reeve_status
sort(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	struct reeve_datum *ring;

	(void)args;
	(void)n;
	if (row->n < 2) {
		return REEVE_OK;
	}
	ring = rv_alloc(row->room, sizeof(*ring));
	if (ring == NULL) {
		return rv_request_not_kept(r, REEVE_ENOMEM);
	}
	for (size_t i = 0; i < row->n; i++) {
		ring[i] = *rv_row_at(row, i);
	}
	rv_free(row->ring);
	row->ring = ring;
	row->begin = 0;
	qsort(ring, row->n, sizeof(*ring), compare);
	return REEVE_OK;
}

static enum reeve_status
clear(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	rv_row_clear(r, state);
	return REEVE_OK;
}

static enum reeve_status
copy(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_object *object = NULL;
	struct rv_row *row = state, *other;
	enum reeve_status status =
	    rv_object_create(r, &rv_type_list, NULL, 0, &object);

	(void)args;
	(void)n;
	for (size_t i = 0; i < row->n && status == REEVE_OK; i++) {
		other = (void *)object->state;
		status = rv_row_insert(r, other, i, rv_row_at(row, i));
	}
	return rv_answer_new(r, object, status);
}

/* Itself so many times behind each other. */
static enum reeve_status
repeat(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;
	int64_t times = args[0].is.integer;
	size_t before = row->n;
	enum reeve_status status = REEVE_OK;

	(void)n;
	if (args[0].type != REEVE_DATUM_INT) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "how often is to be a whole number");
	}
	if (times <= 0) {
		rv_row_clear(r, row);
	}
	for (int64_t k = 1; k < times && before > 0; k++) {
		for (size_t i = 0; i < before && status == REEVE_OK; i++) {
			/* a copy: the ring may move under it */
			struct reeve_datum value = *rv_row_at(row, i);

			status = rv_row_insert(r, row, row->n, &value);
		}
		if (status != REEVE_OK) {
			break;
		}
	}
	return status;
}

static enum reeve_status
items(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_row *row = state;

	(void)args;
	(void)n;
	rv_row_answer(r, row, 0, row->n);
	return REEVE_OK;
}

static enum reeve_status
find_item(struct reeve_request *r, void *state, const struct reeve_datum *args,
    const struct reeve_datum **is)
{
	struct rv_row *row = state;
	size_t at = 0;
	enum reeve_status status = place(r, &args[0], row->n, &at);

	if (status == REEVE_OK) {
		*is = rv_row_at(row, at);
	}
	return status;
}

const struct rv_places rv_places_list = { find_item, set, 1 };

static void
destroy(struct reeve_request *r, void *state)
{
	rv_row_clear(r, state);
}

static enum reeve_status
save(struct reeve_request *r, void *state)
{
	return items(r, state, NULL, 0);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method list_methods[] = {
	{ "append", append, 1, REEVE_ANY_ARGS, 0, 0 },
	{ "get", get, 1, 1, 0, 0 },
	{ "set", set, 2, 2, 0, 0 },
	{ "slice", slice, 1, 2, 0, 0 },
	{ "set_slice", set_slice, 2, REEVE_ANY_ARGS, 0, 0 },
	{ "extend", append, 0, REEVE_ANY_ARGS, 0, 0 },
	{ "insert", insert, 2, 2, 0, 0 },
	{ "pop", pop, 0, 1, 0, 0 },
	{ "remove", remove_value, 1, 1, 0, 0 },
	{ "len", len, 0, 0, 0, 0 },
	{ "index", where, 1, 1, 0, 0 },
	{ "contains", contains, 1, 1, 0, 0 },
	{ "count", count, 1, 1, 0, 0 },
	{ "reverse", reverse, 0, 0, 0, 0 },
	{ "sort", sort, 0, 0, 0, 0 },
	{ "clear", clear, 0, 0, 0, 0 },
	{ "copy", copy, 0, 0, 0, 0 },
	{ "repeat", repeat, 1, 1, 0, 0 },
	{ "items", items, 0, 0, 0, 0 },
	{ "add", rv_change_add, 2, 2, 0, 0 },
	{ "cas", rv_change_cas, 3, 3, 0, 0 },
	{ "apply", rv_change_apply, 2, REEVE_ANY_ARGS, 0, 0 },
};

const struct reeve_manager_type rv_type_list = { sizeof(rv_type_list), "list",
	list_methods, RV_ARRAY_LEN(list_methods), sizeof(struct rv_row), append,
	destroy, save, NULL, NULL };

/* How many, and what they are at first (0). From a snapshot: all of them. */
static enum reeve_status
create_array(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct rv_row *row = state;
	struct reeve_datum first = n > 1 ? args[1] : reeve_int(0);
	enum reeve_status status = REEVE_OK;

	if (reeve_request_is_loading(r)) {
		return append(r, state, args, n);
	}
	if (n < 1 || n > 2 || args[0].type != REEVE_DATUM_INT ||
	    args[0].is.integer < 0) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "an array is made of how many and what");
	}
	for (int64_t i = 0; i < args[0].is.integer && status == REEVE_OK; i++) {
		status = rv_row_insert(r, row, row->n, &first);
	}
	return status;
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method array_methods[] = {
	{ "get", get, 1, 1, 0, 0 },
	{ "set", set, 2, 2, 0, 0 },
	{ "slice", slice, 1, 2, 0, 0 },
	{ "set_slice", set_places, 1, REEVE_ANY_ARGS, 0, 0 },
	{ "len", len, 0, 0, 0, 0 },
	{ "items", items, 0, 0, 0, 0 },
	{ "add", rv_change_add, 2, 2, 0, 0 },
	{ "cas", rv_change_cas, 3, 3, 0, 0 },
	{ "apply", rv_change_apply, 2, REEVE_ANY_ARGS, 0, 0 },
};

const struct reeve_manager_type rv_type_array = { sizeof(rv_type_array),
	"array", array_methods, RV_ARRAY_LEN(array_methods),
	sizeof(struct rv_row), create_array, destroy, save, NULL, NULL };
