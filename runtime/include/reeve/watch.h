/* SPDX-License-Identifier: MIT */
/*
 * Being told, and having a say: events and exceptions as they happen, chosen by
 * unit and kind, and hooks at the points where a server has work of its own to
 * do. All of it runs in the runtime's thread; see runtime.h for what may be
 * called from inside.
 */
#ifndef REEVE_WATCH_H
#define REEVE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reeve/event.h>
#include <reeve/runtime.h>
#include <reeve/tree.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -------- watching -------- */

struct reeve_watch;

/*
 * What a worker raised (reeve_raise), reported (reeve_report), or died of: a
 * crash is one of type "SIGSEGV". Strings are never NULL and borrowed for the
 * call, as is the struct.
 */
struct reeve_exception {
	size_t size;
	const char *path; /* of the unit */
	uint64_t life;
	pid_t pid;
	int64_t at_us;       /* Unix time */
	const char *source;  /* "raised" "reported" "crash" "abort" "start" */
	const char *type;    /* "db.Timeout", "SIGSEGV" */
	const char *message; /* one line */
	int sys_errno;       /* 0: none */
	int signo;           /* of a crash, else 0 */
	uint64_t address;    /* of a crash: what it touched, else 0 */
	const char *data;    /* a JSON value, or "" */
	const char *cause_type; /* the exception that led to it, or "" */
	const char *cause_message;
	/*
	 * The stacks, innermost first, a line a frame: "#0 /usr/bin/web+0x1a2b"
	 * (an offset in that file, as addr2line takes it), or a bare address;
	 * before each thread "thread 17 (name)". "" when there is none. The
	 * event log has it with functions, files and lines: `reeve why`.
	 */
	const char *backtrace;
};

/* Zero is "all" for the globs; one of event, exception and gone is needed. */
struct reeve_watch_options {
	size_t size;       /* sizeof(struct reeve_watch_options) */
	const char *units; /* glob of paths: "web/a*" */
	const char *kinds; /* glob of kinds of events: "worker.*" */
	/* an event was recorded; at the end of the turn, in their order */
	void (*event)(void *ctx, const struct reeve_event *);
	/*
	 * a worker's exception; at the end of the turn, but that of which it
	 * ends comes before the hook `decide`, where there is one: in the
	 * middle of that decision, see below
	 */
	void (*exception)(void *ctx, const struct reeve_exception *);
	void *ctx;
	/*
	 * So many bytes of events may wait for their turn (0: 1 MiB); what
	 * does not fit is dropped here (the log has it) and counted.
	 */
	size_t max_bytes;
	void (*dropped)(void *ctx, uint64_t count);
	/*
	 * The runtime is being destroyed, and this is the last that is told of
	 * it: forget the pointer. All functions on it are REEVE_ECLOSED (of one
	 * that a bug has closed REEVE_EBUG) but reeve_unwatch. From inside of
	 * reeve_destroy, or, where that was called from a callback, when the
	 * outermost call on the runtime returns. Workers may still run then;
	 * they are killed next. Not told in processes that were forked.
	 */
	void (*gone)(void *ctx);
};

/*
 * Watch from now on. Globs are copied. Events recorded before the call are
 * not told: those are the log's (query.h). *out may be NULL where it is never
 * to be ended; a watch ends with its runtime at the latest.
 */
REEVE_PUBLIC enum reeve_status reeve_watch(struct reeve *,
    const struct reeve_watch_options *, struct reeve_watch **out,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * End it; also from its own callback, and while the runtime is being destroyed.
 * Nothing is told any more, neither what waits nor `gone`. NULL is fine; one
 * that was ended already, or is another runtime's: REEVE_ENOENT.
 */
REEVE_PUBLIC enum reeve_status reeve_unwatch(
    struct reeve *, struct reeve_watch *, struct reeve_error *);

/* -------- hooks -------- */

/* What may follow the end of a worker. */
enum reeve_verdict {
	REEVE_VERDICT_DEFAULT,  /* as the rules have it */
	REEVE_VERDICT_RESTART,  /* start it again; feeds the budget as ever */
	REEVE_VERDICT_REST,     /* leave it down */
	REEVE_VERDICT_ESCALATE, /* its supervisor gives up */
};

/* The end of a worker. Strings are borrowed for the call. */
struct reeve_end {
	size_t size;
	const char *path;
	uint64_t life;
	pid_t pid;          /* that it had; 0: there was no process */
	const char *reason; /* "exited", "signaled", "exception" ...; static */
	bool unknown;       /* nobody could see how it ended */
	int exit_code;      /* -1: a signal, or unknown */
	int signo;          /* 0: it exited, or unknown */
	bool core_dumped;
};

/*
 * Points where the host has a say; each may be NULL. Those in the first part
 * run in the middle of a decision: they may look at units, and what changes
 * the tree is REEVE_EBUSY there. They hold up everything: be quick.
 *
 * Of the end of one life are told first slot_free and its exceptions, then
 * decide, and at the end of the turn exited; where there is no `decide` the
 * exceptions wait for the end of the turn, too. In all of them reeve_unit_slot
 * has the last bytes of that life, even if the unit lives again or is gone.
 *
 * While two generations of a worker overlap (`overlap` in reeve.conf(5)) both
 * have its path, and `life` tells them apart. An end of the one that does not
 * serve, not yet or not any more, is told by slot_free and exited; nothing
 * follows from it, so decide is not asked. ready is told of the next one when
 * it has taken over.
 */
struct reeve_hooks {
	size_t size; /* sizeof(struct reeve_hooks) */

	/*
	 * A worker ended, unasked, and `proposed` will be done (DEFAULT:
	 * nothing, it stays down). Return that, or something else instead.
	 */
	enum reeve_verdict (*decide)(
	    void *ctx, const struct reeve_end *, enum reeve_verdict proposed);
	/*
	 * A group restart has everything below this supervisor down, and has
	 * started nothing again yet: the time to rebuild what they share.
	 */
	void (*group_down)(void *ctx, const char *path);
	/*
	 * A worker is dead and its page (slot, exception) has been read: locks
	 * that it held can be released, its place be given to another.
	 */
	void (*slot_free)(void *ctx, const char *path, uint64_t life);
	/* Start method fork: in the host, before and after; in the child. */
	void (*before_fork)(void *ctx, const char *path);
	void (*after_fork_parent)(void *ctx, const char *path, pid_t);
	void (*after_fork_child)(void *ctx, const char *path);

	/* At the end of the turn; everything may be called. */
	void (*ready)(void *ctx, const struct reeve_unit_info *);
	void (*exited)(void *ctx, const struct reeve_end *);
};

#ifdef __cplusplus
}
#endif

#endif
