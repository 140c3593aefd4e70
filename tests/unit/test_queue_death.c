/* SPDX-License-Identifier: MIT */
/*
 * Queues and deaths: a process is killed at each step of a put, a get, a lease,
 * with others asleep on both sides; afterwards every item is there once and
 * whole, nobody hangs, and no memory is lost.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reeve/queue.h>

#include "base/fault.h"
#include "lib/crew.h"
#include "lib/harness.h"

#define LARGE 20000
#define SMALL 40

struct scene {
	struct reeve_queue *q;
	size_t len;
	int step;
	uint32_t done, got[8];
	bool large, asleep;
};

static struct scene *
new_scene(uint32_t items)
{
	struct reeve_queue_options options = { .size = sizeof(options),
		.max_items = items,
		.max_leases = 4,
		.large = 100 };
	struct scene *s = crew_share(sizeof(*s));

	CU_ASSERT_EQUAL_FATAL(reeve_queue_new(&s->q, &options, NULL), REEVE_OK);
	s->len = SMALL;
	return s;
}

static void
free_scene(struct scene *s)
{
	reeve_queue_free(s->q);
	crew_unshare(s, sizeof(*s));
}

/* An item is its tag, over and over. */
static enum reeve_status
put(struct scene *s, uint32_t tag, int64_t timeout)
{
	char bytes[LARGE];

	memset(bytes, (int)tag, s->len);
	return reeve_queue_put(s->q, bytes, s->len, tag, timeout);
}

static int
whole(const struct scene *s, const struct reeve_item *item)
{
	bool good = item->length == s->len;

	for (size_t i = 0; good && i < item->length; i++) {
		good = ((char *)item->data)[i] == (char)item->tag;
	}
	return good ? (int)item->tag : -1000;
}

static int
get(struct scene *s, int64_t timeout)
{
	struct reeve_item item = { 0 };
	enum reeve_status st = reeve_queue_get(s->q, &item, timeout);
	int tag = st == REEVE_OK ? whole(s, &item) : (int)st;

	reeve_item_free(&item);
	return tag;
}

static uint64_t
blocks_of(struct scene *s)
{
	struct reeve_handle handle;
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_queue_handle(s->q, &handle, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(fstat(handle.fds[0], &st), 0);
	reeve_handle_close(&handle);
	return (uint64_t)st.st_blocks;
}

static uint64_t
items_of(struct scene *s)
{
	struct reeve_queue_state state;

	reeve_queue_look(s->q, &state);
	return state.items;
}

/* From here on, killed at its step-th step. */
static void
arm(const struct scene *s)
{
	char plan[64];

	(void)snprintf(plan, sizeof(plan), "queue@%d=KILL", s->step);
	(void)rv_fault_set(plan);
}

static int
armed_put(void *ctx)
{
	struct scene *s = ctx;

	arm(s);
	return put(s, 2, REEVE_FOREVER) != REEVE_OK;
}

static int
waiting_get(void *ctx)
{
	return get(ctx, REEVE_FOREVER);
}

/* True: the step was beyond the last one, the put is done. */
static bool
kill_put_at(int step, bool large, bool asleep)
{
	struct scene *s = new_scene(4);
	uint64_t blocks = blocks_of(s);
	int expected = 1, end, tag;
	pid_t getter = -1;

	s->len = large ? LARGE : SMALL;
	s->step = step;
	if (asleep) {
		getter = crew_start(waiting_get, s);
		CU_ASSERT_TRUE(crew_asleep(getter));
	} else {
		CU_ASSERT_EQUAL(put(s, 1, 0), REEVE_OK);
	}
	end = crew_end(crew_start(armed_put, s));
	CU_ASSERT(end == 0 || end == -SIGKILL);
	CU_ASSERT_EQUAL(put(s, 3, REEVE_S(60)), REEVE_OK);
	if (asleep) {
		tag = crew_end(getter);
		CU_ASSERT(tag == 2 || (tag == 3 && end != 0));
		expected = tag + 1;
	}
	for (; expected <= 3; expected++) {
		tag = get(s, 0);
		if (expected == 2 && tag == 3 && end != 0) {
			expected = 3;
		}
		CU_ASSERT_EQUAL(tag, expected);
	}
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	CU_ASSERT_EQUAL(items_of(s), 0);
	CU_ASSERT_EQUAL(blocks_of(s), blocks);
	free_scene(s);
	return end == 0;
}

RV_TEST(a_putter_may_be_killed_at_any_step)
{
	for (int how = 0; how < 4; how++) {
		int step = 1;

		while (!kill_put_at(step, (how & 1) != 0, (how & 2) != 0)) {
			step++;
		}
		CU_ASSERT(step > 3);
	}
}

static int
armed_get(void *ctx)
{
	struct scene *s = ctx;

	arm(s);
	return get(s, REEVE_FOREVER) != 1;
}

static int
waiting_put(void *ctx)
{
	return put(ctx, 3, REEVE_FOREVER) != REEVE_OK;
}

static bool
kill_get_at(int step, bool large, bool asleep)
{
	struct scene *s = new_scene(2);
	uint64_t blocks = blocks_of(s);
	pid_t putter = -1;
	int end, tag;

	s->len = large ? LARGE : SMALL;
	s->step = step;
	CU_ASSERT_EQUAL(put(s, 1, 0), REEVE_OK);
	CU_ASSERT_EQUAL(put(s, 2, 0), REEVE_OK);
	if (asleep) {
		putter = crew_start(waiting_put, s);
		CU_ASSERT_TRUE(crew_asleep(putter));
	}
	end = crew_end(crew_start(armed_get, s));
	CU_ASSERT(end == 0 || end == -SIGKILL);
	tag = get(s, 0);
	CU_ASSERT(tag == 2 || (tag == 1 && end != 0));
	if (tag == 1) {
		CU_ASSERT_EQUAL(get(s, 0), 2);
	}
	if (asleep) {
		CU_ASSERT_EQUAL(crew_end(putter), 0);
		CU_ASSERT_EQUAL(get(s, 0), 3);
	}
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	CU_ASSERT_EQUAL(items_of(s), 0);
	CU_ASSERT_EQUAL(blocks_of(s), blocks);
	free_scene(s);
	return end == 0;
}

RV_TEST(a_getter_may_be_killed_at_any_step)
{
	for (int how = 0; how < 4; how++) {
		int step = 1;

		while (!kill_get_at(step, (how & 1) != 0, (how & 2) != 0)) {
			step++;
		}
		CU_ASSERT(step > 3);
	}
}

static enum reeve_status
lease(struct scene *s, struct reeve_item *item)
{
	enum reeve_status st = reeve_queue_get_leased(s->q, item, 0);

	return st == REEVE_OK && whole(s, item) < 0 ? REEVE_EDAMAGED : st;
}

/* Takes 1 and 2 on leases, does 1, gives 2 back, and takes that for good. */
static int
armed_leases(void *ctx)
{
	struct scene *s = ctx;
	struct reeve_item a = { 0 }, b = { 0 };

	arm(s);
	if (lease(s, &a) != REEVE_OK || lease(s, &b) != REEVE_OK ||
	    reeve_queue_ack(s->q, a.lease, REEVE_FOREVER) != REEVE_OK) {
		return 1;
	}
	crew_add(&s->done);
	if (reeve_queue_give_back(s->q, b.lease, REEVE_FOREVER) != REEVE_OK ||
	    lease(s, &b) != REEVE_OK || b.deliveries != 2 ||
	    reeve_queue_give_back(s->q, b.lease, REEVE_FOREVER) != REEVE_OK ||
	    reeve_queue_get(s->q, &b, 0) != REEVE_OK || whole(s, &b) != 2 ||
	    b.deliveries != 3) {
		return 2;
	}
	crew_add(&s->done);
	return 0;
}

static bool
kill_lease_at(int step, bool large)
{
	struct scene *s = new_scene(4);
	uint64_t blocks = blocks_of(s);
	struct reeve_queue_state state;
	struct reeve_item item = { 0 };
	uint32_t seen[4] = { 0 };
	int end;

	s->len = large ? LARGE : SMALL;
	s->step = step;
	for (uint32_t tag = 1; tag <= 3; tag++) {
		CU_ASSERT_EQUAL(put(s, tag, 0), REEVE_OK);
	}
	end = crew_end(crew_start(armed_leases, s));
	CU_ASSERT(end == 0 || end == -SIGKILL);
	while (lease(s, &item) == REEVE_OK) {
		seen[item.tag & 3]++;
		CU_ASSERT_EQUAL(
		    reeve_queue_ack(s->q, item.lease, REEVE_FOREVER), REEVE_OK);
	}
	reeve_queue_look(s->q, &state);
	CU_ASSERT_EQUAL(state.items, 0);
	CU_ASSERT_EQUAL(state.leased, 0);
	/* each once, but what the dead one had done, or may have */
	CU_ASSERT(seen[1] == 1 || (seen[1] == 0 && step > 3));
	CU_ASSERT(seen[1] == 0 || s->done == 0);
	CU_ASSERT(seen[2] == 1 || (seen[2] == 0 && s->done >= 1));
	CU_ASSERT(seen[2] == 0 || s->done < 2);
	CU_ASSERT_EQUAL(seen[3], 1);
	/* 2 was got for good, and nobody said that it is done */
	CU_ASSERT_EQUAL(state.unfinished, seen[2] == 0);
	CU_ASSERT_EQUAL(blocks_of(s), blocks);
	reeve_item_free(&item);
	free_scene(s);
	return end == 0;
}

RV_TEST(a_holder_of_leases_may_be_killed_at_any_step)
{
	for (int large = 0; large < 2; large++) {
		int step = 1;

		while (!kill_lease_at(step, large != 0)) {
			step++;
		}
		CU_ASSERT(step > 20);
	}
}

static int
hold_lease(void *ctx)
{
	struct scene *s = ctx;
	struct reeve_item item = { 0 };

	if (lease(s, &item) != REEVE_OK) {
		return 1;
	}
	crew_add(&s->done);
	while (pause() != 0) {
	}
	return 0;
}

RV_TEST(who_sleeps_gets_what_a_dead_one_had_on_lease)
{
	static const char *const without[] = { NULL, "pidfd_open=ENOSYS" };

	for (int i = 0; i < 2; i++) {
		struct scene *s = new_scene(4);
		pid_t holder, getter;

		CU_ASSERT_EQUAL(put(s, 1, 0), REEVE_OK);
		holder = crew_start(hold_lease, s);
		CU_ASSERT_TRUE(crew_reached(&s->done, 1));
		CU_ASSERT_TRUE(rv_fault_set(without[i]));
		CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
		getter = crew_start(waiting_get, s);
		CU_ASSERT_TRUE(rv_fault_set(NULL));
		CU_ASSERT_TRUE(crew_asleep(getter));
		crew_kill(holder);
		CU_ASSERT_EQUAL(crew_end(getter), 1);
		free_scene(s);
	}
}

/* Four leases, of 1 to 4, whose holders are dead; then come more items. */
static struct scene *
scene_of_dead_holders(void)
{
	struct scene *s = new_scene(10);
	pid_t holders[4];

	for (uint32_t i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(put(s, i + 1, 0), REEVE_OK);
		holders[i] = crew_start(hold_lease, s);
		CU_ASSERT_TRUE(crew_reached(&s->done, i + 1));
	}
	CU_ASSERT_EQUAL(put(s, 5, 0), REEVE_OK);
	for (int i = 0; i < 4; i++) {
		crew_kill(holders[i]);
	}
	return s;
}

RV_TEST(all_leases_of_the_dead_are_to_be_had_again)
{
	struct scene *s = scene_of_dead_holders();
	struct reeve_item item = { 0 };

	for (uint32_t tag = 1; tag <= 4; tag++) {
		CU_ASSERT_EQUAL(lease(s, &item), REEVE_OK);
		CU_ASSERT_EQUAL(item.tag, tag);
		CU_ASSERT_EQUAL(item.deliveries, 2);
	}
	CU_ASSERT_EQUAL(lease(s, &item), REEVE_EBUSY);
	reeve_item_free(&item);
	free_scene(s);
}

/* True: the step was beyond the last one of the get. */
static bool
kill_get_with_all_out_at(int step)
{
	struct scene *s = new_scene(1);
	struct reeve_item item = { 0 };
	int end;

	s->len = LARGE;
	s->step = step;
	for (uint32_t tag = 5; tag < 9; tag++) {
		CU_ASSERT_EQUAL(put(s, tag, 0), REEVE_OK);
		CU_ASSERT_EQUAL(lease(s, &item), REEVE_OK);
	}
	CU_ASSERT_EQUAL(put(s, 1, 0), REEVE_OK);
	end = crew_end(crew_start(armed_get, s));
	CU_ASSERT(end == 0 || end == -SIGKILL);
	if (items_of(s) == 0) {
		CU_ASSERT_EQUAL(put(s, 2, 0), REEVE_OK);
		CU_ASSERT_EQUAL(get(s, 0), 2);
	}
	reeve_item_free(&item);
	free_scene(s);
	return end == 0;
}

RV_TEST(a_large_item_finds_memory_where_all_is_out_and_a_getter_is_killed)
{
	int step = 1;

	while (!kill_get_with_all_out_at(step)) {
		step++;
	}
	CU_ASSERT(step > 3);
}

struct busy {
	struct scene *s;
	uint32_t next; /* of those that the dead had */
};

/* Get one where there always are more: one of them, at some time. */
static bool
got_from_busy(void *ctx)
{
	struct busy *busy = ctx;
	int tag;

	CU_ASSERT_EQUAL(put(busy->s, 5, 0), REEVE_OK);
	tag = get(busy->s, 0);
	if (tag != 5) {
		CU_ASSERT_EQUAL(tag, (int)busy->next++);
		CU_ASSERT_EQUAL(get(busy->s, 0), tag == 4 ? 5 : tag + 1);
		busy->next += tag != 4;
	}
	return busy->next > 4;
}

RV_TEST(what_the_dead_had_on_leases_comes_back_where_nobody_ever_waits)
{
	struct busy busy = { scene_of_dead_holders(), 1 };

	CU_ASSERT_TRUE(rv_test_wait(got_from_busy, &busy, -1, 20000));
	CU_ASSERT(items_of(busy.s) > 0);
	free_scene(busy.s);
}

RV_TEST(a_sleeping_putter_that_is_killed_leaves_its_turn)
{
	struct scene *s = new_scene(1);
	pid_t putters[3];

	CU_ASSERT_EQUAL(put(s, 1, 0), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		putters[i] = crew_start(waiting_put, s);
		CU_ASSERT_TRUE(crew_asleep(putters[i]));
	}
	crew_kill(putters[0]);
	CU_ASSERT_EQUAL(get(s, 0), 1);
	CU_ASSERT_EQUAL(get(s, REEVE_FOREVER), 3);
	CU_ASSERT_EQUAL(get(s, REEVE_FOREVER), 3);
	CU_ASSERT_EQUAL(crew_end(putters[1]), 0);
	CU_ASSERT_EQUAL(crew_end(putters[2]), 0);
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	free_scene(s);
}

static int
sleep_as_putter(void *ctx)
{
	struct scene *s = ctx;

	crew_add(&s->done);
	while (pause() != 0) {
	}
	return 0;
}

static int
get_the_end(void *ctx)
{
	struct scene *s = ctx;

	reeve_queue_close(s->q);
	return get(s, REEVE_FOREVER) != REEVE_EEND;
}

RV_TEST(the_end_comes_when_the_last_putter_is_killed)
{
	struct scene *s = new_scene(1);
	pid_t putter = crew_start(sleep_as_putter, s), getter;

	CU_ASSERT_TRUE(crew_reached(&s->done, 1));
	reeve_queue_close(s->q);
	getter = crew_start(get_the_end, s);
	CU_ASSERT_TRUE(crew_asleep(getter));
	crew_kill(putter);
	CU_ASSERT_EQUAL(crew_end(getter), 0);
	CU_ASSERT_EQUAL(get(s, REEVE_FOREVER), REEVE_EEND);
	free_scene(s);
}

RV_SUITE(queue_death, RV_CASE(a_putter_may_be_killed_at_any_step),
    RV_CASE(a_getter_may_be_killed_at_any_step),
    RV_CASE(a_holder_of_leases_may_be_killed_at_any_step),
    RV_CASE(who_sleeps_gets_what_a_dead_one_had_on_lease),
    RV_CASE(all_leases_of_the_dead_are_to_be_had_again),
    RV_CASE(a_large_item_finds_memory_where_all_is_out_and_a_getter_is_killed),
    RV_CASE(what_the_dead_had_on_leases_comes_back_where_nobody_ever_waits),

    RV_CASE(a_sleeping_putter_that_is_killed_leaves_its_turn),
    RV_CASE(the_end_comes_when_the_last_putter_is_killed))
