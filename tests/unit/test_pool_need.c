/* SPDX-License-Identifier: MIT */
/*
 * Pools without memory: each allocation of a host's side fails in turn, or all
 * from one on. Whoever asked is told, or what it asked for has its end, which
 * says why; afterwards the pool is as good as before.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "unit/need_rig.h"

#define ITEMS     300
#define ASKED_FOR 15
#define LARGE     200000 /* bytes: too many for a frame */

static char large[LARGE];

/* -------- steps: single tasks -------- */

static bool told;

static void
on_done(void *ctx, struct reeve_future *future)
{
	(void)ctx;
	CU_ASSERT_EQUAL(reeve_future_state(future), REEVE_FUTURE_DONE);
	told = true;
}

static void
submit_one(struct reeve_pool *pool)
{
	struct reeve_task task = need_task("test.hold", "");
	struct reeve_future *future;

	told = false;
	task.done = on_done;
	future = need_submit(pool, &task);
	if (future != NULL) {
		(void)need_get(future);
		CU_ASSERT(told);
	}
}

static void
apply_one(struct reeve_pool *pool)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	enum reeve_status status = reeve_pool_apply(pool, "test.echo", large,
	    sizeof(large), &result, REEVE_S(30 * rv_test_slow()));

	if (status == REEVE_OK) {
		need_check(&result);
		CU_ASSERT(result.outcome != REEVE_OUTCOME_GOOD ||
			  result.length == sizeof(large));
	} else {
		CU_ASSERT_EQUAL(status, REEVE_ENOMEM);
	}
	reeve_task_result_free(&result);
}

static void
wait_for_several(struct reeve_pool *pool)
{
	struct reeve_future *futures[4], *which;
	size_t n = 0, said = 0;

	for (size_t i = 0; i < RV_ARRAY_LEN(futures); i++) {
		struct reeve_task task = need_task("test.echo", "x");

		futures[n] = need_submit(pool, &task);
		n += futures[n] != NULL ? 1 : 0;
	}
	CU_ASSERT_EQUAL(reeve_futures_wait(futures, n, REEVE_ALL,
			    REEVE_S(30 * rv_test_slow())),
	    REEVE_OK);
	while (reeve_futures_next(futures, n, &which, NULL,
		   REEVE_S(30 * rv_test_slow())) == REEVE_OK) {
		(void)need_get(which);
		said++;
	}
	CU_ASSERT_EQUAL(said, n);
}

/* -------- steps: many -------- */

static uint64_t numbers[ITEMS];
static struct iovec vector[ITEMS];
static size_t n_asked;

static bool
ask(void *ctx, const void **data, size_t *length, bool *failed)
{
	(void)ctx;
	(void)failed;
	*data = &numbers[0];
	*length = sizeof(numbers[0]);
	return n_asked++ < ASKED_FOR;
}

enum source { ITEMS_ALIKE, ITEMS_SINGLY, VECTOR, ASKED };

static struct reeve_map
new_map(enum source source)
{
	struct reeve_map map = { .size = sizeof(map), .function = "test.echo" };

	map.n = ITEMS;
	map.chunk = 30;
	n_asked = 0;
	switch (source) {
	case ITEMS_SINGLY:
		map.n = 15;
		map.retries = 1;
		map.backoff = REEVE_MS(1);
		__attribute__((fallthrough));
	case ITEMS_ALIKE:
		map.items = numbers;
		map.item_size = sizeof(numbers[0]);
		break;
	case VECTOR:
		for (size_t i = 0; i < ITEMS; i++) {
			vector[i] = (struct iovec){ large, 900 + i };
		}
		vector[2].iov_len = LARGE;
		map.vector = vector;
		break;
	case ASKED:
		map.n = 0;
		map.next = ask;
		break;
	}
	return map;
}

static void
check_results(const struct reeve_results *results)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	size_t bad = 0;

	for (size_t i = 0; i < reeve_results_n(results); i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		need_check(&result);
		bad += result.outcome != REEVE_OUTCOME_GOOD ? 1 : 0;
	}
	CU_ASSERT_EQUAL(reeve_results_bad(results), bad);
}

static void
map_from(struct reeve_pool *pool, enum source source)
{
	struct reeve_map map = new_map(source);
	struct reeve_results *results = NULL;
	struct reeve_error err = { 0 };
	enum reeve_status status = reeve_pool_map(
	    pool, &map, &results, REEVE_S(30 * rv_test_slow()), &err);

	if (results == NULL) {
		need_refused(status, &err);
		return;
	}
	if (status != REEVE_OK && status != REEVE_EFAILED) {
		(void)fprintf(stderr, "# %s\n", err.text);
		CU_FAIL("it has not ended as it should");
	}
	CU_ASSERT_EQUAL(status == REEVE_OK,
	    reeve_results_bad(results) == 0 &&
		(source != ASKED || reeve_results_n(results) == ASKED_FOR));
	check_results(results);
	reeve_results_free(results);
}

static void
map_items(struct reeve_pool *pool)
{
	map_from(pool, ITEMS_ALIKE);
}

static void
map_singly(struct reeve_pool *pool)
{
	map_from(pool, ITEMS_SINGLY);
}

static void
map_vector(struct reeve_pool *pool)
{
	map_from(pool, VECTOR);
}

static void
map_asked(struct reeve_pool *pool)
{
	map_from(pool, ASKED);
}

/* Without memory one may ask again; but not for ever. */
static void
take_all(struct reeve_imap *imap, size_t n)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	unsigned refused = 0;
	enum reeve_status status;

	do {
		status = reeve_imap_next(
		    imap, &result, NULL, REEVE_S(30 * rv_test_slow()));
		if (status == REEVE_OK) {
			need_check(&result);
			reeve_task_result_free(&result);
			n--;
		} else if (status == REEVE_ENOMEM && ++refused == 3) {
			need_no_more();
		}
	} while (status == REEVE_OK ||
		 (status == REEVE_ENOMEM && refused < NEED_POINTS_MAX));
	CU_ASSERT(status == REEVE_EEND || status == REEVE_EFAILED);
	CU_ASSERT(n == 0 || status == REEVE_EFAILED);
}

static void
imap_from(struct reeve_pool *pool, uint32_t chunk, bool unordered)
{
	struct reeve_map map = new_map(ITEMS_ALIKE);
	struct reeve_imap *imap = NULL;
	struct reeve_error err = { 0 };
	enum reeve_status status;

	map.n = 20;
	map.chunk = chunk;
	map.unordered = unordered;
	map.window = 8;
	status = reeve_pool_imap(pool, &map, &imap, &err);
	if (status != REEVE_OK) {
		need_refused(status, &err);
		return;
	}
	take_all(imap, map.n);
	reeve_imap_free(imap);
}

static void
imap_singly(struct reeve_pool *pool)
{
	imap_from(pool, 1, false);
}

static void
imap_chunks(struct reeve_pool *pool)
{
	imap_from(pool, 4, true);
}

static const struct {
	const char *name;
	need_step_fn *run;
	unsigned least; /* so many points it has at least */
} steps[] = {
	{ "submit", submit_one, 4 },
	{ "apply", apply_one, 2 },
	{ "several futures", wait_for_several, 12 },
	{ "map", map_items, 4 },
	{ "map, one by one", map_singly, 4 },
	{ "map of a vector", map_vector, 4 },
	{ "map of what is asked for", map_asked, 4 },
	{ "imap", imap_singly, 30 },
	{ "imap of chunks", imap_chunks, 20 },
};

static void
run_steps(const char *rest)
{
	struct reeve_pool *pool =
	    need_pool(2, (struct reeve_pool_options){ 0 });

	need_pool_is_well(pool);
	for (size_t i = 0; i < RV_ARRAY_LEN(steps); i++) {
		unsigned before = CU_get_number_of_failures();

		need_each_point(pool, steps[i].run, steps[i].least, rest);
		if (CU_get_number_of_failures() != before) {
			(void)fprintf(stderr, "# %s\n", steps[i].name);
		}
	}
	reeve_pool_free(pool);
}

RV_TEST(each_allocation_may_fail_once)
{
	run_steps("");
}

RV_TEST(all_allocations_may_fail_from_any_on)
{
	run_steps("+");
}

/* -------- workers that die, and that come -------- */

static void
die_once(struct reeve_pool *pool)
{
	struct reeve_task task = need_task("test.die", "9");
	struct reeve_future *future = need_submit(pool, &task);
	struct reeve_task_result result;

	if (future != NULL) {
		result = pool_result(future, 30);
		need_died(&result);
		reeve_task_result_free(&result);
	}
	submit_one(pool); /* to another one, which has to come */
}

static void
die_and_be_tried_again(struct reeve_pool *pool)
{
	struct reeve_task task = need_task("test.die_twice", "");
	struct reeve_future *future;

	task.retries = 2;
	task.backoff = REEVE_MS(1);
	future = need_submit(pool, &task);
	if (future != NULL) {
		(void)need_get(future);
	}
}

/* Those beside the one that dies in their chunk are none the worse. */
static void
die_in_a_chunk(struct reeve_pool *pool)
{
	static char no_signal[] = "0", kill[] = "9";
	struct iovec texts[5];
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.die",
		.vector = texts,
		.n = RV_ARRAY_LEN(texts),
		.chunk = RV_ARRAY_LEN(texts) };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_results *results = NULL;
	struct reeve_error err = { 0 };
	enum reeve_status status;

	for (size_t i = 0; i < RV_ARRAY_LEN(texts); i++) {
		texts[i] = (struct iovec){ i == 2 ? kill : no_signal, 1 };
	}
	status = reeve_pool_map(
	    pool, &map, &results, REEVE_S(30 * rv_test_slow()), &err);
	if (results == NULL) {
		need_refused(status, &err);
		return;
	}
	CU_ASSERT_EQUAL(status, REEVE_EFAILED);
	for (size_t i = 0; i < RV_ARRAY_LEN(texts); i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		if (i == 2) {
			need_died(&result);
		} else {
			need_check(&result);
		}
	}
	reeve_results_free(results);
}

RV_TEST(a_worker_may_die_and_another_come_without_memory)
{
	struct reeve_pool *pool =
	    need_pool(1, (struct reeve_pool_options){ .intensity = 20 });

	need_pool_is_well(pool);
	need_each_point(pool, die_once, 5, "");
	need_each_point(pool, die_and_be_tried_again, 5, "");
	need_each_point(pool, die_in_a_chunk, 5, "");
	reeve_pool_free(pool);
}

RV_TEST(a_pool_is_freed_without_memory)
{
	struct reeve_pool *pool =
	    need_pool(1, (struct reeve_pool_options){ 0 });
	struct reeve_map map = new_map(VECTOR);
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_future *runs = pool_submit(pool, "test.hang", "");
	struct reeve_future *waits = pool_submit(pool, "test.echo", "x");
	struct reeve_results *results = NULL;
	struct reeve_imap *imap = NULL;

	pool_runs(runs);
	CU_ASSERT_EQUAL(
	    reeve_pool_map_start(pool, &map, &results, NULL, NULL, NULL),
	    REEVE_OK);
	map.window = 4;
	CU_ASSERT_EQUAL(reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	CU_ASSERT_FATAL(rv_fault_set("alloc=ENOMEM"));
	reeve_pool_free(pool);
	CU_ASSERT(rv_fault_calls(RV_FAULT_alloc) > 0);
	CU_ASSERT_FATAL(rv_fault_set(NULL));
	result = pool_result(runs, 1);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	result = pool_result(waits, 1);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	for (size_t i = 0; i < ITEMS; i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	}
	reeve_results_free(results);
	reeve_imap_free(imap);
}

static void
spill(struct reeve_pool *pool)
{
	const char *gate = pool_gate();
	struct reeve_future *first, *others[3];
	size_t n = 0;
	struct reeve_task task = need_task("test.hold", gate);

	first = need_submit(pool, &task);
	for (size_t i = 0; i < RV_ARRAY_LEN(others); i++) {
		task = need_task("test.echo", "");
		task.data = large;
		task.length = i + 1;
		others[n] = need_submit(pool, &task);
		n += others[n] != NULL ? 1 : 0;
	}
	if (first != NULL) {
		pool_gate_open(gate);
		(void)need_get(first);
	}
	while (n > 0) {
		(void)need_get(others[--n]);
	}
}

RV_TEST(what_was_spilled_is_read_back_when_there_is_memory_again)
{
	struct reeve_pool *pool =
	    need_pool(1, (struct reeve_pool_options){
			     .max_waiting = 1, .full = REEVE_POOL_SPILL });

	need_pool_is_well(pool);
	need_each_point(pool, spill, 10, "");
	reeve_pool_free(pool);
}

RV_SUITE(pool_need, RV_CASE(each_allocation_may_fail_once),
    RV_CASE(all_allocations_may_fail_from_any_on),
    RV_CASE(a_worker_may_die_and_another_come_without_memory),
    RV_CASE(a_pool_is_freed_without_memory),
    RV_CASE(what_was_spilled_is_read_back_when_there_is_memory_again))
