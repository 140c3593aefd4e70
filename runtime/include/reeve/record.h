/* SPDX-License-Identifier: MIT */
/*
 * A host's own tasks in the event log: what is no process of the tree, and is
 * to be found there all the same, also after the host was killed. One record a
 * beginning, one an end; `reeve events` shows them, `reeve why map/17` tells of
 * one that failed, and query.h reads them back.
 *
 *	struct reeve_record record = { .size = sizeof(record),
 *	    .kind = REEVE_TASK_STARTED, .path = "map/17", .attempt = 1,
 *	    .pid = pid, .text = "convert a.png" };
 *	while (reeve_record(reeve, &record, &err) == REEVE_EFULL) {
 *		poll(&(struct pollfd){ reeve_fd(reeve), POLLIN, 0 }, 1, -1);
 *		reeve_dispatch(reeve, &err);
 *	}
 *
 * In the runtime's thread, as all but reeve_post.
 */
#ifndef REEVE_RECORD_H
#define REEVE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reeve/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve;

enum reeve_record_kind {
	REEVE_TASK_STARTED = 37,   /* it begins now */
	REEVE_TASK_ENDED = 38,     /* it is done, and well */
	REEVE_TASK_FAILED = 39,    /* it has failed for good */
	REEVE_TASK_CANCELLED = 40, /* it was given up, or never begun */
};

#define REEVE_RECORD_PATH_MAX   255   /* bytes of `path` */
#define REEVE_RECORD_TEXT_MAX   4096  /* of `text` and `reason` */
#define REEVE_RECORD_OUTPUT_MAX 16384 /* of `output` */

/* Zero and NULL: not told. All is borrowed for the call, and any bytes. */
struct reeve_record {
	size_t size; /* sizeof(struct reeve_record) */
	enum reeve_record_kind kind;
	/*
	 * The task's: names as those of units, divided by slashes, of which
	 * the first is none of a unit's.
	 */
	const char *path;
	unsigned attempt; /* which one this is or was, from 1 */
	pid_t pid;
	/*
	 * How it ended: told of tasks that are not just beginning. Exit code
	 * (below 0: there is none) unless a signal or an errno is told.
	 */
	int exit_code;
	int signal;
	bool core; /* a core was written */
	int sys_errno;
	int64_t user_us, system_us, max_rss_kib, took_ms;
	int64_t key;        /* by which the host knows the task again */
	const char *reason; /* of the end, in a few words */
	const char *text;   /* what the task is */
	const char *output; /* the last that it wrote */
};

/*
 * REEVE_OK: it is in the log: from here on it survives the death of every
 * process, this one's among them, at any instruction (but not a power cut: for
 * that it must have been written to the disk, which follows soon). No
 * allocation, and no system call but one for the first of a turn.
 *
 * REEVE_EFULL: the clerk is behind, there is no room, and nothing was recorded:
 * such records are never dropped. A beginning leaves an eighth of the room to
 * ends, so that what has begun can be recorded as ended. The clerk was asked to
 * say when it has written what there was: then reeve_fd becomes readable (and
 * what was given to reeve_record_room is called), so dispatch and try again. A
 * full disk makes that long. REEVE_EINVALID: a kind or a path that cannot be;
 * REEVE_EEXIST: the first name of the path is a unit's; REEVE_ETOOBIG: longer
 * than the bounds above.
 */
REEVE_PUBLIC enum reeve_status reeve_record(struct reeve *,
    const struct reeve_record *, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Have fn(arg) called, from inside of dispatch, whenever there may be room
 * again after REEVE_EFULL. One at a time: the last given is called; NULL: none.
 */
typedef void reeve_room_fn(void *arg);
REEVE_PUBLIC enum reeve_status reeve_record_room(
    struct reeve *, reeve_room_fn *fn, void *arg, struct reeve_error *);

#ifdef __cplusplus
}
#endif

#endif
