/* SPDX-License-Identifier: MIT */
/*
 * The traffic of a client: calls, which are gathered and sent together, and
 * answers, which whoever waits receives for all threads. Knows of calls that
 * they have numbers. The connection itself is manager_connect.c's.
 */
#include "config.h"

#include "manager/manager_client.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reeve/wait.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "sys/sys.h"

/* What is kept of the memory of calls that were sent. */
#define KEPT ((size_t)64 * 1024)

/* -------- answers -------- */

enum reeve_status
rv_manager_broken(const struct reeve_manager *m, struct reeve_error *err)
{
	return rv_error(err, m->broken, "cannot call the manager at %s: %s",
	    m->address, m->why);
}

void
rv_manager_break(
    struct reeve_manager *m, enum reeve_status status, const char *why)
{
	if (m->broken == REEVE_OK) {
		m->broken = status;
		(void)rv_copy(m->why, sizeof(m->why), why);
	}
	pthread_cond_broadcast(&m->own->turn);
}

void
rv_manager_give_up(struct reeve_manager *m)
{
	rv_manager_break(m, REEVE_EBROKEN, "it did not answer in time");
	reeve_conn_shutdown(m->conn);
}

/* References in an answer that nobody waits for. */
static void
release_all(struct reeve_manager *m, const unsigned char *values, size_t length,
    uint32_t n)
{
	struct rv_cursor c = { values, length };
	struct reeve_datum value;

	for (uint32_t i = 0; i < n && rv_wire_get_value(&c, &value); i++) {
		if (value.type == REEVE_DATUM_REFERENCE) {
			struct rv_call_head head = { .method = 9 };

			rv_manager_put(&m->releases, &head, NULL, &value, 1);
		}
	}
}

static void
last_word(struct reeve_manager *m, const struct rv_answer_head *head,
    const unsigned char *values, size_t length)
{
	struct reeve_error said = { 0 };

	(void)rv_result_error(&said, head, values, length);
	rv_manager_break(m, REEVE_EBROKEN, said.text);
}

static bool
take_answer(struct reeve_manager *m, struct rv_cursor *c)
{
	struct rv_answer_head head;
	struct rv_cursor at = *c;
	size_t length;

	if (!rv_wire_get_answer(&at, &head)) {
		return false;
	}
	length = head.length - RV_ANSWER_BYTES;
	c->at += head.length;
	c->left -= head.length;
	if (head.id == 0) {
		if (head.status != REEVE_OK) {
			last_word(m, &head, at.at, length);
		}
		return true;
	}
	RV_LIST_EACH (w, &m->waiters, struct rv_waiter, all) {
		if (head.id - w->first < w->n) {
			w->n_left--;
			w->deliver(w, &head, at.at, length);
			return true;
		}
	}
	if (head.status == REEVE_OK) {
		release_all(m, at.at, length, head.n_values);
	}
	return true;
}

/* What a receive brought. */
static void
take_message(struct reeve_manager *m, enum reeve_status status)
{
	struct rv_cursor c = { m->parcel.data, m->parcel.length };

	if (status == REEVE_ETIMEDOUT) {
		return;
	}
	if (status != REEVE_OK) {
		rv_manager_break(m, REEVE_EBROKEN,
		    status == REEVE_EEND || status == REEVE_EBROKEN
			? "the server is gone"
			: reeve_status_text(status));
		return;
	}
	while (c.left > 0) {
		if (!take_answer(m, &c)) {
			rv_manager_break(
			    m, REEVE_EBROKEN, "what it answered is no answer");
			break;
		}
	}
}

/* The lock is let go of, and the connection may be used. */
static void
go_out(struct reeve_manager *m)
{
	m->n_outside++;
	pthread_mutex_unlock(&m->own->lock);
}

static void
come_in(struct reeve_manager *m)
{
	pthread_mutex_lock(&m->own->lock);
	if (--m->n_outside == 0 && m->is_dialing) {
		pthread_cond_broadcast(&m->own->turn);
	}
}

static void
wake_others(struct reeve_manager *m)
{
	if (m->n_asleep > 0) {
		pthread_cond_broadcast(&m->own->turn);
	}
}

/* Receive once, for all. The lock is held, but not meanwhile. */
static void
receive(struct reeve_manager *m, rv_time timeout)
{
	enum reeve_status status;

	m->is_receiving = true;
	go_out(m);
	status =
	    reeve_conn_recv(m->conn, &m->parcel, REEVE_ANY_LENGTH, timeout);
	come_in(m);
	m->is_receiving = false;
	take_message(m, status);
	wake_others(m);
}

void
rv_manager_sleep(struct reeve_manager *m, rv_time until)
{
	struct timespec at;

	m->n_asleep++;
	if (until == RV_FOREVER) {
		pthread_cond_wait(&m->own->turn, &m->own->lock);
	} else {
		at.tv_sec = until / RV_SEC;
		at.tv_nsec = until % RV_SEC;
		(void)pthread_cond_clockwait(
		    &m->own->turn, &m->own->lock, CLOCK_MONOTONIC, &at);
	}
	m->n_asleep--;
}

/* -------- sending -------- */

/* The calls that one message takes: whole ones, one at least. */
static size_t
piece_of(const struct rv_buf *out, uint64_t max)
{
	struct rv_cursor c = { (const unsigned char *)out->data, out->len };
	struct rv_call_head head;
	size_t n = 0;

	if (out->len <= max) {
		return out->len;
	}
	while (n < out->len) {
		struct rv_cursor at = c;

		if (!rv_wire_get_call(&at, &head)) {
			RV_NEVER("what we wrote is a call");
		}
		if (n > 0 && n + head.length > max) {
			break;
		}
		n += head.length;
		c.at += head.length;
		c.left -= head.length;
	}
	return n;
}

static void
break_by_sending(struct reeve_manager *m, enum reeve_status status)
{
	/* what it said before it went may be there to be read */
	while (!m->is_receiving && m->broken == REEVE_OK &&
	       reeve_conn_poll(m->conn, 0) == REEVE_OK) {
		receive(m, 0);
	}
	rv_manager_break(m, REEVE_EBROKEN,
	    status == REEVE_EBROKEN ? "the server is gone"
				    : reeve_status_text(status));
}

/* False: it does not read, and more is to be sent. Waits for nothing. */
static bool
try_send(struct reeve_manager *m)
{
	while (m->out.len > 0 && m->broken == REEVE_OK) {
		size_t n = piece_of(&m->out, m->message_max);
		enum reeve_status status =
		    reeve_conn_send(m->conn, m->out.data, n, 0);

		if (status == REEVE_ETIMEDOUT) {
			return false;
		}
		if (status != REEVE_OK) {
			break_by_sending(m, status);
			break;
		}
		if (n < m->out.len) {
			rv_buf_consume(&m->out, n);
		} else if (m->out.cap > KEPT) {
			rv_buf_finish(&m->out);
			rv_buf_init(&m->out, SIZE_MAX / 4);
		} else {
			rv_buf_reset(&m->out);
		}
		m->is_unsent = reeve_conn_unsent(m->conn) > 0;
	}
	if (m->is_unsent && m->broken == REEVE_OK) {
		enum reeve_status status = reeve_conn_flush(m->conn, 0);

		m->is_unsent = status == REEVE_ETIMEDOUT;
		if (status != REEVE_OK && status != REEVE_ETIMEDOUT) {
			break_by_sending(m, status);
		}
	}
	return !m->is_unsent || m->broken != REEVE_OK;
}

/* It does not take more: make room by reading, so that both go on. */
static void
wait_to_send(struct reeve_manager *m, rv_time until)
{
	struct reeve_wait_item item = reeve_wait_for_conn(
	    m->conn, m->is_receiving ? REEVE_WAIT_WRITE
				     : REEVE_WAIT_READ | REEVE_WAIT_WRITE);
	bool receives = !m->is_receiving;

	m->is_receiving = true;
	go_out(m);
	(void)!reeve_wait(&item, 1, NULL, rv_manager_left(until));
	come_in(m);
	if (receives) {
		m->is_receiving = false;
		if ((item.ready & REEVE_WAIT_READ) != 0) {
			receive(m, 0);
		}
		wake_others(m);
	}
}

bool
rv_manager_try_send(struct reeve_manager *m)
{
	return (m->out.len == 0 && !m->is_unsent) || try_send(m);
}

enum reeve_status
rv_manager_send(struct reeve_manager *m, rv_time until, struct reeve_error *err)
{
	while (m->broken == REEVE_OK && !rv_manager_try_send(m)) {
		if (rv_manager_left(until) <= 0) {
			return rv_error(err, REEVE_ETIMEDOUT,
			    "cannot call the manager at %s: it does not read",
			    m->address);
		}
		wait_to_send(m, until);
	}
	return m->broken == REEVE_OK ? REEVE_OK : rv_manager_broken(m, err);
}

enum reeve_status
rv_manager_check(
    const struct reeve_datum *args, size_t n, struct reeve_error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (args == NULL || args[i].type > REEVE_DATUM_REFERENCE ||
		    (args[i].data == NULL && args[i].length > 0)) {
			return rv_error(err, REEVE_EINVALID,
			    "cannot call: argument %zu is no value", i);
		}
	}
	return REEVE_OK;
}

enum reeve_status
rv_manager_add(struct reeve_manager *m, struct rv_call_head *head,
    const char *method, const struct reeve_datum *args, size_t n_args,
    struct reeve_error *err)
{
	size_t before;

	if (rv_manager_check(args, n_args, err) != REEVE_OK) {
		return REEVE_EINVALID;
	}
	if (m->releases.len > 0) {
		rv_buf_add(&m->out, m->releases.data, m->releases.len);
		rv_buf_reset(&m->releases);
	}
	before = m->out.len;
	rv_manager_put(&m->out, head, method, args, n_args);
	if (!m->out.failed && m->out.len - before <= m->message_max) {
		return REEVE_OK;
	}
	m->out.len = before;
	if (m->out.failed) {
		m->out.failed = m->out.starved = false;
		return rv_error_sys(err, ENOMEM, "cannot call");
	}
	return rv_error(err, REEVE_ETOOBIG,
	    "cannot call: the message is longer than the manager takes");
}

/* -------- waiting for answers -------- */

void
rv_manager_expect(struct reeve_manager *m, struct rv_waiter *w, uint32_t n)
{
	if (m->next_id > UINT32_MAX - n - 1) {
		m->next_id = 0;
	}
	w->first = m->next_id + 1;
	w->n = w->n_left = n;
	w->serial = m->serial;
	m->next_id += n;
	rv_list_insert(&m->waiters, &w->all);
}

enum reeve_status
rv_manager_await(struct reeve_manager *m, struct rv_waiter *w, rv_time until,
    struct reeve_error *err)
{
	while (w->n_left > 0) {
		bool sent = rv_manager_try_send(m);
		rv_time left;

		if (m->broken != REEVE_OK) {
			return rv_manager_broken(m, err);
		}
		if (w->serial != m->serial) {
			return rv_error(err, REEVE_EBROKEN,
			    "the call was of a connection to %s that is gone",
			    m->address);
		}
		left = rv_manager_left(until);
		if (left <= 0) {
			return rv_error(err, REEVE_ETIMEDOUT,
			    "the manager at %s does not answer", m->address);
		}
		if (!sent) {
			wait_to_send(m, until);
		} else if (m->is_receiving) {
			rv_manager_sleep(m, until);
		} else {
			receive(m, left);
		}
	}
	return REEVE_OK;
}

enum reeve_status
rv_manager_enter(struct reeve_manager *m, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	if (m == NULL || m->magic != RV_MANAGER_MAGIC) {
		return rv_error(
		    err, REEVE_EINVALID, "cannot call: this is no manager");
	}
	pthread_mutex_lock(&m->own->lock);
	if (!m->own->is_ours) {
		status = rv_manager_connect_anew(m, err);
	} else if (m->broken != REEVE_OK) {
		status = rv_manager_broken(m, err);
	}
	if (status != REEVE_OK) {
		pthread_mutex_unlock(&m->own->lock);
	}
	return status;
}

void
rv_manager_leave(struct reeve_manager *m)
{
	pthread_mutex_unlock(&m->own->lock);
}

/* -------- for loops, and about it -------- */

int
reeve_manager_fd(const struct reeve_manager *m)
{
	int fd = -1;

	if (m == NULL || m->magic != RV_MANAGER_MAGIC) {
		return -1;
	}
	pthread_mutex_lock(&m->own->lock);
	if (m->own->is_ours && m->broken == REEVE_OK) {
		/* who polls cannot know that something is not sent yet */
		m->own->is_polled = true;
		fd = reeve_conn_fd(m->conn);
	}
	pthread_mutex_unlock(&m->own->lock);
	return fd;
}

int64_t
reeve_manager_server_pid(const struct reeve_manager *m)
{
	return m != NULL && m->magic == RV_MANAGER_MAGIC ? m->server_pid : 0;
}

enum reeve_status
reeve_manager_flush(
    struct reeve_manager *m, int64_t timeout, struct reeve_error *err)
{
	enum reeve_status status = rv_manager_enter(m, err);

	if (status == REEVE_OK) {
		status = rv_manager_send(
		    m, rv_time_add(rv_sys_now(), RV_MAX(timeout, 0)), err);
		rv_manager_leave(m);
	}
	return status;
}

enum reeve_status
reeve_manager_dispatch(struct reeve_manager *m, struct reeve_error *err)
{
	enum reeve_status status = rv_manager_enter(m, err);

	if (status != REEVE_OK) {
		return status;
	}
	(void)rv_manager_try_send(m);
	if (!m->is_receiving && m->broken == REEVE_OK) {
		do {
			receive(m, 0);
		} while (m->broken == REEVE_OK && !m->is_receiving &&
			 reeve_conn_poll(m->conn, 0) == REEVE_OK);
	}
	if (m->broken != REEVE_OK) {
		status = rv_manager_broken(m, err);
	}
	rv_manager_leave(m);
	return status;
}
