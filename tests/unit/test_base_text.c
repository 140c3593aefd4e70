/* SPDX-License-Identifier: MIT */
/* Small text of base: each parser by a table of what it takes and refuses. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "lib/harness.h"

RV_TEST(a_copy_is_cut_and_always_ends)
{
	char buf[4];

	CU_ASSERT_EQUAL(rv_copy(buf, sizeof(buf), "abcdef"), 3);
	CU_ASSERT_STRING_EQUAL(buf, "abc");
	CU_ASSERT_EQUAL(rv_copy(buf, sizeof(buf), ""), 0);
	CU_ASSERT_STRING_EQUAL(buf, "");
	CU_ASSERT_EQUAL(rv_copy(buf, 1, "abc"), 0);
	CU_ASSERT_STRING_EQUAL(buf, "");
}

RV_TEST(a_format_returns_what_is_there)
{
	char buf[6];

	CU_ASSERT_EQUAL(rv_format(buf, sizeof(buf), "%d", 42), 2);
	CU_ASSERT_EQUAL(rv_format(buf, sizeof(buf), "%s", "longer"), 5);
	CU_ASSERT_STRING_EQUAL(buf, "longe");
}

RV_TEST(numbers_are_parsed_whole_or_not)
{
	static const struct {
		const char *text;
		int64_t min, max, value;
		bool good;
	} rows[] = {
		{ "0", 0, 9, 0, true },
		{ "9", 0, 9, 9, true },
		{ "10", 0, 9, 0, false },
		{ "-1", 0, 9, 0, false },
		{ "-5", -5, 9, -5, true },
		{ "007", 0, 9, 7, true },
		{ "9223372036854775807", 0, INT64_MAX, INT64_MAX, true },
		{ "9223372036854775808", 0, INT64_MAX, 0, false },
		{ "-9223372036854775808", INT64_MIN, 0, INT64_MIN, true },
		{ "", 0, 9, 0, false },
		{ " 1", 0, 9, 0, false },
		{ "1 ", 0, 9, 0, false },
		{ "+1", 0, 9, 0, false },
		{ "--1", -9, 9, 0, false },
		{ "-", -9, 9, 0, false },
		{ "0x1", 0, 9, 0, false },
		{ "1e1", 0, 99, 0, false },
		{ "1.0", 0, 9, 0, false },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		int64_t v = 77;
		bool good =
		    rv_parse_int(rows[i].text, rows[i].min, rows[i].max, &v);

		CU_ASSERT_EQUAL(good, rows[i].good);
		CU_ASSERT_EQUAL(v, rows[i].good ? rows[i].value : 77);
	}
}

RV_TEST(durations_take_a_unit_or_seconds)
{
	static const struct {
		const char *text;
		rv_time value; /* -1: refused */
	} rows[] = {
		{ "0", 0 },
		{ "5", 5 * RV_SEC },
		{ "1.5", 1500 * RV_MS },
		{ "0.1", 100 * RV_MS },
		{ "0.000000001", 1 },
		{ "250ms", 250 * RV_MS },
		{ "0.5ms", 500 * RV_US },
		{ "5s", 5 * RV_SEC },
		{ "2m", 2 * RV_MINUTE },
		{ "1h", RV_HOUR },
		{ "30d", 30 * RV_DAY },
		{ "0.25d", 6 * RV_HOUR },
		{ "", -1 },
		{ "s", -1 },
		{ ".5s", -1 },
		{ "5.s", -1 },
		{ "1.2.3s", -1 },
		{ "-1s", -1 },
		{ "5 s", -1 },
		{ "5S", -1 },
		{ "5us", -1 },
		{ "1h30m", -1 },
		{ "106752d", -1 }, /* more than 63 bits of nanoseconds */
		{ "99999999999999999999", -1 },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		rv_time t = -1;
		bool good = rv_parse_duration(rows[i].text, &t);

		CU_ASSERT_EQUAL(good, rows[i].value >= 0);
		CU_ASSERT_EQUAL(t, rows[i].value);
	}
}

RV_TEST(sizes_take_binary_and_decimal_units)
{
	static const struct {
		const char *text;
		int64_t value; /* -1: refused */
	} rows[] = {
		{ "0", 0 },
		{ "123", 123 },
		{ "123B", 123 },
		{ "1KiB", 1024 },
		{ "64MiB", 64 << 20 },
		{ "1.5GiB", INT64_C(3) << 29 },
		{ "2TiB", INT64_C(2) << 40 },
		{ "1kB", 1000 },
		{ "1KB", 1000 },
		{ "1MB", 1000000 },
		{ "1GB", 1000000000 },
		{ "1TB", INT64_C(1000000000000) },
		{ "1.5", -1 },
		{ "1.5B", -1 },
		{ "1M", -1 },
		{ "1mib", -1 },
		{ "MiB", -1 },
		{ "-1", -1 },
		{ "", -1 },
		{ "18446744073709551616", -1 },
		{ "99999999999TiB", -1 },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		uint64_t n = UINT64_MAX;
		bool good = rv_parse_size(rows[i].text, &n);

		CU_ASSERT_EQUAL(good, rows[i].value >= 0);
		CU_ASSERT_EQUAL(n, (uint64_t)rows[i].value);
	}
}

RV_TEST(durations_are_written_as_short_as_can_be)
{
	static const struct {
		rv_time t;
		const char *text;
	} rows[] = {
		{ 0, "0s" },
		{ 999 * RV_US, "0s" },
		{ -5, "0s" },
		{ 250 * RV_MS, "250ms" },
		{ 5 * RV_SEC, "5s" },
		{ 1500 * RV_MS, "1s500ms" },
		{ 90 * RV_MINUTE, "1h30m" },
		{ 30 * RV_DAY, "30d" },
		{ RV_DAY + RV_SEC, "1d1s" },
		{ RV_FOREVER, "forever" },
	};
	char buf[40];

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		size_t len = rv_format_duration(buf, sizeof(buf), rows[i].t);

		CU_ASSERT_STRING_EQUAL(buf, rows[i].text);
		CU_ASSERT_EQUAL(len, strlen(rows[i].text));
	}
	CU_ASSERT_EQUAL(rv_format_duration(buf, 4, 90 * RV_MINUTE), 3);
	CU_ASSERT_STRING_EQUAL(buf, "1h3");
}

RV_TEST(signals_are_known_by_every_spelling)
{
	const struct {
		const char *text;
		int signo;
	} rows[] = {
		{ "TERM", SIGTERM },
		{ "SIGTERM", SIGTERM },
		{ "sigterm", SIGTERM },
		{ "Term", SIGTERM },
		{ "15", SIGTERM },
		{ "1", SIGHUP },
		{ "64", 64 },
		{ "IOT", SIGABRT },
		{ "CLD", SIGCHLD },
		{ "POLL", SIGIO },
		{ "STKFLT", SIGSTKFLT },
		{ "PWR", SIGPWR },
		{ "SYS", SIGSYS },
		{ "RTMIN", SIGRTMIN },
		{ "SIGRTMIN+3", SIGRTMIN + 3 },
		{ "rtmax", SIGRTMAX },
		{ "RTMAX-2", SIGRTMAX - 2 },
		{ "0", 0 },
		{ "65", 0 },
		{ "-1", 0 },
		{ "", 0 },
		{ "SIG", 0 },
		{ "TER", 0 },
		{ "TERMS", 0 },
		{ "SIGSIGTERM", 0 },
		{ "RTMIN+", 0 },
		{ "RTMIN+31", 0 },
		{ "RTMIN-1", 0 },
		{ "RTMAX+1", 0 },
		{ "RTMIN+-1", 0 },
		{ "EXIT", 0 },
		{ "SIG15", 0 },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		CU_ASSERT_EQUAL(rv_signal_number(rows[i].text), rows[i].signo);
	}
}

RV_TEST(every_signal_has_a_name_that_reads_back)
{
	char buf[24];

	for (int signo = 1; signo < 32; signo++) {
		const char *name = rv_signal_name(signo, buf);

		CU_ASSERT_EQUAL(strncmp(name, "SIG", 3), 0);
		CU_ASSERT_EQUAL(rv_signal_number(name), signo);
	}
	for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++) {
		CU_ASSERT_EQUAL(
		    rv_signal_number(rv_signal_name(signo, buf)), signo);
	}
	CU_ASSERT_STRING_EQUAL(rv_signal_name(SIGRTMIN, buf), "SIGRTMIN+0");
	CU_ASSERT_STRING_EQUAL(rv_signal_name(32, buf), "signal 32");
	CU_ASSERT_STRING_EQUAL(rv_signal_name(0, buf), "signal 0");
	CU_ASSERT_STRING_EQUAL(rv_signal_name(-7, buf), "signal -7");
}

RV_TEST(errors_have_names)
{
	CU_ASSERT_STRING_EQUAL(rv_errno_name(ENOENT), "ENOENT");
	CU_ASSERT_STRING_EQUAL(rv_errno_name(EAGAIN), "EAGAIN");
	CU_ASSERT_STRING_EQUAL(rv_errno_name(EHWPOISON), "EHWPOISON");
	CU_ASSERT_STRING_EQUAL(rv_errno_name(0), "E?");
	CU_ASSERT_STRING_EQUAL(rv_errno_name(-1), "E?");
	CU_ASSERT_STRING_EQUAL(rv_errno_name(4095), "E?");
}

RV_TEST(utf8_is_valid_up_to_the_first_bad_byte)
{
	static const struct {
		const char *text;
		size_t valid;
	} rows[] = {
		{ "", 0 },
		{ "plain", 5 },
		{ "\xc3\xa9", 2 },
		{ "a\xe2\x82\xac"
		  "b",
		    5 },
		{ "\xf0\x9f\x98\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "a\xc3", 1 },         /* cut */
		{ "a\xe2\x82", 1 },     /* cut */
		{ "a\xf0\x9f\x98", 1 }, /* cut */
		{ "\x80", 0 },          /* a follower alone */
		{ "\xc0\xaf", 0 },      /* overlong */
		{ "\xc1\xbf", 0 },
		{ "\xe0\x80\x80", 0 },
		{ "\xf0\x80\x80\x80", 0 },
		{ "\xed\xa0\x80", 0 },     /* a surrogate */
		{ "\xf4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
		{ "ab\xe2\x28\xa1", 2 },
		{ "ab\xe2\x82\x28", 2 },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		CU_ASSERT_EQUAL(
		    rv_utf8_valid(rows[i].text, strlen(rows[i].text)),
		    rows[i].valid);
	}
	CU_ASSERT_EQUAL(rv_utf8_valid("a\0b", 3), 3);
}

RV_TEST(globs_match_as_a_shell_does_and_cross_slashes)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "a", "", false },
		{ "web", "web", true },
		{ "web", "webs", false },
		{ "webs", "web", false },
		{ "*", "", true },
		{ "*", "web/app.0", true },
		{ "web/*", "web/app.0", true },
		{ "web/*", "web", false },
		{ "*.0", "web/app.0", true },
		{ "*.0", "web/app.01", false },
		{ "w*b*p", "web/app", true },
		{ "**a", "bba", true },
		{ "a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false },
		{ "w?b", "web", true },
		{ "w?b", "wb", false },
		{ "?", "", false },
		{ "app.[0-3]", "app.2", true },
		{ "app.[0-3]", "app.4", false },
		{ "app.[!0-3]", "app.4", true },
		{ "app.[^0-3]", "app.2", false },
		{ "[]]", "]", true },
		{ "[a-]", "-", true },
		{ "[abc", "a", false },
		{ "[", "[", false },
		{ "a[", "a", false },
		{ "a*", "a", true },
		{ "*[b]", "aab", true },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		CU_ASSERT_EQUAL(
		    rv_glob(rows[i].pattern, rows[i].text), rows[i].match);
	}
	CU_ASSERT_FALSE(rv_is_glob("web/app.0"));
	CU_ASSERT_TRUE(rv_is_glob("web/*"));
	CU_ASSERT_TRUE(rv_is_glob("w?b"));
	CU_ASSERT_TRUE(rv_is_glob("w[e]b"));
}

RV_TEST(distance_counts_the_slips_of_a_typist)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
		{ "", "", 0 }, { "command", "command", 0 },
		{ "command", "comand", 1 }, { "command", "commmand", 1 },
		{ "command", "commend", 1 },
		{ "command", "ocmmand", 1 }, /* two swapped */
		{ "", "abc", 3 }, { "numprocs", "numproc", 1 },
		{ "abc", "xyz", 3 }, { "abcdef", "uvwxyz", 4 }, /* the cap */
	};
	char longer[80];

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		CU_ASSERT_EQUAL(
		    rv_distance(rows[i].a, rows[i].b), rows[i].distance);
		CU_ASSERT_EQUAL(
		    rv_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CU_ASSERT_EQUAL(rv_distance(longer, longer), 4);
	longer[48] = '\0';
	CU_ASSERT_EQUAL(rv_distance(longer, longer), 0);
}

RV_SUITE(base_text, RV_CASE(a_copy_is_cut_and_always_ends),
    RV_CASE(a_format_returns_what_is_there),
    RV_CASE(numbers_are_parsed_whole_or_not),
    RV_CASE(durations_take_a_unit_or_seconds),
    RV_CASE(sizes_take_binary_and_decimal_units),
    RV_CASE(durations_are_written_as_short_as_can_be),
    RV_CASE(signals_are_known_by_every_spelling),
    RV_CASE(every_signal_has_a_name_that_reads_back),
    RV_CASE(errors_have_names), RV_CASE(utf8_is_valid_up_to_the_first_bad_byte),
    RV_CASE(globs_match_as_a_shell_does_and_cross_slashes),
    RV_CASE(distance_counts_the_slips_of_a_typist))
