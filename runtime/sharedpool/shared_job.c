/* SPDX-License-Identifier: MIT */
/*
 * Jobs of clients: numbered, each its client's own, ended with it. The pool
 * tells of an end from inside of its dispatch; that is noted there, and acted
 * upon when the pool has returned. Called by the methods and by the type.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "sharedpool/shared_priv.h"

/* What a job counts for besides its bytes. */
#define JOB_WEIGHT 512

/* -------- clients -------- */

static bool
reserve(struct rv_hash *hash)
{
	return hash->n < hash->n_buckets ||
	       rv_hash_reserve(hash, RV_MAX(2 * hash->n_buckets, (size_t)16));
}

static struct rv_shared_client *
find_client(const struct rv_shared *shared, uint64_t id)
{
	struct rv_hash_node *node =
	    shared->clients.n > 0 ? rv_hash_find(&shared->clients, id) : NULL;

	return node != NULL ? RV_CONTAINER(node, struct rv_shared_client, by_id)
			    : NULL;
}

static enum reeve_status
no_memory(struct reeve_request *r)
{
	return reeve_request_fail(
	    r, REEVE_ENOMEM, "memory", "the manager has no memory");
}

/* Who calls; the object is told when it is gone. */
static struct rv_shared_client *
client_of(struct reeve_request *r, struct rv_shared *shared,
    enum reeve_status *status)
{
	uint64_t id = reeve_request_client(r);
	struct rv_shared_client *client = find_client(shared, id);

	if (client != NULL) {
		return client;
	}
	client = rv_alloc(1, sizeof(*client));
	*status = client != NULL && reserve(&shared->clients)
		      ? reeve_request_lease(r, id)
		      : no_memory(r);
	if (*status != REEVE_OK) {
		rv_free(client);
		return NULL;
	}
	rv_list_init(&client->jobs);
	rv_hash_insert(&shared->clients, &client->by_id, id);
	return client;
}

static uint32_t
next_number(struct rv_shared *shared)
{
	do {
		shared->last_number++;
	} while (shared->last_number == 0 ||
		 rv_hash_find(&shared->numbers, shared->last_number) != NULL);
	return shared->last_number;
}

/* -------- jobs -------- */

struct rv_shared_job *
rv_shared_job_new(struct reeve_request *r, struct rv_shared *shared,
    uint64_t bytes, enum reeve_status *status)
{
	struct rv_shared_client *client = client_of(r, shared, status);
	struct rv_shared_job *job = NULL;

	bytes += JOB_WEIGHT;
	if (client == NULL) {
		return NULL;
	}
	*status = reeve_request_charge(r, (int64_t)bytes);
	if (*status != REEVE_OK) {
		return NULL;
	}
	if (reserve(&shared->numbers)) {
		job = rv_alloc(1, sizeof(*job));
	}
	if (job == NULL) {
		*status = no_memory(r);
		(void)!reeve_request_charge(r, -(int64_t)bytes);
		return NULL;
	}
	job->shared = shared;
	job->client = reeve_request_client(r);
	job->charged = bytes;
	job->number = next_number(shared);
	job->result.size = sizeof(job->result);
	rv_list_init(&job->ended);
	rv_list_insert(&shared->all, &job->all);
	rv_list_insert(&client->jobs, &job->of_client);
	rv_hash_insert(&shared->numbers, &job->by_number, job->number);
	return job;
}

static void
free_job(struct rv_shared_job *job)
{
	rv_list_remove(&job->all);
	rv_list_remove(&job->ended);
	reeve_future_free(job->future);
	reeve_results_free(job->results);
	reeve_task_result_free(&job->result);
	rv_free(job->items);
	rv_free(job);
}

/* Nobody finds it any more. */
static void
forget(struct rv_shared_job *job)
{
	if (!job->is_unwanted) {
		job->is_unwanted = true;
		rv_list_remove(&job->of_client);
		(void)rv_hash_remove(&job->shared->numbers, &job->by_number);
	}
}

static void
let_go(struct reeve_request *r, struct rv_shared_job *job)
{
	(void)!reeve_request_charge(r, -(int64_t)job->charged);
	free_job(job);
}

void
rv_shared_job_undo(struct reeve_request *r, struct rv_shared_job *job)
{
	forget(job);
	let_go(r, job);
}

struct rv_shared_job *
rv_shared_job_find(
    struct reeve_request *r, struct rv_shared *shared, uint64_t number)
{
	struct rv_hash_node *node = shared->numbers.n > 0
					? rv_hash_find(&shared->numbers, number)
					: NULL;
	struct rv_shared_job *job =
	    node != NULL ? RV_CONTAINER(node, struct rv_shared_job, by_number)
			 : NULL;

	if (job == NULL || job->client != reeve_request_client(r)) {
		(void)reeve_request_fail(r, REEVE_ENOENT, "no-task",
		    "this client has no task of number %llu",
		    (unsigned long long)number);
		return NULL;
	}
	return job;
}

enum reeve_status
rv_shared_job_cancel(struct rv_shared_job *job)
{
	if (job->is_done || !rv_list_empty(&job->ended)) {
		return REEVE_EEND;
	}
	return job->results != NULL ? reeve_results_cancel(job->results, true)
				    : reeve_future_cancel(job->future, true);
}

void
rv_shared_job_drop(struct reeve_request *r, struct rv_shared_job *job)
{
	forget(job);
	if (job->is_done) {
		let_go(r, job);
	} else {
		(void)rv_shared_job_cancel(job);
	}
}

/* -------- ends -------- */

void
rv_shared_told_of_task(void *ctx, struct reeve_future *future)
{
	struct rv_shared_job *job = ctx;

	(void)future; /* the job's */
	rv_list_insert(&job->shared->ended, &job->ended);
}

void
rv_shared_told_of_map(void *ctx, struct reeve_results *results)
{
	struct rv_shared_job *job = ctx;

	(void)results;
	rv_list_insert(&job->shared->ended, &job->ended);
}

/* Its result is kept by the manager now, as long as there is room for it. */
static void
collect(struct reeve_request *r, struct rv_shared_job *job)
{
	struct reeve_task_result *result = &job->result;

	if (reeve_future_get(job->future, result, 0) != REEVE_OK) {
		result->outcome = REEVE_OUTCOME_BROKEN;
	}
	reeve_future_free(job->future);
	job->future = NULL;
	if (reeve_request_charge(r, (int64_t)result->length) == REEVE_OK) {
		job->charged += result->length;
		return;
	}
	reeve_task_result_free(result);
	result->outcome = REEVE_OUTCOME_FAILED;
	result->code = -1;
	result->type = "full";
	result->message = "there is no room for its result in the manager";
}

void
rv_shared_settle(struct reeve_request *r, struct rv_shared *shared)
{
	while (!rv_list_empty(&shared->ended)) {
		struct rv_shared_job *job =
		    RV_LIST_FIRST(&shared->ended, struct rv_shared_job, ended);

		rv_list_remove(&job->ended);
		job->is_done = true;
		if (job->is_unwanted) {
			let_go(r, job);
			continue;
		}
		if (job->results == NULL) {
			collect(r, job);
		}
		reeve_request_wake(r, job->number);
	}
}

void
rv_shared_client_lost(
    struct reeve_request *r, struct rv_shared *shared, uint64_t id)
{
	struct rv_shared_client *client = find_client(shared, id);

	if (client == NULL) {
		return;
	}
	while (!rv_list_empty(&client->jobs)) {
		rv_shared_job_drop(r, RV_LIST_FIRST(&client->jobs,
					  struct rv_shared_job, of_client));
	}
	(void)rv_hash_remove(&shared->clients, &client->by_id);
	rv_free(client);
}

/* -------- the end of all -------- */

static void
free_clients(struct rv_shared *shared)
{
	for (size_t i = 0; i < shared->clients.n_buckets; i++) {
		while (shared->clients.buckets[i] != NULL) {
			struct rv_shared_client *client =
			    RV_CONTAINER(shared->clients.buckets[i],
				struct rv_shared_client, by_id);

			(void)rv_hash_remove(&shared->clients, &client->by_id);
			rv_free(client);
		}
	}
	rv_hash_finish(&shared->clients);
}

void
rv_shared_end(void *arg)
{
	struct rv_shared *shared = arg;

	reeve_pool_free(shared->pool); /* all that it has ends here */
	while (!rv_list_empty(&shared->all)) {
		struct rv_shared_job *job =
		    RV_LIST_FIRST(&shared->all, struct rv_shared_job, all);

		rv_list_remove(&job->of_client);
		free_job(job);
	}
	free_clients(shared);
	rv_hash_finish(&shared->numbers);
	rv_free(shared->options);
	rv_free(shared);
}
