/* SPDX-License-Identifier: MIT */
/*
 * What processes share is handed over as a handle: a kind and a few
 * descriptors, of which everything else about the object can be read. Each
 * object's header has a function that makes a handle of it and one that opens
 * it from a handle. A handle goes to a new process (process.h), within a
 * message (conn.h), and through nothing else: there are no names, so an object
 * is gone when the last process that was given it has let go of it, however
 * that ended, and nobody else can reach it.
 */
#ifndef REEVE_SHARE_H
#define REEVE_SHARE_H

#include <stdint.h>
#include <unistd.h>

#include <reeve/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum reeve_share_kind {
	REEVE_SHARE_NONE,       /* of a zeroed handle */
	REEVE_SHARE_DESCRIPTOR, /* a plain one */
	REEVE_SHARE_CONNECTION, /* conn.h */
	REEVE_SHARE_MEMORY,     /* memory.h */
	REEVE_SHARE_QUEUE,      /* queue.h */
	REEVE_SHARE_BELL,       /* bell.h */
	REEVE_SHARE_READER,     /* a connection that only receives */
	REEVE_SHARE_WRITER,     /* and one that only sends */
};

#define REEVE_HANDLE_FDS 4

/* Numbers below n_fds are descriptors of this process. */
struct reeve_handle {
	enum reeve_share_kind kind;
	uint32_t n_fds;
	int fds[REEVE_HANDLE_FDS];
};

/* A plain descriptor, borrowed, as a handle: a socket or file to hand over. */
static inline struct reeve_handle
reeve_handle_of_fd(int fd)
{
	struct reeve_handle handle = { REEVE_SHARE_DESCRIPTOR, 1, { 0 } };

	handle.fds[0] = fd;
	return handle;
}

/*
 * The handles that functions fill in belong to the caller, who closes their
 * descriptors with this (it may be zeroed, and is zeroed by it); what opens an
 * object from a handle takes copies and leaves it alone, and says of one that
 * is another's, or empty, what it is.
 */
static inline void
reeve_handle_close(struct reeve_handle *handle)
{
	for (uint32_t i = 0; i < handle->n_fds; i++) {
		(void)close(handle->fds[i]);
	}
	handle->kind = REEVE_SHARE_NONE;
	handle->n_fds = 0;
}

#ifdef __cplusplus
}
#endif

#endif
