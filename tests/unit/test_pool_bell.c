/* SPDX-License-Identifier: MIT */
/*
 * A worker that does with its bell what nobody should: its host hears of the
 * others as if nothing were, and goes on.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/pool_gate.h"

#define BELLS_MAX 16

/* -------- in the worker -------- */

/* What is an eventfd in this process. */
static int
find_bells(int bells[BELLS_MAX])
{
	char path[64], what[64];
	int n = 0;

	for (int fd = 3; fd < 4096 && n < BELLS_MAX; fd++) {
		ssize_t length;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, what, sizeof(what) - 1);
		if (length > 0) {
			what[length] = '\0';
			if (strstr(what, "eventfd") != NULL) {
				bells[n++] = fd;
			}
		}
	}
	return n;
}

static void
fill(int bell)
{
	uint64_t most = UINT64_MAX - 1;

	(void)fcntl(bell, F_SETFL, O_NONBLOCK);
	while (write(bell, &most, sizeof(most)) == -1 && most > 1) {
		most /= 2;
	}
	while (write(bell, &most, sizeof(most)) == sizeof(most) || most > 1) {
		most = most > 1 ? most / 2 : 1;
	}
}

/* Arguments: what to do, a space, those of a gate. Only its death ends it.
 */
static int
hostile(const struct reeve_call *call)
{
	const char *what = call->args;
	int bells[BELLS_MAX], n = find_bells(bells);
	uint64_t rings;

	if (n == 0) {
		return reeve_fail(call, "test.NoBell", "there is none");
	}
	for (int i = 0; i < n && *what != 'r'; i++) {
		fill(bells[i]);
		if (*what == 'b') {
			(void)fcntl(bells[i], F_SETFL, 0);
		}
	}
	gate_say(strchr(what, ' ') + 1);
	while (*what == 'r') {
		for (int i = 0; i < n; i++) {
			(void)!read(bells[i], &rings, sizeof(rings));
		}
	}
	for (;;) {
		(void)pause();
	}
}
REEVE_FUNCTION("test.hostile", hostile);

/* -------- in the host -------- */

static void
check_heard(const char *what, enum reeve_method method)
{
	struct reeve_pool_options options = { .method = method };
	struct reeve_future *bad;
	struct reeve_task_result result;
	char name[32], args[300];
	struct gate gate;

	(void)snprintf(name, sizeof(name), "%s%d", what, (int)method);
	gate_make(&gate, name);
	(void)snprintf(args, sizeof(args), "%s %s", what, gate.args);
	gate.pool = pool_make(2, &options);
	bad = pool_submit(gate.pool, "test.hostile", args);
	gate_await(&gate, 1);
	for (int i = 0; i < 100; i++) {
		/* So long that its host sleeps. */
		result = pool_apply(gate.pool, "test.nap", "1");
		CU_ASSERT_EQUAL_FATAL(result.outcome, REEVE_OUTCOME_GOOD);
		reeve_task_result_free(&result);
	}
	CU_ASSERT_EQUAL(reeve_future_state(bad), REEVE_FUTURE_RUNNING);
	CU_ASSERT_EQUAL(reeve_future_cancel(bad, true), REEVE_OK);
	result = pool_result(bad, 30);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	reeve_task_result_free(&result);
	reeve_pool_free(gate.pool);
	gate_remove(&gate);
}

static void
reading_by(enum reeve_method method)
{
	check_heard("read", method);
}

RV_TEST(who_reads_its_bell_silences_nobody_else)
{
	pool_each(reading_by);
}

static void
filling_by(enum reeve_method method)
{
	check_heard("fill", method);
}

RV_TEST(who_fills_its_bell_silences_nobody_else)
{
	pool_each(filling_by);
}

static void
blocking_by(enum reeve_method method)
{
	check_heard("block", method);
}

RV_TEST(who_makes_its_bell_block_stops_neither_host_nor_others)
{
	pool_each(blocking_by);
}

RV_SUITE(pool_bell, RV_CASE(who_reads_its_bell_silences_nobody_else),
    RV_CASE(who_fills_its_bell_silences_nobody_else),
    RV_CASE(who_makes_its_bell_block_stops_neither_host_nor_others))
