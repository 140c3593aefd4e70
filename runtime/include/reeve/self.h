/* SPDX-License-Identifier: MIT */
/*
 * What a process that was started through process.h knows of itself: who it
 * is, who its parent is and whether that lives, what it was given; and how it
 * tells its parent a line of log. Part of libreeve-child (libc only; libreeve
 * contains it, too), so that a worker links no more than it needs.
 *
 *	static int copy(const struct reeve_call *call)
 *	{
 *		struct reeve_conn *out;
 *
 *		if (reeve_conn_given(&out, "out", NULL) != REEVE_OK)
 *			reeve_raise("copy.Nothing", "no place to write to");
 *		reeve_say(REEVE_SAY_INFO, "copying %s", (char *)call->args);
 *		...
 *
 * Everything here may be called from any thread, nothing from a signal
 * handler. In a process that nobody started in that way it is harmless:
 * REEVE_ENORUNTIME, and lines go to standard error.
 */
#ifndef REEVE_SELF_H
#define REEVE_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reeve/function.h>
#include <reeve/share.h>
#include <reeve/status.h>
#include <reeve/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -------- who it is -------- */

/* Strings stay valid for the life of the process. */
struct reeve_self {
	size_t size;      /* sizeof(struct reeve_self) */
	const char *name; /* as its creator named it; "main" where none did */
	pid_t pid;
	pid_t parent; /* its creator; 0: it has none */
	int method;   /* enum reeve_method of its start; 0: none */
	bool daemon;
	int log_level;           /* lines below it are not told */
	const char *libexec_dir; /* of its creator's context; "": none */
};

/*
 * Of this process, also of one that nobody started through process.h (name
 * "main", no parent). REEVE_EINVALID: NULL, or a struct of another size.
 */
REEVE_PUBLIC enum reeve_status reeve_self(struct reeve_self *self);

/* -------- its parent -------- */

/*
 * A descriptor that becomes readable when the process that created this one
 * has ended, however it did, and stays so. It is the library's: poll it, do
 * not read or close it. -1: there is no parent. (Its processes are killed soon
 * after it: see process.h. Here is the moment to be quick.)
 */
REEVE_PUBLIC int reeve_parent_fd(void);
/* False: it has ended, or there is none. */
REEVE_PUBLIC bool reeve_parent_alive(void);
/* REEVE_OK: it has ended; REEVE_ETIMEDOUT; REEVE_ENORUNTIME: there is none. */
REEVE_PUBLIC enum reeve_status reeve_parent_wait(int64_t timeout);

/* -------- what it was given -------- */

/*
 * The handle that was given under this name (`gives` of process.h); for objects
 * there are reeve_queue_given and the like (share.h). The handle is the
 * caller's now, who closes it with reeve_handle_close; what nobody asks for
 * stays open to the end of the process. Descriptors are close-on-exec.
 * REEVE_ENOENT: none has this name, or it was taken before. REEVE_ESYS: there
 * was no room for all descriptors that came (errno EMFILE): nothing was given.
 * REEVE_ENORUNTIME: this process was given nothing.
 */
REEVE_PUBLIC enum reeve_status reeve_given(
    const char *name, struct reeve_handle *handle) REEVE_MUST_CHECK;

/* The i-th name that was not taken yet, from 0; NULL behind the last. */
REEVE_PUBLIC const char *reeve_given_name(unsigned i);

/* -------- lines of log -------- */

/* Any number is a level; these are the ones that have names. */
enum reeve_say_level {
	REEVE_SAY_DEBUG = 10,
	REEVE_SAY_INFO = 20,
	REEVE_SAY_WARNING = 30,
	REEVE_SAY_ERROR = 40,
};

#define REEVE_SAY_MAX 32768 /* bytes of a text; what is longer is cut */

/*
 * A record for whoever created this process: printf-like, of one or more
 * lines, whole whatever others say at the same time, and not lost when this
 * process dies right after. It goes to the `said` of that context; where that
 * has none, or the parent is gone, to standard error, as one line in one
 * write: "[INFO/worker] TEXT". A level below the context's is nothing.
 *
 * It waits while the parent is behind by more than its socket holds (some
 * hundred records) and lives. REEVE_EINVALID: no format.
 */
REEVE_PUBLIC enum reeve_status reeve_say(int level, const char *fmt, ...)
    REEVE_FORMAT(2, 3);

/* What this thread is at; told with each record from now on. NULL: nothing. */
REEVE_PUBLIC void reeve_say_task(const char *task);

/* -------- processes with a beginning and an end of their own -------- */

/*
 * What other languages do by a class: the parts of a process that may be
 * overridden, and its own state in between. Each but run may be NULL.
 */
struct reeve_process_ops {
	/* 0, or the exit code at once (run and after are not called then) */
	int (*before)(const struct reeve_call *, void **state);
	int (*run)(const struct reeve_call *, void *state); /* the exit code */
	/* not after exit, reeve_raise or a crash; `code` is what run said */
	void (*after)(const struct reeve_call *, void *state, int code);
};

/* What REEVE_PROCESS registers: run one of them as a function. */
REEVE_PUBLIC int reeve_run_process(
    const struct reeve_process_ops *, const struct reeve_call *);

/*
 * Register ops at file scope as a function of this name:
 *
 *	static const struct reeve_process_ops counter = { open_it, count };
 *	REEVE_PROCESS("app.counter", counter);
 */
#define REEVE_PROCESS(name, ops)                                   \
	static int reeve_process_##ops(const struct reeve_call *c) \
	{                                                          \
		return reeve_run_process(&(ops), c);               \
	}                                                          \
	REEVE_FUNCTION(name, reeve_process_##ops)

#ifdef __cplusplus
}
#endif

#endif
