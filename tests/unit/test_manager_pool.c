/* SPDX-License-Identifier: MIT */
/*
 * Pools in managers, by each start method of the manager: what tasks come to.
 * Tasks that are to run for as long as a test likes wait at a gate.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/shared_rig.h"

/* -------- tasks -------- */

CREW_SCENARIO(a_task_is_done_and_what_it_came_to_is_told)
{
	static const struct {
		const char *function, *argument, *says;
	} cases[] = {
		{ "test.echo", "on", "on" },
		{ "test.nothing", "", "" },
		{ "test.fail", "today", "!test.Failed" },
		{ "test.number", "7", "!failed" },
		{ "test.raise", "5", "!test.Thrown" },
		{ "test.json", "{}", "!test.Json" },
		{ "test.die", "9", "!SIGKILL" },
		{ "test._exit", "3", "!died" },
		{ "test.none", "", "!no-function" },
		{ "./module.so:f", "", "!hidden" },
		{ "", "", "!arguments" },
	};
	struct managed managed;
	struct reeve_proxy *pool;

	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 2}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SAYS(managed_wait(pool, RIG_LONG, "apply", "ss",
			 cases[i].function, cases[i].argument),
		    cases[i].says);
	}
	/* numbers are JSON, and so is what comes back */
	SAYS(managed_wait(pool, RIG_LONG, "apply", "si", "test.json", I(-5)),
	    "-5");
	SAYS(managed_wait(pool, RIG_LONG, "apply", "sd", "test.json", 2.5),
	    "2.5");
	SAYS(managed_wait(pool, RIG_LONG, "apply", "s", "test.nothing"), "");
	CU_ASSERT_EQUAL(shared_stat(pool, "good"), 5);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(a_report_says_of_what_a_worker_died, BY_SPAWN)
{
	struct reeve_result report = { 0 };
	struct managed managed;
	struct reeve_proxy *pool;
	const struct reeve_datum *v;

	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 1}");
	shared_report(pool, shared_submit(pool, "test.die", "9"), &report);
	v = report.values;
	CU_ASSERT_EQUAL(v[REEVE_REPORT_VALUE].type, REEVE_DATUM_NULL);
	CU_ASSERT_STRING_EQUAL(v[REEVE_REPORT_OUTCOME].data, "died");
	CU_ASSERT_STRING_EQUAL(v[REEVE_REPORT_TYPE].data, "SIGKILL");
	CU_ASSERT_PTR_NOT_NULL(strstr(v[REEVE_REPORT_MESSAGE].data, "SIGKILL"));
	CU_ASSERT_EQUAL(v[REEVE_REPORT_SIGNAL].is.integer, SIGKILL);
	CU_ASSERT_EQUAL(v[REEVE_REPORT_CODE].is.integer, -1);
	CU_ASSERT_EQUAL(v[REEVE_REPORT_CORE].type, REEVE_DATUM_BOOL);
	CU_ASSERT_TRUE(v[REEVE_REPORT_PID].is.integer > 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(v[REEVE_REPORT_WORKER].data, "pool"));
	CU_ASSERT_EQUAL(v[REEVE_REPORT_ATTEMPTS].is.integer, 1);
	reeve_result_free(&report);
	shared_report(pool, shared_submit(pool, "test.echo", "x"), &report);
	v = report.values;
	CU_ASSERT_EQUAL(v[REEVE_REPORT_VALUE].type, REEVE_DATUM_BYTES);
	CU_ASSERT_STRING_EQUAL(v[REEVE_REPORT_VALUE].data, "x");
	CU_ASSERT_STRING_EQUAL(v[REEVE_REPORT_OUTCOME].data, "good");
	reeve_result_free(&report);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_82_a_get_in_vain_can_be_had_later, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *pool;
	struct gate g;
	int64_t task;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 1}");
	task = shared_submit(pool, "test.gate", g.path);
	gate_reached(&g);
	SAYS(managed_call(pool, "state", "i", task), "running");
	SAYS(managed_wait(pool, REEVE_MS(30), "get", "i", task), "!failed");
	SAYS(managed_call(pool, "get", "i", task), "!failed");
	gate_lets_in(&g);
	SAYS(managed_wait(pool, RIG_LONG, "get", "i", task), "through");
	SAYS(managed_wait(pool, RIG_LONG, "get", "i", task), "!no-task");
	/* whose time is over in apply is cancelled, and does not get through */
	SAYS(managed_wait(
		 pool, REEVE_MS(30), "apply", "ss", "test.gate", g.path),
	    "!failed");
	SAYS(managed_wait(pool, RIG_LONG, "apply", "ss", "test.echo", "on"),
	    "on");
	CU_ASSERT_EQUAL(shared_stat(pool, "cancelled"), 1);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

SCENARIO(results_are_had_in_any_order_while_others_run, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *pool;
	struct reeve_pending *first = NULL;
	struct reeve_result result = { 0 };
	struct reeve_datum arg;
	int64_t tasks[20];
	char text[20];
	struct gate g;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 2}");
	tasks[0] = shared_submit(pool, "test.gate", g.path);
	gate_reached(&g);
	arg = reeve_int(tasks[0]);
	CU_ASSERT_EQUAL(
	    reeve_proxy_submit(&first, pool, "get", &arg, 1, RIG_LONG, NULL),
	    REEVE_OK);
	SAYS(managed_wait(pool, RIG_LONG, "get", "i", tasks[0]), "!busy");
	for (int i = 1; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		tasks[i] = shared_submit(pool, "test.echo", text);
	}
	for (int i = 19; i > 0; i--) {
		(void)snprintf(text, sizeof(text), "%d", i);
		SAYS(managed_wait(pool, RIG_LONG, "get", "i", tasks[i]), text);
	}
	CU_ASSERT_FALSE(reeve_pending_is_done(first));
	gate_lets_in(&g);
	CU_ASSERT_EQUAL(
	    reeve_pending_wait(first, &result, RIG_LONG, NULL), REEVE_OK);
	reeve_result_free(&result);
	reeve_pending_free(first);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

SCENARIO(a_call_that_may_not_wait_leaves_no_task, BY_SPAWN)
{
	struct reeve_pending *first = NULL;
	struct reeve_datum args[2];
	struct managed managed;
	struct reeve_proxy *pool;
	struct gate g;

	gate_open(&g);
	managed_start(&managed, method, "{\"waiting_max\": 1}");
	pool = shared_pool(managed.m, "{\"max\": 1}");
	args[0] = reeve_text("test.gate");
	args[1] = reeve_text(g.path);
	CU_ASSERT_EQUAL(
	    reeve_proxy_submit(&first, pool, "apply", args, 2, RIG_LONG, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_manager_flush(managed.m, RIG_LONG, NULL), REEVE_OK);
	gate_reached(&g);
	SAYS(managed_wait(pool, RIG_LONG, "apply", "ss", "test.echo", "on"),
	    "!full");
	CU_ASSERT_EQUAL(shared_stat(pool, "cancelled"), 1);
	gate_lets_in(&g);
	CU_ASSERT_EQUAL(
	    reeve_pending_wait(first, NULL, RIG_LONG, NULL), REEVE_OK);
	reeve_pending_free(first);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

SCENARIO(scenario_101_what_is_cancelled_ends_so, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *pool;
	int64_t runs, waits, done;
	struct gate g;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 1}");
	done = shared_submit(pool, "test.echo", "done");
	runs = shared_submit(pool, "test.gate", g.path);
	gate_reached(&g);
	waits = shared_submit(pool, "test.gate", g.path);
	SAYS(managed_call(pool, "cancel", "i", done), "false");
	SAYS(managed_call(pool, "cancel", "i", waits), "true");
	SAYS(managed_wait(pool, RIG_LONG, "get", "i", waits), "!cancelled");
	SAYS(managed_call(pool, "cancel", "i", runs), "true");
	SAYS(managed_wait(pool, RIG_LONG, "get", "i", runs), "!cancelled");
	SAYS(managed_wait(pool, RIG_LONG, "get", "i", done), "done");
	SAYS(managed_wait(pool, RIG_LONG, "apply", "ss", "test.echo", "on"),
	    "on");
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

/* -------- maps -------- */

CREW_SCENARIO(a_map_has_a_value_for_each_item_in_order)
{
	struct reeve_datum args[1002] = { reeve_text("test.echo"),
		reeve_null() };
	static char texts[1000][16];
	struct reeve_result result = { 0 };
	struct managed managed;
	struct reeve_proxy *pool;
	int wrong = 0;

	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 2}");
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "%d", i);
		args[2 + i] = reeve_text(texts[i]);
	}
	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_call(pool, "map", args, 1002, &result, RIG_LONG, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(result.n, 1001);
	CU_ASSERT_EQUAL(result.values[0].is.integer, 0);
	for (int i = 0; i < 1000; i++) {
		wrong += strcmp(result.values[1 + i].data, texts[i]) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	reeve_result_free(&result);
	/* nothing over nothing */
	SAYS(managed_wait(pool, RIG_LONG, "map", "sn", "test.echo"), "0");
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(a_map_tells_what_became_of_each_bad_item, BY_SPAWN)
{
	const struct reeve_datum args[] = { reeve_text("test.number"),
		reeve_json("{\"chunk\": 3}"), reeve_text("0"), reeve_text("5"),
		reeve_text("0"), reeve_text("6") };
	struct reeve_result result = { 0 };
	struct managed managed;
	struct reeve_proxy *pool;
	const struct reeve_datum *v;

	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 2}");
	CU_ASSERT_EQUAL_FATAL(
	    reeve_proxy_call(pool, "map", args, 6, &result, RIG_LONG, NULL),
	    REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(result.n, 1 + 4 + 2 * (1 + REEVE_REPORT_VALUES));
	v = result.values;
	CU_ASSERT_EQUAL(v[0].is.integer, 2);
	CU_ASSERT_EQUAL(v[1].type, REEVE_DATUM_BYTES);
	CU_ASSERT_EQUAL(v[2].type, REEVE_DATUM_NULL);
	CU_ASSERT_EQUAL(v[4].type, REEVE_DATUM_NULL);
	CU_ASSERT_EQUAL(v[5].is.integer, 1);
	CU_ASSERT_EQUAL(v[6 + REEVE_REPORT_CODE].is.integer, 5);
	v += 6 + REEVE_REPORT_VALUES;
	CU_ASSERT_EQUAL(v[0].is.integer, 3);
	CU_ASSERT_STRING_EQUAL(v[1 + REEVE_REPORT_OUTCOME].data, "failed");
	CU_ASSERT_EQUAL(v[1 + REEVE_REPORT_CODE].is.integer, 6);
	reeve_result_free(&result);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

/* -------- the pool as a whole -------- */

SCENARIO(a_closed_pool_does_what_it_has_and_takes_nothing, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *pool;
	int64_t task;
	struct gate g;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 1}");
	task = shared_submit(pool, "test.gate", g.path);
	SAYS(managed_wait(pool, RIG_LONG, "join", ""), "!open");
	SAYS(managed_call(pool, "resize", "ii", I(1), I(2)), "");
	SAYS(managed_call(pool, "close", ""), "");
	SAYS(managed_call(pool, "close", ""), "");
	SAYS(managed_call(pool, "submit", "ss", "test.echo", "x"), "!closed");
	SAYS(managed_call(pool, "resize", "ii", I(1), I(3)), "!closed");
	gate_reached(&g);
	SAYS(managed_wait(pool, REEVE_MS(30), "join", ""), "!failed");
	gate_lets_in(&g);
	SAYS(managed_wait(pool, RIG_LONG, "join", ""), "");
	CU_ASSERT_EQUAL(shared_stat(pool, "workers"), 0);
	SAYS(managed_call(pool, "get", "i", task), "through");
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

SCENARIO(scenario_85_a_terminated_pool_ends_all_it_had, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *pool;
	int64_t tasks[200];
	struct gate g;

	gate_open(&g);
	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m, "{\"max\": 2}");
	for (unsigned i = 0; i < 200; i++) {
		tasks[i] = shared_submit(pool, "test.gate", g.path);
	}
	gate_reached(&g);
	SAYS(managed_call(pool, "terminate", ""), "");
	SAYS(managed_wait(pool, RIG_LONG, "join", ""), "");
	for (unsigned i = 0; i < 200; i++) {
		SAYS(managed_call(pool, "get", "i", tasks[i]), "!cancelled");
	}
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	gate_close(&g);
}

SCENARIO(scenario_103_a_pool_whose_workers_cannot_begin_is_broken, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *pool;

	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m,
	    "{\"max\": 1, \"initializer\": \"test.fail\", \"init_args\": \"x\","
	    " \"intensity\": 1, \"period\": \"1m\"}");
	SAYS(managed_wait(pool, RIG_LONG, "apply", "ss", "test.echo", "x"),
	    "!test.Failed");
	SAYS(managed_call(pool, "submit", "ss", "test.echo", "x"), "!broken");
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(managed_call(pool, "stats", ""), "\"broken\":true"));
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(a_client_in_python_has_a_pool, BY_SPAWN)
{
	struct managed managed;

	managed_start(&managed, method, NULL);
	managed_python(managed.address, "-", "test.echo",
	    "a task: b'1'\n"
	    "last first: [b'2', b'1', b'0']\n"
	    "a map: 0 [b'4', b'5', b'6']\n"
	    "error: no-function\n"
	    "done: 7\n");
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

/* -------- misuse -------- */

SCENARIO(the_manual_has_the_methods_of_a_pool_and_their_numbers, BY_SPAWN)
{
	static char page[60000];
	struct reeve_datum name = reeve_text("pool");
	struct reeve_result methods = { 0 };
	struct managed managed;
	char row[80], path[500];
	const char *entry;
	FILE *file;

	managed_start(&managed, method, NULL);
	CU_ASSERT_EQUAL_FATAL(reeve_manager_call(managed.m, "methods", &name, 1,
				  &methods, RIG_LONG, NULL),
	    REEVE_OK);
	(void)snprintf(path, sizeof(path),
	    "%.400s/runtime/manager/reeve-manager.7", rv_test_srcdir());
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
	(void)fclose(file);
	entry = strstr(page, ".It Sy pool");
	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	CU_ASSERT_EQUAL(methods.n, REEVE_SHAREDPOOL_STATS);
	for (size_t i = 0; i < methods.n; i++) {
		(void)snprintf(row, sizeof(row), "%zu\\ %s", i + 1,
		    (const char *)methods.values[i].data);
		CU_ASSERT_PTR_NOT_NULL(strstr(entry, row));
	}
	reeve_result_free(&methods);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(bad_options_of_a_pool_are_exact_errors, BY_SPAWN)
{
	static const struct {
		const char *options, *text;
	} cases[] = {
		{ "5", "options are to be a JSON object" },
		{ "{\"max\": 1", "options are to be a JSON object" },
		{ "{\"max\": 1, \"max\": 2}", "options are to be" },
		{ "{\"mux\": 1}", "option \"mux\" is none of these" },
		{ "{\"max\": -1}", "option \"max\" cannot be of this value" },
		{ "{\"max\": 1.5}", "option \"max\" cannot be" },
		{ "{\"max\": 4294967296}", "option \"max\" cannot be" },
		{ "{\"max\": \"1\"}", "option \"max\" cannot be" },
		{ "{\"min\": 3, \"max\": 2}", "min is at most max" },
		{ "{\"idle_timeout\": \"5 apples\"}", "\"idle_timeout\"" },
		{ "{\"idle_timeout\": [5]}", "\"idle_timeout\"" },
		{ "{\"max_memory\": true}", "\"max_memory\"" },
		{ "{\"deaths_only\": 1}", "\"deaths_only\"" },
		{ "{\"initializer\": \"./m.so:f\"}", "\"initializer\"" },
		{ "{\"init_args\": 5}", "\"init_args\"" },
		{ "{\"start_method\": \"fork\"}", "\"start_method\"" },
	};
	struct reeve_proxy *pool = NULL;
	struct reeve_error err = { 0 };
	struct managed managed;

	managed_start(&managed, method, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reeve_datum arg = reeve_json(cases[i].options);

		CU_ASSERT_EQUAL(reeve_proxy_create(&pool, managed.m, "pool",
				    &arg, 1, RIG_LONG, &err),
		    REEVE_EINVALID);
		if (strstr(err.text, cases[i].text) == NULL) {
			printf("# %s: %s\n", cases[i].options, err.text);
			CU_FAIL("another error");
		}
	}
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(bad_calls_of_a_pool_are_errors_and_no_more, BY_SPAWN)
{
	static const char *const of_tasks[] = { "{\"priority\": 8}",
		"{\"hard_limit\": -1}", "{\"retries\": \"no\"}",
		"{\"chunk\": 5}", "{\"fail_fast\": true}", "[]" };
	struct managed managed;
	struct reeve_proxy *pool;

	managed_start(&managed, method, NULL);
	pool = shared_pool(managed.m,
	    "{\"max\": 1, \"max_memory\": \"1GiB\", \"idle_timeout\": 1.5}");
	for (size_t i = 0; i < sizeof(of_tasks) / sizeof(of_tasks[0]); i++) {
		SAYS(managed_wait(pool, RIG_LONG, "apply", "sss", "test.echo",
			 "x", of_tasks[i]),
		    "!arguments");
	}
	SAYS(managed_wait(pool, RIG_LONG, "apply", "sss", "test.echo", "x",
		 "{\"priority\": 7, \"retries\": 0, \"hard_limit\": \"1m\"}"),
	    "x");
	SAYS(managed_wait(pool, RIG_LONG, "apply", "sp", "test.echo", pool),
	    "!arguments");
	SAYS(managed_wait(pool, RIG_LONG, "map", "sni", "test.echo", I(5)),
	    "!arguments");
	SAYS(managed_call(pool, "get", "s", "1"), "!arguments");
	SAYS(managed_call(pool, "get", "i", I(-1)), "!arguments");
	SAYS(managed_call(pool, "get", "i", I(1) << 40), "!no-task");
	SAYS(managed_call(pool, "cancel", "i", I(77)), "!no-task");
	SAYS(managed_call(pool, "resize", "ii", I(0), I(5)), "!arguments");
	SAYS(managed_call(pool, "resize", "ii", I(3), I(2)), "!arguments");
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(tasks_count_for_the_memory_of_the_manager, BY_SPAWN)
{
	static char much[300000];
	struct reeve_datum args[2] = { reeve_text("test.gate"),
		reeve_bytes(much, sizeof(much)) };
	enum reeve_status status = REEVE_OK;
	struct managed managed;
	struct reeve_proxy *pool;
	unsigned n = 0;

	managed_start(&managed, method, "{\"memory_max\": \"4MiB\"}");
	pool = shared_pool(managed.m, "{\"max\": 1}");
	/* the gate of no name is none, so each fails, and is kept */
	for (; status == REEVE_OK && n < 100; n++) {
		status = reeve_proxy_call(
		    pool, "submit", args, 2, NULL, RIG_LONG, NULL);
	}
	CU_ASSERT_EQUAL(status, REEVE_EFULL);
	CU_ASSERT_TRUE(n > 10 && n < 16);
	SAYS(managed_wait(pool, RIG_LONG, "get", "i", I(1)), "!test.Gate");
	CU_ASSERT_EQUAL(
	    reeve_proxy_call(pool, "submit", args, 2, NULL, RIG_LONG, NULL),
	    REEVE_OK);
	reeve_proxy_free(pool);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

RV_SUITE(manager_pool, RV_CASE(a_task_is_done_and_what_it_came_to_is_told),
    RV_CASE(a_report_says_of_what_a_worker_died),
    RV_CASE(scenario_82_a_get_in_vain_can_be_had_later),
    RV_CASE(results_are_had_in_any_order_while_others_run),
    RV_CASE(a_call_that_may_not_wait_leaves_no_task),
    RV_CASE(scenario_101_what_is_cancelled_ends_so),
    RV_CASE(a_map_has_a_value_for_each_item_in_order),
    RV_CASE(a_map_tells_what_became_of_each_bad_item),
    RV_CASE(a_closed_pool_does_what_it_has_and_takes_nothing),
    RV_CASE(scenario_85_a_terminated_pool_ends_all_it_had),
    RV_CASE(scenario_103_a_pool_whose_workers_cannot_begin_is_broken),
    RV_CASE(a_client_in_python_has_a_pool),
    RV_CASE(the_manual_has_the_methods_of_a_pool_and_their_numbers),
    RV_CASE(bad_options_of_a_pool_are_exact_errors),
    RV_CASE(bad_calls_of_a_pool_are_errors_and_no_more),
    RV_CASE(tasks_count_for_the_memory_of_the_manager))
