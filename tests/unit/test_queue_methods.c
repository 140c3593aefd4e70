/* SPDX-License-Identifier: MIT */
/*
 * Queues handed to processes of each start method, and on to their children of
 * another one: a queue does not care under which it was made.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/queue.h>

#include "unit/process_rig.h"

/* -------- what processes do -------- */

/* The queue that was given under this name, or exit 98. */
static struct reeve_queue *
given(const char *name)
{
	struct reeve_handle handle;
	struct reeve_queue *q = NULL;

	if (reeve_given(name, &handle) != REEVE_OK ||
	    reeve_queue_open(&q, &handle, NULL) != REEVE_OK) {
		_exit(98);
	}
	reeve_handle_close(&handle);
	return q;
}

static enum reeve_status
put_int(struct reeve_queue *q, int n)
{
	return reeve_queue_put(q, &n, sizeof(n), 0, REEVE_FOREVER);
}

static int
get_int(struct reeve_queue *q, int64_t timeout)
{
	size_t len;
	int n = -1;
	enum reeve_status st =
	    reeve_queue_get_into(q, &n, sizeof(n), &len, NULL, timeout);

	return st == REEVE_OK ? n : (int)st;
}

/* Numbers from there on, more than the queue has room for. */
static int
put_numbers(const struct reeve_call *call)
{
	struct reeve_queue *q = given("queue");
	int from = (int)strtol(call->args, NULL, 10), st = 0;

	for (int i = from; i < from + 20 && st == 0; i++) {
		st = put_int(q, i);
	}
	reeve_queue_free(q);
	return st;
}
REEVE_FUNCTION("q.put_numbers", put_numbers);

static struct reeve_process *
start(struct reeve_context *context, const char *function, const char *text,
    struct reeve_queue *q)
{
	struct reeve_give give = { .name = "queue" };
	struct reeve_process_options options = { .size = sizeof(options),
		.function = function,
		.bytes = text,
		.n_bytes = strlen(text),
		.gives = &give,
		.n_gives = 1 };
	struct reeve_process *p = NULL;

	if (reeve_queue_handle(q, &give.handle, NULL) != REEVE_OK ||
	    reeve_process_new(&p, context, &options, NULL) != REEVE_OK ||
	    reeve_process_start(p, NULL) != REEVE_OK) {
		return NULL;
	}
	reeve_handle_close(&give.handle);
	return p;
}

/* A child of its own, by the method of that number. */
static int
put_by_child(const struct reeve_call *call)
{
	struct reeve_queue *q = given("queue");
	struct reeve_context_options options = { .size = sizeof(options),
		.method = (enum reeve_method)strtol(call->args, NULL, 10),
		.libexec_dir = rv_test_builddir() };
	struct reeve_context *context = NULL;
	struct reeve_process *p = NULL;
	int result = 97;

	process_keep_faults();
	if (put_int(q, 1) == REEVE_OK &&
	    reeve_context_new(&context, &options, NULL) == REEVE_OK) {
		p = start(context, "q.put_numbers", "2", q);
	}
	reeve_queue_free(q);
	if (p != NULL &&
	    reeve_process_join(p, REEVE_FOREVER, NULL) == REEVE_OK) {
		result = reeve_process_exitcode(p);
	}
	(void)reeve_process_free(p, false, NULL);
	reeve_context_free(context);
	return result;
}
REEVE_FUNCTION("q.put_by_child", put_by_child);

static int
lease_and_stay(const struct reeve_call *call)
{
	struct reeve_queue *q = given("queue");
	struct reeve_item item = { 0 };

	(void)call;
	if (reeve_queue_get_leased(q, &item, REEVE_FOREVER) != REEVE_OK) {
		return 1;
	}
	while (pause() != 0) {
	}
	return 0;
}
REEVE_FUNCTION("q.lease_and_stay", lease_and_stay);

/* -------- scenarios -------- */

static struct reeve_queue *
new_queue(uint32_t items)
{
	struct reeve_queue_options options = { .size = sizeof(options),
		.max_items = items };
	struct reeve_queue *q = NULL;

	CU_ASSERT_EQUAL_FATAL(reeve_queue_new(&q, &options, NULL), REEVE_OK);
	return q;
}

SCENARIO(a_process_puts_in_order_and_then_comes_the_end, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_queue *q = new_queue(5);
	struct reeve_process *p = start(context, "q.put_numbers", "10", q);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	reeve_queue_close(q);
	for (int i = 10; i < 30; i++) {
		CU_ASSERT_EQUAL(get_int(q, REEVE_FOREVER), i);
	}
	process_finish(p, 0);
	CU_ASSERT_EQUAL(get_int(q, REEVE_S(60)), REEVE_EEND);
	reeve_queue_free(q);
	reeve_context_free(context);
}

SCENARIO(a_child_of_a_process_puts_by_any_other_method, BY_ALL)
{
	static const char *const methods[] = { "1", "2", "3" };

	for (int k = 0; k < 3; k++) {
		struct reeve_context *context = process_context(method, NULL);
		struct reeve_queue *q = new_queue(5);
		struct reeve_process *p =
		    start(context, "q.put_by_child", methods[k], q);

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		for (int i = 1; i < 22; i++) {
			CU_ASSERT_EQUAL(get_int(q, REEVE_S(60)), i);
		}
		process_finish(p, 0);
		CU_ASSERT_EQUAL(get_int(q, 0), REEVE_EEMPTY);
		reeve_queue_free(q);
		reeve_context_free(context);
	}
}

static bool
is_leased(void *ctx)
{
	struct reeve_queue_state state;

	reeve_queue_look(ctx, &state);
	return state.leased == 1;
}

SCENARIO(what_a_killed_process_had_on_lease_comes_back, BY_ALL)
{
	struct reeve_context *context = process_context(method, NULL);
	struct reeve_queue *q = new_queue(5);
	struct reeve_item item = { 0 };
	struct reeve_process *p;

	CU_ASSERT_EQUAL(put_int(q, 7), REEVE_OK);
	p = start(context, "q.lease_and_stay", "", q);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(rv_test_wait(is_leased, q, -1, 60000));
	CU_ASSERT_EQUAL(reeve_process_kill(p, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(item.deliveries, 2);
	CU_ASSERT_EQUAL(*(int *)item.data, 7);
	process_finish(p, -SIGKILL);
	reeve_item_free(&item);
	reeve_queue_free(q);
	reeve_context_free(context);
}

RV_SUITE(queue_methods, RV_CASE(a_process_puts_in_order_and_then_comes_the_end),
    RV_CASE(a_child_of_a_process_puts_by_any_other_method),
    RV_CASE(what_a_killed_process_had_on_lease_comes_back))
