/* SPDX-License-Identifier: MIT */
/*
 * Traces that real interpreters wrote (Python 3.11, Node 20, Java 17, Go 1.19),
 * kept as the fuzz target's corpus: what is read from each of them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clerk/traces.h"
#include "lib/harness.h"

/* How each begins; NULL: there is none. */
struct expected {
	const char *file, *language, *type, *message, *thread;
	const char *cause_type, *cause_message;
	bool cut;
};

static char text[65536];

static size_t
load(const char *name)
{
	char path[512];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/traces/%s",
	    rv_test_srcdir(), name);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	return len;
}

static void
compare(const struct expected *e, const char *what, struct rv_slice is,
    const char *want)
{
	size_t len = want != NULL ? strlen(want) : 0;
	bool same = want == NULL ? is.s == NULL
				 : is.s != NULL && is.len >= len &&
				       memcmp(is.s, want, len) == 0;

	if (!same) {
		printf("# %s: %s is \"%.*s\"\n", e->file, what, (int)is.len,
		    is.s != NULL ? is.s : "");
		CU_FAIL("not as expected");
	}
}

static void
check(const struct expected *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct expected *e = &all[i];
		struct rv_trace trace;
		bool found = rv_trace_find(text, load(e->file), &trace);

		if (found != (e->language != NULL)) {
			printf("# %s: found is %d\n", e->file, found);
			CU_FAIL("not as expected");
		}
		if (!found || e->language == NULL) {
			continue;
		}
		CU_ASSERT_STRING_EQUAL(trace.language, e->language);
		CU_ASSERT_EQUAL(trace.cut, e->cut);
		compare(e, "type", trace.type, e->type);
		compare(e, "message", trace.message, e->message);
		compare(e, "thread", trace.thread, e->thread);
		compare(e, "cause", trace.cause_type, e->cause_type);
		compare(e, "cause's message", trace.cause_message,
		    e->cause_message);
	}
}

#define PY   "python"
#define JS   "node"
#define JAVA "java"
#define GO   "go"

RV_TEST(traces_of_python_are_read)
{
	static const struct expected all[] = {
		{ "py-plain", PY, "KeyError", "'missing3'" },
		{ "py-chain", PY, "ZeroDivisionError", "division by zero", NULL,
		    "AppError", "cannot load" },
		{ "py-crlf", PY, "ZeroDivisionError", "division by zero", NULL,
		    "AppError", "cannot load" },
		{ "py-thread", PY, "ValueError", "in a thread", "worker-1" },
		{ "py-group", PY, "ExceptionGroup",
		    "several (2 sub-exceptions)" },
		{ "py-deep", PY, "RecursionError", "maximum recursion depth" },
		{ "py-syntax", PY, "SyntaxError", "invalid syntax" },
		{ "py-ignored", PY, "RuntimeError", "the real one" },
		{ "py-fatal", PY, "Fatal Python error", "Segmentation fault" },
		{ "py-cut", PY, "RecursionError", "maximum recursion depth",
		    NULL, NULL, NULL, true },
	};

	check(all, RV_ARRAY_LEN(all));
}

RV_TEST(traces_of_node_are_read)
{
	static const struct expected all[] = {
		{ "js-plain", JS, "TypeError", "bad thing" },
		{ "js-cause", JS, "Error", "cannot load\nthe config", NULL,
		    "Error", "ENOENT: no such file" },
		{ "js-crlf", JS, "Error", "cannot load\r\nthe config", NULL,
		    "Error", "ENOENT: no such file" },
		{ "js-string", JS, NULL, "just a string" },
		{ "js-reject", JS, "RangeError", "rejected" },
		{ "js-reject-words", JS, "UnhandledPromiseRejection",
		    "This error originated" },
		{ "js-missing", JS, "Error",
		    "Cannot find module './not-there'\nRequire stack:" },
		{ "js-late", JS, "Error", "handled late" },
		{ "js-syntax", JS, "SyntaxError", "Unexpected token" },
		{ "js-code", JS, "Error", "ENOENT: no such file" },
		{ "js-torn", JS, "TypeError", "bad thing" },
		{ "js-cut", JS, NULL, NULL, NULL, NULL, NULL, true },
	};

	check(all, RV_ARRAY_LEN(all));
}

RV_TEST(traces_of_java_are_read)
{
	static const struct expected all[] = {
		{ "java-plain", JAVA,
		    "java.lang.ArrayIndexOutOfBoundsException",
		    "Index 7 out of bounds for length 2", "main" },
		{ "java-cause", JAVA, "java.lang.RuntimeException",
		    "java.lang.IllegalStateException: cannot load\nthe config",
		    "main", "java.lang.IllegalStateException",
		    "cannot load\nthe config" },
		{ "java-crlf", JAVA, "java.lang.RuntimeException",
		    "java.lang.IllegalStateException: cannot load", "main",
		    "java.lang.IllegalStateException",
		    "cannot load\r\nthe config" },
		{ "java-thread1", JAVA,
		    "java.lang.UnsupportedOperationException", "in a thread",
		    "worker-1" },
		{ "java-in-between", JAVA,
		    "java.lang.ArrayIndexOutOfBoundsException",
		    "Index 7 out of bounds for length 2", "main" },
		{ "java-cut", JAVA, NULL, NULL, NULL, NULL, NULL, true },
	};

	check(all, RV_ARRAY_LEN(all));
}

RV_TEST(traces_of_go_are_read)
{
	static const struct expected all[] = {
		{ "go-plain", GO, "runtime error",
		    "index out of range [7] with length 1" },
		{ "go-crlf", GO, "runtime error",
		    "index out of range [7] with length 1" },
		{ "go-nil", GO, "runtime error", "invalid memory address" },
		{ "go-repanic", GO, "panic", "again after first", NULL, "panic",
		    "first" },
		{ "go-custom", GO, "panic", "(main.E) 0x" },
		{ "go-deadlock", GO, "fatal error",
		    "all goroutines are asleep - deadlock!" },
		{ "go-cut", GO, NULL, NULL, NULL, NULL, NULL, true },
	};

	check(all, RV_ARRAY_LEN(all));
}

RV_TEST(the_last_trace_counts_and_only_near_the_end)
{
	static const struct expected all[] = {
		{ "several", PY, "KeyError", "'missing3'" },
		{ "py-long-ago" },
		{ "none" },
	};

	check(all, RV_ARRAY_LEN(all));
}

/* The tail may begin in the middle of any character. */
RV_TEST(a_trace_is_found_wherever_the_tail_begins)
{
	static const char *const files[] = { "py-chain", "js-plain",
		"java-cause", "go-repanic" };

	for (size_t i = 0; i < RV_ARRAY_LEN(files); i++) {
		size_t len = load(files[i]);
		struct rv_trace trace;

		for (size_t at = 0; at + 120 < len; at++) {
			if (!rv_trace_find(text + at, len - at, &trace)) {
				printf("# %s from %zu: none\n", files[i], at);
				CU_FAIL("not found");
				break;
			}
			CU_ASSERT(trace.end <= len - at);
		}
	}
}

RV_SUITE(clerk_traces, RV_CASE(traces_of_python_are_read),
    RV_CASE(traces_of_node_are_read), RV_CASE(traces_of_java_are_read),
    RV_CASE(traces_of_go_are_read),
    RV_CASE(the_last_trace_counts_and_only_near_the_end),
    RV_CASE(a_trace_is_found_wherever_the_tail_begins))
