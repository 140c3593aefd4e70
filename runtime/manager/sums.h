/* SPDX-License-Identifier: MIT */
/*
 * Changes of one value within the server: additions, and the updates that its
 * program registered. Used by all types that keep values.
 */
#ifndef RV_MANAGER_SUMS_H
#define RV_MANAGER_SUMS_H

#include "base/buf.h"
#include "manager/hall.h"

/*
 * Of two numbers; null counts as 0. Texts, bytes are put behind each other:
 * then the sum's data are the hall's, until the next sum.
 */
enum reeve_status rv_sum(struct reeve_request *, const struct reeve_datum *a,
    const struct reeve_datum *b, struct reeve_datum *sum) RV_MUST_CHECK;

/* A registered update: what it answered first, and the rest. */
struct rv_change {
	struct rv_buf answers;
	struct rv_buf *out;
	struct reeve_datum value;
	struct rv_cursor rest;
	uint32_t n_rest;
};

/* args[0] is its name. */
enum reeve_status rv_change_begin(struct rv_change *, struct reeve_request *,
    const struct reeve_datum *old, const struct reeve_datum *args,
    size_t n) RV_MUST_CHECK;
/* The value is kept, or is not: the answers go to the client, or do not. */
enum reeve_status rv_change_end(
    struct rv_change *, struct reeve_request *, enum reeve_status);

#endif
