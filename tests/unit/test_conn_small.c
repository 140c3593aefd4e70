/* SPDX-License-Identifier: MIT */
/*
 * Small messages, which go and come by the short way: in one piece with their
 * head. They are to be what the long way would make of them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <reeve/conn.h>

#include "base/fault.h"
#include "conn/conn_priv.h"
#include "lib/harness.h"

#define LONG REEVE_S(60)

/* On either side of what is copied, and of what goes within a packet. */
static const size_t sizes[] = { 0, 1, 31, 32, 33, 64, RV_COPIED_MAX - 1,
	RV_COPIED_MAX, RV_COPIED_MAX + 1, RV_INLINE_MAX, RV_INLINE_MAX + 1 };
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

RV_TEST(a_plain_head_is_what_any_head_is)
{
	unsigned char plain[RV_HEAD_BYTES], other[RV_HEAD_BYTES];
	struct rv_head head = { .type = RV_HEAD_DATA };
	uint32_t flags;
	uint64_t length;

	head.length = UINT64_C(0x0102030405060708);
	for (unsigned json = 0; json <= 1; json++) {
		head.flags = (uint8_t)(json * REEVE_PARCEL_JSON);
		rv_head_encode_plain(plain, head.flags, head.length);
		rv_head_encode(&head, other);
		CU_ASSERT_EQUAL(memcmp(plain, other, sizeof(plain)), 0);
		CU_ASSERT_TRUE(rv_head_is_plain(other, &flags, &length));
		CU_ASSERT_EQUAL(flags, head.flags);
		CU_ASSERT_EQUAL(length, head.length);
	}
}

/* The short way takes nothing that the long way would refuse. */
RV_TEST(what_differs_in_a_bit_is_no_plain_head)
{
	unsigned char bytes[RV_HEAD_BYTES];
	struct rv_head head;
	uint32_t flags;
	uint64_t length;

	for (unsigned bit = 0; bit < RV_HEAD_BYTES * 8; bit++) {
		bool is_plain;

		rv_head_encode_plain(bytes, 0, 5);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		is_plain = rv_head_is_plain(bytes, &flags, &length);
		/* the length is any number, and JSON is a flag */
		CU_ASSERT_EQUAL(
		    is_plain, bit / 64 == 1 || (bit == 40 && flags != 0));
		CU_ASSERT_TRUE(!is_plain || rv_head_decode(&head, bytes));
	}
}

static void
send_one(struct reeve_conn *conn, const unsigned char *data, size_t n)
{
	CU_ASSERT_EQUAL_FATAL(
	    reeve_conn_send(conn, data, n, n % 2 == 0 ? REEVE_FOREVER : LONG),
	    REEVE_OK);
}

RV_TEST(every_size_comes_as_it_was_sent)
{
	size_t most = RV_INLINE_MAX + 1;
	unsigned char *data = malloc(most), *buf = malloc(most + 1);
	struct reeve_parcel parcel = { 0 };
	struct reeve_conn *a, *b;
	size_t length;

	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	CU_ASSERT_PTR_NOT_NULL_FATAL(buf);
	for (size_t i = 0; i < most; i++) {
		data[i] = (unsigned char)(i * 7 + i / 251);
	}
	CU_ASSERT_EQUAL_FATAL(reeve_pipe(&a, &b, true, NULL), REEVE_OK);
	for (unsigned i = 0; i < N_SIZES * N_SIZES; i++) {
		size_t n = sizes[i / N_SIZES], room = sizes[i % N_SIZES];

		/* into memory of each size; what is too small keeps it */
		send_one(a, data, n);
		memset(buf, 0x5a, most + 1);
		CU_ASSERT_EQUAL(
		    reeve_conn_recv_into(b, buf, room, &length, LONG),
		    n <= room ? REEVE_OK : REEVE_ETOOSHORT);
		CU_ASSERT_EQUAL(length, n);
		CU_ASSERT_EQUAL(buf[room], 0x5a);
		if (n > room) {
			CU_ASSERT_EQUAL(
			    reeve_conn_recv_into(b, buf, n, &length, 0),
			    REEVE_OK);
		}
		CU_ASSERT_EQUAL(memcmp(buf, data, n), 0);
		/* into a parcel that had another one */
		send_one(a, data, n);
		CU_ASSERT_EQUAL(
		    reeve_conn_recv(b, &parcel, room, REEVE_FOREVER),
		    n <= room ? REEVE_OK : REEVE_ETOOBIG);
		CU_ASSERT_EQUAL(parcel.length, n <= room ? n : 0);
		CU_ASSERT_TRUE(
		    n > room || n == 0 || memcmp(parcel.data, data, n) == 0);
		CU_ASSERT_FALSE(reeve_conn_waiting(b));
	}
	reeve_parcel_free(&parcel);
	reeve_conn_free(a);
	reeve_conn_free(b);
	free(data);
	free(buf);
}

/*
 * Of so many waits in vain nearly all sleep at once: some looks for each time
 * that the calls without have doubled, and then one in 256.
 */
RV_TEST(who_waits_in_vain_looks_less_and_less)
{
	struct reeve_conn *a, *b;
	uint64_t looks;
	char c;

	CU_ASSERT_EQUAL_FATAL(reeve_pipe(&a, &b, true, NULL), REEVE_OK);
	CU_ASSERT_TRUE(rv_fault_set("accept=EIO")); /* to be counted */
	for (unsigned i = 0; i < 600; i++) {
		CU_ASSERT_EQUAL(reeve_conn_recv_into(b, &c, 1, NULL, 1000),
		    REEVE_ETIMEDOUT);
	}
	looks = rv_fault_calls(RV_FAULT_recv);
	CU_ASSERT_TRUE(looks >= 600 && looks <= 2 * 600 + 12 * 40);
	/* without a wait there is one look */
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(b, &c, 1, NULL, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(rv_fault_calls(RV_FAULT_recv), looks + 1);
	CU_ASSERT_TRUE(rv_fault_set(NULL));
	send_one(a, (const unsigned char *)"x", 1);
	CU_ASSERT_EQUAL(
	    reeve_conn_recv_into(b, &c, 1, NULL, REEVE_FOREVER), REEVE_OK);
	reeve_conn_free(a);
	reeve_conn_free(b);
}

RV_TEST(what_fails_in_receiving_is_said_and_loses_no_message)
{
	static const struct {
		const char *plan;
		bool is_there; /* a message, before */
		enum reeve_status status;
	} cases[] = {
		{ "recv@1=EINTR", true, REEVE_OK },
		{ "recv@1=ECONNRESET", true, REEVE_OK },
		{ "recv@1=ENOMEM", true, REEVE_ENOMEM },
		{ "recv@1=EIO", true, REEVE_ESYS },
		{ "recv@1=EAGAIN", true, REEVE_OK },
		{ "recv@2=EINTR", false, REEVE_ETIMEDOUT },
		{ "recv@2+=EIO", false, REEVE_ESYS },
	};
	struct reeve_conn *ends[2];
	char c;

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_plain = i % 2 == 1;
		enum reeve_status got;

		CU_ASSERT_EQUAL_FATAL(
		    (is_plain ? reeve_pipe_plain : reeve_pipe)(
			&ends[0], &ends[1], true, NULL),
		    REEVE_OK);
		if (cases[i / 2].is_there) {
			send_one(ends[0], (const unsigned char *)"x", 1);
		}
		CU_ASSERT_TRUE(rv_fault_set(cases[i / 2].plan));
		got = reeve_conn_recv_into(ends[1], &c, 1, NULL, REEVE_MS(50));
		CU_ASSERT_EQUAL(got, cases[i / 2].status);
		CU_ASSERT_TRUE(rv_fault_set(NULL));
		CU_ASSERT_EQUAL(reeve_conn_recv_into(ends[1], &c, 1, NULL, 0),
		    cases[i / 2].is_there && got != REEVE_OK ? REEVE_OK
							     : REEVE_ETIMEDOUT);
		reeve_conn_free(ends[0]);
		reeve_conn_free(ends[1]);
	}
}

RV_SUITE(conn_small, RV_CASE(a_plain_head_is_what_any_head_is),
    RV_CASE(what_differs_in_a_bit_is_no_plain_head),
    RV_CASE(every_size_comes_as_it_was_sent),
    RV_CASE(who_waits_in_vain_looks_less_and_less),
    RV_CASE(what_fails_in_receiving_is_said_and_loses_no_message))
