/* SPDX-License-Identifier: MIT */
/*
 * Where output comes from: a life, with one outlet (pipe) for each of its
 * streams, each of which goes into a log. The main thread makes origins, reads
 * their pipes and finally passes them to the disk thread to be freed; what is
 * the disk's is marked so. There are thousands: they are kept small.
 */
#ifndef RV_CLERK_ORIGIN_H
#define RV_CLERK_ORIGIN_H

#include <sys/types.h>

#include "base/hash.h"
#include "base/list.h"

enum rv_job_type {
	RV_JOB_BLOCK,  /* of struct rv_block: to be written */
	RV_JOB_FORGET, /* of struct rv_origin: to be freed */
};

/* What is passed to the disk thread, in order. */
struct rv_job {
	struct rv_list link;
	enum rv_job_type type;
};

/* Bytes that went nowhere. */
struct rv_drop {
	uint64_t bytes; /* 0: none */
	int64_t first_us, last_us;
};

struct rv_origin;
struct rv_log;

struct rv_outlet {
	struct rv_origin *origin;
	struct rv_log *log;  /* NULL: there is no such stream */
	struct rv_drop drop; /* thrown away unread, by the main thread */
	int fd;              /* the pipe's reading end, -1: it is done */
	bool log_ends;       /* nobody else has this log: it goes with us */
	uint8_t floods;      /* full reads; FLOODS: the pipe was made larger */
	uint8_t flood;       /* floods.c: small reads in a row */
	uint8_t turn, empty; /* floods.c: of the last; empty ones by timer */
	/* the disk's: */
	uint64_t written; /* bytes that went into the log */
	uint64_t end;     /* the log's count behind the last of them */
	struct rv_drop lost;
};

struct rv_origin {
	struct rv_job job;
	struct rv_hash_node by_life;
	struct rv_list link;   /* in open, ending or closed */
	struct rv_list unsent; /* a frame about it waits for room */
	int32_t pid;
	uint32_t uid, gid;
	uint8_t streams;   /* that it came with */
	uint8_t done;      /* streams to be told as DONE */
	bool merged, have; /* have: to be told as HAVE */
	bool ended;        /* nobody writes any more, says the launcher */
	bool pinned;       /* the disk thread looks at it */
	bool over;         /* its death is in the database */
	int notify_fd;     /* held for the next launcher, -1: none */
	struct rv_outlet outlets[2];
	char path[]; /* of the unit */
};

void rv_drop_add(struct rv_drop *, uint64_t bytes, int64_t now_us);
void rv_drop_merge(struct rv_drop *, const struct rv_drop *more);

#endif
