/* SPDX-License-Identifier: MIT */
/*
 * The connection of a client: made, greeted, made anew after a fork; sending,
 * and receiving for all threads. Knows of calls that they have numbers.
 */
#include "config.h"

#include "manager/manager_client.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <reeve/wait.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "conn/transport.h"
#include "sys/sys.h"

/* -------- answers -------- */

enum reeve_status
rv_manager_broken(const struct reeve_manager *m, struct reeve_error *err)
{
	return rv_error(err, m->broken, "cannot call the manager at %s: %s",
	    m->address, m->why);
}

static void
break_it(struct reeve_manager *m, enum reeve_status status, const char *why)
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
	break_it(m, REEVE_EBROKEN, "it did not answer in time");
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
	break_it(m, REEVE_EBROKEN, said.text);
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
		break_it(m, REEVE_EBROKEN,
		    status == REEVE_EEND || status == REEVE_EBROKEN
			? "the server is gone"
			: reeve_status_text(status));
		return;
	}
	while (c.left > 0) {
		if (!take_answer(m, &c)) {
			break_it(
			    m, REEVE_EBROKEN, "what it answered is no answer");
			break;
		}
	}
}

static rv_time
left_until(rv_time until)
{
	rv_time now;

	if (until == RV_FOREVER) {
		return RV_FOREVER;
	}
	now = rv_sys_now();
	return until > now ? until - now : 0;
}

/* Receive once, for all. The lock is held, but not meanwhile. */
static void
receive(struct reeve_manager *m, rv_time timeout)
{
	enum reeve_status status;

	m->is_receiving = true;
	pthread_mutex_unlock(&m->own->lock);
	status =
	    reeve_conn_recv(m->conn, &m->parcel, REEVE_ANY_LENGTH, timeout);
	pthread_mutex_lock(&m->own->lock);
	m->is_receiving = false;
	take_message(m, status);
	if (m->n_asleep > 0) {
		pthread_cond_broadcast(&m->own->turn);
	}
}

/* Until somebody else has received something, or the time is over. */
static void
sleep_until(struct reeve_manager *m, rv_time until)
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

enum reeve_status
rv_manager_await(struct reeve_manager *m, struct rv_waiter *w, rv_time until,
    struct reeve_error *err)
{
	while (w->n_left > 0) {
		rv_time left;

		if (m->broken != REEVE_OK) {
			return rv_manager_broken(m, err);
		}
		left = left_until(until);
		if (left <= 0) {
			return rv_error(err, REEVE_ETIMEDOUT,
			    "the manager at %s does not answer", m->address);
		}
		if (m->is_receiving) {
			sleep_until(m, until);
		} else {
			receive(m, left);
		}
	}
	return REEVE_OK;
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
	pthread_mutex_unlock(&m->own->lock);
	(void)!reeve_wait(&item, 1, NULL, left_until(until));
	pthread_mutex_lock(&m->own->lock);
	if (receives) {
		m->is_receiving = false;
		if ((item.ready & REEVE_WAIT_READ) != 0) {
			receive(m, 0);
		}
	}
}

enum reeve_status
rv_manager_send(struct reeve_manager *m, struct rv_buf *out, rv_time until,
    struct reeve_error *err)
{
	struct rv_buf bytes = *out;
	enum reeve_status status;

	if (bytes.failed || bytes.len > m->message_max) {
		rv_buf_reset(out);
		return bytes.starved
			   ? rv_error_sys(err, ENOMEM, "cannot call")
			   : rv_error(err, REEVE_ETOOBIG,
				 "cannot call: the message is longer than the "
				 "manager takes");
	}
	/* others may write into `out` while we wait */
	memset(out, 0, sizeof(*out));
	rv_buf_init(out, bytes.max);
	for (;;) {
		status = m->broken;
		if (status != REEVE_OK) {
			(void)rv_manager_broken(m, err);
			break;
		}
		status = reeve_conn_send(m->conn, bytes.data, bytes.len, 0);
		if (status != REEVE_ETIMEDOUT) {
			break;
		}
		if (left_until(until) <= 0) {
			(void)rv_error(err, status,
			    "cannot call the manager at %s: it does not read",
			    m->address);
			break;
		}
		wait_to_send(m, until);
	}
	if (status != REEVE_OK && status != REEVE_ETIMEDOUT &&
	    m->broken == REEVE_OK) {
		/* what it said before it went may be there to be read */
		receive(m, 0);
		break_it(m, REEVE_EBROKEN, "the server is gone");
		status = m->broken;
		(void)rv_manager_broken(m, err);
	}
	if (out->data == NULL) {
		rv_buf_reset(&bytes);
		*out = bytes;
	} else {
		rv_buf_finish(&bytes);
	}
	return status;
}

/* -------- connecting -------- */

static enum reeve_status
greeting(struct reeve_manager *m, struct reeve_error *err)
{
	struct rv_cursor c = { m->parcel.data, m->parcel.length };
	struct reeve_datum values[4];
	struct rv_answer_head head;

	if (!rv_wire_get_answer(&c, &head) || head.id != 0) {
		return rv_error(err, REEVE_EPROTO,
		    "cannot connect to %s: it is no manager", m->address);
	}
	if (head.status != REEVE_OK) {
		return rv_result_error(
		    err, &head, c.at, head.length - RV_ANSWER_BYTES);
	}
	for (unsigned i = 0; i < 4; i++) {
		if (i >= head.n_values || !rv_wire_get_value(&c, &values[i])) {
			return rv_error(err, REEVE_EPROTO,
			    "cannot connect to %s: it is no manager",
			    m->address);
		}
	}
	if (values[0].type != REEVE_DATUM_TEXT ||
	    strcmp(values[0].data, "reeve-manager") != 0 ||
	    values[1].is.integer != RV_CALL_WIRE_VERSION) {
		return rv_error(err, REEVE_EPROTO,
		    "cannot connect to %s: it is no manager of this version",
		    m->address);
	}
	m->server_pid = values[2].is.integer;
	m->message_max = (uint64_t)values[3].is.integer;
	return REEVE_OK;
}

static enum reeve_status
dial(struct reeve_manager *m, int64_t timeout, struct reeve_error *err)
{
	struct reeve_connect_options options = { .size = sizeof(options),
		.flags = m->flags,
		.users = m->users,
		.n_users = m->n_users,
		.guard = m->guard };
	rv_time until = rv_time_add(rv_sys_now(), RV_MAX(timeout, 0));
	enum reeve_status status =
	    reeve_conn_connect(&m->conn, m->address, &options, timeout, err);

	if (status != REEVE_OK) {
		return status;
	}
	status = reeve_conn_recv(
	    m->conn, &m->parcel, (size_t)1 << 20, left_until(until));
	if (status == REEVE_EEND) {
		status = REEVE_EBROKEN;
	}
	status = status == REEVE_OK
		     ? greeting(m, err)
		     : rv_error(err, status,
			   "cannot connect to %s: its greeting: %s", m->address,
			   reeve_status_text(status));
	if (status == REEVE_OK) {
		m->broken = REEVE_OK;
		m->serial++;
	} else {
		reeve_conn_free(m->conn);
		m->conn = NULL;
	}
	return status;
}

static enum reeve_status
copy_options(struct reeve_manager *m, const char *address,
    const struct reeve_manager_connect_options *options)
{
	m->patience = RV_PATIENCE;
	m->address = rv_strdup(address);
	m->own = rv_sys_mmap_own(sizeof(*m->own));
	if (m->address == NULL || m->own == NULL) {
		return REEVE_ENOMEM;
	}
	if (options == NULL) {
		return REEVE_OK;
	}
	m->flags = options->flags;
	if (options->guard != NULL) {
		m->guard = options->guard->ops->ref(options->guard);
	}
	if (options->patience > 0) {
		m->patience = options->patience;
	}
	if (options->n_users > 0) {
		m->users = rv_alloc(options->n_users, sizeof(*m->users));
		if (m->users == NULL) {
			return REEVE_ENOMEM;
		}
		memcpy(m->users, options->users,
		    options->n_users * sizeof(*m->users));
		m->n_users = options->n_users;
	}
	return REEVE_OK;
}

enum reeve_status
reeve_manager_connect(struct reeve_manager **out, const char *address,
    const struct reeve_manager_connect_options *options, int64_t timeout,
    struct reeve_error *err)
{
	struct reeve_manager *m;
	enum reeve_status status;

	if (out == NULL || address == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot connect to a manager: no address");
	}
	if (options != NULL && options->size != sizeof(*options)) {
		return rv_error_size(
		    err, "struct reeve_manager_connect_options", options->size);
	}
	m = rv_alloc(1, sizeof(*m));
	if (m == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot connect");
	}
	m->magic = RV_MANAGER_MAGIC;
	rv_list_init(&m->waiters);
	rv_buf_init(&m->out, SIZE_MAX / 4);
	rv_buf_init(&m->releases, SIZE_MAX / 4);
	status = copy_options(m, address, options);
	if (status != REEVE_OK) {
		(void)rv_error_sys(err, ENOMEM, "cannot connect");
	} else {
		m->own->is_ours = true;
		status = dial(m, timeout, err);
	}
	if (status != REEVE_OK) {
		reeve_manager_free(m);
		return status;
	}
	*out = m;
	return REEVE_OK;
}

void
reeve_manager_free(struct reeve_manager *m)
{
	if (m == NULL || m->magic != RV_MANAGER_MAGIC) {
		return;
	}
	m->magic = 0;
	reeve_conn_free(m->conn);
	reeve_parcel_free(&m->parcel);
	rv_buf_finish(&m->out);
	rv_buf_finish(&m->releases);
	if (m->own != NULL) {
		(void)munmap(m->own, sizeof(*m->own));
	}
	if (m->guard != NULL) {
		m->guard->ops->unref(m->guard);
	}
	rv_free(m->users);
	rv_free(m->address);
	rv_free(m);
}

/*
 * In a child of a fork: nothing of what the parent's threads were doing is
 * ours, and the connection is the parent's.
 */
static enum reeve_status
connect_anew(struct reeve_manager *m, struct reeve_error *err)
{
	m->own->is_ours = true;
	m->is_receiving = false;
	m->n_asleep = 0;
	while (!rv_list_empty(&m->waiters)) {
		rv_list_remove(m->waiters.next);
	}
	rv_buf_finish(&m->out);
	rv_buf_finish(&m->releases);
	rv_buf_init(&m->out, SIZE_MAX / 4);
	rv_buf_init(&m->releases, SIZE_MAX / 4);
	reeve_parcel_free(&m->parcel);
	reeve_conn_free(m->conn);
	m->conn = NULL;
	m->broken = REEVE_EBROKEN;
	(void)rv_copy(m->why, sizeof(m->why), "it could not be reached again");
	return dial(m, m->patience, err);
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
		status = connect_anew(m, err);
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
	return m != NULL && m->magic == RV_MANAGER_MAGIC && m->conn != NULL
		   ? reeve_conn_fd(m->conn)
		   : -1;
}

int64_t
reeve_manager_server_pid(const struct reeve_manager *m)
{
	return m != NULL && m->magic == RV_MANAGER_MAGIC ? m->server_pid : 0;
}

enum reeve_status
reeve_manager_dispatch(struct reeve_manager *m, struct reeve_error *err)
{
	enum reeve_status status = rv_manager_enter(m, err);

	if (status != REEVE_OK) {
		return status;
	}
	if (!m->is_receiving) {
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
