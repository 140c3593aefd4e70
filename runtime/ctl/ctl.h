/* SPDX-License-Identifier: MIT */
/*
 * The control socket of a runtime: JSON-RPC 2.0, one message a line, for the
 * owner of the runtime and root. Lives in the runtime's thread on its loop;
 * every buffer is bounded, and no client can hold anything up. The face opens
 * it after rv_super_create and closes it before rv_super_destroy.
 */
#ifndef RV_CTL_H
#define RV_CTL_H

#include "super/super.h"

struct rv_ctl;

/* Listen on RUNTIME_DIR/control.sock; the runtime's lock is held already. */
enum reeve_status rv_ctl_open(
    struct rv_ctl **, struct rv_super *, struct reeve_error *) RV_MUST_CHECK;
/*
 * Tell those who wait that the runtime has ended, hand out the last events as
 * far as sockets take them at once, remove the socket. NULL is fine; not from
 * a callback of the runtime.
 */
void rv_ctl_close(struct rv_ctl *);

#endif
