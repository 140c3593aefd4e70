/* SPDX-License-Identifier: MIT */
/*
 * A stranger at the greetings of a key: the first byte of an input chooses the
 * side that is ours, and the others are what comes, in pieces of the second
 * byte. Whatever it is, nobody is let in, and it ends when they leave.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reeve/net.h>

#include "conn/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool good)
{
	if (!good) {
		abort();
	}
}

/* True while it goes on. */
static bool
go_on(struct reeve_guard *guard, void *greeting)
{
	struct reeve_error err;
	short events = 0;
	enum reeve_status status = guard->ops->step(greeting, &events, &err);

	expect(status != REEVE_OK);
	expect(status != REEVE_EAGAIN || events != 0);
	return status == REEVE_EAGAIN;
}

static void
greet(bool is_server, const uint8_t *data, size_t size, size_t piece)
{
	struct reeve_key_options options = { .size = sizeof(options),
		.key = "key",
		.key_length = 3,
		.protocol = "fuzz" };
	struct reeve_guard *guard = NULL;
	void *greeting = NULL;
	bool goes_on;
	int fds[2];

	expect(reeve_guard_of_key(&guard, &options, NULL) == REEVE_OK);
	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	expect(guard->ops->begin(guard, fds[0], &rv_transport_plain, is_server,
		   NULL, &greeting, NULL) == REEVE_OK);
	goes_on = go_on(guard, greeting);
	while (goes_on && size > 0) {
		size_t n = size < piece ? size : piece;

		expect(send(fds[1], data, n, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		       (ssize_t)n);
		data += n;
		size -= n;
		goes_on = go_on(guard, greeting);
	}
	(void)shutdown(fds[1], SHUT_WR);
	expect(!goes_on || !go_on(guard, greeting));
	guard->ops->end(greeting, NULL, NULL);
	reeve_guard_free(guard);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 2) {
		greet(data[0] % 2 == 0, data + 2, size - 2, data[1] + 1U);
	}
	return 0;
}
