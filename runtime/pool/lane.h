/* SPDX-License-Identifier: MIT */
/*
 * What the host of a pool and one of its workers share: two rings of frames in
 * one sealed memory file, tasks one way and results the other, and a few words.
 * One writes and one reads each ring. Neither waits for the other here: who
 * finds nothing says that it sleeps, looks once more, and waits outside (the
 * worker on a futex in this memory, the host in its epoll on eventfds, one that
 * each of its workers rings).
 *
 * Each side believes nothing that the other can write: its own positions are
 * kept outside of the shared memory, a length is read once and checked, and a
 * frame is copied before it is looked at, or is a span that the reader treats
 * as foreign bytes. What cannot be is RV_LANE_NONSENSE, and the side that finds
 * it gives the other up.
 *
 * A worker that is killed at whatever moment has put a frame entirely or not
 * at all. Shared words go through ipc/step.h: tests/model takes every turn.
 */
#ifndef RV_POOL_LANE_H
#define RV_POOL_LANE_H

#include <reeve/status.h>

#include "base/base.h"
#include "base/time.h"

struct reeve_error;

#define RV_LANE_FRAME_MAX 32768 /* payload; what is larger goes beside it */
/* Two of the largest frames fit, wherever the first one lies. */
#define RV_LANE_RING_MIN (128 * 1024)
#define RV_LANE_RING_MAX (1 << 30)

enum rv_frame_kind {
	/* host to worker */
	RV_FRAME_FUNCTION = 1, /* payload: its name; `function`: its number */
	RV_FRAME_TASK,         /* payload: arguments of one task */
	RV_FRAME_CHUNK, /* payload: `count` of them: rv_chunk; never LARGE */
	RV_FRAME_END,   /* finish what was given before, and exit(0) */
	/* worker to host */
	RV_FRAME_RESULT,  /* payload: what the task returned */
	RV_FRAME_FAILED,  /* payload: type NUL message NUL: rv_failed_texts */
	RV_FRAME_RESULTS, /* of a chunk, the next ones in order: rv_answers */
};

enum rv_frame_flags {
	RV_FRAME_JSON = 1,  /* the payload is a JSON text */
	RV_FRAME_LARGE = 2, /* the payload is in a descriptor, sent beside */
	RV_FRAME_EVEN = 8,  /* RESULTS without heads: rv_answers_even */
};

/*
 * As it lies in the ring, 8-byte aligned; the payload follows, padded by at
 * least one byte: the reader finds a NUL behind it that the writer put there.
 * Fields that a kind does not name are 0.
 */
struct rv_frame {
	uint32_t length; /* of the payload */
	uint8_t kind, flags;
	uint16_t function;
	uint64_t id;    /* of the task: its worker sends it back */
	uint32_t count; /* of a chunk */
	int32_t code;   /* what the function returned */
	uint64_t took;  /* ns, of a result */
	uint64_t size;  /* of a LARGE payload (length is 0 then) */
};

/*
 * Whether a task is run is decided by one compare and swap: its worker makes it
 * BEGUN before it calls the function, or its host REVOKED to take it back (a
 * cancel, or what a dead worker held). Whoever is second knows it.
 */
enum rv_frame_state { RV_FRAME_HELD, RV_FRAME_BEGUN, RV_FRAME_REVOKED };

enum rv_lane_status {
	RV_LANE_OK,
	RV_LANE_EMPTY,
	RV_LANE_NONSENSE, /* the other side wrote what cannot be */
};

struct rv_lane_shared; /* the layout: lane_shared.h */

/* One side of one ring, private to its process. */
struct rv_lane {
	struct rv_lane_shared *shared;
	uint8_t *bytes;
	uint64_t size;  /* a power of two */
	uint64_t at;    /* own position, ever growing */
	uint64_t seen;  /* the other's, as last read */
	uint64_t frame; /* that is written, or was peeked; its slot */
	uint64_t next;  /* behind it */
	/* Of a worker's results: whether the host sleeps, and how to wake it;
	 * NULL, -1. `pair` is for when the bell cannot be rung. */
	const uint32_t *host;
	uint32_t rung; /* the sleep that it was woken of */
	int bell, pair;
	bool writes;
	bool grown;  /* the frame that is written was told of by grow */
	bool broken; /* the other side's position cannot be: for good */
};

/* The memory of one worker, as one side has it. */
struct rv_lane_pair {
	int fd; /* sealed against shrinking and growing; of the host -1 */
	void *memory;
	size_t length;
	struct rv_lane tasks, results;
};

/* Made by the worker, which sends the descriptor to its host. */
enum reeve_status rv_lane_make(struct rv_lane_pair *, size_t ring_size,
    struct reeve_error *) RV_MUST_CHECK;
/* The host's view. REEVE_EPROTO: not sealed, or of a size that cannot be.
 * Takes the descriptor in any case. */
enum reeve_status rv_lane_open(struct rv_lane_pair *, int fd, size_t ring_size,
    struct reeve_error *) RV_MUST_CHECK;
/* NULL memory (zeroed but fd -1, or closed before) is fine. */
void rv_lane_close(struct rv_lane_pair *);

/* -------- writing -------- */

/*
 * Room for a frame with this payload (at most RV_LANE_FRAME_MAX), or NULL: full
 * now, or broken. The frame is zeroed but for its length, and so is what is
 * behind the payload; the rest is filled in by the caller in place; nobody
 * sees it before commit. Asked again without a commit it is the same room.
 */
struct rv_frame *rv_lane_room(struct rv_lane *, uint32_t length);
/* Less payload than was asked for; before commit. */
void rv_lane_shorten(struct rv_lane *, uint32_t length);
void rv_lane_commit(struct rv_lane *);
/* After commit: whether the other side said that it sleeps. One who sees true
 * has to wake it (and of a worker that sleeps is the only one told so). */
bool rv_lane_must_wake(struct rv_lane *);
/* False: neither the bell nor the pair is there any more. */
bool rv_lane_wake(struct rv_lane *);
/*
 * The worker, when it was told that there is no room: wakes its host if it
 * sleeps, and waits `timeout` ns for room, at most; then ask for room again.
 */
void rv_lane_await_room(struct rv_lane *, uint32_t length, rv_time timeout);

/*
 * A frame that is put piece by piece: so many bytes of its payload are valid
 * by now, should the writer die before it commits it.
 */
void rv_lane_grow(struct rv_lane *, uint32_t length);
/* The reader, of a writer that is dead, once the ring is EMPTY: what of such a
 * frame is there; head->length is of this. Nothing is to be dropped. */
enum rv_lane_status rv_lane_rest(
    struct rv_lane *, struct rv_frame *head, const void **payload);

/* -------- reading -------- */

/* The next frame: *head is a copy, *payload a span in the ring that stays until
 * rv_lane_drop. */
enum rv_lane_status rv_lane_peek(
    struct rv_lane *, struct rv_frame *head, const void **payload);
/* Done with it: its room is the writer's again, who is woken if it waits. */
void rv_lane_drop(struct rv_lane *);

/* -------- who has it -------- */

/* The worker, of the task that it peeked: false, it was taken back. */
bool rv_lane_begin(struct rv_lane *);
/* The host: where the task lies for which it asked room last. */
uint64_t rv_lane_at(const struct rv_lane *);
/*
 * The host, of a task that has no result yet: whether it has begun; and take it
 * back: true, the worker will not run it. Anything but HELD is "has begun".
 */
bool rv_lane_has_begun(const struct rv_lane *, uint64_t at);
bool rv_lane_revoke(struct rv_lane *, uint64_t at);
/* Items of the present chunk that the worker has begun: it says so before each;
 * the host may ask for it as long as the chunk has begun and has no end, and
 * believes no more than the chunk has. */
void rv_lane_item(struct rv_lane *, uint32_t begun);
uint32_t rv_lane_items(const struct rv_lane *);
/* The soft limit of the task with this id is over: said by the host before its
 * signal, since the worker may have begun to count later. */
void rv_lane_overdue(struct rv_lane *, uint64_t id);
bool rv_lane_is_overdue(const struct rv_lane *, uint64_t id);

/* -------- sleeping: the reader of tasks -------- */

/* Say that this side is about to wait; false: there is something, do not. */
bool rv_lane_sleep(struct rv_lane *);
/* It does not wait any more. For signal handlers, too: who is between sleep
 * and wait then does not wait. */
void rv_lane_awake(struct rv_lane *);
/* Until the host wrote, `timeout` ns from now at most; signals end it. */
void rv_lane_wait(struct rv_lane *, rv_time timeout);

/* -------- the host, as the reader of many -------- */

/*
 * A page that the host alone can write and all its workers read: whether it
 * sleeps. A worker that commits a result and finds it asleep rings the bell (an
 * eventfd, which nobody reads: EPOLLET); one that finds it awake does nothing.
 * Each worker is given a bell of its own, so that one who reads it, fills it or
 * makes it block keeps nobody but itself from being heard; the one that is made
 * here is for the host to ring itself. When the bell cannot be rung the worker
 * sends a byte over the pair.
 * The word is odd while it sleeps and another number each time, so that each
 * worker rings once for one sleep and not for each result.
 */
struct rv_lane_host {
	int fd;     /* to hand to workers: read-only memory */
	int bell;   /* eventfd: the host's own, or that of this worker */
	void *page; /* of the host: writable */
};
enum reeve_status rv_lane_host_make(
    struct rv_lane_host *, struct reeve_error *) RV_MUST_CHECK;
/* The worker's view; takes both descriptors in any case. */
enum reeve_status rv_lane_host_open(struct rv_lane_host *, int fd, int bell,
    struct reeve_error *) RV_MUST_CHECK;
void rv_lane_host_close(struct rv_lane_host *);
/* Then look at each lane of which something may come, before it sleeps. */
void rv_lane_host_sleeps(struct rv_lane_host *, bool sleeps);

/* -------- chunks -------- */

/*
 * Many payloads in one. Each has RV_CHUNK_ROOM(length) bytes: padding with at
 * least one NUL, up to 8. Where all have one length, not 0, the frame's `size`
 * is that, `count` times; else it is 0, and before the first one are `count`
 * u32 lengths, padded to 8, or there is nothing at all, and all are empty.
 * Parses foreign bytes: false, when it does not fit, or behind the last.
 */
#define RV_CHUNK_ROOM(length) (((uint64_t)(length) + 8) & ~(uint64_t)7)
struct rv_chunk {
	const uint8_t *data;
	uint32_t length, count; /* as the frame says */
	uint64_t size;          /* the same */
	uint32_t at;            /* 0; the next one */
	uint64_t offset, each;  /* 0 */
};
bool rv_chunk_next(struct rv_chunk *, const void **data, uint32_t *length);

/*
 * In the payload of RESULTS, for those that are small: heads, each before its
 * payload, which is padded as in chunks. `count` of the frame is that of the
 * first of them, from 1. (What is LARGE is a RESULT with its `count`.)
 */
struct rv_answer {
	uint32_t length;
	uint8_t kind;  /* RV_FRAME_RESULT, RV_FRAME_FAILED */
	uint8_t flags; /* RV_FRAME_JSON */
	uint16_t spare;
	int32_t code;
	uint32_t took_us; /* since the last one of this chunk that says it, or
			   * the chunk's beginning; 0: was not looked at */
};
struct rv_answers {
	const uint8_t *data;
	uint32_t length; /* of all */
	uint32_t offset; /* 0 */
};
/* *head is a copy. False: there is no more, or (offset is not length) what is
 * there does not fit. */
bool rv_answers_next(
    struct rv_answers *, struct rv_answer *head, const void **payload);

/*
 * RESULTS that are EVEN: all good, of one length, which is the frame's `size`,
 * each RV_CHUNK_ROOM of that (of empty ones 8 bytes that say nothing), and
 * `took` is that of them all. How many there are; 0: that cannot be.
 */
uint32_t rv_answers_even(const struct rv_frame *);

/* The payload of FAILED: two texts, copied, since they may change meanwhile;
 * "" for what is not there. False: it is longer than it can be. */
#define RV_FAILED_MAX 2048
struct rv_failed {
	char text[RV_FAILED_MAX + 2];
	const char *type, *message; /* in text */
};
bool rv_failed_read(struct rv_failed *, const void *payload, uint32_t length);

#endif
