/* SPDX-License-Identifier: MIT */
/*
 * reeve-control(7) tells of the methods that there are. Its middle part is made
 * from ctl.def; when it is not current this leaves a page that is, in the build
 * tree.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ctl/ctl_priv.h"
#include "lib/harness.h"

#define PAGE  "runtime/ctl/reeve-control.7"
#define BEGIN ".\\\" Made from ctl.def: begin\n"
#define END   ".\\\" Made from ctl.def: end\n"

static void
make_method(struct rv_buf *page, const struct rv_ctl_method *method)
{
	rv_buf_addf(page, ".TP\n.B %s\n%s", method->name, method->doc);
	rv_buf_addf(page, ".\n(%s; since %s)\n",
	    method->changes ? "changes something" : "only tells",
	    method->since);
	for (const struct rv_ctl_param *p = method->params; p->name != NULL;
	     p++) {
		rv_buf_addf(page, ".br\n.IR %s ,\n%s%s: %s\n", p->name,
		    rv_ctl_type_name(p->type),
		    p->required ? "" : ", not required", p->doc);
	}
}

static void
make_page(struct rv_buf *page)
{
	const struct rv_ctl_method *method;

	rv_buf_adds(page, ".SH METHODS\n");
	for (size_t i = 0; (method = rv_ctl_method_at(i)) != NULL; i++) {
		make_method(page, method);
	}
}

static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	text = calloc(1, 1 << 20);
	n = fread(text, 1, (1 << 20) - 1, f);
	CU_ASSERT(n > 0);
	fclose(f);
	return text;
}

static void
leave(const char *text, const char *begin, const char *made, const char *end)
{
	char path[4096];
	FILE *f;

	snprintf(
	    path, sizeof(path), "%s/reeve-control.7.new", rv_test_builddir());
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "%.*s%s%s", (int)(begin - text), text, made, end);
	fclose(f);
	printf("# a current page is in %s\n", path);
}

RV_TEST(the_manual_page_tells_of_the_methods_that_there_are)
{
	char path[4096], *text, *begin, *end;
	struct rv_buf page;

	snprintf(path, sizeof(path), "%s/" PAGE, rv_test_srcdir());
	text = slurp(path);
	begin = strstr(text, BEGIN);
	end = strstr(text, END);
	CU_ASSERT_FATAL(begin != NULL && end != NULL && begin < end);
	begin += strlen(BEGIN);
	rv_buf_init(&page, 1 << 20);
	make_page(&page);
	CU_ASSERT_FATAL(!page.failed);
	if ((size_t)(end - begin) != page.len ||
	    memcmp(begin, page.data, page.len) != 0) {
		leave(text, begin, rv_buf_str(&page), end);
		CU_FAIL("the manual page is not current");
	}
	rv_buf_finish(&page);
	free(text);
}

RV_SUITE(
    ctl_manual, RV_CASE(the_manual_page_tells_of_the_methods_that_there_are))
