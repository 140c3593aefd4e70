/* SPDX-License-Identifier: MIT */
/*
 * The hall: all objects, the names that some were published under, the sessions
 * of clients with what each of them holds, and the calls that wait. It takes
 * messages and the time and gives answers, and does nothing else: no
 * descriptors, no clock. manager_server.c is its edge.
 *
 * Who holds an object: sessions (that were given a reference), values that are
 * kept, names, waiting calls. Nobody: it is destroyed at the end of the call,
 * by rv_hall_bury, in a loop and not by recursion. Those that only hold each
 * other in a ring are found by a pass of marking (marks.c), which comes after
 * as many new objects as the pass has to look at, so that each object pays for
 * a fixed number of steps.
 */
#ifndef RV_MANAGER_HALL_H
#define RV_MANAGER_HALL_H

#include <reeve/manager.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/time.h"
#include "manager/call_wire.h"
#include "manager/pairs.h"

#define RV_LANES 3

/* What nobody comes near by chance counts for the limit of memory. */
#define RV_VALUE_WEIGHT 48

struct rv_object {
	uint32_t index, generation;
	uint32_t holders;
	uint32_t n_waiting;
	const struct reeve_manager_type *type;
	struct rv_list lanes[RV_LANES]; /* of rv_waiting */
	struct rv_list awake;           /* likewise: to be tried again */
	struct rv_list leases;          /* of rv_lease */
	struct rv_list dying;           /* in rv_hall.dying */
	uint64_t charged;               /* bytes, by reeve_request_charge */
	int watched;                    /* a descriptor, or -1 */
	uint32_t mark;
	bool is_settling;
	_Alignas(16) unsigned char state[];
};

/* A reference that a session has, as often as it was answered. */
struct rv_hold {
	struct rv_hash_node node; /* by the object's number */
	struct rv_object *object;
	uint32_t count;
};

struct rv_lease {
	struct rv_list of_object, of_session;
	struct rv_object *object;
	struct rv_session *session;
	uint64_t number;
};

/* A call that waits. */
struct rv_waiting {
	struct rv_list of_lane; /* or of rv_object.awake */
	struct rv_list of_session;
	struct rv_hash_node aside; /* in rv_hall.aside, if it is_aside */
	struct rv_object *object;
	struct rv_session *session;
	const struct reeve_manager_method *method;
	uint64_t slots[2];
	rv_time until;
	size_t heap_at; /* in rv_hall.heap, from 1; 0: it has no end */
	uint32_t id, owner, n_args;
	uint32_t number; /* that it waits for; 0: it is in a lane */
	uint8_t lane;
	bool expired, is_aside;
	size_t length;
	_Alignas(8) unsigned char bytes[]; /* its arguments */
};

/* What the hall knows of a client. Made by rv_session_open. */
struct rv_session {
	struct rv_list all;   /* in rv_hall.sessions */
	struct rv_list dirty; /* in rv_hall.dirty: it has answers, or is cut */
	struct rv_buf out;
	struct rv_hash holds;
	struct rv_list waiting; /* of rv_waiting */
	struct rv_list leases;  /* of rv_lease */
	uint64_t number;
	uint32_t n_waiting;
	bool last_was_good; /* the call before, of this message */
	enum reeve_status cut;
	char why[160];
	void *user; /* the server's */
};

struct rv_hall_limits {
	uint64_t memory, output;
	uint32_t objects, waiting, holds;
};

/* What the server does for objects; without one (tests) all are NULL. */
struct rv_edge {
	void *ctx;
	/* in the place of object->watched; -1: no more */
	enum reeve_status (*watch)(void *ctx, struct rv_object *, int fd);
	bool (*later)(void *ctx, void (*work)(void *arg), void *arg);
};

/* Snapshots of the server's, which it writes in the background. */
struct rv_snapshots {
	/*
	 * Have one written, as it is now; *number is 0 at first. REEVE_EAGAIN:
	 * ask again with the same number, when one has ended. NULL: there is
	 * no file for one.
	 */
	enum reeve_status (*ask)(
	    void *ctx, uint64_t *number, struct reeve_error *);
	void *ctx;
	uint64_t ended, written, failed;
	int writer; /* the pid of who is writing one; 0: nobody is */
};

struct rv_hall {
	struct rv_object **objects; /* by number; 0 is the hall itself */
	uint32_t n_objects, n_slots, n_free;
	uint32_t *free_slots;
	uint32_t next_generation;
	uint64_t seed[2];
	uint64_t bytes; /* of values and objects */
	struct rv_hall_limits limits;
	struct rv_pairs names; /* text: reference */
	struct rv_list sessions, dirty, dying;
	uint32_t n_sessions;
	uint64_t next_session;
	struct rv_waiting **heap; /* by their end, from 1 */
	size_t n_heap, heap_room;
	struct rv_hash aside; /* of rv_waiting, by object and number */
	struct rv_edge edge;
	struct reeve_datum *args;
	size_t args_room;
	const struct reeve_manager_type *const *types;
	size_t n_types;
	const struct reeve_manager_update *updates;
	size_t n_updates;
	uint32_t mark, born; /* marks.c */
	uint64_t n_calls;
	bool is_changed; /* something was called since the last snapshot */
	rv_time now;
	struct rv_snapshots snapshots;
};

/* A call while it is done. */
struct reeve_request {
	struct rv_hall *hall;
	struct rv_session *session; /* NULL: the server's own */
	struct rv_object *object;
	/* where answers go; or else: */
	struct rv_buf *out;
	void (*visit)(struct reeve_request *, const struct reeve_datum *);
	void *visit_ctx;
	uint64_t *slots;
	uint32_t id, owner, n_answers;
	uint32_t number; /* that it waits for instead of in a lane */
	uint8_t lane;
	bool expired, is_loading;
	bool waits_on; /* though its time is over */
	bool is_parked;
	char type[48];
	char text[200];
};

/* The seed is what nobody can guess. REEVE_ENOMEM. */
enum reeve_status rv_hall_init(struct rv_hall *, const uint64_t seed[2],
    const struct rv_hall_limits *) RV_MUST_CHECK;
void rv_hall_finish(struct rv_hall *);

/* Sessions */
enum reeve_status rv_session_open(
    struct rv_hall *, struct rv_session *) RV_MUST_CHECK;
/* All that it has goes. */
void rv_session_close(struct rv_hall *, struct rv_session *);
void rv_session_dirty(struct rv_hall *, struct rv_session *);
void rv_session_cut(
    struct rv_hall *, struct rv_session *, enum reeve_status, const char *why);
bool rv_session_hold(
    struct rv_hall *, struct rv_session *, struct rv_object *) RV_MUST_CHECK;
bool rv_session_holds(const struct rv_session *, const struct rv_object *);
/* Let go of a reference so many times. False: it had not so many. */
bool rv_session_release(
    struct rv_hall *, struct rv_session *, struct rv_object *, uint32_t count);

/*
 * Do at most `budget` calls of a message; the cursor is behind them. What is no
 * call cuts the session off.
 */
void rv_hall_take(struct rv_hall *, struct rv_session *, struct rv_cursor *,
    unsigned budget, rv_time now);
/* End the waiting of those whose time is over. */
void rv_hall_tick(struct rv_hall *, rv_time now);
/* When the next one's is; RV_FOREVER: none. */
rv_time rv_hall_next(const struct rv_hall *);

/* Objects */
const struct reeve_manager_type *rv_hall_type(
    const struct rv_hall *, const char *name, size_t length);
/* Held by the one who asks: rv_object_unref. Errors go into the request. */
enum reeve_status rv_object_create(struct reeve_request *,
    const struct reeve_manager_type *, const struct reeve_datum *args,
    size_t n_args, struct rv_object **) RV_MUST_CHECK;
/* The same without its `create`; NULL: no room. */
struct rv_object *rv_object_place(
    struct rv_hall *, const struct reeve_manager_type *);
struct rv_object *rv_hall_find(
    const struct rv_hall *, uint32_t index, uint32_t generation);
static inline void
rv_object_ref(struct rv_object *object)
{
	object->holders++;
}
void rv_object_unref(struct rv_hall *, struct rv_object *);
/* Destroy those whom nobody holds any more. */
void rv_hall_bury(struct rv_hall *);
/* It drops what it has; it may be held still, and does nothing more. */
void rv_object_empty(struct rv_hall *, struct rv_object *);
/* What it watches is readable. */
void rv_object_ready(struct rv_hall *, struct rv_object *, rv_time now);
struct reeve_datum rv_object_reference(const struct rv_object *);

/* Values that are kept. */
enum reeve_status rv_datum_keep(struct rv_hall *, struct reeve_datum *kept,
    const struct reeve_datum *) RV_MUST_CHECK;
void rv_datum_drop(struct rv_hall *, struct reeve_datum *kept);

/* request.c */
void rv_request_init(struct reeve_request *, struct rv_hall *,
    struct rv_session *, struct rv_object *);
/* Why keeping failed, in the words of all types. */
enum reeve_status rv_request_not_kept(
    struct reeve_request *, enum reeve_status);
/* Do what was begun with rv_wire_put_answer, or take it back. */
void rv_request_end(struct reeve_request *, size_t begin, enum reeve_status);

/* Whether this client has this lease of the object; ending one, if any. */
bool rv_request_has_lease(const struct reeve_request *, uint64_t number);
bool rv_request_end_lease(struct reeve_request *);

/* park.c */
enum reeve_status rv_park(struct reeve_request *, rv_time timeout,
    const struct reeve_manager_method *, const struct reeve_datum *args,
    uint32_t n_args) RV_MUST_CHECK;
void rv_park_drop(struct rv_hall *, struct rv_waiting *, bool it_left);
/* Somebody waits for this number of the object. */
bool rv_park_awaits(
    const struct rv_hall *, const struct rv_object *, uint32_t number);
void rv_park_wake(struct rv_hall *, struct rv_object *, uint32_t number);
/* After a call of the object: those who wait. */
void rv_park_settle(struct rv_hall *, struct rv_object *);
/* The arguments of a message, n of them, from the hall's room. */
struct reeve_datum *rv_hall_args(
    struct rv_hall *, struct rv_cursor *, uint32_t n);

/* marks.c: how many were collected. */
uint32_t rv_hall_collect(struct rv_hall *);
/* Destroy those without the hall's mark, whoever holds them among themselves.
 */
uint32_t rv_hall_sweep(struct rv_hall *);
static inline bool
rv_hall_should_collect(const struct rv_hall *hall)
{
	return hall->born > 1000 && hall->born > hall->n_objects / 2;
}

#endif
