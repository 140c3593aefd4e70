/* SPDX-License-Identifier: MIT */
/*
 * A pool within a pool: each task of the outer one is a row of a table, and has
 * a pool of its own for the numbers of that row. Together they have no more
 * processors than the program: reeve_cpus() says in a worker what its share is.
 *
 * An outer worker that is killed takes its inner pool with it, to the last
 * process; its row is worked at again by another one.
 */
#include "program.h"

static uint64_t table_rows = 4, columns = 10, pause_ms;
static const struct option_row rows[] = {
	{ 'R', "rows", "N", "rows of the table: outer tasks [4]", &table_rows,
	    NULL, 1, 1000 },
	{ 'c', "columns", "N", "numbers of a row: inner tasks [10]", &columns,
	    NULL, 1, 10000 },
	{ 'p', "pause", "MS", "let each number take so long [0]", &pause_ms,
	    NULL, 0, 10000 },
	{ 0 },
};

struct row {
	uint64_t first, columns; /* its numbers: first, first + 1 ... */
	uint64_t pause_ms, retries;
	char method[16];
};

struct number {
	uint64_t n, pause_ms;
};

/* ---- in a worker of an inner pool ---- */

static int
square(const struct reeve_call *call)
{
	struct number number;
	struct timespec rest;

	if (call->args_len != sizeof(number)) {
		return reeve_fail(call, "square.Size", "this is no number");
	}
	memcpy(&number, call->args, sizeof(number));
	rest.tv_sec = (time_t)(number.pause_ms / 1000);
	rest.tv_nsec = (long)(number.pause_ms % 1000) * 1000000;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
	number.n *= number.n;
	return reeve_return(call, &number.n, sizeof(number.n));
}
REEVE_FUNCTION("square", square);

/* ---- in a worker of the outer pool ---- */

/* All squares of a row; nonzero: reeve_fail has said why not. */
static int
squares_of(const struct reeve_call *call, struct reeve_pool *pool,
    const struct row *row, uint64_t *squares)
{
	struct number *list = calloc(row->columns, sizeof(*list));
	struct reeve_map map = { .size = sizeof(map),
		.function = "square",
		.items = list,
		.item_size = sizeof(*list),
		.n = row->columns };
	struct reeve_results *results = NULL;
	int failed = 0;

	for (uint64_t i = 0; list != NULL && i < row->columns; i++) {
		list[i] = (struct number){ row->first + i, row->pause_ms };
	}
	if (list == NULL ||
	    reeve_pool_map(pool, &map, &results, REEVE_FOREVER, &error) !=
		REEVE_OK ||
	    reeve_results_copy(results, squares, sizeof(*squares), &error) !=
		REEVE_OK) {
		failed = reeve_fail(call, "row.Map", "%s", error.text);
	}
	reeve_results_free(results);
	free(list);
	return failed;
}

static int
sum_row(const struct reeve_call *call)
{
	struct reeve_pool *pool;
	uint64_t *squares, sum = 0;
	struct row row;
	int failed;

	if (call->args_len != sizeof(row)) {
		return reeve_fail(call, "row.Size", "this is no row");
	}
	memcpy(&row, call->args, sizeof(row));
	retries = row.retries; /* options are not known here */
	method_word = row.method[0] != '\0' ? row.method : NULL;
	squares = calloc(row.columns, sizeof(*squares));
	if (squares == NULL) {
		return reeve_fail(call, "row.Memory", "no memory");
	}
	pool = program_pool();
	failed = squares_of(call, pool, &row, squares);
	reeve_pool_free(pool);
	for (uint64_t i = 0; i < row.columns; i++) {
		sum += squares[i];
	}
	free(squares);
	return failed ? failed : reeve_return(call, &sum, sizeof(sum));
}
REEVE_FUNCTION("sum_row", sum_row);

/* ---- in the program ---- */

/* How many rows are good; *sum is theirs. */
static uint64_t
sum_table(struct reeve_pool *pool, const struct row *table, uint64_t *sum)
{
	struct progress bar = {
		.what = "rows", .total = table_rows, .quiet = quiet
	};
	struct reeve_map map = { .size = sizeof(map),
		.function = "sum_row",
		.items = table,
		.item_size = sizeof(*table),
		.n = table_rows,
		.chunk = 1 };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_imap *imap;
	uint64_t n = 0;
	size_t index;

	must(reeve_pool_imap(pool, &map, &imap, &error));
	progress_begin(&bar);
	while (program_next(imap, &bar, &result, &index)) {
		if (result.outcome == REEVE_OUTCOME_GOOD) {
			printf("row %zu: %" PRIu64 "\n", index,
			    *(const uint64_t *)result.data);
			*sum += *(const uint64_t *)result.data;
			n++;
		} else {
			program_complain("a row", &result);
		}
		reeve_task_result_free(&result);
	}
	progress_end(&bar);
	reeve_imap_free(imap);
	return n;
}

int
main(int argc, char **argv)
{
	struct reeve_pool *pool;
	uint64_t sum = 0, n;
	struct row *table;
	int code;

	reeve_main(&argc, &argv);
	program_begin("", rows, argc, argv);
	program_arguments(argc, 0, "no arguments");
	table = calloc(table_rows, sizeof(*table));
	if (table == NULL) {
		err(1, "no memory");
	}
	for (uint64_t i = 0; i < table_rows; i++) {
		table[i] = (struct row){ .first = i * columns,
			.columns = columns,
			.pause_ms = pause_ms,
			.retries = retries };
		snprintf(table[i].method, sizeof(table[i].method), "%s",
		    method_word != NULL ? method_word : "");
	}
	pool = program_pool();
	n = sum_table(pool, table, &sum);
	/* The pool first: as long as it works, it has the table. */
	code = program_end(pool, n, table_rows);
	free(table);
	if (code == 0) {
		printf("sum: %" PRIu64 "\n", sum);
	}
	return code;
}
