/* SPDX-License-Identifier: MIT */
/*
 * How a pool waits: one epoll of the bells that workers ring, their pairs and
 * pidfds, the door, the runtime and a timer; and turns of it, by dispatch or by
 * who waits for something. Between two calls the pool counts as asleep, so that
 * they ring, and whoever polls the epoll sees that there is something.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "pool/pool_priv.h"
#include "sys/sys.h"

#define ROUNDS   64 /* of one dispatch: it does not wait, nor stay */
#define EVENTS   32
#define SPIN_MAX (20 * RV_US)

/* -------- what is watched -------- */

static uint64_t
pack(enum rv_sleep_kind kind, const struct rv_hand *hand)
{
	return (uint64_t)kind |
	       (hand != NULL ? (uint64_t)hand->place << 8 |
				   (uint64_t)hand->generation << 32
			     : 0);
}

bool
rv_sleep_watch(struct reeve_pool *pool, enum rv_sleep_kind kind, int fd,
    const struct rv_hand *hand)
{
	struct epoll_event event = {
		.events = kind == RV_SLEEP_BELL ? EPOLLIN | EPOLLET : EPOLLIN,
		.data.u64 = pack(kind, hand),
	};

	return epoll_ctl(pool->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void
rv_sleep_unwatch(struct reeve_pool *pool, int fd)
{
	if (fd != -1) {
		(void)epoll_ctl(pool->epoll, EPOLL_CTL_DEL, fd, NULL);
	}
}

enum reeve_status
rv_sleep_open(struct reeve_pool *pool, struct reeve_error *err)
{
	enum reeve_status status = rv_lane_host_make(&pool->host, err);

	if (status != REEVE_OK) {
		return status;
	}
	pool->epoll = rv_sys_epoll_create();
	pool->timer = rv_sys_timerfd();
	if (pool->epoll == -1 || pool->timer == -1 ||
	    !rv_sleep_watch(pool, RV_SLEEP_BELL, pool->host.bell, NULL) ||
	    !rv_sleep_watch(pool, RV_SLEEP_TIMER, pool->timer, NULL)) {
		return rv_error_sys(err, errno, "cannot wait for workers");
	}
	return REEVE_OK;
}

void
rv_sleep_close(struct reeve_pool *pool)
{
	if (pool->timer != -1) {
		(void)close(pool->timer);
	}
	if (pool->epoll != -1) {
		(void)close(pool->epoll);
	}
	rv_lane_host_close(&pool->host);
}

void
rv_sleep_ring(struct reeve_pool *pool)
{
	const uint64_t one = 1;

	if (!pool->in_turn) {
		(void)rv_sys_write(pool->host.bell, &one, sizeof(one));
	}
}

/* -------- what has happened -------- */

static struct rv_hand *
hand_of(const struct reeve_pool *pool, uint64_t data)
{
	struct rv_hand *hand = pool->hands[data >> 8 & 0xffff];

	return hand != NULL && hand->generation == (uint32_t)(data >> 32)
		   ? hand
		   : NULL;
}

static void
dispatch_runtime(struct reeve_pool *pool)
{
	enum reeve_status status =
	    pool->lost ? REEVE_OK : reeve_dispatch(pool->reeve, NULL);

	if (status == REEVE_EBUSY) {
		pool->within_runtime = true; /* of which we are a callback */
	} else if (status == REEVE_EBUG && !pool->lost) {
		rv_lost_closed(pool);
	}
	if (!rv_list_empty(&pool->knocks)) {
		rv_door_answer(pool);
	}
}

static void
on_event(struct reeve_pool *pool, uint64_t data)
{
	struct rv_hand *hand = hand_of(pool, data);
	uint64_t ticks;

	switch ((enum rv_sleep_kind)(data & 0xff)) {
	case RV_SLEEP_BELL:
		break;
	case RV_SLEEP_RUNTIME:
		dispatch_runtime(pool);
		break;
	case RV_SLEEP_TIMER:
		(void)rv_sys_read(pool->timer, &ticks, sizeof(ticks));
		pool->timer_at = RV_FOREVER;
		break;
	case RV_SLEEP_DOOR:
		rv_door_answer(pool);
		break;
	case RV_SLEEP_PAIR:
		if (hand != NULL) {
			rv_hand_listen(hand);
		}
		break;
	case RV_SLEEP_DEATH:
		if (hand != NULL) {
			rv_death_of(hand);
		}
		break;
	}
}

/* At most `ms`; false: there was nothing. */
static bool
look(struct reeve_pool *pool, int ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(pool->epoll, events, EVENTS, ms);

	rv_sleep_awake(pool);
	if (n > 0) {
		pool->now = rv_sys_now();
	}
	for (int i = 0; i < n; i++) {
		on_event(pool, events[i].data.u64);
	}
	return n > 0;
}

/* -------- sleeping -------- */

static bool
has_frames(struct reeve_pool *pool)
{
	struct rv_frame head;
	const void *payload;

	RV_LIST_EACH (hand, &pool->active, struct rv_hand, active) {
		if (hand->nonsense == NULL &&
		    rv_lane_peek(&hand->lanes.results, &head, &payload) !=
			RV_LANE_EMPTY) {
			return true;
		}
	}
	return false;
}

void
rv_sleep_awake(struct reeve_pool *pool)
{
	if (pool->asleep) {
		pool->asleep = false;
		rv_lane_host_sleeps(&pool->host, false);
	}
}

/* False: there is something, and it does not sleep. */
static bool
fall_asleep(struct reeve_pool *pool)
{
	if (!pool->asleep) {
		pool->asleep = true;
		rv_lane_host_sleeps(&pool->host, true);
	}
	if (has_frames(pool)) {
		rv_sleep_awake(pool);
		return false;
	}
	return true;
}

static rv_time
deadline(const struct reeve_pool *pool)
{
	rv_time due = rv_sched_deadline(&pool->sched);

	due = RV_MIN(due, rv_death_deadline(pool));
	due = RV_MIN(due, rv_hand_deadline(pool));
	if (pool->want_size != 0) {
		due = RV_MIN(due, rv_time_add(pool->now, 10 * RV_MS));
	}
	return due;
}

static int
as_ms(rv_time until)
{
	rv_time left = until - rv_sys_now();

	return until == RV_FOREVER ? -1
	       : left <= 0         ? 0
			   : (int)RV_MIN((left + RV_MS - 1) / RV_MS, INT_MAX);
}

/* One that is armed too early comes in vain, and costs less than arming it for
 * each task. */
static void
arm(struct reeve_pool *pool)
{
	rv_time due = deadline(pool);
	struct itimerspec at = { .it_value = { due / RV_SEC, due % RV_SEC } };

	if (due == RV_FOREVER || due >= pool->timer_at) {
		return;
	}
	if (due <= 0) {
		at.it_value.tv_nsec = 1;
	}
	pool->timer_at = due;
	(void)timerfd_settime(pool->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

void
rv_pool_leave(struct reeve_pool *pool)
{
	if (pool->in_turn) {
		return; /* who has the turn does it */
	}
	pool->in_turn = true;
	(void)rv_pool_act(pool);
	pool->in_turn = false;
	arm(pool);
	if (!rv_list_empty(&pool->news) || !rv_list_empty(&pool->told) ||
	    !fall_asleep(pool)) {
		pool->asleep = true;
		rv_lane_host_sleeps(&pool->host, true);
		rv_sleep_ring(pool);
	}
}

/* -------- turns -------- */

void
rv_pool_turn_over(struct reeve_pool *pool)
{
	pool->in_turn = false;
	if (pool->doomed) {
		rv_pool_destroy(pool);
	} else {
		rv_pool_leave(pool);
	}
}

enum reeve_status
reeve_pool_dispatch(struct reeve_pool *pool, struct reeve_error *err)
{
	enum reeve_status status = rv_pool_check(pool, "dispatch", err);

	if (status != REEVE_OK) {
		return status;
	}
	if (pool->in_turn) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot dispatch from inside of a callback");
	}
	pool->in_turn = true;
	(void)look(pool, 0);
	for (int i = 0; i < ROUNDS && rv_pool_act(pool); i++) {
		rv_pool_tell(pool);
	}
	rv_pool_tell(pool);
	rv_pool_turn_over(pool);
	return REEVE_OK;
}

static void
breathe(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * Where answers came soon of late, to look for the next one is quicker than to
 * be woken by the kernel. Where they do not, the processor is better used by
 * who is to answer.
 */
static bool
spin(struct reeve_pool *pool, rv_time since)
{
	rv_time until = since + RV_MIN(2 * pool->awaited, SPIN_MAX);

	if (!pool->may_spin || pool->awaited >= SPIN_MAX) {
		return false;
	}
	do {
		for (int i = 0; i < 16; i++) {
			if (has_frames(pool)) {
				return true;
			}
			breathe();
		}
	} while (rv_sys_now() < until);
	return false;
}

static void
sleep_until(struct reeve_pool *pool, rv_time until)
{
	bool awaits = !rv_list_empty(&pool->active);
	rv_time since = awaits ? rv_sys_now() : 0;

	until = RV_MIN(until, deadline(pool));
	if (!awaits || !spin(pool, since)) {
		(void)look(pool, fall_asleep(pool) ? as_ms(until) : 0);
	}
	if (awaits) {
		rv_time took = RV_MIN(rv_sys_now() - since, 4 * SPIN_MAX);

		pool->awaited += (took - pool->awaited) / 8;
	}
}

static enum reeve_status
wait_until(struct reeve_pool *pool, const char *what, bool (*done)(void *arg),
    void *arg, rv_time until, struct reeve_error *err)
{
	bool looked = false;

	for (;;) {
		bool any = rv_pool_act(pool);

		rv_pool_tell(pool);
		if (done(arg)) {
			return REEVE_OK;
		}
		if (pool->doomed) {
			return rv_error(err, REEVE_ECLOSED,
			    "cannot %s: the pool was freed", what);
		}
		if (pool->within_runtime) {
			return rv_error(err, REEVE_EBUSY,
			    "cannot %s from inside of a callback", what);
		}
		if (any) {
			looked = true;
			if (until == RV_FOREVER || pool->now < until) {
				continue;
			}
		}
		if (looked && (until == 0 || rv_sys_now() >= until)) {
			return rv_error(err, REEVE_ETIMEDOUT,
			    "cannot %s: the time is over", what);
		}
		looked = true;
		sleep_until(pool, until);
	}
}

enum reeve_status
rv_pool_wait(struct reeve_pool *pool, const char *what, bool (*done)(void *arg),
    void *arg, int64_t timeout, struct reeve_error *err)
{
	rv_time until = timeout <= 0 ? 0
			: timeout == REEVE_FOREVER
			    ? RV_FOREVER
			    : rv_time_add(rv_sys_now(), timeout);
	enum reeve_status status;

	if (pool->in_turn) {
		return rv_error(err, REEVE_EBUSY,
		    "cannot %s from inside of a callback", what);
	}
	if (!pool->polled && !pool->stopping && !pool->lost) {
		return rv_error(err, REEVE_EINVALID,
		    "cannot %s: its runtime is on a loop of the host, which "
		    "nobody runs meanwhile",
		    what);
	}
	pool->in_turn = true;
	pool->within_runtime = false;
	rv_sleep_awake(pool);
	status = wait_until(pool, what, done, arg, until, err);
	rv_pool_turn_over(pool);
	return status;
}

int64_t
rv_pool_left(int64_t timeout, rv_time since)
{
	return timeout == REEVE_FOREVER || timeout <= 0
		   ? timeout
		   : RV_MAX(timeout - (rv_sys_now() - since), (int64_t)0);
}

int
reeve_pool_fd(struct reeve_pool *pool)
{
	return rv_pool_check(pool, "be polled", NULL) == REEVE_OK ? pool->epoll
								  : -1;
}
