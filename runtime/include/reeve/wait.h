/* SPDX-License-Identifier: MIT */
/*
 * Waiting for whichever comes first of many: connections, listeners, bells,
 * queues, processes and any other descriptors. Part of libreeve-ipc.
 *
 *	struct reeve_wait_item items[] = {
 *		reeve_wait_for_conn(conn, REEVE_WAIT_READ),
 *		reeve_wait_for_fd(sentinel, REEVE_WAIT_READ),
 *	};
 *	if (reeve_wait(items, 2, NULL, REEVE_S(5)) == REEVE_OK &&
 *	    items[0].ready != 0)
 *
 * Of what has a descriptor that says when it is ready, the descriptor is the
 * item: of a bell reeve_bell_fd, of a queue reeve_queue_fd, of a listener
 * reeve_listener_fd, of a process its sentinel (readable when it has ended). A
 * connection is more than its descriptor, since it may have messages here
 * already.
 *
 * All may be called from any thread; the items are the caller's.
 */
#ifndef REEVE_WAIT_H
#define REEVE_WAIT_H

#include <stddef.h>
#include <stdint.h>

#include <reeve/status.h>
#include <reeve/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_conn;

enum reeve_wait_events {
	REEVE_WAIT_READ = 1,  /* to receive or accept, or it has ended */
	REEVE_WAIT_WRITE = 2, /* to send */
};

struct reeve_wait_item {
	struct reeve_conn *conn; /* or NULL, and then: */
	int fd;
	uint32_t wanted; /* of enum reeve_wait_events */
	uint32_t ready;  /* the result: which of these; 0 at a timeout */
};

static inline struct reeve_wait_item
reeve_wait_for_fd(int fd, uint32_t wanted)
{
	struct reeve_wait_item item = { NULL, fd, wanted, 0 };

	return item;
}

static inline struct reeve_wait_item
reeve_wait_for_conn(struct reeve_conn *conn, uint32_t wanted)
{
	struct reeve_wait_item item = { conn, -1, wanted, 0 };

	return item;
}

/*
 * Until one item is ready at least; *n_ready (which may be NULL) is how many
 * are, and each says it of itself. Ready to receive over TCP may be a part of a
 * message: receive with a timeout of zero. A connection that is closed, or has
 * not the direction, is ready: its call says what there is to say. What a
 * connection has unsent it sends meanwhile.
 *
 * No items, or of any number: as many as the process may have descriptors. The
 * same object may be there twice. REEVE_ETIMEDOUT; REEVE_EINVALID: a descriptor
 * is none, or an item wants nothing; REEVE_ENOMEM; REEVE_ESYS.
 */
REEVE_PUBLIC enum reeve_status reeve_wait(struct reeve_wait_item *items,
    size_t n, size_t *n_ready, int64_t timeout) REEVE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
