/* SPDX-License-Identifier: MIT */
/*
 * What a runtime costs its host: memory and descriptors for a tree of 100
 * workers, and the size of the stripped library.
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

#define WORKERS 100

static bool settled, finished;

static void
on_settled(void *ctx)
{
	(void)ctx;
	settled = true;
}

static void
on_finished(void *ctx, bool gave_up)
{
	(void)ctx;
	(void)gave_up;
	finished = true;
}

static long
rss_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) {
		pages = 0;
	}
	if (file != NULL) {
		fclose(file);
	}
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

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
add_workers(struct reeve *reeve)
{
	struct reeve_worker_options worker = {
		.size = sizeof(worker),
		.command = "/bin/sleep 1000",
		.options = "{\"startsecs\": 0, \"stopsignal\": \"KILL\", "
			   "\"stdout_logfile\": \"NONE\"}",
	};
	struct reeve_error err;
	char path[64];

	for (int i = 0; i < WORKERS; i++) {
		snprintf(path, sizeof(path), "w%03d", i);
		must(reeve_add_worker(reeve, path, &worker, &err), &err);
	}
	must(reeve_commit(reeve, &err), &err);
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

int
main(void)
{
	static const struct reeve_callbacks callbacks = {
		.settled = on_settled,
		.finished = on_finished,
	};
	struct reeve_options options = {
		.size = sizeof(options),
		.name = "bench-host",
		.libexec_dir = bench_build(),
		.callbacks = &callbacks,
	};
	struct reeve *reeve = NULL;
	struct reeve_error err;
	struct pollfd last = { .events = POLLIN };
	long rss_none = 0, rss_empty, rss_all;
	unsigned fds_none = 0, fds_empty, fds_all;
	char state[512];

	snprintf(state, sizeof(state), "%s/state", bench_dir());
	options.state_dir = state;
	/* Twice: what measuring itself touches shall not count. */
	for (int i = 0; i < 2; i++) {
		rss_none = rss_kib();
		fds_none = descriptors();
	}
	must(reeve_create(&reeve, &options, &err), &err);
	while (!settled) {
		turn(reeve);
	}
	fds_empty = descriptors();
	rss_empty = rss_kib();
	add_workers(reeve);
	while (!all_run(reeve)) {
		turn(reeve);
	}
	rss_all = rss_kib();
	fds_all = descriptors();
	bench_figure("host: memory of a runtime",
	    (double)(rss_empty - rss_none), "KiB", 1024, true);
	bench_figure("host: memory with 100 workers",
	    (double)(rss_all - rss_none), "KiB", 1024, true);
	bench_figure("host: descriptors of a runtime",
	    (double)(fds_empty - fds_none), "", 16, true);
	bench_figure("host: more of them for 100 workers",
	    (double)fds_all - (double)fds_empty, "", 0, true);
	bench_figure("libreeve.so, stripped",
	    stripped_size("libreeve.so") / 1024, "KiB", 600, true);
	bench_figure("libreeve-child.so, stripped",
	    stripped_size("libreeve-child.so") / 1024, "KiB", 60, true);
	reeve_shutdown(reeve, "done");
	while (!finished) {
		turn(reeve);
	}
	while ((last.fd = reeve_last_words(reeve)) != -1) {
		poll(&last, 1, -1);
		close(last.fd);
	}
	reeve_destroy(reeve);
	bench_end();
	return bench_verdict();
}
