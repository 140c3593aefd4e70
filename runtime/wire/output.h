/* SPDX-License-Identifier: MIT */
/*
 * The protocol between launcher and clerk: who holds the reading ends of the
 * workers' pipes. Both do, each with descriptors of its own for the same
 * pipes, so that either may die and get them back from the other. So with the
 * notify socket of a life: the launcher reads it, the clerk only holds it.
 *
 *   launcher -> OPEN{life, ...} + fds     for each new life, and for all that
 *                                         are open whenever a clerk connects
 *   launcher -> ENDED{life}               nobody of the life writes any more
 *   clerk    -> DONE{life, streams}       end of file seen, or drained after
 *                                         ENDED: the launcher closes its ends
 *   clerk    -> HAVE{life, ...} + fds     when a launcher connects, for every
 *                                         life that it holds pipes of
 *   clerk    -> HAD                       these were all HAVEs
 *   clerk    -> CATCH_UP, answered by     somebody has ended of whom nothing
 *   launcher -> CAUGHT_UP                 was told: perhaps for want of room
 *
 * A clerk that gets an OPEN for a life it has already closes what came. A
 * launcher answers a HAVE for a life that it does not know with ENDED; it knows
 * what it is to adopt before it hears of a clerk. A notify socket is let go at
 * ENDED without a DONE, and a life that has nothing else is never DONE.
 * Reading ends are blocking when they are made; the clerk changes that.
 */
#ifndef RV_WIRE_OUTPUT_H
#define RV_WIRE_OUTPUT_H

#include <sys/types.h>

#include "wire/pack.h"
#include "wire/packet.h"

#define RV_OUTPUT_MAGIC     0x52764f75u
#define RV_OUTPUT_VERSION   3u
#define RV_OUTPUT_FRAME_MAX (16 * 1024) /* bytes */

enum rv_output_op {
#define X(symbol, number, name, from, doc) RV_OUTPUT_##symbol = number,
#include "wire/output.def"
#undef X
};

#define RV_OUTPUT_STDOUT 1u
#define RV_OUTPUT_STDERR 2u
#define RV_OUTPUT_NOTIFY 4u
#define RV_OUTPUT_PIPES  (RV_OUTPUT_STDOUT | RV_OUTPUT_STDERR)
#define RV_OUTPUT_FDS    3 /* of one life at most, in this order */

struct rv_output_log {
	const char *path;   /* NULL: this stream has no pipe */
	uint64_t max_bytes; /* rotate at; 0 = never */
	uint32_t backups;
};

/* Of OPEN and HAVE. Strings are borrowed from the frame. */
struct rv_output {
	uint64_t life;
	int32_t pid;
	uint32_t streams;  /* RV_OUTPUT_*: one descriptor each, lowest first */
	bool merged;       /* stderr goes into stdout's pipe */
	uint32_t uid, gid; /* who owns the files */
	const char *path;  /* of the unit */
	struct rv_output_log out, err;
};

/* One decoded frame; which members count is said by op. */
struct rv_output_frame {
	enum rv_output_op op;
	uint32_t version;        /* HELLO */
	uint64_t life;           /* ENDED, DONE */
	uint32_t streams;        /* DONE */
	struct rv_output output; /* OPEN, HAVE */
};

/* Each returns the length, or 0 when it does not fit in size. */
size_t rv_output_hello(void *frame, size_t size);
/* op is OPEN or HAVE. */
size_t rv_output_encode(
    void *frame, size_t size, enum rv_output_op op, const struct rv_output *);
size_t rv_output_ended(void *frame, size_t size, uint64_t life);
size_t rv_output_done(
    void *frame, size_t size, uint64_t life, uint32_t streams);

/* CATCH_UP, CAUGHT_UP or HAD. */
size_t rv_output_bare(void *frame, size_t size, enum rv_output_op op);

/* How many descriptors come with these streams. */
unsigned rv_output_fds(uint32_t streams);

/*
 * False for anything that is not exactly one frame. n_fds: how many came with
 * it, which must fit.
 */
bool rv_output_decode(
    const void *frame, size_t len, unsigned n_fds, struct rv_output_frame *);

/* "open"; NULL for a number that is none of ours. */
const char *rv_output_op_name(unsigned op);

#endif
