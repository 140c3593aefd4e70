/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool_unit.h>: the pools of the conf in force, and word of their
 * change at the end of the turn that brought it. Knows nothing of pools but
 * that list.
 */
#include "config.h"

#include <reeve/pool_unit.h>

#include <string.h>

#include "base/error.h"
#include "face/face_tree.h"

static uint64_t
present(const struct reeve *reeve)
{
	return rv_super_conf(reeve->super)->pools_digest;
}

static void
on_turn(struct rv_defer *defer)
{
	struct reeve *reeve = defer->ctx;

	if (reeve->closing || reeve->doomed || reeve->pools.changed == NULL ||
	    present(reeve) == reeve->pools.told) {
		return;
	}
	reeve->pools.told = present(reeve);
	reeve->pools.changed(reeve->pools.ctx);
	rv_face_told(reeve);
}

void
rv_face_pools_init(struct reeve *reeve)
{
	reeve->pools.turn.cb = on_turn;
	reeve->pools.turn.ctx = reeve;
}

void
rv_face_pools_note(struct reeve *reeve, struct rv_declared *declared)
{
	const struct rv_pool_conf *pool = rv_super_conf(reeve->super)->pools;

	for (; pool != NULL; pool = pool->next) {
		rv_declared_note_pool(declared, pool->path);
	}
}

void
rv_face_on_reloaded(struct rv_super_sink *sink)
{
	struct reeve *reeve = sink->ctx;

	if (reeve->pools.changed != NULL &&
	    present(reeve) != reeve->pools.told) {
		rv_loop_defer(reeve->loop, &reeve->pools.turn);
	}
}

/* -------- the list -------- */

struct next_args {
	struct reeve_pool_unit *unit;
	bool found;
};

static void
fill(struct reeve_pool_unit *unit, const struct rv_pool_conf *pool)
{
	*unit = (struct reeve_pool_unit){
		.size = unit->size,
		.path = pool->path,
		.function = pool->function,
		.initializer = pool->initializer,
		.args = pool->args,
		.min = pool->min,
		.max = pool->max,
		.idle_timeout = pool->idle_timeout,
		.grow_after = pool->grow_after,
		.max_tasks = pool->max_tasks,
		.max_memory = pool->max_memory,
		.max_waiting = pool->max_waiting,
		.spill = pool->spill,
		.soft_limit = pool->soft_limit,
		.hard_limit = pool->hard_limit,
		.retries = pool->retries,
		.backoff = pool->backoff,
		.environment = pool->environment,
		.worker = pool->worker,
		.digest = pool->digest,
	};
}

static enum reeve_status
next(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	struct next_args *args = arg;
	const struct rv_pool_conf *pool = rv_super_conf(reeve->super)->pools;
	const char *path = args->unit->path;

	(void)err;
	while (path != NULL && pool != NULL && strcmp(pool->path, path) != 0) {
		pool = pool->next;
	}
	if (path != NULL && pool != NULL) {
		pool = pool->next;
	}
	args->found = pool != NULL;
	if (pool != NULL) {
		fill(args->unit, pool);
	} else {
		args->unit->path = NULL;
	}
	return REEVE_OK;
}

bool
reeve_pool_unit_next(struct reeve *reeve, struct reeve_pool_unit *unit)
{
	struct next_args args = { .unit = unit };

	return unit != NULL && unit->size >= sizeof(*unit) &&
	       rv_face_call(reeve, "tell of its pools", RV_FACE_LOOK, next,
		   &args, NULL) == REEVE_OK &&
	       args.found;
}

struct watch_args {
	void (*changed)(void *ctx);
	void *ctx;
};

static enum reeve_status
watch(struct reeve *reeve, void *arg, struct reeve_error *err)
{
	const struct watch_args *args = arg;

	if (reeve->source.pools != RV_POOLS_TAKEN && args->changed != NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "this runtime was made without pools: set the member "
		    "pools of its reeve_options");
	}
	reeve->pools.changed = args->changed;
	reeve->pools.ctx = args->ctx;
	reeve->pools.told = present(reeve);
	return REEVE_OK;
}

enum reeve_status
reeve_pool_unit_watch(struct reeve *reeve, void (*changed)(void *ctx),
    void *ctx, struct reeve_error *err)
{
	struct watch_args args = { .changed = changed, .ctx = ctx };

	return rv_face_call(
	    reeve, "watch the pools", RV_FACE_LOOK, watch, &args, err);
}
