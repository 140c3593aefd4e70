/* SPDX-License-Identifier: MIT */
/* The method of a function over many arguments: they come in one call. */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "sharedpool/shared_priv.h"

/* Whether all are JSON, or none; the bytes of all. */
static enum reeve_status
look(struct reeve_request *r, const struct reeve_datum *items, size_t n,
    bool *json, uint64_t *bytes)
{
	*json = n > 0 && items[0].type == REEVE_DATUM_JSON;
	*bytes = n * sizeof(struct iovec);
	for (size_t i = 0; i < n; i++) {
		uint32_t type = items[i].type;

		if (*json ? type != REEVE_DATUM_JSON
			  : type != REEVE_DATUM_BYTES &&
				type != REEVE_DATUM_TEXT) {
			return reeve_request_fail(r, REEVE_EINVALID,
			    "arguments",
			    "item %zu: all are bytes or texts, or all are "
			    "JSON",
			    i);
		}
		*bytes += items[i].length;
	}
	return REEVE_OK;
}

/* The pool borrows them until it has done; the call's are gone before. */
static struct iovec *
copy(const struct reeve_datum *items, size_t n, uint64_t bytes)
{
	struct iovec *copies = rv_alloc(1, bytes > 0 ? bytes : 1);
	char *at = (char *)(copies + n);

	for (size_t i = 0; copies != NULL && i < n; i++) {
		copies[i].iov_base = at;
		copies[i].iov_len = items[i].length;
		if (items[i].length > 0) {
			memcpy(at, items[i].data, items[i].length);
		}
		at += items[i].length;
	}
	return copies;
}

static enum reeve_status
begin(struct reeve_request *r, struct rv_shared *shared,
    const struct reeve_datum *args, size_t n, struct rv_shared_job **out)
{
	struct reeve_datum none = reeve_null();
	struct rv_shared_job *job;
	enum reeve_status status;
	struct reeve_error err = { 0 };
	struct reeve_map map;
	uint64_t bytes;

	status = rv_options_function(r, &args[0]);
	if (status == REEVE_OK) {
		status = rv_options_of_map(r, n > 1 ? &args[1] : &none, &map);
	}
	map.n = n > 2 ? n - 2 : 0;
	if (status == REEVE_OK) {
		status = look(r, args + 2, map.n, &map.json, &bytes);
	}
	if (status != REEVE_OK) {
		return status;
	}
	job = rv_shared_job_new(r, shared, bytes, &status);
	if (job == NULL) {
		return status;
	}
	job->items = copy(args + 2, map.n, bytes);
	map.function = args[0].data;
	map.vector = job->items;
	if (job->items == NULL) {
		status = REEVE_ENOMEM;
	} else {
		status = reeve_pool_map_start(shared->pool, &map, &job->results,
		    rv_shared_told_of_map, job, &err);
	}
	if (status != REEVE_OK) {
		status = rv_answer_error(r, status, &err);
		rv_shared_job_undo(r, job);
		return status;
	}
	*out = job;
	return REEVE_OK;
}

static enum reeve_status
answer(struct reeve_request *r, const struct rv_shared_job *job)
{
	return rv_answer_map(r, job->results);
}

/* Function, options, item... */
enum reeve_status
rv_shared_map(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	return rv_shared_begin_and_wait(r, state, args, n, begin, answer);
}
