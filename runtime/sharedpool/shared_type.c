/* SPDX-License-Identifier: MIT */
/*
 * <reeve/sharedpool.h>: the type of a manager's pools: made and ended, told by
 * the pool's descriptor, and its table of methods. Called by the manager alone.
 */
#include "config.h"

#include <string.h>

#include <reeve/sharedpool.h>

#include "base/alloc.h"
#include "base/text.h"
#include "sharedpool/shared_priv.h"

static enum reeve_status
open_pool(struct reeve_request *r, struct rv_shared *shared,
    const struct reeve_datum *options)
{
	struct reeve_pool_options how;
	struct reeve_error err = { 0 };
	void *memory = NULL;
	enum reeve_status status =
	    rv_options_of_pool(r, options, &how, &memory);

	if (status == REEVE_OK) {
		status = reeve_pool_new(&shared->pool, &how, &err);
		rv_options_free(memory);
		if (status != REEVE_OK) {
			return rv_answer_error(r, status, &err);
		}
		status = reeve_request_watch(r, reeve_pool_fd(shared->pool));
	}
	if (status == REEVE_OK && options->type != REEVE_DATUM_NULL) {
		/* read as JSON before, so no NUL is in it */
		shared->options = rv_strndup(options->data, options->length);
		status = shared->options != NULL
			     ? REEVE_OK
			     : reeve_request_fail(r, REEVE_ENOMEM, "memory",
				   "the manager has no memory");
	}
	return status;
}

static enum reeve_status
create(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct rv_shared_state *its = state;
	struct reeve_datum none = reeve_null();

	if (n > 1) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a pool is made of its options, a JSON object");
	}
	its->shared = rv_alloc(1, sizeof(*its->shared));
	if (its->shared == NULL) {
		return reeve_request_fail(
		    r, REEVE_ENOMEM, "memory", "the manager has no memory");
	}
	rv_list_init(&its->shared->all);
	rv_list_init(&its->shared->ended);
	return open_pool(r, its->shared, n > 0 ? &args[0] : &none);
}

static void
destroy(struct reeve_request *r, void *state)
{
	struct rv_shared_state *its = state;

	if (its->shared != NULL) {
		reeve_request_later(r, rv_shared_end, its->shared);
		its->shared = NULL;
	}
}

/* Of tasks there is nothing in a snapshot: their clients are gone. */
static enum reeve_status
save(struct reeve_request *r, void *state)
{
	const struct rv_shared *shared = rv_shared_of(state);
	struct reeve_datum options;

	if (shared->options != NULL) {
		options = reeve_json(shared->options);
		reeve_request_answer(r, &options);
	}
	return REEVE_OK;
}

static void
left(struct reeve_request *r, void *state)
{
	uint64_t number = reeve_request_slots(r)[0];
	struct rv_shared_job *job =
	    number != 0 ? rv_shared_job_find(r, rv_shared_of(state), number)
			: NULL;

	if (job != NULL) {
		rv_shared_job_drop(r, job);
	}
}

static void
lost(struct reeve_request *r, void *state, uint64_t client)
{
	rv_shared_client_lost(r, rv_shared_of(state), client);
}

static void
ready(struct reeve_request *r, void *state)
{
	struct rv_shared *shared = rv_shared_of(state);

	(void)reeve_pool_dispatch(shared->pool, NULL);
	rv_shared_settle(r, shared);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method methods[] = {
	{ "apply", rv_shared_apply, 1, 3, REEVE_METHOD_WAITS, 0 },
	{ "submit", rv_shared_submit, 1, 3, 0, 0 },
	{ "get", rv_shared_get, 1, 1, REEVE_METHOD_WAITS, 0 },
	{ "result", rv_shared_result, 1, 1, REEVE_METHOD_WAITS, 0 },
	{ "cancel", rv_shared_cancel, 1, 1, 0, 0 },
	{ "state", rv_shared_task_state, 1, 1, 0, 0 },
	{ "map", rv_shared_map, 2, REEVE_ANY_ARGS, REEVE_METHOD_WAITS, 0 },
	{ "close", rv_shared_close, 0, 0, 0, 0 },
	{ "drain", rv_shared_drain, 0, 0, 0, 0 },
	{ "terminate", rv_shared_terminate, 0, 0, 0, 0 },
	{ "join", rv_shared_join, 0, 0, REEVE_METHOD_WAITS, 0 },
	{ "resize", rv_shared_resize, 2, 2, 0, 0 },
	{ "stats", rv_shared_stats, 0, 0, 0, 0 },
};

const struct reeve_manager_type reeve_sharedpool_type = {
	.size = sizeof(reeve_sharedpool_type),
	.name = "pool",
	.methods = methods,
	.n_methods = RV_ARRAY_LEN(methods),
	.state_size = sizeof(struct rv_shared_state),
	.create = create,
	.destroy = destroy,
	.save = save,
	.left = left,
	.lost = lost,
	.ready = ready,
};
