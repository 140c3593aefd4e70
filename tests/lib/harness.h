/* SPDX-License-Identifier: MIT */
/*
 * The frame of every test program: CUnit runs the cases, the results come out
 * as TAP (one line a case), and after each case the frame checks that no child
 * and no descriptor is left over. A program is:
 *
 *	RV_TEST(backoff_doubles_until_its_limit)
 *	{
 *		CU_ASSERT_EQUAL(...);
 *	}
 *	RV_SUITE(backoff, RV_CASE(backoff_doubles_until_its_limit), ...)
 *
 * Arguments: none runs all; "-l" lists; a name runs that case alone.
 */
#ifndef RV_TESTS_HARNESS_H
#define RV_TESTS_HARNESS_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct rv_case {
	const char *name;
	void (*run)(void);
};

#define RV_TEST(name) static void name(void)
#define RV_CASE(name)       \
	{                   \
#name, name \
	}
#define RV_SUITE(suite, ...)                                           \
	int main(int argc, char **argv)                                \
	{                                                              \
		static const struct rv_case cases[] = { __VA_ARGS__ }; \
		return rv_suite_run(#suite, cases,                     \
		    sizeof(cases) / sizeof(cases[0]), argc, argv);     \
	}

int rv_suite_run(const char *suite, const struct rv_case *cases, size_t n,
    int argc, char **argv);

/* A fresh directory for this case, removed after it. Static storage. */
const char *rv_test_dir(void);

/*
 * Poll `ready(ctx)` until true, at most ms milliseconds, without sleeping
 * where `fd` >= 0 can be waited for (readable). False on time-out.
 */
bool rv_test_wait(bool (*ready)(void *), void *ctx, int fd, int ms);

/* What to multiply time limits by: 1, or more under sanitizers and valgrind. */
int rv_test_slow(void);

/* Open descriptors of a process; 0 when it is gone. */
unsigned rv_test_fds(pid_t);

/* KiB of ours that mappings with these permissions and this name take. */
long rv_test_rss_kib(const char *permissions, const char *name);

/* The source and build trees, from the environment of make check. */
const char *rv_test_srcdir(void);
const char *rv_test_builddir(void);

#endif
