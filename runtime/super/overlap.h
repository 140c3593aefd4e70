/* SPDX-License-Identifier: MIT */
/*
 * Two generations of a worker at a time: a reload or a restart starts the next
 * one beside the one that serves (`rising`), the two exchange their lives when
 * it is ready, and the old one, beside now, is stopped (`draining`) within its
 * bounds. A node that stands aside has the path of the one beside which it
 * stands, and nobody but the core and the launcher sees it.
 */
#ifndef RV_SUPER_OVERLAP_H
#define RV_SUPER_OVERLAP_H

#include "base/list.h"
#include "base/time.h"
#include "config/spec.h"
#include "core/core.h"
#include "loop/loop.h"

struct rv_node;
struct rv_super;

/* What a node has that stands aside. */
struct rv_aside {
	struct rv_list link; /* in rising or draining, oldest first */
	struct rv_node *node;
	struct rv_node *beside; /* NULL: that is gone */
	struct rv_policy policy;
	rv_time since; /* of draining; 0: it rises */
	bool asked;    /* by an operator, not by a reload */
	bool cut;      /* it was killed for its age, size or number */
};

struct rv_overlaps {
	struct rv_list rising, draining;
	struct rv_defer soon;
	struct rv_tick tick; /* while anything drains */
};

/* How it stands between the two of them, and what follows. */
struct rv_overlap_view {
	bool old_goes;   /* retired, or its node is gone */
	bool old_wanted; /* shall be up */
	bool old_up;     /* RUNNING */
	bool new_ready;
	bool new_failed; /* at rest */
};
enum rv_overlap_step {
	RV_OVERLAP_WAIT,
	RV_OVERLAP_TAKE_OVER, /* the two exchange their lives */
	RV_OVERLAP_ROLL_BACK, /* the new one goes, the old one stays */
	RV_OVERLAP_GIVE_IN,   /* the same, and the old one gets the new spec */
	RV_OVERLAP_DROP,      /* the new one goes, nothing else is left */
};
enum rv_overlap_step rv_overlap_judge(const struct rv_overlap_view *);

void rv_overlaps_init(struct rv_super *);
void rv_overlaps_finish(struct rv_super *);

/* May this worker be replaced so, by what this spec says? */
bool rv_overlap_may(const struct rv_node *, const struct rv_spec *);
/* A node for the next generation, not yet in the tree; NULL without memory. */
struct rv_node *rv_overlap_make(struct rv_super *, struct rv_node *beside,
    const struct rv_spec *, struct rv_conf *);
/* Let it rise; the core must have room for it. why: static. */
void rv_overlap_begin(struct rv_node *next, bool asked);
/* The one that rises beside this, or NULL. */
struct rv_node *rv_overlap_rising(const struct rv_node *);
/* It is not needed any more: it goes, whatever it has come to. */
void rv_overlap_drop(struct rv_node *next);
/* A fresh conf says the same as before of one that rises. */
void rv_overlap_adjust(
    struct rv_node *next, const struct rv_spec *, struct rv_conf *);

/* Something about this unit has changed. */
void rv_overlap_changed(struct rv_node *);
/* This node, of either kind, is about to be freed. */
void rv_overlap_forget(struct rv_node *);

/* A restart by an operator: false where it is to be done as ever. */
bool rv_overlap_restart(struct rv_super *, struct rv_unit *);

#endif
