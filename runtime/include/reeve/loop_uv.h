/* SPDX-License-Identifier: MIT */
/*
 * A runtime on a libuv loop: one poll handle.
 *
 *	struct reeve_on_uv on = { .reeve = reeve, .loop = uv_default_loop() };
 *	if (reeve_on_uv_start(&on) != 0)
 *		...
 *
 * All inline; the library knows nothing of it. One handle is enough: the
 * runtime's descriptor becomes readable at its deadline, too. As <uv.h> does,
 * it needs the compiler's GNU or POSIX mode (-std=gnu11, or _GNU_SOURCE).
 */
#ifndef REEVE_LOOP_UV_H
#define REEVE_LOOP_UV_H

#include <uv.h>

#include <reeve/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's memory, until `closed`. Set the first five, zero the rest. */
struct reeve_on_uv {
	struct reeve *reeve;
	uv_loop_t *loop;
	/* dispatch failed: the runtime is closed, the handle stopped */
	void (*failed)(struct reeve_on_uv *, const struct reeve_error *);
	/* libuv has let go of the handle: the memory is free; may be NULL */
	void (*closed)(struct reeve_on_uv *);
	void *ctx;
	uv_poll_t poll;
	bool started;
};

static inline void
reeve_on_uv_closed(uv_handle_t *handle)
{
	struct reeve_on_uv *on = (struct reeve_on_uv *)handle->data;

	if (on->closed) {
		on->closed(on);
	}
}

/*
 * Call it before reeve_destroy; twice is fine, also from callbacks. The memory
 * is libuv's until `closed`, in a later turn of the loop.
 */
static inline void
reeve_on_uv_stop(struct reeve_on_uv *on)
{
	if (on->started) {
		on->started = false;
		uv_close((uv_handle_t *)&on->poll, reeve_on_uv_closed);
	}
}

static inline void
reeve_on_uv_ready(uv_poll_t *handle, int status, int events)
{
	struct reeve_on_uv *on = (struct reeve_on_uv *)handle->data;
	struct reeve_error err;

	(void)status;
	(void)events;
	/* Behind a dispatch that went well `on` may be gone. */
	if (reeve_dispatch(on->reeve, &err) != REEVE_OK) {
		reeve_on_uv_stop(on);
		if (on->failed) {
			on->failed(on, &err);
		}
	}
}

/* The runtime was created without a loop of its own. 0, or libuv's error. */
static inline int
reeve_on_uv_start(struct reeve_on_uv *on)
{
	int failure = uv_poll_init(on->loop, &on->poll, reeve_fd(on->reeve));

	if (failure == 0) {
		on->started = true;
		on->poll.data = on;
		failure =
		    uv_poll_start(&on->poll, UV_READABLE, reeve_on_uv_ready);
	}
	if (failure != 0) {
		reeve_on_uv_stop(on);
	}
	return failure;
}

#ifdef __cplusplus
}
#endif

#endif
