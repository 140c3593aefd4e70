/* SPDX-License-Identifier: MIT */
/*
 * A daemonic process, which would go on for ever, and another one: the orderly
 * end asks the daemonic one to end, and waits for the work of the other.
 */
#include <unistd.h>

#include <reeve/bell.h>

#include "example.h"

/* Rings when it is there, and then it stays. */
static int
stay(const struct reeve_call *call)
{
	struct reeve_bell *bell;

	(void)call;
	must(reeve_bell_given(&bell, "bell", &error));
	reeve_bell_set(bell);
	for (;;) {
		pause();
	}
	return 0;
}
REEVE_FUNCTION("stay", stay);

static int
work(const struct reeve_call *call)
{
	return printf("%s: my work is done\n", call->path) < 0;
}
REEVE_FUNCTION("work", work);

static void
tell(struct reeve_process *process)
{
	struct reeve_process_status status = { .size = sizeof(status) };

	must(reeve_process_status(process, &status, &error));
	printf("%s: %s %d\n", reeve_process_name(process),
	    status.kind == REEVE_PROCESS_EXITED ? "exit code" : "signal",
	    status.code);
	must(reeve_process_free(process, false, &error));
}

int
main(int argc, char **argv)
{
	struct reeve_process *daemon, *worker;
	struct reeve_context *context;
	struct reeve_bell *bell;

	reeve_main(&argc, &argv);
	context = new_context(argv);
	must(reeve_bell_new(&bell, &error));
	daemon = start(context, .function = "stay", .name = "daemon",
	    .daemon = true, REEVE_GIVES(reeve_bell_give("bell", bell)));
	worker = start(context, .function = "work", .name = "worker");
	must(reeve_bell_wait(bell, REEVE_FOREVER));
	must(reeve_context_end(context, REEVE_FOREVER, &error));
	tell(worker);
	tell(daemon);
	reeve_bell_free(bell);
	reeve_context_free(context);
	return 0;
}
