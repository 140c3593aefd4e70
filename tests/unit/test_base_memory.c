/* SPDX-License-Identifier: MIT */
/* What base keeps in memory: allocator, buffers, hash tables, lists. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/room.h"
#include "lib/harness.h"

RV_TEST(memory_comes_zeroed_and_overflow_is_refused)
{
	unsigned char *p = rv_alloc(100, 3);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	for (size_t i = 0; i < 300; i++) {
		CU_ASSERT_EQUAL(p[i], 0);
	}
	memset(p, 0xff, 300);
	p = rv_realloc(p, 100, 2000, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p[299], 0xff);
	for (size_t i = 300; i < 6000; i++) {
		CU_ASSERT_EQUAL(p[i], 0);
	}
	CU_ASSERT_PTR_NULL(rv_realloc(p, 2000, SIZE_MAX / 2, 3));
	CU_ASSERT_EQUAL(errno, ENOMEM);
	CU_ASSERT_EQUAL(p[299], 0xff);
	rv_free(p);
	p = rv_alloc(0, 0);
	CU_ASSERT_PTR_NOT_NULL(p);
	rv_free(p);
	rv_free(NULL);
}

RV_TEST(copies_of_strings_end)
{
	char *s = rv_strndup("abcdef", 3), *t = rv_strdup("");

	CU_ASSERT_STRING_EQUAL(s, "abc");
	CU_ASSERT_STRING_EQUAL(t, "");
	rv_free(s);
	rv_free(t);
	s = rv_strndup(NULL, 0);
	CU_ASSERT_STRING_EQUAL(s, "");
	rv_free(s);
}

#define ROOM ((size_t)256 * 1024)

#ifdef __SANITIZE_ADDRESS__
/* A room is then of malloc's, which is watched: there is nothing to count. */
static size_t
touched_pages(void *room, size_t expected)
{
	(void)room;
	return expected;
}
#else
static size_t
touched_pages(void *room, size_t expected)
{
	size_t n = ROOM / (size_t)sysconf(_SC_PAGESIZE), touched = 0;
	unsigned char there[ROOM / 4096];

	(void)expected;
	CU_ASSERT_EQUAL(mincore(room, ROOM, there), 0);
	for (size_t i = 0; i < n; i++) {
		touched += there[i] & 1u;
	}
	return touched;
}
#endif

RV_TEST(a_room_takes_as_much_memory_as_was_touched_until_it_is_cleared)
{
	char *room = rv_room_create(ROOM);

	CU_ASSERT_PTR_NOT_NULL_FATAL(room);
	CU_ASSERT_EQUAL(touched_pages(room, 0), 0);
	room[100] = 1;
	room[ROOM - 1] = 1;
	CU_ASSERT_EQUAL(room[ROOM / 2], 0);
	room[ROOM / 2] = 1;
	CU_ASSERT_EQUAL(touched_pages(room, 3), 3);
	rv_room_clear(room, ROOM);
	CU_ASSERT_EQUAL(touched_pages(room, 0), 0);
	room[ROOM / 2] = 1;
	CU_ASSERT_EQUAL(touched_pages(room, 1), 1);
	rv_room_destroy(room, ROOM);
	room = rv_room_create(100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(room);
	CU_ASSERT_EQUAL(room[99], 0);
	rv_room_clear(room, 100);
	rv_room_destroy(room, 100);
	rv_room_destroy(NULL, 100);
	rv_room_clear(NULL, ROOM);
}

RV_TEST(a_room_without_memory_is_none)
{
	CU_ASSERT_TRUE(rv_fault_set("alloc@1=ENOMEM"));
	CU_ASSERT_PTR_NULL(rv_room_create(ROOM));
	CU_ASSERT_EQUAL(errno, ENOMEM);
	rv_fault_set(NULL);
}

RV_TEST(a_buffer_in_the_callers_memory_stays_there)
{
	char memory[8];
	struct rv_buf buf;

	rv_buf_init_in(&buf, memory, sizeof(memory));
	CU_ASSERT_TRUE(rv_buf_reserve(&buf, 7));
	rv_buf_adds(&buf, "1234567");
	CU_ASSERT_PTR_EQUAL(buf.data, memory);
	CU_ASSERT_FALSE(buf.failed);
	CU_ASSERT_STRING_EQUAL(memory, "1234567");
	rv_buf_addc(&buf, '8');
	CU_ASSERT_TRUE(buf.failed);
	rv_buf_reset(&buf);
	rv_buf_adds(&buf, "again");
	CU_ASSERT_STRING_EQUAL(memory, "again");
}

RV_TEST(the_chosen_allocation_fails)
{
	void *p;

	CU_ASSERT_TRUE(rv_fault_set("alloc@2=ENOMEM"));
	p = rv_alloc(1, 1);
	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_PTR_NULL(rv_realloc(p, 1, 2, 1));
	rv_free(p);
	p = rv_strdup("x");
	CU_ASSERT_PTR_NOT_NULL(p);
	rv_free(p);
	CU_ASSERT_EQUAL(rv_fault_calls(RV_FAULT_alloc), 3);
	rv_fault_set(NULL);
}

RV_TEST(a_buffer_grows_up_to_its_maximum_and_not_further)
{
	struct rv_buf buf;

	rv_buf_init(&buf, 1000);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&buf), "");
	for (int i = 0; i < 100; i++) {
		rv_buf_adds(&buf, "0123456789");
	}
	CU_ASSERT_FALSE(buf.failed);
	CU_ASSERT_EQUAL(buf.len, 1000);
	CU_ASSERT_EQUAL(strlen(rv_buf_str(&buf)), 1000);
	rv_buf_add(&buf, "", 0);
	CU_ASSERT_FALSE(buf.failed);
	rv_buf_addc(&buf, 'x');
	CU_ASSERT_TRUE(buf.failed);
	CU_ASSERT_EQUAL(buf.len, 1000);
	rv_buf_consume(&buf, 500);
	rv_buf_addc(&buf, 'x');
	CU_ASSERT_EQUAL(buf.len, 500); /* failed stays failed */
	rv_buf_reset(&buf);
	CU_ASSERT_FALSE(buf.failed);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&buf), "");
	rv_buf_addf(&buf, "%s-%d", "a", 7);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&buf), "a-7");
	rv_buf_finish(&buf);
	rv_buf_finish(&buf);
}

RV_TEST(a_format_that_does_not_fit_adds_nothing)
{
	struct rv_buf buf;

	rv_buf_init(&buf, 8);
	rv_buf_adds(&buf, "1234");
	rv_buf_addf(&buf, "%s", "56789");
	CU_ASSERT_TRUE(buf.failed);
	CU_ASSERT_FALSE(buf.starved);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&buf), "1234");
	rv_buf_finish(&buf);
}

RV_TEST(consuming_moves_the_rest_to_the_front)
{
	struct rv_buf buf;

	rv_buf_init(&buf, 64);
	rv_buf_consume(&buf, 0);
	rv_buf_adds(&buf, "hello world");
	rv_buf_consume(&buf, 6);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&buf), "world");
	rv_buf_consume(&buf, 5);
	CU_ASSERT_EQUAL(buf.len, 0);
	CU_ASSERT_STRING_EQUAL(rv_buf_str(&buf), "");
	rv_buf_finish(&buf);
}

RV_TEST(stealing_leaves_an_empty_buffer)
{
	struct rv_buf buf;
	char *s;

	rv_buf_init(&buf, 64);
	rv_buf_adds(&buf, "mine");
	s = rv_buf_steal(&buf);
	CU_ASSERT_STRING_EQUAL(s, "mine");
	CU_ASSERT_EQUAL(buf.len, 0);
	rv_free(s);
	s = rv_buf_steal(&buf); /* never NULL because it is empty */
	CU_ASSERT_STRING_EQUAL(s, "");
	rv_free(s);
	rv_buf_add(&buf, NULL, 0);
	rv_buf_adds(&buf, "12345678901234567890123456789012345678901234567890"
			  "123456789012345");
	CU_ASSERT_PTR_NULL(rv_buf_steal(&buf)); /* 65 do not fit in 64 */
	CU_ASSERT_FALSE(buf.failed);
	rv_buf_finish(&buf);
}

RV_TEST(a_buffer_without_memory_fails_and_keeps_what_it_had)
{
	struct rv_buf buf;

	rv_buf_init(&buf, 4096);
	rv_buf_adds(&buf, "kept");
	rv_fault_set("alloc=ENOMEM");
	for (int i = 0; i < 100; i++) {
		rv_buf_adds(&buf, "more");
	}
	rv_fault_set(NULL);
	CU_ASSERT_TRUE(buf.failed && buf.starved);
	CU_ASSERT_EQUAL(strncmp(rv_buf_str(&buf), "keptmore", 8), 0);
	CU_ASSERT_PTR_NULL(rv_buf_steal(&buf));
	rv_buf_finish(&buf);
}

RV_TEST(fnv_gives_the_published_values)
{
	CU_ASSERT_EQUAL(rv_fnv(RV_FNV_INIT, "", 0), RV_FNV_INIT);
	CU_ASSERT_EQUAL(
	    rv_fnv(RV_FNV_INIT, "a", 1), UINT64_C(0xaf63dc4c8601ec8c));
	CU_ASSERT_EQUAL(
	    rv_fnv(RV_FNV_INIT, "foobar", 6), UINT64_C(0x85944171f73967e8));
	CU_ASSERT_EQUAL(
	    rv_fnv_str(RV_FNV_INIT, "a"), rv_fnv(RV_FNV_INIT, "a", 2));
}

RV_TEST(a_hash_table_finds_what_was_put_in_and_only_that)
{
	enum { N = 1000 };
	struct rv_hash hash = { 0 };
	static struct rv_hash_node nodes[N], stranger;

	CU_ASSERT_PTR_NULL(rv_hash_find(&hash, 1));
	CU_ASSERT_FALSE(rv_hash_remove(&hash, &stranger));
	for (size_t i = 0; i < N; i++) {
		/* grows while nodes are inside */
		CU_ASSERT_TRUE_FATAL(rv_hash_reserve(&hash, i + 1));
		rv_hash_insert(&hash, &nodes[i], i * i);
	}
	CU_ASSERT_EQUAL(hash.n, N);
	CU_ASSERT_TRUE(hash.n_buckets >= N);
	for (size_t i = 0; i < N; i++) {
		CU_ASSERT_PTR_EQUAL(rv_hash_find(&hash, i * i), &nodes[i]);
	}
	CU_ASSERT_PTR_NULL(rv_hash_find(&hash, 2));
	for (size_t i = 0; i < N; i += 2) {
		CU_ASSERT_TRUE(rv_hash_remove(&hash, &nodes[i]));
		CU_ASSERT_FALSE(rv_hash_remove(&hash, &nodes[i]));
	}
	CU_ASSERT_EQUAL(hash.n, N / 2);
	for (size_t i = 0; i < N; i++) {
		CU_ASSERT_PTR_EQUAL(
		    rv_hash_find(&hash, i * i), i % 2 != 0 ? &nodes[i] : NULL);
	}
	rv_hash_finish(&hash);
	rv_hash_finish(&hash);
}

RV_TEST(a_hash_table_without_memory_stays_as_it_was)
{
	struct rv_hash hash = { 0 };
	struct rv_hash_node node;

	CU_ASSERT_TRUE_FATAL(rv_hash_reserve(&hash, 1));
	rv_hash_insert(&hash, &node, 42);
	rv_fault_set("alloc=ENOMEM");
	CU_ASSERT_FALSE(rv_hash_reserve(&hash, 10000));
	CU_ASSERT_TRUE(rv_hash_reserve(&hash, 2));
	rv_fault_set(NULL);
	CU_ASSERT_PTR_EQUAL(rv_hash_find(&hash, 42), &node);
	rv_hash_finish(&hash);
}

struct item {
	int value;
	struct rv_list link;
};

static int
digits(struct rv_list *head)
{
	int sum = 0;

	RV_LIST_EACH (item, head, struct item, link) {
		sum = sum * 10 + item->value;
	}
	return sum;
}

RV_TEST(a_list_keeps_its_order)
{
	struct rv_list head;
	struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };

	rv_list_init(&head);
	CU_ASSERT_TRUE(rv_list_empty(&head));
	CU_ASSERT_EQUAL(digits(&head), 0);
	rv_list_insert(&head, &a.link);
	rv_list_insert(&head, &c.link);
	rv_list_insert(&c.link, &b.link);
	CU_ASSERT_EQUAL(digits(&head), 123);
	CU_ASSERT_PTR_EQUAL(RV_LIST_FIRST(&head, struct item, link), &a);
	rv_list_remove(&b.link);
	rv_list_remove(&b.link); /* harmless */
	CU_ASSERT_EQUAL(digits(&head), 13);
	RV_LIST_EACH_SAFE (item, &head, struct item, link) {
		rv_list_remove(&item->link);
	}
	CU_ASSERT_TRUE(rv_list_empty(&head));
}

RV_SUITE(base_memory, RV_CASE(memory_comes_zeroed_and_overflow_is_refused),
    RV_CASE(copies_of_strings_end),
    RV_CASE(a_room_takes_as_much_memory_as_was_touched_until_it_is_cleared),
    RV_CASE(a_room_without_memory_is_none),
    RV_CASE(a_buffer_in_the_callers_memory_stays_there),
    RV_CASE(the_chosen_allocation_fails),
    RV_CASE(a_buffer_grows_up_to_its_maximum_and_not_further),
    RV_CASE(a_format_that_does_not_fit_adds_nothing),
    RV_CASE(consuming_moves_the_rest_to_the_front),
    RV_CASE(stealing_leaves_an_empty_buffer),
    RV_CASE(a_buffer_without_memory_fails_and_keeps_what_it_had),
    RV_CASE(fnv_gives_the_published_values),
    RV_CASE(a_hash_table_finds_what_was_put_in_and_only_that),
    RV_CASE(a_hash_table_without_memory_stays_as_it_was),
    RV_CASE(a_list_keeps_its_order))
