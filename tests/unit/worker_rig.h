/* SPDX-License-Identifier: MIT */
/*
 * A host of one worker of a pool, as small as can be: its process is a fork of
 * the test, with a door as its supervisor would have given it.
 */
#ifndef RV_TESTS_WORKER_RIG_H
#define RV_TESTS_WORKER_RIG_H

#include <sys/types.h>

#include "pool/door.h"
#include "pool/lane.h"

struct worker_rig {
	pid_t pid;
	int pair, status; /* status: once it was waited for */
	struct rv_lane_host page;
	struct rv_lane_pair lane;
	struct rv_door_hello hello;
};

/* What the worker is told; zero is nothing. */
struct worker_wants {
	const char *initializer;
	const char *args;
	uint64_t max_memory;
	uint32_t version; /* 0: the right one */
	bool no_ready;    /* it will not come so far */
};

/* Until it is ready. */
void worker_start(struct worker_rig *, const struct worker_wants *);
/* It was told to end, or has; its exit status is `status`. */
void worker_await(struct worker_rig *);
/* END, and that; then all is closed. True: it exited with 0. */
bool worker_finish(struct worker_rig *);
/* Killed, if it lives; closed. */
void worker_drop(struct worker_rig *);

/* A name for a number. */
void worker_teach(struct worker_rig *, uint16_t number, const char *name);
/* In one frame; wakes it. Where it lies. */
uint64_t worker_put(struct worker_rig *, const struct rv_frame *head,
    const void *data, uint32_t length);
/* A task of function `number`. */
uint64_t worker_task(struct worker_rig *, uint16_t number, uint64_t id,
    const void *data, uint32_t length);
/* A large one. */
void worker_large(
    struct worker_rig *, uint16_t number, uint64_t id, uint64_t size);

/* The next frame, asleep in between; false: none in five seconds, or it hung
 * up. Drop it. */
bool worker_next(
    struct worker_rig *, struct rv_frame *head, const void **payload);
void worker_done(struct worker_rig *);
/* What came beside it: a file. -1. */
int worker_file(struct worker_rig *, uint64_t size);

/* n times that, and a NUL behind. */
bool worker_is_all(const char *at, size_t n, char c);
/* The payload that came, in the ring or beside it, is n times this. */
bool worker_came(struct worker_rig *, const struct rv_frame *,
    const void *payload, size_t n, char c);

#endif
