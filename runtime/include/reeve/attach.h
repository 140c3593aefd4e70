/* SPDX-License-Identifier: MIT */
/*
 * Pools of a config file: for each child with "pool" (reeve.conf(5)) a pool,
 * kept in step with the file, to which everybody submits who may use the
 * control socket of the runtime: `reeve submit`, reeve_client_submit, any
 * JSON-RPC client. Part of libreeve-pool.
 *
 *	struct reeve_options options = { .size = sizeof(options),
 *	    .config_file = "shop.json", .pools = true };
 *
 *	reeve_create(&reeve, &options, &err);
 *	reeve_pools_attach(&pools, reeve, NULL, &err);
 *	for (;;) {
 *		struct pollfd p[] = { { reeve_fd(reeve), POLLIN, 0 },
 *		    { reeve_pools_fd(pools), POLLIN, 0 } };
 *		poll(p, 2, -1);
 *		reeve_dispatch(reeve, &err);
 *		reeve_pools_dispatch(pools, &err);
 *	}
 *
 * A reload that changes min or max resizes a pool. Any other change lets the
 * old one come to its end, and what is submitted meanwhile waits for the new
 * one; so does removal, but for what is submitted then, which is refused.
 *
 * All belongs to the thread of the runtime; none of it waits but detach, which
 * kills.
 */
#ifndef REEVE_ATTACH_H
#define REEVE_ATTACH_H

#include <stddef.h>
#include <stdint.h>

#include <reeve/pool.h>
#include <reeve/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_pools;

/* Zero is the default throughout. */
struct reeve_pools_options {
	size_t size; /* sizeof(struct reeve_pools_options) */
	/* a line for a person: a pool could not be made, and why */
	void (*notice)(void *ctx, const char *text);
	void *ctx;
	/*
	 * Results that nobody fetches are kept, so many bytes of them [64 MiB]
	 * and so many [100000]; then the oldest is dropped.
	 */
	uint64_t max_kept_bytes, max_kept;
};

/*
 * Make the pools of this runtime's config, and serve pool.submit, pool.result,
 * pool.cancel and pool.stats (reeve-control(7)) from now on. Options may be
 * NULL. That one pool cannot be made is told by `notice`, and to whoever
 * submits to it. REEVE_EINVALID: the runtime was made without
 * reeve_options.pools; REEVE_EEXIST: it has pools attached already;
 * REEVE_ENOMEM, REEVE_ESYS.
 */
REEVE_PUBLIC enum reeve_status reeve_pools_attach(struct reeve_pools **out,
    struct reeve *, const struct reeve_pools_options *,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Not from a callback. What waits is refused, what runs is killed. NULL is
 * fine. When the runtime was destroyed before, all that had come to its end
 * then, and this frees what is left.
 */
REEVE_PUBLIC void reeve_pools_detach(struct reeve_pools *);

/* Poll this for reading, always the same, and dispatch then; it never waits. */
REEVE_PUBLIC int reeve_pools_fd(struct reeve_pools *);
/* REEVE_EBUSY: from a callback. */
REEVE_PUBLIC enum reeve_status reeve_pools_dispatch(
    struct reeve_pools *, struct reeve_error *);

/*
 * The pool at this path, for the host's own tasks; it stays the attachment's,
 * and is another one after a reload that changed it. NULL: there is none now.
 */
REEVE_PUBLIC struct reeve_pool *reeve_pools_find(
    struct reeve_pools *, const char *path);

#ifdef __cplusplus
}
#endif

#endif
