/* SPDX-License-Identifier: MIT */
/*
 * `reeve run` as a process of its own, for tests. Everything waits for an
 * event, a reply or an end, with a bound; nothing here decides what is right.
 */
#include "config.h"

#include "lib/live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/harness.h"

#define WAIT_MS 20000

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
live_open(struct live *live)
{
	*live = (struct live){ .seen = 1 };
	snprintf(live->dir, sizeof(live->dir), "%s", rv_test_dir());
	snprintf(
	    live->config, sizeof(live->config), "%s/reeve.json", live->dir);
	snprintf(live->state, sizeof(live->state), "%s/state", live->dir);
	/* What a killed runtime leaves comes to us, and is looked for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void
disconnect(struct live *live)
{
	reeve_client_close(live->client);
	reeve_client_close(live->feed);
	live->client = live->feed = NULL;
}

/* What a runtime leaves in /run so that the next one finds its place. */
static void
remove_places(struct live *live)
{
	static const char *const names[] = { "/lock", "/clerk.lock",
		"/next-ids", "/control.sock", "", ".pub/notify", ".pub" };
	struct reeve_config_info info = { .size = sizeof(info) };
	char path[512];

	if (reeve_config_check(live->config, NULL, NULL, &info, NULL) !=
	    REEVE_OK) {
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(
		    path, sizeof(path), "%s%s", info.runtime_dir, names[i]);
		remove(path);
	}
	reeve_config_info_finish(&info);
}

void
live_close(struct live *live)
{
	disconnect(live);
	if (live->pid != 0) {
		kill(live->pid, SIGKILL);
		live_wait(live, WAIT_MS);
	}
	/* Launcher and clerk end by themselves when their supervisor has. */
	for (int64_t until = now_ms() + WAIT_MS * rv_test_slow();
	     now_ms() < until;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == -1 && errno == ECHILD) {
			break;
		}
		if (pid == 0) {
			poll(NULL, 0, 2);
		}
	}
	remove_places(live);
}

static void
put(FILE *file, const char *text)
{
	static const char word[] = "%(fixtures)s";
	const char *at;

	while ((at = strstr(text, word)) != NULL) {
		fprintf(file, "%.*s%s/tests/fixtures/children",
		    (int)(at - text), text, rv_test_builddir());
		text = at + sizeof(word) - 1;
	}
	fputs(text, file);
}

void
live_config(struct live *live, const char *members)
{
	FILE *file = fopen(live->config, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file, "{ \"name\": \"live\", \"state_dir\": \"%s\",\n",
	    live->state);
	put(file, members);
	fprintf(file, "}\n");
	fclose(file);
}

static void
exec_run(struct live *live)
{
	char program[512], log[256];
	int fd;

	snprintf(program, sizeof(program), "%s/reeve", rv_test_builddir());
	snprintf(log, sizeof(log), "%s/run.log", live->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	setenv("REEVE_LIBEXEC", rv_test_builddir(), 1);
	execl(program, "reeve", "-c", live->config, "run", (char *)NULL);
	_exit(127);
}

int64_t
live_info(struct live *live, const char *key)
{
	json_t *info = live_call(live, "info", NULL);
	int64_t n = json_integer_value(json_object_get(info, key));

	json_decref(info);
	return n;
}

/* The clerk has told which ids are free: the tree boots now. */
static bool
knows_ids(struct live *live)
{
	int64_t until = now_ms() + (int64_t)WAIT_MS * rv_test_slow();
	int64_t next = 0;

	while (next == 0 && now_ms() < until) {
		next = live_info(live, "next_event");
		if (next == 0) {
			poll(NULL, 0, 1);
		}
	}
	return next != 0;
}

bool
live_run(struct live *live)
{
	disconnect(live);
	live->pid = fork();
	if (live->pid == 0) {
		exec_run(live);
	}
	return live->pid > 0 && live_connect(live, WAIT_MS) && knows_ids(live);
}

static enum reeve_status
subscribe_from(struct live *live, uint64_t id)
{
	char params[64];
	char *result = NULL;
	struct reeve_error err;
	enum reeve_status status;

	snprintf(
	    params, sizeof(params), "{\"from\": %llu}", (unsigned long long)id);
	status = reeve_client_call(live->feed, "events.subscribe", params,
	    WAIT_MS * rv_test_slow(), &result, &err);
	reeve_free(result);
	return status;
}

static bool
subscribe(struct live *live)
{
	enum reeve_status status;

	status = subscribe_from(live, live->seen);
	if (status == REEVE_ETOOOLD) {
		/* Another run: its ring begins later, with what it began by. */
		status = subscribe_from(
		    live, (uint64_t)live_info(live, "oldest_event"));
	}
	return status == REEVE_OK;
}

bool
live_connect(struct live *live, int timeout_ms)
{
	struct reeve_client_options options = {
		.size = sizeof(options),
		.state_dir = live->state,
	};
	struct reeve_error err;
	int64_t until = now_ms() + (int64_t)timeout_ms * rv_test_slow();

	disconnect(live);
	while (now_ms() < until) {
		int status;

		if (live->pid != 0 &&
		    waitpid(live->pid, &status, WNOHANG) == live->pid) {
			live->pid = 0;
			live->status = status;
			return false;
		}
		if (reeve_client_open(&live->client, &options, &err) ==
			REEVE_OK &&
		    reeve_client_open(&live->feed, &options, &err) ==
			REEVE_OK &&
		    subscribe(live)) {
			return true;
		}
		disconnect(live);
		poll(NULL, 0, 5);
	}
	return false;
}

int
live_wait(struct live *live, int timeout_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, live->pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status = -1;

	if (fd == -1 || poll(&p, 1, timeout_ms * rv_test_slow()) != 1 ||
	    waitpid(live->pid, &status, 0) != live->pid) {
		status = -1;
	} else {
		live->pid = 0;
		live->status = status;
	}
	if (fd != -1) {
		close(fd);
	}
	return status;
}

int
live_stop(struct live *live)
{
	json_t *result = live_call(live, "shutdown", NULL);

	if (result == NULL) {
		printf("# nothing answered to shutdown\n");
	}
	json_decref(result);
	return live_wait(live, WAIT_MS);
}

void
live_begin(struct live *live, const char *members)
{
	live_open(live);
	live_config(live, members);
	CU_ASSERT_FATAL(live_run(live));
}

/* For whoever reads why a test failed: its last words. */
static void
show_end(struct live *live, int status)
{
	char path[160], line[512], *text;
	json_t *units;
	FILE *file;

	printf("# reeve run: wait status %#x\n", (unsigned)status);
	if (status == -1) {
		units = live_call(live, "status", NULL);
		text = json_dumps(units, JSON_ENCODE_ANY);
		printf("# it did not end: %s\n", text != NULL ? text : "?");
		free(text);
		json_decref(units);
	}
	snprintf(path, sizeof(path), "%s/run.log", live->dir);
	file = fopen(path, "re");
	if (file == NULL) {
		return;
	}
	if (fseek(file, -8192, SEEK_END) == -1) {
		rewind(file);
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		printf("# | %s", line);
	}
	fclose(file);
}

void
live_end(struct live *live)
{
	int status = live_stop(live);
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (!well) {
		show_end(live, status);
	}
	CU_ASSERT(well);
	CU_ASSERT_EQUAL(
	    live_number(
		live, "SELECT count(*) FROM lives WHERE ended_at IS NULL"),
	    0);
	CU_ASSERT_EQUAL(
	    live_number(live, "SELECT max(id) - min(id) + 1 - count(*) FROM "
			      "events"),
	    0);
	live_close(live);
}

json_t *
live_call(struct live *live, const char *method, const char *params)
{
	char *text = NULL;
	struct reeve_error err;
	json_t *result = NULL;

	if (reeve_client_call(live->client, method, params,
		WAIT_MS * rv_test_slow(), &text, &err) == REEVE_OK) {
		result = json_loads(text, JSON_DECODE_ANY, NULL);
	}
	reeve_free(text);
	return result;
}

json_t *
live_status(struct live *live, const char *path)
{
	json_t *all = live_call(live, "status", NULL), *found = NULL, *unit;
	size_t i;

	json_array_foreach(all, i, unit)
	{
		const char *is =
		    json_string_value(json_object_get(unit, "path"));

		if (is != NULL && strcmp(is, path) == 0) {
			found = json_incref(unit);
			break;
		}
	}
	json_decref(all);
	return found;
}

bool
live_is(struct live *live, const char *path, const char *state)
{
	json_t *unit = live_status(live, path);
	const char *is = json_string_value(json_object_get(unit, "state"));
	bool so = is != NULL && strcmp(is, state) == 0;

	if (!so) {
		printf(
		    "# %s is %s, not %s\n", path, is != NULL ? is : "?", state);
	}
	json_decref(unit);
	return so;
}

pid_t
live_pid(struct live *live, const char *path)
{
	json_t *unit = live_status(live, path);
	pid_t pid = (pid_t)json_integer_value(json_object_get(unit, "pid"));

	json_decref(unit);
	return pid > 0 ? pid : LIVE_NOBODY;
}

bool
live_went(struct live *live, const char *path)
{
	int64_t until = now_ms() + (int64_t)WAIT_MS * rv_test_slow();
	bool is_there = true;

	while (is_there && now_ms() < until) {
		json_t *unit = live_status(live, path);

		is_there = unit != NULL;
		json_decref(unit);
		if (is_there) {
			poll(NULL, 0, 1);
		}
	}
	return !is_there;
}

static bool
fits(json_t *event, const char *kind, const char *path)
{
	const char *k = json_string_value(json_object_get(event, "kind"));
	const char *p = json_string_value(json_object_get(event, "path"));

	return k != NULL && strcmp(k, kind) == 0 &&
	       (path == NULL || (p != NULL && strcmp(p, path) == 0));
}

/* The next message of the feed as an event, or NULL. */
static json_t *
next_event(struct live *live, int64_t until)
{
	struct reeve_message message = { 0 };
	struct reeve_error err;
	enum reeve_status status;
	json_error_t flaw;
	json_t *event;

	while ((status = reeve_client_next(live->feed, &message, &err)) ==
	       REEVE_EAGAIN) {
		struct pollfd p = { .fd = reeve_client_fd(live->feed),
			.events = reeve_client_events(live->feed) };
		int64_t left = until - now_ms();

		if (left <= 0 || poll(&p, 1, (int)left) <= 0) {
			return NULL;
		}
	}
	if (status != REEVE_OK || message.json == NULL) {
		printf("# no event: %s\n",
		    status != REEVE_OK ? err.text : "an empty message");
		return NULL;
	}
	event = json_loads(message.json, 0, &flaw);
	if (event == NULL) {
		printf("# no JSON (%s): %s\n", flaw.text, message.json);
	}
	return event;
}

json_t *
live_event(struct live *live, const char *kind, const char *path, int ms)
{
	int64_t until = now_ms() + (int64_t)ms * rv_test_slow();
	json_t *event;

	while ((event = next_event(live, until)) != NULL) {
		json_int_t id =
		    json_integer_value(json_object_get(event, "id"));

		if (id > 0) {
			live->seen = (uint64_t)id + 1;
		}
		if (fits(event, kind, path)) {
			return event;
		}
		json_decref(event);
	}
	printf("# no %s of %s came\n", kind, path != NULL ? path : "any");
	return NULL;
}

bool
live_saw(struct live *live, const char *kind, const char *path)
{
	json_t *event = live_event(live, kind, path, WAIT_MS);
	bool saw = event != NULL;

	json_decref(event);
	return saw;
}

/* -------- the terminal -------- */

struct said {
	char path[256];
	const char *text;
};

static bool
is_said(void *ctx)
{
	const struct said *said = ctx;
	FILE *file = fopen(said->path, "r");
	char line[1024];
	bool found = false;

	while (
	    file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		found = strstr(line, said->text) != NULL;
	}
	if (file != NULL) {
		fclose(file);
	}
	return found;
}

bool
live_said(struct live *live, const char *text)
{
	struct said said = { .text = text };

	snprintf(said.path, sizeof(said.path), "%s/run.log", live->dir);
	return rv_test_wait(is_said, &said, -1, WAIT_MS);
}

/* -------- the database -------- */

static sqlite3_stmt *
query(struct live *live, sqlite3 **db, const char *sql)
{
	char path[256];
	sqlite3_stmt *stmt = NULL;

	if (live->client != NULL && live->pid != 0) {
		json_decref(live_call(live, "sync", NULL));
	}
	snprintf(path, sizeof(path), "%s/events.db", live->state);
	if (sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK) {
		return NULL;
	}
	sqlite3_busy_timeout(*db, WAIT_MS);
	if (sqlite3_prepare_v2(*db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		printf("# %s: %s\n", sql, sqlite3_errmsg(*db));
		return NULL;
	}
	return stmt;
}

int64_t
live_number(struct live *live, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = query(live, &db, sql);
	int64_t number = -1;

	if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
		number = sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return number;
}

const char *
live_text(struct live *live, const char *sql)
{
	static char text[4096];
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = query(live, &db, sql);

	text[0] = '\0';
	if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_text(stmt, 0) != NULL) {
		snprintf(text, sizeof(text), "%s",
		    (const char *)sqlite3_column_text(stmt, 0));
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return text;
}

/* -------- the command -------- */

/* The words of a line, in place; at most 32. */
static void
split(char *line, char **argv, int n)
{
	char *state, *word;

	for (word = strtok_r(line, " ", &state); word != NULL && n < 40;
	     word = strtok_r(NULL, " ", &state)) {
		argv[n++] = word;
	}
	argv[n] = NULL;
}

static void
exec_reeve(struct live *live, const char *args, int fd)
{
	char program[512], line[512];
	char *argv[48] = { (char *)(uintptr_t) "reeve",
		(char *)(uintptr_t) "-c", live->config };
	int null = open("/dev/null", O_RDONLY);

	snprintf(program, sizeof(program), "%s/reeve", rv_test_builddir());
	snprintf(line, sizeof(line), "%s", args);
	split(line, argv, 3);
	dup2(null, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	setenv("REEVE_LIBEXEC", rv_test_builddir(), 1);
	execv(program, argv);
	_exit(127);
}

int
live_reeve(struct live *live, char **out, const char *args)
{
	size_t len = 0, cap = 1 << 20;
	char *text = rv_alloc(cap, 1);
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		exec_reeve(live, args, fds[1]);
	}
	close(fds[1]);
	while (len < cap - 1 &&
	       (n = read(fds[0], text + len, cap - 1 - len)) > 0) {
		len += (size_t)n;
	}
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (out != NULL) {
		*out = text;
	} else {
		rv_free(text);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
