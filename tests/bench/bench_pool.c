/* SPDX-License-Identifier: MIT */
/*
 * Empty tasks through a pool: the round trip of one, blocking and from an event
 * loop, beside two processes that do nothing but wake each other; how many a
 * second, one by one and in chunks, beside multiprocessing.Pool and
 * ProcessPoolExecutor; the memory of a million that wait; and what a worker's
 * death costs those who wait.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/pool.h>
#include <reeve/task.h>

#include "bench/bench.h"
#include "bench/bench_ring.h"

#define TRIPS 20000
#define ONES  400000
#define MANY  8000000
#define QUEUE 1000000

static int
nothing(const struct reeve_call *call)
{
	(void)call;
	return 0;
}
REEVE_FUNCTION("bench.nothing", nothing);

static int
hang(const struct reeve_call *call)
{
	(void)call;
	(void)pause();
	return 0;
}
REEVE_FUNCTION("bench.hang", hang);

static void
must(bool good, const char *what)
{
	if (!good) {
		(void)fprintf(stderr, "cannot %s\n", what);
		exit(2);
	}
}

static struct reeve_pool *
make(uint32_t workers)
{
	struct reeve_pool_options options = { .size = sizeof(options),
		.min = workers,
		.max = workers,
		.libexec_dir = bench_build() };
	struct reeve_pool *pool = NULL;
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_error err;

	if (reeve_pool_new(&pool, &options, &err) != REEVE_OK) {
		must(false, err.text);
	}
	while (stats.workers < workers) {
		struct pollfd p = { reeve_pool_fd(pool), POLLIN, 0 };

		(void)poll(&p, 1, 100);
		must(reeve_pool_dispatch(pool, NULL) == REEVE_OK, "dispatch");
		must(reeve_pool_stats(pool, &stats, NULL) == REEVE_OK, "ask");
	}
	return pool;
}

/* -------- round trips: bare -------- */

/* us each */
static double
bare_futex(void)
{
	_Atomic uint32_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int64_t began;

	if (pid == 0) {
		for (uint32_t i = 1; i <= TRIPS; i++) {
			while (atomic_load(&words[0]) < i) {
				ring_futex(&words[0], FUTEX_WAIT, i - 1);
			}
			atomic_store(&words[16], i);
			ring_futex(&words[16], FUTEX_WAKE, 1);
		}
		_exit(0);
	}
	began = bench_now();
	for (uint32_t i = 1; i <= TRIPS; i++) {
		atomic_store(&words[0], i);
		ring_futex(&words[0], FUTEX_WAKE, 1);
		while (atomic_load(&words[16]) < i) {
			ring_futex(&words[16], FUTEX_WAIT, i - 1);
		}
	}
	began = bench_now() - began;
	(void)waitpid(pid, NULL, 0);
	(void)munmap((void *)(uintptr_t)words, 4096);
	return (double)began / TRIPS / 1e3;
}

static void
pass(int fd)
{
	uint64_t one = 1;

	must(write(fd, &one, sizeof(one)) == sizeof(one), "write");
}

static void
take(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t n;

	must(poll(&p, 1, -1) == 1 && read(fd, &n, sizeof(n)) == sizeof(n),
	    "read");
}

static double
bare_eventfd(void)
{
	int there = eventfd(0, 0), back = eventfd(0, 0);
	pid_t pid = fork();
	int64_t began;

	if (pid == 0) {
		for (uint32_t i = 1; i <= TRIPS; i++) {
			take(there);
			pass(back);
		}
		_exit(0);
	}
	began = bench_now();
	for (uint32_t i = 1; i <= TRIPS; i++) {
		pass(there);
		take(back);
	}
	began = bench_now() - began;
	(void)waitpid(pid, NULL, 0);
	(void)close(there);
	(void)close(back);
	return (double)began / TRIPS / 1e3;
}

/* -------- round trips: ours -------- */

static double
blocking(struct reeve_pool *pool)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	int64_t began = bench_now();

	for (int i = 0; i < TRIPS; i++) {
		must(reeve_pool_apply(pool, "bench.nothing", NULL, 0, &result,
			 REEVE_FOREVER) == REEVE_OK,
		    "apply");
		reeve_task_result_free(&result);
	}
	return (double)(bench_now() - began) / TRIPS / 1e3;
}

static void
on_done(void *ctx, struct reeve_future *future)
{
	(void)future;
	*(bool *)ctx = true;
}

static double
from_loop(struct reeve_pool *pool)
{
	struct pollfd p = { reeve_pool_fd(pool), POLLIN, 0 };
	bool done;
	struct reeve_task task = { .size = sizeof(task),
		.function = "bench.nothing",
		.done = on_done,
		.ctx = &done };
	int64_t began = bench_now();

	for (int i = 0; i < TRIPS; i++) {
		done = false;
		must(reeve_pool_submit(pool, &task, NULL, NULL) == REEVE_OK,
		    "submit");
		while (!done) {
			(void)poll(&p, 1, -1);
			must(reeve_pool_dispatch(pool, NULL) == REEVE_OK,
			    "dispatch");
		}
	}
	return (double)(bench_now() - began) / TRIPS / 1e3;
}

/* -------- many -------- */

/* Thousand a second. */
static double
map(struct reeve_pool *pool, size_t n, uint32_t chunk)
{
	struct reeve_map map = { .size = sizeof(map),
		.function = "bench.nothing",
		.n = n,
		.chunk = chunk };
	struct reeve_results *results = NULL;
	int64_t began = bench_now();

	must(reeve_pool_map(pool, &map, &results, REEVE_FOREVER, NULL) ==
		 REEVE_OK,
	    "map");
	began = bench_now() - began;
	reeve_results_free(results);
	return (double)n * 1e6 / (double)began;
}

/* -------- memory -------- */

static long
resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	must(file != NULL && fscanf(file, "%*s %ld", &pages) == 1, "look");
	(void)fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static double
waiting(struct reeve_pool *pool, uint32_t workers)
{
	char data[64] = { 1 };
	struct reeve_task task = { .size = sizeof(task),
		.function = "bench.hang" };
	struct reeve_future *future = NULL;
	long before;

	for (uint32_t i = 0; i < workers; i++) {
		must(reeve_pool_submit(pool, &task, &future, NULL) == REEVE_OK,
		    "submit");
	}
	must(reeve_future_wait(future, REEVE_MS(100)) == REEVE_ETIMEDOUT,
	    "hang");
	task.function = "bench.nothing";
	task.data = data;
	task.length = sizeof(data);
	before = resident();
	for (int i = 0; i < QUEUE; i++) {
		must(reeve_pool_submit(pool, &task, NULL, NULL) == REEVE_OK,
		    "submit");
	}
	return (double)(resident() - before) / QUEUE - sizeof(data);
}

/* -------- deaths -------- */

/* When it begins. */
static int
when(const struct reeve_call *call)
{
	int64_t now = bench_now();

	return reeve_return(call, &now, sizeof(now));
}
REEVE_FUNCTION("bench.when", when);

struct deaths {
	double end[64], next[64]; /* ms since the KILL */
};

static struct reeve_future *
submit(struct reeve_pool *pool, const char *function)
{
	struct reeve_task task = { .size = sizeof(task), .function = function };
	struct reeve_future *future = NULL;

	must(reeve_pool_submit(pool, &task, &future, NULL) == REEVE_OK,
	    "submit");
	return future;
}

/* The only worker is killed while it runs a task and another one waits. */
static void
one_death(struct reeve_pool *pool, struct deaths *deaths, unsigned i)
{
	struct reeve_future *runs = submit(pool, "bench.hang"), *waits;
	struct reeve_unit_info worker = { .size = sizeof(worker) };
	struct reeve_task_result result = { .size = sizeof(result) };
	int64_t began, next;

	while (reeve_future_state(runs) != REEVE_FUTURE_RUNNING) {
		must(reeve_future_wait(runs, REEVE_MS(1)) == REEVE_ETIMEDOUT,
		    "wait");
	}
	waits = submit(pool, "bench.when");
	must(reeve_unit_find(
		 reeve_pool_runtime(pool), "pool.0", &worker, NULL) == REEVE_OK,
	    "find the worker");
	began = bench_now();
	must(kill(worker.pid, SIGKILL) == 0, "kill");
	must(reeve_future_wait(runs, REEVE_S(20)) == REEVE_OK, "wait");
	deaths->end[i] = (double)(bench_now() - began) / 1e6;
	must(reeve_future_get(waits, &result, REEVE_S(20)) == REEVE_OK &&
		 result.length == sizeof(next),
	    "wait for the next one");
	memcpy(&next, result.data, sizeof(next));
	deaths->next[i] = (double)(next - began) / 1e6;
	reeve_task_result_free(&result);
	reeve_future_free(runs);
	reeve_future_free(waits);
}

static void
print_deaths(struct reeve_pool *pool)
{
	static struct deaths deaths;
	unsigned rounds = bench_rounds(5) * 4;

	rounds = rounds > 64 ? 64 : rounds;
	for (unsigned i = 0; i < rounds; i++) {
		one_death(pool, &deaths, i);
	}
	bench_figure("pool: death, to its task's end",
	    bench_median(deaths.end, rounds), "ms", 20, true);
	bench_figure("pool: death, to the next task",
	    bench_median(deaths.next, rounds), "ms", 50, true);
}

/* -------- theirs -------- */

struct python {
	double apply, submit, one, many, executor;
};

static bool
python(struct python *p, uint32_t workers)
{
	const char *sources = getenv("REEVE_BENCH_SOURCES");
	char script[512], number[16], text[256] = "";
	ssize_t got;
	size_t n = 0;
	double *figures[] = { &p->apply, &p->submit, &p->one, &p->many,
		&p->executor };
	char *at = text;
	int out[2], status = -1;
	pid_t pid;

	(void)snprintf(script, sizeof(script), "%s/bench_pool.py",
	    sources != NULL ? sources : "tests/bench");
	(void)snprintf(number, sizeof(number), "%u", workers);
	must(pipe(out) == 0, "make a pipe");
	pid = fork();
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execlp(
		    "python3", "python3", script, number, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	while (n < sizeof(text) - 1 &&
	       ((got = read(out[0], text + n, sizeof(text) - 1 - n)) > 0 ||
		   (got == -1 && errno == EINTR))) {
		n += got > 0 ? (size_t)got : 0;
	}
	(void)close(out[0]);
	(void)waitpid(pid, &status, 0);
	for (int i = 0; i < 5; i++) {
		*figures[i] = strtod(at, &at);
	}
	return p->executor > 0;
}

static double
median_of(double (*one)(void))
{
	double values[64];
	unsigned rounds = bench_rounds(5);

	rounds = rounds > 64 ? 64 : rounds;
	for (unsigned i = 0; i < rounds; i++) {
		values[i] = one();
	}
	return bench_median(values, rounds);
}

static double
median(double (*one)(struct reeve_pool *), struct reeve_pool *pool)
{
	double values[64];
	unsigned rounds = bench_rounds(5);

	rounds = rounds > 64 ? 64 : rounds;
	for (unsigned i = 0; i < rounds; i++) {
		values[i] = one(pool);
	}
	return bench_median(values, rounds);
}

static double
map_ones(struct reeve_pool *pool)
{
	return map(pool, ONES, 1);
}

static double
map_many(struct reeve_pool *pool)
{
	return map(pool, MANY, 0);
}

int
main(int argc, char **argv)
{
	uint32_t workers;
	struct python theirs;
	struct reeve_pool *pool;
	double trip, loop, ones, many;

	reeve_main(&argc, &argv);
	workers = reeve_cpus();
	pool = make(1);
	trip = median(blocking, pool);
	loop = median(from_loop, pool);
	print_deaths(pool);
	reeve_pool_free(pool);
	bench_ratio("pool: round trip, bare futex", trip, median_of(bare_futex),
	    "us", 2, false);
	bench_ratio("pool: from a loop, bare eventfd", loop,
	    median_of(bare_eventfd), "us", 2, false);
	pool = make(workers);
	ones = median(map_ones, pool);
	many = median(map_many, pool);
	if (python(&theirs, workers)) {
		bench_ratio("pool: round trip, Pool.apply", theirs.apply, trip,
		    "us", 1, true);
		bench_ratio("pool: round trip, executor", theirs.submit, trip,
		    "us", 1, true);
		bench_ratio("pool: chunks of one, Pool.map", ones,
		    theirs.one / 1e3, "k/s", 30, true);
		bench_ratio("pool: chunks, Pool.map", many, theirs.many / 1e3,
		    "k/s", 2, true);
		bench_ratio("pool: chunks of one, executor", ones,
		    theirs.executor / 1e3, "k/s", 30, true);
	} else {
		bench_figure("pool: chunks of one", ones, "k/s", 660, false);
		bench_figure("pool: chunks", many, "k/s", 8000, false);
	}
	bench_figure("pool: memory of a waiting task", waiting(pool, workers),
	    "B", 100, true);
	reeve_pool_free(pool);
	bench_end();
	return bench_verdict();
}
