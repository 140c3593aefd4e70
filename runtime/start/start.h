/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's end of the launcher: starts it, frames requests, delivers
 * its reports as callbacks, and, when it dies, starts another and hands the
 * lives over. Holds two descriptors (socket, pidfd) whatever the number of
 * lives. Never blocks and never allocates after open, but in rv_start_reserve.
 */
#ifndef RV_START_H
#define RV_START_H

#include "config/spec.h"
#include "loop/loop.h"
#include "wire/death.h"

struct rv_start;

struct rv_start_ops {
	/* the process exists; before its first instruction of the program */
	void (*launched)(void *ctx, uint64_t life, pid_t, uint64_t start_ticks);
	/* no process was made: pipes, clone ... ; stage and errno say why */
	void (*launch_failed)(
	    void *ctx, uint64_t life, int stage, int sys_errno);
	/* READY etc; the newline of ready fd N comes as RV_NOTIFY_READY */
	void (*notified)(void *ctx, uint64_t life, const struct rv_notify *);
	/* the life's page, checked by the launcher; fd is the callee's. It may
	 * come before `launched`, and again from another launcher */
	void (*paged)(void *ctx, uint64_t life, int fd);
	/* the life has ended and nothing of it is left (or `survivors`) */
	void (*died)(void *ctx, uint64_t life, const struct rv_death *);
	void (*synced)(void *ctx, uint64_t token);
	/* launches are taken again, after one was answered REEVE_EAGAIN */
	void (*writable)(void *ctx);
	/*
	 * The launcher died. Return from here, and rv_start starts another at
	 * once; then `back`, in which the owner calls rv_start_adopt for every
	 * life that was launched, and learns that launches in flight are lost.
	 * If it cannot be started it retries with growing delay, and says so.
	 */
	void (*lost)(void *ctx, int wstatus_or_minus_1);
	void (*back)(void *ctx);
	void (*trouble)(void *ctx, const struct reeve_error *);
	/* a new socket end that must go to the clerk; it is the callee's */
	void (*clerk_end)(void *ctx, int fd);
	/*
	 * A worker's process is about to be forked here; was, in this process
	 * (pid 0: it failed); and in the new one, before its function.
	 * Each may be NULL.
	 */
	void (*before_fork)(void *ctx, uint64_t life);
	void (*after_fork)(void *ctx, uint64_t life, pid_t);
	void (*in_fork)(void *ctx, uint64_t life);
};

struct rv_start_options {
	const char *program;     /* path of reeve-launcher */
	const char *runtime_dir; /* notify sockets live in its notify/ */
	const char *run_id;      /* marks the environment of lives */
	const char *last_run;    /* what has this mark is killed; "": nothing */
	/* the program of functions; NULL: this one, if reeve_main was called,
	 * else reeve-worker beside the launcher */
	const char *functions;
	const char *crash_library; /* for crash_report; NULL: none */
	/*
	 * A launcher that is our business alone: runtime_dir is for it only,
	 * and it removes that at its end, also when we were killed; and it is
	 * no child of this process, so that no wait() waits for it.
	 */
	bool private_dir;
	struct rv_loop *loop;
	const struct rv_start_ops *ops;
	void *ctx;
};

enum reeve_status rv_start_open(struct rv_start **,
    const struct rv_start_options *, struct reeve_error *) RV_MUST_CHECK;

/* Ask the launcher to kill all that is left and end; then free. NULL is fine.
 */
void rv_start_close(struct rv_start *);

/* Room for this many lives at a time (client side tables). */
enum reeve_status rv_start_reserve(
    struct rv_start *, size_t n_lives) RV_MUST_CHECK;

/*
 * REEVE_EAGAIN: the socket is full, or a new launcher is not sealed yet as the
 * one before it was: wait for `writable`. Otherwise exactly one
 * of launched or launch_failed follows, and after launched exactly one died
 * (all but across `lost`).
 */
enum reeve_status rv_start_launch(struct rv_start *, uint64_t life,
    const struct rv_spec *, struct reeve_error *) RV_MUST_CHECK;

/*
 * The same; fd (borrowed; -1: none) is the first of its listening sockets, for
 * this launch alone. A launcher that is sealed takes none.
 */
enum reeve_status rv_start_launch_with(struct rv_start *, uint64_t life,
    const struct rv_spec *, int fd, struct reeve_error *) RV_MUST_CHECK;

/*
 * This launch is not wanted any more. What has no process yet is answered at
 * once, by launch_failed with RV_STAGE_CANCELED; anything else is not changed.
 */
void rv_start_cancel(struct rv_start *, uint64_t life);

/* Never fail visibly, nor does that: kept in a bounded buffer until the socket
 * takes them. */
void rv_start_signal(
    struct rv_start *, uint64_t life, int signo, bool group, bool cont_follows);
/* KILL by kill mode; freezes and walks descendants first in group mode. */
void rv_start_kill(struct rv_start *, uint64_t life, enum rv_kill_mode);
/*
 * From now on the end of this life is one that was asked for: leftovers,
 * orphans included, are hunted before `died` is reported.
 */
void rv_start_expect_end(struct rv_start *, uint64_t life);
/* `synced` comes after everything that the launcher knew at this moment. */
void rv_start_sync(struct rv_start *, uint64_t token);

/* In `back` only: a life of the launcher before. Its end comes as `died`. */
void rv_start_adopt(struct rv_start *, uint64_t life, pid_t,
    uint64_t start_ticks, const struct rv_spec *);

/*
 * A process of an earlier run that may still live: killed with its group if
 * pid and start time fit. `died` with that (unused) life number follows.
 */
void rv_start_kill_stray(
    struct rv_start *, uint64_t life, pid_t, uint64_t start_ticks);

/*
 * A socket that lives may be given by its name (borrowed until it is sent, and
 * replaces one of that name), and none of that name any more. In `back` the
 * owner gives all again, before it adopts.
 */
void rv_start_listener(struct rv_start *, const char *name, int fd);
void rv_start_unlisten(struct rv_start *, const char *name);

/* Give the launcher a fresh socket to a (new) clerk: makes clerk_end again. */
enum reeve_status rv_start_connect_clerk(
    struct rv_start *, struct reeve_error *) RV_MUST_CHECK;

/*
 * The host reaped this pid itself (a daemon that is a subreaper inherits lives
 * of a dead launcher). True when it was one of ours.
 */
bool rv_start_reaped(struct rv_start *, pid_t, int wstatus);

/*
 * From now on the launcher refuses launches of what is not one of these, new
 * listeners, and killing strays; so does every launcher after it, from the
 * moment on when all was handed over to it. The specs are borrowed until
 * rv_start_close. For good: another call changes nothing. REEVE_ETOOBIG: one
 * of them fits into no request; nothing is sealed.
 */
enum reeve_status rv_start_seal(struct rv_start *,
    const struct rv_spec *const *, size_t n,
    struct reeve_error *) RV_MUST_CHECK;

pid_t rv_start_pid(const struct rv_start *);

/* Words for a stage: "setting resource limits"; never NULL. Static. */
const char *rv_stage_text(int stage);

#endif
