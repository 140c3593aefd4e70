/* SPDX-License-Identifier: MIT */
/* Manual pages that are made in part: see manual.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/harness.h"
#include "lib/manual.h"

#define PAGE_MAX ((size_t)1 << 20)

static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	text = calloc(1, PAGE_MAX);
	n = fread(text, 1, PAGE_MAX - 1, f);
	CU_ASSERT(n > 0);
	fclose(f);
	return text;
}

static void
leave(const char *page, const char *text, const char *begin, const char *made,
    const char *end)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.new", rv_test_builddir(),
	    strrchr(page, '/') + 1);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "%.*s%s%s", (int)(begin - text), text, made, end);
	fclose(f);
	printf("# a current page is in %s\n", path);
}

void
rv_manual_check(const char *page, const char *what, const char *made)
{
	char path[4096], first[100], last[100], *text, *begin, *end;

	snprintf(first, sizeof(first), ".\\\" Made from %s: begin\n", what);
	snprintf(last, sizeof(last), ".\\\" Made from %s: end\n", what);
	snprintf(path, sizeof(path), "%s/%s", rv_test_srcdir(), page);
	text = slurp(path);
	begin = strstr(text, first);
	end = strstr(text, last);
	CU_ASSERT_FATAL(begin != NULL && end != NULL && begin < end);
	begin += strlen(first);
	if ((size_t)(end - begin) != strlen(made) ||
	    memcmp(begin, made, strlen(made)) != 0) {
		leave(page, text, begin, made, end);
		CU_FAIL("the manual page is not current");
	}
	free(text);
}
