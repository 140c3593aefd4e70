/* SPDX-License-Identifier: MIT */
/* Frames of the launcher and of the clerk's pipes: there and back, and cut. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/harness.h"
#include "wire/launch.h"
#include "wire/output.h"
#include "wire/packet.h"

static char frame[RV_LAUNCH_FRAME_MAX];

static const struct rv_launch_frame samples[] = {
	{ .op = RV_LAUNCH_HELLO, .version = 3 },
	{ .op = RV_LAUNCH_SIGNAL,
	    .life = 7,
	    .signo = 15,
	    .group = true,
	    .cont_follows = true },
	{ .op = RV_LAUNCH_KILL, .life = UINT64_MAX, .kill_mode = 1 },
	{ .op = RV_LAUNCH_EXPECT, .life = 1 },
	{ .op = RV_LAUNCH_ADOPT,
	    .life = 9,
	    .pid = 4,
	    .start_ticks = 5,
	    .keep = { .n_stop = 2,
		.stop = { { 3, 4 }, { 5, INT64_MAX } },
		.notify = true,
		.uid = 8 } },
	{ .op = RV_LAUNCH_STRAY, .life = 9, .pid = 4, .start_ticks = 5 },
	{ .op = RV_LAUNCH_CLERK },
	{ .op = RV_LAUNCH_SYNC, .life = 12 },
	{ .op = RV_LAUNCH_CLOSE },
	{ .op = RV_LAUNCH_GREETING, .version = 1 },
	{ .op = RV_LAUNCH_LAUNCHED, .life = 1, .pid = 2, .start_ticks = 3 },
	{ .op = RV_LAUNCH_FAILED, .life = 1, .stage = 2, .sys_errno = 3 },
	{ .op = RV_LAUNCH_NOTIFY,
	    .life = 1,
	    .notify = { .flags = RV_NOTIFY_STATUS, .status = "up" } },
	{ .op = RV_LAUNCH_DIED,
	    .life = 1,
	    .death = { .end = { .signaled = true, .number = 11 },
		.stage = 4,
		.utime_us = -1,
		.leftover = 3,
		.survivors = true } },
	{ .op = RV_LAUNCH_SYNCED, .life = 1 },
	{ .op = RV_LAUNCH_TROUBLE, .sys_errno = 1, .text = "why" },
};

RV_TEST(every_operation_comes_back_as_it_went)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(samples); i++) {
		const struct rv_launch_frame *from = &samples[i];
		struct rv_launch_frame to;
		char again[RV_LAUNCH_SMALL_MAX];
		size_t len = rv_launch_encode_frame(frame, sizeof(frame), from);

		CU_ASSERT(len > 0);
		CU_ASSERT_FATAL(rv_launch_decode_frame(frame, len, &to));
		CU_ASSERT_EQUAL(rv_launch_op(frame, len), from->op);
		CU_ASSERT_EQUAL(to.life, from->life);
		CU_ASSERT_EQUAL(
		    rv_launch_encode_frame(again, sizeof(again), &to), len);
		CU_ASSERT_EQUAL(memcmp(frame, again, len), 0);
		CU_ASSERT_PTR_NOT_NULL(rv_launch_op_name(from->op));
	}
	CU_ASSERT_PTR_NULL(rv_launch_op_name(0));
	CU_ASSERT_PTR_NULL(rv_launch_op_name(4711));
}

RV_TEST(a_frame_that_is_cut_or_longer_is_none)
{
	for (size_t i = 0; i < RV_ARRAY_LEN(samples); i++) {
		struct rv_launch_frame to;
		size_t len =
		    rv_launch_encode_frame(frame, sizeof(frame), &samples[i]);

		for (size_t cut = 0; cut < len; cut++) {
			/* In memory of its own, for those who watch reads. */
			char *copy = malloc(cut + 1);

			memcpy(copy, frame, cut);
			CU_ASSERT(!rv_launch_decode_frame(copy, cut, &to));
			free(copy);
		}
		CU_ASSERT(!rv_launch_decode_frame(frame, len + 1, &to));
		CU_ASSERT_EQUAL(
		    rv_launch_encode_frame(frame, len - 1, &samples[i]), 0);
	}
}

static void
make_launch(struct rv_launch *l)
{
	static const char *const argv[] = { "a", "", "c d", NULL };
	static const char *const env[] = { "A=1", "B=", NULL };
	static const gid_t groups[] = { 4, 5, 6 };

	*l = (struct rv_launch){ .life = 77,
		.path = "web/app",
		.argv = rv_strings_of(argv),
		.env = rv_strings_of(env),
		.directory = "/tmp",
		.groups = groups,
		.n_groups = 3,
		.umask = -1,
		.n_limits = 2,
		.limits = { { 1, true, false, 2, 3 }, { 4, true, true, 5, 6 } },
		.out = { RV_LAUNCH_OUT_FILE, "/o", 5, 6 },
		.err = { RV_LAUNCH_OUT_MERGED, NULL, 0, 0 },
		.ready_fd = 3,
		.watchdog_usec = 9 };
}

RV_TEST(a_launch_comes_back_as_it_went)
{
	struct rv_launch from, to;
	size_t len;
	gid_t groups[3];

	make_launch(&from);
	len = rv_launch_encode(frame, sizeof(frame), &from);
	CU_ASSERT_FATAL(len > 0 && rv_launch_decode(frame, len, &to));
	CU_ASSERT_EQUAL(to.life, 77);
	CU_ASSERT_STRING_EQUAL(to.path, "web/app");
	CU_ASSERT_EQUAL(to.argv.count, 3);
	CU_ASSERT_STRING_EQUAL(to.argv.packed, "a");
	CU_ASSERT_STRING_EQUAL(rv_strings_next(to.argv.packed), "");
	CU_ASSERT_EQUAL(to.env.count, 2);
	CU_ASSERT_STRING_EQUAL(to.directory, "/tmp");
	CU_ASSERT_EQUAL(to.n_groups, 3);
	memcpy(groups, to.groups, sizeof(groups));
	CU_ASSERT_EQUAL(groups[2], 6);
	CU_ASSERT_EQUAL(to.limits[1].hard, 6);
	CU_ASSERT_EQUAL(to.err.kind, RV_LAUNCH_OUT_MERGED);
	CU_ASSERT_PTR_NULL(to.err.path);
	CU_ASSERT_EQUAL(to.ready_fd, 3);
	for (size_t cut = 0; cut < len; cut++) {
		char *copy = malloc(cut + 1);

		memcpy(copy, frame, cut);
		CU_ASSERT(!rv_launch_decode(copy, cut, &to));
		free(copy);
	}
	CU_ASSERT(!rv_launch_decode(frame, len + 1, &to));
	CU_ASSERT_EQUAL(rv_launch_encode(frame, len - 1, &from), 0);
}

RV_TEST(no_byte_of_a_launch_can_be_wrong_in_a_harmful_way)
{
	struct rv_launch from, to;
	size_t len;

	make_launch(&from);
	len = rv_launch_encode(frame, sizeof(frame), &from);
	for (size_t i = 0; i < len; i++) {
		char *copy = malloc(len);

		memcpy(copy, frame, len);
		copy[i] = (char)0xff;
		rv_launch_decode(copy, len, &to);
		copy[i] = 0;
		rv_launch_decode(copy, len, &to);
		free(copy);
	}
}

RV_TEST(an_output_comes_back_as_it_went)
{
	struct rv_output from = { .life = 5,
		.pid = 6,
		.streams = RV_OUTPUT_STDOUT | RV_OUTPUT_STDERR,
		.uid = 7,
		.gid = 8,
		.path = "web/app",
		.out = { "/a", 1, 2 },
		.err = { "/b", 3, 4 } };
	struct rv_output_frame to;
	size_t len =
	    rv_output_encode(frame, sizeof(frame), RV_OUTPUT_OPEN, &from);

	CU_ASSERT_FATAL(rv_output_decode(frame, len, 2, &to));
	CU_ASSERT_EQUAL(to.op, RV_OUTPUT_OPEN);
	CU_ASSERT_STRING_EQUAL(to.output.out.path, "/a");
	CU_ASSERT_STRING_EQUAL(to.output.err.path, "/b");
	CU_ASSERT_EQUAL(to.output.err.backups, 4);
	CU_ASSERT(!rv_output_decode(frame, len, 1, &to));
	CU_ASSERT(!rv_output_decode(frame, len, 3, &to));
	for (size_t cut = 0; cut < len; cut++) {
		CU_ASSERT(!rv_output_decode(frame, cut, 2, &to));
	}
	from.err.path = NULL;
	len = rv_output_encode(frame, sizeof(frame), RV_OUTPUT_HAVE, &from);
	CU_ASSERT(!rv_output_decode(frame, len, 2, &to));
	from.streams = RV_OUTPUT_STDOUT;
	len = rv_output_encode(frame, sizeof(frame), RV_OUTPUT_HAVE, &from);
	CU_ASSERT(rv_output_decode(frame, len, 1, &to));
	len = rv_output_done(frame, sizeof(frame), 9, 3);
	CU_ASSERT(rv_output_decode(frame, len, 0, &to));
	CU_ASSERT_EQUAL(to.life, 9);
	CU_ASSERT_EQUAL(to.streams, 3);
	len = rv_output_ended(frame, sizeof(frame), 10);
	CU_ASSERT(rv_output_decode(frame, len, 0, &to));
	CU_ASSERT(!rv_output_decode(frame, len, 1, &to));
	len = rv_output_hello(frame, sizeof(frame));
	CU_ASSERT(rv_output_decode(frame, len, 0, &to));
	CU_ASSERT_EQUAL(to.version, RV_OUTPUT_VERSION);
	CU_ASSERT_STRING_EQUAL(rv_output_op_name(RV_OUTPUT_HAVE), "have");
	CU_ASSERT_PTR_NULL(rv_output_op_name(99));
}

RV_TEST(descriptors_travel_with_their_packet)
{
	struct rv_packet packet;
	int socks[2], fds[4];
	char data[8];

	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks) == 0);
	CU_ASSERT_EQUAL(
	    rv_packet_receive(socks[1], data, sizeof(data), &packet), -1);
	CU_ASSERT_FATAL(pipe(fds) == 0 && pipe(fds + 2) == 0);
	CU_ASSERT_EQUAL(rv_packet_send(socks[0], "ab", 2, fds, 4), 0);
	CU_ASSERT_EQUAL(
	    rv_packet_receive(socks[1], data, sizeof(data), &packet), 1);
	CU_ASSERT_EQUAL(packet.len, 2);
	CU_ASSERT_EQUAL(packet.n_fds, 4);
	CU_ASSERT(!packet.truncated);
	rv_packet_close_fds(&packet);
	CU_ASSERT_EQUAL(rv_packet_send(socks[0], "0123456789", 10, NULL, 0), 0);
	CU_ASSERT_EQUAL(
	    rv_packet_receive(socks[1], data, sizeof(data), &packet), 1);
	CU_ASSERT(packet.truncated);
	close(socks[0]);
	CU_ASSERT_EQUAL(
	    rv_packet_receive(socks[1], data, sizeof(data), &packet), 0);
	close(socks[1]);
	for (int i = 0; i < 4; i++) {
		close(fds[i]);
	}
}

RV_TEST(an_end_with_bytes_unread_still_gives_what_was_sent)
{
	struct rv_packet packet;
	int socks[2];
	char data[8];

	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks) == 0);
	CU_ASSERT_EQUAL(rv_packet_send(socks[0], "ours", 4, NULL, 0), 0);
	CU_ASSERT_EQUAL(rv_packet_send(socks[1], "theirs", 6, NULL, 0), 0);
	close(socks[1]);
	CU_ASSERT_EQUAL(
	    rv_packet_receive(socks[0], data, sizeof(data), &packet), 1);
	CU_ASSERT_EQUAL(packet.len, 6);
	CU_ASSERT_EQUAL(
	    rv_packet_receive(socks[0], data, sizeof(data), &packet), 0);
	close(socks[0]);
}

RV_SUITE(frames, RV_CASE(every_operation_comes_back_as_it_went),
    RV_CASE(a_frame_that_is_cut_or_longer_is_none),
    RV_CASE(a_launch_comes_back_as_it_went),
    RV_CASE(no_byte_of_a_launch_can_be_wrong_in_a_harmful_way),
    RV_CASE(an_output_comes_back_as_it_went),
    RV_CASE(descriptors_travel_with_their_packet),
    RV_CASE(an_end_with_bytes_unread_still_gives_what_was_sent))
