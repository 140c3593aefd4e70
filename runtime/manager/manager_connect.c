/* SPDX-License-Identifier: MIT */
/*
 * How a client comes to its connection: dialled and greeted at first, made anew
 * in a child of a fork, and again when it was asked to after the server had
 * gone. Calls and answers are manager_client.c's.
 */
#include "config.h"

#include "manager/manager_client.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "conn/transport.h"
#include "sys/sys.h"

/* Between attempts to connect again. */
#define FIRST_PAUSE (1 * RV_MS)
#define LAST_PAUSE  (100 * RV_MS)

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
	    m->conn, &m->parcel, (size_t)1 << 20, rv_manager_left(until));
	if (status == REEVE_EEND) {
		status = REEVE_EBROKEN;
	}
	status = status == REEVE_OK
		     ? greeting(m, err)
		     : rv_error(err, status,
			   "cannot connect to %s: its greeting: %s", m->address,
			   reeve_status_text(status));
	if (status != REEVE_OK) {
		reeve_conn_free(m->conn);
		m->conn = NULL;
	}
	return status;
}

/* The lock is held, or nobody else has it. */
static void
begin_serving(struct reeve_manager *m)
{
	m->broken = REEVE_OK;
	m->serial++;
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
	begin_serving(m);
	*out = m;
	return REEVE_OK;
}

void
reeve_manager_free(struct reeve_manager *m)
{
	if (m == NULL || m->magic != RV_MANAGER_MAGIC) {
		return;
	}
	if (m->own != NULL && m->own->is_ours && m->conn != NULL &&
	    m->broken == REEVE_OK) {
		(void)rv_manager_try_send(m);
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

/* Nothing of the connection that was is left. */
static void
forget(struct reeve_manager *m)
{
	m->is_receiving = m->is_unsent = false;
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
}

/*
 * Nothing of what the parent's threads were doing is ours, and the connection
 * is the parent's.
 */
enum reeve_status
rv_manager_connect_anew(struct reeve_manager *m, struct reeve_error *err)
{
	enum reeve_status status;

	m->own->is_ours = true;
	m->n_asleep = m->n_outside = 0;
	m->is_dialing = m->is_anew = false;
	forget(m);
	m->broken = REEVE_EBROKEN;
	(void)rv_copy(m->why, sizeof(m->why), "it could not be reached again");
	status = dial(m, m->patience, err);
	if (status == REEVE_OK) {
		begin_serving(m);
	}
	return status;
}

/* -------- again -------- */

/* Whether another attempt may come to something else. */
static bool
may_come(enum reeve_status status)
{
	return status == REEVE_ENOENT || status == REEVE_EBROKEN ||
	       status == REEVE_ESYS || status == REEVE_EBUSY;
}

/*
 * Until somebody listens there. Nobody tells that: a socket file comes anew,
 * and a port of another machine says nothing at all; so it is tried again, the
 * more seldom the longer it is gone. The lock is held between the attempts
 * alone; whoever calls meanwhile is told that the connection is broken.
 */
static enum reeve_status
dial_until(struct reeve_manager *m, rv_time until, struct reeve_error *err)
{
	rv_time pause = FIRST_PAUSE;

	for (;;) {
		enum reeve_status status;
		rv_time now;

		pthread_mutex_unlock(&m->own->lock);
		status = dial(m, rv_manager_left(until), err);
		pthread_mutex_lock(&m->own->lock);
		now = rv_sys_now();
		if (status == REEVE_OK || !may_come(status) || now >= until) {
			return status;
		}
		rv_manager_sleep(m, RV_MIN(rv_time_add(now, pause), until));
		pause = RV_MIN(2 * pause, LAST_PAUSE);
	}
}

enum reeve_status
reeve_manager_reconnect(
    struct reeve_manager *m, int64_t timeout, struct reeve_error *err)
{
	rv_time until = rv_time_add(rv_sys_now(), RV_MAX(timeout, 0));
	enum reeve_status status = rv_manager_enter(m, err);

	if (status == REEVE_OK || status == REEVE_EINVALID) {
		if (status == REEVE_OK) {
			rv_manager_leave(m);
		}
		return status;
	}
	pthread_mutex_lock(&m->own->lock);
	while (m->is_dialing && rv_sys_now() < until) {
		rv_manager_sleep(m, until);
	}
	if (m->is_dialing) {
		status = rv_error(err, REEVE_ETIMEDOUT,
		    "cannot connect to %s again: another thread does not get "
		    "through",
		    m->address);
	} else if (m->broken == REEVE_OK) {
		status = REEVE_OK;
	} else {
		m->is_dialing = true;
		reeve_conn_shutdown(m->conn);
		while (m->n_outside > 0) {
			rv_manager_sleep(m, RV_FOREVER);
		}
		forget(m);
		status = dial_until(m, until, err);
		if (status == REEVE_OK) {
			m->is_anew = true;
			begin_serving(m);
		}
		m->is_dialing = false;
		pthread_cond_broadcast(&m->own->turn);
	}
	pthread_mutex_unlock(&m->own->lock);
	return status;
}
