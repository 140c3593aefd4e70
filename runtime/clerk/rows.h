/* SPDX-License-Identifier: MIT */
/*
 * From a record to rows: the event itself, and what it changes in runs, lives
 * and exceptions. Inside of the caller's transaction; for the disk thread.
 */
#ifndef RV_CLERK_ROWS_H
#define RV_CLERK_ROWS_H

#include "base/buf.h"
#include "clerk/store.h"
#include "wire/record.h"

struct rv_rows {
	struct rv_store *store;
	const char *run_id; /* of the records; set before each batch */
	/* The last output of a life, as UTF-8; may be NULL. */
	void (*tail)(void *ctx, uint64_t life, int64_t started_at_us,
	    struct rv_buf *out);
	void *ctx;
	unsigned n_clashes; /* events whose number was taken */
	uint64_t next_life; /* above all that records have named */
	struct rv_buf detail, text;
};

void rv_rows_init(struct rv_rows *, struct rv_store *);
void rv_rows_finish(struct rv_rows *);
/* Hold little memory while there is nothing to do. */
void rv_rows_shrink(struct rv_rows *);

enum reeve_status rv_rows_add(struct rv_rows *, const struct rv_record *,
    uint64_t id, struct reeve_error *) RV_MUST_CHECK;

#endif
