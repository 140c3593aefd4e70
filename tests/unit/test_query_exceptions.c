/* SPDX-License-Identifier: MIT */
/* What a worker threw, in the story of its end. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "query_rig.h"
#include "wire/json.h"

#define NOON INT64_C(1700000000000000)

static struct query_rig rig;

static void
tells(bool json, const char *what, bool yes)
{
	char *text = query_why(&rig, "web", 1, json);

	if (text == NULL || (strstr(text, what) != NULL) != yes) {
		printf("# %s: %s\n# %s\n", yes ? "not told" : "told", what,
		    text != NULL ? text : rig.err.text);
		CU_FAIL("not as expected");
	}
	reeve_log_free(text);
}

static void
begin(void)
{
	query_rig_open(&rig, true);
	query_event(&rig, NOON, 0, "/", "runtime.started", "");
	query_event(&rig, NOON, 1, "web", "worker.started", "\"pid\":1001");
	query_exec(&rig, "INSERT INTO lives(id, run_id, path, pid, started_at)"
			 " VALUES(1, '" RUN "', 'web', 1001, 1)");
}

#define STACKS                                                       \
	"\"backtrace\":{\"modules\":[\"/srv/app\"],\"threads\":[{"   \
	"\"tid\":7,\"name\":\"main\",\"frames\":[[0,16],[-1,32]]},{" \
	"\"tid\":8,\"name\":\"io\",\"frames\":[[0,48]]}]}"

static void
crash(void)
{
	begin();
	query_event(&rig, NOON + 1, 1, "web", "worker.exception",
	    "\"type\":\"SIGSEGV\",\"message\":\"SIGSEGV (address not mapped)"
	    " at 0x10\",\"signal\":11,\"address\":\"0x10\",\"source\":"
	    "\"crash\",\"registers\":{\"rip\":\"0x1\",\"rsp\":\"0x2\","
	    "\"rax\":\"0x3\",\"rbx\":\"0x4\",\"rcx\":\"0x5\"},"
	    "\"data\":{\"request\":7}," STACKS);
	query_event(&rig, NOON + 2, 1, "web", "worker.exited",
	    "\"reason\":\"signaled\",\"signal\":11,\"text\":\"going\\ndown\"");
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
}

RV_TEST(a_crash_shows_registers_and_stacks)
{
	crash();
	tells(false, "  said        going?down\n", true);
	tells(false, "  crash       SIGSEGV (address not mapped) at 0x10\n",
	    true);
	tells(false,
	    "  data        {\"request\":7}\n"
	    "  registers   rip 0x1  rsp 0x2  rax 0x3  rbx 0x4\n"
	    "              rcx 0x5\n"
	    "    | thread 7 (main):\n    | #0 /srv/app+0x10\n"
	    "    | #1 0x20\n    | thread 8 (io):\n",
	    true);
	query_rig_close(&rig);
}

RV_TEST(names_take_the_place_of_offsets)
{
	crash();
	query_exec(&rig,
	    "INSERT INTO exceptions SELECT id, 1, at, 'SIGSEGV', 'x', NULL,"
	    " '#0 crash_here (a.c:7) in /srv/app+0x10\n', '{}' FROM events"
	    " WHERE kind = 'worker.exception'");
	tells(false, "#0 crash_here (a.c:7) in /srv/app+0x10", true);
	tells(false, "thread 7", false);
	query_rig_close(&rig);
}

RV_TEST(exceptions_as_json_have_every_key)
{
	static const char *const keys[] = { "event", "at", "source", "language",
		"thread", "type", "message", "errno", "signal", "address",
		"caused_by", "registers", "data", "cut", "backtrace" };
	struct rv_json *document = NULL;
	const struct rv_json *story, *all, *e;
	char *text;

	crash();
	text = query_why(&rig, "web", 1, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_EQUAL_FATAL(
	    rv_json_parse(&document, text, strlen(text), NULL), REEVE_OK);
	story = rv_json_at(document, 0);
	CU_ASSERT_STRING_EQUAL(
	    rv_json_str(rv_json_get(story, "said")), "going\ndown");
	all = rv_json_get(story, "exceptions");
	CU_ASSERT_EQUAL_FATAL(rv_json_count(all), 1);
	e = rv_json_at(all, 0);
	CU_ASSERT_EQUAL(rv_json_count(e), RV_ARRAY_LEN(keys));
	for (size_t i = 0; i < RV_ARRAY_LEN(keys); i++) {
		CU_ASSERT_PTR_NOT_NULL(rv_json_get(e, keys[i]));
	}
	CU_ASSERT_EQUAL(rv_json_int(rv_json_get(e, "signal")), 11);
	CU_ASSERT_EQUAL(rv_json_count(rv_json_get(e, "registers")), 5);
	CU_ASSERT_EQUAL(
	    rv_json_int(rv_json_get(rv_json_get(e, "data"), "request")), 7);
	rv_json_free(document);
	reeve_log_free(text);
	query_rig_close(&rig);
}

#define TRACE_TOP "Traceback (most recent call last):\n"

RV_TEST(a_trace_of_an_interpreter_is_told_once)
{
	begin();
	query_event(&rig, NOON + 2, 1, "web", "worker.exited",
	    "\"reason\":\"exited\",\"exit_code\":1");
	query_exec(&rig,
	    "INSERT INTO exceptions SELECT id, 1, at, 'KeyError', '''x''',"
	    " NULL, '" TRACE_TOP "  File \"a.py\", line 1\nKeyError: ''x''\n',"
	    " '{\"source\":\"stderr\",\"language\":\"python\",\"thread\":"
	    "\"w-1\",\"caused_by\":{\"type\":\"OSError\",\"message\":"
	    "\"first\"}}' FROM events WHERE kind = 'worker.exited'");
	query_exec(&rig, "UPDATE lives SET output_tail = 'before\n' ||"
			 " (SELECT backtrace FROM exceptions) || 'after\n'");
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	tells(false,
	    "  exception   KeyError: 'x', in thread w-1 [python]\n"
	    "  caused by   OSError: first\n"
	    "    | " TRACE_TOP,
	    true);
	tells(false,
	    "  last output\n    | before\n    | (the trace above)\n"
	    "    | after\n",
	    true);
	tells(true, "\"source\":\"stderr\"", true);
	query_rig_close(&rig);
}

RV_TEST(long_stacks_are_shortened_for_a_terminal_alone)
{
	begin();
	query_event(&rig, NOON + 1, 1, "web", "worker.exception",
	    "\"type\":\"T\",\"source\":\"raised\"");
	query_exec(&rig,
	    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 99) INSERT INTO exceptions SELECT 3, 1, 1, 'T', NULL,"
	    " NULL, (SELECT group_concat('#' || i || ' f', char(10)) FROM n),"
	    " '{}'");
	query_event(&rig, NOON + 2, 1, "web", "worker.exited",
	    "\"reason\":\"exception\",\"exit_code\":1");
	CU_ASSERT_EQUAL_FATAL(query_read(&rig), REEVE_OK);
	tells(false, "    | #19 f\n    | ... 80 more; --json has them all\n",
	    true);
	tells(false, "#20 f", false);
	tells(true, "#99 f", true);
	query_rig_close(&rig);
}

RV_TEST(memory_that_runs_out_is_an_error)
{
	bool told = false;

	crash();
	for (unsigned n = 1; n < 2000 && !told; n++) {
		char plan[40], *text;

		snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", n);
		rv_fault_set(plan);
		text = query_why(&rig, "web", 1, n % 2 == 0);
		told = text != NULL && rv_fault_calls(RV_FAULT_alloc) < n;
		if (text == NULL) {
			CU_ASSERT(rig.err.status != REEVE_OK);
		}
		reeve_log_free(text);
	}
	rv_fault_set(NULL);
	CU_ASSERT(told);
	query_rig_close(&rig);
}

RV_SUITE(query_exceptions, RV_CASE(a_crash_shows_registers_and_stacks),
    RV_CASE(names_take_the_place_of_offsets),
    RV_CASE(exceptions_as_json_have_every_key),
    RV_CASE(a_trace_of_an_interpreter_is_told_once),
    RV_CASE(long_stacks_are_shortened_for_a_terminal_alone),
    RV_CASE(memory_that_runs_out_is_an_error))
