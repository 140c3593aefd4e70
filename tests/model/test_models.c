/* SPDX-License-Identifier: MIT */
/*
 * Runs every model of models.def, or of models_long.def (test_long_models).
 * REEVE_MODEL_STATES in the environment has it look at no more than so many
 * states of each.
 */
#include "config.h"

#include "lib/harness.h"
#include "model/models.h"

#ifndef MODELS
#define MODELS "model/models.def"
#endif

#define X(name, what)                                               \
	static void run_##name(void)                                \
	{                                                           \
		CU_ASSERT_EQUAL(                                    \
		    model_run(&model_##name), !model_##name.quiet); \
	}
#include MODELS
#undef X

int
main(int argc, char **argv)
{
	static const struct rv_case cases[] = {
#define X(name, what) { what, run_##name },
#include MODELS
#undef X
	};

	return rv_suite_run(
	    "models", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
