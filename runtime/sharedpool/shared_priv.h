/* SPDX-License-Identifier: MIT */
/*
 * A pool as a manager's object, for the files of this folder. Jobs are what
 * clients have handed over: single tasks, and maps. All is called by the
 * manager, in its thread; what ends the pool at last is done in another, when
 * no one else knows of it (rv_shared_end).
 */
#ifndef RV_SHARED_PRIV_H
#define RV_SHARED_PRIV_H

#include <sys/uio.h>

#include <reeve/manager.h>
#include <reeve/pool.h>

#include "base/base.h"
#include "base/hash.h"
#include "base/list.h"

struct rv_shared {
	struct reeve_pool *pool;
	char *options;          /* JSON, as it was made; or NULL */
	struct rv_hash numbers; /* of rv_shared_job that are wanted */
	struct rv_hash clients; /* of rv_shared_client */
	struct rv_list all;     /* rv_shared_job */
	struct rv_list ended;   /* rv_shared_job: told by the pool */
	uint32_t last_number;
	bool is_closed;
};

struct rv_shared_client {
	struct rv_hash_node by_id;
	struct rv_list jobs;
};

struct rv_shared_job {
	struct rv_hash_node by_number;
	struct rv_list all, ended, of_client;
	struct rv_shared *shared;
	uint64_t client;
	uint64_t charged;
	uint32_t number;
	bool is_done;     /* its result is there */
	bool is_unwanted; /* it goes when it has ended */
	struct reeve_future *future;
	struct reeve_task_result result;
	struct reeve_results *results; /* of a map; then future is NULL */
	struct iovec *items;           /* of a map: borrowed by the pool */
};

/* What the object's memory is. */
struct rv_shared_state {
	struct rv_shared *shared;
};

static inline struct rv_shared *
rv_shared_of(void *state)
{
	return ((struct rv_shared_state *)state)->shared;
}

/* -------- shared_options.c: errors are said in the request -------- */

/* Their texts are borrowed from *memory, to be freed by rv_options_free. */
enum reeve_status rv_options_of_pool(struct reeve_request *,
    const struct reeve_datum *, struct reeve_pool_options *,
    void **memory) RV_MUST_CHECK;
enum reeve_status rv_options_of_map(struct reeve_request *,
    const struct reeve_datum *, struct reeve_map *) RV_MUST_CHECK;
/* Those of a map, but for what only maps have. */
enum reeve_status rv_options_of_task(struct reeve_request *,
    const struct reeve_datum *, struct reeve_task *) RV_MUST_CHECK;
void rv_options_free(void *memory);
/* Whether clients may name this function; a NUL is behind it. */
enum reeve_status rv_options_function(
    struct reeve_request *, const struct reeve_datum *) RV_MUST_CHECK;

/* -------- shared_job.c -------- */

/* Not begun; it has a number, and is this client's. NULL: said why. */
struct rv_shared_job *rv_shared_job_new(struct reeve_request *,
    struct rv_shared *, uint64_t bytes, enum reeve_status *);
/* It could not be begun. */
void rv_shared_job_undo(struct reeve_request *, struct rv_shared_job *);
/* Of this client; NULL: none, as is said. */
struct rv_shared_job *rv_shared_job_find(
    struct reeve_request *, struct rv_shared *, uint64_t number);
/* REEVE_EEND: it has its end already. */
enum reeve_status rv_shared_job_cancel(struct rv_shared_job *);
/* Nobody asks for it any more: cancelled, if it is not done. */
void rv_shared_job_drop(struct reeve_request *, struct rv_shared_job *);
/* `done` of tasks and of maps; ctx is the job. */
void rv_shared_told_of_task(void *ctx, struct reeve_future *);
void rv_shared_told_of_map(void *ctx, struct reeve_results *);
/* Those that have ended: who waits for them is woken. */
void rv_shared_settle(struct reeve_request *, struct rv_shared *);
/* It is gone, and nobody wants what it has handed over. */
void rv_shared_client_lost(
    struct reeve_request *, struct rv_shared *, uint64_t id);
/* The pool, and all: when the manager knows nothing of it any more. */
void rv_shared_end(void *shared);

/* -------- shared_answer.c -------- */

/* Its value, or why there is none, as an error. */
enum reeve_status rv_answer_value(
    struct reeve_request *, const struct reeve_task_result *) RV_MUST_CHECK;
void rv_answer_report(struct reeve_request *, const struct reeve_task_result *);
/* How many are bad; a value for each; index and report of each bad one. */
enum reeve_status rv_answer_map(
    struct reeve_request *, const struct reeve_results *) RV_MUST_CHECK;
/* What a function of the pool said, in the manager's words. */
enum reeve_status rv_answer_error(
    struct reeve_request *, enum reeve_status, const struct reeve_error *);

/* -------- shared_task.c, shared_map.c, shared_whole.c -------- */

/* What a call begins; its errors are said. */
typedef enum reeve_status rv_shared_begin_fn(struct reeve_request *,
    struct rv_shared *, const struct reeve_datum *args, size_t n,
    struct rv_shared_job **);
/* It is begun by this call, which waits for it, and ends with the call. */
enum reeve_status rv_shared_begin_and_wait(struct reeve_request *, void *state,
    const struct reeve_datum *args, size_t n, rv_shared_begin_fn *,
    enum reeve_status (*answer)(
	struct reeve_request *, const struct rv_shared_job *));

reeve_manager_fn rv_shared_apply, rv_shared_submit, rv_shared_get,
    rv_shared_result, rv_shared_cancel, rv_shared_task_state;
reeve_manager_fn rv_shared_map;
reeve_manager_fn rv_shared_close, rv_shared_drain, rv_shared_terminate,
    rv_shared_join, rv_shared_resize, rv_shared_stats;

#endif
