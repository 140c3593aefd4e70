/* SPDX-License-Identifier: MIT */
/*
 * What key.c and tls.c share: guards that are counted, and the greeting by a
 * key, which goes over any way of bytes.
 */
#ifndef RV_NET_PRIV_H
#define RV_NET_PRIV_H

#include <reeve/net.h>

#include "base/base.h"
#include "conn/transport.h"

#define RV_NONCE_BYTES 32
#define RV_MAC_BYTES   32

/* Each kind of guard begins with it. */
struct rv_net_guard {
	struct reeve_guard guard;
	_Atomic unsigned refs;
	void (*destroy)(struct rv_net_guard *);
};

void rv_net_guard_init(struct rv_net_guard *, const struct rv_guard_ops *,
    void (*destroy)(struct rv_net_guard *));
struct reeve_guard *rv_net_guard_ref(struct reeve_guard *);
void rv_net_guard_unref(struct reeve_guard *);

/* A guard of a key, or NULL. */
struct rv_key_guard;
struct rv_key_guard *rv_key_guard_of(struct reeve_guard *);

struct rv_key_greeting;

/*
 * Over these bytes, which stay the caller's; `binding` is what only the two
 * ends of this connection know, or NULL. NULL: no memory, or no randomness.
 */
struct rv_key_greeting *rv_key_greeting_new(struct rv_key_guard *,
    const struct rv_transport_ops *, void *ctx, int fd, bool is_server,
    const unsigned char *binding, size_t binding_bytes);
enum reeve_status rv_key_greeting_step(struct rv_key_greeting *, short *events,
    struct reeve_error *) RV_MUST_CHECK;
void rv_key_greeting_free(struct rv_key_greeting *);

#endif
