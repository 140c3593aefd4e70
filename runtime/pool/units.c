/* SPDX-License-Identifier: MIT */
/*
 * Workers as units of the tree: declared, scaled, restarted, removed, and
 * watched. What becomes of them is told by death.c.
 */
#include "config.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <reeve/function.h>
#include <reeve/tree.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "pool/cpus.h"
#include "pool/pool_priv.h"

#define OPTIONS_MAX 65536
#define MODULE      "libreeve-pool.so.0"
#define ENTRY       "reeve_pool_worker"

/*
 * What workers run: a function of this very program, where that can be; else it
 * is loaded from the file that this library was loaded from, as it may lie
 * where nobody looks for libraries.
 */
static const char *
worker_function(enum reeve_method method, char *room, size_t size)
{
	char path[PATH_MAX];
	Dl_info here;

	if (reeve_main_called() || method == REEVE_METHOD_FORK) {
		return RV_DOOR_FUNCTION;
	}
	if (dladdr(MODULE, &here) == 0 ||
	    strstr(here.dli_fname, ".so") == NULL ||
	    realpath(here.dli_fname, path) == NULL) {
		rv_format(path, sizeof(path), "%s", MODULE);
	}
	rv_format(room, size, "%s:%s", path, ENTRY);
	return room;
}

/* The keys of the caller's object, behind ours. */
static bool
add_options(struct rv_buf *buf, const char *options)
{
	const char *begin = options, *end;

	begin += strspn(begin, " \t\r\n");
	end = begin + strlen(begin);
	while (end > begin && strchr(" \t\r\n", end[-1]) != NULL) {
		end--;
	}
	if (end - begin < 2 || *begin != '{' || end[-1] != '}') {
		return false;
	}
	begin++;
	end--;
	begin += strspn(begin, " \t\r\n");
	if (begin < end) {
		rv_buf_addc(buf, ',');
		rv_buf_add(buf, begin, (size_t)(end - begin));
	}
	return true;
}

static bool
says(const char *options, const char *key)
{
	return options != NULL && strstr(options, key) != NULL;
}

static void
add_preload(struct rv_buf *buf, const char *const *preload)
{
	struct rv_jsonw list;

	rv_buf_adds(buf, ",\"forkserver_preload\":");
	rv_jsonw_init(&list, buf);
	rv_jsonw_array(&list);
	for (size_t i = 0; preload[i] != NULL; i++) {
		rv_jsonw_str(&list, preload[i]);
	}
	rv_jsonw_array_end(&list);
}

static enum reeve_status
make_options(const struct reeve_pool *pool,
    const struct reeve_pool_options *options, struct rv_buf *buf,
    struct reeve_error *err)
{
	uint32_t retries = options->intensity > 0 ? options->intensity - 1 : 4;
	const char *own = options->worker_options;

	rv_buf_addf(buf, "{\"startretries\":%u", retries);
	if (!says(own, "\"backoff\"")) {
		rv_buf_adds(buf, ",\"backoff\":{\"min\":\"5ms\",\"max\":\"1s\","
				 "\"reset_after\":\"20ms\"}");
	}
	if (pool->own_runtime && !says(own, "\"stdout_logfile\"")) {
		rv_buf_adds(buf, ",\"stdout_logfile\":\"inherit\"");
	}
	if (pool->own_runtime && !says(own, "\"stderr_logfile\"")) {
		rv_buf_adds(buf, ",\"stderr_logfile\":\"inherit\"");
	}
	if (options->preload != NULL && options->preload[0] != NULL) {
		add_preload(buf, options->preload);
	}
	if (own != NULL && !add_options(buf, own)) {
		return rv_error(
		    err, REEVE_EINVALID, "worker_options is no JSON object");
	}
	rv_buf_addc(buf, '}');
	return buf->failed ? rv_error(err, REEVE_ENOMEM, "out of memory")
			   : REEVE_OK;
}

/* Ours, and those of the options behind; NULL without memory. */
static const char **
make_environment(
    const struct reeve_pool_options *options, char depth[32], char cpus[32])
{
	const char *const *more = options->environment;
	const char **list;
	size_t n = 0;

	while (more != NULL && more[n] != NULL) {
		n++;
	}
	list = rv_alloc(n + 3, sizeof(list[0]));
	if (list != NULL) {
		list[0] = depth;
		list[1] = cpus;
		for (size_t i = 0; i < n; i++) {
			list[i + 2] = more[i];
		}
	}
	return list;
}

static enum reeve_status
add(struct reeve_pool *pool, const struct reeve_pool_options *options,
    const char *json, struct reeve_error *err)
{
	char depth[32], cpus[32], function[PATH_MAX + sizeof(ENTRY) + 1];
	const char **environment = make_environment(options, depth, cpus);
	const char *const doors[] = { pool->door_name, NULL };
	struct reeve_worker_options worker = { .size = sizeof(worker),
		.function = worker_function(
		    options->method, function, sizeof(function)),
		.bytes = pool->name,
		.n_bytes = strlen(pool->name),
		.method = options->method,
		.restart = REEVE_RESTART_ALWAYS,
		.instances = pool->size,
		.ready_notify = true,
		.stop_ms = 5000,
		.environment = environment,
		.listen = doors,
		.options = json };
	enum reeve_status status;
	uint32_t deep;

	status = environment != NULL
		     ? rv_pool_depth(getenv("REEVE_POOL_DEPTH"), &deep, err)
		     : rv_error(err, REEVE_ENOMEM, "out of memory");
	if (status != REEVE_OK) {
		rv_free(environment);
		return status;
	}
	rv_format(depth, sizeof(depth), "REEVE_POOL_DEPTH=%u", deep + 1);
	rv_format(cpus, sizeof(cpus), "REEVE_POOL_CPUS=%u",
	    rv_cpus_share(reeve_cpus(), pool->max));
	status = reeve_add_worker(pool->reeve, pool->name, &worker, err);
	rv_free(environment);
	if (status != REEVE_OK) {
		return status; /* the name may be another pool's */
	}
	status = rv_door_hand_over(pool, err);
	if (status == REEVE_OK) {
		status = reeve_commit(pool->reeve, err);
	}
	if (status != REEVE_OK &&
	    reeve_remove(pool->reeve, pool->name, NULL) != REEVE_OK) {
		return status; /* it was not noted either */
	}
	return status;
}

static enum reeve_status
watch(struct reeve_pool *pool, struct reeve_error *err)
{
	const struct reeve_watch_options options = { .size = sizeof(options),
		.event = rv_death_event,
		.exception = rv_death_exception,
		.gone = rv_lost_gone,
		.ctx = pool };

	return reeve_watch(pool->reeve, &options, &pool->watch, err);
}

enum reeve_status
rv_units_add(struct reeve_pool *pool, const struct reeve_pool_options *options,
    struct reeve_error *err)
{
	struct rv_buf json;
	enum reeve_status status;

	rv_buf_init(&json, OPTIONS_MAX);
	status = make_options(pool, options, &json, err);
	if (status == REEVE_OK) {
		status = watch(pool, err);
	}
	if (status == REEVE_OK) {
		status = add(pool, options, rv_buf_str(&json), err);
	}
	pool->has_units = status == REEVE_OK;
	rv_buf_finish(&json);
	return status;
}

void
rv_units_remove(struct reeve_pool *pool)
{
	if (!pool->has_units || pool->gone) {
		return;
	}
	pool->has_units = false;
	if ((reeve_remove(pool->reeve, pool->name, NULL) != REEVE_OK ||
		reeve_commit(pool->reeve, NULL) != REEVE_OK) &&
	    reeve_stop(pool->reeve, pool->name, NULL) != REEVE_OK) {
		return; /* the runtime is ending: so are they */
	}
}

void
rv_units_unwatch(struct reeve_pool *pool)
{
	if (pool->watch != NULL) {
		(void)reeve_unwatch(pool->reeve, pool->watch, NULL);
		pool->watch = NULL;
	}
}

void
rv_units_scale(struct reeve_pool *pool)
{
	if (!pool->has_units) {
		pool->want_size = 0;
	}
	if (pool->want_size == 0) {
		return;
	}
	if (pool->want_size == pool->size ||
	    reeve_scale(pool->reeve, pool->name, pool->want_size, NULL) ==
		REEVE_OK) {
		pool->size = pool->want_size;
		pool->want_size = 0;
	}
}

void
rv_units_replace(struct reeve_pool *pool, const char *path)
{
	struct reeve_unit_info info = { .size = sizeof(info) };

	if (pool->has_units &&
	    reeve_unit_find(pool->reeve, path, &info, NULL) == REEVE_OK &&
	    info.state == REEVE_BACKOFF &&
	    reeve_start(pool->reeve, path, NULL) != REEVE_OK) {
		return; /* then its delay is waited for, or all ends */
	}
}

void
rv_units_retire(struct reeve_pool *pool, uint16_t place)
{
	struct rv_hand *hand = pool->hands[place];

	if (hand != NULL &&
	    reeve_restart(pool->reeve, hand->name, NULL) != REEVE_OK) {
		rv_hand_doom(hand, "it could not be restarted");
	}
}
