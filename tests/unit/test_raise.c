/* SPDX-License-Identifier: MIT */
/*
 * What a worker raises and reports, seen from the launcher's end of the notify
 * socket and in the page.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/child.h>

#include "base/base.h"
#include "child/agent.h"
#include "lib/harness.h"
#include "unit/agent_rig.h"

static struct agent_rig rig;
static const char *volatile no_text;

static int
raise_it(void)
{
	reeve_raise("db.Timeout", "no answer in %d ms", 50);
}

static int
raise_with(void)
{
	static const struct reeve_raise_options options = {
		.size = sizeof(options),
		.sys_errno = ENOENT,
		.data = "{\"table\":\"users\"}",
		.cause_type = "net.Closed",
		.cause_message = "reset by peer",
	};

	printf("last words\n");
	reeve_raise_with(&options, "db.Gone", "table %s", "users");
}

static bool
has_frame_of(int (*function)(void))
{
	uint64_t start = (uint64_t)(uintptr_t)function;
	const struct rv_page_thread *t = &rig.trouble.threads[0];

	/* The call may be the last thing in it. */
	return t->n_frames > 0 && t->frames[0] > start &&
	       t->frames[0] <= start + 400;
}

RV_TEST(what_is_raised_ends_the_process_and_is_told)
{
	const char *path;
	size_t len;
	uint64_t offset;

	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, raise_it));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 1);
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	CU_ASSERT_TRUE(agent_rig_is_silent(&rig));
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_RAISED);
	CU_ASSERT_EQUAL(rig.trouble.state, RV_TROUBLE_DONE);
	CU_ASSERT_EQUAL(rig.trouble.number, 1);
	CU_ASSERT_STRING_EQUAL(rig.trouble.type, "db.Timeout");
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "no answer in 50 ms");
	CU_ASSERT_EQUAL(rig.trouble.n_threads, 1);
	CU_ASSERT_EQUAL(rig.trouble.threads[0].exact, 0);
	CU_ASSERT_TRUE(has_frame_of(raise_it));
	CU_ASSERT_TRUE(rv_page_resolve(&rig.trouble,
	    rig.trouble.threads[0].frames[0], &path, &len, &offset));
	agent_rig_close(&rig);
}

RV_TEST(what_is_raised_has_options)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, raise_with));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 1);
	CU_ASSERT_EQUAL(rig.trouble.sys_errno, ENOENT);
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "table users");
	CU_ASSERT_STRING_EQUAL(rig.trouble.data, "{\"table\":\"users\"}");
	CU_ASSERT_STRING_EQUAL(rig.trouble.cause_type, "net.Closed");
	CU_ASSERT_STRING_EQUAL(rig.trouble.cause_message, "reset by peer");
	CU_ASSERT_TRUE(has_frame_of(raise_with));
	agent_rig_close(&rig);
}

static int
raise_badly(void)
{
	static const struct reeve_raise_options options = { .size = 1,
		.data = (const char *)1 };

	reeve_raise_with(&options, NULL, NULL);
}

static int
raise_long(void)
{
	static char data[8192], text[4096];
	struct reeve_raise_options options = { .size = sizeof(options),
		.data = data,
		.cause_type = text,
		.cause_message = text };

	memset(data, '1', sizeof(data) - 1);
	memset(text, 't', sizeof(text) - 1);
	reeve_raise_with(&options, text, "%s%s", text, text);
}

RV_TEST(bad_arguments_to_raise_are_told_as_well_as_can_be)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, raise_badly));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 1);
	CU_ASSERT_STRING_EQUAL(rig.trouble.type, "unnamed");
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "");
	CU_ASSERT_STRING_EQUAL(rig.trouble.data, "");
	agent_rig_close(&rig);
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, raise_long));
	CU_ASSERT_EQUAL(strlen(rig.trouble.type), RV_PAGE_TYPE - 1);
	CU_ASSERT_EQUAL(strlen(rig.trouble.message), RV_PAGE_MESSAGE - 1);
	CU_ASSERT_EQUAL(strlen(rig.trouble.data), RV_PAGE_DATA - 1);
	agent_rig_close(&rig);
}

static int raised_says[2];

static int
raise_alone(void)
{
	unsetenv("REEVE_LIFE");
	dup2(raised_says[1], 2);
	reeve_raise("x.Y", "why %d", 3);
}

RV_TEST(what_nobody_hears_is_said_on_standard_error)
{
	char text[64] = "";

	CU_ASSERT_FATAL(pipe2(raised_says, O_CLOEXEC) == 0);
	agent_rig_open(&rig, false);
	CU_ASSERT_EQUAL(agent_rig_run(&rig, raise_alone), 1);
	CU_ASSERT_TRUE(read(raised_says[0], text, sizeof(text) - 1) > 0);
	CU_ASSERT_STRING_EQUAL(text, "x.Y: why 3\n");
	close(raised_says[0]);
	close(raised_says[1]);
	agent_rig_close(&rig);
}

/* Reports, waits for a beat of ours (a byte on standard input), again. */
static int
report_some(void)
{
	struct reeve_raise_options bad = { .size = 4 };
	char byte;

	EXPECT(reeve_report(NULL, NULL, "x") == REEVE_EINVALID);
	EXPECT(reeve_report(NULL, "", "x") == REEVE_EINVALID);
	EXPECT(reeve_report(NULL, "x", no_text, 1) == REEVE_EINVALID);
	EXPECT(reeve_report(&bad, "x", "y") == REEVE_EINVALID);
	EXPECT(reeve_status(no_text, 1) == REEVE_EINVALID);
	EXPECT(reeve_report(NULL, "first", "%d", 1) == REEVE_OK);
	EXPECT(reeve_report(NULL, "second", "%d", 2) == REEVE_EAGAIN);
	EXPECT(reeve_ready() == REEVE_OK);
	EXPECT(read(0, &byte, 1) == 1);
	EXPECT(reeve_report(NULL, "third", "%d", 3) == REEVE_OK);
	return 0;
}

RV_TEST(a_report_goes_only_when_the_one_before_has_arrived)
{
	int ends[2], in = dup(0);

	CU_ASSERT_FATAL(pipe2(ends, O_CLOEXEC) == 0);
	dup2(ends[0], 0);
	agent_rig_open(&rig, false);
	agent_rig_child(&rig, report_some);
	CU_ASSERT_FATAL(agent_rig_page(&rig));
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	CU_ASSERT_TRUE(rig.fd != -1);
	CU_ASSERT_TRUE(rv_page_trouble(rig.map, &rig.trouble));
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_REPORTED);
	CU_ASSERT_STRING_EQUAL(rig.trouble.type, "first");
	CU_ASSERT_EQUAL(rig.trouble.number, 1);
	/* The descriptor of the last message is closed by the next. */
	CU_ASSERT_TRUE(agent_rig_says(&rig, "READY=1"));
	CU_ASSERT_EQUAL(write(ends[1], "", 1), 1);
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	agent_rig_end(&rig);
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 0);
	CU_ASSERT_TRUE(rv_page_trouble(rig.map, &rig.trouble));
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "3");
	CU_ASSERT_EQUAL(rig.trouble.number, 2);
	agent_rig_close(&rig);
	dup2(in, 0);
	close(in);
	close(ends[0]);
	close(ends[1]);
}

static int
fail_to_start(void)
{
	EXPECT(rv_agent_start() == 0);
	rv_agent_trouble_start(7, EACCES, "cannot %s", "begin");
	return 127;
}

RV_TEST(a_start_that_fails_is_told_with_its_stage)
{
	agent_rig_open(&rig, false);
	CU_ASSERT_TRUE(agent_rig_trouble(&rig, fail_to_start));
	CU_ASSERT_EQUAL(agent_rig_code(&rig), 127);
	CU_ASSERT_TRUE(agent_rig_says(&rig, "REEVE_TROUBLE=1"));
	CU_ASSERT_EQUAL(rig.trouble.kind, RV_TROUBLE_START);
	CU_ASSERT_EQUAL(rig.trouble.stage, 7);
	CU_ASSERT_EQUAL(rig.trouble.sys_errno, EACCES);
	CU_ASSERT_STRING_EQUAL(rig.trouble.type, "reeve.Start");
	CU_ASSERT_STRING_EQUAL(rig.trouble.message, "cannot begin");
	agent_rig_close(&rig);
}

RV_SUITE(raise, RV_CASE(what_is_raised_ends_the_process_and_is_told),
    RV_CASE(what_is_raised_has_options),
    RV_CASE(bad_arguments_to_raise_are_told_as_well_as_can_be),
    RV_CASE(what_nobody_hears_is_said_on_standard_error),
    RV_CASE(a_report_goes_only_when_the_one_before_has_arrived),
    RV_CASE(a_start_that_fails_is_told_with_its_stage))
