/* SPDX-License-Identifier: MIT */
/*
 * One GiB of 100-byte lines through a worker's pipe into its log file, beside
 * `cat` from the same pipe into a file on the same disk. REEVE_BENCH_MIB makes
 * it less.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

#define ROUNDS 3

static char worker[512], file[128], bytes[32];
static long mib;

static void
await_size(const char *path)
{
	struct stat st = { 0 };
	int64_t until = bench_now() + INT64_C(300000000000);

	while (stat(path, &st) != 0 || st.st_size < (off_t)mib << 20) {
		if (bench_now() > until) {
			fprintf(stderr, "bench: only %lld bytes in %s\n",
			    (long long)st.st_size, path);
			exit(2);
		}
		poll(NULL, 0, 2);
	}
}

static double
rate(int64_t begin)
{
	return (double)mib / ((double)(bench_now() - begin) / 1e9);
}

static double
through_cat(void)
{
	char out[128];
	int fds[2];
	pid_t cat, writer;
	struct bench_stamps *stamps = bench_stamps_open(file, true);
	int64_t begin;
	double r;

	snprintf(out, sizeof(out), "%s/cat.log", bench_dir());
	unlink(out);
	if (pipe(fds) != 0) {
		exit(2);
	}
	cat = fork();
	if (cat == 0) {
		dup2(fds[0], 0);
		close(fds[1]);
		dup2(open(out, O_WRONLY | O_CREAT, 0600), 1);
		execlp("cat", "cat", (char *)NULL);
		_exit(127);
	}
	writer = fork();
	if (writer == 0) {
		dup2(fds[1], 1);
		execl(worker, worker, file, "0", bytes, (char *)NULL);
		_exit(127);
	}
	close(fds[0]);
	close(fds[1]);
	bench_await(stamps, 1);
	begin = stamps->stamp[0].at;
	await_size(out);
	r = rate(begin);
	kill(writer, 9);
	waitpid(writer, NULL, 0);
	waitpid(cat, NULL, 0);
	unlink(out);
	return r;
}

static double
through_reeve(void)
{
	char members[2048], log[160];
	struct bench_stamps *stamps = bench_stamps_open(file, true);
	int64_t begin;
	double r;
	pid_t reeve;

	snprintf(members, sizeof(members),
	    "\"children\": {\"w\": {\"command\": [\"%s\", \"%s\", \"0\", "
	    "\"%s\"], \"startsecs\": 0, \"stdout_logfile_maxbytes\": 0}}",
	    worker, file, bytes);
	snprintf(log, sizeof(log), "%s/state/logs/w.stdout.log", bench_dir());
	unlink(log);
	reeve = bench_reeve(members);
	bench_await(stamps, 1);
	begin = stamps->stamp[0].at;
	await_size(log);
	r = rate(begin);
	bench_reeve_stop(reeve);
	return r;
}

int
main(void)
{
	unsigned rounds = bench_rounds(ROUNDS);
	double *ours = calloc(rounds, sizeof(double));
	double *cat = calloc(rounds, sizeof(double));
	const char *text = getenv("REEVE_BENCH_MIB");

	mib = text != NULL ? strtol(text, NULL, 10) : 1024;
	snprintf(bytes, sizeof(bytes), "%ld", mib << 20);
	snprintf(file, sizeof(file), "%s/stamps", bench_dir());
	snprintf(worker, sizeof(worker), "%s/tests/bench/bench_worker",
	    bench_build());
	for (unsigned i = 0; i < rounds; i++) {
		cat[i] = through_cat();
		ours[i] = through_reeve();
	}
	bench_ratio("capture of 100-byte lines", bench_median(ours, rounds),
	    bench_median(cat, rounds), "MiB/s", 0.8, true);
	bench_end();
	free(ours);
	free(cat);
	return bench_verdict();
}
