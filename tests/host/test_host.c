/* SPDX-License-Identifier: MIT */
/*
 * The library as a guest in a host: two runtimes in one process, one on the
 * host's libev loop, one polled by it; the host's signals, children and
 * descriptors stay its own.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include <reeve/reeve.h>

#include "host/guest.h"
#include "lib/harness.h"

/* A runtime without a loop, watched by the host's. */
struct polled {
	struct guest guest;
	ev_io io;
	ev_timer timer;
};

static struct ev_loop *loop;

static void
turn(struct guest *guest)
{
	(void)guest;
	ev_run(loop, EVRUN_ONCE);
}

static void
open_guest(struct guest *guest, const char *name, struct ev_loop *ev)
{
	guest->loop = ev;
	guest->turn = turn;
	guest_open(guest, name, "\"w\": " GUEST_WAITER);
}

/* -------- a polled guest on the host's loop -------- */

static void
set_timer(struct polled *polled)
{
	int64_t at = reeve_deadline(polled->guest.reeve);
	struct timespec now;
	double left;

	ev_timer_stop(loop, &polled->timer);
	if (at == INT64_MAX) {
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	left =
	    (double)at / 1e9 - ((double)now.tv_sec + (double)now.tv_nsec / 1e9);
	ev_timer_set(&polled->timer, left > 0 ? left : 0, 0);
	ev_timer_start(loop, &polled->timer);
}

static void
dispatch(struct polled *polled)
{
	struct reeve_error err;

	CU_ASSERT_EQUAL(reeve_dispatch(polled->guest.reeve, &err), REEVE_OK);
	set_timer(polled);
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
watch(struct polled *polled)
{
	ev_io_init(&polled->io, on_io, reeve_fd(polled->guest.reeve), EV_READ);
	ev_init(&polled->timer, on_timer);
	polled->io.data = polled->timer.data = polled;
	ev_io_start(loop, &polled->io);
	set_timer(polled);
}

static bool
saw_a_death(struct guest *guest)
{
	return guest->kills > 0;
}

RV_TEST(two_runtimes_live_in_one_process_on_one_loop)
{
	struct guest on_ev = { 0 };
	struct polled polled = { 0 };
	struct sigaction before, after;
	pid_t pid;

	loop = ev_loop_new(EVFLAG_AUTO);
	sigaction(SIGCHLD, NULL, &before);
	open_guest(&on_ev, "on-ev", loop);
	open_guest(&polled.guest, "polled", NULL);
	CU_ASSERT_EQUAL(reeve_fd(on_ev.reeve), -1);
	watch(&polled);
	CU_ASSERT(guest_until(&on_ev, guest_is_settled));
	CU_ASSERT(guest_until(&polled.guest, guest_is_settled));
	/* Each hears of its own alone. */
	pid = guest_pid(&on_ev, "w");
	CU_ASSERT_FATAL(pid > 0);
	kill(pid, SIGKILL);
	CU_ASSERT(guest_until(&on_ev, saw_a_death));
	CU_ASSERT_EQUAL(polled.guest.kills, 0);
	pid = guest_pid(&polled.guest, "w");
	CU_ASSERT_FATAL(pid > 0);
	kill(pid, SIGKILL);
	CU_ASSERT(guest_until(&polled.guest, saw_a_death));
	CU_ASSERT_EQUAL(on_ev.kills, 1);
	/* One ends, the other goes on. */
	reeve_shutdown(on_ev.reeve, "test");
	CU_ASSERT(guest_until(&on_ev, guest_is_finished));
	CU_ASSERT_FALSE(on_ev.gave_up);
	CU_ASSERT_FALSE(polled.guest.finished);
	reeve_shutdown(polled.guest.reeve, "test");
	set_timer(&polled);
	CU_ASSERT(guest_until(&polled.guest, guest_is_finished));
	sigaction(SIGCHLD, NULL, &after);
	CU_ASSERT_EQUAL(after.sa_handler, before.sa_handler);
	ev_io_stop(loop, &polled.io);
	ev_timer_stop(loop, &polled.timer);
	guest_close(&on_ev);
	guest_close(&polled.guest);
	ev_loop_destroy(loop);
}

RV_TEST(a_host_child_is_the_hosts_to_reap)
{
	struct guest guest = { 0 };
	pid_t child;
	int status = 0;

	loop = ev_loop_new(EVFLAG_AUTO);
	open_guest(&guest, "mine", loop);
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	child = fork();
	if (child == 0) {
		_exit(7);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 7);
	guest_close(&guest);
	ev_loop_destroy(loop);
}

RV_TEST(a_runtime_that_is_destroyed_leaves_nothing_behind)
{
	struct guest guest = { 0 };
	pid_t pid;

	loop = ev_loop_new(EVFLAG_AUTO);
	open_guest(&guest, "short", loop);
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	pid = guest_pid(&guest, "w");
	reeve_destroy(guest.reeve);
	CU_ASSERT_EQUAL(kill(pid, 0), -1);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	guest_clean(&guest);
	ev_loop_destroy(loop);
}

/* -------- the word that it goes -------- */

static struct {
	struct reeve *reeve;
	struct reeve_watch *watch, *other;
	unsigned told, told_after;
	enum reeve_status look, watching, unwatched, of_other;
	bool deferred; /* destroyed in a post, which was told first */
} going;

static void
on_gone(void *ctx)
{
	struct reeve_unit_info info = { .size = sizeof(info) };
	const struct reeve_watch_options more = { .size = sizeof(more),
		.gone = on_gone };

	(void)ctx;
	going.told++;
	going.look = reeve_unit_find(going.reeve, "w", &info, NULL);
	going.watching = reeve_watch(going.reeve, &more, NULL, NULL);
	going.unwatched = reeve_unwatch(going.reeve, going.watch, NULL);
	going.of_other = reeve_unwatch(going.reeve, going.other, NULL);
	reeve_destroy(going.reeve);
}

static void
on_gone_after(void *ctx)
{
	(void)ctx;
	going.told_after++;
}

static void
destroy_within(void *arg)
{
	struct guest *guest = arg;

	reeve_destroy(guest->reeve);
	going.deferred = going.told == 0;
}

static void
watch_going(struct guest *guest, void (*gone)(void *), struct reeve_watch **out)
{
	const struct reeve_watch_options options = { .size = sizeof(options),
		.gone = gone };

	CU_ASSERT_EQUAL(
	    reeve_watch(guest->reeve, &options, out, NULL), REEVE_OK);
}

RV_TEST(who_watches_a_runtime_is_told_once_that_it_goes)
{
	for (int within = 0; within < 2; within++) {
		struct guest guest = { 0 };
		struct reeve_watch *ended = NULL;

		memset(&going, 0, sizeof(going));
		guest_open(&guest, "going", "\"w\": " GUEST_WAITER);
		going.reeve = guest.reeve;
		watch_going(&guest, on_gone_after, &ended);
		CU_ASSERT_EQUAL(
		    reeve_unwatch(guest.reeve, ended, NULL), REEVE_OK);
		watch_going(&guest, on_gone, &going.watch);
		watch_going(&guest, on_gone_after, &going.other);
		watch_going(&guest, on_gone_after, NULL);
		if (within == 0) {
			reeve_destroy(guest.reeve);
		} else {
			CU_ASSERT_EQUAL(
			    reeve_post(guest.reeve, destroy_within, &guest),
			    REEVE_OK);
			CU_ASSERT_EQUAL(
			    reeve_dispatch(guest.reeve, NULL), REEVE_OK);
			CU_ASSERT(going.deferred);
		}
		CU_ASSERT_EQUAL(going.told, 1);
		CU_ASSERT_EQUAL(going.told_after, 1);
		CU_ASSERT_EQUAL(going.look, REEVE_ECLOSED);
		CU_ASSERT_EQUAL(going.watching, REEVE_ECLOSED);
		CU_ASSERT_EQUAL(going.unwatched, REEVE_ENOENT);
		CU_ASSERT_EQUAL(going.of_other, REEVE_OK);
		while (waitpid(-1, NULL, 0) > 0) {
		}
		guest_clean(&guest);
	}
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

/* -------- its own programs -------- */

static bool
has_noticed(struct guest *guest)
{
	return guest->noticed;
}

static void
provide(const char *dir, const char *program)
{
	char from[512], to[512];

	snprintf(from, sizeof(from), "%s/%s", rv_test_builddir(), program);
	snprintf(to, sizeof(to), "%s/%s", dir, program);
	CU_ASSERT_EQUAL(symlink(from, to), 0);
}

static void
expect_missing(struct guest *guest, const char *program)
{
	struct reeve_options options = { .size = sizeof(options),
		.name = "missing",
		.state_dir = guest->state,
		.libexec_dir = guest->libexec };
	struct reeve *reeve = NULL;
	struct reeve_error err = { 0 };

	CU_ASSERT(reeve_create(&reeve, &options, &err) != REEVE_OK);
	printf("# %s\n", err.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, program));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, guest->libexec));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "libexec_dir"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "REEVE_LIBEXEC"));
}

RV_TEST(a_program_of_the_runtime_that_is_missing_is_named_with_a_way_out)
{
	struct guest guest = { 0 };
	char dir[128], worker[256];

	snprintf(dir, sizeof(dir), "%s/libexec", rv_test_dir());
	CU_ASSERT_EQUAL(mkdir(dir, 0755), 0);
	guest.libexec = dir;
	snprintf(guest.state, sizeof(guest.state), "%s/missing-state",
	    rv_test_dir());
	expect_missing(&guest, "/reeve-launcher: ");
	provide(dir, "reeve-launcher");
	expect_missing(&guest, "/reeve-clerk: ");
	provide(dir, "reeve-clerk");
	snprintf(worker, sizeof(worker), "cannot open %s/reeve-worker", dir);
	guest.wanted = worker;
	guest_open(&guest, "missing",
	    "\"w\": {\"function\": \"./no.so:f\", "
	    "\"start_method\": \"spawn\"}");
	CU_ASSERT(guest_until(&guest, has_noticed));
	guest_close(&guest);
}

RV_SUITE(host, RV_CASE(two_runtimes_live_in_one_process_on_one_loop),
    RV_CASE(a_host_child_is_the_hosts_to_reap),
    RV_CASE(a_runtime_that_is_destroyed_leaves_nothing_behind),
    RV_CASE(who_watches_a_runtime_is_told_once_that_it_goes),
    RV_CASE(options_that_cannot_be_are_refused),
    RV_CASE(a_program_of_the_runtime_that_is_missing_is_named_with_a_way_out))
