/* SPDX-License-Identifier: MIT */
/*
 * Maps and imaps over real workers: chunks, order, windows, producers that
 * fail, and items that end their worker.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/pool_rig.h"

#define N 5000

static void
squares_by(enum reeve_method method)
{
	static uint64_t items[N], got[N];
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.square",
		.items = items,
		.item_size = sizeof(items[0]),
		.n = N };
	struct reeve_results *results = NULL;
	static const uint32_t chunks[] = { 0, 1, 7, 100000 };

	(void)method;
	for (uint64_t i = 0; i < N; i++) {
		items[i] = i;
	}
	for (size_t c = 0; c < 4; c++) {
		map.chunk = chunks[c];
		memset(got, 0, sizeof(got));
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_map(pool, &map, &results, REEVE_S(60), NULL),
		    REEVE_OK);
		CU_ASSERT_EQUAL(reeve_results_n(results), N);
		CU_ASSERT_EQUAL(reeve_results_bad(results), 0);
		CU_ASSERT_EQUAL(
		    reeve_results_copy(results, got, sizeof(got[0]), NULL),
		    REEVE_OK);
		for (uint64_t i = 0; i < N; i++) {
			if (got[i] != i * i) {
				CU_FAIL_FATAL("another result");
			}
		}
		reeve_results_free(results);
	}
	reeve_pool_free(pool);
}

RV_TEST(a_map_has_all_results_in_order)
{
	pool_each(squares_by);
}

/* Item 13 kills its worker, 17 fails. */
static int
mostly(const struct reeve_call *call)
{
	uint64_t x;

	memcpy(&x, call->args, sizeof(x));
	if (x == 13) {
		abort();
	}
	if (x == 17) {
		return reeve_fail(call, "test.Unlucky", "%d", 17);
	}
	return reeve_return(call, &x, sizeof(x));
}
REEVE_FUNCTION("test.mostly", mostly);

RV_TEST(an_item_that_dies_is_the_only_one_blamed_in_its_chunk)
{
	uint64_t items[60], got;
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.mostly",
		.items = items,
		.item_size = sizeof(items[0]),
		.n = 60,
		.chunk = 30 };
	struct reeve_results *results = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_error err;

	for (uint64_t i = 0; i < 60; i++) {
		items[i] = i;
	}
	CU_ASSERT_EQUAL(reeve_pool_map(pool, &map, &results, REEVE_S(60), &err),
	    REEVE_EFAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    err.text, "2 of 60 items are bad; the first is 13: SIGABRT: "));
	CU_ASSERT_EQUAL(
	    reeve_results_copy(results, items, 1, &err), REEVE_EFAILED);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "that of item 0 has 8 bytes, not 1"));
	CU_ASSERT_EQUAL(
	    reeve_results_copy(results, items, sizeof(items[0]), &err),
	    REEVE_EFAILED);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(err.text, "item 13 is not good: SIGABRT: "));
	CU_ASSERT_EQUAL(reeve_results_bad(results), 2);
	for (uint64_t i = 0; i < 60; i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		CU_ASSERT_EQUAL(result.outcome, i == 13   ? REEVE_OUTCOME_DIED
						: i == 17 ? REEVE_OUTCOME_FAILED
							  : REEVE_OUTCOME_GOOD);
		if (i == 13) {
			CU_ASSERT_STRING_EQUAL(result.type, "SIGABRT");
			CU_ASSERT_EQUAL(result.signo, 6);
		}
		if (i != 13 && i != 17) {
			CU_ASSERT_EQUAL_FATAL(result.length, sizeof(got));
			memcpy(&got, result.data, sizeof(got));
			CU_ASSERT_EQUAL(got, i);
		}
	}
	reeve_results_free(results);
	reeve_pool_free(pool);
}

#define QUICK ((uint64_t)150000)

/* What item x answers: stretches that are alike, and some that are not. */
static size_t
length_of(uint64_t x)
{
	return x % 20000 < 9000 ? 0 : x % 20000 < 18000 ? 8 : x % 24;
}

static bool
fails(uint64_t x)
{
	return x % 7001 == 7000;
}

static int
quick(const struct reeve_call *call)
{
	char text[25] = "";
	uint64_t x;

	memcpy(&x, call->args, sizeof(x));
	if (x == 40000 || x == 40001 || x == 77777) {
		abort();
	}
	if (fails(x)) {
		return reeve_fail(
		    call, "test.Quick", "%llu", (unsigned long long)x);
	}
	memset(text, 'a' + (int)(x % 26), length_of(x));
	return x % 5000 < 100 ? reeve_return_json(call, text)
			      : reeve_return(call, text, length_of(x));
}
REEVE_FUNCTION("test.quick", quick);

static bool
is_right(uint64_t x, const struct reeve_task_result *result)
{
	const char *data = result->data;
	char text[25];

	if (x == 40000 || x == 40001 || x == 77777) {
		return result->outcome == REEVE_OUTCOME_DIED &&
		       result->signo == 6 && result->attempts == 1;
	}
	if (fails(x)) {
		(void)snprintf(
		    text, sizeof(text), "%llu", (unsigned long long)x);
		return result->outcome == REEVE_OUTCOME_FAILED &&
		       strcmp(result->type, "test.Quick") == 0 &&
		       strcmp(result->message, text) == 0;
	}
	for (size_t i = 0; i < result->length; i++) {
		if (data[i] != 'a' + (char)(x % 26)) {
			return false;
		}
	}
	return result->outcome == REEVE_OUTCOME_GOOD &&
	       result->length == length_of(x) && data[result->length] == '\0' &&
	       (uintptr_t)data % 8 == 0 && result->json == (x % 5000 < 100) &&
	       result->code == 0 && result->signo == 0 && result->pid > 0 &&
	       result->attempts == 1 && result->took >= 0 &&
	       strncmp(result->worker, "pool.", 5) == 0 &&
	       result->message[0] == '\0' && result->memory == NULL;
}

static void
check_quick(uint32_t chunk, uint64_t *items)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.quick",
		.items = items,
		.item_size = sizeof(items[0]),
		.n = QUICK,
		.chunk = chunk };
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_results *results = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };
	size_t bad = 3 + (size_t)(QUICK / 7001);

	CU_ASSERT_EQUAL(
	    reeve_pool_map(pool, &map, &results, REEVE_S(120), NULL),
	    REEVE_EFAILED);
	CU_ASSERT_EQUAL(reeve_results_bad(results), bad);
	for (uint64_t i = 0; i < QUICK; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		if (!is_right(i, &result)) {
			printf("# item %llu: outcome %d, %zu bytes, %s\n",
			    (unsigned long long)i, (int)result.outcome,
			    result.length, result.message);
			CU_FAIL_FATAL("another result");
		}
	}
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(stats.submitted, QUICK);
	CU_ASSERT_EQUAL(stats.failed, bad);
	CU_ASSERT_EQUAL(stats.good, QUICK - bad);
	CU_ASSERT_EQUAL(stats.cancelled, 0);
	reeve_results_free(results);
	reeve_pool_free(pool);
}

RV_TEST(each_of_many_quick_items_has_its_own_result)
{
	uint64_t *items = calloc(QUICK, sizeof(*items));

	CU_ASSERT_PTR_NOT_NULL_FATAL(items);
	for (uint64_t i = 0; i < QUICK; i++) {
		items[i] = i;
	}
	check_quick(0, items);
	check_quick(700, items);
	free(items);
}

RV_TEST(a_map_that_fails_fast_cancels_the_rest)
{
	uint64_t items[2000];
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.mostly",
		.items = items,
		.item_size = sizeof(items[0]),
		.n = 2000,
		.chunk = 1,
		.fail_fast = true };
	struct reeve_results *results = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };

	for (uint64_t i = 0; i < 2000; i++) {
		items[i] = i == 5 ? 17 : 1;
	}
	CU_ASSERT_EQUAL(reeve_pool_map(pool, &map, &results, REEVE_S(60), NULL),
	    REEVE_EFAILED);
	CU_ASSERT_EQUAL(reeve_results_get(results, 1999, &result), REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	CU_ASSERT(reeve_results_bad(results) > 1000);
	reeve_results_free(results);
	reeve_pool_free(pool);
}

RV_TEST(a_map_over_its_time_says_what_was_done)
{
	char text[] = "600001";
	struct iovec vector[6];
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.nap",
		.vector = vector,
		.n = 6,
		.chunk = 3 };
	struct reeve_results *results = NULL;
	struct reeve_task_result result = pool_apply(pool, "test.nap", "1");

	/* It is up: the time is that of the map alone. */
	reeve_task_result_free(&result);
	for (int i = 0; i < 6; i++) {
		vector[i] = i == 1 ? (struct iovec){ text, 5 }
				   : (struct iovec){ text + 5, 1 };
	}
	CU_ASSERT_EQUAL(reeve_pool_map(pool, &map, &results,
			    REEVE_MS(300 * rv_test_slow()), NULL),
	    REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_results_n(results), 6);
	CU_ASSERT_EQUAL(reeve_results_get(results, 0, &result), REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	for (size_t i = 1; i < 6; i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(results, i, &result), REEVE_OK);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	}
	reeve_results_free(results);
	reeve_pool_free(pool);
}

struct producer {
	uint64_t next, n, fails_at, taken, most_ahead;
	uint64_t item;
};

static bool
produce(void *ctx, const void **data, size_t *length, bool *failed)
{
	struct producer *p = ctx;

	if (p->next - p->taken > p->most_ahead) {
		p->most_ahead = p->next - p->taken;
	}
	if (p->next == p->fails_at) {
		*failed = true;
		return false;
	}
	p->item = p->next++;
	*data = &p->item;
	*length = sizeof(p->item);
	return p->item < p->n;
}

RV_TEST(an_imap_is_lazy_and_in_order)
{
	struct producer producer = { .n = 200, .fails_at = UINT64_MAX };
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.square",
		.next = produce,
		.ctx = &producer,
		.window = 8 };
	struct reeve_imap *imap = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };
	uint64_t got;
	size_t index;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	for (uint64_t i = 0; i < 200; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_imap_next(imap, &result, &index, REEVE_S(30)),
		    REEVE_OK);
		CU_ASSERT_EQUAL(index, i);
		CU_ASSERT_EQUAL_FATAL(result.length, sizeof(got));
		memcpy(&got, result.data, sizeof(got));
		CU_ASSERT_EQUAL(got, i * i);
		reeve_task_result_free(&result);
		producer.taken++;
	}
	CU_ASSERT_EQUAL(
	    reeve_imap_next(imap, &result, &index, REEVE_S(30)), REEVE_EEND);
	CU_ASSERT(producer.most_ahead <= 8);
	reeve_imap_free(imap);
	reeve_pool_free(pool);
}

RV_TEST(an_unordered_imap_gives_what_ends_first)
{
	char gate[96], nothing[] = "";
	struct iovec vector[3] = { { gate, 0 }, { nothing, 0 },
		{ nothing, 0 } };
	struct reeve_pool *pool = pool_make(3, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.hold",
		.vector = vector,
		.n = 3,
		.unordered = true };
	struct reeve_imap *imap = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };
	size_t index = 9, seen = 0;

	(void)snprintf(gate, sizeof(gate), "%s", pool_gate());
	vector[0].iov_len = strlen(gate);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		if (i == 2) {
			pool_gate_open(gate);
		}
		CU_ASSERT_EQUAL_FATAL(
		    reeve_imap_next(imap, &result, &index, REEVE_S(30)),
		    REEVE_OK);
		reeve_task_result_free(&result);
		seen |= (size_t)1 << index;
	}
	CU_ASSERT_EQUAL(seen, 7);
	CU_ASSERT_EQUAL(index, 0);
	CU_ASSERT_EQUAL(
	    reeve_imap_next(imap, &result, &index, REEVE_S(30)), REEVE_EEND);
	reeve_imap_free(imap);
	reeve_pool_free(pool);
}

/* Item 13 ends its worker and 17 fails, whatever the lots are. */
static const struct lots {
	uint32_t chunk;
	size_t window;
	uint32_t retries;
	bool unordered, produced;
} lots[] = {
	{ 1, 0, 0, true, true }, { 7, 0, 0, false, true },
	{ 7, 0, 0, true, false }, { 30, 100, 0, false, false },
	{ 50, 8, 0, false, true }, /* 8 at once */
	{ 1000000, 300, 0, false, false },
	{ 9, 40, 1, true, true }, /* which go one by one */
};

#define LOT_ITEMS 250U

static bool
is_mostly(uint64_t i, const struct reeve_task_result *result, uint32_t retries)
{
	uint64_t got;

	if (i == 13 || i == 17) {
		return result->outcome == (i == 13 ? REEVE_OUTCOME_DIED
						   : REEVE_OUTCOME_FAILED) &&
		       result->attempts == 1 + retries &&
		       strcmp(result->type,
			   i == 13 ? "SIGABRT" : "test.Unlucky") == 0;
	}
	if (result->outcome != REEVE_OUTCOME_GOOD || result->length != 8 ||
	    strncmp(result->worker, "pool.", 5) != 0) {
		return false;
	}
	memcpy(&got, result->data, sizeof(got));
	return got == i;
}

static void
take_lots(const struct lots *how)
{
	static uint64_t items[LOT_ITEMS];
	struct producer producer = { .n = LOT_ITEMS, .fails_at = UINT64_MAX };
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.mostly",
		.items = how->produced ? NULL : items,
		.item_size = how->produced ? 0 : sizeof(items[0]),
		.n = how->produced ? 0 : LOT_ITEMS,
		.next = how->produced ? produce : NULL,
		.ctx = &producer,
		.chunk = how->chunk,
		.window = how->window,
		.retries = how->retries,
		.backoff = REEVE_MS(1),
		.unordered = how->unordered };
	bool seen[LOT_ITEMS] = { false };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_imap *imap = NULL;
	size_t index = 0;

	for (uint64_t i = 0; i < LOT_ITEMS; i++) {
		items[i] = i;
	}
	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	memset(items, 0, how->window >= LOT_ITEMS ? sizeof(items) : 0);
	for (size_t i = 0; i < LOT_ITEMS; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_imap_next(imap, &result, &index, REEVE_S(60)),
		    REEVE_OK);
		CU_ASSERT_FATAL(index < LOT_ITEMS && !seen[index]);
		CU_ASSERT(how->unordered || index == i);
		seen[index] = true;
		producer.taken++;
		if (!is_mostly(index, &result, how->retries)) {
			printf("# chunk %u, item %zu: outcome %d, %u tries, "
			       "%s\n",
			    how->chunk, index, (int)result.outcome,
			    result.attempts, result.type);
			CU_FAIL("another result");
		}
		reeve_task_result_free(&result);
	}
	CU_ASSERT_EQUAL(
	    reeve_imap_next(imap, &result, &index, REEVE_S(60)), REEVE_EEND);
	CU_ASSERT(how->window == 0 || producer.most_ahead <= how->window);
	reeve_imap_free(imap);
	reeve_pool_free(pool);
}

RV_TEST(an_imap_in_chunks_gives_each_item_once)
{
	for (size_t i = 0; i < sizeof(lots) / sizeof(lots[0]); i++) {
		take_lots(&lots[i]);
	}
}

#define LARGE ((size_t)100000)

/* Those that have a mapping of their own, too; and the rest is let go of. */
RV_TEST(results_taken_from_a_chunk_are_the_callers)
{
	char *bytes = malloc(LARGE);
	struct iovec vector[20];
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.echo",
		.vector = vector,
		.n = 20,
		.chunk = 10,
		.window = 20 };
	struct reeve_task_result results[12];
	struct reeve_imap *imap = NULL;
	size_t index = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	memset(bytes, 'x', LARGE);
	for (size_t i = 0; i < 20; i++) {
		vector[i] = (struct iovec){ bytes, i % 3 == 0 ? LARGE : i };
	}
	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	free(bytes);
	for (size_t i = 0; i < 12; i++) {
		results[i] =
		    (struct reeve_task_result){ .size = sizeof(results[i]) };
		CU_ASSERT_EQUAL_FATAL(
		    reeve_imap_next(imap, &results[i], &index, REEVE_S(60)),
		    REEVE_OK);
		CU_ASSERT_EQUAL(index, i);
	}
	reeve_imap_free(imap);
	reeve_pool_free(pool);
	for (size_t i = 0; i < 12; i++) {
		const char *data = results[i].data;
		size_t n = i % 3 == 0 ? LARGE : i;

		CU_ASSERT_EQUAL(results[i].outcome, REEVE_OUTCOME_GOOD);
		CU_ASSERT_EQUAL_FATAL(results[i].length, n);
		CU_ASSERT(n == 0 || (data[0] == 'x' && data[n - 1] == 'x'));
		CU_ASSERT_EQUAL(data[n], '\0');
		reeve_task_result_free(&results[i]);
	}
}

RV_TEST(a_producer_that_fails_is_told_behind_what_it_gave)
{
	struct producer producer = { .n = 100, .fails_at = 10 };
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.square",
		.next = produce,
		.ctx = &producer };
	struct reeve_imap *imap = NULL;
	struct reeve_results *results = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };
	size_t index;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	for (int i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(
		    reeve_imap_next(imap, &result, &index, REEVE_S(30)),
		    REEVE_OK);
		reeve_task_result_free(&result);
	}
	CU_ASSERT_EQUAL(
	    reeve_imap_next(imap, &result, &index, REEVE_S(30)), REEVE_EFAILED);
	CU_ASSERT_EQUAL(
	    reeve_imap_next(imap, &result, &index, REEVE_S(30)), REEVE_EEND);
	reeve_imap_free(imap);

	producer = (struct producer){ .n = 100, .fails_at = 20 };
	CU_ASSERT_EQUAL(reeve_pool_map(pool, &map, &results, REEVE_S(30), NULL),
	    REEVE_EFAILED);
	CU_ASSERT_EQUAL(reeve_results_n(results), 20);
	CU_ASSERT_EQUAL(reeve_results_bad(results), 0);
	reeve_results_free(results);
	reeve_pool_free(pool);
}

static void
note_done(void *ctx, struct reeve_results *results)
{
	*(size_t *)ctx = reeve_results_n(results);
}

RV_TEST(a_map_is_told_and_closing_lets_it_end)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	struct reeve_map map = {
		.size = sizeof(map), .function = "test.nothing", .n = 20000
	};
	struct reeve_results *results = NULL, *none = NULL;
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	size_t n = 0, empty = 1;

	CU_ASSERT_EQUAL(
	    reeve_pool_map_start(pool, &map, &results, note_done, &n, NULL),
	    REEVE_OK);
	map.n = 0;
	CU_ASSERT_EQUAL(
	    reeve_pool_map_start(pool, &map, &none, note_done, &empty, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_join(pool, REEVE_S(60), NULL), REEVE_OK);
	CU_ASSERT_EQUAL(n, 20000);
	CU_ASSERT_EQUAL(empty, 0);
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT(stats.submitted == 20000 && stats.good == 20000);
	CU_ASSERT_EQUAL(reeve_results_bad(results), 0);
	reeve_results_free(results);
	reeve_results_free(none);
	reeve_pool_free(pool);
}

RV_TEST(results_outlive_their_pool_and_pools_their_results)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.nothing",
		.n = 100000,
		.chunk = 1 };
	struct reeve_results *kept = NULL, *dropped = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };

	CU_ASSERT_EQUAL(
	    reeve_pool_map_start(pool, &map, &dropped, NULL, NULL, NULL),
	    REEVE_OK);
	reeve_results_free(dropped);
	CU_ASSERT_EQUAL(
	    reeve_pool_map_start(pool, &map, &kept, NULL, NULL, NULL),
	    REEVE_OK);
	reeve_pool_free(pool);
	CU_ASSERT_EQUAL(reeve_results_wait(kept, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_results_get(kept, 99999, &result), REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	reeve_results_free(kept);
}

static bool
are_refused(struct reeve_results *results, struct reeve_imap *imap)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	size_t index;
	bool fine = reeve_results_n(results) == 0 &&
		    reeve_results_get(results, 0, &result) == REEVE_EINVALID &&
		    reeve_results_wait(results, 0) == REEVE_EINVALID &&
		    reeve_results_cancel(results, true) == REEVE_EINVALID &&
		    reeve_imap_next(imap, &result, &index, 0) == REEVE_EINVALID;

	reeve_results_free(results);
	reeve_imap_free(imap);
	return fine;
}

/* The status of a fork that tries. */
static int
try_in_a_fork(struct reeve_results *results, struct reeve_imap *imap)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		_exit(are_refused(results, imap) ? 0 : 1);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	return status;
}

/* While there is a pool, and when there is none any more. */
RV_TEST(results_and_imaps_are_nothing_in_a_fork)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_map map = {
		.size = sizeof(map), .function = "test.nothing", .n = 10
	};
	struct reeve_results *results = NULL;
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_imap *imap = NULL;

	CU_ASSERT_EQUAL(
	    reeve_pool_map(pool, &map, &results, REEVE_S(60), NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_imap(pool, &map, &imap, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(try_in_a_fork(results, imap), 0);
	reeve_pool_free(pool);
	CU_ASSERT_EQUAL(try_in_a_fork(results, imap), 0);
	CU_ASSERT_EQUAL(reeve_results_get(results, 9, &result), REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_results_free(results);
	reeve_imap_free(imap);
}

RV_SUITE(pool_many, RV_CASE(a_map_has_all_results_in_order),
    RV_CASE(an_item_that_dies_is_the_only_one_blamed_in_its_chunk),
    RV_CASE(each_of_many_quick_items_has_its_own_result),
    RV_CASE(a_map_that_fails_fast_cancels_the_rest),
    RV_CASE(a_map_over_its_time_says_what_was_done),
    RV_CASE(an_imap_is_lazy_and_in_order),
    RV_CASE(an_unordered_imap_gives_what_ends_first),
    RV_CASE(an_imap_in_chunks_gives_each_item_once),
    RV_CASE(results_taken_from_a_chunk_are_the_callers),
    RV_CASE(a_producer_that_fails_is_told_behind_what_it_gave),
    RV_CASE(a_map_is_told_and_closing_lets_it_end),
    RV_CASE(results_outlive_their_pool_and_pools_their_results),
    RV_CASE(results_and_imaps_are_nothing_in_a_fork))
