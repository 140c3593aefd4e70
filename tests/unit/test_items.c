/* SPDX-License-Identifier: MIT */
/*
 * What lies in shared memory: numbers, arrays, structs, arenas, lists; between
 * processes, with deaths, and with indexes and bytes of all kinds.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reeve/memory.h>

#include "base/base.h"
#include "unit/crew_rig.h"

#define ROOM 65536

/* --- Numbers and arrays ------------------------------------------------ */

struct pair {
	int64_t integer;
	double real;
	float small;
	int8_t tiny;
	uint16_t half;
};

static int
add_thousand(void *ctx)
{
	struct pair *pair = ctx;

	for (int i = 0; i < 1000; i++) {
		(void)reeve_i64_add(&pair->integer, 3);
		(void)reeve_f64_add(&pair->real, 0.5);
		(void)reeve_u16_add(&pair->half, 1);
	}
	reeve_i8_set(&pair->tiny, -7);
	reeve_f32_set(&pair->small, 1.5F);
	return 0;
}

CREW_SCENARIO(scenario_62_no_addition_of_four_processes_is_lost)
{
	struct pair *pair = crew_share(sizeof(*pair)), copy;
	int64_t old = 12000;
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = crew_start(add_thousand, pair);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	CU_ASSERT_EQUAL(reeve_i64_get(&pair->integer), 12000);
	CU_ASSERT_EQUAL(reeve_f64_get(&pair->real), 2000.0);
	CU_ASSERT_EQUAL(reeve_u16_get(&pair->half), 4000);
	CU_ASSERT_EQUAL(reeve_i8_get(&pair->tiny), -7);
	CU_ASSERT_EQUAL(reeve_f32_get(&pair->small), 1.5F);
	copy = *pair;
	CU_ASSERT_TRUE(reeve_i64_cas(&pair->integer, &old, 1));
	CU_ASSERT_FALSE(reeve_i64_cas(&pair->integer, &old, 2));
	CU_ASSERT_EQUAL(old, 1);
	CU_ASSERT_EQUAL(copy.integer, 12000);
	crew_unshare(pair, sizeof(*pair));
}

static int
double_fields(void *ctx)
{
	struct pair *pair = ctx;

	pair->integer *= 2;
	pair->real *= 2;
	pair->tiny = (int8_t)(2 * pair->tiny);
	return 0;
}

CREW_SCENARIO(scenario_64_a_struct_is_doubled_and_its_copy_is_not)
{
	struct pair *pair = crew_share(sizeof(*pair)), copy;

	*pair = (struct pair){ .integer = 3, .real = 0.25, .tiny = -7 };
	copy = *pair;
	CU_ASSERT_EQUAL(crew_end(crew_start(double_fields, pair)), 0);
	CU_ASSERT_EQUAL(pair->integer, 6);
	CU_ASSERT_EQUAL(pair->real, 0.5);
	CU_ASSERT_EQUAL(pair->tiny, -14);
	CU_ASSERT_EQUAL(copy.integer, 3);
	CU_ASSERT_EQUAL(copy.tiny, -7);
	crew_unshare(pair, sizeof(*pair));
}

static int
fill_array(void *ctx)
{
	for (uint64_t i = 0; i < 10; i++) {
		if (reeve_array_set_i32(ctx, i, (int32_t)(i * i)) != REEVE_OK) {
			return 1;
		}
	}
	return 0;
}

CREW_SCENARIO(scenario_62_an_array_knows_its_type_and_its_bounds)
{
	struct reeve_array *a = crew_share(ROOM);
	int32_t value = 0, old = 81;
	int64_t other;

	CU_ASSERT_EQUAL(
	    reeve_array_init(a, ROOM, REEVE_NUMBER_i32, 10), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(crew_start(fill_array, a)), 0);
	CU_ASSERT_EQUAL(reeve_array_get_i32(a, 9, &value), REEVE_OK);
	CU_ASSERT_EQUAL(value, 81);
	CU_ASSERT_EQUAL(reeve_array_get_i32(a, 10, &value), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_array_get_i32(a, UINT64_MAX, &value), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_array_get_i64(a, 1, &other), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_array_add_i32(a, 9, 4, &value), REEVE_OK);
	CU_ASSERT_EQUAL(value, 85);
	CU_ASSERT_EQUAL(reeve_array_cas_i32(a, 9, &old, 0), REEVE_EAGAIN);
	CU_ASSERT_EQUAL(old, 85);
	CU_ASSERT_EQUAL(reeve_array_cas_i32(a, 9, &old, 0), REEVE_OK);
	crew_unshare(a, ROOM);
}

/* Where the array of one type is; each has room of its own. */
static struct reeve_array *
array_of(void *room, enum reeve_number kind)
{
	return (
	    struct reeve_array *)(void *)((char *)room + (size_t)kind * 1024);
}

static int
change_each(void *ctx)
{
#define X(name, type)                                                          \
	{                                                                      \
		struct reeve_array *a = array_of(ctx, REEVE_NUMBER_##name);    \
		type value = 0;                                                \
		CREW_EXPECT(                                                   \
		    reeve_array_set_##name(a, 6, (type)100) == REEVE_OK);      \
		CREW_EXPECT(                                                   \
		    reeve_array_add_##name(a, 6, (type)20, NULL) == REEVE_OK); \
		CREW_EXPECT(                                                   \
		    reeve_array_get_##name(a, 7, &value) == REEVE_EINVALID);   \
	}
	REEVE_NUMBERS(X)
#undef X
	return 0;
}

CREW_SCENARIO(scenario_62_every_type_has_its_arrays)
{
	void *room = crew_share(ROOM);

#define X(name, type)                                                         \
	CU_ASSERT_EQUAL(reeve_array_init(array_of(room, REEVE_NUMBER_##name), \
			    1024, REEVE_NUMBER_##name, 7),                    \
	    REEVE_OK);                                                        \
	CU_ASSERT_EQUAL(reeve_array_size(REEVE_NUMBER_##name, 7),             \
	    sizeof(struct reeve_array) + 7 * sizeof(type));
	REEVE_NUMBERS(X)
#undef X
	CU_ASSERT_EQUAL(crew_end(crew_start(change_each, room)), 0);
#define X(name, type)                                                    \
	{                                                                \
		type value = 0;                                          \
		CU_ASSERT_EQUAL(                                         \
		    reeve_array_get_##name(                              \
			array_of(room, REEVE_NUMBER_##name), 6, &value), \
		    REEVE_OK);                                           \
		CU_ASSERT_EQUAL(value, (type)120);                       \
	}
	REEVE_NUMBERS(X)
#undef X
	crew_unshare(room, ROOM);
}

RV_TEST(an_array_is_not_made_of_nonsense)
{
	struct reeve_array *a = crew_share(ROOM);

	CU_ASSERT_EQUAL(
	    reeve_array_init(a, ROOM, REEVE_NUMBER_NONE, 1), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_array_init(a, ROOM, (enum reeve_number)99, 1),
	    REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_array_init(a, ROOM, REEVE_NUMBER_i64, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_array_init(a, ROOM, REEVE_NUMBER_i64, ROOM), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_array_size(REEVE_NUMBER_i64, UINT64_MAX / 4), 0);
	CU_ASSERT_PTR_NULL(reeve_array_at(a, REEVE_NUMBER_i64, 0));
	CU_ASSERT_PTR_NULL(reeve_array_at(NULL, REEVE_NUMBER_i64, 0));
	crew_unshare(a, ROOM);
}

/* --- Arenas ------------------------------------------------------------ */

#define PARTS 200

struct part {
	uint64_t offset, size;
	uint8_t mark;
};

static bool
is_whole(struct reeve_arena *a, const struct part *part)
{
	const uint8_t *bytes = reeve_arena_at(a, part->offset);
	bool whole = bytes != NULL && part->offset % 16 == 0;

	for (uint64_t i = 0; whole && i < part->size; i++) {
		whole = bytes[i] == part->mark;
	}
	return whole;
}

/* Allocate and free at random; every part keeps what was written to it. */
static bool
at_random(struct reeve_arena *a, unsigned seed, int steps)
{
	struct part parts[PARTS] = { { 0 } };
	bool good = true;

	for (int i = 0; i < steps && good; i++) {
		struct part *part;

		seed = seed * 1103515245U + 12345U;
		part = &parts[(seed >> 16) % PARTS];
		if (part->offset != 0) {
			good = is_whole(a, part) &&
			       reeve_arena_free(a, part->offset) == REEVE_OK;
			part->offset = 0;
			continue;
		}
		part->size = 1 + (seed >> 8) % 900;
		part->mark = (uint8_t)(seed >> 12);
		if (reeve_arena_alloc(a, part->size, &part->offset) ==
		    REEVE_OK) {
			memset(reeve_arena_at(a, part->offset), part->mark,
			    part->size);
		}
	}
	for (int i = 0; i < PARTS; i++) {
		if (parts[i].offset != 0) {
			good = good && is_whole(a, &parts[i]) &&
			       reeve_arena_free(a, parts[i].offset) == REEVE_OK;
		}
	}
	return good;
}

static int
use_at_random(void *ctx)
{
	CREW_EXPECT(at_random(ctx, (unsigned)getpid(), 4000));
	return 0;
}

CREW_SCENARIO(scenario_65_parts_of_an_arena_do_not_overlap_and_become_one)
{
	struct reeve_arena *a = crew_share(ROOM * 4);
	pid_t pid[3];
	uint64_t all;

	CU_ASSERT_EQUAL(reeve_arena_init(a, ROOM * 4), REEVE_OK);
	all = reeve_arena_largest(a);
	CU_ASSERT_TRUE(all > ROOM * 4 - 512);
	for (int i = 0; i < 3; i++) {
		pid[i] = crew_start(use_at_random, a);
	}
	CU_ASSERT_TRUE(at_random(a, 1, 4000));
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(crew_end(pid[i]), 0);
	}
	CU_ASSERT_EQUAL(reeve_arena_largest(a), all);
	CU_ASSERT_EQUAL(reeve_arena_left(a), all);
	crew_unshare(a, ROOM * 4);
}

RV_TEST(an_arena_is_used_up_to_its_last_bytes)
{
	struct reeve_arena *a = crew_share(ROOM);
	uint64_t offset = 0, one, two;

	CU_ASSERT_EQUAL(reeve_arena_init(a, 512), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_arena_alloc(a, reeve_arena_largest(a) + 1, &offset),
	    REEVE_ENOMEM);
	CU_ASSERT_EQUAL(
	    reeve_arena_alloc(a, UINT64_MAX, &offset), REEVE_ENOMEM);
	CU_ASSERT_EQUAL(offset, 0);
	CU_ASSERT_EQUAL(
	    reeve_arena_alloc(a, reeve_arena_largest(a), &one), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_arena_left(a), 0);
	CU_ASSERT_EQUAL(reeve_arena_alloc(a, 1, &two), REEVE_ENOMEM);
	CU_ASSERT_EQUAL(reeve_arena_free(a, one), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_arena_alloc(a, 1, &two), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_arena_free(a, two), REEVE_OK);
	crew_unshare(a, ROOM);
}

RV_TEST(what_is_not_allocated_is_not_freed)
{
	struct reeve_arena *a = crew_share(ROOM);
	uint64_t offset = 0, after = 0;

	CU_ASSERT_EQUAL(reeve_arena_free(a, 128), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_init(a, 64), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_init(NULL, ROOM), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_init(a, ROOM), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_arena_alloc(a, 0, &offset), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_alloc(a, 100, &offset), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_arena_alloc(a, 100, &after), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_arena_free(a, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_free(a, offset + 16), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_free(a, offset + 1), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_free(a, UINT64_MAX - 8), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_free(a, ROOM), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_arena_free(a, offset), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_arena_free(a, offset), REEVE_EINVALID);
	CU_ASSERT_PTR_NULL(reeve_arena_at(a, offset));
	/* written over by its user: said, not followed */
	memset((char *)reeve_arena_at(a, after) - 32, 0xff, 32);
	CU_ASSERT_EQUAL(reeve_arena_free(a, after), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_arena_alloc(a, ROOM - 300, &offset), REEVE_EDAMAGED);
	crew_unshare(a, ROOM);
}

static int
allocate_for_ever(void *ctx)
{
	struct reeve_arena *a = ctx;

	for (unsigned seed = (unsigned)getpid();; seed++) {
		if (!at_random(a, seed, 500)) {
			return 1;
		}
	}
}

RV_TEST(an_arena_is_whole_whoever_is_killed_within)
{
	struct reeve_arena *a = crew_share(ROOM * 16);
	uint64_t offset;

	CU_ASSERT_EQUAL(reeve_arena_init(a, (uint64_t)ROOM * 16), REEVE_OK);
	for (int i = 0; i < 40; i++) {
		pid_t pid = crew_start(allocate_for_ever, a);

		/* it has begun when there is less; where it is, is chance */
		while (reeve_arena_left(a) == 0) {
		}
		for (int n = 0; n < i * 3; n++) {
			CU_ASSERT_EQUAL(
			    reeve_arena_alloc(a, 24, &offset), REEVE_OK);
			CU_ASSERT_EQUAL(reeve_arena_free(a, offset), REEVE_OK);
		}
		crew_kill(pid);
		CU_ASSERT_EQUAL(reeve_arena_alloc(a, 24, &offset), REEVE_OK);
		CU_ASSERT_EQUAL(reeve_arena_free(a, offset), REEVE_OK);
	}
	crew_unshare(a, ROOM * 16);
}

/* --- Lists ------------------------------------------------------------- */

static struct reeve_list_item
text(const char *bytes, size_t length)
{
	return (struct reeve_list_item){
		.kind = REEVE_LIST_TEXT, .bytes = bytes, .length = length
	};
}

static void
expect_bytes(struct reeve_list *list, uint32_t i, const void *bytes, size_t n)
{
	struct reeve_list_item item;
	char buffer[64];

	CU_ASSERT_EQUAL(
	    reeve_list_get(list, i, &item, buffer, sizeof(buffer)), REEVE_OK);
	CU_ASSERT_EQUAL(item.length, n);
	CU_ASSERT_EQUAL(memcmp(item.bytes, bytes, n), 0);
}

RV_TEST(a_list_keeps_every_byte_and_the_kind_of_each_item)
{
	struct reeve_list *list = crew_share(ROOM);
	struct reeve_list_item item = text("ends in NULs\0\0", 14), got;
	char buffer[16];

	CU_ASSERT_EQUAL(reeve_list_init(list, ROOM, 6, 16), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_list_length(list), 6);
	CU_ASSERT_EQUAL(reeve_list_set(list, 0, &item), REEVE_OK);
	expect_bytes(list, 0, "ends in NULs\0\0", 14);
	item = text("\xf0\x9f\x99\x82\xf0\x9f\x99\x82\xf0\x9f\x99\x82"
		    "\xf0\x9f\x99\x82",
	    16);
	CU_ASSERT_EQUAL(reeve_list_set(list, 1, &item), REEVE_OK);
	expect_bytes(list, 1, item.bytes, 16);
	item = text("", 0);
	CU_ASSERT_EQUAL(reeve_list_set(list, 2, &item), REEVE_OK);
	expect_bytes(list, 2, "", 0);
	item =
	    (struct reeve_list_item){ .kind = REEVE_LIST_REAL, .real = -0.25 };
	CU_ASSERT_EQUAL(reeve_list_set(list, 3, &item), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_list_get(list, 3, &got, buffer, sizeof(buffer)), REEVE_OK);
	CU_ASSERT_EQUAL(got.kind, REEVE_LIST_REAL);
	CU_ASSERT_EQUAL(got.real, -0.25);
	item = (struct reeve_list_item){ .kind = REEVE_LIST_INT,
		.integer = INT64_MIN };
	CU_ASSERT_EQUAL(reeve_list_set(list, 4, &item), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_list_get(list, 4, &got, NULL, 0), REEVE_OK);
	CU_ASSERT_EQUAL(got.integer, INT64_MIN);
	CU_ASSERT_EQUAL(reeve_list_get(list, 5, &got, NULL, 0), REEVE_OK);
	CU_ASSERT_EQUAL(got.kind, REEVE_LIST_NONE);
	crew_unshare(list, ROOM);
}

RV_TEST(what_does_not_fit_changes_nothing)
{
	struct reeve_list *list = crew_share(ROOM);
	struct reeve_list_item item = text("eight by", 8), got;
	char buffer[4];

	CU_ASSERT_EQUAL(reeve_list_init(list, ROOM, 2, 8), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_list_set(list, 1, &item), REEVE_OK);
	item = text("nine byte", 9);
	CU_ASSERT_EQUAL(reeve_list_set(list, 1, &item), REEVE_ETOOBIG);
	CU_ASSERT_EQUAL(reeve_list_set(list, 2, &item), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_list_set(list, 0, NULL), REEVE_EINVALID);
	item.kind = (enum reeve_list_kind)77;
	CU_ASSERT_EQUAL(reeve_list_set(list, 0, &item), REEVE_EINVALID);
	item = text(NULL, 3);
	CU_ASSERT_EQUAL(reeve_list_set(list, 0, &item), REEVE_EINVALID);
	expect_bytes(list, 1, "eight by", 8);
	CU_ASSERT_EQUAL(reeve_list_get(list, 1, &got, buffer, sizeof(buffer)),
	    REEVE_ETOOSHORT);
	CU_ASSERT_EQUAL(got.length, 8);
	CU_ASSERT_EQUAL(reeve_list_get(list, 2, &got, NULL, 0), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_list_init(list, 100, 20, 8), REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_list_init(list, ROOM, 0, 8), REEVE_EINVALID);
	crew_unshare(list, ROOM);
}

RV_TEST(items_are_counted_and_found)
{
	struct reeve_list *list = crew_share(ROOM);
	struct reeve_list_item item = text("x", 1);
	uint32_t i = 9;

	CU_ASSERT_EQUAL(reeve_list_init(list, ROOM, 4, 8), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_list_set(list, 1, &item), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_list_set(list, 3, &item), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_list_count(list, &item), 2);
	CU_ASSERT_EQUAL(reeve_list_index(list, &item, &i), REEVE_OK);
	CU_ASSERT_EQUAL(i, 1);
	/* bytes are no text, and a NUL more is another one */
	item.kind = REEVE_LIST_BYTES;
	CU_ASSERT_EQUAL(reeve_list_count(list, &item), 0);
	item = text("x\0", 2);
	CU_ASSERT_EQUAL(reeve_list_index(list, &item, &i), REEVE_ENOENT);
	crew_unshare(list, ROOM);
}

static int
write_for_ever(void *ctx)
{
	struct reeve_list_item a = text("aaaaaaaaaaaaaaaa", 16),
			       b = text("bbbbbbbb", 8);

	for (;;) {
		if (reeve_list_set(ctx, 0, &a) != REEVE_OK ||
		    reeve_list_set(ctx, 0, &b) != REEVE_OK) {
			return 1;
		}
	}
}

RV_TEST(an_item_is_whole_though_its_writer_is_killed)
{
	struct reeve_list *list = crew_share(ROOM);
	struct reeve_list_item item;
	char buffer[16];

	CU_ASSERT_EQUAL(reeve_list_init(list, ROOM, 1, 16), REEVE_OK);
	for (int i = 0; i < 30; i++) {
		pid_t pid = crew_start(write_for_ever, list);

		do {
			CU_ASSERT_EQUAL_FATAL(reeve_list_get(list, 0, &item,
						  buffer, sizeof(buffer)),
			    REEVE_OK);
		} while (item.kind == REEVE_LIST_NONE);
		crew_kill(pid);
		CU_ASSERT_EQUAL(
		    reeve_list_get(list, 0, &item, buffer, sizeof(buffer)),
		    REEVE_OK);
		CU_ASSERT_TRUE(
		    (item.length == 16 &&
			memcmp(buffer, "aaaaaaaaaaaaaaaa", 16) == 0) ||
		    (item.length == 8 && memcmp(buffer, "bbbbbbbb", 8) == 0));
	}
	crew_unshare(list, ROOM);
}

RV_SUITE(items, RV_CASE(scenario_62_no_addition_of_four_processes_is_lost),
    RV_CASE(scenario_64_a_struct_is_doubled_and_its_copy_is_not),
    RV_CASE(scenario_62_an_array_knows_its_type_and_its_bounds),
    RV_CASE(scenario_62_every_type_has_its_arrays),
    RV_CASE(an_array_is_not_made_of_nonsense),
    RV_CASE(scenario_65_parts_of_an_arena_do_not_overlap_and_become_one),
    RV_CASE(an_arena_is_used_up_to_its_last_bytes),
    RV_CASE(what_is_not_allocated_is_not_freed),
    RV_CASE(an_arena_is_whole_whoever_is_killed_within),
    RV_CASE(a_list_keeps_every_byte_and_the_kind_of_each_item),
    RV_CASE(what_does_not_fit_changes_nothing),
    RV_CASE(items_are_counted_and_found),
    RV_CASE(an_item_is_whole_though_its_writer_is_killed))
