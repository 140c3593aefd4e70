/* SPDX-License-Identifier: MIT */
/*
 * Locks, rlocks, and conditions, which have an rlock in them. A holder is a
 * client and the number that it says of its thread. When the client ends, the
 * next holder is told, once, that the one before it has gone.
 */
#include "config.h"

#include "manager/answers.h"
#include "manager/hall.h"
#include "manager/types.h"

struct held {
	uint64_t by; /* 0: nobody */
	uint64_t depth;
	bool has_died;
};

static enum reeve_status
take(struct reeve_request *r, struct held *held, uint64_t depth)
{
	uint64_t caller = reeve_request_caller(r);
	enum reeve_status status = reeve_request_lease(r, caller);

	if (status != REEVE_OK) {
		return status;
	}
	held->by = caller;
	held->depth = depth;
	if (held->has_died) {
		held->has_died = false;
		return reeve_request_fail(r, REEVE_EOWNERDIED, "owner-died",
		    "it is held; who held it before has gone without releasing "
		    "it");
	}
	return REEVE_OK;
}

static void
let_go(struct reeve_request *r, struct held *held)
{
	reeve_request_unlease(r, held->by);
	held->by = 0;
	held->depth = 0;
}

static enum reeve_status
acquire(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct held *held = state;

	(void)args;
	(void)n;
	if (held->by == 0) {
		return take(r, held, 1);
	}
	if (held->by != reeve_request_caller(r)) {
		return REEVE_EAGAIN;
	}
	if (r->object->type == &rv_type_lock) {
		return reeve_request_fail(
		    r, REEVE_EBUSY, "held", "the caller has it already");
	}
	held->depth++;
	return REEVE_OK;
}

static enum reeve_status
not_held(struct reeve_request *r)
{
	return reeve_request_fail(
	    r, REEVE_ENOTHELD, "not-held", "the caller does not hold it");
}

static enum reeve_status
release(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct held *held = state;

	(void)args;
	(void)n;
	if (held->by == 0 || held->by != reeve_request_caller(r)) {
		return not_held(r);
	}
	if (--held->depth == 0) {
		let_go(r, held);
	}
	return REEVE_OK;
}

static enum reeve_status
is_held(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_bool(r, ((struct held *)state)->by != 0);
}

static void
lost(struct reeve_request *r, void *state, uint64_t lease)
{
	struct held *held = state;

	(void)r;
	if (held->by == lease) {
		held->by = 0;
		held->has_died = true;
	}
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method methods[] = {
	{ "acquire", acquire, 0, 0, REEVE_METHOD_WAITS, 0 },
	{ "release", release, 0, 0, 0, 0 },
	{ "is_held", is_held, 0, 0, 0, 0 },
};

const struct reeve_manager_type rv_type_lock = { sizeof(rv_type_lock), "lock",
	methods, RV_ARRAY_LEN(methods), sizeof(struct held), NULL, NULL, NULL,
	NULL, lost };
const struct reeve_manager_type rv_type_rlock = { sizeof(rv_type_rlock),
	"rlock", methods, RV_ARRAY_LEN(methods), sizeof(struct held), NULL,
	NULL, NULL, NULL, lost };

/* -------- conditions -------- */

struct condition {
	struct held held; /* first: the methods above are of it */
	uint64_t n_waiting, n_notified;
};

/* Slot 0 of a wait; slot 1 is how deep it held the lock. */
enum stage { NEW, WAITING, NOTIFIED, LATE };

#define LANE_LOCK 0
#define LANE_WAIT 1

/* It has been notified, or its time is over: it needs the lock again. */
static enum reeve_status
come_back(struct reeve_request *r, struct condition *c, uint64_t *slots)
{
	enum reeve_status status;

	if (c->held.by != 0) {
		r->lane = LANE_LOCK;
		r->waits_on = true;
		return REEVE_EAGAIN;
	}
	status = take(r, &c->held, slots[1]);
	return status == REEVE_OK && slots[0] == LATE ? REEVE_ETIMEDOUT
						      : status;
}

static enum reeve_status
wait_for_it(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct condition *c = state;
	uint64_t *slots = reeve_request_slots(r);

	(void)args;
	(void)n;
	if (slots[0] == NEW) {
		if (c->held.by == 0 || c->held.by != reeve_request_caller(r)) {
			return not_held(r);
		}
		slots[0] = WAITING;
		slots[1] = c->held.depth;
		let_go(r, &c->held);
		c->n_waiting++;
		return REEVE_EAGAIN;
	}
	if (slots[0] == WAITING) {
		if (c->n_notified > 0) {
			c->n_notified--;
			slots[0] = NOTIFIED;
		} else if (r->expired) {
			slots[0] = LATE;
		} else {
			return REEVE_EAGAIN;
		}
		c->n_waiting--;
	}
	return come_back(r, c, slots);
}

/* One who waited is gone; what it was notified of passes on. */
static void
left(struct reeve_request *r, void *state)
{
	struct condition *c = state;
	uint64_t *slots = reeve_request_slots(r);

	if (slots[0] == WAITING) {
		c->n_waiting--;
		c->n_notified = RV_MIN(c->n_notified, c->n_waiting);
		if (r->out != NULL) { /* it could not begin: it has the lock */
			(void)take(r, &c->held, slots[1]);
		}
	} else if (slots[0] == NOTIFIED && c->n_notified < c->n_waiting) {
		c->n_notified++;
	}
}

static enum reeve_status
notify_some(struct reeve_request *r, struct condition *c, uint64_t n)
{
	if (c->held.by == 0 || c->held.by != reeve_request_caller(r)) {
		return not_held(r);
	}
	c->n_notified += RV_MIN(n, c->n_waiting - c->n_notified);
	return REEVE_OK;
}

static enum reeve_status
notify(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	int64_t some = n > 0 ? args[0].is.integer : 1;

	if ((n > 0 && args[0].type != REEVE_DATUM_INT) || some < 0) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "how many is to be a whole number");
	}
	return notify_some(r, state, (uint64_t)some);
}

static enum reeve_status
notify_all(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return notify_some(r, state, UINT64_MAX);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method condition_methods[] = {
	{ "acquire", acquire, 0, 0, REEVE_METHOD_WAITS, LANE_LOCK },
	{ "release", release, 0, 0, 0, 0 },
	{ "is_held", is_held, 0, 0, 0, 0 },
	{ "wait", wait_for_it, 0, 0, REEVE_METHOD_WAITS, LANE_WAIT },
	{ "notify", notify, 0, 1, 0, 0 },
	{ "notify_all", notify_all, 0, 0, 0, 0 },
};

const struct reeve_manager_type rv_type_condition = { sizeof(rv_type_condition),
	"condition", condition_methods, RV_ARRAY_LEN(condition_methods),
	sizeof(struct condition), NULL, NULL, NULL, left, lost };
