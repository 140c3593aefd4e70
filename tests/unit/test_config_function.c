/* SPDX-License-Identifier: MIT */
/* Workers that are functions: names, arguments, start methods, crash_report. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/load.h"
#include "lib/harness.h"
#include "unit/config_said.h"

static struct rv_conf *
parse(const char *members)
{
	char text[4096];

	snprintf(text, sizeof(text),
	    "{\"name\":\"n\",\"state_dir\":\"/s\",\"children\":{\"w\":{%s}}}",
	    members);
	return said_parse(text);
}

static const struct rv_program *
program(const struct rv_conf *conf)
{
	return rv_conf_find(conf, "w")->program;
}

RV_TEST(a_function_has_a_title_and_comes_from_a_fork_server)
{
	struct rv_conf *conf = parse("\"function\":\"app.resize-2_x\"");
	const struct rv_program *p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	p = program(conf);
	CU_ASSERT_STRING_EQUAL(p->function, "app.resize-2_x");
	CU_ASSERT_STRING_EQUAL(p->argv[0], "n: w");
	CU_ASSERT_PTR_NULL(p->argv[1]);
	CU_ASSERT_EQUAL(p->method, RV_METHOD_FORKSERVER);
	CU_ASSERT_EQUAL(p->n_args, 0);
	CU_ASSERT_STRING_EQUAL(p->args, "");
	CU_ASSERT_FALSE(p->args_are_json);
	CU_ASSERT_FALSE(p->crash_report);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p->preload);
	CU_ASSERT_PTR_NULL(p->preload[0]);
	rv_conf_unref(conf);
	conf = parse("\"command\":\"true\",\"crash_report\":true");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	p = program(conf);
	CU_ASSERT_PTR_NULL(p->function);
	CU_ASSERT_EQUAL(p->method, RV_METHOD_SPAWN);
	CU_ASSERT(p->crash_report);
	CU_ASSERT_PTR_NULL(p->preload);
	rv_conf_unref(conf);
	said_forget();
}

/* Paths are the file's, as all are. */
static const struct {
	const char *written, *meant;
} names[] = {
	{ "f", "f" },
	{ "a.b-c_D9", "a.b-c_D9" },
	{ "m.so:fn", "/etc/reeve/m.so:fn" },
	{ "lib/m.so:_fn2", "/etc/reeve/lib/m.so:_fn2" },
	{ "/lib/m.so.1:fn", "/lib/m.so.1:fn" },
	{ "/a:b/m.so:fn", "/a:b/m.so:fn" },
	{ "%(here)s/m.so:fn", "/etc/reeve/m.so:fn" },
	{ "job.%(program_name)s", "job.w" },
};

RV_TEST(functions_are_registered_or_of_a_module)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(names); i++) {
		char members[256];
		struct rv_conf *conf;

		snprintf(members, sizeof(members), "\"function\":\"%s\"",
		    names[i].written);
		conf = parse(members);
		CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
		CU_ASSERT_STRING_EQUAL(program(conf)->function, names[i].meant);
		rv_conf_unref(conf);
	}
	said_forget();
}

static const struct {
	const char *member, *bytes;
	size_t n;
	bool json;
} arguments[] = {
	{ "\"args\": null", "null", 4, true },
	{ "\"args\": \"x\"", "\"x\"", 3, true },
	{ "\"args\": \"%(nope)s\"", "\"%(nope)s\"", 10, true },
	{ "\"args\": -1", "-1", 2, true },
	{ "\"args\": [1, {\"b\": true, \"a\": [ ]}]",
	    "[1,{\"b\":true,\"a\":[]}]", 21, true },
	{ "\"args_base64\": \"\"", "", 0, false },
	{ "\"args_base64\": \"AA==\"", "\0", 1, false },
	{ "\"args_base64\": \"YWI=\"", "ab", 2, false },
	{ "\"args_base64\": \"YWJj\"", "abc", 3, false },
	{ "\"args_base64\": \"/+8AYQ==\"", "\xff\xef\0a", 4, false },
};

RV_TEST(arguments_are_carried_as_they_are)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(arguments); i++) {
		char members[256];
		struct rv_conf *conf;
		const struct rv_program *p;

		snprintf(members, sizeof(members), "\"function\":\"f\",%s",
		    arguments[i].member);
		conf = parse(members);
		CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
		p = program(conf);
		CU_ASSERT_EQUAL_FATAL(p->n_args, arguments[i].n);
		CU_ASSERT_EQUAL(
		    memcmp(p->args, arguments[i].bytes, p->n_args + 1), 0);
		CU_ASSERT_EQUAL(p->args_are_json, arguments[i].json);
		rv_conf_unref(conf);
	}
	said_forget();
}

RV_TEST(arguments_have_a_limit)
{
	static char text[1 << 21];
	size_t n = 0;
	const size_t most = 128 << 10;

	for (size_t len = most - 2; len <= most - 1; len++) {
		struct rv_conf *conf;

		n = rv_format(text, sizeof(text),
		    "{\"state_dir\":\"/s\",\"children\":{\"w\":{\"function\":"
		    "\"f\",\"args\":\"");
		memset(text + n, 'x', len);
		rv_format(text + n + len, sizeof(text) - n - len, "\"}}}");
		conf = said_parse(text);
		CU_ASSERT_EQUAL(conf != NULL, len + 2 <= most);
		CU_ASSERT(conf != NULL ||
			  said_words("w.args: are more than 128 KiB\n"));
		rv_conf_unref(conf);
	}
	said_forget();
}

RV_TEST(a_fork_server_preloads_functions_and_modules)
{
	struct rv_conf *conf = parse(
	    "\"function\":\"f\",\"forkserver_preload\":[\"app.init\",\"m.so\","
	    "\"lib/n.so:init\",\"/x/y\"]");
	const char *const *preload;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	preload = program(conf)->preload;
	CU_ASSERT_STRING_EQUAL(preload[0], "app.init");
	CU_ASSERT_STRING_EQUAL(preload[1], "/etc/reeve/m.so");
	CU_ASSERT_STRING_EQUAL(preload[2], "/etc/reeve/lib/n.so:init");
	CU_ASSERT_STRING_EQUAL(preload[3], "/x/y");
	CU_ASSERT_PTR_NULL(preload[4]);
	rv_conf_unref(conf);
	conf = parse("\"function\":\"f\",\"forkserver_preload\":[\"g\"],"
		     "\"start_method\":\"spawn\"");
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT(said_words("warning children.w.forkserver_preload: has no "
			     "effect: its start_method is no fork server\n"));
	CU_ASSERT_PTR_NULL(program(conf)->preload);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(methods_in_defaults_are_those_of_functions)
{
	struct rv_conf *conf = said_parse(
	    "{\"state_dir\":\"/s\",\"defaults\":{\"start_method\":\"fork\","
	    "\"crash_report\":true,\"forkserver_preload\":[\"p\"]},"
	    "\"children\":{\"c\":{\"command\":\"true\"},\"f\":{\"function\":"
	    "\"f\"},\"g\":{\"function\":\"g\",\"start_method\":\"spawn\"}}}");

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	CU_ASSERT_EQUAL(
	    rv_conf_find(conf, "c")->program->method, RV_METHOD_SPAWN);
	CU_ASSERT(rv_conf_find(conf, "c")->program->crash_report);
	CU_ASSERT_EQUAL(
	    rv_conf_find(conf, "f")->program->method, RV_METHOD_FORK);
	CU_ASSERT_FALSE(rv_conf_find(conf, "f")->program->crash_report);
	CU_ASSERT_EQUAL(
	    rv_conf_find(conf, "g")->program->method, RV_METHOD_SPAWN);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(functions_beat_without_a_notify_readiness)
{
	struct rv_conf *conf =
	    parse("\"function\":\"f\",\"heartbeat\":{\"interval\":\"1s\"}");

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	CU_ASSERT_EQUAL(rv_conf_find(conf, "w")->policy->hb_interval, RV_SEC);
	CU_ASSERT_EQUAL(program(conf)->ready, RV_CHANNEL_NONE);
	rv_conf_unref(conf);
	said_forget();
}

#define COMMAND "\"command\":\"x\","
#define FN      "\"function\":\"f\","

static const struct {
	const char *members, *said;
} refused[] = {
	{ "\"function\":5", "children.w.function: must be a string, not a" },
	{ "\"function\":\"\"", "function: must not be empty\n" },
	{ "\"function\":\"a b\"",
	    "function: \"a b\" is no function: use a registered name (letters, "
	    "digits and _.-), or \"path/module.so:name\"\n" },
	{ "\"function\":\"a.so\"",
	    "names a module without its function: write \"a.so:NAME\"\n" },
	{ "\"function\":\"lib/a\"", "write \"lib/a:NAME\"\n" },
	{ "\"function\":\":f\"", "names no module before the colon\n" },
	{ "\"function\":\"a.so:\"", "\"\" is no name of a function in a" },
	{ "\"function\":\"a.so:5f\"", "\"5f\" is no name of a function" },
	{ "\"function\":\"%(program_name)s b\"", "\"w b\" is no function" },
	{ "\"functon\":\"f\"", "unknown key; did you mean \"function\"?\n" },
	{ COMMAND "\"function\":\"f\"",
	    "function: stands beside a command: a worker runs one of them\n" },
	{ COMMAND "\"args\":[1]",
	    "args: goes with a \"function\", and this worker has a "
	    "command\n" },
	{ COMMAND "\"args_base64\":\"\"", "args_base64: goes with a" },
	{ COMMAND "\"forkserver_preload\":[]", "forkserver_preload: goes wi" },
	{ COMMAND "\"start_method\":\"fork\"",
	    "start_method: \"fork\" needs a \"function\": a command is another "
	    "program, of whose process nothing would stay that was forked\n" },
	{ COMMAND "\"start_method\":\"forkserver\"",
	    "\"forkserver\" needs a \"function\"" },
	{ FN "\"start_method\":\"thread\"",
	    "\"thread\" is none of \"spawn\", \"fork\", \"forkserver\"\n" },
	{ FN "\"args\":1,\"args_base64\":\"\"",
	    "args_base64: stands beside \"args\": a function gets one of "
	    "them\n" },
	{ FN "\"args_base64\":\"YQ\"", "args_base64: is no base64: A-Z a-z" },
	{ FN "\"args_base64\":\"YQ=\"", "is no base64" },
	{ FN "\"args_base64\":\"Y===\"", "is no base64" },
	{ FN "\"args_base64\":\"YR==\"", "is no base64" },
	{ FN "\"args_base64\":\"Y Q=\"", "is no base64" },
	{ FN "\"args_base64\":\"====\"", "is no base64" },
	{ FN "\"args_base64\":7", "must be a string, not a number" },
	{ FN "\"crash_report\":true",
	    "crash_report: is for commands: a function reports its crashes "
	    "without it\n" },
	{ FN "\"crash_report\":1", "must be true or false" },
	{ FN "\"forkserver_preload\":\"x\"",
	    "must be an array of functions and modules\n" },
	{ FN "\"forkserver_preload\":[1]",
	    "forkserver_preload[0]: must be a string" },
	{ FN "\"forkserver_preload\":[\"a b\"]", "\"a b\" is no function" },
	{ FN "\"children\":{}",
	    "has children and a command or function: it is a supervisor or a "
	    "worker, not both\n" },
	{ "\"nice\":1",
	    "needs a \"command\" or \"function\" (a worker), or \"children\" "
	    "(a supervisor)\n" },
};

RV_TEST(each_mistake_about_a_function_has_its_own_words)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(refused); i++) {
		CU_ASSERT_PTR_NULL(parse(refused[i].members));
		CU_ASSERT(said_words(refused[i].said));
		if (strchr(rv_buf_str(&said), '\n') !=
		    rv_buf_str(&said) + said.len - 1) {
			printf("# %s", rv_buf_str(&said));
		}
		/* and is told once */
		CU_ASSERT_PTR_EQUAL(strchr(rv_buf_str(&said), '\n'),
		    rv_buf_str(&said) + said.len - 1);
	}
	CU_ASSERT_PTR_NULL(
	    said_parse("{\"defaults\":{\"function\":\"f\",\"args\":1,"
		       "\"args_base64\":\"\"},\"children\":{}}"));
	CU_ASSERT(said_words("defaults.function: is each worker's own"));
	CU_ASSERT(said_words("defaults.args: is each worker's own"));
	CU_ASSERT(said_words("defaults.args_base64: is each worker's own"));
	said_forget();
}

static const char *const differences[] = {
	"\"function\":\"g\"",
	"\"function\":\"f\",\"args\":1",
	"\"function\":\"f\",\"args\":2",
	"\"function\":\"f\",\"args\":\"\"",
	"\"function\":\"f\",\"args_base64\":\"MQ==\"",
	"\"function\":\"f\",\"start_method\":\"spawn\"",
	"\"function\":\"f\",\"start_method\":\"fork\"",
	"\"function\":\"f\",\"forkserver_preload\":[\"a\"]",
	"\"function\":\"f\",\"forkserver_preload\":[\"a\",\"b\"]",
	"\"command\":\"f\"",
	"\"command\":\"f\",\"crash_report\":true",
};

RV_TEST(a_reload_sees_what_differs_of_a_function)
{
	uint64_t seen[RV_ARRAY_LEN(differences) + 1];
	struct rv_conf *conf = parse("\"function\":\"f\"");
	size_t n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	seen[n++] = rv_conf_find(conf, "w")->program_digest;
	rv_conf_unref(conf);
	for (size_t i = 0; i < RV_ARRAY_LEN(differences); i++) {
		conf = parse(differences[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
		seen[n] = rv_conf_find(conf, "w")->program_digest;
		for (size_t j = 0; j < n; j++) {
			CU_ASSERT_NOT_EQUAL(seen[j], seen[n]);
		}
		n++;
		rv_conf_unref(conf);
	}
	said_forget();
}

/* -------- which functions there are -------- */

static enum reeve_status
find(void *ctx, const char *name)
{
	(void)ctx;
	if (strcmp(name, "app.twice") == 0) {
		return REEVE_EEXIST;
	}
	return strcmp(name, "app.resize") == 0 ? REEVE_OK : REEVE_ENOENT;
}

static const char *
name_at(void *ctx, unsigned i)
{
	(void)ctx;
	return i == 0 ? "app.resize" : i == 1 ? "app.twice" : NULL;
}

static const struct {
	enum rv_functions_rule rule;
	const char *keys, *said; /* "": nothing */
} known[] = {
	{ RV_FUNCTIONS_ANY, "\"function\":\"x\"",
	    "warning w: function: whether a function \"x\" is registered "
	    "cannot be told here: only the program that has it knows, and "
	    "reeve run has none\n" },
	{ RV_FUNCTIONS_ANY, "\"function\":\"/x.so:f\"", "" },
	{ RV_FUNCTIONS_NONE, "\"function\":\"x\"",
	    "error w: function: \"x\" is a function of some program, and this "
	    "one has none: name one of a module, \"path/module.so:NAME\", or "
	    "let the program that registers it run this\n" },
	{ RV_FUNCTIONS_NONE, "\"function\":\"/x.so:f\"", "" },
	{ RV_FUNCTIONS_NONE,
	    "\"function\":\"/x.so:f\",\"forkserver_preload\":[\"/x.so\",\"y\"]",
	    "error w: forkserver_preload[1]: \"y\" is a function of some" },
	{ RV_FUNCTIONS_KNOWN, "\"function\":\"app.resize\"", "" },
	{ RV_FUNCTIONS_KNOWN, "\"function\":\"/x.so:f\"", "" },
	{ RV_FUNCTIONS_KNOWN, "\"function\":\"app.resiez\"",
	    "no function \"app.resiez\" is registered; did you mean "
	    "\"app.resize\"?\n" },
	{ RV_FUNCTIONS_KNOWN, "\"function\":\"other\"",
	    "no function \"other\" is registered in this program "
	    "(REEVE_FUNCTION)\n" },
	{ RV_FUNCTIONS_KNOWN, "\"function\":\"app.twice\"",
	    "the function \"app.twice\" is registered twice in this "
	    "program" },
};

/* What is said of a declared worker with these keys. */
static void
load(const struct rv_conf_source *base, const char *keys, struct rv_conf **conf)
{
	struct rv_conf_source source = *base;
	struct rv_declared *d = NULL;

	rv_buf_finish(&said);
	rv_buf_init(&said, 1 << 20);
	CU_ASSERT_EQUAL_FATAL(rv_declared_create(&d, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_add(d, "w", false, keys, NULL), REEVE_OK);
	source.name = "n";
	source.state_dir = "/s";
	source.declared = d;
	*conf = NULL;
	if (rv_conf_load_source(conf, &source, said_finding, NULL) !=
	    REEVE_OK) {
		*conf = NULL;
	}
	rv_declared_destroy(d);
}

RV_TEST(names_of_functions_are_judged_by_who_runs_them)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(known); i++) {
		struct rv_functions functions = { .rule = known[i].rule,
			.find = find,
			.name = name_at,
			.has_main = true };
		struct rv_conf_source source = { .functions = &functions };
		struct rv_conf *conf;
		char keys[256];

		snprintf(keys, sizeof(keys), "{%s}", known[i].keys);
		load(&source, keys, &conf);
		CU_ASSERT_EQUAL(
		    conf != NULL, strstr(rv_buf_str(&said), "error") == NULL);
		CU_ASSERT(said_words(known[i].said));
		CU_ASSERT_EQUAL(said.len == 0, known[i].said[0] == '\0');
		rv_conf_unref(conf);
	}
	said_forget();
}

static const char *
no_name(void *ctx, unsigned i)
{
	(void)ctx;
	(void)i;
	return NULL;
}

RV_TEST(a_program_without_functions_says_so)
{
	struct rv_functions functions = { .rule = RV_FUNCTIONS_KNOWN,
		.find = find,
		.name = no_name,
		.has_main = true };
	struct rv_conf_source source = { .functions = &functions };
	struct rv_conf *conf;

	load(&source, "{\"function\":\"x\"}", &conf);
	CU_ASSERT_PTR_NULL(conf);
	CU_ASSERT(said_words("\"x\" is a function of some program, and this "
			     "one has none: name one of a module"));
	said_forget();
}

RV_TEST(without_the_guard_a_program_can_only_be_forked)
{
	static const struct {
		const char *keys, *said;
	} cases[] = {
		{ "{\"function\":\"app.resize\"}",
		    "w: function: cannot be started by \"forkserver\": this "
		    "program's main must call reeve_main first, or "
		    "start_method be \"fork\"\n" },
		{ "{\"function\":\"app.resize\",\"start_method\":\"spawn\"}",
		    "cannot be started by \"spawn\"" },
		{ "{\"function\":\"app.resize\",\"start_method\":\"fork\"}",
		    "" },
		{ "{\"function\":\"other\"}",
		    "w: function: no function \"other\" is registered in "
		    "this program (REEVE_FUNCTION)\n" },
		{ "{\"function\":\"/x.so:f\"}", "" },
		{ "{\"command\":\"x\"}", "" },
	};
	struct rv_functions functions = { .rule = RV_FUNCTIONS_KNOWN,
		.find = find };
	struct rv_conf_source source = { .functions = &functions };

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		struct rv_conf *conf;

		load(&source, cases[i].keys, &conf);
		CU_ASSERT(said_words(cases[i].said));
		CU_ASSERT_EQUAL(conf != NULL, cases[i].said[0] == '\0');
		rv_conf_unref(conf);
	}
	said_forget();
}

RV_TEST(a_host_may_say_by_which_method_functions_start)
{
	static const enum rv_method methods[] = { RV_METHOD_SPAWN,
		RV_METHOD_FORK, RV_METHOD_FORKSERVER };

	for (size_t i = 0; i < RV_ARRAY_LEN(methods); i++) {
		struct rv_conf_source source = { .has_method = true,
			.default_method = methods[i] };
		struct rv_conf *conf;

		load(&source, "{\"function\":\"f\"}", &conf);
		CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
		CU_ASSERT_EQUAL(program(conf)->method, methods[i]);
		rv_conf_unref(conf);
		load(&source,
		    "{\"function\":\"f\",\"start_method\":\"forkserver\"}",
		    &conf);
		CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
		CU_ASSERT_EQUAL(program(conf)->method, RV_METHOD_FORKSERVER);
		rv_conf_unref(conf);
	}
	said_forget();
}

RV_TEST(every_failing_allocation_about_a_function_is_survived)
{
	said_without_memory(
	    "{\"state_dir\":\"/s\",\"children\":{\"a\":{\"function\":"
	    "\"x\",\"args\":{\"a\":[1,2]},\"forkserver_preload\":"
	    "[\"a.so\",\"b\"]},\"b\":{\"function\":\"m.so:f\","
	    "\"args_base64\":\"YWJj\",\"numprocs\":2}}}");
}

RV_SUITE(config_function,
    RV_CASE(a_function_has_a_title_and_comes_from_a_fork_server),
    RV_CASE(functions_are_registered_or_of_a_module),
    RV_CASE(arguments_are_carried_as_they_are), RV_CASE(arguments_have_a_limit),
    RV_CASE(a_fork_server_preloads_functions_and_modules),
    RV_CASE(methods_in_defaults_are_those_of_functions),
    RV_CASE(functions_beat_without_a_notify_readiness),
    RV_CASE(each_mistake_about_a_function_has_its_own_words),
    RV_CASE(a_reload_sees_what_differs_of_a_function),
    RV_CASE(names_of_functions_are_judged_by_who_runs_them),
    RV_CASE(a_program_without_functions_says_so),
    RV_CASE(without_the_guard_a_program_can_only_be_forked),
    RV_CASE(a_host_may_say_by_which_method_functions_start),
    RV_CASE(every_failing_allocation_about_a_function_is_survived))
