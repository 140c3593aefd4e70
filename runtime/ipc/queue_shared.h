/* SPDX-License-Identifier: MIT */
/*
 * The queue's memory, and what its files share; queue.c opens with how it
 * works. Nothing that is read from the shared memory is used as an address or
 * a length before it was compared with the geometry, of which each process has
 * a copy of its own, taken and checked when it opened the queue.
 *
 * The memfd: struct rv_queue_shared, then the leases, the leases' data, the
 * ring, and the slots for large items, which are sparse and never mapped as a
 * whole.
 */
#ifndef RV_IPC_QUEUE_SHARED_H
#define RV_IPC_QUEUE_SHARED_H

#include <stdatomic.h>

#include <reeve/queue.h>

#include "base/fault.h"
#include "ipc/robust.h"
#include "ipc/step.h"

#define RV_QUEUE_MAGIC   0x6575657565657672ULL
#define RV_QUEUE_VERSION 2

/* Below this, a call waits for a lock even if it is not to wait for an item. */
#define RV_QUEUE_PATIENCE (100 * RV_MS)

/* So often another one was quicker than who waits: then that one is hungry. */
#ifdef RV_MODEL
#define RV_QUEUE_OVERTAKEN rv_model_overtaken
extern unsigned rv_model_overtaken;
#else
#define RV_QUEUE_OVERTAKEN 4U
#endif

struct rv_queue_shape {
	uint64_t magic;
	uint32_t version, max_items;
	uint64_t max_bytes;
	uint32_t large, max_leases;
	/* these follow from those */
	uint64_t leases_at, data_at, ring_at, slots_at, total;
	uint64_t ring_size, slot_size;
	uint32_t data_size, n_slots;
};

/* Each item in the queue has one, and each on lease, and who takes one out for
 * good still has it when there is room for the next. */
static inline uint32_t
rv_queue_n_slots(uint32_t items, uint32_t leases)
{
	return items + leases + 1;
}

/*
 * What one side has done so far. The word is (items << 32 | units of 8 bytes of
 * the ring), both modulo 2^32: storing it is the commit. bytes[items & 1] goes
 * with it and is stored before.
 */
struct rv_queue_side {
	_Alignas(64) _Atomic uint64_t word;
	_Atomic uint64_t bytes[2];
};

/* Whether somebody wants to hear of a change: a descriptor of the queue's. */
enum rv_queue_ring {
	RV_RING_UNWANTED,
	RV_RING_WANTED,  /* and has not rung */
	RV_RING_RUNG,    /* and has, and was not cleared */
	RV_RING_UNKNOWN, /* one was killed at it: ring and clear */
};

enum rv_lease_state {
	RV_LEASE_FREE,
	RV_LEASE_TAKING, /* held if the head is `after`, else free */
	RV_LEASE_HELD,
	RV_LEASE_ACKING,   /* freed if done is `done_after`, else given back */
	RV_LEASE_RETURNED, /* to be got again */
	RV_LEASE_FREEING,
};

struct rv_queue_lease {
	_Alignas(64) _Atomic uint32_t state; /* | deliveries << 8 */
	uint32_t tag;
	uint64_t len;
	uint32_t slot; /* + 1; 0: in the lease's data */
	uint32_t done_after;
	uint64_t number; /* of the item's first lease: who comes first */
	uint64_t key;    /* of this lease */
	uint64_t after;
	uint64_t start; /* the holder's, in ticks */
	int32_t pid;
};

struct rv_queue_shared {
	struct rv_queue_shape shape;

	struct rv_robust put_lock;
	struct {
		/* what the other side had done when we last looked */
		_Alignas(64) uint64_t head;
		uint64_t head_bytes;
		uint64_t slot_after; /* the tail that publishes the slot */
		uint32_t slot;       /* + 1: being filled */
		uint32_t hint;
		uint32_t ring_in; /* enum rv_queue_ring: getters want to hear */
		_Atomic uint64_t hungry;
	} put;
	struct rv_queue_side tail;
	struct rv_robust put_turn;

	struct rv_robust get_lock;
	struct {
		_Alignas(64) uint64_t tail;
		uint64_t slot_after;
		uint32_t slot;     /* + 1: being emptied */
		uint32_t ring_out; /* putters want to hear */
		uint64_t numbers, keys;
		_Atomic uint32_t returned, leased;
		_Atomic uint64_t returned_bytes;
		uint64_t looked; /* at holders of leases, and at which next */
		uint32_t look_at;
		_Atomic uint64_t hungry;
	} get;
	struct rv_queue_side head;
	struct rv_robust get_turn;

	_Alignas(64) _Atomic uint32_t done;
	_Atomic uint32_t joined; /* changes when all is done */
	uint32_t joining;
	_Atomic uint32_t shut;
	_Atomic uint32_t ended; /* somebody saw that no putter is left */
	_Atomic uint32_t watch_in, watch_out; /* somebody polls */
};

struct rv_queue_watch {
	uint64_t start;
	int32_t pid;
	int fd;
};

struct reeve_queue {
	struct rv_queue_shape shape; /* checked */
	struct rv_queue_shared *shared;
	struct rv_queue_lease *leases;
	unsigned char *data, *ring;
	_Atomic uint8_t *slots; /* 1: in use */
	uint64_t ring_mask;     /* in units */
	unsigned spins;
	/* memory; eventfd that getters poll; the putters' end of a socket pair,
	 * which getters see hang up when nobody has it; and the other end */
	int memory, in, putters, getters;
	_Atomic bool closed, ended;
	/* queue_watch.c: what getters of this process wait for */
	_Atomic int set;
	_Atomic int32_t set_of;       /* the process whose it is */
	_Atomic int32_t polled_by;    /* and who polls it */
	_Atomic bool blind;           /* one holder of a lease is not in it */
	bool hears_end;               /* the end of the putters is in it */
	int32_t pid;                  /* whose what follows is */
	uint64_t start;               /* its own, in ticks */
	struct rv_queue_watch *watch; /* holders of leases */
	uint32_t n_watch;
};

/* Where an item goes to: exactly one of the two ways. */
struct rv_queue_sink {
	struct reeve_item *item;
	void *data;
	size_t capacity;
	size_t *len;
	uint32_t *tag;
	bool lease;
};

/* Crash points, for tests: REEVE_FAULTS "queue@n=KILL". */
#ifdef RV_MODEL
#define RV_QUEUE_STEP() RV_STEP("step", NULL, 0)
#else
#define RV_QUEUE_STEP() ((void)RV_FAULT(queue))
#endif

static inline uint64_t
rv_queue_word(const struct rv_queue_side *side)
{
	RV_STEP("look", &side->word, 0);
	return atomic_load_explicit(&side->word, memory_order_acquire);
}
/* What others may change just then. */
static inline uint32_t
rv_queue_peek(const _Atomic uint32_t *word)
{
	RV_STEP("look", word, 0);
	return atomic_load(word);
}

static inline uint32_t
rv_queue_items(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* Word and bytes of one moment. */
uint64_t rv_queue_both(const struct rv_queue_side *, uint64_t *bytes);
/* The commit of either side. */
static inline void
rv_queue_commit(struct rv_queue_side *side, uint64_t word, uint64_t bytes)
{
	atomic_store_explicit(&side->bytes[rv_queue_items(word) & 1], bytes,
	    memory_order_relaxed);
	RV_QUEUE_STEP();
	atomic_store_explicit(&side->word, word, memory_order_release);
	RV_QUEUE_STEP();
}

/*
 * Of either side: whether who has the turn is hungry, so that newcomers go by
 * the turn. By who has the turn: it is, it is not any more.
 */
static inline bool
rv_queue_is_hungry(const _Atomic uint64_t *hungry)
{
	RV_STEP("look", hungry, 0);
	return atomic_load_explicit(hungry, memory_order_relaxed) != 0;
}
void rv_queue_be_hungry(_Atomic uint64_t *hungry);
void rv_queue_be_fed(_Atomic uint64_t *hungry);
/* By a newcomer for whom something is there: wait for the turn so long; 0: the
 * hungry one did not come. */
rv_time rv_queue_hungry_until(_Atomic uint64_t *hungry);
/* A word of neither side, but once in 2^64: then one is not counted. */
#define RV_QUEUE_NO_WORD UINT64_MAX

/* queue_lock.c: the sides' locks, repaired; REEVE_OK or REEVE_ETIMEDOUT. */
enum reeve_status rv_queue_lock_put(
    struct reeve_queue *, struct rv_robust_self *, rv_time until);
enum reeve_status rv_queue_lock_get(
    struct reeve_queue *, struct rv_robust_self *, rv_time until);
rv_time rv_queue_patience(rv_time until);
/* Holding put_lock: tell getters. Holding get_lock: tell putters. */
void rv_queue_ring_in(struct reeve_queue *);
void rv_queue_ring_out(struct reeve_queue *);
/*
 * Want to hear; true: there is nothing now, sleep. get_lock is held for both,
 * put_lock also for in. The need is what the putter waits for.
 */
bool rv_queue_want_in(struct reeve_queue *);
bool rv_queue_want_out(struct reeve_queue *, uint64_t len, uint64_t units);
/* The same for in, holding get_lock alone: put_lock is taken meanwhile. */
enum reeve_status rv_queue_ring_in_nested(
    struct reeve_queue *, struct rv_robust_self *, rv_time until);
bool rv_queue_want_in_nested(
    struct reeve_queue *, struct rv_robust_self *, rv_time until);
/* The same, and holders of leases are watched, too, and who is dead gives back:
 * nothing is there now, and whatever comes is heard. */
bool rv_queue_settle_in(
    struct reeve_queue *, struct rv_robust_self *, rv_time until);
void rv_queue_settle_out(struct reeve_queue *, struct rv_robust_self *);
/* Is there room? With what the other side has done. */
bool rv_queue_has_room(const struct reeve_queue *, uint64_t tail,
    uint64_t tail_bytes, uint64_t head, uint64_t head_bytes, uint64_t len,
    uint64_t units);

/* queue_bell.c */
void rv_queue_bell_in(struct reeve_queue *);
void rv_queue_bell_out(struct reeve_queue *);
void rv_queue_clear_in(struct reeve_queue *);
void rv_queue_clear_out(struct reeve_queue *);
void rv_queue_sleep_in(struct reeve_queue *, rv_time until);
void rv_queue_sleep_out(struct reeve_queue *, rv_time until);
/* Nobody is left who could put? Once true, for ever. */
bool rv_queue_has_ended(struct reeve_queue *);

/* queue_watch.c; all but the last two with get_lock held. */
/* Who this process is, in a lease. */
void rv_queue_sign(struct reeve_queue *, struct rv_queue_lease *);
bool rv_queue_signed(struct reeve_queue *, const struct rv_queue_lease *);
/* 1: its holder lives and is watched; 0: it has ended; -1: nobody can tell. */
int rv_queue_holder(struct reeve_queue *, const struct rv_queue_lease *);
void rv_queue_forget_holders(struct reeve_queue *);
/* Have a set; false: no descriptor is left. */
bool rv_queue_make_set(struct reeve_queue *);
/* What was heard up to now, and that there is an end, is not news any more. */
void rv_queue_heard(struct reeve_queue *);
/* This process's own; -1: it has none. */
int rv_queue_set(struct reeve_queue *);
void rv_queue_free_set(struct reeve_queue *);

/* queue_bytes.c: the ring and the slots. */
void rv_queue_copy_in(
    struct reeve_queue *, uint32_t at, const struct iovec *, size_t n);
void rv_queue_copy_out(
    struct reeve_queue *, uint32_t at, void *data, size_t len);
enum reeve_status rv_queue_slot_fill(struct reeve_queue *, uint32_t slot,
    const struct iovec *, size_t n, uint64_t len);
enum reeve_status rv_queue_slot_read(
    struct reeve_queue *, uint32_t slot, void *data, uint64_t len);
void rv_queue_slot_free(struct reeve_queue *, uint32_t slot);

/* queue_get.c */
enum reeve_status rv_queue_sink_open(
    struct rv_queue_sink *, uint64_t len, uint32_t tag, void **data);

/* queue_lease.c; all with get_lock held. */
enum reeve_status rv_queue_lease_free_one(struct reeve_queue *, uint32_t *i);
void rv_queue_lease_begin(struct reeve_queue *, uint32_t i, uint32_t tag,
    uint64_t len, uint32_t slot, uint64_t after);
void rv_queue_lease_end(
    struct reeve_queue *, uint32_t i, struct rv_queue_sink *);
enum reeve_status rv_queue_take_returned(
    struct reeve_queue *, struct rv_queue_sink *);
void rv_queue_leases_repair(struct reeve_queue *);
/* Take back what dead ones hold: some of it, now and then. */
void rv_queue_leases_look(struct reeve_queue *, struct rv_robust_self *);
/*
 * All of it, and watch those who live. False: one was dead; what it held is
 * there again, or could not be given back, as a putter is stopped: look again.
 */
bool rv_queue_leases_watch(struct reeve_queue *, struct rv_robust_self *);

#endif
