/* SPDX-License-Identifier: MIT */
/*
 * reeve tail: the last lines of a worker's log file; with --follow what comes,
 * over rotations, woken by inotify.
 */
#include "config.h"

#include <dirent.h>
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
#include "tools/reeve/cli_nearest.h"

struct choice {
	const char *name;
	bool want_stderr, known;
	bool guessed; /* by the name that AUTO gives: nobody was asked */
	char path[PATH_MAX], other[PATH_MAX]; /* of the other stream */
	char nearest[256];
	unsigned best;
	char members[1024]; /* workers of what is not one itself */
};

/* web/app of web/app.3 */
static size_t
without_number(const char *path)
{
	size_t len = strlen(path), n = len;

	while (n > 0 && path[n - 1] >= '0' && path[n - 1] <= '9') {
		n--;
	}
	return n > 0 && n < len && path[n - 1] == '.' ? n - 1 : len;
}

static bool
is_member(const char *path, const char *name)
{
	size_t len = strlen(name);

	return strncmp(path, name, len) == 0 &&
	       (path[len] == '/' ||
		   (path[len] == '.' && without_number(path) == len));
}

static unsigned
distance_to(const char *name, const char *path)
{
	const char *leaf = strrchr(path, '/');
	size_t len = strlen(name);

	leaf = leaf != NULL ? leaf + 1 : path;
	/* The last word of a path is its commonest abbreviation. */
	if (strncmp(leaf, name, len) == 0 &&
	    (leaf[len] == '\0' || without_number(leaf) == len)) {
		return 0;
	}
	return cli_distance(path, name);
}

static void
add_member(struct choice *choice, const char *path)
{
	size_t len = strlen(choice->members);

	snprintf(choice->members + len, sizeof(choice->members) - len, "%s%s",
	    len > 0 ? ", " : "", path);
}

static void
on_worker(void *ctx, const struct reeve_config_worker *worker)
{
	struct choice *choice = ctx;
	const char *files[2] = { worker->stdout_logfile,
		worker->stderr_logfile };
	const char *file = files[choice->want_stderr];
	const char *other = files[!choice->want_stderr];
	unsigned d = distance_to(choice->name, worker->path);

	if (strcmp(worker->path, choice->name) == 0) {
		choice->known = true;
		snprintf(choice->path, sizeof(choice->path), "%s",
		    file != NULL ? file : "");
		snprintf(choice->other, sizeof(choice->other), "%s",
		    other != NULL ? other : "");
	}
	if (is_member(worker->path, choice->name)) {
		add_member(choice, worker->path);
	}
	if (d < choice->best) {
		choice->best = d;
		snprintf(choice->nearest, sizeof(choice->nearest), "%s",
		    worker->path);
	}
}

/* Without a config: the name that AUTO gives. */
static void
guess_path(const struct choice *choice, const char *state_dir,
    const char *stream, char *dst)
{
	size_t n = (size_t)snprintf(dst, PATH_MAX, "%s/logs/", state_dir);

	for (const char *at = choice->name; *at != '\0' && n + 20 < PATH_MAX;
	     at++) {
		if (*at == '/') {
			dst[n++] = '_';
		}
		dst[n++] = *at == '/' ? '_' : *at;
	}
	snprintf(dst + n, PATH_MAX - n, ".%s.log", stream);
}

/* Without a config the files tell what is below that name. */
static void
look_for_members(struct choice *choice)
{
	const char *stream =
	    choice->want_stderr ? ".stderr.log" : ".stdout.log";
	char folder[PATH_MAX], name[NAME_MAX + 1];
	struct dirent **files = NULL;
	int n;

	snprintf(folder, sizeof(folder), "%s", choice->path);
	n = scandir(dirname(folder), &files, NULL, versionsort);
	for (int i = 0; i < n; i++) {
		char *end, *to = name;

		snprintf(name, sizeof(name), "%s", files[i]->d_name);
		free(files[i]);
		end = strstr(name, stream);
		if (end == NULL || end[strlen(stream)] != '\0') {
			continue;
		}
		*end = '\0';
		for (const char *at = name; *at != '\0'; at++) {
			bool is_slash = at[0] == '_' && at[1] == '_';

			*to++ = *at;
			if (is_slash) {
				to[-1] = '/';
				at++;
			}
		}
		*to = '\0';
		if (is_member(name, choice->name)) {
			add_member(choice, name);
		}
	}
	free(files);
}

static int
no_worker(const struct choice *choice)
{
	if (choice->members[0] != '\0') {
		cli_error("%s is not one worker; tail shows one of %s",
		    choice->name, choice->members);
	} else if (choice->best <= cli_patience(choice->name)) {
		cli_error("there is no worker %s; did you mean %s?",
		    choice->name, choice->nearest);
	} else {
		cli_error("there is no worker %s", choice->name);
	}
	return CLI_FAILED;
}

static int
find_in_config(struct choice *choice, const char *config)
{
	struct reeve_error err;

	if (reeve_config_workers(config, on_worker, choice, &err) != REEVE_OK) {
		cli_error(
		    "%s:%d:%d: %s", config, err.line, err.column, err.text);
		return CLI_USAGE;
	}
	if (!choice->known) {
		return no_worker(choice);
	}
	if (choice->path[0] == '\0') {
		cli_error("the %s of %s does not go into a file",
		    choice->want_stderr ? "stderr" : "stdout", choice->name);
		return CLI_FAILED;
	}
	return CLI_OK;
}

static int
find_file(struct cli *cli, struct choice *choice)
{
	static const char *const streams[] = { "stdout", "stderr" };
	struct cli_place place;
	int code = cli_place(cli, &place);

	if (code == CLI_OK && place.state_dir != NULL) {
		guess_path(choice, place.state_dir,
		    streams[choice->want_stderr], choice->path);
		guess_path(choice, place.state_dir,
		    streams[!choice->want_stderr], choice->other);
		choice->guessed = true;
	} else if (code == CLI_OK) {
		code = find_in_config(choice, place.config);
	}
	cli_place_finish(&place);
	return code;
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
	struct choice *choice;
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

/* Until the file or the runtime has something to say; false: it has ended. */
static bool
await_more(const struct tail *t, struct reeve_client *client)
{
	struct pollfd fds[] = {
		{ .fd = t->watch, .events = POLLIN },
		{ .fd = reeve_client_fd(client),
		    .events = reeve_client_events(client) },
	};
	struct reeve_message message;
	struct reeve_error err;
	enum reeve_status status = REEVE_EAGAIN;
	char events[4096];

	poll(fds, 2, -1);
	if (fds[0].revents != 0 && read(t->watch, events, sizeof(events)) < 0) {
		return false;
	}
	while (fds[1].revents != 0 && (status = reeve_client_next(client,
					   &message, &err)) == REEVE_OK) {
	}
	return status == REEVE_EAGAIN;
}

static bool
copy_over(struct tail *t)
{
	do {
		rewind_truncated(t);
		if (!copy_on(t)) {
			return false;
		}
		if (!is_another(t)) {
			return true;
		}
		switch_over(t);
	} while (t->fd != -1);
	return true;
}

static int
follow_while(struct tail *t, struct reeve_client *client)
{
	int fds[2];
	bool there = true;

	cli_watch_processes(client, fds);
	/* Watched first, read then: nothing falls in between. */
	while (there) {
		if (!copy_over(t)) {
			return CLI_FAILED;
		}
		there = await_more(t, client);
	}
	/* What is written of its last words is written by the clerk. */
	cli_await_processes(fds);
	if (!copy_over(t)) {
		return CLI_FAILED;
	}
	cli_error("the runtime has ended");
	return CLI_NO_RUNTIME;
}

static int
follow(struct tail *t)
{
	struct reeve_client *client = NULL;
	int code = cli_connect(t->cli, &client);

	if (code == CLI_OK) {
		code = begin_watch(t) ? follow_while(t, client) : CLI_FAILED;
	}
	reeve_client_close(client);
	return code;
}

/* -------- the verb -------- */

/* Silence on one stream may hide that the other speaks. */
static int
say_silent(const struct tail *t)
{
	struct choice *choice = t->choice;
	const char *stream = choice->want_stderr ? "stderr" : "stdout";
	const char *other = choice->want_stderr ? "stdout" : "stderr";
	struct stat st;
	bool there = choice->other[0] != '\0' && stat(choice->other, &st) == 0;

	if (there && st.st_size > 0) {
		cli_error("%s has written nothing to %s; see reeve tail %s %s",
		    choice->name, stream, choice->name, other);
	} else if (choice->guessed && !there && t->fd == -1) {
		look_for_members(choice);
		if (choice->members[0] != '\0') {
			return no_worker(choice);
		}
		cli_error("there is no output of %s: no %s", choice->name,
		    choice->path);
		return CLI_FAILED;
	} else {
		cli_error("%s has written nothing yet", choice->name);
	}
	return CLI_OK;
}

static int
show(struct tail *t, long lines)
{
	struct stat st = { 0 };
	int code = CLI_OK;

	t->fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (t->fd == -1 && errno != ENOENT) {
		cli_error("cannot read %s: %s", t->path, strerror(errno));
		return CLI_FAILED;
	}
	if (t->fd != -1 && fstat(t->fd, &st) == 0) {
		lseek(t->fd,
		    lines == 0 ? st.st_size
			       : find_lines(t->fd, st.st_size, lines),
		    SEEK_SET);
		code = copy_on(t) ? CLI_OK : CLI_FAILED;
	}
	if (code == CLI_OK && st.st_size == 0) {
		code = say_silent(t);
	}
	if (code == CLI_OK && t->cli->has[CLI_OPT_follow]) {
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
