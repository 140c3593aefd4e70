/* SPDX-License-Identifier: MIT */
/*
 * What the models of queues share: a queue in memory that is put back with
 * each state, and what takes the place of the kernel for it (queue_scene.c):
 * locks of ipc/robust.h are one step each, bells are words, slots of large
 * items are arrays, and the end of a process is a word that changes. All else
 * is the code of runtime/ipc/queue_*.c.
 */
#ifndef RV_TESTS_QUEUE_SCENE_H
#define RV_TESTS_QUEUE_SCENE_H

#include "ipc/queue_shared.h"
#include "model/model.h"

#define SCENE_ITEMS  8
#define SCENE_LEASES 2
#define SCENE_SLOTS  5
#define SCENE_LEN    16 /* bytes of an item: its tag, and its complement */
#define SCENE_NOBODY MODEL_PROCESSES /* outside of all processes */

/* What queue_watch.c has in the set of a process. */
struct scene_set {
	uint32_t rung;    /* since it looked */
	uint32_t end;     /* the end of putters is in it */
	uint32_t holders; /* 1 << pid */
};

struct queue_scene {
	struct rv_queue_shared shared;
	struct rv_queue_lease leases[SCENE_LEASES];
	unsigned char ring[64], data[SCENE_LEASES][SCENE_LEN];
	_Atomic uint8_t slots[SCENE_SLOTS];
	unsigned char memory[SCENE_SLOTS][SCENE_LEN];
	uint32_t allocated[SCENE_SLOTS];
	uint32_t bell_in, bell_out, no_putters, never;
	struct scene_set sets[MODEL_PROCESSES + 1];
	/* a lock may be held for longer than one has patience: by one stopped
	 */
	uint32_t impatient;
	/* the process's own until it has ended; 1: it came to its end */
	uint32_t alive[MODEL_PROCESSES], finished[MODEL_PROCESSES];
	/* what each process has of the queue in its own memory */
	struct reeve_queue queue[MODEL_PROCESSES + 1];
	struct rv_queue_watch watch[MODEL_PROCESSES + 1][SCENE_LEASES];
	/* what the checks remember: of item i */
	uint32_t begun[SCENE_ITEMS], put[SCENE_ITEMS], got[SCENE_ITEMS];
	uint32_t acking[SCENE_ITEMS], acked[SCENE_ITEMS];
	uint32_t n_getting, fed, getting[MODEL_PROCESSES]; /* for good */
	uint32_t
	    naps[MODEL_PROCESSES + 1]; /* 1 + the head's items at the first */
};

extern struct queue_scene scene;

/* For `start`: empty, with room for so many; items over `large` go by slots. */
void scene_start(uint32_t max_items, uint32_t max_leases, uint32_t large);
/* What polls the set of this process sees now; what sleeps wakes for. */
bool scene_is_readable(unsigned self);
void scene_poll(unsigned self);
/* Put this item, which is always to be possible, in two pieces. */
void scene_put(unsigned self, uint32_t i);
/* It is whole and was put; its number. */
uint32_t scene_check(const void *bytes, size_t len, uint32_t tag);
/* What a get would find in the ring; of those that were given back. */
uint32_t scene_items(void);
uint32_t scene_returned(void);
/* A lease whose holder has ended, however. */
bool scene_has_orphan(void);
/* For `end`, where all are got on leases: what is not done is there. */
void scene_check_done(void);
/*
 * For `end`: get all that is left and could be got, count it in `got`, and see
 * that no memory is lost.
 */
void scene_drain(void);

#endif
