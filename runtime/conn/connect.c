/* SPDX-License-Identifier: MIT */
/*
 * Connecting: to a socket file or a port, then the greetings of the guard, all
 * until one deadline. Keeps nothing.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <reeve/listener.h>

#include "base/error.h"
#include "conn/address.h"
#include "conn/conn_priv.h"
#include "ipc/wait.h"
#include "sys/sys.h"

static enum reeve_status
no_connection(struct reeve_error *err, int sys_errno, const char *address)
{
	enum reeve_status status =
	    rv_error_sys(err, sys_errno, "cannot connect to %s", address);

	switch (sys_errno) {
	case ENOENT:
	case ECONNREFUSED:
		status = REEVE_ENOENT;
		break;
	case ETIMEDOUT:
	case EAGAIN:
		status = REEVE_ETIMEDOUT;
		break;
	default:
		return status;
	}
	if (err != NULL) {
		err->status = status;
	}
	return status;
}

/*
 * A listener whose backlog is full lets us wait in the kernel, which poll knows
 * nothing of; so the time is given to the call itself.
 */
static int
connect_unix(int fd, const struct rv_address *a, rv_time until)
{
	for (;;) {
		rv_time left = until;
		struct timeval tv = { 0 };

		if (until == 0) {
			return connect(
			    fd, (const struct sockaddr *)&a->path, a->path_len);
		}
		if (until != RV_FOREVER) {
			left = RV_MAX(until - rv_sys_now(), RV_US);
			tv.tv_sec = (time_t)(left / RV_SEC);
			tv.tv_usec = (suseconds_t)(left % RV_SEC / RV_US);
			(void)setsockopt(
			    fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		}
		if (connect(fd, (const struct sockaddr *)&a->path,
			a->path_len) == 0) {
			tv = (struct timeval){ 0 };
			return setsockopt(
			    fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		}
		if (errno != EINTR) {
			return -1;
		}
	}
}

static enum reeve_status
open_unix(int *out, const struct rv_address *a, const char *address,
    rv_time until, struct reeve_error *err)
{
	int fd = rv_sys_socket(
	    AF_UNIX, SOCK_SEQPACKET | (until == 0 ? SOCK_NONBLOCK : 0), 0);
	enum reeve_status status;

	if (fd < 0) {
		return rv_error_sys(err, errno, "cannot make a socket");
	}
	if (connect_unix(fd, a, until) != 0) {
		status = no_connection(err, errno, address);
		(void)close(fd);
		return status;
	}
	(void)fcntl(fd, F_SETFL, 0); /* waiting is asked for call by call */
	*out = fd;
	return REEVE_OK;
}

/* 0, or an errno. */
static int
connect_tcp(int fd, const struct addrinfo *at, rv_time until)
{
	static const int on = 1;
	int failed = 0;
	socklen_t len = sizeof(failed);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
		return 0;
	}
	if (errno != EINPROGRESS && errno != EINTR) {
		return errno;
	}
	if (rv_wait_fd(fd, POLLOUT, until) != REEVE_OK) {
		return ETIMEDOUT;
	}
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 ? failed
									: errno;
}

static enum reeve_status
open_tcp(int *out, const struct rv_address *a, const char *address,
    rv_time until, struct reeve_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL, *at;
	int failed = ECONNREFUSED;
	int got = getaddrinfo(
	    a->host[0] != '\0' ? a->host : NULL, a->port, &hints, &all);

	if (got != 0) {
		return rv_error(err, REEVE_ENOENT, "cannot connect to %s: %s",
		    address, gai_strerror(got));
	}
	for (at = all; at != NULL; at = at->ai_next) {
		int fd = rv_sys_socket(at->ai_family,
		    SOCK_STREAM | SOCK_NONBLOCK, at->ai_protocol);

		failed = fd >= 0 ? connect_tcp(fd, at, until) : errno;
		if (failed == 0) {
			*out = fd;
			break;
		}
		if (fd >= 0) {
			(void)close(fd);
		}
	}
	freeaddrinfo(all);
	return failed == 0 ? REEVE_OK : no_connection(err, failed, address);
}

/* The greetings; *ops and *ctx are the caller's then. */
static enum reeve_status
greet(int fd, struct reeve_guard *guard, const char *host, rv_time until,
    const struct rv_transport_ops **ops, void **ctx, struct reeve_error *err)
{
	void *greeting = NULL;
	enum reeve_status status;

	status = guard->ops->begin(
	    guard, fd, &rv_transport_plain, false, host, &greeting, err);
	if (status != REEVE_OK) {
		return status;
	}
	for (;;) {
		short events = POLLIN;

		status = guard->ops->step(greeting, &events, err);
		if (status != REEVE_EAGAIN) {
			break;
		}
		status = rv_wait_fd(fd, events, until);
		if (status != REEVE_OK) {
			(void)rv_error(err, status,
			    "the greetings were not over in time; does the "
			    "listener have the same kind of guard?");
			break;
		}
	}
	guard->ops->end(greeting, status == REEVE_OK ? ops : NULL, ctx);
	return status;
}

enum reeve_status
reeve_conn_connect(struct reeve_conn **out, const char *address,
    const struct reeve_connect_options *options, int64_t timeout,
    struct reeve_error *err)
{
	static const struct reeve_connect_options none = { .size = 0 };
	rv_time until = rv_wait_until(timeout);
	const struct rv_transport_ops *ops = NULL;
	struct rv_address a;
	enum reeve_status status;
	void *ctx = NULL;
	int fd = -1;

	if (options != NULL && options->size < sizeof(*options)) {
		return rv_error_size(
		    err, "reeve_connect_options", options->size);
	}
	options = options != NULL ? options : &none;
	if (out == NULL) {
		return rv_error(err, REEVE_EINVALID, "no place for an end");
	}
	status = rv_address_parse(
	    &a, address, (options->flags & REEVE_ADDRESS_ABSTRACT) != 0, err);
	if (status == REEVE_OK) {
		status =
		    rv_address_check_options(&a, options->flags, options->users,
			options->n_users, options->guard, false, err);
	}
	if (status != REEVE_OK) {
		return status;
	}
	status = a.is_unix ? open_unix(&fd, &a, address, until, err)
			   : open_tcp(&fd, &a, address, until, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (a.is_unix && (options->flags & REEVE_ADDRESS_ANY_USER) == 0) {
		status = rv_address_check_user(
		    fd, options->users, options->n_users, err);
	}
	if (status == REEVE_OK && options->guard != NULL) {
		status =
		    greet(fd, options->guard, a.host, until, &ops, &ctx, err);
	}
	if (status != REEVE_OK) {
		(void)close(fd);
		(void)rv_error_wrap(err, "cannot connect to %s", address);
		return status;
	}
	return rv_conn_new(out, fd, true, true, ops, ctx, err);
}
