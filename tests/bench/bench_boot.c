/* SPDX-License-Identifier: MIT */
/*
 * A thousand workers with captured output: how long until all are up, beside a
 * raw loop that makes the same pipes; what supervisor, launcher and clerk weigh
 * then; how often they wake when nothing happens; and all killed at once.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/bench_raw.h"

#define WORKERS 1000
#define ROUNDS  5

static char file[128], worker[512];

static double
boot_raw(void)
{
	static struct raw_child children[WORKERS];
	char number[] = "0", bytes[] = "10240";
	char *argv[] = { worker, file, number, bytes, NULL };
	struct bench_stamps *stamps = bench_stamps_open(file, true);
	int64_t at = bench_now();
	double ms;

	for (int i = 0; i < WORKERS; i++) {
		raw_start(&children[i], argv, true);
	}
	bench_await(stamps, WORKERS);
	ms = (double)(stamps->stamp[WORKERS - 1].at - at) / 1e6;
	for (int i = 0; i < WORKERS; i++) {
		kill(children[i].pid, SIGKILL);
	}
	for (int i = 0; i < WORKERS; i++) {
		raw_await(&children[i]);
	}
	return ms;
}

static pid_t
begin_reeve(struct bench_stamps **stamps)
{
	char members[2048];

	*stamps = bench_stamps_open(file, true);
	snprintf(members, sizeof(members),
	    "\"children\": {\"w\": {\"numprocs\": %d, \"command\": [\"%s\", "
	    "\"%s\", \"%%(process_num)d\", \"10240\"], \"startsecs\": 0, "
	    "\"stopwaitsecs\": \"60s\"}}",
	    WORKERS, worker, file);
	return bench_reeve(members);
}

static double
boot_reeve(void)
{
	struct bench_stamps *stamps;
	int64_t at = bench_now();
	pid_t reeve = begin_reeve(&stamps);
	double ms;

	bench_await(stamps, WORKERS);
	ms = (double)(stamps->stamp[WORKERS - 1].at - at) / 1e6;
	bench_reeve_stop(reeve);
	return ms;
}

static long
number_of(const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	long n = -1;

	snprintf(path, sizeof(path), "%s/state/events.db", bench_dir());
	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		n = (long)sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void
weigh(pid_t reeve)
{
	pid_t all[3] = { reeve };
	unsigned n = 1 + bench_children(reeve, all + 1, 2);
	long pss = 0, before = 0, after = 0;

	poll(NULL, 0, 3000); /* what is still on its way settles */
	for (unsigned i = 0; i < n; i++) {
		printf("  %s: %ld KiB\n", i == 0 ? "supervisor" : "helper",
		    bench_pss_kib(all[i]));
		pss += bench_pss_kib(all[i]);
		before += bench_switches(all[i]);
	}
	bench_figure("PSS of all three, 1000 workers", (double)pss / 1024,
	    "MiB", 6, true);
	poll(NULL, 0, 10000);
	for (unsigned i = 0; i < n; i++) {
		after += bench_switches(all[i]);
	}
	bench_figure("wakeups in 10 idle seconds", (double)(after - before), "",
	    0, true);
}

static void
kill_all(struct bench_stamps *stamps)
{
	uint64_t n = stamps->n;
	int64_t at = bench_now();

	for (uint64_t i = 0; i < n; i++) {
		kill(stamps->stamp[i].pid, SIGKILL);
	}
	if (!bench_await(stamps, 2 * WORKERS)) {
		fputs("bench: not all came back\n", stderr);
		exit(2);
	}
	bench_figure("1000 killed at once, all back",
	    (double)(stamps->stamp[2 * WORKERS - 1].at - at) / 1e6, "ms", 0,
	    false);
}

int
main(void)
{
	unsigned rounds = bench_rounds(ROUNDS);
	double *ours = calloc(rounds, sizeof(double));
	double *raw = calloc(rounds, sizeof(double));
	struct rlimit files = { 8192, 8192 };
	struct bench_stamps *stamps;
	pid_t reeve;

	setrlimit(RLIMIT_NOFILE, &files);
	snprintf(file, sizeof(file), "%s/stamps", bench_dir());
	snprintf(worker, sizeof(worker), "%s/tests/bench/bench_worker",
	    bench_build());
	for (unsigned i = 0; i < rounds; i++) {
		raw[i] = boot_raw();
		ours[i] = boot_reeve();
	}
	bench_ratio("1000 workers up", bench_median(ours, rounds),
	    bench_median(raw, rounds), "ms", 1.5, false);
	reeve = begin_reeve(&stamps);
	bench_await(stamps, WORKERS);
	weigh(reeve);
	kill_all(stamps);
	bench_reeve_stop(reeve);
	bench_figure("deaths by KILL in the log",
	    (double)number_of("SELECT count(*) FROM lives WHERE signal = 9 "
			      "AND end_reason = 'signaled'"),
	    "", 0, false);
	bench_figure("lives without an end",
	    (double)number_of(
		"SELECT count(*) FROM lives WHERE ended_at IS NULL"),
	    "", 0, true);
	bench_end();
	free(ours);
	free(raw);
	return bench_verdict();
}
