/* SPDX-License-Identifier: MIT */
/*
 * A supervisor that only records, and the launcher's end of the output
 * protocol: for tests of the clerk through its link, on the real executable.
 * Answers are looked up in the database, as any reader would.
 */
#ifndef RV_TESTS_CLERK_RIG_H
#define RV_TESTS_CLERK_RIG_H

#include <sqlite3.h>

#include "journal/clerk_link.h"
#include "wire/output.h"

#define CRIG_LIVES 4096

struct crig {
	struct rv_loop *loop;
	struct rv_journal *journal;
	struct rv_clerk_link *link;
	struct rv_journal_conf conf;
	char dir[96], state[112], run[112], program[4096], run_id[33];
	/* what came */
	unsigned n_ready, n_lost, n_trouble, n_want, n_disk_bad, n_disk_ok;
	unsigned rings_drained;
	uint64_t next_event, next_life, synced, token;
	struct rv_stray strays[16];
	size_t n_strays;
	char disk[600], trouble[600];
	uint64_t dropped, n_dropped;
	char dropped_path[80]; /* of the last */
	/* the launcher's end */
	int out;       /* -1: no clerk is connected */
	bool connects; /* give every clerk a launcher that asks for one */
	unsigned n_have, n_done, n_catch_up;
	bool holds;    /* new lives are told of when the clerk asks */
	uint64_t held; /* lives from 1 to this one */
	uint32_t done[CRIG_LIVES]; /* streams, by life */
	int ends[CRIG_LIVES][2];   /* what it holds of the pipes, -1 */
	struct rv_output outputs[CRIG_LIVES];
	uid_t uid; /* of logs */
	gid_t gid;
	char paths[CRIG_LIVES][2][256];
	sqlite3 *db;
};

/* Directories and settings; nothing runs yet. */
void crig_init(struct crig *);
/* The same, in a directory of that name below. */
void crig_init_in(struct crig *, const char *name);
/* A run begins. faults: as REEVE_FAULTS for the clerk, or NULL. */
void crig_start(struct crig *, const char *faults);
/* The same, and wait until it is ready. */
void crig_open(struct crig *, const char *faults);
/* The run ends in order and the clerk with it; its exit status, or signal. */
int crig_end(struct crig *);
/* The same, and do not wait for it: its pid. */
pid_t crig_end_soon(struct crig *);
/* The supervisor dies: nothing is said. The clerk's pid, to be waited for. */
pid_t crig_vanish(struct crig *);
void crig_finish(struct crig *);
/* Wait for the clerk's process: what waitpid says. */
int crig_await(pid_t);

/* Record; the id, or 0. */
uint64_t crig_record(struct crig *, enum rv_kind_of_event, const char *path,
    uint64_t life, const struct rv_fields *);
uint64_t crig_note(struct crig *, const char *path);
void crig_started(struct crig *, uint64_t life, const char *path, pid_t);
void crig_exited(struct crig *, uint64_t life, const char *path, int code);
void crig_stopped(struct crig *);

void crig_turn(struct crig *);
bool crig_wait(struct crig *, bool (*is_so)(struct crig *));
/* All until now is written. */
void crig_sync(struct crig *);
bool crig_is_ready(struct crig *);

/* The first column of the first row; -1 when there is none. */
int64_t crig_number(struct crig *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same as text; static, "" for NULL. */
const char *crig_text(struct crig *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A launcher's new socket for the clerk. */
void crig_connect(struct crig *);
/* The launcher: give the clerk a life whose streams go to these files. */
void crig_pipe(struct crig *, uint64_t life, const char *path, const char *out,
    const char *err, uint64_t max_bytes, unsigned backups, int writers[2]);
void crig_ended(struct crig *, uint64_t life);
bool crig_write(int fd, const char *text);
/* A file of the state directory. Static. */
const char *crig_file(struct crig *, const char *name);
/* Its text, or NULL; the caller's, free. */
char *crig_slurp(const char *path, size_t *len);
bool crig_contains(const char *path, const char *text);

#endif
