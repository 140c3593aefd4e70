/* SPDX-License-Identifier: MIT */
/*
 * Models of runtime/pool/lane.c: frames come whole and in order, or not at all,
 * whoever dies at which step; nobody sleeps on a frame, on room or on an answer
 * that is there; a task is begun or taken back; and of a chunk what has ended
 * is kept, what had begun is blamed, and nothing is run twice. Process 0 is the
 * host, which does not die: with it all would.
 */
#include "config.h"

#include <linux/futex.h>
#include <string.h>

#include "ipc/step.h"
#include "ipc/wait.h"
#include "model/models.h"
#include "pool/lane.h"
#include "pool/lane_shared.h"

#define RING    256U /* four small frames, and less than a fifth */
#define ITEMS   4U
#define SMALL   20U  /* 72 bytes with all: the ring's end comes within */
#define WIDE    150U /* there is room for one */
#define WORKERS 2U

struct side {
	struct rv_lane tasks, results;
};

/* Of one worker: what both share, and what each keeps for itself. */
struct lanes {
	struct rv_lane_shared tasks, results;
	_Alignas(8) uint8_t bytes[2][RING];
	struct side worker, host;
};

static struct {
	struct lanes of[WORKERS];
	_Alignas(64) uint32_t page;
	uint32_t bells[WORKERS]; /* of each: rings, ever */
	uint32_t alive[1];       /* of process 1 */
	uint32_t got;            /* frames */
	uint32_t length;         /* of their payload */
	uint32_t ran[ITEMS];     /* times */
	uint32_t kept;           /* items whose end the host will know */
	uint64_t at[ITEMS];      /* of tasks */
	uint8_t revoked[ITEMS], answered[ITEMS];
} s;

/* An eventfd: each ring is an edge. One step: behind that of the wake comes
 * none. */
bool
rv_lane_ring(const struct rv_lane *lane)
{
	(void)rv_wake_word((_Atomic uint32_t *)&s.bells[lane->bell], 1);
	s.bells[lane->bell]++;
	return true;
}

static void
start(void)
{
	s.length = SMALL;
	for (unsigned i = 0; i < WORKERS; i++) {
		struct lanes *l = &s.of[i];

		l->host.tasks = (struct rv_lane){ .shared = &l->tasks,
			.bytes = l->bytes[0],
			.size = RING,
			.writes = true };
		l->worker.tasks = l->host.tasks;
		l->worker.tasks.writes = false;
		l->worker.results = (struct rv_lane){ .shared = &l->results,
			.bytes = l->bytes[1],
			.size = RING,
			.writes = true,
			.host = &s.page,
			.bell = (int)i };
		l->host.results = l->worker.results;
		l->host.results.writes = false;
		l->host.results.host = NULL;
	}
}

/* -------- frames -------- */

static bool
put(struct rv_lane *lane, uint64_t id)
{
	struct rv_frame *frame = rv_lane_room(lane, s.length);

	if (frame == NULL) {
		model_check(!lane->broken, "an honest reader was doubted");
		return false;
	}
	frame->kind = RV_FRAME_TASK;
	frame->id = id;
	memset(frame + 1, (int)id + 1, s.length);
	rv_lane_commit(lane);
	return true;
}

/* Drops it. False: there is none. */
static bool
take(struct rv_lane *lane, uint64_t *id)
{
	struct rv_frame head;
	const void *payload;
	enum rv_lane_status status = rv_lane_peek(lane, &head, &payload);

	model_check(status != RV_LANE_NONSENSE, "an honest writer was doubted");
	if (status != RV_LANE_OK) {
		return false;
	}
	model_check(head.length == s.length && head.kind == RV_FRAME_TASK,
	    "another frame");
	for (uint32_t i = 0; i <= s.length; i++) {
		model_check(((const uint8_t *)payload)[i] ==
				(i < s.length ? head.id + 1 : 0),
		    "a torn frame");
	}
	*id = head.id;
	rv_lane_drop(lane);
	return true;
}

/* -------- the worker sleeps on the futex, the host gives -------- */

#define MANY 6U

/* A host never waits for room; this one does, for both ways of waking. */
static void
give_many(unsigned self)
{
	struct rv_lane *lane = &s.of[0].host.tasks;

	(void)self;
	for (uint64_t id = 0; id < MANY; id++) {
		while (!put(lane, id)) {
			rv_lane_await_room(lane, s.length, RV_FOREVER);
		}
		if (rv_lane_must_wake(lane)) {
			(void)rv_lane_wake(lane);
		}
	}
}

static void
take_many(unsigned self)
{
	struct rv_lane *lane = &s.of[0].worker.tasks;
	uint64_t id = 0;

	(void)self;
	while (s.got < MANY) {
		if (take(lane, &id)) {
			model_check(id == s.got, "out of order");
			s.got++;
		} else if (rv_lane_sleep(lane)) {
			rv_lane_wait(lane, RV_FOREVER);
			rv_lane_awake(lane);
		}
	}
}

const struct model model_lane_pass = { .name = "lane_pass",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { give_many, take_many },
	.spurious = true };

static void
start_wide(void)
{
	start();
	s.length = WIDE;
}

/* Each frame that is dropped is the first and the last one: a wake that does
 * not come then never does. */
const struct model model_lane_room = { .name = "lane_room",
	.shared = &s,
	.size = sizeof(s),
	.start = start_wide,
	.run = { give_many, take_many },
	.spurious = true };

/* -------- the host sleeps on the bells of all -------- */

/* Of process 1, and of 2. */
static const uint32_t each[WORKERS] = { 2, 1 };

static void
answer_some(unsigned self)
{
	struct rv_lane *lane = &s.of[self - 1].worker.results;

	for (uint64_t id = 0; id < each[self - 1]; id++) {
		while (!put(lane, id)) {
			rv_lane_await_room(lane, s.length, RV_FOREVER);
		}
		if (rv_lane_must_wake(lane)) {
			(void)rv_lane_wake(lane);
		}
	}
}

/* How many of both come; those of each in their order. */
static uint32_t
look_at_all(uint32_t *of)
{
	uint32_t n = 0;
	uint64_t id = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		while (take(&s.of[i].host.results, &id)) {
			model_check(id == of[i], "out of order");
			of[i]++;
			n++;
		}
	}
	return n;
}

/* As an epoll of both bells and of both pairs. */
static void
hear_all(unsigned self)
{
	struct rv_lane_host host = { .page = &s.page };
	uint32_t of[WORKERS] = { 0 }, rings[WORKERS] = { 0 };

	(void)self;
	while (of[0] < each[0] || of[1] < each[1]) {
		struct rv_watch bells[WORKERS] = { { &s.bells[0], rings[0] },
			{ &s.bells[1], rings[1] } };

		rv_lane_host_sleeps(&host, true);
		if (look_at_all(of) == 0) {
			(void)rv_wait_any(bells, WORKERS, RV_FOREVER);
			rings[0] = rv_load(&s.bells[0]);
			rings[1] = rv_load(&s.bells[1]);
		}
		rv_lane_host_sleeps(&host, false);
	}
}

const struct model model_lane_bell = { .name = "lane_bell",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { hear_all, answer_some, answer_some } };

/* -------- tasks of one who may die -------- */

#define TASKS 2U

/* A result has the number of its task. */
static void
run_tasks(unsigned self)
{
	struct side *w = &s.of[self - 1].worker;
	struct rv_frame head;
	const void *payload;
	bool done = false;

	model_live(&s.alive[self - 1]);
	while (!done) {
		switch (rv_lane_peek(&w->tasks, &head, &payload)) {
		case RV_LANE_OK:
			done = head.id + 1 == TASKS;
			if (rv_lane_begin(&w->tasks)) {
				s.ran[head.id]++;
				model_pause();
				model_check(put(&w->results, head.id), "full");
				if (rv_lane_must_wake(&w->results)) {
					(void)rv_lane_wake(&w->results);
				}
			}
			rv_lane_drop(&w->tasks);
			break;
		case RV_LANE_EMPTY:
			if (rv_lane_sleep(&w->tasks)) {
				rv_lane_wait(&w->tasks, RV_FOREVER);
				rv_lane_awake(&w->tasks);
			}
			break;
		case RV_LANE_NONSENSE:
			model_check(false, "an honest host was doubted");
		}
	}
}

static void
take_answers(struct side *h)
{
	uint64_t id = 0;

	while (take(&h->results, &id)) {
		model_check(!s.answered[id], "answered twice");
		s.answered[id] = 1;
	}
}

/* Give all, take one back (or not), and hear of answers until the end. */
static void
host_of_tasks(unsigned self)
{
	struct rv_lane_host host = { .page = &s.page };
	struct side *h = &s.of[0].host;
	unsigned back = model_choose(TASKS + 1);
	uint32_t alive = 2U | FUTEX_WAITERS;

	(void)self;
	for (uint64_t id = 0; id < TASKS; id++) {
		model_check(put(&h->tasks, id), "no room");
		s.at[id] = rv_lane_at(&h->tasks);
		if (rv_lane_must_wake(&h->tasks)) {
			(void)rv_lane_wake(&h->tasks);
		}
	}
	if (back < TASKS) {
		s.revoked[back] = rv_lane_revoke(&h->tasks, s.at[back]);
	}
	for (;;) {
		struct rv_watch both[2] = { { &s.bells[0],
						RV_READ(s.bells[0]) },
			{ &s.alive[0], RV_READ(s.alive[0]) } };

		if (both[1].value != alive && both[1].value != 0) {
			break;
		}
		rv_lane_host_sleeps(&host, true);
		take_answers(h);
		(void)rv_wait_any(both, 2, RV_FOREVER);
		rv_lane_host_sleeps(&host, false);
	}
	take_answers(h);
	for (uint64_t id = 0; id < TASKS; id++) {
		if (!s.answered[id] && !s.revoked[id]) {
			s.revoked[id] = rv_lane_revoke(&h->tasks, s.at[id]);
		}
	}
}

/* Its host would not hear of the end of one that has not come. */
static bool
has_not_come(unsigned process)
{
	(void)process;
	return s.alive[0] == 0;
}

static void
account(void)
{
	uint32_t blamed = 0;

	for (uint32_t i = 0; i < TASKS; i++) {
		model_check(!s.answered[i] || !s.revoked[i], "both");
		model_check(s.ran[i] == (s.revoked[i] ? 0U : 1U),
		    "run by nobody, twice, or taken back");
		blamed += !s.answered[i] && !s.revoked[i];
	}
	model_check(blamed <= model_is_dead(1), "blamed in vain");
}

const struct model model_lane_death = { .name = "lane_death",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { host_of_tasks, run_tasks },
	.end = account,
	.crashes = 1,
	.mortal = 2,
	.immortal = has_not_come };

/* -------- chunks -------- */

static void
write_answer(struct rv_frame *frame, uint32_t *used, uint32_t item)
{
	struct rv_answer head = { .length = 4, .kind = RV_FRAME_RESULT };
	uint8_t *at = (uint8_t *)(frame + 1) + *used;

	memcpy(at, &head, sizeof(head));
	memset(at + sizeof(head), 0, 8);
	memcpy(at + sizeof(head), &item, 4);
	*used += sizeof(head) + 8;
}

/* Two items to a frame, two chunks of two frames, in one ring. */
static void
run_items(struct side *w, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i += 2) {
		struct rv_frame *frame = rv_lane_room(&w->results, 60);
		uint32_t used = 0;

		model_check(frame != NULL, "full");
		frame->kind = RV_FRAME_RESULTS;
		frame->id = from;
		for (uint32_t k = i; k < i + 2; k++) {
			rv_lane_item(&w->tasks, k - from + 1);
			s.ran[k]++;
			write_answer(frame, &used, k);
			rv_lane_grow(&w->results, used);
			s.kept = k + 1;
		}
		rv_lane_shorten(&w->results, used);
		rv_lane_commit(&w->results);
	}
}

static void
run_chunks(unsigned self)
{
	struct side *w = &s.of[0].worker;
	struct rv_frame head;
	const void *payload;

	(void)self;
	for (uint32_t chunk = 0; chunk < 2; chunk++) {
		model_check(
		    rv_lane_peek(&w->tasks, &head, &payload) == RV_LANE_OK,
		    "no chunk");
		model_check(rv_lane_begin(&w->tasks), "not its own");
		run_items(w, chunk * 2, chunk * 2 + 2);
		rv_lane_drop(&w->tasks);
	}
}

static void
start_chunks(void)
{
	start();
	for (uint64_t id = 0; id < 2; id++) {
		model_check(put(&s.of[0].host.tasks, id), "no room");
		s.at[id] = rv_lane_at(&s.of[0].host.tasks);
	}
	/* Near the end of the ring, so that frames go over it. */
	for (int i = 0; i < 2; i++) {
		uint64_t id = 0;

		model_check(put(&s.of[0].worker.results, 0) &&
				take(&s.of[0].host.results, &id),
		    "no room");
	}
}

static uint32_t
count_answers(const struct rv_frame *head, const void *payload, uint32_t n)
{
	struct rv_answers all = { .data = payload, .length = head->length };
	struct rv_answer one;
	const void *at;
	uint32_t item;

	while (all.offset + sizeof(one) <= all.length) {
		memcpy(&one, all.data + all.offset, sizeof(one));
		at = all.data + all.offset + sizeof(one);
		memcpy(&item, at, 4);
		model_check(one.length == 4 && item == n, "another answer");
		all.offset += sizeof(one) + 8;
		n++;
	}
	model_check(all.offset == all.length, "half an answer");
	return n;
}

/* What a host finds out about a worker that has ended. */
static void
balance_chunks(void)
{
	struct side *h = &s.of[0].host;
	struct rv_frame head;
	const void *payload;
	enum rv_lane_status status;
	uint32_t n = 0, begun;

	while ((status = rv_lane_peek(&h->results, &head, &payload)) ==
	       RV_LANE_OK) {
		n = count_answers(&head, payload, n);
		rv_lane_drop(&h->results);
	}
	model_check(status == RV_LANE_EMPTY, "doubted");
	if (rv_lane_rest(&h->results, &head, &payload) == RV_LANE_OK) {
		n = count_answers(&head, payload, n);
	}
	model_check(n >= s.kept, "an answer is lost");
	for (uint32_t chunk = 0; chunk < 2; chunk++) {
		uint32_t there = n <= chunk * 2 ? 0 : n - chunk * 2;

		if (there >= 2) {
			continue;
		}
		begun = rv_lane_revoke(&h->tasks, s.at[chunk])
			    ? 0
			    : rv_lane_items(&h->tasks);
		model_check(begun == there || begun == there + 1,
		    "more than one to blame");
		for (uint32_t i = 0; i < 2; i++) {
			model_check(s.ran[chunk * 2 + i] == (i < begun),
			    "run and given back, or blamed in vain");
		}
	}
}

const struct model model_lane_chunk = { .name = "lane_chunk",
	.shared = &s,
	.size = sizeof(s),
	.start = start_chunks,
	.run = { run_chunks },
	.end = balance_chunks,
	.crashes = 1 };

/* -------- a writer that lies -------- */

static void
lie(unsigned self)
{
	struct rv_lane *lane = &s.of[0].worker.results;
	struct rv_frame *frame;
	static const uint64_t values[] = { 0, 8, 72, RING, RING + 8, 2 * RING,
		UINT64_MAX, UINT64_MAX - 7, 4 };
	uint64_t value;

	(void)self;
	model_check(put(lane, 0), "no room");
	frame =
	    (void *)(lane->bytes + lane->frame + sizeof(struct rv_lane_slot));
	for (int i = 0; i < 2; i++) {
		value =
		    values[model_choose(sizeof(values) / sizeof(values[0]))];
		switch (model_choose(5)) {
		case 0:
			rv_store64(&lane->shared->put, value);
			break;
		case 1:
			rv_store64(&lane->shared->rest, value);
			break;
		case 2:
			rv_store(&frame->length, (uint32_t)value);
			break;
		case 3:
			rv_store(
			    (uint32_t *)(void *)frame - 2, (uint32_t)value % 5);
			break;
		default:
			rv_store64(&s.of[0].tasks.got, value);
		}
	}
}

/* The span that was given is inside of the ring. */
static void
check_span(const struct rv_lane *lane, const struct rv_frame *head,
    const void *payload)
{
	const uint8_t *at = payload;

	model_check(
	    at >= lane->bytes && at + head->length < lane->bytes + lane->size,
	    "outside of the ring");
}

static void
listen_to_lies(unsigned self)
{
	struct side *h = &s.of[0].host;
	struct rv_frame head, *frame;
	const void *payload;

	(void)self;
	for (int i = 0; i < 3; i++) {
		if (rv_lane_peek(&h->results, &head, &payload) == RV_LANE_OK) {
			check_span(&h->results, &head, payload);
			model_pause();
			rv_lane_drop(&h->results);
		}
		frame = rv_lane_room(&h->tasks, s.length);
		if (frame != NULL) {
			check_span(&h->tasks, frame, frame + 1);
			rv_lane_commit(&h->tasks);
			(void)rv_lane_revoke(&h->tasks, rv_lane_at(&h->tasks));
		}
	}
	if (rv_lane_rest(&h->results, &head, &payload) == RV_LANE_OK) {
		check_span(&h->results, &head, payload);
	}
}

const struct model model_lane_lies = { .name = "lane_lies",
	.shared = &s,
	.size = sizeof(s),
	.start = start,
	.run = { listen_to_lies, lie } };
