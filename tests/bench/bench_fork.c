/* SPDX-License-Identifier: MIT */
/*
 * A bare fork of a small process, as the bench of functions sets itself
 * against: bench_fork STAMPS forks for each byte that it reads, the child
 * stamps, and its end is answered with the moment before the fork.
 */
#include "config.h"

#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

int
main(int argc, char **argv)
{
	struct bench_stamps *stamps =
	    argc == 2 ? bench_stamps_open(argv[1], false) : NULL;
	char byte;

	while (stamps != NULL && read(0, &byte, 1) == 1) {
		int64_t at = bench_now();
		pid_t pid = fork();

		if (pid == 0) {
			bench_stamp(stamps, 0);
			_exit(0);
		}
		if (pid == -1 || waitpid(pid, NULL, 0) == -1 ||
		    write(1, &at, sizeof(at)) != sizeof(at)) {
			return 1;
		}
	}
	return stamps == NULL;
}
