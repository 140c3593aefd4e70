/* SPDX-License-Identifier: MIT */
/*
 * The real thing for tests: `reeve run` as a process of its own on a config in
 * a folder of its own, steered through <reeve/client.h>, watched through its
 * events, judged by its database. Waits for events, never for time.
 */
#ifndef RV_TESTS_LIVE_H
#define RV_TESTS_LIVE_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <reeve/client.h>
#include <reeve/config.h>

struct live {
	char dir[128];               /* config, logs of the run, state */
	char config[192];            /* dir/reeve.json */
	char state[192];             /* dir/state */
	pid_t pid;                   /* of `reeve run`, 0: none */
	struct reeve_client *client; /* for calls */
	struct reeve_client *feed;   /* for events */
	uint64_t seen;               /* the next event wanted */
	int status;                  /* of the last run that ended */
};

/* A folder and nothing in it yet. */
void live_open(struct live *);
/* Kills what still runs, with all its processes. */
void live_close(struct live *);

/*
 * Write the config: the members of the root, without braces, may hold
 * %(fixtures)s for the folder of badly behaved children. name and state_dir
 * are added.
 */
void live_config(struct live *, const char *members);
/* Start `reeve run` and connect. False: it ended (live.status says how). */
bool live_run(struct live *);
bool live_connect(struct live *, int timeout_ms);
/* Wait for the end of the run: its exit status, -1 when it does not come. */
int live_wait(struct live *, int timeout_ms);
/* Ask for a shutdown and wait. */
int live_stop(struct live *);

/* All of the above: a folder, this config, `reeve run` on it. */
void live_begin(struct live *, const char *members);
/* ... a stop in order, a whole log with an end for each life, no folder. */
void live_end(struct live *);

/* Ask; the result, or NULL when refused. The caller's to json_decref. */
json_t *live_call(struct live *, const char *method, const char *params);
/* A number that the runtime tells of itself. */
int64_t live_info(struct live *, const char *key);
/* The unit's object of status. */
json_t *live_status(struct live *, const char *path);
bool live_is(struct live *, const char *path, const char *state);
/* The pid of a unit without a process: a signal to it goes nowhere. */
#define LIVE_NOBODY INT_MAX
pid_t live_pid(struct live *, const char *path);
/* Wait until there is no such unit. */
bool live_went(struct live *, const char *path);

/*
 * The next event of this kind about this path (NULL: any), from where the last
 * one was found on. NULL when none comes in time. json_decref.
 */
json_t *live_event(struct live *, const char *kind, const char *path, int ms);
/* The same; true, and the event dropped. */
bool live_saw(struct live *, const char *kind, const char *path);

/* Wait until `reeve run` has said this on its terminal. */
bool live_said(struct live *, const char *text);

/* One number from the database, after a sync if the runtime is up. */
int64_t live_number(struct live *, const char *sql);
/* One text; static. "" for none. */
const char *live_text(struct live *, const char *sql);

/* Run `reeve ARGS` with -c config: exit status; its output in *out (free). */
int live_reeve(struct live *, char **out, const char *args);

#endif
