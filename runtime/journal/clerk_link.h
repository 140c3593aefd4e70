/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's end of the clerk: starts it, greets it, hands it the ring
 * and the launcher's socket, hears of trouble with the disk, and starts
 * another when it dies. Two descriptors. Never blocks.
 */
#ifndef RV_CLERK_LINK_H
#define RV_CLERK_LINK_H

#include "config/spec.h"
#include "journal/journal.h"
#include "loop/loop.h"

struct rv_clerk_link;

/* A life of an earlier run without an end: its process may still be there. */
struct rv_stray {
	uint64_t life;
	int32_t pid;
	uint64_t start_ticks;
};

struct rv_clerk_ops {
	/*
	 * The database is open and older rings are drained. Ids count from
	 * here. Comes once per clerk; only the first matters for ids. Strays
	 * are of this boot only.
	 */
	void (*ready)(void *ctx, uint64_t next_event, uint64_t next_life,
	    const struct rv_stray *, size_t n_strays, unsigned rings_drained);
	/* disk trouble begins (ok = false) or ends; text for a person */
	void (*disk)(void *ctx, bool ok, const char *what, const char *path,
	    const char *reason);
	/* output was dropped for want of a disk; the life may have ended */
	void (*dropped)(void *ctx, uint64_t life, const char *path,
	    bool is_stderr, uint64_t bytes, int64_t first_us, int64_t last_us);
	void (*synced)(void *ctx, uint64_t token);
	void (*lost)(void *ctx, int wstatus_or_minus_1);
	void (*trouble)(void *ctx, const struct reeve_error *);
	/* give this clerk a socket to the launcher: rv_start_connect_clerk */
	void (*want_launcher)(void *ctx);
};

struct rv_clerk_options {
	const char *program; /* path of reeve-clerk */
	const char *state_dir, *runtime_dir;
	const struct rv_journal_conf *conf;
	struct rv_journal *journal;
	struct rv_loop *loop;
	const struct rv_clerk_ops *ops;
	void *ctx;
};

enum reeve_status rv_clerk_open(struct rv_clerk_link **,
    const struct rv_clerk_options *, struct reeve_error *) RV_MUST_CHECK;
/*
 * Say that the run ends in order: the clerk drains, commits, closes the run
 * and exits by itself. Does not wait; *pidfd (may be NULL) is the caller's,
 * who may wait for it. Frees the link.
 */
void rv_clerk_close(struct rv_clerk_link *, int *pidfd);

/* Pass a socket end on. Takes the descriptor. */
void rv_clerk_give_launcher(struct rv_clerk_link *, int fd);
/* `synced` when all records and all output up to now are on the disk. */
void rv_clerk_sync(struct rv_clerk_link *, uint64_t token);
pid_t rv_clerk_pid(const struct rv_clerk_link *);
bool rv_clerk_reaped(struct rv_clerk_link *, pid_t, int wstatus);

#endif
