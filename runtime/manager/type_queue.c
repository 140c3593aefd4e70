/* SPDX-License-Identifier: MIT */
/*
 * Queues with a limit or without. Items are got, and are the client's; or
 * leased, and come back to the front if it ends without an acknowledgement.
 */
#include "config.h"

#include <string.h>

#include "base/alloc.h"
#include "manager/answers.h"
#include "manager/row.h"
#include "manager/types.h"

#define LANE_PUT  0
#define LANE_GET  1
#define LANE_JOIN 2

struct leased {
	uint64_t number;
	struct reeve_datum item;
};

struct queue {
	struct rv_row row;
	size_t max; /* 0: none */
	uint64_t unfinished, next_lease;
	struct leased *leased;
	size_t n_leased, leased_room;
};

static enum reeve_status
put(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct queue *q = state;
	enum reeve_status status;

	(void)n;
	if (q->max > 0 && q->row.n + q->n_leased >= q->max) {
		return REEVE_EAGAIN;
	}
	status = rv_row_insert(r, &q->row, q->row.n, &args[0]);
	if (status == REEVE_OK) {
		q->unfinished++;
	}
	return status;
}

static enum reeve_status
get(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct queue *q = state;

	(void)args;
	(void)n;
	if (q->row.n == 0) {
		return REEVE_EAGAIN;
	}
	reeve_request_answer(r, rv_row_at(&q->row, 0));
	rv_row_remove(r, &q->row, 0);
	return REEVE_OK;
}

static bool
make_room(struct queue *q)
{
	size_t room = q->leased_room == 0 ? 8 : 2 * q->leased_room;
	struct leased *leased;

	if (q->n_leased < q->leased_room) {
		return true;
	}
	leased = rv_realloc(q->leased, q->leased_room, room, sizeof(*leased));
	if (leased == NULL) {
		return false;
	}
	q->leased = leased;
	q->leased_room = room;
	return true;
}

/* The number of the lease, and the item. */
static enum reeve_status
lease(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct queue *q = state;
	struct reeve_datum number;
	enum reeve_status status;

	(void)args;
	(void)n;
	if (q->row.n == 0) {
		return REEVE_EAGAIN;
	}
	if (!make_room(q)) {
		return rv_request_not_kept(r, REEVE_ENOMEM);
	}
	status = reeve_request_lease(r, q->next_lease + 1);
	if (status != REEVE_OK) {
		return status;
	}
	number = reeve_int((int64_t)++q->next_lease);
	reeve_request_answer(r, &number);
	reeve_request_answer(r, rv_row_at(&q->row, 0));
	q->leased[q->n_leased].number = q->next_lease;
	rv_row_take(&q->row, 0, &q->leased[q->n_leased++].item);
	return REEVE_OK;
}

/* Out of the table; NULL: there is no such lease. */
static bool
end_lease(struct queue *q, uint64_t number, struct reeve_datum *item)
{
	for (size_t i = 0; i < q->n_leased; i++) {
		if (q->leased[i].number == number) {
			*item = q->leased[i].item;
			q->leased[i] = q->leased[--q->n_leased];
			return true;
		}
	}
	return false;
}

static enum reeve_status
end_own(struct reeve_request *r, struct queue *q,
    const struct reeve_datum *number, struct reeve_datum *item)
{
	uint64_t which = (uint64_t)number->is.integer;

	/* those of others are not this client's to end */
	if (number->type != REEVE_DATUM_INT ||
	    !rv_request_has_lease(r, which) || !end_lease(q, which, item)) {
		return reeve_request_fail(r, REEVE_ENOTHELD, "no-lease",
		    "this client has no such lease");
	}
	reeve_request_unlease(r, which);
	return REEVE_OK;
}

static void
one_less(struct queue *q)
{
	q->unfinished -= q->unfinished > 0 ? 1 : 0;
}

static enum reeve_status
ack(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct queue *q = state;
	struct reeve_datum item;
	enum reeve_status status = end_own(r, q, &args[0], &item);

	(void)n;
	if (status == REEVE_OK) {
		rv_datum_drop(r->hall, &item);
		one_less(q);
	}
	return status;
}

/* There is room: it was taken out of the same ring. */
static void
back(struct reeve_request *r, struct queue *q, struct reeve_datum *item)
{
	if (!rv_row_insert_kept(&q->row, 0, item)) {
		rv_datum_drop(r->hall, item);
		one_less(q);
	}
}

static enum reeve_status
give_back(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct queue *q = state;
	struct reeve_datum item;
	enum reeve_status status = end_own(r, q, &args[0], &item);

	(void)n;
	if (status == REEVE_OK) {
		back(r, q, &item);
	}
	return status;
}

static void
lost(struct reeve_request *r, void *state, uint64_t number)
{
	struct queue *q = state;
	struct reeve_datum item;

	if (end_lease(q, number, &item)) {
		back(r, q, &item);
	}
}

static enum reeve_status
task_done(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct queue *q = state;

	(void)args;
	(void)n;
	if (q->unfinished == 0) {
		return reeve_request_fail(r, REEVE_EINVALID, "done",
		    "more tasks are done than were put");
	}
	q->unfinished--;
	return REEVE_OK;
}

static enum reeve_status
join(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)r;
	(void)args;
	(void)n;
	return ((struct queue *)state)->unfinished == 0 ? REEVE_OK
							: REEVE_EAGAIN;
}

static enum reeve_status
len(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	(void)args;
	(void)n;
	return rv_answer_int(r, ((struct queue *)state)->row.n);
}

/* How many at most; 0 is no limit. From a snapshot: and the items. */
static enum reeve_status
create(struct reeve_request *r, void *state, const struct reeve_datum *args,
    size_t n)
{
	struct queue *q = state;
	enum reeve_status status = REEVE_OK;

	if ((n > 1 && !reeve_request_is_loading(r)) ||
	    (n > 0 &&
		(args[0].type != REEVE_DATUM_INT || args[0].is.integer < 0))) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "a queue is made of how many items it may have");
	}
	q->max = n > 0 ? (size_t)args[0].is.integer : 0;
	for (size_t i = 1; i < n && status == REEVE_OK; i++) {
		status = rv_row_insert(r, &q->row, q->row.n, &args[i]);
		q->unfinished++;
	}
	return status;
}

static void
destroy(struct reeve_request *r, void *state)
{
	struct queue *q = state;

	for (size_t i = 0; i < q->n_leased; i++) {
		rv_datum_drop(r->hall, &q->leased[i].item);
	}
	rv_free(q->leased);
	rv_row_clear(r, &q->row);
	memset(q, 0, sizeof(*q));
}

static enum reeve_status
save(struct reeve_request *r, void *state)
{
	struct queue *q = state;
	struct reeve_datum max = reeve_int((int64_t)q->max);

	reeve_request_answer(r, &max);
	for (size_t i = 0; i < q->n_leased; i++) {
		reeve_request_answer(r, &q->leased[i].item);
	}
	rv_row_answer(r, &q->row, 0, q->row.n);
	return REEVE_OK;
}

/* Numbers are of the protocol: new ones are appended. */
static const struct reeve_manager_method methods[] = {
	{ "put", put, 1, 1, REEVE_METHOD_WAITS, LANE_PUT },
	{ "get", get, 0, 0, REEVE_METHOD_WAITS, LANE_GET },
	{ "lease", lease, 0, 0, REEVE_METHOD_WAITS, LANE_GET },
	{ "ack", ack, 1, 1, 0, 0 },
	{ "give_back", give_back, 1, 1, 0, 0 },
	{ "task_done", task_done, 0, 0, 0, 0 },
	{ "join", join, 0, 0, REEVE_METHOD_WAITS, LANE_JOIN },
	{ "len", len, 0, 0, 0, 0 },
};

const struct reeve_manager_type rv_type_queue = { sizeof(rv_type_queue),
	"queue", methods, RV_ARRAY_LEN(methods), sizeof(struct queue), create,
	destroy, save, NULL, lost };
