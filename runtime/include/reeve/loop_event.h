/* SPDX-License-Identifier: MIT */
/*
 * A runtime on a libevent base (2.0 or later): one persistent event.
 *
 *	struct reeve_on_event on = { .reeve = reeve, .base = base };
 *	if (reeve_on_event_start(&on) != 0)
 *		errx(1, "%s", on.why);
 *
 * Link libevent before libreeve (-levent -lreeve): libev, which libreeve uses,
 * has functions of the same names, and the first one counts.
 *
 * All inline; the library knows nothing of it. One event is enough: the
 * runtime's descriptor becomes readable at its deadline, too.
 */
#ifndef REEVE_LOOP_EVENT_H
#define REEVE_LOOP_EVENT_H

#include <event2/event.h>

#include <reeve/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's memory, until stop. Set the first four, zero the rest. */
struct reeve_on_event {
	struct reeve *reeve;
	struct event_base *base;
	/* dispatch failed: the runtime is closed, the event deleted */
	void (*failed)(struct reeve_on_event *, const struct reeve_error *);
	void *ctx;
	struct event *event;
	const char *why; /* static: after a start that failed */
};

/* Call it before reeve_destroy; twice is fine, also from callbacks. */
static inline void
reeve_on_event_stop(struct reeve_on_event *on)
{
	if (on->event) {
		event_free(on->event);
		on->event = NULL;
	}
}

static inline void
reeve_on_event_ready(evutil_socket_t fd, short events, void *arg)
{
	struct reeve_on_event *on = (struct reeve_on_event *)arg;
	struct reeve_error err;

	(void)fd;
	(void)events;
	/* Behind a dispatch that went well `on` may be gone. */
	if (reeve_dispatch(on->reeve, &err) != REEVE_OK) {
		reeve_on_event_stop(on);
		if (on->failed) {
			on->failed(on, &err);
		}
	}
}

/* 0; or -1, and `why` says what is wrong, in words. */
static inline int
reeve_on_event_start(struct reeve_on_event *on)
{
	int fd = reeve_fd(on->reeve);

	on->why = NULL;
	on->event = NULL;
	if (fd == -1) {
		on->why = "cannot poll the runtime: it is none of this "
			  "process's, or was created with a libev loop";
		return -1;
	}
	if (on->base) {
		on->event = event_new(on->base, fd, EV_READ | EV_PERSIST,
		    reeve_on_event_ready, on);
	}
	if (!on->event || event_add(on->event, NULL) != 0) {
		reeve_on_event_stop(on);
		on->why = on->base
			      ? "cannot poll the runtime: libevent refuses it"
			      : "cannot poll the runtime: the base is NULL";
		return -1;
	}
	return 0;
}

#ifdef __cplusplus
}
#endif

#endif
