/* SPDX-License-Identifier: MIT */
/*
 * Pools with functions that crash, hang, exit, scribble and close what is not
 * theirs: each ends its own task, with what it died of, and no other.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/pool_rig.h"

static const struct ending {
	const char *function, *args;
	enum reeve_outcome outcome;
	int code, signo;
	const char *type;
} endings[] = {
	{ "test.fail", "so", REEVE_OUTCOME_FAILED, 1, 0, "test.Failed" },
	{ "test.number", "7", REEVE_OUTCOME_FAILED, 7, 0, "" },
	{ "test.crash", "", REEVE_OUTCOME_DIED, -1, SIGSEGV, "SIGSEGV" },
	{ "test.overflow", "", REEVE_OUTCOME_DIED, -1, SIGSEGV, "SIGSEGV" },
	{ "test.die", "6", REEVE_OUTCOME_DIED, -1, SIGABRT, "SIGABRT" },
	{ "test.die", "9", REEVE_OUTCOME_DIED, -1, SIGKILL, "SIGKILL" },
	{ "test.exit", "3", REEVE_OUTCOME_DIED, 3, 0, "" },
	{ "test._exit", "4", REEVE_OUTCOME_DIED, 4, 0, "" },
	{ "test.exit", "0", REEVE_OUTCOME_DIED, 0, 0, "" },
	{ "test.raise", "care", REEVE_OUTCOME_DIED, 1, 0, "test.Thrown" },
	{ "test.nosuch.so:x", "", REEVE_OUTCOME_FAILED, -1, 0,
	    "reeve.NoFunction" },
};

static void
check_ending(struct reeve_pool *pool, const struct ending *want)
{
	struct reeve_future *before = pool_submit(pool, "test.nap", "1");
	struct reeve_future *bad =
	    pool_submit(pool, want->function, want->args);
	struct reeve_future *behind = pool_submit(pool, "test.echo", "behind");
	struct reeve_task_result result = pool_result(bad, 30);

	if (result.outcome != want->outcome || result.signo != want->signo ||
	    strcmp(result.type, want->type) != 0) {
		(void)fprintf(stderr,
		    "# %s %s: outcome %d, code %d, signal %d, %s: %s\n",
		    want->function, want->args, (int)result.outcome,
		    result.code, result.signo, result.type, result.message);
		CU_FAIL("another end");
	}
	if (want->outcome == REEVE_OUTCOME_DIED) {
		CU_ASSERT_EQUAL(result.code, want->code);
		CU_ASSERT(result.pid > 0);
	}
	CU_ASSERT(result.message[0] != '\0');
	CU_ASSERT(strcmp(want->type, "SIGSEGV") != 0 ||
		  strstr(result.backtrace, "#0") != NULL);
	reeve_task_result_free(&result);
	result = pool_result(before, 30);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	result = pool_result(behind, 30);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_EQUAL(result.attempts, 1);
	reeve_task_result_free(&result);
}

static void
endings_by(enum reeve_method method)
{
	struct reeve_pool *pool = pool_make(1, NULL);

	(void)method;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		check_ending(pool, &endings[i]);
	}
	reeve_pool_free(pool);
}

RV_TEST(each_end_is_that_of_its_task_and_of_no_other)
{
	pool_each(endings_by);
}

RV_TEST(a_task_over_its_limit_is_interrupted_or_killed)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.patient",
		.soft_limit = REEVE_MS(50) };
	struct reeve_future *future = NULL;
	struct reeve_task_result result;

	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, &future, NULL), REEVE_OK);
	result = pool_result(future, 20);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
	CU_ASSERT_STRING_EQUAL(result.type, "test.Interrupted");
	reeve_task_result_free(&result);
	task.function = "test.hang";
	task.hard_limit = REEVE_MS(100);
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, &future, NULL), REEVE_OK);
	result = pool_result(future, 20);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_TIMED_OUT);
	CU_ASSERT_EQUAL(result.signo, SIGKILL);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.message, "limit"));
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.echo", "on");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_TEST(retries_are_made_where_they_were_asked_for)
{
	struct reeve_pool_options options = { .retries = 3,
		.backoff = REEVE_MS(1) };
	struct reeve_pool *pool = pool_make(2, &options);
	struct reeve_task_result result =
	    pool_apply(pool, "test.third_time", "");

	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_EQUAL(result.attempts, 3);
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.die_twice", "");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	CU_ASSERT_EQUAL(result.attempts, 3);
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.fail", "ever");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
	CU_ASSERT_EQUAL(result.attempts, 4);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

static void
strange_by(enum reeve_method method)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task_result result;

	(void)method;
	result = pool_apply(pool, "test.scribble", "");
	/* Its last words may have been put right behind it. */
	CU_ASSERT(result.outcome == REEVE_OUTCOME_GOOD ||
		  result.outcome == REEVE_OUTCOME_DIED);
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.echo", "on");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	/* It may have answered before that was noticed. */
	result = pool_apply(pool, "test.close_all", "");
	CU_ASSERT(result.outcome == REEVE_OUTCOME_GOOD ||
		  result.outcome == REEVE_OUTCOME_DIED);
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.echo", "on");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.fork", "");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	result = pool_apply(pool, "test.echo", "on");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_TEST(scribbling_closing_and_forking_ends_no_other_task)
{
	pool_each(strange_by);
}

RV_TEST(results_are_of_any_size)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	static const char *const sizes[] = { "0", "1", "32767", "32768",
		"32769", "1000000", "100000000" };
	struct reeve_task_result result;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		result = pool_apply(pool, "test.bytes", sizes[i]);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
		CU_ASSERT_EQUAL(
		    result.length, (size_t)strtoul(sizes[i], NULL, 10));
		CU_ASSERT(
		    result.length == 0 ||
		    ((const char *)result.data)[result.length - 1] == 'x');
		reeve_task_result_free(&result);
	}
	result = pool_apply(pool, "test.bytes", "999999999999999");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_FAILED);
	CU_ASSERT_STRING_EQUAL(result.type, "test.NoRoom");
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

/* A task that was begun when its worker was killed, a hundred times over. */
RV_TEST(what_was_begun_is_not_begun_again)
{
	struct reeve_pool *pool = pool_make(2, NULL);
	char path[256], text[300];
	struct reeve_future *futures[26];
	struct reeve_task_result result;
	unsigned seen[26] = { 0 };
	char letters[128] = { 0 };
	int fd;

	(void)snprintf(path, sizeof(path), "%s/notes", rv_test_dir());
	for (int i = 0; i < 26; i++) {
		(void)snprintf(text, sizeof(text), "%c%s", 'a' + i, path);
		futures[i] = pool_submit(pool, "test.note", text);
		if (i % 3 == 0) {
			reeve_future_free(pool_submit(pool, "test.die", "9"));
		}
	}
	for (int i = 0; i < 26; i++) {
		result = pool_result(futures[i], 30);
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
		if (result.outcome != REEVE_OUTCOME_GOOD) {
			(void)fprintf(stderr, "# %d: %s\n", i, result.message);
		}
		reeve_task_result_free(&result);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(read(fd, letters, sizeof(letters) - 1), 26);
	(void)close(fd);
	for (int i = 0; i < 26; i++) {
		seen[letters[i] - 'a']++;
	}
	for (int i = 0; i < 26; i++) {
		CU_ASSERT_EQUAL(seen[i], 1);
	}
	reeve_pool_free(pool);
}

RV_TEST(without_descriptors_a_large_task_waits)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct rlimit was, few;
	char *big = calloc(1, 100000);
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.nothing",
		.data = big,
		.length = 100000 };
	struct reeve_future *future = NULL;
	struct reeve_task_result result =
	    pool_apply(pool, "test.echo", "it is up");

	reeve_task_result_free(&result);
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = 3;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &few), 0);
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, &future, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_future_wait(future, REEVE_MS(30)), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &was), 0);
	result = pool_result(future, 30);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	free(big);
	reeve_pool_free(pool);
}

/* Until its worker is in this state, in another life than this one. */
static struct reeve_unit_info
worker_in(struct reeve_pool *pool, enum reeve_unit_state state, uint64_t life)
{
	struct reeve_unit_info info = { .size = sizeof(info) };
	struct pollfd p = { reeve_pool_fd(pool), POLLIN, 0 };

	do {
		CU_ASSERT_EQUAL(reeve_pool_dispatch(pool, NULL), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_unit_find(reeve_pool_runtime(pool),
				    "pool.0", &info, NULL),
		    REEVE_OK);
	} while ((info.state != state || info.life == life) &&
		 poll(&p, 1, 20000 * rv_test_slow()) == 1);
	CU_ASSERT_EQUAL(info.state, state);
	return info;
}

/* Delays that nobody waits for: only the first one is at once. */
RV_TEST(a_death_in_a_task_delays_nobody_and_one_without_does)
{
	struct reeve_pool_options options = {
		.worker_options = "{\"backoff\":{\"min\":\"1h\",\"max\":"
				  "\"1h\",\"reset_after\":\"1h\"}}",
	};
	struct reeve_pool *pool = pool_make(1, &options);
	struct reeve_unit_info first, second;
	struct reeve_task_result result;

	for (int i = 0; i < 6; i++) {
		result = pool_apply(pool, "test.die", "9");
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_DIED);
		reeve_task_result_free(&result);
	}
	result = pool_apply(pool, "test.echo", "on");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	first = worker_in(pool, REEVE_RUNNING, 0);
	CU_ASSERT_EQUAL(
	    reeve_restart(reeve_pool_runtime(pool), "pool.0", NULL), REEVE_OK);
	second = worker_in(pool, REEVE_RUNNING, first.life);
	CU_ASSERT_EQUAL(kill(second.pid, SIGKILL), 0);
	first = worker_in(pool, REEVE_RUNNING, second.life);
	CU_ASSERT_EQUAL(kill(first.pid, SIGKILL), 0);
	(void)worker_in(pool, REEVE_BACKOFF, UINT64_MAX);
	reeve_pool_free(pool);
}

static struct {
	unsigned exits;
	char path[64], detail[512];
} heard;

static void
on_event(void *ctx, const struct reeve_event *event)
{
	(void)ctx;
	if (heard.exits++ == 0) {
		(void)snprintf(
		    heard.path, sizeof(heard.path), "%s", event->path);
		(void)snprintf(
		    heard.detail, sizeof(heard.detail), "%s", event->detail);
	}
}

static void
on_finished(void *ctx, bool gave_up)
{
	(void)gave_up;
	*(bool *)ctx = true;
}

static void
end_runtime(struct reeve *reeve, const bool *finished)
{
	struct pollfd p = { .events = POLLIN };

	reeve_shutdown(reeve, "test");
	p.fd = reeve_fd(reeve);
	while (!*finished && poll(&p, 1, 20000) == 1) {
		CU_ASSERT_EQUAL(reeve_dispatch(reeve, NULL), REEVE_OK);
	}
	while ((p.fd = reeve_last_words(reeve)) != -1) {
		CU_ASSERT_EQUAL(poll(&p, 1, 20000), 1);
		(void)close(p.fd);
	}
	reeve_destroy(reeve);
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
}

RV_TEST(deaths_are_told_by_the_runtime_that_is_given)
{
	const struct reeve_callbacks callbacks = { .finished = on_finished };
	bool finished = false;
	struct reeve_options options = { .size = sizeof(options),
		.name = "test",
		.state_dir = rv_test_dir(),
		.libexec_dir = getenv("REEVE_LIBEXEC"),
		.callbacks = &callbacks,
		.ctx = &finished };
	struct reeve_watch_options watch = { .size = sizeof(watch),
		.units = "thumbs.*",
		.kinds = "worker.exited",
		.event = on_event };
	struct reeve_pool_options given = { .name = "thumbs" };
	struct reeve_task_result result;
	struct reeve_pool *pool;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_create(&given.reeve, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_watch(given.reeve, &watch, NULL, NULL), REEVE_OK);
	pool = pool_make(1, &given);
	CU_ASSERT_PTR_EQUAL(reeve_pool_runtime(pool), given.reeve);
	result = pool_apply(pool, "test._exit", "9");
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_DIED);
	CU_ASSERT_EQUAL(result.code, 9);
	CU_ASSERT_STRING_EQUAL(result.worker, "thumbs.0");
	reeve_task_result_free(&result);
	CU_ASSERT_EQUAL(heard.exits, 1);
	CU_ASSERT_STRING_EQUAL(heard.path, "thumbs.0");
	CU_ASSERT_PTR_NOT_NULL(strstr(heard.detail, "\"exit_code\":9"));
	reeve_pool_free(pool);
	end_runtime(given.reeve, &finished);
}

/* Names that one listener might stand for, and one that is taken. */
RV_TEST(pools_of_one_runtime_have_doors_of_their_own)
{
	static const char *const names[] = { "a+b", "a/b", "a+sb" };
	const struct reeve_callbacks callbacks = { .finished = on_finished };
	const struct reeve_supervisor_options a = { .size = sizeof(a) };
	bool finished = false;
	struct reeve_options options = { .size = sizeof(options),
		.name = "doors",
		.state_dir = rv_test_dir(),
		.libexec_dir = getenv("REEVE_LIBEXEC"),
		.callbacks = &callbacks,
		.ctx = &finished };
	struct reeve_pool_options given = {
		.size = sizeof(given), .min = 1, .max = 1
	};
	struct reeve_pool *pools[3], *again = NULL;
	struct reeve_task_result result;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_create(&given.reeve, &options, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_add_supervisor(given.reeve, "a", &a, NULL), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		given.name = names[i];
		pools[i] = pool_make(1, &given);
	}
	CU_ASSERT_EQUAL(reeve_pool_new(&again, &given, &err), REEVE_EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, given.name));
	/* Whoever comes after the first is let in by its own, too. */
	for (int i = 0; i < 6; i++) {
		result = pool_apply(pools[i % 3], "test.die", "9");
		CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_DIED);
		CU_ASSERT_NSTRING_EQUAL(
		    result.worker, names[i % 3], strlen(names[i % 3]));
		reeve_task_result_free(&result);
	}
	for (int i = 0; i < 3; i++) {
		reeve_pool_free(pools[i]);
	}
	end_runtime(given.reeve, &finished);
}

RV_TEST(a_pool_is_made_or_refused_with_few_descriptors)
{
	struct reeve_pool_options options = { .size = sizeof(options),
		.min = 1,
		.max = 1,
		.libexec_dir = getenv("REEVE_LIBEXEC") };
	struct rlimit was, few;
	unsigned made = 0, refused = 0;

	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &was), 0);
	for (rlim_t n = 4; n < 40; n += 3) {
		struct reeve_pool *pool = NULL;
		struct reeve_error err;
		enum reeve_status status;

		few = was;
		few.rlim_cur = n;
		CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &few), 0);
		status = reeve_pool_new(&pool, &options, &err);
		CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &was), 0);
		made += status == REEVE_OK;
		refused += status != REEVE_OK && err.text[0] != '\0';
		reeve_pool_free(pool);
	}
	CU_ASSERT_EQUAL(made + refused, 12);
	CU_ASSERT(made > 0 && refused > 0);
}

RV_TEST(no_functions_of_that_name_and_other_mistakes)
{
	struct reeve_pool *pool = pool_make(1, NULL);
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.nosuch" };
	struct reeve_error err;

	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, &err), REEVE_ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "test.nosuch"));
	task.function = "test.echo";
	task.priority = 8;
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, &err), REEVE_EINVALID);
	task.priority = 7;
	task.length = 1;
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(pool, &task, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_pool_resize(pool, 3, 2, &err), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_pool_submit(NULL, &task, NULL, &err), REEVE_EINVALID);
	CU_ASSERT_STRING_EQUAL(
	    err.text, "cannot submit a task: the pool is NULL");
	reeve_pool_free(pool);
}

static const struct {
	struct reeve_pool_options options;
	const char *words;
} refused[] = {
	{ { .method = REEVE_METHOD_FORKSERVER + 1 }, "method: one of" },
	{ { .full = REEVE_POOL_SPILL + 1 }, "full: one of" },
	{ { .soft_limit = -1 }, "soft_limit: not negative" },
	{ { .hard_limit = -1 }, "hard_limit: not negative" },
	{ { .backoff = -1 }, "backoff: not negative" },
	{ { .grow_after = -1 }, "grow_after: not negative" },
	{ { .idle_timeout = -1 }, "idle_timeout: not negative" },
	{ { .soft_signal = SIGKILL }, "soft_signal: a signal that" },
	{ { .soft_signal = 65 }, "soft_signal: a signal that" },
	{ { .init_args_length = 1 }, "init_args: there are none" },
	{ { .min = 3, .max = 2 }, "min 3, max 2" },
};

RV_TEST(an_option_that_cannot_be_is_named)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct reeve_pool_options options = refused[i].options;
		struct reeve_pool *pool = NULL;
		struct reeve_error err = { .text = "" };

		options.size = sizeof(options);
		CU_ASSERT_EQUAL(
		    reeve_pool_new(&pool, &options, &err), REEVE_EINVALID);
		CU_ASSERT_PTR_NULL(pool);
		if (strstr(err.text, refused[i].words) == NULL) {
			(void)fprintf(stderr, "# %s\n", err.text);
			CU_FAIL("it is not named");
		}
	}
}

RV_SUITE(pool_bad, RV_CASE(each_end_is_that_of_its_task_and_of_no_other),
    RV_CASE(a_task_over_its_limit_is_interrupted_or_killed),
    RV_CASE(retries_are_made_where_they_were_asked_for),
    RV_CASE(scribbling_closing_and_forking_ends_no_other_task),
    RV_CASE(results_are_of_any_size),
    RV_CASE(what_was_begun_is_not_begun_again),
    RV_CASE(without_descriptors_a_large_task_waits),
    RV_CASE(a_death_in_a_task_delays_nobody_and_one_without_does),
    RV_CASE(deaths_are_told_by_the_runtime_that_is_given),
    RV_CASE(pools_of_one_runtime_have_doors_of_their_own),
    RV_CASE(a_pool_is_made_or_refused_with_few_descriptors),
    RV_CASE(no_functions_of_that_name_and_other_mistakes),
    RV_CASE(an_option_that_cannot_be_is_named))
