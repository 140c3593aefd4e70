/* SPDX-License-Identifier: MIT */
/*
 * What a runtime costs its host: memory and descriptors for a tree of 100
 * workers, programs first and then functions with pages and heartbeats, and
 * the size of the stripped library.
 */
#include "config.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/reeve.h>

#include "bench/bench.h"

#define WORKERS  100
#define RUNS_MAX 32

static int
beat(const struct reeve_call *call)
{
	(void)call;
	reeve_ready();
	while (!reeve_stopping()) {
		struct pollfd p = { .fd = reeve_stopping_fd(),
			.events = POLLIN };

		reeve_beat();
		poll(&p, 1, 1000);
	}
	return 0;
}
REEVE_FUNCTION("bench.beat", beat);

static unsigned
descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir != NULL && readdir(dir) != NULL) {
		n++;
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return n;
}

static void
turn(struct reeve *reeve)
{
	struct pollfd p = { .fd = reeve_fd(reeve), .events = POLLIN };
	struct reeve_error err;

	poll(&p, 1, reeve_timeout_ms(reeve));
	if (reeve_dispatch(reeve, &err) != REEVE_OK) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static void
must(enum reeve_status status, const struct reeve_error *err)
{
	if (status != REEVE_OK) {
		fprintf(stderr, "%s\n", err->text);
		exit(1);
	}
}

static bool
all_run(struct reeve *reeve)
{
	struct reeve_unit_info unit = { .size = sizeof(unit) };
	unsigned n = 0;

	while (reeve_unit_next(reeve, &unit)) {
		n += unit.kind == REEVE_WORKER && unit.state == REEVE_RUNNING;
	}
	return n == WORKERS;
}

static void
run_workers(struct reeve *reeve, const struct reeve_worker_options *worker)
{
	struct reeve_error err;
	char path[64];

	for (int i = 0; i < WORKERS; i++) {
		snprintf(path, sizeof(path), "w%03d", i);
		must(reeve_add_worker(reeve, path, worker, &err), &err);
	}
	must(reeve_commit(reeve, &err), &err);
	while (!all_run(reeve)) {
		turn(reeve);
	}
}

/* Bytes of the library without its symbols for debugging. */
static double
stripped_size(const char *library)
{
	char command[1024], path[512];
	struct stat st = { 0 };
	pid_t pid;

	snprintf(path, sizeof(path), "%s/stripped.so", bench_dir());
	snprintf(
	    command, sizeof(command), "%s/.libs/%s", bench_build(), library);
	pid = fork();
	if (pid == 0) {
		execlp("strip", "strip", "--strip-unneeded", "-o", path,
		    command, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

/* What was there more than before there was a runtime. */
struct cost {
	long empty_kib[BENCH_PARTS], all_kib[BENCH_PARTS];
	long empty_fds, all_fds;
};

static void
subtract(long kib[static BENCH_PARTS], const long before[static BENCH_PARTS])
{
	for (int i = 0; i < BENCH_PARTS; i++) {
		kib[i] -= before[i];
	}
}

static double
sum(const long kib[static BENCH_PARTS])
{
	long all = 0;

	for (int i = 0; i < BENCH_PARTS; i++) {
		all += kib[i];
	}
	return (double)all;
}

static void
print_parts(const long kib[static BENCH_PARTS])
{
	for (int i = 0; i < BENCH_PARTS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "  %s", bench_part_names[i]);
		bench_figure(name, (double)kib[i], "KiB", 0, false);
	}
}

static void
end(struct reeve *reeve)
{
	struct pollfd last = { .events = POLLIN };

	reeve_shutdown(reeve, "done");
	while (!bench_finished) {
		turn(reeve);
	}
	while ((last.fd = reeve_last_words(reeve)) != -1) {
		poll(&last, 1, -1);
		close(last.fd);
	}
	reeve_destroy(reeve);
}

static void
measure(const struct reeve_worker_options *worker, struct cost *cost)
{
	static const struct reeve_callbacks callbacks = {
		.settled = bench_on_settled,
		.finished = bench_on_finished,
	};
	struct reeve_options options = {
		.size = sizeof(options),
		.name = "bench-host",
		.libexec_dir = bench_build(),
		.callbacks = &callbacks,
	};
	struct reeve *reeve = NULL;
	struct reeve_error err;
	long kib[BENCH_PARTS], fds = 0;
	char state[512];

	snprintf(state, sizeof(state), "%s/state", bench_dir());
	options.state_dir = state;
	/* Twice: what measuring itself touches shall not count. */
	for (int i = 0; i < 2; i++) {
		bench_parts(kib);
		fds = (long)descriptors();
	}
	must(reeve_create(&reeve, &options, &err), &err);
	while (!bench_settled) {
		turn(reeve);
	}
	cost->empty_fds = (long)descriptors() - fds;
	bench_parts(cost->empty_kib);
	subtract(cost->empty_kib, kib);
	run_workers(reeve, worker);
	bench_parts(cost->all_kib);
	subtract(cost->all_kib, kib);
	cost->all_fds = (long)descriptors() - fds;
	end(reeve);
}

/* Each in a host of its own, which begins with nothing of the other's. */
static struct cost
measured_once(const char *what)
{
	struct cost cost = { 0 };
	int ends[2];
	pid_t pid;

	if (pipe(ends) == -1) {
		exit(1);
	}
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execl("/proc/self/exe", "bench_host", what, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	if (read(ends[0], &cost, sizeof(cost)) != sizeof(cost)) {
		fprintf(stderr, "the host of %s failed\n", what);
		exit(1);
	}
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return cost;
}

static int
by_all(const void *a, const void *b)
{
	const struct cost *one = a, *other = b;
	double left = sum(one->all_kib), right = sum(other->all_kib);

	return (left > right) - (left < right);
}

/*
 * Of several runs the one in the middle: how many pages around a touched one
 * the kernel maps along differs from run to run.
 */
static struct cost
measured(const char *what)
{
	struct cost costs[RUNS_MAX];
	unsigned n = bench_rounds(7);

	n = n < RUNS_MAX ? n : RUNS_MAX;
	for (unsigned i = 0; i < n; i++) {
		costs[i] = measured_once(what);
	}
	qsort(costs, n, sizeof(costs[0]), by_all);
	return costs[n / 2];
}

int
main(int argc, char **argv)
{
	static const struct reeve_worker_options program = {
		.size = sizeof(program),
		.command = "/bin/sleep 1000",
		.options = "{\"startsecs\": 0, \"stopsignal\": \"KILL\", "
			   "\"stdout_logfile\": \"NONE\"}",
	};
	static const struct reeve_worker_options function = {
		.size = sizeof(function),
		.function = "bench.beat",
		.ready_notify = true,
		.heartbeat_ms = 5000,
		.options = "{\"stdout_logfile\": \"NONE\"}",
	};
	struct cost programs, functions;

	reeve_main(&argc, &argv);
	if (argc > 1) {
		measure(strcmp(argv[1], "programs") == 0 ? &program : &function,
		    &programs);
		bench_end();
		return write(1, &programs, sizeof(programs)) !=
		       sizeof(programs);
	}
	programs = measured("programs");
	functions = measured("functions");
	bench_figure("host: memory of a runtime", sum(programs.empty_kib),
	    "KiB", 1024, true);
	print_parts(programs.empty_kib);
	bench_figure("host: memory with 100 workers", sum(programs.all_kib),
	    "KiB", 1024, true);
	print_parts(programs.all_kib);
	bench_figure("host: memory with 100 functions", sum(functions.all_kib),
	    "KiB", 1024, true);
	print_parts(functions.all_kib);
	bench_figure("host: descriptors of a runtime",
	    (double)programs.empty_fds, "", 16, true);
	bench_figure("host: more of them for 100 workers",
	    (double)(programs.all_fds - programs.empty_fds), "", 0, true);
	bench_figure("host: more of them for 100 functions",
	    (double)(functions.all_fds - functions.empty_fds), "", 0, true);
	bench_figure("libreeve.so, stripped",
	    stripped_size("libreeve.so") / 1024, "KiB", 600, true);
	bench_figure("libreeve-child.so, stripped",
	    stripped_size("libreeve-child.so") / 1024, "KiB", 60, true);
	bench_end();
	return bench_verdict();
}
