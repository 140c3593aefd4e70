/* SPDX-License-Identifier: MIT */
/*
 * From the instruction that crashes to the exception's row in events.db, as a
 * reader sees it, less the time that the kernel takes by itself to have a
 * process of that size die of SIGSEGV and its parent told. The workers are this
 * program again: with the crash report what is waited for is its record, where
 * that is not loaded the row of a trace that the worker wrote before.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"

#define ROUNDS     40
#define ROUNDS_MAX 200

static struct bench_stamps *stamps;
static sqlite3 *db;
static sqlite3_stmt *count;

static void
pause_us(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	ppoll(NULL, 0, &t, NULL);
}

static void
crash(int worker)
{
	volatile int *volatile nowhere = NULL;
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	bench_stamp(stamps, worker);
	*nowhere = 1;
}

/* Worker i crashes when it is its turn: i - 1 have. */
static int
work(int worker)
{
	const char *preload = getenv("LD_PRELOAD");

	if (preload == NULL || strstr(preload, "reeve-crash") == NULL) {
		fputs("Traceback (most recent call last):\n"
		      "  File \"/srv/app.py\", line 1, in <module>\n"
		      "ValueError: no\n",
		    stderr);
	}
	while (__atomic_load_n(&stamps->n, __ATOMIC_ACQUIRE) <
	       (uint64_t)worker * 2) {
		pause_us(500);
	}
	crash(worker);
	return 0;
}

/* Lives with an exception. */
static int
recorded(void)
{
	char path[256];
	int n = -1;

	if (db == NULL) {
		snprintf(path, sizeof(path), "%s/state/events.db", bench_dir());
		if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) !=
			SQLITE_OK ||
		    sqlite3_prepare_v2(db,
			"SELECT COUNT(DISTINCT life_id) FROM exceptions", -1,
			&count, NULL) != SQLITE_OK) {
			sqlite3_close(db);
			db = NULL;
			return -1;
		}
	}
	if (sqlite3_step(count) == SQLITE_ROW) {
		n = sqlite3_column_int(count, 0);
	}
	sqlite3_reset(count);
	return n;
}

static double
crash_ours(unsigned i)
{
	uint64_t seen = (uint64_t)i * 2 + 1;
	int64_t until = bench_now() + 20000000000;

	if (!bench_await(stamps, seen)) {
		fputs("bench: no worker crashed\n", stderr);
		exit(2);
	}
	while (recorded() <= (int)i) {
		if (bench_now() > until) {
			fputs("bench: there is no row\n", stderr);
			exit(2);
		}
		pause_us(100);
	}
	return (double)(bench_now() - stamps->stamp[seen - 1].at) / 1e6;
}

static double
crash_raw(unsigned i)
{
	uint64_t seen = (uint64_t)i * 2 + 2;
	int64_t ended;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		crash(-1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ended = bench_now();
	if (!WIFSIGNALED(status) || stamps->n < seen) {
		fputs("bench: the raw child did not crash\n", stderr);
		exit(2);
	}
	return (double)(ended - stamps->stamp[seen - 1].at) / 1e6;
}

static pid_t
start(const char *program, const char *file, unsigned rounds)
{
	char *members = malloc((size_t)rounds * 1024 + 64);
	size_t at = (size_t)snprintf(members, 64, "\"children\": {");

	for (unsigned i = 0; i < rounds; i++) {
		at += (size_t)snprintf(members + at, 1024,
		    "%s\"w%u\": {\"command\": [\"%s\", \"%s\", \"%u\"], "
		    "\"autorestart\": false, \"crash_report\": true}",
		    i > 0 ? ", " : "", i, program, file, i);
	}
	snprintf(members + at, 8, "}");
	return bench_reeve(members);
}

int
main(int argc, char **argv)
{
	unsigned rounds = bench_rounds(ROUNDS);
	double ours[ROUNDS_MAX], raw[ROUNDS_MAX], kernel;
	char file[128], program[512];
	pid_t reeve;

	if (argc == 3) {
		stamps = bench_stamps_open(argv[1], false);
		return work((int)strtol(argv[2], NULL, 10));
	}
	rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
	snprintf(file, sizeof(file), "%s/stamps", bench_dir());
	snprintf(program, sizeof(program), "%s/tests/bench/bench_crash",
	    bench_build());
	stamps = bench_stamps_open(file, true);
	reeve = start(program, file, rounds);
	for (unsigned i = 0; i < rounds; i++) {
		ours[i] = crash_ours(i);
		poll(NULL, 0, 20); /* names are looked for meanwhile */
		raw[i] = crash_raw(i);
	}
	kernel = bench_median(raw, rounds);
	bench_figure("a crash by itself, median", kernel, "ms", 0, false);
	bench_figure("crash to the row, beyond that, median",
	    bench_median(ours, rounds) - kernel, "ms", 10, true);
	bench_figure("crash to the row, beyond that, worst",
	    ours[rounds - 1] - kernel, "ms", 0, false);
	sqlite3_finalize(count);
	sqlite3_close(db);
	bench_reeve_stop(reeve);
	bench_end();
	return bench_verdict();
}
