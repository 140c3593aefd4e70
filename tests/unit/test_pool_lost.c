/* SPDX-License-Identifier: MIT */
/*
 * Runtimes that are destroyed before their pools, in every place from which a
 * host may do so: what was not done has its end, nobody hangs, and each call
 * afterwards says why. And the other order, for the same pools.
 */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ev.h>

#include <reeve/attach.h>

#include "host/guest.h"
#include "unit/pool_rig.h"

#define ITEMS     100
#define DESTROYED "runtime was destroyed"

/* A pool with a task in each state that one can be in before its end. */
static struct {
	struct guest guest;
	struct reeve_pool *pool;
	struct reeve_future *runs, *waits, *rests;
	struct reeve_results *results;
	struct reeve_imap *imap;
	uint64_t items[ITEMS];
	pid_t worker;
	unsigned told;            /* of a task that is nobody's future */
	unsigned over;            /* maps that were told of */
	bool shall_destroy;       /* in the next callback of the pool */
	bool free_it_too;         /* the pool, in the same callback */
	enum reeve_status within; /* of waiting in there */
} at;

static void
destroy_runtime(void)
{
	reeve_destroy(at.guest.reeve);
	at.guest.reeve = NULL;
}

static void
on_done(void *ctx, struct reeve_future *future)
{
	(void)ctx;
	(void)future;
	at.told++;
	if (at.shall_destroy) {
		at.shall_destroy = false;
		destroy_runtime();
		at.within = reeve_future_wait(at.waits, REEVE_S(20));
		if (at.free_it_too) {
			reeve_pool_free(at.pool);
		}
	}
}

static void
on_over(void *ctx, struct reeve_results *results)
{
	(void)ctx;
	(void)results;
	at.over++;
}

static bool
has_state(struct reeve_future *future, enum reeve_future_state state)
{
	struct pollfd p = { reeve_pool_fd(at.pool), POLLIN, 0 };
	time_t until = time(NULL) + 20 * rv_test_slow();

	while (reeve_future_state(future) != state && time(NULL) < until) {
		if (at.guest.turn != NULL) {
			at.guest.turn(&at.guest);
			continue;
		}
		(void)poll(&p, 1, 1000);
		CU_ASSERT_EQUAL(reeve_pool_dispatch(at.pool, NULL), REEVE_OK);
	}
	return reeve_future_state(future) == state;
}

static pid_t
pid_of_worker(void)
{
	struct reeve_unit_info info = { .size = sizeof(info) };

	CU_ASSERT_EQUAL(
	    reeve_unit_find(at.guest.reeve, "mine/pool.0", &info, NULL),
	    REEVE_OK);
	return info.pid;
}

static void
submit_untold(void)
{
	struct reeve_task task = {
		.size = sizeof(task), .function = "test.echo", .done = on_done
	};

	CU_ASSERT_EQUAL(
	    reeve_pool_submit(at.pool, &task, NULL, NULL), REEVE_OK);
}

static void
submit_resting(void)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.fail",
		.data = "x",
		.length = 1,
		.retries = 1,
		.backoff = REEVE_S(3600) };

	CU_ASSERT_EQUAL(
	    reeve_pool_submit(at.pool, &task, &at.rests, NULL), REEVE_OK);
	CU_ASSERT(has_state(at.rests, REEVE_FUTURE_RESTING));
}

static void
submit_many(void)
{
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.square",
		.items = at.items,
		.item_size = sizeof(at.items[0]),
		.n = ITEMS,
		.window = 3 };

	CU_ASSERT_EQUAL(reeve_pool_map_start(
			    at.pool, &map, &at.results, on_over, NULL, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_pool_imap(at.pool, &map, &at.imap, NULL), REEVE_OK);
}

static void
begin(void)
{
	struct reeve_pool_options options = { .name = "mine/pool" };
	const struct reeve_supervisor_options mine = { .size = sizeof(mine) };

	guest_open(&at.guest, "lost", NULL);
	CU_ASSERT_EQUAL(
	    reeve_add_supervisor(at.guest.reeve, "mine", &mine, NULL),
	    REEVE_OK);
	options.reeve = at.guest.reeve;
	at.pool = pool_make(1, &options);
	submit_resting();
	at.runs = pool_submit(at.pool, "test.hang", "");
	CU_ASSERT(has_state(at.runs, REEVE_FUTURE_RUNNING));
	at.worker = pid_of_worker();
	at.waits = pool_submit(at.pool, "test.echo", "never");
	submit_many();
	submit_untold();
}

/* -------- what is there afterwards -------- */

static void
check_future(struct reeve_future *future, enum reeve_outcome outcome)
{
	struct reeve_task_result result = pool_result(future, 20);

	CU_ASSERT_EQUAL(result.outcome, outcome);
	if (strstr(result.message, DESTROYED) == NULL) {
		(void)fprintf(stderr, "# it says: %s\n", result.message);
		CU_FAIL("not why");
	}
	CU_ASSERT_EQUAL(
	    result.pid, outcome == REEVE_OUTCOME_CANCELLED ? at.worker : 0);
	reeve_task_result_free(&result);
}

static void
check_many(void)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	enum reeve_status status;
	unsigned taken = 0;

	CU_ASSERT_EQUAL(reeve_results_wait(at.results, REEVE_S(20)), REEVE_OK);
	for (size_t i = 0; i < ITEMS; i++) {
		CU_ASSERT_EQUAL(
		    reeve_results_get(at.results, i, &result), REEVE_OK);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_BROKEN);
	}
	reeve_results_free(at.results);
	while ((status = reeve_imap_next(
		    at.imap, &result, NULL, REEVE_S(20))) == REEVE_OK) {
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_BROKEN);
		reeve_task_result_free(&result);
		taken++;
	}
	CU_ASSERT_EQUAL(taken, 3);
	CU_ASSERT_EQUAL(status, REEVE_EBROKEN);
	reeve_imap_free(at.imap);
}

#define BROKEN(call)                                                 \
	do {                                                         \
		struct reeve_error err = { 0 };                      \
		CU_ASSERT_EQUAL((call), REEVE_EBROKEN);              \
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, DESTROYED)); \
	} while (0)

static void
check_calls(void)
{
	struct reeve_pool *pool = at.pool;
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.echo" };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.square",
		.items = at.items,
		.item_size = sizeof(at.items[0]),
		.n = ITEMS };
	struct reeve_results *results = NULL;
	struct reeve_imap *imap = NULL;

	CU_ASSERT_PTR_NULL(reeve_pool_runtime(pool));
	CU_ASSERT_EQUAL(reeve_pool_stats(pool, &stats, NULL), REEVE_OK);
	CU_ASSERT(stats.broken && !stats.open && stats.workers == 0);
	CU_ASSERT_EQUAL(stats.waiting + stats.running + stats.resting, 0);
	BROKEN(reeve_pool_submit(pool, &task, NULL, &err));
	BROKEN(reeve_pool_resize(pool, 1, 2, &err));
	BROKEN(reeve_pool_map(pool, &map, &results, REEVE_S(20), &err));
	CU_ASSERT_PTR_NULL(results);
	BROKEN(reeve_pool_imap(pool, &map, &imap, &err));
	CU_ASSERT_EQUAL(
	    reeve_pool_apply(pool, "test.echo", "", 0, &result, REEVE_S(20)),
	    REEVE_EBROKEN);
	CU_ASSERT_EQUAL(reeve_pool_dispatch(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_drain(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_join(pool, REEVE_S(20), NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_terminate(pool, 0, NULL), REEVE_OK);
}

/* Whoever only polls the pool's descriptor hears of it, too. */
static void
check_told(void)
{
	struct pollfd p = { reeve_pool_fd(at.pool), POLLIN, 0 };

	while (at.told == 0 || at.over == 0) {
		CU_ASSERT_EQUAL_FATAL(poll(&p, 1, 20000 * rv_test_slow()), 1);
		CU_ASSERT_EQUAL(reeve_pool_dispatch(at.pool, NULL), REEVE_OK);
	}
	CU_ASSERT_EQUAL(at.told, 1);
	CU_ASSERT_EQUAL(at.over, 1);
}

static void
leave_nothing(void)
{
	CU_ASSERT_EQUAL(kill(at.worker, 0), -1);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	guest_clean(&at.guest);
}

static void
check_all(void)
{
	CU_ASSERT_PTR_NULL(at.guest.reeve);
	check_told();
	check_future(at.runs, REEVE_OUTCOME_CANCELLED);
	check_future(at.waits, REEVE_OUTCOME_BROKEN);
	check_future(at.rests, REEVE_OUTCOME_BROKEN);
	check_many();
	check_calls();
	reeve_pool_free(at.pool);
	leave_nothing();
}

/* -------- from where -------- */

static void
between_two_calls(void)
{
	destroy_runtime();
}

/* What is cancelled is told in the next turn, which is the pool's. */
static void
cancel_one_that_destroys(void)
{
	struct reeve_task task = {
		.size = sizeof(task), .function = "test.echo", .done = on_done
	};
	struct reeve_future *future = NULL;

	CU_ASSERT_EQUAL(
	    reeve_pool_submit(at.pool, &task, &future, NULL), REEVE_OK);
	at.shall_destroy = true;
	CU_ASSERT_EQUAL(reeve_future_cancel(future, false), REEVE_OK);
	reeve_future_free(future);
}

static void
within_a_callback_of_the_pool(void)
{
	cancel_one_that_destroys();
	CU_ASSERT_EQUAL(reeve_pool_dispatch(at.pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(at.within, REEVE_EBUSY);
	at.told--;
}

static void
within_a_callback_while_somebody_waits(void)
{
	cancel_one_that_destroys();
	CU_ASSERT_EQUAL(reeve_future_wait(at.runs, REEVE_S(20)), REEVE_OK);
	CU_ASSERT_EQUAL(at.within, REEVE_EBUSY);
	at.told--;
}

static void
destroy_here(void *arg)
{
	(void)arg;
	destroy_runtime();
}

static void *
post_it(void *arg)
{
	CU_ASSERT_EQUAL(reeve_post(arg, destroy_here, NULL), REEVE_OK);
	return NULL;
}

static void
by_another_thread_while_somebody_waits(void)
{
	pthread_t thread;

	CU_ASSERT_EQUAL(
	    pthread_create(&thread, NULL, post_it, at.guest.reeve), 0);
	CU_ASSERT_EQUAL(reeve_future_wait(at.waits, REEVE_S(20)), REEVE_OK);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
}

static void
while_somebody_joins(void)
{
	CU_ASSERT_EQUAL(
	    reeve_post(at.guest.reeve, destroy_here, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_close(at.pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_pool_join(at.pool, REEVE_S(20), NULL), REEVE_OK);
}

/* In a turn of the runtime, which the host itself takes. */
static void
within_a_turn_of_the_runtime(void)
{
	CU_ASSERT_EQUAL(
	    reeve_post(at.guest.reeve, destroy_here, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_dispatch(at.guest.reeve, NULL), REEVE_OK);
}

static const struct way {
	const char *name;
	void (*go)(void);
} ways[] = {
	{ "between two calls", between_two_calls },
	{ "within a callback of the pool", within_a_callback_of_the_pool },
	{ "within a callback while somebody waits",
	    within_a_callback_while_somebody_waits },
	{ "by another thread while somebody waits",
	    by_another_thread_while_somebody_waits },
	{ "while somebody joins", while_somebody_joins },
	{ "within a turn of the runtime", within_a_turn_of_the_runtime },
};

RV_TEST(a_runtime_destroyed_first_ends_all_that_its_pool_has)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		unsigned before = CU_get_number_of_failures();

		memset(&at, 0, sizeof(at));
		begin();
		ways[i].go();
		check_all();
		if (CU_get_number_of_failures() != before) {
			(void)fprintf(stderr, "# %s\n", ways[i].name);
		}
	}
}

/* -------- on a loop of the host -------- */

static void
turn_of_loop(struct guest *guest)
{
	(void)guest;
	ev_run(at.guest.loop, EVRUN_ONCE);
	CU_ASSERT_EQUAL(reeve_pool_dispatch(at.pool, NULL), REEVE_OK);
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)io;
	(void)events;
}

RV_TEST(a_runtime_on_a_loop_of_the_host_may_go_first_too)
{
	struct reeve_pool_options options = { .name = "pool" };
	ev_io io;

	memset(&at, 0, sizeof(at));
	at.guest.loop = ev_loop_new(EVFLAG_AUTO);
	guest_open(&at.guest, "lostev", NULL);
	options.reeve = at.guest.reeve;
	at.pool = pool_make(1, &options);
	ev_io_init(&io, on_readable, reeve_pool_fd(at.pool), EV_READ);
	ev_io_start(at.guest.loop, &io);
	at.guest.turn = turn_of_loop;
	at.runs = pool_submit(at.pool, "test.hang", "");
	at.waits = pool_submit(at.pool, "test.echo", "never");
	CU_ASSERT(has_state(at.runs, REEVE_FUTURE_RUNNING));
	CU_ASSERT_EQUAL(reeve_future_wait(at.runs, REEVE_S(1)), REEVE_EINVALID);
	ev_io_stop(at.guest.loop, &io);
	destroy_runtime();
	ev_loop_destroy(at.guest.loop);
	CU_ASSERT_EQUAL(reeve_future_state(at.runs), REEVE_FUTURE_DONE);
	CU_ASSERT_EQUAL(reeve_future_state(at.waits), REEVE_FUTURE_DONE);
	reeve_future_free(at.runs);
	reeve_future_free(at.waits);
	check_calls();
	reeve_pool_free(at.pool);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	guest_clean(&at.guest);
}

/* -------- both at once -------- */

static void
free_pool_here(void *ctx)
{
	(void)ctx;
	reeve_pool_free(at.pool);
}

static void
in_the_word_of_another_watch(void)
{
	destroy_runtime();
}

static void
in_the_same_callback(void)
{
	at.free_it_too = true;
	cancel_one_that_destroys();
	CU_ASSERT_EQUAL(reeve_pool_dispatch(at.pool, NULL), REEVE_OK);
}

static void
destroy_and_free(void *arg)
{
	(void)arg;
	destroy_runtime();
	reeve_pool_free(at.pool);
}

static void
in_the_same_turn_of_the_runtime(void)
{
	CU_ASSERT_EQUAL(
	    reeve_post(at.guest.reeve, destroy_and_free, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_dispatch(at.guest.reeve, NULL), REEVE_OK);
}

static void
the_pool_first(void)
{
	reeve_pool_free(at.pool);
	destroy_runtime();
}

static const struct way both[] = {
	{ "in the word of another watch", in_the_word_of_another_watch },
	{ "in the same callback", in_the_same_callback },
	{ "in the same turn of the runtime", in_the_same_turn_of_the_runtime },
	{ "the pool first", the_pool_first },
};

static void
check_ended(struct reeve_future *future)
{
	CU_ASSERT_EQUAL(reeve_future_state(future), REEVE_FUTURE_DONE);
	reeve_future_free(future);
}

RV_TEST(a_pool_and_its_runtime_may_go_at_once)
{
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		const struct reeve_watch_options watch = {
			.size = sizeof(watch), .gone = free_pool_here
		};

		memset(&at, 0, sizeof(at));
		begin();
		if (both[i].go == in_the_word_of_another_watch) {
			CU_ASSERT_EQUAL(
			    reeve_watch(at.guest.reeve, &watch, NULL, NULL),
			    REEVE_OK);
		}
		both[i].go();
		CU_ASSERT_PTR_NULL(at.guest.reeve);
		check_ended(at.runs);
		check_ended(at.waits);
		check_ended(at.rests);
		CU_ASSERT_EQUAL(reeve_results_wait(at.results, 0), REEVE_OK);
		reeve_results_free(at.results);
		reeve_imap_free(at.imap);
		leave_nothing();
	}
}

/* -------- pools that have done nothing, and several -------- */

RV_TEST(pools_of_one_runtime_each_hear_of_its_end)
{
	struct reeve_pool_options options = { .name = "one" };
	struct reeve_pool *pools[3];

	memset(&at, 0, sizeof(at));
	guest_open(&at.guest, "several", NULL);
	options.reeve = at.guest.reeve;
	pools[0] = pool_make(2, &options);
	options.name = "two";
	pools[1] = pool_make(1, &options);
	options.name = "three";
	pools[2] = pool_make(1, &options);
	reeve_pool_free(pools[1]);
	destroy_runtime();
	CU_ASSERT_PTR_NULL(reeve_pool_runtime(pools[0]));
	CU_ASSERT_PTR_NULL(reeve_pool_runtime(pools[2]));
	reeve_pool_free(pools[0]);
	reeve_pool_free(pools[2]);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	guest_clean(&at.guest);
}

RV_TEST(attached_pools_may_be_detached_after_their_runtime)
{
	struct reeve_pools *pools = NULL;
	struct reeve_pool *pool;

	memset(&at, 0, sizeof(at));
	at.guest.pools = true;
	guest_open(&at.guest, "attached",
	    "\"p\": {\"pool\": {\"function\": \"test.echo\", \"max\": 1}}");
	CU_ASSERT_EQUAL_FATAL(
	    reeve_pools_attach(&pools, at.guest.reeve, NULL, NULL), REEVE_OK);
	pool = reeve_pools_find(pools, "p");
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	at.waits = pool_submit(pool, "test.hang", "");
	destroy_runtime();
	CU_ASSERT_EQUAL(reeve_pools_dispatch(pools, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_future_state(at.waits), REEVE_FUTURE_DONE);
	reeve_future_free(at.waits);
	reeve_pools_detach(pools);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	guest_clean(&at.guest);
}

RV_SUITE(pool_lost,
    RV_CASE(a_runtime_destroyed_first_ends_all_that_its_pool_has),
    RV_CASE(a_runtime_on_a_loop_of_the_host_may_go_first_too),
    RV_CASE(a_pool_and_its_runtime_may_go_at_once),
    RV_CASE(pools_of_one_runtime_each_hear_of_its_end),
    RV_CASE(attached_pools_may_be_detached_after_their_runtime))
