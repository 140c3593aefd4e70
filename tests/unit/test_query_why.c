/* SPDX-License-Identifier: MIT */
/* The story of a death, told from logs in which it is known what happened. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/harness.h"
#include "query_rig.h"
#include "wire/json.h"

#define SECOND INT64_C(1000000)
#define NOON   INT64_C(1700000000000000)

/* A story contains this; says it when not. */
static void
tells(struct query_rig *rig, const char *name, const char *what)
{
	char *text = query_why(rig, name, 1, false);

	if (text == NULL || strstr(text, what) == NULL) {
		printf("# not told: %s\n# %s\n", what,
		    text != NULL ? text : rig->err.text);
		CU_FAIL("not told");
	}
	reeve_log_free(text);
}

static void
tells_not(struct query_rig *rig, const char *name, const char *what)
{
	char *text = query_why(rig, name, 1, false);

	CU_ASSERT_PTR_NOT_NULL(text);
	CU_ASSERT(text == NULL || strstr(text, what) == NULL);
	reeve_log_free(text);
}

static void
begin(struct query_rig *rig)
{
	query_rig_open(rig, true);
	query_event(rig, NOON, 0, "/", "runtime.started", "");
}

static void
read_log(struct query_rig *rig)
{
	CU_ASSERT_EQUAL_FATAL(query_read(rig), REEVE_OK);
}

static void
add_life(struct query_rig *rig, unsigned life, const char *path, int64_t at)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
	    "INSERT INTO lives(id, run_id, path, pid, started_at, ready_at)"
	    " VALUES(%u, '" RUN "', '%s', %u, %lld, %lld)",
	    life, path, 1000 + life, (long long)at,
	    (long long)(at + SECOND / 10));
	query_exec(rig, sql);
	query_event(rig, at, life, path, "worker.started", "\"pid\":1001");
	query_event(rig, at + SECOND / 10, life, path, "worker.ready", "");
}

#define SEGV                                                          \
	"\"reason\":\"signaled\",\"signal\":11,\"core_dumped\":true," \
	"\"decision\":\"restart\",\"uptime_ms\":60000,\"pid\":1001,"  \
	"\"utime_us\":1500000,\"stime_us\":200000,\"max_rss_kib\":43000"

static void
crash(struct query_rig *rig)
{
	begin(rig);
	add_life(rig, 1, "web", NOON);
	query_exec(rig,
	    "UPDATE lives SET output_tail = 'one\ntwo \x1b[31m' WHERE id = 1");
	query_event(rig, NOON + 60 * SECOND, 1, "web", "worker.exited", SEGV);
	query_event(rig, NOON + 60 * SECOND, 1, "web", "worker.backoff",
	    "\"delay_ms\":100");
	add_life(rig, 2, "web", NOON + 60 * SECOND + SECOND / 10);
	read_log(rig);
}

RV_TEST(a_crash_is_told_from_its_cause_to_the_return)
{
	struct query_rig rig;

	crash(&rig);
	tells(&rig, "web", "web was killed by SIGSEGV (core dumped)\n");
	tells(&rig, "web", "pid 1001, lived 1m00s, since 20");
	tells(&rig, "web", "ready after 100 ms");
	tells(&rig, "web", "1.5 s user, 200 ms system; memory at most 41 MiB");
	tells(&rig, "web", "    | one\n    | two ?[31m\n");
	tells(&rig, "web", "restart, to start in 100 ms");
	tells(&rig, "web", "after 200 ms, at 20");
	tells(&rig, "web", "no other crash in the log");
	tells_not(&rig, "web", "stopped");
	query_rig_close(&rig);
}

static int64_t
number(const struct rv_json *story, const char *key)
{
	return rv_json_int(rv_json_get(story, key));
}

RV_TEST(the_story_as_json_has_every_key)
{
	static const char *const keys[] = { "path", "what", "event", "life",
		"run", "at", "reason", "crash", "pid", "exit_code", "signal",
		"signal_name", "core_dumped", "stage", "errno", "message",
		"said", "function", "start_method", "started_at", "ready_at",
		"uptime_ms", "utime_us", "stime_us", "max_rss_kib", "count",
		"period_ms", "cause", "stopped", "asked", "unresponsive",
		"exceptions", "limits", "limit_hint", "leftover", "output_tail",
		"decision", "verdict", "delay_ms", "replaced_at", "replaced_by",
		"delay_reason", "tries", "back_at", "back_after_ms", "fatal_at",
		"stopped_at", "group", "gave_up", "others", "before" };
	struct query_rig rig;
	struct rv_json *document = NULL;
	const struct rv_json *story;
	char *text;

	crash(&rig);
	text = query_why(&rig, "web", 1, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_EQUAL_FATAL(
	    rv_json_parse(&document, text, strlen(text), NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_json_count(document), 1);
	story = rv_json_at(document, 0);
	CU_ASSERT_EQUAL(rv_json_count(story), RV_ARRAY_LEN(keys));
	for (size_t i = 0; i < RV_ARRAY_LEN(keys); i++) {
		CU_ASSERT_PTR_NOT_NULL(rv_json_get(story, keys[i]));
	}
	CU_ASSERT_EQUAL(number(story, "signal"), 11);
	CU_ASSERT_EQUAL(number(story, "back_after_ms"), 200);
	CU_ASSERT_EQUAL(number(story, "delay_ms"), 100);
	CU_ASSERT_STRING_EQUAL(
	    rv_json_str(rv_json_get(story, "signal_name")), "SIGSEGV");
	rv_json_free(document);
	reeve_log_free(text);
	query_rig_close(&rig);
}

RV_TEST(earlier_crashes_are_counted_by_hour_day_run_and_log)
{
	struct query_rig rig;
	int64_t hour = 3600 * SECOND;

	begin(&rig);
	query_event(&rig, NOON - 30 * hour, 1, "web", "worker.exited", SEGV);
	query_exec(&rig, "UPDATE events SET run_id = 'older' WHERE id = 2");
	query_event(&rig, NOON - 3 * hour, 2, "web", "worker.exited", SEGV);
	query_event(&rig, NOON - hour / 2, 3, "web", "worker.exited", SEGV);
	query_event(&rig, NOON - 60, 4, "web", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":0");
	query_event(&rig, NOON - 60, 4, "web", "worker.exited",
	    "\"reason\":\"asked\",\"signal\":15");
	query_event(&rig, NOON - 50, 4, "db", "worker.exited", SEGV);
	query_event(&rig, NOON - 40, 0, "web", "clerk.dropped",
	    "\"kind\":\"worker.exited\",\"count\":12");
	query_event(&rig, NOON, 5, "web", "worker.exited", SEGV);
	read_log(&rig);
	tells(&rig, "web",
	    "1 in the hour before, 2 in the day, 2 in this run, 3 in the log "
	    "and 12 that it could not hold; the last 30m00s before");
	query_rig_close(&rig);
}

RV_TEST(a_start_that_failed_says_at_which_step)
{
	struct query_rig rig;

	begin(&rig);
	query_event(&rig, NOON, 1, "web", "worker.exited",
	    "\"reason\":\"start failed\",\"stage\":\"setting resource "
	    "limits\",\"errno\":\"EPERM\",\"decision\":\"fatal\"");
	query_event(&rig, NOON + 1, 1, "web", "worker.fatal", "");
	read_log(&rig);
	tells(&rig, "web",
	    "web could not start: setting resource limits: EPERM\n");
	tells(&rig, "web", "start retries used up: FATAL");
	tells(&rig, "web", "no: it is FATAL");
	query_rig_close(&rig);
}

RV_TEST(a_stop_names_who_asked_for_it)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web/app.0", NOON);
	query_event(&rig, NOON + SECOND, 0, "/", "control.request",
	    "\"method\":\"stop\",\"names\":[\"web/app\"],\"uid\":1000,"
	    "\"pid\":77");
	query_event(&rig, NOON + SECOND, 0, "/", "control.request",
	    "\"method\":\"stop\",\"names\":[\"other\"],\"uid\":0,\"pid\":78");
	query_event(&rig, NOON + SECOND, 1, "web/app.0", "worker.stopping",
	    "\"why\":\"operator\",\"signal\":15");
	query_event(&rig, NOON + SECOND, 1, "web/app.0", "worker.exited",
	    "\"reason\":\"asked\",\"signal\":15,\"pid\":1001");
	query_event(&rig, NOON + SECOND, 1, "web/app.0", "worker.stopped",
	    "\"why\":\"operator\"");
	read_log(&rig);
	tells(&rig, "web/app",
	    "web/app.0 was killed by SIGTERM, as it was told to\n");
	tells(&rig, "web/app",
	    "because an operator asked: reeve stop by user 1000, pid 77\n");
	tells(&rig, "web", "no: it was stopped");
	query_rig_close(&rig);
}

RV_TEST(what_the_host_decided_is_said_to_be_its_doing)
{
	struct query_rig rig;

	begin(&rig);
	query_event(&rig, NOON + 1, 1, "rules", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":0,\"decision\":\"stay\"");
	query_event(&rig, NOON + 2, 2, "rests", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":1,"
	    "\"decision\":\"stay\",\"verdict\":\"rest\"");
	query_event(&rig, NOON + 3, 3, "comes", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":0,"
	    "\"decision\":\"restart\",\"verdict\":\"restart\"");
	read_log(&rig);
	tells(&rig, "rules", "stays down: its autorestart does not restart it");
	tells_not(&rig, "rules", "hook");
	tells(&rig, "rests", "stays down: the host's hook decided so\n");
	tells_not(&rig, "rests", "autorestart");
	tells(&rig, "comes", "restart: the host's hook decided so\n");
	query_rig_close(&rig);
}

RV_TEST(one_that_was_replaced_is_not_waited_for)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	query_event(&rig, NOON + SECOND, 2, "web", "worker.replaced",
	    "\"pid\":77,\"old_pid\":1001");
	query_event(&rig, NOON + SECOND, 1, "web", "worker.exited",
	    "\"reason\":\"asked\",\"exit_code\":0,\"pid\":1001");
	read_log(&rig);
	tells(&rig, "web", "the next one, pid 77, had taken over before, at");
	tells_not(&rig, "web", "has not run since");
	query_event(&rig, NOON + 2 * SECOND, 2, "web", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":1,\"pid\":77");
	tells_not(&rig, "web", "had taken over");
	query_rig_close(&rig);
}

RV_TEST(a_stop_by_the_host_is_no_operators)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	query_event(&rig, NOON + 1, 0, "/", "control.request",
	    "\"method\":\"restart\",\"names\":[\"web\"]");
	query_event(&rig, NOON + 1, 1, "web", "worker.stopping",
	    "\"why\":\"operator\",\"signal\":15");
	query_event(&rig, NOON + 2, 1, "web", "worker.exited",
	    "\"reason\":\"asked\",\"exit_code\":0");
	read_log(&rig);
	tells(&rig, "web", "because the host asked: restart by the host\n");
	tells_not(&rig, "web", "operator");
	query_rig_close(&rig);
}

RV_TEST(a_shutdown_by_the_host_tells_its_reason)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	query_event(&rig, NOON + 1, 0, "/", "control.request",
	    "\"method\":\"shutdown\",\"reason\":\"moving out\"");
	query_event(&rig, NOON + 1, 1, "web", "worker.stopping",
	    "\"why\":\"shutdown\",\"signal\":15");
	query_event(&rig, NOON + 2, 1, "web", "worker.exited",
	    "\"reason\":\"asked\",\"exit_code\":0");
	read_log(&rig);
	tells(&rig, "web",
	    "because the runtime was shut down: shutdown by the host, which "
	    "said: moving out\n");
	query_rig_close(&rig);
}

RV_TEST(a_signal_to_the_runtime_is_named_as_the_cause)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	query_event(&rig, NOON + 1, 0, "/", "signal.received", "\"signal\":2");
	query_event(&rig, NOON + 1, 1, "web", "worker.stopping",
	    "\"why\":\"shutdown\",\"signal\":15");
	query_event(&rig, NOON + 2, 1, "web", "worker.exited",
	    "\"reason\":\"asked\",\"exit_code\":0");
	query_event(
	    &rig, NOON + 3, 0, "/", "runtime.stopped", "\"reason\":\"asked\"");
	read_log(&rig);
	tells(&rig, "web",
	    "because the runtime was shut down: the runtime was sent SIGINT");
	tells(&rig, "web", "no: the runtime ended");
	tells(&rig, "/", "/ the runtime ended: asked");
	query_rig_close(&rig);
}

RV_TEST(a_kill_from_nowhere_is_said_to_be_one)
{
	struct query_rig rig;

	begin(&rig);
	query_event(&rig, NOON, 1, "web", "worker.exited",
	    "\"reason\":\"signaled\",\"signal\":9");
	read_log(&rig);
	tells(&rig, "web", "nobody here sent that KILL");
	query_rig_close(&rig);
}

RV_TEST(silence_tells_how_long)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	query_event(&rig, NOON + 9 * SECOND, 1, "web", "worker.unresponsive",
	    "\"silent_ms\":6000,\"action\":\"abort\"");
	query_event(&rig, NOON + 9 * SECOND, 1, "web", "worker.stopping",
	    "\"why\":\"unresponsive\",\"signal\":6");
	query_event(&rig, NOON + 9 * SECOND, 1, "web", "worker.exited",
	    "\"reason\":\"unresponsive\",\"signal\":6,\"core_dumped\":false");
	read_log(&rig);
	tells(&rig, "web", "web was killed by SIGABRT, unresponsive\n");
	tells(&rig, "web", "no heartbeat for 6.0 s; action: abort");
	tells(&rig, "web", "because its heartbeats stayed away");
	query_rig_close(&rig);
}

RV_TEST(exceptions_come_with_their_backtrace)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	for (int i = 0; i < 6; i++) {
		char detail[200];

		snprintf(detail, sizeof(detail),
		    "\"kind\":\"ValueError\",\"message\":\"bad %d\",\"errno\":"
		    "\"EPIPE\",\"text\":\"main.c:1\\nlib.c:2\"",
		    i);
		query_event(
		    &rig, NOON + i, 1, "web", "worker.exception", detail);
	}
	query_event(&rig, NOON + 9, 1, "web", "worker.exited",
	    "\"reason\":\"exception\",\"exit_code\":1");
	read_log(&rig);
	tells(&rig, "web",
	    "ValueError: bad 5 (EPIPE)\n    | main.c:1\n    | "
	    "lib.c:2\n");
	tells(&rig, "web", "bad 2");
	tells_not(&rig, "web", "bad 1");
	query_rig_close(&rig);
}

static void
group(struct query_rig *rig)
{
	begin(rig);
	add_life(rig, 1, "web/app", NOON);
	add_life(rig, 2, "web/front", NOON);
	query_event(rig, NOON + SECOND, 1, "web/app", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":3,\"decision\":\"restart\"");
	query_event(rig, NOON + SECOND, 0, "web", "supervisor.restarting",
	    "\"cause\":\"web/app\",\"strategy\":\"rest_for_one\"");
	query_event(rig, NOON + SECOND, 2, "web/front", "worker.stopping",
	    "\"why\":\"group\"");
	query_event(rig, NOON + SECOND, 2, "web/front", "worker.exited",
	    "\"reason\":\"asked\",\"signal\":15");
	add_life(rig, 3, "web/app", NOON + 2 * SECOND);
	add_life(rig, 4, "web/front", NOON + 3 * SECOND);
	read_log(rig);
}

RV_TEST(a_group_restart_tells_who_went_along_and_why)
{
	struct query_rig rig;

	group(&rig);
	tells(&rig, "web/app",
	    "web is rest_for_one: web/front (back after 2.1 s)\n");
	tells(&rig, "web/front",
	    "because its group was restarted (web), on account of web/app, "
	    "which exited with code 3\n");
	query_rig_close(&rig);
}

RV_TEST(supervisors_that_gave_up_are_part_of_it)
{
	struct query_rig rig;

	begin(&rig);
	query_event(&rig, NOON, 1, "web/app", "worker.exited", SEGV);
	query_event(&rig, NOON + 1, 0, "web", "supervisor.gave_up",
	    "\"cause\":\"web/app\",\"reason\":\"intensity exceeded\","
	    "\"count\":6,\"period_ms\":10000");
	query_event(&rig, NOON + 2, 0, "/", "supervisor.gave_up",
	    "\"cause\":\"web\",\"reason\":\"fatal child\"");
	query_event(&rig, NOON + 3, 0, "/", "runtime.stopped",
	    "\"reason\":\"gave up\",\"exit_code\":1");
	read_log(&rig);
	tells(&rig, "web/app",
	    "web: intensity exceeded, 6 restarts within 10.0 s\n");
	tells(&rig, "web/app", "/: fatal child\n");
	tells(&rig, "/", "/: fatal child, the last on account of web\n");
	tells(&rig, "/",
	    "web: intensity exceeded, 6 restarts within 10.0 s, the last on "
	    "account of web/app\n");
	tells(&rig, "web",
	    "web gave up: intensity exceeded, 6 restarts within 10.0 s, the "
	    "last on account of web/app\n");
	query_rig_close(&rig);
}

RV_TEST(who_died_at_the_same_moment_is_named_once)
{
	struct query_rig rig;

	begin(&rig);
	query_event(&rig, NOON - SECOND / 2, 1, "db", "worker.exited", SEGV);
	query_event(&rig, NOON - SECOND / 4, 2, "db", "worker.exited", SEGV);
	query_event(&rig, NOON - 9 * SECOND, 3, "far", "worker.exited", SEGV);
	query_event(&rig, NOON, 4, "web", "worker.exited", SEGV);
	read_log(&rig);
	tells(&rig, "web",
	    "also then   db was killed by SIGSEGV (core dumped), 500 ms "
	    "before\n  before");
	query_rig_close(&rig);
}

RV_TEST(a_helper_that_was_lost_is_part_of_it)
{
	struct query_rig rig;

	begin(&rig);
	query_event(&rig, NOON - 20 * SECOND, 1, "db", "worker.exited", SEGV);
	query_event(&rig, NOON, 0, "/", "launcher.lost", "\"pid\":12");
	query_event(&rig, NOON + 1, 2, "web", "worker.exited", SEGV);
	query_event(&rig, NOON + 2, 0, "/", "clerk.lost", "\"pid\":13");
	read_log(&rig);
	tells(&rig, "web", "also then   / lost its launcher, ");
	tells(&rig, "/", "/ lost its clerk, which was replaced\n");
	tells_not(&rig, "/", "never ready");
	CU_ASSERT_PTR_NULL(query_why(&rig, "launcher", 1, false));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(rig.err.text, "events --kind 'launcher.*'"));
	query_rig_close(&rig);
}

RV_TEST(the_last_word_of_a_path_is_what_was_meant)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "grp", NOON);
	add_life(&rig, 2, "grp/app", NOON);
	read_log(&rig);
	CU_ASSERT_PTR_NULL(query_why(&rig, "app", 1, false));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.err.text, "did you mean grp/app?"));
	CU_ASSERT_PTR_NULL(query_why(&rig, "xyz", 1, false));
	CU_ASSERT_PTR_NULL(strstr(rig.err.text, "did you mean"));
	query_rig_close(&rig);
}

RV_TEST(limits_are_read_from_the_config_and_compared)
{
	struct query_rig rig;

	begin(&rig);
	query_exec(&rig,
	    "UPDATE runs SET config = '{\"defaults\":{\"limits\":{\"as\":1}},"
	    "\"children\":{\"web\":{\"children\":{\"app\":{\"numprocs\":2,"
	    "\"limits\":{\"as\":\"64MiB\",\"cpu\":{\"soft\":5,\"hard\":6}}}}}}"
	    "}'");
	query_event(&rig, NOON, 1, "web/app.1", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":1,\"max_rss_kib\":63000");
	read_log(&rig);
	tells(&rig, "web/app.1", "as 64MiB, cpu 5/6\n");
	tells(&rig, "web/app.1", "its memory was near the limit (as)");
	query_event(&rig, NOON + 1, 2, "web/app.1", "worker.exited",
	    "\"reason\":\"signaled\",\"signal\":24");
	tells(&rig, "web/app.1", "its limit of processor time (cpu) was used");
	query_rig_close(&rig);
}

RV_TEST(a_life_that_nobody_saw_end_is_told_as_lost)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	query_exec(&rig,
	    "UPDATE lives SET ended_at = 1700000100000000, end_reason = "
	    "'lost'");
	query_event(&rig, NOON + 100 * SECOND, 0, "/", "runtime.lost", "");
	read_log(&rig);
	tells(&rig, "web", "web was lost: the supervisor died");
	tells(&rig, "/", "/ the runtime ended: it was killed, or crashed");
	query_rig_close(&rig);
}

RV_TEST(a_unit_that_never_ended_has_a_story)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	read_log(&rig);
	tells(&rig, "web", "web has not ended, as far as the log goes back\n");
	tells(&rig, "web", "pid 1001");
	query_rig_close(&rig);
}

RV_TEST(several_ends_are_told_newest_first)
{
	struct query_rig rig;
	char *text;
	const char *first, *second;

	begin(&rig);
	query_event(&rig, NOON, 1, "web/a", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":1");
	query_event(&rig, NOON + 1, 2, "web/b", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":2");
	read_log(&rig);
	text = query_why(&rig, "web/*", 5, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	first = strstr(text, "web/b exited with code 2");
	second = strstr(text, "\n\nweb/a exited with code 1");
	CU_ASSERT(first == text);
	CU_ASSERT(second > first);
	reeve_log_free(text);
	query_rig_close(&rig);
}

RV_TEST(an_unknown_name_is_answered_with_the_known_ones)
{
	struct query_rig rig;

	begin(&rig);
	add_life(&rig, 1, "web", NOON);
	add_life(&rig, 2, "cache", NOON);
	read_log(&rig);
	CU_ASSERT_PTR_NULL(query_why(&rig, "wbe", 1, false));
	CU_ASSERT_EQUAL(rig.err.status, REEVE_ENOENT);
	CU_ASSERT_STRING_EQUAL(rig.err.text,
	    "there is no unit wbe in the log; did you mean web? there are: "
	    "cache, web");
	CU_ASSERT_PTR_NULL(query_why(&rig, "x*", 1, false));
	CU_ASSERT_EQUAL(rig.err.status, REEVE_ENOENT);
	query_rig_close(&rig);
}

RV_TEST(a_death_that_is_only_in_the_ring_is_told)
{
	struct query_rig rig;
	struct rv_fields fields = { 0 };

	query_rig_open(&rig, false);
	query_ring(&rig, 65536, 5);
	rv_fields_str(&fields, RV_KEY_REASON, "exited");
	rv_fields_int(&fields, RV_KEY_EXIT_CODE, 3);
	query_ring_record(&rig, RV_KIND_WORKER_EXITED, 9, "web", &fields);
	read_log(&rig);
	tells(&rig, "web", "web exited with code 3\n");
	query_rig_close(&rig);
}

RV_TEST(details_that_are_no_json_do_no_harm)
{
	struct query_rig rig;

	begin(&rig);
	query_event(&rig, NOON, 1, "web", "worker.exited", "[rubbish");
	query_event(&rig, NOON + 1, 1, "web", "worker.exited",
	    "\"reason\":7,\"signal\":\"x\",\"exit_code\":null,\"pid\":[]");
	read_log(&rig);
	tells(&rig, "web", "web ended, its status is not known\n");
	query_rig_close(&rig);
}

RV_SUITE(query_why, RV_CASE(a_crash_is_told_from_its_cause_to_the_return),
    RV_CASE(the_story_as_json_has_every_key),
    RV_CASE(earlier_crashes_are_counted_by_hour_day_run_and_log),
    RV_CASE(a_start_that_failed_says_at_which_step),
    RV_CASE(a_stop_names_who_asked_for_it),
    RV_CASE(what_the_host_decided_is_said_to_be_its_doing),
    RV_CASE(one_that_was_replaced_is_not_waited_for),
    RV_CASE(a_stop_by_the_host_is_no_operators),
    RV_CASE(a_shutdown_by_the_host_tells_its_reason),
    RV_CASE(a_signal_to_the_runtime_is_named_as_the_cause),
    RV_CASE(a_kill_from_nowhere_is_said_to_be_one),
    RV_CASE(silence_tells_how_long),
    RV_CASE(exceptions_come_with_their_backtrace),
    RV_CASE(a_group_restart_tells_who_went_along_and_why),
    RV_CASE(supervisors_that_gave_up_are_part_of_it),
    RV_CASE(who_died_at_the_same_moment_is_named_once),
    RV_CASE(a_helper_that_was_lost_is_part_of_it),
    RV_CASE(the_last_word_of_a_path_is_what_was_meant),
    RV_CASE(limits_are_read_from_the_config_and_compared),
    RV_CASE(a_life_that_nobody_saw_end_is_told_as_lost),
    RV_CASE(a_unit_that_never_ended_has_a_story),
    RV_CASE(several_ends_are_told_newest_first),
    RV_CASE(an_unknown_name_is_answered_with_the_known_ones),
    RV_CASE(a_death_that_is_only_in_the_ring_is_told),
    RV_CASE(details_that_are_no_json_do_no_harm))
