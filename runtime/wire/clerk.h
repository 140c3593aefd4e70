/* SPDX-License-Identifier: MIT */
/*
 * The protocol between the supervisor and its clerk: one frame a packet, the
 * number of the operation first. Encoding and decoding only. Records do not
 * travel here but through the ring, whose descriptor comes with START.
 */
#ifndef RV_WIRE_CLERK_H
#define RV_WIRE_CLERK_H

#include <sys/types.h>

#include "base/time.h"
#include "wire/pack.h"
#include "wire/packet.h"

#define RV_CLERK_MAGIC      0x5276436cu
#define RV_CLERK_VERSION    2u
#define RV_CLERK_FRAME_MAX  (32 * 1024) /* bytes */
#define RV_CLERK_STRAYS_MAX 1024        /* of one frame */

enum rv_clerk_op {
#define X(symbol, number, name, from, doc) RV_CLERK_##symbol = number,
#include "wire/clerk.def"
#undef X
};

/* START, with two descriptors: the ring file, the eventfd. */
struct rv_clerk_conf {
	uint32_t version;
	rv_time retain;
	uint64_t max_size;
	uint32_t output_tail; /* bytes */
	rv_time output_stall;
};

struct rv_clerk_stray {
	uint64_t life;
	int32_t pid;
	uint64_t start_ticks;
};

/* A decoded frame; which members count is said by op. */
struct rv_clerk_frame {
	enum rv_clerk_op op;
	struct rv_clerk_conf conf;        /* START */
	uint64_t next_event, next_life;   /* READY */
	uint32_t rings_drained;           /* READY */
	uint32_t n_strays;                /* READY, STRAYS; of `strays` */
	const void *strays;               /* packed; see rv_clerk_stray_at */
	uint64_t token;                   /* SYNC, SYNCED */
	bool ok;                          /* DISK */
	const char *what, *path, *reason; /* DISK; borrowed from the frame */
	/* DROPPED, with path: of the unit whose life it was */
	uint64_t life, bytes;
	bool is_stderr;
	int64_t first_us, last_us;
};

/*
 * The length, or 0 when it does not fit in size. Of READY and STRAYS, `strays`
 * is the array to be packed.
 */
size_t rv_clerk_encode(void *frame, size_t size, const struct rv_clerk_frame *,
    const struct rv_clerk_stray *strays);

/*
 * False for anything that is not exactly one frame. n_fds: how many came with
 * it, which must fit.
 */
bool rv_clerk_decode(
    const void *frame, size_t len, unsigned n_fds, struct rv_clerk_frame *);

/* The i-th of a decoded frame's strays. */
struct rv_clerk_stray rv_clerk_stray_at(
    const struct rv_clerk_frame *, uint32_t i);

/* "start"; NULL for a number that is none of ours. */
const char *rv_clerk_op_name(unsigned op);

#endif
