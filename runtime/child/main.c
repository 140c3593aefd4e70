/* SPDX-License-Identifier: MIT */
/*
 * The guard: see <reeve/function.h>. A process that the launcher started to
 * run a function, or to be a fork server, never gets beyond it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reeve/function.h>

#include "child/call.h"
#include "child/forker.h"
#include "child/run.h"

#define FAILED 127

static bool called;

/* The number in this variable, which is removed; -1: there is none. */
static int
take_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (text == NULL) {
		return -1;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 3 || n > INT_MAX) {
		n = -1;
	}
	unsetenv(name);
	return (int)n;
}

void
reeve_main(int *argc, char ***argv)
{
	int fd = take_number(RV_CALL_ENV);
	int sock = take_number(RV_TEMPLATE_ENV);
	struct rv_call call;
	int error;

	(void)argc;
	called = true;
	if (fd == -1) {
		return;
	}
	error = rv_call_map(fd, &call);
	if (error != 0) {
		fprintf(
		    stderr, "reeve: what descriptor %d has is no call\n", fd);
		_exit(FAILED);
	}
	close(fd);
	if (sock != -1) {
		fcntl(sock, F_SETFD, FD_CLOEXEC);
		rv_run_title(argv != NULL ? (*argv)[0] : NULL);
		rv_forker_serve(sock, call.preload, call.n_preload);
	}
	rv_run_spawned(&call);
}

bool
reeve_main_called(void)
{
	return called;
}
