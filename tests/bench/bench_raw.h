/* SPDX-License-Identifier: MIT */
/*
 * The raw loop that reeve is measured against: clone, exec, pidfd, poll, and
 * nothing else. It stands for what the kernel makes possible.
 */
#ifndef RV_TESTS_BENCH_RAW_H
#define RV_TESTS_BENCH_RAW_H

#include <stdbool.h>
#include <sys/types.h>

struct raw_child {
	pid_t pid;
	int pidfd, out[2]; /* reading ends of its pipes, -1: none */
};

/* Start argv; with pipes for its output if asked. */
void raw_start(struct raw_child *, char *const *argv, bool pipes);
/* Wait for its end and reap it. */
void raw_await(struct raw_child *);

#endif
