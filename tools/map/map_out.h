/* SPDX-License-Identifier: MIT */
/*
 * Outputs: caught from an item's pipes into memory, and beyond a MiB into a
 * file without a name; then written whole, one item after the other, without
 * ever waiting for who reads them.
 */
#ifndef REEVE_MAP_OUT_H
#define REEVE_MAP_OUT_H

#include "tools/map/map.h"

struct map_capture {
	int fd; /* reading end of the pipe; -1: closed */
	struct map_buf mem;
	int spill; /* what is before mem; -1: nothing */
	uint64_t spilled;
	bool stays; /* no file could be had: all stays in memory */
};

#define MAP_CAPTURE_NONE              \
	{                             \
		.fd = -1, .spill = -1 \
	}

/* False: errno. *end is the writing one, the caller's to close. */
bool map_capture_open(struct map_capture *, int *end);
/* What is there now; false: the end, and the pipe is closed. */
bool map_capture_read(struct map_capture *);
/* All that is there, without waiting for more; then the pipe is closed. */
void map_capture_end(struct map_capture *);
void map_capture_finish(struct map_capture *);
void map_capture_add(struct map_capture *, const void *bytes, size_t len);
uint64_t map_capture_size(const struct map_capture *);
/* Up to size bytes from there on; how many. */
size_t map_capture_get(
    const struct map_capture *, uint64_t from, void *dst, size_t size);
/* Each line gets this in front. */
void map_capture_tag(struct map_capture *, const char *tag, size_t len);
/* Into a file; false: said. */
bool map_capture_keep(const struct map_capture *, const char *path);

/* What an item has to say on 1 and on 2. */
struct map_output {
	struct map_output *next;
	struct map_capture to[2];
	uint64_t number; /* of the item */
};

/* What waits to be written, first come first. */
struct map_outs {
	struct map_output *first, **last;
	unsigned piece;  /* of the first */
	uint64_t at;     /* bytes of that are written */
	bool regular[2]; /* a file: never to be waited for */
	bool closed[2];  /* writing failed: no more */
	bool failed;
	bool broken; /* nobody reads any more */
	uint64_t written;
};

void map_outs_init(struct map_outs *);
/* Owned from here on. */
void map_outs_push(struct map_outs *, struct map_output *take);
/*
 * Write what can be without waiting. The descriptor to wait for, or -1: there
 * is nothing left. *done: so many outputs are gone.
 */
int map_outs_write(struct map_outs *, unsigned *done);
void map_output_free(struct map_output *);

#endif
