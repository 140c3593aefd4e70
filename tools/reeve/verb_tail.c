/* SPDX-License-Identifier: MIT */
/*
 * reeve tail: the last lines of a worker's log file; with --follow what comes,
 * over rotations, woken by inotify.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/reeve/cli.h"

struct choice {
	const char *name;
	bool want_stderr, known;
	char path[PATH_MAX];
	char nearest[256];
	unsigned best;
};

static void
on_worker(void *ctx, const struct reeve_config_worker *worker)
{
	struct choice *choice = ctx;
	const char *file = choice->want_stderr ? worker->stderr_logfile
					       : worker->stdout_logfile;
	unsigned d = cli_distance(worker->path, choice->name);

	if (strcmp(worker->path, choice->name) == 0) {
		choice->known = true;
		snprintf(choice->path, sizeof(choice->path), "%s",
		    file != NULL ? file : "");
	}
	if (d < choice->best) {
		choice->best = d;
		snprintf(choice->nearest, sizeof(choice->nearest), "%s",
		    worker->path);
	}
}

/* Without a config: the name that AUTO gives. */
static void
guess_path(struct choice *choice, const char *state_dir)
{
	size_t n = (size_t)snprintf(
	    choice->path, sizeof(choice->path), "%s/logs/", state_dir);

	for (const char *at = choice->name;
	     *at != '\0' && n + 20 < sizeof(choice->path); at++) {
		if (*at == '/') {
			choice->path[n++] = '_';
		}
		choice->path[n++] = *at == '/' ? '_' : *at;
	}
	snprintf(choice->path + n, sizeof(choice->path) - n, ".%s.log",
	    choice->want_stderr ? "stderr" : "stdout");
	choice->known = true;
}

static int
find_file(struct cli *cli, struct choice *choice)
{
	struct reeve_error err;
	const char *config;

	if (cli->has[CLI_OPT_state_dir]) {
		guess_path(choice, cli->arg[CLI_OPT_state_dir]);
		return CLI_OK;
	}
	config = cli_config(cli);
	if (config == NULL) {
		return CLI_USAGE;
	}
	if (reeve_config_workers(config, on_worker, choice, &err) != REEVE_OK) {
		cli_error("%s:%d: %s", config, err.line, err.text);
		return CLI_USAGE;
	}
	if (!choice->known) {
		cli_error("there is no worker %s%s%s%s", choice->name,
		    choice->best <= 3 ? "; did you mean " : "",
		    choice->best <= 3 ? choice->nearest : "",
		    choice->best <= 3 ? "?" : "");
		return CLI_FAILED;
	}
	if (choice->path[0] == '\0') {
		cli_error("the %s of %s does not go into a file",
		    choice->want_stderr ? "stderr" : "stdout", choice->name);
		return CLI_FAILED;
	}
	return CLI_OK;
}

/* Where the last n lines begin. */
static off_t
find_lines(int fd, off_t size, long n)
{
	char block[65536];
	off_t at = size;

	while (at > 0) {
		size_t len =
		    at > (off_t)sizeof(block) ? sizeof(block) : (size_t)at;
		ssize_t got = pread(fd, block, len, at - (off_t)len);

		if (got != (ssize_t)len) {
			return 0;
		}
		for (size_t i = len; i > 0; i--) {
			off_t here = at - (off_t)len + (off_t)i;

			/* A newline at the very end closes the last line. */
			if (block[i - 1] == '\n' && here != size && n-- == 1) {
				return here;
			}
		}
		at -= (off_t)len;
	}
	return 0;
}

/* -------- showing -------- */

struct tail {
	struct cli *cli;
	const struct choice *choice;
	const char *path;
	int fd;             /* -1: there is no file yet */
	int watch, of_file; /* inotify, and its watch of the file */
	char *line;         /* what has come of a line, for --json */
	size_t len;
};

#define LINE_MAX_JSON ((size_t)65536)

/* Bytes that are not UTF-8 become question marks: JSON has no word for them. */
static json_t *
json_text(char *text, size_t len)
{
	json_t *value;

	while ((value = json_stringn(text, len)) == NULL) {
		for (size_t i = 0; i < len; i++) {
			text[i] = (char)((unsigned char)text[i] < 128 ? text[i]
								      : '?');
		}
	}
	return value;
}

static void
print_json_line(struct tail *t)
{
	json_t *object = json_object();

	json_object_set_new(object, "path", json_string(t->choice->name));
	json_object_set_new(object, "stream",
	    json_string(t->choice->want_stderr ? "stderr" : "stdout"));
	json_object_set_new(object, "line", json_text(t->line, t->len));
	cli_print_json(object);
	json_decref(object);
	t->len = 0;
}

static bool
put(struct tail *t, const char *data, size_t len)
{
	if (!t->cli->has[CLI_OPT_json]) {
		return fwrite(data, 1, len, stdout) == len;
	}
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n') {
			t->line[t->len++] = data[i];
		}
		if (data[i] == '\n' || t->len == LINE_MAX_JSON) {
			print_json_line(t);
		}
	}
	return ferror(stdout) == 0;
}

static bool
copy_on(struct tail *t)
{
	char block[65536];
	ssize_t n = 0;

	while (t->fd != -1 && (n = read(t->fd, block, sizeof(block))) > 0) {
		if (!put(t, block, (size_t)n)) {
			return false;
		}
	}
	return fflush(stdout) == 0 && n == 0;
}

/* -------- following -------- */

static bool
is_another(const struct tail *t)
{
	struct stat have, there;

	if (stat(t->path, &there) != 0) {
		return false;
	}
	return t->fd == -1 || fstat(t->fd, &have) != 0 ||
	       have.st_ino != there.st_ino || have.st_dev != there.st_dev;
}

/* Shorter than where we are: it was truncated. */
static void
rewind_truncated(const struct tail *t)
{
	struct stat st;

	if (t->fd != -1 && fstat(t->fd, &st) == 0 &&
	    st.st_size < lseek(t->fd, 0, SEEK_CUR)) {
		lseek(t->fd, 0, SEEK_SET);
	}
}

static void
switch_over(struct tail *t)
{
	int next = open(t->path, O_RDONLY | O_CLOEXEC);

	if (next == -1) {
		return;
	}
	copy_on(t); /* what came between the last look and the rotation */
	if (t->fd != -1) {
		close(t->fd);
	}
	t->fd = next;
	if (t->of_file != -1) {
		inotify_rm_watch(t->watch, t->of_file);
	}
	t->of_file = inotify_add_watch(t->watch, t->path, IN_MODIFY);
}

/* Of the folder only what makes names: its other files are others' matter. */
static bool
begin_watch(struct tail *t)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", t->path);
	t->watch = inotify_init1(IN_CLOEXEC);
	if (t->watch == -1 || inotify_add_watch(t->watch, dirname(folder),
				  IN_CREATE | IN_MOVED_TO) == -1) {
		cli_error("cannot watch %s: %s", t->path, strerror(errno));
		return false;
	}
	if (t->fd != -1) {
		t->of_file = inotify_add_watch(t->watch, t->path, IN_MODIFY);
	}
	return true;
}

static int
follow(struct tail *t)
{
	char events[4096];
	ssize_t n = 1;

	if (!begin_watch(t)) {
		return CLI_FAILED;
	}
	/* Watched first, read then: nothing falls in between. */
	while (n > 0) {
		rewind_truncated(t);
		if (!copy_on(t)) {
			break;
		}
		if (is_another(t)) {
			switch_over(t);
			continue;
		}
		n = read(t->watch, events, sizeof(events));
	}
	return CLI_FAILED;
}

/* -------- the verb -------- */

static int
show(struct tail *t, long lines)
{
	bool follows = t->cli->has[CLI_OPT_follow];
	struct stat st;
	int code = CLI_OK;

	t->fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (t->fd == -1 && !(follows && errno == ENOENT)) {
		cli_error("cannot read %s: %s", t->path,
		    errno == ENOENT ? "nothing was written yet"
				    : strerror(errno));
		return CLI_FAILED;
	}
	if (t->fd != -1 && fstat(t->fd, &st) == 0) {
		lseek(t->fd,
		    lines == 0 ? st.st_size
			       : find_lines(t->fd, st.st_size, lines),
		    SEEK_SET);
		code = copy_on(t) ? CLI_OK : CLI_FAILED;
	}
	if (code == CLI_OK && follows) {
		code = follow(t);
	}
	if (t->len > 0) {
		print_json_line(t);
	}
	return code;
}

static int
read_arguments(struct cli *cli, struct choice *choice, long *lines)
{
	const char *stream = cli->n_names > 1 ? cli->names[1] : "stdout";

	if (strcmp(stream, "stderr") != 0 && strcmp(stream, "stdout") != 0) {
		cli_error("it is stdout or stderr, not %s", stream);
		return CLI_USAGE;
	}
	choice->want_stderr = strcmp(stream, "stderr") == 0;
	if (cli->has[CLI_OPT_lines] &&
	    !cli_parse_number(cli->arg[CLI_OPT_lines], 0, 1000000000, lines)) {
		cli_error("--lines must be a number from 0 on");
		return CLI_USAGE;
	}
	return find_file(cli, choice);
}

int
cli_verb_tail(struct cli *cli)
{
	struct choice choice = { .name = cli->names[0], .best = 100 };
	struct tail t = { .cli = cli,
		.choice = &choice,
		.path = choice.path,
		.fd = -1,
		.watch = -1,
		.of_file = -1,
		.line = malloc(LINE_MAX_JSON) };
	long lines = 10;
	int code = read_arguments(cli, &choice, &lines);

	if (t.line == NULL) {
		cli_error("out of memory");
		return CLI_FAILED;
	}
	if (code == CLI_OK) {
		code = show(&t, lines);
	}
	if (t.fd != -1) {
		close(t.fd);
	}
	if (t.watch != -1) {
		close(t.watch);
	}
	free(t.line);
	return code;
}
