/* SPDX-License-Identifier: MIT */
/*
 * A prefork HTTP server, httpd [ADDRESS [STATE_DIR]]: libevent serves HTTP in
 * four worker processes, and reeve is their master, on the host's libevent
 * loop. HUP replaces the workers while they serve; INT and TERM end it. /crash
 * and /hang show what becomes of them.
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include <reeve/child.h>
#include <reeve/function.h>
#include <reeve/loop_event.h>
#include <reeve/reeve.h>

/* A worker, which is a process of its own and runs serve(). */
struct worker {
	struct evhttp *http;
	struct evhttp_bound_socket *listener;
	struct event *tick;
	bool draining;
};

static void
answer(struct evhttp_request *request, void *arg)
{
	const struct worker *worker = arg;
	const char *path = evhttp_request_get_uri(request);

	if (strcmp(path, "/crash") == 0) {
		*(volatile char *)strlen(path) = 1; /* nowhere */
	}
	while (strcmp(path, "/hang") == 0) {
	}
	evhttp_add_header(evhttp_request_get_output_headers(request),
	    "Connection", worker->draining ? "close" : "keep-alive");
	evbuffer_add_printf(evhttp_request_get_output_buffer(request),
	    strcmp(path, "/pid") == 0 ? "%d\n" : "hello from %d\n", getpid());
	evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

/* Asked to stop it accepts no more, and the last connection ends its loop. */
static void
on_tick(evutil_socket_t stopping_fd, short why, void *arg)
{
	struct worker *worker = arg;

	(void)stopping_fd;
	reeve_beat();
	if (why & EV_READ) {
		worker->draining = true;
		evhttp_del_accept_socket(worker->http, worker->listener);
		event_del(worker->tick);
	}
}

static int
serve(const struct reeve_call *call)
{
	struct event_base *base = event_base_new();
	struct worker worker = { .http = evhttp_new(base) };
	int fd = reeve_listener("http");

	(void)call;
	signal(SIGPIPE, SIG_IGN);
	/* All workers accept on it, and one of them gets the connection. */
	if (fd == -1 || evutil_make_socket_nonblocking(fd) != 0) {
		reeve_raise("httpd.Listener", "no listener: %m");
	}
	evhttp_set_timeout(worker.http, 10);
	evhttp_set_gencb(worker.http, answer, &worker);
	worker.listener = evhttp_accept_socket_with_handle(worker.http, fd);
	worker.tick = event_new(
	    base, reeve_stopping_fd(), EV_READ | EV_PERSIST, on_tick, &worker);
	event_add(worker.tick, &(struct timeval){ .tv_usec = 250000 });
	reeve_ready();
	return event_base_dispatch(base) < 0;
}
REEVE_FUNCTION("httpd.serve", serve);

/* The host from here on. */
static void
on_signal(evutil_socket_t signo, short events, void *reeve)
{
	(void)events;
	if (signo != SIGHUP) {
		reeve_signal(reeve, signo, NULL);
	} else if (reeve_restart(reeve, "web", NULL) != REEVE_OK) {
		warnx("there is nothing to restart");
	}
}

static void
on_finished(void *base, bool gave_up)
{
	(void)gave_up;
	event_base_loopbreak(base);
}

int
main(int argc, char **argv)
{
	reeve_main(&argc, &argv); /* a worker does not come back from it */

	const struct reeve_callbacks callbacks = { .finished = on_finished };
	struct event_base *base = event_base_new();
	struct reeve_options options = { .size = sizeof(options),
		.callbacks = &callbacks,
		.ctx = base,
		.name = "httpd",
		.state_dir = argc > 2 ? argv[2] : NULL,
		.libexec_dir = getenv("REEVE_LIBEXEC") }; /* else installed */
	struct reeve_worker_options web = { .size = sizeof(web),
		.function = "httpd.serve",
		.instances = 4,
		.ready_notify = true,
		.heartbeat_ms = 1000,
		.unheard = REEVE_UNHEARD_ABORT,
		.overlap = true,
		.stop_ms = 30000,
		.intensity = 20 }; /* of all four in 10 s: not for ever */
	struct reeve_on_event on = { .base = base };
	struct reeve_error error;
	char more[400]; /* keys of reeve.conf(5) without a member */
	snprintf(more, sizeof(more), "{\"listen\": {\"http\": \"%s\"}}",
	    argc > 1 ? argv[1] : "tcp://127.0.0.1:8080");
	web.options = more;
	if (reeve_create(&on.reeve, &options, &error) != REEVE_OK ||
	    reeve_add_worker(on.reeve, "web", &web, &error) != REEVE_OK ||
	    reeve_commit(on.reeve, &error) != REEVE_OK ||
	    reeve_on_event_start(&on) != 0) {
		errx(1, "%s", on.why != NULL ? on.why : error.text);
	}
	event_add(evsignal_new(base, SIGHUP, on_signal, on.reeve), NULL);
	event_add(evsignal_new(base, SIGINT, on_signal, on.reeve), NULL);
	event_add(evsignal_new(base, SIGTERM, on_signal, on.reeve), NULL);
	event_base_dispatch(base);
	reeve_on_event_stop(&on);
	reeve_destroy(on.reeve);
	return 0;
}
