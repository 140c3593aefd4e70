/* SPDX-License-Identifier: MIT */
/*
 * Processes without a supervision tree: start one, give it things, join it,
 * know how it ended. Ten lines:
 *
 *	static int hello(const struct reeve_call *call)
 *	{
 *		return printf("hello %s\n", (const char *)call->args) < 0;
 *	}
 *	REEVE_FUNCTION("hello", hello);
 *
 *	int main(int argc, char **argv)
 *	{
 *		reeve_main(&argc, &argv);
 *		struct reeve_process_options o = { .size = sizeof(o),
 *		    .function = "hello", .bytes = "bob", .n_bytes = 3 };
 *		struct reeve_context *context = NULL;
 *		struct reeve_process *p = NULL;
 *		if (reeve_context_new(&context, NULL, NULL) == REEVE_OK &&
 *		    reeve_process_new(&p, context, &o, NULL) == REEVE_OK &&
 *		    reeve_process_start(p, NULL) == REEVE_OK)
 *			reeve_process_join(p, REEVE_FOREVER, NULL);
 *		reeve_context_free(context);
 *		reeve_process_free(p, false, NULL);
 *	}
 *
 * A context has a start method and a helper of its own (the launcher), which
 * makes, watches and ends its processes: the program keeps its signals, its
 * SIGCHLD, its wait() and its threads. No file is written, nothing is recorded,
 * nothing runs behind the program's back: what became of processes is taken
 * note of in the calls that wait, and in reeve_context_dispatch. There is no
 * end but reeve_context_free: nothing is hung into exit().
 *
 * Whatever happens to this process, its processes do not stay: when it ends
 * without reeve_context_free, even by SIGKILL, they get TERM and, a quarter of
 * a second later, KILL, with all that they have started. Processes may have
 * contexts of their own, daemonic ones too; those end with them.
 *
 * The other side, what the new process knows and was given, is self.h. What
 * processes talk by is in libreeve-ipc: conn.h, queue.h, lock.h, memory.h,
 * bell.h, wait.h. Part of libreeve.
 *
 * Threads: a context and its processes may be used by any threads; one of those
 * that wait runs the loop for all. Callbacks come in the thread that does, one
 * at a time; what waits (start, join, stop, dispatch, reeve_context_end and
 * _free) is REEVE_EBUSY in them. In a process that was forked from this one
 * everything is REEVE_EINVALID, and free does nothing.
 *
 * Timeouts are those of time.h; errors are told in words in reeve_error.
 */
#ifndef REEVE_PROCESS_H
#define REEVE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reeve/self.h>
#include <reeve/watch.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_context;
struct reeve_process;

/* -------- contexts -------- */

/* A line that a process said (reeve_say); strings are borrowed for the call. */
struct reeve_said {
	size_t size;
	struct reeve_process *process; /* of this context */
	const char *name;              /* its name */
	pid_t pid;        /* who said it: that process, or a child of it */
	int level;        /* REEVE_SAY_INFO ... */
	int64_t at_us;    /* Unix time */
	const char *task; /* reeve_say_task, or "" */
	const char *text;
};

/* Zero is the default throughout. */
struct reeve_context_options {
	size_t size; /* sizeof(struct reeve_context_options) */
	/* of functions; default: this process's own, else forkserver */
	enum reeve_method method;
	/*
	 * What a fork server loads once, for all processes: registered
	 * functions or modules, see reeve-functions(7); ends with NULL. Copied.
	 */
	const char *const *preload;
	const char *libexec_dir; /* of the runtime's own programs */
	/* reeve_say below this is nothing; default: as this process's own */
	int log_level;
	/*
	 * a process said something; default: it goes to its standard error,
	 * also in a process that has such a parent itself: to hand it on, say
	 * it again from here (reeve_say)
	 */
	void (*said)(void *ctx, const struct reeve_said *);
	/* a process has ended: its status is there, and join does not wait */
	void (*ended)(void *ctx, struct reeve_process *);
	/* something failed that is nobody's call; default: standard error */
	void (*trouble)(void *ctx, const struct reeve_error *);
	void *ctx; /* first argument of all three */
};

/*
 * Options may be NULL. What processes inherit (environment, working directory,
 * limits, standard output and error) is this process's as it is now. REEVE_ESYS
 * says what could not be made or started; nothing is left then.
 */
REEVE_PUBLIC enum reeve_status reeve_context_new(struct reeve_context **out,
    const struct reeve_context_options *,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * The orderly end: daemonic processes get TERM at once, and KILL after a
 * second; the others are joined. So join before what needs a daemonic one for
 * its work. REEVE_ETIMEDOUT: some of them still run, the context is as good as
 * before, and this may be called again.
 */
REEVE_PUBLIC enum reeve_status reeve_context_end(
    struct reeve_context *, int64_t timeout, struct reeve_error *);

/*
 * Kill what still runs, and free the context; processes stay the caller's, who
 * may still ask for their status and frees them. NULL is fine.
 */
REEVE_PUBLIC void reeve_context_free(struct reeve_context *);

REEVE_PUBLIC enum reeve_method reeve_context_method(
    const struct reeve_context *);

/*
 * For programs with an event loop: poll this for reading, then dispatch, which
 * handles what is there and does not wait. The descriptor stays the context's.
 */
REEVE_PUBLIC int reeve_context_fd(const struct reeve_context *);
REEVE_PUBLIC enum reeve_status reeve_context_dispatch(
    struct reeve_context *, struct reeve_error *);

/*
 * Those that are started and have not ended, daemonic ones too, oldest first:
 * at most `max` into `list`. How many there are.
 */
REEVE_PUBLIC size_t reeve_context_active(
    struct reeve_context *, struct reeve_process **list, size_t max);

/* -------- making one -------- */

/*
 * What to hand over, in the initialiser of options (in C):
 *
 *	.function = "cube", REEVE_GIVES(reeve_queue_give("out", queue))
 */
#ifndef __cplusplus
#define REEVE_GIVES(...)                                          \
	.gives = (struct reeve_give[]){ __VA_ARGS__ },            \
	.n_gives = sizeof((struct reeve_give[]){ __VA_ARGS__ }) / \
		   sizeof(struct reeve_give)
#endif
#define REEVE_GIVES_MAX 60

/* RLIMIT_NOFILE and the like; RLIM_INFINITY: none. */
struct reeve_process_limit {
	int resource;
	uint64_t soft, hard;
};

/* Zero is the default throughout; all is copied by reeve_process_new. */
struct reeve_process_options {
	size_t size; /* sizeof(struct reeve_process_options) */
	/* one of these two */
	const char *function;    /* registered, or "module.so:function" */
	const char *const *argv; /* a command, ends with NULL */
	/* for the function, at most one of these two */
	const char *args;  /* a JSON value as text; nobody looks into it */
	const void *bytes; /* n_bytes of them */
	size_t n_bytes;
	const char
	    *name;   /* at most 63 bytes; default: "FUNCTION-1" and so on */
	bool daemon; /* its end is not waited for: see reeve_context_end */
	enum reeve_method method; /* of the function; default: the context's */
	const char *const *env;   /* "NAME=VALUE" on top of what is inherited */
	bool clear_env;           /* instead of what is inherited */
	const char *directory;    /* to work in */
	const struct reeve_process_limit *limits;
	size_t n_limits;
	/*
	 * Handed over whatever the start method, and nothing else is: objects
	 * and descriptors (share.h), which are to live until it was started.
	 * A command gets them as it gets listening sockets (LISTEN_FDS), and
	 * asks for them through libreeve-child.
	 */
	const struct reeve_give *gives;
	size_t n_gives;
};

/*
 * Nothing is started yet. The process is the caller's: reeve_process_free.
 * REEVE_EINVALID: the options contradict themselves, and how; or main did not
 * call reeve_main, and the function is one of this program, to be spawned or
 * forked by a fork server. REEVE_ENOENT: no function has this name (unless it
 * is a module's, or one of what is preloaded may have it); REEVE_EEXIST: two
 * have, or two gives have one name. REEVE_ETOOBIG: too many gives;
 * REEVE_ENOMEM.
 */
REEVE_PUBLIC enum reeve_status reeve_process_new(struct reeve_process **out,
    struct reeve_context *, const struct reeve_process_options *,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Start it; when this returns there is a process, or the error says which step
 * failed, and it may be tried again. What fails in the process itself (there is
 * no such program, module or directory) is told by its end:
 * REEVE_PROCESS_FAILED with `why`, exit code 127. REEVE_EBUSY: it was started
 * before. REEVE_ETOOBIG: arguments and environment are more than 200 KiB: hand
 * them over as memory. Arguments and the copies of them are given up.
 */
REEVE_PUBLIC enum reeve_status reeve_process_start(
    struct reeve_process *, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Let go of it; p is not valid any more. REEVE_EBUSY: it runs, or is being
 * joined; nothing was done. With `detach` it may go on, and is joined by
 * nobody: it ends by itself or with its context. NULL is fine. It may be called
 * from callbacks, of the process they tell of, too.
 */
REEVE_PUBLIC enum reeve_status reeve_process_free(
    struct reeve_process *, bool detach, struct reeve_error *);

/* -------- waiting for its end -------- */

/*
 * REEVE_OK: it has ended (all of its descendants, too, as far as they stayed in
 * its process group); REEVE_ETIMEDOUT. Any number of threads may join any
 * number of times. REEVE_EINVALID: it was not started.
 */
REEVE_PUBLIC enum reeve_status reeve_process_join(
    struct reeve_process *, int64_t timeout, struct reeve_error *);

/* From the start until its end is known; looks, does not wait. */
REEVE_PUBLIC bool reeve_process_alive(struct reeve_process *);

enum reeve_process_kind {
	REEVE_PROCESS_NEW, /* not started */
	REEVE_PROCESS_RUNNING,
	REEVE_PROCESS_EXITED,   /* code: 0 to 255 */
	REEVE_PROCESS_SIGNALED, /* code: the signal */
	REEVE_PROCESS_FAILED,   /* it could not begin: see `why` */
	REEVE_PROCESS_LOST,     /* it is gone, and how cannot be known */
};

struct reeve_process_status {
	size_t size; /* sizeof(struct reeve_process_status), set by caller */
	enum reeve_process_kind kind;
	int code;
	bool core_dumped;
	int64_t user_us, system_us, max_rss_kib; /* -1: not known */
	unsigned leftover; /* descendants that had to be killed at its end */
	const char *why;   /* "setting resource limits: ...", or "" */
	/* what it raised, reported last or crashed of; NULL: nothing */
	const struct reeve_exception *exception;
};

/* How it is now. What it points to stays valid until reeve_process_free. */
REEVE_PUBLIC enum reeve_status reeve_process_status(struct reeve_process *,
    struct reeve_process_status *, struct reeve_error *);

/*
 * As one number: what it exited with (1 after reeve_raise), -N when signal N
 * ended it, 127 when it could not begin, 255 when that cannot be known;
 * REEVE_NO_EXITCODE while it has not ended.
 */
#define REEVE_NO_EXITCODE INT32_MIN
REEVE_PUBLIC int reeve_process_exitcode(struct reeve_process *);

/*
 * A descriptor that becomes readable when the process ends and stays so, for
 * any loop; nobody has to dispatch the context for that. It is the process's:
 * valid until reeve_process_free, poll it, do not read or close it.
 * REEVE_EINVALID: it was not started.
 */
REEVE_PUBLIC enum reeve_status reeve_process_sentinel(
    struct reeve_process *, int *fd, struct reeve_error *) REEVE_MUST_CHECK;

/* -------- ending it -------- */

/*
 * SIGINT, SIGTERM, any signal to the process; SIGKILL to it and all that it
 * has started. None waits. REEVE_OK also when it has ended; REEVE_EINVALID: it
 * was not started.
 */
REEVE_PUBLIC enum reeve_status reeve_process_interrupt(
    struct reeve_process *, struct reeve_error *);
REEVE_PUBLIC enum reeve_status reeve_process_terminate(
    struct reeve_process *, struct reeve_error *);
REEVE_PUBLIC enum reeve_status reeve_process_signal(
    struct reeve_process *, int signo, struct reeve_error *);
REEVE_PUBLIC enum reeve_status reeve_process_kill(
    struct reeve_process *, struct reeve_error *);

/*
 * SIGTERM to its whole group, KILL to all of it when `grace` is over, and wait
 * for the end.
 */
REEVE_PUBLIC enum reeve_status reeve_process_stop(
    struct reeve_process *, int64_t grace, struct reeve_error *);

/* -------- what it is -------- */

/* 0: it has none yet, or never had one. It keeps the number after its end. */
REEVE_PUBLIC pid_t reeve_process_pid(const struct reeve_process *);
REEVE_PUBLIC const char *reeve_process_name(const struct reeve_process *);
REEVE_PUBLIC bool reeve_process_daemon(const struct reeve_process *);

#ifdef __cplusplus
}
#endif

#endif
