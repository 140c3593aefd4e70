/* SPDX-License-Identifier: MIT */
/*
 * Proxies and their calls: a call into bytes, its answer into a result or an
 * error. What a call needs is on the stack of the thread that waits for it.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "manager/manager_client.h"
#include "sys/sys.h"

/* Methods of object 0. */
#define HALL_CREATE    1
#define HALL_OPEN      2
#define HALL_PUBLISH   3
#define HALL_UNPUBLISH 4
#define HALL_ATTACH    8
#define HALL_RELEASE   9
#define HALL_PING      10

/* -------- bytes -------- */

/* Threads are told apart by where their errno is. */
static uint32_t
owner(void)
{
	return (uint32_t)((uintptr_t)&errno >> 5) | 1;
}

void
rv_manager_head(const struct reeve_proxy *p, uint16_t method, uint32_t flags,
    size_t n_args, rv_time timeout, struct rv_call_head *head)
{
	memset(head, 0, sizeof(*head));
	head->object = p->object;
	head->generation = p->generation;
	head->method = method;
	head->flags = (uint16_t)flags;
	head->n_args = (uint32_t)n_args;
	head->owner = owner();
	head->timeout = timeout;
}

void
rv_manager_put(struct rv_buf *out, struct rv_call_head *head,
    const char *method, const struct reeve_datum *args, size_t n_args)
{
	size_t begin;

	head->n_args = (uint32_t)n_args + (method != NULL ? 1 : 0);
	begin = rv_wire_put_call(out, head);
	if (method != NULL) {
		struct reeve_datum name = reeve_text(method);

		rv_wire_put_value(out, &name);
	}
	for (size_t i = 0; i < n_args; i++) {
		rv_wire_put_value(out, &args[i]);
	}
	rv_wire_end_call(out, begin);
}

/* -------- results -------- */

static void
release_untaken(struct reeve_result *result)
{
	struct reeve_manager *m = result->manager;

	if (result->n_references == 0 ||
	    rv_manager_enter(m, NULL) != REEVE_OK) {
		return;
	}
	for (size_t i = 0; i < result->n; i++) {
		if (result->values[i].type == REEVE_DATUM_REFERENCE) {
			struct rv_call_head head = { .method = HALL_RELEASE };

			rv_manager_put(
			    &m->releases, &head, NULL, &result->values[i], 1);
		}
	}
	result->n_references = 0;
	rv_manager_leave(m);
}

void
reeve_result_free(struct reeve_result *result)
{
	if (result != NULL) {
		release_untaken(result);
		rv_free(result->memory);
		memset(result, 0, sizeof(*result));
	}
}

bool
rv_result_fill(struct reeve_result *result, struct reeve_manager *m,
    const unsigned char *values, size_t length, uint32_t n)
{
	size_t all = n * sizeof(struct reeve_datum) + length;
	struct rv_cursor c;

	if (all > result->capacity) {
		void *memory = rv_alloc(1, all + all / 4);

		if (memory == NULL) {
			return false;
		}
		rv_free(result->memory);
		result->memory = memory;
		result->capacity = all + all / 4;
	}
	result->values = result->memory;
	result->manager = m;
	result->n = result->n_references = 0;
	if (length == 0) {
		return true;
	}
	c.at = (unsigned char *)result->memory + n * sizeof(struct reeve_datum);
	c.left = length;
	memcpy((void *)(uintptr_t)c.at, values, length);
	while (result->n < n) {
		if (!rv_wire_get_value(&c, &result->values[result->n])) {
			return false;
		}
		if (result->values[result->n++].type == REEVE_DATUM_REFERENCE) {
			result->n_references++;
		}
	}
	return true;
}

enum reeve_status
rv_result_error(struct reeve_error *err, const struct rv_answer_head *head,
    const unsigned char *values, size_t length)
{
	struct rv_cursor c = { values, length };
	struct reeve_datum type, text;
	enum reeve_status status = (enum reeve_status)head->status;

	if (head->n_values < 2 || !rv_wire_get_value(&c, &type) ||
	    !rv_wire_get_value(&c, &text) || type.type != REEVE_DATUM_TEXT ||
	    text.type != REEVE_DATUM_TEXT) {
		return rv_error(err, status, "the manager says: %s",
		    reeve_status_text(status));
	}
	(void)rv_error(err, status, "%s: %s", (const char *)type.data,
	    (const char *)text.data);
	if (err != NULL) {
		(void)rv_copy(err->where, sizeof(err->where), type.data);
	}
	return status;
}

/* -------- one call -------- */

struct one {
	struct rv_waiter waiter;
	struct reeve_manager *manager;
	struct reeve_result *result;
	struct reeve_error *err;
	enum reeve_status status;
};

static void
deliver(struct rv_waiter *w, const struct rv_answer_head *head,
    const unsigned char *values, size_t length)
{
	struct one *one = RV_CONTAINER(w, struct one, waiter);
	struct reeve_result own = { 0 }, *result = one->result;

	one->status = (enum reeve_status)head->status;
	if (head->status != REEVE_OK) {
		(void)rv_result_error(one->err, head, values, length);
		return;
	}
	if (result == NULL && head->n_values == 0) {
		return;
	}
	result = result != NULL ? result : &own;
	if (!rv_result_fill(
		result, one->manager, values, length, head->n_values)) {
		one->status =
		    rv_error_sys(one->err, ENOMEM, "cannot take the answer");
	}
	if (result == &own) {
		for (size_t i = 0; i < own.n; i++) {
			struct rv_call_head release = { .method =
							    HALL_RELEASE };

			if (own.values[i].type == REEVE_DATUM_REFERENCE) {
				rv_manager_put(&one->manager->releases,
				    &release, NULL, &own.values[i], 1);
			}
		}
		rv_free(own.memory);
	}
}

/* The lock is held. */
static enum reeve_status
call(struct reeve_manager *m, struct rv_call_head *head, const char *method,
    const struct reeve_datum *args, size_t n_args, struct reeve_result *result,
    struct reeve_error *err)
{
	struct one one = { .manager = m, .result = result, .err = err };
	rv_time until = rv_time_add(
	    rv_sys_now(), rv_time_add(RV_MAX(head->timeout, 0), m->patience));
	enum reeve_status status;

	one.waiter.deliver = deliver;
	rv_manager_expect(m, &one.waiter, 1);
	head->id = one.waiter.first;
	status = rv_manager_add(m, head, method, args, n_args, err);
	if (status == REEVE_OK) {
		status = rv_manager_await(m, &one.waiter, until, err);
	}
	rv_list_remove(&one.waiter.all);
	if (status == REEVE_ETIMEDOUT) {
		rv_manager_give_up(m);
	}
	return status == REEVE_OK ? one.status : status;
}

enum reeve_status
rv_proxy_ready(struct reeve_proxy *p, struct reeve_error *err)
{
	struct reeve_manager *m = p->manager;
	struct rv_call_head head = { .method = HALL_ATTACH };
	struct reeve_datum arg = reeve_proxy_reference(p);
	struct reeve_result answer = { 0 };
	enum reeve_status status;

	if (p->serial == m->serial) {
		return REEVE_OK;
	}
	/*
	 * References of another connection are not ours: of that of the parent
	 * the object is the same one, behind a new one the name tells.
	 */
	if (m->is_anew && p->name != NULL) {
		head.method = HALL_OPEN;
		arg = reeve_text(p->name);
	}
	status = call(m, &head, NULL, &arg, 1, &answer, err);
	if (status == REEVE_OK && answer.n == 1 &&
	    answer.values[0].type == REEVE_DATUM_REFERENCE) {
		/* its reference is the proxy's now */
		p->object = answer.values[0].is.reference.object;
		p->generation = answer.values[0].is.reference.generation;
		p->serial = m->serial;
	}
	rv_free(answer.memory);
	return status;
}

static enum reeve_status
call_proxy(struct reeve_proxy *p, uint16_t number, const char *method,
    const struct reeve_datum *args, size_t n_args, struct reeve_result *result,
    int64_t timeout, struct reeve_error *err)
{
	struct rv_call_head head;
	enum reeve_status status;

	if (p == NULL || p->magic != RV_PROXY_MAGIC ||
	    (number == 0 && method == NULL)) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot call: no proxy, or no method");
	}
	if (result != NULL && result->n_references > 0) {
		release_untaken(result);
	}
	status = rv_manager_enter(p->manager, err);
	if (status != REEVE_OK) {
		return status;
	}
	if (p->serial != p->manager->serial) {
		status = rv_proxy_ready(p, err);
	}
	if (status == REEVE_OK) {
		rv_manager_head(p, number, 0, 0, timeout, &head);
		status =
		    call(p->manager, &head, method, args, n_args, result, err);
	}
	rv_manager_leave(p->manager);
	return status;
}

enum reeve_status
reeve_proxy_call(struct reeve_proxy *p, const char *method,
    const struct reeve_datum *args, size_t n_args, struct reeve_result *result,
    int64_t timeout, struct reeve_error *err)
{
	return call_proxy(p, 0, method, args, n_args, result, timeout, err);
}

enum reeve_status
reeve_proxy_do(struct reeve_proxy *p, uint16_t method,
    const struct reeve_datum *args, size_t n_args, struct reeve_result *result,
    int64_t timeout, struct reeve_error *err)
{
	return call_proxy(p, method, NULL, args, n_args, result, timeout, err);
}

/* -------- the manager's own calls -------- */

static enum reeve_status
call_hall(struct reeve_manager *m, uint16_t method,
    const struct reeve_datum *args, size_t n_args, struct reeve_result *result,
    int64_t timeout, struct reeve_error *err)
{
	struct rv_call_head head = { .method = method, .timeout = timeout };
	enum reeve_status status = rv_manager_enter(m, err);

	if (status == REEVE_OK) {
		status = call(m, &head, NULL, args, n_args, result, err);
		rv_manager_leave(m);
	}
	return status;
}

enum reeve_status
reeve_manager_call(struct reeve_manager *m, const char *method,
    const struct reeve_datum *args, size_t n_args, struct reeve_result *result,
    int64_t timeout, struct reeve_error *err)
{
	struct rv_call_head head = { .timeout = timeout };
	enum reeve_status status;

	if (method == NULL) {
		return rv_error(err, REEVE_EINVALID, "cannot call: no method");
	}
	if (result != NULL && result->n_references > 0) {
		release_untaken(result);
	}
	status = rv_manager_enter(m, err);
	if (status == REEVE_OK) {
		status = call(m, &head, method, args, n_args, result, err);
		rv_manager_leave(m);
	}
	return status;
}

enum reeve_status
reeve_manager_ping(
    struct reeve_manager *m, int64_t timeout, struct reeve_error *err)
{
	return call_hall(m, HALL_PING, NULL, 0, NULL, timeout, err);
}

enum reeve_status
reeve_proxy_take(struct reeve_proxy **out, struct reeve_result *result,
    size_t i, struct reeve_error *err)
{
	struct reeve_datum *value;
	struct reeve_proxy *p;

	if (out == NULL || result == NULL || i >= result->n ||
	    result->values[i].type != REEVE_DATUM_REFERENCE) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot take value %zu: it is no reference", i);
	}
	value = &result->values[i];
	p = rv_alloc(1, sizeof(*p));
	if (p == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot make a proxy");
	}
	p->magic = RV_PROXY_MAGIC;
	p->manager = result->manager;
	p->object = value->is.reference.object;
	p->generation = value->is.reference.generation;
	p->serial = p->manager->serial;
	(void)rv_copy(p->type, sizeof(p->type), value->data);
	*value = reeve_null();
	result->n_references--;
	*out = p;
	return REEVE_OK;
}

/* By which it is found again behind a new connection. */
static bool
keep_name(struct reeve_proxy *p, const char *name)
{
	char *kept = rv_strdup(name);

	if (kept != NULL) {
		rv_free(p->name);
		p->name = kept;
	}
	return kept != NULL;
}

/* A call that answers a reference. */
static enum reeve_status
proxy_of(struct reeve_proxy **out, struct reeve_manager *m, uint16_t method,
    const struct reeve_datum *args, size_t n_args, int64_t timeout,
    struct reeve_error *err)
{
	struct reeve_result result = { 0 };
	enum reeve_status status =
	    call_hall(m, method, args, n_args, &result, timeout, err);

	if (status == REEVE_OK) {
		status = reeve_proxy_take(out, &result, 0, err);
	}
	reeve_result_free(&result);
	return status;
}

#define FEW 8

enum reeve_status
reeve_proxy_create(struct reeve_proxy **out, struct reeve_manager *m,
    const char *type, const struct reeve_datum *args, size_t n_args,
    int64_t timeout, struct reeve_error *err)
{
	struct reeve_datum few[FEW + 1], *all = few;
	enum reeve_status status;

	if (type == NULL || out == NULL || (args == NULL && n_args > 0)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot create: no type, or no room for the proxy, or no "
		    "arguments");
	}
	if (n_args > FEW) {
		all = rv_alloc(n_args + 1, sizeof(*all));
		if (all == NULL) {
			return rv_error_sys(err, ENOMEM, "cannot create");
		}
	}
	all[0] = reeve_text(type);
	if (n_args > 0) {
		memcpy(all + 1, args, n_args * sizeof(*all));
	}
	status = proxy_of(out, m, HALL_CREATE, all, n_args + 1, timeout, err);
	if (all != few) {
		rv_free(all);
	}
	return status;
}

enum reeve_status
reeve_proxy_open(struct reeve_proxy **out, struct reeve_manager *m,
    const char *name, int64_t timeout, struct reeve_error *err)
{
	struct reeve_proxy *before = out != NULL ? *out : NULL;
	struct reeve_datum arg;
	enum reeve_status status;

	if (name == NULL || out == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot open: no name, or no room for the proxy");
	}
	arg = reeve_text(name);
	status = proxy_of(out, m, HALL_OPEN, &arg, 1, timeout, err);
	if (status == REEVE_OK && !keep_name(*out, name)) {
		reeve_proxy_free(*out);
		*out = before;
		return rv_error_sys(err, ENOMEM, "cannot open %s", name);
	}
	return status;
}

enum reeve_status
reeve_proxy_attach(struct reeve_proxy **out, struct reeve_manager *m,
    struct reeve_datum reference, int64_t timeout, struct reeve_error *err)
{
	if (out == NULL || reference.type != REEVE_DATUM_REFERENCE) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot attach: no reference, or no room for the proxy");
	}
	return proxy_of(out, m, HALL_ATTACH, &reference, 1, timeout, err);
}

struct reeve_datum
reeve_proxy_reference(const struct reeve_proxy *p)
{
	struct reeve_datum datum = { REEVE_DATUM_REFERENCE, 0, NULL, { 0 } };

	if (p == NULL || p->magic != RV_PROXY_MAGIC) {
		return reeve_null();
	}
	datum.is.reference.object = p->object;
	datum.is.reference.generation = p->generation;
	datum.data = p->type;
	datum.length = (uint32_t)strlen(p->type);
	return datum;
}

void
reeve_proxy_free(struct reeve_proxy *p)
{
	struct reeve_manager *m;
	struct reeve_datum reference;

	if (p == NULL || p->magic != RV_PROXY_MAGIC) {
		return;
	}
	m = p->manager;
	reference = reeve_proxy_reference(p);
	/* of what was never used in a child there is nothing to release */
	if (m->own->is_ours && rv_manager_enter(m, NULL) == REEVE_OK) {
		struct rv_call_head head = { .method = HALL_RELEASE };

		if (p->serial == m->serial) {
			/* behind the calls that it was submitted; or else with
			 * the next one */
			rv_manager_put(&m->out, &head, NULL, &reference, 1);
			(void)rv_manager_try_send(m);
		}
		rv_manager_leave(m);
	}
	p->magic = 0;
	rv_free(p->name);
	rv_free(p);
}

enum reeve_status
reeve_proxy_publish(struct reeve_proxy *p, const char *name, int64_t timeout,
    struct reeve_error *err)
{
	struct rv_call_head head = { .method = HALL_PUBLISH,
		.timeout = timeout };
	struct reeve_datum args[2];
	enum reeve_status status;

	if (p == NULL || p->magic != RV_PROXY_MAGIC || name == NULL) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot publish: no proxy or name");
	}
	status = rv_manager_enter(p->manager, err);
	if (status != REEVE_OK) {
		return status;
	}
	status = rv_proxy_ready(p, err);
	if (status == REEVE_OK) {
		args[0] = reeve_text(name);
		args[1] = reeve_proxy_reference(p);
		status = call(p->manager, &head, NULL, args, 2, NULL, err);
	}
	rv_manager_leave(p->manager);
	return status == REEVE_OK && !keep_name(p, name)
		   ? rv_error_sys(err, ENOMEM,
			 "%s is published, but not kept as this one's name",
			 name)
		   : status;
}

enum reeve_status
reeve_manager_unpublish(struct reeve_manager *m, const char *name,
    int64_t timeout, struct reeve_error *err)
{
	struct reeve_datum arg;

	if (name == NULL) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot unpublish: no name");
	}
	arg = reeve_text(name);
	return call_hall(m, HALL_UNPUBLISH, &arg, 1, NULL, timeout, err);
}
