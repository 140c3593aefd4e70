/* SPDX-License-Identifier: MIT */
/*
 * A runtime on a libev loop from outside: one watcher of the host's own copy
 * of libev. Where host and library share one libev, `.loop` of struct
 * reeve_options does it without this; this header is for hosts that have
 * compiled one into themselves.
 *
 *	struct reeve_on_ev on = { .reeve = reeve, .loop = EV_DEFAULT };
 *	reeve_on_ev_start(&on);
 *
 * All inline; the library knows nothing of it. One watcher is enough: the
 * runtime's descriptor becomes readable at its deadline, too.
 */
#ifndef REEVE_LOOP_EV_H
#define REEVE_LOOP_EV_H

#include <string.h>

#include <ev.h>

#include <reeve/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's memory, until stop. Set the first four, zero the rest. */
struct reeve_on_ev {
	struct reeve *reeve;
	struct ev_loop *loop;
	/* dispatch failed: the runtime is closed, the watcher stopped */
	void (*failed)(struct reeve_on_ev *, const struct reeve_error *);
	void *ctx;
	ev_io io;
};

/* Call it before reeve_destroy; twice is fine, also from callbacks. */
static inline void
reeve_on_ev_stop(struct reeve_on_ev *on)
{
	ev_io_stop(on->loop, &on->io);
}

static inline void
reeve_on_ev_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct reeve_on_ev *on = (struct reeve_on_ev *)io->data;
	struct reeve_error err;

	(void)loop;
	(void)events;
	/* Behind a dispatch that went well `on` may be gone. */
	if (reeve_dispatch(on->reeve, &err) != REEVE_OK) {
		reeve_on_ev_stop(on);
		if (on->failed) {
			on->failed(on, &err);
		}
	}
}

/* The runtime was created without a loop of its own. */
static inline void
reeve_on_ev_start(struct reeve_on_ev *on)
{
	memset(&on->io, 0, sizeof(on->io));
	ev_io_init(&on->io, reeve_on_ev_ready, reeve_fd(on->reeve), EV_READ);
	on->io.data = on;
	ev_io_start(on->loop, &on->io);
}

#ifdef __cplusplus
}
#endif

#endif
