/* SPDX-License-Identifier: MIT */
/*
 * Pools: work for functions, done by as many workers as there is work for, that
 * outlives its workers. Part of libreeve-pool.
 *
 *	struct reeve_pool *pool = NULL;
 *	struct reeve_task_result result = { .size = sizeof(result) };
 *	double x = 3;
 *
 *	reeve_pool_new(&pool, NULL, &err);
 *	reeve_pool_apply(pool, "cube", &x, sizeof(x), &result, REEVE_S(5));
 *	... result.data, result.length ...
 *	reeve_task_result_free(&result);
 *	reeve_pool_free(pool);
 *
 * What the functions do is in task.h. They are named as everywhere: registered
 * ones of this program, or "module.so:function".
 *
 * Each task is run once, by one worker, and its worker's death is that of the
 * task that ran and of no other: its future ends with the signal, the exception
 * and the stack of it, or it is tried again, where that was asked for
 * (`retries`). Never is a task run again without having been asked for, and no
 * future is left without an end.
 *
 * Workers are units of a tree: of the runtime that is given (making a pool
 * commits what is noted there, tree.h), or of one that the pool makes for
 * itself. They are seen in `reeve status`, their deaths in `reeve why`; a pool
 * whose workers cannot begin (an initializer that fails) is broken when its
 * supervisor has given up, and says with what.
 *
 * A pool and the runtime that it was given may go in either order. When the
 * runtime is destroyed first, by whomever and from wherever, its pools are
 * broken: what runs is killed and ends cancelled, what waits ends broken, who
 * waits for either is woken, and new tasks are refused, REEVE_EBROKEN. Such a
 * pool is freed like any other.
 *
 * Threads: a pool belongs to one thread, that of its runtime. Callbacks come in
 * that thread, from inside of what waits and of reeve_pool_dispatch. In them
 * everything may be called but what waits: REEVE_EBUSY; and what is waited for
 * is not freed there, futures, results or imap (the pool may be). In a process
 * that was forked from this one everything is REEVE_EINVALID, and free does
 * nothing.
 *
 * Timeouts are those of time.h. Waiting (get, map, join ...) dispatches the
 * pool and its runtime; for a runtime on a libev loop of the host it is
 * REEVE_EINVALID, since nobody but the host runs that.
 */
#ifndef REEVE_POOL_H
#define REEVE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <reeve/error.h>
#include <reeve/runtime.h>
#include <reeve/time.h>
#include <reeve/watch.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_pool;
struct reeve_future;
struct reeve_results;

/* -------- pools -------- */

/* What becomes of a submit when `max_waiting` tasks wait. */
enum reeve_pool_full {
	REEVE_POOL_BLOCK,  /* it waits, dispatching; from a callback EFULL */
	REEVE_POOL_REFUSE, /* REEVE_EFULL */
	/*
	 * Arguments go to an unlinked file until they run: in TMPDIR, else in
	 * /var/tmp. Where it takes no more the submit is REEVE_ESYS and those
	 * before it stay; what cannot be read back ends FAILED, of type
	 * "reeve.Arguments".
	 */
	REEVE_POOL_SPILL,
};

/* Zero is the default throughout. All is copied. */
struct reeve_pool_options {
	size_t size;         /* sizeof(struct reeve_pool_options) */
	struct reeve *reeve; /* whose tree; NULL: a runtime of its own */
	/*
	 * The unit's path there, "web/thumbs": names of reeve.conf(5)
	 * ([A-Za-z0-9_.@+-]) with slashes between, 63 bytes at most; where
	 * there is a slash, what is before it is a supervisor of that tree.
	 * REEVE_EEXIST: it is taken. NULL: "pool".
	 */
	const char *name;
	/*
	 * Of a runtime of its own: where its event log is. NULL: in a directory
	 * that goes with the pool, or, where its process was killed, when the
	 * next such pool of this user is made; and of its helpers.
	 */
	const char *state_dir, *libexec_dir;
	enum reeve_method method;   /* the runtime's */
	const char *const *preload; /* by a fork server, before it forks */
	/*
	 * Workers. max 0: reeve_cpus(); min 0: as max. Between them one is
	 * added when a task has waited for `grow_after` (10 ms) or there are
	 * more waiting than workers, and one ends when it was idle for
	 * `idle_timeout` (10 s).
	 */
	uint32_t min, max;
	int64_t grow_after, idle_timeout;
	/* In each worker, before its first task; nonzero is its end. */
	const char *initializer;
	const void *init_args;
	size_t init_args_length;
	uint32_t max_tasks; /* of a worker, then another takes its place */
	/* Bytes resident: looked at after tasks, if the last look was 10 ms
	 * ago; the task keeps its result, and another worker comes. */
	uint64_t max_memory;
	uint64_t max_waiting; /* tasks; any number */
	enum reeve_pool_full full;
	/* Of all tasks that say nothing else: see struct reeve_task. */
	int64_t soft_limit, hard_limit;
	uint32_t retries;
	int64_t backoff; /* 100 ms before the first retry, doubled, to 30 s */
	bool deaths_only;
	int soft_signal; /* SIGUSR1; one that can be caught */
	/* So many deaths of workers before they were ready, then it is broken
	 * [5 in 10 s]. Deaths in tasks are the tasks'. */
	uint32_t intensity;
	int64_t period_ms;
	const char
	    *worker_options; /* JSON, keys of reeve.conf(5): limits ... */
	/* A worker came up or ended; may be NULL. */
	void (*notice)(void *ctx, struct reeve_pool *, const char *text);
	void *ctx;
	const char *const *environment; /* of workers: "KEY=VALUE"; NULL ends */
};

/* Options may be NULL. Nothing is waited for; workers come meanwhile. */
REEVE_PUBLIC enum reeve_status reeve_pool_new(struct reeve_pool **out,
    const struct reeve_pool_options *, struct reeve_error *) REEVE_MUST_CHECK;

/* Terminates it with no grace. Futures end cancelled, and stay the caller's. */
REEVE_PUBLIC void reeve_pool_free(struct reeve_pool *);

/* No new tasks: REEVE_ECLOSED. What there is will be done. Twice is fine. */
REEVE_PUBLIC enum reeve_status reeve_pool_close(
    struct reeve_pool *, struct reeve_error *);
/* And what waits ends cancelled, at once; what runs may end. */
REEVE_PUBLIC enum reeve_status reeve_pool_drain(
    struct reeve_pool *, struct reeve_error *);
/* After close: until all tasks are done and the workers gone. REEVE_ETIMEDOUT:
 * the pool is as it was. REEVE_EINVALID: it is open. */
REEVE_PUBLIC enum reeve_status reeve_pool_join(
    struct reeve_pool *, int64_t timeout, struct reeve_error *);
/* Cancel all: what waits at once, what runs after `grace` of TERM by KILL. When
 * it returns each future has its end, and no worker is left. */
REEVE_PUBLIC enum reeve_status reeve_pool_terminate(
    struct reeve_pool *, int64_t grace, struct reeve_error *);

/* How many workers from now on; 1 <= min <= max. */
REEVE_PUBLIC enum reeve_status reeve_pool_resize(
    struct reeve_pool *, uint32_t min, uint32_t max, struct reeve_error *);

/* For event loops: poll for reading, then dispatch, which does not wait. */
REEVE_PUBLIC int reeve_pool_fd(struct reeve_pool *);
REEVE_PUBLIC enum reeve_status reeve_pool_dispatch(
    struct reeve_pool *, struct reeve_error *);

struct reeve_pool_stats {
	size_t size; /* sizeof(struct reeve_pool_stats), set by the caller */
	uint32_t workers, idle, min, max;
	/* Tasks now; those of a map that were handed over, a chunk is one. */
	uint64_t waiting, running, resting;
	/* Ever, all items of maps among them: in the end submitted is good +
	 * failed + cancelled. `retried`: tries behind the first ones. */
	uint64_t submitted, good, failed, cancelled, retried;
	uint64_t deaths;   /* of workers, but of those that were to go: idle,
			    * too many, or worn out (max_tasks, max_memory) */
	int64_t mean_task; /* ns, of recent ones */
	bool open, broken;
};
REEVE_PUBLIC enum reeve_status reeve_pool_stats(
    struct reeve_pool *, struct reeve_pool_stats *, struct reeve_error *);

/* What its workers run, in units of the tree; it is named, not called. */
struct reeve_call;
REEVE_PUBLIC int reeve_pool_worker(const struct reeve_call *);

/* The runtime that its workers are units of: to watch, and to look at. NULL:
 * that was destroyed. */
REEVE_PUBLIC struct reeve *reeve_pool_runtime(struct reeve_pool *);

/*
 * Processors that this process may use: by its affinity, by the quota of its
 * control groups (rounded up), and by the budget of the pool whose worker it
 * is: nested pools together have no more than the outermost. At least 1.
 */
REEVE_PUBLIC uint32_t reeve_cpus(void);

/* -------- results -------- */

enum reeve_outcome {
	REEVE_OUTCOME_NONE, /* not yet */
	REEVE_OUTCOME_GOOD,
	/* The function returned nonzero; or this process had no memory, or no
	 * descriptor, for what it answered, as the message says. */
	REEVE_OUTCOME_FAILED,
	REEVE_OUTCOME_DIED,      /* its worker ended: see code, signo, reason */
	REEVE_OUTCOME_TIMED_OUT, /* over its limit */
	REEVE_OUTCOME_CANCELLED, /* by its caller; with its pool or runtime */
	REEVE_OUTCOME_BROKEN,    /* the pool could have no workers */
};

/* Zeroed but for size; owns its memory until reeve_task_result_free. */
struct reeve_task_result {
	size_t size; /* sizeof(struct reeve_task_result) */
	enum reeve_outcome outcome;
	const void *data; /* length bytes, 8-aligned, a NUL behind */
	size_t length;
	bool json;
	uint32_t attempts; /* times it was begun */
	int64_t took;      /* ns in the function; 0: not known. Of items that
			    * take less than some us it is a mean of them */
	int code;          /* returned, or exited with; -1 */
	int signo;         /* that its worker died of; 0 */
	bool core_dumped;
	pid_t pid;           /* of its worker; 0: never began */
	const char *worker;  /* "pool.3", or "" */
	const char *type;    /* "cube.Size", "SIGSEGV", or "" */
	const char *message; /* what happened, in words; "" when it is good */
	/* Of a crash, as struct reeve_exception has it (watch.h): offsets in
	 * files, as addr2line takes them. Their names are in the event log,
	 * which a pool with a runtime of its own keeps in state_dir. Or "". */
	const char *backtrace;
	void *memory; /* the library's */
};
REEVE_PUBLIC void reeve_task_result_free(struct reeve_task_result *);

/* -------- single tasks -------- */

/* Zero is the pool's, or none. Borrowed for the call. */
struct reeve_task {
	size_t size; /* sizeof(struct reeve_task) */
	const char *function;
	const void *data; /* any length: large ones go by memory */
	size_t length;
	bool json;
	/*
	 * 0 (first) to 7, strictly: while tasks of a lower number wait, none of
	 * a higher one is given to a worker, so that those may never run. Of
	 * short tasks, a few that were given before may still come first.
	 */
	uint8_t priority;
	int64_t soft_limit; /* then it gets the pool's soft_signal */
	int64_t hard_limit; /* then its worker is killed */
	uint32_t retries;   /* REEVE_NO_RETRIES: none, whatever the pool's */
	int64_t backoff;
	/* At its end, with its future, which is freed after it unless submit
	 * had an `out`. */
	void (*done)(void *ctx, struct reeve_future *);
	void *ctx;
};
#define REEVE_NO_RETRIES UINT32_MAX

/*
 * Hand it over. *out may be NULL: nobody wants to know, or `done` is told.
 * REEVE_ENOENT: no such function in this program (of modules the task says).
 * REEVE_EFULL; REEVE_ECLOSED; REEVE_EBROKEN with what broke it; REEVE_ENOMEM;
 * REEVE_ESYS. On failure there is no task.
 */
REEVE_PUBLIC enum reeve_status reeve_pool_submit(struct reeve_pool *,
    const struct reeve_task *, struct reeve_future **out,
    struct reeve_error *) REEVE_MUST_CHECK;

/* In one: submit, and wait. REEVE_ETIMEDOUT: it was cancelled, killed if it
 * ran. REEVE_OK says that it has an end: result->outcome says which. */
REEVE_PUBLIC enum reeve_status reeve_pool_apply(struct reeve_pool *,
    const char *function, const void *data, size_t length,
    struct reeve_task_result *, int64_t timeout) REEVE_MUST_CHECK;

/* -------- futures -------- */

enum reeve_future_state {
	REEVE_FUTURE_WAITING,
	REEVE_FUTURE_RUNNING,
	REEVE_FUTURE_RESTING, /* before its next try */
	REEVE_FUTURE_DONE,
};
REEVE_PUBLIC enum reeve_future_state reeve_future_state(
    const struct reeve_future *);
REEVE_PUBLIC enum reeve_status reeve_future_wait(
    struct reeve_future *, int64_t timeout) REEVE_MUST_CHECK;
/* Wait, and the result: it is moved, once; afterwards there is its outcome,
 * and no data. */
REEVE_PUBLIC enum reeve_status reeve_future_get(struct reeve_future *,
    struct reeve_task_result *, int64_t timeout) REEVE_MUST_CHECK;
/* REEVE_OK: it ends CANCELLED. With `kill` its worker is killed if it runs;
 * without REEVE_EBUSY then. REEVE_EEND: it is done. */
REEVE_PUBLIC enum reeve_status reeve_future_cancel(
    struct reeve_future *, bool kill);
/* Let go of it; a task that is not done goes on. NULL is fine. */
REEVE_PUBLIC void reeve_future_free(struct reeve_future *);

enum reeve_futures_mode { REEVE_FIRST, REEVE_FIRST_BAD, REEVE_ALL };
REEVE_PUBLIC enum reeve_status reeve_futures_wait(struct reeve_future **,
    size_t n, enum reeve_futures_mode, int64_t timeout) REEVE_MUST_CHECK;
/* As completed: the index of one that is done and was not said before. Those
 * said are NULL in the array (and the caller's, who has them elsewhere, or
 * frees *which). REEVE_EEND: all were said. */
REEVE_PUBLIC enum reeve_status reeve_futures_next(struct reeve_future **,
    size_t n, struct reeve_future **which, size_t *index,
    int64_t timeout) REEVE_MUST_CHECK;

/* -------- many at once -------- */

/*
 * A function over many arguments. They come from one of: `items`, an array of n
 * of item_size bytes each; `vector`, n of any lengths; or `next`, which is
 * asked one by one, never for more than `window` ahead of what was taken, and
 * says false behind the last one. Without memory for what it gave it is asked
 * no more, as if it had failed.
 */
struct reeve_map {
	size_t size; /* sizeof(struct reeve_map) */
	const char *function;
	const void *items;
	size_t item_size;
	const struct iovec *vector;
	size_t n;
	/* The bytes are borrowed until the next call. False: the end; or a
	 * failure, when it set *failed: told behind what came before. */
	bool (*next)(
	    void *ctx, const void **data, size_t *length, bool *failed);
	void *ctx;
	bool json;
	/* Items in one task, as far as they fit (into 32 KiB, with up to 12
	 * bytes more for each; empty ones of one array always do); 0: by the
	 * measured time, about 1 ms each (imap: 1). A death is that of the item
	 * that ran: the others of its chunk run again if they had not begun,
	 * and keep their results if they had ended. */
	uint32_t chunk;
	/* imap: items ahead, in chunks that are no larger than that; 0: two
	 * chunks for each worker. */
	size_t window;
	bool unordered; /* imap: as they end */
	bool fail_fast; /* map: cancel the rest at the first bad one */
	uint8_t priority;
	int64_t soft_limit, hard_limit; /* of an item */
	uint32_t retries;
	int64_t backoff;
};

/* Until all are done, also when some are bad (but see fail_fast).
 * REEVE_EFAILED: at least one is not good; *out has them all nevertheless.
 * REEVE_ETIMEDOUT: the rest was cancelled; *out says which. With any status,
 * *out is NULL or to be freed. */
REEVE_PUBLIC enum reeve_status reeve_pool_map(struct reeve_pool *,
    const struct reeve_map *, struct reeve_results **out, int64_t timeout,
    struct reeve_error *) REEVE_MUST_CHECK;
/* The same, to be waited for: `items` or `vector` are borrowed until done. */
REEVE_PUBLIC enum reeve_status reeve_pool_map_start(struct reeve_pool *,
    const struct reeve_map *, struct reeve_results **out,
    void (*done)(void *ctx, struct reeve_results *), void *ctx,
    struct reeve_error *) REEVE_MUST_CHECK;
REEVE_PUBLIC enum reeve_status reeve_results_wait(
    struct reeve_results *, int64_t timeout) REEVE_MUST_CHECK;
REEVE_PUBLIC enum reeve_status reeve_results_cancel(
    struct reeve_results *, bool kill);
REEVE_PUBLIC size_t reeve_results_n(const struct reeve_results *);
REEVE_PUBLIC size_t reeve_results_bad(const struct reeve_results *);
/* What item i has; borrowed from the results, nothing is to be freed. */
REEVE_PUBLIC enum reeve_status reeve_results_get(const struct reeve_results *,
    size_t i, struct reeve_task_result *) REEVE_MUST_CHECK;
/* Where all are good and have item_size bytes: one array of them; else
 * REEVE_EFAILED. */
REEVE_PUBLIC enum reeve_status reeve_results_copy(const struct reeve_results *,
    void *items, size_t item_size, struct reeve_error *) REEVE_MUST_CHECK;
/* Those that are not done go on, for nobody. NULL is fine. */
REEVE_PUBLIC void reeve_results_free(struct reeve_results *);

/* -------- one after the other -------- */

struct reeve_imap;
REEVE_PUBLIC enum reeve_status reeve_pool_imap(struct reeve_pool *,
    const struct reeve_map *, struct reeve_imap **out,
    struct reeve_error *) REEVE_MUST_CHECK;
/* The next result, and which item it is of. REEVE_EEND behind the last;
 * REEVE_EFAILED: the producer failed, once, behind what came before. */
REEVE_PUBLIC enum reeve_status reeve_imap_next(struct reeve_imap *,
    struct reeve_task_result *, size_t *index,
    int64_t timeout) REEVE_MUST_CHECK;
/* What was not begun is cancelled. NULL is fine. */
REEVE_PUBLIC void reeve_imap_free(struct reeve_imap *);

#ifdef __cplusplus
}
#endif

#endif
