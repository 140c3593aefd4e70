/* SPDX-License-Identifier: MIT */
/*
 * The smallest: a process says hello to whom it was told, and is joined.
 */
#include "example.h"

static int
hello(const struct reeve_call *call)
{
	return printf("hello %s\n", (const char *)call->args) < 0;
}
REEVE_FUNCTION("hello", hello);

int
main(int argc, char **argv)
{
	struct reeve_context *context;

	reeve_main(&argc, &argv);
	context = new_context(argv);
	finish(
	    start(context, .function = "hello", .bytes = "bob", .n_bytes = 3));
	reeve_context_free(context);
	return 0;
}
