/* SPDX-License-Identifier: MIT */
/*
 * From SIGKILL of a worker to the first instruction of its successor: reeve and
 * the raw loop in turns, so that both meet the same weather.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/bench_raw.h"

#define ROUNDS 100

static struct bench_stamps *stamps;
static uint64_t seen;
static struct raw_child raw;
static char *raw_argv[4];

static double
last_latency(int64_t killed_at)
{
	if (!bench_await(stamps, ++seen)) {
		fputs("bench: no successor came\n", stderr);
		exit(2);
	}
	return (double)(stamps->stamp[seen - 1].at - killed_at) / 1e6;
}

static double
kill_ours(void)
{
	static pid_t pid;
	int64_t at;
	double ms;

	if (pid == 0) {
		pid = stamps->stamp[0].pid;
	}
	at = bench_now();
	kill(pid, SIGKILL);
	ms = last_latency(at);
	pid = stamps->stamp[seen - 1].pid;
	return ms;
}

static double
kill_raw(void)
{
	int64_t at = bench_now();

	kill(raw.pid, SIGKILL);
	raw_await(&raw);
	raw_start(&raw, raw_argv, true);
	return last_latency(at);
}

int
main(void)
{
	unsigned rounds = bench_rounds(ROUNDS);
	double *ours = calloc(rounds, sizeof(double));
	double *theirs = calloc(rounds, sizeof(double));
	char file[128], worker[512], members[2048], raw_number[] = "1";
	pid_t reeve;

	snprintf(file, sizeof(file), "%s/stamps", bench_dir());
	snprintf(worker, sizeof(worker), "%s/tests/bench/bench_worker",
	    bench_build());
	stamps = bench_stamps_open(file, true);
	raw_argv[0] = worker;
	raw_argv[1] = file;
	raw_argv[2] = raw_number;
	snprintf(members, sizeof(members),
	    "\"children\": {\"w\": {\"command\": [\"%s\", \"%s\", \"0\"], "
	    "\"startsecs\": 0, \"backoff\": {\"initial\": 0, \"min\": 0, "
	    "\"max\": 0}}}",
	    worker, file);
	reeve = bench_reeve(members);
	if (!bench_await(stamps, ++seen)) {
		return 2;
	}
	raw_start(&raw, raw_argv, true);
	bench_await(stamps, ++seen);
	for (unsigned i = 0; i < rounds; i++) {
		poll(NULL, 0, 20); /* both settle */
		ours[i] = kill_ours();
		poll(NULL, 0, 20);
		theirs[i] = kill_raw();
	}
	kill(raw.pid, SIGKILL);
	raw_await(&raw);
	bench_ratio("restart after SIGKILL, median", bench_median(ours, rounds),
	    bench_median(theirs, rounds), "ms", 1.5, false);
	bench_figure("restart after SIGKILL, 90th of 100",
	    ours[rounds * 9 / 10], "ms", 0, false);
	bench_reeve_stop(reeve);
	bench_end();
	free(ours);
	free(theirs);
	return bench_verdict();
}
