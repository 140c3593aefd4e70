/* SPDX-License-Identifier: MIT */
/* Units that are declared in C: the set, and confs made of it and of files. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "config/load.h"
#include "lib/harness.h"
#include "unit/config_said.h"

static struct rv_declared *
create(void)
{
	struct rv_declared *d = NULL;

	CU_ASSERT_EQUAL_FATAL(rv_declared_create(&d, NULL), REEVE_OK);
	return d;
}

static void
add(struct rv_declared *d, const char *path, const char *json)
{
	struct reeve_error err = { 0 };

	if (rv_declared_add(d, path, json == NULL, json, &err) != REEVE_OK) {
		printf("# %s\n", err.text);
		CU_FAIL("it is not accepted");
	}
}

static void
found(void *ctx, enum rv_finding_level level, const struct reeve_error *f)
{
	rv_buf_addf(&said, "%s ", f->where);
	said_finding(ctx, level, f);
}

static struct rv_conf *
load(struct rv_conf_source *source, const struct rv_declared *d)
{
	struct rv_conf *conf = NULL;

	rv_buf_finish(&said);
	rv_buf_init(&said, 1 << 20);
	source->declared = d;
	return rv_conf_load_source(&conf, source, found, NULL) == REEVE_OK
		   ? conf
		   : NULL;
}

static struct rv_conf *
load_alone(const struct rv_declared *d)
{
	struct rv_conf_source source = { .name = "n", .state_dir = "/s" };

	return load(&source, d);
}

/* Together with a file of this text; path: where it was. */
static struct rv_conf *
load_with(const struct rv_declared *d, const char *text, char path[64])
{
	struct rv_conf_source source = { .file = path, .state_dir = "/s" };
	struct rv_conf *conf;
	int fd;

	rv_copy(path, 64, "/tmp/reeve-declare-XXXXXX");
	fd = mkstemp(path);
	CU_ASSERT_FATAL(fd != -1);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	conf = load(&source, d);
	unlink(path);
	return conf;
}

/* -------- the set -------- */

RV_TEST(units_are_kept_in_their_order)
{
	struct rv_declared *d = create(), *copy = NULL;

	add(d, "web", NULL);
	add(d, "web/app", "{\"command\":\"x\"}");
	add(d, "db", "{\"command\":\"y\"}");
	CU_ASSERT_EQUAL(rv_declared_count(d), 3);
	CU_ASSERT_STRING_EQUAL(rv_declared_at(d, 1)->path, "web/app");
	CU_ASSERT_STRING_EQUAL(rv_declared_at(d, 0)->json, "{}");
	CU_ASSERT(rv_declared_at(d, 0)->is_supervisor);
	CU_ASSERT_PTR_NULL(rv_declared_at(d, 3));
	CU_ASSERT_EQUAL(rv_declared_find(d, "db"), 2);
	CU_ASSERT_EQUAL(rv_declared_find(d, "nodb"), 3);
	CU_ASSERT_EQUAL(rv_declared_scale(d, "web/app", 4, NULL), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(rv_declared_copy(&copy, d, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_remove(d, "web", NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_count(d), 1);
	CU_ASSERT_EQUAL(rv_declared_find(d, "db"), 0);
	CU_ASSERT_PTR_NULL(rv_declared_scaled(d, 0));
	CU_ASSERT_EQUAL(rv_declared_count(copy), 3);
	CU_ASSERT_STRING_EQUAL(rv_declared_scaled(copy, 0)->path, "web/app");
	/* by its own text */
	CU_ASSERT_EQUAL(
	    rv_declared_remove(d, rv_declared_at(d, 0)->path, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_remove(d, "db", NULL), REEVE_ENOENT);
	rv_declared_destroy(d);
	rv_declared_destroy(copy);
	rv_declared_destroy(NULL);
}

RV_TEST(what_is_removed_takes_all_below_with_it_and_nothing_else)
{
	struct rv_declared *d = create();

	add(d, "a/b/c", "{\"command\":\"x\"}");
	add(d, "ab", "{\"command\":\"x\"}");
	add(d, "a/b", NULL);
	add(d, "a", NULL);
	add(d, "a/bc", "{\"command\":\"x\"}");
	CU_ASSERT_EQUAL(rv_declared_remove(d, "a/b", NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_count(d), 3);
	CU_ASSERT_EQUAL(rv_declared_find(d, "ab"), 0);
	CU_ASSERT_EQUAL(rv_declared_find(d, "a"), 1);
	CU_ASSERT_EQUAL(rv_declared_find(d, "a/bc"), 2);
	add(d, "a/b", "{\"command\":\"x\"}");
	rv_declared_destroy(d);
}

RV_TEST(other_keys_may_take_the_place_of_those_that_are_there)
{
	struct rv_declared *d = create();
	struct reeve_error err;

	add(d, "w", "{\"command\":\"x\"}");
	CU_ASSERT_EQUAL(
	    rv_declared_replace(d, "w", "{\"command\":\"y\"}", &err), REEVE_OK);
	CU_ASSERT_STRING_EQUAL(
	    rv_declared_at(d, 0)->json, "{\"command\":\"y\"}");
	CU_ASSERT_EQUAL(
	    rv_declared_replace(d, "w", "{\"nice\":1}", &err), REEVE_ECONFIG);
	CU_ASSERT_STRING_EQUAL(
	    rv_declared_at(d, 0)->json, "{\"command\":\"y\"}");
	CU_ASSERT_EQUAL(rv_declared_replace(d, "v", "{}", &err), REEVE_ENOENT);
	CU_ASSERT_STRING_EQUAL(err.text,
	    "v is not declared from C; what a config file has changes and goes "
	    "by a reload of it");
	CU_ASSERT_EQUAL(rv_declared_replace(d, NULL, "{}", &err), REEVE_ENOENT);
	rv_declared_destroy(d);
}

static const struct {
	const char *path;
	bool is_supervisor;
	const char *json;
	enum reeve_status status;
	const char *text;
} refused[] = {
	{ NULL, true, NULL, REEVE_EINVALID, "a unit needs a path" },
	{ "", true, NULL, REEVE_EINVALID, "a unit needs a path" },
	{ "/a", true, NULL, REEVE_EINVALID, "\"/a\" is no path of a unit" },
	{ "a/", true, NULL, REEVE_EINVALID, "\"a/\" is no path of a unit" },
	{ "a//b", true, NULL, REEVE_EINVALID, "is no path of a unit: names" },
	{ "a b", true, NULL, REEVE_EINVALID, "is no path of a unit" },
	{ "a/..", true, NULL, REEVE_EINVALID, "is no path of a unit" },
	{ "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", true, NULL, REEVE_EINVALID,
	    "too deep, at most 15 levels" },
	{ "/", false, "{\"command\":\"x\"}", REEVE_EINVALID,
	    "/: the root is a supervisor" },
	{ "super", true, NULL, REEVE_EEXIST,
	    "super: declared already: remove it first, or give this "
	    "one another path" },
	{ "super", false, "{\"command\":\"x\"}", REEVE_EEXIST,
	    "super: declared already" },
	{ "worker/x", true, NULL, REEVE_EINVALID,
	    "worker/x: worker is a worker, nothing can be below it" },
	{ "w", false, "{", REEVE_ECONFIG, "w: not JSON: " },
	{ "w", false, "[]", REEVE_ECONFIG, "w: must be an object of its keys" },
	{ "w", false, NULL, REEVE_ECONFIG,
	    "w: needs a \"command\" or a \"function\": it is a worker" },
	{ "w", false, "{\"comand\":\"x\"}", REEVE_ECONFIG,
	    "w: comand: unknown key; did you mean \"command\"?" },
	{ "super/w", false, "{\"command\":\"x\",\"stopsignal\":[[\"NO\",1]]}",
	    REEVE_ECONFIG, "super/w: stopsignal[0][0]: \"NO\" is no signal" },
	{ "w", false, "{\"command\":\"x\",\"backoff\":{\"min\":true}}",
	    REEVE_ECONFIG, "w: backoff.min: must be a duration" },
	{ "w", false, "{\"command\":\"x\",\"command\":\"y\"}", REEVE_ECONFIG,
	    "w: the key \"command\" stands here twice" },
	{ "w", false, "{\"command\":\"x\",\"args\":1}", REEVE_ECONFIG,
	    "w: args: goes with a \"function\"" },
	{ "w", false, "{\"command\":\"x\",\"children\":{}}", REEVE_ECONFIG,
	    "w: children: units below are declared by their paths" },
	{ "s", true, "{\"children\":{}}", REEVE_ECONFIG,
	    "s: children: units below are declared by their paths" },
	{ "s", true, "{\"command\":\"x\"}", REEVE_ECONFIG,
	    "s: command: this key is for workers" },
	{ "s", true, "{\"name\":\"x\"}", REEVE_ECONFIG,
	    "s: name: this key is for the root" },
	{ "s", true, "{\"period\":0}", REEVE_ECONFIG,
	    "s: period: is out of range: at least 1ms" },
	{ "/", true, "{\"significant\":true}", REEVE_ECONFIG,
	    "/: significant: this key is for children" },
	{ "/", true, "{\"listen\":{\"a\":\"x\"}}", REEVE_ECONFIG,
	    "/: listen.a: \"x\" is no address" },
};

RV_TEST(what_can_be_judged_alone_is_judged_at_once)
{
	struct rv_declared *d = create();

	add(d, "super", NULL);
	add(d, "worker", "{\"command\":\"x\"}");
	for (size_t i = 0; i < RV_ARRAY_LEN(refused); i++) {
		struct reeve_error err = { 0 };

		CU_ASSERT_EQUAL(
		    rv_declared_add(d, refused[i].path,
			refused[i].is_supervisor, refused[i].json, &err),
		    refused[i].status);
		CU_ASSERT_EQUAL(err.status, refused[i].status);
		if (strstr(err.text, refused[i].text) == NULL) {
			printf("# %s\n# %s\n", refused[i].text, err.text);
		}
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, refused[i].text));
		/* nobody needs to listen */
		CU_ASSERT_EQUAL(
		    rv_declared_add(d, refused[i].path,
			refused[i].is_supervisor, refused[i].json, NULL),
		    refused[i].status);
	}
	CU_ASSERT_EQUAL(rv_declared_count(d), 2);
	rv_declared_destroy(d);
}

/* -------- confs -------- */

RV_TEST(a_tree_needs_no_file)
{
	struct rv_declared *d = create();
	struct rv_conf *conf;
	char here[256], expected[300];

	add(d, "web", NULL);
	add(d, "web/app", "{\"command\":\"./x\",\"numprocs\":2}");
	add(d, "db", "{\"function\":\"f\"}");
	add(d, "web/front", "{\"command\":\"y\",\"depends_on\":[\"app\"]}");
	conf = load_alone(d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	CU_ASSERT_PTR_NULL(conf->file);
	CU_ASSERT_STRING_EQUAL(conf->name, "n");
	CU_ASSERT_STRING_EQUAL(conf->state_dir, "/s");
	CU_ASSERT_EQUAL(conf->n_specs, 7);
	CU_ASSERT_STRING_EQUAL(conf->specs[1]->path, "web");
	CU_ASSERT_STRING_EQUAL(conf->specs[3]->path, "web/app.0");
	CU_ASSERT_STRING_EQUAL(conf->specs[6]->path, "db");
	CU_ASSERT_EQUAL(conf->specs[6]->line, 0);
	CU_ASSERT_PTR_NOT_NULL(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/./x", here);
	CU_ASSERT_STRING_EQUAL(conf->specs[3]->program->argv[0], expected);
	CU_ASSERT_STRING_EQUAL(conf->specs[6]->program->argv[0], "n: db");
	CU_ASSERT_PTR_EQUAL(rv_conf_find(conf, "web/front")->deps[0],
	    rv_conf_find(conf, "web/app"));
	CU_ASSERT_STRING_EQUAL(conf->text,
	    "{\"children\":{\"web\":{\"children\":{\"app\":{\"command\":"
	    "\"./x\",\"numprocs\":2},\"front\":{\"command\":\"y\","
	    "\"depends_on\":[\"app\"]}}},\"db\":{\"function\":\"f\"}}}");
	rv_conf_unref(conf);
	rv_declared_destroy(d);
	said_forget();
}

RV_TEST(an_empty_tree_is_a_root)
{
	struct rv_declared *d = create();
	struct rv_conf *conf = load_alone(d);

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_EQUAL(conf->n_specs, 1);
	rv_conf_unref(conf);
	conf = load_alone(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_EQUAL(conf->n_specs, 1);
	rv_conf_unref(conf);
	rv_declared_destroy(d);
	said_forget();
}

RV_TEST(without_a_file_there_must_be_a_name)
{
	struct rv_conf_source source = { .state_dir = "/s" };

	CU_ASSERT_PTR_NULL(load(&source, NULL));
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said),
	    "declared in C 0:0 error needs a \"name\": there is no file\n");
	source.name = "a b";
	CU_ASSERT_PTR_NULL(load(&source, NULL));
	CU_ASSERT(said_words("the runtime's name \"a b\" is none"));
	said_forget();
}

RV_TEST(the_file_says_its_name_before_the_source_does)
{
	struct rv_conf *conf;
	char path[64];

	conf = load_with(NULL, "{\"name\":\"mine\",\"children\":{}}", path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(conf->name, "mine");
	CU_ASSERT_STRING_EQUAL(conf->state_dir, "/s");
	CU_ASSERT_STRING_EQUAL(conf->file, path);
	rv_conf_unref(conf);
	conf = load_with(NULL,
	    "{\"name\":\"x\",\"state_dir\":\"/mine\",\"children\":{}}", path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(conf->state_dir, "/mine");
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(declared_units_stand_behind_those_of_the_file)
{
	struct rv_declared *d = create();
	struct rv_conf *conf;
	char path[64];

	add(d, "web/late", "{\"command\":\"x\",\"depends_on\":[\"early\"]}");
	add(d, "own", NULL);
	add(d, "own/w", "{\"command\":\"x\"}");
	conf = load_with(d,
	    "{\"name\":\"n\",\"defaults\":{\"nice\":3},\"children\":{\"web\":{"
	    "\"children\":{\"early\":{\"command\":\"y\"}}},\n\"z\":{"
	    "\"command\":\"z\"}}}",
	    path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	CU_ASSERT_EQUAL(conf->n_specs, 7);
	CU_ASSERT_STRING_EQUAL(conf->specs[2]->path, "web/early");
	CU_ASSERT_STRING_EQUAL(conf->specs[3]->path, "web/late");
	CU_ASSERT_STRING_EQUAL(conf->specs[4]->path, "z");
	CU_ASSERT_EQUAL(conf->specs[4]->line, 2);
	CU_ASSERT_STRING_EQUAL(conf->specs[6]->path, "own/w");
	CU_ASSERT_EQUAL(conf->specs[3]->program->nice, 3);
	CU_ASSERT_EQUAL(conf->specs[6]->program->nice, 3);
	rv_conf_unref(conf);
	rv_declared_destroy(d);
	said_forget();
}

RV_TEST(what_is_declared_in_any_order_finds_its_place)
{
	struct rv_declared *d = create();
	struct rv_conf *conf;

	add(d, "a/b/c", "{\"command\":\"x\"}");
	add(d, "a/b", NULL);
	add(d, "a", NULL);
	add(d, "a/b/d", "{\"command\":\"x\"}");
	conf = load_alone(d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_EQUAL(conf->n_specs, 5);
	CU_ASSERT_STRING_EQUAL(conf->specs[3]->path, "a/b/c");
	CU_ASSERT_STRING_EQUAL(conf->specs[4]->path, "a/b/d");
	rv_conf_unref(conf);
	rv_declared_destroy(d);
	said_forget();
}

RV_TEST(the_root_has_keys_from_both)
{
	struct rv_declared *d = create();
	struct rv_conf *conf;
	char path[64], words[256];

	add(d, "/", NULL);
	CU_ASSERT_EQUAL(rv_declared_replace(d, "/",
			    "{\"strategy\":\"one_for_all\",\"journal\":"
			    "{\"ring\":\"1MiB\"}}",
			    NULL),
	    REEVE_OK);
	conf = load_with(d, "{\"name\":\"n\",\"children\":{}}", path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_EQUAL(conf->root->policy->strategy, RV_ONE_FOR_ALL);
	CU_ASSERT_EQUAL(conf->journal.ring, 1 << 20);
	CU_ASSERT_PTR_NOT_NULL(strstr(conf->text, "one_for_all"));
	rv_conf_unref(conf);
	CU_ASSERT_PTR_NULL(load_with(d,
	    "{\"name\":\"n\",\n\"strategy\":\"one_for_one\",\"children\":{}}",
	    path));
	snprintf(words, sizeof(words),
	    "declared in C 0:0 error strategy: declared in C, and stands in "
	    "%s too, line 2\n",
	    path);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), words);
	rv_declared_destroy(d);
	said_forget();
}

RV_TEST(what_has_no_place_is_told_with_both)
{
	struct rv_declared *d = create();
	char path[64], words[1024];

	add(d, "web", NULL);
	add(d, "w/x", "{\"command\":\"x\"}");
	add(d, "no/where", NULL);
	add(d, "no/where/x", "{\"command\":\"x\"}");
	add(d, "good", "{\"command\":\"x\",\"depends_on\":[\"z\"]}");
	CU_ASSERT_PTR_NULL(load_with(d,
	    "{\"name\":\"n\",\"children\":{\"web\":{\"children\":{}},\n"
	    "\"w\":{\"command\":\"y\",\"nise\":1}}}",
	    path));
	snprintf(words, sizeof(words),
	    "%s 2:20 error children.w.nise: unknown key; did you mean "
	    "\"nice\"?\n"
	    "declared in C 0:0 error web: declared in C, and stands in %s "
	    "too, line 1\n"
	    "declared in C 0:0 error w/x: \"w\" is no supervisor in %s, line "
	    "2\n"
	    "declared in C 0:0 error no/where: there is no supervisor "
	    "\"no\"\n"
	    "declared in C 0:0 error good: depends_on[0]: there is no sibling "
	    "\"z\"; did you mean \"w\"?\n",
	    path, path, path);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), words);
	rv_declared_destroy(d);
	said_forget();
}

RV_TEST(below_a_worker_there_is_nothing)
{
	struct rv_declared *d = create();

	add(d, "w/x", "{\"command\":\"x\"}");
	add(d, "w", "{\"command\":\"x\"}");
	CU_ASSERT_PTR_NULL(load_alone(d));
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said),
	    "declared in C 0:0 error w/x: \"w\" is a worker: nothing can be "
	    "below it\n");
	rv_declared_destroy(d);
	said_forget();
}

RV_TEST(a_scale_counts_over_numprocs)
{
	struct rv_declared *d = create();
	struct rv_conf *conf;
	char path[64];

	add(d, "own", "{\"command\":\"x\",\"numprocs\":2}");
	CU_ASSERT_EQUAL(rv_declared_scale(d, "own", 3, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_scale(d, "s/f", 5, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_scale(d, "gone", 5, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    rv_declared_scale(d, "own", 10001, NULL), REEVE_EINVALID);
	CU_ASSERT_EQUAL(rv_declared_scale(d, "a//b", 1, NULL), REEVE_EINVALID);
	conf = load_with(d,
	    "{\"name\":\"n\",\"children\":{\"s\":{\"children\":{\"f\":{"
	    "\"command\":\"y\",\"numprocs\":1}}}}}",
	    path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said),
	    "declared in C 0:0 warning gone: there is no such unit to "
	    "scale\n");
	CU_ASSERT_PTR_NOT_NULL(rv_conf_find(conf, "own.2"));
	CU_ASSERT_PTR_NULL(rv_conf_find(conf, "own.3"));
	CU_ASSERT_PTR_NOT_NULL(rv_conf_find(conf, "s/f.4"));
	CU_ASSERT_PTR_NULL(rv_conf_find(conf, "s/f.5"));
	CU_ASSERT_PTR_NOT_NULL(strstr(conf->text, "\"numprocs\":5"));
	rv_conf_unref(conf);
	CU_ASSERT_EQUAL(rv_declared_scale(d, "gone", 0, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_scale(d, "s/f", 0, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_scale(d, "s", 2, NULL), REEVE_OK);
	CU_ASSERT_PTR_NULL(load_with(d,
	    "{\"name\":\"n\",\"children\":{\"s\":{\"children\":{}}}}", path));
	CU_ASSERT(said_words("s: cannot be scaled: it has no \"numprocs\"\n"));
	rv_declared_destroy(d);
	said_forget();
}

RV_TEST(what_needs_a_new_start_may_be_declared)
{
	struct rv_declared *d = create();
	struct rv_conf *was = load_alone(NULL), *is;

	add(d, "/", NULL);
	CU_ASSERT_EQUAL(rv_declared_replace(
			    d, "/", "{\"journal\":{\"ring\":\"1MiB\"}}", NULL),
	    REEVE_OK);
	is = load_alone(d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(was);
	CU_ASSERT_PTR_NOT_NULL_FATAL(is);
	rv_conf_check_fixed(was, is, found, NULL);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said),
	    "declared in C 0:0 error journal.ring: cannot change while the "
	    "runtime runs (it is \"4MiB\"); stop it and start it again\n");
	rv_conf_unref(was);
	rv_conf_unref(is);
	rv_declared_destroy(d);
	said_forget();
}

static int64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What it costs to declare, copy and load so many. */
static int64_t
cost_of(int n)
{
	struct rv_declared *d = create(), *copy = NULL;
	int64_t begin = cpu_us();
	struct rv_conf *conf;
	char path[64];

	add(d, "web", NULL);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "web/unit-%d", i);
		add(d, path,
		    "{\"function\":\"app.f\",\"args\":{\"n\":1},"
		    "\"autorestart\":true}");
	}
	CU_ASSERT_EQUAL(rv_declared_copy(&copy, d, NULL), REEVE_OK);
	conf = load_alone(copy);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_EQUAL(conf->n_specs, (uint32_t)n + 2);
	CU_ASSERT_PTR_NOT_NULL(rv_conf_find(conf, path));
	rv_conf_unref(conf);
	rv_declared_destroy(d);
	rv_declared_destroy(copy);
	return cpu_us() - begin;
}

RV_TEST(ten_thousand_units_cost_ten_times_a_thousand)
{
	int64_t few = cost_of(1000), many = cost_of(10000);

	printf("# 1000 units: %lld us, 10000 units: %lld us\n", (long long)few,
	    (long long)many);
	/* A hundred times if anything were looked for one by one. */
	CU_ASSERT(many < 40 * few);
	said_forget();
}

/* All of it once; false: it ran out of memory somewhere. */
static bool
try_all(void)
{
	struct rv_declared *d = NULL, *copy = NULL;
	struct rv_conf_source source = { .name = "n", .state_dir = "/s" };
	struct rv_conf *conf = NULL;
	enum reeve_status status;

	status = rv_declared_create(&d, NULL);
	if (status == REEVE_OK) {
		status = rv_declared_add(d, "s/w", false,
		    "{\"command\":\"x\",\"numprocs\":2}", NULL);
	}
	if (status == REEVE_OK) {
		status = rv_declared_add(d, "s", true, NULL, NULL);
	}
	if (status == REEVE_OK) {
		status = rv_declared_add(
		    d, "/", true, "{\"strategy\":\"one_for_all\"}", NULL);
	}
	if (status == REEVE_OK) {
		status = rv_declared_scale(d, "s/w", 3, NULL);
	}
	if (status == REEVE_OK) {
		status = rv_declared_replace(d, "s", "{\"period\":5}", NULL);
	}
	if (status == REEVE_OK) {
		status = rv_declared_copy(&copy, d, NULL);
	}
	if (status == REEVE_OK) {
		source.declared = copy;
		rv_buf_init(&said, 1 << 16);
		status = rv_conf_load_source(&conf, &source, found, NULL);
		if (status == REEVE_ECONFIG) {
			printf("# load %s\n", rv_buf_str(&said));
		}
		rv_buf_finish(&said);
	}
	if (status != REEVE_OK && status != REEVE_ENOMEM) {
		printf("# %s\n", reeve_status_name(status));
		CU_FAIL("another status");
	}
	CU_ASSERT_EQUAL(conf != NULL, status == REEVE_OK);
	CU_ASSERT(conf == NULL || conf->n_specs == 6);
	rv_conf_unref(conf);
	rv_declared_destroy(d);
	rv_declared_destroy(copy);
	return status == REEVE_OK;
}

RV_TEST(every_failing_allocation_while_declaring_is_survived)
{
	bool done = false;
	unsigned n = 1;

	for (; !done && n < 10000; n++) {
		char plan[32];

		snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", n);
		CU_ASSERT_TRUE_FATAL(rv_fault_set(plan));
		done = try_all();
		rv_fault_set(NULL);
	}
	CU_ASSERT(done);
	CU_ASSERT(n > 20);
}

RV_SUITE(config_declare, RV_CASE(units_are_kept_in_their_order),
    RV_CASE(what_is_removed_takes_all_below_with_it_and_nothing_else),
    RV_CASE(other_keys_may_take_the_place_of_those_that_are_there),
    RV_CASE(what_can_be_judged_alone_is_judged_at_once),
    RV_CASE(a_tree_needs_no_file), RV_CASE(an_empty_tree_is_a_root),
    RV_CASE(without_a_file_there_must_be_a_name),
    RV_CASE(the_file_says_its_name_before_the_source_does),
    RV_CASE(declared_units_stand_behind_those_of_the_file),
    RV_CASE(what_is_declared_in_any_order_finds_its_place),
    RV_CASE(the_root_has_keys_from_both),
    RV_CASE(what_has_no_place_is_told_with_both),
    RV_CASE(below_a_worker_there_is_nothing),
    RV_CASE(a_scale_counts_over_numprocs),
    RV_CASE(what_needs_a_new_start_may_be_declared),
    RV_CASE(ten_thousand_units_cost_ten_times_a_thousand),
    RV_CASE(every_failing_allocation_while_declaring_is_survived))
