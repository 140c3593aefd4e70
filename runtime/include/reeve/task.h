/* SPDX-License-Identifier: MIT */
/*
 * What a function does that runs as a task of a pool (pool.h): it is called
 * with its arguments as every function is (function.h), and answers.
 *
 *	static int cube(const struct reeve_call *call)
 *	{
 *		double x;
 *
 *		if (call->args_len != sizeof(x))
 *			return reeve_fail(call, "cube.Size", "not a number");
 *		memcpy(&x, call->args, sizeof(x));
 *		x = x * x * x;
 *		return reeve_return(call, &x, sizeof(x));
 *	}
 *	REEVE_FUNCTION("cube", cube);
 *
 * The task is done well when the function returns 0, and its result is the last
 * that reeve_return was given (empty without one). It has failed when it
 * returns anything else: with what reeve_fail said, or with that number. Either
 * way the worker goes on with its next task.
 *
 * A function that ends its process (exit, reeve_raise, abort, a crash) ends the
 * worker, too: the task has failed for that reason, and no other task has. So
 * does one that ends its thread (pthread_exit: "reeve.ThreadExit").
 *
 * Arguments are read where they came: they may not be written to, and are gone
 * when the function returns. What the function changes of its process is there
 * for the next task: directory, environment, handlers, memory, threads (pools
 * with `max_tasks` 1 have none of that). Only the mask of signals is put back,
 * when the worker has nothing to do. A worker ignores SIGINT; asked to stop
 * (SIGTERM) it ends behind the task that runs, which goes on, but for blocking
 * calls that return EINTR once.
 *
 * A limit of a task ends in the pool's soft signal (SIGUSR1): blocking calls
 * return EINTR, and reeve_task_is_overdue says so, if it is to be asked for. A
 * function may have a handler of its own. The signal may come late, to the next
 * task of the worker: ask. A function that is stopped (SIGSTOP) runs, for all
 * that is known, and its hard limit ends it.
 *
 * A process that the function forks has no part in the pool: it cannot answer
 * (REEVE_ENORUNTIME), ends when it returns from the function (with that code,
 * by _exit), and is killed with its worker, unless it leaves its group.
 * Children by exec inherit nothing of it. Where a function closes descriptors
 * that are not its own, or writes over memory that is not, its worker is
 * killed; the task that ran has failed for that, unless its result was there.
 *
 * All inline, so that modules need no library for it. In a function that runs
 * as a process of its own there is nobody to answer: REEVE_ENORUNTIME.
 */
#ifndef REEVE_TASK_H
#define REEVE_TASK_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <reeve/function.h>
#include <reeve/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum reeve_answer_flags {
	REEVE_ANSWER_JSON = 1, /* the result is a JSON text */
};

/* Where answers go; made by the pool's worker, used through the functions. */
struct reeve_answer {
	size_t size;
	void *ctx;
	enum reeve_status (*give)(
	    void *ctx, const void *data, size_t length, uint32_t flags);
	enum reeve_status (*room)(void *ctx, size_t length, void **at);
	void (*fail)(void *ctx, const char *type, const char *message);
	int (*overdue)(void *ctx);
	uint32_t attempt;  /* 1: the first try of this task */
	uint64_t deadline; /* monotonic ns of its soft limit; UINT64_MAX */
};

/*
 * The result: copied, so that it may be the function's own memory. 0 when it
 * was taken, so that it can end the function; else nonzero (there is nobody to
 * answer, or no memory).
 */
static inline int
reeve_return(const struct reeve_call *call, const void *data, size_t length)
{
	return !call->answer || call->answer->give(call->answer->ctx, data,
				    length, 0) != REEVE_OK;
}

/* The same, of a JSON text. */
static inline int
reeve_return_json(const struct reeve_call *call, const char *text)
{
	size_t length = 0;

	while (text[length] != '\0') {
		length++;
	}
	return !call->answer || call->answer->give(call->answer->ctx, text,
				    length, REEVE_ANSWER_JSON) != REEVE_OK;
}

/*
 * Memory for the result, zeroed, to be written in place before the function
 * returns: the way for large ones, which are not copied then. Once a task.
 */
static inline enum reeve_status
reeve_return_room(const struct reeve_call *call, size_t length, void **at)
{
	return call->answer ? call->answer->room(call->answer->ctx, length, at)
			    : REEVE_ENORUNTIME;
}

/* Say why it failed: printf-like, at most 1 KiB. Always nonzero. */
static inline int reeve_fail(const struct reeve_call *call, const char *type,
    const char *fmt, ...) REEVE_FORMAT(3, 4);
static inline int
reeve_fail(
    const struct reeve_call *call, const char *type, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (call->answer) {
		call->answer->fail(call->answer->ctx, type, text);
	}
	return 1;
}

/* Which try of the task this is, from 1. */
static inline uint32_t
reeve_task_attempt(const struct reeve_call *call)
{
	return call->answer ? call->answer->attempt : 1;
}

/*
 * Whether its soft limit is over. A read of the clock; false where it has none.
 */
static inline int
reeve_task_is_overdue(const struct reeve_call *call)
{
	return call->answer && call->answer->overdue(call->answer->ctx);
}

#ifdef __cplusplus
}
#endif

#endif
