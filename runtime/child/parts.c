/* SPDX-License-Identifier: MIT */
/*
 * A process by its parts: what REEVE_PROCESS registers as a function. See
 * <reeve/self.h>.
 */
#include "config.h"

#include <reeve/self.h>

int
reeve_run_process(
    const struct reeve_process_ops *ops, const struct reeve_call *call)
{
	void *state = NULL;
	int code;

	if (ops == NULL || ops->run == NULL) {
		return 127; /* as what cannot begin */
	}
	code = ops->before != NULL ? ops->before(call, &state) : 0;
	if (code != 0) {
		return code;
	}
	code = ops->run(call, state);
	if (ops->after != NULL) {
		ops->after(call, state, code);
	}
	return code;
}
