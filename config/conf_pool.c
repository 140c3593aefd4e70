/* SPDX-License-Identifier: MIT */
/*
 * Pools of workers: a child with "pool" is a place in the tree, and a wish that
 * the host fulfils, if it has pools: it declares workers at that place (they
 * come into the document as its stand-in). Here are what may be said of a pool,
 * and the list of them that the host is given.
 */
#include "config.h"

#include <string.h>

#include "base/hash.h"
#include "config/conf_priv.h"

/* -------- what goes together -------- */

/* Of the keys of a worker, those that say how its processes are made. */
static bool
may_stand_beside(const char *key)
{
	static const enum rv_ckey keys[] = { RV_CKEY_POOL, RV_CKEY_DEPENDS_ON,
		RV_CKEY_FORKSERVER_PRELOAD, RV_CKEY_START_METHOD,
		RV_CKEY_DIRECTORY, RV_CKEY_USER, RV_CKEY_GROUP, RV_CKEY_UMASK,
		RV_CKEY_NICE, RV_CKEY_ENVIRONMENT, RV_CKEY_ENVIRONMENT_FILE,
		RV_CKEY_CLEAR_ENVIRONMENT, RV_CKEY_OOM_SCORE_ADJ,
		RV_CKEY_LIMITS, RV_CKEY_KILL_MODE, RV_CKEY_STDOUT_LOGFILE,
		RV_CKEY_STDERR_LOGFILE, RV_CKEY_REDIRECT_STDERR,
		RV_CKEY_STDOUT_LOGFILE_MAXBYTES,
		RV_CKEY_STDERR_LOGFILE_MAXBYTES, RV_CKEY_STDOUT_LOGFILE_BACKUPS,
		RV_CKEY_STDERR_LOGFILE_BACKUPS };

	for (size_t i = 0; i < RV_ARRAY_LEN(keys); i++) {
		if (strcmp(rv_schema[keys[i]].name, key) == 0) {
			return true;
		}
	}
	return false;
}

static void
check_sizes(struct rv_loader *l, const struct rv_cnode *pool)
{
	const struct rv_cnode *min = rv_cnode_get(pool, "min");
	const struct rv_cnode *max = rv_cnode_get(pool, "max");

	if (rv_cnode_is(min, JSON_INTEGER) && rv_cnode_is(max, JSON_INTEGER) &&
	    json_integer_value(min->value) > json_integer_value(max->value)) {
		rv_conf_error(l, min, "is more than \"max\"");
	}
}

void
rv_conf_check_pool(struct rv_loader *l, const struct rv_cnode *unit)
{
	const struct rv_cnode *pool = rv_cnode_get(unit, "pool");

	if (pool == NULL) {
		return;
	}
	if (unit->declared != 0) {
		rv_conf_error(l, pool,
		    "is for a config file: in C a pool is made by "
		    "reeve_pool_new");
		return;
	}
	if (l->source->pools == RV_POOLS_NONE) {
		rv_conf_error(l, pool,
		    "this program has no pools: let \"reeve run\" run this, or "
		    "one that links libreeve-pool and attaches it");
	}
	for (const struct rv_cnode *n = unit->first; n != NULL; n = n->next) {
		const unsigned where = RV_CWORKER | RV_CCHILD;

		if (!may_stand_beside(n->key) &&
		    rv_schema_find(where, n->key) != NULL) {
			rv_conf_error(l, n,
			    "does not go with a \"pool\", which has workers "
			    "of its own");
		}
	}
	if (!rv_cnode_is(pool, JSON_OBJECT)) {
		return;
	}
	if (rv_cnode_get(pool, "function") == NULL) {
		rv_conf_error(l, pool, "needs a \"function\"");
	}
	check_sizes(l, pool);
}

/* -------- values -------- */

struct making {
	struct rv_loader *l;
	const struct rv_cscope *scope;
	const struct rv_cnode *object; /* "pool" */
	struct rv_pool_conf *pool;
	struct rv_cmake make; /* for names of functions */
};

/* What is wrong was told where it stands. */
static uint64_t
number(const struct making *m, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_member(m->l, m->object, key);
	int64_t value;

	return node != NULL &&
		       rv_cval_int(m->l, &rv_schema[key], node, &value) &&
		       value >= 0
		   ? (uint64_t)value
		   : 0;
}

static rv_time
duration(const struct making *m, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_member(m->l, m->object, key);
	rv_time t;

	return node != NULL && rv_cval_duration(m->l, &rv_schema[key], node, &t)
		   ? t
		   : 0;
}

static uint64_t
size(const struct making *m, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_member(m->l, m->object, key);
	uint64_t bytes;

	return node != NULL && rv_cval_size(m->l, &rv_schema[key], node, &bytes)
		   ? bytes
		   : 0;
}

static unsigned
choice(const struct making *m, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_member(m->l, m->object, key);
	unsigned i;

	return node != NULL && rv_cval_enum(m->l, &rv_schema[key], node, &i)
		   ? i
		   : 0;
}

/* NULL where it is not said. */
static const char *
function(const struct making *m, enum rv_ckey key)
{
	const struct rv_cnode *node = rv_conf_member(m->l, m->object, key);

	return rv_cnode_is(node, JSON_STRING)
		   ? rv_cmake_function_name(&m->make, node)
		   : NULL;
}

static int
add_text(const char *text, size_t len, void *ctx)
{
	rv_buf_add(ctx, text, len);
	return 0;
}

/* JSON in the conf's memory. */
static const char *
text_of(const struct making *m, const json_t *value)
{
	struct rv_buf text;
	const char *kept;

	rv_buf_init(&text, 16 << 20);
	if (json_dump_callback(
		value, add_text, &text, JSON_COMPACT | JSON_ENCODE_ANY) != 0 ||
	    text.failed) {
		m->l->arena->failed = true;
	}
	kept = rv_arena_strndup(m->l->arena, rv_buf_str(&text), text.len);
	rv_buf_finish(&text);
	return kept;
}

/* As it is written: expressions are replaced when workers are declared. */
static const char *const *
environment(const struct making *m)
{
	const struct rv_cnode *object =
	    rv_cnode_get(m->scope->own, "environment");
	const struct rv_cnode *first =
	    rv_cnode_is(object, JSON_OBJECT) ? object->first : NULL;
	const char **list;
	size_t n = 0;

	for (const struct rv_cnode *v = first; v != NULL; v = v->next) {
		n++;
	}
	list = rv_arena_get(m->l->arena, n + 1, sizeof(list[0]));
	n = 0;
	for (const struct rv_cnode *v = first; v != NULL && list != NULL;
	     v = v->next) {
		const char *value = json_string_value(v->value);

		list[n++] = rv_arena_format(
		    m->l->arena, "%s=%s", v->key, value != NULL ? value : "");
	}
	return list;
}

/* The other keys beside "pool", as an object. */
static const char *
worker_keys(const struct making *m)
{
	json_t *object = json_object();
	const char *kept = "{}";
	bool good = object != NULL;

	for (const struct rv_cnode *n = m->scope->own->first; n != NULL && good;
	     n = n->next) {
		if (n->key != NULL && strcmp(n->key, "pool") != 0 &&
		    strcmp(n->key, "environment") != 0) {
			good = json_object_set(object, n->key,
				   (json_t *)(uintptr_t)n->value) == 0;
		}
	}
	if (good) {
		kept = text_of(m, object);
	} else {
		m->l->arena->failed = true;
	}
	json_decref(object);
	return kept;
}

static void
fill(const struct making *m)
{
	struct rv_pool_conf *pool = m->pool;
	const struct rv_cnode *args = rv_cnode_get(m->object, "args");

	pool->function = function(m, RV_CKEY_POOL_FUNCTION);
	pool->initializer = function(m, RV_CKEY_POOL_INITIALIZER);
	pool->args = args != NULL ? text_of(m, args->value) : NULL;
	pool->min = (uint32_t)number(m, RV_CKEY_POOL_MIN);
	pool->max = (uint32_t)number(m, RV_CKEY_POOL_MAX);
	pool->idle_timeout = duration(m, RV_CKEY_POOL_IDLE_TIMEOUT);
	pool->grow_after = duration(m, RV_CKEY_POOL_GROW_AFTER);
	pool->max_tasks = (uint32_t)number(m, RV_CKEY_POOL_MAX_TASKS);
	pool->max_memory = size(m, RV_CKEY_POOL_MAX_MEMORY);
	pool->max_waiting = number(m, RV_CKEY_POOL_MAX_WAITING);
	pool->spill = choice(m, RV_CKEY_POOL_FULL) == 1;
	pool->soft_limit = duration(m, RV_CKEY_POOL_SOFT_LIMIT);
	pool->hard_limit = duration(m, RV_CKEY_POOL_HARD_LIMIT);
	pool->retries = (uint32_t)number(m, RV_CKEY_POOL_RETRIES);
	pool->backoff = duration(m, RV_CKEY_POOL_BACKOFF);
	pool->environment = environment(m);
	pool->worker = worker_keys(m);
}

static uint64_t
add_word(uint64_t h, const char *text)
{
	return text != NULL ? rv_fnv_str(h, text) : rv_fnv(h, "\1", 1);
}

/* Of all but how many workers: those come and go while it lives. */
static uint64_t
digest(const struct rv_pool_conf *pool)
{
	const uint64_t numbers[] = { (uint64_t)pool->idle_timeout,
		(uint64_t)pool->grow_after, pool->max_tasks, pool->max_memory,
		pool->max_waiting, pool->spill, (uint64_t)pool->soft_limit,
		(uint64_t)pool->hard_limit, pool->retries,
		(uint64_t)pool->backoff };
	uint64_t h = rv_fnv(RV_FNV_INIT, numbers, sizeof(numbers));

	h = add_word(h, pool->function);
	h = add_word(h, pool->initializer);
	h = add_word(h, pool->args);
	for (size_t i = 0;
	     pool->environment != NULL && pool->environment[i] != NULL; i++) {
		h = rv_fnv_str(h, pool->environment[i]);
	}
	return add_word(h, pool->worker);
}

/* What its workers cannot be is found now, not when the host makes them. */
static void
try_worker(const struct making *m)
{
	struct rv_cspec *spare =
	    rv_arena_get(&m->l->scratch, 1, sizeof(*spare));

	if (spare == NULL) {
		return;
	}
	spare->spec.name = m->make.spec->name;
	spare->spec.path = m->make.spec->path;
	rv_conf_program(m->l, m->scope, &spare->spec, m->make.x);
}

void
rv_conf_pool(struct rv_loader *l, const struct rv_cscope *scope,
    struct rv_spec *spec, const struct rv_expansion *x)
{
	struct rv_conf *conf = &l->block->conf;
	struct rv_pool_conf *pool = rv_arena_get(l->arena, 1, sizeof(*pool));
	struct rv_program *none = rv_arena_get(&l->scratch, 1, sizeof(*none));
	struct making m = {
		.l = l,
		.scope = scope,
		.object = rv_cnode_get(scope->own, "pool"),
		.pool = pool,
		.make = { l, scope, none, spec, x },
	};
	const struct rv_pool_conf **end = &conf->pools;
	const uint32_t *sizes;

	if (pool == NULL || none == NULL ||
	    !rv_cnode_is(m.object, JSON_OBJECT)) {
		return;
	}
	pool->path = spec->path;
	fill(&m);
	try_worker(&m);
	pool->digest = digest(pool);
	sizes = (const uint32_t[]){ pool->min, pool->max };
	conf->pools_digest = rv_fnv(
	    rv_fnv_str(
		rv_fnv(conf->pools_digest, &pool->digest, sizeof(pool->digest)),
		pool->path),
	    sizes, 2 * sizeof(sizes[0]));
	while (*end != NULL) {
		end = (const struct rv_pool_conf **)(uintptr_t) & (*end)->next;
	}
	*end = pool;
}
