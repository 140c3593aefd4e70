/* SPDX-License-Identifier: MIT */
/* Configs that are refused: each mistake in its own words, once, in order. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "config/load.h"
#include "lib/harness.h"
#include "unit/config_said.h"

static const struct {
	const char *text, *said;
} refused[] = {
	{ "", "1:1 error not JSON" },
	{ "[]", "1:1 error must be an object" },
	{ "{\"children\":{},}", "error not JSON" },
	{ "{\"children\":{}\n ,\n }",
	    "2:2 error not JSON: a comma too many before }\n" },
	{ "{\"children\":{\"a\":{\"command\":[\"x\",]}}}",
	    "1:33 error not JSON: a comma too many before ]\n" },
	{ "{\"children\":{\"a\":{\"comand\":\"x\"}}}",
	    "1:19 error children.a.comand: unknown key; did you mean "
	    "\"command\"?\n" },
	{ "{\"childern\":{}}",
	    "1:2 error childern: unknown key; did you mean \"children\"?\n" },
	{ "{\"children\":{\"a\":{\"childern\":{}}}}",
	    "unknown key; did you mean \"children\"?\n" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"priority\":5}}}",
	    "children.a.priority: unknown key; here it is depends_on, or " },
	{ "{\"programs\":{}}", "unknown key; here it is children\n" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"heartbeat\":\"1s\"}}}",
	    "must be an object, such as {\"interval\": \"1s\"}\n" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"limits\":{\"openfiles\":"
	  "1}}}}",
	    "no such limit; there are: as core cpu data fsize locks" },
	{ "{\"children\":{},\"name\":\"a b\"}", "name: \"a b\" is no name" },
	{ "{\n  \"nam\": 1, \"children\": {}}",
	    "2:3 error nam: unknown key; did you mean \"name\"?" },
	{ "{\"children\":{\"a\":{\"command\":\"x\"},\n"
	  "\"a\":{\"command\":\"y\"}}}",
	    "2:1 error children: the key \"a\" stands here twice; the first "
	    "is in line 1" },
	{ "{}", "needs \"children\"" },
	{ "{\"children\":{\"a\":{}}}", "children.a: needs a \"command\"" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"children\":{}}}}",
	    "has children and a command" },
	{ "{\"children\":{\"a/b\":{\"command\":\"x\"}}}",
	    "\"a/b\" is no name" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"strategy\":"
	  "\"one_for_all\"}}}",
	    "this key is for supervisors" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"state_dir\":\"/x\"}}}",
	    "this key is for the root" },
	{ "{\"command\":\"x\",\"children\":{}}", "this key is for workers" },
	{ "{\"defaults\":{\"command\":\"x\"},\"children\":{}}",
	    "defaults.command: is each worker's own" },
	{ "{\"children\":{\"a\":{\"command\":[]}}}", "at least one" },
	{ "{\"children\":{\"a\":{\"command\":\"\"}}}", "must not be empty" },
	{ "{\"children\":{\"a\":{\"command\":\"  \"}}}", "it has no word" },
	{ "{\"children\":{\"a\":{\"command\":\"x 'y\"}}}",
	    "a ' is not closed" },
	{ "{\"children\":{\"a\":{\"command\":\"x | y\"}}}",
	    "it needs a shell" },
	{ "{\"children\":{\"a\":{\"command\":\"x %(nope)s\"}}}",
	    "%(nope)s is not known here" },
	{ "{\"children\":{\"a\":{\"command\":\"x 5%\"}}}",
	    "a % begins no expression" },
	{ "{\"children\":{\"a\":{\"command\":\"%(ENV_REEVE_NONE)s\"}}}",
	    "the variable REEVE_NONE is not set" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"user\":\"no-such-u\"}}}",
	    "no such user: no-such-u" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"group\":\"no-such-g\"}}}",
	    "no such group: no-such-g" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"umask\":\"9\"}}}",
	    "must be octal" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"exitcodes\":[0,256]}}}",
	    "exitcodes[1]: 256 is out of range" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"stopsignal\":\"NO\"}}}",
	    "is no signal" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"stopsignal\":[[\"INT\"]]"
	  "}}}",
	    "must be a step" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"ready\":{\"fd\":2}}}}",
	    "2 is out of range" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"ready\":{\"tcp\":\"x\"}}}"
	  "}",
	    "ready.tcp: not built yet" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"heartbeat\":{}}}}",
	    "needs an \"interval\"" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"limits\":{\"nofil\":1}}}"
	  "}",
	    "did you mean \"nofile\"?" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"limits\":{\"core\":{"
	  "\"soft\":2,\"hard\":1}}}}}",
	    "soft must not be above hard" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"backoff\":{\"min\":\"2s\""
	  ",\"max\":\"1s\"}}}}",
	    "must not be below min" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"environment\":{\"A=B\":"
	  "\"\"}}}}",
	    "has no = and is not empty" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"depends_on\":[\"a\"]}}}",
	    "a unit cannot depend on itself" },
	{ "{\"children\":{\"app\":{\"command\":\"x\",\"depends_on\":[\"dbx\"]},"
	  "\"db\":{\"command\":\"x\"}}}",
	    "there is no sibling \"dbx\"; did you mean \"db\"?" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"depends_on\":[\"/b/c\"]}}"
	  "}",
	    "there is no unit /b/c" },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"depends_on\":[\"b\"]},"
	  "\"b\":{\"command\":\"x\",\"depends_on\":[\"c\"]},"
	  "\"c\":{\"command\":\"x\",\"depends_on\":[\"a\"]}}}",
	    "a circle of waiting: a -> b -> c -> a" },
	{ "{\"children\":{\"s\":{\"children\":{\"a\":{\"command\":\"x\","
	  "\"depends_on\":[\"/s\"]}}}}}",
	    "a circle of waiting: s" },
	{ "{\"strategy\":\"one_for_all\",\"children\":{\"a\":{\"command\":\"x\""
	  ",\"depends_on\":[\"b\"]},\"b\":{\"command\":\"x\"}}}",
	    "\"b\" stands behind \"a\"" },
	{ "{\"strategy\":\"one_for_all\",\"children\":{\"s\":{\"children\":{"
	  "\"x\":{\"command\":\"x\",\"depends_on\":[\"/t\"]}}},\"t\":{"
	  "\"command\":\"x\"}}}",
	    "a circle of waiting: " },
	{ "{\"children\":{\"a\":{\"command\":\"x\",\"significant\":true,"
	  "\"autorestart\":false}}}",
	    "needs auto_shutdown in its supervisor" },
	{ "{\"auto_shutdown\":\"any_significant\",\"children\":{\"a\":{"
	  "\"command\":\"x\",\"significant\":true,\"autorestart\":true}}}",
	    "cannot be significant" },
	{ "{\"children\":{\"a.0\":{\"command\":\"x\"},\"a\":{\"command\":\"x\","
	  "\"numprocs\":2}}}",
	    "there are two units with the path a.0" },
};

RV_TEST(each_mistake_has_its_own_words)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(refused); i++) {
		CU_ASSERT_PTR_NULL(said_parse(refused[i].text));
		CU_ASSERT(said_words(refused[i].said));
	}
	said_forget();
}

RV_TEST(one_mistake_is_told_once)
{
	static const char *const texts[] = {
		"{\"children\":{\"a\":{\"comand\":\"x\"}}}",
		"{\"children\":{\"a\":{\"childern\":{}}}}",
		"{\"childern\":{}}",
		"{\"children\":{\"a\":{\"command\":\"\"}}}",
		"{\"children\":{\"a\":{\"command\":[\"\"]}}}",
		"{\"children\":{\"a\":{\"cmd\":\"x\"}}}",
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(texts); i++) {
		const char *got, *line_end;

		CU_ASSERT_PTR_NULL(said_parse(texts[i]));
		got = rv_buf_str(&said);
		line_end = strchr(got, '\n');
		CU_ASSERT_PTR_NOT_NULL_FATAL(line_end);
		if (line_end[1] != '\0') {
			printf("# %s: %s", texts[i], got);
		}
		CU_ASSERT_EQUAL(line_end[1], '\0');
	}
	said_forget();
}

RV_TEST(all_errors_of_a_file_come_at_once_in_its_order)
{
	CU_ASSERT_PTR_NULL(
	    said_parse("{ \"children\": {\n"
		       "\"a\": { \"command\": \"x\", \"nice\": 99 },\n"
		       "\"b\": { \"command\": \"x\", \"user\": \"nox\" },\n"
		       "\"c\": { \"comand\": \"x\" },\n"
		       "\"d\": { \"command\": \"x\",\n"
		       "\"depends_on\": [\"e\"], \"umask\": 1 }\n"
		       "}, \"zeal\": 1 }"));
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said),
	    "2:24 error children.a.nice: 99 is out of range: from -20 to 19\n"
	    "3:24 error children.b.user: no such user: nox\n"
	    "4:8 error children.c.comand: unknown key; did you mean "
	    "\"command\"?\n"
	    "6:16 error children.d.depends_on[0]: there is no sibling \"e\"; "
	    "did you mean \"a\"?\n"
	    "6:22 error children.d.umask: must be octal digits as a string, "
	    "like \"022\"\n"
	    "7:4 error zeal: unknown key; reeve.conf(5) lists them all\n");
	said_forget();
}

RV_SUITE(config_flaws, RV_CASE(each_mistake_has_its_own_words),
    RV_CASE(one_mistake_is_told_once),
    RV_CASE(all_errors_of_a_file_come_at_once_in_its_order))
