/* SPDX-License-Identifier: MIT */
/* Texts of addresses, and who is at the other end of a unix socket. */
#include "config.h"

#include "conn/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "conn/transport.h"

#define PORT_MAX 65535

static enum reeve_status
parse_unix(struct rv_address *a, const char *text, bool may_be_abstract,
    struct reeve_error *err)
{
	size_t len = strlen(text);

	a->is_unix = true;
	a->is_abstract = text[0] == '@';
	if (a->is_abstract && !may_be_abstract) {
		return rv_error(err, REEVE_EINVALID,
		    "\"unix:%s\" has no file, so any user can take it: ask "
		    "for that by REEVE_ADDRESS_ABSTRACT",
		    text);
	}
	if (len < 1 || (a->is_abstract && len < 2) ||
	    len >= sizeof(a->path.sun_path)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot use \"unix:%s\": a path has 1 to %zu bytes", text,
		    sizeof(a->path.sun_path) - 1);
	}
	a->path.sun_family = AF_UNIX;
	memcpy(a->path.sun_path, text, len);
	a->path_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (a->is_abstract) {
		a->path.sun_path[0] = '\0';
	} else {
		a->path_len++;
	}
	return REEVE_OK;
}

static enum reeve_status
parse_tcp(struct rv_address *a, const char *text, struct reeve_error *err)
{
	const char *colon = strrchr(text, ':');
	const char *host = text, *end = colon;

	if (colon != NULL && text[0] == '[' && colon > text &&
	    colon[-1] == ']') {
		host++;
		end--;
	}
	if (colon == NULL || end < host ||
	    (size_t)(end - host) >= sizeof(a->host) || colon[1] == '\0' ||
	    strlen(colon + 1) > 5 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strtoul(colon + 1, NULL, 10) > PORT_MAX) {
		return rv_error(err, REEVE_EINVALID,
		    "\"tcp:%s\" is not of the form tcp:HOST:PORT, with a "
		    "number from 0 to %d as port",
		    text, PORT_MAX);
	}
	memcpy(a->host, host, (size_t)(end - host));
	memcpy(a->port, colon + 1, strlen(colon + 1));
	return REEVE_OK;
}

enum reeve_status
rv_address_parse(struct rv_address *a, const char *text, bool may_be_abstract,
    struct reeve_error *err)
{
	memset(a, 0, sizeof(*a));
	if (text != NULL && strncmp(text, "unix:", 5) == 0) {
		return parse_unix(a, text + 5, may_be_abstract, err);
	}
	if (text != NULL && strncmp(text, "tcp:", 4) == 0) {
		return parse_tcp(a, text + 4, err);
	}
	return rv_error(err, REEVE_EINVALID,
	    "\"%s\" is no address: unix:PATH or tcp:HOST:PORT",
	    text != NULL ? text : "");
}

static void
write_tcp(const struct sockaddr_storage *at, socklen_t len,
    char text[RV_ADDRESS_BYTES])
{
	char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "0";
	bool is_six;

	(void)getnameinfo((const struct sockaddr *)at, len, host, sizeof(host),
	    port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	is_six = strchr(host, ':') != NULL;
	(void)snprintf(text, RV_ADDRESS_BYTES, "tcp:%s%.*s%s:%.*s",
	    is_six ? "[" : "", 255, host, is_six ? "]" : "", 15, port);
}

void
rv_address_of(int fd, char text[RV_ADDRESS_BYTES])
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);

	memset(&at, 0, sizeof(at));
	(void)getsockname(fd, (struct sockaddr *)&at, &len);
	write_tcp(&at, len, text);
}

void
rv_address_of_peer(int fd, bool is_unix, char text[RV_ADDRESS_BYTES])
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	struct ucred peer = { 0 };

	memset(&at, 0, sizeof(at));
	if (is_unix) {
		len = sizeof(peer);
		(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
		(void)snprintf(text, RV_ADDRESS_BYTES, "process %d of user %u",
		    (int)peer.pid, (unsigned)peer.uid);
	} else {
		(void)getpeername(fd, (struct sockaddr *)&at, &len);
		write_tcp(&at, len, text);
	}
}

enum reeve_status
rv_address_check_options(const struct rv_address *a, uint32_t flags,
    const uid_t *users, size_t n_users, struct reeve_guard *guard,
    bool is_server, struct reeve_error *err)
{
	if ((flags & ~(uint32_t)(REEVE_ADDRESS_ABSTRACT |
				 REEVE_ADDRESS_ANY_USER)) != 0) {
		return rv_error(
		    err, REEVE_EINVALID, "there are no flags 0x%x", flags);
	}
	if (users == NULL && n_users > 0) {
		return rv_error(err, REEVE_EINVALID,
		    "users is NULL, and n_users is %zu", n_users);
	}
	if (guard == NULL) {
		return REEVE_OK;
	}
	if (guard->ops->version != RV_TRANSPORT_VERSION) {
		return rv_error(err, REEVE_EINVALID,
		    "libreeve-net and libreeve-ipc are of different versions");
	}
	return guard->ops->suits(guard, is_server, !a->is_unix, a->host, err);
}

enum reeve_status
rv_address_check_user(
    int fd, const uid_t *users, size_t n, struct reeve_error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		return rv_error_sys(err, errno, "cannot tell who connects");
	}
	if (peer.uid == geteuid() || peer.uid == 0) {
		return REEVE_OK;
	}
	for (size_t i = 0; i < n; i++) {
		if (users[i] == peer.uid) {
			return REEVE_OK;
		}
	}
	return rv_error(err, REEVE_EAUTH,
	    "process %d of user %u is at the other end, who is not allowed",
	    (int)peer.pid, (unsigned)peer.uid);
}
