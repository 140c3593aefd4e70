/* SPDX-License-Identifier: MIT */
/*
 * Listeners: who comes is looked at, greeted, and given out when it may talk.
 * All greetings go on at the same time, inside of whichever call of accept is
 * waiting: each is a step function over its descriptor, and all descriptors are
 * in one epoll, so that no client waits for another's silence.
 *
 * A socket file is made under its name at once or not at all. One that is there
 * already is tried: who answers lives; who refuses is dead, and its file is
 * replaced under a lock of the folder, so that of two who do this one wins.
 */
#include "config.h"

#include <reeve/listener.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "conn/address.h"
#include "conn/conn_priv.h"
#include "conn/socket_file.h"
#include "ipc/wait.h"
#include "sys/sys.h"

#define BACKLOG   64
#define GREETINGS 64
#define PATIENCE  (10 * RV_SEC)
#define BATCH     16

/* A client that has not proved yet who it is. */
struct guest {
	int fd;
	void *greeting;
	rv_time until;
};

struct reeve_listener {
	pthread_mutex_t mutex;
	int fd, epoll; /* -1: closed */
	bool is_unix;
	char address[RV_ADDRESS_BYTES];
	struct rv_socket_file file;
	uint32_t flags;
	uid_t *users;
	size_t n_users;
	struct reeve_guard *guard;
	rv_time patience;
	_Atomic uint64_t refused;
	uint32_t n_guests, max_guests;
	struct guest **guests; /* the oldest first */
};

/* Forget a guest, whose descriptor is closed unless it has been given out. */
static void
drop(struct reeve_listener *l, uint32_t i)
{
	struct guest *guest = l->guests[i];

	if (guest->greeting != NULL) {
		l->guard->ops->end(guest->greeting, NULL, NULL);
	}
	if (guest->fd >= 0) {
		(void)close(guest->fd);
		l->refused++;
	}
	rv_free(guest);
	l->n_guests--;
	memmove(l->guests + i, l->guests + i + 1,
	    (l->n_guests - i) * sizeof(struct guest *));
}

static void
stop(struct reeve_listener *l)
{
	while (l->n_guests > 0) {
		drop(l, l->n_guests - 1);
	}
	if (l->fd >= 0) {
		(void)close(l->fd);
	}
	if (l->epoll >= 0) {
		(void)close(l->epoll);
	}
	l->fd = -1;
	l->epoll = -1;
	rv_socket_file_remove(&l->file);
}

void
reeve_listener_close(struct reeve_listener *l)
{
	if (l != NULL) {
		(void)pthread_mutex_lock(&l->mutex);
		stop(l);
		(void)pthread_mutex_unlock(&l->mutex);
	}
}

void
reeve_listener_free(struct reeve_listener *l)
{
	if (l == NULL) {
		return;
	}
	stop(l);
	if (l->guard != NULL) {
		l->guard->ops->unref(l->guard);
	}
	(void)pthread_mutex_destroy(&l->mutex);
	rv_free(l->users);
	rv_free(l->guests);
	rv_free(l);
}

static enum reeve_status
cannot_listen(struct reeve_error *err, int sys_errno, const char *address)
{
	if (sys_errno == EADDRINUSE) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot listen at %s: another process listens there",
		    address);
	}
	return rv_error_sys(err, sys_errno, "cannot listen at %s", address);
}

static enum reeve_status
listen_unix(struct reeve_listener *l, const struct rv_address *a,
    const char *address, mode_t mode, int backlog, struct reeve_error *err)
{
	l->fd = rv_sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	if (l->fd < 0) {
		return rv_error_sys(err, errno, "cannot make a socket");
	}
	if (!a->is_abstract) {
		return rv_socket_file_make(
		    &l->file, l->fd, a, mode, backlog, err);
	}
	if (bind(l->fd, (const struct sockaddr *)&a->path, a->path_len) != 0 ||
	    listen(l->fd, backlog) != 0) {
		return cannot_listen(err, errno, address);
	}
	return REEVE_OK;
}

static int
bind_tcp(const struct addrinfo *at, int backlog)
{
	static const int on = 1, off = 0;
	int fd = rv_sys_socket(
	    at->ai_family, SOCK_STREAM | SOCK_NONBLOCK, at->ai_protocol);

	if (fd < 0) {
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 ||
	    listen(fd, backlog) != 0) {
		int saved = errno;

		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* At the first that can be of this family, or of any; 0 or an errno. */
static int
bind_any(struct reeve_listener *l, const struct addrinfo *at, int family,
    int backlog)
{
	int failed = EAFNOSUPPORT;

	for (; at != NULL && l->fd < 0; at = at->ai_next) {
		if (family == AF_UNSPEC || at->ai_family == family) {
			l->fd = bind_tcp(at, backlog);
			failed = errno;
		}
	}
	return l->fd >= 0 ? 0 : failed;
}

static enum reeve_status
listen_tcp(struct reeve_listener *l, const struct rv_address *a,
    const char *address, int backlog, struct reeve_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE };
	struct addrinfo *all = NULL;
	bool everywhere = a->host[0] == '\0';
	int got =
	    getaddrinfo(everywhere ? NULL : a->host, a->port, &hints, &all);
	int failed = EAFNOSUPPORT;

	if (got != 0) {
		return rv_error(err, REEVE_EINVALID, "cannot listen at %s: %s",
		    address, gai_strerror(got));
	}
	/* all addresses of IPv6 are those of IPv4, too */
	if (everywhere) {
		failed = bind_any(l, all, AF_INET6, backlog);
	}
	if (failed == EAFNOSUPPORT || failed == EADDRNOTAVAIL) {
		failed = bind_any(l, all, AF_UNSPEC, backlog);
	}
	freeaddrinfo(all);
	if (failed != 0) {
		return cannot_listen(err, failed, address);
	}
	rv_address_of(l->fd, l->address);
	return REEVE_OK;
}

static bool
watch(const struct reeve_listener *l, int op, int fd, short events,
    struct guest *guest)
{
	struct epoll_event event = { .data.ptr = guest };

	event.events = ((events & POLLIN) != 0 ? EPOLLIN : 0) |
		       ((events & POLLOUT) != 0 ? EPOLLOUT : 0);
	return epoll_ctl(l->epoll, op, fd, &event) == 0;
}

static enum reeve_status
settings(struct reeve_listener *l, const struct reeve_listen_options *o,
    struct reeve_error *err)
{
	if (o->guard != NULL) {
		l->guard = o->guard->ops->ref(o->guard);
	}
	l->flags = o->flags;
	l->patience = o->greeting_timeout > 0 ? o->greeting_timeout : PATIENCE;
	l->max_guests = o->greetings != 0 ? o->greetings : GREETINGS;
	l->guests = rv_alloc(l->max_guests, sizeof(struct guest *));
	l->users = rv_alloc(o->n_users, sizeof(uid_t));
	l->epoll = rv_sys_epoll_create();
	if (l->guests == NULL || l->users == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot make a listener");
	}
	if (l->epoll < 0) {
		return rv_error_sys(err, errno, "cannot make a listener");
	}
	if (o->n_users > 0) {
		memcpy(l->users, o->users, o->n_users * sizeof(uid_t));
	}
	l->n_users = o->n_users;
	return REEVE_OK;
}

enum reeve_status
reeve_conn_listen(struct reeve_listener **out, const char *address,
    const struct reeve_listen_options *o, struct reeve_error *err)
{
	static const struct reeve_listen_options none = { .size = 0 };
	struct reeve_listener *l;
	struct rv_address a;
	enum reeve_status status;
	int backlog;
	mode_t mode;

	if (o != NULL && o->size < sizeof(*o)) {
		return rv_error_size(err, "reeve_listen_options", o->size);
	}
	o = o != NULL ? o : &none;
	if (out == NULL) {
		return rv_error(err, REEVE_EINVALID, "no place for a listener");
	}
	status = rv_address_parse(
	    &a, address, (o->flags & REEVE_ADDRESS_ABSTRACT) != 0, err);
	if (status == REEVE_OK) {
		status = rv_address_check_options(
		    &a, o->flags, o->users, o->n_users, o->guard, true, err);
	}
	if (status == REEVE_OK && (o->mode & ~(uint32_t)0777) != 0) {
		status = rv_error(err, REEVE_EINVALID,
		    "the mode of a socket file is up to 0777, not 0%o",
		    o->mode);
	}
	if (status != REEVE_OK) {
		return status;
	}
	l = rv_alloc(1, sizeof(*l));
	if (l == NULL) {
		return rv_error(err, REEVE_ENOMEM, "cannot make a listener");
	}
	(void)pthread_mutex_init(&l->mutex, NULL);
	l->fd = l->epoll = -1;
	l->is_unix = a.is_unix;
	(void)snprintf(l->address, sizeof(l->address), "%s", address);
	backlog = o->backlog != 0 ? (int)RV_MIN(o->backlog, 65535U) : BACKLOG;
	mode = o->mode != 0 ? o->mode
	       : o->n_users > 0 || (o->flags & REEVE_ADDRESS_ANY_USER) != 0
		   ? 0666
		   : 0600;
	status = settings(l, o, err);
	if (status == REEVE_OK) {
		status = a.is_unix
			     ? listen_unix(l, &a, address, mode, backlog, err)
			     : listen_tcp(l, &a, address, backlog, err);
	}
	if (status == REEVE_OK &&
	    !watch(l, EPOLL_CTL_ADD, l->fd, POLLIN, NULL)) {
		status = rv_error_sys(err, errno, "cannot make a listener");
	}
	if (status != REEVE_OK) {
		reeve_listener_free(l);
		return status;
	}
	*out = l;
	return REEVE_OK;
}

/* A connection of what was greeted; REEVE_EAGAIN is no result of it. */
static enum reeve_status
give_out(struct reeve_listener *l, int fd, const struct rv_transport_ops *ops,
    void *ctx, struct reeve_conn **conn, struct reeve_error *err)
{
	if (l->is_unix) {
		(void)fcntl(fd, F_SETFL, 0); /* waiting is asked for by call */
	}
	return rv_conn_new(conn, fd, true, true, ops, ctx, err);
}

/* REEVE_EAGAIN: it goes on, or has left. */
static enum reeve_status
step(struct reeve_listener *l, struct guest *guest, struct reeve_conn **conn,
    struct reeve_error *err)
{
	const struct rv_transport_ops *ops = NULL;
	void *ctx = NULL;
	char who[RV_ADDRESS_BYTES];
	short events = POLLIN;
	enum reeve_status status =
	    l->guard->ops->step(guest->greeting, &events, err);
	uint32_t i = 0;
	int fd = guest->fd;

	if (status == REEVE_EAGAIN &&
	    watch(l, EPOLL_CTL_MOD, fd, events, guest)) {
		return status;
	}
	while (l->guests[i] != guest) {
		i++;
	}
	if (status == REEVE_OK) {
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
		l->guard->ops->end(guest->greeting, &ops, &ctx);
		guest->greeting = NULL;
		guest->fd = -1;
		drop(l, i);
		return give_out(l, fd, ops, ctx, conn, err);
	}
	if (status == REEVE_EAUTH) {
		rv_address_of_peer(fd, l->is_unix, who);
		(void)rv_error_wrap(err, "%s is refused", who);
	}
	drop(l, i);
	/* who proves to be somebody else is told of; noise is not */
	return status == REEVE_EAUTH ? status : REEVE_EAGAIN;
}

/* Takes the descriptor. */
static enum reeve_status
welcome(struct reeve_listener *l, int fd, struct reeve_conn **conn,
    struct reeve_error *err)
{
	struct guest *guest;
	enum reeve_status status;

	if (l->n_guests == l->max_guests) {
		drop(l, 0); /* who has had the longest time */
	}
	guest = rv_alloc(1, sizeof(*guest));
	if (guest == NULL) {
		(void)close(fd);
		return rv_error(err, REEVE_ENOMEM, "cannot greet a client");
	}
	guest->fd = fd;
	guest->until = rv_time_add(rv_sys_now(), l->patience);
	l->guests[l->n_guests++] = guest;
	status = l->guard->ops->begin(l->guard, fd, &rv_transport_plain, true,
	    NULL, &guest->greeting, err);
	if (status != REEVE_OK || !watch(l, EPOLL_CTL_ADD, fd, POLLIN, guest)) {
		status = status != REEVE_OK ? status
					    : rv_error_sys(err, errno,
						  "cannot greet a client");
		drop(l, l->n_guests - 1);
		return status;
	}
	return step(l, guest, conn, err);
}

static bool
is_out_of_something(int sys_errno)
{
	return sys_errno == EMFILE || sys_errno == ENFILE ||
	       sys_errno == ENOMEM || sys_errno == ENOBUFS;
}

/* One who has connected; REEVE_EAGAIN: nobody, or nobody to give out yet. */
static enum reeve_status
let_in(
    struct reeve_listener *l, struct reeve_conn **conn, struct reeve_error *err)
{
	static const int on = 1;
	enum reeve_status status = REEVE_OK;
	int fd = rv_sys_accept(l->fd);

	if (fd < 0) {
		/* else: who connected has left again */
		return is_out_of_something(errno)
			   ? rv_error_sys(err, errno, "cannot accept")
			   : REEVE_EAGAIN;
	}
	if (!l->is_unix) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	} else if ((l->flags & REEVE_ADDRESS_ANY_USER) == 0) {
		status = rv_address_check_user(fd, l->users, l->n_users, err);
	}
	if (status != REEVE_OK) {
		(void)close(fd);
		l->refused++;
		return status;
	}
	return l->guard != NULL ? welcome(l, fd, conn, err)
				: give_out(l, fd, NULL, NULL, conn, err);
}

/* Those whose time is over leave; the moment at which the next has to. */
static rv_time
expire(struct reeve_listener *l)
{
	rv_time now = rv_sys_now();

	while (l->n_guests > 0 && l->guests[0]->until <= now) {
		drop(l, 0);
	}
	return l->n_guests > 0 ? l->guests[0]->until : RV_FOREVER;
}

/* What has happened; REEVE_EAGAIN: nothing that ends the call. */
static enum reeve_status
serve(
    struct reeve_listener *l, struct reeve_conn **conn, struct reeve_error *err)
{
	struct epoll_event event;
	enum reeve_status status = REEVE_EAGAIN;

	/* one at a time: a step may drop others, whose events are then void */
	for (unsigned i = 0; status == REEVE_EAGAIN && i < BATCH; i++) {
		if (epoll_wait(l->epoll, &event, 1, 0) != 1) {
			break;
		}
		status = event.data.ptr == NULL
			     ? let_in(l, conn, err)
			     : step(l, event.data.ptr, conn, err);
	}
	return status;
}

static enum reeve_status
accept_until(struct reeve_listener *l, rv_time until, struct reeve_conn **conn,
    struct reeve_error *err)
{
	for (;;) {
		rv_time next = expire(l);
		enum reeve_status status = serve(l, conn, err);

		if (status != REEVE_EAGAIN) {
			return status;
		}
		next = RV_MIN(next, until);
		status = rv_wait_fd(l->epoll, POLLIN, next);
		if (status == REEVE_ETIMEDOUT && until != RV_FOREVER &&
		    rv_sys_now() >= until) {
			return rv_error(err, status, "no client came in time");
		}
		if (status != REEVE_OK && status != REEVE_ETIMEDOUT) {
			return rv_error_sys(err, errno, "cannot accept");
		}
	}
}

enum reeve_status
reeve_conn_accept(struct reeve_conn **conn, struct reeve_listener *l,
    int64_t timeout, struct reeve_error *err)
{
	struct rv_limit limit = rv_limit_of(timeout);
	enum reeve_status status;

	if (l == NULL || conn == NULL) {
		return rv_error(err, REEVE_EINVALID, "no place for an end");
	}
	if (rv_conn_lock(&l->mutex, &limit) != REEVE_OK) {
		return rv_error(
		    err, REEVE_ETIMEDOUT, "another thread is accepting");
	}
	status = l->fd >= 0
		     ? accept_until(l, rv_limit_end(&limit), conn, err)
		     : rv_error(err, REEVE_ECLOSED, "the listener is closed");
	(void)pthread_mutex_unlock(&l->mutex);
	return status;
}

int
reeve_listener_fd(const struct reeve_listener *l)
{
	return l != NULL ? l->epoll : -1;
}

const char *
reeve_listener_address(const struct reeve_listener *l)
{
	return l != NULL ? l->address : "";
}

uint64_t
reeve_listener_refused(const struct reeve_listener *l)
{
	return l != NULL ? l->refused : 0;
}
