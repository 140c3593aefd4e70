/* SPDX-License-Identifier: MIT */
/*
 * The hall alone: messages and a time go in, answers come out. No sockets, no
 * clock, no processes.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "lib/harness.h"
#include "manager/hall.h"
#include "manager/types.h"

static struct rv_hall hall;
static struct rv_session sessions[4];
static rv_time now;
static uint32_t next_id;

static const struct rv_hall_limits plenty = { 1 << 26, 1 << 20, 1 << 16, 64,
	1 << 16 };

static void
begin(const struct rv_hall_limits *limits)
{
	static const uint64_t seed[2] = { 1, 2 };

	now = 1000 * RV_SEC;
	next_id = 0;
	CU_ASSERT_EQUAL_FATAL(
	    rv_hall_init(&hall, seed, limits != NULL ? limits : &plenty),
	    REEVE_OK);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    rv_session_open(&hall, &sessions[i]), REEVE_OK);
	}
}

static void
finish(void)
{
	for (unsigned i = 0; i < 4; i++) {
		if (sessions[i].out.max != 0) {
			rv_session_close(&hall, &sessions[i]);
		}
	}
	CU_ASSERT_EQUAL(hall.n_sessions, 0);
	rv_hall_finish(&hall);
}

static void
leave(unsigned who)
{
	rv_session_close(&hall, &sessions[who]);
	memset(&sessions[who], 0, sizeof(sessions[who]));
}

/* One call; its number. */
static uint32_t
say(unsigned who, struct reeve_datum object, const char *method,
    rv_time timeout, const struct reeve_datum *args, size_t n)
{
	struct rv_call_head head = { .id = ++next_id,
		.object = object.is.reference.object,
		.generation = object.is.reference.generation,
		.n_args = (uint32_t)n + 1,
		.owner = 7,
		.timeout = timeout };
	struct reeve_datum name = reeve_text(method);
	struct rv_cursor c;
	static char room[8192];
	struct rv_buf out;
	size_t at;

	rv_buf_init_in(&out, room, sizeof(room));
	at = rv_wire_put_call(&out, &head);
	rv_wire_put_value(&out, &name);
	for (size_t i = 0; i < n; i++) {
		rv_wire_put_value(&out, &args[i]);
	}
	rv_wire_end_call(&out, at);
	c.at = (const unsigned char *)out.data;
	c.left = out.len;
	rv_hall_take(&hall, &sessions[who], &c, 1000, now);
	CU_ASSERT_TRUE(c.left == 0 || sessions[who].cut != REEVE_OK);
	return head.id;
}

/* The answer of that call, whose values (few) stay in a static place. */
static enum reeve_status
heard(unsigned who, uint32_t id, struct reeve_datum *values)
{
	static char kept[4096];
	struct rv_cursor c = { (const unsigned char *)sessions[who].out.data,
		sessions[who].out.len };
	struct rv_answer_head head;

	while (rv_wire_get_answer(&c, &head)) {
		size_t length = head.length - RV_ANSWER_BYTES;

		if (head.id == id) {
			CU_ASSERT_FATAL(length <= sizeof(kept));
			memcpy(kept, c.at, length);
			c.at = (const unsigned char *)kept;
			c.left = length;
			for (uint32_t i = 0; i < head.n_values && i < 8; i++) {
				CU_ASSERT_TRUE_FATAL(
				    rv_wire_get_value(&c, &values[i]));
			}
			rv_buf_reset(&sessions[who].out);
			return (enum reeve_status)head.status;
		}
		c.at += length;
		c.left -= length;
	}
	return REEVE_EAGAIN; /* it waits */
}

/* A call without a wait; its first value. */
static struct reeve_datum
ask(unsigned who, struct reeve_datum object, const char *method,
    const struct reeve_datum *args, size_t n)
{
	struct reeve_datum values[8] = { 0 };
	enum reeve_status status =
	    heard(who, say(who, object, method, 0, args, n), values);

	if (status != REEVE_OK) {
		printf("# %s: %s\n", method, (const char *)values[1].data);
	}
	CU_ASSERT_EQUAL(status, REEVE_OK);
	return values[0];
}

static enum reeve_status
try(unsigned who, struct reeve_datum object, const char *method,
    const struct reeve_datum *args, size_t n)
{
	struct reeve_datum values[8] = { 0 };

	return heard(who, say(who, object, method, 0, args, n), values);
}

static const struct reeve_datum the_hall = { REEVE_DATUM_REFERENCE, 0, NULL,
	{ 0 } };

static struct reeve_datum
make(unsigned who, const char *type)
{
	struct reeve_datum name = reeve_text(type), reference;

	reference = ask(who, the_hall, "create", &name, 1);
	CU_ASSERT_EQUAL(reference.type, REEVE_DATUM_REFERENCE);
	reference.data = "";
	reference.length = 0;
	return reference;
}

static void
let_go(unsigned who, struct reeve_datum reference)
{
	(void)ask(who, the_hall, "release", &reference, 1);
}

static struct reeve_datum
reference_set(
    struct reeve_datum dict, const char *key, struct reeve_datum value)
{
	struct reeve_datum args[2] = { reeve_text(key), value };

	return ask(0, dict, "set", args, 2);
}

RV_TEST(a_dict_gives_back_what_was_put_in)
{
	struct reeve_datum dict, args[3];

	begin(NULL);
	dict = make(0, "dict");
	for (int64_t i = 0; i < 1000; i++) {
		args[0] = reeve_int(i);
		args[1] = reeve_int(i * i);
		(void)ask(0, dict, "set", args, 2);
	}
	args[0] = reeve_int(999);
	CU_ASSERT_EQUAL(
	    ask(0, dict, "get", args, 1).is.integer, INT64_C(999) * 999);
	args[0] = reeve_text("999");
	CU_ASSERT_EQUAL(try(0, dict, "get", args, 1), REEVE_ENOENT);
	for (int64_t i = 0; i < 999; i++) {
		args[0] = reeve_int(i);
		CU_ASSERT_EQUAL(ask(0, dict, "pop", args, 1).is.integer, i * i);
	}
	CU_ASSERT_EQUAL(ask(0, dict, "len", NULL, 0).is.integer, 1);
	args[0] = reeve_text("n");
	args[1] = reeve_int(5);
	CU_ASSERT_EQUAL(ask(0, dict, "add", args, 2).is.integer, 5);
	CU_ASSERT_EQUAL(ask(0, dict, "add", args, 2).is.integer, 10);
	args[1] = reeve_int(10);
	args[2] = reeve_int(11);
	CU_ASSERT_EQUAL(ask(0, dict, "cas", args, 3).is.integer, 1);
	CU_ASSERT_EQUAL(ask(0, dict, "cas", args, 3).is.integer, 0);
	finish();
}

RV_TEST(an_inner_object_lives_as_long_as_an_outer_one_holds_it)
{
	struct reeve_datum outer, inner, key = reeve_text("in");
	uint32_t n;

	begin(NULL);
	n = hall.n_objects;
	outer = make(0, "dict");
	inner = make(0, "dict");
	(void)reference_set(outer, "in", inner);
	let_go(0, inner);
	CU_ASSERT_EQUAL(hall.n_objects, n + 2);
	CU_ASSERT_EQUAL(try(0, inner, "len", NULL, 0), REEVE_ENOENT);
	inner = ask(0, outer, "get", &key, 1);
	(void)ask(0, outer, "clear", NULL, 0);
	CU_ASSERT_EQUAL(ask(0, inner, "len", NULL, 0).is.integer, 0);
	let_go(0, inner);
	CU_ASSERT_EQUAL(hall.n_objects, n + 1);
	let_go(0, outer);
	CU_ASSERT_EQUAL(hall.n_objects, n);
	finish();
}

RV_TEST(a_ring_that_nobody_reaches_is_collected)
{
	struct reeve_datum a, b;
	uint32_t n;

	begin(NULL);
	n = hall.n_objects;
	for (unsigned i = 0; i < 3000; i++) {
		a = make(0, "dict");
		b = make(0, "dict");
		(void)reference_set(a, "b", b);
		(void)reference_set(b, "a", a);
		(void)reference_set(b, "self", b);
		let_go(0, a);
		if (i != 100) {
			let_go(0, b);
		}
		CU_ASSERT_TRUE_FATAL(hall.n_objects < n + 2200);
	}
	(void)ask(0, the_hall, "collect", NULL, 0);
	CU_ASSERT_EQUAL(hall.n_objects, n + 2);
	finish();
}

RV_TEST(a_chain_of_a_hundred_thousand_dies_without_depth)
{
	static const struct rv_hall_limits deep = { 1 << 28, 1 << 20, 1 << 20,
		64, 1 << 20 };
	struct reeve_datum outer, inner;
	uint32_t n;

	begin(&deep);
	n = hall.n_objects;
	inner = make(0, "dict");
	for (unsigned i = 0; i < 100000; i++) {
		outer = make(0, "dict");
		(void)reference_set(outer, "in", inner);
		let_go(0, inner);
		inner = outer;
	}
	let_go(0, inner);
	CU_ASSERT_EQUAL(hall.n_objects, n);
	finish();
}

RV_TEST(what_a_session_had_goes_with_it)
{
	struct reeve_datum dict;
	uint64_t bytes;
	uint32_t n;

	begin(NULL);
	n = hall.n_objects;
	bytes = hall.bytes;
	dict = make(0, "dict");
	(void)reference_set(dict, "a", reeve_text("some bytes"));
	leave(0);
	CU_ASSERT_EQUAL(hall.n_objects, n);
	CU_ASSERT_EQUAL(hall.bytes, bytes);
	finish();
}

RV_TEST(only_who_has_a_reference_may_call)
{
	struct reeve_datum dict, again;

	begin(NULL);
	dict = make(0, "dict");
	CU_ASSERT_EQUAL(try(1, dict, "len", NULL, 0), REEVE_ENOENT);
	again = ask(1, the_hall, "attach", &dict, 1);
	CU_ASSERT_EQUAL(again.is.reference.object, dict.is.reference.object);
	CU_ASSERT_EQUAL(ask(1, dict, "len", NULL, 0).is.integer, 0);
	dict.is.reference.generation++;
	CU_ASSERT_EQUAL(try(1, dict, "len", NULL, 0), REEVE_ENOENT);
	CU_ASSERT_EQUAL(try(1, the_hall, "attach", &dict, 1), REEVE_ENOENT);
	finish();
}

RV_TEST(memory_has_a_limit_that_is_an_error_and_no_more)
{
	static const struct rv_hall_limits small = { 200000, 1 << 20, 50, 4,
		50 };
	static char kilobyte[1024];
	struct reeve_datum dict, args[2];
	enum reeve_status status = REEVE_OK;
	unsigned n = 0;

	begin(&small);
	dict = make(0, "dict");
	while (status == REEVE_OK && n < 1000) {
		args[0] = reeve_int(n++);
		args[1] = reeve_bytes(kilobyte, sizeof(kilobyte));
		status = try(0, dict, "set", args, 2);
	}
	CU_ASSERT_EQUAL(status, REEVE_EFULL);
	CU_ASSERT_TRUE(n > 150 && n < 200);
	(void)ask(0, dict, "clear", NULL, 0);
	CU_ASSERT_EQUAL(try(0, dict, "set", args, 2), REEVE_OK);
	args[0] = reeve_text("dict");
	for (n = 0; n < 100 && status == REEVE_EFULL; n++) {
		if (try(0, the_hall, "create", args, 1) == REEVE_EFULL) {
			break;
		}
	}
	CU_ASSERT_EQUAL(n, 48);
	finish();
}

RV_TEST(every_failed_allocation_is_an_error_of_one_call)
{
	struct reeve_datum dict, args[2];
	char plan[40];

	for (unsigned i = 1; i < 40; i++) {
		begin(NULL);
		(void)snprintf(plan, sizeof(plan), "alloc@%u=ENOMEM", i);
		CU_ASSERT_TRUE_FATAL(rv_fault_set(plan));
		args[0] = reeve_text("dict");
		(void)say(0, the_hall, "create", 0, args, 1);
		args[0] = reeve_text("key");
		args[1] = reeve_text("value");
		dict = the_hall;
		dict.is.reference.object = 1;
		(void)say(0, dict, "set", 0, args, 2);
		(void)say(0, dict, "copy", 0, NULL, 0);
		CU_ASSERT_TRUE(rv_fault_set(NULL));
		finish();
	}
}

/* Whoever came first is first; whose time is over hears so, at that time. */
RV_TEST(those_who_wait_for_a_lock_get_it_in_order_or_in_time)
{
	struct reeve_datum lock, values[8];
	uint32_t first, second, third;

	begin(NULL);
	lock = make(0, "lock");
	for (unsigned i = 1; i < 4; i++) {
		(void)ask(i, the_hall, "attach", &lock, 1);
	}
	(void)ask(0, lock, "acquire", NULL, 0);
	first = say(1, lock, "acquire", 5 * RV_SEC, NULL, 0);
	second = say(2, lock, "acquire", RV_SEC, NULL, 0);
	third = say(3, lock, "acquire", RV_FOREVER, NULL, 0);
	CU_ASSERT_EQUAL(rv_hall_next(&hall), now + RV_SEC);
	rv_hall_tick(&hall, now + RV_SEC - 1);
	CU_ASSERT_EQUAL(heard(2, second, values), REEVE_EAGAIN);
	now += RV_SEC;
	rv_hall_tick(&hall, now);
	CU_ASSERT_EQUAL(heard(2, second, values), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(rv_hall_next(&hall), now + 4 * RV_SEC);
	(void)ask(0, lock, "release", NULL, 0);
	CU_ASSERT_EQUAL(heard(1, first, values), REEVE_OK);
	CU_ASSERT_EQUAL(rv_hall_next(&hall), RV_FOREVER);
	CU_ASSERT_EQUAL(heard(3, third, values), REEVE_EAGAIN);
	CU_ASSERT_EQUAL(try(2, lock, "release", NULL, 0), REEVE_ENOTHELD);
	CU_ASSERT_EQUAL(try(1, lock, "acquire", NULL, 0), REEVE_EBUSY);
	leave(1);
	CU_ASSERT_EQUAL(heard(3, third, values), REEVE_EOWNERDIED);
	(void)ask(3, lock, "release", NULL, 0);
	CU_ASSERT_EQUAL(try(0, lock, "acquire", NULL, 0), REEVE_OK);
	finish();
}

RV_TEST(an_rlock_is_released_as_often_as_it_was_acquired)
{
	struct reeve_datum lock, values[8];
	uint32_t other;

	begin(NULL);
	lock = make(0, "rlock");
	(void)ask(1, the_hall, "attach", &lock, 1);
	(void)ask(0, lock, "acquire", NULL, 0);
	(void)ask(0, lock, "acquire", NULL, 0);
	other = say(1, lock, "acquire", RV_SEC, NULL, 0);
	(void)ask(0, lock, "release", NULL, 0);
	CU_ASSERT_EQUAL(heard(1, other, values), REEVE_EAGAIN);
	(void)ask(0, lock, "release", NULL, 0);
	CU_ASSERT_EQUAL(heard(1, other, values), REEVE_OK);
	finish();
}

RV_TEST(a_bounded_queue_lets_each_side_wait_for_the_other)
{
	struct reeve_datum queue, values[8], args[2];
	uint32_t put, get[3];

	begin(NULL);
	args[0] = reeve_text("queue");
	args[1] = reeve_int(1);
	queue = ask(0, the_hall, "create", args, 2);
	queue.data = "";
	queue.length = 0;
	(void)ask(1, the_hall, "attach", &queue, 1);
	args[0] = reeve_int(7);
	(void)ask(0, queue, "put", args, 1);
	args[0] = reeve_int(8);
	CU_ASSERT_EQUAL(try(0, queue, "put", args, 1), REEVE_ETIMEDOUT);
	put = say(0, queue, "put", RV_SEC, args, 1);
	CU_ASSERT_EQUAL(ask(1, queue, "get", NULL, 0).is.integer, 7);
	CU_ASSERT_EQUAL(heard(0, put, values), REEVE_OK);
	for (unsigned i = 0; i < 3; i++) {
		get[i] = say(1, queue, i == 1 ? "lease" : "get",
		    (3 - i) * RV_SEC, NULL, 0);
	}
	CU_ASSERT_EQUAL(heard(1, get[0], values), REEVE_OK);
	CU_ASSERT_EQUAL(values[0].is.integer, 8);
	now += RV_SEC;
	rv_hall_tick(&hall, now);
	CU_ASSERT_EQUAL(heard(1, get[2], values), REEVE_ETIMEDOUT);
	args[0] = reeve_int(9);
	(void)ask(0, queue, "put", args, 1);
	CU_ASSERT_EQUAL(heard(1, get[1], values), REEVE_OK);
	CU_ASSERT_EQUAL(values[1].is.integer, 9);
	leave(1);
	CU_ASSERT_EQUAL(ask(0, queue, "get", NULL, 0).is.integer, 9);
	finish();
}

RV_TEST(a_barrier_opens_breaks_and_is_reset)
{
	struct reeve_datum barrier, values[8], args[2];
	uint32_t waits[3];

	begin(NULL);
	args[0] = reeve_text("barrier");
	args[1] = reeve_int(3);
	barrier = ask(0, the_hall, "create", args, 2);
	barrier.data = "";
	barrier.length = 0;
	(void)ask(1, the_hall, "attach", &barrier, 1);
	(void)ask(2, the_hall, "attach", &barrier, 1);
	for (unsigned i = 0; i < 3; i++) {
		waits[i] = say(i, barrier, "wait", RV_SEC, NULL, 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(heard(i, waits[i], values), REEVE_OK);
		CU_ASSERT_EQUAL(values[0].is.integer, i);
	}
	waits[0] = say(0, barrier, "wait", 9 * RV_SEC, NULL, 0);
	waits[1] = say(1, barrier, "wait", RV_SEC, NULL, 0);
	now += RV_SEC;
	rv_hall_tick(&hall, now);
	CU_ASSERT_EQUAL(heard(0, waits[0], values), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(heard(1, waits[1], values), REEVE_EBROKEN);
	CU_ASSERT_EQUAL(try(2, barrier, "wait", NULL, 0), REEVE_EBROKEN);
	(void)ask(2, barrier, "reset", NULL, 0);
	waits[0] = say(0, barrier, "wait", 9 * RV_SEC, NULL, 0);
	(void)ask(2, barrier, "reset", NULL, 0);
	CU_ASSERT_EQUAL(heard(0, waits[0], values), REEVE_EBROKEN);
	waits[0] = say(0, barrier, "wait", 9 * RV_SEC, NULL, 0);
	waits[1] = say(1, barrier, "wait", 9 * RV_SEC, NULL, 0);
	CU_ASSERT_EQUAL(ask(2, barrier, "wait", NULL, 0).is.integer, 2);
	CU_ASSERT_EQUAL(heard(1, waits[1], values), REEVE_OK);
	CU_ASSERT_EQUAL(heard(0, waits[0], values), REEVE_OK);
	finish();
}

RV_TEST(an_event_wakes_all_and_units_come_back)
{
	struct reeve_datum event, semaphore, values[8];
	uint32_t waits[3];

	begin(NULL);
	event = make(0, "event");
	semaphore = make(0, "bounded_semaphore");
	(void)ask(1, the_hall, "attach", &event, 1);
	(void)ask(1, the_hall, "attach", &semaphore, 1);
	for (unsigned i = 0; i < 3; i++) {
		waits[i] = say(1, event, "wait", RV_SEC, NULL, 0);
	}
	(void)ask(0, event, "set", NULL, 0);
	(void)ask(0, event, "clear", NULL, 0);
	CU_ASSERT_EQUAL(heard(1, waits[2], values), REEVE_OK);
	CU_ASSERT_EQUAL(try(1, event, "wait", NULL, 0), REEVE_ETIMEDOUT);
	(void)ask(1, semaphore, "acquire", NULL, 0);
	waits[0] = say(0, semaphore, "acquire", RV_SEC, NULL, 0);
	leave(1);
	CU_ASSERT_EQUAL(heard(0, waits[0], values), REEVE_OK);
	(void)ask(0, semaphore, "release", NULL, 0);
	CU_ASSERT_EQUAL(try(0, semaphore, "release", NULL, 0), REEVE_EFULL);
	finish();
}

RV_TEST(more_calls_than_may_do_not_wait)
{
	struct reeve_datum event;

	begin(NULL);
	event = make(0, "event");
	for (unsigned i = 0; i < 64; i++) {
		(void)say(0, event, "wait", RV_FOREVER, NULL, 0);
	}
	CU_ASSERT_EQUAL(sessions[0].n_waiting, 64);
	(void)say(0, event, "wait", RV_FOREVER, NULL, 0);
	CU_ASSERT_EQUAL(sessions[0].n_waiting, 64);
	CU_ASSERT_TRUE(sessions[0].out.len > 0);
	rv_buf_reset(&sessions[0].out);
	(void)ask(0, event, "set", NULL, 0);
	CU_ASSERT_EQUAL(sessions[0].n_waiting, 0);
	finish();
}

RV_TEST(the_manual_has_each_method_with_its_number)
{
	static char page[40000];
	char path[500], row[80];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path),
	    "%.400s/runtime/manager/reeve-manager.7", rv_test_srcdir());
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	n = fread(page, 1, sizeof(page) - 1, file);
	page[n] = '\0';
	(void)fclose(file);
	for (size_t i = 0; rv_built_in_types[i] != NULL; i++) {
		const struct reeve_manager_type *type = rv_built_in_types[i];

		CU_ASSERT_PTR_NOT_NULL(strstr(page, type->name));
		for (size_t k = 0; k < type->n_methods; k++) {
			(void)snprintf(row, sizeof(row), "%zu\\ %s", k + 1,
			    type->methods[k].name);
			if (strstr(page, row) == NULL) {
				printf("# %s: %s\n", type->name, row);
			}
			CU_ASSERT_PTR_NOT_NULL(strstr(page, row));
		}
	}
}

RV_SUITE(manager_hall, RV_CASE(a_dict_gives_back_what_was_put_in),
    RV_CASE(an_inner_object_lives_as_long_as_an_outer_one_holds_it),
    RV_CASE(a_ring_that_nobody_reaches_is_collected),
    RV_CASE(a_chain_of_a_hundred_thousand_dies_without_depth),
    RV_CASE(what_a_session_had_goes_with_it),
    RV_CASE(only_who_has_a_reference_may_call),
    RV_CASE(memory_has_a_limit_that_is_an_error_and_no_more),
    RV_CASE(those_who_wait_for_a_lock_get_it_in_order_or_in_time),
    RV_CASE(an_rlock_is_released_as_often_as_it_was_acquired),
    RV_CASE(a_bounded_queue_lets_each_side_wait_for_the_other),
    RV_CASE(a_barrier_opens_breaks_and_is_reset),
    RV_CASE(an_event_wakes_all_and_units_come_back),
    RV_CASE(more_calls_than_may_do_not_wait),
    RV_CASE(the_manual_has_each_method_with_its_number),
    RV_CASE(every_failed_allocation_is_an_error_of_one_call))
