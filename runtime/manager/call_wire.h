/* SPDX-License-Identifier: MIT */
/*
 * The bytes of calls, answers and values, as reeve-manager(7) has them: the one
 * reader and the one writer, for both sides. Pure. Whatever is read was checked
 * against the bytes that there are; what it means is for others to doubt.
 */
#ifndef RV_MANAGER_CALL_WIRE_H
#define RV_MANAGER_CALL_WIRE_H

#include <reeve/manager.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/time.h"

#define RV_CALL_WIRE_VERSION 1

#define RV_CALL_BYTES   40
#define RV_ANSWER_BYTES 16
#define RV_VALUE_BYTES  8

/* No value is longer. */
#define RV_VALUE_MAX ((uint32_t)1 << 30)

enum rv_call_flags {
	RV_CALL_IF_BEFORE = 1, /* the one before it in its message was good */
	RV_CALL_FLAGS = 1,     /* all that there are */
};

struct rv_call_head {
	uint32_t length; /* of the whole call */
	uint32_t id;     /* 0: no answer */
	uint32_t object, generation;
	uint16_t method; /* 0: its name is the first argument */
	uint16_t flags;
	uint32_t n_args;
	uint32_t owner;
	rv_time timeout;
};

struct rv_answer_head {
	uint32_t length;
	uint32_t id; /* 0: not of a call: the last word before the end */
	int32_t status;
	uint32_t n_values;
};

/* What is left to read. */
struct rv_cursor {
	const unsigned char *at;
	size_t left;
};

/* False: it is none. The cursor is behind the head then, or where it was. */
bool rv_wire_get_call(struct rv_cursor *, struct rv_call_head *) RV_MUST_CHECK;
bool rv_wire_get_answer(
    struct rv_cursor *, struct rv_answer_head *) RV_MUST_CHECK;
/* Its data lie where they were read. */
bool rv_wire_get_value(struct rv_cursor *, struct reeve_datum *) RV_MUST_CHECK;

/* The head's length is put right by the second one; where the call begins. */
size_t rv_wire_put_call(struct rv_buf *, const struct rv_call_head *);
size_t rv_wire_put_answer(struct rv_buf *, uint32_t id);
void rv_wire_put_value(struct rv_buf *, const struct reeve_datum *);
/* The same in parts, of what has data: what lies before and behind these. */
void rv_wire_put_before(struct rv_buf *, const struct reeve_datum *);
void rv_wire_put_behind(struct rv_buf *, const struct reeve_datum *);
void rv_wire_end_call(struct rv_buf *, size_t begin);
/* The number of a call that was put there. */
void rv_wire_set_id(unsigned char *call, uint32_t id);
void rv_wire_end_answer(
    struct rv_buf *, size_t begin, int32_t status, uint32_t n_values);

/* Bytes that are data behind the head of a value, in its place. */
static inline bool
rv_datum_has_data(uint32_t type)
{
	return type >= REEVE_DATUM_BYTES && type <= REEVE_DATUM_JSON;
}

bool rv_datum_equal(const struct reeve_datum *, const struct reeve_datum *);

#endif
