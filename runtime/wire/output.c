/* SPDX-License-Identifier: MIT */
/*
 * Encoding and decoding of the frames between launcher and clerk: see
 * output.h. Pure; the decoder trusts nothing (fuzzed).
 */
#include "config.h"

#include "wire/output.h"

static struct rv_pack
begin(void *frame, size_t size, enum rv_output_op op)
{
	struct rv_pack pack;

	rv_pack_init(&pack, frame, size);
	rv_pack_u32(&pack, op);
	return pack;
}

static size_t
finish(const struct rv_pack *pack)
{
	return pack->failed ? 0 : pack->len;
}

size_t
rv_output_hello(void *frame, size_t size)
{
	struct rv_pack pack = begin(frame, size, RV_OUTPUT_HELLO);

	rv_pack_u32(&pack, RV_OUTPUT_MAGIC);
	rv_pack_u32(&pack, RV_OUTPUT_VERSION);
	return finish(&pack);
}

static void
pack_log(struct rv_pack *pack, const struct rv_output_log *log)
{
	rv_pack_str(pack, log->path);
	rv_pack_u64(pack, log->max_bytes);
	rv_pack_u32(pack, log->backups);
}

size_t
rv_output_encode(void *frame, size_t size, enum rv_output_op op,
    const struct rv_output *output)
{
	struct rv_pack pack = begin(frame, size, op);

	rv_pack_u64(&pack, output->life);
	rv_pack_i32(&pack, output->pid);
	rv_pack_u32(&pack, output->streams);
	rv_pack_u32(&pack, output->merged);
	rv_pack_u32(&pack, output->uid);
	rv_pack_u32(&pack, output->gid);
	rv_pack_str(&pack, output->path);
	pack_log(&pack, &output->out);
	pack_log(&pack, &output->err);
	return finish(&pack);
}

size_t
rv_output_ended(void *frame, size_t size, uint64_t life)
{
	struct rv_pack pack = begin(frame, size, RV_OUTPUT_ENDED);

	rv_pack_u64(&pack, life);
	return finish(&pack);
}

size_t
rv_output_done(void *frame, size_t size, uint64_t life, uint32_t streams)
{
	struct rv_pack pack = begin(frame, size, RV_OUTPUT_DONE);

	rv_pack_u64(&pack, life);
	rv_pack_u32(&pack, streams);
	return finish(&pack);
}

size_t
rv_output_bare(void *frame, size_t size, enum rv_output_op op)
{
	struct rv_pack pack = begin(frame, size, op);

	return finish(&pack);
}

unsigned
rv_output_fds(uint32_t streams)
{
	unsigned n = 0;

	for (; streams != 0; streams &= streams - 1) {
		n++;
	}
	return n;
}

static bool
unpack_log(struct rv_unpack *unpack, struct rv_output_log *log, bool wanted)
{
	log->path = rv_unpack_str(unpack);
	log->max_bytes = rv_unpack_u64(unpack);
	log->backups = rv_unpack_u32(unpack);
	return !wanted || (log->path != NULL && log->path[0] == '/');
}

static bool
unpack_output(struct rv_unpack *unpack, struct rv_output *out, unsigned n_fds)
{
	uint32_t merged;
	bool ok;

	out->life = rv_unpack_u64(unpack);
	out->pid = rv_unpack_i32(unpack);
	out->streams = rv_unpack_u32(unpack);
	merged = rv_unpack_u32(unpack);
	out->merged = merged != 0;
	out->uid = rv_unpack_u32(unpack);
	out->gid = rv_unpack_u32(unpack);
	out->path = rv_unpack_text(unpack);
	ok = unpack_log(unpack, &out->out, out->streams & RV_OUTPUT_STDOUT);
	ok = unpack_log(unpack, &out->err, out->streams & RV_OUTPUT_STDERR) &&
	     ok;
	return ok && merged <= 1 && out->streams >= 1 &&
	       out->streams < 1u << RV_OUTPUT_FDS &&
	       n_fds == rv_output_fds(out->streams);
}

bool
rv_output_decode(
    const void *data, size_t len, unsigned n_fds, struct rv_output_frame *frame)
{
	struct rv_unpack unpack;
	bool ok = n_fds == 0;

	*frame = (struct rv_output_frame){ 0 };
	rv_unpack_init(&unpack, data, len);
	frame->op = (enum rv_output_op)rv_unpack_u32(&unpack);
	switch (frame->op) {
	case RV_OUTPUT_HELLO:
		ok = ok && rv_unpack_u32(&unpack) == RV_OUTPUT_MAGIC;
		frame->version = rv_unpack_u32(&unpack);
		break;
	case RV_OUTPUT_DONE:
		frame->life = rv_unpack_u64(&unpack);
		frame->streams = rv_unpack_u32(&unpack);
		break;
	case RV_OUTPUT_ENDED:
		frame->life = rv_unpack_u64(&unpack);
		break;
	case RV_OUTPUT_CATCH_UP:
	case RV_OUTPUT_CAUGHT_UP:
	case RV_OUTPUT_HAD:
		break;
	case RV_OUTPUT_OPEN:
	case RV_OUTPUT_HAVE:
		ok = unpack_output(&unpack, &frame->output, n_fds);
		break;
	default:
		ok = false;
	}
	return ok && rv_unpack_done(&unpack);
}

const char *
rv_output_op_name(unsigned op)
{
	switch (op) {
#define X(symbol, number, name, from, doc) \
	case number:                       \
		return name;
#include "wire/output.def"
#undef X
	default:
		return NULL;
	}
}
