/* SPDX-License-Identifier: MIT */
/*
 * Lanes: frames through both rings and over their ends, room and the want of
 * it, who has a task, sleeping and waking by two threads, deaths of writers,
 * and sides that say what cannot be.
 */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "unit/lane_rig.h"

/* Small ones mostly, and each length up to the largest. */
static uint32_t
some_length(unsigned *seed)
{
	return (uint32_t)rand_r(seed) %
	       (rand_r(seed) % 4 == 0 ? RV_LANE_FRAME_MAX + 1 : 100);
}

static bool
pass(struct rv_lane *from, struct rv_lane *to, unsigned *seed)
{
	uint64_t in = 1, out = 1;
	bool fine = true;

	for (int i = 0; fine && i < 20000; i++) {
		if (rand_r(seed) % 2 == 0) {
			in += put(from, in, some_length(seed));
		} else if (out < in) {
			fine = got(to, out++);
		} else {
			fine = is_empty(to);
		}
	}
	while (fine && out < in) {
		fine = got(to, out++);
	}
	return fine && is_empty(to) && in > 5000;
}

RV_TEST(frames_come_whole_and_in_order_over_the_ends_of_rings)
{
	unsigned seed = 1;
	struct both b;

	make(&b);
	CU_ASSERT_TRUE(pass(&b.host.tasks, &b.worker.tasks, &seed));
	CU_ASSERT_TRUE(pass(&b.worker.results, &b.host.results, &seed));
	drop_both(&b);
}

RV_TEST(the_largest_frame_fits_an_empty_ring_wherever_it_begins)
{
	struct both b;
	uint64_t id = 1;
	bool fine = true;

	make(&b);
	for (unsigned i = 0; fine && i < 3 * RING / 64; i++) {
		fine = put(&b.host.tasks, id, RV_LANE_FRAME_MAX) &&
		       got(&b.worker.tasks, id) &&
		       put(&b.host.tasks, id + 1, 8) &&
		       got(&b.worker.tasks, id + 1);
		id += 2;
	}
	CU_ASSERT_TRUE(fine);
	drop_both(&b);
}

RV_TEST(a_full_ring_says_so_and_has_room_for_what_was_dropped)
{
	struct both b;
	uint64_t in = 1, out = 1;

	make(&b);
	while (put(&b.host.tasks, in, 100)) {
		in++;
	}
	CU_ASSERT(in > 800 && in < RING / 100);
	CU_ASSERT_FALSE(b.host.tasks.broken);
	CU_ASSERT_TRUE(got(&b.worker.tasks, out++));
	CU_ASSERT_TRUE(put(&b.host.tasks, in++, 100));
	CU_ASSERT_FALSE(put(&b.host.tasks, in, 100));
	while (out < in) {
		CU_ASSERT_TRUE_FATAL(got(&b.worker.tasks, out++));
	}
	CU_ASSERT_TRUE(is_empty(&b.worker.tasks));
	drop_both(&b);
}

RV_TEST(nobody_sees_a_frame_before_its_commit)
{
	struct both b;
	struct rv_frame *frame;

	make(&b);
	frame = rv_lane_room(&b.host.tasks, 100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	CU_ASSERT_TRUE(is_empty(&b.worker.tasks));
	CU_ASSERT_PTR_EQUAL(rv_lane_room(&b.host.tasks, 100), frame);
	CU_ASSERT_TRUE(put(&b.host.tasks, 7, 20));
	CU_ASSERT_TRUE(got(&b.worker.tasks, 7));
	drop_both(&b);
}

RV_TEST(a_frame_may_have_less_payload_than_room)
{
	struct both b;
	struct rv_frame *frame, head;
	const void *payload;

	make(&b);
	frame = rv_lane_room(&b.host.tasks, 1000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	memset(frame + 1, 'x', 1000);
	rv_lane_shorten(&b.host.tasks, 16);
	rv_lane_commit(&b.host.tasks);
	CU_ASSERT_TRUE(put(&b.host.tasks, 2, 5));
	CU_ASSERT_EQUAL(
	    rv_lane_peek(&b.worker.tasks, &head, &payload), RV_LANE_OK);
	CU_ASSERT_EQUAL(head.length, 16);
	CU_ASSERT_STRING_EQUAL(payload, "xxxxxxxxxxxxxxxx");
	rv_lane_drop(&b.worker.tasks);
	CU_ASSERT_TRUE(got(&b.worker.tasks, 2));
	drop_both(&b);
}

/* -------- who has it -------- */

RV_TEST(a_task_is_begun_or_taken_back_and_never_both)
{
	struct both b;
	struct rv_frame head;
	const void *payload;
	uint64_t first, second;

	make(&b);
	CU_ASSERT_TRUE(put(&b.host.tasks, 1, 8));
	first = rv_lane_at(&b.host.tasks);
	CU_ASSERT_TRUE(put(&b.host.tasks, 2, 8));
	second = rv_lane_at(&b.host.tasks);
	CU_ASSERT_FALSE(rv_lane_has_begun(&b.host.tasks, first));
	CU_ASSERT_EQUAL(
	    rv_lane_peek(&b.worker.tasks, &head, &payload), RV_LANE_OK);
	rv_lane_item(&b.worker.tasks, 9);
	CU_ASSERT_TRUE(rv_lane_begin(&b.worker.tasks));
	CU_ASSERT_EQUAL(rv_lane_items(&b.host.tasks), 0);
	CU_ASSERT_FALSE(rv_lane_begin(&b.worker.tasks));
	CU_ASSERT_TRUE(rv_lane_has_begun(&b.host.tasks, first));
	CU_ASSERT_FALSE(rv_lane_revoke(&b.host.tasks, first));
	CU_ASSERT_FALSE(rv_lane_has_begun(&b.host.tasks, second));
	CU_ASSERT_TRUE(rv_lane_revoke(&b.host.tasks, second));
	CU_ASSERT_FALSE(rv_lane_revoke(&b.host.tasks, second));
	CU_ASSERT_TRUE(rv_lane_has_begun(&b.host.tasks, second));
	rv_lane_drop(&b.worker.tasks);
	CU_ASSERT_EQUAL(
	    rv_lane_peek(&b.worker.tasks, &head, &payload), RV_LANE_OK);
	CU_ASSERT_FALSE(rv_lane_begin(&b.worker.tasks));
	rv_lane_item(&b.worker.tasks, 5);
	CU_ASSERT_EQUAL(rv_lane_items(&b.host.tasks), 5);
	drop_both(&b);
}

RV_TEST(what_was_dropped_cannot_be_taken_back_though_others_lie_there_now)
{
	struct both b;
	uint64_t first;

	make(&b);
	CU_ASSERT_TRUE(put(&b.host.tasks, 1, 8));
	first = rv_lane_at(&b.host.tasks);
	CU_ASSERT_TRUE(got(&b.worker.tasks, 1));
	while (rv_lane_at(&b.host.tasks) < first + RING) {
		CU_ASSERT_TRUE_FATAL(put(&b.host.tasks, 2, 8));
		CU_ASSERT_TRUE_FATAL(got(&b.worker.tasks, 2));
	}
	CU_ASSERT_TRUE(rv_lane_has_begun(&b.host.tasks, first));
	CU_ASSERT_FALSE(rv_lane_revoke(&b.host.tasks, first));
	drop_both(&b);
}

/* -------- sleeping -------- */

RV_TEST(who_sleeps_is_woken_by_one_and_once)
{
	struct both b;

	make(&b);
	CU_ASSERT_TRUE(put(&b.host.tasks, 1, 8));
	CU_ASSERT_FALSE(rv_lane_must_wake(&b.host.tasks));
	CU_ASSERT_FALSE(rv_lane_sleep(&b.worker.tasks));
	CU_ASSERT_TRUE(got(&b.worker.tasks, 1));
	CU_ASSERT_TRUE(rv_lane_sleep(&b.worker.tasks));
	CU_ASSERT_TRUE(put(&b.host.tasks, 2, 8));
	CU_ASSERT_TRUE(rv_lane_must_wake(&b.host.tasks));
	CU_ASSERT_FALSE(rv_lane_must_wake(&b.host.tasks));
	rv_lane_wait(&b.worker.tasks, RV_FOREVER);
	CU_ASSERT_TRUE(rv_lane_sleep(&b.worker.tasks) == false);
	CU_ASSERT_TRUE(got(&b.worker.tasks, 2));
	CU_ASSERT_TRUE(rv_lane_sleep(&b.worker.tasks));
	rv_lane_wait(&b.worker.tasks, 2 * RV_MS);
	rv_lane_awake(&b.worker.tasks);
	CU_ASSERT_FALSE(rv_lane_must_wake(&b.host.tasks));
	drop_both(&b);
}

#define FRAMES 50000U

struct runner {
	struct rv_lane *lane;
	unsigned seed;
	bool fine;
};

/* As a host does that has nobody else, and naps instead of waiting for room. */
static void *
put_many(void *arg)
{
	struct runner *r = arg;

	for (uint64_t id = 1; id <= FRAMES; id++) {
		uint32_t length = (uint32_t)rand_r(&r->seed) % 200;

		while (!put(r->lane, id, length)) {
			rv_lane_await_room(r->lane, length, RV_FOREVER);
		}
		if (rv_lane_must_wake(r->lane)) {
			rv_lane_wake(r->lane);
		}
	}
	return NULL;
}

static void *
get_many(void *arg)
{
	struct runner *r = arg;
	struct rv_frame head;
	const void *payload;

	r->fine = true;
	for (uint64_t id = 1; id <= FRAMES; id++) {
		while (
		    rv_lane_peek(r->lane, &head, &payload) == RV_LANE_EMPTY) {
			if (rv_lane_sleep(r->lane)) {
				rv_lane_wait(r->lane, RV_FOREVER);
				rv_lane_awake(r->lane);
			}
		}
		r->fine = r->fine && is_frame(&head, payload, id);
		rv_lane_drop(r->lane);
	}
	return NULL;
}

RV_TEST(two_who_sleep_for_each_other_miss_nothing)
{
	struct both b;
	struct runner in = { .seed = 3 }, out = { .seed = 4 };
	pthread_t thread;

	make(&b);
	in.lane = &b.host.tasks;
	out.lane = &b.worker.tasks;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, get_many, &out), 0);
	put_many(&in);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
	CU_ASSERT_TRUE(out.fine);
	drop_both(&b);
}

static void *
take_all(void *arg)
{
	struct runner *r = arg;
	struct rv_frame head;
	const void *payload;
	uint64_t *begun = calloc(FRAMES, sizeof(*begun));

	for (uint64_t id = 1; id <= FRAMES && begun != NULL; id++) {
		while (
		    rv_lane_peek(r->lane, &head, &payload) == RV_LANE_EMPTY) {
			if (rv_lane_sleep(r->lane)) {
				rv_lane_wait(r->lane, RV_FOREVER);
				rv_lane_awake(r->lane);
			}
		}
		begun[id - 1] = rv_lane_begin(r->lane);
		rv_lane_drop(r->lane);
	}
	return begun;
}

RV_TEST(of_tasks_that_are_taken_back_as_they_begin_each_is_somebodys)
{
	struct both b;
	struct runner out = { 0 };
	bool *revoked = calloc(FRAMES, sizeof(*revoked));
	uint64_t *begun = NULL, both_or_none = 0, taken = 0;
	pthread_t thread;

	make(&b);
	out.lane = &b.worker.tasks;
	CU_ASSERT_PTR_NOT_NULL_FATAL(revoked);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, take_all, &out), 0);
	for (uint64_t id = 1; id <= FRAMES; id++) {
		while (!put(&b.host.tasks, id, 8)) {
			rv_lane_await_room(&b.host.tasks, 8, RV_FOREVER);
		}
		if (rv_lane_must_wake(&b.host.tasks)) {
			rv_lane_wake(&b.host.tasks);
		}
		revoked[id - 1] =
		    rv_lane_revoke(&b.host.tasks, rv_lane_at(&b.host.tasks));
	}
	CU_ASSERT_EQUAL(pthread_join(thread, (void **)&begun), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(begun);
	for (uint64_t i = 0; i < FRAMES; i++) {
		both_or_none += revoked[i] == (begun[i] != 0);
		taken += revoked[i];
	}
	CU_ASSERT_EQUAL(both_or_none, 0);
	CU_ASSERT(taken > 0);
	free(revoked);
	free(begun);
	drop_both(&b);
}

/* -------- deaths -------- */

static void
put_until_killed(struct rv_lane *lane)
{
	unsigned seed = 5;

	for (uint64_t id = 1;; id++) {
		uint32_t length = (uint32_t)rand_r(&seed) % 2000;

		while (!put(lane, id, length)) {
			rv_lane_await_room(lane, length, RV_FOREVER);
		}
	}
}

/* Kill it when so many were read; then what it had put is there, whole. */
static bool
kill_at(struct both *b, unsigned n)
{
	struct rv_frame head;
	const void *payload;
	enum rv_lane_status status;
	uint64_t id = 0;
	bool fine = true;
	pid_t pid = fork();

	if (pid == 0) {
		put_until_killed(&b->worker.results);
	}
	for (;;) {
		status = rv_lane_peek(&b->host.results, &head, &payload);
		if (status == RV_LANE_EMPTY && pid == 0) {
			break;
		}
		if (status == RV_LANE_OK) {
			id++;
			fine = fine && is_frame(&head, payload, id);
			rv_lane_drop(&b->host.results);
		}
		if (status == RV_LANE_NONSENSE) {
			fine = false;
			break;
		}
		if (id >= n && pid != 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			pid = 0;
		}
	}
	return fine && id >= n;
}

RV_TEST(what_a_killed_writer_had_put_is_whole)
{
	unsigned seed = 6;

	for (int i = 0; i < 200; i++) {
		struct both b;

		make(&b);
		CU_ASSERT_TRUE(kill_at(&b, (unsigned)rand_r(&seed) % 500));
		drop_both(&b);
	}
}

RV_TEST(pieces_of_a_frame_are_there_when_its_writer_is_dead)
{
	struct both b;
	struct rv_frame *frame, head;
	const void *payload;
	uint64_t id = 1;

	make(&b);
	for (unsigned round = 0; round < 3 * RING / 1024; round++) {
		CU_ASSERT_EQUAL(rv_lane_rest(&b.host.results, &head, &payload),
		    RV_LANE_EMPTY);
		frame = rv_lane_room(&b.worker.results, 1000);
		CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
		frame->kind = RV_FRAME_RESULTS;
		frame->id = id;
		answer((uint8_t *)(frame + 1), 8, 'a');
		CU_ASSERT_EQUAL(rv_lane_rest(&b.host.results, &head, &payload),
		    RV_LANE_EMPTY);
		rv_lane_grow(&b.worker.results, 32);
		CU_ASSERT_TRUE(is_empty(&b.host.results));
		CU_ASSERT_EQUAL_FATAL(
		    rv_lane_rest(&b.host.results, &head, &payload), RV_LANE_OK);
		CU_ASSERT_EQUAL(head.length, 32);
		CU_ASSERT_EQUAL(head.id, id);
		rv_lane_shorten(&b.worker.results, 32);
		rv_lane_commit(&b.worker.results);
		CU_ASSERT_EQUAL_FATAL(
		    rv_lane_peek(&b.host.results, &head, &payload), RV_LANE_OK);
		CU_ASSERT_EQUAL(head.length, 32);
		rv_lane_drop(&b.host.results);
		id++;
	}
	drop_both(&b);
}

/* The word says where it lies by 32 bits: there is another frame at the same
 * place when so many bytes have gone by. */
RV_TEST(a_piece_of_a_frame_that_was_put_is_none_for_ever)
{
	struct both b;
	struct rv_frame *frame, head;
	const void *payload;
	uint64_t at;

	make(&b);
	frame = rv_lane_room(&b.worker.results, 64);
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	at = rv_lane_at(&b.worker.results);
	rv_lane_grow(&b.worker.results, 32);
	rv_lane_commit(&b.worker.results);
	CU_ASSERT_EQUAL(
	    rv_lane_peek(&b.host.results, &head, &payload), RV_LANE_OK);
	rv_lane_drop(&b.host.results);
	b.host.results.at = b.host.results.seen = at + (UINT64_C(8) << 32);
	CU_ASSERT_EQUAL(
	    rv_lane_rest(&b.host.results, &head, &payload), RV_LANE_EMPTY);
	drop_both(&b);
}

/* -------- what cannot be -------- */

RV_TEST(a_reader_that_says_what_cannot_be_gets_nothing_more)
{
	static const uint64_t lies[] = { 4, 1000, UINT64_MAX, UINT64_MAX - 7 };

	for (size_t i = 0; i < RV_ARRAY_LEN(lies); i++) {
		struct both b;

		make(&b);
		while (put(&b.host.tasks, 1, 3000)) {
		}
		b.worker.tasks.shared->got =
		    lies[i] == 1000 ? b.host.tasks.at + 8 : lies[i];
		CU_ASSERT_FALSE(put(&b.host.tasks, 1, 3000));
		CU_ASSERT_TRUE(b.host.tasks.broken);
		b.worker.tasks.shared->got = b.host.tasks.at;
		CU_ASSERT_FALSE(put(&b.host.tasks, 1, 3000));
		drop_both(&b);
	}
}

/* A reader that says less than before, which frees nothing. */
RV_TEST(a_reader_cannot_take_back_room)
{
	struct both b;

	make(&b);
	for (int i = 0; i < 100; i++) {
		CU_ASSERT_TRUE(put(&b.host.tasks, 1, 3000));
		CU_ASSERT_TRUE(got(&b.worker.tasks, 1));
	}
	while (put(&b.host.tasks, 1, 3000)) {
	}
	CU_ASSERT_FALSE(b.host.tasks.broken);
	b.worker.tasks.shared->got = 0;
	CU_ASSERT_FALSE(put(&b.host.tasks, 1, 3000));
	CU_ASSERT_TRUE(b.host.tasks.broken);
	drop_both(&b);
}

static void
check_nonsense(void (*lie)(struct rv_lane *worker))
{
	struct both b;
	struct rv_frame head;
	const void *payload;

	make(&b);
	CU_ASSERT_TRUE(put(&b.worker.results, 1, 100));
	CU_ASSERT_TRUE(got(&b.host.results, 1));
	CU_ASSERT_TRUE(put(&b.worker.results, 2, 100));
	lie(&b.worker.results);
	CU_ASSERT_EQUAL(
	    rv_lane_peek(&b.host.results, &head, &payload), RV_LANE_NONSENSE);
	CU_ASSERT_EQUAL(
	    rv_lane_peek(&b.host.results, &head, &payload), RV_LANE_NONSENSE);
	CU_ASSERT_EQUAL(
	    rv_lane_rest(&b.host.results, &head, &payload), RV_LANE_NONSENSE);
	drop_both(&b);
}

static struct rv_frame *
frame_of(struct rv_lane *lane)
{
	return (
	    void *)(lane->bytes + lane->frame + sizeof(struct rv_lane_slot));
}

static void
lie_back(struct rv_lane *w)
{
	w->shared->put = 8;
}

static void
lie_far(struct rv_lane *w)
{
	w->shared->put = w->at + RING;
}

static void
lie_odd(struct rv_lane *w)
{
	w->shared->put += 4;
}

static void
lie_short(struct rv_lane *w)
{
	w->shared->put -= 8;
}

static void
lie_tiny(struct rv_lane *w)
{
	w->shared->put = w->frame + 40;
}

static void
lie_long(struct rv_lane *w)
{
	frame_of(w)->length = RV_LANE_FRAME_MAX + 1;
}

static void
lie_longest(struct rv_lane *w)
{
	frame_of(w)->length = UINT32_MAX;
}

static void
lie_longer(struct rv_lane *w)
{
	frame_of(w)->length += 8;
}

static void
lie_skip(struct rv_lane *w)
{
	((struct rv_lane_slot *)(void *)frame_of(w) - 1)->state = RV_LANE_SKIP;
}

RV_TEST(a_writer_that_says_what_cannot_be_is_not_believed)
{
	check_nonsense(lie_back);
	check_nonsense(lie_far);
	check_nonsense(lie_odd);
	check_nonsense(lie_short);
	check_nonsense(lie_tiny);
	check_nonsense(lie_long);
	check_nonsense(lie_longest);
	check_nonsense(lie_longer);
	check_nonsense(lie_skip);
}

RV_SUITE(pool_lane,
    RV_CASE(frames_come_whole_and_in_order_over_the_ends_of_rings),
    RV_CASE(the_largest_frame_fits_an_empty_ring_wherever_it_begins),
    RV_CASE(a_full_ring_says_so_and_has_room_for_what_was_dropped),
    RV_CASE(nobody_sees_a_frame_before_its_commit),
    RV_CASE(a_frame_may_have_less_payload_than_room),
    RV_CASE(a_task_is_begun_or_taken_back_and_never_both),
    RV_CASE(what_was_dropped_cannot_be_taken_back_though_others_lie_there_now),
    RV_CASE(who_sleeps_is_woken_by_one_and_once),
    RV_CASE(two_who_sleep_for_each_other_miss_nothing),
    RV_CASE(of_tasks_that_are_taken_back_as_they_begin_each_is_somebodys),
    RV_CASE(what_a_killed_writer_had_put_is_whole),
    RV_CASE(pieces_of_a_frame_are_there_when_its_writer_is_dead),
    RV_CASE(a_piece_of_a_frame_that_was_put_is_none_for_ever),
    RV_CASE(a_reader_that_says_what_cannot_be_gets_nothing_more),
    RV_CASE(a_reader_cannot_take_back_room),
    RV_CASE(a_writer_that_says_what_cannot_be_is_not_believed))
