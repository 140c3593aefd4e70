/* SPDX-License-Identifier: MIT */
/*
 * What these examples have in common: the start method is the first word of the
 * command line, and whatever fails ends the program with a word about it.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reeve/process.h>

static struct reeve_error error; /* filled by the call that failed */

static inline void
must(enum reeve_status status)
{
	if (status != REEVE_OK) {
		errx(1, "%s: %s", reeve_status_text(status), error.text);
	}
}

/* "spawn", "fork" or "forkserver"; none: the default. */
static inline enum reeve_method
method_of(const char *word)
{
	static const char *const words[] = { [REEVE_METHOD_SPAWN] = "spawn",
		[REEVE_METHOD_FORK] = "fork",
		[REEVE_METHOD_FORKSERVER] = "forkserver" };

	for (int i = REEVE_METHOD_SPAWN; i <= REEVE_METHOD_FORKSERVER; i++) {
		if (word != NULL && strcmp(word, words[i]) == 0) {
			return i;
		}
	}
	return REEVE_METHOD_DEFAULT;
}

static inline struct reeve_context *
new_context(char **argv)
{
	struct reeve_context_options options = { .size = sizeof(options),
		.method = method_of(argv[1]),
		.libexec_dir = getenv("REEVE_LIBEXEC") }; /* else installed */
	struct reeve_context *context;

	must(reeve_context_new(&context, &options, &error));
	return context;
}

/* A process that is started: start(context, .function = "hello", ...). */
#define start(context, ...)                  \
	started(context,                     \
	    &(struct reeve_process_options){ \
		.size = sizeof(struct reeve_process_options), __VA_ARGS__ })

static inline struct reeve_process *
started(
    struct reeve_context *context, const struct reeve_process_options *options)
{
	struct reeve_process *process;

	must(reeve_process_new(&process, context, options, &error));
	must(reeve_process_start(process, &error));
	return process;
}

/* Join it, and be content with an exit code of 0 alone. */
static inline void
finish(struct reeve_process *process)
{
	int code;

	must(reeve_process_join(process, REEVE_FOREVER, &error));
	code = reeve_process_exitcode(process);
	if (code != 0) {
		errx(1, "%s: exit code %d", reeve_process_name(process), code);
	}
	must(reeve_process_free(process, false, &error));
}

#endif
