/* SPDX-License-Identifier: MIT */
/* Pools in a config: what may be said of them, and what the host is given. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/declare.h"
#include "config/load.h"
#include "lib/harness.h"
#include "unit/config_said.h"

/* A tree with these children. */
static struct rv_conf *
parse(const char *children)
{
	char text[4096];

	snprintf(text, sizeof(text),
	    "{\"name\":\"n\",\"state_dir\":\"/s\",\"children\":{%s}}",
	    children);
	return said_parse(text);
}

/* The same by a host with this rule and these units of its own. */
static struct rv_conf *
load(const char *children, enum rv_pools_rule rule,
    const struct rv_declared *declared)
{
	const struct rv_conf_source source = {
		.file = "/etc/n.json",
		.declared = declared,
		.pools = rule,
	};
	struct rv_conf *conf = NULL;
	char text[4096];

	said_forget();
	rv_buf_init(&said, 65536);
	snprintf(text, sizeof(text),
	    "{\"name\":\"n\",\"state_dir\":\"/s\",\"children\":{%s}}",
	    children);
	return rv_conf_parse_source(&conf, &source, text, strlen(text),
		   said_finding, NULL) == REEVE_OK
		   ? conf
		   : NULL;
}

RV_TEST(a_pool_is_a_place_in_the_tree_and_a_wish)
{
	struct rv_conf *conf = parse("\"web\":{\"children\":{\"thumbs\":{"
				     "\"pool\":{\"function\":\"t.so:f\"}}}}");
	const struct rv_pool_conf *pool;
	const struct rv_spec *spec;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&said), "");
	spec = rv_conf_find(conf, "web/thumbs");
	CU_ASSERT_PTR_NOT_NULL_FATAL(spec);
	CU_ASSERT_EQUAL(spec->policy->kind, RV_SUPERVISOR);
	CU_ASSERT(spec->instances);
	CU_ASSERT_PTR_NULL(spec->first_child);
	pool = conf->pools;
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	CU_ASSERT_PTR_NULL(pool->next);
	CU_ASSERT_STRING_EQUAL(pool->path, "web/thumbs");
	CU_ASSERT_PTR_NOT_NULL(strstr(pool->function, "/t.so:f"));
	CU_ASSERT_EQUAL(pool->function[0], '/');
	CU_ASSERT_PTR_NULL(pool->initializer);
	CU_ASSERT_PTR_NULL(pool->args);
	CU_ASSERT_EQUAL(pool->min, 0);
	CU_ASSERT_EQUAL(pool->max, 0);
	CU_ASSERT_EQUAL(pool->idle_timeout, 10 * RV_SEC);
	CU_ASSERT_EQUAL(pool->grow_after, 10 * RV_MS);
	CU_ASSERT_EQUAL(pool->max_waiting, 10000);
	CU_ASSERT(!pool->spill);
	CU_ASSERT_EQUAL(pool->backoff, 100 * RV_MS);
	CU_ASSERT_EQUAL(pool->hard_limit, 0);
	CU_ASSERT_STRING_EQUAL(pool->worker, "{}");
	CU_ASSERT(conf->pools_digest != 0);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(all_that_is_said_of_a_pool_reaches_the_host)
{
	struct rv_conf *conf = parse(
	    "\"db\":{\"command\":\"true\"},\"p\":{\"pool\":{\"function\":"
	    "\"app.f\",\"initializer\":\"app.init\",\"args\":{\"a\":[1]},"
	    "\"min\":2,\"max\":8,\"idle_timeout\":\"1m\",\"grow_after\":0.5,"
	    "\"max_tasks\":7,\"max_memory\":\"1MiB\",\"max_waiting\":9,"
	    "\"full\":\"spill\",\"soft_limit\":1,\"hard_limit\":\"2s\","
	    "\"retries\":3,\"backoff\":\"1s\"},\"limits\":{\"nofile\":64},"
	    "\"depends_on\":[\"db\"]},\"q\":{\"pool\":{\"function\":\"g\"},"
	    "\"start_method\":\"fork\",\"environment\":{\"A\":\"%(here)s\","
	    "\"B\":\"\"}},\"after\":{\"command\":\"true\","
	    "\"depends_on\":[\"p\"]}");
	const struct rv_pool_conf *pool;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	pool = conf->pools;
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	CU_ASSERT_STRING_EQUAL(pool->path, "p");
	CU_ASSERT_STRING_EQUAL(pool->function, "app.f");
	CU_ASSERT_STRING_EQUAL(pool->initializer, "app.init");
	CU_ASSERT_STRING_EQUAL(pool->args, "{\"a\":[1]}");
	CU_ASSERT_EQUAL(pool->min, 2);
	CU_ASSERT_EQUAL(pool->max, 8);
	CU_ASSERT_EQUAL(pool->idle_timeout, 60 * RV_SEC);
	CU_ASSERT_EQUAL(pool->grow_after, 500 * RV_MS);
	CU_ASSERT_EQUAL(pool->max_tasks, 7);
	CU_ASSERT_EQUAL(pool->max_memory, 1 << 20);
	CU_ASSERT_EQUAL(pool->max_waiting, 9);
	CU_ASSERT(pool->spill);
	CU_ASSERT_EQUAL(pool->soft_limit, RV_SEC);
	CU_ASSERT_EQUAL(pool->hard_limit, 2 * RV_SEC);
	CU_ASSERT_EQUAL(pool->retries, 3);
	CU_ASSERT_EQUAL(pool->backoff, RV_SEC);
	CU_ASSERT_STRING_EQUAL(pool->worker,
	    "{\"limits\":{\"nofile\":64},\"depends_on\":[\"db\"]}");
	CU_ASSERT_EQUAL(rv_conf_find(conf, "p")->n_deps, 1);
	CU_ASSERT_EQUAL(rv_conf_find(conf, "after")->n_deps, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool->next);
	CU_ASSERT_STRING_EQUAL(pool->next->path, "q");
	CU_ASSERT_STRING_EQUAL(
	    pool->next->worker, "{\"start_method\":\"fork\"}");
	CU_ASSERT_PTR_NULL(pool->environment[0]);
	CU_ASSERT_STRING_EQUAL(pool->next->environment[0], "A=%(here)s");
	CU_ASSERT_STRING_EQUAL(pool->next->environment[1], "B=");
	CU_ASSERT_PTR_NULL(pool->next->environment[2]);
	rv_conf_unref(conf);
	said_forget();
}

static const struct {
	const char *children, *words;
} wrong[] = {
	{ "\"p\":{\"pool\":{}}",
	    "error children.p.pool: needs a \"function\"" },
	{ "\"p\":{\"pool\":3}",
	    "must be an object, such as {\"function\": \"thumbs.so:resize\"}" },
	{ "\"p\":{\"pool\":{\"function\":\"f\",\"min\":3,\"max\":2}}",
	    "children.p.pool.min: is more than \"max\"" },
	{ "\"p\":{\"pool\":{\"function\":\"f\",\"min\":0}}",
	    "children.p.pool.min: " },
	{ "\"p\":{\"pool\":{\"function\":\"f\"},\"command\":\"true\"}",
	    "children.p.command: does not go with a \"pool\"" },
	{ "\"p\":{\"pool\":{\"function\":\"f\"},\"function\":\"f\"}",
	    "children.p.function: does not go with a \"pool\"" },
	{ "\"p\":{\"pool\":{\"function\":\"f\"},\"numprocs\":2}",
	    "children.p.numprocs: does not go with a \"pool\"" },
	{ "\"p\":{\"pool\":{\"function\":\"f\"},\"ready\":\"notify\"}",
	    "children.p.ready: does not go with a \"pool\"" },
	{ "\"p\":{\"pool\":{\"function\":\"f\"},\"children\":{}}",
	    "children.p.children: this key is for supervisors" },
	{ "\"p\":{\"pool\":{\"function\":\"f\",\"mni\":2}}",
	    "children.p.pool.mni: unknown key; did you mean \"min\"?" },
	{ "\"p\":{\"pool\":{\"function\":\"t.so\"}}",
	    "names a module without its function" },
	{ "\"p\":{\"pool\":{\"function\":\"f\"},\"user\":\"no body\"}",
	    "children.p.user: " },
	{ "\"p\":{\"pool\":{\"function\":\"f\"},\"depends_on\":[\"x\"]}",
	    "there is no sibling \"x\"" },
	{ "\"p\":{\"pool\":{\"function\":\"f\",\"full\":\"block\"}}",
	    "children.p.pool.full: " },
};

RV_TEST(what_a_pool_cannot_be_is_told_where_it_stands)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(wrong); i++) {
		struct rv_conf *conf = parse(wrong[i].children);

		CU_ASSERT_PTR_NULL(conf);
		CU_ASSERT(said_words(wrong[i].words));
		rv_conf_unref(conf);
	}
	said_forget();
	CU_ASSERT_PTR_NULL(said_parse("{\"defaults\":{\"pool\":{\"function\":"
				      "\"f\"}},\"children\":{}}"));
	CU_ASSERT(said_words("defaults.pool: is each worker's own"));
	said_forget();
}

#define POOL "\"p\":{\"pool\":{\"function\":\"f\",\"max\":2}}"

RV_TEST(a_host_without_pools_refuses_them_by_name)
{
	struct rv_conf *conf = load(POOL, RV_POOLS_NONE, NULL);

	CU_ASSERT_PTR_NULL(conf);
	CU_ASSERT(said_words("children.p.pool: this program has no pools: "));
	conf = load("\"w\":{\"command\":\"true\"}", RV_POOLS_NONE, NULL);
	CU_ASSERT_PTR_NOT_NULL(conf);
	CU_ASSERT_EQUAL(conf->pools_digest, 0);
	rv_conf_unref(conf);
	conf = load(POOL, RV_POOLS_TAKEN, NULL);
	CU_ASSERT_PTR_NOT_NULL(conf);
	rv_conf_unref(conf);
	said_forget();
}

RV_TEST(what_the_host_declares_at_its_place_are_its_workers)
{
	struct rv_declared *declared = NULL;
	struct reeve_error err;
	struct rv_conf *conf;

	CU_ASSERT_EQUAL_FATAL(rv_declared_create(&declared, &err), REEVE_OK);
	CU_ASSERT_EQUAL(rv_declared_add(declared, "p", false,
			    "{\"function\":\"w\",\"numprocs\":2,"
			    "\"depends_on\":[\"db\"]}",
			    &err),
	    REEVE_OK);
	conf = load(
	    POOL ",\"db\":{\"command\":\"true\"}", RV_POOLS_TAKEN, declared);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rv_conf_find(conf, "p.1"));
	CU_ASSERT_STRING_EQUAL(
	    rv_conf_find(conf, "p.1")->program->function, "w");
	CU_ASSERT_EQUAL(rv_conf_find(conf, "p")->n_deps, 1);
	CU_ASSERT_STRING_EQUAL(conf->root->first_child->name, "p");
	CU_ASSERT_STRING_EQUAL(conf->pools->path, "p");
	CU_ASSERT_STRING_EQUAL(conf->pools->function, "f");
	rv_conf_unref(conf);
	/* A number of its own. */
	CU_ASSERT_EQUAL(rv_declared_scale(declared, "p", 3, &err), REEVE_OK);
	conf = load(
	    POOL ",\"db\":{\"command\":\"true\"}", RV_POOLS_TAKEN, declared);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_PTR_NOT_NULL(rv_conf_find(conf, "p.2"));
	rv_conf_unref(conf);
	/* Of what is no pool there can be one only. */
	conf = load("\"p\":{\"command\":\"true\"},\"db\":{\"command\":"
		    "\"true\"}",
	    RV_POOLS_TAKEN, declared);
	CU_ASSERT_PTR_NULL(conf);
	CU_ASSERT(said_words("declared in C, and stands in"));
	rv_declared_destroy(declared);
	said_forget();
}

RV_TEST(a_declared_unit_is_no_pool)
{
	struct rv_declared *declared = NULL;
	struct reeve_error err;

	CU_ASSERT_EQUAL_FATAL(rv_declared_create(&declared, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    rv_declared_add(declared, "p", false,
		"{\"function\":\"w\",\"pool\":{\"function\":\"f\"}}", &err),
	    REEVE_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "reeve_pool_new"));
	rv_declared_destroy(declared);
}

static uint64_t
digest_of(const char *children, uint64_t *all)
{
	struct rv_conf *conf = parse(children);
	uint64_t digest;

	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf->pools);
	digest = conf->pools->digest;
	*all = conf->pools_digest;
	rv_conf_unref(conf);
	said_forget();
	return digest;
}

RV_TEST(another_size_is_not_another_pool)
{
	uint64_t all[4], one[4];

	one[0] = digest_of(POOL, &all[0]);
	one[1] = digest_of(
	    "\"p\":{\"pool\":{\"function\":\"f\",\"max\":3}}", &all[1]);
	one[2] = digest_of("\"p\":{\"pool\":{\"function\":\"f\",\"max\":2},"
			   "\"nice\":5}",
	    &all[2]);
	one[3] = digest_of(POOL ",\"w\":{\"command\":\"true\"}", &all[3]);
	CU_ASSERT_EQUAL(one[0], one[1]);
	CU_ASSERT_NOT_EQUAL(all[0], all[1]);
	CU_ASSERT_NOT_EQUAL(one[0], one[2]);
	CU_ASSERT_EQUAL(all[0], all[3]);
}

RV_TEST(it_is_parsed_however_often_memory_lacks)
{
	said_without_memory(
	    "{\"name\":\"n\",\"state_dir\":\"/s\",\"children\":{" POOL "}}");
}

RV_SUITE(config_pool, RV_CASE(a_pool_is_a_place_in_the_tree_and_a_wish),
    RV_CASE(all_that_is_said_of_a_pool_reaches_the_host),
    RV_CASE(what_a_pool_cannot_be_is_told_where_it_stands),
    RV_CASE(a_host_without_pools_refuses_them_by_name),
    RV_CASE(what_the_host_declares_at_its_place_are_its_workers),
    RV_CASE(a_declared_unit_is_no_pool),
    RV_CASE(another_size_is_not_another_pool),
    RV_CASE(it_is_parsed_however_often_memory_lacks))
