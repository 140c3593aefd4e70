/* SPDX-License-Identifier: MIT */
/*
 * The job in the event log: a runtime without units, whose records outlive us.
 * "map" is the job itself, "map/17" its 17th command.
 */
#ifndef REEVE_MAP_LOG_H
#define REEVE_MAP_LOG_H

#include <limits.h>

#include <reeve/reeve.h>

#include "tools/map/map.h"

#define MAP_TEXT_MAX   512  /* bytes of an item in the log */
#define MAP_OUTPUT_MAX 4096 /* and of its last output */

/* What an earlier run left. */
enum map_past_state {
	MAP_PAST_NONE,
	MAP_PAST_STARTED,
	MAP_PAST_ENDED,
	MAP_PAST_FAILED,
	MAP_PAST_GIVEN_UP,
};

struct map_past_item {
	uint64_t key : 61;
	uint64_t state : 3;
};
#define MAP_KEY_MASK ((UINT64_C(1) << 61) - 1)

struct map_past {
	struct map_past_item *items; /* by number - 1 */
	size_t n, cap;
	uint64_t *texts; /* keys of those that ended, sorted; by text only */
	size_t n_texts, cap_texts;
	unsigned runs; /* since it was begun anew; 0: none is known */
	bool unfinished;
	bool cut;     /* the log goes not back to the beginning */
	uint64_t key; /* of the command */
	char *command;
	uint64_t ended, failed, open; /* open: begun, and no end */
};

struct map_log {
	struct reeve *reeve;
	char name[128];
	char state_dir[PATH_MAX], runtime_dir[PATH_MAX];
	bool named, existed;
	bool settled, finished;
	int signals; /* that interrupt waiting for room */
	/* There was no room for the last record, and is none yet. */
	bool full;
	char failure[256]; /* of its disk: why; "" when there is none */
};

/* 0, or the exit status: said. */
int map_log_open(struct map_log *, const struct map_options *);
/* The job's earlier runs; without `all` only whether the last one finished. */
int map_log_past(struct map_log *, struct map_past *, bool all);
void map_past_finish(struct map_past *);
/* State by number, or by text; *changed: that number had another text. */
enum map_past_state map_past_of(const struct map_past *, uint64_t number,
    uint64_t key, bool by_text, bool *changed);

enum map_recorded {
	MAP_RECORDED,
	MAP_NO_ROOM,
	MAP_NOT_RECORDED, /* said */
};
enum map_recorded map_log_try(struct map_log *, const struct reeve_record *);
/* The same, and room is waited for: until a signal comes, or, where the disk
 * fails, not for long. */
enum map_recorded map_log_record(struct map_log *, const struct reeve_record *);
int map_log_fd(const struct map_log *);
void map_log_turn(struct map_log *);
/* The end; remove: nothing of it shall stay. */
void map_log_close(struct map_log *, bool remove);

/* Of the command and what else makes it this job. */
uint64_t map_job_key(const struct map_options *);

#endif
