/* SPDX-License-Identifier: MIT */
/*
 * Queues between processes: handles and what is
 * none, signals, one that is stopped, loops, and peers who write nonsense.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/queue_shared.h"
#include "lib/crew.h"
#include "lib/harness.h"

struct table {
	struct reeve_queue *q, *results;
	uint32_t ready, done;
};

static struct reeve_queue *
new_queue(uint32_t items)
{
	struct reeve_queue_options options = { .size = sizeof(options),
		.max_items = items };
	struct reeve_queue *q = NULL;

	CU_ASSERT_EQUAL_FATAL(reeve_queue_new(&q, &options, NULL), REEVE_OK);
	return q;
}

static struct table *
new_table(uint32_t items)
{
	struct table *t = crew_share(sizeof(*t));

	t->q = new_queue(items);
	return t;
}

static void
free_table(struct table *t)
{
	reeve_queue_free(t->q);
	reeve_queue_free(t->results);
	crew_unshare(t, sizeof(*t));
}

static enum reeve_status
put_int(struct reeve_queue *q, int n)
{
	return reeve_queue_put(q, &n, sizeof(n), 0, REEVE_FOREVER);
}

static int
get_int(struct reeve_queue *q, int64_t timeout)
{
	size_t len;
	int n = -1;
	enum reeve_status st =
	    reeve_queue_get_into(q, &n, sizeof(n), &len, NULL, timeout);

	return st == REEVE_OK ? n : (int)st;
}

static void
nothing(int signo)
{
	(void)signo;
}

static int
get_one(void *ctx)
{
	struct table *t = ctx;
	struct sigaction act = { .sa_handler = nothing };

	(void)sigaction(SIGUSR1, &act, NULL);
	crew_add(&t->ready);
	return get_int(t->q, REEVE_FOREVER);
}

RV_TEST(signals_do_not_end_a_wait)
{
	struct table *t = new_table(0);
	pid_t pids[2];

	for (uint32_t i = 0; i < 2; i++) {
		pids[i] = crew_start(get_one, t);
		CU_ASSERT_TRUE(crew_reached(&t->ready, i + 1));
		CU_ASSERT_TRUE(crew_asleep(pids[i]));
	}
	for (int i = 0; i < 50; i++) {
		(void)kill(pids[i % 2], SIGUSR1);
		CU_ASSERT_TRUE(crew_asleep(pids[i % 2]));
	}
	CU_ASSERT_EQUAL(put_int(t->q, 4), REEVE_OK);
	CU_ASSERT_EQUAL(put_int(t->q, 4), REEVE_OK);
	CU_ASSERT_EQUAL(crew_end(pids[0]), 4);
	CU_ASSERT_EQUAL(crew_end(pids[1]), 4);
	free_table(t);
}

/* As one that is stopped in the midst of a put. */
static int
hold_the_lock(void *ctx)
{
	struct table *t = ctx;

	(void)rv_queue_lock_put(t->q, rv_robust_self(), RV_FOREVER);
	crew_add(&t->ready);
	while (pause() != 0) {
	}
	return 0;
}

RV_TEST(who_is_stopped_in_a_put_makes_others_wait_until_their_time_is_over)
{
	struct table *t = new_table(0);
	pid_t pid;
	int n = 6;

	CU_ASSERT_EQUAL(put_int(t->q, 5), REEVE_OK);
	pid = crew_start(hold_the_lock, t);
	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	CU_ASSERT_EQUAL(
	    reeve_queue_put(t->q, &n, sizeof(n), 0, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_put(t->q, &n, sizeof(n), 0, REEVE_MS(1)),
	    REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(get_int(t->q, 0), 5);
	CU_ASSERT_EQUAL(get_int(t->q, 0), REEVE_EEMPTY);
	CU_ASSERT_EQUAL(get_int(t->q, REEVE_MS(1)), REEVE_EEMPTY);
	crew_kill(pid);
	CU_ASSERT_EQUAL(put_int(t->q, 6), REEVE_OK);
	CU_ASSERT_EQUAL(get_int(t->q, 0), 6);
	free_table(t);
}

static int
get_by_polling(void *ctx)
{
	struct table *t = ctx;
	struct pollfd p = { .events = POLLIN };
	int sum = 0, n;

	reeve_queue_close(t->q);
	p.fd = reeve_queue_fd(t->q);
	crew_add(&t->ready);
	for (;;) {
		if (poll(&p, 1, -1) != 1) {
			return 99;
		}
		while ((n = get_int(t->q, 0)) >= 0) {
			sum += n;
		}
		if (n == REEVE_EEND) {
			return sum == 4950;
		}
		if (n != REEVE_EEMPTY) {
			return 98;
		}
	}
}

static int
put_by_polling(void *ctx)
{
	struct table *t = ctx;
	struct pollfd p = { .fd = reeve_queue_room_fd(t->q), .events = POLLIN };

	for (int i = 0; i < 100;) {
		enum reeve_status st =
		    reeve_queue_put(t->q, &i, sizeof(i), 0, 0);

		if (st == REEVE_OK) {
			i++;
		} else if (st != REEVE_EFULL || poll(&p, 1, -1) != 1) {
			return 99;
		}
	}
	return 0;
}

RV_TEST(loops_put_and_get_and_see_the_end)
{
	struct table *t = new_table(3);
	pid_t getter = crew_start(get_by_polling, t), putter;

	CU_ASSERT_TRUE(crew_reached(&t->ready, 1));
	putter = crew_start(put_by_polling, t);
	reeve_queue_close(t->q);
	CU_ASSERT_EQUAL(crew_end(putter), 0);
	CU_ASSERT_EQUAL(crew_end(getter), 1);
	free_table(t);
}

RV_TEST(a_handle_opens_the_same_queue_and_says_who_puts)
{
	struct reeve_queue *q = new_queue(0), *other = NULL, *getter = NULL;
	struct reeve_handle handle, closed;

	CU_ASSERT_EQUAL(reeve_queue_handle(q, &handle, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_open(&other, &handle, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(put_int(q, 1), REEVE_OK);
	CU_ASSERT_EQUAL(put_int(other, 2), REEVE_OK);
	reeve_queue_close(q);
	CU_ASSERT_EQUAL(reeve_queue_handle(q, &closed, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_open(&getter, &closed, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(put_int(getter, 3), REEVE_ECLOSED);
	CU_ASSERT_EQUAL(get_int(getter, 0), 1);
	CU_ASSERT_EQUAL(get_int(q, 0), 2);
	CU_ASSERT_EQUAL(get_int(q, 0), REEVE_EEMPTY);
	reeve_queue_free(other);
	/* the handle could still be opened by one who puts */
	CU_ASSERT_EQUAL(get_int(q, 0), REEVE_EEMPTY);
	reeve_handle_close(&handle);
	CU_ASSERT_EQUAL(get_int(q, 0), REEVE_EEND);
	reeve_handle_close(&closed);
	reeve_queue_free(getter);
	reeve_queue_free(q);
}

static enum reeve_status
open_with(const struct reeve_handle *handle)
{
	struct reeve_queue *q = NULL;
	enum reeve_status st = reeve_queue_open(&q, handle, NULL);

	CU_ASSERT(st == REEVE_OK || q == NULL);
	reeve_queue_free(q);
	return st;
}

RV_TEST(what_is_no_queue_is_refused)
{
	struct reeve_queue *q = new_queue(0);
	struct reeve_handle good, bad;
	struct rv_queue_shape shape = q->shape;
	int fd;

	CU_ASSERT_EQUAL_FATAL(reeve_queue_handle(q, &good, NULL), REEVE_OK);
	CU_ASSERT_EQUAL(open_with(&good), REEVE_OK);
	bad = good;
	bad.kind = REEVE_SHARE_MEMORY;
	CU_ASSERT_EQUAL(open_with(&bad), REEVE_EINVALID);
	bad = good;
	bad.n_fds = 2;
	CU_ASSERT_EQUAL(open_with(&bad), REEVE_EINVALID);
	CU_ASSERT_EQUAL(open_with(NULL), REEVE_EINVALID);
	for (int i = 0; i < 4; i++) { /* each in the place of each other */
		bad = good;
		bad.fds[i] = good.fds[(i + 1) % 4];
		if (i != 2) { /* both ends of the pair are alike */
			CU_ASSERT_EQUAL(open_with(&bad), REEVE_EPROTO);
		}
		bad.fds[i] = -1;
		CU_ASSERT_EQUAL(open_with(&bad), REEVE_EPROTO);
	}
	/* a file that can shrink, one that is short, one that lies */
	for (int how = 0; how < 6; how++) {
		fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		CU_ASSERT_FATAL(fd >= 0);
		shape = q->shape;
		shape.max_items += how == 1;
		shape.ring_size *= how == 2 ? 2 : 1;
		shape.magic += how == 3;
		shape.max_bytes = how == 4 ? UINT64_MAX : shape.max_bytes;
		CU_ASSERT_EQUAL(
		    ftruncate(fd, how == 5 ? 100 : (off_t)shape.total), 0);
		CU_ASSERT(
		    pwrite(fd, &shape, how == 5 ? 50 : sizeof(shape), 0) > 0);
		if (how != 0) {
			CU_ASSERT_EQUAL(
			    fcntl(fd, F_ADD_SEALS,
				F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
			    0);
		}
		bad = good;
		bad.fds[0] = fd;
		CU_ASSERT_EQUAL(open_with(&bad), REEVE_EPROTO);
		(void)close(fd);
	}
	reeve_handle_close(&good);
	reeve_queue_free(q);
}

/* All but the header, at random, between operations. */
static int
scribble(void *ctx)
{
	struct table *t = ctx;
	struct reeve_queue *q = t->q;
	unsigned char *from = (unsigned char *)q->shared + sizeof(q->shape);
	size_t span = (size_t)(q->shape.slots_at - sizeof(q->shape));
	struct reeve_item item = { 0 };
	struct reeve_queue_state state;
	unsigned seed = 1;
	char bytes[3000] = { 0 };

	for (int i = 0; i < 20000; i++) {
		/* mostly where it hurts: words of the sides and leases */
		size_t reach =
		    rand_r(&seed) % 2 != 0
			? sizeof(struct rv_queue_shared) - sizeof(q->shape)
			: span;
		size_t at = ((size_t)rand_r(&seed) % reach) & ~(size_t)3;
		uint32_t word = (uint32_t)rand_r(&seed);

		word >>= (unsigned)rand_r(&seed) % 32;
		memcpy(from + at, &word, sizeof(word));
		/* locks stay free, or this would wait for nobody */
		q->shared->put_lock.word = q->shared->get_lock.word = 0;
		q->shared->put_turn.word = q->shared->get_turn.word = 0;
		if (rand_r(&seed) % 8 == 0) { /* as after a death */
			q->shared->get_lock.word = FUTEX_OWNER_DIED;
			q->shared->put_lock.word = FUTEX_OWNER_DIED;
		}
		(void)!reeve_queue_put(
		    q, bytes, (size_t)rand_r(&seed) % sizeof(bytes), 1, 0);
		switch (rand_r(&seed) % 4) {
		case 0:
			(void)!reeve_queue_get(q, &item, 0);
			break;
		case 1:
			(void)!reeve_queue_get_leased(q, &item, 0);
			(void)!reeve_queue_ack(q, item.lease, REEVE_FOREVER);
			break;
		case 2:
			(void)!reeve_queue_get_leased(q, &item, 0);
			(void)!reeve_queue_give_back(
			    q, item.lease, REEVE_FOREVER);
			break;
		default:
			(void)!reeve_queue_task_done(q, REEVE_FOREVER);
			break;
		}
		reeve_queue_look(q, &state);
	}
	reeve_item_free(&item);
	reeve_queue_free(q);
	return 0;
}

RV_TEST(who_scribbles_breaks_the_queue_and_not_its_users)
{
	struct table *t = new_table(50);

	CU_ASSERT_EQUAL(crew_end(crew_start(scribble, t)), 0);
	free_table(t);
}

#define MEALS 20

static int
get_meals(void *ctx)
{
	struct table *t = ctx;
	struct reeve_item item = { 0 };

	while (reeve_queue_get(t->q, &item, REEVE_FOREVER) == REEVE_OK) {
		crew_add(&t->done);
	}
	return 1;
}

RV_TEST(who_sleeps_gets_its_item_though_others_are_always_quicker)
{
	struct table *t = new_table(5);
	pid_t pid = crew_start(get_meals, t);
	int n, tries = 0;
	uint32_t tag;
	size_t len;

	while (crew_value(&t->done) < MEALS && tries++ < 15 * MEALS) {
		CU_ASSERT_TRUE(crew_asleep(pid));
		CU_ASSERT_EQUAL(put_int(t->q, 1), REEVE_OK);
		/* nearly always there before the one who was woken */
		(void)!reeve_queue_get_into(t->q, &n, sizeof(n), &len, &tag, 0);
	}
	printf("# %d items for %u of them\n", tries, crew_value(&t->done));
	CU_ASSERT(crew_value(&t->done) >= MEALS);
	crew_kill(pid);
	free_table(t);
}

RV_SUITE(queue_crew,
    RV_CASE(who_sleeps_gets_its_item_though_others_are_always_quicker),
    RV_CASE(signals_do_not_end_a_wait),
    RV_CASE(who_is_stopped_in_a_put_makes_others_wait_until_their_time_is_over),
    RV_CASE(loops_put_and_get_and_see_the_end),
    RV_CASE(a_handle_opens_the_same_queue_and_says_who_puts),
    RV_CASE(what_is_no_queue_is_refused),
    RV_CASE(who_scribbles_breaks_the_queue_and_not_its_users))
