/* SPDX-License-Identifier: MIT */
/*
 * Rows of kept values in a ring. What is inserted moves those on the shorter
 * side. Called by the types of lists, arrays and queues.
 */
#include "config.h"

#include "manager/row.h"

#include <string.h>

#include "base/alloc.h"

static bool
make_room(struct rv_row *row)
{
	size_t room = row->room == 0 ? 8 : 2 * row->room;
	struct reeve_datum *ring;

	if (row->n < row->room) {
		return true;
	}
	ring = rv_alloc(room, sizeof(*ring));
	if (ring == NULL) {
		return false;
	}
	for (size_t i = 0; i < row->n; i++) {
		ring[i] = *rv_row_at(row, i);
	}
	rv_free(row->ring);
	row->ring = ring;
	row->room = room;
	row->begin = 0;
	return true;
}

bool
rv_row_insert_kept(struct rv_row *row, size_t i, const struct reeve_datum *kept)
{
	if (!make_room(row)) {
		return false;
	}
	row->n++;
	if (i < row->n / 2) {
		row->begin = (row->begin - 1) & (row->room - 1);
		for (size_t k = 0; k < i; k++) {
			*rv_row_at(row, k) = *rv_row_at(row, k + 1);
		}
	} else {
		for (size_t k = row->n - 1; k > i; k--) {
			*rv_row_at(row, k) = *rv_row_at(row, k - 1);
		}
	}
	*rv_row_at(row, i) = *kept;
	return true;
}

enum reeve_status
rv_row_insert(struct reeve_request *r, struct rv_row *row, size_t i,
    const struct reeve_datum *value)
{
	struct reeve_datum kept;
	enum reeve_status status = rv_datum_keep(r->hall, &kept, value);

	if (status == REEVE_OK && !rv_row_insert_kept(row, i, &kept)) {
		rv_datum_drop(r->hall, &kept);
		status = REEVE_ENOMEM;
	}
	return rv_request_not_kept(r, status);
}

void
rv_row_take(struct rv_row *row, size_t i, struct reeve_datum *kept)
{
	*kept = *rv_row_at(row, i);
	if (i < row->n / 2) {
		for (size_t k = i; k > 0; k--) {
			*rv_row_at(row, k) = *rv_row_at(row, k - 1);
		}
		row->begin = (row->begin + 1) & (row->room - 1);
	} else {
		for (size_t k = i; k + 1 < row->n; k++) {
			*rv_row_at(row, k) = *rv_row_at(row, k + 1);
		}
	}
	row->n--;
}

void
rv_row_remove(struct reeve_request *r, struct rv_row *row, size_t i)
{
	struct reeve_datum kept;

	rv_row_take(row, i, &kept);
	rv_datum_drop(r->hall, &kept);
}

enum reeve_status
rv_row_splice(struct reeve_request *r, struct rv_row *row, size_t from,
    size_t to, const struct reeve_datum *values, size_t n)
{
	size_t total = row->n - (to - from) + n, room = 8, done = 0;
	enum reeve_status status = REEVE_OK;
	struct reeve_datum *ring;

	while (room < total) {
		room *= 2;
	}
	ring = rv_alloc(room, sizeof(*ring));
	if (ring == NULL) {
		return rv_request_not_kept(r, REEVE_ENOMEM);
	}
	while (done < n && status == REEVE_OK) {
		status =
		    rv_datum_keep(r->hall, &ring[from + done], &values[done]);
		done += status == REEVE_OK ? 1 : 0;
	}
	if (status != REEVE_OK) {
		while (done > 0) {
			rv_datum_drop(r->hall, &ring[from + --done]);
		}
		rv_free(ring);
		return rv_request_not_kept(r, status);
	}
	for (size_t i = 0; i < from; i++) {
		ring[i] = *rv_row_at(row, i);
	}
	for (size_t i = from; i < to; i++) {
		rv_datum_drop(r->hall, rv_row_at(row, i));
	}
	for (size_t i = to; i < row->n; i++) {
		ring[i - to + from + n] = *rv_row_at(row, i);
	}
	rv_free(row->ring);
	row->ring = ring;
	row->begin = 0;
	row->n = total;
	row->room = room;
	return REEVE_OK;
}

void
rv_row_clear(struct reeve_request *r, struct rv_row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		rv_datum_drop(r->hall, rv_row_at(row, i));
	}
	rv_free(row->ring);
	memset(row, 0, sizeof(*row));
}

void
rv_row_answer(
    struct reeve_request *r, const struct rv_row *row, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		reeve_request_answer(r, rv_row_at(row, i));
	}
}
