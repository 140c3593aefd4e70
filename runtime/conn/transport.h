/* SPDX-License-Identifier: MIT */
/*
 * What a connection does not know: how two sides prove who they are before the
 * first message, and how bytes are changed on their way. Both are tables that
 * another library fills in (net), so that conn needs no cryptography. The
 * tables cross the border of two libraries: RV_TRANSPORT_VERSION is of both.
 */
#ifndef RV_CONN_TRANSPORT_H
#define RV_CONN_TRANSPORT_H

#include <sys/types.h>
#include <sys/uio.h>

#include <reeve/error.h>

#include "base/base.h"

#define RV_TRANSPORT_VERSION 2

/*
 * Of a stream; none waits: -1 with EAGAIN and in *events what to poll for, or
 * -1 with the errno of a broken connection. Sending and receiving may be called
 * by two threads at once.
 */
struct rv_transport_ops {
	uint32_t version;
	/* 0: the orderly end; EPIPE: an end that is not */
	ssize_t (*read)(
	    void *ctx, int fd, void *buf, size_t len, short *events);
	/* what it takes it sends, if by the next call; so it may hold bytes */
	ssize_t (*write)(
	    void *ctx, int fd, const struct iovec *, int n, short *events);
	/* 0: it holds none any more */
	int (*flush)(void *ctx, int fd, short *events);
	bool (*is_holding)(void *ctx);
	bool (*is_pending)(void *ctx);    /* a read would get something */
	void (*close)(void *ctx, int fd); /* without a wait; frees ctx */
};

/* Bytes as they are; ctx is NULL. */
extern const struct rv_transport_ops rv_transport_plain;

/* The first member of what a library makes of it. */
struct reeve_guard {
	const struct rv_guard_ops *ops;
};

struct rv_guard_ops {
	uint32_t version;
	struct reeve_guard *(*ref)(struct reeve_guard *);
	void (*unref)(struct reeve_guard *);
	/*
	 * REEVE_EINVALID: it can never greet from that side, over such a
	 * connection, a listener at that host. Asked before there is one.
	 */
	enum reeve_status (*suits)(struct reeve_guard *, bool is_server,
	    bool is_stream, const char *host, struct reeve_error *);
	/*
	 * A greeting on this descriptor, which stays the caller's; `plain` is
	 * how bytes go over it as they are.
	 */
	enum reeve_status (*begin)(struct reeve_guard *, int fd,
	    const struct rv_transport_ops *plain, bool is_server,
	    const char *host, void **greeting, struct reeve_error *);
	/*
	 * Go on as far as can be without a wait. REEVE_EAGAIN: *events is what
	 * to poll for; REEVE_OK: done; REEVE_EAUTH: the other side is not who
	 * it should be; or another.
	 */
	enum reeve_status (*step)(
	    void *greeting, short *events, struct reeve_error *);
	/*
	 * Over: frees the greeting. After REEVE_OK the way of the bytes is in
	 * *ops and *ctx (of the caller now); it is untouched if they go as they
	 * are. ops is NULL when it came to nothing.
	 */
	void (*end)(
	    void *greeting, const struct rv_transport_ops **ops, void **ctx);
};

#endif
