/* SPDX-License-Identifier: MIT */
/*
 * For the programs that run under reeve: say that you are ready, beat, tell
 * what went wrong. libreeve-child, libc only. Where no reeve runs everything
 * here is harmless: calls that have nobody to tell return REEVE_ENORUNTIME,
 * and beats go nowhere. Under another supervisor that speaks systemd's
 * protocol, reeve_ready, reeve_status and reeve_listener work as they do here.
 *
 * The first call of any of these attaches: it makes the page (memfd) that the
 * supervisor reads, and sends it. The first but reeve_beat also installs the
 * crash handlers, unless the environment says REEVE_CRASH_REPORT=0, and any
 * gives the thread that calls it a stack for them; so call reeve_attach early.
 * reeve_beat, reeve_stopping, reeve_raise and reeve_report may be called from
 * any thread, the others from one; none from a signal handler, but for
 * reeve_beat. A process forked by the worker itself is not attached: there
 * they are harmless again.
 */
#ifndef REEVE_CHILD_H
#define REEVE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reeve/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Attach now: REEVE_OK, also when it was before; REEVE_ENORUNTIME: not under
 * reeve, or in a forked child; REEVE_ESYS: no page could be made or sent
 * (errno), and the next reeve_attach tries again.
 */
REEVE_PUBLIC enum reeve_status reeve_attach(void);

/*
 * I am alive: one store into the worker's own page, no system call. Safe in
 * signal handlers. Counts for `heartbeat` like WATCHDOG=1.
 */
REEVE_PUBLIC void reeve_beat(void);

/* What reeve_beat is made of; not for use by other names. */
REEVE_PUBLIC extern uint64_t *reeve_beat_at;
REEVE_PUBLIC void reeve_beat_first(void);

/* Inline, since a call costs more than all of it. */
#ifndef REEVE_BEAT_IS_A_CALL
extern __inline__ __attribute__((gnu_inline)) void
reeve_beat(void)
{
	uint64_t *at = __atomic_load_n(&reeve_beat_at, __ATOMIC_ACQUIRE);

	if (at != 0) {
		__atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + 1,
		    __ATOMIC_RELAXED);
	} else {
		reeve_beat_first();
	}
}
#endif

/*
 * READY=1: initialised, for workers with `"ready": "notify"`. This, as all that
 * is sent, waits a second at most for the supervisor: then REEVE_EAGAIN.
 */
REEVE_PUBLIC enum reeve_status reeve_ready(void);

/*
 * One line for `reeve status`: printf-like, UTF-8, what goes beyond 1 KiB is
 * cut. It shows the newest; the event log has each change, but no more than 16
 * at once and then one a second, and counts what it leaves out. REEVE_EINVALID:
 * no text.
 */
REEVE_PUBLIC enum reeve_status reeve_status(const char *fmt, ...)
    REEVE_FORMAT(1, 2);

/*
 * Whether this worker was asked to stop. The first call of this or of
 * reeve_stopping_fd catches SIGTERM (or the signal that the config's
 * `stopsignal` begins with): from then on it does not end the process, and
 * interrupts what blocks (EINTR). A handler that was there is called too. So
 * TERM does not end one that hangs, either: give such a worker a heartbeat
 * whose action is "abort".
 */
REEVE_PUBLIC bool reeve_stopping(void);

/*
 * A descriptor that becomes readable when the stop is asked for and stays so.
 * It belongs to the library: poll it, do not read or close it. -1: errno.
 */
REEVE_PUBLIC int reeve_stopping_fd(void);

/*
 * The listening socket of this name (`"listen"`), or -1 when none was handed
 * down (ENOENT). Sockets stay open for the life of the process, which may
 * close them; close-on-exec is set. All instances and generations share one
 * socket and wake up together: unless they block in accept and do nothing
 * else, set O_NONBLOCK, which then counts for all of them.
 */
REEVE_PUBLIC int reeve_listener(const char *name);

/*
 * The worker's slot on the scoreboard: *size bytes of its own that the parent
 * reads at any time (reeve_unit_slot) and `reeve status --json` shows. Not
 * NULL: without a page it is memory that nobody reads. `size` may be NULL.
 */
REEVE_PUBLIC void *reeve_slot(size_t *size);

/* One line on why it ends, printf-like, shown by `reeve why`: at most 255. */
REEVE_PUBLIC void reeve_exit_reason(const char *fmt, ...) REEVE_FORMAT(1, 2);

/* More about an exception; zero is "not told". Texts are copied and cut. */
struct reeve_raise_options {
	size_t size;            /* sizeof(struct reeve_raise_options) */
	int sys_errno;          /* of the call that failed */
	const char *data;       /* a JSON value as text, below 4 KiB */
	const char *cause_type; /* the exception that led to this one */
	const char *cause_message;
};

/*
 * Raise an exception: the parent gets type, message and backtrace (callback,
 * `exceptions`, `reeve why`), and this process ends with exit code 1, stdio
 * flushed and atexit handlers run (in a worker that was forked to run a
 * function: flushed only). `type` is a short name such as "db.Timeout". Where
 * nobody listens, both go to standard error. Never returns, whatever it is
 * given; options of another size count as none.
 */
REEVE_PUBLIC void reeve_raise(const char *type, const char *fmt, ...)
    REEVE_FORMAT(2, 3) __attribute__((noreturn));
REEVE_PUBLIC void reeve_raise_with(
    const struct reeve_raise_options *, const char *type, const char *fmt, ...)
    REEVE_FORMAT(3, 4) __attribute__((noreturn));

/*
 * The same for an exception that was caught: it is recorded, and this worker
 * goes on. Options may be NULL. REEVE_EAGAIN: the one before is still on its
 * way; this one is not recorded. REEVE_EINVALID: no type or message, or
 * options of another size.
 */
REEVE_PUBLIC enum reeve_status reeve_report(const struct reeve_raise_options *,
    const char *type, const char *fmt, ...) REEVE_FORMAT(3, 4);

#ifdef __cplusplus
}
#endif

#endif
