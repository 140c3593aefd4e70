/* SPDX-License-Identifier: MIT */
/*
 * Queues in loops: a descriptor that is readable while there is something to
 * get or an end, and at no other time, whoever dies with what; and calls whose
 * peers are stopped at the worst moment.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reeve/queue.h>

#include "ipc/queue_shared.h"
#include "lib/crew.h"
#include "lib/harness.h"

struct scene {
	struct reeve_queue *q;
	uint32_t ready, leased, looked, got, go;
	uint32_t deliveries;
};

static struct scene *
new_scene(void)
{
	struct scene *s = crew_share(sizeof(*s));

	CU_ASSERT_EQUAL_FATAL(reeve_queue_new(&s->q, NULL, NULL), REEVE_OK);
	return s;
}

static void
free_scene(struct scene *s)
{
	reeve_queue_free(s->q);
	crew_unshare(s, sizeof(*s));
}

static enum reeve_status
put(struct scene *s, char what)
{
	return reeve_queue_put(s->q, &what, 1, 0, REEVE_FOREVER);
}

static enum reeve_status
get(struct scene *s, int64_t timeout)
{
	char what;

	return reeve_queue_get_into(s->q, &what, 1, NULL, NULL, timeout);
}

static bool
is_readable(struct scene *s)
{
	struct pollfd p = { .fd = reeve_queue_fd(s->q), .events = POLLIN };

	CU_ASSERT(p.fd >= 0);
	return poll(&p, 1, 0) == 1;
}

/* Until the loop has something to do. */
static bool
becomes_readable(struct scene *s)
{
	struct pollfd p = { .fd = reeve_queue_fd(s->q), .events = POLLIN };

	return p.fd >= 0 && poll(&p, 1, 30000) == 1;
}

static int
hold_a_lease(void *ctx)
{
	struct reeve_item item = { 0 };
	struct scene *s = ctx;

	if (reeve_queue_get_leased(s->q, &item, REEVE_FOREVER) != REEVE_OK) {
		return 1;
	}
	crew_add(&s->leased);
	while (pause() != 0) {
	}
	return 0;
}

RV_TEST(a_lease_keeps_the_end_of_putters_from_being_read)
{
	struct reeve_item item = { 0 };
	struct scene *s = new_scene();

	CU_ASSERT_FALSE(is_readable(s));
	CU_ASSERT_EQUAL(put(s, 'a'), REEVE_OK);
	CU_ASSERT_TRUE(is_readable(s));
	CU_ASSERT_EQUAL(reeve_queue_get_leased(s->q, &item, 0), REEVE_OK);
	reeve_queue_close(s->q);
	for (int i = 0; i < 3; i++) {
		/* the first look may be for the end of the putters */
		CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
		CU_ASSERT_FALSE(is_readable(s));
	}
	CU_ASSERT_EQUAL(reeve_queue_give_back(s->q, item.lease, 0), REEVE_OK);
	CU_ASSERT_TRUE(is_readable(s));
	CU_ASSERT_EQUAL(reeve_queue_get_leased(s->q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	CU_ASSERT_FALSE(is_readable(s));
	CU_ASSERT_EQUAL(reeve_queue_ack(s->q, item.lease, 0), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(is_readable(s));
		CU_ASSERT_EQUAL(get(s, 0), REEVE_EEND);
	}
	reeve_item_free(&item);
	free_scene(s);
}

RV_TEST(a_lease_keeps_a_shutdown_from_being_read)
{
	struct reeve_item item = { 0 };
	struct scene *s = new_scene();

	CU_ASSERT_EQUAL(put(s, 'a'), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get_leased(s->q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_shutdown(s->q, 0), REEVE_OK);
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	CU_ASSERT_FALSE(is_readable(s));
	CU_ASSERT_EQUAL(get(s, REEVE_MS(1)), REEVE_EEMPTY);
	CU_ASSERT_FALSE(is_readable(s));
	CU_ASSERT_EQUAL(reeve_queue_ack(s->q, item.lease, 0), REEVE_OK);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(is_readable(s));
		CU_ASSERT_EQUAL(get(s, 0), REEVE_ECLOSED);
	}
	reeve_item_free(&item);
	free_scene(s);
}

/* The item of a dead one is heard of by one who only polls. */
static void
die_with_a_lease(bool end)
{
	struct reeve_item item = { 0 };
	struct scene *s = new_scene();
	pid_t holder;

	CU_ASSERT_FALSE(is_readable(s));
	holder = crew_start(hold_a_lease, s);
	CU_ASSERT_EQUAL(put(s, 'a'), REEVE_OK);
	CU_ASSERT_TRUE(crew_reached(&s->leased, 1));
	if (end) {
		reeve_queue_close(s->q);
	}
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	/* the holder may put, too */
	CU_ASSERT_FALSE(is_readable(s));
	crew_kill(holder);
	CU_ASSERT_TRUE(becomes_readable(s));
	CU_ASSERT_EQUAL(reeve_queue_get(s->q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.deliveries, 2);
	CU_ASSERT_EQUAL(get(s, 0), end ? REEVE_EEND : REEVE_EEMPTY);
	CU_ASSERT_EQUAL(is_readable(s), end);
	reeve_item_free(&item);
	free_scene(s);
}

RV_TEST(the_lease_of_a_dead_one_is_heard_of_by_who_polls)
{
	die_with_a_lease(false);
	die_with_a_lease(true);
}

/* Takes one on a lease as soon as it can be seen, and lets others look. */
static int
lease_by_polling(void *ctx)
{
	struct reeve_item item = { 0 };
	struct scene *s = ctx;

	crew_add(&s->ready);
	for (;;) {
		if (is_readable(s) &&
		    reeve_queue_get_leased(s->q, &item, 0) == REEVE_OK) {
			break;
		}
		(void)becomes_readable(s);
	}
	if (get(s, 0) != REEVE_EEMPTY) { /* which clears the bell */
		return 1;
	}
	crew_add(&s->leased);
	while (pause() != 0) {
	}
	return 0;
}

RV_TEST(who_polls_hears_of_a_lease_though_another_cleared_the_bell)
{
	struct reeve_item item = { 0 };
	struct scene *s = new_scene();
	pid_t holder;

	CU_ASSERT_FALSE(is_readable(s));
	holder = crew_start(lease_by_polling, s);
	CU_ASSERT_TRUE(crew_reached(&s->ready, 1));
	CU_ASSERT_EQUAL(put(s, 'a'), REEVE_OK);
	CU_ASSERT_TRUE(crew_reached(&s->leased, 1));
	/* it is told once, finds nothing, and watches the other from there */
	CU_ASSERT_TRUE(is_readable(s));
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	CU_ASSERT_FALSE(is_readable(s));
	crew_kill(holder);
	CU_ASSERT_TRUE(becomes_readable(s));
	CU_ASSERT_EQUAL(reeve_queue_get(s->q, &item, 0), REEVE_OK);
	CU_ASSERT_EQUAL(item.deliveries, 2);
	reeve_item_free(&item);
	free_scene(s);
}

static int
get_twice(void *ctx)
{
	struct reeve_item item = { 0 };
	struct scene *s = ctx;

	crew_add(&s->ready);
	if (reeve_queue_get(s->q, &item, REEVE_FOREVER) != REEVE_OK) {
		return 99;
	}
	return (int)item.deliveries;
}

RV_TEST(who_sleeps_in_a_get_hears_of_a_lease_though_another_cleared_the_bell)
{
	struct scene *s = new_scene();
	pid_t sleeper = crew_start(get_twice, s), holder;

	CU_ASSERT_TRUE(crew_reached(&s->ready, 1));
	CU_ASSERT_TRUE(crew_asleep(sleeper));
	/* nobody polled when it fell asleep; now one does, and is quicker */
	CU_ASSERT_EQUAL(kill(sleeper, SIGSTOP), 0);
	CU_ASSERT_EQUAL(waitpid(sleeper, NULL, WUNTRACED), sleeper);
	holder = crew_start(lease_by_polling, s);
	CU_ASSERT_TRUE(crew_reached(&s->ready, 2));
	CU_ASSERT_EQUAL(put(s, 'a'), REEVE_OK);
	CU_ASSERT_TRUE(crew_reached(&s->leased, 1));
	CU_ASSERT_EQUAL(kill(sleeper, SIGCONT), 0);
	CU_ASSERT_TRUE(crew_asleep(sleeper));
	crew_kill(holder);
	CU_ASSERT_EQUAL(crew_end(sleeper), 2);
	free_scene(s);
}

static int
poll_in_a_child(void *ctx)
{
	struct scene *s = ctx;
	int deliveries;
	struct reeve_item item = { 0 };

	if (is_readable(s)) {
		return 1;
	}
	crew_add(&s->ready);
	if (!crew_reached(&s->leased, 1) || !becomes_readable(s)) {
		return 2;
	}
	/* told of the lease at first, perhaps, then of the death */
	for (;;) {
		enum reeve_status st = reeve_queue_get(s->q, &item, 0);

		if (st == REEVE_OK) {
			break;
		}
		if (st != REEVE_EEMPTY) {
			return 3;
		}
		crew_add(&s->looked);
		if (!becomes_readable(s)) {
			return 4;
		}
	}
	deliveries = (int)item.deliveries;
	reeve_item_free(&item);
	return 10 + deliveries;
}

RV_TEST(after_a_fork_both_have_a_descriptor_of_their_own)
{
	struct scene *s = new_scene();
	pid_t child, holder;
	int fd = reeve_queue_fd(s->q);

	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	child = crew_start(poll_in_a_child, s);
	CU_ASSERT_TRUE(crew_reached(&s->ready, 1));
	holder = crew_start(lease_by_polling, s);
	CU_ASSERT_TRUE(crew_reached(&s->ready, 2));
	CU_ASSERT_EQUAL(put(s, 'a'), REEVE_OK);
	CU_ASSERT_TRUE(crew_reached(&s->leased, 1));
	CU_ASSERT_TRUE(crew_reached(&s->looked, 1));
	/* what the child heard it did not take from us */
	CU_ASSERT_EQUAL(reeve_queue_fd(s->q), fd);
	CU_ASSERT_TRUE(is_readable(s));
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	CU_ASSERT_FALSE(is_readable(s));
	crew_kill(holder);
	CU_ASSERT_EQUAL(crew_end(child), 12);
	free_scene(s);
}

/* --- a peer that is stopped ---------------------------------------------- */

/* As one that is stopped within a get; and then it goes on. */
static int
stop_with_get_lock(void *ctx)
{
	struct rv_robust_self *me = rv_robust_self();
	struct scene *s = ctx;

	if (rv_queue_lock_get(s->q, me, RV_FOREVER) != REEVE_OK) {
		return 1;
	}
	(void)raise(SIGSTOP);
	rv_robust_unlock(&s->q->shared->get_lock, me);
	return 0;
}

static int
stop_with_put_lock(void *ctx)
{
	struct rv_robust_self *me = rv_robust_self();
	struct scene *s = ctx;

	if (rv_queue_lock_put(s->q, me, RV_FOREVER) != REEVE_OK) {
		return 1;
	}
	(void)raise(SIGSTOP);
	rv_robust_unlock(&s->q->shared->put_lock, me);
	return 0;
}

static pid_t
stopped(int (*run)(void *), struct scene *s)
{
	pid_t pid = crew_start(run, s);

	CU_ASSERT_EQUAL(waitpid(pid, NULL, WUNTRACED), pid);
	return pid;
}

static void
go_on(pid_t pid)
{
	CU_ASSERT_EQUAL(kill(pid, SIGCONT), 0);
	CU_ASSERT_EQUAL(crew_end(pid), 0);
}

RV_TEST(who_is_stopped_within_a_get_holds_nobody_up_beyond_his_time)
{
	struct reeve_item item = { 0 };
	struct scene *s = new_scene();
	pid_t pid;

	CU_ASSERT_EQUAL(put(s, 'a'), REEVE_OK);
	CU_ASSERT_EQUAL(put(s, 'b'), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get_leased(s->q, &item, 0), REEVE_OK);
	pid = stopped(stop_with_get_lock, s);
	CU_ASSERT_EQUAL(get(s, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_ack(s->q, item.lease, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_give_back(s->q, item.lease, REEVE_MS(1)),
	    REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_task_done(s->q, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_join(s->q, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_shutdown(s->q, 0), REEVE_ETIMEDOUT);
	errno = 0;
	CU_ASSERT_EQUAL(reeve_queue_fd(s->q), -1);
	CU_ASSERT_EQUAL(errno, ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_room_fd(s->q), -1);
	CU_ASSERT_EQUAL(put(s, 'c'), REEVE_OK);
	go_on(pid);
	CU_ASSERT_TRUE(is_readable(s));
	CU_ASSERT_EQUAL(reeve_queue_ack(s->q, item.lease, 0), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_shutdown(s->q, 0), REEVE_OK);
	reeve_item_free(&item);
	free_scene(s);
}

RV_TEST(who_is_stopped_within_a_put_holds_nobody_up_beyond_his_time)
{
	struct reeve_item item = { 0 };
	struct scene *s = new_scene();
	pid_t pid;

	CU_ASSERT_EQUAL(put(s, 'a'), REEVE_OK);
	CU_ASSERT_EQUAL(reeve_queue_get_leased(s->q, &item, 0), REEVE_OK);
	pid = stopped(stop_with_put_lock, s);
	CU_ASSERT_EQUAL(
	    reeve_queue_give_back(s->q, item.lease, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(reeve_queue_shutdown(s->q, 0), REEVE_ETIMEDOUT);
	CU_ASSERT_EQUAL(get(s, 0), REEVE_EEMPTY);
	CU_ASSERT_EQUAL(reeve_queue_fd(s->q), -1);
	CU_ASSERT_EQUAL(reeve_queue_ack(s->q, item.lease, 0), REEVE_OK);
	go_on(pid);
	CU_ASSERT_FALSE(is_readable(s));
	CU_ASSERT_EQUAL(put(s, 'b'), REEVE_OK);
	CU_ASSERT_TRUE(is_readable(s));
	reeve_item_free(&item);
	free_scene(s);
}

RV_SUITE(queue_poll, RV_CASE(a_lease_keeps_the_end_of_putters_from_being_read),
    RV_CASE(a_lease_keeps_a_shutdown_from_being_read),
    RV_CASE(the_lease_of_a_dead_one_is_heard_of_by_who_polls),
    RV_CASE(who_polls_hears_of_a_lease_though_another_cleared_the_bell),
    RV_CASE(
	who_sleeps_in_a_get_hears_of_a_lease_though_another_cleared_the_bell),
    RV_CASE(after_a_fork_both_have_a_descriptor_of_their_own),
    RV_CASE(who_is_stopped_within_a_get_holds_nobody_up_beyond_his_time),
    RV_CASE(who_is_stopped_within_a_put_holds_nobody_up_beyond_his_time))
