/* SPDX-License-Identifier: MIT */
/*
 * reeve map of `true` over 10,000 lines, two at once, beside xargs -P and GNU
 * parallel, where they are installed: lines a second. The log is kept, as it
 * always is. Parallel gets fewer lines, since it takes half a minute for them.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

#define LINES 10000u
#define FEWER 2000u

static void
write_lines(const char *path, unsigned n)
{
	FILE *file = fopen(path, "w");

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	for (unsigned i = 1; i <= n; i++) {
		fprintf(file, "%u\n", i);
	}
	fclose(file);
}

/* Lines a second; 0: it could not be run. */
static double
rate(char *const *argv, const char *input, unsigned n)
{
	int64_t began_at = bench_now();
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int in = open(input, O_RDONLY),
		    null = open("/dev/null", O_RDWR);

		dup2(in, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	if (status != 0) {
		return 0;
	}
	return n * 1e9 / (double)(bench_now() - began_at);
}

#define WORD(text) (char *)(uintptr_t)(text)

int
main(void)
{
	char reeve[4096], state[4096], lines[4096], fewer[4096];
	char *map[] = { reeve, WORD("map"), WORD("-j2"), WORD("-q"),
		WORD("--state-dir"), state, WORD("true"), NULL };
	char *xargs[] = { WORD("xargs"), WORD("-P2"), WORD("-n1"), WORD("true"),
		NULL };
	char *parallel[] = { WORD("parallel"), WORD("-j2"), WORD("true"),
		NULL };
	unsigned rounds = bench_rounds(5);
	double *ours = calloc(rounds, sizeof(*ours));
	double *theirs = calloc(rounds, sizeof(*theirs));
	double median, theirs_once;

	snprintf(reeve, sizeof(reeve), "%s/reeve", bench_build());
	snprintf(state, sizeof(state), "%s/state", bench_dir());
	snprintf(lines, sizeof(lines), "%s/lines", bench_dir());
	snprintf(fewer, sizeof(fewer), "%s/fewer", bench_dir());
	write_lines(lines, LINES);
	write_lines(fewer, FEWER);
	for (unsigned i = 0; i < rounds; i++) {
		theirs[i] = rate(xargs, lines, LINES);
		ours[i] = rate(map, lines, LINES);
	}
	median = bench_median(ours, rounds);
	if (median == 0) {
		printf("reeve map could not be run\n");
	}
	bench_ratio("map of true beside xargs -P2", median,
	    bench_median(theirs, rounds), "lines/s", 0.9, true);
	theirs_once = rate(parallel, fewer, FEWER);
	if (theirs_once > 0) {
		bench_ratio("map of true beside GNU parallel", median,
		    theirs_once, "lines/s", 5, true);
	} else {
		printf("GNU parallel is not installed: not compared\n");
	}
	free(ours);
	free(theirs);
	bench_end();
	return bench_verdict();
}
