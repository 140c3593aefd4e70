/* SPDX-License-Identifier: MIT */
/*
 * A host's own tasks in the event log (record.h): what is recorded is there
 * afterwards, whoever was killed; what has no room is refused and not lost.
 */
#include "config.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/guest.h"
#include "lib/harness.h"

#define MANY 2000

static struct reeve_error err;

/* -------- reading back -------- */

struct seen {
	unsigned n, next, disorder;
	char last[4096];
};

static bool
on_event(void *ctx, const struct reeve_event *event)
{
	struct seen *seen = ctx;
	unsigned number = 0;

	seen->n++;
	if (sscanf(event->path, "map/%u", &number) == 1) {
		seen->disorder += number != seen->next;
		seen->next = number + 1;
	}
	snprintf(seen->last, sizeof(seen->last), "%s %s %s", event->path,
	    event->kind, event->detail);
	return true;
}

static struct reeve_log *
open_log(struct guest *guest)
{
	struct reeve_config_info info = { .size = sizeof(info) };
	struct reeve_log_options options = { .size = sizeof(options),
		.state_dir = guest->state };
	struct reeve_log *log = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_config_check(guest->config, NULL, NULL, &info, &err),
	    REEVE_OK);
	options.runtime_dir = info.runtime_dir;
	CU_ASSERT_EQUAL_FATAL(reeve_log_open(&log, &options, &err), REEVE_OK);
	reeve_config_info_finish(&info);
	return log;
}

static struct seen
look(struct guest *guest, const char *kind)
{
	struct reeve_event_filter filter = { .size = sizeof(filter),
		.kind_glob = kind };
	struct reeve_log *log = open_log(guest);
	struct seen seen = { 0 };

	CU_ASSERT_EQUAL(
	    reeve_log_events(log, &filter, on_event, &seen, &err), REEVE_OK);
	reeve_log_close(log);
	return seen;
}

static void
tells(struct guest *guest, const char *name, bool json, const char *what)
{
	struct reeve_log *log = open_log(guest);
	char *text = NULL;

	CU_ASSERT_EQUAL(
	    reeve_log_why(log, name, 0, json, &text, &err), REEVE_OK);
	CU_ASSERT(text != NULL && strstr(text, what) != NULL);
	if (text == NULL || strstr(text, what) == NULL) {
		printf("# not told: %s\n# %s\n", what,
		    text != NULL ? text : err.text);
	}
	reeve_log_free(text);
	reeve_log_close(log);
}

/* -------- recording -------- */

static enum reeve_status
record(struct guest *guest, enum reeve_record_kind kind, unsigned number,
    const char *text)
{
	char path[32];
	struct reeve_record record = { .size = sizeof(record),
		.kind = kind,
		.path = path,
		.attempt = 1,
		.pid = 4711,
		.text = text,
		.key = number };

	snprintf(path, sizeof(path), "map/%u", number);
	return reeve_record(guest->reeve, &record, &err);
}

static struct reeve_record
failure(const char *output)
{
	return (struct reeve_record){ .size = sizeof(struct reeve_record),
		.kind = REEVE_TASK_FAILED,
		.path = "map/7",
		.attempt = 3,
		.pid = 4711,
		.exit_code = 3,
		.user_us = 1500000,
		.system_us = 20000,
		.max_rss_kib = 2048,
		.took_ms = 1700,
		.text = "convert a.png",
		.output = output };
}

RV_TEST(what_was_recorded_is_in_the_log)
{
	struct reeve_record failed = failure("no such file\n");
	struct guest guest = { 0 };
	struct seen seen;

	guest_open(&guest, "rec", "");
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	CU_ASSERT_EQUAL(
	    record(&guest, REEVE_TASK_STARTED, 7, "convert a.png"), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_record(guest.reeve, &failed, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    record(&guest, REEVE_TASK_STARTED, 8, "b\xff c"), REEVE_OK);
	CU_ASSERT_EQUAL(record(&guest, REEVE_TASK_ENDED, 8, NULL), REEVE_OK);
	/* It is seen at once, and after the end. */
	CU_ASSERT_EQUAL(look(&guest, "task.*").n, 4);
	guest_close(&guest);
	seen = look(&guest, "task.*");
	CU_ASSERT_EQUAL(seen.n, 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.last, "map/8 task.ended"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.last, "\"exit_code\":0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.last, "\"key\":8"));
	tells(&guest, "map/7", false, "map/7 failed: exited with code 3");
	tells(&guest, "map/7", false, "3 times");
	tells(&guest, "map/7", false, "convert a.png");
	tells(&guest, "map/7", false, "    | no such file");
	tells(&guest, "map", false, "map/7 failed");
	tells(&guest, "map/8", false, "map/8 ended well");
	tells(&guest, "map/7", true, "\"output\":\"no such file\\n\"");
}

static bool
is_ready(struct guest *guest)
{
	return guest->settled && look(guest, "task.*").n > 0;
}

/* Processes of ours with this name. */
static void
signal_children(pid_t parent, int signo)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
	while ((entry = readdir(dir)) != NULL) {
		char path[300], text[300] = "", name[64] = "";
		int pid = (int)strtol(entry->d_name, NULL, 10), ppid = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = pid > 0 ? fopen(path, "r") : NULL;
		if (file == NULL) {
			continue;
		}
		if (fgets(text, sizeof(text), file) != NULL &&
		    sscanf(text, "%*d (%63[^)]) %*c %d", name, &ppid) == 2 &&
		    ppid == parent && strncmp(name, "reeve-", 6) == 0) {
			kill(pid, signo);
		}
		fclose(file);
	}
	closedir(dir);
}

static void
record_and_die(struct guest *guest, bool early)
{
	guest_open(guest, "rec", "");
	if (!early && !guest_until(guest, guest_is_settled)) {
		_exit(3);
	}
	for (unsigned i = 0; i < MANY; i++) {
		if (i == MANY / 2) {
			signal_children(getpid(), SIGKILL);
		}
		if (record(guest, REEVE_TASK_ENDED, i, "x") != REEVE_OK) {
			_exit(1);
		}
	}
	kill(getpid(), SIGKILL);
}

/* Early: before the clerk has told which numbers are free. */
static void
kill_all(bool early)
{
	struct guest guest = { 0 };
	struct seen seen;
	int status = 0;
	pid_t pid;

	snprintf(
	    guest.config, sizeof(guest.config), "%s/rec.json", rv_test_dir());
	snprintf(
	    guest.state, sizeof(guest.state), "%s/rec-state", rv_test_dir());
	pid = fork();
	if (pid == 0) {
		record_and_die(&guest, early);
		_exit(2);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	if (!early) {
		CU_ASSERT_EQUAL(look(&guest, "task.*").n, MANY);
	}
	/* The next run takes over what is in the ring: each once. */
	guest_open(&guest, "rec", "");
	CU_ASSERT(guest_until(&guest, is_ready));
	guest_close(&guest);
	seen = look(&guest, "task.*");
	CU_ASSERT_EQUAL(seen.n, MANY);
	CU_ASSERT_EQUAL(seen.disorder, 0);
}

RV_TEST(nothing_is_lost_when_all_are_killed)
{
	kill_all(false);
}

RV_TEST(nothing_is_lost_when_all_are_killed_before_the_clerk_is_ready)
{
	kill_all(true);
}

static bool room;

static void
on_room(void *arg)
{
	room = true;
	*(unsigned *)arg += 1;
}

static bool
has_room(struct guest *guest)
{
	(void)guest;
	return room;
}

static bool
clerk_is_at_work(struct guest *guest)
{
	return look(guest, "runtime.started").n > 0 && guest->settled;
}

/* The n-th and more, until there is no room; the first that had none. */
static unsigned
fill(struct guest *guest, enum reeve_record_kind kind, unsigned n)
{
	enum reeve_status status;

	do {
		status = record(guest, kind, n, "some text");
		n += status == REEVE_OK;
	} while (status == REEVE_OK && n < 100000);
	CU_ASSERT_EQUAL(status, REEVE_EFULL);
	return n;
}

RV_TEST(what_has_no_room_is_refused_and_not_dropped)
{
	struct guest guest = { 0 };
	unsigned told = 0, n, begun;
	enum reeve_status status;

	guest_open(&guest, "rec", "}, \"journal\": {\"ring\": \"64KiB\"");
	CU_ASSERT_EQUAL(
	    reeve_record_room(guest.reeve, on_room, &told, &err), REEVE_OK);
	CU_ASSERT(guest_until(&guest, clerk_is_at_work));
	signal_children(getpid(), SIGSTOP);
	n = fill(&guest, REEVE_TASK_STARTED, 0);
	begun = n;
	CU_ASSERT(begun > 100);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot record a task"));
	/* What has begun can be recorded as ended, and it is for that alone. */
	n = fill(&guest, REEVE_TASK_ENDED, n);
	CU_ASSERT(n - begun > 10);
	CU_ASSERT_EQUAL(told, 0);
	signal_children(getpid(), SIGCONT);
	CU_ASSERT(guest_until(&guest, has_room));
	CU_ASSERT_EQUAL(told, 1);
	for (; n < 5 * MANY; n++) {
		while ((status = record(&guest, REEVE_TASK_STARTED, n,
			    "some text")) == REEVE_EFULL) {
			room = false;
			CU_ASSERT_FATAL(guest_until(&guest, has_room));
		}
		CU_ASSERT_EQUAL_FATAL(status, REEVE_OK);
	}
	guest_close(&guest);
	CU_ASSERT_EQUAL(look(&guest, "task.*").n, 5 * MANY);
	CU_ASSERT_EQUAL(look(&guest, "task.*").disorder, 0);
	CU_ASSERT_EQUAL(look(&guest, "clerk.dropped").n, 0);
}

RV_TEST(paths_and_kinds_are_checked)
{
	static const char *const bad[] = { NULL, "", "/", "/map", "map/",
		"a//b", "a b", "a/\x01", "w", "w/1" };
	struct guest guest = { 0 };
	char path[REEVE_RECORD_PATH_MAX + 2];

	guest_open(&guest, "rec", "\"w\": " GUEST_WAITER);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct reeve_record r = failure(NULL);

		r.path = bad[i];
		CU_ASSERT_EQUAL(reeve_record(guest.reeve, &r, &err),
		    i < 8 ? REEVE_EINVALID : REEVE_EEXIST);
	}
	for (int kind = -1; kind < 60; kind++) {
		struct reeve_record r = failure(NULL);

		r.kind = (enum reeve_record_kind)kind;
		CU_ASSERT_EQUAL(reeve_record(guest.reeve, &r, &err),
		    kind >= 37 && kind <= 40 ? REEVE_OK : REEVE_EINVALID);
	}
	memset(path, 'p', sizeof(path));
	for (size_t n = REEVE_RECORD_PATH_MAX + 1; n >= REEVE_RECORD_PATH_MAX;
	     n--) {
		struct reeve_record r = failure(NULL);

		path[n] = '\0';
		r.path = path;
		CU_ASSERT_EQUAL(reeve_record(guest.reeve, &r, &err),
		    n > REEVE_RECORD_PATH_MAX ? REEVE_EINVALID : REEVE_OK);
	}
	guest_close(&guest);
	CU_ASSERT_EQUAL(look(&guest, "task.*").n, 5);
}

RV_TEST(a_text_beyond_its_bound_is_refused)
{
	static char text[REEVE_RECORD_OUTPUT_MAX + 2];
	struct reeve_record r = failure(text);
	struct guest guest = { 0 };

	guest_open(&guest, "rec", "");
	memset(text, 'x', REEVE_RECORD_OUTPUT_MAX + 1);
	CU_ASSERT_EQUAL(reeve_record(guest.reeve, &r, &err), REEVE_ETOOBIG);
	text[REEVE_RECORD_OUTPUT_MAX] = '\0';
	CU_ASSERT_EQUAL(reeve_record(guest.reeve, &r, &err), REEVE_OK);
	r.text = text;
	CU_ASSERT_EQUAL(reeve_record(guest.reeve, &r, &err), REEVE_ETOOBIG);
	guest_close(&guest);
	CU_ASSERT_EQUAL(reeve_record(NULL, &r, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(look(&guest, "task.*").n, 1);
}

RV_SUITE(record, RV_CASE(what_was_recorded_is_in_the_log),
    RV_CASE(nothing_is_lost_when_all_are_killed),
    RV_CASE(nothing_is_lost_when_all_are_killed_before_the_clerk_is_ready),
    RV_CASE(what_has_no_room_is_refused_and_not_dropped),
    RV_CASE(paths_and_kinds_are_checked),
    RV_CASE(a_text_beyond_its_bound_is_refused))
