/* SPDX-License-Identifier: MIT */
/*
 * What cannot be, of each function of <reeve/pool.h>: refused, by its status
 * and in words, and the pool is as it was.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reeve/pool.h>
#include <reeve/task.h>

#include "lib/harness.h"

static int
nothing(const struct reeve_call *call)
{
	(void)call;
	return 0;
}
REEVE_FUNCTION("misuse.nothing", nothing);

__attribute__((constructor)) static void
guard(void)
{
	reeve_main(NULL, NULL);
}

static struct reeve_pool *pool;
static struct reeve_error err;

static bool
refused(enum reeve_status status)
{
	return status == REEVE_EINVALID && err.status == REEVE_EINVALID &&
	       err.text[0] != '\0';
}
#define REFUSED(call)  (memset(&err, 0, sizeof(err)), refused(call))
#define EINVALID(call) ((call) == REEVE_EINVALID)

static struct row {
	const char *function;
	bool fine;
} rows[128];
static size_t n_rows;

static void
add(const char *function, bool fine)
{
	rows[n_rows].function = function;
	rows[n_rows++].fine = fine;
	if (!fine) {
		printf("# %s\n", function);
	}
	CU_ASSERT(fine);
}
#define X(function, what) add(#function, (what));

static void
pools(void)
{
	struct reeve_pool *out = NULL;
	struct reeve_pool_options options = {
		.size = sizeof(options), .min = 2, .max = 1
	};
	struct reeve_pool_options small = { .size = 8 };
	struct reeve_pool_stats stats = { .size = 3 };

	X(reeve_pool_new, REFUSED(reeve_pool_new(NULL, NULL, &err)))
	X(reeve_pool_new, REFUSED(reeve_pool_new(&out, &small, &err)))
	X(reeve_pool_new, REFUSED(reeve_pool_new(&out, &options, &err)))
	options.min = options.max = 100000;
	X(reeve_pool_new, REFUSED(reeve_pool_new(&out, &options, &err)))
	options.min = options.max = 1;
	options.soft_limit = -1;
	X(reeve_pool_new, REFUSED(reeve_pool_new(&out, &options, &err)))
	X(reeve_pool_new, out == NULL)
	X(reeve_pool_free, (reeve_pool_free(NULL), true))
	X(reeve_pool_close, REFUSED(reeve_pool_close(NULL, &err)))
	X(reeve_pool_drain, REFUSED(reeve_pool_drain(NULL, &err)))
	X(reeve_pool_join, REFUSED(reeve_pool_join(NULL, 0, &err)))
	X(reeve_pool_join, REFUSED(reeve_pool_join(pool, 0, &err)))
	X(reeve_pool_terminate, REFUSED(reeve_pool_terminate(NULL, 0, &err)))
	X(reeve_pool_resize, REFUSED(reeve_pool_resize(NULL, 1, 1, &err)))
	X(reeve_pool_resize, REFUSED(reeve_pool_resize(pool, 0, 1, &err)))
	X(reeve_pool_resize, REFUSED(reeve_pool_resize(pool, 3, 2, &err)))
	X(reeve_pool_fd, reeve_pool_fd(NULL) == -1)
	X(reeve_pool_dispatch, REFUSED(reeve_pool_dispatch(NULL, &err)))
	X(reeve_pool_stats, REFUSED(reeve_pool_stats(NULL, &stats, &err)))
	X(reeve_pool_stats, REFUSED(reeve_pool_stats(pool, NULL, &err)))
	X(reeve_pool_stats, REFUSED(reeve_pool_stats(pool, &stats, &err)))
	X(reeve_pool_runtime, reeve_pool_runtime(NULL) == NULL)
	X(reeve_pool_worker, true) /* named, not called */
	X(reeve_cpus, reeve_cpus() >= 1)
}

static void
tasks(void)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = "misuse.nothing" };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_task_result none = { .size = 4 };
	struct reeve_future *future = NULL;
	size_t i;

	X(reeve_task_result_free, (reeve_task_result_free(NULL), true))
	X(reeve_task_result_free, (reeve_task_result_free(&none), true))
	X(reeve_pool_submit,
	    REFUSED(reeve_pool_submit(NULL, &task, &future, &err)))
	X(reeve_pool_submit,
	    REFUSED(reeve_pool_submit(pool, NULL, &future, &err)))
	task.priority = 9;
	X(reeve_pool_submit,
	    REFUSED(reeve_pool_submit(pool, &task, &future, &err)))
	task.priority = 0;
	task.function = NULL;
	X(reeve_pool_submit,
	    REFUSED(reeve_pool_submit(pool, &task, &future, &err)))
	X(reeve_pool_submit, future == NULL)
	X(reeve_pool_apply,
	    EINVALID(reeve_pool_apply(NULL, "x", NULL, 0, &result, 0)))
	X(reeve_pool_apply, EINVALID(reeve_pool_apply(
				pool, "misuse.nothing", NULL, 0, NULL, 0)))
	X(reeve_pool_apply, EINVALID(reeve_pool_apply(
				pool, "misuse.nothing", NULL, 0, &none, 0)))
	X(reeve_future_state, reeve_future_state(NULL) == REEVE_FUTURE_DONE)
	X(reeve_future_wait, EINVALID(reeve_future_wait(NULL, 0)))
	X(reeve_future_get, EINVALID(reeve_future_get(NULL, &result, 0)))
	X(reeve_future_cancel, EINVALID(reeve_future_cancel(NULL, true)))
	X(reeve_future_free, (reeve_future_free(NULL), true))
	X(reeve_futures_wait,
	    EINVALID(reeve_futures_wait(NULL, 1, REEVE_ALL, 0)))
	X(reeve_futures_next,
	    EINVALID(reeve_futures_next(NULL, 1, &future, &i, 0)))
}

static void
maps(void)
{
	struct iovec vector = { NULL, 0 };
	struct reeve_map map = { .size = sizeof(map),
		.function = "misuse.nothing",
		.items = "x",
		.item_size = 1,
		.n = 1,
		.vector = &vector };
	struct reeve_map small = { .size = 1 };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_results *out = NULL;
	struct reeve_imap *imap = NULL;

	X(reeve_pool_map, REFUSED(reeve_pool_map(NULL, &map, &out, 0, &err)))
	X(reeve_pool_map, REFUSED(reeve_pool_map(pool, NULL, &out, 0, &err)))
	X(reeve_pool_map, REFUSED(reeve_pool_map(pool, &small, &out, 0, &err)))
	X(reeve_pool_map, REFUSED(reeve_pool_map(pool, &map, &out, 0, &err)))
	X(reeve_pool_map, REFUSED(reeve_pool_map(pool, &map, NULL, 0, &err)))
	X(reeve_pool_map_start,
	    REFUSED(reeve_pool_map_start(NULL, &map, &out, NULL, NULL, &err)))
	X(reeve_pool_imap, REFUSED(reeve_pool_imap(NULL, &map, &imap, &err)))
	X(reeve_pool_imap, REFUSED(reeve_pool_imap(pool, &map, &imap, &err)))
	map.vector = NULL;
	X(reeve_pool_map_start,
	    REFUSED(reeve_pool_map_start(pool, &map, NULL, NULL, NULL, &err)))
	X(reeve_pool_imap, REFUSED(reeve_pool_imap(pool, &map, NULL, &err)))
	X(reeve_results_wait, EINVALID(reeve_results_wait(NULL, 0)))
	X(reeve_results_cancel, EINVALID(reeve_results_cancel(NULL, true)))
	X(reeve_results_n, reeve_results_n(NULL) == 0)
	X(reeve_results_bad, reeve_results_bad(NULL) == 0)
	X(reeve_results_get, EINVALID(reeve_results_get(NULL, 0, &result)))
	X(reeve_results_copy, REFUSED(reeve_results_copy(NULL, &map, 1, &err)))
	X(reeve_results_free, (reeve_results_free(NULL), true))
	X(reeve_imap_next, EINVALID(reeve_imap_next(NULL, &result, NULL, 0)))
	X(reeve_imap_free, (reeve_imap_free(NULL), true))
}

static bool
has_row(const char *name, size_t n)
{
	for (size_t i = 0; i < n_rows; i++) {
		if (strlen(rows[i].function) == n &&
		    strncmp(rows[i].function, name, n) == 0) {
			return true;
		}
	}
	return false;
}

/* Names between REEVE_PUBLIC and the parenthesis. */
static void
complete(void)
{
	static char text[65536];
	char path[1024];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/runtime/include/reeve/pool.h",
	    rv_test_srcdir());
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	for (const char *next = text;
	     (next = strstr(next, "\nREEVE_PUBLIC ")) != NULL;) {
		const char *end = strchr(++next, '('), *name = end;

		while (name > next && name[-1] != ' ' && name[-1] != '*') {
			name--;
		}
		if (!has_row(name, (size_t)(end - name))) {
			printf("# no row: %.*s\n", (int)(end - name), name);
			CU_FAIL("no row");
		}
	}
}

RV_TEST(what_cannot_be_is_refused_in_words)
{
	struct reeve_pool_options options = { .size = sizeof(options),
		.min = 1,
		.max = 1,
		.libexec_dir = getenv("REEVE_LIBEXEC") };
	struct reeve_task_result result = { .size = sizeof(result) };

	CU_ASSERT_EQUAL_FATAL(reeve_pool_new(&pool, &options, NULL), REEVE_OK);
	n_rows = 0;
	pools();
	tasks();
	maps();
	complete();
	CU_ASSERT_EQUAL(reeve_pool_apply(pool, "misuse.nothing", NULL, 0,
			    &result, REEVE_S(30)),
	    REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_GOOD);
	reeve_task_result_free(&result);
	reeve_pool_free(pool);
}

RV_SUITE(pool_misuse, RV_CASE(what_cannot_be_is_refused_in_words))
