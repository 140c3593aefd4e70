/* SPDX-License-Identifier: MIT */
/*
 * Runs every model. REEVE_MODEL_STATES in the environment has it look at no
 * more than so many states of each.
 */
#include "config.h"

#include "lib/harness.h"
#include "model/models.h"

#define X(name, what)                                               \
	static void run_##name(void)                                \
	{                                                           \
		CU_ASSERT_EQUAL(                                    \
		    model_run(&model_##name), !model_##name.quiet); \
	}
#include "model/models.def"
#undef X

int
main(int argc, char **argv)
{
	static const struct rv_case cases[] = {
#define X(name, what) { what, run_##name },
#include "model/models.def"
#undef X
	};

	return rv_suite_run(
	    "models", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
