/* SPDX-License-Identifier: MIT */
/*
 * The worker of the benches: bench_worker STAMPS NUMBER [BYTES] stamps its
 * first instruction, writes so many bytes of lines, and waits.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

int
main(int argc, char **argv)
{
	char line[100];
	long left = argc > 3 ? strtol(argv[3], NULL, 10) : 0;

	bench_stamp(
	    bench_stamps_open(argv[1], false), (int)strtol(argv[2], NULL, 10));
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (; left > 0; left -= (long)sizeof(line)) {
		if (write(1, line, sizeof(line)) < 0) {
			return 1;
		}
	}
	for (;;) {
		pause();
	}
}
