/* SPDX-License-Identifier: MIT */
/*
 * Starting the process of an item: one clone that shares our memory until the
 * exec, a session of its own, and an end with us. And the guard, a process that
 * kills all groups of items when we are killed.
 */
#ifndef REEVE_MAP_SPAWN_H
#define REEVE_MAP_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct map_spawn {
	char **argv;
	const char *path; /* of the program; NULL: argv[0], searched for */
	int null_fd, out_fd, err_fd;
	uint64_t memory; /* RLIMIT_DATA; 0: as it is */
	pid_t *group;    /* filled in by the new process: seen by the guard */
};

/* Once, before all else: what children shall have as we had it. */
void map_spawn_init(void);
/* Descriptors that may be open here; raised as far as it goes. */
unsigned map_spawn_files(void);
/* As it was before that. */
struct rlimit map_spawn_limit(void);
/* 0, and *pid and *pidfd; else the errno of what failed. *is_exec: it was the
 * program itself that could not be run. */
int map_spawn(const struct map_spawn *, pid_t *pid, int *pidfd, bool *is_exec);
/* The whole path of a program, as execvp would find it; free it. NULL: errno.
 */
char *map_spawn_find(const char *name);

/* -------- map_guard.c -------- */

struct map_guard {
	pid_t *groups; /* shared: one for each slot; 0: none */
	unsigned n;
	int pipe; /* closed by our end */
	pid_t pid;
};

/* False: errno. */
bool map_guard_start(struct map_guard *, unsigned slots);
/* All is over in order. */
void map_guard_end(struct map_guard *);

#endif
