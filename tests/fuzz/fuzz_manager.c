/* SPDX-License-Identifier: MIT */
/*
 * Clients that say what they like to a hall. An input is a row of messages,
 * each {u8 who and what, u8 length in eights, bytes}: a message of client 0 to
 * 3 (the low two bits), who leaves and comes anew first (4), or some time goes
 * by (8). What comes out has to be answers to the last byte, and at the end,
 * when all have left, there is nothing but what has a name.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "manager/hall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool good)
{
	if (!good) {
		abort();
	}
}

static void
read_answers(struct rv_session *session)
{
	struct rv_cursor c = { (const unsigned char *)session->out.data,
		session->out.len };
	struct rv_answer_head head;
	struct reeve_datum value;

	while (c.left > 0) {
		size_t before = c.left;

		expect(rv_wire_get_answer(&c, &head));
		for (uint32_t i = 0; i < head.n_values; i++) {
			expect(rv_wire_get_value(&c, &value));
		}
		expect(before - c.left == head.length);
	}
	rv_buf_reset(&session->out);
}

static void
come_anew(struct rv_hall *hall, struct rv_session *session)
{
	rv_session_close(hall, session);
	expect(rv_session_open(hall, session) == REEVE_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rv_hall_limits limits = { 1 << 20, 1 << 22, 500, 20,
		500 };
	static const uint64_t seed[2] = { 3, 4 };
	struct rv_session sessions[4];
	struct rv_hall hall;
	rv_time now = RV_SEC;

	expect(rv_hall_init(&hall, seed, &limits) == REEVE_OK);
	for (unsigned i = 0; i < 4; i++) {
		expect(rv_session_open(&hall, &sessions[i]) == REEVE_OK);
	}
	/* numbers that an input can know */
	hall.next_generation = 1;
	while (size >= 2) {
		struct rv_session *session = &sessions[data[0] & 3];
		size_t length = RV_MIN((size_t)data[1] * 8, size - 2);
		struct rv_cursor c = { data + 2, length };

		if ((data[0] & 4) != 0) {
			come_anew(&hall, session);
		}
		if ((data[0] & 8) != 0) {
			now += RV_SEC;
			rv_hall_tick(&hall, now);
		}
		rv_hall_take(&hall, session, &c, 1000, now);
		for (unsigned i = 0; i < 4; i++) {
			if (sessions[i].cut == REEVE_OK) {
				read_answers(&sessions[i]);
			} else {
				come_anew(&hall, &sessions[i]);
			}
		}
		data += 2 + length;
		size -= 2 + length;
	}
	for (unsigned i = 0; i < 4; i++) {
		rv_session_close(&hall, &sessions[i]);
	}
	(void)rv_hall_collect(&hall);
	expect(hall.names.n > 0 || hall.n_objects == 1);
	rv_hall_finish(&hall);
	return 0;
}
