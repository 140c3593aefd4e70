/* SPDX-License-Identifier: MIT */
/* What the real `reeve run` says to the person who started it. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/live.h"

#define ENDING "\"command\": \"%(fixtures)s/ending\", \"startsecs\": 0"

/*
 * How many lines of what it said have these words. An event is in the log
 * before its line is out, so the run has to be over.
 */
static unsigned
said(const struct live *live, const char *words)
{
	char path[256], got[1024];
	unsigned n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/run.log", live->dir);
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	while (fgets(got, sizeof(got), file) != NULL) {
		n += strstr(got, words) != NULL;
	}
	fclose(file);
	return n;
}

RV_TEST(what_cannot_start_is_not_called_started)
{
	struct live live;

	live_open(&live);
	live_config(&live,
	    "\"children\": { \"ghost\": { \"command\": \"/nowhere/ghost\", "
	    "\"startretries\": 0 } }");
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(live_saw(&live, "worker.fatal", "ghost"));
	CU_ASSERT(WIFEXITED(live_stop(&live)));
	CU_ASSERT_EQUAL(said(&live, "ghost: started"), 0);
	CU_ASSERT_EQUAL(said(&live, "ghost: starting, pid "), 1);
	CU_ASSERT_EQUAL(said(&live, "ghost: cannot start: "), 1);
	live_close(&live);
}

RV_TEST(a_reload_says_what_it_did_even_if_that_is_nothing)
{
	struct live live;

	live_open(&live);
	live_config(&live, "\"children\": { \"a\": { " ENDING " } }");
	CU_ASSERT_FATAL(live_run(&live));
	CU_ASSERT(live_saw(&live, "worker.ready", "a"));
	kill(live.pid, SIGHUP);
	CU_ASSERT(live_saw(&live, "config.loaded", NULL));
	live_config(&live,
	    "\"children\": { \"a\": { " ENDING ", \"umask\": \"022\" }, \"b\": "
	    "{ " ENDING " } }");
	kill(live.pid, SIGHUP);
	CU_ASSERT(live_saw(&live, "worker.ready", "b"));
	CU_ASSERT(WIFEXITED(live_stop(&live)));
	CU_ASSERT_EQUAL(said(&live, "nothing differs"), 1);
	CU_ASSERT_EQUAL(
	    said(&live, "1 added, 0 removed, 1 restarted, 0 updated"), 1);
	live_close(&live);
}

RV_TEST(a_place_of_somebody_else_is_named_with_its_owner)
{
	bool is_root = geteuid() == 0;
	char text[256], *out;
	struct live live;
	FILE *file;

	live_open(&live);
	live_config(&live, "\"children\": {}");
	if (is_root) {
		CU_ASSERT_EQUAL(mkdir(live.state, 0700), 0);
		CU_ASSERT_EQUAL(chown(live.state, 65534, 65534), 0);
		snprintf(text, sizeof(text),
		    "it is owned by uid 65534, and this runs as uid 0 (root)");
	} else {
		file = fopen(live.config, "w");
		CU_ASSERT_PTR_NOT_NULL_FATAL(file);
		fprintf(file, "{\"state_dir\": \"/usr\", \"children\": {}}");
		fclose(file);
		snprintf(text, sizeof(text),
		    "it is owned by uid 0 (root), and this runs as uid %d",
		    (int)geteuid());
	}
	CU_ASSERT_NOT_EQUAL(live_reeve(&live, &out, "run"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, text));
	rv_free(out);
	live_close(&live);
}

RV_SUITE(said, RV_CASE(what_cannot_start_is_not_called_started),
    RV_CASE(a_reload_says_what_it_did_even_if_that_is_nothing),
    RV_CASE(a_place_of_somebody_else_is_named_with_its_owner))
