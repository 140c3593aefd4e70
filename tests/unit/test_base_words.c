/* SPDX-License-Identifier: MIT */
/* The rest of base: JSON text, errors, statuses, times, CRC, faults, panics. */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/jsonw.h"
#include "base/time.h"
#include "lib/harness.h"

static const char *
string_as_json(const char *s, size_t len)
{
	static char text[256];
	struct rv_buf buf;
	struct rv_jsonw w;

	rv_buf_init(&buf, 4096);
	rv_jsonw_init(&w, &buf);
	rv_jsonw_strn(&w, s, len);
	CU_ASSERT_TRUE_FATAL(buf.len < sizeof(text));
	memcpy(text, rv_buf_str(&buf), buf.len + 1);
	rv_buf_finish(&buf);
	return text;
}

RV_TEST(commas_stand_where_json_wants_them)
{
	struct rv_buf buf;
	struct rv_jsonw w;

	rv_buf_init(&buf, 4096);
	rv_jsonw_init(&w, &buf);
	rv_jsonw_object(&w);
	rv_jsonw_key(&w, "none");
	rv_jsonw_null(&w);
	rv_jsonw_key(&w, "list");
	rv_jsonw_array(&w);
	rv_jsonw_array_end(&w);
	rv_jsonw_key(&w, "more");
	rv_jsonw_array(&w);
	rv_jsonw_int(&w, INT64_MIN);
	rv_jsonw_uint(&w, UINT64_MAX);
	rv_jsonw_bool(&w, true);
	rv_jsonw_bool(&w, false);
	rv_jsonw_object(&w);
	rv_jsonw_object_end(&w);
	rv_jsonw_raw(&w, "{\"raw\":1}");
	rv_jsonw_str(&w, NULL);
	rv_jsonw_array_end(&w);
	rv_jsonw_key(&w, "s");
	rv_jsonw_str(&w, "x");
	rv_jsonw_object_end(&w);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&buf),
	    "{\"none\":null,\"list\":[],\"more\":[-9223372036854775808,"
	    "18446744073709551615,true,false,{},{\"raw\":1},null],"
	    "\"s\":\"x\"}");
	rv_buf_finish(&buf);
}

RV_TEST(strings_are_escaped_and_made_utf8)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "", "\"\"" },
		{ "plain", "\"plain\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xc3\xa9", "\"\xc3\xa9\"" },
		/* what stands behind a character is escaped as ever */
		{ "\xc3\xa9\"\n", "\"\xc3\xa9\\\"\\n\"" },
		{ "\xe2\x82\xac\"", "\"\xe2\x82\xac\\\"\"" },
		{ "\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\\\"\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "a\xc3", "\"a\xef\xbf\xbd\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xc3\"", "\"\xef\xbf\xbd\\\"\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		CU_ASSERT_STRING_EQUAL(
		    string_as_json(rows[i].text, strlen(rows[i].text)),
		    rows[i].json);
	}
	CU_ASSERT_STRING_EQUAL(string_as_json("a\0b", 3), "\"a\\u0000b\"");
}

static const char *
double_as_json(double v)
{
	static char text[64];
	struct rv_buf buf;
	struct rv_jsonw w;

	rv_buf_init(&buf, 63);
	rv_jsonw_init(&w, &buf);
	rv_jsonw_double(&w, v);
	memcpy(text, rv_buf_str(&buf), buf.len + 1);
	rv_buf_finish(&buf);
	return text;
}

RV_TEST(doubles_are_short_and_read_back_the_same)
{
	static const double exact[] = { 0.1, 1.0 / 3, 1e300, 5e-324, -2.5 };

	CU_ASSERT_STRING_EQUAL(double_as_json(0), "0");
	CU_ASSERT_STRING_EQUAL(double_as_json(0.1), "0.1");
	CU_ASSERT_STRING_EQUAL(double_as_json(-2.5), "-2.5");
	CU_ASSERT_STRING_EQUAL(double_as_json(1e21), "1e+21");
	CU_ASSERT_STRING_EQUAL(double_as_json(NAN), "null");
	CU_ASSERT_STRING_EQUAL(double_as_json(-INFINITY), "null");
	for (size_t i = 0; i < RV_ARRAY_LEN(exact); i++) {
		CU_ASSERT_TRUE(
		    strtod(double_as_json(exact[i]), NULL) == exact[i]);
	}
}

RV_TEST(an_error_names_what_failed_and_why)
{
	struct reeve_error err;

	errno = EBADF;
	CU_ASSERT_EQUAL(
	    rv_error(&err, REEVE_EFULL, "cannot hold %d", 7), REEVE_EFULL);
	CU_ASSERT_EQUAL(err.status, REEVE_EFULL);
	CU_ASSERT_EQUAL(err.sys_errno, 0);
	CU_ASSERT_STRING_EQUAL(err.text, "cannot hold 7");
	CU_ASSERT_EQUAL(
	    rv_error_sys(&err, ENOENT, "cannot open %s", "x"), REEVE_ESYS);
	CU_ASSERT_EQUAL(err.sys_errno, ENOENT);
	CU_ASSERT_STRING_EQUAL(
	    err.text, "cannot open x: No such file or directory");
	CU_ASSERT_EQUAL(rv_error_wrap(&err, "unit %s", "web"), REEVE_ESYS);
	CU_ASSERT_STRING_EQUAL(
	    err.text, "unit web: cannot open x: No such file or directory");
	CU_ASSERT_EQUAL(err.sys_errno, ENOENT);
	CU_ASSERT_EQUAL(rv_error_sys(&err, ENOMEM, "x"), REEVE_ENOMEM);
	CU_ASSERT_EQUAL(errno, EBADF);
}

RV_TEST(an_error_nobody_wants_is_just_a_status)
{
	errno = EBADF;
	CU_ASSERT_EQUAL(rv_error(NULL, REEVE_EFULL, "x"), REEVE_EFULL);
	CU_ASSERT_EQUAL(rv_error_sys(NULL, EIO, "x"), REEVE_ESYS);
	CU_ASSERT_EQUAL(rv_error_wrap(NULL, "x"), REEVE_EINVALID);
	CU_ASSERT_EQUAL(errno, EBADF);
}

RV_TEST(a_long_error_is_cut_and_ends)
{
	struct reeve_error err;
	char big[1000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	rv_error_sys(&err, EIO, "%s", big);
	CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
	rv_error_wrap(&err, "%s", big);
	rv_error_wrap(&err, "unit");
	CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
	CU_ASSERT_EQUAL(strncmp(err.text, "unit: xxx", 9), 0);
}

RV_TEST(every_status_has_a_name_a_text_and_an_exit_code)
{
	static const struct {
		enum reeve_status status;
		int number, exit_code;
		const char *name;
	} rows[] = {
#define X(name, number, exit_code, text) \
	{ REEVE_##name, number, exit_code, #name },
#include <reeve/status.def>
#undef X
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		CU_ASSERT_EQUAL((int)rows[i].status, rows[i].number);
		CU_ASSERT_STRING_EQUAL(
		    reeve_status_name(rows[i].status), rows[i].name);
		CU_ASSERT_EQUAL(
		    reeve_status_exit_code(rows[i].status), rows[i].exit_code);
		CU_ASSERT_TRUE(strlen(reeve_status_text(rows[i].status)) > 0);
		for (size_t j = 0; j < i; j++) {
			CU_ASSERT_NOT_EQUAL(rows[i].number, rows[j].number);
		}
	}
	CU_ASSERT_STRING_EQUAL(reeve_status_name((enum reeve_status)99), "?");
	CU_ASSERT_STRING_EQUAL(
	    reeve_status_text((enum reeve_status)99), "unknown status");
	CU_ASSERT_EQUAL(reeve_status_exit_code((enum reeve_status)99), 1);
}

RV_TEST(times_saturate)
{
	CU_ASSERT_EQUAL(rv_time_add(1, 2), 3);
	CU_ASSERT_EQUAL(rv_time_add(RV_FOREVER, 0), RV_FOREVER);
	CU_ASSERT_EQUAL(rv_time_add(RV_FOREVER, 1), RV_FOREVER);
	CU_ASSERT_EQUAL(rv_time_add(RV_FOREVER - 1, 1), RV_FOREVER);
	CU_ASSERT_EQUAL(rv_time_scale(RV_SEC, 3), 3 * RV_SEC);
	CU_ASSERT_EQUAL(rv_time_scale(RV_SEC, 0), 0);
	CU_ASSERT_EQUAL(rv_time_scale(RV_FOREVER, 2), RV_FOREVER);
	CU_ASSERT_EQUAL(rv_time_scale(RV_DAY * 1000, UINT32_MAX), RV_FOREVER);
}

RV_TEST(crc_gives_the_published_values)
{
	unsigned char zeros[32] = { 0 }, ones[32], up[32];
	char text[] = "123456789";

	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < sizeof(up); i++) {
		up[i] = (unsigned char)i;
	}
	CU_ASSERT_EQUAL(rv_crc32c(0, "", 0), 0);
	CU_ASSERT_EQUAL(rv_crc32c(0, text, 9), 0xe3069283);
	CU_ASSERT_EQUAL(rv_crc32c(0, zeros, 32), 0x8a9136aa);
	CU_ASSERT_EQUAL(rv_crc32c(0, ones, 32), 0x62a8ab43);
	CU_ASSERT_EQUAL(rv_crc32c(0, up, 32), 0x46dd794e);
}

RV_TEST(crc_may_be_had_in_pieces)
{
	const char *text = "the quick brown fox jumps over the lazy dog";
	size_t len = strlen(text);
	uint32_t whole = rv_crc32c(0, text, len);

	for (size_t cut = 0; cut <= len; cut++) {
		uint32_t crc = rv_crc32c(0, text, cut);

		CU_ASSERT_EQUAL(rv_crc32c(crc, text + cut, len - cut), whole);
	}
}

RV_TEST(a_plan_of_faults_is_followed_to_the_call)
{
	CU_ASSERT_TRUE(rv_fault_set("read@2=EIO,write@3+=ENOSPC,open=EPERM"));
	CU_ASSERT_EQUAL(RV_FAULT(read), 0);
	CU_ASSERT_EQUAL(RV_FAULT(read), EIO);
	CU_ASSERT_EQUAL(RV_FAULT(read), 0);
	CU_ASSERT_EQUAL(RV_FAULT(write), 0);
	CU_ASSERT_EQUAL(RV_FAULT(write), 0);
	CU_ASSERT_EQUAL(RV_FAULT(write), ENOSPC);
	CU_ASSERT_EQUAL(RV_FAULT(write), ENOSPC);
	CU_ASSERT_EQUAL(RV_FAULT(open), EPERM);
	CU_ASSERT_EQUAL(RV_FAULT(mmap), 0);
	CU_ASSERT_EQUAL(rv_fault_calls(RV_FAULT_read), 3);
	CU_ASSERT_TRUE(rv_fault_set(""));
	CU_ASSERT_EQUAL(rv_fault_calls(RV_FAULT_read), 0);
	CU_ASSERT_EQUAL(RV_FAULT(write), 0);
}

RV_TEST(a_plan_can_end_the_process_at_a_call)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		rv_fault_set("read@2=KILL");
		if (RV_FAULT(read) == 0) {
			(void)RV_FAULT(read);
		}
		_exit(1);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

RV_TEST(a_plan_that_makes_no_sense_is_refused)
{
	static const char *const bad[] = { "read", "read=", "read=EWHAT",
		"nothing=EIO", "read@0=EIO", "read@=EIO", "read@x=EIO",
		"read@2-=EIO", "=EIO", "read=EIO,,write=EIO", "read=EIO@2" };

	for (size_t i = 0; i < RV_ARRAY_LEN(bad); i++) {
		CU_ASSERT_FALSE(rv_fault_set(bad[i]));
	}
	rv_fault_set(NULL);
}

RV_TEST(what_always_fails_does_so_under_every_plan)
{
	const char *outer = getenv("REEVE_FAULTS_ALWAYS");
	char *saved = outer != NULL ? strdup(outer) : NULL;

	setenv("REEVE_FAULTS_ALWAYS", "socket=ENOSYS", 1);
	CU_ASSERT_TRUE(rv_fault_set("read@1=EIO"));
	CU_ASSERT_EQUAL(RV_FAULT(socket), ENOSYS);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	CU_ASSERT_EQUAL(RV_FAULT(socket), ENOSYS);
	CU_ASSERT_EQUAL(RV_FAULT(read), 0);
	CU_ASSERT_TRUE(rv_fault_set("socket=EMFILE"));
	CU_ASSERT_EQUAL(RV_FAULT(socket), EMFILE);
	if (saved != NULL) {
		setenv("REEVE_FAULTS_ALWAYS", saved, 1);
	} else {
		unsetenv("REEVE_FAULTS_ALWAYS");
	}
	free(saved);
	rv_fault_set(NULL);
}

struct catcher {
	struct rv_panic_scope scope;
	jmp_buf jump;
	const char *what;
};

static void catch (
    struct rv_panic_scope *scope, const char *file, int line, const char *what)
{
	struct catcher *c = RV_CONTAINER(scope, struct catcher, scope);

	(void)file;
	(void)line;
	c->what = what;
	longjmp(c->jump, 1);
}

RV_TEST(a_failed_check_goes_to_the_innermost_scope)
{
	struct catcher outer = { .scope.hook = catch };
	struct catcher inner = { .scope.hook = catch };
	volatile int two = 2;

	rv_panic_enter(&outer.scope);
	if (setjmp(outer.jump) == 0) {
		rv_panic_enter(&inner.scope);
		if (setjmp(inner.jump) == 0) {
			RV_ASSERT(two == 3);
		}
		/* The inner scope is used up: the next one goes outside. */
		RV_NEVER("reached");
	}
	CU_ASSERT_STRING_EQUAL(inner.what, "two == 3");
	CU_ASSERT_STRING_EQUAL(outer.what, "reached");
	rv_panic_enter(&inner.scope);
	rv_panic_leave(&inner.scope);
}

RV_SUITE(base_words, RV_CASE(commas_stand_where_json_wants_them),
    RV_CASE(strings_are_escaped_and_made_utf8),
    RV_CASE(doubles_are_short_and_read_back_the_same),
    RV_CASE(an_error_names_what_failed_and_why),
    RV_CASE(an_error_nobody_wants_is_just_a_status),
    RV_CASE(a_long_error_is_cut_and_ends),
    RV_CASE(every_status_has_a_name_a_text_and_an_exit_code),
    RV_CASE(times_saturate), RV_CASE(crc_gives_the_published_values),
    RV_CASE(crc_may_be_had_in_pieces),
    RV_CASE(a_plan_of_faults_is_followed_to_the_call),
    RV_CASE(a_plan_can_end_the_process_at_a_call),
    RV_CASE(a_plan_that_makes_no_sense_is_refused),
    RV_CASE(what_always_fails_does_so_under_every_plan),
    RV_CASE(a_failed_check_goes_to_the_innermost_scope))
