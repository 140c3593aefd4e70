/* SPDX-License-Identifier: MIT */
/*
 * The worker of a pool against a host of one: what functions answer, one by
 * one, large and small, by which names; how a worker comes and ends. Chunks are
 * in test_pool_items.c.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/task.h>

#include "lib/harness.h"
#include "sys/sys.h"
#include "unit/worker_rig.h"

/* Not the first number, so that what is between is seen to be nothing. */
#define FN 3

/* -------- functions -------- */

static int
cube(const struct reeve_call *call)
{
	double x;

	if (call->args_len != sizeof(x)) {
		return reeve_fail(call, "cube.Size", "%zu bytes are no number",
		    call->args_len);
	}
	memcpy(&x, call->args, sizeof(x));
	x = x * x * x;
	return reeve_return(call, &x, sizeof(x));
}
REEVE_FUNCTION("test.cube", cube);

static int
echo(const struct reeve_call *call)
{
	return reeve_return(call, call->args, call->args_len);
}
REEVE_FUNCTION("test.echo", echo);

static int
seven(const struct reeve_call *call)
{
	(void)reeve_return(call, "lost", 4);
	return 7;
}
REEVE_FUNCTION("test.seven", seven);

/* The last one counts; and it is a JSON text. */
static int
twice(const struct reeve_call *call)
{
	(void)reeve_return(call, "a long one that is forgotten", 28);
	return reeve_return_json(call, "{\"try\": 2}");
}
REEVE_FUNCTION("test.twice", twice);

static int
nothing(const struct reeve_call *call)
{
	(void)call;
	return 0;
}
REEVE_FUNCTION("test.nothing", nothing);

/* As many bytes as its arguments say, in place. */
static int
fill(const struct reeve_call *call)
{
	size_t n = strtoul(call->args, NULL, 10);
	void *at, *again;

	if (reeve_return_room(call, n, &at) != REEVE_OK ||
	    reeve_return_room(call, n, &again) != REEVE_EBUSY) {
		return 1;
	}
	for (size_t i = 0; i < n; i++) {
		if (((char *)at)[i] != '\0') {
			return 2;
		}
	}
	memset(at, 'f', n);
	return 0;
}
REEVE_FUNCTION("test.fill", fill);

/* The same, copied. */
static int
copy(const struct reeve_call *call)
{
	size_t n = strtoul(call->args, NULL, 10);
	char *at = malloc(n + 1);
	int code;

	if (at == NULL) {
		return 1;
	}
	memset(at, 'c', n);
	code = reeve_return(call, at, n);
	free(at);
	return code;
}
REEVE_FUNCTION("test.copy", copy);

/* How long its arguments are, if they are 'x' and a NUL. */
static int
measure(const struct reeve_call *call)
{
	const char *at = call->args;
	uint64_t n = strlen(at);

	if (n != call->args_len || strspn(at, "x") != n) {
		return 1;
	}
	return reeve_return(call, &n, sizeof(n));
}
REEVE_FUNCTION("test.measure", measure);

static int
attempt(const struct reeve_call *call)
{
	uint32_t n = reeve_task_attempt(call);

	return reeve_return(call, &n, sizeof(n));
}
REEVE_FUNCTION("test.attempt", attempt);

/* -------- answers -------- */

static void
ask(struct worker_rig *rig, const char *function, uint64_t id, const void *data,
    size_t length)
{
	worker_teach(rig, FN, function);
	(void)worker_task(rig, FN, id, data, (uint32_t)length);
}

/* It is a frame of this task: its payload. */
static const void *
answer_of(
    struct worker_rig *rig, unsigned kind, uint64_t id, struct rv_frame *head)
{
	const void *payload = NULL;

	CU_ASSERT_TRUE_FATAL(worker_next(rig, head, &payload));
	CU_ASSERT_EQUAL(head->kind, kind);
	CU_ASSERT_EQUAL(head->id, id);
	return payload;
}

RV_TEST(a_task_returns_what_its_function_does)
{
	struct worker_rig rig;
	struct rv_frame head;
	double x = 3;

	worker_start(&rig, NULL);
	CU_ASSERT_STRING_EQUAL(rig.hello.path, "test.0");
	ask(&rig, "test.cube", 17, &x, sizeof(x));
	memcpy(&x, answer_of(&rig, RV_FRAME_RESULT, 17, &head), sizeof(x));
	CU_ASSERT_EQUAL(x, 27);
	CU_ASSERT(head.code == 0 && head.took > 0 && head.flags == 0);
	worker_done(&rig);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(a_task_fails_by_what_it_says_or_by_its_number)
{
	struct worker_rig rig;
	struct rv_frame head;
	struct rv_failed failed;
	const void *payload;

	worker_start(&rig, NULL);
	ask(&rig, "test.cube", 1, "x", 1);
	payload = answer_of(&rig, RV_FRAME_FAILED, 1, &head);
	CU_ASSERT_TRUE(rv_failed_read(&failed, payload, head.length));
	CU_ASSERT_STRING_EQUAL(failed.type, "cube.Size");
	CU_ASSERT_STRING_EQUAL(failed.message, "1 bytes are no number");
	CU_ASSERT_EQUAL(head.code, 1);
	worker_done(&rig);
	ask(&rig, "test.seven", 2, "x", 1);
	payload = answer_of(&rig, RV_FRAME_FAILED, 2, &head);
	CU_ASSERT_EQUAL(head.code, 7);
	CU_ASSERT_EQUAL(head.length, 0);
	worker_done(&rig);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(the_last_answer_counts)
{
	struct worker_rig rig;
	struct rv_frame head;

	worker_start(&rig, NULL);
	ask(&rig, "test.twice", 1, "", 0);
	CU_ASSERT_STRING_EQUAL(
	    answer_of(&rig, RV_FRAME_RESULT, 1, &head), "{\"try\": 2}");
	CU_ASSERT_EQUAL(head.flags, RV_FRAME_JSON);
	worker_done(&rig);
	ask(&rig, "test.nothing", 2, "", 0);
	(void)answer_of(&rig, RV_FRAME_RESULT, 2, &head);
	CU_ASSERT_EQUAL(head.length, 0);
	worker_done(&rig);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(functions_are_found_in_modules_and_missed_by_name)
{
	static const char *const none[] = { "test.none",
		"libc.so.6:reeve_no_such", "libno.so.1:f", "/no/module.so" };
	struct worker_rig rig;
	struct rv_frame head;
	struct rv_failed failed;
	const void *payload;

	worker_start(&rig, NULL);
	ask(&rig, "libc.so.6:sched_yield", 1, "", 0);
	(void)answer_of(&rig, RV_FRAME_RESULT, 1, &head);
	worker_done(&rig);
	for (size_t i = 0; i < RV_ARRAY_LEN(none); i++) {
		ask(&rig, none[i], 2 + i, "", 0);
		payload = answer_of(&rig, RV_FRAME_FAILED, 2 + i, &head);
		CU_ASSERT_TRUE(rv_failed_read(&failed, payload, head.length));
		CU_ASSERT_STRING_EQUAL(failed.type, RV_DOOR_NO_FUNCTION);
		CU_ASSERT_STRING_NOT_EQUAL(failed.message, "");
		worker_done(&rig);
	}
	(void)worker_task(&rig, 1, 9, "", 0);
	(void)worker_task(&rig, 9999, 10, "", 0);
	(void)answer_of(&rig, RV_FRAME_FAILED, 9, &head);
	worker_done(&rig);
	(void)answer_of(&rig, RV_FRAME_FAILED, 10, &head);
	worker_done(&rig);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(a_task_knows_which_try_it_is)
{
	struct worker_rig rig;
	struct rv_frame head = {
		.kind = RV_FRAME_TASK, .function = FN, .id = 1, .code = 3
	};
	uint32_t n;

	worker_start(&rig, NULL);
	worker_teach(&rig, FN, "test.attempt");
	(void)worker_put(&rig, &head, "", 0);
	memcpy(&n, answer_of(&rig, RV_FRAME_RESULT, 1, &head), sizeof(n));
	CU_ASSERT_EQUAL(n, 3);
	worker_done(&rig);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

/* -------- sizes -------- */

RV_TEST(results_of_all_sizes_come_whole)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 9, 8192,
		RV_LANE_FRAME_MAX - 1, RV_LANE_FRAME_MAX, RV_LANE_FRAME_MAX + 1,
		65536, 5000000 };
	struct worker_rig rig;
	struct rv_frame head;
	const void *payload;
	char text[32];
	uint64_t id = 1;

	worker_start(&rig, NULL);
	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < RV_ARRAY_LEN(sizes); i++, id++) {
			bool in_place = id % 2 == 0;
			int n = snprintf(text, sizeof(text), "%zu", sizes[i]);

			ask(&rig, in_place ? "test.fill" : "test.copy", id,
			    text, (size_t)n);
			payload = answer_of(&rig, RV_FRAME_RESULT, id, &head);
			CU_ASSERT_TRUE(worker_came(&rig, &head, payload,
			    sizes[i], in_place ? 'f' : 'c'));
			worker_done(&rig);
		}
	}
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(large_arguments_are_mapped)
{
	struct worker_rig rig;
	struct rv_frame head;
	uint64_t n, sizes[] = { 40000, 4096, 3000000 };

	worker_start(&rig, NULL);
	worker_teach(&rig, FN, "test.measure");
	for (size_t i = 0; i < RV_ARRAY_LEN(sizes); i++) {
		worker_large(&rig, FN, i + 1, sizes[i]);
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(sizes); i++) {
		memcpy(&n, answer_of(&rig, RV_FRAME_RESULT, i + 1, &head),
		    sizeof(n));
		CU_ASSERT_EQUAL(n, sizes[i]);
		worker_done(&rig);
	}
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(results_wait_for_room_and_none_is_lost)
{
	struct worker_rig rig;
	struct rv_frame head;
	const void *payload;
	uint64_t in = 0, out = 0;

	worker_start(&rig, NULL);
	worker_teach(&rig, FN, "test.copy");
	for (int i = 0; i < 500; i++) {
		(void)worker_task(&rig, FN, ++in, "20000", 5);
	}
	while (out < in) {
		payload = answer_of(&rig, RV_FRAME_RESULT, ++out, &head);
		CU_ASSERT_TRUE(worker_came(&rig, &head, payload, 20000, 'c'));
		worker_done(&rig);
	}
	CU_ASSERT_TRUE(worker_finish(&rig));
}

/* -------- taking back -------- */

static int
block(const struct reeve_call *call)
{
	sigset_t none;
	int signo;

	(void)sigemptyset(&none);
	(void)sigaddset(&none, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &none, NULL);
	(void)sigwait(&none, &signo);
	(void)sigprocmask(SIG_UNBLOCK, &none, NULL);
	return reeve_return(call, "woken", 5);
}
REEVE_FUNCTION("test.block", block);

struct begun {
	struct worker_rig *rig;
	uint64_t at;
};

static bool
has_begun(void *ctx)
{
	struct begun *b = ctx;

	return rv_lane_has_begun(&b->rig->lane.tasks, b->at);
}

static void
start_blocked(struct worker_rig *rig, uint64_t id)
{
	struct begun b = { .rig = rig };

	worker_teach(rig, FN, "test.block");
	b.at = worker_task(rig, FN, id, "", 0);
	CU_ASSERT_TRUE_FATAL(rv_test_wait(has_begun, &b, -1, 5000));
}

RV_TEST(what_was_taken_back_is_not_run)
{
	struct worker_rig rig;
	struct rv_frame head;
	uint64_t second, third;

	worker_start(&rig, NULL);
	start_blocked(&rig, 1);
	worker_teach(&rig, 4, "test.measure");
	second = worker_task(&rig, 4, 2, "x", 1);
	worker_large(&rig, 4, 3, 50000);
	third = rv_lane_at(&rig.lane.tasks);
	worker_large(&rig, 4, 4, 60000);
	CU_ASSERT_TRUE(rv_lane_revoke(&rig.lane.tasks, second));
	CU_ASSERT_TRUE(rv_lane_revoke(&rig.lane.tasks, third));
	(void)kill(rig.pid, SIGUSR2);
	CU_ASSERT_STRING_EQUAL(
	    answer_of(&rig, RV_FRAME_RESULT, 1, &head), "woken");
	worker_done(&rig);
	(void)answer_of(&rig, RV_FRAME_RESULT, 4, &head);
	worker_done(&rig);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

/* -------- coming and going -------- */

RV_TEST(a_worker_that_is_asked_to_stop_ends_between_tasks)
{
	struct worker_rig rig;
	struct rv_frame head;
	uint64_t next;

	worker_start(&rig, NULL);
	(void)kill(rig.pid, SIGTERM);
	worker_await(&rig);
	CU_ASSERT_EQUAL(rig.status, 0);
	worker_drop(&rig);

	worker_start(&rig, NULL);
	start_blocked(&rig, 1);
	next = worker_task(&rig, FN, 2, "", 0);
	(void)kill(rig.pid, SIGTERM);
	(void)kill(rig.pid, SIGUSR2);
	worker_await(&rig);
	CU_ASSERT_EQUAL(rig.status, 0);
	(void)answer_of(&rig, RV_FRAME_RESULT, 1, &head);
	worker_done(&rig);
	CU_ASSERT_TRUE(rv_lane_revoke(&rig.lane.tasks, next));
	worker_drop(&rig);
}

RV_TEST(interrupts_are_for_the_host)
{
	struct worker_rig rig;
	struct rv_frame head;

	worker_start(&rig, NULL);
	(void)kill(rig.pid, SIGINT);
	start_blocked(&rig, 1);
	(void)kill(rig.pid, SIGINT);
	(void)kill(rig.pid, SIGUSR2);
	(void)answer_of(&rig, RV_FRAME_RESULT, 1, &head);
	worker_done(&rig);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(a_worker_ends_when_its_host_is_gone)
{
	struct worker_rig rig;

	worker_start(&rig, NULL);
	start_blocked(&rig, 1);
	(void)close(rig.pair);
	rig.pair = -1;
	(void)kill(rig.pid, SIGUSR2);
	worker_await(&rig);
	CU_ASSERT_EQUAL(rig.status, 0);
	worker_drop(&rig);
}

static int
remember(const struct reeve_call *call)
{
	return setenv("REEVE_TEST_INIT", call->args, 1);
}
REEVE_FUNCTION("test.remember", remember);

static int
recall(const struct reeve_call *call)
{
	const char *text = getenv("REEVE_TEST_INIT");

	return reeve_return(
	    call, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}
REEVE_FUNCTION("test.recall", recall);

RV_TEST(the_initializer_runs_before_the_first_task)
{
	struct worker_wants wants = { .initializer = "test.remember",
		.args = "the arguments" };
	struct worker_rig rig;
	struct rv_frame head;

	worker_start(&rig, &wants);
	ask(&rig, "test.recall", 1, "", 0);
	CU_ASSERT_STRING_EQUAL(
	    answer_of(&rig, RV_FRAME_RESULT, 1, &head), "the arguments");
	worker_done(&rig);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(a_worker_that_cannot_begin_ends_with_one)
{
	static const struct worker_wants wants[] = {
		{ .initializer = "test.seven", .no_ready = true },
		{ .initializer = "test.none", .no_ready = true },
		{ .version = 99, .no_ready = true },
	};
	struct worker_rig rig;

	for (size_t i = 0; i < RV_ARRAY_LEN(wants); i++) {
		worker_start(&rig, &wants[i]);
		worker_await(&rig);
		CU_ASSERT(
		    WIFEXITED(rig.status) && WEXITSTATUS(rig.status) == 1);
		worker_drop(&rig);
	}
}

/* For longer than the worker looks away. */
static int
grow(const struct reeve_call *call)
{
	size_t n = (size_t)64 << 20;
	rv_time end = rv_sys_now() + 20 * RV_MS;
	volatile char *at = malloc(n);

	for (size_t i = 0; at != NULL && i < n; i += 1024) {
		at[i] = 1;
	}
	while (rv_sys_now() < end) {
	}
	(void)call;
	return at == NULL;
}
REEVE_FUNCTION("test.grow", grow);

RV_TEST(a_worker_with_too_much_memory_says_so_and_begins_nothing_more)
{
	struct worker_wants wants = { .max_memory = 0 };
	struct worker_rig rig;
	struct rv_frame head;
	uint64_t next;

	wants.max_memory = rv_sys_resident(getpid()) + ((uint64_t)32 << 20);
	worker_start(&rig, &wants);
	ask(&rig, "test.nothing", 1, "", 0);
	(void)answer_of(&rig, RV_FRAME_RESULT, 1, &head);
	CU_ASSERT_EQUAL(head.flags, 0);
	worker_done(&rig);
	worker_teach(&rig, 4, "test.grow");
	worker_teach(&rig, 5, "test.nothing");
	(void)worker_task(&rig, 4, 2, "", 0);
	next = worker_task(&rig, 5, 3, "", 0);
	(void)answer_of(&rig, RV_FRAME_RESULT, 2, &head);
	CU_ASSERT_EQUAL(head.flags, RV_DOOR_FAT);
	worker_done(&rig);
	CU_ASSERT_TRUE(rv_lane_revoke(&rig.lane.tasks, next));
	(void)kill(rig.pid, SIGTERM);
	worker_await(&rig);
	CU_ASSERT_EQUAL(rig.status, 0);
	worker_drop(&rig);
}

RV_SUITE(pool_worker, RV_CASE(a_task_returns_what_its_function_does),
    RV_CASE(a_task_fails_by_what_it_says_or_by_its_number),
    RV_CASE(the_last_answer_counts),
    RV_CASE(functions_are_found_in_modules_and_missed_by_name),
    RV_CASE(a_task_knows_which_try_it_is),
    RV_CASE(results_of_all_sizes_come_whole),
    RV_CASE(large_arguments_are_mapped),
    RV_CASE(results_wait_for_room_and_none_is_lost),
    RV_CASE(what_was_taken_back_is_not_run),
    RV_CASE(a_worker_that_is_asked_to_stop_ends_between_tasks),
    RV_CASE(interrupts_are_for_the_host),
    RV_CASE(a_worker_ends_when_its_host_is_gone),
    RV_CASE(the_initializer_runs_before_the_first_task),
    RV_CASE(a_worker_that_cannot_begin_ends_with_one),
    RV_CASE(a_worker_with_too_much_memory_says_so_and_begins_nothing_more))
