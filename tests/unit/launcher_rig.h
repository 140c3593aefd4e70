/* SPDX-License-Identifier: MIT */
/*
 * A supervisor that only writes down what it hears: for tests of the launcher
 * through its client, on the real executable. It is the clerk as well, when
 * asked to be.
 */
#ifndef RV_TESTS_LAUNCHER_RIG_H
#define RV_TESTS_LAUNCHER_RIG_H

#include "child/page.h"
#include "start/start.h"

#define RIG_LIVES 2048
#define RIG_NOTES 512

struct rig_life {
	bool launched, failed, died;
	pid_t pid;
	uint64_t ticks;
	int stage, sys_errno;
	struct rv_death death;
	bool paged;
	struct rv_page_trouble *trouble; /* of its page, at its end; or NULL */
	const void *page;
	unsigned ready, beats, stopping, reloading, bad, mainpid;
	char status[1100];
};

struct rig {
	struct rv_loop *loop;
	struct rv_start *start;
	char dir[64];
	struct rig_life *lives; /* by number, from 1 */
	uint64_t next;
	unsigned n_launched, n_failed, n_died, n_lost, n_back, n_writable;
	unsigned n_synced, n_troubles;
	uint64_t synced;
	int lost_status;
	char trouble[600];
	bool adopt;      /* in back: hand all over */
	int back_signal; /* in back, once: to the new launcher; 0: none */
	struct rv_notify last;
	int clerk_fd;               /* -1: we are no clerk */
	const struct rv_spec *spec; /* of what is adopted */
};

/* faults: as REEVE_FAULTS for the launcher, or NULL. */
void rig_open(struct rig *, const char *faults);
void rig_close(struct rig *);

/* A worker that can be changed before it is launched. */
struct rig_spec {
	struct rv_spec spec;
	struct rv_policy policy;
	struct rv_program program;
	const char *argv[40];
	const char *env[8];
	char file[300];
};

/* A fixture of ours by its name ("ending"), or any program by its path. */
void rig_spec(struct rig_spec *, const char *program, ...)
    __attribute__((sentinel));
/* A file in the rig's folder. Static. */
const char *rig_file(struct rig *, const char *name);

/* The life's number. */
uint64_t rig_launch(struct rig *, const struct rig_spec *);
/* A function of the test's own; args are bytes, borrowed. */
void rig_function(
    struct rig_spec *, enum rv_method, const char *function, const char *args);
/* Launch it and wait for its end. */
struct rig_life *rig_run(struct rig *, const struct rig_spec *);
/* Launch, and wait until it says on descriptor 3 that it is ready. */
uint64_t rig_launch_ready(struct rig *, struct rig_spec *);
struct rig_life *rig_of(struct rig *, uint64_t life);

/* Run the loop until it is so; false when time is out. */
bool rig_wait(struct rig *, bool (*is_so)(struct rig *, uint64_t), uint64_t);
bool rig_died(struct rig *, uint64_t life);
bool rig_launched(struct rig *, uint64_t life);
bool rig_failed(struct rig *, uint64_t life);
/* It has ended, or never began. */
bool rig_is_over(struct rig *, uint64_t life);
bool rig_is_ready(struct rig *, uint64_t life);
/* So many, of all. */
bool rig_n_launched(struct rig *, uint64_t n);
bool rig_n_died(struct rig *, uint64_t n);
bool rig_n_back(struct rig *, uint64_t n);
bool rig_n_troubles(struct rig *, uint64_t n);
/* Handle what there is, without waiting. */
void rig_turn(struct rig *);
/* All that the launcher knew now has come. */
void rig_sync(struct rig *);

/* The process is neither there nor a zombie. */
bool rig_is_gone(pid_t);
/* Numbers in a file, one a line. */
unsigned rig_pids(const char *path, pid_t *pids, unsigned max);
/* Text of the file's line that begins so, without that; "" if none. Static. */
const char *rig_line(const char *path, const char *beginning);

#endif
