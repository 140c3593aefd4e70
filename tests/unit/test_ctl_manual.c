/* SPDX-License-Identifier: MIT */
/*
 * reeve-control(7) tells of the methods that there are. Its middle part is made
 * from ctl.def; when it is not current this leaves a page that is, in the build
 * tree.
 */
#include "config.h"

#include "base/buf.h"
#include "ctl/ctl_priv.h"
#include "lib/harness.h"
#include "lib/manual.h"

#define PAGE "runtime/ctl/reeve-control.7"

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

RV_TEST(the_manual_page_tells_of_the_methods_that_there_are)
{
	struct rv_buf page;

	rv_buf_init(&page, 1 << 20);
	make_page(&page);
	CU_ASSERT_FATAL(!page.failed);
	rv_manual_check(PAGE, "ctl.def", rv_buf_str(&page));
	rv_buf_finish(&page);
}

RV_SUITE(
    ctl_manual, RV_CASE(the_manual_page_tells_of_the_methods_that_there_are))
