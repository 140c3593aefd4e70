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

static bool
copy_on(int fd)
{
	char block[65536];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		if (fwrite(block, 1, (size_t)n, stdout) != (size_t)n) {
			return false;
		}
	}
	return fflush(stdout) == 0 && n == 0;
}

static bool
is_another(int fd, const char *path)
{
	struct stat have, there;

	return fd == -1 || fstat(fd, &have) != 0 ||
	       (stat(path, &there) == 0 && (have.st_ino != there.st_ino ||
					       have.st_dev != there.st_dev));
}

/* Shorter than where we are: it was truncated. */
static void
rewind_truncated(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size < lseek(fd, 0, SEEK_CUR)) {
		lseek(fd, 0, SEEK_SET);
	}
}

static int
follow(int fd, const char *path)
{
	char folder[PATH_MAX], events[4096];
	int watch = inotify_init1(IN_CLOEXEC);

	snprintf(folder, sizeof(folder), "%s", path);
	if (watch == -1 || inotify_add_watch(watch, dirname(folder),
			       IN_MODIFY | IN_CREATE | IN_MOVED_TO) == -1) {
		cli_error("cannot watch %s: %s", folder, strerror(errno));
		return CLI_FAILED;
	}
	for (;;) {
		rewind_truncated(fd);
		if (!copy_on(fd)) {
			break;
		}
		if (is_another(fd, path)) {
			int next = open(path, O_RDONLY | O_CLOEXEC);

			/* What came between the last look and the rotation. */
			copy_on(fd);
			if (next != -1) {
				dup3(next, fd, O_CLOEXEC);
				close(next);
				continue;
			}
		}
		if (read(watch, events, sizeof(events)) <= 0) {
			break;
		}
	}
	close(watch);
	return CLI_FAILED;
}

int
cli_verb_tail(struct cli *cli)
{
	struct choice choice = { .name = cli->names[0], .best = 100 };
	struct stat st;
	long lines = 10;
	int fd, code;

	if (cli->n_names > 1 && strcmp(cli->names[1], "stderr") != 0 &&
	    strcmp(cli->names[1], "stdout") != 0) {
		cli_error("it is stdout or stderr, not %s", cli->names[1]);
		return CLI_USAGE;
	}
	choice.want_stderr =
	    cli->n_names > 1 && strcmp(cli->names[1], "stderr") == 0;
	if (cli->has[CLI_OPT_lines] &&
	    !cli_parse_number(cli->arg[CLI_OPT_lines], 0, 1000000000, &lines)) {
		cli_error("--lines must be a number from 0 on");
		return CLI_USAGE;
	}
	code = find_file(cli, &choice);
	if (code != CLI_OK) {
		return code;
	}
	fd = open(choice.path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) != 0) {
		cli_error("cannot read %s: %s", choice.path,
		    errno == ENOENT ? "nothing was written yet"
				    : strerror(errno));
		return CLI_FAILED;
	}
	lseek(fd, lines == 0 ? st.st_size : find_lines(fd, st.st_size, lines),
	    SEEK_SET);
	copy_on(fd);
	code = cli->has[CLI_OPT_follow] ? follow(fd, choice.path) : CLI_OK;
	close(fd);
	return code;
}
