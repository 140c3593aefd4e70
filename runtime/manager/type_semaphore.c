/* SPDX-License-Identifier: MIT */
/*
 * Semaphores, bounded ones, events and barriers. Units of a semaphore that a
 * client acquired come back when it ends; a barrier breaks when one who waits
 * at it does.
 */
#include "config.h"

#include "manager/answers.h"
#include "manager/hall.h"
#include "manager/types.h"

/* -------- semaphores -------- */

struct semaphore {
	uint64_t value, total; /* total: at hand and held; the bound */
	uint64_t next;         /* number of a unit that somebody holds */
};

static enum reeve_status
acquire(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct semaphore *s = state;
	enum reeve_status status;

	(void)args;
	(void)n;
	if (s->value == 0) {
		return REEVE_EAGAIN;
	}
	status = reeve_request_lease(r, s->next + 1);
	if (status == REEVE_OK) {
		s->next++;
		s->value--;
	}
	return status;
}

/* One of those that this client has, or one more. */
static enum reeve_status
release(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct semaphore *s = state;
	int64_t some = n > 0 ? args[0].is.integer : 1;
	bool is_bounded = r->object->type == &rv_type_bounded_semaphore;

	if ((n > 0 && args[0].type != REEVE_DATUM_INT) || some < 1 ||
	    some > INT32_MAX) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "how many is to be a whole number");
	}
	if (is_bounded && s->value + (uint64_t)some > s->total) {
		return reeve_request_fail(
		    r, REEVE_EFULL, "full", "it has all its units already");
	}
	for (int64_t i = 0; i < some; i++) {
		(void)rv_request_end_lease(r);
		s->value++;
	}
	return REEVE_OK;
}

static enum reeve_status
value(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_int(r, ((struct semaphore *)state)->value);
}

static void
lost(struct reeve_request *r, void *state, uint64_t lease)
{
	struct semaphore *s = state;

	(void)r;
	(void)lease;
	s->value++;
}

static enum reeve_status
create(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct semaphore *s = state;

	if (n > 1 || (n > 0 && (args[0].type != REEVE_DATUM_INT ||
				   args[0].is.integer < 0 ||
				   args[0].is.integer > INT32_MAX))) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a semaphore is made of how many units it has");
	}
	s->value = s->total = n > 0 ? (uint64_t)args[0].is.integer : 1;
	return REEVE_OK;
}

/* As many as it was made with: nobody holds any of them after a restart. */
static enum reeve_status
save(struct reeve_request *r, void *state)
{
	return rv_answer_int(r, ((struct semaphore *)state)->total);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method methods[] = {
	{ "acquire", acquire, 0, 0, REEVE_METHOD_WAITS, 0 },
	{ "release", release, 0, 1, 0, 0 },
	{ "value", value, 0, 0, 0, 0 },
};

const struct reeve_manager_type rv_type_semaphore = { sizeof(rv_type_semaphore),
	"semaphore", methods, RV_ARRAY_LEN(methods), sizeof(struct semaphore),
	create, NULL, save, NULL, lost };
const struct reeve_manager_type rv_type_bounded_semaphore = {
	sizeof(rv_type_bounded_semaphore), "bounded_semaphore", methods,
	RV_ARRAY_LEN(methods), sizeof(struct semaphore), create, NULL, save,
	NULL, lost
};

/* -------- events -------- */

struct event {
	bool is_set;
};

static enum reeve_status
set_event(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)r;
	(void)args;
	(void)n;
	((struct event *)state)->is_set = true;
	return REEVE_OK;
}

static enum reeve_status
clear_event(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)r;
	(void)args;
	(void)n;
	((struct event *)state)->is_set = false;
	return REEVE_OK;
}

static enum reeve_status
wait_event(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)r;
	(void)args;
	(void)n;
	return ((struct event *)state)->is_set ? REEVE_OK : REEVE_EAGAIN;
}

static enum reeve_status
is_event(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_bool(r, ((struct event *)state)->is_set);
}

static enum reeve_status
create_event(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)r;
	((struct event *)state)->is_set =
	    n > 0 && args[0].type == REEVE_DATUM_BOOL && args[0].is.integer;
	return REEVE_OK;
}

static enum reeve_status
save_event(struct reeve_request *r, void *state)
{
	return is_event(r, state, NULL, 0);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method event_methods[] = {
	{ "set", set_event, 0, 0, 0, 0 },
	{ "clear", clear_event, 0, 0, 0, 0 },
	{ "wait", wait_event, 0, 0, REEVE_METHOD_WAITS, 0 },
	{ "is_set", is_event, 0, 0, 0, 0 },
};

const struct reeve_manager_type rv_type_event = { sizeof(rv_type_event),
	"event", event_methods, RV_ARRAY_LEN(event_methods),
	sizeof(struct event), create_event, NULL, save_event, NULL, NULL };

/* -------- barriers -------- */

struct barrier {
	uint64_t parties, arrived;
	uint64_t round;       /* from 1 */
	uint64_t reset_round; /* whose parties are told that it is broken */
	bool is_broken;
};

static enum reeve_status
broken(struct reeve_request *r)
{
	return reeve_request_fail(
	    r, REEVE_EBROKEN, "broken", "the barrier is broken");
}

/* Slot 0: its round; slot 1: its number in it. */
static enum reeve_status
wait_barrier(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct barrier *b = state;
	uint64_t *slots = reeve_request_slots(r);
	struct reeve_datum index;

	(void)args;
	(void)n;
	if (slots[0] == 0) {
		if (b->is_broken) {
			return broken(r);
		}
		slots[0] = b->round;
		slots[1] = b->arrived++;
		if (b->arrived == b->parties) {
			b->round++;
			b->arrived = 0;
		}
	}
	if (slots[0] == b->reset_round ||
	    (slots[0] == b->round && b->is_broken)) {
		return broken(r);
	}
	if (slots[0] == b->round) {
		if (!r->expired) {
			return REEVE_EAGAIN;
		}
		b->is_broken = true;
		return broken(r);
	}
	index = reeve_int((int64_t)slots[1]);
	reeve_request_answer(r, &index);
	return REEVE_OK;
}

static void
left_barrier(struct reeve_request *r, void *state)
{
	struct barrier *b = state;

	if (reeve_request_slots(r)[0] == b->round) {
		b->is_broken = true;
	}
}

static enum reeve_status
abort_barrier(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	(void)r;
	(void)args;
	(void)n;
	((struct barrier *)state)->is_broken = true;
	return REEVE_OK;
}

static enum reeve_status
reset_barrier(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct barrier *b = state;

	(void)r;
	(void)args;
	(void)n;
	b->reset_round = b->round++;
	b->arrived = 0;
	b->is_broken = false;
	return REEVE_OK;
}

static enum reeve_status
parties(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_int(r, ((struct barrier *)state)->parties);
}

static enum reeve_status
n_waiting(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct barrier *b = state;

	(void)args;
	(void)n;
	return rv_answer_int(r, b->is_broken ? 0 : b->arrived);
}

static enum reeve_status
is_broken(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_bool(r, ((struct barrier *)state)->is_broken);
}

static enum reeve_status
create_barrier(struct reeve_request *r, void *state,
    const struct reeve_datum *args, size_t n)
{
	struct barrier *b = state;

	if (n != 1 || args[0].type != REEVE_DATUM_INT ||
	    args[0].is.integer < 1) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a barrier is made of how many meet at it");
	}
	b->parties = (uint64_t)args[0].is.integer;
	b->round = 1;
	return REEVE_OK;
}

static enum reeve_status
save_barrier(struct reeve_request *r, void *state)
{
	return parties(r, state, NULL, 0);
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method barrier_methods[] = {
	{ "wait", wait_barrier, 0, 0, REEVE_METHOD_WAITS, 0 },
	{ "abort", abort_barrier, 0, 0, 0, 0 },
	{ "reset", reset_barrier, 0, 0, 0, 0 },
	{ "parties", parties, 0, 0, 0, 0 },
	{ "n_waiting", n_waiting, 0, 0, 0, 0 },
	{ "is_broken", is_broken, 0, 0, 0, 0 },
};

const struct reeve_manager_type rv_type_barrier = { sizeof(rv_type_barrier),
	"barrier", barrier_methods, RV_ARRAY_LEN(barrier_methods),
	sizeof(struct barrier), create_barrier, NULL, save_barrier,
	left_barrier, NULL };
