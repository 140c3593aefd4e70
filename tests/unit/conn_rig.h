/* SPDX-License-Identifier: MIT */
/*
 * The two ends of a connection, and words that go through it: for the tests of
 * connections. Each fails the test if it cannot.
 */
#ifndef RV_TESTS_CONN_RIG_H
#define RV_TESTS_CONN_RIG_H

#include <stdbool.h>

#include <reeve/listener.h>

/* A pipe, or a plain one. */
void conn_pipe(bool duplex, struct reeve_conn **a, struct reeve_conn **b);
void conn_pipe_plain(bool duplex, struct reeve_conn **a, struct reeve_conn **b);
/* Both are gone. */
void conn_finish(struct reeve_conn *a, struct reeve_conn *b);

/* A listener there, one who connects to it, and who was accepted by it. */
struct reeve_listener *conn_listen_at(
    const char *address, const struct reeve_listen_options *);
struct reeve_conn *conn_connect_to(struct reeve_listener *);
struct reeve_conn *conn_accept_one(struct reeve_listener *);

/* Send this text; receive a message, which is this text. */
void conn_say(struct reeve_conn *, const char *text);
void conn_expect(struct reeve_conn *, const char *text);

#endif
