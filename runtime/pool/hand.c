/* SPDX-License-Identifier: MIT */
/*
 * One worker's process, as its host has it: what it holds, and what it answers
 * (what it is given: hand_give.c). Everything it writes is doubted: what cannot
 * be dooms it (rv_hand_doom) and nothing more is read.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pool/beside.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define HUNG_UP_FOR (100 * RV_MS) /* without being dead */

/* -------- what it holds -------- */

static struct rv_held *
held_at(struct rv_hand *hand, uint16_t i)
{
	return &hand->held[(hand->first + i) % RV_SCHED_HELD];
}

void
rv_hand_hold(struct rv_hand *hand, struct rv_job *job, struct rv_frame *frame)
{
	struct reeve_pool *pool = hand->pool;

	frame->id = ++hand->last_id;
	frame->function = job->function;
	frame->code = (int32_t)(job->task.tries + 1);
	frame->took = job->task.rules->soft != RV_FOREVER
			  ? (uint64_t)job->task.rules->soft
			  : 0;
	RV_ASSERT(hand->n_held < RV_SCHED_HELD);
	*held_at(hand, hand->n_held++) = (struct rv_held){ .job = job,
		.id = frame->id,
		.at = rv_lane_at(&hand->lanes.tasks) };
	rv_lane_commit(&hand->lanes.tasks);
	if (hand->n_held == 1) {
		rv_list_insert(&pool->active, &hand->active);
	}
	rv_list_remove(&hand->wake);
	rv_list_insert(&pool->wake, &hand->wake);
}

static void
let_go(struct rv_hand *hand, uint16_t i)
{
	for (; i > 0; i--) {
		*held_at(hand, i) = *held_at(hand, (uint16_t)(i - 1));
	}
	hand->first = (uint16_t)((hand->first + 1) % RV_SCHED_HELD);
	if (--hand->n_held == 0) {
		rv_list_remove(&hand->active);
	}
}

bool
rv_hand_take_back(struct rv_hand *hand, struct rv_job *job)
{
	for (uint16_t i = 0; i < hand->n_held; i++) {
		struct rv_held *held = held_at(hand, i);

		if (held->job == job) {
			if (!rv_lane_revoke(&hand->lanes.tasks, held->at)) {
				return false;
			}
			let_go(hand, i);
			return true;
		}
	}
	return false;
}

bool
rv_hand_runs(const struct rv_job *job)
{
	struct rv_hand *hand = job->pool->hands[job->task.worker];

	for (uint16_t i = 0; hand != NULL && i < hand->n_held; i++) {
		struct rv_held *held = held_at(hand, i);

		if (held->job == job) {
			return rv_lane_has_begun(&hand->lanes.tasks, held->at);
		}
	}
	return true;
}

unsigned
rv_hand_n_begun(struct rv_hand *hand)
{
	unsigned n = 0;

	for (uint16_t i = 0; i < hand->n_held; i++) {
		n +=
		    rv_lane_has_begun(&hand->lanes.tasks, held_at(hand, i)->at);
	}
	return n;
}

struct rv_job *
rv_hand_first(struct rv_hand *hand, bool *begun)
{
	struct rv_held *held = held_at(hand, 0);

	*begun =
	    hand->n_held > 0 && !rv_lane_revoke(&hand->lanes.tasks, held->at);
	return hand->n_held > 0 ? held->job : NULL;
}

void
rv_hand_forget(struct rv_hand *hand)
{
	hand->n_held = 0;
	rv_list_remove(&hand->active);
}

/* -------- hearing -------- */

void
rv_hand_doom(struct rv_hand *hand, const char *why)
{
	if (hand->nonsense == NULL) {
		hand->nonsense = hand->why_killed = why;
		hand->state = RV_HAND_DYING;
		rv_sched_doom(&hand->pool->sched, hand->place, hand->pool->now);
	}
}

/*
 * It ends, as its pidfd will say soon; or it has closed what it lives by, and
 * will be heard no more: but what it has said already counts.
 */
void
rv_hand_hung_up(struct rv_hand *hand)
{
	if (hand->due == 0) {
		hand->due = hand->pool->now + HUNG_UP_FOR;
		rv_list_insert(&hand->pool->hung, &hand->hung);
	}
}

void
rv_hand_tick(struct reeve_pool *pool)
{
	RV_LIST_EACH_SAFE (hand, &pool->hung, struct rv_hand, hung) {
		if (hand->due > pool->now) {
			break;
		}
		rv_list_remove(&hand->hung);
		hand->why_killed = "it closed its descriptors";
		hand->state = RV_HAND_DYING;
		rv_sched_doom(&pool->sched, hand->place, pool->now);
	}
}

rv_time
rv_hand_deadline(const struct reeve_pool *pool)
{
	return rv_list_empty(&pool->hung)
		   ? RV_FOREVER
		   : RV_LIST_FIRST(&pool->hung, struct rv_hand, hung)->due;
}

static bool
begin_first(struct rv_hand *hand)
{
	struct reeve_pool *pool = hand->pool;

	return rv_sched_running(&pool->sched, hand->place) != NULL ||
	       rv_sched_taken(&pool->sched, hand->place, pool->now);
}

/* Of a frame, or of one of the answers in one. */
static bool
fill_box(struct rv_hand *hand, const struct rv_frame *head, const void *payload,
    struct rv_failed *failed, struct rv_box_fill *fill)
{
	bool good = head->kind == RV_FRAME_RESULT;
	enum rv_beside taken;

	*fill = (struct rv_box_fill){
		.outcome = good ? REEVE_OUTCOME_GOOD : REEVE_OUTCOME_FAILED,
		.json = (head->flags & RV_FRAME_JSON) != 0,
		.code = head->code,
		.took = (int64_t)RV_MIN(head->took, (uint64_t)INT64_MAX),
		.pid = hand->pid,
		.worker = hand->name,
	};
	if (good && (head->flags & RV_FRAME_LARGE) != 0) {
		fill->length = head->size;
		taken = rv_beside_take(hand, head->size, &fill->map);
		fill->lost = taken == RV_BESIDE_LOST;
		return taken != RV_BESIDE_NONSENSE;
	}
	if (good) {
		fill->data = payload;
		fill->length = head->length;
		return true;
	}
	if (!rv_failed_read(failed, payload, head->length)) {
		return false;
	}
	fill->type = failed->type;
	fill->message = failed->message[0] != '\0' ? failed->message : NULL;
	return true;
}

static void
on_answer(
    struct rv_hand *hand, const struct rv_frame *head, const void *payload)
{
	struct reeve_pool *pool = hand->pool;
	struct rv_job *job = held_at(hand, 0)->job;
	struct rv_box_fill fill;
	struct rv_failed failed;
	struct rv_box *box;

	if (!begin_first(hand) ||
	    !fill_box(hand, head, payload, &failed, &fill)) {
		rv_hand_doom(hand, "it answered what was not asked");
		return;
	}
	fill.attempts = job->task.tries;
	box = rv_box_make(rv_job_arena(job), &fill);
	if (box == NULL) {
		rv_beside_drop(&fill.map);
	}
	if ((head->flags & RV_DOOR_FAT) != 0) {
		rv_sched_tire(&pool->sched, hand->place, pool->now);
	}
	let_go(hand, 0);
	rv_sched_done(&pool->sched, hand->place,
	    fill.outcome == REEVE_OUTCOME_GOOD, pool->now);
	rv_job_box(job, box);
}

/* -------- hearing: chunks -------- */

static bool
on_item(struct rv_hand *hand, struct rv_chunk_job *chunk,
    const struct rv_frame *head, const void *payload)
{
	struct rv_box_fill fill;
	struct rv_failed failed;
	struct rv_box *box;

	if (chunk->ended - chunk->base != head->count - 1 ||
	    chunk->ended >= chunk->count ||
	    !fill_box(hand, head, payload, &failed, &fill)) {
		return false;
	}
	fill.attempts = chunk->job.task.tries;
	box = rv_box_make(&chunk->results->arena, &fill);
	if (box == NULL) {
		rv_beside_drop(&fill.map);
		box = rv_box_lost();
	}
	rv_chunk_items(chunk, 1, box, fill.took);
	return true;
}

/* Of many items, which have one box. */
static bool
on_even(struct rv_hand *hand, struct rv_chunk_job *chunk,
    const struct rv_frame *head, const void *payload)
{
	uint32_t n = rv_answers_even(head);
	int64_t took = (int64_t)RV_MIN(head->took, (uint64_t)INT64_MAX);
	struct rv_box_fill fill = { .outcome = REEVE_OUTCOME_GOOD,
		.json = (head->flags & RV_FRAME_JSON) != 0,
		.data = payload,
		.length = head->size,
		.pid = hand->pid,
		.attempts = chunk->job.task.tries,
		.worker = hand->name };
	struct rv_box *box;

	if (n == 0 || head->count - 1 != chunk->ended - chunk->base ||
	    n > chunk->count - chunk->ended) {
		return false;
	}
	fill.took = took / n;
	box = rv_box_make_even(
	    &chunk->results->arena, &fill, chunk->first + chunk->ended, n);
	if (box == NULL) {
		box = rv_box_lost();
	}
	rv_chunk_items(chunk, n, box, took);
	return true;
}

static bool
on_items(struct rv_hand *hand, struct rv_chunk_job *chunk,
    const struct rv_frame *head, const void *payload)
{
	struct rv_answers answers = { .data = payload, .length = head->length };
	struct rv_answer answer;
	struct rv_frame one = { .count = head->count };
	const void *data;

	if (head->kind != RV_FRAME_RESULTS) {
		return on_item(hand, chunk, head, payload);
	}
	if ((head->flags & RV_FRAME_EVEN) != 0) {
		return on_even(hand, chunk, head, payload);
	}
	while (rv_answers_next(&answers, &answer, &data)) {
		one.kind = answer.kind;
		one.flags = answer.flags & RV_FRAME_JSON;
		one.code = answer.code;
		one.length = answer.length;
		one.took = (uint64_t)answer.took_us * 1000;
		if ((one.kind != RV_FRAME_RESULT &&
			one.kind != RV_FRAME_FAILED) ||
		    !on_item(hand, chunk, &one, data)) {
			return false;
		}
		one.count++;
	}
	return answers.offset == answers.length;
}

static void
on_chunk(struct rv_hand *hand, const struct rv_frame *head, const void *payload)
{
	struct reeve_pool *pool = hand->pool;
	struct rv_chunk_job *chunk =
	    RV_CONTAINER(held_at(hand, 0)->job, struct rv_chunk_job, job);

	if (!begin_first(hand) || !on_items(hand, chunk, head, payload)) {
		rv_hand_doom(hand, "it answered what was not asked");
		return;
	}
	if ((head->flags & RV_DOOR_FAT) != 0) {
		rv_sched_tire(&pool->sched, hand->place, pool->now);
	}
	if (chunk->ended == chunk->count) {
		let_go(hand, 0);
		rv_sched_done(&pool->sched, hand->place, true, pool->now);
	}
}

static void
on_frame(struct rv_hand *hand, const struct rv_frame *head, const void *payload)
{
	struct rv_held *held = held_at(hand, 0);

	if (hand->n_held == 0 || held->id != head->id ||
	    (head->kind != RV_FRAME_RESULT && head->kind != RV_FRAME_FAILED &&
		head->kind != RV_FRAME_RESULTS)) {
		rv_hand_doom(hand, "it answered what was not asked");
	} else if (held->job->kind == RV_JOB_CHUNK &&
		   RV_CONTAINER(held->job, struct rv_chunk_job, job)->count >
		       1) {
		on_chunk(hand, head, payload);
	} else if (head->kind == RV_FRAME_RESULTS) {
		rv_hand_doom(hand, "it answered what was not asked");
	} else {
		on_answer(hand, head, payload);
	}
}

bool
rv_hand_read(struct rv_hand *hand)
{
	struct rv_frame head;
	const void *payload;
	bool any = false;

	while (hand->nonsense == NULL) {
		switch (rv_lane_peek(&hand->lanes.results, &head, &payload)) {
		case RV_LANE_OK:
			on_frame(hand, &head, payload);
			rv_lane_drop(&hand->lanes.results);
			any = true;
			break;
		case RV_LANE_EMPTY:
			return any;
		case RV_LANE_NONSENSE:
			rv_hand_doom(hand, "its ring has what cannot be");
			break;
		}
	}
	return any;
}

/* It is dead: what it had written of a frame that it did not put. */
void
rv_hand_read_rest(struct rv_hand *hand)
{
	struct rv_frame head;
	const void *payload;

	if (hand->nonsense == NULL && hand->n_held > 0 &&
	    rv_lane_rest(&hand->lanes.results, &head, &payload) == RV_LANE_OK) {
		on_frame(hand, &head, payload);
	}
}

void
rv_hand_signal(struct rv_hand *hand, int signo)
{
	if (hand != NULL) {
		(void)rv_sys_pidfd_signal(hand->pidfd, hand->pid, signo);
		if (signo == SIGKILL) {
			hand->state = RV_HAND_DYING;
		}
	}
}

/* The task that runs is: word first, so that who is interrupted finds it. */
void
rv_hand_overdue(struct rv_hand *hand, int signo)
{
	if (hand != NULL && hand->n_held > 0) {
		rv_lane_overdue(&hand->lanes.tasks, held_at(hand, 0)->id);
	}
	rv_hand_signal(hand, signo);
}

void
rv_hand_close(struct rv_hand *hand)
{
	struct reeve_pool *pool = hand->pool;

	rv_list_remove(&hand->active);
	rv_list_remove(&hand->wake);
	rv_list_remove(&hand->hung);
	rv_sleep_unwatch(pool, hand->pair);
	rv_sleep_unwatch(pool, hand->pidfd);
	rv_sleep_unwatch(pool, hand->bell);
	rv_beside_forget(hand);
	rv_thrown_free(&hand->thrown);
	rv_lane_close(&hand->lanes);
	(void)close(hand->pair);
	if (hand->pidfd != -1) {
		(void)close(hand->pidfd);
	}
	if (hand->bell != -1) {
		(void)close(hand->bell);
	}
	if (pool->hands[hand->place] == hand) {
		pool->hands[hand->place] = NULL;
	}
	rv_free(hand);
}
