/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool.h>: a pool's beginning and its end, and who may call.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "pool/cpus.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define DEATH_WITHIN_MS 2000

enum reeve_status
rv_pool_check(
    const struct reeve_pool *pool, const char *what, struct reeve_error *err)
{
	bool is_one = pool != NULL && pool->magic == RV_POOL_MAGIC;

	if (is_one && rv_here_is(pool->here, pool->pid)) {
		return REEVE_OK;
	}
	return rv_error_unless_ours(
	    err, what, "pool", pool, is_one, is_one ? pool->pid : 0);
}

void
rv_pool_notice(struct reeve_pool *pool, const char *fmt, ...)
{
	char text[RV_DOOR_PATH + 64];
	struct rv_buf buf;
	va_list args;

	if (pool->notice == NULL || pool->stopping) {
		return;
	}
	rv_buf_init_in(&buf, text, sizeof(text));
	va_start(args, fmt);
	rv_buf_vaddf(&buf, fmt, args);
	va_end(args);
	pool->notice(pool->ctx, pool, rv_buf_str(&buf));
}

/* -------- beginning -------- */

/* Those that have values which cannot be, with what they may be. */
static enum reeve_status
check_values(const struct reeve_pool_options *o, struct reeve_error *err)
{
	const struct {
		bool wrong;
		const char *what;
	} rows[] = {
		{ o->method > REEVE_METHOD_FORKSERVER,
		    "method: one of enum reeve_method" },
		{ o->full > REEVE_POOL_SPILL,
		    "full: one of enum reeve_pool_full" },
		{ o->soft_limit < 0, "soft_limit: not negative" },
		{ o->hard_limit < 0, "hard_limit: not negative" },
		{ o->backoff < 0, "backoff: not negative" },
		{ o->grow_after < 0, "grow_after: not negative" },
		{ o->idle_timeout < 0, "idle_timeout: not negative" },
		{ o->soft_signal < 0 || o->soft_signal > 64 ||
			o->soft_signal == SIGKILL || o->soft_signal == SIGSTOP,
		    "soft_signal: a signal that can be caught" },
		{ o->init_args == NULL && o->init_args_length > 0,
		    "init_args: there are none, but init_args_length" },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(rows); i++) {
		if (rows[i].wrong) {
			return rv_error(
			    err, REEVE_EINVALID, "%s", rows[i].what);
		}
	}
	return REEVE_OK;
}

static enum reeve_status
check_options(const struct reeve_pool_options *given,
    struct reeve_pool_options *options, struct reeve_error *err)
{
	uint32_t depth;

	*options = (struct reeve_pool_options){ .size = sizeof(*options) };
	if (given != NULL && given->size < sizeof(*options)) {
		return rv_error_size(err, "reeve_pool_options", given->size);
	}
	if (given != NULL) {
		*options = *given;
	}
	if (options->max == 0) {
		options->max = RV_MAX(reeve_cpus(), options->min);
	}
	if (options->min == 0) {
		options->min = options->max;
	}
	if (options->name == NULL || options->name[0] == '\0') {
		options->name = "pool";
	}
	if (options->min > options->max || options->max > RV_SCHED_WORKERS) {
		return rv_error(err, REEVE_EINVALID,
		    "workers: min %u, max %u, but min is at most max, and max "
		    "at most %d",
		    options->min, options->max, RV_SCHED_WORKERS);
	}
	if (strlen(options->name) >= RV_POOL_NAME) {
		return rv_error(err, REEVE_EINVALID,
		    "a pool's name has at most %d bytes", RV_POOL_NAME - 1);
	}
	if (check_values(options, err) != REEVE_OK) {
		return REEVE_EINVALID;
	}
	return rv_pool_depth(getenv("REEVE_POOL_DEPTH"), &depth, err);
}

static void
take_options(struct reeve_pool *pool, const struct reeve_pool_options *options)
{
	pool->magic = RV_POOL_MAGIC;
	pool->pid = getpid();
	pool->here = rv_here_create();
	pool->epoll = pool->timer = pool->door = pool->init_file = -1;
	pool->spill_fd = pool->runtime_fd = pool->door_outside = -1;
	pool->host = (struct rv_lane_host){ .fd = -1, .bell = -1 };
	rv_home_init(&pool->home);
	pool->timer_at = RV_FOREVER;
	pool->now = rv_sys_now();
	pool->size = options->min;
	pool->max = options->max;
	pool->full = options->full;
	pool->max_waiting = options->max_waiting;
	pool->max_memory = options->max_memory;
	pool->soft_signal =
	    options->soft_signal != 0 ? options->soft_signal : SIGUSR1;
	pool->notice = options->notice;
	pool->ctx = options->ctx;
	rv_copy(pool->name, sizeof(pool->name), options->name);
	rv_door_name(pool->door_name, sizeof(pool->door_name), options->name);
	rv_list_init(&pool->active);
	rv_list_init(&pool->wake);
	rv_list_init(&pool->hung);
	rv_list_init(&pool->knocks);
	rv_list_init(&pool->graves);
	rv_list_init(&pool->news);
	rv_list_init(&pool->told);
	rv_list_init(&pool->ended);
	rv_list_init(&pool->feeds);
	rv_list_init(&pool->all_results);
	rv_list_init(&pool->imaps);
	rv_list_init(&pool->rules);
	rv_rules_defaults(pool, options);
	pool->may_spin = reeve_cpus() > 1;
	pool->awaited = 20 * RV_US;
}

static enum reeve_status
init_scheduler(struct reeve_pool *pool,
    const struct reeve_pool_options *options, struct reeve_error *err)
{
	struct rv_sched_options sched = {
		.min = (uint16_t)options->min,
		.max = (uint16_t)options->max,
		.places = RV_SCHED_WORKERS,
		.idle = options->idle_timeout > 0 ? options->idle_timeout
						  : 10 * RV_SEC,
		.grow_after =
		    options->grow_after > 0 ? options->grow_after : 10 * RV_MS,
		.max_tasks = options->max_tasks,
		.max_waiting = options->full == REEVE_POOL_SPILL
				   ? 0
				   : options->max_waiting,
	};

	pool->places = rv_alloc(RV_SCHED_WORKERS, sizeof(*pool->places));
	pool->heap = rv_alloc(RV_SCHED_WORKERS, sizeof(*pool->heap));
	if (pool->places == NULL || pool->heap == NULL) {
		rv_free(pool->places);
		pool->places = NULL; /* there is no scheduler to be ended */
		return rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	rv_sched_init(
	    &pool->sched, &sched, pool->places, pool->heap, pool->now);
	return REEVE_OK;
}

static enum reeve_status
watch_runtime(struct reeve_pool *pool, struct reeve_error *err)
{
	int fd = reeve_fd(pool->reeve);

	pool->polled = fd != -1;
	if (fd != -1 && !rv_sleep_watch(pool, RV_SLEEP_RUNTIME, fd, NULL)) {
		return rv_error_sys(err, errno, "cannot watch the runtime");
	}
	pool->runtime_fd = fd;
	return REEVE_OK;
}

static enum reeve_status
open_pool(struct reeve_pool *pool, const struct reeve_pool_options *options,
    struct reeve_error *err)
{
	enum reeve_status status;

	if ((status = init_scheduler(pool, options, err)) != REEVE_OK ||
	    (status = rv_sleep_open(pool, err)) != REEVE_OK) {
		return status;
	}
	pool->reeve = options->reeve;
	if (pool->reeve == NULL &&
	    (status = rv_own_create(pool, options, err)) != REEVE_OK) {
		return status;
	}
	if ((status = watch_runtime(pool, err)) != REEVE_OK ||
	    (status = rv_door_open(pool, options, err)) != REEVE_OK) {
		return status;
	}
	return rv_units_add(pool, options, err);
}

enum reeve_status
reeve_pool_new(struct reeve_pool **out, const struct reeve_pool_options *given,
    struct reeve_error *err)
{
	struct reeve_pool_options options;
	enum reeve_status status = check_options(given, &options, err);
	struct reeve_pool *pool = NULL;

	if (status == REEVE_OK && out == NULL) {
		status = rv_error(
		    err, REEVE_EINVALID, "no place for the pool was given");
	}
	if (status == REEVE_OK) {
		pool = rv_alloc(1, sizeof(*pool));
		status = pool != NULL
			     ? REEVE_OK
			     : rv_error(err, REEVE_ENOMEM, "out of memory");
	}
	if (pool != NULL) {
		take_options(pool, &options);
		status = open_pool(pool, &options, err);
		if (status == REEVE_OK) {
			rv_pool_leave(pool);
			*out = pool;
			return REEVE_OK;
		}
		rv_pool_destroy(pool);
	}
	rv_error_wrap(err, "cannot make a pool");
	return status;
}

/* -------- the end -------- */

static void
await_death(const struct rv_hand *hand)
{
	struct pollfd p = { .fd = hand->pidfd, .events = POLLIN };

	if (hand->pidfd != -1) {
		(void)poll(&p, 1, DEATH_WITHIN_MS);
	}
}

void
rv_pool_kill_all(struct reeve_pool *pool)
{
	for (uint32_t i = 0; i < RV_SCHED_WORKERS; i++) {
		rv_hand_signal(pool->hands[i], SIGKILL);
	}
	for (uint32_t i = 0; i < RV_SCHED_WORKERS; i++) {
		if (pool->hands[i] != NULL) {
			await_death(pool->hands[i]);
			rv_death_of(pool->hands[i]);
		}
	}
}

/* Whatever there is has its end when this is over. */
static void
end_all(struct reeve_pool *pool)
{
	pool->in_turn = true;
	pool->stopping = pool->cancelling = true;
	pool->now = rv_sys_now();
	if (pool->places != NULL) {
		rv_units_remove(pool);
		rv_results_cancel_all(pool);
		rv_sched_terminate(&pool->sched, pool->now);
		rv_pool_kill_all(pool);
		while (rv_pool_act(pool)) {
		}
		rv_death_finish_all(pool);
		while (rv_pool_act(pool)) {
		}
	}
}

/* Futures and results are the callers', and have their ends. */
static void
orphan_all(struct reeve_pool *pool)
{
	while (!rv_list_empty(&pool->ended)) {
		struct rv_job *job =
		    RV_CONTAINER(pool->ended.next, struct rv_job, task.link);

		rv_list_remove(&job->task.link);
		job->pool = NULL;
	}
	rv_results_orphan(pool);
	rv_imaps_orphan(pool);
}

void
rv_pool_destroy(struct reeve_pool *pool)
{
	end_all(pool);
	rv_pool_tell(pool);
	orphan_all(pool);
	rv_units_unwatch(pool);
	rv_door_close(pool);
	rv_sleep_unwatch(pool, pool->runtime_fd);
	if (pool->own_runtime) {
		rv_own_destroy(pool);
	}
	rv_sleep_close(pool);
	rv_rules_finish(pool);
	rv_spill_finish(pool);
	rv_thrown_free(&pool->bad);
	rv_free(pool->places);
	rv_free(pool->heap);
	rv_here_unref(pool->here);
	pool->magic = 0;
	rv_free(pool);
}

void
reeve_pool_free(struct reeve_pool *pool)
{
	if (rv_pool_check(pool, "free a pool", NULL) != REEVE_OK) {
		return;
	}
	if (pool->in_turn) {
		pool->doomed = true;
		pool->closed = true;
		return;
	}
	rv_pool_destroy(pool);
}

struct reeve *
reeve_pool_runtime(struct reeve_pool *pool)
{
	return rv_pool_check(pool, "tell its runtime", NULL) == REEVE_OK
		   ? pool->reeve
		   : NULL;
}
