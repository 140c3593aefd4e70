/* SPDX-License-Identifier: MIT */
/*
 * What other languages do by a subclass of Process: a table of what it does at
 * its beginning, as its work and at its end, with a state of its own. Two
 * processes of the same kind, each with its own arguments.
 */
#include "example.h"

struct greeter {
	const char *name;
	int said;
};

static int
wake_up(const struct reeve_call *call, void **state)
{
	struct greeter *greeter = calloc(1, sizeof(*greeter));

	if (greeter == NULL) {
		return 1;
	}
	greeter->name = call->args;
	printf("%s wakes up\n", greeter->name);
	*state = greeter;
	return 0;
}

static int
greet(const struct reeve_call *call, void *state)
{
	struct greeter *greeter = state;

	(void)call;
	while (greeter->said < 2) {
		printf("%s says hello\n", greeter->name);
		greeter->said++;
	}
	return 0;
}

static void
lie_down(const struct reeve_call *call, void *state, int code)
{
	struct greeter *greeter = state;

	(void)call;
	printf("%s lies down, %d said, %d to return\n", greeter->name,
	    greeter->said, code);
	free(greeter);
}

static const struct reeve_process_ops greeter = {
	.before = wake_up, .run = greet, .after = lie_down
};
REEVE_PROCESS("greeter", greeter);

int
main(int argc, char **argv)
{
	static const char *const names[] = { "bob", "eve" };
	struct reeve_context *context;

	reeve_main(&argc, &argv);
	context = new_context(argv);
	for (int i = 0; i < 2; i++) {
		finish(start(context, .function = "greeter", .bytes = names[i],
		    .n_bytes = strlen(names[i])));
	}
	reeve_context_free(context);
	return 0;
}
