/* SPDX-License-Identifier: MIT */
/*
 * How the items of a map become tasks: chunks of them, made when there is room
 * at the workers, no earlier; chunks.c says of how many. Items with limits or
 * retries go one by one, so that the scheduler's rules are those of each.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "pool/pool_priv.h"

#define AHEAD_ONE  64 /* chunks of one item for each worker, at a time */
#define AHEAD_MANY 3

/* -------- items -------- */

size_t
rv_chunk_data(const struct rv_chunk_job *chunk, uint32_t i, const void **data)
{
	const struct reeve_map *map = &chunk->results->map;
	uint64_t item = chunk->first + i;

	if (map->next != NULL) {
		*data = chunk->payload;
		return chunk->n_payload;
	}
	if (map->vector != NULL) {
		*data = map->vector[item].iov_base;
		return map->vector[item].iov_len;
	}
	*data = (const uint8_t *)map->items + item * map->item_size;
	return map->item_size;
}

bool
rv_chunk_is_even(const struct rv_chunk_job *chunk)
{
	return chunk->results->map.vector == NULL;
}

uint32_t
rv_chunk_bytes(const struct rv_chunk_job *chunk)
{
	uint32_t left = chunk->count - chunk->ended;
	size_t size = chunk->results->map.item_size;
	uint64_t bytes;
	const void *data;

	if (rv_chunk_is_even(chunk)) {
		return size > 0 ? (uint32_t)(left * RV_CHUNK_ROOM(size)) : 0;
	}
	bytes = ((uint64_t)left * 4 + 7) & ~(uint64_t)7;
	for (uint32_t i = 0; i < left; i++) {
		bytes += RV_CHUNK_ROOM(
		    rv_chunk_data(chunk, chunk->ended + i, &data));
	}
	return (uint32_t)bytes;
}

/* Items of the next chunk: at least 1. */
static uint32_t
chunk_size(const struct reeve_results *results)
{
	const struct reeve_map *map = &results->map;
	uint64_t left = results->n - results->next;
	uint32_t n;

	if (results->singly) {
		return 1;
	}
	n = map->chunk != 0
		? (uint32_t)RV_MIN(left, map->chunk)
		: rv_chunks_next(&results->sizes, left, results->pool->max);
	return map->vector != NULL
		   ? rv_chunks_fit_vector(map->vector + results->next, n)
		   : RV_MIN(n, rv_chunks_fit(map->item_size));
}

/* -------- chunks -------- */

static struct rv_chunk_job *
new_chunk(struct reeve_results *results, size_t room)
{
	struct rv_chunk_job *chunk;

	if (room == 0 && !rv_list_empty(&results->spare)) {
		chunk =
		    RV_LIST_FIRST(&results->spare, struct rv_chunk_job, link);
		rv_list_remove(&chunk->link);
		memset(chunk, 0, sizeof(*chunk));
	} else {
		chunk = rv_alloc(1, sizeof(*chunk) + room);
	}
	if (chunk == NULL) {
		return NULL;
	}
	chunk->job.kind = RV_JOB_CHUNK;
	chunk->job.pool = results->pool;
	chunk->job.function = results->function;
	chunk->job.flags = results->map.json ? RV_JOB_JSON : 0;
	chunk->job.task.rules = results->rules;
	rv_list_init(&chunk->job.task.link);
	rv_list_init(&chunk->link);
	chunk->results = results;
	return chunk;
}

static void
free_chunk(struct rv_chunk_job *chunk)
{
	struct reeve_results *results = chunk->results;

	rv_list_remove(&chunk->link);
	if (chunk->own) {
		rv_free(chunk);
	} else {
		rv_list_insert(&results->spare, &chunk->link);
	}
}

bool
rv_feed_begin(struct reeve_results *results)
{
	struct rv_chunk_job *chunk = new_chunk(results, 0);

	if (chunk != NULL) {
		rv_list_insert(&results->spare, &chunk->link);
	}
	return chunk != NULL;
}

void
rv_feed_finish(struct reeve_results *results)
{
	while (!rv_list_empty(&results->spare)) {
		struct rv_chunk_job *chunk =
		    RV_LIST_FIRST(&results->spare, struct rv_chunk_job, link);

		rv_list_remove(&chunk->link);
		rv_free(chunk);
	}
}

void
rv_chunk_items(
    struct rv_chunk_job *chunk, uint32_t n, struct rv_box *box, rv_time took)
{
	uint64_t item = chunk->first + chunk->ended;

	RV_ASSERT(n <= chunk->count - chunk->ended);
	chunk->ended += n;
	chunk->timed += n;
	chunk->took = rv_time_add(chunk->took, took);
	rv_results_set(chunk->results, item, n, box);
}

static void
end_chunk(struct rv_chunk_job *chunk)
{
	struct reeve_results *results = chunk->results;

	rv_chunks_measured(&results->sizes, chunk->timed, chunk->took);
	results->pool->n_jobs--;
	results->n_chunks--;
	free_chunk(chunk);
	rv_results_check(results);
}

/* Those that have no result. */
static void
end_rest(struct rv_chunk_job *chunk, enum reeve_outcome outcome)
{
	uint32_t left = chunk->count - chunk->ended;

	rv_results_set(chunk->results, chunk->first + chunk->ended, left,
	    rv_box_plain(outcome));
	chunk->ended = chunk->count;
	end_chunk(chunk);
}

void
rv_chunk_go_on(struct rv_chunk_job *chunk)
{
	struct reeve_results *results = chunk->results;
	struct reeve_pool *pool = results->pool;
	struct rv_job *job = &chunk->job;

	if (chunk->ended == chunk->count) {
		end_chunk(chunk);
		return;
	}
	chunk->begun = 0;
	job->task = (struct rv_task){ .rules = results->rules };
	rv_list_init(&job->task.link);
	if (results->stopped || rv_sched_continue(&pool->sched, &job->task,
				    pool->now) != REEVE_OK) {
		end_rest(chunk, REEVE_OUTCOME_CANCELLED);
	}
}

void
rv_chunk_end(struct rv_chunk_job *chunk, enum reeve_outcome outcome)
{
	struct rv_job *job = &chunk->job;

	if (chunk->count == 1) {
		struct rv_box *box = job->box;

		job->box = NULL;
		rv_chunk_items(chunk, 1, box, box->took);
		end_chunk(chunk);
	} else if (outcome == REEVE_OUTCOME_DIED) {
		/* There was no memory for its grave. */
		if (chunk->begun > chunk->ended - chunk->base) {
			rv_chunk_items(chunk, 1, rv_box_plain(outcome), 0);
		}
		rv_chunk_go_on(chunk);
	} else {
		end_rest(chunk, outcome);
	}
}

/* -------- feeding -------- */

static bool
submit(struct reeve_results *results, struct rv_chunk_job *chunk)
{
	chunk->first = results->next;
	rv_list_insert(&results->chunks, &chunk->link);
	if (rv_job_submit(&chunk->job, NULL) != REEVE_OK) {
		free_chunk(chunk);
		return false; /* full: later */
	}
	results->next += chunk->count;
	results->n_chunks++;
	return true;
}

static bool
make_room(struct reeve_results *results)
{
	size_t room = RV_MAX(results->room * 2, (size_t)64);
	struct rv_box **boxes;

	if (results->n < results->room) {
		return true;
	}
	boxes = rv_realloc(
	    results->boxes, results->room + 1, room + 1, sizeof(*boxes));
	if (boxes == NULL) {
		return false;
	}
	results->boxes = boxes;
	results->room = room;
	return true;
}

static void
ask_next(struct reeve_results *results)
{
	const void *data = NULL;
	size_t length = 0;
	bool failed = false;
	bool more =
	    results->map.next(results->map.ctx, &data, &length, &failed);

	failed |=
	    more && (length >= PTRDIFF_MAX || (data == NULL && length > 0));
	if (more && !failed && make_room(results)) {
		results->asked = new_chunk(results, length + 1);
		if (results->asked != NULL) {
			results->asked->n_payload = length;
			results->asked->own = true;
			if (length > 0) {
				memcpy(results->asked->payload, data, length);
			}
			return;
		}
	}
	results->producer_failed = more || failed;
	results->fed_all = true;
}

static bool
feed_next(struct reeve_results *results)
{
	struct rv_chunk_job *chunk;

	if (results->asked == NULL) {
		ask_next(results);
	}
	chunk = results->asked;
	if (chunk == NULL) {
		return false;
	}
	chunk->count = 1;
	results->n++;
	chunk->first = results->next;
	if (rv_job_submit(&chunk->job, NULL) != REEVE_OK) {
		results->n--;
		return false;
	}
	rv_list_insert(&results->chunks, &chunk->link);
	results->asked = NULL;
	results->pool->submitted++;
	results->next++;
	results->n_chunks++;
	return true;
}

static bool
feed_one(struct reeve_results *results)
{
	struct rv_chunk_job *chunk;

	if (results->map.next != NULL) {
		return feed_next(results);
	}
	chunk = new_chunk(results, 0);
	if (chunk == NULL) {
		return false;
	}
	chunk->count = chunk_size(results);
	if (!submit(results, chunk)) {
		return false;
	}
	results->fed_all = results->next == results->n;
	results->last_count = chunk->count;
	return true;
}

static uint64_t
ahead(const struct reeve_results *results)
{
	uint64_t workers = RV_MAX(results->pool->max, 1U);

	if (results->map.next != NULL) {
		return results->map.window != 0 ? results->map.window
						: 2 * workers;
	}
	return workers * (results->last_count == 1 ? AHEAD_ONE : AHEAD_MANY);
}

static void
feed(struct reeve_results *results)
{
	if (results->cancel_due && !results->stopped) {
		rv_feed_cancel(results, false);
	}
	while (!results->fed_all && results->n_chunks < ahead(results) &&
	       feed_one(results)) {
	}
	rv_results_check(results);
}

void
rv_feed_all(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (results, &pool->feeds, struct reeve_results, feed) {
		feed(results);
	}
}

/* No more of it; what was not handed over is cancelled. */
void
rv_feed_stop(struct reeve_results *results)
{
	struct rv_box *box =
	    rv_box_plain(results->pool->broken ? REEVE_OUTCOME_BROKEN
					       : REEVE_OUTCOME_CANCELLED);

	if (results->is_over) {
		return;
	}
	results->stopped = true;
	if (results->asked != NULL) {
		rv_free(results->asked);
		results->asked = NULL;
	}
	rv_results_set(results, results->next, results->n - results->next, box);
	results->next = results->n;
	results->fed_all = true;
	rv_results_check(results);
}

void
rv_feed_cancel(struct reeve_results *results, bool kill)
{
	RV_LIST_EACH (chunk, &results->chunks, struct rv_chunk_job, link) {
		(void)rv_job_cancel(&chunk->job, kill);
	}
	rv_feed_stop(results);
}
