/* SPDX-License-Identifier: MIT */
/*
 * Pools in the loops of their hosts: epoll, libev, libevent and libuv, the real
 * libraries. Whatever the pool does, the host's own timer goes on; everything
 * comes by callbacks, and nothing is waited for but in the loop.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <ev.h>
enum { READABLE = EV_READ }; /* libevent has that name, for another number */
#ifdef HAVE_LIBEVENT
#include <event2/event.h>
#endif
#ifdef HAVE_LIBUV
#include <uv.h>
#endif

#include "host/guest.h"
#include "unit/pool_gate.h"

#define BEAT_MS 1
#define HUNG_S  120 /* without a beat: the alarm ends the test */

struct host {
	struct gate gate; /* and the pool */
	unsigned beats, dispatches;
	unsigned ended[8]; /* by outcome */
	bool mapped;
	/* Of the loop that it has. */
	int epoll, timer;
	struct ev_loop *ev;
	ev_io ev_io;
	ev_timer ev_timer;
#ifdef HAVE_LIBEVENT
	struct event_base *base;
	struct event *event_io, *event_timer;
#endif
#ifdef HAVE_LIBUV
	uv_loop_t uv;
	uv_poll_t uv_poll;
	uv_timer_t uv_timer;
#endif
};

struct kind {
	void (*open)(struct host *);
	void (*turn)(struct host *);
	void (*close)(struct host *); /* before its pool is freed */
};

static void
beat(struct host *host)
{
	host->beats++;
	(void)alarm(HUNG_S * (unsigned)rv_test_slow());
}

static void
dispatch(struct host *host)
{
	host->dispatches++;
	CU_ASSERT_EQUAL(reeve_pool_dispatch(host->gate.pool, NULL), REEVE_OK);
}

/* -------- epoll -------- */

static void
epoll_add(const struct host *host, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	CU_ASSERT_EQUAL_FATAL(
	    epoll_ctl(host->epoll, EPOLL_CTL_ADD, fd, &event), 0);
}

static void
epoll_open(struct host *host)
{
	struct itimerspec each = { .it_interval.tv_nsec = BEAT_MS * 1000000,
		.it_value.tv_nsec = 1 };

	host->epoll = epoll_create1(EPOLL_CLOEXEC);
	host->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	CU_ASSERT_EQUAL(timerfd_settime(host->timer, 0, &each, NULL), 0);
	epoll_add(host, host->timer);
	epoll_add(host, reeve_pool_fd(host->gate.pool));
}

static void
epoll_turn(struct host *host)
{
	struct epoll_event events[4];
	int n = epoll_wait(host->epoll, events, 4, -1);
	uint64_t ticks;

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd != host->timer) {
			dispatch(host);
		} else if (read(host->timer, &ticks, sizeof(ticks)) > 0) {
			beat(host);
		}
	}
}

static void
epoll_close(struct host *host)
{
	(void)close(host->timer);
	(void)close(host->epoll);
}

static const struct kind by_epoll = { epoll_open, epoll_turn, epoll_close };

/* -------- libev -------- */

static void
on_ev_io(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	dispatch(io->data);
}

static void
on_ev_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	beat(timer->data);
}

static void
ev_open(struct host *host)
{
	if (host->ev == NULL) {
		host->ev = ev_loop_new(EVFLAG_AUTO);
	}
	ev_io_init(
	    &host->ev_io, on_ev_io, reeve_pool_fd(host->gate.pool), READABLE);
	ev_timer_init(
	    &host->ev_timer, on_ev_timer, BEAT_MS / 1e3, BEAT_MS / 1e3);
	host->ev_io.data = host->ev_timer.data = host;
	ev_io_start(host->ev, &host->ev_io);
	ev_timer_start(host->ev, &host->ev_timer);
}

static void
ev_turn(struct host *host)
{
	ev_run(host->ev, EVRUN_ONCE);
}

static void
ev_close_watchers(struct host *host)
{
	ev_io_stop(host->ev, &host->ev_io);
	ev_timer_stop(host->ev, &host->ev_timer);
}

static void
ev_close(struct host *host)
{
	ev_close_watchers(host);
	ev_loop_destroy(host->ev);
}

static const struct kind by_ev = { ev_open, ev_turn, ev_close };
/* On a loop that a runtime has, too. */
static const struct kind by_shared_ev = { ev_open, ev_turn, ev_close_watchers };

/* -------- libevent -------- */

#ifdef HAVE_LIBEVENT
static void
on_event_io(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	dispatch(ctx);
}

static void
on_event_timer(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	beat(ctx);
}

static void
event_open(struct host *host)
{
	const struct timeval each = { .tv_usec = BEAT_MS * 1000L };

	host->base = event_base_new();
	host->event_io = event_new(host->base, reeve_pool_fd(host->gate.pool),
	    EV_READ | EV_PERSIST, on_event_io, host);
	host->event_timer =
	    event_new(host->base, -1, EV_PERSIST, on_event_timer, host);
	CU_ASSERT_EQUAL(event_add(host->event_io, NULL), 0);
	CU_ASSERT_EQUAL(event_add(host->event_timer, &each), 0);
}

static void
event_turn(struct host *host)
{
	event_base_loop(host->base, EVLOOP_ONCE);
}

static void
event_close(struct host *host)
{
	event_free(host->event_io);
	event_free(host->event_timer);
	event_base_free(host->base);
}

static const struct kind by_event = { event_open, event_turn, event_close };
#endif

/* -------- libuv -------- */

#ifdef HAVE_LIBUV
static void
on_uv_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	dispatch(poll->data);
}

static void
on_uv_timer(uv_timer_t *timer)
{
	beat(timer->data);
}

static void
uv_open(struct host *host)
{
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&host->uv), 0);
	CU_ASSERT_EQUAL_FATAL(uv_poll_init(&host->uv, &host->uv_poll,
				  reeve_pool_fd(host->gate.pool)),
	    0);
	CU_ASSERT_EQUAL_FATAL(uv_timer_init(&host->uv, &host->uv_timer), 0);
	host->uv_poll.data = host->uv_timer.data = host;
	uv_poll_start(&host->uv_poll, UV_READABLE, on_uv_poll);
	uv_timer_start(&host->uv_timer, on_uv_timer, BEAT_MS, BEAT_MS);
}

static void
uv_turn(struct host *host)
{
	uv_run(&host->uv, UV_RUN_ONCE);
}

static void
uv_close_all(struct host *host)
{
	uv_close((uv_handle_t *)&host->uv_poll, NULL);
	uv_close((uv_handle_t *)&host->uv_timer, NULL);
	CU_ASSERT_EQUAL(uv_run(&host->uv, UV_RUN_DEFAULT), 0);
	CU_ASSERT_EQUAL(uv_loop_close(&host->uv), 0);
	uv_library_shutdown(); /* its own two descriptors */
}

static const struct kind by_uv = { uv_open, uv_turn, uv_close_all };
#endif

/* -------- what a host does with a pool -------- */

static void
on_done(void *ctx, struct reeve_future *future)
{
	struct host *host = ctx;
	struct reeve_task_result result = { .size = sizeof(result) };

	CU_ASSERT_EQUAL(reeve_future_get(future, &result, 0), REEVE_OK);
	host->ended[result.outcome]++;
	reeve_task_result_free(&result);
}

static void
submit(struct host *host, const char *function, const char *text, unsigned n)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = function,
		.data = text,
		.length = strlen(text),
		.done = on_done,
		.ctx = host };

	for (; n > 0; n--) {
		CU_ASSERT_EQUAL_FATAL(
		    reeve_pool_submit(host->gate.pool, &task, NULL, NULL),
		    REEVE_OK);
	}
}

static void
turn_until(const struct kind *kind, struct host *host, const unsigned *count,
    unsigned n)
{
	unsigned most =
	    host->beats + HUNG_S * 1000 / BEAT_MS * (unsigned)rv_test_slow();
	char said[8];

	while (*count < n) {
		ssize_t some;

		CU_ASSERT_FATAL(host->beats < most);
		kind->turn(host);
		some = read(host->gate.begun, said, sizeof(said));
		host->gate.n_begun += some > 0 ? (unsigned)some : 0;
	}
}

/* Its callback is due in a turn, for which there is no reason but itself. */
static void
check_cancel(const struct kind *kind, struct host *host)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = "test.echo",
		.done = on_done,
		.ctx = host };
	struct reeve_future *future = NULL;

	CU_ASSERT_EQUAL_FATAL(
	    reeve_pool_submit(host->gate.pool, &task, &future, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_future_cancel(future, false), REEVE_OK);
	CU_ASSERT_EQUAL(host->ended[REEVE_OUTCOME_CANCELLED], 0);
	turn_until(kind, host, &host->ended[REEVE_OUTCOME_CANCELLED], 1);
	reeve_future_free(future);
}

/* Both workers are in tasks that nobody lets through, and more wait: the loop
 * turns as if nothing were, and who dispatches in vain does not wait. */
static void
check_beats(const struct kind *kind, struct host *host)
{
	const unsigned *good = &host->ended[REEVE_OUTCOME_GOOD];

	submit(host, "test.gate", host->gate.args, 2);
	turn_until(kind, host, &host->gate.n_begun, 2);
	submit(host, "test.echo", "waits", 50);
	for (int i = 0; i < 20; i++) {
		turn_until(kind, host, &host->beats, host->beats + 1);
		dispatch(host);
	}
	check_cancel(kind, host);
	CU_ASSERT_EQUAL(*good, 0);
	gate_let(&host->gate, 2);
	turn_until(kind, host, good, 52);
}

static void
check_death(const struct kind *kind, struct host *host)
{
	const unsigned *good = &host->ended[REEVE_OUTCOME_GOOD];
	unsigned had = *good;

	submit(host, "test.die", "9", 1);
	submit(host, "test.echo", "behind", 10);
	turn_until(kind, host, &host->ended[REEVE_OUTCOME_DIED], 1);
	turn_until(kind, host, good, had + 10);
}

static void
on_mapped(void *ctx, struct reeve_results *results)
{
	struct host *host = ctx;

	host->mapped = reeve_results_bad(results) == 0;
	host->ended[REEVE_OUTCOME_NONE]++;
}

static void
check_map(const struct kind *kind, struct host *host)
{
	uint64_t numbers[300], squares[300];
	struct reeve_map map = { .size = sizeof(map),
		.function = "test.square",
		.items = numbers,
		.item_size = sizeof(numbers[0]),
		.n = 300 };
	struct reeve_results *results = NULL;

	for (uint64_t i = 0; i < 300; i++) {
		numbers[i] = i;
	}
	CU_ASSERT_EQUAL_FATAL(reeve_pool_map_start(host->gate.pool, &map,
				  &results, on_mapped, host, NULL),
	    REEVE_OK);
	turn_until(kind, host, &host->ended[REEVE_OUTCOME_NONE], 1);
	CU_ASSERT_TRUE(host->mapped);
	CU_ASSERT_EQUAL_FATAL(
	    reeve_results_copy(results, squares, sizeof(squares[0]), NULL),
	    REEVE_OK);
	for (uint64_t i = 0; i < 300; i++) {
		CU_ASSERT_EQUAL(squares[i], i * i);
	}
	reeve_results_free(results);
}

static void
live(const struct kind *kind, struct host *host,
    const struct reeve_pool_options *options)
{
	gate_make(&host->gate, "loop");
	host->gate.pool = pool_make(2, options);
	beat(host);
	kind->open(host);
	check_beats(kind, host);
	check_death(kind, host);
	check_map(kind, host);
	CU_ASSERT(host->dispatches > 0);
	kind->close(host);
	(void)alarm(0);
	reeve_pool_free(host->gate.pool);
	gate_remove(&host->gate);
}

RV_TEST(a_pool_lives_in_a_loop_around_epoll)
{
	struct host host = { .epoll = -1 };

	live(&by_epoll, &host, NULL);
}

RV_TEST(a_pool_lives_on_libev)
{
	struct host host = { .epoll = -1 };

	live(&by_ev, &host, NULL);
}

#ifdef HAVE_LIBEVENT
RV_TEST(a_pool_lives_on_libevent)
{
	struct host host = { .epoll = -1 };

	live(&by_event, &host, NULL);
}
#endif

#ifdef HAVE_LIBUV
RV_TEST(a_pool_lives_on_libuv)
{
	struct host host = { .epoll = -1 };

	live(&by_uv, &host, NULL);
}
#endif

static void
turn_guest(struct guest *guest)
{
	ev_run(guest->loop, EVRUN_ONCE);
}

RV_TEST(a_pool_lives_beside_its_runtime_on_the_hosts_libev)
{
	struct guest guest = { .turn = turn_guest };
	struct host host = { .epoll = -1 };
	struct reeve_pool_options options = { .method = REEVE_METHOD_SPAWN };

	guest.loop = host.ev = ev_loop_new(EVFLAG_AUTO);
	guest_open(&guest, "native", "");
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	options.reeve = guest.reeve;
	live(&by_shared_ev, &host, &options);
	reeve_shutdown(guest.reeve, "test");
	CU_ASSERT(guest_until(&guest, guest_is_finished));
	guest_close(&guest);
	ev_loop_destroy(guest.loop);
}

RV_TEST(nobody_waits_where_the_host_runs_the_loop)
{
	struct guest guest = { .turn = turn_guest };
	struct reeve_pool_options options = { .method = REEVE_METHOD_SPAWN };
	struct reeve_task_result result = { .size = sizeof(result) };
	struct reeve_future *future;
	struct reeve_pool *pool;

	guest.loop = ev_loop_new(EVFLAG_AUTO);
	guest_open(&guest, "waits", "");
	CU_ASSERT(guest_until(&guest, guest_is_settled));
	options.reeve = guest.reeve;
	pool = pool_make(1, &options);
	future = pool_submit(pool, "test.echo", "x");
	CU_ASSERT_EQUAL(
	    reeve_future_wait(future, REEVE_FOREVER), REEVE_EINVALID);
	CU_ASSERT_EQUAL(
	    reeve_pool_apply(pool, "test.echo", "x", 1, &result, REEVE_FOREVER),
	    REEVE_EINVALID);
	CU_ASSERT_EQUAL(reeve_pool_close(pool, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(
	    reeve_pool_join(pool, REEVE_FOREVER, NULL), REEVE_EINVALID);
	reeve_pool_free(pool);
	CU_ASSERT_EQUAL(reeve_future_get(future, &result, 0), REEVE_OK);
	CU_ASSERT_EQUAL(result.outcome, REEVE_OUTCOME_CANCELLED);
	reeve_task_result_free(&result);
	reeve_future_free(future);
	reeve_shutdown(guest.reeve, "test");
	CU_ASSERT(guest_until(&guest, guest_is_finished));
	guest_close(&guest);
	ev_loop_destroy(guest.loop);
}

RV_SUITE(pool_loops, RV_CASE(a_pool_lives_in_a_loop_around_epoll),
    RV_CASE(a_pool_lives_on_libev),
#ifdef HAVE_LIBEVENT
    RV_CASE(a_pool_lives_on_libevent),
#endif
#ifdef HAVE_LIBUV
    RV_CASE(a_pool_lives_on_libuv),
#endif
    RV_CASE(a_pool_lives_beside_its_runtime_on_the_hosts_libev),
    RV_CASE(nobody_waits_where_the_host_runs_the_loop))
