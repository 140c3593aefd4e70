/* SPDX-License-Identifier: MIT */
/*
 * The command line: what was asked, and what the verbs share. Uses the
 * installed headers of reeve alone.
 */
#ifndef REEVE_CLI_H
#define REEVE_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <reeve/reeve.h>

#define CLI_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum cli_option {
#define ALL(id, name, letter, arg, doc) CLI_OPT_##id,
#define X(id, name, letter, arg, doc)   CLI_OPT_##id,
#include "tools/reeve/options.def"
#undef ALL
#undef X
	CLI_OPTIONS
};

enum { CLI_OK, CLI_FAILED, CLI_USAGE, CLI_NO_RUNTIME };

struct cli {
	bool has[CLI_OPTIONS];
	const char *arg[CLI_OPTIONS];
	char **names;
	int n_names;
	bool color; /* on stdout */
};

typedef int cli_verb_fn(struct cli *);

struct cli_verb {
	const char *name, *args;
	int least, most;
	const char *options, *line, *more;
	cli_verb_fn *run;
};
extern const struct cli_verb cli_verbs[];
extern const unsigned cli_n_verbs;

struct cli_option_info {
	const char *name;
	int letter;
	const char *arg, *doc;
	bool all;
};
extern const struct cli_option_info cli_options[CLI_OPTIONS];

#define X(id, name, args, least, most, options, line, more) \
	cli_verb_fn cli_verb_##id;
#include "tools/reeve/verbs.def"
#undef X

/* -------- cli_main.c -------- */

/* NULL: there is none. */
const struct cli_verb *cli_find_verb(const char *name);
/* Says so, with the nearest one; CLI_USAGE. */
int cli_no_verb(const char *name);
/* It reads all words behind it by itself. */
bool cli_is_raw(const struct cli_verb *);
bool cli_takes(const struct cli_verb *, enum cli_option);

/* -------- cli_out.c -------- */

/* No colours on stderr either. */
void cli_plain(void);
/*
 * What is said on stderr goes there instead; NULL: on stderr again. Borrowed
 * until then.
 */
void cli_errors_to(FILE *);
FILE *cli_errors(void);
/* "reeve: ..." on stderr; in red on a terminal. */
void cli_error(const char *fmt, ...) CLI_PRINTF(1, 2);
/* The same for a status, whose exit code it returns. */
int cli_fail(const struct reeve_error *);
enum cli_color { CLI_PLAIN, CLI_RED, CLI_GREEN, CLI_YELLOW, CLI_DIM, CLI_BOLD };
const char *cli_on(const struct cli *, enum cli_color);
const char *cli_off(const struct cli *);
/* Of the terminal on stdout; 0: it is none. */
int cli_width(void);
int cli_height(void);
/* "3d4h", "12m5s", "250ms": two units at most. In dst. */
const char *cli_span(int64_t ms, char *dst, size_t size);
/* Local time with milliseconds. */
const char *cli_time(int64_t at_us, char *dst, size_t size);
/* "10m" ago or ISO 8601; false: neither. */
bool cli_parse_time(const char *text, int64_t *at_us);
bool cli_parse_number(const char *text, long least, long most, long *out);
/* "file:line:column: error: text", as compilers say it. */
void cli_print_finding(FILE *, bool color, bool is_warning, const char *file,
    long line, long column, const char *text);
/* One line of JSON. */
void cli_print_json(const json_t *);

/* -------- cli_find.c -------- */

/* The config that is meant, or NULL: said. */
const char *cli_config(const struct cli *);

/* Where a runtime is to be found: by its config, or by its state directory. */
struct cli_place {
	const char *config;
	const char *state_dir;         /* NULL: as the config says */
	struct reeve_config_info info; /* of a good config */
	char *guessed;
};
/* CLI_OK or the exit code: said. */
int cli_place(const struct cli *, struct cli_place *);
void cli_place_finish(struct cli_place *);
int cli_open_log(const struct cli *, struct reeve_log **);

/* -------- cli_seek.c -------- */

/* The state directory of the runtime that began with this file, or NULL;
 * free it. */
char *cli_seek(const char *file);

/* -------- cli_ask.c -------- */

/* Connect; CLI_OK or the exit code: said. */
int cli_connect(const struct cli *, struct reeve_client **);
/* Ask and wait; *result is the caller's, NULL with an exit code: said. */
int cli_ask(struct reeve_client *, const char *method, json_t *params_take,
    json_t **result);
/* The same, and what workers come to meanwhile is printed. */
int cli_ask_and_show(const struct cli *, struct reeve_client *,
    const char *method, json_t *params_take, json_t **result);
/* {"names": [...]} of the names from `first` on. */
json_t *cli_names(const struct cli *, int first);
/*
 * Where a runtime lives: have it write everything that it knows, tails of
 * output among it. In vain without one, and never for long.
 */
void cli_sync(const struct cli *);
/* Descriptors of the processes that end with the runtime; -1: none. */
void cli_watch_processes(struct reeve_client *, int fds[2]);
void cli_await_processes(int fds[2]);

/* -------- cli_event.c -------- */

/* One event in a line; detail is a JSON object as text. */
void cli_print_event(const struct cli *, uint64_t id, int64_t at_us,
    uint64_t life, const char *path, const char *kind, const char *detail);

#endif
