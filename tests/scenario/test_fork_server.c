/* SPDX-License-Identifier: MIT */
/*
 * A tree of functions whose fork server is killed in the middle of starts,
 * under a real `reeve run`: each start becomes a life or is tried again, no
 * life is left without an end, and no process after the shutdown.
 */
#include "config.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/harness.h"
#include "lib/live.h"
#include "sys/sys.h"

#define WAIT_MS 30000
#define WORKERS 20
#define ROUNDS  12

static const char tree[] =
    "\"defaults\": {\"ready\": \"notify\", \"backoff\": {\"min\": \"1ms\", "
    "\"max\": \"20ms\", \"reset_after\": \"1ms\"}}, \"children\": {\"w\": "
    "{\"function\": \"%(fixtures)s/../.libs/handy.so:handy_beat\", "
    "\"forkserver_preload\": [\"%(fixtures)s/../.libs/handy.so\"], "
    "\"numprocs\": 20} }";

struct served {
	struct live live;
	pid_t pids[WORKERS];
};

/* Each runs, and in another process than before where that was killed. */
static bool
all_run(void *ctx)
{
	struct served *s = ctx;
	json_t *all = live_call(&s->live, "status", NULL), *unit;
	unsigned n = 0;
	size_t i;

	json_array_foreach(all, i, unit)
	{
		const char *path =
		    json_string_value(json_object_get(unit, "path"));
		const char *state =
		    json_string_value(json_object_get(unit, "state"));
		pid_t pid =
		    (pid_t)json_integer_value(json_object_get(unit, "pid"));
		unsigned k;

		if (path != NULL && sscanf(path, "w.%u", &k) == 1 &&
		    k < WORKERS) {
			n += strcmp(state, "RUNNING") == 0 && pid != s->pids[k];
		}
	}
	json_decref(all);
	return n == WORKERS;
}

static void
kill_workers(struct served *s)
{
	json_t *all = live_call(&s->live, "status", NULL), *unit;
	size_t i;

	json_array_foreach(all, i, unit)
	{
		const char *path =
		    json_string_value(json_object_get(unit, "path"));
		pid_t pid =
		    (pid_t)json_integer_value(json_object_get(unit, "pid"));
		unsigned k;

		if (path != NULL && sscanf(path, "w.%u", &k) == 1 &&
		    k < WORKERS && pid > 0) {
			s->pids[k] = pid;
			kill(pid, SIGKILL);
		}
	}
	json_decref(all);
}

/* Its title tells whose functions it has, and of which runtime. */
static bool
is_fork_server(pid_t pid)
{
	char path[64], title[400] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "r");
	if (file != NULL) {
		if (fgets(title, sizeof(title), file) == NULL) {
			title[0] = '\0';
		}
		fclose(file);
	}
	return strncmp(title, "reeve: fork server of /", 23) == 0 &&
	       strstr(title, "/reeve-worker with /") != NULL &&
	       strstr(title, "handy.so, /") != NULL &&
	       strstr(title, ".pub ") != NULL;
}

/* Its pid; 0: there is none now. Those that it forks have its title first. */
static pid_t
fork_server(struct served *s)
{
	pid_t launcher = (pid_t)live_info(&s->live, "launcher_pid");
	pid_t found = 0;
	char path[96], text[4096];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)launcher,
	    (int)launcher);
	file = fopen(path, "r");
	if (file == NULL) {
		return 0;
	}
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	for (char *at = text, *end; found == 0; at = end) {
		pid_t pid = (pid_t)strtol(at, &end, 10);

		if (end == at) {
			break;
		}
		if (is_fork_server(pid)) {
			found = pid;
		}
	}
	return found;
}

static void
begin(struct served *s)
{
	*s = (struct served){ 0 };
	live_begin(&s->live, tree);
	CU_ASSERT_FATAL(rv_test_wait(all_run, s, -1, WAIT_MS));
}

static void
end(struct served *s)
{
	CU_ASSERT_EQUAL(
	    live_number(&s->live,
		"SELECT count(*) FROM events WHERE kind IN ('worker.fatal', "
		"'launcher.lost', 'clerk.lost', 'worker.leftover')"),
	    0);
	CU_ASSERT_EQUAL(
	    live_number(&s->live, "SELECT count(*) FROM lives WHERE "
				  "end_reason = 'unknown'"),
	    0);
	live_end(&s->live);
	CU_ASSERT(
	    live_number(&s->live, "SELECT count(*) FROM lives") >= WORKERS);
}

RV_TEST(a_fork_server_killed_in_the_middle_of_starts_costs_nobody_a_start)
{
	struct served s;
	unsigned killed = 0;

	begin(&s);
	for (unsigned round = 0; round < ROUNDS; round++) {
		kill_workers(&s);
		/* Several in a row: as often as there is another. */
		for (unsigned i = 0; i <= round % 4; i++) {
			pid_t pid = fork_server(&s);

			if (pid > 0) {
				kill(pid, SIGKILL);
				killed++;
			}
		}
		CU_ASSERT_FATAL(rv_test_wait(all_run, &s, -1, WAIT_MS));
	}
	CU_ASSERT(killed > 0);
	end(&s);
}

/* Nothing comes of it until it is killed; then all that waited comes. */
RV_TEST(a_fork_server_that_stands_still_and_is_killed_is_replaced)
{
	struct served s;

	begin(&s);
	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t pid = 0;

		for (int i = 0; i < 1000 && pid == 0; i++) {
			pid = fork_server(&s);
		}
		CU_ASSERT_FATAL(pid > 0);
		kill(pid, SIGSTOP);
		kill_workers(&s);
		CU_ASSERT(live_saw(&s.live, "worker.exited", NULL));
		CU_ASSERT(live_saw(&s.live, "worker.starting", NULL));
		kill(pid, SIGKILL);
		CU_ASSERT_FATAL(rv_test_wait(all_run, &s, -1, WAIT_MS));
	}
	end(&s);
}

/*
 * What it was asked for is taken back, one by one and all at once: nobody waits
 * for the minute that it has.
 */
RV_TEST(a_fork_server_that_stands_still_holds_up_no_stop)
{
	struct served s;
	rv_time before;
	pid_t pid = 0;

	begin(&s);
	for (int i = 0; i < 1000 && pid == 0; i++) {
		pid = fork_server(&s);
	}
	CU_ASSERT_FATAL(pid > 0);
	kill(pid, SIGSTOP);
	before = rv_sys_now();
	kill_workers(&s);
	CU_ASSERT(live_saw(&s.live, "worker.exited", NULL));
	CU_ASSERT(live_saw(&s.live, "worker.starting", NULL));
	CU_ASSERT_EQUAL(live_reeve(&s.live, NULL, "stop w.3 w.4"), 0);
	CU_ASSERT(live_is(&s.live, "w.3", "STOPPED"));
	end(&s);
	CU_ASSERT(rv_sys_now() - before < RV_MINUTE / 2);
	CU_ASSERT(live_number(&s.live,
		      "SELECT count(*) FROM events WHERE kind = "
		      "'worker.exited' AND detail LIKE '%\"asked\"%' AND "
		      "detail LIKE '%\"ECANCELED\"%'") > 0);
}

RV_SUITE(fork_server,
    RV_CASE(a_fork_server_killed_in_the_middle_of_starts_costs_nobody_a_start),
    RV_CASE(a_fork_server_that_stands_still_and_is_killed_is_replaced),
    RV_CASE(a_fork_server_that_stands_still_holds_up_no_stop))
