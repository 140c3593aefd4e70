/* SPDX-License-Identifier: MIT */
/*
 * Trees whose supervisor or launcher has no descriptor left, or one, or two,
 * when it needs some: for a restart, for a client, for another clerk. All is
 * survived, said, and made up for when there are descriptors again.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/live.h"
#include "sys/sys.h"

#define WAIT_MS 10000
#define NONE    ((rlim_t)3) /* all that may be is taken by the standard ones */
#define FEW     ((rlim_t)7) /* more than any one thing needs */

static const char workers[] =
    "\"defaults\": { \"startsecs\": 0, \"backoff\": { \"initial\": \"20ms\","
    " \"min\": \"20ms\", \"max\": \"50ms\" } }, \"children\": {"
    "  \"steady\": { \"command\": \"%(fixtures)s/ending\" },"
    "  \"mortal\": { \"command\": \"%(fixtures)s/ending\" },"
    "  \"parrot\": { \"command\": \"cat %(here)s/fifo\" }"
    "}";

struct few {
	struct live live;
	pid_t clerk;
	pid_t victim; /* whose descriptors are few */
	rlim_t most;
	int fifo; /* parrot says what is written here */
	unsigned said, n_words;
};

static void
limit(struct few *few, rlim_t n)
{
	struct rlimit limit = { n, few->most };

	CU_ASSERT_EQUAL(prlimit(few->victim, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void
begin(struct few *few)
{
	char path[192];

	*few = (struct few){ 0 };
	live_open(&few->live);
	snprintf(path, sizeof(path), "%s/fifo", few->live.dir);
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	few->fifo = open(path, O_RDWR | O_CLOEXEC);
	live_config(&few->live, workers);
	CU_ASSERT_FATAL(live_run(&few->live));
	CU_ASSERT(live_saw(&few->live, "worker.ready", "parrot"));
}

static void
choose(struct few *few, pid_t victim)
{
	struct rlimit limit = { 0 };

	few->victim = victim;
	CU_ASSERT_FATAL(victim > 1);
	CU_ASSERT_EQUAL(prlimit(victim, RLIMIT_NOFILE, NULL, &limit), 0);
	few->most = limit.rlim_max;
}

static void
end(struct few *few)
{
	int status = live_stop(&few->live);

	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_EQUAL(live_number(&few->live, "SELECT max(id) - min(id) + 1 "
						"- count(*) FROM events"),
	    0);
	CU_ASSERT_EQUAL(
	    live_number(&few->live, "SELECT count(*) FROM events WHERE kind "
				    "IN ('worker.fatal', 'clerk.dropped', "
				    "'launcher.lost', 'worker.leftover')"),
	    0);
	CU_ASSERT_EQUAL(live_number(&few->live,
			    "SELECT count(*) FROM lives WHERE ended_at IS "
			    "NULL"),
	    0);
	close(few->fifo);
	live_close(&few->live);
}

/* A command that has its result at once, or nearly. */
static void
command(struct few *few, const char *args, const char *says)
{
	rv_time begun = rv_sys_now();
	char *out = NULL;

	CU_ASSERT_EQUAL(live_reeve(&few->live, &out, args), 0);
	CU_ASSERT(rv_sys_now() - begun < rv_test_slow() * 10 * RV_SEC);
	if (strstr(out, says) == NULL) {
		printf("# reeve %s: no \"%s\" in: %s\n", args, says, out);
		CU_FAIL("a command did not say it");
	}
	rv_free(out);
}

static const char *
state_of(json_t *unit)
{
	const char *state = json_string_value(json_object_get(unit, "state"));

	return state != NULL ? state : "?";
}

static bool
is_decided(void *ctx)
{
	struct few *few = ctx;
	json_t *unit = live_status(&few->live, "mortal");
	bool so = strcmp(state_of(unit), "STARTING") != 0;

	json_decref(unit);
	return so;
}

static bool
is_running(void *ctx)
{
	struct few *few = ctx;
	json_t *unit = live_status(&few->live, "mortal");
	bool so = strcmp(state_of(unit), "RUNNING") == 0;

	json_decref(unit);
	return so;
}

/* It is not started for want of descriptors, again and again. */
static void
hear_failures(struct few *few, int n)
{
	for (int i = 0; i < n; i++) {
		json_t *event =
		    live_event(&few->live, "worker.exited", "mortal", WAIT_MS);
		json_t *detail = json_object_get(event, "detail");
		const char *why =
		    json_string_value(json_object_get(detail, "errno"));

		CU_ASSERT(why != NULL && strcmp(why, "EMFILE") == 0);
		json_decref(event);
	}
}

static void
kill_and_restart(struct few *few, rlim_t n)
{
	bool none = n == NONE;
	pid_t pid = live_pid(&few->live, "mortal");

	CU_ASSERT_FATAL(pid > 1);
	limit(few, n);
	kill(pid, SIGKILL);
	CU_ASSERT(live_saw(&few->live, "worker.exited", "mortal"));
	CU_ASSERT(live_saw(&few->live, "worker.starting", "mortal"));
	CU_ASSERT(rv_test_wait(is_decided, few, -1, WAIT_MS));
	if (none) {
		/* More than there are retries: this feeds no budget. */
		hear_failures(few, 6);
		command(few, "status mortal", "BACKOFF");
		command(few, "stop steady", "STOPPED");
	}
	limit(few, few->most);
	CU_ASSERT(rv_test_wait(is_running, few, -1, WAIT_MS));
	if (none) {
		command(few, "start steady", "RUNNING");
	}
}

RV_TEST(a_launcher_without_descriptors_restarts_later_and_says_why)
{
	struct few few;
	rlim_t most;

	begin(&few);
	choose(&few, (pid_t)live_info(&few.live, "launcher_pid"));
	kill_and_restart(&few, NONE);
	/* What the dead have left is free, and is not enough at first. */
	most = rv_test_fds(few.victim) + FEW;
	for (rlim_t n = most - 2 * FEW; n <= most; n++) {
		kill_and_restart(&few, n);
	}
	CU_ASSERT(live_said(&few.live, "EMFILE"));
	end(&few);
}

/* `reeve status` as a process of its own, that may have to wait. */
static pid_t
ask_beside(struct few *few)
{
	pid_t pid = fork();

	if (pid == 0) {
		_exit(live_reeve(&few->live, NULL, "status"));
	}
	return pid;
}

RV_TEST(a_supervisor_without_descriptors_lets_clients_wait_and_goes_on)
{
	struct few few;
	pid_t asking;
	int status = -1;

	begin(&few);
	choose(&few, few.live.pid);
	limit(&few, NONE);
	asking = ask_beside(&few);
	CU_ASSERT(live_said(&few.live, "cannot take a client"));
	/* Those who are in are served, and the tree needs none. */
	for (int i = 0; i < 5; i++) {
		kill(live_pid(&few.live, "mortal"), SIGKILL);
		CU_ASSERT(live_saw(&few.live, "worker.exited", "mortal"));
		CU_ASSERT(live_saw(&few.live, "worker.ready", "mortal"));
	}
	CU_ASSERT_EQUAL(waitpid(asking, &status, WNOHANG), 0);
	limit(&few, few.most);
	CU_ASSERT_EQUAL(waitpid(asking, &status, 0), asking);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	command(&few, "status mortal", "RUNNING");
	end(&few);
}

static unsigned
count_in(const char *path, const char *text)
{
	FILE *file = fopen(path, "r");
	char line[1024];
	unsigned n = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		n += strstr(line, text) != NULL;
	}
	if (file != NULL) {
		fclose(file);
	}
	return n;
}

static bool
is_kept(void *ctx)
{
	const struct few *few = ctx;
	char path[256];

	snprintf(
	    path, sizeof(path), "%s/logs/parrot.stdout.log", few->live.state);
	return count_in(path, "word") == few->n_words;
}

static bool
is_kept_or_said(void *ctx)
{
	const struct few *few = ctx;
	char path[256];

	snprintf(path, sizeof(path), "%s/run.log", few->live.dir);
	return is_kept(ctx) ||
	       count_in(path, "Too many open files") > few->said;
}

static void
kill_the_clerk(struct few *few, rlim_t n)
{
	pid_t clerk = (pid_t)live_info(&few->live, "clerk_pid");
	char path[256];

	snprintf(path, sizeof(path), "%s/run.log", few->live.dir);
	few->said = count_in(path, "Too many open files");
	limit(few, n);
	CU_ASSERT_FATAL(clerk > 1);
	kill(clerk, SIGKILL);
	CU_ASSERT(live_saw(&few->live, "clerk.lost", NULL));
	few->n_words++;
	CU_ASSERT_EQUAL(write(few->fifo, "word\n", 5), 5);
	CU_ASSERT(rv_test_wait(is_kept_or_said, few, -1, WAIT_MS));
	kill(live_pid(&few->live, "mortal"), SIGKILL);
	CU_ASSERT(live_saw(&few->live, "worker.exited", "mortal"));
	CU_ASSERT(live_saw(&few->live, "worker.ready", "mortal"));
	limit(few, few->most);
	CU_ASSERT(rv_test_wait(is_kept, few, -1, WAIT_MS));
}

RV_TEST(a_supervisor_without_descriptors_gets_another_clerk_when_it_has_some)
{
	struct few few;
	rlim_t most;

	begin(&few);
	choose(&few, few.live.pid);
	most = rv_test_fds(few.victim);
	kill_the_clerk(&few, NONE);
	for (rlim_t n = RV_MAX(NONE, most - FEW); n <= most + 2; n++) {
		kill_the_clerk(&few, n);
	}
	CU_ASSERT(live_said(&few.live, "cannot start the clerk again"));
	end(&few);
}

/* There is one, and it is about to ask for its socket to the launcher. */
static bool
has_new_clerk(void *ctx)
{
	struct few *few = ctx;
	pid_t clerk = (pid_t)live_info(&few->live, "clerk_pid");

	return clerk != 0 && clerk != few->clerk;
}

/* Where the clerk is quicker than we are there is another try. */
RV_TEST(a_clerk_is_connected_later_where_there_is_no_descriptor_for_it)
{
	struct few few;

	begin(&few);
	choose(&few, few.live.pid);
	for (int i = 0; i < 50 && few.said == 0; i++) {
		few.clerk = (pid_t)live_info(&few.live, "clerk_pid");
		CU_ASSERT_FATAL(few.clerk > 1);
		kill(few.clerk, SIGKILL);
		CU_ASSERT(rv_test_wait(has_new_clerk, &few, -1, WAIT_MS));
		limit(&few, NONE);
		few.n_words++;
		CU_ASSERT_EQUAL(write(few.fifo, "word\n", 5), 5);
		CU_ASSERT(rv_test_wait(is_kept_or_said, &few, -1, WAIT_MS));
		few.said += !is_kept(&few);
		limit(&few, few.most);
		CU_ASSERT(rv_test_wait(is_kept, &few, -1, WAIT_MS));
	}
	CU_ASSERT(live_said(&few.live, "cannot make the clerk's socket"));
	end(&few);
}

RV_SUITE(no_descriptors,
    RV_CASE(a_launcher_without_descriptors_restarts_later_and_says_why),
    RV_CASE(a_supervisor_without_descriptors_lets_clients_wait_and_goes_on),
    RV_CASE(
	a_supervisor_without_descriptors_gets_another_clerk_when_it_has_some),
    RV_CASE(a_clerk_is_connected_later_where_there_is_no_descriptor_for_it))
