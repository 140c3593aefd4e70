/* SPDX-License-Identifier: MIT */
/*
 * A pipe: one process sends the cubes of 0 to 9, another one receives them
 * until the sender has ended, and prints them.
 */
#include <inttypes.h>

#include <reeve/conn.h>

#include "example.h"

static int
send_cubes(const struct reeve_call *call)
{
	struct reeve_conn *out;

	(void)call;
	must(reeve_conn_given(&out, "out", &error));
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
	enum reeve_status status;
	struct reeve_conn *in;
	int64_t n;

	(void)call;
	must(reeve_conn_given(&in, "in", &error));
	while ((status = reeve_conn_recv_into(
		    in, &n, sizeof(n), NULL, REEVE_FOREVER)) == REEVE_OK) {
		printf("received %" PRId64 "\n", n);
	}
	reeve_conn_free(in);
	return status != REEVE_EEND;
}
REEVE_FUNCTION("receive", receive);

int
main(int argc, char **argv)
{
	struct reeve_process *sender, *receiver;
	struct reeve_conn *reader, *writer;
	struct reeve_context *context;

	reeve_main(&argc, &argv);
	context = new_context(argv);
	must(reeve_pipe(&reader, &writer, false, &error));
	receiver = start(context, .function = "receive",
	    REEVE_GIVES(reeve_conn_give("in", reader)));
	sender = start(context, .function = "send",
	    REEVE_GIVES(reeve_conn_give("out", writer)));
	/* each end is that process's, and nobody else's */
	reeve_conn_free(reader);
	reeve_conn_free(writer);
	finish(sender);
	finish(receiver);
	reeve_context_free(context);
	return 0;
}
