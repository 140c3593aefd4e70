/* SPDX-License-Identifier: MIT */
/*
 * Rows of exceptions: what a worker told, and what its interpreter wrote at its
 * end. Called by rows.c inside of the transaction of the events that they came
 * with; names of functions come later (namer.h).
 */
#ifndef RV_CLERK_THROWN_H
#define RV_CLERK_THROWN_H

#include "clerk/rows.h"

/* Of a worker.exception. */
enum reeve_status rv_exception_told(struct rv_rows *, const struct rv_record *,
    uint64_t id, struct reeve_error *) RV_MUST_CHECK;
/*
 * Of a worker.exited, whose id it gets: a trace at the end of rows->text, when
 * the life ended badly.
 */
enum reeve_status rv_exception_written(struct rv_rows *,
    const struct rv_record *, uint64_t id, struct reeve_error *) RV_MUST_CHECK;

#endif
