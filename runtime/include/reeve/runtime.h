/* SPDX-License-Identifier: MIT */
/*
 * A runtime: one tree of supervisors and workers, made from a config file.
 * It lives in one thread, on the host's event loop, and is a good guest: no
 * signal handlers, no SIGCHLD, no waitpid(-1), no exit, no globals. Several
 * runtimes may live in one process. No function blocks, and after create none
 * allocates on the way of a restart.
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

enum reeve_level { REEVE_INFO, REEVE_WARNING, REEVE_TROUBLE };

/* All callbacks run in the thread of the runtime, from inside its loop. */
struct reeve_callbacks {
	/* a line for a person at the terminal; may be NULL */
	void (*notice)(void *ctx, enum reeve_level, const char *text);
	/* autostart has settled: everything is up, or has failed; once */
	void (*settled)(void *ctx);
	/* the tree has ended: now call reeve_destroy (later, not in here) */
	void (*finished)(void *ctx, bool gave_up);
	/* a check inside of the library failed; the runtime is closed */
	void (*bug)(void *ctx, const char *file, int line, const char *what);
};

/* Zero means default throughout. */
struct reeve_options {
	size_t size;             /* sizeof(struct reeve_options) */
	const char *config_file; /* required */
	struct ev_loop *loop;    /* libev; NULL: see reeve_fd */
	const char *libexec_dir; /* of reeve-launcher and reeve-clerk */
	const struct reeve_callbacks *callbacks; /* borrowed for the lifetime */
	void *ctx;
	reeve_finding_fn *finding; /* findings about the config file */
};

/*
 * Load the config, take the state directory, start the launcher and the clerk
 * and begin to start the tree. On failure nothing is left running.
 * REEVE_ECONFIG: findings were reported. REEVE_EBUSY: another runtime holds
 * the state directory; the text names its pid.
 */
REEVE_PUBLIC enum reeve_status reeve_create(struct reeve **,
    const struct reeve_options *, struct reeve_error *) REEVE_MUST_CHECK;

/* Kills what still runs, at once. NULL is fine. Not from a callback. */
REEVE_PUBLIC void reeve_destroy(struct reeve *);

/*
 * After `finished`: a descriptor that becomes readable when the clerk has
 * ended (a pidfd; the caller closes it). Then call it again: -1 says that
 * everything is written, or that it will be by the next run.
 */
REEVE_PUBLIC int reeve_last_words(struct reeve *);

/*
 * Without a libev loop: poll this descriptor for reading, until the deadline
 * (monotonic nanoseconds, INT64_MAX: none), then call dispatch, which never
 * waits.
 */
REEVE_PUBLIC int reeve_fd(struct reeve *);
REEVE_PUBLIC int64_t reeve_deadline(struct reeve *);
REEVE_PUBLIC enum reeve_status reeve_dispatch(
    struct reeve *, struct reeve_error *);

/*
 * Stop the tree in order; `finished` follows. Each further call is more
 * urgent: the second shortens every wait, the third kills. `why` is recorded.
 */
REEVE_PUBLIC void reeve_shutdown(struct reeve *, const char *why);

/*
 * Read the config file again and reconcile. A bad file is refused whole:
 * REEVE_ECONFIG, findings reported through the options' callback, nothing
 * changed.
 */
REEVE_PUBLIC enum reeve_status reeve_reload(
    struct reeve *, struct reeve_error *) REEVE_MUST_CHECK;

/* Record that the host received a signal (signal.received). */
REEVE_PUBLIC void reeve_note_signal(struct reeve *, int signo);

/*
 * A host that reaps everything itself tells what it reaped; true when the
 * process was one of the runtime's.
 */
REEVE_PUBLIC bool reeve_child_exited(struct reeve *, pid_t, int wstatus);

REEVE_PUBLIC const char *reeve_version(void);

#ifdef __cplusplus
}
#endif

#endif
