/* SPDX-License-Identifier: MIT */
/*
 * reeve map: what its files share. Options, and small things that have no
 * better place. Uses the installed headers of reeve alone.
 */
#ifndef REEVE_MAP_H
#define REEVE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/map/map_halt.h"

#define MAP_PRINTF(f, a) __attribute__((format(printf, f, a)))

#define MAP_MS INT64_C(1000000)
#define MAP_S  (1000 * MAP_MS)

/* Exit status; 128 + N: stopped by signal N. */
enum { MAP_DONE, MAP_SOME_FAILED, MAP_USAGE, MAP_COULD_NOT };

#define MAP_ITEM_MAX 131071u /* bytes that the kernel takes as one argument */
#define MAP_CALL_MAX ((size_t)16 * 1024 * 1024) /* of an item of a function */

enum map_resume { MAP_ANEW, MAP_RESUME, MAP_RESUME_BY_TEXT };

struct map_list {
	const char **v;
	size_t n, cap;
};

struct map_options {
	const char **command;
	size_t n_command;
	struct map_list items;     /* behind ::: */
	struct map_list arg_files; /* in the order given */
	struct map_list globs;
	bool listed; /* there was a ::: */
	unsigned jobs, retries, chunk;
	int64_t backoff, timeout, kill_after; /* ns; timeout 0: none */
	uint64_t memory;                      /* bytes; 0: no limit */
	struct map_halt halt;
	enum map_resume resume;
	bool null, shell, order, tag, resume_failed, dry_run, progress, quiet,
	    json, help;
	const char *keep, *name, *state_dir, *replace, *function;
};

/* -------- map_args.c -------- */

/* 0, or the exit status: said. */
int map_args(struct map_options *, int argc, char **argv);
/* "250ms", "5s", "2m", "1h", "30d", or seconds; false: none of these. */
bool map_parse_time(const char *text, int64_t *ns);
/* Bytes, "64MiB" (1024), "1GB" (1000). */
bool map_parse_size(const char *text, uint64_t *bytes);
void map_help(void);

/* -------- map_run.c -------- */

/* The whole job; its exit status. */
int map_run(const struct map_options *);

/* -------- map_cpus.c -------- */

/* That this process may use: affinity, and quotas of its cgroups. */
unsigned map_cpus(void);

/* -------- map_util.c -------- */

/* They return, or the program ends: what is recorded can be resumed. */
void *map_alloc(size_t n, size_t size);
void *map_grow(void *at, size_t n, size_t size);
char *map_copy(const char *bytes, size_t len);
void map_list_add(struct map_list *, const char *);

struct map_buf {
	char *data;
	size_t len, cap;
};
void map_add(struct map_buf *, const void *bytes, size_t len);
void map_adds(struct map_buf *, const char *);
void map_addf(struct map_buf *, const char *fmt, ...) MAP_PRINTF(2, 3);
/* As a JSON string; what is no UTF-8 becomes U+FFFD. */
void map_add_json(struct map_buf *, const char *bytes, size_t len);
/* As a word for the shell. */
void map_add_quoted(struct map_buf *, const char *bytes, size_t len);
/* With a NUL behind; "" when empty. */
const char *map_str(struct map_buf *);
void map_buf_free(struct map_buf *);

int64_t map_now(void); /* monotonic */
uint64_t map_hash(uint64_t hash, const void *bytes, size_t len);
#define MAP_HASH_INIT UINT64_C(0xcbf29ce484222325)
/* "reeve: ..." on stderr. */
void map_say(const char *fmt, ...) MAP_PRINTF(1, 2);
/* Nobody steers the reader's terminal: what would becomes '?'. */
char *map_plain(char *text);
/* "12m05s"; in dst. */
const char *map_span(int64_t ms, char dst[static 32]);
/* A name behind the signal's number: "TERM". */
const char *map_signal_name(int signo, char dst[static 16]);

#endif
