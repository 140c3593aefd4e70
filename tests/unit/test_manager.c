/* SPDX-License-Identifier: MIT */
/*
 * Managers in processes of their own, by each start method, and their clients:
 * this process and members of the crew.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/memory.h>

#include "unit/manager_rig.h"

#define I(n) ((int64_t)(n))

static struct reeve_error err;

/* -------- a type of our own, an update, an initializer -------- */

static enum reeve_status
f(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_datum answer = reeve_text("f()");

	(void)state;
	(void)args;
	(void)n;
	reeve_request_answer(r, &answer);
	return REEVE_OK;
}

static enum reeve_status
g(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)state;
	(void)args;
	(void)n;
	return reeve_request_fail(
	    r, REEVE_EFAILED, "test.Value", "g has no value for %d", 7);
}

static enum reeve_status
inner_dict(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct reeve_datum reference;
	enum reeve_status status =
	    reeve_request_create(r, "dict", NULL, 0, &reference);

	(void)state;
	(void)args;
	(void)n;
	if (status == REEVE_OK) {
		reeve_request_answer(r, &reference);
	}
	return status;
}

static const struct reeve_manager_method foo_methods[] = {
	{ "f", f, 0, 0, 0, 0 },
	{ "g", g, 0, 0, 0, 0 },
	{ "_h", f, 0, 0, 0, 0 },
	{ "inner", inner_dict, 0, 0, 0, 0 },
};
static const struct reeve_manager_type foo = { .size = sizeof(foo),
	.name = "foo",
	.methods = foo_methods,
	.n_methods = 4 };
static const struct reeve_manager_type *const types[] = { &foo };

/* The old one twice; the client gets what was before. */
static enum reeve_status
twice(struct reeve_request *r, const struct reeve_datum *old,
    const struct reeve_datum *args, size_t n)
{
	struct reeve_datum new_one = reeve_int(2 * old->is.integer);

	(void)args;
	(void)n;
	reeve_request_answer(r, &new_one);
	reeve_request_answer(r, old);
	return REEVE_OK;
}

static const struct reeve_manager_update updates[] = { { "twice", twice } };

static enum reeve_status
initialize(struct reeve_manager_server *server, const struct reeve_call *call,
    struct reeve_error *why)
{
	struct reeve_datum args[2] = { reeve_text("pid"), reeve_int(getpid()) };

	(void)call;
	return reeve_manager_server_publish(
	    server, "start", "dict", args, 2, why);
}

static const struct reeve_manager_setup setup = { .size = sizeof(setup),
	.types = types,
	.n_types = 1,
	.updates = updates,
	.n_updates = 1,
	.initialize = initialize };
REEVE_MANAGER("test.manager", setup);

static enum reeve_status
cannot(struct reeve_manager_server *server, const struct reeve_call *call,
    struct reeve_error *why)
{
	(void)server;
	(void)call;
	(void)snprintf(why->text, sizeof(why->text), "cannot begin today");
	return REEVE_EFAILED;
}

static const struct reeve_manager_setup no_setup = { .size = sizeof(no_setup),
	.initialize = cannot };
REEVE_MANAGER("test.cannot", no_setup);

/* -------- scenarios -------- */

SCENARIO(scenario_116_what_is_exposed_can_be_called, BY_ALL)
{
	struct managed managed;
	struct reeve_proxy *p, *inner;

	managed_start(&managed, method, NULL);
	p = managed_new(managed.m, "foo");
	SAYS(managed_call(p, "f", ""), "f()");
	SAYS(managed_call(p, "g", ""), "!test.Value");
	SAYS(managed_call(p, "_h", ""), "!hidden");
	SAYS(managed_call(p, "k", ""), "!no-method");
	CU_ASSERT_EQUAL(
	    reeve_proxy_do(p, 3, NULL, 0, NULL, RIG_LONG, &err), REEVE_EPERM);
	CU_ASSERT_EQUAL(
	    reeve_proxy_do(p, 9, NULL, 0, NULL, RIG_LONG, &err), REEVE_ENOENT);
	CU_ASSERT_EQUAL(reeve_proxy_call(p, "g", NULL, 0, NULL, RIG_LONG, &err),
	    REEVE_EFAILED);
	CU_ASSERT_STRING_EQUAL(err.text, "test.Value: g has no value for 7");
	inner = managed_sub(p, "inner", "");
	SAYS(managed_call(inner, "set", "ss", "a", "b"), "");
	SAYS(managed_call(inner, "len", ""), "1");
	reeve_proxy_free(inner);
	reeve_proxy_free(p);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_118_it_starts_again_at_the_same_address, BY_ALL)
{
	struct managed managed;
	char args[400];

	(void)snprintf(
	    args, sizeof(args), "{\"address\": \"unix:%s/m\"}", rv_test_dir());
	for (unsigned i = 0; i < 5; i++) {
		managed_start(&managed, method, args);
		CU_ASSERT_EQUAL(
		    reeve_manager_ping(managed.m, RIG_LONG, &err), REEVE_OK);
		if (i % 2 == 0) {
			CU_ASSERT_EQUAL(managed_stop(&managed), 0);
		} else {
			managed_kill(&managed);
			CU_ASSERT_NOT_EQUAL(managed_stop(&managed), 0);
		}
	}
	(void)snprintf(
	    args, sizeof(args), "{\"address\": \"tcp:127.0.0.1:0\"}");
	managed_start(&managed, method, args);
	(void)snprintf(
	    args, sizeof(args), "{\"address\": \"%s\"}", managed.address);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
	managed_start(&managed, method, args);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_119_inner_objects_are_written_through, BY_ALL)
{
	struct managed managed;
	struct reeve_proxy *dict, *inner;

	managed_start(&managed, method, NULL);
	dict = managed_new(managed.m, "dict");
	inner = managed_new(managed.m, "dict");
	SAYS(managed_call(dict, "set", "si", "a", I(5)), "");
	SAYS(managed_call(dict, "set", "sp", "in", inner), "");
	SAYS(managed_call(dict, "items", ""), "a 5 in <dict>");
	SAYS(managed_call(inner, "set", "ss", "x", "y"), "");
	reeve_proxy_free(inner);
	inner = managed_sub(dict, "get", "s", "in");
	SAYS(managed_call(inner, "items", ""), "x y");
	SAYS(managed_call(dict, "get", "s", "none"), "!no-key");
	SAYS(managed_call(dict, "clear", ""), "");
	SAYS(managed_call(inner, "items", ""), "x y");
	reeve_proxy_free(inner);
	reeve_proxy_free(dict);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_119_dicts_do_what_dicts_do, BY_ALL)
{
	struct managed managed;
	struct reeve_proxy *d, *copy;

	managed_start(&managed, method, NULL);
	d = managed_new(managed.m, "dict");
	SAYS(managed_call(d, "update", "sisi", "a", I(1), "b", I(2)), "");
	SAYS(managed_call(d, "keys", ""), "a b");
	SAYS(managed_call(d, "values", ""), "1 2");
	SAYS(managed_call(d, "default", "si", "b", I(9)), "2");
	SAYS(managed_call(d, "default", "si", "c", I(3)), "3");
	SAYS(managed_call(d, "contains", "s", "c"), "true");
	SAYS(managed_call(d, "get", "sn", "z"), "null");
	SAYS(managed_call(d, "pop", "s", "a"), "1");
	SAYS(managed_call(d, "pop", "s", "a"), "!no-key");
	SAYS(managed_call(d, "del", "s", "c"), "");
	SAYS(managed_call(d, "len", ""), "1");
	copy = managed_sub(d, "copy", "");
	SAYS(managed_call(d, "clear", ""), "");
	SAYS(managed_call(copy, "items", ""), "b 2");
	SAYS(managed_call(copy, "add", "si", "b", I(5)), "7");
	SAYS(managed_call(copy, "add", "sd", "b", 0.5), "7.5");
	SAYS(managed_call(copy, "add", "ss", "b", "x"), "!no-number");
	SAYS(managed_call(copy, "cas", "sni", "new", I(1)), "true 1");
	SAYS(managed_call(copy, "cas", "sni", "new", I(2)), "false 1");
	SAYS(managed_call(copy, "add", "si", "fresh", I(3)), "3");
	SAYS(managed_call(copy, "get", "s", "fresh"), "3");
	SAYS(managed_call(copy, "apply", "ss", "new", "twice"), "1");
	SAYS(managed_call(copy, "get", "s", "new"), "2");
	SAYS(managed_call(copy, "apply", "ss", "new", "thrice"), "!no-update");
	reeve_proxy_free(copy);
	reeve_proxy_free(d);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_119_lists_do_what_lists_do, BY_ALL)
{
	struct managed managed;
	struct reeve_proxy *l, *inner;

	managed_start(&managed, method, NULL);
	l = managed_new(managed.m, "list");
	SAYS(managed_call(l, "extend", "iiii", I(0), I(1), I(2), I(3)), "");
	SAYS(managed_call(l, "slice", "ii", I(1), I(3)), "1 2");
	SAYS(managed_call(l, "slice", "i", I(-2)), "2 3");
	SAYS(managed_call(l, "get", "i", I(-1)), "3");
	SAYS(managed_call(l, "get", "i", I(4)), "!no-index");
	SAYS(managed_call(l, "append", "s", "x"), "");
	SAYS(managed_call(l, "insert", "is", I(1), "i"), "");
	SAYS(managed_call(l, "items", ""), "0 i 1 2 3 x");
	SAYS(managed_call(l, "set_slice", "iis", I(0), I(2), "s"), "");
	SAYS(managed_call(l, "items", ""), "s 1 2 3 x");
	SAYS(managed_call(l, "pop", ""), "x");
	SAYS(managed_call(l, "pop", "i", I(0)), "s");
	SAYS(managed_call(l, "remove", "i", I(2)), "");
	SAYS(managed_call(l, "remove", "i", I(2)), "!no-value");
	SAYS(managed_call(l, "index", "i", I(3)), "1");
	SAYS(managed_call(l, "reverse", ""), "");
	SAYS(managed_call(l, "items", ""), "3 1");
	SAYS(managed_call(l, "repeat", "i", I(2)), "");
	SAYS(managed_call(l, "sort", ""), "");
	SAYS(managed_call(l, "items", ""), "1 1 3 3");
	SAYS(managed_call(l, "count", "i", I(3)), "2");
	SAYS(managed_call(l, "add", "ii", I(0), I(9)), "10");
	SAYS(managed_call(l, "apply", "is", I(0), "twice"), "10");
	SAYS(managed_call(l, "get", "i", I(0)), "20");
	SAYS(managed_call(l, "apply", "is", I(0), "thrice"), "!no-update");
	SAYS(managed_call(l, "cas", "iii", I(-1), I(3), I(4)), "true 4");
	SAYS(managed_call(l, "cas", "iii", I(-1), I(3), I(5)), "false 4");
	SAYS(managed_call(l, "add", "ii", I(4), I(1)), "!no-index");
	SAYS(managed_call(l, "cas", "inn", I(4)), "!no-index");
	SAYS(managed_call(l, "apply", "is", I(4), "twice"), "!no-index");
	SAYS(managed_call(l, "add", "si", "x", I(1)), "!arguments");
	SAYS(managed_call(l, "repeat", "s", "x"), "!arguments");
	SAYS(managed_call(l, "items", ""), "20 1 3 4");
	inner = managed_new(managed.m, "list");
	SAYS(managed_call(l, "set", "ip", I(0), inner), "");
	SAYS(managed_call(inner, "append", "s", "later"), "");
	reeve_proxy_free(inner);
	inner = managed_sub(l, "get", "i", I(0));
	SAYS(managed_call(inner, "items", ""), "later");
	SAYS(managed_call(l, "clear", ""), "");
	SAYS(managed_call(l, "len", ""), "0");
	SAYS(managed_call(inner, "items", ""), "later");
	reeve_proxy_free(inner);
	reeve_proxy_free(l);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_121_a_queue_in_a_list_in_a_dict, BY_ALL)
{
	struct managed managed;
	struct reeve_proxy *d, *l, *q;

	managed_start(&managed, method, NULL);
	d = managed_new(managed.m, "dict");
	l = managed_new(managed.m, "list");
	q = managed_new(managed.m, "queue");
	SAYS(managed_call(l, "append", "p", q), "");
	SAYS(managed_call(d, "set", "sp", "l", l), "");
	reeve_proxy_free(q);
	reeve_proxy_free(l);
	l = managed_sub(d, "get", "s", "l");
	q = managed_sub(l, "get", "i", I(0));
	SAYS(managed_call(q, "put", "s", "one"), "");
	SAYS(managed_call(q, "put", "s", "two"), "");
	SAYS(managed_call(q, "get", ""), "one");
	SAYS(managed_call(q, "len", ""), "1");
	SAYS(managed_call(q, "task_done", ""), "");
	SAYS(managed_wait(q, REEVE_MS(20), "join", ""), "!failed");
	SAYS(managed_call(q, "lease", ""), "1 two");
	SAYS(managed_call(q, "give_back", "i", I(1)), "");
	SAYS(managed_call(q, "lease", ""), "2 two");
	SAYS(managed_call(q, "ack", "i", I(2)), "");
	SAYS(managed_call(q, "ack", "i", I(2)), "!no-lease");
	SAYS(managed_call(q, "join", ""), "");
	reeve_proxy_free(q);
	reeve_proxy_free(l);
	reeve_proxy_free(d);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_122_names_of_a_namespace, BY_ALL)
{
	struct managed managed;
	struct reeve_proxy *n;

	managed_start(&managed, method, NULL);
	n = managed_new(managed.m, "namespace");
	SAYS(managed_call(n, "set", "ss", "name", "bob"), "");
	SAYS(managed_call(n, "set", "ss", "job", "builder"), "");
	SAYS(managed_call(n, "set", "ss", "_hidden", "x"), "!hidden");
	SAYS(managed_call(n, "del", "s", "job"), "");
	SAYS(managed_call(n, "get", "s", "job"), "!no-key");
	SAYS(managed_call(n, "get", "s", "_hidden"), "!hidden");
	SAYS(managed_call(n, "items", ""), "name bob");
	reeve_proxy_free(n);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

static const struct {
	const char *args, *words;
} unfit[] = {
	{ "{\"adress\": \"x\"}", "\"adress\"; did you mean \"address\"?" },
	{ "{\"colour\": 1}", "\"colour\"; reeve-manager(7) lists them all" },
	{ "{\"snapshot\": 1}", "snapshot cannot be 1: it is a string" },
	{ "{\"memory_max\": \"5XB\"}",
	    "\"5XB\": it is a size such as \"64MiB\"" },
	{ "{\"snapshot_every\": \"soon\"}", "\"soon\": it is a time such as" },
	{ "{\"clients_max\": -1}", "-1: it is a whole number" },
	{ "{\"any_user\": \"true\"}", "\"true\": it is true or false" },
	{ "{address", "they are no JSON object" },
	{ "[]", "they are no JSON object" },
};

RV_TEST(a_setting_that_cannot_be_is_named_with_what_it_may_be)
{
	struct reeve_manager_start how = { .size = sizeof(how),
		.function = "test.manager" };
	struct managed managed;
	struct reeve_process *process = NULL;
	char address[REEVE_MANAGER_ADDRESS_MAX];

	managed_start(&managed, REEVE_METHOD_FORKSERVER, NULL);
	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		how.args = unfit[i].args;
		CU_ASSERT_EQUAL(reeve_manager_start(&process, managed.context,
				    &how, address, RIG_LONG, &err),
		    REEVE_EFAILED);
		if (strstr(err.text, unfit[i].words) == NULL) {
			(void)fprintf(stderr, "# %s\n", err.text);
			CU_FAIL("it is not named");
		}
	}
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_125_the_initializer_runs_in_the_server, BY_ALL)
{
	struct managed managed;
	struct reeve_manager_start how = { .size = sizeof(how),
		.function = "test.cannot" };
	struct reeve_process *process = NULL;
	struct reeve_proxy *d;
	char address[REEVE_MANAGER_ADDRESS_MAX], pid[20];

	managed_start(&managed, method, NULL);
	d = managed_open(managed.m, "start");
	(void)snprintf(
	    pid, sizeof(pid), "%d", reeve_process_pid(managed.process));
	SAYS(managed_call(d, "get", "s", "pid"), pid);
	CU_ASSERT_EQUAL(reeve_manager_server_pid(managed.m),
	    reeve_process_pid(managed.process));
	reeve_proxy_free(d);
	memset(&err, 0, sizeof(err));
	CU_ASSERT_EQUAL(reeve_manager_start(&process, managed.context, &how,
			    address, RIG_LONG, &err),
	    REEVE_EFAILED);
	CU_ASSERT_STRING_EQUAL(err.text, "cannot begin today");
	how.function = "test.none";
	CU_ASSERT_EQUAL(reeve_manager_start(&process, managed.context, &how,
			    address, RIG_LONG, &err),
	    REEVE_ENOENT);
	how.function = "test.manager";
	how.args = "{\"adress\": 1}";
	CU_ASSERT_EQUAL(reeve_manager_start(&process, managed.context, &how,
			    address, RIG_LONG, &err),
	    REEVE_EFAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "adress"));
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

SCENARIO(scenario_74_blocks_of_a_manager_go_with_it, BY_ALL)
{
	struct managed managed;
	struct reeve_datum bytes = reeve_int(8192);
	struct reeve_proxy *block[3];
	struct reeve_memory *memory[3];
	char name[3][64], address[300];

	(void)snprintf(address, sizeof(address), "unix:%s/none", rv_test_dir());
	CU_ASSERT_EQUAL(
	    reeve_manager_connect(&managed.m, address, NULL, RIG_LONG, &err),
	    REEVE_ENOENT);
	managed_start(&managed, method, NULL);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(reeve_proxy_create(&block[i], managed.m,
					  "block", &bytes, 1, RIG_LONG, &err),
		    REEVE_OK);
		SAYS(managed_call(block[i], "size", ""), "8192");
		(void)snprintf(name[i], sizeof(name[i]), "%s",
		    managed_call(block[i], "name", ""));
		CU_ASSERT_EQUAL_FATAL(
		    reeve_memory_find(&memory[i], name[i], &err), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_memory_size(memory[i]), 8192);
	}
	CU_ASSERT_EQUAL(kill(reeve_process_pid(managed.process), SIGINT), 0);
	CU_ASSERT_EQUAL(
	    reeve_manager_ping(managed.m, RIG_LONG, &err), REEVE_OK);
	/* one goes with its object, the others with the manager */
	for (unsigned i = 0; i < 3; i++) {
		reeve_memory_free(memory[i]);
		if (i == 0) {
			reeve_proxy_free(block[0]);
			CU_ASSERT_EQUAL(
			    reeve_manager_ping(managed.m, RIG_LONG, &err),
			    REEVE_OK);
			CU_ASSERT_EQUAL(
			    reeve_memory_find(&memory[0], name[0], &err),
			    REEVE_ENOENT);
		}
	}
	reeve_proxy_free(block[1]);
	managed_kill(&managed);
	reeve_proxy_free(block[2]);
	(void)managed_stop(&managed);
	for (unsigned i = 1; i < 3; i++) {
		CU_ASSERT_EQUAL(
		    reeve_memory_find(&memory[i], name[i], &err), REEVE_ENOENT);
	}
}

SCENARIO(sets_values_and_arrays, BY_SPAWN)
{
	struct managed managed;
	struct reeve_proxy *a, *b, *c;
	struct reeve_datum args[2] = { reeve_int(3), reeve_double(1.5) };

	managed_start(&managed, method, NULL);
	a = managed_new(managed.m, "set");
	b = managed_new(managed.m, "set");
	SAYS(managed_call(a, "add", "iis", I(1), I(2), "x"), "");
	SAYS(managed_call(b, "add", "ii", I(2), I(4)), "");
	c = managed_sub(a, "union", "p", b);
	SAYS(managed_call(c, "items", ""), "1 2 x 4");
	reeve_proxy_free(c);
	c = managed_sub(a, "intersection", "p", b);
	SAYS(managed_call(c, "items", ""), "2");
	reeve_proxy_free(c);
	c = managed_sub(a, "difference", "p", b);
	SAYS(managed_call(c, "items", ""), "1 x");
	SAYS(managed_call(c, "discard", "i", I(1)), "true");
	SAYS(managed_call(c, "discard", "i", I(1)), "false");
	SAYS(managed_call(c, "remove", "i", I(1)), "!no-key");
	reeve_proxy_free(c);
	reeve_proxy_free(b);
	reeve_proxy_free(a);
	a = managed_new(managed.m, "value");
	SAYS(managed_call(a, "get", ""), "null");
	SAYS(managed_call(a, "add", "i", I(2)), "2");
	SAYS(managed_call(a, "apply", "s", "twice"), "2");
	SAYS(managed_call(a, "apply", "s", "thrice"), "!no-update");
	SAYS(managed_call(a, "cas", "is", I(2), "then"), "false 4");
	SAYS(managed_call(a, "set", "i", I(2)), "");
	SAYS(managed_call(a, "cas", "is", I(2), "now"), "true now");
	SAYS(managed_call(a, "add", "i", I(2)), "!no-number");
	SAYS(managed_call(a, "get", ""), "now");
	reeve_proxy_free(a);
	CU_ASSERT_EQUAL(
	    reeve_proxy_create(&a, managed.m, "array", args, 2, RIG_LONG, &err),
	    REEVE_OK);
	SAYS(managed_call(a, "items", ""), "1.5 1.5 1.5");
	SAYS(managed_call(a, "add", "ii", I(2), I(1)), "2.5");
	SAYS(managed_call(a, "cas", "idi", I(2), 2.5, I(6)), "true 6");
	SAYS(managed_call(a, "apply", "is", I(2), "twice"), "6");
	SAYS(managed_call(a, "get", "i", I(2)), "12");
	SAYS(managed_call(a, "apply", "is", I(3), "twice"), "!no-index");
	SAYS(managed_call(a, "set_slice", "iss", I(1), "p", "q"), "");
	SAYS(managed_call(a, "set_slice", "iss", I(2), "p", "q"), "!no-index");
	SAYS(managed_call(a, "items", ""), "1.5 p q");
	reeve_proxy_free(a);
	CU_ASSERT_EQUAL(managed_stop(&managed), 0);
}

RV_SUITE(manager, RV_CASE(scenario_116_what_is_exposed_can_be_called),
    RV_CASE(a_setting_that_cannot_be_is_named_with_what_it_may_be),
    RV_CASE(scenario_118_it_starts_again_at_the_same_address),
    RV_CASE(scenario_119_inner_objects_are_written_through),
    RV_CASE(scenario_119_dicts_do_what_dicts_do),
    RV_CASE(scenario_119_lists_do_what_lists_do),
    RV_CASE(scenario_121_a_queue_in_a_list_in_a_dict),
    RV_CASE(scenario_122_names_of_a_namespace),
    RV_CASE(scenario_125_the_initializer_runs_in_the_server),
    RV_CASE(scenario_74_blocks_of_a_manager_go_with_it),
    RV_CASE(sets_values_and_arrays))
