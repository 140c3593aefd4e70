/* SPDX-License-Identifier: MIT */
/*
 * What many tasks have in common, kept once for all of them: their limits and
 * retries, and the names of their functions, which go to each worker once. A
 * task keeps a pointer and a number.
 */
#include "config.h"

#include <string.h>

#include <reeve/function.h>

#include "base/alloc.h"
#include "base/error.h"
#include "pool/pool_priv.h"

#define SOFT_GRACE (5 * RV_SEC) /* of a soft limit that has no hard one */

static bool
are_same(const struct rv_task_rules *a, const struct rv_task_rules *b)
{
	return a->soft == b->soft && a->hard == b->hard &&
	       a->grace == b->grace && a->backoff == b->backoff &&
	       a->backoff_max == b->backoff_max && a->retries == b->retries &&
	       a->deaths_only == b->deaths_only && a->priority == b->priority;
}

static struct rv_rules *
find(struct reeve_pool *pool, const struct rv_task_rules *rules)
{
	if (pool->last_rules != NULL &&
	    are_same(&pool->last_rules->rules, rules)) {
		return pool->last_rules;
	}
	RV_LIST_EACH (known, &pool->rules, struct rv_rules, link) {
		if (are_same(&known->rules, rules)) {
			return known;
		}
	}
	return NULL;
}

const struct rv_task_rules *
rv_rules_get(struct reeve_pool *pool, const struct rv_task_rules *rules)
{
	struct rv_rules *known = find(pool, rules);

	if (known == NULL) {
		known = rv_alloc(1, sizeof(*known));
		if (known == NULL) {
			return NULL;
		}
		known->rules = *rules;
		rv_list_insert(&pool->rules, &known->link);
	}
	known->users++;
	pool->last_rules = known;
	return &known->rules;
}

/* One that is unused is kept while it is the last: many tasks in a row have
 * the same. */
static void
drop_unused(struct reeve_pool *pool, struct rv_rules *known)
{
	if (known->users == 0 && known != pool->last_rules) {
		rv_list_remove(&known->link);
		rv_free(known);
	}
}

void
rv_rules_put(struct reeve_pool *pool, const struct rv_task_rules *rules)
{
	if (rules != NULL) {
		struct rv_rules *known =
		    RV_CONTAINER((uintptr_t)rules, struct rv_rules, rules);

		known->users--;
		drop_unused(pool, known);
	}
}

void
rv_rules_finish(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (known, &pool->rules, struct rv_rules, link) {
		rv_free(known);
	}
	rv_list_init(&pool->rules);
	pool->last_rules = NULL;
	for (uint32_t i = 0; i < pool->n_functions; i++) {
		rv_free(pool->functions[i]);
	}
	pool->n_functions = 0;
}

enum reeve_status
rv_rules_of(struct reeve_pool *pool, const struct rv_wishes *wishes,
    const struct rv_task_rules **out, struct reeve_error *err)
{
	struct rv_task_rules rules = pool->defaults;

	if (wishes->priority >= RV_SCHED_PRIORITIES || wishes->soft_limit < 0 ||
	    wishes->hard_limit < 0 || wishes->backoff < 0) {
		return rv_error(err, REEVE_EINVALID,
		    "a priority is 0 to 7, and limits are not negative");
	}
	rules.priority = wishes->priority;
	if (wishes->soft_limit != 0) {
		rules.soft = wishes->soft_limit;
	}
	if (wishes->hard_limit != 0) {
		rules.hard = wishes->hard_limit;
	}
	if (wishes->backoff != 0) {
		rules.backoff = wishes->backoff;
		rules.backoff_max = RV_MAX(rules.backoff_max, rules.backoff);
	}
	if (wishes->retries != 0) {
		rules.retries =
		    wishes->retries == REEVE_NO_RETRIES ? 0 : wishes->retries;
	}
	*out = rv_rules_get(pool, &rules);
	return *out != NULL ? REEVE_OK
			    : rv_error(err, REEVE_ENOMEM, "out of memory");
}

/* Of all tasks that say nothing else. */
void
rv_rules_defaults(
    struct reeve_pool *pool, const struct reeve_pool_options *options)
{
	pool->defaults = (struct rv_task_rules){
		.soft =
		    options->soft_limit > 0 ? options->soft_limit : RV_FOREVER,
		.hard =
		    options->hard_limit > 0 ? options->hard_limit : RV_FOREVER,
		.grace = SOFT_GRACE,
		.backoff =
		    options->backoff > 0 ? options->backoff : 100 * RV_MS,
		.retries =
		    options->retries == REEVE_NO_RETRIES ? 0 : options->retries,
		.deaths_only = options->deaths_only,
	};
	pool->defaults.backoff_max =
	    RV_MAX(30 * RV_SEC, pool->defaults.backoff);
}

/* -------- functions -------- */

/* Those of modules are looked for by workers alone. */
static enum reeve_status
check_function(const char *name, struct reeve_error *err)
{
	reeve_function_fn *fn;
	enum reeve_status status = REEVE_OK;

	if (name == NULL || name[0] == '\0' ||
	    strlen(name) > RV_FUNCTION_NAME) {
		return rv_error(err, REEVE_EINVALID,
		    "a task needs the name of a function, at most %d bytes",
		    RV_FUNCTION_NAME);
	}
	if (strchr(name, ':') == NULL) {
		status = reeve_function_find(name, &fn);
	}
	if (status == REEVE_EEXIST) {
		return rv_error(err, status,
		    "there are two functions with the name %.128s", name);
	}
	return status == REEVE_OK
		   ? REEVE_OK
		   : rv_error(err, REEVE_ENOENT,
			 "there is no function \"%.128s\" in this program; "
			 "REEVE_FUNCTION registers one, \"MODULE.so:NAME\" is "
			 "in a file",
			 name);
}

enum reeve_status
rv_function_number(struct reeve_pool *pool, const char *name, uint16_t *number,
    struct reeve_error *err)
{
	enum reeve_status status;
	char *copy;

	if (name != NULL && pool->n_functions > 0 &&
	    strcmp(pool->functions[pool->last_function], name) == 0) {
		*number = (uint16_t)pool->last_function;
		return REEVE_OK;
	}
	for (uint32_t i = 0; name != NULL && i < pool->n_functions; i++) {
		if (strcmp(pool->functions[i], name) == 0) {
			pool->last_function = i;
			*number = (uint16_t)i;
			return REEVE_OK;
		}
	}
	status = check_function(name, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (pool->n_functions == RV_POOL_FUNCTIONS) {
		return rv_error(err, REEVE_EFULL,
		    "a pool has %d different functions at most",
		    RV_POOL_FUNCTIONS);
	}
	copy = rv_strdup(name);
	if (copy == NULL) {
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	pool->last_function = pool->n_functions;
	pool->functions[pool->n_functions++] = copy;
	*number = (uint16_t)pool->last_function;
	return REEVE_OK;
}
