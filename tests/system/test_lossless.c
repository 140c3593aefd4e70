/* SPDX-License-Identifier: MIT */
/*
 * Nothing that was acknowledged is ever lost: supervisor, launcher, clerk, or
 * all of them are killed with SIGKILL at random instants, under load, many
 * times over. What a client had an answer for must be in the log afterwards,
 * under the id that the answer named; ids have no gap; no process is left.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/live.h"
#include "sys/sys.h"

#define ROUNDS 200

static const char workers[] =
    "\"journal\": { \"ring\": \"1MiB\" },"
    "\"defaults\": { \"startsecs\": 0, \"autorestart\": true, \"backoff\":"
    " { \"initial\": \"20ms\", \"min\": \"20ms\", \"max\": \"50ms\" } },"
    "\"children\": {"
    "  \"steady\": { \"command\": \"%(fixtures)s/ending\" },"
    "  \"crasher\": { \"command\": \"%(fixtures)s/ending signal 11\","
    "    \"numprocs\": 4 },"
    "  \"leaver\": { \"command\": \"%(fixtures)s/ending exit 3\","
    "    \"numprocs\": 4 }"
    "}";

struct acks {
	uint64_t *ids;
	size_t n, cap;
};

static void
note(struct acks *acks, uint64_t id)
{
	if (acks->n == acks->cap) {
		acks->cap = acks->cap == 0 ? 4096 : acks->cap * 2;
		acks->ids =
		    rv_realloc(acks->ids, acks->n, acks->cap, sizeof(uint64_t));
	}
	acks->ids[acks->n++] = id;
}

/* One request that changes nothing but is recorded; false: no answer came. */
static bool
ask(struct live *live, struct acks *acks)
{
	json_t *result = live_call(
	    live, "signal", "{\"names\": [\"steady\"], \"signal\": \"CONT\"}");
	json_int_t id = json_integer_value(json_object_get(result, "event"));

	json_decref(result);
	if (id > 0) {
		note(acks, (uint64_t)id);
	}
	return id > 0;
}

struct victims {
	bool supervisor, launcher, clerk;
};

static void
kill_them(struct live *live, const struct victims *victims)
{
	pid_t launcher = (pid_t)live_info(live, "launcher_pid");
	pid_t clerk = (pid_t)live_info(live, "clerk_pid");

	if (victims->launcher && launcher > 0) {
		kill(launcher, SIGKILL);
	}
	if (victims->clerk && clerk > 0) {
		kill(clerk, SIGKILL);
	}
	if (victims->supervisor) {
		kill(live->pid, SIGKILL);
		live_wait(live, 10000);
	}
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The sets of ids, not their counts. */
static void
check_all_are_there(struct live *live, struct acks *acks)
{
	char sql[160];
	size_t missing = 0;

	qsort(acks->ids, acks->n, sizeof(acks->ids[0]), compare);
	for (size_t i = 0; i < acks->n; i++) {
		CU_ASSERT(i == 0 || acks->ids[i] != acks->ids[i - 1]);
		snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM events WHERE id = %llu AND "
		    "kind = 'control.request'",
		    (unsigned long long)acks->ids[i]);
		if (live_number(live, sql) != 1) {
			missing++;
		}
	}
	printf("# %zu acknowledged, %zu missing\n", acks->n, missing);
	CU_ASSERT_EQUAL(missing, 0);
	CU_ASSERT_EQUAL(
	    live_number(live, "SELECT max(id) - min(id) + 1 - count(*) "
			      "FROM events"),
	    0);
	CU_ASSERT_EQUAL(
	    live_number(
		live, "SELECT count(*) FROM lives WHERE ended_at IS NULL"),
	    0);
	CU_ASSERT_EQUAL(live_number(live,
			    "SELECT count(*) FROM runs WHERE ended_at IS NULL"),
	    0);
	CU_ASSERT_STRING_EQUAL(live_text(live, "PRAGMA integrity_check"), "ok");
}

static void
play(const struct victims *victims)
{
	struct live live;
	struct acks acks = { 0 };
	const char *text = getenv("REEVE_TEST_ROUNDS");
	int rounds = text != NULL ? (int)strtol(text, NULL, 10) : ROUNDS;
	unsigned seed = (unsigned)time(NULL);

	printf("# seed %u\n", seed);
	srand(seed);
	live_open(&live);
	live_config(&live, workers);
	CU_ASSERT_FATAL(live_run(&live));
	for (int i = 0; i < rounds; i++) {
		int asks = rand() % 40;

		for (int j = 0; j < asks && ask(&live, &acks); j++) {
		}
		kill_them(&live, victims);
		if (victims->supervisor) {
			CU_ASSERT_FATAL(live_run(&live));
		}
	}
	CU_ASSERT(ask(&live, &acks));
	CU_ASSERT_EQUAL(live_stop(&live), 0);
	check_all_are_there(&live, &acks);
	rv_free(acks.ids);
	live_close(&live);
}

RV_TEST(killing_the_supervisor_loses_nothing_acknowledged)
{
	play(&(struct victims){ .supervisor = true });
}

RV_TEST(killing_the_launcher_loses_nothing_acknowledged)
{
	play(&(struct victims){ .launcher = true });
}

RV_TEST(killing_the_clerk_loses_nothing_acknowledged)
{
	play(&(struct victims){ .clerk = true });
}

RV_TEST(killing_all_three_loses_nothing_acknowledged)
{
	play(&(struct victims){
	    .supervisor = true, .launcher = true, .clerk = true });
}

/* True: it has ended. */
static bool
ends(pid_t pid)
{
	struct pollfd p = { .fd = rv_sys_pidfd_open(pid), .events = POLLIN };
	bool ended = p.fd == -1 || poll(&p, 1, 20000) == 1;

	if (p.fd != -1) {
		close(p.fd);
	}
	return ended;
}

RV_TEST(a_clerk_killed_over_the_last_of_a_run_has_a_successor)
{
	struct live live;
	struct acks acks = { 0 };
	pid_t launcher, clerk;

	live_open(&live);
	live_config(&live, workers);
	CU_ASSERT_FATAL(live_run(&live));
	launcher = (pid_t)live_info(&live, "launcher_pid");
	clerk = (pid_t)live_info(&live, "clerk_pid");
	CU_ASSERT_FATAL(launcher > 0 && clerk > 0);
	kill(clerk, SIGSTOP);
	for (int i = 0; i < 100; i++) {
		CU_ASSERT(ask(&live, &acks));
	}
	kill(live.pid, SIGTERM);
	CU_ASSERT(ends(launcher)); /* only the clerk is waited for by now */
	kill(clerk, SIGKILL);
	CU_ASSERT_EQUAL(live_wait(&live, 20000), 0);
	check_all_are_there(&live, &acks);
	rv_free(acks.ids);
	live_close(&live);
}

struct marked {
	pid_t pid;
	char text[4096], *mark;
};

/* For a moment a program that was just executed has no environment yet. */
static bool
has_mark(void *ctx)
{
	struct marked *m = ctx;
	char path[40];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)m->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd != -1 ? read(fd, m->text, sizeof(m->text) - 1) : 0;
	close(fd);
	m->text[n > 0 ? n : 0] = '\0';
	m->mark = m->text;
	while (
	    m->mark < m->text + n && strncmp(m->mark, "REEVE_LIFE=", 11) != 0) {
		m->mark += strlen(m->mark) + 1;
	}
	return m->mark < m->text + n;
}

/* A process with the mark of this worker's run, of which no record tells. */
static pid_t
forge(pid_t worker)
{
	struct marked m = { .pid = worker };
	pid_t pid;

	CU_ASSERT_FATAL(rv_test_wait(has_mark, &m, -1, 20000));
	pid = fork();
	if (pid == 0) {
		char *env[] = { m.mark, NULL };

		setsid();
		execle("/bin/sleep", "sleep", "1000", (char *)NULL, env);
		_exit(127);
	}
	return pid;
}

RV_TEST(what_nobody_wrote_down_is_killed_by_the_next_run)
{
	struct live live;
	int status = 0;
	pid_t pid;

	live_open(&live);
	live_config(&live, workers);
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(live_saw(&live, "worker.ready", "steady"));
	pid = forge(live_pid(&live, "steady"));
	CU_ASSERT_FATAL(pid > 0);
	kill_them(
	    &live, &(struct victims){
		       .supervisor = true, .launcher = true, .clerk = true });
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(ends(pid));
	kill(pid, SIGTERM); /* if not */
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	live_end(&live);
}

RV_SUITE(lossless, RV_CASE(killing_the_supervisor_loses_nothing_acknowledged),
    RV_CASE(killing_the_launcher_loses_nothing_acknowledged),
    RV_CASE(killing_the_clerk_loses_nothing_acknowledged),
    RV_CASE(killing_all_three_loses_nothing_acknowledged),
    RV_CASE(a_clerk_killed_over_the_last_of_a_run_has_a_successor),
    RV_CASE(what_nobody_wrote_down_is_killed_by_the_next_run))
