/* SPDX-License-Identifier: MIT */
/*
 * What the programs on pools have in common: a pool by their options, and how
 * they go through the results of one while a bar moves and ctrl-C is looked
 * for.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <reeve/pool.h>
#include <reeve/task.h>

#include "usage.h"

/* One by the options: program_pool(.initializer = "open", ...). Tasks whose
 * worker died are tried again, those that said why they failed are not. */
#define program_pool(...)                              \
	program_pool_by((struct reeve_pool_options){   \
	    .size = sizeof(struct reeve_pool_options), \
	    .retries = (uint32_t)retries,              \
	    .deaths_only = true,                       \
	    .intensity = (uint32_t)intensity,          \
	    .backoff = REEVE_MS(10),                   \
	    .max = (uint32_t)workers,                  \
	    __VA_ARGS__ })

static inline struct reeve_pool *
program_pool_by(struct reeve_pool_options options)
{
	struct reeve_pool *pool;

	options.method = program_method();
	options.libexec_dir = getenv("REEVE_LIBEXEC"); /* else installed */
	must(reeve_pool_new(&pool, &options, &error));
	return pool;
}

/* The next result of an imap. False: that was the last one, or ctrl-C came. */
static inline bool
program_next(struct reeve_imap *imap, struct progress *bar,
    struct reeve_task_result *result, size_t *index)
{
	enum reeve_status status = REEVE_ETIMEDOUT;

	while (status == REEVE_ETIMEDOUT && !stopped) {
		progress_show(bar, bar->done);
		status = reeve_imap_next(imap, result, index, A_WHILE);
	}
	if (status == REEVE_EEND || status == REEVE_ETIMEDOUT) {
		return false;
	}
	must(status);
	bar->done++;
	return true;
}

/* Say what became of a task that is not good. */
static inline void
program_complain(const char *what, const struct reeve_task_result *result)
{
	warnx("%s: %s (tries: %u)", what, result->message, result->attempts);
}

/* The end of a program, of whose tasks `good` are: its exit code. */
static inline int
program_end(struct reeve_pool *pool, uint64_t good, uint64_t n)
{
	if (stopped) {
		(void)reeve_pool_terminate(pool, REEVE_MS(200), NULL);
	}
	reeve_pool_free(pool);
	if (stopped) {
		warnx("stopped by %s: %" PRIu64 " of %" PRIu64 " done",
		    strsignal(stopped), good, n);
		return 128 + stopped;
	}
	return good == n ? 0 : 1;
}

#endif
