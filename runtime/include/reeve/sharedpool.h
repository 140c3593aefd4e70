/* SPDX-License-Identifier: MIT */
/*
 * Pools that processes share through a manager: the type "pool" for managers
 * (manager.h), whose objects are pools (pool.h) of the manager's process. Its
 * clients, on this machine or others, have tasks done by its workers. The type
 * is libreeve-sharedpool's, which the manager's program links; the functions
 * for clients below need libreeve-manager alone.
 *
 *	static const struct reeve_manager_type *const types[] = {
 *		&reeve_sharedpool_type };
 *	static const struct reeve_manager_setup shop = { .size = sizeof(shop),
 *		.types = types, .n_types = 1 };
 *	REEVE_MANAGER("shop.manager", shop);
 *
 *	struct reeve_datum options = reeve_json("{\"max\": 4}");
 *	reeve_proxy_create(&pool, m, "pool", &options, 1, REEVE_S(5), &err);
 *	reeve_sharedpool_apply(pool, "cube", reeve_text("3"), NULL, &result,
 *	    REEVE_S(5), &err);
 *
 * Functions are those that the manager's program has registered; no client may
 * name a module. What they are given is bytes or a text as it is, JSON as JSON,
 * numbers and bools as JSON texts, null as nothing; what they return is bytes
 * or JSON. Options are a JSON object, listed with the methods in
 * reeve-manager(7).
 *
 * A task belongs to the client that handed it over: nobody else sees it, and
 * with the client's connection it ends, killed if it runs. So does one whose
 * time of waiting is over in apply and map. When nobody has a reference to the
 * pool any more all its workers are killed. Workers die, the pool does not: see
 * enum reeve_sharedpool_report for what is known then.
 *
 * The manager never waits for tasks. To make a pool takes it some milliseconds,
 * since that starts two processes.
 */
#ifndef REEVE_SHAREDPOOL_H
#define REEVE_SHAREDPOOL_H

#include <reeve/manager.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For a manager's table of types. */
REEVE_PUBLIC extern const struct reeve_manager_type reeve_sharedpool_type;

/* Numbers of methods, of the protocol. */
enum reeve_sharedpool_methods {
	REEVE_SHAREDPOOL_APPLY = 1,
	REEVE_SHAREDPOOL_SUBMIT = 2,
	REEVE_SHAREDPOOL_GET = 3,
	REEVE_SHAREDPOOL_RESULT = 4,
	REEVE_SHAREDPOOL_CANCEL = 5,
	REEVE_SHAREDPOOL_STATE = 6,
	REEVE_SHAREDPOOL_MAP = 7,
	REEVE_SHAREDPOOL_CLOSE = 8,
	REEVE_SHAREDPOOL_DRAIN = 9,
	REEVE_SHAREDPOOL_TERMINATE = 10,
	REEVE_SHAREDPOOL_JOIN = 11,
	REEVE_SHAREDPOOL_RESIZE = 12,
	REEVE_SHAREDPOOL_STATS = 13,
};

/* Values of a report, in this order: what `result` answers, and `map` of each
 * item that is not good. */
enum reeve_sharedpool_report {
	REEVE_REPORT_VALUE,     /* null when it is not good */
	REEVE_REPORT_OUTCOME,   /* "good", "failed", "died", "timed-out",
				   "cancelled", "broken" */
	REEVE_REPORT_TYPE,      /* "cube.Size", "SIGSEGV", or "" */
	REEVE_REPORT_MESSAGE,   /* what happened, in words */
	REEVE_REPORT_BACKTRACE, /* or "" */
	REEVE_REPORT_CODE,      /* returned, or exited with; -1 */
	REEVE_REPORT_SIGNAL,    /* that its worker died of; 0 */
	REEVE_REPORT_CORE,      /* a bool */
	REEVE_REPORT_PID,       /* of its worker; 0: never began */
	REEVE_REPORT_WORKER,    /* "pool.3", or "" */
	REEVE_REPORT_ATTEMPTS,  /* times it was begun */
	REEVE_REPORT_TOOK,      /* nanoseconds in the function; 0: not known */
	REEVE_REPORT_VALUES,    /* so many */
};

/*
 * Do it, and wait for its result, the only value. Options are JSON, or NULL.
 * Otherwise err has the type and the message: REEVE_EFAILED: it has failed, its
 * worker has died, or it took longer than its limit; REEVE_ECANCELED;
 * REEVE_ETIMEDOUT: it was cancelled, killed if it ran. REEVE_ENOENT: there is
 * no such function. REEVE_ECLOSED, REEVE_EFULL: as in pool.h.
 */
static inline enum reeve_status
reeve_sharedpool_apply(struct reeve_proxy *pool, const char *function,
    struct reeve_datum argument, const char *options,
    struct reeve_result *result, int64_t timeout, struct reeve_error *err)
{
	struct reeve_datum args[3] = { reeve_text(function), argument,
		options != NULL ? reeve_json(options) : reeve_null() };

	return reeve_proxy_do(
	    pool, REEVE_SHAREDPOOL_APPLY, args, 3, result, timeout, err);
}

/* Hand it over; *task is its number, for `get` and the others. */
static inline enum reeve_status
reeve_sharedpool_submit(struct reeve_proxy *pool, const char *function,
    struct reeve_datum argument, const char *options, int64_t *task,
    int64_t timeout, struct reeve_error *err)
{
	struct reeve_datum args[3] = { reeve_text(function), argument,
		options != NULL ? reeve_json(options) : reeve_null() };
	struct reeve_result result;
	enum reeve_status status;

	memset(&result, 0, sizeof(result));
	status = reeve_proxy_do(
	    pool, REEVE_SHAREDPOOL_SUBMIT, args, 3, &result, timeout, err);
	if (status == REEVE_OK) {
		*task = result.values[0].is.integer;
	}
	reeve_result_free(&result);
	return status;
}

/*
 * Wait for it, and its result; once. REEVE_ETIMEDOUT: it goes on, and can be
 * waited for again. REEVE_ENOENT: this client has no such task; REEVE_EBUSY:
 * another thread of it waits for the task; the others as in apply.
 */
static inline enum reeve_status
reeve_sharedpool_get(struct reeve_proxy *pool, int64_t task,
    struct reeve_result *result, int64_t timeout, struct reeve_error *err)
{
	struct reeve_datum number = reeve_int(task);

	return reeve_proxy_do(
	    pool, REEVE_SHAREDPOOL_GET, &number, 1, result, timeout, err);
}

/* The same, but what the task came to is no error: it is the report. */
static inline enum reeve_status
reeve_sharedpool_result(struct reeve_proxy *pool, int64_t task,
    struct reeve_result *report, int64_t timeout, struct reeve_error *err)
{
	struct reeve_datum number = reeve_int(task);

	return reeve_proxy_do(
	    pool, REEVE_SHAREDPOOL_RESULT, &number, 1, report, timeout, err);
}

#ifdef __cplusplus
}
#endif

#endif
