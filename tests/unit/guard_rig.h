/* SPDX-License-Identifier: MIT */
/*
 * What the tests of guards share: a listener, and clients that connect in a
 * thread of their own, since both sides have to talk.
 */
#ifndef RV_TESTS_GUARD_RIG_H
#define RV_TESTS_GUARD_RIG_H

#include <pthread.h>

#include <reeve/listener.h>
#include <reeve/net.h>

#define RIG_LONG REEVE_S(60)

struct rig_client {
	pthread_t thread;
	char address[160];
	struct reeve_guard *guard;
	int64_t timeout;
	enum reeve_status status; /* the results, after rig_join */
	struct reeve_conn *conn;
	struct reeve_error err;
};

/* "unix:..." of this case, or a free port. */
const char *rig_address(bool tcp);
struct reeve_listener *rig_listen(
    bool tcp, struct reeve_listen_options *, struct reeve_guard *);
void rig_connect(
    struct rig_client *, const char *address, struct reeve_guard *);
enum reeve_status rig_join(struct rig_client *);
struct reeve_guard *rig_key(const char *key, const char *protocol);

/* A message each way; both are freed. */
void rig_talk(struct reeve_conn *a, struct reeve_conn *b);

/* A bare socket that is connected there and says nothing of itself. */
int rig_stranger(const char *address);

#endif
