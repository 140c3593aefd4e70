/* SPDX-License-Identifier: MIT */
/*
 * Rows of exceptions, on the real clerk: what workers told, and what their
 * interpreters wrote at the end.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/clerk_rig.h"

static struct crig rig;

#define STACKS                                                              \
	"{\"modules\":[\"/srv/app\\nx\",\"/lib/libc.so.6\"],\"threads\":["  \
	"{\"tid\":7,\"name\":\"main\",\"exact\":true,\"frames\":[[0,4660]," \
	"[1,16],[-1,140737488355328]]},{\"tid\":8,\"name\":\"io\","         \
	"\"frames\":[[1,32],[5,1],[0]]}],\"cut\":true}"

static void
tell(uint64_t life, const char *stacks)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_TYPE, "SIGSEGV");
	rv_fields_str(&fields, RV_KEY_MESSAGE, "SIGSEGV at 0x0");
	rv_fields_str(&fields, RV_KEY_ERRNO, "EPIPE");
	rv_fields_str(&fields, RV_KEY_ADDRESS, "0x0");
	rv_fields_json(&fields, RV_KEY_REGISTERS, "{\"rip\":\"0x1\"}");
	rv_fields_str(&fields, RV_KEY_SOURCE, "crash");
	rv_fields_json(&fields, RV_KEY_BACKTRACE, stacks);
	crig_record(&rig, RV_KIND_WORKER_EXCEPTION, "web", life, &fields);
}

static void
begin(void)
{
	crig_init(&rig);
	rig.connects = true;
	crig_open(&rig, NULL);
}

RV_TEST(what_a_worker_told_is_a_row)
{
	begin();
	crig_started(&rig, 1, "web", getpid());
	tell(1, STACKS);
	crig_sync(&rig);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT type || '|' || message || '|' ||"
			    " sys_errno || '|' || life_id"
			    " FROM exceptions"),
	    "SIGSEGV|SIGSEGV at 0x0|32|1");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig,
		"SELECT data ->> 'address' || (data ->> '$.registers.rip')"
		" || (data ->> 'source') || (data ->> 'errno')"
		" FROM exceptions"),
	    "0x00x1crashEPIPE");
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT data ->> 'backtrace' IS NULL AND"
			      " data ->> 'type' IS NULL FROM exceptions"),
	    1);
	crig_finish(&rig);
}

RV_TEST(stacks_become_lines)
{
	const char *text;

	begin();
	tell(1, STACKS);
	crig_sync(&rig);
	text = crig_text(&rig, "SELECT backtrace FROM exceptions");
	CU_ASSERT_PTR_EQUAL(
	    text, strstr(text, "thread 7 (main):\n#0 /srv/app?x"));
	/* The search for names may have put its reason behind each. */
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "+0x1234"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n#1 /lib/libc.so.6+0x10"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    text, "#2 0x800000000000\nthread 8 (io):\n#0 /lib/libc.so.6"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "#1 0x1\n(what is further out was left off)\n"));
	crig_finish(&rig);
}

RV_TEST(stacks_that_make_no_sense_do_no_harm)
{
	static const char *const odd[] = { "{}", "[]", "7", "{\"threads\":7}",
		"{\"threads\":[7,{}]}", "not json", "",
		"{\"modules\":7,\"threads\":[{\"frames\":[[0,1],[0,\"a\"],7,"
		"[9223372036854775807,-1]]}]}" };

	begin();
	for (size_t i = 0; i < RV_ARRAY_LEN(odd); i++) {
		tell(1, odd[i]);
	}
	crig_sync(&rig);
	CU_ASSERT_EQUAL(crig_number(&rig, "SELECT COUNT(*) FROM exceptions"),
	    RV_ARRAY_LEN(odd));
	CU_ASSERT_EQUAL(rig.n_lost, 0);
	crig_finish(&rig);
}

/* -------- what interpreters write -------- */

#define TRACE                                              \
	"Traceback (most recent call last):\n"             \
	"  File \"/srv/app.py\", line 3, in load\n"        \
	"    open(\"x\")\n"                                \
	"OSError: first\n"                                 \
	"\n"                                               \
	"During handling of the above exception, another " \
	"exception occurred:\n"                            \
	"\n"                                               \
	"Traceback (most recent call last):\n"             \
	"  File \"/srv/app.py\", line 7, in <module>\n"    \
	"    main()\n"                                     \
	"KeyError: 'second'\n"

static void
end(uint64_t life, const char *reason, int code, int signo)
{
	struct rv_fields fields = { 0 };

	rv_fields_str(&fields, RV_KEY_REASON, reason);
	if (signo != 0) {
		rv_fields_int(&fields, RV_KEY_SIGNAL, signo);
	} else {
		rv_fields_int(&fields, RV_KEY_EXIT_CODE, code);
	}
	rv_fields_int(&fields, RV_KEY_PID, 77);
	crig_record(&rig, RV_KIND_WORKER_EXITED, "web", life, &fields);
}

/* It writes this to its stderr and is dead. */
static void
say(uint64_t life, const char *text)
{
	char log[32];
	int w[2];

	snprintf(log, sizeof(log), "logs/e%u", (unsigned)life);
	crig_pipe(&rig, life, "web", NULL, crig_file(&rig, log), 0, 0, w);
	crig_started(&rig, life, "web", getpid());
	CU_ASSERT(crig_write(w[1], text));
	close(w[1]);
}

static void
begin_saying(void)
{
	begin();
	mkdir(crig_file(&rig, "logs"), 0700);
}

RV_TEST(a_trace_in_the_last_words_is_an_exception)
{
	begin_saying();
	say(1, "before\n" TRACE "after\n");
	end(1, "exited", 1, 0);
	crig_sync(&rig);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig,
		"SELECT type || '|' || message || '|' || (data ->> 'source') ||"
		" (data ->> 'language') || '|' || (data ->>"
		" '$.caused_by.type') || (data ->> '$.caused_by.message')"
		" FROM exceptions"),
	    "KeyError|'second'|stderrpython|OSErrorfirst");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT backtrace FROM exceptions"), TRACE);
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT v.kind FROM exceptions e JOIN events v"
			    " ON v.id = e.id AND v.life_id = e.life_id"),
	    "worker.exited");
	CU_ASSERT_STRING_EQUAL(
	    crig_text(&rig, "SELECT exception FROM crashes"), "'second'");
	crig_finish(&rig);
}

RV_TEST(only_a_bad_end_makes_a_trace_an_exception)
{
	begin_saying();
	say(1, TRACE);
	end(1, "exited", 0, 0);
	say(2, TRACE);
	end(2, "asked", 0, 15);
	say(3, TRACE);
	end(3, "asked", 0, 0);
	say(4, "no trace at all\n");
	end(4, "exited", 1, 0);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM exceptions"), 0);
	say(5, TRACE);
	end(5, "signaled", 0, 6);
	say(6, TRACE);
	end(6, "asked", 1, 0);
	crig_sync(&rig);
	CU_ASSERT_EQUAL(
	    crig_number(&rig, "SELECT COUNT(*) FROM exceptions"), 2);
	crig_finish(&rig);
}

RV_TEST(a_failing_disk_leaves_each_exception_once)
{
	char plan[64];

	for (unsigned n = 1; n <= 12; n++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u", n);
		snprintf(plan, sizeof(plan), "sqlite@%u=ENOSPC", n);
		crig_init_in(&rig, name);
		rig.connects = true;
		crig_open(&rig, plan);
		mkdir(crig_file(&rig, "logs"), 0700);
		say(1, TRACE);
		tell(1, STACKS);
		end(1, "exited", 1, 0);
		crig_sync(&rig);
		CU_ASSERT_EQUAL(
		    crig_number(&rig, "SELECT COUNT(*) FROM exceptions"), 2);
		crig_finish(&rig);
	}
}

RV_TEST(memory_that_runs_out_leaves_each_exception_once)
{
	for (unsigned n = 1; n <= 120; n += 3) {
		char name[16], plan[64];

		snprintf(name, sizeof(name), "m%u", n);
		snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", n + 30);
		crig_init_in(&rig, name);
		rig.connects = true;
		crig_start(&rig, plan);
		if (!crig_wait(&rig, crig_is_ready)) {
			CU_FAIL("no clerk is ready");
		}
		tell(1, STACKS);
		crig_exited(&rig, 1, "web", 1);
		crig_sync(&rig);
		CU_ASSERT_EQUAL(
		    crig_number(&rig, "SELECT COUNT(*) FROM exceptions"), 1);
		crig_finish(&rig);
	}
}

RV_SUITE(clerk_exceptions, RV_CASE(what_a_worker_told_is_a_row),
    RV_CASE(stacks_become_lines), RV_CASE(stacks_that_make_no_sense_do_no_harm),
    RV_CASE(a_trace_in_the_last_words_is_an_exception),
    RV_CASE(only_a_bad_end_makes_a_trace_an_exception),
    RV_CASE(a_failing_disk_leaves_each_exception_once),
    RV_CASE(memory_that_runs_out_leaves_each_exception_once))
