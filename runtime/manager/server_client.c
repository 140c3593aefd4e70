/* SPDX-License-Identifier: MIT */
/*
 * One client at the server: accepted, greeted, its messages taken in turns, its
 * answers sent as far as it reads them, cut off with a reason. Called by
 * manager_server.c. Never waits.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "manager/server_priv.h"
#include "sys/sys.h"

/* Calls of one client before it is another one's turn. */
#define BUDGET 256
/* What is kept of the memory of answers. */
#define KEPT ((size_t)64 * 1024)

void
rv_server_retry_soon(struct reeve_manager_server *s)
{
	s->retry_at =
	    RV_MIN(s->retry_at, rv_time_add(s->hall.now, 100 * RV_MS));
}

/* For what can be gone on with; that it has gone is always told. */
static void
watch(struct reeve_manager_server *s, struct rv_client *c)
{
	uint32_t events = !c->is_blocked  ? EPOLLIN
			  : c->is_starved ? 0
					  : EPOLLOUT;
	struct epoll_event event = { .events = events, .data.ptr = c };

	if ((!c->is_watched || events != c->events) &&
	    epoll_ctl(s->epoll, c->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		reeve_conn_fd(c->conn), &event) == 0) {
		c->events = events;
		c->is_watched = true;
	}
}

static void
make_busy(struct reeve_manager_server *s, struct rv_client *c)
{
	rv_list_remove(&c->busy);
	rv_list_insert(&s->busy, &c->busy);
}

void
rv_server_drop(struct reeve_manager_server *s, struct rv_client *c)
{
	if (c->is_gone) {
		return;
	}
	c->is_gone = true;
	rv_session_close(&s->hall, &c->session);
	rv_list_remove(&c->busy);
	rv_list_remove(&c->stuck);
	rv_list_remove(&c->all);
	rv_list_insert(&s->gone, &c->all);
	s->n_clients--;
	reeve_parcel_free(&c->parcel);
	if (c->is_watched) {
		/* a copy of this process may have it open still */
		(void)epoll_ctl(
		    s->epoll, EPOLL_CTL_DEL, reeve_conn_fd(c->conn), NULL);
	}
	reeve_conn_free(c->conn);
	c->conn = NULL;
}

/* -------- messages that are half-way -------- */

/* Whether one is, from now on, or goes on; asked whenever something has. */
static void
note_stuck(struct reeve_manager_server *s, struct rv_client *c)
{
	bool is_stuck = c->is_blocked || reeve_conn_has_part(c->conn);
	uint64_t unsent =
	    c->is_blocked ? reeve_conn_unsent(c->conn) + c->session.out.len : 0;
	bool was_stuck = !rv_list_empty(&c->stuck);

	if (is_stuck && was_stuck && unsent >= c->unsent) {
		return;
	}
	c->unsent = unsent;
	if (is_stuck || was_stuck) {
		rv_list_remove(&c->stuck);
	}
	if (is_stuck) {
		c->stuck_since = s->hall.now;
		rv_list_insert(&s->stuck, &c->stuck);
	}
}

rv_time
rv_server_unstick_at(const struct reeve_manager_server *s)
{
	return rv_list_empty(&s->stuck)
		   ? RV_FOREVER
		   : rv_time_add(
			 RV_LIST_FIRST(&s->stuck, struct rv_client, stuck)
			     ->stuck_since,
			 s->message_timeout);
}

void
rv_server_unstick(struct reeve_manager_server *s)
{
	while (rv_server_unstick_at(s) <= s->hall.now) {
		struct rv_client *c =
		    RV_LIST_FIRST(&s->stuck, struct rv_client, stuck);

		rv_list_remove(&c->stuck);
		rv_session_cut(&s->hall, &c->session, REEVE_ETIMEDOUT,
		    c->is_blocked ? "it has not read its answers in time"
				  : "its message has not come in time");
	}
}

/* -------- answers -------- */

static void
make_room(struct rv_session *session)
{
	size_t max = session->out.max;

	if (session->out.cap > KEPT) {
		rv_buf_finish(&session->out);
		rv_buf_init(&session->out, max);
	} else {
		rv_buf_reset(&session->out);
	}
}

void
rv_server_send(struct reeve_manager_server *s, struct rv_client *c)
{
	struct rv_session *session = &c->session;
	enum reeve_status status = REEVE_OK;
	bool was_blocked = c->is_blocked;

	c->is_starved = false;
	if (session->out.len > 0) {
		status = reeve_conn_send(
		    c->conn, session->out.data, session->out.len, 0);
	} else if (was_blocked) {
		status = reeve_conn_flush(c->conn, 0);
	}
	if (status == REEVE_OK) {
		make_room(session);
		c->is_blocked = reeve_conn_unsent(c->conn) > 0;
	} else if (status == REEVE_ETIMEDOUT) {
		c->is_blocked = true;
	} else if (status == REEVE_ENOMEM ||
		   (status == REEVE_ESYS &&
		       (errno == EMFILE || errno == ENFILE))) {
		c->is_blocked = c->is_starved = true;
		rv_server_retry_soon(s);
	} else {
		rv_server_drop(s, c);
		return;
	}
	watch(s, c);
	note_stuck(s, c);
	if (was_blocked && !c->is_blocked) {
		make_busy(s, c); /* what it said meanwhile */
	}
}

/* Its last word; whether it comes through is not ours to wait for. */
static void
cut_off(struct reeve_manager_server *s, struct rv_client *c)
{
	struct rv_session *session = &c->session;
	struct reeve_datum type = reeve_text("cut-off");
	struct reeve_datum why = reeve_text(session->why);
	char room[512];
	struct rv_buf out;
	size_t begin;
	int more = 1 << 20;

	if (c->is_blocked) {
		/* there is no room for a word: make some, as far as may be */
		(void)setsockopt(reeve_conn_fd(c->conn), SOL_SOCKET, SO_SNDBUF,
		    &more, sizeof(more));
	}

	rv_buf_init_in(&out, room, sizeof(room));
	begin = rv_wire_put_answer(&out, 0);
	rv_wire_put_value(&out, &type);
	rv_wire_put_value(&out, &why);
	rv_wire_end_answer(&out, begin, (int32_t)session->cut, 2);
	if (session->out.len > 0 && !session->out.failed) {
		(void)!reeve_conn_send(
		    c->conn, session->out.data, session->out.len, 0);
	}
	(void)!reeve_conn_send(c->conn, out.data, out.len, 0);
	rv_server_drop(s, c);
}

void
rv_server_flush(struct reeve_manager_server *s)
{
	while (!rv_list_empty(&s->hall.dirty)) {
		struct rv_session *session =
		    RV_LIST_FIRST(&s->hall.dirty, struct rv_session, dirty);
		struct rv_client *c = session->user;

		rv_list_remove(&session->dirty);
		if (session->cut != REEVE_OK) {
			cut_off(s, c);
		} else if (!c->is_blocked) {
			rv_server_send(s, c);
		}
	}
}

/* -------- calls -------- */

void
rv_server_go_on(struct reeve_manager_server *s, struct rv_client *c)
{
	if (c->is_gone || c->is_blocked) {
		return; /* who does not read its answers is not heard */
	}
	if (c->input.left > 0) {
		rv_hall_take(
		    &s->hall, &c->session, &c->input, BUDGET, s->hall.now);
	} else if (reeve_conn_waiting(c->conn)) {
		rv_server_receive(s, c);
		return;
	}
	if (c->input.left > 0 || reeve_conn_waiting(c->conn)) {
		make_busy(s, c);
	}
	note_stuck(s, c);
}

void
rv_server_receive(struct reeve_manager_server *s, struct rv_client *c)
{
	enum reeve_status status;

	if (c->input.left > 0 || c->is_blocked) {
		return;
	}
	status = reeve_conn_recv(c->conn, &c->parcel, s->message_max, 0);
	switch (status) {
	case REEVE_OK:
		c->input.at = c->parcel.data;
		c->input.left = c->parcel.length;
		rv_server_go_on(s, c);
		break;
	case REEVE_ETIMEDOUT:
		note_stuck(s, c);
		break;
	case REEVE_ETOOBIG:
		rv_session_cut(&s->hall, &c->session, status,
		    "its message is longer than may be");
		break;
	case REEVE_EPROTO:
	case REEVE_ESYS:
	case REEVE_ENOMEM:
		rv_session_cut(&s->hall, &c->session, status,
		    "its message could not be received");
		break;
	default:
		rv_server_drop(s, c);
		break;
	}
}

/* -------- coming in -------- */

/* Of machines that are gone the kernel tells us within half a minute. */
static void
watch_far_end(const struct reeve_conn *conn)
{
	int fd = reeve_conn_fd(conn), on = 1, idle = 10, between = 5, times = 3;
	unsigned int patience = 25000;

	if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) !=
	    0) {
		return; /* not over TCP */
	}
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof(between));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void
greet(struct reeve_manager_server *s, struct rv_client *c)
{
	struct reeve_datum values[] = { reeve_text("reeve-manager"),
		reeve_int(RV_CALL_WIRE_VERSION), reeve_int(s->pid),
		reeve_int((int64_t)s->message_max) };
	struct rv_buf *out = &c->session.out;
	size_t begin = rv_wire_put_answer(out, 0);

	for (size_t i = 0; i < RV_ARRAY_LEN(values); i++) {
		rv_wire_put_value(out, &values[i]);
	}
	rv_wire_end_answer(out, begin, 0, RV_ARRAY_LEN(values));
	rv_session_dirty(&s->hall, &c->session);
}

/* Takes the connection. False: for lack of memory. */
static bool
let_in(struct reeve_manager_server *s, struct reeve_conn *conn)
{
	struct rv_client *c = rv_alloc(1, sizeof(*c));

	if (c == NULL || rv_session_open(&s->hall, &c->session) != REEVE_OK) {
		rv_free(c);
		reeve_conn_free(conn);
		return false;
	}
	c->session.user = c;
	c->conn = conn;
	rv_list_init(&c->busy);
	rv_list_init(&c->stuck);
	rv_list_insert(&s->clients, &c->all);
	s->n_clients++;
	watch_far_end(conn);
	watch(s, c);
	if (!c->is_watched) {
		rv_server_drop(s, c);
		return false;
	}
	greet(s, c);
	if (s->n_clients > s->clients_max) {
		rv_session_cut(&s->hall, &c->session, REEVE_EFULL,
		    "the manager has as many clients as it may");
	}
	return true;
}

void
rv_server_accept(struct reeve_manager_server *s, struct rv_door *door)
{
	bool goes_on = true;

	for (unsigned i = 0; i < 64 && goes_on; i++) {
		struct reeve_conn *conn = NULL;
		enum reeve_status status =
		    reeve_conn_accept(&conn, door->listener, 0, NULL);

		switch (status) {
		case REEVE_OK:
			goes_on = let_in(s, conn);
			break;
		case REEVE_EAUTH:
			break;
		case REEVE_ETIMEDOUT:
			return;
		default:
			goes_on = false;
			break;
		}
	}
	if (!goes_on) {
		/* no descriptor, no memory: it waits until there is */
		(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL,
		    reeve_listener_fd(door->listener), NULL);
		door->is_watched = false;
		rv_server_retry_soon(s);
	}
}
