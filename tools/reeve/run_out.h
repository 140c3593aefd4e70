/* SPDX-License-Identifier: MIT */
/*
 * Where `reeve run` says what happens: its terminal, or, in the background, a
 * file in the state directory, written by a process of its own. A line that
 * would have to wait is dropped and counted.
 */
#ifndef REEVE_RUN_OUT_H
#define REEVE_RUN_OUT_H

#include "tools/reeve/cli.h"

#define RUN_OUT_KEEP 16384

struct run_out {
	struct cli *cli;
	int fd;         /* where lines go, never waiting; -1: nowhere */
	int terminal;   /* the stdout that we were given */
	FILE *errors;   /* the stderr that we were given; NULL: still that */
	bool by_stdout; /* stdout is a socket: no descriptor of our own */
	bool is_file;   /* of which others may hold the position */
	bool color_stderr;
	int parent;         /* who waits for the first word; -1 */
	int log;            /* the writing end to the log's process; -1 */
	unsigned long lost; /* lines that were dropped */
	bool later;         /* lines are kept until run_out_flush */
	size_t kept;        /* bytes of keep that are taken */
	char keep[RUN_OUT_KEEP];
};

void run_out_init(struct run_out *, struct cli *);
void run_out_finish(struct run_out *);
void run_out_line(struct run_out *, enum reeve_level, const char *text);
/*
 * From now until run_out_flush lines are only kept: a restart is not to wait
 * for a terminal to be written to.
 */
void run_out_hold(struct run_out *);
void run_out_flush(struct run_out *);

/*
 * Go to the background. True in the child. In the parent false, once the child
 * has settled or ended, with the exit code.
 */
bool run_out_detach(
    struct run_out *, const char *state_dir, bool json, int *code);
/* Everything is up, or has failed: the terminal is free. */
void run_out_settled(struct run_out *);
/* The end came first. */
void run_out_ended(struct run_out *, int code);

/* run_tree.c: all of `reeve run`, to its exit code. */
int run_tree(struct cli *, const char *config_file);

#endif
