/* SPDX-License-Identifier: MIT */
/*
 * Pi by throwing darts: of those that hit the square, pi / 4 hit the circle in
 * it. Each task throws a share of them, from a seed of its own that depends on
 * --seed and on which share it is. So the result is the same to the last digit
 * whatever the number of workers, whoever throws which share, and however many
 * were killed: a share that is thrown again hits what it had hit before.
 *
 * The shares are not listed anywhere: imap asks `next_share` for them, a few
 * ahead of what has come back.
 */
#include <math.h>

#include "program.h"

static uint64_t darts = 100000000, shares = 200, seed = 1;
static const struct option_row rows[] = {
	{ 'n', "darts", "N", "darts in all [100000000]", &darts, NULL, 1,
	    UINT64_C(1) << 50 },
	{ 's', "seed", "N", "other darts for each [1]", &seed, NULL, 0,
	    UINT64_MAX },
	{ 't', "tasks", "N", "shares of darts [200]", &shares, NULL, 1,
	    1000000 },
	{ 0 },
};

struct share {
	uint64_t seed, darts;
};

/* A generator that is its counter, mixed (splitmix64): quick, and two of them
 * that begin anywhere have nothing to do with each other. */
static uint64_t
mix(uint64_t n)
{
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

/* From 0 to 1. */
static double
draw(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	return (double)(mix(*state) >> 11) * 0x1p-53;
}

/* In a worker: its result is how many hit. */
static int
throw_darts(const struct reeve_call *call)
{
	struct share share;
	uint64_t hits = 0;

	if (call->args_len != sizeof(share)) {
		return reeve_fail(call, "darts.Size", "this is no share");
	}
	memcpy(&share, call->args, sizeof(share));
	for (uint64_t i = 0; i < share.darts; i++) {
		double x = draw(&share.seed), y = draw(&share.seed);

		hits += x * x + y * y < 1;
	}
	return reeve_return(call, &hits, sizeof(hits));
}
REEVE_FUNCTION("throw", throw_darts);

/* Where the producer is. */
struct producer {
	uint64_t i;
	struct share share;
};

static bool
next_share(void *ctx, const void **data, size_t *length, bool *failed)
{
	struct producer *at = ctx;

	(void)failed;
	if (at->i == shares) {
		return false;
	}
	/* What cannot be divided evenly is thrown by the first ones. */
	at->share.darts = darts / shares + (at->i < darts % shares);
	at->share.seed = mix(mix(seed) + at->i);
	at->i++;
	*data = &at->share;
	*length = sizeof(at->share);
	return true;
}

static void
print_pi(uint64_t hits)
{
	double part = (double)hits / (double)darts;

	printf("%" PRIu64 " of %" PRIu64 " darts hit\n", hits, darts);
	printf("pi is about %.9f, give or take %.9f\n", 4 * part,
	    4 * sqrt(part * (1 - part) / (double)darts));
}

int
main(int argc, char **argv)
{
	struct progress bar = { .what = "darts" };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct producer producer = { 0 };
	struct reeve_map map = { .size = sizeof(map),
		.function = "throw",
		.next = next_share,
		.ctx = &producer,
		.chunk = 1, /* a share is large enough */
		.unordered = true };
	uint64_t hits = 0, bad = 0;
	struct reeve_pool *pool;
	struct reeve_imap *imap;
	size_t index;
	int code;

	reeve_main(&argc, &argv);
	program_begin("", rows, argc, argv);
	program_arguments(argc, 0, "no arguments");
	pool = program_pool();
	must(reeve_pool_imap(pool, &map, &imap, &error));
	bar.total = shares;
	bar.quiet = quiet;
	progress_begin(&bar);
	while (program_next(imap, &bar, &result, &index)) {
		if (result.outcome == REEVE_OUTCOME_GOOD) {
			hits += *(const uint64_t *)result.data;
		} else {
			program_complain("a share", &result);
			bad++;
		}
		reeve_task_result_free(&result);
	}
	progress_end(&bar);
	reeve_imap_free(imap);
	code = program_end(pool, bar.done - bad, shares);
	if (code == 0) {
		print_pi(hits);
	}
	return code;
}
