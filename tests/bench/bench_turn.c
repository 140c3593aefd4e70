/* SPDX-License-Identifier: MIT */
/*
 * A host with a thousand workers, all killed at once: how much processor time
 * the longest turn of its loop takes.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <reeve/reeve.h>

#include "bench/bench.h"

#define WORKERS 1000
#define ROUNDS  5

static double longest;

static int64_t
cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
turn(struct reeve *reeve)
{
	struct pollfd p = { .fd = reeve_fd(reeve), .events = POLLIN };
	struct reeve_error err;
	int64_t at;
	double ms;

	poll(&p, 1, 10);
	at = cpu_now();
	if (reeve_dispatch(reeve, &err) != REEVE_OK) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(2);
	}
	ms = (double)(cpu_now() - at) / 1e6;
	longest = ms > longest ? ms : longest;
}

static void
run_until(struct reeve *reeve, struct bench_stamps *stamps, uint64_t n)
{
	while (__atomic_load_n(&stamps->n, __ATOMIC_ACQUIRE) < n) {
		turn(reeve);
	}
}

static struct reeve *
begin(const char *file, const char *stamps)
{
	static const struct reeve_callbacks callbacks = {
		.finished = bench_on_finished,
	};
	struct reeve_options options = {
		.size = sizeof(options),
		.config_file = file,
		.libexec_dir = bench_build(),
		.callbacks = &callbacks,
	};
	struct reeve *reeve = NULL;
	struct reeve_error err;
	FILE *config = fopen(file, "w");

	fprintf(config,
	    "{\"state_dir\": \"%s/state\", \"children\": {\"w\": "
	    "{\"numprocs\": "
	    "%d, \"command\": [\"%s/tests/bench/bench_worker\", \"%s\", "
	    "\"0\"], \"startsecs\": 0, \"backoff\": {\"initial\": 0, \"min\": "
	    "0, \"max\": 0}}}}",
	    bench_dir(), WORKERS, bench_build(), stamps);
	fclose(config);
	if (reeve_create(&reeve, &options, &err) != REEVE_OK) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(2);
	}
	return reeve;
}

int
main(void)
{
	char config[128], file[128];
	struct rlimit files = { 8192, 8192 };
	unsigned rounds = bench_rounds(ROUNDS);
	double *all = calloc(rounds, sizeof(double));
	struct bench_stamps *stamps;
	struct reeve *reeve;
	double boot;

	setrlimit(RLIMIT_NOFILE, &files);
	snprintf(config, sizeof(config), "%s/reeve.json", bench_dir());
	snprintf(file, sizeof(file), "%s/stamps", bench_dir());
	stamps = bench_stamps_open(file, true);
	reeve = begin(config, file);
	run_until(reeve, stamps, WORKERS);
	boot = longest;
	for (unsigned i = 0; i < rounds; i++) {
		longest = 0;
		for (uint64_t j = i * WORKERS; j < (i + 1) * WORKERS; j++) {
			kill(stamps->stamp[j].pid, SIGKILL);
		}
		run_until(reeve, stamps, (i + 2) * WORKERS);
		all[i] = longest;
	}
	reeve_shutdown(reeve, "bench");
	while (!bench_finished) {
		turn(reeve);
	}
	reeve_destroy(reeve);
	bench_figure("longest turn of the boot, CPU", boot, "ms", 5, true);
	bench_figure("longest turn, 1000 die at once, CPU",
	    bench_median(all, rounds), "ms", 5, true);
	bench_end();
	free(all);
	return bench_verdict();
}
