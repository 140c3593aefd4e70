/* SPDX-License-Identifier: MIT */
/*
 * Cubes over a pool, twice: by map, which returns when all are done, with one
 * array of results; and by imap, which gives them one after the other, in the
 * order of the numbers, while later ones are still being worked at.
 *
 * A cube may be computed again, so what a worker leaves behind that is killed
 * is given to another one (`retries`).
 */
#include "program.h"

static uint64_t numbers = 10, pause_ms;
static const struct option_row rows[] = {
	{ 'n', "numbers", "N", "cubes of 0 to N - 1 [10]", &numbers, NULL, 1,
	    1000000 },
	{ 'p', "pause", "MS", "let each take so long [0]", &pause_ms, NULL, 0,
	    10000 },
	{ 0 },
};

struct job {
	uint64_t n;
	uint64_t pause_ms;
};

/* In a worker. */
static int
cube(const struct reeve_call *call)
{
	struct timespec rest;
	struct job job;

	if (call->args_len != sizeof(job)) {
		return reeve_fail(call, "cube.Size", "this is no number");
	}
	memcpy(&job, call->args, sizeof(job));
	rest.tv_sec = (time_t)(job.pause_ms / 1000);
	rest.tv_nsec = (long)(job.pause_ms % 1000) * 1000000;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
	job.n = job.n * job.n * job.n;
	return reeve_return(call, &job.n, sizeof(job.n));
}
REEVE_FUNCTION("cube", cube);

/* False: ctrl-C came. */
static bool
by_map(struct reeve_pool *pool, const struct reeve_map *map, uint64_t *cubes)
{
	struct progress bar = {
		.what = "map", .total = numbers, .quiet = quiet
	};
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	enum reeve_status status = REEVE_ETIMEDOUT;
	struct reeve_results *results;

	/* reeve_pool_map does all of this at once, without a bar. */
	must(reeve_pool_map_start(pool, map, &results, NULL, NULL, &error));
	progress_begin(&bar);
	while (status == REEVE_ETIMEDOUT && !stopped) {
		must(reeve_pool_stats(pool, &stats, &error));
		progress_show(&bar, stats.good);
		status = reeve_results_wait(results, A_WHILE);
	}
	bar.done = reeve_results_n(results) - reeve_results_bad(results);
	progress_end(&bar);
	if (!stopped) {
		must(status);
		must(
		    reeve_results_copy(results, cubes, sizeof(*cubes), &error));
	}
	reeve_results_free(results);
	return !stopped;
}

/* How many there are before a bad one, or ctrl-C. */
static uint64_t
by_imap(struct reeve_pool *pool, const struct reeve_map *map)
{
	struct progress bar = {
		.what = "imap", .total = numbers, .quiet = quiet
	};
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_imap *imap;
	uint64_t n = 0;
	size_t index;

	must(reeve_pool_imap(pool, map, &imap, &error));
	progress_begin(&bar);
	while (program_next(imap, &bar, &result, &index)) {
		if (result.outcome != REEVE_OUTCOME_GOOD) {
			program_complain("imap", &result);
			reeve_task_result_free(&result);
			break;
		}
		printf("%zu cubed is %" PRIu64 "\n", index,
		    *(const uint64_t *)result.data);
		reeve_task_result_free(&result);
		n++;
	}
	progress_end(&bar);
	reeve_imap_free(imap);
	return n;
}

int
main(int argc, char **argv)
{
	struct reeve_pool *pool;
	uint64_t *cubes, sum = 0, n;
	struct job *jobs;
	int code;

	reeve_main(&argc, &argv);
	program_begin("", rows, argc, argv);
	program_arguments(argc, 0, "no arguments");
	pool = program_pool();
	jobs = calloc(numbers, sizeof(*jobs));
	cubes = calloc(numbers, sizeof(*cubes));
	if (jobs == NULL || cubes == NULL) {
		err(1, "no memory");
	}
	for (uint64_t i = 0; i < numbers; i++) {
		jobs[i] = (struct job){ i, pause_ms };
	}

	struct reeve_map map = { .size = sizeof(map),
		.function = "cube",
		.items = jobs,
		.item_size = sizeof(*jobs),
		.n = numbers };

	n = by_map(pool, &map, cubes) ? by_imap(pool, &map) : 0;
	for (uint64_t i = 0; i < numbers; i++) {
		sum += cubes[i];
	}
	/* The pool first: as long as it works, it has the jobs. */
	code = program_end(pool, n, numbers);
	free(jobs);
	free(cubes);
	if (code == 0) {
		printf("sum: %" PRIu64 "\n", sum);
	}
	return code;
}
