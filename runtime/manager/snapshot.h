/* SPDX-License-Identifier: MIT */
/*
 * A hall as a file: its objects, each with the values that its `save` answers,
 * then its names; in the bytes of the protocol, with a checksum behind.
 */
#ifndef RV_MANAGER_SNAPSHOT_H
#define RV_MANAGER_SNAPSHOT_H

#include "manager/hall.h"

#define RV_SNAPSHOT_MAGIC "reeve manager snapshot 1"
#define RV_SNAPSHOT_HEAD  24 /* a multiple of eight, without the NUL */
#define RV_SNAPSHOT_TAIL  8  /* the checksum, and zeros */

/* Where it is, and the names that it needs on its way there. */
struct rv_snapshot_file {
	char *path;      /* NULL: there is none */
	char *new_path;  /* where it is written */
	char *old_path;  /* the former one */
	char *link_path; /* ... on its way there */
	char *folder;
};

/* REEVE_ENOMEM. */
enum reeve_status rv_snapshot_file_init(
    struct rv_snapshot_file *, const char *path) RV_MUST_CHECK;
void rv_snapshot_file_finish(struct rv_snapshot_file *);

enum rv_snapshot_stage {
	RV_SNAPSHOT_DONE = 0,
	RV_SNAPSHOT_WRITING,
	RV_SNAPSHOT_PLACING,
	RV_SNAPSHOT_SYNCING, /* the folder */
};

/* How it went; crosses a pipe. */
struct rv_snapshot_end {
	int32_t stage, sys_errno;
};

/*
 * Takes no memory and no locks, so that a copy of the process can do it while
 * this one goes on.
 */
struct rv_snapshot_end rv_snapshot_write(
    struct rv_hall *, const struct rv_snapshot_file *);
/* As a status, with the words for it. */
enum reeve_status rv_snapshot_status(const struct rv_snapshot_file *,
    struct rv_snapshot_end, struct reeve_error *);

/* Into an empty hall. REEVE_ENOENT: there is none. */
enum reeve_status rv_snapshot_read(
    struct rv_hall *, const char *path, struct reeve_error *) RV_MUST_CHECK;

#endif
