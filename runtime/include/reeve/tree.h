/* SPDX-License-Identifier: MIT */
/*
 * The tree from C: build it, change it, steer its units, look at them. What a
 * config file can say can be said here, and both can be mixed: units from C and
 * units of the file stand in one tree and obey the same rules, which are in
 * reeve.conf(5).
 *
 * Building is staged: add and remove note what is wanted, and reeve_commit
 * makes it so, all or nothing, as a reload does: new units start, removed ones
 * stop, changed ones restart, all others are left alone.
 *
 *	struct reeve_supervisor_options web = { .size = sizeof(web),
 *	    .strategy = REEVE_ONE_FOR_ALL };
 *	struct reeve_worker_options app = { .size = sizeof(app),
 *	    .function = "app.serve", .instances = 4 };
 *
 *	if (reeve_add_supervisor(reeve, "web", &web, &err) != REEVE_OK ||
 *	    reeve_add_worker(reeve, "web/app", &app, &err) != REEVE_OK ||
 *	    reeve_commit(reeve, &err) != REEVE_OK)
 *		warnx("%s", err.text);
 *
 * Names. A path is "web/app"; "/" is the root. Where a function takes `names`
 * it is a path or a glob ("web/a*", "*.0"; a star crosses slashes); the
 * name of a supervisor means all that is below it, that of a worker with
 * instances all of them. REEVE_ENOENT: there is none such; the text says what
 * was perhaps meant.
 *
 * Steering does not wait: REEVE_OK says that it is being done. What becomes of
 * it is told by events (watch.h), or asked of reeve_unit_find.
 */
#ifndef REEVE_TREE_H
#define REEVE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reeve/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -------- build -------- */

enum reeve_strategy {
	REEVE_STRATEGY_DEFAULT, /* one_for_one */
	REEVE_ONE_FOR_ONE,
	REEVE_ONE_FOR_ALL,
	REEVE_REST_FOR_ONE,
};

enum reeve_autorestart {
	REEVE_RESTART_DEFAULT,    /* workers unexpected, supervisors always */
	REEVE_RESTART_ALWAYS,     /* "permanent" */
	REEVE_RESTART_UNEXPECTED, /* "transient": not after an expected end */
	REEVE_RESTART_NEVER,      /* "temporary" */
};

#define REEVE_UNLIMITED UINT32_MAX

/* What is done with a worker that has stopped to beat. */
enum reeve_unheard {
	REEVE_UNHEARD_DEFAULT, /* restart */
	REEVE_UNHEARD_RESTART, /* stop it, as ever, and start it anew */
	REEVE_UNHEARD_ABORT,   /* the same with SIGABRT first, for a core */
	REEVE_UNHEARD_REPORT,  /* worker.unresponsive is recorded, no more */
};

/*
 * Zero is the default of reeve.conf(5) throughout; in brackets: the key that it
 * is there, and that default. Lists of strings end with NULL. All is copied.
 * `options` is a JSON object with any other keys of reeve.conf(5) for such a
 * unit; a key that is said twice is an error.
 *
 * What becomes of a worker that fails is said by three of them, and budgets of
 * their own (reeve.conf(5) has the keys, for `options`):
 *
 *	restart      does it come again at all [autorestart: workers
 *	             REEVE_RESTART_UNEXPECTED, supervisors _ALWAYS]
 *	not ready    each start that fails before it is ready uses up one of
 *	             [startretries: 3]; those in a row end in state FATAL, also
 *	             with REEVE_RESTART_ALWAYS; being ready gives all of them
 *	             back; [start_timeout: 60s] bounds it. A worker that does
 *	             not say when is ready after [startsecs: 1s]
 *	ready        each restart after that counts in its supervisor's window,
 *	             intensity in period_ms; that too many are is the
 *	             supervisor's end
 *	delay        before either [backoff]: none before the first, then
 *	             [min: 100ms], doubled [factor: 2] up to [max: 30s] and
 *	             a random tenth more [jitter: 0.1]; an uptime of
 *	             [reset_after: 30s] begins anew
 */
struct reeve_supervisor_options {
	size_t size; /* sizeof(struct reeve_supervisor_options) */
	enum reeve_strategy strategy;   /* [strategy: one_for_one] */
	enum reeve_autorestart restart; /* [autorestart: permanent] */
	/*
	 * So many restarts of its children within so long are borne, then it
	 * gives up, which is a death to the one above it [intensity:
	 * one_for_one REEVE_UNLIMITED, else 5; period: 10s]. None at all
	 * (0) can only be said in options: {"intensity": 0}.
	 */
	uint32_t intensity;
	int64_t period_ms;
	const char *const *depends_on; /* siblings [depends_on: none] */
	const char *options;
};

struct reeve_worker_options {
	size_t size; /* sizeof(struct reeve_worker_options) */
	/* one of these three, unless `options` has it */
	const char *command;     /* words as a shell would split them */
	const char *const *argv; /* or already split */
	const char *function;    /* "app.resize", "module.so:resize" */
	const char *args;        /* of the function: a JSON value as text ... */
	const void *bytes;       /* ... or bytes, n_bytes of them */
	size_t n_bytes;
	/* of the function's process [start_method: the runtime's] */
	enum reeve_method method;
	enum reeve_autorestart restart; /* [autorestart: unexpected] */
	/*
	 * "app.0", "app.1" ... [numprocs]; 0: one, named "app". With 1 or more
	 * "app" is a supervisor, one_for_one, that stands for all of them.
	 */
	uint32_t instances;
	/*
	 * Ready when it says so: READY=1, reeve_ready [ready: started]. Else
	 * it is after startsecs.
	 */
	bool ready_notify;
	bool manual; /* not started by itself [autostart: true] */
	/*
	 * It beats at least so often [heartbeat: none]. After so many beats in
	 * a row that did not come [misses: 3] what `unheard` says is done.
	 * Another number of them is said in options, instead of this:
	 * {"heartbeat": {"interval": "1s", "misses": 5}}.
	 */
	int64_t heartbeat_ms;
	int64_t stop_ms;       /* from TERM to KILL [stopwaitsecs: 10s] */
	const char *directory; /* [directory: the runtime's] */
	const char *const *environment; /* "KEY=VALUE" */
	/*
	 * Names of listeners: those of the file's `listen`, or handed over by
	 * reeve_listen. One's own, opened by the runtime, are said in options:
	 * {"listen": {"http": "tcp://127.0.0.1:80"}}.
	 */
	const char *const *listen;
	const char *const *depends_on; /* siblings [depends_on: none] */
	const char *options;
	enum reeve_unheard unheard; /* of heartbeat_ms [action: restart] */
	/*
	 * A restart that was asked for starts the next process first, and stops
	 * the old one when it is ready [overlap: no]; bounds of it are said in
	 * options, instead of this.
	 */
	bool overlap;
	/*
	 * Of all instances, taken together: as a supervisor's. Then all are
	 * stopped, and "app" has failed as a whole, which is one restart in the
	 * window of the supervisor above [intensity: REEVE_UNLIMITED; period:
	 * 10s]. Without instances it is the supervisor's own that counts.
	 */
	uint32_t intensity;
	int64_t period_ms;
};

/*
 * Note that there shall be such a unit, under the supervisor that the path
 * names (which is in the tree, or noted as well). The supervisor "/" is the
 * root's own options, where no file has them. Options may be NULL for a
 * supervisor. Refused at once: REEVE_EINVALID: no such path
 * can be, or options contradict each other; REEVE_EEXIST: there is one from C
 * (remove it, to have another at its path); REEVE_ECONFIG: a key is wrong. All
 * else is found by commit.
 */
REEVE_PUBLIC enum reeve_status reeve_add_supervisor(struct reeve *,
    const char *path, const struct reeve_supervisor_options *,
    struct reeve_error *) REEVE_MUST_CHECK;
REEVE_PUBLIC enum reeve_status reeve_add_worker(struct reeve *,
    const char *path, const struct reeve_worker_options *,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Note that this unit, and all below it, shall go. REEVE_ENOENT: no such unit
 * came from C (those of a file go by a reload of it).
 */
REEVE_PUBLIC enum reeve_status reeve_remove(
    struct reeve *, const char *path, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Hand over an open socket as the listener of this name, to workers that say
 * so in `listen`, at once. It is duplicated: the host may close its own. The
 * same name again replaces it, for lives that start after that. REEVE_EEXIST:
 * the config opens that name itself.
 */
REEVE_PUBLIC enum reeve_status reeve_listen(struct reeve *, const char *name,
    int fd, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Make it so. REEVE_ECONFIG: something noted cannot be; what, was said to the
 * options' `finding`, the first of it in the error; nothing was changed, and
 * all is still noted: correct it, or discard. REEVE_EPERM: a worker is new, or
 * another, and the launcher is sealed; REEVE_EBUSY: the runtime is shutting
 * down. With a config file the file is
 * read again, as by reeve_reload, which in turn does not look at what is noted
 * and not committed.
 */
REEVE_PUBLIC enum reeve_status reeve_commit(
    struct reeve *, struct reeve_error *) REEVE_MUST_CHECK;

/* Forget what was noted since the last commit. */
REEVE_PUBLIC enum reeve_status reeve_discard(
    struct reeve *, struct reeve_error *);

/*
 * From now on the launcher refuses to start whatever was not declared before
 * this call, whoever asks: for hosts that give up their privileges and shall
 * not be a way back to them. It cannot be undone, and calling it again changes
 * nothing. Restarts go on, and so do removals; adding workers, also by a scale,
 * or changing their programs is REEVE_EPERM by commit and reload. A launcher
 * that has to be replaced is told the same before it starts anything; it has
 * the privileges that the host has by then. REEVE_ETOOBIG: a worker whose
 * command and environment are too large to be declared; nothing was sealed.
 */
REEVE_PUBLIC enum reeve_status reeve_seal(
    struct reeve *, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * -------- steer --------
 *
 * Once a shutdown has begun (reeve_shutdown, a signal, the control socket)
 * start, stop and restart are REEVE_EBUSY: all goes down, and nothing else will
 * be.
 */

/* Start; no longer held. */
REEVE_PUBLIC enum reeve_status reeve_start(
    struct reeve *, const char *names, struct reeve_error *) REEVE_MUST_CHECK;
/* Stop, and hold until started again. */
REEVE_PUBLIC enum reeve_status reeve_stop(
    struct reeve *, const char *names, struct reeve_error *) REEVE_MUST_CHECK;
/*
 * Stop and start anew: all that are named are down before the first is up. With
 * `overlap` in a worker's options it is the other way round: the new one comes
 * first, and the old one is stopped when that is ready, so that a server is
 * never without workers.
 */
REEVE_PUBLIC enum reeve_status reeve_restart(
    struct reeve *, const char *names, struct reeve_error *) REEVE_MUST_CHECK;
/* Send a signal to the processes. REEVE_EFAILED: none is running. */
REEVE_PUBLIC enum reeve_status reeve_signal_unit(struct reeve *,
    const char *names, int signo, struct reeve_error *) REEVE_MUST_CHECK;
/*
 * How many instances a worker from C has from now on; at least 1. It was added
 * with `instances`, else REEVE_EINVALID; one of a config file: REEVE_ENOENT.
 * What was noted for this worker alone is committed with it.
 */
REEVE_PUBLIC enum reeve_status reeve_scale(struct reeve *, const char *path,
    uint32_t instances, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * The host (who keeps its own handlers) received this signal: record it, and do
 * what the config's `signals` says: forward, reload, shut down, nothing.
 */
REEVE_PUBLIC enum reeve_status reeve_signal(
    struct reeve *, int signo, struct reeve_error *);

/* -------- look -------- */

enum reeve_unit_kind { REEVE_WORKER, REEVE_SUPERVISOR };

/* Numbers are pinned. */
enum reeve_unit_state {
	REEVE_STOPPED = 0,  /* down: never started, or stopped as asked */
	REEVE_WAITING = 1,  /* another unit must be ready first */
	REEVE_STARTING = 2, /* launched, not ready yet */
	REEVE_RUNNING = 3,  /* ready */
	REEVE_BACKOFF = 4,  /* a start waits for its delay */
	REEVE_STOPPING = 5, /* asked to end, not gone yet */
	REEVE_EXITED = 6,   /* ended by itself and not due for a restart */
	REEVE_FATAL = 7,    /* start retries used up, or it gave up */
};

/*
 * A unit as it is now. Strings are borrowed until the runtime is dispatched or
 * its tree changed.
 */
struct reeve_unit_info {
	size_t size; /* set by the caller: sizeof(struct reeve_unit_info) */
	const char *path;
	enum reeve_unit_kind kind;
	enum reeve_unit_state state;
	const char *state_name;  /* "RUNNING"; static */
	const char *waiting_for; /* path, in WAITING; else NULL */
	const char *status;      /* what the worker says of itself, or "" */
	pid_t pid;               /* 0: no process */
	uint64_t life;           /* number of the present life; 0: none */
	bool ready;
	bool held;         /* stopped by somebody, until started again */
	uint32_t restarts; /* in this run */
	int64_t uptime_ms; /* of the present life; 0: none */
	/*
	 * Since the last heartbeat was seen; -1: none was. Beats are looked for
	 * every half of the shortest heartbeat interval that any worker has, at
	 * least 10 ms: it may be older by so much.
	 */
	int64_t beat_age_ms;
	int64_t backoff_ms;      /* left, in BACKOFF; else -1 */
	bool has_last;           /* an earlier end in this run: the following */
	int64_t last_at_us;      /* Unix time */
	const char *last_reason; /* "exited", "signaled" ...; static */
	int last_exit_code;      /* -1: a signal, or unknown */
	int last_signo;          /* 0: it exited, or unknown */
	bool last_core_dumped;
};

/* The unit at this path, exactly. */
REEVE_PUBLIC enum reeve_status reeve_unit_find(struct reeve *, const char *path,
    struct reeve_unit_info *, struct reeve_error *);

/*
 * All units, the root first, each before those below it, in the order in which
 * they were declared:
 *
 *	struct reeve_unit_info unit = { .size = sizeof(unit) };
 *	while (reeve_unit_next(reeve, &unit))
 *		puts(unit.path);
 *
 * A path of NULL begins. False behind the last (the path is NULL again), and
 * for arguments that cannot be. Between two calls of one walk the runtime must
 * not be dispatched nor its tree changed.
 */
REEVE_PUBLIC bool reeve_unit_next(struct reeve *, struct reeve_unit_info *);

/*
 * The slot of a living worker (reeve_slot): copies at most `size` bytes of the
 * scoreboard's. *got (may be NULL) is how many. They are what the worker wrote,
 * perhaps in the middle of a change: trust nothing in them. REEVE_EAGAIN: there
 * is no process, or it has no page (yet). In callbacks that tell the end of a
 * life (the hooks decide, slot_free and exited, its last exception, and
 * worker.exited) they are the last bytes of that life.
 */
REEVE_PUBLIC enum reeve_status reeve_unit_slot(struct reeve *, const char *path,
    void *buf, size_t size, size_t *got, struct reeve_error *);

#ifdef __cplusplus
}
#endif

#endif
