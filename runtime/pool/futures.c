/* SPDX-License-Identifier: MIT */
/*
 * <reeve/pool.h>, several futures at once: until the first, the first bad one
 * or all are done, and one after the other as they complete.
 */
#include "config.h"

#include "base/error.h"
#include "pool/pool_priv.h"

struct many {
	struct reeve_future **futures;
	size_t n, i; /* those before i are done */
	enum reeve_futures_mode mode;
	uint64_t seen; /* of the pool's ended ones, at the last look */
	struct reeve_pool *pool;
};

static bool
has_ended(const struct reeve_future *future)
{
	return future == NULL || (future->job.flags & RV_JOB_ENDED) != 0;
}

static bool
is_bad(const struct reeve_future *future)
{
	return future != NULL && has_ended(future) &&
	       future->job.box->outcome != REEVE_OUTCOME_GOOD;
}

/* All of one pool, which is that of those not done. */
static enum reeve_status
check(struct many *many)
{
	if (many->futures == NULL && many->n > 0) {
		return REEVE_EINVALID;
	}
	for (size_t i = 0; i < many->n; i++) {
		const struct reeve_future *future = many->futures[i];

		if (has_ended(future)) {
			continue;
		}
		if (many->pool != NULL && future->job.pool != many->pool) {
			return REEVE_EINVALID;
		}
		many->pool = future->job.pool;
	}
	return many->pool != NULL
		   ? rv_pool_check(many->pool, "wait for futures", NULL)
		   : REEVE_OK;
}

static bool
all_done(struct many *many)
{
	while (many->i < many->n && has_ended(many->futures[many->i])) {
		many->i++;
	}
	return many->i == many->n;
}

static bool
any_done(struct many *many, bool bad)
{
	if (many->seen == many->pool->n_ended + 1) {
		return false;
	}
	many->seen = many->pool->n_ended + 1;
	for (size_t i = 0; i < many->n; i++) {
		if (many->futures[i] != NULL &&
		    (bad ? is_bad(many->futures[i])
			 : has_ended(many->futures[i]))) {
			many->i = i;
			return true;
		}
	}
	return false;
}

static bool
are_done(void *arg)
{
	struct many *many = arg;

	if (many->pool == NULL) {
		return true;
	}
	switch (many->mode) {
	case REEVE_FIRST:
		return any_done(many, false);
	case REEVE_FIRST_BAD:
		return any_done(many, true) || all_done(many);
	case REEVE_ALL:
		break;
	}
	return all_done(many);
}

enum reeve_status
reeve_futures_wait(struct reeve_future **futures, size_t n,
    enum reeve_futures_mode mode, int64_t timeout)
{
	struct many many = { .futures = futures, .n = n, .mode = mode };
	enum reeve_status status = check(&many);

	if (status != REEVE_OK || are_done(&many)) {
		return status;
	}
	return rv_pool_wait(
	    many.pool, "wait for futures", are_done, &many, timeout, NULL);
}

enum reeve_status
reeve_futures_next(struct reeve_future **futures, size_t n,
    struct reeve_future **which, size_t *index, int64_t timeout)
{
	struct many many = { .futures = futures, .n = n, .mode = REEVE_FIRST };
	enum reeve_status status;
	size_t i = 0;

	if (futures == NULL && n > 0) {
		return REEVE_EINVALID;
	}
	/* Looked for first, and all looked at only where none has: who takes
	 * a hundred thousand would look at most of them each time. */
	while (i < n && (futures[i] == NULL || !has_ended(futures[i]))) {
		i++;
	}
	if (i == n) {
		status = check(&many);
		if (status != REEVE_OK || many.pool == NULL) {
			return status != REEVE_OK ? status : REEVE_EEND;
		}
		status = rv_pool_wait(many.pool, "wait for futures", are_done,
		    &many, timeout, NULL);
		if (status != REEVE_OK) {
			return status;
		}
		i = many.i;
	}
	if (which != NULL) {
		*which = futures[i];
	}
	if (index != NULL) {
		*index = i;
	}
	futures[i] = NULL;
	return REEVE_OK;
}
