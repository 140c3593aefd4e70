/* SPDX-License-Identifier: MIT */
/*
 * A pipe: one process sends the cubes of 0 to 9, another one receives them
 * until the sender has ended, and prints them.
 */
#include <inttypes.h>

#include <reeve/conn.h>

#include "example.h"

static struct reeve_conn *
given_conn(const char *name)
{
	struct reeve_handle handle;
	struct reeve_conn *conn;

	must(reeve_given(name, &handle));
	must(reeve_conn_open(&conn, &handle, &error));
	reeve_handle_close(&handle);
	return conn;
}

static int
send_cubes(const struct reeve_call *call)
{
	struct reeve_conn *out = given_conn("out");

	(void)call;
	for (int64_t i = 0; i < 10; i++) {
		int64_t cube = i * i * i;

		must(reeve_conn_send(out, &cube, sizeof(cube), REEVE_FOREVER));
	}
	reeve_conn_free(out);
	return 0;
}
REEVE_FUNCTION("send", send_cubes);

static int
receive(const struct reeve_call *call)
{
	struct reeve_conn *in = given_conn("in");
	enum reeve_status status;
	uint64_t length;
	int64_t n;

	(void)call;
	while ((status = reeve_conn_recv_into(
		    in, &n, sizeof(n), &length, REEVE_FOREVER)) == REEVE_OK) {
		printf("received %" PRId64 "\n", n);
	}
	reeve_conn_free(in);
	return status != REEVE_EEND;
}
REEVE_FUNCTION("receive", receive);

/* One end of the pipe becomes a process's, and nobody else's. */
static struct reeve_process *
start_with(struct reeve_context *context, const char *function,
    const char *name, struct reeve_conn *end)
{
	struct reeve_give give = { .name = name };
	struct reeve_process *process;

	must(reeve_conn_handle(end, &give.handle, &error));
	reeve_conn_free(end);
	process =
	    start(context, .function = function, .gives = &give, .n_gives = 1);
	reeve_handle_close(&give.handle);
	return process;
}

int
main(int argc, char **argv)
{
	struct reeve_process *sender, *receiver;
	struct reeve_conn *reader, *writer;
	struct reeve_context *context;

	reeve_main(&argc, &argv);
	context = new_context(argv);
	must(reeve_pipe(&reader, &writer, false, &error));
	receiver = start_with(context, "receive", "in", reader);
	sender = start_with(context, "send", "out", writer);
	finish(sender);
	finish(receiver);
	reeve_context_free(context);
	return 0;
}
