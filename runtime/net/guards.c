/* SPDX-License-Identifier: MIT */
/* Counting who uses a guard: its maker, listeners, connections. */
#include "config.h"

#include <stdatomic.h>

#include "net/net_priv.h"

void
rv_net_guard_init(struct rv_net_guard *base, const struct rv_guard_ops *ops,
    void (*destroy)(struct rv_net_guard *))
{
	base->guard.ops = ops;
	base->refs = 1;
	base->destroy = destroy;
}

struct reeve_guard *
rv_net_guard_ref(struct reeve_guard *guard)
{
	struct rv_net_guard *base =
	    RV_CONTAINER(guard, struct rv_net_guard, guard);

	atomic_fetch_add(&base->refs, 1);
	return guard;
}

void
rv_net_guard_unref(struct reeve_guard *guard)
{
	struct rv_net_guard *base =
	    RV_CONTAINER(guard, struct rv_net_guard, guard);

	if (atomic_fetch_sub(&base->refs, 1) == 1) {
		base->destroy(base);
	}
}

void
reeve_guard_free(struct reeve_guard *guard)
{
	if (guard != NULL) {
		rv_net_guard_unref(guard);
	}
}
