/* SPDX-License-Identifier: MIT */
/*
 * The library as a guest in a host: two runtimes in one process, one on the
 * host's libev loop, one polled by it; the host's signals, children and
 * descriptors stay its own.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include <reeve/reeve.h>

#include "lib/harness.h"

struct guest {
	struct reeve *reeve;
	char config[256], state[256];
	bool settled, finished, gave_up;
	unsigned deaths; /* lines that tell of one */
	ev_io io;
	ev_timer timer;
};

static struct ev_loop *loop;

static void
on_notice(void *ctx, enum reeve_level level, const char *text)
{
	struct guest *guest = ctx;

	(void)level;
	guest->deaths += strstr(text, "SIGKILL") != NULL;
}

static void
on_settled(void *ctx)
{
	((struct guest *)ctx)->settled = true;
}

static void
on_finished(void *ctx, bool gave_up)
{
	struct guest *guest = ctx;

	guest->finished = true;
	guest->gave_up = gave_up;
}

static void
open_guest(struct guest *guest, const char *name, struct ev_loop *ev)
{
	static const struct reeve_callbacks callbacks = {
		.notice = on_notice,
		.settled = on_settled,
		.finished = on_finished,
	};
	struct reeve_options options = {
		.size = sizeof(options),
		.config_file = guest->config,
		.loop = ev,
		.libexec_dir = rv_test_builddir(),
		.callbacks = &callbacks,
		.ctx = guest,
	};
	struct reeve_error err;
	enum reeve_status status;
	FILE *file;

	snprintf(guest->config, sizeof(guest->config), "%s/%s.json",
	    rv_test_dir(), name);
	snprintf(guest->state, sizeof(guest->state), "%s/%s-state",
	    rv_test_dir(), name);
	file = fopen(guest->config, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file,
	    "{\"name\": \"%s\", \"state_dir\": \"%s\", \"children\": {\"w\": "
	    "{\"command\": [\"%s/tests/fixtures/children/notifier\", "
	    "\"ready\", \"wait\"], \"ready\": {\"fd\": 3}}}}",
	    name, guest->state, rv_test_builddir());
	fclose(file);
	status = reeve_create(&guest->reeve, &options, &err);
	if (status != REEVE_OK) {
		printf("# %s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(status, REEVE_OK);
}

/* What a runtime leaves in its place on tmpfs. */
static void
remove_places(struct guest *guest)
{
	static const char *const names[] = { "/lock", "/clerk.lock",
		"/next-ids", "/control.sock", "", ".pub/notify", ".pub" };
	struct reeve_config_info info = { .size = sizeof(info) };
	char path[512];

	CU_ASSERT_EQUAL_FATAL(
	    reeve_config_check(guest->config, NULL, NULL, &info, NULL),
	    REEVE_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(
		    path, sizeof(path), "%s%s", info.runtime_dir, names[i]);
		remove(path);
	}
	reeve_config_info_finish(&info);
}

static void
close_guest(struct guest *guest)
{
	struct pollfd p = { .events = POLLIN };

	while ((p.fd = reeve_last_words(guest->reeve)) != -1) {
		CU_ASSERT_EQUAL(poll(&p, 1, 20000 * rv_test_slow()), 1);
		close(p.fd);
	}
	reeve_destroy(guest->reeve);
	remove_places(guest);
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
}

/* -------- a polled guest on the host's loop -------- */

static void
set_timer(struct guest *guest)
{
	int64_t at = reeve_deadline(guest->reeve);
	struct timespec now;
	double left;

	ev_timer_stop(loop, &guest->timer);
	if (at == INT64_MAX) {
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	left =
	    (double)at / 1e9 - ((double)now.tv_sec + (double)now.tv_nsec / 1e9);
	ev_timer_set(&guest->timer, left > 0 ? left : 0, 0);
	ev_timer_start(loop, &guest->timer);
}

static void
dispatch(struct guest *guest)
{
	struct reeve_error err;

	CU_ASSERT_EQUAL(reeve_dispatch(guest->reeve, &err), REEVE_OK);
	set_timer(guest);
}

static void
on_io(struct ev_loop *ev, ev_io *w, int events)
{
	(void)ev;
	(void)events;
	dispatch(w->data);
}

static void
on_timer(struct ev_loop *ev, ev_timer *w, int events)
{
	(void)ev;
	(void)events;
	dispatch(w->data);
}

static void
poll_guest(struct guest *guest)
{
	ev_io_init(&guest->io, on_io, reeve_fd(guest->reeve), EV_READ);
	ev_init(&guest->timer, on_timer);
	guest->io.data = guest->timer.data = guest;
	ev_io_start(loop, &guest->io);
	set_timer(guest);
}

static bool
wait_until(bool (*is_so)(struct guest *), struct guest *guest)
{
	time_t until = time(NULL) + 20 * rv_test_slow();

	while (!is_so(guest) && time(NULL) < until) {
		ev_run(loop, EVRUN_ONCE);
	}
	return is_so(guest);
}

static bool
is_settled(struct guest *guest)
{
	return guest->settled;
}

static bool
is_finished(struct guest *guest)
{
	return guest->finished;
}

static bool
saw_a_death(struct guest *guest)
{
	return guest->deaths > 0;
}

static pid_t
pid_of_worker(struct guest *guest)
{
	struct reeve_client_options options = {
		.size = sizeof(options),
		.state_dir = guest->state,
	};
	struct reeve_client *client = NULL;
	struct reeve_message message = { 0 };
	struct reeve_error err;
	uint64_t id = 0;
	pid_t pid = 0;
	const char *at;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_client_open(&client, &options, &err), REEVE_OK);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_client_send(client, "status", NULL, &id, &err), REEVE_OK);
	while (reeve_client_next(client, &message, &err) == REEVE_EAGAIN) {
		ev_run(loop, EVRUN_ONCE);
	}
	at = message.json != NULL ? strstr(message.json, "\"path\":\"w\"")
				  : NULL;
	at = at != NULL ? strstr(at, "\"pid\":") : NULL;
	if (at != NULL) {
		sscanf(at, "\"pid\":%d", &pid);
	}
	reeve_client_close(client);
	return pid;
}

RV_TEST(two_runtimes_live_in_one_process_on_one_loop)
{
	struct guest on_ev = { 0 }, polled = { 0 };
	struct sigaction before, after;
	pid_t pid;

	loop = ev_loop_new(EVFLAG_AUTO);
	sigaction(SIGCHLD, NULL, &before);
	open_guest(&on_ev, "on-ev", loop);
	open_guest(&polled, "polled", NULL);
	CU_ASSERT_EQUAL(reeve_fd(on_ev.reeve), -1);
	poll_guest(&polled);
	CU_ASSERT(wait_until(is_settled, &on_ev));
	CU_ASSERT(wait_until(is_settled, &polled));
	/* Each hears of its own alone. */
	pid = pid_of_worker(&on_ev);
	CU_ASSERT_FATAL(pid > 0);
	kill(pid, SIGKILL);
	CU_ASSERT(wait_until(saw_a_death, &on_ev));
	CU_ASSERT_EQUAL(polled.deaths, 0);
	pid = pid_of_worker(&polled);
	CU_ASSERT_FATAL(pid > 0);
	kill(pid, SIGKILL);
	CU_ASSERT(wait_until(saw_a_death, &polled));
	CU_ASSERT_EQUAL(on_ev.deaths, 1);
	/* One ends, the other goes on. */
	reeve_shutdown(on_ev.reeve, "test");
	CU_ASSERT(wait_until(is_finished, &on_ev));
	CU_ASSERT_FALSE(on_ev.gave_up);
	CU_ASSERT_FALSE(polled.finished);
	reeve_shutdown(polled.reeve, "test");
	set_timer(&polled);
	CU_ASSERT(wait_until(is_finished, &polled));
	sigaction(SIGCHLD, NULL, &after);
	CU_ASSERT_EQUAL(after.sa_handler, before.sa_handler);
	ev_io_stop(loop, &polled.io);
	ev_timer_stop(loop, &polled.timer);
	close_guest(&on_ev);
	close_guest(&polled);
	ev_loop_destroy(loop);
}

RV_TEST(a_host_child_is_the_hosts_to_reap)
{
	struct guest guest = { 0 };
	pid_t child;
	int status = 0;

	loop = ev_loop_new(EVFLAG_AUTO);
	open_guest(&guest, "mine", loop);
	CU_ASSERT(wait_until(is_settled, &guest));
	child = fork();
	if (child == 0) {
		_exit(7);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 7);
	reeve_shutdown(guest.reeve, "test");
	CU_ASSERT(wait_until(is_finished, &guest));
	close_guest(&guest);
	ev_loop_destroy(loop);
}

RV_TEST(a_runtime_that_is_destroyed_leaves_nothing_behind)
{
	struct guest guest = { 0 };
	pid_t pid;

	loop = ev_loop_new(EVFLAG_AUTO);
	open_guest(&guest, "short", loop);
	CU_ASSERT(wait_until(is_settled, &guest));
	pid = pid_of_worker(&guest);
	reeve_destroy(guest.reeve);
	CU_ASSERT_EQUAL(kill(pid, 0), -1);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	remove_places(&guest);
	ev_loop_destroy(loop);
}

RV_TEST(options_that_cannot_be_are_refused)
{
	struct reeve *reeve = NULL;
	struct reeve_options options = { .size = 4, .config_file = "x" };
	struct reeve_error err;

	CU_ASSERT_EQUAL(reeve_create(&reeve, &options, &err), REEVE_EINVALID);
	options = (struct reeve_options){ .size = sizeof(options) };
	CU_ASSERT_EQUAL(reeve_create(&reeve, &options, &err), REEVE_EINVALID);
	options.config_file = "/nowhere/at/all.json";
	CU_ASSERT_EQUAL(reeve_create(&reeve, &options, &err), REEVE_ECONFIG);
	CU_ASSERT_PTR_NULL(reeve);
	reeve_destroy(NULL);
}

RV_SUITE(host, RV_CASE(two_runtimes_live_in_one_process_on_one_loop),
    RV_CASE(a_host_child_is_the_hosts_to_reap),
    RV_CASE(a_runtime_that_is_destroyed_leaves_nothing_behind),
    RV_CASE(options_that_cannot_be_are_refused))
