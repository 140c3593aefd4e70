/* SPDX-License-Identifier: MIT */
/* Kept values in a row: what lists, arrays and queues are made of. */
#ifndef RV_MANAGER_ROW_H
#define RV_MANAGER_ROW_H

#include "manager/hall.h"

/* A ring, so that both ends are near. */
struct rv_row {
	struct reeve_datum *ring;
	size_t begin, n, room; /* room: a power of two, or 0 */
};

static inline struct reeve_datum *
rv_row_at(const struct rv_row *row, size_t i)
{
	return &row->ring[(row->begin + i) & (row->room - 1)];
}

/* Keep this before item i; the errors are said in the request. */
enum reeve_status rv_row_insert(struct reeve_request *, struct rv_row *,
    size_t i, const struct reeve_datum *) RV_MUST_CHECK;
/* Put what is kept already there: it is the row's then. False: no memory. */
bool rv_row_insert_kept(
    struct rv_row *, size_t i, const struct reeve_datum *kept) RV_MUST_CHECK;
/* Out of the row; *kept is the caller's. */
void rv_row_take(struct rv_row *, size_t i, struct reeve_datum *kept);
void rv_row_remove(struct reeve_request *, struct rv_row *, size_t i);
/* Keep these in the place of items from..to; all or nothing, in one pass. */
enum reeve_status rv_row_splice(struct reeve_request *, struct rv_row *,
    size_t from, size_t to, const struct reeve_datum *, size_t n) RV_MUST_CHECK;
void rv_row_clear(struct reeve_request *, struct rv_row *);
void rv_row_answer(
    struct reeve_request *, const struct rv_row *, size_t from, size_t to);

#endif
