/* SPDX-License-Identifier: MIT */
/*
 * Items that are done by a function of a module, in the workers of a pool, in
 * the place of commands. map_function.c knows the pool; for everybody else an
 * item is begun here and comes back as map_item_over. For the files of this
 * folder.
 */
#ifndef REEVE_MAP_FUNCTION_H
#define REEVE_MAP_FUNCTION_H

#include <stdbool.h>

struct map_job;
struct map_item;
struct reeve_future;
struct reeve_pool;

#define MAP_WORKERS_MAX 1024u /* of a pool */

struct map_function {
	char *name;              /* "/path/module.so:fn"; NULL: commands */
	struct reeve_pool *pool; /* its workers are units of the job's log */
	bool broken;             /* said */
};

/* What an item's call came to, besides what it answered. */
struct map_call {
	struct map_job *job;
	struct reeve_future *future; /* while it is under way */
	char *how;                   /* in a line; NULL: well */
};

/* 0, or the exit status: said. Tries, in a process of its own, whether there is
 * such a module, and such a function in it. */
int map_function_find(struct map_function *, const char *given);
/* 0, or the exit status: said. The job's log is open. */
int map_function_open(struct map_job *);
/* 0, or the errno of what there was none of. The item has its output. */
int map_function_call(struct map_job *, struct map_item *);
/* Its worker is killed; it comes back as ended. */
void map_function_cancel(struct map_item *);
/* What the pool has to say: to be called when its descriptor is readable. */
void map_function_turn(struct map_job *);
/* Nothing is under way any more. */
void map_function_close(struct map_function *);
void map_function_finish(struct map_function *);
void map_call_finish(struct map_call *);

#endif
