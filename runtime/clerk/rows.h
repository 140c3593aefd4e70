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
	unsigned n_unnamed; /* exceptions whose frames could have names */
	struct rv_buf detail, text, more;
};

void rv_rows_init(struct rv_rows *, struct rv_store *);
void rv_rows_finish(struct rv_rows *);
/* Hold little memory while there is nothing to do. */
void rv_rows_shrink(struct rv_rows *);

/* A field of the record, NULL: it has none; its number; false: no such. */
const struct rv_field *rv_rows_field(const struct rv_record *, enum rv_key);
bool rv_rows_number(const struct rv_record *, enum rv_key, int64_t *value);
/* Bind a field that is a text to a parameter: NULL where it is not there. */
void rv_rows_bind_text(struct rv_rows *, enum rv_sql, int at,
    const struct rv_record *, enum rv_key);

enum reeve_status rv_rows_add(struct rv_rows *, const struct rv_record *,
    uint64_t id, struct reeve_error *) RV_MUST_CHECK;

#endif
