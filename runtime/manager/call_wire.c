/* SPDX-License-Identifier: MIT */
/*
 * Calls, answers and values as bytes: all numbers with their little end first,
 * everything at multiples of eight. Called by the server and by clients; never
 * reads beyond what it is told there is.
 */
#include "config.h"

#include "manager/call_wire.h"

#include <endian.h>
#include <string.h>

static uint16_t
get16(const unsigned char *at)
{
	uint16_t n;

	memcpy(&n, at, sizeof(n));
	return le16toh(n);
}

static uint32_t
get32(const unsigned char *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return le32toh(n);
}

static uint64_t
get64(const unsigned char *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	return le64toh(n);
}

static void
put16(unsigned char *at, uint16_t n)
{
	n = htole16(n);
	memcpy(at, &n, sizeof(n));
}

static void
put32(unsigned char *at, uint32_t n)
{
	n = htole32(n);
	memcpy(at, &n, sizeof(n));
}

static void
put64(unsigned char *at, uint64_t n)
{
	n = htole64(n);
	memcpy(at, &n, sizeof(n));
}

/* A length that this many bytes can have, with that much at least in it. */
static bool
is_length(uint32_t length, size_t least, size_t left)
{
	return length >= least && length <= left && length % 8 == 0;
}

bool
rv_wire_get_call(struct rv_cursor *c, struct rv_call_head *head)
{
	const unsigned char *at = c->at;

	if (c->left < RV_CALL_BYTES ||
	    !is_length(get32(at), RV_CALL_BYTES, c->left)) {
		return false;
	}
	head->length = get32(at);
	head->id = get32(at + 4);
	head->object = get32(at + 8);
	head->generation = get32(at + 12);
	head->method = get16(at + 16);
	head->flags = get16(at + 18);
	head->n_args = get32(at + 20);
	head->owner = get32(at + 24);
	head->timeout = (rv_time)get64(at + 32);
	if (get32(at + 28) != 0 || (head->flags & ~RV_CALL_FLAGS) != 0 ||
	    head->n_args > (head->length - RV_CALL_BYTES) / RV_VALUE_BYTES) {
		return false;
	}
	c->at += RV_CALL_BYTES;
	c->left -= RV_CALL_BYTES;
	return true;
}

bool
rv_wire_get_answer(struct rv_cursor *c, struct rv_answer_head *head)
{
	const unsigned char *at = c->at;

	if (c->left < RV_ANSWER_BYTES ||
	    !is_length(get32(at), RV_ANSWER_BYTES, c->left)) {
		return false;
	}
	head->length = get32(at);
	head->id = get32(at + 4);
	head->status = (int32_t)get32(at + 8);
	head->n_values = get32(at + 12);
	if (head->n_values >
	    (head->length - RV_ANSWER_BYTES) / RV_VALUE_BYTES) {
		return false;
	}
	c->at += RV_ANSWER_BYTES;
	c->left -= RV_ANSWER_BYTES;
	return true;
}

/*
 * Zeros behind data: to a multiple of eight, and one at least, so that in
 * memory it is a string.
 */
static size_t
padding(size_t length)
{
	return 8 - length % 8;
}

/* Of numbers, by their type. */
static bool
get_number(const unsigned char *at, struct reeve_datum *value)
{
	uint64_t n = get64(at);

	value->is.integer = (int64_t)n;
	return value->type != REEVE_DATUM_BOOL || n <= 1;
}

static bool
get_data(const unsigned char *at, struct reeve_datum *value)
{
	static const unsigned char zeros[8] = { 0 };

	if (memcmp(at + value->length, zeros, padding(value->length)) != 0) {
		return false;
	}
	value->data = at;
	value->is.integer = 0;
	if (value->type == REEVE_DATUM_REFERENCE) {
		value->is.reference.object = get32(at);
		value->is.reference.generation = get32(at + 4);
		value->data = at + 8;
		value->length -= 8;
	}
	return true;
}

bool
rv_wire_get_value(struct rv_cursor *c, struct reeve_datum *value)
{
	size_t whole = RV_VALUE_BYTES;

	if (c->left < whole) {
		return false;
	}
	value->type = get32(c->at);
	value->length = get32(c->at + 4);
	value->data = NULL;
	value->is.integer = 0;
	if (value->type == REEVE_DATUM_NULL) {
		if (value->length != 0) {
			return false;
		}
	} else if (value->type < REEVE_DATUM_BYTES) {
		whole += 8;
		if (value->length != 8 || c->left < whole ||
		    !get_number(c->at + 8, value)) {
			return false;
		}
		value->length = 0;
	} else {
		whole += (size_t)value->length + padding(value->length);
		if (value->type > REEVE_DATUM_REFERENCE ||
		    value->length > RV_VALUE_MAX || c->left < whole ||
		    (value->type == REEVE_DATUM_REFERENCE &&
			value->length < 8) ||
		    !get_data(c->at + RV_VALUE_BYTES, value)) {
			return false;
		}
	}
	c->at += whole;
	c->left -= whole;
	return true;
}

size_t
rv_wire_put_call(struct rv_buf *out, const struct rv_call_head *head)
{
	unsigned char bytes[RV_CALL_BYTES];
	size_t begin = out->len;

	put32(bytes, RV_CALL_BYTES);
	put32(bytes + 4, head->id);
	put32(bytes + 8, head->object);
	put32(bytes + 12, head->generation);
	put16(bytes + 16, head->method);
	put16(bytes + 18, head->flags);
	put32(bytes + 20, head->n_args);
	put32(bytes + 24, head->owner);
	put32(bytes + 28, 0);
	put64(bytes + 32, (uint64_t)head->timeout);
	rv_buf_add(out, bytes, sizeof(bytes));
	return begin;
}

size_t
rv_wire_put_answer(struct rv_buf *out, uint32_t id)
{
	unsigned char bytes[RV_ANSWER_BYTES] = { 0 };
	size_t begin = out->len;

	put32(bytes, RV_ANSWER_BYTES);
	put32(bytes + 4, id);
	rv_buf_add(out, bytes, sizeof(bytes));
	return begin;
}

void
rv_wire_put_before(struct rv_buf *out, const struct reeve_datum *value)
{
	unsigned char bytes[RV_VALUE_BYTES + 8] = { 0 };
	size_t head = RV_VALUE_BYTES, length = value->length;

	if (value->type == REEVE_DATUM_REFERENCE) {
		put32(bytes + 8, value->is.reference.object);
		put32(bytes + 12, value->is.reference.generation);
		head += 8;
		length += 8;
	}
	put32(bytes, value->type);
	put32(bytes + 4, (uint32_t)length);
	rv_buf_add(out, bytes, head);
}

void
rv_wire_put_behind(struct rv_buf *out, const struct reeve_datum *value)
{
	static const unsigned char zeros[8] = { 0 };

	/* that a reference is longer by eight changes nothing */
	rv_buf_add(out, zeros, padding(value->length));
}

void
rv_wire_put_value(struct rv_buf *out, const struct reeve_datum *value)
{
	unsigned char bytes[RV_VALUE_BYTES + 8] = { 0 };

	if (value->type >= REEVE_DATUM_BYTES) {
		rv_wire_put_before(out, value);
		if (value->length > 0) {
			rv_buf_add(out, value->data, value->length);
		}
		rv_wire_put_behind(out, value);
		return;
	}
	put32(bytes, value->type);
	if (value->type != REEVE_DATUM_NULL) {
		put32(bytes + 4, 8);
		put64(bytes + 8, (uint64_t)value->is.integer);
	}
	rv_buf_add(out, bytes,
	    value->type == REEVE_DATUM_NULL ? RV_VALUE_BYTES : sizeof(bytes));
}

void
rv_wire_end_call(struct rv_buf *out, size_t begin)
{
	if (!out->failed) {
		put32((unsigned char *)out->data + begin,
		    (uint32_t)(out->len - begin));
	}
}

void
rv_wire_set_id(unsigned char *call, uint32_t id)
{
	put32(call + 4, id);
}

void
rv_wire_end_answer(
    struct rv_buf *out, size_t begin, int32_t status, uint32_t n_values)
{
	if (!out->failed) {
		unsigned char *at = (unsigned char *)out->data + begin;

		put32(at, (uint32_t)(out->len - begin));
		put32(at + 8, (uint32_t)status);
		put32(at + 12, n_values);
	}
}

bool
rv_datum_equal(const struct reeve_datum *a, const struct reeve_datum *b)
{
	if (a->type != b->type) {
		return false;
	}
	if (rv_datum_has_data(a->type)) {
		return a->length == b->length &&
		       (a->length == 0 ||
			   memcmp(a->data, b->data, a->length) == 0);
	}
	return a->type == REEVE_DATUM_NULL || a->is.integer == b->is.integer;
}
