/* SPDX-License-Identifier: MIT */
/*
 * reeve-worker: the program in which functions of modules run where the host
 * has none of its own, under `reeve run` above all. All it does is the guard.
 */
#include "config.h"

#include <stdio.h>

#include <reeve/function.h>

int
main(int argc, char **argv)
{
	reeve_main(&argc, &argv);
	fprintf(stderr,
	    "reeve-worker is started by a reeve runtime, not by hand\n");
	return 2;
}
