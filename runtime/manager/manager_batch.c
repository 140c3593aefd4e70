/* SPDX-License-Identifier: MIT */
/*
 * Calls that are not waited for one by one: batches, which are one message, and
 * pending calls, which are sent and collected later. Their answers are kept as
 * they came until somebody asks.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "manager/manager_client.h"
#include "sys/sys.h"

/* -------- batches -------- */

/* Where the answer of a call is in the batch's answers; 0: not come. */
struct place {
	size_t at;
};

struct reeve_batch {
	struct rv_waiter waiter;
	struct reeve_manager *manager;
	struct rv_buf calls, answers;
	struct place *places;
	uint32_t n, room;
	uint32_t serial; /* of the connection that its calls are for */
	bool is_committed, starved;
};

enum reeve_status
reeve_batch_new(
    struct reeve_batch **out, struct reeve_manager *m, struct reeve_error *err)
{
	struct reeve_batch *b;

	if (out == NULL || m == NULL || m->magic != RV_MANAGER_MAGIC) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot make a batch: no manager");
	}
	b = rv_alloc(1, sizeof(*b));
	if (b == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot make a batch");
	}
	b->manager = m;
	rv_list_init(&b->waiter.all);
	rv_buf_init(&b->calls, SIZE_MAX / 4);
	rv_buf_init(&b->answers, SIZE_MAX / 4);
	*out = b;
	return REEVE_OK;
}

void
reeve_batch_reset(struct reeve_batch *b)
{
	if (b != NULL) {
		rv_buf_reset(&b->calls);
		rv_buf_reset(&b->answers);
		b->n = 0;
		b->is_committed = b->starved = false;
	}
}

void
reeve_batch_free(struct reeve_batch *b)
{
	if (b != NULL) {
		rv_buf_finish(&b->calls);
		rv_buf_finish(&b->answers);
		rv_free(b->places);
		rv_free(b);
	}
}

static enum reeve_status
make_places(struct reeve_batch *b)
{
	uint32_t room = b->room < 16 ? 32 : 2 * b->room;
	struct place *places;

	if (b->n < b->room) {
		return REEVE_OK;
	}
	places = rv_realloc(b->places, b->room, room, sizeof(*places));
	if (places == NULL) {
		return REEVE_ENOMEM;
	}
	b->places = places;
	b->room = room;
	return REEVE_OK;
}

/* The lock is held. */
static enum reeve_status
put_call(struct reeve_batch *b, struct rv_call_head *head, const char *method,
    const struct reeve_datum *args, size_t n_args, struct reeve_error *err)
{
	size_t before = b->calls.len;

	if (rv_manager_check(args, n_args, err) != REEVE_OK) {
		return REEVE_EINVALID;
	}
	if (b->n == 0) {
		b->serial = b->manager->serial;
	}
	if (make_places(b) != REEVE_OK) {
		return rv_error_sys(err, ENOMEM, "cannot add to the batch");
	}
	head->id = b->n + 1; /* put right by the commit */
	rv_manager_put(&b->calls, head, method, args, n_args);
	if (b->calls.failed) {
		b->calls.len = before;
		b->calls.failed = b->calls.starved = false;
		return rv_error_sys(err, ENOMEM, "cannot add to the batch");
	}
	if (b->calls.len > b->manager->message_max) {
		b->calls.len = before;
		return rv_error(err, REEVE_ETOOBIG,
		    "cannot add to the batch: its message would be longer than "
		    "the manager takes");
	}
	b->places[b->n++].at = 0;
	return REEVE_OK;
}

static enum reeve_status
add(struct reeve_batch *b, struct reeve_proxy *p, uint16_t number,
    const char *method, const struct reeve_datum *args, size_t n_args,
    uint32_t flags, struct reeve_error *err)
{
	struct rv_call_head head;
	enum reeve_status status;

	if (b == NULL || p == NULL || p->magic != RV_PROXY_MAGIC ||
	    p->manager != b->manager || b->is_committed ||
	    (flags & ~(uint32_t)RV_CALL_FLAGS) != 0 ||
	    (number == 0 && method == NULL)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot add to the batch: no proxy of its manager, no "
		    "method, no such flag, or it is committed");
	}
	status = rv_manager_enter(b->manager, err);
	if (status != REEVE_OK) {
		return status;
	}
	status = rv_proxy_ready(p, err);
	if (status == REEVE_OK) {
		rv_manager_head(p, number, flags, n_args, 0, &head);
		status = put_call(b, &head, method, args, n_args, err);
	}
	rv_manager_leave(b->manager);
	return status;
}

enum reeve_status
reeve_batch_add(struct reeve_batch *b, struct reeve_proxy *p,
    const char *method, const struct reeve_datum *args, size_t n_args,
    uint32_t flags, struct reeve_error *err)
{
	return add(b, p, 0, method, args, n_args, flags, err);
}

enum reeve_status
reeve_batch_add_do(struct reeve_batch *b, struct reeve_proxy *p,
    uint16_t method, const struct reeve_datum *args, size_t n_args,
    uint32_t flags, struct reeve_error *err)
{
	return add(b, p, method, NULL, args, n_args, flags, err);
}

static void
keep_answer(struct rv_waiter *w, const struct rv_answer_head *head,
    const unsigned char *values, size_t length)
{
	struct reeve_batch *b = RV_CONTAINER(w, struct reeve_batch, waiter);
	size_t at = b->answers.len;

	/* the head lies before its values, there and here */
	rv_buf_add(
	    &b->answers, values - RV_ANSWER_BYTES, RV_ANSWER_BYTES + length);
	if (b->answers.failed) {
		b->starved = true;
		b->answers.failed = false;
	} else {
		b->places[head->id - w->first].at = at + 1;
	}
}

/* The numbers of its calls, now that they are known. */
static void
number_calls(struct reeve_batch *b, uint32_t first)
{
	struct rv_cursor c = { (const unsigned char *)b->calls.data,
		b->calls.len };
	struct rv_call_head head;

	for (uint32_t i = 0; i < b->n; i++) {
		unsigned char *at = (unsigned char *)(uintptr_t)c.at;

		if (!rv_wire_get_call(&c, &head)) {
			RV_NEVER("what we wrote is a call");
		}
		rv_wire_set_id(at, first + i);
		c.at = at + head.length;
		c.left -= head.length - RV_CALL_BYTES;
	}
}

/* Behind what was submitted before, in a message of its own: it is one. */
static enum reeve_status
send_calls(struct reeve_batch *b, rv_time until, struct reeve_error *err)
{
	struct reeve_manager *m = b->manager;
	enum reeve_status status = rv_manager_send(m, until, err);

	if (status != REEVE_OK) {
		return status;
	}
	rv_buf_add(&m->out, b->calls.data, b->calls.len);
	if (m->out.failed) {
		m->out.failed = m->out.starved = false;
		return rv_error_sys(err, ENOMEM, "cannot commit the batch");
	}
	return REEVE_OK;
}

enum reeve_status
reeve_batch_commit(
    struct reeve_batch *b, int64_t timeout, struct reeve_error *err)
{
	struct reeve_manager *m = b != NULL ? b->manager : NULL;
	rv_time until = RV_FOREVER;
	enum reeve_status status;

	if (m == NULL || b->is_committed) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot commit the batch: there is none, or it was");
	}
	status = rv_manager_enter(m, err);
	if (status != REEVE_OK) {
		return status;
	}
	until = rv_time_add(
	    rv_sys_now(), rv_time_add(RV_MAX(timeout, 0), m->patience));
	b->is_committed = true;
	if (b->n > 0 && b->serial != m->serial) {
		status = rv_error(err, REEVE_EBROKEN,
		    "cannot commit the batch: it is of a connection to %s that "
		    "is gone",
		    m->address);
	} else if (b->n > 0) {
		b->waiter.deliver = keep_answer;
		rv_manager_expect(m, &b->waiter, b->n);
		number_calls(b, b->waiter.first);
		status = send_calls(b, until, err);
		if (status == REEVE_OK) {
			status = rv_manager_await(m, &b->waiter, until, err);
		}
		rv_list_remove(&b->waiter.all);
		if (status == REEVE_ETIMEDOUT) {
			rv_manager_give_up(m);
		}
	}
	rv_manager_leave(m);
	if (status == REEVE_OK && b->starved) {
		return rv_error_sys(err, ENOMEM, "cannot take all answers");
	}
	return status;
}

/* An answer as it was kept. */
static enum reeve_status
result_of(struct reeve_manager *m, const char *data, size_t length,
    struct reeve_result *result, struct reeve_error *err)
{
	struct rv_cursor c = { (const unsigned char *)data, length };
	struct rv_answer_head head;
	size_t its;

	if (!rv_wire_get_answer(&c, &head)) {
		RV_NEVER("what was kept was an answer");
	}
	its = head.length - RV_ANSWER_BYTES;
	if (head.status != REEVE_OK) {
		return rv_result_error(err, &head, c.at, its);
	}
	if (result == NULL) {
		return REEVE_OK;
	}
	return rv_result_fill(result, m, c.at, its, head.n_values)
		   ? REEVE_OK
		   : rv_error_sys(err, ENOMEM, "cannot take the answer");
}

enum reeve_status
reeve_batch_result(struct reeve_batch *b, size_t i, struct reeve_result *result,
    struct reeve_error *err)
{
	size_t at;

	if (b == NULL || !b->is_committed || i >= b->n) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot get result %zu of the batch: there is none", i);
	}
	at = b->places[i].at;
	if (at == 0) {
		return b->manager->broken != REEVE_OK
			   ? rv_manager_broken(b->manager, err)
			   : rv_error(err, REEVE_EBROKEN,
				 "call %zu of the batch was not answered", i);
	}
	return result_of(b->manager, b->answers.data + at - 1,
	    b->answers.len - (at - 1), result, err);
}

/* -------- pending calls -------- */

struct reeve_pending {
	struct rv_waiter waiter;
	struct reeve_manager *manager;
	struct rv_buf answer;
	bool starved;
};

static void
keep_one(struct rv_waiter *w, const struct rv_answer_head *head,
    const unsigned char *values, size_t length)
{
	struct reeve_pending *p = RV_CONTAINER(w, struct reeve_pending, waiter);

	(void)head;
	rv_list_remove(&w->all);
	rv_buf_add(
	    &p->answer, values - RV_ANSWER_BYTES, RV_ANSWER_BYTES + length);
	p->starved = p->answer.failed;
}

enum reeve_status
reeve_proxy_submit(struct reeve_pending **out, struct reeve_proxy *proxy,
    const char *method, const struct reeve_datum *args, size_t n_args,
    int64_t timeout, struct reeve_error *err)
{
	struct reeve_manager *m;
	struct reeve_pending *p;
	struct rv_call_head head;
	enum reeve_status status;

	if (out == NULL || proxy == NULL || method == NULL ||
	    proxy->magic != RV_PROXY_MAGIC) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot call: no proxy, or no method");
	}
	m = proxy->manager;
	p = rv_alloc(1, sizeof(*p));
	if (p == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot call");
	}
	rv_list_init(&p->waiter.all);
	status = rv_manager_enter(m, err);
	if (status != REEVE_OK) {
		rv_free(p);
		return status;
	}
	status = rv_proxy_ready(proxy, err);
	if (status == REEVE_OK) {
		p->manager = m;
		rv_buf_init(&p->answer, SIZE_MAX / 4);
		p->waiter.deliver = keep_one;
		rv_manager_expect(m, &p->waiter, 1);
		rv_manager_head(proxy, 0, 0, n_args, timeout, &head);
		head.id = p->waiter.first;
		status = rv_manager_add(m, &head, method, args, n_args, err);
	}
	if (status == REEVE_OK &&
	    (m->own->is_polled || m->out.len >= RV_GATHERED)) {
		status = rv_manager_send(
		    m, rv_time_add(rv_sys_now(), m->patience), err);
		if (status == REEVE_ETIMEDOUT) {
			rv_manager_give_up(m);
		}
	}
	if (status != REEVE_OK) {
		rv_list_remove(&p->waiter.all);
		rv_buf_finish(&p->answer);
		rv_free(p);
		p = NULL;
	}
	rv_manager_leave(m);
	if (status == REEVE_OK) {
		*out = p;
	}
	return status;
}

bool
reeve_pending_is_done(const struct reeve_pending *p)
{
	const struct reeve_manager *m = p != NULL ? p->manager : NULL;
	bool is_done;

	if (m == NULL) {
		return false;
	}
	pthread_mutex_lock(&m->own->lock);
	is_done = p->waiter.n_left == 0 || !m->own->is_ours ||
		  m->broken != REEVE_OK || p->waiter.serial != m->serial;
	pthread_mutex_unlock(&m->own->lock);
	return is_done;
}

static bool
has_answer(const struct reeve_pending *p)
{
	bool has;

	pthread_mutex_lock(&p->manager->own->lock);
	has = p->waiter.n_left == 0;
	pthread_mutex_unlock(&p->manager->own->lock);
	return has;
}

enum reeve_status
reeve_pending_wait(struct reeve_pending *p, struct reeve_result *result,
    int64_t timeout, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	if (p == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot wait for a call: there is none");
	}
	/* an answer that has come is there, even if the connection is not */
	if (!has_answer(p)) {
		status = rv_manager_enter(p->manager, err);
		if (status != REEVE_OK) {
			return status;
		}
		status = rv_manager_await(p->manager, &p->waiter,
		    rv_time_add(rv_sys_now(), RV_MAX(timeout, 1)), err);
		rv_manager_leave(p->manager);
	}
	if (status == REEVE_ETIMEDOUT) {
		return rv_error(err, REEVE_EAGAIN, "the call is not done");
	}
	if (status != REEVE_OK) {
		return status;
	}
	if (p->starved) {
		return rv_error_sys(err, ENOMEM, "cannot take the answer");
	}
	return result_of(
	    p->manager, p->answer.data, p->answer.len, result, err);
}

void
reeve_pending_free(struct reeve_pending *p)
{
	if (p == NULL) {
		return;
	}
	/* under the lock: somebody may be receiving it, or it is not sent */
	pthread_mutex_lock(&p->manager->own->lock);
	if (p->manager->own->is_ours) {
		if (p->waiter.n_left > 0) {
			(void)rv_manager_try_send(p->manager);
		}
		rv_list_remove(&p->waiter.all);
	}
	pthread_mutex_unlock(&p->manager->own->lock);
	rv_buf_finish(&p->answer);
	rv_free(p);
}
