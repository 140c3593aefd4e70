/* SPDX-License-Identifier: MIT */
/*
 * Calls: from the bytes of a message to the method, and from what it says to
 * the bytes of an answer. Here everything that a client says is doubted: which
 * object, whether it may, which method, how many arguments. Called by the
 * server for each message; the functions of manager.h with which methods answer
 * are here, too.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "manager/hall.h"

/* So many arguments need no memory. */
#define FEW_ARGS 8

void
rv_request_init(struct reeve_request *r, struct rv_hall *hall,
    struct rv_session *session, struct rv_object *object)
{
	r->hall = hall;
	r->session = session;
	r->object = object;
	r->out = NULL;
	r->visit = NULL;
	r->visit_ctx = NULL;
	r->slots = NULL;
	r->id = r->owner = r->n_answers = r->number = 0;
	r->lane = 0;
	r->expired = r->is_loading = r->waits_on = r->is_parked = false;
	r->type[0] = r->text[0] = '\0';
}

/* -------- what methods say -------- */

void
reeve_request_answer(struct reeve_request *r, const struct reeve_datum *value)
{
	if (r->visit != NULL) {
		r->visit(r, value);
		return;
	}
	if (r->out == NULL) {
		return;
	}
	if (value->type == REEVE_DATUM_REFERENCE && r->session != NULL) {
		struct rv_object *object = rv_hall_find(r->hall,
		    value->is.reference.object, value->is.reference.generation);

		if (object != NULL && r->id != 0 &&
		    !rv_session_hold(r->hall, r->session, object)) {
			rv_session_cut(r->hall, r->session, REEVE_EFULL,
			    "it holds more references than it may");
		}
	}
	rv_wire_put_value(r->out, value);
	r->n_answers++;
}

enum reeve_status
reeve_request_fail(struct reeve_request *r, enum reeve_status status,
    const char *type, const char *fmt, ...)
{
	va_list args;

	(void)rv_copy(r->type, sizeof(r->type), type);
	va_start(args, fmt);
	(void)vsnprintf(r->text, sizeof(r->text), fmt, args);
	va_end(args);
	return status;
}

enum reeve_status
rv_request_not_kept(struct reeve_request *r, enum reeve_status status)
{
	switch (status) {
	case REEVE_EFULL:
		return reeve_request_fail(r, status, "full",
		    "the manager's memory is used up to its limit");
	case REEVE_ENOENT:
		return reeve_request_fail(
		    r, status, "no-object", "what is referred to is gone");
	case REEVE_ENOMEM:
		return reeve_request_fail(
		    r, status, "memory", "the manager has no memory");
	default:
		return status;
	}
}

enum reeve_status
reeve_request_create(struct reeve_request *r, const char *type,
    const struct reeve_datum *args, size_t n_args,
    struct reeve_datum *reference)
{
	const struct reeve_manager_type *found =
	    rv_hall_type(r->hall, type, strlen(type));
	struct rv_object *object = NULL;
	enum reeve_status status;

	if (found == NULL) {
		return reeve_request_fail(
		    r, REEVE_ENOENT, "no-type", "there is no type %s", type);
	}
	status = rv_object_create(r, found, args, n_args, &object);
	if (status == REEVE_OK) {
		*reference = rv_object_reference(object);
		/* it dies at the end of the call, unless it is answered */
		rv_object_unref(r->hall, object);
	}
	return status;
}

enum reeve_status
reeve_request_keep(struct reeve_request *r, struct reeve_datum *kept,
    const struct reeve_datum *datum)
{
	return rv_request_not_kept(r, rv_datum_keep(r->hall, kept, datum));
}

void
reeve_request_drop(struct reeve_request *r, struct reeve_datum *kept)
{
	rv_datum_drop(r->hall, kept);
}

uint64_t *
reeve_request_slots(struct reeve_request *r)
{
	return r->slots;
}

bool
reeve_request_expired(const struct reeve_request *r)
{
	return r->expired;
}

uint64_t
reeve_request_caller(const struct reeve_request *r)
{
	return r->session == NULL ? 0 : r->session->number << 32 | r->owner;
}

uint64_t
reeve_request_client(const struct reeve_request *r)
{
	return r->session == NULL ? 0 : r->session->number;
}

bool
reeve_request_is_loading(const struct reeve_request *r)
{
	return r->is_loading;
}

enum reeve_status
reeve_request_lease(struct reeve_request *r, uint64_t number)
{
	struct rv_lease *lease;

	if (r->session == NULL) {
		return REEVE_OK;
	}
	lease = rv_alloc(1, sizeof(*lease));
	if (lease == NULL) {
		return rv_request_not_kept(r, REEVE_ENOMEM);
	}
	lease->object = r->object;
	lease->session = r->session;
	lease->number = number;
	rv_list_insert(&r->object->leases, &lease->of_object);
	rv_list_insert(&r->session->leases, &lease->of_session);
	return REEVE_OK;
}

void
reeve_request_unlease(struct reeve_request *r, uint64_t number)
{
	RV_LIST_EACH_SAFE (l, &r->object->leases, struct rv_lease, of_object) {
		if (l->number == number) {
			rv_list_remove(&l->of_object);
			rv_list_remove(&l->of_session);
			rv_free(l);
			return;
		}
	}
}

bool
rv_request_has_lease(const struct reeve_request *r, uint64_t number)
{
	RV_LIST_EACH (l, &r->object->leases, struct rv_lease, of_object) {
		if (l->number == number && l->session == r->session) {
			return true;
		}
	}
	return false;
}

bool
rv_request_end_lease(struct reeve_request *r)
{
	RV_LIST_EACH (l, &r->object->leases, struct rv_lease, of_object) {
		if (l->session == r->session) {
			rv_list_remove(&l->of_object);
			rv_list_remove(&l->of_session);
			rv_free(l);
			return true;
		}
	}
	return false;
}

/* -------- of objects to which something happens -------- */

enum reeve_status
reeve_request_wait_for(struct reeve_request *r, uint32_t number)
{
	if (number == 0) {
		return reeve_request_fail(r, REEVE_EINVALID, "arguments",
		    "0 is no number to wait for");
	}
	if (rv_park_awaits(r->hall, r->object, number)) {
		return reeve_request_fail(r, REEVE_EBUSY, "busy",
		    "another call waits for number %u", number);
	}
	r->number = number;
	return REEVE_OK;
}

void
reeve_request_wake(struct reeve_request *r, uint32_t number)
{
	rv_park_wake(r->hall, r->object, number);
}

enum reeve_status
reeve_request_watch(struct reeve_request *r, int fd)
{
	struct rv_edge *edge = &r->hall->edge;
	enum reeve_status status = REEVE_ENOTBUILT;

	if (edge->watch != NULL) {
		status = edge->watch(edge->ctx, r->object, fd);
	}
	if (status == REEVE_OK) {
		r->object->watched = fd;
		return REEVE_OK;
	}
	return reeve_request_fail(r, status, "watch",
	    "the manager cannot poll what %s is told of by",
	    r->object->type->name);
}

void
reeve_request_later(struct reeve_request *r, void (*work)(void *arg), void *arg)
{
	struct rv_edge *edge = &r->hall->edge;

	if (edge->later == NULL || !edge->later(edge->ctx, work, arg)) {
		work(arg);
	}
}

enum reeve_status
reeve_request_charge(struct reeve_request *r, int64_t bytes)
{
	struct rv_hall *hall = r->hall;

	if (bytes > 0 &&
	    (hall->bytes > hall->limits.memory ||
		(uint64_t)bytes > hall->limits.memory - hall->bytes)) {
		return rv_request_not_kept(r, REEVE_EFULL);
	}
	RV_ASSERT(bytes >= 0 || r->object->charged >= (uint64_t)-bytes);
	hall->bytes += (uint64_t)bytes;
	r->object->charged += (uint64_t)bytes;
	return REEVE_OK;
}

/* -------- from the bytes to the method -------- */

void
rv_request_end(struct reeve_request *r, size_t begin, enum reeve_status status)
{
	struct rv_buf *out = r->out;

	if (r->id == 0 && !out->failed) {
		out->len = begin;
		return;
	}
	if (status != REEVE_OK && !out->failed) {
		struct reeve_datum type, text;

		out->len = begin + RV_ANSWER_BYTES;
		r->n_answers = 0;
		if (r->type[0] != '\0' || status != REEVE_EOWNERDIED) {
			type =
			    reeve_text(r->type[0] != '\0' ? r->type : "failed");
			text = reeve_text(r->text[0] != '\0'
					      ? r->text
					      : reeve_status_text(status));
			rv_wire_put_value(out, &type);
			rv_wire_put_value(out, &text);
			r->n_answers = 2;
		}
	}
	rv_wire_end_answer(out, begin, (int32_t)status, r->n_answers);
	if (out->failed) {
		rv_session_cut(r->hall, r->session, REEVE_ETOOBIG,
		    "its answers are longer than may wait for it");
		return;
	}
	rv_session_dirty(r->hall, r->session);
}

struct reeve_datum *
rv_hall_args(struct rv_hall *hall, struct rv_cursor *c, uint32_t n)
{
	if (n > hall->args_room) {
		struct reeve_datum *args =
		    rv_realloc(hall->args, hall->args_room, n, sizeof(*args));

		if (args == NULL) {
			return NULL;
		}
		hall->args = args;
		hall->args_room = n;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!rv_wire_get_value(c, &hall->args[i])) {
			return NULL;
		}
	}
	return hall->args;
}

static const struct reeve_manager_method *
method_named(const struct reeve_manager_type *type, const char *name, size_t n)
{
	for (size_t i = 0; i < type->n_methods; i++) {
		if (strlen(type->methods[i].name) == n &&
		    memcmp(type->methods[i].name, name, n) == 0) {
			return &type->methods[i];
		}
	}
	return NULL;
}

/* The method that is called; args are those behind a name. NULL: none. */
static const struct reeve_manager_method *
method_of(struct reeve_request *r, const struct rv_call_head *head,
    const struct reeve_datum **args, uint32_t *n_args)
{
	const struct reeve_manager_type *type = r->object->type;
	const struct reeve_manager_method *method = NULL;
	struct reeve_datum name = reeve_text("");

	if (head->method != 0) {
		method = head->method <= type->n_methods
			     ? &type->methods[head->method - 1]
			     : NULL;
	} else if (*n_args > 0 && (*args)[0].type == REEVE_DATUM_TEXT) {
		name = *(*args)++;
		(*n_args)--;
		method = method_named(type, name.data, name.length);
	}
	if (method == NULL || method->fn == NULL) {
		(void)reeve_request_fail(r, REEVE_ENOENT, "no-method",
		    "%s has no method %.*s", type->name,
		    (int)RV_MIN(name.length, 60), (const char *)name.data);
		return NULL;
	}
	if (method->name[0] == '_') {
		(void)reeve_request_fail(r, REEVE_EPERM, "hidden",
		    "%s of %s is not for clients", method->name, type->name);
		return NULL;
	}
	return method;
}

static enum reeve_status
check_count(struct reeve_request *r, const struct reeve_manager_method *method,
    uint32_t n)
{
	if (n >= method->min_args &&
	    (n <= method->max_args || method->max_args == REEVE_ANY_ARGS)) {
		return REEVE_OK;
	}
	return reeve_request_fail(r, REEVE_EINVALID, "arguments",
	    "%s of %s takes %u to %u arguments, and got %u", method->name,
	    r->object->type->name, method->min_args, method->max_args, n);
}

/* Find the method, call it, let it wait. */
static enum reeve_status
call_it(struct reeve_request *r, const struct rv_call_head *head,
    const struct reeve_datum *args)
{
	const struct reeve_manager_method *method;
	uint32_t n_args = head->n_args;
	uint64_t slots[2] = { 0, 0 };
	enum reeve_status status;

	method = method_of(r, head, &args, &n_args);
	if (method == NULL) {
		return r->type[0] == 'h' ? REEVE_EPERM : REEVE_ENOENT;
	}
	status = check_count(r, method, n_args);
	if (status != REEVE_OK) {
		return status;
	}
	r->slots = slots;
	r->lane = (uint8_t)method->lane;
	status = method->fn(r, r->object->state, args, n_args);
	if (status != REEVE_EAGAIN ||
	    (method->flags & REEVE_METHOD_WAITS) == 0) {
		return status;
	}
	if (head->timeout <= 0) {
		r->expired = true;
		status = method->fn(r, r->object->state, args, n_args);
		if (status != REEVE_EAGAIN) {
			return status;
		}
		if (!r->waits_on) {
			return REEVE_ETIMEDOUT;
		}
	}
	return rv_park(r, head->timeout, method, args, n_args);
}

/* One call, whose arguments the cursor has, all of it. */
static bool
take_one(struct rv_hall *hall, struct rv_session *session,
    const struct rv_call_head *head, struct rv_cursor *c)
{
	struct reeve_datum few[FEW_ARGS], *args = few;
	struct reeve_request r;
	struct rv_object *object;
	enum reeve_status status;
	size_t begin;

	if (head->n_args > FEW_ARGS) {
		args = rv_hall_args(hall, c, head->n_args);
		if (args == NULL) {
			return false;
		}
	} else {
		for (uint32_t i = 0; i < head->n_args; i++) {
			if (!rv_wire_get_value(c, &few[i])) {
				return false;
			}
		}
	}
	if (c->left != 0) {
		return false;
	}
	object = rv_hall_find(hall, head->object, head->generation);
	rv_request_init(&r, hall, session, object);
	r.out = &session->out;
	r.id = head->id;
	r.owner = head->owner;
	begin = rv_wire_put_answer(r.out, r.id);
	if ((head->flags & RV_CALL_IF_BEFORE) != 0 && !session->last_was_good) {
		status = reeve_request_fail(&r, REEVE_ECANCELED, "canceled",
		    "the call before it failed");
	} else if (object == NULL || !rv_session_holds(session, object)) {
		status = reeve_request_fail(&r, REEVE_ENOENT, "no-object",
		    "this client has no such object");
	} else {
		status = call_it(&r, head, args);
	}
	session->last_was_good = status == REEVE_OK;
	if (r.is_parked) {
		session->out.len = begin;
	} else {
		rv_request_end(&r, begin, status);
	}
	if (object != NULL && object->n_waiting > 0) {
		rv_park_settle(hall, object);
	}
	return true;
}

void
rv_hall_take(struct rv_hall *hall, struct rv_session *session,
    struct rv_cursor *c, unsigned budget, rv_time now)
{
	hall->now = now;
	hall->is_changed = true;
	while (c->left > 0 && budget-- > 0 && session->cut == REEVE_OK) {
		struct rv_call_head head;
		struct rv_cursor args = *c;

		if (!rv_wire_get_call(&args, &head)) {
			rv_session_cut(hall, session, REEVE_EPROTO,
			    "what it sent is no call");
			break;
		}
		args.left = head.length - RV_CALL_BYTES;
		c->at += head.length;
		c->left -= head.length;
		hall->n_calls++;
		if (!take_one(hall, session, &head, &args)) {
			rv_session_cut(hall, session, REEVE_EPROTO,
			    "the arguments of its call are none");
			break;
		}
	}
	if (!rv_list_empty(&hall->dying)) {
		rv_hall_bury(hall);
	}
	if (rv_hall_should_collect(hall)) {
		(void)rv_hall_collect(hall);
	}
}
