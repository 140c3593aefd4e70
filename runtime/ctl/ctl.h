/* SPDX-License-Identifier: MIT */
/*
 * The control socket of a runtime: JSON-RPC 2.0, one message a line, for the
 * owner of the runtime and root. Lives in the runtime's thread on its loop;
 * every buffer is bounded, and no client can hold anything up. The face opens
 * it after rv_super_create and closes it before rv_super_destroy.
 */
#ifndef RV_CTL_H
#define RV_CTL_H

#include <reeve/control.h>

#include "super/super.h"

struct rv_ctl;

/* A method of the host's own. */
struct rv_ctl_hosted {
	const char *name;
	const char *params, *doc; /* for people; may be NULL */
	bool changes;
	/* In the midst of a client's turn; ctx, fn and on_gone are whose they
	 * are, and not looked at. */
	void (*asked)(
	    const struct rv_ctl_hosted *, const struct reeve_control_request *);
	void (*gone)(const struct rv_ctl_hosted *, uint64_t request);
	struct reeve *reeve;
	reeve_control_fn *fn;
	void (*on_gone)(void *ctx, uint64_t request);
	void *ctx;
};

/* Listen on RUNTIME_DIR/control.sock; the runtime's lock is held already. */
enum reeve_status rv_ctl_open(
    struct rv_ctl **, struct rv_super *, struct reeve_error *) RV_MUST_CHECK;
/*
 * Tell those who wait that the runtime has ended, hand out the last events as
 * far as sockets take them at once, remove the socket. NULL is fine; not from
 * a callback of the runtime.
 */
void rv_ctl_close(struct rv_ctl *);

/* As <reeve/control.h> has them; strings are copied. */
enum reeve_status rv_ctl_host(struct rv_ctl *, const struct rv_ctl_hosted *,
    struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_ctl_unhost(
    struct rv_ctl *, const char *name, struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_ctl_answer(struct rv_ctl *, uint64_t request,
    const char *json, struct reeve_error *) RV_MUST_CHECK;
enum reeve_status rv_ctl_fail(struct rv_ctl *, uint64_t request,
    enum reeve_status, const char *text, struct reeve_error *) RV_MUST_CHECK;

#endif
