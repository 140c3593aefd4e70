/* SPDX-License-Identifier: MIT */
/*
 * Connections by address. Part of libreeve-ipc.
 *
 *	unix:/path         a socket file; whole messages, handles within them
 *	tcp:host:port      framed in a stream; port 0: any that is free
 *	tcp:[::1]:port     host of IPv6; tcp::port listens at all addresses
 *	unix:@name         a name without a file, which anybody on the machine
 *	                   may take first: only with REEVE_ADDRESS_ABSTRACT
 *
 *	reeve_conn_listen(&listener, "unix:/run/shop.sock", NULL, &err);
 *	reeve_conn_accept(&conn, listener, REEVE_FOREVER, &err);
 *
 *	reeve_conn_connect(
 *	    &conn, "unix:/run/shop.sock", NULL, REEVE_S(5), &err);
 *
 * On one machine each side looks whether the other runs as its own user or as
 * root, unless told whom else to take. Over TCP anybody may connect: give both
 * sides a guard, which is a key they share or certificates (net.h, in
 * libreeve-net). Both need one of the same kind: a client without one is
 * connected, and finds out by its first receive (REEVE_EPROTO, REEVE_EBROKEN);
 * one with a guard waits in vain for a listener without one to greet it, until
 * REEVE_ETIMEDOUT.
 */
#ifndef REEVE_LISTENER_H
#define REEVE_LISTENER_H

#include <reeve/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_listener;
struct reeve_guard;

enum reeve_address_flags {
	REEVE_ADDRESS_ABSTRACT = 1, /* unix:@name may be */
	REEVE_ADDRESS_ANY_USER = 2, /* unix: whoever it is */
};

struct reeve_listen_options {
	size_t size; /* of this struct */
	uint32_t flags;
	uint32_t backlog;   /* who may wait to be accepted; 0: 64 */
	uint32_t greetings; /* at a time, see reeve_conn_accept; 0: 64 */
	uint32_t mode;      /* of the socket file; 0: 0600, with others 0666 */
	const uid_t *users; /* besides our own and root */
	size_t n_users;
	struct reeve_guard *guard; /* kept until the listener is freed */
	int64_t greeting_timeout;  /* of one client; 0: ten seconds */
};

/*
 * Listen there. The socket file of a listener that died is replaced; that of
 * one that lives is REEVE_EBUSY, as is a port in use, and what is no socket is
 * left alone (REEVE_EEXIST). To see whether it lives it is connected to, which
 * that listener may take for a client that left at once. REEVE_EINVALID: no
 * such address or options, or the guard can never greet there (certificates are
 * for TCP, and a listener has to have one); REEVE_ENOMEM; REEVE_ESYS. One
 * process accepts: the listener is not for both sides of a fork, and its file
 * is removed in its own process alone, when it is closed or freed.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_listen(struct reeve_listener **,
    const char *address, const struct reeve_listen_options *,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * The next client that may talk; the connection is the caller's. With a guard
 * many clients are greeted at the same time, and the first that has proved who
 * it is comes out, so one that is silent or slow keeps nobody waiting; it is
 * dropped at the end of its time, or for a newer one when too many are greeted.
 *
 * REEVE_ETIMEDOUT (another thread accepts, perhaps); REEVE_ECLOSED.
 * REEVE_EAUTH: a client was refused, and err
 * says which and why: call again, the listener is as good as before. REEVE_ESYS
 * with EMFILE: no descriptor is left, the client waits. REEVE_ENOMEM: a client
 * is sent away.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_accept(struct reeve_conn **,
    struct reeve_listener *, int64_t timeout,
    struct reeve_error *) REEVE_MUST_CHECK;

/*
 * For event loops: readable when a call of reeve_conn_accept with a timeout of
 * zero may have something to do. It stays the listener's.
 */
REEVE_PUBLIC int reeve_listener_fd(const struct reeve_listener *);

/* Where it listens, with the real port; the listener's. */
REEVE_PUBLIC const char *reeve_listener_address(const struct reeve_listener *);

/* Clients that were refused, or left without having proved who they are. */
REEVE_PUBLIC uint64_t reeve_listener_refused(const struct reeve_listener *);

/*
 * Stop: accepting is REEVE_ECLOSED then. Accepted connections live on. For when
 * no other thread is inside. Twice is fine.
 */
REEVE_PUBLIC void reeve_listener_close(struct reeve_listener *);
/* Closes it, too. NULL is fine. */
REEVE_PUBLIC void reeve_listener_free(struct reeve_listener *);

struct reeve_connect_options {
	size_t size; /* of this struct */
	uint32_t flags;
	const uid_t *users; /* as whom the listener may run, too */
	size_t n_users;
	struct reeve_guard *guard;
};

/*
 * Connect, greetings included. The timeout is for all of it, but names of hosts
 * are looked up by the system in its own time. REEVE_EAUTH: the listener
 * refuses us, or is not who it should be; REEVE_EPROTO: it greets in another
 * way; REEVE_EBROKEN: it left within the greetings. REEVE_ETIMEDOUT;
 * REEVE_EINVALID: no such address or options, or the guard can never greet
 * there (certificates are for TCP, and of a host that has a name);
 * REEVE_ENOENT: nobody listens there, or there is no such host; REEVE_ENOMEM;
 * REEVE_ESYS; REEVE_EFAILED: the cryptography does not work.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_connect(struct reeve_conn **,
    const char *address, const struct reeve_connect_options *, int64_t timeout,
    struct reeve_error *) REEVE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
