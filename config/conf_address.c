/* SPDX-License-Identifier: MIT */
/*
 * From "tcp://[::1]:80" to a struct sockaddr. Numbers are read without asking
 * anybody; only a host that is a name goes to the resolver, which may take its
 * time. Of several addresses always the same is taken, so that a reload finds
 * what was there before.
 */
#include "config.h"

#include "config/conf_address.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"

#define HOST_MAX 255

struct parts {
	int kind;
	const char *path; /* unix */
	char host[HOST_MAX + 1];
	char port[8];
};

static const struct {
	const char *name;
	int kind;
} schemes[] = {
	{ "tcp", RV_LISTEN_TCP },
	{ "udp", RV_LISTEN_UDP },
	{ "unix", RV_LISTEN_UNIX },
};

static void
tell_scheme(struct rv_loader *l, const struct rv_cnode *node, const char *text)
{
	size_t len = strcspn(text, ":/");
	char scheme[16];

	rv_format(scheme, sizeof(scheme), "%.*s", (int)RV_MIN(len, 15), text);
	for (size_t i = 0; i < RV_ARRAY_LEN(schemes); i++) {
		unsigned d = rv_distance(schemes[i].name, scheme);

		if (d == 0 || (d < 2 && text[len] == ':')) {
			rv_conf_error(l, node,
			    "\"%.100s\" is no address; did you mean "
			    "\"%s://%.100s\"?",
			    text, schemes[i].name,
			    text + len + strspn(text + len, ":/"));
			return;
		}
	}
	rv_conf_error(l, node,
	    "\"%.100s\" is no address: write \"tcp://HOST:PORT\", "
	    "\"udp://HOST:PORT\" or \"unix:///PATH\"",
	    text);
}

/* NULL, or what is wrong. */
static const char *
split_path(const char *text, struct parts *parts)
{
	parts->path = text;
	if (text[0] != '/') {
		return "the path must begin with a slash: \"unix:///PATH\"";
	}
	if (strlen(text) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		return "the path is too long: at most 107 bytes";
	}
	if (text[strlen(text) - 1] == '/') {
		return "the path names no file";
	}
	return NULL;
}

static const char *
split_host(const char *text, struct parts *parts)
{
	const char *port = strrchr(text, ':');
	const char *close = strchr(text, ']');
	size_t len = port != NULL ? (size_t)(port - text) : 0;
	int64_t number;

	if (port == NULL || (close != NULL && port < close)) {
		return "it has no port: write \"HOST:PORT\"";
	}
	if (!rv_parse_int(port + 1, 0, 65535, &number)) {
		return "the port must be a number from 0 to 65535";
	}
	rv_format(parts->port, sizeof(parts->port), "%d", (int)number);
	if (text[0] == '[') {
		if (close == NULL || close + 1 != port) {
			return "the bracket is not closed before the port";
		}
		text++;
		len -= 2;
	} else if (memchr(text, ':', len) != NULL) {
		return "an IPv6 address stands in brackets: \"[::1]:80\"";
	}
	if (len == 0 || (len == 1 && text[0] == '*')) {
		return "it has no host: every address is \"0.0.0.0\" or "
		       "\"[::]\"";
	}
	if (len > HOST_MAX || memchr(text, '/', len) != NULL) {
		return "the host is none";
	}
	memcpy(parts->host, text, len);
	parts->host[len] = '\0';
	return NULL;
}

static bool
split(struct rv_loader *l, const struct rv_cnode *node, const char *text,
    struct parts *parts)
{
	const char *flaw = NULL;

	*parts = (struct parts){ .kind = -1 };
	for (size_t i = 0; i < RV_ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i].name);

		if (strncmp(text, schemes[i].name, len) == 0 &&
		    strncmp(text + len, "://", 3) == 0) {
			parts->kind = schemes[i].kind;
			flaw = parts->kind == RV_LISTEN_UNIX
				   ? split_path(text + len + 3, parts)
				   : split_host(text + len + 3, parts);
		}
	}
	if (parts->kind == -1) {
		tell_scheme(l, node, text);
		return false;
	}
	if (flaw != NULL) {
		rv_conf_error(l, node, "\"%.150s\": %s", text, flaw);
		return false;
	}
	return true;
}

bool
rv_conf_judge_address(
    struct rv_loader *l, const struct rv_cnode *node, const char *text)
{
	struct parts parts;

	return split(l, node, text, &parts);
}

/* -------- looking up -------- */

static bool
keep(struct rv_loader *l, struct rv_listen *listen, const void *address,
    size_t len)
{
	void *copy = rv_arena_get(l->arena, 1, len);

	if (copy == NULL) {
		return false;
	}
	memcpy(copy, address, len);
	listen->address = copy;
	listen->address_len = (uint32_t)len;
	return true;
}

static bool
keep_path(struct rv_loader *l, struct rv_listen *listen, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	rv_copy(un.sun_path, sizeof(un.sun_path), rv_conf_normalized(l, path));
	return keep(l, listen, &un,
	    offsetof(struct sockaddr_un, sun_path) + strlen(un.sun_path) + 1);
}

/* IPv4 before IPv6, then by the bytes. */
static bool
is_before(const struct addrinfo *a, const struct addrinfo *b)
{
	if (a->ai_family != b->ai_family) {
		return a->ai_family == AF_INET;
	}
	return a->ai_addrlen == b->ai_addrlen &&
	       memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen) < 0;
}

static const struct addrinfo *
pick(const struct addrinfo *list, unsigned *n)
{
	const struct addrinfo *best = NULL;

	*n = 0;
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		if (a->ai_family != AF_INET && a->ai_family != AF_INET6) {
			continue;
		}
		(*n)++;
		if (best == NULL || is_before(a, best)) {
			best = a;
		}
	}
	return best;
}

static void
warn_many(struct rv_loader *l, const struct rv_cnode *node, const char *host,
    const struct addrinfo *best, unsigned n)
{
	char number[64];

	if (getnameinfo(best->ai_addr, best->ai_addrlen, number, sizeof(number),
		NULL, 0, NI_NUMERICHOST) == 0) {
		rv_conf_warn(l, node,
		    "%.100s has %u addresses, and one is opened: %s; better "
		    "write the one that is meant",
		    host, n, number);
	}
}

static bool
keep_host(struct rv_loader *l, const struct rv_cnode *node,
    const struct parts *parts, struct rv_listen *listen)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype =
		    parts->kind == RV_LISTEN_TCP ? SOCK_STREAM : SOCK_DGRAM,
	};
	struct addrinfo *list = NULL;
	const struct addrinfo *best;
	int error = getaddrinfo(parts->host, parts->port, &hints, &list);
	bool good = false;
	unsigned n;

	if (error == EAI_NONAME && l->source->offline) {
		return true;
	}
	if (error == EAI_NONAME) {
		hints.ai_flags &= ~AI_NUMERICHOST;
		error = getaddrinfo(parts->host, parts->port, &hints, &list);
	}
	if (error == EAI_MEMORY) {
		l->arena->failed = true;
		return false;
	}
	best = error == 0 ? pick(list, &n) : NULL;
	if (best == NULL) {
		rv_conf_error(l, node, "cannot look up the host %.100s: %s",
		    parts->host,
		    error != 0 ? gai_strerror(error) : "it has no address");
	} else {
		if (n > 1) {
			warn_many(l, node, parts->host, best, n);
		}
		good = keep(l, listen, best->ai_addr, best->ai_addrlen);
	}
	if (list != NULL) {
		freeaddrinfo(list);
	}
	return good;
}

bool
rv_conf_resolve_address(struct rv_loader *l, const struct rv_cnode *node,
    const char *text, struct rv_listen *listen)
{
	struct parts parts;

	if (!split(l, node, text, &parts)) {
		return false;
	}
	listen->kind = parts.kind;
	listen->text = rv_arena_strdup(l->arena, text);
	return parts.kind == RV_LISTEN_UNIX
		   ? keep_path(l, listen, parts.path)
		   : keep_host(l, node, &parts, listen);
}
