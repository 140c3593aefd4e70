/* SPDX-License-Identifier: MIT */
/*
 * The pages of the present lives (child/page.h), mapped read-only: taken when
 * a worker sends one, scanned for beats, given up at the end of its life. For
 * this folder; what stands in a page's trouble is exceptions.c's.
 */
#ifndef RV_SUPER_PAGES_H
#define RV_SUPER_PAGES_H

#include <sys/types.h>

#include "base/base.h"
#include "base/time.h"
#include "loop/loop.h"

struct rv_node;
struct rv_super;

/* One that must beat: all that a scan touches, side by side. */
struct rv_page_watch {
	const uint64_t *beats; /* in the page */
	uint64_t seen;
	rv_time changed_at; /* when `seen` was seen first; 0: no beat yet */
	rv_time interval;
};

struct rv_pages {
	struct rv_page_watch *watches;
	struct rv_node **owners; /* by index of watches */
	size_t n, room;
	struct rv_tick tick; /* armed while n > 0 */
	rv_time period;
	bool silent; /* one of them may have been reported as silent */
};

/* What a node has of the page of its life. */
struct rv_node_page {
	const void *map; /* NULL: none */
	dev_t dev;       /* of the memory */
	ino_t ino;
	uint32_t beats_at;
	uint32_t watch;  /* 1 + its index in watches; 0: not watched */
	uint32_t told;   /* number of the trouble that was told last */
	uint32_t untold; /* troubles that were too many */
	uint32_t tokens; /* for reports; see exceptions.c */
	rv_time filled_at;
};

void rv_pages_init(struct rv_super *);
void rv_pages_finish(struct rv_super *);
/* Room for this many; false without memory. */
bool rv_pages_make_room(struct rv_super *, size_t units);

/* The worker of this life has sent its page; the descriptor is ours now. */
void rv_pages_take(void *super, uint64_t life, int fd);
/*
 * It was looked at: what need not be looked at soon again leaves our memory.
 * The first part of one that must beat stays, for the scan.
 */
void rv_pages_rest(const struct rv_node *);
/* Unmap; NULL from here on. */
void rv_pages_drop(struct rv_node *);
/* Its heartbeat interval may be another now: watch it, or do not any more. */
void rv_pages_watch(struct rv_node *);
/* Two nodes exchange their lives: so do the watches. */
void rv_pages_swap(struct rv_node *, struct rv_node *);
/* Somebody is about to judge it: tell the core of the last beat first. */
void rv_pages_tell_beat(struct rv_node *);
/* When its last beat was seen; 0: not watched, or none. */
rv_time rv_pages_last_beat(const struct rv_node *);

#endif
