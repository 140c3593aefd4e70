/* SPDX-License-Identifier: MIT */
/*
 * A runtime: one tree of supervisors and workers, from a config file, from
 * calls (tree.h), or from both. It lives on the host's event loop and is a good
 * guest: no signal handlers, no SIGCHLD, no waitpid(-1), no exit, no globals.
 * Several runtimes may live in one process. No function waits for anything,
 * but create, commit and reload, which read files.
 *
 * Ten lines of a host with a poll loop (loop_ev.h, loop_event.h and loop_uv.h
 * do the same on libev, libevent and libuv):
 *
 *	struct reeve_options options = { .size = sizeof(options),
 *	    .config_file = "shop.json" };
 *	if (reeve_create(&reeve, &options, &err) != REEVE_OK)
 *		errx(1, "%s", err.text);
 *	for (;;) {
 *		struct pollfd p = { reeve_fd(reeve), POLLIN, 0 };
 *		poll(&p, 1, reeve_timeout_ms(reeve));
 *		reeve_dispatch(reeve, &err);
 *	}
 *
 * Threads and processes. A runtime belongs to the thread that runs its loop:
 * all functions are called there, but reeve_post, which any thread may call.
 * In a process that was forked from the host's nothing may be called: functions
 * return REEVE_EINVALID there and do nothing.
 *
 * Callbacks run in that thread, from inside reeve_dispatch (or the libev loop),
 * and once all is said and done, so that everything may be called in them, but
 * for two things: reeve_dispatch (REEVE_EBUSY), and, in the hooks that run in
 * the middle of a decision (watch.h names them), whatever changes the tree
 * (REEVE_EBUSY: reeve_post it instead). They must return: no longjmp, no C++
 * exception may leave them.
 *
 * Errors. Every function takes NULL for the error. With a NULL runtime, or one
 * that is of another process, or too small a `size`: REEVE_EINVALID, and the
 * text names what was wrong. REEVE_ECLOSED: the tree has ended, or the runtime
 * is being destroyed. REEVE_EBUG: a check inside of the library failed, then or
 * earlier; that runtime is closed, and only reeve_destroy is of use.
 */
#ifndef REEVE_RUNTIME_H
#define REEVE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reeve/config.h>
#include <reeve/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ev_loop;
struct reeve;
struct reeve_hooks; /* watch.h */

enum reeve_level { REEVE_INFO, REEVE_WARNING, REEVE_TROUBLE };

/* What a runtime tells its host; each may be NULL. */
struct reeve_callbacks {
	/* a line for a person at the terminal */
	void (*notice)(void *ctx, enum reeve_level, const char *text);
	/* autostart has settled: everything is up, or has failed; once */
	void (*settled)(void *ctx);
	/* the tree has ended: time for reeve_last_words and reeve_destroy */
	void (*finished)(void *ctx, bool gave_up);
	/* a check inside of the library failed; the runtime is closed */
	void (*bug)(void *ctx, const char *file, int line, const char *what);
};

/*
 * How the process of a function comes to be; see function.h. Commands are
 * always spawned.
 */
enum reeve_method {
	REEVE_METHOD_DEFAULT, /* of the runtime; its own: forkserver */
	REEVE_METHOD_SPAWN,
	REEVE_METHOD_FORK,
	REEVE_METHOD_FORKSERVER,
};

/*
 * Zero means default throughout. All is borrowed for the call, but what says
 * otherwise.
 */
struct reeve_options {
	size_t size;             /* sizeof(struct reeve_options) */
	const char *config_file; /* NULL: none, then `name` is needed */
	struct ev_loop *loop;    /* libev; NULL: see reeve_fd */
	const char *libexec_dir; /* of the runtime's own programs; no variable
				  * of the environment is asked */
	const struct reeve_callbacks *callbacks; /* borrowed for the lifetime */
	void *ctx;                 /* first argument of all callbacks */
	reeve_finding_fn *finding; /* findings about the config; a warning is
				    * said once, until it changes */
	const char *name;         /* of the runtime, where the file says none */
	const char *state_dir;    /* likewise; NULL: the default for the name */
	enum reeve_method method; /* of functions that say none */
	const struct reeve_hooks *hooks; /* borrowed for the lifetime */
	/*
	 * This host has pools for those of the config file: libreeve-pool's
	 * reeve_pools_attach (attach.h), or its own (pool_unit.h). Without, a
	 * file with one is REEVE_ECONFIG.
	 */
	bool pools;
};

/*
 * Load the config, take the state directory, start the launcher and the clerk
 * and begin to start the tree. On failure nothing is left running, and *out is
 * untouched. REEVE_ECONFIG: findings were reported. REEVE_EBUSY: another
 * runtime holds the state directory; the text names its pid.
 *
 * Afterwards the host may give up its privileges: what needs them is done by
 * the launcher, which keeps them (see reeve_seal), and what may be declared is
 * judged by those that it had here. Workers that the host forks are of the
 * user that it is by then. So would be the successor of a launcher or a clerk
 * that was killed, and may find the log closed to it: it sees the ends of all
 * workers, but cannot signal those of another user, and starts that need what
 * was made before (a notify socket, another user) fail and say so.
 */
REEVE_PUBLIC enum reeve_status reeve_create(struct reeve **out,
    const struct reeve_options *, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Kill what still runs, at once, and free. NULL is fine. What was posted and
 * not called yet is called first. From a callback it takes effect when the
 * present turn ends; no further callback comes but `gone` of watches (watch.h),
 * which is how pools learn of it. In a process that was forked
 * from the host's it does nothing. Adapters of a loop are stopped before.
 */
REEVE_PUBLIC void reeve_destroy(struct reeve *);

/*
 * After `finished`: a descriptor that becomes readable when the clerk has
 * ended (a pidfd; the caller closes it). Then call it again: -1 says that
 * everything is written, or that it will be by the next run.
 */
REEVE_PUBLIC int reeve_last_words(struct reeve *);

/*
 * Without a libev loop: poll this one descriptor for reading, always the same
 * one, then call dispatch, which never waits. A timer is inside of it, so that
 * it becomes readable at the deadline, too; -1 on a libev loop.
 */
REEVE_PUBLIC int reeve_fd(struct reeve *);

/*
 * For loops that rather keep deadlines themselves: when to dispatch at the
 * latest, as monotonic nanoseconds (INT64_MAX: never) or as milliseconds from
 * now, rounded up, as poll takes them (-1: never). Any call may change it.
 */
REEVE_PUBLIC int64_t reeve_deadline(struct reeve *);
REEVE_PUBLIC int reeve_timeout_ms(struct reeve *);

/*
 * Handle what is there; callbacks come from inside. On a libev loop there is
 * nothing to do. REEVE_EBUSY: called from a callback.
 */
REEVE_PUBLIC enum reeve_status reeve_dispatch(
    struct reeve *, struct reeve_error *);

/*
 * Have fn(arg) called in the runtime's thread, from inside its loop. The only
 * function that other threads may call, at any time between reeve_create and
 * reeve_destroy, also from callbacks. Posts of one thread are called in their
 * order; each that was taken (REEVE_OK) is called exactly once, at the latest
 * by reeve_destroy. REEVE_EFULL: 65536 wait already; REEVE_ECLOSED: the runtime
 * is being destroyed, or closed by a bug; REEVE_ENOMEM. Neither waits nor
 * locks.
 *
 * A post that is under way when reeve_destroy begins is safe: it is taken and
 * called, or refused. One that begins after that has returned is not, so end
 * your threads, or tell them, before.
 */
typedef void reeve_post_fn(void *arg);
REEVE_PUBLIC enum reeve_status reeve_post(
    struct reeve *, reeve_post_fn *fn, void *arg);

/*
 * Stop the tree in order; `finished` follows. Each further call is more
 * urgent: the second shortens every wait, the third kills. `why` is recorded
 * as the reason of runtime.stopped (NULL: "asked"), and `reeve why` tells it of
 * each worker.
 */
REEVE_PUBLIC void reeve_shutdown(struct reeve *, const char *why);

/*
 * Read the config file again and reconcile. A bad file is refused whole:
 * REEVE_ECONFIG, findings reported through the options' callback, nothing
 * changed. What changed is restarted, and started if it had ended or given up,
 * unless an operator stopped it, or it ended and has no autostart. Where there
 * is no file nothing differs, and the notice says so: see reeve_restart.
 */
REEVE_PUBLIC enum reeve_status reeve_reload(
    struct reeve *, struct reeve_error *) REEVE_MUST_CHECK;

/* Record that the host received a signal (signal.received), and no more. */
REEVE_PUBLIC void reeve_note_signal(struct reeve *, int signo);

/*
 * A host that reaps everything itself tells what it reaped; true when the
 * process was one of the runtime's. Workers are the launcher's children and
 * never turn up in the host; what does is the launcher, the clerk, and workers
 * started by fork.
 */
REEVE_PUBLIC bool reeve_child_exited(struct reeve *, pid_t, int wstatus);

/* "0.1.0"; static. */
REEVE_PUBLIC const char *reeve_version(void);

#ifdef __cplusplus
}
#endif

#endif
