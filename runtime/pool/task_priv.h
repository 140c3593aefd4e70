/* SPDX-License-Identifier: MIT */
/*
 * The inside of a pool's worker, of the files task_*.c: one struct, in the
 * process that runs tasks. Its host's view of the same is elsewhere.
 */
#ifndef RV_POOL_TASK_PRIV_H
#define RV_POOL_TASK_PRIV_H

#include <signal.h>

#include <reeve/function.h>
#include <reeve/task.h>

#include "pool/door.h"
#include "pool/lane.h"

#define RV_TASK_TYPE    128 /* bytes of reeve_fail's type, with the NUL */
#define RV_TASK_MESSAGE 1024

/* By its number in frames; found when the first task wants it. */
struct rv_task_function {
	char *name; /* NULL: no such number */
	reeve_function_fn *fn;
	char why[256]; /* it cannot be had */
};

/* A large payload: a file, and where it is mapped. */
struct rv_task_file {
	int fd; /* -1: none */
	void *at;
	uint64_t size; /* without the byte behind */
};

/* What the present function has said so far; nobody sees it before it ends. */
struct rv_task_answer {
	bool given, failed, json, roomed;
	uint32_t length;          /* of what is in the ring */
	struct rv_task_file file; /* in place of that */
	char type[RV_TASK_TYPE], message[RV_TASK_MESSAGE];
};

/* The chunk that is run; count 0: none. */
struct rv_task_chunk {
	uint32_t item, count; /* the one that runs, from 1; of how many */
	uint32_t used, room;  /* bytes of the open frame of RESULTS */
	bool mixed;           /* answers differ, so that each has a head */
	uint64_t even_took;   /* ns, of those in a frame that is EVEN */
	uint32_t since_clock; /* items since the clock was read */
	uint32_t until_clock; /* so many, then it is read */
	rv_time wake_at;      /* answers may be that old */
	rv_time read_at;      /* the clock was read */
};

struct rv_task_worker {
	struct rv_lane_pair lane;
	struct rv_lane_host page;
	int pair;
	const char *path; /* of the unit */
	uint64_t max_memory;
	rv_time memory_at; /* was looked at */
	bool fat;
	int soft_signal;
	bool comes_in;               /* its initializer runs */
	volatile sig_atomic_t asked; /* to stop: not 0 */
	sigset_t mask;               /* as it was when the process came to us */
	unsigned untold;   /* results that the host was not woken for ... */
	rv_time untold_at; /* since then */
	rv_time nap;       /* how long it sleeps before it looks around */
	uint32_t *here;    /* not 0 in this process, 0 in what it forks */
	unsigned looks;    /* before it sleeps */
	struct rv_task_function *functions;
	size_t n_functions;
	uint64_t id;            /* of the task that runs */
	rv_time now;            /* as last read */
	struct rv_frame *frame; /* open in the ring of results, or NULL */
	struct rv_task_answer said;
	struct rv_task_chunk chunk;
	struct reeve_answer answer;
};

/* -------- the door: task_door.c -------- */

/* Come in: lane, pair, page. *init is the initializer's file, fd -1: none; its
 * first args_length bytes behind the name are arguments. */
enum reeve_status rv_task_enter(struct rv_task_worker *, const char *pool,
    struct rv_door_welcome *, struct rv_task_file *init,
    struct reeve_error *) RV_MUST_CHECK;
/* Over the pair. False: errno. */
bool rv_task_say(struct rv_task_worker *, const struct rv_door_say *, int fd);
/* The next large payload, mapped. */
bool rv_task_fetch(
    struct rv_task_worker *, uint64_t size, struct rv_task_file *);
/* A file of memory for a result, mapped for writing. */
bool rv_task_file_make(struct rv_task_file *, uint64_t size);
void rv_task_file_close(struct rv_task_file *);
/* The host has gone, or the pair has; within so many ms, or a signal. */
bool rv_task_is_alone(const struct rv_task_worker *, int ms);

/* -------- answers: task_answer.c -------- */

/* How functions reach us. */
void rv_task_answer_init(struct rv_task_worker *);
/* For the next call of a function: nothing is said yet. */
static inline void
rv_task_answer_begin(struct rv_task_worker *w)
{
	struct rv_task_answer *said = &w->said;

	said->given = said->failed = said->json = said->roomed = false;
	said->length = 0;
}
/* It returned this: commit what it said, of a task or of a chunk's item. */
void rv_task_answer_end(struct rv_task_worker *, int code, uint64_t took);
/* What is committed is for the host to see now. */
void rv_task_flush(struct rv_task_worker *);
/* A task that could not be run. */
void rv_task_refuse(
    struct rv_task_worker *, const char *type, const char *message);

/* -------- running: task_run.c -------- */

/* A FUNCTION frame. */
void rv_task_learn(
    struct rv_task_worker *, const struct rv_frame *, const void *name);
/* A TASK or CHUNK that has begun. */
void rv_task_run(
    struct rv_task_worker *, const struct rv_frame *, const void *payload);

/* Ends the process: the host has gone, or nothing can be told to it. */
RV_NORETURN void rv_task_leave(struct rv_task_worker *);

#endif
