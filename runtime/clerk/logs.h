/* SPDX-License-Identifier: MIT */
/*
 * Log files: opened with their worker's rights, written, rotated, made anew
 * when somebody took them away, read back for the last words of a life. For
 * the disk thread; only the fields that are marked so are the main thread's.
 */
#ifndef RV_CLERK_LOGS_H
#define RV_CLERK_LOGS_H

#include "base/buf.h"
#include "base/time.h"
#include "clerk/origin.h"

#define RV_LOGS_OPEN_MAX 256 /* descriptors held at a time */

struct rv_log {
	/* the main thread's */
	struct rv_hash_node by_path;
	unsigned refs;
	/* settled before the disk thread sees it */
	uint32_t uid, gid;
	bool ours; /* in our own directory: opened as ourselves */
	_Atomic uint64_t max_bytes;
	_Atomic uint32_t backups;
	/* the disk's */
	bool in_line; /* the last byte is no newline */
	bool failing;
	int fd;              /* -1: closed */
	struct rv_list lru;  /* while open */
	uint64_t dev, inode; /* of what is open */
	uint64_t size, rotate_at;
	uint64_t count; /* bytes ever written, whatever was rotated */
	rv_time checked_at, failing_since, retry_at, delay;
	char path[];
};

struct rv_logs {
	char *dir; /* our own, with a slash behind */
	bool root;
	rv_time stall;      /* what cannot be written is kept for so long */
	struct rv_list lru; /* oldest first */
	unsigned n_open, n_failing;
	/* trouble begins and ends */
	void (*trouble)(void *ctx, bool ok, const char *what, const char *path,
	    const char *reason);
	void *ctx;
};

bool rv_logs_init(struct rv_logs *, const char *state_dir) RV_MUST_CHECK;
void rv_logs_finish(struct rv_logs *);

/* By the main thread: rv_free it, if the disk thread never saw it. */
struct rv_log *rv_log_create(const struct rv_logs *, const char *path,
    uint32_t uid, uint32_t gid, uint64_t max_bytes, uint32_t backups);

/*
 * Write what can be written; *done says how much is dealt with, written or
 * given up (then counted in the outlet). False: the rest has to wait, until
 * log->retry_at.
 */
bool rv_log_write(struct rv_logs *, struct rv_outlet *, const char *data,
    size_t len, rv_time now, size_t *done);

/* Append the last bytes, at most `want`, that this outlet wrote. */
void rv_log_tail(struct rv_logs *, struct rv_outlet *, size_t want,
    bool older_too, struct rv_buf *out);

/* Close and free. */
void rv_log_destroy(struct rv_logs *, struct rv_log *);

#endif
