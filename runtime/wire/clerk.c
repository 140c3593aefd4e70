/* SPDX-License-Identifier: MIT */
/*
 * Encoding and decoding of the frames between supervisor and clerk: see
 * clerk.h. Pure; the decoder trusts nothing (fuzzed).
 */
#include "config.h"

#include "wire/clerk.h"

#include <string.h>

#define STRAY_SIZE 20 /* bytes, packed */

static void
pack_start(struct rv_pack *pack, const struct rv_clerk_conf *conf)
{
	rv_pack_u32(pack, RV_CLERK_MAGIC);
	rv_pack_u32(pack, conf->version);
	rv_pack_i64(pack, conf->retain);
	rv_pack_u64(pack, conf->max_size);
	rv_pack_u32(pack, conf->output_tail);
	rv_pack_i64(pack, conf->output_stall);
}

static bool
unpack_start(struct rv_unpack *unpack, struct rv_clerk_conf *conf)
{
	bool ok = rv_unpack_u32(unpack) == RV_CLERK_MAGIC;

	conf->version = rv_unpack_u32(unpack);
	conf->retain = rv_unpack_i64(unpack);
	conf->max_size = rv_unpack_u64(unpack);
	conf->output_tail = rv_unpack_u32(unpack);
	conf->output_stall = rv_unpack_i64(unpack);
	return ok && conf->retain >= 0 && conf->output_stall >= 0;
}

static void
pack_strays(
    struct rv_pack *pack, const struct rv_clerk_stray *strays, uint32_t n)
{
	rv_pack_u32(pack, n);
	for (uint32_t i = 0; i < n; i++) {
		rv_pack_u64(pack, strays[i].life);
		rv_pack_u64(pack, strays[i].start_ticks);
		rv_pack_i32(pack, strays[i].pid);
	}
}

static bool
unpack_strays(struct rv_unpack *unpack, struct rv_clerk_frame *frame)
{
	size_t left;

	frame->n_strays = rv_unpack_u32(unpack);
	frame->strays = unpack->at;
	left = (size_t)(unpack->end - unpack->at);
	if (unpack->failed || frame->n_strays > RV_CLERK_STRAYS_MAX ||
	    left != (size_t)frame->n_strays * STRAY_SIZE) {
		frame->n_strays = 0;
		return false;
	}
	unpack->at = unpack->end;
	return true;
}

struct rv_clerk_stray
rv_clerk_stray_at(const struct rv_clerk_frame *frame, uint32_t i)
{
	struct rv_clerk_stray stray;
	struct rv_unpack unpack;

	RV_ASSERT(i < frame->n_strays);
	rv_unpack_init(&unpack,
	    (const char *)frame->strays + (size_t)i * STRAY_SIZE, STRAY_SIZE);
	stray.life = rv_unpack_u64(&unpack);
	stray.start_ticks = rv_unpack_u64(&unpack);
	stray.pid = rv_unpack_i32(&unpack);
	return stray;
}

static void
pack_disk(struct rv_pack *pack, const struct rv_clerk_frame *frame)
{
	rv_pack_u32(pack, frame->ok);
	rv_pack_str(pack, frame->what);
	rv_pack_str(pack, frame->path);
	rv_pack_str(pack, frame->reason);
}

static bool
unpack_bool(struct rv_unpack *unpack, bool *value)
{
	uint32_t number = rv_unpack_u32(unpack);

	*value = number == 1;
	return number <= 1;
}

static bool
unpack_disk(struct rv_unpack *unpack, struct rv_clerk_frame *frame)
{
	bool ok = unpack_bool(unpack, &frame->ok);

	frame->what = rv_unpack_text(unpack);
	frame->path = rv_unpack_text(unpack);
	frame->reason = rv_unpack_text(unpack);
	return ok;
}

static void
pack_dropped(struct rv_pack *pack, const struct rv_clerk_frame *frame)
{
	rv_pack_u64(pack, frame->life);
	rv_pack_str(pack, frame->path);
	rv_pack_u32(pack, frame->is_stderr);
	rv_pack_u64(pack, frame->bytes);
	rv_pack_i64(pack, frame->first_us);
	rv_pack_i64(pack, frame->last_us);
}

static bool
unpack_dropped(struct rv_unpack *unpack, struct rv_clerk_frame *frame)
{
	bool ok;

	frame->life = rv_unpack_u64(unpack);
	frame->path = rv_unpack_text(unpack);
	ok = unpack_bool(unpack, &frame->is_stderr);
	frame->bytes = rv_unpack_u64(unpack);
	frame->first_us = rv_unpack_i64(unpack);
	frame->last_us = rv_unpack_i64(unpack);
	return ok;
}

size_t
rv_clerk_encode(void *data, size_t size, const struct rv_clerk_frame *frame,
    const struct rv_clerk_stray *strays)
{
	struct rv_pack pack;

	rv_pack_init(&pack, data, size);
	rv_pack_u32(&pack, frame->op);
	switch (frame->op) {
	case RV_CLERK_START:
		pack_start(&pack, &frame->conf);
		break;
	case RV_CLERK_READY:
		rv_pack_u64(&pack, frame->next_event);
		rv_pack_u64(&pack, frame->next_life);
		rv_pack_u32(&pack, frame->rings_drained);
		pack_strays(&pack, strays, frame->n_strays);
		break;
	case RV_CLERK_STRAYS:
		pack_strays(&pack, strays, frame->n_strays);
		break;
	case RV_CLERK_SYNC:
	case RV_CLERK_SYNCED:
		rv_pack_u64(&pack, frame->token);
		break;
	case RV_CLERK_DISK:
		pack_disk(&pack, frame);
		break;
	case RV_CLERK_DROPPED:
		pack_dropped(&pack, frame);
		break;
	case RV_CLERK_WANT_LAUNCHER:
	case RV_CLERK_LAUNCHER:
	case RV_CLERK_CLOSE:
		break;
	}
	return pack.failed ? 0 : pack.len;
}

static unsigned
fds_of(enum rv_clerk_op op)
{
	switch (op) {
	case RV_CLERK_START:
		return 2;
	case RV_CLERK_LAUNCHER:
		return 1;
	default:
		return 0;
	}
}

bool
rv_clerk_decode(
    const void *data, size_t len, unsigned n_fds, struct rv_clerk_frame *frame)
{
	struct rv_unpack unpack;
	bool ok = true;

	memset(frame, 0, sizeof(*frame));
	rv_unpack_init(&unpack, data, len);
	frame->op = (enum rv_clerk_op)rv_unpack_u32(&unpack);
	switch (frame->op) {
	case RV_CLERK_START:
		ok = unpack_start(&unpack, &frame->conf);
		break;
	case RV_CLERK_READY:
		frame->next_event = rv_unpack_u64(&unpack);
		frame->next_life = rv_unpack_u64(&unpack);
		frame->rings_drained = rv_unpack_u32(&unpack);
		ok = unpack_strays(&unpack, frame);
		break;
	case RV_CLERK_STRAYS:
		ok = unpack_strays(&unpack, frame);
		break;
	case RV_CLERK_SYNC:
	case RV_CLERK_SYNCED:
		frame->token = rv_unpack_u64(&unpack);
		break;
	case RV_CLERK_DISK:
		ok = unpack_disk(&unpack, frame);
		break;
	case RV_CLERK_DROPPED:
		ok = unpack_dropped(&unpack, frame);
		break;
	case RV_CLERK_WANT_LAUNCHER:
	case RV_CLERK_LAUNCHER:
	case RV_CLERK_CLOSE:
		break;
	default:
		ok = false;
	}
	return ok && n_fds == fds_of(frame->op) && rv_unpack_done(&unpack);
}

const char *
rv_clerk_op_name(unsigned op)
{
	switch (op) {
#define X(symbol, number, name, from, doc) \
	case number:                       \
		return name;
#include "wire/clerk.def"
#undef X
	default:
		return NULL;
	}
}
