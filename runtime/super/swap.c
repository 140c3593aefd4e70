/* SPDX-License-Identifier: MIT */
/*
 * Two nodes exchange their lives: what the core does with units, done with
 * what the edges know of them. What a life has left behind (the last end) and
 * what is told of the unit stay with the node.
 */
#include "config.h"

#include "super/super_priv.h"

#define EXCHANGE(a, b, member)                              \
	do {                                                \
		__typeof__((a)->member) hold = (a)->member; \
		(a)->member = (b)->member;                  \
		(b)->member = hold;                         \
	} while (0)

static void
exchange(struct rv_super *super, struct rv_node *a, struct rv_node *b)
{
	rv_hash_remove(&super->lives, &a->by_life);
	rv_hash_remove(&super->lives, &b->by_life);
	EXCHANGE(a, b, life);
	EXCHANGE(a, b, pid);
	EXCHANGE(a, b, start_ticks);
	EXCHANGE(a, b, unsaid);
	EXCHANGE(a, b, unsaid_to_group);
	EXCHANGE(a, b, expecting_end);
	EXCHANGE(a, b, probing);
	EXCHANGE(a, b, launched_at_us);
	EXCHANGE(a, b, status_text);
	EXCHANGE(a, b, saying);
	rv_hash_insert(&super->lives, &a->by_life, a->life);
	rv_hash_insert(&super->lives, &b->by_life, b->life);
}

bool
rv_super_swap(struct rv_super *super, struct rv_unit *a, struct rv_unit *b)
{
	struct rv_node *na = rv_node_of(a), *nb = rv_node_of(b);

	if (!rv_core_swap(super->core, a, b)) {
		return false;
	}
	RV_ASSERT(!na->in_flight && !nb->in_flight);
	exchange(super, na, nb);
	rv_pages_swap(na, nb);
	rv_super_act(super);
	return true;
}
