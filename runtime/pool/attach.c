/* SPDX-License-Identifier: MIT */
/*
 * <reeve/attach.h>: the pools of a config, kept in step with it. What changes
 * is noted where it is heard of, and done in dispatch alone, since pools must
 * not be freed from inside of their own callbacks.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <reeve/tree.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "pool/attach_priv.h"
#include "sys/sys.h"

#define KEPT       100000
#define KEPT_BYTES (UINT64_C(64) << 20)

static enum reeve_status
check(
    const struct reeve_pools *pools, const char *what, struct reeve_error *err)
{
	bool is_one = pools != NULL && pools->magic == RV_POOLS_MAGIC;

	return rv_error_unless_ours(
	    err, what, "attachment", pools, is_one, is_one ? pools->pid : 0);
}

void
rv_pools_ring(struct reeve_pools *pools)
{
	const uint64_t one = 1;

	if (write(pools->event, &one, sizeof(one)) != sizeof(one)) {
		return; /* it has been rung more often than can be counted */
	}
}

struct rv_attached *
rv_attached_find(struct reeve_pools *pools, const char *path)
{
	RV_LIST_EACH (at, &pools->all, struct rv_attached, link) {
		if (strcmp(at->path, path) == 0) {
			return at;
		}
	}
	return NULL;
}

static void
notice(struct reeve_pools *pools, const char *text)
{
	if (pools->notice != NULL) {
		pools->notice(pools->ctx, text);
	}
}

/* -------- one pool -------- */

static void
watch(struct reeve_pools *pools, struct reeve_pool *pool, int op)
{
	struct epoll_event event = { .events = EPOLLIN };

	/* Not watched it is still dispatched, when anything else is. */
	(void)epoll_ctl(pools->epoll, op, reeve_pool_fd(pool), &event);
}

static enum reeve_status
make_pool(struct rv_attached *at, const struct reeve_pool_unit *unit,
    struct reeve_error *err)
{
	const struct reeve_pool_options options = {
		.size = sizeof(options),
		.reeve = at->pools->reeve,
		.name = unit->path,
		.min = unit->min,
		.max = unit->max,
		.grow_after = unit->grow_after,
		.idle_timeout = unit->idle_timeout,
		.initializer = unit->initializer,
		.init_args = unit->args,
		.init_args_length = unit->args != NULL ? strlen(unit->args) : 0,
		.max_tasks = unit->max_tasks,
		.max_memory = unit->max_memory,
		.max_waiting = unit->spill ? unit->max_waiting : 0,
		.full = unit->spill ? REEVE_POOL_SPILL : REEVE_POOL_REFUSE,
		.soft_limit = unit->soft_limit,
		.hard_limit = unit->hard_limit,
		.retries = unit->retries,
		.backoff = unit->backoff,
		.worker_options = unit->worker,
		.environment = unit->environment,
	};

	return reeve_pool_new(&at->pool, &options, err);
}

/* The strings of the unit live until the tree changes, which it does here. */
static void
begin(struct rv_attached *at, const struct reeve_pool_unit *unit)
{
	char *function = rv_strdup(unit->function);
	struct reeve_error err = { 0 };
	enum reeve_status status;

	at->digest = unit->digest;
	at->min = unit->min;
	at->max = unit->max;
	at->max_waiting = unit->spill ? 0 : unit->max_waiting;
	at->why[0] = '\0';
	rv_free(at->function);
	at->function = function;
	status = function != NULL
		     ? make_pool(at, unit, &err)
		     : rv_error(&err, REEVE_ENOMEM, "out of memory");
	if (status != REEVE_OK) {
		at->pool = NULL;
		rv_format(at->why, sizeof(at->why), "pool %s: %s", at->path,
		    err.text);
		notice(at->pools, at->why);
		rv_items_fail(at, "its pool could not be made");
		return;
	}
	watch(at->pools, at->pool, EPOLL_CTL_ADD);
	rv_items_go(at);
}

static void
resize(struct rv_attached *at, const struct reeve_pool_unit *unit)
{
	uint32_t max =
	    unit->max != 0 ? unit->max : RV_MAX(reeve_cpus(), unit->min);
	uint32_t min = unit->min != 0 ? unit->min : max;
	struct reeve_error err;

	if (unit->min == at->min && unit->max == at->max) {
		return;
	}
	at->min = unit->min;
	at->max = unit->max;
	if (reeve_pool_resize(at->pool, min, max, &err) != REEVE_OK) {
		notice(at->pools, err.text);
	}
}

/* It ends when it has nothing to do any more. */
static void
drain(struct rv_attached *at)
{
	if (at->pool != NULL && !at->draining) {
		at->draining = true;
		(void)reeve_pool_close(at->pool, NULL);
	}
}

/* Something else stands in its place, or what was above it is gone. */
static bool
has_no_place(const struct rv_attached *at)
{
	struct reeve_unit_info info = { .size = sizeof(info) };
	char first[256];

	rv_format(first, sizeof(first), "%.200s.0", at->path);
	return reeve_unit_find(at->pools->reeve, first, &info, NULL) ==
	       REEVE_ENOENT;
}

static bool
is_drained(const struct rv_attached *at)
{
	struct reeve_pool_stats stats = { .size = sizeof(stats) };

	if (reeve_pool_stats(at->pool, &stats, NULL) != REEVE_OK ||
	    stats.broken || has_no_place(at)) {
		return true;
	}
	return stats.waiting + stats.running + stats.resting == 0;
}

static void
end_pool(struct rv_attached *at)
{
	struct reeve_pool *pool = at->pool;

	if (pool != NULL) {
		watch(at->pools, pool, EPOLL_CTL_DEL);
		reeve_pool_free(pool); /* futures are told here */
		at->pool = NULL;
	}
	at->draining = false;
}

static void
destroy(struct rv_attached *at)
{
	end_pool(at);
	rv_items_fail(at, "the pool is no longer in the config");
	rv_list_remove(&at->link);
	rv_free(at->path);
	rv_free(at->function);
	rv_free(at);
}

/* -------- all of them -------- */

static struct rv_attached *
add(struct reeve_pools *pools, const char *path)
{
	struct rv_attached *at = rv_alloc(1, sizeof(*at));

	if (at == NULL || (at->path = rv_strdup(path)) == NULL) {
		rv_free(at);
		notice(
		    pools, "cannot have a pool of the config: out of memory");
		return NULL;
	}
	at->pools = pools;
	rv_list_init(&at->link);
	rv_list_init(&at->pending);
	rv_list_insert(&pools->all, &at->link);
	return at;
}

static bool
is_broken(const struct rv_attached *at)
{
	struct reeve_pool_stats stats = { .size = sizeof(stats) };

	return reeve_pool_stats(at->pool, &stats, NULL) == REEVE_OK &&
	       stats.broken;
}

/* True: a pool was made, so that the list has to be walked anew. */
static bool
fit(struct reeve_pools *pools, const struct reeve_pool_unit *unit)
{
	struct rv_attached *at = rv_attached_find(pools, unit->path);

	if (at == NULL && (at = add(pools, unit->path)) == NULL) {
		return false;
	}
	at->seen = true;
	at->removed = false;
	if (at->pool == NULL) {
		begin(at, unit);
		return true;
	}
	if (at->digest != unit->digest || is_broken(at)) {
		drain(at);
	} else if (!at->draining) {
		resize(at, unit);
	}
	return false;
}

/* Each is made at most once. */
static void
fit_all(struct reeve_pools *pools)
{
	struct reeve_pool_unit unit;
	bool made;

	RV_LIST_EACH (at, &pools->all, struct rv_attached, link) {
		at->seen = false;
	}
	do {
		made = false;
		unit = (struct reeve_pool_unit){ .size = sizeof(unit) };
		while (!made && reeve_pool_unit_next(pools->reeve, &unit)) {
			const struct rv_attached *at =
			    rv_attached_find(pools, unit.path);

			if (at == NULL || !at->seen) {
				made = fit(pools, &unit);
			}
		}
	} while (made);
	RV_LIST_EACH (at, &pools->all, struct rv_attached, link) {
		if (!at->seen) {
			at->removed = true;
			drain(at);
		}
	}
}

static void
reap(struct reeve_pools *pools)
{
	RV_LIST_EACH_SAFE (at, &pools->all, struct rv_attached, link) {
		if (at->draining && is_drained(at)) {
			end_pool(at);
			pools->dirty = true;
		}
		if (at->removed && at->pool == NULL) {
			destroy(at);
		}
	}
}

static void
settle(struct reeve_pools *pools)
{
	reap(pools);
	if (pools->dirty) {
		fit_all(pools);
		pools->dirty = false;
		reap(pools);
		if (pools->dirty) {
			rv_pools_ring(pools);
		}
	}
}

static void
on_changed(void *ctx)
{
	struct reeve_pools *pools = ctx;

	pools->dirty = true;
	rv_pools_ring(pools);
}

/* Its pools hear of that by themselves, and end what they have. */
static void
on_runtime_gone(void *ctx)
{
	struct reeve_pools *pools = ctx;

	pools->reeve = NULL;
	pools->watch = NULL;
	rv_pools_ring(pools);
}

enum reeve_status
reeve_pools_dispatch(struct reeve_pools *pools, struct reeve_error *err)
{
	enum reeve_status status = check(pools, "dispatch pools", err);
	uint64_t count;

	if (status != REEVE_OK) {
		return status;
	}
	if (pools->busy) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot dispatch pools from inside of a callback");
	}
	pools->busy = true;
	if (read(pools->event, &count, sizeof(count)) < 0 && errno != EAGAIN) {
		status = rv_error_sys(err, errno, "cannot dispatch pools");
	}
	RV_LIST_EACH (at, &pools->all, struct rv_attached, link) {
		if (at->pool != NULL) {
			(void)reeve_pool_dispatch(at->pool, NULL);
		}
	}
	settle(pools);
	pools->busy = false;
	return status;
}

int
reeve_pools_fd(struct reeve_pools *pools)
{
	return check(pools, "be polled", NULL) == REEVE_OK ? pools->epoll : -1;
}

struct reeve_pool *
reeve_pools_find(struct reeve_pools *pools, const char *path)
{
	struct rv_attached *at = NULL;

	if (check(pools, "find a pool", NULL) == REEVE_OK && path != NULL) {
		at = rv_attached_find(pools, path);
	}
	return at != NULL && !at->draining ? at->pool : NULL;
}

/* -------- beginning and end -------- */

static enum reeve_status
take_options(struct reeve_pools *pools,
    const struct reeve_pools_options *options, struct reeve_error *err)
{
	if (options != NULL && options->size < sizeof(*options)) {
		return rv_error_size(err, "reeve_pools_options", options->size);
	}
	pools->max_kept = KEPT;
	pools->max_kept_bytes = KEPT_BYTES;
	if (options != NULL) {
		pools->notice = options->notice;
		pools->ctx = options->ctx;
		pools->max_kept =
		    options->max_kept != 0 ? options->max_kept : KEPT;
		pools->max_kept_bytes = options->max_kept_bytes != 0
					    ? options->max_kept_bytes
					    : KEPT_BYTES;
	}
	return REEVE_OK;
}

static enum reeve_status
open_all(struct reeve_pools *pools, struct reeve_error *err)
{
	const struct reeve_watch_options watch_options = {
		.size = sizeof(watch_options),
		.gone = on_runtime_gone,
		.ctx = pools,
	};
	struct epoll_event event = { .events = EPOLLIN };
	enum reeve_status status;

	pools->epoll = rv_sys_epoll_create();
	pools->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pools->epoll == -1 || pools->event == -1 ||
	    epoll_ctl(pools->epoll, EPOLL_CTL_ADD, pools->event, &event) != 0) {
		return rv_error_sys(err, errno, "cannot wait for pools");
	}
	status = reeve_watch(pools->reeve, &watch_options, &pools->watch, err);
	if (status == REEVE_OK) {
		status = rv_asks_serve(pools, err);
	}
	if (status == REEVE_OK) {
		status =
		    reeve_pool_unit_watch(pools->reeve, on_changed, pools, err);
		if (status != REEVE_OK) {
			rv_asks_end(pools);
		}
	}
	return status;
}

static void
close_all(struct reeve_pools *pools)
{
	(void)reeve_unwatch(pools->reeve, pools->watch, NULL);
	if (pools->event != -1) {
		close(pools->event);
	}
	if (pools->epoll != -1) {
		close(pools->epoll);
	}
	rv_hash_finish(&pools->items);
	pools->magic = 0;
	rv_free(pools);
}

enum reeve_status
reeve_pools_attach(struct reeve_pools **out, struct reeve *reeve,
    const struct reeve_pools_options *options, struct reeve_error *err)
{
	struct reeve_pools *pools;
	enum reeve_status status;

	if (out == NULL || reeve == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot attach pools: the %s is NULL",
		    reeve == NULL ? "runtime" : "place for them");
	}
	pools = rv_alloc(1, sizeof(*pools));
	if (pools == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot attach pools");
	}
	pools->magic = RV_POOLS_MAGIC;
	pools->pid = getpid();
	pools->reeve = reeve;
	pools->epoll = pools->event = -1;
	rv_list_init(&pools->all);
	rv_list_init(&pools->asks);
	rv_list_init(&pools->kept);
	status = take_options(pools, options, err);
	if (status == REEVE_OK) {
		status = open_all(pools, err);
	}
	if (status != REEVE_OK) {
		close_all(pools);
		return rv_error_wrap(err, "cannot attach pools");
	}
	pools->dirty = pools->busy = true;
	settle(pools);
	pools->busy = false;
	*out = pools;
	return REEVE_OK;
}

void
reeve_pools_detach(struct reeve_pools *pools)
{
	if (check(pools, "detach pools", NULL) != REEVE_OK || pools->busy) {
		return;
	}
	(void)reeve_pool_unit_watch(pools->reeve, NULL, NULL, NULL);
	rv_asks_end(pools);
	while (!rv_list_empty(&pools->all)) {
		destroy(RV_LIST_FIRST(&pools->all, struct rv_attached, link));
	}
	while (!rv_list_empty(&pools->kept)) {
		rv_item_free(RV_LIST_FIRST(&pools->kept, struct rv_item, link));
	}
	close_all(pools);
}
