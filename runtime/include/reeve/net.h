/* SPDX-License-Identifier: MIT */
/*
 * Guards: how both ends of a connection prove who they are before the first
 * message (listener.h takes them), by a key that they share, by certificates,
 * or both. Part of libreeve-net, which needs OpenSSL; where reeve was built
 * without it, this header is not installed.
 *
 *	struct reeve_key_options options = { .size = sizeof(options),
 *		.key = key, .key_length = 32, .protocol = "shop" };
 *	reeve_guard_of_key(&guard, &options, &err);
 *	listen.guard = guard; ... or connect.guard = guard;
 *
 * A guard may be used by any number of listeners and connections, in any
 * thread; each keeps it as long as it needs it.
 */
#ifndef REEVE_NET_H
#define REEVE_NET_H

#include <stdbool.h>
#include <stddef.h>

#include <reeve/error.h>
#include <reeve/listener.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_key_options {
	size_t size; /* of this struct */
	const void *key;
	size_t key_length;    /* 1 to 1024; random ones of 32 are good */
	const char *protocol; /* what is spoken, the same on both sides */
};

/*
 * Each side sends 32 random bytes, and answers the other's with a MAC (HMAC of
 * SHA-256) of both, of which side it is, and of the protocol's name. So the key
 * never goes over the wire, an answer is good for that one connection and side,
 * and a listener for another purpose with the same key is not mistaken for
 * ours. Where the keys differ both sides get REEVE_EAUTH.
 *
 * This proves who connects; it does not hide what is said, nor keep one who
 * sits in the middle of the wire from changing it. On one machine there is
 * none; across machines use it with certificates. A key that can be guessed can
 * be tried out on what was heard: use random ones.
 *
 * The key is copied. REEVE_EINVALID: it is empty or too long, or the name is
 * longer than 255 bytes; REEVE_ENOMEM.
 */
REEVE_PUBLIC enum reeve_status reeve_guard_of_key(struct reeve_guard **,
    const struct reeve_key_options *, struct reeve_error *) REEVE_MUST_CHECK;

struct reeve_tls_options {
	size_t size; /* of this struct */
	/* ours, as PEM, both or neither; a listener has to have them */
	const char *certificate_file;
	const char *key_file;
	/* whom we believe, as PEM; NULL: whom the system does */
	const char *authority_file;
	/* the listener's name in its certificate; NULL: the host's */
	const char *peer_name;
	/* listeners: clients have to have a certificate, too */
	bool asks_clients;
	/* after that, inside: a guard of a key, bound to this connection */
	struct reeve_guard *then;
};

/*
 * TLS 1.3 for connections over TCP: what is said is hidden and cannot be
 * changed, and the listener is who its certificate says. Wrong certificates are
 * REEVE_EAUTH on both sides. An end that nobody announced is REEVE_EBROKEN, not
 * REEVE_EEND, since anybody on the wire can make one. Such a connection cannot
 * be handed over, and has no handles in its messages.
 *
 * All files are read now. REEVE_EINVALID: `then` is no guard of a key; a file
 * says nothing usable (err says which), the key is not of the certificate, or
 * asks for a password; peer_name has not 1 to 255 bytes. REEVE_EFAILED: there
 * is no TLS 1.3. REEVE_ENOMEM.
 */
REEVE_PUBLIC enum reeve_status reeve_guard_of_tls(struct reeve_guard **,
    const struct reeve_tls_options *, struct reeve_error *) REEVE_MUST_CHECK;

/* Who uses it still keeps it. NULL is fine. */
REEVE_PUBLIC void reeve_guard_free(struct reeve_guard *);

#ifdef __cplusplus
}
#endif

#endif
