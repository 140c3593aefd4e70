/* SPDX-License-Identifier: MIT */
/*
 * The worker of a pool against a host of one: items of chunks, each of which
 * has its answer, with a head or without, also where the worker dies.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reeve/task.h>

#include "lib/harness.h"
#include "unit/worker_rig.h"

#define FN 3

/* -------- functions -------- */

static int
seven(const struct reeve_call *call)
{
	(void)reeve_return(call, "lost", 4);
	return 7;
}
REEVE_FUNCTION("test.seven", seven);

/* As many bytes as its arguments say; with a j as JSON. */
static int
copy(const struct reeve_call *call)
{
	size_t n = strtoul(call->args, NULL, 10);
	char *at = calloc(1, n + 1);
	int code;

	if (at == NULL) {
		return 1;
	}
	memset(at, 'c', n);
	code = strchr(call->args, 'j') != NULL ? reeve_return_json(call, at)
					       : reeve_return(call, at, n);
	free(at);
	return code;
}
REEVE_FUNCTION("test.copy", copy);

/* The same in place; with a p within room for three more. */
static int
part(const struct reeve_call *call)
{
	bool within = strchr(call->args, 'p') != NULL;
	size_t n = strtoul(call->args, NULL, 10);
	size_t room = n + (within ? 3 : 0);
	void *at;

	if (reeve_return_room(call, room, &at) != REEVE_OK) {
		return 1;
	}
	memset(at, 'x', room);
	memset((char *)at + room - n, 'c', n);
	return within ? reeve_return(call, (char *)at + 3, n) : 0;
}
REEVE_FUNCTION("test.part", part);

/* -------- chunks -------- */

#define ITEM 16

static void
put_chunk(
    struct worker_rig *rig, uint64_t id, const char (*items)[ITEM], uint32_t n)
{
	_Alignas(8) char bytes[200 * 24] = { 0 };
	struct rv_frame head = { .kind = RV_FRAME_CHUNK,
		.function = FN,
		.id = id,
		.count = n,
		.code = 1,
		.size = (uint64_t)n * ITEM };

	for (uint32_t i = 0; i < n; i++) {
		memcpy(bytes + (size_t)i * 24, items[i], ITEM);
	}
	(void)worker_put(rig, &head, bytes, n * 24);
}

struct answers {
	uint32_t n, failed, large;
	uint32_t even, heads; /* frames without heads, and with them */
	uint64_t took;
	bool fine;
};

static bool
is_json(const char *item, uint32_t flags)
{
	return (strchr(item, 'j') != NULL) == ((flags & RV_FRAME_JSON) != 0);
}

static void
take_even(const struct rv_frame *head, const char *payload,
    const char (*items)[ITEM], struct answers *a)
{
	uint32_t n = rv_answers_even(head);

	a->fine = a->fine && n > 0;
	for (uint32_t i = 0; i < n; i++) {
		a->fine = a->fine && is_json(items[a->n], head->flags) &&
			  head->size == strtoul(items[a->n], NULL, 10) &&
			  (head->size == 0 ||
			      worker_is_all(payload, head->size, 'c'));
		payload += RV_CHUNK_ROOM(head->size);
		a->n++;
	}
	a->took += head->took;
	a->even++;
}

/* Of items whose results are as many 'c' or 'f' as they said. */
static void
take_answers(struct worker_rig *rig, const struct rv_frame *head,
    const void *payload, const char (*items)[ITEM], struct answers *a)
{
	struct rv_answers all = { .data = payload, .length = head->length };
	struct rv_answer one;
	const void *at;

	if (head->kind == RV_FRAME_RESULT) {
		a->n++;
		a->large++;
		a->fine = a->fine && head->count == a->n &&
			  worker_came(rig, head, payload,
			      strtoul(items[a->n - 1], NULL, 10), 'c');
		return;
	}
	a->fine = a->fine && head->kind == RV_FRAME_RESULTS &&
		  head->count == a->n + 1;
	if ((head->flags & RV_FRAME_EVEN) != 0) {
		take_even(head, payload, items, a);
		return;
	}
	a->heads++;
	while (rv_answers_next(&all, &one, &at)) {
		a->took += (uint64_t)one.took_us * 1000;
		a->failed += one.kind == RV_FRAME_FAILED;
		a->fine = a->fine &&
			  (one.kind == RV_FRAME_FAILED ||
			      (one.length == strtoul(items[a->n], NULL, 10) &&
				  is_json(items[a->n], one.flags) &&
				  worker_is_all(at, one.length, 'c')));
		a->n++;
	}
	a->fine = a->fine && all.offset == all.length;
}

static void
take_chunk(struct worker_rig *rig, const char (*items)[ITEM], uint32_t n,
    struct answers *a)
{
	struct rv_frame head;
	const void *payload;

	*a = (struct answers){ .fine = true };
	while (a->n < n) {
		CU_ASSERT_TRUE_FATAL(worker_next(rig, &head, &payload));
		take_answers(rig, &head, payload, items, a);
		worker_done(rig);
	}
}

RV_TEST(each_item_of_a_chunk_has_its_answer)
{
	char items[200][ITEM] = { { 0 } };
	struct worker_rig rig;
	struct answers a;

	worker_start(&rig, NULL);
	worker_teach(&rig, FN, "test.copy");
	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < 200; i++) {
			(void)snprintf(items[i], ITEM, "%d",
			    i % 50 == 49 ? 33000 + round
					 : (i * 37 + round * 11) % 900);
		}
		put_chunk(&rig, 5, (const char(*)[ITEM])items, 200);
		take_chunk(&rig, (const char(*)[ITEM])items, 200, &a);
		CU_ASSERT_TRUE_FATAL(a.fine);
		CU_ASSERT_EQUAL(a.large, 4);
		CU_ASSERT(a.took > 0 && a.heads > 0);
	}
	CU_ASSERT_TRUE(worker_finish(&rig));
}

/* How its answers' lengths go on: 0, 1, 2 ... of them. */
static const struct lengths {
	const char *function, *tail; /* of two items of five */
	unsigned first, every, step, of;
	bool heads; /* some must have them; on a slow machine others do */
} lengths[] = {
	{ "test.copy", "", 0, 1, 0, 1, false },
	{ "test.copy", "", 8, 1, 0, 1, false },
	{ "test.copy", "", 900, 1, 0, 1, false },
	{ "test.copy", "", 9000, 1, 0, 1, false },
	{ "test.copy", "", 5, 1, 1, 2, true },
	{ "test.copy", "", 0, 50, 1, 9, true },
	{ "test.copy", "", 700, 3, 100, 7, false },
	{ "test.copy", "", 4000, 20, 4000, 5, false },
	{ "test.copy", "j", 3, 1, 0, 1, true },
	{ "test.copy", "j", 70, 9, 70, 4, true },
	{ "test.part", "", 24, 1, 0, 1, false },
	{ "test.part", "p", 8, 1, 0, 1, true },
	{ "test.part", "p", 1003, 1, 0, 1, false },
	{ "test.part", "p", 2003, 1, 500, 40, false },
	{ "test.part", "p", 7003, 7, 1000, 9, false },
};

static void
answer_as(struct worker_rig *rig, const struct lengths *l, uint64_t id)
{
	char items[200][ITEM] = { { 0 } };
	struct answers a;

	for (unsigned i = 0; i < 200; i++) {
		unsigned n = l->first + i / l->every % l->of * l->step;
		const char *tail = i % 5 > 2 ? l->tail : "";

		n -= tail[0] == 'p' ? 3 : 0; /* in as much room */
		(void)snprintf(items[i], ITEM, "%u%s", n, tail);
	}
	worker_teach(rig, FN, l->function);
	put_chunk(rig, id, (const char(*)[ITEM])items, 200);
	take_chunk(rig, (const char(*)[ITEM])items, 200, &a);
	if (!a.fine) {
		printf("# %s, %u and so on: item %u\n", l->function, l->first,
		    a.n);
	}
	CU_ASSERT_TRUE_FATAL(a.fine);
	/* The first one is taken to be quick. */
	CU_ASSERT(a.even > 0 && (a.heads > 0 || !l->heads));
	CU_ASSERT(a.took > 0);
}

RV_TEST(answers_that_are_alike_need_no_heads_and_each_is_its_own)
{
	struct worker_rig rig;

	worker_start(&rig, NULL);
	for (size_t i = 0; i < 4 * RV_ARRAY_LEN(lengths); i++) {
		answer_as(&rig, &lengths[i % RV_ARRAY_LEN(lengths)], i + 1);
	}
	CU_ASSERT_TRUE(worker_finish(&rig));
}

RV_TEST(items_of_a_chunk_fail_one_by_one)
{
	static const char items[3][ITEM] = { "1", "2", "3" };
	struct worker_rig rig;
	struct answers a;

	worker_start(&rig, NULL);
	worker_teach(&rig, FN, "test.seven");
	put_chunk(&rig, 1, items, 3);
	take_chunk(&rig, items, 3, &a);
	CU_ASSERT(a.fine && a.failed == 3);
	worker_teach(&rig, FN, "test.none");
	put_chunk(&rig, 2, items, 3);
	take_chunk(&rig, items, 3, &a);
	CU_ASSERT(a.fine && a.failed == 3);
	CU_ASSERT_TRUE(worker_finish(&rig));
}

/* It dies in item 7. */
static int
die_at_seven(const struct reeve_call *call)
{
	if (strcmp(call->args, "7") == 0) {
		(void)raise(SIGKILL);
	}
	return copy(call);
}
REEVE_FUNCTION("test.die_at_seven", die_at_seven);

/* Answers that differ, or that are alike. */
static void
die_in_a_chunk(const char *before, const char *then)
{
	char items[20][ITEM] = { { 0 } };
	struct worker_rig rig;
	struct rv_frame head;
	const void *payload;
	struct answers a = { .fine = true };

	for (int i = 0; i < 20; i++) {
		(void)snprintf(items[i], ITEM, "%s",
		    i == 7       ? "7"
		    : i % 2 == 0 ? before
				 : then);
	}
	worker_start(&rig, NULL);
	worker_teach(&rig, FN, "test.die_at_seven");
	put_chunk(&rig, 1, (const char(*)[ITEM])items, 20);
	worker_await(&rig);
	while (rv_lane_peek(&rig.lane.results, &head, &payload) == RV_LANE_OK) {
		take_answers(
		    &rig, &head, payload, (const char(*)[ITEM])items, &a);
		worker_done(&rig);
	}
	if (rv_lane_rest(&rig.lane.results, &head, &payload) == RV_LANE_OK) {
		take_answers(
		    &rig, &head, payload, (const char(*)[ITEM])items, &a);
	}
	CU_ASSERT_TRUE(a.fine);
	CU_ASSERT_EQUAL(a.n, 7);
	CU_ASSERT_EQUAL(rv_lane_items(&rig.lane.tasks), 8);
	worker_drop(&rig);
}

RV_TEST(answers_before_a_death_in_a_chunk_are_kept)
{
	die_in_a_chunk("3", "4");
	die_in_a_chunk("0", "0");
	die_in_a_chunk("16", "16");
	die_in_a_chunk("9", "900");
}

RV_SUITE(pool_items, RV_CASE(each_item_of_a_chunk_has_its_answer),
    RV_CASE(answers_that_are_alike_need_no_heads_and_each_is_its_own),
    RV_CASE(items_of_a_chunk_fail_one_by_one),
    RV_CASE(answers_before_a_death_in_a_chunk_are_kept))
