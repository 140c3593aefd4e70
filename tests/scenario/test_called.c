/* SPDX-License-Identifier: MIT */
/* Functions of a module as workers of the real `reeve run`, told of later. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "lib/live.h"

#define NAMES_MS 40000 /* more than they may take */

#define FUNCTION(name) \
	"\"function\": \"%(fixtures)s/../.libs/handy.so:" name "\""

RV_TEST(functions_run_by_each_method_and_stop_when_asked)
{
	static const char *const methods[] = { "spawn", "fork", "forkserver" };
	struct live live;
	char sql[200], *out;

	live_begin(&live,
	    "\"defaults\": {\"ready\": \"notify\", \"heartbeat\": "
	    "{\"interval\": \"1s\"}}, \"children\": {"
	    "\"spawn\": {" FUNCTION(
		"handy_beat") ", \"args\": {\"n\": 1}, "
			      "\"start_method\": \"spawn\"},"
			      "\"fork\": {" FUNCTION(
				  "handy_beat") ", \"args\": [2], "
						"\"start_method\": \"fork\"},"
						"\"forkserver\": {" FUNCTION(
						    "handy_beat") ", \"args\": "
								  "\"3\"} }");
	/* In whatever order. */
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(live_saw(&live, "worker.ready", NULL));
	}
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(live_is(&live, methods[i], "RUNNING"));
	}
	/* What they say of themselves is the last column. */
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "status"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "  STATUS\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "  args {\"n\":1}\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "  args [2]\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "  args \"3\"\n"));
	rv_free(out);
	CU_ASSERT_EQUAL(WEXITSTATUS(live_stop(&live)), 0);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM lives WHERE path = '%s' AND "
		    "start_method = '%s' AND end_reason = 'asked' AND "
		    "exit_code = 0",
		    methods[i], methods[i]);
		CU_ASSERT_EQUAL(live_number(&live, sql), 1);
	}
	CU_ASSERT_EQUAL(
	    live_number(&live,
		"SELECT count(*) FROM events WHERE kind = "
		"'worker.exited' AND detail LIKE '%asked to stop%'"),
	    3);
	live_close(&live);
}

RV_TEST(a_crash_is_told_with_the_functions_it_went_through)
{
	struct live live;
	char *out;

	live_begin(&live,
	    "\"children\": {\"c\": {" FUNCTION(
		"handy_crash") ", "
			       "\"autorestart\": false, \"start_method\": "
			       "\"spawn\", "
			       "\"environment\": {\"ASAN_OPTIONS\": "
			       "\"handle_segv=0\"}} }");
	CU_ASSERT(live_saw(&live, "worker.exception", "c"));
	CU_ASSERT(live_saw(&live, "worker.exited", "c"));
	CU_ASSERT_EQUAL(live_number(&live,
			    "SELECT count(*) FROM exceptions e JOIN lives l "
			    "ON l.id = e.life_id WHERE e.type = 'SIGSEGV' AND "
			    "l.signal = 11 AND l.path = 'c'"),
	    1);
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "why c"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "handy.so:handy_crash, by spawn\n"));
	rv_free(out);
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "why --json c"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "handy.so:handy_crash\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "\"start_method\":\"spawn\""));
	rv_free(out);
	live_end(&live);
}

RV_TEST(an_exception_is_told_with_all_that_was_said_of_it)
{
	struct live live;
	char *out;

	live_begin(&live, "\"children\": {\"r\": {" FUNCTION(
			      "handy_raise") ", "
					     "\"ready\": \"notify\", "
					     "\"autorestart\": false} }");
	CU_ASSERT(live_saw(&live, "worker.exception", "r"));
	CU_ASSERT(live_saw(&live, "worker.exited", "r"));
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT count(*) FROM exceptions WHERE type = "
			       "'db.Lost' AND message = 'no answer in 5 s' AND "
			       "sys_errno = 111 AND data LIKE '%db1%' AND data "
			       "LIKE '%net.Refused%'"),
	    1);
	CU_ASSERT_STRING_EQUAL(
	    live_text(&live, "SELECT end_reason FROM lives WHERE path = 'r'"),
	    "exception");
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "why r"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "db.Lost: no answer in 5 s"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "net.Refused"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "handy_raise, by forkserver\n"));
	rv_free(out);
	live_end(&live);
}

RV_TEST(one_that_stops_beating_is_found_by_its_page)
{
	struct live live;

	live_begin(&live,
	    "\"children\": {\"h\": {" FUNCTION(
		"handy_hang") ", "
			      "\"ready\": \"notify\", \"autorestart\": false, "
			      "\"heartbeat\": "
			      "{\"interval\": \"200ms\", \"misses\": 2, "
			      "\"action\": "
			      "\"abort\"}} }");
	CU_ASSERT(live_saw(&live, "worker.unresponsive", "h"));
	CU_ASSERT(live_saw(&live, "worker.exception", "h"));
	CU_ASSERT(live_saw(&live, "worker.exited", "h"));
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT signal FROM lives WHERE path = 'h'"),
	    SIGABRT);
	live_end(&live);
}

RV_TEST(what_is_not_in_the_module_is_said_in_words)
{
	struct live live;

	live_begin(&live,
	    "\"children\": {\"n\": {" FUNCTION(
		"handy_nothing") ", "
				 "\"startretries\": 0}, \"m\": { \"function\": "
				 "\"/nowhere/x.so:fn\", \"startretries\": 0}, "
				 "\"p\": {" FUNCTION(
				     "handy_beat") ", \"startretries\": 0, "
						   "\"forkserver_preload\": "
						   "[\"/nowhere/y.so\"]} }");
	CU_ASSERT(live_saw(&live, "worker.fatal", "n"));
	CU_ASSERT(live_said(&live, "has no function handy_nothing"));
	CU_ASSERT(live_said(&live, "loading the module of its function"));
	CU_ASSERT(live_said(&live, "cannot preload /nowhere/y.so"));
	live_end(&live);
}

RV_TEST(a_command_that_links_nothing_tells_of_its_crash)
{
	struct live live;

	live_begin(&live,
	    "\"children\": {\"c\": {\"command\": \"%(fixtures)s/ending signal "
	    "11\", \"crash_report\": true, \"autorestart\": false, "
	    "\"environment\": {\"ASAN_OPTIONS\": "
	    "\"handle_segv=0:verify_asan_link_order=0\"}} }");
	CU_ASSERT(live_saw(&live, "worker.exited", "c"));
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT count(*) FROM exceptions WHERE type = "
			       "'SIGSEGV'"),
	    1);
	live_end(&live);
}

/* The page of the shell is gone with it, that of the program counts. */
RV_TEST(a_command_that_a_shell_executes_tells_of_its_crash)
{
	struct live live;

	live_begin(&live,
	    "\"children\": {\"c\": {\"command\": [\"sh\", \"-c\", "
	    "\"exec %(fixtures)s/crasher null\"], \"crash_report\": true, "
	    "\"autorestart\": false, \"environment\": {\"ASAN_OPTIONS\": "
	    "\"handle_segv=0:verify_asan_link_order=0\"}} }");
	CU_ASSERT(live_saw(&live, "worker.exited", "c"));
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT count(*) FROM exceptions WHERE type = "
			       "'SIGSEGV' AND backtrace LIKE '%/crasher%'"),
	    1);
	CU_ASSERT_EQUAL(
	    live_number(&live, "SELECT count(*) FROM events WHERE kind = "
			       "'protocol.violation'"),
	    0);
	live_end(&live);
}

static bool
says(struct live *live, const char *args, const char *words)
{
	char *out = NULL;
	bool so =
	    live_reeve(live, &out, args) == 0 && strstr(out, words) != NULL;

	if (!so) {
		printf("# reeve %s says no \"%s\": %s\n", args, words, out);
	}
	rv_free(out);
	return so;
}

RV_TEST(a_function_is_shown_by_its_name_and_method)
{
	struct live live;

	live_begin(&live,
	    "\"defaults\": {\"ready\": \"notify\"}, \"children\": {"
	    "\"s\": {" FUNCTION(
		"handy_beat") ", \"start_method\": \"spawn\"},"
			      "\"f\": {" FUNCTION(
				  "handy_beat") "},"
						"\"c\": {\"command\": \"sleep "
						"1000\", \"ready\": "
						"\"started\","
						" \"startsecs\": 0} }");
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(live_saw(&live, "worker.ready", NULL));
	}
	CU_ASSERT(says(&live, "status --json s", "handy.so:handy_beat"));
	CU_ASSERT(says(&live, "status --json s", "\"spawn\""));
	CU_ASSERT(says(&live, "status --json f", "\"forkserver\""));
	CU_ASSERT(says(&live, "status --json c", "\"function\":null"));
	CU_ASSERT(says(&live, "status f", "RUNNING"));
	CU_ASSERT(says(&live, "events --json", "\"forkserver\""));
	CU_ASSERT(says(&live, "check", "good"));
	live_end(&live);
}

static bool
has_names(void *live)
{
	return live_number(live, "SELECT count(*) FROM unnamed") == 0;
}

RV_TEST(one_that_hangs_tells_what_each_of_its_threads_does)
{
	struct live live;

	live_begin(&live,
	    "\"children\": {\"h\": {" FUNCTION(
		"handy_hang_threads") ", "
				      "\"ready\": \"notify\", \"autorestart\": "
				      "false, "
				      "\"heartbeat\": {\"interval\": "
				      "\"200ms\", \"misses\": 2, "
				      "\"action\": \"abort\"}} }");
	CU_ASSERT(live_saw(&live, "worker.unresponsive", "h"));
	CU_ASSERT(live_saw(&live, "worker.exited", "h"));
	CU_ASSERT(says(&live, "why h", "(left)"));
	CU_ASSERT(says(&live, "why h", "(right)"));
	CU_ASSERT(says(&live, "why --json h", "(right)"));
#ifdef RV_LIBDW
	/* Names come later than what they are of. */
	CU_ASSERT(rv_test_wait(has_names, &live, -1, NAMES_MS));
	CU_ASSERT(says(&live, "why h", "pause"));
#endif
	live_end(&live);
}

#define ARGS_MOST (128 * 1024)

/* Of the three methods; so much of JSON. */
static void
with_args(struct live *live, size_t len)
{
	static char members[8 * ARGS_MOST], args[2 * ARGS_MOST];

	memset(args, 'x', len);
	args[0] = args[len - 1] = '"';
	args[len] = '\0';
	snprintf(members, sizeof(members), "%s%s%s%s%s%s} }",
	    "\"defaults\": {\"ready\": \"notify\"}, \"children\": {"
	    "\"spawn\": {" FUNCTION("handy_measure") ", \"start_method\": "
						     "\"spawn\", \"args\": ",
	    args,
	    "}, \"fork\": {" FUNCTION("handy_measure") ", \"start_method\": "
						       "\"fork\", \"args\": ",
	    args,
	    "}, \"forkserver\": {" FUNCTION("handy_measure") ", \"args\": ",
	    args);
	live_config(live, members);
}

RV_TEST(arguments_of_any_size_up_to_the_limit_arrive)
{
	static const size_t sizes[] = { 2, 3, 4096, 65536, ARGS_MOST };
	static const char *const methods[] = { "spawn", "fork", "forkserver" };
	struct live live;
	char slot[64], *out;

	for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		live_open(&live);
		with_args(&live, sizes[n]);
		CU_ASSERT_FATAL(live_run(&live));
		snprintf(slot, sizeof(slot), "\"%zu %c 0\"", sizes[n],
		    sizes[n] > 2 ? 'x' : '\\');
		/* Events may be too old to be asked for: the config is big. */
		CU_ASSERT(says(&live, "start spawn fork forkserver", ""));
		for (unsigned i = 0; i < 3 && sizes[n] > 2; i++) {
			char ask[64];

			snprintf(
			    ask, sizeof(ask), "status --json %s", methods[i]);
			CU_ASSERT(says(&live, ask, slot));
		}
		live_end(&live);
	}
	live_open(&live);
	with_args(&live, ARGS_MOST + 1);
	CU_ASSERT_EQUAL(live_reeve(&live, &out, "check"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "args: are more than 128 KiB"));
	rv_free(out);
	live_close(&live);
}

/* Memory for a call is had from the kernel, which may have none just now. */
RV_TEST(a_start_without_memory_for_its_call_is_tried_again)
{
	struct live live;
	char plan[64];

	for (unsigned n = 1; n <= 4; n++) {
		snprintf(plan, sizeof(plan), "memfd_create@%u=ENFILE", n);
		setenv("REEVE_FAULTS", plan, 1);
		live_begin(&live,
		    "\"defaults\": {\"ready\": \"notify\", \"backoff\": "
		    "{\"min\": \"10ms\"}}, \"children\": {\"spawn\": "
		    "{" FUNCTION(
			"handy_beat") ", \"start_method\": \"spawn\"}, "
				      "\"fork\": {" FUNCTION(
					  "handy_beat") ", \"start_method\": "
							"\"fork\"}, "
							"\"forkserver\": "
							"{" FUNCTION(
							    "handy_beat") "} "
									  "}");
		unsetenv("REEVE_FAULTS");
		for (unsigned i = 0; i < 3; i++) {
			CU_ASSERT(live_saw(&live, "worker.ready", NULL));
		}
		if (n == 1) {
			CU_ASSERT(live_said(&live, "ENFILE"));
		}
		live_end(&live);
	}
}

RV_SUITE(called, RV_CASE(functions_run_by_each_method_and_stop_when_asked),
    RV_CASE(a_crash_is_told_with_the_functions_it_went_through),
    RV_CASE(an_exception_is_told_with_all_that_was_said_of_it),
    RV_CASE(one_that_stops_beating_is_found_by_its_page),
    RV_CASE(what_is_not_in_the_module_is_said_in_words),
    RV_CASE(a_command_that_links_nothing_tells_of_its_crash),
    RV_CASE(a_command_that_a_shell_executes_tells_of_its_crash),
    RV_CASE(a_function_is_shown_by_its_name_and_method),
    RV_CASE(one_that_hangs_tells_what_each_of_its_threads_does),
    RV_CASE(arguments_of_any_size_up_to_the_limit_arrive),
    RV_CASE(a_start_without_memory_for_its_call_is_tried_again))
