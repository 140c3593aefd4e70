/* SPDX-License-Identifier: MIT */
/*
 * What processes share is handed over as a handle: a kind and a few
 * descriptors, of which everything else about the object can be read. Each
 * object's header has a function that makes a handle of it and one that opens
 * it from a handle. A handle goes to a new process (process.h), within a
 * message (conn.h), and through nothing else: there are no names, so an object
 * is gone when the last process that was given it has let go of it, however
 * that ended, and nobody else can reach it.
 *
 * Handing an object to a new process takes neither handles nor closing:
 *
 *	options.gives = (struct reeve_give[]){ reeve_queue_give("in", queue) };
 *	options.n_gives = 1;
 *
 * and there: reeve_queue_given(&queue, "in", &err).
 */
#ifndef REEVE_SHARE_H
#define REEVE_SHARE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <reeve/error.h>

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
	REEVE_SHARE_PLAIN,      /* a plain connection, see conn.h */
	REEVE_SHARE_PLAIN_READER,
	REEVE_SHARE_PLAIN_WRITER,
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

/*
 * Something to hand over to a new process, which asks for it by this name:
 * `gives` of process.h. Either a handle, which is to stay open until the
 * process was started; or an object, of which the start makes a handle and
 * closes it when it has gone over, so that the object is to live till then.
 */
struct reeve_give {
	const char *name; /* 1 to 63 bytes */
	struct reeve_handle handle;
	void *object; /* NULL: it is the handle */
	enum reeve_status (*handle_of)(
	    void *object, struct reeve_handle *, struct reeve_error *);
};

/* A handle, or a plain descriptor; both stay the caller's. */
static inline struct reeve_give
reeve_handle_give(const char *name, struct reeve_handle handle)
{
	struct reeve_give give = { name, handle, 0, 0 };

	return give;
}

static inline struct reeve_give
reeve_fd_give(const char *name, int fd)
{
	return reeve_handle_give(name, reeve_handle_of_fd(fd));
}

/*
 * For each object that can be handed over its header has these two, as here of
 * a queue; the new process's end of it is its own:
 *
 *	struct reeve_give reeve_queue_give(const char *name,
 *	    struct reeve_queue *);
 *	enum reeve_status reeve_queue_given(struct reeve_queue **,
 *	    const char *name, struct reeve_error *);
 *
 * The second one is reeve_given (self.h, in libreeve-child and libreeve) and
 * reeve_queue_open; its results are theirs, and what was given is closed but
 * for the object.
 */
#define REEVE_GIVING_(type)                                                  \
	static inline enum reeve_status reeve_##type##_handle_(void *object, \
	    struct reeve_handle *handle, struct reeve_error *err)            \
	{                                                                    \
		return reeve_##type##_handle(                                \
		    (struct reeve_##type *)object, handle, err);             \
	}                                                                    \
	static inline struct reeve_give reeve_##type##_give(                 \
	    const char *name, struct reeve_##type *object)                   \
	{                                                                    \
		struct reeve_give give = { name,                             \
			{ REEVE_SHARE_NONE, 0, { 0 } }, object,              \
			reeve_##type##_handle_ };                            \
		return give;                                                 \
	}                                                                    \
	static inline enum reeve_status reeve_##type##_given(                \
	    struct reeve_##type **out, const char *name,                     \
	    struct reeve_error *err)                                         \
	{                                                                    \
		struct reeve_handle handle;                                  \
		enum reeve_status status = reeve_given(name, &handle);       \
		if (status != REEVE_OK) {                                    \
			return reeve_given_not_(name, status, err);          \
		}                                                            \
		status = reeve_##type##_open(out, &handle, err);             \
		reeve_handle_close(&handle);                                 \
		return status;                                               \
	}

/* Described in self.h. */
REEVE_PUBLIC enum reeve_status reeve_given(
    const char *name, struct reeve_handle *handle) REEVE_MUST_CHECK;

static inline enum reeve_status
reeve_given_not_(
    const char *name, enum reeve_status status, struct reeve_error *err)
{
	if (err != 0) {
		(void)memset(err, 0, sizeof(*err));
		err->status = status;
		(void)snprintf(err->text, sizeof(err->text),
		    "cannot have what is given as %s: %s", name,
		    reeve_status_text(status));
	}
	return status;
}

#ifdef __cplusplus
}
#endif

#endif
