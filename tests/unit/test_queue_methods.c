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

#include "unit/crew_rig.h"

#define SOME REEVE_S(60)

/* -------- both sides -------- */

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

static struct reeve_queue_state
look(struct reeve_queue *q)
{
	struct reeve_queue_state state;

	reeve_queue_look(q, &state);
	return state;
}

/* The queue that was given, or exit 97. */
static struct reeve_queue *
given(void)
{
	struct reeve_handle handle = crew_given("queue");
	struct reeve_queue *q = NULL;

	CREW_EXPECT(reeve_queue_open(&q, &handle, NULL) == REEVE_OK);
	reeve_handle_close(&handle);
	return q;
}

/* A new one, which is given to all that are started from now on. */
static struct reeve_queue *
new_queue(uint32_t items, uint64_t bytes)
{
	struct reeve_queue_options options = {
		.size = sizeof(options), .max_items = items, .max_bytes = bytes
	};
	struct reeve_queue *q = NULL;
	struct reeve_handle handle;

	CU_ASSERT_EQUAL_FATAL(reeve_queue_new(&q, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(reeve_queue_handle(q, &handle, NULL), REEVE_OK);
	crew_give("queue", handle);
	return q;
}

static void
free_queue(struct reeve_queue *q)
{
	crew_keep();
	reeve_queue_free(q);
}

/* -------- what members do -------- */

static int
find_it_full(void *ctx)
{
	struct reeve_queue *q = given();
	int n = 6;

	(void)ctx;
	CREW_EXPECT(look(q).is_full && !look(q).is_empty);
	CREW_EXPECT(reeve_queue_put(q, &n, sizeof(n), 0, 0) == REEVE_EFULL);
	CREW_EXPECT(reeve_queue_put(q, &n, sizeof(n), 0, -7) == REEVE_EFULL);
	CREW_EXPECT(
	    reeve_queue_put(q, &n, sizeof(n), 0, REEVE_MS(5)) == REEVE_EFULL);
	for (int i = 0; i < 6; i++) {
		CREW_EXPECT(get_int(q, i < 2 ? 0 : REEVE_FOREVER) == i);
	}
	reeve_queue_free(q);
	return 0;
}

static int
put_ten_to_nineteen(void *ctx)
{
	struct reeve_queue *q = given();

	(void)ctx;
	for (int i = 10; i < 20; i++) {
		CREW_EXPECT(put_int(q, i) == REEVE_OK);
	}
	reeve_queue_free(q);
	return 0;
}

/* More than it has room for. */
static int
put_twenty(void *ctx)
{
	struct reeve_queue *q = given();

	(void)ctx;
	for (int i = 0; i < 20; i++) {
		CREW_EXPECT(put_int(q, i) == REEVE_OK);
	}
	reeve_queue_free(q);
	return 0;
}

static int
work(void *ctx)
{
	struct reeve_queue *q = given();
	int n;

	while ((n = get_int(q, REEVE_FOREVER)) > 0) {
		crew_add(ctx);
		CREW_EXPECT(
		    reeve_queue_task_done(q, REEVE_FOREVER) == REEVE_OK);
	}
	reeve_queue_free(q);
	return n;
}

static int
be_done_too_often(void *ctx)
{
	struct reeve_queue *q = given();

	(void)ctx;
	CREW_EXPECT(get_int(q, 0) == 1);
	CREW_EXPECT(reeve_queue_task_done(q, REEVE_FOREVER) == REEVE_OK);
	CREW_EXPECT(reeve_queue_task_done(q, REEVE_FOREVER) == REEVE_EINVALID);
	reeve_queue_free(q);
	return 0;
}

static int
put_a_bad_one_and_a_good_one(void *ctx)
{
	struct reeve_queue *q = given();
	char bytes[101] = "good";

	(void)ctx;
	CREW_EXPECT(
	    reeve_queue_put(q, bytes, sizeof(bytes), 0, 0) == REEVE_ETOOBIG);
	CREW_EXPECT(reeve_queue_put(q, bytes, 4, 0, 0) == REEVE_OK);
	reeve_queue_free(q);
	return 0;
}

static int
close_and_put(void *ctx)
{
	struct reeve_queue *q = given();

	(void)ctx;
	CREW_EXPECT(put_int(q, 1) == REEVE_OK);
	reeve_queue_close(q);
	reeve_queue_close(q);
	CREW_EXPECT(put_int(q, 2) == REEVE_ECLOSED);
	reeve_queue_free(q);
	return 0;
}

static int
put_a_million(void *ctx)
{
	static char bytes[1 << 20];
	struct reeve_queue *q = given();

	(void)ctx;
	CREW_EXPECT(reeve_queue_put(q, bytes, sizeof(bytes), 0, 0) == REEVE_OK);
	CREW_EXPECT(
	    reeve_queue_put(q, bytes, sizeof(bytes), 0, 0) == REEVE_EFULL);
	reeve_queue_free(q);
	return 0;
}

static int
get_one(void *ctx)
{
	struct reeve_queue *q = given();
	int n;

	(void)ctx;
	n = get_int(q, REEVE_FOREVER);
	reeve_queue_free(q);
	return n;
}

static int
lease_and_stay(void *ctx)
{
	struct reeve_queue *q = given();
	struct reeve_item item = { 0 };

	(void)ctx;
	CREW_EXPECT(
	    reeve_queue_get_leased(q, &item, REEVE_FOREVER) == REEVE_OK);
	while (pause() != 0) {
	}
	return 0;
}

/* A child of one's own, which is called by its name. */
static int
put_two(const struct reeve_call *call)
{
	struct reeve_queue *q = given();
	enum reeve_status put = put_int(q, 2);

	(void)call;
	reeve_queue_free(q);
	return put != REEVE_OK;
}
REEVE_FUNCTION("q.put_two", put_two);

static int
put_one_and_start_another(void *ctx)
{
	struct reeve_queue *q = given();
	struct reeve_context_options how = { .size = sizeof(how),
		.method = *(enum reeve_method *)ctx,
		.libexec_dir = rv_test_builddir() };
	struct reeve_give give = { .name = "queue" };
	struct reeve_process_options options = { .size = sizeof(options),
		.function = "q.put_two",
		.gives = &give,
		.n_gives = 1 };
	struct reeve_context *context = NULL;
	struct reeve_process *p = NULL;

	process_keep_faults();
	CREW_EXPECT(put_int(q, 1) == REEVE_OK);
	CREW_EXPECT(reeve_queue_handle(q, &give.handle, NULL) == REEVE_OK);
	CREW_EXPECT(reeve_context_new(&context, &how, NULL) == REEVE_OK);
	CREW_EXPECT(reeve_process_new(&p, context, &options, NULL) == REEVE_OK);
	CREW_EXPECT(reeve_process_start(p, NULL) == REEVE_OK);
	reeve_handle_close(&give.handle);
	reeve_queue_free(q);
	CREW_EXPECT(reeve_process_join(p, REEVE_FOREVER, NULL) == REEVE_OK);
	CREW_EXPECT(reeve_process_exitcode(p) == 0);
	CREW_EXPECT(reeve_process_free(p, false, NULL) == REEVE_OK);
	reeve_context_free(context);
	return 0;
}

/* -------- scenarios -------- */

CREW_SCENARIO(scenario_26_a_seventh_item_does_not_go_into_a_queue_for_six)
{
	struct reeve_queue *q = new_queue(6, 0);

	CU_ASSERT_TRUE(look(q).is_empty);
	for (int i = 0; i < 6; i++) {
		CU_ASSERT_FALSE(look(q).is_full);
		CU_ASSERT_EQUAL(reeve_queue_put(q, &i, sizeof(i), 0,
				    i < 2 ? 0 : REEVE_FOREVER),
		    REEVE_OK);
		CU_ASSERT_EQUAL(look(q).items, (uint64_t)i + 1);
	}
	CU_ASSERT_EQUAL(look(q).bytes, 24);
	CU_ASSERT_EQUAL(crew_end(crew_start(find_it_full, NULL)), 0);
	CU_ASSERT_TRUE(look(q).is_empty);
	CU_ASSERT_FALSE(look(q).is_full);
	free_queue(q);
	reeve_queue_free(NULL);
}

CREW_SCENARIO(scenario_28_29_what_a_child_puts_comes_after_what_was_there)
{
	struct reeve_queue *q = new_queue(0, 0);

	for (int i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(put_int(q, i), REEVE_OK);
	}
	CU_ASSERT_EQUAL(crew_end(crew_start(put_ten_to_nineteen, NULL)), 0);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(get_int(q, 0), i);
	}
	CU_ASSERT_EQUAL(get_int(q, 0), REEVE_EEMPTY);
	CU_ASSERT_EQUAL(get_int(q, -7), REEVE_EEMPTY);
	CU_ASSERT_EQUAL(get_int(q, REEVE_MS(5)), REEVE_EEMPTY);
	free_queue(q);
}

CREW_SCENARIO(scenario_28_items_come_in_order_and_then_comes_the_end)
{
	struct reeve_queue *q = new_queue(5, 0);
	pid_t pid = crew_start(put_twenty, NULL);

	crew_keep();
	reeve_queue_close(q);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(get_int(q, REEVE_FOREVER), i);
	}
	CU_ASSERT_EQUAL(crew_end(pid), 0);
	CU_ASSERT_EQUAL(get_int(q, SOME), REEVE_EEND);
	free_queue(q);
}

CREW_SCENARIO(scenario_31_a_join_ends_when_four_workers_have_done_everything)
{
	struct reeve_queue *q = new_queue(3, 0);
	uint32_t *done = crew_share(sizeof(*done));
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = crew_start(work, done);
	}
	for (uint32_t round = 1; round <= 20; round++) {
		for (int i = 1; i <= 10; i++) {
			CU_ASSERT_EQUAL(put_int(q, i), REEVE_OK);
		}
		CU_ASSERT_EQUAL(reeve_queue_join(q, REEVE_FOREVER), REEVE_OK);
		CU_ASSERT_EQUAL(crew_value(done), round * 10);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(put_int(q, 0), REEVE_OK);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(crew_end(pids[i]), 0);
	}
	free_queue(q);
	crew_unshare(done, sizeof(*done));
}

CREW_SCENARIO(scenario_32_no_more_is_done_than_there_was_to_do)
{
	struct reeve_queue *q = new_queue(0, 0);

	CU_ASSERT_EQUAL(put_int(q, 1), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_join(q, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(crew_end(crew_start(be_done_too_often, NULL)), 0);
	CU_ASSERT_EQUAL(reeve_queue_join(q, REEVE_FOREVER), REEVE_OK);
	free_queue(q);
}

/* The put itself says it, and takes no room. */
CREW_SCENARIO(scenario_34_what_cannot_be_put_leaves_room_for_what_can)
{
	struct reeve_queue *q = new_queue(1, 100);
	struct reeve_item item = { 0 };

	CU_ASSERT_EQUAL(
	    crew_end(crew_start(put_a_bad_one_and_a_good_one, NULL)), 0);
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.length, 4);
	CU_ASSERT_EQUAL(memcmp(item.data, "good", 4), 0);
	reeve_item_free(&item);
	free_queue(q);
}

CREW_SCENARIO(scenario_35_who_closed_puts_no_more_and_an_unused_one_is_closed)
{
	struct reeve_queue *q = new_queue(0, 0);

	CU_ASSERT_EQUAL(crew_end(crew_start(close_and_put, NULL)), 0);
	reeve_queue_close(q);
	CU_ASSERT_EQUAL(put_int(q, 2), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(get_int(q, REEVE_FOREVER), 1);
	crew_keep();
	CU_ASSERT_EQUAL(get_int(q, REEVE_FOREVER), REEVE_EEND);
	free_queue(q);
	q = new_queue(0, 0);
	reeve_queue_close(q);
	free_queue(q);
}

CREW_SCENARIO(scenario_37_a_child_that_put_what_nobody_gets_can_be_joined)
{
	struct reeve_queue *q = new_queue(1, 0);
	struct reeve_item item = { 0 };

	CU_ASSERT_EQUAL(crew_end(crew_start(put_a_million, NULL)), 0);
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.length, 1 << 20);
	reeve_item_free(&item);
	free_queue(q);
}

CREW_SCENARIO(scenario_38_a_sleeping_getter_that_is_killed_takes_nothing_along)
{
	struct reeve_queue *q = new_queue(4, 0);
	pid_t getters[3];

	for (int i = 0; i < 3; i++) {
		getters[i] = crew_start(get_one, NULL);
		CU_ASSERT_TRUE(crew_asleep(getters[i]));
	}
	crew_kill(getters[0]); /* the one that had the turn */
	CU_ASSERT_EQUAL(put_int(q, 5), REEVE_OK);
	CU_ASSERT_EQUAL(put_int(q, 5), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(getters[1]), 5);
	CU_ASSERT_EQUAL(crew_end(getters[2]), 5);
	free_queue(q);
}

CREW_SCENARIO(scenario_22_40_41_a_child_of_a_child_puts_by_any_other_method)
{
	enum reeve_method *other = crew_share(sizeof(*other));

	for (int k = REEVE_METHOD_SPAWN; k <= REEVE_METHOD_FORKSERVER; k++) {
		struct reeve_queue *q = new_queue(0, 0);

		*other = (enum reeve_method)k;
		CU_ASSERT_EQUAL(
		    crew_end(crew_start(put_one_and_start_another, other)), 0);
		CU_ASSERT_EQUAL(get_int(q, 0), 1);
		CU_ASSERT_EQUAL(get_int(q, 0), 2);
		CU_ASSERT_EQUAL(get_int(q, 0), REEVE_EEMPTY);
		free_queue(q);
	}
	crew_unshare(other, sizeof(*other));
}

static bool
is_leased(void *ctx)
{
	return look(ctx).leased == 1;
}

CREW_SCENARIO(what_a_killed_process_had_on_lease_comes_back)
{
	struct reeve_queue *q = new_queue(5, 0);
	struct reeve_item item = { 0 };
	pid_t pid;

	CU_ASSERT_EQUAL(put_int(q, 7), REEVE_OK);
	pid = crew_start(lease_and_stay, NULL);
	CU_ASSERT_TRUE(rv_test_wait(is_leased, q, -1, 60000));
	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	CU_ASSERT_EQUAL(reeve_queue_get(q, &item, REEVE_FOREVER), REEVE_OK);
	CU_ASSERT_EQUAL(item.deliveries, 2);
	CU_ASSERT_EQUAL(*(int *)item.data, 7);
	CU_ASSERT_EQUAL(crew_end(pid), -SIGKILL);
	reeve_item_free(&item);
	free_queue(q);
}

RV_SUITE(queue_methods,
    RV_CASE(scenario_26_a_seventh_item_does_not_go_into_a_queue_for_six),
    RV_CASE(scenario_28_29_what_a_child_puts_comes_after_what_was_there),
    RV_CASE(scenario_28_items_come_in_order_and_then_comes_the_end),
    RV_CASE(scenario_31_a_join_ends_when_four_workers_have_done_everything),
    RV_CASE(scenario_32_no_more_is_done_than_there_was_to_do),
    RV_CASE(scenario_34_what_cannot_be_put_leaves_room_for_what_can),
    RV_CASE(scenario_35_who_closed_puts_no_more_and_an_unused_one_is_closed),
    RV_CASE(scenario_37_a_child_that_put_what_nobody_gets_can_be_joined),
    RV_CASE(scenario_38_a_sleeping_getter_that_is_killed_takes_nothing_along),
    RV_CASE(scenario_22_40_41_a_child_of_a_child_puts_by_any_other_method),
    RV_CASE(what_a_killed_process_had_on_lease_comes_back))
