/* SPDX-License-Identifier: MIT */
/*
 * What the larger examples have in common: options from a table, ctrl-C, and an
 * end at the first error. A program says what it takes and begins:
 *
 *	static uint64_t n = 10;
 *	static const struct option_row rows[] = {
 *		{ 'n', "numbers", "N", "how many [10]", &n, NULL, 1, 1000 },
 *		{ 0 },
 *	};
 *	program_begin("", rows, argc, argv);
 *
 * Exit codes: 0 all is well, 1 something is not, 2 the command line is wrong,
 * and 128 plus the signal's number when it was told to end.
 */
#ifndef USAGE_H
#define USAGE_H

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reeve/process.h>

#include "progress.h"

static struct reeve_error error; /* filled by the call that failed */

static inline void
must(enum reeve_status status)
{
	if (status != REEVE_OK) {
		errx(1, "%s: %s", reeve_status_text(status), error.text);
	}
}

/* ---- options ---- */

/* One option: a number within its limits, or a word; neither: a switch. */
struct option_row {
	int letter;
	const char *name;  /* the long one */
	const char *value; /* what --help calls it; NULL: a switch */
	const char *help;
	uint64_t *number;
	const char **word;
	uint64_t min, max;
};

#define PROGRAM_OPTIONS 24

static uint64_t workers;        /* 0: as many as there are processors */
static uint64_t retries = 5;    /* of a task whose worker died */
static uint64_t intensity = 5;  /* deaths of workers that had not begun */
static uint64_t quiet;          /* no progress */
static const char *method_word; /* NULL: the default */

static const struct option_row common_rows[] = {
	{ 'j', "jobs", "N", "workers [one for each processor]", &workers, NULL,
	    1, 512 },
	{ 'r', "retries", "N", "tries after a worker died [5]", &retries, NULL,
	    0, 1000000 },
	{ 'I', "intensity", "N",
	    "give up after so many that had not begun, in 10 s [5]", &intensity,
	    NULL, 1, UINT32_MAX },
	{ 'm', "method", "HOW", "workers by spawn, fork or forkserver", NULL,
	    &method_word, 0, 0 },
	{ 'q', "quiet", NULL, "no progress", &quiet, NULL, 0, 0 },
	{ 'h', "help", NULL, "this", NULL, NULL, 0, 0 },
	{ 0 },
};

static inline void
program_help(const char *usage, const struct option_row *rows)
{
	printf(
	    "usage: %s [options]%s\n\n", program_invocation_short_name, usage);
	for (int table = 0; table < 2; table++) {
		const struct option_row *row = table == 0 ? rows : common_rows;

		for (; row->letter != 0; row++) {
			printf("  -%c, --%s%s%-*s %s\n", row->letter, row->name,
			    row->value != NULL ? " " : "",
			    20 - (int)strlen(row->name) + (row->value == NULL),
			    row->value != NULL ? row->value : "", row->help);
		}
	}
	exit(0);
}

static inline uint64_t
program_number(const struct option_row *row, const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    n < row->min || n > row->max) {
		errx(2,
		    "--%s takes a number from %" PRIu64 " to %" PRIu64
		    ", not \"%s\"",
		    row->name, row->min, row->max, text);
	}
	return n;
}

static inline void
program_take(const struct option_row *row, const char *usage,
    const struct option_row *rows)
{
	if (row->letter == 'h') {
		program_help(usage, rows);
	} else if (row->word != NULL) {
		*row->word = optarg;
	} else {
		*row->number =
		    row->value != NULL ? program_number(row, optarg) : 1;
	}
}

static inline enum reeve_method
program_method(void)
{
	static const char *const words[] = { [REEVE_METHOD_SPAWN] = "spawn",
		[REEVE_METHOD_FORK] = "fork",
		[REEVE_METHOD_FORKSERVER] = "forkserver" };

	for (int i = REEVE_METHOD_SPAWN; i <= REEVE_METHOD_FORKSERVER; i++) {
		if (method_word != NULL && strcmp(method_word, words[i]) == 0) {
			return i;
		}
	}
	if (method_word != NULL) {
		errx(2, "--method is spawn, fork or forkserver, not \"%s\"",
		    method_word);
	}
	return REEVE_METHOD_DEFAULT;
}

/* ---- ctrl-C ---- */

/* The signal that told the program to end. Its loops look at it, so that what
 * is under way ends in order. */
static volatile sig_atomic_t stopped;

/* How long to wait at a time, so that a bar moves and ctrl-C is seen. */
#define A_WHILE REEVE_MS(50)

static inline void
program_stop(int signo)
{
	stopped = signo;
}

/* What is left of the command line begins at argv[optind]. */
static inline void
program_begin(
    const char *usage, const struct option_row *rows, int argc, char **argv)
{
	struct sigaction stop = { .sa_handler = program_stop };
	const struct option_row *all[PROGRAM_OPTIONS];
	struct option longs[PROGRAM_OPTIONS + 1] = { 0 };
	char letters[3 * PROGRAM_OPTIONS] = "";
	int letter, n = 0, at = 0;

	for (int table = 0; table < 2; table++) {
		const struct option_row *row = table == 0 ? rows : common_rows;

		for (; row->letter != 0 && n < PROGRAM_OPTIONS; row++, n++) {
			all[n] = row;
			longs[n].name = row->name;
			longs[n].has_arg = row->value != NULL;
			longs[n].val = row->letter;
			at += snprintf(letters + at,
			    sizeof(letters) - (size_t)at, "%c%s", row->letter,
			    row->value != NULL ? ":" : "");
		}
	}
	while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		int i = 0;

		while (i < n && all[i]->letter != letter) {
			i++;
		}
		if (i == n) { /* getopt has said what it is about */
			fprintf(stderr, "usage: %s [options]%s; see --help\n",
			    program_invocation_short_name, usage);
			exit(2);
		}
		program_take(all[i], usage, rows);
	}
	(void)program_method();
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
}

/* Arguments that are not options: exactly these, as in the usage. */
static inline void
program_arguments(int argc, int n, const char *what)
{
	if (argc - optind != n) {
		errx(2, "it takes %s, and %d were given", what, argc - optind);
	}
}

#endif
