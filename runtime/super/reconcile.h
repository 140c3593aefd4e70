/* SPDX-License-Identifier: MIT */
/*
 * One reload on its way: the fresh conf, which nodes stay, which units go. For
 * reload.c, which fills it in, and reconcile.c, which makes it so.
 */
#ifndef RV_SUPER_RECONCILE_H
#define RV_SUPER_RECONCILE_H

#include "base/jsonw.h"
#include "super/super_priv.h"

struct rv_reconcile {
	struct rv_super *super;
	struct rv_conf *fresh;
	struct rv_node **kept;  /* by index of fresh; NULL: a new one */
	bool *restart;          /* by index of fresh */
	bool *overlap;          /* of these: the next one beside it */
	struct rv_node **next;  /* by index of fresh: those, or NULL */
	uint32_t *built;        /* indexes of new ones whose parent was there */
	struct rv_unit **gone;  /* not in fresh, or going since before */
	struct rv_node **nodes; /* becomes super->nodes */
	uint32_t n_new, n_built, n_gone;
};

/* Make the arrays; kept, gone and counts are the caller's to fill. */
enum reeve_status rv_reconcile_begin(
    struct rv_reconcile *, struct reeve_error *) RV_MUST_CHECK;
/* Frees; drops the reference to fresh. */
void rv_reconcile_finish(struct rv_reconcile *);
/* reload.c: what differs can only be had by another process */
bool rv_reload_must_restart(
    const struct rv_spec *was, const struct rv_spec *is);
bool rv_reconcile_is_kept(const struct rv_reconcile *, const struct rv_node *);

/* All that may fail, before anything changes. */
enum reeve_status rv_reconcile_make_room(
    struct rv_reconcile *, struct reeve_error *) RV_MUST_CHECK;
/* The fresh conf is the runtime's from here on; kept nodes are of it. */
void rv_reconcile_take(struct rv_reconcile *);
/* Retire, add, order, link and replace. */
void rv_reconcile_apply(struct rv_reconcile *);

#endif
