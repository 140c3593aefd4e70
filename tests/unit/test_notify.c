/* SPDX-License-Identifier: MIT */
/* The text of notify messages: what is understood, cut, and refused. */
#include "config.h"

#include <string.h>

#include "lib/harness.h"
#include "wire/notify.h"

static struct rv_notify_message m;

static const struct rv_notify *
parse(const char *text)
{
	rv_notify_parse(text, strlen(text), 0, &m);
	return &m.notify;
}

RV_TEST(each_flag_is_read_from_its_variable)
{
	static const struct {
		const char *text;
		uint32_t flags;
	} cases[] = {
		{ "READY=1", RV_NOTIFY_READY },
		{ "READY=1\n", RV_NOTIFY_READY },
		{ "STOPPING=1", RV_NOTIFY_STOPPING },
		{ "RELOADING=1\nMONOTONIC_USEC=12", RV_NOTIFY_RELOADING },
		{ "WATCHDOG=1", RV_NOTIFY_WATCHDOG },
		{ "WATCHDOG=trigger", RV_NOTIFY_TRIGGER },
		{ "READY=1\nSTATUS=up\nMAINPID=77",
		    RV_NOTIFY_READY | RV_NOTIFY_STATUS | RV_NOTIFY_MAINPID },
		{ "\n\nREADY=1\n\n", RV_NOTIFY_READY },
		{ "X=1\nY\n=\nREADY=1", RV_NOTIFY_READY },
		{ "", 0 },
		{ "\n", 0 },
		{ "READY", 0 },
		{ "ready=1", 0 },
		{ " READY=1", 0 },
		{ "FDSTORE=1\nFDNAME=x", 0 },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		CU_ASSERT_EQUAL(parse(cases[i].text)->flags, cases[i].flags);
		CU_ASSERT_PTR_NULL(m.bad);
		CU_ASSERT(!m.barrier);
	}
}

RV_TEST(numbers_are_read_strictly)
{
	CU_ASSERT_EQUAL(parse("MAINPID=4711")->mainpid, 4711);
	CU_ASSERT_EQUAL(parse("ERRNO=2")->sys_errno, 2);
	CU_ASSERT_EQUAL(parse("EXIT_STATUS=-3")->exit_status, -3);
	CU_ASSERT_EQUAL(parse("WATCHDOG_USEC=5")->watchdog_usec, 5);
	CU_ASSERT_EQUAL(
	    parse("EXTEND_TIMEOUT_USEC=30000000")->extend_usec, 30000000);
}

RV_TEST(what_has_an_impossible_value_is_left_out_and_said)
{
	static const char *const cases[] = { "READY=0", "READY=", "READY=11",
		"WATCHDOG=2", "WATCHDOG=triggered", "MAINPID=0", "MAINPID=1",
		"MAINPID=-5", "MAINPID=99999999999", "MAINPID=12x", "ERRNO=x",
		"WATCHDOG_USEC=0", "WATCHDOG_USEC=18446744073709551615",
		"EXTEND_TIMEOUT_USEC=-1",
		"ERRNO=00000000000000000000000000000000000000000001" };

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		CU_ASSERT_EQUAL(parse(cases[i])->flags, 0);
		CU_ASSERT_PTR_NOT_NULL(m.bad);
	}
	CU_ASSERT_EQUAL(parse("MAINPID=x\nREADY=1")->flags, RV_NOTIFY_READY);
	CU_ASSERT_PTR_NOT_NULL(m.bad);
}

RV_TEST(the_first_of_two_counts)
{
	CU_ASSERT_EQUAL(parse("MAINPID=5\nMAINPID=6")->mainpid, 5);
	CU_ASSERT_STRING_EQUAL(parse("STATUS=a\nSTATUS=b")->status, "a");
}

RV_TEST(a_status_is_cut_to_valid_text)
{
	char text[RV_NOTIFY_MESSAGE_MAX + 8];

	CU_ASSERT_STRING_EQUAL(parse("STATUS=")->status, "");
	CU_ASSERT_EQUAL(m.notify.flags, RV_NOTIFY_STATUS);
	CU_ASSERT_STRING_EQUAL(
	    parse("STATUS=a=b \xc3\xa9")->status, "a=b \xc3\xa9");
	CU_ASSERT_STRING_EQUAL(parse("STATUS=ab\xff"
				     "cd")
				   ->status,
	    "ab");
	memset(text, 'x', sizeof(text));
	memcpy(text, "STATUS=", 7);
	memcpy(text + 7 + RV_NOTIFY_STATUS_MAX - 1, "\xc3\xa9", 2);
	text[2000] = '\0';
	CU_ASSERT_EQUAL(strlen(parse(text)->status), RV_NOTIFY_STATUS_MAX - 1);
}

RV_TEST(what_is_too_long_or_has_a_nul_is_refused_whole)
{
	static char text[RV_NOTIFY_MESSAGE_MAX + 1];

	memset(text, '\n', sizeof(text));
	memcpy(text, "READY=1", 7);
	rv_notify_parse(text, RV_NOTIFY_MESSAGE_MAX, 0, &m);
	CU_ASSERT_EQUAL(m.notify.flags, RV_NOTIFY_READY);
	rv_notify_parse(text, RV_NOTIFY_MESSAGE_MAX + 1, 0, &m);
	CU_ASSERT_EQUAL(m.notify.flags, 0);
	CU_ASSERT_PTR_NOT_NULL(m.bad);
	rv_notify_parse("READY=1\0", 8, 0, &m);
	CU_ASSERT_EQUAL(m.notify.flags, RV_NOTIFY_READY);
	rv_notify_parse("READY=1\0\0", 9, 0, &m);
	CU_ASSERT_EQUAL(m.notify.flags, 0);
	CU_ASSERT_PTR_NOT_NULL(m.bad);
	rv_notify_parse("\0", 1, 0, &m);
	CU_ASSERT_EQUAL(m.notify.flags, 0);
	CU_ASSERT_PTR_NULL(m.bad);
}

RV_TEST(a_barrier_comes_alone_with_one_descriptor)
{
	rv_notify_parse("BARRIER=1", 9, 1, &m);
	CU_ASSERT(m.barrier);
	rv_notify_parse("BARRIER=1\n", 10, 1, &m);
	CU_ASSERT(m.barrier);
	rv_notify_parse("BARRIER=1", 9, 0, &m);
	CU_ASSERT(!m.barrier && m.bad != NULL);
	rv_notify_parse("BARRIER=1", 9, 2, &m);
	CU_ASSERT(!m.barrier && m.bad != NULL);
	rv_notify_parse("READY=1\nBARRIER=1", 17, 1, &m);
	CU_ASSERT(!m.barrier && m.bad != NULL);
	CU_ASSERT_EQUAL(m.notify.flags, 0);
	rv_notify_parse("BARRIER=2", 9, 1, &m);
	CU_ASSERT(!m.barrier && m.bad == NULL);
}

RV_SUITE(notify, RV_CASE(each_flag_is_read_from_its_variable),
    RV_CASE(numbers_are_read_strictly),
    RV_CASE(what_has_an_impossible_value_is_left_out_and_said),
    RV_CASE(the_first_of_two_counts), RV_CASE(a_status_is_cut_to_valid_text),
    RV_CASE(what_is_too_long_or_has_a_nul_is_refused_whole),
    RV_CASE(a_barrier_comes_alone_with_one_descriptor))
