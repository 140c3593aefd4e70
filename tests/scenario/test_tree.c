/* SPDX-License-Identifier: MIT */
/*
 * Whole trees of real processes under the real `reeve run`: what becomes of
 * workers that crash, hang, cannot start, ignore TERM or leave descendants, and
 * what the log says of it. The core's own tests have every rule; these show
 * that the edges do what the core decides.
 */
#include "config.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/live.h"
#include "sys/sys.h"

#define ENDING "\"command\": \"%(fixtures)s/ending\", \"startsecs\": 0"

static bool
is_gone(pid_t pid)
{
	bool gone = kill(pid, 0) == -1;
	char state = '?';

	if (!gone && rv_sys_proc_stat(pid, NULL, NULL, NULL, &state, NULL)) {
		printf("# process %d is there, state %c\n", (int)pid, state);
	}
	return gone;
}

RV_TEST(an_empty_tree_runs_and_stops)
{
	struct live live;

	live_begin(&live, "\"children\": {}");
	CU_ASSERT(live_saw(&live, "supervisor.ready", "/"));
	CU_ASSERT(live_is(&live, "/", "RUNNING"));
	live_end(&live);
}

RV_TEST(a_worker_killed_by_a_signal_is_restarted_and_recorded)
{
	struct live live;
	pid_t first;

	live_begin(&live, "\"children\": { \"web\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	first = live_pid(&live, "web");
	CU_ASSERT_FATAL(first > 0);
	kill(first, SIGUSR1);
	CU_ASSERT(live_saw(&live, "worker.exited", "web"));
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	CU_ASSERT_NOT_EQUAL(live_pid(&live, "web"), first);
	CU_ASSERT_EQUAL(live_number(&live,
			    "SELECT signal FROM lives WHERE path = 'web' AND "
			    "ended_at IS NOT NULL"),
	    SIGUSR1);
	CU_ASSERT_STRING_EQUAL(
	    live_text(&live, "SELECT end_reason FROM lives WHERE path = "
			     "'web' AND ended_at IS NOT NULL"),
	    "signaled");
	live_end(&live);
}

RV_TEST(what_ends_as_expected_stays_down)
{
	struct live live;

	live_begin(&live,
	    "\"children\": { \"job\": { \"command\": \"%(fixtures)s/ending "
	    "exit 0\", \"startsecs\": 0 } }");
	CU_ASSERT(live_saw(&live, "worker.exited", "job"));
	CU_ASSERT(live_is(&live, "job", "EXITED"));
	live_end(&live);
}

RV_TEST(a_program_that_is_not_there_becomes_fatal_and_others_run)
{
	struct live live;
	json_t *event;

	live_begin(&live,
	    "\"defaults\": {\"backoff\": {\"initial\": \"10ms\", \"min\": "
	    "\"10ms\"}}, \"children\": { \"ghost\": { \"command\": "
	    "\"/nowhere/ghost\", \"startretries\": 2 }, \"web\": { " ENDING
	    " } }");
	event = live_event(&live, "worker.exited", "ghost", 20000);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(
				   json_object_get(event, "detail"), "errno")),
	    "ENOENT");
	json_decref(event);
	CU_ASSERT(live_saw(&live, "worker.fatal", "ghost"));
	CU_ASSERT(live_is(&live, "ghost", "FATAL"));
	CU_ASSERT(live_is(&live, "web", "RUNNING"));
	/* and the terminal heard of it */
	CU_ASSERT(live_said(&live, "ENOENT"));
	live_end(&live);
}

RV_TEST(a_group_restart_takes_all_and_keeps_the_order)
{
	struct live live;
	pid_t a, b;

	live_begin(&live,
	    "\"children\": { \"g\": { \"strategy\": \"one_for_all\", "
	    "\"children\": { \"a\": { " ENDING " }, \"b\": { " ENDING
	    " } } } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "g/b"));
	a = live_pid(&live, "g/a");
	b = live_pid(&live, "g/b");
	kill(a, SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.exited", "g/a"));
	CU_ASSERT(live_saw(&live, "worker.stopping", "g/b"));
	CU_ASSERT(live_saw(&live, "worker.ready", "g/a"));
	CU_ASSERT(live_saw(&live, "worker.ready", "g/b"));
	CU_ASSERT_NOT_EQUAL(live_pid(&live, "g/a"), a);
	CU_ASSERT_NOT_EQUAL(live_pid(&live, "g/b"), b);
	CU_ASSERT(is_gone(b));
	live_end(&live);
}

RV_TEST(what_ignores_term_is_killed_after_stopwaitsecs)
{
	struct live live;
	pid_t pid;
	json_t *result;

	live_begin(&live,
	    "\"children\": { \"deaf\": { \"command\": "
	    "\"%(fixtures)s/ignore_term\", \"ready\": {\"fd\": 3}, "
	    "\"stopwaitsecs\": \"200ms\" } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "deaf"));
	pid = live_pid(&live, "deaf");
	result = live_call(&live, "stop", "{\"names\": [\"deaf\"]}");
	CU_ASSERT_PTR_NOT_NULL(result);
	json_decref(result);
	CU_ASSERT(is_gone(pid));
	CU_ASSERT(live_is(&live, "deaf", "STOPPED"));
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT signal FROM lives WHERE path = 'deaf'"),
	    SIGKILL);
	CU_ASSERT_STRING_EQUAL(
	    live_text(
		&live, "SELECT end_reason FROM lives WHERE path = 'deaf'"),
	    "asked");
	live_end(&live);
}

RV_TEST(a_stopped_process_is_let_go_on_and_ends_by_term)
{
	struct live live;
	json_t *result;

	live_begin(&live,
	    "\"children\": { \"s\": { \"command\": "
	    "\"%(fixtures)s/stop_self\", \"ready\": {\"fd\": 3} } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "s"));
	result = live_call(&live, "stop", "{\"names\": [\"s\"]}");
	json_decref(result);
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT signal FROM lives WHERE path = 's'"),
	    SIGTERM);
	live_end(&live);
}

RV_TEST(descendants_that_left_the_group_do_not_outlive_a_stop)
{
	struct live live;
	char members[1024], file[256];
	json_t *result;
	FILE *pids;
	int pid;

	live_open(&live);
	snprintf(file, sizeof(file), "%s/pids", live.dir);
	snprintf(members, sizeof(members),
	    "\"children\": { \"f\": { \"command\": \"%%(fixtures)s/family %s "
	    "group fled bare\", \"ready\": {\"fd\": 3}, \"stopwaitsecs\": "
	    "\"100ms\" } }",
	    file);
	live_config(&live, members);
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(live_saw(&live, "worker.ready", "f"));
	result = live_call(&live, "stop", "{\"names\": [\"f\"]}");
	json_decref(result);
	pids = fopen(file, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(pids);
	while (fscanf(pids, "%d", &pid) == 1) {
		CU_ASSERT(is_gone(pid));
	}
	fclose(pids);
	live_end(&live);
}

RV_TEST(a_worker_without_heartbeats_is_restarted_as_unresponsive)
{
	struct live live;

	live_begin(&live,
	    "\"children\": { \"h\": { \"command\": [\"%(fixtures)s/notifier\","
	    " \"send\", \"READY=1\", \"wait\"], \"ready\": \"notify\", "
	    "\"heartbeat\": {\"interval\": \"100ms\", \"misses\": 2} } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "h"));
	CU_ASSERT(live_saw(&live, "worker.unresponsive", "h"));
	CU_ASSERT(live_saw(&live, "worker.exited", "h"));
	CU_ASSERT(live_saw(&live, "worker.ready", "h"));
	CU_ASSERT_STRING_EQUAL(
	    live_text(&live, "SELECT end_reason FROM lives WHERE path = "
			     "'h' AND ended_at NOT NULL LIMIT 1"),
	    "unresponsive");
	live_end(&live);
}

RV_TEST(a_supervisor_that_stood_still_kills_nobody_on_waking)
{
	struct live live;
	char members[500];
	pid_t pid;
	json_t *event;

	/* Each of its beats is a program that starts, which may take a while.
	 */
	snprintf(members, sizeof(members),
	    "\"children\": { \"h\": { \"command\": [\"sh\", \"-c\", "
	    "\"%%(fixtures)s/notifier send READY=1 exit 0; while :; do "
	    "%%(fixtures)s/notifier send WATCHDOG=1 exit 0; done\"], "
	    "\"ready\": \"notify\", \"heartbeat\": {\"interval\": "
	    "\"%dms\", \"misses\": 2} } }",
	    800 * rv_test_slow());
	live_begin(&live, members);
	CU_ASSERT(live_saw(&live, "worker.ready", "h"));
	pid = live_pid(&live, "h");
	kill(live.pid, SIGSTOP);
	/* Longer than the heartbeat allows for. */
	CU_ASSERT_EQUAL(live_wait(&live, 1800), -1);
	kill(live.pid, SIGCONT);
	event = live_event(&live, "worker.unresponsive", "h", 1000);
	CU_ASSERT_PTR_NULL(event);
	json_decref(event);
	CU_ASSERT_EQUAL(live_pid(&live, "h"), pid);
	live_end(&live);
}

RV_TEST(what_an_operator_stopped_stays_down_through_a_group_restart)
{
	struct live live;

	live_begin(&live,
	    "\"children\": { \"g\": { \"strategy\": \"one_for_all\", "
	    "\"children\": { \"a\": { " ENDING " }, \"b\": { " ENDING
	    " } } } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "g/b"));
	json_decref(live_call(&live, "stop", "{\"names\": [\"g/b\"]}"));
	CU_ASSERT(live_is(&live, "g/b", "STOPPED"));
	kill(live_pid(&live, "g/a"), SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.exited", "g/a"));
	CU_ASSERT(live_saw(&live, "worker.ready", "g/a"));
	CU_ASSERT(live_is(&live, "g/b", "STOPPED"));
	json_decref(live_call(&live, "start", "{\"names\": [\"g/b\"]}"));
	CU_ASSERT(live_is(&live, "g/b", "RUNNING"));
	live_end(&live);
}

RV_TEST(a_root_that_gives_up_ends_the_run_with_one)
{
	struct live live;

	live_open(&live);
	live_config(&live,
	    "\"intensity\": 1, \"period\": \"1h\", \"children\": { \"c\": { "
	    "\"command\": \"%(fixtures)s/ending exit 3\", \"startsecs\": 0 } "
	    "}");
	/* It may have ended before anybody could connect. */
	if (live_run(&live)) {
		live_wait(&live, 20000);
	}
	CU_ASSERT(WIFEXITED(live.status) && WEXITSTATUS(live.status) == 1);
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT count(*) FROM events WHERE kind = "
			       "'supervisor.gave_up'"),
	    1);
	live_close(&live);
}

RV_TEST(reload_adds_removes_restarts_and_leaves_the_rest_alone)
{
	struct live live;
	pid_t same, changed;
	json_t *result;

	live_begin(&live,
	    "\"children\": { \"same\": { " ENDING " }, \"changed\": { " ENDING
	    " }, \"gone\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "gone"));
	same = live_pid(&live, "same");
	changed = live_pid(&live, "changed");
	live_config(&live,
	    "\"children\": { \"new\": { " ENDING " }, \"same\": { " ENDING
	    " }, \"changed\": { " ENDING ", \"environment\": {\"A\": \"1\"} } "
	    "}");
	result = live_call(&live, "reload", NULL);
	CU_ASSERT_PTR_NOT_NULL(result);
	json_decref(result);
	CU_ASSERT(live_saw(&live, "worker.ready", "changed"));
	CU_ASSERT_EQUAL(live_pid(&live, "same"), same);
	CU_ASSERT_NOT_EQUAL(live_pid(&live, "changed"), changed);
	CU_ASSERT(live_is(&live, "new", "RUNNING"));
	CU_ASSERT(live_went(&live, "gone"));
	live_end(&live);
}

RV_TEST(a_bad_file_is_refused_whole)
{
	struct live live;
	pid_t same;

	live_begin(&live, "\"children\": { \"same\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "same"));
	same = live_pid(&live, "same");
	live_config(&live,
	    "\"children\": { \"same\": { \"comand\": \"x\" }, \"b\": { "
	    "\"command\": \"y\", \"startsecs\": \"soon\" } }");
	CU_ASSERT_PTR_NULL(live_call(&live, "reload", NULL));
	CU_ASSERT(live_saw(&live, "config.rejected", NULL));
	CU_ASSERT_EQUAL(live_pid(&live, "same"), same);
	CU_ASSERT_PTR_NULL(live_status(&live, "b"));
	live_end(&live);
}

RV_TEST(a_reload_refuses_what_only_a_new_start_can_change)
{
	static const char *const asks[] = { "reload --dry-run", "reload" };
	struct live live;

	live_begin(&live, "\"children\": { \"same\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "same"));
	live_config(&live,
	    "\"journal\": {\"retain\": \"2d\", \"output_stall\": \"9s\"}, "
	    "\"children\": { \"same\": { " ENDING " }, \"b\": { " ENDING
	    " } }");
	for (size_t i = 0; i < RV_ARRAY_LEN(asks); i++) {
		char *out;

		CU_ASSERT_NOT_EQUAL(live_reeve(&live, &out, asks[i]), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(out, "journal.retain: cannot"));
		CU_ASSERT_PTR_NOT_NULL(strstr(out, "journal.output_stall: "));
		rv_free(out);
	}
	CU_ASSERT(live_saw(&live, "config.rejected", NULL));
	json_decref(live_call(&live, "sync", NULL));
	CU_ASSERT_EQUAL(live_number(&live,
			    "SELECT count(*) FROM events WHERE kind = "
			    "'config.rejected' AND detail LIKE '%journal.retain"
			    "%journal.output_stall%'"),
	    1);
	CU_ASSERT_PTR_NULL(live_status(&live, "b"));
	live_end(&live);
}

RV_TEST(a_unit_of_another_kind_takes_the_place_of_the_one_before)
{
	struct live live;

	live_begin(&live, "\"children\": { \"x\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "x"));
	live_config(&live,
	    "\"children\": { \"x\": { \"children\": { \"y\": { " ENDING
	    " } } } }");
	json_decref(live_call(&live, "reload", NULL));
	CU_ASSERT(live_saw(&live, "worker.exited", "x"));
	CU_ASSERT(live_saw(&live, "worker.ready", "x/y"));
	live_end(&live);
}

RV_TEST(an_end_in_order_takes_away_what_leads_nowhere)
{
	struct live live;
	char link[512], target[512] = "", notify[600], *end;
	struct stat st;

	live_begin(&live, "\"children\": { \"a\": { " ENDING
			  ", \"ready\": \"notify\", \"autostart\": false } }");
	snprintf(link, sizeof(link), "%s/state/control.sock", live.dir);
	CU_ASSERT_FATAL(readlink(link, target, sizeof(target) - 1) > 0);
	end = strrchr(target, '/');
	CU_ASSERT_PTR_NOT_NULL_FATAL(end);
	*end = '\0';
	snprintf(notify, sizeof(notify), "%s.pub/notify", target);
	CU_ASSERT_EQUAL(lstat(notify, &st), 0);
	CU_ASSERT(WIFEXITED(live_stop(&live)));
	CU_ASSERT_EQUAL(lstat(link, &st), -1);
	*strrchr(notify, '/') = '\0';
	CU_ASSERT_EQUAL(lstat(notify, &st), -1);
	CU_ASSERT_EQUAL(lstat(target, &st), 0); /* locks and numbers stay */
	/* and all is there again for the next */
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT_EQUAL(lstat(link, &st), 0);
	CU_ASSERT_EQUAL(lstat(notify, &st), 0);
	live_end(&live);
}

RV_TEST(a_second_run_is_refused_and_names_the_first)
{
	struct live live;
	char *out, pid[32];

	live_begin(&live, "\"children\": { \"web\": { " ENDING " } }");
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "run"), 3);
	snprintf(pid, sizeof(pid), "%d", (int)live.pid);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, pid));
	rv_free(out);
	live_end(&live);
}

RV_TEST(a_bad_config_starts_nothing_and_exits_with_two)
{
	struct live live;
	char *out;

	live_open(&live);
	live_config(&live,
	    "\"children\": { \"a\": { \"comand\": \"x\" }, \"b\": { "
	    "\"command\": \"y\", \"startsecs\": \"soon\" } }");
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "run"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "comand"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "startsecs"));
	rv_free(out);
	CU_ASSERT_EQUAL(access(live.state, F_OK), -1);
	live_close(&live);
}

static pid_t
launcher_of(struct live *live)
{
	pid_t pid = (pid_t)live_info(live, "launcher_pid");

	CU_ASSERT_FATAL(pid > 1);
	return pid;
}

RV_TEST(the_lives_of_a_killed_launcher_go_on_under_the_next)
{
	struct live live;
	pid_t launcher, web;

	/* One whose program runs for sure: what was on its way may be lost. */
	live_begin(&live,
	    "\"children\": { \"web\": { \"command\": ["
	    "\"%(fixtures)s/notifier\", \"ready\", \"wait\"], \"ready\": "
	    "{\"fd\": 3} } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	web = live_pid(&live, "web");
	launcher = launcher_of(&live);
	kill(launcher, SIGKILL);
	CU_ASSERT(live_saw(&live, "launcher.lost", NULL));
	CU_ASSERT_EQUAL(live_pid(&live, "web"), web);
	CU_ASSERT(live_is(&live, "web", "RUNNING"));
	kill(web, SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.exited", "web"));
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	live_end(&live);
}

RV_TEST(a_worker_that_is_connected_is_heard_by_the_next_launcher)
{
	struct live live;
	pid_t web;

	live_begin(&live,
	    "\"children\": { \"web\": { \"command\": ["
	    "\"%(fixtures)s/notifier\", \"connect\", \"say\", \"READY=1\", "
	    "\"await\", \"say\", \"STATUS=still here\", \"wait\"], "
	    "\"ready\": \"notify\" } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	web = live_pid(&live, "web");
	kill(launcher_of(&live), SIGKILL);
	kill(web, SIGUSR1); /* nobody reads that socket at this moment */
	CU_ASSERT(live_saw(&live, "launcher.lost", NULL));
	CU_ASSERT(live_saw(&live, "worker.status", "web"));
	CU_ASSERT_EQUAL(live_pid(&live, "web"), web);
	live_end(&live);
}

static pid_t
clerk_of(struct live *live)
{
	pid_t pid = (pid_t)live_info(live, "clerk_pid");

	CU_ASSERT_FATAL(pid > 1);
	return pid;
}

/* The socket behind a descriptor, 0 for anything else. */
static unsigned long
socket_behind(pid_t pid, const char *fd)
{
	char path[300], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	return strncmp(target, "socket:[", 8) == 0
		   ? strtoul(target + 8, NULL, 10)
		   : 0;
}

static unsigned
list_sockets(pid_t pid, unsigned long *sockets, unsigned max)
{
	char path[64];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		unsigned long inode = socket_behind(pid, e->d_name);

		if (inode != 0 && n < max) {
			sockets[n++] = inode;
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return n;
}

/* One socket in two processes: a worker's, of which the clerk holds one end. */
static bool
is_shared(void *ctx)
{
	struct live *live = ctx;
	unsigned long ours[64], theirs[64];
	unsigned n, m;

	n = list_sockets((pid_t)live_info(live, "launcher_pid"), ours, 64);
	m = list_sockets((pid_t)live_info(live, "clerk_pid"), theirs, 64);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < m; k++) {
			if (ours[i] == theirs[k]) {
				return true;
			}
		}
	}
	return false;
}

/* In a log that goes on it may be so before anybody asks for events. */
static bool
is_up(void *ctx)
{
	json_t *unit = live_status(ctx, "web");
	const char *state = json_string_value(json_object_get(unit, "state"));
	bool up = state != NULL && strcmp(state, "RUNNING") == 0;

	json_decref(unit);
	return up;
}

/* One after the other, never both before it is back in two hands. */
RV_TEST(a_connected_worker_is_heard_whoever_of_both_dies_first)
{
	for (int first = 0; first < 2; first++) {
		struct live live;
		pid_t web;

		live_begin(&live,
		    "\"children\": { \"web\": { \"command\": ["
		    "\"%(fixtures)s/notifier\", \"connect\", \"say\", "
		    "\"READY=1\", \"await\", \"say\", \"STATUS=once\", "
		    "\"await\", \"say\", \"STATUS=twice\", \"wait\"], "
		    "\"ready\": \"notify\" } }");
		CU_ASSERT(rv_test_wait(is_up, &live, -1, 20000));
		web = live_pid(&live, "web");
		for (int i = 0; i < 2; i++) {
			bool clerk = i == first;

			CU_ASSERT(rv_test_wait(is_shared, &live, -1, 10000));
			kill(clerk ? clerk_of(&live) : launcher_of(&live),
			    SIGKILL);
			CU_ASSERT(live_saw(&live,
			    clerk ? "clerk.lost" : "launcher.lost", NULL));
			kill(web, SIGUSR1);
			CU_ASSERT(live_saw(&live, "worker.status", "web"));
		}
		CU_ASSERT_EQUAL(live_pid(&live, "web"), web);
		live_end(&live);
	}
}

RV_TEST(a_stop_that_a_launcher_took_to_its_grave_is_sent_by_the_next)
{
	struct live live;
	pid_t launcher;

	live_begin(&live,
	    "\"children\": { \"web\": { \"command\": ["
	    "\"%(fixtures)s/notifier\", \"ready\", \"wait\"], \"ready\": "
	    "{\"fd\": 3}, \"stopwaitsecs\": \"never\" } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	launcher = launcher_of(&live);
	kill(launcher, SIGSTOP);
	json_decref(live_call(
	    &live, "stop", "{\"names\": [\"web\"], \"no_wait\": true}"));
	CU_ASSERT(live_saw(&live, "worker.stopping", "web"));
	kill(launcher, SIGKILL);
	CU_ASSERT(live_saw(&live, "worker.stopped", "web"));
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT signal FROM lives WHERE path = 'web'"),
	    SIGTERM);
	live_end(&live);
}

RV_TEST(nothing_outlives_a_killed_supervisor_and_the_log_says_so)
{
	struct live live;
	pid_t web;

	live_begin(&live, "\"children\": { \"web\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "web"));
	web = live_pid(&live, "web");
	kill(live.pid, SIGKILL);
	live_wait(&live, 10000);
	live.seen = 1;
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(is_gone(web));
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT count(*) FROM events WHERE kind = "
			       "'runtime.lost'"),
	    1);
	CU_ASSERT_STRING_EQUAL(
	    live_text(&live, "SELECT end_reason FROM lives ORDER BY id "
			     "LIMIT 1"),
	    "lost");
	live_end(&live);
}

RV_TEST(output_is_captured_whatever_it_is)
{
	struct live live;
	char path[256];
	struct stat st;

	live_begin(&live,
	    "\"children\": { \"f\": { \"command\": \"%(fixtures)s/flood "
	    "10000000\", \"startsecs\": 0, \"autorestart\": false, "
	    "\"stdout_logfile_maxbytes\": 0 } }");
	CU_ASSERT(live_saw(&live, "worker.exited", "f"));
	json_decref(live_call(&live, "sync", NULL));
	snprintf(path, sizeof(path), "%s/logs/f.stdout.log", live.state);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT(st.st_size >= 10000000);
	live_end(&live);
}

RV_TEST(signals_to_the_run_stop_it_in_order_then_faster)
{
	struct live live;
	int status;

	live_begin(&live,
	    "\"children\": { \"deaf\": { \"command\": "
	    "\"%(fixtures)s/ignore_term\", \"ready\": {\"fd\": 3}, "
	    "\"stopwaitsecs\": \"1h\" } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "deaf"));
	kill(live.pid, SIGTERM);
	CU_ASSERT(live_saw(&live, "worker.stopping", "deaf"));
	kill(live.pid, SIGTERM);
	status = live_wait(&live, 20000);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT count(*) FROM events WHERE kind = "
			       "'signal.received'"),
	    2);
	live_close(&live);
}

RV_TEST(hup_reloads)
{
	struct live live;

	live_begin(&live, "\"children\": { \"a\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "a"));
	live_config(&live,
	    "\"children\": { \"a\": { " ENDING " }, \"b\": { " ENDING " } }");
	kill(live.pid, SIGHUP);
	CU_ASSERT(live_saw(&live, "worker.ready", "b"));
	live_end(&live);
}

RV_TEST(why_tells_the_story_of_a_crash)
{
	struct live live;
	char *out;

	live_begin(&live,
	    "\"children\": { \"web\": { \"command\": \"sh -c 'echo before; "
	    "echo dying >&2; kill -SEGV $$'\", \"startsecs\": 0, \"backoff\": "
	    "{\"initial\": \"1h\"} } }");
	CU_ASSERT(live_saw(&live, "worker.exited", "web"));
	json_decref(live_call(&live, "sync", NULL));
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "why web"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "SIGSEGV"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "dying"));
	rv_free(out);
	live_end(&live);
}

RV_SUITE(tree, RV_CASE(an_empty_tree_runs_and_stops),
    RV_CASE(a_worker_killed_by_a_signal_is_restarted_and_recorded),
    RV_CASE(what_ends_as_expected_stays_down),
    RV_CASE(a_program_that_is_not_there_becomes_fatal_and_others_run),
    RV_CASE(a_group_restart_takes_all_and_keeps_the_order),
    RV_CASE(what_ignores_term_is_killed_after_stopwaitsecs),
    RV_CASE(a_stopped_process_is_let_go_on_and_ends_by_term),
    RV_CASE(descendants_that_left_the_group_do_not_outlive_a_stop),
    RV_CASE(a_worker_without_heartbeats_is_restarted_as_unresponsive),
    RV_CASE(a_supervisor_that_stood_still_kills_nobody_on_waking),
    RV_CASE(what_an_operator_stopped_stays_down_through_a_group_restart),
    RV_CASE(a_root_that_gives_up_ends_the_run_with_one),
    RV_CASE(reload_adds_removes_restarts_and_leaves_the_rest_alone),
    RV_CASE(a_bad_file_is_refused_whole),
    RV_CASE(a_reload_refuses_what_only_a_new_start_can_change),
    RV_CASE(a_unit_of_another_kind_takes_the_place_of_the_one_before),
    RV_CASE(an_end_in_order_takes_away_what_leads_nowhere),
    RV_CASE(a_second_run_is_refused_and_names_the_first),
    RV_CASE(a_bad_config_starts_nothing_and_exits_with_two),
    RV_CASE(the_lives_of_a_killed_launcher_go_on_under_the_next),
    RV_CASE(a_worker_that_is_connected_is_heard_by_the_next_launcher),
    RV_CASE(a_connected_worker_is_heard_whoever_of_both_dies_first),
    RV_CASE(a_stop_that_a_launcher_took_to_its_grave_is_sent_by_the_next),
    RV_CASE(nothing_outlives_a_killed_supervisor_and_the_log_says_so),
    RV_CASE(output_is_captured_whatever_it_is),
    RV_CASE(signals_to_the_run_stop_it_in_order_then_faster),
    RV_CASE(hup_reloads), RV_CASE(why_tells_the_story_of_a_crash))
