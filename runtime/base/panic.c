/* SPDX-License-Identifier: MIT */
/*
 * What a failed assertion does: the innermost scope of this thread decides,
 * without one the process says where and aborts.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

static _Thread_local struct rv_panic_scope *innermost;

void
rv_panic_enter(struct rv_panic_scope *scope)
{
	scope->outer = innermost;
	innermost = scope;
}

void
rv_panic_leave(struct rv_panic_scope *scope)
{
	RV_ASSERT(innermost == scope);
	innermost = scope->outer;
}

void
rv_panic(const char *file, int line, const char *what)
{
	struct rv_panic_scope *scope = innermost;

	if (scope != NULL) {
		innermost = scope->outer;
		scope->hook(scope, file, line, what);
	}
	fprintf(stderr, "reeve: internal check failed: %s:%d: %s\n", file, line,
	    what);
	abort();
}
