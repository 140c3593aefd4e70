/* SPDX-License-Identifier: MIT */
/*
 * The server of a manager: the hall, and around it one epoll set of listeners,
 * clients and a timer, which is its descriptor for hosts with a loop. It waits
 * for no client: what one does not read stays, up to a limit, and what one
 * sends is done in turns. Owned by its host; all by one thread.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "manager/server_priv.h"
#include "sys/sys.h"

#define EVENTS 64

static enum reeve_status
unless_ours(struct reeve_error *err, const char *what,
    const struct reeve_manager_server *server)
{
	bool is_one = server != NULL && server->magic == RV_SERVER_MAGIC;

	return rv_error_unless_ours(err, what, "manager server", server, is_one,
	    is_one ? server->pid : 0);
}

/* -------- making one -------- */

static enum reeve_status
open_door(struct reeve_manager_server *s,
    const struct reeve_manager_listen *listen, struct reeve_error *err)
{
	struct reeve_listen_options options = { .size = sizeof(options),
		.flags = listen->flags,
		.users = listen->users,
		.n_users = listen->n_users,
		.guard = listen->guard,
		.backlog = 1024,
		.greetings = 256 };
	struct rv_door *door = &s->doors[s->n_doors];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = door };
	enum reeve_status status;

	status =
	    reeve_conn_listen(&door->listener, listen->address, &options, err);
	if (status != REEVE_OK) {
		return status;
	}
	s->n_doors++;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD,
		reeve_listener_fd(door->listener), &event) != 0) {
		return rv_error_sys(
		    err, errno, "cannot watch %s", listen->address);
	}
	door->is_watched = true;
	return REEVE_OK;
}

static enum reeve_status
make_watching(struct reeve_manager_server *s, struct reeve_error *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };

	s->epoll = rv_sys_epoll_create();
	s->timer = s->epoll >= 0 ? rv_sys_timerfd() : -1;
	if (s->timer < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->timer, &event) != 0) {
		return rv_error_sys(
		    err, errno, "cannot make a manager: its timer");
	}
	return REEVE_OK;
}

static uint64_t
or_else(uint64_t n, uint64_t instead)
{
	return n != 0 ? n : instead;
}

static enum reeve_status
make_hall(struct reeve_manager_server *s,
    const struct reeve_manager_options *options, struct reeve_error *err)
{
	struct rv_hall_limits limits = {
		.memory = or_else(options->memory_max, UINT64_C(1) << 30),
		.output = or_else(options->output_max, UINT64_C(64) << 20),
		.objects = (uint32_t)or_else(options->objects_max, 1 << 20),
		.waiting = (uint32_t)or_else(options->waiting_max, 1024),
		.holds = (uint32_t)or_else(options->objects_max, 1 << 20),
	};
	uint64_t seed[2];

	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		return rv_error_sys(
		    err, errno, "cannot make a manager: random numbers");
	}
	if (rv_hall_init(&s->hall, seed, &limits) != REEVE_OK) {
		return rv_error_sys(err, ENOMEM, "cannot make a manager");
	}
	s->hall.types = options->types;
	s->hall.n_types = options->n_types;
	s->hall.updates = options->updates;
	s->hall.n_updates = options->n_updates;
	s->hall.edge = (struct rv_edge){ s, rv_server_watch, rv_server_later };
	return rv_server_snapshot_load(s, options, err);
}

static enum reeve_status
check_types(
    const struct reeve_manager_options *options, struct reeve_error *err)
{
	for (size_t i = 0; i < options->n_types; i++) {
		const struct reeve_manager_type *type = options->types[i];

		if (type->size != sizeof(*type)) {
			return rv_error_size(
			    err, "struct reeve_manager_type", type->size);
		}
		for (size_t k = 0; k < type->n_methods; k++) {
			if (type->methods[k].lane >= RV_LANES) {
				return rv_error(err, REEVE_EINVALID,
				    "cannot make a manager: there are %d lanes",
				    RV_LANES);
			}
		}
	}
	if (options->n_listens > 0 && options->listens == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot make a manager: where shall it listen?");
	}
	if (options->n_listens > RV_SERVER_LISTENS) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot make a manager: more than %d addresses",
		    RV_SERVER_LISTENS);
	}
	return REEVE_OK;
}

enum reeve_status
reeve_manager_server_new(struct reeve_manager_server **out,
    const struct reeve_manager_options *options, struct reeve_error *err)
{
	struct reeve_manager_server *s;
	enum reeve_status status;

	if (out == NULL || options == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot make a manager: without options");
	}
	if (options->size != sizeof(*options)) {
		return rv_error_size(
		    err, "struct reeve_manager_options", options->size);
	}
	status = check_types(options, err);
	if (status != REEVE_OK) {
		return status;
	}
	s = rv_alloc(1, sizeof(*s));
	if (s == NULL) {
		return rv_error_sys(err, ENOMEM, "cannot make a manager");
	}
	s->magic = RV_SERVER_MAGIC;
	s->pid = getpid();
	s->epoll = s->timer = s->watches = -1;
	s->writer.pipe = s->writer.pidfd = -1;
	s->armed = s->retry_at = s->snapshot_at = RV_FOREVER;
	s->clients_max = (uint32_t)or_else(options->clients_max, 4096);
	s->message_max = or_else(options->message_max, UINT64_C(64) << 20);
	rv_list_init(&s->clients);
	rv_list_init(&s->busy);
	rv_list_init(&s->gone);
	rv_list_init(&s->stuck);
	s->message_timeout = options->message_timeout > 0
				 ? options->message_timeout
				 : 60 * RV_SEC;
	s->beat = options->beat;
	s->beat_every = options->beat != NULL ? options->beat_every : 0;
	s->beat_at = s->beat_every > 0 ? 0 : RV_FOREVER;
	rv_list_init(&s->later);
	status = make_watching(s, err);
	if (status == REEVE_OK) {
		status = make_hall(s, options, err);
	}
	for (size_t i = 0; i < options->n_listens && status == REEVE_OK; i++) {
		status = open_door(s, &options->listens[i], err);
	}
	if (status != REEVE_OK) {
		s->snapshot_at_end = false;
		(void)reeve_manager_server_free(s, NULL);
		return status;
	}
	*out = s;
	return REEVE_OK;
}

static void
free_gone(struct reeve_manager_server *s)
{
	while (!rv_list_empty(&s->gone)) {
		struct rv_client *client =
		    RV_LIST_FIRST(&s->gone, struct rv_client, all);

		rv_list_remove(&client->all);
		rv_free(client);
	}
}

enum reeve_status
reeve_manager_server_free(
    struct reeve_manager_server *s, struct reeve_error *err)
{
	enum reeve_status status = REEVE_OK;

	if (s == NULL) {
		return REEVE_OK;
	}
	status = unless_ours(err, "end a manager", s);
	if (status != REEVE_OK) {
		return status;
	}
	for (size_t i = 0; i < s->n_doors; i++) {
		reeve_listener_free(s->doors[i].listener);
	}
	while (s->n_clients > 0) {
		rv_server_drop(
		    s, RV_LIST_FIRST(&s->clients, struct rv_client, all));
	}
	free_gone(s);
	status = rv_server_snapshot_end(s, err);
	if (s->hall.objects != NULL) {
		rv_hall_finish(&s->hall);
	}
	rv_server_join(s);
	if (s->watches >= 0) {
		(void)close(s->watches);
	}
	if (s->timer >= 0) {
		(void)close(s->timer);
	}
	if (s->epoll >= 0) {
		(void)close(s->epoll);
	}
	s->magic = 0;
	rv_free(s);
	return status;
}

/* -------- its turns -------- */

int
reeve_manager_server_fd(const struct reeve_manager_server *s)
{
	return s != NULL && s->magic == RV_SERVER_MAGIC ? s->epoll : -1;
}

const char *
reeve_manager_server_address(const struct reeve_manager_server *s, size_t i)
{
	return s != NULL && s->magic == RV_SERVER_MAGIC && i < s->n_doors
		   ? reeve_listener_address(s->doors[i].listener)
		   : NULL;
}

/* The timer for what comes first; it is set only when that has changed. */
static void
arm(struct reeve_manager_server *s)
{
	struct itimerspec spec = { 0 };
	rv_time next = RV_MIN(rv_hall_next(&s->hall), s->retry_at);

	next = RV_MIN(next, RV_MIN(rv_server_unstick_at(s), s->beat_at));
	if (s->hall.is_changed && s->writer.pid <= 0) {
		next = RV_MIN(next, s->snapshot_at);
	}
	if (next >= s->armed && s->armed > s->hall.now) {
		return; /* it comes too early: then it is set again */
	}
	if (next != RV_FOREVER) {
		next = RV_MAX(next, 1);
		spec.it_value.tv_sec = next / RV_SEC;
		spec.it_value.tv_nsec = next % RV_SEC;
	}
	if (next != s->armed) {
		(void)timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &spec, NULL);
		s->armed = next;
	}
}

static void
retry(struct reeve_manager_server *s)
{
	s->retry_at = RV_FOREVER;
	for (size_t i = 0; i < s->n_doors; i++) {
		struct rv_door *door = &s->doors[i];
		struct epoll_event event = { .events = EPOLLIN,
			.data.ptr = door };

		if (!door->is_watched &&
		    epoll_ctl(s->epoll, EPOLL_CTL_ADD,
			reeve_listener_fd(door->listener), &event) == 0) {
			door->is_watched = true;
		}
	}
	RV_LIST_EACH_SAFE (c, &s->clients, struct rv_client, all) {
		if (c->is_blocked) {
			rv_server_send(s, c);
		}
	}
}

/* The timer, and whatever has become due. */
static void
on_time(struct reeve_manager_server *s)
{
	uint64_t times;

	if (rv_sys_read(s->timer, &times, sizeof(times)) > 0) {
		s->armed = RV_FOREVER;
	}
	rv_hall_tick(&s->hall, s->hall.now);
	if (s->retry_at <= s->hall.now) {
		retry(s);
	}
	rv_server_unstick(s);
	rv_server_snapshot_due(s);
	if (s->beat_at <= s->hall.now) {
		s->beat_at = rv_time_add(s->hall.now, s->beat_every);
		s->beat();
	}
}

static void
on_event(struct reeve_manager_server *s, const struct epoll_event *event)
{
	struct rv_client *client = event->data.ptr;

	if (event->data.ptr == s) {
		s->turn_of_timer = true;
		on_time(s);
		return;
	}
	if (event->data.ptr == &s->writer) {
		rv_server_snapshot_ended(s);
		return;
	}
	if (event->data.ptr == &s->watches) {
		rv_server_ready(s);
		return;
	}
	for (size_t i = 0; i < s->n_doors; i++) {
		if (event->data.ptr == &s->doors[i]) {
			rv_server_accept(s, &s->doors[i]);
			return;
		}
	}
	if (!client->is_gone && client->is_blocked &&
	    (event->events & (EPOLLHUP | EPOLLERR)) != 0) {
		rv_server_drop(s, client); /* who shall read it? */
	}
	if (!client->is_gone && (event->events & EPOLLOUT) != 0) {
		rv_server_send(s, client);
	}
	if (!client->is_gone &&
	    (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
		rv_server_receive(s, client);
	}
}

static enum reeve_status
turn(struct reeve_manager_server *s, int wait_ms, struct reeve_error *err)
{
	struct epoll_event events[EVENTS];
	struct rv_list busy;
	int n = epoll_wait(
	    s->epoll, events, EVENTS, rv_list_empty(&s->busy) ? wait_ms : 0);

	if (n < 0 && errno != EINTR) {
		return rv_error_sys(err, errno, "cannot wait for clients");
	}
	s->hall.now = rv_sys_now();
	/* those whose turn it is again; who becomes busy now waits for the next
	 */
	rv_list_init(&busy);
	while (!rv_list_empty(&s->busy)) {
		struct rv_list *first = s->busy.next;

		rv_list_remove(first);
		rv_list_insert(&busy, first);
	}
	for (int i = 0; i < n; i++) {
		on_event(s, &events[i]);
	}
	while (!rv_list_empty(&busy)) {
		struct rv_client *client =
		    RV_LIST_FIRST(&busy, struct rv_client, busy);

		rv_list_remove(&client->busy);
		rv_server_go_on(s, client);
	}
	rv_server_flush(s);
	free_gone(s);
	arm(s);
	return REEVE_OK;
}

enum reeve_status
reeve_manager_server_dispatch(
    struct reeve_manager_server *s, struct reeve_error *err)
{
	enum reeve_status status = unless_ours(err, "serve", s);

	/* what is left to do at once is not seen at the descriptor */
	while (status == REEVE_OK) {
		status = turn(s, 0, err);
		if (rv_list_empty(&s->busy)) {
			break;
		}
	}
	return status;
}

enum reeve_status
reeve_manager_serve(
    struct reeve_manager_server *s, int stop_fd, struct reeve_error *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
	enum reeve_status status = unless_ours(err, "serve", s);
	bool stops = false;

	if (status != REEVE_OK) {
		return status;
	}
	if (stop_fd >= 0 &&
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, stop_fd, &event) != 0) {
		return rv_error_sys(err, errno,
		    "cannot serve: watching descriptor %d", stop_fd);
	}
	arm(s);
	while (status == REEVE_OK && !stops) {
		struct pollfd stop = { stop_fd, POLLIN, 0 };

		status = turn(s, -1, err);
		/* the timer's turn is that of the stop, too: both are rare */
		if (s->turn_of_timer) {
			s->turn_of_timer = false;
			stops = stop_fd >= 0 && poll(&stop, 1, 0) > 0;
		}
	}
	if (stop_fd >= 0) {
		(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, stop_fd, NULL);
	}
	return status;
}

enum reeve_status
reeve_manager_server_snapshot(
    struct reeve_manager_server *s, struct reeve_error *err)
{
	enum reeve_status status = unless_ours(err, "write a snapshot", s);

	if (status == REEVE_OK && s->file.path == NULL) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot write a snapshot: the manager has no file for it");
	}
	return status == REEVE_OK ? rv_server_snapshot_now(s, err) : status;
}

enum reeve_status
reeve_manager_server_publish(struct reeve_manager_server *s, const char *name,
    const char *type, const struct reeve_datum *args, size_t n_args,
    struct reeve_error *err)
{
	enum reeve_status status = unless_ours(err, "publish", s);
	struct reeve_datum key, reference;
	struct reeve_request r;

	if (status != REEVE_OK) {
		return status;
	}
	if (name == NULL || type == NULL || (args == NULL && n_args > 0)) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot publish: no name, no type or no arguments");
	}
	key = reeve_text(name);
	if (rv_pairs_find(&s->hall, &s->hall.names, &key) != NULL) {
		return rv_error(err, REEVE_EEXIST,
		    "cannot publish %s: something else is", name);
	}
	rv_request_init(&r, &s->hall, NULL, s->hall.objects[0]);
	status = reeve_request_create(&r, type, args, n_args, &reference);
	if (status == REEVE_OK) {
		status = rv_request_not_kept(&r,
		    rv_pairs_put(&s->hall, &s->hall.names, &key, &reference));
	}
	rv_hall_bury(&s->hall);
	return status == REEVE_OK
		   ? status
		   : rv_error(err, status, "cannot publish %s: %s", name,
			 r.text[0] != '\0' ? r.text
					   : reeve_status_text(status));
}
