/* SPDX-License-Identifier: MIT */
/*
 * Connections of processes: messages of bytes or JSON, whole or not at all,
 * with descriptors and other connections in them. Part of libreeve-ipc.
 *
 *	struct reeve_conn *mine, *theirs;
 *	struct reeve_parcel parcel = { 0 };
 *
 *	reeve_pipe(&mine, &theirs, true, &err);
 *	... `theirs` goes to another process: by fork, or by its handle ...
 *	reeve_conn_send(mine, "cube 3", 6, REEVE_S(5));
 *	reeve_conn_recv(mine, &parcel, 1 << 20, REEVE_S(5));
 *	... parcel.data, parcel.length ...
 *	reeve_parcel_free(&parcel);
 *	reeve_conn_free(mine);
 *
 * Between processes of one machine each message is one packet of the kernel's:
 * it is neither cut nor joined, a sender that is killed leaves none by half,
 * and what it has sent stays to be read. A large one goes by a sealed block of
 * memory. Over TCP (listener.h) messages are framed in a stream; there, what a
 * timeout leaves of one is kept, and the next call goes on with it.
 *
 * Threads: any two may send and receive at one end; calls of the same kind wait
 * for each other, no longer than their timeout. reeve_conn_close and _free are
 * for when no other thread is inside; what ends the waiting of another is
 * reeve_conn_shutdown.
 *
 * Processes: after a fork both have the end. On one machine each message goes
 * to one of those who receive, whole; the connection ends when all have closed
 * it, so close what a process does not use. A connection over TCP is used by
 * one of them.
 *
 * Timeouts are of reeve/time.h; zero does not wait, which is the form for event
 * loops: reeve_conn_fd tells when. Signals do not shorten a wait.
 */
#ifndef REEVE_CONN_H
#define REEVE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <reeve/error.h>
#include <reeve/share.h>
#include <reeve/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_conn;

/* Handles in one message, at most. */
#define REEVE_PARCEL_HANDLES 16

/* Bytes of a message through a plain pipe, at most. */
#define REEVE_PLAIN_BYTES 65536

/* For reeve_conn_recv: a message of any length. */
#define REEVE_ANY_LENGTH SIZE_MAX

enum reeve_parcel_flags {
	REEVE_PARCEL_JSON = 1, /* the bytes are a JSON text, says the sender */
};

/*
 * A message with all that belongs to it. Zeroed, it is empty; one that was
 * received owns its data (NULL perhaps, when it is empty) and handles until
 * reeve_parcel_free, or until it is received into again (which uses its memory
 * once more).
 */
struct reeve_parcel {
	const void *data;
	size_t length;
	uint32_t flags;
	uint32_t n_handles;
	struct reeve_handle handles[REEVE_PARCEL_HANDLES];
	/* The library's. */
	void *memory;
	size_t capacity;
	int lease;
	uint32_t kind;
};

/* Frees the data, closes the handles; it is empty then. Twice is fine. */
REEVE_PUBLIC void reeve_parcel_free(struct reeve_parcel *);

/* Handle i becomes the caller's: reeve_handle_close when it is of no use. */
static inline struct reeve_handle
reeve_parcel_take(struct reeve_parcel *parcel, uint32_t i)
{
	struct reeve_handle none = { REEVE_SHARE_NONE, 0, { 0 } };
	struct reeve_handle handle = none;

	if (i < parcel->n_handles) {
		handle = parcel->handles[i];
		parcel->handles[i] = none;
	}
	return handle;
}

/*
 * Memory for a large message that is to be sent without a copy: *at is where to
 * write its `length` bytes (zeroed) before reeve_conn_send_parcel, after which
 * they are the receiver's, and nobody can change them any more. REEVE_ENOMEM,
 * REEVE_ESYS (no descriptor is left), REEVE_EINVALID (no length).
 */
REEVE_PUBLIC enum reeve_status reeve_parcel_make(struct reeve_parcel *,
    size_t length, void **at, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Two connected ends, in both directions or from *b to *a alone: then *a
 * receives and *b sends, and the other way is REEVE_EINVALID. Both are the
 * caller's. REEVE_ESYS: no descriptor is left; REEVE_ENOMEM.
 */
REEVE_PUBLIC enum reeve_status reeve_pipe(struct reeve_conn **a,
    struct reeve_conn **b, bool duplex, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * The same for bytes alone: its messages have no handles and at most
 * REEVE_PLAIN_BYTES. That is quicker for small ones, and the other end cannot
 * put descriptors into this process, whatever it sends: the kernel refuses them
 * where they are sent (before Linux 6.16 closes them here), and of a message
 * which says that it has some receiving is REEVE_EPROTO. An end that is handed
 * over stays plain.
 */
REEVE_PUBLIC enum reeve_status reeve_pipe_plain(struct reeve_conn **a,
    struct reeve_conn **b, bool duplex, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Another process's end, that was handed over. REEVE_EINVALID: it is none;
 * REEVE_ENOMEM; REEVE_ESYS: no descriptor is left, or it is closed.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_open(struct reeve_conn **,
    const struct reeve_handle *, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * To hand the end over: the handle is the caller's, and so is this connection
 * still; close it where the other process is to be the only one. What was
 * received already and is kept here stays here. REEVE_EINVALID: it is encrypted
 * or in the middle of a message, and so cannot be; REEVE_ECLOSED; REEVE_ESYS.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_handle(struct reeve_conn *,
    struct reeve_handle *, struct reeve_error *) REEVE_MUST_CHECK;

/* In one: reeve_conn_give, reeve_conn_given, see share.h. */
REEVE_GIVING_(conn)

/*
 * A connected socket that the caller has, borrowed, as a connection:
 * SOCK_SEQPACKET of one machine, or a stream. REEVE_EINVALID: it is neither;
 * REEVE_ENOMEM; REEVE_ESYS: no descriptor is left, or it is closed.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_of_socket(
    struct reeve_conn **, int fd, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Let go of this end. From then on every call of it is REEVE_ECLOSED. The peer
 * receives what was sent, then REEVE_EEND. What is still unsent over TCP
 * (reeve_conn_unsent) is lost: reeve_conn_flush before. Twice is fine.
 */
REEVE_PUBLIC void reeve_conn_close(struct reeve_conn *);

/* Closes it, too. NULL is fine. */
REEVE_PUBLIC void reeve_conn_free(struct reeve_conn *);

/*
 * End the connection for all processes and threads that have this end: who
 * waits there wakes up with REEVE_ECLOSED (in other processes REEVE_EEND).
 */
REEVE_PUBLIC void reeve_conn_shutdown(struct reeve_conn *);

/*
 * Send a message; the bytes are borrowed for the time of the call. It may be
 * empty; data may be NULL only then. (A JSON text that shall be told from
 * bytes: reeve_conn_sendv with REEVE_PARCEL_JSON.)
 *
 * REEVE_OK: it is sent, or taken: over TCP, of a message of which the timeout
 * let a part go only, the rest is kept and goes with the next call.
 * REEVE_ETIMEDOUT: nothing of it is sent; the peer does not read, is stopped,
 * or another thread sends. REEVE_EBROKEN: there is no peer any more.
 * REEVE_ETOOBIG: more parts or handles than can be, or more bytes than a plain
 * pipe takes. REEVE_EINVALID: this end only receives, or handles are sent over
 * TCP or a plain pipe. REEVE_ECLOSED. REEVE_ENOMEM.
 * REEVE_ESYS: errno says what; EMFILE: a large message needs a descriptor;
 * ETOOMANYREFS: too many descriptors are under way.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_send(struct reeve_conn *,
    const void *data, size_t length, int64_t timeout) REEVE_MUST_CHECK;

/* Of n parts (at most 1000), in a row. */
REEVE_PUBLIC enum reeve_status reeve_conn_sendv(struct reeve_conn *,
    const struct iovec *parts, size_t n, uint32_t flags,
    int64_t timeout) REEVE_MUST_CHECK;

/*
 * With handles. The parcel stays the caller's, as its handles do (the receiver
 * gets copies); but one of reeve_parcel_make is empty after REEVE_OK.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_send_parcel(struct reeve_conn *,
    struct reeve_parcel *, int64_t timeout) REEVE_MUST_CHECK;

/*
 * Receive a message of at most `max` bytes. The parcel is zeroed, or one that
 * was received into before.
 *
 * REEVE_ETIMEDOUT: none came, or not all of it; what came is kept.
 * REEVE_EEND: the peer has closed in order, and all was received.
 * REEVE_ETOOBIG: the message was longer; it is skipped, the next call gets the
 * one behind it. REEVE_EBROKEN: the connection broke, or ended within a
 * message. REEVE_EPROTO: what came is no message of ours, perhaps the greeting
 * of a guard (listener.h) that this end has not; a packet is skipped,
 * a stream is at its end. REEVE_EINVALID: this end only sends. REEVE_ECLOSED.
 * REEVE_ENOMEM: the message is kept. REEVE_ESYS: errno says what; EMFILE: there
 * was no room for the descriptors of the message; it is lost, and none of them
 * stays open. On failure the parcel is empty.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_recv(struct reeve_conn *,
    struct reeve_parcel *, size_t max, int64_t timeout) REEVE_MUST_CHECK;

/*
 * The same into memory of the caller's; *length (which may be NULL) is the
 * message's. Handles within it are closed. REEVE_ETOOSHORT: it has *length
 * bytes, which is more than `capacity`; it stays, and the next call of either
 * kind gets it.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_recv_into(struct reeve_conn *,
    void *data, size_t capacity, size_t *length,
    int64_t timeout) REEVE_MUST_CHECK;

/*
 * Until there is something to receive: a message (an empty one too, over TCP a
 * part of one), or the end. Takes nothing. REEVE_ETIMEDOUT, REEVE_ECLOSED;
 * REEVE_EINVALID: this end only sends; REEVE_ESYS.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_poll(
    struct reeve_conn *, int64_t timeout) REEVE_MUST_CHECK;

/* The bytes of taken messages that are not sent yet; 0 within one machine. */
REEVE_PUBLIC uint64_t reeve_conn_unsent(struct reeve_conn *);

/* Send them: results as of reeve_conn_send. */
REEVE_PUBLIC enum reeve_status reeve_conn_flush(
    struct reeve_conn *, int64_t timeout) REEVE_MUST_CHECK;

/*
 * For event loops: the descriptor stays the connection's (-1: it is closed).
 * Wait for it to be readable unless reeve_conn_waiting says that a message was
 * received already; then receive until REEVE_ETIMEDOUT. Wait for it to be
 * writable while reeve_conn_unsent, then flush; or, when sending was
 * REEVE_ETIMEDOUT, send again. reeve_wait (wait.h) does all that.
 */
REEVE_PUBLIC int reeve_conn_fd(const struct reeve_conn *);
REEVE_PUBLIC bool reeve_conn_waiting(struct reeve_conn *);

/*
 * Something of a message was received, and not all (over TCP): how long that
 * may be so is for the caller to say.
 */
REEVE_PUBLIC bool reeve_conn_has_part(struct reeve_conn *);

/* What this end may do; false for both when it is closed. */
REEVE_PUBLIC bool reeve_conn_can_send(const struct reeve_conn *);
REEVE_PUBLIC bool reeve_conn_can_receive(const struct reeve_conn *);

/*
 * Who made the other end (of a pipe) or connected to it, on this machine; the
 * process may be gone or be another by now. REEVE_EINVALID: over TCP;
 * REEVE_ECLOSED.
 */
REEVE_PUBLIC enum reeve_status reeve_conn_peer(const struct reeve_conn *,
    pid_t *pid, uid_t *uid, gid_t *gid) REEVE_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
