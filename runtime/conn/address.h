/* SPDX-License-Identifier: MIT */
/*
 * Addresses as texts, and as the kernel has them. Called by listener.c and
 * connect.c.
 */
#ifndef RV_CONN_ADDRESS_H
#define RV_CONN_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include <reeve/listener.h>

#include "base/base.h"

#define RV_ADDRESS_BYTES 320

struct rv_address {
	bool is_unix, is_abstract;
	struct sockaddr_un path; /* unix */
	socklen_t path_len;
	char host[256], port[16]; /* tcp */
};

/* REEVE_EINVALID: it is none. */
enum reeve_status rv_address_parse(struct rv_address *, const char *text,
    bool may_be_abstract, struct reeve_error *) RV_MUST_CHECK;

/* What a socket of TCP is bound to, as a text. */
void rv_address_of(int fd, char text[RV_ADDRESS_BYTES]);

/* Who is at the other end of a connection, as a text. */
void rv_address_of_peer(int fd, bool is_unix, char text[RV_ADDRESS_BYTES]);

/* The other side of a unix socket may be taken: REEVE_OK or REEVE_EAUTH. */
/*
 * What listening and connecting are told alike. REEVE_EINVALID: flags that are
 * none, users of which there is no list, or a guard that can greet nobody
 * there.
 */
enum reeve_status rv_address_check_options(const struct rv_address *,
    uint32_t flags, const uid_t *users, size_t n_users, struct reeve_guard *,
    bool is_server, struct reeve_error *) RV_MUST_CHECK;

enum reeve_status rv_address_check_user(
    int fd, const uid_t *users, size_t n, struct reeve_error *) RV_MUST_CHECK;

#endif
