/* SPDX-License-Identifier: MIT */
/*
 * A process from reeve_process_start to the end of reeve_process_join, by each
 * start method, beside a bare fork, exit and wait of this small process; with
 * a moment between two of them, and one right after the other. Python's three
 * methods for comparison.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/reeve.h>

#include "bench/bench.h"

#define ROUNDS 200
#define FEW    15

enum { FORKSERVER, FORK, SPAWN, RAW, WAYS };

static const enum reeve_method methods[] = { REEVE_METHOD_FORKSERVER,
	REEVE_METHOD_FORK, REEVE_METHOD_SPAWN };

static struct reeve_context *context;

static int
nothing(const struct reeve_call *call)
{
	(void)call;
	return 0;
}
REEVE_FUNCTION("bench.nothing", nothing);

static void
must(enum reeve_status status, const struct reeve_error *err)
{
	if (status != REEVE_OK) {
		fprintf(stderr, "bench: %s\n", err->text);
		exit(2);
	}
}

static void
run(int way)
{
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "bench.nothing",
		.method = methods[way] };
	struct reeve_process *p;
	struct reeve_error err;

	must(reeve_process_new(&p, context, &options, &err), &err);
	must(reeve_process_start(p, &err), &err);
	must(reeve_process_join(p, REEVE_FOREVER, &err), &err);
	must(reeve_process_free(p, false, &err), &err);
}

static void
run_raw(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static double
once(int way)
{
	int64_t begun = bench_now();

	if (way == RAW) {
		run_raw();
	} else {
		run(way);
	}
	return (double)(bench_now() - begun) / 1e3;
}

/* All ways in turns, so that they meet the same weather. */
static void
measure(unsigned rounds, int pause_ms, double medians[WAYS])
{
	double *us[WAYS];

	for (int way = 0; way < WAYS; way++) {
		us[way] = calloc(rounds, sizeof(double));
	}
	for (unsigned i = 0; i < rounds; i++) {
		for (int way = 0; way < WAYS; way++) {
			if (pause_ms > 0) {
				poll(NULL, 0, pause_ms);
				us[way][i] = once(way);
				continue;
			}
			once(way);
			us[way][i] = (once(way) + once(way)) / 2;
		}
	}
	for (int way = 0; way < WAYS; way++) {
		medians[way] = bench_median(us[way], rounds);
		free(us[way]);
	}
}

int
main(int argc, char **argv)
{
	struct reeve_context_options options = { .size = sizeof(options) };
	unsigned rounds = bench_rounds(ROUNDS);
	double calm[WAYS], close_by[WAYS];
	struct reeve_error err;

	reeve_main(&argc, &argv);
	options.libexec_dir = bench_build();
	must(reeve_context_new(&context, &options, &err), &err);
	measure(2, 5, calm); /* the fork server starts */
	measure(rounds, 5, calm);
	measure(rounds, 0, close_by);
	bench_ratio("process by forkserver", calm[FORKSERVER], calm[RAW], "us",
	    2.5, false);
	bench_figure("process by fork", calm[FORK], "us", 0, false);
	bench_figure("process by spawn", calm[SPAWN], "us", 0, false);
	bench_figure("forkserver, one after the other", close_by[FORKSERVER],
	    "us", 0, false);
	bench_figure(
	    "fork, one after the other", close_by[FORK], "us", 0, false);
	bench_figure(
	    "spawn, one after the other", close_by[SPAWN], "us", 0, false);
	bench_figure(
	    "bare fork, one after the other", close_by[RAW], "us", 0, false);
	bench_python("bench_process.py", rounds < FEW ? rounds : FEW);
	reeve_context_free(context);
	bench_end();
	return bench_verdict();
}
