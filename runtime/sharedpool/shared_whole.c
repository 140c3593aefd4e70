/* SPDX-License-Identifier: MIT */
/* Methods of the pool as a whole. None of them waits for workers but join. */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"
#include "sharedpool/shared_priv.h"

/* Close it, in this way. */
static enum reeve_status
shut(struct reeve_request *r, void *state,
    enum reeve_status (*how)(struct reeve_pool *, struct reeve_error *))
{
	struct rv_shared *shared = rv_shared_of(state);
	struct reeve_error err = { 0 };
	enum reeve_status status = how(shared->pool, &err);

	shared->is_closed = true;
	return status == REEVE_OK ? status : rv_answer_error(r, status, &err);
}

enum reeve_status
rv_shared_close(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)args;
	(void)n;
	return shut(r, state, reeve_pool_close);
}

enum reeve_status
rv_shared_drain(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)args;
	(void)n;
	return shut(r, state, reeve_pool_drain);
}

/* As reeve_pool_terminate, but nothing is waited for: who wants to, joins. */
enum reeve_status
rv_shared_terminate(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	enum reeve_status status = rv_shared_drain(r, state, args, n);

	RV_LIST_EACH (
	    job, &rv_shared_of(state)->all, struct rv_shared_job, all) {
		(void)rv_shared_job_cancel(job);
	}
	return status;
}

enum reeve_status
rv_shared_join(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct rv_shared *shared = rv_shared_of(state);
	struct reeve_error err = { 0 };
	enum reeve_status status;

	(void)args;
	(void)n;
	if (!shared->is_closed) {
		return reeve_request_fail(r, REEVE_EINVALID, "open",
		    "the pool is not closed: close it before it is joined");
	}
	status = reeve_pool_join(shared->pool, 0, &err);
	rv_shared_settle(r, shared);
	if (status == REEVE_ETIMEDOUT) {
		return REEVE_EAGAIN;
	}
	return status == REEVE_OK ? status : rv_answer_error(r, status, &err);
}

/* min, max */
enum reeve_status
rv_shared_resize(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct reeve_error err = { 0 };
	enum reeve_status status;

	(void)n;
	for (unsigned i = 0; i < 2; i++) {
		if (args[i].type != REEVE_DATUM_INT || args[i].is.integer < 1 ||
		    args[i].is.integer > UINT32_MAX) {
			return reeve_request_fail(r, REEVE_EINVALID,
			    "arguments",
			    "workers: min and max are whole numbers from 1");
		}
	}
	status = reeve_pool_resize(rv_shared_of(state)->pool,
	    (uint32_t)args[0].is.integer, (uint32_t)args[1].is.integer, &err);
	return status == REEVE_OK ? status : rv_answer_error(r, status, &err);
}

enum reeve_status
rv_shared_stats(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct reeve_pool_stats stats = { .size = sizeof(stats) };
	struct reeve_error err = { 0 };
	enum reeve_status status =
	    reeve_pool_stats(rv_shared_of(state)->pool, &stats, &err);
	const struct {
		const char *name;
		uint64_t is;
	} numbers[] = {
		{ "workers", stats.workers },
		{ "idle", stats.idle },
		{ "min", stats.min },
		{ "max", stats.max },
		{ "waiting", stats.waiting },
		{ "running", stats.running },
		{ "resting", stats.resting },
		{ "submitted", stats.submitted },
		{ "good", stats.good },
		{ "failed", stats.failed },
		{ "cancelled", stats.cancelled },
		{ "retried", stats.retried },
		{ "deaths", stats.deaths },
		{ "mean_task", (uint64_t)stats.mean_task },
	};
	struct reeve_datum json;
	struct rv_buf out;
	char room[800];

	(void)args;
	(void)n;
	if (status != REEVE_OK) {
		return rv_answer_error(r, status, &err);
	}
	rv_buf_init_in(&out, room, sizeof(room));
	rv_buf_addf(&out, "{\"open\":%s,\"broken\":%s",
	    stats.open ? "true" : "false", stats.broken ? "true" : "false");
	for (size_t i = 0; i < RV_ARRAY_LEN(numbers); i++) {
		rv_buf_addf(&out, ",\"%s\":%llu", numbers[i].name,
		    (unsigned long long)numbers[i].is);
	}
	rv_buf_adds(&out, "}");
	json = reeve_json(rv_buf_str(&out));
	reeve_request_answer(r, &json);
	return REEVE_OK;
}
