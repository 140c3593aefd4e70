/* SPDX-License-Identifier: MIT */
/*
 * Two workers fill one table in shared memory, a row at a time, under a lock
 * that lies in the table. The rows of both are there in the end, those of each
 * in their order, whoever came when.
 */
#include <reeve/lock.h>
#include <reeve/memory.h>

#include "example.h"

#define ROWS 10000 /* of each worker */

struct table {
	struct reeve_lock lock;
	uint32_t n;
	struct row {
		char worker;
		uint32_t value;
	} rows[2 * ROWS];
};

static void
add_row(struct table *table, char worker, uint32_t value)
{
	enum reeve_status status;

	REEVE_HOLD_LOCK(&table->lock, REEVE_FOREVER, &status);
	/*
	 * Had the other one died with the lock, the next to come would be told
	 * (REEVE_EOWNERDIED); a row counts when it is whole, so all is well.
	 */
	if (status != REEVE_EOWNERDIED) {
		must(status);
	}
	table->rows[table->n] = (struct row){ worker, value };
	table->n++;
}

static int
fill(const struct reeve_call *call)
{
	struct reeve_memory *block;

	must(reeve_memory_given(&block, "table", &error));
	for (uint32_t i = 0; i < ROWS; i++) {
		add_row(reeve_memory_at(block), *(const char *)call->args, i);
	}
	reeve_memory_free(block);
	return 0;
}
REEVE_FUNCTION("fill", fill);

/* How many rows of this worker there are, from its first in order. */
static uint32_t
in_order(const struct table *table, char worker)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < table->n; i++) {
		const struct row *row = &table->rows[i];

		next += row->worker == worker && row->value == next;
	}
	return next;
}

int
main(int argc, char **argv)
{
	struct reeve_process *a, *b;
	struct reeve_context *context;
	struct reeve_memory *block;
	struct table *table;

	reeve_main(&argc, &argv);
	context = new_context(argv);
	must(reeve_memory_new(&block, sizeof(*table), NULL, &error));
	table = reeve_memory_at(block);
	reeve_lock_init(&table->lock);
	a = start(context, .function = "fill", .bytes = "a", .n_bytes = 1,
	    REEVE_GIVES(reeve_memory_give("table", block)));
	b = start(context, .function = "fill", .bytes = "b", .n_bytes = 1,
	    REEVE_GIVES(reeve_memory_give("table", block)));
	finish(a);
	finish(b);
	printf("%u rows: %u of a, %u of b\n", table->n, in_order(table, 'a'),
	    in_order(table, 'b'));
	reeve_memory_free(block);
	reeve_context_free(context);
	return 0;
}
