/* SPDX-License-Identifier: MIT */
/*
 * Runs the cases of one program under CUnit, prints TAP, and after each case
 * fails it if a child process or a descriptor is left over. Called by the main
 * that RV_SUITE makes; must never retry or skip.
 */
#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/harness.h"
#include "lib/leavings.h"

static char test_dir[64];

unsigned
rv_test_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		n += e->d_name[0] != '.';
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return n;
}

long
rv_test_rss_kib(const char *permissions, const char *name)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512], mode[8];
	bool counts = false;
	long sum = 0, kib;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%*x-%*x %7s", mode) == 1) {
			counts = strcmp(mode, permissions) == 0 &&
				 strstr(line, name) != NULL;
		} else if (counts && sscanf(line, "Rss: %ld", &kib) == 1) {
			sum += kib;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return sum;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DP) {
		rv_leavings_remove(path);
	}
	return remove(path);
}

const char *
rv_test_dir(void)
{
	if (test_dir[0] == '\0') {
		snprintf(
		    test_dir, sizeof(test_dir), "%s", "/tmp/reeve-test.XXXXXX");
		if (mkdtemp(test_dir) == NULL) {
			perror("mkdtemp");
			abort();
		}
	}
	return test_dir;
}

bool
rv_test_wait(bool (*ready)(void *), void *ctx, int fd, int ms)
{
	struct timespec start, now;
	long passed = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!ready(ctx)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (passed >= (long)ms * rv_test_slow()) {
			return false;
		}
		poll(&p, fd >= 0 ? 1 : 0, fd >= 0 ? 50 : 2);
		clock_gettime(CLOCK_MONOTONIC, &now);
		passed = (now.tv_sec - start.tv_sec) * 1000 +
			 (now.tv_nsec - start.tv_nsec) / 1000000;
	}
	return true;
}

int
rv_test_slow(void)
{
	const char *text = getenv("RV_TEST_SLOW");
	int n = text != NULL ? (int)strtol(text, NULL, 10) : 1;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	if (n < 4) {
		n = 4;
	}
#endif
	return n > 0 ? n : 1;
}

const char *
rv_test_srcdir(void)
{
	const char *dir = getenv("top_srcdir");

	return dir != NULL ? dir : ".";
}

const char *
rv_test_builddir(void)
{
	const char *dir = getenv("top_builddir");

	return dir != NULL ? dir : ".";
}

static const char *
left_over(unsigned fds_before)
{
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
	    errno != ECHILD) {
		return "a child process is left over";
	}
	if (rv_test_fds(getpid()) != fds_before) {
		return "a descriptor is left over";
	}
	return NULL;
}

static bool
run_one(CU_pSuite suite, const struct rv_case *test, size_t number)
{
	CU_pTest handle = CU_add_test(suite, test->name, test->run);
	unsigned fds = rv_test_fds(getpid());
	const char *left;
	unsigned failures;

	CU_run_test(suite, handle);
	if (test_dir[0] != '\0') {
		nftw(test_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		test_dir[0] = '\0';
	}
	failures = CU_get_number_of_failures();
	left = left_over(fds);
	for (CU_pFailureRecord f = CU_get_failure_list(); f != NULL;
	     f = f->pNext) {
		printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber,
		    f->strCondition);
	}
	if (left != NULL) {
		printf("# %s\n", left);
	}
	failures += left != NULL;
	printf("%s %zu - %s\n", failures == 0 ? "ok" : "not ok", number,
	    test->name);
	fflush(stdout);
	return failures == 0;
}

int
rv_suite_run(const char *name, const struct rv_case *cases, size_t n, int argc,
    char **argv)
{
	CU_pSuite suite;
	size_t number = 0, failed = 0;
	const char *only = argc > 1 ? argv[1] : NULL;

	if (only != NULL && strcmp(only, "-l") == 0) {
		for (size_t i = 0; i < n; i++) {
			puts(cases[i].name);
		}
		return 0;
	}
	if (CU_initialize_registry() != CUE_SUCCESS ||
	    (suite = CU_add_suite(name, NULL, NULL)) == NULL) {
		return 99;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", only != NULL ? (size_t)1 : n);
	for (size_t i = 0; i < n; i++) {
		if (only == NULL || strcmp(only, cases[i].name) == 0) {
			failed += !run_one(suite, &cases[i], ++number);
		}
	}
	CU_cleanup_registry();
	if (number == 0) {
		fprintf(stderr, "%s: no case named %s\n", name, only);
		return 2;
	}
	return failed != 0;
}
