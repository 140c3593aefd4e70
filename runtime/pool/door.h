/* SPDX-License-Identifier: MIT */
/*
 * What a worker and its host say beside the lane, over sockets that keep
 * packets: how a worker comes (door), and what is too large for a ring or of
 * another kind (the worker's own pair). Everything a worker sends is doubted.
 *
 * 1. The worker takes the listener "POOL.door" (rv_door_name), makes its
 *    lane, with rings of RV_DOOR_RING bytes, and a SEQPACKET pair; sends a
 *    struct rv_door_hello through the door, with two descriptors: the lane's,
 *    and the host's end of the pair.
 * 2. The host knows the process by its credentials and answers over the pair
 *    with a struct rv_door_welcome and its descriptors: the page's, the bell
 *    of this worker, and, where there is an initializer, a sealed file: its
 * name, a NUL, and args_length bytes of arguments, and a NUL.
 * 3. The worker runs the initializer, calls reeve_ready and sends
 *    RV_DOOR_READY. From then on it is given tasks.
 *
 * What is larger than RV_LANE_FRAME_MAX is in a sealed file (size, write) that
 * is sent as RV_DOOR_LARGE, before its frame is committed; files and LARGE
 * frames are in the same order. The file is one byte longer than what is in
 * it, which is the NUL behind.
 *
 * A frame of the host: `code` is which try of the task this is, from 1, and
 * `took` its soft limit in ns, 0 for none. One of the worker: `id` is that of
 * the task, `code` what its function returned, `took` the ns that it took. What
 * a chunk's items return comes in order, as RESULTS of many (rv_answers, or
 * rv_answers_even where they are quick and alike; but see rv_lane_rest for what
 * a dead one had not put yet), or as a RESULT or FAILED with `count` its
 * number, from 1; their wake is for the last of them, and when the host sleeps
 * and RV_DOOR_LATE has passed since the last one.
 * Arguments of items: see rv_chunk. Whether a task has begun the host can see
 * (rv_lane_has_begun); a function that cannot be found is FAILED of type
 * RV_DOOR_NO_FUNCTION for each of its tasks.
 *
 * When the pair hangs up the worker is dead, or a task has closed what is not
 * its own: then the answer of that task may come yet, and the worker ends when
 * it cannot ring, or has nothing to do. So its end is what the runtime says
 * it is; a host that does not want to wait for that kills it.
 */
#ifndef RV_POOL_DOOR_H
#define RV_POOL_DOOR_H

#include <reeve/function.h>

#include "base/base.h"
#include "base/time.h"
#include "pool/lane.h"

#define RV_DOOR_VERSION     1
#define RV_DOOR_MAGIC       0x5276446fu
#define RV_DOOR_FUNCTION    "reeve.pool.worker" /* what workers run */
#define RV_DOOR_NO_FUNCTION "reeve.NoFunction"
#define RV_DOOR_RING        ((size_t)256 * 1024)
#define RV_DOOR_LATE        RV_MS
#define RV_DOOR_PATH        128

/* A flag of frames of the worker, besides enum rv_frame_flags: it has more
 * memory than max_memory of the welcome, and takes no more tasks. */
#define RV_DOOR_FAT 4

/* The arguments (bytes) of the function that workers run: the pool's name. */

/* The listener of a pool, one's own for each: names of listeners have no
 * slashes, so "web/a+b" has "web+sa+pb.door". Room for twice the name, and 6.
 */
static inline void
rv_door_name(char *dst, size_t size, const char *pool)
{
	size_t n = 0;

	for (; *pool != '\0' && n + 1 + sizeof(".door") < size; pool++) {
		if (*pool == '/' || *pool == '+') {
			dst[n++] = '+';
			dst[n++] = *pool == '/' ? 's' : 'p';
		} else {
			dst[n++] = *pool;
		}
	}
	for (const char *s = ".door"; *s != '\0'; s++) {
		dst[n++] = *s;
	}
	dst[n] = '\0';
}

/* The same by its symbol, for programs that find no functions of ours. */
REEVE_PUBLIC int reeve_pool_worker(const struct reeve_call *);

struct rv_door_hello {
	uint32_t magic, version;
	char path[RV_DOOR_PATH]; /* of the unit: "pool.3" */
};

struct rv_door_welcome {
	uint32_t magic, version;
	int32_t soft_signal;
	uint32_t has_initializer; /* then the third descriptor is there */
	uint64_t args_length;
	uint64_t max_memory; /* bytes resident; 0: any */
};

enum rv_door_word {
	RV_DOOR_READY = 1, /* worker: tasks, please */
	RV_DOOR_LARGE,     /* either: with the descriptor of a payload */
};

struct rv_door_say {
	uint32_t magic;
	uint32_t word; /* enum rv_door_word */
	uint64_t size; /* of what is in a LARGE one */
};

#endif
