/* SPDX-License-Identifier: MIT */
/*
 * Own types to whose objects something happens between calls: a type of bells,
 * each with a pipe of numbers, written with manager.h alone, in a manager of
 * its own process.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/manager_rig.h"

#define I(n) ((int64_t)(n))

static struct reeve_error err;

/* -------- bells -------- */

struct bell {
	int ends[2]; /* of a pipe of numbers */
	bool rang[8];
	int64_t lost, left; /* told by "lost" */
	char *fifo;         /* the end waits for somebody who opens it */
};

static enum reeve_status
create(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct bell *bell = state;

	if (n > 0) {
		bell->fifo = strdup(args[0].data);
	}
	if (pipe2(bell->ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		return reeve_request_fail(r, REEVE_ESYS, "pipe", "no pipe");
	}
	return reeve_request_watch(r, bell->ends[0]);
}

static void
end(void *arg)
{
	char *fifo = arg, byte, done[300];
	int fd = open(fifo, O_RDONLY | O_CLOEXEC);

	if (fd != -1 && read(fd, &byte, 1) == 1) {
		(void)snprintf(done, sizeof(done), "%s.done", fifo);
		(void)close(open(done, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	if (fd != -1) {
		(void)close(fd);
	}
	free(fifo);
}

static void
destroy(struct reeve_request *r, void *state)
{
	struct bell *bell = state;

	if (bell->ends[1] != 0) {
		(void)close(bell->ends[0]);
		(void)close(bell->ends[1]);
	}
	if (bell->fifo != NULL) {
		reeve_request_later(r, end, bell->fifo);
	}
}

static void
ready(struct reeve_request *r, void *state)
{
	struct bell *bell = state;
	unsigned char number;

	if (read(bell->ends[0], &number, 1) == 1) {
		bell->rang[number & 7] = true;
		reeve_request_wake(r, number);
	}
}

/* Something that comes later, by the descriptor. */
static enum reeve_status
ring(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	const struct bell *bell = state;
	unsigned char number = (unsigned char)args[0].is.integer;

	(void)n;
	return write(bell->ends[1], &number, 1) == 1
		   ? REEVE_OK
		   : reeve_request_fail(r, REEVE_ESYS, "pipe", "it is full");
}

/* At once. */
static enum reeve_status
strike(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct bell *bell = state;
	struct reeve_datum said = reeve_text("struck");

	(void)n;
	bell->rang[args[0].is.integer & 7] = true;
	reeve_request_answer(r, &said);
	reeve_request_wake(r, (uint32_t)args[0].is.integer);
	return REEVE_OK;
}

static enum reeve_status
await(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct bell *bell = state;
	uint32_t number = (uint32_t)args[0].is.integer;
	enum reeve_status status;

	(void)n;
	if (bell->rang[number & 7]) {
		bell->rang[number & 7] = false;
		reeve_request_answer(r, &args[0]);
		return REEVE_OK;
	}
	if (!reeve_request_expired(r)) {
		reeve_request_slots(r)[0] = number;
	}
	status = reeve_request_wait_for(r, number);
	return status == REEVE_OK ? REEVE_EAGAIN : status;
}

static enum reeve_status
charge(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)state;
	(void)n;
	return reeve_request_charge(r, args[0].is.integer);
}

/* What the object was told of who is gone. */
static enum reeve_status
gone(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	const struct bell *bell = state;
	struct reeve_datum said[2] = { reeve_int(bell->lost),
		reeve_int(bell->left) };

	(void)args;
	(void)n;
	reeve_request_answer(r, &said[0]);
	reeve_request_answer(r, &said[1]);
	return REEVE_OK;
}

static enum reeve_status
lend(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)state;
	(void)args;
	(void)n;
	return reeve_request_client(r) == 0
		   ? reeve_request_fail(r, REEVE_EINVALID, "client", "none")
		   : reeve_request_lease(r, reeve_request_client(r));
}

static void
left(struct reeve_request *r, void *state)
{
	((struct bell *)state)->left = (int64_t)reeve_request_slots(r)[0];
}

static void
lost(struct reeve_request *r, void *state, uint64_t lease)
{
	(void)r;
	((struct bell *)state)->lost += lease != 0;
}

static const struct reeve_manager_method methods[] = {
	{ "ring", ring, 1, 1, 0, 0 },
	{ "strike", strike, 1, 1, 0, 0 },
	{ "await", await, 1, 1, REEVE_METHOD_WAITS, 0 },
	{ "charge", charge, 1, 1, 0, 0 },
	{ "gone", gone, 0, 0, 0, 0 },
	{ "lend", lend, 0, 0, 0, 0 },
};
static const struct reeve_manager_type bell_type = {
	.size = sizeof(bell_type),
	.name = "bell",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(methods[0]),
	.state_size = sizeof(struct bell),
	.create = create,
	.destroy = destroy,
	.left = left,
	.lost = lost,
	.ready = ready,
};
static const struct reeve_manager_type *const types[] = { &bell_type };
static const struct reeve_manager_setup setup = {
	.size = sizeof(setup), .types = types, .n_types = 1
};
REEVE_MANAGER("test.manager", setup);

/* -------- scenarios -------- */

static struct reeve_pending *
awaits(struct reeve_proxy *bell, int64_t number, int64_t timeout)
{
	struct reeve_datum arg = reeve_int(number);
	struct reeve_pending *pending = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_submit(&pending, bell, "await", &arg, 1, timeout, &err),
	    REEVE_OK);
	return pending;
}

static void
hears(struct reeve_pending *pending, int64_t number)
{
	struct reeve_result result = { 0 };

	CU_ASSERT_EQUAL(
	    reeve_pending_wait(pending, &result, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_TRUE(result.n == 1 && result.values[0].is.integer == number);
	reeve_result_free(&result);
	reeve_pending_free(pending);
}

SCENARIO(who_waits_for_a_number_goes_on_when_it_comes_in_any_order, BY_ALL)
{
	struct reeve_pending *first, *second, *third;
	struct managed managed;
	struct reeve_proxy *bell;

	managed_start(&managed, method, NULL);
	bell = managed_new(managed.m, "bell");
	first = awaits(bell, 1, RIG_LONG);
	second = awaits(bell, 2, RIG_LONG);
	third = awaits(bell, 3, RIG_LONG);
	/* each is heard before the one before it is rung for */
	SAYS(managed_call(bell, "ring", "i", I(3)), "");
	hears(third, 3);
	SAYS(managed_call(bell, "ring", "i", I(2)), "");
	hears(second, 2);
	CU_ASSERT_FALSE(reeve_pending_is_done(first));
	SAYS(managed_call(bell, "ring", "i", I(1)), "");
	hears(first, 1);
	reeve_proxy_free(bell);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(a_call_that_wakes_another_of_its_client_is_answered_first, BY_SPAWN)
{
	struct reeve_pending *waits;
	struct managed managed;
	struct reeve_proxy *bell;

	managed_start(&managed, method, NULL);
	bell = managed_new(managed.m, "bell");
	for (int64_t i = 1; i < 200; i++) {
		waits = awaits(bell, i % 7 + 1, RIG_LONG);
		SAYS(managed_call(bell, "strike", "i", i % 7 + 1), "struck");
		hears(waits, i % 7 + 1);
	}
	reeve_proxy_free(bell);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(a_number_is_waited_for_by_one_call_and_in_time, BY_SPAWN)
{
	struct managed managed;
	struct reeve_pending *waits;
	struct reeve_proxy *bell;

	managed_start(&managed, method, NULL);
	bell = managed_new(managed.m, "bell");
	waits = awaits(bell, 4, RIG_LONG);
	SAYS(managed_wait(bell, RIG_LONG, "await", "i", I(4)), "!busy");
	SAYS(managed_wait(bell, RIG_LONG, "await", "i", I(0)), "!arguments");
	SAYS(managed_wait(bell, REEVE_MS(20), "await", "i", I(5)), "!failed");
	/* it is free again, and rings as before */
	SAYS(managed_call(bell, "ring", "i", I(5)), "");
	SAYS(managed_wait(bell, RIG_LONG, "await", "i", I(5)), "5");
	SAYS(managed_call(bell, "ring", "i", I(4)), "");
	hears(waits, 4);
	reeve_proxy_free(bell);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(an_object_hears_that_its_client_is_gone, BY_SPAWN)
{
	struct managed managed;
	struct reeve_manager *other;
	struct reeve_proxy *bell, *theirs;
	struct reeve_pending *waits;

	managed_start(&managed, method, NULL);
	bell = managed_new(managed.m, "bell");
	CU_ASSERT_EQUAL(
	    reeve_proxy_publish(bell, "bell", RIG_LONG, &err), REEVE_OK);
	other = managed_connect(managed.address);
	theirs = managed_open(other, "bell");
	SAYS(managed_call(theirs, "lend", ""), "");
	waits = awaits(theirs, 6, RIG_LONG);
	SAYS(managed_call(theirs, "gone", ""), "0 0");
	reeve_pending_free(waits);
	reeve_proxy_free(theirs);
	reeve_manager_free(other);
	while (strcmp(managed_call(bell, "gone", ""), "1 6") != 0) {
	}
	/* the number is nobody's now */
	SAYS(managed_call(bell, "ring", "i", I(6)), "");
	SAYS(managed_wait(bell, RIG_LONG, "await", "i", I(6)), "6");
	reeve_proxy_free(bell);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(memory_that_an_object_says_it_has_counts_until_its_end, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *bell, *dict;

	managed_start(&managed, method, "{\"memory_max\": \"1MiB\"}");
	dict = managed_new(managed.m, "dict");
	bell = managed_new(managed.m, "bell");
	SAYS(managed_call(bell, "charge", "i", I(2000000)), "!full");
	SAYS(managed_call(bell, "charge", "i", I(900000)), "");
	SAYS(managed_call(bell, "charge", "i", I(200000)), "!full");
	SAYS(managed_call(bell, "charge", "i", I(-100000)), "");
	SAYS(managed_call(bell, "charge", "i", I(200000)), "");
	SAYS(managed_call(bell, "charge", "i", I(100000)), "!full");
	reeve_proxy_free(bell);
	/* what is new has all of that again */
	bell = managed_new(managed.m, "bell");
	SAYS(managed_call(bell, "charge", "i", I(1000000)), "");
	reeve_proxy_free(bell);
	reeve_proxy_free(dict);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(what_an_object_leaves_to_be_done_delays_nobody_but_the_end, BY_SPAWN)
{
	char fifo[200], done[210];
	struct managed managed;
	struct reeve_datum arg;
	struct reeve_proxy *bell = NULL;
	int fd;

	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", rv_test_dir());
	(void)snprintf(done, sizeof(done), "%s.done", fifo);
	CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0600), 0);
	managed_start(&managed, method, NULL);
	arg = reeve_text(fifo);
	CU_ASSERT_EQUAL_FATAL(reeve_proxy_create(&bell, managed.m, "bell", &arg,
				  1, RIG_LONG, &err),
	    REEVE_OK);
	reeve_proxy_free(bell);
	/* its end waits for us, and the manager does not */
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(managed.m, RIG_LONG, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(managed.m, RIG_LONG, &err), REEVE_OK);
	/* a second one, so that the thread of the first is there for sure */
	bell = managed_new(managed.m, "bell");
	reeve_proxy_free(bell);
	CU_ASSERT_EQUAL(
	    reeve_process_terminate(managed.process, NULL), REEVE_OK);
	while (reeve_manager_ping(managed.m, RIG_LONG, NULL) == REEVE_OK) {
	}
	/* it would be gone by now */
	CU_ASSERT_EQUAL(
	    reeve_process_join(managed.process, REEVE_MS(100), NULL),
	    REEVE_ETIMEDOUT);
	fd = open(fifo, O_RDWR | O_CLOEXEC);
	CU_ASSERT_EQUAL(write(fd, "x", 1), 1);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	(void)close(fd);
	CU_ASSERT_EQUAL(access(done, F_OK), 0);
	(void)unlink(done);
	(void)unlink(fifo);
}

RV_SUITE(manager_own,
    RV_CASE(who_waits_for_a_number_goes_on_when_it_comes_in_any_order),
    RV_CASE(a_call_that_wakes_another_of_its_client_is_answered_first),
    RV_CASE(a_number_is_waited_for_by_one_call_and_in_time),
    RV_CASE(an_object_hears_that_its_client_is_gone),
    RV_CASE(memory_that_an_object_says_it_has_counts_until_its_end),
    RV_CASE(what_an_object_leaves_to_be_done_delays_nobody_but_the_end))
