/* SPDX-License-Identifier: MIT */
/*
 * Messages in a stream, as conn.c calls them: with the lock of the direction
 * held, on a connection that has a stream.
 */
#ifndef RV_CONN_STREAM_H
#define RV_CONN_STREAM_H

#include "base/time.h"
#include "conn/transport.h"

struct reeve_conn;
struct rv_incoming;
struct rv_outgoing;
struct rv_stream;

/* NULL without memory: ctx is then the caller's still. */
struct rv_stream *rv_stream_new(const struct rv_transport_ops *, void *ctx);
void rv_stream_close(struct rv_stream *, int fd);
void rv_stream_free(struct rv_stream *);

enum reeve_status rv_stream_send(struct reeve_conn *,
    const struct rv_outgoing *, rv_time until) RV_MUST_CHECK;
enum reeve_status rv_stream_flush(
    struct reeve_conn *, rv_time until) RV_MUST_CHECK;
uint64_t rv_stream_unsent(const struct rv_stream *);
enum reeve_status rv_stream_receive(struct reeve_conn *,
    const struct rv_incoming *, rv_time until) RV_MUST_CHECK;
/* A message, or an end, is here and needs no more of the kernel. */
bool rv_stream_is_waiting(struct rv_stream *);
/* Nothing is kept in it: another process may go on with the descriptor. */
bool rv_stream_is_between(const struct rv_stream *);
/* Something of a message that is received, or of the next. */
bool rv_stream_has_part(const struct rv_stream *);

#endif
