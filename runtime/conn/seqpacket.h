/* SPDX-License-Identifier: MIT */
/*
 * What sending and receiving packets have in common: seqpacket_send.c and
 * seqpacket.c alone include it.
 */
#ifndef RV_CONN_SEQPACKET_H
#define RV_CONN_SEQPACKET_H

#include <errno.h>
#include <sys/socket.h>

#include "conn/conn_priv.h"
#include "ipc/wait.h"

/* errno of a send or recv as a result; EAGAIN is for the caller. */
static inline enum reeve_status
rv_seqpacket_failed(const struct reeve_conn *conn)
{
	switch (errno) {
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return conn->is_down ? REEVE_ECLOSED : REEVE_EBROKEN;
	case ENOMEM:
	case ENOBUFS:
		return REEVE_ENOMEM;
	default:
		return REEVE_ESYS;
	}
}

/* Who waits for ever is best woken by the very call that does it. */
static inline int
rv_seqpacket_flags(const struct rv_limit *limit)
{
	return limit->timeout == REEVE_FOREVER ? 0 : MSG_DONTWAIT;
}

/* It could not at once: REEVE_OK: it can now, perhaps. */
static inline enum reeve_status
rv_seqpacket_wait(
    const struct reeve_conn *conn, short events, struct rv_limit *limit)
{
	return limit->timeout > 0
		   ? rv_wait_fd(conn->fd, events, rv_limit_end(limit))
		   : REEVE_ETIMEDOUT;
}

#endif
