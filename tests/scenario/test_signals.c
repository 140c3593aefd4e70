/* SPDX-License-Identifier: MIT */
/* What signals to `reeve run` do, by the table of its config. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/harness.h"
#include "lib/live.h"

/* Ready once it is the program, and then ended by any signal. */
#define ENDING                                                             \
	"\"command\": [\"%(fixtures)s/notifier\", \"send\", \"READY=1\", " \
	"\"wait\"], \"ready\": \"notify\""

RV_TEST(what_the_table_forwards_reaches_the_workers_that_it_names)
{
	struct live live;

	live_begin(&live,
	    "\"signals\": { \"USR1\": { \"forward\": [\"web/*\"], \"as\": "
	    "\"USR2\" } }, \"children\": { \"web\": { \"children\": { \"a\": "
	    "{ " ENDING " } } }, \"b\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "supervisor.ready", "/"));
	kill(live.pid, SIGUSR1);
	CU_ASSERT(live_saw(&live, "signal.received", "/"));
	CU_ASSERT(live_saw(&live, "worker.exited", "web/a"));
	CU_ASSERT_EQUAL(live_number(&live,
			    "SELECT signal FROM lives WHERE path = 'web/a' AND "
			    "ended_at IS NOT NULL"),
	    SIGUSR2);
	CU_ASSERT(live_is(&live, "b", "RUNNING"));
	live_end(&live);
}

RV_TEST(a_reload_changes_what_a_signal_does)
{
	struct live live;
	int status;

	live_begin(&live,
	    "\"signals\": { \"TERM\": \"ignore\", \"USR1\": "
	    "\"reload\" }, \"children\": { \"a\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "a"));
	kill(live.pid, SIGTERM);
	CU_ASSERT(live_saw(&live, "signal.received", "/"));
	CU_ASSERT(live_is(&live, "a", "RUNNING"));
	live_config(&live, "\"signals\": { \"PWR\": \"shutdown\" }, "
			   "\"children\": { \"a\": { " ENDING " } }");
	kill(live.pid, SIGUSR1);
	CU_ASSERT(live_saw(&live, "config.loaded", "/"));
	kill(live.pid, SIGPWR);
	status = live_wait(&live, 20000);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_STRING_EQUAL(
	    live_text(&live, "SELECT json_extract(detail, '$.reason') FROM "
			     "events WHERE kind = 'runtime.stopped'"),
	    "signal PWR");
	live_close(&live);
}

RV_TEST(a_stray_signal_does_nothing_but_be_recorded)
{
	struct live live;

	live_begin(&live, "\"children\": { \"a\": { " ENDING " } }");
	CU_ASSERT(live_saw(&live, "worker.ready", "a"));
	kill(live.pid, SIGALRM);
	CU_ASSERT(live_saw(&live, "signal.received", "/"));
	kill(live.pid, SIGUSR2);
	CU_ASSERT(live_saw(&live, "signal.received", "/"));
	live_end(&live);
}

/* -------- one in another -------- */

/* The config of a second runtime, with a worker that takes its time to end. */
static void
write_inner(struct live *live, char *file, size_t size)
{
	FILE *f;

	snprintf(file, size, "%s/inner.json", live->dir);
	f = fopen(file, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f,
	    "{ \"name\": \"inner\", \"state_dir\": \"%s/inner\", "
	    "\"children\": { \"slow\": { \"command\": [\"sh\", \"-c\", \"trap "
	    "'touch %s/ended; exit 0' TERM; touch %s/begun; while :; do sleep "
	    "0.01; done\"] } } }",
	    live->dir, live->dir, live->dir);
	fclose(f);
}

static bool
exists(const struct live *live, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", live->dir, name);
	return access(path, F_OK) == 0;
}

static bool
has_begun(void *ctx)
{
	return exists(ctx, "begun");
}

RV_TEST(a_reeve_in_a_reeve_ends_when_its_own_tree_is_empty)
{
	struct live live, inner = { 0 };
	char members[1024], program[512];

	live_open(&live);
	snprintf(program, sizeof(program), "%s/reeve", rv_test_builddir());
	write_inner(&live, inner.config, sizeof(inner.config));
	snprintf(members, sizeof(members),
	    "\"children\": { \"inner\": { \"command\": [\"%s\", \"run\", "
	    "\"-c\", \"%s\"], \"startsecs\": 0, \"stopwaitsecs\": "
	    "\"20s\" } }",
	    program, inner.config);
	live_config(&live, members);
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(rv_test_wait(has_begun, &live, -1, 20000));
	CU_ASSERT(!exists(&live, "ended"));
	kill(live.pid, SIGTERM);
	CU_ASSERT_EQUAL(live_wait(&live, 20000), 0);
	/* It was asked, stopped what was below it, and only then ended. */
	CU_ASSERT(exists(&live, "ended"));
	CU_ASSERT_EQUAL(live_number(&live,
			    "SELECT count(*) FROM lives WHERE path = 'inner' "
			    "AND exit_code = 0"),
	    1);
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT count(*) FROM events WHERE kind = "
			       "'worker.leftover'"),
	    0);
	live_close(&inner);
	live_close(&live);
}

RV_SUITE(signals,
    RV_CASE(what_the_table_forwards_reaches_the_workers_that_it_names),
    RV_CASE(a_reload_changes_what_a_signal_does),
    RV_CASE(a_stray_signal_does_nothing_but_be_recorded),
    RV_CASE(a_reeve_in_a_reeve_ends_when_its_own_tree_is_empty))
