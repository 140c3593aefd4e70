/* SPDX-License-Identifier: MIT */
/*
 * A program that never calls reeve_main: run anew as a process it would be
 * itself once more, which would start another one, and so on. So it is refused.
 */
#include "config.h"

#include <string.h>

#include <reeve/process.h>

#include "lib/harness.h"

static int
answer(const struct reeve_call *call)
{
	(void)call;
	return 42;
}
REEVE_FUNCTION("u.answer", answer);

static enum reeve_status
make(struct reeve_process **p, struct reeve_context *context,
    enum reeve_method method, struct reeve_error *err)
{
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "u.answer",
		.method = method };

	return reeve_process_new(p, context, &options, err);
}

RV_TEST(scenario_148_without_the_guard_a_program_can_only_be_forked)
{
	struct reeve_context_options options = { .size = sizeof(options),
		.libexec_dir = rv_test_builddir() };
	struct reeve_context *context = NULL;
	struct reeve_process *p = NULL;
	struct reeve_error err;

	CU_ASSERT_FALSE(reeve_main_called());
	CU_ASSERT_EQUAL_FATAL(
	    reeve_context_new(&context, &options, &err), REEVE_OK);
	for (int method = REEVE_METHOD_DEFAULT;
	     method <= REEVE_METHOD_FORKSERVER; method++) {
		if (method == REEVE_METHOD_FORK) {
			continue;
		}
		CU_ASSERT_EQUAL(
		    make(&p, context, (enum reeve_method)method, &err),
		    REEVE_EINVALID);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(err.text, "main must call reeve_main first"));
		CU_ASSERT_PTR_NULL(p);
	}
	CU_ASSERT_EQUAL(reeve_context_active(context, NULL, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
	    make(&p, context, REEVE_METHOD_FORK, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_start(p, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_join(p, REEVE_FOREVER, &err), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_process_exitcode(p), 42);
	CU_ASSERT_EQUAL(reeve_process_free(p, false, &err), REEVE_OK);
	reeve_context_free(context);
}

RV_SUITE(unguarded,
    RV_CASE(scenario_148_without_the_guard_a_program_can_only_be_forked))
