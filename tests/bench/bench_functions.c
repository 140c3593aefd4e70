/* SPDX-License-Identifier: MIT */
/*
 * From reeve_start in the host to the first instruction of a worker's function,
 * by each start method, beside a bare fork of a small process; then the same
 * once more with 1 GiB of touched heap in the host, which is to cost a fork
 * server nothing. Python's three methods for comparison.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/reeve.h>

#include "bench/bench.h"

#define ROUNDS 100
#define FEW    15 /* of what takes long */
#define HEAP   ((size_t)1 << 30)

enum { FORKSERVER, FORK, SPAWN, RAW, WAYS };

static const char *const names[] = { "forkserver", "fork", "spawn" };
static const enum reeve_method methods[] = { REEVE_METHOD_FORKSERVER,
	REEVE_METHOD_FORK, REEVE_METHOD_SPAWN };

static struct bench_stamps *stamps;
static char stamps_path[128];
static uint64_t seen;
static struct reeve *reeve;
static int raw_ask, raw_answers;

static int
first_instruction(const struct reeve_call *call)
{
	int64_t at = bench_now();

	bench_stamp_at(bench_stamps_open(call->args, false), 0, at);
	return 0;
}
REEVE_FUNCTION("bench.first", first_instruction);

static void
must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "bench: %s\n", what);
		exit(2);
	}
}

static void
turn(void)
{
	struct pollfd p = { .fd = reeve_fd(reeve), .events = POLLIN };
	struct reeve_error err;

	poll(&p, 1, reeve_timeout_ms(reeve));
	must(reeve_dispatch(reeve, &err) == REEVE_OK, err.text);
}

static bool
has_ended(const char *path)
{
	struct reeve_unit_info unit = { .size = sizeof(unit) };
	struct reeve_error err;

	must(reeve_unit_find(reeve, path, &unit, &err) == REEVE_OK, err.text);
	must(unit.state != REEVE_FATAL, "the function does not start");
	return unit.state == REEVE_EXITED;
}

static double
stamped_us(int64_t begun)
{
	must(bench_await(stamps, ++seen), "no stamp came");
	return (double)(stamps->stamp[seen - 1].at - begun) / 1e3;
}

static double
start(const char *path)
{
	struct reeve_error err;
	int64_t begun = bench_now();

	must(reeve_start(reeve, path, &err) == REEVE_OK, err.text);
	do {
		turn();
	} while (!has_ended(path));
	return stamped_us(begun);
}

static double
fork_raw(void)
{
	int64_t begun;

	must(write(raw_ask, "", 1) == 1 &&
		 read(raw_answers, &begun, sizeof(begun)) == sizeof(begun),
	    "bench_fork does not answer");
	return stamped_us(begun);
}

static pid_t
open_raw(void)
{
	char program[512];
	int ask[2], answers[2];
	pid_t pid;

	snprintf(program, sizeof(program), "%s/tests/bench/bench_fork",
	    bench_build());
	must(pipe2(ask, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0,
	    "cannot make pipes");
	pid = fork();
	if (pid == 0) {
		dup2(ask[0], 0);
		dup2(answers[1], 1);
		execl(program, "bench_fork", stamps_path, (char *)NULL);
		_exit(127);
	}
	close(ask[0]);
	close(answers[1]);
	raw_ask = ask[1];
	raw_answers = answers[0];
	return pid;
}

static void
open_runtime(void)
{
	static const struct reeve_callbacks callbacks = {
		.settled = bench_on_settled,
		.finished = bench_on_finished,
	};
	char state[128];
	struct reeve_options options = {
		.size = sizeof(options),
		.name = "bench-functions",
		.state_dir = state,
		.libexec_dir = bench_build(),
		.callbacks = &callbacks,
	};
	struct reeve_error err;

	snprintf(state, sizeof(state), "%s/state", bench_dir());
	must(reeve_create(&reeve, &options, &err) == REEVE_OK, err.text);
	for (int i = 0; i < RAW; i++) {
		struct reeve_worker_options worker = {
			.size = sizeof(worker),
			.function = "bench.first",
			.bytes = stamps_path,
			.n_bytes = strlen(stamps_path),
			.method = methods[i],
			.restart = REEVE_RESTART_NEVER,
			.manual = true,
			.options = "{\"startsecs\": 0}",
		};

		must(reeve_add_worker(reeve, names[i], &worker, &err) ==
			 REEVE_OK,
		    err.text);
	}
	must(reeve_commit(reeve, &err) == REEVE_OK, err.text);
	while (!bench_settled) {
		turn();
	}
}

static void
close_runtime(void)
{
	struct pollfd last = { .events = POLLIN };

	reeve_shutdown(reeve, "done");
	while (!bench_finished) {
		turn();
	}
	while ((last.fd = reeve_last_words(reeve)) != -1) {
		poll(&last, 1, -1);
		close(last.fd);
	}
	reeve_destroy(reeve);
}

/* All ways in turns, so that they meet the same weather. */
static void
measure(unsigned rounds, double medians[WAYS])
{
	double *us[WAYS];

	for (int way = 0; way < WAYS; way++) {
		us[way] = calloc(rounds, sizeof(double));
	}
	for (unsigned i = 0; i < rounds; i++) {
		for (int way = 0; way < WAYS; way++) {
			poll(NULL, 0, 5);
			us[way][i] =
			    way == RAW ? fork_raw() : start(names[way]);
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
	unsigned rounds = bench_rounds(ROUNDS);
	double small[WAYS], large[WAYS];
	char *heap;
	pid_t raw;

	reeve_main(&argc, &argv);
	snprintf(stamps_path, sizeof(stamps_path), "%s/stamps", bench_dir());
	stamps = bench_stamps_open(stamps_path, true);
	raw = open_raw();
	open_runtime();
	measure(2, small); /* the fork server starts */
	measure(rounds, small);
	heap = mmap(NULL, HEAP, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(heap != MAP_FAILED, "no memory");
	madvise(heap, HEAP, MADV_NOHUGEPAGE);
	memset(heap, 1, HEAP);
	measure(rounds < FEW ? rounds : FEW, large);
	munmap(heap, HEAP);
	bench_ratio("function by forkserver", small[FORKSERVER], small[RAW],
	    "us", 2, false);
	bench_figure("function by fork", small[FORK], "us", 0, false);
	bench_figure("function by spawn", small[SPAWN], "us", 0, false);
	bench_ratio("forkserver, host with 1 GiB", large[FORKSERVER],
	    large[RAW], "us", 2, false);
	bench_figure("fork, host with 1 GiB", large[FORK], "us", 0, false);
	bench_figure("spawn, host with 1 GiB", large[SPAWN], "us", 0, false);
	bench_python("bench_start.py", rounds < FEW ? rounds : FEW);
	close_runtime();
	close(raw_ask);
	waitpid(raw, NULL, 0);
	bench_end();
	return bench_verdict();
}
