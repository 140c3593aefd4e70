/* SPDX-License-Identifier: MIT */
/*
 * The end of a life as a host hears of it: in which order, with the last bytes
 * of its slot, and who is meant while two generations of a worker overlap.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "host/called.h"
#include "lib/harness.h"

/* This program is the worker's, too: what crashes there shall crash. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "handle_segv=0";
}

/* -------- what workers do -------- */

static bool shall_fail; /* of the host: forked workers see it */

/* "ARGS PID", so that a slot says whose it is. */
static void
sign(const struct reeve_call *call)
{
	size_t size;
	char *slot = reeve_slot(&size);

	snprintf(slot, size, "%s %d", (const char *)call->args, getpid());
}

static int __attribute__((noreturn)) throw(const struct reeve_call *call)
{
	sign(call);
	reeve_ready();
	reeve_raise("db.Lost", "no answer");
}
REEVE_FUNCTION("e.throw", throw);

static int
crash(const struct reeve_call *call)
{
	volatile int *volatile nowhere = (volatile int *)0x10;

	sign(call);
	reeve_ready();
	return *nowhere;
}
REEVE_FUNCTION("e.crash", crash);

static int
serve(const struct reeve_call *call)
{
	struct pollfd p = { .fd = reeve_stopping_fd(), .events = POLLIN };

	sign(call);
	if (shall_fail) {
		return 1;
	}
	reeve_ready();
	while (!reeve_stopping()) {
		poll(&p, 1, 1000);
	}
	return 0;
}
REEVE_FUNCTION("e.serve", serve);

__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

/* -------- what the host hears -------- */

/* One call each; reads is the slot as it was read in it. */
static struct {
	char what[16], reads[64], reason[32];
	uint64_t life;
	pid_t pid;
	int exit_code, signo;
} calls[64];
static unsigned n_calls;
static struct guest guest;

static void
note(const char *what, const char *path, uint64_t life, pid_t pid)
{
	unsigned i = n_calls < 63 ? n_calls++ : 63;
	char slot[64] = "";
	size_t got = 0;

	if (reeve_unit_slot(guest.reeve, path, slot, sizeof(slot), &got,
		NULL) != REEVE_OK) {
		snprintf(slot, sizeof(slot), "none");
	}
	CU_ASSERT(got == 0 || got == sizeof(slot));
	memset(&calls[i], 0, sizeof(calls[i]));
	snprintf(calls[i].what, sizeof(calls[i].what), "%s", what);
	snprintf(calls[i].reads, sizeof(calls[i].reads), "%.63s", slot);
	calls[i].life = life;
	calls[i].pid = pid;
}

static void
note_end(const char *what, const struct reeve_end *end)
{
	note(what, end->path, end->life, end->pid);
	snprintf(calls[n_calls - 1].reason, sizeof(calls[0].reason), "%s",
	    end->reason);
	calls[n_calls - 1].exit_code = end->exit_code;
	calls[n_calls - 1].signo = end->signo;
}

static void
on_exception(void *ctx, const struct reeve_exception *e)
{
	(void)ctx;
	note("exception", e->path, e->life, e->pid);
}

static enum reeve_verdict
on_decide(void *ctx, const struct reeve_end *end, enum reeve_verdict proposed)
{
	(void)ctx;
	note_end("decide", end);
	/* In the middle of a decision. */
	CU_ASSERT_EQUAL(reeve_stop(guest.reeve, end->path, NULL), REEVE_EBUSY);
	return proposed;
}

static void
on_slot_free(void *ctx, const char *path, uint64_t life)
{
	(void)ctx;
	note("free", path, life, 0);
}

static void
on_ready(void *ctx, const struct reeve_unit_info *info)
{
	(void)ctx;
	note("ready", info->path, info->life, info->pid);
}

static void
on_exited(void *ctx, const struct reeve_end *end)
{
	(void)ctx;
	note_end("exited", end);
}

static const struct reeve_hooks hooks = {
	.size = sizeof(hooks),
	.decide = on_decide,
	.slot_free = on_slot_free,
	.ready = on_ready,
	.exited = on_exited,
};
static const struct reeve_hooks ends = {
	.size = sizeof(ends),
	.decide = on_decide,
	.slot_free = on_slot_free,
	.exited = on_exited,
};
static const struct reeve_hooks few = {
	.size = sizeof(few),
	.exited = on_exited,
};

static void
open_guest(const char *name, const struct reeve_hooks *which)
{
	struct reeve_watch_options options = {
		.size = sizeof(options),
		.exception = on_exception,
	};

	guest = (struct guest){ .hooks = which };
	guest_open(&guest, name, NULL);
	n_calls = 0;
	OK(reeve_watch(guest.reeve, &options, NULL, &err));
	hear(&guest);
}

static void
run(const char *function, const char *options)
{
	n_calls = 0;
	add_function(
	    &guest, "w", function, REEVE_METHOD_FORK, "\"x\"", options);
	OK(reeve_commit(guest.reeve, &err));
}

/* The n-th call of this name; -1: there were fewer. */
static int
find(const char *what, unsigned n)
{
	for (unsigned i = 0; i < n_calls; i++) {
		if (strcmp(calls[i].what, what) == 0 && n-- == 0) {
			return (int)i;
		}
	}
	return -1;
}

static bool
is_exited(struct guest *g)
{
	(void)g;
	return find("exited", 0) != -1;
}

/* All calls of one end, none else, each with its last bytes. */
static void
expect_end(void)
{
	int at = find("exited", 0);
	char slot[64];

	CU_ASSERT_FATAL(at != -1);
	snprintf(slot, sizeof(slot), "\"x\" %d", (int)calls[at].pid);
	CU_ASSERT_EQUAL_FATAL(n_calls, 4);
	/* What was raised may be told while the process still lives. */
	CU_ASSERT(find("free", 0) < 2);
	CU_ASSERT(find("exception", 0) < 2);
	CU_ASSERT_EQUAL(find("decide", 0), 2);
	for (unsigned i = 0; i < n_calls; i++) {
		CU_ASSERT_STRING_EQUAL(calls[i].reads, slot);
		CU_ASSERT_EQUAL(calls[i].life, calls[at].life);
		CU_ASSERT(calls[i].pid == calls[at].pid ||
			  strcmp(calls[i].what, "free") == 0);
	}
}

#define NEVER "{\"autorestart\": \"temporary\"}"

RV_TEST(an_exception_is_told_before_it_is_decided_and_then_the_end)
{
	open_guest("thrown", &ends);
	run("e.throw", NEVER);
	CU_ASSERT(guest_until(&guest, is_exited));
	expect_end();
	CU_ASSERT_STRING_EQUAL(calls[2].reason, "exception");
	CU_ASSERT_EQUAL(calls[2].exit_code, 1);
	/* Nobody speaks of that end any more. */
	CU_ASSERT_EQUAL(reeve_unit_slot(guest.reeve, "w", NULL, 0, NULL, &err),
	    REEVE_EAGAIN);
	guest_close(&guest);
}

RV_TEST(a_crash_is_told_before_it_is_decided_and_then_the_end)
{
	open_guest("crashed", &ends);
	run("e.crash", NEVER);
	CU_ASSERT(guest_until(&guest, is_exited));
	expect_end();
	CU_ASSERT_STRING_EQUAL(calls[2].reason, "signaled");
	CU_ASSERT_EQUAL(calls[2].signo, SIGSEGV);
	guest_close(&guest);
}

RV_TEST(without_decide_an_exception_is_told_at_the_end_of_the_turn)
{
	static const char *const two[] = { "exception", "exited" };

	open_guest("undecided", &few);
	run("e.throw", NEVER);
	CU_ASSERT(guest_until(&guest, is_exited));
	CU_ASSERT_EQUAL(n_calls, 2);
	CU_ASSERT_STRING_EQUAL(calls[0].what, two[0]);
	CU_ASSERT_STRING_EQUAL(calls[1].what, two[1]);
	CU_ASSERT_STRING_EQUAL(calls[0].reads, calls[1].reads);
	CU_ASSERT_STRING_NOT_EQUAL(calls[0].reads, "none");
	guest_close(&guest);
}

RV_TEST(a_launch_that_failed_is_decided_as_what_it_is)
{
	struct reeve_worker_options none = { .size = sizeof(none),
		.command = "/nonexistent/program",
		.options = "{\"autorestart\": \"permanent\"}" };

	open_guest("failed", &hooks);
	OK(reeve_add_worker(guest.reeve, "w", &none, &err));
	OK(reeve_commit(guest.reeve, &err));
	CU_ASSERT(guest_until(&guest, is_exited));
	CU_ASSERT_STRING_EQUAL(calls[0].what, "decide");
	CU_ASSERT_STRING_EQUAL(calls[0].reason, "start failed");
	CU_ASSERT_STRING_EQUAL(calls[0].reads, "none");
	CU_ASSERT(calls[0].life > 0);
	guest_close(&guest);
}

/* -------- two generations -------- */

#define OVERLAPS "{\"overlap\": {}, \"startretries\": 0}"

RV_TEST(a_generation_that_goes_is_told_by_its_life_and_not_decided)
{
	struct reeve_unit_info old;
	char slot[64];
	int at;

	open_guest("generations", &hooks);
	run("e.serve", OVERLAPS);
	CU_ASSERT_FATAL(await(&guest, "w", REEVE_RUNNING));
	old = unit_at(&guest, "w");
	OK(reeve_restart(guest.reeve, "w", &err));
	CU_ASSERT(guest_until(&guest, is_exited));
	snprintf(slot, sizeof(slot), "\"x\" %d", (int)old.pid);
	at = find("free", 0);
	CU_ASSERT_FATAL(at != -1);
	CU_ASSERT_EQUAL(calls[at].life, old.life);
	CU_ASSERT_STRING_EQUAL(calls[at].reads, slot);
	at = find("exited", 0);
	CU_ASSERT_EQUAL(calls[at].life, old.life);
	CU_ASSERT_STRING_EQUAL(calls[at].reads, slot);
	CU_ASSERT_EQUAL(find("decide", 0), -1);
	/* Ready was told of each, once, and of the next when it served. */
	at = find("ready", 1);
	CU_ASSERT_FATAL(at != -1);
	CU_ASSERT_EQUAL(calls[at].pid, unit_at(&guest, "w").pid);
	CU_ASSERT_NOT_EQUAL(calls[at].pid, old.pid);
	CU_ASSERT_EQUAL(find("ready", 2), -1);
	guest_close(&guest);
}

RV_TEST(a_generation_that_fails_to_come_is_not_decided)
{
	struct reeve_unit_info old;
	char slot[64];
	int at;

	open_guest("rollback", &hooks);
	run("e.serve", OVERLAPS);
	CU_ASSERT_FATAL(await(&guest, "w", REEVE_RUNNING));
	old = unit_at(&guest, "w");
	shall_fail = true;
	OK(reeve_restart(guest.reeve, "w", &err));
	CU_ASSERT(await_events(&guest, "worker.rolled_back", 1));
	shall_fail = false;
	CU_ASSERT_EQUAL(unit_at(&guest, "w").pid, old.pid);
	CU_ASSERT_EQUAL(find("decide", 0), -1);
	at = find("exited", 0);
	CU_ASSERT_FATAL(at != -1);
	CU_ASSERT_NOT_EQUAL(calls[at].life, old.life);
	snprintf(slot, sizeof(slot), "\"x\" %d", (int)calls[at].pid);
	CU_ASSERT_STRING_EQUAL(calls[at].reads, slot);
	/* And outside of that, it is the slot of the one that serves. */
	snprintf(slot, sizeof(slot), "\"x\" %d", (int)old.pid);
	CU_ASSERT(await_slot(&guest, "w", slot));
	guest_close(&guest);
}

RV_SUITE(ends,
    RV_CASE(an_exception_is_told_before_it_is_decided_and_then_the_end),
    RV_CASE(a_crash_is_told_before_it_is_decided_and_then_the_end),
    RV_CASE(without_decide_an_exception_is_told_at_the_end_of_the_turn),
    RV_CASE(a_launch_that_failed_is_decided_as_what_it_is),
    RV_CASE(a_generation_that_goes_is_told_by_its_life_and_not_decided),
    RV_CASE(a_generation_that_fails_to_come_is_not_decided))
