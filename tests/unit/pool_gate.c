/* SPDX-License-Identifier: MIT */
/* Tasks that wait for their host: see pool_gate.h. */
#include "config.h"

#include "unit/pool_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TURN_MS 60000

/* -------- in workers -------- */

static int
open_fifo(const char *args, char which, int flags)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s%c", args, which);
	return open(path, flags | O_CLOEXEC);
}

void
gate_say(const char *args)
{
	int fd = open_fifo(args, 'b', O_WRONLY);

	if (fd == -1 || write(fd, "b", 1) != 1) {
		_exit(9);
	}
	(void)close(fd);
}

static int
gate(const struct reeve_call *call)
{
	int fd = open_fifo(call->args, 'o', O_RDONLY);
	pid_t pid = getpid();
	char let = 0;
	ssize_t n;

	if (fd == -1) {
		return reeve_fail(call, "test.Gate", "cannot open it");
	}
	gate_say(call->args);
	do {
		n = read(fd, &let, 1);
	} while (n == -1 && errno == EINTR);
	(void)close(fd);
	return n == 1 ? reeve_return(call, &pid, sizeof(pid))
		      : reeve_fail(call, "test.Gate", "it is gone");
}
REEVE_FUNCTION("test.gate", gate);

/* -------- in the host -------- */

static int
make_fifo(const char *args, char which)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s%c", args, which);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	return open_fifo(args, which, O_RDWR | O_NONBLOCK);
}

void
gate_make(struct gate *gate, const char *name)
{
	*gate = (struct gate){ .least = UINT32_MAX };
	(void)snprintf(
	    gate->args, sizeof(gate->args), "%s/gate-%s-", rv_test_dir(), name);
	gate->begun = make_fifo(gate->args, 'b');
	gate->open = make_fifo(gate->args, 'o');
	CU_ASSERT_FATAL(gate->begun != -1 && gate->open != -1);
}

void
gate_remove(struct gate *gate)
{
	(void)close(gate->begun);
	(void)close(gate->open);
}

static void
look(struct gate *gate)
{
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	char said[64];
	ssize_t n;

	while ((n = read(gate->begun, said, sizeof(said))) > 0) {
		gate->n_begun += (unsigned)n;
	}
	CU_ASSERT_EQUAL(reeve_pool_stats(gate->pool, &stats, NULL), REEVE_OK);
	gate->most = stats.workers > gate->most ? stats.workers : gate->most;
	gate->least = stats.workers < gate->least ? stats.workers : gate->least;
}

void
gate_turn(struct gate *gate)
{
	struct pollfd p[2] = { { .fd = gate->begun, .events = POLLIN },
		{ .fd = reeve_pool_fd(gate->pool), .events = POLLIN } };

	CU_ASSERT_FATAL(poll(p, 2, TURN_MS * rv_test_slow()) > 0);
	CU_ASSERT_EQUAL(reeve_pool_dispatch(gate->pool, NULL), REEVE_OK);
	look(gate);
}

void
gate_await(struct gate *gate, unsigned n)
{
	while (gate->n_begun < n) {
		gate_turn(gate);
	}
}

void
gate_let(struct gate *gate, unsigned n)
{
	for (; n > 0; n--) {
		CU_ASSERT_EQUAL_FATAL(write(gate->open, "o", 1), 1);
	}
}

void
gate_await_workers(struct gate *gate, uint32_t n)
{
	struct reeve_pool_stats stats = { .size = sizeof(stats) };

	for (;;) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_stats(gate->pool, &stats, NULL), REEVE_OK);
		if (stats.workers == n) {
			return;
		}
		gate_turn(gate);
	}
}
