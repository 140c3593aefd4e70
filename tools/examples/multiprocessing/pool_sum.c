/* SPDX-License-Identifier: MIT */
/*
 * The sum of a large array: it lies in shared memory, and the tasks are which
 * part of it to add up. A task is sixteen bytes, a result eight; no number of
 * the array is copied or sent.
 *
 * Each worker opens the memory once, in the pool's initializer, by its name.
 * The name is this process's: nobody is left with it when the program has
 * ended, in whatever way.
 */
#include <reeve/memory.h>

#include "program.h"

static uint64_t numbers = 10000000, chunks = 100, rounds = 1;
static const struct option_row rows[] = {
	{ 'n', "numbers", "N", "numbers in the array [10000000]", &numbers,
	    NULL, 1, UINT64_C(1) << 32 },
	{ 'c', "chunks", "N", "parts that it is added up in [100]", &chunks,
	    NULL, 1, 1000000 },
	{ 'R', "rounds", "N", "add up each part so often [1]", &rounds, NULL, 1,
	    1000000 },
	{ 0 },
};

struct part {
	uint64_t from, to; /* the first one, and the one behind the last */
	uint64_t rounds;
};

/* ---- in a worker ---- */

static struct reeve_memory *block;

static int
open_numbers(const struct reeve_call *call)
{
	must(reeve_memory_find(&block, call->args, &error));
	return 0;
}
REEVE_FUNCTION("open", open_numbers);

static int
add_up(const struct reeve_call *call)
{
	const volatile int64_t *array = reeve_memory_at(block);
	int64_t sum = 0;
	struct part part;

	if (call->args_len != sizeof(part)) {
		return reeve_fail(call, "sum.Size", "this is no part");
	}
	memcpy(&part, call->args, sizeof(part));
	if (part.from > part.to ||
	    part.to > reeve_memory_size(block) / sizeof(*array)) {
		return reeve_fail(call, "sum.Range", "there is no such part");
	}
	for (uint64_t round = 0; round < part.rounds; round++) {
		sum = 0;
		for (uint64_t i = part.from; i < part.to; i++) {
			sum += array[i];
		}
	}
	return reeve_return(call, &sum, sizeof(sum));
}
REEVE_FUNCTION("add_up", add_up);

/* ---- in the program ---- */

static struct reeve_memory *
new_numbers(const char *name)
{
	struct reeve_memory_options options = {
		.size = sizeof(options), .name = name, .reserve = true
	};
	struct reeve_memory *memory;
	int64_t *array;

	must(reeve_memory_new(
	    &memory, numbers * sizeof(*array), &options, &error));
	array = reeve_memory_at(memory);
	for (uint64_t i = 0; i < numbers; i++) {
		array[i] = (int64_t)i;
	}
	return memory;
}

static struct part *
new_parts(void)
{
	struct part *parts = calloc(chunks, sizeof(*parts));
	uint64_t at = 0;

	if (parts == NULL) {
		err(1, "no memory");
	}
	for (uint64_t i = 0; i < chunks; i++) {
		parts[i].from = at;
		at += numbers / chunks + (i < numbers % chunks);
		parts[i].to = at;
		parts[i].rounds = rounds;
	}
	return parts;
}

/* Of all parts that are good; *n says how many. */
static int64_t
sum_of_parts(struct reeve_pool *pool, const struct part *parts, uint64_t *n)
{
	struct progress bar = {
		.what = "sum", .total = chunks, .quiet = quiet
	};
	struct reeve_map map = { .size = sizeof(map),
		.function = "add_up",
		.items = parts,
		.item_size = sizeof(*parts),
		.n = chunks,
		.unordered = true };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_imap *imap;
	int64_t sum = 0;
	size_t index;

	must(reeve_pool_imap(pool, &map, &imap, &error));
	progress_begin(&bar);
	while (program_next(imap, &bar, &result, &index)) {
		if (result.outcome == REEVE_OUTCOME_GOOD) {
			sum += *(const int64_t *)result.data;
			++*n;
		} else {
			program_complain("a part", &result);
		}
		reeve_task_result_free(&result);
	}
	progress_end(&bar);
	reeve_imap_free(imap);
	return sum;
}

int
main(int argc, char **argv)
{
	struct reeve_memory *memory;
	struct reeve_pool *pool;
	struct part *parts;
	uint64_t n = 0;
	char name[32];
	int64_t sum;
	int code;

	reeve_main(&argc, &argv);
	program_begin("", rows, argc, argv);
	program_arguments(argc, 0, "no arguments");
	snprintf(name, sizeof(name), "pool_sum.%d", (int)getpid());
	memory = new_numbers(name);
	parts = new_parts();
	pool = program_pool(.initializer = "open", .init_args = name,
	    .init_args_length = strlen(name));
	sum = sum_of_parts(pool, parts, &n);
	/* The pool first: as long as it works, it has the parts. */
	code = program_end(pool, n, chunks);
	free(parts);
	reeve_memory_free(memory);
	if (code == 0) {
		printf("sum: %" PRId64 "\n", sum);
	}
	return code;
}
