/* SPDX-License-Identifier: MIT */
/*
 * The memory of lanes, the page of their host, and frames that hold more than
 * one thing.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/fault.h"
#include "sys/sys.h"
#include "unit/lane_rig.h"

RV_TEST(memory_that_may_change_its_size_is_no_lane)
{
	struct rv_lane_pair pair;
	struct reeve_error err;
	int fd = rv_sys_memfd("test"), sealed = rv_sys_memfd("test");
	off_t length = RV_LANE_HEAD + 2 * RING;

	CU_ASSERT_EQUAL(ftruncate(fd, length), 0);
	CU_ASSERT_EQUAL(rv_lane_open(&pair, fd, RING, &err), REEVE_EPROTO);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), -1);
	CU_ASSERT_EQUAL(pair.fd, -1);
	CU_ASSERT_EQUAL(ftruncate(sealed, length - 4096), 0);
	CU_ASSERT_EQUAL(
	    fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	CU_ASSERT_EQUAL(rv_lane_open(&pair, sealed, RING, &err), REEVE_EPROTO);
	CU_ASSERT_EQUAL(rv_lane_open(&pair, -1, RING, &err), REEVE_EPROTO);
	CU_ASSERT_EQUAL(
	    rv_lane_open(&pair, rv_sys_memfd("test"), RING + 8, &err),
	    REEVE_EPROTO);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CU_ASSERT_EQUAL(rv_lane_open(&pair, fd, RING, &err), REEVE_EPROTO);
}

RV_TEST(what_cannot_be_made_leaves_nothing)
{
	static const char *const plans[] = { "memfd_create=EMFILE",
		"mmap=ENOMEM" };
	static const char *const page_plans[] = { "memfd_create=EMFILE",
		"eventfd=EMFILE", "mmap=ENOMEM" };
	struct rv_lane_pair pair;
	struct rv_lane_host host;
	struct reeve_error err;

	for (size_t i = 0; i < RV_ARRAY_LEN(plans); i++) {
		CU_ASSERT_TRUE_FATAL(rv_fault_set(plans[i]));
		CU_ASSERT_NOT_EQUAL(rv_lane_make(&pair, RING, &err), REEVE_OK);
		CU_ASSERT_EQUAL(pair.fd, -1);
	}
	for (size_t i = 0; i < RV_ARRAY_LEN(page_plans); i++) {
		CU_ASSERT_TRUE_FATAL(rv_fault_set(page_plans[i]));
		CU_ASSERT_NOT_EQUAL(rv_lane_host_make(&host, &err), REEVE_OK);
		CU_ASSERT(host.fd == -1 && host.bell == -1);
	}
	CU_ASSERT_TRUE(rv_fault_set(NULL));
}

/* -------- the host's page -------- */

RV_TEST(a_worker_rings_once_for_each_sleep_of_its_host)
{
	struct both b;
	struct rv_lane_host host, page;
	struct reeve_error err;
	uint64_t rings = 0;

	make(&b);
	CU_ASSERT_EQUAL_FATAL(rv_lane_host_make(&host, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    rv_lane_host_open(&page, dup(host.fd), dup(host.bell), &err),
	    REEVE_OK);
	b.worker.results.host = page.page;
	b.worker.results.bell = page.bell;
	CU_ASSERT_FALSE(rv_lane_must_wake(&b.worker.results));
	for (int i = 0; i < 3; i++) {
		rv_lane_host_sleeps(&host, true);
		rv_lane_host_sleeps(&host, true);
		CU_ASSERT_TRUE(rv_lane_must_wake(&b.worker.results));
		rv_lane_wake(&b.worker.results);
		CU_ASSERT_FALSE(rv_lane_must_wake(&b.worker.results));
		rv_lane_host_sleeps(&host, false);
		CU_ASSERT_FALSE(rv_lane_must_wake(&b.worker.results));
	}
	CU_ASSERT_EQUAL(read(host.bell, &rings, sizeof(rings)), 8);
	CU_ASSERT_EQUAL(rings, 3);
	rv_lane_host_close(&page);
	rv_lane_host_close(&host);
	rv_lane_host_close(&host);
	drop_both(&b);
}

RV_TEST(a_bell_that_is_full_is_rung_by_a_byte)
{
	struct both b;
	struct rv_lane_host host;
	struct reeve_error err;
	uint64_t full = UINT64_MAX - 1;
	int pair[2];
	char byte = 'x';

	make(&b);
	CU_ASSERT_EQUAL_FATAL(rv_lane_host_make(&host, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    rv_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	b.worker.results.host = host.page;
	b.worker.results.bell = host.bell;
	b.worker.results.pair = pair[0];
	CU_ASSERT_EQUAL(write(host.bell, &full, sizeof(full)), 8);
	rv_lane_wake(&b.worker.results);
	CU_ASSERT_EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
	b.worker.results.bell = -1;
	rv_lane_wake(&b.worker.results);
	CU_ASSERT_EQUAL(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
	(void)close(pair[0]);
	(void)close(pair[1]);
	rv_lane_host_close(&host);
	drop_both(&b);
}

RV_TEST(only_the_host_writes_its_page)
{
	struct rv_lane_host host, page;
	struct reeve_error err;
	int fd;

	CU_ASSERT_EQUAL_FATAL(rv_lane_host_make(&host, &err), REEVE_OK);
	CU_ASSERT_PTR_NULL(rv_sys_mmap_shared(host.fd, 4096, true));
	CU_ASSERT_EQUAL(write(host.fd, "x", 1), -1);
	fd = rv_sys_memfd("test");
	CU_ASSERT_EQUAL(
	    rv_lane_host_open(&page, fd, dup(host.bell), &err), REEVE_EPROTO);
	CU_ASSERT(page.fd == -1 && page.bell == -1);
	rv_lane_host_close(&host);
}

/* -------- more than one thing -------- */

RV_TEST(items_of_a_chunk_have_one_length_or_each_its_own)
{
	_Alignas(8) uint8_t bytes[64] = { 0 };
	uint32_t lengths[3] = { 0, 8, 3 }, n = 99;
	const void *data = NULL;
	struct rv_chunk chunk = { .data = bytes, .length = 48, .count = 3 };

	memcpy(bytes, lengths, sizeof(lengths));
	CU_ASSERT_TRUE(rv_chunk_next(&chunk, &data, &n));
	CU_ASSERT(n == 0 && data == bytes + 16);
	CU_ASSERT_TRUE(rv_chunk_next(&chunk, &data, &n));
	CU_ASSERT(n == 8 && data == bytes + 24);
	CU_ASSERT_TRUE(rv_chunk_next(&chunk, &data, &n));
	CU_ASSERT(n == 3 && data == bytes + 40);
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
	chunk = (struct rv_chunk){ .data = bytes, .length = 47, .count = 3 };
	CU_ASSERT_TRUE(rv_chunk_next(&chunk, &data, &n));
	CU_ASSERT_TRUE(rv_chunk_next(&chunk, &data, &n));
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
	chunk = (struct rv_chunk){
		.data = bytes, .length = 32, .count = 2, .size = 16
	};
	CU_ASSERT_TRUE(rv_chunk_next(&chunk, &data, &n));
	CU_ASSERT(n == 8 && data == bytes);
	CU_ASSERT_TRUE(rv_chunk_next(&chunk, &data, &n));
	CU_ASSERT(n == 8 && data == bytes + 16);
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
}

RV_TEST(items_of_a_chunk_without_a_payload_are_all_empty)
{
	_Alignas(8) uint8_t bytes[8] = { 0 };
	struct rv_chunk chunk = { .data = bytes, .count = 3 };
	const void *data = NULL;
	uint32_t n = 99;

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(rv_chunk_next(&chunk, &data, &n));
		CU_ASSERT(n == 0 && data == bytes);
	}
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
	chunk = (struct rv_chunk){ .data = bytes, .count = 3, .size = 3 };
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
}

RV_TEST(a_chunk_that_says_more_than_it_has_ends_where_it_does)
{
	_Alignas(8) uint8_t bytes[64];
	uint32_t n;
	const void *data;
	struct rv_chunk chunk = { .data = bytes, .length = 64, .count = 3 };

	memset(bytes, 0xff, sizeof(bytes));
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
	chunk.count = UINT32_MAX;
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
	chunk.size = UINT64_MAX;
	chunk.count = 1;
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
	chunk.count = 0;
	CU_ASSERT_FALSE(rv_chunk_next(&chunk, &data, &n));
}

RV_TEST(answers_are_read_to_where_they_fit)
{
	_Alignas(8) uint8_t bytes[80] = { 0 };
	struct rv_answers answers = { .data = bytes, .length = 72 };
	struct rv_answer head;
	const void *payload;

	answer(bytes, 8, 'a');
	answer(bytes + 32, 20, 'b');
	CU_ASSERT_TRUE(rv_answers_next(&answers, &head, &payload));
	CU_ASSERT_EQUAL(head.length, 8);
	CU_ASSERT_STRING_EQUAL(payload, "aaaaaaaa");
	CU_ASSERT_TRUE(rv_answers_next(&answers, &head, &payload));
	CU_ASSERT_EQUAL(head.length, 20);
	CU_ASSERT_FALSE(rv_answers_next(&answers, &head, &payload));
	CU_ASSERT_EQUAL(answers.offset, answers.length);
	answers = (struct rv_answers){ .data = bytes, .length = 71 };
	CU_ASSERT_TRUE(rv_answers_next(&answers, &head, &payload));
	CU_ASSERT_FALSE(rv_answers_next(&answers, &head, &payload));
	CU_ASSERT_NOT_EQUAL(answers.offset, answers.length);
	answers = (struct rv_answers){ .data = bytes, .length = 15 };
	CU_ASSERT_FALSE(rv_answers_next(&answers, &head, &payload));
	memset(bytes, 0xff, 16);
	answers.length = 80;
	CU_ASSERT_FALSE(rv_answers_next(&answers, &head, &payload));
}

/* What a frame of answers without heads says, and how many it has. */
RV_TEST(even_answers_are_as_many_as_fit_exactly)
{
	static const struct {
		uint64_t size;
		uint32_t length, n;
		uint8_t kind, flags;
	} cases[] = {
		{ 0, 8, 1, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ 0, 8000, 1000, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ 0, 0, 0, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ 7, 24, 3, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ 8, 48, 3, RV_FRAME_RESULTS, RV_FRAME_EVEN | RV_FRAME_JSON },
		{ 8, 40, 0, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ 8, 8, 0, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ 7, 9, 0, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ 8, 48, 0, RV_FRAME_RESULTS, 0 },
		{ 8, 48, 0, RV_FRAME_RESULT, RV_FRAME_EVEN },
		{ 32760, 32768, 1, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ 32769, 32768, 0, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ UINT64_MAX, 8, 0, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ UINT64_MAX - 8, 8, 0, RV_FRAME_RESULTS, RV_FRAME_EVEN },
		{ (uint64_t)1 << 32, 8, 0, RV_FRAME_RESULTS, RV_FRAME_EVEN },
	};

	for (size_t i = 0; i < RV_ARRAY_LEN(cases); i++) {
		const struct rv_frame head = { .size = cases[i].size,
			.length = cases[i].length,
			.kind = cases[i].kind,
			.flags = cases[i].flags };

		CU_ASSERT_EQUAL(rv_answers_even(&head), cases[i].n);
	}
}

RV_TEST(a_failure_has_two_texts_whatever_was_sent)
{
	static char longest[RV_FAILED_MAX + 1];
	struct rv_failed failed;

	CU_ASSERT_TRUE(rv_failed_read(&failed, "a.B\0why", 8));
	CU_ASSERT_STRING_EQUAL(failed.type, "a.B");
	CU_ASSERT_STRING_EQUAL(failed.message, "why");
	CU_ASSERT_TRUE(rv_failed_read(&failed, "", 0));
	CU_ASSERT_STRING_EQUAL(failed.type, "");
	CU_ASSERT_STRING_EQUAL(failed.message, "");
	memset(longest, 'x', sizeof(longest));
	CU_ASSERT_TRUE(rv_failed_read(&failed, longest, RV_FAILED_MAX));
	CU_ASSERT_EQUAL(strlen(failed.type), RV_FAILED_MAX);
	CU_ASSERT_STRING_EQUAL(failed.message, "");
	CU_ASSERT_FALSE(rv_failed_read(&failed, longest, RV_FAILED_MAX + 1));
}

RV_SUITE(pool_chunk, RV_CASE(memory_that_may_change_its_size_is_no_lane),
    RV_CASE(what_cannot_be_made_leaves_nothing),
    RV_CASE(a_worker_rings_once_for_each_sleep_of_its_host),
    RV_CASE(a_bell_that_is_full_is_rung_by_a_byte),
    RV_CASE(only_the_host_writes_its_page),
    RV_CASE(items_of_a_chunk_have_one_length_or_each_its_own),
    RV_CASE(items_of_a_chunk_without_a_payload_are_all_empty),
    RV_CASE(a_chunk_that_says_more_than_it_has_ends_where_it_does),
    RV_CASE(answers_are_read_to_where_they_fit),
    RV_CASE(even_answers_are_as_many_as_fit_exactly),
    RV_CASE(a_failure_has_two_texts_whatever_was_sent))
