/* SPDX-License-Identifier: MIT */
/*
 * A large array in shared memory: four processes add up a chunk each, and the
 * program adds up what they found. No number is copied or sent.
 */
#include <inttypes.h>

#include <reeve/memory.h>

#include "example.h"

#define WORKERS 4
#define NUMBERS 4000000

struct shared {
	int64_t sums[WORKERS];
	int64_t numbers[NUMBERS];
};

/* Its argument is which chunk. */
static int
add_up(const struct reeve_call *call)
{
	size_t i = strtoul(call->args, NULL, 10), n = NUMBERS / WORKERS;
	struct reeve_memory *block;
	struct shared *shared;
	int64_t sum = 0;

	must(reeve_memory_given(&block, "numbers", &error));
	shared = reeve_memory_at(block);
	for (size_t k = i * n; k < (i + 1) * n; k++) {
		sum += shared->numbers[k];
	}
	shared->sums[i] = sum;
	reeve_memory_free(block);
	return 0;
}
REEVE_FUNCTION("add_up", add_up);

int
main(int argc, char **argv)
{
	struct reeve_process *workers[WORKERS];
	struct reeve_context *context;
	struct reeve_memory *block;
	struct shared *shared;
	int64_t sum = 0;

	reeve_main(&argc, &argv);
	context = new_context(argv);
	must(reeve_memory_new(&block, sizeof(*shared), NULL, &error));
	shared = reeve_memory_at(block);
	for (int64_t k = 0; k < NUMBERS; k++) {
		shared->numbers[k] = k;
	}
	for (int i = 0; i < WORKERS; i++) {
		char chunk[] = { (char)('0' + i), '\0' };

		workers[i] = start(context, .function = "add_up", .args = chunk,
		    REEVE_GIVES(reeve_memory_give("numbers", block)));
	}
	for (int i = 0; i < WORKERS; i++) {
		finish(workers[i]);
		printf("chunk %d: %" PRId64 "\n", i, shared->sums[i]);
		sum += shared->sums[i];
	}
	printf("sum: %" PRId64 "\n", sum);
	reeve_memory_free(block);
	reeve_context_free(context);
	return 0;
}
