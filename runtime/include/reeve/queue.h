/* SPDX-License-Identifier: MIT */
/*
 * A queue of messages in shared memory: any number of processes and threads put
 * and get, first in, first out, bounded by items and by bytes. A put has put
 * when it returns, and nothing has to be flushed: what was put stays when its
 * putter ends. A process that is killed at whatever moment leaves the queue
 * whole: the item that it was putting is there entirely or not at all, the item
 * that it was getting was taken or is still there, and nobody waits for it. A
 * getter who wants an item not to be lost with itself takes it on a lease.
 *
 * Who has a queue hands it to others by its handle (share.h), or forks. What it
 * consists of is memory and descriptors: it has no name, and is gone with the
 * last process that has it. Peers who write nonsense into the memory can break
 * the queue (REEVE_EDAMAGED), never the memory of others.
 *
 * Threads: all functions may be called from any at once, but for
 * reeve_queue_free and _close, which are for the last one that uses the queue,
 * or puts; none from signal handlers. Processes: after a fork both have the
 * queue, and count as two who may put.
 *
 * Timeouts are those of time.h. Every call that changes the queue holds a lock
 * in it for less than a microsecond, besides the copying of the item; but its
 * process may be stopped (SIGSTOP) just then, and no other can go on for it. So
 * each of these calls has a timeout. When that is over, or is zero, it waits
 * for such a lock for 100 ms all the same, and is REEVE_ETIMEDOUT then: nothing
 * was done, call again. REEVE_FOREVER waits until the stopped process goes on
 * or dies.
 *
 * REEVE_EINVALID comes from all that return a status: no queue, or no place for
 * a result that has to be there. Part of libreeve-ipc.
 */
#ifndef REEVE_QUEUE_H
#define REEVE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <reeve/error.h>
#include <reeve/share.h>
#include <reeve/time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_queue;

struct reeve_queue_options {
	size_t size; /* sizeof(struct reeve_queue_options) */
	/* What is in it at most; zeros: 1024 items, 64 MiB. */
	uint32_t max_items;
	uint64_t max_bytes;
	/*
	 * Longer items than this many bytes go through memory of their own,
	 * which is given back when they are got. Zero: 1000. The memory of the
	 * others is there from the beginning, and stays: about max_items times
	 * this, or max_bytes where that is less.
	 */
	uint32_t large;
	/* Items on lease at once. Zero: 64. */
	uint32_t max_leases;
};

/*
 * A new one, empty; NULL for all defaults. REEVE_EINVALID: bounds that cannot
 * be (16 Mi items, 1 TiB, 2 GiB for `large`, 65536 leases are the most);
 * REEVE_ESYS: no memory or no descriptor is left; REEVE_ENOMEM.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_new(struct reeve_queue **,
    const struct reeve_queue_options *, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * Another process's, that was handed over. REEVE_EINVALID: that is no handle of
 * a queue; REEVE_EPROTO: what its descriptors hold is none; REEVE_ESYS: no
 * descriptor is left; REEVE_ENOMEM.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_open(struct reeve_queue **,
    const struct reeve_handle *, struct reeve_error *) REEVE_MUST_CHECK;

/*
 * To hand it over; the handle is the caller's. Whoever holds it counts as one
 * who may put, as do all who open it: close it when it was handed over, and
 * reeve_queue_close in who only gets, or REEVE_EEND never comes. From a queue
 * that this process has closed it is a handle of one that only gets.
 * REEVE_ESYS: no descriptor is left.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_handle(const struct reeve_queue *,
    struct reeve_handle *, struct reeve_error *) REEVE_MUST_CHECK;

/* In one: reeve_queue_give, reeve_queue_given, see share.h. */
REEVE_GIVING_(queue)

/* Let go of it; what is in it stays, for the others. NULL is fine. */
REEVE_PUBLIC void reeve_queue_free(struct reeve_queue *);

/*
 * Put one item of `length` bytes, with a tag that its getter is told: whatever
 * getters and putters agree on. The bytes are borrowed for the call.
 *
 * REEVE_OK: it is in the queue. Else nothing was put: REEVE_EFULL: no room
 * within the time; REEVE_ETOOBIG: more than max_bytes; REEVE_ECLOSED: this
 * process has closed the queue, or somebody has shut it down; REEVE_ENOMEM: no
 * memory for a large item; REEVE_ETIMEDOUT, as said above; REEVE_EDAMAGED.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_put(struct reeve_queue *,
    const void *data, size_t length, uint32_t tag,
    int64_t timeout) REEVE_MUST_CHECK;
/* The same, the item in n parts. */
REEVE_PUBLIC enum reeve_status reeve_queue_putv(struct reeve_queue *,
    const struct iovec *parts, size_t n, uint32_t tag,
    int64_t timeout) REEVE_MUST_CHECK;

/*
 * An item that was got. Zeroed at first; the data are its own, grow as needed,
 * are used again by the next get, and are freed by reeve_item_free. Used by one
 * thread at a time.
 */
struct reeve_item {
	void *data;
	size_t length;
	size_t capacity;
	uint32_t tag;
	uint32_t deliveries; /* 1, and one more for each lease of it before */
	uint64_t lease;      /* of reeve_queue_get_leased, else 0 */
};
/* It is empty then. A lease goes on. NULL and twice are fine. */
REEVE_PUBLIC void reeve_item_free(struct reeve_item *);

/*
 * Get the first item. REEVE_EEMPTY: none within the time. REEVE_EEND: there is
 * none and none will come, for all who could put have closed the queue, or
 * ended, and no item is on lease. REEVE_ECLOSED: the same of a queue that was
 * shut down. REEVE_ENOMEM: no memory for this item, which stays.
 * REEVE_ETIMEDOUT, as said above. REEVE_EDAMAGED: somebody wrote over it.
 *
 * Who waits may be overtaken by those who come when there is an item, but only
 * a few times: then the next one is its own, and others find none, for 100 ms
 * at most should it be stopped. The same of putters and room.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_get(struct reeve_queue *,
    struct reeve_item *, int64_t timeout) REEVE_MUST_CHECK;

/*
 * The same into memory of the caller's; *length and *tag (each may be NULL) are
 * the item's. REEVE_ETOOSHORT: it has *length bytes, which is more than
 * `capacity`; it stays, and the next call of any kind gets it.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_get_into(struct reeve_queue *,
    void *data, size_t capacity, size_t *length, uint32_t *tag,
    int64_t timeout) REEVE_MUST_CHECK;

/*
 * Get the first item on a lease: if this process ends, however, before it says
 * reeve_queue_ack, then the item is got by another, before those that were put
 * later, and `deliveries` counts that. Who waits or polls for an item learns of
 * that end at once; where nobody ever has to wait, those who get look for it
 * every ten milliseconds. A lease is the process's, of any of its threads, and
 * not of the children that it forks. Items on lease are not in the queue, and
 * come back even into a full one. Results as of reeve_queue_get, and
 * REEVE_EBUSY: max_leases are out, of processes that live.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_get_leased(struct reeve_queue *,
    struct reeve_item *, int64_t timeout) REEVE_MUST_CHECK;
/*
 * Done with it; counts as reeve_queue_task_done. REEVE_ENOTHELD: it is not this
 * process's, or not any more. REEVE_ETIMEDOUT: it is on lease still.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_ack(
    struct reeve_queue *, uint64_t lease, int64_t timeout) REEVE_MUST_CHECK;
/* Not done: let another have it, the first of all. Results as of ack. */
REEVE_PUBLIC enum reeve_status reeve_queue_give_back(
    struct reeve_queue *, uint64_t lease, int64_t timeout) REEVE_MUST_CHECK;

/*
 * What was got is done: for those who wait in reeve_queue_join. REEVE_EINVALID:
 * more often than there were items; REEVE_ETIMEDOUT.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_task_done(
    struct reeve_queue *, int64_t timeout) REEVE_MUST_CHECK;
/* Until every item that was put is done. REEVE_ETIMEDOUT. */
REEVE_PUBLIC enum reeve_status reeve_queue_join(
    struct reeve_queue *, int64_t timeout) REEVE_MUST_CHECK;

/* This process puts no more; it may go on to get. Again is fine; NULL too. */
REEVE_PUBLIC void reeve_queue_close(struct reeve_queue *);
/*
 * Nobody puts any more, anywhere, for ever: puts, waiting ones too, are
 * REEVE_ECLOSED; gets go on until it is empty. REEVE_ETIMEDOUT.
 */
REEVE_PUBLIC enum reeve_status reeve_queue_shutdown(
    struct reeve_queue *, int64_t timeout) REEVE_MUST_CHECK;

/* What was so at one moment of the call. */
struct reeve_queue_state {
	uint64_t items, bytes; /* what a get would get */
	uint64_t max_items, max_bytes;
	uint64_t leased;        /* items on lease, not in `items` */
	uint64_t unfinished;    /* items that are not done */
	bool is_empty, is_full; /* full: not even an empty item goes in */
};
/* Takes no lock, and so waits for nobody. */
REEVE_PUBLIC void reeve_queue_look(
    struct reeve_queue *, struct reeve_queue_state *);

/*
 * For loops: a descriptor that is readable while there is something to get, or
 * an end to be told of, which stays. It is not while items are only on lease:
 * then it is when they come back, also from one who was killed, or when none is
 * left of them and there is an end. Poll it, and get with a timeout of 0 until
 * that is REEVE_EEMPTY (as it is at once when another was quicker).
 *
 * It stays the queue's, has the same number in every call, and is this
 * process's: after a fork the child calls this again. It costs the putters
 * nothing until the first call. -1, and errno: EMFILE and the like: no
 * descriptor is left; ETIMEDOUT: another process is stopped in the midst of a
 * put or get, try again.
 */
REEVE_PUBLIC int reeve_queue_fd(struct reeve_queue *);
/*
 * The same for putting: readable while there is room for an item, or to be told
 * that the queue was shut down. errno EINVAL: it is closed here.
 */
REEVE_PUBLIC int reeve_queue_room_fd(struct reeve_queue *);

#ifdef __cplusplus
}
#endif

#endif
